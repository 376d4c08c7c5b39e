# A job's timeout: it ends what is done, whatever that waits for, and nobody else stops
use strict;
use warnings;
use Sandbox;
use IO::Socket::INET;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('timeout');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nstatement_timeout = 120s\nshared_preload_libraries = 'ingest'\nmax_worker_processes = 20\ningest.discovery = 1\ningest.max_workers = 2\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }

# a peer that takes connections, by the system, and never says a word
my $silent = IO::Socket::INET->new(Listen => 50, LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
my $port = $silent->sockport;

sql('CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE EXTENSION dblink');
sql("CREATE SERVER silent FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '$port', dbname 'nothing'); CREATE USER MAPPING FOR CURRENT_USER SERVER silent OPTIONS (user 'nobody', password 'secret');
	SELECT ingest.register_source('silent', 'silent'); SELECT ingest.create_job('stuck crawl', 'crawl', 'silent', timeout => '2 s', max_attempts => 1)");
sql("SELECT ingest.create_job('stuck sql', 'sql', 'SELECT * FROM dblink(''host=127.0.0.1 port=$port'', ''SELECT 1'') t (n integer)', timeout => '2 s', max_attempts => 1)");
sql("CREATE TABLE did (what text); SELECT ingest.create_job('beat', 'sql', 'INSERT INTO did VALUES (''beat'')')");
sub put { my ($name, $times) = @_; return "SELECT ingest.enqueue('$name', once => false) FROM generate_series(1, $times)"; }
my $empty = 'SELECT count(*) = 0 FROM ingest.queue';
sub last_run { my ($name) = @_; return sql("SELECT state, error_class, sqlstate, error FROM ingest.run_status WHERE job = '$name' ORDER BY run DESC LIMIT 1"); }

# -- a library that waits by itself hears no cancel: its connections are shut --

my $begun = time();
sql("SELECT ingest.enqueue('stuck crawl'), ingest.enqueue('stuck sql')");
poll_until($node, $p, 'SELECT count(*) = 2 FROM ingest.queue WHERE worker IS NOT NULL');
sql(put('beat', 3));
poll_until($node, $p, $empty);
in_time(time() - $begun, 25, 'jobs whose source says nothing end soon after their timeout');
is(sql("SELECT count(*) FROM did"), '3', 'and those behind them are done');
is(last_run('stuck crawl'), 'failed|passing|57014|job "stuck crawl" did not finish within its timeout of 00:00:02', 'a crawl failed, and why');
is(last_run('stuck sql'), 'failed|passing|57014|job "stuck sql" did not finish within its timeout of 00:00:02', 'so did a statement');
is(sql("SELECT count(*) FROM ingest.dead_letter WHERE reason LIKE '%did not finish within its timeout%'"), '2', 'given up after as many tries as they have');
is(sql("SELECT count(*) FROM ingest.run WHERE state IN ('running', 'lost')"), '0', 'nothing is said to run that does not');

# the same in a session of somebody's, whose own connection stays
my ($code, $out, $err);
for (1 .. 20)
{
	($code, $out, $err) = $node->psql($p, "CALL ingest.work('stuck sql')");
	# a worker may be sooner
	last if $err !~ /is already being run by a worker/;
	poll_until($node, $p, $empty);
}
like($err, qr/"stuck sql" failed: job "stuck sql" did not finish within its timeout/, 'a job in a session has its timeout as well');
($code, $out, $err) = $node->psql($p, "SET statement_timeout = 0; SELECT ingest.enqueue('stuck sql'); CALL ingest.work(); SELECT 'still here'");
like($out, qr/still here/, 'and the session goes on') or diag($err);

# -- who hears the cancel and goes on is ended --

sql("SELECT ingest.create_job('deaf', 'sql', \$job\$DO \$d\$ BEGIN LOOP BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END \$d\$\$job\$, timeout => '1 s', max_attempts => 2)");
$begun = time();
sql("SELECT ingest.enqueue('deaf', once => false) FROM generate_series(1, 2); TRUNCATE did");
poll_until($node, $p, 'SELECT count(*) = 2 FROM ingest.queue WHERE worker IS NOT NULL');
sql(put('beat', 3));
poll_until($node, $p, "SELECT count(*) = 3 FROM did");
in_time(time() - $begun, 40, 'jobs that catch their cancel keep no worker for ever');
poll_until($node, $p, $empty);
is(sql("SELECT state, error_class, attempt, count(*) FROM ingest.run_status WHERE job = 'deaf' GROUP BY 1, 2, 3 ORDER BY 3"), "failed|passing|1|2\nfailed|passing|2|2", 'each try failed');
like(last_run('deaf'), qr/job "deaf" did not finish within its timeout of 00:00:01, nor did it stop: its worker was ended/, 'and why');
is(sql("SELECT count(*) FROM ingest.dead_letter d JOIN ingest.job j ON j.id = d.job WHERE j.name = 'deaf'"), '2', 'they are given up at last');
is(sql("SELECT count(*) FROM ingest.run WHERE state IN ('running', 'lost')"), '0', 'nothing is said to run that does not');

# -- who does not even end gives its place to others: one that is stopped hears nothing --

sql("SELECT ingest.create_job('still', 'sql', 'SELECT pg_sleep(60)', timeout => '1 s', max_attempts => 1)");
sql("TRUNCATE did; SELECT ingest.enqueue('still', once => false) FROM generate_series(1, 2)");
poll_until($node, $p, 'SELECT count(*) = 2 FROM ingest.queue WHERE worker IS NOT NULL');
my @still = split /\n/, sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest worker'");
$begun = time();
kill 'STOP', @still;
sql(put('beat', 3));
poll_until($node, $p, 'SELECT count(*) = 3 FROM did');
in_time(time() - $begun, 40, 'workers that hear nothing are no hindrance for ever');
like(slurp_file($node->logfile), qr/worker \d+ has not ended long after its job's timeout/, 'the log says so');
kill 'CONT', @still;
poll_until($node, $p, $empty);
is(sql("SELECT state, count(*) FROM ingest.run_status WHERE job = 'still' GROUP BY 1"), 'failed|2', 'what they were at failed');

# -- others' connections, and the server, are as they were --

unlike(slurp_file($node->logfile), qr/terminated by signal|crash of another server process/, 'nothing crashed');
sql(put('beat', 5));
poll_until($node, $p, $empty);
is(sql("SELECT count(*) FROM did"), '8', 'work goes on');

# -- a worker that always has something to do is another one each minute: what it opened goes with it --

sql("SELECT ingest.schedule('beat', '1 s')");
poll_until($node, $p, "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'ingest worker'");
my $first = sql("SELECT min(pid) FROM pg_stat_activity WHERE backend_type = 'ingest worker'");
$begun = time();
poll_until($node, $p, "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $first");
in_time(time() - $begun, 75, 'no connection to a source is idle for much longer than a minute');
my $beats = sql('SELECT count(*) FROM did');
poll_until($node, $p, "SELECT count(*) > $beats + 1 FROM did");
pass('and another worker goes on');
$node->stop;
done_testing();
