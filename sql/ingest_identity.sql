-- What things are, not what they are called: renamed, dropped, made again by somebody else under the same name
SET client_min_messages = warning;
CREATE ROLE identity_a LOGIN;
CREATE ROLE identity_b LOGIN;
GRANT ingest_operator TO identity_a, identity_b;
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS socket, current_database() AS db \gset
GRANT CREATE ON DATABASE :"db" TO identity_a;
CREATE SCHEMA vault;
CREATE TABLE vault.card (id int PRIMARY KEY, pin text, u timestamptz DEFAULT '2026-01-01');
INSERT INTO vault.card SELECT i, 'PIN-' || i % 7 FROM generate_series(1, 40) i;
CREATE SERVER origin FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'socket', port :'port', dbname :'db');
GRANT USAGE ON FOREIGN SERVER origin TO identity_a, identity_b;
CREATE USER MAPPING FOR identity_a SERVER origin OPTIONS (user 'postgres', password_required 'false');
-- what other files asked for is in a schema of theirs
UPDATE ingest.connector SET clock_function = NULL WHERE wrapper = 'postgres_fdw';
-- everything that is kept of a copy, and how it is called
CREATE FUNCTION public.kept(copy text) RETURNS TABLE (what text, "of" text, n bigint) LANGUAGE sql AS $$
    SELECT 'anomaly', concat_ws('.', schema_name, table_name, column_name), count(*) FROM ingest.anomaly WHERE table_name = $1 GROUP BY 2
    UNION ALL SELECT 'lineage', kind || ' into ' || concat_ws('.', to_schema, to_table, nullif(to_column, '')), count(*) FROM ingest.lineage_edge WHERE to_table = $1 GROUP BY 2
    UNION ALL SELECT 'profile', concat_ws('.', schema_name, table_name, column_name), count(*) FROM ingest.profile_stats WHERE table_name = $1 GROUP BY 2
    UNION ALL SELECT 'rule', concat_ws('.', schema_name, table_name, columns), count(*) FROM ingest.rule WHERE table_name = $1 GROUP BY 2
    UNION ALL SELECT 'sync', concat_ws('.', target_schema, target_table), count(*) FROM ingest.sync WHERE target_table = $1 GROUP BY 2
    ORDER BY 1, 2$$;
\set ECHO all
SET ROLE identity_a;
CREATE SCHEMA house;
GRANT USAGE, CREATE ON SCHEMA house TO identity_b;
SELECT ingest.register_source('origin', 'origin', schema => 'far', remote_schemas => '{vault}') > 0 AS registered;
CALL ingest.crawl('origin');
SELECT ingest.create_sync('far.card', 'house.card', cursor_column => 'u', history => true, profile => 'all');
CALL ingest.sync('house.card');
SELECT ingest.add_rule('house.card', 'in_set', '{pin}', '{"values": ["PIN-1"]}') > 0 AS added;
SELECT count(*) FROM ingest.check_quality('house.card');
SELECT ingest.set_lineage('house.card', 'house.report');
RESET ROLE;
INSERT INTO ingest.anomaly (source, schema_name, table_name, column_name, kind, summary, evidence) SELECT id, 'house', 'card', 'pin', 'distribution', 'PIN-4711', '{"new": "PIN-4711"}' FROM ingest.data_source WHERE name = 'origin';
SELECT * FROM kept('card');
-- renamed: table, column, schema; moved to another schema
SET ROLE identity_a;
DROP VIEW house.card_history;
ALTER TABLE house.card RENAME TO account;
ALTER TABLE house.account RENAME COLUMN pin TO code;
CREATE SCHEMA attic;
ALTER TABLE house.account SET SCHEMA attic;
ALTER SCHEMA attic RENAME TO cellar;
RESET ROLE;
SELECT * FROM kept('card');
SELECT * FROM kept('account');
SELECT from_schema, from_table, kind FROM ingest.lineage_edge WHERE to_table = 'report';
-- what is called so now inherits nothing, and takes nothing away
SET ROLE identity_b;
CREATE TABLE house.card (id int PRIMARY KEY, pin text, u timestamptz);
SELECT count(*) FROM ingest.quality_status WHERE (schema_name, table_name) = ('house', 'card');
SELECT count(*) FROM ingest.profile_status WHERE table_name = 'card';
SELECT ingest.add_rule('house.card', 'in_set', '{pin}', '{"values": ["PIN-1"]}') > 0 AS added;
SELECT count(*) FROM ingest.as_of(NULL::house.card, now());
RESET ROLE;
SET ROLE identity_a;
GRANT USAGE ON SCHEMA cellar TO identity_b;
ALTER TABLE cellar.account RENAME COLUMN code TO pin;
CALL ingest.sync('house.card');
SELECT violations, rows FROM ingest.check_quality('cellar.account');
SELECT count(*) FROM ingest.as_of(NULL::cellar.account, now());
SELECT schema_name, table_name, columns, rows FROM ingest.quality_status WHERE (schema_name, table_name) = ('cellar', 'account');
SELECT column_name, min IS NOT NULL AS values FROM ingest.profile_status WHERE table_name = 'account' AND column_name = 'pin' ORDER BY run;
SELECT target FROM ingest.table_status WHERE sync = 'house.card';
RESET ROLE;
SELECT count(*) FROM house.card;
-- a column of another number is another one, whatever it is called
SET ROLE identity_a;
SELECT count(samples) > 0 AS samples FROM ingest.profile_status WHERE schema_name = 'cellar' AND column_name = 'pin';
ALTER TABLE cellar.account RENAME COLUMN pin TO old;
ALTER TABLE cellar.account ADD COLUMN pin text;
SELECT DISTINCT column_name FROM ingest.profile_status WHERE schema_name = 'cellar' ORDER BY 1;
ALTER TABLE cellar.account DROP COLUMN pin;
ALTER TABLE cellar.account RENAME COLUMN old TO pin;
-- a foreign table that is renamed is still the source's table, for crawls and syncs; another relation in its place is not
ALTER FOREIGN TABLE far.card RENAME TO paper;
CREATE VIEW far.card AS SELECT 1 AS id, 'forged'::text AS pin, now() AS u;
CALL ingest.crawl('origin');
CALL ingest.sync('house.card');
RESET ROLE;
SELECT local_name, relation = 'far.paper'::regclass AS same FROM ingest.source_table WHERE name = 'card' AND source = (SELECT id FROM ingest.data_source WHERE name = 'origin');
SELECT count(*) FROM cellar.account WHERE pin = 'forged';
SET ROLE identity_a;
DROP VIEW far.card;
ALTER FOREIGN TABLE far.paper RENAME COLUMN u TO stamp;
ALTER FOREIGN TABLE far.paper RENAME COLUMN stamp TO u;
-- schema and server of a source
ALTER SCHEMA far RENAME TO near;
RESET ROLE;
ALTER SERVER origin RENAME TO origins;
SELECT server, local_schema FROM ingest.data_source WHERE name = 'origin';
SELECT local_schema, local_name FROM ingest.source_table WHERE name = 'card' AND local_schema = 'near';
SET ROLE identity_a;
CALL ingest.crawl('origin');
CALL ingest.sync('house.card');
-- dropped in a transaction that fails: nothing is lost
BEGIN;
DROP TABLE cellar.account;
SELECT count(*) FROM ingest.rule WHERE table_name = 'account';
ROLLBACK;
SELECT count(*) FROM ingest.rule WHERE table_name = 'account';
-- dropped, and made again by another role, who sees nothing of it
GRANT CREATE ON SCHEMA cellar TO identity_b;
SELECT id AS sync FROM ingest.sync WHERE name = 'house.card' \gset
DROP TABLE cellar.account;
SET ROLE identity_b;
CREATE TABLE cellar.account (id int PRIMARY KEY, pin text, u timestamptz);
SELECT count(*) FROM ingest.quality_status WHERE (schema_name, table_name) = ('cellar', 'account');
SELECT count(*) FROM ingest.profile_status WHERE table_name = 'account';
SELECT count(*) FROM ingest.anomaly_status WHERE (schema_name, table_name) = ('cellar', 'account');
SELECT count(*) FROM ingest.lineage('cellar.account');
\set VERBOSITY sqlstate
SELECT count(*) FROM ingest_internal.row_change(:sync);
SELECT count(*) FROM ingest.as_of(NULL::cellar.account, now());
\set VERBOSITY default
SELECT count(*) FROM ingest.change;
SELECT count(*) FROM ingest.check_quality('cellar.account');
-- its old owner keeps the history and the anomaly, and hears why the sync stands still
SET ROLE identity_a;
SELECT count(*) > 0 AS history FROM ingest.change WHERE sync = :sync;
SELECT summary FROM ingest.anomaly_status WHERE source = 'origin' AND kind = 'distribution';
SELECT state, state_reason FROM ingest.table_status WHERE sync = 'house.card';
\set VERBOSITY terse
CALL ingest.sync('house.card');
\set VERBOSITY default
RESET ROLE;
SELECT count(*) FROM cellar.account;
SELECT * FROM kept('account');
-- and a grantee who may read what stands there now sees no values
CREATE ROLE identity_r LOGIN;
GRANT ingest_reader TO identity_r;
GRANT USAGE ON SCHEMA cellar TO identity_r;
GRANT SELECT ON cellar.account TO identity_r;
SET ROLE identity_a;
SELECT ingest.grant_source('origin', 'identity_r');
SET ROLE identity_r;
SELECT summary, evidence FROM ingest.anomaly_status WHERE source = 'origin' AND kind = 'distribution';
\set VERBOSITY sqlstate
SELECT count(*) FROM ingest_internal.row_change(:sync);
\set VERBOSITY default
SELECT state_reason FROM ingest.table_status WHERE sync = 'house.card';
-- a schema that is dropped, with what is in it
SET ROLE identity_a;
SELECT ingest.drop_sync('house.card');
CREATE SCHEMA shed;
SELECT ingest.create_sync('near.paper', 'shed.card', cursor_column => 'u');
CALL ingest.sync('shed.card');
SELECT ingest.add_rule('shed.card', 'not_null', '{pin}') > 0 AS added;
DROP SCHEMA shed CASCADE;
SELECT state, state_reason FROM ingest.table_status WHERE sync = 'shed.card';
SELECT count(*) FROM ingest.rule WHERE schema_name = 'shed';
SELECT ingest.drop_sync('shed.card');
-- a rule goes with its column
CREATE TABLE house.mine (id int, pin text);
SELECT ingest.add_rule('house.mine', 'not_null', '{pin}') > 0 AS pin, ingest.add_rule('house.mine', 'not_null', '{id}') > 0 AS id;
ALTER TABLE house.mine DROP COLUMN pin;
SELECT columns FROM ingest.rule WHERE table_name = 'mine';
RESET ROLE;
-- what event triggers missed is found within the hour
SET ROLE identity_a;
ALTER TABLE house.mine RENAME TO yours;
RESET ROLE;
ALTER EVENT TRIGGER ingest_on_alter DISABLE;
ALTER EVENT TRIGGER ingest_on_drop DISABLE;
ALTER TABLE house.yours RENAME TO theirs;
ALTER EVENT TRIGGER ingest_on_alter ENABLE;
ALTER EVENT TRIGGER ingest_on_drop ENABLE;
SELECT table_name FROM ingest.rule WHERE schema_name = 'house' AND owner_name = 'identity_a';
SELECT ingest_internal.follow_all();
SELECT table_name FROM ingest.rule WHERE schema_name = 'house' AND owner_name = 'identity_a';
-- also what was seen again under its new name before
ALTER EVENT TRIGGER ingest_on_alter DISABLE;
SELECT t.relation::regclass AS was FROM ingest.source_table t JOIN ingest.data_source d ON d.id = t.source WHERE d.name = 'origin' AND t.relation <> 0 ORDER BY t.id LIMIT 1 \gset
ALTER FOREIGN TABLE :was RENAME TO elsewhere;
SET ROLE identity_a;
CALL ingest.crawl('origin');
RESET ROLE;
ALTER EVENT TRIGGER ingest_on_alter ENABLE;
SELECT ingest_internal.follow_all();
SELECT to_column, count(*) FROM ingest.lineage_edge WHERE to_table = 'elsewhere' AND kind = 'import' GROUP BY to_column ORDER BY to_column;
-- a name that is used again has none of the rules that were its namesake's, nor does one more rule bring them back
ALTER EVENT TRIGGER ingest_on_drop DISABLE;
SET ROLE identity_a;
CREATE TABLE house.twice (id int, pin text);
SELECT ingest.add_rule('house.twice', 'not_null', '{id}') > 0 AS id, ingest.add_rule('house.twice', 'not_null', '{pin}') > 0 AS pin;
DROP TABLE house.twice;
CREATE TABLE house.twice (id int, pin text);
SELECT columns FROM ingest.check_quality('house.twice');
SELECT ingest.add_rule('house.twice', 'not_null', '{id}') > 0 AS id;
SELECT columns FROM ingest.check_quality('house.twice');
RESET ROLE;
ALTER EVENT TRIGGER ingest_on_drop ENABLE;
DROP TABLE house.twice;
-- whatever goes wrong is a warning
SET client_min_messages = warning;
ALTER TABLE ingest.rule ADD CONSTRAINT never CHECK (table_name <> 'never') NOT VALID;
ALTER TABLE house.theirs RENAME TO never;
ALTER TABLE ingest.rule DROP CONSTRAINT never;
ALTER TABLE house.never RENAME TO again;
SELECT table_name FROM ingest.rule WHERE schema_name = 'house' AND owner_name = 'identity_a';
-- a role that is dropped: what it had is nobody's, and a new one of its name has none of it
SET ROLE identity_a;
SELECT ingest.drop_source('origin');
RESET ROLE;
DROP SCHEMA house, cellar CASCADE;
DROP OWNED BY identity_a;
DROP ROLE identity_a;
CREATE ROLE identity_a LOGIN;
GRANT ingest_operator TO identity_a;
SET ROLE identity_a;
SELECT (SELECT count(*) FROM ingest.rule) AS rules, (SELECT count(*) FROM ingest.run) AS runs, (SELECT count(*) FROM ingest.source_status) AS sources, (SELECT count(*) FROM ingest.event) AS events;
RESET ROLE;
DROP FUNCTION public.kept(text);
DROP SERVER origins CASCADE;
DROP SCHEMA vault CASCADE;
DROP ROLE identity_a, identity_b, identity_r;
