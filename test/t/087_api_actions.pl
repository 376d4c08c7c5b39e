# What is done by HTTP: each action, who may, once under an Idempotency-Key whatever is killed, scopes, rates, what is written down
use strict;
use warnings;
use Api;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'ingest'\nrestart_after_crash = on\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sub says { my ($statements) = @_; my ($code, $out, $err) = $node->psql($p, $statements); return $err; }

sql(q{
	CREATE EXTENSION postgres_fdw;
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; CREATE ROLE granted LOGIN; CREATE ROLE other LOGIN; CREATE ROLE nothing LOGIN; CREATE ROLE boss LOGIN;
	GRANT ingest_operator TO fin, other; GRANT ingest_reader TO granted, nothing; GRANT ingest_admin TO boss;
	GRANT fin, granted, other, nothing, boss TO ingest_authenticator; GRANT fin TO postgres;
	CREATE SCHEMA shop AUTHORIZATION fin; CREATE SCHEMA books AUTHORIZATION fin;
	SET ROLE fin;
	CREATE TABLE shop.customer (id int PRIMARY KEY, name text);
	CREATE TABLE shop.nap (seconds float8);
	INSERT INTO shop.nap VALUES (0);
	CREATE FUNCTION shop.sleeps(i integer) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(seconds) FROM shop.nap; RETURN i; END $$;
	CREATE VIEW shop.slow AS SELECT i AS id, shop.sleeps(i) AS slept FROM generate_series(1, 20) i;
	INSERT INTO shop.customer SELECT i, 'canary ' || i FROM generate_series(1, 20) i;
	RESET ROLE;
	SELECT format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
	GRANT USAGE ON FOREIGN SERVER s TO fin;
	CREATE USER MAPPING FOR fin SERVER s OPTIONS (user 'fin', password_required 'false');
	GRANT CREATE ON DATABASE postgres TO fin;
	SET ROLE fin;
	SELECT ingest.register_source('shop', 's', schema => 'shop_ft', remote_schemas => '{shop}');
	RESET ROLE;
	CALL ingest.crawl('shop');
	SET ROLE fin;
	SELECT ingest.create_sync('shop_ft.customer', 'books.customer', mode => 'full', key => '{id}');
	RESET ROLE;
	CALL ingest.sync('books.customer');
	SET ROLE fin;
	SELECT ingest.grant_source('shop', 'granted');
	SELECT ingest.create_job('nightly', 'sql', 'SELECT 1 / 0', max_attempts => 1), ingest.create_job('slow', 'sql', 'SELECT pg_sleep(5)');
	SELECT ingest.subscribe('mine', '{com.example.*}');
	SELECT ingest.emit('com.example.one', 'a', '{}'), ingest.emit('com.example.two', 'b', '{}');
	SELECT ingest.add_rule('books.customer', 'not_null', '{name}');
	SELECT ingest.annotate('books.customer', 'owner', '"canary of fin"');
	SELECT ingest_api.create_token('only of fin');
});
my %token;
for my $role (qw(fin granted other nothing boss))
{
	$token{"$role $_"} = sql("SET SESSION AUTHORIZATION $role; SELECT ingest_api.create_token('$_', scopes => '{$_}')") for qw(read operate admin);
}
$token{expired} = sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('short', scopes => '{admin}', expires => '1 second')");
$token{revoked} = sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('gone', scopes => '{admin}')");
sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.revoke_token('gone')");

# request(token, method, path, body, headers): what serve_call() takes, as the gateway has it
sub request
{
	my ($token, $method, $path, $body, $headers) = @_;
	my %headers = ('content-type' => 'application/json', 'x-peer' => '192.0.2.7', 'x-request-id' => '4711', %{ $headers // {} });
	delete $headers{$_} for grep { !defined $headers{$_} } keys %headers;
	return ($token, $method, $path, \%headers, ref $body ? encode_json($body) : $body);
}
sub call { return serve_call(request(@_)); }
sub ask { my ($who, @rest) = @_; return serve_with($node, request($token{$who} // die("no token $who"), @rest)); }
sub status { return (ask(@_))[0]; }
sub until_is { my ($query, $expected, $what) = @_; my $ok = poll_until($node, $p, $query, $expected); return ok($ok, $what); }

# -- each action, and that it was done --

my ($status, $headers, $body) = ask('fin operate', 'POST', '/v1/sources/shop/crawl');
is($status, 202, 'a crawl is begun');
my $begun = decoded($body);
is($headers->{Location}, $begun->{location}, 'it says where to look');
is($headers->{'Cache-Control'}, 'no-store', 'and is not kept on the way');
until_is("SELECT state FROM ingest.run_status WHERE job = 'crawl shop'", 'succeeded', 'it is done');
is(decoded((ask('fin read', 'GET', $headers->{Location}))[2])->[0]{state}, 'succeeded', 'where to look shows it');
is(status('fin operate', 'POST', '/v1/sources/' . sql("SELECT id FROM ingest.data_source") . '/check'), 202, 'a check, by the number of the source');
until_is("SELECT bool_and(last_check_ok) FROM ingest.data_source", 't', 'it is done');
is(status('fin operate', 'POST', '/v1/syncs/books.customer/run'), 202, 'a sync');
until_is("SELECT count(*) FROM ingest.run_status WHERE job = 'sync books.customer' AND state = 'succeeded'", '1', 'it is done');
is(status('fin operate', 'POST', '/v1/syncs/1/run'), 202, 'a sync by its number');
until_is("SELECT count(*) FROM ingest.run_status WHERE job = 'sync books.customer' AND state = 'succeeded'", '2', 'by the same job');
for (
	[ 'POST', '/v1/sources/shop/pause', undef, 204, "SELECT state FROM ingest.data_source", 'paused' ],
	[ 'POST', '/v1/sources/shop/resume', undef, 204, "SELECT state FROM ingest.data_source", 'active' ],
	[ 'POST', '/v1/syncs/books.customer/pause', undef, 204, "SELECT state FROM ingest.sync WHERE name = 'books.customer'", 'paused' ],
	[ 'POST', '/v1/syncs/books.customer/resume', undef, 204, "SELECT state FROM ingest.sync WHERE name = 'books.customer'", 'active' ],
	[ 'POST', '/v1/syncs/books.customer/reload', {}, 204, "SELECT bool_or(reload) FROM ingest.sync_state", 't' ],
	[ 'POST', '/v1/jobs/slow/run', {}, 202, "SELECT count(*) FROM ingest.queue q JOIN ingest.job j ON j.id = q.job WHERE j.name = 'slow'", 1 ],
	[ 'POST', '/v1/jobs/slow/run', {}, 202, "SELECT count(*) FROM ingest.queue q JOIN ingest.job j ON j.id = q.job WHERE j.name = 'slow'", 1 ],
	[ 'POST', '/v1/quality', { relation => 'books.customer' }, 202, "SELECT count(*) FROM ingest.job WHERE kind = 'quality'", 1 ],
	[ 'POST', '/v1/profiles', { relation => 'books.customer' }, 202, "SELECT count(*) FROM ingest.job WHERE kind = 'profile'", 1 ],
	[ 'POST', '/v1/silences', { pattern => 'stale/*', until => '2100-01-01' }, 204, "SELECT pattern FROM ingest.silence", 'stale/*' ],
	[ 'DELETE', '/v1/silences/stale%2F*', undef, 204, "SELECT count(*) FROM ingest.silence", 0 ],
	[ 'POST', '/v1/consumers', { consumer => 'api', types => ['com.example.*'], from_start => JSON::PP::true }, 201, "SELECT types FROM ingest.subscription WHERE consumer = 'api'", '{com.example.*}' ],
	[ 'POST', '/v1/consumers/api/read', { max_events => 1 }, 200, "SELECT open IS NOT NULL FROM ingest.subscription WHERE consumer = 'api'", 't' ],
	[ 'POST', '/v1/consumers/api/ack', { event => sql("SELECT min(id) FROM ingest.event WHERE type = 'com.example.one'") }, 204, "SELECT last_ack IS NOT NULL FROM ingest.subscription WHERE consumer = 'api'", 't' ],
	[ 'DELETE', '/v1/consumers/api', undef, 204, "SELECT count(*) FROM ingest.subscription WHERE consumer = 'api'", 0 ],
	[ 'POST', '/v1/rules', { relation => 'books.customer', kind => 'range', columns => ['id'], arguments => { min => 0 } }, 201, "SELECT arguments->>'min' FROM ingest.rule WHERE kind = 'range'", 0 ],
	[ 'DELETE', '/v1/rules/2', undef, 204, "SELECT count(*) FROM ingest.rule WHERE id = 2", 0 ],
	[ 'POST', '/v1/tables/' . sql('SELECT id FROM ingest.source_table WHERE name = $$customer$$') . '/annotations', { name => 'tags', value => [ 'pii', 1 ], by => 'a model' }, 201, "SELECT value FROM ingest.annotation WHERE name = 'tags' AND said_by = 'a model'", '["pii", 1]' ],
	[ 'POST', '/v1/columns/' . sql('SELECT id FROM ingest.source_table WHERE name = $$customer$$') . '/name/annotations', { name => 'tags', value => {} }, 201, "SELECT column_name FROM ingest.annotation_status WHERE value = '{}'", 'name' ],
	[ 'DELETE', '/v1/annotations/2', undef, 204, "SELECT ended_at IS NOT NULL FROM ingest.annotation WHERE id = 2", 't' ],)
{
	my ($method, $path, $b, $expected, $query, $is) = @$_;
	my ($s, $h, $answer) = ask('fin operate', $method, $path, $b);
	is($s, $expected, "$method $path") or diag($answer);
	is(sql($query), $is, '... is done');
	is(exists $h->{Location} ? 1 : 0, $s == 201 || $s == 202 ? 1 : 0, '... says where it is');
	is((ask('fin read', 'GET', $h->{Location}))[0], 200, '... which is there') if $h->{Location};
}
sql(q{SET ROLE fin; SELECT ingest.create_sync('shop_ft.slow', 'books.slow', mode => 'full', key => '{id}'); UPDATE shop.nap SET seconds = 10});
is(status('fin operate', 'POST', '/v1/syncs/books.slow/run'), 202, 'a sync that takes long');
until_is("SELECT count(*) FROM ingest.run_status WHERE sync = 'books.slow' AND state = 'running'", '1', 'runs');
my $run = sql("SELECT run FROM ingest.run_status WHERE sync = 'books.slow'");
is(status('fin operate', 'POST', "/v1/runs/$run/cancel"), 202, 'it is cancelled');
until_is("SELECT state FROM ingest.run_status WHERE run = $run", 'cancelled', 'it stops');
is(status('fin operate', 'POST', "/v1/runs/$run/cancel"), 409, 'once');
is(status('fin operate', 'POST', '/v1/jobs/nightly/run'), 202, 'a job that fails');
until_is("SELECT count(*) FROM ingest.dead_letter", '1', 'is given up');
is(status('fin operate', 'POST', '/v1/dead_letters/' . sql('SELECT id FROM ingest.dead_letter') . '/retry'), 202, 'and put back');
until_is("SELECT count(*) FROM ingest.dead_letter", '2', 'fails again');
my $alert = sql("SELECT min(alert) FROM ingest.alert_status WHERE state = 'open'");
is(status('fin operate', 'POST', "/v1/alerts/$alert/acknowledge"), 204, 'an alert is acknowledged');
is(sql("SELECT state FROM ingest.alert_status WHERE alert = $alert"), 'acknowledged', '... is');
is(status('fin operate', 'POST', "/v1/alerts/$alert/silence", { until => '2100-01-01', reason => 'known' }), 204, 'and silenced');
is(sql('SELECT reason FROM ingest.silence'), 'known', '... is');
sql(q{INSERT INTO ingest.anomaly (source, schema_name, table_name, kind, severity, summary) SELECT id, 'books', 'customer', 'volume', 'warning', 'odd' FROM ingest.data_source});
is(status('fin operate', 'POST', '/v1/anomalies/1/resolve'), 204, 'an anomaly is resolved');
($status, $headers, $body) = ask('fin admin', 'POST', '/v1/tokens', { name => 'made' });
is($status, 201, 'a token');
like(decoded($body)->{token}, qr/^pgi_/, 'is shown');
$token{made} = decoded($body)->{token};
is(status('made', 'GET', '/v1/sources'), 200, 'is good for reading');
is(status('made', 'POST', '/v1/sources/shop/pause'), 403, 'and nothing else');
is(status('fin admin', 'GET', $headers->{Location}), 200, 'is listed');
is(status('fin admin', 'DELETE', '/v1/tokens/' . substr($token{made}, 0, 12)), 204, 'ends, by how it begins');
is(status('made', 'GET', '/v1/sources'), 401, '... has');
is(status('fin admin', 'POST', '/v1/resources', { relation => 'shop.customer', name => 'customers' }), 201, 'a table is exposed');
is(status('fin read', 'GET', '/v1/customers'), 200, '... is');

# -- what is refused, and how --

for (
	[ 'fin operate', 'POST', '/v1/sources/nope/crawl', {}, 404, '42704' ], [ 'fin operate', 'POST', '/v1/runs/999/cancel', {}, 404, '42704' ], [ 'granted admin', 'POST', '/v1/sources/shop/crawl', {}, 403, '42501' ],
	[ 'fin operate', 'POST', '/v1/consumers', { consumer => 'mine' }, 409, '42710' ], [ 'fin operate', 'POST', '/v1/consumers', {}, 400, '22023' ], [ 'fin operate', 'POST', '/v1/consumers', { consumer => 'x', nope => 1 }, 400, '22023' ],
	[ 'fin operate', 'POST', '/v1/rules', { relation => 'books.nope', kind => 'unique' }, 400, '42P01' ], [ 'fin operate', 'POST', '/v1/rules', { relation => 'books.customer', kind => 'sql', arguments => { condition => 'true' } }, 400, '0A000' ],
	[ 'fin operate', 'POST', '/v1/consumers/mine/ack', { event => 999999 }, 409, '55000' ], [ 'fin operate', 'POST', '/v1/jobs/slow/run', { run_at => 'never' }, 400, '22007' ], [ 'fin operate', 'POST', '/v1/sinks/x/pause', {}, 404, '3F000' ],
	[ 'fin operate', 'POST', '/v1/runs/x/cancel', {}, 400, '22P02' ], [ 'fin admin', 'POST', '/v1/tokens', { name => 'x', scopes => ['everything'] }, 400, '22023' ], [ 'fin admin', 'POST', '/v1/tokens', { name => 'x', role => 'other' }, 403, '42501' ],
	[ 'other admin', 'DELETE', '/v1/resources/customers', undef, 404, '42704' ], [ 'fin read', 'POST', '/v1/sources/shop/crawl', {}, 403, 'insufficient_scope' ], [ 'fin operate', 'POST', '/v1/tokens', { name => 'x' }, 403, 'insufficient_scope' ])
{
	my ($who, $method, $path, $b, $expected, $code) = @$_;
	my ($s, $h, $answer) = ask($who, $method, $path, $b);
	is("$s " . decoded($answer)->{code}, "$expected $code", "$who: $method $path: " . decoded($answer)->{message});
	unlike($answer, qr/SELECT (?!ingest\.add_rule)|ingest\.\w+_status/, 'what to do is said to who speaks HTTP');
}
is((ask('fin read', 'POST', '/v1/syncs/books.customer/run'))[1]{'WWW-Authenticate'}, 'Bearer realm="pg_ingest", error="insufficient_scope", scope="operate"', 'which scope is missing');
is((ask('fin operate', 'PUT', '/v1/consumers'))[1]{Allow}, 'GET, HEAD, POST', 'what is allowed');
is(status('fin operate', 'POST', '/v1/sources/shop/pause', '{}', { 'content-type' => 'text/plain' }), 415, 'what a form of a page can send is not taken');
is(status('fin operate', 'POST', '/v1/sources/shop/pause', undef, { 'content-type' => undef }), 415, 'nor nothing');

# -- once --

sql(q{CREATE TABLE public.counted (n serial, what text); GRANT ALL ON public.counted TO fin; GRANT ALL ON SEQUENCE public.counted_n_seq TO fin;
	CREATE FUNCTION ingest_api.count_it(what text, seconds float8 DEFAULT 0, fails boolean DEFAULT false) RETURNS integer LANGUAGE plpgsql AS $$
	DECLARE got integer; BEGIN
		INSERT INTO public.counted (what) VALUES (what) RETURNING n INTO got;
		PERFORM pg_sleep(seconds);
		IF fails THEN RAISE EXCEPTION 'it fails'; END IF;
		RETURN got;
	END $$;
	INSERT INTO ingest_api_internal.route (method, path, function, description) VALUES ('POST', 'counting/{what}', 'count_it', 'of the test')});
sub counted { return sql("SELECT count(*) FROM public.counted WHERE what = '$_[0]'"); }
my @first = ask('fin operate', 'POST', '/v1/counting/a', {}, { 'idempotency-key' => 'k1' });
is($first[0], 200, 'with a key');
is_deeply([ ask('fin operate', 'POST', '/v1/counting/a', {}, { 'idempotency-key' => 'k1' }) ], \@first, 'again: the very same answer');
is(counted('a'), 1, 'and it was done once');
is(status('fin operate', 'POST', '/v1/counting/b', {}, { 'idempotency-key' => 'k1' }), 422, 'another request under the key');
is(status('fin operate', 'POST', '/v1/counting/a', { seconds => 0 }, { 'idempotency-key' => 'k1' }), 422, 'or another body');
is(status('fin admin', 'POST', '/v1/counting/a', {}, { 'idempotency-key' => 'k1' }), 200, 'the key of another token is another one');
is(counted('a'), 2, '... for which it is done');
is(status('fin operate', 'POST', '/v1/counting/c', { fails => JSON::PP::true }, { 'idempotency-key' => 'k2' }), 400, 'what failed');
is(counted('c'), 0, 'was not done');
is(status('fin operate', 'POST', '/v1/counting/c', {}, { 'idempotency-key' => 'k2' }), 200, 'and is not remembered as done');
is(status('fin operate', 'POST', '/v1/counting/d', {}, { 'idempotency-key' => $_ }), 400, 'a key that is none: ' . length) for '', 'x' x 256, "a\tb";
is(counted('d'), 0, 'does nothing');
my @both = map { IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr($p), '-c', 'SET SESSION AUTHORIZATION ingest_authenticator', '-c', 'SELECT status, body FROM ' . call($token{'fin operate'}, 'POST', '/v1/counting/e', { seconds => 1 }, { 'idempotency-key' => 'k3' }) . ' s' ], '<', '/dev/null', '>', \my $out, '2>&1'); } 1 .. 4;
$_->finish for @both;
is(counted('e'), 1, 'four at the same moment: it is done once');
my ($out, $err);
# killed while it is at work: nothing was done, and the key is free; killed after: it was done, and the answer is there
my $working = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr($p), '-c', 'SET SESSION AUTHORIZATION ingest_authenticator', '-c', 'SELECT status, body FROM ' . call($token{'fin operate'}, 'POST', '/v1/counting/f', { seconds => 60 }, { 'idempotency-key' => 'k4' }) . ' s' ], '<', '/dev/null', '>', \$out, '2>', \$err);
until_is("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%ingest_api.serve(%' AND wait_event = 'PgSleep'", '1', 'somebody is at work');
kill_backend($node, sql("SELECT pid FROM pg_stat_activity WHERE query LIKE '%ingest_api.serve(%' AND wait_event = 'PgSleep'"));
$working->finish;
is(counted('f'), 0, 'a backend is killed: nothing was done');
is((ask('fin operate', 'POST', '/v1/counting/f', { seconds => 0 }, { 'idempotency-key' => 'k4' }))[0], 200, 'and under the key it is done');
is_deeply([ ask('fin operate', 'POST', '/v1/counting/a', {}, { 'idempotency-key' => 'k1' }) ], \@first, 'what was answered before the crash is answered after it');
# a day
sql("UPDATE ingest_api_internal.answered SET at = now() - interval '25 hours' WHERE key = 'k1'");
is(status('fin operate', 'POST', '/v1/counting/g', {}, { 'idempotency-key' => 'k1' }), 200, 'after a day a key is good again');
sql("UPDATE ingest_api_internal.answered SET at = now() - interval '25 hours'; INSERT INTO ingest_api_internal.asked (who, n, at) VALUES ('x', 1, now() - interval '1 day')");
sql('SELECT ingest_api_internal.prune()');
is(sql('SELECT (SELECT count(*) FROM ingest_api_internal.answered) + (SELECT count(*) FROM ingest_api_internal.asked WHERE at < now() - interval $$1 hour$$)'), 0, 'and what is old is deleted');
# what is shown once is not kept
my @shown = ask('fin admin', 'POST', '/v1/tokens', { name => 'once' }, { 'idempotency-key' => 't1' });
is($shown[0], 201, 'a token under a key');
my $secret = decoded($shown[2])->{token};
is(status('fin admin', 'POST', '/v1/tokens', { name => 'once' }, { 'idempotency-key' => 't1' }), 409, 'is not shown again');
is(sql("SELECT count(*) FROM ingest_api_internal.answered a WHERE a::text LIKE '%" . substr($secret, 13) . "%'"), 0, 'since it is not kept');

# -- rates --

sub several
{
	my ($n, $path) = @_;
	my $call = call($token{'fin read'}, 'GET', $path // '/v1/sources');
	my (undef, $lines) = $node->psql($p, "SET SESSION AUTHORIZATION ingest_authenticator;" . "SELECT status || ' ' || coalesce(headers->>'Retry-After', '') FROM $call s;" x $n);
	return split /\n/, $lines;
}
sql('ALTER DATABASE postgres SET ingest_api.requests_per_minute = 5; DELETE FROM ingest_api_internal.asked');
my @answers = several(7);
is(join(',', map { (split / /)[0] } @answers), '200,200,200,200,200,429,429', 'more than may be asked in a minute');
like($answers[6], qr/^429 ([1-9]|[1-5]\d|60|61)$/, 'and when again');
my $other = 'SELECT status FROM ' . call($token{'other read'}, 'GET', '/v1') . ' s;';
$node->psql($p, 'SET SESSION AUTHORIZATION ingest_authenticator;' . ($other x 3) . 'SELECT pg_sleep(1.1);' . $other);
my (undef, $others) = $node->psql($p, 'SET SESSION AUTHORIZATION ingest_authenticator;' . $other x 3);
like($others, qr/429$/, 'sessions know of each other, a second later');
is(status('granted read', 'GET', '/v1'), 200, 'another token is not concerned');
sql('ALTER DATABASE postgres SET ingest_api.requests_per_minute = 0');
is(join(',', map { (split / /)[0] } several(7)), '200,200,200,200,200,200,200', 'as often as one likes');

# -- what is written down --

is(sql("SELECT function || ' ' || object || ' ' || (after->>'address') || ' ' || (after->>'token') || ' ' || (after->>'request') || ' ' || (after->>'status') FROM ingest.audit WHERE role = 'fin' AND object = 'POST /v1/sources/shop/crawl' AND after->>'status' = '202'"),
	'http POST /v1/sources/shop/crawl 192.0.2.7 ' . substr($token{'fin operate'}, 0, 12) . ' 4711 202', 'who did what from where, with which token');
is(sql("SELECT count(*) > 0 FROM ingest.audit WHERE role = 'granted' AND function = 'http' AND after->>'status' = '403'"), 't', 'what was refused, too');
is(sql("SELECT count(*) FROM ingest.audit WHERE object LIKE 'GET%'"), 0, 'reading is not');
like(says("SET ROLE $_; UPDATE ingest.audit SET object = 'x'"), qr/permission denied/, "$_ changes nothing there") for qw(fin boss ingest_api_engine);
like(says("SET ROLE $_; DELETE FROM ingest.audit"), qr/permission denied/, "$_ deletes nothing there") for qw(fin boss ingest_api_engine);
is(sql("SELECT count(*) FROM ingest.audit a WHERE a::text LIKE '%" . substr($secret, 13) . "%'"), 0, 'no token is');

# -- sinks, where ingest_delivery is --

sql(q{CREATE EXTENSION ingest_delivery; SET ROLE fin; CREATE USER MAPPING FOR fin SERVER ingest_secrets OPTIONS (mine 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
	SELECT ingest_delivery.create_sink('hook', 'webhook', '{"url": "https://hooks.example.invalid/", "secret": "mapping:ingest_secrets/mine"}')});
for ([ 'pause', {}, 204, 'paused' ], [ 'resume', {}, 204, 'active' ], [ 'redrive', {}, 200 ], [ 'replay', { since => '2020-01-01', which => 'dead' }, 200 ], [ 'skip', { subject => 'a' }, 200 ], [ 'pause', {}, 204, 'paused' ])
{
	my ($action, $b, $expected, $state) = @$_;
	is(status('fin operate', 'POST', "/v1/sinks/hook/$action", $b), $expected, "sinks: $action");
	is(sql('SELECT state FROM ingest_delivery.sink'), $state, '... is done') if $state;
}
is(decoded((ask('fin read', 'GET', '/v1/sinks/hook'))[2])->{state}, 'paused', 'a sink is a resource');
is((ask('granted read', 'GET', '/v1/sinks'))[2], '[]', 'of its own');
is(status('fin operate', 'GET', '/v1/deliveries?order=at.desc'), 200, 'deliveries');
is(status('other operate', 'POST', '/v1/sinks/hook/resume'), 404, 'nobody else does anything with it');

# -- every route as every role: by HTTP no more than by SQL, and as much --

my %given = (
	source => 'shop', sync => 'books.customer', run => $run, job => 'nightly', dead_letter => 1, alert => $alert, pattern => '*/nothing of that kind', anomaly => 1, consumer => 'mine', rule => 1, relation => 'books.customer', kind => 'not_null', columns => ['name'],
	table_id => sql('SELECT id FROM ingest.source_table WHERE name = $$customer$$'), column_name => 'name', annotation => 1, name => 'only of fin', sink => 'hook', subject => 'a', since => '2020-01-01', value => { a => 1 }, until => '2100-01-01', event => 1, object => 'books.customer', scopes => ['read'], 'unexpose.name' => 'customers',
	'subscribe.consumer' => 'another', 'expose_relation.relation' => 'shop.customer', what => 'matrix', id => sql('SELECT id FROM ingest.source_table WHERE name = $$customer$$'), 'failing_rows.id' => 1, key => 1, q => 'customer', of => 'runs');
# of a function that is new here: something of its type
my %of_type = (text => 'books.customer', name => 'name', integer => 1, bigint => 1, 'timestamp with time zone' => '2100-01-01', jsonb => {}, regclass => 'books.customer', 'text[]' => ['a'], interval => '1 day', boolean => JSON::PP::true);
sub as_sql { my ($v, $type) = @_; return quoted(ref $v eq 'ARRAY' && $type =~ /\[\]/ ? '{' . join(',', @$v) . '}' : ref $v || JSON::PP::is_bool($v) ? JSON::PP->new->allow_nonref->encode($v) : $v) . "::$type"; }
my @routes = map { [ split /\|/, $_, -1 ] } split /\n/, sql(q{SELECT r.method, r.path, r.function, coalesce(r.scope, CASE r.method WHEN 'GET' THEN 'read' ELSE 'operate' END),
	(SELECT string_agg(a.name || ':' || format_type(a.type, NULL), ';' ORDER BY a.n) FROM ingest_api_internal.arguments(p.oid) a WHERE a.given AND (a.needed OR r.path LIKE '%{' || a.name || '}%'))
	FROM ingest_api_internal.route r JOIN pg_proc p ON p.pronamespace = 'ingest_api'::regnamespace AND p.proname = r.function ORDER BY 2, 1});
cmp_ok(scalar @routes, '>', 30, scalar(@routes) . ' routes');
sub request_of
{
	my ($route) = @_;
	my ($method, $path, $function, undef, $arguments) = @$route;
	my (%rest, @sql);
	for (split /;/, $arguments)
	{
		my ($name, $type) = split /:/, $_, 2;
		my $value = $given{"$function.$name"} // $given{$name} // $of_type{$type} // die "what $name of $function is, a $type, must be said here";
		push @sql, "$name => " . as_sql($value, $type);
		my $text = $value =~ s/([^A-Za-z0-9_.])/sprintf('%%%02X', ord $1)/ger;
		$path =~ s/\{$name\}/$text/ or $rest{$name} = $value;
	}
	$path .= '?' . join('&', map { "$_=" . ($rest{$_} =~ s/([^A-Za-z0-9_.])/sprintf('%%%02X', ord $1)/ger) } sort keys %rest) if %rest && $method =~ /GET|DELETE/;
	return ("/v1/$path", $method =~ /GET|DELETE/ ? undef : \%rest, "ingest_api.$function(" . join(', ', @sql) . ')');
}
# answers(role, token): status of each route, and whether the same is done by SQL; all of it is taken back
sub lines_of { my ($statements) = @_; my (undef, $lines) = $node->psql($p, $statements, on_error_stop => 0); return split /\n/, $lines; }
for my $role (qw(fin granted other nothing boss))
{
	my (@wrong, $by_http, $by_sql);
	my %barred = map { $_ => 1 } split /\n/, sql("SELECT proname FROM pg_proc WHERE pronamespace = 'ingest_api'::regnamespace AND NOT has_function_privilege('$role', oid, 'EXECUTE')");
	$by_http .= "BEGIN; SELECT 'is ' || status || ' ' || (body LIKE '%canary%') FROM " . call($token{"$role admin"}, $_->[0], (request_of($_))[0, 1]) . " s; ROLLBACK;\n" for @routes;
	$by_sql .= 'BEGIN; SET LOCAL ROLE ' . $role . '; SELECT count(*) FROM ' . (request_of($_))[2] . ";\n\\echo is :SQLSTATE\nROLLBACK;\n" for @routes;
	my @http = grep { /^is/ } lines_of("SET SESSION AUTHORIZATION ingest_authenticator;\n$by_http");
	my @sql = grep { /^is/ } lines_of($by_sql);
	is(scalar @http, scalar @routes, "$role: an answer of each route");
	for my $i (0 .. $#routes)
	{
		my ($method, $path, $function) = @{ $routes[$i] };
		my ($s, $canary) = ($http[$i] // '') =~ /^is (\d+) ?(\S*)/ or do { push @wrong, "$path: no answer"; next; };
		my ($state) = $sql[$i] =~ /^is (\w+)/;
		push @wrong, "$method $path: $s by HTTP, $state by SQL" if ($s < 400) != ($state eq '00000');
		push @wrong, "$method $path: $s though it may not be called" if $barred{$function} && $s != 403;
		# all that the addresses name is fin's
		push @wrong, "$method $path: $s as $role" if $role =~ /granted|other|nothing/ && $method ne 'GET' && $path =~ /\{/ && $function ne 'count_it' && $s !~ /^40[34]$/;
		push @wrong, "$method $path: something of fin's is shown to $role" if $role =~ /other|nothing/ && ($canary // '') eq 'true';
	}
	is(join("\n", @wrong), '', "$role: by HTTP as by SQL, and nothing of somebody else's");
}
for my $who ('revoked', 'expired')
{
	my $all = join '', map { "SELECT 'is ' || status FROM " . call($token{$who}, $_->[0], (request_of($_))[0, 1]) . " s;\n" } @routes;
	is(join(',', sort { $a cmp $b } grep { !/401/ } lines_of("SET SESSION AUTHORIZATION ingest_authenticator;\n$all")), '', "a token that is $who: nothing");
}
for my $scope (qw(read operate))
{
	my %width = (read => 1, operate => 2, admin => 3);
	my $all = join '', map { "BEGIN; SELECT 'is ' || (body LIKE '%insufficient_scope%') FROM " . call($token{"fin $scope"}, $_->[0], (request_of($_))[0, 1]) . " s; ROLLBACK;\n" } @routes;
	my @is = grep { /^is/ } lines_of("SET SESSION AUTHORIZATION ingest_authenticator;\n$all");
	is(join(' ', map { $is[$_] eq ($width{ $routes[$_][3] } > $width{$scope} ? 'is true' : 'is false') ? () : $routes[$_][1] } 0 .. $#routes), '', "a token of scope $scope: what it is for");
}

# -- through the gateway --

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $folder = PostgreSQL::Test::Utils::tempdir('actions');
my $gateway;
sub curl { my (@arguments) = @_; my ($text, $e); IPC::Run::run([ 'curl', '-s', '-i', '--max-time', '60', @arguments ], '<', '/dev/null', '>', \$text, '2>', \$e); return $text // ''; }
sub start_gateway
{
	$gateway = IPC::Run::start([ $node->config_data('--bindir') . '/pg_ingest_gateway', '--listen', "127.0.0.1:$port", '--timeout', '3', '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=ingest_authenticator" ], '<', '/dev/null', '>', '/dev/null', '2>>', "$folder/log");
	my $end = time() + $PostgreSQL::Test::Utils::timeout_default;
	sleep(0.1) until curl("http://127.0.0.1:$port/readyz") =~ / 200 / || time() > $end;
	return;
}
sub post { my ($who, $path, $b, @more) = @_; return curl('-X', 'POST', '-H', "Authorization: Bearer $token{$who}", '-H', 'Content-Type: application/json', '-d', $b, @more, "http://127.0.0.1:$port$path"); }
start_gateway();
like(post('fin operate', '/v1/sources/shop/pause', '{}'), qr{^HTTP/1.1 204 }, 'an action');
like(post('fin operate', '/v1/sources/shop/resume', '{}'), qr{^HTTP/1.1 204 }, 'another one');
like(curl('-X', 'DELETE', '-H', "Authorization: Bearer $token{'fin operate'}", "http://127.0.0.1:$port/v1/silences/nope"), qr{^HTTP/1.1 404 }, 'DELETE comes through');
# serialization failures: three tries
sql(q{CREATE SEQUENCE public.tries; GRANT USAGE ON SEQUENCE public.tries TO fin;
	CREATE FUNCTION ingest_api.try_it(good_at integer) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint := nextval('public.tries'); BEGIN IF n < good_at THEN RAISE EXCEPTION 'once more' USING ERRCODE = 'serialization_failure'; END IF; RETURN n; END $$;
	INSERT INTO ingest_api_internal.route (method, path, function, description) VALUES ('POST', 'trying', 'try_it', 'of the test')});
like(post('fin operate', '/v1/trying', '{"good_at": 3}'), qr{^HTTP/1.1 200 .*\r\n\r\n3$}s, 'what can be tried again is, twice');
my $busy = post('fin operate', '/v1/trying', '{"good_at": 1000}');
like($busy, qr{^HTTP/1.1 503 }, 'after three tries it is not');
like($busy, qr{Retry-After: \d+}, 'and may be asked later');
is(sql('SELECT last_value FROM public.tries'), 6, 'three tries');
like(post('fin operate', '/v1/counting/h', '{"seconds": 20}'), qr{^HTTP/1.1 504 }, 'what takes too long');
is(counted('h'), 0, 'is not done');
open my $large, '>', "$folder/large" or die $!;
print $large '{"x": "' . 'x' x 1_100_000 . '"}';
close $large;
like(post('fin operate', '/v1/counting/h', "\@$folder/large", '-H', 'Expect:'), qr{^HTTP/1.1 413 }, 'what is too large');
# the gateway is killed amid an action; the client asks the next one again, with its key
my $client = IPC::Run::start([ 'curl', '-s', '-X', 'POST', '-H', "Authorization: Bearer $token{'fin operate'}", '-H', 'Content-Type: application/json', '-H', 'Idempotency-Key: g1', '-d', '{"seconds": 1}', "http://127.0.0.1:$port/v1/counting/i" ], '>', \$out, '2>', \$err);
until_is("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%ingest_api.serve(%' AND wait_event = 'PgSleep'", '1', 'it is at work');
kill 'KILL', $gateway->{KIDS}[0]{PID};
$gateway->finish;
$client->finish;
start_gateway();
my $again = post('fin operate', '/v1/counting/i', '{"seconds": 1}', '-H', 'Idempotency-Key: g1');
like($again, qr{^HTTP/1.1 200 }, 'the gateway is killed: asked again it is done, or was');
is(counted('i'), 1, 'once');
is((post('fin operate', '/v1/counting/i', '{"seconds": 1}', '-H', 'Idempotency-Key: g1') =~ /\r\n\r\n(.*)/s)[0], ($again =~ /\r\n\r\n(.*)/s)[0], 'and answered the same');
sql(q{DELETE FROM ingest_api_internal.route WHERE function IN ('count_it', 'try_it')});

# -- the document, and a client made from it --

my $document = decoded((ask('fin admin', 'GET', '/openapi.json'))[2]);
my %described = map { my $at = $_; map { ("$_ " . ($at =~ s/\{\w+\}/{}/gr) => 1) } keys %{ $document->{paths}{$at} } } keys %{ $document->{paths} };
is(join(' ', grep { !$described{$_} } map { lc($_->[0]) . " /v1/" . ($_->[1] =~ s/\{\w+\}/{}/gr) } grep { $_->[2] !~ /^(count|try)_it$/ } @routes), '', 'every route is described');
my $granted = decoded((ask('granted read', 'GET', '/openapi.json'))[2])->{paths};
is(join(' ', grep { !/^get / } map { my $at = $_; map { "$_ $at" } keys %{ $granted->{$at} } } grep { !m{tokens|^/graphql$|^/v1/session$|^/v1/rpc/} } keys %$granted), '', 'to who may');
SKIP:
{
	skip 'the clients come by npm', 3 unless $ENV{NODE_PATH};
	append_to_file("$folder/openapi.json", JSON::PP->new->ascii->encode($document));
	local $ENV{REDOCLY_TELEMETRY} = 'off';
	my $said;
	my $good = IPC::Run::run([ 'node', "$ENV{NODE_PATH}/\@redocly/cli/bin/cli.js", 'lint', "$folder/openapi.json" ], '>', \$said, '2>&1');
	ok($good && $said !~ /You have \d+ warning/, 'OpenAPI: nothing to complain about') or diag($said);
	my $typed = "$folder/typed";
	mkdir $typed;
	symlink $ENV{NODE_PATH}, "$typed/node_modules";
	append_to_file("$typed/package.json", '{"type": "module"}');
	IPC::Run::run([ 'cp', 'api/actions.ts', $typed ]);
	$good = IPC::Run::run([ 'node', "$ENV{NODE_PATH}/openapi-typescript/bin/cli.js", "$folder/openapi.json", '-o', "$typed/schema.ts" ], '>', \$said, '2>&1')
		&& IPC::Run::run([ 'node', "$ENV{NODE_PATH}/typescript/bin/tsc", '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--moduleResolution', 'nodenext', "$typed/actions.ts" ], '>>', \$said, '2>&1');
	ok($good, 'a client is made from it and compiles') or diag($said);
	$good = IPC::Run::run([ 'node', "$typed/actions.js", "http://127.0.0.1:$port", $token{'fin admin'} ], '>', \$said, '2>', \$err);
	ok($good && $said eq "done\n", 'and does things') or diag($said, $err);
}
$gateway->signal('TERM');
$gateway->finish;
done_testing();
