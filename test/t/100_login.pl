# Who logs in with a browser: links for once, cookies, what other pages cannot do, how sessions end
use strict;
use warnings;
use Api;
use Digest::SHA qw(sha256_hex);
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
# what a statement is given would show a secret that came so far
$node->append_conf('postgresql.conf', "log_statement = 'all'\nlog_parameter_max_length = -1\nmax_connections = 100\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sub refused { my ($sql) = @_; my ($code, $out, $err) = $node->psql($p, $sql); return $code ? $err : "no error: $out"; }

sql(q{
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE stranger LOGIN; CREATE ROLE leaver LOGIN; CREATE ROLE mighty LOGIN;
	GRANT ingest_operator, ingest_consumer TO fin; GRANT ingest_reader TO reader, stranger, leaver, mighty;
	GRANT fin, reader, leaver, mighty TO ingest_authenticator;
	CREATE SCHEMA books AUTHORIZATION fin;
	SET ROLE fin;
	CREATE TABLE books.thing (id int PRIMARY KEY);
	INSERT INTO books.thing VALUES (1), (2);
	SELECT ingest_api.expose('books.thing', 'things');
});

my $program = $node->config_data('--bindir') . '/pg_ingest_gateway';
my $folder = PostgreSQL::Test::Utils::tempdir('login');
my $dsn = 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=ingest_authenticator";
my %gateway;
sub start_gateway
{
	my ($name, @options) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my ($tls) = grep { /tls-cert/ } @options;
	my $g = $gateway{$name} = { port => $port, url => ($tls ? 'https' : 'http') . "://127.0.0.1:$port",
		run => IPC::Run::start([ $program, '--listen', "127.0.0.1:$port", '--dsn', $dsn, @options ], '<', '/dev/null', '>', '/dev/null', '2>>', "$folder/$name.log") };
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	until (`curl -sk $g->{url}/readyz` eq "ok\n") { die 'the gateway did not start: ' . slurp_file("$folder/$name.log") if time() > $until || !$g->{run}->pumpable; sleep(0.05); }
	return $g;
}
my $main = start_gateway('main');

# asked(path, options: to, method, body, cookie, csrf, token, headers): status, head, body
sub asked
{
	my ($path, %o) = @_;
	my $to = $o{to} // $main;
	my @args = ('curl', '-sk', '--max-time', '20', '-D', '-', '-X', $o{method} // 'GET');
	push @args, '-H', "Cookie: $o{cookie}" if defined $o{cookie};
	push @args, '-H', "X-CSRF-Token: $o{csrf}" if defined $o{csrf};
	push @args, '-H', "Authorization: Bearer $o{token}" if defined $o{token};
	push @args, map { ('-H', $_) } @{ $o{headers} // [] };
	push @args, '-H', 'Content-Type: ' . ($o{type} // 'application/json'), '--data-binary', $o{body} if defined $o{body};
	my $out = '';
	IPC::Run::run([ @args, "$to->{url}$path" ], '<', '/dev/null', '>', \$out, '2>', '/dev/null');
	my ($head, $body) = split /\r\n\r\n/, $out, 2;
	return (($head // '') =~ /^HTTP\S+ (\d+)/ ? $1 : 0, $head // '', $body // '');
}
sub status { return (asked(@_))[0]; }
sub cookie_of { return $_[0] =~ /^Set-Cookie: ([^;\r]+)/mi ? $1 : undef; }
# log_in(what it is, the secret): a cookie, the token against other pages, the answer
sub log_in
{
	my ($kind, $secret, %o) = @_;
	my ($status, $head, $body) = asked('/v1/session', method => 'POST', body => encode_json({ $kind => $secret }), %o);
	my $json = $status == 201 ? decode_json($body) : {};
	return { status => $status, head => $head, body => $body, cookie => cookie_of($head), csrf => $json->{csrf}, json => $json };
}
sub link_of { my ($role, $more) = @_; return sql("SET SESSION AUTHORIZATION $role; SELECT ingest_api.login_link(" . ($more // '') . ')'); }
sub secret_of { my ($link) = @_; return $link =~ /#(pgl_[0-9a-f]{64})$/ ? $1 : die "no link: $link"; }

# -- links --

my $link = link_of('fin', 'minutes => 5');
like($link, qr{^http://127\.0\.0\.1:8080/console/login#pgl_[0-9a-f]{64}$}, 'a link is an address, with its secret behind the #');
$node->append_conf('postgresql.conf', "ingest_api.console_url = 'https://ingest.example.com/console/'");
$node->reload;
like(link_of('fin'), qr{^https://ingest\.example\.com/console/login#pgl_}, 'where the console is, is said');
like(refused("LOAD 'ingest_api'; SET ingest_api.console_url = 'javascript:alert(1)'"), qr/invalid value/, 'by an address');
is(sql('SELECT count(*) FROM ingest_api_internal.login_link WHERE encode(hash, \'escape\') ~ \'pgl_\''), 0, 'its hash is kept alone');
like(refused('SELECT ingest_api.login_link()'), qr/there are no links for superusers.*SET ROLE/s, 'not of superusers');
like(refused('SET SESSION AUTHORIZATION stranger; SELECT ingest_api.login_link()'), qr/the gateway may not serve role stranger.*GRANT stranger TO ingest_authenticator/s, 'not of whom the gateway cannot serve, with what to say');
like(refused("SET SESSION AUTHORIZATION fin; SELECT ingest_api.login_link($_)"), qr/ERROR:/, "no link: $_") for '0', '-1', '1441', 'NULL', "5, '{}'", "5, '{root}'", '5, NULL', "5, '{NULL}'";
is(sql(q{SELECT count(*) > 0 FROM ingest.audit WHERE function = 'login_link' AND role = 'fin'}), 't', 'who made one is written down');

# -- one logs in --

my $secret = secret_of($link);
is(status("/console/login?$secret"), 404, 'to look at its address uses nothing up');
my $fin = log_in('link', $secret);
is($fin->{status}, 201, 'by a link') or diag $fin->{body}, slurp_file("$folder/main.log");
like($fin->{head}, qr/^Set-Cookie: pg_ingest_$main->{port}=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict\r?$/m, 'the cookie is for this server alone');
is_deeply([ @{ $fin->{json} }{qw(role scope database by token standby)} ], [ 'fin', 'admin', $p, 'session', undef, JSON::PP::false ], 'one is told who one is');
cmp_ok(sql("SELECT extract(epoch FROM timestamptz '$fin->{json}{expires_at}' - now())"), '>', 11 * 3600, 'and until when');
my $again = log_in('link', $secret);
is($again->{status}, 401, 'it is good for once');
is($again->{cookie}, undef, 'and gives nothing then');
like($again->{body}, qr/login_link/, 'but says how to have another');
my $race = secret_of(link_of('fin'));
my @racers = map {
	my %racer = (said => '');
	$racer{run} = IPC::Run::start([ 'curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', '-H', 'Content-Type: application/json', '-d', encode_json({ link => $race }), "$main->{url}/v1/session" ], '<', '/dev/null', '>', \$racer{said});
	\%racer
} 1 .. 8;
$_->{run}->finish for @racers;
is((grep { $_->{said} eq '201' } @racers), 1, 'also where eight come at once');
my $late = secret_of(link_of('fin'));
sql(q{UPDATE ingest_api_internal.login_link SET expires_at = now() - interval '1 second'});
is(log_in('link', $late)->{status}, 401, 'nor after its time');

my $token = sql(q{SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('mine', scopes => '{operate}')});
my $by_token = log_in('token', $token);
is($by_token->{status}, 201, 'by a token');
is($by_token->{json}{scope}, 'operate', 'with its scope');
is($by_token->{json}{token}, substr($token, 0, 12), 'and how it begins');
is(status('/v1/things', cookie => $by_token->{cookie}), 200, 'the cookie is good');
is(log_in(@$_)->{status}, 401, "not by $_->[0] " . ($_->[1] =~ s{[^ -~]}{?}gr)) for [ 'token', substr($token, 0, -1) . 'x' ], [ 'token', 'pgi_' ], [ 'link', 'pgl_' . '0' x 64 ], [ 'link', '' ], [ 'token', $secret ], [ 'link', $token ], [ 'token', "pgi_\x{1f600}aaaaaaaaaaaaaaaa" ];
is(status('/v1/session', method => 'POST', body => $_), 400, "not by $_") for '', '{}', '[]', '{"token": 1}', '{"token": null}', '{"link": {}}', 'null', '{"token": "a", "link": "b"}', '"x"', '{"tokens": "pgi_x"}';
is(status('/v1/session', method => 'POST', type => $_, body => encode_json({ token => $token })), 415, "not as $_") for 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp';
is(status('/v1/session', method => 'POST', body => encode_json({ token => $token }), headers => ["Sec-Fetch-Site: $_"]), 403, "a page that is $_ logs nobody in") for 'cross-site', 'same-site';
is(status('/v1/%73ession', method => 'POST', token => $token, body => '{}'), 400, 'the database alone makes none');

# -- what the cookie is good for --

my @as = (cookie => $fin->{cookie});
is_deeply(decode_json((asked('/v1/things?order=id', @as))[2]), [ { id => 1 }, { id => 2 } ], 'rows');
my ($code, $head, $body) = asked('/v1/session', @as);
is($code, 200, 'who one is');
is(decode_json($body)->{csrf}, $fin->{csrf}, 'with the token against other pages, the same for the session');
like($head, qr/^Cache-Control: no-store/mi, 'which nobody keeps');
isnt($by_token->{csrf}, $fin->{csrf}, 'and another for another one');
is(decode_json((asked('/v1/session', token => $token))[2])->{by}, 'token', 'a token is told likewise');
is(status('/v1/session'), 401, 'nobody is nobody');
is(status('/v1/syncs/x/run', method => 'POST', body => '{}', @as), 403, 'what does something needs it');
is(status('/v1/syncs/x/run', method => 'POST', body => '{}', @as, csrf => $_), 403, 'and not ' . ($_ eq '' ? 'nothing' : 'another')) for $by_token->{csrf}, '', '0' x 64, $fin->{csrf} . '0';
is(status('/v1/syncs/x/run', method => 'POST', body => '{}', @as, csrf => $fin->{csrf}), 404, 'with it one is asked what for');
is(status('/graphql', method => 'POST', body => '{"query": "{ __typename }"}', @as), 403, 'GraphQL, too');
is(status('/graphql', method => 'POST', body => '{"query": "{ __typename }"}', @as, csrf => $fin->{csrf}), 200, 'likewise');
is(status('/v1/session', method => $_, @as), 403, "$_") for 'DELETE', 'PUT', 'PATCH';
is(status('/v1/things', @as, headers => ["Sec-Fetch-Site: $_"]), 401, "a page that is $_ has no cookie") for 'cross-site', 'same-site', 'odd';
is(status('/v1/things', @as, headers => ["Sec-Fetch-Site: $_"]), 200, "one that is $_ has") for 'same-origin', 'none';
like((asked('/v1/things', @as, headers => ["Sec-Fetch-Site: cross-site"]))[1], qr/^HTTP(?!.*Set-Cookie)/s, 'and takes none away');
unlike((asked('/v1/things', @as, headers => ['Origin: https://app.example.com']))[1], qr/Access-Control-Allow-Credentials/i, 'no page elsewhere may send it');

# -- a cookie and the header Authorization: the header counts --

is(decode_json((asked('/v1/session', @as, token => $token))[2])->{scope}, 'operate', 'who says who he is is that');
is(status('/v1/syncs/x/run', method => 'POST', body => '{}', @as, token => $token), 404, 'and needs nothing else');
($code, $head) = asked('/v1/things', @as, token => 'pgi_wrongwrongwrongwrong');
is($code, 401, 'or is nobody');
unlike($head, qr/Set-Cookie/i, 'and stays logged in');

# -- cookies that are none, or of somebody else --

my $name = "pg_ingest_$main->{port}";
my ($value) = $fin->{cookie} =~ /=(.*)/;
for my $cookie ("$fin->{cookie}; $fin->{cookie}", "$name=" . '0' x 64 . "; $fin->{cookie}", "$fin->{cookie}; $name=", "$name=$value ", "$name=", "$name=" . uc $value, "$name=" . substr($value, 1), "$name=\"$value\"", "$name=' OR 1", "$name=" . '1' x 64)
{
	my ($status, $head) = asked('/v1/things', cookie => $cookie);
	# blanks around a value are no part of it
	is($status, $cookie =~ / $/ ? 200 : 401, 'a cookie: ' . substr($cookie, 0, 40)) or next;
	like($head, qr/^Set-Cookie: $name=; Path=\/; Max-Age=0; HttpOnly; SameSite=Strict\r?$/m, 'is taken back') if $status == 401;
}
is(status('/v1/things', cookie => "a=b; $fin->{cookie}; c"), 200, 'others beside it change nothing');
is(status('/v1/things', cookie => "x$fin->{cookie}"), 401, 'nor are they it');
is(status('/v1/things', headers => [ "Cookie: $fin->{cookie}", "Cookie: $name=" . '0' x 64 ]), 401, 'two headers are two');

# -- another session begins: what the browser had before ends, and is never taken over --

my $first = log_in('token', $token);
my $second = log_in('token', $token, cookie => $first->{cookie});
isnt($second->{cookie}, $first->{cookie}, 'who logs in has a cookie that nobody knew before');
is(status('/v1/things', cookie => $first->{cookie}), 401, 'and the one before is over');
is(status('/v1/things', cookie => $second->{cookie}), 200, 'the new one is not');
my $chosen = 'a' x 64;
unlike(log_in('token', $token, cookie => "$name=$chosen")->{head}, qr/$chosen/, 'a cookie that somebody chose begins nothing');

# -- events --

my $heard = '';
my $stream = IPC::Run::start([ 'curl', '-sN', '-H', "Cookie: $second->{cookie}", '-H', 'Accept: text/event-stream', "$main->{url}/v1/events?after=0" ], '<', '/dev/null', '>', \$heard, '2>', '/dev/null');
my $until = time() + 30;
until ($heard =~ /^id: /m || time() > $until) { $stream->pump_nb; sleep(0.1); }
like($heard, qr/^id: /m, 'a stream takes the cookie');

# -- sessions end --

is(status('/v1/session', method => 'DELETE', cookie => $second->{cookie}, csrf => $second->{csrf}), 204, 'one logs out');
is(status('/v1/things', cookie => $second->{cookie}), 401, 'and is out');
$until = time() + 30;
while ($stream->pumpable && time() < $until) { $stream->pump_nb; sleep(0.1); }
ok(!$stream->pumpable, 'so is the stream');
$stream->kill_kill if $stream->pumpable;
my $out = log_in('token', $token);
like((asked('/v1/session', method => 'DELETE', cookie => $out->{cookie}, csrf => $out->{csrf}))[1], qr/^Set-Cookie: $name=; Path=\/; Max-Age=0;/m, 'the cookie is taken back');
is(status('/v1/session', method => 'DELETE', token => $token), 409, 'a token is not logged out');

sub over { my ($what, $session) = @_; my ($status, $head) = asked('/v1/things', cookie => $session->{cookie}); is($status, 401, "over: $what"); like($head, qr/^Set-Cookie: $name=; .*Max-Age=0/m, 'and the cookie is taken back'); return; }
my $of_token = log_in('token', $token);
sql(q{SET SESSION AUTHORIZATION fin; SELECT ingest_api.revoke_token('mine')});
over('its token was revoked', $of_token);
over('nor is what was begun before', $by_token);
is(status('/v1/things', @as), 200, 'another one of the same role goes on');
my $leaver = log_in('link', secret_of(link_of('leaver', "5, '{read}'")));
is($leaver->{json}{scope}, 'read', 'a link is as narrow as is said');
is(status('/v1/syncs', cookie => $leaver->{cookie}), 200, 'somebody is there');
sql('REVOKE leaver FROM ingest_authenticator');
over('the gateway may not serve the role', $leaver);
sql('GRANT leaver TO ingest_authenticator');
is(status('/v1/syncs', cookie => $leaver->{cookie}), 200, 'until it may again');
sql('DROP OWNED BY leaver; DROP ROLE leaver; CREATE ROLE leaver LOGIN; GRANT ingest_reader TO leaver; GRANT leaver TO ingest_authenticator');
over('its role was dropped, whoever is called so now', $leaver);
my $mighty = log_in('link', secret_of(link_of('mighty')));
is($mighty->{status}, 201, 'somebody is nobody special');
sql('ALTER ROLE mighty SUPERUSER');
over('its role became a superuser', $mighty);
# the gateway would not begin, otherwise
sql('ALTER ROLE mighty NOSUPERUSER');
my $old = log_in('link', secret_of(link_of('reader')));
sql("UPDATE ingest_api_internal.session SET expires_at = now() - interval '1 s' WHERE role = 'reader'::regrole");
over('its time', $old);
my $idle = log_in('link', secret_of(link_of('reader')));
sql("UPDATE ingest_api_internal.session SET used_at = now() - interval '50 min' WHERE role = 'reader'::regrole");
is(status('/v1/syncs', cookie => $idle->{cookie}), 200, 'who was away for a while is there still');
cmp_ok(sql("SELECT max(extract(epoch FROM now() - used_at)) FROM ingest_api_internal.session WHERE role = 'reader'::regrole AND expires_at > now()"), '<', 60, 'which is noted');
sql("UPDATE ingest_api_internal.session SET used_at = now() - interval '61 min' WHERE role = 'reader'::regrole");
over('nobody used it', $idle);
my $short = log_in('token', sql(q{SET SESSION AUTHORIZATION reader; SELECT ingest_api.create_token('short', expires => '10 min')}));
cmp_ok(sql("SELECT extract(epoch FROM timestamptz '$short->{json}{expires_at}' - now())"), '<', 601, 'no session lives longer than its token');
sql("UPDATE ingest_api_internal.session SET home = 'elsewhere' WHERE role = 'reader'::regrole");
over('this is a copy of the database', $short);

# -- what is written down, and what is nowhere --

is(sql(q{SELECT string_agg(DISTINCT after->>'status', ' ' ORDER BY after->>'status') FROM ingest.audit WHERE function = 'http' AND object = 'POST /v1/session'}), '201 401', 'log-ins are written down, good ones and others');
is(sql(q{SELECT DISTINCT role FROM ingest.audit WHERE object = 'POST /v1/session' AND after->>'status' = '401' AND after->>'token' = ''}), 'ingest_authenticator', 'of nobody as the gateway');
is(sql(q{SELECT count(*) >= 2 FROM ingest.audit WHERE object = 'DELETE /v1/session' AND after->>'token' ~ '^session [0-9]+$' AND role = 'fin'}), 't', 'and who logged out');
my @secrets = ($secret, $race, $token, $value, $fin->{csrf}, map { s/.*=//r } $by_token->{cookie}, $second->{cookie});
for my $where ([ 'the log of the gateway', slurp_file("$folder/main.log") ], [ 'the log of the database', slurp_file($node->logfile) ], [ 'tables', sql('SELECT s::text FROM ingest_api_internal.session s UNION ALL SELECT l::text FROM ingest_api_internal.login_link l UNION ALL SELECT a::text FROM ingest.audit a') ])
{
	is(scalar(grep { index($where->[1], $_) >= 0 } @secrets), 0, "no secret is in $where->[0]");
}

# -- too often --

my @said = map { log_in('link', "pgl_$_")->{status} } 1 .. 75;
is($said[-1], 429, 'too many log-ins that fail');
my $right = log_in('link', secret_of(link_of('fin')));
is($right->{status}, 201, 'keep nobody out who may come in');
cmp_ok(sql(q{SELECT count(*) FROM ingest.audit WHERE object = 'POST /v1/session' AND after->>'status' = '429'}), '==', 0, 'and fill no table');
$node->append_conf('postgresql.conf', 'ingest_api.requests_per_minute = 20');
$node->reload;
is(scalar(grep { $_ == 429 } map { status('/v1/things', cookie => $right->{cookie}) } 1 .. 40) > 0, 1, 'a session is asked for as often as a token');
$node->append_conf('postgresql.conf', 'ingest_api.requests_per_minute = 0');
$node->reload;

# -- TLS, and a proxy --

IPC::Run::run([ 'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-keyout', "$folder/key", '-out', "$folder/cert" ], '>', '/dev/null', '2>', '/dev/null') or die 'no certificate';
for my $way ([ 'TLS', '--tls-cert', "$folder/cert", '--tls-key', "$folder/key" ], [ 'a proxy', '--behind-proxy' ])
{
	my ($what, @options) = @$way;
	my $to = start_gateway($what =~ s/ /_/r, @options);
	my $session = log_in('link', secret_of(link_of('fin')), to => $to);
	like($session->{head}, qr/^Set-Cookie: __Host-pg_ingest=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Secure\r?$/m, "behind $what the cookie is Secure and of this name alone");
	is(status('/v1/things', to => $to, cookie => $session->{cookie}), 200, 'and good');
	is(status('/v1/things', to => $to, cookie => $session->{cookie} =~ s/__Host-//r), 401, 'by no other name');
	my $g = delete $gateway{ $what =~ s/ /_/r };
	$g->{run}->signal('TERM');
	$g->{run}->finish;
}
# any gateway takes what another one gave
my $other = start_gateway('other');
my $there = "pg_ingest_$other->{port}=$value";
is(status('/v1/things', to => $other, cookie => $there), 200, 'another gateway knows the session');
is(status('/v1/syncs/x/run', to => $other, method => 'POST', body => '{}', cookie => $there, csrf => $fin->{csrf}), 404, 'and what pages know');

for my $g (values %gateway) { $g->{run}->signal('TERM'); $g->{run}->finish; }
done_testing();
