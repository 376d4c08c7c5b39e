-- Alerts: one row per episode, opened and closed by what is wrong and by what puts it right
SET client_min_messages = warning;
\set VERBOSITY terse
SET search_path = public;
SET TimeZone = 'UTC';
CREATE SCHEMA kiosk;
CREATE TABLE kiosk.sale (id int PRIMARY KEY, what text, changed timestamptz NOT NULL);
INSERT INTO kiosk.sale SELECT i, 'sale ' || i, '2026-01-01 10:00+00' FROM generate_series(1, 20) i;
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS socket, current_database() AS db \gset
CREATE SERVER kiosk FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'socket', port :'port', dbname :'db');
CREATE USER MAPPING FOR CURRENT_USER SERVER kiosk OPTIONS (user 'postgres');
SELECT ingest.register_source('kiosk', 'kiosk', schema => 'kiosk_ft', remote_schemas => '{kiosk}') > 0 AS registered;
CALL ingest.crawl('kiosk');
CREATE SCHEMA kiosk_copy;
SELECT ingest.create_sync('kiosk_ft.sale', 'kiosk_copy.sale', name => 'kiosk_sale', key => '{id}', cursor_column => 'changed');
CREATE VIEW alerts AS SELECT kind, severity, subject, state, count, summary, closed_by FROM ingest.alert_status WHERE subject ~ 'kiosk' ORDER BY alert;
CREATE VIEW told AS SELECT split_part(type, '.', 3) AS told, data->>'kind' AS kind, data->>'subject' AS subject, data->>'severity' AS severity FROM ingest.event
  WHERE type LIKE 'ingest.alert.%' AND data->>'subject' ~ 'kiosk' ORDER BY id;
CALL ingest.sync('kiosk_sale');
SELECT * FROM alerts;
-- a run fails, and again: one alert, which a run that goes well closes
ALTER TABLE kiosk.sale RENAME TO elsewhere;
CALL ingest.sync('kiosk_sale');
CALL ingest.sync('kiosk_sale');
SELECT kind, severity, subject, state, count, summary ~ 'failed: ' AS why FROM alerts;
ALTER TABLE kiosk.elsewhere RENAME TO sale;
CALL ingest.sync('kiosk_sale');
SELECT kind, state, closed_by ~ '^run \d+ succeeded$' AS by_a_run FROM alerts;
SELECT * FROM told;
-- the next episode is another alert; what somebody takes care of is told apart
ALTER TABLE kiosk.sale RENAME TO elsewhere;
CALL ingest.sync('kiosk_sale');
SELECT ingest.acknowledge(alert) FROM ingest.alert_status WHERE subject = 'kiosk_sale' AND state = 'open';
SET client_min_messages = notice;
\set VERBOSITY sqlstate
SELECT ingest.acknowledge(alert) FROM ingest.alert_status WHERE subject = 'kiosk_sale' AND state = 'acknowledged';
\set VERBOSITY default
SELECT ingest.acknowledge(0);
SELECT ingest.acknowledge(NULL);
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT kind, state, acknowledged_by = current_user AS by_me FROM ingest.alert_status WHERE subject = 'kiosk_sale' ORDER BY alert;
ALTER TABLE kiosk.elsewhere RENAME TO sale;
CALL ingest.sync('kiosk_sale');
SELECT told, kind FROM told OFFSET 2;
-- a lost run is one that failed
INSERT INTO ingest.run (kind, source, sync, pid, role, role_name) SELECT 'sync', source, id, 0, 10, 'postgres' FROM ingest.sync WHERE name = 'kiosk_sale';
SELECT ingest_internal.runs_died();
SELECT kind, severity, summary FROM alerts WHERE state = 'open';
CALL ingest.sync('kiosk_sale');
SELECT count(*) AS open FROM alerts WHERE state = 'open';
-- silenced: nobody is told until the silence ends, and of what ended meanwhile never
SET client_min_messages = notice;
SELECT ingest.silence('*/kiosk_%', now() + interval '1 hour');
SELECT ingest.silence('run_failed/kiosk*', now() + interval '1 hour', 'it is moved tonight');
SET client_min_messages = warning;
ALTER TABLE kiosk.sale RENAME TO elsewhere;
CALL ingest.sync('kiosk_sale');
SELECT kind, state FROM alerts ORDER BY kind, state;
ALTER TABLE kiosk.elsewhere RENAME TO sale;
CALL ingest.sync('kiosk_sale');
ALTER TABLE kiosk.sale RENAME TO elsewhere;
CALL ingest.sync('kiosk_sale');
SELECT count(*) AS told FROM told;
SELECT ingest.silence('run_failed/kiosk*', NULL);
SELECT ingest_internal.alerts_look('1 hour');
SELECT ingest_internal.alerts_look('1 hour');
SELECT told, kind FROM told OFFSET 7;
SELECT ingest.silence('run_failed/kiosk*', NULL);
SELECT ingest.silence('x', now());
SELECT ingest.silence('', 'infinity');
ALTER TABLE kiosk.elsewhere RENAME TO sale;
CALL ingest.sync('kiosk_sale');
-- older than it may be, and fresh again; the scheduler looks each minute
SELECT ingest.alter_sync('kiosk_sale', freshness => '1 hour');
UPDATE ingest.sync_state z SET last_success = now() - interval '2 hours' FROM ingest.sync s WHERE s.id = z.sync AND s.name = 'kiosk_sale';
SELECT ingest_internal.alerts_look('1 hour');
SELECT ingest_internal.alerts_look('1 hour');
SELECT kind, severity, subject, state, count, summary FROM alerts WHERE kind = 'stale';
CALL ingest.sync('kiosk_sale');
SELECT ingest_internal.alerts_look('1 hour');
SELECT kind, state, closed_by FROM alerts WHERE kind = 'stale';
-- a job that nobody begins, one that was given up, one whose schedule cannot be kept
SELECT ingest.create_job('kiosk job', 'sql', 'SELECT 1 / 0');
SELECT ingest.enqueue('kiosk job', now() - interval '2 hours') > 0;
SELECT ingest_internal.alerts_look('1 hour');
SELECT kind, severity, subject, state, summary FROM alerts WHERE subject = 'kiosk job';
CALL ingest.work();
SELECT ingest_internal.alerts_look('1 hour');
SELECT kind, state, closed_by FROM alerts WHERE subject = 'kiosk job' ORDER BY kind;
SELECT ingest.create_job('kiosk job', 'sql', 'SELECT 1');
SELECT ingest.enqueue('kiosk job') > 0;
CALL ingest.work();
SELECT kind, state, closed_by FROM alerts WHERE subject = 'kiosk job' ORDER BY kind;
UPDATE ingest.job SET schedule_error = 'no zone of that name' WHERE name = 'kiosk job';
SELECT ingest_internal.alerts_look('1 hour');
SELECT kind, severity, summary FROM alerts WHERE kind = 'schedule_error';
SELECT ingest.drop_job('kiosk job');
SELECT kind, state, closed_by FROM alerts WHERE kind = 'schedule_error';
-- a breaker, a sync that has stopped
SELECT d.id AS source, s.id AS sync FROM ingest.data_source d JOIN ingest.sync s ON s.source = d.id WHERE s.name = 'kiosk_sale' \gset
SELECT ingest_internal.alert_circuit('kiosk', true, 'no answer');
SELECT ingest_internal.sync_stop(:sync, 'a key is gone');
SELECT kind, severity, subject, summary FROM alerts WHERE state = 'open' ORDER BY kind;
UPDATE ingest.circuit SET state = 'open', opened_at = now() WHERE source = :source;
SELECT ingest.resume('kiosk'), ingest.resume(sync => 'kiosk_sale');
SELECT kind, closed_by FROM alerts WHERE kind IN ('source_unavailable', 'sync_stopped') ORDER BY kind;
-- rules and what is odd
SELECT ingest.add_rule('kiosk_copy.sale', 'not_null', '{what}') > 0 AS added;
UPDATE kiosk_copy.sale SET what = NULL WHERE id < 4;
SELECT ok FROM ingest.check_quality('kiosk_copy.sale');
SELECT regexp_replace(summary, 'rule \d+', 'rule n') AS summary, severity, state FROM alerts WHERE kind = 'rule_failed';
UPDATE kiosk_copy.sale SET what = 'again' WHERE what IS NULL;
SELECT ok FROM ingest.check_quality('kiosk_copy.sale');
SELECT state, closed_by FROM alerts WHERE kind = 'rule_failed';
UPDATE kiosk_copy.sale SET what = NULL WHERE id < 4;
SELECT ok FROM ingest.check_quality('kiosk_copy.sale');
ALTER TABLE kiosk_copy.sale DROP COLUMN what;
SELECT state, closed_by FROM alerts WHERE kind = 'rule_failed' ORDER BY state, closed_by;
-- an anomaly, until somebody says that it is dealt with; how old copies are is no anomaly's alert
SELECT ingest_internal.anomaly_insert(:source, :sync, NULL, 'kiosk_copy.sale'::regclass, 'kiosk_copy', 'sale', NULL, 'volume', 'error', 'half of the kiosk is gone', '{}', NULL) AS odd,
  ingest_internal.anomaly_insert(:source, :sync, NULL, 'kiosk_copy.sale'::regclass, 'kiosk_copy', 'sale', NULL, 'freshness', 'warning', 'the kiosk is old', '{}', NULL) AS old,
  ingest_internal.anomaly_insert(:source, :sync, NULL, 'kiosk_copy.sale'::regclass, 'kiosk_copy', 'sale', NULL, 'schema', 'info', 'the kiosk has a new column', '{}', NULL) AS new \gset
SELECT ingest_internal.alert_anomaly(:odd), ingest_internal.alert_anomaly(:old), ingest_internal.alert_anomaly(:new);
SELECT kind, severity, subject, state, summary FROM alerts WHERE kind = 'anomaly';
SELECT ingest.resolve_anomaly(:odd);
SELECT kind, state, closed_by FROM alerts WHERE kind = 'anomaly';
-- one that gets worse is told again, one that gets better is not
SELECT ingest_internal.alert_opens('try', 'try 1', 'kiosk try', s.severity, 'it is ' || s.severity, owner => 'postgres'::regrole) FROM unnest('{warning,warning,error,error,warning,error}'::text[]) s (severity);
SELECT ingest_internal.alert_closes('try', 'try 1', 'it is over');
SELECT ingest_internal.alert_closes('try', 'try 1', 'it is over');
SELECT kind, severity, count, closed_by FROM alerts WHERE kind = 'try';
SELECT told, severity FROM told WHERE kind = 'try';
-- others see none of it, and may not; who was granted the source sees that there is one
CREATE ROLE kiosk_other LOGIN;
CREATE ROLE kiosk_granted LOGIN;
GRANT ingest_operator TO kiosk_other, kiosk_granted;
SELECT ingest.grant_source('kiosk', 'kiosk_granted');
SELECT max(id) AS alert FROM ingest.alert WHERE kind = 'run_failed' AND sync = :sync \gset
UPDATE ingest.alert SET closed_at = NULL WHERE id = :alert;
SET ROLE kiosk_other;
SELECT count(*) FROM ingest.alert_status WHERE subject ~ 'kiosk';
SELECT count(*) FROM ingest.alert;
\set VERBOSITY sqlstate
SELECT ingest.acknowledge(:alert);
\set VERBOSITY terse
SELECT ingest.silence('*', now() + interval '1 hour');
SET ROLE kiosk_granted;
SELECT kind, state, summary FROM ingest.alert_status WHERE alert = :alert;
\set VERBOSITY sqlstate
SELECT ingest.acknowledge(:alert);
\set VERBOSITY terse
RESET ROLE;
SELECT kind, state FROM ingest.alert_status WHERE alert = :alert;
-- what goes takes its alerts with it
SELECT ingest.drop_source('kiosk');
SELECT closed_by, count(*) FROM ingest.alert WHERE id = :alert GROUP BY 1;
SELECT ingest_internal.prune_part('closed alerts', '1 day', '-1 day') > 5 AS pruned, ingest_internal.prune_part('silences that are over', '1 day', '1 day');
DROP VIEW alerts, told;
DROP SERVER kiosk CASCADE;
DROP SCHEMA kiosk, kiosk_ft, kiosk_copy CASCADE;
DELETE FROM ingest.silence;
DROP OWNED BY kiosk_other, kiosk_granted;
DROP ROLE kiosk_other, kiosk_granted;
