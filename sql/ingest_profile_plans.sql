-- What is exact is the same in every plan: one process, several, merged from stored parts, read by profile_table
CREATE EXTENSION ingest_profile;
CREATE TYPE level AS ENUM ('low', 'mid', 'high');
CREATE DOMAIN above AS integer CHECK (VALUE > 0);
CREATE TYPE spot AS (x above, y text);
CREATE TABLE mixed AS SELECT i, (i * 7919) % 1000 AS few, (i * 7919::bigint) % 1000003 AS many, i % 3 = 0 AS flag,
	(i * 104729::bigint % 1000000 - 500000) / 100.0 AS amount, round((i * 31 % 1900) / 7.0, 3) AS price, ((i % 50) || repeat('7', 40))::numeric / 1000 AS long,
	sin(i) * power(10, i % 40 - 20) AS f, (i % 90)::real / 7 AS r, CASE i % 4 WHEN 0 THEN float8 'NaN' WHEN 1 THEN 'Infinity' ELSE i END AS odd,
	date '2020-01-01' + i % 900 AS day, timestamptz '2020-01-01' + i * interval '41 s' AS at, time '00:00' + (i % 700) * interval '1 minute' AS clock,
	(ARRAY['new', 'Open', 'PAID', ' void ', '', 'Zoë'])[1 + i % 6] AS status, 'SO' || lpad((i % 30000)::text, 8, '0') AS code, md5(i::text) AS digest,
	repeat('a', 1 + i % 16) || repeat('9', 1 + i / 16 % 16) AS shapes, repeat('a', 1 + i % 10) || '-' || repeat('9', 1 + i / 10 % 10) AS hundred,
	repeat('x', 500) || i % 40 AS wide, repeat(chr(97 + i % 26), i % 400) AS grown, decode(md5((i % 500)::text), 'hex') AS bytes, ARRAY[i % 5, i % 7] AS list,
	md5((i % 5000)::text)::uuid AS id, (ARRAY['low', 'mid', 'high'])[1 + i % 3]::level AS level, ROW((1 + i % 9)::above, 'y' || i % 11)::spot AS spot, ((i % 77) - 5)::money AS money,
	jsonb_build_object('n', i % 60) AS doc, to_char(date '2020-01-01' + i % 900, 'DD/MM/YYYY') AS due, NULL::text AS nothing
FROM generate_series(1, 20000) i;
ALTER TABLE mixed SET (parallel_workers = 3);
ANALYZE mixed;
SET max_parallel_workers_per_gather = 0;

CREATE TABLE read (how text, col text, s profile_sketch);
CREATE FUNCTION read_all(how text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE c text;
BEGIN
	FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'mixed'::regclass AND attnum > 0 LOOP
		EXECUTE format(CASE WHEN how LIKE 'merged%' THEN 'INSERT INTO read SELECT %1$L, %2$L, profile_merge(s) FROM (SELECT profile(%2$I) AS s FROM mixed GROUP BY i %% 7) x'
			ELSE 'WITH s AS MATERIALIZED (SELECT profile(%2$I) AS s FROM mixed) INSERT INTO read SELECT %1$L, %2$L, s FROM s' END, how, c);
	END LOOP;
END $$;
SELECT read_all('one process');
INSERT INTO read SELECT 'profile_table', column_name, sketch FROM profile_table('mixed');
SELECT read_all('merged');
SET max_parallel_workers_per_gather = 3; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
EXPLAIN (COSTS OFF) SELECT profile(digest) FROM mixed;
-- INSERT keeps a plan from being parallel, a table made of it does not
DO $$
DECLARE c text;
BEGIN
	FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'mixed'::regclass AND attnum > 0 LOOP
		EXECUTE format('CREATE TABLE made AS SELECT profile(%I) AS s FROM mixed', c);
		EXECUTE format('INSERT INTO read SELECT ''three more processes'', %L, s FROM made', c);
		EXECUTE format('DROP TABLE made; CREATE TABLE made AS SELECT i %% 5 AS g, profile(%I) AS s FROM mixed GROUP BY 1', c);
		EXECUTE format('INSERT INTO read SELECT ''groups of more processes, merged'', %L, profile_merge(s) FROM made', c);
		DROP TABLE made;
	END LOOP;
END $$;
-- sketches that were stored, merged by several processes: their types are but names until they are needed
CREATE TABLE parts AS SELECT ''::text AS col, NULL::profile_sketch AS s LIMIT 0;
DO $$
DECLARE c text;
BEGIN
	FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'mixed'::regclass AND attnum > 0 LOOP
		EXECUTE format('INSERT INTO parts SELECT %L, profile(%I) FROM mixed GROUP BY i %% 7', c, c);
	END LOOP;
END $$;
ALTER TABLE parts SET (parallel_workers = 3);
SET parallel_tuple_cost = 1;
EXPLAIN (COSTS OFF) SELECT profile_merge(s) FROM parts WHERE col = 'spot';
DO $$
DECLARE c text;
BEGIN
	FOR c IN SELECT DISTINCT col FROM parts LOOP
		EXECUTE format('CREATE TABLE made AS SELECT profile_merge(s) AS s FROM parts WHERE col = %L', c);
		EXECUTE format('INSERT INTO read SELECT ''merged by more'', %L, s FROM made', c);
		DROP TABLE made;
	END LOOP;
END $$;
SET parallel_tuple_cost = 0;
INSERT INTO read SELECT 'profile_table by more', column_name, sketch FROM profile_table('mixed');
SELECT how, count(*) FROM read GROUP BY how ORDER BY how;

-- lists: all patterns, all frequent values and histograms while they are exact
CREATE FUNCTION lists(s profile_sketch, exact boolean) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('patterns', (SELECT CASE WHEN bool_and(count = count_at_most) THEN jsonb_agg(jsonb_build_array(pattern, count, share) ORDER BY pattern COLLATE "C") END FROM patterns(s)),
		'top', (SELECT jsonb_agg(jsonb_build_array(value, count, count_at_most) ORDER BY value COLLATE "C") FROM top_values(s, 60) WHERE exact AND distinct_count(s) <= 60),
		'bins', (SELECT jsonb_agg(to_jsonb(h)) FROM histogram(s, 7) h WHERE exact), 'heights', (SELECT jsonb_agg(to_jsonb(h)) FROM histogram(s, 7, true) h WHERE exact),
		'quantiles', CASE WHEN exact THEN to_jsonb(quantile(s, '{0,0.03,0.1,0.333,0.9,1}'::float8[])) END) $$;
CREATE TABLE shown AS SELECT how, col, (f).distinct_exact AS exact, to_jsonb(f) || lists(s, (f).distinct_exact) AS figures FROM (SELECT how, col, s, profile_stats(s) AS f FROM read OFFSET 0) x;
-- what differs, but estimates, which say so; rounding shows in moments of higher order only
SELECT r.how, r.col, key, left(a.value::text, 100) AS one, left(b.value::text, 100) AS other FROM shown r JOIN shown o ON o.col = r.col AND o.how = 'one process', jsonb_each(o.figures) a JOIN LATERAL jsonb_each(r.figures) b USING (key)
WHERE a.value IS DISTINCT FROM b.value AND a.value <> 'null' AND (o.exact OR key <> ALL ('{entropy,top_value,top_count,top_share,p01,p05,p25,median,p75,p95,p99,pattern,pattern_share,hidden_share}'))
	AND NOT (key IN ('variance', 'stddev', 'skewness', 'kurtosis') AND abs(a.value::float8 - b.value::float8) <= 1e-9 * abs(a.value::float8) + 1e-12) ORDER BY 1, 2, 3;
-- 256 patterns are all there, with their names
SELECT how, col, count(*), count(pattern), sum(count), max(count_at_most - count), count(example) > 100 AS examples FROM read, patterns(s) WHERE col IN ('shapes', 'hundred') GROUP BY how, col ORDER BY how COLLATE "C", col;
-- quantiles of many values stay within their error
SELECT bool_and(abs((SELECT count(*) FROM mixed WHERE many <= v) / 20000.0 - q) < 0.01) AS within FROM (SELECT q, quantile(s, q)::bigint AS v FROM read, unnest(ARRAY[0.1, 0.5, 0.9]) q WHERE col = 'many' OFFSET 0) x;
-- beyond 256 patterns, and in free text: at least count, at most count_at_most, never more rows than there are
CREATE TABLE prose AS SELECT CASE WHEN i % 3 = 0 THEN 'Order ' || i % 1000 ELSE translate(md5(i::text), '0123', ' .,-') END AS t FROM generate_series(1, 30000) i;
SELECT pattern, count BETWEEN 1 AND 9000 AS count, count_at_most BETWEEN 9000 AND 30000 AS most FROM patterns((SELECT profile(t) FROM prose)) WHERE pattern = 'Aa{4}_9{3}';
SELECT bool_and(count <= count_at_most AND count_at_most <= 30000 AND share <= 1) AS bounded FROM patterns((SELECT profile(t) FROM prose));
-- a value that came often is not taken for sixteen of its kind
SELECT bool_and(count <= 30000 AND count_at_most <= 60000 AND share <= 1) AS bounded FROM (SELECT profile(v) AS s FROM (SELECT i, t AS v FROM (SELECT row_number() OVER () AS i, t FROM prose) x UNION ALL SELECT 30000 + i, 'Same: ' || i % 90 || translate(md5((i % 90)::text), '0123', ' .,-') FROM generate_series(1, 30000) i ORDER BY 1) y) z, patterns(s);
-- what a plan drops it names: estimates
CREATE TABLE open AS SELECT repeat('a', 1 + i % 20) || repeat('9', 1 + i / 20 % 20) AS shapes, 'c' || i % 100 AS code, i AS id FROM generate_series(1, 20000) i;
SELECT column_name, distinct_exact, estimates FROM profile_table('open');
DROP TABLE mixed, read, parts, shown, prose, open;
DROP FUNCTION read_all(text), lists(profile_sketch, boolean);
DROP TYPE level, spot;
DROP DOMAIN above;
DROP EXTENSION ingest_profile;
