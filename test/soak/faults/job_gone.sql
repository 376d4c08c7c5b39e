-- A job is dropped while a worker holds it in its batch: its failure is written down as that of the job before, and counted there
SELECT ingest.create_job('first', 'sql', 'SELECT pg_sleep(3)') AS a, ingest.create_job('victim', 'sql', 'SELECT 1') AS b \gset
SELECT ingest.enqueue('first') AS a, ingest.enqueue('victim') AS b \gset
SELECT pg_sleep(1.5);
SELECT ingest.drop_job('victim') AS dropped \gset
SELECT pg_sleep(4);
\echo '-- expected: first succeeded, and nothing else of it'
SELECT run, kind, name, state, error FROM ingest.run_status ORDER BY run;
SELECT j.name, d.reason FROM ingest.dead_letter d LEFT JOIN ingest.job j ON j.id = d.job;
SELECT type, data FROM ingest.event WHERE type ~ 'job|run' ORDER BY id;
