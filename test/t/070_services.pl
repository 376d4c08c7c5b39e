# Services: rows of ingest.service, which the scheduler starts, wakes, begins again and ends
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "fsync = off\nmax_prepared_transactions = 5\nmax_worker_processes = 20\nrestart_after_crash = on\nshared_preload_libraries = 'ingest'\n");
$node->start;

my $runs = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'ingest service' AND datname = current_database()};
my $looks = 'SELECT count(*) FROM looked';

sub begin
{
	my ($database) = @_;
	$node->safe_psql($database, 'SET client_min_messages = warning; CREATE EXTENSION ingest CASCADE; CREATE EXTENSION test_service; DO $$BEGIN PERFORM ingest_internal.era(); END$$');
	poll_until($node, $database, $runs, 1);
	poll_until($node, $database, "SELECT count(*) > 0 FROM looked");
	return;
}

begin($p);
is($node->safe_psql($p, q{SELECT application_name FROM pg_stat_activity WHERE backend_type = 'ingest service'}), 'test', 'it runs under its name');

# -- woken when events commit --

my $emit = q{SELECT ingest.emit('com.example.x', 'a', '{}')};
# what a process is told at its beginning it may hear twice
sleep(1);
my $base = $node->safe_psql($p, $looks);
for my $i (1 .. 20)
{
	$node->safe_psql($p, $emit);
	poll_until($node, $p, $looks, $base + $i);
}
is($node->safe_psql($p, q{SELECT count(*) FROM ingest.event e WHERE NOT EXISTS (SELECT FROM looked l WHERE l.at BETWEEN e.time AND e.time + interval '1 s') AND e.type = 'com.example.x'}), 0, 'each commit of an event wakes it');
$node->safe_psql($p, "BEGIN; $emit; ROLLBACK; SET ingest.notify = off; SELECT 1");
sleep(0.5);
is($node->safe_psql($p, $looks), $base + 20, 'a rollback does not');
$node->safe_psql($p, "SET ingest.notify = off; $emit");
poll_until($node, $p, $looks, $base + 21);
$node->safe_psql($p, "BEGIN; $emit; PREPARE TRANSACTION 'two'");
sleep(0.5);
is($node->safe_psql($p, $looks), $base + 21, 'nor does a transaction that is prepared');
$node->safe_psql($p, "COMMIT PREPARED 'two'");
poll_until($node, $p, $looks, $base + 22);
$node->safe_psql($p, 'SELECT ingest_internal.wake_services()');
poll_until($node, $p, $looks, $base + 23);
pass('but its commit does, and whoever asks for it');

# -- which rows are started --

my $offset = -s $node->logfile;
isnt($node->psql($p, "INSERT INTO ingest.service (name, library, function) VALUES ('a', '../x', 'f')"), 0, 'a path is no library');
is($node->safe_psql($p, q{SELECT string_agg(c.relowner::regrole || ' ' || has_table_privilege('ingest_engine', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') || ' ' || has_table_privilege('ingest_engine', c.oid, 'SELECT'), ',') FROM pg_class c WHERE c.oid = 'ingest.service'::regclass}),
	$node->safe_psql($p, q{SELECT current_user || ' false true'}), 'the rows are a superuser\'s, the engine may read them');
isnt($node->psql($p, q{SET ROLE ingest_engine; DROP TABLE ingest.service}), 0, 'nor may it put another table there');
$node->safe_psql($p, q{ALTER TABLE ingest.service DROP CONSTRAINT "library must be the bare name of one in $libdir";
	INSERT INTO ingest.service (name, library, function) VALUES ('path', '../lib/test_service', 'test_service_main'), ('foreign', 'pgoutput', '_PG_output_plugin_init')});
my $path = quotemeta('service "path" is not started');
my $until = time() + 20;
sleep(0.2) until time() > $until || slurp_file($node->logfile, $offset) =~ /$path/;
like(slurp_file($node->logfile, $offset), qr/service "(path|foreign)" is not started/, 'a path that got into the table all the same is not opened, nor a library of no extension');
is($node->safe_psql($p, $runs), 1, 'nothing else runs');
$node->safe_psql($p, "DELETE FROM ingest.service WHERE name <> 'test'");
$node->safe_psql($p, 'CREATE ROLE somebody; ALTER TABLE ingest.service OWNER TO somebody');
$offset = -s $node->logfile;
$until = time() + 20;
sleep(0.2) until time() > $until || slurp_file($node->logfile, $offset) =~ /does not belong to a superuser/;
like(slurp_file($node->logfile, $offset), qr/the table ingest.service does not belong to a superuser: no service is started/, 'rows of somebody else are not read');
$node->safe_psql($p, 'ALTER TABLE ingest.service OWNER TO CURRENT_USER');

# -- begun again, later each time --

my $pid = $node->safe_psql($p, 'SELECT pid FROM looked ORDER BY at DESC LIMIT 1');
$node->safe_psql($p, "SELECT pg_terminate_backend($pid)");
poll_until($node, $p, "SELECT count(DISTINCT pid) FROM looked", 2);
pass('one that ended begins again');
$offset = -s $node->logfile;
$node->safe_psql($p, "INSERT INTO ingest.service (name, library, function) VALUES ('dies', 'test_service', 'test_service_dies'), ('lacks', 'test_service', 'no_such_function')");
sleep(9);
my $said = slurp_file($node->logfile, $offset);
my $deaths = () = $said =~ /FATAL:  test service dies/g;
my $lacks = () = $said =~ /could not find function "no_such_function"/g;
ok($deaths >= 2 && $deaths <= 4 && $lacks >= 2 && $lacks <= 4, "one that fails is begun after 1, 2, 4 s: $deaths and $lacks times in 9 s");
$node->safe_psql($p, "DELETE FROM ingest.service WHERE name <> 'test'");

# -- ended, with what it belongs to --

$node->safe_psql($p, "UPDATE ingest.service SET enabled = false");
poll_until($node, $p, $runs, 0);
$node->safe_psql($p, "UPDATE ingest.service SET enabled = true");
poll_until($node, $p, $runs, 1);
pass('enabled says whether it runs');
$node->safe_psql($p, 'DROP EXTENSION test_service');
poll_until($node, $p, $runs, 0);
is($node->safe_psql($p, 'SELECT count(*) FROM ingest.service'), 1, 'without its extension the row is nothing');
$node->safe_psql($p, 'CREATE EXTENSION test_service');
poll_until($node, $p, $runs, 1);
$node->safe_psql($p, 'CREATE DATABASE second');
begin('second');
$node->safe_psql($p, 'DROP DATABASE second');
pass('nobody stands in the way of DROP DATABASE');
$node->safe_psql($p, 'CREATE DATABASE third');
begin('third');
$node->safe_psql('third', 'DROP EXTENSION ingest CASCADE');
poll_until($node, 'third', $runs, 0);
pass('nor does it outlive ingest');

# -- a crash, a standby, its promotion --

my $was = $node->safe_psql($p, 'SELECT pid FROM looked ORDER BY at DESC LIMIT 1');
kill 'KILL', $was;
poll_until($node, $p, "SELECT (SELECT pid FROM looked ORDER BY at DESC LIMIT 1) <> $was AND ($runs) = 1");
pass('it is there again after a crash');
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
sleep(2);
is($standby->safe_psql($p, $runs), 0, 'none runs on a standby');
$node->stop('immediate');
$standby->promote;
poll_until($standby, $p, $runs, 1);
pass('one does when it is promoted');
$standby->safe_psql($p, "UPDATE ingest.installation SET system_identifier = 1");
$standby->restart;
sleep(3);
is($standby->safe_psql($p, $runs), 0, 'a copy that nobody has told to go on starts none');
my $begun = time();
$standby->safe_psql($p, 'SELECT FROM ingest.enable()');
poll_until($standby, $p, $runs, 1);
$standby->stop('fast');
pass('until somebody does');
done_testing();
