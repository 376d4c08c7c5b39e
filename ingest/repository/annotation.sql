
-- Annotations: the way back for people and services.  What is said is of a table or column of a source, by its number:
-- renames and crawls do not touch it, and it touches nothing that the source says itself.

CREATE FUNCTION ingest_internal.annotate(actor oid, table_id integer, column_name text, name text, value jsonb,
    by text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    t ingest.source_table;
    d ingest.data_source;
    of_column bigint;
    was ingest.annotation;
    number bigint;
    object text;
    ends CONSTANT boolean := value IS NULL OR value = 'null'::jsonb;
BEGIN
    SELECT * INTO t FROM ingest.source_table x WHERE x.id = annotate.table_id;
    SELECT * INTO d FROM ingest.data_source x WHERE x.id = t.source;
    IF table_id IS NULL OR name IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'an annotation needs a table and a name: description, tags, classification ...';
    ELSIF t.id IS NULL OR ingest_internal.sees_source(actor, d.id) IS NOT TRUE THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('no source has a table %s', table_id),
            HINT = 'SELECT id, name FROM ingest.source_table lists them.';
    ELSIF octet_length(name) NOT BETWEEN 1 AND 400 OR name ~ '[[:cntrl:]]' OR octet_length(by) > 400 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the name of an annotation has 1 to 400 bytes and no control characters, and who says it '
                '400 bytes';
    ELSIF octet_length(value::text) > 100000 THEN
        RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded', MESSAGE = 'an annotation has at most 100,000 bytes';
    END IF;
    IF column_name IS NOT NULL THEN
        SELECT c.id INTO of_column FROM ingest.source_column c
            WHERE c.table_id = t.id AND c.name = annotate.column_name;
        IF of_column IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'undefined_object',
                MESSAGE = format('table "%s" has no column "%s"', t.name, column_name);
        END IF;
    END IF;
    object := format('%s.%s', d.name, t.name) || coalesce('.' || column_name, '');
    -- of two at once the second waits, and ends what the first said
    LOOP
        SELECT * INTO was FROM ingest.annotation a
          WHERE a.table_id = t.id AND a.column_id IS NOT DISTINCT FROM of_column AND a.name = annotate.name
            AND a.ended_at IS NULL FOR UPDATE;
        IF ends AND was.id IS NULL
            OR (was.value, was.said_by) IS NOT DISTINCT FROM (value, annotate.by) AND was.id IS NOT NULL THEN
            RAISE NOTICE '%', CASE WHEN ends THEN format('%s has no annotation of that name', object)
                ELSE format('%s already has that annotation', object) END;
            RETURN was.id;
        END IF;
        UPDATE ingest.annotation a SET ended_at = clock_timestamp() WHERE a.id = was.id;
        EXIT WHEN ends;
        INSERT INTO ingest.annotation (source, table_id, column_id, name, value, said_by, role, role_name)
            VALUES (d.id, t.id, of_column, name, value, annotate.by, actor, pg_get_userbyid(actor))
            ON CONFLICT DO NOTHING RETURNING id INTO number;
        EXIT WHEN number IS NOT NULL;
    END LOOP;
    PERFORM ingest_internal.announce('ingest.annotation.changed', d.name, object, jsonb_build_object('source', d.name,
        'table', t.name, 'table_id', t.id, 'column', column_name, 'name', name, 'value', CASE WHEN NOT ends
        THEN value END, 'before', was.value, 'said_by', annotate.by, 'role', pg_get_userbyid(actor)));
    PERFORM ingest_internal.audit(actor, 'annotate', object, jsonb_build_object(name, was.value),
        jsonb_build_object(name, CASE WHEN NOT ends THEN value END));
    RETURN number;
END $$;
COMMENT ON FUNCTION ingest_internal.annotate(oid, integer, text, text, jsonb, text)
    IS 'annotates a table of a source, or a column of it';
CREATE FUNCTION ingest_internal.annotate(table_id integer, column_name text, name text, value jsonb, by text)
    RETURNS bigint
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.annotate(integer, text, text, jsonb, text) IS 'the same, as the caller';

CREATE FUNCTION ingest_internal.annotate(actor oid, object text, name text, value jsonb, by text) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    p text[] := parse_ident(object);
    named oid := ingest_internal.relation_named(p[1]::name, p[2]::name);
    of_table integer;
BEGIN
    IF object IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'the object to annotate must not be null';
    ELSIF cardinality(p) NOT IN (2, 3) THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'only a foreign table of a source, its copy, or a column of these can be annotated',
            HINT = 'Name it as schema.table or schema.table.column.';
    END IF;
    -- of a copy is said what is said of the table that it is copied from
    SELECT x.table_id INTO of_table
      FROM (SELECT t.id AS table_id, t.source FROM ingest.source_table t WHERE t.relation = named AND named <> 0
        UNION ALL SELECT s.table_id, s.source FROM ingest.sync s WHERE s.target = named AND named <> 0) x
      WHERE ingest_internal.at_home() AND ingest_internal.sees_source(actor, x.source) ORDER BY x.table_id LIMIT 1;
    IF of_table IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('"%s" is neither a table of a source nor a copy of one', object),
            HINT = 'SELECT local_schema, local_name FROM ingest.source_table lists them.';
    END IF;
    RETURN ingest_internal.annotate(actor, of_table, p[3], name, value, by);
END $$;
COMMENT ON FUNCTION ingest_internal.annotate(oid, text, text, jsonb, text) IS 'see ingest.annotate';
CREATE FUNCTION annotate(object text, name text, value jsonb, by text DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION annotate(text, text, jsonb, text)
    IS 'annotates a table of a source or its copy (schema.table), or a column (schema.table.column): '
    'a description, tags, findings; a null value removes the annotation; earlier ones stay as history';

CREATE VIEW annotation_status WITH (security_barrier) AS
SELECT d.name AS source, -- name of the source
    d.id AS source_id, -- its number
    t.name AS table_name, -- the table at the source
    t.id AS table_id, -- its number
    c.name AS column_name, -- the column; null: the table itself
    a.id AS annotation, -- number of the annotation
    a.name AS name, -- what it says: description, tags, classification ...
    a.value AS value, -- its value
    a.said_by AS said_by, -- who says so, in their own words
    ingest_internal.role_name(a.role, a.role_name) AS role, -- role that made it
    a.said_at AS said_at, -- since when
    a.ended_at AS ended_at -- until when it was valid; null: it still is
FROM annotation a JOIN source_table t ON t.id = a.table_id JOIN data_source d ON d.id = a.source
    LEFT JOIN source_column c ON c.id = a.column_id
WHERE a.source = ANY ((SELECT ingest_internal.my_sources())::integer[]);
COMMENT ON VIEW annotation_status IS 'annotations of tables and columns by people and services, current and past';
