# Owners' turns: who fills all workers with long jobs holds up nobody for longer than one of them
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('fair');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nshared_preload_libraries = 'ingest'\nmax_worker_processes = 20\ningest.discovery = 1\ningest.max_workers = 1\nmax_connections = 180\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sql('CREATE EXTENSION ingest CASCADE; CREATE TABLE did (what text, began timestamptz DEFAULT clock_timestamp()); GRANT ALL ON did TO PUBLIC');
sql("CREATE ROLE $_ LOGIN IN ROLE ingest_operator") for qw(big small third late);
sub job { my ($role, $name, $statement) = @_; sql("SET ROLE $role; SELECT ingest.create_job('$name', 'sql', \$job\$INSERT INTO did VALUES ('$name'); $statement\$job\$)"); }
sub put { my ($role, $name, $times, $priority) = @_; sql("SET ROLE $role; SELECT ingest.enqueue('$name', once => false, priority => " . ($priority // 0) . ") FROM generate_series(1, $times)"); }
sub did { return sql("SELECT count(*) FROM did WHERE what = '$_[0]'"); }
# how many of a kind began after a moment and before the last one of another kind: how late it is looked at changes nothing
sub between { my ($what, $since, $other) = @_; return sql("SELECT count(*) FROM did WHERE what = '$what' AND began > '$since' AND began < (SELECT max(began) FROM did WHERE what = '$other')"); }
# the worker may take a job of "long" at the very moment in which another one is put, and no other before that one
my $put;
sub in_turn
{
	my ($other, $what) = @_;
	my $n = between('long', $put, $other);
	cmp_ok($n, '<=', 1, $what);
	return is($n, 0, 'nor was one just taken [timed]');
}
sub now { return sql('SELECT clock_timestamp()'); }
sub seconds_until { my ($query) = @_; my $begun = time(); poll_until($node, $p, $query); return time() - $begun; }
sub workers { sql("ALTER SYSTEM SET ingest.max_workers = $_[0]; SELECT pg_reload_conf(); DELETE FROM ingest.queue WHERE worker IS NULL"); poll_until($node, $p, 'SELECT count(*) = 0 FROM ingest.queue'); sql('TRUNCATE did'); }
job('big', 'long', 'SELECT pg_sleep(5)');
job('small', 'short', 'SELECT pg_sleep(0.3)');
job('late', 'late', 'SELECT pg_sleep(0.3)');
job('third', 'other', 'SELECT pg_sleep(0.3)');

# the one worker that there is (what a job did is seen when it has ended): the job of another owner was put a second after the last one of its owner had begun
put('big', 'long', 8);
poll_until($node, $p, "SELECT count(*) >= 1 FROM did");
sleep(1);
put('small', 'short', 1);
$put = now();
in_time(seconds_until("SELECT count(*) >= 1 FROM did WHERE what = 'short'"), 6, 'an owner who has waited for one job of another one is next, however long that was');
in_turn('short', 'before any other job of that one');
poll_until($node, $p, "SELECT count(*) >= 3 FROM did WHERE what = 'long'");
put('small', 'short', 1);
put('third', 'other', 1, 3);
$put = now();
poll_until($node, $p, "SELECT count(*) >= 3 FROM did WHERE what IN ('short', 'other')");
is(sql("SELECT string_agg(what, ' ' ORDER BY began) FROM (SELECT * FROM did ORDER BY began DESC LIMIT 2) d"), 'other short', 'then it is the more urgent one of two who wait');
in_turn('other', 'and still nobody waited for two of them');

# who has a worker keeps it beside one who has the others, though that one has begun nothing for long
workers(2);
put('big', 'long', 10);
poll_until($node, $p, "SELECT count(*) >= 2 FROM did WHERE what = 'long'");
put('small', 'short', 30);
in_time(seconds_until("SELECT count(*) >= 30 FROM did WHERE what = 'short'"), 21, 'an owner of short jobs has a worker beside one of long jobs');
cmp_ok(sql("SELECT count(*) FROM ingest.queue WHERE worker IS NULL"), '>', 2, 'while that one has many left [timed]');
cmp_ok(did('long'), '>', 3, 'and has the other worker [timed]');

# a priority counts as so many minutes, and no more
workers(1);
put('big', 'long', 5, 2);
poll_until($node, $p, "SELECT count(*) >= 1 FROM did");
put('late', 'late', 1);
poll_until($node, $p, "SELECT count(*) >= 2 FROM did");
is(did('late'), '0', 'more urgent jobs of one owner are before others');
sql("UPDATE ingest.queue SET run_at = now() - interval '125 s' WHERE owner = 'late'::regrole");
$put = now();
poll_until($node, $p, "SELECT count(*) >= 1 FROM did WHERE what = 'late'");
in_turn('late', 'until these have waited for as many minutes as they have points less');

# who cannot work keeps nobody from working: its own settings end each of its workers at once, 40 in a second
workers(1);
sub workers_started { my $log = slurp_file($node->logfile); return scalar(() = $log =~ /cannot execute \S+ in a read-only transaction/g); }
sql("ALTER ROLE third SET default_transaction_read_only = on");
put('third', 'other', 1);
sleep(8);
cmp_ok(workers_started(), '>=', 2, 'a worker that cannot work is tried again');
cmp_ok(workers_started(), '<=', 6, 'later and later');
put('small', 'short', 3);
in_time(seconds_until("SELECT count(*) >= 3 FROM did WHERE what = 'short'"), 6, 'and others have its place meanwhile');
sql("ALTER ROLE third RESET default_transaction_read_only");
poll_until($node, $p, "SELECT count(*) >= 1 FROM did WHERE what = 'other'");
pass('until it can');

# who does jobs in very many sessions leaves room for workers
workers(0);
poll_until($node, $p, "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'ingest worker'");
job('big', 'nap', 'SELECT pg_sleep(40)');
put('big', 'nap', 140);
my $script = $node->basedir . '/work.sql';
append_to_file($script, "CALL ingest.work();\n");
my ($out, $err) = ('', '');
my $sessions = IPC::Run::start([ 'pgbench', '-n', '-f', $script, '-c', '140', '-j', '1', '-t', '1', '-U', 'big', '-h', $node->host, '-p', $node->port, $p ], '>', \$out, '2>', \$err);
poll_until($node, $p, "SELECT count(*) > 135 FROM ingest.queue WHERE worker IS NOT NULL");
put('small', 'short', 1);
sql("ALTER SYSTEM SET ingest.max_workers = 2; SELECT pg_reload_conf()");
in_time(seconds_until("SELECT count(*) >= 1 FROM did WHERE what = 'short'"), 20, 'a worker finds a place beside 140 sessions that work');
$sessions->kill_kill;

$node->stop;
done_testing();
