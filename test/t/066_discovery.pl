# What the launcher costs databases that do not have the extension, and that one which gets it is found at once
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $node = PostgreSQL::Test::Cluster->new('discovery');
$node->init;
# what the postmaster starts is in its log
$node->append_conf('postgresql.conf', "fsync = off\nshared_preload_libraries = 'ingest'\ningest.discovery = 1\nlog_min_messages = debug1\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', "CREATE DATABASE d$_") for 1 .. 3;
sub starts { my $log = slurp_file($node->logfile); return scalar(() = $log =~ /starting background worker process "ingest scheduler"/g); }
sub scheduler { poll_until($node, 'postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'ingest scheduler' AND datname = '$_[0]'"); return; }

sleep(16);
# four databases, after 0, 2, 6, 14 s
cmp_ok(starts(), '<=', 24, 'a database without the extension is looked into less and less often');
cmp_ok(starts(), '>=', 8, 'but again');
my $begun = time();
$node->safe_psql('d1', 'CREATE EXTENSION ingest CASCADE');
scheduler('d1');
in_time(time() - $begun, 8, 'one that gets it has a scheduler at once');
$begun = time();
$node->safe_psql('d2', q{DO $$ BEGIN EXECUTE 'CREATE EXTENSION ingest CASCADE'; END $$});
scheduler('d2');
in_time(time() - $begun, 8, 'also if that was made by other means');
$node->psql('d3', 'BEGIN; CREATE EXTENSION ingest CASCADE; ROLLBACK');
# a scheduler that dies is no reason to wait
$begun = time();
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'ingest scheduler' AND datname = 'd1'");
sleep(1);
scheduler('d1');
in_time(time() - $begun, 6, 'one whose scheduler has ended has another one soon');
# it goes, and comes again
$node->safe_psql('d1', 'DROP EXTENSION ingest CASCADE');
poll_until($node, 'postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'ingest scheduler' AND datname = 'd1'");
sleep(5);
$begun = time();
$node->safe_psql('d1', 'CREATE EXTENSION ingest CASCADE');
scheduler('d1');
in_time(time() - $begun, 8, 'nor is it lost where it comes again');
$node->stop;
done_testing();
