-- what an import makes of files, and what it does not
\set VERBOSITY terse
CREATE EXTENSION IF NOT EXISTS files_fdw;
SELECT current_setting('data_directory') || '/files_import' AS root \gset
\setenv ROOT :root
\! rm -rf "$ROOT"; mkdir -p "$ROOT"
CREATE SERVER files_import FOREIGN DATA WRAPPER files_fdw OPTIONS (root :'root');
CREATE SCHEMA incoming;
\! cd "$ROOT"; mkdir -p orders/year=2024/month=01 orders/year=2025/month=02 "sub/deep"
\! cd "$ROOT"; printf 'Order ID;Amount;Paid on;Note;Active;Ref\n1;1.234,50;03.04.2024;"a;b";ja;007\n2;7,25;25.12.2024;;nein;12\n' > orders/year=2024/month=01/orders_2024-01-02.csv
\! cd "$ROOT"; printf 'Order ID;Amount;Paid on;Note;Active;Ref;New\n3;0,5;31.01.2025;"x ""y""";ja;1;x\n' | gzip > orders/year=2025/month=02/orders_2025-02-02.csv.gz
\! cd "$ROOT"; printf 'Order ID;Amount;Paid on;Note;Active;Ref\n' > orders/year=2025/month=02/orders_2025-02-03.csv; : > orders/year=2025/month=02/orders_2025-02-04.csv
\! cd "$ROOT"; printf 'x' > orders/year=2024/month=01/.hidden.csv; printf x > orders/_SUCCESS; printf x > orders/o.csv.tmp; printf x > orders/o.pdf
\! cd "$ROOT"; printf '{"id": 1, "name": "a", "tags": [1,2], "at": "2024-01-02T03:04:05Z", "code": "007"}\n{"id": 2, "name": null, "n": 1.5, "ok": true, "deep": {"a": {"b": 1}}}\n' > events.jsonl
\! cd "$ROOT"; printf '{"meta": {"n": 2}, "data": {"items": [{"id": 1, "a": "x"}, {"id": 2, "b": {"c": 1}}]}}' > nested.json; printf '[{"a": 1},\n {"a": "2024-01-02"}]' > array.json
\! cd "$ROOT"; printf 'd,e\n03/04/2024,2024-01-02 03:04:05\n05/06/2024,2024-01-02T03:04:05.5\n' > dates.csv; printf 'a,b\n1.5,1\n"1,5",2\n' > signs.csv; printf 'Report\nof today\n\nid,price\n1,2.5\n2,3.5\n3,4.5\n' > preamble.csv
\! cd "$ROOT"; printf 'n,m,b,u\nN/A,1,true,6b0f3c5e-1d0a-4c63-9d2b-0123456789ab\n5,"",false,6b0f3c5e-1d0a-4c63-9d2b-0123456789ac\n' > nulls.csv; printf '1,2,3\n4,5,6\n' > bare.csv; printf 'name;ort\nM\374ller;K\366ln\nSchr\366der;Bonn\n' > latin.csv
\! cd "$ROOT"; printf 'a,a,\n1,2,3\n' > names.csv; printf 'id,v\n1,a\n2\n3\n4,b,c\n' > ragged.csv; printf 'id,v\n1,"a\nb"\n' > lines.csv; : > void.csv; printf 'not gzip' > x.csv.gz; printf '\037\213\010\000' > broken.csv.gz
\! cd "$ROOT"; printf 'id\n1\n2\n' > sub/deep/2024.csv; printf 'day,date_of,v\n20240102,20240102,20240102\n20241231,20241231,99\n' > eight.csv
IMPORT FOREIGN SCHEMA "/" FROM SERVER files_import INTO incoming;
\d incoming.*
SELECT * FROM incoming.orders ORDER BY 1;
SELECT * FROM incoming.orders WHERE year = 2024 AND month = 1;
EXPLAIN (COSTS OFF) SELECT * FROM incoming.orders WHERE year = 2024 AND month = 1;
SELECT * FROM incoming.events;
SELECT * FROM incoming.nested;
SELECT * FROM incoming."array";
SELECT * FROM incoming.nulls;
SELECT * FROM incoming.names;
SELECT * FROM incoming.latin;
SELECT * FROM incoming.preamble;
SELECT * FROM incoming.lines;
SELECT choice, value, evidence, runner_up FROM files_sniff('files_import', 'preamble.csv') WHERE choice <> 'table';
SELECT choice, value, evidence, runner_up FROM files_sniff('files_import', 'ragged.csv') WHERE choice IN ('rows', 'problem');
SELECT * FROM files_sniff('files_import', 'nothing.csv');
SELECT * FROM files_sniff('files_import', '/x');
SELECT "table", key, description FROM files_tables('files_import');
SELECT "check", ok, regexp_replace(regexp_replace(detail, ', of .*', ''), '".*"', '""') FROM files_check('files_import') WHERE "check" <> 'root';
-- limits, metadata, names
CREATE SCHEMA picked;
IMPORT FOREIGN SCHEMA "/" LIMIT TO (nested, lines, nowhere) FROM SERVER files_import INTO picked OPTIONS (metadata 'file, position, version, modified, size, line, error AS what');
\d picked.*
IMPORT FOREIGN SCHEMA sub FROM SERVER files_import INTO picked;
SELECT * FROM picked.deep;
IMPORT FOREIGN SCHEMA "/" LIMIT TO (bare) FROM SERVER files_import INTO picked OPTIONS (metadata 'nothing');
IMPORT FOREIGN SCHEMA "/" LIMIT TO (bare) FROM SERVER files_import INTO picked OPTIONS (metadata 'file AS column1');
IMPORT FOREIGN SCHEMA "/" LIMIT TO (bare) FROM SERVER files_import INTO picked OPTIONS (sample '1');
-- types do not become narrower with the newest files
\! cd "$ROOT"; mkdir flip; printf 'id,v,w,d\n1,x,1.5,2024-01-01\n' > flip/f_1.csv
CREATE SCHEMA one; IMPORT FOREIGN SCHEMA "/" LIMIT TO (f) FROM SERVER files_import INTO one;
\! cd "$ROOT"; rm flip/f_1.csv; printf 'id,v,w,d\n2,7,3,\n' > flip/f_2.csv
CREATE SCHEMA two; IMPORT FOREIGN SCHEMA "/" LIMIT TO (f) FROM SERVER files_import INTO two;
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'two.f'::regclass AND attnum > 0 ORDER BY attnum;
-- nor are values that leave it open read in another way than those before them
\! cd "$ROOT"; mkdir open; printf 'n;d;e;i\n1.234,5;31.12.2024;2024-12-31;5\n' > open/o_1.csv
IMPORT FOREIGN SCHEMA "/" LIMIT TO (o) FROM SERVER files_import INTO one;
\! cd "$ROOT"; rm open/o_1.csv; printf 'n;d;e;i\n1.234;03.04.2025;2025-01-01;7\n12;01.02.2025;;8\n' > open/o_2.csv
IMPORT FOREIGN SCHEMA "/" LIMIT TO (o) FROM SERVER files_import INTO two;
SELECT * FROM two.o;
\! cd "$ROOT"; printf 'n;d;e;i\n1.5;03/04/2025;x;7.5\n' > open/o_3.csv
CREATE SCHEMA three; IMPORT FOREIGN SCHEMA "/" LIMIT TO (o) FROM SERVER files_import INTO three;
SELECT * FROM three.o;
-- which files are a table's, as the server says
ALTER SERVER files_import OPTIONS (ADD tables 'everything=orders/**; small=b*.csv;');
SELECT "table", description FROM files_tables('files_import') WHERE "table" IN ('everything', 'small', 'orders', 'bare');
-- the newest alone
ALTER FOREIGN TABLE two.f OPTIONS (ADD take 'latest');
\! cd "$ROOT"; printf 'id,v,w,d\n3,7,3,\n' > flip/f_0.csv; touch -d '2020-01-01' flip/f_0.csv
SELECT id FROM two.f;
SELECT piece FROM files_pieces('two.f');
SELECT files_prefix('two.f', 'flip/f_2.csv', 10) IS NULL AS small;
ALTER FOREIGN TABLE two.f OPTIONS (ADD grows 'full');
SELECT piece, extent FROM files_pieces('two.f');
SELECT split_part(files_prefix('two.f', 'flip/f_2.csv', 9), ' ', 2), encode(sha256(convert_to('id,v,w,d' || E'\n', 'UTF8')), 'hex');
SELECT files_prefix('two.f', 'flip/f_2.csv', 99), files_prefix('two.f', 'flip/f_0.csv', 5), files_prefix('two.f', '../x', 5), files_prefix('two.f', 'flip/f_2.csv', -1);
SET client_min_messages = warning;
DROP SCHEMA incoming, picked, one, two, three CASCADE; DROP SERVER files_import CASCADE;
\! rm -rf "$ROOT"
