-- A row that does not fit is an error, or, for whoever asks for it, a row that says why
SET search_path = public, netsuite;
SET TimeZone = 'UTC';
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
\! $CONTROL reset
\getenv url NS_URL
\getenv ca NS_CA
CREATE SERVER bad FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url :'url', ca_file :'ca', page_size '10');
CREATE USER MAPPING FOR CURRENT_USER SERVER bad OPTIONS (consumer_key 'sandbox-consumer-key', consumer_secret 'sandbox-consumer-secret',
  token_id 'sandbox-token-id', token_secret 'sandbox-token-secret');
-- one bad value of each kind among 30 rows
CREATE DOMAIN even AS bigint CHECK (VALUE % 2 = 0);
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE FOREIGN TABLE bad (id bigint, s text, n numeric, i integer, q numeric(4,2), b boolean, d date, t timestamp, z timestamptz, v varchar(3), j jsonb, e even, c colour, _error jsonb OPTIONS (metadata 'error'))
  SERVER bad OPTIONS (key 'id', query $$SELECT id, 'fine' AS s, '1.5' AS n, id AS i, '1.25' AS q, 'T' AS b, datecreated AS d, datecreated AS t, datecreated AS z, 'abc' AS v, '[]' AS j, id * 2 AS e, 'red' AS c FROM customer WHERE id BETWEEN 1001 AND 1030$$);
CREATE TEMP TABLE edit (id int, find text, replace text);
INSERT INTO edit VALUES (1001, '"d":"[^"]*"', '"d":"0000-00-00"'), (1002, '"d":"[^"]*"', '"d":"-4712-01-01"'), (1003, '"s":"fine"', '"s":"a\\u0000b"'), (1004, '"s":"fine"', '"s":"\\ud83d"'),
  (1005, '"i":"\d*"', '"i":"2147483648"'), (1006, '"n":"1.5"', '"n":"1,234.56"'), (1007, '"b":"T"', '"b":"X"'), (1008, '"t":"[^"]*"', '"t":"2024-02-30 00:00:00"'), (1009, '"z":"[^"]*"', '"z":"1/15/2023 3:04 pm"'),
  (1010, '"v":"abc"', '"v":"abcd"'), (1011, '"j":"\[\]"', '"j":"["'), (1012, '"e":"\d*"', '"e":"3"'), (1013, '"c":"red"', '"c":"blue"'), (1014, '"q":"1.25"', '"q":"123.45"'), (1015, '"n":"1.5"', '"n":{"a":"b \\" c"}'),
  (1016, '"n":"1.5"', '"n":"' || repeat('ä', 3000) || '"'), (1017, '"i":"\d*"', '"i":"1.5"'), (1018, '"s":"fine"', '"s":"first","b":"Y","n":"z"'), (1030, '"b":"T"', '"b":"?"');
SELECT jsonb_build_object('op', 'fault', 'kind', 'edit', 'match', 'suiteql', 'edits', jsonb_agg(jsonb_build_object('find', '(?s)("id":"' || id || '"[^}]*?)' || find, 'replace', '\1' || replace)))::text AS faults FROM edit \gset
\setenv FAULTS :faults
CREATE FUNCTION told() RETURNS SETOF text LANGUAGE sql AS $$ SELECT concat_ws(' ', id, left(_error::text, 230)) FROM bad WHERE _error IS NOT NULL ORDER BY _error->'key'->'id' $$;
\! /usr/bin/python3 -c 'import os, urllib.request; urllib.request.urlopen(os.environ["NS_CONTROL"], os.environ["FAULTS"].encode())'
SELECT told();
-- the other rows are there, whole; those are null but for the reason
SELECT count(*), count(id), count(_error), count(*) FILTER (WHERE _error IS NOT NULL AND num_nonnulls(id, s, n, i, q, b, d, t, z, v, j, e, c) > 0) AS half, min(id), max(id) FROM (SELECT * FROM bad OFFSET 0) x;
SELECT count(*), count(id), count(_error), max(id) FROM (SELECT * FROM bad ORDER BY id OFFSET 0) x;
SELECT id, _error->>'column' AS bad FROM bad ORDER BY id DESC NULLS LAST LIMIT 2;
SET enable_hashjoin = off; SET enable_nestloop = off;
SELECT count(*), count(a._error), count(b._error) FROM bad a JOIN bad b USING (id);
RESET enable_hashjoin; RESET enable_nestloop;
SELECT max(length(_error->>'value')) AS longest, max(length(_error->>'reason')) AS longest_reason FROM bad;
-- whoever does not name the column gets the error, and so does who asks for the whole row to lock another's
SELECT count(n), count(s), count(d) FROM (SELECT n, s, d FROM bad OFFSET 0) x;
SELECT id FROM bad WHERE id < 1003 ORDER BY id;
CREATE TABLE mine (id bigint); INSERT INTO mine VALUES (1001);
SELECT mine.id, d FROM mine JOIN bad USING (id) FOR UPDATE OF mine;
-- what is computed there counts all rows
SELECT count(*) FROM bad;
-- a condition that is sent holds for those rows as well; one that is checked here lets them through, since nobody knows
SELECT count(*), count(_error) FROM (SELECT * FROM bad WHERE id > 1015 OFFSET 0) x;
SELECT count(*), count(_error) FROM (SELECT * FROM bad WHERE s ~ 'nothing' OFFSET 0) x;
SELECT count(*), count(_error) FROM (SELECT * FROM bad WHERE s ~ 'nothing' AND _error IS NULL OFFSET 0) x;
SELECT count(*), count(_error) FROM (SELECT * FROM bad WHERE s ~ 'fine' AND _error->>'column' = 'n' OFFSET 0) x;
-- but not past a security barrier
CREATE VIEW guarded WITH (security_barrier) AS SELECT * FROM bad WHERE s ~ 'nothing';
SELECT count(*) FROM guarded WHERE _error IS NOT NULL;
SELECT count(*) FROM guarded WHERE v ~ 'x' AND _error IS NOT NULL;
-- a join sees nulls, whichever way it is made: by hash, by merging, row by row with a value that is sent
CREATE TABLE keys AS SELECT generate_series(1001, 1030)::bigint AS id; ANALYZE keys;
CREATE FUNCTION ways(q text) RETURNS TABLE (way text, answer text) LANGUAGE plpgsql AS $$
BEGIN
  FOREACH way IN ARRAY '{hashjoin,mergejoin,nestloop}'::text[] LOOP
    PERFORM set_config('enable_' || w, (w = way)::text, true) FROM unnest('{hashjoin,mergejoin,nestloop}'::text[]) w;
    PERFORM set_config('enable_material', 'off', true), set_config('enable_memoize', 'off', true);
    EXECUTE q INTO answer;
    RETURN NEXT;
  END LOOP;
  PERFORM set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true), set_config('enable_material', 'on', true), set_config('enable_memoize', 'on', true);
END $$;
SELECT q, w.* FROM unnest(ARRAY['SELECT count(*) || '' '' || count(b._error) FROM keys k JOIN bad b ON b.id = k.id', 'SELECT count(*) || '' '' || count(b._error) FROM keys k LEFT JOIN bad b ON b.id = k.id',
  'SELECT count(*) FROM keys k WHERE EXISTS (SELECT FROM bad b WHERE b.id = k.id AND b._error IS NOT NULL)', 'SELECT count(*) || '' '' || count(b._error) FROM keys k JOIN bad b ON b.id = k.id AND (b.i = k.id OR b.s IS NULL)',
  'SELECT count(*) || '' '' || count(b._error) FROM keys k JOIN bad b ON b.id = k.id AND b.id > 1010']) q, ways(q) w;
-- and a subquery, with its value as a parameter or hashed
SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM bad b WHERE b.id = k.id AND b._error IS NOT NULL)) AS one_by_one_or_hashed FROM (SELECT * FROM keys LIMIT 1) k;
SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM bad b WHERE b.id = k.id AND b._error IS NOT NULL)) AS one_by_one_or_hashed FROM keys k;
SELECT count((SELECT b._error FROM bad b WHERE b.id = k.id)) AS of_a_subquery FROM keys k;
SELECT count(_error) AS of_constants FROM bad WHERE id IN (1001, 1002, 1029);
DROP TABLE keys; DROP FUNCTION ways;
-- whatever a type's own input says of a value: a domain's function, a parser, a depth, what the catalogue has
\! $CONTROL reset
CREATE FUNCTION fussy(n int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN IF n > 1005 THEN RAISE 'not %', n; END IF; RETURN true; END $$;
CREATE DOMAIN fussy AS int CHECK (fussy(VALUE));
CREATE EXTENSION hstore;
CREATE FUNCTION fits(type text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; BEGIN
  EXECUTE format('CREATE FOREIGN TABLE fit (id bigint, v %s, _error jsonb OPTIONS (metadata ''error'')) SERVER bad OPTIONS (key ''id'', query %L)', type, format('SELECT id, CASE WHEN id = 1003 THEN %L ELSE NULL END AS v FROM customer WHERE id <= 1025', value));
  BEGIN
    SELECT format('%s rows, %s bad', count(*), count(_error)) INTO r FROM fit;
  EXCEPTION WHEN OTHERS THEN r := 'stopped: ' || SQLSTATE || ' ' || SQLERRM;
  END;
  DROP FOREIGN TABLE fit;
  RETURN r;
END $$;
SELECT t, left(v, 20) AS value, fits(t, v) FROM (VALUES ('int', 'NaN'), ('bigint', 'Infinity'), ('fussy', '1006'), ('jsonpath', '$.['), ('tsquery', 'a b'), ('tsvector', repeat('x', 3000)), ('jsonb', repeat('[', 20000)), ('regclass', 'no_such_table'), ('regrole', 'a.b'), ('hstore', 'x'), ('int[]', '{1,')) v(t, v);
DROP FUNCTION fits; DROP EXTENSION hstore; DROP DOMAIN fussy; DROP FUNCTION fussy;
-- a sample leaves them out
\! $CONTROL reset
\! $CONTROL fault kind=edit match=suiteql edits='[{"find": "(?s)(\"c1\":\"10[01]5\"[^}]*?)\"c3\":\"1.5\"", "replace": "\\1\"c3\":\"x\""}]'
\setenv PGDATABASE :DBNAME
\! psql -Xq -c 'ANALYZE VERBOSE bad' 2>&1 | grep -A 1 '"bad"'
SELECT stanullfrac FROM pg_statistic WHERE starelid = 'bad'::regclass AND staattnum = 1;
-- a key that cannot be read stops: pages go on by it
\! $CONTROL reset
\! $CONTROL fault kind=edit match=suiteql edits='[{"find": "\"id\":\"1012\"", "replace": "\"id\":\"x\""}]'
SELECT count(_error) FROM bad;
\! $CONTROL reset
SELECT count(*), count(_error) FROM (SELECT * FROM bad OFFSET 0) x;
-- what cancels does so
SET statement_timeout = '300ms';
\! $CONTROL latency seconds=0.5
SELECT count(_error) FROM bad;
RESET statement_timeout;
\! $CONTROL reset
-- options and types
CREATE FOREIGN TABLE odd (id bigint, e jsonb OPTIONS (metadata 'errors')) SERVER bad;
CREATE FOREIGN TABLE odd (id bigint, e jsonb OPTIONS (metadata 'error', column_name 'x')) SERVER bad;
CREATE FOREIGN TABLE odd (id bigint, e text OPTIONS (metadata 'error')) SERVER bad OPTIONS ("table" 'customer');
SELECT * FROM odd;
-- imported if asked for
CREATE SCHEMA told;
IMPORT FOREIGN SCHEMA suiteql LIMIT TO (currency) FROM SERVER bad INTO told OPTIONS (metadata 'errors');
IMPORT FOREIGN SCHEMA suiteql LIMIT TO (currency) FROM SERVER bad INTO told OPTIONS (metadata 'error');
SELECT attname, format_type(atttypid, -1), attfdwoptions FROM pg_attribute WHERE attrelid = 'told.currency'::regclass AND attnum > 0 ORDER BY attnum DESC LIMIT 2;
SELECT id, _error FROM told.currency ORDER BY id LIMIT 2;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id, _error FROM told.currency WHERE name ~ 'nothing' AND _error IS NULL AND id < 5 ORDER BY id;
EXPLAIN (VERBOSE, COSTS OFF) SELECT id FROM told.currency WHERE name ~ 'nothing' AND id < 5 ORDER BY id;
SET client_min_messages = warning;
DROP VIEW guarded; DROP FOREIGN TABLE bad, odd; DROP SCHEMA told CASCADE; DROP SERVER bad CASCADE; DROP DOMAIN even; DROP TYPE colour; DROP TABLE mine; DROP FUNCTION told;
RESET client_min_messages;
