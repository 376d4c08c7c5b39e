-- Sources are registered, checked and crawled; what changes is kept and told; nothing of the user's is dropped
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET search_path = public;
SET TimeZone = 'UTC';
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
\getenv url NS_URL
\getenv ca NS_CA
CREATE EXTENSION IF NOT EXISTS netsuite_fdw;
CREATE SERVER IF NOT EXISTS ns FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url :'url', ca_file :'ca');
\getenv state NS_STATE
\set key_file :state '/client_ec.pem'
CREATE USER MAPPING IF NOT EXISTS FOR CURRENT_USER SERVER ns OPTIONS (client_id 'sandbox-client-id', certificate_id 'sandbox-ec-certificate', private_key_file :'key_file');
CREATE EXTENSION ingest CASCADE;
-- every table, column, view and function says what it is
SELECT c.relname, a.attname FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind IN ('r', 'v', 'p') AND (obj_description(c.oid, 'pg_class') IS NULL OR col_description(c.oid, a.attnum) IS NULL);
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'ingest'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL;
-- nothing for PUBLIC
SELECT p.oid::regprocedure FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE p.pronamespace = 'ingest'::regnamespace AND a.grantee = 0;
SELECT has_schema_privilege('public', 'ingest', 'USAGE');
-- what connectors name is there
SELECT c.wrapper, f.what FROM ingest.connector c, jsonb_each_text(to_jsonb(c)) f(what, name), pg_foreign_data_wrapper w
  WHERE w.fdwname = c.wrapper AND f.what LIKE '%\_function' AND to_regproc(f.name) IS NOT NULL ORDER BY 1, 2;
-- NetSuite
SELECT ingest.register_source('ns', 'ns', schema => 'erp', tables => '{currency,term,customrecord_asset,transaction,transactionline}', description => 'the company') > 0 AS registered;
SELECT ingest.register_source('ns', 'ns');
SELECT ingest.register_source('no server', 'nowhere');
SELECT what, ok FROM ingest.check_source('ns');
SELECT source, last_check_ok, tables FROM ingest.source_status;
CALL ingest.crawl('ns');
SELECT name, kind, row_count > 0 AS counted, key, key_origin, cursor_column, parent, parent_column FROM ingest.source_table ORDER BY name;
SELECT count(*) > 100 AS columns, count(*) FILTER (WHERE custom) > 3 AS custom, count(*) FILTER (WHERE description IS NOT NULL) > 10 AS described FROM ingest.source_column;
SELECT count(*) FROM pg_class WHERE relnamespace = 'erp'::regnamespace AND relkind = 'f';
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'ingest_crawl%';
-- a view of the user's on a column that will go; a table of the user's in the way of one that will come
CREATE VIEW erp.names AS SELECT id, custrecord_asset_notes FROM erp.customrecord_asset;
CREATE TABLE erp.customer (mine text);
INSERT INTO erp.customer VALUES ('mine');
\! $CONTROL sql sql="ALTER TABLE ns.customrecord_asset RENAME COLUMN custrecord_asset_serial TO hidden_serial"
UPDATE ingest.data_source SET include = include || '{customer}' WHERE name = 'ns';
ALTER FOREIGN TABLE erp.term ALTER COLUMN daysuntilnetdue TYPE integer, DROP COLUMN discountpercent;
SET client_min_messages = error;
CALL ingest.crawl('ns');
SET client_min_messages = warning;
SELECT object_kind, object_name, change, before->>'type' AS before, after->>'type' AS after FROM ingest.metadata_change WHERE NOT (object_kind = 'table' AND change = 'added') ORDER BY id;
SELECT level, message FROM ingest.run_log ORDER BY id;
TABLE erp.customer;
SELECT count(*) FROM erp.names;
-- what is back is back
\! $CONTROL sql sql="ALTER TABLE ns.customrecord_asset RENAME COLUMN hidden_serial TO custrecord_asset_serial"
CALL ingest.crawl('ns', '{customrecord_asset}');
SELECT object_name, change FROM ingest.metadata_change ORDER BY id DESC LIMIT 1;
-- a crawl that finds nothing new says nothing
SELECT count(*) AS changes FROM ingest.metadata_change \gset
CALL ingest.crawl('ns', '{term,customrecord_asset,currency}');
SELECT count(*) - :changes AS more FROM ingest.metadata_change;
-- not in a transaction, not for nobody
BEGIN;
CALL ingest.crawl('ns');
ROLLBACK;
CALL ingest.crawl('nobody');
-- a second PostgreSQL, and files
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION file_fdw;
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS socket, current_database() AS db \gset
CREATE SCHEMA "Other One";
CREATE TABLE "Other One"."Order Lines" ("Order" bigint, "Line" integer, "What ""is"" it" text, changed timestamptz, PRIMARY KEY ("Order", "Line"));
INSERT INTO "Other One"."Order Lines" SELECT i / 3, i % 3, 'thing ' || i, timestamptz '2026-01-01' + i * interval '1 min' FROM generate_series(1, 90) i;
CREATE TABLE "Other One".facts (id bigint PRIMARY KEY, v numeric);
INSERT INTO "Other One".facts SELECT i, i * 1.5 FROM generate_series(1, 50) i;
CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'socket', port :'port', dbname :'db');
CREATE USER MAPPING FOR CURRENT_USER SERVER other OPTIONS (user 'postgres');
SELECT ingest.register_source('other', 'other', schema => 'Copies of other', remote_schemas => '{"Other One"}') > 0 AS registered;
SELECT * FROM ingest.check_source('other');
CALL ingest.crawl('other');
SELECT name, key, row_count FROM ingest.source_table WHERE source = (SELECT id FROM ingest.data_source WHERE name = 'other') ORDER BY 1;
SELECT current_setting('data_directory') || '/names.csv' AS file \gset
COPY (VALUES (1, 'one'), (2, 'two')) TO :'file' (FORMAT csv, HEADER);
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE SCHEMA csv;
CREATE FOREIGN TABLE csv.names (id integer, name text) SERVER files OPTIONS (filename :'file', format 'csv', header 'true');
SELECT ingest.register_source('files', 'files', schema => 'csv') > 0 AS registered;
SELECT * FROM ingest.check_source('files');
CALL ingest.crawl('files');
SELECT name, row_count FROM ingest.source_table WHERE local_schema = 'csv';
-- a source that cannot be reached: remembered, with the reason
CREATE SERVER dead FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nowhere', dbname 'x');
CREATE USER MAPPING FOR CURRENT_USER SERVER dead OPTIONS (user 'postgres', password 'not to be seen');
SELECT ingest.register_source('dead', 'dead') > 0 AS registered;
SELECT ok, detail LIKE '%could not connect%' AS why, detail LIKE '%not to be seen%' AS secret FROM ingest.check_source('dead');
CALL ingest.crawl('dead');
SELECT state, error_class, count(*) FROM ingest.run WHERE state = 'failed' GROUP BY 1, 2;
-- events of all that
SELECT type, count(*) FROM ingest.event WHERE type NOT LIKE '%.table.discovered' GROUP BY 1 ORDER BY 1;
-- data of events are as their schemas say
SELECT DISTINCT e.type, k FROM ingest.event e JOIN ingest.event_type t USING (type), jsonb_array_elements_text(t.schema->'required') k WHERE NOT e.data ? k;
-- the source names the cluster, by its system identifier where it has no name of its own
SELECT ingest.cloud_event(e) - 'time' - 'id' - 'source', replace(e.source, system_identifier::text, 'cluster') FROM ingest.event e, pg_control_system() WHERE type = 'ingest.source.registered' ORDER BY id LIMIT 1;
-- lineage: from the source through views, foreign keys and what one declares
CREATE SCHEMA mart;
CREATE VIEW mart.v AS WITH c AS (SELECT id AS cid, upper(name) AS label FROM erp.currency) SELECT t.name || c.label AS named, (SELECT max(x.id) FROM erp.term x) AS newest FROM c JOIN erp.term t ON t.id = c.cid
  UNION ALL SELECT symbol, 1 FROM erp.currency;
CREATE VIEW mart.w AS SELECT lower(named) AS low FROM mart.v;
CREATE TABLE mart.parent (id integer PRIMARY KEY);
CREATE TABLE mart.child (parent integer REFERENCES mart.parent);
SELECT * FROM ingest.lineage('mart.w.low', 'upstream');
SELECT * FROM ingest.lineage('erp.currency', 'downstream');
SELECT ingest.set_lineage('mart.w', 'mart.parent', kind => 'nightly script');
SELECT distance, from_object, to_object, kind FROM ingest.lineage('mart.parent') ORDER BY 1, 2, 3, 4;
SELECT ingest.lineage_graph('mart.w', format => 'dot');
SELECT ingest.lineage_graph('mart.w', 1);
SELECT ingest.lineage('mart.w', 'sideways');
