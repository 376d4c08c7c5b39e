
-- Jobs

CREATE FUNCTION ingest_internal.next_due(schedule text, after timestamptz, zone text DEFAULT NULL) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'ingest_next_due' LANGUAGE C STABLE;
COMMENT ON FUNCTION ingest_internal.next_due(text, timestamptz, text)
    IS 'when a schedule is due next: five fields as in cron, or an interval, in a time zone, which the schedule '
    'may name itself';

CREATE FUNCTION ingest_internal.launcher_runs() RETURNS boolean
    AS 'MODULE_PATHNAME', 'ingest_launcher_runs' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.launcher_runs()
    IS 'whether background workers run queued jobs: shared_preload_libraries names ingest, and this is not a standby';

CREATE FUNCTION ingest_internal.wake() RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_wake' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.wake() IS 'makes those who run jobs look at the queue when the transaction commits';

CREATE FUNCTION ingest_internal.create_job(actor oid, name text, kind text, argument text, priority integer,
    max_attempts integer, timeout interval, depends_on text[])
    RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    -- the source whose limits and breaker hold: one's own, so that nobody opens the breaker of others
    of_source integer;
    was ingest.job;
    waits_for ingest.job;
    number bigint;
    other text;
BEGIN
    IF name IS NULL OR argument IS NULL OR priority IS NULL OR max_attempts IS NULL OR timeout IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'a job needs a name, a kind, an argument, a priority, attempts and a timeout';
    ELSIF priority NOT BETWEEN -32768 AND 32767 OR max_attempts < 1 OR timeout <= '0' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'priority must be between -32768 and 32767, and max_attempts and timeout must be positive';
    END IF;
    CASE kind
        WHEN 'crawl', 'check', 'watch' THEN of_source := (ingest_internal.own_source(actor, argument)).id;
        WHEN 'sync' THEN of_source := (ingest_internal.own_sync(actor, argument)).source;
        WHEN 'export' THEN PERFORM ingest_internal.own_export(actor, argument);
        WHEN 'profile', 'quality' THEN
            -- the engine may not look into schemas of users, but it knows what there is
            IF NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, parse_ident(argument) p
                WHERE c.relname = p[cardinality(p)] AND (cardinality(p) = 1 OR n.nspname = p[1])) THEN
                RAISE EXCEPTION USING ERRCODE = 'undefined_table',
                    MESSAGE = format('there is no table "%s" for the job', argument), HINT = 'Name it as schema.table.';
            END IF;
        WHEN 'sql' THEN NULL;
        ELSE RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('there is no kind of job "%s"', kind),
            HINT = 'The kinds are crawl, check, watch, sync, export, profile, quality and sql.';
    END CASE;
    IF kind = 'watch' AND (SELECT r.watch FROM ingest_internal.source_record(of_source) r) IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('the connector of source "%s" cannot watch it', argument),
            HINT = 'Schedule its syncs: ingest.schedule(job, ''5 min'').';
    END IF;
    SELECT * INTO was FROM ingest.job j WHERE j.name = create_job.name FOR UPDATE;
    IF was.id IS NULL THEN
        INSERT INTO ingest.job (name, kind, source, argument, owner, owner_name, priority, max_attempts, timeout)
          VALUES (create_job.name, create_job.kind, of_source, create_job.argument, actor, pg_get_userbyid(actor),
              create_job.priority, create_job.max_attempts, create_job.timeout) RETURNING id INTO number;
    ELSE
        was := ingest_internal.own_job(actor, name);
        number := was.id;
        RAISE NOTICE 'job "%" is replaced', name;
        UPDATE ingest.job j SET kind = create_job.kind, source = of_source, argument = create_job.argument,
            priority = create_job.priority,
            max_attempts = create_job.max_attempts, timeout = create_job.timeout WHERE j.id = number;
        DELETE FROM ingest.job_dependency d WHERE d.job = number;
    END IF;
    FOREACH other IN ARRAY coalesce(depends_on, '{}') LOOP
        SELECT * INTO waits_for FROM ingest.job j WHERE j.name = other;
        PERFORM ingest_internal.require('job', other, waits_for.id IS NOT NULL,
            ingest_internal.acts_for(actor, waits_for.owner) OR ingest_internal.sees_source(actor, waits_for.source),
            true, NULL);
        IF EXISTS (WITH RECURSIVE before (job) AS (SELECT waits_for.id UNION SELECT d.depends_on
            FROM ingest.job_dependency d JOIN before b ON b.job = d.job) SELECT FROM before b WHERE b.job = number) THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value',
                MESSAGE = format('job "%s" cannot wait for "%s", which waits for it', name, other);
        END IF;
        INSERT INTO ingest.job_dependency VALUES (number, waits_for.id) ON CONFLICT DO NOTHING;
    END LOOP;
    PERFORM ingest_internal.audit(actor, 'create_job', name, CASE WHEN was.id IS NOT NULL
        THEN to_jsonb(was) - 'argument' END, jsonb_build_object('kind', kind));
    RETURN name;
END $$;
COMMENT ON FUNCTION ingest_internal.create_job(oid, text, text, text, integer, integer, interval, text[])
    IS 'see ingest.create_job';
CREATE FUNCTION create_job(name text, kind text, argument text, priority integer DEFAULT 0,
    max_attempts integer DEFAULT 5, timeout interval DEFAULT '6 hours',
    depends_on text[] DEFAULT '{}') RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION create_job(text, text, text, integer, integer, interval, text[])
    IS 'creates a job: crawl, check, watch (of a source), sync, export, profile, quality (of a table) or sql; an '
    'existing one is replaced';

CREATE FUNCTION watch(source text, active boolean DEFAULT true) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF active THEN
        PERFORM ingest.schedule(ingest.create_job('watch ' || source, 'watch', source), '10 s');
    ELSE
        PERFORM ingest.drop_job('watch ' || source);
    END IF;
END $$;
COMMENT ON FUNCTION watch(text, boolean)
    IS 'creates a job that listens to a source whose connector reports that something may have changed, and then '
    'enqueues its syncs; active => false ends it';

-- Syncs that have no job get one; a run that waits already will see what changed
CREATE FUNCTION ingest_internal.watch_heard(of_source integer, tables text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s ingest.sync;
    job text;
BEGIN
    FOR s IN SELECT x.* FROM ingest.sync x JOIN ingest.source_table t ON t.id = x.table_id
        WHERE x.source = of_source AND x.parent IS NULL AND x.state = 'active'
            AND (tables IS NULL OR t.name = ANY (tables)) ORDER BY x.id
    LOOP
        job := (SELECT j.name FROM ingest.job j WHERE j.kind = 'sync' AND j.argument = s.name AND j.owner = s.owner
            ORDER BY j.id LIMIT 1);
        IF job IS NULL THEN
            CONTINUE WHEN EXISTS (SELECT FROM ingest.job j WHERE j.name = s.name);
            job := ingest_internal.create_job(s.owner, s.name, 'sync', s.name, 0, 5, interval '6 hours', '{}');
        END IF;
        PERFORM ingest_internal.enqueue(s.owner, job, NULL, NULL, true);
    END LOOP;
END $$;
COMMENT ON FUNCTION ingest_internal.watch_heard(integer, text[])
    IS 'enqueues, once, the syncs of a source''s tables in which something may have changed; null: any table';

CREATE FUNCTION ingest_internal.enqueue(actor oid, job text, run_at timestamptz, priority integer, once boolean)
    RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    j ingest.job := ingest_internal.own_job(actor, job);
    number bigint;
BEGIN
    IF priority NOT BETWEEN -32768 AND 32767 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'priority must be between -32768 and '
            '32767';
    END IF;
    INSERT INTO ingest.queue (job, owner, source, priority, run_at, dedupe)
      VALUES (j.id, j.owner, j.source, coalesce(enqueue.priority, j.priority), coalesce(enqueue.run_at, now()),
          CASE WHEN once THEN 'job ' || j.id END)
      ON CONFLICT (dedupe) DO NOTHING RETURNING id INTO number;
    IF number IS NULL THEN
        RAISE NOTICE 'job "%" is already in the queue', job;
    END IF;
    -- who has its own jobs done stands in their runs
    IF actor <> j.owner AND number IS NOT NULL THEN
        PERFORM ingest_internal.audit(actor, 'enqueue', job);
    END IF;
    PERFORM ingest_internal.wake();
    RETURN number;
END $$;
COMMENT ON FUNCTION ingest_internal.enqueue(oid, text, timestamptz, integer, boolean) IS 'see ingest.enqueue';
CREATE FUNCTION enqueue(job text, run_at timestamptz DEFAULT NULL, priority integer DEFAULT NULL,
    once boolean DEFAULT true) RETURNS bigint
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION enqueue(text, timestamptz, integer, boolean)
    IS 'puts a job into the queue; returns null if it is already there and once is true';

CREATE PROCEDURE work(job text DEFAULT NULL, max_jobs bigint DEFAULT NULL)
    AS 'MODULE_PATHNAME', 'ingest_work' LANGUAGE C;
COMMENT ON PROCEDURE work(text, bigint)
    IS 'runs one job in this session, with limits, breaker and retries, as pg_cron does; without a name, the '
    'caller''s own jobs that are queued and due';

CREATE FUNCTION schedule(job text, schedule text) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_schedule' LANGUAGE C;
COMMENT ON FUNCTION schedule(text, text)
    IS 'runs a job on a schedule, kept by pg_cron if that is installed, otherwise by the launcher; returns which; '
    'a null schedule ends it';

CREATE FUNCTION drop_job(job text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_drop_job' LANGUAGE C;
COMMENT ON FUNCTION drop_job(text) IS 'removes a job, its schedule and its place in the queue';

CREATE FUNCTION cancel(run bigint) RETURNS boolean
    AS 'MODULE_PATHNAME', 'ingest_cancel' LANGUAGE C;
COMMENT ON FUNCTION cancel(bigint)
    IS 'stops a run; what it committed stays, and it is not tried again; returns false if it is no longer running';

CREATE FUNCTION ingest_internal.retry(actor oid, dead_letter bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    d ingest.dead_letter;
    j ingest.job;
BEGIN
    SELECT * INTO d FROM ingest.dead_letter x WHERE x.id = retry.dead_letter FOR UPDATE;
    SELECT * INTO j FROM ingest.job x WHERE x.id = d.job;
    PERFORM ingest_internal.require('dead letter', dead_letter::text, d.id IS NOT NULL,
        ingest_internal.acts_for(actor, j.owner) OR ingest_internal.sees_source(actor, j.source),
        ingest_internal.changes_for(actor, j.owner), ingest_internal.role_name(j.owner, j.owner_name));
    UPDATE ingest.dead_letter x SET requeued_at = now() WHERE x.id = d.id;
    PERFORM ingest_internal.audit(actor, 'retry', j.name);
    RETURN ingest_internal.enqueue(actor, j.name, NULL, NULL, true);
END $$;
COMMENT ON FUNCTION ingest_internal.retry(oid, bigint) IS 'see ingest.retry';
CREATE FUNCTION retry(dead_letter bigint) RETURNS bigint
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION retry(bigint) IS 'puts a job that was given up back into the queue';

-- Counters that are read from them must not fall
CREATE FUNCTION ingest_internal.prune_runs(age interval) RETURNS bigint LANGUAGE sql
BEGIN ATOMIC
    WITH gone AS (DELETE FROM ingest.run r WHERE r.started_at < now() - prune_runs.age AND r.state <> 'running'
            RETURNING r.source, r.kind, r.state, r.started_at, coalesce(r.finished_at, r.updated_at) AS finished_at,
            r.rows_read, r.rows_inserted, r.rows_updated, r.rows_deleted, r.rows_rejected),
        kept AS (INSERT INTO ingest.run_total AS t (source, kind, state, runs, seconds, rows_read, rows_inserted,
            rows_updated, rows_deleted, rows_rejected)
            SELECT g.source, g.kind, g.state, count(*), sum(greatest(extract(epoch FROM g.finished_at - g.started_at),
                0)), sum(g.rows_read), sum(g.rows_inserted), sum(g.rows_updated), sum(g.rows_deleted),
                sum(g.rows_rejected)
            FROM gone g WHERE g.source IS NULL OR EXISTS (SELECT FROM ingest.data_source d WHERE d.id = g.source)
            GROUP BY g.source, g.kind, g.state
            ON CONFLICT (source, kind, state) DO UPDATE SET runs = t.runs + excluded.runs,
                seconds = t.seconds + excluded.seconds, rows_read = t.rows_read + excluded.rows_read,
                rows_inserted = t.rows_inserted + excluded.rows_inserted,
                rows_updated = t.rows_updated + excluded.rows_updated,
                rows_deleted = t.rows_deleted + excluded.rows_deleted,
                rows_rejected = t.rows_rejected + excluded.rows_rejected)
    SELECT count(*) FROM gone;
END;
COMMENT ON FUNCTION ingest_internal.prune_runs(interval) IS 'deletes older runs, and adds them to run_total';

CREATE FUNCTION ingest_internal.prune_part(part text, events interval, runs interval) RETURNS bigint LANGUAGE plpgsql
    AS $$
DECLARE
    n bigint;
BEGIN
    CASE part
        WHEN 'events' THEN RETURN ingest_internal.prune_events(events);
        WHEN 'days of history' THEN RETURN ingest_internal.drop_old_history();
        WHEN 'runs' THEN RETURN ingest_internal.prune_runs(runs);
        WHEN 'profiles of columns' THEN DELETE FROM ingest.profile_stats p WHERE p.profiled_at < now() - runs;
        WHEN 'results of rules' THEN DELETE FROM ingest.rule_result r WHERE r.checked_at < now() - runs;
        WHEN 'dead letters' THEN DELETE FROM ingest.dead_letter d WHERE d.died_at < now() - runs;
        WHEN 'closed alerts' THEN DELETE FROM ingest.alert a WHERE a.closed_at < now() - runs;
        WHEN 'silences that are over' THEN DELETE FROM ingest.silence s WHERE s.until < now() - runs;
        WHEN 'resolved anomalies' THEN DELETE FROM ingest.anomaly a WHERE a.resolved_at < now() - runs;
        WHEN 'resolved rejected rows' THEN DELETE FROM ingest.rejected_row r WHERE r.resolved_at < now() - runs;
        -- how long these are kept is a setting alone: an admin who prunes is one of those who are written down
        WHEN 'lines of the audit' THEN DELETE FROM ingest.audit a
            WHERE a.at < now() - current_setting('ingest.audit_retention')::interval;
        WHEN 'changes of metadata' THEN DELETE FROM ingest.metadata_change m
            WHERE m.seen_at < now() - current_setting('ingest.metadata_retention')::interval;
        WHEN 'annotations that hold no more' THEN DELETE FROM ingest.annotation a
            WHERE a.ended_at < now() - current_setting('ingest.metadata_retention')::interval;
        WHEN 'columns that are gone' THEN DELETE FROM ingest.source_column c
            WHERE c.gone_at < now() - current_setting('ingest.metadata_retention')::interval;
        WHEN 'tables that are gone' THEN DELETE FROM ingest.source_table t
            WHERE t.gone_at < now() - current_setting('ingest.metadata_retention')::interval
            AND NOT EXISTS (SELECT FROM ingest.sync s WHERE s.table_id = t.id);
    END CASE;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
COMMENT ON FUNCTION ingest_internal.prune_part(text, interval, interval)
    IS 'deletes older rows of one kind; returns how many';

CREATE FUNCTION ingest_internal.prune_all(events interval, runs interval) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    part text;
    said text[] := '{}';
BEGIN
    -- each by itself: a table that cannot be written keeps no other from being pruned
    FOREACH part IN ARRAY ARRAY['events', 'runs', 'profiles of columns', 'results of rules', 'dead letters',
        'closed alerts', 'silences that are over', 'resolved anomalies', 'resolved rejected rows', 'lines of the audit',
        'changes of metadata', 'annotations that hold no more',
        'columns that are gone', 'tables that are gone', 'days of history'] LOOP
        BEGIN
            said := said || format('%s %s', ingest_internal.prune_part(part, events, runs), part);
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING USING MESSAGE = format('old %s could not be deleted: %s', part, SQLERRM), ERRCODE = SQLSTATE;
        END;
    END LOOP;
    BEGIN
        PERFORM ingest_internal.follow_all();
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING USING MESSAGE = format('names could not be followed: %s', SQLERRM), ERRCODE = SQLSTATE;
    END;
    RETURN array_to_string(said, ', ') || ' are deleted';
END $$;
COMMENT ON FUNCTION ingest_internal.prune_all(interval, interval)
    IS 'deletes what is older and reports how much; the engine calls it hourly, in a process of its own';

CREATE FUNCTION ingest_internal.prune(actor oid, events interval, runs interval) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF events IS NULL OR runs IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'ages must not be null';
    END IF;
    RAISE NOTICE '%', ingest_internal.prune_all(events, runs);
    -- where there is no scheduler that does so each minute
    PERFORM ingest_internal.check_freshness();
    PERFORM ingest_internal.audit(actor, 'prune', format('events older than %s, runs older than %s', events, runs));
END $$;
COMMENT ON FUNCTION ingest_internal.prune(oid, interval, interval) IS 'see prune(events, runs)';
CREATE FUNCTION ingest_internal.prune(events interval, runs interval) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_door' LANGUAGE C;
COMMENT ON FUNCTION ingest_internal.prune(interval, interval)
    IS 'deletes what is older: events that all consumers have, runs, profiles, results, dead letters and what is '
    'resolved; from the audit log, metadata and history what their settings say; also checks how fresh copies '
    'are; the engine calls it hourly; for admins';

-- After a restore, a copy of the files or pg_upgrade

CREATE FUNCTION ingest_internal.ownerless() RETURNS TABLE (what text, name text, problem text) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT v.what, v.name, format('its owner %s does not exist here: SELECT * FROM '
        'ingest.reassign(''-'', ''new_owner'', called => %L)', v.owner_name, v.owner_name)
      FROM (SELECT 'source', d.name, d.owner_name, d.owner FROM ingest.data_source d UNION ALL SELECT 'sync', s.name,
          s.owner_name, s.owner FROM ingest.sync s
        UNION ALL SELECT 'export', e.name, e.owner_name, e.owner FROM ingest.export e
        UNION ALL SELECT 'job', j.name, j.owner_name, j.owner FROM ingest.job j UNION ALL SELECT 'consumer',
            s.consumer, s.owner_name, s.owner FROM ingest.subscription s) v (what, name, owner_name, owner)
      WHERE v.owner = 0;
    END;
COMMENT ON FUNCTION ingest_internal.ownerless()
    IS 'what has had no owner since it was restored, and what to do about it';

CREATE FUNCTION ingest_internal.enable(actor oid, cluster numeric, here oid, timeline integer)
    RETURNS TABLE (what text, name text, problem text) LANGUAGE plpgsql AS $$
DECLARE
    -- events have no name of whoever wrote them: what a number stood for is known by all that has both, and of old
    -- events perhaps by nothing but these
    roles_here jsonb := (SELECT jsonb_object_agg(k.role, ingest_internal.role_again(k.role_name)) FROM (
        SELECT a.role_oid, a.role_name FROM ingest.audit a UNION SELECT r.role, r.role_name FROM ingest.run r
        UNION SELECT d.owner, d.owner_name FROM ingest.data_source d
        UNION SELECT j.owner, j.owner_name FROM ingest.job j
        UNION SELECT s.owner, s.owner_name FROM ingest.subscription s
        UNION SELECT o.role, o.role_name FROM ingest.event_owner o) k (role, role_name) WHERE k.role <> 0);
BEGIN
    INSERT INTO ingest.installation AS i (system_identifier, database, timeline, era)
        VALUES (cluster, here, enable.timeline, 1)
      ON CONFLICT (one) DO UPDATE SET system_identifier = cluster, database = here, timeline = enable.timeline,
          era = ingest_internal.next_era(),
        unknown = i.unknown + ingest_internal.since_last_known(),
        bases = i.bases || ingest_internal.next_era() WHERE (i.system_identifier, i.database) <> (cluster, here);
    IF NOT FOUND THEN
        RAISE NOTICE 'the repository is already at home here';
        RETURN QUERY SELECT * FROM ingest_internal.ownerless();
        RETURN;
    END IF;
    PERFORM ingest_internal.roles_again();
    PERFORM ingest_internal.relations_again();
    UPDATE ingest.event x SET owner = coalesce((SELECT d.owner FROM ingest.data_source d WHERE d.id = x.source_id),
        (roles_here ->> x.owner::text)::oid, 0);
    -- whoever was at work there is not at work here
    UPDATE ingest.queue q SET owner = j.owner, worker = NULL, lease_until = NULL FROM ingest.job j WHERE j.id = q.job;
    UPDATE ingest.run r SET state = 'lost', finished_at = clock_timestamp(),
        error = 'the repository was restored while it ran' WHERE r.state = 'running';
    PERFORM ingest_internal.audit(actor, 'enable', current_database());
    RETURN QUERY SELECT * FROM ingest_internal.ownerless();
END $$;
COMMENT ON FUNCTION ingest_internal.enable(oid, numeric, oid, integer) IS 'see ingest.enable';
CREATE FUNCTION enable() RETURNS TABLE (what text, name text, problem text)
    AS 'MODULE_PATHNAME', 'ingest_enable' LANGUAGE C;
COMMENT ON FUNCTION enable()
    IS 'lets a restored or copied repository go on here: begins a new era of events, finds owners by their names, '
    'and lists what now has no owner';
