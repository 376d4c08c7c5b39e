-- rows of JSON, plain and packed
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS files_fdw;
SELECT current_setting('data_directory') || '/files_json' AS root \gset
\setenv ROOT :root
\! rm -rf "$ROOT"; mkdir -p "$ROOT"
CREATE SERVER files_json FOREIGN DATA WRAPPER files_fdw OPTIONS (root :'root');
CREATE SCHEMA js; SET search_path = js, public;
\! printf '{"id": 1, "t": "a \\"b\\" \\u00e4\\ud83d\\ude00\\n", "n": -1.50e2, "b": true, "o": {"x": [1, {"y": null}]}}\r\n\n  {"t": "", "id": 2, "n": null}\n{}\n{"\\u0069d": 3, "b": false, "o": "text", "t": 5}' > "$ROOT/a.jsonl"
CREATE FOREIGN TABLE a (id int, t text, n numeric, b bool, o jsonb, line bigint OPTIONS (metadata 'line'), at bigint OPTIONS (metadata 'position')) SERVER files_json OPTIONS (path 'a.jsonl', format 'json');
SELECT *, t IS NULL AS tn FROM a;
SELECT sum(id) FROM a;
-- what is wrong with rows
\! printf '%s\n' '{"id": 1}' '{"id": 1' '{"id": 1,}' '{"id" 1}' '[1]' '7' '{"id": 01}' '{"id": 1.}' '{"id": tru}' '{"id": "x"}' '{"id": 1, "id": 2}' '{"t": "\x"}' '{"t": "\u12"}' '{"t": "\u0000"}' '{"t": "\ud800"}' '{"id": 1} x' '{"id": 1}{"id": 2}' '{"o": [1, {]}' '{id: 1}' "{'id': 1}" '{"id": {"a": 1}}' '{"id": NaN}' '{"id": -}' '{"id": 1e}' '{"id": 2}' > "$ROOT/b.jsonl"
\! printf '{"t": "a\tb"}\n{"t": "\377"}\n{"id": 99}\n' >> "$ROOT/b.jsonl"
CREATE FOREIGN TABLE b (id int, t text, o jsonb, line bigint OPTIONS (metadata 'line'), e jsonb OPTIONS (metadata 'error')) SERVER files_json OPTIONS (path 'b.jsonl', format 'json');
SELECT id, t, line, e->>'sqlstate' AS sqlstate, e->>'reason' AS reason, e->>'column' AS column, e->>'value' AS value FROM b;
SELECT id FROM b;
-- a member that the table does not have
\! printf '{"id": 1, "more": 1}\n' > "$ROOT/c.jsonl"
CREATE FOREIGN TABLE c (id int, e jsonb OPTIONS (metadata 'error')) SERVER files_json OPTIONS (path 'c.jsonl', format 'json');
SELECT * FROM c;
\echo :LAST_ERROR_SQLSTATE
ALTER FOREIGN TABLE c OPTIONS (ADD extra_columns 'ignore');
SELECT * FROM c;
-- arrays, in documents, objects one after the other
CREATE FUNCTION try(text text, records text DEFAULT '$') RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY (SELECT %L) TO PROGRAM %L', text, format('sed ''s/\\\\n/\n/g'' > "%s/files_json/try.json"', current_setting('data_directory')));
	EXECUTE format('CREATE FOREIGN TABLE js.tried (a int, line bigint OPTIONS (metadata ''line''), at bigint OPTIONS (metadata ''position''), e jsonb OPTIONS (metadata ''error'')) SERVER files_json OPTIONS (path ''try.json'', format ''json'', records %L)', records);
	RETURN QUERY EXECUTE 'SELECT concat_ws('' '', a, line, at, e->>''reason'') FROM js.tried';
	DROP FOREIGN TABLE js.tried;
EXCEPTION WHEN OTHERS THEN
	RETURN NEXT SQLSTATE || ' ' || SQLERRM;
END $$;
SELECT t, r, s FROM (VALUES ('[{"a": 1}, {"a": 2},\n\n{"a": "x"}, {"a": 4}]', '$'), ('[]', '$'), ('', '$'), ('', '$.x'), ('[{"a": 1}', '$'), ('[{"a": 1},]', '$'), ('[{"a": 1} {"a": 2}]', '$'), ('[{"a": 1}] x', '$'), ('[1]', '$'), ('{"a": 1}\n{\n"a": 2}', '$'), ('{"a": 1', '$'),
	('{"x": [1], "y": {"z": [{"a": 1}, {"a": 2}], "w": 1}, "v": null}', '$.y.z'), ('{"y": {"z": [{"a": 1}]}', '$.y.z'), ('{"y": 1}', '$.y.z'), ('{"x": 1}', '$.y'), ('[{"a": 1}]', '$.y'), ('{"y": {"a": 5}}', '$.y')) v (t, r), LATERAL try(t, r) s;
-- nested deeper than may be
\! python3 -c "print('{\"o\": ' + '[' * 300 + ']' * 300 + '}')" > "$ROOT/d.jsonl"
CREATE FOREIGN TABLE d (o jsonb, e jsonb OPTIONS (metadata 'error')) SERVER files_json OPTIONS (path 'd.jsonl', format 'json');
SELECT length(o::text), e->>'reason' AS reason FROM d;
-- packed: one member, several, cut, damaged
\! cd "$ROOT"; python3 -c "print(chr(10).join('%d,text of row %d' % (i, i) for i in range(20000)))" > rows.txt; gzip -kn rows.txt; (gzip -c rows.txt; gzip -c rows.txt) > twice.gz; head -c 50000 rows.txt.gz > cut.gz; (head -c 3000 rows.txt.gz; printf xxxx; tail -c +3005 rows.txt.gz) > damaged.gz; (cat rows.txt.gz; printf junk) > junk.gz; printf '\037\213' > short.gz
CREATE FOREIGN TABLE z (i int, t text) SERVER files_json OPTIONS (path 'rows.txt.gz', header 'off');
SELECT count(*), sum(i), max(t) FROM z;
ALTER FOREIGN TABLE z OPTIONS (SET path 'twice.gz');
SELECT count(*), sum(i) FROM z;
ALTER FOREIGN TABLE z OPTIONS (SET path 'cut.gz'); SELECT count(*) FROM z;
\echo :LAST_ERROR_SQLSTATE
ALTER FOREIGN TABLE z OPTIONS (SET path 'damaged.gz'); SELECT count(*) FROM z;
ALTER FOREIGN TABLE z OPTIONS (SET path 'junk.gz'); SELECT count(*) FROM z;
ALTER FOREIGN TABLE z OPTIONS (SET path 'short.gz'); SELECT count(*) FROM z;
ALTER FOREIGN TABLE z OPTIONS (SET path 'rows.txt', ADD compression 'gzip'); SELECT count(*) FROM z;
ALTER FOREIGN TABLE z OPTIONS (SET path 'rows.txt.gz', SET compression 'none'); SELECT count(*) FROM z;
RESET search_path;
DROP SCHEMA js CASCADE; DROP SERVER files_json;
\! rm -rf "$ROOT"
