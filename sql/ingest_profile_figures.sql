-- Figures against what exact SQL says of the same rows.
CREATE EXTENSION ingest_profile;
SET extra_float_digits = 0;
SELECT setseed(0.7);
CREATE TABLE facts AS SELECT i AS id, (i * 7919) % 1000 AS few, (i * 7919::bigint) % 100003 AS many,
	CASE WHEN i % 10 > 0 THEN round((i::bigint * 104729 % 1000000) / 100.0 - 3000, 2) END AS amount, sin(i) * 1000 AS real8, (i % 100)::real / 8 AS real4,
	date '2020-01-01' + i % 700 AS day, timestamp '2020-01-01' + i * interval '37 s' AS at, timestamptz '2020-01-01 00:00+00' + i * interval '37 s' AS at_tz,
	i % 3 = 0 AS flag, time '08:00' + (i % 600) * interval '1 minute' AS clock,
	(ARRAY['new','open','Paid','VOID',' done ',''])[1 + i % 6] AS status, 'Customer ' || i % 4000 AS name, md5(i::text) AS digest
FROM generate_series(1, 50000) i;

-- what is exact is the same to the last digit
CREATE FUNCTION agrees(col text) RETURNS TABLE (count bool, nulls bool, distinct_ok bool, min bool, max bool, sum bool, mean bool, stddev bool)
LANGUAGE plpgsql AS $$
DECLARE s profile_statistics; n bigint; nn bigint; d bigint; mi text; ma text; su numeric; av numeric; sd float8;
BEGIN
	EXECUTE format('SELECT (profile_stats(profile(%I))).* FROM facts', col) INTO s;
	EXECUTE format('SELECT count(*), count(*) - count(%1$I), count(DISTINCT %1$I), min(%1$I)::text, max(%1$I)::text FROM facts', col) INTO n, nn, d, mi, ma;
	IF s.sum IS NOT NULL THEN
		EXECUTE format('SELECT sum(%1$I), avg(%1$I), stddev_samp(%1$I) FROM facts', col) INTO su, av, sd;
	END IF;
	RETURN QUERY SELECT s.rows = n, s.nulls = nn, CASE WHEN s.distinct_exact THEN s.distinct_count = d ELSE abs(s.distinct_count - d) <= 3 * s.distinct_error END,
		s.min = mi, s.max = ma, abs(s.sum - su) <= CASE WHEN s.type LIKE '%e%' AND s.type IN ('real', 'double precision') THEN abs(su) * 1e-6 + 1e-6 ELSE 0 END,
		abs(s.mean - av) <= abs(av) * 1e-6 + 1e-9, abs(s.stddev - sd) <= sd * 1e-9;
END $$;
SET timezone = 'UTC';
SELECT c, (agrees(c)).* FROM unnest(ARRAY['id','few','many','amount','real8','real4','day','at','at_tz','status','name','digest']) c;

-- higher moments by their definitions
SELECT abs(s.skewness - x.skew) < 1e-9 AS skewness, abs(s.kurtosis - x.kurt) < 1e-9 AS kurtosis, abs(s.variance - x.var) < 1e-9 * x.var AS variance
FROM (SELECT (profile_stats(profile(amount))).* FROM facts) s,
	(SELECT avg(d ^ 3) / avg(d ^ 2) ^ 1.5 AS skew, avg(d ^ 4) / avg(d ^ 2) ^ 2 AS kurt, var_samp(amount)::float8 AS var
	 FROM (SELECT amount, (amount - avg(amount) OVER ())::float8 AS d FROM facts WHERE amount IS NOT NULL) x) x;
-- a large mean does not drown a small variance
SELECT variance, skewness, kurtosis FROM (SELECT (profile_stats(profile(v))).* FROM (SELECT 1e9 + i % 3 AS v FROM generate_series(1, 30000) i) x) s;

-- quantiles: exact for few distinct values, within 1 % of the ranks for many
SELECT quantile(profile(few), ARRAY[0, 0.25, 0.5, 1]), quantile(profile(day), 0.5), quantile(profile(flag), 0.9), quantile(profile(name), 0.5) FROM facts;
SELECT bool_and(abs((SELECT count(*) FROM facts WHERE amount <= q::numeric) / 45000.0 - f) < 0.01) AS within_one_percent
FROM (SELECT quantile(profile(amount), ARRAY[0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99]) AS qs FROM facts) x, unnest(qs, ARRAY[0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99]) u(q, f);
SELECT quantile(profile(id), 1.5) FROM facts;

-- frequent values with their bounds, entropy
SELECT * FROM top_values((SELECT profile(status) FROM facts), 3);
SELECT value, count <= 20000 AND count_at_most >= 20000 AS bounded, share > 0.3 AS share
FROM top_values((SELECT profile(CASE WHEN id % 5 < 2 THEN 'often' ELSE digest END) FROM facts), 1);
SELECT round(entropy::numeric, 6) AS entropy FROM (SELECT (profile_stats(profile(id % 8))).* FROM facts) s;
SELECT top_values((SELECT profile(status) FROM facts), 0);

-- histograms: round bounds, or as many rows in each
SELECT * FROM histogram((SELECT profile(id % 100) FROM facts), 5);
SELECT bin, "from", "to", rows FROM histogram((SELECT profile(day) FROM facts), 4);
SELECT bin, "from", "to", rows FROM histogram((SELECT profile(few) FROM facts), 4, true);
SELECT count(*) AS bins, sum(rows) AS rows FROM histogram((SELECT profile(at) FROM facts), 12);
SELECT * FROM histogram((SELECT profile(status) FROM facts));

-- texts
SELECT empties, blanks, leading_blanks, trailing_blanks, uppercase, lowercase, mixed_case, min_length, max_length, mean_length, shortest, longest FROM (SELECT (profile_stats(profile(status))).* FROM facts) s;
SELECT * FROM patterns((SELECT profile('SO' || lpad(id::text, 7, '0')) FROM facts));
SELECT pattern, count, example FROM patterns((SELECT profile(name) FROM facts));
SELECT non_ascii, odd_characters, min_length, max_length FROM (SELECT (profile_stats(profile(v))).* FROM (VALUES ('Zoë'), (E'tab\there'), (U&'no\00A0break'), (U&'zero\200Bwidth'), ('MÃ¼ller'), ('日本語'), ('plain'), (E'line\nbreak')) x(v)) s;

-- the least and the greatest text are those of the collation
CREATE FUNCTION extremes_agree(c text) RETURNS bool LANGUAGE plpgsql AS $$
DECLARE same bool;
BEGIN
	EXECUTE format($q$SELECT bool_and((profile_stats(s)).min = mi AND (profile_stats(s)).max = ma) FROM (
		SELECT profile(w COLLATE %1$s) AS s, min(w COLLATE %1$s) AS mi, max(w COLLATE %1$s) AS ma
		FROM (SELECT i %% 400 AS g, (ARRAY['ch','c','cz','Ch','d','aa','Aa','z','å','a','é','e','E','ll','l','lz','ß','ss','-','_','co-op','coop',' x','x','9','10','Straße'])[1 + (i * 7919 %% 27)]
			|| (ARRAY['','a','B','9','-','h','̈',' z'])[1 + (i * 104729::bigint %% 8)::int] || (i * 31 %% 13) AS w FROM generate_series(1, 4000) i) x GROUP BY g) y$q$, c) INTO same;
	RETURN same;
END $$;
SELECT c, extremes_agree(c) FROM unnest(ARRAY['"C"', '"und-x-icu"', '"de-x-icu"', '"da-x-icu"', '"es-x-icu"', '"cs-x-icu"', '"sv-x-icu"', '"default"']) c;
DROP FUNCTION extremes_agree(text);

-- types hidden in texts, with formats and shares
SELECT c, hidden_type, hidden_format, round(hidden_share::numeric, 3) AS share FROM (VALUES
	('integer', ARRAY(SELECT (i * 37)::text FROM generate_series(1, 500) i)),
	('integer with a few strangers', ARRAY(SELECT CASE WHEN i % 50 = 0 THEN 'N/A' ELSE (i * 37)::text END FROM generate_series(1, 500) i)),
	('codes with leading zeros', ARRAY(SELECT lpad(i::text, 6, '0') FROM generate_series(1, 500) i)),
	('decimal', ARRAY(SELECT (i / 4.0)::numeric(10,2)::text FROM generate_series(1, 500) i)),
	('T/F', ARRAY(SELECT CASE WHEN i % 2 = 0 THEN 'T' ELSE 'F' END FROM generate_series(1, 500) i)),
	('yes/no', ARRAY(SELECT CASE WHEN i % 2 = 0 THEN 'yes' ELSE 'No' END FROM generate_series(1, 500) i)),
	('ISO date', ARRAY(SELECT (date '2024-01-01' + i)::text FROM generate_series(1, 500) i)),
	('US date', ARRAY(SELECT to_char(date '2024-01-01' + i, 'MM/DD/YYYY') FROM generate_series(1, 500) i)),
	('British date', ARRAY(SELECT to_char(date '2024-01-01' + i, 'DD/MM/YYYY') FROM generate_series(1, 500) i)),
	('ambiguous date', ARRAY(SELECT '0' || i % 9 + 1 || '/01/2024' FROM generate_series(1, 500) i)),
	('German date', ARRAY(SELECT to_char(date '2024-01-01' + i, 'DD.MM.YYYY') FROM generate_series(1, 500) i)),
	('named month', ARRAY(SELECT to_char(date '2024-01-01' + i, 'DD-Mon-YYYY') FROM generate_series(1, 500) i)),
	('timestamp', ARRAY(SELECT (timestamp '2024-01-01' + i * interval '7777 s')::text FROM generate_series(1, 500) i)),
	('timestamp with zone', ARRAY(SELECT to_char(timestamp '2024-01-01' + i * interval '7777 s', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') FROM generate_series(1, 500) i)),
	('uuid', ARRAY(SELECT md5(i::text)::uuid::text FROM generate_series(1, 500) i)),
	('json', ARRAY(SELECT jsonb_build_object('id', i)::text FROM generate_series(1, 500) i)),
	('prose', ARRAY(SELECT 'some words ' || i || ' and more' FROM generate_series(1, 500) i))) v(c, texts),
	LATERAL (SELECT (profile_stats(profile(t))).* FROM unnest(texts) t) s;

-- overlap of two columns from their sketches alone, and across types
SELECT shared, a_in_b, b_in_a, jaccard, error FROM overlap((SELECT profile(i) FROM generate_series(1, 1000) i), (SELECT profile(i::text) FROM generate_series(501, 1500) i));
SELECT (overlap(profile(id), profile(id::numeric(10,2)))).jaccard AS numeric, (overlap(profile(id), profile(id::text))).jaccard AS text,
	(overlap(profile(id), profile(id::float8))).jaccard AS float8, (overlap(profile(day), profile(day::timestamp))).jaccard AS timestamp,
	(overlap(profile(md5(id::text)::uuid), profile(md5(id::text)::uuid::text))).jaccard AS uuid FROM facts;
SELECT abs(a_in_b - 0.5) <= error AS contained, abs(shared - 25000) < 25000 * 2 * error AS shared FROM overlap((SELECT profile(id) FROM facts), (SELECT profile(id * 2) FROM facts));
SELECT profile_json(profile(few % 3)) FROM facts;
DROP TABLE facts CASCADE;
DROP FUNCTION agrees(text);
DROP EXTENSION ingest_profile;
