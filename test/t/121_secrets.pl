# What a sync excludes or pseudonymises is nowhere: a canary of every type, in every such column, is looked for in all that
# the database holds and in all that the server said, after loads, updates, deletions, rejected rows, comparisons and errors
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use Psql;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{INGEST_SEED} // time() & 0xffff;
srand($seed);
note("INGEST_SEED=$seed");

my $node = PostgreSQL::Test::Cluster->new('secrets');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nlog_min_messages = debug5\nlog_statement = none\nstatement_timeout = 120s\n");
$node->start;
# the source is a server of its own, whose log is not looked at
my $there = PostgreSQL::Test::Cluster->new('there');
$there->init;
$there->append_conf('postgresql.conf', "fsync = off\n");
$there->start;
my $p = 'postgres';
sub sql { return $node->safe_psql($p, $_[0]); }
sub world { return $there->safe_psql($p, $_[0]); }
sub said { my ($code, $out, $err) = $node->psql($p, $_[0]); return $out . $err; }

# -- a canary of each type: how it is written there, and what of it would be found --

my $n = 1;
sub digits { return 300000000 + 7919 * $n++ + int(rand(1000)) * 1000000 % 90000000; }
my %canary = (
	text => sub { my $x = 'canary' . digits(); return ("'$x'", $x) },
	varchar => sub { my $x = 'canary' . digits(); return ("'$x'", $x) },
	'char(24)' => sub { my $x = 'canary' . digits(); return ("'$x'", $x) },
	name => sub { my $x = 'canary' . digits(); return ("'$x'", $x) },
	integer => sub { my $x = digits(); return ($x, $x) },
	bigint => sub { my $x = digits() . digits(); return ($x, $x) },
	numeric => sub { my $x = digits() . '.' . digits(); return ($x, $x) },
	'double precision' => sub { my $x = digits() . '.5'; return ($x, $x) },
	money => sub { my $x = digits(); (my $y = $x) =~ s/^(\d+)(\d{3})(\d{3})$/$1,$2,$3/; return ("'$x'", $y) },
	bytea => sub { my $x = 'canary' . digits(); return ("'$x'", unpack('H*', $x)) },
	uuid => sub { my $x = '00000000-0000-4000-8000-' . substr(digits() . '000000', 0, 12); return ("'$x'", $x) },
	json => sub { my $x = 'canary' . digits(); return ("'{\"a\": \"$x\"}'", $x) },
	jsonb => sub { my $x = 'canary' . digits(); return ("'{\"a\": \"$x\"}'", $x) },
	xml => sub { my $x = 'canary' . digits(); return ("'<a>$x</a>'", $x) },
	'text[]' => sub { my $x = 'canary' . digits(); return ("'{a,$x}'", $x) },
	inet => sub { my $x = join('.', 10, map { 100 + int(rand(150)) } 1 .. 3); return ("'$x'", $x) },
	macaddr => sub { my $x = join(':', map { sprintf '%02x', 17 + int(rand(200)) } 1 .. 6); return ("'$x'", $x) },
	date => sub { my $x = 1500 + $n++ . '-11-23'; return ("'$x'", $x) },
	timestamp => sub { my $x = 1500 + $n++ . '-11-23'; return ("'$x 12:34:56'", $x) },
	timestamptz => sub { my $x = 1500 + $n++ . '-11-23'; return ("'$x 12:34:56+00'", $x) },
	time => sub { my $x = sprintf '12:34:56.%06d', digits() % 1000000; return ("'$x'", $x) },
	interval => sub { my $x = digits() % 90000 + 10000; return ("'$x years'", "$x years") },
	int4range => sub { my $x = digits(); return ("'[$x," . ($x + 1) . ")'", $x) },
	tsvector => sub { my $x = 'canary' . digits(); return ("'$x'", $x) },
	bit => sub { my $x = unpack('B64', pack 'NN', digits(), digits()); return ("B'$x'", $x) });
$canary{"bit(64)"} = delete $canary{bit};
my @types = sort keys %canary;
my @found;
sub canary { my ($literal, $found) = $canary{ $_[0] }->(); push @found, $found; return $literal; }
sub row { my ($id, $v) = @_; return "($id, '$v', clock_timestamp(), " . join(', ', map { canary($_) } @types, @types) . ", " . ($id % 9 == 0 ? canary('text') : "'1'") . ", '1', false)"; }

my @x = map { "x$_" } 0 .. $#types;
my @h = map { "h$_" } 0 .. $#types;
my $columns = join(', ', (map { "x$_ $types[$_]" } 0 .. $#types), (map { "h$_ $types[$_]" } 0 .. $#types));
world("CREATE TABLE person (id int PRIMARY KEY, v text, changed timestamptz NOT NULL, $columns, odd text, fits text, gone boolean)");
world('INSERT INTO person VALUES ' . row($_, "v$_")) for 1 .. 40;

# -- the copy --

my $key = $node->data_dir . '/pseudonym.key';
append_to_file($key, 'an odd key that is nowhere else to be found');
my ($host, $port) = ($there->host, $there->port);
(my $local = $columns) =~ s/xml/text/g;
sql("CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE SCHEMA ft; CREATE SCHEMA books;
	CREATE SERVER there FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname '$p'); CREATE USER MAPPING FOR CURRENT_USER SERVER there;
	CREATE FOREIGN TABLE ft.person (id int, v text, changed timestamptz, $local, odd integer, fits integer, gone boolean) SERVER there OPTIONS (schema_name 'public', table_name 'person');
	UPDATE ingest.connector SET tables_function = NULL WHERE wrapper = 'postgres_fdw';
	SELECT ingest.register_source('there', 'there', schema => 'ft', remote_schemas => '{}'); CALL ingest.crawl('there')");
my $exclude = join(',', @x, 'gone');
my $hash = join(',', @h);
sub sync_of
{
	my ($name, $more) = @_;
	return "SELECT ingest.create_sync('ft.person', 'books.$name', key => '{id}', name => '$name', exclude => '{$exclude}', pseudonymise => '{$hash,odd}', pseudonym_key => 'file:$key', history => true, row_events => true, profile => 'all', reject_limit => 1, $more)";
}
# values of odd are no integers: each row is rejected, and the error would quote a value that is pseudonymised
sql(sync_of('odd', "cursor_column => 'changed'"));
like(said("CALL ingest.sync('odd')"), qr/succeeded with rejected rows/, 'values that do not fit are rejected');
is(sql("SELECT count(*) > 0 FROM ingest.rejected_row"), 't', 'one by one');
is(sql("SELECT DISTINCT reason FROM ingest.rejected_row"), 'reading ft.person failed with SQLSTATE 22P02; its message is withheld, since it may quote a column of sync "odd" that is excluded or pseudonymised', 'and it is not told which they are');
sql("SELECT ingest.drop_sync('odd'); DROP TABLE books.odd; ALTER FOREIGN TABLE ft.person ALTER COLUMN odd TYPE text; CALL ingest.crawl('there')");
sql(sync_of('whole', "mode => 'full'"));
sql(sync_of('person', "cursor_column => 'changed', deletions => 'soft', deleted_when => 'gone OR x0::text = ''nothing'''"));
unlike(said("SELECT * FROM ingest.explain_sync('person')"), qr/ERROR/, 'explained');
for my $sync ('whole', 'person')
{
	unlike(said("CALL ingest.sync('$sync')"), qr/ERROR/, "$sync: loaded");
	is(sql("SELECT count(*) FROM books.$sync"), world('SELECT count(*) FROM person' . ($sync eq 'person' ? ' WHERE NOT gone' : '')), 'all of it');
	# edits, deletions, values that do not fit, constraints of the user's, a load again
	world("INSERT INTO person VALUES " . row($_, 'new')) for $sync eq 'whole' ? (41 .. 43) : (51 .. 53);
	world("UPDATE person SET v = 'edit', changed = clock_timestamp(), x0 = DEFAULT, h$_ = " . canary($types[$_]) . ' WHERE id = ' . (5 + $_)) for 0 .. $#types;
	world("UPDATE person SET fits = 'no integer', changed = clock_timestamp() WHERE id = 3; DELETE FROM person WHERE id = " . ($sync eq 'whole' ? 1 : 2) . "; UPDATE person SET gone = true, changed = clock_timestamp() WHERE id = 4");
	sql("ALTER TABLE books.$sync ADD CONSTRAINT few CHECK (v <> 'refused'), ADD COLUMN mine text");
	world("UPDATE person SET v = 'refused', changed = clock_timestamp() WHERE id = 6");
	unlike(said("UPDATE ingest.sync_state SET last_reconcile = NULL; CALL ingest.sync('$sync')"), qr/ERROR/, 'changes');
	world("UPDATE person SET fits = '1', changed = clock_timestamp() WHERE id = 3; UPDATE person SET v = 'taken', changed = clock_timestamp() WHERE id = 6");
	said("CALL ingest.redrive('$sync')");
	said("SELECT ingest.reload('$sync'); CALL ingest.sync('$sync')");
	said("SELECT * FROM ingest.verify('$sync')");
	said("SELECT count(*) FROM ingest.as_of(NULL::books.$sync, clock_timestamp()); SELECT * FROM ingest.suggest_rules('books.$sync'); SELECT ingest.profile('books.$sync')");
}
said("SELECT ingest.profile('ft.person'); SELECT * FROM ingest.suggest_rules('ft.person')");
is(sql("SELECT count(*) FROM ingest.profile_stats WHERE table_name = 'person' AND schema_name = 'ft' AND column_name ~ '^[xh]\\d'"), '0', 'a profile of the source leaves them out');
is(sql("SELECT count(*) > 0 FROM ingest.profile_stats WHERE table_name = 'person' AND schema_name = 'ft'"), 't', 'and has the others');
# errors in the condition, in the source's own words, in what verifies and explains
world("ALTER TABLE person ALTER COLUMN fits TYPE text USING h0::text; UPDATE person SET changed = clock_timestamp()");
said("CALL ingest.sync('person')");
said("SELECT * FROM ingest.verify('person')");
said("CALL ingest.sync('whole')");
like(sql("SELECT string_agg(DISTINCT state, ' ') FROM ingest.run WHERE kind = 'sync'"), qr/failed|succeeded with/, 'some of it failed');

# -- where is it? --

my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr($p), '-f', $dump ], 'all that there is');
my $all = slurp_file($dump);
my $log = slurp_file($node->logfile);
cmp_ok(length($log), '>', 100_000, 'the log is full of words');
cmp_ok(length($all), '>', 100_000, 'so is the dump');
my %seen;
my @leaks = grep { index($all, $_) >= 0 } @found;
is("@leaks", '', 'no canary of ' . @found . ' in any relation') or diag(join("\n", map { my $l = $_; grep { index($_, $l) >= 0 } split /\n/, $all } @leaks[0 .. ($#leaks > 3 ? 3 : $#leaks)]));
@leaks = grep { index($log, $_) >= 0 } @found;
is("@leaks", '', 'nor in the log') or diag(join("\n", map { my $l = $_; grep { index($_, $l) >= 0 } split /\n/, $log } @leaks[0 .. ($#leaks > 3 ? 3 : $#leaks)]));
unlike($all . $log, qr/an odd key that is nowhere/, 'nor the key');
# it could have been found
sql('CREATE TABLE found AS SELECT ' . join(', ', @x, @h) . ' FROM ft.person');
$node->command_ok([ 'pg_dump', '-d', $node->connstr($p), '-t', 'found', '-f', $dump ], 'a table that has them');
$all = slurp_file($dump);
my %there = map { $_ => 1 } grep { index($all, $_) >= 0 } @found;
cmp_ok(scalar(keys %there), '>', @found / 2, 'is one in which they are found');
done_testing();
