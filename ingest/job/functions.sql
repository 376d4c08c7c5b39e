
-- Jobs

CREATE FUNCTION next_due(schedule text, after timestamptz) RETURNS timestamptz
    AS 'MODULE_PATHNAME', 'ingest_next_due' LANGUAGE C STRICT STABLE;
COMMENT ON FUNCTION next_due(text, timestamptz) IS 'when a schedule is due next: five fields as cron has them, or an interval';

CREATE FUNCTION launcher_runs() RETURNS boolean
    AS 'MODULE_PATHNAME', 'ingest_launcher_runs' LANGUAGE C;
COMMENT ON FUNCTION launcher_runs() IS 'whether background workers do what is queued: shared_preload_libraries names ingest, and this is no standby';

CREATE FUNCTION create_job(name text, kind text, argument text, priority integer DEFAULT 0, max_attempts integer DEFAULT 5, timeout interval DEFAULT '6 hours',
    depends_on text[] DEFAULT '{}') RETURNS text LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO job (name, kind, source, argument, owner, priority, max_attempts, timeout)
      SELECT create_job.name, create_job.kind,
        CASE create_job.kind WHEN 'crawl' THEN (SELECT d.id FROM data_source d WHERE d.name = create_job.argument)
             WHEN 'check' THEN (SELECT d.id FROM data_source d WHERE d.name = create_job.argument)
             WHEN 'sync' THEN (SELECT s.source FROM sync s WHERE s.name = create_job.argument) END,
        create_job.argument, current_user, create_job.priority, create_job.max_attempts, create_job.timeout
      ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, source = excluded.source, argument = excluded.argument, priority = excluded.priority,
        max_attempts = excluded.max_attempts, timeout = excluded.timeout;
    INSERT INTO job_dependency SELECT j.id, d.id FROM job j, job d WHERE j.name = create_job.name AND d.name = ANY (create_job.depends_on) ON CONFLICT DO NOTHING;
    SELECT create_job.name;
    END;
COMMENT ON FUNCTION create_job(text, text, text, integer, integer, interval, text[]) IS 'a job: crawl, check (of a source), sync, profile, quality (of a table) or sql; made again, it is replaced';

CREATE FUNCTION enqueue(job text, run_at timestamptz DEFAULT NULL, priority smallint DEFAULT NULL, once boolean DEFAULT true) RETURNS bigint
    AS 'MODULE_PATHNAME', 'ingest_enqueue' LANGUAGE C;
COMMENT ON FUNCTION enqueue(text, timestamptz, smallint, boolean) IS 'puts a job into the queue; null if it is there already and once is true';

CREATE PROCEDURE work(max_jobs bigint DEFAULT NULL)
    AS 'MODULE_PATHNAME', 'ingest_work' LANGUAGE C;
COMMENT ON PROCEDURE work(bigint) IS 'does in this session what is queued and due of the caller''s own jobs';

CREATE PROCEDURE run_job(name text)
    AS 'MODULE_PATHNAME', 'ingest_run_job' LANGUAGE C;
COMMENT ON PROCEDURE run_job(text) IS 'does a job in this session, with limits, breaker and retries; for pg_cron';

CREATE FUNCTION schedule(job text, schedule text) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_schedule' LANGUAGE C STRICT;
COMMENT ON FUNCTION schedule(text, text) IS 'runs a job on a schedule, kept by pg_cron where that is installed, else by the launcher; gives which';

CREATE FUNCTION unschedule(job text) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_unschedule' LANGUAGE C STRICT;
COMMENT ON FUNCTION unschedule(text) IS 'ends that';

CREATE FUNCTION drop_job(name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    SELECT unschedule(drop_job.name);
    DELETE FROM job j WHERE j.name = drop_job.name;
    END;
COMMENT ON FUNCTION drop_job(text) IS 'forgets a job, its schedule and its place in the queue';

CREATE FUNCTION cancel(run bigint) RETURNS boolean LANGUAGE sql
    BEGIN ATOMIC
    SELECT coalesce((SELECT pg_cancel_backend(r.pid) FROM run r JOIN pg_stat_activity a ON a.pid = r.pid AND a.backend_start <= r.started_at
      WHERE r.id = cancel.run AND r.state = 'running'), false);
    END;
COMMENT ON FUNCTION cancel(bigint) IS 'stops a run; what it committed stays, and it is not tried again';

CREATE FUNCTION retry(dead_letter bigint) RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC
    UPDATE dead_letter d SET requeued_at = now() WHERE d.id = retry.dead_letter;
    SELECT enqueue(j.name) FROM dead_letter d JOIN job j ON j.id = d.job WHERE d.id = retry.dead_letter;
    END;
COMMENT ON FUNCTION retry(bigint) IS 'puts a job that was given up back into the queue';

CREATE FUNCTION prune(events interval, runs interval) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    DELETE FROM event e WHERE e.time < now() - prune.events
      AND NOT EXISTS (SELECT FROM subscription s WHERE e.era > s.era OR (e.era = s.era AND NOT pg_visible_in_snapshot(e.xid, s.seen)));
    DELETE FROM run r WHERE r.started_at < now() - prune.runs AND r.state <> 'running';
    DELETE FROM profile_stats p WHERE p.profiled_at < now() - prune.runs;
    DELETE FROM rule_result r WHERE r.checked_at < now() - prune.runs;
    SELECT drop_old_history();
    END;
COMMENT ON FUNCTION prune(interval, interval) IS 'deletes what is older: events that all consumers have, runs, profiles, results; the scheduler does it hourly';
