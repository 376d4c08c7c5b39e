-- What is seen in one glance: where all copies stand, how fresh they were and what was done over time, the whole of
-- lineage, how values are spread, what a source's connector counts.  Each is what the one who asks may read.

CREATE FUNCTION ingest_api.overview() RETURNS json LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH copy AS MATERIALIZED (SELECT s.state, s.fresh, s.freshness_objective_seconds, s.last_success, s.rejected
        FROM ingest_api.syncs s),
    source AS MATERIALIZED (SELECT s.state, s.circuit, s.last_check_ok, s.tables, s.queued FROM ingest_api.sources s),
    alert AS MATERIALIZED (SELECT a.severity, a.state FROM ingest_api.alerts a WHERE a.closed_at IS NULL)
    SELECT json_build_object('at', now(), 'role', current_user, 'database', current_database(),
        -- what has no objective is as fresh as it has to be, once it is there
        'copies', (SELECT json_build_object('all', count(*),
            'fresh', count(*) FILTER (WHERE c.fresh AND c.state = 'active' AND c.last_success IS NOT NULL),
            'late', count(*) FILTER (WHERE NOT c.fresh AND c.state = 'active'),
            'without_objective', count(*) FILTER (WHERE c.freshness_objective_seconds IS NULL),
            'never_loaded', count(*) FILTER (WHERE c.last_success IS NULL),
            'paused', count(*) FILTER (WHERE c.state = 'paused'),
            'stopped', count(*) FILTER (WHERE c.state = 'stopped'),
            'rejected_rows', coalesce(sum(c.rejected), 0)) FROM copy c),
        'sources', (SELECT json_build_object('all', count(*),
            'paused', count(*) FILTER (WHERE s.state = 'paused'),
            'interrupted', count(*) FILTER (WHERE s.circuit <> 'closed'),
            'check_failed', count(*) FILTER (WHERE NOT s.last_check_ok),
            'tables', coalesce(sum(s.tables), 0), 'queued', coalesce(sum(s.queued), 0)) FROM source s),
        'alerts', (SELECT json_build_object('all', count(*),
            'error', count(*) FILTER (WHERE a.severity = 'error'),
            'warning', count(*) FILTER (WHERE a.severity = 'warning'),
            'acknowledged', count(*) FILTER (WHERE a.state = 'acknowledged'),
            'silenced', count(*) FILTER (WHERE a.state = 'silenced')) FROM alert a),
        'running', (SELECT count(*) FROM ingest_api.runs r WHERE r.state = 'running'),
        'anomalies', (SELECT count(*) FROM ingest_api.anomalies a WHERE a.resolved_at IS NULL),
        'rules', (SELECT json_build_object('all', count(*), 'failing', count(*) FILTER (WHERE NOT r.ok))
            FROM ingest_api.rules r),
        'dead_letters', (SELECT count(*) FROM ingest_api.dead_letters d WHERE d.requeued_at IS NULL),
        'sinks', (SELECT json_build_object('all', count(*), 'paused', count(*) FILTER (WHERE s.state = 'paused'),
            'interrupted', count(*) FILTER (WHERE s.breaker <> 'closed'), 'behind', coalesce(sum(s.behind), 0))
            FROM ingest_api.sinks s));
END;
COMMENT ON FUNCTION ingest_api.overview()
    IS 'the state of everything that the caller sees, in numbers: copies, sources, alerts, runs, anomalies, rules, '
    'sinks';

CREATE FUNCTION ingest_api_internal.require_span(first timestamptz, last timestamptz, step interval, most integer)
    RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF step IS NULL OR step < interval '1 second' OR extract(month FROM step) <> 0 OR extract(year FROM step) <> 0
        OR extract(day FROM step) < 0 OR step < make_interval(days => extract(day FROM step)::integer)
        OR NOT isfinite(last) OR NOT isfinite(first) OR last < first THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the time must go from a moment to a later one in steps of at least a second, without months and '
                'negative parts';
    ELSIF extract(epoch FROM last - first) / extract(epoch FROM step) > most THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('there can be at most %s steps',
            most), HINT = 'Use a longer step, or a shorter time.';
    END IF;
END $$;
COMMENT ON FUNCTION ingest_api_internal.require_span(timestamptz, timestamptz, interval, integer)
    IS 'raises an error if steps never end, or if there are too many of them';

CREATE FUNCTION ingest_api.freshness("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL,
    step interval DEFAULT '30 minutes', source text DEFAULT NULL, "limit" integer DEFAULT 50)
    RETURNS TABLE (sync_id integer, name text, source_id integer, table_id integer, target text, state text,
        fresh boolean, age_seconds float8, freshness_objective_seconds float8, ages float8[])
        LANGUAGE plpgsql STABLE AS $$
DECLARE
    last CONSTANT timestamptz := coalesce("to", now());
    first CONSTANT timestamptz := coalesce("from", last - interval '1 day');
BEGIN
    PERFORM ingest_api_internal.require_span(first, last, step, 1000);
    PERFORM ingest_api_internal.require_page("limit");
    RETURN QUERY
    WITH worst AS MATERIALIZED (
        SELECT s.id, s.name, s.source_id, s.table_id, s.target, s.state, s.fresh, s.age_seconds,
            s.freshness_objective_seconds FROM ingest_api.syncs s
        WHERE freshness.source IS NULL OR s.source_id = (SELECT d.id FROM ingest_api.sources d
            WHERE d.name = freshness.source)
        -- stopped ones, then those that are late by most of what they may be, then those of which nothing was said
        ORDER BY s.state <> 'stopped', s.state = 'paused', s.age_seconds / nullif(s.freshness_objective_seconds,
            0) DESC NULLS LAST, s.age_seconds DESC NULLS FIRST, s.name LIMIT "limit"),
    success AS MATERIALIZED (
        SELECT r.sync_id, r.finished_at, lead(r.finished_at) OVER (PARTITION BY r.sync_id
            ORDER BY r.finished_at) AS next
        FROM worst w JOIN ingest_api.runs r ON r.sync_id = w.id WHERE r.kind = 'sync' AND r.state LIKE 'succeeded%'
            AND r.finished_at <= last)
    -- of each step the greatest age in it: that of just before a run, or of its end
    SELECT w.id, w.name, w.source_id, w.table_id, w.target, w.state, w.fresh, w.age_seconds,
        w.freshness_objective_seconds,
        ARRAY(SELECT (SELECT max(extract(epoch FROM least(g.at + step, last, coalesce(s.next,
            'infinity')) - s.finished_at)) FROM success s
                WHERE s.sync_id = w.id AND s.finished_at < least(g.at + step, last) AND coalesce(s.next,
                    'infinity') > g.at)::float8
            FROM generate_series(date_bin(step, first, 'epoch'), last, step) g (at) ORDER BY g.at)
    FROM worst w ORDER BY w.state <> 'stopped', w.state = 'paused',
        w.age_seconds / nullif(w.freshness_objective_seconds, 0) DESC NULLS LAST, w.age_seconds DESC NULLS FIRST,
        w.name;
END $$;
COMMENT ON FUNCTION ingest_api.freshness(timestamptz, timestamptz, interval, text, integer)
    IS 'copies, the most overdue first, each with its greatest age in seconds within each step; null: not loaded yet';

CREATE FUNCTION ingest_api.activity("from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT NULL,
    step interval DEFAULT '1 hour', source text DEFAULT NULL, sync text DEFAULT NULL)
    RETURNS TABLE (at timestamptz, runs bigint, failed bigint, seconds float8, rows_read bigint, rows_inserted bigint,
        rows_updated bigint, rows_deleted bigint, rows_rejected bigint) LANGUAGE plpgsql STABLE AS $$
DECLARE
    last CONSTANT timestamptz := coalesce("to", now());
    first CONSTANT timestamptz := coalesce("from", last - interval '1 day');
    begins CONSTANT timestamptz := date_bin(step, first, 'epoch');
BEGIN
    PERFORM ingest_api_internal.require_span(first, last, step, 10000);
    IF source IS NOT NULL AND NOT EXISTS (SELECT FROM ingest_api.sources s WHERE s.name = activity.source) THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('there is no source "%s"', left(source,
            60));
    ELSIF sync IS NOT NULL AND NOT EXISTS (SELECT FROM ingest_api.syncs s WHERE s.name = activity.sync) THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('there is no sync "%s"', left(sync, 60));
    END IF;
    RETURN QUERY
    WITH done AS MATERIALIZED (
        SELECT date_bin(step, r.finished_at, begins) AS bin, count(*) AS runs,
            count(*) FILTER (WHERE r.state IN ('failed', 'lost')) AS failed,
            sum(r.duration_seconds)::float8 AS seconds, sum(r.rows_read) AS rows_read,
            sum(r.rows_inserted) FILTER (WHERE r.kind = 'sync') AS rows_inserted,
                sum(r.rows_updated) FILTER (WHERE r.kind = 'sync') AS rows_updated,
                sum(r.rows_deleted) FILTER (WHERE r.kind = 'sync') AS rows_deleted,
            sum(r.rows_rejected) FILTER (WHERE r.kind = 'sync') AS rows_rejected
        FROM ingest_api.runs r
        WHERE r.finished_at >= begins AND r.finished_at <= last AND (activity.source IS NULL
            OR r.source_id = (SELECT d.id FROM ingest_api.sources d WHERE d.name = activity.source))
            AND (activity.sync IS NULL OR r.sync_id = (SELECT s.id FROM ingest_api.syncs s
                WHERE s.name = activity.sync)) GROUP BY 1)
    SELECT g.at, coalesce(d.runs, 0), coalesce(d.failed, 0), coalesce(d.seconds, 0), coalesce(d.rows_read, 0)::bigint,
        coalesce(d.rows_inserted, 0)::bigint, coalesce(d.rows_updated, 0)::bigint, coalesce(d.rows_deleted,
        0)::bigint, coalesce(d.rows_rejected, 0)::bigint
    FROM generate_series(begins, last, step) g (at) LEFT JOIN done d ON d.bin = g.at ORDER BY g.at;
END $$;
COMMENT ON FUNCTION ingest_api.activity(timestamptz, timestamptz, interval, text, text)
    IS 'what ended in each step, for everything that the caller sees or for a source or sync: runs, failed runs, '
    'their seconds, and rows that copies read, inserted, updated, deleted and rejected';

CREATE FUNCTION ingest_api_internal.flows() RETURNS TABLE (from_schema text, from_table text, to_schema text,
    to_table text, kind text) LANGUAGE sql STABLE
BEGIN ATOMIC
    -- views are read once, and those taken that what is copied flows into, through others, too
    WITH RECURSIVE known AS MATERIALIZED (SELECT DISTINCT e.from_schema::text, e.from_table::text, e.to_schema::text,
        e.to_table::text, e.kind FROM ingest.lineage_edge e),
    viewed AS MATERIALIZED (
        SELECT DISTINCT v.from_schema, v.from_table, n.nspname::text AS to_schema, c.relname::text AS to_table
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
            LATERAL ingest_internal.view_columns(c.oid::regclass) v
        WHERE c.relkind IN ('v', 'm')
            AND n.nspname !~ '^(pg_catalog|information_schema|ingest(_api|_delivery)?(_internal)?)$'),
    reached AS (
        SELECT k.to_schema AS schema_name, k.to_table AS table_name FROM known k UNION SELECT k.from_schema,
            k.from_table FROM known k
        UNION SELECT v.to_schema, v.to_table FROM reached r JOIN viewed v ON v.from_schema = r.schema_name
            AND v.from_table = r.table_name)
    SELECT * FROM known
    UNION SELECT v.from_schema, v.from_table, v.to_schema, v.to_table, 'view' FROM viewed v
        JOIN reached r ON r.schema_name = v.from_schema AND r.table_name = v.from_table;
END;
COMMENT ON FUNCTION ingest_api_internal.flows()
    IS 'data flows between relations: those that were recorded, and those of views on them';

CREATE FUNCTION ingest_api.lineage_map() RETURNS json LANGUAGE sql STABLE SET jit = off
BEGIN ATOMIC
    WITH flow AS MATERIALIZED (SELECT f.*, format('%I.%I', f.from_schema, f.from_table) AS from_object,
        format('%I.%I', f.to_schema, f.to_table) AS to_object FROM ingest_api_internal.flows() f
        WHERE (f.from_schema, f.from_table) IS DISTINCT FROM (f.to_schema, f.to_table)),
    node AS MATERIALIZED (
        SELECT o.object, row_number() OVER (ORDER BY o.object) - 1 AS n, min(o.schema_name) AS schema_name,
            min(o.table_name) AS table_name
        FROM (SELECT f.from_object AS object, f.from_schema AS schema_name, f.from_table AS table_name FROM flow f
            UNION SELECT f.to_object, f.to_schema, f.to_table FROM flow f) o GROUP BY o.object),
    copy AS MATERIALIZED (SELECT s.target AS object, s.id, s.name, s.table_id, s.source_id, s.fresh, s.state,
        s.age_seconds FROM ingest_api.syncs s),
    alert AS MATERIALIZED (SELECT a.sync_id, count(*) AS n FROM ingest_api.alerts a WHERE a.closed_at IS NULL
        AND a.sync_id IS NOT NULL GROUP BY a.sync_id)
    SELECT json_build_object(
        'nodes', (SELECT coalesce(json_agg(json_build_object('object', d.object, 'schema', d.schema_name, 'table',
            d.table_name,
            'kind', CASE WHEN c.object IS NOT NULL THEN 'copy' WHEN t.id IS NOT NULL THEN 'foreign'
                WHEN EXISTS (SELECT FROM flow f WHERE f.from_object = d.object AND f.kind = 'import') THEN 'source'
                WHEN EXISTS (SELECT FROM flow f WHERE f.to_object = d.object AND f.kind = 'view') THEN 'view'
                ELSE 'other' END,
            'table_id', coalesce(c.table_id, t.id), 'source_id', coalesce(c.source_id, t.source_id), 'sync', c.name,
                'state', c.state, 'fresh', c.fresh, 'age_seconds', c.age_seconds, 'alerts', coalesce(a.n, 0), 'rows',
                t.rows) ORDER BY d.n), '[]')
            FROM node d LEFT JOIN (SELECT DISTINCT ON (k.object) k.* FROM copy k ORDER BY k.object,
                k.id) c ON c.object = d.object LEFT JOIN alert a ON a.sync_id = c.id
            LEFT JOIN (SELECT DISTINCT ON (x.local_schema, x.local_name) x.* FROM ingest_api.tables x
                ORDER BY x.local_schema, x.local_name, x.gone_at IS NOT NULL) t ON t.local_schema = d.schema_name
                AND t.local_name = d.table_name),
        'edges', (SELECT coalesce(json_agg(json_build_array(f.n, t.n, x.kind) ORDER BY f.n, t.n, x.kind), '[]')
            FROM (SELECT DISTINCT w.from_object, w.to_object, w.kind FROM flow w) x
            JOIN node f ON f.object = x.from_object JOIN node t ON t.object = x.to_object));
END;
COMMENT ON FUNCTION ingest_api.lineage_map()
    IS 'all flows between relations: nodes with what is copied where and how fresh that is, and edges between them '
    'as [from, to, kind] by their places among the nodes';

CREATE FUNCTION ingest_api.source_traffic(source text) RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
    of_server CONSTANT text := (SELECT s.server FROM ingest_api.sources s
        WHERE s.name = ingest_api_internal.source_called(source_traffic.source));
    called text;
    counted json;
BEGIN
    IF of_server IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('there is no source "%s"',
            coalesce(left(source, 60), ''));
    END IF;
    -- what a wrapper counts, it says by a function that its connector names
    SELECT p.oid::regproc INTO called FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
        JOIN ingest.connector c ON c.wrapper = w.fdwname JOIN pg_proc h ON h.oid = w.fdwhandler
      JOIN pg_proc p ON p.oid = to_regproc(CASE WHEN c.stats_function LIKE '%.%' THEN c.stats_function
          ELSE format('%s.%I', h.pronamespace::regnamespace, c.stats_function) END)
      WHERE s.srvname = of_server AND c.stats_function IS NOT NULL AND has_function_privilege(p.oid, 'EXECUTE')
          AND has_schema_privilege(p.pronamespace, 'USAGE');
    IF called IS NOT NULL THEN
        EXECUTE format('SELECT json_agg(row_to_json(x) ORDER BY x.day) FROM %s() x WHERE x.server = $1', called)
            INTO counted USING of_server;
    END IF;
    RETURN coalesce(counted, '[]');
END $$;
COMMENT ON FUNCTION ingest_api.source_traffic(text)
    IS 'what a source''s connector counted, one row per day: requests, retries, refusals, bytes, waits; nothing if '
    'it does not count';

CREATE FUNCTION ingest_api.table_distributions(id integer) RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
    relation CONSTANT regclass := ingest_api_internal.relation_of(id);
    found json;
BEGIN
    -- figures of ingest_profile, wherever its schema is; a sketch is there for who may read the column alone
    EXECUTE (SELECT format($q$
        WITH p AS MATERIALIZED (
            SELECT s.column_name, s.run, s.profiled_at, s.total_rows, s.null_share, s.sketch, dense_rank()
                OVER (ORDER BY s.run DESC) AS n FROM ingest.profile_status s WHERE s.schema_name = $1
                AND s.table_name = $2)
        SELECT json_agg(json_build_object('column_name', a.column_name, 'profiled_at', a.profiled_at, 'rows',
            a.total_rows, 'top_values', j.json->'top_values', 'histogram', j.json->'histogram', 'patterns',
            j.json->'patterns',
            'before', CASE WHEN b.run IS NOT NULL THEN json_build_object('profiled_at', b.profiled_at, 'rows',
                b.total_rows, 'null_share', b.null_share) END,
            'drift', CASE WHEN a.sketch IS NOT NULL AND b.sketch IS NOT NULL THEN (SELECT row_to_json(d)
                FROM %1$I.profile_drift(b.sketch, a.sketch) d) END) ORDER BY a.column_name)
        FROM p a LEFT JOIN p b ON b.column_name = a.column_name AND b.n = 2,
            LATERAL (SELECT %1$I.profile_json(a.sketch) AS json) j WHERE a.n = 1 $q$, n.nspname)
        FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'ingest_profile')
      INTO found USING (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.oid = relation), (SELECT c.relname FROM pg_class c WHERE c.oid = relation);
    RETURN coalesce(found, '[]');
END $$;
COMMENT ON FUNCTION ingest_api.table_distributions(integer)
    IS 'how the values of each column are distributed, by the last profile: histogram, frequent values, patterns, '
    'and how that differs from the profile before; values only of columns that the caller may read';

INSERT INTO ingest_api_internal.route (method, path, function, status, description) VALUES
    ('GET', 'overview', 'overview', 200, 'the state of everything that the caller sees, in numbers'),
    ('GET', 'freshness', 'freshness', 200, 'copies, the most overdue first, with how fresh they were over time'),
    ('GET', 'activity', 'activity', 200,
        'what ended in each step: runs, and rows that copies read, got, changed, lost and refused'),
    ('GET', 'lineage/map', 'lineage_map', 200, 'all data flows, as nodes and edges'),
    ('GET', 'tables/{id}/distributions', 'table_distributions', 200, 'how the values of each column are distributed'),
    ('GET', 'sources/{source}/traffic', 'source_traffic', 200, 'what a source''s connector counted, day by day');
