-- What the roles may do.  A function that is in none of these lists is for superusers alone.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ingest_api, ingest_api_internal FROM PUBLIC;
GRANT USAGE ON SCHEMA ingest_api TO ingest_reader, ingest_consumer;
GRANT SELECT ON ALL TABLES IN SCHEMA ingest_api TO ingest_reader;
-- events are for those who may be consumers
REVOKE SELECT ON ingest_api.events FROM ingest_reader;
GRANT SELECT ON ingest_api.events TO ingest_consumer, ingest_operator, ingest_admin;
GRANT EXECUTE ON FUNCTION ingest_api.create_token(text, regrole, interval), ingest_api.revoke_token(text) TO ingest_reader;
GRANT EXECUTE ON FUNCTION ingest_api.lineage(text, text, integer), ingest_api.table_profile(integer), ingest_api.table_preview(integer, integer), ingest_api.table_as_of(integer, timestamptz, integer, integer),
    ingest_api.row_versions(integer, text), ingest_api.failing_rows(integer, integer), ingest_api.series(text, timestamptz, timestamptz, interval, text, text), ingest_api.search(text, integer),
    ingest_api_internal.relation_of(integer), ingest_api_internal.qualified(regclass), ingest_api_internal.readable_columns(regclass, text), ingest_api_internal.require_page(integer), ingest_api_internal.shown(text),
    ingest_api_internal.key_of(integer, regclass), ingest_api_internal.key_json(regclass, name[], text), ingest_api_internal.names(oid, smallint[]), ingest_api_internal.series_statement(text),
    ingest_api_internal.series_which(text, text, text), ingest_api_internal.series_query(text, text, timestamptz, timestamptz, interval) TO ingest_reader;
GRANT EXECUTE ON FUNCTION ingest_api.pause_source(text) TO ingest_operator;
GRANT EXECUTE ON FUNCTION ingest_api.expose(regclass, text), ingest_api.unexpose(text) TO ingest_operator;
GRANT USAGE ON SCHEMA ingest_api_internal TO ingest_reader;

-- What it needs of ingest.
GRANT ingest_reader TO ingest_api_engine;
GRANT EXECUTE ON FUNCTION ingest_internal.acts_for(oid, oid), ingest_internal.audit_for(oid, text, text, jsonb, jsonb) TO ingest_api_engine;

-- The gateway's role: it may ask, and nothing else.
DO $$
DECLARE
    o record;
    authenticator CONSTANT text := current_setting('ingest_api.authenticator', true);
BEGIN
    IF authenticator IS NOT NULL AND to_regrole(quote_ident(authenticator)) IS NULL THEN
        EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT CONNECTION LIMIT 32', authenticator);
        EXECUTE format('COMMENT ON ROLE %I IS %L', authenticator, 'the gateway of pg_ingest logs in as it; it may serve roles that are granted to it');
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA ingest_api TO %I', coalesce(authenticator, 'ingest_authenticator'));
    EXECUTE format('GRANT EXECUTE ON FUNCTION ingest_api.serve(text, text, text, text, jsonb, bytea) TO %I', coalesce(authenticator, 'ingest_authenticator'));
    FOR o IN SELECT format('ALTER %s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::regclass) AS statement FROM pg_class c
          WHERE c.relnamespace IN ('ingest_api'::regnamespace, 'ingest_api_internal'::regnamespace) AND c.relkind IN ('r', 'v')
        UNION ALL SELECT format('ALTER ROUTINE %s', p.oid::regprocedure) FROM pg_proc p WHERE p.pronamespace IN ('ingest_api'::regnamespace, 'ingest_api_internal'::regnamespace)
        UNION ALL SELECT 'ALTER SCHEMA ingest_api'
        UNION ALL SELECT 'ALTER SCHEMA ingest_api_internal'
    LOOP
        EXECUTE o.statement || ' OWNER TO ingest_api_engine';
    END LOOP;
END $$;
SELECT pg_catalog.pg_extension_config_dump('ingest_api_internal.token', '');
SELECT pg_catalog.pg_extension_config_dump('ingest_api_internal.token_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ingest_api_internal.resource', 'WHERE owner IS NOT NULL');
