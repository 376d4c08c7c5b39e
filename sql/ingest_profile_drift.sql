-- Drift: what is no change says nothing, and every figure is compared.  A metric over time: trends, rates, counts, episodes.
CREATE EXTENSION ingest_profile;
CREATE FUNCTION drift(a text, b text) RETURNS TABLE (verdict text, reasons text) LANGUAGE plpgsql AS
	$$ BEGIN RETURN QUERY EXECUTE format('SELECT d.verdict, d.reasons FROM (SELECT profile(v) AS s FROM (%s) x(v)) a, (SELECT profile(v) AS s FROM (%s) x(v)) b, profile_drift(a.s, b.s) d', a, b); END $$;
CREATE TABLE sold AS SELECT i, round(exp(3 + 3 * ((i * 7919) % 1009) / 1009.0)::numeric, 2) AS amount, 'ORD' || i AS number, initcap((ARRAY['alder','birch','cedar','maple','hazel'])[1 + i * 31 % 5]) || ' & Co' AS name,
	to_char(date '2024-01-01' + i * 37 % 700, 'DD/MM/YYYY') AS day FROM generate_series(1, 1000) i;

-- order numbers are all new in each batch, and have more digits one day
SELECT * FROM drift('SELECT ''ORD'' || i FROM generate_series(1, 100) i', 'SELECT ''ORD'' || i FROM generate_series(101, 200) i');
SELECT * FROM drift('SELECT number FROM sold WHERE i <= 400', 'SELECT number FROM sold WHERE i > 400');
-- but not where they had as many always
SELECT * FROM drift('SELECT ''SO'' || lpad(i::text, 6, ''0'') FROM generate_series(1, 400) i', 'SELECT ''SO'' || lpad(i::text, 7, ''0'') FROM generate_series(401, 800) i');
-- days up to the 12th say nothing of the order, in whichever batch they are
SELECT * FROM drift('SELECT to_char(date ''2024-01-01'' + 31 * (i % 7) + i % 5, ''DD/MM/YYYY'') FROM generate_series(1, 60) i', 'SELECT day FROM sold');
-- a fraction in one of three hundred is no other type
SELECT * FROM drift('SELECT CASE WHEN i = 50 THEN ''1.5'' ELSE (i % 90 + 10)::text END FROM generate_series(1, 300) i', 'SELECT (i % 90 + 10)::text FROM generate_series(1, 300) i');
-- a few rows of a heavy tail in one of the batches
SELECT * FROM drift('SELECT CASE WHEN i % 100 = 0 THEN 1e9 ELSE i % 50 END::numeric FROM generate_series(1, 300) i', 'SELECT (i % 50)::numeric FROM generate_series(1, 300) i');

-- seen: amounts, signs, blanks, mojibake, case, formats
SELECT * FROM drift('SELECT amount FROM sold', 'SELECT CASE WHEN i % 10 = 0 THEN amount * 100 ELSE amount END FROM sold');
SELECT * FROM drift('SELECT amount FROM sold', 'SELECT CASE WHEN i % 10 = 0 THEN -amount ELSE amount END FROM sold');
SELECT * FROM drift('SELECT name FROM sold', 'SELECT CASE WHEN i % 10 = 0 THEN name || '' '' ELSE name END FROM sold');
SELECT * FROM drift('SELECT name FROM sold', 'SELECT CASE WHEN i % 20 = 0 THEN replace(name, ''e'', ''Ã©'') ELSE name END FROM sold');
SELECT * FROM drift('SELECT name FROM sold', 'SELECT CASE WHEN i % 10 = 0 THEN upper(name) ELSE name END FROM sold');
SELECT * FROM drift('SELECT day FROM sold', 'SELECT substr(day, 4, 3) || left(day, 3) || right(day, 4) FROM sold');
SELECT * FROM drift('SELECT day FROM sold', 'SELECT CASE WHEN i % 5 = 0 THEN replace(day, ''/'', ''.'') ELSE day END FROM sold');
SELECT * FROM drift('SELECT name FROM sold', 'SELECT left(name, 7) FROM sold');
SELECT * FROM drift('SELECT i::float8 FROM sold', 'SELECT CASE WHEN i % 25 = 0 THEN ''NaN'' ELSE i::float8 END FROM sold');
-- random halves: at most one of a thousand
SELECT setseed(0.4);
SELECT count(*) FILTER (WHERE d.verdict <> 'none') <= 1 AS quiet FROM (SELECT t, profile(v) FILTER (WHERE h) AS a, profile(v) FILTER (WHERE NOT h) AS b FROM
	(SELECT t, random() < 0.5 AS h, round((1 / (1 - random()))::numeric, 1) AS v FROM generate_series(1, 300) t, generate_series(1, 60)) x GROUP BY t) y, profile_drift(a, b) d;
SELECT count(*) FILTER (WHERE d.verdict <> 'none') <= 1 AS quiet FROM (SELECT t, profile(v) FILTER (WHERE h) AS a, profile(v) FILTER (WHERE NOT h) AS b FROM
	(SELECT t, random() < 0.5 AS h, (ARRAY['n','n','n','yes','no ','?'])[1 + floor(random() * 6)::int] || floor(random() * 1.1)::text AS v FROM generate_series(1, 300) t, generate_series(1, 60)) x GROUP BY t) y, profile_drift(a, b) d;

-- a rate of a thousandth that is fifty times as much is seen; noise of the size of its own is not
CREATE FUNCTION wave(i int) RETURNS float8 LANGUAGE sql AS 'SELECT sin(i * 12.9898) + sin(i * 78.233) / 2';
SELECT anomaly_score(h, 0.05) > 4 AS fifty_times, abs(anomaly_score(h, 0.0011)) < 4 AS usual FROM (SELECT array_agg(0.001 * (1 + 0.1 * wave(i)) ORDER BY i) AS h FROM generate_series(1, 30) i) x;
SELECT anomaly_score(array_fill(0::float8, ARRAY[30]), 0.05) > 4 AS never_before;
-- growth of a hundredth a day: what would have been much then is little now
SELECT anomaly_score(h, 100 * 1.01 ^ 181 * 0.7) < -4 AS drop_seen, abs(anomaly_score(h, 100 * 1.01 ^ 181)) < 4 AS growth_usual
	FROM (SELECT array_agg(100 * 1.01 ^ i * (1 + 0.04 * wave(i)) ORDER BY i) AS h FROM generate_series(1, 180) i) x;
-- events by chance: two more are nothing, a dozen is
SELECT abs(anomaly_score(h, 3)) < 4 AS by_chance, anomaly_score(h, 14) > 4 AS not_by_chance FROM (SELECT ARRAY[0,1,2,0,1,1,0,3,1,0,2,1,0,1,1,0,2,1,0,1]::float8[] AS h) x;
-- a number of rows that never varies is no such thing
SELECT anomaly_score(array_fill(1000::float8, ARRAY[30]), 800) < -4 AS rows_lost, anomaly_score(array_fill(1e6::float8, ARRAY[30]), 800000) < -4 AS of_a_million,
	anomaly_score(array_fill(1e6::float8, ARRAY[30]), 1010000) < 4 AS hundredth_more;
-- an episode has one alarm, a later one its own
SELECT array_agg(point ORDER BY point) FILTER (WHERE alarm) AS alarms, max(abs(score)) FILTER (WHERE NOT alarm) <= 4 AS others_quiet FROM anomaly_scores(
	(SELECT array_agg(CASE WHEN i BETWEEN 40 AND 43 OR i = 70 THEN 500 ELSE 100 + wave(i) END ORDER BY i) FROM generate_series(1, 90) i));
SELECT anomaly_score(h, 500) = 4 AS told_already FROM (SELECT array_agg(CASE WHEN i >= 59 THEN 500 ELSE 100 + wave(i) END ORDER BY i) AS h FROM generate_series(1, 60) i) x;
-- by the tails of a long history, and each point as if it were the last
CREATE TABLE hourly AS SELECT array_agg(50 + 20 * sin(2 * pi() * i / 48) + wave(i) + CASE WHEN i BETWEEN 900 AND 910 THEN 60 ELSE 0 END ORDER BY i) AS s FROM generate_series(1, 1000) i;
SELECT array_agg(point ORDER BY point) FILTER (WHERE alarm AND point > 300) AS alarms FROM hourly, anomaly_scores(s, season => 48);
SELECT bool_and(anomaly_score(s[:n - 1], s[n], 48) IS NOT DISTINCT FROM score) AS same FROM hourly, anomaly_scores(s, season => 48) JOIN unnest(ARRAY[30, 120, 450, 900, 905]) n ON n = point;
SELECT * FROM anomaly_scores('{1,NULL,NaN,2,3}');
SELECT count(*) FROM anomaly_scores(NULL);
SELECT anomaly_score(ARRAY[1, 2, 3, 4, 5, 6], 'Infinity') AS no_point, anomaly_score('{}', 1) AS no_history, anomaly_score(array_fill(0.5::float8, ARRAY[50]), 0.5, 2147483647) AS no_such_season;
SELECT anomaly_score(ARRAY[1, 2, 3, 4, 5, 6], 1, kind => 'rate');
SELECT anomaly_scores('{1,-1}', kind => 'count');
SELECT anomaly_scores('{1,-1}', kind => 'level');
SELECT anomaly_scores('{1,-1}', season => 0);
DROP TABLE sold, hourly;
DROP FUNCTION drift(text, text), wave(int);
DROP EXTENSION ingest_profile;
