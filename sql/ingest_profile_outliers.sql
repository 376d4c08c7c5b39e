-- Outliers that are many, and what made them; tails and other kinds of things are none
CREATE EXTENSION ingest_profile;
SELECT setseed(0.5);
CREATE FUNCTION normal(seed int) RETURNS float8 LANGUAGE sql VOLATILE AS $$ SELECT sum(random()) - 6 + 0 * seed FROM generate_series(1, 12) $$;
-- what is found in each of some columns, and how many rows of it were not planted
CREATE FUNCTION judged(relation text, columns text[]) RETURNS TABLE (c text, kind text, detail text, count bigint, wrong text) LANGUAGE sql AS
	$$ SELECT c, kind, detail, count, (xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM ' || relation || ' WHERE NOT bad AND ' || where_clause, false, true, '')))[1]
		FROM unnest(columns) WITH ORDINALITY u (c, o), outliers(relation, c) ORDER BY o, kind, detail $$;
CREATE TABLE planted AS SELECT i, i % 10 = 0 AS bad, (i % 100)::numeric AS apart, 1000 + normal(i) * 100 AS unit, round(exp(4 + 0.5 * normal(i))::numeric, 2) AS tail, 2003 + i / 10 % 7 AS year, 500 + normal(i) * 20 AS low,
	date '2024-01-01' + i % 60 AS day, 2021 AS constant, -118.2282 AS place, 24 AS code, 48.2 + normal(i) / 10 AS latitude, i AS sequence, 80 + normal(i) * 5 AS zero FROM generate_series(1, 2000) i;
UPDATE planted SET apart = 100000, unit = unit * 100, tail = tail * 100, year = (right(year::text, 1) || '00' || left(year::text, 1))::int, low = low / 1000, day = date '1924-01-01' + i % 60, constant = constant * (0.5 + random()), place = place * (0.5 + random()), code = 12 + floor(25 * random()),
	latitude = latitude * (0.5 + random()), sequence = 10000 + i * 77, zero = 0 WHERE bad;
SELECT c, kind, regexp_replace(detail, '^(above|below) [^:]*(::\w+)?: ', '\1 …: ') AS detail, count, wrong FROM judged('planted', '{apart,unit,tail,year,low,day,constant,place,code,latitude,sequence,zero}') WHERE kind <> 'placeholder';
-- tails and shapes of all kinds: nothing at all
CREATE TABLE tails AS SELECT random() AS uniform, normal(i) AS normal, -ln(1 - random()) AS exponential, exp(normal(i)) AS lognormal, 1 / (1 - random()) AS pareto, tan(3.14159 * (random() - 0.5)) AS cauchy, (i % 7)::int AS few, i AS too_many, (random() * 1e6)::int AS wide,
	normal(i) / sqrt((normal(i) ^ 2 + normal(i) ^ 2 + normal(i) ^ 2) / 3) AS student, exp(normal(i)) * (1 - 2 * (i % 4 / 3)) AS both_signs, CASE WHEN i % 5 = 0 THEN 500 + 50 * normal(i) ELSE 10 + 2 * normal(i) END AS two_peaks,
	CASE WHEN i % 4 = 0 THEN round(exp(3 + normal(i))::numeric, 2) ELSE 0 END AS sparse, CASE WHEN i % 4 = 0 THEN round((ARRAY[1.08, 0.85, 1.36])[1 + i % 3] * (1 + normal(i) / 100)::numeric, 4) ELSE 1 END AS rates,
	CASE WHEN i % 4 = 0 THEN (ARRAY[20, 30, 35, 45, 50])[1 + i % 5] ELSE 40 END AS hours, floor(exp(3 + normal(i))) + 0.99 AS prices, CASE WHEN i <= 40 THEN i ELSE 1000000 + i END AS two_ranges, 2024 - floor(-ln(1 - random()) * 5)::int AS year,
	date '1960-01-01' + (random() * 15000)::int AS birthday, CASE WHEN i % 6 = 0 THEN date '2024-09-01' ELSE date '2024-02-01' END + i % 20 AS season, 100 + 50 * sin(i / 58.0) + 3 * normal(i) AS wave, (1 / (1 - random()))::int AS quantity FROM generate_series(1, 5000) i;
SELECT attname, kind, detail, count FROM pg_attribute, outliers('tails', attname) WHERE attrelid = 'tails'::regclass AND attnum > 0;
-- so many as are expected of their tail; beyond it one is enough
INSERT INTO tails (normal, lognormal, student) VALUES (60, exp(12), 500);
SELECT c, kind, count FROM unnest('{normal,lognormal,student}'::text[]) c, outliers('tails', c);
-- two halves are two kinds, not outliers
CREATE TABLE halves AS SELECT CASE WHEN i % 2 = 0 THEN i % 100 ELSE 100000 + i % 100 END AS n FROM generate_series(1, 1000) i;
SELECT * FROM outliers('halves', 'n');
-- round values that come much more often than those around them, and not where all are round
CREATE TABLE heaps AS SELECT CASE WHEN i % 50 = 0 THEN 100000 ELSE 80000 + (i * 7919) % 40000 END AS cap, CASE WHEN i % 3 = 0 THEN 1000 ELSE (i % 30) * 100 END AS prices, 100 * (i % 20) AS round FROM generate_series(1, 2000) i;
SELECT c, kind, detail, count FROM unnest('{cap,prices,round}'::text[]) c, outliers('heaps', c);
-- -1 among ids that are too many to be counted each
CREATE TABLE too_many AS SELECT CASE WHEN i % 3000 = 0 THEN -1 ELSE i END AS id FROM generate_series(1, 20000) i;
SELECT kind, detail, count FROM outliers('too_many', 'id');
-- misspelt values, but not numbers of things, and not names that are both frequent; several letters of a long one
CREATE TABLE spelt AS SELECT CASE i WHEN 7 THEN 'Birminxham' WHEN 8 THEN 'Montgomrey' WHEN 9 THEN 'Mobiles' WHEN 11 THEN 'Room 15' WHEN 12 THEN 'Huxxsville' WHEN 13 THEN 'govxrnmxnt hospital districx' WHEN 14 THEN 'government hospital authority'
	ELSE (ARRAY['Birmingham','Montgomery','Mobile','Huntsville','Room 11','Room 12','Austria','Australia','government hospital district'])[1 + i % 9] END AS city FROM generate_series(1, 450) i;
SELECT kind, detail, count, where_clause FROM outliers('spelt', 'city') ORDER BY where_clause;
-- first names are that near to each other by themselves; and what differs in one place only is another one
CREATE TABLE alike AS SELECT (ARRAY['Anna','Anne','Hanna','Maria','Marie','Mario','Marta','Paul','Paula','Karl','Karla','Carla'])[1 + i % 12 * (i % 40) / 39] AS name,
	CASE WHEN i > 590 THEN 'https://example.com/live/cameras/' || (ARRAY['Union','Jackson','Marion','Hudson'])[1 + i % 4] || '.stream' ELSE 'https://example.com/live/cameras/Madison.stream' END AS url FROM generate_series(1, 600) i;
SELECT c, kind, detail FROM unnest('{name,url}'::text[]) c, outliers('alike', c);
-- the same but for case, blanks and punctuation; signs, points and grades matter
CREATE TABLE written AS SELECT i, (ARRAY['12.0 oz.','12.0 oz','12.0 OZ.','12.0 oz.','16.0 oz.'])[1 + i % 5] AS size, (ARRAY['C++ language','C# language','C language','-5 degrees','5 degrees','1.5 litres','15 litres','A- grade','A grade','B- '])[1 + i % 10] AS other FROM generate_series(1, 500) i;
SELECT c, kind, detail, count, where_clause FROM unnest('{size,other}'::text[]) c, outliers('written', c) ORDER BY 1, 5;
-- a unit behind some numbers; a letter behind a house's number is none
CREATE TABLE units AS SELECT '0.0' || 30 + i % 60 || CASE WHEN i % 4 = 0 THEN '%' ELSE '' END AS abv, i % 90 || CASE WHEN i % 10 > 0 THEN ' kg' ELSE '' END AS weight, i % 90 || CASE WHEN i % 5 = 0 THEN 'a' ELSE '' END AS house FROM generate_series(1, 500) i;
SELECT c, kind, detail, count, where_clause FROM unnest('{abv,weight,house}'::text[]) c, outliers('units', c);
-- what is missing in disguise; most of the rows hide nothing, and NA is Namibia among codes
CREATE TABLE guise AS SELECT CASE i % 25 WHEN 1 THEN 'keine Angabe' WHEN 2 THEN '0000000000' WHEN 3 THEN 'NaN' WHEN 4 THEN '-----' ELSE 'x' || i END AS t, CASE WHEN i % 3 > 0 THEN 'n/a' ELSE 'x' || i END AS mostly,
	(ARRAY['NA','ES','FR','DE'])[1 + i % 4] AS country, date '1965-01-01' + i * 7 AS born, CASE WHEN i % 9 = 0 THEN date '1900-01-01' ELSE date '1965-01-01' + i * 7 END AS unknown FROM generate_series(1, 500) i;
SELECT c, kind, detail, count FROM unnest('{t,mostly,country,born,unknown}'::text[]) WITH ORDINALITY u (c, o), outliers('guise', c) WHERE kind = 'placeholder' ORDER BY o, detail;
-- a rare pattern is one of many values, not of a word
CREATE TABLE states AS SELECT CASE WHEN i % 500 = 0 THEN 'on hold' ELSE 'done' END AS state, CASE WHEN i % 500 = 0 THEN 'so-' ELSE 'SO' END || 10000 + i AS doc FROM generate_series(1, 1000) i;
SELECT c, kind, detail, count FROM unnest('{state,doc}'::text[]) c, outliers('states', c);
DROP TABLE planted, tails, halves, heaps, too_many, spelt, alike, written, units, guise, states;

-- what another column contradicts
CREATE TYPE colour AS ENUM ('red', 'green', 'blue');
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Address ""Book""" (i int, brewery int, "the ""name""" varchar(40), city text, state char(2), zip numeric(5), colour colour, total numeric, remark text);
INSERT INTO "Odd Schema"."Address ""Book""" SELECT i, b, 'Brewery ' || b, (ARRAY['Bend','Gary','Boise','Salem','Tulsa','Reno','Akron'])[1 + b % 7] || '''s', (ARRAY['OR','IN','ID','MA','OK','NV','OH'])[1 + b % 7], 10000 + b % 7 * 1111,
	(ARRAY['red','green','blue'])[1 + b % 3]::colour, (i * 7919) % 1000 / 8.0, 'remark ' || (i * 7919) % 50 FROM generate_series(1, 1200) i, LATERAL (SELECT (i * 31) % 97 AS b) x;
UPDATE "Odd Schema"."Address ""Book""" SET city = city || ' ' || state, state = NULL WHERE i IN (100, 200, 300);
UPDATE "Odd Schema"."Address ""Book""" SET zip = 99999 - zip WHERE i IN (400, 401);
UPDATE "Odd Schema"."Address ""Book""" SET colour = 'red' WHERE i IN (500, 501);
UPDATE "Odd Schema"."Address ""Book""" SET brewery = 50 WHERE i = 600;
SELECT c, kind, detail, count, examples FROM unnest('{brewery,city,state,zip,colour,total,remark}'::text[]) WITH ORDINALITY u (c, o), outliers('"Odd Schema"."Address ""Book"""', c) ORDER BY o, kind, detail;
DO $$
DECLARE r record; n bigint; c text;
BEGIN
	FOREACH c IN ARRAY ARRAY['brewery', 'the "name"', 'city', 'state', 'zip', 'colour'] LOOP
		FOR r IN SELECT * FROM outliers('"Odd Schema"."Address ""Book"""', c) LOOP
			EXECUTE 'SELECT count(*) FROM "Odd Schema"."Address ""Book""" WHERE ' || r.where_clause INTO n;
			ASSERT n = r.count, format('%s: %s rows, not %s', r.where_clause, n, r.count);
		END LOOP;
	END LOOP;
END $$;
-- who may not read the other columns is not told by them
CREATE ROLE outliers_reader;
GRANT USAGE ON SCHEMA "Odd Schema" TO outliers_reader;
GRANT SELECT (city, remark) ON "Odd Schema"."Address ""Book""" TO outliers_reader;
SET ROLE outliers_reader;
SELECT kind, count FROM outliers('"Odd Schema"."Address ""Book"""', 'city');
RESET ROLE;
-- a view has no rows of its own, but may be asked
CREATE VIEW book AS SELECT * FROM "Odd Schema"."Address ""Book""";
SELECT kind, count FROM outliers('book', 'zip');
-- people move, and a product's price differs: exceptions that are many are none
CREATE TABLE moved AS SELECT i, i % 60 AS customer, CASE WHEN i % 60 % 5 = 0 AND i > 600 THEN 'Graz' ELSE (ARRAY['Wien','Linz','Wels'])[1 + i % 60 % 3] END AS city, round(((i % 60 + 1) * CASE WHEN i % 12 = 0 THEN 0.9 ELSE 1 END)::numeric, 2) AS price FROM generate_series(1, 1200) i;
SELECT c, kind, detail FROM unnest('{customer,city,price}'::text[]) c, outliers('moved', c);
DROP VIEW book;
DROP SCHEMA "Odd Schema" CASCADE;
DROP ROLE outliers_reader;
DROP TYPE colour;
DROP TABLE moved;
DROP FUNCTION judged(text, text[]), normal(int);
DROP EXTENSION ingest_profile;
