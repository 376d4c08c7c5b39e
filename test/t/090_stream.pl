# Events as they come: who gets which, in what order, across reconnects and kills, what a stream costs, who is cut off.
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

# a thousand sockets
system('prlimit', '--pid', $$, '--nofile=4096:');
my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ingest'\nmax_connections = 60\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sql(q{
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; CREATE ROLE other LOGIN; CREATE ROLE reader LOGIN;
	GRANT ingest_operator TO fin, other; GRANT ingest_reader TO reader;
	GRANT fin, other, reader TO ingest_authenticator;
});
my %token = map { $_ => sql("SET SESSION AUTHORIZATION $_; SELECT ingest_api.create_token('t')") } qw(fin other reader);
my $program = $node->config_data('--bindir') . '/pg_ingest_gateway';
my $folder = PostgreSQL::Test::Utils::tempdir('stream');
my $port = PostgreSQL::Test::Cluster::get_free_port();
my ($gateway, $log) = (undef, "$folder/log");

sub start_gateway
{
	my @options = @_;
	$gateway = IPC::Run::start([ $program, '--listen', "127.0.0.1:$port", '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=ingest_authenticator", @options ], '<', '/dev/null', '>', '/dev/null', '2>>', $log);
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	until (`curl -s http://127.0.0.1:$port/readyz` eq "ok\n") { die 'the gateway did not start: ' . slurp_file($log) if time() > $until || !$gateway->pumpable; sleep(0.05); }
	return;
}
sub pid { return $gateway->{KIDS}[0]{PID}; }
sub stop_gateway { $gateway->signal('TERM'); $gateway->finish; return $gateway->full_result(0); }
sub emit { my ($role, $type, $n) = @_; sql("SET SESSION AUTHORIZATION $role; SELECT ingest.emit('$type', 's', '{\"n\": $n}')"); return; }

# A client: its socket, all bytes of the body that came, and events of them as far as they are whole
sub stream
{
	my ($role, $query, $place) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or return { dead => 1, body => '' };
	$s->autoflush(1);
	my $token = $token{$role} // $role;
	local $SIG{PIPE} = 'IGNORE';
	print $s "GET /v1/events" . ($query ? "?$query" : '') . " HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nAuthorization: Bearer $token\r\n" . (defined $place ? "Last-Event-ID: $place\r\n" : '') . "\r\n";
	return { socket => $s, raw => '', body => '', head => undef };
}
# reads what comes within a time, or until it is so
sub follow
{
	my ($c, $seconds, $so) = @_;
	my $until = time() + $seconds;
	my $select = IO::Select->new($c->{socket});
	while (!$c->{dead} && time() < $until && !($so && $so->($c)))
	{
		next unless $select->can_read(0.1);
		if (!sysread($c->{socket}, my $part, 65536)) { $c->{dead} = 1; last; }
		else { $c->{raw} .= $part; }
		if (!defined $c->{head} && $c->{raw} =~ s/^(.*?\r\n)\r\n//s) { $c->{head} = $1; }
		next unless defined $c->{head};
		if ($c->{head} !~ /chunked/i) { $c->{body} .= $c->{raw}; $c->{raw} = ''; next; }
		while ($c->{raw} =~ /^([0-9a-f]+)\r\n/)
		{
			my ($n, $at) = (hex $1, length($1) + 2);
			last if length($c->{raw}) < $at + $n + 2;
			$c->{ended} = 1 if $n == 0;
			$c->{body} .= substr($c->{raw}, $at, $n);
			substr($c->{raw}, 0, $at + $n + 2) = '';
		}
	}
	return $c;
}
sub events { my ($c) = @_; return [ map { decode_json($_) } $c->{body} =~ /^id: [^\n]+\ndata: ([^\n]+)\n\n/mg ]; }
sub numbers { my ($c) = @_; return join ',', map { $_->{data}{n} } @{ events($c) }; }
sub place { my ($c) = @_; my @all = $c->{body} =~ /^id: ([^\n]+)\n(?:event: place\n)?data: [^\n]+\n\n/mg; return $all[-1]; }
sub count_of { my ($c) = @_; my $n = () = $c->{body} =~ /^data: \{"/mg; return $n; }
sub has { my ($n) = @_; return sub { return count_of($_[0]) >= $n; }; }
sub started { my ($c) = @_; return follow($c, 20, sub { return $c->{body} =~ /retry/; }); }

start_gateway();

# -- who gets what --

my $fin = started(stream('fin'));
my $other = started(stream('other'));
like($fin->{head}, qr{^HTTP/1.1 200 .*Content-Type: text/event-stream\r}s, 'a stream');
my $begin = time();
emit('fin', 'shop.a', 1);
follow($fin, 10, has(1));
in_time(time() - $begin, 2, 'an event comes at once');
my $event = events($fin)->[0];
is_deeply([ @$event{qw(specversion type subject)}, $event->{data}{n} ], [ '1.0', 'shop.a', 's', 1 ], 'as a CloudEvent');
is("$event->{id}.", (place($fin) =~ s/^(\d+)\.(\d+\.).*/$1-$2/r), 'its place begins with its id');
follow($other, 1);
is(numbers($other), '', 'nobody else gets it');
is((follow(stream('reader'), 5, sub { $_[0]{head} }))->{head} =~ m{^HTTP/1.1 (\d+)} ? $1 : 0, 404, 'a role that may not read events is told nothing');
is((follow(stream('pgi_00000000_0'), 5, sub { $_[0]{head} }))->{head} =~ m{^HTTP/1.1 (\d+)} ? $1 : 0, 401, 'nor is who is nobody');

# -- types --

my $typed = started(stream('fin', 'type=in.(shop.b,shop.c)'));
my $starred = started(stream('fin', 'types=shop.c*'));
emit('fin', 'shop.' . (qw(a b c cc))[$_], 10 + $_) for 0 .. 3;
is(numbers(follow($typed, 5, has(2))), '11,12', 'types by in');
is(numbers(follow($starred, 5, has(2))), '12,13', 'and by a star');
like((follow(stream('fin', 'types=ingest.nonsense'), 5, sub { $_[0]{head} }))->{head}, qr{^HTTP/1.1 400 }, 'a type that the engine does not write');

# -- commits in another order than ids --

my $late = $node->background_psql($p);
$late->query_safe("SET SESSION AUTHORIZATION fin; BEGIN; SELECT ingest.emit('shop.a', 's', '{\"n\": 20}')");
emit('fin', 'shop.a', 21);
follow($fin, 5, has(6));
is((split /,/, numbers($fin))[-1], 21, 'one of a later id that committed first');
my $between = place($fin);
close $fin->{socket};
$late->query_safe('COMMIT');
$late->quit;
my $again = follow(stream('fin', undef, $between), 5, has(1));
is(numbers($again), '20', 'who comes back gets the one that committed late, and nothing twice');

# -- pages --

sub page { my ($query) = @_; my $out = `curl -s -i -H 'Authorization: Bearer $token{fin}' 'http://127.0.0.1:$port/v1/events?$query'`; return (($out =~ /Last-Event-ID: (\S+)/i)[0], decode_json(($out =~ /\r\n\r\n(.*)/s)[0])); }
my @seen;
my $after = '0';
for (1 .. 20)
{
	my ($next, $rows) = page("after=$after&limit=2&types=shop.*");
	push @seen, map { $_->{data}{n} } @$rows;
	$after = $next;
	last unless @$rows;
}
is(join(',', sort { $a <=> $b } @seen), '1,10,11,12,13,20,21', 'pages from the first event on, each once');
for my $wrong ('x', '1', '1.2', '1.2.3.4', '99999.1.99999999999.1.0.3_0', '1.1.99999999999.1.0.3_0_9', '1.1.99999999999.1.0.3_0.o.', '1.1.1.1.0.3_0', '-1', "1' OR 1=1", '1.1.99999999999.2.0.3_0', '1.1.99999999999.1.0.99999999999999999999_0')
{
	my $status = `curl -s -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer $token{fin}' -G --data-urlencode "after=$wrong" 'http://127.0.0.1:$port/v1/events'`;
	is($status, $wrong eq '1.1.1.1.0.3_0' ? 410 : 400, "no place: $wrong");
}

# -- revoked --

my $short = sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('gone')");
my $revoked = started(stream($short));
sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.revoke_token('gone')");
$begin = time();
follow($revoked, 20);
ok($revoked->{ended} && time() - $begin < 12, 'a token that is revoked ends its stream');
my $expiring = started(stream(sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('short', expires => '3 seconds')")));
$begin = time();
follow($expiring, 20);
ok($expiring->{ended} && time() - $begin < 15, 'so does one that expires');
my $demoted = started(stream('other'));
sql('REVOKE ingest_operator FROM other');
emit('fin', 'shop.a', 30);
follow($demoted, 20);
ok($demoted->{ended} && numbers($demoted) eq '', 'and a role that may no more');
sql('GRANT ingest_operator TO other');

# -- a foreign client --

SKIP:
{
	skip 'the client comes by npm', 1 unless $ENV{NODE_PATH};
	my $node_program = $ENV{NODE} // 'node';
	my ($out, $err);
	my $client = IPC::Run::start([ $node_program, 'api/eventsource.cjs', "http://127.0.0.1:$port/v1/events?types=shop.npm", $token{fin}, '5' ], '<', '/dev/null', '>', \$out, '2>', \$err);
	my $until = time() + 30;
	do { $client->pump_nb; sleep(0.05) } until ($out // '') =~ /open/ || time() > $until;
	emit('fin', 'shop.npm', $_) for 1 .. 3;
	do { $client->pump_nb; sleep(0.05) } until ($out // '') =~ /3\n/ || time() > $until;
	kill 'KILL', pid();
	$gateway->finish;
	emit('fin', 'shop.npm', 4);
	start_gateway();
	emit('fin', 'shop.npm', 5);
	$client->finish;
	is(($out =~ s/open\n//gr), "1\n2\n3\n4\n5\n", 'npm eventsource goes on where it was when the gateway was killed') or diag($err);
}

# -- many, and what each costs --

sub memory { return (slurp_file('/proc/' . pid() . '/status') =~ /VmRSS:\s+(\d+)/)[0]; }
stop_gateway();
start_gateway('--connections', '1100');
started(stream('fin'));
my $before = memory();
# as many as may wait for a session
my @many;
for (1 .. 10) { my @more = map { stream('fin') } 1 .. 100; started($_) for @more; push @many, @more; }
is(scalar(grep { ($_->{head} // '') =~ /text.event-stream/ } @many), 1000, 'a thousand streams');
my $each = (memory() - $before) / 1000;
cmp_ok($each, '<=', 8, "an idle stream of a thousand costs 8 kB at most: $each");
$begin = time();
is(`curl -s -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer $token{fin}' 'http://127.0.0.1:$port/v1/sources'`, 200, 'beside them requests are answered');
emit('fin', 'shop.a', 40);
my @times = map { my $t = time(); system("curl -s -o /dev/null -H 'Authorization: Bearer $token{fin}' 'http://127.0.0.1:$port/v1/sources'"); time() - $t } 1 .. 10;
in_time((sort { $a <=> $b } @times)[5], 1, 'and while all of them are told something');
is(scalar(grep { numbers(follow($_, 20, has(1))) eq '40' } @many), 1000, 'which each of them is, once');
close $_->{socket} for @many;

# -- who does not read --

my $deaf = started(stream('fin', 'types=shop.big'));
sql("SET SESSION AUTHORIZATION fin; SELECT ingest.emit('shop.big', 's', jsonb_build_object('n', i, 'x', repeat(md5(i::text), 3000))) FROM generate_series(1, 300) i");
$begin = time();
is(`curl -s -N --max-time 25 -H 'Accept: text/event-stream' -H 'Authorization: Bearer $token{fin}' 'http://127.0.0.1:$port/v1/events?types=shop.big&after=0' | grep -c '^data: {"'`, "300\n", 'who reads gets all');
sleep(45 - (time() - $begin)) if time() < $begin + 45;
follow($deaf, 20);
ok($deaf->{dead}, 'who does not is cut off');
cmp_ok(count_of($deaf), '<', 300, 'before all was kept for it');
cmp_ok(memory(), '<', $before + 100000, 'and what was kept is given back');

# -- kill -9 of gateway and backends, writers that commit in any order and roll back; the table is the oracle --

append_to_file("$folder/write.sql", <<'SQL');
\set wait random(0, 60)
\set fate random(1, 10)
BEGIN;
SELECT ingest.emit('shop.tick', 's', '{"n": 0}');
\sleep :wait ms
SELECT ingest.emit('shop.tick', 's', '{"n": 1}');
\if :fate = 1
ROLLBACK;
\else
COMMIT;
\endif
SQL
my $rounds = $ENV{STREAM_KILLS} // 10;
my @readers = map { { place => undef, ids => [], c => started(stream('fin', 'types=shop.tick')) } } 1 .. 4;
my $writer = IPC::Run::start([ 'pgbench', '-n', '-c', '6', '-T', 2 * $rounds + 2, '-f', "$folder/write.sql", '-h', $node->host, '-p', $node->port, '-U', 'fin', $p ], '<', '/dev/null', '>', "$folder/pgbench", '2>&1');
sub take
{
	my ($r) = @_;
	push @{ $r->{ids} }, map { $_->{id} } @{ events($r->{c}) };
	$r->{place} = place($r->{c}) // $r->{place};
	close $r->{c}{socket} if $r->{c}{socket};
	return;
}
for my $round (1 .. $rounds)
{
	my $until = time() + 1.5;
	while (time() < $until) { follow($_->{c}, 0.1) for @readers; }
	if ($round % 3 == 0) { sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ingest_authenticator'}); next; }
	kill 'KILL', pid();
	$gateway->finish;
	# what was on its way when it died is read to its end
	for (@readers) { follow($_->{c}, 2); take($_); }
	start_gateway('--connections', '1100');
	$_->{c} = stream('fin', 'types=shop.tick', $_->{place}) for @readers;
}
$writer->finish;
my $written = sql("SELECT string_agg(era || '-' || id, ' ' ORDER BY era, id) FROM ingest.event WHERE type = 'shop.tick'");
my $count = scalar(split / /, $written);
for my $r (@readers)
{
	my $until = time() + 20;
	follow($r->{c}, 20, sub { return @{ $r->{ids} } + count_of($_[0]) >= $count; });
	follow($r->{c}, 1);
	take($r);
}
cmp_ok($count, '>', 100, "$count events were written");
is(scalar(grep { join(' ', sort { ($a =~ /-(\d+)/)[0] <=> ($b =~ /-(\d+)/)[0] } @{ $_->{ids} }) eq $written } @readers), 4, 'each reader got each of them once')
  or diag(join "\n", map { my %n; $n{$_}++ for @{ $_->{ids} }; 'twice: ' . join(' ', grep { $n{$_} > 1 } keys %n) . ' lost: ' . join(' ', grep { !$n{$_} } split / /, $written) } @readers);

# -- its end --

my $ending = started(stream('fin'));
$begin = time();
is(stop_gateway(), 0, 'told to end it ends');
follow($ending, 5);
ok($ending->{ended} && time() - $begin < 5, 'and ends streams in order');
unlike(slurp_file($log), qr/Sanitizer|runtime error/, 'nothing was done wrong');
done_testing();
