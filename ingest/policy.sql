
DO $$
DECLARE
    t record;
BEGIN
    -- reading: by the source; writing: by the owner
    FOR t IN SELECT * FROM (VALUES
        ('data_source', 'id = ANY (ARRAY(SELECT ingest.my_sources()))', 'pg_has_role(owner, ''USAGE'')'),
        ('source_grant', 'source = ANY (ARRAY(SELECT ingest.my_sources()))', 'EXISTS (SELECT FROM ingest.data_source d WHERE d.id = source AND pg_has_role(d.owner, ''USAGE''))'),
        ('source_schema', 'source = ANY (ARRAY(SELECT ingest.my_sources()))', NULL),
        ('source_table', 'source = ANY (ARRAY(SELECT ingest.my_sources()))', 'EXISTS (SELECT FROM ingest.data_source d WHERE d.id = source AND pg_has_role(d.owner, ''USAGE''))'),
        ('source_column', 'source = ANY (ARRAY(SELECT ingest.my_sources()))', NULL),
        ('metadata_change', 'source = ANY (ARRAY(SELECT ingest.my_sources()))', NULL),
        ('lineage_edge', 'source IS NULL OR source = ANY (ARRAY(SELECT ingest.my_sources()))', 'source IS NULL OR EXISTS (SELECT FROM ingest.data_source d WHERE d.id = source AND pg_has_role(d.owner, ''USAGE''))'),
        ('sync', 'source = ANY (ARRAY(SELECT ingest.my_sources()))', 'pg_has_role(owner, ''USAGE'')'),
        ('sync_state', 'sync = ANY (ARRAY(SELECT ingest.my_syncs()))', 'EXISTS (SELECT FROM ingest.sync s WHERE s.id = sync AND pg_has_role(s.owner, ''USAGE''))'),
        ('sync_range', 'sync = ANY (ARRAY(SELECT ingest.my_syncs()))', NULL),
        ('rejected_row', 'pg_has_role((SELECT s.owner FROM ingest.sync s WHERE s.id = sync), ''USAGE'')', NULL),
        ('change', 'pg_has_role((SELECT s.owner FROM ingest.sync s WHERE s.id = sync), ''USAGE'')', 'pg_has_role((SELECT s.owner FROM ingest.sync s WHERE s.id = sync), ''USAGE'')'),
        ('job', 'pg_has_role(owner, ''USAGE'') OR source = ANY (ARRAY(SELECT ingest.my_sources()))', 'pg_has_role(owner, ''USAGE'')'),
        ('job_dependency', 'EXISTS (SELECT FROM ingest.job j WHERE j.id = job)', 'EXISTS (SELECT FROM ingest.job j WHERE j.id = job AND pg_has_role(j.owner, ''USAGE''))'),
        ('queue', 'pg_has_role(owner, ''USAGE'') OR source = ANY (ARRAY(SELECT ingest.my_sources()))', NULL),
        ('dead_letter', 'EXISTS (SELECT FROM ingest.job j WHERE j.id = job)', 'EXISTS (SELECT FROM ingest.job j WHERE j.id = job AND pg_has_role(j.owner, ''USAGE''))'),
        ('run', 'source = ANY (ARRAY(SELECT ingest.my_sources())) OR pg_has_role(role, ''USAGE'')', NULL),
        ('run_log', 'EXISTS (SELECT FROM ingest.run r WHERE r.id = run)', NULL),
        ('circuit', 'source = ANY (ARRAY(SELECT ingest.my_sources()))', 'EXISTS (SELECT FROM ingest.data_source d WHERE d.id = source AND pg_has_role(d.owner, ''USAGE''))'),
        ('rule', 'source = ANY (ARRAY(SELECT ingest.my_sources())) OR pg_has_role(owner, ''USAGE'')', 'pg_has_role(owner, ''USAGE'')'),
        ('rule_result', 'EXISTS (SELECT FROM ingest.rule r WHERE r.id = rule AND pg_has_role(r.owner, ''USAGE''))', NULL),
        ('anomaly', 'source = ANY (ARRAY(SELECT ingest.my_sources()))', 'EXISTS (SELECT FROM ingest.data_source d WHERE d.id = source AND pg_has_role(d.owner, ''USAGE''))'),
        ('subscription', 'pg_has_role(owner, ''USAGE'')', 'pg_has_role(owner, ''USAGE'')')) v (name, reading, writing)
    LOOP
        EXECUTE format('ALTER TABLE ingest.%I ENABLE ROW LEVEL SECURITY', t.name);
        EXECUTE format('CREATE POLICY reading ON ingest.%I FOR SELECT USING (%s)', t.name, t.reading);
        IF t.writing IS NOT NULL THEN
            EXECUTE format('CREATE POLICY adding ON ingest.%I FOR INSERT WITH CHECK (%s)', t.name, t.writing);
            EXECUTE format('CREATE POLICY changing ON ingest.%I FOR UPDATE USING (%s) WITH CHECK (%2$s)', t.name, t.writing);
            EXECUTE format('CREATE POLICY removing ON ingest.%I FOR DELETE USING (%s)', t.name, t.writing);
        END IF;
    END LOOP;
    -- pg_dump takes what users put in
    FOR t IN SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind IN ('r', 'p', 'S')
        AND c.relname NOT IN ('event_type')
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(t.name, CASE WHEN t.name LIKE '%connector' THEN 'WHERE wrapper NOT IN (''netsuite_fdw'', ''postgres_fdw'', ''file_fdw'')' ELSE '' END);
    END LOOP;
END $$;

CREATE FUNCTION grant_reader(role name) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA ingest TO %I', role);
    EXECUTE format('GRANT SELECT ON ingest.connector, ingest.data_source, ingest.source_grant, ingest.source_schema, ingest.source_table, ingest.metadata_change, ingest.lineage_edge, ingest.sync, '
        'ingest.sync_state, ingest.sync_range, ingest.job, ingest.job_dependency, ingest.queue, ingest.dead_letter, ingest.run, ingest.run_log, ingest.circuit, ingest.rule, '
        'ingest.rule_result, ingest.anomaly, ingest.event_type, ingest.subscription, ingest.rejected_row, ingest.source_status, ingest.table_status, ingest.run_status, ingest.quality_status, '
        'ingest.column_status, ingest.profile_status TO %I', role);
    EXECUTE format('GRANT EXECUTE ON FUNCTION ingest.my_sources(), ingest.my_syncs(), ingest.may_read(name, name, name), ingest.lineage(text, text, integer), '
        'ingest.lineage_tables(text, integer), ingest.lineage_dot(text, integer), ingest.lineage_mermaid(text, integer), '
        'ingest.view_columns(regclass), ingest.as_of(anyelement, timestamptz), ingest.row_change(integer, jsonb, timestamptz), ingest.row_history(anyelement, jsonb), ingest.launcher_runs(), ingest.era() TO %I', role);
END $$;
COMMENT ON FUNCTION grant_reader(name) IS 'what a role needs to see the repository; which sources it sees is up to grant_source';

CREATE FUNCTION grant_operator(role name) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM ingest.grant_reader(role);
    EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ingest TO %I', role);
    EXECUTE format('GRANT EXECUTE ON ALL PROCEDURES IN SCHEMA ingest TO %I', role);
    EXECUTE format('REVOKE EXECUTE ON FUNCTION ingest.grant_reader(name), ingest.grant_operator(name), ingest.prune(interval, interval), ingest.drop_old_history() FROM %I', role);
    EXECUTE format('GRANT INSERT, UPDATE, DELETE ON ingest.source_grant, ingest.job, ingest.job_dependency, ingest.subscription, ingest.lineage_edge TO %I', role);
    EXECUTE format('GRANT UPDATE (state, max_parallel, description), DELETE ON ingest.data_source TO %I', role);
    EXECUTE format('GRANT UPDATE (freshness_objective, key, key_origin, cursor_column) ON ingest.source_table TO %I', role);
    EXECUTE format('GRANT UPDATE (state, state_reason), DELETE ON ingest.sync TO %I', role);
    EXECUTE format('GRANT UPDATE (reload) ON ingest.sync_state TO %I', role);
    EXECUTE format('GRANT UPDATE ON ingest.circuit TO %I', role);
    EXECUTE format('GRANT SELECT, DELETE ON ingest.change TO %I', role);
    EXECUTE format('GRANT DELETE ON ingest.rule TO %I', role);
    EXECUTE format('GRANT UPDATE (resolved_at) ON ingest.anomaly TO %I', role);
    EXECUTE format('GRANT UPDATE (requeued_at) ON ingest.dead_letter TO %I', role);
END $$;
COMMENT ON FUNCTION grant_operator(name) IS 'what a role needs to register sources and keep copies of its own';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ingest FROM PUBLIC;
REVOKE ALL ON ALL PROCEDURES IN SCHEMA ingest FROM PUBLIC;

-- Everything is the engine's.  What belongs to a table or column goes with it.
DO $$
DECLARE
    o record;
BEGIN
    FOR o IN SELECT format('ALTER %s ingest.%I', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.relname) AS statement
          FROM pg_class c WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid)
        UNION ALL SELECT format('ALTER ROUTINE %s', p.oid::regprocedure) FROM pg_proc p WHERE p.pronamespace = 'ingest'::regnamespace
        UNION ALL SELECT 'ALTER SCHEMA ingest'
    LOOP
        EXECUTE o.statement || ' OWNER TO ingest_engine';
    END LOOP;
END $$;
