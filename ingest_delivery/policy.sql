
-- Secrets in user mappings: PostgreSQL hides their options from everybody else.

CREATE FOREIGN DATA WRAPPER ingest_secrets;
COMMENT ON FOREIGN DATA WRAPPER ingest_secrets IS 'holds secrets in user mappings, and reads nothing';
CREATE SERVER ingest_secrets FOREIGN DATA WRAPPER ingest_secrets;
COMMENT ON SERVER ingest_secrets IS 'CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (a_name ''whsec_...''), then mapping:ingest_secrets/a_name';
GRANT USAGE ON FOREIGN SERVER ingest_secrets TO ingest_operator;

-- Who sees which rows.

ALTER TABLE sink ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON sink FOR SELECT USING (ingest_internal.acts_for(owner));
ALTER TABLE blocked ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON blocked FOR SELECT USING (EXISTS (SELECT FROM ingest_delivery.sink s WHERE s.id = sink));
ALTER TABLE parked ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON parked FOR SELECT USING (EXISTS (SELECT FROM ingest_delivery.sink s WHERE s.id = sink));
ALTER TABLE dead ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON dead FOR SELECT USING (EXISTS (SELECT FROM ingest_delivery.sink s WHERE s.id = sink));
ALTER TABLE sink_state ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON sink_state FOR SELECT USING (EXISTS (SELECT FROM ingest_delivery.sink s WHERE s.id = sink));
ALTER TABLE reminder ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON reminder FOR SELECT USING (EXISTS (SELECT FROM ingest_delivery.sink s WHERE s.id = sink));
ALTER TABLE attempt ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON attempt FOR SELECT USING (EXISTS (SELECT FROM ingest_delivery.sink s WHERE s.id = sink));

-- What the roles may do.  A function that is in none of these lists is for superusers alone.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ingest_delivery, ingest_delivery_internal FROM PUBLIC;
GRANT USAGE ON SCHEMA ingest_delivery, ingest_delivery_internal TO ingest_reader;
GRANT SELECT ON sink, blocked, parked, dead, sink_state, attempt, reminder, sink_status, delivery_log TO ingest_reader;
GRANT EXECUTE ON FUNCTION create_sink(text, text, jsonb, text[], jsonb, text, text, boolean), ingest_delivery_internal.create_sink(text, text, jsonb, jsonb, text, text), ingest_delivery_internal.types_for(text, text[]),
    alter_sink(text, jsonb, jsonb, text, text, text, text[]), ingest_delivery_internal.alter_sink(text, jsonb, jsonb, text, text, text, boolean), pause_sink(text), resume_sink(text), drop_sink(text), ingest_delivery_internal.drop_sink(text), rotate_secret(text, text, interval), test_sink(text),
    replay(text, timestamptz, timestamptz, text), ingest_delivery_internal.replay(text, text, integer[], bigint[], text[]), redrive(text), skip(text, text) TO ingest_operator;

GRANT EXECUTE ON FUNCTION asyncapi(), ingest_delivery_internal.message(text, text, text, jsonb) TO ingest_reader;
-- what is read as a sink's owner
GRANT EXECUTE ON FUNCTION ingest_delivery_internal.run_events(text, text, text, timestamptz, jsonb), ingest_delivery_internal.facet(text, text, jsonb), ingest_delivery_internal.dataset(text, name, name, oid),
    ingest_delivery_internal.column_lineage(text, name, name) TO ingest_consumer;

-- What it needs of ingest.
GRANT ingest_reader TO ingest_delivery_engine;
GRANT EXECUTE ON FUNCTION ingest_internal.acts_for(oid, oid), ingest_internal.changes_for(oid, oid), ingest_internal.is_had_by(oid, name, oid, name), ingest_internal.audit_for(oid, text, text, jsonb, jsonb), ingest_internal.wake_services(),
    ingest_internal.alert_for(boolean, text, text, text, text, text, oid), ingest_internal.service_lives() TO ingest_delivery_engine;
-- which events are needed the engine is told by the service's row
GRANT USAGE ON SCHEMA ingest_delivery_internal TO ingest_engine;
GRANT SELECT ON ingest_delivery_internal.needed TO ingest_engine;
-- and what a role has goes over to another by the same row
GRANT EXECUTE ON FUNCTION ingest_delivery_internal.hand_over(oid, oid, oid, name, boolean) TO ingest_engine;

DO $$
DECLARE
    o record;
BEGIN
    FOR o IN SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relnamespace = 'ingest_delivery'::regnamespace AND c.relkind IN ('r', 'S') AND c.relname NOT IN ('sink_state', 'attempt')
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(o.name, '');
    END LOOP;
    FOR o IN SELECT format('ALTER %s %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::regclass) AS statement FROM pg_class c
          WHERE c.relnamespace IN ('ingest_delivery'::regnamespace, 'ingest_delivery_internal'::regnamespace) AND c.relkind IN ('r', 'v')
        UNION ALL SELECT format('ALTER ROUTINE %s', p.oid::regprocedure) FROM pg_proc p WHERE p.pronamespace IN ('ingest_delivery'::regnamespace, 'ingest_delivery_internal'::regnamespace)
        UNION ALL SELECT 'ALTER SCHEMA ingest_delivery'
        UNION ALL SELECT 'ALTER SCHEMA ingest_delivery_internal'
    LOOP
        EXECUTE o.statement || ' OWNER TO ingest_delivery_engine';
    END LOOP;
END $$;

-- a row that an earlier life of the extension left is this one's
INSERT INTO ingest.service (name, library, function, wake_on_events, keeps, gives)
  VALUES ('ingest_delivery', 'ingest_delivery', 'ingest_delivery_main', true, 'ingest_delivery_internal.needed', 'ingest_delivery_internal.hand_over')
  ON CONFLICT (name) DO UPDATE SET library = excluded.library, function = excluded.function, wake_on_events = true, keeps = excluded.keeps, gives = excluded.gives, enabled = true;
