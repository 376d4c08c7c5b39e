-- netsuite_query and the lists of an import: no row is lost, no parameter becomes code
SET search_path = public;
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
\! $CONTROL reset
CREATE FUNCTION read(q text, params text[] DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE n bigint; d bigint; detail text; BEGIN
  SELECT count(*), count(DISTINCT r->>'id') INTO n, d FROM netsuite_query('ns', q, params) r;
  RETURN CASE WHEN n <> d THEN n - d || ' doubled' WHEN n = 5000 THEN 'all' ELSE n || ' rows' END;
EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  RETURN concat_ws(' ', SQLSTATE, SQLERRM, nullif(detail, ''));
END $$;
\set all 'SELECT id FROM transaction ORDER BY id ASC'
-- pages that are shorter than asked for, whatever replies say of the rows to come
\! $CONTROL switch name=short_pages value=300
SELECT read(:'all');
\! $CONTROL switch name=short_pages value=37
SELECT read(:'all');
\! $CONTROL switch name=has_more value=missing
SELECT read(:'all');
\! $CONTROL switch name=short_pages value=300
\! $CONTROL switch name=totals value=missing
SELECT read(:'all');
SELECT read('SELECT id FROM currency') AS one_page_needs_no_order;
\! $CONTROL switch name=short_pages value=1
SELECT read(:'all');
\! $CONTROL switch name=short_pages value=3
SELECT read('SELECT id FROM transaction');
\! $CONTROL reset
-- replies that end too early, or are none
\! $CONTROL fault kind=reply match=suiteql count=1 after=1 status=200 type=application/json body='"{\"items\":[],\"hasMore\":false,\"totalResults\":5000}"'
SELECT read(:'all') ~ '^HV00K NetSuite returned fewer rows than the query has It gave 1000 rows' AS fewer;
\! $CONTROL reset
\! $CONTROL fault kind=reply match=suiteql count=1 status=200 type=application/json body='"{\"items\":{\"id\":\"1\"},\"hasMore\":false,\"totalResults\":1}"'
SELECT read(:'all');
\! $CONTROL reset
\! $CONTROL fault kind=reply match=suiteql count=1 status=200 type=application/json body='"{\"items\":[1],\"hasMore\":false,\"totalResults\":1}"'
SELECT read(:'all');
\! $CONTROL reset
\! $CONTROL fault kind=reply match=suiteql count=1 status=200 type=application/json body='"{\"items\":[{\"id\":\"1\"}],\"hasMore\":false,\"totalResults\":1,\"offset\":1000}"'
SELECT read(:'all');
\! $CONTROL reset
-- one page whose total is too high is still one page, and needs no order
\! $CONTROL fault kind=edit match=suiteql edits='[{"find": "\"totalResults\":(\\d+)", "add": 1}]'
SELECT read('SELECT id FROM currency'), read('SELECT id FROM currency ORDER BY id ASC'), read('SELECT id FROM transaction');
\! $CONTROL clear_faults
\! $CONTROL fault kind=edit match=suiteql edits='[{"find": "\"hasMore\":false", "replace": "\"hasMore\":true"}]'
SELECT read('SELECT id FROM currency');
\! $CONTROL reset
-- a parameter is one outside of quotes and comments only
SELECT * FROM netsuite_query('ns', E'SELECT 1 AS n -- what''s\n, ''?'' AS q FROM dual');
SELECT read(E'SELECT 1 AS n -- what''s\n, ''?'' AS q FROM dual', ARRAY[', id FROM customer --']);
SELECT * FROM netsuite_query('ns', 'SELECT id /* it''s? */ FROM currency WHERE id = ? -- ?', ARRAY['1']);
SELECT read('SELECT id AS "what?" FROM currency WHERE name = ?', ARRAY['Euro']) ~ 'quoted identifiers' AS nothing_bound_in_names;
SELECT read('SELECT id FROM currency WHERE name = ''x'), read('SELECT id /* FROM currency'), read('SELECT id FROM currency; SELECT 1');
-- an order is one outside of quotes and comments only
SELECT q, read('SELECT id FROM transaction ' || q) FROM unnest(ARRAY['-- order by id', E'/* it''s */ WHERE id > 0 /* \n order by id */', 'WHERE ''( order by '' <> '' order by ''',
  'WHERE ''('' <> '')'' order/**/by id ASC', E'WHERE id > 0 -- it''s (\nORDER  BY id ASC']) q;
-- lists that an import reads
CREATE SCHEMA lists;
CREATE FUNCTION bring() RETURNS text LANGUAGE plpgsql SET client_min_messages = error AS $$
DECLARE detail text; BEGIN
  EXECUTE 'IMPORT FOREIGN SCHEMA suiteql LIMIT TO (customrecord_asset) FROM SERVER ns INTO lists';
  EXECUTE 'DROP FOREIGN TABLE lists.customrecord_asset';
  RETURN 'imported';
EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  RETURN concat_ws(' ', SQLSTATE, SQLERRM, nullif(detail, ''));
END $$;
SELECT bring();
\! $CONTROL fault kind=reply match=suiteql count=3 status=200 type=application/json body='"{\"items\":[{\"internalid\":\"7\",\"scriptid\":\"customrecord_x\"}],\"hasMore\":true,\"totalResults\":5}"'
SELECT bring();
\! $CONTROL reset
\! $CONTROL fault kind=reply match=suiteql count=1 status=200 type=application/json body='"{\"items\":[{\"internalid\":\"0 OR 1 = 1\",\"scriptid\":\"customrecord_x\"}],\"hasMore\":true}"'
SELECT bring();
\! $CONTROL reset
\! $CONTROL fault kind=reply match=suiteql count=1 status=200 type=application/json body='"{\"items\":[{\"scriptid\":\"customrecord_x\"}]}"'
SELECT bring();
\! $CONTROL reset
\! $CONTROL fault kind=reply match=suiteql count=1 status=200 type=application/json body='"{\"items\":[],\"totalResults\":5}"'
SELECT bring();
\! $CONTROL reset
\! $CONTROL switch name=has_more value=missing
\! $CONTROL switch name=short_pages value=1
SELECT bring();
\! $CONTROL reset
-- a table that nothing but its rows describes, wide and long: its values are looked at once
\! /usr/bin/python3 -c 'import json, os, urllib.request; items = [{"c%d" % c: str(r) if c else "x" for c in range(150)} for r in range(1000)]; urllib.request.build_opener(urllib.request.ProxyHandler({})).open(os.environ["NS_CONTROL"], json.dumps({"op": "fault", "kind": "reply", "match": "suiteql", "after": 1, "count": 1, "status": 200, "body": json.dumps({"items": items})}).encode())'
SET statement_timeout = '20s';
IMPORT FOREIGN SCHEMA suiteql LIMIT TO (wide) FROM SERVER ns INTO lists OPTIONS (verify 'off', include_custom 'off');
RESET statement_timeout;
\! $CONTROL reset
SELECT format_type(atttypid, -1), count(*) FROM pg_attribute WHERE attrelid = 'lists.wide'::regclass AND attnum > 0 GROUP BY 1 ORDER BY 1;
SET client_min_messages = warning; DROP SCHEMA lists CASCADE; RESET client_min_messages;
DROP FUNCTION read, bring;
