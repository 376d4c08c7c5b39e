-- Outliers that are many, and what made them; tails are none
CREATE EXTENSION ingest_profile;
SELECT setseed(0.5);
CREATE FUNCTION normal(seed int) RETURNS float8 LANGUAGE sql VOLATILE AS $$ SELECT sum(random()) - 6 + 0 * seed FROM generate_series(1, 12) $$;
CREATE TABLE planted AS SELECT i, i % 10 = 0 AS bad, (i % 100)::numeric AS apart, 1000 + normal(i) * 100 AS unit, (1995 + i % 20) AS year, 500 + normal(i) * 20 AS low, date '2024-01-01' + i % 60 AS day FROM generate_series(1, 2000) i;
UPDATE planted SET apart = 100000, unit = unit * 100, year = CASE i % 20 WHEN 10 THEN 3002 ELSE 5991 END, low = low / 1000, day = date '1924-01-01' + i % 60 WHERE bad;
SELECT c, kind, detail, count, (xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM planted WHERE NOT bad AND ' || where_clause, false, true, '')))[1] AS wrong
	FROM unnest('{apart,unit,year,low,day}'::text[]) c, outliers('planted', c) WHERE kind <> 'far fence' AND detail NOT LIKE '%far fence%' ORDER BY c, kind, detail;
-- tails and shapes of all kinds: at most a few rows, and no cause is named
CREATE TABLE tails AS SELECT random() AS uniform, normal(i) AS normal, -ln(1 - random()) AS exponential, exp(normal(i)) AS lognormal, 1 / (1 - random()) AS pareto, tan(3.14159 * (random() - 0.5)) AS cauchy, (i % 7)::int AS few, i AS too_many, (random() * 1e6)::int AS wide FROM generate_series(1, 5000) i;
SELECT c FROM unnest('{uniform,normal,exponential,lognormal,pareto,cauchy,few,too_many,wide}'::text[]) c WHERE EXISTS (SELECT FROM outliers('tails', c) WHERE count > 50 OR kind NOT IN ('robust z', 'far fence'));
-- two halves are two kinds, not outliers
CREATE TABLE halves AS SELECT CASE WHEN i % 2 = 0 THEN i % 100 ELSE 100000 + i % 100 END AS n FROM generate_series(1, 1000) i;
SELECT * FROM outliers('halves', 'n');
-- round values that come much more often than those around them, and not where all are round
CREATE TABLE heaps AS SELECT CASE WHEN i % 50 = 0 THEN 100000 ELSE 80000 + (i * 7919) % 40000 END AS cap, CASE WHEN i % 3 = 0 THEN 1000 ELSE (i % 30) * 100 END AS prices, 100 * (i % 20) AS round FROM generate_series(1, 2000) i;
SELECT c, kind, detail, count FROM unnest('{cap,prices,round}'::text[]) c, outliers('heaps', c);
-- -1 among ids that are too many to be counted each
CREATE TABLE too_many AS SELECT CASE WHEN i % 3000 = 0 THEN -1 ELSE i END AS id FROM generate_series(1, 20000) i;
SELECT kind, detail, count FROM outliers('too_many', 'id');
-- misspelt values, but not numbers of things, and not names that are both frequent
CREATE TABLE spelt AS SELECT CASE i WHEN 7 THEN 'Birminxham' WHEN 8 THEN 'Montgomrey' WHEN 9 THEN 'Mobiles' WHEN 11 THEN 'Room 15' ELSE (ARRAY['Birmingham','Montgomery','Mobile','Huntsville','Room 11','Room 12','Austria','Australia'])[1 + i % 8] END AS city FROM generate_series(1, 400) i;
SELECT kind, detail, count, where_clause FROM outliers('spelt', 'city') ORDER BY where_clause;
-- what is missing in disguise
CREATE TABLE guise AS SELECT CASE i % 25 WHEN 1 THEN 'keine Angabe' WHEN 2 THEN '0000000000' WHEN 3 THEN 'NaN' ELSE 'x' || i END AS t FROM generate_series(1, 500) i;
SELECT kind, detail, count FROM outliers('guise', 't') WHERE kind = 'placeholder' ORDER BY detail;
DROP TABLE planted, tails, halves, heaps, too_many, spelt, guise;
DROP FUNCTION normal(int);
DROP EXTENSION ingest_profile;
