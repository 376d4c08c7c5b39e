-- Copies are kept true: windows, ties, deletions, drift, rows that do not fit, history, reconciliation
SET client_min_messages = warning;
SET search_path = public;
SET TimeZone = 'UTC';
-- a source whose clock and feed of deletions are ours to move
CREATE SCHEMA shop;
CREATE TABLE shop.item (id bigint PRIMARY KEY, name text, price numeric, changed timestamptz NOT NULL);
CREATE TABLE shop.gone (tab text, key text, deleted_at timestamptz);
CREATE TABLE shop.clock (now timestamptz);
INSERT INTO shop.clock VALUES ('2026-03-01 12:00:00+00');
INSERT INTO shop.item SELECT i, 'item ' || i, i * 1.10, timestamptz '2026-02-01' + i * interval '1 hour' FROM generate_series(1, 500) i;
CREATE FUNCTION shop.clock(server name) RETURNS timestamptz LANGUAGE sql AS 'SELECT now FROM shop.clock';
CREATE FUNCTION shop.deleted(server name, tab text, since timestamptz, until timestamptz, OUT key text, OUT deleted_at timestamptz) RETURNS SETOF record
  LANGUAGE sql AS 'SELECT g.key, g.deleted_at FROM shop.gone g WHERE g.tab = $2 AND g.deleted_at >= $3 AND g.deleted_at < $4';
UPDATE ingest.connector SET clock_function = 'shop.clock', deleted_function = 'shop.deleted', tables_function = NULL WHERE wrapper = 'postgres_fdw';
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS socket, current_database() AS db \gset
CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'socket', port :'port', dbname :'db');
CREATE USER MAPPING FOR CURRENT_USER SERVER shop OPTIONS (user 'postgres');
SELECT ingest.register_source('shop', 'shop', schema => 'shop_ft', remote_schemas => '{shop}', tables => '{item}') > 0 AS registered;
CALL ingest.crawl('shop');
CREATE SCHEMA s;
-- what cannot be is said
SELECT ingest.create_sync('shop_ft.item', 's.item', mode => 'sideways');
SELECT ingest.create_sync('shop_ft.item', 's.item', key => '{nothing}', cursor_column => 'changed');
SELECT ingest.create_sync('shop_ft.item', 's.item', key => '{id}');
SELECT ingest.create_sync('shop.item', 's.item');
SELECT ingest.create_sync('shop_ft.item', 's.item', key => '{id}', cursor_column => 'changed', deletions => 'perhaps');
-- the key is found in the data if nobody names it
SELECT ingest.create_sync('shop_ft.item', 's.found', cursor_column => 'changed', name => 'found');
SELECT key, key_origin FROM ingest.source_table WHERE local_name = 'item' AND local_schema = 'shop_ft';
SELECT ingest.drop_sync('found');
SELECT ingest.create_sync('shop_ft.item', 's.item', key => '{id}', cursor_column => 'changed', name => 'item', batch_rows => 100, history => true, row_events => true);
CREATE FUNCTION agree() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM ((SELECT id, name, price, changed FROM shop.item EXCEPT ALL SELECT id, name, price, changed FROM s.item)
  UNION ALL (SELECT id, name, price, changed FROM s.item EXCEPT ALL SELECT id, name, price, changed FROM shop.item)) x';
CREATE VIEW last_run AS SELECT state, rows_read AS read, rows_inserted AS ins, rows_updated AS upd, rows_deleted AS del, rows_rejected AS rej FROM ingest.run_status WHERE kind = 'sync' ORDER BY run DESC LIMIT 1;
CALL ingest.sync('item');
SELECT agree(); TABLE last_run;
SELECT watermark, phase, rows FROM ingest.table_status WHERE sync = 'item';
-- nothing changed: nothing written
CALL ingest.sync('item');
TABLE last_run;
-- ties at one timestamp, an edit, a new row, a row stamped in the future of the window
UPDATE shop.clock SET now = '2026-03-01 12:10:00+00';
UPDATE shop.item SET name = 'tied', changed = '2026-03-01 12:05:00+00' WHERE id BETWEEN 10 AND 14;
INSERT INTO shop.item VALUES (600, 'new', 6, '2026-03-01 12:09:59+00'), (601, 'later', 7, '2026-03-01 12:10:00+00');
CALL ingest.sync('item');
TABLE last_run;
SELECT count(*) FROM s.item WHERE id = 601;
UPDATE shop.clock SET now = '2026-03-01 12:11:00+00';
CALL ingest.sync('item');
SELECT agree(); TABLE last_run;
-- a row that becomes visible late, stamped before the watermark but within the overlap
INSERT INTO shop.item VALUES (602, 'late', 8, '2026-03-01 12:07:00+00');
UPDATE shop.clock SET now = '2026-03-01 12:12:00+00';
CALL ingest.sync('item');
SELECT agree();
-- deletions from the feed; an entry older than the row tells of an earlier row
INSERT INTO shop.gone VALUES ('item', '20', '2026-03-01 12:11:30+00'), ('item', '21', '2026-02-01 00:00:00+00'), ('other', '22', '2026-03-01 12:11:30+00');
DELETE FROM shop.item WHERE id = 20;
UPDATE shop.clock SET now = '2026-03-01 12:13:00+00';
CALL ingest.sync('item');
SELECT agree(); TABLE last_run;
-- the clock there is set back by an hour: rows stamped since then are below the watermark
UPDATE shop.clock SET now = '2026-03-01 11:14:00+00';
UPDATE shop.item SET name = 'set back', changed = '2026-03-01 11:13:30+00' WHERE id = 30;
CALL ingest.sync('item');
SELECT agree();
SELECT kind, severity, summary FROM ingest.anomaly;
-- it was a day ahead for a while
UPDATE shop.clock SET now = '2026-03-02 11:15:00+00';
CALL ingest.sync('item');
UPDATE shop.clock SET now = '2026-03-01 11:16:00+00';
UPDATE shop.item SET name = 'right again', changed = '2026-03-01 11:15:30+00' WHERE id = 31;
CALL ingest.sync('item');
SELECT agree();
-- history: each version, as of any moment
SELECT operation, key, before->>'name' AS before, after->>'name' AS after FROM ingest.change WHERE operation <> 'load' ORDER BY seq;
SELECT count(*) FROM ingest.change WHERE operation = 'load' AND sync = (SELECT id FROM ingest.sync WHERE name = 'item');
SELECT clock_timestamp() AS moment \gset
UPDATE shop.clock SET now = '2026-03-01 11:20:00+00';
UPDATE shop.item SET price = 0, changed = '2026-03-01 11:19:00+00' WHERE id IN (1, 2);
DELETE FROM shop.item WHERE id = 3;
INSERT INTO shop.gone VALUES ('item', '3', '2026-03-01 11:19:00+00');
INSERT INTO shop.item VALUES (700, 'newest', 1, '2026-03-01 11:19:30+00');
CALL ingest.sync('item');
SELECT agree();
SELECT id, name, price FROM ingest.as_of(NULL::s.item, :'moment') WHERE id IN (1, 2, 3, 4, 700) ORDER BY id;
SELECT id, price FROM ingest.as_of(NULL::s.item, now()) WHERE id IN (1, 2, 3, 4, 700) ORDER BY id;
SELECT id, price, _operation, _valid_to IS NULL AS current FROM s.item_history WHERE id IN (1, 3, 700) ORDER BY id, _seq;
SELECT count(*) FROM s.item_history WHERE _valid_from <= :'moment' AND (_valid_to > :'moment' OR _valid_to IS NULL) AND _operation <> 'delete';
SELECT count(*) FROM ingest.as_of(NULL::s.item, :'moment');
-- of one row, by its key
SELECT operation, (version).id, (version).price, valid_from > :'moment' AS later, valid_to IS NULL AS current FROM ingest.row_history(NULL::s.item, '{"id": "1"}');
SELECT operation, (version).price, valid_from > :'moment' AS later, valid_to IS NULL AS current FROM ingest.row_history(NULL::s.item, '{"id": 3}');
SELECT count(*) FROM ingest.row_history(NULL::s.item, '{"id": 999999}');
SELECT ingest.row_history(NULL::s.item, '{"Id": 1}');
SELECT ingest.row_history(NULL::s.item, '{"id": "one"}');
SELECT ingest.row_history(NULL::shop.item, '{"id": 1}');
-- an event for each of them
SELECT data->>'operation' AS operation, data->'key' AS key, data->'after'->>'name' AS name FROM ingest.event WHERE type = 'ingest.row.changed' ORDER BY id DESC LIMIT 4;
-- drift: a new column, a wider type, a column that goes; user's views and indexes stay
CREATE INDEX item_name ON s.item (name);
CREATE VIEW s.names AS SELECT id, name FROM s.item;
ALTER TABLE shop.item ADD COLUMN weight integer;
UPDATE shop.item SET weight = id WHERE id > 5;
CALL ingest.crawl('shop');
UPDATE shop.item SET changed = '2026-03-01 11:21:00+00' WHERE id = 5;
UPDATE shop.clock SET now = '2026-03-01 11:22:00+00';
-- older rows that have a value are read, and no others; if not in this run, then in the next
CREATE FUNCTION s.no_memory() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF to_jsonb(NEW) ->> ''weight'' IS NOT NULL THEN RAISE ''no memory for this'' USING ERRCODE = ''53200''; END IF; RETURN NEW; END';
CREATE TRIGGER no_memory BEFORE UPDATE ON s.item FOR EACH ROW EXECUTE FUNCTION s.no_memory();
\set SHOW_CONTEXT never
CALL ingest.sync('item');
\set SHOW_CONTEXT errors
SELECT count(weight) FROM s.item;
SELECT unfilled FROM ingest.sync_state WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'item');
DROP TRIGGER no_memory ON s.item;
CALL ingest.sync('item');
SELECT id, weight FROM s.item WHERE id IN (5, 6) ORDER BY id;
SELECT count(*) FILTER (WHERE weight = id), count(*) FROM s.item;
TABLE last_run;
SELECT unfilled IS NULL AS filled FROM ingest.sync_state WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'item');
CALL ingest.sync('item');
TABLE last_run;
ALTER TABLE shop.item ALTER COLUMN weight TYPE bigint;
UPDATE shop.item SET weight = 5000000000, changed = '2026-03-01 11:23:00+00' WHERE id = 5;
CALL ingest.crawl('shop');
UPDATE shop.clock SET now = '2026-03-01 11:24:00+00';
SELECT * FROM ingest.explain_sync('item') WHERE step IN ('sync', 'column', 'window', 'deletions', 'rows');
CALL ingest.sync('item');
SELECT weight FROM s.item WHERE id = 5;
ALTER TABLE shop.item DROP COLUMN weight;
CALL ingest.crawl('shop');
CALL ingest.sync('item');
SELECT count(weight) > 0 AS kept FROM s.item;
-- and if it comes back, with what changed meanwhile
ALTER TABLE shop.item ADD COLUMN weight bigint;
UPDATE shop.item SET weight = 7 WHERE id = 7;
CALL ingest.crawl('shop');
CALL ingest.sync('item');
SELECT count(weight), sum(weight) FROM s.item;
ALTER TABLE shop.item DROP COLUMN weight;
CALL ingest.crawl('shop');
CALL ingest.sync('item');
SELECT object_name, change FROM ingest.metadata_change WHERE table_id = (SELECT table_id FROM ingest.sync WHERE name = 'item') AND object_kind = 'column' ORDER BY id;
SELECT count(*) FROM s.names;
-- what cannot be followed stops this sync alone, and says what to do
ALTER TABLE shop.item ALTER COLUMN price TYPE text;
CALL ingest.crawl('shop');
CALL ingest.sync('item');
CALL ingest.sync('item');
SELECT state, state_reason FROM ingest.table_status WHERE sync = 'item';
SELECT data->>'reason' FROM ingest.event WHERE type = 'ingest.sync.stopped';
ALTER TABLE shop.item ALTER COLUMN price TYPE numeric USING price::numeric;
CALL ingest.crawl('shop');
SELECT ingest.resume(sync => 'item');
CALL ingest.sync('item');
TABLE last_run;
-- rows that do not fit are put aside, with the reason, and the rest goes on
ALTER TABLE s.item ADD CONSTRAINT dear CHECK (price < 10000);
CREATE FUNCTION s.no_thirteen() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 13 THEN RAISE EXCEPTION 'thirteen is not for us'; END IF; RETURN NEW; END $$;
CREATE TRIGGER no_thirteen BEFORE INSERT OR UPDATE ON s.item FOR EACH ROW EXECUTE FUNCTION s.no_thirteen();
UPDATE shop.item SET price = CASE WHEN id = 50 THEN 99999 ELSE price END, name = 'again', changed = '2026-03-01 11:30:00+00' WHERE id IN (12, 13, 49, 50, 51);
UPDATE shop.clock SET now = '2026-03-01 11:31:00+00';
CALL ingest.sync('item');
TABLE last_run;
SELECT key, content->>'name' AS name, reason, sqlstate FROM ingest.rejected_row ORDER BY id;
SELECT id, name FROM s.item WHERE id IN (12, 13, 49, 50, 51) ORDER BY id;
DROP TRIGGER no_thirteen ON s.item;
ALTER TABLE s.item DROP CONSTRAINT dear;
CALL ingest.redrive('item');
SELECT key, resolved_at IS NOT NULL AS resolved FROM ingest.rejected_row ORDER BY id;
SELECT count(*) FROM (SELECT id, name, price, changed FROM shop.item EXCEPT SELECT id, name, price, changed FROM s.item) x;
-- a value that cannot be read: its row is found and put aside, the others come; that it is missing from what was read does not make it gone
UPDATE shop.item SET name = 'short', changed = '2026-03-01 11:32:00+00' WHERE id BETWEEN 70 AND 80;
UPDATE shop.clock SET now = '2026-03-01 11:33:00+00';
CREATE VIEW shop.picky AS SELECT id, CASE WHEN id = 77 THEN (1 / (id - 77))::text ELSE name END AS name, price, changed FROM shop.item WHERE id BETWEEN 70 AND 80;
ALTER FOREIGN TABLE shop_ft.item OPTIONS (SET table_name 'picky');
CALL ingest.sync('item');
TABLE last_run;
SELECT key, content IS NULL AS unread, reason LIKE 'division by zero%' AS why FROM ingest.rejected_row WHERE resolved_at IS NULL;
SELECT ingest.reload('item');
CALL ingest.sync('item');
SELECT count(*) FROM s.item WHERE id = 77;
ALTER FOREIGN TABLE shop_ft.item OPTIONS (SET table_name 'item');
DROP VIEW shop.picky;
CALL ingest.crawl('shop');
CALL ingest.redrive('item');
SELECT name FROM s.item WHERE id IN (76, 77) ORDER BY id;
SELECT count(*) FROM ingest.rejected_row WHERE resolved_at IS NULL;
-- too many of them: the run fails and nothing of its batch is written
ALTER TABLE s.item ADD CONSTRAINT none CHECK (name <> 'bad');
UPDATE shop.item SET name = 'bad', changed = '2026-03-01 11:40:00+00' WHERE id BETWEEN 100 AND 140;
UPDATE shop.clock SET now = '2026-03-01 11:41:00+00';
CALL ingest.sync('item');
SELECT count(*) FROM s.item WHERE name = 'bad';
ALTER TABLE s.item DROP CONSTRAINT none;
CALL ingest.sync('item');
SELECT count(*) FROM s.item WHERE name = 'bad';
-- rows that vanish without a trace are found by comparing keys; so are rows that were never seen
DELETE FROM shop.item WHERE id IN (200, 300);
UPDATE shop.item SET name = 'unseen' WHERE id = 250;
INSERT INTO shop.item VALUES (150000, 'unseen too', 1, '2020-01-01');
UPDATE ingest.sync_state SET last_reconcile = '2020-01-01' WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'item');
CALL ingest.sync('item');
SELECT count(*) FILTER (WHERE id IN (200, 300)) AS gone, count(*) FILTER (WHERE id = 150000) AS found FROM s.item;
SELECT kind, severity, summary FROM ingest.anomaly WHERE kind = 'reconciliation' ORDER BY id;
-- the brake: half of a table does not vanish by itself
CREATE TABLE shop.hidden AS SELECT * FROM shop.item WHERE id % 2 = 0;
DELETE FROM shop.item WHERE id % 2 = 0;
UPDATE ingest.sync_state SET last_reconcile = '2020-01-01' WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'item');
CALL ingest.sync('item');
SELECT count(*) > 490 AS kept FROM s.item;
SELECT kind, severity, count(*) FROM ingest.anomaly WHERE kind = 'deletion' GROUP BY 1, 2;
INSERT INTO shop.item SELECT * FROM shop.hidden;
-- nor does it in small pieces: a tenth of each range is a tenth of the table
CREATE TABLE shop.big (id bigint PRIMARY KEY, changed timestamptz);
INSERT INTO shop.big SELECT i, '2026-02-01' FROM generate_series(1, 9000) i;
CALL ingest.crawl('shop', '{big}');
SELECT ingest.create_sync('shop_ft.big', 's.big', key => '{id}', cursor_column => 'changed', name => 'big', batch_rows => 100);
CALL ingest.sync('big');
DELETE FROM shop.big WHERE id % 100 < 9;
INSERT INTO shop.big SELECT i, '2026-02-01' FROM generate_series(20001, 20800) i;
UPDATE ingest.sync_state SET last_reconcile = '2020-01-01' WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'big');
CALL ingest.sync('big');
SELECT count(*) FILTER (WHERE id <= 9000) >= 9000 - 90 AS kept, count(*) FILTER (WHERE id > 9000) AS found FROM s.big;
SELECT ingest.reload('big');
CALL ingest.sync('big');
SELECT count(*) FILTER (WHERE id <= 9000) >= 9000 - 180 AS kept FROM s.big;
SELECT kind, severity, summary LIKE '%more than is likely%' AS says FROM ingest.anomaly WHERE table_name = 'big' AND kind = 'deletion';
-- soft deletion, and back again
SELECT ingest.create_sync('shop_ft.item', 's.soft', key => '{id}', cursor_column => 'changed', name => 'soft', deletions => 'soft');
CALL ingest.sync('soft');
DELETE FROM shop.item WHERE id = 60;
INSERT INTO shop.gone VALUES ('item', '60', '2026-03-01 11:42:00+00');
UPDATE shop.clock SET now = '2026-03-01 11:43:00+00';
CALL ingest.sync('soft');
SELECT id, _deleted_at FROM s.soft WHERE _deleted_at IS NOT NULL;
INSERT INTO shop.item VALUES (60, 'back', 1, '2026-03-01 11:44:00+00');
UPDATE shop.clock SET now = '2026-03-01 11:45:00+00';
CALL ingest.sync('soft');
SELECT id, name, _deleted_at FROM s.soft WHERE id = 60;
-- full replacement: by what differs, never empty; an empty answer replaces nothing
CREATE TABLE shop.rate (code text PRIMARY KEY, rate numeric);
INSERT INTO shop.rate SELECT 'C' || i, i FROM generate_series(1, 30) i;
UPDATE ingest.data_source SET include = ARRAY['item', 'rate', 'Odd "Name"'] WHERE name = 'shop';
CREATE TABLE shop."Odd ""Name""" ("Select" bigint, "from" integer, "a ""quoted"" one" text, "Ünïcode" text, "When" timestamptz, PRIMARY KEY ("Select", "from"));
INSERT INTO shop."Odd ""Name""" SELECT i, i % 3, E'it''s \\ "', 'é' || i, timestamptz '2026-01-01' + i * interval '1 s' FROM generate_series(1, 40) i;
CALL ingest.crawl('shop');
SELECT ingest.create_sync('shop_ft.rate', 's.rate', mode => 'full', key => '{code}', name => 'rate', history => true);
CALL ingest.sync('rate');
UPDATE shop.rate SET rate = rate * 2 WHERE code IN ('C1', 'C2');
DELETE FROM shop.rate WHERE code = 'C3';
INSERT INTO shop.rate VALUES ('C99', 99);
CALL ingest.sync('rate');
TABLE last_run;
SELECT operation, key, before, after FROM ingest.change WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'rate') AND operation <> 'load' ORDER BY key;
BEGIN; TRUNCATE shop.rate; COMMIT;
CALL ingest.sync('rate');
SELECT count(*) FROM s.rate;
SELECT kind, summary FROM ingest.anomaly WHERE table_name = 'rate';
-- several ranges gather beside the copy
SELECT ingest.create_sync('shop_ft.item', 's.whole', mode => 'full', key => '{id}', name => 'whole', batch_rows => 100);
CALL ingest.sync('whole');
SELECT (SELECT count(*) FROM s.whole) = (SELECT count(*) FROM shop.item) AS all_there, to_regclass('s.ingest_load_' || (SELECT id FROM ingest.sync WHERE name = 'whole')) AS left_over;
-- without a key
SELECT ingest.create_sync('shop_ft.rate', 's.keyless', mode => 'full', name => 'keyless', history => true);
SELECT ingest.create_sync('shop_ft.rate', 's.keyless', mode => 'full', name => 'keyless');
INSERT INTO shop.rate VALUES ('x', 1), ('y', 2);
CALL ingest.sync('keyless');
TABLE s.keyless;
-- names that need quoting
CREATE SCHEMA "My ""Copies""";
SELECT ingest.create_sync('shop_ft."Odd ""Name"""', '"My ""Copies"""."The One"', key => '{Select,from}', cursor_column => 'When', name => 'odd "sync"', history => true, row_events => true, deletions => 'soft', batch_rows => 7);
CALL ingest.sync('odd "sync"');
UPDATE shop."Odd ""Name""" SET "Ünïcode" = 'ß', "When" = '2026-03-01 11:44:30+00' WHERE "Select" = 7;
CALL ingest.sync('odd "sync"');
SELECT "Ünïcode", "a ""quoted"" one" FROM "My ""Copies"""."The One" WHERE "Select" IN (7, 8);
SELECT count(*) FROM "My ""Copies"""."The One_history";
SELECT count(*) FROM ingest.as_of(NULL::"My ""Copies"""."The One", now());
SELECT operation, (version)."Ünïcode" FROM ingest.row_history(NULL::"My ""Copies"""."The One", '{"Select": 7, "from": null}');
SELECT operation, (version)."Ünïcode" FROM "My ""Copies"""."The One" t, ingest.row_history(t, jsonb_build_object('Select', "Select", 'from', "from")) WHERE "Select" = 7;
-- a row that did not change since its history is kept
SELECT ingest.alter_sync('rate', history => false);
DELETE FROM ingest.change WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'rate');
SELECT ingest.alter_sync('rate', history => true);
SELECT valid_from, valid_to, operation, seq, version FROM s.rate t, ingest.row_history(t, jsonb_build_object('code', code)) WHERE code < 'C11' ORDER BY code;
-- headers and their lines: an edit takes a line away, a line changes alone, a header vanishes without a trace
CREATE TABLE shop.head (id bigint PRIMARY KEY, memo text, changed timestamptz);
CREATE TABLE shop.line (head bigint, n integer, amount numeric, changed timestamptz, PRIMARY KEY (head, n));
INSERT INTO shop.head SELECT i, 'head ' || i, '2026-02-01' FROM generate_series(1, 60) i;
INSERT INTO shop.line SELECT i, n, i * n, '2026-02-01' FROM generate_series(1, 60) i, generate_series(1, 3) n;
CALL ingest.crawl('shop', '{head,line}');
SELECT ingest.create_sync('shop_ft.head', 's.head', key => '{id}', cursor_column => 'changed', name => 'head');
SELECT ingest.create_sync('shop_ft.line', 's.line', key => '{head,n}', cursor_column => 'changed', name => 'line', parent => 'nothing');
SELECT ingest.create_sync('shop_ft.line', 's.line', key => '{head,n}', cursor_column => 'changed', name => 'line', parent => 'head');
SELECT ingest.create_sync('shop_ft.line', 's.line', key => '{head,n}', cursor_column => 'changed', name => 'line', parent => 'head', parent_column => 'head', history => true);
CALL ingest.sync('head');
UPDATE shop.head SET memo = 'a line less', changed = '2026-03-01 11:44:40+00' WHERE id = 7;
DELETE FROM shop.line WHERE head = 7 AND n = 2;
UPDATE shop.line SET amount = 0, changed = '2026-03-01 11:44:40+00' WHERE head = 8 AND n = 1;
CALL ingest.sync('head');
SELECT operation, key, after->>'amount' AS amount FROM ingest.change WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'line') AND operation <> 'load' ORDER BY seq;
DELETE FROM shop.head WHERE id = 9;
DELETE FROM shop.line WHERE head = 9;
UPDATE ingest.sync_state SET last_reconcile = '2020-01-01' WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'head');
CALL ingest.sync('head');
SELECT (SELECT count(*) FROM s.head WHERE id = 9) AS heads, (SELECT count(*) FROM s.line WHERE head = 9) AS lines, (SELECT count(*) FROM s.line) AS all_lines;
-- columns that are called as the engine's own aliases are
CREATE TABLE shop.alias (t bigint, s text, n integer, k text, d text, g text, r text, c text, f text, w timestamptz, x text, v text, ingest_row text, "excluded" text, is_new boolean, key text, operation text, seq bigint, PRIMARY KEY (t, k));
INSERT INTO shop.alias SELECT i, 's' || i, i, 'k', 'd', 'g', 'r', 'c', 'f', '2026-02-01', 'x', 'v', 'row', 'e', true, 'key', 'op', i FROM generate_series(1, 5) i;
CALL ingest.crawl('shop', '{alias}');
SELECT ingest.create_sync('shop_ft.alias', 's.alias', key => '{t,k}', cursor_column => 'w', name => 'alias', history => true, row_events => true, deletions => 'soft');
CALL ingest.sync('alias');
ALTER TABLE s.alias ADD CHECK (n <> 0);
UPDATE shop.alias SET s = 'changed', n = CASE t WHEN 2 THEN 0 ELSE n END, w = '2026-03-01 11:44:41+00' WHERE t <= 3;
DELETE FROM shop.alias WHERE t = 5;
UPDATE ingest.sync_state SET last_reconcile = '2020-01-01' WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'alias');
CALL ingest.sync('alias');
SELECT operation, key, before->>'s' AS before, after FROM ingest.change WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'alias') AND operation <> 'load' ORDER BY key;
SELECT key, content->>'s' AS s FROM ingest.rejected_row WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'alias');
SELECT t, s, _operation, _valid_to IS NULL AS current FROM s.alias_history ORDER BY t, _seq;
SELECT t, s, n FROM ingest.as_of(NULL::s.alias, now()) ORDER BY t;
SELECT operation, (version).t, (version).s, (version).seq FROM ingest.row_history(NULL::s.alias, '{"t": 1, "k": "k"}');
SELECT ingest.add_rule('s.alias', 'in_set', '{s}', '{"values": ["s4"]}') > 0 AS added, ingest.add_rule('s.alias', 'unique', '{n}') > 0 AS another;
SELECT kind, rows, violations, examples FROM ingest.check_quality('s.alias');
-- ranges of any width: one that two pieces do not share evenly, keys as far apart as can be
CREATE TABLE shop.span (id bigint PRIMARY KEY);
INSERT INTO shop.span SELECT generate_series(1, 159);
CALL ingest.crawl('shop', '{span}');
SELECT ingest.create_sync('shop_ft.span', 's.span', mode => 'full', key => '{id}', name => 'span', batch_rows => 100);
CALL ingest.sync('span');
SELECT count(*) FROM s.span;
INSERT INTO shop.span VALUES (-9223372036854775808), (9223372036854775806);
CALL ingest.sync('span');
INSERT INTO shop.span VALUES (9223372036854775807);
CALL ingest.sync('span');
SELECT count(*), min(id), max(id) FROM s.span;
-- append: a log whose key grows
CREATE TABLE shop.log (id bigint PRIMARY KEY, line text);
INSERT INTO shop.log SELECT i, 'line ' || i FROM generate_series(1, 25) i;
CALL ingest.crawl('shop', '{log}');
SELECT ingest.create_sync('shop_ft.log', 's.log', mode => 'append', key => '{id}', cursor_column => 'id', name => 'log');
CALL ingest.sync('log');
INSERT INTO shop.log SELECT i, 'line ' || i FROM generate_series(26, 30) i;
CALL ingest.sync('log');
TABLE last_run;
SELECT count(*) FROM s.log;
-- partitioned, and one that the user made
SELECT ingest.create_sync('shop_ft.log', 's.parts', key => '{id}', cursor_column => 'id', mode => 'append', name => 'parts', partition_by => 'RANGE (id)');
CALL ingest.sync('parts');
SELECT tableoid::regclass, count(*) FROM s.parts GROUP BY 1;
CREATE TABLE s.own (line text, id bigint, extra text DEFAULT 'mine');
SELECT ingest.create_sync('shop_ft.log', 's.own', key => '{id}', cursor_column => 'id', mode => 'append', name => 'own');
CREATE UNIQUE INDEX ON s.own (id);
INSERT INTO s.own VALUES ('stale', 1), ('mine alone', 1000);
SELECT ingest.create_sync('shop_ft.log', 's.own', key => '{id}', cursor_column => 'id', mode => 'append', name => 'own');
SELECT ingest.create_sync('shop_ft.log', 's.own', key => '{id}', cursor_column => 'id', mode => 'append', name => 'own', adopt => true);
CALL ingest.sync('own');
SELECT * FROM s.own WHERE id IN (1, 2, 1000) ORDER BY id;
-- settings
SELECT ingest.alter_sync('item', overlap => '10 min', history_retention => '90 days');
SELECT overlap, history_retention FROM ingest.sync WHERE name = 'item';
\set VERBOSITY terse
SELECT ingest.alter_sync('item', owner => 'somebody');
SELECT ingest.as_of(NULL::s.item, now() - interval '91 days');
\set VERBOSITY default
SELECT ingest.pause(sync => 'item');
CALL ingest.sync('item');
SELECT ingest.resume(sync => 'item');
SELECT ingest.pause('shop');
CALL ingest.sync('item');
SELECT ingest.resume('shop');
CALL ingest.sync('item');
TABLE last_run;
BEGIN;
CALL ingest.sync('item');
ROLLBACK;
CALL ingest.sync('nothing');
SELECT sync, phase, state, mode, rejected, last_state FROM ingest.table_status WHERE source = 'shop' ORDER BY sync;
-- a feed of deletions where no clock tells: it is read from its newest entry, which is not believed to be ahead of ours
UPDATE ingest.connector SET clock_function = NULL, horizon_function = NULL WHERE wrapper = 'postgres_fdw';
CREATE TABLE shop.clockless (id integer PRIMARY KEY, changed timestamptz);
INSERT INTO shop.clockless SELECT i, now() - interval '2 days' FROM generate_series(1, 6) i;
-- an earlier row of a key that is there again
INSERT INTO shop.gone VALUES ('clockless', '1', now() - interval '3 days');
CALL ingest.crawl('shop', '{clockless}');
SELECT ingest.create_sync('shop_ft.clockless', 's.clockless', key => '{id}', cursor_column => 'changed', name => 'clockless');
CALL ingest.sync('clockless');
WITH d AS (DELETE FROM shop.clockless WHERE id = 2 RETURNING id) INSERT INTO shop.gone SELECT 'clockless', id::text, clock_timestamp() FROM d;
CALL ingest.sync('clockless');
SELECT array_agg(id ORDER BY id) FROM s.clockless;
WITH d AS (DELETE FROM shop.clockless WHERE id = 3 RETURNING id) INSERT INTO shop.gone SELECT 'clockless', id::text, '2099-01-01' FROM d;
CALL ingest.sync('clockless');
WITH d AS (DELETE FROM shop.clockless WHERE id = 4 RETURNING id) INSERT INTO shop.gone SELECT 'clockless', id::text, clock_timestamp() FROM d;
CALL ingest.sync('clockless');
SELECT array_agg(id ORDER BY id) FROM s.clockless;
SELECT deleted_watermark < now() AS behind_us FROM ingest.sync_state WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'clockless');
SELECT regexp_replace(detail, ' from .* to ', ' from … to ') FROM ingest.explain_sync('clockless') WHERE step = 'deletions';
-- a function that is named must be there
-- (what PostgreSQL adds is another sentence in 19)
UPDATE ingest.connector SET deleted_function = 'shop.nothing' WHERE wrapper = 'postgres_fdw';
\set VERBOSITY terse
CALL ingest.sync('clockless');
\set VERBOSITY default
UPDATE ingest.connector SET clock_function = 'shop.clock', deleted_function = 'shop.deleted', horizon_function = 'ingest_internal.postgres_horizon' WHERE wrapper = 'postgres_fdw';
