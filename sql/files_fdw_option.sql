-- options, who may set them, and what they may be
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS files_fdw;
SELECT current_setting('data_directory') || '/files_option' AS root \gset
\setenv ROOT :root
\! rm -rf "$ROOT"; mkdir -p "$ROOT/in" "$ROOT/secret"; printf 'id,v\n1,a\n' > "$ROOT/in/a.csv"; printf 'id,v\n9,secret\n' > "$ROOT/secret/s.csv"
CREATE SERVER files_option FOREIGN DATA WRAPPER files_fdw OPTIONS (root :'root');
-- values
CREATE SERVER files_no FOREIGN DATA WRAPPER files_fdw OPTIONS (root 'relative');
CREATE SERVER files_no FOREIGN DATA WRAPPER files_fdw OPTIONS (root '/a/../b');
CREATE SERVER files_no FOREIGN DATA WRAPPER files_fdw OPTIONS (root '/a//b');
CREATE SERVER files_no FOREIGN DATA WRAPPER files_fdw OPTIONS (root '/a/');
CREATE SERVER files_no FOREIGN DATA WRAPPER files_fdw OPTIONS (root '');
CREATE SERVER files_no FOREIGN DATA WRAPPER files_fdw OPTIONS (folder '/a');
CREATE SERVER files_no FOREIGN DATA WRAPPER files_fdw OPTIONS (root '/a', tables 'x');
CREATE SERVER files_no FOREIGN DATA WRAPPER files_fdw OPTIONS (root '/a', tables 'x=../y');
CREATE SERVER files_no FOREIGN DATA WRAPPER files_fdw OPTIONS (root '/a', infer_bytes 'much');
CREATE FUNCTION pg_temp.try(options text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
	EXECUTE format('CREATE FOREIGN TABLE pg_temp.tried (id int) SERVER files_option OPTIONS (%s)', options);
	DROP FOREIGN TABLE tried;
	RETURN 'fine';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ': ' || SQLERRM || coalesce(' / ' || nullif(hint, ''), '');
END $$;
SELECT o, pg_temp.try(o) FROM unnest(ARRAY[
	$$path 'in/a.csv'$$, $$path 'in/*.csv; in/**/[a-z]#?.csv.gz'$$, $$format 'csv'$$, $$path ''$$, $$path '/etc/passwd'$$, $$path '../x'$$, $$path 'a/../b'$$, $$path 'a//b'$$, $$path 'a/'$$, $$path 'a/[b'$$,
	$$path '**/**/**/**/**/a'$$, $$path '********* '$$, $$path 'a;;b'$$, $$path './a'$$,
	$$path 'a', format 'orc'$$, $$path 'a', compression 'bzip2'$$, $$path 'a', encoding 'klingon'$$, $$path 'a', encoding 'UTF-16LE'$$, $$path 'a', encoding 'windows-1252'$$,
	$$path 'a', delimiter ''$$, $$path 'a', delimiter 'ab'$$, $$path 'a', delimiter 'tab'$$, $$path 'a', delimiter '\x01'$$, $$path 'a', delimiter '\x80'$$, $$path 'a', delimiter 'ä'$$, $$path 'a', delimiter E'\n'$$,
	$$path 'a', quote 'none'$$, $$path 'a', quote ',' $$, $$path 'a', escape ','$$, $$path 'a', comment '"'$$, $$path 'a', record 'crlf'$$, $$path 'a', skip '-1'$$, $$path 'a', skip '1.5'$$,
	$$path 'a', header 'perhaps'$$, $$path 'a', records 'data'$$, $$path 'a', records '$.a.b'$$, $$path 'a', records '$..b'$$, $$path 'a', take 'first'$$, $$path 'a', max_row_bytes '1GB'$$, $$path 'a', max_row_bytes '64kB'$$,
	$$path 'a', settle '-1'$$, $$path 'a', settle 'NaN'$$, $$path 'a', settle '500ms'$$, $$path 'a', grows 'no'$$, $$path 'a', decimal ';'$$, $$path 'a', decimal ',', thousands ','$$, $$path 'a', decimal ',', thousands '.'$$,
	$$path 'a', dateorder 'ydm'$$, $$path 'a', null_words ''$$, $$path 'a', null_words 'N/A,"a,b"'$$, $$path 'a', boolean_words 'ja'$$, $$path 'a', boolean_words 'ja,nein'$$, $$path 'a', timezone 'Mars'$$, $$path 'a', extra_columns 'keep'$$,
	$$path 'a', filename '/etc/passwd'$$]) o;
CREATE FOREIGN TABLE pg_temp.t (id int OPTIONS (metadata 'nothing')) SERVER files_option OPTIONS (path 'a');
CREATE FOREIGN TABLE pg_temp.t (id int OPTIONS (metadata 'file', partition 'x')) SERVER files_option OPTIONS (path 'a');
CREATE FOREIGN TABLE pg_temp.t (id int OPTIONS (metadata 'file')) SERVER files_option OPTIONS (path 'a');
SELECT * FROM t;
DROP FOREIGN TABLE t;
CREATE USER MAPPING FOR CURRENT_USER SERVER files_option OPTIONS (user 'x');
-- who may
CREATE ROLE files_maker; CREATE ROLE files_user;
GRANT USAGE ON FOREIGN DATA WRAPPER files_fdw TO files_maker;
GRANT CREATE ON SCHEMA public TO files_maker, files_user;
SELECT :'root' || '/in' AS allowed, :'root' || '/in/../secret' AS beside, :'root' || '/index' AS longer \gset
SET ROLE files_maker;
CREATE SERVER files_made FOREIGN DATA WRAPPER files_fdw OPTIONS (root :'allowed');
RESET ROLE;
SET files_fdw.allowed_roots = :'allowed';
SET ROLE files_maker;
SET files_fdw.allowed_roots = '/';
\set VERBOSITY sqlstate
CREATE SERVER files_made FOREIGN DATA WRAPPER files_fdw OPTIONS (root :'beside');
\set VERBOSITY terse
CREATE SERVER files_made FOREIGN DATA WRAPPER files_fdw OPTIONS (root :'longer');
CREATE SERVER files_made FOREIGN DATA WRAPPER files_fdw OPTIONS (root :'allowed');
CREATE FOREIGN TABLE files_made_a (id int, v text) SERVER files_made OPTIONS (path '**');
SELECT * FROM files_made_a;
CREATE FOREIGN TABLE files_made_b (id int, v text) SERVER files_option OPTIONS (path '**');
SELECT * FROM files_list('files_option');
SELECT * FROM files_sniff('files_option', '**');
SELECT * FROM files_check('files_option');
RESET ROLE;
-- what is allowed no more is read no more
SET files_fdw.allowed_roots = '/nowhere';
SELECT * FROM files_made_a;
RESET files_fdw.allowed_roots;
SELECT * FROM files_made_a;
-- a server that everybody may use
GRANT USAGE ON FOREIGN SERVER files_option TO files_user;
SET ROLE files_user;
CREATE FOREIGN TABLE files_used (id int, v text) SERVER files_option OPTIONS (path 'in/*.csv');
SELECT * FROM files_used;
SELECT path, size FROM files_list('files_option', 'in/*');
SELECT * FROM files_list('files_option', '../*');
SELECT piece FROM files_pieces('files_made_a');
SELECT piece FROM files_pieces('pg_class');
RESET ROLE;
DROP FOREIGN TABLE files_made_a, files_used;
DROP SERVER files_made; DROP SERVER files_option CASCADE;
REVOKE ALL ON SCHEMA public FROM files_maker, files_user;
REVOKE ALL ON FOREIGN DATA WRAPPER files_fdw FROM files_maker;
DROP ROLE files_maker; DROP ROLE files_user;
\! rm -rf "$ROOT"
