-- OpenAPI 3.1, of what a role may ask for

CREATE FUNCTION ingest_api_internal.json_type(type oid) RETURNS jsonb LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN t.typelem <> 0 AND t.typlen = -1 THEN jsonb_build_object('type', jsonb_build_array('array', 'null'),
            'items', jsonb_build_object())
        WHEN t.oid IN ('int2'::regtype, 'int4'::regtype)
            THEN jsonb_build_object('type', jsonb_build_array('integer', 'null'), 'format', 'int32')
        WHEN t.oid = 'int8'::regtype THEN jsonb_build_object('type', jsonb_build_array('integer', 'null'), 'format',
            'int64')
        WHEN t.typcategory = 'N' AND t.oid NOT IN ('money'::regtype, 'regclass'::regtype, 'oid'::regtype)
            AND t.typname NOT LIKE 'reg%' THEN jsonb_build_object('type', jsonb_build_array('number', 'null'))
        WHEN t.typcategory = 'B' THEN jsonb_build_object('type', jsonb_build_array('boolean', 'null'))
        WHEN t.oid = 'timestamptz'::regtype THEN jsonb_build_object('type', jsonb_build_array('string', 'null'),
            'format', 'date-time')
        WHEN t.oid = 'date'::regtype THEN jsonb_build_object('type', jsonb_build_array('string', 'null'), 'format',
            'date')
        WHEN t.oid = 'uuid'::regtype THEN jsonb_build_object('type', jsonb_build_array('string', 'null'), 'format',
            'uuid')
        WHEN t.oid IN ('json'::regtype, 'jsonb'::regtype) THEN jsonb_build_object()
        ELSE jsonb_build_object('type', jsonb_build_array('string', 'null')) END
    FROM pg_type b JOIN pg_type t ON t.oid = CASE WHEN b.typtype = 'd' THEN b.typbasetype ELSE b.oid END
        WHERE b.oid = json_type.type;
END;
COMMENT ON FUNCTION ingest_api_internal.json_type(oid)
    IS 'the JSON schema of values of a type, as answers contain them';

CREATE FUNCTION ingest_api_internal.readable(role oid)
    RETURNS TABLE (resource text, description text, key name[], attnum smallint, column_name name, type oid,
    comment text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT r.name, coalesce(nullif(r.description, ''), r.name),
        CASE WHEN c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhparent = c.oid) THEN '{}'
        ELSE coalesce((SELECT ingest_api_internal.names(i.indrelid, i.indkey::smallint[]) FROM pg_index i
        WHERE i.indrelid = r.relation AND i.indisprimary), r.key) END, a.attnum, a.attname, a.atttypid,
        coalesce(col_description(a.attrelid, a.attnum), '')
    FROM ingest_api_internal.resource r JOIN pg_class c ON c.oid = r.relation JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(role, a.attrelid, a.attnum, 'SELECT')
        AND has_schema_privilege(role, c.relnamespace, 'USAGE');
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
COMMENT ON FUNCTION ingest_api_internal.problems(text[]) IS 'answers that report an error';

-- What functions take and give: of those that the role may call

CREATE FUNCTION ingest_api_internal.arguments(function oid)
    RETURNS TABLE (n bigint, name text, type oid, given boolean, needed boolean) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT a.n, a.name, a.type, a.mode IN ('i', 'b'), a.mode IN ('i', 'b')
        AND count(*) FILTER (WHERE a.mode IN ('i', 'b')) OVER (ORDER BY a.n) <= p.pronargs - p.pronargdefaults
    FROM pg_proc p, LATERAL (SELECT u.n, u.name, u.type, coalesce(u.mode, 'i') AS mode
        FROM ROWS FROM (unnest(p.proargnames), unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])),
            unnest(p.proargmodes)) WITH ORDINALITY u (name, type, mode, n)) a
    WHERE p.oid = arguments.function;
END;
COMMENT ON FUNCTION ingest_api_internal.arguments(oid) IS 'the arguments of a function, and its columns';

CREATE FUNCTION ingest_api_internal.answer_schema(function oid) RETURNS jsonb LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH p AS (SELECT f.prorettype, f.proretset, t.typtype, t.typrelid FROM pg_proc f
        JOIN pg_type t ON t.oid = f.prorettype WHERE f.oid = answer_schema.function),
    c AS (
        SELECT a.n, a.name, a.type, NULL AS comment FROM ingest_api_internal.arguments(answer_schema.function) a
            WHERE NOT a.given
        UNION ALL SELECT a.attnum, a.attname, a.atttypid, col_description(a.attrelid, a.attnum) FROM p
            JOIN pg_attribute a ON a.attrelid = p.typrelid AND p.typrelid <> 0 AND a.attnum > 0 AND NOT a.attisdropped),
    o AS (SELECT jsonb_build_object('type', 'object', 'properties',
        jsonb_object_agg(c.name, ingest_api_internal.json_type(c.type) || CASE WHEN c.comment IS NULL THEN '{}'
        ELSE jsonb_build_object('description', c.comment) END)) AS schema FROM c)
    SELECT CASE
        WHEN p.prorettype = 'void'::regtype THEN NULL
        WHEN p.prorettype <> 'record'::regtype AND p.typtype <> 'c' THEN CASE WHEN p.proretset
            THEN jsonb_build_object('type', 'array', 'items', ingest_api_internal.json_type(p.prorettype))
            ELSE ingest_api_internal.json_type(p.prorettype) END
        WHEN p.proretset THEN jsonb_build_object('type', 'array', 'items', o.schema)
        ELSE o.schema END
    FROM p, o;
END;
COMMENT ON FUNCTION ingest_api_internal.answer_schema(oid)
    IS 'the JSON schema of a function''s answer; null if there is none';

-- An address of a resource's row is the same whatever is done with it: {key} there is {key} here
CREATE FUNCTION ingest_api_internal.operations(role oid) RETURNS TABLE (path text, method text, operation jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH r AS (
        SELECT x.*, p.oid AS function_oid, coalesce(x.scope, CASE x.method WHEN 'GET' THEN 'read'
            ELSE 'operate' END) AS needed, split_part(x.path, '/', 1) AS tag,
            EXISTS (SELECT FROM ingest_api_internal.resource q WHERE q.name = split_part(x.path, '/', 1)
                AND cardinality(q.key) = 1) AND x.path ~ '^[^/]+/\{[^/]+\}$' AS of_row
        FROM ingest_api_internal.route x JOIN pg_proc p ON p.pronamespace = 'ingest_api'::regnamespace
            AND p.proname = x.function WHERE has_function_privilege(operations.role, p.oid, 'EXECUTE')),
    a AS (
        SELECT r.function, a.*, r.path LIKE '%{' || a.name || '}%' AS in_path, r.of_row,
            r.method IN ('GET', 'DELETE') AS in_query FROM r, ingest_api_internal.arguments(r.function_oid) a
            WHERE a.given),
    g AS (
        SELECT a.function,
            coalesce(jsonb_agg(jsonb_build_object('name', CASE WHEN a.of_row AND a.in_path THEN 'key' ELSE a.name END,
                'in', CASE WHEN a.in_path THEN 'path' ELSE 'query' END, 'required', a.in_path OR a.needed, 'schema',
                CASE WHEN a.in_path THEN '{"type": "string"}' ELSE ingest_api_internal.json_type(a.type) END)
                    ORDER BY a.n) FILTER (WHERE a.in_path OR a.in_query), '[]') AS parameters,
            jsonb_object_agg(a.name, ingest_api_internal.json_type(a.type)) FILTER (WHERE NOT a.in_path
                AND NOT a.in_query) AS properties,
            jsonb_agg(a.name ORDER BY a.n) FILTER (WHERE a.needed AND NOT a.in_path AND NOT a.in_query) AS required
        FROM a GROUP BY a.function)
    SELECT '/v1/' || CASE WHEN r.of_row THEN r.tag || '/{key}' ELSE r.path END, lower(r.method),
        jsonb_build_object('operationId', r.function, 'summary', left(r.description, 120), 'description',
            format('%s. Needs the scope %s.', r.description, r.needed), 'tags', jsonb_build_array(r.tag),
            'security', jsonb_build_array(jsonb_build_object('token', jsonb_build_array(r.needed))),
            'parameters', coalesce(g.parameters, '[]') || CASE WHEN r.method = 'GET' THEN '[]'
                ELSE jsonb_build_array(ingest_api_internal.reference('parameters/once')) END,
            'responses', jsonb_build_object(CASE WHEN s.schema IS NULL THEN 204 ELSE r.status END,
                jsonb_build_object('description', CASE WHEN s.schema IS NULL THEN 'done' WHEN r.status = 202
                    THEN 'begun' WHEN r.status = 201 THEN 'created' ELSE 'the answer' END)
                || CASE WHEN s.schema IS NULL THEN '{}'
                    ELSE jsonb_build_object('content',
                    jsonb_build_object('application/json', jsonb_build_object('schema', s.schema))) END
                || CASE WHEN r.status IN (201, 202)
                    THEN jsonb_build_object('headers',
                    jsonb_build_object('Location', ingest_api_internal.reference('headers/location'))) ELSE '{}' END)
              || ingest_api_internal.problems('400', '401', '403', '404', '413', '429', '503', '504')
                || CASE WHEN r.method = 'GET' THEN ingest_api_internal.problems('406')
                    ELSE ingest_api_internal.problems('409', '415', '422') END)
          || CASE WHEN r.method IN ('POST', 'PUT')
              THEN jsonb_build_object('requestBody',
              jsonb_build_object('required', g.required IS NOT NULL, 'content',
              jsonb_build_object('application/json', jsonb_build_object('schema',
                jsonb_build_object('type', 'object', 'properties', coalesce(g.properties, '{}'), 'additionalProperties',
                    false) || CASE WHEN g.required IS NULL THEN '{}'
                    ELSE jsonb_build_object('required', g.required) END)))) ELSE '{}' END
    FROM r LEFT JOIN g ON g.function = r.function,
        LATERAL (SELECT ingest_api_internal.answer_schema(r.function_oid)) s (schema);
END;
COMMENT ON FUNCTION ingest_api_internal.operations(oid)
    IS 'what a role may have done and computed, as OpenAPI operations';

-- The same functions by their names, as PostgREST's clients call them
CREATE FUNCTION ingest_api_internal.rpc_operations(role oid) RETURNS TABLE (path text, method text, operation jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH r AS (
        SELECT x.function, x.description, p.oid, coalesce(x.scope, 'read') AS needed,
            coalesce(jsonb_agg(jsonb_build_object('name', a.name, 'in', 'query', 'required', a.needed,
                'schema', ingest_api_internal.json_type(a.type)) ORDER BY a.n) FILTER (WHERE a.given),
                    '[]') AS parameters,
            jsonb_build_object('type', 'object', 'additionalProperties', false, 'properties',
                coalesce(jsonb_object_agg(a.name, ingest_api_internal.json_type(a.type)) FILTER (WHERE a.given), '{}'))
              || CASE WHEN bool_or(a.needed) THEN jsonb_build_object('required',
                jsonb_agg(a.name ORDER BY a.n) FILTER (WHERE a.needed)) ELSE '{}' END AS body
        FROM ingest_api_internal.route x
            JOIN pg_proc p ON p.pronamespace = 'ingest_api'::regnamespace AND p.proname = x.function
            LEFT JOIN LATERAL ingest_api_internal.arguments(p.oid) a ON true
        WHERE x.method = 'GET' AND has_function_privilege(rpc_operations.role, p.oid, 'EXECUTE')
        GROUP BY x.function, x.description, x.scope, p.oid)
    SELECT '/v1/rpc/' || r.function, m, jsonb_build_object('operationId', 'rpc_' || m || '_' || r.function,
            'summary', left(r.description, 120), 'description', r.description, 'tags', jsonb_build_array('rpc'),
            'security', jsonb_build_array(jsonb_build_object('token', jsonb_build_array(r.needed))),
            'responses', jsonb_build_object('200', jsonb_build_object('description', 'the answer', 'content',
                jsonb_build_object('application/json', jsonb_build_object('schema',
                    coalesce(ingest_api_internal.answer_schema(r.oid), '{}')))))
              || ingest_api_internal.problems('400', '401', '403', '404', '406', '413', '415', '429', '503', '504'))
          || CASE m WHEN 'get' THEN jsonb_build_object('parameters', r.parameters)
              ELSE jsonb_build_object('requestBody', jsonb_build_object('required', true, 'content',
                jsonb_build_object('application/json', jsonb_build_object('schema', r.body)))) END
    FROM r, unnest('{get,post}'::text[]) m;
END;
COMMENT ON FUNCTION ingest_api_internal.rpc_operations(oid)
    IS 'functions that read and are called by name, as OpenAPI operations';

-- Parts of the document that are the same for everybody

CREATE FUNCTION ingest_api_internal.parameters() RETURNS jsonb LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_object_agg(p.key, jsonb_build_object('name', p.name, 'in', p.place, 'description', p.description,
        'schema', p.schema::jsonb))
    FROM (VALUES
        ('select', 'select', 'query',
            'columns, with aliases, casts and related rows: id,name,source:sources(name)',
            '{"type": "string"}'),
        ('order', 'order', 'query', 'started_at.desc.nullslast,id', '{"type": "string"}'),
        ('limit', 'limit', 'query', 'maximum number of rows', '{"type": "integer", "minimum": 0}'),
        ('offset', 'offset', 'query', 'number of rows to skip', '{"type": "integer", "minimum": 0}'),
        ('after', 'after', 'query', 'empty: pages that are stable when rows come or go, whose header Link has the '
            'address of the next one; there it marks where that begins', '{"type": "string"}'),
        ('and', 'and', 'query', 'conditions in parentheses: (a.eq.1,or(b.gt.2,c.is.null))', '{"type": "string"}'),
        ('or', 'or', 'query', 'the same, at least one of which must hold', '{"type": "string"}'),
        ('place', 'after', 'query', 'events after this position: that of an event, or 0 for all that are kept',
            '{"type": "string"}'),
        ('types', 'types', 'query',
            'only events of these types: ingest.sync.*,ingest.run.failed', '{"type": "string"}'),
        ('last', 'Last-Event-ID', 'header', 'the position of the last event received, as EventSource sends it',
            '{"type": "string"}'),
        ('once', 'Idempotency-Key', 'header', 'a request repeated with the same key within a day is done only once, and'
            ' answered as it was', '{"type": "string", "maxLength": 255}'),
        ('known', 'If-None-Match', 'header', 'an ETag: answered with 304 if nothing has changed since',
            '{"type": "string"}'),
        ('prefer', 'Prefer', 'header', 'count=exact, planned or estimated', '{"type": "string"}'))
      p (key, name, place, description, schema);
END;
COMMENT ON FUNCTION ingest_api_internal.parameters()
    IS 'parameters that many addresses take, as OpenAPI describes them';

CREATE FUNCTION ingest_api_internal.answer_headers() RETURNS jsonb LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_object_agg(h.key, jsonb_build_object('description', h.description, 'schema',
        '{"type": "string"}'::jsonb))
    FROM (VALUES
        ('range', 'first and last row, and the total if that was asked for: 0-19/1000'),
        ('location', 'where to follow it'),
        ('next', 'with after=: <address>; rel="next" of the next page, if there is one'),
        ('place', 'the position after these events'),
        ('tag', 'for If-None-Match')) h (key, description);
END;
COMMENT ON FUNCTION ingest_api_internal.answer_headers() IS 'headers of answers, as OpenAPI describes them';

CREATE FUNCTION ingest_api_internal.contents(schema jsonb, VARIADIC types text[]) RETURNS jsonb LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT jsonb_object_agg(t, jsonb_build_object('schema', CASE t WHEN 'application/json' THEN contents.schema
        ELSE '{"type": "string"}' END)) FROM unnest(types) t;
END;
COMMENT ON FUNCTION ingest_api_internal.contents(jsonb, text[])
    IS 'the forms of an answer: JSON with a schema, others as text';

-- A list of rows; events come as a stream as well
CREATE FUNCTION ingest_api_internal.list_operation(resource text, description text, filters jsonb) RETURNS jsonb
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH f AS (
        SELECT list_operation.resource = 'events' AS events, jsonb_build_object('type', 'array', 'items',
            ingest_api_internal.reference('schemas/' || list_operation.resource)) AS rows)
    SELECT jsonb_build_object('operationId', 'list_' || replace(list_operation.resource, '.', '_'),
        'summary', 'List ' || list_operation.resource, 'description', list_operation.description,
        'tags', jsonb_build_array(list_operation.resource),
        'parameters', (SELECT jsonb_agg(ingest_api_internal.reference('parameters/' || n))
            FROM unnest(CASE WHEN f.events THEN '{select,order,limit,offset,place,types,last,and,or,prefer,known}'
                ELSE '{select,order,limit,offset,after,and,or,prefer,known}' END::text[]) n)
            || coalesce(list_operation.filters, '[]'),
        'responses', jsonb_build_object(
            '200', jsonb_build_object('description', CASE WHEN f.events
                THEN 'rows; CloudEvents where a place or types are'
                    ' asked for; as text/event-stream live' ELSE 'rows; as text/csv and application/x-ndjson, too' END,
                'headers', jsonb_build_object('Content-Range', ingest_api_internal.reference('headers/range'),
                        'ETag', ingest_api_internal.reference('headers/tag'))
                    || CASE WHEN f.events
                        THEN jsonb_build_object('Last-Event-ID', ingest_api_internal.reference('headers/place'))
                        ELSE jsonb_build_object('Link', ingest_api_internal.reference('headers/next')) END,
                'content', CASE WHEN f.events
                    THEN ingest_api_internal.contents(f.rows, 'application/json', 'text/event-stream')
                    ELSE ingest_api_internal.contents(f.rows, 'application/json')
                    END),
            '206', jsonb_build_object('description', 'some of the rows that were counted',
                'content', ingest_api_internal.contents(f.rows, 'application/json')),
            '304', jsonb_build_object('description', 'nothing has changed'))
          || ingest_api_internal.problems('400', '401', '403', '404', '406', '413', '416', '429', '503', '504')
          || CASE WHEN f.events THEN ingest_api_internal.problems('409', '410') ELSE '{}' END)
    FROM f;
END;
COMMENT ON FUNCTION ingest_api_internal.list_operation(text, text, jsonb)
    IS 'GET of a resource, as an OpenAPI operation';

-- What is at addresses that are neither of a resource nor of a function
CREATE FUNCTION ingest_api_internal.other_operations() RETURNS TABLE (path text, method text, operation jsonb)
    LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT o.path, o.method, jsonb_build_object('operationId', o.id, 'summary', o.summary, 'description', o.description,
            'tags', jsonb_build_array('pg_ingest'), 'responses',
            CASE WHEN o.content IS NULL THEN '{"204": {"description": "done"}}'::jsonb
                ELSE jsonb_build_object('200',
                    jsonb_build_object('description', 'the answer', 'content', o.content)) END
            || ingest_api_internal.problems(VARIADIC o.problems))
        || CASE WHEN o.parameters IS NULL THEN '{}' ELSE jsonb_build_object('parameters', o.parameters) END
        || CASE WHEN o.body IS NULL THEN '{}' ELSE jsonb_build_object('requestBody',
            jsonb_build_object('required', true,
            'content', jsonb_build_object('application/json', jsonb_build_object('schema', o.body)))) END
    FROM (VALUES
        ('/v1', 'get', 'list_resources', 'Resources', 'resources of which the role may read something',
            ingest_api_internal.contents('{"type": "array", "items": {"type": "object", "properties": {"name":
                {"type": "string"}, "path": {"type": "string"}, "description": {"type": "string"}}}}',
                'application/json'), '{401,403,429}'::text[], NULL::jsonb, NULL::jsonb),
        ('/openapi.json', 'get', 'describe', 'This document', 'what the role may ask for',
            ingest_api_internal.contents('{"type": "object"}', 'application/json'), '{401,403,429}', NULL, NULL),
        ('/metrics', 'get', 'measure', 'Metrics', 'for Prometheus',
            ingest_api_internal.contents(NULL, 'text/plain', 'application/openmetrics-text'), '{401,403,429,503}',
            NULL, NULL),
        ('/graphql', 'get', 'ask_graphql', 'GraphQL that reads', 'an operation that only reads',
            ingest_api_internal.contents('{"type": "object"}', 'application/json'), '{400,401,403,405,406,429,503,504}',
            '[{"name": "query", "in": "query", "required": true, "schema": {"type": "string"}},
              {"name": "variables", "in": "query", "schema": {"type": "string"}},
              {"name": "operationName", "in": "query", "schema": {"type": "string"}}]', NULL),
        ('/graphql', 'post', 'post_graphql', 'GraphQL', 'any operation',
            ingest_api_internal.contents('{"type": "object"}', 'application/json'),
            '{400,401,403,406,409,415,422,429,503,504}',
            jsonb_build_array(ingest_api_internal.reference('parameters/once')),
            '{"type": "object", "required": ["query"], "properties": {"query": {"type": "string"}, "variables":
                {"type": ["object", "null"]}, "operationName": {"type": ["string", "null"]}}}'))
      o (path, method, id, summary, description, content, problems, parameters, body);
END;
COMMENT ON FUNCTION ingest_api_internal.other_operations() IS 'addresses of the API itself, as OpenAPI operations';

CREATE FUNCTION ingest_api_internal.session_paths() RETURNS jsonb LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH s AS (SELECT '{"application/json": {"schema": {"$ref": "#/components/schemas/session"}}}'::jsonb AS session,
        '{"application/json": {"schema": {"type": "object", "properties": {"token": {"type": "string"},
            "link": {"type": "string"}}, "additionalProperties": false, "minProperties": 1,
            "maxProperties": 1}}}'::jsonb AS secret)
    SELECT jsonb_build_object('/v1/session', jsonb_build_object(
        'get', jsonb_build_object('operationId', 'who_am_i', 'summary', 'Who the caller is', 'description',
            'The role that the caller acts as, and until when; for a session, also the value for X-CSRF-Token. '
            'Needs the scope read.',
            'tags', '["session"]'::jsonb, 'parameters', '[]'::jsonb, 'responses',
            jsonb_build_object('200', jsonb_build_object('description', 'who the caller is', 'content', s.session))
                || ingest_api_internal.problems('401', '403', '429')),
        'post', jsonb_build_object('operationId', 'log_in', 'summary', 'Log a browser in', 'description',
            'By a token, or by what follows the # of a link. What the cookie permits is what GET reports.',
            'tags', '["session"]'::jsonb, 'security', '[]'::jsonb, 'parameters', '[]'::jsonb,
            'requestBody', jsonb_build_object('required', true, 'content', s.secret), 'responses',
            jsonb_build_object('201', jsonb_build_object('description', 'begun', 'content', s.session, 'headers',
                '{"Set-Cookie": {"description": "the session", "schema": {"type": "string"}}}'::jsonb))
                || ingest_api_internal.problems('400', '401', '403', '415', '429', '503')),
        'delete', jsonb_build_object('operationId', 'log_out', 'summary', 'Log out', 'description',
            'Ends the session whose cookie is sent. Needs the scope read.', 'tags', '["session"]'::jsonb,
            'parameters', '[{"name": "X-CSRF-Token", "in": "header", "required": true,
                "description": "the value of csrf from who_am_i", "schema": {"type": "string"}}]'::jsonb, 'responses',
            '{"204": {"description": "ended"}}'::jsonb
                || ingest_api_internal.problems('401', '403', '409', '429', '503')))) FROM s;
END;
COMMENT ON FUNCTION ingest_api_internal.session_paths()
    IS 'logging in, being logged in and logging out, as OpenAPI paths';

CREATE FUNCTION ingest_api_internal.session_schema() RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN '{"session": {"type": "object",
        "required": ["role", "scope", "database", "by", "expires_at", "token", "standby"], "properties": {
        "role": {"type": "string", "description": "the role that the caller acts as"},
        "scope": {"type": "string", "enum": ["read", "operate", "admin"],
            "description": "what the caller may do of what the role may"},
        "database": {"type": "string", "description": "the database whose data it is"},
        "by": {"type": "string", "enum": ["session", "token", "jwt"],
            "description": "how the caller has identified itself"},
        "expires_at": {"type": ["string", "null"], "format": "date-time", "description": "until when it is valid"},
        "token": {"type": ["string", "null"], "description": "the beginning of the token"},
        "standby": {"type": "boolean", "description": "whether nothing can be done here"},
        "idle_seconds": {"type": "integer",
            "description": "for a session: it ends when it has not been used for this long"},
        "csrf": {"type": "string", "description": "for a session: the value for X-CSRF-Token"}}}}'::jsonb;
COMMENT ON FUNCTION ingest_api_internal.session_schema() IS 'what is reported about who is logged in, as a JSON schema';

-- What ingest_delivery posts to whoever has a webhook
CREATE FUNCTION ingest_api_internal.webhooks() RETURNS jsonb LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT coalesce(jsonb_object_agg(t.type, jsonb_build_object('post', jsonb_build_object(
        'operationId', 'on_' || replace(t.type, '.', '_'), 'summary', t.description,
        'description', t.description || '; sent by a sink of ingest_delivery, according to Standard Webhooks',
        'tags', jsonb_build_array('events'), 'security', '[]'::jsonb,
        'parameters', (SELECT jsonb_agg(jsonb_build_object('name', h.name, 'in', 'header', 'required', true,
                'description', h.description, 'schema', '{"type": "string"}'::jsonb))
            FROM (VALUES ('webhook-id', 'the same on each attempt'),
                ('webhook-timestamp', 'time of this attempt, in seconds since 1970'),
                ('webhook-signature', 'HMAC-SHA256 over id, timestamp and body')) h (name, description)),
        'requestBody', jsonb_build_object('required', true, 'content', jsonb_build_object(
            'application/cloudevents+json', jsonb_build_object('schema', jsonb_build_object('type', 'object',
                'required', '["specversion", "id", "source", "type"]'::jsonb,
                'properties', '{"specversion": {"type": "string"}, "id": {"type": "string"},
                    "source": {"type": "string"}, "subject": {"type": "string"},
                    "time": {"type": "string", "format": "date-time"}}'::jsonb
                  || jsonb_build_object('type', jsonb_build_object('type', 'string', 'const', t.type),
                    'data', t.schema - '$schema' - '$id'))))),
        'responses', '{"2XX": {"description": "accepted"}, "4XX": {"description": "refused: tried again or given '
            'up"}}'::jsonb
        ))), '{}')
    FROM ingest.event_type t;
END;
COMMENT ON FUNCTION ingest_api_internal.webhooks() IS 'event types as OpenAPI webhooks';

CREATE FUNCTION ingest_api_internal.openapi(role oid) RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH c AS (SELECT * FROM ingest_api_internal.readable(role)),
    r AS (
        SELECT resource, description, key,
            jsonb_build_object('type', 'object', 'description', description, 'properties', jsonb_object_agg(column_name,
                ingest_api_internal.json_type(type) || jsonb_build_object('description', comment))) AS schema,
            jsonb_agg(jsonb_build_object('name', column_name, 'in', 'query',
                'description', CASE comment WHEN '' THEN '' ELSE comment || '; ' END || 'as eq.value',
                'schema', jsonb_build_object('type', 'string')) ORDER BY attnum)
              FILTER (WHERE column_name NOT IN ('select', 'order', 'limit', 'offset', 'after', 'types', 'and', 'or'))
              AS filters
        FROM c GROUP BY resource, description, key),
    o AS (
        SELECT * FROM ingest_api_internal.operations(role)
        UNION ALL SELECT * FROM ingest_api_internal.rpc_operations(role)
        UNION ALL SELECT * FROM ingest_api_internal.other_operations()),
    p AS (
        SELECT '/v1/' || resource AS path,
            jsonb_build_object('get', ingest_api_internal.list_operation(resource, description, filters)) AS item
        FROM r
        UNION ALL
        SELECT '/v1/' || resource || '/{key}', jsonb_build_object('get', jsonb_build_object(
            'operationId', 'get_' || replace(resource, '.', '_'), 'summary', 'One of ' || resource,
            'description', 'by ' || key[1], 'tags', jsonb_build_array(resource),
            'parameters', jsonb_build_array(jsonb_build_object('name', 'key', 'in', 'path', 'required', true,
                    'schema', jsonb_build_object('type', 'string')),
                ingest_api_internal.reference('parameters/select'), ingest_api_internal.reference('parameters/known')),
            'responses', jsonb_build_object('200', jsonb_build_object('description', 'the row', 'content',
                    ingest_api_internal.contents(ingest_api_internal.reference('schemas/' || resource),
                        'application/json')),
                '304', jsonb_build_object('description', 'nothing has changed'))
              || ingest_api_internal.problems('400', '401', '403', '404', '406', '413', '429', '503', '504')))
        FROM r WHERE cardinality(key) = 1
        UNION ALL SELECT o.path, jsonb_build_object(o.method, o.operation) FROM o),
    m AS (SELECT p.path, jsonb_object_agg(i.key, i.value) AS item FROM p, jsonb_each(p.item) i GROUP BY p.path),
    t AS (
        SELECT resource AS tag, description FROM r
        UNION SELECT DISTINCT ON (o.operation->'tags'->>0) o.operation->'tags'->>0, o.operation->>'summary'
        FROM o WHERE o.operation->'tags'->>0 NOT IN (SELECT r.resource FROM r) ORDER BY 1, 2),
    e AS (SELECT 'events' AS tag, 'what happened' AS description
        WHERE NOT EXISTS (SELECT FROM t WHERE t.tag = 'events')
        UNION ALL SELECT 'session', 'who the caller is, and logging in with a browser')
    SELECT jsonb_build_object('openapi', '3.1.0',
        'info', jsonb_build_object('title', 'pg_ingest', 'version', '1',
            'description', 'What may be requested: the repository, and what is exposed in addition',
            'license', jsonb_build_object('name', 'PostgreSQL', 'identifier', 'PostgreSQL')),
        'servers', jsonb_build_array(jsonb_build_object('url', '/')),
        'security', jsonb_build_array(jsonb_build_object('token', jsonb_build_array())),
        'tags', coalesce((SELECT jsonb_agg(jsonb_build_object('name', tag, 'description', description) ORDER BY tag)
            FROM (SELECT * FROM t UNION ALL SELECT * FROM e) a), '[]'),
        'paths', coalesce((SELECT jsonb_object_agg(path, item) FROM m), '{}') || ingest_api_internal.session_paths(),
        'webhooks', ingest_api_internal.webhooks(),
        'components', jsonb_build_object(
            'securitySchemes', '{"token": {"type": "http", "scheme": "bearer",
                "description": "from ingest_api.create_token()"}}'::jsonb,
            'parameters', ingest_api_internal.parameters(),
            'headers', ingest_api_internal.answer_headers(),
            'responses', jsonb_build_object('problem', jsonb_build_object('description', 'what is wrong and what to do',
                'content', jsonb_build_object('application/problem+json',
                    jsonb_build_object('schema', ingest_api_internal.reference('schemas/problem'))))),
            'schemas', coalesce((SELECT jsonb_object_agg(resource, schema) FROM r), '{}')
                || ingest_api_internal.session_schema()
                || '{"problem": {"type": "object", "required": ["status", "title", "code", "message"], "properties": {
                    "type": {"type": "string"}, "status": {"type": "integer"}, "title": {"type": "string"},
                    "code": {"type": "string"}, "message": {"type": "string"}, "details": {"type": ["string", "null"]},
                    "hint": {"type": ["string", "null"]}}}}'::jsonb))::text;
END;
COMMENT ON FUNCTION ingest_api_internal.openapi(oid) IS 'the document that describes what a role may ask for';
