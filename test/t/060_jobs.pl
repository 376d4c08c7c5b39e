# Jobs: who begins when, what counts as failed, and that nobody stops the others
use strict;
use warnings;
use Sandbox;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('jobs');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nstatement_timeout = 120s\nshared_preload_libraries = 'ingest'\nmax_worker_processes = 20\ningest.discovery = 1\n");
$node->start;

sub sql { return $node->safe_psql($p, $_[0]); }

sub start { return start_session($node, $_[0]); }
sub ended { return (session_ended($_[0]))[1]; }

# Seconds from putting jobs into the queue until a query says t
sub seconds_until
{
	my ($put, $query) = @_;
	sql($put);
	my $begun = time();
	poll_until($node, $p, $query);
	return time() - $begun;
}

sql('CREATE EXTENSION ingest CASCADE');
sql("CREATE ROLE one LOGIN; CREATE ROLE two LOGIN; GRANT ingest_operator TO one, two; CREATE TABLE did (what text, began timestamptz DEFAULT clock_timestamp()); GRANT ALL ON did TO PUBLIC");
sub job
{
	my ($role, $name, $statement, @rest) = @_;
	sql("SET ROLE $role; SELECT ingest.create_job('$name', 'sql', \$job\$$statement\$job\$" . join('', map { ", $_" } @rest) . ')');
}
sub put { my ($role, $name, $times) = @_; return "SET ROLE $role; SELECT ingest.enqueue('$name', once => false) FROM generate_series(1, $times)"; }
my $empty = 'SELECT count(*) = 0 FROM ingest.queue';

# -- what it costs when there is nothing to do: one job at work, one that waits for it --

sub scheduler_cpu
{
	my ($stat) = slurp_file('/proc/' . sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest scheduler'") . '/stat') =~ /\) (.*)/;
	my @fields = split ' ', $stat;
	return ($fields[11] + $fields[12]) / 100;
}
job('one', 'idle', 'SELECT pg_sleep(14)');
job('one', 'idle after', 'SELECT', "depends_on => '{idle}'");
sql("SET ROLE one; SELECT ingest.enqueue('idle'); SELECT ingest.enqueue('idle after')");
sleep(3);
my $cpu = scheduler_cpu();
sleep(10);
in_time(scheduler_cpu() - $cpu, 0.2, 'a scheduler that looks each second uses little of a core');
poll_until($node, $p, $empty);

# -- as many at once as there are workers --

job('one', 'sleep 2', 'SELECT pg_sleep(2)');
my $took = seconds_until(put('one', 'sleep 2', 8), $empty);
in_time($took, 9, "8 jobs of 2 s with 4 workers are no queue of one worker");
is(sql("SELECT max(attempt) FROM ingest.run"), '1', 'each was tried once');

# short ones are taken by the dozen; those that waited behind a long one are given to others
job('one', 'quick', "INSERT INTO did VALUES ('quick')");
job('one', 'long', "SELECT pg_sleep(15)");
sql("ALTER SYSTEM SET ingest.max_workers = 2; SELECT pg_reload_conf()");
$took = seconds_until("SET ROLE one; SELECT ingest.enqueue(CASE WHEN i = 130 THEN 'long' ELSE 'quick' END, once => false) FROM generate_series(1, 200) i", "SELECT count(*) = 199 FROM did");
in_time($took, 10, 'a long job keeps none of those that were taken with it');
poll_until($node, $p, $empty);
is(sql("SELECT count(*) FROM did"), '199', 'each was done once');
sql("TRUNCATE did; ALTER SYSTEM RESET ingest.max_workers; SELECT pg_reload_conf()");

# -- turns --

job('one', 'half', 'SELECT pg_sleep(0.5)');
job('two', 'urgent', "INSERT INTO did VALUES ('urgent')", 'priority => 100');
job('two', 'plain', "INSERT INTO did VALUES ('plain')");
sql(put('one', 'half', 200));
poll_until($node, $p, "SELECT count(*) = 4 FROM pg_stat_activity WHERE backend_type = 'ingest worker' AND usename = 'one'");
$took = seconds_until(put('two', 'urgent', 1), "SELECT count(*) = 1 FROM did WHERE what = 'urgent'");
in_time($took, 4, 'an urgent job of another owner begins when one of those that run has ended');
$took = seconds_until(put('two', 'plain', 1), "SELECT count(*) = 1 FROM did WHERE what = 'plain'");
in_time($took, 8, 'one that is not urgent has its turn as well');
cmp_ok(sql('SELECT count(*) FROM ingest.queue'), '>', 50, 'while the other owner has many left');
sql('DELETE FROM ingest.queue WHERE worker IS NULL');
poll_until($node, $p, $empty);

# sources of one owner: by postgres_fdw from here to here
my ($port, $socket) = ($node->port, $node->host);
sql("CREATE EXTENSION postgres_fdw; CREATE SCHEMA shop; CREATE TABLE shop.item (id integer PRIMARY KEY, name text, updated_at timestamptz DEFAULT now()); INSERT INTO shop.item SELECT i, 'item ' || i FROM generate_series(1, 5) i");
for my $source (qw(a b))
{
	sql("CREATE SERVER $source FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$socket', port '$port', dbname '$p'); CREATE USER MAPPING FOR CURRENT_USER SERVER $source;
		SELECT ingest.register_source('$source', '$source', remote_schemas => '{shop}'); SELECT ingest.create_job('crawl $source', 'crawl', '$source')");
}
sql("ALTER SYSTEM SET ingest.max_workers = 1; SELECT pg_reload_conf()");
sql("SELECT ingest.enqueue('crawl a', once => false) FROM generate_series(1, 30)");
sql("SELECT ingest.enqueue('crawl b', once => false)");
poll_until($node, $p, $empty);
cmp_ok(sql("SELECT count(*) FROM ingest.run r JOIN ingest.data_source d ON d.id = r.source WHERE r.kind = 'crawl' AND d.name = 'a' AND r.id > (SELECT max(x.id) FROM ingest.run x JOIN ingest.data_source y ON y.id = x.source WHERE y.name = 'b')"),
	'>', 5, 'a source with one job has its turn beside one with many');

# -- a worker is clean between jobs --

job('one', 'dirty', q{DO $d$ BEGIN SET work_mem = '64MB'; SET default_transaction_read_only = on; CREATE TEMP TABLE left_behind (n integer); PERFORM pg_advisory_lock(7); EXECUTE 'PREPARE kept AS SELECT 1'; EXECUTE 'SET ROLE ingest_operator'; END $d$});
job('one', 'looks', q{INSERT INTO did SELECT concat_ws(' ', current_setting('work_mem'), coalesce(to_regclass('pg_temp.left_behind')::text, 'no table'), (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'), (SELECT count(*) FROM pg_prepared_statements), current_user)});
sql("TRUNCATE did");
sql("SET ROLE one; SELECT ingest.enqueue('dirty'); SELECT ingest.enqueue('looks')");
poll_until($node, $p, $empty);
is(sql("SELECT what FROM did"), '4MB no table 0 0 one', 'nothing of a job is left for the next one');
is(sql("SELECT max(attempt) FROM ingest.run r JOIN ingest.job j ON j.id = r.job WHERE j.name = 'looks'"), '1', 'which needs no second try');
sql("ALTER SYSTEM RESET ingest.max_workers; SELECT pg_reload_conf()");

# -- busy is not failed --

is(sql('SELECT j.name, d.reason FROM ingest.dead_letter d JOIN ingest.job j ON j.id = d.job'), '', 'no job was given up so far');

sql("CALL ingest.crawl('a')");
sql("SELECT ingest.create_sync('a.item', 'public.copy_item', name => 'copy_item', key => '{id}', cursor_column => 'updated_at', reconcile_every => NULL); SELECT ingest.create_job('sync item', 'sync', 'copy_item')");
sql("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM pg_sleep(12); RETURN NULL; END \$\$");
sql("CALL ingest.sync('copy_item')");
sql("CREATE TRIGGER slow AFTER UPDATE ON copy_item FOR EACH STATEMENT EXECUTE FUNCTION slow()");
sql("UPDATE shop.item SET name = 'another', updated_at = now() WHERE id = 1");
my $outcomes = sql("SELECT outcomes FROM ingest.circuit c JOIN ingest.data_source d ON d.id = c.source WHERE d.name = 'a'");
my $by_hand = start("CALL ingest.sync('copy_item')");
poll_until($node, $p, "SELECT count(*) = 1 FROM ingest.run WHERE kind = 'sync' AND state = 'running'");
sql("SELECT ingest.enqueue('sync item')");
sleep(9);
is(sql("SELECT q.attempts, q.worker IS NULL, (SELECT count(*) FROM ingest.dead_letter) FROM ingest.queue q"), '0|t|0', 'a sync that runs already counts as no try');
is(sql("SELECT outcomes FROM ingest.circuit c JOIN ingest.data_source d ON d.id = c.source WHERE d.name = 'a'"), $outcomes, 'and the breaker of its source is not touched');
like(sql('SELECT put_back FROM ingest.queue'), qr/is already running/, 'why it waits is written down');
like(ended($by_hand), qr/1 updated/, 'the run by hand ends');
poll_until($node, $p, $empty);
is(sql("SELECT state FROM ingest.run WHERE job IS NOT NULL AND kind = 'sync' ORDER BY id DESC LIMIT 1"), 'succeeded', 'then the job runs');
sql('DROP TRIGGER slow ON copy_item');

sql("SELECT ingest.pause(sync => 'copy_item'); SELECT ingest.enqueue('sync item')");
sleep(3);
is(sql('SELECT attempts, (SELECT count(*) FROM ingest.dead_letter) FROM ingest.queue'), '0|0', 'a job on a paused sync is not begun');
sql("SELECT ingest.resume(sync => 'copy_item')");
poll_until($node, $p, $empty);
is(sql("SELECT state FROM ingest.run WHERE kind = 'sync' ORDER BY id DESC LIMIT 1"), 'succeeded', 'and is when it is resumed');

sql('CREATE TABLE held (n integer); GRANT ALL ON held TO one; ALTER ROLE one SET lock_timeout = \'100ms\'');
my $holder = start('BEGIN; LOCK TABLE held; SELECT pg_sleep(12)');
poll_until($node, $p, "SELECT count(*) = 1 FROM pg_locks WHERE relation = 'held'::regclass AND granted");
job('one', 'waits', 'INSERT INTO held VALUES (1)');
sql("SET ROLE one; SELECT ingest.enqueue('waits')");
poll_until($node, $p, "SELECT count(*) = 1 FROM ingest.queue WHERE worker IS NULL AND put_back IS NOT NULL");
is(sql('SELECT attempts, (SELECT count(*) FROM ingest.dead_letter) FROM ingest.queue'), '0|0', 'a lock that somebody holds counts as no try');
ended($holder);
poll_until($node, $p, $empty);
is(sql('SELECT count(*) FROM held'), '1', 'it is done when that has gone');

# what fails is classed by code and origin, whatever the language: a German server's timeout was taken for a cancel, and lost
job('one', 'german', q{DO $d$ BEGIN RAISE EXCEPTION 'storniere Anfrage wegen Zeitüberschreitung der Anfrage' USING ERRCODE = '57014'; END $d$}, 'max_attempts => 1');
sql("SET ROLE one; SELECT ingest.enqueue('german')");
poll_until($node, $p, $empty);
is(sql("SELECT r.state, r.error_class, (SELECT count(*) FROM ingest.dead_letter) FROM ingest.run r JOIN ingest.job j ON j.id = r.job WHERE j.name = 'german'"), 'failed|passing|1', 'a timeout is one in every language');
job('one', 'late', 'SELECT pg_sleep(60)', "timeout => '1 s'", 'max_attempts => 1');
sql("SET ROLE one; SELECT ingest.enqueue('late')");
poll_until($node, $p, $empty);
is(sql("SELECT r.state, r.error_class FROM ingest.run r JOIN ingest.job j ON j.id = r.job WHERE j.name = 'late'"), 'failed|passing', "a job's own timeout is one");

# -- nobody stops the others --

sql("SELECT ingest.create_job('beat', 'sql', 'INSERT INTO did VALUES (''beat'')'); SELECT ingest.schedule('beat', '1 s'); SELECT ingest.create_job('bad', 'sql', 'SELECT 1'); SELECT ingest.schedule('bad', '1 s')");
sub beats { my ($why) = @_; my $n = sql("SELECT count(*) FROM did WHERE what = 'beat'"); poll_until($node, $p, "SELECT count(*) >= $n + 2 FROM did WHERE what = 'beat'"); pass($why); }
beats('a schedule is kept');
sql("UPDATE ingest.job SET schedule = 'whenever', next_due = now() WHERE name = 'bad'");
beats('a schedule that cannot be read stops no other');
like(sql("SELECT schedule_error FROM ingest.job WHERE name = 'bad'"), qr/"whenever" is not a schedule/, 'and says so');

sql("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'no'; END \$\$; CREATE TRIGGER no BEFORE UPDATE ON ingest.run FOR EACH ROW WHEN (NEW.state = 'lost') EXECUTE FUNCTION no();
	INSERT INTO ingest.run (job, kind, pid, role, role_name) SELECT id, 'sql', 1, owner, owner_name FROM ingest.job WHERE name = 'bad';
	INSERT INTO ingest.queue (job, owner, priority, worker) SELECT id, owner, 0, 4242 FROM ingest.job WHERE name = 'bad'");
beats('a part of the round that fails stops no other');
sql("DROP TRIGGER no ON ingest.run");

# a reader of an old day of history
sql("SELECT ingest.create_sync('b.item', 'public.kept', name => 'kept', key => '{id}', cursor_column => 'updated_at', history => true, history_retention => '1 day')");
sql("CREATE TABLE ingest.change_20200101 PARTITION OF ingest.change FOR VALUES FROM ('2020-01-01 00:00 UTC') TO ('2020-01-02 00:00 UTC'); ALTER TABLE ingest.change_20200101 OWNER TO ingest_engine;
	CREATE TABLE ingest.change_20200102 PARTITION OF ingest.change FOR VALUES FROM ('2020-01-02 00:00 UTC') TO ('2020-01-03 00:00 UTC'); ALTER TABLE ingest.change_20200102 OWNER TO ingest_engine");
my $reader = start('BEGIN; SELECT count(*) FROM ingest.change_20200101; SELECT pg_sleep(30)');
poll_until($node, $p, "SELECT count(*) = 1 FROM pg_locks WHERE relation = 'ingest.change_20200101'::regclass AND granted AND mode = 'AccessShareLock'");
my $begun = time();
my ($code, $out, $err) = $node->psql($p, "SET statement_timeout = '20 s'; SELECT ingest_internal.prune('1 year', '1 year')");
is($code, 0, 'an idle reader of history does not stop retention');
in_time(time() - $begun, 15, 'nor keep it waiting') or diag($err);
is(sql("SELECT to_regclass('ingest.change_20200101') IS NOT NULL, to_regclass('ingest.change_20200102') IS NULL"), 't|t', 'the day that nobody reads is dropped');
$reader->[0]->kill_kill;

# what cannot be written for one table
sql("CREATE TABLE ingest.blocked (run bigint REFERENCES ingest.run); INSERT INTO ingest.run (kind, pid, role, role_name, state, started_at) VALUES ('sql', 1, 10, 'postgres', 'succeeded', '2020-01-01');
	INSERT INTO ingest.blocked SELECT max(id) FROM ingest.run WHERE started_at < '2021-01-01'; INSERT INTO ingest.dead_letter (job, attempts, reason, died_at) SELECT id, 1, 'old', '2020-01-01' FROM ingest.job WHERE name = 'bad'");
($code, $out, $err) = $node->psql($p, "SELECT ingest_internal.prune('1 year', '1 year')");
is(sql("SELECT count(*) FROM ingest.dead_letter WHERE reason = 'old'"), '0', 'what cannot be deleted from one table keeps no other from being pruned');
like($err, qr/old runs could not be deleted/, 'and is told');
sql('DROP TABLE ingest.blocked');

# somebody publishes all tables
sql("DROP TABLE ingest.change_20200101; CALL ingest.sync('kept'); CREATE PUBLICATION everything FOR ALL TABLES");
cmp_ok(sql('SELECT count(*) FROM ingest.change'), '>', 0, 'there is history');
is(sql(q{SELECT string_agg(c.oid::regclass::text, ' ') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname LIKE 'ingest%' AND c.relkind = 'r' AND c.relpersistence = 'p' AND c.relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)}), '', 'each table has a replica identity');
($code, $out, $err) = $node->psql($p, "SELECT ingest_internal.prune('1 s', '1 s'); SELECT ingest.drop_source('b')");
is($code, 0, 'a publication of all tables keeps nothing from being deleted') or diag($err);
unlike($err, qr/could not be deleted/, 'nor retention');
is(sql('SELECT count(*) FROM ingest.change'), '0', 'history that nobody has any more is gone');
sql('DROP PUBLICATION everything');

# the launcher alone
for (1 .. 3)
{
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'ingest launcher'");
	poll_until($node, $p, "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'ingest launcher'");
	sleep(1.5);
}
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ingest scheduler' AND datname = '$p'"), '1', 'a launcher that is started again starts no second scheduler');
beats('and what runs goes on');
mkdir $node->basedir . '/space';
sql("CREATE TABLESPACE space LOCATION '" . $node->basedir . "/space'; CREATE DATABASE moved");
$node->safe_psql('moved', 'CREATE EXTENSION ingest CASCADE');
poll_until($node, $p, "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = 'moved' AND backend_type = 'ingest scheduler'");
($code, $out, $err) = $node->psql($p, 'ALTER DATABASE moved SET TABLESPACE space');
is($code, 0, 'a database moves to another tablespace') or diag($err);

# -- pg_upgrade's servers --

$node->stop;
my $log = $node->basedir . '/upgrade.log';
system_or_bail('pg_ctl', '-w', '-D', $node->data_dir, '-l', $log, '-o', '-b', 'start');
sleep(2);
is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'ingest%'"), '0', "nothing of the engine runs in pg_upgrade's servers");
($code, $out, $err) = $node->psql($p, "CALL ingest.work('beat')");
like($err, qr/pg_upgrade/, 'not by pg_cron either');
system_or_bail('pg_ctl', '-w', '-D', $node->data_dir, '-m', 'fast', 'stop');

# -- more databases than room --

my $small = PostgreSQL::Test::Cluster->new('small');
$small->init;
$small->append_conf('postgresql.conf', "fsync = off\nshared_preload_libraries = 'ingest'\nmax_worker_processes = 4\nmax_logical_replication_workers = 0\ningest.discovery = 1\n");
$small->start;
$small->safe_psql($p, "CREATE DATABASE d$_") for 1 .. 12;
$small->safe_psql($p, "CREATE DATABASE last");
$small->safe_psql('last', 'CREATE EXTENSION ingest CASCADE; CREATE TABLE did (n integer)');
$small->restart;
$small->safe_psql('last', "SELECT ingest.create_job('x', 'sql', 'INSERT INTO did VALUES (1)'); SELECT ingest.enqueue('x')");
poll_until($small, 'last', 'SELECT count(*) = 1 FROM did');
pass('a database behind many others without the extension gets its scheduler');
$small->stop;

done_testing();
