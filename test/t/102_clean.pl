# What functions behind views and actions leave in a session is not there for whoever comes next; standbys; names that are taken
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
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "max_connections = 100\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
my $self = 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=postgres";

sql(qq{
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_api;
	CREATE EXTENSION dblink; CREATE EXTENSION citext; CREATE EXTENSION pgcrypto;
	CREATE ROLE thief LOGIN; CREATE ROLE victim LOGIN;
	GRANT ingest_operator, ingest_consumer TO thief, victim; GRANT thief, victim TO ingest_authenticator;
	CREATE SCHEMA trap; GRANT USAGE ON SCHEMA trap TO PUBLIC;
	CREATE FUNCTION trap.try(sql text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS \$\$
	BEGIN EXECUTE sql; RETURN 'done'; EXCEPTION WHEN OTHERS THEN RETURN sqlerrm; END \$\$;
	CREATE FUNCTION trap.named() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS \$\$ BEGIN PERFORM public.dblink_connect('held', '$self'); RETURN 'done'; END \$\$;
	CREATE FUNCTION trap.unnamed() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS \$\$ BEGIN PERFORM public.dblink_connect('$self'); RETURN 'done'; END \$\$;
	CREATE FUNCTION trap.dynamic() RETURNS text LANGUAGE plpgsql SECURITY DEFINER STABLE AS \$\$ DECLARE t text; BEGIN EXECUTE 'SELECT public.dblink_con' || 'nect(''held'', ''$self'')' INTO t; RETURN t; END \$\$;
	CREATE FUNCTION trap.as_owner(text, text) RETURNS text LANGUAGE c SECURITY DEFINER STRICT AS '\$libdir/dblink', 'dblink_connect';
	CREATE FUNCTION trap.and_fails() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS \$\$ BEGIN PERFORM public.dblink_connect('held', '$self'); PERFORM pg_sleep(30); RETURN ''; END \$\$;
	CREATE FUNCTION trap.and_errs() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS \$\$ BEGIN PERFORM public.dblink_connect('held', '$self'); RAISE EXCEPTION 'no'; END \$\$;
	CREATE VIEW trap.named_v AS SELECT pg_backend_pid() AS pid, trap.named() AS what;
	CREATE VIEW trap.unnamed_v AS SELECT pg_backend_pid() AS pid, trap.unnamed() AS what;
	CREATE VIEW trap.dynamic_v AS SELECT pg_backend_pid() AS pid, trap.dynamic() AS what;
	CREATE VIEW trap.as_owner_v AS SELECT pg_backend_pid() AS pid, trap.as_owner('held', '$self') AS what;
	CREATE VIEW trap.and_fails_v AS SELECT pg_backend_pid() AS pid, trap.and_fails() AS what;
	CREATE VIEW trap.and_errs_v AS SELECT pg_backend_pid() AS pid, trap.and_errs() AS what;
	CREATE VIEW trap.harmless_v AS SELECT pg_backend_pid() AS pid, 'Abc'::public.citext = 'aBC' AS same, pg_catalog.encode(public.digest('x', 'sha256'), 'hex') AS hash;
	CREATE VIEW trap.pid_v AS SELECT pg_backend_pid() AS pid;
	CREATE TABLE trap.kind (name text PRIMARY KEY, sql text);
	INSERT INTO trap.kind VALUES ('temp', 'CREATE TEMP TABLE left_behind AS SELECT 1'), ('prepared', 'PREPARE left_behind AS SELECT 1'), ('cursor', 'DECLARE left_behind CURSOR WITH HOLD FOR SELECT 1'),
		('lock', 'SELECT pg_advisory_lock_shared(4711)'), ('setting', 'SELECT set_config(''my.left_behind'', ''1'', false)'), ('timeout', 'SET statement_timeout = 0'), ('path', 'SET search_path = trap'), ('listen', 'LISTEN left_behind'),
		('role', 'SET SESSION AUTHORIZATION postgres'), ('discard', 'DEALLOCATE ALL');
	CREATE VIEW trap.kind_v AS SELECT name, trap.try(sql) AS what FROM trap.kind;
	CREATE VIEW trap.left_v AS SELECT pg_backend_pid() AS pid,
		(SELECT count(*) FROM pg_class WHERE relname = 'left_behind') AS temp, (SELECT count(*) FROM pg_prepared_statements WHERE name = 'left_behind') AS prepared, (SELECT count(*) FROM pg_cursors WHERE name = 'left_behind') AS cursor,
		(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711) AS lock, coalesce(nullif(current_setting('my.left_behind', true), ''), '0') AS setting, (current_setting('statement_timeout') = '0')::int AS timeout,
		(current_setting('search_path') ~ 'trap')::int AS path, (SELECT count(*) FROM pg_listening_channels()) AS listen;
	GRANT SELECT ON ALL TABLES IN SCHEMA trap TO thief, victim;
	SELECT ingest_api.expose(format('trap.%I', relname)::regclass, relname) FROM pg_class WHERE relnamespace = 'trap'::regnamespace AND relkind = 'v';
});
my %token = map { $_ => sql("SET SESSION AUTHORIZATION $_; SELECT ingest_api.create_token('t', scopes => '{operate}')") } qw(thief victim);

my $program = $node->config_data('--bindir') . '/pg_ingest_gateway';
my $folder = PostgreSQL::Test::Utils::tempdir('clean');
sub start_gateway
{
	my ($to, @options) = @_;
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my %g = (url => "http://127.0.0.1:$port");
	$g{run} = IPC::Run::start([ $program, '--listen', "127.0.0.1:$port", '--pool', '1', '--dsn', 'host=' . $to->host . ' port=' . $to->port . " dbname=$p user=ingest_authenticator", @options ], '<', '/dev/null', '>', '/dev/null', '2>>', "$folder/log");
	my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
	until (`curl -s $g{url}/readyz` eq "ok\n") { die 'the gateway did not start: ' . slurp_file("$folder/log") if time() > $until || !$g{run}->pumpable; sleep(0.05); }
	return \%g;
}
# the one session of requests is the same for everybody
my $gateway = start_gateway($node, '--timeout', '3');
sub asked
{
	my ($to, $who, $path, @more) = @_;
	my $out = '';
	IPC::Run::run([ 'curl', '-s', '--max-time', '30', '-w', "\n%{http_code}", '-H', "Authorization: Bearer $token{$who}", @more, "$to->{url}$path" ], '<', '/dev/null', '>', \$out, '2>', '/dev/null');
	my ($body, $status) = $out =~ /^(.*)\n(\d+)$/s;
	return ($status, $body);
}
sub row { my ($status, $body) = asked($gateway, @_); return $status == 200 ? decode_json($body)->[0] : { status => $status, body => $body }; }
sub connections { return sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename = 'postgres' AND pid <> pg_backend_pid()}); }
# the last number that was seen: the session that asked may still be about to end when the next one counts
sub connections_left
{
	my $until = time() + 20;
	my $n;
	sleep(0.2) while ($n = connections()) > 0 && time() < $until;
	return $n;
}

# -- what PostgreSQL keeps of a session --

for my $kind (qw(temp prepared cursor lock setting timeout path listen role discard))
{
	my $did = row('thief', "/v1/kind_v?name=eq.$kind");
	my $left = row('victim', '/v1/left_v');
	ok(defined $left->{pid}, "after $kind (" . ($did->{what} // $did->{body}) . ') the next one is answered');
	is_deeply({ map { $_ => $left->{$_} } grep { $_ ne 'pid' && $left->{$_} ne '0' } keys %$left }, {}, 'and finds nothing');
}

# -- what libraries keep --

is(row('victim', '/v1/pid_v')->{pid}, row('thief', '/v1/pid_v')->{pid}, 'a session serves everybody in turn');
my $pid = row('thief', '/v1/harmless_v')->{pid};
is(row('victim', '/v1/pid_v')->{pid}, $pid, 'also where libraries compute');
for my $way (qw(named unnamed dynamic as_owner))
{
	my $opened = row('thief', "/v1/${way}_v");
	ok(defined $opened->{pid} && $opened->{what} =~ /^(done|OK)$/, "a connection is opened: $way") or diag explain $opened;
	my $next = row('victim', '/v1/pid_v');
	ok(defined $next->{pid} && $next->{pid} != $opened->{pid}, 'and the session is for nobody else');
}
is((asked($gateway, 'thief', '/v1/and_errs_v'))[0], 400, 'one that fails is told so');
$pid = row('victim', '/v1/pid_v')->{pid};
ok(defined $pid, 'and the next one is answered');
is((asked($gateway, 'thief', '/v1/and_fails_v'))[0], 504, 'one that takes too long, too');
my $next = row('victim', '/v1/pid_v')->{pid};
ok(defined $next && $next != $pid, 'and its session is gone');
is(connections_left(), 0, 'so no connection is left');
my $unread = IPC::Run::start([ 'curl', '-s', '-H', "Authorization: Bearer $token{thief}", "$gateway->{url}/v1/and_fails_v" ], '<', '/dev/null', '>', \my $nothing);
my $until = time() + 20;
sleep(0.1) until connections() > 0 || time() > $until;
$unread->kill_kill;
is(connections_left(), 0, 'nor of one who left');
ok(defined row('victim', '/v1/pid_v')->{pid}, 'and the next one is answered');

# who does not heed it is put out
my ($code, $out, $err) = $node->psql($p, 'SET SESSION AUTHORIZATION ingest_authenticator; SELECT headers->>\'X-Session\' FROM ' . serve_call($token{thief}, 'GET', '/v1/named_v') . ";\nSELECT status FROM " . serve_call($token{victim}, 'GET', '/v1/pid_v'));
is($out, 'over', 'the database says so');
like($err, qr/FATAL:  something that a function left behind is in this session/, 'and serves nobody there');

# -- names that are taken --

for my $name (qw(session lineage search series rpc quality))
{
	($code, $out, $err) = $node->psql($p, "CREATE TABLE trap.t_$name (id int); SELECT ingest_api.expose('trap.t_$name', '$name')");
	like($err, qr{/v1/$name is already something else.*expose\('trap.t_$name', name}s, "nothing is exposed as $name");
}
is(sql("SELECT ingest_api.expose('trap.t_session', 'sessions')"), 'sessions', 'beside them it may');

# -- what OPTIONS says --

sub allowed { my ($path, $method) = @_; my $head = `curl -s -i --request-target '$path' -X OPTIONS -H 'Authorization: Bearer $token{thief}' $gateway->{url}/`; return $head =~ /^HTTP\S+ 204 .*^Allow: ([^\r\n]*)/ms ? $1 : $head; }
is(allowed('*'), 'GET, HEAD, POST, PUT, DELETE, OPTIONS', 'anywhere');
is(allowed('/v1/tokens/x'), 'GET, HEAD, DELETE, OPTIONS', 'a token');
is(allowed('/v1/tokens'), 'GET, HEAD, POST, OPTIONS', 'tokens');
is(allowed('/v1/session'), 'GET, HEAD, POST, DELETE, OPTIONS', 'a session');
is(allowed('/v1/syncs'), 'GET, HEAD, OPTIONS', 'syncs');
is(allowed('/v1/syncs/x/run'), 'POST, OPTIONS', 'what is done');
is(allowed('/v1/lineage'), 'GET, HEAD, OPTIONS', 'what is computed');

# -- a hot standby --

my $secret = sql(q{SET SESSION AUTHORIZATION thief; SELECT ingest_api.login_link(60)}) =~ s/.*#//r;
sub posted { my ($to, $body, @more) = @_; my $out = ''; IPC::Run::run([ 'curl', '-s', '-i', '-H', 'Content-Type: application/json', '-d', $body, @more, "$to->{url}/v1/session" ], '<', '/dev/null', '>', \$out); return $out; }
my $session = posted($gateway, encode_json({ token => $token{victim} }));
my ($name, $cookie) = $session =~ /^Set-Cookie: ([^=]+)=([0-9a-f]{64})/m;
my ($csrf) = $session =~ /"csrf":"(\w+)"/;
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
my $there = start_gateway($standby);
my $at = "pg_ingest_" . ($there->{url} =~ s/.*://r) . "=$cookie";
is((asked($there, 'victim', $_))[0], 200, "a standby answers $_") for '/v1', '/v1/syncs', '/v1/pid_v', '/openapi.json', '/v1/lineage?object=x', '/metrics', '/v1/session', '/v1/tokens';
is((asked($there, 'victim', '/graphql', '-H', 'Content-Type: application/json', '-d', '{"query": "{ __typename }"}'))[0], 200, 'and GraphQL');
is(decode_json((asked($there, 'victim', '/v1/session'))[1])->{standby}, JSON::PP::true, 'and says what it is');
for my $what ([ 'POST', '/v1/sources/x/crawl' ], [ 'POST', '/v1/syncs/x/run' ], [ 'POST', '/v1/quality' ], [ 'DELETE', '/v1/rules/7' ])
{
	my ($status, $body) = asked($there, 'victim', $what->[1], '-X', $what->[0], $what->[0] eq 'POST' ? ('-H', 'Content-Type: application/json', '-d', '{"relation": "x"}') : ());
	is($status, 503, "it does nothing: $what->[0] $what->[1]");
	like($body, qr/this server is a standby.*Its primary/s, 'which it says');
}
is((asked($there, 'victim', '/v1/events?after=0'))[0], 409, 'events are read where they are written');
for my $body (encode_json({ link => $secret }), encode_json({ token => $token{victim} }))
{
	my $said = posted($there, $body);
	like($said, qr/^HTTP\S+ 503 .*this server is a standby, where nobody can log in/s, 'nobody logs in there');
	unlike($said, qr/Set-Cookie/, 'nor is given a cookie');
}
like(posted($there, encode_json({ link => 'pgl_no' })), qr/^HTTP\S+ 401 /, 'nor is what is wrong told otherwise');
is(`curl -s -o /dev/null -w '%{http_code}' -H 'Cookie: $at' $there->{url}/v1/syncs`, '200', 'who logged in at the primary is known there');
is(`curl -s -o /dev/null -w '%{http_code}' -X DELETE -H 'X-CSRF-Token: $csrf' -H 'Cookie: $at' $there->{url}/v1/session`, '503', 'but logs out at the primary');
($code, $out, $err) = $standby->psql($p, 'SET SESSION AUTHORIZATION thief; SELECT ingest_api.login_link()');
like($err, qr/a standby makes no links.*Its primary does/s, 'and has no links made');
like(posted($gateway, encode_json({ link => $secret })), qr/^HTTP\S+ 201 /, 'the link is still good at the primary');

for my $g ($gateway, $there) { $g->{run}->signal('TERM'); $g->{run}->finish; }
done_testing();
