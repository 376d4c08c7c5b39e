-- What the roles may do.  A function that is in none of these lists is for superusers alone.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ingest_api, ingest_api_internal FROM PUBLIC;
GRANT USAGE ON SCHEMA ingest_api TO ingest_reader, ingest_consumer;
GRANT SELECT ON ALL TABLES IN SCHEMA ingest_api TO ingest_reader;
-- events are for those who may be consumers
REVOKE SELECT ON ingest_api.events FROM ingest_reader;
GRANT SELECT ON ingest_api.events TO ingest_consumer, ingest_operator, ingest_admin;
GRANT EXECUTE ON FUNCTION ingest_api.create_token(text, regrole, text[], interval), ingest_api.revoke_token(text),
    ingest_api_internal.home(), ingest_api.login_link(integer, text[]) TO ingest_reader;
GRANT EXECUTE ON FUNCTION ingest_api_internal.source_called(text), ingest_api_internal.sync_called(text),
    ingest_api_internal.job_called(text), ingest_api_internal.in_address(text), ingest_api_internal.sinks(),
    ingest_api_internal.deliveries(),
    ingest_api.make_token(text, regrole, text[], interval) TO ingest_reader;
GRANT EXECUTE ON FUNCTION ingest_api.subscribe(text, text[], boolean), ingest_api.read_events(text, integer),
    ingest_api.acknowledge_events(text, bigint), ingest_api.unsubscribe(text) TO ingest_consumer;
GRANT EXECUTE ON FUNCTION ingest_api_internal.put_into_queue(text, timestamptz, integer),
    ingest_api_internal.job_for(text, text), ingest_api_internal.need_delivery(),
    ingest_api.crawl_source(text), ingest_api.check_source(text), ingest_api.pause_source(text),
        ingest_api.resume_source(text),
    ingest_api.run_sync(text), ingest_api.pause_sync(text), ingest_api.resume_sync(text),
        ingest_api.reload_sync(text, boolean),
    ingest_api.cancel_run(bigint), ingest_api.run_job(text, timestamptz, integer), ingest_api.retry_dead_letter(bigint),
    ingest_api.acknowledge_alert(bigint), ingest_api.silence_alert(bigint, timestamptz, text),
        ingest_api.silence(text, timestamptz, text), ingest_api.end_silence(text), ingest_api.resolve_anomaly(bigint),
    ingest_api.add_rule(regclass, text, name[], jsonb, text, float8), ingest_api.drop_rule(integer),
        ingest_api.check_rules(text), ingest_api.profile_relation(text),
    ingest_api.annotate_table(integer, text, jsonb, text), ingest_api.annotate_column(integer, text, text, jsonb, text),
        ingest_api.end_annotation(bigint),
    ingest_api.expose(regclass, text), ingest_api.unexpose(text), ingest_api.expose_relation(regclass, text),
    ingest_api.pause_sink(text), ingest_api.resume_sink(text), ingest_api.test_sink(text),
        ingest_api.redrive_sink(text), ingest_api.replay_sink(text, timestamptz, timestamptz, text),
        ingest_api.skip_event(text, text) TO ingest_operator;
GRANT EXECUTE ON FUNCTION ingest_api.lineage(text, text, integer), ingest_api.table_profile(integer),
    ingest_api.table_preview(integer, integer), ingest_api.table_as_of(integer, timestamptz, integer, integer),
    ingest_api.row_versions(integer, text), ingest_api.failing_rows(integer, integer),
        ingest_api.series(text, timestamptz, timestamptz, interval, text, text), ingest_api.search(text, integer),
    ingest_api_internal.relation_of(integer), ingest_api_internal.qualified(regclass),
        ingest_api_internal.readable_columns(regclass, text), ingest_api_internal.require_page(integer),
        ingest_api_internal.shown(text),
    ingest_api_internal.key_of(integer, regclass), ingest_api_internal.key_json(regclass, name[], text),
        ingest_api_internal.names(oid, smallint[]), ingest_api_internal.series_statement(text),
    ingest_api_internal.series_which(text, text, text),
        ingest_api_internal.series_query(text, text, timestamptz, timestamptz, interval) TO ingest_reader;
GRANT EXECUTE ON FUNCTION ingest_api.overview(),
    ingest_api.freshness(timestamptz, timestamptz, interval, text, integer),
    ingest_api.activity(timestamptz, timestamptz, interval, text, text), ingest_api.lineage_map(),
    ingest_api.source_traffic(text), ingest_api.table_distributions(integer),
    ingest_api_internal.require_span(timestamptz, timestamptz, interval, integer), ingest_api_internal.flows()
    TO ingest_reader;
GRANT EXECUTE ON FUNCTION ingest_api.map_claim(text, text, regrole), ingest_api.unmap_claim(text, text) TO ingest_admin;
GRANT EXECUTE ON FUNCTION ingest_api.graphql(text, jsonb, text) TO ingest_reader, ingest_consumer;
-- what statements of every role call; whatever else is in there has rights of its own
GRANT USAGE ON SCHEMA ingest_api_internal TO PUBLIC;
GRANT EXECUTE ON FUNCTION ingest_api_internal.fits(anyelement), ingest_api_internal.fits(anyelement, "any"),
    ingest_api_internal.list_add(internal, json), ingest_api_internal.list_end(internal),
        ingest_api_internal.list(json),
    ingest_api_internal.lines_add(internal, json), ingest_api_internal.lines_end(internal),
        ingest_api_internal.lines(json) TO PUBLIC;
GRANT SELECT ON ingest_api_internal.metric TO ingest_reader;
GRANT EXECUTE ON FUNCTION ingest_api.metrics(), ingest_api_internal.measured(), ingest_api_internal.sink_metrics(),
    ingest_api_internal.server_metrics(), ingest_api_internal.events_written(),
    ingest_api_internal.label(text, text), ingest_api_internal.exposition(boolean),
    ingest_api_internal.sinks(), ingest_api_internal.deliveries() TO ingest_reader;

-- What it needs of ingest.
GRANT SELECT ON SEQUENCE ingest.event_id_seq TO ingest_api_engine;
GRANT ingest_reader TO ingest_api_engine;
GRANT EXECUTE ON FUNCTION ingest_internal.acts_for(oid, oid), ingest_internal.is_had_by(oid, name, oid, name),
    ingest_internal.audit_for(oid, text, text, jsonb, jsonb) TO ingest_api_engine;
-- what a role has goes over to another by the service's row
GRANT USAGE ON SCHEMA ingest_api_internal TO ingest_engine;
GRANT EXECUTE ON FUNCTION ingest_api_internal.hand_over(oid, oid, oid, name, boolean) TO ingest_engine;

-- The gateway's role: it may ask, and nothing else.
DO $$
DECLARE
    o record;
    authenticator CONSTANT text := current_setting('ingest_api.authenticator', true);
BEGIN
    IF authenticator IS NOT NULL AND to_regrole(quote_ident(authenticator)) IS NULL THEN
        EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT CONNECTION LIMIT 32', authenticator);
        EXECUTE format('COMMENT ON ROLE %I IS %L', authenticator,
            'role that the gateway of pg_ingest logs in as; it may serve roles that are granted to it');
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA ingest_api TO %I', coalesce(authenticator, 'ingest_authenticator'));
    EXECUTE format('GRANT EXECUTE ON FUNCTION ingest_api.serve(text, text, text, text, jsonb, bytea) TO %I',
        coalesce(authenticator, 'ingest_authenticator'));
    FOR o IN SELECT format('ALTER %s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
        c.oid::regclass) AS statement FROM pg_class c
          WHERE c.relnamespace IN ('ingest_api'::regnamespace, 'ingest_api_internal'::regnamespace)
              AND c.relkind IN ('r', 'v')
        UNION ALL SELECT format('ALTER ROUTINE %s', p.oid::regprocedure) FROM pg_proc p
            WHERE p.pronamespace IN ('ingest_api'::regnamespace, 'ingest_api_internal'::regnamespace)
        UNION ALL SELECT 'ALTER SCHEMA ingest_api'
        UNION ALL SELECT 'ALTER SCHEMA ingest_api_internal'
    LOOP
        EXECUTE o.statement || ' OWNER TO ingest_api_engine';
    END LOOP;
END $$;
-- It runs where ingest_api.listen says where.
INSERT INTO ingest.service (name, library, function, setting, gives)
    VALUES ('ingest_api', 'ingest_api', 'ingest_api_service_main', 'ingest_api.listen', 'ingest_api_internal.hand_over')
  ON CONFLICT (name) DO UPDATE SET library = excluded.library, function = excluded.function, setting = excluded.setting,
    gives = excluded.gives;
SELECT pg_catalog.pg_extension_config_dump('ingest_api_internal.token', '');
SELECT pg_catalog.pg_extension_config_dump('ingest_api_internal.token_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ingest_api_internal.claim', '');
SELECT pg_catalog.pg_extension_config_dump('ingest_api_internal.claim_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ingest_api_internal.resource',
    'WHERE owner IS NOT NULL AND EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = relation)');
