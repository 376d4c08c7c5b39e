
-- Events

CREATE FUNCTION era() RETURNS integer AS 'MODULE_PATHNAME', 'ingest_era' LANGUAGE C;
COMMENT ON FUNCTION era() IS 'number of the cluster that the repository lives in: rises with enable() after it was restored or copied';

CREATE FUNCTION emit(type text, subject text, data jsonb) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_emit' LANGUAGE C;
COMMENT ON FUNCTION emit(text, text, jsonb) IS 'writes an event of your own into the outbox, in this transaction';

CREATE FUNCTION ingest_internal.subscribe(actor oid, consumer text, types text[], from_start boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    unknown text;
BEGIN
    IF consumer IS NULL OR from_start IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'a consumer needs a name, and whether it begins at the start';
    END IF;
    IF consumer = '' OR array_position(types, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'the name of a consumer must not be empty, and no type null', HINT = 'Without types it gets events of all.';
    END IF;
    SELECT t INTO unknown FROM unnest(types) t WHERE t LIKE 'ingest.%'
      AND NOT EXISTS (SELECT FROM ingest.event_type e WHERE e.type = t OR t LIKE '%*' AND starts_with(e.type, rtrim(t, '*'))) LIMIT 1;
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('the engine writes no events of type "%s"', unknown), HINT = 'SELECT type, description FROM ingest.event_type lists them.';
    END IF;
    INSERT INTO ingest.subscription (consumer, owner, owner_name, types, era, seen)
      VALUES (subscribe.consumer, actor, pg_get_userbyid(actor), subscribe.types, CASE WHEN from_start THEN 1 ELSE ingest.era() END,
        CASE WHEN from_start THEN '3:3:'::pg_snapshot ELSE pg_current_snapshot() END) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_object', MESSAGE = format('there is a consumer "%s" already', consumer), HINT = 'ingest.unsubscribe forgets it.';
    END IF;
    PERFORM ingest_internal.audit(actor, 'subscribe', consumer, NULL, to_jsonb(types));
END $$;
COMMENT ON FUNCTION ingest_internal.subscribe(oid, text, text[], boolean) IS 'see ingest.subscribe';
CREATE FUNCTION subscribe(consumer text, types text[] DEFAULT NULL, from_start boolean DEFAULT false) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION subscribe(text, text[], boolean) IS 'makes a consumer: of events from now on, or of all that are kept; types may end in *';

CREATE FUNCTION ingest_internal.unsubscribe(actor oid, consumer text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.subscription;
BEGIN
    SELECT * INTO s FROM ingest.subscription x WHERE x.consumer = unsubscribe.consumer FOR UPDATE;
    PERFORM ingest_internal.require('consumer', consumer, s.consumer IS NOT NULL, ingest_internal.acts_for(actor, s.owner), true, NULL);
    DELETE FROM ingest.subscription x WHERE x.consumer = s.consumer;
    PERFORM ingest_internal.audit(actor, 'unsubscribe', consumer);
END $$;
COMMENT ON FUNCTION ingest_internal.unsubscribe(oid, text) IS 'see ingest.unsubscribe';
CREATE FUNCTION unsubscribe(consumer text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
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

CREATE FUNCTION ingest_internal.announce(type text, source text, subject text, data jsonb) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_announce' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.announce(text, text, text, jsonb) IS 'an event of the engine about a source';
