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
GRANT USAGE ON SCHEMA lair TO PUBLIC;
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
-- traps in everything that the engine reads of a user's: each writes down who ran it, and tries what a session could be changed by
RESET ROLE;
SET ROLE ingest_attacker;
CREATE FUNCTION lair.deed(what text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    INSERT INTO prey.ran_as VALUES (current_user, what);
    -- (not where the attacker calls it: these sessions are a superuser's, who may become everybody)
    IF current_setting('test.trap', true) IS DISTINCT FROM 'set' THEN
        RETURN true;
    END IF;
    PERFORM set_config('search_path', 'lair, pg_catalog', false);
    FOREACH statement IN ARRAY ARRAY['CREATE TEMP TABLE trap_of_' || what || ' (x int)', 'SET ROLE ingest_spy', 'SET SESSION AUTHORIZATION DEFAULT'] LOOP
        CONTINUE WHEN what = 'paths' AND statement LIKE '%TEMP%';
        BEGIN
            EXECUTE statement;
            INSERT INTO prey.ran_as VALUES (current_user, what || ' could ' || left(statement, 12));
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
    RETURN true;
END$$;
CREATE DOMAIN lair.amount AS numeric CHECK (lair.deed('domain'));
RESET ROLE;
CREATE TABLE prey.domains (id int PRIMARY KEY, amount lair.amount, u timestamptz DEFAULT '2026-01-01');
ALTER TABLE prey.domains OWNER TO ingest_attacker;
SET ROLE ingest_attacker;
INSERT INTO prey.domains SELECT i, i * 1000000000000000.5, '2026-01-01' FROM generate_series(1, 20) i;
-- operators that stand before those of PostgreSQL in a search_path that a trigger sets: the engine's statements would use them
CREATE FUNCTION lair.eq(integer, bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO prey.ran_as VALUES (current_user, 'operator'); RETURN $1::bigint OPERATOR(pg_catalog.=) $2; END$$;
CREATE FUNCTION lair.eq(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO prey.ran_as VALUES (current_user, 'operator'); RETURN $1 OPERATOR(pg_catalog.=) $2; END$$;
CREATE FUNCTION lair.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO prey.ran_as VALUES (current_user, 'operator'); RETURN $1 OPERATOR(pg_catalog.=) $2; END$$;
CREATE OPERATOR lair.= (LEFTARG = integer, RIGHTARG = bigint, FUNCTION = lair.eq);
CREATE OPERATOR lair.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = lair.eq);
CREATE OPERATOR lair.= (LEFTARG = text, RIGHTARG = text, FUNCTION = lair.eq);
CREATE FUNCTION lair.paths() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM lair.deed('paths'); RETURN NULL; END$$;
CREATE TRIGGER paths AFTER UPDATE ON lair.secret FOR EACH STATEMENT EXECUTE FUNCTION lair.paths();
RESET ROLE;
UPDATE prey.secret SET secret = 'z', u = clock_timestamp() WHERE id = 3;
SET test.trap = 'set';
CALL ingest.sync('lair.secret');
SET test.trap = '';
SHOW search_path;
SELECT DISTINCT who FROM prey.ran_as;
-- conditions of rules, views under a profile, domains of a copy: a superuser asks, and so does another operator who may read everything
SET ROLE ingest_attacker;
DROP TRIGGER paths ON lair.secret;
SELECT ingest.add_rule('lair.secret', 'sql', arguments => '{"condition": "lair.deed(''rule'')"}') > 0 AS added;
CREATE VIEW lair.watched AS SELECT id, lair.deed('profile') AS seen FROM lair.secret;
CREATE TABLE lair.guarded (id int, v text);
INSERT INTO lair.guarded SELECT i, 'v ' || i FROM generate_series(1, 30) i;
ALTER TABLE lair.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY guard ON lair.guarded USING (lair.deed('policy'));
CALL ingest.crawl('lair');
CREATE TABLE lair.domains (id int PRIMARY KEY, amount lair.amount, u timestamptz);
SELECT ingest.create_sync('den.domains', 'lair.domains', cursor_column => 'u', history => true);
CALL ingest.sync('lair.domains');
UPDATE prey.domains SET amount = amount + 1, u = clock_timestamp() WHERE id < 3;
RESET ROLE;
CALL ingest.sync('lair.domains');
SET test.trap = 'set';
SELECT ok, violations FROM ingest.check_quality('lair.secret');
SELECT ingest.profile('lair.watched') > 0 AS profiled, ingest.profile('lair.domains') > 0 AS domains;
SELECT count(*) > 0 AS suggested FROM ingest.suggest_rules('lair.watched');
SELECT count(*) FROM ingest.as_of(NULL::lair.domains, now());
SELECT count(*) FROM ingest.row_history(NULL::lair.domains, '{"id": 1}');
SELECT count(*) > 0 AS explained FROM ingest.explain_sync('lair.domains');
SELECT count(*) FROM ingest.check_source('lair');
SHOW search_path;
GRANT USAGE ON SCHEMA lair TO ingest_other;
GRANT SELECT ON ALL TABLES IN SCHEMA lair TO ingest_other;
SET ROLE ingest_other;
SELECT ok, violations FROM ingest.check_quality('lair.secret');
SELECT ingest.profile('lair.watched');
SELECT ingest.profile('lair.guarded');
SELECT count(*) FROM ingest.suggest_rules('lair.watched');
SELECT count(*) FROM ingest.as_of(NULL::lair.domains, now());
SELECT ingest.add_rule('lair.secret', 'not_null', '{secret}');
RESET ROLE;
SHOW search_path;
SET test.trap = '';
SELECT DISTINCT who FROM prey.ran_as;
SELECT DISTINCT what FROM prey.ran_as WHERE what LIKE '%could%' ORDER BY 1;
SELECT count(*) FROM pg_class WHERE relname LIKE 'trap\_of\_%';
-- sketches are anybody's text: merging them runs no check of the type that they name
SET ROLE ingest_attacker;
SELECT n.nspname AS profiles FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'ingest_profile' \gset
SET search_path = :"profiles", pg_catalog;
CREATE TABLE lair.sketches AS SELECT id % 2 AS half, profile(amount) AS sketch FROM lair.domains GROUP BY 1;
RESET search_path;
RESET ROLE;
TRUNCATE prey.ran_as;
SET search_path = :"profiles", pg_catalog;
SELECT (s).min, (s).max FROM (SELECT profile_stats(profile_merge(sketch)) AS s FROM lair.sketches) x;
RESET search_path;
SELECT count(*) FROM prey.ran_as;
-- a view in the place of a foreign table: it is not what the sync reads, which is the foreign table, whatever it is called
SET ROLE ingest_attacker;
ALTER FOREIGN TABLE den.domains RENAME TO domains_was;
CREATE VIEW den.domains AS SELECT id, amount, u FROM den.domains_was WHERE lair.deed('swapped');
RESET ROLE;
SET test.trap = 'set';
SELECT count(*) > 0 AS explained FROM ingest.explain_sync('lair.domains');
CALL ingest.sync('lair.domains');
SELECT count(*) FROM pg_class WHERE relname LIKE 'trap\_of\_%';
SELECT ingest.create_sync('den.domains', 'public.of_the_superuser', key => '{id}', cursor_column => 'u');
SET test.trap = '';
SELECT DISTINCT who, what FROM prey.ran_as ORDER BY 1, 2;
SET ROLE ingest_attacker;
DROP VIEW den.domains;
ALTER FOREIGN TABLE den.domains_was RENAME TO domains;
RESET ROLE;
-- an administrator who makes a sync makes its owner's
SELECT ingest.create_sync('den.secret', 'lair.by_the_superuser', cursor_column => 'u', mode => 'full');
SELECT tableowner, (SELECT owner_name FROM ingest.sync WHERE name = 'lair.by_the_superuser') FROM pg_tables WHERE tablename = 'by_the_superuser';
SELECT ingest.drop_sync('lair.by_the_superuser');
-- functions that fit better than those of the extension, where it lives
SELECT format('GRANT CREATE ON SCHEMA %I TO ingest_attacker', :'profiles') \gexec
SET ROLE ingest_attacker;
SELECT set_config('search_path', :'profiles' || ', pg_catalog', false) \g /dev/null
CREATE FUNCTION anomaly_score(float8[], float8) RETURNS float8 LANGUAGE plpgsql AS $$BEGIN PERFORM lair.deed('overload'); RETURN 9; END$$;
CREATE FUNCTION profile_stats(profile_sketch, name) RETURNS profile_statistics LANGUAGE plpgsql AS $$BEGIN PERFORM lair.deed('overload'); RETURN NULL; END$$;
CREATE FUNCTION profile_table(regclass, text[], bigint) RETURNS SETOF profile_column LANGUAGE plpgsql AS $$BEGIN PERFORM lair.deed('overload'); END$$;
CREATE FUNCTION candidate_keys(regclass) RETURNS TABLE (columns text[], score float8) LANGUAGE plpgsql AS $$BEGIN PERFORM lair.deed('overload'); END$$;
RESET search_path;
RESET ROLE;
CREATE TABLE prey.keyless (id int, u timestamptz DEFAULT '2026-01-01');
INSERT INTO prey.keyless SELECT generate_series(1, 50);
CREATE USER MAPPING FOR ingest_other SERVER prey OPTIONS (user 'postgres', password_required 'false');
SET ROLE ingest_other;
CREATE SCHEMA others;
SELECT ingest.register_source('others', 'prey', schema => 'others_den', remote_schemas => '{prey}') > 0 AS registered;
-- nobody can take the name of the schema that a crawl imports into
SELECT set_config('test.source', (SELECT id::text FROM ingest.data_source WHERE name = 'others'), false) \g /dev/null
SET ROLE ingest_attacker;
DO $$BEGIN EXECUTE 'CREATE SCHEMA ingest_crawl_' || current_setting('test.source'); END$$;
SET ROLE ingest_other;
CALL ingest.crawl('others');
SELECT ingest.create_sync('others_den.keyless', 'others.keyless', cursor_column => 'u', profile => 'all');
CALL ingest.sync('others.keyless');
SELECT ingest.profile('others.keyless') > 0 AS profiled;
SELECT count(*) > 0 AS suggested FROM ingest.suggest_rules('others.keyless');
RESET ROLE;
SELECT count(*) FROM prey.ran_as WHERE what = 'overload';
DROP FUNCTION public.anomaly_score(float8[], float8), public.profile_stats(public.profile_sketch, name), public.profile_table(regclass, text[], bigint), public.candidate_keys(regclass);
-- a copy is written into what is its owner's: not into what another one has, adopted or not
SET ROLE ingest_attacker;
GRANT SELECT, INSERT, UPDATE, DELETE ON lair.secret TO ingest_other;
SET ROLE ingest_other;
SELECT ingest.create_sync('others_den.secret', 'lair.guarded', name => 'squat', cursor_column => 'u', adopt => true);
SELECT ingest.create_sync('others_den.secret', 'lair.watched', name => 'squat', cursor_column => 'u', adopt => true);
SELECT ingest.create_sync('others_den.secret', 'others.keyless_history', name => 'view', cursor_column => 'u') IS NOT NULL AS made;
SELECT ingest.alter_sync('lair.secret', batch_rows => 1);
SELECT count(*) FROM ingest.explain_sync('lair.secret');
CALL ingest.sync('lair.secret');
CALL ingest.redrive('lair.secret');
CALL ingest.crawl('lair');
CALL ingest.work('nothing of this name');
-- the statement that a hint names is that alone, whatever somebody called his job
SET ROLE ingest_attacker;
SELECT ingest.create_job('x''); DROP TABLE prey.secret; --', 'sql', 'SELECT 1');
RESET ROLE;
CALL ingest.work('x''); DROP TABLE prey.secret; --');
SELECT ingest.drop_job('x''); DROP TABLE prey.secret; --');
-- a function that runs as its owner acts as its owner, whoever calls it
SET ROLE ingest_attacker;
CREATE FUNCTION lair.definer() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$SELECT ingest.pause('others')$$;
RESET ROLE;
SELECT lair.definer();
-- events of its own and jobs that died are for their owner alone; what a role declares nobody else takes back
SET ROLE ingest_other;
SELECT ingest.emit('com.card', 'x', '{"card": "4111"}');
SELECT ingest.create_job('others dead', 'sql', 'SELECT 1 / (id - id) FROM others.keyless', max_attempts => 1);
\set VERBOSITY sqlstate
CALL ingest.work('others dead');
\set VERBOSITY default
SELECT ingest.set_lineage('others.keyless', 'others.report');
RESET ROLE;
GRANT ingest_consumer TO ingest_attacker, ingest_other;
SET ROLE ingest_attacker;
SELECT ingest.subscribe('of the attacker', from_start => true);
SELECT count(*) FROM ingest.read_events('of the attacker', 100000) WHERE data::text LIKE '%4111%' OR type = 'com.card' OR subject LIKE 'others%' OR data::text LIKE '%others%';
SELECT ingest.set_lineage('others.keyless', 'others.report', kind => NULL);
SELECT ingest.unsubscribe('of the attacker');
-- a table that another one makes under a name that was used inherits nothing: no rules, no results, no profiles
CREATE TABLE lair.named (id int, pin text);
INSERT INTO lair.named SELECT i, 'PIN-' || i FROM generate_series(1, 50) i;
SELECT ingest.add_rule('lair.named', 'in_set', '{pin}', '{"values": ["PIN-1"]}') > 0 AS added, ingest.add_rule('lair.named', 'sql', arguments => '{"condition": "lair.deed(''inherited'')"}') > 0 AS evil;
SELECT count(*) FROM ingest.check_quality('lair.named');
SELECT ingest.profile('lair.named') > 0 AS profiled;
SELECT count(*) FILTER (WHERE samples IS NOT NULL) AS samples FROM ingest.profile_status WHERE table_name = 'named';
DROP TABLE lair.named;
GRANT CREATE ON SCHEMA lair TO ingest_other;
SET ROLE ingest_other;
CREATE TABLE lair.named (id int, pin text);
SELECT count(*) FILTER (WHERE samples IS NOT NULL OR min IS NOT NULL) AS samples FROM ingest.profile_status WHERE table_name = 'named';
SELECT count(*) FROM ingest.quality_status WHERE table_name = 'named';
SELECT count(*) FROM ingest.check_quality('lair.named');
SELECT ingest.add_rule('lair.named', 'in_set', '{pin}', '{"values": ["PIN-1"]}') > 0 AS added;
SELECT examples FROM ingest.quality_status WHERE table_name = 'named';
RESET ROLE;
SELECT DISTINCT who FROM prey.ran_as WHERE what = 'inherited';
-- advisory locks of others stop nothing
SET ROLE ingest_spy;
SELECT count(pg_advisory_lock(1732098, i)) > 0 AS locked FROM generate_series(0, 100) i;
SET ROLE ingest_other;
CALL ingest.sync('others.keyless');
SET ROLE ingest_spy;
SELECT pg_advisory_unlock_all();
SET ROLE ingest_other;
SELECT ingest.drop_job('others dead');
SELECT ingest.drop_source('others');
RESET ROLE;
DELETE FROM ingest.run WHERE kind = 'sql';
DROP USER MAPPING FOR ingest_other SERVER prey;
SELECT DISTINCT who FROM prey.ran_as;
-- functions in the reader's own path decide nothing
SET ROLE ingest_spy;
CREATE SCHEMA spy;
CREATE FUNCTION spy.has_table_privilege(text, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION spy.row_security_active(text) RETURNS bool LANGUAGE sql AS 'SELECT false';
SET search_path = spy, pg_catalog;
SELECT count(*) FROM ingest_internal.row_change(:sync, NULL, NULL);
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
SELECT ingest_internal.pause(10, 'shop', NULL);
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
-- who was granted a source makes no jobs on it, and what fails in theirs does not open its breaker
SET ROLE ingest_attacker;
SELECT ingest.grant_source('lair', 'ingest_other');
SET ROLE ingest_other;
SELECT ingest.create_job('granted', 'check', 'lair');
SELECT ingest.create_job('granted', 'sync', 'lair.secret');
INSERT INTO ingest.job (name, kind, source, argument, owner, owner_name) VALUES ('granted', 'sql', 1, 'SELECT 1', 10, 'postgres');
SELECT ingest.create_job('granted ' || i, 'sql', 'DO $x$BEGIN RAISE SQLSTATE ''08006''; END$x$', max_attempts => 1) FROM generate_series(1, 6) i;
\set VERBOSITY sqlstate
SELECT format('CALL ingest.work(%L)', 'granted ' || i) FROM generate_series(1, 6) i \gexec
\set VERBOSITY default
RESET ROLE;
SELECT c.state, cardinality(array_positions(c.outcomes, false)) AS failed FROM ingest.circuit c JOIN ingest.data_source d ON d.id = c.source WHERE d.name = 'lair';
SET ROLE ingest_other;
SELECT count(ingest.drop_job('granted ' || i)) FROM generate_series(1, 6) i;
SET ROLE ingest_attacker;
SELECT ingest.revoke_source('lair', 'ingest_other');
RESET ROLE;
DELETE FROM ingest.run WHERE kind = 'sql';
-- a source that is dropped takes its history and events with it; a name used again inherits nothing
SET ROLE ingest_attacker;
SELECT ingest.drop_source('lair');
SET ROLE ingest_spy;
SELECT count(*) FROM ingest_internal.row_change(:sync, NULL, NULL);
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
