-- What is done and read by addresses that a function answers: as whoever asks, who may call it by SQL as well.
-- What is meant by a part of the path has its name, or its number.

CREATE FUNCTION ingest_api.lineage(object text, direction text DEFAULT 'both', depth integer DEFAULT 10)
    RETURNS TABLE (distance integer, from_object text, to_object text, kind text) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM ingest.lineage(object, direction, depth);
END;
-- to PostGraphile a row of it would be called as one of lineage_edges is
COMMENT ON FUNCTION ingest_api.lineage(text, text,
    integer)
    IS E'@name trace\nwhat a relation or column comes from, and what comes from it; see ingest.lineage';

CREATE FUNCTION ingest_api_internal.source_called(source text) RETURNS text LANGUAGE sql STABLE
    RETURN coalesce((SELECT d.name FROM ingest.data_source d WHERE d.name = source_called.source),
        (SELECT d.name FROM ingest.data_source d WHERE d.id::text = source_called.source), source);
COMMENT ON FUNCTION ingest_api_internal.source_called(text) IS 'the name of a source, given its name or number';

CREATE FUNCTION ingest_api_internal.sync_called(sync text) RETURNS text LANGUAGE sql STABLE
    RETURN coalesce((SELECT s.name FROM ingest.sync s WHERE s.name = sync_called.sync),
        (SELECT s.name FROM ingest.sync s WHERE s.id::text = sync_called.sync), sync);
COMMENT ON FUNCTION ingest_api_internal.sync_called(text) IS 'the name of a sync, given its name or number';

CREATE FUNCTION ingest_api_internal.job_called(job text) RETURNS text LANGUAGE sql STABLE
    RETURN coalesce((SELECT j.name FROM ingest.job j WHERE j.name = job_called.job),
        (SELECT j.name FROM ingest.job j WHERE j.id::text = job_called.job), job);
COMMENT ON FUNCTION ingest_api_internal.job_called(text) IS 'the name of a job, given its name or number';

-- What takes its time is put into the queue

CREATE TYPE ingest_api.queued AS (job_id bigint, job text, queue_id bigint, queue text, runs text, location text);
COMMENT ON TYPE ingest_api.queued IS 'a job in the queue, and where to follow it';
COMMENT ON COLUMN ingest_api.queued.job_id IS 'number of the job';
COMMENT ON COLUMN ingest_api.queued.job IS 'its name';
COMMENT ON COLUMN ingest_api.queued.queue_id
    IS 'number of its entry in the queue, which is removed when it has been done';
COMMENT ON COLUMN ingest_api.queued.queue IS 'address of that entry';
COMMENT ON COLUMN ingest_api.queued.runs IS 'address of its runs from now on: none while it waits';
COMMENT ON COLUMN ingest_api.queued.location IS 'where to look';

CREATE FUNCTION ingest_api_internal.put_into_queue(job text, run_at timestamptz DEFAULT NULL,
    priority integer DEFAULT NULL) RETURNS ingest_api.queued LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    q ingest_api.queued;
BEGIN
    -- one that is in it already, and just ends, is put into it again
    FOR i IN 1 .. 3 LOOP
        q.queue_id := ingest.enqueue(put_into_queue.job, put_into_queue.run_at, put_into_queue.priority);
        SELECT j.id, j.name, coalesce(q.queue_id, (SELECT min(x.id) FROM ingest.queue x WHERE x.job = j.id))
            INTO q.job_id, q.job, q.queue_id FROM ingest.job j WHERE j.name = put_into_queue.job;
        EXIT WHEN q.queue_id IS NOT NULL;
    END LOOP;
    q.queue := format('/v1/queue/%s', q.queue_id);
    q.runs := format('/v1/runs?job_id=eq.%s&id=gt.%s&order=id', q.job_id,
        coalesce((SELECT max(r.id) FROM ingest.run r WHERE r.job = q.job_id AND r.state <> 'running'), 0));
    q.location := q.runs;
    RETURN q;
END $$;
COMMENT ON FUNCTION ingest_api_internal.put_into_queue(text, timestamptz, integer)
    IS 'puts a job into the queue unless it is already there, and says where to follow it';

CREATE FUNCTION ingest_api_internal.job_for(kind text, argument text) RETURNS text LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known text := (SELECT j.name FROM ingest.job j WHERE j.kind = job_for.kind AND j.argument = job_for.argument
        ORDER BY ingest_internal.acts_for(j.owner) DESC, j.id LIMIT 1);
    n integer := 1;
BEGIN
    IF known IS NOT NULL THEN
        RETURN known;
    END IF;
    -- a job of that name that does something else is not replaced
    LOOP
        known := format('%s %s%s', kind, argument, CASE WHEN n > 1 THEN ' ' || n END);
        EXIT WHEN NOT EXISTS (SELECT FROM ingest.job j WHERE j.name = known);
        n := n + 1;
    END LOOP;
    RETURN ingest.create_job(known, kind, argument);
END $$;
COMMENT ON FUNCTION ingest_api_internal.job_for(text, text) IS 'the job for a task, which is created if there is none';

-- Sources

CREATE FUNCTION ingest_api.crawl_source(source text) RETURNS ingest_api.queued LANGUAGE sql
BEGIN ATOMIC
    SELECT * FROM ingest_api_internal.put_into_queue(ingest_api_internal.job_for('crawl',
        ingest_api_internal.source_called(source)));
END;
COMMENT ON FUNCTION ingest_api.crawl_source(text) IS 'crawls a source: puts its job into the queue';

CREATE FUNCTION ingest_api.check_source(source text) RETURNS ingest_api.queued LANGUAGE sql
BEGIN ATOMIC
    SELECT * FROM ingest_api_internal.put_into_queue(ingest_api_internal.job_for('check',
        ingest_api_internal.source_called(source)));
END;
COMMENT ON FUNCTION ingest_api.check_source(text)
    IS 'checks connection, login and permissions of a source: puts its job into the queue';

CREATE FUNCTION ingest_api.pause_source(source text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.pause(source => ingest_api_internal.source_called(source));
END;
COMMENT ON FUNCTION ingest_api.pause_source(text) IS 'begins no job on a source until resume; see ingest.pause';

CREATE FUNCTION ingest_api.resume_source(source text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.resume(source => ingest_api_internal.source_called(source));
END;
COMMENT ON FUNCTION ingest_api.resume_source(text)
    IS 'begins jobs on a source again, and closes its circuit breaker; see ingest.resume';

-- Syncs

CREATE FUNCTION ingest_api.run_sync(sync text) RETURNS ingest_api.queued LANGUAGE sql
BEGIN ATOMIC
    SELECT * FROM ingest_api_internal.put_into_queue(ingest_api_internal.job_for('sync',
        ingest_api_internal.sync_called(sync)));
END;
COMMENT ON FUNCTION ingest_api.run_sync(text) IS 'brings a copy up to date: puts its job into the queue';

CREATE FUNCTION ingest_api.pause_sync(sync text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.pause(sync => ingest_api_internal.sync_called(sync));
END;
COMMENT ON FUNCTION ingest_api.pause_sync(text) IS 'begins no run of a sync until resume; see ingest.pause';

CREATE FUNCTION ingest_api.resume_sync(sync text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.resume(sync => ingest_api_internal.sync_called(sync));
END;
COMMENT ON FUNCTION ingest_api.resume_sync(text)
    IS 'lets a sync run again, whether it was paused or stopped; see ingest.resume';

CREATE FUNCTION ingest_api.reload_sync(sync text, keys_only boolean DEFAULT false) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.reload(ingest_api_internal.sync_called(sync), keys_only);
END;
COMMENT ON FUNCTION ingest_api.reload_sync(text, boolean)
    IS 'makes the next run of a sync read the whole table again, or compare keys alone; see ingest.reload';

-- Runs and jobs

CREATE FUNCTION ingest_api.cancel_run(run bigint, OUT run_id bigint, OUT location text) LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT ingest.cancel(run) THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('run %s is no longer running', run),
            HINT = format('GET /v1/runs/%s shows how it ended.', run);
    END IF;
    run_id := run;
    location := format('/v1/runs/%s', run);
END $$;
COMMENT ON FUNCTION ingest_api.cancel_run(bigint)
    IS 'tells a run to stop; what it committed stays, and it is not tried again; see ingest.cancel';

CREATE FUNCTION ingest_api.run_job(job text, run_at timestamptz DEFAULT NULL, priority integer DEFAULT NULL)
    RETURNS ingest_api.queued LANGUAGE sql
BEGIN ATOMIC
    SELECT * FROM ingest_api_internal.put_into_queue(ingest_api_internal.job_called(job), run_at, priority);
END;
COMMENT ON FUNCTION ingest_api.run_job(text, timestamptz, integer) IS 'puts a job into the queue; see ingest.enqueue';

CREATE FUNCTION ingest_api.retry_dead_letter(dead_letter bigint) RETURNS ingest_api.queued LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM ingest.retry(dead_letter);
    RETURN ingest_api_internal.put_into_queue((SELECT j.name FROM ingest.dead_letter d JOIN ingest.job j ON j.id = d.job
        WHERE d.id = retry_dead_letter.dead_letter));
END $$;
COMMENT ON FUNCTION ingest_api.retry_dead_letter(bigint)
    IS 'puts a job that was given up back into the queue; see ingest.retry';

-- Alerts and anomalies

CREATE FUNCTION ingest_api.acknowledge_alert(alert bigint) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.acknowledge(alert);
END;
COMMENT ON FUNCTION ingest_api.acknowledge_alert(bigint)
    IS 'marks an alert as being taken care of; see ingest.acknowledge';

CREATE FUNCTION ingest_api.silence_alert(alert bigint, until timestamptz, reason text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    pattern text := (SELECT a.kind || '/' || a.subject FROM ingest.alert_status a WHERE a.alert = silence_alert.alert);
BEGIN
    IF pattern IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('there is no alert "%s"', alert);
    ELSIF until IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'the end of a silence must not be null',
            HINT = 'DELETE /v1/silences/{pattern} ends a silence.';
    END IF;
    PERFORM ingest.silence(pattern, until, reason);
END $$;
COMMENT ON FUNCTION ingest_api.silence_alert(bigint, timestamptz, text)
    IS 'silences the caller''s alerts of this kind and subject until the given time; see ingest.silence';

CREATE FUNCTION ingest_api.silence(pattern text, until timestamptz, reason text DEFAULT NULL) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.silence(pattern, coalesce(until, '-infinity'), reason);
END;
COMMENT ON FUNCTION ingest_api.silence(text, timestamptz, text)
    IS 'silences the caller''s alerts that match kind/subject, where * stands for anything, until the given time; '
    'see ingest.silence';

CREATE FUNCTION ingest_api.end_silence(pattern text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.silence(pattern, NULL);
END;
COMMENT ON FUNCTION ingest_api.end_silence(text) IS 'ends a silence';

CREATE FUNCTION ingest_api.resolve_anomaly(anomaly bigint) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.resolve_anomaly(anomaly);
END;
COMMENT ON FUNCTION ingest_api.resolve_anomaly(bigint) IS 'marks an anomaly as dealt with; see ingest.resolve_anomaly';

-- Consumers of events

CREATE FUNCTION ingest_api.subscribe(consumer text, types text[] DEFAULT NULL, from_start boolean DEFAULT false,
    OUT name text, OUT location text) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM ingest.subscribe(consumer, types, from_start);
    name := consumer;
    location := '/v1/consumers?name=eq.' || ingest_api_internal.in_address(consumer);
END $$;
COMMENT ON FUNCTION ingest_api.subscribe(text, text[], boolean)
    IS 'creates a consumer of events from now on, or of all that are kept; see ingest.subscribe';

CREATE FUNCTION ingest_api.read_events(consumer text, max_events integer DEFAULT 100)
    RETURNS TABLE (id bigint, type text, source text, subject text, "time" timestamptz, data jsonb, era integer)
    LANGUAGE sql
BEGIN ATOMIC
    SELECT * FROM ingest.read_events(consumer, coalesce(max_events, 100));
END;
COMMENT ON FUNCTION ingest_api.read_events(text, integer)
    IS 'the next events that a consumer has not acknowledged; see ingest.read_events';

CREATE FUNCTION ingest_api.acknowledge_events(consumer text, event bigint) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.ack(consumer, event);
END;
COMMENT ON FUNCTION ingest_api.acknowledge_events(text, bigint)
    IS 'acknowledges the events that a consumer has read, up to this one; see ingest.ack';

CREATE FUNCTION ingest_api.unsubscribe(consumer text) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.unsubscribe(consumer);
END;
COMMENT ON FUNCTION ingest_api.unsubscribe(text) IS 'removes a consumer; see ingest.unsubscribe';

-- Rules.  A token's scope is narrower than its role; a condition in SQL would be as wide as that.

CREATE FUNCTION ingest_api.add_rule(relation regclass, kind text, columns name[] DEFAULT '{}',
    arguments jsonb DEFAULT '{}', severity text DEFAULT 'error', tolerance float8 DEFAULT 0, OUT id integer,
    OUT location text)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF kind = 'sql' THEN
        RAISE EXCEPTION USING ERRCODE = 'feature_not_supported', MESSAGE = 'conditions in SQL are not accepted by HTTP',
            HINT = 'In the database: SELECT ingest.add_rule(...).';
    END IF;
    id := ingest.add_rule(relation, kind, columns, arguments, severity, tolerance);
    IF id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'no argument of a rule may be null';
    END IF;
    location := format('/v1/rules/%s', id);
END $$;
COMMENT ON FUNCTION ingest_api.add_rule(regclass, text, name[], jsonb, text, float8)
    IS 'adds a rule, which must hold in a table; see ingest.add_rule';

CREATE FUNCTION ingest_api.drop_rule(rule integer) RETURNS void LANGUAGE sql
BEGIN ATOMIC
    SELECT ingest.drop_rule(rule);
END;
COMMENT ON FUNCTION ingest_api.drop_rule(integer) IS 'removes a rule and its results; see ingest.drop_rule';

CREATE FUNCTION ingest_api.check_rules(relation text) RETURNS ingest_api.queued LANGUAGE sql
BEGIN ATOMIC
    SELECT * FROM ingest_api_internal.put_into_queue(ingest_api_internal.job_for('quality', relation));
END;
COMMENT ON FUNCTION ingest_api.check_rules(text) IS 'checks all rules of a table: puts its job into the queue';

CREATE FUNCTION ingest_api.profile_relation(relation text) RETURNS ingest_api.queued LANGUAGE sql
BEGIN ATOMIC
    SELECT * FROM ingest_api_internal.put_into_queue(ingest_api_internal.job_for('profile', relation));
END;
COMMENT ON FUNCTION ingest_api.profile_relation(text) IS 'profiles a table: puts its job into the queue';

-- Annotations

CREATE FUNCTION ingest_api.annotate_table(table_id integer, name text, value jsonb, by text DEFAULT NULL, OUT id bigint,
    OUT location text) LANGUAGE sql
BEGIN ATOMIC
    SELECT n, '/v1/annotations/' || n FROM ingest_internal.annotate(table_id, NULL, name, value, by) n;
END;
COMMENT ON FUNCTION ingest_api.annotate_table(integer, text, jsonb, text)
    IS 'annotates a table of a source; see ingest.annotate';

CREATE FUNCTION ingest_api.annotate_column(table_id integer, column_name text, name text, value jsonb,
    by text DEFAULT NULL, OUT id bigint, OUT location text) LANGUAGE sql
BEGIN ATOMIC
    SELECT n, '/v1/annotations/' || n FROM ingest_internal.annotate(table_id, coalesce(column_name, ''), name, value,
        by) n;
END;
COMMENT ON FUNCTION ingest_api.annotate_column(integer, text, text, jsonb, text)
    IS 'annotates a column of a source; see ingest.annotate';

CREATE FUNCTION ingest_api.end_annotation(annotation bigint) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog,
    pg_temp AS $$
DECLARE
    a ingest.annotation;
BEGIN
    SELECT * INTO a FROM ingest.annotation x WHERE x.id = end_annotation.annotation;
    IF a.id IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object', MESSAGE = format('there is no annotation "%s"', annotation);
    ELSIF a.ended_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('annotation %s has already ended', annotation),
            HINT = format('GET /v1/annotations/%s shows since when.', annotation);
    END IF;
    PERFORM ingest_internal.annotate(a.table_id,
        (SELECT c.name FROM ingest.annotation_status s, LATERAL (SELECT s.column_name) c (name)
        WHERE s.annotation = a.id), a.name, NULL, NULL);
END $$;
COMMENT ON FUNCTION ingest_api.end_annotation(bigint) IS 'removes an annotation; it stays as history';

-- Tokens, and what is exposed

CREATE FUNCTION ingest_api.make_token(name text, role regrole DEFAULT NULL, scopes text[] DEFAULT '{read}',
    expires interval DEFAULT '90 days', OUT token text, OUT location text) LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    token := ingest_api.create_token(name, role, scopes, expires);
    location := '/v1/tokens/' || left(token, 12);
END $$;
COMMENT ON FUNCTION ingest_api.make_token(text, regrole, text[], interval)
    IS 'creates a token, which is shown only this once; see create_token';

CREATE FUNCTION ingest_api.expose_relation(relation regclass, name text DEFAULT NULL, OUT resource text,
    OUT location text) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    resource := ingest_api.expose(relation, name);
    location := '/v1/' || resource;
END $$;
COMMENT ON FUNCTION ingest_api.expose_relation(regclass, text)
    IS 'makes a table or view of the caller''s a resource; see expose';

-- Sinks, where ingest_delivery is: this extension does not need it

CREATE FUNCTION ingest_api_internal.need_delivery() RETURNS void LANGUAGE plpgsql STABLE SET search_path = pg_catalog,
    pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'ingest_delivery') THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_schema_name', MESSAGE = 'there are no sinks here',
            HINT = 'The extension ingest_delivery, which has them, is not in this database.';
    END IF;
END $$;
COMMENT ON FUNCTION ingest_api_internal.need_delivery() IS 'raises an error unless ingest_delivery is installed';

CREATE FUNCTION ingest_api.pause_sink(sink text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM ingest_api_internal.need_delivery();
    EXECUTE 'SELECT ingest_delivery.pause_sink($1)' USING sink;
END $$;
COMMENT ON FUNCTION ingest_api.pause_sink(text)
    IS 'sends nothing more to a sink until it is resumed; its events are kept';

CREATE FUNCTION ingest_api.resume_sink(sink text) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    AS $$
BEGIN
    PERFORM ingest_api_internal.need_delivery();
    EXECUTE 'SELECT ingest_delivery.resume_sink($1)' USING sink;
END $$;
COMMENT ON FUNCTION ingest_api.resume_sink(text) IS 'lets a sink go on where it stood';

CREATE FUNCTION ingest_api.test_sink(sink text, OUT ok boolean, OUT status integer, OUT answer text, OUT error text,
    OUT ms float8, OUT note text) LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM ingest_api_internal.need_delivery();
    EXECUTE 'SELECT ok, status, answer, error, ms, note FROM ingest_delivery.test_sink($1)' INTO ok, status, answer,
        error, ms, note USING sink;
END $$;
COMMENT ON FUNCTION ingest_api.test_sink(text)
    IS 'sends one event of type ingest.sink.test now and reports what came back';

CREATE FUNCTION ingest_api.redrive_sink(sink text, OUT events bigint, OUT deliveries text) LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM ingest_api_internal.need_delivery();
    EXECUTE 'SELECT ingest_delivery.redrive($1)' INTO events USING sink;
    deliveries := '/v1/deliveries?order=at.desc&sink=eq.' || ingest_api_internal.in_address(sink);
END $$;
COMMENT ON FUNCTION ingest_api.redrive_sink(text)
    IS 'tries once more, now, what was given up and what waits; returns how many events had been given up';

CREATE FUNCTION ingest_api.replay_sink(sink text, since timestamptz, until timestamptz DEFAULT 'infinity',
    which text DEFAULT 'all', OUT events bigint, OUT deliveries text) LANGUAGE plpgsql SET search_path = pg_catalog,
    pg_temp AS $$
BEGIN
    PERFORM ingest_api_internal.need_delivery();
    EXECUTE 'SELECT ingest_delivery.replay($1, $2, $3, $4)' INTO events USING sink, since, until, which;
    deliveries := '/v1/deliveries?order=at.desc&sink=eq.' || ingest_api_internal.in_address(sink);
END $$;
COMMENT ON FUNCTION ingest_api.replay_sink(text, timestamptz, timestamptz, text)
    IS 'sends again events written since one time and before another, all or only those that are dead or failed; '
    'returns how many';

CREATE FUNCTION ingest_api.skip_event(sink text, subject text) RETURNS boolean LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    skipped boolean;
BEGIN
    PERFORM ingest_api_internal.need_delivery();
    EXECUTE 'SELECT ingest_delivery.skip($1, $2)' INTO skipped USING sink, subject;
    RETURN skipped;
END $$;
COMMENT ON FUNCTION ingest_api.skip_event(text, text)
    IS 'gives up the first waiting event of a subject; its others go on';

INSERT INTO ingest_api_internal.route (method, path, function, status, scope, description) VALUES
    ('GET', 'lineage', 'lineage', 200, NULL, 'what a relation or column comes from, and what comes from it'),
    ('POST', 'sources/{source}/crawl', 'crawl_source', 202, NULL, 'crawls a source'),
    ('POST', 'sources/{source}/check', 'check_source', 202, NULL,
        'checks connection, login and permissions of a source'),
    ('POST', 'sources/{source}/pause', 'pause_source', 204, NULL, 'begins no job on a source until resume'),
    ('POST', 'sources/{source}/resume', 'resume_source', 204, NULL,
        'begins jobs on a source again, and closes its circuit breaker'),
    ('POST', 'syncs/{sync}/run', 'run_sync', 202, NULL, 'brings a copy up to date'),
    ('POST', 'syncs/{sync}/pause', 'pause_sync', 204, NULL, 'begins no run of a sync until resume'),
    ('POST', 'syncs/{sync}/resume', 'resume_sync', 204, NULL,
        'lets a sync run again, whether it was paused or stopped'),
    ('POST', 'syncs/{sync}/reload', 'reload_sync', 204, NULL,
        'makes the next run of a sync read the whole table again, or compare keys alone'),
    ('POST', 'runs/{run}/cancel', 'cancel_run', 202, NULL,
        'tells a run to stop; what it committed stays, and it is not tried again'),
    ('POST', 'jobs/{job}/run', 'run_job', 202, NULL, 'puts a job into the queue'),
    ('POST', 'dead_letters/{dead_letter}/retry', 'retry_dead_letter', 202, NULL,
        'puts a job that was given up back into the queue'),
    ('POST', 'alerts/{alert}/acknowledge', 'acknowledge_alert', 204, NULL, 'marks an alert as being taken care of'),
    ('POST', 'alerts/{alert}/silence', 'silence_alert', 204, NULL,
        'silences alerts of its kind and subject until the given time'),
    ('POST', 'silences', 'silence', 204, NULL,
        'silences alerts that match kind/subject, where * stands for anything, until the given time'),
    ('DELETE', 'silences/{pattern}', 'end_silence', 204, NULL, 'ends a silence'),
    ('POST', 'anomalies/{anomaly}/resolve', 'resolve_anomaly', 204, NULL, 'marks an anomaly as dealt with'),
    ('POST', 'consumers', 'subscribe', 201, NULL, 'creates a consumer of events from now on, or of all that are kept'),
    ('POST', 'consumers/{consumer}/read', 'read_events', 200, NULL, 'the next events that it has not acknowledged'),
    ('POST', 'consumers/{consumer}/ack', 'acknowledge_events', 204, NULL,
        'acknowledges what was read, up to this event'),
    ('DELETE', 'consumers/{consumer}', 'unsubscribe', 204, NULL, 'removes a consumer'),
    ('POST', 'rules', 'add_rule', 201, NULL, 'adds a rule, which must hold in a table'),
    ('DELETE', 'rules/{rule}', 'drop_rule', 204, NULL, 'removes a rule and its results'),
    ('POST', 'quality', 'check_rules', 202, NULL, 'checks all rules of a table'),
    ('POST', 'profiles', 'profile_relation', 202, NULL, 'profiles a table'),
    ('POST', 'tables/{table_id}/annotations', 'annotate_table', 201, NULL,
        'annotates a table; a null value removes the annotation'),
    ('POST', 'columns/{table_id}/{column_name}/annotations', 'annotate_column', 201, NULL,
        'annotates a column; a null value removes the annotation'),
    ('DELETE', 'annotations/{annotation}', 'end_annotation', 204, NULL, 'removes an annotation'),
    ('DELETE', 'tokens/{name}', 'revoke_token', 204, 'admin', 'ends a token at once, given its name or its beginning'),
    ('POST', 'resources', 'expose_relation', 201, 'admin', 'makes a table or view of the caller''s a resource'),
    ('DELETE', 'resources/{name}', 'unexpose', 204, 'admin', 'removes a resource: it can no longer be asked for'),
    ('POST', 'sinks/{sink}/pause', 'pause_sink', 204, NULL,
        'sends nothing more to a sink until it is resumed; its events are kept'),
    ('POST', 'sinks/{sink}/resume', 'resume_sink', 204, NULL, 'lets a sink go on where it stood'),
    ('POST', 'sinks/{sink}/test', 'test_sink', 200, NULL,
        'sends one event of type ingest.sink.test now and reports what came back'),
    ('POST', 'sinks/{sink}/redrive', 'redrive_sink', 200, NULL,
        'tries once more what was given up and what waits; returns how many events had been given up'),
    ('POST', 'sinks/{sink}/replay', 'replay_sink', 200, NULL,
        'sends events written since one time and before another again; returns how many'),
    ('POST', 'sinks/{sink}/skip', 'skip_event', 200, NULL, 'gives up the first event of a subject that waits');
INSERT INTO ingest_api_internal.route (method, path, function, status, scope, shown, description) VALUES
    ('POST', 'tokens', 'make_token', 201, 'admin', true, 'creates a token, which is shown only this once');
