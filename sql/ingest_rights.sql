-- Two roles that attack: what they make is never run as anybody but themselves, what they may not see they do not see
SET client_min_messages = warning;
CREATE ROLE ingest_attacker LOGIN;
CREATE ROLE ingest_other LOGIN;
CREATE ROLE ingest_spy LOGIN;
GRANT ingest_operator TO ingest_attacker, ingest_other;
GRANT ingest_reader TO ingest_spy;
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS socket, current_database() AS db \gset
GRANT CREATE ON DATABASE :"db" TO ingest_attacker, ingest_other, ingest_spy;
CREATE SCHEMA prey;
CREATE TYPE prey.kind AS ENUM ('a', 'b');
ALTER TYPE prey.kind OWNER TO ingest_attacker;
GRANT USAGE ON SCHEMA prey TO ingest_attacker;
CREATE TABLE prey.secret (id int PRIMARY KEY, secret text, u timestamptz DEFAULT '2026-01-01');
INSERT INTO prey.secret SELECT i, 'secret ' || i FROM generate_series(1, 20) i;
CREATE TABLE prey.kinds (k prey.kind PRIMARY KEY, v int, u timestamptz DEFAULT '2026-01-01');
INSERT INTO prey.kinds VALUES ('a', 1), ('b', 2);
CREATE SERVER prey FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'socket', port :'port', dbname :'db');
GRANT USAGE ON FOREIGN SERVER prey TO ingest_attacker, ingest_other;
CREATE USER MAPPING FOR ingest_attacker SERVER prey OPTIONS (user 'postgres', password_required 'false');
CREATE USER MAPPING FOR CURRENT_USER SERVER prey OPTIONS (user 'postgres');
CREATE TABLE prey.ran_as (who text, what text);
GRANT INSERT ON prey.ran_as TO PUBLIC;
GRANT USAGE ON SCHEMA prey TO PUBLIC;
\set ECHO all
SET ROLE ingest_attacker;
CREATE SCHEMA lair;
SELECT ingest.register_source('lair', 'prey', schema => 'den', remote_schemas => '{prey}') > 0 AS registered;
CALL ingest.crawl('lair');
SELECT ingest.create_sync('den.secret', 'lair.secret', cursor_column => 'u', history => true);
CALL ingest.sync('lair.secret');
SELECT id AS sync FROM ingest.sync WHERE name = 'lair.secret' \gset
-- a cast of the key's type to json, which histories and rejected rows need
CREATE FUNCTION lair.to_json(prey.kind) RETURNS json LANGUAGE plpgsql AS $$BEGIN INSERT INTO prey.ran_as VALUES (current_user, 'cast'); RETURN to_json($1::text); END$$;
CREATE CAST (prey.kind AS json) WITH FUNCTION lair.to_json(prey.kind);
CREATE TABLE lair.kinds (k prey.kind PRIMARY KEY, v int CHECK (v <> 2), u timestamptz);
SELECT ingest.create_sync('den.kinds', 'lair.kinds', cursor_column => 'u', history => true);
CALL ingest.sync('lair.kinds');
RESET ROLE;
UPDATE prey.kinds SET v = v + 10, u = clock_timestamp();
SET ROLE ingest_attacker;
CALL ingest.sync('lair.kinds');
SELECT count(*) AS unresolved FROM ingest.rejected_row r JOIN ingest.sync s ON s.id = r.sync WHERE s.name = 'lair.kinds' AND resolved_at IS NULL;
-- a trigger that puts views in the place of the engine's temporary tables
CREATE FUNCTION lair.evil() RETURNS text LANGUAGE plpgsql AS $$BEGIN INSERT INTO prey.ran_as VALUES (current_user, 'view'); RETURN 'update'; END$$;
CREATE FUNCTION lair.trap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    t record;
BEGIN
    INSERT INTO prey.ran_as VALUES (current_user, 'trigger');
    FOR t IN SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r' AND relname LIKE 'ingest%' LOOP
        EXECUTE format('ALTER TABLE pg_temp.%I RENAME TO was_%s', t.relname, t.relname);
        EXECUTE format('CREATE TEMP VIEW %I AS SELECT *, lair.evil() AS operation FROM pg_temp.was_%s', t.relname, t.relname);
    END LOOP;
    RETURN NULL;
END$$;
CREATE TRIGGER trap AFTER UPDATE ON lair.secret FOR EACH STATEMENT EXECUTE FUNCTION lair.trap();
RESET ROLE;
UPDATE prey.secret SET secret = 'x', u = clock_timestamp() WHERE id = 1;
SET ROLE ingest_attacker;
\set VERBOSITY sqlstate
CALL ingest.sync('lair.secret');
\set VERBOSITY default
DROP TRIGGER trap ON lair.secret;
-- a superuser who calls lends no rights: the copy is written as its owner, deferred triggers too
CREATE FUNCTION lair.who() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO prey.ran_as VALUES (current_user, TG_NAME); RETURN NULL; END$$;
CREATE TRIGGER now AFTER UPDATE ON lair.secret FOR EACH ROW EXECUTE FUNCTION lair.who();
CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON lair.secret DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lair.who();
RESET ROLE;
UPDATE prey.secret SET secret = 'y', u = clock_timestamp() WHERE id = 2;
CALL ingest.sync('lair.secret');
SELECT DISTINCT who, what FROM prey.ran_as ORDER BY 1, 2;
-- functions in the reader's own path decide nothing
SET ROLE ingest_spy;
CREATE SCHEMA spy;
CREATE FUNCTION spy.has_table_privilege(text, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION spy.row_security_active(text) RETURNS bool LANGUAGE sql AS 'SELECT false';
SET search_path = spy, pg_catalog;
SELECT count(*) FROM ingest.row_change(:sync, NULL, NULL);
SELECT count(*) FROM ingest.change;
RESET search_path;
SELECT count(*) FROM ingest.audit;
-- nobody writes the repository but by its functions
SET ROLE ingest_attacker;
UPDATE ingest.job SET schedule = 'garbage';
DELETE FROM ingest.lineage_edge;
DELETE FROM ingest.audit;
INSERT INTO ingest.subscription (consumer, owner, owner_name, era, seen) VALUES ('x', 10, 'postgres', 1, '3:3:');
SELECT ingest_internal.prune(10, '0', '0');
SELECT ingest_internal.pause(10, 'shop');
SET ROLE ingest_other;
SELECT ingest.pause('lair');
SELECT ingest.drop_sync('lair.secret');
SELECT ingest.create_job('theirs', 'check', 'lair');
SELECT ingest.create_job('theirs', 'sync', 'lair.secret');
SELECT ingest.resolve_anomaly(1);
SELECT ingest.cancel(1);
RESET ROLE;
-- a grantee sees the source, not what rows hold
SET ROLE ingest_attacker;
SELECT ingest.grant_source('lair', 'ingest_spy');
SELECT ingest.grant_source('lair', 'ingest_spy');
SELECT ingest.grant_source('lair', 'nobody_of_this_name');
SET ROLE ingest_spy;
SELECT sync, state_reason IS NULL AND last_error IS NULL AS masked FROM ingest.table_status WHERE source = 'lair' ORDER BY 1;
SELECT bool_and(error IS NULL AND detail IS NULL) AS masked FROM ingest.run_status WHERE name LIKE 'lair.%' AND state = 'failed';
SELECT (SELECT count(*) FROM ingest.run) AS runs, (SELECT count(*) FROM ingest.rejected_row) AS rejected, (SELECT count(*) FROM ingest.anomaly) AS anomalies;
-- a source that is dropped takes its history and events with it; a name used again inherits nothing
SET ROLE ingest_attacker;
SELECT ingest.drop_source('lair');
SET ROLE ingest_spy;
SELECT count(*) FROM ingest.row_change(:sync, NULL, NULL);
RESET ROLE;
SELECT count(*) FROM ingest.change WHERE sync = :sync;
CREATE USER MAPPING FOR ingest_other SERVER prey OPTIONS (user 'postgres', password_required 'false');
GRANT ingest_consumer TO ingest_other;
SET ROLE ingest_other;
SELECT ingest.register_source('lair', 'prey', schema => 'den2', remote_schemas => '{prey}') > 0 AS registered;
SELECT ingest.subscribe('heir', from_start => true);
SELECT DISTINCT type FROM ingest.read_events('heir', 10000) ORDER BY 1;
SELECT ingest.unsubscribe('heir');
RESET ROLE;
-- a renamed role keeps what is its own, and its old name inherits nothing; a dropped one breaks nobody's view
SET ROLE ingest_other;
SELECT ingest.create_job('mine', 'sql', 'SELECT 1');
RESET ROLE;
ALTER ROLE ingest_other RENAME TO ingest_renamed;
CREATE ROLE ingest_other LOGIN;
GRANT ingest_operator TO ingest_other;
SET ROLE ingest_other;
SELECT count(*) FROM ingest.source_status WHERE source = 'lair';
SELECT ingest.drop_job('mine');
RESET ROLE;
SET ROLE ingest_renamed;
SELECT source, owner FROM ingest.source_status WHERE source = 'lair';
RESET ROLE;
DROP OWNED BY ingest_renamed;
DROP ROLE ingest_renamed;
SET ROLE ingest_spy;
SELECT count(*) FROM ingest.source_status;
SELECT count(*) FROM ingest.run_status WHERE name LIKE 'lair.%';
RESET ROLE;
SELECT source, owner FROM ingest.source_status WHERE source = 'lair';
GRANT ingest_admin TO ingest_other;
SET ROLE ingest_other;
SELECT ingest.set_owner('lair', 'ingest_other');
SELECT source, owner FROM ingest.source_status WHERE source = 'lair';
SELECT ingest.drop_source('lair');
SELECT DISTINCT role, function, object FROM ingest.audit WHERE object = 'lair' ORDER BY 1, 2;
RESET ROLE;
SELECT ingest.pause('nothing'), ingest.drop_source(NULL);
