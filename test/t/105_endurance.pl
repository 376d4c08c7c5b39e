# What the gateway stands: kill -9 of it and of sessions amid requests (GATEWAY_AMID of them, 10), ten thousand connections, a thousand streams by TLS, and what is left behind when it dies
use strict;
use warnings;
use Gateway;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ingest'\nrestart_after_crash = on\nmax_connections = 60\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sql(q{
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; GRANT ingest_operator TO fin; GRANT fin TO ingest_authenticator;
	CREATE SCHEMA shop AUTHORIZATION fin;
	CREATE TABLE public.counted (n serial, what text); GRANT ALL ON public.counted TO fin; GRANT ALL ON SEQUENCE public.counted_n_seq TO fin;
	CREATE FUNCTION ingest_api.count_it(what text, seconds float8 DEFAULT 0) RETURNS integer LANGUAGE plpgsql AS $$
	DECLARE got integer; BEGIN
		INSERT INTO public.counted (what) VALUES (what) RETURNING n INTO got;
		PERFORM pg_sleep(seconds);
		RETURN got;
	END $$;
	INSERT INTO ingest_api_internal.route (method, path, function, description) VALUES ('POST', 'counting/{what}', 'count_it', 'of the test');
	SET SESSION AUTHORIZATION fin;
	CREATE TABLE shop.known (id int PRIMARY KEY, v text); INSERT INTO shop.known SELECT i, 'row ' || i FROM generate_series(1, 100) i;
	SELECT ingest_api.expose('shop.known', 'known');
});
my $token = sql(q{SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('t', scopes => '{operate}')});
# one token's actions take one of the two sessions that there are for them
my $second = sql(q{SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('u', scopes => '{operate}')});
my $gateway = gateway_new($node, '--timeout', '40');
$gateway->start;
my $queries = q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'ingest_authenticator' AND state <> 'idle'};

# -- nobody goes on working for one that was killed --

my @sleepers = map { my $i = $_; IPC::Run::start([ 'curl', '-s', '-X', 'POST', '-H', 'Authorization: Bearer ' . ($i == 1 ? $token : $second), '-H', 'Content-Type: application/json', '-d', '{"seconds": 30}', $gateway->address("/v1/counting/sleeper$i") ], '>', \my $out, '2>', \my $e) } 1 .. 2;
poll_until($node, $p, "SELECT count(*) = 2 FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
$gateway->kill9;
sleep(3);
is(sql($queries), 0, 'three seconds after kill -9 no query is left');
is(sql(q{SELECT count(*) FROM counted}), 0, 'nor what it did');
$_->finish for @sleepers;
$gateway->start;

# -- kills amid requests; the table is the oracle --

my $kills = $ENV{GATEWAY_AMID} // 10;
my $each = 1.2;
my ($said, $err) = ('', '');
my $clients = IPC::Run::start([ '/usr/bin/python3', '-B', 'gateway/steady.py', $gateway->{port}, $token, 2 + $kills * $each * 1.6, 6 ], '<', '/dev/null', '>', \$said, '2>', \$err);
my %killed = (gateway => 0, backend => 0);
for my $round (1 .. $kills)
{
	sleep($each * (0.5 + rand()));
	if ($round % 2) { $gateway->kill9; $gateway->start; $killed{gateway}++; next; }
	# one that works, if there is one; all others end with it
	my $pid = sql_or_nothing($node, q{SELECT pid FROM pg_stat_activity WHERE usename = 'ingest_authenticator' ORDER BY state = 'active' DESC, random() LIMIT 1});
	next unless $pid;
	kill_backend($node, $pid);
	$killed{backend}++;
}
$clients->finish;
my %done = $said =~ /^done (\S+) (\d+)$/mg;
is(join("\n", $said =~ /^wrong (.*)$/mg), '', 'no answer was wrong') or diag($err);
cmp_ok(scalar keys %done, '>', 5 * $kills, scalar(keys %done) . " things were done, $killed{gateway} gateways and $killed{backend} backends killed amid them, " . join(', ', $said =~ /^(away \d+|reads \d+)$/mg));
cmp_ok($killed{gateway} + $killed{backend}, '>=', $kills * 0.8, 'kills happened');
my %counted = map { split /\|/ } split /\n/, sql(q{SELECT what, string_agg(n::text, ',') FROM counted GROUP BY what});
is(join(' ', grep { ($counted{$_} // 'never') ne $done{$_} } sort keys %done), '', 'each was done once, and its answer tells that');
is(join(' ', grep { !exists $done{$_} } sort keys %counted), '', 'nothing else was');
sub sessions { my %n = $gateway->curl('/metrics', '-H', "Authorization: Bearer $token") =~ /^ingest_gateway_sessions\{state="(\w+)"\} (\d+)$/mg; return join(' ', map { "$_ " . ($n{$_} // '-') } qw(free busy away)); }
my $until = time() + 30;
sleep(0.2) until sessions() eq 'free 10 busy 0 away 0' || time() > $until;
is(sessions(), 'free 10 busy 0 away 0', 'all sessions are back');
poll_until($node, $p, "$queries AND query NOT LIKE '%pg_stat_activity%'", '0');
pass('and nothing goes on');

# -- ten thousand connections --

is($gateway->stop, 0, 'it ends well');
$gateway->{options} = [];
$gateway->start;
sub descriptors { my @all = glob '/proc/' . $gateway->pid . '/fd/*'; return scalar @all; }
sub crowd { my ($out, $e) = ('', ''); IPC::Run::run([ '/usr/bin/python3', '-B', 'gateway/crowd.py', 'many', $gateway->{port} ], '<', '/dev/null', '>', \$out, '2>', \$e, IPC::Run::timeout(170)); diag($e) if $e; return $out; }
my $told = crowd();
like($told, qr/^turned away 200$/m, 'beyond a thousand that are at their requests 200 get 503 and are closed');
like($told, qr/^of those that were there 1000$/m, 'those are answered');
like($told, qr/^made room 5$/m, 'of idle ones as many go as come');
like($told, qr/^for 5$/m, 'which are answered');
like($told, qr/^beside ten thousand 200 within a second$/m, 'beside ten thousand that say nothing a request is answered within a second');
like($told, qr/^are left (9\d\d|1000)$/m, 'of which a thousand are left');
like($told, qr/^without an end 0$/m, 'of ten thousand that ask at once none waits for ever');
like($told, qr/^other answers 0$/m, 'nor is told anything but 200 and 503');
like($told, qr/^answered a thousand at least$/m, 'and a thousand of them are answered');
like($told, qr/^afterwards 200 within a second$/m, 'afterwards a request is, within a second') or diag($told);
sleep(2);
my ($memory, $open) = ($gateway->memory, descriptors());
crowd() for 1 .. 2;
sleep(2);
cmp_ok($gateway->memory, '<', $memory + 2048, "the same twice more needs no more memory than before: $memory kB, then " . $gateway->memory);
cmp_ok(descriptors(), '<=', $open, 'and no more descriptors');
is($gateway->stop, 0, 'it ends well');

# -- what a stream costs that waits, of a thousand --

IPC::Run::run([ 'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', "$gateway->{folder}/key", '-out', "$gateway->{folder}/crt", '-days', '2', '-subj', '/CN=a' ], '>', '/dev/null', '2>', '/dev/null');
for my $way ([ 'by TLS', 30, undef ], [ 'of a subscription', 8, '{"query": "subscription { events(types: [\"shop.*\"]) { id type subject time data } }"}' ])
{
	my ($what, $most, $body) = @$way;
	$gateway->{options} = [ '--connections', '1100', $body ? () : ('--tls-cert', "$gateway->{folder}/crt", '--tls-key', "$gateway->{folder}/key") ];
	$gateway->start;
	$gateway->curl('/v1/known', '-H', "Authorization: Bearer $token") for 1 .. 3;
	my ($in, $out, $e) = ('', '', '');
	my $run = IPC::Run::start([ '/usr/bin/python3', '-B', 'gateway/crowd.py', 'streams', $gateway->{port}, $token, 1000, $body // () ], '<', \$in, '>', \$out, '2>', \$e);
	my $end = time() + 120;
	my $sees = sub { my ($so) = @_; until ($out =~ $so || time() > $end || !$run->pumpable) { $run->pump_nb; sleep(0.05); } return; };
	$sees->(qr/begin/);
	my $before = $gateway->memory;
	$in .= "\n";
	$sees->(qr/streams \d+/);
	like($out, qr/streams 1000$/m, "a thousand streams $what") or diag($e);
	sleep(1);
	my $kb = ($gateway->memory - $before) / 1000;
	cmp_ok($kb, '<=', $most, "one $what that waits costs $most kB at most: $kb");
	$in .= "\n";
	$run->finish;
	is($gateway->stop, 0, 'it ends well');
}
unlike($gateway->said, qr/Sanitizer|runtime error/, 'nothing was done wrong');
done_testing();
