# What a role can do to others by what it has exposed, and data that must come out as it is: one session, as the gateway's
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
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }

sql(q{
	CREATE EXTENSION postgres_fdw;
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_api;
	CREATE EXTENSION citext SCHEMA public;
	CREATE ROLE victim LOGIN; CREATE ROLE thief LOGIN; CREATE ROLE outside LOGIN;
	GRANT ingest_operator TO victim, thief; GRANT ingest_reader TO outside;
	GRANT victim, thief, outside TO ingest_authenticator;
	CREATE SCHEMA v AUTHORIZATION victim;
	CREATE SCHEMA trap AUTHORIZATION thief; GRANT USAGE ON SCHEMA trap TO PUBLIC;
	SET ROLE victim;
	CREATE TABLE v.secret (id int PRIMARY KEY, word text); INSERT INTO v.secret VALUES (1, 'canary');
	SELECT ingest_api.expose('v.secret', 'secret');
	CREATE TABLE v.listed (id int PRIMARY KEY, odd text); GRANT SELECT ON v.listed TO outside;
	SELECT ingest_api.expose('v.listed', 'listed');
	CREATE TABLE v.item (id int PRIMARY KEY, name public.citext, at timestamptz, f float8, big numeric, "odd ""name"".(x),y" int, doc json, many public.citext[]);
	INSERT INTO v.item VALUES (1, 'Abc', '2026-03-04 05:06:07+00', 0.1::float8 + 0.2::float8, 12345678901234567890.123456789, 7, '{"a": {"b": "c"}}', '{Abc,d}'), (2, 'xyz', NULL, 'NaN', 9007199254740993, NULL, NULL, NULL), (3, NULL, 'infinity', '-Infinity', NULL, NULL, 'null', '{}');
	SELECT ingest_api.expose('v.item', 'items');
	CREATE TABLE v.part (id int PRIMARY KEY, item public.citext);
	CREATE VIEW v.slow AS SELECT pg_sleep(6)::text AS slept; SELECT ingest_api.expose('v.slow', 'slow');
});
my %token = map { $_ => sql("SET SESSION AUTHORIZATION $_; SELECT ingest_api.create_token('t')") } qw(victim thief outside);

sub request { my ($role, $path, $headers, $method, $body) = @_; return ($token{$role}, $method // 'GET', $path, $headers, $body); }
sub arguments { return serve_arguments(request(@_)); }
sub ask { return serve_with($node, request(@_)); }
sub status { return (ask(@_))[0]; }
sub body { return (ask(@_))[2]; }

# -- a session is used by everybody in turn: nothing of one request is left in it --

sql(q{
	SET ROLE thief;
	CREATE FUNCTION trap.taken() RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM set_config('role', 'victim', false);
		RETURN (SELECT word FROM v.secret);
	EXCEPTION WHEN OTHERS THEN RETURN 'no: ' || sqlerrm;
	END $$;
	CREATE FUNCTION trap.leave(what text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		CASE what
			WHEN 'prepare' THEN
				EXECUTE 'DEALLOCATE ALL';
				EXECUTE 'PREPARE serve(text, text, text, text, jsonb, bytea) AS SELECT 200 AS status, ''{}''::jsonb AS headers, trap.taken() AS body';
			WHEN 'deallocate' THEN EXECUTE 'DEALLOCATE ALL';
			WHEN 'discard' THEN EXECUTE 'DISCARD PLANS';
			WHEN 'cursor' THEN EXECUTE 'DECLARE held CURSOR WITH HOLD FOR SELECT trap.taken()';
			WHEN 'listen' THEN EXECUTE 'LISTEN anything';
			WHEN 'table' THEN EXECUTE 'CREATE TEMP TABLE kept (a int)';
			WHEN 'settings' THEN
				PERFORM set_config(n, v, false) FROM (VALUES ('statement_timeout', '0'), ('lock_timeout', '0'), ('extra_float_digits', '-15'), ('datestyle', 'German'), ('client_connection_check_interval', '0'), ('search_path', 'trap')) s (n, v);
		END CASE;
		RETURN 'done';
	EXCEPTION WHEN OTHERS THEN RETURN 'no: ' || sqlerrm;
	END $$;
	CREATE VIEW trap.p AS SELECT w AS what, trap.leave(w) AS is FROM unnest('{prepare,deallocate,discard,cursor,listen,table,settings}'::text[]) w;
	GRANT SELECT ON trap.p TO PUBLIC;
	SELECT ingest_api.expose('trap.p', 'trap');
});
my $settings = "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', 'extra_float_digits', 'DateStyle', 'client_connection_check_interval', 'search_path')";
for my $what (qw(prepare deallocate discard cursor listen table))
{
	my $out = (
		$node->psql($p, "SET SESSION AUTHORIZATION ingest_authenticator; PREPARE serve(text, text, text, text, jsonb, bytea) AS SELECT status, headers, body FROM ingest_api.serve(\$1, \$2, \$3, \$4, \$5, \$6);
			EXECUTE serve(" . arguments('thief', "/v1/trap?what=eq.$what&select=is") . ");\n\\echo --\nSELECT count(*) FROM pg_cursors WHERE is_holdable; EXECUTE serve(" . arguments('victim', '/v1/secret?select=id') . ");\n" . ($what eq 'cursor' ? 'FETCH ALL FROM held;' : ''), on_error_stop => 0))[1];
	my ($first, $rest) = split /^--$/m, $out;
	like($first, qr/\[\{"is":"no: cannot (?:execute|create) /, "nobody's function leaves something in the session: $what");
	like($rest // '', qr/^\n0\n200\|.*\|\[\{"id":1\}\]$/, 'and the next request is answered as before');
	unlike($out, qr/canary/, 'what is another\'s is not taken');
}
my $out = ($node->psql($p, "$settings; SET SESSION AUTHORIZATION ingest_authenticator; SELECT status FROM ingest_api.serve(" . arguments('thief', '/v1/trap?what=eq.settings') . "); RESET SESSION AUTHORIZATION; $settings"))[1];
like($out, qr/^(.*)\n200\n\1$/s, 'settings of one request end with it');

# -- an error that is no answer leaves the session as it was --

my $locker = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr($p), '-c', 'BEGIN', '-c', 'LOCK TABLE v.secret', '-c', 'SELECT pg_sleep(5)' ], '<', '/dev/null', '>', '/dev/null', '2>', '/dev/null');
poll_until($node, $p, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
for my $what ([ 'statement_timeout', 'slow' ], [ 'lock_timeout', 'secret' ])
{
	my ($code, $said, $error) = $node->psql($p, "SET $what->[0] = '300ms'; SET SESSION AUTHORIZATION ingest_authenticator; SELECT status FROM ingest_api.serve(" . arguments('victim', "/v1/$what->[1]") . ");\nSELECT status FROM ingest_api.serve(" . arguments('victim', '/v1/items') . ');', on_error_stop => 0);
	like($error, qr/due to (statement|lock) timeout/, "$what->[0] ends a request");
	is($said, '200', 'and the next one is answered');
}
$locker->finish;

# -- one may not stop the others --

sql('UPDATE ingest_api_internal.token SET used_at = NULL');
my $sleeper = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr($p), '-c', 'SET SESSION AUTHORIZATION ingest_authenticator', '-c', 'SELECT status FROM ingest_api.serve(' . arguments('victim', '/v1/slow') . ')' ], '<', '/dev/null', '>', \my $slept, '2>', \my $err);
poll_until($node, $p, q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
my $begin = time();
is(status('victim', '/v1/secret'), 200, 'beside a slow request of the same token');
in_time(time() - $begin, 3, 'nobody waits for it');
$begin = time();
sql(q{SET ROLE victim; SELECT ingest_api.create_token('brief'); SELECT ingest_api.revoke_token('t')});
in_time(time() - $begin, 3, 'nor does who revokes it');
is(status('victim', '/v1/secret'), 401, 'at once');
$sleeper->finish;
sql('UPDATE ingest_api_internal.token SET revoked_at = NULL, used_at = NULL');
is(status('victim', '/v1/secret'), 200, 'when it was used');
is(sql(q{SELECT used_at > now() - interval '1 minute' FROM ingest_api.tokens WHERE name = 't' AND role = 'victim'}), 't', 'is known all the same');

# -- a type's own operators, whatever schema they are in --

is(body('victim', "/v1/items?select=id&$_->[0]&order=id"), "[$_->[1]]", "citext: $_->[0]")
  for [ 'name=eq.ABC', '{"id":1}' ], [ 'name=neq.ABC', '{"id":2}' ], [ 'name=in.(ABC,XYZ)', '{"id":1}, {"id":2}' ], [ 'name=gt.ABC', '{"id":2}' ], [ 'name=lte.ABC', '{"id":1}' ], [ 'name=eq(any).{ABC}', '{"id":1}' ], [ 'name=isdistinct.ABC', '{"id":2}, {"id":3}' ], [ 'name=not.isdistinct.ABC', '{"id":1}' ],
  [ 'name=not.eq.ABC', '{"id":2}' ];
sql(q{SET ROLE victim; ALTER TABLE v.item ADD UNIQUE (name); INSERT INTO v.part VALUES (10, 'ABC'), (11, 'none'); ALTER TABLE v.part ADD CONSTRAINT part_item FOREIGN KEY (item) REFERENCES v.item (name) NOT VALID; SELECT ingest_api.expose('v.part', 'parts')});
is(body('victim', '/v1/parts?select=id,items(id)&id=eq.10'), '[{"id":10,"items":{"id":1}}]', 'what belongs to a row does by the key\'s own equality');
is(body('victim', '/v1/items?select=id,parts(id)&id=eq.1'), '[{"id":1,"parts":[{"id":10}]}]', 'both ways');

# -- values and names as they are, whatever the database is set to --

my $plain = body('victim', '/v1/items?order=id', { accept => 'text/csv' });
like($plain, qr/^1,Abc,2026-03-04 05:06:07\+00,0\.30000000000000004,12345678901234567890\.123456789,7,/m, 'values in CSV');
my $json = body('victim', '/v1/items?order=id');
like($json, qr/"big":9007199254740993,/, 'large numbers have all their digits');
sql("ALTER DATABASE $p SET datestyle = 'German'; ALTER DATABASE $p SET extra_float_digits = -10; ALTER DATABASE $p SET intervalstyle = 'sql_standard'; ALTER DATABASE $p SET bytea_output = 'escape'");
is(body('victim', '/v1/items?order=id', { accept => 'text/csv' }), $plain, 'are the same whatever the database is set to');
is(body('victim', '/v1/items?order=id'), $json, 'in JSON too');
is(body('victim', '/v1/items?select=id&at=eq.2026-03-04%2005:06:07%2B00'), '[{"id":1}]', 'and are read the same');
sql("ALTER DATABASE $p RESET ALL");
is(body('victim', '/v1/items?select=%22odd%20%5C%22name%5C%22.(x),y%22&id=eq.1'), '[{"odd \"name\".(x),y":7}]', 'a name with all signs');
is(body('victim', '/v1/items?select=id&%22odd%20%5C%22name%5C%22.(x),y%22=eq.7'), '[{"id":1}]', 'asked about');
my $long = 'x' x 64;
is((ask('victim', "/v1/items?select=$long:id"))[0], 400, 'a name that would be cut is refused');
is((ask('victim', "/v1/items?select=doc->$long"))[0], 400, 'of a member, too');
is(body('victim', "/v1/items?select=m:doc->$long&id=eq.1"), '[{"m":null}]', 'unless it gets another one');
is((ask('victim', '/v1/items?select=:id'))[2] =~ /zero-length|syntax/ ? 'SQL' : (ask('victim', '/v1/items?select=:id'))[0], 400, 'an alias without a letter is refused in words of the address');

# -- what changes is so at the next request --

sql('SET ROLE victim; ALTER TABLE v.item RENAME id TO nr');
is(body('victim', '/v1/items/1?select=nr'), '{"nr":1}', 'a key that was renamed');
sql('SET ROLE victim; ALTER TABLE v.item RENAME nr TO id');
sql('SET ROLE victim; CREATE TABLE v.again (a int); SELECT ingest_api.expose($$v.again$$); DROP TABLE v.again; CREATE TABLE v.again (b int PRIMARY KEY)');
my ($dump) = run_command([ 'pg_dump', '-d', $node->connstr($p), '-t', 'ingest_api_internal.resource', '-e', 'ingest_api' ]);
unlike($dump, qr/v\.again/, 'what is gone is in no dump, where another would have its number');
is(sql('SET ROLE victim; SELECT ingest_api.expose($$v.again$$)'), 'v.again', 'what was dropped can be exposed again');
is(body('victim', '/v1/v.again'), '[]', 'and is there');
is(status('outside', '/v1/listed'), 404, 'what lies in a schema that one may not use is not there');
is(status('outside', '/v1/listed?select=nope'), 404, 'nor are its columns named');
unlike(body('outside', '/v1') . body('outside', '/openapi.json'), qr/listed|"odd"/, 'nor is it listed');

# -- what is no text is an answer, not a failure --

is((ask('victim', '/v1/sources/x/pause', { 'content-type' => 'application/json' }, 'POST', \'\x7b22ff227d'))[0], 400, 'a body that is no UTF-8');
is((ask('victim', '/v1/sources/x/pause', { 'content-type' => 'application/json' }, 'POST', \'\x7b0022227d'))[0], 400, 'NUL in it');

# -- pages of a table that changes, by its key --

sql('SET ROLE victim; CREATE TABLE v.page (id int PRIMARY KEY, n int); INSERT INTO v.page SELECT 2 * i, 0 FROM generate_series(1, 10000) i; SELECT ingest_api.expose($$v.page$$, $$pages$$)');
my $writer = IPC::Run::start([ 'psql', '-Xq', '-d', $node->connstr($p), '-c', q{DO $$BEGIN FOR i IN 1 .. 400 LOOP INSERT INTO v.page VALUES (2 * i * 25 - 1, 1); DELETE FROM v.page WHERE n = 1 AND id < 2 * (i - 9) * 25; UPDATE v.page SET n = n WHERE id % 400 = i; COMMIT; PERFORM pg_sleep(0.01); END LOOP; END$$} ], '<', '/dev/null', '>', '/dev/null', '2>', '/dev/null');
my (@ids, $last);
$last = 0;
while (1)
{
	my @page = map { $_->{id} } @{ decode_json(body('victim', "/v1/pages?select=id&order=id&limit=1000&id=gt.$last")) };
	last if !@page;
	push @ids, @page;
	$last = $page[-1];
}
$writer->finish;
is_deeply([ grep { $_ % 2 == 0 } @ids ], [ map { 2 * $_ } 1 .. 10000 ], 'each row that stays is there once, in order');

done_testing();
