#!/bin/bash
# Seeds for sketch_fuzz.c, as today's code writes sketches: test/fuzz/sketch_seeds.sh [FOLDER].  Of each class of type a few
# values, and of the larger classes so many that all parts are there (registers, sample, quantiles, counters).  For a new form.
. "$(dirname "$0")/../lib.sh"
folder=${1:-$TOP/test/fuzz/sketch_corpus}
set_up
start_cluster seeds 6605
run_as "$BIN/psql" -XAtq -h "$WORK/sock" -p 6605 -U postgres -d postgres -v ON_ERROR_STOP=1 -F ' ' >"$WORK/seeds.txt" <<'SQL'
SET client_min_messages = warning;
CREATE EXTENSION ingest_profile;
CREATE TYPE mood AS ENUM ('', 'sad', 'ok', 'happy');
CREATE TABLE kinds (name text, large bool, value text);
INSERT INTO kinds VALUES
	('integer', true, 'i * 7919 % 100003'), ('bigint', false, '(i - 20) * 3037000499 * 37'), ('real', true, '(sin(i) * 100)::real'), ('float', true, 'sin(i) * power(10::float8, i % 300)'),
	('odd_float', false, '(ARRAY[''NaN'', ''inf'', ''-inf'', ''0'', ''-0'', ''5e-324'', ''1.7e308'']::float8[])[1 + i % 7]'),
	('numeric', true, 'round(i * i / 7.0 - 9000, 2)'), ('long_numeric', true, 'repeat((1 + i % 9)::text, 1 + i % 60)::numeric / 10 ^ (i % 40)'),
	('odd_numeric', false, '(ARRAY[''NaN'', ''Infinity'', ''-Infinity'', ''0.00'', ''1e-900'', ''1e900'']::numeric[])[1 + i % 6]'),
	('boolean', false, 'i % 3 = 0'), ('date', true, 'date ''2020-01-01'' + i * 3'), ('odd_date', false, '(ARRAY[''infinity'', ''-infinity'', ''0044-03-15 BC'', ''5874897-12-31'', ''2000-01-01'']::date[])[1 + i % 5]'),
	('timestamp', true, 'timestamp ''2020-01-01'' + i * interval ''37.123456 s'''), ('timestamptz', false, 'timestamptz ''1900-01-01 00:00+00'' + i * interval ''1 day'''), ('time', false, 'time ''00:00'' + i * interval ''11 s'''),
	('text', true, '''Customer '' || i * 7919 % 100003'), ('status', false, '(ARRAY[''new'', ''open'', '''', ''0'', '' done '', NULL])[1 + i % 6]'), ('prose', true, 'repeat(''some Words, '' || i || '' more; '', 1 + i % 3)'),
	('shapes', true, 'repeat(chr(65 + i % 26) || i % 10, 1 + i % 11) || repeat(''-'', i % 29)'), ('script', false, 'repeat(chr(900 + i % 3000), 1 + i % 5) || chr(8203) || i'), ('long_text', false, 'repeat(md5(i::text), 12)'),
	('bytea', true, 'decode(md5(i::text), ''hex'')'), ('uuid', true, 'md5(i::text)::uuid'), ('interval', false, 'i * interval ''1 hour'''), ('inet', false, 'inet ''10.0.0.0'' + i'), ('array', false, 'ARRAY[i, i % 7]'), ('jsonb', false, 'jsonb_build_object(''a'', i)'),
	('json', false, '(''{"a": '' || i || ''}'')::json'), ('money', false, '(i - 5)::money'), ('enum', false, '(enum_range(NULL::mood))[1 + i % 4]'), ('oid', false, 'i::oid'), ('name', false, '(''n'' || i)::name'), ('bpchar', false, '(''c'' || i)::char(9)'), ('byte', false, 'chr(33 + i % 90)::"char"');
SELECT format('SELECT %L, translate((SELECT %s FROM (SELECT %s FROM %s) x (v))::text, E''\n'', '''');', name || '_' || size, what, value, rows) FROM kinds,
	(VALUES (false, 'few', 'profile(v)', 'generate_series(1, 9) i'), (false, 'some', 'profile(v)', 'generate_series(1, 60) i'), (false, 'null', 'profile(CASE WHEN v IS NULL THEN v END)', 'generate_series(1, 3) i'),
		(true, 'many', 'profile(v)', 'generate_series(1, 2100) i'), (true, 'often', 'profile(v)', '(SELECT CASE WHEN i % 2 = 0 THEN i % 5 ELSE i END AS i FROM generate_series(1, 4300) i) j')) sizes (big, size, what, rows)
WHERE large OR NOT big
\gexec
SQL
while read -r name sketch; do
	base64 -d <<<"$sketch" | tail -c +4 | head -c -4 >"$folder/seed_$name"
done <"$WORK/seeds.txt"
say "$(wc -l <"$WORK/seeds.txt") seeds in $folder"
