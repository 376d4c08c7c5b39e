# Actions, GraphQL, streams, metrics and series together: who may what, odd input everywhere, the same rows by each way
use strict;
use warnings;
use Api;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'America/New_York'\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }

sql(q{
	CREATE EXTENSION postgres_fdw;
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN SUPERUSER; CREATE ROLE reader LOGIN; CREATE ROLE other LOGIN;
	GRANT ingest_operator, ingest_consumer TO fin, other; GRANT ingest_reader TO reader;
	CREATE SCHEMA shop AUTHORIZATION fin; CREATE SCHEMA books AUTHORIZATION fin; CREATE SCHEMA trap AUTHORIZATION other;
	GRANT USAGE ON SCHEMA trap, books TO PUBLIC;
	SET ROLE fin;
	CREATE TABLE shop.line (id int PRIMARY KEY, n text, at timestamptz NOT NULL DEFAULT clock_timestamp());
	INSERT INTO shop.line SELECT i, 'x' || i FROM generate_series(1, 20) i;
	CREATE TABLE books.thing (id bigint PRIMARY KEY, name text, amount numeric, f float8, at timestamptz, day date, ok bool, doc jsonb, list text[], up bigint REFERENCES books.thing);
	INSERT INTO books.thing SELECT 9007199254740990 + i, CASE WHEN i % 4 > 0 THEN 'n' || i % 3 END, CASE WHEN i % 5 > 0 THEN (i % 7) * 1.10 END, CASE i % 6 WHEN 0 THEN NULL WHEN 1 THEN 'NaN' WHEN 2 THEN 'Infinity' ELSE i / 3.0 END,
		CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN 'infinity' ELSE timestamptz '2026-11-01 05:30+00' + i % 4 * interval '30 min' END, date '2026-02-27' + i % 4, CASE WHEN i % 3 > 0 THEN i % 2 = 0 END, jsonb_build_object('a', i % 3), ARRAY['a', 'b' || i % 2, NULL],
		CASE WHEN i % 3 = 0 AND i > 3 THEN 9007199254740990 + i / 2 END FROM generate_series(1, 60) i;
	GRANT SELECT ON books.thing TO reader;
	RESET ROLE;
	SELECT format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
	CREATE USER MAPPING FOR fin SERVER s OPTIONS (user 'fin');
	GRANT USAGE ON FOREIGN SERVER s TO fin;
});
my $fin = 'SET SESSION AUTHORIZATION fin; ';
sql($fin . q{
	SELECT ingest.register_source('mirror.shop', 's', schema => 'shop_ft', remote_schemas => '{shop}');
	CALL ingest.crawl('mirror.shop');
	SELECT ingest.create_sync('shop_ft.line', 'books.line', name => 'mirror.line', cursor_column => 'at', overlap => '0', history => true);
});
sql($fin . "CALL ingest.sync('mirror.line')");
sql($fin . "SELECT ingest_api.expose('books.thing', 'things')");
sql(q{INSERT INTO ingest.alert (kind, object, subject, severity, summary, source, sync, opened_at) SELECT 'stale', 'sync 99', 'a', 'error', 'x', source, id, now() - interval '2 hours' FROM ingest.sync});
sql('ALTER ROLE fin NOSUPERUSER; GRANT fin, reader, other TO ingest_authenticator');
my %token = map { $_ => sql("SET SESSION AUTHORIZATION $_; SELECT ingest_api.create_token('t', scopes => '{" . ($_ eq 'reader' ? 'read' : 'admin') . "}')") } qw(fin reader other);
$token{narrow} = sql($fin . q{SELECT ingest_api.create_token('narrow')});

# the statement that asks
sub request { my ($who, $path, $method, $body, $headers) = @_; return ($token{$who}, $method // 'GET', $path, { defined $body ? ('content-type' => 'application/json') : (), %{ $headers // {} } }, $body); }
sub asking { return 'SELECT row_to_json(s) FROM ' . serve_call(request(@_)) . ' s'; }
sub ask { my ($status, $headers, $body) = serve_with($node, request(@_)); return ($status, $body, $headers); }
sub status { return (ask(@_))[0]; }
sub body { return JSON::PP->new->decode((ask(@_))[1]); }
sub graphql { my ($who, $query, $variables) = @_; return body($who, '/graphql', 'POST', encode_json({ query => $query, $variables ? (variables => $variables) : () })); }


# -- a series is of the source or sync that is named, whatever letters its name has --

is(body('fin', "/v1/series?of=open_alerts&$_")->{rows}[-1]{value}, 1, "alerts that are open: $_") for 'step=1%20hour', 'source=mirror.shop', 'sync=mirror.line';

# -- steps of which one part goes back: across a change of the clocks they would not end --

is(status('fin', '/v1/series?of=runs&from=2026-03-08T01:00:00Z&to=2026-03-08T09:00:00Z&step=' . $_), 400, "no step: $_") for '1%20day%20-23:59:50', '-1%20day%20%2B25:00:00';

# -- what a wrapper counts leaves nothing in the session --

sql(q{
	CREATE FUNCTION trap.counts() RETURNS TABLE (server text, day date, requests bigint) LANGUAGE plpgsql AS $$
	BEGIN EXECUTE 'PREPARE left_behind AS SELECT 1'; RETURN QUERY SELECT 's', current_date, 1::bigint; END $$;
	UPDATE ingest.connector SET stats_function = 'trap.counts' WHERE wrapper = 'postgres_fdw';
});
like(sql('SET SESSION AUTHORIZATION ingest_authenticator; ' . asking('fin', '/metrics') . "; SELECT 'left ' || count(*) FROM pg_prepared_statements WHERE name = 'left_behind'"), qr/^left 0$/m, 'metrics leave nothing in a session');

# -- nor does a view leave a lock --

sql(q{
	SET ROLE other;
	CREATE VIEW trap.lock AS SELECT pg_try_advisory_lock(4711) AS got, 1 AS n;
	CREATE VIEW trap.late AS SELECT pg_try_advisory_lock(4712) AS got, pg_sleep(5)::text AS n;
	GRANT SELECT ON trap.lock, trap.late TO PUBLIC;
	SELECT ingest_api.expose('trap.lock', 'lock'), ingest_api.expose('trap.late', 'late');
});
for (['/v1/lock'], ['/v1/lock?n=eq.x'], ['/v1/lock?select=got&got=eq.true&order=n'], ['/graphql', 'POST', '{"query":"{lock{nodes{got}}}"}'], ['/v1/late'])
{
	my ($code, $out) = $node->psql($p, "SET SESSION AUTHORIZATION ingest_authenticator; SET statement_timeout = '1s';\n" . asking('other', @$_) . ";\nSELECT 'locks ' || count(*) FROM pg_locks WHERE locktype = 'advisory'", on_error_stop => 0);
	like($out, qr/^locks 0$/m, "no lock is left: $_->[0]");
}

# -- what is null where something is needed does nothing, and says so --

is(status('fin', '/v1/consumers', 'POST', '{"consumer": "con"}'), 201, 'a consumer');
is(status('fin', '/v1/consumers/con/ack', 'POST', '{"event": null}'), 400, 'nothing is acknowledged');
is(status('fin', '/v1/consumers/nobody/read', 'POST', '{"max_events": null}'), status('fin', '/v1/consumers/nobody/read', 'POST', '{}'), 'a consumer that is not there is not read');
isnt(status('fin', '/v1/consumers/nobody/read', 'POST', '{"max_events": null}'), 200, 'and is said not to be there');

# -- what was refused by GraphQL is written down as by REST --

my $pauses = encode_json({ query => 'mutation { pause_source(source: "mirror.shop") }' });
my $lines = q{SELECT count(*) FROM ingest.audit WHERE function = 'http' AND object LIKE 'POST /%'};
my $before = sql($lines);
is(status('narrow', '/v1/sources/mirror.shop/pause', 'POST', '{}'), 403, 'a token that reads does nothing by REST');
is(sql($lines), $before + 1, 'which is written down');
like((ask('narrow', '/graphql', 'POST', $pauses))[1], qr/scope is \\"read/, 'nor by GraphQL');
is(sql($lines), $before + 2, 'which is written down, too');
is(status('narrow', '/graphql', 'POST', encode_json({ query => '{ __typename }' })), 200, 'what only reads');
is(sql($lines), $before + 2, 'is not');

# -- variables make much of few words: a request of 1 MB took all memory that there was --

sub codes { my $r = graphql(@_); return join ' ', map { $_->{extensions}{code} } @{ $r->{errors} // [] }; }
my $many = sub { my $n = shift; return { f => { or => [ map { { name => { eq => "a$_" } } } 1 .. $n ] } } };
is(codes('reader', 'query($f: ThingsFilter) { things(filter: $f) { totalCount } }', $many->(300)), '', '300 conditions');
is(codes('reader', 'query($f: ThingsFilter) { things(filter: $f) { totalCount } }', $many->(1500)), 'LIMIT_EXCEEDED', 'not 1,500');
is(codes('reader', 'query($f: ThingsFilter) {' . join(' ', map { "a$_: things(filter: \$f) { totalCount }" } 1 .. 10) . '}', $many->(300)), 'LIMIT_EXCEEDED', 'nor ten times 300');
is(codes('reader', 'query($f: ThingsFilter) { things(filter: $f) { totalCount } }', { f => { or => [ ({}) x 1500 ] } }), 'LIMIT_EXCEEDED', 'nor 1,500 empty ones');
is(codes('reader', 'query($f: [String!]) {' . join(' ', map { "a$_: things(filter: {name: {in: \$f}}) { totalCount }" } 1 .. 30) . '}', { f => [ map { "name of a thing $_" } 1 .. 30000 ] }), 'LIMIT_EXCEEDED', 'nor 18 MB of values');
{
	my $script = join '', map { asking('reader', '/v1/things?select=id&or=(' . join(',', map { "name.eq.a$_" } $_ .. 1000) . ')') . ";\n" } 1 .. 64;
	my $used = sql("SET SESSION AUTHORIZATION ingest_authenticator; $script RESET SESSION AUTHORIZATION; SELECT 'used ' || sum(total_bytes) / 1000000 FROM pg_backend_memory_contexts");
	cmp_ok(($used =~ /^used (\d+)/m)[0], '<', 60, 'plans that are kept are small together');
}

# -- a view that asks again and again while it is read --

sql(q{
	SET ROLE other;
	CREATE VIEW trap.again AS SELECT n, ingest_api.graphql('{a' || n || ': __typename}') AS got FROM generate_series(1, 300) n;
	GRANT SELECT ON trap.again TO PUBLIC;
	SELECT ingest_api.expose('trap.again', 'again');
});
is(scalar(() = (ask('fin', '/graphql', 'POST', '{"query": "{again(first: 300) {nodes {n got}}}"}'))[1] =~ /"n":/g), 300, "a view's own questions do not end the one that it is read by");

done_testing();
