# Two regions: a standby stands still; a promoted one goes on by itself, with no job lost or done twice; what the primary
# had not sent is lost, and what that means is measured.  A copy of the files does nothing while ingest.enabled is off; one that was made by
# CREATE DATABASE … TEMPLATE, or restored, until an admin says so.
use strict;
use warnings;
use Sandbox;
use Delivery;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $conf = "fsync = off\nshared_preload_libraries = 'ingest'\ningest.discovery = 1\ningest.naptime = 1\nmax_worker_processes = 20\nhot_standby = on\n";
start_receiver('--whole');
# the source is a third server, as it would be
my $source = PostgreSQL::Test::Cluster->new('source');
$source->init;
$source->append_conf('postgresql.conf', "fsync = off\n");
$source->start;
$source->safe_psql($p, q{CREATE SCHEMA shop; CREATE TABLE shop.item (id int PRIMARY KEY, n int, u timestamptz DEFAULT clock_timestamp()); INSERT INTO shop.item SELECT i, 0 FROM generate_series(1, 200) i});
my ($host, $port, $user) = ($source->host, $source->port, scalar getpwuid($<));

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', $conf);
$primary->start;

sub on { my ($node, $sql) = @_; return $node->safe_psql($p, $sql); }

on($primary, qq{CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE EXTENSION ingest_delivery;
	CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR $user SERVER shop OPTIONS (user '$user');
	ALTER DATABASE postgres SET ingest_delivery.allow_http = on; ALTER DATABASE postgres SET ingest_delivery.allow_networks = '127.0.0.0/8';
	CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (now '$secret');
	CREATE SCHEMA here; CREATE TABLE did (what text, at timestamptz DEFAULT clock_timestamp(), on_server text DEFAULT current_setting('port'));
	SELECT ingest.register_source('shop', 'shop', schema => 'far', remote_schemas => '{shop}')});
on($primary, $_) for "CALL ingest.crawl('shop')", q{SELECT ingest.create_sync('far.item', 'here.item', cursor_column => 'u', history => true)}, "CALL ingest.sync('here.item')",
  q{SELECT ingest.create_job('items', 'sync', 'here.item')}, q{SELECT ingest.schedule('items', '1 second')},
  q{SELECT ingest.create_job('each', 'sql', $$INSERT INTO did VALUES ('each')$$)}, q{SELECT ingest.schedule('each', '1 second')}, qq{SELECT ingest_delivery.create_sink('hook', 'webhook', '{"url": "$url/hook", "secret": "mapping:ingest_secrets/now"}')};
poll_until($primary, $p, q{SELECT count(*) > 2 FROM did});

# -- a standby stands still --

$primary->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'b', has_streaming => 1);
$standby->append_conf('postgresql.conf', "primary_conninfo = '" . $primary->connstr . " application_name=standby'\n");
$standby->start;
sleep 5;
is(on($standby, q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'ingest%'}), '0', 'a standby has none of the engine\'s processes');
is(on($standby, q{SELECT count(*) > 0 FROM ingest.job_status}), 't', 'but answers what is asked');
is(on($standby, q{SELECT ingest_internal.launcher_runs()}), 'f', 'and says that nobody does jobs');
my ($code, $out, $err) = $standby->psql($p, "CALL ingest.sync('here.item')");
like($err, qr/read-only|recovery|standby/, 'who asks it to work is told');
is(on($primary, q{SELECT count(*) FROM did WHERE on_server <> current_setting('port')}), '0', 'only the primary works');

# -- failover in the middle of work --

# a job that is at work, sixty that wait, of which some are done: each is to be done once
on($primary, q{SELECT ingest.create_job('unit ' || i, 'sql', format($$INSERT INTO did SELECT 'unit %s' FROM pg_sleep(0.3)$$, i)) FROM generate_series(1, 60) i});
on($primary, q{SELECT ingest.create_job('long', 'sql', $$INSERT INTO did SELECT 'long' FROM pg_sleep(8)$$), ingest.enqueue('long')});
on($primary, q{SELECT ingest.enqueue('unit ' || i) FROM generate_series(1, 60) i});
poll_until($primary, $p, q{SELECT count(*) > 10 FROM did WHERE what LIKE 'unit%'});
# rows that change at the source all the while
my $changes = IPC::Run::start([ 'psql', '-XAtq', '-d', $source->connstr($p), '-c', q{DO $$ BEGIN FOR i IN 1 .. 400 LOOP UPDATE shop.item SET n = n + 1, u = clock_timestamp() WHERE id = 1 + i % 200; COMMIT; PERFORM pg_sleep(0.05); END LOOP; END $$} ], '>', '/dev/null', '2>&1');
sleep 2;
# what the primary did that the standby never hears: its connection is cut, as between regions
$standby->append_conf('postgresql.conf', "primary_conninfo = ''\n");
$standby->reload;
poll_until($standby, $p, 'SELECT count(*) = 0 FROM pg_stat_wal_receiver');
my $cut = time();
sleep 3;
my %known = map { $_ => on($primary, "SELECT count(*) FROM $_") } 'ingest.event', "did WHERE what = 'each'";
my @done = split /\n/, on($primary, q{SELECT what FROM did WHERE what NOT LIKE 'each'});
$primary->stop('immediate');
my $lost_seconds = time() - $cut;
my %there = map { $_ => on($standby, "SELECT count(*) FROM $_") } keys %known;
my $promoted = time();
$standby->promote;
poll_until($standby, $p, q{SELECT count(*) > 0 FROM did WHERE on_server = current_setting('port')});
my $took = time() - $promoted;
in_time($took, 60, sprintf('promoted, it goes on by itself: after %.1f s', $took));
poll_until($standby, $p, q{SELECT count(*) = 0 FROM ingest.queue q JOIN ingest.job j ON j.id = q.job WHERE j.name LIKE 'unit%' OR j.name = 'long'});
is(on($standby, q{SELECT count(DISTINCT what) || ' ' || count(*) FROM did WHERE what LIKE 'unit%'}), '60 60', 'each job that waited is done once');
is(on($standby, q{SELECT count(*) FROM did WHERE what = 'long'}), '1', 'and the one that was at work, once');
is(on($standby, q{SELECT count(*) FROM ingest.run WHERE state = 'running' AND ingest_internal.state_of_run(id, state, pid) = 'lost'}), '0', 'its run is not said to run');
is(on($standby, q{SELECT count(*) FROM ingest.dead_letter}), '0', 'and nothing was given up');
# jobs whose end the standby had not heard of are done again there: what they did here before is lost, not doubled
my %again = map { $_ => 1 } grep { !/^each/ } split /\n/, on($standby, q{SELECT what FROM did WHERE on_server = current_setting('port') AND what <> 'each'});
note(sprintf 'cut off for %.1f s: %d of %d events and %d of %d runs of a schedule of one second were not sent; %d jobs that the primary had done were done again', $lost_seconds,
	$known{'ingest.event'} - $there{'ingest.event'}, $known{'ingest.event'}, $known{"did WHERE what = 'each'"} - $there{"did WHERE what = 'each'"}, $known{"did WHERE what = 'each'"}, scalar grep { $again{$_} } @done);
cmp_ok($known{'ingest.event'}, '>', $there{'ingest.event'}, 'what was not sent is lost');
is(on($standby, q{SELECT era FROM ingest.installation}), '2', 'the events after it are another era');
# a schedule that was missed is run once, not as often as it was missed
cmp_ok(on($standby, q{SELECT count(*) FROM did WHERE what = 'each' AND on_server = current_setting('port') AND at < (SELECT min(at) FROM did WHERE on_server = current_setting('port')) + interval '5 s'}), '<', 10, 'what was due meanwhile is done once');
# copies: the watermark went back with the rows, in one transaction
$changes->finish;
sleep 1;
on($source, q{UPDATE shop.item SET n = n, u = clock_timestamp() WHERE id = 7});
poll_until($standby, $p, q{SELECT count(*) = 0 FROM (SELECT id, n FROM far.item EXCEPT SELECT id, n FROM here.item) x});
pass('the copy is the source again: what was lost was read again');
is(on($standby, q{SELECT count(*) FROM ingest.as_of(NULL::here.item, now())}), '200', 'with history');
# a receiver got what was lost as well, under ids of the first era, and of no id two contents
poll_until($standby, $p, q{SELECT coalesce(bool_and(behind = 0), false) FROM ingest_delivery.sink_status});
my @got = map { $_->{event} } grep { $_->{event} } received('/hook');
my (%content, @two);
for my $event (@got)
{
	my $id = $event->{source} . ' ' . $event->{id};
	my $what = ($event->{subject} // '') . ' ' . $event->{type};
	push @two, $id if defined $content{$id} && $content{$id} ne $what;
	$content{$id} = $what;
}
is("@two", '', 'no id was that of two events');
my @owed = grep { !$content{$_} } split /\n/, on($standby, q{SELECT (c ->> 'source') || ' ' || (c ->> 'id') FROM ingest.event e, ingest.cloud_event(e) c WHERE e.type = 'ingest.rows.changed' AND e.time > (SELECT created_at FROM ingest_delivery.sink)});
is("@owed", '', 'and each event that is kept has arrived');

# -- a copy of the files --

$standby->backup('clone');
my $clone = PostgreSQL::Test::Cluster->new('clone');
$clone->init_from_backup($standby, 'clone');
$clone->append_conf('postgresql.conf', "ingest.enabled = off\n");
$clone->start;
my $before = on($clone, q{SELECT count(*) FROM did});
my $sent = scalar received('/hook');
$standby->stop;
$sent = scalar received('/hook');
sleep 6;
is(on($clone, q{SELECT count(*) FROM did}), $before, 'a copy of the files with ingest.enabled = off does nothing');
is(scalar received('/hook'), $sent, 'nor sends anything');
is(on($clone, q{SELECT count(*) FROM pg_stat_activity WHERE backend_type IN ('ingest worker', 'ingest service') OR application_name = 'ingest_delivery'}), '0', 'no worker and no service runs');
like(on($clone, q{SELECT waits_for FROM ingest.job_status WHERE job = 'each'}), qr/ingest\.enabled is off/, 'and it says why');
($code, $out, $err) = $clone->psql($p, "CALL ingest.work('each')");
like($err, qr/no jobs are run here, since ingest\.enabled is off/, 'pg_cron gets nothing done either');
on($clone, "CALL ingest.sync('here.item')");
pass('who calls gets what is called');
on($clone, 'ALTER SYSTEM RESET ingest.enabled');
$clone->append_conf('postgresql.conf', "ingest.enabled = on\n");
$clone->reload;
poll_until($clone, $p, "SELECT count(*) > $before FROM did");
pass('turned on, it goes on');
$clone->append_conf('postgresql.conf', "ingest.enabled = off\n");
$clone->reload;
sleep 3;
$before = on($clone, q{SELECT count(*) FROM did});
sleep 4;
is(on($clone, q{SELECT count(*) FROM did}), $before, 'turned off while it runs, it stands still');
$clone->append_conf('postgresql.conf', "ingest.enabled = on\n");
$clone->reload;

# -- TEMPLATE, and a dump --

on($clone, 'CREATE DATABASE twin TEMPLATE postgres');
on($clone, 'CREATE DATABASE restored');
my $dump = $clone->basedir . '/dump';
$clone->command_ok([ 'pg_dump', '-Fc', '-d', $clone->connstr($p), '-f', $dump ], 'a dump');
$clone->command_ok([ 'pg_restore', '-d', $clone->connstr('restored'), $dump ], 'is restored');
for my $db ('twin', 'restored')
{
	my $n = $clone->safe_psql($db, 'SELECT count(*) FROM did');
	sleep 4;
	is($clone->safe_psql($db, 'SELECT count(*) FROM did'), $n, "$db does nothing");
	my ($code, $out, $err) = $clone->psql($db, "CALL ingest.sync('here.item')");
	like($err, qr/does nothing here yet.*\n.*\n.*ingest\.enable\(\)/, 'and says what lets it');
	$clone->safe_psql($db, 'SELECT * FROM ingest.enable()');
	poll_until($clone, $db, "SELECT count(*) > $n FROM did");
	pass('an admin does');
}
$clone->stop;
done_testing();
