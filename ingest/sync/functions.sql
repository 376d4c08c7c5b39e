
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

CREATE FUNCTION reload(name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE sync_state z SET reload = true FROM sync s WHERE s.id = z.sync AND s.name = reload.name;
    END;
COMMENT ON FUNCTION reload(text) IS 'the next run reads the whole table again and writes what differs; readers see the old rows until then';

CREATE FUNCTION pause_sync(name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE sync s SET state = 'paused', state_reason = 'paused by ' || session_user WHERE s.name = pause_sync.name;
    END;
COMMENT ON FUNCTION pause_sync(text) IS 'the sync is not run until resume_sync';

CREATE FUNCTION resume_sync(name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE sync s SET state = 'active', state_reason = NULL WHERE s.name = resume_sync.name;
    END;
COMMENT ON FUNCTION resume_sync(text) IS 'the sync is run again, whether it was paused or stopped';

CREATE FUNCTION drop_sync(name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    DELETE FROM change c USING sync s WHERE s.id = c.sync AND s.name = drop_sync.name;
    DELETE FROM sync s WHERE s.name = drop_sync.name;
    END;
COMMENT ON FUNCTION drop_sync(text) IS 'forgets a sync and its history; the copy stays';

CREATE FUNCTION alter_sync(name text, settings jsonb) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_alter_sync' LANGUAGE C STRICT;
COMMENT ON FUNCTION alter_sync(text, jsonb) IS 'changes settings of a sync: those of create_sync, by their names';

CREATE FUNCTION explain_sync(name text) RETURNS TABLE (step text, detail text)
    AS 'MODULE_PATHNAME', 'ingest_explain_sync' LANGUAGE C STRICT;
COMMENT ON FUNCTION explain_sync(text) IS 'what the next run would do, and the queries it would send, without doing it';
