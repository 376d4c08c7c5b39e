-- A declared key is a claim: rows come once each, or the claim is refused in words that name the key
SET search_path = public, netsuite;
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
\! $CONTROL reset
\getenv url NS_URL
\getenv ca NS_CA
CREATE SERVER claims FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url :'url', ca_file :'ca', page_size '10');
CREATE USER MAPPING FOR CURRENT_USER SERVER claims OPTIONS (consumer_key 'sandbox-consumer-key', consumer_secret 'sandbox-consumer-secret',
  token_id 'sandbox-token-id', token_secret 'sandbox-token-secret');
-- what a table over a query with a key gives, in any order and size of pages: every row once, or an error
CREATE FUNCTION outcomes(query text, columns text, key text, rows bigint) RETURNS TABLE (outcome text, times bigint) LANGUAGE plpgsql AS $$
DECLARE size int; way text; n bigint; d bigint; seen text[]; BEGIN
  EXECUTE format('CREATE FOREIGN TABLE claimed (%s) SERVER claims OPTIONS (query %L, key %L)', columns, query, key);
    FOREACH size IN ARRAY '{5,7,10,20,64,300}'::int[] LOOP
    EXECUTE format('ALTER SERVER claims OPTIONS (SET page_size ''%s'')', size);
    FOREACH way IN ARRAY ARRAY['OFFSET 0', 'ORDER BY ' || split_part(key, ',', 1), 'LIMIT 1000000'] LOOP
      BEGIN
        EXECUTE format('SELECT count(*), count(DISTINCT g) FROM (SELECT * FROM claimed %s) x', way) INTO n, d;
        seen := seen || CASE WHEN n <> d THEN format('%s rows came twice', n - d) WHEN n <> rows THEN format('%s of %s rows', n, rows) ELSE 'every row once' END;
      EXCEPTION WHEN OTHERS THEN seen := seen || (SQLSTATE || ' ' || regexp_replace(regexp_replace(SQLERRM, '\d+ rows', 'N rows'), '= .* repeats', '= ... repeats'));
      END;
    END LOOP;
  END LOOP;
  ALTER SERVER claims OPTIONS (SET page_size '10');
  DROP FOREIGN TABLE claimed;
  RETURN QUERY SELECT s, count(*) FROM unnest(seen) s GROUP BY 1 ORDER BY 1;
END $$;
-- a sample of rows whose keys are further apart than a bigint can say: a page of the stratum that has nearly all of them, and the last one
CREATE FOREIGN TABLE apart (k bigint) SERVER claims OPTIONS (key 'k',
  query 'SELECT CASE id WHEN 1001 THEN -9223372036854775807 WHEN 1002 THEN 9223372036854775806 ELSE id END AS k FROM customer');
ALTER SERVER claims OPTIONS (SET page_size '60');
\setenv PGDATABASE :DBNAME
\! psql -Xq -c 'SET default_statistics_target = 1' -c 'ANALYZE VERBOSE public.apart' 2>&1 | grep -o '[0-9]* rows in sample\|ERROR.*'
ALTER SERVER claims OPTIONS (SET page_size '10');
DROP FOREIGN TABLE apart;
-- one integer column followed by a text, or by a column that the foreign table lacks
SELECT * FROM outcomes('SELECT FLOOR(id/4) AS a, TO_CHAR(id) AS c, id AS g FROM customer WHERE id <= 1150', 'a bigint, c text, g bigint', 'a, c', 150);
SELECT * FROM outcomes('SELECT FLOOR(id/4) AS a, TO_CHAR(id) AS c, id AS g FROM customer WHERE id <= 1150', 'a bigint, g bigint', 'a, c', 150);
SELECT * FROM outcomes('SELECT FLOOR(id/4) AS a, id AS b, id AS g FROM customer WHERE id <= 1150', 'a bigint, g bigint', 'a, b', 150);
SELECT * FROM outcomes('SELECT FLOOR(id/40) AS a, MOD(id, 40) AS b, TO_CHAR(id) AS c, id AS g FROM customer WHERE id <= 1150', 'a int, b bigint, c text, g bigint', 'a, b, c', 150);
-- keys that repeat: once, within a page and across its edge; everywhere; two columns; negative ones
SELECT * FROM outcomes('SELECT id AS g, CASE WHEN id = 1011 THEN 1010 ELSE id END AS k FROM customer WHERE id <= 1150', 'g bigint, k bigint', 'k', 150);
SELECT * FROM outcomes('SELECT id AS g, CASE WHEN MOD(id, 5) = 0 THEN id - 1 ELSE id END AS k FROM customer WHERE id <= 1150', 'g bigint, k bigint', 'k', 150);
SELECT * FROM outcomes('SELECT id AS g, -FLOOR(id/3) AS k, 7 AS l FROM customer WHERE id <= 1150', 'g bigint, k bigint, l bigint', 'k, l', 150);
-- a text key that repeats is no harm: rows that it does not tell apart are ordered by their other columns
SELECT * FROM outcomes('SELECT id AS g, CASE WHEN MOD(id, 3) = 0 THEN NULL ELSE SUBSTR(entityid, 1, 4) END AS k FROM customer WHERE id <= 1150', 'g bigint, k text', 'k', 150);
-- null in some rows; no integer; no integer that fits; order of text
SELECT * FROM outcomes('SELECT id AS g, CASE WHEN MOD(id, 100) > 0 THEN id END AS k FROM customer WHERE id <= 1150', 'g bigint, k bigint', 'k', 150);
SELECT * FROM outcomes('SELECT id AS g, id + CASE WHEN MOD(id, 7) = 0 THEN 0.5 ELSE 0 END AS k FROM customer WHERE id <= 1150', 'g bigint, k bigint', 'k', 150);
SELECT * FROM outcomes('SELECT id AS g, TO_NUMBER(''1000000000000000000'') * id AS k FROM customer WHERE id <= 1150', 'g bigint, k bigint', 'k', 150);
-- whether a row that is too small or the missing ones are seen first depends on where ranges were cut
SELECT outcome ~ '^(HV00K .* in the order of their key|40001 .* missing between two pages)' AS refused, sum(times) FROM outcomes('SELECT id AS g, TO_CHAR(id - 999) AS k FROM customer WHERE id <= 1150', 'g bigint, k bigint', 'k', 150) GROUP BY 1;
-- the error names the key and the value
CREATE FOREIGN TABLE claimed (g bigint, k bigint, l bigint) SERVER claims OPTIONS (query 'SELECT id AS g, CASE WHEN id = 1011 THEN 1010 ELSE id END AS k, 1 AS l FROM customer WHERE id BETWEEN 1001 AND 1025', key 'k, l');
SELECT count(*) FROM (SELECT * FROM claimed OFFSET 0) x;
SELECT g FROM claimed ORDER BY k, l LIMIT 15;
-- digits in a text sort there as a text, here as numbers
CREATE FOREIGN TABLE digits (g bigint, k bigint) SERVER claims OPTIONS (query 'SELECT id AS g, TO_CHAR(id - 1000) AS k FROM customer WHERE id BETWEEN 1001 AND 1025', key 'k');
SELECT array_agg(k) AS first FROM (SELECT k FROM digits ORDER BY k LIMIT 4) x;
SELECT min(k), max(k) FROM digits;
DROP FOREIGN TABLE digits;
-- rows that are deleted while they are read are no fault of the key
CREATE FOREIGN TABLE going (id bigint) SERVER claims OPTIONS (table 'systemnote', key 'id');
\! $CONTROL fault kind=change match=suiteql count=1 after=2 do='{"op":"sql","sql":"DELETE FROM ns.systemnote WHERE id IN (995, 996, 997)"}'
SELECT count(*) BETWEEN 990 AND 999 AS fewer FROM (SELECT * FROM going OFFSET 0) x;
\! $CONTROL fault kind=change match=suiteql count=1 after=2 do='{"op":"sql","sql":"DELETE FROM ns.systemnote WHERE id IN (992, 993, 994)"}'
SELECT count(*) BETWEEN 990 AND 999 AS fewer FROM (SELECT * FROM going ORDER BY id) x;
\! $CONTROL reset
DROP FOREIGN TABLE claimed, going;
DROP SERVER claims CASCADE;
DROP FUNCTION outcomes;
