-- Behaves like a table: cursors, prepared statements, re-scans, subtransactions, views, privileges
SET search_path = public, netsuite;
SET TimeZone = 'UTC';
-- cursors, also backward
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM transaction ORDER BY id;
FETCH 3 FROM c;
MOVE FORWARD 3000 IN c;
FETCH 1 FROM c;
FETCH BACKWARD 2 FROM c;
MOVE ABSOLUTE 1 IN c;
FETCH 2 FROM c;
COMMIT;
-- a cursor that is left open does not hold back others
BEGIN;
DECLARE d CURSOR FOR SELECT id FROM transactionline;
FETCH 1 FROM d;
SELECT count(*) FROM (SELECT * FROM transaction OFFSET 0) x;
CLOSE d;
COMMIT;
-- prepared statements, generic and custom plans
PREPARE p(bigint, date) AS SELECT count(*) FROM (SELECT * FROM transaction WHERE id < $1 AND trandate > $2 OFFSET 0) x;
EXECUTE p(100, '1990-01-01');
EXECUTE p(50, '1990-01-01');
EXECUTE p(NULL, '1990-01-01');
SET plan_cache_mode = force_generic_plan;
EXECUTE p(100, '1990-01-01');
EXECUTE p(50, 'infinity');
RESET plan_cache_mode;
-- subtransactions
BEGIN;
SAVEPOINT a;
SELECT count(*) FROM netsuite.currency WHERE 1 / (id - 1) > 0;
ROLLBACK TO a;
SELECT count(*) FROM currency;
COMMIT;
DO $$ BEGIN
  FOR i IN 1..3 LOOP
    BEGIN PERFORM 1 / (id - 1) FROM currency; EXCEPTION WHEN division_by_zero THEN NULL; END;
  END LOOP;
END $$;
-- nested loops ask with the outer value, or scan again
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;
CREATE TABLE few (n bigint); INSERT INTO few VALUES (4), (8), (9), (5), (NULL);
ANALYZE few;
EXPLAIN (COSTS OFF, VERBOSE) SELECT t.tranid FROM few JOIN transaction t ON t.id = few.n;
SELECT t.tranid FROM few JOIN transaction t ON t.id = few.n ORDER BY 1;
SELECT count(*) FROM few CROSS JOIN currency;
SELECT n, (SELECT tranid FROM transaction t WHERE t.id = n) FROM few ORDER BY 1;
SELECT count(*) FROM few LEFT JOIN (SELECT * FROM systemnote OFFSET 0) s ON s.id = few.n;
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material;
-- views, CTEs, unions, inheritance, parallel plans
CREATE VIEW v AS SELECT id, upper(name) AS name FROM currency;
SELECT * FROM v WHERE id < 3 ORDER BY id;
WITH w AS MATERIALIZED (SELECT id FROM currency) SELECT count(*) FROM w a, w b;
CREATE TABLE parent (id bigint, name text);
CREATE FOREIGN TABLE child () INHERITS (parent) SERVER ns OPTIONS ("table" 'currency', key 'id');
INSERT INTO parent VALUES (0, 'local');
SELECT tableoid::regclass, count(*) FROM parent GROUP BY 1 ORDER BY 1;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT count(*) FROM copy.transactionline l JOIN netsuite.transaction t ON t.id = l.transaction;
RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;
-- the whole row, system columns, no column at all
SELECT c FROM currency c WHERE id = 1;
SELECT tableoid::regclass FROM currency WHERE id = 1;
SELECT count(*) FROM (SELECT FROM currency) x;
SELECT EXISTS (SELECT FROM transaction), EXISTS (SELECT FROM transaction WHERE id < 0);
-- dropped columns, renamed ones
CREATE FOREIGN TABLE changing (a bigint OPTIONS (column_name 'id'), b text OPTIONS (column_name 'symbol'), name text) SERVER ns OPTIONS ("table" 'currency', key 'id');
ALTER FOREIGN TABLE changing DROP COLUMN b;
ALTER FOREIGN TABLE changing RENAME COLUMN a TO "Key";
SELECT * FROM changing WHERE "Key" <= 2 ORDER BY 1;
-- nothing can be written
INSERT INTO currency (id) VALUES (1);
UPDATE currency SET name = 'x';
DELETE FROM currency;
-- ANALYZE
ANALYZE currency;
ANALYZE transactionline;
SELECT reltuples FROM pg_class WHERE oid IN ('currency'::regclass, 'transactionline'::regclass) ORDER BY 1;
SELECT count(*) > 25 AS analyzed FROM pg_stats WHERE schemaname = 'netsuite' AND tablename = 'transactionline';
SELECT n_distinct FROM pg_stats WHERE schemaname = 'netsuite' AND tablename = 'transactionline' AND attname = 'mainline';
-- estimates: remembered totals, declared rows, COUNT(*)
CREATE FUNCTION estimate(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE line text; BEGIN
  FOR line IN EXECUTE 'EXPLAIN ' || q LOOP RETURN substring(line FROM 'rows=(\d+)'); END LOOP;
END $$;
CREATE FOREIGN TABLE estimated (id bigint) SERVER ns OPTIONS ("table" 'transaction', key 'id', rows '123');
SELECT estimate('SELECT * FROM estimated');
ALTER SERVER ns OPTIONS (ADD use_remote_estimate 'on');
SELECT estimate('SELECT * FROM estimated'), estimate('SELECT * FROM estimated WHERE id < 1000');
ALTER SERVER ns OPTIONS (DROP use_remote_estimate);
-- options that change take effect at once
ALTER FOREIGN TABLE estimated OPTIONS (SET "table" 'currency');
SELECT count(*) FROM estimated;
ALTER FOREIGN TABLE estimated OPTIONS (SET "table" 'nowhere');
SELECT count(*) FROM estimated;
-- identifiers that need quoting, odd names
CREATE FOREIGN TABLE "Odd ""name""" ("select" bigint OPTIONS (column_name 'ID'), "Ünï" text OPTIONS (column_name 'Name')) SERVER ns OPTIONS ("table" 'Currency', key 'id');
SELECT * FROM "Odd ""name""" WHERE "select" = 2;
-- names that cannot be SuiteQL's need an option, once they are used; comments and a semicolon in a query do no harm
CREATE FOREIGN TABLE "odd;name" (id bigint) SERVER ns;
SELECT * FROM "odd;name";
CREATE FOREIGN TABLE odd (id bigint, "name) FROM secret --" text, "n m" bigint) SERVER ns OPTIONS ("table" 'currency', key 'id');
SELECT id FROM odd WHERE id = 2;
SELECT * FROM odd WHERE id = 2;
CREATE FOREIGN TABLE commented (id bigint, two bigint OPTIONS (expression 'id * 2 -- twice')) SERVER ns OPTIONS (key 'id', query $$SELECT id /* key */, ';--' AS x FROM currency -- all
  WHERE id < 3; -- of it
$$);
SELECT * FROM commented WHERE two > 2;
SELECT sum(two) FROM commented;
DROP FOREIGN TABLE "odd;name", odd, commented;
-- every column of every table can be read
DO $$ DECLARE t regclass; BEGIN
  FOR t IN SELECT c.oid FROM pg_class c WHERE relkind = 'f' AND relnamespace = 'netsuite'::regnamespace LOOP
    EXECUTE format('SELECT * FROM %s LIMIT 5', t);
    EXECUTE format('SELECT count(x) FROM (SELECT * FROM %s OFFSET 0) x', t);
  END LOOP;
END $$;
DROP VIEW v; DROP TABLE parent CASCADE; DROP TABLE few; DROP FOREIGN TABLE changing, estimated, "Odd ""name""";
