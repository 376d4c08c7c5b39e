-- An account of any personality: server options and user mapping are those that its administrator would set
SET client_min_messages = warning;
\getenv url NS_URL
\getenv ca NS_CA
\getenv options NS_OPTIONS
\getenv mapping NS_MAPPING
CREATE EXTENSION netsuite_fdw;
CREATE SERVER ns FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url :'url', ca_file :'ca' :options);
CREATE USER MAPPING FOR CURRENT_USER SERVER ns OPTIONS (:mapping);
CREATE SCHEMA netsuite;
IMPORT FOREIGN SCHEMA suiteql LIMIT TO (transaction, transactionline, transactionaccountingline, customer, item, account, accountingperiod, currency, employee, department, customrecord_asset, nexttransactionlinelink, deletedrecord, term) FROM SERVER ns INTO netsuite;
-- an account of one currency has no table of them: nothing to compare
DO $$ BEGIN
  IF to_regclass('netsuite.currency') IS NULL THEN
    CREATE TABLE netsuite.currency AS SELECT i AS id, s AS symbol FROM unnest('{USD,GBP,CAD,EUR,JPY,CHF}'::text[]) WITH ORDINALITY v(s, i);
  END IF;
END $$;
-- the same columns, keys and types
SELECT c.relname, (SELECT string_agg(o.option_value, '') FROM pg_options_to_table(f.ftoptions) o WHERE o.option_name = 'key') AS key,
  (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0) AS columns
  FROM pg_class c JOIN pg_foreign_table f ON f.ftrelid = c.oid WHERE c.relname <> 'currency' ORDER BY 1;
