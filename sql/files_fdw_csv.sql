-- rows of CSV: every dialect, every type, every fault
\set VERBOSITY terse
SET client_min_messages = warning;
SET datestyle = 'ISO, MDY'; SET timezone = 'America/New_York';
CREATE EXTENSION IF NOT EXISTS files_fdw;
SELECT current_setting('data_directory') || '/files_csv' AS root \gset
\setenv ROOT :root
\! rm -rf "$ROOT"; mkdir -p "$ROOT"
CREATE SERVER files_csv FOREIGN DATA WRAPPER files_fdw OPTIONS (root :'root');
CREATE SCHEMA csv; SET search_path = csv, public;
-- quotes, delimiters, ends of lines
\! printf 'id,a,b\n1,"x, ""y""","two\nlines"\n2,,""\n\n3, lead ,trail \n4,ü,\342\202\254' > "$ROOT/quotes.csv"
CREATE FOREIGN TABLE quotes (id int, a text, b text, line bigint OPTIONS (metadata 'line'), at bigint OPTIONS (metadata 'position')) SERVER files_csv OPTIONS (path 'quotes.csv');
SELECT *, a IS NULL AS an, b IS NULL AS bn FROM quotes;
\! printf '\357\273\277id;a\r\n1;x\r\n2;"y\r\n"\r\n' > "$ROOT/crlf.csv"
CREATE FOREIGN TABLE crlf (id int, a text) SERVER files_csv OPTIONS (path 'crlf.csv', delimiter ';');
SELECT id, replace(replace(a, E'\r', '\r'), E'\n', '\n') FROM crlf;
\! printf 'id\ta\r1\tx\r2\ty' > "$ROOT/cr.tsv"
CREATE FOREIGN TABLE cr (id int, a text) SERVER files_csv OPTIONS (path 'cr.tsv', delimiter 'tab', record 'cr');
SELECT * FROM cr;
\! printf "id|a|b\n1|'it''s'|'a|b'\n" > "$ROOT/single.csv"
CREATE FOREIGN TABLE single (id int, a text, b text) SERVER files_csv OPTIONS (path 'single.csv', delimiter '|', quote '''');
SELECT * FROM single;
\! printf 'id,a,b\n1,"a \\"b\\" \\\\",c\\d\n' > "$ROOT/backslash.csv"
CREATE FOREIGN TABLE backslash (id int, a text, b text) SERVER files_csv OPTIONS (path 'backslash.csv', escape '\');
SELECT * FROM backslash;
\! printf '1\\ta\\,b,\\N\n2"q,x\n' > "$ROOT/none.txt"
CREATE FOREIGN TABLE none (a text, b text) SERVER files_csv OPTIONS (path 'none.txt', quote 'none', escape '\', header 'off', null_words '\N');
SELECT replace(a, E'\t', '<tab>'), b FROM none WHERE b IS NULL;
\! printf 'id,a\n1,5" pipe\n2,"6"" pipe"\n' > "$ROOT/lazy.csv"
CREATE FOREIGN TABLE strict (id int, a text) SERVER files_csv OPTIONS (path 'lazy.csv');
CREATE FOREIGN TABLE lazy (id int, a text) SERVER files_csv OPTIONS (path 'lazy.csv', lazy_quotes 'on');
SELECT * FROM strict;
SELECT * FROM lazy;
\! printf '# made by hand\ntitle\nid,a\n#no row\n1,x\n' > "$ROOT/skip.csv"
CREATE FOREIGN TABLE skip (id int, a text) SERVER files_csv OPTIONS (path 'skip.csv', skip '2', comment '#');
SELECT * FROM skip;
\! printf 'a\n\nx\n\n' > "$ROOT/one.csv"
CREATE FOREIGN TABLE one (a text, line bigint OPTIONS (metadata 'line')) SERVER files_csv OPTIONS (path 'one.csv');
SELECT * FROM one;
\! : > "$ROOT/empty.csv"; printf 'id,a\n' > "$ROOT/header.csv"
CREATE FOREIGN TABLE empty (id int, a text) SERVER files_csv OPTIONS (path '[eh]*er*.csv;empty.csv');
SELECT count(*), (SELECT count(*) FROM files_list('files_csv', '[eh]*er*.csv;empty.csv')) AS files FROM empty;
-- columns by name, in another order, some missing, some more
\! mkdir "$ROOT/u"; printf 'id,a\n1,x\n' > "$ROOT/u/1.csv"; printf 'a,id\ny,2\n' > "$ROOT/u/2.csv"; printf 'id\n3\n' > "$ROOT/u/3.csv"
CREATE FOREIGN TABLE u (id int, a text, file text OPTIONS (metadata 'file')) SERVER files_csv OPTIONS (path 'u/#.csv');
SELECT * FROM u;
\! printf 'id,a,more\n4,z,1\n' > "$ROOT/u/4.csv"
SELECT id FROM u;
\echo :LAST_ERROR_SQLSTATE
ALTER FOREIGN TABLE u OPTIONS (ADD extra_columns 'ignore');
SELECT * FROM u;
\! printf 'x,y\n4,z\n' > "$ROOT/u/5.csv"
SELECT id FROM u;
\! printf 'id,id\n4,z\n' > "$ROOT/u/5.csv"
SELECT id FROM u;
\! rm "$ROOT/u/5.csv"
SELECT id, u IS NULL AS whole FROM u WHERE u.* IS NOT NULL;
-- every type
\! printf 'i2,i4,i8,f4,f8,n,n2,b,d,ts,tz,t,u,v,c,j,arr\n-32768,2147483647,-9223372036854775808,1.5,1e-300,12345678901234567890.12345678901234567890,7.5,t,2024-02-29,2024-02-29T13:14:15.123456,2024-02-29 13:14:15+02,13:14,6b0f3c5e-1d0a-4c63-9d2b-0123456789AB,abc,x,"{""a"": 1}","{1,2}"\n+1, 7 ,0,NaN,0.1,-0.00,12.345,NO,20240229,2024-02-29,2024-02-29T13:14Z,1:02:03 PM,,abcdef,yy,[],{}\n' > "$ROOT/types.csv"
CREATE FOREIGN TABLE types (i2 int2, i4 int4, i8 int8, f4 float4, f8 float8, n numeric, n2 numeric(6,2), b bool, d date, ts timestamp, tz timestamptz, t time, u uuid, v varchar(6), c char(3), j jsonb, arr int[]) SERVER files_csv OPTIONS (path 'types.csv');
\x
SELECT * FROM types;
\x
-- what they refuse, with their SQLSTATE and place
CREATE FUNCTION said(type text, value text, options text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; e jsonb; d text; c text;
BEGIN
	EXECUTE format('COPY (SELECT %L) TO PROGRAM %L', value, format('cat > "%s/said.txt"', current_setting('data_directory') || '/files_csv'));
	EXECUTE format('CREATE FOREIGN TABLE csv.said_ (x %s, e jsonb OPTIONS (metadata ''error'')) SERVER files_csv OPTIONS (path ''said.txt'', header ''off'', delimiter ''|'', quote ''none'' %s)', type, options);
	EXECUTE 'SELECT e FROM csv.said_' INTO e;
	BEGIN
		EXECUTE 'SELECT x::text FROM csv.said_' INTO r;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS d = PG_EXCEPTION_DETAIL, c = PG_EXCEPTION_CONTEXT;
		r := SQLSTATE || ' ' || SQLERRM || ' / ' || coalesce(nullif(d, ''), split_part(c, E'\n', 1));
	END;
	DROP FOREIGN TABLE csv.said_;
	RETURN r || CASE WHEN e IS NULL THEN '' ELSE '   ' || (e - 'row')::text END;
END $$;
SELECT t, v, said(t, v, o) FROM (VALUES
	('int', 'x', ''), ('int', '1.0', ''), ('int', '2147483648', ''), ('int', '0x1F', ''), ('int', '1_000', ''), ('int8', '9223372036854775807', ''), ('int8', '9223372036854775808', ''), ('int', '1.234', ', thousands '',''' ), ('int', '1,234', ', thousands '',''' ), ('int', '1,23', ', thousands '',''' ),
	('int', '12,345,678', ', thousands '',''' ), ('int', '1234,567', ', thousands '',''' ), ('numeric', '1.234.567,89', ', decimal '','', thousands ''.''' ), ('numeric', '1.5', ', decimal '',''' ), ('numeric', '-,5', ', decimal '',''' ), ('numeric', '1 234,5', ', decimal '','', thousands ''space''' ), ('numeric', '1''234.5', ', thousands ''''''''' ),
	('numeric', '1e3', ''), ('numeric', 'NaN', ''), ('numeric', '-inf', ''), ('numeric', '.5', ''), ('numeric', '5.', ''), ('numeric', '.', ''), ('numeric', '-', ''), ('numeric(4,1)', '123.45', ''), ('numeric(4,1)', '9999', ''), ('numeric(3,-2)', '12345', ''), ('numeric', '0.000000000000000001', ''), ('numeric', '999999999999999999', ''),
	('float8', '1e400', ''), ('float8', '0.1', ''), ('float8', '123456789012345678', ''), ('float4', '0.1', ''), ('bool', 'ja', ''), ('bool', 'JA', ', boolean_words ''ja,nein''' ), ('bool', 't', ', boolean_words ''ja,nein''' ), ('bool', '2', ''),
	('date', '2024-02-30', ''), ('date', '03/04/2024', ''), ('date', '03/04/2024', ', dateorder ''dmy''' ), ('date', '03/04/2024', ', dateorder ''mdy''' ), ('date', '3.4.24', ', dateorder ''dmy''' ), ('date', '3.4.99', ', dateorder ''dmy''' ), ('date', '2024-04-03', ', dateorder ''dmy''' ), ('date', '13/13/2024', ', dateorder ''mdy''' ), ('date', '12345-01-01', ''), ('date', 'infinity', ''), ('date', '-infinity', ''), ('date', '0044-03-15 BC', ''), ('date', '5874898-01-01', ''), ('date', '2024-1-2', ''), ('date', '2024/01-02', ''), ('date', 'today', ''), ('date', '24-01-02', ''), ('date', '', ''),
	('timestamp', '2024-01-02 03:04', ''), ('timestamp', '2024-01-02T24:00', ''), ('timestamp', '2024-01-02 03:04:60', ''), ('timestamp', '2024-01-02 03:04:05.1234567', ''), ('timestamp', '2024-01-02 03:04:05.1234560', ''), ('timestamp', '2024-01-02 03:04:05+01', ''), ('timestamp', '2.1.2024 3:04 PM', ', dateorder ''dmy''' ), ('timestamp(0)', '2024-01-02 03:04:05.6', ''), ('timestamp', '294277-01-01', ''), ('timestamp', 'now', ''),
	('timestamptz', '2024-01-02 03:04', ''), ('timestamptz', '2024-01-02 03:04', ', timezone ''Europe/Berlin''' ), ('timestamptz', '2024-03-31 02:30', ', timezone ''Europe/Berlin''' ), ('timestamptz', '2024-01-02 03:04:05.5-0330', ''), ('timestamptz', '2024-01-02T03:04:05Z', ''), ('timestamptz', '2024-01-02 03:04 UTC', ''), ('timestamptz', '2024-01-02 03:04 EST', ''), ('time', '25:00', ''), ('time', '12:30 am', ''), ('time', '13:00 pm', ''),
	('uuid', '6b0f3c5e-1d0a-4c63-9d2b-0123456789ag', ''), ('uuid', '{6b0f3c5e1d0a4c639d2b0123456789ab}', ''), ('varchar(3)', 'äöüx', ''), ('varchar(3)', 'äöü', ''), ('char(2)', 'abc', ''), ('jsonb', '{"a"', ''), ('int[]', '{1,x}', ''), ('bytea', '\xzz', ''), ('interval', '1 day', '')) v (t, v, o);
CREATE DOMAIN small AS int CHECK (VALUE < 10);
CREATE DOMAIN filled AS text NOT NULL;
SELECT said('csv.small', '11'), said('csv.small', '9'), said('csv.filled', '');
-- null words, quoted nulls
\! printf 'id,n,t\n1,N/A,N/A\n2,"N/A",""\n3,NULL,x\n' > "$ROOT/nulls.csv"
CREATE FOREIGN TABLE nulls (id int, n numeric OPTIONS (null_words 'N/A,NULL', force_null 'on'), t text OPTIONS (null_words 'N/A')) SERVER files_csv OPTIONS (path 'nulls.csv');
SELECT *, t IS NULL AS tn FROM nulls;
ALTER FOREIGN TABLE nulls ALTER n OPTIONS (SET force_null 'off');
SELECT * FROM nulls;
-- rows that are bad: none is lost, each has its place; a query that does not ask for them fails
\! printf 'id,a\n1,x\n2\n3,x,y\n4,"open\n5,x\n6,"shut" x\n7,b"d\n8,c\rd\nx,9\n10,\377\376\n11,a\0b\n12,x\n' > "$ROOT/bad.csv"
CREATE FOREIGN TABLE bad (id int, a text, line bigint OPTIONS (metadata 'line'), at bigint OPTIONS (metadata 'position'), e jsonb OPTIONS (metadata 'error')) SERVER files_csv OPTIONS (path 'bad.csv');
SELECT id, a, line, at, e FROM bad;
SELECT count(*), count(e) FROM (SELECT e FROM bad) x;
SELECT id FROM bad WHERE e IS NULL;
ALTER FOREIGN TABLE bad OPTIONS (ADD multiline 'off');
SELECT id, line, at, e->>'reason' AS reason FROM bad;
\set VERBOSITY default
SELECT id FROM bad;
SELECT count(*) FROM bad WHERE at < 5;
SELECT count(*) FROM bad WHERE at < 10;
\set VERBOSITY terse
\! (printf 'id,a\n1,x\n2,'; head -c 3000 /dev/zero | tr '\0' y; printf '\n3,z\n4,"'; head -c 3000 /dev/zero | tr '\0' y; printf '\n5,z\n') > "$ROOT/long.csv"
CREATE FOREIGN TABLE long (id int, a text, line bigint OPTIONS (metadata 'line'), at bigint OPTIONS (metadata 'position'), e jsonb OPTIONS (metadata 'error')) SERVER files_csv OPTIONS (path 'long.csv', max_row_bytes '2kB');
SELECT id, length(a), line, at, e->>'reason' AS reason FROM long;
-- encodings
\! printf 'a\nM\374ller \200\n\201\n' > "$ROOT/latin.csv"; printf 'a\n\377\nb\n' > "$ROOT/utf8.csv"; printf 'a\n\223\372\226\173\n' > "$ROOT/sjis.csv"
\! printf '\377\376a\0\n\0\344\0\n\0\075\330\000\336\n\0\000\330\n\0' > "$ROOT/utf16.csv"; printf '\0a\0\n\0\344\0\n' > "$ROOT/utf16be.csv"
CREATE FOREIGN TABLE enc (a text, e jsonb OPTIONS (metadata 'error')) SERVER files_csv OPTIONS (path 'latin.csv', encoding 'WIN1252');
SELECT a, e->>'reason' AS reason, e->>'sqlstate' AS sqlstate FROM enc;
ALTER FOREIGN TABLE enc OPTIONS (SET path 'utf8.csv', SET encoding 'UTF8');
SELECT a, e->>'reason' AS reason, e->>'row' AS row FROM enc;
ALTER FOREIGN TABLE enc OPTIONS (SET path 'sjis.csv', SET encoding 'SJIS');
SELECT a, e->>'reason' AS reason FROM enc;
ALTER FOREIGN TABLE enc OPTIONS (SET path 'utf16.csv', SET encoding 'UTF-16');
SELECT a, e->>'reason' AS reason FROM enc;
ALTER FOREIGN TABLE enc OPTIONS (SET path 'utf16be.csv', SET encoding 'UTF-16BE');
SELECT a, e->>'reason' AS reason FROM enc;
-- dropped columns, whole rows, joins, rescans, subqueries, limits
ALTER FOREIGN TABLE quotes DROP COLUMN a;
\set VERBOSITY default
SELECT * FROM quotes;
\set VERBOSITY terse
ALTER FOREIGN TABLE quotes OPTIONS (ADD extra_columns 'ignore');
SELECT quotes, id FROM quotes ORDER BY id DESC LIMIT 2;
SELECT a.id, b.id FROM u a JOIN u b ON b.id > a.id AND b.file > a.file WHERE a.id < 3 ORDER BY 1, 2;
SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_material = off;
SELECT a.id, b.id FROM u a, u b WHERE a.id = b.id ORDER BY 1;
SELECT x, (SELECT max(id) FROM u WHERE file = x) FROM (VALUES ('u/2.csv'), ('u/9.csv'), (NULL)) v (x);
PREPARE p (text) AS SELECT id FROM u WHERE file = $1;
EXECUTE p ('u/1.csv'); EXECUTE p ('../types.csv'); EXECUTE p (NULL);
SELECT tableoid::regclass, id FROM u WHERE file LIKE 'u/1%';
-- what a view keeps back, a condition of its reader does not see
CREATE FUNCTION tell(x text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE WARNING 'seen: %', x; RETURN true; END $$;
CREATE VIEW guarded WITH (security_barrier) AS SELECT id, file FROM u WHERE id = 1;
SELECT * FROM guarded WHERE tell(file);
INSERT INTO u VALUES (1);
DELETE FROM u;
RESET search_path;
DROP SCHEMA csv CASCADE; DROP SERVER files_csv;
\! rm -rf "$ROOT"
