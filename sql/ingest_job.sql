-- Jobs: queued once, done once, tried again or not, given up, in order, on schedule
SET client_min_messages = warning;
SET search_path = public;
SET TimeZone = 'UTC';
CREATE TABLE log (n serial, what text);
SELECT ingest.create_job('a', 'sql', $$INSERT INTO log (what) VALUES ('a')$$);
SELECT ingest.create_job('urgent', 'sql', $$INSERT INTO log (what) VALUES ('urgent')$$, priority => 10);
SELECT ingest.create_job('after a', 'sql', $$INSERT INTO log (what) VALUES ('after a')$$, priority => 20, depends_on => '{a}');
SELECT ingest.enqueue('a') IS NOT NULL AS put, ingest.enqueue('a') IS NULL AS there_already;
SELECT ingest.enqueue('urgent') IS NOT NULL, ingest.enqueue('after a') IS NOT NULL;
CALL ingest.work();
SELECT what FROM log ORDER BY n;
SELECT count(*) FROM ingest.queue;
SELECT name, state, attempt FROM ingest.run_status WHERE kind = 'sql' ORDER BY run;
-- one that fails for good is not tried again; what depends on it waits
SELECT ingest.create_job('broken', 'sql', 'SELECT 1 / 0');
SELECT ingest.create_job('after broken', 'sql', $$INSERT INTO log (what) VALUES ('never')$$, depends_on => '{broken}');
SELECT ingest.enqueue('broken') IS NOT NULL, ingest.enqueue('after broken') IS NOT NULL;
CALL ingest.work();
SELECT j.name, d.attempts, d.reason FROM ingest.dead_letter d JOIN ingest.job j ON j.id = d.job;
SELECT name, state, error FROM ingest.run_status WHERE kind = 'sql' ORDER BY run DESC LIMIT 1;
SELECT j.name FROM ingest.queue q JOIN ingest.job j ON j.id = q.job;
SELECT ingest.create_job('broken', 'sql', $$INSERT INTO log (what) VALUES ('mended')$$);
SELECT ingest.retry(id) IS NOT NULL AS again FROM ingest.dead_letter;
CALL ingest.work();
SELECT what FROM log ORDER BY n;
-- one that fails in passing is tried again later, with jitter, and then given up
SELECT ingest.create_job('timeout', 'sql', $$DO 'BEGIN RAISE EXCEPTION ''the line is down'' USING ERRCODE = ''08006''; END'$$, max_attempts => 2);
SELECT ingest.enqueue('timeout') IS NOT NULL;
CALL ingest.work();
SELECT attempts, worker, run_at BETWEEN now() - interval '10 s' AND now() + interval '2.1 s' AS soon FROM ingest.queue;
UPDATE ingest.queue SET run_at = now();
CALL ingest.work();
SELECT count(*) FROM ingest.queue;
SELECT attempts, reason FROM ingest.dead_letter ORDER BY id DESC LIMIT 1;
-- not what a job may do
SELECT ingest.create_job('commits', 'sql', 'COMMIT');
CALL ingest.work('commits');
\set VERBOSITY terse
SELECT ingest.create_job('odd', 'nonsense', 'x');
\set VERBOSITY default
SELECT ingest.enqueue('nothing');
CALL ingest.work('nothing');
-- other kinds, in this session
SELECT ingest.create_job('check shop', 'check', 'shop');
SELECT ingest.create_job('crawl shop', 'crawl', 'shop');
SELECT ingest.create_job('sync rate', 'sync', 'rate');
SELECT ingest.create_job('profile item', 'profile', 's.item');
SELECT ingest.create_job('quality item', 'quality', 's.item');
CALL ingest.work('check shop');
CALL ingest.work('crawl shop');
CALL ingest.work('sync rate');
CALL ingest.work('profile item');
CALL ingest.work('quality item');
SELECT kind, state FROM ingest.run ORDER BY id DESC LIMIT 5;
SELECT count(*) > 3 AS profiled FROM ingest.profile_stats WHERE table_name = 'item';
-- a paused source: its jobs wait
SELECT ingest.pause('shop');
SELECT ingest.enqueue('sync rate') IS NOT NULL;
CALL ingest.work();
SELECT count(*) FROM ingest.queue;
SELECT ingest.resume('shop');
CALL ingest.work();
SELECT count(*) FROM ingest.queue;
-- the breaker: half of five or more fail, it opens; later one may try; three that go well close it
SELECT ingest.create_job('down', 'crawl', 'dead', max_attempts => 1);
DO $$ BEGIN FOR i IN 1 .. 6 LOOP PERFORM ingest.enqueue('down', once => false); END LOOP; END $$;
CALL ingest.work();
SELECT circuit, circuit_reason LIKE 'could not connect%' AS why, circuit_retry_at > now() AS later, queued FROM ingest.source_status WHERE source = 'dead';
CALL ingest.work();
SELECT queued FROM ingest.source_status WHERE source = 'dead';
UPDATE ingest.circuit SET opened_at = now() - interval '1 min' WHERE state = 'open';
CALL ingest.work();
SELECT circuit, queued FROM ingest.source_status WHERE source = 'dead';
SELECT open_for FROM ingest.circuit WHERE state = 'open';
SELECT type FROM ingest.event WHERE type LIKE 'ingest.circuit.%' ORDER BY id;
SELECT current_setting('port') AS port, split_part(current_setting('unix_socket_directories'), ',', 1) AS socket, current_database() AS db \gset
ALTER SERVER dead OPTIONS (SET host :'socket', SET dbname :'db', ADD port :'port');
UPDATE ingest.data_source SET include = '{log}' WHERE name = 'dead';
DO $$ BEGIN FOR i IN 1 .. 3 LOOP PERFORM ingest.enqueue('down', once => false); END LOOP; END $$;
UPDATE ingest.circuit SET opened_at = now() - interval '1 day' WHERE state = 'open';
CALL ingest.work();
SELECT circuit, queued FROM ingest.source_status WHERE source = 'dead';
SELECT type FROM ingest.event WHERE type LIKE 'ingest.circuit.%' ORDER BY id DESC LIMIT 1;
-- schedules
SELECT ingest_internal.next_due('*/15 * * * *', '2026-03-01 12:07:30'), ingest_internal.next_due('0 3 * * 1', '2026-03-01 12:00'), ingest_internal.next_due('30 2 29 2 *', '2026-03-01'), ingest_internal.next_due('0 0 1,15 * *', '2026-12-20'),
  ingest_internal.next_due('5-10/5 8-18 * * 1-5', '2026-03-06 18:10'), ingest_internal.next_due('0 12 13 * 5', '2026-03-01'), ingest_internal.next_due('90 min', '2026-03-01 12:00');
SET TimeZone = 'Europe/Berlin';
SELECT ingest_internal.next_due('30 2 * * *', '2026-03-28 12:00'), ingest_internal.next_due('30 2 * * *', '2026-10-24 12:00'), ingest_internal.next_due('0 4 * * *', '2026-10-24 12:00');
-- by the clock as it goes, where there is a star; at once behind a gap; midnights that are not there or come twice; days of 23 hours; in years whose rules no law changes any more
SELECT ingest_internal.next_due('*/30 2 * * *', '2026-10-25 02:30+02'), ingest_internal.next_due('30 2 * * *', '2026-10-25 02:30+02'), ingest_internal.next_due('0 0 30 3 *', '2026-03-28 12:00');
SELECT ingest_internal.next_due('0 0 * * *', '2024-03-09 12:00', 'America/Havana') AT TIME ZONE 'America/Havana', ingest_internal.next_due('30 0 * * *', '2024-11-02 12:00', 'America/Havana'),
  ingest_internal.next_due('30 0 * * *', '2024-11-03 00:30-04', 'America/Havana'), ingest_internal.next_due('15 2 * * *', '2024-10-05 12:00', 'Australia/Lord_Howe') AT TIME ZONE 'Australia/Lord_Howe';
-- days of an interval are as long as they are there, whatever zone the session has
SELECT z, ingest_internal.next_due('1 day', '2026-03-28 12:00+01', 'Europe/Berlin'), ingest_internal.next_due('1 mon', '2026-10-24 22:30+00', 'Europe/Berlin'), ingest_internal.next_due('24 hours', '2026-03-28 12:00+01', 'Europe/Berlin')
  FROM unnest('{UTC,Europe/Berlin,Asia/Tokyo}'::text[]) z, set_config('timezone', z, false);
SET TimeZone = 'Europe/Berlin';
-- names, words and zones
SELECT ingest_internal.next_due('0 9 * * mon-FRI', '2026-11-27 12:00'), ingest_internal.next_due('0 0 1 JAN,jul *', '2026-11-27'), ingest_internal.next_due('@daily', '2026-11-27 12:00'), ingest_internal.next_due('@weekly', '2026-11-27 12:00'),
  ingest_internal.next_due('CRON_TZ=America/New_York 0 9 * * *', '2026-11-27 12:00', 'Asia/Tokyo'), ingest_internal.next_due('0 9 * * *', '2026-11-27 12:00', 'Asia/Tokyo');
SELECT ingest_internal.next_due('CRON_TZ=Nowhere/At 0 9 * * *', now());
SELECT ingest_internal.next_due('0 9 * * monday', now());
-- a schedule keeps the zone of the session that made it, whoever looks at it
SELECT ingest.schedule('a', '0 4 * * *');
SET TimeZone = 'UTC';
SELECT zone, extract(hour FROM next_due AT TIME ZONE 'Europe/Berlin') AS hour FROM ingest.job_status WHERE job = 'a';
UPDATE ingest.job SET next_due = now() WHERE name = 'a';
SELECT ingest_internal.put_due(id), ingest_internal.not_due(0, '') FROM ingest.job WHERE name = 'a';
SELECT extract(hour FROM next_due AT TIME ZONE 'Europe/Berlin') AS hour FROM ingest.job_status WHERE job = 'a';
DELETE FROM ingest.queue WHERE job = (SELECT id FROM ingest.job WHERE name = 'a');
SELECT ingest_internal.next_due('61 * * * *', now());
SELECT ingest_internal.next_due('0 0 31 2 *', now());
SELECT ingest_internal.next_due('whenever', now());
SELECT ingest_internal.next_due('-1 h', now());
SELECT ingest.schedule('a', '1 hour');
SELECT schedule, scheduler, next_due > now() AS due FROM ingest.job WHERE name = 'a';
SELECT ingest.schedule('a', NULL);
SELECT ingest.drop_job('a');
SELECT count(*) FROM ingest.job WHERE name = 'a';
-- a check that finds a source wanting
CREATE SERVER unreachable FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1');
SELECT ingest.register_source('unreachable', 'unreachable') > 0 AS registered;
SELECT ingest.create_job('check unreachable', 'check', 'unreachable');
CALL ingest.work('check unreachable');
SELECT kind, state, left_out FROM ingest.run ORDER BY id DESC LIMIT 1;
SELECT ingest.drop_source('unreachable');
DROP SERVER unreachable;
