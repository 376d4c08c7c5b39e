-- What an account does with text and time is measured, and nothing is taken for granted
SET search_path = public, netsuite;
SET TimeZone = 'UTC';
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
-- a new session measures anew
\! $CONTROL switch name=case_insensitive value=true
\! $CONTROL switch name=text_sort value=linguistic
\c
SET search_path = public, netsuite;
SELECT "check", ok, detail FROM netsuite_check('ns') WHERE "check" IN ('text', 'zone');
-- = is sent but checked here, so it stops an aggregate; <> and order are not sent
SELECT sent('SELECT count(*) FROM netsuite.transaction WHERE type = ''SalesOrd''');
SELECT sent('SELECT id FROM netsuite.transaction WHERE type <> ''SalesOrd''');
SELECT sent('SELECT type, count(*) FROM netsuite.transaction GROUP BY type');
SELECT sent('SELECT id FROM netsuite.transaction ORDER BY tranid COLLATE "C" LIMIT 3');
SELECT count(*) FROM transaction WHERE type = 'salesord';
SELECT (SELECT count(*) FROM transaction WHERE type = 'SalesOrd') = (SELECT count(*) FROM copy.transaction WHERE type = 'SalesOrd') AS same;
SELECT (SELECT count(*) FROM transaction WHERE memo LIKE 'RUSH%') AS none;
SELECT s.* FROM unnest(ARRAY['type = ''salesord''', 'type <> ''salesord''', 'NOT type = ''salesord''', 'type IN (''SALESORD'', ''Journal'')', 'type NOT IN (''SALESORD'', ''Journal'')', 'memo LIKE ''rush%''', 'memo NOT LIKE ''rush%''', 'tranid > ''a''']) c,
  same('SELECT id, type FROM transaction WHERE ' || c) s;
SELECT s.* FROM same('SELECT type, count(*), count(DISTINCT memo) FROM transaction GROUP BY type') s;
-- trailing blanks and accents
\! $CONTROL reset
\! $CONTROL switch name=ignore_trailing_blanks value=true
\c
SELECT sent('SELECT count(*) FROM netsuite.transaction WHERE type = ''SalesOrd''');
\! $CONTROL reset
\! $CONTROL switch name=accent_insensitive value=true
\! $CONTROL switch name=dual value=false
\c
SELECT sent('SELECT count(*) FROM netsuite.transaction WHERE type = ''SalesOrd''');
\! $CONTROL reset
-- declared traits are not asked for
\! $CONTROL switch name=case_insensitive value=true
ALTER SERVER ns OPTIONS (ADD text_equality_exact 'on');
SELECT sent('SELECT count(*) FROM netsuite.transaction WHERE type = ''SalesOrd''');
ALTER SERVER ns OPTIONS (SET text_equality_exact 'off');
\! $CONTROL reset
SELECT sent('SELECT count(*) FROM netsuite.transaction WHERE type = ''SalesOrd''');
ALTER SERVER ns OPTIONS (DROP text_equality_exact);
-- the zone of datetimes: measured if it is UTC or the servers' own, else to be declared
SELECT lastmodifieddate AS utc FROM netsuite.transaction WHERE id = 4 \gset
\! $CONTROL switch name=datetime_zone value=America/Los_Angeles
\c
SET TimeZone = 'UTC';
SELECT lastmodifieddate = :'utc' AS same FROM netsuite.transaction WHERE id = 4;
SELECT count(*) FROM netsuite.transaction WHERE lastmodifieddate = :'utc' AND id = 4;
\! $CONTROL switch name=datetime_zone value=Europe/Vienna
\c
SET TimeZone = 'UTC';
SELECT lastmodifieddate FROM netsuite.transaction WHERE id = 4;
SELECT ok FROM netsuite_check('ns') WHERE "check" = 'zone';
ALTER SERVER ns OPTIONS (ADD timezone 'Europe/Vienna');
SELECT lastmodifieddate = :'utc' AS same FROM netsuite.transaction WHERE id = 4;
SELECT count(*) FROM netsuite.transaction WHERE lastmodifieddate >= :'utc' AND lastmodifieddate <= :'utc' AND id = 4;
SET search_path = public;
SELECT s.* FROM unnest(ARRAY['>=', '>', '<', '<=', '=', '<>']) o, unnest(ARRAY['2024-03-31 00:59:59+00', '2024-03-31 01:00:00+00', '2024-10-27 00:00:00+00', '2024-10-27 00:30:00+00', '2024-10-27 01:00:00+00', '2024-10-27 01:30:00+00', '2024-07-09 13:52:12+00']) t,
  same('SELECT count(*) FROM transaction WHERE lastmodifieddate ' || o || ' timestamptz ''' || t || '''') s;
ALTER SERVER ns OPTIONS (SET timezone 'America/New_York');
SELECT ok FROM netsuite_check('ns') WHERE "check" = 'zone';
-- a wall clock that the declared zone skips betrays a wrong zone
\! $CONTROL reset
\! $CONTROL sql sql="UPDATE ns.term SET lastmodifieddate = '2024-03-10 02:30:00' WHERE id = 1"
SELECT lastmodifieddate FROM netsuite.term WHERE id = 1;
ALTER SERVER ns OPTIONS (DROP timezone);
SELECT lastmodifieddate FROM netsuite.term WHERE id = 1;
-- a company of another language wants it named
\! $CONTROL switch name=company_language value=zh-CN
SELECT count(*) FROM netsuite.currency;
SELECT "check", ok, detail FROM netsuite_check('ns') WHERE "check" IN ('login', 'suiteql', 'zone', 'text');
CREATE SCHEMA language;
IMPORT FOREIGN SCHEMA suiteql LIMIT TO (currency) FROM SERVER ns INTO language;
ALTER SERVER ns OPTIONS (ADD accept_language 'zh-CN');
SELECT count(*) FROM netsuite.currency;
IMPORT FOREIGN SCHEMA suiteql LIMIT TO (currency) FROM SERVER ns INTO language;
SELECT bool_and(ok) FROM netsuite_check('ns');
ALTER SERVER ns OPTIONS (DROP accept_language);
SET client_min_messages = warning; DROP SCHEMA language CASCADE; RESET client_min_messages;
\! $CONTROL reset
-- a table that only some accounts have is not all that SuiteQL is
\! $CONTROL switch name=hidden_tables value='["currency"]'
\! $CONTROL switch name=dual value=false
\c
SELECT bool_and(ok) FROM netsuite_check('ns');
\! $CONTROL switch name=unknown_record value=search-type
SELECT count(*) FROM netsuite.currency;
\! $CONTROL reset
