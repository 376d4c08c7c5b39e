\getenv web WEB
\getenv mail MAIL
\getenv manager MANAGER
\getenv ca CA
\getenv hook_secret HOOK_SECRET
\getenv mail_password MAIL_PASSWORD
SET TimeZone = 'UTC';
\echo
\echo '== 1. The extension; a superuser allows the addresses of this machine, which sinks may not be at otherwise, and http'
\set ECHO queries
SET client_min_messages = warning;
CREATE EXTENSION ingest_delivery CASCADE;
ALTER DATABASE postgres SET ingest_delivery.allow_networks = '127.0.0.0/8';
ALTER DATABASE postgres SET ingest_delivery.allow_http = on;
\set ECHO none
\c
SET TimeZone = 'UTC';
\echo '== 2. Secrets: options of a user mapping, which PostgreSQL shows to nobody else'
CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (hook :'hook_secret', mail :'mail_password');
SELECT srvname, usename, 'hook, mail' AS options FROM pg_user_mappings WHERE srvname = 'ingest_secrets';
\echo '== 3. A webhook, a mailbox, and Alertmanager'
SELECT jsonb_build_object('url', :'web' || '/events', 'secret', 'mapping:ingest_secrets/hook') AS hook,
  jsonb_build_object('url', :'mail', 'from', 'ingest@example.com', 'to', 'ops@example.com', 'user', 'bot', 'password', 'mapping:ingest_secrets/mail', 'ca_file', :'ca') AS box,
  jsonb_build_object('url', :'manager', 'repeat', 2) AS manager \gset
\set ECHO queries
SELECT ingest_delivery.create_sink('events', 'webhook', :'hook', types => '{com.example.*}');
SELECT ingest_delivery.create_sink('mailbox', 'email', :'box');
SELECT ingest_delivery.create_sink('alertmanager', 'alertmanager', :'manager');
SELECT sink, kind, url, state FROM ingest_delivery.sink_status;
\set ECHO none
\echo '== 4. An event, and what the receiver got of it'
\set ECHO queries
SELECT ingest.emit('com.example.order.approved', 'order/4711', '{"total": 99.5}');
\set ECHO none
\! $SHOW webhook
\echo '== 5. Something goes wrong: a job that fails. An alert opens'
\set ECHO queries
SELECT ingest.create_job('nightly', 'sql', 'SELECT 1 / 0', max_attempts => 1);
SELECT ingest.enqueue('nightly') IS NOT NULL AS queued;
\set ECHO none
\! $SHOW mail
\! $SHOW alert until
\set ECHO queries
SELECT kind, severity, subject, state, summary FROM ingest.alert_status;
\set ECHO none
\echo '== 6. It is put right. The alert closes, here and there'
\set ECHO queries
SELECT ingest.create_job('nightly', 'sql', 'SELECT 1', max_attempts => 1);
SELECT ingest.enqueue('nightly') IS NOT NULL AS queued;
\set ECHO none
\! $SHOW alert gone
\! $SHOW mail 4
\set ECHO queries
SELECT kind, subject, state, closed_by FROM ingest.alert_status;
SELECT sink, state, sent, dead, last_error FROM ingest_delivery.sink_status;
