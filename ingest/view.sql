
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

CREATE FUNCTION may_read(schema_name name, table_name name, column_name name) RETURNS boolean LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT coalesce((SELECT has_column_privilege(c.oid, a.attnum, 'SELECT') FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid JOIN pg_attribute a ON a.attrelid = c.oid
      WHERE n.nspname = may_read.schema_name AND c.relname = may_read.table_name AND a.attname = may_read.column_name AND NOT a.attisdropped), false);
    END;
COMMENT ON FUNCTION may_read(name, name, name) IS 'whether the caller may SELECT from a column';

-- These two show what base tables keep from readers, and so are the repository owner's: they look after rows themselves.
CREATE VIEW column_status AS
SELECT d.name AS source, -- name of the source
    t.name AS "table", -- the table there
    c.name AS "column", -- the column
    c.position AS position, -- its place
    c.type AS type, -- its type
    c.nullable AS nullable, -- whether it may be null
    c.constraints AS constraints, -- declared here
    c.description AS description, -- from the source
    c.custom AS custom, -- a customer's own field
    c.key_position AS key_position, -- its place in the key
    c.hidden_type AS hidden_type, -- what its texts really are
    c.semantic_type AS semantic_type, -- what its values mean
    CASE WHEN may_read(t.local_schema, t.local_name, c.name::name) THEN c.sample_values END AS sample_values, -- real values, for those who may read the column
    c.first_seen AS first_seen, -- when a crawl first found it
    c.gone_at AS gone_at -- when a crawl no longer found it
FROM source_column c JOIN source_table t ON t.id = c.table_id JOIN data_source d ON d.id = c.source
WHERE c.source = ANY (ARRAY(SELECT my_sources()));
COMMENT ON VIEW column_status IS 'columns of sources; samples only of those that the caller may read';

CREATE VIEW profile_status AS
SELECT p.schema_name AS schema_name, -- schema of the relation
    p.table_name AS table_name, -- the relation
    p.column_name AS column_name, -- the column
    p.run AS run, -- the run that made it
    p.profiled_at AS profiled_at, -- when it was made
    p.sampled AS sampled, -- whether only a part was read
    p.total_rows AS total_rows, -- rows of the relation
    (p.statistics).null_share AS null_share, -- share of nulls
    (p.statistics).distinct_count AS distinct_count, -- different values
    (p.statistics).uniqueness AS uniqueness, -- different values per value
    CASE WHEN m.may THEN (p.statistics).mean END AS mean, -- mean of numbers, for those who may read the column
    CASE WHEN m.may THEN (p.statistics).stddev END AS stddev, -- their standard deviation, likewise
    (p.statistics).hidden_type AS hidden_type, -- what texts really are
    (p.statistics).semantic_type AS semantic_type, -- what values mean
    CASE WHEN m.may THEN (p.statistics).min END AS min, -- least value, for those who may read the column
    CASE WHEN m.may THEN (p.statistics).max END AS max, -- greatest value, likewise
    CASE WHEN m.may THEN (p.statistics).samples END AS samples, -- real values, likewise
    CASE WHEN m.may THEN p.statistics END AS statistics, -- all figures, likewise
    CASE WHEN m.may THEN p.sketch END AS sketch -- what they come from, likewise
FROM profile_stats p, LATERAL (SELECT may_read(p.schema_name, p.table_name, p.column_name) AS may OFFSET 0) m
WHERE p.source = ANY (ARRAY(SELECT my_sources())) OR p.source IS NULL AND m.may;
COMMENT ON VIEW profile_status IS 'profiles and their history; values only of columns that the caller may read';
