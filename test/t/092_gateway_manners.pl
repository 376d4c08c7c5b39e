# The gateway and browsers: pages of other origins.  The database answers by a function of the test.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->start;
$node->safe_psql($p, <<'SQL');
CREATE ROLE gateway LOGIN NOINHERIT;
CREATE SCHEMA ingest_api;
GRANT USAGE ON SCHEMA ingest_api TO gateway;
CREATE FUNCTION ingest_api.serve(credential text, method text, path text, query text, asked jsonb, content bytea, OUT status int, OUT headers jsonb, OUT body text) LANGUAGE plpgsql AS $$
BEGIN
	status := CASE path WHEN '/no' THEN 401 ELSE 200 END;
	headers := CASE path WHEN '/stream' THEN '{"Content-Type": "text/event-stream", "Last-Event-ID": "1"}'::jsonb ELSE '{"Content-Type": "application/json"}'::jsonb END;
	body := CASE path WHEN '/stream' THEN '' WHEN '/big' THEN repeat('0123456789', 3000000) ELSE repeat('[1] ', 1000) END;
END $$;
SQL

my $program = $node->config_data('--bindir') . '/pg_ingest_gateway';
my $folder = PostgreSQL::Test::Utils::tempdir('manners');
my $port = PostgreSQL::Test::Cluster::get_free_port();
my @dsn = ('--listen', "127.0.0.1:$port", '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=gateway");
my $gateway;
sub start_gateway
{
	my @options = @_;
	$gateway = IPC::Run::start([ $program, @dsn, @options ], '<', '/dev/null', '>', '/dev/null', '2>>', "$folder/log");
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	until (`curl -s http://127.0.0.1:$port/readyz` eq "ok\n") { die 'the gateway did not start: ' . slurp_file("$folder/log") if time() > $until || !$gateway->pumpable; sleep(0.05); }
	return;
}
sub stop_gateway { $gateway->signal('TERM'); $gateway->finish; return; }
# head(path, arguments of curl): the head of the answer alone
sub head
{
	my ($path, @more) = @_;
	my $out;
	IPC::Run::run([ 'curl', '-s', '--max-time', '20', '-D', '-', '-o', '/dev/null', @more, "http://127.0.0.1:$port$path" ], '<', '/dev/null', '>', \$out, '2>', '/dev/null');
	return $out;
}

# -- who does not read --

start_gateway();
my $deaf = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
$deaf->autoflush(1);
print $deaf "GET /big HTTP/1.1\r\nHost: a\r\n\r\n";
# the gateway has all of it, which costs time of the processor, when the first of it is here
ok(IO::Select->new($deaf)->can_read($PostgreSQL::Test::Utils::timeout_default), 'a large answer begins');
like(head('/healthz', '--max-time', '2'), qr/^HTTP.1.1 200 /, 'one who does not take his answer stops nobody else');
my $cpu = sub { return (split / /, slurp_file("/proc/$gateway->{KIDS}[0]{PID}/stat"))[13] + (split / /, slurp_file("/proc/$gateway->{KIDS}[0]{PID}/stat"))[14]; };
my $used = $cpu->();
sleep(2);
cmp_ok($cpu->() - $used, '<=', 10, 'and is waited for without work: hundredths of two seconds');
close $deaf;
stop_gateway();

# -- pages of other origins --

start_gateway('--cors-origin', 'https://app.example.com', '--cors-origin', 'http://localhost:5173');
for my $origin ('https://app.example.com', 'http://localhost:5173')
{
	like(head('/v1', '-H', "Origin: $origin"), qr/^Access-Control-Allow-Origin: \Q$origin\E\r$/m, "$origin may read answers");
	like(head('/no', '-H', "Origin: $origin"), qr/^HTTP.1.1 401.*^Access-Control-Allow-Origin: \Q$origin\E\r$/ms, 'and why there is none');
	like(head('/stream', '-H', "Origin: $origin"), qr/^Access-Control-Allow-Origin: \Q$origin\E\r$/m, 'and streams');
	my $preflight = head('/v1', '-X', 'OPTIONS', '-H', "Origin: $origin", '-H', 'Access-Control-Request-Method: POST', '-H', 'Access-Control-Request-Headers: authorization');
	like($preflight, qr/^HTTP.1.1 204 .*^Access-Control-Allow-Headers: .*Authorization.*^Access-Control-Allow-Origin: \Q$origin\E\r$/ms, 'and may ask with a token');
	unlike($preflight, qr/Allow-Credentials/i, 'but with no cookie');
}
for my $origin ('https://app.example.com.evil.test', 'https://evil.test', 'http://app.example.com', 'https://app.example.com:444', 'https://APP.example.com', 'null', '*', '')
{
	unlike(head('/v1', '-H', "Origin: $origin"), qr/^Access-Control-Allow/mi, "not $origin");
	my $preflight = head('/v1', '-X', 'OPTIONS', '-H', "Origin: $origin", '-H', 'Access-Control-Request-Method: GET');
	unlike($preflight, qr/^Access-Control-Allow/mi, 'nor may it ask');
	like($preflight, qr/^HTTP.1.1 (403|200) /, 'which it is told');
}
unlike(head('/v1', '-H', 'Origin: https://app.example.com', '-H', 'Origin: https://evil.test'), qr/Access-Control-Allow-Origin: (?!https:..app)/i, 'two are none');
like(head('/v1'), qr/^Vary: Origin\r$/m, 'what is kept on the way is kept for each');
like(head('/v1', '--compressed', '-H', 'Origin: https://app.example.com'), qr/^Content-Encoding: gzip\r$/m, 'packed, too');
like(head('/v1', '-I', '-H', 'Origin: https://app.example.com'), qr/^Access-Control-Allow-Origin: /m, 'and HEAD');
unlike(head('/stream', '--compressed'), qr/gzip/, 'streams are not packed');
stop_gateway();

start_gateway();
unlike(head('/v1', '-H', 'Origin: https://app.example.com'), qr/^(Access-Control|Vary: Origin)/mi, 'without a list nobody may');
stop_gateway();
for my $wrong ('*', 'null', 'app.example.com', 'https://*.example.com', 'https://app.example.com/', 'https://', 'ftp://a', "https://a\r\nX: y")
{
	my ($out, $err);
	IPC::Run::run([ $program, @dsn, '--cors-origin', $wrong ], '<', '/dev/null', '>', \$out, '2>', \$err, IPC::Run::timeout(20));
	like($err, qr/--cors-origin wants an origin/, 'no origin: ' . ($wrong =~ s/[\r\n]/./gr));
}
done_testing();
