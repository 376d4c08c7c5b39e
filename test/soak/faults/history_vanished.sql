-- A column goes at the source; the copy keeps its values, the history forgets them: of the last version, and of every moment since
SELECT ingest.create_sync('there.t', 'copies.t', key => '{id}', cursor_column => 'changed', history => true) AS sync \gset
CALL ingest.sync('copies.t');
ALTER TABLE shop.t DROP COLUMN x;
CALL ingest.crawl('shop');
UPDATE shop.t SET v = 'one', changed = now() WHERE id = 1;
CALL ingest.sync('copies.t');
SELECT clock_timestamp() AS moment \gset
\echo '-- what a reader sees at the moment:'
SELECT id, v, x FROM copies.t WHERE id = 1;
\echo '-- the last version (x is missing, the copy has it):'
SELECT operation, after FROM ingest.change WHERE key = '{"id": 1}' ORDER BY seq DESC LIMIT 1;
UPDATE shop.t SET v = 'two', changed = now() WHERE id = 1;
CALL ingest.sync('copies.t');
\echo '-- what as_of says of the moment (x must be "kept"):'
SELECT id, v, x FROM ingest.as_of(NULL::copies.t, :'moment') WHERE id = 1;
