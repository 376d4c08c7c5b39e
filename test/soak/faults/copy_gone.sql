-- The copy is gone (dropped, or renamed): each run fails, and the views go on saying succeeded
SELECT ingest.create_sync('there.t', 'copies.t', key => '{id}', cursor_column => 'changed') AS sync \gset
CALL ingest.sync('copies.t');
ALTER TABLE copies.t RENAME TO elsewhere;
UPDATE shop.t SET v = 'new', changed = now();
CALL ingest.sync('copies.t');
SELECT ingest.create_job('j', 'sync', 'copies.t', max_attempts => 1) AS job, ingest.enqueue('j') AS entry \gset
SELECT pg_sleep(4);
SELECT kind, state, error FROM ingest.run_status ORDER BY run DESC LIMIT 3;
\echo '-- expected: not succeeded, not fresh'
SELECT sync, state, state_reason, last_state, last_error FROM ingest.table_status;
