# What is answered by HTTP: queries against rows that are known, a foreign client, who sees what, what cannot be done
use strict;
use warnings;
use Api;
use IO::Socket::INET;
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
$node->append_conf('postgresql.conf', "log_statement = all\nlog_min_messages = debug2\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }
sub says { my ($statements) = @_; my ($code, $out, $err) = $node->psql($p, $statements); return $err; }

sql(q{
	CREATE EXTENSION postgres_fdw;
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; CREATE ROLE granted LOGIN; CREATE ROLE other LOGIN; CREATE ROLE nothing LOGIN; CREATE ROLE apart LOGIN;
	GRANT ingest_operator TO fin, other; GRANT ingest_reader TO granted, nothing;
	GRANT fin, granted, other, nothing TO ingest_authenticator;
	CREATE SCHEMA shop AUTHORIZATION fin;
	GRANT USAGE ON SCHEMA shop TO granted, other, nothing;
	SET ROLE fin;
	CREATE TABLE shop.region (id int PRIMARY KEY, name text);
	INSERT INTO shop.region VALUES (1, 'North'), (2, 'South'), (3, 'West');
	CREATE TABLE shop.customer (id int PRIMARY KEY, name text, credit numeric, tags text[], doc jsonb, since date, ok bool, region_id int REFERENCES shop.region);
	INSERT INTO shop.customer SELECT i, CASE WHEN i % 7 <> 0 THEN 'customer ' || i END, i * 1.5, ARRAY['a', 'b' || i], jsonb_build_object('k', i), date '2026-01-01' + i, CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END, 1 + (i - 1) % 2 FROM generate_series(1, 50) i;
	CREATE TABLE shop.invoice (id bigint PRIMARY KEY, customer_id int REFERENCES shop.customer, amount numeric);
	INSERT INTO shop.invoice SELECT i, 1 + i % 50, i FROM generate_series(1, 10000) i;
	CREATE TABLE shop.odd (id int PRIMARY KEY, name text, credit numeric, since date, ok bool);
	INSERT INTO shop.odd SELECT i, (ARRAY[NULL, '', ' ', 'null', 'NULL', 'true', 'a,b', '(c)', '{d}', 'e"f', E'g\\h', 'i.j', 'k''l', 'm&n=o', 'p+q', '%', '_', '*', 'r*s', 'Größe', '日本', '😀', E'tab\tx', E'line\nx', 'eq.1', 'not.is.null', '->>', 'x--y', ';', '"', '""', '\\"', ',', ')', '((', '"a","b"'])[1 + i % 36],
		CASE WHEN i % 5 > 0 THEN i / 2.0 END, CASE WHEN i % 4 > 0 THEN date '2025-12-28' + i % 9 END, CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END FROM generate_series(1, 120) i;
	CREATE TABLE shop.secret (id int PRIMARY KEY, open text, hidden text);
	INSERT INTO shop.secret VALUES (1, 'seen', 'canary of fin');
	GRANT SELECT (id, open) ON shop.secret TO granted;
	CREATE TABLE shop.mine (id int PRIMARY KEY, who text);
	INSERT INTO shop.mine SELECT i, w FROM unnest('{fin,granted,other}'::text[]) WITH ORDINALITY x (w, i);
	ALTER TABLE shop.mine ENABLE ROW LEVEL SECURITY; ALTER TABLE shop.mine FORCE ROW LEVEL SECURITY;
	CREATE POLICY own ON shop.mine USING (who = current_user);
	GRANT SELECT ON shop.mine TO granted, other;
	SELECT ingest_api.expose('shop.region', 'regions'), ingest_api.expose('shop.customer', 'customers'), ingest_api.expose('shop.invoice', 'invoices'), ingest_api.expose('shop.odd', 'odd'),
		ingest_api.expose('shop.secret'), ingest_api.expose('shop.mine', 'mine');
	RESET ROLE;
	SELECT format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
	CREATE USER MAPPING FOR postgres SERVER s OPTIONS (user 'postgres');
	SELECT ingest.register_source('shop', 's', schema => 'shop_ft', remote_schemas => '{shop}');
	CALL ingest.crawl('shop');
});
my %token = map { $_ => sql("SET SESSION AUTHORIZATION $_; SELECT ingest_api.create_token('t', scopes => '{operate}')") } qw(fin granted other nothing);

# ask(role, path, headers): status, headers, body, as the gateway asks
sub ask_token { my ($token, $path, $headers, $method) = @_; return serve_with($node, $token, $method // 'GET', $path, $headers); }
sub ask { my $role = shift; return ask_token($token{$role}, @_); }
sub status { return (ask(@_))[0]; }
sub body { return (ask(@_))[2]; }

# act(role, path, body): POST, as the gateway does
sub act { my ($role, $path, $body, $type) = @_; return serve_with($node, $token{$role}, 'POST', $path, { 'content-type' => $type // 'application/json' }, $body); }

# -- tokens --

like($token{fin}, qr/^pgi_[0-9a-f]{8}_[0-9a-f]{56}$/, 'a token');
sub shows { my ($text) = @_; return index($text, substr($token{fin}, 13)) >= 0 ? 'yes' : 'no'; }
my $dump;
ok(IPC::Run::run([ 'pg_dump', '-d', $node->connstr($p) ], '>', \$dump), 'a dump');
is(shows($dump), 'no', 'has no token in it');
is(shows(slurp_file($node->logfile)), 'no', 'nor logged');
is(status('fin', '/v1/regions'), 200, 'serves its role');
is((ask_token(undef, '/v1/regions'))[0], 401, 'no token');
is((ask_token('pgi_00000000_0', '/v1/regions'))[0], 401, 'another one');
is((ask_token(substr($token{fin}, 0, 12) . '0' x 57, '/v1/regions'))[0], 401, 'one that begins alike');
like(says("SET ROLE fin; SELECT ingest_api.create_token('x', 'postgres')"), qr/no tokens of superusers/, 'none of a superuser');
like(says("SELECT ingest_api.create_token('x')"), qr/no tokens of superusers/, 'for a superuser neither');
like(says("SET ROLE fin; SELECT ingest_api.create_token('x', 'other')"), qr/only a member of role other can make a token of it/, 'none of somebody else');
like(says("SET ROLE fin; SELECT ingest_api.create_token(NULL)"), qr/needs a name/, 'none without a name');
like(says("SELECT ingest_api.create_token('x', 'apart')"), qr/HINT:  Somebody who may grant that role can run GRANT apart TO ingest_authenticator/, 'a role that the gateway may not serve');
my $short = sql("SET ROLE fin; SELECT ingest_api.create_token('short', expires => '1 second')");
is((ask_token($short, '/v1/regions'))[0], 200, 'a token is good');
sleep(1.1);
is((ask_token($short, '/v1/regions'))[0], 401, 'until it expires');
my $revoked = sql("SET ROLE fin; SELECT ingest_api.create_token('gone')");
like(says("SET ROLE other; SELECT ingest_api.revoke_token('gone')"), qr/you have no valid token "gone"/, 'nobody else revokes it');
sql("SET ROLE fin; SELECT ingest_api.revoke_token('gone')");
is((ask_token($revoked, '/v1/regions'))[0], 401, 'or is revoked');
is(sql("SET ROLE other; SELECT string_agg(name, ',') FROM ingest_api.tokens"), 't', 'one sees one\'s own');
sql('REVOKE fin FROM ingest_authenticator');
is(status('fin', '/v1/regions'), 401, 'nor serves it a role that was taken from the gateway');
sql('GRANT fin TO ingest_authenticator; ALTER ROLE fin SUPERUSER');
is(status('fin', '/v1/regions'), 401, 'or one that has become a superuser');
sql('ALTER ROLE fin NOSUPERUSER');
ok(sql("SELECT used_at > now() - interval '1 minute' FROM ingest_api.tokens WHERE name = 't' AND role = 'fin'") eq 't', 'when it was used is known');

# -- who sees what: every resource, as it is for who looks by SQL --

for my $role (qw(fin granted other nothing))
{
	my %seen = map { $_->{name} => 1 } @{ decoded(body($role, '/v1')) };
	my $wrong = '';
	for my $line (split /\n/, sql('SELECT name, relation FROM ingest_api_internal.resource ORDER BY name'))
	{
		my ($name, $relation) = split /\|/, $line;
		my ($code, $rows) = $node->psql($p, "SET ROLE $role; SELECT coalesce(json_agg(x), '[]') FROM (SELECT * FROM $relation LIMIT 1000) x");
		my ($status, undef, $body) = ask($role, "/v1/$name");
		my $columns = sql("SELECT count(*) FROM pg_attribute a WHERE attrelid = '$relation'::regclass AND attnum > 0 AND NOT attisdropped AND has_column_privilege('$role', attrelid, attnum, 'SELECT')");
		if ($columns == 0) { $wrong .= " $name" unless $status == 404 && !$seen{$name}; }
		elsif ($code == 0) { $wrong .= " $name" unless $status == 200 && $seen{$name} && @{ decoded($body) } == @{ decode_json($rows) }; }
		else { $wrong .= " $name" unless $status == 200 && keys %{ decoded($body)->[0] } == $columns; }
	}
	is($wrong, '', "$role sees what it sees by SQL, and nothing else");
}
is(status('fin', '/v1/sources'), 200, 'the repository');
is(body('fin', '/v1/sources?select=name'), '[]', 'of others is empty');
is(body('granted', '/v1/shop.secret'), '[{"id":1,"open":"seen"}]', 'columns that were granted');
is(status('granted', '/v1/shop.secret?select=hidden'), 403, 'others are refused');
is(status('granted', '/v1/shop.secret?select=id&hidden=eq.x'), 403, 'nor asked about');
is(status('granted', '/v1/shop.secret?select=id&order=hidden'), 403, 'nor sorted by');
unlike(body('granted', '/v1/shop.secret?select=nope'), qr/hidden/, 'nor named');
is(body('granted', '/v1/mine?select=who'), '[{"who":"granted"}]', 'row-level security is the asking role\'s');
is(body('other', '/v1/mine?select=who'), '[{"who":"other"}]', 'on the same session, too');
is(status('nothing', '/v1/regions'), 404, 'what may not be read is not there');
is((ask('nothing', '/v1/regions'))[2] =~ s/regions/nope/r, (ask('nothing', '/v1/nope'))[2], 'and cannot be told from what is not');

# -- nothing that is served becomes somebody else, or writes --

sql(q{
	SET ROLE other;
	CREATE TEMP TABLE x (); DROP TABLE x;
	RESET ROLE; CREATE SCHEMA trap AUTHORIZATION other; GRANT USAGE ON SCHEMA trap TO PUBLIC; SET ROLE other;
	CREATE TABLE trap.written (t text); GRANT INSERT ON trap.written TO PUBLIC;
	CREATE FUNCTION trap.become(what text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		CASE what
			WHEN 'role' THEN PERFORM set_config('role', 'fin', true);
			WHEN 'set' THEN EXECUTE 'SET ROLE fin';
			WHEN 'reset' THEN EXECUTE 'RESET ROLE';
			WHEN 'session' THEN EXECUTE 'SET SESSION AUTHORIZATION fin';
			WHEN 'none' THEN EXECUTE 'SET ROLE NONE';
			WHEN 'serve' THEN PERFORM ingest_api.serve('x', 'GET', '/v1', NULL, '{}', NULL);
			WHEN 'write' THEN INSERT INTO trap.written VALUES ('x');
			WHEN 'mode' THEN SET transaction_read_only = off; INSERT INTO trap.written VALUES ('x');
			WHEN 'token' THEN PERFORM ingest_api.create_token('stolen', 'fin');
			ELSE NULL;
		END CASE;
		RETURN current_user || ' ' || session_user;
	EXCEPTION WHEN insufficient_privilege OR read_only_sql_transaction OR active_sql_transaction OR invalid_parameter_value THEN
		RETURN 'no: ' || sqlerrm;
	END $$;
	CREATE VIEW trap.all AS SELECT w AS what, trap.become(w) AS is FROM unnest('{role,set,reset,session,none,serve,write,mode,token,nothing}'::text[]) w;
	GRANT SELECT ON trap.all TO PUBLIC;
	SELECT ingest_api.expose('trap.all', 'trap');
});
for my $role (qw(other granted))
{
	my %is = map { $_->{what} => $_->{is} } @{ decoded(body($role, '/v1/trap')) };
	like($is{$_}, qr/^no: /, "$role: $_") for qw(role set session none serve write mode);
	is($is{nothing}, "$role ingest_authenticator", "$role stays $role");
	unlike($is{reset}, qr/^(fin|postgres|ingest_authenticator) /, "$role: reset leaves it");
	like($is{token}, qr/^no: /, "$role: token");
}
is(sql('SELECT count(*) FROM trap.written'), 0, 'nothing was written');
like(says(q{SET SESSION AUTHORIZATION fin; SELECT ingest_api.serve('x', 'GET', '/v1', NULL, '{}', NULL)}), qr/permission denied/, 'the door is the gateway\'s alone');
like(says(q{SET SESSION AUTHORIZATION ingest_authenticator; SELECT * FROM ingest_api.sources}), qr/permission denied/, 'which may do nothing else');
like(says(q{SET ROLE other; SELECT ingest_api.expose('shop.secret', 'mine2')}), qr/must be owner of/, 'what is somebody else\'s is not exposed');
like(says(q{SET ROLE other; SELECT ingest_api.unexpose('regions')}), qr/no resource "regions" that you exposed/, 'nor hidden');
like(says(q{SET ROLE other; SELECT ingest_api.unexpose('sources')}), qr/no resource/, 'nor what comes with the extension');
like(says(q{SELECT ingest_api.expose('pg_authid', 'roles')}), qr/system relations and temporary relations cannot be exposed/, 'the catalogue is not exposed');

# -- values and names are never SQL --

my @payloads = (q{'}, q{';DROP TABLE shop.region;--}, q{"}, q{");DROP TABLE shop.region;--}, q{$1}, q{$$}, q{\\}, q{\\'}, q{' OR '1'='1}, q{1);SELECT pg_sleep(9);--}, q{*/}, q{/*}, q{E'\\x27'}, q{U&'\\0027'}, q{::regclass}, q{t1.hidden}, q{%s}, q{{}}, q{a->>'b}, q{x" FROM shop.secret--});
my @where = ('/v1/odd?select=%s', '/v1/odd?select=id,%s:name', '/v1/odd?select=id::%s', '/v1/odd?select=name->%s', '/v1/odd?select=id,%s(id)', '/v1/odd?select=id,regions!%s(id)', '/v1/odd?name=eq.%s', '/v1/odd?%s=eq.1', '/v1/odd?name=in.(%s)', '/v1/odd?name=like(any).{%s}', '/v1/odd?name=%s.1',
	'/v1/odd?order=%s', '/v1/odd?order=id.%s', '/v1/odd?limit=%s', '/v1/odd?offset=%s', '/v1/odd?or=(name.eq.%s)', '/v1/odd?or=(%s.eq.1)', '/v1/odd?and=(%s)', '/v1/odd/%s', '/v1/%s', '/v1/customers?doc->>%s=eq.1', '/v1/customers?doc=cs.%s', '/v1/customers?tags=cs.{%s}');
my $from = -s $node->logfile;
my @strange;
for my $where (@where)
{
	for my $payload (@payloads)
	{
		my $encoded = $payload =~ s/([^A-Za-z0-9])/sprintf('%%%02X', ord $1)/ger;
		my $status = status('fin', sprintf($where =~ s/%(?!s)/%%/gr, $encoded));
		push @strange, "$status: $where: $payload" if $status != 200 && $status != 400 && $status != 404;
	}
}
is(join("\n", @strange), '', scalar(@where) * scalar(@payloads) . ' payloads: an answer or a refusal');
is(sql('SELECT count(*) FROM shop.region'), 3, 'and nothing else');
my $log = slurp_file($node->logfile, $from);
unlike($log, qr/syntax error/, 'none of them was ever part of a statement');
is((ask('fin', '/v1/odd?name=eq.%C3%28'))[0], 400, 'what is no UTF-8');
is((ask('fin', '/v1/odd?name=eq.%00'))[0], 400, 'NUL');
is((ask('fin', '/v1/odd?' . join('&', map { 'id=eq.1' } 1 .. 300)))[0], 400, 'too many parameters');
is((ask('fin', '/v1/odd?or=' . '(or' x 200 . '(id.eq.1)' . ')' x 200))[0], 400, 'too deep');
is((ask('fin', '/v1/regions?select=' . join(',', ('customers(id)') x 60)))[0], 400, 'too many relations');
is((ask('fin', '/v1/regions?select=' . 'customers(regions(' x 20 . 'id' . '))' x 20))[0], 400, 'too deep, by relations');
is(status('fin', '/v1/regions', {}, $_), 405, "$_ writes nothing") for qw(POST PUT PATCH DELETE);

# -- forms --

my (undef, $headers, $body) = ask('fin', '/v1/regions?order=id');
is($body, q([{"id":1,"name":"North"}, {"id":2,"name":"South"}, {"id":3,"name":"West"}]), 'JSON');
is(status('fin', '/v1/regions?order=id', { 'if-none-match' => $headers->{ETag} }), 304, 'what is known already');
sql(q{UPDATE shop.region SET name = 'East' WHERE id = 3});
is(status('fin', '/v1/regions?order=id', { 'if-none-match' => $headers->{ETag} }), 200, 'until it changes');
is(body('fin', '/v1/regions/2'), '{"id":2,"name":"South"}', 'a row by its key');
is(status('fin', '/v1/regions/9'), 404, 'that is not there');
is(body('fin', '/v1/regions?order=id&limit=2', { accept => 'application/x-ndjson' }), qq({"id":1,"name":"North"}\n{"id":2,"name":"South"}), 'lines of JSON');
is(status('fin', '/v1/regions', { accept => 'text/xml' }), 406, 'another form');
is((ask('fin', '/v1/invoices?limit=10', { prefer => 'count=exact' }))[1]{'Content-Range'}, '0-9/10000', 'how many there are');
is(status('fin', '/v1/regions?offset=9', { prefer => 'count=exact' }), 416, 'beyond the end');
is(scalar(@{ decoded(body('fin', '/v1/invoices')) }), 1000, 'an answer has an end');
sql('ALTER TABLE shop.region ADD since date; ALTER TABLE shop.region DROP name');
is(body('fin', '/v1/regions/1'), '{"id":1,"since":null}', 'what changes is seen at the next request');
sql(q{ALTER TABLE shop.region DROP since; ALTER TABLE shop.region ADD name text; UPDATE shop.region SET name = CASE id WHEN 1 THEN 'North' ELSE 'South' END});
sql('SET ROLE fin; CREATE TABLE shop.brief (id int); SELECT ingest_api.expose($$shop.brief$$); DROP TABLE shop.brief');
is(status('fin', '/v1/shop.brief'), 404, 'what was dropped is not there');
is(status('fin', '/v1'), 200, 'and disturbs nothing');

# -- the manual --

my $manual = slurp_file('../docs/ingest_api.md');
is(join(' ', grep { index($manual, $_) < 0 } split /\n/, sql(q{SELECT relname FROM pg_class WHERE relnamespace = 'ingest_api'::regnamespace UNION SELECT proname FROM pg_proc WHERE pronamespace = 'ingest_api'::regnamespace
	UNION SELECT name FROM pg_settings WHERE name LIKE 'ingest_api.%'})), '', 'names every function, view and setting');
is(sql(q{SELECT string_agg(c.oid::regclass || coalesce('.' || a.attname, ''), ', ') FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relnamespace IN ('ingest_api'::regnamespace, 'ingest_api_internal'::regnamespace) AND c.relkind IN ('v', 'r') AND coalesce(col_description(c.oid, a.attnum), '') = ''}), '', 'every column has a comment');
is(sql(q{SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p WHERE p.pronamespace IN ('ingest_api'::regnamespace, 'ingest_api_internal'::regnamespace) AND coalesce(obj_description(p.oid, 'pg_proc'), '') = ''}), '', 'every function, too');
is(sql(q{SELECT string_agg(c.relname || '.' || a.attname, ', ') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'ingest_api'::regnamespace AND c.relkind = 'v' AND a.attnum > 0
	AND (a.atttypid = 'interval'::regtype OR EXISTS (SELECT FROM pg_get_keywords() k WHERE k.word = a.attname AND k.catcode IN ('R', 'T')))}), '', 'no interval, no word of SQL as a column');
is(sql(q{SELECT string_agg(l.resource || '>' || l.other, ', ') FROM ingest_api_internal.link l JOIN ingest_api_internal.resource a ON a.name = l.resource, unnest(l.here) c
	WHERE NOT EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = a.relation AND t.attname = c)}), '', 'relationships are of columns that there are');
is(sql(q{SELECT string_agg(r.name || '.' || c, ', ') FROM ingest_api_internal.resource r, unnest(r.key) c WHERE NOT EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = r.relation AND t.attname = c)}), '', 'keys, too');

# -- through the gateway --

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $folder = PostgreSQL::Test::Utils::tempdir('api');
my $gateway = IPC::Run::start([ $node->config_data('--bindir') . '/pg_ingest_gateway', '--listen', "127.0.0.1:$port", '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=ingest_authenticator" ], '<', '/dev/null', '>', '/dev/null', '2>', "$folder/log");
my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
sub curl { my ($out, $e); IPC::Run::run([ 'curl', '-s', @_ ], '>', \$out, '2>', \$e); return $out; }
sleep(0.1) until curl("http://127.0.0.1:$port/readyz") eq "ok\n" || time() > $until;
open my $rows, '>', "$folder/rows.json" or die $!;
print $rows sql(q{SELECT json_agg(o ORDER BY id) FROM shop.odd o});
close $rows;
my ($said, $err);
my $good = IPC::Run::run([ '/usr/bin/python3', '-B', 'api/queries.py', "http://127.0.0.1:$port/v1/odd", $token{fin}, "$folder/rows.json", $ENV{API_QUERIES} // 300, $ENV{API_SEED} // int(rand(1e6)) ], '>', \$said, '2>', \$err);
ok($good, 'random queries give what they should') or diag($said, $err);
SKIP:
{
	skip 'the clients come by npm', 4 unless $ENV{NODE_PATH};
	my @changing = ('psql', '-Xq', '-d', $node->connstr($p), '-c', q{DO $$BEGIN FOR i IN 1 .. 40 LOOP UPDATE shop.invoice SET amount = amount + 1 WHERE id % 40 = i; INSERT INTO shop.invoice VALUES (-i, 1, 0); DELETE FROM shop.invoice WHERE id = -i; COMMIT; PERFORM pg_sleep(0.02); END LOOP; END$$});
	my $writer = IPC::Run::start([ @changing ], '>', '/dev/null', '2>', '/dev/null');
	$good = IPC::Run::run([ 'node', 'api/client.cjs', "http://127.0.0.1:$port/v1", $token{fin} ], '>', \$said, '2>', \$err);
	$writer->finish;
	ok($good, 'the client of PostgREST\'s users works unchanged') or diag($said, $err);
	note($said);
	append_to_file("$folder/openapi.json", curl('-H', "Authorization: Bearer $token{fin}", "http://127.0.0.1:$port/openapi.json"));
	local $ENV{REDOCLY_TELEMETRY} = 'off';
	$good = IPC::Run::run([ 'node', "$ENV{NODE_PATH}/\@redocly/cli/bin/cli.js", 'lint', "$folder/openapi.json" ], '>', \$said, '2>&1');
	ok($good && $said !~ /You have \d+ warning/, 'OpenAPI: nothing to complain about') or diag($said);
	my $typed = "$folder/typed";
	mkdir $typed;
	symlink $ENV{NODE_PATH}, "$typed/node_modules";
	append_to_file("$typed/package.json", '{"type": "module"}');
	IPC::Run::run([ 'cp', 'api/typed.ts', $typed ]);
	$good = IPC::Run::run([ 'node', "$ENV{NODE_PATH}/openapi-typescript/bin/cli.js", "$folder/openapi.json", '-o', "$typed/schema.ts" ], '>', \$said, '2>&1')
		&& IPC::Run::run([ 'node', "$ENV{NODE_PATH}/typescript/bin/tsc", '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext', '--moduleResolution', 'nodenext', "$typed/typed.ts" ], '>>', \$said, '2>&1');
	ok($good, 'a client is made from it and compiles') or diag($said);
	$writer = IPC::Run::start([ @changing ], '>', '/dev/null', '2>', '/dev/null');
	$good = IPC::Run::run([ 'node', "$typed/typed.js", "http://127.0.0.1:$port", $token{fin} ], '>', \$said, '2>', \$err);
	$writer->finish;
	ok($good && $said eq "done\n", 'and runs') or diag($said, $err);
}
is(shows(slurp_file($node->logfile) . slurp_file("$folder/log")), 'no', 'the token is in no log');
$gateway->signal('TERM');
$gateway->finish;
# -- addresses that a function answers --

sql('GRANT fin TO postgres; SELECT ingest.set_owner(\'shop\', \'fin\')');
is((act('fin', '/v1/sources/shop/pause'))[0], 204, 'something is done');
is(sql("SELECT state FROM ingest.source_status"), 'paused', 'and was');
for ([ 'granted', undef, undef, 403 ], [ 'other', undef, undef, 404 ], [ 'fin', '{"source": "x"}', undef, 400 ], [ 'fin', '[1]', undef, 400 ], [ 'fin', '{', undef, 400 ], [ 'fin', '{"x": 1}', undef, 400 ], [ 'fin', '{}', 'text/plain', 415 ],
	[ 'fin', '{}', 'application/x-www-form-urlencoded', 415 ], [ 'fin', '{}', 'application/jsonx', 415 ])
{
	my ($role, $body, $type, $status) = @$_;
	my ($s, $h, $b) = act($role, '/v1/sources/shop/pause', $body, $type);
	is($s, $status, "not by $role with " . ($body // 'nothing') . ': ' . decoded($b)->{message});
}
is(status('fin', '/v1/sources/shop/pause'), 405, 'not by reading');
is((ask('fin', '/v1/sources/shop/pause'))[1]{Allow}, 'POST', 'what is allowed');
is((act('fin', '/v1/customers'))[0], 405, 'rows are not written');
is(status('granted', '/v1/lineage?object=shop.customer&depth=2'), 200, 'a function that reads');
is(status('granted', '/v1/lineage'), 400, 'without what it must be given');
is(status('granted', '/v1/lineage?object=a&object=b'), 400, 'or with it twice');
is(status('granted', '/v1/lineage?object=a&depth=x'), 400, 'or with something else than its type');

done_testing();
