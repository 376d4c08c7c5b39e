
-- What the room asks of the repository and the catalogue.  Called by its C alone, as the engine.

-- Who sees what

-- Inlined into the statement that C keeps the plan of, as no function is that gives an array
CREATE FUNCTION ingest_internal.sources_seen(actor oid) RETURNS SETOF integer LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT d.id FROM ingest.data_source d WHERE ingest_internal.acts_for(actor, d.owner)
        OR EXISTS (SELECT FROM ingest.source_grant g WHERE g.source = d.id AND ingest_internal.at_home()
            AND pg_has_role(actor, g.role, 'USAGE'));
END;
COMMENT ON FUNCTION ingest_internal.sources_seen(oid) IS 'sources that a role may see, one by one';

CREATE FUNCTION ingest_internal.sources_of(actor oid) RETURNS integer[] LANGUAGE sql STABLE
    RETURN ARRAY(SELECT s FROM ingest_internal.sources_seen(actor) s ORDER BY s);
COMMENT ON FUNCTION ingest_internal.sources_of(oid) IS 'sources that a role may see';

CREATE FUNCTION ingest_internal.syncs_seen(actor oid) RETURNS SETOF integer LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT s.id FROM ingest.sync s WHERE s.source = ANY ((SELECT ingest_internal.sources_of(actor))::integer[]);
END;
COMMENT ON FUNCTION ingest_internal.syncs_seen(oid) IS 'syncs of sources that a role may see, one by one';

CREATE FUNCTION ingest_internal.syncs_of(actor oid) RETURNS integer[] LANGUAGE sql STABLE
    RETURN ARRAY(SELECT s FROM ingest_internal.syncs_seen(actor) s ORDER BY s);
COMMENT ON FUNCTION ingest_internal.syncs_of(oid) IS 'syncs of sources that a role may see';

-- Of views and foreign tables nobody knows that they show everybody the same, be they partitions.
CREATE FUNCTION ingest_internal.reading(actor oid, relation oid)
    RETURNS TABLE (owner oid, as_owner boolean, same_rows boolean, name text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.relowner, pg_has_role(actor, c.relowner, 'USAGE'), c.relkind IN ('r', 'p', 'm') AND NOT EXISTS (
        WITH RECURSIVE part (oid) AS (SELECT c.oid UNION SELECT i.inhrelid FROM part p
            JOIN pg_inherits i ON i.inhparent = p.oid)
        SELECT FROM part p JOIN pg_class k ON k.oid = p.oid WHERE k.relkind = 'f'),
            format('%I.%I', n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation;
END;
COMMENT ON FUNCTION ingest_internal.reading(oid, oid)
    IS 'as whom a relation is read for a role: its owner; whether the role has the owner''s rights, and whether '
    'others see the same rows';

-- Sources

CREATE FUNCTION ingest_internal.function_of(name text, schema_name name) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN name IS NULL OR name LIKE '%.%' OR schema_name IS NULL THEN name
        ELSE format('%I.%I', schema_name, name) END;
COMMENT ON FUNCTION ingest_internal.function_of(text, name)
    IS 'a connector''s function, in the schema of the wrapper''s extension unless it names a schema';

CREATE FUNCTION ingest_internal.source_id(name text) RETURNS integer LANGUAGE sql STABLE
    RETURN (SELECT d.id FROM ingest.data_source d WHERE d.name = source_id.name);
COMMENT ON FUNCTION ingest_internal.source_id(text) IS 'a source by its name; null if there is none';

CREATE FUNCTION ingest_internal.source_record(of_source integer)
    RETURNS TABLE (id integer, name text, server name, owner oid, owner_name name, local_schema name,
        remote_schemas text[],
        include text, paused boolean, zone text, custom_columns text, counts boolean, may_cut boolean, "check" text,
            clock text,
            tables text,
        deleted text, changes text, horizon text, pieces text, prefix text, watch text, import_options text,
        piece_column name, position_column name, version_column name, error_column name) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT d.id, d.name, coalesce(s.srvname, d.server), d.owner, d.owner_name, coalesce(n.nspname, d.local_schema),
        d.remote_schemas,
        d.include::text, d.state = 'paused',
        (SELECT o.option_value FROM pg_options_to_table(s.srvoptions) o WHERE o.option_name = 'timezone'),
            c.custom_columns,
        coalesce(c.counts, false), coalesce(c.may_cut, false), ingest_internal.function_of(c.check_function, e.nspname),
        ingest_internal.function_of(c.clock_function, e.nspname),
            ingest_internal.function_of(c.tables_function, e.nspname),
        ingest_internal.function_of(c.deleted_function, e.nspname),
            ingest_internal.function_of(c.changes_function, e.nspname),
        ingest_internal.function_of(c.horizon_function, e.nspname),
        ingest_internal.function_of(c.pieces_function, e.nspname),
        ingest_internal.function_of(c.prefix_function, e.nspname),
        ingest_internal.function_of(c.watch_function, e.nspname), c.import_options,
        c.piece_column, c.position_column, c.version_column, c.error_column
    FROM ingest.data_source d LEFT JOIN pg_foreign_server s ON s.oid = d.server_oid
        LEFT JOIN pg_namespace n ON n.oid = d.schema_oid
        LEFT JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw LEFT JOIN ingest.connector c ON c.wrapper = w.fdwname
        LEFT JOIN LATERAL (SELECT x.nspname FROM pg_depend p JOIN pg_extension y ON y.oid = p.refobjid
            JOIN pg_namespace x ON x.oid = y.extnamespace
            WHERE p.classid = 'pg_foreign_data_wrapper'::regclass AND p.objid = w.oid AND p.deptype = 'e') e ON true
    WHERE d.id = of_source;
END;
COMMENT ON FUNCTION ingest_internal.source_record(integer) IS 'a source, with what its wrapper can do';

CREATE FUNCTION ingest_internal.usual_schemas(server name, wrapper name) RETURNS text[] LANGUAGE sql STABLE
    RETURN coalesce((SELECT ARRAY[c.remote_schema] FROM ingest.connector c WHERE c.wrapper = $2
        AND c.remote_schema IS NOT NULL),
        ARRAY(SELECT o.option_value FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o
            WHERE s.srvname = $1 AND o.option_name IN ('schema', 'schema_name', 'database', 'dbname')
            ORDER BY o.option_name NOT LIKE 'schema%', o.option_name LIMIT 1));
COMMENT ON FUNCTION ingest_internal.usual_schemas(name, name)
    IS 'schemas at the source that are imported by default: those usual for the wrapper, otherwise those that the '
    'server''s options name';

CREATE FUNCTION ingest_internal.source_insert(name text, server name, owner oid, local_schema name,
    remote_schemas text[],
    include text[], description text, refresh_schedule text, max_parallel integer, wrapper name,
    imports boolean) RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.data_source (name, server, owner, owner_name, local_schema, remote_schemas, include, description,
        refresh_schedule, max_parallel)
    VALUES ($1, $2, $3, pg_get_userbyid($3), $4, coalesce($5, CASE WHEN $11
        THEN ingest_internal.usual_schemas($2, $10) ELSE '{}' END), $6, $7, $8, $9);
    INSERT INTO ingest.circuit (source) SELECT d.id FROM ingest.data_source d WHERE d.name = $1 RETURNING source;
END;
COMMENT ON FUNCTION ingest_internal.source_insert(text, name, oid, name, text[], text[], text, text, integer, name,
    boolean)
    IS 'records a source of which nothing is known yet; without remote schemas, it gets those usual for its wrapper';

CREATE FUNCTION ingest_internal.source_checked(of_source integer, ok boolean, found jsonb) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.data_source d SET last_check_at = clock_timestamp(), last_check_ok = ok, last_check = found
    WHERE d.id = of_source;
END;
COMMENT ON FUNCTION ingest_internal.source_checked(integer, boolean, jsonb) IS 'records what a check of a source found';

-- The run of a job that found a source wanting did what was asked, and says so; the source's row has what it found
CREATE FUNCTION ingest_internal.check_run_found(of_job bigint, of_source integer) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.run r SET state = 'succeeded with', left_out = '{failed checks}'
    WHERE r.id = (SELECT max(x.id) FROM ingest.run x WHERE x.job = $1) AND r.state = 'succeeded'
        AND EXISTS (SELECT FROM ingest.data_source d WHERE d.id = $2 AND NOT d.last_check_ok);
END;
COMMENT ON FUNCTION ingest_internal.check_run_found(bigint, integer)
    IS 'records that a job''s check of a source found something wrong';

CREATE FUNCTION ingest_internal.foreign_tables(server name, in_schema name, wanted text[])
    RETURNS TABLE (name name) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.relname FROM pg_foreign_server s JOIN pg_foreign_table t ON t.ftserver = s.oid
        JOIN pg_class c ON c.oid = t.ftrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE s.srvname = foreign_tables.server AND n.nspname = in_schema AND (wanted IS NULL OR c.relname = ANY (wanted))
        -- those that postgres_horizon looks through are none of the source's
        AND NOT (c.relname IN ('ingest_pg_locks', 'ingest_pg_stat_activity')
            AND 'schema_name=pg_catalog' = ANY (t.ftoptions))
        ORDER BY 1;
END;
COMMENT ON FUNCTION ingest_internal.foreign_tables(name, name, text[]) IS 'foreign tables of a server in a schema';

-- Its process cannot say so: a run that nobody is at any more
CREATE FUNCTION ingest_internal.runs_lost(runs bigint[]) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.run r SET state = 'lost', finished_at = clock_timestamp(), error = 'its process died'
    WHERE r.id = ANY (runs) AND r.state = 'running';
    SELECT ingest_internal.alert_run(r) FROM unnest(runs) r;
END;
COMMENT ON FUNCTION ingest_internal.runs_lost(bigint[]) IS 'records runs as lost whose process is gone';

-- A crawl

CREATE FUNCTION ingest_internal.crawl_begins(of_source integer, everything boolean) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest_internal.runs_lost(ARRAY(SELECT r.id FROM ingest.run r
        WHERE r.kind = 'crawl' AND r.source = of_source AND r.state = 'running'));
    UPDATE ingest.data_source d SET crawl_began_at = clock_timestamp()
    WHERE d.id = of_source AND d.crawl_began_at IS NULL AND everything;
END;
COMMENT ON FUNCTION ingest_internal.crawl_begins(integer, boolean)
    IS 'begins a crawl; since it holds the lock of the source''s crawl, another one that is recorded as running is '
    'lost';

CREATE FUNCTION ingest_internal.crawl_schema(of_source integer, name text) RETURNS integer LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.source_schema (source, name) VALUES ($1, $2) ON CONFLICT (source, name)
        DO UPDATE SET gone_at = NULL
    RETURNING id;
END;
COMMENT ON FUNCTION ingest_internal.crawl_schema(integer, text)
    IS 'records a schema at the source that a crawl looks at';

CREATE FUNCTION ingest_internal.has_tables(of_source integer) RETURNS boolean LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM ingest.source_table t WHERE t.source = of_source AND t.gone_at IS NULL);
COMMENT ON FUNCTION ingest_internal.has_tables(integer) IS 'whether tables of a source are known';

CREATE FUNCTION ingest_internal.crawl_done(of_source integer, remote_schema text) RETURNS TABLE (name text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT t.name FROM ingest.data_source d JOIN ingest.source_table t ON t.source = d.id
        JOIN ingest.source_schema s ON s.id = t.schema_id
    WHERE d.id = of_source AND s.name = remote_schema AND t.crawled_at >= d.crawl_began_at;
END;
COMMENT ON FUNCTION ingest_internal.crawl_done(integer, text)
    IS 'tables that were seen since the unfinished crawl began';

CREATE FUNCTION ingest_internal.crawl_left_out(of_source integer, remote_schema text, table_name text) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.source_table t SET crawled_at = clock_timestamp() FROM ingest.source_schema s
    WHERE t.source = of_source AND s.id = t.schema_id AND s.name = remote_schema AND t.name = table_name;
END;
COMMENT ON FUNCTION ingest_internal.crawl_left_out(integer, text, text)
    IS 'records that a table exists but could not be examined, so that it does not count as gone';

CREATE FUNCTION ingest_internal.crawl_saw(of_source integer, name text, of_run bigint) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN EXISTS (SELECT FROM ingest.source_table t JOIN ingest.run r ON r.id = of_run
        WHERE t.source = of_source AND t.name = crawl_saw.name AND t.crawled_at >= r.started_at);
COMMENT ON FUNCTION ingest_internal.crawl_saw(integer, text, bigint) IS 'whether a run came across a table';

CREATE FUNCTION ingest_internal.crawl_ends(of_source integer, of_run bigint)
    RETURNS TABLE (object_kind text, object_name text, change text, before text, after text) LANGUAGE sql
BEGIN ATOMIC
    WITH gone AS (UPDATE ingest.source_table t SET gone_at = now() FROM ingest.data_source d
            WHERE t.source = of_source AND d.id = of_source AND t.gone_at IS NULL AND t.crawled_at < d.crawl_began_at
            RETURNING t.id, t.name, format('%I.%I', t.local_schema, t.local_name) AS relation),
        ended AS (UPDATE ingest.data_source d SET last_crawl_at = clock_timestamp(), crawl_began_at = NULL
            WHERE d.id = of_source)
    INSERT INTO ingest.metadata_change (source, table_id, object_kind, object_name, change, before, run)
    SELECT of_source, g.id, 'table', g.name, 'removed', jsonb_build_object('relation', g.relation), of_run FROM gone g
    RETURNING object_kind, object_name, change, before::text, after::text;
END;
COMMENT ON FUNCTION ingest_internal.crawl_ends(integer, bigint)
    IS 'records that a crawl of everything has finished: what it did not see is gone';

-- One foreign table

CREATE FUNCTION ingest_internal.crawl_place(schema_name name, name name, server name) RETURNS text LANGUAGE sql STABLE
    RETURN (SELECT CASE WHEN c.relkind = 'f' AND s.srvname = crawl_place.server THEN 'ours' ELSE 'taken' END
        FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid LEFT JOIN pg_foreign_table f ON f.ftrelid = c.oid
            LEFT JOIN pg_foreign_server s ON s.oid = f.ftserver
        WHERE n.nspname = schema_name AND c.relname = crawl_place.name);
COMMENT ON FUNCTION ingest_internal.crawl_place(name, name, name)
    IS 'what exists where a foreign table is to be created: ours, taken by something else, or null: nothing';

CREATE FUNCTION ingest_internal.crawl_columns_differ(imported regclass, local regclass)
    RETURNS TABLE (statement text, comment text, change text, column_name name) LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH i AS (SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attfdwoptions,
            format_type(a.atttypid, a.atttypmod) AS type
            FROM pg_attribute a WHERE a.attrelid = imported AND a.attnum > 0 AND NOT a.attisdropped),
        o AS (SELECT a.attname, a.atttypid, a.atttypmod FROM pg_attribute a
            WHERE a.attrelid = local AND a.attnum > 0 AND NOT a.attisdropped)
    SELECT format('ALTER FOREIGN TABLE %s ADD COLUMN %I %s', local, i.attname, i.type)
            || (SELECT coalesce(' OPTIONS (' || string_agg(format('%I %L', p.option_name, p.option_value), ', ')
                || ')', '')
                FROM pg_options_to_table(i.attfdwoptions) p),
        format('COMMENT ON COLUMN %s.%I IS %L', local, i.attname, col_description(i.attrelid, i.attnum)), 'added',
            i.attname
    FROM i WHERE i.attname NOT IN (SELECT o.attname FROM o)
    UNION ALL SELECT format('ALTER FOREIGN TABLE %s ALTER COLUMN %I TYPE %s', local, i.attname, i.type), NULL,
        'retyped', i.attname
    FROM i JOIN o ON o.attname = i.attname WHERE (i.atttypid, i.atttypmod) <> (o.atttypid, o.atttypmod)
    UNION ALL SELECT format('ALTER FOREIGN TABLE %s DROP COLUMN %I', local, o.attname), NULL, 'removed', o.attname
    FROM o WHERE o.attname NOT IN (SELECT i.attname FROM i);
END;
COMMENT ON FUNCTION ingest_internal.crawl_columns_differ(regclass, regclass)
    IS 'statements that adapt the columns of a foreign table to those of an import: new ones, other types, gone ones';

CREATE FUNCTION ingest_internal.crawl_options_differ(imported regclass, local regclass) RETURNS TABLE (statement text)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH i AS (SELECT x.option_name, x.option_value FROM pg_foreign_table t, pg_options_to_table(t.ftoptions) x
        WHERE t.ftrelid = imported),
        o AS (SELECT x.option_name, x.option_value FROM pg_foreign_table t, pg_options_to_table(t.ftoptions) x
            WHERE t.ftrelid = local)
    SELECT format('ALTER FOREIGN TABLE %s OPTIONS (%s %I %L)', local, CASE WHEN o.option_name IS NULL THEN 'ADD'
        ELSE 'SET' END,
        i.option_name, i.option_value)
    FROM i LEFT JOIN o ON o.option_name = i.option_name WHERE i.option_value IS DISTINCT FROM o.option_value;
END;
COMMENT ON FUNCTION ingest_internal.crawl_options_differ(regclass, regclass)
    IS 'statements that adapt the options of a foreign table to those of an import';

-- never one whose columns are not there
CREATE FUNCTION ingest_internal.crawl_key(listed text, relation regclass) RETURNS text[] LANGUAGE sql STABLE
    RETURN (SELECT k.names FROM (SELECT regexp_split_to_array(listed, '[[:space:]]*,[[:space:]]*') AS names) k
        WHERE NOT EXISTS (SELECT FROM unnest(k.names) e WHERE ingest_internal.column_named(relation, e::name) = 0));
COMMENT ON FUNCTION ingest_internal.crawl_key(text, regclass) IS 'the key that a connector names, as an array';

CREATE FUNCTION ingest_internal.column_type(relation regclass, column_name name) RETURNS regtype LANGUAGE sql STABLE
    RETURN (SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = column_name
        AND a.attnum > 0
        AND NOT a.attisdropped);
COMMENT ON FUNCTION ingest_internal.column_type(regclass, name) IS 'the type of a column; null if there is none';

CREATE FUNCTION ingest_internal.crawl_column_list(relation regclass) RETURNS jsonb LANGUAGE sql STABLE
    RETURN (SELECT coalesce(jsonb_agg(jsonb_build_object('name', a.attname, 'type',
        format_type(a.atttypid, a.atttypmod))
        ORDER BY a.attnum), '[]')
        FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped);
COMMENT ON FUNCTION ingest_internal.crawl_column_list(regclass) IS 'the columns of a table, for an event';

CREATE FUNCTION ingest_internal.crawl_table(of_source integer, of_schema integer, name text, relation regclass,
    description text,
    key text[], cursor_column text, parent text, parent_column text)
    RETURNS TABLE (id integer, is_new boolean, was_gone boolean, key text[]) LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.source_table AS t (source, schema_id, name, local_schema, local_name, relation, kind,
        description, key,
        key_origin, cursor_column, parent, parent_column, crawled_at)
    SELECT $1, $2, $3, n.nspname, c.relname, c.oid, CASE WHEN $3 LIKE 'customrecord\_%' THEN 'custom record'
        ELSE 'table' END,
        coalesce(obj_description(c.oid, 'pg_class'), $5), $6, CASE WHEN $6 IS NOT NULL THEN 'source' END, $7, $8, $9,
        clock_timestamp()
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $4
    ON CONFLICT (schema_id, name) DO UPDATE SET description = excluded.description,
        key = CASE WHEN excluded.key IS NULL OR t.key_origin = 'user' THEN t.key ELSE excluded.key END,
        key_origin = CASE WHEN excluded.key IS NULL OR t.key_origin = 'user' THEN t.key_origin
            ELSE excluded.key_origin END,
        cursor_column = coalesce(excluded.cursor_column, t.cursor_column), parent = excluded.parent,
        parent_column = excluded.parent_column, crawled_at = excluded.crawled_at, local_schema = excluded.local_schema,
        local_name = excluded.local_name, relation = excluded.relation
    RETURNING id, xmax = 0, gone_at IS NOT NULL, key;
END;
COMMENT ON FUNCTION ingest_internal.crawl_table(integer, integer, text, regclass, text, text[], text, text, text)
    IS 'records a foreign table that exists where it should';

CREATE FUNCTION ingest_internal.crawl_came(of_source integer, of_table integer, is_new boolean, relation text,
    of_run bigint)
    RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.source_table t SET gone_at = NULL WHERE t.id = of_table;
    INSERT INTO ingest.metadata_change (source, table_id, object_kind, object_name, change, after, run)
    SELECT t.source, t.id, 'table', t.name, CASE WHEN is_new THEN 'added' ELSE 'returned' END,
        jsonb_build_object('relation', crawl_came.relation), of_run
    FROM ingest.source_table t WHERE t.id = of_table;
END;
COMMENT ON FUNCTION ingest_internal.crawl_came(integer, integer, boolean, text, bigint)
    IS 'records a table that is new, or exists again';

CREATE FUNCTION ingest_internal.crawl_counted(of_table integer, row_count bigint, last_change timestamptz)
    RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.source_table t SET row_count = crawl_counted.row_count, last_change = crawl_counted.last_change
    WHERE t.id = of_table;
END;
COMMENT ON FUNCTION ingest_internal.crawl_counted(integer, bigint, timestamptz)
    IS 'records how many rows a table has at the source, and how recent the newest is';

CREATE FUNCTION ingest_internal.crawl_flows(of_table integer, origin text, job bigint, of_run bigint) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.lineage_edge (source, from_schema, from_table, from_column, to_schema, to_table, to_column,
        kind, job, run,
        from_relation, from_attnum, to_relation, to_attnum)
    SELECT t.source, origin, t.name, c.name, t.local_schema, t.local_name, c.name, 'import', crawl_flows.job, of_run,
        0, 0,
        t.relation, c.attnum
    FROM ingest.source_table t JOIN ingest.source_column c ON c.table_id = t.id AND c.gone_at IS NULL
        WHERE t.id = of_table
    ON CONFLICT (to_schema, to_table, to_column, from_schema, from_table, from_column, kind, owner)
        DO UPDATE SET last_seen = now(), run = excluded.run, job = excluded.job, source = excluded.source,
            to_relation = excluded.to_relation, to_attnum = excluded.to_attnum;
END;
COMMENT ON FUNCTION ingest_internal.crawl_flows(integer, text, bigint, bigint)
    IS 'records that the columns of a foreign table come from those of the source''s table';

-- What is there now. One that went and one that came at the same place with the same type and description are one
-- that was renamed.
CREATE FUNCTION ingest_internal.crawl_columns(of_source integer, of_table integer, relation regclass, of_run bigint,
    custom_columns text,
    key text[], is_new boolean)
    RETURNS TABLE (object_kind text, object_name text, change text, before text, after text) LANGUAGE sql
BEGIN ATOMIC
    WITH now AS (SELECT a.attname::text AS name, a.attnum, row_number() OVER (ORDER BY a.attnum)::integer AS position,
            format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable,
                col_description(a.attrelid, a.attnum) AS description,
            coalesce(a.attname ~ custom_columns, false) AS custom,
                array_position(crawl_columns.key, a.attname::text) AS key_position,
            (SELECT array_agg(pg_get_constraintdef(k.oid) ORDER BY k.conname) FROM pg_constraint k
                WHERE k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]) AS constraints
            FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped),
        old AS (SELECT c.* FROM ingest.source_column c WHERE c.table_id = of_table),
        came AS (SELECT n.* FROM now n LEFT JOIN old o ON o.name = n.name WHERE o.id IS NULL),
        went AS (SELECT o.* FROM old o LEFT JOIN now n ON n.name = o.name WHERE n.name IS NULL AND o.gone_at IS NULL),
        renamed AS (SELECT w.id, w.name AS before, c.name AS after, c.attnum FROM went w, came c
            WHERE (SELECT count(*) FROM went) = 1 AND (SELECT count(*) FROM came) = 1 AND w.type = c.type
            AND (w.position = c.position
                OR w.position > (SELECT max(n.position) FROM now n)
                    AND c.position = (SELECT max(n.position) FROM now n))
            AND w.description IS NOT DISTINCT FROM c.description AND w.description IS NOT NULL),
        rename AS (UPDATE ingest.source_column s SET name = r.after, attnum = r.attnum FROM renamed r
            WHERE s.id = r.id RETURNING s.id),
        put AS (INSERT INTO ingest.source_column AS s (source, table_id, name, attnum, position, type, nullable,
            description, custom,
                key_position, constraints)
            SELECT of_source, of_table, n.name, n.attnum, n.position, n.type, n.nullable, n.description, n.custom,
                n.key_position, n.constraints
            FROM now n WHERE n.name NOT IN (SELECT r.after FROM renamed r)
            ON CONFLICT (table_id, name) DO UPDATE SET attnum = excluded.attnum, position = excluded.position,
                type = excluded.type,
                nullable = excluded.nullable, description = excluded.description, custom = excluded.custom,
                key_position = excluded.key_position, constraints = excluded.constraints, gone_at = NULL),
        gone AS (UPDATE ingest.source_column s SET gone_at = now(), attnum = 0 FROM went w
            WHERE s.id = w.id AND NOT EXISTS (SELECT FROM renamed r WHERE r.id = s.id)),
        changed AS (
            SELECT c.name, 'added' AS change, NULL::jsonb AS before,
                jsonb_build_object('type', c.type, 'description', c.description, 'custom', c.custom) AS after
            FROM came c WHERE NOT is_new AND c.name NOT IN (SELECT r.after FROM renamed r)
            UNION ALL SELECT w.name, 'removed', jsonb_build_object('type', w.type, 'description', w.description,
                'custom', w.custom), NULL
            FROM went w WHERE w.name NOT IN (SELECT r.before FROM renamed r)
            UNION ALL SELECT r.after, 'renamed', jsonb_build_object('name', r.before),
                jsonb_build_object('name', r.after) FROM renamed r
            UNION ALL SELECT n.name, 'returned', NULL, jsonb_build_object('type', n.type)
            FROM now n JOIN old o ON o.name = n.name WHERE o.gone_at IS NOT NULL
            UNION ALL SELECT n.name, 'retyped', jsonb_build_object('type', o.type), jsonb_build_object('type', n.type)
            FROM now n JOIN old o ON o.name = n.name WHERE n.type <> o.type
            UNION ALL SELECT n.name, 'altered', jsonb_build_object('nullable', o.nullable, 'description',
                o.description),
                jsonb_build_object('nullable', n.nullable, 'description', n.description)
            FROM now n JOIN old o ON o.name = n.name WHERE (n.nullable, n.description) IS DISTINCT FROM (o.nullable,
                o.description))
    INSERT INTO ingest.metadata_change (source, table_id, object_kind, object_name, change, before, after, run)
    SELECT of_source, of_table, 'column', x.name, x.change, x.before, x.after, of_run FROM changed x
    RETURNING object_kind, object_name, change, before::text, after::text;
END;
COMMENT ON FUNCTION ingest_internal.crawl_columns(integer, integer, regclass, bigint, text, text[], boolean)
    IS 'records the current columns of a source''s table, and what changed';

-- Runs

CREATE FUNCTION ingest_internal.run_begins(kind text, job bigint, source integer, sync integer, attempt integer,
    pid integer, role oid)
    RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.run (kind, job, source, sync, attempt, pid, role, role_name, phase)
    VALUES ($1, $2, $3, $4, $5, $6, $7, pg_get_userbyid($7), 'starting') RETURNING id;
END;
COMMENT ON FUNCTION ingest_internal.run_begins(text, bigint, integer, integer, integer, integer, oid)
    IS 'records the beginning of a run';

CREATE FUNCTION ingest_internal.run_moves(of_run bigint, phase text, expected bigint, read bigint, inserted bigint,
    updated bigint,
    deleted bigint, rejected bigint) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.run r SET phase = run_moves.phase, rows_expected = coalesce(expected, r.rows_expected),
        rows_read = r.rows_read + read,
        rows_inserted = r.rows_inserted + inserted, rows_updated = r.rows_updated + updated,
            rows_deleted = r.rows_deleted + deleted,
        rows_rejected = r.rows_rejected + rejected, batches = r.batches + 1, updated_at = clock_timestamp()
    WHERE r.id = of_run;
END;
COMMENT ON FUNCTION ingest_internal.run_moves(bigint, text, bigint, bigint, bigint, bigint, bigint, bigint)
    IS 'records how far a run is';

CREATE FUNCTION ingest_internal.run_says(of_run bigint, level text, message text, detail jsonb) RETURNS void
    LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.run_log (run, level, message, detail) VALUES ($1, $2, $3, $4);
END;
COMMENT ON FUNCTION ingest_internal.run_says(bigint, text, text, jsonb) IS 'writes a line to a run''s log';

-- What everybody is told: 'succeeded' alone says that nothing was left out
CREATE FUNCTION ingest_internal.state_in_words(state text, left_out text[]) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN state || coalesce(' ' || array_to_string(left_out, ', '), '');
COMMENT ON FUNCTION ingest_internal.state_in_words(text, text[])
    IS 'how a run ended, with what it left out: succeeded, or succeeded with ...';

CREATE FUNCTION ingest_internal.run_succeeded(of_run bigint, left_out text[]) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.run r SET state = CASE WHEN cardinality($2) > 0 THEN 'succeeded with' ELSE 'succeeded' END,
        left_out = nullif($2, '{}'), phase = 'done', finished_at = clock_timestamp(),
        updated_at = clock_timestamp()
    WHERE r.id = of_run;
    SELECT ingest_internal.alert_run_over(of_run);
END;
COMMENT ON FUNCTION ingest_internal.run_succeeded(bigint, text[]) IS 'records that a run succeeded';

CREATE FUNCTION ingest_internal.run_failed(of_run bigint, state text, sqlstate text, error_class text, error text,
    detail text, hint text)
    RETURNS void LANGUAGE sql
BEGIN ATOMIC
    UPDATE ingest.run r SET state = $2, finished_at = clock_timestamp(), updated_at = clock_timestamp(), sqlstate = $3,
        error_class = $4, error = $5, error_detail = $6, error_hint = $7
    WHERE r.id = of_run;
    SELECT ingest_internal.alert_run(of_run);
END;
COMMENT ON FUNCTION ingest_internal.run_failed(bigint, text, text, text, text, text, text)
    IS 'records that a run failed';

-- Anomalies

CREATE FUNCTION ingest_internal.anomaly_subject(relation oid)
    RETURNS TABLE (source integer, source_name text, sync integer) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT d.id, d.name, s.id FROM ingest.sync s JOIN ingest.data_source d ON d.id = s.source
        WHERE s.target = anomaly_subject.relation
    UNION ALL SELECT d.id, d.name, 0 FROM ingest.source_table t JOIN ingest.data_source d ON d.id = t.source
    WHERE t.relation = anomaly_subject.relation;
END;
COMMENT ON FUNCTION ingest_internal.anomaly_subject(oid) IS 'the source of a table, and its sync if it is a copy';

CREATE FUNCTION ingest_internal.anomaly_insert(source integer, sync integer, run bigint, relation oid,
    schema_name name, table_name name,
    column_name name, kind text, severity text, summary text, evidence jsonb, owner oid) RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
    INSERT INTO ingest.anomaly (source, sync, run, relation, schema_name, table_name, column_name, kind, severity,
        summary, evidence, owner)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, coalesce($11, '{}'), $12
    WHERE NOT EXISTS (SELECT FROM ingest.anomaly a WHERE a.relation = $4 AND a.kind = $8
        AND a.column_name IS NOT DISTINCT FROM $7
        AND a.summary = $10 AND a.resolved_at IS NULL AND a.detected_at > now() - interval '1 day')
    RETURNING id;
END;
COMMENT ON FUNCTION ingest_internal.anomaly_insert(integer, integer, bigint, oid, name, name, name, text, text, text,
    jsonb, oid)
    IS 'records an anomaly; null if it is already recorded, so that not every run raises it again';

CREATE FUNCTION ingest_internal.profile_table_id(of_sync integer, of_relation oid) RETURNS integer LANGUAGE sql STABLE
    RETURN coalesce((SELECT s.table_id FROM ingest.sync s WHERE s.id = of_sync),
        (SELECT t.id FROM ingest.source_table t WHERE t.relation = of_relation LIMIT 1));
COMMENT ON FUNCTION ingest_internal.profile_table_id(integer, oid)
    IS 'the source''s table that a profile is of: that of the copy, or the foreign table itself';

CREATE FUNCTION ingest_internal.stale_copies(actor oid)
    RETURNS TABLE (source integer, source_name text, sync integer, relation oid, schema_name name, table_name name,
        objective text,
        age text, last_success text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.source, c.source_name, c.sync, c.target, c.target_schema, c.target_table, c.freshness_objective::text,
        date_trunc('minute', now() - c.last_success)::text, c.last_success::text
    FROM ingest_internal.stale_copy c WHERE ingest_internal.acts_for(actor, c.owner);
END;
COMMENT ON FUNCTION ingest_internal.stale_copies(oid) IS 'copies of a role''s sources that are older than they may be';

-- What a role has in pg_temp, where names are looked for first; each with its number, so that one that was made again
-- is another one.

CREATE FUNCTION ingest_internal.in_pg_temp(role oid) RETURNS TABLE (thing text, name name) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT c.oid || ' ' || c.relname, c.relname FROM pg_class c
    WHERE c.relnamespace = pg_my_temp_schema() AND c.relowner = in_pg_temp.role AND c.relkind NOT IN ('i', 'I', 't')
      AND NOT (c.relkind = 'r' AND EXISTS (SELECT FROM ingest.sync s
        WHERE (s.owner = in_pg_temp.role OR s.parent IS NOT NULL)
            AND c.relname ~ ('^ingest_stage_' || s.id || '(_[a-z])?$')))
    UNION ALL SELECT t.oid || ' ' || t.typname, t.typname FROM pg_type t
    WHERE t.typnamespace = pg_my_temp_schema() AND t.typowner = in_pg_temp.role AND t.typtype IN ('d', 'e', 'r')
    UNION ALL SELECT p.oid || ' ' || p.proname, p.proname FROM pg_proc p WHERE p.pronamespace = pg_my_temp_schema()
        AND p.proowner = in_pg_temp.role;
END;
COMMENT ON FUNCTION ingest_internal.in_pg_temp(oid)
    IS 'relations, types and functions of a role in pg_temp, except the engine''s own staging tables';

CREATE FUNCTION ingest_internal.things_in_pg_temp(role oid) RETURNS text[] LANGUAGE sql STABLE
    RETURN ARRAY(SELECT p.thing FROM ingest_internal.in_pg_temp(things_in_pg_temp.role) p);
COMMENT ON FUNCTION ingest_internal.things_in_pg_temp(oid) IS 'the same as an array';

CREATE FUNCTION ingest_internal.left_in_pg_temp(role oid, before text[]) RETURNS name LANGUAGE sql STABLE
    RETURN (SELECT p.name FROM ingest_internal.in_pg_temp(left_in_pg_temp.role) p
        WHERE p.thing <> ALL (left_in_pg_temp.before) LIMIT 1);
COMMENT ON FUNCTION ingest_internal.left_in_pg_temp(oid, text[])
    IS 'an object that is there now and was not before; null if there is none';
