# Copies in odd worlds: foreign keys between them, columns that draw their own values, deletions that no stamp tells of, and
# versions of values of every type
use strict;
use warnings;
use Sandbox;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('worlds');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;
sub sql { return $node->safe_psql('postgres', $_[0]) }
my ($host, $port) = ($node->host, $node->port);
sql("CREATE EXTENSION ingest CASCADE; CREATE EXTENSION postgres_fdw; CREATE SCHEMA shop; CREATE SCHEMA c;
	CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER shop OPTIONS (user 'postgres');
	CREATE TABLE shop.head (id int PRIMARY KEY, v text, changed timestamptz DEFAULT now());
	CREATE TABLE shop.line (id int PRIMARY KEY, head int, v text, changed timestamptz DEFAULT now());
	INSERT INTO shop.head SELECT i, 'h' FROM generate_series(1, 10) i; INSERT INTO shop.line SELECT i, 1 + i % 10, 'l' FROM generate_series(1, 100) i;
	CREATE TABLE shop.drawn (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, changed timestamptz DEFAULT now()); INSERT INTO shop.drawn (a) SELECT i FROM generate_series(1, 50) i;
	CREATE TABLE shop.alone (id int PRIMARY KEY, v text, changed timestamptz DEFAULT now()); INSERT INTO shop.alone SELECT i, 'a' FROM generate_series(1, 30) i;
	SELECT ingest.register_source('shop', 'shop', schema => 'there', remote_schemas => '{shop}')");
sql("CALL ingest.crawl('shop')");
sub sync { sql("CALL ingest.sync('c.$_[0]')") for 1 .. ($_[1] // 1); return }
sub apart { my ($t, $columns) = @_; return sql("SELECT count(*) FROM ((SELECT $columns FROM shop.$t EXCEPT SELECT $columns FROM c.$t) UNION ALL (SELECT $columns FROM c.$t EXCEPT SELECT $columns FROM shop.$t)) d") }

# A foreign key between the copies of lines and headers
sql("SELECT ingest.create_sync('there.head', 'c.head', key => '{id}', cursor_column => 'changed', history => true);
	SELECT ingest.create_sync('there.line', 'c.line', key => '{id}', cursor_column => 'changed', parent => 'c.head', parent_column => 'head', history => true)");
my $gone = 1;
for my $when ('', 'DEFERRABLE INITIALLY DEFERRED', 'DEFERRABLE INITIALLY IMMEDIATE')
{
	sql("ALTER TABLE c.line DROP CONSTRAINT IF EXISTS whose; ALTER TABLE c.line ADD CONSTRAINT whose FOREIGN KEY (head) REFERENCES c.head $when");
	sync('head');
	sql("DELETE FROM shop.line WHERE head = $gone; DELETE FROM shop.head WHERE id = $gone; INSERT INTO shop.head (id, v) VALUES (100 + $gone, 'new'); INSERT INTO shop.line (id, head, v) VALUES (1000 + $gone, 100 + $gone, 'new')");
	sql("SELECT ingest.reload('c.head', true); UPDATE shop.head SET v = v || '!', changed = now() WHERE id > 5");
	sync('head');
	is(apart('head', 'id, v') . apart('line', 'id, head, v'), '00', "a header goes with its lines, and another comes: foreign key $when");
	$gone++;
}
# somebody else's table refers to a header: that one stays, and nothing else does
sql("CREATE TABLE c.mine (head int REFERENCES c.head); INSERT INTO c.mine VALUES (4); DELETE FROM shop.line WHERE head IN (4, 5); DELETE FROM shop.head WHERE id IN (4, 5); SELECT ingest.reload('c.head', true)");
sql("UPDATE shop.head SET v = 'on', changed = now() WHERE id = 6");
sync('head');
is(sql("SELECT string_agg(id::text, ' ' ORDER BY id) FROM c.head WHERE id BETWEEN 4 AND 6 AND (id < 6 OR v = 'on')"), '4 5 6', 'rows that others refer to stay, and the rest goes on');
is(sql("SELECT severity, summary FROM ingest.anomaly WHERE kind = 'deletion'"), 'warning|rows of c.head that are no longer at the source were not deleted: others refer to them', 'and it is told');
is(sql("SELECT last_state FROM ingest.table_status WHERE sync = 'c.head'") =~ /^succeeded/ ? 1 : 0, 1, 'the run is no failure');
sql("DROP TABLE c.mine; SELECT ingest.reload('c.head', true)");
sync('head');
is(apart('head', 'id, v') . apart('line', 'id, head, v'), '00', 'when nobody refers to them any more they go');
is(sql("SELECT count(*) FROM (SELECT DISTINCT ON (sync, key) after FROM ingest.change ORDER BY sync, key, seq DESC) l WHERE after IS NOT NULL"), sql('SELECT (SELECT count(*) FROM c.head) + (SELECT count(*) FROM c.line)'), 'history says the same');

# A table of the user's whose columns draw their own values
sql("CREATE TABLE c.drawn (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, mine int GENERATED ALWAYS AS (a * 3) STORED, changed timestamptz);
	SELECT ingest.create_sync('there.drawn', 'c.drawn', key => '{id}', cursor_column => 'changed', history => true)");
sync('drawn');
sql("UPDATE shop.drawn SET a = a + 1, changed = now() WHERE id < 10; INSERT INTO shop.drawn (a) VALUES (7)");
sync('drawn');
is(apart('drawn', 'id, a, changed'), '0', 'what the source says counts');
is(sql("SELECT bool_and((after->>'mine')::int = 3 * (after->>'a')::int) FROM ingest.change c JOIN ingest.sync s ON s.id = c.sync WHERE s.name = 'c.drawn'"), 't', 'versions have what is computed');

# Rows that go, and nothing else happens: the count of each run tells, long before keys are to be compared
sql("SELECT ingest.create_sync('there.alone', 'c.alone', key => '{id}', cursor_column => 'changed', overlap => '0', reconcile_every => '10 years')");
sync('alone', 2);
sql('DELETE FROM shop.alone WHERE id IN (3, 4)');
sync('alone', 3);
is(apart('alone', 'id'), '0', 'deletions alone are noticed');

# Keys that lie further apart than a bigint holds, one of whose rows cannot be read
sql("CREATE TABLE shop.wide (id bigint PRIMARY KEY, v text, changed timestamptz DEFAULT now() - interval '1 hour'); INSERT INTO shop.wide (id, v) SELECT -9000000000000000000 + i * 18000000000000000::numeric, CASE i WHEN 700 THEN 'bad' ELSE i::text END FROM generate_series(0, 1000) i");
sql("CALL ingest.crawl('shop')");
sql("ALTER FOREIGN TABLE there.wide ALTER v TYPE integer; SELECT ingest.create_sync('there.wide', 'c.wide', key => '{id}', cursor_column => 'changed')");
sync('wide');
is(sql("SELECT count(*) FROM c.wide") . sql("SELECT string_agg(key->>'id', ' ') FROM ingest.rejected_row WHERE content IS NULL"), '10003600000000000000000', 'it is found, and alone stays away');
sql("UPDATE shop.wide SET v = '1' WHERE v IN ('bad', '3')");
sql("CALL ingest.redrive('c.wide')");
sql("SELECT ingest.reload('c.wide', true)");
sync('wide');
is(apart('wide', 'id, v::text'), '0', 'and a comparison of keys finds what is between them');

# Tables of one name in two schemas, of one source and of two sources of one server
sql("CREATE SCHEMA ts_a; CREATE SCHEMA ts_b; CREATE TABLE ts_a.orders (id int PRIMARY KEY, v text); CREATE TABLE ts_b.orders (company int, id int, v text, PRIMARY KEY (company, id));
	INSERT INTO ts_a.orders SELECT i, 'a' FROM generate_series(1, 5) i; INSERT INTO ts_b.orders SELECT i % 3, i / 3, 'b' FROM generate_series(0, 14) i;
	SELECT ingest.register_source('a', 'shop', schema => 'there_a', remote_schemas => '{ts_a}'); SELECT ingest.register_source('b', 'shop', schema => 'there_b', remote_schemas => '{ts_b}');
	SELECT ingest.register_source('ab', 'shop', schema => 'there_ab', remote_schemas => '{ts_a,ts_b}')");
sql("CALL ingest.crawl('$_')") for qw(a b ab);
is(sql("SELECT string_agg(local_schema || '.' || local_name || array_to_string(key, '+', ''), ' ' ORDER BY local_schema, local_name) FROM ingest.source_table WHERE name = 'orders'"),
	'there_a.ordersid there_ab.ordersid there_ab.ts_b_orderscompany+id there_b.orderscompany+id', 'each has its own key');
sql("SELECT ingest.create_sync('there_b.orders', 'c.of_b', mode => 'full'); SELECT ingest.create_sync('there_ab.ts_b_orders', 'c.of_ab', mode => 'full')");
sync('of_b');
sync('of_ab');
is(sql('SELECT (SELECT count(*) FROM c.of_b), (SELECT count(*) FROM c.of_ab)'), '15|15', 'and all rows arrive');

# Keys that are arrays, and types that another extension casts to json
sql("CREATE EXTENSION hstore; CREATE TABLE shop.arr (k int[] PRIMARY KEY, h hstore, changed timestamptz DEFAULT now()); INSERT INTO shop.arr VALUES ('{1}', 'a=>1'), ('{2,3}', 'b=>NULL')");
sql("ALTER SERVER shop OPTIONS (ADD extensions 'hstore')");
sql("CALL ingest.crawl('shop')");
sql("SELECT ingest.create_sync('there.arr', 'c.arr', key => '{k}', cursor_column => 'changed', history => true)");
sync('arr');
my $then = sql('SELECT clock_timestamp()');
sql("DELETE FROM shop.arr WHERE k = '{1}'; UPDATE shop.arr SET h = 'c=>3', changed = now(); SELECT ingest.reload('c.arr', true)");
sync('arr');
is(apart('arr', 'k, h::text'), '0', 'a row whose key is an array is deleted');
is(sql("SELECT string_agg(k::text || h::text, ' ' ORDER BY k) FROM ingest.as_of(NULL::c.arr, '$then')"), '{1}"a"=>"1" {2,3}"b"=>NULL', 'and was what it was');
is(sql('SELECT count(*) FROM c.arr_history'), '4', 'versions of a type with a cast to json are read again');

# A cursor that got another name at the source: what the hint says is what helps
sql("CREATE TABLE shop.ren (id int PRIMARY KEY, v text, changed timestamptz DEFAULT now()); INSERT INTO shop.ren VALUES (1, 'a')");
sql("CALL ingest.crawl('shop')");
sql("SELECT ingest.create_sync('there.ren', 'c.ren', key => '{id}', cursor_column => 'changed')");
sync('ren');
sql("ALTER TABLE shop.ren RENAME changed TO modified; UPDATE shop.ren SET v = 'b', modified = now()");
sql("CALL ingest.crawl('shop')");
isnt($node->psql('postgres', "CALL ingest.sync('c.ren')"), 0, 'a cursor that is gone stops its sync');
sql("SELECT ingest.alter_sync('c.ren', cursor_column => 'modified'); SELECT ingest.resume(sync => 'c.ren')");
sync('ren');
is(apart('ren', 'id, v, modified'), '0', 'named anew it goes on');

# What has no greatest value is no cursor, and that is said when the sync is made
sql("CREATE TABLE shop.odd (id int PRIMARY KEY, u uuid, b bytea, j jsonb, f boolean)");
sql("CALL ingest.crawl('shop')");
for my $column (qw(u j f))
{
	my ($out, $err);
	$node->psql('postgres', "SELECT ingest.create_sync('there.odd', 'c.odd', key => '{id}', cursor_column => '$column')", stdout => \$out, stderr => \$err);
	like($err, qr/column "$column" of there.odd cannot be a cursor: values of its type have no maximum/, "a cursor $column is refused");
}

# Versions are what to_jsonb gives, to the last bit, of every type
is(sql(<<'SQL'), "9|7\n9\nt\nt\n9\n1\n1", 'a row as JSON, in one zone for all, and back');
CREATE SCHEMA ty; SET search_path = ty, public;
CREATE TYPE mood AS ENUM ('a', 'b'); CREATE TYPE pair AS (x int, y text); CREATE DOMAIN pos AS int CHECK (VALUE > 0); CREATE DOMAIN arr AS int[]; CREATE TYPE own AS (z int);
CREATE FUNCTION own_json(own) RETURNS json LANGUAGE sql IMMUTABLE AS $$SELECT json_build_object('own', ($1).z)$$; CREATE CAST (own AS json) WITH FUNCTION own_json(own);
CREATE TABLE k (b bool, i2 int2, i4 int4, i8 int8, n numeric, n2 numeric(10,3), f4 float4, f8 float8, d date, t timestamp, z timestamptz, ti time, tz timetz, iv interval, x text, vc varchar(9), c char(5), nm name, u uuid, by bytea,
 j json, jb jsonb, ia int[], ta text[][], m mood, p pair, po pos, ar arr, o own, mo money, ine inet, ci cidr, mac macaddr, bi bit(3), vb varbit, rng int4range, mr int4multirange, pt point, tsv tsvector, xm xml, ch "char", oi oid, rc regclass, x8 xid8, pl pg_lsn, jp jsonpath, "Größe ""q""" text, a text, bb text, gone int, gen int GENERATED ALWAYS AS (i4 * 2) STORED);
ALTER TABLE k DROP COLUMN gone;
INSERT INTO k VALUES (true, 1, -2, 9223372036854775807, 'NaN', 1.500, 'NaN', 1e300, 'infinity', '-infinity', now(), '24:00', '12:00+02', '1 mon -2 days', E'a\n"\\\u00e4', 'v', 'c', 'nm', gen_random_uuid(), '\x00ff', '{"a" : [1, null]}', '{"z": {"y": [true, "x", null, 1.10]}}', '{1,NULL,3}', '{{a,b},{c,NULL}}', 'b', '(1,"q,""")', 3, '{1}', '(7)', '$1.50', '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '101', '1', '[1,5)', '{[1,2),[5,9)}', '(1,2)', 'a:1 b', '<a/>', 'c', 5, 'pg_class', '77', '0/1', '$.a', 'ü', NULL, '');
INSERT INTO k (n, f4, f8, d, t, z, jb, j, ia, n2) VALUES ('Infinity', '-Infinity', '-0', '4713-01-01 BC', '294276-12-31 23:59:59.999999', '0044-03-15 BC', 'null', 'null', '{}', 1e6), ('-Infinity', 0.1, 1e-300, '2026-11-28', '2026-11-28 12:00:00.5', '2026-11-28 12:00+05:45', '"x"', '[]', '[0:1]={1,2}', -0.001), (1.10, 1e20, 123456789012345680, NULL, NULL, NULL, '[]', '1', NULL, 0), (0.000, 1, 100, NULL, NULL, NULL, '{}', '"s"', NULL, NULL);
INSERT INTO k DEFAULT VALUES;
INSERT INTO k (x, n, jb) SELECT repeat(md5(i::text), 3000), (i::text || repeat('7', 3000))::numeric, jsonb_build_object('big', repeat('x', 100000), 'a', i) FROM generate_series(1, 3) i;
SET timezone = 'UTC'; SET extra_float_digits = 1;
SELECT count(*), count(*) FILTER (WHERE ingest_internal.row_json(k) = to_jsonb(k) AND ingest_internal.row_json(k)::text = to_jsonb(k)::text AND pg_column_size(ingest_internal.row_json(k)) = pg_column_size(to_jsonb(k))) AS same FROM k;
SELECT count(*) FILTER (WHERE ingest_internal.key_json('b'::text, i8, 'aa'::text, z, 'a'::text, p, 'c'::text, n)::text = jsonb_build_object('b', i8, 'aa', z, 'a', p, 'c', n)::text) FROM k;
CREATE TABLE utc AS SELECT ctid AS c, ingest_internal.row_json(k) AS j, ingest_internal.key_json('z'::text, z) AS key FROM k; SET timezone = 'Asia/Kathmandu';
SELECT bool_and(ingest_internal.row_json(k)::text = utc.j::text AND ingest_internal.key_json('z'::text, k.z)::text = utc.key::text) AND current_setting('timezone') = 'Asia/Kathmandu' FROM k JOIN utc ON utc.c = k.ctid;
SELECT ingest_internal.row_json(r)::text = to_jsonb(r)::text FROM (SELECT i4 AS q, x AS "Z", NULL AS nothing FROM k) r LIMIT 1;
-- what JSON has no word for as well; but json is as jsonb writes it
UPDATE k SET j = j::jsonb::json;
CREATE TYPE deep AS (n int, h hstore[], k mood[]);
ALTER TABLE k ADD h hstore, ADD hs hstore[], ADD de deep, ADD mk jsonb, ADD iv2 int2vector;
UPDATE k SET h = 'a=>1', hs = '[2:3]={"a=>1",NULL}', de = (1, '{"x=>\"y z\""}', '{a,b}'), mk = '{"$json": null}', iv2 = '1 2' WHERE b;
SELECT count(*) FILTER (WHERE ingest_internal.row_of_json(NULL::k, ingest_internal.row_json(k))::text = k::text) FROM k;
SELECT count(*) FROM k WHERE f8::text = '-0' AND jb = 'null' AND ingest_internal.row_json(k) @> '{"f8": "-0", "jb": {"$json": null}, "j": {"$json": null}}';
SELECT count(*) FROM k WHERE ingest_internal.row_json(k) ->> 'ia' = '[0:1]={1,2}';
SQL

# A day of history that somebody looks at with a trigger or an index gets its versions all the same
my $day = sql("SELECT 'ingest.change_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD')");
my $versions = "SELECT count(*) FROM ingest.change c JOIN ingest.sync s ON s.id = c.sync WHERE s.name = 'c.drawn'";
sql("CREATE TABLE c.seen (n int); CREATE FUNCTION c.saw() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN INSERT INTO c.seen VALUES (1); RETURN NULL; END'; CREATE TRIGGER saw AFTER INSERT ON $day FOR EACH ROW EXECUTE FUNCTION c.saw()");
my $before = sql($versions);
sql("UPDATE shop.drawn SET a = 1, changed = now() WHERE id < 4");
sync('drawn');
is(sql($versions) - $before . sql('SELECT count(*) FROM c.seen'), '33', 'a trigger sees them');
sql("DROP TRIGGER saw ON $day; CREATE UNIQUE INDEX of_mine ON $day (seq)");
sql("UPDATE shop.drawn SET a = 2, changed = now() WHERE id < 4");
sync('drawn');
is(sql("SET enable_seqscan = off; SELECT count(*) FROM $day WHERE seq > 0"), sql("SELECT count(*) FROM $day"), 'an index has them');
like(sql("SET enable_seqscan = off; EXPLAIN SELECT * FROM $day c WHERE sync = 1 AND jsonb_hash_extended(key, 0) = jsonb_hash_extended('{\"id\": 1}', 0) AND key = '{\"id\": 1}'"), qr/jsonb_hash_extended_idx/, 'those of one key are read by an index');
is(sql("SELECT string_agg(version::text, ' ' ORDER BY seq) FROM ingest.row_history(NULL::c.drawn, '{\"id\": 50}') WHERE seq IS NOT NULL") ne '', 1, 'and are found');
$node->stop;
done_testing();
