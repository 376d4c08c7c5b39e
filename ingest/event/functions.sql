
-- The era: ids of events are unique within one

CREATE FUNCTION ingest_internal.era() RETURNS integer AS 'MODULE_PATHNAME', 'ingest_era' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.era()
    IS 'number of the repository''s current cluster and timeline: rises with enable() after a restore or copy, and '
    'by itself with a promotion';

CREATE FUNCTION ingest_internal.installed(cluster numeric, here oid)
    RETURNS TABLE (here boolean, era integer, timeline integer) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT i.system_identifier = cluster AND i.database = installed.here, i.era, i.timeline FROM ingest.installation i;
    END;
COMMENT ON FUNCTION ingest_internal.installed(numeric, oid)
    IS 'whether the repository belongs to this database, and what is recorded about the era';

CREATE FUNCTION ingest_internal.install(cluster numeric, here oid, timeline integer) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO ingest.installation (system_identifier, database, timeline, era)
      VALUES (cluster, here, install.timeline, 1) ON CONFLICT DO NOTHING;
    END;
COMMENT ON FUNCTION ingest_internal.install(numeric, oid, integer)
    IS 'begins the life of the repository in this database';

-- What was replayed last, or else the last that somebody wrote down here; the clock may have been set back since
CREATE FUNCTION ingest_internal.since_last_known() RETURNS tstzmultirange LANGUAGE sql VOLATILE
    RETURN (SELECT tstzmultirange(tstzrange(least(greatest(pg_last_xact_replay_timestamp(),
        (SELECT r.updated_at FROM ingest.run r ORDER BY r.id DESC LIMIT 1),
        (SELECT e.time FROM ingest.event e ORDER BY e.era DESC, e.id DESC LIMIT 1)), n.at), n.at, '()'))
        FROM (SELECT clock_timestamp() AS at OFFSET 0) n);
COMMENT ON FUNCTION ingest_internal.since_last_known()
    IS 'a period of which nothing is known here, because the cluster or its timeline has changed';

CREATE FUNCTION ingest_internal.era_rises(was integer, timeline integer, era integer) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest.installation i SET timeline = era_rises.timeline, era = era_rises.era,
        unknown = i.unknown + ingest_internal.since_last_known()
      WHERE i.one IN (SELECT x.one FROM ingest.installation x WHERE x.timeline = was FOR UPDATE SKIP LOCKED);
    END;
COMMENT ON FUNCTION ingest_internal.era_rises(integer, integer, integer)
    IS 'records that the cluster is on another timeline, unless another session is about to';

CREATE FUNCTION ingest_internal.next_era() RETURNS integer LANGUAGE sql STABLE
    RETURN 1 + greatest((SELECT i.era FROM ingest.installation i), (SELECT max(s.era) FROM ingest.subscription s),
        (SELECT e.era FROM ingest.event e ORDER BY e.era DESC, e.id DESC LIMIT 1));
COMMENT ON FUNCTION ingest_internal.next_era() IS 'an era that no event has';

CREATE FUNCTION ingest_internal.last_era(of integer) RETURNS integer LANGUAGE sql STABLE
    RETURN (SELECT min(b.base) - 1 FROM ingest.installation i, unnest(i.bases) AS b (base) WHERE b.base > of);
COMMENT ON FUNCTION ingest_internal.last_era(integer)
    IS 'the last era of the cluster that an era belongs to; null if that is the current cluster';

-- Writing: docs/decisions/3-events-between-snapshots.md says why nothing is missed

CREATE FUNCTION ingest_internal.event_add(era integer, xid xid8, type text, source text, subject text,
    "time" timestamptz, data jsonb, source_id integer, owner oid) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO ingest.event (era, xid, type, source, subject, time, data, source_id, owner)
      VALUES (event_add.era, event_add.xid, event_add.type, event_add.source, event_add.subject, event_add.time,
        event_add.data, event_add.source_id, event_add.owner) RETURNING id;
    END;
COMMENT ON FUNCTION ingest_internal.event_add(integer, xid8, text, text, text, timestamptz, jsonb, integer, oid)
    IS 'writes an event if the table has triggers or is not a plain one';

CREATE FUNCTION ingest_internal.event_owner_know(role oid) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO ingest.event_owner (role, xid, role_name)
      SELECT r.oid, pg_current_xact_id(), r.rolname FROM pg_roles r
      WHERE r.oid = event_owner_know.role AND NOT EXISTS (SELECT FROM ingest.event_owner o WHERE o.role = r.oid);
    END;
COMMENT ON FUNCTION ingest_internal.event_owner_know(oid)
    IS 'keeps the name of a role that events refer to, if it is not kept yet';

CREATE FUNCTION emit(type text, subject text, data jsonb) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_emit' LANGUAGE C;
COMMENT ON FUNCTION emit(text, text, jsonb) IS 'writes an event of your own to the outbox, in this transaction';

CREATE FUNCTION ingest_internal.announce(type text, source text, subject text, data jsonb, owner oid DEFAULT NULL)
    RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_announce' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.announce(text, text, text, jsonb, oid)
    IS 'writes an event of the engine about a source, or about what a role has';

-- Where consumers are

-- A snapshot does not list the transaction that takes it, as if that had ended before.
CREATE FUNCTION ingest_internal.event_snapshot() RETURNS pg_snapshot LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT CASE WHEN pg_visible_in_snapshot(n.own, n.s)
        THEN format('%s:%s:%s', least(pg_snapshot_xmin(n.s), n.own), pg_snapshot_xmax(n.s),
          (SELECT string_agg(x.xid::text, ',' ORDER BY x.xid)
            FROM (SELECT pg_snapshot_xip(n.s) UNION SELECT n.own) x (xid)))::pg_snapshot
        ELSE n.s END
      FROM (SELECT pg_current_snapshot(), pg_current_xact_id_if_assigned()) n (s, own);
    END;
COMMENT ON FUNCTION ingest_internal.event_snapshot()
    IS 'a snapshot of what has committed, as a statement of this transaction sees it, without this transaction''s '
    'own changes';

CREATE FUNCTION ingest_internal.event_horizon(OUT id bigint, OUT xid xid8)
    AS 'MODULE_PATHNAME', 'ingest_event_horizon' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.event_horizon()
    IS 'transactions from this one on draw ids above this one; null if not known';

CREATE FUNCTION ingest_internal.consumer_moves(consumer text, era integer, seen text, open text, last_id bigint,
    final_id bigint, floor_era integer, floor_id bigint, next_era integer, next_xid text, next_id bigint,
    drawn_id bigint, acknowledged boolean) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest.subscription s SET
        era = consumer_moves.era,
        seen = consumer_moves.seen::pg_snapshot,
        open = consumer_moves.open::pg_snapshot,
        last_id = consumer_moves.last_id,
        final_id = consumer_moves.final_id,
        floor_era = consumer_moves.floor_era,
        floor_id = consumer_moves.floor_id,
        next_era = consumer_moves.next_era,
        next_xid = consumer_moves.next_xid::xid8,
        next_id = consumer_moves.next_id,
        drawn_id = consumer_moves.drawn_id,
        last_ack = CASE WHEN acknowledged THEN now() ELSE s.last_ack END
      WHERE s.consumer = consumer_moves.consumer;
    END;
COMMENT ON FUNCTION ingest_internal.consumer_moves(text, integer, text, text, bigint, bigint, integer, bigint,
    integer, text, bigint, bigint, boolean)
    IS 'records the position of a consumer';

CREATE FUNCTION ingest_internal.check_types(types text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    unknown text;
BEGIN
    IF array_position(types, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'event types must not be null',
            HINT = 'Without types, or with *, a consumer gets events of all types.';
    END IF;
    SELECT t INTO unknown FROM unnest(types) t WHERE t LIKE 'ingest.%'
      AND NOT EXISTS (SELECT FROM ingest.event_type e WHERE ingest_internal.event_wanted(e.type, ARRAY[t])) LIMIT 1;
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('the engine writes no events of type "%s"', unknown),
            HINT = 'SELECT type, description FROM ingest.event_type lists them.';
    END IF;
END $$;
COMMENT ON FUNCTION ingest_internal.check_types(text[]) IS 'raises an error unless a consumer can ask for these types';

CREATE FUNCTION ingest_internal.subscribe(actor oid, consumer text, types text[], from_start boolean) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    horizon record;
    since pg_snapshot;
    begins integer;
BEGIN
    IF consumer IS NULL OR from_start IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'a consumer needs a name, and whether it begins at the start';
    END IF;
    IF consumer = '' OR array_position(types, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'the name of a consumer must not be empty, and its types must not be null',
            HINT = 'Without types it gets events of all types.';
    END IF;
    PERFORM ingest_internal.check_types(types);
    horizon := ingest_internal.event_horizon();
    since := CASE WHEN from_start THEN '3:3:'::pg_snapshot ELSE ingest_internal.event_snapshot() END;
    begins := CASE WHEN from_start THEN 1 ELSE ingest_internal.era() END;
    INSERT INTO ingest.subscription (consumer, owner, owner_name, types, era, seen, floor_era, floor_id)
      VALUES (subscribe.consumer, actor, pg_get_userbyid(actor), subscribe.types, begins, since, begins,
        -- where no transaction was under way all that is to come has larger ids than all that was
        CASE WHEN horizon.xid <= pg_snapshot_xmin(since) THEN horizon.id ELSE 0 END) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_object',
            MESSAGE = format('consumer "%s" already exists', consumer), HINT = 'ingest.unsubscribe removes it.';
    END IF;
    PERFORM ingest_internal.audit(actor, 'subscribe', consumer, NULL, to_jsonb(types));
END $$;
COMMENT ON FUNCTION ingest_internal.subscribe(oid, text, text[], boolean) IS 'see ingest.subscribe';
CREATE FUNCTION subscribe(consumer text, types text[] DEFAULT NULL, from_start boolean DEFAULT false) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION subscribe(text, text[], boolean)
    IS 'creates a consumer of events from now on, or of all that are kept; types may end in *';

CREATE FUNCTION ingest_internal.set_types(actor oid, consumer text, types text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.subscription;
BEGIN
    SELECT * INTO s FROM ingest.subscription x WHERE x.consumer = set_types.consumer FOR UPDATE;
    PERFORM ingest_internal.require('consumer', consumer, s.consumer IS NOT NULL,
        ingest_internal.acts_for(actor, s.owner), true, NULL);
    PERFORM ingest_internal.check_types(types);
    -- which event is the last of the batch that is being read was found for the types before
    UPDATE ingest.subscription x SET types = set_types.types, final_id = NULL WHERE x.consumer = s.consumer;
    PERFORM ingest_internal.audit(actor, 'set_types', consumer, to_jsonb(s.types), to_jsonb(types));
END $$;
COMMENT ON FUNCTION ingest_internal.set_types(oid, text, text[])
    IS 'changes the types of a consumer, which keeps its position';
CREATE FUNCTION ingest_internal.set_types(consumer text, types text[]) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.set_types(text, text[]) IS 'the same, as the caller';

CREATE FUNCTION ingest_internal.unsubscribe(actor oid, consumer text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.subscription;
BEGIN
    SELECT * INTO s FROM ingest.subscription x WHERE x.consumer = unsubscribe.consumer FOR UPDATE;
    PERFORM ingest_internal.require('consumer', consumer, s.consumer IS NOT NULL,
        ingest_internal.acts_for(actor, s.owner), true, NULL);
    DELETE FROM ingest.subscription x WHERE x.consumer = s.consumer;
    PERFORM ingest_internal.audit(actor, 'unsubscribe', consumer);
END $$;
COMMENT ON FUNCTION ingest_internal.unsubscribe(oid, text) IS 'see ingest.unsubscribe';
CREATE FUNCTION unsubscribe(consumer text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION unsubscribe(text) IS 'removes a consumer, so that events are no longer kept for it';

-- Reading

CREATE FUNCTION ingest_internal.event_wanted(type text, types text[]) RETURNS boolean
    AS 'MODULE_PATHNAME', 'ingest_event_wanted' LANGUAGE C IMMUTABLE STRICT;
COMMENT ON FUNCTION ingest_internal.event_wanted(text, text[])
    IS 'whether a type is one of those given, where a trailing * stands for any rest';

CREATE FUNCTION ingest_internal.event_is_open(type text) RETURNS boolean LANGUAGE sql IMMUTABLE
    RETURN type NOT IN ('ingest.row.changed', 'ingest.row.rejected', 'ingest.anomaly.detected', 'ingest.run.failed',
        'ingest.run.cancelled', 'ingest.job.dead', 'ingest.quality.failed', 'ingest.source.checked',
        'ingest.circuit.opened', 'ingest.sync.stopped', 'ingest.alert.opened', 'ingest.alert.acknowledged',
            'ingest.alert.closed');
COMMENT ON FUNCTION ingest_internal.event_is_open(text)
    IS 'whether events of a type may also be seen by roles that were granted the source';

CREATE FUNCTION ingest_internal.event_batch(era integer, after bigint, seen pg_snapshot, open pg_snapshot,
    types text[], everything boolean, actor oid, sources integer[])
    RETURNS TABLE (id bigint, type text, source text, subject text, "time" timestamptz, data jsonb, era integer)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT e.id, e.type, e.source, e.subject, e.time, e.data, e.era FROM ingest.event e
      WHERE e.era = event_batch.era AND e.id > after AND NOT pg_visible_in_snapshot(e.xid, seen)
        AND (open IS NULL OR pg_visible_in_snapshot(e.xid, open))
        AND (types IS NULL OR ingest_internal.event_wanted(e.type, types))
        -- one's own, and of sources that were granted what has no values of rows, nor errors that may quote them
        AND (everything OR e.owner = actor OR ingest_internal.acts_for(actor, e.owner)
          OR e.source_id = ANY (sources) AND ingest_internal.event_is_open(e.type));
    END;
COMMENT ON FUNCTION ingest_internal.event_batch(integer, bigint, pg_snapshot, pg_snapshot, text[], boolean, oid,
    integer[])
    IS 'events of an era that a role may see and that committed between two snapshots; without the second, all '
    'that the first does not see';

CREATE FUNCTION ingest_internal.event_state(era integer, floor_era integer, id bigint, seen text, open text)
    RETURNS text LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT CASE
        WHEN EXISTS (SELECT FROM ingest.event e WHERE e.era = event_state.era AND e.id = event_state.id
          AND NOT pg_visible_in_snapshot(e.xid, seen::pg_snapshot)
          AND (open IS NULL OR pg_visible_in_snapshot(e.xid, open::pg_snapshot))) THEN 'open'
        -- the last batch may have been of the era before
        WHEN EXISTS (SELECT FROM generate_series(event_state.floor_era - 1, event_state.era) g
          JOIN ingest.event e ON e.era = g AND e.id = event_state.id
          WHERE pg_visible_in_snapshot(e.xid, seen::pg_snapshot)) THEN 'seen' END;
    END;
COMMENT ON FUNCTION ingest_internal.event_state(integer, integer, bigint, text, text) IS
    'whether a consumer may acknowledge an event (open) or has done so (seen)';

CREATE FUNCTION read_events(consumer text, max_events integer DEFAULT 100)
    RETURNS TABLE (id bigint, type text, source text, subject text, "time" timestamptz, data jsonb, era integer)
    AS 'MODULE_PATHNAME', 'ingest_read_events' LANGUAGE C STRICT;
COMMENT ON FUNCTION read_events(text, integer)
    IS 'the next events that a consumer has not acknowledged, in the order in which they committed';

CREATE FUNCTION ingest_internal.read_ahead(consumer text, max_events integer, era integer, event bigint)
    RETURNS TABLE (id bigint, type text, source text, subject text, "time" timestamptz, data jsonb, era integer)
    AS 'MODULE_PATHNAME', 'ingest_read_ahead' LANGUAGE C STRICT;
COMMENT ON FUNCTION ingest_internal.read_ahead(text, integer, integer, bigint)
    IS 'of the events open to a consumer, those that follow one which it has read but not yet acknowledged';

CREATE FUNCTION ingest_internal.event_seen(e ingest.event, everything boolean, actor oid, sources integer[])
    RETURNS boolean LANGUAGE sql STABLE
    RETURN everything OR e.owner = actor OR ingest_internal.acts_for(actor, e.owner) OR e.source_id = ANY (sources)
        AND ingest_internal.event_is_open(e.type);
COMMENT ON FUNCTION ingest_internal.event_seen(ingest.event, boolean, oid, integer[])
    IS 'whether a role may see an event, by the same rules as event_batch';

CREATE FUNCTION ingest_internal.read_again(everything boolean, actor oid, sources integer[], eras integer[],
    ids bigint[])
    RETURNS TABLE (id bigint, type text, source text, subject text, "time" timestamptz, data jsonb, era integer)
        LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT e.id, e.type, e.source, e.subject, e.time, e.data, e.era FROM unnest(eras, ids) u (era, id)
      JOIN ingest.event e ON e.era = u.era AND e.id = u.id WHERE ingest_internal.event_seen(e, everything, actor,
          sources) ORDER BY e.era, e.id;
    END;
COMMENT ON FUNCTION ingest_internal.read_again(boolean, oid, integer[], integer[], bigint[])
    IS 'these events, as far as a role may see them';
CREATE FUNCTION ingest_internal.read_again(eras integer[], ids bigint[])
    RETURNS TABLE (id bigint, type text, source text, subject text, "time" timestamptz, data jsonb, era integer)
    AS 'MODULE_PATHNAME', 'ingest_read_again' LANGUAGE C STRICT;
COMMENT ON FUNCTION ingest_internal.read_again(integer[], bigint[])
    IS 'these events, as far as the caller may see them';

CREATE FUNCTION ingest_internal.find_events(everything boolean, actor oid, sources integer[], since timestamptz,
    until timestamptz, types text[])
    RETURNS TABLE (id bigint, subject text, era integer) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT e.id, e.subject, e.era FROM ingest.event e WHERE e.time >= since AND e.time < until
        AND (types IS NULL OR ingest_internal.event_wanted(e.type, types))
      AND ingest_internal.event_seen(e, everything, actor, sources) ORDER BY e.era, e.id;
    END;
COMMENT ON FUNCTION ingest_internal.find_events(boolean, oid, integer[], timestamptz, timestamptz, text[])
    IS 'which events of a period a role may see';
CREATE FUNCTION ingest_internal.find_events(since timestamptz, until timestamptz, types text[])
    RETURNS TABLE (id bigint, subject text, era integer)
    AS 'MODULE_PATHNAME', 'ingest_find_events' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.find_events(timestamptz, timestamptz, text[])
    IS 'which events of a period the caller may see';

CREATE FUNCTION ingest_internal.read_after(place text, types text[], max_events integer)
    RETURNS TABLE (id bigint, type text, source text, subject text, "time" timestamptz, data jsonb, era integer,
        place text)
    AS 'MODULE_PATHNAME', 'ingest_read_after' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.read_after(text, text[], integer)
    IS 'the next events after a position that the reader keeps itself, each with its position; if there are none, '
    'one row with only a position. Null: from now on, 0: all that are kept';

CREATE FUNCTION ack(consumer text, event bigint) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_ack' LANGUAGE C STRICT;
COMMENT ON FUNCTION ack(text, bigint) IS 'acknowledges the events read, up to this one';

CREATE FUNCTION cloud_event(e event) RETURNS jsonb LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT jsonb_build_object('specversion', '1.0', 'id', format('%s-%s', e.era, e.id), 'source', e.source,
        'type', e.type, 'subject', e.subject, 'time', e.time, 'datacontenttype', 'application/json',
        'dataschema', 'urn:pg_ingest:' || e.type || ':' || coalesce(t.version, '1'), 'data', e.data)
      FROM (SELECT) x LEFT JOIN event_type t ON t.type = e.type;
    END;
COMMENT ON FUNCTION cloud_event(event) IS 'an event as a CloudEvents 1.0 JSON object';

-- Retention

CREATE FUNCTION ingest_internal.prune_events(age interval) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    batch CONSTANT bigint := 10000; -- so many events are looked at in one statement
    at_era integer := 0;
    at_id bigint := 0;
    to_era integer;
    to_id bigint;
    n bigint;
    deleted bigint := 0;
    -- events that services still need
    kept CONSTANT text := (SELECT string_agg(format(' AND NOT EXISTS (SELECT FROM %s k '
        'WHERE (k.era, k.id) = (e.era, e.id))', to_regclass(s.keeps)), '')
        FROM ingest.service s WHERE to_regclass(s.keeps) IS NOT NULL);
BEGIN
    -- in the order in which they were written, up to the first batch of which none is old: no other index is needed
    LOOP
        SELECT e.era, e.id INTO to_era, to_id
          FROM (SELECT x.era, x.id FROM ingest.event x WHERE (x.era, x.id) > (at_era, at_id)
            ORDER BY x.era, x.id LIMIT batch) e
          ORDER BY e.era DESC, e.id DESC LIMIT 1;
        EXIT WHEN NOT FOUND OR NOT EXISTS (SELECT FROM ingest.event e WHERE (e.era, e.id) > (at_era, at_id)
            AND (e.era, e.id) <= (to_era, to_id) AND e.time < now() - age);
        EXECUTE $delete$WITH consumer AS MATERIALIZED (
            SELECT s.floor_era, s.seen, ingest_internal.last_era(s.era) AS last_era, s.owner, s.types,
                ARRAY(SELECT d.id FROM ingest.data_source d WHERE ingest_internal.sees_source(s.owner, d.id)) AS sources
              FROM ingest.subscription s)
        DELETE FROM ingest.event e WHERE (e.era, e.id) > ($1, $2) AND (e.era, e.id) <= ($3, $4)
          AND e.time < now() - $5 AND NOT EXISTS (SELECT FROM consumer c WHERE (e.era > c.last_era
              OR e.era >= c.floor_era AND NOT pg_visible_in_snapshot(e.xid, c.seen))
            -- what it would not be given is not kept for it, or a role that may see nothing fills the disk
            AND (c.types IS NULL OR ingest_internal.event_wanted(e.type, c.types))
            AND (ingest_internal.acts_for(c.owner, e.owner)
              OR e.source_id = ANY (c.sources) AND ingest_internal.event_is_open(e.type)))$delete$ || coalesce(kept, '')
          USING at_era, at_id, to_era, to_id, age;
        GET DIAGNOSTICS n = ROW_COUNT;
        deleted := deleted + n;
        at_era := to_era;
        at_id := to_id;
    END LOOP;
    RETURN deleted;
END $$;
COMMENT ON FUNCTION ingest_internal.prune_events(interval)
    IS 'deletes events older than this that no consumer waits for; returns how many';
