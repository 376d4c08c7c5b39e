-- Different values are different: what differs in little, by sign, scale, place or length, in lots of up to 2,048 that are counted exactly
SET client_min_messages = warning;
CREATE EXTENSION ingest_profile;
CREATE FUNCTION collisions(what text, query text) RETURNS TABLE (kind text, lots bigint, million_pairs bigint, collisions numeric) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format('SELECT %L::text, count(*), round(sum(n * (n - 1) / 2) / 1e6)::bigint, sum(n - d)::numeric
    FROM (SELECT lot, count(DISTINCT v) AS n, distinct_count(profile(v)) AS d FROM (%s) q (lot, v) GROUP BY lot) x', what, query);
END $$;
-- numerics: signs beside neighbours, with each of these fractions
SELECT * FROM collisions('signs', 'SELECT f, s * (i + f) FROM generate_series(0, 999) i, (VALUES (1), (-1)) s (s), (VALUES (0.46), (0.5), (0.00000001), (0.99990001), (0.123456789012345678)) f (f)');
-- the same digits at every place; of both signs
SELECT * FROM collisions('places', 'SELECT m, s * m * (''1e'' || e)::numeric FROM generate_series(-250, 250) e, (VALUES (1), (-1)) s (s), generate_series(1, 40) m');
SELECT * FROM collisions('weights', 'SELECT b, s * (b * power(10000::numeric, e) + d) FROM generate_series(6, 20) e, (VALUES (1), (-1)) s (s), generate_series(1, 20) b, generate_series(0, 60) d');
-- beyond bigint: digits of the first and of the last place
SELECT * FROM collisions('large', 'SELECT m, s * (m * 1e20 + i) FROM generate_series(0, 999) i, (VALUES (1), (-1)) s (s), generate_series(1, 20) m');
SELECT * FROM collisions('first digits', 'SELECT i / 600, s * (i + 0.5) * power(10000::numeric, w) FROM generate_series(1, 9999) i, (VALUES (1), (-1)) s (s), (VALUES (0), (-3)) w (w) WHERE w = 0 OR i % 2 = 0');
SELECT * FROM collisions('scales', 'SELECT k, i / power(10::numeric, k) FROM generate_series(1, 2000) i, generate_series(1, 20) k');
-- NaN and infinities among the least and the greatest
SELECT * FROM collisions('special numerics', 'SELECT 1, v FROM (VALUES (numeric ''NaN''), (''Infinity''), (''-Infinity''), (0), (1), (2), (3), (1e-300), (-1e-300)) v (v)');
SELECT * FROM collisions('special floats', 'SELECT 1, v FROM (VALUES (float8 ''NaN''), (''Infinity''), (''-Infinity''), (0), (1), (2), (3), (5e-324), (1e-323), (1.5e-323), (2e-323), (-5e-324)) v (v)');
SELECT * FROM collisions('floats', 'SELECT e, s * i * power(2::float8, e) FROM generate_series(1, 1000) i, (VALUES (1), (-1)) s (s), generate_series(-100, 100, 9) e');
SELECT * FROM collisions('integers', 'SELECT b, s * ((1::bigint << b) + i) FROM generate_series(0, 999) i, (VALUES (1), (-1)) s (s), generate_series(11, 61, 5) b');
-- moments and days
SELECT * FROM collisions('moments', 'SELECT k, timestamp ''2000-01-01'' + s * i * (k * interval ''1 microsecond'') FROM generate_series(0, 1000) i, (VALUES (1), (-1)) s (s), (VALUES (1), (1000), (1000000), (86400000000)) k (k)');
-- texts: prefixes, neighbours, numbers as texts
SELECT * FROM collisions('prefixes', 'SELECT c, repeat(chr(64 + c), i) FROM generate_series(0, 1500) i, generate_series(1, 10) c');
SELECT * FROM collisions('one byte', 'SELECT n, overlay(repeat(''a'', n) PLACING chr(33 + c) FROM p) FROM generate_series(1, 24) n, generate_series(1, n) p, generate_series(0, 80) c');
SELECT * FROM collisions('numbers as texts', 'SELECT k, s || lpad(i::text, k, ''0'') FROM generate_series(0, 900) i, generate_series(3, 19) k, (VALUES (''''), (''-'')) s (s)');
-- nothing, and what is short: each byte, each number of one and two digits, in every kind of text
SELECT c.* FROM unnest('{text,varchar,name,bytea}'::text[]) t, collisions(t, format($$SELECT 1, v::%s FROM (SELECT '' AS v UNION SELECT chr(i) FROM generate_series(1, 127) i WHERE i <> 92 UNION SELECT i::text FROM generate_series(-99, 99) i) x$$, t)) c;
CREATE TYPE short AS ENUM ('', '0', '1', '-1');
SELECT distinct_count, enums, empties, top_count FROM profile_stats((SELECT profile(v) FROM unnest('{"",0,0}'::text[]) v)), LATERAL (SELECT distinct_count(profile(e)) AS enums FROM unnest(enum_range(NULL::short)) e) x;
SELECT shared FROM overlap((SELECT profile(''::text)), (SELECT profile(0)));
-- bytes: zeros behind, one byte before them
SELECT * FROM collisions('zeros', 'SELECT p, decode(repeat(''41'', p) || lpad(to_hex(b), 2, ''0'') || repeat(''00'', z), ''hex'') FROM generate_series(0, 40) p, generate_series(0, 255) b, generate_series(0, 7) z');
SELECT * FROM collisions('uuids', 'SELECT k, lpad(to_hex(i::bigint << k), 32, ''0'')::uuid FROM generate_series(0, 1999) i, generate_series(0, 50, 5) k');
-- credits and debits
SELECT distinct_count, sum, negatives, min, max FROM profile_stats((SELECT profile(x) FROM (VALUES (5.46), (-4.46)) v (x)));
CREATE TABLE pay (net numeric(12,2));
INSERT INTO pay SELECT CASE WHEN i % 2 = 0 THEN (i % 977) + 0.99 ELSE -((i % 977) + 0.99) END FROM generate_series(1, 20000) i;
SELECT sum, negatives, (SELECT sum(net) FROM pay) AS true_sum FROM profile_table('pay');
SELECT distinct_count(profile(x)) FROM (VALUES (10002.5), (3.00025)) v (x);
-- what was stored before numerics and bytes had these hashes is read, and not merged
CREATE TABLE before (kind text, sketch profile_sketch);
INSERT INTO before VALUES
  ('numeric', 'UFMBAgYHbnVtZXJpYwABAAEAAYiuQxTawICAgICAgID4fwEBAzEuNQABAAAAAAAAAAAAAPg/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQEBAJBOAgGAgICAgICA+H8AAzEuNQGAgICAgICA+H8AAzEuNbDxAH0='),
  ('bytea', 'UFMBCQYFYnl0ZWEAAQABAAEtS0V46SsBAQRceDAxBAEBAAAAAAAAAAAAAgICAAEAAQAAAQAAAQEBAAABAcQj3Is='),
  ('text', 'UFMBCAYEdGV4dBRwZ19jYXRhbG9nLiJkZWZhdWx0IgEAAQAB9VqOWUaWAQEEdGV4dAQBBAAAAAAAAQAAAAUFBQAAAAABAQEAAW0uXVhK4mD8AQAEYXs0fQR0ZXh0AQAABHRleHQBAAAEdGV4dAEIAAR0ZXh0AQgABHRleHTOQkWt');
SELECT kind, (s).rows, (s).min, (s).distinct_count, (s).distinct_exact FROM before, profile_stats(sketch) s;
SELECT distinct_count(profile_merge(sketch)) FROM before WHERE kind = 'text';
SELECT distinct_count(profile_merge(sketch)) FROM before WHERE kind = 'numeric';
SELECT distinct_count(profile_merge(sketch)) FROM before WHERE kind = 'bytea';
SELECT distinct_count(profile_merge(s)) FROM (SELECT profile(1.5) UNION ALL SELECT sketch FROM before WHERE kind = 'numeric') x (s);
SELECT overlap(sketch, (SELECT profile(1.5))) FROM before WHERE kind = 'numeric';
SELECT verdict, new_values FROM before, profile_drift(sketch, (SELECT profile(1.5)));
-- nor what was stored while '' and '0' had one
INSERT INTO before VALUES ('nothing', 'UFMDCAYEdGV4dBRwZ19jYXRhbG9nLiJkZWZhdWx0IgMAAQACq6TxZqCcAgEAS0E1pvX0AQEBeAQDAQIAAAAAAQAAAAECAgIBAQEAAQAAAokzcMvzBzmPAgYAAP3UJYhVGk3VAQYBYQF4AQAAAAEAAAF4AQAAAAECAAF4Hgebpw=='), ('others', 'UFMDCAYEdGV4dBRwZ19jYXRhbG9nLiJkZWZhdWx0IgIAAQACRbnVzvN6AQEBeUtBNab19AEBAXgEAgIAAAAAAAIAAAACAgIAAgEBAAEAAAH91CWIVRpN1QIGAWEBeAEAAAF4AQAAAXkBAgABeAECAAF46AxL2Q==');
SELECT kind, (s).distinct_count, (s).distinct_exact FROM before, profile_stats(sketch) s WHERE kind IN ('nothing', 'others') ORDER BY kind;
SELECT distinct_count(profile_merge(s)) FROM (SELECT profile('0'::text) UNION ALL SELECT sketch FROM before WHERE kind = 'others') x (s);
SELECT distinct_count(profile_merge(s)) FROM (SELECT profile('0'::text) UNION ALL SELECT sketch FROM before WHERE kind = 'nothing') x (s);
-- zero is a value: of types that are passed by value and have no key of their own
SELECT distinct_count, min, max FROM profile_stats((SELECT profile(x) FROM (VALUES (5::money), (0::money), (7::money)) v (x)));
SELECT distinct_count, min, max FROM profile_stats((SELECT profile(x) FROM (VALUES ('0'::xid8), ('9'), ('3')) v (x)));
SELECT distinct_count, min, max FROM profile_stats((SELECT profile_merge(s) FROM (SELECT profile(0::money) UNION ALL SELECT profile((-1)::money)) x (s)));
-- no rows, no relation
CREATE TABLE none (a integer, b text);
SELECT profile_stats(profile(a)) IS NULL AS nothing FROM none;
SELECT (s).rows, (s).distinct_count, (s).samples FROM (SELECT profile_stats(profile(a)) AS s FROM none) x;
SELECT profile_json(profile(a)) IS NULL AS nothing, semantic_type(profile(b)) IS NULL AS nothing FROM none;
SELECT column_name, rows, sketch IS NULL AS nothing FROM profile_table('none');
SELECT * FROM profile_table(0);
SELECT * FROM candidate_keys(0);
SELECT * FROM outliers(0, 'a');
SELECT * FROM candidate_foreign_keys(array[0]::regclass[]);
SELECT rows FROM profile_table('pay', where_clause => 'net > 0) GROUP BY (net');
SELECT rows FROM profile_table('pay', where_clause => 'false) GROUP BY (net');
DROP TABLE pay, before, none;
DROP TYPE short;
DROP FUNCTION collisions(text, text);
DROP EXTENSION ingest_profile;
