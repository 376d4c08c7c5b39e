

-- The daily questions

-- They belong to the engine and say themselves who sees what: errors may quote values of rows, which a grantee does
-- not see.

CREATE VIEW source_status WITH (security_barrier) AS
SELECT d.name AS source, -- name of the source
    d.id AS source_id, -- its number
    d.server AS server, -- its foreign server
    ingest_internal.role_name(d.owner, d.owner_name) AS owner, -- role that owns it
    d.state AS state, -- active or paused
    c.state AS circuit, -- its breaker: closed, open, half-open
    CASE WHEN ingest_internal.acts_for(d.owner) THEN c.reason END AS circuit_reason, -- the error that opened it
    CASE WHEN c.state = 'open' THEN c.opened_at + c.open_for END AS circuit_retry_at, -- when it lets one job try
    d.last_check_at AS last_check_at, -- when it was last checked
    d.last_check_ok AS last_check_ok, -- whether everything was in order
    d.last_crawl_at AS last_crawl_at, -- when a crawl last finished
    (SELECT count(*) FROM source_table t WHERE t.source = d.id AND t.gone_at IS NULL) AS tables, -- tables at the source
    (SELECT count(*) FROM sync s WHERE s.source = d.id) AS syncs, -- copies of them
    (SELECT count(*) FROM sync s JOIN source_table t ON t.id = s.table_id WHERE s.source = d.id AND (s.state = 'stopped'
        OR ingest_internal.sync_trouble(s.owner, t.relation, t.local_schema, t.local_name, s.target, s.target_schema,
            s.target_table) IS NOT NULL)) AS stopped, -- copies that have stopped and need attention
    (SELECT count(*) FROM queue q WHERE q.source = d.id AND q.worker IS NULL) AS queued, -- jobs that are waiting
    (SELECT extract(epoch FROM now() - min(q.run_at))::float8 FROM queue q WHERE q.source = d.id AND q.worker IS NULL
        AND q.run_at <= now()) AS queued_seconds, -- how long the one that has been due longest has waited
    (SELECT count(*) FROM queue q WHERE q.source = d.id AND q.worker IS NOT NULL) AS running, -- jobs that are running
    (SELECT count(*) FROM rejected_row j WHERE j.resolved_at IS NULL
        AND j.sync IN (SELECT s.id FROM sync s WHERE s.source = d.id)) AS rejected, -- rows that do not fit into their
        -- copies
    (SELECT count(*) FROM anomaly a WHERE a.source = d.id
        AND a.resolved_at IS NULL) AS anomalies, -- anomalies that have not been resolved
    (SELECT count(*) FROM dead_letter l JOIN job j ON j.id = l.job WHERE j.source = d.id
        AND l.requeued_at IS NULL) AS dead_letters, -- jobs that were given up and not put back
    CASE WHEN ingest_internal.acts_for(d.owner) THEN e.error END AS last_error, -- the last error, for its owner
    e.error_class AS last_error_class, -- its class, as in run_status
    e.finished_at AS last_error_at, -- when that was
    CASE WHEN ingest_internal.acts_for(d.owner) THEN d.last_check END AS last_check -- what that check found, likewise:
        -- an array of check, ok, detail
FROM data_source d LEFT JOIN circuit c ON c.source = d.id
LEFT JOIN LATERAL (SELECT r.error, r.error_class, r.finished_at FROM run r WHERE r.source = d.id
    AND r.state IN ('failed', 'lost') ORDER BY r.id DESC LIMIT 1) e ON true
WHERE d.id = ANY ((SELECT ingest_internal.my_sources())::integer[]);
COMMENT ON VIEW source_status
    IS 'the state of each source: its breaker, its jobs, what needs attention, its last error';

CREATE VIEW table_status WITH (security_barrier) AS
SELECT d.name AS source, -- name of the source
    d.id AS source_id, -- its number
    t.name AS table_name, -- the table at the source
    t.id AS table_id, -- its number
    s.name AS sync, -- the sync that copies it
    s.id AS sync_id, -- its number
    format('%I.%I', s.target_schema, s.target_table) AS target, -- the copy
    s.mode AS mode, -- full, incremental, append or pieces
    CASE WHEN x.trouble IS NULL THEN s.state ELSE 'stopped' END AS state, -- active, paused or stopped; also stopped if
        -- one of its tables is gone
    coalesce(x.trouble, CASE WHEN ingest_internal.sees_rows(s.id) THEN s.state_reason
        END) AS state_reason, -- why; an error for those who may read the copy
    EXISTS (SELECT FROM job j WHERE j.kind = 'sync' AND j.argument = s.name AND j.enabled AND j.schedule IS NOT NULL
        AND d.state = 'active') AS scheduled, -- whether a job runs it, on a source that is not paused
    z.phase AS phase, -- new, loading or ready
    CASE WHEN ingest_internal.sees_rows(s.id) THEN z.watermark ELSE ingest_internal.open_watermark(z.watermark)
        END AS watermark, -- everything older is in the copy; one that is not a time, likewise
    z.watermark_time AS watermark_time, -- the same as a timestamptz, if the cursor is a time
    extract(epoch FROM ingest_internal.sync_overlap(s.overlap, z.lateness, z.lateness_day))::float8
        AS overlap_seconds, -- how far before it the next run reads again: as set, or as late rows require
    (SELECT sum(n) FROM unnest(ingest_internal.sync_faded(z.lateness, z.lateness_day)) n)::bigint
        AS late_rows, -- rows that came late, halved for each day since
    z.last_success AS last_success, -- when a run last finished
    now() - z.last_success AS age, -- how long ago that is
    extract(epoch FROM now() - z.last_success)::float8 AS age_seconds, -- the same in seconds
    t.freshness_objective AS freshness_objective, -- how old it may be
    extract(epoch FROM t.freshness_objective)::float8 AS freshness_objective_seconds, -- the same in seconds
    x.trouble IS NULL AND coalesce(now() - z.last_success <= t.freshness_objective,
        t.freshness_objective IS NULL) AS fresh, -- whether it meets that; false if it cannot
    z.rows AS rows, -- rows of the copy
    t.row_count AS source_rows, -- rows at the source when last counted
    (SELECT count(*) FROM rejected_row j WHERE j.sync = s.id
        AND j.resolved_at IS NULL) AS rejected, -- rows that do not fit
    ingest_internal.state_in_words(ingest_internal.state_of_run(r.id, r.state, r.pid),
        r.left_out) AS last_state, -- how the last run ended: succeeded with ..., if it left something out
    r.left_out AS left_out, -- what it left out
    CASE WHEN ingest_internal.sees_rows(s.id) THEN r.error END AS last_error, -- its error, likewise
    r.error_class AS last_error_class, -- its class, as in run_status
    CASE WHEN r.error IS NOT NULL THEN r.finished_at END AS last_error_at -- when that was
FROM sync s JOIN source_table t ON t.id = s.table_id JOIN data_source d ON d.id = s.source
    JOIN sync_state z ON z.sync = s.id
LEFT JOIN LATERAL (SELECT r.id, r.state, r.left_out, r.pid, r.error, r.error_class, r.finished_at FROM run r
    WHERE r.sync = s.id ORDER BY r.id DESC LIMIT 1) r ON true,
    LATERAL (SELECT ingest_internal.sync_trouble(s.owner, t.relation, t.local_schema, t.local_name, s.target,
        s.target_schema, s.target_table) AS trouble OFFSET 0) x
WHERE s.source = ANY ((SELECT ingest_internal.my_sources())::integer[]);
COMMENT ON VIEW table_status IS 'the state of each copy: freshness, rows, last error';

CREATE VIEW run_status WITH (security_barrier) AS
SELECT r.id AS run, -- number of the run
    r.kind AS kind, -- what it does
    coalesce((SELECT s.name FROM sync s WHERE s.id = r.sync), (SELECT j.name FROM job j WHERE j.id = r.job),
        (SELECT d.name FROM data_source d WHERE d.id = r.source)) AS name, -- what it works on
    (SELECT d.name FROM data_source d WHERE d.id = r.source) AS source, -- the source it works on
    r.source AS source_id, -- its number
    (SELECT s.name FROM sync s WHERE s.id = r.sync) AS sync, -- the sync
    r.sync AS sync_id, -- its number
    (SELECT j.name FROM job j WHERE j.id = r.job) AS job, -- the job; null: called by hand
    r.job AS job_id, -- its number
    r.shown AS state, -- running, succeeded, succeeded with ..., failed, cancelled or lost
    r.left_out AS left_out, -- what one that succeeded left out; null: nothing
    r.phase AS phase, -- what it is doing
    r.started_at AS started_at, -- when it began
    r.finished_at AS finished_at, -- when it ended
    coalesce(r.finished_at, r.updated_at) - r.started_at AS duration, -- how long it took, or has taken so far
    extract(epoch FROM coalesce(r.finished_at, r.updated_at)
        - r.started_at)::float8 AS duration_seconds, -- the same in seconds
    p.ranges_done AS ranges_done, -- ranges of the load that are done, if the run loads
    p.ranges AS ranges, -- all ranges of the load
    r.rows_read AS rows_read, -- rows read
    r.rows_inserted AS rows_inserted, -- rows new here
    r.rows_updated AS rows_updated, -- rows that differed
    r.rows_deleted AS rows_deleted, -- rows gone
    r.rows_rejected AS rows_rejected, -- rows that did not fit
    round(r.rows_read / nullif(extract(epoch FROM coalesce(r.finished_at, r.updated_at) - r.started_at), 0),
        1) AS rows_per_second, -- how fast it reads
    CASE WHEN r.state IN ('succeeded', 'succeeded with') THEN 1
        ELSE p.share END AS share_done, -- share of the expected rows that have been read, including those of earlier
        -- runs in the same load
    CASE WHEN r.state = 'running' AND r.rows_read > 0 AND p.share < 1
        THEN (r.updated_at - r.started_at) * greatest(p.rows_left / r.rows_read, 0) END AS time_left, -- time left at
        -- this speed
    CASE WHEN r.state = 'running' AND r.rows_read > 0 AND p.share < 1
        THEN (extract(epoch FROM r.updated_at - r.started_at) * greatest(p.rows_left / r.rows_read, 0))::float8
            END AS seconds_left, -- the same in seconds
    r.pid AS pid, -- its process, while it runs
    r.attempt AS attempt, -- number of the attempt; 1: the first
    r.error_class AS error_class, -- throttled, passing, busy, login, schema, cancelled or lasting
    r.sqlstate AS sqlstate, -- the error's code
    CASE WHEN m.may THEN r.error END AS error, -- why it failed, for those who may read the copy
    CASE WHEN m.may THEN r.error_detail END AS detail, -- the error's detail, likewise
    CASE WHEN m.may THEN r.error_hint END AS hint -- what to do, likewise
-- in three parts, so that most states are what the table has, and the runs of one are found by an index; each in order,
-- since no order that is asked for outside gets in
FROM (SELECT * FROM (SELECT *, state AS shown FROM run WHERE state NOT IN ('running', 'succeeded with')
      ORDER BY id DESC) a
    UNION ALL SELECT * FROM (SELECT *, ingest_internal.state_in_words(state, left_out) FROM run
      WHERE state = 'succeeded with' ORDER BY id DESC) b
    UNION ALL SELECT * FROM (SELECT *, ingest_internal.state_of_run(id, state, pid) FROM run
      WHERE state = 'running' ORDER BY id DESC) c) r
LEFT JOIN LATERAL (
    SELECT round(least(coalesce(g.done, r.rows_read::numeric) / nullif(coalesce(g.total, r.rows_expected), 0), 1),
        4) AS share,
        (coalesce(g.total, r.rows_expected) - coalesce(g.done, r.rows_read))::float8 AS rows_left,
        CASE WHEN g.ranges > 0 THEN g.ranges_done END AS ranges_done, nullif(g.ranges, 0) AS ranges
    FROM (SELECT sum(coalesce(x.rows_read, 0)) AS done, sum(greatest(x.expected, x.rows_read)) AS total,
        count(x.done_at) AS ranges_done, count(*) AS ranges FROM sync_range x WHERE x.sync = r.sync
        AND r.state = 'running') g) p ON true,
    LATERAL (SELECT ingest_internal.acts_for(r.role) OR coalesce(ingest_internal.sees_rows(r.sync), false) AS may
        OFFSET 0) m
WHERE r.source = ANY ((SELECT ingest_internal.my_sources())::integer[]) OR ingest_internal.acts_for(r.role)
-- the last ones by an index, without looking at all: no order that is asked for outside gets through a security barrier
ORDER BY r.id DESC;
COMMENT ON VIEW run_status IS 'runs: how far they are, and how they ended';

CREATE VIEW run_totals WITH (security_barrier) AS
SELECT d.name AS source, -- name of the source; null: runs without one, for admins
    x.source AS source_id, -- its number
    x.kind AS kind, -- what they did
    x.state AS state, -- how they ended: succeeded, failed, cancelled or lost; running: not yet
    sum(x.runs)::bigint AS runs, -- how many there were, including those deleted since
    sum(x.seconds)::float8 AS seconds, -- how long they took
    sum(x.rows_read)::bigint AS rows_read, -- rows read
    sum(x.rows_inserted)::bigint AS rows_inserted, -- rows new here
    sum(x.rows_updated)::bigint AS rows_updated, -- rows that differed
    sum(x.rows_deleted)::bigint AS rows_deleted, -- rows gone
    sum(x.rows_rejected)::bigint AS rows_rejected -- rows that did not fit
FROM (SELECT r.source, r.kind, r.state, count(*) AS runs, sum(greatest(extract(epoch
        FROM coalesce(r.finished_at, r.updated_at) - r.started_at), 0))::float8 AS seconds,
        sum(r.rows_read) AS rows_read, sum(r.rows_inserted) AS rows_inserted, sum(r.rows_updated) AS rows_updated,
        sum(r.rows_deleted) AS rows_deleted, sum(r.rows_rejected) AS rows_rejected
    FROM run r GROUP BY r.source, r.kind, r.state
    UNION ALL SELECT t.source, t.kind, t.state, t.runs, t.seconds, t.rows_read, t.rows_inserted, t.rows_updated,
        t.rows_deleted, t.rows_rejected FROM run_total t) x LEFT JOIN data_source d ON d.id = x.source
WHERE x.source = ANY ((SELECT ingest_internal.my_sources())::integer[])
    OR x.source IS NULL AND (SELECT ingest_internal.acts_for(0::oid))
GROUP BY d.name, x.source, x.kind, x.state;
COMMENT ON VIEW run_totals IS 'totals of all runs since the beginning: what metrics count';

CREATE VIEW quality_status WITH (security_barrier) AS
SELECT r.schema_name AS schema_name, -- schema of the table
    r.table_name AS table_name, -- the table
    (SELECT d.name FROM data_source d WHERE d.id = r.source) AS source, -- the source that the table is a copy from
    r.source AS source_id, -- its number
    r.id AS rule, -- number of the rule
    r.kind AS kind, -- what it requires
    r.columns AS columns, -- columns that it is about
    r.severity AS severity, -- how bad a failure is
    x.ok AS ok, -- whether it held when last checked
    x.violations AS violations, -- rows that violated it
    x.rows AS rows, -- rows looked at
    CASE WHEN m.may THEN x.examples END AS examples, -- some of the values, for those who may read the table
    x.checked_at AS checked_at, -- when
    CASE WHEN m.may THEN x.where_clause END AS where_clause -- condition that selects the violating rows; it contains
        -- values, so likewise
FROM rule r LEFT JOIN LATERAL (SELECT * FROM rule_result x WHERE x.rule = r.id ORDER BY x.id DESC LIMIT 1) x ON true,
    LATERAL (SELECT ingest_internal.acts_for(r.owner) OR ingest_internal.sees_table(r.owner, r.relation) AS may
        OFFSET 0) m
WHERE r.enabled AND (r.source = ANY ((SELECT ingest_internal.my_sources())::integer[])
    OR ingest_internal.acts_for(r.owner));
COMMENT ON VIEW quality_status IS 'rules and their last results';


CREATE VIEW anomaly_status WITH (security_barrier) AS
SELECT a.id AS anomaly, -- number of the anomaly
    d.name AS source, -- the source
    a.source AS source_id, -- its number
    s.name AS sync, -- the sync
    a.sync AS sync_id, -- its number
    a.schema_name AS schema_name, -- schema of the table
    a.table_name AS table_name, -- the table
    a.column_name AS column_name, -- the column
    a.kind AS kind, -- what is odd
    a.severity AS severity, -- how bad it is
    CASE WHEN m.may THEN a.summary END AS summary, -- a sentence that describes it, for those who may read the table
    CASE WHEN m.may THEN a.evidence END AS evidence, -- the figures behind it, likewise
    a.detected_at AS detected_at, -- when it was found
    a.resolved_at AS resolved_at, -- when somebody marked it as dealt with
    a.run AS run -- the run that found it
FROM anomaly a LEFT JOIN data_source d ON d.id = a.source LEFT JOIN sync s ON s.id = a.sync,
    LATERAL (SELECT coalesce(ingest_internal.acts_for(coalesce(d.owner, a.owner)), false)
        OR ingest_internal.sees_table(coalesce(s.owner, d.owner, a.owner), a.relation) AS may OFFSET 0) m
WHERE a.source = ANY ((SELECT ingest_internal.my_sources())::integer[]) OR a.source IS NULL
    AND ingest_internal.acts_for(a.owner);
COMMENT ON VIEW anomaly_status IS 'anomalies, current and past';

CREATE VIEW job_status WITH (security_barrier) AS
SELECT j.name AS job, -- name of the job
    j.id AS job_id, -- its number
    j.kind AS kind, -- what it does
    d.name AS source, -- the source it works on
    d.id AS source_id, -- its number
    ingest_internal.role_name(j.owner, j.owner_name) AS owner, -- role that it runs as
    j.priority AS priority, -- higher ones first
    j.schedule AS schedule, -- cron's five fields or an interval
    j.scheduler AS scheduler, -- what keeps the schedule: launcher or pg_cron
    j.zone AS zone, -- the time zone of its schedule, unless that names one
    j.next_due AS next_due, -- when it is due next, if the launcher keeps the schedule
    greatest(extract(epoch FROM now() - j.next_due), 0)::float8 AS overdue_seconds, -- for how long it has been due
    q.run_at AS queued_for, -- when it may begin, if it is in the queue
    extract(epoch FROM now() - q.run_at)::float8 AS queued_seconds, -- for how long it could have begun; negative: not
        -- yet
    q.attempts AS attempts, -- how often that has been tried
    q.worker IS NOT NULL AS running, -- whether it runs; null: it is not in the queue
    CASE
        WHEN q.worker IS NOT NULL THEN NULL
        WHEN current_setting('ingest.enabled', true) = 'off'
            THEN 'nothing is done by itself here: ingest.enabled is off'
        WHEN j.schedule_error IS NOT NULL AND q.id IS NULL THEN 'its schedule cannot be kept: ' || j.schedule_error
        WHEN o.rolname IS NULL THEN format('its owner %s is gone: SELECT * FROM '
            'ingest.reassign(''-'', ''new_owner'', called => %L)', j.owner_name, j.owner_name)
        WHEN NOT o.rolcanlogin THEN format('its owner %s may not log in', o.rolname)
        WHEN q.id IS NULL AND j.schedule IS NULL THEN 'it has no schedule, and nobody put it into the queue'
        WHEN q.id IS NULL AND j.scheduler = 'launcher' AND NOT ingest_internal.launcher_runs()
            THEN 'nothing keeps its schedule: shared_preload_libraries does not name ingest'
        WHEN q.id IS NULL AND j.scheduler = 'pg_cron' AND NOT EXISTS (SELECT FROM pg_extension e
            WHERE e.extname = 'pg_cron') THEN 'nothing keeps its schedule: pg_cron is not installed here'
        WHEN q.id IS NULL THEN NULL
        WHEN d.state = 'paused' THEN 'its source is paused'
        WHEN y.state <> 'active' THEN format('its sync is %s', y.state)
        WHEN q.put_back IS NOT NULL THEN 'put back, which does not count as an attempt: '
            || CASE WHEN ingest_internal.acts_for(j.owner) THEN q.put_back ELSE 'its owner can see why' END
        WHEN q.run_at > now() THEN 'it is to be tried again, or was put into the queue for later'
        WHEN c.state = 'open' AND now() < c.opened_at + c.open_for THEN 'the circuit breaker of its source is open'
        WHEN w.name IS NOT NULL THEN format('it waits for job %s', w.name)
        WHEN q.source IS NOT NULL AND (SELECT count(*) FROM queue p WHERE p.source = q.source
            AND p.worker IS NOT NULL) >= CASE c.state WHEN 'closed' THEN d.max_parallel ELSE 1 END
            THEN 'the maximum number of jobs is running on its source'
        WHEN NOT ingest_internal.launcher_runs()
            THEN 'nothing runs what is queued: CALL ingest.work() does, or ingest in shared_preload_libraries'
        ELSE 'all workers are busy' END AS waits_for, -- why it does not run now; null: it runs, or is not due
    r.id AS last_run, -- its last run
    ingest_internal.state_in_words(ingest_internal.state_of_run(r.id, r.state, r.pid),
        r.left_out) AS last_state, -- how that ended
    r.started_at AS last_started_at, -- when it began
    r.finished_at AS last_finished_at, -- when it ended
    extract(epoch FROM coalesce(r.finished_at, r.updated_at)
        - r.started_at)::float8 AS last_seconds, -- how long it took
    r.error_class AS last_error_class, -- its error's class, as in run_status
    CASE WHEN ingest_internal.acts_for(j.owner) THEN r.error END AS last_error, -- its error, for the owner
    CASE WHEN r.error IS NOT NULL THEN r.finished_at END AS last_error_at, -- when that was
    (SELECT max(x.finished_at) FROM (SELECT x.finished_at FROM run x WHERE x.job = j.id AND x.state IN ('succeeded',
        'succeeded with') ORDER BY x.id DESC LIMIT 1) x) AS last_success, -- when a run last succeeded
    (SELECT count(*) FROM dead_letter l WHERE l.job = j.id
        AND l.requeued_at IS NULL) AS dead_letters -- how often it was given up and not put back
FROM job j LEFT JOIN data_source d ON d.id = j.source LEFT JOIN circuit c ON c.source = j.source
    LEFT JOIN pg_roles o ON o.oid = j.owner
LEFT JOIN sync y ON j.kind = 'sync' AND y.name = j.argument
LEFT JOIN LATERAL (SELECT q.* FROM queue q WHERE q.job = j.id ORDER BY q.worker IS NULL, q.turn, q.id LIMIT 1) q ON true
LEFT JOIN LATERAL (SELECT k.name FROM job_dependency x JOIN job k ON k.id = x.depends_on WHERE x.job = j.id
    AND (EXISTS (SELECT FROM queue p WHERE p.job = k.id)
    OR (SELECT z.state FROM run z WHERE z.job = k.id ORDER BY z.id DESC LIMIT 1) IN ('failed', 'lost'))
        ORDER BY k.name LIMIT 1) w ON true
LEFT JOIN LATERAL (SELECT r.* FROM run r WHERE r.job = j.id ORDER BY r.id DESC LIMIT 1) r ON true
WHERE ingest_internal.acts_for(j.owner) OR j.source = ANY ((SELECT ingest_internal.my_sources())::integer[]);
COMMENT ON VIEW job_status
    IS 'the state of each job: who schedules it, when it is due, how it last went, and why it does not run';

CREATE VIEW consumer_status WITH (security_barrier) AS
SELECT s.consumer AS consumer, -- name of the consumer
    ingest_internal.role_name(s.owner, s.owner_name) AS owner, -- role that reads and acknowledges as this consumer
    s.types AS types, -- types it wants; null: all
    s.floor_era AS floor_era, -- where it is: events of earlier eras are done
    s.floor_id AS floor_id, -- and so are those of this era up to this id
    u.behind AS behind, -- events that it wants and has not acknowledged; 10000 means that many or more
    u.oldest AS oldest_at, -- when the oldest of them was written
    now() - u.oldest AS behind_for, -- how long ago that is
    extract(epoch FROM now() - u.oldest)::float8 AS behind_seconds, -- the same in seconds
    (SELECT e.time FROM event e ORDER BY e.era, e.id LIMIT 1) AS oldest_kept_at, -- when the oldest event that is kept
        -- was written
    s.open IS NOT NULL AS reading, -- whether it has read events that it has not acknowledged
    s.last_ack AS last_ack, -- when it last acknowledged
    extract(epoch FROM now() - s.last_ack)::float8 AS last_ack_seconds, -- how long ago that is
    s.created_at AS created_at -- when it was made
FROM subscription s, LATERAL (SELECT min(b.base) - 1 AS last_era FROM installation i, unnest(i.bases) b (base)
    WHERE b.base > s.era) l, LATERAL (SELECT count(*) AS behind, min(e.time) AS oldest FROM (
    SELECT e.time FROM event e WHERE (e.era, e.id) > (s.floor_era, s.floor_id)
        AND (s.types IS NULL OR ingest_internal.event_wanted(e.type, s.types))
      AND (e.era > l.last_era OR NOT pg_visible_in_snapshot(e.xid, s.seen)
        AND NOT (s.open IS NOT NULL AND e.era = s.era AND e.id <= s.last_id AND pg_visible_in_snapshot(e.xid, s.open)))
      AND (pg_has_role(s.owner, e.owner, 'USAGE') OR pg_has_role(s.owner, 'ingest_admin', 'USAGE')
        OR EXISTS (SELECT FROM source_grant g WHERE g.source = e.source_id AND pg_has_role(s.owner, g.role, 'USAGE')))
    LIMIT 10000) e) u
WHERE ingest_internal.acts_for(s.owner);
COMMENT ON VIEW consumer_status IS 'the state of each consumer of events: where it is, and how far behind';

CREATE VIEW alert_status WITH (security_barrier) AS
SELECT a.id AS alert, -- number of the alert
    a.kind AS kind, -- what is wrong
    a.severity AS severity, -- info, warning or error
    a.subject AS subject, -- what it is about: a sync, a job, a source or a table
    CASE WHEN a.closed_at IS NOT NULL THEN 'closed' WHEN k.alert IS NOT NULL THEN 'acknowledged'
        WHEN q.until IS NOT NULL THEN 'silenced' ELSE 'open' END AS state, -- open, acknowledged, silenced or closed
    CASE WHEN m.may THEN a.summary END AS summary, -- a sentence that describes it, for its owner
    d.name AS source, -- the source
    a.source AS source_id, -- its number
    s.name AS sync, -- the sync
    a.sync AS sync_id, -- its number
    j.name AS job, -- the job
    a.job AS job_id, -- its number
    a.count AS count, -- how often it was found
    a.opened_at AS opened_at, -- when it was first found
    a.last_seen_at AS last_seen_at, -- when it was last found
    coalesce(a.closed_at, now()) - a.opened_at AS duration, -- how long it lasted, or has lasted so far
    extract(epoch FROM coalesce(a.closed_at, now()) - a.opened_at)::float8 AS duration_seconds, -- the same in seconds
    k.role_name AS acknowledged_by, -- who is taking care of it
    k.at AS acknowledged_at, -- since when
    q.until AS silenced_until, -- until when it is silenced
    a.closed_at AS closed_at, -- when it was put right
    a.closed_by AS closed_by, -- what put it right
    a.run AS run -- the run that last found it
FROM alert a LEFT JOIN data_source d ON d.id = a.source LEFT JOIN sync s ON s.id = a.sync
    LEFT JOIN job j ON j.id = a.job LEFT JOIN acknowledgement k ON k.alert = a.id,
    LATERAL (SELECT coalesce(s.owner, j.owner, (SELECT r.owner FROM rule r WHERE r.id = a.rule), d.owner,
        (SELECT x.owner FROM anomaly x WHERE x.id = a.anomaly), a.owner) AS owner OFFSET 0) o,
    LATERAL (SELECT max(x.until) AS until FROM silence x WHERE a.closed_at IS NULL AND x.until > now()
        AND ingest_internal.alert_fits(a, x.pattern)
        AND ingest_internal.acts_for(x.owner, o.owner)) q,
    LATERAL (SELECT coalesce(ingest_internal.acts_for(o.owner), false) AS may OFFSET 0) m
WHERE m.may OR a.source = ANY ((SELECT ingest_internal.my_sources())::integer[])
ORDER BY a.opened_at DESC;
COMMENT ON VIEW alert_status IS 'alerts: what is or was wrong and needs attention';
