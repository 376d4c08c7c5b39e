# The manual of ingest: every example runs, every object is in it
use strict;
use warnings;
use lib 't';
use Book;
use PostgreSQL::Test::Utils;
use Test::More;

# examples run as t/142_book.pl runs them; what they leave is looked at here
my $book = Book->open('manual');
my $node = $book->{node};
my $manual = slurp_file('../docs/ingest.md');
my $page = read_page('../docs/ingest.md');
cmp_ok(scalar @{ $page->{examples} }, '>', 8, 'the manual has examples');
my ($shown, @complaints) = $book->run_page($page, {});
is(join("\n", @complaints), '', 'every example runs');
like($shown, qr/update\|\{"id": 7\}\|Customer 7\|Renamed/, 'history shows the edit');
like($shown, qr/books.customer\|ready\|500\|500\|succeeded/, 'the copy is there');

my @named = split(/\n/, $node->safe_psql('postgres', q{
	SELECT proname FROM pg_proc WHERE pronamespace = 'ingest'::regnamespace
	UNION SELECT relname FROM pg_class WHERE relnamespace = 'ingest'::regnamespace AND relkind IN ('r', 'p', 'v') AND relname !~ '^change_\d+$'
	UNION SELECT a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = 'ingest'::regnamespace AND relkind IN ('r', 'p', 'v') AND relname !~ '^change_\d+$'
		AND a.attnum > 0 AND NOT a.attisdropped
	UNION SELECT type FROM ingest.event_type
	UNION SELECT name FROM pg_settings WHERE name LIKE 'ingest.%'
	UNION SELECT unnest(proargnames) FROM pg_proc WHERE proname = 'create_sync' AND pronamespace = 'ingest'::regnamespace}));
is(join(' ', grep { $manual !~ /\b\Q$_\E\b/ } @named), '', 'every function, table, column, event and setting is in the manual');

my ($reference) = run_command([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', 'reference.sql' ]);
is(join("\n", grep { index($manual, $_) < 0 } split(/\n/, $reference)), '', "and its tables of them are the catalogue's");

# what it says of events holds for those that were just written
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT e.type || ' ' || k, ', ') FROM ingest.event e JOIN ingest.event_type t USING (type),
	jsonb_array_elements_text(t.schema->'required') k WHERE NOT e.data ? k}), '', 'events are as their schemas say');
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT type, ', ') FROM ingest.event WHERE type LIKE 'ingest.%' AND type NOT IN (SELECT type FROM ingest.event_type)}), '', 'and have one');

# the runbook's queries
my @runbook = slurp_file('../docs/runbook.md') =~ /```sql\n(.*?)```/gs;
my $statements = $node->basedir . '/runbook.sql';
append_to_file($statements, join("\n", @runbook));
my $complaints;
($shown, $complaints) = run_command([ 'psql', '-XAq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', $statements ]);
is($complaints, '', 'so do the queries of the runbook');
$node->stop;
done_testing();
