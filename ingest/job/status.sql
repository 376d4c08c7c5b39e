

-- The daily questions

CREATE VIEW source_status WITH (security_invoker) AS
SELECT d.name AS source, -- name of the source
    d.server AS server, -- its foreign server
    d.owner AS owner, -- who owns it
    d.state AS state, -- active or paused
    c.state AS circuit, -- its breaker: closed, open, half-open
    c.reason AS circuit_reason, -- the error that opened it
    CASE WHEN c.state = 'open' THEN c.opened_at + c.open_for END AS circuit_retry_at, -- when it lets one job try
    d.last_check_at AS last_check_at, -- when it was checked last
    d.last_check_ok AS last_check_ok, -- whether all was in order
    d.last_crawl_at AS last_crawl_at, -- when a crawl last got to its end
    (SELECT count(*) FROM source_table t WHERE t.source = d.id AND t.gone_at IS NULL) AS tables, -- tables there
    (SELECT count(*) FROM sync s WHERE s.source = d.id) AS syncs, -- copies of them
    (SELECT count(*) FROM sync s WHERE s.source = d.id AND s.state = 'stopped') AS stopped, -- copies that wait for a hand
    (SELECT count(*) FROM queue q WHERE q.source = d.id AND q.worker IS NULL) AS queued, -- jobs that wait
    (SELECT count(*) FROM queue q WHERE q.source = d.id AND q.worker IS NOT NULL) AS running, -- jobs that run
    (SELECT r.error FROM run r WHERE r.source = d.id AND r.state IN ('failed', 'lost') ORDER BY r.id DESC LIMIT 1) AS last_error -- the last error
FROM data_source d LEFT JOIN circuit c ON c.source = d.id;
COMMENT ON VIEW source_status IS 'how sources are';

CREATE VIEW table_status WITH (security_invoker) AS
SELECT d.name AS source, -- name of the source
    t.name AS "table", -- the table there
    s.name AS sync, -- the sync that copies it
    format('%I.%I', s.target_schema, s.target_table) AS target, -- the copy
    s.mode AS mode, -- full, incremental or append
    s.state AS state, -- active, paused or stopped
    s.state_reason AS state_reason, -- why
    z.phase AS phase, -- new, loading or ready
    z.watermark AS watermark, -- everything older is here
    z.last_success AS last_success, -- when a run last got to its end
    now() - z.last_success AS age, -- how long ago that is
    t.freshness_objective AS freshness_objective, -- how old it may be
    coalesce(now() - z.last_success <= t.freshness_objective, t.freshness_objective IS NULL) AS fresh, -- whether it is that fresh
    z.rows AS rows, -- rows of the copy
    t.row_count AS source_rows, -- rows there when last counted
    (SELECT count(*) FROM rejected_row j WHERE j.sync = s.id AND j.resolved_at IS NULL) AS rejected, -- rows that do not fit
    r.state AS last_state, -- how the last run ended
    r.error AS last_error -- and its error
FROM sync s JOIN source_table t ON t.id = s.table_id JOIN data_source d ON d.id = s.source JOIN sync_state z ON z.sync = s.id
LEFT JOIN LATERAL (SELECT r.state, r.error FROM run r WHERE r.sync = s.id ORDER BY r.id DESC LIMIT 1) r ON true;
COMMENT ON VIEW table_status IS 'how copies are: freshness, rows, last error';

CREATE VIEW run_status WITH (security_invoker) AS
SELECT r.id AS run, -- number of the run
    r.kind AS kind, -- what it does
    coalesce((SELECT s.name FROM sync s WHERE s.id = r.sync), (SELECT j.name FROM job j WHERE j.id = r.job), (SELECT d.name FROM data_source d WHERE d.id = r.source)) AS name, -- of what
    r.state AS state, -- running, succeeded, failed, cancelled or lost
    r.phase AS phase, -- what it is at
    r.started_at AS started_at, -- when it began
    coalesce(r.finished_at, r.updated_at) - r.started_at AS duration, -- how long it took, or so far
    r.rows_read AS rows_read, -- rows read
    r.rows_inserted AS rows_inserted, -- rows new here
    r.rows_updated AS rows_updated, -- rows that differed
    r.rows_deleted AS rows_deleted, -- rows gone
    r.rows_rejected AS rows_rejected, -- rows that did not fit
    round(r.rows_read / nullif(extract(epoch FROM coalesce(r.finished_at, r.updated_at) - r.started_at), 0), 1) AS rows_per_second, -- how fast
    CASE WHEN r.state = 'succeeded' THEN 1 ELSE p.share END AS share_done, -- share of the rows expected, with those of runs before it in the same load
    CASE WHEN r.state = 'running' AND r.rows_read > 0 AND p.share < 1
        THEN (r.updated_at - r.started_at) * greatest(p.rows_left / r.rows_read, 0) END AS time_left, -- at this speed
    r.pid AS pid, -- its process, while it runs
    r.attempt AS attempt, -- the how manieth try
    r.error AS error, -- why it failed
    r.error_hint AS hint -- what to do
FROM run r LEFT JOIN LATERAL (
    SELECT round(least(coalesce(g.done, r.rows_read::numeric) / nullif(coalesce(g.total, r.rows_expected), 0), 1), 4) AS share,
        (coalesce(g.total, r.rows_expected) - coalesce(g.done, r.rows_read))::float8 AS rows_left
    FROM (SELECT sum(coalesce(x.rows_read, 0)) AS done, sum(greatest(x.expected, x.rows_read)) AS total FROM sync_range x WHERE x.sync = r.sync AND r.state = 'running') g) p ON true;
COMMENT ON VIEW run_status IS 'runs: how far they are, how they ended';

CREATE VIEW quality_status WITH (security_invoker) AS
SELECT format('%I.%I', r.schema_name, r.table_name) AS "table", -- the table
    r.id AS rule, -- number of the rule
    r.kind AS kind, -- what it demands
    r.columns AS columns, -- of which columns
    r.severity AS severity, -- how bad a failure is
    x.ok AS ok, -- whether it held when last checked
    x.violations AS violations, -- rows that violated it
    x.rows AS rows, -- rows looked at
    x.examples AS examples, -- some of the values
    x.checked_at AS checked_at, -- when
    x.where_clause AS where_clause -- selects the violating rows
FROM rule r LEFT JOIN LATERAL (SELECT * FROM rule_result x WHERE x.rule = r.id ORDER BY x.id DESC LIMIT 1) x ON true
WHERE r.enabled;
COMMENT ON VIEW quality_status IS 'rules and their last results';

