-- Paging: every row once, whatever the key, the size of pages and the order
SET search_path = public, netsuite;
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
CREATE TABLE ids AS SELECT id FROM copy.transaction;
CREATE FUNCTION alike(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n bigint; d bigint; BEGIN
  EXECUTE format('SELECT count(*), count(*) - count(DISTINCT id) FROM (%s) x', q) INTO n, d;
  RETURN CASE WHEN d > 0 THEN d || ' doubled' WHEN n <> (SELECT count(*) FROM ids) THEN n || ' rows' ELSE 'every row once' END;
END $$;
-- page sizes
DO $$ DECLARE n int; BEGIN
  FOREACH n IN ARRAY '{1000,999,250,37}'::int[] LOOP
    EXECUTE format('ALTER SERVER ns OPTIONS (%s page_size ''%s'')', CASE n WHEN 1000 THEN 'ADD' ELSE 'SET' END, n);
    IF alike('SELECT id FROM transaction OFFSET 0') <> 'every row once' THEN RAISE 'page size %: %', n, alike('SELECT id FROM transaction OFFSET 0'); END IF;
    IF alike('SELECT id FROM transaction ORDER BY id') <> 'every row once' THEN RAISE 'page size % in order', n; END IF;
  END LOOP;
END $$;
ALTER SERVER ns OPTIONS (SET page_size '1000');
-- one page costs one request, however the rows are asked for
CREATE FUNCTION requests(q text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE line text; n bigint := 0; BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, SUMMARY OFF) ' || q LOOP
    IF line ~ 'Requests:' THEN n := n + substring(line FROM '\d+')::bigint; END IF;
  END LOOP;
  RETURN n;
END $$;
SELECT requests('SELECT * FROM currency'), requests('SELECT * FROM transaction WHERE id < 500'), requests('SELECT count(*) FROM transaction'), requests('SELECT id FROM transaction ORDER BY trandate LIMIT 10'), requests('SELECT id FROM transaction LIMIT 10'), requests('SELECT * FROM transaction WHERE id < 0');
SELECT requests('SELECT id FROM transaction') BETWEEN 5 AND 8 AS five_pages;
-- skewed and sparse keys stay balanced and whole
\! $CONTROL sql sql="CREATE TABLE ns.saved AS SELECT * FROM ns.transaction; UPDATE ns.transaction SET id = CASE WHEN id < 3000 THEN id ELSE id * 1000000000 END"
SELECT alike('SELECT id FROM transaction OFFSET 0') AS sparse, requests('SELECT id FROM transaction') < 20 AS thrifty;
\! $CONTROL sql sql="UPDATE ns.transaction SET id = -9223372036854775000 + id WHERE id < 1000"
SELECT alike('SELECT id FROM transaction OFFSET 0') AS ends_of_bigint;
\! $CONTROL sql sql="DELETE FROM ns.transaction"
\! $CONTROL sql sql="INSERT INTO ns.transaction SELECT * FROM ns.saved"
\! $CONTROL sql sql="DROP TABLE ns.saved"
-- composite keys, keys with a text at the end, no key at all
SELECT count(*), count(DISTINCT (transaction, transactionline, accountingbook)) = count(*) AS distinct, sum(amount) FROM (SELECT * FROM transactionaccountingline OFFSET 0) x;
SELECT count(*), count(DISTINCT (recordid, recordtypeid, scriptid)) = count(*) AS distinct FROM (SELECT * FROM deletedrecord OFFSET 0) x;
CREATE FOREIGN TABLE lines (transaction bigint, id bigint, amount numeric OPTIONS (column_name 'netamount')) SERVER ns OPTIONS (query 'SELECT transaction, id, netamount FROM transactionline', key 'transaction, id');
SELECT count(*), count(DISTINCT (transaction, id)) = count(*) AS distinct, sum(amount) FROM (SELECT * FROM lines OFFSET 0) x;
CREATE FOREIGN TABLE keyless (transaction bigint, id bigint) SERVER ns OPTIONS (query 'SELECT transaction, id FROM transactionline');
SELECT count(*), count(DISTINCT (transaction, id)) = count(*) AS distinct FROM (SELECT * FROM keyless OFFSET 0) x;
-- more than NetSuite pages without a key is refused, with a key it is read
CREATE FOREIGN TABLE many (a bigint, b bigint) SERVER ns OPTIONS (query 'SELECT a.id AS a, b.id AS b FROM accountingperiod a CROSS JOIN accountingperiod b');
SELECT count(*) FROM (SELECT * FROM many OFFSET 0) x;
SELECT count(*) FROM many;
SELECT count(*) FROM (SELECT * FROM many LIMIT 10) x;
\! $CONTROL switch name=total_capped value=true
SELECT count(*) FROM (SELECT * FROM many OFFSET 0) x;
ALTER FOREIGN TABLE many OPTIONS (ADD key 'a, b');
SELECT count(*), count(DISTINCT (a, b)) = count(*) AS distinct FROM (SELECT * FROM many OFFSET 0) x;
\! $CONTROL reset
-- a key that is none: rows would be lost, so the query fails
CREATE FOREIGN TABLE bad_key (transaction bigint, id bigint) SERVER ns OPTIONS (query 'SELECT transaction, id FROM transactionline', key 'id');
SELECT count(*) FROM (SELECT * FROM bad_key OFFSET 0) x;
CREATE FOREIGN TABLE null_key (id bigint OPTIONS (column_name 'entity')) SERVER ns OPTIONS (query 'SELECT entity FROM transaction WHERE entity IS NULL', key 'entity');
SELECT count(*) FROM (SELECT * FROM null_key OFFSET 0) x;
CREATE FOREIGN TABLE some_null (k bigint) SERVER ns OPTIONS (query 'SELECT CASE WHEN id > 3000 THEN id END AS k FROM transaction', key 'k');
SELECT count(*) FROM (SELECT * FROM some_null OFFSET 0) x;
-- pages too large for the buffer are asked for in smaller pieces
ALTER SERVER ns OPTIONS (ADD max_buffered '200kB');
SELECT count(*), max(length(memo)) FROM (SELECT * FROM transaction OFFSET 0) x;
ALTER SERVER ns OPTIONS (DROP max_buffered);
-- rows that change while they are read by key: those untouched come once
\! $CONTROL fault kind=change match=suiteql count=1 do='{"op":"sql","sql":"DELETE FROM ns.nexttransactionlinelink WHERE nextdoc % 7 = 0"}'
SELECT count(*) = count(DISTINCT (previousdoc, previousline, nextdoc, nextline, linktype)) AS distinct FROM (SELECT * FROM nexttransactionlinelink OFFSET 0) x;
\! $CONTROL fault kind=change match=suiteql count=1 do='{"op":"sql","sql":"DELETE FROM ns.systemnote WHERE id = 1"}'
CREATE FOREIGN TABLE notes (id bigint, field text) SERVER ns OPTIONS (query 'SELECT id, field FROM systemnote UNION ALL SELECT id, field FROM systemnote');
SELECT count(*) FROM (SELECT * FROM notes OFFSET 0) x;
\! $CONTROL reset
DROP FOREIGN TABLE lines, keyless, many, bad_key, null_key, some_null, notes;
