
-- Sources behind mysql_fdw: what their own catalogue says, looked at through the wrapper as postgres_tables does.

CREATE FUNCTION ingest_internal.mysql_catalogue(server name)
    RETURNS TABLE (kind text, schema_name text, "table" text, "column" text, "position" bigint, note text)
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- others may have sources on the server, too: theirs are no place for one's own tables
    here name := (SELECT d.local_schema FROM ingest.data_source d WHERE d.server = mysql_catalogue.server
        AND pg_has_role(d.owner, 'USAGE')
        ORDER BY d.owner <> (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user), d.id LIMIT 1);
    look record;
BEGIN
    FOR look IN SELECT * FROM (VALUES ('TABLES',
        'table_schema text, table_name text, table_type text, table_comment text'),
        ('STATISTICS', 'table_schema text, table_name text, index_name text, seq_in_index bigint, column_name text'),
        ('COLUMNS', 'table_schema text, table_name text, column_name text, collation_name text')) v (name, columns)
    LOOP
        EXECUTE format('CREATE FOREIGN TABLE %I.%I (%s) SERVER %I '
                'OPTIONS (dbname ''information_schema'', table_name %L)',
            here, 'ingest_' || lower(look.name), look.columns, server, look.name);
    END LOOP;
    RETURN QUERY EXECUTE format('SELECT ''table'', t.table_schema, t.table_name, NULL::text, NULL::bigint,
            CASE WHEN t.table_type <> ''VIEW'' THEN nullif(t.table_comment, '''') END
            FROM %1$I.ingest_tables t WHERE t.table_type <> ''SEQUENCE''
        UNION ALL SELECT ''key'', s.table_schema, s.table_name, s.column_name, s.seq_in_index, NULL
            FROM %1$I.ingest_statistics s WHERE s.index_name = ''PRIMARY''
        UNION ALL SELECT ''text'', c.table_schema, c.table_name, c.column_name, NULL, c.collation_name
            FROM %1$I.ingest_columns c WHERE c.collation_name IS NOT NULL', here);
    EXECUTE format('DROP FOREIGN TABLE %1$I.ingest_tables, %1$I.ingest_statistics, %1$I.ingest_columns', here);
END $$;
COMMENT ON FUNCTION ingest_internal.mysql_catalogue(name)
    IS 'tables, primary key columns, and text columns with their collations, behind mysql_fdw';

CREATE FUNCTION ingest_internal.mysql_charset(server name) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
    RETURN (SELECT coalesce(max(o.option_value), 'none') FROM pg_foreign_server s, pg_options_to_table(s.srvoptions) o
        WHERE s.srvname = server AND o.option_name = 'character_set');
COMMENT ON FUNCTION ingest_internal.mysql_charset(name)
    IS 'the option character_set of a mysql_fdw server: without utf8mb4, four-byte characters silently arrive as '
    'question marks';

CREATE FUNCTION ingest_internal.mysql_tables(server name)
    RETURNS TABLE ("schema" text, "table" text, key text, description text)
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text[] := ARRAY(SELECT unnest(d.remote_schemas) FROM ingest.data_source d
        WHERE d.server = mysql_tables.server);
BEGIN
    IF ingest_internal.mysql_charset(server) <> 'utf8mb4' THEN
        RAISE WARNING USING MESSAGE = format('server "%s" does not ask for utf8mb4: four-byte characters, such as '
            'emoji, arrive as question marks', server),
            HINT = format('ALTER SERVER %I OPTIONS (ADD character_set ''utf8mb4''), then reload what was copied.',
                server);
    END IF;
    RETURN QUERY WITH c AS MATERIALIZED (SELECT * FROM ingest_internal.mysql_catalogue(server) x
        WHERE x.schema_name = ANY (wanted))
        SELECT t.schema_name, t."table", (SELECT string_agg(k."column", ', ' ORDER BY k."position") FROM c k
            WHERE k.kind = 'key' AND (k.schema_name, k."table") = (t.schema_name, t."table")), t.note
        FROM c t WHERE t.kind = 'table' ORDER BY 2, 1;
END $$;
COMMENT ON FUNCTION ingest_internal.mysql_tables(name)
    IS 'tables, primary keys and descriptions of a source behind mysql_fdw';

CREATE FUNCTION ingest_internal.mysql_check(server name) RETURNS TABLE ("check" text, ok boolean, detail text)
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text[] := ARRAY(SELECT unnest(d.remote_schemas) FROM ingest.data_source d
        WHERE d.server = mysql_check.server);
    there jsonb := (SELECT coalesce(jsonb_agg(to_jsonb(c)), '[]') FROM ingest_internal.mysql_catalogue(server) c);
    schemas text;
    missing text;
    folded text;
    asks boolean := ingest_internal.mysql_charset(server) = 'utf8mb4';
BEGIN
    SELECT coalesce(string_agg(DISTINCT c->>'schema_name', ', '), 'none that this login sees') INTO schemas
        FROM jsonb_array_elements(there) c WHERE c->>'schema_name' <> 'information_schema';
    SELECT string_agg(w, ', ') INTO missing FROM unnest(wanted) w
        WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(there) c WHERE c->>'schema_name' = w);
    SELECT string_agg(x.name, ', ') INTO folded FROM (SELECT format('%s.%s', c->>'table', c->>'column') AS name
        FROM jsonb_array_elements(there) c
        WHERE c->>'kind' = 'text' AND c->>'schema_name' = ANY (wanted) AND c->>'note' !~ '_(bin|cs)$' ORDER BY 1
            LIMIT 5) x;
    RETURN QUERY VALUES ('connection', true, 'connected and logged in'),
        ('schemas', wanted <> '{}' AND missing IS NULL, CASE
            WHEN wanted = '{}' THEN format('none is asked for: register_source(..., remote_schemas => ...). '
                'There are: %s', schemas)
            WHEN missing IS NOT NULL THEN format('missing, or not visible: %s. There are: %s', missing, schemas)
            ELSE array_to_string(wanted, ', ') END),
        ('encoding', asks, CASE WHEN asks THEN 'utf8mb4'
            ELSE format('four-byte characters, such as emoji, arrive as question marks: ALTER SERVER %I OPTIONS (ADD '
                'character_set ''utf8mb4'')', server) END),
        ('comparison of text', true, CASE WHEN folded IS NULL THEN 'as here'
            ELSE format('warning: conditions on text are compared there, without regard to case or accents: %s',
                folded) END);
END $$;
COMMENT ON FUNCTION ingest_internal.mysql_check(name)
    IS 'connection, schemas, encoding and collations of a server of mysql_fdw';
