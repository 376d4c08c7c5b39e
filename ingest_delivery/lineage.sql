
-- Runs as OpenLineage has them

CREATE FUNCTION ingest_delivery_internal.facet(name text, version text, more jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN jsonb_build_object('_producer', 'urn:pg-ingest:lineage', '_schemaURL', format('https://openlineage.io/spec/facets/%s/%s.json#/$defs/%s', version, name, name)) || more;
COMMENT ON FUNCTION ingest_delivery_internal.facet(text, text, jsonb) IS 'a facet of OpenLineage';

CREATE FUNCTION ingest_delivery_internal.dataset(namespace text, of_schema name, of_table name, relation oid) RETURNS jsonb LANGUAGE sql STABLE
    RETURN jsonb_build_object('namespace', namespace, 'name', format('%s.%s.%s', current_database(), of_schema, of_table), 'facets',
        coalesce((SELECT jsonb_build_object('schema', ingest_delivery_internal.facet('SchemaDatasetFacet', '1-1-1', jsonb_build_object('fields',
                jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'description', col_description(a.attrelid, a.attnum))) ORDER BY a.attnum))))
            FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped HAVING count(*) > 0), '{}'));
COMMENT ON FUNCTION ingest_delivery_internal.dataset(text, name, name, oid) IS 'a relation with its columns';

CREATE FUNCTION ingest_delivery_internal.column_lineage(namespace text, of_schema name, of_table name) RETURNS jsonb LANGUAGE sql STABLE
    RETURN (SELECT jsonb_build_object('columnLineage', ingest_delivery_internal.facet('ColumnLineageDatasetFacet', '1-2-0', jsonb_build_object('fields', jsonb_object_agg(c.to_column, c.facet))))
        FROM (SELECT e.to_column, jsonb_build_object('inputFields', jsonb_agg(jsonb_build_object('namespace', namespace, 'name', format('%s.%s.%s', current_database(), e.from_schema, e.from_table),
                    'field', e.from_column, 'transformations', jsonb_build_array(jsonb_build_object('type', 'DIRECT', 'subtype', 'IDENTITY'))) ORDER BY e.from_schema, e.from_table, e.from_column)) AS facet
            FROM ingest.lineage_edge e WHERE e.to_schema = of_schema AND e.to_table = of_table AND e.to_column <> '' AND e.from_column <> '' AND e.kind = 'sync' GROUP BY e.to_column) c HAVING count(*) > 0);
COMMENT ON FUNCTION ingest_delivery_internal.column_lineage(text, name, name) IS 'the columns that those of a copy come from; null if that is not known';

-- read as the sink's owner, who sees of runs, sources and copies what is his to see
CREATE FUNCTION ingest_delivery_internal.run_events(namespace text, type text, source text, at timestamptz, data jsonb) RETURNS text LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT (e.event || jsonb_build_object('eventType', 'START', 'eventTime', coalesce(e.started_at, run_events.at)))::text || E'\n'::text ||
        (e.event || jsonb_build_object('eventType', e.ends, 'eventTime', run_events.at,
            'run', (e.event->'run') || jsonb_build_object('facets', CASE WHEN e.ends = 'COMPLETE' THEN '{}'::jsonb ELSE jsonb_build_object('errorMessage', ingest_delivery_internal.facet('ErrorMessageRunFacet', '1-0-1',
                jsonb_strip_nulls(jsonb_build_object('message', coalesce(run_events.data->>'error', 'no message'), 'programmingLanguage', 'SQL',
                    'stackTrace', concat_ws(E'\n', run_events.data->>'sqlstate', run_events.data->>'detail', run_events.data->>'hint'))))) END),
            'outputs', CASE WHEN e.output IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(e.output || CASE WHEN e.ends = 'COMPLETE' THEN jsonb_build_object('outputFacets', jsonb_build_object('outputStatistics',
                ingest_delivery_internal.facet('OutputStatisticsOutputDatasetFacet', '1-0-2', jsonb_build_object('rowCount', (run_events.data->>'inserted')::bigint + (run_events.data->>'updated')::bigint)))) ELSE '{}' END) END))::text
    FROM (SELECT k.ends, k.started_at, k.output, jsonb_build_object('producer', 'urn:pg-ingest:lineage', 'schemaURL', 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
            'run', jsonb_build_object('runId', overlay(overlay(md5(split_part(run_events.source, '/', 3) || '/' || current_database() || '/' || k.run) PLACING '3' FROM 13) PLACING '8' FROM 17)::uuid),
            'job', jsonb_build_object('namespace', run_events.namespace, 'name', k.kind || '.' || k.name), 'inputs', CASE WHEN k.input IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(k.input) END,
            'outputs', CASE WHEN k.output IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(k.output) END) AS event
        FROM (SELECT t.*, r.started_at,
                CASE WHEN y.id IS NOT NULL THEN ingest_delivery_internal.dataset(run_events.namespace, f.local_schema, f.local_name, f.relation) END AS input,
                CASE WHEN y.id IS NOT NULL THEN jsonb_set(ingest_delivery_internal.dataset(run_events.namespace, y.target_schema, y.target_table, y.target), '{facets}',
                    (ingest_delivery_internal.dataset(run_events.namespace, y.target_schema, y.target_table, y.target)->'facets')
                        || coalesce(ingest_delivery_internal.column_lineage(run_events.namespace, y.target_schema, y.target_table), '{}')) END AS output
            FROM (SELECT (run_events.data->>'run')::bigint AS run,
                    CASE run_events.type WHEN 'ingest.sync.completed' THEN 'sync' WHEN 'ingest.crawl.completed' THEN 'crawl' WHEN 'ingest.profile.completed' THEN 'profile' ELSE run_events.data->>'kind' END AS kind,
                    coalesce(run_events.data->>'sync', run_events.data->>'source', run_events.data->>'table', run_events.data->>'name') AS name,
                    CASE run_events.type WHEN 'ingest.run.failed' THEN 'FAIL' WHEN 'ingest.run.cancelled' THEN 'ABORT' ELSE 'COMPLETE' END AS ends
                WHERE run_events.type IN ('ingest.sync.completed', 'ingest.crawl.completed', 'ingest.profile.completed', 'ingest.run.failed', 'ingest.run.cancelled')) t
                LEFT JOIN ingest.run r ON r.id = t.run
                LEFT JOIN ingest.sync y ON t.kind = 'sync' AND y.name = t.name
                LEFT JOIN ingest.source_table f ON f.id = y.table_id
            WHERE t.run IS NOT NULL AND t.kind IS NOT NULL AND t.name IS NOT NULL) k) e;
    END;
COMMENT ON FUNCTION ingest_delivery_internal.run_events(text, text, text, timestamptz, jsonb) IS 'the beginning and end of a run as OpenLineage events, one per line; null: the event is not about the end of a run';
