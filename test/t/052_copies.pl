# Copies that are as their source is, and histories that do not change what they said: each a loss that was seen once
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use IPC::Run ();
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('copies');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }
sub state_of { my ($out, $err); $node->psql('postgres', "\\set VERBOSITY sqlstate\n$_[0]", stdout => \$out, stderr => \$err); return $err =~ /ERROR:  (\w+)/ ? $1 : $out }
my ($host, $port) = ($node->host, $node->port);
sql("CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE SCHEMA shop; CREATE SCHEMA c;
	CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER shop OPTIONS (user 'postgres');
	CREATE TABLE shop.t (id bigint PRIMARY KEY, v text, x text, n numeric, changed timestamptz);
	INSERT INTO shop.t SELECT i, 'v', 'kept', i, now() - interval '1 hour' FROM generate_series(1, 3000) i;
	CREATE TABLE shop.head (id integer PRIMARY KEY, v text, changed timestamptz);
	CREATE TABLE shop.line (id integer PRIMARY KEY, head integer, v text, changed timestamptz);
	INSERT INTO shop.head SELECT i, 'h', now() - interval '1 hour' FROM generate_series(1, 4) i;
	INSERT INTO shop.line SELECT i, 1 + i % 4, 'l', now() - interval '1 day' FROM generate_series(1, 20) i;
	SELECT ingest.register_source('shop', 'shop', schema => 'there', remote_schemas => '{shop}')");
sql("CALL ingest.crawl('shop')");
# what a copy and its source have that the other has not
sub apart
{
	my ($there, $here) = @_;
	return sql("SELECT count(*) FROM ((TABLE $there EXCEPT TABLE $here) UNION ALL (TABLE $here EXCEPT TABLE $there)) d");
}

# Rows that are the same are neither locked nor written
sql("SELECT ingest.create_sync('there.t', 'c.same', mode => 'full', key => '{id}', batch_rows => 1000)");
sql("SELECT ingest.create_sync('there.t', 'c.again', key => '{id}', cursor_column => 'changed', overlap => '1 day')");
for my $copy ('c.same', 'c.again')
{
	sql("CALL ingest.sync('$copy')");
	my $places = sql("SELECT md5(string_agg(ctid::text || xmin, ' ' ORDER BY id)) FROM $copy");
	sql("CALL ingest.sync('$copy')");
	is(sql("SELECT count(*) FROM $copy WHERE xmax <> 0"), '0', "$copy: no row was locked");
	is(sql("SELECT md5(string_agg(ctid::text || xmin, ' ' ORDER BY id)) FROM $copy"), $places, 'nor written');
	sql("UPDATE shop.t SET v = 'w', changed = now() WHERE id = 7");
	sql("CALL ingest.sync('$copy')");
	is(apart('shop.t', $copy), '0', 'what differs is written');
	is(sql("SELECT r.rows_inserted, r.rows_updated, r.rows_deleted FROM ingest.run r ORDER BY id DESC LIMIT 1"), '0|1|0', 'and counted');
}

# What a full replacement gathered is not logged: a crash empties it, and it is gathered anew
sql("CREATE VIEW shop.broken AS SELECT id, v, CASE WHEN id <= 500 THEN (1 / (n - n))::text ELSE x END AS x FROM shop.t");
sql("CALL ingest.crawl('shop')");
sql("SELECT ingest.create_sync('there.broken', 'c.gathered', mode => 'full', key => '{id}', batch_rows => 1000, reject_limit => 0)");
is(state_of("CALL ingest.sync('c.gathered')"), '22000', 'a full replacement ends in its last range');
is(sql("SELECT count(*) > 0 FROM ingest.sync_range WHERE done_at IS NOT NULL"), 't', 'some of it is gathered');
$node->stop('immediate');
$node->start;
sql("CREATE OR REPLACE VIEW shop.broken AS SELECT id, v, x FROM shop.t");
sql("CALL ingest.sync('c.gathered')");
is(apart('shop.broken', 'c.gathered'), '0', 'after a crash it is complete all the same');

# History: columns that went, the user's own, and moments
sql("SELECT ingest.create_sync('there.t', 'c.kept', key => '{id}', cursor_column => 'changed', history => true)");
sql("CALL ingest.sync('c.kept')");
sql("ALTER TABLE c.kept ADD COLUMN mine text; UPDATE c.kept SET mine = 'own'; ALTER TABLE shop.t DROP COLUMN x CASCADE");
sql("CALL ingest.crawl('shop')");
sql("UPDATE shop.t SET v = 'one', changed = now() WHERE id = 1");
sql("CALL ingest.sync('c.kept')");
my $seen = sql('SELECT clock_timestamp(), k FROM c.kept k WHERE id = 1');
my ($moment, $row) = split /\|/, $seen, 2;
sql("UPDATE shop.t SET v = 'two', changed = now() WHERE id = 1");
sql("CALL ingest.sync('c.kept')");
is(sql("SELECT k FROM ingest.as_of(NULL::c.kept, '$moment') k WHERE id = 1"), $row, 'as it was, with what the source lost and what the user added');
is(sql("SELECT after->>'x', after->>'mine' FROM ingest.change WHERE key = '{\"id\": 1}' ORDER BY seq DESC LIMIT 1"), 'kept|own', 'and so are versions');

# What a reader saw inside a run's transaction is what is said of the moment, then and for ever
sql("CREATE FUNCTION c.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN NEW; END';
	CREATE TRIGGER slow BEFORE UPDATE ON c.kept FOR EACH ROW EXECUTE FUNCTION c.slow()");
sql("UPDATE shop.t SET v = 'three', changed = now() WHERE id = 1");
my $handle = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'), '-c', "CALL ingest.sync('c.kept')" ], '>', \my $o, '2>', \my $e);
poll_until($node, 'postgres', "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
my ($inside, $said) = split /\|/, sql("SELECT clock_timestamp(), v FROM c.kept WHERE id = 1");
is(sql("SELECT v FROM ingest.as_of(NULL::c.kept, '$inside') WHERE id = 1"), 'two', 'asked while the run is at it');
$handle->finish;
is(sql("SELECT v FROM c.kept WHERE id = 1"), 'three', 'the run is done');
is(sql("SELECT v FROM ingest.as_of(NULL::c.kept, '$inside') WHERE id = 1"), $said, 'asked afterwards');
is(sql("SELECT v FROM ingest.as_of(NULL::c.kept, now()) WHERE id = 1"), 'three', 'and of now');
is(sql("SELECT (version).v FROM ingest.row_history(NULL::c.kept, '{\"id\": 1}') WHERE valid_from <= '$inside' AND coalesce(valid_to, 'infinity') > '$inside'"),
	'two', 'versions say the same');
my ($before, $after) = split /\|/, sql("SELECT before_commit, after_commit FROM ingest.change_commit ORDER BY seen_at DESC LIMIT 1");
is(state_of("SELECT count(*) FROM ingest.as_of(NULL::c.kept, '$before')"), '55000', 'of the moment of a commit nothing is said');
is(sql("SELECT v FROM ingest.as_of(NULL::c.kept, '$after') WHERE id = 1"), 'three', 'but of that after it');
is(state_of("SELECT count(*) FROM ingest.as_of(NULL::c.kept, now() + interval '1 day')"), '22023', 'nor of one that has not come yet');
is(state_of("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_sleep(0.1); SELECT count(*) FROM ingest.as_of(NULL::c.kept, clock_timestamp())"), '55000',
	'nor of one after all that a transaction sees');
sql("UPDATE ingest.change_commit SET after_commit = NULL WHERE before_commit = '$before'");
is(state_of("SELECT count(*) FROM ingest.as_of(NULL::c.kept, now())"), '55000', 'a run that died before it could tell');
sql("CALL ingest.sync('c.kept')");
is(sql("SELECT v FROM ingest.as_of(NULL::c.kept, now()) WHERE id = 1"), 'three', 'is settled by the next one');
sql('DROP TRIGGER slow ON c.kept');

# Changes that no stamp tells of are found by the comparison of keys
sql("SELECT ingest.create_sync('there.t', 'c.t', key => '{id}', cursor_column => 'changed')");
sql("CALL ingest.sync('c.t')");
my %silent = (
	'a stamp that is older than the overlap' => "UPDATE shop.t SET v = 'late', changed = now() - interval '1 day' WHERE id = 20",
	'a stamp that was lost' => "UPDATE shop.t SET v = 'none', changed = NULL WHERE id = 21",
	'stamps that were set back' => "UPDATE shop.t SET v = v || '!', changed = now() - interval '10 days'",
	'no stamp at all' => "UPDATE shop.t SET n = n + 0.5 WHERE id = 22");
for my $what (sort keys %silent)
{
	sql($silent{$what});
	sql("SELECT ingest.reload('c.t', keys_only => true)");
	sql("CALL ingest.sync('c.t')");
	is(sql("SELECT count(*) FROM (SELECT id, v, n, changed FROM shop.t EXCEPT SELECT id, v, n, changed FROM c.t) d"), '0', "$what is found");
}

# A run whose session ended runs no more
sql("CREATE FUNCTION c.sleepy() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END \$\$;
	CREATE TRIGGER sleepy BEFORE UPDATE ON c.t FOR EACH ROW EXECUTE FUNCTION c.sleepy();
	UPDATE shop.t SET v = 'slowly', changed = now() WHERE id <= 100");
my $session = start_session($node, "CALL ingest.sync('c.t')");
my $last = "FROM ingest.run WHERE id = (SELECT max(id) FROM ingest.run)";
poll_until($node, 'postgres', "SELECT count(*) = 1 $last AND state = 'running'");
sql('SELECT ingest_internal.runs_died()');
is(sql("SELECT state $last"), 'running', 'one that is at work goes on');
sql("SELECT pg_terminate_backend(pid, 5000) $last");
session_ended($session);
is(sql("SELECT last_state FROM ingest.table_status WHERE sync = 'c.t'"), 'lost', 'nobody is told that it runs');
# numbers of processes are given again
my $other = $node->background_psql('postgres', on_error_stop => 1);
my $pid = $other->query_safe('SELECT pg_backend_pid()');
sql("UPDATE ingest.run SET pid = $pid WHERE id = (SELECT max(id) FROM ingest.run)");
is(sql("SELECT last_state FROM ingest.table_status WHERE sync = 'c.t'"), 'lost', 'whoever has the number of its process now');
$other->quit;
is(sql("SELECT state FROM ingest.run_status ORDER BY run DESC LIMIT 1"), 'lost', 'by no view');
sql('SELECT ingest_internal.runs_died()');
is(sql("SELECT state, error $last"), 'lost|its process died', 'which is written down by the scheduler');
# who looks with old eyes sees a run that ran then
$session = start_session($node, "CALL ingest.sync('c.t')");
poll_until($node, 'postgres', "SELECT count(*) = 1 $last AND state = 'running' AND phase = 'columns agree'");
my $old = $node->background_psql('postgres', on_error_stop => 1);
$old->query_safe("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM ingest.run");
session_ended($session);
is(sql("SELECT state FROM ingest.run_status ORDER BY run DESC LIMIT 1"), 'succeeded', 'a run came to its end');
is($old->query_safe("SELECT state FROM ingest.run_status ORDER BY run DESC LIMIT 1"), 'running', 'and is not lost for who saw it run');
$old->query_safe('COMMIT');
$old->quit;
sql("DROP TRIGGER sleepy ON c.t; UPDATE shop.t SET v = 'once more', changed = now() WHERE id <= 100");
sql("CALL ingest.sync('c.t')");
is(apart('shop.t', 'c.t'), '0', 'and the next run does all of it');

# Who cancels a crawl, or lets its time run out, wants no more of it
sql("CREATE SCHEMA slow; CREATE VIEW slow.one AS SELECT 1 AS id WHERE pg_sleep(2) IS NOT NULL; CREATE VIEW slow.two AS TABLE slow.one;
	SELECT ingest.register_source('slow', 'shop', schema => 'slowly', remote_schemas => '{slow}')");
is(state_of("SET statement_timeout = '1s';\nCALL ingest.crawl('slow')"), '57014', 'a crawl ends with its time');
is(sql("SELECT state, error_class $last"), 'failed|passing', 'and says so');
sql("SELECT ingest.drop_source('slow')");

# Every value, on demand
sql("UPDATE c.t SET v = 'spoilt' WHERE id = 5; DELETE FROM c.t WHERE id = 6; INSERT INTO c.t (id) VALUES (99999)");
my $verify = "SELECT finding, rows, keys FROM ingest.verify('c.t')";
is(sql($verify), "same|2998|\ndiffering|1|[{\"id\": 5}]\nonly there|1|[{\"id\": 6}]\nonly here|1|[{\"id\": 99999}]\nnot read yet|0|", 'a spoilt copy is told');
sql("SELECT ingest.alter_sync('c.t', batch_rows => 100)");
is(sql($verify), "same|2998|\ndiffering|1|[{\"id\": 5}]\nonly there|1|[{\"id\": 6}]\nonly here|1|[{\"id\": 99999}]\nnot read yet|0|", 'in slices as well');
sql('CREATE ROLE adm LOGIN IN ROLE ingest_admin');
is(state_of("SET ROLE adm; SELECT * FROM ingest.verify('c.t')"), '42501', 'an admin lets nothing be done as a superuser');
sql("CREATE ROLE vera LOGIN IN ROLE ingest_operator; GRANT CREATE ON DATABASE postgres TO vera; GRANT USAGE ON FOREIGN SERVER shop TO vera;
	CREATE USER MAPPING FOR vera SERVER shop OPTIONS (user 'postgres', password_required 'false'); CREATE SCHEMA veras AUTHORIZATION vera");
sql("SET ROLE vera; SELECT ingest.register_source('veras', 'shop', schema => 'from_shop', remote_schemas => '{shop}')");
sql("SET ROLE vera; CALL ingest.crawl('veras')");
sql("SET ROLE vera; SELECT ingest.create_sync('from_shop.head', 'veras.head', key => '{id}', cursor_column => 'changed')");
sql("SET ROLE vera; CALL ingest.sync('veras.head')");
sql("UPDATE veras.head SET v = 'spoilt' WHERE id = 1");
is(sql("SET ROLE vera; SELECT keys FROM ingest.verify('veras.head') WHERE finding = 'differing'"), '[{"id": 1}]', 'its owner is shown keys');
is(sql("SET ROLE adm; SELECT count(keys), sum(rows) FROM ingest.verify('veras.head')"), '0|4', 'an admin, who may not read the copy, is shown counts');
is(state_of("SELECT * FROM ingest.verify('c.t', -1)"), '22023', 'less than no samples are refused');
sql("SELECT ingest.reload('c.t', keys_only => true)");
sql("CALL ingest.sync('c.t')");
is(sql("SELECT string_agg(rows::text, ' ') FROM ingest.verify('c.t')"), '3000 0 0 0 0', 'and a comparison of keys mends it');

# Lines that move, and children that could not follow
sql("SELECT ingest.create_sync('there.head', 'c.head', key => '{id}', cursor_column => 'changed');
	SELECT ingest.create_sync('there.line', 'c.line', key => '{id}', parent => 'c.head', parent_column => 'head', cursor_column => 'changed')");
sql("CALL ingest.sync('c.head')");
sql("UPDATE shop.line SET head = 2 WHERE id = 4; UPDATE shop.head SET v = 'left', changed = now() WHERE id = 1");
sql("CALL ingest.sync('c.head')");
is(apart('shop.line', 'c.line'), '0', 'a line that moved to a header that did not change');
sql("SELECT ingest.pause(sync => 'c.line')");
sql("UPDATE shop.line SET v = 'while paused' WHERE head = 2; UPDATE shop.head SET v = 'paused', changed = now() WHERE id = 2;
	DELETE FROM shop.line WHERE id IN (6, 7)");
sql("UPDATE shop.head SET changed = now() WHERE id = 3");
sql("CALL ingest.sync('c.head')");
isnt(apart('shop.line', 'c.line'), '0', 'lines of a sync that is paused wait');
is(sql("SELECT string_agg(parent_key, ' ' ORDER BY parent_key) FROM ingest.sync_owed"), '2 3', 'and what they are owed is written down');
sql("SELECT ingest.resume(sync => 'c.line')");
sql("CALL ingest.sync('c.head')");
is(sql("SELECT count(*) FROM ((SELECT * FROM shop.line WHERE head IN (2, 3) EXCEPT TABLE c.line) UNION ALL (SELECT * FROM c.line WHERE head IN (2, 3) EXCEPT TABLE shop.line)) d"), '0', 'then it is done');
is(sql('SELECT count(*) FROM ingest.sync_owed'), '0', 'and nothing is owed');
$node->stop;
done_testing();
