-- A small world with everything in it: all extensions, a source that leads back here, copies with a history,
-- jobs, rules, events, and relations of every kind.  Functions are called in it (t/030_calls.pl, sqlsmith.sh).
-- psql variables: host, port.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE EXTENSION IF NOT EXISTS netsuite_fdw;
CREATE EXTENSION IF NOT EXISTS files_fdw;
CREATE EXTENSION IF NOT EXISTS ingest CASCADE;
CREATE EXTENSION IF NOT EXISTS ingest_delivery;
CREATE EXTENSION IF NOT EXISTS ingest_api;

CREATE ROLE w_nobody LOGIN;
CREATE ROLE w_reader LOGIN IN ROLE ingest_reader;
CREATE ROLE w_consumer LOGIN IN ROLE ingest_consumer;
CREATE ROLE w_keeper LOGIN IN ROLE ingest_operator;
CREATE ROLE w_admin LOGIN IN ROLE ingest_admin;
SELECT current_database() AS db \gset
GRANT CREATE ON DATABASE :"db" TO w_keeper;

-- relations of every kind
CREATE SCHEMA w AUTHORIZATION w_keeper;
GRANT USAGE ON SCHEMA w TO PUBLIC;
SET ROLE w_keeper;
CREATE TYPE w.mood AS ENUM ('well', 'ill');
CREATE DOMAIN w.positive AS integer CHECK (VALUE > 0);
CREATE TYPE w.pair AS (a integer, b text);
CREATE DOMAIN w.ordered_pair AS w.pair CHECK ((VALUE).a > 0);
CREATE TABLE w.plain (id bigint PRIMARY KEY, name text, amount numeric(12,2), mood w.mood, pair w.pair, tags text[], doc jsonb, raw json, changed timestamptz DEFAULT '2026-01-01');
INSERT INTO w.plain SELECT i, CASE WHEN i % 7 > 0 THEN 'name ' || i % 11 END, CASE WHEN i % 2 = 0 THEN 1 ELSE -1 END * (i + 0.5), 'well', ROW(i::integer, 'b'::text)::w.pair, ARRAY['a', NULL], '{"a": [1]}', 'null', timestamptz '2026-01-01' + i * interval '1 hour'
  FROM generate_series(1, 60) i;
CREATE TABLE w.child (id integer PRIMARY KEY, plain bigint REFERENCES w.plain, f float8, m money, i interval, z xid8, d date);
INSERT INTO w.child SELECT i, i % 9 + 1, CASE i % 4 WHEN 0 THEN float8 'NaN' WHEN 1 THEN 'Infinity' ELSE i END, (i - 3)::money, i * interval '1 month', i::text::xid8, CASE WHEN i % 5 = 0 THEN 'infinity' ELSE date '2026-01-01' + i END FROM generate_series(0, 40) i;
CREATE TABLE w.empty (id integer, name text, amount numeric, at timestamptz);
CREATE TABLE w.bare ();
INSERT INTO w.bare DEFAULT VALUES;
CREATE TABLE w.dropped (a integer, b text, c numeric, d text);
INSERT INTO w.dropped SELECT i, 'b', 1, 'd' || i FROM generate_series(1, 10) i;
ALTER TABLE w.dropped DROP COLUMN b, DROP COLUMN c, ADD COLUMN e date;
CREATE TABLE w.hollow (a integer);
ALTER TABLE w.hollow DROP COLUMN a;
CREATE TABLE w.parted (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE w.parted_1 PARTITION OF w.parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO w.parted SELECT i, date '2026-01-01' + i FROM generate_series(1, 20) i;
CREATE TABLE w.unpartitioned (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE w."odd ""name" ("a ""b" text, "select" integer);
INSERT INTO w."odd ""name" VALUES ('x', 1);
CREATE VIEW w.view AS SELECT p.id, p.name, count(*) AS n FROM w.plain p JOIN w.child c ON c.plain = p.id GROUP BY 1;
CREATE RECURSIVE VIEW w.counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 20;
CREATE RECURSIVE VIEW w.doubling (n) AS VALUES (1) UNION ALL SELECT n + n FROM doubling WHERE n < 1000;
CREATE VIEW w.loop AS SELECT 1 AS x;
CREATE VIEW w.loop_2 AS SELECT * FROM w.loop;
CREATE OR REPLACE VIEW w.loop AS SELECT * FROM w.loop_2;
CREATE VIEW w.void AS SELECT;
CREATE VIEW w.fails AS SELECT 1 / (id - id) AS x FROM w.plain;
CREATE MATERIALIZED VIEW w.stored AS SELECT id, name FROM w.plain;
CREATE MATERIALIZED VIEW w.unfilled AS SELECT id FROM w.plain WITH NO DATA;
CREATE SEQUENCE w.numbers;
CREATE TABLE w.walled (id integer, secret text);
INSERT INTO w.walled VALUES (1, 'x');
ALTER TABLE w.walled ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON w.walled USING (id > 1);
CREATE TABLE w.going (id integer);
SELECT 'w.going'::regclass::oid AS going \gset
DROP TABLE w.going;
CREATE TABLE w.gone AS SELECT :going::oid AS oid;
CREATE TABLE w.sketch (kind text, sketch profile_sketch);
INSERT INTO w.sketch SELECT column_name, sketch FROM profile_table('w.plain') UNION ALL SELECT column_name, sketch FROM profile_table('w.child')
  UNION ALL SELECT 'empty', profile(id) FROM w.empty UNION ALL SELECT 'nulls', profile(NULL::text) FROM w.plain
  UNION ALL SELECT 'many', profile(i) FROM generate_series(1, 5000) i UNION ALL SELECT 'texts', profile('t' || i) FROM generate_series(1, 5000) i;
RESET ROLE;

-- files, one of which is broken
COPY (SELECT 'id,name,amount') TO PROGRAM 'mkdir -p world && cat > world/orders.csv && seq 50 | sed "s/.*/&,name &,&.5/" >> world/orders.csv';
COPY (SELECT 'id,"open') TO PROGRAM 'cat > world/broken.csv && mkfifo world/pipe.csv && ln -s /etc/passwd world/link.csv';
COPY (SELECT '{"id": 1}') TO PROGRAM 'cat > world/doc.json';
SELECT current_setting('data_directory') || '/world' AS folder \gset
CREATE SERVER files FOREIGN DATA WRAPPER files_fdw OPTIONS (root :'folder');
GRANT USAGE ON FOREIGN SERVER files TO PUBLIC;
SET ROLE w_keeper;
CREATE FOREIGN TABLE w.files (id integer, name text, amount numeric, _file text OPTIONS (metadata 'file'), _error jsonb OPTIONS (metadata 'error')) SERVER files OPTIONS (path 'orders.csv');
CREATE FOREIGN TABLE w.broken_file (id integer) SERVER files OPTIONS (path 'broken.csv;link.csv;pipe.csv');
GRANT SELECT ON ALL TABLES IN SCHEMA w TO PUBLIC;
RESET ROLE;

-- a source, crawled and copied
CREATE SERVER back FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host', port :'port', dbname :'db');
GRANT USAGE ON FOREIGN SERVER back TO PUBLIC;
CREATE USER MAPPING FOR w_keeper SERVER back OPTIONS (user 'w_keeper', password_required 'false');
CREATE USER MAPPING FOR CURRENT_USER SERVER back OPTIONS (user 'w_keeper');
SET ROLE w_keeper;
SELECT ingest.register_source('shop', 'back', schema => 'shop', remote_schemas => '{w}', tables => '{plain,child,dropped,empty,view}') > 0 AS registered;
CALL ingest.crawl('shop');
CREATE SCHEMA copies;
GRANT USAGE ON SCHEMA shop, copies TO PUBLIC;
SELECT ingest.create_sync('shop.plain', 'copies.plain', key => '{id}', cursor_column => 'changed', name => 'plain', history => true, row_events => true, profile => 'all');
SELECT ingest.create_sync('shop.child', 'copies.child', mode => 'full', key => '{id}', name => 'child');
CALL ingest.sync('plain');
UPDATE w.plain SET name = 'other', changed = '2026-02-01' WHERE id = 3;
CALL ingest.sync('plain');
CALL ingest.sync('child');
GRANT SELECT ON ALL TABLES IN SCHEMA shop, copies TO PUBLIC;
SELECT ingest.grant_source('shop', 'w_reader');
SELECT ingest.create_job('look', 'check', 'shop');
SELECT ingest.create_job('later', 'sql', 'SELECT 1', depends_on => '{look}');
SELECT ingest.schedule('later', '1 day');
SELECT ingest.add_rule('copies.plain', 'not_null', '{name}') > 0 AS rule, ingest.add_rule('copies.plain', 'unique', '{id}') > 0 AS rule;
SELECT count(*) FROM ingest.check_quality('copies.plain');
SELECT ingest.profile('copies.plain') > 0 AS profiled;
SELECT ingest.set_lineage('copies.plain', 'w.report');
SELECT ingest.subscribe('listener', from_start => true);
SELECT ingest.emit('com.example.thing', 'subject', '{"a": 1}');
SELECT count(*) > 0 FROM ingest.read_events('listener', 5);

-- sinks: one of nowhere, of which something waits and something was given up
CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (mine 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
SELECT ingest_delivery.create_sink('kept', 'webhook', '{"url": "https://hooks.example.invalid/", "secret": "mapping:ingest_secrets/mine"}', from_start => true);
SELECT ingest.emit('com.example.thing', 'subject', '{"a": 2}');
SELECT ingest_delivery.replay('kept', '-infinity') > 0 AS replayed;
RESET ROLE;
INSERT INTO ingest_delivery.dead (sink, era, id, key, error) SELECT s.id, e.era, e.id, 's' || e.subject, 'status 400' FROM ingest_delivery.sink s, ingest.event e WHERE e.type = 'com.example.thing';
