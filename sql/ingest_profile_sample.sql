-- Bounds of what a sample says of the whole hold in 95 of 100 samples: of rows, nulls and distinct values, by chance and from a reservoir
CREATE EXTENSION ingest_profile;
SET statement_timeout = '10min';
SELECT setseed(0.31);
CREATE TABLE drawn (id int, pair int, category int, skewed int, rare text, singles int, half int, most int, nothing int);
CREATE VIEW seen AS SELECT * FROM drawn;
CREATE TABLE outcome (how text, col text, figure text, low float8, high float8, truth float8);
CREATE FUNCTION draw(rounds int, most int, sizes int[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE n int; wanted int; truth jsonb;
BEGIN
	FOR r IN 1 .. rounds LOOP
		n := most / 4 + random() * most * 0.75;
		wanted := sizes[1 + r % cardinality(sizes)];
		TRUNCATE drawn;
		-- another place in the table is another sample
		INSERT INTO drawn (id) SELECT 0 FROM generate_series(1, (random() * 3000)::int);
		INSERT INTO drawn SELECT i, (i + 1) / 2, random() * 4, (1 / (0.0005 + random()))::int, CASE WHEN random() < 0.02 THEN 'x' || i ELSE 'same' END,
			CASE WHEN random() < 0.3 THEN i ELSE -(random() * 20)::int END, CASE WHEN random() < 0.5 THEN i % 300 END, CASE WHEN random() < 0.01 THEN i END, NULL FROM generate_series(1, n) i ORDER BY random();
		DELETE FROM drawn WHERE id = 0;
		ANALYZE drawn;
		SELECT jsonb_object_agg(key, jsonb_build_array(d, nulls)) INTO truth FROM (SELECT key, count(DISTINCT value) FILTER (WHERE value <> 'null') AS d, count(*) FILTER (WHERE value = 'null') AS nulls FROM drawn, jsonb_each(to_jsonb(drawn)) GROUP BY key) x;
		INSERT INTO outcome SELECT how, p.column_name, f.* FROM (SELECT 'by chance' AS how, a.* FROM profile_table('drawn', sample_rows => wanted) a UNION ALL SELECT 'reservoir', b.* FROM profile_table('seen', sample_rows => wanted) b) p,
			LATERAL (VALUES ('rows', total_rows_low, total_rows_high, n), ('nulls', total_nulls_low, total_nulls_high, (truth -> column_name ->> 1)::int), ('distinct', total_distinct_low, total_distinct_high, (truth -> column_name ->> 0)::int)) f (figure, low, high, truth)
			WHERE sampled;
	END LOOP;
END $$;
SELECT draw(150, 4000, '{50,200,800}');
SELECT how, figure, count(*) > 700 AS enough, avg((low <= truth AND truth <= high)::int) >= 0.94 AS covered FROM outcome GROUP BY how, figure ORDER BY how COLLATE "C", figure COLLATE "C";
-- for each kind of column alone
SELECT how, figure, col, round(avg((low <= truth AND truth <= high)::int), 3) AS covered FROM outcome GROUP BY how, figure, col HAVING avg((low <= truth AND truth <= high)::int) < 0.92 ORDER BY 1, 2, 3;
-- samples of more distinct values than are counted exactly
CREATE TABLE small AS TABLE outcome;
TRUNCATE outcome;
SELECT draw(12, 30000, '{3000,6000}');
SELECT figure, avg((low <= truth AND truth <= high)::int) >= 0.94 AS covered, bool_or(truth > 10000) AS large FROM outcome GROUP BY figure ORDER BY figure COLLATE "C";
TRUNCATE outcome;
INSERT INTO outcome TABLE small;
-- and bounds say something: a sample of a fifth tells keys from categories
SELECT col, avg(low / truth) > 0.5 AS low_tells, avg(high / truth) < 1.5 AS high_tells FROM outcome WHERE figure = 'distinct' AND col IN ('id', 'singles', 'category', 'pair') GROUP BY col ORDER BY col;
-- what is counted whole has no bounds
SELECT DISTINCT total_rows = total_rows_low AND total_rows = total_rows_high AND total_nulls = total_nulls_low AND total_nulls = total_nulls_high AND NOT sampled AS exact FROM profile_table('drawn');
-- a sample that met no row does not say there is none
TRUNCATE drawn;
INSERT INTO drawn (id) SELECT i FROM generate_series(1, 2000) i;
ANALYZE drawn;
DELETE FROM drawn WHERE id > 3;
SELECT column_name, sampled, rows, total_rows, total_rows_high >= 3 AS maybe FROM profile_table('drawn', '{id}', 1);
DROP TABLE drawn CASCADE;
DROP TABLE outcome, small;
DROP FUNCTION draw(int, int, int[]);
DROP EXTENSION ingest_profile;
