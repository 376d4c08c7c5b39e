-- A run whose session ended is said to run until the same is run again
SELECT ingest.create_sync('there.t', 'copies.t', key => '{id}', cursor_column => 'changed') AS sync \gset
CREATE FUNCTION copies.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON copies.t FOR EACH ROW EXECUTE FUNCTION copies.slow();
\setenv PGPORT :port
\setenv PGHOST :socket
\! (psql -X -U postgres -c "CALL ingest.sync('copies.t')" postgres >/dev/null 2>&1 &)
SELECT pg_sleep(1.5);
-- (kill -9 leaves the same)
SELECT pg_terminate_backend(pid) FROM ingest.run WHERE state = 'running';
SELECT pg_sleep(35);
\echo '-- 35 seconds later, the scheduler being at work:'
SELECT backend_type FROM pg_stat_activity WHERE backend_type LIKE 'ingest%';
SELECT kind, state, pid, EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = r.pid) AS alive FROM ingest.run_status r WHERE kind = 'sync';
SELECT sync, last_state FROM ingest.table_status;
