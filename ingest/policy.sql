
-- Who sees which rows, table by table.  Nobody but the engine writes: there are policies for SELECT alone.

ALTER TABLE ingest.data_source ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.data_source FOR SELECT
    USING (id = ANY ((SELECT ingest_internal.my_sources())::integer[]));
ALTER TABLE ingest.source_grant ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.source_grant FOR SELECT
    USING (source = ANY ((SELECT ingest_internal.my_sources())::integer[]));
ALTER TABLE ingest.source_schema ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.source_schema FOR SELECT
    USING (source = ANY ((SELECT ingest_internal.my_sources())::integer[]));
ALTER TABLE ingest.source_table ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.source_table FOR SELECT
    USING (source = ANY ((SELECT ingest_internal.my_sources())::integer[]));
ALTER TABLE ingest.source_column ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.source_column FOR SELECT
    USING (source = ANY ((SELECT ingest_internal.my_sources())::integer[]));
ALTER TABLE ingest.metadata_change ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.metadata_change FOR SELECT
    USING (source = ANY ((SELECT ingest_internal.my_sources())::integer[]));
ALTER TABLE ingest.annotation ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.annotation FOR SELECT
    USING (source = ANY ((SELECT ingest_internal.my_sources())::integer[]));
ALTER TABLE ingest.lineage_edge ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.lineage_edge FOR SELECT
    USING (source = ANY ((SELECT ingest_internal.my_sources())::integer[])
    OR source IS NULL AND ingest_internal.acts_for(owner));
ALTER TABLE ingest.profile_stats ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.profile_stats FOR SELECT USING (ingest_internal.acts_for((SELECT d.owner
    FROM ingest.data_source d WHERE d.id = source)));
ALTER TABLE ingest.sync ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.sync FOR SELECT USING (source = ANY ((SELECT ingest_internal.my_sources())::integer[]));
ALTER TABLE ingest.sync_state ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.sync_state FOR SELECT
    USING (sync = ANY ((SELECT ingest_internal.my_syncs())::integer[]));
ALTER TABLE ingest.change_commit ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.change_commit FOR SELECT USING (ingest_internal.acts_for((SELECT s.owner
    FROM ingest.sync s WHERE s.id = sync)));
ALTER TABLE ingest.sync_owed ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.sync_owed FOR SELECT USING (ingest_internal.acts_for((SELECT s.owner
    FROM ingest.sync s WHERE s.id = sync)));
ALTER TABLE ingest.sync_range ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.sync_range FOR SELECT USING (ingest_internal.acts_for((SELECT s.owner
    FROM ingest.sync s WHERE s.id = sync)));
ALTER TABLE ingest.sync_piece ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.sync_piece FOR SELECT USING (ingest_internal.acts_for((SELECT s.owner
    FROM ingest.sync s WHERE s.id = sync)));
ALTER TABLE ingest.rejected_row ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.rejected_row FOR SELECT USING (ingest_internal.acts_for((SELECT s.owner
    FROM ingest.sync s WHERE s.id = sync)));
ALTER TABLE ingest.change ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.change FOR SELECT USING (ingest_internal.acts_for((SELECT s.owner FROM ingest.sync s
    WHERE s.id = sync)));
ALTER TABLE ingest.export ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.export FOR SELECT USING (ingest_internal.acts_for(owner));
ALTER TABLE ingest.job ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.job FOR SELECT USING (ingest_internal.acts_for(owner)
    OR source = ANY ((SELECT ingest_internal.my_sources())::integer[]));
ALTER TABLE ingest.job_dependency ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.job_dependency FOR SELECT USING (EXISTS (SELECT FROM ingest.job j WHERE j.id = job));
ALTER TABLE ingest.queue ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.queue FOR SELECT USING (ingest_internal.acts_for(owner)
    OR source = ANY ((SELECT ingest_internal.my_sources())::integer[]));
ALTER TABLE ingest.dead_letter ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.dead_letter FOR SELECT USING (ingest_internal.acts_for((SELECT j.owner
    FROM ingest.job j WHERE j.id = job)));
ALTER TABLE ingest.run ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.run FOR SELECT USING (ingest_internal.acts_for(role)
    OR ingest_internal.acts_for((SELECT d.owner FROM ingest.data_source d WHERE d.id = source)));
ALTER TABLE ingest.run_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.run_log FOR SELECT USING (EXISTS (SELECT FROM ingest.run r WHERE r.id = run));
ALTER TABLE ingest.circuit ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.circuit FOR SELECT USING (ingest_internal.acts_for((SELECT d.owner
    FROM ingest.data_source d WHERE d.id = source)));
ALTER TABLE ingest.rule ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.rule FOR SELECT USING (ingest_internal.acts_for(owner));
ALTER TABLE ingest.rule_result ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.rule_result FOR SELECT USING (ingest_internal.acts_for((SELECT r.owner
    FROM ingest.rule r WHERE r.id = rule)));
ALTER TABLE ingest.anomaly ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.anomaly FOR SELECT USING (CASE WHEN source IS NULL
    THEN ingest_internal.acts_for(owner) ELSE ingest_internal.acts_for((SELECT d.owner FROM ingest.data_source d
    WHERE d.id = source)) END);
ALTER TABLE ingest.alert ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.alert FOR SELECT USING (ingest_internal.acts_for(ingest_internal.alert_owner(alert)));
ALTER TABLE ingest.acknowledgement ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.acknowledgement FOR SELECT USING (EXISTS (SELECT FROM ingest.alert a
    WHERE a.id = alert));
ALTER TABLE ingest.silence ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.silence FOR SELECT USING (ingest_internal.acts_for(owner));
ALTER TABLE ingest.subscription ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.subscription FOR SELECT USING (ingest_internal.acts_for(owner));
ALTER TABLE ingest.event ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.event FOR SELECT USING (ingest_internal.acts_for(owner));
ALTER TABLE ingest.audit ENABLE ROW LEVEL SECURITY;
CREATE POLICY reading ON ingest.audit FOR SELECT USING (ingest_internal.acts_for(role_oid));

-- What the roles may do.  A function that is in none of these lists is for superusers alone.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ingest, ingest_internal FROM PUBLIC;
REVOKE ALL ON ALL PROCEDURES IN SCHEMA ingest, ingest_internal FROM PUBLIC;

GRANT USAGE ON SCHEMA ingest, ingest_internal TO ingest_reader;
GRANT SELECT ON service TO ingest_engine;
GRANT SELECT ON connector, service, source_grant, source_schema, source_table, metadata_change,
    annotation, lineage_edge,
    sync_range, sync_piece, change, change_commit, sync_owed, rejected_row, export, job, job_dependency, dead_letter,
    run, run_log, circuit, rule, rule_result, anomaly, alert, acknowledgement, silence, event_type, subscription, audit,
    source_status, table_status, export_status, run_status, run_totals, job_status, consumer_status, quality_status,
        anomaly_status, alert_status, column_status, profile_status, annotation_status TO ingest_reader;
-- without what may quote values of rows or name hosts: the views show that to whom it may be shown
GRANT SELECT (id, name, server, server_oid, owner, owner_name, description, remote_schemas, local_schema, schema_oid,
    include, refresh_schedule, state, max_parallel, registered_at, last_check_at, last_check_ok,
    last_crawl_at, crawl_began_at) ON data_source TO ingest_reader;
GRANT SELECT (id, name, source, table_id, target_schema, target_table, target, owner, owner_name, mode, key,
    cursor_column, overlap, batch_rows, deletions, parent, parent_column, history,
    history_retention, row_events, profile, reconcile_every, max_delete_share, reject_limit, exclude, pseudonymise,
    state, created_at) ON sync TO ingest_reader;
GRANT SELECT (sync, epoch, phase, generation, watermark_time, history_since, deleted_watermark, clock_offset,
    clock_at, last_success, last_reconcile, mismatches, rows, kept, reload, unfilled, vanished, lateness,
    lateness_day) ON sync_state
    TO ingest_reader;
GRANT SELECT (id, job, owner, source, priority, run_at, turn, attempts, worker, lease_until, dedupe) ON queue
    TO ingest_reader;
GRANT EXECUTE ON FUNCTION ingest_internal.acts_for(oid), ingest_internal.my_sources(), ingest_internal.my_syncs(),
    ingest_internal.sees_rows(integer), ingest_internal.sees_table(oid, oid),
    ingest_internal.may_read(oid, oid, smallint), ingest_internal.owns(oid, oid), ingest_internal.at_home(),
        ingest_internal.open_watermark(text), ingest_internal.role_name(oid, name),
    ingest_internal.sync_trouble(oid, oid, name, name, oid, name, name), ingest_internal.event_wanted(text, text[]),
        ingest_internal.state_of_run(bigint, text, integer), ingest_internal.state_in_words(text, text[]),
        ingest_internal.sync_faded(bigint[], date), ingest_internal.sync_overlap(interval, bigint[], date),
        ingest_internal.alert_owner(alert),
        ingest_internal.alert_fits(alert, text), ingest_internal.alert_data(alert, text),
        ingest_internal.acts_for(oid, oid) TO ingest_reader;
GRANT SELECT ON ingest_internal.open_alert TO ingest_reader;
GRANT EXECUTE ON FUNCTION lineage(text, text, integer), ingest_internal.search(text, integer),
    ingest_internal.lineage_tables(text, integer),
    ingest_internal.lineage_dot(text, integer), ingest_internal.lineage_mermaid(text, integer),
    lineage_graph(text, integer, text), ingest_internal.view_columns(regclass),
    as_of(anyelement, timestamptz), ingest_internal.row_change(integer, jsonb, timestamptz),
        ingest_internal.new_changes(integer, bigint, bigint, timestamptz),
        ingest_internal.row_json(record), ingest_internal.key_json("any"),
        ingest_internal.takes_row(jsonb, jsonb, text, text),
        ingest_internal.unrounded(numeric, numeric, text), ingest_internal.pseudonym(integer, anyelement),
        row_history(anyelement, jsonb), ingest_internal.launcher_runs(), ingest_internal.era(),
        ingest_internal.next_due(text, timestamptz, text) TO ingest_reader;

GRANT EXECUTE ON FUNCTION subscribe(text, text[], boolean), unsubscribe(text), read_events(text, integer),
    ack(text, bigint), cloud_event(event) TO ingest_consumer;
GRANT EXECUTE ON FUNCTION ingest_internal.set_types(text, text[]), ingest_internal.read_again(integer[], bigint[]),
    ingest_internal.find_events(timestamptz, timestamptz, text[]), ingest_internal.read_ahead(text, integer, integer,
        bigint), ingest_internal.read_after(text, text[], integer) TO ingest_consumer;
-- reads nothing but what it is given, and whoever owns a copy needs it
GRANT EXECUTE ON FUNCTION ingest_internal.row_of_json(anyelement, jsonb) TO PUBLIC;
GRANT SELECT ON event TO ingest_consumer;

GRANT EXECUTE ON FUNCTION register_source(text, name, name, text[], text[], text, text, integer), check_source(text),
    pause(text, text), resume(text, text), drop_source(text), grant_source(text, name),
    revoke_source(text, name), ingest_internal.postgres_tables(name),
        ingest_internal.postgres_horizon(name), ingest_internal.mysql_catalogue(name),
        ingest_internal.mysql_charset(name), ingest_internal.mysql_tables(name),
    ingest_internal.mysql_check(name), profile(regclass, bigint), set_lineage(text, text, text, text, text),
    create_sync(regclass, text, text, text, name[], name, interval, integer, text, text, name, boolean, interval,
        boolean, text, interval, float8, float8, interval, text, name, boolean, name[], name[], text, text),
    create_export(regclass, regclass, text, text, jsonb, boolean), drop_export(text),
    retry_piece(text, text), reload(text, boolean), drop_sync(text), verify(text, integer),
        alter_sync(text, text, name[], name, interval, integer, text, text, name, boolean, interval, boolean, text,
        interval, float8, float8, interval, name[], name[], name[], text, text), explain_sync(text),
        emit(text, text, jsonb),
    create_job(text, text, text, integer, integer, interval, text[]), watch(text, boolean),
        enqueue(text, timestamptz, integer, boolean),
        schedule(text, text), drop_job(text), cancel(bigint), retry(bigint),
    add_rule(regclass, text, name[], jsonb, text, float8), drop_rule(integer), check_quality(regclass),
        suggest_rules(regclass, bigint),
    resolve_anomaly(bigint), acknowledge(bigint), silence(text, timestamptz, text),
    annotate(text, text, jsonb, text), ingest_internal.annotate(integer, text, text, jsonb, text) TO ingest_operator;
GRANT EXECUTE ON FUNCTION ingest_internal.profiled(regclass, bigint), ingest_internal.frequent_values
    TO ingest_operator;
GRANT EXECUTE ON PROCEDURE crawl(text, text[], boolean), sync(text), export(text), redrive(text), work(text, bigint)
    TO ingest_operator;

GRANT EXECUTE ON FUNCTION ingest_internal.prune(interval, interval), set_owner(text, name), enable() TO ingest_admin;
GRANT EXECUTE ON FUNCTION reassign(regrole, regrole, name, boolean) TO ingest_operator;

DO $$
DECLARE
    o record;
BEGIN
    -- pg_dump takes what users put in
    FOR o IN SELECT c.oid::regclass::text AS name FROM pg_class c WHERE c.relnamespace = 'ingest'::regnamespace
        AND c.relkind IN ('r', 'p', 'S')
        AND c.relname NOT IN ('event_type', 'service')
    LOOP
        PERFORM pg_catalog.pg_extension_config_dump(o.name, CASE WHEN o.name LIKE '%connector'
            THEN 'WHERE NOT built_in' ELSE '' END);
    END LOOP;
    -- everything is the engine's; what belongs to a table or column goes with it. Services run as a superuser, who
    -- says which
    FOR o IN SELECT format('ALTER %s ingest.%I', CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE'
        ELSE 'TABLE' END, c.relname) AS statement
          FROM pg_class c WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S')
              AND c.relname <> 'service'
            AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid)
        UNION ALL SELECT format('ALTER VIEW %s', c.oid::regclass) FROM pg_class c
            WHERE c.relnamespace = 'ingest_internal'::regnamespace AND c.relkind = 'v'
        UNION ALL SELECT format('ALTER ROUTINE %s', p.oid::regprocedure) FROM pg_proc p
            WHERE p.pronamespace IN ('ingest'::regnamespace, 'ingest_internal'::regnamespace)
        UNION ALL SELECT 'ALTER SCHEMA ingest'
        UNION ALL SELECT 'ALTER SCHEMA ingest_internal'
    LOOP
        EXECUTE o.statement || ' OWNER TO ingest_engine';
    END LOOP;
END $$;
