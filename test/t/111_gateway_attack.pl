# The gateway's promises about time and room, and the same gateway behind the proxies that the manual names
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->start;
my $serve = <<'SQL';
CREATE SCHEMA ingest_api;
CREATE FUNCTION ingest_api.serve(credential text, method text, path text, query text, asked jsonb, content bytea, OUT status int, OUT headers jsonb, OUT body text) LANGUAGE plpgsql AS $$
BEGIN
	status := 200;
	headers := '{"Content-Type": "application/json", "ETag": "\"a\""}';
	body := '{}';
	CASE path
		WHEN '/sleep' THEN PERFORM pg_sleep(query::float8);
		WHEN '/big' THEN body := repeat('{"a": 1234567890}', query::int);
		WHEN '/notice' THEN RAISE NOTICE 'words of a function' USING DETAIL = E'\n{"level":"info"}';
		WHEN '/told' THEN body := jsonb_build_object('credential', credential, 'method', method, 'query', query, 'content', convert_from(content, 'UTF8'));
		ELSE NULL;
	END CASE;
	IF asked ->> 'if-none-match' = '"a"' THEN status := 304; body := ''; END IF;
END $$;
SQL
$node->safe_psql($p, "CREATE ROLE gateway LOGIN NOINHERIT; $serve GRANT USAGE ON SCHEMA ingest_api TO gateway");

my $program = $node->config_data('--bindir') . '/pg_ingest_gateway';
my $folder = PostgreSQL::Test::Utils::tempdir('gateway');

# started(options): its port, its run, its log
sub started
{
	my ($stderr, @options) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $run = IPC::Run::start([ $program, '--listen', "127.0.0.1:$port", '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=gateway", @options ], '<', '/dev/null', '>', '/dev/null', '2>', $stderr);
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	sleep(0.05) until status($port, '/readyz') == 200 || time() > $until;
	return ($port, $run);
}
sub curl { my ($port, @arguments) = @_; my ($out, $e); IPC::Run::run([ 'curl', '-s', '-i', '--max-time', '60', map { m{^/} ? "http://127.0.0.1:$port$_" : $_ } @arguments ], '<', '/dev/null', '>', \$out, '2>', \$e); return $out; }
sub status { return curl(@_) =~ m{^HTTP/1.1 (\d+)} ? $1 : 0; }
sub raw
{
	my ($port, $bytes) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
	$s->autoflush(1);
	print $s $bytes if defined $bytes;
	return $s;
}
# what there is to read now or within some seconds; undef: it is closed
sub some
{
	my ($s, $seconds) = @_;
	return '' if !IO::Select->new($s)->can_read($seconds);
	my $part;
	return sysread($s, $part, 65536) ? $part : undef;
}
sub closed_by { my ($s, $until) = @_; while (time() < $until) { return 1 if !defined some($s, $until - time()); } return 0; }
local $SIG{PIPE} = 'IGNORE';

# -- deadlines: those that are long run beside the rest --

my ($port, $gateway) = started("$folder/log", '--pool', '4', '--timeout', '20');
my $since = time();
my $body = raw($port, "POST /told HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
my $reader = raw($port, "GET /big?4000000 HTTP/1.1\r\nHost: a\r\n\r\n");
my $idle = raw($port, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
like(some($idle, 10), qr/200 OK/, 'a connection that then is idle');
my $idle_since = time();
sub drip { print $body 'x'; return; }

# -- one may not stop the others --

sub sleeper { my ($who, $seconds) = @_; return raw($port, "GET /sleep?$seconds HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer pgi_$who" . "_x\r\n\r\n"); }
my @first = map { sleeper('firstfirst', 15) } 1 .. 120;
sleep(1);
my @refused = grep { (some($_, 0) // '') =~ /^HTTP\/1.1 503 .*Retry-After: 1/s } @first;
is(scalar(@refused), 18, 'of one token two are asked and a hundred wait, the next get 503');
my $begin = time();
is(status($port, '/told', '-H', 'Authorization: Bearer pgi_another__x'), 200, 'another one is answered');
in_time(time() - $begin, 1, 'at once');
my @second = map { sleeper('secondsecond', 15) } 1 .. 102;
sleep(1);
is(status($port, '/told', '-H', 'Authorization: Bearer pgi_another__x'), 503, 'beyond two hundred that wait the next one gets 503');
is(status($port, '/healthz'), 200, 'while it is alive');
drip();
close $_ for @first, @second;
poll_until($node, $p, q{SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'gateway' AND state = 'active'});
is(status($port, '/told'), 200, 'who leaves leaves room');

is(status($port, '/notice'), 200, 'what a function says to its session');
unlike(slurp_file("$folder/log"), qr/words of a function/, 'is no line of the log');
like(curl($port, '/big?1000', '-H', 'Accept-Encoding: gzip'), qr/Content-Encoding: gzip/, 'what is of some size is packed');
unlike((curl($port, '-I', '/big?1000000', '-H', 'Accept-Encoding: gzip'))[0], qr/Content-Encoding/, 'what would keep the others waiting is not');
drip();

# -- room: who has been idle for longest makes it --

my ($small, $narrow) = started("$folder/small", '--connections', '20', '--pool', '2');
my @kept = map { my $s = raw($small, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"); some($s, 10); $s } 1 .. 20;
sleep(1);
my @fresh = map { raw($small) } 1 .. 10;
sleep(0.5);
print $_ "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" for @fresh;
is(scalar(grep { (some($_, 5) // '') =~ /200 OK/ } @fresh), 10, 'of ten that come at once all are answered');
close $_ for @kept, @fresh;
$narrow->signal('TERM');
$narrow->finish;

# -- a log that nobody reads --

pipe my $nobody, my $full or die $!;
my ($deaf, $stuck) = started($full, '--pool', '2');
my $answers = 0;
for (1 .. 20)
{
	my $s = raw($deaf, "GET /healthz?" . 'x' x 100 . " HTTP/1.1\r\nHost: a\r\n\r\n" x 1);
	print $s "GET /healthz/" . 'x' x 800 . " HTTP/1.1\r\nHost: a\r\n\r\n" x 1 for 1 .. 10;
	my $until = time() + 10;
	my $got = '';
	while (time() < $until && (() = $got =~ /200 OK/g) < 11) { my $part = some($s, 1); last if !defined $part; $got .= $part; }
	$answers += () = $got =~ /200 OK/g;
}
is($answers, 220, 'stops nothing');
is(status($deaf, '/told'), 200, 'nor later');
$stuck->signal('KILL');
$stuck->finish;
drip();

# -- behind proxies, as the manual says --

my $manual = slurp_file('../docs/ingest_api.md');
my ($nginx_lines) = $manual =~ /Behind nginx: `([^`]*)`/;
my ($caddy_lines) = $manual =~ /Behind Caddy: `([^`]*)`/;
s/127\.0\.0\.1:8080/127.0.0.1:$port/ for $nginx_lines, $caddy_lines;

sub behind
{
	my ($what, $front) = @_;
	my $until = time() + 60;
	sleep(0.1) until status($front, '/healthz') == 200 || time() > $until;
	my $told = curl($front, '/told?a=b+c&d=%2B%22', '-H', 'Authorization: Bearer pgi_abcdefgh_0123456789abcdef', '-d', '{"a": 1}');
	like($told, qr/"query": "a=b\+c&d=%2B%22"/, "$what: a query as it came");
	like($told, qr/"credential": "token pgi_abcdefgh /, 'who asks');
	like($told, qr/"content": "\{\\"a\\": 1\}"/, 'and a body');
	is(status($front, '/told', '-H', 'If-None-Match: "a"'), 304, 'what one has already');
	is(length(curl($front, '--compressed', '/big?20000') =~ s/^.*?\r\n\r\n//sr), 340000, 'what is large');
	is(status($front, '/big?10', '-I'), 200, 'HEAD');
	return;
}

SKIP:
{
	my $nginx = -x '/usr/sbin/nginx' ? '/usr/sbin/nginx' : undef;
	skip 'nginx is not here', 9 if !$nginx;
	my $front = PostgreSQL::Test::Cluster::get_free_port();
	append_to_file("$folder/nginx.conf", "daemon off; pid $folder/nginx.pid; error_log $folder/nginx.log; events {} http { access_log off; "
		  . join('', map { "${_}_temp_path $folder/$_; " } qw(client_body proxy fastcgi uwsgi scgi)) . "server { listen 127.0.0.1:$front; location / { $nginx_lines } } }\n");
	my $run = IPC::Run::start([ $nginx, '-e', "$folder/nginx.log", '-c', "$folder/nginx.conf" ], '<', '/dev/null', '>', '/dev/null', '2>', "$folder/nginx.err");
	behind('nginx', $front);
	my $from = -s "$folder/log";
	my ($said, $e);
	IPC::Run::run([ '/usr/bin/python3', '-B', 'gateway/forms.py', '--proxied', "127.0.0.1:$front" ], '<', '/dev/null', '>', \$said, '2>', \$e);
	my @bad = $said =~ /^(not ok .*(?:\n# .*)*)/mg;
	is(scalar(() = $said =~ /^ok /mg), 98, 'none of the raw forms becomes two requests') or diag(join "\n", @bad, $e);
	my ($all) = $said =~ /^# (\d+) answers/m;
	my $asked = () = slurp_file("$folder/log", $from) =~ /"path":"/g;
	cmp_ok($asked, '<=', $all, 'the gateway was asked no more than the clients were answered');
	cmp_ok($asked, '>', 20, 'and asked it was');
	$run->signal('TERM');
	$run->finish;
}
drip();
SKIP:
{
	skip 'caddy is not here', 6 if !-x '/usr/bin/caddy';
	my $front = PostgreSQL::Test::Cluster::get_free_port();
	local $ENV{HOME} = $folder;
	append_to_file("$folder/Caddyfile", "{\n\tadmin off\n\tauto_https off\n}\nhttp://127.0.0.1:$front {\n\t$caddy_lines\n}\n");
	my $run = IPC::Run::start([ '/usr/bin/caddy', 'run', '--config', "$folder/Caddyfile", '--adapter', 'caddyfile' ], '<', '/dev/null', '>', '/dev/null', '2>', "$folder/caddy.log");
	behind('Caddy', $front);
	$run->signal('TERM');
	$run->finish;
}

# -- and what began first --

while (time() < $since + 32) { sleep(1); drip(); }
like(some($body, 1) // '', qr/^HTTP\/1.1 408 /, 'a body has thirty seconds from its first byte, however often one comes');
is(some($idle, 0), '', 'who is idle is not closed before a minute is over') if time() < $idle_since + 55;
ok(closed_by($idle, $idle_since + 65), 'and then is');
# the kernel holds some of the answer: the rest of it is not to come
my $got = 0;
while (defined(my $part = some($reader, 5))) { last if $part eq ''; $got += length $part; }
cmp_ok($got, '<', 60_000_000, 'who does not take the answer is closed after thirty');
$gateway->signal('TERM');
$gateway->finish;
is($gateway->full_result(0), 0, 'it ends well');

done_testing();
