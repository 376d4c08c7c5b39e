# The gateway: what it makes of bytes, of slow and of leaving clients, of a database that comes and goes, of its own end.
# The database answers by a function of the test: what ingest_api answers is tested where no HTTP is needed.
use strict;
use warnings;
use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->append_conf('postgresql.conf', "log_statement = all\nlog_min_messages = debug1\n");
$node->start;
my $serve = <<'SQL';
CREATE SCHEMA ingest_api;
CREATE FUNCTION ingest_api.serve(credential text, method text, path text, query text, asked jsonb, content bytea, OUT status int, OUT headers jsonb, OUT body text) LANGUAGE plpgsql AS $$
BEGIN
	status := 200;
	headers := '{"Content-Type": "application/json"}';
	CASE path
		WHEN '/sleep' THEN PERFORM pg_sleep(query::float8);
		WHEN '/error' THEN RAISE EXCEPTION 'words that are for the log alone' USING ERRCODE = query;
		WHEN '/big' THEN body := repeat('{"a": 1234567890}', query::int); RETURN;
		WHEN '/split' THEN headers := headers || jsonb_build_object('X-Split', E'a\r\nX-Smuggled: b');
		WHEN '/nothing' THEN RETURN;
		ELSE NULL;
	END CASE;
	body := jsonb_build_object('credential', credential, 'method', method, 'path', path, 'query', query, 'headers', asked, 'body', convert_from(content, 'UTF8'),
		'user', current_user, 'name', asked ->> 'x-name');
END $$;
SQL
$node->safe_psql($p, "CREATE ROLE gateway LOGIN NOINHERIT; CREATE ROLE strong LOGIN NOINHERIT; GRANT postgres TO strong; $serve GRANT USAGE ON SCHEMA ingest_api TO gateway, strong");

# what reads bytes from outside, with the sanitizers that a program can have
my $program = $ENV{GATEWAY_SANITIZED} // $node->config_data('--bindir') . '/pg_ingest_gateway';
my $folder = PostgreSQL::Test::Utils::tempdir('gateway');
my $port = PostgreSQL::Test::Cluster::get_free_port();
my ($gateway, $log) = (undef, "$folder/log");

sub start_gateway
{
	my @options = @_;
	$gateway = IPC::Run::start([ $program, '--listen', "127.0.0.1:$port", '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=gateway", @options ], '<', '/dev/null', '>', '/dev/null', '2>>', $log);
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port))
	{
		die 'the gateway did not start: ' . slurp_file($log) if time() > $until || !$gateway->pumpable;
		sleep(0.05);
	}
	return;
}
sub pid { return $gateway->{KIDS}[0]{PID}; }
sub stop_gateway { $gateway->signal('TERM'); $gateway->finish; return $gateway->full_result(0); }

# curl(arguments): status, headers, body
sub curl
{
	my @arguments = @_;
	my ($out, $err);
	IPC::Run::run([ 'curl', '-s', '-i', '--max-time', '60', map { m{^/} ? "http://127.0.0.1:$port$_" : $_ } @arguments ], '<', '/dev/null', '>', \$out, '2>', \$err);
	my ($head, $body) = split /\r\n\r\n/, $out, 2;
	return (($head // '') =~ m{^HTTP/1.1 (\d+)} ? $1 : 0, $head // '', $body // '');
}
sub status { return (curl(@_))[0]; }
sub ready { my $until = time() + 30; sleep(0.05) until status('/readyz') == 200 || time() > $until; return status('/readyz') == 200; }
# what the gateway's sessions are doing for requests
sub busy { return $node->safe_psql($p, q{SELECT count(*) FROM pg_stat_activity WHERE usename = 'gateway' AND state = 'active'}); }

sub raw
{
	my ($bytes) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
	$s->autoflush(1);
	print $s $bytes if defined $bytes;
	return $s;
}
# all that comes until it is closed, and after how long that was
sub rest
{
	my ($s, $seconds) = @_;
	my ($all, $begin) = ('', time());
	local $SIG{ALRM} = sub { die "open\n" };
	eval { alarm $seconds; while (sysread($s, my $part, 65536)) { $all .= $part; } alarm 0; };
	alarm 0;
	return ($all, $@ ? undef : time() - $begin);
}

# -- forms --

start_gateway('--connections', '50', '--timeout', '3', '--pool', '4');
ok(ready(), 'it is ready when the database answers');
my ($said, $err);
IPC::Run::run([ '/usr/bin/python3', '-B', 'gateway/forms.py', "127.0.0.1:$port" ], '<', '/dev/null', '>', \$said, '2>', \$err);
my @bad = $said =~ /^(not ok .*(?:\n# .*)*)/mg;
is(scalar(() = $said =~ /^ok /mg), 98, 'each form is answered as RFC 9112 says') or diag(join "\n", @bad, $err);

# -- what the database is told, and what it says --

my ($code, $head, $body) = curl('/v1/t?a=b+c&d=%2B', '-H', 'Authorization: Bearer pgi_abcdefgh_0123456789abcdef', '-H', 'Prefer: count=exact', '-H', 'Cookie: a=b', '-H', 'Prefer: tx=x', '-d', '{"ä": 1}');
is($code, 200, 'a request is answered by the database');
my $told = decode_json($body);
is_deeply([ @$told{qw(method path query body user)} ], [ 'POST', '/v1/t', 'a=b+c&d=%2B', "{\"\x{e4}\": 1}", 'gateway' ], 'with method, path, query and body as they came');
is($told->{headers}{prefer}, 'count=exact, tx=x', 'headers of one name are one list');
ok(!exists $told->{headers}{authorization} && !exists $told->{headers}{cookie}, 'headers that it need not know stay outside');
like($told->{credential}, qr/^token pgi_abcdefgh [0-9a-f]{64}$/, 'of a token it gets the prefix and a hash');
unlike(slurp_file($node->logfile) . slurp_file($log), qr/0123456789abcdef/, 'the token itself is in no log');
like($told->{name}, qr/^pg_ingest_gateway \d+-$told->{headers}{'x-request-id'}$/, 'the name that the session is to have goes with it');
my $line = qr/"request":"\d+-$told->{headers}{'x-request-id'}"/;
# a line is written when the answer has gone
for (1 .. 50) { last if slurp_file($log) =~ $line; sleep(0.1); }
like(slurp_file($log), $line, 'by which the log knows it');
is((curl('/v1/t', '-H', 'Authorization: Basic eDp5'))[2] =~ /"credential": "bad"/, 1, 'another kind of login is none');
($code, $head, $body) = curl('/split');
unlike($head, qr/smuggled/i, 'a header with a line in it is left out');
is_deeply([ map { status("/error?$_") } qw(P0001 57014 40001 53300 42501) ], [ 500, 504, 503, 503, 500 ], 'errors by their SQLSTATE');
unlike((curl('/error?P0001'))[2], qr/for the log/, 'whose words stay inside');
like(slurp_file($log), qr/words that are for the log alone/, 'and are in the log');
is(status('/nothing'), 200, 'an answer without a body');
is((curl('-I', '/v1/t'))[2], '', 'HEAD has no body');
like((curl('-I', '/v1/t'))[1], qr/Content-Length: [1-9]/i, 'but its length');
my $packed = (curl('/big?20000', '-H', 'Accept-Encoding: gzip'))[2];
cmp_ok(length $packed, '<', 20000, 'large answers are packed for who takes that');
is(length((curl('/big?20000'))[2]), 340000, 'and for nobody else');
is(length((curl('--compressed', '/big?20000'))[2]), 340000, 'unpacked they are the same');
is(status('/sleep?8'), 504, 'a statement that takes too long ends');
is(status('/healthz', '-X', 'POST'), 405, 'a method that is not allowed');

# -- clients that are slow, leave, are many --

my %slow;
$slow{head} = raw("GET /healthz HTTP/1.1\r\nHost: a\r\n");
$slow{body} = raw("POST /v1/t HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
$slow{silent} = raw();
my $since = time();
while (time() < $since + 10.5)
{
	sleep(0.5);
	local $SIG{PIPE} = 'IGNORE';
	print { $slow{head} } 'X';
}
my ($answer, $after) = rest($slow{head}, 3);
like($answer, qr/^HTTP\/1.1 408 /, 'whoever sends a header byte by byte is told so after ten seconds');
ok(defined $after, 'and closed');
($answer, $after) = rest($slow{silent}, 3);
ok(defined $after && $answer eq '', 'whoever says nothing is closed');
close $slow{body};

my $leaving = raw("GET /sleep?2.7 HTTP/1.1\r\nHost: a\r\n\r\n");
poll_until($node, $p, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE usename = 'gateway' AND state = 'active'});
close $leaving;
my $left = time();
poll_until($node, $p, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'gateway' AND state = 'active'});
in_time(time() - $left, 1.5, 'a client that leaves takes its statement with it');
is(status('/v1/t'), 200, 'and nobody else\'s');

my @sleepers = map { raw("GET /sleep?1.5 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer pgi_sleepers_x\r\nConnection: close\r\n\r\n") } 1 .. 12;
sleep(0.3);
my $begin = time();
is(status('/v1/t'), 200, 'behind twelve sleeps of another');
in_time(time() - $begin, 1, 'there is a session left');
$begin = time();
is(status('/metrics'), 200, 'what is short');
in_time(time() - $begin, 1, 'waits for none of them');
my @ends = map { (rest($_, 20))[0] } @sleepers;
# they have half of the sessions between them, and some have to wait for too long
is(scalar(grep { m{^HTTP/1.1 (200|503) } } @ends), 12, 'each of them is answered');

my @many = map { raw() } 1 .. 50;
is(status('/healthz'), 200, 'beyond the limit one that is idle makes room');
close $_ for @many;
@many = map { raw("GET /sleep?2 HTTP/1.1\r\nHost: a\r\n\r\n") } 1 .. 50;
sleep(0.3);
is(status('/healthz'), 503, 'and where none is, the new one is told so');
close $_ for @many;
poll_until($node, $p, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'gateway' AND state = 'active'});

# -- a database that comes and goes --

$node->safe_psql($p, q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'gateway'});
ok(ready(), 'sessions that were ended come back');
$node->stop('immediate');
# by a socket, since a program takes as long to begin, and the shortest of three: what the machine does meanwhile is not
# the gateway's
my @refusals = map { [ rest(raw("GET /v1/t HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), 20) ] } 1 .. 3;
is(scalar(grep { $_->[0] =~ m{^HTTP/1\.1 503 } } @refusals), 3, 'without a database: 503');
in_time((sort { $a <=> $b } map { $_->[1] // 20 } @refusals)[0], 1.5, 'within a second');
is(status('/healthz'), 200, 'while it is alive itself');
$node->start;
ok(ready(), 'and it comes back by itself');
is(status('/v1/t'), 200, 'for requests too');

# -- kill -9 --

for my $round (1 .. ($ENV{GATEWAY_KILLS} // 10))
{
	my @under_way = map { raw("GET /sleep?2.5 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer pgi_sleeper$_" . "_x\r\n\r\n") } 1 .. 4;
	sleep(0.2 * rand());
	kill 'KILL', pid();
	$gateway->finish;
	start_gateway('--timeout', '3', '--pool', '4');
	ready();
	close $_ for @under_way;
}
poll_until($node, $p, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'gateway' AND state = 'active'});
ok(1, 'what it was asked for ends with it');

# -- its own end --

my $waits = raw("GET /sleep?1 HTTP/1.1\r\nHost: a\r\n\r\n");
my $idle = raw();
sleep(0.3);
$gateway->signal('TERM');
like((rest($waits, 10))[0], qr/^HTTP\/1.1 200 .*Connection: close/s, 'what is under way is answered before it ends');
is((rest($idle, 5))[0], '', 'whoever is idle is closed');
$gateway->finish;
is($gateway->full_result(0), 0, 'and it ends well');

# -- TLS, files, what it refuses --

my @certificate = map {
	IPC::Run::run([ 'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', "$folder/$_.key", '-out', "$folder/$_.crt", '-days', '2', '-subj', "/CN=$_", '-addext', 'subjectAltName=IP:127.0.0.1' ], '>', '/dev/null', '2>', '/dev/null');
	"$folder/$_"
} qw(first second);
mkdir "$folder/files";
mkdir "$folder/files/console";
append_to_file("$folder/files/console/index.html", '<!doctype html><title>x</title>');
append_to_file("$folder/secret", 'not served');
symlink "$folder/secret", "$folder/files/link";
IPC::Run::run([ 'cp', "$certificate[0].$_", "$folder/tls.$_" ]) for qw(crt key);
start_gateway('--tls-cert', "$folder/tls.crt", '--tls-key', "$folder/tls.key", '--static', "$folder/files");
my $tls = "https://127.0.0.1:$port";
sub tls_curl { my ($out, $e); IPC::Run::run([ 'curl', '-s', '-i', '--path-as-is', @_ ], '>', \$out, '2>', \$e); return $out; }
like(tls_curl('--cacert', "$certificate[0].crt", "$tls/console/"), qr/200 OK.*<!doctype html>/s, 'files are served over TLS');
like(tls_curl('--cacert', "$certificate[0].crt", "$tls/console/"), qr/Content-Security-Policy: default-src 'none'/, 'with a policy for what they may load');
unlike(tls_curl('--cacert', "$certificate[0].crt", "$tls/$_"), qr/not served/, "nothing else is: $_") for qw(link ../secret console/../../secret console/%2e%2e/%2e%2e/secret);
like(tls_curl('--cacert', "$certificate[0].crt", "$tls/healthz", "$tls/healthz"), qr/200 OK.*200 OK/s, 'a connection serves more than one request');
IPC::Run::run([ 'cp', "$certificate[1].$_", "$folder/tls.$_" ]) for qw(crt key);
kill 'HUP', pid();
my $until = time() + 10;
sleep(0.1) until (tls_curl('--cacert', "$certificate[1].crt", "$tls/healthz") // '') =~ /200 OK/ || time() > $until;
like(tls_curl('--cacert', "$certificate[1].crt", "$tls/healthz"), qr/200 OK/, 'SIGHUP reads certificate and key again');
append_to_file("$folder/tls.crt", 'x');
open my $broken, '>', "$folder/tls.key" or die $!;
close $broken;
kill 'HUP', pid();
sleep(0.5);
like(tls_curl('--cacert', "$certificate[1].crt", "$tls/healthz"), qr/200 OK/, 'those that cannot be used change nothing');
is(stop_gateway(), 0, 'it ends well');

sub refuses
{
	my ($what, $why, @options) = @_;
	my ($out, $e);
	my $run = IPC::Run::start([ $program, @options ], '<', '/dev/null', '>', \$out, '2>', \$e, IPC::Run::timeout(20));
	eval { $run->finish; 1 } or $run->kill_kill;
	ok($run->result && $e =~ $why, "it refuses $what") or diag($e);
	return;
}
refuses('another address without TLS', qr/--behind-proxy/, '--listen', "0.0.0.0:$port");
refuses('a password that others can see', qr/passfile/, '--dsn', 'host=x password=y');
refuses('a password in an address', qr/passfile/, '--dsn', 'postgresql://u:y@x/z');
refuses('half of a certificate', qr/go together/, '--tls-cert', 'x');
refuses('a role that may become a superuser', qr/superuser/, '--listen', "127.0.0.1:$port", '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=strong");
unlike(slurp_file($log), qr/Sanitizer|runtime error/, 'nothing was done wrong');
done_testing();
