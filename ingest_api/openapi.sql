-- OpenAPI 3.1, of what a role may ask for

CREATE FUNCTION ingest_api_internal.json_type(type oid) RETURNS jsonb LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN t.typelem <> 0 AND t.typlen = -1 THEN jsonb_build_object('type', jsonb_build_array('array', 'null'), 'items', jsonb_build_object())
        WHEN t.oid IN ('int2'::regtype, 'int4'::regtype) THEN jsonb_build_object('type', jsonb_build_array('integer', 'null'), 'format', 'int32')
        WHEN t.oid = 'int8'::regtype THEN jsonb_build_object('type', jsonb_build_array('integer', 'null'), 'format', 'int64')
        WHEN t.typcategory = 'N' AND t.oid NOT IN ('money'::regtype, 'regclass'::regtype, 'oid'::regtype) AND t.typname NOT LIKE 'reg%' THEN jsonb_build_object('type', jsonb_build_array('number', 'null'))
        WHEN t.typcategory = 'B' THEN jsonb_build_object('type', jsonb_build_array('boolean', 'null'))
        WHEN t.oid = 'timestamptz'::regtype THEN jsonb_build_object('type', jsonb_build_array('string', 'null'), 'format', 'date-time')
        WHEN t.oid = 'date'::regtype THEN jsonb_build_object('type', jsonb_build_array('string', 'null'), 'format', 'date')
        WHEN t.oid = 'uuid'::regtype THEN jsonb_build_object('type', jsonb_build_array('string', 'null'), 'format', 'uuid')
        WHEN t.oid IN ('json'::regtype, 'jsonb'::regtype) THEN jsonb_build_object()
        ELSE jsonb_build_object('type', jsonb_build_array('string', 'null')) END
    FROM pg_type b JOIN pg_type t ON t.oid = CASE WHEN b.typtype = 'd' THEN b.typbasetype ELSE b.oid END WHERE b.oid = json_type.type;
END;
COMMENT ON FUNCTION ingest_api_internal.json_type(oid) IS 'the JSON schema of values of a type, as answers hold them';

CREATE FUNCTION ingest_api_internal.readable(role oid) RETURNS TABLE (resource text, description text, key name[], attnum smallint, column_name name, type oid, comment text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT r.name, coalesce(nullif(r.description, ''), r.name), coalesce((SELECT ingest_api_internal.names(i.indrelid, i.indkey::smallint[]) FROM pg_index i WHERE i.indrelid = r.relation AND i.indisprimary), r.key), a.attnum, a.attname, a.atttypid, coalesce(col_description(a.attrelid, a.attnum), '')
    FROM ingest_api_internal.resource r JOIN pg_class c ON c.oid = r.relation JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(role, a.attrelid, a.attnum, 'SELECT') AND has_schema_privilege(role, c.relnamespace, 'USAGE');
END;
COMMENT ON FUNCTION ingest_api_internal.readable(oid) IS 'columns of resources that a role may read';

CREATE FUNCTION ingest_api_internal.reference(path text) RETURNS jsonb LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT jsonb_build_object('$ref', '#/components/' || path);
END;
COMMENT ON FUNCTION ingest_api_internal.reference(text) IS 'a reference within the document';

CREATE FUNCTION ingest_api_internal.problems(VARIADIC statuses text[]) RETURNS jsonb LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_object_agg(s, ingest_api_internal.reference('responses/problem')) FROM unnest(statuses) s;
END;
COMMENT ON FUNCTION ingest_api_internal.problems(text[]) IS 'answers that tell what is wrong';

CREATE FUNCTION ingest_api_internal.openapi(role oid) RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH c AS (SELECT * FROM ingest_api_internal.readable(role)),
    r AS (
        SELECT resource, description, key,
            jsonb_build_object('type', 'object', 'description', description, 'properties', jsonb_object_agg(column_name, ingest_api_internal.json_type(type) || jsonb_build_object('description', comment))) AS schema,
            jsonb_agg(jsonb_build_object('name', column_name, 'in', 'query', 'description', CASE comment WHEN '' THEN '' ELSE comment || '; ' END || 'as eq.value', 'schema', jsonb_build_object('type', 'string')) ORDER BY attnum)
              FILTER (WHERE column_name NOT IN ('select', 'order', 'limit', 'offset', 'and', 'or')) AS filters
        FROM c GROUP BY resource, description, key),
    p AS (
        SELECT '/v1/' || resource AS path, jsonb_build_object('get', jsonb_build_object('operationId', 'list_' || replace(resource, '.', '_'), 'summary', 'List ' || resource, 'description', description, 'tags', jsonb_build_array(resource),
            'parameters', (SELECT jsonb_agg(ingest_api_internal.reference('parameters/' || n)) FROM unnest('{select,order,limit,offset,and,or,prefer}'::text[]) n) || coalesce(filters, '[]'),
            'responses', jsonb_build_object(
                '200', jsonb_build_object('description', 'rows', 'headers', jsonb_build_object('Content-Range', ingest_api_internal.reference('headers/range'), 'ETag', ingest_api_internal.reference('headers/tag')),
                    'content', jsonb_build_object('application/json', jsonb_build_object('schema', jsonb_build_object('type', 'array', 'items', ingest_api_internal.reference('schemas/' || resource))))),
                '206', jsonb_build_object('description', 'some of the rows that were counted', 'content', jsonb_build_object('application/json', jsonb_build_object('schema', jsonb_build_object('type', 'array', 'items', ingest_api_internal.reference('schemas/' || resource)))))
            ) || ingest_api_internal.problems('400', '401', '403', '404', '406', '416'))) AS item
        FROM r
        UNION ALL
        SELECT '/v1/' || resource || '/{key}', jsonb_build_object('get', jsonb_build_object('operationId', 'get_' || replace(resource, '.', '_'), 'summary', 'One of ' || resource, 'description', 'by ' || key[1], 'tags', jsonb_build_array(resource),
            'parameters', jsonb_build_array(jsonb_build_object('name', 'key', 'in', 'path', 'required', true, 'schema', jsonb_build_object('type', 'string')), ingest_api_internal.reference('parameters/select')),
            'responses', jsonb_build_object('200', jsonb_build_object('description', 'the row', 'content', jsonb_build_object('application/json', jsonb_build_object('schema', ingest_api_internal.reference('schemas/' || resource)))))
              || ingest_api_internal.problems('400', '401', '403', '404', '406')))
        FROM r WHERE cardinality(key) = 1)
    SELECT jsonb_build_object('openapi', '3.1.0',
        'info', jsonb_build_object('title', 'pg_ingest', 'version', '1', 'description', 'What may be asked for: the repository and what is exposed beside it', 'license', jsonb_build_object('name', 'PostgreSQL', 'identifier', 'PostgreSQL')),
        'servers', jsonb_build_array(jsonb_build_object('url', '/')),
        'security', jsonb_build_array(jsonb_build_object('token', jsonb_build_array())),
        'tags', coalesce((SELECT jsonb_agg(jsonb_build_object('name', resource, 'description', description) ORDER BY resource) FROM r), '[]'),
        'paths', coalesce((SELECT jsonb_object_agg(path, item) FROM p), '{}'),
        'components', jsonb_build_object(
            'securitySchemes', jsonb_build_object('token', jsonb_build_object('type', 'http', 'scheme', 'bearer', 'description', 'from ingest_api.create_token()')),
            'parameters', jsonb_build_object(
                'select', jsonb_build_object('name', 'select', 'in', 'query', 'description', 'columns, with alias, cast and what belongs to a row: id,name,source:sources(name)', 'schema', jsonb_build_object('type', 'string')),
                'order', jsonb_build_object('name', 'order', 'in', 'query', 'description', 'started_at.desc.nullslast,id', 'schema', jsonb_build_object('type', 'string')),
                'limit', jsonb_build_object('name', 'limit', 'in', 'query', 'description', 'rows at most', 'schema', jsonb_build_object('type', 'integer', 'minimum', 0)),
                'offset', jsonb_build_object('name', 'offset', 'in', 'query', 'description', 'rows that are passed over', 'schema', jsonb_build_object('type', 'integer', 'minimum', 0)),
                'and', jsonb_build_object('name', 'and', 'in', 'query', 'description', 'conditions in parentheses: (a.eq.1,or(b.gt.2,c.is.null))', 'schema', jsonb_build_object('type', 'string')),
                'or', jsonb_build_object('name', 'or', 'in', 'query', 'description', 'the same, of which one must hold', 'schema', jsonb_build_object('type', 'string')),
                'prefer', jsonb_build_object('name', 'Prefer', 'in', 'header', 'description', 'count=exact, planned or estimated', 'schema', jsonb_build_object('type', 'string'))),
            'headers', jsonb_build_object(
                'range', jsonb_build_object('description', 'first and last row, and how many there are if that was asked: 0-19/1000', 'schema', jsonb_build_object('type', 'string')),
                'tag', jsonb_build_object('description', 'for If-None-Match', 'schema', jsonb_build_object('type', 'string'))),
            'responses', jsonb_build_object('problem', jsonb_build_object('description', 'what is wrong and what to do', 'content', jsonb_build_object('application/problem+json', jsonb_build_object('schema', ingest_api_internal.reference('schemas/problem'))))),
            'schemas', coalesce((SELECT jsonb_object_agg(resource, schema) FROM r), '{}') || jsonb_build_object('problem', jsonb_build_object('type', 'object', 'required', jsonb_build_array('status', 'title', 'code', 'message'),
                'properties', jsonb_build_object('type', jsonb_build_object('type', 'string'), 'status', jsonb_build_object('type', 'integer'), 'title', jsonb_build_object('type', 'string'), 'code', jsonb_build_object('type', 'string'), 'message', jsonb_build_object('type', 'string'),
                    'details', jsonb_build_object('type', jsonb_build_array('string', 'null')), 'hint', jsonb_build_object('type', jsonb_build_array('string', 'null')))))))::text;
END;
COMMENT ON FUNCTION ingest_api_internal.openapi(oid) IS 'the document that describes what a role may ask for';
