-- What users see: no word that SQL keeps for itself, one name for one thing, a comment on everything
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid JOIN pg_get_keywords() k ON k.word = a.attname
  WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind = 'v' AND a.attnum > 0 AND k.catcode IN ('R', 'T');
SELECT p.proname, a.name FROM pg_proc p, unnest(p.proargnames) a (name) JOIN pg_get_keywords() k ON k.word = a.name
  WHERE p.pronamespace = 'ingest'::regnamespace AND k.catcode IN ('R', 'T');
-- what is made has a name; what is meant is called by what it is
SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'ingest'::regnamespace AND p.proname !~ '^(create|register)_|^annotate$' AND 'name' = ANY (p.proargnames[1:p.pronargs]);
SELECT a.name, array_agg(DISTINCT t.typname ORDER BY t.typname) AS types, count(*) AS functions
  FROM pg_proc p, unnest(p.proargnames[1:p.pronargs], p.proargtypes::oid[]) a (name, type) JOIN pg_type t ON t.oid = a.type
  WHERE p.pronamespace = 'ingest'::regnamespace GROUP BY a.name ORDER BY a.name COLLATE "C";
-- a name stands beside each number of a source, a sync or a job
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind = 'v' AND a.attname IN ('source', 'sync', 'job') AND a.attnum > 0
    AND NOT EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = c.oid AND b.attname = a.attname || '_id');
-- seconds stand beside each interval
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind = 'v' AND a.atttypid = 'interval'::regtype
    AND NOT EXISTS (SELECT FROM pg_attribute b WHERE b.attrelid = c.oid AND b.attname IN (a.attname || '_seconds', 'seconds_left', 'behind_seconds'));
-- what is done by a function behind the door is written down, by itself or by one that it calls
SELECT p.proname FROM pg_proc p JOIN pg_proc t ON t.proname = p.proname AND t.pronamespace = 'ingest_internal'::regnamespace AND t.proargnames[1] = 'actor'
  WHERE p.pronamespace = 'ingest'::regnamespace AND t.prosrc !~ 'ingest_internal\.(audit|(pause|resume)_sync|annotate)\(';
-- comments
SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace IN ('ingest'::regnamespace, 'ingest_internal'::regnamespace) AND coalesce(obj_description(p.oid, 'pg_proc'), '') = '';
SELECT c.oid::regclass, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
  WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind IN ('v', 'r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
    AND coalesce(col_description(c.oid, a.attnum), '') = '';
SELECT count(*) <= 51 AS fits FROM pg_proc p WHERE p.pronamespace = 'ingest'::regnamespace;
-- the last runs are found by an index, not by sorting all
SET enable_sort = off;
DO $$
DECLARE
    line text;
BEGIN
    FOR line IN EXPLAIN (COSTS OFF) SELECT * FROM ingest.run_status ORDER BY run DESC LIMIT 20 LOOP
        IF line ~ '-> +Sort' THEN
            RAISE EXCEPTION 'all runs are sorted: %', line;
        END IF;
    END LOOP;
END $$;
RESET enable_sort;
-- and so are those of a state
SET enable_seqscan = off;
DO $$
DECLARE
    line text;
    found boolean := false;
BEGIN
    FOR line IN EXPLAIN (COSTS OFF) SELECT * FROM ingest.run_status WHERE state = 'failed' LOOP
        found := found OR line ~ 'run_(failed|bad)';
    END LOOP;
    IF NOT found THEN
        RAISE EXCEPTION 'failed runs are not found by an index';
    END IF;
END $$;
RESET enable_seqscan;
-- why a job does not run
SET client_min_messages = warning;
SELECT ingest.create_job('idle', 'sql', 'SELECT 1'), ingest.create_job('tick', 'sql', 'SELECT 1'), ingest.create_job('later', 'sql', 'SELECT 1'), ingest.create_job('behind', 'sql', 'SELECT 1', depends_on => '{later}'),
  ingest.create_job('waiting', 'sql', 'SELECT 1'), ingest.create_job('halted', 'crawl', 'shop'), ingest.create_job('wrong', 'sql', 'SELECT 1 / 0');
SELECT ingest.schedule('tick', '1 h');
SELECT count(ingest.enqueue('later', now() + interval '1 h')) + count(ingest.enqueue('behind')) + count(ingest.enqueue('waiting')) + count(ingest.enqueue('halted')) AS put;
SELECT ingest.pause('shop');
CALL ingest.work('wrong');
SELECT job, source, schedule, scheduler, next_due > now() AS due, waits_for, last_state, last_error_class, last_error, last_error_at IS NOT NULL AS at, dead_letters
  FROM ingest.job_status WHERE job IN ('idle', 'tick', 'later', 'behind', 'waiting', 'halted', 'wrong') ORDER BY job COLLATE "C";
SELECT dead_letters > 0 AS dead, anomalies IS NOT NULL AND rejected IS NOT NULL AS counted, queued, queued_seconds >= 0 AS waited FROM ingest.source_status WHERE source = 'shop';
SELECT ingest.resume('shop');
SELECT ingest.drop_job(j) FROM unnest('{behind,later,idle,tick,waiting,halted,wrong}'::text[]) j;
-- how far behind a consumer is
SELECT ingest.subscribe('watcher', '{com.example.*}');
SELECT ingest.emit('com.example.one', 'a', '{}'), ingest.emit('com.example.two', 'b', '{}'), ingest.emit('org.example.other', 'c', '{}');
SELECT behind, behind_seconds >= 0 AS since, oldest_kept_at <= oldest_at AS kept, reading FROM ingest.consumer_status WHERE consumer = 'watcher';
SELECT ingest.ack('watcher', min(id)) FROM ingest.read_events('watcher');
SELECT behind, reading, last_ack IS NOT NULL AS acknowledged FROM ingest.consumer_status WHERE consumer = 'watcher';
SELECT ingest.ack('watcher', max(id)) FROM ingest.read_events('watcher');
SELECT behind, oldest_at IS NULL AS none FROM ingest.consumer_status WHERE consumer = 'watcher';
SELECT ingest.unsubscribe('watcher');
-- everything that grows is deleted some day; the others have as many rows as there are things
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'ingest'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relname NOT IN ('connector', 'service', 'event_type', 'event_owner', 'installation', 'data_source', 'source_grant', 'source_schema', 'sync', 'sync_state', 'sync_range', 'sync_owed', 'sync_piece', 'job', 'job_dependency', 'queue', 'circuit', 'rule', 'subscription', 'lineage_edge', 'run_total')
    AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = c.oid AND f.confrelid IN ('ingest.run'::regclass, 'ingest.alert'::regclass) AND f.confdeltype = 'c')
    AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'ingest_internal'::regnamespace AND p.prokind = 'f' AND p.proname ~ 'prune' AND pg_get_functiondef(p.oid) ~ ('DELETE FROM ingest\.' || c.relname || ' '));
SELECT id AS shop FROM ingest.data_source WHERE name = 'shop' \gset
INSERT INTO ingest.audit (at, role, role_oid, role_name, function) SELECT now() - days * interval '1 day', 'x', 0, 'x', 'long ago' FROM unnest('{364,366}'::integer[]) days;
INSERT INTO ingest.metadata_change (source, object_kind, object_name, change, seen_at) SELECT :shop, 'table', 'long ago', 'added', now() - days * interval '1 day' FROM unnest('{364,366}'::integer[]) days;
INSERT INTO ingest.source_column (source, table_id, name, position, type, gone_at) SELECT :shop, min(t.id), 'gone ' || days, 99, 'text', now() - days * interval '1 day' FROM ingest.source_table t, unnest('{364,366}'::integer[]) days WHERE t.source = :shop GROUP BY days;
SELECT ingest_internal.prune('100 years', '100 years');
SELECT now() - at < interval '365 days' AS younger FROM ingest.audit WHERE function = 'long ago';
SELECT now() - seen_at < interval '365 days' AS younger FROM ingest.metadata_change WHERE object_name = 'long ago';
SELECT name FROM ingest.source_column WHERE name LIKE 'gone %';
DELETE FROM ingest.metadata_change WHERE object_name = 'long ago';
DELETE FROM ingest.source_column WHERE name LIKE 'gone %';
-- nobody who may prune says how long the audit is kept
SET ingest.audit_retention = '1 min';
