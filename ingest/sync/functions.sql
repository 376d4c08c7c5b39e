
-- Syncs

CREATE FUNCTION create_sync(source_table regclass, target text, mode text DEFAULT NULL, name text DEFAULT NULL,
    key name[] DEFAULT NULL, cursor_column name DEFAULT NULL, overlap interval DEFAULT '5 min',
    batch_rows integer DEFAULT 50000, deletions text DEFAULT 'hard', parent text DEFAULT NULL,
    parent_column name DEFAULT NULL, history boolean DEFAULT false, history_retention interval DEFAULT NULL,
    row_events boolean DEFAULT false, profile text DEFAULT 'none', reconcile_every interval DEFAULT '1 day',
    max_delete_share float8 DEFAULT 0.01, reject_limit float8 DEFAULT 0.01, freshness interval DEFAULT NULL,
    partition_by text DEFAULT NULL, distribute_by name DEFAULT NULL, adopt boolean DEFAULT false,
    exclude name[] DEFAULT NULL, pseudonymise name[] DEFAULT NULL, pseudonym_key text DEFAULT NULL,
    deleted_when text DEFAULT NULL) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_create_sync' LANGUAGE C;
COMMENT ON FUNCTION create_sync(regclass, text, text, text, name[], name, interval, integer, text, text, name,
    boolean, interval, boolean, text, interval, float8, float8, interval, text, name, boolean, name[], name[],
    text, text)
    IS 'creates a sync, which keeps a copy of a source''s table: full, incremental, append or pieces; nothing is '
    'read yet';

-- What a sync may be told, in sentences, whoever writes it: before the table's own constraints would speak
CREATE FUNCTION ingest_internal.check_sync() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong text;
    hint text;
BEGIN
    wrong := CASE
        WHEN NEW.name IS NULL OR NEW.name = '' THEN 'a sync needs a name'
        WHEN NEW.mode IS NULL OR NEW.mode NOT IN ('full', 'incremental', 'append', 'pieces')
            THEN format('there is no mode "%s"', NEW.mode)
        WHEN NEW.deletions IS NULL OR NEW.deletions NOT IN ('hard', 'soft', 'ignore')
            THEN format('there is no deletion policy "%s"', NEW.deletions)
        WHEN NEW.profile IS NULL OR NEW.profile NOT IN ('all', 'sample', 'none')
            THEN format('there is no way to profile a copy "%s"', NEW.profile)
        WHEN NEW.key IS NULL OR array_position(NEW.key, NULL) IS NOT NULL
            THEN 'the key must be an array of column names without nulls'
        WHEN NEW.overlap IS NULL OR NEW.overlap < '0' THEN 'the overlap of windows must not be null or negative'
        WHEN NEW.batch_rows IS NULL OR NEW.batch_rows < 1 THEN 'batch_rows must be at least 1'
        WHEN NEW.reconcile_every <= '0' THEN 'reconcile_every must be positive'
        WHEN NEW.history_retention <= '0' THEN 'history_retention must be positive'
        WHEN NEW.max_delete_share IS NULL OR NEW.max_delete_share NOT BETWEEN 0 AND 1
            THEN 'max_delete_share is a share of rows, between 0 and 1'
        WHEN NEW.reject_limit IS NULL OR NEW.reject_limit NOT BETWEEN 0 AND 1
            THEN 'reject_limit is a share of rows, between 0 and 1'
        WHEN NEW.history IS NULL OR NEW.row_events IS NULL THEN 'history and row_events are true or false'
        WHEN NEW.exclude IS NULL OR NEW.pseudonymise IS NULL OR array_position(NEW.exclude || NEW.pseudonymise, NULL)
            IS NOT NULL THEN 'exclude and pseudonymise are arrays of names of columns, none of them null'
        WHEN NEW.pseudonym_key !~ '^(file:/|env:).' THEN 'pseudonym_key must say where the key is, not be the key'
        WHEN NEW.pseudonymise <> '{}' AND NEW.pseudonym_key IS NULL THEN 'pseudonymise needs a pseudonym_key' END;
    hint := CASE
        WHEN wrong LIKE '%mode "%' THEN 'The modes are full, incremental, append and pieces.'
        WHEN wrong LIKE '%policy%' THEN 'The policies are hard, soft and ignore.'
        WHEN wrong LIKE '%to profile%' THEN 'profile is all, sample or none.'
        WHEN wrong LIKE 'reconcile_every%' THEN 'Null says that keys are never compared.'
        WHEN wrong LIKE 'history_retention%' THEN 'Null says that history is kept for ever.'
        WHEN wrong LIKE '%pseudonym_key%' THEN 'For example: pseudonym_key => ''file:/run/secrets/pseudonyms''.'
        ELSE 'See the documentation of ingest.create_sync.' END;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = wrong, HINT = hint;
    END IF;
    RETURN NEW;
END $$;
COMMENT ON FUNCTION ingest_internal.check_sync() IS 'checks the settings of a sync, with errors in plain sentences';
CREATE TRIGGER check_sync BEFORE INSERT OR UPDATE OF name, mode, deletions, profile, key, overlap, batch_rows,
    reconcile_every, history_retention, max_delete_share, reject_limit, history, row_events, exclude, pseudonymise,
    pseudonym_key ON sync FOR EACH ROW EXECUTE FUNCTION ingest_internal.check_sync();

CREATE PROCEDURE sync(sync text)
    AS 'MODULE_PATHNAME', 'ingest_sync' LANGUAGE C;
COMMENT ON PROCEDURE sync(text)
    IS 'brings a copy up to date: the first load, or what has changed since; in batches, each a transaction';

CREATE PROCEDURE redrive(sync text)
    AS 'MODULE_PATHNAME', 'ingest_redrive' LANGUAGE C;
COMMENT ON PROCEDURE redrive(text) IS 'reads rejected rows again and merges them';

CREATE FUNCTION ingest_internal.reload(actor oid, name text, keys_only boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.sync := ingest_internal.own_sync(actor, name);
BEGIN
    IF keys_only IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'keys_only must not be null';
    ELSIF keys_only THEN
        UPDATE ingest.sync_state z SET last_reconcile = NULL WHERE z.sync = s.id;
        IF s.mode = 'incremental' AND s.deletions <> 'ignore' THEN
            RAISE NOTICE 'the next run of sync "%" compares its keys with the source', name;
        ELSE
            RAISE NOTICE 'sync "%" compares no keys: it is %', name, CASE WHEN s.mode = 'incremental'
                THEN 'told to ignore deletions' ELSE 'of mode ' || s.mode END;
        END IF;
    ELSE
        UPDATE ingest.sync_state z SET reload = true WHERE z.sync = s.id AND NOT z.reload;
        IF NOT FOUND THEN
            RAISE NOTICE 'the next run of sync "%" already reloads', name;
            RETURN;
        END IF;
        RAISE NOTICE 'the next run of sync "%" reads the whole table again', name;
    END IF;
    PERFORM ingest_internal.audit(actor, 'reload', name, NULL, jsonb_build_object('keys_only', keys_only));
END $$;
COMMENT ON FUNCTION ingest_internal.reload(oid, text, boolean) IS 'see ingest.reload';
CREATE FUNCTION reload(sync text, keys_only boolean DEFAULT false) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION reload(text, boolean)
    IS 'makes the next run read the whole table again and write what differs, while readers see the old rows; '
    'keys_only: an incremental sync compares keys with the source, and reads what differs';

CREATE FUNCTION verify(sync text, samples integer DEFAULT 10) RETURNS TABLE (finding text, rows bigint, keys jsonb)
    AS 'MODULE_PATHNAME', 'ingest_verify' LANGUAGE C;
COMMENT ON FUNCTION verify(text, integer)
    IS 'compares every value of a copy with its source, in slices, without writing: how many rows are the same, '
    'differ, exist only at the source, only here, or are newer than the last run, with some keys for those who '
    'may read the whole copy';

CREATE FUNCTION ingest_internal.say_what_runs(of_source integer, of_sync integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    runs text := (SELECT string_agg(r.id::text, ', ' ORDER BY r.id) FROM ingest.run r WHERE r.state = 'running'
        AND (r.source = of_source OR r.sync = of_sync));
BEGIN
    IF runs IS NOT NULL THEN
        RAISE NOTICE 'what is running goes on to its end: run %', runs
            USING HINT = 'SELECT ingest.cancel(run) stops one.';
    END IF;
END $$;
COMMENT ON FUNCTION ingest_internal.say_what_runs(integer, integer)
    IS 'tells those who pause a source or a sync about runs that go on';

CREATE FUNCTION ingest_internal.pause_sync(actor oid, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.sync := ingest_internal.own_sync(actor, name);
BEGIN
    IF s.state = 'paused' THEN
        RAISE NOTICE 'sync "%" is already paused', name;
        RETURN;
    END IF;
    UPDATE ingest.sync x SET state = 'paused', state_reason = 'paused by ' || pg_get_userbyid(actor) WHERE x.id = s.id;
    PERFORM ingest_internal.say_what_runs(NULL, s.id);
    PERFORM ingest_internal.audit(actor, 'pause', name, jsonb_build_object('sync', s.state),
        jsonb_build_object('sync', 'paused'));
END $$;
COMMENT ON FUNCTION ingest_internal.pause_sync(oid, text) IS 'see ingest.pause';

CREATE FUNCTION ingest_internal.require_one(source text, sync text, what text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF num_nonnulls(source, sync) <> 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('either a source or a sync must be named to %s', what),
            HINT = format('ingest.%1$s(''shop''), or ingest.%1$s(sync => ''books.customer'').', what);
    END IF;
END $$;
COMMENT ON FUNCTION ingest_internal.require_one(text, text, text)
    IS 'raises an error unless either a source or a sync is named';

CREATE FUNCTION ingest_internal.pause(actor oid, source text, sync text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ingest_internal.require_one(source, sync, 'pause');
    PERFORM CASE WHEN sync IS NULL THEN ingest_internal.pause_source(actor, source)
        ELSE ingest_internal.pause_sync(actor, sync) END;
END $$;
COMMENT ON FUNCTION ingest_internal.pause(oid, text, text) IS 'see ingest.pause';
CREATE FUNCTION pause(source text DEFAULT NULL, sync text DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION pause(text, text)
    IS 'starts no job on a source, or no run of a sync, until resume; what is running goes on';

CREATE FUNCTION ingest_internal.resume_sync(actor oid, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.sync := ingest_internal.own_sync(actor, name);
BEGIN
    IF s.state = 'active' THEN
        RAISE NOTICE 'sync "%" is already active', name;
        RETURN;
    END IF;
    UPDATE ingest.sync x SET state = 'active', state_reason = NULL WHERE x.id = s.id;
    PERFORM ingest_internal.alert_closes('sync_stopped', 'sync ' || s.id, 'resumed by ' || pg_get_userbyid(actor));
    PERFORM ingest_internal.audit(actor, 'resume', name, jsonb_build_object('sync', s.state),
        jsonb_build_object('sync', 'active'));
END $$;
COMMENT ON FUNCTION ingest_internal.resume_sync(oid, text) IS 'see ingest.resume';

CREATE FUNCTION ingest_internal.resume(actor oid, source text, sync text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ingest_internal.require_one(source, sync, 'resume');
    PERFORM CASE WHEN sync IS NULL THEN ingest_internal.resume_source(actor, source)
        ELSE ingest_internal.resume_sync(actor, sync) END;
END $$;
COMMENT ON FUNCTION ingest_internal.resume(oid, text, text) IS 'see ingest.resume';
CREATE FUNCTION resume(source text DEFAULT NULL, sync text DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION resume(text, text)
    IS 'lets jobs on a source start again and closes its circuit breaker; or lets a sync run again, whether it was '
    'paused or stopped';

CREATE FUNCTION ingest_internal.drop_sync(actor oid, name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.sync := ingest_internal.own_sync(actor, name);
BEGIN
    PERFORM ingest_internal.alerts_dropped(NULL, s.id, NULL, NULL);
    PERFORM ingest_internal.drop_history_view(s.id);
    DELETE FROM ingest.change c WHERE c.sync = s.id;
    DELETE FROM ingest.sync x WHERE x.id = s.id;
    PERFORM ingest_internal.audit(actor, 'drop_sync', name, to_jsonb(s));
END $$;
COMMENT ON FUNCTION ingest_internal.drop_sync(oid, text) IS 'see ingest.drop_sync';
CREATE FUNCTION drop_sync(sync text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION drop_sync(text) IS 'removes a sync and its history, including the history view; the copy stays';

CREATE FUNCTION alter_sync(sync text, mode text DEFAULT NULL, key name[] DEFAULT NULL,
    cursor_column name DEFAULT NULL, overlap interval DEFAULT NULL, batch_rows integer DEFAULT NULL,
    deletions text DEFAULT NULL, parent text DEFAULT NULL, parent_column name DEFAULT NULL,
    history boolean DEFAULT NULL, history_retention interval DEFAULT NULL,
    row_events boolean DEFAULT NULL, profile text DEFAULT NULL, reconcile_every interval DEFAULT NULL,
    max_delete_share float8 DEFAULT NULL, reject_limit float8 DEFAULT NULL,
    freshness interval DEFAULT NULL, unset name[] DEFAULT NULL, exclude name[] DEFAULT NULL,
    pseudonymise name[] DEFAULT NULL, pseudonym_key text DEFAULT NULL, deleted_when text DEFAULT NULL) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_alter_sync' LANGUAGE C;
COMMENT ON FUNCTION alter_sync(text, text, name[], name, interval, integer, text, text, name, boolean, interval,
    boolean, text, interval, float8, float8, interval, name[], name[], name[], text, text)
    IS 'changes settings of a sync: arguments as for create_sync, null leaves a setting as it is; those in unset '
    '(parent, history_retention, reconcile_every, freshness, deleted_when) become null; with another mode, key '
    'or cursor, everything is read again';

CREATE FUNCTION ingest_internal.retry_piece(actor oid, name text, piece text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.sync := ingest_internal.own_sync(actor, name);
BEGIN
    UPDATE ingest.sync_piece p SET state = 'pending', version = NULL, prefix = NULL, next_try = NULL, tries = 0
    WHERE p.sync = s.id AND p.piece = retry_piece.piece AND p.state <> 'gone';
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('sync "%s" has no piece "%s"', name, coalesce(piece, 'null')),
            HINT = 'SELECT piece, state FROM ingest.sync_piece lists them.';
    END IF;
    PERFORM ingest_internal.audit(actor, 'retry_piece', name, NULL, jsonb_build_object('piece', piece));
END $$;
COMMENT ON FUNCTION ingest_internal.retry_piece(oid, text, text) IS 'see ingest.retry_piece';
CREATE FUNCTION retry_piece(sync text, piece text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION retry_piece(text, text)
    IS 'makes the next run of a sync of mode pieces read a piece again, in full, whatever happened to it before';

CREATE FUNCTION ingest_internal.takes_row(error jsonb, key jsonb, piece text, version text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'ingest_takes_row' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION ingest_internal.takes_row(jsonb, jsonb, text, text)
    IS 'within the query of a run: false for a bad row, which is noted; an error for a row of another piece or version';

CREATE FUNCTION ingest_internal.pseudonym(of_sync integer, value anyelement) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_pseudonym' LANGUAGE C STABLE PARALLEL UNSAFE;
COMMENT ON FUNCTION ingest_internal.pseudonym(integer, anyelement)
    IS 'within the query of a run: HMAC-SHA-256 of a value, in hexadecimal, with the key of the sync';

CREATE FUNCTION explain_sync(sync text) RETURNS TABLE (step text, detail text)
    AS 'MODULE_PATHNAME', 'ingest_explain_sync' LANGUAGE C STRICT;
COMMENT ON FUNCTION explain_sync(text) IS 'what the next run would do, and the queries it would send, without doing it';
