-- Whole tables, views, queries and foreign tables; as the caller, and quoted.
\set VERBOSITY terse
CREATE EXTENSION ingest_profile;
SET timezone = 'UTC';
CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL, email text, country text, credit numeric(10,2), since date, active boolean, note text);
INSERT INTO customer SELECT i, 'Customer ' || i, CASE WHEN i % 4 > 0 THEN 'c' || i || '@example.com' END, (ARRAY['AT','DE','US'])[1 + i % 3], (i * 37 % 1000) / 4.0,
	date '2020-01-01' + i % 900, i % 10 > 0, CASE WHEN i = 7 THEN 'Ünïcode' END FROM generate_series(1, 1000) i;
ANALYZE customer;

SELECT column_name, position, sampled, total_rows, total_nulls, distinct_count, min, max, hidden_type, semantic_type, estimates FROM profile_table('customer');
SELECT column_name, rows, sum, median FROM profile_table('customer', ARRAY['credit', 'id'], where_clause => 'country = ''AT'' -- a comment');
SELECT (SELECT profile_stats(sketch) FROM profile_table('customer', '{id}')) = (SELECT profile_stats(profile(id)) FROM customer) AS same;
SELECT * FROM profile_report('customer');
SELECT * FROM profile_report('customer', '{note}', where_clause => 'id = 7');

-- samples say so: counts are scaled, with bounds
SELECT column_name, sampled, rows BETWEEN 200 AND 400 AS about, total_rows BETWEEN 700 AND 1300 AS scaled, total_nulls_low <= 250 AND total_nulls_high >= 250 AS bounded,
	total_distinct_low <= 750 AND total_distinct_high >= 750 AS distinct_bounded, estimates FROM profile_table('customer', '{email}', 300);
CREATE VIEW seen AS SELECT id, email FROM customer WHERE active;
-- another sample each time, and in 95 of 100 the bounds hold
SELECT column_name, sampled, rows, total_rows, count(*) FILTER (WHERE total_nulls_low <= 200 AND total_nulls_high >= 200) >= 175 AS bounded, avg(total_nulls_high - total_nulls_low) < 200 AS close
	FROM generate_series(1, 200) i, profile_table('seen', '{email}', 100 + 0 * i) GROUP BY 1, 2, 3, 4;
SELECT column_name, sampled, rows FROM profile_table('seen', '{email}', 5000);
SELECT profile FROM profile_report('seen', '{id}', 100) LIMIT 1;

-- queries, views, materialized views, partitions
SELECT column_name, "type", rows, min, max FROM profile_query('SELECT country, count(*) AS n, count(*) FROM customer GROUP BY country; ');
SELECT column_name, rows FROM profile_query('VALUES (1), (2)');
CREATE MATERIALIZED VIEW kept AS SELECT * FROM seen;
SELECT column_name, rows FROM profile_table('kept', '{id}');
CREATE TABLE split (k int, v text) PARTITION BY LIST (k);
CREATE TABLE split1 PARTITION OF split FOR VALUES IN (1);
CREATE TABLE split2 PARTITION OF split FOR VALUES IN (2);
INSERT INTO split SELECT 1 + i % 2, i::text FROM generate_series(1, 100) i;
SELECT column_name, rows, distinct_count FROM profile_table('split');
CREATE TABLE empty (a int, "b c" text);
SELECT column_name, rows, total_rows, sketch IS NULL AS none FROM profile_table('empty');
SELECT * FROM profile_report('empty');
CREATE TABLE columnless ();
SELECT count(*) FROM profile_table('columnless');

-- names that need quoting
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Odd ""Table""" ("select" int, "Mixed Case" text, "quo""te" text, "Ünï" int);
INSERT INTO "Odd Schema"."Odd ""Table""" SELECT i, 'x' || i, 'y', i FROM generate_series(1, 150) i;
SELECT column_name, rows, distinct_count FROM profile_table('"Odd Schema"."Odd ""Table"""');
SELECT columns, score > 0 AS scored FROM candidate_keys('"Odd Schema"."Odd ""Table"""');
SELECT kind, where_clause FROM outliers('"Odd Schema"."Odd ""Table"""', 'quo"te');
SELECT column_name, rows FROM profile_table('"Odd Schema"."Odd ""Table"""', ARRAY['quo"te'], 50, '"quo""te" = ''y''');

-- a foreign table is asked for the columns named and no others
CREATE EXTENSION postgres_fdw;
DO $$ BEGIN EXECUTE format('CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, host %L, port %L)',
	current_database(), split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port')); END $$;
CREATE USER MAPPING FOR CURRENT_USER SERVER here;
CREATE FOREIGN TABLE far (id int, email text, missing text) SERVER here OPTIONS (schema_name 'public', table_name 'customer');
SELECT column_name, rows, nulls FROM profile_table('far', '{id,email}');
SELECT column_name, rows FROM profile_table('far', '{email}', 10);
SELECT column_name FROM profile_table('far');

-- what is wrong is said
SELECT * FROM profile_table(NULL);
SELECT * FROM profile_table('nowhere');
SELECT * FROM profile_table('customer', '{nothing}');
SELECT * FROM profile_table('customer', NULL, -5);
SELECT * FROM profile_table('customer_pkey');
SELECT * FROM profile_query('DELETE FROM customer');
SELECT * FROM profile_query('SELECT 1) x; DROP TABLE customer; --');
SELECT * FROM candidate_keys('customer', 9);
SELECT count(*) FROM customer;

-- everything runs as the caller: row security, column privileges
CREATE ROLE profile_reader;
CREATE TABLE secrets (id int, owner text, secret text);
INSERT INTO secrets SELECT i, CASE WHEN i % 2 = 0 THEN 'profile_reader' ELSE 'other' END, 'hidden ' || i FROM generate_series(1, 100) i;
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secrets USING (owner = current_user);
GRANT SELECT (id, owner) ON secrets TO profile_reader;
SET ROLE profile_reader;
SELECT column_name, rows, top_value FROM profile_table('secrets');
SELECT * FROM profile_table('secrets', '{secret}');
SELECT column_name FROM profile_table('secrets', '{id}', where_clause => 'secret <> ''''');
SELECT profile FROM profile_report('secrets');
SELECT columns, rows FROM candidate_keys('secrets');
SELECT * FROM outliers('secrets', 'secret');
SELECT * FROM candidate_foreign_keys(ARRAY['secrets', 'customer']::regclass[]);
SELECT * FROM profile_table('customer');
RESET ROLE;
DROP SCHEMA "Odd Schema" CASCADE;
DROP TABLE customer, split, empty, columnless, secrets CASCADE;
DROP ROLE profile_reader;
DROP EXTENSION postgres_fdw CASCADE;
DROP EXTENSION ingest_profile;
