-- A cursor without a zone behind postgres_fdw, in the hour that comes twice: changes in its second pass are never found
CREATE TABLE shop.wall (id integer PRIMARY KEY, v text, changed timestamp);
INSERT INTO shop.wall SELECT i, 'old', timestamp '2026-10-25 02:59:00' + i * interval '1 s' FROM generate_series(1, 20) i;
CALL ingest.crawl('shop');
SELECT ingest.create_sync('there.wall', 'copies.wall', key => '{id}', cursor_column => 'changed') AS sync \gset
CALL ingest.sync('copies.wall');
-- two minutes later in Berlin it is 02:01 again
UPDATE shop.wall SET v = 'new', changed = timestamp '2026-10-25 02:01:30' WHERE id = 1;
CALL ingest.sync('copies.wall');
SELECT ingest.reload('copies.wall', keys_only => true);
CALL ingest.sync('copies.wall');
\echo '-- after the comparison of keys (must be new):'
SELECT id, v FROM copies.wall WHERE id = 1;
SELECT sync, state, last_state, watermark FROM ingest.table_status;
SELECT kind, summary FROM ingest.anomaly;
