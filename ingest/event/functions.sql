
-- Events

CREATE FUNCTION era() RETURNS integer AS 'MODULE_PATHNAME', 'ingest_era' LANGUAGE C;
COMMENT ON FUNCTION era() IS 'number of the cluster that the repository lives in: rises when it is restored into another';

CREATE FUNCTION emit(type text, subject text, data jsonb) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_emit' LANGUAGE C;
COMMENT ON FUNCTION emit(text, text, jsonb) IS 'writes an event of your own into the outbox, in this transaction';

CREATE FUNCTION subscribe(consumer text, types text[] DEFAULT NULL, from_start boolean DEFAULT false) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO subscription (consumer, owner, types, era, seen)
      SELECT subscribe.consumer, current_user, subscribe.types, CASE WHEN from_start THEN 1 ELSE era() END, CASE WHEN from_start THEN '3:3:' ELSE pg_current_snapshot() END;
    END;
COMMENT ON FUNCTION subscribe(text, text[], boolean) IS 'makes a consumer: of events from now on, or of all that are kept; types may end in *';

CREATE FUNCTION unsubscribe(consumer text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    DELETE FROM subscription s WHERE s.consumer = unsubscribe.consumer;
    END;
COMMENT ON FUNCTION unsubscribe(text) IS 'forgets a consumer, so that events are no longer kept for it';

CREATE FUNCTION read_events(consumer text, max_events integer DEFAULT 100)
    RETURNS TABLE (id bigint, type text, source text, subject text, "time" timestamptz, data jsonb)
    AS 'MODULE_PATHNAME', 'ingest_read_events' LANGUAGE C STRICT;
COMMENT ON FUNCTION read_events(text, integer) IS 'the next events of a consumer that it has not acknowledged, in the order in which they committed';

CREATE FUNCTION ack(consumer text, id bigint) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_ack' LANGUAGE C STRICT;
COMMENT ON FUNCTION ack(text, bigint) IS 'acknowledges the events read, up to this one';

CREATE FUNCTION cloud_event(e event) RETURNS jsonb LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT jsonb_build_object('specversion', '1.0', 'id', format('%s-%s', e.era, e.id), 'source', e.source, 'type', e.type, 'subject', e.subject,
        'time', e.time, 'datacontenttype', 'application/json', 'dataschema', 'urn:pg_ingest:' || e.type || ':' || coalesce(t.version, '1'), 'data', e.data)
      FROM (SELECT) x LEFT JOIN event_type t ON t.type = e.type;
    END;
COMMENT ON FUNCTION cloud_event(event) IS 'an event as a CloudEvents 1.0 JSON object';

CREATE FUNCTION announce(type text, source text, subject text, data jsonb) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_announce' LANGUAGE C;
COMMENT ON FUNCTION announce(text, text, text, jsonb) IS 'an event of the engine about a source, for its owner';
