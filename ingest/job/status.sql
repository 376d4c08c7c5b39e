

-- The daily questions

-- They belong to the engine and say themselves who sees what: errors may quote values of rows, which a grantee does not see.

CREATE VIEW source_status WITH (security_barrier) AS
SELECT d.name AS source, -- name of the source
    d.server AS server, -- its foreign server
    ingest_internal.role_name(d.owner, d.owner_name) AS owner, -- who owns it
    d.state AS state, -- active or paused
    c.state AS circuit, -- its breaker: closed, open, half-open
    CASE WHEN ingest_internal.acts_for(d.owner) THEN c.reason END AS circuit_reason, -- the error that opened it
    CASE WHEN c.state = 'open' THEN c.opened_at + c.open_for END AS circuit_retry_at, -- when it lets one job try
    d.last_check_at AS last_check_at, -- when it was checked last
    d.last_check_ok AS last_check_ok, -- whether all was in order
    d.last_crawl_at AS last_crawl_at, -- when a crawl last got to its end
    (SELECT count(*) FROM source_table t WHERE t.source = d.id AND t.gone_at IS NULL) AS tables, -- tables there
    (SELECT count(*) FROM sync s WHERE s.source = d.id) AS syncs, -- copies of them
    (SELECT count(*) FROM sync s JOIN source_table t ON t.id = s.table_id WHERE s.source = d.id AND (s.state = 'stopped'
        OR ingest_internal.sync_trouble(s.owner, t.relation, t.local_schema, t.local_name, s.target, s.target_schema, s.target_table) IS NOT NULL)) AS stopped, -- copies that wait for a hand
    (SELECT count(*) FROM queue q WHERE q.source = d.id AND q.worker IS NULL) AS queued, -- jobs that wait
    (SELECT count(*) FROM queue q WHERE q.source = d.id AND q.worker IS NOT NULL) AS running, -- jobs that run
    CASE WHEN ingest_internal.acts_for(d.owner) THEN (SELECT r.error FROM run r WHERE r.source = d.id AND r.state IN ('failed', 'lost') ORDER BY r.id DESC LIMIT 1) END AS last_error, -- the last error, for its owner
    CASE WHEN ingest_internal.acts_for(d.owner) THEN d.last_check END AS last_check -- what that check found, likewise: an array of check, ok, detail
FROM data_source d LEFT JOIN circuit c ON c.source = d.id
WHERE d.id = ANY ((SELECT ingest_internal.my_sources())::integer[]);
COMMENT ON VIEW source_status IS 'how sources are';

CREATE VIEW table_status WITH (security_barrier) AS
SELECT d.name AS source, -- name of the source
    t.name AS "table", -- the table there
    s.name AS sync, -- the sync that copies it
    s.id AS sync_id, -- its number
    format('%I.%I', s.target_schema, s.target_table) AS target, -- the copy
    s.mode AS mode, -- full, incremental or append
    CASE WHEN x.trouble IS NULL THEN s.state ELSE 'stopped' END AS state, -- active, paused or stopped; stopped, too, if one of its tables is gone
    coalesce(x.trouble, CASE WHEN ingest_internal.sees_rows(s.id) THEN s.state_reason END) AS state_reason, -- why; an error for those who may read the copy
    EXISTS (SELECT FROM job j WHERE j.kind = 'sync' AND j.argument = s.name AND j.enabled AND j.schedule IS NOT NULL AND d.state = 'active') AS scheduled, -- whether a job runs it, on a source that is not paused
    z.phase AS phase, -- new, loading or ready
    CASE WHEN ingest_internal.sees_rows(s.id) THEN z.watermark ELSE ingest_internal.open_watermark(z.watermark) END AS watermark, -- everything older is here; one that is no time, likewise
    z.watermark_time AS watermark_time, -- the same as a moment, where the cursor is a time
    z.last_success AS last_success, -- when a run last got to its end
    now() - z.last_success AS age, -- how long ago that is
    extract(epoch FROM now() - z.last_success)::float8 AS age_seconds, -- the same in seconds
    t.freshness_objective AS freshness_objective, -- how old it may be
    extract(epoch FROM t.freshness_objective)::float8 AS freshness_objective_seconds, -- the same in seconds
    x.trouble IS NULL AND coalesce(now() - z.last_success <= t.freshness_objective, t.freshness_objective IS NULL) AS fresh, -- whether it is that fresh; false if it cannot be
    z.rows AS rows, -- rows of the copy
    t.row_count AS source_rows, -- rows there when last counted
    (SELECT count(*) FROM rejected_row j WHERE j.sync = s.id AND j.resolved_at IS NULL) AS rejected, -- rows that do not fit
    r.state AS last_state, -- how the last run ended
    CASE WHEN ingest_internal.sees_rows(s.id) THEN r.error END AS last_error, -- and its error, likewise
    CASE WHEN r.error IS NOT NULL THEN r.finished_at END AS last_error_at -- when that was
FROM sync s JOIN source_table t ON t.id = s.table_id JOIN data_source d ON d.id = s.source JOIN sync_state z ON z.sync = s.id
LEFT JOIN LATERAL (SELECT r.state, r.error, r.finished_at FROM run r WHERE r.sync = s.id ORDER BY r.id DESC LIMIT 1) r ON true,
    LATERAL (SELECT ingest_internal.sync_trouble(s.owner, t.relation, t.local_schema, t.local_name, s.target, s.target_schema, s.target_table) AS trouble OFFSET 0) x
WHERE s.source = ANY ((SELECT ingest_internal.my_sources())::integer[]);
COMMENT ON VIEW table_status IS 'how copies are: freshness, rows, last error';

CREATE VIEW run_status WITH (security_barrier) AS
SELECT r.id AS run, -- number of the run
    r.kind AS kind, -- what it does
    coalesce((SELECT s.name FROM sync s WHERE s.id = r.sync), (SELECT j.name FROM job j WHERE j.id = r.job), (SELECT d.name FROM data_source d WHERE d.id = r.source)) AS name, -- of what
    r.state AS state, -- running, succeeded, failed, cancelled or lost
    r.phase AS phase, -- what it is at
    r.started_at AS started_at, -- when it began
    coalesce(r.finished_at, r.updated_at) - r.started_at AS duration, -- how long it took, or so far
    extract(epoch FROM coalesce(r.finished_at, r.updated_at) - r.started_at)::float8 AS duration_seconds, -- the same in seconds
    p.ranges_done AS ranges_done, -- ranges of the load that are done, of a run that loads
    p.ranges AS ranges, -- ranges that the load has
    r.rows_read AS rows_read, -- rows read
    r.rows_inserted AS rows_inserted, -- rows new here
    r.rows_updated AS rows_updated, -- rows that differed
    r.rows_deleted AS rows_deleted, -- rows gone
    r.rows_rejected AS rows_rejected, -- rows that did not fit
    round(r.rows_read / nullif(extract(epoch FROM coalesce(r.finished_at, r.updated_at) - r.started_at), 0), 1) AS rows_per_second, -- how fast
    CASE WHEN r.state = 'succeeded' THEN 1 ELSE p.share END AS share_done, -- share of the rows expected, with those of runs before it in the same load
    CASE WHEN r.state = 'running' AND r.rows_read > 0 AND p.share < 1
        THEN (r.updated_at - r.started_at) * greatest(p.rows_left / r.rows_read, 0) END AS time_left, -- at this speed
    CASE WHEN r.state = 'running' AND r.rows_read > 0 AND p.share < 1
        THEN (extract(epoch FROM r.updated_at - r.started_at) * greatest(p.rows_left / r.rows_read, 0))::float8 END AS seconds_left, -- the same in seconds
    r.pid AS pid, -- its process, while it runs
    r.attempt AS attempt, -- the how manieth try
    r.error_class AS error_class, -- throttled, passing, login, schema, cancelled, lasting
    CASE WHEN m.may THEN r.error END AS error, -- why it failed, for those who may read the copy
    CASE WHEN m.may THEN r.error_detail END AS detail, -- more of it, likewise
    CASE WHEN m.may THEN r.error_hint END AS hint -- what to do, likewise
FROM run r LEFT JOIN LATERAL (
    SELECT round(least(coalesce(g.done, r.rows_read::numeric) / nullif(coalesce(g.total, r.rows_expected), 0), 1), 4) AS share,
        (coalesce(g.total, r.rows_expected) - coalesce(g.done, r.rows_read))::float8 AS rows_left,
        CASE WHEN g.ranges > 0 THEN g.ranges_done END AS ranges_done, nullif(g.ranges, 0) AS ranges
    FROM (SELECT sum(coalesce(x.rows_read, 0)) AS done, sum(greatest(x.expected, x.rows_read)) AS total, count(x.done_at) AS ranges_done, count(*) AS ranges FROM sync_range x WHERE x.sync = r.sync AND r.state = 'running') g) p ON true,
    LATERAL (SELECT ingest_internal.acts_for(r.role) OR coalesce(ingest_internal.sees_rows(r.sync), false) AS may OFFSET 0) m
WHERE r.source = ANY ((SELECT ingest_internal.my_sources())::integer[]) OR ingest_internal.acts_for(r.role);
COMMENT ON VIEW run_status IS 'runs: how far they are, how they ended';

CREATE VIEW quality_status WITH (security_barrier) AS
SELECT format('%I.%I', r.schema_name, r.table_name) AS "table", -- the table
    r.id AS rule, -- number of the rule
    r.kind AS kind, -- what it demands
    r.columns AS columns, -- of which columns
    r.severity AS severity, -- how bad a failure is
    x.ok AS ok, -- whether it held when last checked
    x.violations AS violations, -- rows that violated it
    x.rows AS rows, -- rows looked at
    CASE WHEN m.may THEN x.examples END AS examples, -- some of the values, for those who may read the table
    x.checked_at AS checked_at, -- when
    CASE WHEN m.may THEN x.where_clause END AS where_clause -- selects the violating rows; names values, so likewise
FROM rule r LEFT JOIN LATERAL (SELECT * FROM rule_result x WHERE x.rule = r.id ORDER BY x.id DESC LIMIT 1) x ON true,
    LATERAL (SELECT ingest_internal.acts_for(r.owner) OR ingest_internal.sees_table(r.owner, r.relation) AS may OFFSET 0) m
WHERE r.enabled AND (r.source = ANY ((SELECT ingest_internal.my_sources())::integer[]) OR ingest_internal.acts_for(r.owner));
COMMENT ON VIEW quality_status IS 'rules and their last results';


CREATE VIEW anomaly_status WITH (security_barrier) AS
SELECT a.id AS anomaly, -- number of the anomaly
    d.name AS source, -- the source
    format('%I.%I', a.schema_name, a.table_name) AS "table", -- the table
    a.column_name AS "column", -- the column
    a.kind AS kind, -- what is odd
    a.severity AS severity, -- how bad
    CASE WHEN m.may THEN a.summary END AS summary, -- in a sentence, for those who may read the table
    CASE WHEN m.may THEN a.evidence END AS evidence, -- the figures behind it, likewise
    a.detected_at AS detected_at, -- when it was found
    a.resolved_at AS resolved_at, -- when somebody said that it is dealt with
    a.run AS run -- the run that found it
FROM anomaly a LEFT JOIN data_source d ON d.id = a.source LEFT JOIN sync s ON s.id = a.sync,
    LATERAL (SELECT coalesce(ingest_internal.acts_for(coalesce(d.owner, a.owner)), false) OR ingest_internal.sees_table(coalesce(s.owner, d.owner, a.owner), a.relation) AS may OFFSET 0) m
WHERE a.source = ANY ((SELECT ingest_internal.my_sources())::integer[]) OR a.source IS NULL AND ingest_internal.acts_for(a.owner);
COMMENT ON VIEW anomaly_status IS 'what is odd, and was';
