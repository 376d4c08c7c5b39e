# Each kind of error of the API, through the gateway: its status, its headers, its words; slow actions of one beside others'; the
# database goes away and comes back
use strict;
use warnings;
use Api;
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
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }

sql(q{
	CREATE EXTENSION ingest CASCADE; CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; CREATE ROLE other LOGIN; CREATE ROLE often LOGIN; CREATE ROLE gone LOGIN;
	GRANT ingest_operator, ingest_consumer TO fin, other; GRANT ingest_reader TO often, gone; GRANT fin, other, often, gone TO ingest_authenticator;
	CREATE SCHEMA shop AUTHORIZATION fin; GRANT USAGE ON SCHEMA shop TO other;
	SET ROLE fin;
	CREATE TABLE shop.item (id int PRIMARY KEY, name text, hidden text, large text);
	INSERT INTO shop.item SELECT i, 'n' || i, 'canary', CASE WHEN i > 20 THEN repeat('x', 1 << 20) END FROM generate_series(1, 100) i;
	GRANT SELECT (id, name) ON shop.item TO other;
	CREATE TABLE shop.own (id int PRIMARY KEY, who text); INSERT INTO shop.own VALUES (1, 'fin'), (2, 'other');
	ALTER TABLE shop.own ENABLE ROW LEVEL SECURITY; ALTER TABLE shop.own FORCE ROW LEVEL SECURITY; CREATE POLICY p ON shop.own USING (who = current_user); GRANT SELECT ON shop.own TO other;
	CREATE TABLE shop.mine (id int PRIMARY KEY);
	CREATE TABLE shop.link (id int PRIMARY KEY, one int REFERENCES shop.item, two int REFERENCES shop.item);
	CREATE VIEW shop.slow AS SELECT 1 AS id, pg_sleep(8)::text AS slept;
	CREATE TABLE shop.done (what text); CREATE SEQUENCE shop.tries;
	SELECT ingest_api.expose('shop.item', 'items'), ingest_api.expose('shop.own', 'own'), ingest_api.expose('shop.mine', 'mine'), ingest_api.expose('shop.slow', 'slow'), ingest_api.expose('shop.link', 'links');
	RESET ROLE;
	CREATE FUNCTION ingest_api.does(what text, seconds float8 DEFAULT 0) RETURNS text LANGUAGE plpgsql AS $$ BEGIN
		PERFORM pg_sleep(seconds);
		INSERT INTO shop.done VALUES (what);
		IF what = 'serial' THEN PERFORM nextval('shop.tries'); RAISE serialization_failure; END IF;
		IF what = 'server' THEN RAISE EXCEPTION 'canary of the server in /var/lib' USING ERRCODE = '58030'; END IF;
		IF what = 'twice' THEN CREATE TEMP TABLE x (i int PRIMARY KEY); END IF;
		IF what = 'unique' THEN INSERT INTO shop.mine VALUES (1), (1); END IF;
		RETURN what; END $$;
	GRANT EXECUTE ON FUNCTION ingest_api.does(text, float8) TO fin, other; GRANT INSERT ON shop.done TO other; GRANT USAGE ON SEQUENCE shop.tries TO other;
	INSERT INTO ingest_api_internal.route (method, path, function, description) VALUES ('POST', 'does/{what}', 'does', 'does something');
});
my %token = map { my $role = $_; map { ("$role $_" => sql("SET SESSION AUTHORIZATION $role; SELECT ingest_api.create_token('$_', scopes => '{$_}')")) } qw(read operate admin) } qw(fin other);
$token{often} = sql("SET SESSION AUTHORIZATION often; SELECT ingest_api.create_token('t')");
$token{expired} = sql("SET SESSION AUTHORIZATION gone; SELECT ingest_api.create_token('e', expires => '1 second')");
$token{revoked} = sql("SET SESSION AUTHORIZATION gone; SELECT ingest_api.create_token('r')");
sql(q{SET SESSION AUTHORIZATION gone; SELECT ingest_api.revoke_token('r')});
$token{unknown} = 'pgi_00000000_0';
$token{garbage} = 'a b';
$token{jwt} = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.';
sleep(1.1);

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $folder = PostgreSQL::Test::Utils::tempdir('errors');
my $gateway = IPC::Run::start([ $node->config_data('--bindir') . '/pg_ingest_gateway', '--listen', "127.0.0.1:$port", '--timeout', '4', '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=ingest_authenticator" ], '<', '/dev/null', '>', '/dev/null', '2>', "$folder/log");
# curl(token, arguments): status, headers, body
sub arguments { my ($who, @arguments) = @_; return ('curl', '-s', '-i', '--max-time', '30', defined $who ? ('-H', "Authorization: Bearer $token{$who}") : (), map { m{^/} ? "http://127.0.0.1:$port$_" : $_ } @arguments); }
sub answer { my ($out) = @_; my ($head, $body) = split /\r\n\r\n/, $out // '', 2; return (($head // '') =~ m{^HTTP/1.1 (\d+)} ? $1 : 0, $head // '', $body // ''); }
sub curl { my ($out, $err); IPC::Run::run([ arguments(@_) ], '<', '/dev/null', '>', \$out, '2>', \$err); return answer($out); }
my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
sleep(0.1) until (curl(undef, '/readyz'))[0] == 200 || time() > $until;

my @json = ('-H', 'Content-Type: application/json');
my @post = (@json, '-X', 'POST', '-d');
append_to_file("$folder/large", '{"what": "' . 'x' x (1 << 20) . '"}');
curl('fin operate', '/v1/does/k', @post, '{}', '-H', 'Idempotency-Key: k');

# status, who, what is asked, what the head and the body must say
my @errors = (
	[ 400, 'fin read', [ '/v1/items?nope=eq.1' ], undef, qr/"code":"42703".*has no column \\"nope\\".*Its columns are id, name, hidden, large/ ],
	[ 400, 'other read', [ '/v1/items?nope=eq.1' ], undef, qr/Its columns are id, name\."/ ],
	[ 400, 'fin read', [ '/v1/items?id=nope.1' ], undef, qr/"code":"PGRST100".*The operators are eq, neq, gt, gte/ ],
	[ 400, 'fin read', [ '/v1/items?id=is.nope' ], undef, qr/is takes null, not_null, true/ ],
	[ 400, 'fin read', [ '/v1/items?id=eq.x' ], undef, qr/"code":"22P02".*It was given for \\"id\\", whose type is / ],
	[ 400, 'fin read', [ '/v1/items/x' ], undef, qr/"code":"22P02".*It was given for \\"id\\"/ ],
	[ 400, 'fin read', [ '/v1/items?id=5' ], undef, qr/cannot be read from \\"5\\" on.*Expected: an operator, a dot and a value, such as eq\.5\./ ],
	[ 400, 'fin read', [ '/v1/items?select=id,nope(id)' ], undef, qr/"code":"PGRST200".*Related to it are links/ ],
	[ 400, 'fin read', [ '/v1/items?select=id::nope' ], undef, qr/There are text, integer/ ],
	[ 400, 'fin read', [ '/v1/items?order=id.up' ], undef, qr/asc, desc, nullsfirst or nullslast/ ],
	[ 400, 'fin read', [ '/v1/items?limit=-1' ], undef, qr/whole number/ ],
	[ 400, 'fin read', [ '/v1/items?after=AAAA' ], undef, qr/not a mark of a place/ ],
	[ 400, 'fin read', [ '/v1/items?or=(id.eq.1' ], undef, qr/\\"or\\" ends too early.*closing parenthesis/ ],
	[ 400, 'fin read', [ '/v1/items?select=id%' ], undef, undef ],
	[ 400, 'fin read', [ '/v1/search' ], undef, qr/\\"q\\" is missing.*Its type is text\./ ],
	[ 400, 'fin read', [ '/v1/search?q=a&nope=1' ], undef, qr/nope/ ],
	[ 400, 'fin read', [ '/v1/events?after=0&id=eq.1' ], undef, qr/after, limit, type, types/ ],
	[ 400, 'fin operate', [ '/v1/does/x', @post, '{' ], undef, undef ],
	[ 400, 'fin operate', [ '/v1/does/x', @post, '[]' ], undef, undef ],
	[ 400, 'fin operate', [ '/v1/does/x', @post, '{"nope": 1}' ], undef, qr/nope.*what, seconds|what, seconds.*nope/s ],
	[ 400, 'fin operate', [ '/v1/does/x', @post, '{"seconds": "x"}' ], undef, qr/It was given for \\"seconds\\"/ ],
	[ 400, 'fin operate', [ '/v1/does/x', @post, '{}', '-H', 'Idempotency-Key: ' . 'x' x 300 ], undef, qr/1 to 255 characters/ ],
	[ 400, 'fin operate', [ '/v1/rules', @post, '{"relation": "nope.nope", "kind": "not_null"}' ], undef, undef ],
	[ 401, undef, [ '/v1/items' ], qr/^WWW-Authenticate: Bearer realm="pg_ingest"\r$/m, qr/"code":"PGRST301".*a token is needed/ ],
	(map { [ 401, $_, [ '/v1/items' ], qr/^WWW-Authenticate: Bearer/m, qr/not known, has expired or was revoked.*map_claim/ ] } qw(unknown expired revoked garbage jwt)),
	[ 401, undef, [ '/v1/items', '-H', 'Authorization: Basic YTpi' ], qr/^WWW-Authenticate: Bearer/m, undef ],
	[ 401, undef, [ '/metrics' ], qr/^WWW-Authenticate: Bearer/m, undef ],
	[ 401, undef, [ '/graphql', @post, '{"query": "{__typename}"}' ], qr/^WWW-Authenticate: Bearer/m, undef ],
	[ 401, undef, [ '/v1/nope' ], qr/^WWW-Authenticate: Bearer/m, undef ],
	[ 403, 'other read', [ '/v1/items?select=hidden' ], undef, qr/"code":"42501"/ ],
	[ 403, 'other read', [ '/v1/items?hidden=eq.x&select=id' ], undef, qr/"code":"42501"/ ],
	[ 403, 'fin read', [ '/v1/does/x', @post, '{}' ], qr/^WWW-Authenticate: Bearer realm="pg_ingest", error="insufficient_scope", scope="operate"\r$/m, qr/"code":"insufficient_scope"/ ],
	[ 403, 'fin operate', [ '/v1/tokens', @post, '{"name": "x"}' ], qr/scope="admin"/, qr/insufficient_scope/ ],
	[ 403, 'other admin', [ '/v1/resources', @post, '{"relation": "shop.item"}' ], undef, qr/must be owner/ ],
	[ 403, 'fin read', [ '/v1/items', '-X', 'OPTIONS', '-H', 'Origin: https://evil.example', '-H', 'Access-Control-Request-Method: GET' ], undef, undef ],
	[ 404, 'other read', [ '/v1/mine' ], undef, qr/"code":"PGRST205".*there is no resource \\"mine\\", or nothing of it may be read/ ],
	[ 404, 'other read', [ '/v1/nope' ], undef, qr/there is no resource \\"nope\\", or nothing of it may be read/ ],
	[ 404, 'other read', [ '/v1/mine?select=nope' ], undef, qr/no resource/ ],
	[ 404, 'other read', [ '/v1/own/1' ], undef, qr/"code":"PGRST116"/ ],
	[ 404, 'other read', [ '/v1/own/7' ], undef, qr/"code":"PGRST116"/ ],
	[ 404, 'fin read', [ '/nope' ], undef, qr/"code":"PGRST125"/ ],
	[ 404, 'fin read', [ '/v1/a/b/c/d' ], undef, qr/nothing at this address/ ],
	[ 404, 'fin operate', [ '/v1/sources/nope/pause', @post, '{}' ], undef, undef ],
	[ 404, 'fin read', [ '/v1/tables/4711/profile' ], undef, undef ],
	[ 404, 'fin admin', [ '/v1/resources/nope', '-X', 'DELETE' ], undef, qr/"GET \/v1 lists those/ ],
	[ 405, 'fin operate', [ '/v1/items', @post, '{}' ], qr/^Allow: GET, HEAD\r$/m, qr/"code":"PGRST117"/ ],
	[ 405, 'fin operate', [ '/v1/items/1', '-X', 'DELETE' ], qr/^Allow: GET, HEAD\r$/m, undef ],
	[ 405, 'fin read', [ '/v1/sources/x/pause' ], qr/^Allow: POST\r$/m, undef ],
	[ 405, 'fin operate', [ '/graphql?query=mutation%7Bdoes(what:%22x%22)%7D' ], qr/^Allow: POST\r$/m, undef ],
	[ 406, 'fin read', [ '/v1/items', '-H', 'Accept: image/png' ], undef, qr/application\/x-ndjson and text\/csv/ ],
	[ 406, 'fin read', [ '/v1/items?select=id', '-H', 'Accept: application/vnd.pgrst.object+json' ], undef, qr/"code":"PGRST116"/ ],
	[ 406, 'fin read', [ '/v1/items', '-H', 'Accept-Profile: private' ], undef, qr/"code":"PGRST106"/ ],
	[ 409, 'fin admin', [ '/v1/resources', @post, '{"relation": "shop.item"}' ], undef, qr/is already exposed/ ],
	[ 409, 'fin admin', [ '/v1/tokens', @post, '{"name": "read"}' ], undef, qr/exists already/ ],
	[ 409, 'fin operate', [ '/v1/does/unique', @post, '{}' ], undef, qr/"code":"23505"/ ],
	[ 413, 'fin read', [ '/v1/items?limit=100' ], undef, qr/"code":"answer_too_large".*limit=/ ],
	[ 413, 'fin operate', [ '/v1/does/x', @json, '-X', 'POST', '--data-binary', "\@$folder/large" ], undef, qr/larger than 1 MB/ ],
	[ 414, 'fin read', [ '/v1/items?id=in.(' . '1,' x 5000 . '1)' ], undef, undef ],
	[ 415, 'fin operate', [ '/v1/does/x', '-X', 'POST', '-d', '{}' ], undef, qr/application\/json/ ],
	[ 415, 'fin operate', [ '/graphql', '-X', 'POST', '-d', '{}' ], undef, undef ],
	[ 416, 'fin read', [ '/v1/items?select=id&offset=1000', '-H', 'Prefer: count=exact' ], qr{^Content-Range: \*/100\r$}m, qr/"code":"PGRST103"/ ],
	[ 422, 'fin operate', [ '/v1/does/k', @post, '{"seconds": 0}', '-H', 'Idempotency-Key: k' ], undef, qr/"code":"idempotency_key"/ ],
	[ 422, 'fin operate', [ '/v1/does/other', @post, '{}', '-H', 'Idempotency-Key: k' ], undef, undef ],
	[ 431, 'fin read', [ '/v1/items', map { ('-H', "X-$_: " . 'y' x 3000) } 1 .. 7 ], undef, undef ],
	[ 300, 'fin read', [ '/v1/links?select=id,items(id)' ], undef, qr/"code":"PGRST201".*in more than one way/ ],
	[ 500, 'fin operate', [ '/v1/does/server', @post, '{}' ], undef, qr/"code":"gateway".*the database failed/ ],
	[ 503, 'fin operate', [ '/v1/does/serial', @post, '{}' ], qr/^Retry-After: \d+\r$/m, qr/the database cannot do it now/ ],
	[ 504, 'fin read', [ '/v1/slow' ], undef, qr/took longer than allowed/ ],
	[ 504, 'fin operate', [ '/v1/does/x', @post, '{"seconds": 20}' ], undef, qr/took longer than allowed/ ],
);
sql('ALTER DATABASE postgres SET ingest_api.max_response = 2048');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ingest_authenticator'});
sleep(1);
for my $error (@errors)
{
	my ($status, $who, $asked, $in_head, $in_body) = @$error;
	my ($s, $head, $body) = curl($who, @$asked);
	my $name = substr(join(' ', $who // 'nobody', @$asked), 0, 110);
	is($s, $status, "$status: $name") or diag(substr $body, 0, 400);
	like($head, qr{^Content-Type: application/problem\+json\r$}mi, '... as a problem');
	my $problem = eval { decoded($body) } // {};
	is(join(' ', grep { !exists $problem->{$_} } qw(type status title code message details hint)), '', '... with all its members') or diag(substr $body, 0, 400);
	is($problem->{status}, $status, '... of that status');
	cmp_ok(length($problem->{message} // ''), '>', 8, '... in words');
	like($head, $in_head, '... its head') if $in_head;
	like($body, $in_body, '... its words') if $in_body;
	unlike("$head$body", qr{/tmp/|/var/|/usr/|/lib/|pgdata|\.c:\d|canary|pgi_[0-9a-f]{8}|ingest_authenticator|SPI_|PL/pgSQL}, '... without a secret, a path or a place in the program');
}
is(sql('SELECT last_value FROM shop.tries'), 3, 'what cannot be serialized is tried three times');
is(sql(q{SELECT string_agg(DISTINCT what, ',' ORDER BY what) FROM shop.done}), 'k', 'and nothing that failed was done');
my %same = map { my $name = $_; $name => (curl('other read', "/v1/$name"))[2] =~ s/$name/NAME/gr } qw(mine nope);
is($same{mine}, $same{nope}, 'what one may not see is answered as what there is not');
is((curl('other read', '/v1/own/1'))[2], (curl('other read', '/v1/own/7'))[2], 'rows, too');
is((curl('fin read', '/v1/nope', '-I'))[2], '', 'HEAD has no body');
# what the gateway cannot do it says in its log, with what to do
sub complains { my ($err); IPC::Run::run([ 'timeout', '3', $node->config_data('--bindir') . '/pg_ingest_gateway', '--listen', '127.0.0.1:' . PostgreSQL::Test::Cluster::get_free_port(), @_ ], '<', '/dev/null', '>', \my $out, '2>', \$err); return $err; }
my $elsewhere = 'host=' . $node->host . ' port=' . $node->port . ' user=ingest_authenticator';
like(complains('--dsn', "$elsewhere dbname=template1"), qr/--dsn names the database in which the extension ingest_api was created/, 'a database without the extension');
like(complains('--dsn', "$elsewhere dbname=$p", '--tls-cert', "$folder/none", '--tls-key', "$folder/none"), qr/cannot be used: .*No such file/, 'a certificate that is not there');

for my $query ('{ items { nodes { nope } } }', '{ items(filter: {id: {nope: 1}}) { totalCount } }', '{ items(first: 100000) { totalCount } }', '{', 'mutation { does(what: "unique") }', '{ items(first: 100) { nodes { large } } }', '{ slow { nodes { slept } } }')
{
	my ($s, $head, $body) = curl('fin operate', '/graphql', @post, encode_json({ query => $query }));
	my $problem = eval { decoded($body) } // {};
	if ($query =~ /slow/) { is($s, 504, "GraphQL: $query"); }
	else { like($problem->{errors}[0]{extensions}{code} // '', qr/^(?:GRAPHQL_|BAD_USER_INPUT|LIMIT_EXCEEDED|23505)/, "GraphQL: $query") or diag($body); }
	unlike($body, qr{/tmp/|/var/|\.c:\d|canary|PL/pgSQL}, '... without a secret');
}

# -- too often --

sql('ALTER DATABASE postgres SET ingest_api.requests_per_minute = 5');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ingest_authenticator'});
sleep(1.5);
my @often = map { [ curl('often', '/v1') ] } 1 .. 20;
my ($refused) = grep { $_->[0] == 429 } @often;
ok($refused, 'who asks too often');
like($refused->[1], qr/^Retry-After: ([1-9]|[1-5]\d|6[01])\r$/m, 'is told when again');
like($refused->[2], qr/"code":"too_many_requests"/, 'and why');
sql('ALTER DATABASE postgres RESET ingest_api.requests_per_minute; ALTER DATABASE postgres RESET ingest_api.max_response');
sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ingest_authenticator'});
sleep(1.5);

# -- slow actions of one, beside others' --

my @slow = map { my $out; { run => IPC::Run::start([ arguments('fin operate', '/v1/does/slow', @post, '{"seconds": 1}') ], '<', '/dev/null', '>', \$out), out => \$out } } 1 .. 20;
sleep(0.5);
my $begin = time();
is((curl('other operate', '/v1/does/quick', @post, '{}'))[0], 200, 'behind twenty slow actions of one token that of another');
in_time(time() - $begin, 1, 'does not wait');
$begin = time();
is((curl('other read', '/graphql', @post, '{"query": "{ __typename }"}'))[0], 200, 'nor does what GraphQL reads');
is((curl('other read', '/metrics'))[0], 200, 'nor metrics');
in_time(time() - $begin, 1, 'at all');
$_->{run}->finish for @slow;
is(join(' ', sort { $a <=> $b } keys %{ { map { (answer(${ $_->{out} }))[0] => 1 } @slow } }) =~ s/^200( 503)?$/in turn/r, 'in turn', 'those that are slow come in turn, or are told to ask again');
@slow = map { my $out; { run => IPC::Run::start([ arguments('fin read', '/v1/slow') ], '<', '/dev/null', '>', \$out), out => \$out } } 1 .. 20;
sleep(0.5);
$begin = time();
is((curl('other read', '/v1/items?select=id&limit=1'))[0], 200, 'behind twenty slow lists a list');
in_time(time() - $begin, 1, 'does not wait either');
$_->{run}->kill_kill for @slow;

# -- the database goes and comes --

$node->stop('immediate');
my ($s, $head, $body, @took);
# the best of three: other tests run beside this one
for (1 .. 3)
{
	$begin = time();
	($s, $head, $body) = curl('fin read', '/v1/items?select=id&limit=1');
	push @took, time() - $begin;
}
is($s, 503, 'without a database');
in_time((sort { $a <=> $b } @took)[0], 1.3, 'it is said within a second');
like($head, qr/^Retry-After: \d+\r$/m, 'and when to ask again');
like($head, qr{^Content-Type: application/problem\+json\r$}mi, 'as a problem');
is((curl(undef, '/readyz'))[0], 503, 'it is not ready');
is((curl(undef, '/healthz'))[0], 200, 'but lives');
$node->start;
$until = time() + 30;
sleep(0.2) until (curl(undef, '/readyz'))[0] == 200 || time() > $until;
is((curl('fin read', '/v1/items?select=id&limit=1&order=id'))[2], '[{"id":1}]', 'and it is back without a restart');
unlike(slurp_file("$folder/log"), qr/pgi_[0-9a-z]{8}_/, 'no token is in the log');
$gateway->signal('TERM');
$gateway->finish;
done_testing();
