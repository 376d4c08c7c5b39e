-- Data is never code, and no value stands for another: what is sent for bytes, bounds and types
SET search_path = public;
SET TimeZone = 'Asia/Tokyo';
SET datestyle = 'ISO';
CREATE SCHEMA far;
CREATE SCHEMA near;
-- every byte that may be in a text, on both sides; the other side's text is made by itself
CREATE TABLE near.bytes AS SELECT n AS id, 'a' || chr(n) AS s, n % 2 = 0 AS even FROM generate_series(1, 127) n WHERE n < 32 OR n IN (32, 34, 37, 39, 48, 63, 65, 92, 95, 97, 98, 123, 127);
DO $$ BEGIN
  EXECUTE (SELECT format('CREATE FOREIGN TABLE far.bytes (id bigint, s text OPTIONS (remote_type ''text''), even boolean) SERVER ns OPTIONS (query %L, key ''id'', rows ''100000'')',
    string_agg(format('SELECT %s AS id, ''%s'' AS s, ''%s'' AS even FROM dual', id, replace(s, '''', ''''''), CASE WHEN even THEN 'T' ELSE 'F' END), ' UNION ALL ' ORDER BY id)) FROM near.bytes);
END $$;
\getenv source PG_ABS_SRCDIR
\set near_and_far :source '/sql/near_and_far.inc'
\set ECHO none
\i :near_and_far
CREATE FUNCTION answer(place text, q text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE a text; BEGIN
  PERFORM set_config('search_path', place || ', public', true);
  EXECUTE q INTO a;
  RETURN a;
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
-- queries whose answers differ; a parameter is $1
CREATE FUNCTION differ(q text, type text, value text) RETURNS TABLE (plan text, query text, of text, here text, there text) LANGUAGE plpgsql AS $$
BEGIN
  query := q;
  of := value;
  here := answer('near', replace(q, '$1', format('%L::%s', value, type)));
  FOREACH plan IN ARRAY '{constant,custom,generic}'::text[] LOOP
    IF plan = 'constant' THEN
      there := answer('far', replace(q, '$1', format('%L::%s', value, type)));
    ELSE
      PERFORM set_config('plan_cache_mode', 'force_' || plan || '_plan', true), set_config('search_path', 'far, public', true);
      EXECUTE format('PREPARE p(%s) AS %s', type, q);
      there := answer('far', format('EXECUTE p(%L)', value));
      DEALLOCATE p;
    END IF;
    IF here IS DISTINCT FROM there THEN RETURN NEXT; END IF;
  END LOOP;
END $$;
SELECT d.* FROM (SELECT 'a' || chr(n) FROM generate_series(1, 127) n WHERE n < 32 OR n IN (34, 37, 39, 63, 92, 95, 123, 127) UNION ALL VALUES (E'\x010\x02'), (''' OR 1 = 1 --'), ('a''''b'), ('\'''), ('')) v(v),
  unnest(ARRAY['SELECT array_agg(id) FROM bytes WHERE s = $1', 'SELECT count(*) FROM bytes WHERE s <> $1 AND NOT even', 'SELECT array_agg(id ORDER BY id) FROM bytes WHERE s IN ($1, ''ab'')', 'SELECT count(*) FROM bytes WHERE s = ANY (ARRAY[$1])', 'SELECT sum(CASE WHEN s = $1 THEN id ELSE 0 END) FROM bytes',
    'SELECT array_agg(x ORDER BY x) FROM (SELECT coalesce(nullif(s, $1), $1) AS x FROM bytes WHERE id < 4) y', 'SELECT min(coalesce(s, $1) COLLATE "C") FROM bytes', 'SELECT array_agg(x ORDER BY x)::text FROM (SELECT ROW(CASE WHEN even THEN $1 ELSE s END, count(*)) AS x FROM bytes GROUP BY CASE WHEN even THEN $1 ELSE s END) y']) q,
  differ(q, 'text', v) d;
SELECT d.* FROM (SELECT chr(n) || '%' FROM generate_series(1, 127) n WHERE n < 32 OR n IN (34, 39, 63, 92, 123) UNION ALL VALUES ('%\_'), ('%\%'), ('%\\'), ('a_'), ('_'), ('__'), ('%''%'), (E'%\x01%'), (E'a\x02')) v(v),
  unnest(ARRAY['SELECT array_agg(id ORDER BY id) FROM bytes WHERE s LIKE $1', 'SELECT count(*) FROM bytes WHERE s NOT LIKE $1']) q, differ(q, 'text', v) d;
-- a value of one condition cannot come into another: it was read as code once
SELECT answer('far', $q$SELECT count(*) FROM bytes WHERE id = (SELECT 0) AND s = E'\x010\x02'$q$);
SELECT answer('far', format('SELECT count(*) FROM bytes WHERE s = (SELECT %L::text) AND s = %L', ' OR (SELECT COUNT(*) FROM employee) > ' || n || ' OR t.s = ', E'\x010\x02')) FROM unnest('{3,3000}'::int[]) n;
-- EXPLAIN: the statement's own numbers, and the column beside a list
CREATE FOREIGN TABLE far.t (id bigint, n int, q numeric, d date, z timestamptz, s text OPTIONS (remote_type 'text'), b boolean) SERVER ns OPTIONS (query 'SELECT x.id, x.approvalstatus AS n, x.foreigntotal AS q, x.trandate AS d, x.lastmodifieddate AS z, x.type AS s, x.posting AS b FROM transaction x', key 'id');
SET search_path = far, public;
SET plan_cache_mode = force_generic_plan;
PREPARE list(date, int, date[], int[]) AS SELECT id FROM t WHERE n = ANY ($4) AND d = ANY ($3) AND d >= $1 AND n <> ALL ($4) AND n < $2 AND z > now() - interval '1 day' AND d < current_date;
SELECT query_of('EXECUTE list(NULL, NULL, NULL, NULL)');
RESET plan_cache_mode;
-- a text that looks like the key's order is not taken for it
SELECT query_of('SELECT id FROM t ORDER BY CASE WHEN s = '', t.id ASC,'' THEN 1 ELSE 2 END LIMIT 5');
-- bounds outside the range are dropped or false, and null where the column is
SELECT query_of('SELECT id FROM t WHERE ' || c) FROM unnest(ARRAY['d = ''9999-12-31''', 'd > ''9999-12-31''', 'd <= ''9999-12-31''', 'd < ''infinity''', 'd <> ''infinity''', 'd > ''0044-03-15 BC''', 'd IN (''2024-01-01'', ''infinity'')', 'd = timestamp ''2024-01-01 12:00''', 'NOT d < ''-infinity''', 'q < ''NaN''', 'q = ''NaN''', 'q IN (1.5, ''NaN'')', 'q > 12345678901234567890123456789012345678901234567890', 'coalesce(d, ''infinity'') = ''infinity''', 'z < ''infinity''', 'z >= date ''2024-01-01''']) c;
-- what might overflow here is computed here
SELECT query_of('SELECT id FROM t WHERE ' || c) FROM unnest(ARRAY['n + n > 5', 'n::bigint + n > 5', 'abs(n) = 1', '-n = 1', 'n * 3::bigint > 5', 'id + 1 > 5', 'q + 1 > 5', 'd + 7 > ''2024-01-01''', 'd - date ''2024-01-01'' > 5', 'round(q, 1) = 2', 'round(q, n) = 2', 'n % 2 = 0']) c;
SELECT query_of('SELECT n, sum(n), avg(q) FROM t GROUP BY n HAVING ' || c) FROM unnest(ARRAY['avg(q) > 5', 'sum(n) > 5', 'count(*) + 1 > 5', 'max(d) = ''2024-01-01''', 'min(z) < date ''2024-01-01''']) c;
-- a text that is perhaps no text there is compared here; dates declared as such come in one form
CREATE FOREIGN TABLE far.texts (id text, trandate text, lastmodifieddate text, foreigntotal text, type text, other text OPTIONS (expression 'TO_CHAR(t.trandate,''YYYY'')')) SERVER ns OPTIONS ("table" 'transaction', key 'id');
SELECT query_of('SELECT id FROM texts WHERE ' || c) FROM unnest(ARRAY['trandate = ''2024-01-01''', 'lastmodifieddate LIKE ''2024-01-01%''', 'foreigntotal = ''1''', 'id = ''7''', 'type = ''Journal''', 'other = ''2024''', 'other IS NULL AND foreigntotal IS NOT NULL']) c;
SELECT query_of('SELECT count(other), count(foreigntotal), count(DISTINCT trandate) FROM texts');
SELECT count(*) = (SELECT count(*) FROM t WHERE d = '2024-02-29') FROM texts WHERE trandate = '2024-02-29';
SELECT trandate ~ '^\d{4}-\d\d-\d\d$' AND lastmodifieddate ~ '^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$' AS in_one_form FROM texts LIMIT 1;
-- IMPORT says what the dictionary does not know; types 'text' gives dates that can be compared
SELECT attname, option FROM pg_attribute, unnest(attfdwoptions) option WHERE attrelid = 'netsuite.transaction'::regclass AND option ~ '^remote_type' ORDER BY attnum;
CREATE SCHEMA as_text;
IMPORT FOREIGN SCHEMA suiteql LIMIT TO (customer) FROM SERVER ns INTO as_text OPTIONS (types 'text');
SELECT query_of('SELECT id FROM as_text.customer WHERE custentity_since >= ''2020-01-01'' AND isinactive = ''F'' AND creditlimit = ''5000'' AND custentity_since IS NOT NULL');
SELECT count(*) FILTER (WHERE t.custentity_since IS DISTINCT FROM n.custentity_since::text OR t.creditlimit::numeric IS DISTINCT FROM n.creditlimit) AS differ, count(*) > 0 AS some FROM as_text.customer t JOIN netsuite.customer n USING (id);
-- midnight of the session's zone, wherever date_trunc stands
SELECT min(date_trunc('month', d)), max(CASE WHEN b THEN date_trunc('year', d) END), max(coalesce(date_trunc('quarter', d), date_trunc('year', d))), max(date_trunc('month', d)) FILTER (WHERE b) FROM t WHERE d BETWEEN '2024-02-29' AND '2024-03-31';
SELECT query_of('SELECT coalesce(date_trunc(''month'', d), z), count(*) FROM t GROUP BY 1');
SELECT query_of('SELECT id FROM t WHERE date_trunc(''month'', d) = ''2024-03-01''');
-- datetimes in a domain are read in the account's zone too; its constraints cannot be checked
CREATE DOMAIN moment AS timestamptz;
CREATE DOMAIN late AS timestamptz CHECK (VALUE > '2000-01-01');
CREATE FOREIGN TABLE far.domains (id bigint, z timestamptz OPTIONS (column_name 'lastmodifieddate'), m moment OPTIONS (column_name 'lastmodifieddate'), l late OPTIONS (column_name 'lastmodifieddate')) SERVER ns OPTIONS ("table" 'transaction', key 'id');
SELECT count(*) FROM (SELECT z, m FROM domains OFFSET 0) x WHERE z IS DISTINCT FROM m;
SELECT l FROM domains;
CREATE FOREIGN TABLE wrong (a int OPTIONS (remote_type 'integer')) SERVER ns;
SET client_min_messages = warning;
DROP SCHEMA far, near, as_text CASCADE;
DROP FUNCTION public.rows_of, public.rows_differ, public.query_of;
-- a boolean of the other table of a join is a value, not a column there
CREATE TABLE lit_outer AS SELECT i AS id, i % 2 = 0 AS posting FROM generate_series(1, 12) i;
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off; SET enable_memoize = off;
SELECT count(*) FROM lit_outer o JOIN netsuite.transaction t ON t.id = o.id AND (o.posting OR t.exchangerate < 0);
SELECT count(*) FROM lit_outer o JOIN netsuite.transaction t ON t.id = o.id AND (NOT o.posting OR t.exchangerate < 0);
SELECT count(*) FROM lit_outer o LEFT JOIN netsuite.transaction t ON t.id = o.id AND (o.posting IS TRUE OR t.exchangerate < 0) WHERE t.id IS NOT NULL;
RESET enable_hashjoin; RESET enable_mergejoin; RESET enable_material; RESET enable_memoize;
