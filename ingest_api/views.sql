-- What is answered by name: views with stable names, for whoever asks by HTTP and for PostgREST, PostGraphile and
-- Grafana alike.
-- Numbers and moments instead of intervals, no reserved words, numbers wherever a thing has one.

CREATE VIEW ingest_api.sources WITH (security_invoker) AS
SELECT v.source_id AS id, -- its number
    v.source AS name, -- name of the source
    v.server AS server, -- its foreign server
    v.owner AS owner, -- role that owns it
    v.state AS state, -- active or paused
    v.circuit AS circuit, -- its breaker: closed, open, half-open
    v.circuit_reason AS circuit_reason, -- the error that opened it
    v.circuit_retry_at AS circuit_retry_at, -- when it lets one job try
    v.last_check_at AS last_check_at, -- when it was last checked
    v.last_check_ok AS last_check_ok, -- whether everything was in order
    v.last_crawl_at AS last_crawl_at, -- when a crawl last finished
    v.tables AS tables, -- tables at the source
    v.syncs AS syncs, -- copies of them
    v.stopped AS stopped, -- copies that have stopped and need attention
    v.queued AS queued, -- jobs that are waiting
    v.queued_seconds AS queued_seconds, -- how long the one that has been due longest has waited
    v.running AS running, -- jobs that are running
    v.rejected AS rejected, -- rows that do not fit into their copies
    v.anomalies AS anomalies, -- anomalies that have not been resolved
    v.dead_letters AS dead_letters, -- jobs that were given up and not put back
    v.last_error AS last_error, -- the last error, for its owner
    v.last_error_class AS last_error_class, -- its class, as in run_status
    v.last_error_at AS last_error_at -- when that was
FROM ingest.source_status v;
COMMENT ON VIEW ingest_api.sources IS 'sources: registered foreign servers';

CREATE VIEW ingest_api.schemas WITH (security_invoker) AS
SELECT v.id AS id, -- number of the schema
    v.source AS source_id, -- the source it belongs to
    v.name AS name, -- its name at the source
    v.first_seen AS first_seen, -- when a crawl first found it
    v.gone_at AS gone_at -- when a crawl found it gone
FROM ingest.source_schema v;
COMMENT ON VIEW ingest_api.schemas IS 'schemas of sources';

CREATE VIEW ingest_api.tables WITH (security_invoker) AS
SELECT v.id AS id, -- number of the table
    v.source AS source_id, -- the source it belongs to
    v.schema_id AS schema_id, -- the schema it belongs to
    v.name AS name, -- its name at the source
    v.local_schema AS local_schema, -- schema of the foreign table, when last looked at
    v.local_name AS local_name, -- name of the foreign table, likewise
    v.kind AS kind, -- table, custom record, view ...
    v.description AS description, -- from the source, or COMMENT ON the foreign table
    v.row_count AS rows, -- rows at the source when last counted
    v.last_change AS last_change, -- the newest cursor seen
    v.key AS key, -- columns that identify a row
    v.key_origin AS key_origin, -- where the key comes from: source, user, data (verified by reading it)
    v.cursor_column AS cursor_column, -- the column that shows that a row changed
    v.parent AS parent_id, -- the table whose rows these belong to, such as headers of lines
    v.parent_column AS parent_column, -- the column that names the parent's row
    v.first_seen AS first_seen, -- when a crawl first found it
    v.crawled_at AS crawled_at, -- when a crawl last looked
    v.gone_at AS gone_at -- when a crawl found it gone
FROM ingest.source_table v;
COMMENT ON VIEW ingest_api.tables IS 'tables of sources, each a foreign table here';

CREATE VIEW ingest_api.columns WITH (security_invoker) AS
SELECT v.table_id AS table_id, -- its number
    v.source_id AS source_id, -- its number
    v.column_name AS name, -- the column
    v.position AS position, -- its place
    v.type AS type, -- its type
    v.nullable AS nullable, -- whether it may be null
    v.constraints AS constraints, -- declared locally
    v.description AS description, -- from the source
    v.custom AS custom, -- whether it is a customer's own field
    v.key_position AS key_position, -- its place in the key
    v.hidden_type AS hidden_type, -- the type that its text values really have
    v.semantic_type AS semantic_type, -- what its values mean
    v.sample_values AS sample_values, -- real values, for those who may read the column
    v.first_seen AS first_seen, -- when a crawl first found it
    v.gone_at AS gone_at -- when a crawl found it gone
FROM ingest.column_status v;
COMMENT ON VIEW ingest_api.columns IS 'columns of sources; sample values only of columns that the caller may read';

CREATE VIEW ingest_api.syncs WITH (security_invoker) AS
SELECT v.sync_id AS id, -- its number
    v.sync AS name, -- the sync that copies it
    v.source_id AS source_id, -- its number
    v.table_id AS table_id, -- its number
    v.target AS target, -- the copy
    v.mode AS mode, -- full, incremental, append or pieces
    v.state AS state, -- active, paused or stopped; also stopped if one of its tables is gone
    v.state_reason AS state_reason, -- why; an error for those who may read the copy
    v.scheduled AS scheduled, -- whether a job runs it, on a source that is not paused
    v.phase AS phase, -- new, loading or ready
    v.watermark AS watermark, -- everything older is in the copy; one that is not a time, likewise
    v.watermark_time AS watermark_time, -- the same as a timestamptz, if the cursor is a time
    v.last_success AS last_success, -- when a run last finished
    v.age_seconds AS age_seconds, -- the same in seconds
    v.freshness_objective_seconds AS freshness_objective_seconds, -- the same in seconds
    v.fresh AS fresh, -- whether it meets that; false if it cannot
    v.rows AS rows, -- rows of the copy
    v.source_rows AS source_rows, -- rows at the source when last counted
    v.rejected AS rejected, -- rows that do not fit
    v.last_state AS last_state, -- how the last run ended: succeeded with ..., if it left something out
    v.left_out AS left_out, -- what it left out
    v.late_rows AS late_rows, -- rows that came late, halved for each day since
    v.overlap_seconds AS overlap_seconds, -- how far before the watermark the next run reads again
    v.last_error AS last_error, -- its error, likewise
    v.last_error_class AS last_error_class, -- its class, as in run_status
    v.last_error_at AS last_error_at -- when that was
FROM ingest.table_status v;
COMMENT ON VIEW ingest_api.syncs IS 'copies of tables: how current they are, how many rows they have';

CREATE VIEW ingest_api.runs WITH (security_invoker) AS
SELECT v.run AS id, -- number of the run
    v.kind AS kind, -- what it does
    v.name AS name, -- what it works on
    v.source_id AS source_id, -- its number
    v.sync_id AS sync_id, -- its number
    v.job_id AS job_id, -- its number
    v.state AS state, -- running, succeeded, succeeded with ..., failed, cancelled or lost
    v.left_out AS left_out, -- what one that succeeded left out; null: nothing
    v.phase AS phase, -- what it is doing
    v.started_at AS started_at, -- when it began
    v.finished_at AS finished_at, -- when it ended
    v.duration_seconds AS duration_seconds, -- the same in seconds
    v.ranges_done AS ranges_done, -- ranges of the load that are done, if the run loads
    v.ranges AS ranges, -- all ranges of the load
    v.rows_read AS rows_read, -- rows read
    v.rows_inserted AS rows_inserted, -- rows new here
    v.rows_updated AS rows_updated, -- rows that differed
    v.rows_deleted AS rows_deleted, -- rows gone
    v.rows_rejected AS rows_rejected, -- rows that did not fit
    v.rows_per_second AS rows_per_second, -- how fast it reads
    v.share_done AS share_done, -- share of the expected rows that have been read, including those of earlier runs in
        -- the same load
    v.seconds_left AS seconds_left, -- the same in seconds
    v.attempt AS attempt, -- number of the attempt; 1: the first
    v.error_class AS error_class, -- throttled, passing, busy, login, schema, cancelled or lasting
    v.sqlstate AS sqlstate, -- the error's code
    v.error AS error, -- why it failed, for those who may read the copy
    v.detail AS detail, -- the error's detail, likewise
    v.hint AS hint -- what to do, likewise
FROM ingest.run_status v;
COMMENT ON VIEW ingest_api.runs IS 'runs: how far they are, and how they ended';

CREATE VIEW ingest_api.run_logs WITH (security_invoker) AS
SELECT v.id AS id, -- number of the line
    v.run AS run_id, -- the run
    v.at AS at, -- when
    v.level AS level, -- info, warning or error
    v.message AS message, -- what happened
    v.detail AS detail -- more about it
FROM ingest.run_log v;
COMMENT ON VIEW ingest_api.run_logs IS 'messages of runs';

CREATE VIEW ingest_api.jobs WITH (security_invoker) AS
SELECT v.job_id AS id, -- its number
    v.job AS name, -- name of the job
    v.kind AS kind, -- what it does
    v.source_id AS source_id, -- its number
    v.owner AS owner, -- role that it runs as
    v.priority AS priority, -- higher ones first
    v.schedule AS schedule, -- cron's five fields or an interval
    v.scheduler AS scheduler, -- what keeps the schedule: launcher or pg_cron
    v.zone AS zone, -- the time zone of its schedule, unless that names one
    v.next_due AS next_due, -- when it is due next, if the launcher keeps the schedule
    v.overdue_seconds AS overdue_seconds, -- for how long it has been due
    v.queued_seconds AS queued_seconds, -- for how long it could have begun; negative: not yet
    v.attempts AS attempts, -- how often that has been tried
    v.running AS running, -- whether it runs; null: it is not in the queue
    v.waits_for AS waits_for, -- why it does not run now; null: it runs, or is not due
    v.last_run AS last_run_id, -- its last run
    v.last_state AS last_state, -- how that ended
    v.last_started_at AS last_started_at, -- when it began
    v.last_finished_at AS last_finished_at, -- when it ended
    v.last_seconds AS last_seconds, -- how long it took
    v.last_error_class AS last_error_class, -- its error's class, as in run_status
    v.last_error AS last_error, -- its error, for the owner
    v.last_error_at AS last_error_at, -- when that was
    v.last_success AS last_success, -- when a run last succeeded
    v.dead_letters AS dead_letters -- how often it was given up and not put back
FROM ingest.job_status v;
COMMENT ON VIEW ingest_api.jobs
    IS 'jobs: who schedules them, when they are due, how they last went, why they do not run';

CREATE VIEW ingest_api.queue WITH (security_invoker) AS
SELECT v.id AS id, -- number of the entry
    v.job AS job_id, -- the job
    v.source AS source_id, -- the source it works on
    v.priority AS priority, -- higher ones first
    v.run_at AS run_at, -- it is not begun before this time
    v.attempts AS attempts, -- number of attempts, counted when it is taken
    v.worker AS worker -- worker that has it; null: none
FROM ingest.queue v;
COMMENT ON VIEW ingest_api.queue IS 'jobs to be done';

CREATE VIEW ingest_api.alerts WITH (security_invoker) AS
SELECT v.alert AS id, -- number of the alert
    v.kind AS kind, -- what is wrong
    v.severity AS severity, -- info, warning or error
    v.subject AS subject, -- what it is about: a sync, a job, a source or a table
    v.state AS state, -- open, acknowledged, silenced or closed
    v.summary AS summary, -- a sentence that describes it, for its owner
    v.source_id AS source_id, -- its number
    v.sync_id AS sync_id, -- its number
    v.job_id AS job_id, -- its number
    v.run AS run_id, -- the run that last found it
    v.count AS count, -- how often it was found
    v.opened_at AS opened_at, -- when it was first found
    v.last_seen_at AS last_seen_at, -- when it was last found
    v.duration_seconds AS duration_seconds, -- the same in seconds
    v.acknowledged_by AS acknowledged_by, -- who is taking care of it
    v.acknowledged_at AS acknowledged_at, -- since when
    v.silenced_until AS silenced_until, -- until when it is silenced
    v.closed_at AS closed_at, -- when it was put right
    v.closed_by AS closed_by -- what put it right
FROM ingest.alert_status v;
COMMENT ON VIEW ingest_api.alerts IS 'alerts: what is or was wrong and needs attention';

CREATE VIEW ingest_api.anomalies WITH (security_invoker) AS
SELECT v.anomaly AS id, -- number of the anomaly
    v.source_id AS source_id, -- its number
    v.sync_id AS sync_id, -- its number
    v.run AS run_id, -- the run that found it
    v.schema_name AS schema_name, -- schema of the table
    v.table_name AS table_name, -- the table
    v.column_name AS column_name, -- the column
    v.kind AS kind, -- what is odd
    v.severity AS severity, -- how bad it is
    v.summary AS summary, -- a sentence that describes it, for those who may read the table
    v.evidence AS evidence, -- the figures behind it, likewise
    v.detected_at AS detected_at, -- when it was found
    v.resolved_at AS resolved_at -- when somebody marked it as dealt with
FROM ingest.anomaly_status v;
COMMENT ON VIEW ingest_api.anomalies IS 'anomalies, current and past';

CREATE VIEW ingest_api.rules WITH (security_invoker) AS
SELECT v.rule AS id, -- number of the rule
    v.source_id AS source_id, -- its number
    v.schema_name AS schema_name, -- schema of the table
    v.table_name AS table_name, -- the table
    v.kind AS kind, -- what it requires
    v.columns AS columns, -- columns that it is about
    v.severity AS severity, -- how bad a failure is
    v.ok AS ok, -- whether it held when last checked
    v.violations AS violations, -- rows that violated it
    v.rows AS rows, -- rows looked at
    v.examples AS examples, -- some of the values, for those who may read the table
    v.checked_at AS checked_at, -- when
    v.where_clause AS where_clause -- condition that selects the violating rows; it contains values, so likewise
FROM ingest.quality_status v;
COMMENT ON VIEW ingest_api.rules IS 'rules and their last results';

CREATE VIEW ingest_api.rule_results WITH (security_invoker) AS
SELECT v.id AS id, -- number of the result
    v.rule AS rule_id, -- the rule
    v.run AS run_id, -- the run
    v.checked_at AS checked_at, -- when it was checked
    v.rows AS rows, -- rows looked at
    v.violations AS violations, -- rows that violate it
    v.ok AS ok, -- whether that is tolerated
    v.examples AS examples, -- some of the values
    v.where_clause AS where_clause -- condition that selects the violating rows
FROM ingest.rule_result v;
COMMENT ON VIEW ingest_api.rule_results IS 'results of rules, kept as history, for the rule''s owner';

CREATE VIEW ingest_api.changes WITH (security_invoker) AS
SELECT v.seq AS id, -- rises with every version
    v.sync AS sync_id, -- the sync
    v.operation AS operation, -- load, insert, update, delete or reload (found by reading everything again)
    v.key AS key, -- the row's key
    v.before AS before, -- the row before
    v.after AS after, -- the row after; null: deleted
    v.source_time AS source_time, -- when it changed at the source, by its cursor or the feed of deletions
    v.seen_at AS seen_at, -- when it was seen here
    v.run AS run_id -- the run that saw it
FROM ingest.change v;
COMMENT ON VIEW ingest_api.changes IS 'versions of rows of copies with history, for the copy''s owner';

CREATE VIEW ingest_api.run_totals WITH (security_invoker) AS
SELECT v.source_id AS source_id, -- its number
    v.kind AS kind, -- what they did
    v.state AS state, -- how they ended: succeeded, failed, cancelled or lost; running: not yet
    v.runs AS runs, -- how many there were, including those deleted since
    v.seconds AS seconds, -- how long they took
    v.rows_read AS rows_read, -- rows read
    v.rows_inserted AS rows_inserted, -- rows new here
    v.rows_updated AS rows_updated, -- rows that differed
    v.rows_deleted AS rows_deleted, -- rows gone
    v.rows_rejected AS rows_rejected -- rows that did not fit
FROM ingest.run_totals v;
COMMENT ON VIEW ingest_api.run_totals IS 'totals of all runs since the beginning';

CREATE VIEW ingest_api.profiles WITH (security_invoker) AS
SELECT v.run AS run_id, -- the run that made it
    v.schema_name AS schema_name, -- schema of the relation
    v.table_name AS table_name, -- the relation
    v.column_name AS column_name, -- the column
    v.profiled_at AS profiled_at, -- when it was made
    v.sampled AS sampled, -- whether only a sample was read
    v.total_rows AS total_rows, -- rows of the relation
    v.null_share AS null_share, -- share of nulls
    v.distinct_count AS distinct_count, -- distinct values
    v.uniqueness AS uniqueness, -- distinct values per value
    v.mean AS mean, -- mean of numbers, for those who may read the column
    v.stddev AS stddev, -- their standard deviation, likewise
    v.hidden_type AS hidden_type, -- the type that text values really have
    v.semantic_type AS semantic_type, -- what the values mean
    v.min AS min, -- lowest value, for those who may read the column
    v.max AS max, -- highest value, likewise
    v.samples AS samples, -- real values, likewise
    v.statistics AS statistics -- all figures, likewise
FROM ingest.profile_status v;
COMMENT ON VIEW ingest_api.profiles IS 'profiles and their history; values only of columns that the caller may read';

CREATE VIEW ingest_api.lineage_edges WITH (security_invoker) AS
SELECT v.id AS id, -- number of the edge
    v.source AS source_id, -- the source it starts from
    v.from_schema AS from_schema, -- where data come from: schema
    v.from_table AS from_table, -- relation
    v.from_column AS from_column, -- column; empty: the relation as a whole
    v.to_schema AS to_schema, -- where they go: schema
    v.to_table AS to_table, -- relation
    v.to_column AS to_column, -- column; empty: the relation as a whole
    v.kind AS kind, -- import, sync, or what set_lineage was told
    v.job AS job_id, -- the job that made it
    v.run AS run_id, -- the run that made it
    v.first_seen AS first_seen, -- when it was first made
    v.last_seen AS last_seen -- when it was last made
FROM ingest.lineage_edge v;
COMMENT ON VIEW ingest_api.lineage_edges IS 'where data flow from and to';

CREATE VIEW ingest_api.metadata_changes WITH (security_invoker) AS
SELECT v.id AS id, -- number of the change
    v.source AS source_id, -- the source
    v.table_id AS table_id, -- the table
    v.object_kind AS object_kind, -- what changed
    v.object_name AS object_name, -- its name; that of a column follows its table's
    v.change AS change, -- how it changed
    v.before AS before, -- state before
    v.after AS after, -- state after
    v.seen_at AS seen_at, -- when a crawl saw it
    v.run AS run_id -- the run that saw it
FROM ingest.metadata_change v;
COMMENT ON VIEW ingest_api.metadata_changes IS 'every change of metadata that crawls saw';

CREATE VIEW ingest_api.events WITH (security_invoker) AS
SELECT v.era AS era, -- era of the installation
    v.id AS id, -- rises, with gaps; with the era before it, CloudEvents' id
    v.type AS type, -- CloudEvents' type
    v.source AS source, -- CloudEvents' source: /ingest/cluster/database/source
    v.subject AS subject, -- CloudEvents' subject: what it is about
    v.time AS time, -- CloudEvents' time
    v.data AS data, -- CloudEvents' data, as event_type.schema says
    v.source_id AS source_id -- the source that it is about, even when that is gone: roles that were granted it see the
        -- event
FROM ingest.event v;
COMMENT ON VIEW ingest_api.events IS 'events that are kept: CloudEvents 1.0';

CREATE VIEW ingest_api.consumers WITH (security_invoker) AS
SELECT v.consumer AS name, -- name of the consumer
    v.owner AS owner, -- role that reads and acknowledges as this consumer
    v.types AS types, -- types it wants; null: all
    v.behind AS behind, -- events that it wants and has not acknowledged; 10000 means that many or more
    v.oldest_at AS oldest_at, -- when the oldest of them was written
    v.behind_seconds AS behind_seconds, -- the same in seconds
    v.oldest_kept_at AS oldest_kept_at, -- when the oldest event that is kept was written
    v.reading AS reading, -- whether it has read events that it has not acknowledged
    v.last_ack AS last_ack, -- when it last acknowledged
    v.last_ack_seconds AS last_ack_seconds, -- how long ago that is
    v.created_at AS created_at -- when it was made
FROM ingest.consumer_status v;
COMMENT ON VIEW ingest_api.consumers IS 'consumers of events: where they are, and how far behind';

CREATE VIEW ingest_api.dead_letters WITH (security_invoker) AS
SELECT v.id AS id, -- its number
    v.job AS job_id, -- the job
    v.attempts AS attempts, -- how often it was tried
    v.run AS run_id, -- the last run
    v.reason AS reason, -- its error
    v.died_at AS died_at, -- when it was given up
    v.requeued_at AS requeued_at -- when it was put back
FROM ingest.dead_letter v;
COMMENT ON VIEW ingest_api.dead_letters IS 'jobs that were given up';

CREATE VIEW ingest_api.silences WITH (security_invoker) AS
SELECT v.pattern AS pattern, -- kind/subject, where a * stands for anything
    v.owner_name AS owner, -- role whose alerts are silenced
    v.until AS until, -- until when nobody is told
    v.reason AS reason, -- reason, for people to read
    v.made_at AS made_at -- since when
FROM ingest.silence v;
COMMENT ON VIEW ingest_api.silences IS 'alerts that are silenced for a while';

CREATE VIEW ingest_api.annotations WITH (security_invoker) AS
SELECT v.annotation AS id, -- its number
    v.source_id AS source_id, -- the source
    v.table_id AS table_id, -- the table that it is about
    v.column_name AS column_name, -- the column that it is about; null: the table itself
    v.name AS name, -- what it says: description, tags, classification ...
    v.value AS value, -- its value
    v.said_by AS said_by, -- who says so, in their own words
    v.role AS role, -- role that made it
    v.said_at AS said_at, -- since when
    v.ended_at AS ended_at -- until when it was valid; null: it still is
FROM ingest.annotation_status v;
COMMENT ON VIEW ingest_api.annotations IS 'annotations of tables and columns by people and services, current and past';

-- Where ingest_delivery is; this extension does not need it
CREATE FUNCTION ingest_api_internal.sinks()
    RETURNS TABLE (name text, kind text, owner name, state text, reason text, url text, breaker text,
        open_until timestamptz, failures integer, behind bigint, behind_seconds float8, blocked bigint, parked bigint,
        dead bigint, sent bigint,
        expired bigint, rate float8, last_sent_at timestamptz, last_error text, last_error_at timestamptz)
            LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'ingest_delivery') THEN
        RETURN QUERY EXECUTE 'SELECT sink, kind, owner, state, reason, url, breaker, open_until, failures, '
            'behind::bigint, behind_seconds, blocked, parked, dead, sent, expired, rate, last_sent_at, last_error, '
            'last_error_at FROM ingest_delivery.sink_status';
    END IF;
END $$;
COMMENT ON FUNCTION ingest_api_internal.sinks() IS 'ingest_delivery.sink_status, or nothing if it is not installed';

CREATE FUNCTION ingest_api_internal.deliveries()
    RETURNS TABLE (sink text, at timestamptz, event text, events integer, ok boolean, status integer, error text,
    answer text, ms float8)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'ingest_delivery') THEN
        RETURN QUERY EXECUTE 'SELECT sink, at, event, events, ok, status, error, answer, ms FROM '
            'ingest_delivery.delivery_log ORDER BY at DESC LIMIT 10000';
    END IF;
END $$;
COMMENT ON FUNCTION ingest_api_internal.deliveries()
    IS 'the newest rows of ingest_delivery.delivery_log, or nothing if it is not installed';

CREATE VIEW ingest_api.sinks WITH (security_invoker) AS
SELECT v.name AS name, -- name of the sink
    v.kind AS kind, -- protocol that it uses
    v.owner AS owner, -- role as which its events are read
    v.state AS state, -- active or paused
    v.reason AS reason, -- why it is paused, if not by somebody
    v.url AS url, -- address that it sends to
    v.breaker AS breaker, -- open: nothing is sent; half-open: one is tried, then two, four ...
    v.open_until AS open_until, -- when it is tried again
    v.failures AS failures, -- failures of the sink in a row
    v.behind AS behind, -- events that it has not received; 10000 means that many or more
    v.behind_seconds AS behind_seconds, -- for how long, in seconds
    v.blocked AS blocked, -- subjects that wait
    v.parked AS parked, -- events of these subjects
    v.dead AS dead, -- events that were given up
    v.sent AS sent, -- events that arrived, in total
    v.expired AS expired, -- events that were passed over because they were too old, in total
    v.rate AS rate, -- events per second, recently
    v.last_sent_at AS last_sent_at, -- when one last arrived
    v.last_error AS last_error, -- what went wrong last
    v.last_error_at AS last_error_at -- when
FROM ingest_api_internal.sinks() v;
COMMENT ON VIEW ingest_api.sinks IS 'sinks of ingest_delivery: how far behind they are, what waits, what went wrong';

CREATE VIEW ingest_api.deliveries WITH (security_invoker) AS
SELECT v.sink AS sink, -- name of the sink
    v.at AS at, -- when it was sent
    v.event AS event, -- id of the event, or of the first one of a batch
    v.events AS events, -- how many were sent at once
    v.ok AS ok, -- whether it was accepted
    v.status AS status, -- status of the answer; null: there was none
    v.error AS error, -- why it was not accepted
    v.answer AS answer, -- the answer's first kilobyte
    v.ms AS ms -- how long it took
FROM ingest_api_internal.deliveries() v;
COMMENT ON VIEW ingest_api.deliveries IS 'the newest 10,000 attempts to send events';

INSERT INTO ingest_api_internal.resource (name, relation, key, description) VALUES
    ('sources', 'ingest_api.sources', '{id}', 'sources: registered foreign servers'),
    ('schemas', 'ingest_api.schemas', '{id}', 'schemas of sources'),
    ('tables', 'ingest_api.tables', '{id}', 'tables of sources, each a foreign table here'),
    ('columns', 'ingest_api.columns', '{table_id,name}',
        'columns of sources; sample values only of columns that the caller may read'),
    ('syncs', 'ingest_api.syncs', '{id}', 'copies of tables: how current they are, how many rows they have'),
    ('runs', 'ingest_api.runs', '{id}', 'runs: how far they are, and how they ended'),
    ('run_logs', 'ingest_api.run_logs', '{id}', 'messages of runs'),
    ('jobs', 'ingest_api.jobs', '{id}',
        'jobs: who schedules them, when they are due, how they last went, why they do not run'),
    ('queue', 'ingest_api.queue', '{id}', 'jobs to be done'),
    ('alerts', 'ingest_api.alerts', '{id}', 'alerts: what is or was wrong and needs attention'),
    ('anomalies', 'ingest_api.anomalies', '{id}', 'anomalies, current and past'),
    ('rules', 'ingest_api.rules', '{id}', 'rules and their last results'),
    ('rule_results', 'ingest_api.rule_results', '{id}', 'results of rules, kept as history'),
    ('changes', 'ingest_api.changes', '{id}', 'versions of rows of copies with history'),
    ('run_totals', 'ingest_api.run_totals', '{source_id,kind,state}', 'totals of all runs since the beginning'),
    ('profiles', 'ingest_api.profiles', '{run_id,schema_name,table_name,column_name}',
        'profiles and their history; values only of columns that the caller may read'),
    ('lineage_edges', 'ingest_api.lineage_edges', '{id}', 'where data flow from and to'),
    ('metadata_changes', 'ingest_api.metadata_changes', '{id}', 'every change of metadata that crawls saw'),
    ('events', 'ingest_api.events', '{era,id}', 'events that are kept: CloudEvents 1.0'),
    ('consumers', 'ingest_api.consumers', '{name}', 'consumers of events: where they are, and how far behind'),
    ('dead_letters', 'ingest_api.dead_letters', '{id}', 'jobs that were given up'),
    ('silences', 'ingest_api.silences', '{pattern,owner}', 'alerts that are silenced for a while'),
    ('annotations', 'ingest_api.annotations', '{id}',
        'annotations of tables and columns by people and services, current and past'),
    ('sinks', 'ingest_api.sinks', '{name}',
        'sinks of ingest_delivery: how far behind they are, what waits, what went wrong'),
    ('deliveries', 'ingest_api.deliveries', '{}', 'the newest 10,000 attempts to send events'),
    ('tokens', 'ingest_api.tokens', '{prefix}',
        'the caller''s tokens, or all of them for an admin; the tokens themselves are not shown');

INSERT INTO ingest_api_internal.relationship (name, resource, columns, other, other_columns) VALUES
    ('source', 'schemas', '{source_id}', 'sources', '{id}'),
    ('source', 'tables', '{source_id}', 'sources', '{id}'),
    ('schema', 'tables', '{schema_id}', 'schemas', '{id}'),
    ('parent', 'tables', '{parent_id}', 'tables', '{id}'),
    ('source', 'columns', '{source_id}', 'sources', '{id}'),
    ('table', 'columns', '{table_id}', 'tables', '{id}'),
    ('source', 'syncs', '{source_id}', 'sources', '{id}'),
    ('table', 'syncs', '{table_id}', 'tables', '{id}'),
    ('source', 'runs', '{source_id}', 'sources', '{id}'),
    ('sync', 'runs', '{sync_id}', 'syncs', '{id}'),
    ('job', 'runs', '{job_id}', 'jobs', '{id}'),
    ('run', 'run_logs', '{run_id}', 'runs', '{id}'),
    ('source', 'jobs', '{source_id}', 'sources', '{id}'),
    ('job', 'queue', '{job_id}', 'jobs', '{id}'),
    ('source', 'queue', '{source_id}', 'sources', '{id}'),
    ('source', 'alerts', '{source_id}', 'sources', '{id}'),
    ('sync', 'alerts', '{sync_id}', 'syncs', '{id}'),
    ('job', 'alerts', '{job_id}', 'jobs', '{id}'),
    ('run', 'alerts', '{run_id}', 'runs', '{id}'),
    ('source', 'anomalies', '{source_id}', 'sources', '{id}'),
    ('sync', 'anomalies', '{sync_id}', 'syncs', '{id}'),
    ('run', 'anomalies', '{run_id}', 'runs', '{id}'),
    ('source', 'rules', '{source_id}', 'sources', '{id}'),
    ('run', 'profiles', '{run_id}', 'runs', '{id}'),
    ('source', 'lineage_edges', '{source_id}', 'sources', '{id}'),
    ('job', 'lineage_edges', '{job_id}', 'jobs', '{id}'),
    ('run', 'lineage_edges', '{run_id}', 'runs', '{id}'),
    ('source', 'metadata_changes', '{source_id}', 'sources', '{id}'),
    ('table', 'metadata_changes', '{table_id}', 'tables', '{id}'),
    ('run', 'metadata_changes', '{run_id}', 'runs', '{id}'),
    ('source', 'events', '{source_id}', 'sources', '{id}'),
    ('job', 'dead_letters', '{job_id}', 'jobs', '{id}'),
    ('run', 'dead_letters', '{run_id}', 'runs', '{id}'),
    ('source', 'annotations', '{source_id}', 'sources', '{id}'),
    ('table', 'annotations', '{table_id}', 'tables', '{id}'),
    ('column', 'annotations', '{table_id,column_name}', 'columns', '{table_id,name}'),
    ('rule', 'rule_results', '{rule_id}', 'rules', '{id}'),
    ('run', 'rule_results', '{run_id}', 'runs', '{id}'),
    ('sync', 'changes', '{sync_id}', 'syncs', '{id}'),
    ('run', 'changes', '{run_id}', 'runs', '{id}'),
    ('source', 'run_totals', '{source_id}', 'sources', '{id}'),
    ('sink', 'deliveries', '{sink}', 'sinks', '{name}');

-- Views have no keys, and PostGraphile reads what it takes for keys and relations from their comments: lines that begin
-- with @, before
-- the words.  Comments of columns, which \d+ shows, have none of it.
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT c.oid::regclass AS view, format(E'%s%s\n%s', CASE WHEN cardinality(s.key) > 0 THEN '@primaryKey '
        || array_to_string(s.key, ',') || E'\n' ELSE '' END,
            (SELECT string_agg(format(E'@foreignKey (%s) references ingest_api.%s (%s)\n',
                array_to_string(p.columns, ','), p.other, array_to_string(p.other_columns, ',')), '' ORDER BY p.name)
                FROM ingest_api_internal.relationship p WHERE p.resource = s.name),
            obj_description(c.oid, 'pg_class')) AS comment
        FROM ingest_api_internal.resource s JOIN pg_class c ON c.oid = s.relation
    LOOP
        EXECUTE format('COMMENT ON VIEW %s IS %L', r.view, r.comment);
    END LOOP;
END $$;
