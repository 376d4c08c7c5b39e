-- What Prometheus reads: of what the caller sees, in one statement over the views.  Labels are names of what there is
-- and words of a fixed
-- list; nothing that grows by itself (a run, an event, an error's words) is one.

CREATE TABLE ingest_api_internal.metric (
    place integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- its place among the others
    name text NOT NULL UNIQUE CONSTRAINT "a metric's name has small letters, digits and _" -- its name
        CHECK (name ~ '^[a-z][a-z0-9_]*$'),
    type text NOT NULL CONSTRAINT "a metric is a gauge or a counter" -- a counter only grows
        CHECK (type IN ('gauge', 'counter')),
    help text NOT NULL -- what it means
);
COMMENT ON TABLE ingest_api_internal.metric IS 'what is measured';
INSERT INTO ingest_api_internal.metric (name, type, help) VALUES
    ('ingest_build_info', 'gauge', 'Always 1; the versions are in the labels.'),
    ('ingest_launcher_up', 'gauge', 'Whether anything keeps the schedules: 1 or 0.'),
    ('ingest_copy_age_seconds', 'gauge', 'Seconds since a run of the copy last finished.'),
    ('ingest_copy_lag_seconds', 'gauge', 'Seconds since the time up to which the copy is complete.'),
    ('ingest_copy_freshness_objective_seconds', 'gauge', 'How old the copy may be.'),
    ('ingest_copy_fresh', 'gauge', 'Whether it meets that objective: 1 or 0; 0 as well if it cannot.'),
    ('ingest_copy_rows', 'gauge', 'Rows of the copy.'),
    ('ingest_copy_source_rows', 'gauge', 'Rows of its table at the source when last counted.'),
    ('ingest_copy_rejected_rows', 'gauge', 'Rows that do not fit into the copy.'),
    ('ingest_copy_state_info', 'gauge',
        'Always 1; the copy''s state is in a label: active, paused or stopped, which needs attention.'),
    ('ingest_source_circuit_info', 'gauge',
        'Always 1; the state of the source''s breaker is in a label: closed, half-open or open, which keeps jobs '
        'back.'),
    ('ingest_source_paused', 'gauge', 'Whether somebody paused the source: 1 or 0.'),
    ('ingest_source_check_ok', 'gauge', 'Whether the last check found everything in order: 1 or 0.'),
    ('ingest_source_crawl_age_seconds', 'gauge', 'Seconds since a crawl last finished.'),
    ('ingest_source_tables', 'gauge', 'Tables of the source.'),
    ('ingest_source_anomalies', 'gauge', 'Anomalies that have not been resolved.'),
    ('ingest_source_dead_letters', 'gauge', 'Jobs that were given up and not put back.'),
    ('ingest_queue_jobs', 'gauge', 'Jobs in the queue, by whether they are waiting or running.'),
    ('ingest_queue_oldest_seconds', 'gauge', 'How long the job that has been due longest has waited; 0: none is due.'),
    ('ingest_running_runs', 'gauge', 'Runs under way.'),
    ('ingest_runs_total', 'counter', 'Runs that have ended, by how they ended.'),
    ('ingest_run_seconds_total', 'counter', 'Seconds that they took.'),
    ('ingest_run_rows_total', 'counter', 'Rows that they read, inserted, updated, deleted and rejected.'),
    ('ingest_rules', 'gauge', 'Rules that were checked, by whether they held.'),
    ('ingest_open_alerts', 'gauge', 'Alerts that are not closed.'),
    ('ingest_events_written_total', 'counter',
        'Numbers of events that were given out: events that were written, and those of transactions that did not '
        'commit.'),
    ('ingest_consumer_behind_events', 'gauge',
        'Events that the consumer wants and has not acknowledged; 10000 means that many or more.'),
    ('ingest_consumer_behind_seconds', 'gauge', 'How long the oldest of them has waited; 0: there is none.'),
    ('ingest_sink_behind_events', 'gauge', 'Events that the sink has not received; 10000 means that many or more.'),
    ('ingest_sink_behind_seconds', 'gauge', 'How long the oldest of them has waited; 0: there is none.'),
    ('ingest_sink_breaker_open', 'gauge', 'Whether nothing is sent because the sink failed: 1 or 0.'),
    ('ingest_sink_parked_events', 'gauge', 'Events that wait for an earlier one of their subject.'),
    ('ingest_sink_dead_events', 'gauge', 'Events that were given up.'),
    ('ingest_sink_sent_events_total', 'counter', 'Events that arrived.'),
    ('ingest_sink_expired_events_total', 'counter', 'Events that were passed over because they were too old.'),
    ('ingest_server_requests_total', 'counter',
        'Requests to the server; begins anew each day (UTC) and with PostgreSQL.'),
    ('ingest_server_retries_total', 'counter', 'Requests that were tried again.'),
    ('ingest_server_refusals_total', 'counter', 'Requests that it refused because there were too many.'),
    ('ingest_server_received_bytes_total', 'counter', 'Bytes that it sent.'),
    ('ingest_server_waited_seconds_total', 'counter', 'Seconds that sessions waited for their turn.'),
    ('ingest_server_slots', 'gauge', 'Concurrent requests that the account allows.'),
    ('ingest_server_slots_in_use', 'gauge', 'Requests under way.'),
    ('ingest_wrapper_stats_up', 'gauge', 'Whether the wrapper reported the requests to its servers: 1 or 0.');

CREATE FUNCTION ingest_api_internal.sink_metrics() RETURNS TABLE (name text, labels jsonb, value float8)
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    -- another extension, which need not be here
    IF has_table_privilege(to_regclass('ingest_delivery.sink_status'), 'SELECT') THEN
        RETURN QUERY EXECUTE 'SELECT v.name, jsonb_build_object(''sink'', s.sink, ''kind'', s.kind), v.value FROM '
            'ingest_delivery.sink_status s, LATERAL (VALUES '
            '(''ingest_sink_behind_events'', s.behind::float8), (''ingest_sink_behind_seconds'', '
                'coalesce(s.behind_seconds, 0)), (''ingest_sink_breaker_open'', (s.breaker = '
                '''open'')::integer::float8), '
            '(''ingest_sink_parked_events'', s.parked::float8), (''ingest_sink_dead_events'', s.dead::float8), '
                '(''ingest_sink_sent_events_total'', s.sent::float8), '
            '(''ingest_sink_expired_events_total'', s.expired::float8)) v (name, value)';
    END IF;
END $$;
COMMENT ON FUNCTION ingest_api_internal.sink_metrics() IS 'metrics of sinks, if ingest_delivery is installed';

CREATE FUNCTION ingest_api_internal.server_metrics() RETURNS TABLE (name text, labels jsonb, value float8)
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    f record;
BEGIN
    -- what a wrapper counts, it says by a function that its connector names; one that fails keeps the others from
    -- nothing
    FOR f IN SELECT w.fdwname, p.oid::regproc::text AS called FROM pg_foreign_data_wrapper w
        JOIN ingest.connector c ON c.wrapper = w.fdwname JOIN pg_proc h ON h.oid = w.fdwhandler
        JOIN pg_proc p ON p.oid = to_regproc(CASE WHEN c.stats_function IS NULL THEN NULL
            WHEN c.stats_function LIKE '%.%' THEN c.stats_function
            ELSE format('%s.%I', h.pronamespace::regnamespace, c.stats_function) END)
        WHERE has_function_privilege(p.oid, 'EXECUTE') AND has_schema_privilege(p.pronamespace, 'USAGE')
    LOOP
        BEGIN
            -- of its last day: the sum of all would fall when the first one is forgotten
            RETURN QUERY EXECUTE format('SELECT v.name, jsonb_build_object(''foreign_server'', s.row->>''server''), '
                'v.value::float8 FROM (SELECT DISTINCT ON (x.server) to_jsonb(x) AS row FROM %s() x ORDER BY x.server, '
                'x.day DESC) s, LATERAL (VALUES '
                '(''ingest_server_requests_total'', s.row->>''requests''), (''ingest_server_retries_total'', '
                    's.row->>''retries''), (''ingest_server_refusals_total'', s.row->>''refusals''), '
                '(''ingest_server_received_bytes_total'', s.row->>''bytes''), (''ingest_server_waited_seconds_total'', '
                    's.row->>''waited_seconds''), (''ingest_server_slots'', s.row->>''slots''), '
                '(''ingest_server_slots_in_use'', s.row->>''slots_in_use'')) v (name, value)', f.called);
            RETURN QUERY SELECT 'ingest_wrapper_stats_up'::text, jsonb_build_object('wrapper', f.fdwname), 1::float8;
        EXCEPTION WHEN OTHERS THEN
            RETURN QUERY SELECT 'ingest_wrapper_stats_up'::text, jsonb_build_object('wrapper', f.fdwname), 0::float8;
        END;
    END LOOP;
END $$;
COMMENT ON FUNCTION ingest_api_internal.server_metrics() IS 'metrics of servers, as far as their wrappers count';

CREATE FUNCTION ingest_api_internal.events_written() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    RETURN pg_sequence_last_value(pg_get_serial_sequence('ingest.event', 'id')::regclass);
COMMENT ON FUNCTION ingest_api_internal.events_written() IS 'the last id that was given to an event';

-- what such a statement seems to cost would have it compiled, which takes twenty times as long as to run it
CREATE FUNCTION ingest_api_internal.measured() RETURNS TABLE (name text, labels jsonb, value float8) LANGUAGE sql STABLE
    SET jit = off
BEGIN ATOMIC
    WITH totals AS MATERIALIZED (SELECT * FROM ingest.run_totals),
        copies AS MATERIALIZED (SELECT * FROM ingest.table_status),
        sources AS MATERIALIZED (SELECT * FROM ingest.source_status)
    SELECT 'ingest_build_info', jsonb_object_agg(e.extname, e.extversion)
        || jsonb_build_object('postgresql', split_part(current_setting('server_version'), ' ', 1)), 1::float8
    FROM pg_extension e WHERE e.extname IN ('ingest', 'ingest_api', 'ingest_delivery', 'ingest_profile', 'netsuite_fdw')
    UNION ALL SELECT 'ingest_launcher_up', '{}', ingest_internal.launcher_runs()::integer::float8
    UNION ALL SELECT v.name, jsonb_build_object('source', t.source, 'copy', t.sync), v.value
    FROM copies t, LATERAL (VALUES ('ingest_copy_age_seconds', t.age_seconds),
        ('ingest_copy_lag_seconds', extract(epoch FROM now() - t.watermark_time)::float8),
        ('ingest_copy_freshness_objective_seconds', t.freshness_objective_seconds),
            ('ingest_copy_fresh', t.fresh::integer::float8), ('ingest_copy_rows', t.rows::float8),
        ('ingest_copy_source_rows', t.source_rows::float8), ('ingest_copy_rejected_rows', t.rejected::float8)) v (name,
            value)
    UNION ALL SELECT 'ingest_copy_state_info', jsonb_build_object('source', t.source, 'copy', t.sync, 'state', t.state),
        1 FROM copies t
    UNION ALL SELECT v.name, jsonb_build_object('source', d.source), v.value
    FROM sources d, LATERAL (VALUES ('ingest_source_paused', (d.state = 'paused')::integer::float8),
        ('ingest_source_check_ok', d.last_check_ok::integer::float8),
        ('ingest_source_crawl_age_seconds', extract(epoch FROM now() - d.last_crawl_at)::float8),
            ('ingest_source_tables', d.tables::float8), ('ingest_source_anomalies', d.anomalies::float8),
        ('ingest_source_dead_letters', d.dead_letters::float8)) v (name, value)
    UNION ALL SELECT 'ingest_source_circuit_info',
        jsonb_build_object('source', d.source, 'state', coalesce(d.circuit, 'closed')), 1 FROM sources d
    UNION ALL SELECT v.name, v.labels, v.value
    FROM (SELECT count(*) FILTER (WHERE q.worker IS NULL) AS waiting, count(q.worker) AS running,
        extract(epoch FROM now() - min(q.run_at) FILTER (WHERE q.worker IS NULL
        AND q.run_at <= now()))::float8 AS oldest
        FROM ingest.queue q) q, LATERAL (VALUES ('ingest_queue_jobs', jsonb_build_object('state', 'waiting'),
            q.waiting::float8), ('ingest_queue_jobs', jsonb_build_object('state', 'running'), q.running::float8),
        ('ingest_queue_oldest_seconds', '{}', coalesce(q.oldest, 0))) v (name, labels, value)
    UNION ALL SELECT 'ingest_running_runs', jsonb_build_object('kind', k), coalesce(sum(r.runs), 0)::float8
    FROM unnest('{crawl,sync,profile,check,quality,sql}'::text[]) k LEFT JOIN totals r ON r.kind = k
        AND r.state = 'running' GROUP BY k
    UNION ALL SELECT v.name, jsonb_strip_nulls(jsonb_build_object('source', r.source, 'kind', r.kind, 'state',
        r.state)), v.value
    FROM totals r, LATERAL (VALUES ('ingest_runs_total', r.runs::float8),
        ('ingest_run_seconds_total', r.seconds)) v (name, value) WHERE r.state <> 'running'
    UNION ALL SELECT 'ingest_run_rows_total', jsonb_strip_nulls(jsonb_build_object('source', r.source, 'kind', r.kind,
        'operation', v.operation)), sum(v.value)::float8
    FROM totals r, LATERAL (VALUES ('read', r.rows_read), ('insert', r.rows_inserted), ('update', r.rows_updated),
        ('delete', r.rows_deleted), ('reject', r.rows_rejected)) v (operation, value)
    WHERE r.kind = 'sync' AND r.state <> 'running' GROUP BY r.source, r.kind, v.operation
    UNION ALL SELECT 'ingest_rules', jsonb_strip_nulls(jsonb_build_object('source', q.source, 'severity', q.severity,
        'held', q.ok::text)), count(*)::float8
    FROM ingest.quality_status q WHERE q.ok IS NOT NULL GROUP BY q.source, q.severity, q.ok
    UNION ALL SELECT 'ingest_open_alerts', jsonb_build_object('kind', a.kind, 'severity', a.severity, 'state', a.state),
        count(*)::float8
    FROM ingest.alert_status a WHERE a.closed_at IS NULL GROUP BY a.kind, a.severity, a.state
    UNION ALL SELECT 'ingest_events_written_total', '{}', coalesce(ingest_api_internal.events_written(), 0)::float8
    UNION ALL SELECT v.name, jsonb_build_object('consumer', c.consumer), v.value
    FROM ingest.consumer_status c, LATERAL (VALUES ('ingest_consumer_behind_events', c.behind::float8),
        ('ingest_consumer_behind_seconds', coalesce(c.behind_seconds, 0))) v (name, value)
    UNION ALL SELECT s.name, s.labels, s.value FROM ingest_api_internal.sink_metrics() s
    UNION ALL SELECT s.name, s.labels, s.value FROM ingest_api_internal.server_metrics() s;
END;
COMMENT ON FUNCTION ingest_api_internal.measured() IS 'what metrics() returns, without the explanations';

CREATE FUNCTION ingest_api.metrics() RETURNS TABLE (name text, type text, help text, labels jsonb, value float8)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT m.name, m.type, m.help, v.labels, v.value FROM ingest_api_internal.measured() v
        JOIN ingest_api_internal.metric m ON m.name = v.name WHERE v.value IS NOT NULL ORDER BY m.place, v.labels;
END;
COMMENT ON FUNCTION ingest_api.metrics()
    IS 'metrics of everything that the caller sees, one row per sample; GET /metrics gives them to Prometheus';

-- Text formats: 0.0.4 of Prometheus, and OpenMetrics 1.0, where a counter's family lacks _total and the end is told

CREATE FUNCTION ingest_api_internal.label(name text, value text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN name || '="' || replace(replace(replace(value, '\', '\\'), '"', '\"'), E'\n', '\n') || '"';
COMMENT ON FUNCTION ingest_api_internal.label(text, text) IS 'a label with its value, escaped';

CREATE FUNCTION ingest_api_internal.exposition(openmetrics boolean) RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH sample AS (
        SELECT m.name, m.type, m.help, m.name || coalesce('{'
            || nullif((SELECT string_agg(ingest_api_internal.label(l.key, l.value), ',' ORDER BY l.key)
            FROM jsonb_each_text(m.labels) l), '') || '}', '') || ' '
            || CASE m.value WHEN 'Infinity' THEN '+Inf' WHEN '-Infinity' THEN '-Inf' ELSE m.value::text END AS line
        FROM ingest_api.metrics() m),
    family AS (
        SELECT CASE WHEN openmetrics AND s.type = 'counter' THEN regexp_replace(s.name, '_total$', '')
            ELSE s.name END AS name, s.type, s.help, string_agg(s.line, E'\n' ORDER BY s.line) AS lines
        FROM sample s GROUP BY s.name, s.type, s.help)
    SELECT coalesce(string_agg(format(E'# HELP %s %s\n# TYPE %s %s\n%s\n', f.name, f.help, f.name, f.type, f.lines), ''
        ORDER BY f.name), '') || CASE WHEN openmetrics THEN E'# EOF\n' ELSE '' END FROM family f;
END;
COMMENT ON FUNCTION ingest_api_internal.exposition(boolean) IS 'metrics in the form that Prometheus reads';
