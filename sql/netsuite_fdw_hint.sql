-- A statement in a hint runs as printed, for the one who reads it; and a user mapping that lacks something is a line of the check
SET search_path = public;
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
\! $CONTROL reset
\getenv url NS_URL
\getenv ca NS_CA
CREATE SERVER "Hinted" FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url :'url', ca_file :'ca');
CREATE ROLE "Some One";
GRANT USAGE ON FOREIGN SERVER "Hinted" TO "Some One";
GRANT pg_read_server_files TO "Some One";
CREATE FOREIGN TABLE hinted (id bigint, lastmodifieddate timestamptz) SERVER "Hinted" OPTIONS ("table" 'term', key 'id');
-- what becomes of the statement in a statement's hint, with a value for its dots
CREATE FUNCTION obeyed(statement text, value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text; said text; BEGIN
  BEGIN
    EXECUTE statement;
    RETURN 'no error';
  EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  END;
  said := substring(hint FROM '(?:ALTER|CREATE) .*\)(?=\.$)');
  EXECUTE replace(said, '''...''', quote_literal(value));
  RETURN 'ran: ' || regexp_replace(said, 'FOR \w+', 'FOR (me)');
EXCEPTION WHEN OTHERS THEN RETURN format('%s: %s', SQLERRM, hint);
END $$;
SELECT "check", ok, regexp_replace(detail, 'FOR \w+', 'FOR (me)') AS detail FROM netsuite_check('Hinted') WHERE detail ~ current_user;
SET ROLE "Some One";
SELECT * FROM netsuite_check('Hinted');
-- each option that a mapping lacks is named, one after the other
CREATE USER MAPPING FOR "Some One" SERVER "Hinted" OPTIONS (client_id 'sandbox-client-id');
SELECT * FROM netsuite_check('Hinted');
SELECT obeyed('SELECT netsuite_server_time(''Hinted'')', 'sandbox-ec-certificate');
SELECT * FROM netsuite_check('Hinted');
SELECT obeyed('SELECT netsuite_server_time(''Hinted'')', 'no key');
SELECT "check", ok, CASE WHEN NOT ok THEN detail END AS detail FROM netsuite_check('Hinted');
ALTER USER MAPPING FOR "Some One" SERVER "Hinted" OPTIONS (SET private_key 'file:/no/such/key.pem');
SELECT * FROM netsuite_check('Hinted');
ALTER USER MAPPING FOR "Some One" SERVER "Hinted" OPTIONS (SET private_key 'env:NO_SUCH_VARIABLE');
SELECT * FROM netsuite_check('Hinted');
DROP USER MAPPING FOR "Some One" SERVER "Hinted";
RESET ROLE;
-- PUBLIC's mapping is for the server's owner to set
CREATE USER MAPPING FOR PUBLIC SERVER "Hinted" OPTIONS (consumer_key 'sandbox-consumer-key', consumer_secret 'sandbox-consumer-secret', token_id 'sandbox-token-id');
SET ROLE "Some One";
SELECT regexp_replace(detail, 'ask \w+,', 'ask (the owner),') AS detail FROM netsuite_check('Hinted');
RESET ROLE;
SELECT obeyed('SELECT netsuite_server_time(''Hinted'')', 'sandbox-token-secret');
SELECT obeyed('SELECT netsuite_server_time(''Hinted'')', 'sandbox-token-secret');
-- the company's language, and one that is not the company's
\! $CONTROL switch name=company_language value=zh-CN
SELECT obeyed('SELECT count(*) FROM netsuite_query(''Hinted'', ''SELECT id FROM currency'')', 'de-DE');
SELECT obeyed('SELECT count(*) FROM netsuite_query(''Hinted'', ''SELECT id FROM currency'')', 'zh-CN');
SELECT obeyed('SELECT count(*) FROM netsuite_query(''Hinted'', ''SELECT id FROM currency'')', 'zh-CN');
ALTER SERVER "Hinted" OPTIONS (SET accept_language 'de-DE');
SELECT ok, detail FROM netsuite_check('Hinted') WHERE "check" = 'suiteql';
SET ROLE "Some One";
SELECT regexp_replace(detail, 'ask \w+,', 'ask (the owner),') AS detail FROM netsuite_check('Hinted') WHERE "check" = 'suiteql';
RESET ROLE;
\! $CONTROL reset
ALTER SERVER "Hinted" OPTIONS (DROP accept_language);
-- the zone
\! $CONTROL switch name=record_allowed value=false
SELECT obeyed('SELECT count(lastmodifieddate) FROM (SELECT * FROM hinted OFFSET 0) x', 'UTC');
SELECT obeyed('SELECT count(lastmodifieddate) FROM (SELECT * FROM hinted OFFSET 0) x', 'UTC');
\! $CONTROL reset
DROP FUNCTION obeyed;
DROP SERVER "Hinted" CASCADE;
REVOKE pg_read_server_files FROM "Some One";
DROP ROLE "Some One";
