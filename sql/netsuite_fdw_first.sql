-- The first few of many, and then more: rows that change between the two requests are neither lost nor doubled
SET search_path = public, netsuite;
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
\! $CONTROL reset
\! $CONTROL sql sql="CREATE TABLE ns.saved AS SELECT * FROM ns.transaction"
-- 400 rows tie: a row that came already goes, a row comes before it, another goes and comes elsewhere
CREATE FOREIGN TABLE keyed (a bigint OPTIONS (remote_type 'number'), id bigint OPTIONS (remote_type 'number'), memo text) SERVER ns OPTIONS (query 'SELECT CASE WHEN id <= 400 THEN 1 ELSE 2 END AS a, id AS id, memo AS memo FROM transaction WHERE id <= 700', key 'a, id');
CREATE FOREIGN TABLE keyless (a bigint, id bigint) SERVER ns OPTIONS (query 'SELECT CASE WHEN id <= 400 THEN 1 ELSE 2 END AS a, id AS id FROM transaction WHERE id <= 700');
CREATE TABLE firsts AS SELECT id FROM copy.transaction WHERE id <= 400;
CREATE FUNCTION ties(relation text, few int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE said text; BEGIN
  EXECUTE format('SELECT CASE WHEN count(*) > count(DISTINCT id) THEN ''DOUBLED'' WHEN EXISTS (SELECT FROM firsts f WHERE NOT f.id = ANY(array_agg(x.id))) THEN ''LOST'' ELSE ''right'' END
    FROM (SELECT id FROM %I ORDER BY a FETCH FIRST %s ROWS WITH TIES) x', relation, few) INTO said;
  RETURN said;
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT ties('keyed', 5), ties('keyless', 5);
-- gone after it came
\! $CONTROL fault kind=change match=suiteql count=1 do='{"op":"sql","sql":"DELETE FROM ns.transaction WHERE id = (SELECT min(id) FROM ns.transaction)"}'
SELECT ties('keyed', 5);
\! $CONTROL sql sql="DELETE FROM ns.transaction"
\! $CONTROL sql sql="INSERT INTO ns.transaction SELECT * FROM ns.saved"
\! $CONTROL clear_faults
\! $CONTROL fault kind=change match=suiteql count=1 do='{"op":"sql","sql":"DELETE FROM ns.transaction WHERE id = (SELECT min(id) FROM ns.transaction)"}'
SELECT ties('keyless', 5);
\! $CONTROL sql sql="DELETE FROM ns.transaction"
\! $CONTROL sql sql="INSERT INTO ns.transaction SELECT * FROM ns.saved"
\! $CONTROL clear_faults
-- new before those that came
\! $CONTROL fault kind=change match=suiteql count=1 do='{"op":"sql","sql":"INSERT INTO ns.transaction (id) VALUES (-5)"}'
SELECT ties('keyed', 5);
\! $CONTROL sql sql="DELETE FROM ns.transaction WHERE id = -5"
\! $CONTROL clear_faults
\! $CONTROL fault kind=change match=suiteql count=1 do='{"op":"sql","sql":"INSERT INTO ns.transaction (id) VALUES (-5)"}'
SELECT ties('keyless', 5);
\! $CONTROL sql sql="DELETE FROM ns.transaction WHERE id = -5"
\! $CONTROL clear_faults
-- as many gone as new: the number of rows does not tell
\! $CONTROL fault kind=change match=suiteql count=1 do='{"op":"sql","sql":"UPDATE ns.transaction SET id = 650000 WHERE id = (SELECT min(id) FROM ns.transaction)"}'
SELECT ties('keyless', 5);
\! $CONTROL sql sql="DELETE FROM ns.transaction"
\! $CONTROL sql sql="INSERT INTO ns.transaction SELECT * FROM ns.saved"
\! $CONTROL clear_faults
\! $CONTROL fault kind=change match=suiteql count=1 do='{"op":"sql","sql":"UPDATE ns.transaction SET id = -7 WHERE id = (SELECT max(id) FROM ns.transaction WHERE id <= 400)"}'
SELECT ties('keyless', 5);
\! $CONTROL sql sql="DELETE FROM ns.transaction"
\! $CONTROL sql sql="INSERT INTO ns.transaction SELECT * FROM ns.saved"
\! $CONTROL clear_faults
-- changes behind them are none of theirs
\! $CONTROL fault kind=change match=suiteql count=1 do='{"op":"sql","sql":"DELETE FROM ns.transaction WHERE id IN (500, 600)"}'
SELECT ties('keyed', 5), ties('keyless', 5);
\! $CONTROL sql sql="DELETE FROM ns.transaction"
\! $CONTROL sql sql="INSERT INTO ns.transaction SELECT * FROM ns.saved"
\! $CONTROL sql sql="DROP TABLE ns.saved"
\! $CONTROL reset
-- without FETCH FIRST, and with few rows, which are all
\! $CONTROL switch name=fetch_first value=false
\c
SET search_path = public, netsuite;
SELECT ties('keyed', 5), ties('keyless', 5), ties('keyed', 300), ties('keyless', 399);
\! $CONTROL reset
\c
SET search_path = public, netsuite;
SELECT few, (SELECT count(*) FROM (SELECT id FROM keyed ORDER BY a FETCH FIRST 5 ROWS WITH TIES OFFSET few) x) AS behind FROM (VALUES (0), (3)) v(few);
-- a rescan begins with what it began with
SELECT n, (SELECT count(*) FROM (SELECT id FROM keyless ORDER BY a FETCH FIRST 5 ROWS WITH TIES) x WHERE x.id + n > n) FROM generate_series(1, 3) n;
-- more rows tie than NetSuite gives by offset: an end that is none is an error
\! $CONTROL switch name=max_limit value=3000
\getenv url NS_URL
\getenv ca NS_CA
CREATE SERVER large FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url :'url', ca_file :'ca', page_size '3000');
CREATE USER MAPPING FOR CURRENT_USER SERVER large OPTIONS (consumer_key 'sandbox-consumer-key', consumer_secret 'sandbox-consumer-secret',
  token_id 'sandbox-token-id', token_secret 'sandbox-token-secret');
CREATE FOREIGN TABLE alike (one bigint, a bigint, b bigint) SERVER large OPTIONS (query 'SELECT 1 AS one, a.id AS a, b.id AS b FROM accountingperiod a CROSS JOIN accountingperiod b');
SELECT count(*) FROM (SELECT * FROM alike LIMIT 7) x;
SELECT count(*) FROM (SELECT * FROM alike ORDER BY one FETCH FIRST 5 ROWS WITH TIES) x;
\! $CONTROL switch name=total_capped value=true
SELECT count(*) FROM (SELECT * FROM alike ORDER BY one FETCH FIRST 5 ROWS WITH TIES) x;
\! $CONTROL reset
DROP FOREIGN TABLE keyed, keyless;
DROP SERVER large CASCADE;
DROP TABLE firsts;
DROP FUNCTION ties;
