
-- What the room asks of the repository and the catalogue.  Called by its C alone, as the engine.

CREATE FUNCTION ingest_internal.own_export(actor oid, name text) RETURNS ingest.export LANGUAGE plpgsql AS $$
DECLARE
    e ingest.export;
BEGIN
    SELECT * INTO e FROM ingest.export x WHERE x.name = own_export.name FOR UPDATE;
    PERFORM ingest_internal.require('export', name, e.id IS NOT NULL, ingest_internal.acts_for(actor, e.owner),
        ingest_internal.changes_for(actor, e.owner), ingest_internal.role_name(e.owner, e.owner_name));
    RETURN e;
END $$;
COMMENT ON FUNCTION ingest_internal.own_export(oid, text) IS 'an export that a role may change, locked';

CREATE FUNCTION ingest_internal.export_connector(lake oid)
    RETURNS TABLE (columns text, mark text, published text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT ingest_internal.function_of(c.lake_columns_function, x.nspname),
        ingest_internal.function_of(c.mark_function, x.nspname),
        ingest_internal.function_of(c.published_function, x.nspname)
    FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
        JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw JOIN ingest.connector c ON c.wrapper = w.fdwname
        LEFT JOIN pg_depend p ON p.classid = 'pg_foreign_data_wrapper'::regclass AND p.objid = w.oid
            AND p.deptype = 'e'
        LEFT JOIN pg_extension y ON y.oid = p.refobjid LEFT JOIN pg_namespace x ON x.oid = y.extnamespace
    WHERE f.ftrelid = lake AND num_nulls(c.lake_columns_function, c.mark_function, c.published_function) = 0;
END;
COMMENT ON FUNCTION ingest_internal.export_connector(oid)
    IS 'the connector''s functions for a foreign table that may be a lake; no row if it cannot be one';

CREATE FUNCTION ingest_internal.export_insert(name text, from_relation oid, to_relation oid, owner oid, mode text,
    expressions jsonb, replaces boolean, left_out name[]) RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.export (name, from_schema, from_table, from_relation, to_schema, to_table, to_relation, owner,
        owner_name, mode, expressions, replaces, left_out)
    SELECT $1, n.nspname, c.relname, c.oid, m.nspname, l.relname, l.oid, $4, pg_get_userbyid($4), $5, $6, $7, $8
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
        pg_class l JOIN pg_namespace m ON m.oid = l.relnamespace WHERE c.oid = $2 AND l.oid = $3
    RETURNING id;
END;
COMMENT ON FUNCTION ingest_internal.export_insert(text, oid, oid, oid, text, jsonb, boolean, name[])
    IS 'records a new export; returns its number';

CREATE FUNCTION ingest_internal.export_stands(name text, lake oid) RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT e.name FROM ingest.export e WHERE e.name = $1 OR e.to_relation = $2
        -- two foreign tables of one lake would take each other's rows away
        OR EXISTS (SELECT FROM pg_foreign_table f JOIN pg_foreign_table g ON g.ftserver = f.ftserver,
            pg_options_to_table(f.ftoptions) p JOIN pg_options_to_table(g.ftoptions) q
            ON rtrim(q.option_value, '/') = rtrim(p.option_value, '/')
            WHERE f.ftrelid = e.to_relation AND g.ftrelid = $2 AND p.option_name = 'path' AND q.option_name = 'path')
        LIMIT 1);
COMMENT ON FUNCTION ingest_internal.export_stands(text, oid)
    IS 'the export that already has this name or writes to this lake';

-- The sync of a copy tells since when its history is known.  Which versions are new seq tells; the moment since which
-- they were seen keeps days of history from being read.  A version has the moment at which its transaction began, and
-- clocks are set back: so it is two days earlier.
CREATE FUNCTION ingest_internal.export_record(of_export integer)
    RETURNS TABLE (id integer, name text, owner oid, owner_name name, mode text, expressions jsonb, replaces boolean,
        held text, app text, mark bigint, shape text, since timestamptz, from_relation oid, from_name text,
        to_relation oid, to_name text, sync integer, source integer, loaded boolean,
        soft boolean, known_at timestamptz, known boolean, now timestamptz) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT e.id, e.name, e.owner, ingest_internal.role_name(e.owner, e.owner_name), e.mode, e.expressions, e.replaces,
        e.held, e.app, e.mark, e.shape, e.exported_at - interval '2 days', coalesce(c.oid, 0),
        format('%I.%I', coalesce(n.nspname, e.from_schema), coalesce(c.relname, e.from_table)), coalesce(l.oid, 0),
        format('%I.%I', coalesce(m.nspname, e.to_schema), coalesce(l.relname, e.to_table)),
        CASE WHEN s.history THEN s.id END, s.source, z.last_success IS NOT NULL,
        EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = '_deleted_at'
            AND NOT a.attisdropped) AND s.id IS NOT NULL,
        -- a first run may have been killed after it was published: nothing was exported before the export was made
        coalesce(e.exported_at, e.created_at),
        greatest(z.history_since, now() - s.history_retention) <= coalesce(e.exported_at, e.created_at),
        clock_timestamp()
    FROM ingest.export e LEFT JOIN pg_class c ON c.oid = e.from_relation LEFT JOIN pg_namespace n
        ON n.oid = c.relnamespace LEFT JOIN pg_class l ON l.oid = e.to_relation LEFT JOIN pg_namespace m
        ON m.oid = l.relnamespace LEFT JOIN ingest.sync s ON s.target = e.from_relation AND s.target <> 0
        LEFT JOIN ingest.sync_state z ON z.sync = s.id
    WHERE e.id = of_export;
END;
COMMENT ON FUNCTION ingest_internal.export_record(integer)
    IS 'an export, what it exports, and whether the history since its last run is known';

CREATE FUNCTION ingest_internal.unrounded(value numeric, rounded numeric, of_column text) RETURNS numeric
    LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF value IS DISTINCT FROM rounded THEN
        RAISE EXCEPTION USING ERRCODE = 'numeric_value_out_of_range',
            MESSAGE = format('value %s of column "%s" has more digits than the lake', value, of_column),
            HINT = 'Declare the lake''s column with a larger scale, or say with expressions => how it is rounded.';
    END IF;
    RETURN rounded;
END $$;
COMMENT ON FUNCTION ingest_internal.unrounded(numeric, numeric, text) IS 'a value, or an error if a cast rounded it';

CREATE FUNCTION ingest_internal.export_fits(type oid, modifier integer, to_type oid, to_modifier integer)
    RETURNS boolean LANGUAGE sql IMMUTABLE
    RETURN to_type = 'text'::regtype OR type = to_type AND (to_modifier IN (-1, modifier)
        OR type = 'numeric'::regtype) OR type = 'smallint'::regtype AND to_type IN ('integer'::regtype,
        'bigint'::regtype) OR type = 'integer'::regtype AND to_type = 'bigint'::regtype
        OR type IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) AND to_type = 'numeric'::regtype;
COMMENT ON FUNCTION ingest_internal.export_fits(oid, integer, oid, integer)
    IS 'whether all values of a type stay the same in another type';

CREATE FUNCTION ingest_internal.export_columns(from_relation oid, to_relation oid, mode text, expressions jsonb,
    written name[]) RETURNS TABLE (name text, value text, type text, misfit text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT quote_ident(w.name), CASE WHEN expressions ? w.name THEN format('(%s)', expressions ->> w.name)
            WHEN mode = 'changes' AND w.name = '_change_type' THEN 'c.operation'
            WHEN mode = 'changes' AND w.name IN ('_seq', '_seen_at') THEN 'c.' || substr(w.name, 2)
            -- a cast would round without a word
            WHEN f.atttypid = 'numeric'::regtype AND l.atttypmod NOT IN (-1, f.atttypmod)
                THEN format('ingest_internal.unrounded(t.%1$I, t.%1$I::%2$s, %1$L)', w.name,
                    format_type(l.atttypid, l.atttypmod))
            WHEN f.attnum IS NOT NULL THEN 't.' || quote_ident(w.name) END,
        format_type(l.atttypid, l.atttypmod),
        CASE WHEN NOT expressions ? w.name AND NOT ingest_internal.export_fits(f.atttypid, f.atttypmod, l.atttypid,
            l.atttypmod) THEN format_type(f.atttypid, f.atttypmod) END
    FROM unnest(written) WITH ORDINALITY w (name, n)
        JOIN pg_attribute l ON l.attrelid = to_relation AND l.attname = w.name AND NOT l.attisdropped
        LEFT JOIN pg_attribute f ON f.attrelid = from_relation AND f.attname = w.name AND f.attnum > 0
            AND NOT f.attisdropped
    ORDER BY w.n;
END;
COMMENT ON FUNCTION ingest_internal.export_columns(oid, oid, text, jsonb, name[])
    IS 'columns of a lake and what is written to each, from rows t and their versions c; null: nothing is known';

CREATE FUNCTION ingest_internal.export_strangers(expressions jsonb, written name[]) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN (SELECT min(k) FROM jsonb_object_keys(expressions) k WHERE k <> ALL (written::text[]));
COMMENT ON FUNCTION ingest_internal.export_strangers(jsonb, name[])
    IS 'a column that has an expression but that the lake does not have; null if there is none';

CREATE FUNCTION ingest_internal.export_left_out(relation oid, written name[]) RETURNS name[] LANGUAGE sql STABLE
    RETURN ARRAY(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0
        AND NOT a.attisdropped AND a.attname <> ALL (written) AND a.attname <> '_deleted_at' ORDER BY a.attnum);
COMMENT ON FUNCTION ingest_internal.export_left_out(oid, name[]) IS 'columns of a table that a lake does not have';

CREATE FUNCTION ingest_internal.export_misses(of_export integer, written name[]) RETURNS text[] LANGUAGE sql STABLE
    RETURN (SELECT CASE WHEN EXISTS (SELECT FROM unnest(ingest_internal.export_left_out(e.from_relation, written)) c
        WHERE c <> ALL (e.left_out)) THEN ARRAY['new columns'] END FROM ingest.export e WHERE e.id = of_export);
COMMENT ON FUNCTION ingest_internal.export_misses(integer, name[])
    IS 'what a run of an export leaves out: columns added since it was created that the lake does not have';

CREATE FUNCTION ingest_internal.export_app(of_export integer, era integer) RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT format('pg_ingest/%s.%s/%s/%s', i.system_identifier, i.database, era, of_export)
        FROM ingest.installation i);
COMMENT ON FUNCTION ingest_internal.export_app(integer, integer)
    IS 'the name of the writer by which a lake knows an export';

CREATE FUNCTION ingest_internal.export_newest(of_sync integer, since timestamptz) RETURNS bigint LANGUAGE sql STABLE
    RETURN (SELECT max(c.seq) FROM ingest.change c WHERE c.sync = of_sync
        AND c.seen_at >= coalesce(since, '-infinity'));
COMMENT ON FUNCTION ingest_internal.export_newest(integer, timestamptz)
    IS 'the newest visible version of a row, among those since a moment';

-- Of versions that are pruned the oldest ones go first
CREATE FUNCTION ingest_internal.export_follows(of_sync integer, mark bigint) RETURNS boolean LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM ingest.change c JOIN ingest.sync s ON s.id = c.sync JOIN ingest.sync_state z
        ON z.sync = s.id WHERE c.sync = of_sync AND c.seq = mark
            AND c.seen_at >= greatest(z.history_since, now() - s.history_retention));
COMMENT ON FUNCTION ingest_internal.export_follows(integer, bigint)
    IS 'whether everything is known that came after a version of a row, which is the case if that version is kept';

CREATE FUNCTION ingest_internal.export_done(of_export integer, app text, mark bigint, shape text,
    exported_at timestamptz, run bigint) RETURNS boolean LANGUAGE sql
BEGIN ATOMIC
    -- what was in the lake before is gone by now: what others write to it from now on is not to go
    UPDATE ingest.export e SET app = $2, mark = $3, shape = $4, exported_at = $5, last_run = $6, replaces = false
    WHERE e.id = $1 RETURNING true;
END;
COMMENT ON FUNCTION ingest_internal.export_done(integer, text, bigint, text, timestamptz, bigint)
    IS 'records how far an export is; null if it no longer exists';

CREATE FUNCTION ingest_internal.export_begun(of_export integer, run bigint) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.export e SET last_run = run WHERE e.id = of_export;
END;
COMMENT ON FUNCTION ingest_internal.export_begun(integer, bigint) IS 'records the run that an export is in';

-- Of what the engine does not copy itself they are the owner's
CREATE FUNCTION ingest_internal.export_note_lineage(of_export integer, source integer, job bigint, run bigint)
    RETURNS void LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.lineage_edge (source, from_schema, from_table, from_column, to_schema, to_table, to_column,
        kind, job, run, owner, owner_name, from_relation, from_attnum, to_relation, to_attnum)
    SELECT $2, e.from_schema, e.from_table, coalesce(f.attname, ''), e.to_schema, e.to_table, l.attname, 'export', $3,
        $4, CASE WHEN $2 IS NULL THEN e.owner END, CASE WHEN $2 IS NULL THEN e.owner_name END, e.from_relation,
        coalesce(f.attnum, 0), e.to_relation, l.attnum
    FROM ingest.export e JOIN pg_attribute l ON l.attrelid = e.to_relation AND l.attnum > 0 AND NOT l.attisdropped
        LEFT JOIN pg_attribute f ON f.attrelid = e.from_relation AND f.attname = l.attname AND f.attnum > 0
            AND NOT f.attisdropped AND NOT e.expressions ? l.attname
    WHERE e.id = of_export AND (f.attnum IS NOT NULL OR e.expressions ? l.attname)
    ON CONFLICT (to_schema, to_table, to_column, from_schema, from_table, from_column, kind, owner) DO UPDATE
        SET last_seen = now(), run = excluded.run, job = excluded.job;
END;
COMMENT ON FUNCTION ingest_internal.export_note_lineage(integer, integer, bigint, bigint)
    IS 'records that the columns of a lake come from those of what is exported';
