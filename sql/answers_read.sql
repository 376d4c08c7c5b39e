-- What was read is what is there: the same rows on every personality, down to the last byte
SET TimeZone = 'UTC';
SET client_min_messages = warning;
-- an hour that a clock passes twice cannot be told from its second passing: those days are left out, in every zone that any personality has
CREATE TABLE twice AS SELECT DISTINCT d::date + n AS day FROM generate_series(timestamptz '1989-01-01', '2028-01-01', '1 day') d, generate_series(-1, 1) n,
  unnest('{America/Los_Angeles,Europe/Vienna,Europe/London,America/Santiago,Asia/Beirut,America/St_Johns,Pacific/Auckland,America/Sao_Paulo}'::text[]) z
  WHERE (d + interval '24 hours') AT TIME ZONE z - d AT TIME ZONE z < interval '24 hours';
CREATE FUNCTION fingerprint(t regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE list text; r text; BEGIN
  SELECT string_agg(CASE format_type(atttypid, -1) WHEN 'timestamp with time zone' THEN format('CASE WHEN %1$I::date NOT IN (TABLE twice) THEN %1$I END', attname)
    WHEN 'numeric' THEN format('trim_scale(%I)', attname) ELSE quote_ident(attname) END, ', ' ORDER BY attname)
    INTO list FROM pg_attribute WHERE attrelid = t AND attnum > 0;
  EXECUTE format('SELECT count(*) || '' '' || md5(string_agg(x, chr(10) ORDER BY x COLLATE "C")) FROM (SELECT ROW(%s)::text AS x FROM %s) y', list, t) INTO r;
  RETURN r;
END $$;
SELECT oid::regclass, fingerprint(oid) FROM pg_class WHERE relnamespace = 'copy'::regnamespace AND relkind = 'r' AND relname <> 'currency' ORDER BY relname;
-- values whose form differs most between accounts, in plain sight
SELECT id, creditlimit, custentity_score, isinactive, custentity_regions, comments, datecreated FROM netsuite.customer WHERE id IN (1001, 1010, 1012, 1040) ORDER BY id;
SELECT id, trandate, duedate, lastmodifieddate, exchangerate, custbody_score, posting, voided, left(memo, 20) AS memo FROM netsuite.transaction WHERE id BETWEEN 100 AND 120 ORDER BY id;
SELECT acctnumber, fullname FROM netsuite.account WHERE fullname > 'Account 58' COLLATE "C" ORDER BY fullname COLLATE "C";
-- by text, whatever the account takes for equal
SELECT custentity_segment, count(*), min(companyname COLLATE "C") FROM netsuite.customer WHERE companyname LIKE '%é%' OR companyname < 'B' COLLATE "C" GROUP BY 1 ORDER BY 1;
SELECT count(*), count(DISTINCT firstname) FROM netsuite.employee WHERE firstname <> 'ada' AND firstname NOT LIKE 'zo%' AND firstname NOT IN ('jose', 'UMIT');
SELECT count(*) FROM netsuite.customer WHERE companyname = 'cafe ole 1008' OR email = 'AP1001@EXAMPLE.COM' OR custentity_segment = 'smb ';
-- by moment
SELECT count(*) FROM netsuite.transaction WHERE lastmodifieddate >= '2024-07-09 13:52:12+00' AND lastmodifieddate < '2025-01-01';
SELECT date_trunc('month', createddate) AS month, count(*) FROM netsuite.transaction WHERE createddate >= '2026-01-03' AND createddate < '2026-03-01' GROUP BY 1 ORDER BY 1;
SELECT id, createddate FROM netsuite.transaction WHERE createddate >= '2025-07-15' ORDER BY createddate, id LIMIT 5;
