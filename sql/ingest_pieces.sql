-- Copies of what comes in pieces: a wrapper's listing, its bad rows and its digests are ours to write, in SQL
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET search_path = public;
SET TimeZone = 'UTC';
CREATE SCHEMA w;
-- a piece, and its lines as somebody wrote them: content is a row each, what is no number is bad
CREATE TABLE w.file (piece text PRIMARY KEY, version int NOT NULL DEFAULT 1, lines text[] NOT NULL DEFAULT '{}', modified timestamptz NOT NULL DEFAULT '2026-01-01', settled boolean NOT NULL DEFAULT true, broken text, seen int);
CREATE FUNCTION w.number(line text, part int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN split_part(line, ',', part) ~ '^\d+$' THEN split_part(line, ',', part)::int END $$;
CREATE FUNCTION w.fails(piece text, code text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF code IS NULL THEN RETURN false; END IF; RAISE EXCEPTION USING ERRCODE = code, MESSAGE = 'piece ' || piece || ' is broken', DETAIL = 'Nobody knows why.'; END $$;
CREATE VIEW w.item AS
  SELECT w.number(l.line, 1) AS id, CASE WHEN g.good THEN split_part(l.line, ',', 2) END AS name, CASE WHEN g.good THEN nullif(split_part(l.line, ',', 3), '') END AS op,
    f.piece AS _file, l.n AS _position, coalesce(f.seen, f.version)::text AS _version,
    CASE WHEN NOT g.good THEN jsonb_build_object('reason', format('%s is no number', split_part(l.line, ',', 1)), 'sqlstate', '22P02', 'column', 'id', 'value', split_part(l.line, ',', 1), 'row', l.line, 'line', l.n) END AS _error
  FROM w.file f CROSS JOIN LATERAL unnest(f.lines) WITH ORDINALITY l (line, n) CROSS JOIN LATERAL (SELECT w.number(l.line, 1) IS NOT NULL AS good) g
  WHERE NOT w.fails(f.piece, f.broken);
CREATE TABLE w.asked (what text, piece text);
CREATE FUNCTION w.pieces(foreign_table regclass, OUT piece text, OUT version text, OUT extent bigint, OUT bytes bigint, OUT modified timestamptz, OUT settled boolean) RETURNS SETOF record LANGUAGE sql AS
  $$ SELECT f.piece, f.version::text, cardinality(f.lines) + 1, 100 * cardinality(f.lines), f.modified, f.settled FROM w.file f $$;
CREATE FUNCTION w.watch(server name, wait interval) RETURNS SETOF text LANGUAGE sql AS $$ SELECT 'item' $$;
CREATE FUNCTION w.prefix(foreign_table regclass, piece text, extent bigint) RETURNS text LANGUAGE sql AS
  $$ SELECT CASE WHEN f.piece LIKE '%.log' THEN md5(f.lines[:extent - 1]::text) END FROM w.file f WHERE f.piece = $2 $$;
UPDATE ingest.connector SET pieces_function = 'w.pieces', prefix_function = 'w.prefix', piece_column = '_file', position_column = '_position', version_column = '_version', error_column = '_error', import_options = $$import_collate 'false'$$,
  clock_function = NULL, deleted_function = NULL, tables_function = NULL WHERE wrapper = 'postgres_fdw';
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS socket, current_database() AS db \gset
CREATE SERVER w FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'socket', port :'port', dbname :'db');
CREATE USER MAPPING FOR CURRENT_USER SERVER w OPTIONS (user 'postgres');
SELECT ingest.register_source('w', 'w', schema => 'w_ft', remote_schemas => '{w}', tables => '{item}') > 0 AS registered;
CALL ingest.crawl('w');
CREATE SCHEMA p;
INSERT INTO w.file (piece, lines) VALUES ('a.csv', '{"1,one","2,two","3,three"}'), ('b.csv', '{"4,four"}'), ('empty.csv', '{}');
-- mode and key are the connector's
SELECT ingest.create_sync('w_ft.item', 'p.item', exclude => '{op}', history => true);
SELECT mode, key, exclude FROM ingest.sync WHERE name = 'p.item';
SELECT attname FROM pg_attribute WHERE attrelid = 'p.item'::regclass AND attnum > 0 ORDER BY attnum;
CREATE FUNCTION w.differ() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM ((SELECT id, name, _file, _position FROM w.item WHERE _error IS NULL EXCEPT ALL SELECT id, name, _file, _position FROM p.item)
  UNION ALL (SELECT id, name, _file, _position FROM p.item EXCEPT ALL SELECT id, name, _file, _position FROM w.item WHERE _error IS NULL)) x';
CREATE VIEW w.run AS SELECT state, rows_read AS read, rows_inserted AS ins, rows_updated AS upd, rows_deleted AS del, rows_rejected AS rej FROM ingest.run_status WHERE kind = 'sync' ORDER BY run DESC LIMIT 1;
CREATE VIEW w.here AS SELECT piece, p.state, listed_version AS listed, version, rows, rejected, tries, next_try > now() AS later, error FROM ingest.sync_piece p JOIN ingest.sync s ON s.id = sync WHERE s.name = 'p.item' ORDER BY piece;
SELECT * FROM ingest.explain_sync('p.item') WHERE step <> 'sync';
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run; TABLE w.here;
-- nothing changed: nothing read
CALL ingest.sync('p.item');
TABLE w.run;
-- a new one that is older than all, an appended, a rewritten, a truncated one, one that is gone
INSERT INTO w.file (piece, lines, modified) VALUES ('old.csv', '{"9,nine"}', '1999-01-01'), ('c.csv', '{"5,five"}', '2026-01-02');
UPDATE w.file SET lines = lines || '{"6,six"}', version = 2 WHERE piece = 'b.csv';
UPDATE w.file SET lines = '{"1,one","3,three"}', version = 2 WHERE piece = 'a.csv';
DELETE FROM w.file WHERE piece = 'empty.csv';
SELECT * FROM ingest.explain_sync('p.item') WHERE step = 'pieces';
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run; TABLE w.here;
UPDATE w.file SET lines = '{}', version = 3 WHERE piece = 'a.csv';
DELETE FROM w.file WHERE piece = 'c.csv';
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run;
-- it comes back
INSERT INTO w.file (piece, lines) VALUES ('c.csv', '{"5,five again"}');
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run;
-- bad rows are rejected with what was written, the others go on
UPDATE w.file SET lines = '{"1,one","zwei,two","3,three"}', version = 4 WHERE piece = 'a.csv';
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run;
SELECT r.key, content, reason, sqlstate, resolved_at IS NULL AS open FROM ingest.rejected_row r JOIN ingest.sync s ON s.id = sync WHERE s.name = 'p.item';
UPDATE w.file SET lines = '{"1,one","2,two","3,three"}', version = 5 WHERE piece = 'a.csv';
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run;
SELECT count(*) FILTER (WHERE resolved_at IS NULL) AS open FROM ingest.rejected_row JOIN ingest.sync s ON s.id = sync WHERE s.name = 'p.item';
-- one that is bad all over is not understood: none of it is taken, and nothing of it given up
INSERT INTO w.file (piece, lines) SELECT 'bad.csv', array_agg('x' || i) FROM generate_series(1, 20) i;
CALL ingest.sync('p.item');
SELECT count(*) FROM p.item WHERE _file = 'bad.csv';
SELECT piece, state, tries, later, error FROM w.here WHERE state <> 'done';
DELETE FROM w.file WHERE piece = 'bad.csv';
-- broken ones of all kinds: their rows stay, the others go on
UPDATE w.file SET broken = '22P04', version = version + 1 WHERE piece = 'a.csv';
UPDATE w.file SET lines = lines || '{"7,seven"}', version = 3 WHERE piece = 'b.csv';
CALL ingest.sync('p.item');
TABLE w.run; TABLE w.here;
SELECT count(*) AS kept FROM p.item WHERE _file = 'a.csv';
SELECT finding, rows FROM ingest.verify('p.item') WHERE rows > 0;
SELECT kind, severity, summary FROM ingest.anomaly a JOIN ingest.sync s ON s.id = a.sync WHERE s.name = 'p.item' AND a.kind = 'piece' ORDER BY a.id;
SELECT data - 'run' FROM ingest.event WHERE type = 'ingest.piece.failed' AND subject = 'p.item' ORDER BY id;
-- it is tried when its time has come, and not before; told once
CALL ingest.sync('p.item');
TABLE w.run;
UPDATE ingest.sync_piece SET next_try = now() WHERE state = 'failed';
CALL ingest.sync('p.item');
SELECT piece, state, tries, later FROM w.here WHERE state = 'failed';
SELECT count(*) FROM ingest.event WHERE type = 'ingest.piece.failed' AND subject = 'p.item';
-- it was mended under the same version: somebody says so
UPDATE w.file SET broken = NULL WHERE piece = 'a.csv';
SELECT ingest.retry_piece('p.item', 'nothing');
SELECT ingest.retry_piece('p.item', 'a.csv');
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run;
SELECT count(*) AS open FROM ingest.anomaly a WHERE a.kind = 'piece' AND resolved_at IS NULL;
-- written while it is read, and younger than it settles: left for the next run, and there
UPDATE w.file SET lines = '{"1,uno"}', version = version + 1, seen = 99 WHERE piece = 'a.csv';
UPDATE w.file SET lines = '{"4,vier"}', version = version + 1, settled = false WHERE piece = 'b.csv';
INSERT INTO w.file (piece, lines, settled) VALUES ('young.csv', '{"8,eight"}', false);
CALL ingest.sync('p.item');
TABLE w.run; TABLE w.here;
UPDATE w.file SET seen = NULL, settled = true;
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run;
-- a column that the table has not: the others first, then the run fails as a drift does
UPDATE w.file SET broken = 'HV005', version = version + 1 WHERE piece = 'a.csv';
UPDATE w.file SET lines = '{"4,quattro"}', version = version + 1 WHERE piece = 'b.csv';
CALL ingest.sync('p.item');
SELECT error_class, rows_updated FROM ingest.run_status WHERE kind = 'sync' ORDER BY run DESC LIMIT 1;
SELECT piece, state FROM w.here WHERE state <> 'done' AND state <> 'gone';
UPDATE w.file SET broken = NULL;
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run;
-- the connection, a login: no piece's fault
UPDATE w.file SET broken = '28000', version = version + 1 WHERE piece = 'a.csv';
CALL ingest.sync('p.item');
SELECT error_class FROM ingest.run_status WHERE kind = 'sync' ORDER BY run DESC LIMIT 1;
UPDATE w.file SET broken = NULL;
CALL ingest.sync('p.item');
SELECT w.differ();
-- what grew is read from where it was; what only looks so is read whole
INSERT INTO w.file (piece, lines) SELECT 'x.log', array_agg((100 + i) || ',log') FROM generate_series(1, 50) i;
CALL ingest.sync('p.item');
UPDATE w.file SET lines = lines || '{"151,more","152,more"}', version = version + 1 WHERE piece = 'x.log';
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run;
UPDATE w.file SET lines = ARRAY['101,other'] || lines[2:] || '{"153,more"}', version = version + 1 WHERE piece = 'x.log';
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run;
UPDATE w.file SET lines = lines || '{"154,more"}', version = version + 1 WHERE piece = 'x.log';
CALL ingest.sync('p.item');
SELECT rows, grown FROM ingest.sync_piece WHERE piece = 'x.log';
UPDATE ingest.sync_state SET last_reconcile = NULL WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'p.item');
CALL ingest.sync('p.item');
SELECT rows, grown FROM ingest.sync_piece WHERE piece = 'x.log';
SELECT w.differ(); TABLE w.run;
-- somebody who listens has it run, and what cannot be listened to is said
SELECT ingest.watch('w');
UPDATE ingest.connector SET watch_function = 'w.watch' WHERE wrapper = 'postgres_fdw';
SET client_min_messages = error;
SELECT ingest.watch('w');
SET client_min_messages = warning;
SELECT name, kind, argument, schedule FROM ingest.job WHERE kind = 'watch';
SELECT ingest_internal.watch_heard((SELECT id FROM ingest.data_source WHERE name = 'w'), '{other}');
SELECT ingest_internal.watch_heard((SELECT id FROM ingest.data_source WHERE name = 'w'), '{item}');
SELECT ingest_internal.watch_heard((SELECT id FROM ingest.data_source WHERE name = 'w'), NULL);
SELECT name, kind, argument, (SELECT count(*) FROM ingest.queue q WHERE q.job = j.id) AS queued FROM ingest.job j WHERE kind = 'sync' AND argument = 'p.item';
SELECT ingest.drop_job('p.item'), ingest.watch('w', false);
SELECT count(*) FROM ingest.job WHERE kind = 'watch';
UPDATE ingest.connector SET watch_function = NULL WHERE wrapper = 'postgres_fdw';
-- nothing is listed, or most is not any more: nothing is deleted until somebody says so
CREATE TABLE w.kept AS TABLE w.file;
DELETE FROM w.file;
CALL ingest.sync('p.item');
TABLE w.run;
SELECT count(*) > 0 AS kept FROM p.item;
INSERT INTO w.file TABLE w.kept;
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run;
-- a connector that lists what cannot be
CREATE FUNCTION w.twice(foreign_table regclass, OUT piece text, OUT version text, OUT extent bigint, OUT bytes bigint, OUT modified timestamptz, OUT settled boolean) RETURNS SETOF record LANGUAGE sql AS
  $$ SELECT 'a.csv', '1', NULL::bigint, NULL::bigint, NULL::timestamptz, true FROM generate_series(1, 2) $$;
UPDATE ingest.connector SET pieces_function = 'w.twice' WHERE wrapper = 'postgres_fdw';
CALL ingest.sync('p.item');
UPDATE ingest.connector SET pieces_function = 'w.pieces' WHERE wrapper = 'postgres_fdw';
-- verify, as_of, reload
SELECT * FROM ingest.verify('p.item');
SELECT count(*) > 0 AS history FROM ingest.as_of(NULL::p.item, clock_timestamp());
SELECT ingest.reload('p.item');
CALL ingest.sync('p.item');
SELECT w.differ(); TABLE w.run;

-- A key of the rows' own: in two pieces at once the first keeps it, and the other has it when that is gone
DELETE FROM w.file;
INSERT INTO w.file (piece, lines, modified) VALUES ('a.csv', '{"1,a","2,a"}', '2026-01-01'), ('b.csv', '{"2,b","3,b","3,again"}', '2026-01-02');
SELECT ingest.create_sync('w_ft.item', 'p.own', key => '{id}', exclude => '{op}', max_delete_share => 1);
CALL ingest.sync('p.own');
SELECT id, name, _file FROM p.own ORDER BY id;
SELECT r.key, content->>'name' AS name, reason FROM ingest.rejected_row r JOIN ingest.sync s ON s.id = sync WHERE s.name = 'p.own' AND resolved_at IS NULL ORDER BY r.id;
UPDATE w.file SET lines = '{"1,a"}', version = 2 WHERE piece = 'a.csv';
UPDATE w.file SET lines = '{"2,b","3,b"}', version = 2 WHERE piece = 'b.csv';
CALL ingest.sync('p.own');
SELECT id, name, _file FROM p.own ORDER BY id;
UPDATE w.file SET lines = '{"1,b","2,b"}', version = 3 WHERE piece = 'b.csv';
CALL ingest.sync('p.own');
SELECT id, name, _file FROM p.own ORDER BY id;
DELETE FROM w.file WHERE piece = 'a.csv';
CALL ingest.sync('p.own');
SELECT id, name, _file FROM p.own ORDER BY id;
SELECT count(*) AS open FROM ingest.rejected_row r JOIN ingest.sync s ON s.id = sync WHERE s.name = 'p.own' AND resolved_at IS NULL;
-- rows that move from one piece to another in one run
INSERT INTO w.file (piece, lines, modified) VALUES ('c.csv', '{"1,c"}', '2026-01-03');
UPDATE w.file SET lines = '{"2,b"}', version = 4 WHERE piece = 'b.csv';
CALL ingest.sync('p.own');
SELECT id, name, _file FROM p.own ORDER BY id;
SELECT ingest.drop_sync('p.own');

-- Files of changes: the last word on a key holds, what says that it is deleted is
DELETE FROM w.file;
INSERT INTO w.file (piece, lines, modified) VALUES ('1', '{"1,a","2,a","3,a","2,b"}', '2026-01-01'), ('2', '{"1,b","3,,D","4,a,D"}', '2026-01-02');
SELECT ingest.create_sync('w_ft.item', 'p.feed', key => '{id}', exclude => '{op}', deletions => 'ignore', deleted_when => 'op = ''D''');
CALL ingest.sync('p.feed');
SELECT id, name, _file FROM p.feed ORDER BY id;
INSERT INTO w.file (piece, lines, modified) VALUES ('3', '{"3,back","1,,D","1,c"}', '2026-01-03');
DELETE FROM w.file WHERE piece = '1';
CALL ingest.sync('p.feed');
SELECT id, name, _file FROM p.feed ORDER BY id;
SELECT ingest.drop_sync('p.feed');
-- of pieces that are replaced it is as if such a row were not there
SELECT ingest.create_sync('w_ft.item', 'p.marked', exclude => '{op}', deleted_when => 'op = ''D''');
CALL ingest.sync('p.marked');
SELECT id, name, _file FROM p.marked ORDER BY _file, _position;
SELECT finding, rows FROM ingest.verify('p.marked') WHERE rows > 0;
SELECT ingest.drop_sync('p.marked');

-- deleted_when of a table with a cursor
CREATE TABLE w.soft (id int PRIMARY KEY, v text, gone boolean NOT NULL DEFAULT false, changed timestamptz NOT NULL DEFAULT clock_timestamp());
INSERT INTO w.soft SELECT i, 'v' || i, i = 3 FROM generate_series(1, 5) i;
CREATE FOREIGN TABLE w_ft.soft (id int, v text, gone boolean, changed timestamptz) SERVER w OPTIONS (schema_name 'w', table_name 'soft');
UPDATE ingest.data_source SET include = '{item,soft}' WHERE name = 'w';
CALL ingest.crawl('w');
SELECT ingest.create_sync('w_ft.soft', 'p.soft', key => '{id}', cursor_column => 'changed', exclude => '{gone}', deletions => 'soft', deleted_when => 'gone; DROP TABLE w.soft');
SELECT ingest.create_sync('w_ft.soft', 'p.soft', key => '{id}', cursor_column => 'changed', exclude => '{gone}', deletions => 'soft', deleted_when => 'gone) OR (true');
SELECT ingest.create_sync('w_ft.soft', 'p.soft', key => '{id}', cursor_column => 'changed', exclude => '{gone}', deletions => 'soft', deleted_when => 'gone');
CALL ingest.sync('p.soft');
SELECT id, _deleted_at IS NOT NULL AS deleted FROM p.soft ORDER BY id;
UPDATE w.soft SET gone = NOT gone, changed = clock_timestamp() WHERE id IN (3, 4);
CALL ingest.sync('p.soft');
SELECT id, _deleted_at IS NOT NULL AS deleted FROM p.soft ORDER BY id;
TABLE w.run;
UPDATE ingest.sync_state SET last_reconcile = NULL;
CALL ingest.sync('p.soft');
TABLE w.run;
SELECT finding, rows FROM ingest.verify('p.soft') WHERE rows > 0;
SELECT ingest.alter_sync('p.soft', unset => '{deleted_when}');
CALL ingest.sync('p.soft');
SELECT id, _deleted_at IS NOT NULL AS deleted FROM p.soft ORDER BY id;
SELECT ingest.drop_sync('p.soft');

-- What must not be told
SELECT current_setting('data_directory') || '/ingest_pieces.key' AS key, 'file:' || current_setting('data_directory') || '/ingest_pieces.key' AS key_there \gset
COPY (SELECT 'a key that nobody knows, of enough bytes') TO :'key';
CREATE TABLE w.person (id int PRIMARY KEY, mail text, mail_again varchar(40), age int, age_again numeric, born timestamptz, tag char(6), secret text, changed timestamptz NOT NULL DEFAULT clock_timestamp());
INSERT INTO w.person VALUES (1, 'ann@example.com', 'ann@example.com', 42, 42.00, '2001-02-03 04:05:06+07', 'x', 's1'), (2, NULL, 'x', 7, 7, NULL, 'x ', 's2');
CREATE FOREIGN TABLE w_ft.person (id int, mail text, mail_again varchar(40), age int, age_again numeric, born timestamptz, tag char(6), secret text, changed timestamptz) SERVER w OPTIONS (schema_name 'w', table_name 'person');
UPDATE ingest.data_source SET include = '{item,soft,person}' WHERE name = 'w';
CALL ingest.crawl('w');
-- what cannot be
SELECT ingest.create_sync('w_ft.person', 'p.person', key => '{id}', cursor_column => 'changed', pseudonymise => '{mail}');
SELECT ingest.create_sync('w_ft.person', 'p.person', key => '{id}', cursor_column => 'changed', pseudonymise => '{mail}', pseudonym_key => 'the key itself');
SELECT ingest.create_sync('w_ft.person', 'p.person', key => '{id}', cursor_column => 'changed', pseudonymise => '{id}', pseudonym_key => :'key_there');
SELECT ingest.create_sync('w_ft.person', 'p.person', key => '{id}', cursor_column => 'changed', exclude => '{changed}');
SELECT ingest.create_sync('w_ft.person', 'p.person', key => '{id}', cursor_column => 'changed', exclude => '{nothing}');
SELECT ingest.create_sync('w_ft.person', 'p.person', key => '{id}', cursor_column => 'changed', exclude => '{secret}', history => true,
  pseudonymise => '{mail,mail_again,age,age_again,born,tag}', pseudonym_key => :'key_there');
CALL ingest.sync('p.person');
-- equal values have one pseudonym, whatever their type is, and it is the one that anybody with the key computes
SELECT id, mail = mail_again AS mail, age = age_again AS age, born IS NULL AS null_stays, pg_typeof(age) FROM p.person ORDER BY id;
SELECT a.tag = b.tag AS blanks FROM p.person a, p.person b WHERE a.id = 1 AND b.id = 2;
SELECT mail FROM p.person WHERE id = 1;
\! printf 'ann@example.com' | openssl dgst -sha256 -hmac 'a key that nobody knows, of enough bytes' | sed 's/.*= //'
\! printf '2001-02-02T21:05:06+00:00' | openssl dgst -sha256 -hmac 'a key that nobody knows, of enough bytes' | sed 's/.*= //'
SELECT born FROM p.person WHERE id = 1;
SELECT finding, rows FROM ingest.verify('p.person') WHERE rows > 0;
UPDATE ingest.sync_state SET last_reconcile = NULL;
CALL ingest.sync('p.person');
TABLE w.run;
-- outside of a run it computes nothing
SELECT ingest_internal.pseudonym(1, 'x'::text);
SELECT ingest_internal.takes_row(NULL, NULL, NULL, NULL);
-- another key: all is read again
COPY (SELECT 'another key that nobody knows either') TO :'key';
CALL ingest.sync('p.person');
TABLE w.run;
SELECT id, mail = mail_again AS mail FROM p.person ORDER BY id;
-- too late
SELECT ingest.alter_sync('p.person', exclude => '{secret,id}');
SELECT ingest.create_sync('w_ft.person', 'p.plain', key => '{id}', cursor_column => 'changed', name => 'plain');
CALL ingest.sync('plain');
SELECT ingest.alter_sync('plain', exclude => '{mail}');
-- under another name it would be copied: somebody has to look
ALTER FOREIGN TABLE w_ft.person RENAME COLUMN secret TO hidden;
SELECT exclude FROM ingest.sync WHERE name = 'p.person';
ALTER FOREIGN TABLE w_ft.person DROP COLUMN hidden;
CALL ingest.sync('p.person');
-- Lines that have no cursor of their own come with their headers; without these they are compared
CREATE TABLE w.head (id int PRIMARY KEY, v text, changed timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE w.line (id int PRIMARY KEY, head int, v text);
INSERT INTO w.head SELECT i, 'h' FROM generate_series(1, 10) i;
INSERT INTO w.line SELECT i, 1 + i % 10, 'l' FROM generate_series(1, 100) i;
CREATE FOREIGN TABLE w_ft.head (id int, v text, changed timestamptz) SERVER w OPTIONS (schema_name 'w', table_name 'head');
CREATE FOREIGN TABLE w_ft.line (id int, head int, v text) SERVER w OPTIONS (schema_name 'w', table_name 'line');
UPDATE ingest.data_source SET include = '{item,soft,person,head,line}' WHERE name = 'w';
CALL ingest.crawl('w');
SELECT ingest.create_sync('w_ft.head', 'p.head', key => '{id}', cursor_column => 'changed'), ingest.create_sync('w_ft.line', 'p.line', key => '{id}', parent => 'p.head', parent_column => 'head');
CALL ingest.sync('p.head');
UPDATE w.head SET v = 'x', changed = clock_timestamp() WHERE id = 7;
UPDATE w.line SET v = 'x' WHERE head = 7;
DELETE FROM w.line WHERE id = 6;
INSERT INTO w.line VALUES (2000, 7, 'new');
SELECT step, detail FROM ingest.explain_sync('p.line') WHERE step = 'window';
CALL ingest.sync('p.head');
SELECT count(*) FROM (TABLE w.line EXCEPT TABLE p.line) x;
SELECT ingest.drop_sync('p.head');
UPDATE w.line SET v = 'alone' WHERE id = 50;
CALL ingest.sync('p.line');
SELECT count(*) FROM (TABLE w.line EXCEPT TABLE p.line) x;
-- A wrapper that reads all rows for any of them: one that is bad rejects no other, and is not passed over
CREATE SERVER pieces_files FOREIGN DATA WRAPPER file_fdw;
CREATE SCHEMA pieces_files;
SELECT current_setting('data_directory') || '/ingest_pieces.csv' AS csv \gset
COPY (SELECT i AS id, i * 10 AS v FROM generate_series(1, 8) i) TO :'csv' (FORMAT csv, HEADER);
CREATE FOREIGN TABLE pieces_files.small (id int, v int) SERVER pieces_files OPTIONS (filename :'csv', format 'csv', header 'true');
SELECT ingest.register_source('pieces_files', 'pieces_files', schema => 'pieces_files') > 0 AS registered;
CALL ingest.crawl('pieces_files');
SELECT row_count FROM ingest.source_table WHERE local_schema = 'pieces_files';
SELECT ingest.create_sync('pieces_files.small', 'p.small', mode => 'full', key => '{id}');
CALL ingest.sync('p.small');
COPY (SELECT i AS id, CASE i WHEN 1 THEN '100' WHEN 5 THEN 'five' ELSE (i * 10)::text END AS v FROM generate_series(1, 8) i) TO :'csv' (FORMAT csv, HEADER);
CALL ingest.sync('p.small');
SELECT count(*) FROM ingest.rejected_row r JOIN ingest.sync s ON s.id = r.sync WHERE s.name = 'p.small';
SELECT state FROM ingest.run_status ORDER BY run DESC LIMIT 1;
COPY (SELECT i AS id, CASE i WHEN 1 THEN '100' ELSE (i * 10)::text END AS v FROM generate_series(1, 8) i) TO :'csv' (FORMAT csv, HEADER);
CALL ingest.sync('p.small');
SELECT v FROM p.small WHERE id = 1;
SELECT ingest.drop_source('pieces_files');
DROP SERVER pieces_files CASCADE;
DROP SCHEMA pieces_files;
SELECT ingest.drop_source('w');
DROP SERVER w CASCADE;
DROP SCHEMA w, w_ft, p CASCADE;
UPDATE ingest.connector SET (pieces_function, prefix_function, piece_column, position_column, version_column, error_column, import_options) = (NULL, NULL, NULL, NULL, NULL, NULL, NULL), tables_function = 'ingest_internal.postgres_tables'
  WHERE wrapper = 'postgres_fdw';
