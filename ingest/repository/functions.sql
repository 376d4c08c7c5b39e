
-- Sources

CREATE FUNCTION register_source(name text, server name, schema name DEFAULT NULL, remote_schemas text[] DEFAULT NULL, tables text[] DEFAULT NULL,
    description text DEFAULT NULL, refresh_schedule text DEFAULT NULL, max_parallel integer DEFAULT 2) RETURNS integer
    AS 'MODULE_PATHNAME', 'ingest_register_source' LANGUAGE C;
COMMENT ON FUNCTION register_source(text, name, name, text[], text[], text, text, integer) IS 'makes a foreign server a source; its foreign tables go to a schema of its own';

CREATE FUNCTION check_source(name text) RETURNS TABLE ("check" text, ok boolean, detail text)
    AS 'MODULE_PATHNAME', 'ingest_check_source' LANGUAGE C STRICT;
COMMENT ON FUNCTION check_source(text) IS 'connection, login, permissions: as the connector checks them; remembered';

CREATE PROCEDURE crawl(source text, tables text[] DEFAULT NULL, count_rows boolean DEFAULT true)
    AS 'MODULE_PATHNAME', 'ingest_crawl' LANGUAGE C;
COMMENT ON PROCEDURE crawl(text, text[], boolean) IS 'finds schemas, tables, columns, keys and descriptions; makes or alters foreign tables; keeps what changed';

CREATE FUNCTION pause(source text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE data_source d SET state = 'paused' WHERE d.name = pause.source;
    SELECT announce('ingest.source.paused', pause.source, pause.source, jsonb_build_object('source', pause.source));
    END;
COMMENT ON FUNCTION pause(text) IS 'no job on the source is begun until resume; those that run go on';

CREATE FUNCTION resume(source text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE data_source d SET state = 'active' WHERE d.name = resume.source;
    UPDATE circuit c SET state = 'closed', outcomes = '{}', probes = 0, open_for = '30 s', changed_at = now(), reason = NULL
      FROM data_source d WHERE d.id = c.source AND d.name = resume.source AND c.state <> 'closed';
    SELECT announce('ingest.source.resumed', resume.source, resume.source, jsonb_build_object('source', resume.source));
    END;
COMMENT ON FUNCTION resume(text) IS 'jobs on the source are begun again, and its circuit breaker is closed';

CREATE FUNCTION drop_source(name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    SELECT announce('ingest.source.dropped', drop_source.name, drop_source.name, jsonb_build_object('source', drop_source.name));
    DELETE FROM data_source d WHERE d.name = drop_source.name;
    END;
COMMENT ON FUNCTION drop_source(text) IS 'forgets a source with its syncs, jobs and metadata; foreign tables and copies stay';

CREATE FUNCTION grant_source(source text, role name) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO source_grant SELECT d.id, grant_source.role FROM data_source d WHERE d.name = grant_source.source ON CONFLICT DO NOTHING;
    END;
COMMENT ON FUNCTION grant_source(text, name) IS 'lets members of a role see the source in the repository';

CREATE FUNCTION revoke_source(source text, role name) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    DELETE FROM source_grant g USING data_source d WHERE d.id = g.source AND d.name = revoke_source.source AND g.role = revoke_source.role;
    END;
COMMENT ON FUNCTION revoke_source(text, name) IS 'takes that back';

-- Another PostgreSQL says which columns are keys and what things are called: its catalogue, looked at through the wrapper.
CREATE FUNCTION postgres_tables(server name) RETURNS TABLE ("table" text, key text, description text)
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here name := (SELECT d.local_schema FROM ingest.data_source d WHERE d.server = postgres_tables.server LIMIT 1);
    wanted text[] := ARRAY(SELECT unnest(d.remote_schemas) FROM ingest.data_source d WHERE d.server = postgres_tables.server);
    look record;
BEGIN
    FOR look IN SELECT * FROM (VALUES ('pg_class', 'oid oid, relname name, relnamespace oid, relkind "char"'), ('pg_namespace', 'oid oid, nspname name'),
        ('pg_index', 'indrelid oid, indkey int2vector, indisprimary boolean'), ('pg_attribute', 'attrelid oid, attnum smallint, attname name'),
        ('pg_description', 'objoid oid, classoid oid, objsubid integer, description text')) v (name, columns)
    LOOP
        EXECUTE format('CREATE FOREIGN TABLE %I.%I (%s) SERVER %I OPTIONS (schema_name ''pg_catalog'', table_name %L)', here, 'ingest_' || look.name, look.columns, server, look.name);
    END LOOP;
    RETURN QUERY EXECUTE format('WITH c AS MATERIALIZED (SELECT c.oid, c.relname FROM %1$I.ingest_pg_class c JOIN %1$I.ingest_pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = ANY ($1) AND c.relkind IN (''r'', ''v'', ''m'', ''f'', ''p'')),
        i AS MATERIALIZED (SELECT i.indrelid, i.indkey FROM %1$I.ingest_pg_index i WHERE i.indisprimary AND i.indrelid IN (SELECT oid FROM c)),
        k AS (SELECT a.attrelid, string_agg(a.attname, '', '' ORDER BY array_position(i.indkey::smallint[], a.attnum)) AS key
            FROM %1$I.ingest_pg_attribute a JOIN i ON i.indrelid = a.attrelid AND a.attnum = ANY (i.indkey::smallint[]) GROUP BY a.attrelid)
        SELECT c.relname::text, k.key, (SELECT d.description FROM %1$I.ingest_pg_description d WHERE d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 1259)
        FROM c LEFT JOIN k ON k.attrelid = c.oid ORDER BY 1', here) USING wanted;
    EXECUTE format('DROP FOREIGN TABLE %1$I.ingest_pg_class, %1$I.ingest_pg_namespace, %1$I.ingest_pg_index, %1$I.ingest_pg_attribute, %1$I.ingest_pg_description', here);
END $$;
COMMENT ON FUNCTION postgres_tables(name) IS 'tables, primary keys and descriptions of a source behind postgres_fdw';

CREATE FUNCTION profile(relation regclass, sample_rows bigint DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'ingest_profile_now' LANGUAGE C;
COMMENT ON FUNCTION profile(regclass, bigint) IS 'profiles a table into profile_stats, holds that against its history and records anomalies; gives the run';
