-- Every row once, or an error, whatever pages the account gives and says of them
SET search_path = public, netsuite;
SET client_min_messages = warning;
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
-- a result in words, or the class of its error
CREATE FUNCTION outcome(q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; BEGIN
  EXECUTE 'SELECT x::text FROM (' || q || ') x' INTO r;
  RETURN r;
EXCEPTION WHEN OTHERS THEN RETURN 'ERROR ' || SQLSTATE;
END $$;
CREATE FUNCTION each_size(q text) RETURNS TABLE (size int, result text) LANGUAGE plpgsql AS $$ BEGIN
  FOREACH size IN ARRAY '{1000,999,500,37}'::int[] LOOP
    EXECUTE format('ALTER SERVER ns OPTIONS (ADD page_size %L)', size);
    result := outcome(q);
    RETURN NEXT;
    ALTER SERVER ns OPTIONS (DROP page_size);
  END LOOP;
  size := 0; result := outcome(q);
  RETURN NEXT;
END $$;
SELECT * FROM each_size('SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM transaction OFFSET 0) x');
SELECT * FROM each_size('SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM transaction ORDER BY id OFFSET 0) x');
SELECT outcome('SELECT count(*), count(DISTINCT uniquekey), sum(netamount) FROM (SELECT * FROM transactionline OFFSET 0) x');
SELECT outcome('SELECT count(*), count(DISTINCT (transaction, transactionline, accountingbook)), sum(amount) FROM (SELECT * FROM transactionaccountingline OFFSET 0) x');
SELECT outcome('SELECT count(*), count(DISTINCT (recordid, recordtypeid, scriptid)) FROM (SELECT * FROM deletedrecord OFFSET 0) x');
-- exactly one page, one row more, none
SELECT q, outcome('SELECT count(*) FROM (SELECT id FROM transaction WHERE id <= ' || q || ' OFFSET 0) x') FROM unnest('{(SELECT id FROM copy.transaction ORDER BY id OFFSET 999 LIMIT 1),(SELECT id FROM copy.transaction ORDER BY id OFFSET 1000 LIMIT 1),0}'::text[]) q;
-- without a key
CREATE FOREIGN TABLE keyless (transaction bigint, id bigint) SERVER ns OPTIONS (query 'SELECT transaction, id FROM transactionline');
SELECT outcome('SELECT count(*), count(DISTINCT (transaction, id)) FROM (SELECT * FROM keyless OFFSET 0) x');
SELECT outcome('SELECT count(*) FROM (SELECT * FROM keyless LIMIT 10 OFFSET 2000) x');
-- more than NetSuite pages without a key
CREATE FOREIGN TABLE many (a bigint, b bigint) SERVER ns OPTIONS (query 'SELECT a.id AS a, b.id AS b FROM accountingperiod a CROSS JOIN accountingperiod b');
SELECT outcome('SELECT count(*) FROM (SELECT * FROM many OFFSET 0) x') IN ('ERROR HV00L', '(197136)') AS refused_or_whole;
SELECT outcome('SELECT count(*) FROM many');
-- keys that are none
CREATE FOREIGN TABLE bad_key (transaction bigint, id bigint) SERVER ns OPTIONS (query 'SELECT transaction, id FROM transactionline', key 'id');
CREATE FOREIGN TABLE some_null (k bigint) SERVER ns OPTIONS (query 'SELECT CASE WHEN id > 3000 THEN id END AS k FROM transaction', key 'k');
SELECT t, outcome('SELECT count(*) FROM (SELECT * FROM ' || t || ' OFFSET 0) x') FROM unnest('{bad_key,some_null}'::text[]) t;
-- in order, by limits, across pages
SELECT outcome('SELECT array_agg(id) FROM (SELECT id FROM transaction ORDER BY id DESC LIMIT 5 OFFSET 1200) x');
SELECT outcome('SELECT array_agg(id) FROM (SELECT id FROM transaction ORDER BY trandate DESC, id LIMIT 6) x');
SELECT outcome('SELECT count(*) FROM (SELECT id FROM transaction LIMIT 2345) x');
-- sparse keys and the ends of bigint
\! $CONTROL sql sql="CREATE TABLE ns.saved AS SELECT * FROM ns.transaction; UPDATE ns.transaction SET id = CASE WHEN id < 1000 THEN -9223372036854775000 + id WHEN id < 3000 THEN id ELSE id * 1000000000 END"
SELECT outcome('SELECT count(*), count(DISTINCT id), min(id) FROM (SELECT id FROM transaction OFFSET 0) x');
\! $CONTROL sql sql="DELETE FROM ns.transaction"
\! $CONTROL sql sql="INSERT INTO ns.transaction SELECT * FROM ns.saved"
\! $CONTROL sql sql="DROP TABLE ns.saved"
DROP FOREIGN TABLE keyless, many, bad_key, some_null;
