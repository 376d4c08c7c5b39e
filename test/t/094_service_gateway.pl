# The gateway that PostgreSQL keeps: it comes by a setting, comes back, and is gone a second after any end of the server, its worker or its database
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('service');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ingest'\nmax_worker_processes = 20\nrestart_after_crash = on\ningest.service_alert = 15\n");
$node->start;
sub sql { my ($statements, $database) = @_; return $node->safe_psql($database // $p, $statements); }
my $make = 'CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_api; DO $$BEGIN PERFORM ingest_internal.era(); END$$';
sql($make);
my ($port, $other) = map { PostgreSQL::Test::Cluster::get_free_port() } 1 .. 2;

# gateways that listen there, whoever started them
sub gateways
{
	my ($at) = @_;
	return grep { my $line = -e "/proc/$_/cmdline" ? eval { slurp_file("/proc/$_/cmdline") } // '' : ''; $line =~ /^pg_ingest_gateway\0.*\b\Q127.0.0.1:$at\E\0/s } map { m{/proc/(\d+)} } glob '/proc/[0-9]*';
}
sub ready { my ($at) = @_; return `curl -s -m 2 http://127.0.0.1:$at/readyz` eq "ok\n"; }
# comes(port, seconds, pid of one that was there before): whether there is one, another one, which answers
sub comes
{
	my ($at, $seconds, $was) = @_;
	my $until = time() + ($seconds // 60);
	while (time() < $until)
	{
		my @there = gateways($at);
		return 1 if @there == 1 && $there[0] != ($was // 0) && ready($at);
		sleep(0.1);
	}
	return 0;
}
sub gone_after { my ($seconds, $at) = @_; my $until = time() + $seconds; sleep(0.02) until !gateways($at) || time() > $until; return !gateways($at); }
# whether a process goes within a second; one that nobody has asked for its code yet is gone, too
sub lives { my ($pid) = @_; return -e "/proc/$pid" && (eval { slurp_file("/proc/$pid/status") } // '') !~ /^State:\s+Z/m; }
sub ended { my ($pid) = @_; my $until = time() + 1; sleep(0.02) until !lives($pid) || time() > $until; return !lives($pid); }
sub set { my ($name, $value) = @_; sql("LOAD 'ingest_api'; ALTER SYSTEM SET $name = '$value'"); sql('SELECT pg_reload_conf()'); return; }
sub worker { return sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'}); }

# -- off, on, elsewhere --

sleep(2);
is(worker(), '', 'without an address there is neither a process of it');
is(sql(q{SELECT setting FROM ingest.service WHERE name = 'ingest_api'}), 'ingest_api.listen', 'since the setting says so');
my $password = 'canary-3c59dc';
sql("ALTER ROLE ingest_authenticator PASSWORD '$password'");
my (undef, undef, $refused) = $node->psql($p, "LOAD 'ingest_api'; ALTER SYSTEM SET ingest_api.gateway_dsn = 'user=ingest_authenticator password=$password'");
like($refused, qr/invalid value for parameter.*\n.*must contain no password/, 'a password is none of the settings, since logs show those');
my $passfile = PostgreSQL::Test::Utils::tempdir('pass') . '/pgpass';
append_to_file($passfile, "*:*:*:*:$password\n");
chmod 0600, $passfile;
set('ingest_api.gateway_dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=ingest_authenticator passfile=$passfile");
set('ingest_api.listen', "127.0.0.1:$port");
ok(comes($port), 'with one there is a gateway');
my ($pid) = gateways($port);
unlike(slurp_file("/proc/$pid/cmdline"), qr/passfile|dbname/, 'its arguments do not say which database');
my $environment = eval { slurp_file("/proc/$pid/environ") } // '';
is($environment, '', 'nor does its environment, which nobody may read');
like(slurp_file("/proc/$pid/status"), qr/^NoNewPrivs:\s+1$/m, 'and it gets no more privileges');
is(sql(q{CREATE ROLE looks; SET ROLE looks; SELECT count(*) FROM pg_settings WHERE name = 'ingest_api.gateway_dsn'}), 0, 'nor does a setting that others see');
set('ingest_api.listen', "127.0.0.1:$other");
ok(comes($other) && !gateways($port), 'another address: another gateway');
($pid) = gateways($other);
set('ingest_api.gateway_dsn', '');
ok(comes($other, 60, $pid), 'without a dsn it comes by the socket');

# -- it comes back --

($pid) = gateways($other);
kill 'KILL', $pid;
ok(ended($pid), 'killed');
ok(comes($other, 10), 'it is back within ten seconds');
isnt((gateways($other))[0], $pid, 'as another process');
like(slurp_file($node->logfile), qr/the gateway ended by itself and is started again in \d+ seconds\n.*DETAIL:  It was ended by signal 9/, 'which the log tells');

# -- gone after any end --

($pid) = gateways($other);
kill_backend($node, worker());
ok(ended($pid), 'kill -9 of its worker');
ok(comes($other), 'and it is back with the server');
$node->stop('fast');
ok(gone_after(1, $other), 'shutdown');
$node->start;
ok(comes($other), 'start');
$node->stop('immediate');
ok(gone_after(1, $other), 'immediate shutdown');
$node->start;
ok(comes($other), 'start');
my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
$node->kill9;
ok(gone_after(1, $other), 'kill -9 of the postmaster');
# its children leave when they see that it has gone
my $until = time() + 60;
sleep(0.1) while kill(0, $postmaster) && time() < $until;
sleep(0.5);
sleep(0.2) until $node->start(fail_ok => 1) || time() > $until;
ok(comes($other), 'start');
($pid) = gateways($other);
kill_backend($node, sql('SELECT pid FROM pg_stat_activity WHERE backend_type = $$checkpointer$$'));
ok(ended($pid), 'a crash of somebody else');
ok(comes($other), 'and back');

# -- a database of its own, and its end --

sql('CREATE DATABASE second');
sql("ALTER DATABASE second SET ingest_api.listen = '127.0.0.1:$port'");
sql($make, 'second');
ok(comes($port), 'another database has another one');
is(scalar(gateways($other)), 1, 'beside the first');
my $began = time();
sql('DROP DATABASE second');
in_time(time() - $began, 10, 'which does not stand in the way of who drops it');
ok(gone_after(1, $port), 'and goes with it');

# -- one that cannot --

set('ingest_api.gateway_options', '--nonsense 1');
$began = time();
poll_until($node, $p, "SELECT count(*) > 0 FROM ingest.alert WHERE kind = 'service_silent' AND closed_at IS NULL", 't', 'SELECT kind, summary FROM ingest.alert');
pass('one that does not start is an alert');
my $tries = () = slurp_file($node->logfile) =~ /the gateway ended by itself/g;
cmp_ok($tries, '<', 12, 'and is tried less and less often');
set('ingest_api.gateway_options', '--connections 100');
ok(comes($other, 90), 'until it can');
poll_until($node, $p, "SELECT count(*) = 0 FROM ingest.alert WHERE kind = 'service_silent' AND closed_at IS NULL", 't', 'SELECT kind, summary FROM ingest.alert');
pass('which closes the alert');
sql('DROP EXTENSION ingest_api');
ok(gone_after(20, $other), 'without the extension there is none');
$node->stop;
ok(gone_after(1, $other) && gone_after(1, $port), 'nothing is left');
done_testing();
