
-- What a sink is

CREATE FUNCTION ingest_delivery_internal.home() RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_delivery_home' LANGUAGE C STABLE;
COMMENT ON FUNCTION ingest_delivery_internal.home() IS 'this cluster and this database';

CREATE FUNCTION ingest_delivery_internal.key_of(by_subject boolean, era integer, id bigint, subject text) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_delivery_key_of' LANGUAGE C IMMUTABLE;
COMMENT ON FUNCTION ingest_delivery_internal.key_of(boolean, integer, bigint, text) IS 'the key under which an event waits: s and its subject (of a long one, its beginning and a hash), or e and its id';

CREATE FUNCTION ingest_delivery_internal.check_options(actor oid, kind text, options jsonb) RETURNS jsonb
    AS 'MODULE_PATHNAME', 'ingest_delivery_check_options' LANGUAGE C;
COMMENT ON FUNCTION ingest_delivery_internal.check_options(oid, text, jsonb) IS 'the options of a sink in the form in which they are kept; raises an error if one is not valid';

CREATE FUNCTION ingest_delivery_internal.types_for(kind text, types text[]) RETURNS text[]
    AS 'MODULE_PATHNAME', 'ingest_delivery_types_for' LANGUAGE C;
COMMENT ON FUNCTION ingest_delivery_internal.types_for(text, text[]) IS 'the event types for a sink of this kind, whether given or not; raises an error if it does not carry them';

CREATE FUNCTION ingest_delivery_internal.own_sink(actor oid, name text) RETURNS ingest_delivery.sink LANGUAGE plpgsql AS $$
DECLARE
    s ingest_delivery.sink;
BEGIN
    SELECT * INTO s FROM ingest_delivery.sink x WHERE x.name = own_sink.name FOR NO KEY UPDATE;
    IF name IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'which sink is meant must not be null';
    ELSIF s.id IS NULL OR NOT ingest_internal.acts_for(actor, s.owner) THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('there is no sink "%s"', name),
            HINT = 'ingest_delivery.create_sink creates one; SELECT sink FROM ingest_delivery.sink_status lists them.';
    ELSIF NOT ingest_internal.changes_for(actor, s.owner) THEN
        RAISE EXCEPTION USING ERRCODE = 'insufficient_privilege', MESSAGE = format('must be owner of sink "%s"', name);
    END IF;
    RETURN s;
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.own_sink(oid, text) IS 'a sink that a role may change, locked';

CREATE FUNCTION ingest_delivery_internal.changed(actor oid, function text, sink integer, before jsonb) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    SELECT ingest_internal.audit_for(actor, 'ingest_delivery.' || changed.function, s.name, changed.before, to_jsonb(s) - 'version') FROM ingest_delivery.sink s WHERE s.id = changed.sink;
    UPDATE ingest_delivery.sink s SET version = s.version + 1 WHERE s.id = changed.sink;
    SELECT ingest_internal.wake_services();
    END;
COMMENT ON FUNCTION ingest_delivery_internal.changed(oid, text, integer, jsonb) IS 'records who changed a sink, and makes the worker look at it';

CREATE FUNCTION ingest_delivery_internal.check_ways(ordered text, on_exhausted text, on_expiry text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF ordered NOT IN ('subject', 'none') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('a sink cannot be ordered by "%s"', ordered), HINT = 'ordered must be subject or none.';
    ELSIF on_exhausted NOT IN ('skip', 'hold') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('on_exhausted cannot be "%s"', on_exhausted), HINT = 'on_exhausted must be skip or hold.';
    ELSIF on_expiry NOT IN ('keep', 'skip') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('on_expiry cannot be "%s"', on_expiry), HINT = 'on_expiry must be keep or skip.';
    END IF;
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.check_ways(text, text, text) IS 'checks what a sink does with subjects, with events given up and with events too old; raises an error if it cannot do so';

CREATE FUNCTION ingest_delivery_internal.create_sink(actor oid, name text, kind text, options jsonb, filter jsonb, ordered text, on_exhausted text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    number integer;
    checked jsonb;
BEGIN
    IF name IS NULL OR kind IS NULL OR ordered IS NULL OR on_exhausted IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'a sink needs a name, a kind, options, and values of ordered and on_exhausted';
    ELSIF octet_length(name) NOT BETWEEN 1 AND 400 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'the name of a sink has 1 to 400 bytes';
    END IF;
    PERFORM ingest_delivery_internal.check_ways(ordered, on_exhausted, NULL);
    checked := ingest_delivery_internal.check_options(actor, kind, options);
    INSERT INTO ingest_delivery.sink (name, kind, consumer, options, filter, ordered, on_exhausted, owner, owner_name, home)
      VALUES (create_sink.name, create_sink.kind, 'sink ' || create_sink.name, checked, create_sink.filter, create_sink.ordered, create_sink.on_exhausted, actor, pg_get_userbyid(actor), ingest_delivery_internal.home())
      ON CONFLICT ON CONSTRAINT sink_name_key DO NOTHING RETURNING id INTO number;
    IF number IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'duplicate_object', MESSAGE = format('sink "%s" already exists', name), HINT = 'ingest_delivery.alter_sink changes it, ingest_delivery.drop_sink removes it.';
    END IF;
    PERFORM ingest_delivery_internal.changed(actor, 'create_sink', number, NULL);
    RETURN 'sink ' || name;
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.create_sink(oid, text, text, jsonb, jsonb, text, text) IS 'creates a sink without its consumer';
CREATE FUNCTION ingest_delivery_internal.create_sink(name text, kind text, options jsonb, filter jsonb, ordered text, on_exhausted text) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_delivery_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_delivery_internal.create_sink(text, text, jsonb, jsonb, text, text) IS 'the same, as the caller; returns the name of the consumer that it needs';

-- the consumer is made by the caller, so that it is the caller's
CREATE FUNCTION create_sink(name text, kind text, options jsonb, types text[] DEFAULT NULL, filter jsonb DEFAULT NULL, ordered text DEFAULT 'subject', on_exhausted text DEFAULT 'skip',
    from_start boolean DEFAULT false) RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM ingest.subscribe(ingest_delivery_internal.create_sink(create_sink.name, create_sink.kind, create_sink.options, create_sink.filter, create_sink.ordered, create_sink.on_exhausted),
        ingest_delivery_internal.types_for(create_sink.kind, create_sink.types), create_sink.from_start);
    RETURN create_sink.name;
END $$;
COMMENT ON FUNCTION create_sink(text, text, jsonb, text[], jsonb, text, text, boolean) IS 'creates a sink, which sends events (from now on, or all that are kept) to an address; types may end in *';

CREATE FUNCTION ingest_delivery_internal.alter_sink(actor oid, sink text, options jsonb, filter jsonb, ordered text, on_exhausted text, on_expiry text, anew boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    s ingest_delivery.sink := ingest_delivery_internal.own_sink(actor, sink);
BEGIN
    IF options IS NOT NULL AND jsonb_typeof(options) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'the options of a sink must be a JSON object';
    END IF;
    PERFORM ingest_delivery_internal.check_ways(ordered, on_exhausted, on_expiry);
    -- who alters it is the owner, or an admin, whose rights to files are not the owner's: so it is asked of the owner
    UPDATE ingest_delivery.sink x SET options = CASE WHEN alter_sink.options IS NULL THEN x.options
            ELSE ingest_delivery_internal.check_options(s.owner, s.kind, jsonb_strip_nulls(s.options || alter_sink.options)) END,
        filter = CASE WHEN alter_sink.filter = 'null' THEN NULL ELSE coalesce(alter_sink.filter, x.filter) END,
        ordered = coalesce(alter_sink.ordered, x.ordered), on_exhausted = coalesce(alter_sink.on_exhausted, x.on_exhausted), on_expiry = coalesce(alter_sink.on_expiry, x.on_expiry),
        -- what was read before was judged by what was wanted then
        reading = x.reading + (anew OR alter_sink.filter IS NOT NULL OR coalesce(alter_sink.options ? 'max_bytes', false))::integer WHERE x.id = s.id;
    PERFORM ingest_delivery_internal.changed(actor, 'alter_sink', s.id, to_jsonb(s) - 'version');
    RETURN s.consumer;
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.alter_sink(oid, text, jsonb, jsonb, text, text, text, boolean) IS 'changes a sink but not its consumer, whose name it returns';
CREATE FUNCTION ingest_delivery_internal.alter_sink(sink text, options jsonb, filter jsonb, ordered text, on_exhausted text, on_expiry text, anew boolean) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_delivery_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_delivery_internal.alter_sink(text, jsonb, jsonb, text, text, text, boolean) IS 'the same, as the caller';
CREATE FUNCTION alter_sink(sink text, options jsonb DEFAULT NULL, filter jsonb DEFAULT NULL, ordered text DEFAULT NULL, on_exhausted text DEFAULT NULL, on_expiry text DEFAULT NULL, types text[] DEFAULT NULL)
    RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_sink text := ingest_delivery_internal.alter_sink(alter_sink.sink, alter_sink.options, alter_sink.filter, alter_sink.ordered, alter_sink.on_exhausted, alter_sink.on_expiry, alter_sink.types IS NOT NULL);
BEGIN
    IF types IS NOT NULL THEN
        PERFORM ingest_internal.set_types(of_sink, ingest_delivery_internal.types_for((SELECT s.kind FROM ingest_delivery.sink s WHERE s.name = alter_sink.sink), alter_sink.types));
    END IF;
END $$;
COMMENT ON FUNCTION alter_sink(text, jsonb, jsonb, text, text, text, text[]) IS 'changes what is given; an option that is null is as if never set, a filter that is the JSON null is none, types {*} are all';

CREATE FUNCTION ingest_delivery_internal.set_state(actor oid, sink text, state text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest_delivery.sink := ingest_delivery_internal.own_sink(actor, sink);
BEGIN
    IF s.state = set_state.state THEN
        -- whoever resumes what only waits wants it to go on
        IF s.state = 'active' AND EXISTS (SELECT FROM ingest_delivery.sink_state t WHERE t.sink = s.id AND t.breaker <> 'closed') THEN
            RAISE NOTICE 'sink "%" is already active', sink USING HINT = 'Its breaker is open: it is tried again by itself, or at once after ingest_delivery.redrive.';
        ELSE
            RAISE NOTICE 'sink "%" is % already', sink, s.state;
        END IF;
        RETURN;
    END IF;
    UPDATE ingest_delivery.sink x SET state = set_state.state, reason = NULL WHERE x.id = s.id;
    PERFORM ingest_delivery_internal.changed(actor, CASE WHEN set_state.state = 'paused' THEN 'pause_sink' ELSE 'resume_sink' END, s.id, to_jsonb(s) - 'version');
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.set_state(oid, text, text) IS 'pauses or resumes a sink';
CREATE FUNCTION ingest_delivery_internal.pause_sink(actor oid, sink text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    SELECT ingest_delivery_internal.set_state(actor, sink, 'paused');
    END;
COMMENT ON FUNCTION ingest_delivery_internal.pause_sink(oid, text) IS 'see ingest_delivery.pause_sink';
CREATE FUNCTION pause_sink(sink text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_delivery_door' LANGUAGE C;
COMMENT ON FUNCTION pause_sink(text) IS 'sends nothing more to a sink until it is resumed; its events are kept';
CREATE FUNCTION ingest_delivery_internal.resume_sink(actor oid, sink text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    SELECT ingest_delivery_internal.set_state(actor, sink, 'active');
    END;
COMMENT ON FUNCTION ingest_delivery_internal.resume_sink(oid, text) IS 'see ingest_delivery.resume_sink';
CREATE FUNCTION resume_sink(sink text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_delivery_door' LANGUAGE C;
COMMENT ON FUNCTION resume_sink(text) IS 'lets a sink go on where it stood';

CREATE FUNCTION ingest_delivery_internal.drop_sink(actor oid, sink text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    s ingest_delivery.sink := ingest_delivery_internal.own_sink(actor, sink);
BEGIN
    PERFORM ingest_delivery_internal.changed(actor, 'drop_sink', s.id, to_jsonb(s) - 'version');
    PERFORM ingest_delivery_internal.alerts_dropped(s.id, s.owner);
    DELETE FROM ingest_delivery.sink x WHERE x.id = s.id;
    RETURN s.consumer;
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.drop_sink(oid, text) IS 'removes a sink; returns the name of its consumer';
CREATE FUNCTION ingest_delivery_internal.drop_sink(sink text) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_delivery_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_delivery_internal.drop_sink(text) IS 'the same, as the caller';
CREATE FUNCTION drop_sink(sink text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    of_sink text := ingest_delivery_internal.drop_sink(drop_sink.sink);
BEGIN
    IF EXISTS (SELECT FROM ingest.subscription s WHERE s.consumer = of_sink) THEN
        PERFORM ingest.unsubscribe(of_sink);
    END IF;
END $$;
COMMENT ON FUNCTION drop_sink(text) IS 'removes a sink, with what waits for it';

CREATE FUNCTION ingest_delivery_internal.rotate_secret(actor oid, sink text, secret text, overlap interval) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest_delivery.sink := ingest_delivery_internal.own_sink(actor, sink);
BEGIN
    IF secret IS NULL OR overlap IS NULL OR overlap < '0' OR overlap > '30 days' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'a rotation needs a reference to the new secret and an overlap from 0 to 30 days';
    END IF;
    UPDATE ingest_delivery.sink x SET old_secret = CASE WHEN overlap > '0' THEN x.options->>'secret' END, old_until = now() + overlap,
        options = ingest_delivery_internal.check_options(s.owner, s.kind, s.options || jsonb_build_object('secret', secret)) WHERE x.id = s.id;
    PERFORM ingest_delivery_internal.changed(actor, 'rotate_secret', s.id, to_jsonb(s) - 'version');
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.rotate_secret(oid, text, text, interval) IS 'see ingest_delivery.rotate_secret';
CREATE FUNCTION rotate_secret(sink text, secret text, overlap interval DEFAULT '24 hours') RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_delivery_door' LANGUAGE C;
COMMENT ON FUNCTION rotate_secret(text, text, interval) IS 'signs with a new secret and, until the overlap is over, with the previous one as well';

CREATE FUNCTION test_sink(sink text) RETURNS TABLE (ok boolean, status integer, answer text, error text, ms float8, note text)
    AS 'MODULE_PATHNAME', 'ingest_delivery_test_sink' LANGUAGE C STRICT;
COMMENT ON FUNCTION test_sink(text) IS 'sends one event of type ingest.sink.test now and reports what came back';

-- What is sent once more

CREATE FUNCTION ingest_delivery_internal.put_back(sink ingest_delivery.sink, eras integer[], ids bigint[], keys text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    INSERT INTO ingest_delivery.blocked AS b (sink, key, due) SELECT DISTINCT put_back.sink.id, k, now() FROM unnest(keys) k
      ON CONFLICT ON CONSTRAINT blocked_pkey DO UPDATE SET due = now();
    INSERT INTO ingest_delivery.parked (sink, key, era, id) SELECT put_back.sink.id, u.key, u.era, u.id FROM unnest(eras, ids, keys) u (era, id, key) ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.put_back(ingest_delivery.sink, integer[], bigint[], text[]) IS 'makes events wait to be sent, as if they had been refused until now';

CREATE FUNCTION ingest_delivery_internal.replay(actor oid, sink text, which text, eras integer[], ids bigint[], subjects text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    s ingest_delivery.sink := ingest_delivery_internal.own_sink(actor, sink);
    found record;
    n bigint;
BEGIN
    WITH e AS (SELECT u.era, u.id, ingest_delivery_internal.key_of(s.ordered = 'subject', u.era, u.id, u.subject) AS key FROM unnest(eras, ids, subjects) u (era, id, subject)),
        d AS (DELETE FROM ingest_delivery.dead x USING e WHERE x.sink = s.id AND (x.era, x.id) = (e.era, e.id) RETURNING x.era, x.id, x.key),
        -- those that wait are sent by themselves, now
        w AS (SELECT p.era, p.id, p.key FROM ingest_delivery.parked p JOIN e ON (p.era, p.id) = (e.era, e.id) WHERE p.sink = s.id),
        wanted AS (SELECT * FROM d UNION SELECT * FROM w WHERE which <> 'dead'
          UNION SELECT * FROM e WHERE which = 'all' AND NOT EXISTS (SELECT FROM d WHERE (d.era, d.id) = (e.era, e.id)) AND NOT EXISTS (SELECT FROM w WHERE (w.era, w.id) = (e.era, e.id)))
    SELECT coalesce(array_agg(x.era), '{}') AS eras, coalesce(array_agg(x.id), '{}') AS ids, coalesce(array_agg(x.key), '{}') AS keys, count(*) AS n INTO found FROM wanted x;
    PERFORM ingest_delivery_internal.put_back(s, found.eras, found.ids, found.keys);
    n := found.n;
    PERFORM ingest_delivery_internal.changed(actor, 'replay', s.id, to_jsonb(n));
    RETURN n;
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.replay(oid, text, text, integer[], bigint[], text[]) IS 'sends these events again: all of them, the dead ones, or those that failed';
CREATE FUNCTION ingest_delivery_internal.replay(sink text, which text, eras integer[], ids bigint[], subjects text[]) RETURNS bigint
    AS 'MODULE_PATHNAME', 'ingest_delivery_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_delivery_internal.replay(text, text, integer[], bigint[], text[]) IS 'the same, as the caller';

-- the events are found by the caller: what may not be seen cannot be sent
CREATE FUNCTION replay(sink text, since timestamptz, until timestamptz DEFAULT 'infinity', which text DEFAULT 'all') RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    types text[] := (SELECT s.types FROM ingest.subscription s WHERE s.consumer = 'sink ' || replay.sink);
    found record;
BEGIN
    IF since IS NULL OR until IS NULL OR which IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'from when, until when and which of them must not be null';
    ELSIF which NOT IN ('all', 'dead', 'failed') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('events to be sent once more cannot be "%s" alone', which), HINT = 'which is all, dead (what was given up) or failed (that, and what waits).';
    END IF;
    SELECT coalesce(array_agg(e.era ORDER BY e.era, e.id), '{}') AS eras, coalesce(array_agg(e.id ORDER BY e.era, e.id), '{}') AS ids,
        coalesce(array_agg(e.subject ORDER BY e.era, e.id), '{}') AS subjects INTO found FROM ingest_internal.find_events(replay.since, replay.until, types) e;
    RETURN ingest_delivery_internal.replay(replay.sink, replay.which, found.eras, found.ids, found.subjects);
END $$;
COMMENT ON FUNCTION replay(text, timestamptz, timestamptz, text) IS 'sends again, with the same ids, events written since one time and before another, or only those that are dead or failed; returns how many';

CREATE FUNCTION ingest_delivery_internal.redrive(actor oid, sink text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    s ingest_delivery.sink := ingest_delivery_internal.own_sink(actor, sink);
    found record;
    n bigint;
BEGIN
    WITH d AS (DELETE FROM ingest_delivery.dead x WHERE x.sink = s.id RETURNING x.era, x.id, x.key)
    SELECT coalesce(array_agg(d.era), '{}') AS eras, coalesce(array_agg(d.id), '{}') AS ids, coalesce(array_agg(d.key), '{}') AS keys INTO found FROM d;
    n := ingest_delivery_internal.put_back(s, found.eras, found.ids, found.keys);
    UPDATE ingest_delivery.blocked b SET due = now(), tries = 0 WHERE b.sink = s.id;
    PERFORM ingest_delivery_internal.changed(actor, 'redrive', s.id, to_jsonb(n));
    RETURN n;
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.redrive(oid, text) IS 'see ingest_delivery.redrive';
CREATE FUNCTION redrive(sink text) RETURNS bigint
    AS 'MODULE_PATHNAME', 'ingest_delivery_door' LANGUAGE C;
COMMENT ON FUNCTION redrive(text) IS 'tries once more, now, what was given up and what waits; returns how many events had been given up';

CREATE FUNCTION ingest_delivery_internal.skip(actor oid, sink text, subject text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    s ingest_delivery.sink := ingest_delivery_internal.own_sink(actor, sink);
    b ingest_delivery.blocked;
    p ingest_delivery.parked;
    waits text;
BEGIN
    SELECT * INTO b FROM ingest_delivery.blocked x WHERE x.sink = s.id AND x.key IN (ingest_delivery_internal.key_of(subject IS NOT NULL, 0, 0, subject), 'e' || subject) FOR UPDATE;
    -- held: what it waited for was given up already
    IF b.due = 'infinity' THEN
        UPDATE ingest_delivery.blocked x SET due = now(), tries = 0 WHERE x.sink = s.id AND x.key = b.key;
        PERFORM ingest_delivery_internal.changed(actor, 'skip', s.id, to_jsonb(subject));
        RETURN true;
    END IF;
    SELECT * INTO p FROM ingest_delivery.parked x WHERE x.sink = s.id AND x.key = b.key ORDER BY x.era, x.id LIMIT 1;
    IF p.sink IS NULL THEN
        waits := (SELECT string_agg(substr(w.key, 2), ', ' ORDER BY w.due) FROM (SELECT x.key, x.due FROM ingest_delivery.blocked x WHERE x.sink = s.id ORDER BY x.due LIMIT 5) w);
        IF waits IS NULL THEN
            RAISE NOTICE 'nothing of "%" waits', subject;
        ELSE
            RAISE NOTICE 'nothing of "%" waits', subject USING HINT = format('What waits: %s.', waits);
        END IF;
        RETURN false;
    END IF;
    DELETE FROM ingest_delivery.parked x WHERE (x.sink, x.key, x.era, x.id) = (p.sink, p.key, p.era, p.id);
    INSERT INTO ingest_delivery.dead (sink, era, id, key, error) VALUES (p.sink, p.era, p.id, p.key, 'skipped') ON CONFLICT DO NOTHING;
    UPDATE ingest_delivery.blocked x SET due = now(), tries = 0 WHERE x.sink = s.id AND x.key = b.key;
    PERFORM ingest_delivery_internal.changed(actor, 'skip', s.id, to_jsonb(subject));
    RETURN true;
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.skip(oid, text, text) IS 'see ingest_delivery.skip';
CREATE FUNCTION skip(sink text, subject text) RETURNS boolean
    AS 'MODULE_PATHNAME', 'ingest_delivery_door' LANGUAGE C;
COMMENT ON FUNCTION skip(text, text) IS 'gives up the first waiting event of a subject, or the single event of that id; the subject''s others go on';

CREATE FUNCTION ingest_delivery_internal.prune(age interval) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM ingest_delivery.attempt a WHERE a.at < now() - age;
    -- not what somebody is still to decide about
    DELETE FROM ingest_delivery.dead d WHERE d.at < now() - age
      AND NOT EXISTS (SELECT FROM ingest_delivery.blocked b WHERE b.sink = d.sink AND b.key = d.key AND b.due = 'infinity');
    -- of alerts that are closed by now, or it is told again
    DELETE FROM ingest_delivery.reminder r WHERE r.at < now() - greatest(age, '30 days');
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.prune(interval) IS 'deletes older attempts and dead events; the worker calls it hourly';

-- What the worker asks and says; it has become ingest_delivery_engine then

CREATE FUNCTION ingest_delivery_internal.follow(here text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest_delivery.sink s SET owner = coalesce((SELECT r.oid FROM pg_roles r WHERE r.rolname = s.owner_name), 0), home = here WHERE s.home IS DISTINCT FROM here;
    -- a row that somebody holds is for the next time
    UPDATE ingest_delivery.sink s SET owner_name = r.rolname FROM pg_roles r WHERE r.oid = s.owner
      AND s.id IN (SELECT x.id FROM ingest_delivery.sink x JOIN pg_roles n ON n.oid = x.owner WHERE n.rolname <> x.owner_name FOR NO KEY UPDATE OF x SKIP LOCKED);
    END;
COMMENT ON FUNCTION ingest_delivery_internal.follow(text) IS 'finds owners by their names if the sinks were restored, and otherwise updates the names kept of them';

-- One role's sinks go over to another: a sink sends to an address of the old owner's what the new one may see.
CREATE FUNCTION ingest_delivery_internal.hand_over(actor oid, "from" oid, "to" oid, called name, trust boolean) RETURNS TABLE (what text, name text, remains text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    s ingest_delivery.sink;
    held CONSTANT text := format('handed over to %s', "to"::regrole);
    refused text;
BEGIN
    PERFORM ingest_delivery_internal.follow(ingest_delivery_internal.home());
    FOR s IN SELECT * FROM ingest_delivery.sink x WHERE ingest_internal.is_had_by(x.owner, x.owner_name, "from", called) ORDER BY x.name FOR NO KEY UPDATE
    LOOP
        refused := NULL;
        BEGIN
            PERFORM ingest_delivery_internal.check_options("to", s.kind, s.options);
        EXCEPTION WHEN insufficient_privilege OR invalid_parameter_value THEN
            refused := SQLERRM;
        END;
        UPDATE ingest_delivery.sink x SET owner = "to", owner_name = pg_get_userbyid("to"), reading = x.reading + 1,
            state = CASE WHEN trust AND refused IS NULL THEN x.state ELSE 'paused' END,
            reason = CASE WHEN trust AND refused IS NULL OR x.state = 'paused' THEN x.reason ELSE coalesce(refused, held) END WHERE x.id = s.id;
        PERFORM ingest_delivery_internal.changed(actor, 'reassign', s.id, to_jsonb(s) - 'version');
        what := 'sink';
        name := s.name;
        remains := nullif(concat_ws('; ', refused,
            CASE WHEN (NOT trust OR refused IS NOT NULL) AND s.state = 'active' THEN format('it is paused, since it would send to its address what %s may see. If that is intended: SELECT ingest_delivery.resume_sink(%L)', "to"::regrole, s.name) END,
            CASE WHEN s.options::text LIKE '%"mapping:%' THEN format('its secrets are looked up in user mappings of %s', "to"::regrole) END), '');
        RETURN NEXT;
    END LOOP;
END $$;
COMMENT ON FUNCTION ingest_delivery_internal.hand_over(oid, oid, oid, name, boolean) IS 'hands over the sinks of a role to another; they wait unless they are trusted; see ingest.reassign';

CREATE FUNCTION ingest_delivery_internal.sinks() RETURNS TABLE (id integer, name text, consumer text, kind text, options jsonb, old_secret text, filter text, by_subject boolean, hold boolean,
    owner oid, active boolean, version bigint, reading integer, expires boolean) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT s.id, s.name, s.consumer, s.kind, s.options, CASE WHEN s.old_until > now() THEN s.old_secret END, s.filter::text, s.ordered = 'subject', s.on_exhausted = 'hold',
        s.owner, s.state = 'active', s.version * 2 + coalesce((s.old_until > now())::integer, 0),
        s.reading, s.on_expiry = 'skip'
      FROM ingest_delivery.sink s ORDER BY s.id;
    END;
COMMENT ON FUNCTION ingest_delivery_internal.sinks() IS 'sinks, in the form that the worker needs';

CREATE FUNCTION ingest_delivery_internal.due(sink integer, keys integer, events integer) RETURNS TABLE (key text, tries integer, era integer, id bigint) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT b.key, b.tries, p.era, p.id FROM (SELECT x.key, x.tries, x.due FROM ingest_delivery.blocked x WHERE x.sink = due.sink AND x.due <= now() ORDER BY x.due LIMIT keys) b
        LEFT JOIN LATERAL (SELECT y.era, y.id FROM ingest_delivery.parked y WHERE y.sink = due.sink AND y.key = b.key ORDER BY y.era, y.id LIMIT events) p ON true
      ORDER BY b.due, b.key, p.era, p.id;
    END;
COMMENT ON FUNCTION ingest_delivery_internal.due(integer, integer, integer) IS 'the first events of each subject whose time has come; null: nothing of that subject waits';

CREATE FUNCTION ingest_delivery_internal.waiting(sink integer) RETURNS TABLE (key text, refused boolean) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT b.key, b.tries > 0 FROM ingest_delivery.blocked b WHERE b.sink = waiting.sink;
    END;
COMMENT ON FUNCTION ingest_delivery_internal.waiting(integer) IS 'subjects that wait, and whether an event of theirs was refused';

CREATE FUNCTION ingest_delivery_internal.next_due(sink integer) RETURNS timestamptz LANGUAGE sql STABLE
    RETURN (SELECT min(b.due) FROM ingest_delivery.blocked b WHERE b.sink = next_due.sink);
COMMENT ON FUNCTION ingest_delivery_internal.next_due(integer) IS 'when the next of them is due';

CREATE FUNCTION ingest_delivery_internal.block(sink integer, key text, era integer, id bigint, due_in interval, error text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO ingest_delivery.blocked AS b (sink, key, tries, due, error) VALUES (block.sink, block.key, 1, clock_timestamp() + due_in, block.error)
      ON CONFLICT ON CONSTRAINT blocked_pkey DO UPDATE SET tries = b.tries + 1, due = excluded.due, error = excluded.error;
    INSERT INTO ingest_delivery.parked (sink, key, era, id) VALUES (block.sink, block.key, block.era, block.id) ON CONFLICT DO NOTHING;
    END;
COMMENT ON FUNCTION ingest_delivery_internal.block(integer, text, integer, bigint, interval, text) IS 'records that an event was refused: its subject waits';

CREATE FUNCTION ingest_delivery_internal.park(sink integer, keys text[], eras integer[], ids bigint[]) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    -- whoever was skipped meanwhile is there no more: it is due at once
    INSERT INTO ingest_delivery.blocked (sink, key, due) SELECT DISTINCT park.sink, k, now() FROM unnest(keys) k ON CONFLICT DO NOTHING;
    INSERT INTO ingest_delivery.parked (sink, key, era, id) SELECT park.sink, u.key, u.era, u.id FROM unnest(keys, eras, ids) u (key, era, id) ON CONFLICT DO NOTHING;
    END;
COMMENT ON FUNCTION ingest_delivery_internal.park(integer, text[], integer[], bigint[]) IS 'makes these events wait behind others of their subject';

CREATE FUNCTION ingest_delivery_internal.bury(sink integer, key text, era integer, id bigint, status integer, error text, answer text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    DELETE FROM ingest_delivery.parked p WHERE (p.sink, p.key, p.era, p.id) = (bury.sink, bury.key, bury.era, bury.id);
    -- tries are those of the first event
    UPDATE ingest_delivery.blocked b SET tries = 0, due = now() WHERE (b.sink, b.key) = (bury.sink, bury.key) AND b.due < 'infinity';
    INSERT INTO ingest_delivery.dead (sink, era, id, key, status, error, answer) VALUES (bury.sink, bury.era, bury.id, bury.key, bury.status, bury.error, bury.answer) ON CONFLICT DO NOTHING;
    END;
COMMENT ON FUNCTION ingest_delivery_internal.bury(integer, text, integer, bigint, integer, text, text) IS 'records that an event was given up';

CREATE FUNCTION ingest_delivery_internal.arrived(sink integer, keys text[], eras integer[], ids bigint[]) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    DELETE FROM ingest_delivery.parked p USING unnest(keys, eras, ids) u (key, era, id) WHERE p.sink = arrived.sink AND (p.key, p.era, p.id) = (u.key, u.era, u.id);
    UPDATE ingest_delivery.blocked b SET tries = 0, due = now() WHERE b.sink = arrived.sink AND b.key = ANY (keys) AND b.due < 'infinity';
    END;
COMMENT ON FUNCTION ingest_delivery_internal.arrived(integer, text[], integer[], bigint[]) IS 'records that events that had waited have arrived';

CREATE FUNCTION ingest_delivery_internal.unblock(sink integer, keys text[]) RETURNS SETOF text LANGUAGE sql
    BEGIN ATOMIC
    DELETE FROM ingest_delivery.blocked b WHERE b.sink = unblock.sink AND b.key = ANY (keys) AND b.due < 'infinity'
        AND NOT EXISTS (SELECT FROM ingest_delivery.parked p WHERE p.sink = b.sink AND p.key = b.key) RETURNING b.key;
    END;
COMMENT ON FUNCTION ingest_delivery_internal.unblock(integer, text[]) IS 'lets subjects go on of which nothing waits any more; returns which';

CREATE FUNCTION ingest_delivery_internal.note(sink integer, breaker text, open_until timestamptz, failures integer, sent bigint, rate float8, last_sent_at timestamptz, error text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO ingest_delivery.sink_state AS t (sink, breaker, open_until, failures, sent, rate, last_sent_at, last_error, last_error_at, unwell_since)
      SELECT s.id, note.breaker, note.open_until, note.failures, note.sent, note.rate, note.last_sent_at, note.error, CASE WHEN note.error IS NOT NULL THEN now() END, CASE WHEN note.breaker <> 'closed' AND note.failures > 0 THEN now() END
      -- not of one that is gone, or is being dropped just now
      FROM (SELECT x.id FROM ingest_delivery.sink x WHERE x.id = note.sink FOR KEY SHARE SKIP LOCKED) s
      ON CONFLICT ON CONSTRAINT sink_state_pkey DO UPDATE SET breaker = excluded.breaker, open_until = excluded.open_until, failures = excluded.failures, sent = t.sent + excluded.sent, rate = excluded.rate,
        last_sent_at = coalesce(excluded.last_sent_at, t.last_sent_at), last_error = coalesce(excluded.last_error, t.last_error), last_error_at = coalesce(excluded.last_error_at, t.last_error_at),
        unwell_since = CASE WHEN excluded.breaker <> 'closed' AND excluded.failures > 0 THEN coalesce(t.unwell_since, now()) END, written_at = now();
    END;
COMMENT ON FUNCTION ingest_delivery_internal.note(integer, text, timestamptz, integer, bigint, float8, timestamptz, text) IS 'records how a sink is doing';

CREATE FUNCTION ingest_delivery_internal.attempted(sink integer, at timestamptz, event text, events integer, ok boolean, status integer, error text, answer text, ms float8) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO ingest_delivery.attempt VALUES (attempted.sink, attempted.at, attempted.event, attempted.events, attempted.ok, attempted.status, attempted.error, attempted.answer, attempted.ms);
    END;
COMMENT ON FUNCTION ingest_delivery_internal.attempted(integer, timestamptz, text, integer, boolean, integer, text, text, float8) IS 'writes down an attempt';

CREATE FUNCTION ingest_delivery_internal.hold(sink integer, key text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO ingest_delivery.blocked (sink, key, due) VALUES (hold.sink, hold.key, 'infinity') ON CONFLICT ON CONSTRAINT blocked_pkey DO UPDATE SET due = 'infinity';
    END;
COMMENT ON FUNCTION ingest_delivery_internal.hold(integer, text) IS 'makes a subject wait until somebody acts';

CREATE FUNCTION ingest_delivery_internal.expired(sink integer, events bigint) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO ingest_delivery.sink_state AS t (sink, expired) SELECT s.id, expired.events FROM (SELECT x.id FROM ingest_delivery.sink x WHERE x.id = expired.sink FOR KEY SHARE SKIP LOCKED) s
      ON CONFLICT ON CONSTRAINT sink_state_pkey DO UPDATE SET expired = t.expired + excluded.expired;
    END;
COMMENT ON FUNCTION ingest_delivery_internal.expired(integer, bigint) IS 'counts events that were too old to be sent';

CREATE FUNCTION ingest_delivery_internal.stop(sink integer, reason text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest_delivery.sink s SET state = 'paused', reason = stop.reason, version = s.version + 1 WHERE s.id = stop.sink AND s.state = 'active';
    END;
COMMENT ON FUNCTION ingest_delivery_internal.stop(integer, text) IS 'pauses a sink that does not want any more events';
