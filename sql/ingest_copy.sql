-- Copies as people meet them: comments, settings, history that says since when, what is gone, what a run did
SET client_min_messages = warning;
SET search_path = public;
SET TimeZone = 'UTC';
CREATE SCHEMA till;
CREATE SCHEMA book;
CREATE TABLE till.sale (id int PRIMARY KEY, what text, changed timestamptz NOT NULL, seen timestamp);
INSERT INTO till.sale SELECT i, 'sale ' || i, '2026-01-01 10:00+00', '2026-01-01 10:00' FROM generate_series(1, 20) i;
CREATE TABLE till.line (id int PRIMARY KEY, sale int, changed timestamptz NOT NULL);
INSERT INTO till.line SELECT i, i % 20 + 1, '2026-01-01 10:00+00' FROM generate_series(1, 40) i;
UPDATE ingest.connector SET clock_function = NULL, deleted_function = NULL WHERE wrapper = 'postgres_fdw';
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS socket, current_database() AS db \gset
CREATE SERVER till FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'socket', port :'port', dbname :'db');
CREATE USER MAPPING FOR CURRENT_USER SERVER till OPTIONS (user 'postgres');
SELECT ingest.register_source('till', 'till', schema => 'till_ft', remote_schemas => '{till}') > 0 AS registered;
CALL ingest.crawl('till');
-- comments: the source's, unless somebody wrote another
COMMENT ON FOREIGN TABLE till_ft.sale IS 'what was sold';
COMMENT ON COLUMN till_ft.sale.what IS 'the goods';
COMMENT ON COLUMN till_ft.sale.changed IS 'when it was touched';
CALL ingest.crawl('till');
SELECT ingest.create_sync('till_ft.sale', 'book.sale', name => 'till_sale', key => '{id}', cursor_column => 'changed', history => true);
CREATE VIEW said AS SELECT 0 AS n, 'table' AS of, obj_description('book.sale'::regclass, 'pg_class') AS comment
  UNION ALL SELECT attnum, attname, col_description(attrelid, attnum) FROM pg_attribute WHERE attrelid = 'book.sale'::regclass AND attname IN ('what', 'changed') ORDER BY 1;
SELECT of, comment FROM said;
COMMENT ON COLUMN book.sale.what IS 'ours';
COMMENT ON FOREIGN TABLE till_ft.sale IS 'what was sold, and when';
COMMENT ON COLUMN till_ft.sale.what IS 'the goods, in words';
COMMENT ON COLUMN till_ft.sale.changed IS NULL;
CALL ingest.crawl('till');
CALL ingest.sync('till_sale');
SELECT of, comment FROM said;
COMMENT ON COLUMN book.sale.what IS NULL;
CALL ingest.sync('till_sale');
SELECT of, comment FROM said WHERE of = 'what';
-- what a run did, to who called it; what was left out, too
SET client_min_messages = notice;
UPDATE till.sale SET what = 'dear', changed = '2026-01-02 10:00+00' WHERE id = 3;
DELETE FROM till.sale WHERE id = 5;
SELECT ingest.reload('till_sale', keys_only => true);
ALTER TABLE book.sale ADD CONSTRAINT cheap CHECK (what <> 'dear');
SELECT ingest.create_sync('till_ft.line', 'book.line', name => 'till_line', key => '{id}', cursor_column => 'changed', parent => 'till_sale', parent_column => 'sale');
SELECT ingest.pause(sync => 'till_line');
CALL ingest.sync('till_sale');
ALTER TABLE book.sale DROP CONSTRAINT cheap;
SELECT ingest.resume(sync => 'till_line');
CALL ingest.redrive('till_sale');
CALL ingest.sync('till_sale');
SELECT ingest.create_job('till_sale', 'sync', 'till_sale');
CALL ingest.work('till_sale');
SELECT ingest.reload('till_sale');
SET client_min_messages = warning;
CALL ingest.sync('till_sale');
SET client_min_messages = notice;
-- the watermark as a moment
SELECT watermark, watermark_time, age_seconds < 60 AS lately, scheduled FROM ingest.table_status WHERE sync = 'till_sale';
-- settings: the arguments of create_sync, asked for in the same way
SELECT ingest.alter_sync('till_sale', overlap => '-1 min');
SELECT ingest.alter_sync('till_sale', deletions => 'sometimes');
SELECT ingest.alter_sync('till_sale', parent => 'till_line', parent_column => 'id');
SELECT ingest.alter_sync('till_sale', key => '{id,NULL}');
SELECT ingest.alter_sync('till_sale', mode => 'sideways');
SELECT ingest.alter_sync('till_sale', history_retention => '90 days', reconcile_every => '2 days', batch_rows => 7);
SELECT ingest.alter_sync('till_sale', unset => '{history_retention,reconcile_every}');
SELECT before, after FROM ingest.audit WHERE function = 'alter_sync' ORDER BY id DESC LIMIT 2;
-- another cursor, whose stamps are older: no watermark of the other one is left
UPDATE till.sale SET what = 'seen', seen = '2025-01-01 10:00' WHERE id = 4;
SELECT ingest.alter_sync('till_sale', cursor_column => 'seen');
CALL ingest.sync('till_sale');
SELECT what FROM book.sale WHERE id = 4;
SELECT ingest.alter_sync('till_line', unset => '{parent}');
SELECT parent, parent_column FROM ingest.sync WHERE name = 'till_line';
SELECT ingest.alter_sync('till_line', mode => 'full', deletions => 'soft');
SELECT count(*) FROM pg_attribute WHERE attrelid = 'book.line'::regclass AND attname = '_deleted_at';
DELETE FROM till.line WHERE id = 7;
CALL ingest.sync('till_line');
-- history says since when it is kept
\set VERBOSITY terse
SELECT count(*) FROM ingest.as_of(NULL::book.sale, '2020-01-01');
SELECT count(*) FROM ingest.as_of(NULL::book.sale, '-infinity');
SELECT count(*) FROM ingest.as_of(NULL::book.sale, clock_timestamp());
\set VERBOSITY default
SELECT ingest.alter_sync('till_sale', history => false);
SELECT count(*) FROM ingest.as_of(NULL::book.sale, now());
SELECT clock_timestamp() AS before \gset
SELECT ingest.alter_sync('till_sale', history => true);
\set VERBOSITY terse
SELECT count(*) FROM ingest.as_of(NULL::book.sale, :'before');
\set VERBOSITY default
SELECT history_since > :'before' AS later FROM ingest.sync_state WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'till_sale');
-- what retention dropped is not known any more, also when retention is longer later
SELECT ingest.alter_sync('till_sale', history_retention => '1 day');
UPDATE ingest.sync_state SET history_since = now() - interval '30 days' WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'till_sale');
SELECT ingest_internal.drop_old_history();
SELECT ingest.alter_sync('till_sale', history_retention => '60 days');
SELECT now() - history_since BETWEEN '23 hours' AND '25 hours' AS kept FROM ingest.sync_state WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'till_sale');
-- a column of the copy that is dropped
UPDATE till.sale SET what = 'later', seen = '2026-02-01 10:00' WHERE id = 6;
CALL ingest.sync('till_sale');
SELECT clock_timestamp() AS moment \gset
ALTER TABLE book.sale ADD COLUMN mine int;
UPDATE till.sale SET what = 'last', seen = '2026-02-02 10:00' WHERE id = 6;
CALL ingest.sync('till_sale');
ALTER TABLE book.sale DROP COLUMN changed CASCADE;
SELECT id, what, mine FROM ingest.as_of(NULL::book.sale, :'moment') WHERE id IN (4, 6) ORDER BY id;
SELECT operation, (version).what, (version).mine FROM ingest.row_history(NULL::book.sale, '{"id": 6}');
SELECT ingest.alter_sync('till_sale', history => true);
SELECT _operation, what FROM book.sale_history WHERE id = 6 ORDER BY _seq;
CALL ingest.sync('till_sale');
SELECT count(*) FROM ingest.row_history(NULL::book.sale, NULL);
-- functions of types run as the copy's owner, whoever reads the view
CREATE ROLE ingest_keeper NOLOGIN;
CREATE ROLE ingest_visitor NOLOGIN;
GRANT ingest_reader TO ingest_visitor;
GRANT ingest_operator TO ingest_keeper;
CREATE SCHEMA lodge AUTHORIZATION ingest_keeper;
GRANT USAGE ON SCHEMA lodge TO ingest_visitor;
SET ROLE ingest_keeper;
CREATE FUNCTION lodge.spy(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'as %', current_user; RETURN true; END $$;
CREATE DOMAIN lodge.spied AS text CHECK (lodge.spy(VALUE));
CREATE TABLE lodge.copy (id int PRIMARY KEY, v lodge.spied);
RESET ROLE;
GRANT SELECT ON lodge.copy TO ingest_visitor;
INSERT INTO ingest.sync (name, source, table_id, target_schema, target_table, owner, owner_name, mode, key, history)
  SELECT 'lodge', s.source, s.table_id, 'lodge', 'copy', 'ingest_keeper'::regrole, 'ingest_keeper', 'full', '{id}', true FROM ingest.sync s WHERE s.name = 'till_sale';
INSERT INTO ingest.sync_state (sync, history_since) SELECT id, now() - interval '1 hour' FROM ingest.sync WHERE name = 'lodge';
INSERT INTO ingest.change (sync, operation, key, after, seen_at) SELECT id, 'insert', '{"id": 1}', '{"id": 1, "v": "x"}', clock_timestamp() FROM ingest.sync WHERE name = 'lodge';
SELECT ingest_internal.create_history_view('lodge');
GRANT SELECT ON lodge.copy_history TO ingest_visitor;
SET ROLE ingest_visitor;
SELECT id, v, _operation FROM lodge.copy_history;
RESET ROLE;
-- drop_sync takes the view with it, and only what is that view
SELECT ingest.drop_sync('lodge');
SELECT to_regclass('lodge.copy_history') AS view;
CREATE VIEW book.on_history AS SELECT id FROM book.sale_history;
CREATE VIEW book.line_history AS SELECT 1 AS mine;
SELECT ingest.drop_sync('till_sale');
SELECT to_regclass('book.sale_history') AS stays;
DROP VIEW book.sale_history CASCADE;
SELECT ingest.drop_sync('till_line');
SELECT to_regclass('book.line_history') AS mine;
SET client_min_messages = warning;
DROP OWNED BY ingest_keeper, ingest_visitor CASCADE;
DROP ROLE ingest_keeper, ingest_visitor;
SET client_min_messages = notice;
-- of a group, what was done before one of it failed
DROP VIEW said;
DROP TABLE book.sale, book.line CASCADE;
SELECT ingest.create_sync('till_ft.sale', 'book.sale', name => 'till_sale', key => '{id}', cursor_column => 'changed', history => true);
SELECT ingest.create_sync('till_ft.line', 'book.line', name => 'till_line', key => '{id}', cursor_column => 'changed', parent => 'till_sale', parent_column => 'sale');
ALTER TABLE book.line ADD CONSTRAINT no CHECK (id < 10);
CALL ingest.sync('till_sale');
ALTER TABLE book.line DROP CONSTRAINT no;
-- how far a load is
INSERT INTO ingest.run (id, kind, source, sync, state, phase, role, role_name, rows_read, started_at, updated_at)
  SELECT 2000000000, 'sync', source, id, 'running', 'loading', owner, owner_name, 50, now() - interval '10 s', now() FROM ingest.sync WHERE name = 'till_sale';
INSERT INTO ingest.sync_range (sync, generation, n, expected, rows_read, done_at)
  SELECT id, 99, n, 50, CASE WHEN n = 1 THEN 50 END, CASE WHEN n = 1 THEN now() END FROM ingest.sync, generate_series(1, 4) n WHERE name = 'till_sale';
SELECT phase, ranges_done, ranges, share_done, seconds_left, duration_seconds FROM ingest.run_status WHERE run = 2000000000;
DELETE FROM ingest.run WHERE id = 2000000000;
DELETE FROM ingest.sync_range WHERE generation = 99;
SELECT ingest.drop_sync('till_line'), ingest.drop_sync('till_sale');
-- without history there is nothing that its view could show
SELECT ingest.create_sync('till_ft.line', 'book.more', name => 'till_more', key => '{id}', cursor_column => 'changed', history => true);
SELECT ingest.alter_sync('till_more', history => false);
SELECT to_regclass('book.more_history') AS view;
SELECT ingest.drop_sync('till_more');
-- what is gone is told by the views, before and after a run
DROP TABLE book.sale, book.line CASCADE;
SELECT ingest.create_sync('till_ft.sale', 'book.sale', name => 'till_sale', key => '{id}', cursor_column => 'changed', history => true);
SELECT ingest.create_sync('till_ft.line', 'book.line', name => 'till_line', key => '{id}', cursor_column => 'changed');
SELECT ingest.create_job('till_sale again', 'sync', 'till_sale') AS made, ingest.schedule('till_sale again', '1 hour') IS NOT NULL AS scheduled;
CALL ingest.sync('till_sale');
CALL ingest.sync('till_line');
SELECT sync, state, state_reason, fresh, scheduled FROM ingest.table_status WHERE source = 'till' ORDER BY sync;
DROP TABLE book.sale CASCADE;
DROP FOREIGN TABLE till_ft.line;
SELECT ingest.drop_job('till_sale again');
SELECT sync, state, state_reason, fresh, scheduled FROM ingest.table_status WHERE source = 'till' ORDER BY sync;
SELECT stopped FROM ingest.source_status WHERE source = 'till';
CALL ingest.sync('till_sale');
CALL ingest.sync('till_line');
-- who pauses hears of what runs, and that it goes on
INSERT INTO ingest.run (id, kind, source, state, role, role_name) SELECT 2000000000, 'crawl', id, 'running', owner, owner_name FROM ingest.data_source WHERE name = 'till';
SELECT ingest.pause('till');
DELETE FROM ingest.run WHERE id = 2000000000;
SELECT ingest.resume('till');
-- each CHECK of the repository is tried through the function that could violate it, or is of what the engine alone writes
CREATE TEMP TABLE try (relation text, says text, statement text);
INSERT INTO try VALUES
  ('data_source', 'a name has at most 500 bytes', $$SELECT ingest.register_source(repeat('n', 501), 'till')$$),
  ('data_source', 'max_parallel must be at least 1', $$SELECT ingest.register_source('t2', 'till', schema => 'till_2', max_parallel => 0)$$),
  ('sync', 'a name has at most 500 bytes', $$SELECT ingest.create_sync('till_ft.sale', 'book.new', name => repeat('n', 501), key => '{id}', cursor_column => 'changed')$$),
  ('sync', 'mode must be full, incremental, append or pieces', $$SELECT ingest.create_sync('till_ft.sale', 'book.new', mode => 'x')$$),
  ('sync', 'batch_rows must be at least 1', $$SELECT ingest.create_sync('till_ft.sale', 'book.new', key => '{id}', cursor_column => 'changed', batch_rows => 0)$$),
  ('sync', 'deletions must be hard, soft or ignore', $$SELECT ingest.create_sync('till_ft.sale', 'book.new', deletions => 'x')$$),
  ('sync', 'profile must be all, sample or none', $$SELECT ingest.create_sync('till_ft.sale', 'book.new', profile => 'x')$$),
  ('sync', 'max_delete_share must be between 0 and 1', $$SELECT ingest.create_sync('till_ft.sale', 'book.new', key => '{id}', cursor_column => 'changed', max_delete_share => -1)$$),
  ('sync', 'reject_limit must be between 0 and 1', $$SELECT ingest.create_sync('till_ft.sale', 'book.new', key => '{id}', cursor_column => 'changed', reject_limit => 'infinity')$$),
  ('sync', 'overlap is at most 1000 years', $$SELECT ingest.create_sync('till_ft.sale', 'book.new', key => '{id}', cursor_column => 'changed', overlap => '178000000 years')$$),
  ('sync', 'reconcile_every is at most 1000 years', $$SELECT ingest.create_sync('till_ft.sale', 'book.new', key => '{id}', cursor_column => 'changed', reconcile_every => '178000000 years')$$),
  ('sync', 'history_retention is at most 1000 years', $$SELECT ingest.create_sync('till_ft.sale', 'book.new', key => '{id}', cursor_column => 'changed', history_retention => '178000000 years')$$),
  ('source_table', 'freshness is at most 1000 years', $$SELECT ingest.create_sync('till_ft.sale', 'book.new', key => '{id}', cursor_column => 'changed', freshness => '178000000 years')$$),
  ('job', 'timeout is at most 1000 years', $$SELECT ingest.create_job('j', 'sql', 'SELECT 1', timeout => '178000000 years')$$),
  ('queue', 'run_at, when a job begins, is not infinite', $$SELECT ingest.enqueue('till_sale', '-infinity')$$),
  ('silence', 'a pattern has at most 500 bytes', $$SELECT ingest.silence(repeat('n', 501), 'infinity')$$),
  ('job', 'a name has at most 500 bytes', $$SELECT ingest.create_job(repeat('n', 501), 'sql', 'SELECT 1')$$),
  ('job', 'kind must be one of the kinds of jobs', $$SELECT ingest.create_job('j', 'x', 'SELECT 1')$$),
  ('job', 'max_attempts must be at least 1', $$SELECT ingest.create_job('j', 'sql', 'SELECT 1', max_attempts => 0)$$),
  ('job_dependency', 'a job must not depend on itself', $$SELECT ingest.create_job('j', 'sql', 'SELECT 1', depends_on => '{j}')$$),
  ('rule', 'kind must be one of the kinds of rules', $$SELECT ingest.add_rule('till.sale', 'x')$$),
  ('rule', 'a rule has at most 32 columns', $$SELECT ingest.add_rule('till.sale', 'unique', array_fill('id'::name, ARRAY[33]))$$),
  ('rule', 'severity must be info, warning or error', $$SELECT ingest.add_rule('till.sale', 'not_null', '{id}', severity => 'x')$$),
  ('rule', 'tolerance must be between 0 and 1', $$SELECT ingest.add_rule('till.sale', 'not_null', '{id}', tolerance => 2)$$),
  ('subscription', 'a name has at most 500 bytes', $$SELECT ingest.subscribe(repeat('n', 501))$$),
  ('annotation', 'the name of an annotation has 1 to 400 bytes', $$SELECT ingest.annotate('till_ft.sale', repeat('n', 401), '1')$$),
  ('lineage_edge', 'kind has at most 100 bytes', $$SELECT ingest.set_lineage('a.b', 'c.d', kind => repeat('k', 101))$$);
INSERT INTO try (relation, says) VALUES ('installation', 'there is one row'), ('export', 'a name has at most 500 bytes'), ('export', 'mode must be state, snapshot or changes'), ('job', 'scheduler must be pg_cron or launcher'), ('sync_piece', 'a piece has at most 2000 bytes'), ('sync_piece', 'state must be pending, done, failed or gone'), ('run', 'state must be running, succeeded, failed, cancelled or lost'),
  ('circuit', 'state must be closed, open or half-open'), ('anomaly', 'kind must be one of the kinds of anomalies'), ('anomaly', 'severity must be info, warning or error'),
  ('alert', 'severity must be info, warning or error'),
  ('data_source', 'state must be active or paused'), ('metadata_change', 'object_kind must be schema, table or column'), ('metadata_change', 'change must be one of the changes that are kept'),
  ('sync', 'state must be active, paused or stopped'), ('sync_state', 'phase must be new, loading or ready'), ('service', 'a service''s name has 1 to 63 bytes'),
  ('service', 'library must be the bare name of one in $libdir'), ('service', 'function must be the name of a C function');
SELECT c.conrelid::regclass AS not_tried, c.conname FROM pg_constraint c WHERE c.connamespace = 'ingest'::regnamespace AND c.contype = 'c' AND c.conparentid = 0
  AND NOT EXISTS (SELECT FROM try t WHERE 'ingest.' || t.relation = c.conrelid::regclass::text AND t.says = c.conname) ORDER BY 1, 2;
CREATE FUNCTION pg_temp.answer(statement text, OUT code text, OUT message text) LANGUAGE plpgsql AS $$
DECLARE
  hint text;
BEGIN
  EXECUTE statement;
  code := 'nothing was refused';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  code := SQLSTATE;
  message := SQLERRM || coalesce('. ' || nullif(hint, ''), '');
END $$;
\pset format unaligned
SELECT t.relation, a.code, left(a.message, 100) AS message FROM try t, pg_temp.answer(t.statement) a WHERE t.statement IS NOT NULL;
\pset format aligned
-- without a clock there: a row that is stamped 2099 hides nothing, and is told
CALL ingest.crawl('till');
SELECT ingest.drop_sync('till_sale');
SELECT ingest.drop_sync('till_line');
SET client_min_messages = warning;
CREATE TABLE till.visit (id int PRIMARY KEY, v text, changed timestamptz, day date, wall timestamp);
INSERT INTO till.visit SELECT i, 'v', now() - interval '2 days', current_date - 2, localtimestamp - interval '2 days' FROM generate_series(1, 30) i;
CALL ingest.crawl('till', '{visit}');
SELECT ingest.create_sync('till_ft.visit', 'book.visit', name => 'till_visit', key => '{id}', cursor_column => 'changed', reconcile_every => NULL),
  ingest.create_sync('till_ft.visit', 'book.day', name => 'till_day', key => '{id}', cursor_column => 'day', reconcile_every => NULL),
  ingest.create_sync('till_ft.visit', 'book.wall', name => 'till_wall', key => '{id}', cursor_column => 'wall', reconcile_every => NULL);
CREATE FUNCTION pg_temp.visit_all() RETURNS SETOF text LANGUAGE sql AS $$
  SELECT format('%s: %s rows, %s differ', 'visit', count(*), count(*) FILTER (WHERE v.v <> c.v OR c.v IS NULL)) FROM till.visit v LEFT JOIN book.visit c USING (id)
  UNION ALL SELECT format('%s: %s rows, %s differ', 'day', count(*), count(*) FILTER (WHERE v.v <> c.v OR c.v IS NULL)) FROM till.visit v LEFT JOIN book.day c USING (id)
  UNION ALL SELECT format('%s: %s rows, %s differ', 'wall', count(*), count(*) FILTER (WHERE v.v <> c.v OR c.v IS NULL)) FROM till.visit v LEFT JOIN book.wall c USING (id) $$;
CALL ingest.sync('till_visit'); CALL ingest.sync('till_day'); CALL ingest.sync('till_wall');
SELECT pg_temp.visit_all();
UPDATE till.visit SET v = 'far', changed = '2099-01-01', day = '2099-01-01', wall = '2099-01-01' WHERE id = 1;
CALL ingest.sync('till_visit'); CALL ingest.sync('till_day'); CALL ingest.sync('till_wall');
SELECT pg_temp.visit_all();
UPDATE till.visit SET v = 'near', changed = now(), day = current_date, wall = localtimestamp WHERE id = 2;
CALL ingest.sync('till_visit'); CALL ingest.sync('till_day'); CALL ingest.sync('till_wall');
SELECT pg_temp.visit_all();
SELECT sync, watermark_time <= now() AS come FROM ingest.table_status WHERE sync IN ('till_visit', 'till_day', 'till_wall') ORDER BY 1;
SELECT table_name, kind, severity, replace(summary, ' 00:00:00+00', '') AS summary FROM ingest.anomaly WHERE kind = 'clock' AND table_name IN ('visit', 'day', 'wall') ORDER BY table_name;
-- nor does infinity; and a watermark that was taken before this rule is found out
UPDATE till.visit SET v = 'never', changed = 'infinity', day = 'infinity', wall = 'infinity' WHERE id = 3;
CALL ingest.sync('till_visit'); CALL ingest.sync('till_day'); CALL ingest.sync('till_wall');
UPDATE till.visit SET v = 'since', changed = now(), day = current_date, wall = localtimestamp WHERE id = 4;
UPDATE ingest.sync_state SET watermark = '2099-01-01' WHERE sync IN (SELECT id FROM ingest.sync WHERE name IN ('till_visit', 'till_day', 'till_wall'));
CALL ingest.sync('till_visit'); CALL ingest.sync('till_day'); CALL ingest.sync('till_wall');
SELECT pg_temp.visit_all();
-- a first load begins below our clock, too
SELECT ingest.create_sync('till_ft.visit', 'book.second', name => 'till_second', key => '{id}', cursor_column => 'changed');
CALL ingest.sync('till_second');
UPDATE till.visit SET v = 'after', changed = now() WHERE id = 5;
CALL ingest.sync('till_second');
SELECT v FROM book.second WHERE id = 5;
-- an entry of the feed of deletions without a key or a time is passed over, and told
CREATE FUNCTION till.clock(server name) RETURNS timestamptz LANGUAGE sql AS 'SELECT now()';
CREATE FUNCTION till.deleted(server name, tab text, since timestamptz, until timestamptz, OUT key text, OUT deleted_at timestamptz) RETURNS SETOF record
  LANGUAGE sql AS $$ SELECT * FROM (VALUES (NULL, now()), ('1', NULL), ('9', now())) v WHERE tab = 'visit' $$;
UPDATE ingest.connector SET clock_function = 'till.clock', deleted_function = 'till.deleted' WHERE wrapper = 'postgres_fdw';
CALL ingest.sync('till_second');
SELECT count(*) FILTER (WHERE id = 1) AS kept, count(*) FILTER (WHERE id = 9) AS gone FROM book.second;
SELECT message FROM ingest.run_log WHERE message LIKE '%feed of deletions%';
UPDATE ingest.connector SET clock_function = NULL, deleted_function = NULL WHERE wrapper = 'postgres_fdw';
-- full replacement has the guard of the others, with a key and without
CREATE TABLE till.list (id int PRIMARY KEY, v text);
INSERT INTO till.list SELECT i, 'v' FROM generate_series(1, 100) i;
CALL ingest.crawl('till', '{list}');
SELECT ingest.create_sync('till_ft.list', 'book.list', name => 'till_list', mode => 'full', key => '{id}'), ingest.create_sync('till_ft.list', 'book.bag', name => 'till_bag', mode => 'full', key => '{}');
CALL ingest.sync('till_list'); CALL ingest.sync('till_bag');
DELETE FROM till.list WHERE id > 95;
CALL ingest.sync('till_list'); CALL ingest.sync('till_bag');
SELECT (SELECT count(*) FROM book.list) AS list, (SELECT count(*) FROM book.bag) AS bag;
DELETE FROM till.list WHERE id > 60;
CALL ingest.sync('till_list'); CALL ingest.sync('till_bag');
SELECT (SELECT count(*) FROM book.list) AS list, (SELECT count(*) FROM book.bag) AS bag;
SELECT table_name, kind, severity, summary FROM ingest.anomaly WHERE kind = 'deletion' AND table_name IN ('list', 'bag') ORDER BY table_name;
SELECT ingest.alter_sync('till_list', max_delete_share => 1), ingest.alter_sync('till_bag', max_delete_share => 1);
CALL ingest.sync('till_list'); CALL ingest.sync('till_bag');
SELECT (SELECT count(*) FROM book.list) AS list, (SELECT count(*) FROM book.bag) AS bag;
-- what an index only carries along is no part of a key
CREATE TABLE till.carried (a int NOT NULL, b int NOT NULL, c int, CONSTRAINT carried_key PRIMARY KEY (b) INCLUDE (c, a));
CREATE TABLE book.carried (a int, b int, c int);
CREATE UNIQUE INDEX ON book.carried (a) INCLUDE (b);
UPDATE ingest.connector SET tables_function = 'ingest_internal.postgres_tables' WHERE wrapper = 'postgres_fdw';
CALL ingest.crawl('till', '{carried}');
SELECT key FROM ingest.source_table WHERE local_schema = 'till_ft' AND local_name = 'carried';
SELECT ingest.create_sync('till_ft.carried', 'book.carried', mode => 'full', key => '{a,b}');
SET client_min_messages = notice;
-- a source that goes takes the views of its copies' history with it
SELECT ingest.create_sync('till_ft.sale', 'book.sale', name => 'till_sale', key => '{id}', cursor_column => 'changed', history => true);
SELECT to_regclass('book.sale_history') AS view;
SELECT ingest.drop_source('till');
SELECT to_regclass('book.sale_history') AS view, to_regclass('book.sale') AS copy;
SET client_min_messages = warning;
DROP SCHEMA till, till_ft, book CASCADE;
DROP SERVER till CASCADE;
