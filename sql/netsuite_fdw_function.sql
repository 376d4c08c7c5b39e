-- Functions on a server
SET search_path = public;
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
SELECT "check", ok FROM netsuite_check('ns');
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
SELECT t, netsuite_record_table(t, false) FROM unnest('{invoice,customer,lead,inventoryitem,salestaxitem,customrecord_asset,customtransaction_x,somethingnew}'::text[]) t;
SELECT netsuite_record_table('whatever', true);
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
-- logins that fail
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (SET token_secret 'wrong');
SELECT "check", ok, detail FROM netsuite_check('ns') WHERE NOT ok;
\set VERBOSITY sqlstate
SELECT count(*) FROM netsuite.currency;
\set VERBOSITY default
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (SET token_secret 'sandbox-token-secret');
-- OAuth 2.0, both kinds of keys, as file and as value
\getenv state NS_STATE
\set ec_file :state '/client_ec.pem'
\set rsa `cat "$NS_STATE/client_rsa.pem"`
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (DROP consumer_key, DROP consumer_secret, DROP token_id, DROP token_secret, ADD client_id 'sandbox-client-id', ADD certificate_id 'sandbox-ec-certificate', ADD private_key_file :'ec_file');
SELECT count(*) FROM netsuite.currency;
\! $CONTROL expire_tokens
SELECT count(*) FROM netsuite.currency;
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (DROP private_key_file, SET certificate_id 'sandbox-rsa-certificate', ADD private_key :'rsa');
\! $CONTROL switch name=expires_in_as_string value=false
SELECT count(*) FROM netsuite.currency;
\! $CONTROL reset
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (SET certificate_id 'nobody');
SELECT count(*) FROM netsuite.currency;
ALTER USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (SET private_key 'not a key');
SELECT count(*) FROM netsuite.currency;
DROP USER MAPPING FOR CURRENT_USER SERVER ns;
-- in words of the server's version
\set VERBOSITY sqlstate
SELECT count(*) FROM netsuite.currency;
\set VERBOSITY default
-- who removes a server removes its tables
SET client_min_messages = warning;
DROP SERVER ns CASCADE;
DROP EXTENSION netsuite_fdw CASCADE;
