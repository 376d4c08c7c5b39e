# GraphQL: rows that are known, foreign clients, who sees what, what cannot be done
use strict;
use warnings;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Sandbox;
use Session;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(extra => ['--encoding=UTF8']);
$node->append_conf('postgresql.conf', "log_statement = none\nlog_min_messages = debug2\n");
$node->start;
sub sql { return $node->safe_psql($p, $_[0]); }

sql(q{
	CREATE EXTENSION postgres_fdw;
	CREATE EXTENSION ingest CASCADE;
	CREATE EXTENSION ingest_api;
	CREATE ROLE fin LOGIN; CREATE ROLE granted LOGIN; CREATE ROLE other LOGIN; CREATE ROLE nothing LOGIN;
	GRANT ingest_operator TO fin, other; GRANT ingest_reader TO granted, nothing; GRANT ingest_consumer TO fin;
	GRANT fin, granted, other, nothing TO ingest_authenticator;
	CREATE SCHEMA shop AUTHORIZATION fin;
	CREATE SCHEMA copies AUTHORIZATION fin;
	GRANT USAGE ON SCHEMA shop TO granted, other, nothing;
	SET ROLE fin;
	CREATE TABLE shop.region (id int PRIMARY KEY, name text);
	INSERT INTO shop.region VALUES (1, 'North'), (2, 'South'), (3, 'West');
	CREATE TABLE shop.customer (id int PRIMARY KEY, name text, credit numeric, tags text[], doc jsonb, since date, ok bool, region_id int REFERENCES shop.region);
	INSERT INTO shop.customer SELECT i, CASE WHEN i % 7 <> 0 THEN 'customer ' || i END, i * 1.5, ARRAY['a', 'b' || i], jsonb_build_object('k', i), date '2026-01-01' + i, CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END, CASE WHEN i % 11 > 0 THEN 1 + (i - 1) % 2 END FROM generate_series(1, 50) i;
	CREATE TABLE shop.invoice (id bigint PRIMARY KEY, customer_id int REFERENCES shop.customer, amount numeric);
	INSERT INTO shop.invoice SELECT 9007199254740990 + i, 1 + i % 40, i * 1000 FROM generate_series(1, 150) i;
	CREATE TABLE shop.odd (id int PRIMARY KEY, name text, credit numeric, since date, ok bool);
	INSERT INTO shop.odd SELECT i, (ARRAY[NULL, '', ' ', 'null', 'NULL', 'true', 'a,b', '(c)', '{d}', 'e"f', E'g\\h', 'i.j', 'k''l', 'm&n=o', 'p+q', '%', '_', '*', 'r*s', 'Größe', '日本', '😀', E'tab\tx', E'line\nx', '$1', '->>', 'x--y', ';', '"', '""', '\\"', ',', ')', '"""', '#', '"a","b"'])[1 + i % 36],
		CASE WHEN i % 5 > 0 THEN i / 2.0 END, CASE WHEN i % 4 > 0 THEN date '2025-12-28' + i % 9 END, CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END FROM generate_series(1, 120) i;
	CREATE TABLE shop.secret (id int PRIMARY KEY, open text, hidden text);
	INSERT INTO shop.secret VALUES (1, 'seen', 'canary of fin');
	GRANT SELECT (id, open) ON shop.secret TO granted;
	CREATE TABLE shop.keyless (n int, "a b" text, "__c" text, "1d" text, "Größe" text, a_b text);
	INSERT INTO shop.keyless SELECT i FROM generate_series(1, 25) i;
	CREATE TABLE shop.kinds (id bigint PRIMARY KEY, small int2, big int8, exact numeric, rough float8, at timestamptz, day date, u uuid, j json, jb jsonb, words text[], numbers int8[], span interval, address inet, code varchar(9), raw bytea);
	INSERT INTO shop.kinds VALUES (1, 2, 9007199254740993, 1.10, 0.1, '2026-11-28 22:00+00', '2026-11-28', '00000000-0000-0000-0000-000000000001', '{"a": [1, null]}', '{"b": 2}', '{x,NULL,"y,z"}', '{1,9007199254740993}', '1 day 2 hours', '10.0.0.1', 'ab', '\x00ff');
	INSERT INTO shop.kinds VALUES (2);
	CREATE TABLE shop.mine (id int PRIMARY KEY, who text);
	INSERT INTO shop.mine SELECT i, w FROM unnest('{fin,granted,other}'::text[]) WITH ORDINALITY x (w, i);
	ALTER TABLE shop.mine ENABLE ROW LEVEL SECURITY; ALTER TABLE shop.mine FORCE ROW LEVEL SECURITY;
	CREATE POLICY own ON shop.mine USING (who = current_user);
	GRANT SELECT ON shop.mine TO granted, other;
	SELECT ingest_api.expose('shop.region', 'regions'), ingest_api.expose('shop.customer', 'customers'), ingest_api.expose('shop.invoice', 'invoices'), ingest_api.expose('shop.odd', 'odd'),
		ingest_api.expose('shop.secret'), ingest_api.expose('shop.keyless', 'keyless'), ingest_api.expose('shop.kinds', 'kinds'), ingest_api.expose('shop.mine', 'mine');
	CREATE TABLE shop.same (id int PRIMARY KEY); CREATE TABLE shop.same2 (id int PRIMARY KEY);
	SELECT ingest_api.expose('shop.same', 'a.b_c'), ingest_api.expose('shop.same2', 'a.b.c');
	RESET ROLE;
	GRANT fin TO postgres;
	SELECT format('CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
	CREATE USER MAPPING FOR postgres SERVER s OPTIONS (user 'postgres');
	SELECT ingest.register_source('shop', 's', schema => 'shop_ft', remote_schemas => '{shop}');
	CALL ingest.crawl('shop');
	SELECT ingest.set_owner('shop', 'fin');
});
my %token = map { $_ => sql("SET SESSION AUTHORIZATION $_; SELECT ingest_api.create_token('t', scopes => '{operate}')") } qw(fin granted other nothing);
$token{reading} = sql("SET SESSION AUTHORIZATION fin; SELECT ingest_api.create_token('reading')");

# -- by SQL --

sub quoted { return defined $_[0] ? "'" . ($_[0] =~ s/'/''/gr) . "'" : 'NULL'; }

# gql(role, document, variables, operation): the answer
sub gql
{
	my ($role, $document, $variables, $operation) = @_;
	my ($out, $err) = session_of($node, 'SET client_min_messages = error')->ask("SET ROLE $role; SELECT ingest_api.graphql(" . join(', ', quoted($document), defined $variables ? quoted(ref $variables ? JSON::PP->new->encode($variables) : $variables) : 'NULL', quoted($operation)) . ')');
	return { died => $err } if !defined $out || $out eq '';
	return JSON::PP->new->decode($out);
}
sub data { my $a = gql(@_); return exists $a->{data} && !$a->{errors} ? $a->{data} : $a; }
sub first_error { return gql(@_)->{errors}[0]; }
sub code { my $e = first_error(@_); return $e ? $e->{extensions}{code} : 'none'; }
my $canonical = JSON::PP->new->canonical;
sub same { my ($got, $want, $what) = @_; is($canonical->encode($got), $canonical->encode(JSON::PP->new->decode($want)), $what); }

same(data('fin', '{ regions { nodes { id name } } }'), '{"regions":{"nodes":[{"id":1,"name":"North"},{"id":2,"name":"South"},{"id":3,"name":"West"}]}}', 'rows');
same(data('fin', '{ kinds_by_key(id: 1) { small big exact rough at day u j jb words numbers span address code raw __typename } }'),
	'{"kinds_by_key":{"small":2,"big":"9007199254740993","exact":"1.10","rough":0.1,"at":"2026-11-28T22:00:00+00:00","day":"2026-11-28","u":"00000000-0000-0000-0000-000000000001","j":{"a":[1,null]},"jb":{"b":2},"words":["x",null,"y,z"],"numbers":["1","9007199254740993"],"span":"1 day 02:00:00","address":"10.0.0.1","code":"ab","raw":"\\\\x00ff","__typename":"Kinds"}}', 'values of every kind');
same(data('fin', '{ kinds_by_key(id: "2") { big words j } }'), '{"kinds_by_key":{"big":null,"words":null,"j":null}}', 'and none of them');
same(data('fin', '{ kinds_by_key(id: 3) { id } }'), '{"kinds_by_key":null}', 'a row that is not there');
same(data('fin', 'query ($a: Date, $b: [BigInt!], $c: JSON) { a: kinds(filter: {day: {eq: $a}, id: {in: $b}}) { totalCount } b: kinds(filter: {jb: {contains: $c}}) { totalCount } c: kinds(filter: {jb: {contains: {b: 2}}, words: {contains: ["x"]}, span: {gt: "1 hour"}, address: {eq: "10.0.0.1"}, at: {lte: "2026-11-29"}, u: {in: ["00000000-0000-0000-0000-000000000001"]}}) { totalCount } }',
	{ a => '2026-11-28', b => [ 1, '2' ], c => { b => 2 } }), '{"a":{"totalCount":1},"b":{"totalCount":1},"c":{"totalCount":1}}', 'conditions of every kind');
my $id = data('fin', '{ customers_by_key(id: 7) { nodeId } }')->{customers_by_key}{nodeId};
same(data('fin', 'query ($id: ID!) { node(nodeId: $id) { __typename nodeId ... on Customers { id region { name } } ... on Regions { name } } }', { id => $id }), qq({"node":{"__typename":"Customers","nodeId":"$id","id":7,"region":{"name":"North"}}}), 'a node by its id');
same(data('fin', "{ node(nodeId: \"$_\") { nodeId } }"), '{"node":null}', "no node: $_") for 'x', '', 'WzFd', 'WyJ4IiwiMSJd', '////', 'W10=';
same(data('granted', 'query ($id: ID!) { node(nodeId: $id) { nodeId } }', { id => $id }), '{"node":null}', 'a node of what may not be read is none');
same(data('fin', 'query a { __typename } query b { regions { totalCount } }', undef, 'b'), '{"regions":{"totalCount":3}}', 'the operation that is meant');
same(data('fin', 'query ($s: Boolean = true, $i: Boolean!) { regions(first: 1) { nodes { id @skip(if: $s) name @include(if: $i) } ... @include(if: $i) { totalCount } } }', { i => JSON::PP::false }), '{"regions":{"nodes":[{}]}}', 'skip and include');
same(data('fin', '{ keyless(first: 1) { nodes { n a_b _c: x_c d: _1d Gr_e: Gr__e } } }'), '{"keyless":{"nodes":[{"n":1,"a_b":null,"_c":null,"d":null,"Gr_e":null}]}}', 'names that are none of GraphQL');
my $types = join ' ', map { $_->{name} } @{ data('fin', '{ __schema { types { name } } }')->{__schema}{types} };
like($types, qr/\bABC\b.*\bABC_[0-9a-f]{8}\b/, 'resources whose names fall together have two');
is($types, join(' ', map { $_->{name} } @{ data('fin', '{ __schema { types { name } } }')->{__schema}{types} }), 'always the same');
like(data('fin', '{ __schema { queryType { fields { name description } } } }')->{__schema}{queryType}{fields}[-1]{description} // '', qr/./, 'described');
my ($seen, $cursor) = ('');
for (1 .. 3)
{
	my $page = data('fin', 'query ($c: String) { keyless(first: 10, after: $c) { nodes { n } pageInfo { endCursor hasNextPage } } }', { c => $cursor })->{keyless};
	$seen .= join(' ', map { $_->{n} } @{ $page->{nodes} }) . ($page->{pageInfo}{hasNextPage} ? ' ' : '.');
	$cursor = $page->{pageInfo}{endCursor};
}
is($seen, join(' ', 1 .. 25) . '.', 'pages of what has no key');
same(data('fin', '{ lineage_object(object: "shop.customer") { object upstream { kind part object { object upstream { object { object } } } } } }'),
	'{"lineage_object":{"object":"shop.customer","upstream":[{"kind":"foreign key","part":"shop.customer.region_id","object":{"object":"shop.region.id","upstream":[]}}]}}', 'lineage, step by step');
same(data('fin', '{ lineage(object: "shop.invoice", direction: "upstream", depth: 2) { distance from_object } }'),
	$canonical->encode({ lineage => JSON::PP->new->decode(sql(q{SET ROLE fin; SELECT json_agg(x) FROM (SELECT distance, from_object FROM ingest.lineage('shop.invoice', 'upstream', 2)) x})) }), 'and as it is asked for by SQL');
is(scalar(@{ data('fin', '{ tables(filter: {name: {eq: "customer"}}) { nodes { lineage { downstream { kind object { object } } } source { name tables_by_source { totalCount } } columns(first: 2, orderBy: [position_ASC]) { nodes { name } } } } }')->{tables}{nodes} }), 1, 'tables, both ways');

# -- what is refused --

for ([ '{', 'GRAPHQL_PARSE_FAILED', '1:2' ], [ "{\n  a(b: \"\\uD800\") }", 'GRAPHQL_PARSE_FAILED', '2:9' ], [ '{ a(b: "\u0000") }', 'GRAPHQL_PARSE_FAILED', '1:9' ], [ '{ nope }', 'GRAPHQL_VALIDATION_FAILED', '1:3' ], [ '{ regions(first: 1001) { totalCount } }', 'LIMIT_EXCEEDED', '1:3' ], [ '{ regions(first: -1) { totalCount } }', 'BAD_USER_INPUT', '1:3' ],
	[ '{ regions(first: 1, last: 1) { totalCount } }', 'BAD_USER_INPUT', '1:3' ], [ '{ regions(after: "x") { totalCount } }', 'BAD_USER_INPUT', '1:3' ], [ '{ regions(filter: {name: {eq: null}}) { totalCount } }', 'BAD_USER_INPUT', '1:27' ],
	[ '{ kinds(filter: {day: {eq: "x"}}) { totalCount } }', '22007', '' ], [ '{ kinds(filter: {jb: {eq: {a: 1}}, id: {eq: {a: 1}}}) { totalCount } }', 'BAD_USER_INPUT', '1:41' ], [ 'query a { __typename } query b { __typename }', 'OPERATION_RESOLUTION_FAILURE', '' ], [ 'subscription { a }', 'GRAPHQL_VALIDATION_FAILED', '1:16' ], [ 'subscription { events { id } }', 'OPERATION_RESOLUTION_FAILURE', '1:1' ],
	[ 'fragment F on Query { __typename }', 'GRAPHQL_VALIDATION_FAILED', '1:1' ], [ '{ keyless(last: 1) { totalCount } }', 'BAD_USER_INPUT', '1:3' ])
{
	my ($document, $code, $at) = @$_;
	my $e = first_error('fin', $document) // {};
	is(($e->{extensions}{code} // 'none') . ' ' . join(':', map { ($_->{line}, $_->{column}) } @{ $e->{locations} // [] }), "$code $at", "$document: " . ($e->{message} // ''));
}
is_deeply(gql('fin', '{ regions(first: 1001) { totalCount } }')->{errors}[0]{path}, ['regions'], 'with its path');
ok(!exists gql('fin', '{ nope }')->{data}, 'what was not executed has no data');
ok(exists gql('fin', '{ regions(first: 1001) { totalCount } }')->{data}, 'what was has none of it');
my %bad = ('query ($v: Int!) { regions(first: $v) { totalCount } }' => [ '{}', '{"v": null}', '{"v": "1"}', '{"v": 1.5}', '{"v": 3000000000}', '{"v": [1]}', '{"v": {}}', '{"v": true}' ],
	'query ($v: RegionsFilter) { regions(filter: $v) { totalCount } }' => [ '{"v": 1}', '{"v": {"nope": 1}}', '{"v": {"id": {"eq": "1"}}}', '{"v": {"and": [null]}}', '{"v": {"not": [{}]}}' ],
	'query ($v: [RegionsOrderBy!]) { regions(orderBy: $v) { totalCount } }' => [ '{"v": "nope"}', '{"v": [null]}', '{"v": 1}', '{"v": [["id_ASC"]]}' ]);
for my $document (sort keys %bad) { is(code('fin', $document, $_), 'BAD_USER_INPUT', "$document with $_") for @{ $bad{$document} }; }
is(code('fin', 'query ($v: Int = 2, $o: [RegionsOrderBy!]) { regions(first: $v, orderBy: $o) { totalCount } }', $_), 'none', "with $_") for '{}', '{"v": 1.0}', '{"v": 2e1, "o": "id_DESC"}', '{"v": null, "o": ["id_ASC", "name_DESC"]}';
my $deep = 'id';
$deep = $_ % 2 ? "region { $deep }" : "customers(first: 1) { nodes { $deep } }" for 1 .. 6;
is(code('fin', "{ regions { nodes { $deep } } }"), 'LIMIT_EXCEEDED', 'too deep');
is(code('fin', '{ ' . join(' ', map { "a$_: __typename" } 1 .. 100) . ' }'), 'none', 'a hundred aliases');
is(code('fin', '{ ' . join(' ', map { "a$_: __typename" } 1 .. 101) . ' }'), 'LIMIT_EXCEEDED', 'no more');
is(code('fin', '{ ' . '__typename ' x 500 . '}'), 'none', 'five hundred fields');
is(code('fin', '{ ' . '__typename ' x 501 . '}'), 'LIMIT_EXCEEDED', 'no more');
is(code('fin', '{ ' . '__typename,' x 1998 . '}'), 'LIMIT_EXCEEDED', 'two thousand words');
is(code('fin', '{ ...a0 } ' . join(' ', map { "fragment a$_ on Query { ...a" . ($_ + 1) . ' ...a' . ($_ + 1) . ' }' } 0 .. 30) . ' fragment a31 on Query { __typename }'), 'LIMIT_EXCEEDED', 'fragments that multiply');
is(code('fin', '{ regions(filter: ' . '{not: ' x 490 . '{}' . '}' x 490 . ') { totalCount } }'), 'none', 'as deep as words reach');
is(code('fin', '{ regions(filter: ' . '[' x 900 . ']' x 900 . ') { totalCount } }'), 'GRAPHQL_VALIDATION_FAILED', 'lists likewise');
is(first_error('fin', '{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }')->{extensions}{rule}, 'MaxIntrospectionDepth', 'lists of the schema that multiply');
is(code('fin', "{ x" . 'y' x 63 . ': __typename }'), 'LIMIT_EXCEEDED', 'a name that PostgreSQL would cut');
is(code('fin', 'query ($v: JSON) { kinds(filter: {jb: {eq: $v}}) { totalCount } }', '{"v": ' . '[' x 5000 . ']' x 5000 . '}'), 'none', 'a deep value');

# -- who sees what: every resource, its columns and rows, as for who looks by SQL --

sub graphql_type { my ($field) = @_; $field =~ s/(?<=.)_([a-z])/\u$1/g; return ucfirst $field; }
my $introspection = 'query ($t: String!) { __type(name: $t) { fields { name type { kind ofType { kind ofType { kind } } } } inputFields { name } enumValues { name } } }';
for my $role (qw(fin granted other nothing))
{
	my ($wrong, $checked) = ('', 0);
	for my $line (split /\n/, sql("SELECT r.name, r.relation, (SELECT string_agg(a.attname, ',' ORDER BY attnum) FROM pg_attribute a WHERE attrelid = r.relation AND attnum > 0 AND NOT attisdropped AND has_column_privilege('$role', attrelid, attnum, 'SELECT')),
		(SELECT string_agg(a.attname, ',' ORDER BY attnum) FROM pg_attribute a WHERE attrelid = r.relation AND attnum > 0 AND NOT attisdropped AND NOT has_column_privilege('$role', attrelid, attnum, 'SELECT'))
		FROM ingest_api_internal.resource r WHERE r.name NOT IN ('keyless', 'a.b_c', 'a.b.c') ORDER BY 1"))
	{
		my ($name, $relation, $columns, $not) = split /\|/, $line, -1;
		my $field = $name =~ s/\./_/gr;
		my $type = graphql_type($field);
		my $told = data($role, $introspection, { t => $type })->{__type};
		$checked++;
		if ($columns eq '')
		{
			$wrong .= " $name" if $told || (first_error($role, "{ $field { totalCount } }")->{message} // '') !~ /has no field/ || data($role, $introspection, { t => "${type}Filter" })->{__type};
			next;
		}
		my @columns = split /,/, $columns;
		my %has = map { $_->{name} => 1 } @{ $told->{fields} };
		my $filter = data($role, $introspection, { t => "${type}Filter" })->{__type}{inputFields};
		my $order = data($role, $introspection, { t => "${type}OrderBy" })->{__type}{enumValues};
		$wrong .= " $name lacks $_" for grep { !$has{$_} } @columns;
		for my $hidden (split /,/, $not)
		{
			$wrong .= " $name has $hidden" if $has{$hidden} || grep { $_->{name} eq $hidden } @$filter or grep { $_->{name} =~ /^\Q$hidden\E_(ASC|DESC)$/ } @$order;
			$wrong .= " $name tells of $hidden" if code($role, "{ $field { nodes { $hidden } } }") ne 'GRAPHQL_VALIDATION_FAILED' || code($role, "{ $field(filter: {$hidden: {isNull: true}}) { totalCount } }") ne 'GRAPHQL_VALIDATION_FAILED';
		}
		my $rows = data($role, "{ $field(first: 1000) { nodes { @columns } totalCount } }")->{$field};
		my $count = sql("SET ROLE $role; SELECT count(" . ($columns eq '' ? '*' : '1') . ") FROM (SELECT $columns FROM $relation) x");
		$wrong .= " $name: " . ($rows ? $rows->{totalCount} : 'no') . " rows, not $count" unless $rows && $rows->{totalCount} == $count && @{ $rows->{nodes} } == ($count < 1000 ? $count : 1000);
	}
	is($wrong, '', "$role sees what it sees by SQL, and nothing else: $checked resources");
}
same(data('granted', '{ mine { nodes { who } } }'), '{"mine":{"nodes":[{"who":"granted"}]}}', 'row-level security is the asking role\'s');
same(data('other', '{ mine { nodes { who } } }'), '{"mine":{"nodes":[{"who":"other"}]}}', 'and another one\'s');
my $whole = encode_json(data('granted', '{ __schema { types { name description fields { name description type { name } } inputFields { name } enumValues { name } } } }'));
unlike($whole, qr/hidden\b|canary|regions|Invoices/i, 'what may not be read is nowhere in the schema');
sql('SET ROLE fin; ALTER TABLE shop.region ADD since date; ALTER TABLE shop.region RENAME name TO called');
same(data('fin', '{ regions_by_key(id: 1) { called since } }'), '{"regions_by_key":{"called":"North","since":null}}', 'what changes is seen at once');
is(code('fin', '{ regions { nodes { name } } }'), 'GRAPHQL_VALIDATION_FAILED', 'what is gone, too');
sql('SET ROLE fin; ALTER TABLE shop.region DROP since; ALTER TABLE shop.region RENAME called TO name; GRANT SELECT ON shop.region TO granted');
is(code('granted', '{ regions { nodes { id name } } }'), 'none', 'what is granted is there');
sql('SET ROLE fin; REVOKE SELECT ON shop.region FROM granted');
is(code('granted', '{ regions { nodes { id name } } }'), 'GRAPHQL_VALIDATION_FAILED', 'what is revoked is not');

# -- nothing that is read writes; what is done --

sql(q{
	CREATE SCHEMA trap AUTHORIZATION other; GRANT USAGE ON SCHEMA trap TO PUBLIC; SET ROLE other;
	CREATE TABLE trap.written (t text); GRANT INSERT ON trap.written TO PUBLIC;
	CREATE FUNCTION trap.become(what text) RETURNS text LANGUAGE plpgsql AS $$
	BEGIN
		CASE what
			WHEN 'role' THEN PERFORM set_config('role', 'postgres', true);
			WHEN 'reset' THEN EXECUTE 'RESET ROLE';
			WHEN 'write' THEN INSERT INTO trap.written VALUES ('x');
			WHEN 'mode' THEN SET transaction_read_only = off; INSERT INTO trap.written VALUES ('x');
			WHEN 'graphql' THEN PERFORM ingest_api.graphql('mutation { pause_source(source: "shop") }');
			ELSE NULL;
		END CASE;
		RETURN current_user;
	EXCEPTION WHEN insufficient_privilege OR read_only_sql_transaction OR active_sql_transaction OR invalid_parameter_value THEN
		RETURN 'no: ' || sqlerrm;
	END $$;
	CREATE VIEW trap.all AS SELECT w AS what, trap.become(w) AS is FROM unnest('{role,reset,write,mode,graphql,nothing}'::text[]) w;
	GRANT SELECT ON trap.all TO PUBLIC;
	SELECT ingest_api.expose('trap.all', 'trap');
});
for my $role (qw(fin granted))
{
	my %is = map { $_->{what} => $_->{is} } @{ data($role, '{ trap { nodes { what is } } }')->{trap}{nodes} };
	like($is{$_}, qr/^no: |^\Q$role\E$/, "$role: $_") for qw(role reset write mode graphql);
	is($is{nothing}, $role, "$role stays $role");
}
is(sql('SELECT count(*) FROM trap.written'), 0, 'nothing was written');
is(sql('SELECT state FROM ingest.source_status'), 'active', 'or done');
unlike($canonical->encode(data('granted', '{ __schema { mutationType { fields { name } } } }')), qr/pause_source/, 'what one may not do is not there');
is(code('granted', 'mutation { pause_source(source: "shop") }'), 'GRAPHQL_VALIDATION_FAILED', 'and is not done');
is(code('other', 'mutation { pause_source(source: "shop") }') =~ /^\w{5}$/ ? 1 : 0, 1, 'who may not do it here is told so');
is(sql('SELECT state FROM ingest.source_status'), 'active', 'and it is not done');
is(code('fin', 'mutation { a: pause_source(source: "shop") b: pause_source(source: "nope") }') =~ /^\w{5}$/ ? 1 : 0, 1, 'one of two fails');
is(sql('SELECT state FROM ingest.source_status'), 'active', 'and neither is done');
same(data('fin', 'mutation ($s: String!) { a: pause_source(source: $s) __typename }', { s => 'shop' }), '{"a":true,"__typename":"Mutation"}', 'what is done');
is(sql('SELECT state FROM ingest.source_status'), 'paused', 'is done');
my %routes = map { $_ => 1 } split /\n/, sql("SELECT function FROM ingest_api_internal.route r WHERE EXISTS (SELECT FROM pg_proc p WHERE p.proname = r.function AND p.pronamespace = 'ingest_api'::regnamespace AND has_function_privilege('fin', p.oid, 'EXECUTE'))");
my %fields = map { $_->{name} => 1 } map { @{ $_->{fields} } } @{ data('fin', '{ __schema { queryType { fields { name } } mutationType { fields { name } } } }')->{__schema} }{qw(queryType mutationType)};
is(join(' ', grep { !$fields{$_} } sort keys %routes), '', 'every address that a function answers is a field');
sql("SELECT ingest.resume('shop')");

# -- values and names are never SQL --

my @payloads = (q{'}, q{';DROP TABLE shop.region;--}, q{"}, q{");DROP TABLE shop.region;--}, q{$1}, q{$$}, q{\\}, q{\\'}, q{' OR '1'='1}, q{1);SELECT pg_sleep(9);--}, q{*/}, q{/*}, q{E'\\x27'}, q{U&'\\0027'}, q{::regclass}, q{t1.hidden}, q{%s}, q{{}}, q{x" FROM shop.secret--}, "\x{7f}", q{"""});
my @places = ('{ %n { totalCount } }', '{ %n: __typename }', '{ odd { nodes { %n } } }', '{ odd(%n: 1) { totalCount } }', '{ odd(filter: {%n: {eq: 1}}) { totalCount } }', '{ odd(filter: {name: {%n: "x"}}) { totalCount } }', '{ odd(orderBy: [%n]) { totalCount } }', '{ ... on %n { a } }', '{ __typename @%n }', 'query %n { __typename }', 'query ($%n: Int) { __typename }',
	map({ "{ odd(filter: {name: {$_: %s}}) { nodes { id } } }" } qw(eq ne lt lte gt gte like ilike)), '{ odd(filter: {name: {in: [%s]}}) { nodes { id } } }', '{ odd(filter: {credit: {eq: %s}}) { nodes { id } } }', '{ odd(filter: {since: {eq: %s}}) { nodes { id } } }', '{ odd(filter: {ok: {eq: %s}}) { nodes { id } } }', '{ kinds(filter: {words: {contains: [%s]}}) { nodes { id } } }', '{ kinds(filter: {jb: {contains: {a: %s}}}) { nodes { id } } }',
	'{ kinds(filter: {span: {eq: %s}}) { nodes { id } } }', '{ odd(after: %s) { nodes { id } } }', '{ odd(last: 1, before: %s) { nodes { id } } }', '{ node(nodeId: %s) { nodeId } }', '{ kinds_by_key(id: %s) { id } }', '{ lineage_object(object: %s) { upstream { kind } } }', '{ lineage(object: %s, direction: %s) { kind } }', '{ __type(name: %s) { name } }', 'mutation { pause_source(source: %s) }');
my $from = -s $node->logfile;
my (@strange, @asked);
for my $place (@places)
{
	for my $payload (@payloads)
	{
		my $string = encode_json([$payload]) =~ s/^\[|\]$//gr =~ s/\\u007f/\x7f/r;
		my $document = $place =~ s/%n/$payload/gr =~ s/%s/$string/gr;
		push @asked, $document;
		# the same as a variable
		push @asked, $document = ($place =~ s/%s/\$v/gr =~ s/^\{/query (\$v: String) {/r =~ s/^mutation/mutation (\$v: String!)/r) . "\0" . encode_json({ v => $payload }) if $place =~ /%s/;
	}
	# what a cursor or an id holds is a value, too
	push @asked, map { my $inner = $_; use MIME::Base64; $place =~ s/%s/'"' . encode_base64(encode_json([ 'odd id', $inner ]), '') . '"'/ger } @payloads if $place =~ /after|before/;
	push @asked, map { my $inner = $_; $place =~ s/%s/'"' . encode_base64(encode_json([ 'odd', $inner ]), '') . '"'/ger } @payloads if $place =~ /nodeId: %s/;
}
my $script = "SET client_min_messages = error; SET ROLE fin;\n" . join('', map { my ($d, $v) = split /\0/; 'SELECT ingest_api.graphql(' . quoted($d) . ', ' . quoted($v) . ");\n" } @asked);
my ($code, $out, $err) = $node->psql($p, $script, on_error_stop => 1);
is($code, 0, scalar(@asked) . ' payloads: an answer or a refusal') or diag($err);
my @answers = split /\n/, $out;
is(scalar(@answers), scalar(@asked), 'each');
is(join("\n", grep { !/^\{"(data|errors)":/ } @answers), '', 'which is one of GraphQL');
is(sql('SELECT count(*) FROM shop.region'), 3, 'and nothing else');
unlike(slurp_file($node->logfile, $from), qr/syntax error(?! for type| at or near "x")|canary/, 'none of them was ever part of a statement');

# -- the manual: ten questions --

my $manual = slurp_file('../docs/ingest_api.md');
my @questions = $manual =~ /```graphql\n(.*?)```/gs;
cmp_ok(scalar(@questions), '>=', 10, 'ten questions');
for my $question (@questions)
{
	my $answer = gql('fin', $question, {});
	my ($first) = $question =~ /^# (.*)/;
	ok($answer->{data} && !$answer->{errors}, 'answered: ' . ($first // $question)) or diag(encode_json($answer));
}

# -- through the gateway --

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $folder = PostgreSQL::Test::Utils::tempdir('graphql');
my $gateway = IPC::Run::start([ $node->config_data('--bindir') . '/pg_ingest_gateway', '--listen', "127.0.0.1:$port", '--dsn', 'host=' . $node->host . ' port=' . $node->port . " dbname=$p user=ingest_authenticator" ], '<', '/dev/null', '>', '/dev/null', '2>', "$folder/log");
sub curl { my ($o, $e); IPC::Run::run([ 'curl', '-s', @_ ], '>', \$o, '2>', \$e); return $o; }
my $until = time() + $PostgreSQL::Test::Utils::timeout_default;
sleep(0.1) until curl("http://127.0.0.1:$port/readyz") eq "ok\n" || time() > $until;
my $address = "http://127.0.0.1:$port/graphql";
# http(role, curl's arguments): the status and the body
sub http { my $role = shift; return reverse split /\n(?=\d+$)/, curl('-w', "\n%{http_code}", $role ? ('-H', "Authorization: Bearer $token{$role}") : (), @_); }
my @json = ('-H', 'Content-Type: application/json');
is((http(undef, $address . '?query={__typename}', '-g'))[0], 401, 'nobody asks without a token');
is((http('fin', '-g', "$address?query={__typename}"))[1], '{"data":{"__typename":"Query"}}', 'by GET');
is((http('fin', '-G', '--data-urlencode', 'query=mutation { pause_source(source: "shop") }', $address))[0], 405, 'GET does nothing');
is(sql('SELECT state FROM ingest.source_status'), 'active', 'truly');
like((http('reading', @json, '-d', '{"query": "mutation { pause_source(source: \"shop\") }"}', $address))[1], qr/OPERATION_RESOLUTION_FAILURE|has no field/, 'a token that is for reading does nothing');
is((http('reading', @json, '-d', '{"query": "{ __schema { mutationType { name } } }"}', $address))[1], '{"data":{"__schema":{"mutationType":null}}}', 'and is shown nothing to do');
is(sql('SELECT state FROM ingest.source_status'), 'active', 'nothing was done');
unlike((http('fin', @json, '-d', '{"query": "{ __schema { mutationType { fields { name } } } }"}', $address))[1], qr/make_token|expose_relation/, 'what needs a wider scope is not there');
is((http('fin', @json, '-d', '{"query": "mutation { pause_source(source: \"shop\") }"}', $address))[1], '{"data":{"pause_source":true}}', 'POST does');
is(sql('SELECT state FROM ingest.source_status'), 'paused', 'it is done');
is((http('fin', '-H', 'Content-Type: text/plain', '-d', '{"query": "{__typename}"}', $address))[0], 415, 'what a form could send is refused');
is((http('fin', '-X', 'PUT', @json, '-d', '{}', $address))[0], 405, 'PUT is nothing');
is((http('fin', @json, '-H', 'Accept: text/html', '-d', '{"query": "{__typename}"}', $address))[0], 406, 'another form');
is((http('granted', @json, '-d', '{"query": "{ regions { totalCount } }"}', $address))[1] =~ /has no field/ ? 1 : 0, 1, 'a token is its role');
open my $rows, '>', "$folder/rows.json" or die $!;
print $rows sql(q{SELECT json_build_object('odd', (SELECT json_agg(json_build_object('id', id, 'name', name, 'credit', credit::text, 'since', since, 'ok', ok)) FROM shop.odd), 'regions', (SELECT json_agg(r) FROM shop.region r),
	'customers', (SELECT json_agg(json_build_object('id', id, 'name', name, 'credit', credit::text, 'since', since, 'ok', ok, 'region_id', region_id)) FROM shop.customer), 'invoices', (SELECT json_agg(json_build_object('id', id::text, 'customer_id', customer_id, 'amount', amount::text)) FROM shop.invoice))});
close $rows;
my ($said, $good);
$good = IPC::Run::run([ '/usr/bin/python3', '-B', 'api/graphql.py', $address, $token{fin}, "$folder/rows.json", $ENV{API_QUERIES} // 300, $ENV{API_SEED} // int(rand(1e6)) ], '>', \$said, '2>', \$err);
ok($good, 'random queries give what they should') or diag($said, $err);
note($said);
SKIP:
{
	skip 'the clients come by npm', 3 unless $ENV{NODE_PATH};
	$good = IPC::Run::run([ 'node', 'api/graphql.cjs', 'audit', $address, $token{fin} ], '>', \$said, '2>&1');
	ok($good, 'GraphQL over HTTP: the audit finds neither errors nor warnings') or diag($said);
	note($said);
	my $ask = q{query { __schema { description queryType { name } mutationType { name } subscriptionType { name } types { kind name description specifiedByURL fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...V } type { ...T } isDeprecated deprecationReason }
		inputFields(includeDeprecated: true) { ...V } interfaces { ...T } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...T } } directives { name description isRepeatable locations args(includeDeprecated: true) { ...V } } } }
		fragment V on __InputValue { name description type { ...T } defaultValue isDeprecated deprecationReason } fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }};
	append_to_file("$folder/schema.json", encode_json(gql('fin', $ask)));
	$good = IPC::Run::run([ 'node', 'api/graphql.cjs', 'schema', "$folder/schema.json" ], '>', \$said, '2>&1');
	ok($good, 'graphql-js makes a schema of what introspection tells') or diag($said);
	my $documents = $ENV{API_DOCUMENTS} // 1500;
	IPC::Run::run([ 'node', 'api/graphql.cjs', 'documents', "$folder/documents", $documents, $ENV{API_SEED} // int(rand(1e6)), "$folder/schema.json" ], '>', \$said, '2>&1') or diag($said);
	($code, $out, $err) = $node->psql($p, "SET client_min_messages = error; BEGIN; CREATE TEMP TABLE d (id serial, q text); GRANT ALL ON d TO fin;\n\\copy d(q) FROM '$folder/documents'\nSET ROLE fin;\n\\copy (SELECT ingest_api.graphql(q) FROM d ORDER BY id) TO '$folder/answers'\nROLLBACK", on_error_stop => 1);
	$good = $code == 0 && IPC::Run::run([ 'node', 'api/graphql.cjs', 'compare', "$folder/documents", "$folder/answers", "$folder/schema.json" ], '>', \$said, '2>&1');
	ok($good, "$documents documents: graphql-js and this say the same of each") or diag($said, $err);
	note($said);
}
$gateway->signal('TERM');
$gateway->finish;
done_testing();
