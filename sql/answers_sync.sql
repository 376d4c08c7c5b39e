-- Copies agree with their source on every personality: first load, changes, deletions
SET client_min_messages = warning;
SET TimeZone = 'UTC';
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
\! $CONTROL sql sql="CREATE TABLE ns.saved_customer AS SELECT * FROM ns.customer; CREATE TABLE ns.saved_deleted AS SELECT * FROM ns.deletedrecord"
CREATE EXTENSION ingest CASCADE;
CREATE SCHEMA s;
SELECT ingest.register_source('ns', 'ns', schema => 'erp', tables => '{customer,term}') > 0 AS registered;
CALL ingest.crawl('ns');
SELECT ingest.create_sync('erp.customer', 's.customer', name => 'customer', history => true) IS NOT NULL AS created;
SELECT ingest.create_sync('erp.term', 's.term', name => 'term') IS NOT NULL AS created;
CREATE FUNCTION agree() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM ((SELECT id, companyname, creditlimit, isinactive, comments, lastmodifieddate FROM netsuite.customer EXCEPT ALL SELECT id, companyname, creditlimit, isinactive, comments, lastmodifieddate FROM s.customer)
  UNION ALL (SELECT id, companyname, creditlimit, isinactive, comments, lastmodifieddate FROM s.customer EXCEPT ALL SELECT id, companyname, creditlimit, isinactive, comments, lastmodifieddate FROM netsuite.customer)) x';
CREATE VIEW last_run AS SELECT state, rows_inserted AS ins, rows_updated AS upd, rows_deleted AS del, rows_rejected AS rej FROM ingest.run_status WHERE kind = 'sync' ORDER BY run DESC LIMIT 1;
CALL ingest.sync('term');
TABLE last_run;
CALL ingest.sync('customer');
SELECT agree(); TABLE last_run;
SELECT fingerprint('s.customer'), fingerprint('s.term');
-- a change, a new row, one that goes with an entry in the feed
\! $CONTROL update table=customer key='{"id": 1010}' changes='{"companyname": "Änderung", "creditlimit": 12.5}'
\! $CONTROL insert table=customer row='{"id": 999001, "companyname": "new", "isinactive": "F"}'
\! $CONTROL delete table=customer key='{"id": 1020}' feed=customer
\! $CONTROL clock offset=20
CALL ingest.sync('customer');
SELECT agree(); TABLE last_run;
SELECT id, companyname, creditlimit FROM s.customer WHERE id IN (1010, 1020, 999001) ORDER BY id;
SELECT operation, key->>'id' AS id, before->>'creditlimit' AS before, after->>'creditlimit' AS after FROM ingest.change WHERE operation <> 'load' ORDER BY key->>'id', seq;
-- nothing more
\! $CONTROL clock offset=40
CALL ingest.sync('customer');
SELECT agree(); TABLE last_run;
\! $CONTROL clock offset=0
\! $CONTROL sql sql="DELETE FROM ns.customer; DELETE FROM ns.deletedrecord"
\! $CONTROL sql sql="INSERT INTO ns.customer SELECT * FROM ns.saved_customer; INSERT INTO ns.deletedrecord SELECT * FROM ns.saved_deleted"
\! $CONTROL sql sql="DROP TABLE ns.saved_customer, ns.saved_deleted"
