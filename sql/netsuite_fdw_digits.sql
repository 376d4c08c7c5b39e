-- Numbers: PostgreSQL's are exact, NetSuite's keep 38 digits.  Every query gives here what it gives there.
SET search_path = public;
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
\! $CONTROL reset
CREATE SCHEMA far;
CREATE SCHEMA near;
CREATE TABLE near.n (id bigint, g int, b boolean, money numeric, rate numeric, long numeric, fine numeric, large numeric, huge bigint, i int);
INSERT INTO near.n SELECT i, i % 3, i % 2 = 0, round(i * 1234.5678 - 40000, 2), round(1 + i / 7.0, 8),
  CASE i WHEN 1 THEN 99999999999999999999999999999999999999 WHEN 2 THEN 0.00000000000000000001 WHEN 3 THEN -99999999999999999999999999999999999999 ELSE i / 16.0 END,
  round(i / 7.00000000000000000000000000, 20), 123456789012345 + round(i / 3.0, 3), 9223372036854775807 - i, 2147483647 - i FROM generate_series(1, 30) i;
UPDATE near.n SET money = NULL, long = NULL WHERE id = 20;
-- as NetSuite shows them
UPDATE near.n SET money = trim_scale(money), rate = trim_scale(rate), long = trim_scale(long), fine = trim_scale(fine), large = trim_scale(large);
-- the other side makes its numbers by itself; one table says what they are there, the other does not
DO $$ DECLARE q text; BEGIN
  SELECT string_agg(format('SELECT %s AS id, %s AS g, %L AS b, %s AS money, %s AS rate, %s AS long, %s AS fine, %s AS large, %s AS huge, %s AS i FROM dual', id, g, CASE WHEN b THEN 'T' ELSE 'F' END, coalesce(money::text, 'NULL'), rate, coalesce(long::text, 'NULL'), fine, large, huge, i), ' UNION ALL ' ORDER BY id) FROM near.n INTO q;
  EXECUTE format('CREATE FOREIGN TABLE far.n (id bigint, g int, b boolean, money numeric OPTIONS (remote_type ''number''), rate numeric OPTIONS (remote_type ''number''), long numeric OPTIONS (remote_type ''number''), fine numeric OPTIONS (remote_type ''number''), large numeric OPTIONS (remote_type ''number''), huge bigint, i int) SERVER ns OPTIONS (query %L, key ''id'', rows ''100000'')', q);
  EXECUTE format('CREATE FOREIGN TABLE far.plain (id bigint, g int, b boolean, money numeric, rate numeric, long numeric, fine numeric, large numeric, huge bigint, i int) SERVER ns OPTIONS (query %L, key ''id'', rows ''100000'')', q);
END $$;
-- and digits in a text, of which there may be more than a number has there
CREATE TABLE near.texts (id bigint, q numeric);
INSERT INTO near.texts VALUES (1, 5), (2, 5.00000000000000000000000000000000000000000000000001), (3, 12345678901234567890123456789012345678901234567890), (4, 12345678901234567890123456789012345678901234567891);
DO $$ BEGIN
  EXECUTE (SELECT format('CREATE FOREIGN TABLE far.texts (id bigint, q numeric OPTIONS (remote_type ''text'')) SERVER ns OPTIONS (query %L, key ''id'')', string_agg(format('SELECT %s AS id, %L AS q FROM dual', id, q), ' UNION ALL ')) FROM near.texts);
END $$;
CREATE VIEW near.plain AS SELECT * FROM near.n;
\getenv source PG_ABS_SRCDIR
\set near_and_far :source '/sql/near_and_far.inc'
\set ECHO none
\i :near_and_far
CREATE FUNCTION digits_answer(place text, q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE a text; BEGIN
  PERFORM set_config('search_path', place || ', public', true);
  EXECUTE format('SELECT string_agg(x, E''\n'' ORDER BY x COLLATE "C") FROM (SELECT regexp_replace(regexp_replace(q::text, ''(\.\d*?)0+(?=[,)])'', ''\1'', ''g''), ''\.(?=[,)])'', '''', ''g'') AS x FROM (%s) q) r', q) INTO a;
  RETURN a;
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE FUNCTION digits_differ(q text) RETURNS TABLE (query text, here text, there text) LANGUAGE plpgsql AS $$
BEGIN
  query := q; here := digits_answer('near', q); there := digits_answer('far', q);
  IF here IS DISTINCT FROM there THEN RETURN NEXT; END IF;
END $$;
-- conditions, groups and orders by what is reckoned with
SELECT d.* FROM unnest('{n,plain}'::text[]) t, unnest(ARRAY['money', 'rate', 'long', 'fine', 'large', 'huge', 'i', 'id']) a, unnest(ARRAY['money', 'rate', 'long', 'fine', 'huge', '0.00000000000000000001', '99999999999999999999999999999999999999']) b,
  unnest(ARRAY['SELECT id FROM %1$s WHERE %2$s + %3$s > 99999999999999999999999999999999999999', 'SELECT id FROM %1$s WHERE %2$s::numeric * %3$s = %2$s::numeric * %3$s + 0.00000000000000000000000000000000000000000001', 'SELECT id FROM %1$s WHERE %2$s - %3$s < %2$s', 'SELECT id FROM %1$s WHERE %2$s * 3.00000000000000000000001 <> %2$s * 3',
    'SELECT %2$s::numeric * %3$s AS x, count(*) FROM %1$s GROUP BY 1', 'SELECT max(%2$s + %3$s::numeric), count(DISTINCT %2$s::numeric * %3$s) FROM %1$s']) q, digits_differ(format(q, t, a, b)) d;
SELECT d.* FROM unnest(ARRAY['SELECT id FROM texts WHERE q = 5', 'SELECT id FROM texts WHERE q > 5', 'SELECT q, count(*) FROM texts GROUP BY q', 'SELECT count(DISTINCT q), sum(q), max(q) FROM texts', 'SELECT id FROM texts ORDER BY q DESC, id LIMIT 1', 'SELECT a.id, b.id FROM texts a JOIN texts b USING (q)']) q, digits_differ(q) d;
-- sums and averages, of columns and of what is reckoned with
SELECT d.* FROM unnest('{n,plain}'::text[]) t, unnest(ARRAY['money', 'rate', 'long', 'fine', 'large', 'huge', 'i', 'money * rate', 'money * 2', 'money * 0.0000001', 'money + long', '-money', 'coalesce(long, 0)', 'coalesce(money, fine)', 'CASE WHEN b THEN money ELSE -money END', 'CASE WHEN long > 5 THEN money END', 'CASE WHEN money * 1.5 > 3 THEN 1 ELSE 0 END', 'round(fine, 3)', 'trunc(large)', 'abs(long)', 'huge::numeric * huge', 'huge::numeric * 1000000000', 'floor(rate) * i', 'fine - fine', 'large * 3']) e,
  unnest(ARRAY['SELECT sum(%2$s) FROM %1$s', 'SELECT avg(%2$s) FROM %1$s', 'SELECT g, sum(%2$s), avg(%2$s), count(*) FROM %1$s GROUP BY g', 'SELECT g, sum(%2$s) FILTER (WHERE b) FROM %1$s GROUP BY g HAVING sum(%2$s) <> 0', 'SELECT g FROM %1$s GROUP BY g HAVING sum(%2$s) * 2 > 5 OR sum(%2$s) + 1 < 0', 'SELECT g FROM %1$s GROUP BY g ORDER BY sum(%2$s), g LIMIT 1', 'SELECT sum(%2$s) FROM %1$s WHERE id > 3', 'SELECT sum(%2$s) + 0.5, sum(%2$s) / count(*) FROM %1$s WHERE false', 'SELECT avg(%2$s) - sum(%2$s) FROM %1$s GROUP BY i %% 2 > 0']) q, digits_differ(format(q, t, e)) d;
-- averages have the digits that PostgreSQL gives them
SELECT avg(fine) AS fine, avg(money) AS money, avg(large) AS large, avg(huge) AS huge, avg(rate) AS rate FROM far.n;
SELECT avg(fine) = (SELECT avg(fine) FROM near.n) AND scale(avg(fine)) = 20 AND scale(avg(large)) = (SELECT scale(avg(large)) FROM near.n) AS same FROM far.n;
-- what is sent: a sum goes with the count of values that might make it inexact, if there may be any
SELECT query_of(format('SELECT g, %s FROM far.n GROUP BY g', a)) FROM unnest(ARRAY['sum(money)', 'avg(rate)', 'sum(long)', 'avg(large)', 'sum(large)', 'sum(i), avg(huge)', 'sum(huge::numeric * i)', 'sum(money * rate)', 'sum(money * 100)', 'min(long), max(fine), count(long), count(DISTINCT long)']) a;
SELECT query_of('SELECT id FROM far.n WHERE ' || c) FROM unnest(ARRAY['long > 5', '-long > 5', 'round(long, 2) > 5', 'long + 1 > 5', 'i::bigint * i > 5', 'huge::numeric * huge > 5', 'huge::numeric * i + 1.5 > 5', 'huge::numeric * 99999999999999999999 > 5']) c;
SELECT query_of('SELECT g FROM far.n GROUP BY g HAVING sum(money) > 5 AND max(i) > 3');
SELECT query_of('SELECT g, sum(money) FROM far.n GROUP BY g ORDER BY 2 DESC, g LIMIT 2');
-- NetSuite's own columns are taken to be short: where one is not after all, the query is an error, and right when it is repeated, also from a cached plan
CREATE TABLE near.t AS SELECT id, type, foreigntotal, currency FROM netsuite.transaction;
PREPARE total AS SELECT sum(foreigntotal), avg(foreigntotal) FROM netsuite.transaction;
PREPARE most AS SELECT currency, sum(foreigntotal) FROM netsuite.transaction GROUP BY currency ORDER BY 2 LIMIT 1;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE total;
SELECT foreigntotal AS total8 FROM near.t WHERE id = 8 \gset
SELECT foreigntotal AS total9 FROM near.t WHERE id = 9 \gset
\setenv TOTAL8 :total8
\setenv TOTAL9 :total9
EXECUTE total \gset before_
\! $CONTROL sql sql="UPDATE ns.transaction SET foreigntotal = 99999999999999999999999999999999999999 WHERE id = 8" >/dev/null
\! $CONTROL sql sql="UPDATE ns.transaction SET foreigntotal = -99999999999999999999999999999999999999 WHERE id = 9" >/dev/null
EXECUTE total;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE total;
UPDATE near.t SET foreigntotal = 99999999999999999999999999999999999999 WHERE id = 8;
UPDATE near.t SET foreigntotal = -99999999999999999999999999999999999999 WHERE id = 9;
PREPARE local AS SELECT sum(foreigntotal), avg(foreigntotal) FROM near.t;
EXECUTE total \gset there_
EXECUTE local \gset here_
SELECT :there_sum = :here_sum AS sum, :there_avg = :here_avg AS avg;
-- in other sessions, too: a group that HAVING or LIMIT would leave out is not passed over
\c -
SET search_path = public;
\set VERBOSITY terse
SELECT currency FROM netsuite.transaction GROUP BY currency HAVING sum(foreigntotal) = 0.1;
SELECT count(*) FROM (SELECT currency FROM netsuite.transaction GROUP BY currency HAVING sum(foreigntotal) = 0.1) x;
\c -
\set VERBOSITY terse
SELECT currency, sum(foreigntotal) FROM netsuite.transaction GROUP BY currency ORDER BY 2 DESC NULLS LAST LIMIT 1;
SELECT currency = (SELECT currency FROM near.t GROUP BY currency ORDER BY sum(foreigntotal) DESC NULLS LAST LIMIT 1) AS same FROM netsuite.transaction GROUP BY currency ORDER BY sum(foreigntotal) DESC NULLS LAST LIMIT 1;
\set VERBOSITY default
\! $CONTROL sql sql="UPDATE ns.transaction SET foreigntotal = $TOTAL8 WHERE id = 8" >/dev/null
\! $CONTROL sql sql="UPDATE ns.transaction SET foreigntotal = $TOTAL9 WHERE id = 9" >/dev/null
SET client_min_messages = warning;
DROP SCHEMA far, near CASCADE;
DROP FUNCTION digits_answer, digits_differ, rows_of, rows_differ, query_of;
