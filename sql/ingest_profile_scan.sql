-- What profile_table() reads without a statement: the same figures, for nobody more than a statement would show him
\set VERBOSITY terse
CREATE EXTENSION ingest_profile;
SET max_parallel_workers_per_gather = 0;
SELECT setseed(0.5);

-- tables as they become: columns that went and came, values in TOAST, dead rows, nulls
CREATE TABLE lived (a int, gone text, b text, c numeric);
INSERT INTO lived SELECT i, 'x', CASE WHEN i % 4 > 0 THEN md5(i::text) END, i / 8.0 FROM generate_series(1, 3000) i;
ALTER TABLE lived DROP COLUMN gone, ADD COLUMN d text DEFAULT 'since then', ADD COLUMN e numeric DEFAULT 1.5, ADD COLUMN f int;
INSERT INTO lived SELECT i, repeat(md5(i::text), i % 400), 'NaN', 'z' || i, i, i FROM generate_series(3001, 4000) i;
ALTER TABLE lived ALTER b SET STORAGE EXTERNAL;
UPDATE lived SET b = repeat(b, 100) WHERE a % 70 = 0;
DELETE FROM lived WHERE a % 9 = 0;
-- partitions and children have their columns in an order of their own
CREATE TABLE split (k int, v text, w numeric) PARTITION BY RANGE (k);
CREATE TABLE split1 PARTITION OF split FOR VALUES FROM (0) TO (500);
CREATE TABLE split2 (w numeric, x int, v text, k int);
ALTER TABLE split2 DROP COLUMN x;
ALTER TABLE split ATTACH PARTITION split2 FOR VALUES FROM (500) TO (9000);
INSERT INTO split SELECT i, 'v' || i % 300, i / 4.0 FROM generate_series(0, 4999) i;
CREATE TABLE parent (a int, b text);
CREATE TABLE child (more int) INHERITS (parent);
CREATE TABLE other (b text, a int);
ALTER TABLE other INHERIT parent;
INSERT INTO parent SELECT i, 'p' || i FROM generate_series(1, 700) i;
INSERT INTO child SELECT i, 'c' || i, 1 FROM generate_series(1, 700) i;
INSERT INTO other SELECT 'o' || i, i FROM generate_series(1, 700) i;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM lived;
CREATE TEMP TABLE passing AS SELECT a, d FROM lived;
SELECT format('CREATE TABLE broad AS SELECT %s FROM generate_series(1, 40) i', string_agg(format('i %% %s AS c%s', 1 + n % 37, n), ', ' ORDER BY n)) FROM generate_series(1, 1600) n \gexec

CREATE FUNCTION differ(named text) RETURNS TABLE (col text, key text, one text, other text) LANGUAGE sql AS $$
	SELECT a.column_name, key, left(x.value::text, 60), left(y.value::text, 60)
	FROM (SELECT column_name, to_jsonb(p) - 'position' AS f FROM profile_table(named::regclass) p) a
	FULL JOIN (SELECT column_name, to_jsonb(p) - 'position' AS f FROM profile_query('SELECT * FROM ' || named) p) b USING (column_name),
		jsonb_each(a.f) x FULL JOIN LATERAL jsonb_each(b.f) y USING (key)
	WHERE x.value IS DISTINCT FROM y.value AND NOT (key = ANY ('{entropy,top_value,top_count,top_share,p01,p05,p25,median,p75,p95,p99,pattern,pattern_share,hidden_share,sketch}') AND NOT (a.f ->> 'distinct_exact')::boolean)
		AND NOT (key IN ('variance', 'stddev', 'skewness', 'kurtosis') AND abs((x.value #>> '{}')::float8 - (y.value #>> '{}')::float8) <= 1e-9 * abs((x.value #>> '{}')::float8) + 1e-12) $$;
SELECT t, d.* FROM unnest('{lived,split,split2,parent,only_child,kept,passing,broad}'::text[]) t, differ(CASE t WHEN 'only_child' THEN 'child' ELSE t END) d;
SELECT t, column_name, rows, nulls, distinct_count FROM unnest('{lived,split,parent,kept}'::text[]) t, profile_table(t::regclass) ORDER BY t, position;
-- what this transaction has written
BEGIN;
INSERT INTO parent VALUES (-1, 'now');
SELECT column_name, rows, min FROM profile_table('parent');
ROLLBACK;
-- together with other processes: the same figures, in the same snapshot, and not within what is parallel already
SET max_parallel_workers_per_gather = 3;
SET min_parallel_table_scan_size = 0;
SELECT t, d.* FROM unnest('{lived,split,split2,parent,kept,passing,broad}'::text[]) t, differ(t) d WHERE d.key <> 'sketch';
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO parent VALUES (-1, 'now');
SELECT column_name, rows, min FROM profile_table('parent');
SAVEPOINT here;
SELECT 1 / (rows - rows) FROM profile_table('parent');
ROLLBACK TO here;
SELECT column_name, rows FROM profile_table('parent');
ROLLBACK;
SET max_parallel_workers = 0;
SELECT column_name, rows FROM profile_table('parent');
RESET max_parallel_workers;
RESET min_parallel_table_scan_size;
SET max_parallel_workers_per_gather = 0;

-- rights: as a statement's
CREATE ROLE profile_scanner;
GRANT USAGE ON SCHEMA public TO profile_scanner;
CREATE TABLE guarded AS SELECT i AS id, 'secret ' || i AS secret, 'me' AS owner FROM generate_series(1, 100) i;
CREATE VIEW shown AS SELECT id FROM guarded;
SET ROLE profile_scanner;
SELECT count(*) FROM profile_table('guarded');
RESET ROLE;
GRANT SELECT (id, owner) ON guarded TO profile_scanner;
SET ROLE profile_scanner;
SELECT column_name, rows FROM profile_table('guarded');
SELECT column_name, rows FROM profile_table('guarded', '{id,secret}');
RESET ROLE;
-- row security: only the rows that a policy shows; and where it is off, an error
GRANT SELECT ON guarded TO profile_scanner;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON guarded TO profile_scanner USING (id <= 7);
SELECT column_name, rows FROM profile_table('guarded');
SET ROLE profile_scanner;
SELECT column_name, rows, max FROM profile_table('guarded');
SET row_security = off;
SELECT column_name, rows FROM profile_table('guarded');
RESET row_security;
-- rights on a partitioned table are rights on its rows
RESET ROLE;
GRANT SELECT ON split TO profile_scanner;
SET ROLE profile_scanner;
SELECT column_name, rows FROM profile_table('split');
SELECT column_name, rows FROM profile_table('split2');
RESET ROLE;
-- what has no rows yet
CREATE MATERIALIZED VIEW unready AS SELECT 1 AS a WITH NO DATA;
SELECT count(*) FROM profile_table('unready');
-- locks: the table's until the end, and what a serializable transaction has read
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) FROM profile_table('lived');
SELECT mode FROM pg_locks WHERE relation = 'lived'::regclass AND locktype = 'relation' ORDER BY mode;
ROLLBACK;
-- it can be stopped
SET statement_timeout = 5;
SELECT count(*) FROM profile_table('broad');
RESET statement_timeout;
DROP TABLE lived, split, parent, child, other, passing, broad, guarded CASCADE;
DROP MATERIALIZED VIEW unready;
DROP FUNCTION differ(text);
REVOKE ALL ON SCHEMA public FROM profile_scanner;
DROP ROLE profile_scanner;
DROP EXTENSION ingest_profile;
