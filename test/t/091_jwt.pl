# JSON Web Tokens: which are good, whom they make somebody, keys that change, what a forged credential could do
use strict;
use warnings;
use HTTP::Tiny;
use IO::Socket::INET;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Timed;
use Time::HiRes qw(sleep time);

plan skip_all => 'tokens are made by npm\'s jose' unless $ENV{NODE_PATH};
my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->append_conf('postgresql.conf', "log_statement = all\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sub says { my ($statements) = @_; my ($code, $out, $err) = $node->psql($p, $statements); return $err; }
sql(q{
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; CREATE ROLE other LOGIN; CREATE ROLE chief LOGIN; CREATE ROLE apart LOGIN;
	GRANT ingest_reader TO fin, other; GRANT ingest_admin TO chief; GRANT fin, other TO chief; GRANT apart TO chief;
	GRANT fin, other TO ingest_authenticator;
});

# -- whom claims make somebody --

like(says("SET ROLE fin; SELECT ingest_api.map_claim('sub', 'fin', 'fin')"), qr/permission denied/, 'who is no admin maps nothing');
like(says("SET ROLE chief; SELECT ingest_api.map_claim('sub', 'x', 'postgres')"), qr/no token acts as a superuser/, 'no superuser');
like(says("SET ROLE chief; SELECT ingest_api.map_claim('sub', 'x', 'apart')"), qr/HINT:  Somebody who may grant that role can run GRANT apart TO ingest_authenticator/, 'a role that the gateway may not serve');
like(says("SET ROLE chief; SELECT ingest_api.map_claim('iss', 'x', 'fin')"), qr/does not identify anybody/, 'a claim that tells nothing of who it is');
like(says("SET ROLE chief; SELECT ingest_api.map_claim('sub', NULL, 'fin')"), qr/are needed/, 'nothing');
sql("SET ROLE chief; SELECT ingest_api.map_claim('sub', 'fin', 'fin'), ingest_api.map_claim('groups', 'fin', 'fin'), ingest_api.map_claim('groups', 'other', 'other'), ingest_api.map_claim('sub', 'gone', 'fin'), ingest_api.map_claim('sub', '7', 'fin')");
like(says("SET ROLE chief; SELECT ingest_api.map_claim('sub', 'fin', 'other')"), qr/is already mapped to a role/, 'twice');
sql("SET ROLE chief; SELECT ingest_api.unmap_claim('sub', 'gone')");
is(sql("SET ROLE chief; SELECT string_agg(claim || '=' || value || ':' || role, ' ' ORDER BY claim, value) FROM ingest_api.claims"), 'groups=fin:fin groups=other:other sub=7:fin sub=fin:fin', 'an admin sees what was said');
is(sql('SET ROLE fin; SELECT count(*) FROM ingest_api.claims'), 0, 'nobody else');

# -- tokens --

my $folder = PostgreSQL::Test::Utils::tempdir('jwt');
my ($made, $err);
IPC::Run::run([ 'node', 'api/tokens.mjs', $folder ], '<', '/dev/null', '>', \$made, '2>', \$err) or die $err;
my @tokens = @{ decode_json($made) };
my %token = map { $_->[0] => $_->[2] } @tokens;
my $program = $node->config_data('--bindir') . '/pg_ingest_gateway';
my $port = PostgreSQL::Test::Cluster::get_free_port();
my ($gateway, $log) = (undef, "$folder/log");
my @dsn = ('--listen', "127.0.0.1:$port", '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=ingest_authenticator");
my @jwt = ('--jwt-issuer', 'https://issuer.test/', '--jwt-audience', 'pg_ingest');
sub start_gateway
{
	my @options = @_;
	$gateway = IPC::Run::start([ $program, @dsn, @options ], '<', '/dev/null', '>', '/dev/null', '2>>', $log);
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	until (`curl -s http://127.0.0.1:$port/readyz` eq "ok\n") { die 'the gateway did not start: ' . slurp_file($log) if time() > $until || !$gateway->pumpable; sleep(0.05); }
	return;
}
sub stop_gateway { $gateway->signal('TERM'); $gateway->finish; return; }
sub status
{
	my ($token) = @_;
	my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
	$s->autoflush(1);
	print $s "GET /v1/sources HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer $token\r\n\r\n";
	local $/ = undef;
	return (<$s> // '') =~ m{^HTTP/1.1 (\d+)} ? $1 : 0;
}
sub mv { my ($from, $to) = @_; rename("$folder/$from", "$folder/$to") or die $!; return; }

start_gateway('--jwks', "$folder/jwks.json", '--jwt-hs256-key', "$folder/secret", @jwt);
for my $t (grep { defined $_->[1] } @tokens) { is(status($t->[2]), $t->[1] ? 200 : 401, ($t->[1] ? 'good: ' : 'refused: ') . $t->[0]); }
unlike(slurp_file($node->logfile) . slurp_file($log), qr/\Q@{[ (split m{[.]}, $token{RS256})[2] ]}\E/, 'no log has a signature');

# -- every resource and every address, by each credential that is none, and by those that are as by a token of the same role --

sql(q{
	CREATE SCHEMA shop AUTHORIZATION fin;
	CREATE TABLE shop.secret (id int PRIMARY KEY, t text); ALTER TABLE shop.secret OWNER TO fin; INSERT INTO shop.secret VALUES (1, 'canary of fin');
	GRANT ingest_operator TO fin; SELECT ingest_api.expose('shop.secret', 'secret'); SET ROLE fin; SELECT ingest.emit('shop.a', 'canary of fin', '{}');
});
my %own = map { my ($role, $scope) = split / /; $_ => sql("SET SESSION AUTHORIZATION $role; SELECT ingest_api.create_token('$scope', scopes => '{$scope}')") } 'fin read', 'fin operate', 'fin admin', 'other read';
my $brief = sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('brief', scopes => '{admin}', expires => '1 second')");
my $gone = sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('gone', scopes => '{admin}')");
sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.revoke_token('gone')");
my $client = HTTP::Tiny->new(keep_alive => 1, timeout => 30);
# cell: what is asked; a part of the path that differs is something that is not there
my @resources = map { [ 'GET', "/v1/$_" ] } split /\n/, sql('SELECT name FROM ingest_api_internal.resource ORDER BY 1');
my @addresses = map { my ($method, $path, $scope) = split /\|/; [ $method, '/v1/' . ($path =~ s/\{\w+\}/999999/gr), $method eq 'GET' ? undef : '{}', {}, $scope ] } split /\n/, sql(q{SELECT method, path, coalesce(scope, CASE method WHEN 'GET' THEN 'read' ELSE 'operate' END) FROM ingest_api_internal.route ORDER BY 2, 1});
my %stream = (accept => 'text/event-stream');
my @others = ([ 'GET', '/v1' ], [ 'GET', '/openapi.json' ], [ 'GET', '/v1/secret/1' ], [ 'GET', '/v1/events?after=0' ], [ 'POST', '/graphql', '{"query": "{ secret { nodes { t } } }"}' ], [ 'GET', '/graphql?query=%7Bsecret%7Bnodes%7Bt%7D%7D%7D' ],
	[ 'POST', '/graphql', '{"query": "mutation { revoke_token(name: \\"read\\") }"}' ]);
my @endless = ([ 'GET', '/v1/events?after=0', undef, \%stream ], [ 'POST', '/graphql', '{"query": "subscription { events(after: \\"0\\") { subject } }"}', \%stream ], [ 'GET', '/metrics' ]);
sub cell { my ($token, $method, $path, $body, $headers) = @{ $_[0] }; my $r = $client->request($method, "http://127.0.0.1:$port$path", { headers => { %{ $headers // {} }, defined $token ? (authorization => "Bearer $token") : () , defined $body ? ('content-type' => 'application/json') : () }, defined $body ? (content => $body) : () }); return ($r->{status}, $r->{content}); }
sub named { return "$_[0][0] $_[0][1]"; }
cmp_ok(scalar(@resources) + scalar(@addresses), '>', 60, 'resources: ' . @resources . ', addresses: ' . @addresses);
sleep(1);
for ([ 'no token', undef ], [ 'a token that was revoked', $gone ], [ 'one that has expired', $brief ], map({ [ "a JWT: $_", $token{$_} ] } 'expired', 'forged', 'HS256 with another secret', 'HS256 with a public key', 'alg none', 'alg none with something', 'somebody unknown', 'two roles', 'another aud'))
{
	my ($what, $bad) = @$_;
	my @wrong;
	my %bodies;
	for my $c (@resources, @addresses, @others, @endless) { my ($s, $b) = cell([ $bad, @$c ]); push @wrong, named($c) . ": $s" if $s != 401; $bodies{$b}++; }
	is(join(', ', @wrong, keys %bodies > 1 ? 'answers differ' : ()), '', "$what: nothing of anything");
	unlike(join('', keys %bodies), qr/canary/, '... and no word of it');
}
# the answer is the same for all; the log tells whoever runs the gateway
my %why = (expired => 'it has expired', forged => 'its signature is wrong', 'HS256 with another secret' => 'its signature is wrong',
	'alg none' => 'it is not a JSON Web Token', 'alg none with something' => 'its header asks for what is not supported here: only alg, kid and typ JWT are', 'another aud' => 'aud, its audience, is not the one of --jwt-audience');
for my $what (sort keys %why)
{
	my $before = -s $log;
	cell([ $token{$what}, 'GET', "/v1/sources?limit=1" ]);
	# the line is written when the answer has gone
	my ($line, $until) = ('', time() + $PostgreSQL::Test::Utils::timeout_default);
	sleep(0.05) until ($line = slurp_file($log, $before)) =~ /"status":401/ || time() > $until;
	like($line, qr/"status":401,.*"token":"\Q$why{$what}\E"/, "the log: $what");
	unlike($line, qr/\Q@{[ substr($token{$what}, 0, 40) ]}\E/, '... and not the token');
}
my $differ = sub {
	my ($jwt, $token, @cells) = @_;
	my @wrong;
	for my $c (@cells)
	{
		my @by_jwt = cell([ $jwt, @$c ]);
		my @by_token = cell([ $token, @$c ]);
		# and time goes on
		s/"at" : "[^"]*"/"at"/g for grep { defined } $by_jwt[1], $by_token[1];
		# when tokens were used goes on
		@by_jwt = @by_token = ($by_jwt[0]) if $c->[1] =~ /tokens/ && $by_jwt[0] == $by_token[0];
		push @wrong, named($c) . ": @by_jwt, @by_token" if "@by_jwt" ne "@by_token";
	}
	return join("\n", @wrong);
};
my @read = grep { $_->[0] eq 'GET' } @resources, @addresses, @others;
my @do = grep { $_->[0] ne 'GET' } @addresses;
is($differ->($token{HS256}, $own{'fin read'}, @read, @do, $others[4]), '', 'a JWT of a role: what its token of that scope is answered, for all cells');
is($differ->($token{'another role'}, $own{'other read'}, @read, @do, $others[4]), '', 'one of another role likewise');
is($differ->($token{'of scope operate'}, $own{'fin operate'}, grep { $_->[4] ne 'admin' } @do), '', 'of scope operate: what is done');
like((cell([ $token{HS256}, 'GET', '/v1/secret' ]))[1], qr/canary/, 'the role itself sees what is its own');
is(join(', ', map { my ($s, $b) = cell([ $token{'another role'}, @$_ ]); $b =~ /canary/ ? named($_) : () } @read, @do, @others[0 .. 5]), '', 'the other one nothing of it');
for ([ 'HS256', 'read', qr/operate|admin/ ], [ 'of scope operate', 'operate', qr/admin/ ])
{
	my ($name, $scope, $wider) = @$_;
	is(join(', ', map { my ($s, $b) = cell([ $token{$name}, @$_ ]); ($s == 403 && $b =~ /insufficient_scope/) ? () : named($_) . ": $s" } grep { $_->[4] =~ $wider } @do), '', "of scope $scope: nothing that needs more");
}
is(join(', ', map { my ($s, $b) = cell([ $token{'of scope admin'}, @$_ ]); $b =~ /insufficient_scope/ ? named($_) : () } @do), '', 'of scope admin: its scope stands in the way of nothing');

is(status($token{next}), 401, 'a key that is not there yet');
mv('rotated.json', 'jwks.json');
$gateway->signal('HUP');
my $until = time() + 10;
sleep(0.1) until status($token{next}) == 200 || time() > $until;
is(status($token{next}), 200, 'is taken when the file is read again');
is(status($token{RS256}), 401, 'and those that are gone are no more');
append_to_file("$folder/bad.json", '{"keys": 7}');
mv('bad.json', 'jwks.json');
$gateway->signal('HUP');
sleep(0.5);
is(status($token{next}), 200, 'what is not a set of keys changes nothing');

# -- it is over while a stream goes on, and when a claim is taken back --

sql('GRANT ingest_consumer TO fin');
my $begin = time();
my $out = `curl -s -N --max-time 40 -H 'Accept: text/event-stream' -H 'Authorization: Bearer $token{HS256}' http://127.0.0.1:$port/v1/events & sleep 2; psql -X -q -h '@{[ $node->host ]}' -p @{[ $node->port ]} -U chief $p -c "SELECT ingest_api.unmap_claim('sub', 'fin')" >/dev/null; wait`;
like($out, qr/event: place/, 'a stream by claims');
in_time(time() - $begin, 20, 'ends when these make nobody any more');
is(status($token{HS256}), 401, 'and so do requests');
stop_gateway();

# -- keys by an address --

sub serve_keys
{
	my ($file) = @_;
	my $server = PostgreSQL::Test::Cluster::get_free_port();
	my $h = IPC::Run::start([ '/usr/bin/python3', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', $folder, $server ], '<', '/dev/null', '>', '/dev/null', '2>', "$folder/requests");
	my $wait = time() + 20;
	until (IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $server)) { die 'no server of keys' if time() > $wait; sleep(0.05); }
	return ($h, "http://127.0.0.1:$server/$file");
}
sql("SET ROLE chief; SELECT ingest_api.map_claim('sub', 'fin', 'fin')");
IPC::Run::run([ 'node', 'api/tokens.mjs', $folder ], '<', '/dev/null', '>', \$made, '2>', \$err) or die $err;
%token = map { $_->[0] => $_->[2] } @{ decode_json($made) };
my ($keys, $address) = serve_keys('jwks.json');
start_gateway('--jwks', $address, @jwt);
$until = time() + 20;
sleep(0.1) until status($token{RS256}) == 200 || time() > $until;
is(status($token{RS256}), 200, 'keys by an address');
is(status($token{HS256}), 401, 'HS256 without a key of its own');
mv('rotated.json', 'jwks.json');
is(status($token{next}), 401, 'a key that nobody knows') for 1 .. 20;
my $asked = () = slurp_file("$folder/requests") =~ /GET/g;
cmp_ok($asked, '<=', 2, 'does not make it ask again and again');
$gateway->signal('HUP');
$until = time() + 20;
sleep(0.1) until status($token{next}) == 200 || time() > $until;
is(status($token{next}), 200, 'read again when told');
$keys->kill_kill;
$gateway->signal('HUP');
$until = time() + 20;
sleep(0.1) until slurp_file($log) =~ /keys of tokens could not be fetched/ || time() > $until;
is(status($token{next}), 200, 'an address that is away takes no keys away');
stop_gateway();

# -- options --

append_to_file("$folder/weak", "short\n");
for my $wrong ([ '--jwks', "$folder/jwks.json" ], [ '--jwks', "$folder/none", @jwt ], [ '--jwks', $folder, @jwt ], [ '--jwks', 'http://example.com/keys', @jwt ], [ '--jwks', 'ftp://example.com/keys', @jwt ], [ '--jwt-hs256-key', "$folder/weak", @jwt ], [ '--jwt-hs256-key', "$folder/secret" ])
{
	my $said;
	ok(!IPC::Run::run([ $program, @dsn, @$wrong ], '<', '/dev/null', '>', '/dev/null', '2>', \$said, IPC::Run::timeout(20)) && $said =~ /--jw/, "not started with @$wrong[0, 1]");
}

# -- what the gateway's role could do that is not a gateway: what the roles of claims may, and no more --

sub forged { my ($claims) = @_; return sql("SET SESSION AUTHORIZATION ingest_authenticator; SELECT status FROM ingest_api.serve('jwt $claims', 'GET', '/v1/sources', NULL, '{}', NULL)"); }
is(forged('{"sub": "fin", "exp": 9999999999}'), 200, 'it is believed, as it has the keys');
is(forged('{"sub": "fin", "exp": 1}'), 401, 'but not what is over');
is(forged('{"sub": "fin"}'), 401, 'or never is');
is(forged('{"sub": "postgres", "exp": 9999999999}'), 401, 'nor a name that nobody mapped');
is(forged('[]'), 401, 'nor what is no object');
sql('ALTER ROLE fin SUPERUSER');
is(forged('{"sub": "fin", "exp": 9999999999}'), 401, 'nor a role that has become a superuser');
sql('ALTER ROLE fin NOSUPERUSER; REVOKE fin FROM ingest_authenticator');
is(forged('{"sub": "fin", "exp": 9999999999}'), 401, 'or was taken from it');
like(says("SET SESSION AUTHORIZATION fin; SELECT status FROM ingest_api.serve('jwt {\"sub\": \"other\", \"exp\": 9999999999}', 'GET', '/v1/sources', NULL, '{}', NULL)"), qr/permission denied/, 'and nobody else may call it');
unlike(slurp_file($log), qr/Sanitizer|runtime error/, 'nothing was done wrong');
done_testing();
