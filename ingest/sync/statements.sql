
-- What the room asks of the repository and the catalogue.  Called by its C alone, as the engine.

-- One sync, with what is known of its tables

CREATE FUNCTION ingest_internal.relation_of(schema_name name, relation_name name) RETURNS regclass LANGUAGE sql STABLE
    RETURN (SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = schema_name AND c.relname = relation_name);
COMMENT ON FUNCTION ingest_internal.relation_of(name, name)
    IS 'a relation by its name, even if the caller may not use its schema; null if there is none';

-- Rows that came late are counted by how late they were, in steps of powers of two.  What was once is halved each day,
-- so that it is forgotten.

CREATE FUNCTION ingest_internal.sync_faded(lateness bigint[], noted_on date) RETURNS bigint[] LANGUAGE sql STABLE
    RETURN (SELECT array_agg(x.n >> least(greatest((now() AT TIME ZONE 'UTC')::date - noted_on, 0), 62) ORDER BY x.step)
        FROM unnest(lateness) WITH ORDINALITY x (n, step));
COMMENT ON FUNCTION ingest_internal.sync_faded(bigint[], date)
    IS 'counts of rows that came late, by how late, reduced to what still counts today';

-- twice what 99.9 of 100 of them were late at most
CREATE FUNCTION ingest_internal.sync_overlap(overlap interval, lateness bigint[], noted_on date) RETURNS interval
    LANGUAGE sql STABLE
    RETURN greatest(overlap, (SELECT min(2 ^ x.step) * interval '1 s' FROM (
        SELECT f.step, sum(f.n) OVER (ORDER BY f.step) AS up_to, sum(f.n) OVER () AS all_of_them
        FROM unnest(ingest_internal.sync_faded(lateness, noted_on)) WITH ORDINALITY f (n, step)) x
        WHERE x.all_of_them > 0 AND x.up_to >= x.all_of_them * 0.999));
COMMENT ON FUNCTION ingest_internal.sync_overlap(interval, bigint[], date)
    IS 'how far before its watermark a sync reads again: as set, or as learned from rows that came late';

CREATE FUNCTION ingest_internal.sync_note_lateness(of_sync integer, late bigint[]) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET lateness_day = (now() AT TIME ZONE 'UTC')::date, lateness = (
        SELECT array_agg(coalesce(f.n, 0) + l.n ORDER BY l.step) FROM unnest(late) WITH ORDINALITY l (n, step)
            LEFT JOIN unnest(ingest_internal.sync_faded(z.lateness, z.lateness_day)) WITH ORDINALITY f (n, step)
                ON f.step = l.step)
    WHERE z.sync = of_sync;
END;
COMMENT ON FUNCTION ingest_internal.sync_note_lateness(integer, bigint[])
    IS 'adds rows that came late, by how late, to the lateness of sync_state';

CREATE FUNCTION ingest_internal.sync_record(of_sync integer)
    RETURNS TABLE (id integer, name text, source_id integer, foreign_schema name, foreign_table name,
        remote_table text, target_schema name, target_table name,
        owner oid, owner_name name, mode text, key name[], cursor name, overlap interval, batch_rows integer,
            soft boolean, ignore_deletions boolean, parent integer, parent_column name,
        history boolean, row_events boolean, profile text, reconcile_every interval, max_delete_share float8,
            reject_limit float8, state text, state_reason text,
        phase text, generation integer, watermark text, next_watermark text, deleted_watermark timestamptz,
            reload boolean, unfilled boolean, mismatches integer, epoch bigint,
        foreign_relation regclass, target_relation regclass, exclude name[], pseudonymise name[], pseudonym_key text,
        deleted_when text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.id, s.name, s.source, coalesce(fn.nspname, t.local_schema), coalesce(f.relname, t.local_name), t.name,
        coalesce(cn.nspname, s.target_schema), coalesce(c.relname, s.target_table),
        s.owner, s.owner_name, s.mode, s.key, s.cursor_column, ingest_internal.sync_overlap(s.overlap, z.lateness,
            z.lateness_day), s.batch_rows, s.deletions = 'soft',
            s.deletions = 'ignore', s.parent, s.parent_column,
        s.history, s.row_events, s.profile, s.reconcile_every, s.max_delete_share, s.reject_limit, s.state,
            s.state_reason,
        z.phase, z.generation, z.watermark, z.next_watermark, z.deleted_watermark, z.reload, z.unfilled IS NOT NULL,
            z.mismatches, z.epoch,
        f.oid::regclass, c.oid::regclass, s.exclude, s.pseudonymise, s.pseudonym_key, s.deleted_when
    FROM ingest.sync s JOIN ingest.source_table t ON t.id = s.table_id JOIN ingest.sync_state z ON z.sync = s.id
        LEFT JOIN pg_class f ON f.oid = t.relation LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
        LEFT JOIN pg_class c ON c.oid = s.target LEFT JOIN pg_namespace cn ON cn.oid = c.relnamespace
        WHERE s.id = of_sync;
END;
COMMENT ON FUNCTION ingest_internal.sync_record(integer)
    IS 'a sync: its settings, how far it is, and its two tables by their current names, null where one is gone';

CREATE FUNCTION ingest_internal.sync_root(of_name text) RETURNS integer LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE up AS (
        SELECT s.id, s.parent FROM ingest.sync s WHERE s.name = of_name
        UNION SELECT s.id, s.parent FROM ingest.sync s JOIN up ON s.id = up.parent)
    SELECT up.id FROM up WHERE up.parent IS NULL;
END;
COMMENT ON FUNCTION ingest_internal.sync_root(text)
    IS 'the topmost parent of a sync, or the sync itself: its lock is that of the whole group';

-- Making one

CREATE FUNCTION ingest_internal.sync_source_table(foreign_table regclass)
    RETURNS TABLE (id integer, source text, has_key boolean, key text[], cursor text, parent text, parent_column text,
        description text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.id, d.name, t.key IS NOT NULL, t.key, t.cursor_column, t.parent, t.parent_column, t.description
    FROM ingest.source_table t JOIN ingest.data_source d ON d.id = t.source
    WHERE t.relation = foreign_table AND t.relation <> 0;
END;
COMMENT ON FUNCTION ingest_internal.sync_source_table(regclass) IS 'what crawls know about a foreign table';

CREATE FUNCTION ingest_internal.sync_note_key(of_table integer, columns text[]) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.source_table t SET key = columns, key_origin = 'data' WHERE t.id = of_table;
END;
COMMENT ON FUNCTION ingest_internal.sync_note_key(integer, text[])
    IS 'records a key of a source''s table that was found by reading it';

CREATE FUNCTION ingest_internal.sync_parent(of_name text)
    RETURNS TABLE (id integer, key_columns integer, source_id integer, remote_table text, owner oid, owner_name name)
        LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.id, cardinality(s.key), s.source, t.name, s.owner, ingest_internal.role_name(s.owner, s.owner_name)
    FROM ingest.sync s JOIN ingest.source_table t ON t.id = s.table_id WHERE s.name = of_name;
END;
COMMENT ON FUNCTION ingest_internal.sync_parent(text) IS 'what must be known about a sync that is to be a parent';

CREATE FUNCTION ingest_internal.sync_target(relation regclass)
    RETURNS TABLE (oid oid, is_table boolean, owner_name name) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.oid, c.relkind IN ('r', 'p'), pg_get_userbyid(c.relowner) FROM pg_class c WHERE c.oid = relation;
END;
COMMENT ON FUNCTION ingest_internal.sync_target(regclass) IS 'what exists where a copy is to be created';

CREATE FUNCTION ingest_internal.sync_definitions(foreign_table regclass, left_out name[], hashed name[])
    RETURNS TABLE (definition text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT format('%I %s', a.attname, CASE WHEN a.attname = ANY (hashed) THEN 'text'
        ELSE format_type(a.atttypid, a.atttypmod) END) || CASE
        WHEN a.attname = ANY (hashed) THEN ' COLLATE "C"'
        WHEN a.attcollation <> y.typcollation THEN
        (SELECT format(' COLLATE %I.%I', n.nspname, o.collname) FROM pg_collation o
            JOIN pg_namespace n ON n.oid = o.collnamespace WHERE o.oid = a.attcollation) ELSE '' END
    FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
        LEFT JOIN ingest.source_table t ON t.relation = a.attrelid
        LEFT JOIN ingest.source_column k ON k.table_id = t.id AND k.name = a.attname
    WHERE a.attrelid = foreign_table AND a.attnum > 0 AND NOT a.attisdropped AND k.gone_at IS NULL
        AND a.attname <> ALL (left_out)
    ORDER BY a.attnum;
END;
COMMENT ON FUNCTION ingest_internal.sync_definitions(regclass, name[], name[])
    IS 'the columns of a foreign table that exist at the source, in the form of CREATE TABLE, without those that '
    'are left out; hashed: those of which the copy has pseudonyms';

CREATE FUNCTION ingest_internal.sync_default_partition(relation regclass) RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT format('%I.%I', n.nspname, left(c.relname, 55) || '_default') FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation);
COMMENT ON FUNCTION ingest_internal.sync_default_partition(regclass) IS 'the name of a copy''s default partition';

-- Columns that an index only carries along (INCLUDE) do not make it unique: the first indnkeyatts of indkey do.
CREATE FUNCTION ingest_internal.sync_is_unique(relation regclass, columns text[]) RETURNS boolean LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation AND i.indisunique AND i.indisvalid
        AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indimmediate
        AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text) FROM pg_attribute a
            WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]))
            = (SELECT array_agg(k ORDER BY k) FROM unnest(columns) k));
COMMENT ON FUNCTION ingest_internal.sync_is_unique(regclass, text[])
    IS 'whether a table has a unique index on just these columns';

CREATE FUNCTION ingest_internal.has_column(relation regclass, column_name name) RETURNS boolean LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = column_name AND a.attnum > 0
        AND NOT a.attisdropped);
COMMENT ON FUNCTION ingest_internal.has_column(regclass, name) IS 'whether a relation has a column';

CREATE FUNCTION ingest_internal.sync_stands(name text, target_schema name, target_table name) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM ingest.sync s WHERE s.name = sync_stands.name OR s.target <> 0
        AND s.target = ingest_internal.relation_named(sync_stands.target_schema, sync_stands.target_table));
COMMENT ON FUNCTION ingest_internal.sync_stands(text, name, name)
    IS 'whether a sync of this name exists, or one into the table that has this name now';

CREATE FUNCTION ingest_internal.sync_insert(name text, source integer, table_id integer, target_schema name,
    target_table name, owner oid, mode text, key name[], cursor_column name,
    overlap interval, batch_rows integer, deletions text, parent integer, parent_column name, history boolean,
    history_retention interval, row_events boolean, profile text,
    reconcile_every interval, max_delete_share float8, reject_limit float8, exclude name[], pseudonymise name[],
    pseudonym_key text, deleted_when text) RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.sync (name, source, table_id, target_schema, target_table, owner, owner_name, mode, key,
        cursor_column, overlap, batch_rows, deletions, parent, parent_column,
        history, history_retention, row_events, profile, reconcile_every, max_delete_share, reject_limit,
        exclude, pseudonymise, pseudonym_key, deleted_when)
    VALUES ($1, $2, $3, $4, $5, $6, pg_get_userbyid($6), $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        $20, $21, $22, $23, $24, $25);
    INSERT INTO ingest.sync_state (sync, history_since) SELECT s.id, CASE WHEN s.history THEN clock_timestamp() END
        FROM ingest.sync s WHERE s.name = $1 RETURNING sync_state.sync;
END;
COMMENT ON FUNCTION ingest_internal.sync_insert(text, integer, integer, name, name, oid, text, name[], name, interval,
    integer, text, integer, name, boolean, interval, boolean, text, interval, float8, float8, name[], name[],
    text, text)
    IS 'records a sync of which nothing has been read yet';

-- Columns, there and here

CREATE FUNCTION ingest_internal.sync_differences(foreign_table regclass, target regclass, of_sync integer,
    left_out name[], hashed name[])
    RETURNS TABLE (column_name name, there boolean, type_there oid, mod_there integer, definition_there text,
        here boolean, type_here oid, mod_here integer, definition_here text, gone boolean) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(f.attname, t.attname), f.attname IS NOT NULL, f.atttypid, f.atttypmod, format_type(f.atttypid,
        f.atttypmod),
        t.attname IS NOT NULL, t.atttypid, t.atttypmod, format_type(t.atttypid, t.atttypmod), c.gone_at IS NOT NULL
    FROM (SELECT a.attname, a.attnum, CASE WHEN a.attname = ANY (hashed) THEN 'text'::regtype::oid ELSE a.atttypid END
            AS atttypid, CASE WHEN a.attname = ANY (hashed) THEN -1 ELSE a.atttypmod END AS atttypmod
        FROM pg_attribute a WHERE a.attrelid = foreign_table AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attname <> ALL (left_out)) f
    FULL JOIN (SELECT a.attname, a.attnum, a.atttypid, a.atttypmod FROM pg_attribute a WHERE a.attrelid = target
        AND a.attnum > 0 AND NOT a.attisdropped) t ON t.attname = f.attname
    LEFT JOIN ingest.sync s ON s.id = of_sync
    LEFT JOIN ingest.source_column c ON c.table_id = s.table_id AND c.name = coalesce(f.attname, t.attname)
    ORDER BY f.attnum, t.attnum;
END;
COMMENT ON FUNCTION ingest_internal.sync_differences(regclass, regclass, integer, name[], name[])
    IS 'columns of a source''s table, except those that are left out, beside those of its copy; hashed: as the '
    'pseudonyms that the copy has of them; gone: a crawl no longer found it';

CREATE FUNCTION ingest_internal.sync_columns(foreign_table regclass, target regclass, of_sync integer, left_out name[])
    RETURNS TABLE (column_name name, type oid, definition text, shape text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.attname, t.atttypid, format_type(t.atttypid, t.atttypmod), (t.atttypid, t.atttypmod, f.atttypid,
        f.atttypmod, t.attnum)::text
    FROM pg_attribute t JOIN pg_attribute f ON f.attname = t.attname JOIN ingest.sync s ON s.id = of_sync
    LEFT JOIN ingest.source_column c ON c.table_id = s.table_id AND c.name = t.attname
    WHERE t.attrelid = target AND t.attnum > 0 AND NOT t.attisdropped AND f.attrelid = foreign_table AND f.attnum > 0
        AND NOT f.attisdropped
        AND c.gone_at IS NULL AND t.attgenerated = '' AND t.attname <> ALL (left_out)
    ORDER BY t.attnum;
END;
COMMENT ON FUNCTION ingest_internal.sync_columns(regclass, regclass, integer, name[])
    IS 'the columns that both tables have: what a run reads and writes';

CREATE FUNCTION ingest_internal.sync_came_back(of_sync integer, column_name text) RETURNS boolean LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET vanished = nullif(array_remove(z.vanished, column_name), '{}'), reload = true
    WHERE z.sync = of_sync AND column_name = ANY (z.vanished) RETURNING true;
END;
COMMENT ON FUNCTION ingest_internal.sync_came_back(integer, text)
    IS 'records that a column that had vanished is back, so that everything is to be read again';

CREATE FUNCTION ingest_internal.sync_vanished(of_sync integer, column_name text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET vanished = array_append(z.vanished, column_name) WHERE z.sync = of_sync
        AND column_name <> ALL (coalesce(z.vanished, '{}'));
END;
COMMENT ON FUNCTION ingest_internal.sync_vanished(integer, text) IS 'records that a column vanished at the source';

CREATE FUNCTION ingest_internal.sync_came(of_sync integer, column_name text) RETURNS boolean LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET unfilled = array_append(z.unfilled, column_name) WHERE z.sync = of_sync
        AND z.phase <> 'new' RETURNING true;
END;
COMMENT ON FUNCTION ingest_internal.sync_came(integer, text)
    IS 'records a new column whose values in existing rows are still to be read';

CREATE FUNCTION ingest_internal.sync_note_written(of_sync integer, column_name text, type text) RETURNS boolean
    LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET reload = z.reload OR z.phase <> 'new', written = nullif(CASE
        WHEN type IS NULL THEN z.written - column_name
        ELSE coalesce(z.written, '{}') || jsonb_build_object(column_name, type) END, '{}')
    WHERE z.sync = of_sync AND z.written ->> column_name IS DISTINCT FROM type RETURNING z.phase <> 'new';
END;
COMMENT ON FUNCTION ingest_internal.sync_note_written(integer, text, text)
    IS 'records that a text column holds values written as another type, or no longer does; true: that is new, and '
    'everything is to be read again';

-- Windows of time: each begins before the watermark by the overlap, by what the clock there was set back, and by what
-- the zone shifts around it

CREATE FUNCTION ingest_internal.sync_clock_back(of_sync integer, clock_there timestamptz, clock_here timestamptz)
    RETURNS TABLE (back interval, jumped boolean) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(greatest(z.clock_offset - (clock_there - clock_here), '0'), '0'), coalesce(abs(extract(epoch
        FROM z.clock_offset - (clock_there - clock_here))) > 60, false)
    FROM ingest.sync_state z WHERE z.sync = of_sync;
END;
COMMENT ON FUNCTION ingest_internal.sync_clock_back(integer, timestamptz, timestamptz)
    IS 'how far the source''s clock was set back since the last run; jumped: by over a minute, in either direction';

-- twice the shift: around the end of summer time a wall clock shows an hour again
CREATE FUNCTION ingest_internal.sync_window_begin(watermark timestamptz, overlap interval, back interval, zone text)
    RETURNS timestamptz LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT date_trunc('second', watermark - overlap - back - greatest(x.shift, - x.shift))
    FROM (SELECT (((watermark - interval '3 hours') AT TIME ZONE zone)
        - ((watermark + interval '3 hours') AT TIME ZONE zone)) + interval '6 hours' AS shift) x;
END;
CREATE FUNCTION ingest_internal.sync_window_begin(watermark timestamp, overlap interval, back interval, zone text)
    RETURNS timestamp LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT date_trunc('second', watermark - overlap - back - greatest(x.shift, - x.shift))
    FROM (SELECT (((watermark - interval '3 hours') AT TIME ZONE zone)
        - ((watermark + interval '3 hours') AT TIME ZONE zone)) + interval '6 hours' AS shift) x;
END;
CREATE FUNCTION ingest_internal.sync_window_begin(watermark date, overlap interval, back interval, zone text)
    RETURNS date LANGUAGE sql STABLE
    RETURN (watermark - greatest(overlap, '26 hours') - back)::date;
COMMENT ON FUNCTION ingest_internal.sync_window_begin(timestamptz, interval, interval, text)
    IS 'where a window begins, for a given watermark';
COMMENT ON FUNCTION ingest_internal.sync_window_begin(timestamp, interval, interval, text)
    IS 'the same for timestamps without a zone, which show the zone''s wall clock';
COMMENT ON FUNCTION ingest_internal.sync_window_begin(date, interval, interval, text)
    IS 'the same for dates: at least the day before, in whatever zone';

-- Cursors that are no times: numbers are drawn in one order and committed in another.  The newest that was seen is
-- believed when the overlap has passed since: until then rows below it may still come.

CREATE FUNCTION ingest_internal.sync_settled(of_sync integer, clock_here timestamptz, waits boolean) RETURNS text
    LANGUAGE sql STABLE
    RETURN (SELECT m.mark ->> 1 FROM ingest.sync_state z JOIN ingest.sync s ON s.id = z.sync,
        jsonb_array_elements(z.marks) WITH ORDINALITY m (mark, n)
        WHERE z.sync = of_sync AND m.mark ->> 1 IS NOT NULL AND coalesce(m.mark -> 2, '[]') = '[]'
            AND (NOT waits OR (m.mark ->> 0)::timestamptz + s.overlap <= clock_here)
        ORDER BY m.n DESC LIMIT 1);
COMMENT ON FUNCTION ingest_internal.sync_settled(integer, timestamptz, boolean)
    IS 'the newest cursor below which nothing can still come; waits: only after the overlap has passed; null if '
    'not known yet';

-- Where it is known which transactions run at the source, they are the third of a mark, less those that have ended
-- since. Of marks with the same ones the newest says all.
CREATE FUNCTION ingest_internal.sync_mark_running(of_sync integer, clock_here timestamptz, newest text, running text[],
    waits boolean) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET marks = CASE WHEN running IS NULL THEN CASE WHEN waits THEN z.marks END ELSE k.kept
        || CASE WHEN newest IS NULL OR waits AND k.last + s.overlap / 16 >= clock_here THEN '[]'
        ELSE jsonb_build_array(jsonb_build_array(clock_here, newest, running)) END END,
        under_way = (SELECT jsonb_object_agg(r.name, coalesce(z.under_way -> r.name, to_jsonb(clock_here)))
            FROM unnest(running) r (name))
    FROM ingest.sync s, LATERAL (
        SELECT coalesce(jsonb_agg(g.mark ORDER BY g.n) FILTER (WHERE g.mark ->> 1 IS NULL OR g.young
                OR g.n = g.newest_such), '[]') AS kept,
            max((g.mark ->> 0)::timestamptz) FILTER (WHERE g.mark ->> 1 IS NOT NULL) AS last
        FROM (SELECT y.mark, y.n, y.young, max(y.n) OVER (PARTITION BY y.young, y.mark ->> 1 IS NULL,
            coalesce(y.mark -> 2, '[]')) AS newest_such
            FROM (SELECT m.mark, m.n, waits AND (m.mark ->> 0)::timestamptz + o.overlap > clock_here AS young
                FROM ingest.sync_state x JOIN ingest.sync o ON o.id = x.sync,
                    jsonb_array_elements(x.marks) WITH ORDINALITY m (mark, n) WHERE x.sync = of_sync) y) g) k
    WHERE z.sync = of_sync AND s.id = z.sync;
END;
COMMENT ON FUNCTION ingest_internal.sync_mark_running(integer, timestamptz, text, text[], boolean)
    IS 'records the newest cursor at a moment, and which transactions were under way at the source; null: not known';

CREATE FUNCTION ingest_internal.sync_under_way(of_sync integer, since interval) RETURNS jsonb LANGUAGE sql STABLE
    RETURN (SELECT jsonb_object_agg(w.key, w.value) FROM ingest.sync_state z, jsonb_each(z.under_way) w
        WHERE z.sync = of_sync AND (w.value #>> '{}')::timestamptz < clock_timestamp() - since
            -- told once a day for all copies of a source
            AND NOT EXISTS (SELECT FROM ingest.anomaly a JOIN ingest.sync s ON s.source = a.source WHERE s.id = of_sync
                AND a.kind = 'transaction' AND a.resolved_at IS NULL AND a.detected_at > now() - interval '1 day'));
COMMENT ON FUNCTION ingest_internal.sync_under_way(integer, interval)
    IS 'transactions that have run at the source for longer than this, and when each was first seen; null if none '
    'remains to be reported';

-- A transaction that is prepared has another name from then on: where one is gone, it may be any of these.
CREATE FUNCTION ingest_internal.sync_ran(of_sync integer, running text[]) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET marks = (SELECT jsonb_agg(CASE WHEN coalesce(m.mark -> 2, '[]') = '[]' THEN m.mark
        ELSE jsonb_set(m.mark, '{2}', (SELECT coalesce(jsonb_agg(r.name ORDER BY r.name), '[]') FROM (
            SELECT w.name FROM jsonb_array_elements_text(m.mark -> 2) w (name) WHERE w.name = ANY (running)
            UNION SELECT p.name FROM unnest(running) p (name) WHERE starts_with(p.name, 'prepared ') AND EXISTS (
                SELECT FROM jsonb_array_elements_text(m.mark -> 2) w (name)
                WHERE NOT starts_with(w.name, 'prepared ') AND w.name <> ALL (running))) r)) END ORDER BY m.n)
        FROM jsonb_array_elements(z.marks) WITH ORDINALITY m (mark, n))
    WHERE z.sync = of_sync AND z.marks IS NOT NULL AND running IS NOT NULL;
END;
COMMENT ON FUNCTION ingest_internal.sync_ran(integer, text[])
    IS 'keeps, of the transactions that ran at earlier moments, those that are still under way';

CREATE FUNCTION ingest_internal.sync_marks_loading(of_sync integer, waits boolean) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET marks = CASE WHEN waits OR coalesce(l.mark -> 2, '[]') <> '[]'
        THEN jsonb_build_array(jsonb_build_array(clock_timestamp(), NULL, l.mark -> 2), l.mark)
            ELSE jsonb_build_array(l.mark) END
    FROM (SELECT y.marks -> -1 AS mark FROM ingest.sync_state y WHERE y.sync = of_sync) l
    WHERE z.sync = of_sync AND l.mark IS NOT NULL;
END;
COMMENT ON FUNCTION ingest_internal.sync_marks_loading(integer, boolean)
    IS 'begins a load at the newest mark: keys are to be compared when what runs at the source has ended; waits: '
    'in any case';

-- not more often than is of use: a sixteenth of the overlap is read again for it
CREATE FUNCTION ingest_internal.sync_mark(of_sync integer, clock_here timestamptz, seen_at timestamptz, newest text)
    RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET marks = k.kept || CASE WHEN k.last + s.overlap / 16 >= sync_mark.seen_at THEN '[]'
        ELSE jsonb_build_array(jsonb_build_array(sync_mark.seen_at, newest)) END
    FROM ingest.sync s, LATERAL (
        SELECT coalesce(jsonb_agg(m.mark ORDER BY m.n), '[]') AS kept, max((m.mark ->> 0)::timestamptz)
            FILTER (WHERE m.mark ->> 1 IS NOT NULL) AS last
        FROM ingest.sync_state y, jsonb_array_elements(y.marks) WITH ORDINALITY m (mark, n) WHERE y.sync = of_sync
            AND (m.mark ->> 1 IS NULL OR (m.mark ->> 0)::timestamptz + s.overlap > clock_here)) k
    WHERE z.sync = of_sync AND s.id = z.sync;
END;
COMMENT ON FUNCTION ingest_internal.sync_mark(integer, timestamptz, timestamptz, text)
    IS 'records the newest cursor at a moment; settled marks are removed';

CREATE FUNCTION ingest_internal.sync_marks_anew(of_sync integer, seen_at timestamptz, compared_at timestamptz,
    newest text)
    RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET marks = CASE WHEN newest IS NOT NULL THEN jsonb_build_array(
        jsonb_build_array(compared_at, NULL), jsonb_build_array(sync_marks_anew.seen_at, newest)) END
    WHERE z.sync = of_sync;
END;
COMMENT ON FUNCTION ingest_internal.sync_marks_anew(integer, timestamptz, timestamptz, text)
    IS 'records that anything below the newest cursor may be missing: keys are to be compared when the overlap has '
    'passed; null: the cursor is a time';

CREATE FUNCTION ingest_internal.sync_is_unsettled(of_sync integer) RETURNS boolean LANGUAGE sql STABLE
    RETURN coalesce((SELECT bool_or((m.mark ->> 0)::timestamptz + s.overlap <= clock_timestamp()
            AND coalesce(m.mark -> 2, '[]') = '[]')
        FROM ingest.sync_state z JOIN ingest.sync s ON s.id = z.sync, jsonb_array_elements(z.marks) m (mark)
        WHERE z.sync = of_sync AND m.mark ->> 1 IS NULL), false);
COMMENT ON FUNCTION ingest_internal.sync_is_unsettled(integer)
    IS 'whether a load has ended that may have missed rows committed late, and these have been committed by now';

CREATE FUNCTION ingest_internal.sync_marks_compared(of_sync integer, began timestamptz) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET marks = (SELECT jsonb_agg(m.mark ORDER BY m.n)
        FROM jsonb_array_elements(z.marks) WITH ORDINALITY m (mark, n)
        WHERE m.mark ->> 1 IS NOT NULL OR (m.mark ->> 0)::timestamptz + s.overlap > began
            OR coalesce(m.mark -> 2, '[]') <> '[]')
    FROM ingest.sync s WHERE z.sync = of_sync AND s.id = z.sync AND z.marks IS NOT NULL;
END;
COMMENT ON FUNCTION ingest_internal.sync_marks_compared(integer, timestamptz)
    IS 'records that keys were compared, beginning at a moment';

CREATE FUNCTION ingest_internal.sync_may_ask(of_sync integer, trusted interval, tolerance interval) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN coalesce((SELECT z.clock_offset IS NOT NULL AND z.clock_at > clock_timestamp() - trusted
        AND z.clock_at <= clock_timestamp() AND s.overlap >= tolerance
        FROM ingest.sync_state z JOIN ingest.sync s ON s.id = z.sync WHERE z.sync = of_sync), false);
COMMENT ON FUNCTION ingest_internal.sync_may_ask(integer, interval, interval)
    IS 'whether the source''s clock was asked recently enough to believe "nothing changed"';

CREATE FUNCTION ingest_internal.sync_clock_goes(of_sync integer, clock_here timestamptz, clock_there timestamptz,
    tolerance interval) RETURNS boolean LANGUAGE sql STABLE
    RETURN coalesce((SELECT clock_here + z.clock_offset <= clock_there + tolerance FROM ingest.sync_state z
        WHERE z.sync = of_sync), false);
COMMENT ON FUNCTION ingest_internal.sync_clock_goes(integer, timestamptz, timestamptz, interval)
    IS 'whether the source''s clock runs as it did when a window was last read';

-- Loads

CREATE FUNCTION ingest_internal.sync_plan_range(of_sync integer, generation integer, n integer, low text, high text,
    expected bigint) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.sync_range (sync, generation, n, low, high, expected) VALUES ($1, $2, $3, $4, $5, $6);
END;
COMMENT ON FUNCTION ingest_internal.sync_plan_range(integer, integer, integer, text, text, bigint)
    IS 'records a range of the key that a load will read';

CREATE FUNCTION ingest_internal.sync_ranges(of_sync integer, of_generation integer)
    RETURNS TABLE (n integer, low text, high text, done boolean) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT r.n, r.low, r.high, r.done_at IS NOT NULL FROM ingest.sync_range r WHERE r.sync = of_sync
        AND r.generation = of_generation ORDER BY r.n;
END;
COMMENT ON FUNCTION ingest_internal.sync_ranges(integer, integer)
    IS 'the ranges of a load, in the order in which they are read';

CREATE FUNCTION ingest_internal.sync_range_done(of_sync integer, of_generation integer, of_n integer,
    rows_read bigint) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_range r SET done_at = clock_timestamp(), rows_read = sync_range_done.rows_read
    WHERE r.sync = of_sync AND r.generation = of_generation AND r.n = coalesce(of_n, r.n);
END;
COMMENT ON FUNCTION ingest_internal.sync_range_done(integer, integer, integer, bigint)
    IS 'records that a range of a load was read; without a number: all ranges';

CREATE FUNCTION ingest_internal.sync_lacks_columns(relation regclass, columns text[]) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM unnest(columns) c WHERE NOT EXISTS (SELECT FROM pg_attribute a
        WHERE a.attrelid = relation AND quote_ident(a.attname) = c AND NOT a.attisdropped));
COMMENT ON FUNCTION ingest_internal.sync_lacks_columns(regclass, text[])
    IS 'whether a relation lacks any of these columns, which are quoted';

CREATE FUNCTION ingest_internal.sync_unfilled(of_sync integer, columns text[]) RETURNS TABLE (quoted text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT DISTINCT quote_ident(c) FROM ingest.sync_state z, unnest(z.unfilled) c WHERE z.sync = of_sync
        AND quote_ident(c) = ANY (columns);
END;
COMMENT ON FUNCTION ingest_internal.sync_unfilled(integer, text[])
    IS 'new columns whose values in existing rows have not been read yet, among those in both tables; quoted';

-- Rows that do not fit

-- One that could not be read is put aside once, however often it is met.
CREATE FUNCTION ingest_internal.sync_reject(of_sync integer, run bigint, key jsonb, content jsonb, reason text,
    sqlstate text) RETURNS boolean LANGUAGE sql
BEGIN ATOMIC
    WITH again AS (UPDATE ingest.rejected_row r SET run = $2, reason = $5, sqlstate = $6 WHERE r.sync = $1
            AND r.resolved_at IS NULL AND $4 IS NULL AND r.content IS NULL AND r.key = $3 RETURNING r.id),
        news AS (INSERT INTO ingest.rejected_row (source, sync, run, key, content, reason, sqlstate)
            SELECT s.source, s.id, $2, $3, $4, $5, $6 FROM ingest.sync s WHERE s.id = $1
                AND NOT EXISTS (SELECT FROM again) RETURNING id)
    SELECT EXISTS (SELECT FROM news);
END;
COMMENT ON FUNCTION ingest_internal.sync_reject(integer, bigint, jsonb, jsonb, text, text)
    IS 'rejects a row; false if it has already been rejected';

CREATE FUNCTION ingest_internal.sync_last_rejected(of_run bigint) RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT format('%s: %s', coalesce(r.key::text, '?'), r.reason) FROM ingest.rejected_row r
        WHERE r.run = of_run ORDER BY r.id DESC LIMIT 1);
COMMENT ON FUNCTION ingest_internal.sync_last_rejected(bigint) IS 'the row that a run rejected last, and why';

CREATE FUNCTION ingest_internal.sync_rejected_keys(of_sync integer, but_run bigint) RETURNS jsonb[] LANGUAGE sql STABLE
    RETURN (SELECT array_agg(DISTINCT r.key) FROM ingest.rejected_row r WHERE r.sync = of_sync
        AND r.resolved_at IS NULL AND r.run <> but_run AND r.key IS NOT NULL);
COMMENT ON FUNCTION ingest_internal.sync_rejected_keys(integer, bigint) IS 'keys of rows that earlier runs rejected';

CREATE FUNCTION ingest_internal.sync_rejected_values(of_sync integer, key_column text) RETURNS TABLE (value text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT DISTINCT r.key ->> key_column FROM ingest.rejected_row r WHERE r.sync = of_sync AND r.resolved_at IS NULL
        AND r.key ->> key_column IS NOT NULL;
END;
COMMENT ON FUNCTION ingest_internal.sync_rejected_values(integer, text)
    IS 'values of rejected rows in the first column of their key';

CREATE FUNCTION ingest_internal.sync_resolve(of_sync integer, but_run bigint, keys jsonb[], key_column text)
    RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.rejected_row r SET resolved_at = now()
    WHERE r.sync = of_sync AND r.resolved_at IS NULL AND r.run <> but_run AND (r.key = ANY (keys)
        OR r.key ->> key_column IS NOT NULL);
END;
COMMENT ON FUNCTION ingest_internal.sync_resolve(integer, bigint, jsonb[], text)
    IS 'resolves rows that earlier runs rejected: those with one of the keys, or all whose key has the column';

-- History, events, lineage

CREATE FUNCTION ingest_internal.sync_make_partitions() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    today date := (now() AT TIME ZONE 'UTC')::date;
    day date;
    part text;
BEGIN
    FOREACH day IN ARRAY ARRAY[today, today + 1]
    LOOP
        part := 'change_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('ingest.' || part) IS NOT NULL;
        -- to attach one takes a weaker lock than to create it in its place
        EXECUTE format('CREATE TABLE ingest.%I (LIKE ingest.change INCLUDING DEFAULTS INCLUDING COMMENTS)', part);
        -- else nothing could be deleted from it where somebody publishes all tables
        EXECUTE format('ALTER TABLE ingest.%I REPLICA IDENTITY FULL', part);
        -- of many keys numbers are compared a good deal sooner than documents
        EXECUTE format('CREATE INDEX ON ingest.%I (sync, jsonb_hash_extended(key, 0))', part);
        EXECUTE format('CREATE INDEX ON ingest.%I (sync, seen_at)', part);
        EXECUTE format('ALTER TABLE ingest.change ATTACH PARTITION ingest.%I FOR VALUES FROM (%L) TO (%L)', part,
            day || ' 00:00:00+00', day + 1 || ' 00:00:00+00');
    END LOOP;
END $$;
COMMENT ON FUNCTION ingest_internal.sync_make_partitions()
    IS 'creates partitions of ingest.change for today and tomorrow (UTC)';

CREATE FUNCTION ingest_internal.sync_event_origin(of_sync integer) RETURNS TABLE (source_id integer, owner oid)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.source, d.owner FROM ingest.sync s JOIN ingest.data_source d ON d.id = s.source WHERE s.id = of_sync;
END;
COMMENT ON FUNCTION ingest_internal.sync_event_origin(integer)
    IS 'what events of a sync say about where they come from';

CREATE FUNCTION ingest_internal.sync_row_event(sync text, run bigint, operation text, key jsonb, before jsonb,
    after jsonb, source_time timestamptz) RETURNS jsonb LANGUAGE sql STABLE
    RETURN jsonb_build_object('sync', sync, 'run', run, 'operation', operation, 'key', key, 'before', before, 'after',
        after, 'source_time', source_time);
COMMENT ON FUNCTION ingest_internal.sync_row_event(text, bigint, text, jsonb, jsonb, jsonb, timestamptz)
    IS 'the data of an event about a changed row';

CREATE FUNCTION ingest_internal.sync_note_lineage(of_sync integer, job bigint, run bigint, quoted_columns text[],
    changed boolean) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.lineage_edge (source, from_schema, from_table, from_column, to_schema, to_table, to_column,
        kind, job, run, from_relation, from_attnum, to_relation, to_attnum)
    SELECT s.source, t.local_schema, t.local_name, a.attname, s.target_schema, s.target_table, a.attname, 'sync',
        sync_note_lineage.job, sync_note_lineage.run, t.relation, coalesce(o.attnum, 0), s.target, a.attnum
    FROM ingest.sync s JOIN ingest.source_table t ON t.id = s.table_id
        JOIN pg_attribute a ON a.attrelid = s.target
            AND a.attnum > 0 AND NOT a.attisdropped AND quote_ident(a.attname) = ANY (quoted_columns)
        LEFT JOIN pg_attribute o ON o.attrelid = t.relation AND o.attname = a.attname AND NOT o.attisdropped
    WHERE s.id = of_sync AND (changed OR NOT EXISTS (SELECT FROM ingest.lineage_edge e
        WHERE (e.to_schema, e.to_table, e.to_column, e.kind) = (s.target_schema, s.target_table, a.attname, 'sync')))
    ON CONFLICT (to_schema, to_table, to_column, from_schema, from_table, from_column, kind, owner) DO UPDATE
        SET last_seen = now(), run = excluded.run, job = excluded.job;
END;
COMMENT ON FUNCTION ingest_internal.sync_note_lineage(integer, bigint, bigint, text[], boolean)
    IS 'records that the columns of a copy come from those of its source';

-- Counts, and what is due

CREATE FUNCTION ingest_internal.sync_is_due(of_sync integer, mismatches_at_most integer) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN coalesce((SELECT z.mismatches > mismatches_at_most
        OR coalesce(coalesce(z.last_reconcile, '-infinity') + s.reconcile_every <= clock_timestamp(), false)
        FROM ingest.sync s JOIN ingest.sync_state z ON z.sync = s.id WHERE s.id = of_sync), false);
COMMENT ON FUNCTION ingest_internal.sync_is_due(integer, integer)
    IS 'whether keys are to be compared: it is time, or the counts differed after more runs in a row than this';

CREATE FUNCTION ingest_internal.sync_counts_agree(of_sync integer, rows_there bigint, key_sum_there numeric)
    RETURNS boolean LANGUAGE sql STABLE
    RETURN coalesce((SELECT z.rows = rows_there AND (key_sum_there IS NULL OR z.key_sum = key_sum_there)
        FROM ingest.sync_state z WHERE z.sync = of_sync), false);
COMMENT ON FUNCTION ingest_internal.sync_counts_agree(integer, bigint, numeric)
    IS 'whether the row count and sum kept for a copy agree with the source''s';

-- Functions and aggregates of the server's own alone, which wrappers may have computed at a source: qualified, since
-- they stand in statements that run under the owner's search_path.
CREATE FUNCTION ingest_internal.sync_figures(target regclass, quoted_columns text[], hashes boolean)
    RETURNS TABLE (figure text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT f.figure FROM pg_attribute a
        CROSS JOIN LATERAL (SELECT quote_ident(a.attname) AS c, a.atttypid::regtype::text AS type) k
        CROSS JOIN LATERAL (
            SELECT format('pg_catalog.count(%s)', k.c) AS figure
            UNION ALL SELECT format('pg_catalog.sum(%s)', k.c) WHERE k.type IN ('smallint', 'integer', 'bigint')
                OR hashes AND k.type = 'numeric'
            UNION ALL SELECT format('pg_catalog.%s(%s)', m, k.c) FROM unnest(ARRAY['min', 'max']) m
                WHERE k.type IN ('numeric', 'date', 'timestamp without time zone', 'timestamp with time zone')
            UNION ALL SELECT format('pg_catalog.sum(pg_catalog.%s, 0))', CASE k.type
                WHEN 'text' THEN format('hashtextextended(%s', k.c)
                WHEN 'character varying' THEN format('hashtextextended(%s::text', k.c)
                WHEN 'character' THEN format('hashbpcharextended(%s', k.c)
                WHEN 'uuid' THEN format('uuid_hash_extended(%s', k.c)
                WHEN 'jsonb' THEN format('jsonb_hash_extended(%s', k.c)
                WHEN 'double precision' THEN format('hashfloat8extended(%s', k.c)
                WHEN 'real' THEN format('hashfloat4extended(%s', k.c)
                WHEN 'boolean' THEN format('hashint4extended(%s::integer', k.c)
                WHEN 'date' THEN format('hashint4extended(%s OPERATOR(pg_catalog.-) date ''2000-01-01''', k.c)
                WHEN 'timestamp without time zone' THEN format('timestamp_hash_extended(%s', k.c)
                WHEN 'timestamp with time zone' THEN format('interval_hash_extended(%s OPERATOR(pg_catalog.-) '
                    || 'timestamptz ''2000-01-01 00:00:00+00''', k.c) END)
                WHERE hashes AND k.type IN ('text', 'character varying', 'character', 'uuid', 'jsonb',
                    'double precision', 'real', 'boolean', 'date', 'timestamp without time zone',
                    'timestamp with time zone')
            ) f
    WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND quote_ident(a.attname) = ANY (quoted_columns)
    ORDER BY a.attnum, f.figure;
END;
COMMENT ON FUNCTION ingest_internal.sync_figures(regclass, text[], boolean)
    IS 'what is asked about the columns of a copy and of its source to compare them: with hashes, or by counts, '
    'extremes and sums';

CREATE FUNCTION ingest_internal.sync_note_counts(of_sync integer, rows_there bigint, agree boolean) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.source_table t SET row_count = rows_there FROM ingest.sync s WHERE s.id = of_sync
        AND t.id = s.table_id;
    UPDATE ingest.sync_state z SET mismatches = CASE WHEN agree THEN 0 ELSE z.mismatches + 1 END
        WHERE z.sync = of_sync AND agree IS NOT NULL;
END;
COMMENT ON FUNCTION ingest_internal.sync_note_counts(integer, bigint, boolean)
    IS 'records the number of rows at the source, and whether the copy has as many; null: not compared';

CREATE FUNCTION ingest_internal.sync_note_newest(of_sync integer, newest timestamptz) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.source_table t SET last_change = greatest(t.last_change, newest) FROM ingest.sync s
        WHERE s.id = of_sync AND t.id = s.table_id;
END;
COMMENT ON FUNCTION ingest_internal.sync_note_newest(integer, timestamptz)
    IS 'records the newest cursor that was seen in a source''s table';

-- A commit that by now is yet to come: the clock here was set back. Nobody knows when it was by the clock that is
-- right, but after the last one before it, and before now.
CREATE FUNCTION ingest_internal.sync_clock_set_back(of_sync integer, by_now timestamptz) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.change_commit c SET after_commit = by_now, before_commit = coalesce((SELECT p.after_commit
        FROM ingest.change_commit p WHERE p.sync = of_sync AND p.before_commit <= by_now AND p.after_commit <= by_now
        ORDER BY p.before_commit DESC LIMIT 1), '-infinity')
    WHERE c.sync = of_sync AND c.before_commit > by_now AND c.after_commit IS NOT NULL;
END;
COMMENT ON FUNCTION ingest_internal.sync_clock_set_back(integer, timestamptz)
    IS 'corrects commits that were recorded by a clock that was ahead to a moment that has come';

CREATE FUNCTION ingest_internal.sync_seal() RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest_internal.sync_clock_set_back(c.sync, clock_timestamp()) FROM ingest.change_commit c
        WHERE c.seen_at = now() AND c.after_commit IS NULL;
    UPDATE ingest.change_commit c SET before_commit = clock_timestamp() WHERE c.seen_at = now()
        AND c.after_commit IS NULL;
END;
COMMENT ON FUNCTION ingest_internal.sync_seal()
    IS 'notes that this transaction is about to commit what it wrote to history';

CREATE FUNCTION ingest_internal.sync_settle(moment timestamptz) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.change_commit c SET after_commit = clock_timestamp() WHERE c.seen_at = moment
        AND c.after_commit IS NULL;
    SELECT ingest_internal.sync_clock_set_back(c.sync, c.after_commit) FROM ingest.change_commit c
        WHERE c.seen_at = moment AND c.before_commit > c.after_commit;
END;
COMMENT ON FUNCTION ingest_internal.sync_settle(timestamptz) IS 'notes that it has been committed';

CREATE FUNCTION ingest_internal.sync_take_over(of_sync integer) RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest_internal.runs_lost(ARRAY(SELECT r.id FROM ingest.run r WHERE r.sync = of_sync
        AND r.state = 'running'));
    -- nobody else is at it, so that what is here was committed
    WITH RECURSIVE family AS (SELECT of_sync AS id UNION SELECT s.id FROM ingest.sync s JOIN family f
        ON s.parent = f.id)
    UPDATE ingest.change_commit c SET after_commit = clock_timestamp() FROM family f WHERE c.sync = f.id
        AND c.after_commit IS NULL;
    WITH RECURSIVE family AS (SELECT of_sync AS id UNION SELECT s.id FROM ingest.sync s JOIN family f
        ON s.parent = f.id)
    SELECT ingest_internal.sync_clock_set_back(f.id, clock_timestamp()) FROM family f;
    UPDATE ingest.sync_state z SET epoch = z.epoch + 1 WHERE z.sync = of_sync RETURNING z.epoch;
END;
COMMENT ON FUNCTION ingest_internal.sync_take_over(integer)
    IS 'begins a run: whoever had the sync before is gone, and so is their epoch';

CREATE FUNCTION ingest_internal.sync_stop(of_sync integer, reason text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync s SET state = 'stopped', state_reason = reason WHERE s.id = of_sync AND s.state = 'active';
    SELECT ingest_internal.alert_stopped(of_sync, reason);
END;
COMMENT ON FUNCTION ingest_internal.sync_stop(integer, text) IS 'stops a sync, which then needs attention';

-- What a run that got to its end left out, in words that stay the same; succeeded means that there is none of it.

CREATE FUNCTION ingest_internal.sync_left_out(of_sync integer, ahead boolean) RETURNS text[] LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT array_agg(w.what ORDER BY w.n)
    FROM ingest.sync s JOIN ingest.sync_state z ON z.sync = s.id, LATERAL (VALUES
        (1, 'rejected rows', EXISTS (SELECT FROM ingest.rejected_row j WHERE j.sync = s.id AND j.resolved_at IS NULL)),
        (2, 'kept rows', z.kept),
        (3, 'differing counts', z.mismatches > 0),
        (4, 'owed comparison', EXISTS (SELECT FROM jsonb_array_elements(z.marks) m (mark) WHERE m.mark ->> 1 IS NULL)),
        (5, 'waiting children', EXISTS (SELECT FROM ingest.sync_owed o JOIN ingest.sync c ON c.id = o.sync
            WHERE s.id IN (c.id, c.parent))),
        (6, 'unfilled columns', z.unfilled <> '{}'),
        (7, 'gone columns', EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = s.target
            AND a.attname::text = ANY (z.vanished) AND NOT a.attisdropped)),
        (8, 'stamps ahead', ahead),
        (9, 'failed pieces', EXISTS (SELECT FROM ingest.sync_piece p WHERE p.sync = s.id AND p.state = 'failed')),
        (10, 'unread pieces', EXISTS (SELECT FROM ingest.sync_piece p WHERE p.sync = s.id AND p.state = 'pending')))
            w (n, what, is_so)
    WHERE s.id = of_sync AND w.is_so;
END;
COMMENT ON FUNCTION ingest_internal.sync_left_out(integer, boolean)
    IS 'what a run of a sync left out, at its end; null if nothing. ahead: timestamps that lie in the future were seen';

CREATE FUNCTION ingest_internal.sync_note_kept(of_sync integer, compared boolean, kept boolean) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET kept = $3 OR z.kept AND NOT $2 WHERE z.sync = of_sync
        AND z.kept <> ($3 OR z.kept AND NOT $2);
END;
COMMENT ON FUNCTION ingest_internal.sync_note_kept(integer, boolean, boolean)
    IS 'records whether a run kept rows that are gone at the source; compared: it looked at all of them';

-- What the runs of a process did, of a sync and of those whose rows belong to it: for who called, so in words
CREATE FUNCTION ingest_internal.sync_report(of_name text, by_pid integer, after_run bigint) RETURNS TABLE (line text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE family AS (
        SELECT s.id FROM ingest.sync s WHERE s.name = of_name
        UNION SELECT s.id FROM ingest.sync s JOIN family f ON s.parent = f.id),
    done AS (
        SELECT r.*, s.name, s.cursor_column, s.parent, z.watermark, z.unfilled, z.reload FROM ingest.run r
            JOIN family f ON f.id = r.sync JOIN ingest.sync s ON s.id = r.sync JOIN ingest.sync_state z ON z.sync = s.id
        WHERE r.pid = by_pid AND r.id > after_run AND r.kind = 'sync' AND r.state IN ('succeeded', 'succeeded with'))
    SELECT said.line FROM (
        SELECT d.id AS run, 1 AS part, 0::bigint AS n,
            format('sync "%s": %s rows read, %s inserted, %s updated, %s deleted, %s rejected', d.name, d.rows_read,
            d.rows_inserted, d.rows_updated, d.rows_deleted, d.rows_rejected)
            || CASE WHEN d.watermark IS NOT NULL AND d.cursor_column IS NOT NULL
                THEN format('; all up to %s %s is here', d.cursor_column, d.watermark) ELSE '' END
            || coalesce('; succeeded with ' || array_to_string(d.left_out, ', '), '') AS line FROM done d
        UNION ALL SELECT d.id, 2, a.id, format('sync "%s": %s', d.name, a.summary) FROM done d
            JOIN ingest.anomaly a ON a.run = d.id
        UNION ALL SELECT d.id, 3, 0,
        format('sync "%s": %s rows that did not fit wait in ingest.rejected_row; CALL ingest.redrive(%L) '
            'tries them again',
                d.name, w.n, d.name)
            FROM done d, LATERAL (SELECT count(*) AS n FROM ingest.rejected_row j WHERE j.sync = d.sync
                AND j.resolved_at IS NULL) w WHERE w.n > 0
        UNION ALL SELECT d.id, 4, 0, format('sync "%s": values of existing rows in %s have not been read yet', d.name,
            array_to_string(d.unfilled, ', ')) FROM done d WHERE d.unfilled <> '{}'
        UNION ALL SELECT d.id, 5, c.id, format('sync "%s", whose rows belong to these, is %s and did not follow',
            c.name, c.state) FROM done d JOIN ingest.sync c ON c.parent = d.sync WHERE c.state <> 'active') said
    ORDER BY said.run, said.part, said.n;
END;
COMMENT ON FUNCTION ingest_internal.sync_report(text, integer, bigint)
    IS 'what the runs of a process that began after a given one did and left out, one line each';

-- Comments of a copy: those of the source where there are none, or ones that the engine wrote

CREATE FUNCTION ingest_internal.sync_comments(of_sync integer, target regclass)
    RETURNS TABLE (column_name name, comment text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT w.column_name, w.wanted
    FROM ingest.sync s JOIN ingest.source_table t ON t.id = s.table_id JOIN ingest.sync_state z ON z.sync = s.id,
        LATERAL (SELECT NULL::name AS column_name, ''::text AS known_as, t.description AS wanted,
            obj_description(target, 'pg_class') AS present
            UNION ALL SELECT a.attname, a.attname::text, c.description, col_description(target, a.attnum)
            FROM pg_attribute a JOIN ingest.source_column c ON c.table_id = t.id AND c.name = a.attname
                AND c.gone_at IS NULL
            WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped) w
    WHERE s.id = of_sync AND nullif(w.wanted, '') IS DISTINCT FROM w.present
        AND (w.present IS NULL OR w.present = z.comments ->> w.known_as)
        AND pg_has_role(s.owner, (SELECT r.relowner FROM pg_class r WHERE r.oid = target), 'USAGE');
END;
COMMENT ON FUNCTION ingest_internal.sync_comments(integer, regclass)
    IS 'comments of a copy and its columns that should follow the source''s; without a column: that of the table';

CREATE FUNCTION ingest_internal.sync_note_comment(of_sync integer, column_name text, comment text) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET comments = jsonb_set(coalesce(z.comments, '{}'), ARRAY[coalesce(column_name, '')],
        coalesce(to_jsonb(comment), 'null')) WHERE z.sync = of_sync;
END;
COMMENT ON FUNCTION ingest_internal.sync_note_comment(integer, text, text) IS 'records a comment that the engine wrote';

-- Settings that alter_sync changes

CREATE FUNCTION ingest_internal.sync_settings(of_sync integer)
    RETURNS TABLE (mode text, key name[], cursor_column name, overlap interval, batch_rows integer, deletions text,
        parent integer, parent_column name, history boolean,
        history_retention interval, row_events boolean, profile text, reconcile_every interval,
        max_delete_share float8, reject_limit float8, exclude name[], pseudonymise name[], pseudonym_key text,
        deleted_when text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.mode, s.key, s.cursor_column, s.overlap, s.batch_rows, s.deletions, s.parent, s.parent_column, s.history,
        s.history_retention, s.row_events, s.profile, s.reconcile_every, s.max_delete_share, s.reject_limit,
        s.exclude, s.pseudonymise, s.pseudonym_key, s.deleted_when
            FROM ingest.sync s WHERE s.id = of_sync;
END;
COMMENT ON FUNCTION ingest_internal.sync_settings(integer) IS 'the settings of a sync, as far as they can be changed';

-- What another key, cursor or mode says of rows is not known before they are read again; a run under way knows only the
-- old ones, and with a new epoch it writes nothing more
CREATE FUNCTION ingest_internal.sync_update(of_sync integer, mode text, key name[], cursor_column name,
    overlap interval, batch_rows integer, deletions text, parent integer, parent_column name,
    history boolean, history_retention interval, row_events boolean, profile text, reconcile_every interval,
        max_delete_share float8, reject_limit float8, exclude name[], pseudonymise name[], pseudonym_key text,
    deleted_when text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET epoch = z.epoch + 1, reload = z.phase <> 'new',
        watermark = NULL, watermark_time = NULL, next_watermark = NULL
    FROM ingest.sync s
    WHERE s.id = $1 AND z.sync = s.id AND (s.mode, s.key, s.cursor_column, s.deleted_when)
        IS DISTINCT FROM ($2, $3, $4, $20);
    DELETE FROM ingest.sync_piece p USING ingest.sync s WHERE s.id = $1 AND p.sync = s.id AND $2 <> 'pieces';
    UPDATE ingest.sync_state z SET history_since = CASE WHEN $10 THEN clock_timestamp() END FROM ingest.sync s
        WHERE s.id = $1 AND z.sync = s.id AND s.history <> $10;
    UPDATE ingest.sync s SET mode = $2, key = $3, cursor_column = $4, overlap = $5, batch_rows = $6, deletions = $7,
        parent = $8, parent_column = $9, history = $10, history_retention = $11,
        row_events = $12, profile = $13, reconcile_every = $14, max_delete_share = $15, reject_limit = $16,
        exclude = $17, pseudonymise = $18, pseudonym_key = $19, deleted_when = $20
            WHERE s.id = $1;
END;
COMMENT ON FUNCTION ingest_internal.sync_update(integer, text, name[], name, interval, integer, text, integer, name,
    boolean, interval, boolean, text, interval, float8, float8, name[], name[], text, text)
    IS 'changes the settings of a sync';

CREATE FUNCTION ingest_internal.sync_changed(of_sync integer, was jsonb) RETURNS TABLE (before jsonb, after jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_object_agg(n.key, was -> n.key), jsonb_object_agg(n.key, n.value)
    FROM ingest.sync s, jsonb_each(to_jsonb(s)) n WHERE s.id = of_sync AND n.value IS DISTINCT FROM was -> n.key;
END;
COMMENT ON FUNCTION ingest_internal.sync_changed(integer, jsonb)
    IS 'what has changed in the settings of a sync; nulls if nothing';

CREATE FUNCTION ingest_internal.sync_freshness(of_sync integer, objective interval)
    RETURNS TABLE (before jsonb, after jsonb)
    LANGUAGE plpgsql AS $$
DECLARE
    number integer := (SELECT s.table_id FROM ingest.sync s WHERE s.id = of_sync);
    was interval := (SELECT t.freshness_objective FROM ingest.source_table t WHERE t.id = number);
BEGIN
    IF objective <= '0' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'freshness, how old a copy may be, must be positive',
            HINT = 'Null means that it may be of any age.';
    END IF;
    UPDATE ingest.source_table t SET freshness_objective = objective
    WHERE t.id = number AND was IS DISTINCT FROM objective;
    IF FOUND THEN
        RETURN QUERY SELECT jsonb_build_object('freshness', was), jsonb_build_object('freshness', objective);
    END IF;
END $$;
COMMENT ON FUNCTION ingest_internal.sync_freshness(integer, interval)
    IS 'sets how old the copy may be; returns the old and the new value, unless they are the same';

CREATE FUNCTION ingest_internal.sync_is_above(of_sync integer, below integer) RETURNS boolean LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE up AS (SELECT s.id, s.parent FROM ingest.sync s WHERE s.id = below UNION SELECT s.id, s.parent
        FROM ingest.sync s JOIN up ON s.id = up.parent)
    SELECT EXISTS (SELECT FROM up WHERE up.id = of_sync);
END;
COMMENT ON FUNCTION ingest_internal.sync_is_above(integer, integer)
    IS 'whether a sync is another one, its parent, or further up';

-- History

CREATE FUNCTION ingest_internal.sync_history(of_sync integer)
    RETURNS TABLE (id integer, name text, relation oid, target_schema name, target_table name, key name[],
        history boolean, retention interval, since timestamptz, owner oid, owner_name name) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.id, s.name, coalesce(c.oid, 0), coalesce(n.nspname, s.target_schema), coalesce(c.relname, s.target_table),
        s.key, s.history, s.history_retention, greatest(z.history_since, now() - s.history_retention), s.owner,
        s.owner_name
    FROM ingest.sync s JOIN ingest.sync_state z ON z.sync = s.id LEFT JOIN pg_class c ON c.oid = s.target
        LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE s.id = of_sync;
END;
COMMENT ON FUNCTION ingest_internal.sync_history(integer)
    IS 'what a sync keeps history of, and since when it is available';

CREATE FUNCTION ingest_internal.sync_unsettled(of_sync integer, moment timestamptz, by_now timestamptz)
    RETURNS TABLE (began timestamptz, ended timestamptz) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT u.began, u.ended FROM (
        SELECT c.before_commit AS began, c.after_commit AS ended FROM ingest.change_commit c WHERE c.sync = of_sync
            AND c.before_commit <= moment AND (c.after_commit > moment OR c.after_commit IS NULL)
        -- one that is yet to come, which the next run sets right
        UNION ALL SELECT p.at, NULL FROM (SELECT coalesce((SELECT c.after_commit FROM ingest.change_commit c
            WHERE c.sync = of_sync AND c.before_commit <= by_now ORDER BY c.before_commit DESC LIMIT 1),
            '-infinity') AS at) p
        WHERE p.at <= moment AND EXISTS (SELECT FROM ingest.change_commit c WHERE c.sync = of_sync
            AND c.before_commit > by_now)) u
    ORDER BY u.ended DESC NULLS FIRST LIMIT 1;
END;
COMMENT ON FUNCTION ingest_internal.sync_unsettled(integer, timestamptz, timestamptz)
    IS 'the commit, if any, of which it is not known whether it was seen at a moment; with the moments between '
    'which it happened, if known';

CREATE FUNCTION ingest_internal.sync_owe(of_parent integer, followed integer[], parents text[]) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.sync_owed (sync, parent_key) SELECT DISTINCT s.id, p
        FROM ingest.sync s JOIN ingest.sync_state z ON z.sync = s.id, unnest(parents) p
        WHERE s.parent = of_parent AND s.id <> ALL (followed) AND s.parent_column IS NOT NULL AND z.phase <> 'new'
        ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION ingest_internal.sync_owe(integer, integer[], text[])
    IS 'records rows of a parent that changed while the syncs of its children did not follow';

CREATE FUNCTION ingest_internal.sync_into(target regclass) RETURNS integer LANGUAGE sql STABLE
    RETURN (SELECT s.id FROM ingest.sync s WHERE s.target = sync_into.target AND s.target <> 0);
COMMENT ON FUNCTION ingest_internal.sync_into(regclass) IS 'the sync whose copy a table is; null if there is none';

CREATE FUNCTION ingest_internal.sync_key_columns(target regclass, key text[]) RETURNS TABLE (quoted text, type oid)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT quote_ident(a.attname), a.atttypid FROM pg_attribute a WHERE a.attrelid = target
        AND a.attname::text = ANY (key) AND NOT a.attisdropped ORDER BY a.attnum;
END;
COMMENT ON FUNCTION ingest_internal.sync_key_columns(regclass, text[])
    IS 'the columns of a key, by which rows are looked up';

CREATE FUNCTION ingest_internal.sync_column_list(target regclass, prefix text, with_marks boolean) RETURNS text
    LANGUAGE sql STABLE
    RETURN (SELECT string_agg(prefix || quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND (with_marks
            OR a.attname <> '_deleted_at'));
COMMENT ON FUNCTION ingest_internal.sync_column_list(regclass, text, boolean)
    IS 'the columns of a copy for a SELECT list, each with a prefix; without marks: without the column that marks '
    'soft deletions';

CREATE FUNCTION ingest_internal.is_history_view(schema_name name, view_name name, owner oid) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM pg_roles o JOIN pg_class c ON c.relowner = o.oid
        JOIN pg_rewrite r ON r.ev_class = c.oid JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass
        AND d.objid = r.oid
            JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid
                JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE c.oid = ingest_internal.relation_of(schema_name, view_name) AND o.oid = is_history_view.owner
            AND c.relkind = 'v' AND n.nspname = 'ingest' AND p.proname = 'row_history');
COMMENT ON FUNCTION ingest_internal.is_history_view(name, name, oid)
    IS 'whether a view was created by create_history_view and still belongs to the given owner';

CREATE FUNCTION ingest_internal.sync_old_partitions() RETURNS TABLE (partition regclass) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.oid::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'ingest.change'::regclass AND c.relname ~ '^change_\d{8}$'
        AND to_date(right(c.relname, 8),
            'YYYYMMDD') + 1 <= (SELECT min((now() - s.history_retention) AT TIME ZONE 'UTC')::date FROM ingest.sync s
            WHERE s.history)
        AND NOT EXISTS (SELECT FROM ingest.sync s WHERE s.history AND s.history_retention IS NULL);
END;
COMMENT ON FUNCTION ingest_internal.sync_old_partitions() IS 'days of history that no sync needs any more';

CREATE FUNCTION ingest_internal.sync_prune_changes() RETURNS void LANGUAGE sql
BEGIN ATOMIC
    DELETE FROM ingest.change c USING ingest.sync s WHERE s.id = c.sync AND s.history_retention IS NOT NULL
        AND c.seen_at < now() - s.history_retention;
    DELETE FROM ingest.change_commit c USING ingest.sync s WHERE s.id = c.sync AND s.history_retention IS NOT NULL
        AND c.after_commit < now() - s.history_retention;
    UPDATE ingest.sync_state z SET history_since = now() - s.history_retention FROM ingest.sync s
    WHERE s.id = z.sync AND s.history AND z.history_since < now() - s.history_retention;
END;
COMMENT ON FUNCTION ingest_internal.sync_prune_changes()
    IS 'deletes versions older than their sync''s retention; history begins later from then on';

-- Why a copy is not kept, whatever its state says: what it reads or writes is gone, or is another one's by now

CREATE FUNCTION ingest_internal.sync_trouble(owner oid, origin oid, foreign_schema name, foreign_table name, target oid,
    target_schema name, target_table name) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_sync_trouble' LANGUAGE C STABLE STRICT;
COMMENT ON FUNCTION ingest_internal.sync_trouble(oid, oid, name, name, oid, name, name)
    IS 'why a copy cannot be kept current; null if both of its tables exist';
