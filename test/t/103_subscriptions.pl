# Subscriptions of GraphQL: who gets what of which events, what is refused before it begins, and that kills and restarts lose and double nothing
use strict;
use warnings;
use Api;
use Gateway;
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
my $gateway = gateway_new($node);
$gateway->{program} = $ENV{GATEWAY_SANITIZED} if $ENV{GATEWAY_SANITIZED};
$gateway->start;
sub emit { my ($role, $type, $n, $subject) = @_; sql("SET SESSION AUTHORIZATION $role; SELECT ingest.emit('$type', '" . ($subject // 's') . "', '{\"n\": $n}')"); return; }

# A client that subscribes: its socket, and the body as far as it has come
sub subscribe
{
	my ($role, $query, %with) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $gateway->{port}) or return { dead => 1, body => '' };
	my $body = ref $query ? encode_json($query) : encode_json({ query => $query });
	my $token = $token{$role} // $role;
	local $SIG{PIPE} = 'IGNORE';
	$s->autoflush(1);
	print $s join("\r\n", 'POST /graphql HTTP/1.1', 'Host: a', 'Content-Type: application/json', 'Content-Length: ' . length $body, 'Accept: ' . ($with{accept} // 'text/event-stream'), "Authorization: Bearer $token", defined $with{place} ? "Last-Event-ID: $with{place}" : (), '', $body);
	return { socket => $s, raw => '', body => '' };
}
# reads what comes within a time, or until it is so
sub follow
{
	my ($c, $seconds, $so) = @_;
	my $until = time() + $seconds;
	my $select = $c->{socket} && IO::Select->new($c->{socket});
	while (!$c->{dead} && time() < $until && !($so && $so->($c)))
	{
		next unless $select->can_read(0.1);
		if (!sysread($c->{socket}, my $part, 65536)) { $c->{dead} = 1; }
		else { $c->{raw} .= $part; }
		if (!defined $c->{head} && $c->{raw} =~ s/^(.*?\r\n)\r\n//s) { $c->{head} = $1; }
		next unless defined $c->{head};
		if ($c->{head} !~ /chunked/i)
		{
			$c->{body} .= $c->{raw};
			$c->{raw} = '';
			$c->{dead} = 1 if ($c->{head} =~ /Content-Length: (\d+)/i ? $1 : -1) == length $c->{body};
			next;
		}
		while ($c->{raw} =~ /^([0-9a-f]+)\r\n/)
		{
			my ($n, $at) = (hex $1, length($1) + 2);
			last if length($c->{raw}) < $at + $n + 2;
			$c->{ended} = $c->{dead} = 1 if $n == 0;
			$c->{body} .= substr($c->{raw}, $at, $n);
			substr($c->{raw}, 0, $at + $n + 2) = '';
		}
	}
	return $c;
}
sub nexts { my ($c) = @_; return map { decode_json($_) } $c->{body} =~ /^event: next\n(?:id: [^\n]+\n)?data: ([^\n]+)\n\n/mg; }
sub numbers { my ($c) = @_; return join ',', map { (values %{ $_->{data} })[0]{data}{n} } grep { $_->{data} } nexts($c); }
sub count_of { my ($c) = @_; my $n = () = $c->{body} =~ /^event: next\n/mg; return $n; }
sub place { my ($c) = @_; my @all = $c->{body} =~ /^id: ([^\n]+)\n[^\n]+\n\n/mg; return $all[-1]; }
sub has { my ($n) = @_; return sub { return count_of($_[0]) >= $n; }; }
sub started { my ($c) = @_; return follow($c, 20, sub { return $c->{body} =~ /retry/; }); }
sub refused { my ($role, $query, %with) = @_; my $c = follow(subscribe($role, $query, %with), 10); return (($c->{head} =~ m{^HTTP/1.1 (\d+)})[0], $c->{body}, $c->{head}); }
my $all = 'subscription { events { id type subject time data } }';

# -- who gets what --

my $fin = started(subscribe('fin', $all));
my $other = started(subscribe('other', $all));
like($fin->{head}, qr{^HTTP/1.1 200 .*Content-Type: text/event-stream\r}s, 'a stream');
my $begin = time();
emit('fin', 'shop.a', 1);
follow($fin, 10, has(1));
in_time(time() - $begin, 2, 'an event comes at once');
my ($first) = nexts($fin);
is_deeply([ sort keys %{ $first->{data}{events} } ], [qw(data id subject time type)], 'of each what is asked for');
is_deeply([ @{ $first->{data}{events} }{qw(type subject)}, $first->{data}{events}{data} ], [ 'shop.a', 's', { n => 1 } ], 'as it is');
is($first->{data}{events}{id}, sql("SELECT era || '-' || id FROM ingest.event WHERE type = 'shop.a'"), 'by its id');
follow($other, 1);
is(numbers($other), '', 'nobody else gets it');
my $aliased = started(subscribe('fin', { query => 'subscription s($t: [String!], $off: Boolean = false) { x: events(types: $t) { __typename ...F ...F data @skip(if: $off) } } fragment F on CloudEvent { what: type place specversion dataschema source }', variables => { t => ['shop.b*'] } }));
emit('fin', 'shop.' . (qw(a b bb))[$_], 2 + $_) for 0 .. 2;
follow($aliased, 10, has(2));
my @x = map { $_->{data}{x} } nexts($aliased);
is_deeply([ map { $_->{what} } @x ], [qw(shop.b shop.bb)], 'aliases, fragments, variables and types with a star');
is_deeply([ @{ $x[1] }{qw(__typename specversion dataschema)} ], [ 'CloudEvent', '1.0', 'urn:pg_ingest:shop.bb:1' ], 'what else there is of it');
is($x[1]{place}, place($aliased), 'its place is its id in the stream, too');

my ($of_manual) = slurp_file('../docs/ingest_api.md') =~ /^(subscription .*)$/m;
like(started(subscribe('fin', $of_manual))->{head}, qr{^HTTP/1.1 200 }, "the manual's: $of_manual");

# -- a subject, behind many of another one --

my $subject = started(subscribe('fin', 'subscription { events(subject: "wanted", after: "0") { data } }'));
sql(q{SET SESSION AUTHORIZATION fin; SELECT count(ingest.emit('shop.many', 'not this', '{"n": 0}')) FROM generate_series(1, 3000)});
emit('fin', 'shop.many', 77, 'wanted');
$begin = time();
follow($subject, 30, has(1));
is(numbers($subject), '77', 'a subject');
in_time(time() - $begin, 8, 'which does not wait for what is passed over');
close $_->{socket} for $subject, $other, $aliased;

# -- by GET, and as other clients ask --

my $out = $gateway->curl('/graphql?query=subscription%7Bevents(after%3A%220%22%2Ctypes%3A%5B%22shop.b%22%5D)%7Bdata%7D%7D', '-N', '-m', '3', '-H', 'Accept: text/event-stream', '-H', "Authorization: Bearer $token{fin}");
like($out, qr/^event: next\nid: \S+\ndata: \{"data":\{"events":\{"data":\{"n": 3\}\}\}\}\n\n/m, 'by GET');
my ($status, $body) = refused('fin', '{ __typename syncs { nodes { name } } runs { nodes { id } } }');
is("$status $body", qq(200 event: next\ndata: {"data":{"__typename":"Query","syncs":{"nodes":[]},"runs":{"nodes":[]}}}\n\nevent: complete\ndata:\n\n), 'a query is answered by one, and complete');
($status, $body) = refused('fin', 'mutation { subscribe(consumer: "of graphql") }');
is($status, 400, 'a token that reads does nothing');
($status, $body) = refused(sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('does', scopes => '{operate}')"), 'mutation { subscribe(consumer: "of graphql") { __typename } }');
like("$status $body", qr/^200 event: next\ndata: \{"data":\{"subscribe":[^\n]+\}\}\n\nevent: complete\ndata:\n\n$/, 'what is done is told as well');
is(sql("SELECT count(*) FROM ingest.subscription WHERE consumer = 'of graphql'"), 1, 'and done') or diag($body);
($status, $body, my $head) = refused('fin', '{ columns(first: 3) { nodes { name } } tokens { nodes { name } } }', accept => 'application/json, text/event-stream');
like("$status $head", qr{^200 .*application/json}s, 'who takes JSON is given JSON');
like((refused('fin', '{ tokens { nodes { name } } }'))[1], qr/^event: next\ndata: \{[^\n]*"does"[^\n]*\}\n\nevent: complete/, 'rows of lists are on one line');

# -- what is refused before it begins --

for (
	[ 'fin', 'subscription { events { id } more: events { id } }', 400, 'SingleFieldSubscriptions', 'two fields' ],
	[ 'fin', 'subscription { events { id } ...F } fragment F on Subscription { x: events { id } }', 400, 'SingleFieldSubscriptions', 'two by a fragment' ],
	[ 'fin', 'subscription { __typename }', 400, 'SingleFieldSubscriptions', 'introspection' ],
	[ 'fin', 'subscription { nope { id } }', 400, 'FieldsOnCorrectType', 'a field that is not there' ],
	[ 'fin', 'subscription { events { source { name } } }', 400, 'ScalarLeafs', 'more of a value' ],
	[ 'fin', 'subscription { events(types: 1.5) { id } }', 400, 'ValuesOfCorrectType', 'an argument of another type' ],
	[ 'fin', 'subscription { events', 400, 'GRAPHQL_PARSE_FAILED', 'what cannot be read' ],
	[ 'fin', { query => 'subscription ($no: Boolean!) { events @include(if: $no) { id } }', variables => { no => JSON::PP::false } }, 400, 'OPERATION_RESOLUTION_FAILURE', 'nothing that is left of it' ],
	[ 'fin', 'subscription { events(after: "x") { id } }', 400, '22023', 'no place' ],
	[ 'fin', 'subscription { events(after: "1.1.1.1.0.3_0") { id } }', 410, '72000', 'a place that is too old' ],
	[ 'fin', 'subscription { events(types: ["ingest.nonsense"]) { id } }', 400, '42704', 'a type that the engine does not write' ],
	[ 'fin', { query => $all, variables => { x => 'x' x 20000 } }, 400, 'LIMIT_EXCEEDED', 'one that is too large to be kept' ],
	[ 'reader', $all, 400, 'OPERATION_RESOLUTION_FAILURE', 'who may read no events' ],
	[ 'pgi_00000000_0', $all, 401, 'PGRST301', 'who is nobody' ])
{
	my ($role, $query, $expected, $code, $what) = @$_;
	my ($s, $b, $h) = refused($role, $query);
	is($s, $expected, "refused: $what");
	like($h, qr{^Content-Type: application/(problem\+)?json}m, '... as JSON');
	like($b, qr/"\Q$code\E"/, "... $code");
}
is((refused('fin', $all, accept => 'application/json'))[0], 400, 'who takes no stream is told so');
like((refused('fin', $all, accept => 'application/json'))[1], qr{the request must accept text/event-stream}, '... in words');
like(sql(q{SET ROLE fin; SELECT ingest_api.graphql('subscription { events { id } }')}), qr/asked for by HTTP/, 'by SQL there is none');
is(sql(q{SET ROLE fin; SELECT ingest_api.graphql('{ __schema { subscriptionType { name fields { name args { name } type { ofType { name } } } } } }')}),
	'{"data":{"__schema":{"subscriptionType":{"name":"Subscription","fields":[{"name":"events","args":[{"name":"types"},{"name":"subject"},{"name":"after"}],"type":{"ofType":{"name":"CloudEvent"}}}]}}}}', 'introspection has it');
is(sql(q{SET ROLE reader; SELECT ingest_api.graphql('{ __schema { subscriptionType { name } } }')}), '{"data":{"__schema":{"subscriptionType":null}}}', 'for who may');

# -- rights that end --

my $short = sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('gone')");
my $revoked = started(subscribe($short, $all));
sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.revoke_token('gone')");
$begin = time();
follow($revoked, 20);
ok($revoked->{ended} && time() - $begin < 12, 'a token that is revoked ends it');
like($revoked->{body}, qr/^event: next\ndata: \{"errors":\[\{"message":"Unauthorized","extensions":\{"status":401\}\}\]\}\n\nevent: complete\ndata:\n\n$/m, 'and why is said');
my $demoted = started(subscribe('other', $all));
sql('REVOKE ingest_operator FROM other');
emit('fin', 'shop.a', 30);
follow($demoted, 20);
ok($demoted->{ended} && numbers($demoted) eq '', 'so does a role that may no more');
like($demoted->{body}, qr/^event: next\ndata: \{"errors":\[[^\n]*\]\}\n\nevent: complete\ndata:\n\n$/m, 'in the words of GraphQL');
sql('GRANT ingest_operator TO other');

# -- a foreign client --

SKIP:
{
	skip 'the client comes by npm', 2 unless $ENV{NODE_PATH};
	my ($said, $err) = ('', '');
	my $client = IPC::Run::start([ 'node', 'api/subscribe.cjs', $gateway->address('/graphql'), $token{fin}, 'shop.npm', '8' ], '<', '/dev/null', '>', \$said, '2>', \$err);
	my $until = time() + 80;
	my $sees = sub { my ($what) = @_; do { $client->pump_nb; sleep(0.05) } until $said =~ $what || time() > $until || !$client->pumpable; };
	$sees->(qr/open/);
	emit('fin', 'shop.npm', $_) for 1 .. 3;
	$sees->(qr/^3$/m);
	$gateway->kill9;
	emit('fin', 'shop.npm', 4);
	$gateway->start;
	emit('fin', 'shop.npm', 5);
	$sees->(qr/^5$/m);
	$node->restart;
	emit('fin', 'shop.npm', 6);
	$sees->(qr/^6$/m);
	$node->stop('immediate');
	$node->start;
	emit('fin', 'shop.npm', 7);
	$sees->(qr/^7$/m);
	$gateway->stop;
	$gateway->start;
	emit('fin', 'shop.npm', 8);
	$client->finish;
	is(($said =~ s/open\n//gr), join('', map { "$_\n" } 1 .. 8), 'npm graphql-sse goes on where it was when gateway or database were killed or restarted') or diag($said, $err);
	$said = '';
	my $ends = sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('ends')");
	$client = IPC::Run::start([ 'node', 'api/subscribe.cjs', $gateway->address('/graphql'), $ends, 'shop.npm', '99' ], '<', '/dev/null', '>', \$said, '2>', \$err);
	$sees->(qr/open/);
	sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.revoke_token('ends')");
	$client->finish;
	is($said, qq(open\nerrors [{"message":"Unauthorized","extensions":{"status":401}}]\ncomplete\n), 'whose token is revoked it is complete for, with the reason');
}

# -- kills, restarts, writers that commit in any order and roll back; the table is the oracle --

append_to_file("$gateway->{folder}/write.sql", <<'SQL');
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
my $ticks = 'subscription { events(types: ["shop.tick"], subject: "s") { id } }';
my $rounds = $ENV{SUBSCRIPTION_KILLS} // 6;
my @readers = map { { ids => [], c => started(subscribe('fin', $ticks)) } } 1 .. 4;
my @pgbench = ('pgbench', '-n', '-c', '6', '-f', "$gateway->{folder}/write.sql", '-h', $node->host, '-p', $node->port, '-U', 'fin');
sub take
{
	my ($r) = @_;
	push @{ $r->{ids} }, map { $_->{data}{events}{id} } nexts($r->{c});
	$r->{place} = place($r->{c}) // $r->{place};
	close $r->{c}{socket} if $r->{c}{socket};
	return;
}
for my $round (1 .. $rounds)
{
	my $writer = IPC::Run::start([ @pgbench, '-T', '2', $p ], '<', '/dev/null', '>>', "$gateway->{folder}/pgbench", '2>&1');
	my $until = time() + 1;
	while (time() < $until) { follow($_->{c}, 0.1) for @readers; }
	if ($round % 3 == 0)
	{
		# the database: streams stay, and go on when it is back
		$writer->finish if $round % 2;
		$node->stop('immediate');
		$node->start;
		$writer->finish unless $round % 2;
		next;
	}
	$gateway->kill9;
	for (@readers) { follow($_->{c}, 2); take($_); }
	$gateway->start;
	$_->{c} = subscribe('fin', $ticks, place => $_->{place}) for @readers;
	$writer->finish;
}
my $written = sql("SELECT string_agg(era || '-' || id, ' ' ORDER BY era, id) FROM ingest.event WHERE type = 'shop.tick'");
my $count = scalar(split / /, $written);
for my $r (@readers)
{
	follow($r->{c}, 30, sub { return @{ $r->{ids} } + count_of($_[0]) >= $count; });
	follow($r->{c}, 1);
	take($r);
}
cmp_ok($count, '>', 100, "$count events were written");
is(scalar(grep { join(' ', sort { ($a =~ /-(\d+)/)[0] <=> ($b =~ /-(\d+)/)[0] } @{ $_->{ids} }) eq $written } @readers), 4, 'each reader got each of them once')
  or diag(join "\n", map { my %n; $n{$_}++ for @{ $_->{ids} }; 'twice: ' . join(' ', grep { $n{$_} > 1 } keys %n) . ' lost: ' . join(' ', grep { !$n{$_} } split / /, $written) } @readers);

is($gateway->stop, 0, 'it ends well');
unlike($gateway->said, qr/Sanitizer|runtime error/, 'nothing was done wrong');
done_testing();
