
-- What the engine asks of the queue

-- What could begin now: neither later, nor behind a job that it waits for, nor on a source or copy that stands still
CREATE VIEW ingest_internal.takeable AS
SELECT q.id AS id, -- number of the entry
    q.job AS job, -- the job
    q.owner AS owner, -- role that it runs as
    q.source AS source, -- the source it works on
    q.priority AS priority, -- higher ones first
    q.run_at AS run_at, -- since when it has been waiting
    q.turn AS turn -- the lowest value is next
FROM ingest.queue q
WHERE q.worker IS NULL AND q.run_at <= now()
  AND NOT EXISTS (SELECT FROM ingest.job_dependency d WHERE d.job = q.job
      AND (EXISTS (SELECT FROM ingest.queue p WHERE p.job = d.depends_on)
    OR (SELECT r.state FROM ingest.run r WHERE r.job = d.depends_on ORDER BY r.id DESC LIMIT 1) IN ('failed', 'lost')))
  AND (q.source IS NULL OR EXISTS (SELECT FROM ingest.data_source d JOIN ingest.circuit c ON c.source = d.id
      WHERE d.id = q.source AND d.state = 'active' AND (c.state <> 'open' OR now() >= c.opened_at + c.open_for)
        AND (SELECT count(*) FROM ingest.queue p WHERE p.source = q.source AND p.worker IS NOT NULL) < CASE c.state
            WHEN 'closed' THEN d.max_parallel ELSE 1 END)
    AND NOT EXISTS (SELECT FROM ingest.job j JOIN ingest.sync s ON s.name = j.argument WHERE j.id = q.job
        AND j.kind = 'sync' AND s.state <> 'active'));
COMMENT ON VIEW ingest_internal.takeable IS 'entries of the queue that could begin now';

CREATE FUNCTION ingest_internal.heads(owner oid) RETURNS TABLE (source integer, priority integer, waited float8,
    wanted bigint) LANGUAGE sql STABLE
    BEGIN ATOMIC
    -- from source to source by the index, however many entries each has
    WITH RECURSIVE s (source) AS (
        (SELECT q.source FROM ingest.queue q WHERE q.worker IS NULL AND q.owner = heads.owner AND q.source IS NOT NULL
            ORDER BY q.source LIMIT 1)
        UNION ALL SELECT (SELECT q.source FROM ingest.queue q WHERE q.worker IS NULL AND q.owner = heads.owner
            AND q.source > s.source ORDER BY q.source LIMIT 1)
          FROM s WHERE s.source IS NOT NULL)
    SELECT h.source, h.priority, h.waited,
        least((SELECT count(*) FROM (SELECT FROM ingest_internal.takeable w WHERE w.owner = heads.owner
            AND w.source = s.source LIMIT 64) w),
            (SELECT d.max_parallel FROM ingest.data_source d WHERE d.id = s.source)
                - (SELECT count(*) FROM ingest.queue p WHERE p.source = s.source AND p.worker IS NOT NULL))
      FROM s, LATERAL (SELECT t.source, t.priority::integer AS priority,
          extract(epoch FROM now() - t.run_at)::float8 AS waited FROM ingest_internal.takeable t
        WHERE t.owner = heads.owner AND t.source = s.source ORDER BY t.turn, t.id LIMIT 1) h
    UNION ALL
    SELECT 0, h.priority, h.waited,
        (SELECT count(*) FROM (SELECT FROM ingest_internal.takeable w WHERE w.owner = heads.owner AND w.source IS NULL
            LIMIT 64) w)
      FROM (SELECT t.priority::integer AS priority, extract(epoch FROM now() - t.run_at)::float8 AS waited
          FROM ingest_internal.takeable t
        WHERE t.owner = heads.owner AND t.source IS NULL ORDER BY t.source, t.turn, t.id LIMIT 1) h;
    END;
COMMENT ON FUNCTION ingest_internal.heads(oid)
    IS 'the next entry of a role on each source (0: on none), how many seconds it has waited, and how many could '
    'begin at once';

CREATE FUNCTION ingest_internal.demand() RETURNS TABLE (owner oid, priority integer, waited float8, wanted bigint,
    can_login boolean) LANGUAGE sql STABLE
    BEGIN ATOMIC
    WITH RECURSIVE o (owner) AS (
        (SELECT q.owner FROM ingest.queue q WHERE q.worker IS NULL ORDER BY q.owner LIMIT 1)
        UNION ALL SELECT (SELECT q.owner FROM ingest.queue q WHERE q.worker IS NULL AND q.owner > o.owner
            ORDER BY q.owner LIMIT 1) FROM o WHERE o.owner IS NOT NULL)
    SELECT o.owner, max(h.priority), max(h.waited), sum(h.wanted)::bigint, bool_and(r.rolcanlogin)
      FROM o JOIN pg_roles r ON r.oid = o.owner, LATERAL ingest_internal.heads(o.owner) h WHERE h.wanted > 0
          GROUP BY o.owner;
    END;
COMMENT ON FUNCTION ingest_internal.demand() IS 'roles whose jobs could begin now, how urgent these are, and how many';

CREATE FUNCTION ingest_internal.give_back(entries bigint[], worker bigint DEFAULT NULL) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest.queue q SET worker = NULL, lease_until = NULL, attempts = q.attempts - 1
      WHERE q.id = ANY (entries) AND q.worker IS NOT NULL AND q.worker = coalesce(give_back.worker, q.worker);
    END;
COMMENT ON FUNCTION ingest_internal.give_back(bigint[], bigint) IS 'frees entries that were taken but not begun';

CREATE FUNCTION ingest_internal.put_back(entry bigint, worker bigint, delay float8, reason text) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
    -- with a reason it was not tried at all
    UPDATE ingest.queue q SET worker = NULL, lease_until = NULL,
        run_at = clock_timestamp() + put_back.delay * interval '1 s',
        attempts = CASE WHEN put_back.reason IS NULL THEN q.attempts ELSE q.attempts - 1 END, put_back = put_back.reason
      WHERE q.id = put_back.entry AND q.worker = put_back.worker;
    END;
COMMENT ON FUNCTION ingest_internal.put_back(bigint, bigint, float8, text)
    IS 'puts an entry back, to be tried again later';

CREATE FUNCTION ingest_internal.bury(job bigint, attempts integer, run bigint, reason text) RETURNS oid LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO ingest.dead_letter (job, attempts, run, reason)
        VALUES (bury.job, bury.attempts, nullif(bury.run, 0), bury.reason);
    SELECT ingest_internal.alert_job_dead(bury.job, nullif(bury.run, 0), bury.reason);
    SELECT j.owner FROM ingest.job j WHERE j.id = bury.job;
    END;
COMMENT ON FUNCTION ingest_internal.bury(bigint, integer, bigint, text)
    IS 'records that a job was given up; returns its owner';

-- Who has taken an entry holds a lock of the engine's own for as long as it lives
CREATE FUNCTION ingest_internal.living(class oid, kind integer) RETURNS TABLE (worker bigint) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT l.objid::bigint FROM pg_locks l WHERE l.locktype = 'object'
        AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND l.classid = living.class AND l.objsubid = living.kind AND l.granted;
    END;
COMMENT ON FUNCTION ingest_internal.living(oid, integer) IS 'workers that are alive, as shown by their locks';

CREATE FUNCTION ingest_internal.renew_leases(class oid, kind integer, lease interval) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest.queue q SET lease_until = now() + lease WHERE q.worker IS NOT NULL
        AND q.lease_until < now() + lease / 2
      AND q.id IN (SELECT x.id FROM ingest.queue x WHERE x.worker % 4294967296 IN (SELECT w.worker
          FROM ingest_internal.living(class, kind) w) FOR UPDATE SKIP LOCKED);
    END;
COMMENT ON FUNCTION ingest_internal.renew_leases(oid, integer, interval)
    IS 'renews the leases of workers that are alive';

CREATE FUNCTION ingest_internal.free_orphans(class oid, kind integer, but bigint[])
    RETURNS TABLE (id bigint, job bigint, attempts integer, name text, last boolean) LANGUAGE sql
    BEGIN ATOMIC
    WITH dead AS (SELECT q.id FROM ingest.queue q WHERE q.worker IS NOT NULL AND q.id <> ALL (but)
        AND q.worker % 4294967296 NOT IN (SELECT w.worker FROM ingest_internal.living(class, kind) w)
        FOR UPDATE SKIP LOCKED),
    free AS (UPDATE ingest.queue q SET worker = NULL, lease_until = NULL FROM dead WHERE q.id = dead.id
        RETURNING q.id, q.job, q.attempts)
    SELECT f.id, f.job, f.attempts, j.name, f.attempts >= j.max_attempts FROM free f JOIN ingest.job j ON j.id = f.job;
    END;
COMMENT ON FUNCTION ingest_internal.free_orphans(oid, integer, bigint[])
    IS 'frees entries whose worker is gone, except some';

CREATE FUNCTION ingest_internal.overdue(entry bigint, worker bigint, lock_class oid, lock_kind integer)
    RETURNS TABLE (id bigint, job bigint, source integer, attempts integer, lives boolean, name text,
        max_attempts integer, timeout text, kind text, owner oid) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT q.id, q.job, q.source, q.attempts, q.worker % 4294967296 IN (SELECT w.worker
        FROM ingest_internal.living(lock_class, lock_kind) w), j.name, j.max_attempts, j.timeout::text, j.kind, j.owner
      FROM ingest.queue q JOIN ingest.job j ON j.id = q.job WHERE q.id = overdue.entry AND q.worker = overdue.worker;
    END;
COMMENT ON FUNCTION ingest_internal.overdue(bigint, bigint, oid, integer)
    IS 'the entry of a worker that was told to end, if it still has it';

CREATE FUNCTION ingest_internal.run_ended(job bigint, attempt integer, sqlstate text, class text, error text)
    RETURNS bigint LANGUAGE sql
    BEGIN ATOMIC
    -- a statement has no run before it is done
    WITH ended AS (UPDATE ingest.run r SET state = 'failed', finished_at = clock_timestamp(),
        sqlstate = run_ended.sqlstate, error_class = class, error = run_ended.error
        WHERE r.job = run_ended.job AND r.state = 'running' AND ingest_internal.state_of_run(r.id, r.state,
            r.pid) = 'lost' RETURNING r.id),
    made AS (INSERT INTO ingest.run (job, kind, source, attempt, state, finished_at, role, role_name, sqlstate,
        error_class, error)
        SELECT j.id, j.kind, j.source, run_ended.attempt, 'failed', clock_timestamp(), j.owner, j.owner_name,
            run_ended.sqlstate, class, run_ended.error
          FROM ingest.job j WHERE j.id = run_ended.job AND NOT EXISTS (SELECT FROM ended) RETURNING id)
    SELECT max(x.id) FROM (SELECT e.id FROM ended e UNION ALL SELECT m.id FROM made m) x;
    END;
COMMENT ON FUNCTION ingest_internal.run_ended(bigint, integer, text, text, text)
    IS 'records as failed the run of a job whose worker was ended; returns its number';

CREATE FUNCTION ingest_internal.run_lost(job bigint) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    SELECT ingest_internal.runs_lost(ARRAY(SELECT r.id FROM ingest.run r WHERE r.job = run_lost.job
        AND r.state = 'running'));
    END;
COMMENT ON FUNCTION ingest_internal.run_lost(bigint) IS 'records as lost the runs of a job whose worker died';

CREATE FUNCTION ingest_internal.runs_died() RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    SELECT ingest_internal.runs_lost(ARRAY(SELECT r.id FROM ingest.run r
        WHERE r.state = 'running' AND ingest_internal.state_of_run(r.id, r.state, r.pid) = 'lost'
            FOR UPDATE SKIP LOCKED));
    END;
COMMENT ON FUNCTION ingest_internal.runs_died() IS 'records as lost the runs whose process is gone';

-- Schedules

CREATE FUNCTION ingest_internal.due() RETURNS TABLE (id bigint, name text) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT j.id, j.name FROM ingest.job j WHERE j.enabled AND j.scheduler = 'launcher' AND j.next_due <= now()
        ORDER BY j.next_due;
    END;
COMMENT ON FUNCTION ingest_internal.due() IS 'jobs whose schedule is due';

CREATE FUNCTION ingest_internal.put_due(job bigint) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    -- times that were missed are run once; one that is in the queue already is not put twice
    UPDATE ingest.job j SET next_due = ingest_internal.next_due(j.schedule, now(), j.zone), schedule_error = NULL
        WHERE j.id = put_due.job;
    INSERT INTO ingest.queue (job, owner, source, priority, dedupe) SELECT j.id, j.owner, j.source, j.priority,
        'job ' || j.id FROM ingest.job j WHERE j.id = put_due.job
      ON CONFLICT (dedupe) DO NOTHING;
    END;
COMMENT ON FUNCTION ingest_internal.put_due(bigint) IS 'puts a job that is due into the queue';

CREATE FUNCTION ingest_internal.not_due(job bigint, reason text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest.job j SET next_due = NULL, schedule_error = not_due.reason WHERE j.id = not_due.job;
    END;
COMMENT ON FUNCTION ingest_internal.not_due(bigint, text)
    IS 'records that a schedule cannot be kept, and why, until it is set again';

CREATE FUNCTION ingest_internal.keep_schedule(job bigint, schedule text, scheduler text, zone text) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest.job j SET schedule = keep_schedule.schedule, scheduler = keep_schedule.scheduler,
        zone = keep_schedule.zone, schedule_error = NULL,
        next_due = CASE WHEN keep_schedule.scheduler = 'launcher'
            THEN ingest_internal.next_due(keep_schedule.schedule, now(), keep_schedule.zone) END
            WHERE j.id = keep_schedule.job;
    END;
COMMENT ON FUNCTION ingest_internal.keep_schedule(bigint, text, text, text)
    IS 'records a schedule and who keeps it; null: none';

CREATE FUNCTION ingest_internal.own_job_scheduled(actor oid, job_name text)
    RETURNS TABLE (id bigint, owner oid, name text, schedule text, by_pg_cron boolean) LANGUAGE sql
    BEGIN ATOMIC
    SELECT j.id, j.owner, j.name, j.schedule, j.scheduler = 'pg_cron' FROM ingest_internal.own_job(actor, job_name) j;
    END;
COMMENT ON FUNCTION ingest_internal.own_job_scheduled(oid, text)
    IS 'a job that a role may change, locked, and who keeps its schedule';

CREATE FUNCTION ingest_internal.kept_by_pg_cron(source text) RETURNS TABLE (id bigint, owner oid, name text,
    schedule text, by_pg_cron boolean) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT j.id, j.owner, j.name, j.schedule, true FROM ingest.job j JOIN ingest.data_source d ON d.id = j.source
        WHERE d.name = kept_by_pg_cron.source AND j.scheduler = 'pg_cron';
    END;
COMMENT ON FUNCTION ingest_internal.kept_by_pg_cron(text) IS 'jobs of a source whose schedule pg_cron keeps';

CREATE FUNCTION ingest_internal.as_cron(schedule text) RETURNS text LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT CASE WHEN s < 3600 AND s % 60 = 0 AND 3600 % s = 0 THEN format('*/%s * * * *', s / 60) WHEN s = 3600
        THEN '0 * * * *'
        WHEN s < 86400 AND s % 3600 = 0 AND 86400 % s = 0 THEN format('0 */%s * * *', s / 3600) WHEN s = 86400
            THEN '0 0 * * *' END
      FROM (SELECT extract(epoch FROM as_cron.schedule::interval)::bigint AS s) x;
    END;
COMMENT ON FUNCTION ingest_internal.as_cron(text) IS 'an interval as the five fields of cron, if they can express it';

-- Breakers

CREATE FUNCTION ingest_internal.breakers_half_open() RETURNS SETOF text LANGUAGE sql
    BEGIN ATOMIC
    UPDATE ingest.circuit c SET state = 'half-open', probes = 0, changed_at = now() FROM ingest.data_source d
      WHERE d.id = c.source AND c.state = 'open' AND now() >= c.opened_at + c.open_for RETURNING d.name;
    END;
COMMENT ON FUNCTION ingest_internal.breakers_half_open()
    IS 'lets breakers whose time is up try one job; returns their sources';

CREATE FUNCTION ingest_internal.breaker_note(source integer, failed boolean, reason text)
    RETURNS TABLE (name text, was text, state text) LANGUAGE sql
    BEGIN ATOMIC
    -- of the last 20 jobs, if there were five, half: it opens; three in a row that went well close one that is half
    -- open
    WITH old AS (SELECT c.*, (c.outcomes || NOT breaker_note.failed)[greatest(1,
        cardinality(c.outcomes) - 18):] AS now_known FROM ingest.circuit c WHERE c.source = breaker_note.source
        FOR UPDATE),
    next AS (SELECT o.*, CASE
        WHEN o.state = 'closed' AND failed AND cardinality(o.now_known) >= 5
            AND (SELECT count(*) FROM unnest(o.now_known) k WHERE NOT k) * 2 >= cardinality(o.now_known) THEN 'open'
        WHEN o.state = 'half-open' AND failed THEN 'open'
        WHEN o.state = 'half-open' AND o.probes >= 2 THEN 'closed'
        ELSE o.state END AS to_state FROM old o)
    UPDATE ingest.circuit c SET state = n.to_state,
        outcomes = CASE WHEN n.to_state = 'closed' AND n.state <> 'closed' THEN '{}' ELSE n.now_known END,
        probes = CASE WHEN n.state = 'half-open' AND NOT failed THEN n.probes + 1 ELSE 0 END,
        open_for = CASE WHEN n.state = 'half-open' AND n.to_state = 'open' THEN least(n.open_for * 2, '15 min')
            WHEN n.to_state = 'closed' THEN '30 s' ELSE n.open_for END,
        opened_at = CASE WHEN n.to_state = 'open' AND n.state <> 'open' THEN clock_timestamp() ELSE n.opened_at END,
        changed_at = CASE WHEN n.to_state <> n.state THEN clock_timestamp() ELSE n.changed_at END,
        reason = CASE WHEN n.to_state = 'open' THEN coalesce(breaker_note.reason, n.reason) END
      FROM next n, ingest.data_source d WHERE c.source = n.source AND d.id = c.source RETURNING d.name, n.state,
          n.to_state;
    END;
COMMENT ON FUNCTION ingest_internal.breaker_note(integer, boolean, text)
    IS 'records for the breaker of a source how a job went; returns the breaker''s state before and after';

-- Jobs

CREATE FUNCTION ingest_internal.job_to_do(job bigint) RETURNS TABLE (id bigint, name text, kind text, argument text,
    max_attempts integer, timeout_ms float8, timeout text) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT j.id, j.name, j.kind, j.argument, j.max_attempts, extract(epoch FROM j.timeout)::float8 * 1000,
        j.timeout::text FROM ingest.job j WHERE j.id = job_to_do.job;
    END;
COMMENT ON FUNCTION ingest_internal.job_to_do(bigint) IS 'what a worker must know about a job';

CREATE FUNCTION ingest_internal.failed_run(job bigint, attempt integer, pid integer) RETURNS bigint LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT r.id FROM ingest.run r WHERE r.job = failed_run.job AND r.attempt = failed_run.attempt
        AND r.pid = failed_run.pid AND r.state IN ('failed', 'cancelled')
      AND r.started_at > now() - interval '1 day' ORDER BY r.id DESC LIMIT 1;
    END;
COMMENT ON FUNCTION ingest_internal.failed_run(bigint, integer, integer)
    IS 'the failed run that a job has just recorded itself';

CREATE FUNCTION ingest_internal.table_of_sync(name text) RETURNS TABLE (source text, table_name text)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT d.name, t.name FROM ingest.sync s JOIN ingest.source_table t ON t.id = s.table_id
        JOIN ingest.data_source d ON d.id = s.source WHERE s.name = table_of_sync.name;
    END;
COMMENT ON FUNCTION ingest_internal.table_of_sync(text) IS 'the table at the source that a sync reads';

CREATE FUNCTION ingest_internal.run_after(job bigint, run bigint)
    RETURNS TABLE (state text, error text, error_hint text) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT r.state, r.error, r.error_hint FROM ingest.run r WHERE r.job = run_after.job AND r.id > run_after.run
        ORDER BY r.id DESC LIMIT 1;
    END;
COMMENT ON FUNCTION ingest_internal.run_after(bigint, bigint)
    IS 'how the last run of a job ended, if there was one after another run';

CREATE FUNCTION ingest_internal.run_to_cancel(actor oid, run bigint)
    RETURNS TABLE (pid integer, role oid, role_name name, state text, started_at timestamptz) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT r.pid, r.role, r.role_name, r.state, r.started_at FROM ingest.run r
      WHERE r.id = run_to_cancel.run AND (ingest_internal.acts_for(actor, r.role)
          OR ingest_internal.sees_source(actor, r.source));
    END;
COMMENT ON FUNCTION ingest_internal.run_to_cancel(oid, bigint) IS 'a run, if a role may cancel it or know of it';

CREATE FUNCTION ingest_internal.stands_still(job bigint) RETURNS SETOF boolean LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT true FROM ingest.job j LEFT JOIN ingest.data_source d ON d.id = j.source
        LEFT JOIN ingest.sync s ON j.kind = 'sync' AND s.name = j.argument
      WHERE j.id = stands_still.job AND (d.state = 'paused' OR s.state = 'paused');
    END;
COMMENT ON FUNCTION ingest_internal.stands_still(bigint)
    IS 'a row if the source or the copy that a job works on is paused';
