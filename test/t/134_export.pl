# Exports: a lake has what its copy has, each version of a row once, whoever is killed, dropped or restored. What is in the
# lake DuckDB says, by the files that its log names; what must be there, the copy and its history
use strict;
use warnings;
use File::Path qw(make_path);
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Duck;
use Sandbox;
use Test::More;
use Time::HiRes qw(usleep);

plan skip_all => 'readers of Parquet from npm come with make check' unless $ENV{NODE_PATH} && -d "$ENV{NODE_PATH}/\@duckdb/node-api";
my $node = PostgreSQL::Test::Cluster->new('export');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', "fsync = off\njit = off\ntimezone = 'Europe/Berlin'\nrestart_after_crash = on\nstatement_timeout = 120s\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub said { my ($code, $out, $err) = $node->psql('postgres', $_[0]); return $err; }
sub there { return $node->safe_psql('there', $_[0]); }
my $root = $node->basedir . '/lake';
make_path($root);
duck_start("$root.err");
my $json = JSON::PP->new->utf8->allow_nonref->canonical;

# -- what is in a lake, by its log alone --

sub versions { my ($name) = @_; return sort grep { m{/\d{20}\.json$} } glob("$root/$name/_delta_log/*"); }
sub live
{
	my ($name) = @_;
	my %files;
	for my $action (map { map { $json->decode($_) } split /\n/, slurp_file($_) } versions($name))
	{
		$files{ $action->{add}{path} } = 1 if $action->{add};
		(delete $files{ $action->{remove}{path} } or die "$action->{remove}{path} was not there") if $action->{remove};
	}
	return sort map { "$root/$name/$_" } keys %files;
}
sub in_lake
{
	my ($name, $what, $more) = @_;
	my @files = live($name);
	return '' unless @files;
	return join "\n", map { join '|', map { $_ // '' } @$_ }
	  @{ duck("SELECT $what FROM read_parquet([" . join(', ', map { "'$_'" } @files) . "], hive_partitioning = true) " . ($more // '')) };
}
my $columns = 'id::VARCHAR, customer, amount::VARCHAR, day::VARCHAR, year::VARCHAR';
sub same_state
{
	my ($what, $lake) = @_;
	is(in_lake($lake // 'orders', $columns, 'ORDER BY id'), sql('SELECT id, customer, amount, day, extract(year FROM day) FROM books.orders ORDER BY id'), $what);
}
# each version of history once, and what they come to is the copy
sub same_changes
{
	my ($what) = @_;
	my $copy = sql('SELECT id, customer, amount, day FROM books.orders ORDER BY id');
	is(in_lake('changes', 'count(*) - count(DISTINCT _seq) - count(*) FILTER (_seq IS NULL)'), '0', "$what: no version twice");
	is(in_lake('changes', "string_agg(_seq::VARCHAR, ',' ORDER BY _seq)"), sql('SELECT string_agg(seq::text, \',\' ORDER BY seq) FROM ingest.change'), "$what: all of history");
	is(in_lake('changes', 'id::VARCHAR, customer, amount::VARCHAR, day::VARCHAR', "QUALIFY row_number() OVER (PARTITION BY id ORDER BY _seq DESC NULLS LAST) = 1 AND _change_type <> 'delete' ORDER BY id"), $copy, "$what: which come to the copy");
}

# -- a source, its copy, and lakes --

$node->safe_psql('postgres', 'CREATE DATABASE there');
there("CREATE TABLE orders (id bigint PRIMARY KEY, customer text, amount numeric(12,2), day date);
	INSERT INTO orders SELECT i, 'customer ' || i % 7, i * 1.25, date '2024-01-01' + i FROM generate_series(1, 900) i");
my $host = $node->host;
my $port = $node->port;
sql("CREATE EXTENSION ingest CASCADE; CREATE EXTENSION files_fdw; CREATE EXTENSION postgres_fdw; CREATE SCHEMA books; CREATE SCHEMA lake;
	CREATE SERVER there FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'there');
	CREATE USER MAPPING FOR CURRENT_USER SERVER there;
	CREATE SERVER lake FOREIGN DATA WRAPPER files_fdw OPTIONS (root '$root', writable 'on')");
sql("SELECT ingest.register_source('shop', 'there', schema => 'shop'); CALL ingest.crawl('shop')");
sql("SELECT ingest.create_sync('shop.orders', 'books.orders', mode => 'full', key => '{id}', history => true, max_delete_share => 1)");
my $data = 'id bigint, customer text, amount numeric(12,2), day date';
sub table { my ($name, $more) = @_; sql("CREATE FOREIGN TABLE lake.$name ($data$more) SERVER lake OPTIONS (path '$name', format 'parquet', layout 'delta')"); }
table('orders', ", year int OPTIONS (partition 'year')");
table('changes', ', _change_type text, _seq bigint, _seen_at timestamptz');
table('whole', '');
my $year = q({"year": "extract(year FROM day)"});

# -- what is refused --

like(said("SELECT ingest.create_export('books.orders', 'lake.orders')"), qr/nothing is known for column year of lake lake.orders\nDETAIL:  books.orders has no column of that name/, 'a column of which nothing is known');
like(said(qq(SELECT ingest.create_export('books.orders', 'lake.orders', expressions => '{"year": "1", "yaer": "1"}'))), qr/has no column "yaer" that could be written/, 'an expression for none');
like(said(qq(SELECT ingest.create_export('books.orders', 'lake.orders', expressions => '{"year": "day"}'))), qr/column "year" is of type integer but expression is of type date/, 'or of another type');
sql("CREATE FOREIGN TABLE lake.misfit (id int, amount numeric(12,1)) SERVER lake OPTIONS (path 'misfit', format 'parquet', layout 'delta')");
like(said("SELECT ingest.create_export('books.orders', 'lake.misfit')"), qr/column id of lake lake.misfit is of type integer, and that of books.orders of type bigint/, 'a type in which values might be others');
like(said("SELECT ingest.create_export('shop.orders', 'lake.whole', 'state')"), qr/shop.orders is not a copy with history/, 'what has no history');
like(said("SELECT ingest.create_export('books.orders', 'books.orders')"), qr/books.orders is not the table of a lake/, 'what is no lake');
like(said("SELECT ingest.create_export('books.orders', 'lake.whole', 'all')"), qr/there is no mode "all" of exports/, 'no such mode');
for my $unsettled ('extract(year FROM now())', 'extract(year FROM current_date)', 'random() * 9', '(SELECT max(extract(year FROM x.day)) FROM books.orders x)')
{
	like(said(qq(SELECT ingest.create_export('books.orders', 'lake.orders', expressions => '{"year": "$unsettled"}'))), qr/the folder of a row of lake lake.orders may change over time/, "a folder that the row does not decide: $unsettled");
}
is(sql("SELECT ingest.create_export('books.orders', 'lake.orders', expressions => '$year')"), 'books.orders', 'an export has the name of what it exports');
like(said("SELECT ingest.create_export('books.orders', 'lake.orders', name => 'second', expressions => '$year')"), qr/or one into lake.orders, already/, 'a lake has one');
sql("CREATE FOREIGN TABLE lake.same ($data, year int OPTIONS (partition 'year')) SERVER lake OPTIONS (path 'orders', format 'parquet', layout 'delta')");
like(said("SELECT ingest.create_export('books.orders', 'lake.same', name => 'same', expressions => '$year', replace => true)"), qr/or one into lake.same, already/, 'by whichever foreign table');
sql('DROP FOREIGN TABLE lake.same');
like(said("CALL ingest.export('books.orders')"), qr/books.orders has not been loaded yet/, 'what was not loaded is not exported');
sql("CALL ingest.sync('books.orders')");
sql("SELECT ingest.create_export('books.orders', 'lake.changes', 'changes', name => 'changes'); SELECT ingest.create_export('books.orders', 'lake.whole', 'snapshot', name => 'whole')");

# -- the state, folder by folder --

like(said("CALL ingest.export('books.orders')"), qr/export "books.orders" writes the whole table: it is the first time/, 'the first run writes all');
same_state('which is in the lake');
said("CALL ingest.export('books.orders')");
is(scalar(my @v = versions('orders')), 1, 'nothing new is no version');
my %before = map { $_ => 1 } live('orders');
there("UPDATE orders SET amount = 0 WHERE id = 5; UPDATE orders SET day = '2031-01-01' WHERE id = 6; DELETE FROM orders WHERE id = 7; INSERT INTO orders VALUES (1000, NULL, NULL, NULL)");
sql("CALL ingest.sync('books.orders'); CALL ingest.export('books.orders')");
same_state('what changed, moved to another folder, went and came');
is(join(' ', sort map { /year=([^\/]+)/ } grep { !$before{$_} } live('orders')), '2024 2031 __HIVE_DEFAULT_PARTITION__', 'only folders that it touches are written');
is(sql("SELECT count(*), sum(amount) FROM lake.orders"), sql("SELECT count(*), sum(amount) FROM books.orders"), 'and read here');
is(sql("SELECT rows_written, rows_replaced, last_state FROM ingest.export_status WHERE export = 'books.orders'"), '365|365|succeeded', 'the run says how many');

# -- changes: each once --

like(said("CALL ingest.export('changes')"), qr/writes the whole table/, 'changes begin with history');
same_changes('first');
there("UPDATE orders SET amount = amount + 1 WHERE id % 100 = 0; DELETE FROM orders WHERE id = 8");
sql("CALL ingest.sync('books.orders'); CALL ingest.export('changes'); CALL ingest.export('changes')");
same_changes('then');
is(in_lake('changes', "count(*)", "WHERE _change_type = 'delete'"), '2', 'what was deleted is there as it was');
sql("ALTER FOREIGN TABLE lake.misfit ALTER id TYPE bigint; SELECT ingest.create_export('books.orders', 'lake.misfit', 'snapshot', name => 'misfit')");
like(said("CALL ingest.export('misfit')"), qr/value \d+\.\d5 of column "amount" has more digits than the lake/, 'nothing is rounded');
is(scalar(my @none = versions('misfit')), 0, 'nor anything of it written');
sql("SELECT ingest.drop_export('misfit'); CALL ingest.export('whole'); CALL ingest.export('whole')");
is(in_lake('whole', 'count(*), sum(amount)::VARCHAR'), sql('SELECT count(*), sum(amount) FROM books.orders'), 'a snapshot is the table');
is(scalar(@v = versions('whole')), 2, 'each time');

# -- the lake is ahead: the server ended between its commit and its own --

sub forgotten { my ($name, $what) = @_; my $was = sql("SELECT format('UPDATE ingest.export SET (app, mark, shape, exported_at) = (%L, %L, %L, %L) WHERE name = %L', app, mark, shape, exported_at, name) FROM ingest.export WHERE name = '$name'"); $what->(); sql($was); }
forgotten('changes', sub { there('UPDATE orders SET amount = 1 WHERE id = 9'); sql("CALL ingest.sync('books.orders'); CALL ingest.export('changes')"); });
forgotten('books.orders', sub { sql("CALL ingest.export('books.orders')"); });
there('UPDATE orders SET amount = 2 WHERE id = 10');
sql("CALL ingest.sync('books.orders'); CALL ingest.export('changes'); CALL ingest.export('books.orders')");
same_changes('what the lake had already');
same_state('and of the state');

# -- versions that were seen before the last run are new all the same: their run was not done, or a clock was set back --

there('UPDATE orders SET amount = 3 WHERE id = 11');
sql("UPDATE ingest.export SET exported_at = now() + interval '1 hour'; CALL ingest.sync('books.orders'); CALL ingest.export('changes'); CALL ingest.export('books.orders')");
same_changes('seen before');
same_state('seen before');

# -- a first run that was published and is not known here --

table('first', ', _change_type text, _seq bigint, _seen_at timestamptz');
sql("SELECT ingest.create_export('books.orders', 'lake.first', 'changes', name => 'first')");
forgotten('first', sub { sql("CALL ingest.export('first')"); });
is(said("CALL ingest.export('first')"), '', 'is gone on from');
is(in_lake('first', 'count(*), count(DISTINCT _seq)'), in_lake('changes', 'count(*), count(DISTINCT _seq)'), 'with nothing twice');

# -- the lake is older: it was restored from a copy --

sub saved { my ($name) = @_; system_or_bail('rm', '-rf', "$root.$name"); system_or_bail('cp', '-a', "$root/$name", "$root.$name"); }
sub restored { my ($name) = @_; system_or_bail('rm', '-rf', "$root/$name"); system_or_bail('cp', '-a', "$root.$name", "$root/$name"); }
my $had = sql("SELECT mark FROM ingest.export WHERE name = 'first'");
is(sql("SELECT mark FROM ingest.export WHERE name = 'books.orders'"), $had, 'lakes are as far');
saved($_) for 'first', 'orders';
there('UPDATE orders SET amount = 4 WHERE id = 12');
sql("CALL ingest.sync('books.orders'); CALL ingest.export('changes'); CALL ingest.export('first'); CALL ingest.export('books.orders')");
restored($_) for 'first', 'orders';
sql("CREATE TABLE version AS SELECT * FROM ingest.change WHERE seq = $had; DELETE FROM ingest.change WHERE seq = $had");
like(said("CALL ingest.export('first')"), qr/changes of books.orders can no longer be written to lake lake.first\nDETAIL:  The lake is older than what was exported last/, 'what came after it may be gone');
like(said("CALL ingest.export('books.orders')"), qr/writes the whole table: the lake is older than what was exported last/, 'a state is written anew');
same_state('after a lake that was older');
sql('INSERT INTO ingest.change SELECT * FROM version; DROP TABLE version');
is(said("CALL ingest.export('first')"), '', 'where history is there, it is followed');
is(in_lake('first', 'count(*), count(DISTINCT _seq)'), in_lake('changes', 'count(*), count(DISTINCT _seq)'), 'once');

# -- two at once --

my ($in, $out) = ('', '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', "$root.session");
sub told { my ($statement) = @_; $out = ''; $in .= "$statement;\nSELECT 'that is all';\n"; $session->pump until $out =~ s/that is all\n//; return $out; }
told('BEGIN; LOCK TABLE books.orders IN ACCESS EXCLUSIVE MODE');
my ($out2, $err2) = ('', '');
my $second = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "CALL ingest.export('whole')" ], '<', '/dev/null', '>', \$out2, '2>', \$err2);
poll_until($node, 'postgres', "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'books.orders'::regclass)");
like(said("CALL ingest.export('whole')"), qr/export "whole" is already running/, 'a second run of an export is refused');
told('CREATE TEMP TABLE kept AS TABLE books.orders; TRUNCATE books.orders; INSERT INTO books.orders TABLE kept; COMMIT');
$second->finish;
is($err2, '', 'the first goes on');
is(in_lake('whole', 'count(*)'), sql('SELECT count(*) FROM books.orders'), 'and sees the rows of a table that was filled anew while it waited');
told('BEGIN; LOCK TABLE books.orders IN ACCESS EXCLUSIVE MODE');
$second = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "CALL ingest.export('first')" ], '<', '/dev/null', '>', \$out2, '2>', \$err2);
poll_until($node, 'postgres', "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'books.orders'::regclass)");
sql("SELECT ingest.drop_export('first')");
told('COMMIT');
$second->finish;
like($err2, qr/export "first" is gone\nDETAIL:  It was dropped while it ran/, 'one that is dropped meanwhile publishes nothing');

# -- kills at random moments --

for my $i (1 .. 5)
{
	there("UPDATE orders SET amount = amount + 1, day = day + (id % 3)::int WHERE id % 17 = $i; DELETE FROM orders WHERE id = 20 + $i");
	sql("CALL ingest.sync('books.orders')");
	for my $name ('changes', 'books.orders')
	{
		my ($pid) = (told('SELECT pg_backend_pid()') =~ /(\d+)/);
		$in .= "CALL ingest.export('$name');\n";
		for (my $waited = 0; $waited < 5000 && slurp_file("/proc/$pid/cmdline") !~ /CALL/; $waited++) { $session->pump_nb; usleep(1000); }
		usleep(rand(60000));
		kill_backend($node, $pid);
		eval { $session->finish; };
		($in, $out) = ('', '');
		$session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', "$root.session");
	}
	said("CALL ingest.export('changes')") if $i % 2;
}
sql("CALL ingest.export('changes'); CALL ingest.export('books.orders')");
same_changes('after kills');
same_state('after kills');

# -- the source's table changes --

there('ALTER TABLE orders ADD COLUMN note text; UPDATE orders SET note = \'n\' || id WHERE id < 100');
sql("CALL ingest.crawl('shop'); CALL ingest.sync('books.orders'); CALL ingest.export('books.orders')");
is(sql("SELECT last_state FROM ingest.export_status WHERE export = 'books.orders'"), 'succeeded with new columns', 'a column that the lake does not have is said');
sql('ALTER FOREIGN TABLE lake.orders ADD COLUMN note text');
like(said("CALL ingest.export('books.orders')"), qr/writes the whole table: its columns changed/, 'one that it gets is filled');
is(in_lake('orders', 'count(note)'), sql('SELECT count(note) FROM books.orders'), 'of all rows');
sql('ALTER TABLE books.orders DROP COLUMN note CASCADE');
like(said("CALL ingest.export('books.orders')"), qr/nothing is known for column note of lake lake.orders/, 'one that goes stops it');
sql("ALTER FOREIGN TABLE lake.orders DROP COLUMN note; SELECT ingest.drop_sync('books.orders')");
like(said("CALL ingest.export('books.orders')"), qr/books.orders is not a copy with history/, 'a copy that is none any more');
there('ALTER TABLE orders DROP COLUMN note');
sql("CALL ingest.crawl('shop'); SELECT ingest.create_sync('shop.orders', 'books.orders', mode => 'full', key => '{id}', history => true, adopt => true, max_delete_share => 1); CALL ingest.sync('books.orders')");
like(said("CALL ingest.export('changes')"), qr/changes of books.orders can no longer be written to lake lake.changes\nDETAIL:  History is not known since/, 'changes that are not known are not left out in silence');
like(said("CALL ingest.export('books.orders')"), qr/writes the whole table: history does not reach back/, 'a state is written anew');
same_state('and is right');
sql("SELECT ingest.drop_export('changes')");
like(said("SELECT ingest.create_export('books.orders', 'lake.changes', 'changes', name => 'changes')"), qr/lake lake.changes already has rows/, 'what others wrote is not replaced');
sql("SELECT ingest.create_export('books.orders', 'lake.changes', 'changes', name => 'changes', replace => true); CALL ingest.export('changes')");
same_changes('begun anew');
is(sql("SELECT replaces FROM ingest.export WHERE name = 'changes'"), 'f', 'what others write from then on does not go');

# -- another era: a restored repository writes all, and the one before it nothing any more --

my $app = sql("SELECT app FROM ingest.export WHERE name = 'books.orders'");
sql('UPDATE ingest.installation SET era = era + 1');
like(said("CALL ingest.export('books.orders')"), qr/writes the whole table: a new era of the repository has begun/, 'a new era');
same_state('is written whole');
sql('UPDATE ingest.installation SET era = era - 1');
like(said("CALL ingest.export('books.orders')"), qr/lake lake.orders is written by another installation of this repository now/, 'and the old one writes no more');
sql('UPDATE ingest.installation SET era = era + 1');
sql("CALL ingest.export('books.orders')");
forgotten('books.orders', sub {
	sql("UPDATE ingest.installation SET era = era + 5; UPDATE ingest.export SET app = '$app' WHERE name = 'books.orders'");
	like(said("CALL ingest.export('books.orders')"), qr/lake lake.orders is written by another installation of this repository now/, 'nor does a second one that was restored from the same copy');
	sql('UPDATE ingest.installation SET era = era - 5');
});
is(said("CALL ingest.export('books.orders')"), '', 'the first one goes on');

# -- whose it is --

sql("CREATE ROLE etl LOGIN; CREATE ROLE other LOGIN; GRANT ingest_operator TO etl, other; GRANT USAGE ON SCHEMA books, lake TO etl, other; GRANT ALL ON lake.whole TO etl;
	CREATE TABLE books.mine (id bigint, customer text, amount numeric(12,2), day date); INSERT INTO books.mine VALUES (1, 'etl', 1, NULL), (2, 'secret', 2, NULL);
	ALTER TABLE books.mine ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON books.mine USING (customer = current_user); GRANT SELECT ON books.mine TO etl; SELECT ingest.drop_export('whole')");
sub said_as { my ($role, $statement) = @_; my ($code, $out, $err) = $node->psql('postgres', $statement, extra_params => [ '-U', $role ]); return "$out$err"; }
like(said_as('other', "SELECT ingest.create_export('books.mine', 'lake.whole', replace => true)"), qr/permission denied/, 'who may not read it exports nothing');
like(said_as('etl', "SELECT ingest.create_export('books.orders', 'lake.whole', 'state', name => 'theirs', replace => true)"), qr/must be owner of books.orders/, 'the history of a copy is its owner\'s');
is(said_as('etl', "SELECT ingest.create_export('books.mine', 'lake.whole', replace => true)"), "books.mine", 'who may, does');
sql("CALL ingest.export('books.mine')");
is(in_lake('whole', 'customer'), 'etl', 'and shows what the export\'s owner sees, whoever calls');
is(said_as('other', "SELECT count(*) FROM ingest.export_status"), '0', 'others do not see it');
like(said_as('other', "CALL ingest.export('books.mine')"), qr/there is no export "books.mine"/, 'nor run it');
sql('REVOKE TRUNCATE ON lake.whole FROM etl');
like(said("CALL ingest.export('books.mine')"), qr/permission denied for foreign table lake.whole\n.*GRANT SELECT, INSERT, DELETE, TRUNCATE ON lake.whole TO etl/s, 'who may not write the lake any more writes nothing');
sql('DROP OWNED BY etl; DROP ROLE etl');
like(said("CALL ingest.export('books.mine')"), qr/the owner etl of export "books.mine" is gone\nHINT:  SELECT \* FROM ingest.reassign/, 'an owner who is gone');
like(sql("SELECT trouble FROM ingest.export_status WHERE export = 'books.mine'"), qr/its owner etl is gone/, 'which its state says');
like(sql("SELECT * FROM ingest.reassign('-', CURRENT_USER::regrole, called => 'etl')"), qr/^export\|books.mine/m, 'what was theirs is handed over');
sql("CALL ingest.export('books.mine')");
is(in_lake('whole', 'count(*)'), '2', 'and shows what the new owner sees');
sql("SELECT ingest.drop_export('books.mine'); CREATE ROLE giver LOGIN IN ROLE ingest_operator; CREATE ROLE third; CREATE TABLE books.thirds (LIKE books.mine); ALTER TABLE books.thirds OWNER TO third;
	GRANT USAGE ON SCHEMA books, lake TO giver; GRANT SELECT ON books.thirds TO giver, other; GRANT ALL ON lake.whole TO giver, other");
is(said_as('giver', "SELECT ingest.create_export('books.thirds', 'lake.whole', replace => true)"), 'books.thirds', 'a table of a third one is exported');
like(sql("SELECT * FROM ingest.reassign('giver', 'other')"), qr/^export\|books\.thirds\|.*third.*\. When that is trusted: SELECT ingest\.drop_export/m, 'and handed over');
like(said("CALL ingest.export('books.thirds')"), qr/export "books\.thirds" does not run: what others wrote would run as other: .*third/, 'but waits, since that one could have written what runs as its new owner');
sql("SELECT ingest.drop_export('books.thirds')");

# -- jobs, lineage, events --

sql("SELECT ingest.create_job('to the lake', 'export', 'books.orders'); CALL ingest.work('to the lake')");
is(sql("SELECT kind || ' ' || state FROM ingest.run_status WHERE job = 'to the lake'"), 'export succeeded', 'a job exports');
like(said("SELECT ingest.create_job('none', 'export', 'nothing')"), qr/there is no export "nothing"/, 'what there is');
is(sql("SELECT string_agg(from_column || '>' || to_column, ' ' ORDER BY to_column) FROM ingest.lineage_edge WHERE kind = 'export' AND to_table = 'orders'"), 'amount>amount customer>customer day>day id>id >year', 'lineage knows the columns of the lake');
is(sql("SELECT data->>'whole' FROM ingest.event WHERE type = 'ingest.export.completed' ORDER BY id DESC LIMIT 1"), 'false', 'an event says that it is done');

# -- what is gone --

sql('ALTER FOREIGN TABLE lake.orders RENAME TO renamed; CREATE FOREIGN TABLE lake.orders (id bigint) SERVER lake OPTIONS (path \'another\', format \'parquet\', layout \'delta\')');
sql("CALL ingest.export('books.orders')");
is(sql("SELECT lake FROM ingest.export_status WHERE export = 'books.orders'"), 'lake.renamed', 'a lake\'s table that is renamed is followed');
sql('DROP FOREIGN TABLE lake.renamed');
like(said("CALL ingest.export('books.orders')"), qr/lake.renamed of export "books.orders" is gone\n.*drop_export/s, 'one that is gone is said');
sql('DROP TABLE books.orders CASCADE');
like(said("CALL ingest.export('changes')"), qr/books.orders of export "changes" is gone/, 'and a copy that is gone');
sql("SELECT ingest.drop_export('books.orders'); SELECT ingest.drop_export('changes')");
is(sql('SELECT count(*) FROM ingest.export'), '0', 'exports are dropped');

# -- DELETE: whole folders --

sql("CREATE FOREIGN TABLE lake.parts (id int, y int OPTIONS (partition 'y')) SERVER lake OPTIONS (path 'parts', format 'parquet', layout 'plain'); INSERT INTO lake.parts SELECT i, nullif(i % 4, 3) FROM generate_series(1, 40) i");
like(said('DELETE FROM lake.parts WHERE id = 1'), qr/cannot delete single rows of foreign table "parts"/, 'a row is not deleted');
like(said('BEGIN; INSERT INTO lake.parts VALUES (1, 1); DELETE FROM lake.parts WHERE y = 1'), qr/cannot delete rows of foreign table "parts" that this transaction has written/, 'nor what was just written');
like(said('DELETE FROM lake.parts WHERE y = 1 RETURNING y'), qr/cannot delete single rows/, 'nor told');
like(said('DELETE FROM lake.parts WHERE y = (SELECT 2)'), qr/cannot delete single rows/, 'nor what a subquery says');
is(sql('DELETE FROM lake.parts WHERE false; SELECT count(*) FROM lake.parts'), '40', 'nothing is nothing');
is(sql('DELETE FROM lake.parts WHERE y IS NULL OR y = 2'), '', 'folders are deleted');
is(sql('SELECT count(*), min(y), max(y) FROM lake.parts'), '20|0|1', 'and their rows');
sql('BEGIN; SAVEPOINT a; DELETE FROM lake.parts; ROLLBACK TO a; DELETE FROM lake.parts WHERE y = 0; INSERT INTO lake.parts VALUES (7, 0); COMMIT');
is(sql('SELECT count(*), sum(id) FILTER (WHERE y = 0) FROM lake.parts'), '11|7', 'in one version with what takes their place');
like(sql('BEGIN; EXPLAIN (ANALYZE, VERBOSE, COSTS off) DELETE FROM lake.parts WHERE y = 1; EXPLAIN (ANALYZE, VERBOSE, COSTS off) DELETE FROM lake.parts; ROLLBACK'), qr/Foreign Delete on lake.parts.*Foreign Delete on lake.parts/s, 'and shown while that is done');
told('BEGIN; DELETE FROM lake.parts WHERE y = 0');
sql('INSERT INTO lake.parts VALUES (8, 1)');
$in .= "COMMIT;\n\\q\n";
$session->finish;
like(slurp_file("$root.session"), qr/could not replace the content of lake/, 'unless another writer was faster');
like(sql('EXPLAIN (COSTS OFF) DELETE FROM lake.parts WHERE y = 1'), qr/Foreign Delete on parts/, 'as its plan says');

duck_end();
$node->stop;
done_testing();
