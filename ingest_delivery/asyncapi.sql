
-- What is sent, for those who receive it

CREATE FUNCTION ingest_delivery_internal.message(type text, description text, version text, schema jsonb) RETURNS jsonb LANGUAGE sql STABLE
    RETURN jsonb_build_object('name', type, 'title', type, 'summary', description, 'contentType', 'application/cloudevents+json', 'payload', jsonb_build_object('type', 'object',
        'required', '["specversion", "id", "source", "type", "time", "datacontenttype", "dataschema", "data"]'::jsonb,
        'properties', jsonb_build_object('specversion', jsonb_build_object('const', '1.0'), 'id', jsonb_build_object('type', 'string', 'pattern', '^[0-9]+-[0-9]+$', 'description', 'the same on each try'),
            'source', jsonb_build_object('type', 'string', 'format', 'uri-reference', 'description', '/ingest/cluster/database/source'), 'type', jsonb_build_object('const', type),
            'subject', jsonb_build_object('type', 'string', 'description', 'what it is about'), 'time', jsonb_build_object('type', 'string', 'format', 'date-time'),
            'datacontenttype', jsonb_build_object('const', 'application/json'), 'dataschema', jsonb_build_object('const', format('urn:pg_ingest:%s:%s', type, version)),
            'data', schema - '$schema' - '$id')));
COMMENT ON FUNCTION ingest_delivery_internal.message(text, text, text, jsonb) IS 'a type of event in the form of an AsyncAPI message';

CREATE FUNCTION asyncapi() RETURNS jsonb LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT jsonb_build_object('asyncapi', '3.0.0', 'info', jsonb_build_object('title', 'Events of pg_ingest', 'version', (SELECT x.extversion FROM pg_extension x WHERE x.extname = 'ingest'),
            'description', 'CloudEvents 1.0 that sinks of ingest_delivery are sent, each at least once and in order within its subject'),
        'defaultContentType', 'application/cloudevents+json',
        'channels', jsonb_build_object('events', jsonb_build_object('address', NULL, 'description', 'where a sink sends to: a webhook, a topic, a hub',
            'messages', jsonb_object_agg(t.type, jsonb_build_object('$ref', '#/components/messages/' || t.type)))),
        'operations', jsonb_build_object('send', jsonb_build_object('action', 'send', 'summary', 'events leave the database', 'channel', jsonb_build_object('$ref', '#/channels/events'))),
        'components', jsonb_build_object('messages', jsonb_object_agg(t.type, ingest_delivery_internal.message(t.type, t.description, t.version, t.schema))))
      FROM ingest.event_type t;
    END;
COMMENT ON FUNCTION asyncapi() IS 'all event types with their schemas, as an AsyncAPI 3.0 document';
