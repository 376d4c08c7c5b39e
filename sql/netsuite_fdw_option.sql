-- Options are checked when they are set, and messages name the valid ones
CREATE EXTENSION netsuite_fdw;
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw;
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', pagesize '10');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account 'https://1234567');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', page_size '0');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', page_size '10.5');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', max_concurrency '51');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', base_url 'http://localhost');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', base_url 'https://me:secret@localhost');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', proxy 'http://me:secret@localhost:3128');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', proxy 'me@localhost');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', proxy E'http://localhost\r\nX: y');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', proxy 'http://localhost:3128?token=secret');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', proxy '');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', proxy_password 'x');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', timezone 'Mars/Olympus');
-- an address is https, host, port and path; a zone is a name: what looks like a POSIX rule would be one, with signs the other way round
CREATE FUNCTION refused(option text, value text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE SERVER refused FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account ''1234567'', %I %L)', option, value);
  DROP SERVER refused;
  RETURN false;
EXCEPTION WHEN fdw_invalid_attribute_value THEN RETURN true;
END $$;
SELECT v, refused('base_url', v) FROM unnest(ARRAY['https://127.1:8443', 'HTTPS://Gateway.example/ns/', 'https://[::1]:8443', 'https://gateway:443', 'https://gateway#x', 'https://gateway?x', 'https://gateway/a b', E'https://gateway\r\nX: y', 'https:// gateway', 'https://gateway:99999', 'https://:443', 'https://', 'gateway', 'ftp://gateway', '']) v;
SELECT v, refused('timezone', v) FROM unnest(ARRAY['UTC', 'utc', 'CET', 'EST5EDT', 'Etc/GMT-2', 'america/los_angeles', 'US/Pacific', '+02', '-8', 'Europe3', 'FOO3', '<+05>-5', 'GMT+25', 'EST5EDT,M3.2.0,M11.1.0', 'interval ''1''', 'right/UTC', 'IST', ' UTC', '']) v;
DROP FUNCTION refused;
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', accept_language E'en\r\nX-Other: 1');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', accept_language '');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', connect_timeout 'soon');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', max_buffered '1kB');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', use_remote_estimate 'perhaps');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', text_equality_exact 'mostly');
CREATE SERVER s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', fdw_tuple_cost '-1');
-- one option is enough; all are understood
CREATE SERVER least FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1');
CREATE SERVER most FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567', base_url 'https://localhost:1', timezone 'Europe/Vienna', accept_language 'zh-CN, zh;q=0.8',
  max_concurrency '4', page_size '1000', connect_timeout '500ms', request_timeout '90', max_retries '0', retry_deadline '1min', max_buffered '16MB',
  ca_file '/tmp/ca.pem', proxy 'http://localhost:1', compress 'off', fdw_startup_cost '10', fdw_tuple_cost '0.1', use_remote_estimate 'on',
  text_equality_exact 'auto', text_like_exact 'on', text_order_binary 'off');
-- user mappings
CREATE USER MAPPING FOR CURRENT_USER SERVER least OPTIONS (password 'x');
CREATE USER MAPPING FOR CURRENT_USER SERVER least OPTIONS (consumer_key '');
CREATE USER MAPPING FOR CURRENT_USER SERVER least OPTIONS (consumer_key 'a', client_id 'b');
CREATE USER MAPPING FOR CURRENT_USER SERVER least OPTIONS (client_id 'b', private_key 'k', private_key_file '/tmp/k');
CREATE USER MAPPING FOR CURRENT_USER SERVER least OPTIONS (consumer_key 'a', proxy_password 'p');
-- what a mapping lacks is said when it is used
CREATE USER MAPPING FOR CURRENT_USER SERVER least OPTIONS (consumer_key 'a', token_id 'b');
SELECT netsuite_server_time('least');
ALTER USER MAPPING FOR CURRENT_USER SERVER least OPTIONS (DROP consumer_key, DROP token_id, ADD client_id 'c', ADD certificate_id 'd');
SELECT netsuite_server_time('least');
-- references to files and the environment are for those who may read server files
CREATE ROLE plain_user;
GRANT USAGE ON FOREIGN SERVER least TO plain_user;
SET ROLE plain_user;
CREATE USER MAPPING FOR plain_user SERVER least OPTIONS (consumer_key 'env:HOME');
CREATE USER MAPPING FOR plain_user SERVER least OPTIONS (consumer_secret 'file:/etc/passwd');
CREATE USER MAPPING FOR plain_user SERVER least OPTIONS (private_key_file '/etc/passwd');
CREATE USER MAPPING FOR plain_user SERVER least OPTIONS (proxy_user 'u', proxy_password 'file:/etc/passwd');
CREATE USER MAPPING FOR plain_user SERVER least OPTIONS (consumer_key 'k', consumer_secret 's', token_id 't', token_secret 'top secret');
-- others cannot see a mapping's options, nor use a server without USAGE
SELECT netsuite_check('most');
RESET ROLE;
CREATE ROLE nosy_user;
SET ROLE nosy_user;
SELECT count(*) FROM pg_user_mappings WHERE umoptions::text LIKE '%secret%';
SELECT netsuite_server_time('least');
RESET ROLE;
CREATE USER MAPPING FOR CURRENT_USER SERVER most OPTIONS (consumer_key 'k', consumer_secret 'env:NO_SUCH_VARIABLE', token_id 't', token_secret 's');
SELECT netsuite_server_time('most');
ALTER USER MAPPING FOR CURRENT_USER SERVER most OPTIONS (SET consumer_secret 'file:/no/such/file');
SELECT netsuite_server_time('most');
-- tables and columns
CREATE FOREIGN TABLE t (a int) SERVER least OPTIONS (tabel 'x');
CREATE FOREIGN TABLE t (a int) SERVER least OPTIONS ("table" 'x', query 'y');
CREATE FOREIGN TABLE t (a int) SERVER least OPTIONS ("table" 'x', key '');
CREATE FOREIGN TABLE t (a int OPTIONS (colunm_name 'b')) SERVER least;
CREATE FOREIGN TABLE t (a int OPTIONS (column_name 'b', expression 'c')) SERVER least;
CREATE FOREIGN TABLE t (a int OPTIONS (column_name 'b', description 'what it is')) SERVER least OPTIONS ("table" 'x', key 'b', rows '10', description 'a table');
SELECT obj_description('t'::regclass), col_description('t'::regclass, 1);
-- SQL of a table's owner must end where it ends: as a query, an expression, a name
CREATE FUNCTION accepted(option text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text; BEGIN
  EXECUTE format(CASE WHEN option IN ('expression', 'column_name') THEN 'CREATE FOREIGN TABLE accepted (a int OPTIONS (%I %L)) SERVER least' ELSE 'CREATE FOREIGN TABLE accepted (a int) SERVER least OPTIONS (%I %L)' END, option, value);
  DROP FOREIGN TABLE accepted;
  RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT; RETURN SQLSTATE || ' ' || hint;
END $$;
SELECT option, v, accepted(option, v) FROM unnest(ARRAY['query', 'expression']) option, unnest(ARRAY['SELECT 1', 'SELECT 1;', 'SELECT 1 ; -- end', 'SELECT 1; SELECT 2', ';', 'SELECT 1 -- why', E'SELECT 1 -- why\nFROM dual', 'SELECT /* ; ( '' */ 1', 'SELECT /* 1', '-- all of it', '/* all */', ' ',
  'SELECT '';--'' FROM dual', 'SELECT ''it''''s'' FROM dual', 'SELECT ''it''s'' FROM dual', 'SELECT "a;" FROM dual', 'SELECT "a', 'SELECT (1', 'SELECT 1)', 'a) OR (1 = 1', 'SELECT '')'' FROM dual', 'SELECT 5 - -1', 'SELECT 4/2',
  'SELECT q''['']''', 'SELECT NQ''(a)'' FROM dual', 'SELECT 1 AS q, faq ''q''', 'SELECT '' q''''[ '' FROM dual']) WITH ORDINALITY x(v, n) ORDER BY option, n;
SELECT option, v, accepted(option, v) FROM unnest(ARRAY['table', 'column_name', 'key']) option, unnest(ARRAY['customer', 'Customer_1', 'a.b', 'größe', '1a', 'a b', 'a;', 'a--', 'a)', 'a''', '"a"', '"a b"', 'a, b', '']) WITH ORDINALITY x(v, n) ORDER BY option, n;
DROP FUNCTION accepted;
-- a wrapper's server of another kind
CREATE EXTENSION file_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
SELECT netsuite_server_time('files');
SELECT netsuite_server_time('nothing');
DROP EXTENSION file_fdw CASCADE;
DROP SERVER least CASCADE;
DROP SERVER most CASCADE;
DROP ROLE plain_user, nosy_user;
