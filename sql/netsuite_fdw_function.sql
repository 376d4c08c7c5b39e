-- Functions on a server
SET search_path = public;
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
SELECT "check", ok FROM netsuite_check('ns');
-- beside a large table
SET parallel_setup_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT (SELECT count(*) > 0 FROM pg_attribute) AS counted, count(*) > 0 AS checked FROM netsuite_check('ns');
RESET parallel_setup_cost;
RESET min_parallel_table_scan_size;
SELECT abs(extract(epoch FROM netsuite_server_time('ns') - now())) < 5 AS near;
SELECT netsuite_governance('ns');
SELECT * FROM netsuite_query('ns', 'SELECT id, symbol FROM currency WHERE id <= 2 ORDER BY id ASC');
SELECT * FROM netsuite_query('ns', 'SELECT id, name FROM currency WHERE name = ? OR id = ? OR name = ''?''', ARRAY['Euro', '2']);
SELECT * FROM netsuite_query('ns', 'SELECT id FROM currency WHERE name = ?', ARRAY['it''s']);
SELECT * FROM netsuite_query('ns', 'SELECT id FROM currency WHERE name = ?');
SELECT * FROM netsuite_query('ns', 'SELECT id FROM currency', ARRAY['x']);
SELECT * FROM netsuite_query('ns', 'SELECT id FROM currency LIMIT 1');
SELECT * FROM netsuite_query('ns', 'SELECT nope FROM currency');
SELECT * FROM netsuite_query('ns', NULL);
SELECT count(*), count(DISTINCT q->>'id') FROM netsuite_query('ns', 'SELECT id FROM transaction ORDER BY id ASC') q;
SELECT count(*) FROM netsuite_query('ns', 'SELECT id FROM transaction');
SELECT count(*) FROM netsuite_query('ns', 'SELECT a.id AS a FROM accountingperiod a CROSS JOIN accountingperiod b ORDER BY a.id ASC, b.id ASC');
SELECT source, count(*) FROM netsuite_tables('ns') GROUP BY 1 ORDER BY 1;
SELECT * FROM netsuite_tables('ns') WHERE "table" IN ('transactionline', 'customrecord_asset');
SELECT count(*) > 10 AS some, min(deleted_at) >= '2024-01-01' AS from_then FROM netsuite_deleted('ns', 'transaction', '2024-01-01', '2024-01-05');
SELECT count(*) FROM netsuite_deleted('ns', 'currency', '2024-01-01', '2024-01-05');
-- a row that lacks its date is an error, not a deletion less
\! $CONTROL fault kind=edit match=suiteql edits='[{"find": "\"at\":\"", "replace": "\"was\":\""}]'
\set VERBOSITY terse
SELECT count(*) FROM netsuite_deleted('ns', 'transaction', '2024-01-01', '2024-01-05');
\set VERBOSITY default
\! $CONTROL reset
SELECT t, netsuite_record_table(t, false) FROM unnest('{invoice,customer,lead,inventoryitem,salestaxitem,customrecord_asset,customtransaction_x,somethingnew}'::text[]) t;
SELECT netsuite_record_table('whatever', true);
-- the clock of an account in another zone, also where its wall clock does not tell the order
\! $CONTROL switch name=datetime_zone value=Europe/Vienna
ALTER SERVER ns OPTIONS (ADD timezone 'Europe/Vienna');
\! $CONTROL sql sql="INSERT INTO ns.deletedrecord SELECT 990000 + n, -30, 'invoice', 'invoice', 'x', 'UIF', 1, timestamp '2025-10-25 23:30:00' + n * interval '30 min', 'F', 'F', 'F' FROM generate_series(0, 5) n"
SELECT netsuite_wall_clock('ns', '2025-10-26 00:30:00+00'), netsuite_wall_clock('ns', '2025-10-26 01:30:00+00'), netsuite_moment('ns', '2025-10-26 02:30:00') AT TIME ZONE 'UTC' AS utc;
SELECT count(*), string_agg(key, ' ' ORDER BY key) FROM unnest('{2025-10-25 23:30+00,2025-10-26 00:00+00,2025-10-26 00:30+00,2025-10-26 01:00+00,2025-10-26 01:30+00,2025-10-26 02:00+00}'::timestamptz[]) t,
  netsuite_deleted('ns', 'transaction', t, t + interval '30 min') WHERE key LIKE '99000%';
SELECT count(*) FROM netsuite_deleted('ns', 'transaction', '-infinity', 'infinity') WHERE key LIKE '99000%';
-- moments that no date there reaches
SELECT (SELECT count(*) FROM netsuite_deleted('ns', 'transaction', since, until) WHERE key LIKE '99000%') FROM (VALUES
  (timestamptz '294276-12-31', timestamptz 'infinity'), ('9999-12-31', '9999-12-31'), ('infinity', 'infinity'), ('0044-03-15 BC', '10000-01-01'), ('-infinity', '0044-03-15 BC')) v (since, until);
-- an account that does not tell its zone is asked for it: nothing is taken for UTC
ALTER SERVER ns OPTIONS (DROP timezone);
SELECT count(*) FROM netsuite_deleted('ns', 'transaction', '2025-10-25 00:00+00', '2025-10-27 00:00+00');
\! $CONTROL reset
\! $CONTROL switch name=key_case value=upper
\c
SELECT count(*) FROM netsuite_deleted('ns', 'transaction', '2025-10-25 00:00+00', '2025-10-27 00:00+00') WHERE key LIKE '99000%';
\! $CONTROL sql sql="DELETE FROM ns.deletedrecord WHERE recordid >= 990000"
\! $CONTROL reset
-- a zone whose name is also an abbreviation has its summer time
ALTER SERVER ns OPTIONS (ADD timezone 'CET');
SELECT netsuite_wall_clock('ns', '2025-07-01 12:00:00+00'), netsuite_moment('ns', '2025-07-01 14:00:00') AT TIME ZONE 'UTC' AS utc;
SELECT netsuite_moment('ns', '2025-03-30 02:30:00');
ALTER SERVER ns OPTIONS (DROP timezone);
-- what a role may not do is said
\! $CONTROL switch name=suiteql_allowed value=false
SELECT "check", ok, detail FROM netsuite_check('ns') WHERE NOT ok;
SELECT count(*) FROM netsuite.currency;
\! $CONTROL reset
\! $CONTROL switch name=governance_allowed value=false
SELECT "check", ok, detail FROM netsuite_check('ns') WHERE "check" = 'concurrency';
SELECT netsuite_governance('ns');
\! $CONTROL reset
ALTER SERVER ns OPTIONS (ADD max_concurrency '9');
SELECT ok, detail FROM netsuite_check('ns') WHERE "check" = 'concurrency';
ALTER SERVER ns OPTIONS (DROP max_concurrency);
-- OAuth 2.0, both kinds of keys, as file and as value
\getenv state NS_STATE
\set rsa `cat "$NS_STATE/client_rsa.pem"`
SELECT count(*) FROM netsuite.currency;
\! $CONTROL expire_tokens
SELECT count(*) FROM netsuite.currency;
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (DROP private_key_file, SET certificate_id 'sandbox-rsa-certificate', ADD private_key :'rsa');
\! $CONTROL switch name=expires_in_as_string value=false
SELECT count(*) FROM netsuite.currency;
\! $CONTROL reset
-- a certificate beside the key tells when it ends
SELECT ok, detail FROM netsuite_check('ns') WHERE "check" = 'credential';
\set file :state '/client_rsa_certified.pem'
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (DROP private_key, ADD private_key_file :'file');
SELECT ok, regexp_replace(detail, '\d{4}-\d\d-\d\d [^ :]+:\d\d:[^ :]+', '(then)') FROM netsuite_check('ns') WHERE "check" = 'credential';
\set file :state '/client_rsa_ending.pem'
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (SET private_key_file :'file');
SELECT ok, regexp_replace(detail, '\d{4}-\d\d-\d\d [^ :]+:\d\d:[^ :]+', '(then)') FROM netsuite_check('ns') WHERE "check" = 'credential';
\set file :state '/client_rsa_expired.pem'
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (SET private_key_file :'file');
SELECT ok, regexp_replace(detail, '\d{4}-\d\d-\d\d [^ :]+:\d\d:[^ :]+', '(then)') FROM netsuite_check('ns') WHERE "check" = 'credential';
-- logins that fail; of an expired certificate that is said
\! $CONTROL switch name=certificate_expired value=true
\! $CONTROL expire_tokens
DO $$ BEGIN PERFORM FROM netsuite.currency; EXCEPTION WHEN invalid_authorization_specification THEN
  DECLARE hint text; BEGIN GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RAISE NOTICE '%: %', SQLERRM, regexp_replace(hint, '\d{4}-\d\d-\d\d [^ :]+:\d\d:[^ :]+', '(then)'); END; END $$;
SELECT "check", ok, CASE WHEN "check" = 'login' THEN detail END FROM netsuite_check('ns') WHERE "check" IN ('clock', 'login');
\! $CONTROL reset
\set file :state '/client_rsa_certified.pem'
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (SET private_key_file :'file', SET certificate_id 'nobody');
SELECT "check", ok, CASE WHEN "check" = 'login' THEN detail END FROM netsuite_check('ns') WHERE "check" IN ('clock', 'login');
SELECT count(*) FROM netsuite.currency;
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (DROP private_key_file, ADD private_key 'not a key');
SELECT count(*) FROM netsuite.currency;
-- token-based authentication, for those who have it
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (DROP client_id, DROP certificate_id, DROP private_key, ADD consumer_key 'sandbox-consumer-key',
  ADD consumer_secret 'sandbox-consumer-secret', ADD token_id 'sandbox-token-id', ADD token_secret 'sandbox-token-secret');
SELECT count(*) FROM netsuite.currency;
SELECT abs(extract(epoch FROM netsuite_server_time('ns') - now())) < 5 AS near;
SELECT "check", ok, CASE WHEN "check" = 'credential' THEN detail END FROM netsuite_check('ns') WHERE "check" IN ('clock', 'credential');
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (SET token_secret 'wrong');
SELECT "check", ok, CASE WHEN "check" = 'login' THEN detail END FROM netsuite_check('ns') WHERE "check" IN ('clock', 'login');
\set VERBOSITY sqlstate
SELECT count(*) FROM netsuite.currency;
SELECT netsuite_server_time('ns');
\set VERBOSITY default
-- a clock that is wrong is told, though no signature is accepted then
\! $CONTROL clock offset=7200
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (SET token_secret 'sandbox-token-secret');
SELECT "check", ok, regexp_replace(detail, '(7[12]\d\d) s', '(two hours)') FROM netsuite_check('ns') WHERE "check" IN ('clock', 'login');
\! $CONTROL clock offset=0
DROP USER MAPPING FOR CURRENT_USER SERVER ns;
-- in words of the server's version
\set VERBOSITY sqlstate
SELECT count(*) FROM netsuite.currency;
\set VERBOSITY default
-- who removes a server removes its tables
SET client_min_messages = warning;
DROP SERVER ns CASCADE;
DROP EXTENSION netsuite_fdw CASCADE;
