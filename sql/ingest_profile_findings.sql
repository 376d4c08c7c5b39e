-- Drift between profiles, outliers in a column, anomalies in a metric.
CREATE EXTENSION ingest_profile;
SELECT setseed(0.3);
CREATE FUNCTION drift(a text, b text) RETURNS TABLE (verdict text, reasons text) LANGUAGE plpgsql AS
	$$ BEGIN RETURN QUERY EXECUTE format('SELECT d.verdict, d.reasons FROM (SELECT profile(v) AS s FROM (%s) x(v)) a, (SELECT profile(v) AS s FROM (%s) x(v)) b, profile_drift(a.s, b.s) d', a, b); END $$;

-- no change is no drift, on few rows and on many
SELECT * FROM drift('SELECT random() FROM generate_series(1, 100)', 'SELECT random() FROM generate_series(1, 100)');
SELECT * FROM drift('SELECT random() FROM generate_series(1, 20000)', 'SELECT random() FROM generate_series(1, 50000)');
SELECT * FROM drift('SELECT md5(random()::text) FROM generate_series(1, 5000)', 'SELECT md5(random()::text) FROM generate_series(1, 5000)');
SELECT * FROM drift('SELECT (random() * 5)::int::text FROM generate_series(1, 500)', 'SELECT (random() * 5)::int::text FROM generate_series(1, 5000)');
SELECT sum((verdict <> 'none')::int) <= 2 AS quiet FROM generate_series(1, 100) i, drift('SELECT random() + 0 * ' || i || ' FROM generate_series(1, 200)', 'SELECT random() + 0 * ' || i || ' FROM generate_series(1, 200)');
-- changes are
SELECT * FROM drift('SELECT random() FROM generate_series(1, 5000)', 'SELECT random() + 0.15 FROM generate_series(1, 5000)');
SELECT * FROM drift('SELECT random() FROM generate_series(1, 5000)', 'SELECT random() + 0.5 FROM generate_series(1, 5000)');
SELECT * FROM drift('SELECT i FROM generate_series(1, 5000) i', 'SELECT CASE WHEN i % 20 > 0 THEN i END FROM generate_series(1, 5000) i');
SELECT * FROM drift('SELECT i FROM generate_series(1, 5000) i', 'SELECT i / 5 FROM generate_series(1, 25000) i');
SELECT * FROM drift('SELECT (ARRAY[''new'',''open'',''paid''])[1 + i % 3] FROM generate_series(1, 3000) i', 'SELECT (ARRAY[''new'',''open'',''PAID!''])[1 + i % 3] FROM generate_series(1, 3000) i');
SELECT * FROM drift('SELECT ''SO'' || lpad(i::text, 6, ''0'') FROM generate_series(1, 5000) i', 'SELECT CASE WHEN i % 50 = 0 THEN ''SO-'' ELSE ''SO'' END || lpad(i::text, 6, ''0'') FROM generate_series(5001, 10000) i');
SELECT * FROM drift('SELECT i::text FROM generate_series(1, 500) i', 'SELECT ''A'' || i FROM generate_series(1, 500) i');
SELECT * FROM drift('SELECT to_char(date ''2024-01-01'' + i, ''DD/MM/YYYY'') FROM generate_series(1, 500) i', 'SELECT to_char(date ''2024-01-01'' + i, ''MM/DD/YYYY'') FROM generate_series(1, 500) i');
SELECT * FROM drift('SELECT i FROM generate_series(1, 50) i', 'SELECT i::text FROM generate_series(1, 50) i');
SELECT new_values, gone_values, new_patterns FROM (SELECT profile('a' || i % 3) AS s FROM generate_series(1, 600) i) a, (SELECT profile('a' || i % 2 || CASE WHEN i % 6 = 0 THEN 'x' ELSE '' END) AS s FROM generate_series(1, 600) i) b, profile_drift(a.s, b.s);

-- outliers: each finding selects its rows
CREATE TABLE odd AS SELECT i AS id, 100 + (i * 7919) % 50 AS amount, round(exp((i * 7919 % 1000) / 200.0)::numeric, 2) AS skewed, date '2024-01-01' + i % 300 AS day,
	(ARRAY['Vienna','Berlin','Zurich'])[1 + i % 3] AS city, 'SO' || lpad(i::text, 6, '0') AS doc, 'ok' AS state, sin(i) AS wave FROM generate_series(1, 10000) i;
UPDATE odd SET amount = 99999 WHERE id IN (5, 6);
UPDATE odd SET amount = -400 WHERE id = 7;
UPDATE odd SET day = '1900-01-01' WHERE id IN (8, 9);
UPDATE odd SET city = 'Viena' WHERE id = 10;
UPDATE odd SET city = 'N/A' WHERE id BETWEEN 100 AND 160;
UPDATE odd SET doc = 'so-12' WHERE id = 11;
UPDATE odd SET state = '  ' WHERE id = 12;
SELECT kind, detail, count, examples, where_clause FROM outliers('odd', 'amount');
SELECT kind, count, examples, where_clause FROM outliers('odd', 'day');
SELECT kind, detail, count, where_clause FROM outliers('odd', 'city');
SELECT kind, detail, count, examples, where_clause FROM outliers('odd', 'doc');
SELECT kind, detail, count FROM outliers('odd', 'state');
-- a long tail, and a column without any
SELECT kind, count FROM outliers('odd', 'skewed');
SELECT kind, count FROM outliers('odd', 'wave');
SELECT kind, count FROM outliers('odd', 'id');
-- the condition selects what was counted
DO $$
DECLARE r record; n bigint; c text;
BEGIN
	FOREACH c IN ARRAY ARRAY['amount', 'day', 'city', 'doc', 'state'] LOOP
		FOR r IN SELECT * FROM outliers('odd', c) LOOP
			EXECUTE 'SELECT count(*) FROM odd WHERE ' || r.where_clause INTO n;
			ASSERT n = r.count, format('%s: %s rows, not %s', r.where_clause, n, r.count);
		END LOOP;
	END LOOP;
END $$;
SELECT * FROM outliers('odd', 'nothing');

-- a metric over time
SELECT round(anomaly_score(ARRAY[100, 101, 99, 102, 98, 100, 103], 101)::numeric, 1) AS usual, anomaly_score(ARRAY[100, 101, 99, 102, 98, 100, 103], 10) < -4 AS low,
	anomaly_score(ARRAY[100, 101, 99, 102, 98, 100, 103], 300) > 4 AS high, anomaly_score(ARRAY[100, 101, 99, 102], 300) AS too_short, anomaly_score(ARRAY[5, 5, 5, 5, 5, 5], 5) AS constant,
	anomaly_score(ARRAY[5, NULL, 5, 'NaN'::float8, 5, 5, 5, 5], 50) > 4 AS with_gaps;
-- office hours: quiet weekends are usual on weekends, and a quiet Monday is not
CREATE FUNCTION week(weeks int) RETURNS float8[] LANGUAGE sql AS $$ SELECT array_agg(CASE WHEN d % 7 >= 5 THEN 20 ELSE 1000 END * (1 + 0.05 * sin(d * 12.9898)) ORDER BY d) FROM generate_series(0, 7 * weeks - 1) d $$;
SELECT abs(anomaly_score(week(8), 100, 7)) > 4 AS quiet_monday, abs(anomaly_score(week(8), 1000, 7)) < 4 AS usual_monday,
	abs(anomaly_score(week(8) || ARRAY[1000, 1000, 1000, 1000, 1000]::float8[], 21, 7)) < 4 AS usual_saturday;
SELECT anomaly_score(ARRAY[1, 2, 3, 4, 5, 6], 1, 1);
DROP TABLE odd;
DROP FUNCTION drift(text, text), week(int);
DROP EXTENSION ingest_profile;
