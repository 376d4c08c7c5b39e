-- A figure and what is promised of it agree: at infinities, of nothing, of giants, where sums cancel, beyond what a double holds
SET client_min_messages = warning;
CREATE EXTENSION ingest_profile;
-- infinities are in no bin of equal width; ranks they have
SELECT * FROM histogram((SELECT profile(v) FROM (VALUES (1::float8), (2), (3), ('inf'), ('-inf'), ('nan')) x (v)), 3);
SELECT * FROM histogram((SELECT profile(v) FROM (VALUES (1::float8), (2), (3), ('inf'), ('-inf')) x (v)), 2, true);
SELECT bin, "from", rows, share FROM histogram((SELECT profile(v) FROM (VALUES (date '2024-01-01'), ('2024-01-02'), ('infinity'), ('-infinity')) x (v)), 2);
SELECT bin, "from", rows FROM histogram((SELECT profile(v) FROM (VALUES (timestamp '2024-01-01'), ('2024-01-03'), ('infinity')) x (v)), 2);
SELECT bin, rows FROM histogram((SELECT profile(v) FROM (VALUES (numeric '1'), ('2'), ('Infinity')) x (v)), 1);
SELECT count(*) FROM histogram((SELECT profile(v) FROM (VALUES (float8 'inf'), ('-inf')) x (v)), 3);
-- bounds of integers are exact, to the last bigint; those of dates and instants end with their type, those of floats with the largest double
SELECT bin, "from", "to", rows FROM histogram((SELECT profile(9223372036854775807 - i) FROM generate_series(1, 10) i), 3);
SELECT bin, "from", "to", rows FROM histogram((SELECT profile(v) FROM (VALUES (-9223372036854775808), (0), (9223372036854775807)) x (v)), 3);
SELECT bin, "from", "to", rows FROM histogram((SELECT profile(v) FROM (VALUES (true), (false), (false)) x (v)), 7);
SELECT bin, "from", "to", rows FROM histogram((SELECT profile(v) FROM (VALUES (float8 '-1.7e308'), ('1.7e308')) x (v)), 3);
SELECT bin, "from", "to", rows FROM histogram((SELECT profile(v) FROM (VALUES (date '4713-01-01 BC'), ('5874897-12-31')) x (v)), 3);
SELECT bin, "from", "to", rows FROM histogram((SELECT profile(v) FROM (VALUES (timestamptz '4713-01-02 00:00+00 BC'), ('294276-12-31 23:59:59.999999+00')) x (v)), 2);
SELECT min::timestamptz = '4713-01-02 00:00+00 BC' AS min, median, p99 FROM profile_stats((SELECT profile(v) FROM (VALUES (timestamptz '4713-01-02 00:00+00 BC'), ('0044-03-15 12:00+00 BC'), ('-infinity')) x (v)));
-- the whole range of doubles; numbers that are too near to each other for a step of one; a day's last instant
SELECT bin, "from", "to", rows FROM histogram((SELECT profile(v) FROM (VALUES (float8 '-1.7976931348623157e308'), ('1.7976931348623157e308'), ('0')) x (v)), 7);
SELECT "from"::numeric <= v AND v < "to"::numeric AS inside, rows FROM (SELECT v, profile(v) AS s FROM (VALUES (44444444444444444444444444444.44444), (1e300), (-7.0000001e25)) x (v) GROUP BY v) y, histogram(s, 4) ORDER BY v;
SELECT bin, "from", "to", rows FROM histogram((SELECT profile(v) FROM (VALUES (time '23:59:59.999999'), ('24:00')) x (v)), 7);
SELECT bin, "from", "to", rows FROM histogram((SELECT profile(v) FROM (VALUES (timestamp '294276-12-31 23:59:59.999999'), ('infinity')) x (v)), 7);
SELECT min, max, median, top_value FROM profile_stats((SELECT profile(v) FROM (VALUES (time '08:00'), ('08:00'), ('09:30:00.5')) x (v)));
-- many of them, so that the bins are estimates
SELECT sum(rows) BETWEEN 39900 AND 40100 AS finite FROM histogram((SELECT profile(CASE WHEN i % 5 = 0 THEN float8 'inf' ELSE i END) FROM generate_series(1, 50000) i), 5);
-- no value has no length
SELECT min_length, max_length, mean_length, empties, shortest FROM profile_stats((SELECT profile(NULL::text) FROM generate_series(1, 3)));
SELECT min_length, max_length, mean_length FROM profile_stats((SELECT profile(v) FROM (VALUES (NULL::bytea), ('')) x (v)));
-- giants: elements are counted, characters of a document that is not read whole are unknown
SELECT min_length, max_length FROM profile_stats((SELECT profile(v) FROM (SELECT array_agg(i) AS v FROM generate_series(1, 100000) i UNION ALL SELECT '{1,2}') x));
SELECT min_length, max_length, mean_length FROM profile_stats((SELECT profile(v) FROM (SELECT jsonb_agg(md5(i::text)) AS v FROM generate_series(1, 20000) i UNION ALL SELECT '[]') x));
CREATE TABLE large (a text, b text, c char(300000));
INSERT INTO large VALUES (repeat('x', 300000), 'y', repeat('z', 299999)), ('y', 'z', repeat('z', 299998) || 'a');
SELECT column_name, min_length, max_length, distinct_count, estimates FROM profile_table('large');
-- sums of floats are rounded once, whatever cancels and in which order, beyond the largest double too
SELECT sum, mean FROM profile_stats((SELECT profile(v) FROM (VALUES (1e16::float8), (1), (-1e16)) x (v)));
SELECT sum, mean FROM profile_stats((SELECT profile(v) FROM (VALUES (-1::float8), (1e300), (-1e-300), (-1e300), (5e-324)) x (v)));
SELECT sum = 3.4e308 AS sum, abs(mean - 1.1333333333333333e308) < 1e293 AS mean FROM profile_stats((SELECT profile(v) FROM (VALUES (1.7e308::float8), (1.7e308), (0)) x (v)));
SELECT sum, mean FROM profile_stats((SELECT profile_merge(s) FROM (SELECT profile(v) AS s FROM (VALUES (1.7e308::float8), (1.7e308)) x (v) UNION ALL SELECT profile(v) FROM (VALUES (-1.7e308::float8), (-1.7e308), (3.25)) x (v)) y));
SELECT sum, mean FROM profile_stats((SELECT profile(0.1::float8) FROM generate_series(1, 100000)));
SELECT count(DISTINCT (s).sum) AS sums, count(DISTINCT (s).mean) AS means FROM (SELECT profile_stats(profile(v ORDER BY v)) AS s FROM (SELECT sin(i) * power(10, i % 30) AS v, i FROM generate_series(1, 3000) i) x
	UNION ALL SELECT profile_stats(profile(v ORDER BY v DESC)) FROM (SELECT sin(i) * power(10, i % 30) AS v, i FROM generate_series(1, 3000) i) x UNION ALL SELECT profile_stats(profile(v ORDER BY i)) FROM (SELECT sin(i) * power(10, i % 30) AS v, i FROM generate_series(1, 3000) i) x) y;
-- a real is shown as one
SELECT min, median, max, top_value, samples FROM profile_stats((SELECT profile(v) FROM (VALUES (0.1::real), (0.2), (0.2), (16777216)) x (v)));
SELECT min, max, quantile(s, 0.5) FROM (SELECT profile(v)::text::profile_sketch AS s FROM (VALUES (0.1::real), (0.2), (0.3)) x (v)) y, profile_stats(s);
SELECT "from", "to" FROM histogram((SELECT profile(v) FROM (VALUES (0.1::real), (0.7)) x (v)), 2, true);
-- numerics of 1,024 digits on either side are summed
SELECT length(sum::text), right(sum::text, 3) FROM profile_stats((SELECT profile(v) FROM (VALUES (repeat('9', 1024)::numeric), (1)) x (v)));
SELECT sum = ('0.' || repeat('0', 1023) || '3')::numeric AS sum FROM profile_stats((SELECT profile(v) FROM (VALUES (('0.' || repeat('0', 1023) || '1')::numeric), (('0.' || repeat('0', 1023) || '2')::numeric)) x (v)));
SELECT sum FROM profile_stats((SELECT profile(v) FROM (VALUES (repeat('9', 1030)::numeric), (1)) x (v)));
SELECT sum, nans, infinities FROM profile_stats((SELECT profile(v) FROM (VALUES (numeric 'NaN'), (1.5), (2.5)) x (v)));
SELECT length(min) AS min, max = repeat('4', 1000) || '.' || repeat('3', 900) AS max FROM profile_stats((SELECT profile_merge(s) FROM (SELECT profile(v) AS s FROM (VALUES ((repeat('4', 1000) || '.' || repeat('3', 900))::numeric), (('-' || repeat('4', 1000) || '.' || repeat('3', 1000))::numeric)) x (v) GROUP BY v) y));
-- what is nearer to zero than any double is not zero, and has a sign and a place; infinities of numerics have theirs
SELECT zeros, negatives, length(min) AS min, length(max) AS max, median FROM profile_stats((SELECT profile(v) FROM (VALUES (numeric '-1e-1000'), ('-1e-400'), (0), ('1e-500'), ('1e-400')) x (v)));
SELECT length(min) AS min FROM profile_stats((SELECT profile(v) FROM (VALUES (('0.' || repeat('0', 292) || '12345678901234567890123')::numeric), ('1e-300')) x (v)));
SELECT quantile(profile(v), ARRAY[0.2, 0.4, 0.6, 0.8, 1]), (profile_stats(profile(v))).negatives FROM (VALUES (numeric '-Infinity'), ('-1e500'), ('1e1000'), (7), ('Infinity')) x (v);
SELECT negatives FROM profile_stats((SELECT profile(v) FROM (VALUES (float8 '-inf'), (-1), (0), ('-0'), ('inf'), ('nan')) x (v)));
-- many digits of many values are not all kept: what is shown is rounded to a double, or to fifteen digits that are as near
SELECT median, p99, quantile(s, 0.999) FROM (SELECT profile((i || 'e-40')::numeric) AS s FROM generate_series(1, 1999) i) x, profile_stats(s);
-- quantiles of numerics are values that occur, as they were written
SELECT p01, median, p99, quantile(s, ARRAY[0, 0.2, 0.6, 1]::float8[]) FROM (SELECT profile(v) AS s FROM (VALUES (0.10), (0.30), (12345678901234567890.123456789), (12345678901234567890.123456788), (-1e-20::numeric)) x (v)) y, profile_stats(s);
SELECT count(*) FILTER (WHERE quantile(s, i / 1000.0) IN (SELECT ((j * 7) / 100.0)::numeric(9, 2)::text FROM generate_series(1, 1500) j)) FROM (SELECT profile(((i * 7) / 100.0)::numeric(9, 2))::text::profile_sketch AS s FROM generate_series(1, 1500) i) x, generate_series(0, 1000) i;
SELECT left(median, 5), length(median), quantile(s, 0.9) AS beyond FROM (SELECT profile(v)::text::profile_sketch AS s FROM (VALUES (1::numeric), (('1' || repeat('0', 100))::numeric), (repeat('7', 400)::numeric)) x (v)) y, profile_stats(s);
SELECT quantile(profile(i * 10::numeric ^ 320), 0.5) FROM generate_series(1, 3000) i;
-- sketches of the version before are read, and merged
CREATE TABLE before (kind text, sketch profile_sketch);
INSERT INTO before VALUES ('float', 'UFMCAQYQZG91YmxlIHByZWNpc2lvbgAEAAEABP//g/6m3uHBhgEBgICE/qbe4cGGAQGAgICAgICA0H8BgICAgICAgOB/AQAEAAEAAAAAAAAAAOA/F24FtbW4o0YAAAAAAAAAAPX5P+kDT0hNAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA6D8AAAAB//+D/qbe4cGGAQGAgIT+pt7hwYYBOfwu3Q=='), ('text', 'UFMCCAYEdGV4dBRwZ19jYXRhbG9nLiJkZWZhdWx0IgQAAQADi5BHWaeOAgEEQUIxMn15ts5fPQEBBGFiLTdLQTWm9fQBAQF4BAQNAAAAAAICAAAAAgUFAAEAAAMBAQADZTZ8r/IoR20CAAhBezJ9OXsyfQRBQjEytfYzv9AP6FABAAZhezJ9LTkEYWItN/3UJYhVGk3VAQABYQF4AQAABEFCMTIBAAABeAECAAF4AQgABEFCMTKZG3qP'), ('numeric', 'UFMCAgYHbnVtZXJpYwADAAEAA4iuQxTawICAgICAgID4fwEBBDEuNTCQbcVu/Or/////////m4ABAQECLTc+726ZCvOAgICAgICAgoABAQEEMi4yNQADAAEAAFVVVVVVVfG/VFVVVVVlSkBxHMdxHBtjwI3jOI7rxZVAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgEBAJh1BwH/////////m4ABAAItNwGAgICAgICAgoABAAQyLjI1tQlTcg==');
SELECT kind, (s).rows, (s).sum, (s).mean, (s).pattern, (s).median, (s).samples FROM before, profile_stats(sketch) s;
SELECT (s).rows, (s).sum, (s).mean FROM (SELECT profile_stats(profile_merge(s)) AS s FROM (SELECT sketch FROM before WHERE kind = 'float' UNION ALL SELECT profile(0.125::float8)) x (s)) y;
SELECT pattern, count, count_at_most, example FROM patterns((SELECT profile_merge(s) FROM (SELECT sketch FROM before WHERE kind = 'text' UNION ALL SELECT profile('CD99'::text)) x (s)));
SELECT (s).rows, (s).sum, (s).median FROM (SELECT profile_stats(profile_merge(s)) AS s FROM (SELECT sketch FROM before WHERE kind = 'numeric' UNION ALL SELECT profile(2.250)) x (s)) y;
-- extremes of a type that is not read here are unknown after a merge, not those of a part
CREATE DOMAIN above AS integer CHECK (VALUE > 0);
CREATE TYPE spot AS (x above, y text);
SELECT min, max FROM profile_stats((SELECT profile_merge(s) FROM (SELECT profile(ROW((1 + i)::above, 'y')::spot) AS s FROM generate_series(1, 20) i GROUP BY i % 3) x));
SELECT min, max FROM profile_stats((SELECT profile_merge(s)::text::profile_sketch FROM (SELECT profile(ROW(1::above, 'y')::spot) AS s FROM generate_series(1, 20) i GROUP BY i % 3) x));
-- conditions of outliers() tell bytes apart, as sketches do
CREATE COLLATION whatever_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE odd (j json, x xml, c "char", n name, b char(5), t text COLLATE whatever_case);
INSERT INTO odd SELECT '{"a": 1}', '<a/>', 'x', 'abc', 'ab', CASE WHEN i % 50 = 0 THEN 'TEST' ELSE 'other' END FROM generate_series(1, 1000) i;
INSERT INTO odd VALUES ('null', '  ', '1', 'x', 'n/a', 'test'), ('"test"', '<b/>', '?', 'unknown', '  ', 'other'), ('-1', 'test', '-', 'A', 'B', 'other');
SELECT c, kind, count, examples, where_clause FROM unnest(ARRAY['j', 'x', 'c', 'n', 'b', 't']) WITH ORDINALITY u (c, o), outliers('odd', c) ORDER BY o, kind, where_clause COLLATE "C";
-- keys among more than a dozen columns, and what is left out is told
RESET client_min_messages;
\set VERBOSITY terse
SELECT setseed(0.1);
CREATE TABLE many_columns AS SELECT i % 10 AS g, i / 10 AS h, (random() * 900)::int AS a1, (random() * 900)::int AS a2, (random() * 900)::int AS a3, (random() * 900)::int AS a4, (random() * 900)::int AS a5, (random() * 900)::int AS a6,
	(random() * 900)::int AS a7, (random() * 900)::int AS a8, (random() * 900)::int AS a9, (random() * 900)::int AS a10, (random() * 900)::int AS a11, (random() * 900)::int AS a12, (random() * 900)::int AS a13, (random() * 900)::int AS a14 FROM generate_series(0, 999) i;
-- so that none of the others is one
INSERT INTO many_columns SELECT g, h + 100, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14 FROM many_columns;
SELECT columns FROM candidate_keys('many_columns', 2);
-- and where others are by accident
DELETE FROM many_columns WHERE h >= 100;
SET client_min_messages = warning;
SELECT columns FROM candidate_keys('many_columns', 2) LIMIT 1;
RESET client_min_messages;
DO $$ BEGIN EXECUTE (SELECT 'CREATE TABLE wide_one AS SELECT ' || string_agg(format('i %% %s AS c%s', 5 + j % 40, j), ', ') || ' FROM generate_series(1, 3000) i' FROM generate_series(1, 70) j); END $$;
SELECT count(*) > 0 AS found FROM candidate_keys('wide_one', 2);
SELECT count(*) > 0 AS found FROM candidate_keys('wide_one', 3);
-- no row, and zero, wherever they come from
SET client_min_messages = warning;
SELECT i, (profile_stats(profile(i) OVER (ORDER BY i ROWS BETWEEN 2 FOLLOWING AND 3 FOLLOWING))).rows FROM generate_series(1, 3) i;
SELECT profile_stats(profile(i) FILTER (WHERE i > 9)) IS NULL AS filtered, profile_stats(profile_merge(NULL::profile_sketch)) IS NULL AS merged FROM generate_series(1, 3) i;
SELECT a, (profile_stats(s)).rows, distinct_count(s), (SELECT count(*) FROM top_values(s)) AS top FROM (VALUES (1), (2)) x (a) LEFT JOIN (SELECT 1 AS a, profile(0::money) AS s) y USING (a) ORDER BY a;
-- (19 writes a position with all of its digits)
SELECT v, regexp_replace(min, '^0/0+$', '0/0') AS min, regexp_replace(max, '^0/0+$', '0/0') AS max, distinct_count FROM (VALUES ('0::regclass'), ('0::oid'), ('''0''::xid8'), ('''0''::xid'), ('''0/0''::pg_lsn'), ('0::"char"'), ('0::regproc'), ('0::int8::bit(8)'), ('''0:0:0''::timetz'), ('0::money')) x (v),
	LATERAL (SELECT (xpath('//s/text()', query_to_xml(format('SELECT profile(%s) AS s', v), false, true, '')))[1]::text::profile_sketch AS s) y, profile_stats(s);
SELECT count(*) > 20 AS columns FROM profile_table('pg_type') UNION ALL SELECT count(*) > 20 FROM profile_table('pg_proc') UNION ALL SELECT count(*) > 20 FROM profile_report('pg_proc');
-- the catalogue's tables
DO $$
DECLARE r regclass;
BEGIN
	FOR r IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) AND pg_relation_size(oid) < 200000 LOOP
		PERFORM profile_table(r);
	END LOOP;
END $$;
SELECT count(*) > 1 AS keys FROM candidate_keys('pg_type', 2);
SELECT count(*) >= 0 AS found FROM candidate_foreign_keys(ARRAY['pg_type', 'pg_proc']::regclass[]);
-- every field of profile_stats(): what was reckoned last is not taken for what is asked now
SELECT (profile_stats(s, n)).semantic_type, (profile_stats(s)).semantic_type AS bare, (profile_stats(s, 'lat')).semantic_type AS other FROM (SELECT profile(47 + i / 1000.0) AS s, 'latitude' AS n FROM generate_series(1, 300) i) x;
SELECT s.i, (profile_stats(s.s)).*  FROM (SELECT i, profile(i * j) AS s FROM generate_series(1, 3) i, generate_series(1, 4) j GROUP BY i) s ORDER BY i;
SET extra_float_digits = 0;
SELECT (profile_stats(s)).stddev FROM (SELECT profile(i) AS s FROM generate_series(1, 10) i) x;
-- sums are numerics, and shown whole
SELECT sum, mean FROM profile_stats((SELECT profile(v) FROM (VALUES (float8 '1234567.8901234567'), (0.1)) x (v)));
SET extra_float_digits = 1;
SELECT (profile_stats(s)).stddev FROM (SELECT profile(i) AS s FROM generate_series(1, 10) i) x;
-- "char" has an order of bytes
SELECT min, max, distinct_count FROM profile_stats((SELECT profile(v::"char") FROM unnest('{b,\\351,\\,~,\\200}'::text[]) v));
-- texts of 64 bytes and less are looked at many bytes at once, longer ones byte by byte: a shape of many runs is the same in both
SELECT count(*) AS texts, count(*) FILTER (WHERE (SELECT count(*) FROM patterns((SELECT profile(u) FROM unnest(ARRAY[t, t || repeat('x', 100)]) u))) <> 1) AS apart
	FROM (SELECT left(string_agg(repeat(substr('aZ0 -9xA', 1 + (i * 5 + j * 3 + i * j / 7) % 8, 1), 1 + (i + j) % 2) || '.', '' ORDER BY j), 40 + i % 25) AS t
		FROM generate_series(1, 400) i, generate_series(1, 40) j GROUP BY i) x;
-- and their case, blanks and control characters are those that regular expressions find
SELECT (s).texts, (s).sketched, (s).sketched = (s).counted AS same FROM (SELECT count(*) AS texts,
	(SELECT ARRAY[p.uppercase, p.lowercase, p.mixed_case, p.blanks, p.leading_blanks, p.trailing_blanks, p.odd_characters] FROM profile_stats(profile(t)) p) AS sketched,
	ARRAY[count(*) FILTER (WHERE t ~ '[A-Z]' AND t !~ '[a-z]'), count(*) FILTER (WHERE t ~ '[a-z]' AND t !~ '[A-Z]'), count(*) FILTER (WHERE t ~ '[a-z]' AND t ~ '[A-Z]'),
		count(*) FILTER (WHERE t ~ E'^[ \t-\r]+$'), count(*) FILTER (WHERE t ~ E'^[ \t-\r].*[^ \t-\r]'), count(*) FILTER (WHERE t ~ E'[^ \t-\r].*[ \t-\r]$'),
		count(*) FILTER (WHERE t ~ E'[\x01-\x1f\x7f]')] AS counted
	FROM (SELECT substr(E'aZ{0 -9xA@[`:/\t\x1f\x7f~ ', 1 + i % 20, 1) || repeat(substr(E'  a\tQ-7', 1 + i % 7, 1), i % 66) || substr(E'b Z\x0b9\x0e\x08', 1 + i / 7 % 7, i % 2) AS t
		FROM generate_series(1, 4000) i) x) s;
-- what rounding takes from sums of powers does not grow with the rows: it was 2e-11 here
SELECT abs((profile_stats(profile(i))).skewness) < 1e-13 AS symmetric FROM generate_series(1, 200000) i;
-- what means something in a pattern is told from itself
SELECT pattern, count, example FROM patterns((SELECT profile(v) FROM unnest(ARRAY['ab_cd', 'ab cd', 'AB{33}', E'x\\y', '__init__', 'a_b_c_d_e_f_g_h_i_j_k_l_m_n_o_p_q_r_s_t_u_v_w_x_y_z_a_b_c_d_e_f_g_h_i', 'Ü_x']) v)) ORDER BY pattern COLLATE "C";
DROP TABLE large, before, odd, many_columns, wide_one;
DROP TYPE spot;
DROP DOMAIN above;
DROP COLLATION whatever_case;
DROP EXTENSION ingest_profile;
