
-- Syncs

CREATE FUNCTION create_sync(source_table regclass, target text, mode text DEFAULT 'incremental', name text DEFAULT NULL,
    key name[] DEFAULT NULL, cursor_column name DEFAULT NULL, overlap interval DEFAULT '5 min', batch_rows integer DEFAULT 50000,
    deletions text DEFAULT 'hard', parent text DEFAULT NULL, parent_column name DEFAULT NULL,
    history boolean DEFAULT false, history_retention interval DEFAULT NULL, row_events boolean DEFAULT false,
    profile text DEFAULT 'none', reconcile_every interval DEFAULT '1 day', max_delete_share float8 DEFAULT 0.01,
    reject_limit float8 DEFAULT 0.01, partition_by text DEFAULT NULL, distribute_by name DEFAULT NULL, adopt boolean DEFAULT false) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_create_sync' LANGUAGE C;
COMMENT ON FUNCTION create_sync(regclass, text, text, text, name[], name, interval, integer, text, text, name, boolean, interval, boolean, text, interval, float8, float8, text, name, boolean)
    IS 'a copy of a source''s table: full, incremental or append; nothing is read yet';

CREATE PROCEDURE sync(name text)
    AS 'MODULE_PATHNAME', 'ingest_sync' LANGUAGE C;
COMMENT ON PROCEDURE sync(text) IS 'brings a copy up to date: the first load, or what changed since; in batches that are transactions';

CREATE PROCEDURE redrive(name text)
    AS 'MODULE_PATHNAME', 'ingest_redrive' LANGUAGE C;
COMMENT ON PROCEDURE redrive(text) IS 'reads and merges again the rows that were rejected';

CREATE FUNCTION ingest_internal.reload(actor oid, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.sync := ingest_internal.own_sync(actor, name);
BEGIN
    UPDATE ingest.sync_state z SET reload = true WHERE z.sync = s.id;
    PERFORM ingest_internal.audit(actor, 'reload', name);
END $$;
COMMENT ON FUNCTION ingest_internal.reload(oid, text) IS 'see ingest.reload';
CREATE FUNCTION reload(name text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION reload(text) IS 'the next run reads the whole table again and writes what differs; readers see the old rows until then';

CREATE FUNCTION ingest_internal.pause_sync(actor oid, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.sync := ingest_internal.own_sync(actor, name);
BEGIN
    IF s.state = 'paused' THEN
        RAISE NOTICE 'sync "%" is paused already', name;
        RETURN;
    END IF;
    UPDATE ingest.sync x SET state = 'paused', state_reason = 'paused by ' || pg_get_userbyid(actor) WHERE x.id = s.id;
    PERFORM ingest_internal.audit(actor, 'pause_sync', name, to_jsonb(s.state), '"paused"');
END $$;
COMMENT ON FUNCTION ingest_internal.pause_sync(oid, text) IS 'see ingest.pause_sync';
CREATE FUNCTION pause_sync(name text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION pause_sync(text) IS 'the sync is not run until resume_sync';

CREATE FUNCTION ingest_internal.resume_sync(actor oid, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.sync := ingest_internal.own_sync(actor, name);
BEGIN
    IF s.state = 'active' THEN
        RAISE NOTICE 'sync "%" is active already', name;
        RETURN;
    END IF;
    UPDATE ingest.sync x SET state = 'active', state_reason = NULL WHERE x.id = s.id;
    PERFORM ingest_internal.audit(actor, 'resume_sync', name, to_jsonb(s.state), '"active"');
END $$;
COMMENT ON FUNCTION ingest_internal.resume_sync(oid, text) IS 'see ingest.resume_sync';
CREATE FUNCTION resume_sync(name text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION resume_sync(text) IS 'the sync is run again, whether it was paused or stopped';

CREATE FUNCTION ingest_internal.drop_sync(actor oid, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.sync := ingest_internal.own_sync(actor, name);
BEGIN
    DELETE FROM ingest.change c WHERE c.sync = s.id;
    DELETE FROM ingest.sync x WHERE x.id = s.id;
    PERFORM ingest_internal.audit(actor, 'drop_sync', name, to_jsonb(s));
END $$;
COMMENT ON FUNCTION ingest_internal.drop_sync(oid, text) IS 'see ingest.drop_sync';
CREATE FUNCTION drop_sync(name text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION drop_sync(text) IS 'forgets a sync and its history; the copy stays';

CREATE FUNCTION alter_sync(name text, settings jsonb) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_alter_sync' LANGUAGE C STRICT;
COMMENT ON FUNCTION alter_sync(text, jsonb) IS 'changes settings of a sync: those of create_sync, by their names';

CREATE FUNCTION explain_sync(name text) RETURNS TABLE (step text, detail text)
    AS 'MODULE_PATHNAME', 'ingest_explain_sync' LANGUAGE C STRICT;
COMMENT ON FUNCTION explain_sync(text) IS 'what the next run would do, and the queries it would send, without doing it';
