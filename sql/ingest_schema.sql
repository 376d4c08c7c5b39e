-- Every event that the files before this one wrote, and that was not pruned, fits the schema of its type
SET client_min_messages = warning;
CREATE FUNCTION pg_temp.is_of(given jsonb, schema jsonb) RETURNS boolean LANGUAGE sql
    RETURN NOT schema ? 'type' OR EXISTS (SELECT FROM jsonb_array_elements_text(CASE jsonb_typeof(schema->'type') WHEN 'array' THEN schema->'type' ELSE jsonb_build_array(schema->'type') END) t
        WHERE t = jsonb_typeof(given) OR (t = 'integer' AND jsonb_typeof(given) = 'number' AND (given #>> '{}')::numeric = trunc((given #>> '{}')::numeric)));
CREATE TEMP VIEW misfit AS
SELECT e.type, x.what, e.data FROM ingest.event e JOIN ingest.event_type t ON t.type = e.type, LATERAL (
    SELECT 'lacks ' || k AS what FROM jsonb_array_elements_text(t.schema->'required') k WHERE NOT e.data ? k
    UNION ALL SELECT 'has ' || k || ', which the schema does not name' FROM jsonb_object_keys(e.data) k WHERE NOT t.schema->'properties' ? k
    UNION ALL SELECT k || ' is ' || jsonb_typeof(v) FROM jsonb_each(e.data) d (k, v) WHERE NOT pg_temp.is_of(v, coalesce(t.schema->'properties'->k, '{}'))) x;
SELECT type, what, count(*), min(data::text) AS example FROM misfit GROUP BY 1, 2 ORDER BY 1, 2;
-- the types of the engine's own are all known
SELECT DISTINCT e.type FROM ingest.event e WHERE e.type LIKE 'ingest.%' AND NOT EXISTS (SELECT FROM ingest.event_type t WHERE t.type = e.type) ORDER BY 1;
-- and there was something to check
SELECT count(DISTINCT type) >= 15 AS many_types FROM ingest.event WHERE type LIKE 'ingest.%';
-- the check itself can fail
BEGIN;
UPDATE ingest.event_type SET schema = jsonb_set(schema, '{properties,run}', '{"type": "string"}') WHERE schema->'properties' ? 'run';
SELECT count(*) > 0 AS noticed FROM misfit;
ROLLBACK;
