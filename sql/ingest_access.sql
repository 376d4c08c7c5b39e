-- Who sees and does what: owners, roles with a grant, others
SET client_min_messages = warning;
CREATE ROLE ingest_owner_role LOGIN;
CREATE ROLE ingest_reader_role LOGIN;
CREATE ROLE ingest_stranger LOGIN;
GRANT ingest_operator TO ingest_owner_role;
GRANT ingest_reader TO ingest_reader_role;
GRANT ingest_reader TO ingest_stranger;
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS socket, current_database() AS db \gset
CREATE SCHEMA origin;
CREATE TABLE origin.people (id bigint PRIMARY KEY, name text, salary numeric, changed timestamptz DEFAULT '2026-01-01');
INSERT INTO origin.people SELECT i, 'person ' || i, i * 1000, '2026-01-01' FROM generate_series(1, 40) i;
CREATE SERVER mine FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'socket', port :'port', dbname :'db');
GRANT USAGE ON FOREIGN SERVER mine TO ingest_owner_role;
GRANT CREATE ON DATABASE :"db" TO ingest_owner_role;
CREATE USER MAPPING FOR ingest_owner_role SERVER mine OPTIONS (user 'postgres', password_required 'false');
\set ECHO all
SET ROLE ingest_owner_role;
SELECT ingest.register_source('mine', 'mine', schema => 'mine', remote_schemas => '{origin}') > 0 AS registered;
CALL ingest.crawl('mine');
CREATE SCHEMA copies;
SELECT ingest.create_sync('mine.people', 'copies.people', key => '{id}', cursor_column => 'changed', history => true, profile => 'all');
CALL ingest.sync('copies.people');
SELECT count(*) FROM copies.people;
SELECT sync, rows, last_state FROM ingest.table_status;
SELECT count(*) FROM ingest.change;
SELECT source FROM ingest.source_status ORDER BY 1;
-- not a source of others
CALL ingest.crawl('ns');
SELECT ingest.pause('ns');
SELECT state FROM ingest.data_source WHERE name = 'ns';
SELECT ingest.register_source('theirs', 'ns');
-- nor somebody else's rights
UPDATE ingest.job SET owner = 10;
INSERT INTO ingest.job (name, kind, argument, owner) VALUES ('up', 'sql', 'ALTER ROLE ingest_owner_role SUPERUSER', 10);
UPDATE ingest.sync SET owner = 10;
INSERT INTO ingest.event (era, xid, type, source, time, data) VALUES (1, '1', 'ingest.run.failed', 'x', now(), '{}');
SELECT ingest.emit('ingest.run.failed', 'x', '{}');
SELECT ingest_internal.announce('ingest.run.failed', 'ns', 'x', '{}');
\set VERBOSITY sqlstate
GRANT ingest_admin TO ingest_owner_role;
\set VERBOSITY default
SELECT ingest.set_owner('ns', 'ingest_owner_role');
SELECT ingest_internal.prune('0', '0');
-- a role that was granted the source sees it, but no values of columns that it may not read
SELECT ingest.grant_source('mine', 'ingest_reader_role');
GRANT USAGE ON SCHEMA mine, copies TO ingest_reader_role;
GRANT SELECT (id, name, changed) ON mine.people TO ingest_reader_role;
GRANT SELECT (id, name, changed) ON copies.people TO ingest_reader_role;
SET ROLE ingest_reader_role;
SELECT source FROM ingest.source_status;
SELECT column_name, type, sample_values IS NULL AS hidden FROM ingest.column_status ORDER BY position;
SELECT column_name, null_share, min IS NULL AS min_hidden, max IS NULL AS max_hidden, samples IS NULL AS samples_hidden, sketch IS NULL AS sketch_hidden FROM ingest.profile_status WHERE table_name = 'people' ORDER BY 1;
SELECT sample_values FROM ingest.source_column LIMIT 1;
SELECT sketch FROM ingest.profile_stats LIMIT 1;
SELECT count(*) FROM ingest.change;
SELECT * FROM ingest_internal.row_change((SELECT id FROM ingest.sync WHERE name = 'copies.people')) LIMIT 1;
SELECT count(*) FROM ingest.row_history(NULL::copies.people, '{"id": 1}');
SELECT count(*) FROM ingest.as_of(NULL::copies.people, now());
CALL ingest.sync('copies.people');
SELECT ingest.pause('mine');
-- nor rows that a policy hides
RESET ROLE;
SET ROLE ingest_owner_role;
GRANT SELECT ON copies.people TO ingest_reader_role;
ALTER TABLE copies.people ENABLE ROW LEVEL SECURITY;
SELECT count(*) > 0 AS seen FROM ingest.row_history(NULL::copies.people, '{"id": 1}');
SET ROLE ingest_reader_role;
SELECT count(*) FROM ingest.row_history(NULL::copies.people, '{"id": 1}');
SET ROLE ingest_owner_role;
ALTER TABLE copies.people DISABLE ROW LEVEL SECURITY;
SET ROLE ingest_reader_role;
SELECT count(*) > 0 AS seen FROM ingest.row_history(NULL::copies.people, '{"id": 1}');
SET ROLE ingest_owner_role;
REVOKE SELECT ON copies.people FROM ingest_reader_role;
GRANT SELECT (id, name, changed) ON copies.people TO ingest_reader_role;
-- strangers see nothing
SET ROLE ingest_stranger;
SELECT (SELECT count(*) FROM ingest.source_status), (SELECT count(*) FROM ingest.table_status), (SELECT count(*) FROM ingest.run_status), (SELECT count(*) FROM ingest.column_status), (SELECT count(*) FROM ingest.profile_status);
RESET ROLE;
-- whom a role acts for is remembered in a transaction, until roles change in it or a change is taken back
BEGIN;
SET LOCAL ROLE ingest_stranger;
SELECT ingest_internal.acts_for('ingest_owner_role'::regrole) AS acts, count(*) > 0 AS sees FROM ingest.run_status;
RESET ROLE;
SAVEPOINT before;
GRANT ingest_owner_role TO ingest_stranger;
SET LOCAL ROLE ingest_stranger;
SELECT ingest_internal.acts_for('ingest_owner_role'::regrole) AS acts, count(*) > 0 AS sees FROM ingest.run_status;
ROLLBACK TO before;
SET LOCAL ROLE ingest_stranger;
SELECT ingest_internal.acts_for('ingest_owner_role'::regrole) AS acts, count(*) > 0 AS sees FROM ingest.run_status;
ROLLBACK;
-- a privilege that goes midway: the run says so and the copy stays
REVOKE USAGE ON FOREIGN SERVER mine FROM ingest_owner_role;
DROP USER MAPPING FOR ingest_owner_role SERVER mine;
SET ROLE ingest_owner_role;
\set VERBOSITY sqlstate
CALL ingest.sync('copies.people');
\set VERBOSITY default
SELECT state, error_class FROM ingest.run WHERE sync = (SELECT id FROM ingest.sync WHERE name = 'copies.people') ORDER BY id DESC LIMIT 1;
SELECT count(*) FROM copies.people;
RESET ROLE;
