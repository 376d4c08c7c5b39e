# The manual of ingest_delivery: every example runs, every object is in it
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('manual');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nshared_preload_libraries = 'ingest'\n");
$node->start;

my $manual = slurp_file('../docs/ingest_delivery.md');
my @examples = $manual =~ /```sql\n(.*?)```/gs;
cmp_ok(scalar @examples, '>=', 3, 'the manual has examples');
my $file = $node->basedir . '/examples.sql';
append_to_file($file, join("\n", @examples));
my ($shown, $complaints) = run_command([ 'psql', '-XAq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', $file ]);
is(join("\n", grep { !/NOTICE:/ } split(/\n/, $complaints)), '', 'every example runs');
my @named = split(/\n/, $node->safe_psql('postgres', q{
	LOAD 'ingest_delivery';
	SELECT proname FROM pg_proc WHERE pronamespace = 'ingest_delivery'::regnamespace
	UNION SELECT relname FROM pg_class WHERE relnamespace = 'ingest_delivery'::regnamespace AND relkind IN ('r', 'v')
	UNION SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'ingest_delivery'::regnamespace AND relkind IN ('r', 'v') AND a.attnum > 0 AND NOT a.attisdropped
	UNION SELECT name FROM pg_settings WHERE name LIKE 'ingest_delivery.%'
	UNION SELECT unnest(proargnames) FROM pg_proc WHERE proname = 'create_sink' AND pronamespace = 'ingest_delivery'::regnamespace}));
is(join(' ', grep { $manual !~ /\b\Q$_\E\b/ } @named), '', 'every function, table, column and setting is in the manual');
my ($reference) = run_command([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', 'reference_delivery.sql' ]);
is(join("\n", grep { index($manual, $_) < 0 } split(/\n/, $reference)), '', "and its tables of them are the catalogue's");
is($node->safe_psql('postgres', q{SELECT string_agg(c.oid::regclass || '.' || a.attname, ', ') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE c.relnamespace = 'ingest_delivery'::regnamespace AND c.relkind IN ('v', 'r') AND a.attnum > 0 AND NOT a.attisdropped AND coalesce(col_description(c.oid, a.attnum), '') = ''}), '', 'every column has a comment');
$node->stop;
done_testing();
