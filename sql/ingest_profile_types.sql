-- Every type, odd values, every way to aggregate, damaged sketches.
\set VERBOSITY terse
CREATE EXTENSION ingest_profile;
SET timezone = 'UTC';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE FUNCTION figures(sketch profile_sketch) RETURNS text LANGUAGE sql AS
	$$ SELECT format('%s: %s rows, %s nulls, %s distinct, %s .. %s, top %s', s.type, s.rows, s.nulls, s.distinct_count, s.min, s.max, s.top_value) FROM profile_stats(sketch) s $$;

-- one row of each type, and a null
SELECT figures(profile(v)) FROM (VALUES (true), (NULL), (false)) x(v);
SELECT figures(profile(v)) FROM (VALUES (1::smallint), (NULL), (-5)) x(v);
SELECT figures(profile(v)) FROM (VALUES (9223372036854775807), (NULL), (-9223372036854775808)) x(v);
SELECT figures(profile(v)) FROM (VALUES (1.50), (NULL), (-1e30), (1.5)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('NaN'::numeric), ('Infinity'), ('-Infinity'), (0)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('NaN'::float8), ('Infinity'), ('-Infinity'), (0), (-0.0), (1e-300)) x(v);
SELECT figures(profile(v)) FROM (VALUES (1.5::real), ('NaN')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('12.34'::money), ('1'::money)) x(v);
SELECT figures(profile(v)) FROM (VALUES (date '2024-02-29'), ('infinity'), ('-infinity'), ('4713-01-01 BC')) x(v);
SELECT figures(profile(v)) FROM (VALUES (timestamp '2024-02-29 12:00:00.123456'), ('infinity')) x(v);
SELECT figures(profile(v)) FROM (VALUES (timestamptz '2024-02-29 12:00:00+02'), ('-infinity')) x(v);
SELECT figures(profile(v)) FROM (VALUES (time '23:59:59.5'), ('00:00')) x(v);
SELECT figures(profile(v)) FROM (VALUES (timetz '23:59:59+01')) x(v);
SELECT figures(profile(v)) FROM (VALUES (interval '1 day'), ('1 month')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('b'::text), ('a'), ('')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('b'::varchar(10)), ('a')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('b'::char(5)), ('a ')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('b'::name)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('b'::"char"), ('a')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('\x00ff'::bytea), ('\x')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('{"a":1}'::json), ('[]')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('{"a":1}'::jsonb), ('[]')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('<a/>'::xml)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('10.0.0.1'::inet), ('10.0.0.0/8')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('10.0.0.0/8'::cidr)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('08:00:2b:01:02:03'::macaddr)) x(v);
SELECT figures(profile(v)) FROM (VALUES (B'101'), (B'111')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('(1,2)'::point)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('((0,0),(1,1))'::box)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('a & b'::tsquery)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('a b'::tsvector)) x(v);
SELECT figures(profile(v)) FROM (VALUES (int4range(1, 5)), ('empty')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('{[1,5)}'::int4multirange)) x(v);
SELECT figures(profile(v)) FROM (VALUES (ARRAY[1, 2]), ('{}'), (ARRAY[NULL, 3])) x(v);
SELECT figures(profile(v)) FROM (VALUES ('happy'::mood), ('sad')) x(v);
SELECT figures(profile(v)) FROM (VALUES (ROW(1, 'a')::pair), (ROW(0, 'b')::pair)) x(v);
SELECT figures(profile(v)) FROM (VALUES (ROW(1, 'a')), (ROW(0, 'b'))) x(v);
SELECT figures(profile(v)) FROM (VALUES (3::positive), (7::positive)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('pg_class'::regclass)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('1'::xid)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('16/B3748000'::pg_lsn)) x(v);

SELECT figures(profile(v)) FROM (VALUES ('{1,2,3}'::line)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('[(0,0),(1,1)]'::lseg)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('((0,0),(1,1))'::path)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('((0,0),(1,1))'::polygon)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('<(0,0),1>'::circle)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('08:00:2b:01:02:03:04:05'::macaddr8)) x(v);
SELECT figures(profile(v)) FROM (VALUES (B'10'::varbit)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('(0,1)'::tid), ('(0,2)')) x(v);
SELECT figures(profile(v)) FROM (VALUES ('$.a'::jsonpath)) x(v);
SELECT figures(profile(v)) FROM (VALUES (daterange('2024-01-01', NULL)), (NULL)) x(v);
SELECT figures(profile(v)) FROM (VALUES (ARRAY['a', NULL]::text[]), (ARRAY[['b'], ['c']])) x(v);
SELECT figures(profile(v)) FROM (VALUES ('1 2'::oidvector)) x(v);
SELECT figures(profile(v)) FROM (VALUES ('10:20:10,14'::pg_snapshot)) x(v);
-- and the others at least with nulls
DO $$
DECLARE t text; s profile_sketch; n int := 0;
BEGIN
	FOR t IN SELECT format_type(oid, NULL) FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype IN ('b', 'r', 'm', 'd', 'e', 'c') ORDER BY oid LOOP
		EXECUTE format('SELECT profile(NULL::%s) FROM generate_series(1, 3)', t) INTO s;
		ASSERT (profile_stats(s)).nulls = 3 AND s::text::profile_sketch::text = s::text, t;
		n := n + 1;
	END LOOP;
	ASSERT n > 200, n;
END $$;
-- a value's text, and so its hash, does not depend on the session
CREATE TABLE settings AS SELECT profile(v) AS s FROM (VALUES (tstzrange('2024-01-01 00:00+00', NULL)), (tstzrange(NULL, '2024-06-01 12:00+00'))) x(v);
SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Tokyo'; SET intervalstyle = 'iso_8601';
SELECT s.s::text = profile(v)::text AS same FROM settings s, (VALUES (tstzrange('2024-01-01 00:00+00', NULL)), (tstzrange(NULL, '2024-06-01 12:00+00'))) x(v) GROUP BY s.s::text;
SELECT figures(profile(v)) FROM (VALUES (interval '1 day 2 hours')) x(v);
SHOW datestyle;
RESET datestyle; RESET timezone; RESET intervalstyle;
DROP TABLE settings;

-- everything of the extension is described
SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'ingest_profile' WHERE obj_description(p.oid, 'pg_proc') IS NULL;

-- nothing at all, nothing but nulls
SELECT profile(v) IS NULL AS no_rows FROM (SELECT 1 AS v WHERE false) x;
SELECT figures(profile(NULL::text)), figures(profile(NULL::numeric)) FROM generate_series(1, 10);
SELECT quantile(profile(NULL::int), 0.5) IS NULL AS q, distinct_count(profile(NULL::int)) AS d FROM generate_series(1, 3);
SELECT count(*) FROM top_values((SELECT profile(NULL::int) FROM generate_series(1, 3)));
SELECT count(*) FROM histogram((SELECT profile(NULL::int) FROM generate_series(1, 3)));

-- numbers at their ends: special values are counted apart, sums stay exact
SELECT sum, mean, nans, infinities, zeros, negatives FROM (SELECT (profile_stats(profile(v))).* FROM (VALUES ('NaN'::float8), ('Infinity'), ('-Infinity'), (0), (2), (-4)) x(v)) s;
SELECT sum, mean FROM (SELECT (profile_stats(profile(v))).* FROM (VALUES (9223372036854775807), (9223372036854775807), (1)) x(v)) s;
SELECT sum, mean FROM (SELECT (profile_stats(profile(v))).* FROM (VALUES (0.1), (0.20), (-0.3000000000000000000000001)) x(v)) s;
SELECT s.sum = x.sum AS exact, s.max = x.max::text AS max FROM
	(SELECT (profile_stats(profile(v))).* FROM (SELECT (10::numeric ^ (i % 900) / 7) * CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END AS v FROM generate_series(1, 5000) i) x) s,
	(SELECT sum(v), max(v) FROM (SELECT (10::numeric ^ (i % 900) / 7) * CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END AS v FROM generate_series(1, 5000) i) x) x;
-- too long for an exact sum: no sum rather than a wrong one
SELECT rows, nulls, sum IS NULL AS no_sum, length(max) FROM (SELECT (profile_stats(profile(v))).* FROM (VALUES (('1' || repeat('0', 131071))::numeric), (-1), (0.5)) x(v)) s;

-- texts of any size and script; work on one is bounded
SELECT rows, min_length, max_length, left(longest, 10), odd_characters FROM (SELECT (profile_stats(profile(v))).* FROM (VALUES (repeat('x', 50000000)), (repeat('ab', 200000)), ('short')) x(v)) s;
-- stored out of line, compressed and not
CREATE TABLE toasted (plain text, packed text, bytes bytea, numbers int[], doc jsonb);
ALTER TABLE toasted ALTER plain SET STORAGE external, ALTER bytes SET STORAGE external;
INSERT INTO toasted SELECT repeat('Plain ' || i || ' ', 2000), repeat('packed', 1000 + 100000 * i), decode(repeat(md5(i::text), 300), 'hex'), ARRAY(SELECT generate_series(1, 1000 * i)), jsonb_build_object('k', repeat(md5(i::text), 500)) FROM generate_series(1, 3) i;
SELECT column_name, rows, distinct_count, min_length, max_length, left(min, 20) AS min, left(samples[1], 20) AS sample, pattern FROM profile_table('toasted');
DROP TABLE toasted;
SELECT rows, max_length, distinct_count FROM (SELECT (profile_stats(profile(v))).* FROM (VALUES (repeat('\x41', 1)::bytea), (decode(repeat('42', 1000000), 'hex')), (decode(repeat('42', 1000001), 'hex'))) x(v)) s;
SELECT figures(profile(v)) FROM (SELECT array_agg(i) AS v FROM generate_series(1, 300000) i) x;
SELECT pattern, count, example FROM patterns((SELECT profile(v) FROM (VALUES ('שלום'), ('مرحبا'), ('👍🏽'), (U&'e\0301'), (E'a\nb'), (E'\x01'), ('{3}'), ('')) x(v)));

-- a sketch takes at most 64 kB, whatever the data are
SELECT max(pg_column_size(s)) <= 65536 AS bounded FROM (
	SELECT profile(repeat(md5(i::text), 8)) AS s FROM generate_series(1, 2048) i UNION ALL
	SELECT profile(repeat(md5(i::text), 8)) FROM generate_series(1, 100000) i UNION ALL
	SELECT profile(repeat(md5((i % 1500)::text), 8)) FROM generate_series(1, 100000) i UNION ALL
	SELECT profile(md5((i % 300)::text) || repeat('aB1-', 40) || CASE WHEN i % 2 = 0 THEN i::text ELSE '' END) FROM generate_series(1, 100000) i) x;
SELECT max(pg_column_size(s)) <= 65536 AS bounded FROM (
	SELECT profile((i * 1234567890123456789::numeric) ^ 9 / 7) AS s FROM generate_series(1, 20000) i UNION ALL
	SELECT profile(((i % 400) * 1234567890123456789::numeric) ^ 7 + CASE WHEN i % 2 = 0 THEN i ELSE 0 END) FROM generate_series(1, 60000) i) x;

-- with FILTER, GROUP BY, GROUPING SETS, DISTINCT, ORDER BY, windows
SELECT figures(profile(i) FILTER (WHERE i > 5)), figures(profile(DISTINCT i % 3)), figures(profile(i ORDER BY i DESC)) FROM generate_series(1, 10) i;
SELECT g, figures(profile(i)) FROM (SELECT i % 2 AS g, i FROM generate_series(1, 10) i) x GROUP BY g ORDER BY g;
SELECT a, b, distinct_count(profile(i)) FROM (SELECT i % 2 AS a, i % 3 AS b, i FROM generate_series(1, 60) i) x GROUP BY GROUPING SETS ((a), (b), ()) ORDER BY a, b;
SELECT i, (profile_stats(profile(i) OVER (ORDER BY i ROWS BETWEEN 1 PRECEDING AND CURRENT ROW))).sum FROM generate_series(1, 4) i;
SELECT i, distinct_count(profile(i) OVER (ORDER BY i)) FROM generate_series(2046, 2052) i;

-- merging is as if all had been read at once
CREATE TABLE parts AS SELECT i % 7 AS part, i, md5(i::text) AS t, (i * 7919::bigint % 1009) / 8.0 AS n, date '2020-01-01' + i % 500 AS d FROM generate_series(1, 60000) i;
CREATE TABLE sketches AS SELECT part, profile(i) AS i, profile(t) AS t, profile(n) AS n, profile(d) AS d FROM parts GROUP BY part;
CREATE FUNCTION rough(s profile_sketch) RETURNS text LANGUAGE sql AS
	$$ SELECT format('%s rows, %s .. %s, sum %s, mean %s, stddev %s', rows, min, max, sum, round(mean, 6), round(stddev::numeric, 6)) FROM profile_stats(s) $$;
SELECT rough(profile_merge(s.i)) = (SELECT rough(profile(i)) FROM parts) AS i, rough(profile_merge(s.n)) = (SELECT rough(profile(n)) FROM parts) AS n,
	rough(profile_merge(s.t)) = (SELECT rough(profile(t)) FROM parts) AS t, rough(profile_merge(s.d)) = (SELECT rough(profile(d)) FROM parts) AS d FROM sketches s;
SELECT distinct_count(profile_merge(i)) = (SELECT distinct_count(profile(i)) FROM parts) AS same_registers, distinct_count(profile_merge(d)) AS exact FROM sketches;
SELECT bool_and(abs(q::int - f * 60000) < 600) AS quantiles FROM (SELECT quantile(profile_merge(i), ARRAY[0.05, 0.5, 0.95]) AS qs FROM sketches) x, unnest(qs, ARRAY[0.05, 0.5, 0.95]) u(q, f);
-- in any order and grouping
SELECT count(DISTINCT rough(m)) AS orders FROM (SELECT profile_merge(i ORDER BY part) AS m FROM sketches UNION ALL SELECT profile_merge(i ORDER BY part DESC) FROM sketches
	UNION ALL SELECT profile_merge(m) FROM (SELECT profile_merge(i) AS m FROM sketches GROUP BY part % 2) x) y;
SELECT profile_merge(s) IS NULL AS nothing FROM (SELECT NULL::profile_sketch AS s) x;
SELECT profile_merge(s) FROM (SELECT profile(1) AS s UNION ALL SELECT profile('a'::text)) x;
SELECT profile_merge(s) FROM (SELECT profile(1) AS s UNION ALL SELECT profile(1::bigint)) x;
SELECT figures(profile_merge(s)) FROM (SELECT profile(v) AS s FROM (VALUES ('10.0.0.1'::inet)) x(v) UNION ALL SELECT profile(v) FROM (VALUES ('9.0.0.1'::inet)) x(v)) y;
SELECT figures(profile_merge(s)) FROM (SELECT profile(v COLLATE "C") AS s FROM (VALUES ('a')) x(v) UNION ALL SELECT profile(v COLLATE "C") FROM (VALUES ('B')) x(v)) y;

-- in parallel
SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET max_parallel_workers_per_gather = 2;
ALTER TABLE parts SET (parallel_workers = 2);
EXPLAIN (COSTS OFF) SELECT profile(i) FROM parts;
SELECT rough(profile(i)) = (SELECT rough(profile_merge(i)) FROM sketches) AS same, rough(profile(t)) = (SELECT rough(profile_merge(t)) FROM sketches) AS text FROM parts;
RESET max_parallel_workers_per_gather;

-- text and binary forms come back the same; damage is an error
SELECT bool_and(i::text::profile_sketch::text = i::text AND t::text::profile_sketch::text = t::text AND n::text::profile_sketch::text = n::text) AS same FROM sketches;
COPY sketches TO '/tmp/pg_ingest_sketches.copy' (FORMAT binary);
CREATE TABLE again (LIKE sketches);
COPY again FROM '/tmp/pg_ingest_sketches.copy' (FORMAT binary);
SELECT count(*) FROM again JOIN sketches USING (part) WHERE again.t::text = sketches.t::text;
\! rm -f /tmp/pg_ingest_sketches.copy
SELECT 'nonsense'::profile_sketch;
SELECT ''::profile_sketch;
SELECT 'UFMB'::profile_sketch;
SELECT encode('\x50537f'::bytea || '\x0000000000'::bytea, 'base64')::profile_sketch;
CREATE FUNCTION damaged(whole text, tries int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE b bytea := decode(whole, 'base64'); n bigint := 0; d bytea;
BEGIN
	FOR i IN 1 .. tries LOOP
		d := set_byte(b, i * 7919 % length(b), (get_byte(b, i * 7919 % length(b)) + 1 + i % 255) % 256);
		IF i % 5 = 0 THEN d := substr(d, 1, i * 31 % length(b)); END IF;
		BEGIN
			PERFORM profile_stats(encode(d, 'base64')::profile_sketch);
		EXCEPTION WHEN data_corrupted OR feature_not_supported THEN
			n := n + 1;
		END;
	END LOOP;
	RETURN n;
END $$;
SELECT damaged(profile(i)::text, 500) AS refused, damaged(profile(i::text)::text, 500) AS texts FROM generate_series(1, 3000) i;
DROP TABLE parts, sketches, again;
DROP FUNCTION figures(profile_sketch), rough(profile_sketch), damaged(text, int);
DROP TYPE mood, pair;
DROP DOMAIN positive;
DROP EXTENSION ingest_profile;
