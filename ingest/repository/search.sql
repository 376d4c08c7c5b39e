
-- Search: what is called or described so, or of which that is said

CREATE FUNCTION ingest_internal.search_grams(name text, description text DEFAULT NULL) RETURNS text[]
    AS 'MODULE_PATHNAME', 'ingest_grams' LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION ingest_internal.search_grams(text, text)
    IS 'trigrams by which a name or description is found, with the beginnings of its words and the name as a whole';

CREATE INDEX source_table_words ON source_table USING gin (ingest_internal.search_grams(name, description))
    WITH (fastupdate = off);
CREATE INDEX source_column_words ON source_column USING gin (ingest_internal.search_grams(name, description))
    WITH (fastupdate = off);

CREATE INDEX annotation_words ON annotation USING gin (ingest_internal.search_grams(name, value #>> '{}'))
    WITH (fastupdate = off) WHERE ended_at IS NULL;

-- Those that stand in it, by trigrams: of a word of two characters, where a word begins so
CREATE FUNCTION ingest_internal.search_needs(what text) RETURNS text[] LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT coalesce(array_agg(DISTINCT g.gram), '{}') FROM regexp_split_to_table(lower(btrim(what)), '\s+') w (word),
        LATERAL (SELECT substr(w.word, i, 3) AS gram FROM generate_series(1, length(w.word) - 2) i
            UNION ALL SELECT ' ' || w.word WHERE length(w.word) = 2) g;
END;
COMMENT ON FUNCTION ingest_internal.search_needs(text) IS 'trigrams that a match must have';

CREATE FUNCTION ingest_internal.search_fits(what text, name text, description text) RETURNS boolean LANGUAGE sql
    IMMUTABLE
BEGIN ATOMIC
    SELECT bool_and(strpos(lower(name), w.word) > 0 OR strpos(lower(coalesce(description, '')), w.word) > 0)
    FROM regexp_split_to_table(lower(btrim(what)), '\s+') w (word);
END;
COMMENT ON FUNCTION ingest_internal.search_fits(text, text, text)
    IS 'whether a name or description contains all the words';

-- The lower, the better
CREATE FUNCTION ingest_internal.search_rank(what text, name text) RETURNS integer LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN lower(name) = what THEN 0 WHEN starts_with(lower(name), what) THEN 1
        WHEN strpos(regexp_replace(lower(name), '[^[:alnum:]]+', ' ', 'g'), ' ' || what) > 0 THEN 2
        WHEN strpos(lower(name), what) > 0 THEN 3 ELSE 4 END;
COMMENT ON FUNCTION ingest_internal.search_rank(text, text)
    IS 'how well a name matches: equal to it, begins with it, has a word that does, contains it; 4: only its '
    'description does';

-- All of it as one text
CREATE FUNCTION ingest_internal.said_of(table_id integer, column_id bigint) RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT string_agg(a.name || ' ' || (a.value #>> '{}'), ' ') FROM ingest.annotation a
      WHERE a.table_id = said_of.table_id AND a.column_id IS NOT DISTINCT FROM said_of.column_id
        AND a.ended_at IS NULL;
END;
COMMENT ON FUNCTION ingest_internal.said_of(integer, bigint) IS 'the current annotations of a table or column';

-- By one word at least: the others may be in its name.  Planned for the very word, and never by reading all there are.
CREATE FUNCTION ingest_internal.search_said(what text, sources integer[], OUT tables integer[], OUT columns bigint[])
    LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET enable_seqscan = off AS $$
DECLARE
    w text;
    needs text[];
    t integer[];
    c bigint[];
BEGIN
    tables := '{}';
    columns := '{}';
    FOR w IN SELECT DISTINCT x FROM regexp_split_to_table(what, '\s+') x WHERE length(x) > 1 LOOP
        needs := ingest_internal.search_needs(w);
        SELECT array_agg(DISTINCT a.table_id) FILTER (WHERE a.column_id IS NULL),
            array_agg(DISTINCT a.column_id) FILTER (WHERE a.column_id IS NOT NULL) INTO t, c
          FROM (SELECT a.table_id, a.column_id FROM ingest.annotation a
            WHERE ingest_internal.search_grams(a.name, a.value #>> '{}') @> needs AND a.ended_at IS NULL
                AND a.source = ANY (sources) AND ingest_internal.search_fits(w, a.name, a.value #>> '{}')
            LIMIT 1000) a;
        tables := tables || coalesce(t, '{}');
        columns := columns || coalesce(c, '{}');
    END LOOP;
END $$;
COMMENT ON FUNCTION ingest_internal.search_said(text, integer[])
    IS 'tables and columns with annotations that contain one of the words';

-- Of many that fit, the best of so many are given
CREATE FUNCTION ingest_internal.search_found(what text, most integer, sources integer[])
    RETURNS TABLE (kind text, id bigint, source_id integer, source text, schema_name text, table_id integer,
        table_name text, column_name text, name text, description text, rank integer) LANGUAGE plpgsql STABLE AS $$
DECLARE
    words CONSTANT text := lower(btrim(regexp_replace(what, '\s+', ' ', 'g')));
    whole CONSTANT text[] := ARRAY[chr(1) || left(words, 63)];
    needs CONSTANT text[] := ingest_internal.search_needs(what);
    said_of_tables integer[];
    said_of_columns bigint[];
BEGIN
    IF what IS NULL OR most IS NULL OR most NOT BETWEEN 1 AND 1000 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'a search needs words, and a limit between 1 and 1000';
    ELSIF length(words) < 2 OR needs = '{}' OR length(words) > 200 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'words to search for must have at least two characters, and at most 200 together';
    END IF;
    SELECT s.tables, s.columns INTO said_of_tables, said_of_columns FROM ingest_internal.search_said(words, sources) s;
    RETURN QUERY
    WITH c AS (
        (SELECT c.id, c.source, c.table_id, c.name, c.description, false AS said FROM ingest.source_column c
         WHERE ingest_internal.search_grams(c.name, c.description) @> whole AND c.source = ANY (sources)
             AND c.gone_at IS NULL LIMIT most)
        UNION
        (SELECT c.id, c.source, c.table_id, c.name, c.description, false FROM ingest.source_column c
         WHERE ingest_internal.search_grams(c.name, c.description) @> needs AND c.source = ANY (sources)
             AND c.gone_at IS NULL AND ingest_internal.search_fits(words, c.name, c.description) LIMIT 1000)
        UNION
        SELECT c.id, c.source, c.table_id, c.name, c.description, true FROM ingest.source_column c
        WHERE c.id = ANY (said_of_columns) AND c.gone_at IS NULL
            AND NOT ingest_internal.search_fits(words, c.name, c.description)
            AND ingest_internal.search_fits(words, c.name,
                concat_ws(' ', c.description, ingest_internal.said_of(c.table_id, c.id)))),
    t AS (
        (SELECT t.id, t.source, t.schema_id, t.name, t.description, false AS said FROM ingest.source_table t
         WHERE ingest_internal.search_grams(t.name, t.description) @> whole AND t.source = ANY (sources)
             AND t.gone_at IS NULL LIMIT most)
        UNION
        (SELECT t.id, t.source, t.schema_id, t.name, t.description, false FROM ingest.source_table t
         WHERE ingest_internal.search_grams(t.name, t.description) @> needs AND t.source = ANY (sources)
             AND t.gone_at IS NULL AND ingest_internal.search_fits(words, t.name, t.description) LIMIT 1000)
        UNION
        SELECT t.id, t.source, t.schema_id, t.name, t.description, true FROM ingest.source_table t
        WHERE t.id = ANY (said_of_tables) AND t.gone_at IS NULL
            AND NOT ingest_internal.search_fits(words, t.name, t.description)
            AND ingest_internal.search_fits(words, t.name,
                concat_ws(' ', t.description, ingest_internal.said_of(t.id, NULL)))),
    found AS (
        SELECT 1 AS place, 'source' AS kind, d.id::bigint AS id, d.id AS source, NULL::integer AS table_id, d.name,
            d.description, false AS said
        FROM ingest.data_source d WHERE d.id = ANY (sources)
            AND ingest_internal.search_fits(words, d.name, d.description)
        UNION ALL SELECT 2, 'table', t.id, t.source, t.id, t.name, t.description, t.said FROM t
        UNION ALL SELECT 3, 'column', c.id, c.source, c.table_id, c.name, c.description, c.said FROM c),
    ranked AS (
        SELECT f.*, CASE WHEN f.said THEN 5 ELSE ingest_internal.search_rank(words, f.name) END AS rank FROM found f
        ORDER BY rank, f.place, length(f.name), f.name, f.id LIMIT most)
    SELECT r.kind, r.id, r.source, d.name, s.name, r.table_id, t.name, CASE r.kind WHEN 'column' THEN r.name END,
        r.name, r.description, r.rank
    FROM ranked r JOIN ingest.data_source d ON d.id = r.source LEFT JOIN ingest.source_table t ON t.id = r.table_id
        LEFT JOIN ingest.source_schema s ON s.id = t.schema_id
    ORDER BY r.rank, r.place, length(r.name), r.name, r.id;
END $$;
COMMENT ON FUNCTION ingest_internal.search_found(text, integer, integer[]) IS 'results of search, for some sources';

CREATE FUNCTION ingest_internal.search(what text, most integer DEFAULT 50)
    RETURNS TABLE (kind text, id bigint, source_id integer, source text, schema_name text, table_id integer,
        table_name text, column_name text, name text, description text, rank integer)
    AS 'MODULE_PATHNAME', 'ingest_search' LANGUAGE C STABLE;
COMMENT ON FUNCTION ingest_internal.search(text, integer)
    IS 'sources, tables and columns whose name, description or annotations contain all the words, also as parts of '
    'words, best match first';
