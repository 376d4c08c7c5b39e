-- Pages too large for the buffer are cut into pieces: yet every row comes once, in its order, and the query ends
SET search_path = public, netsuite;
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
\! $CONTROL reset
\getenv url NS_URL
\getenv ca NS_CA
CREATE SERVER narrow FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url :'url', ca_file :'ca', page_size '100', max_buffered '64kB');
CREATE USER MAPPING FOR CURRENT_USER SERVER narrow OPTIONS (consumer_key 'sandbox-consumer-key', consumer_secret 'sandbox-consumer-secret',
  token_id 'sandbox-token-id', token_secret 'sandbox-token-secret');
SET statement_timeout = '1min';
-- rows by offset, the first page too large, several times cut, behind pages that are not, and alone
CREATE FUNCTION wide(width text, most int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE said text; BEGIN
  EXECUTE format('CREATE FOREIGN TABLE pieces (id bigint, big text) SERVER narrow OPTIONS (query %L)',
                 format('SELECT id AS id, RPAD(''x'', %s) AS big FROM transaction WHERE id <= %s', width, most));
  SELECT CASE WHEN count(*) = count(DISTINCT id) AND count(big) = (SELECT count(*) FROM copy.transaction WHERE id <= most) THEN 'every row once'
              ELSE format('%s rows, %s distinct', count(*), count(DISTINCT id)) END INTO said FROM (SELECT * FROM pieces OFFSET 0) x;
  DROP FOREIGN TABLE pieces;
  RETURN said;
END $$;
SELECT width, most, wide(width, most) FROM (VALUES ('1000'), ('5000'), ('40000'), ('CASE WHEN id < 750 THEN 5 ELSE 1500 END')) w(width), (VALUES (150), (303), (2999)) m(most)
 WHERE width <> '40000' OR most < 1000 ORDER BY width, most;
-- pieces so small that NetSuite has no offsets for them
CREATE FOREIGN TABLE pieces (id bigint, big text) SERVER narrow OPTIONS (query 'SELECT id AS id, RPAD(''x'', CASE WHEN id < 6000 THEN 5 ELSE 40000 END) AS big FROM transaction WHERE id < 3600 OR id > 6000 AND id < 6030');
SELECT count(big) FROM (SELECT * FROM pieces OFFSET 0) x;
DROP FOREIGN TABLE pieces;
-- the first few of many, and then more: what was read before is passed over however small the pieces are
CREATE FUNCTION ties(key text, width int, few int, split int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE said text; BEGIN
  EXECUTE format('CREATE FOREIGN TABLE tied (a bigint, id bigint, big text) SERVER narrow OPTIONS (query %L%s)',
                 format('SELECT CASE WHEN id < %s THEN 1 ELSE 2 END AS a, id AS id, RPAD(''x'', %s) AS big FROM transaction WHERE id <= 2999', split, width),
                 CASE WHEN key <> '' THEN format(', key %L', key) ELSE '' END);
  EXECUTE format('SELECT CASE WHEN count(*) = count(DISTINCT id) AND count(big) = (SELECT count(*) FROM copy.transaction WHERE id < %s) THEN ''every row once''
              ELSE format(''%%s rows, %%s distinct'', count(*), count(DISTINCT id)) END FROM (SELECT * FROM tied ORDER BY a FETCH FIRST %s ROWS WITH TIES) x', split, few) INTO said;
  DROP FOREIGN TABLE tied;
  RETURN said;
END $$;
SELECT key, width, few, ties(key, width, few, 2300) FROM (VALUES ('a, id'), ('')) k(key), (VALUES (20), (800), (2500)) w(width), (VALUES (3), (70), (100)) f(few) ORDER BY key, width, few;
-- in order, the second page too large while those behind it fill the buffer
CREATE FOREIGN TABLE hump (id bigint, big text) SERVER narrow OPTIONS (query 'SELECT id AS id, CASE WHEN id < 304 THEN ''s'' WHEN id < 604 THEN RPAD(''x'', 2000) ELSE RPAD(''y'', 400) END AS big FROM transaction');
SELECT count(*) = count(DISTINCT id) AND count(big) = (SELECT count(*) FROM copy.transaction) AS every_row_once, bool_and(id > before) AS in_order
  FROM (SELECT id, big, lag(id) OVER () AS before FROM (SELECT id, big, count(*) FROM hump GROUP BY id, big ORDER BY id OFFSET 0) x) y;
DROP FOREIGN TABLE hump;
DROP FUNCTION wide, ties;
DROP SERVER narrow CASCADE;
