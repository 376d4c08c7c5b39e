
-- Sources

CREATE FUNCTION register_source(name text, server name, schema name DEFAULT NULL, remote_schemas text[] DEFAULT NULL, tables text[] DEFAULT NULL,
    description text DEFAULT NULL, refresh_schedule text DEFAULT NULL, max_parallel integer DEFAULT 2) RETURNS integer
    AS 'MODULE_PATHNAME', 'ingest_register_source' LANGUAGE C;
COMMENT ON FUNCTION register_source(text, name, name, text[], text[], text, text, integer) IS 'makes a foreign server a source; its foreign tables go to a schema of its own';

CREATE FUNCTION check_source(name text) RETURNS TABLE ("check" text, ok boolean, detail text)
    AS 'MODULE_PATHNAME', 'ingest_check_source' LANGUAGE C STRICT;
COMMENT ON FUNCTION check_source(text) IS 'connection, login, permissions: as the connector checks them; remembered';

CREATE PROCEDURE crawl(source text, tables text[] DEFAULT NULL, count_rows boolean DEFAULT true)
    AS 'MODULE_PATHNAME', 'ingest_crawl' LANGUAGE C;
COMMENT ON PROCEDURE crawl(text, text[], boolean) IS 'finds schemas, tables, columns, keys and descriptions; makes or alters foreign tables; keeps what changed';

CREATE FUNCTION announce(type text, source text, subject text, data jsonb) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_announce' LANGUAGE C;
COMMENT ON FUNCTION announce(text, text, text, jsonb) IS 'an event of the engine about a source, for its owner';

CREATE FUNCTION pause(source text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE data_source d SET state = 'paused' WHERE d.name = pause.source;
    SELECT announce('ingest.source.paused', pause.source, pause.source, jsonb_build_object('source', pause.source));
    END;
COMMENT ON FUNCTION pause(text) IS 'no job on the source is begun until resume; those that run go on';

CREATE FUNCTION resume(source text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE data_source d SET state = 'active' WHERE d.name = resume.source;
    UPDATE circuit c SET state = 'closed', outcomes = '{}', probes = 0, open_for = '30 s', changed_at = now(), reason = NULL
      FROM data_source d WHERE d.id = c.source AND d.name = resume.source AND c.state <> 'closed';
    SELECT announce('ingest.source.resumed', resume.source, resume.source, jsonb_build_object('source', resume.source));
    END;
COMMENT ON FUNCTION resume(text) IS 'jobs on the source are begun again, and its circuit breaker is closed';

CREATE FUNCTION drop_source(name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    SELECT announce('ingest.source.dropped', drop_source.name, drop_source.name, jsonb_build_object('source', drop_source.name));
    DELETE FROM data_source d WHERE d.name = drop_source.name;
    END;
COMMENT ON FUNCTION drop_source(text) IS 'forgets a source with its syncs, jobs and metadata; foreign tables and copies stay';

CREATE FUNCTION grant_source(source text, role name) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO source_grant SELECT d.id, grant_source.role FROM data_source d WHERE d.name = grant_source.source ON CONFLICT DO NOTHING;
    END;
COMMENT ON FUNCTION grant_source(text, name) IS 'lets members of a role see the source in the repository';

CREATE FUNCTION revoke_source(source text, role name) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    DELETE FROM source_grant g USING data_source d WHERE d.id = g.source AND d.name = revoke_source.source AND g.role = revoke_source.role;
    END;
COMMENT ON FUNCTION revoke_source(text, name) IS 'takes that back';

-- Another PostgreSQL says which columns are keys and what things are called: its catalogue, looked at through the wrapper.
CREATE FUNCTION postgres_tables(server name) RETURNS TABLE ("table" text, key text, description text)
    LANGUAGE plpgsql VOLATILE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    here name := (SELECT d.local_schema FROM ingest.data_source d WHERE d.server = postgres_tables.server LIMIT 1);
    wanted text[] := ARRAY(SELECT unnest(d.remote_schemas) FROM ingest.data_source d WHERE d.server = postgres_tables.server);
    look record;
BEGIN
    FOR look IN SELECT * FROM (VALUES ('pg_class', 'oid oid, relname name, relnamespace oid, relkind "char"'), ('pg_namespace', 'oid oid, nspname name'),
        ('pg_index', 'indrelid oid, indkey int2vector, indisprimary boolean'), ('pg_attribute', 'attrelid oid, attnum smallint, attname name'),
        ('pg_description', 'objoid oid, classoid oid, objsubid integer, description text')) v (name, columns)
    LOOP
        EXECUTE format('CREATE FOREIGN TABLE %I.%I (%s) SERVER %I OPTIONS (schema_name ''pg_catalog'', table_name %L)', here, 'ingest_' || look.name, look.columns, server, look.name);
    END LOOP;
    RETURN QUERY EXECUTE format('WITH c AS MATERIALIZED (SELECT c.oid, c.relname FROM %1$I.ingest_pg_class c JOIN %1$I.ingest_pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = ANY ($1) AND c.relkind IN (''r'', ''v'', ''m'', ''f'', ''p'')),
        i AS MATERIALIZED (SELECT i.indrelid, i.indkey FROM %1$I.ingest_pg_index i WHERE i.indisprimary AND i.indrelid IN (SELECT oid FROM c)),
        k AS (SELECT a.attrelid, string_agg(a.attname, '', '' ORDER BY array_position(i.indkey::smallint[], a.attnum)) AS key
            FROM %1$I.ingest_pg_attribute a JOIN i ON i.indrelid = a.attrelid AND a.attnum = ANY (i.indkey::smallint[]) GROUP BY a.attrelid)
        SELECT c.relname::text, k.key, (SELECT d.description FROM %1$I.ingest_pg_description d WHERE d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = 1259)
        FROM c LEFT JOIN k ON k.attrelid = c.oid ORDER BY 1', here) USING wanted;
    EXECUTE format('DROP FOREIGN TABLE %1$I.ingest_pg_class, %1$I.ingest_pg_namespace, %1$I.ingest_pg_index, %1$I.ingest_pg_attribute, %1$I.ingest_pg_description', here);
END $$;
COMMENT ON FUNCTION postgres_tables(name) IS 'tables, primary keys and descriptions of a source behind postgres_fdw';

-- Syncs

CREATE FUNCTION create_sync(source_table regclass, target text, mode text DEFAULT 'incremental', name text DEFAULT NULL,
    key name[] DEFAULT NULL, cursor_column name DEFAULT NULL, overlap interval DEFAULT '5 min', batch_rows integer DEFAULT 50000,
    deletions text DEFAULT 'hard', parent text DEFAULT NULL, parent_column name DEFAULT NULL,
    history boolean DEFAULT false, history_retention interval DEFAULT NULL, row_events boolean DEFAULT false,
    profile text DEFAULT 'none', reconcile_every interval DEFAULT '1 day', max_delete_share float8 DEFAULT 0.01,
    reject_limit float8 DEFAULT 0.01, partition_by text DEFAULT NULL, distribute_by name DEFAULT NULL, adopt boolean DEFAULT false) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_create_sync' LANGUAGE C;
COMMENT ON FUNCTION create_sync(regclass, text, text, text, name[], name, interval, integer, text, text, name, boolean, interval, boolean, text, interval, float8, float8, text, name, boolean)
    IS 'a copy of a source''s table: full, incremental or append; nothing is read yet';

CREATE PROCEDURE sync(name text)
    AS 'MODULE_PATHNAME', 'ingest_sync' LANGUAGE C;
COMMENT ON PROCEDURE sync(text) IS 'brings a copy up to date: the first load, or what changed since; in batches that are transactions';

CREATE PROCEDURE redrive(name text)
    AS 'MODULE_PATHNAME', 'ingest_redrive' LANGUAGE C;
COMMENT ON PROCEDURE redrive(text) IS 'reads and merges again the rows that were rejected';

CREATE FUNCTION reload(name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE sync_state z SET reload = true FROM sync s WHERE s.id = z.sync AND s.name = reload.name;
    END;
COMMENT ON FUNCTION reload(text) IS 'the next run reads the whole table again and writes what differs; readers see the old rows until then';

CREATE FUNCTION pause_sync(name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE sync s SET state = 'paused', state_reason = 'paused by ' || session_user WHERE s.name = pause_sync.name;
    END;
COMMENT ON FUNCTION pause_sync(text) IS 'the sync is not run until resume_sync';

CREATE FUNCTION resume_sync(name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE sync s SET state = 'active', state_reason = NULL WHERE s.name = resume_sync.name;
    END;
COMMENT ON FUNCTION resume_sync(text) IS 'the sync is run again, whether it was paused or stopped';

CREATE FUNCTION drop_sync(name text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    DELETE FROM change c USING sync s WHERE s.id = c.sync AND s.name = drop_sync.name;
    DELETE FROM sync s WHERE s.name = drop_sync.name;
    END;
COMMENT ON FUNCTION drop_sync(text) IS 'forgets a sync and its history; the copy stays';

CREATE FUNCTION alter_sync(name text, settings jsonb) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_alter_sync' LANGUAGE C STRICT;
COMMENT ON FUNCTION alter_sync(text, jsonb) IS 'changes settings of a sync: those of create_sync, by their names';

CREATE FUNCTION explain_sync(name text) RETURNS TABLE (step text, detail text)
    AS 'MODULE_PATHNAME', 'ingest_explain_sync' LANGUAGE C STRICT;
COMMENT ON FUNCTION explain_sync(text) IS 'what the next run would do, and the queries it would send, without doing it';

-- History

CREATE FUNCTION create_history_view(name text) RETURNS text
    AS 'MODULE_PATHNAME', 'ingest_create_history_view' LANGUAGE C STRICT;
COMMENT ON FUNCTION create_history_view(text) IS 'makes <target>_history: every version of a row, from when to when; made again after columns changed';

CREATE FUNCTION as_of(target anyelement, moment timestamptz) RETURNS SETOF anyelement
    AS 'MODULE_PATHNAME', 'ingest_as_of' LANGUAGE C STABLE;
COMMENT ON FUNCTION as_of(anyelement, timestamptz) IS 'a copy with history as it was at a moment: SELECT * FROM ingest.as_of(NULL::schema.target, ''…'')';

CREATE FUNCTION row_history(target anyelement, key jsonb, OUT valid_from timestamptz, OUT valid_to timestamptz, OUT operation text, OUT seq bigint, OUT version anyelement) RETURNS SETOF record
    AS 'MODULE_PATHNAME', 'ingest_row_history' LANGUAGE C STABLE;
COMMENT ON FUNCTION row_history(anyelement, jsonb) IS 'versions of one row of a copy with history, read by its key: SELECT valid_from, operation, (version).* FROM ingest.row_history(NULL::schema.target, ''{"id": 1}'')';

CREATE FUNCTION drop_old_history() RETURNS integer
    AS 'MODULE_PATHNAME', 'ingest_drop_old_history' LANGUAGE C;
COMMENT ON FUNCTION drop_old_history() IS 'drops days of history that no sync keeps any more; gives how many';

-- Events

CREATE FUNCTION era() RETURNS integer AS 'MODULE_PATHNAME', 'ingest_era' LANGUAGE C;
COMMENT ON FUNCTION era() IS 'number of the cluster that the repository lives in: rises when it is restored into another';

CREATE FUNCTION emit(type text, subject text, data jsonb) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_emit' LANGUAGE C;
COMMENT ON FUNCTION emit(text, text, jsonb) IS 'writes an event of your own into the outbox, in this transaction';

CREATE FUNCTION subscribe(consumer text, types text[] DEFAULT NULL, from_start boolean DEFAULT false) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO subscription (consumer, owner, types, era, seen)
      SELECT subscribe.consumer, current_user, subscribe.types, CASE WHEN from_start THEN 1 ELSE era() END, CASE WHEN from_start THEN '3:3:' ELSE pg_current_snapshot() END;
    END;
COMMENT ON FUNCTION subscribe(text, text[], boolean) IS 'makes a consumer: of events from now on, or of all that are kept; types may end in *';

CREATE FUNCTION unsubscribe(consumer text) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    DELETE FROM subscription s WHERE s.consumer = unsubscribe.consumer;
    END;
COMMENT ON FUNCTION unsubscribe(text) IS 'forgets a consumer, so that events are no longer kept for it';

CREATE FUNCTION read_events(consumer text, max_events integer DEFAULT 100)
    RETURNS TABLE (id bigint, type text, source text, subject text, "time" timestamptz, data jsonb)
    AS 'MODULE_PATHNAME', 'ingest_read_events' LANGUAGE C STRICT;
COMMENT ON FUNCTION read_events(text, integer) IS 'the next events of a consumer that it has not acknowledged, in the order in which they committed';

CREATE FUNCTION ack(consumer text, id bigint) RETURNS void
    AS 'MODULE_PATHNAME', 'ingest_ack' LANGUAGE C STRICT;
COMMENT ON FUNCTION ack(text, bigint) IS 'acknowledges the events read, up to this one';

CREATE FUNCTION cloud_event(e event) RETURNS jsonb LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT jsonb_build_object('specversion', '1.0', 'id', format('%s-%s', e.era, e.id), 'source', e.source, 'type', e.type, 'subject', e.subject,
        'time', e.time, 'datacontenttype', 'application/json', 'dataschema', 'urn:pg_ingest:' || e.type || ':' || coalesce(t.version, '1'), 'data', e.data)
      FROM (SELECT) x LEFT JOIN event_type t ON t.type = e.type;
    END;
COMMENT ON FUNCTION cloud_event(event) IS 'an event as a CloudEvents 1.0 JSON object';

CREATE FUNCTION row_change(sync integer, key jsonb DEFAULT NULL, since timestamptz DEFAULT NULL) RETURNS SETOF change
    AS 'MODULE_PATHNAME', 'ingest_row_change' LANGUAGE C STABLE;
COMMENT ON FUNCTION row_change(integer, jsonb, timestamptz) IS 'history of a sync, of one key, seen after a moment, for those who may read all of its copy';

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

-- Profiles, quality, anomalies

CREATE FUNCTION profile(relation regclass, sample_rows bigint DEFAULT NULL) RETURNS bigint
    AS 'MODULE_PATHNAME', 'ingest_profile_now' LANGUAGE C;
COMMENT ON FUNCTION profile(regclass, bigint) IS 'profiles a table into profile_stats, holds that against its history and records anomalies; gives the run';

CREATE FUNCTION add_rule(relation regclass, kind text, columns name[] DEFAULT '{}', arguments jsonb DEFAULT '{}', severity text DEFAULT 'error', tolerance float8 DEFAULT 0)
    RETURNS integer
    AS 'MODULE_PATHNAME', 'ingest_add_rule' LANGUAGE C STRICT;
COMMENT ON FUNCTION add_rule(regclass, text, name[], jsonb, text, float8) IS 'what must hold in a table: not_null, unique, in_set, range, pattern, length, references, freshness, row_count or sql';

CREATE FUNCTION drop_rule(rule integer) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    DELETE FROM rule r WHERE r.id = drop_rule.rule;
    END;
COMMENT ON FUNCTION drop_rule(integer) IS 'forgets a rule and its results';

CREATE FUNCTION check_quality(relation regclass)
    RETURNS TABLE (rule integer, kind text, columns text, severity text, "rows" bigint, violations bigint, ok boolean, examples text, where_clause text)
    AS 'MODULE_PATHNAME', 'ingest_check_quality' LANGUAGE C STRICT;
COMMENT ON FUNCTION check_quality(regclass) IS 'checks all rules of a table, those of single rows in one scan, and keeps the results';

CREATE FUNCTION set_freshness(sync text, objective interval) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE source_table t SET freshness_objective = set_freshness.objective FROM sync s WHERE s.table_id = t.id AND s.name = set_freshness.sync;
    END;
COMMENT ON FUNCTION set_freshness(text, interval) IS 'how old a copy may be; null: as old as it likes';

CREATE FUNCTION check_freshness() RETURNS integer
    AS 'MODULE_PATHNAME', 'ingest_check_freshness' LANGUAGE C;
COMMENT ON FUNCTION check_freshness() IS 'records an anomaly for each copy that is older than its objective; the scheduler does it every minute';

CREATE FUNCTION resolve_anomaly(anomaly bigint) RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    UPDATE anomaly a SET resolved_at = now() WHERE a.id = resolve_anomaly.anomaly AND a.resolved_at IS NULL;
    END;
COMMENT ON FUNCTION resolve_anomaly(bigint) IS 'says that an anomaly is dealt with';

-- Lineage

CREATE FUNCTION view_columns(view regclass) RETURNS TABLE (column_name text, from_schema text, from_table text, from_column text)
    AS 'MODULE_PATHNAME', 'ingest_view_columns' LANGUAGE C STRICT STABLE;
COMMENT ON FUNCTION view_columns(regclass) IS 'the columns that each column of a view is computed from';

CREATE FUNCTION add_lineage(from_table text, to_table text, from_column text DEFAULT '', to_column text DEFAULT '', kind text DEFAULT 'declared') RETURNS void LANGUAGE sql
    BEGIN ATOMIC
    INSERT INTO lineage_edge (source, from_schema, from_table, from_column, to_schema, to_table, to_column, kind)
      SELECT (SELECT t.source FROM source_table t WHERE t.local_schema = f[1] AND t.local_name = f[2] LIMIT 1), f[1], f[2], add_lineage.from_column, t[1], t[2], add_lineage.to_column, add_lineage.kind
      FROM parse_ident(add_lineage.from_table) f, parse_ident(add_lineage.to_table) t
      ON CONFLICT (to_schema, to_table, to_column, from_schema, from_table, from_column, kind) DO UPDATE SET last_seen = now();
    END;
COMMENT ON FUNCTION add_lineage(text, text, text, text, text) IS 'records a flow that the engine does not make itself';

CREATE FUNCTION lineage(object text, direction text DEFAULT 'both', depth integer DEFAULT 10)
    RETURNS TABLE (distance integer, from_object text, to_object text, kind text)
    AS 'MODULE_PATHNAME', 'ingest_lineage' LANGUAGE C STRICT STABLE;
COMMENT ON FUNCTION lineage(text, text, integer) IS 'what a relation or column (schema.table.column) comes from, at negative distances, and what comes from it; direction: upstream, downstream or both';

CREATE FUNCTION lineage_tables(object text DEFAULT NULL, depth integer DEFAULT 10) RETURNS TABLE (from_object text, to_object text, kind text) LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT DISTINCT l.from_object, l.to_object, l.kind FROM lineage((SELECT string_agg(quote_ident(p), '.') FROM unnest(parse_ident(lineage_tables.object)) WITH ORDINALITY u(p, n) WHERE n <= 2), 'both', lineage_tables.depth) r,
      LATERAL (SELECT (SELECT string_agg(quote_ident(p), '.' ORDER BY n) FROM unnest(parse_ident(r.from_object)) WITH ORDINALITY u(p, n) WHERE n <= 2) AS from_object,
                      (SELECT string_agg(quote_ident(p), '.' ORDER BY n) FROM unnest(parse_ident(r.to_object)) WITH ORDINALITY u(p, n) WHERE n <= 2) AS to_object, r.kind) l
      WHERE lineage_tables.object IS NOT NULL
    UNION SELECT DISTINCT format('%I.%I', e.from_schema, e.from_table), format('%I.%I', e.to_schema, e.to_table), e.kind FROM lineage_edge e WHERE lineage_tables.object IS NULL
    UNION SELECT DISTINCT format('%I.%I', v.from_schema, v.from_table), format('%I.%I', n.nspname, c.relname), 'view'
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL view_columns(c.oid::regclass) v
      WHERE lineage_tables.object IS NULL AND c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'ingest')
        AND EXISTS (SELECT FROM lineage_edge e WHERE (e.to_schema, e.to_table) = (v.from_schema::name, v.from_table::name));
    END;
COMMENT ON FUNCTION lineage_tables(text, integer) IS 'lineage of relations: around one, or all';

CREATE FUNCTION lineage_dot(object text DEFAULT NULL, depth integer DEFAULT 10) RETURNS text LANGUAGE sql STABLE
    BEGIN ATOMIC
    SELECT E'digraph lineage {\n  rankdir=LR;\n  node [shape=box];\n' || coalesce(string_agg(format(E'  "%s" -> "%s" [label="%s"];\n', replace(l.from_object, '"', '\"'),
        replace(l.to_object, '"', '\"'), l.kind), '' ORDER BY l.from_object, l.to_object, l.kind), '') || '}' FROM lineage_tables(lineage_dot.object, lineage_dot.depth) l;
    END;
COMMENT ON FUNCTION lineage_dot(text, integer) IS 'lineage of relations as a Graphviz graph';

CREATE FUNCTION lineage_mermaid(object text DEFAULT NULL, depth integer DEFAULT 10) RETURNS text LANGUAGE sql STABLE
    BEGIN ATOMIC
    WITH l AS (SELECT * FROM lineage_tables(lineage_mermaid.object, lineage_mermaid.depth)),
    n AS (SELECT o, row_number() OVER (ORDER BY o) AS i FROM (SELECT from_object AS o FROM l UNION SELECT to_object FROM l) x)
    SELECT E'flowchart LR\n' || coalesce((SELECT string_agg(format(E'  n%s["%s"]\n', n.i, replace(n.o, '"', '#quot;')), '' ORDER BY n.i) FROM n), '')
      || coalesce((SELECT string_agg(format(E'  n%s -->|%s| n%s\n', f.i, l.kind, t.i), '' ORDER BY f.i, t.i, l.kind) FROM l JOIN n f ON f.o = l.from_object JOIN n t ON t.o = l.to_object), '');
    END;
COMMENT ON FUNCTION lineage_mermaid(text, integer) IS 'lineage of relations as a Mermaid flow chart';
