
-- What the room asks of the repository for pieces, bad rows and what must not be told.  Called by its C alone, as the
-- engine.

-- What must not be told

CREATE FUNCTION ingest_internal.sync_secret_lost(foreign_table regclass, of_sync integer) RETURNS name
    LANGUAGE sql STABLE
    RETURN (SELECT n.name FROM ingest.sync s, unnest(s.exclude || s.pseudonymise) n (name)
        LEFT JOIN pg_attribute a ON a.attrelid = foreign_table AND a.attname = n.name AND NOT a.attisdropped
        LEFT JOIN LATERAL (SELECT c.gone_at FROM ingest.source_column c WHERE c.table_id = s.table_id
            AND c.name = n.name) k ON true
        WHERE s.id = of_sync AND (a.attname IS NULL OR k.gone_at IS NOT NULL) LIMIT 1);
COMMENT ON FUNCTION ingest_internal.sync_secret_lost(regclass, integer)
    IS 'a column that is excluded or pseudonymised and no longer exists: it may have another name now';

CREATE FUNCTION ingest_internal.sync_note_pseudonym_key(of_sync integer, hash text) RETURNS boolean LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_state z SET pseudonym_key_hash = hash, reload = z.reload OR z.pseudonym_key_hash IS NOT NULL
        AND z.phase <> 'new'
    WHERE z.sync = of_sync AND z.pseudonym_key_hash IS DISTINCT FROM hash RETURNING z.reload;
END;
COMMENT ON FUNCTION ingest_internal.sync_note_pseudonym_key(integer, text)
    IS 'records the key with which pseudonyms are made; true: it has changed, and everything is to be read again';

CREATE FUNCTION ingest_internal.profile_columns(of_relation oid) RETURNS text[] LANGUAGE sql STABLE
    RETURN (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
        JOIN (SELECT array_agg(k.name) AS names FROM ingest.source_table t JOIN ingest.sync s ON s.table_id = t.id,
            unnest(s.exclude || s.pseudonymise) k (name) WHERE t.relation = of_relation AND of_relation <> 0) x
            ON x.names IS NOT NULL
        WHERE a.attrelid = of_relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL (x.names));
COMMENT ON FUNCTION ingest_internal.profile_columns(oid)
    IS 'the columns of a source''s table that a profile may show: those that no sync excludes or pseudonymises; '
    'null: all';

-- Bad rows

CREATE FUNCTION ingest_internal.sync_bad_rows(errors jsonb[], keys text[], with_content boolean, hidden boolean,
        foreign_table regclass, key_columns text[])
    RETURNS TABLE (key jsonb, content jsonb, reason text, sqlstate text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(nullif(k.key, '')::jsonb, CASE WHEN hidden THEN (SELECT jsonb_object_agg(m.key, m.value)
            FROM jsonb_each(CASE jsonb_typeof(e.said -> 'key') WHEN 'object' THEN e.said -> 'key' END) m
            WHERE m.key = ANY (key_columns)) ELSE e.said -> 'key' END),
        CASE WHEN NOT with_content THEN NULL
            WHEN hidden THEN jsonb_strip_nulls(jsonb_build_object('column', e.error -> 'column', 'line',
                e.error -> 'line'))
            WHEN e.error ? 'row' THEN jsonb_strip_nulls(jsonb_build_object('row', e.error -> 'row', 'line',
                e.error -> 'line')) ELSE e.error END,
        CASE WHEN hidden THEN 'a value ' || coalesce('of column ' || (e.error ->> 'column') || ' ', '')
                || 'does not fit; which is not told, since columns of this sync are excluded or pseudonymised'
            ELSE coalesce(e.error ->> 'reason', 'the wrapper does not say why') END,
        coalesce(substring(e.error ->> 'sqlstate' FROM '^[0-9A-Z]{5}$'), '22000')
    FROM ROWS FROM (unnest(errors), unnest(keys)) WITH ORDINALITY x (error, key, n)
        -- what is told of a row of which nothing may be quoted is what it is called: a column, a number
        CROSS JOIN LATERAL (SELECT x.error AS said, CASE WHEN hidden THEN jsonb_build_object(
            'sqlstate', x.error ->> 'sqlstate',
            'column', (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = foreign_table AND a.attnum > 0
                AND a.attname = x.error ->> 'column'),
            'line', CASE jsonb_typeof(x.error -> 'line') WHEN 'number' THEN x.error -> 'line' END)
            ELSE x.error END AS error) e
        CROSS JOIN LATERAL (SELECT x.key) k ORDER BY x.n;
END;
COMMENT ON FUNCTION ingest_internal.sync_bad_rows(jsonb[], text[], boolean, boolean, regclass, text[])
    IS 'what a wrapper reported about bad rows, as rejected rows; hidden: without anything that may quote a value';

-- Pieces

CREATE FUNCTION ingest_internal.sync_pieces_open(of_sync integer)
    RETURNS TABLE (piece text, version text, extent bigint, bytes bigint, was_here boolean, read_extent bigint,
        prefix text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT p.piece, p.listed_version, p.listed_extent, coalesce(p.bytes, 0), p.read_at IS NOT NULL, p.extent, p.prefix
    FROM ingest.sync_piece p WHERE p.sync = of_sync AND p.state = 'pending' AND p.settled
    ORDER BY p.modified NULLS FIRST, p.piece COLLATE "C";
END;
COMMENT ON FUNCTION ingest_internal.sync_pieces_open(integer) IS 'pieces that are to be read, in order';

CREATE FUNCTION ingest_internal.sync_pieces_anew(of_sync integer) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_piece p SET state = 'pending', version = NULL, prefix = NULL, next_try = NULL
    WHERE p.sync = of_sync AND p.state <> 'gone';
END;
COMMENT ON FUNCTION ingest_internal.sync_pieces_anew(integer) IS 'marks all pieces to be read again, in full';

CREATE FUNCTION ingest_internal.sync_pieces_grown_anew(of_sync integer) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_piece p SET state = 'pending', version = NULL, prefix = NULL
    FROM ingest.sync s JOIN ingest.sync_state z ON z.sync = s.id
    WHERE s.id = of_sync AND p.sync = s.id AND p.grown AND p.state = 'done'
        AND coalesce(z.last_reconcile, '-infinity') + s.reconcile_every <= clock_timestamp();
    UPDATE ingest.sync_state z SET last_reconcile = clock_timestamp() FROM ingest.sync s
    WHERE s.id = of_sync AND z.sync = s.id
        AND coalesce(coalesce(z.last_reconcile, '-infinity') + s.reconcile_every <= clock_timestamp(), false);
    -- what went long ago is forgotten
    DELETE FROM ingest.sync_piece p WHERE p.sync = of_sync AND p.state = 'gone'
        AND p.read_at < clock_timestamp() - interval '30 days';
END;
COMMENT ON FUNCTION ingest_internal.sync_pieces_grown_anew(integer)
    IS 'marks pieces that were read in parts to be read in full, when it is time';

CREATE FUNCTION ingest_internal.sync_piece_done(of_sync integer, of_piece text, version text, extent bigint,
    prefix text, is_part boolean, rows bigint, rejected bigint, run bigint) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_piece p SET state = 'done', version = $3, extent = $4, prefix = $5, grown = $6,
        rows = $7 + CASE WHEN $6 THEN p.rows ELSE 0 END, rejected = $8 + CASE WHEN $6 THEN p.rejected ELSE 0 END,
        read_at = clock_timestamp(), run = $9, tries = 0, next_try = NULL, error = NULL, sqlstate = NULL
    WHERE p.sync = of_sync AND p.piece = of_piece;
END;
COMMENT ON FUNCTION ingest_internal.sync_piece_done(integer, text, text, bigint, text, boolean, bigint, bigint, bigint)
    IS 'records that a piece, or what was appended to it, is here';

-- one that needs a crawl stays open, so that the run after that reads it
CREATE FUNCTION ingest_internal.sync_piece_failed(of_sync integer, of_piece text, error text, sqlstate text,
    drifts boolean, run bigint) RETURNS boolean LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_piece p SET state = CASE WHEN drifts THEN 'pending' ELSE 'failed' END, error = $3, sqlstate = $4,
        run = $6, tries = p.tries + 1,
        next_try = CASE WHEN NOT drifts THEN clock_timestamp() + least(interval '1 min' * 2 ^ least(p.tries, 20),
            interval '1 day') END
    WHERE p.sync = of_sync AND p.piece = of_piece RETURNING p.tries = 1;
END;
COMMENT ON FUNCTION ingest_internal.sync_piece_failed(integer, text, text, text, boolean, bigint)
    IS 'records that a piece could not be read; true for the first time since it last changed';

CREATE FUNCTION ingest_internal.sync_pieces_mended(of_sync integer, pieces text[]) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest_internal.alert_closes('anomaly', 'anomaly ' || a.id, 'the piece is another one now, or gone')
    FROM ingest.anomaly a WHERE a.sync = of_sync AND a.kind = 'piece' AND a.resolved_at IS NULL
        AND a.evidence ->> 'piece' = ANY (pieces);
    UPDATE ingest.anomaly a SET resolved_at = now() WHERE a.sync = of_sync AND a.kind = 'piece'
        AND a.resolved_at IS NULL AND a.evidence ->> 'piece' = ANY (pieces);
END;
COMMENT ON FUNCTION ingest_internal.sync_pieces_mended(integer, text[])
    IS 'closes the alerts and anomalies of pieces that could not be read and have since changed or gone';

CREATE FUNCTION ingest_internal.sync_pieces_gone(of_sync integer, pieces text[], run bigint) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_piece p SET state = 'gone', version = NULL, extent = NULL, prefix = NULL, grown = false,
        rows = 0, rejected = 0, read_at = clock_timestamp(), run = $3, next_try = NULL, error = NULL, sqlstate = NULL
    WHERE p.sync = of_sync AND p.piece = ANY (pieces);
END;
COMMENT ON FUNCTION ingest_internal.sync_pieces_gone(integer, text[], bigint)
    IS 'records that pieces are gone, and their rows with them';

CREATE FUNCTION ingest_internal.sync_piece_resolve(of_sync integer, piece_column text, pieces text[]) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.rejected_row r SET resolved_at = now() WHERE r.sync = of_sync AND r.resolved_at IS NULL
        AND coalesce(r.key ->> piece_column, r.content ->> piece_column) = ANY (pieces);
END;
COMMENT ON FUNCTION ingest_internal.sync_piece_resolve(integer, text, text[]) IS 'resolves rejected rows of pieces';

CREATE FUNCTION ingest_internal.sync_pieces_rejected(of_sync integer, piece_column text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_piece p SET state = 'pending', version = NULL, prefix = NULL, next_try = NULL
    WHERE p.sync = of_sync AND p.state <> 'gone' AND (p.state = 'failed' OR p.piece IN (
        SELECT coalesce(r.key ->> piece_column, r.content ->> piece_column) FROM ingest.rejected_row r
        WHERE r.sync = of_sync AND r.resolved_at IS NULL));
END;
COMMENT ON FUNCTION ingest_internal.sync_pieces_rejected(integer, text)
    IS 'marks pieces that failed, or of which rows were rejected, to be read again, in full';

CREATE FUNCTION ingest_internal.sync_pieces_tied(of_sync integer, piece_column text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.sync_piece p SET state = 'pending', version = NULL, prefix = NULL
    WHERE p.sync = of_sync AND p.state = 'done' AND p.piece IN (SELECT r.content ->> piece_column
        FROM ingest.rejected_row r WHERE r.sync = of_sync AND r.resolved_at IS NULL AND r.sqlstate = '23505'
            AND r.content ->> piece_column IS NOT NULL);
END;
COMMENT ON FUNCTION ingest_internal.sync_pieces_tied(integer, text)
    IS 'marks pieces with rows whose key another piece had to be read again, in full';
