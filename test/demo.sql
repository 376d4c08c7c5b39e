\getenv url NS_URL
\getenv ca NS_CA
\getenv state NS_STATE
\set key_file :state '/client_ec_certified.pem'
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
SET TimeZone = 'UTC';
\echo
\echo '== 1. The four statements that a real account needs (there without base_url and ca_file)'
\set ECHO queries
CREATE EXTENSION netsuite_fdw;
CREATE SERVER netsuite FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url :'url', ca_file :'ca', max_concurrency '5');
CREATE USER MAPPING FOR CURRENT_USER SERVER netsuite OPTIONS (client_id 'sandbox-client-id',
  certificate_id 'sandbox-ec-certificate', private_key_file :'key_file');
\set ECHO none
\echo
\echo '== 2. Is everything in order?'
\set ECHO queries
SELECT * FROM netsuite_check('netsuite');
\set ECHO none
\echo '== 3. The fourth: import what the account has, verified by asking it'
\timing on
\set ECHO queries
CREATE SCHEMA netsuite;
IMPORT FOREIGN SCHEMA suiteql FROM SERVER netsuite INTO netsuite;
\set ECHO none
\timing off
SELECT count(*) AS tables, sum(relnatts) AS columns FROM pg_class WHERE relkind = 'f';
\echo '== 4. An aggregate is computed by NetSuite: the plan shows its SuiteQL'
\set ECHO queries
EXPLAIN (VERBOSE, COSTS OFF) SELECT type, count(*), sum(foreigntotal) FROM netsuite.transaction
  WHERE trandate >= '2025-01-01' AND posting GROUP BY type ORDER BY sum(foreigntotal) DESC;
SELECT type, count(*), sum(foreigntotal) FROM netsuite.transaction
  WHERE trandate >= '2025-01-01' AND posting GROUP BY type ORDER BY sum(foreigntotal) DESC;
\set ECHO none
\echo '== 5. Joined with a table of your own'
\set ECHO queries
CREATE TABLE watchlist (customer bigint PRIMARY KEY, why text);
INSERT INTO watchlist VALUES (1058, 'pays late'), (1422, 'new credit limit');
SELECT w.why, c.companyname, t.tranid, t.duedate, t.foreignamountunpaid
  FROM watchlist w JOIN netsuite.customer c ON c.id = w.customer JOIN netsuite.transaction t ON t.entity = w.customer
  WHERE t.type = 'CustInvc' AND t.foreignamountunpaid > 0 ORDER BY t.foreignamountunpaid DESC LIMIT 5;
\set ECHO none
\echo '== 6. 120,000 rows, read in parallel with 50 ms per request: what it took'
\! $CONTROL latency seconds=0.05
\set ECHO queries
EXPLAIN (ANALYZE, COSTS OFF, VERBOSE) SELECT uniquekey, transaction, item, quantity, netamount FROM netsuite.transactionline;
\set ECHO none
\! $CONTROL latency seconds=0
\echo '== 7. NetSuite fails: refusals, broken connections, pages cut short'
\! $CONTROL fault kind=429 count=2 match=suiteql
\! $CONTROL fault kind=reset-body count=2 after=3 match=suiteql
\! $CONTROL fault kind=truncated count=1 after=6 match=suiteql
\set ECHO queries
EXPLAIN (ANALYZE, COSTS OFF) SELECT uniquekey, netamount FROM netsuite.transactionline;
CREATE TABLE lines AS SELECT uniquekey, netamount FROM netsuite.transactionline;
SELECT count(*) AS rows, count(DISTINCT uniquekey) AS distinct_rows, sum(netamount) AS balance,
  (SELECT count(*) FROM netsuite.transactionline) AS rows_by_netsuite FROM lines;
\set ECHO none
\echo 'Every row came once, and the books balance.'
\echo '== 8. What is in it? A profile of a table, read once'
\set ECHO queries
CREATE EXTENSION ingest_profile;
SELECT * FROM profile_report('netsuite.customer');
\set ECHO none
\echo '== 9. Copies of some tables: which columns are keys, and what refers to what? NetSuite declares neither'
CREATE SCHEMA copy;
SELECT format('CREATE TABLE copy.%1$I AS SELECT * FROM netsuite.%1$I', t)
  FROM unnest('{account,classification,currency,customer,department,employee,entity,item,location,subsidiary,term,transaction,transactionline,vendor}'::text[]) t \gexec
\set ECHO queries
SELECT columns, rows, score FROM candidate_keys('copy.transactionline', 2) LIMIT 3;
SELECT from_relation, from_column, to_relation, to_column, round(coverage::numeric, 3) AS coverage, orphans, score
  FROM candidate_foreign_keys(ARRAY(SELECT oid::regclass FROM pg_class WHERE relnamespace = 'copy'::regnamespace AND relkind = 'r' ORDER BY relname));
\set ECHO none
\echo
\echo '== 10. The ingestion service, all of it in SQL: register the source, check it, discover 20 tables'
\! $CONTROL sql sql="ALTER TABLE ns.customer RENAME COLUMN custentity_segment TO not_there_yet"
\set ECHO queries
CREATE EXTENSION ingest;
SELECT ingest.register_source('erp', 'netsuite', tables => '{account,accountingbook,accountingperiod,classification,contact,currency,customer,department,employee,entity,item,job,location,partner,pricelevel,subsidiary,term,transaction,transactionline,vendor}');
SELECT source, last_check_ok, (SELECT bool_and(ok) FROM ingest.check_source('erp')) AS checked FROM ingest.source_status;
CALL ingest.crawl('erp');
SELECT name, row_count, key, cursor_column, parent FROM ingest.source_table ORDER BY row_count DESC NULLS LAST LIMIT 6;
\set ECHO none
\echo '== 11. Copies with history. The first load, seen from another session'
CREATE SCHEMA books;
\set ECHO queries
SELECT ingest.create_sync('erp.transaction', 'books.transaction', history => true, batch_rows => 5000),
       ingest.create_sync('erp.transactionline', 'books.line', parent => 'books.transaction', batch_rows => 20000),
       ingest.create_sync('erp.customer', 'books.customer', history => true, profile => 'all');
\set ECHO none
\! $CONTROL latency seconds=0.08
\! psql -Xqc "CALL ingest.sync('books.transaction')" & sleep 2.5
\set ECHO queries
SELECT name, state, rows_read, rows_per_second, share_done, time_left FROM ingest.run_status WHERE kind = 'sync' ORDER BY run;
\set ECHO none
\! sleep 2
SELECT name, state, rows_read, rows_per_second, share_done, time_left FROM ingest.run_status WHERE kind = 'sync' ORDER BY run;
\! $CONTROL latency seconds=0
\! while [ "$(psql -XAtc "SELECT count(*) FROM ingest.run WHERE kind = 'sync' AND state = 'running' OR (SELECT count(*) FROM ingest.run WHERE kind = 'sync') < 2")" != 0 ]; do sleep 0.3; done
CALL ingest.sync('books.customer');
SELECT sync, phase, rows, source_rows, last_state, watermark FROM ingest.table_status ORDER BY sync;
\echo '== 12. Somebody works in NetSuite: edits a memo and a line, deletes two invoices with their lines'
\! $CONTROL sql sql="UPDATE ns.transaction SET memo = 'Edited at month end', lastmodifieddate = date_trunc('second', ns.clock() AT TIME ZONE 'UTC') WHERE id = (SELECT min(id) FROM ns.transaction)"
\! $CONTROL sql sql="UPDATE ns.transactionline SET memo = 'A line that its header says nothing of', linelastmodifieddate = date_trunc('second', ns.clock() AT TIME ZONE 'UTC') WHERE uniquekey = (SELECT max(uniquekey) FROM ns.transactionline)"
\! $CONTROL sql sql="WITH d AS (DELETE FROM ns.transaction WHERE id IN (SELECT id FROM ns.transaction WHERE type = 'CustInvc' ORDER BY id LIMIT 2) RETURNING id), l AS (DELETE FROM ns.transactionline l USING d WHERE l.transaction = d.id) INSERT INTO ns.deletedrecord SELECT id, -30, 'invoice', 'invoice', 'Invoice', 'UIF', 1, date_trunc('second', ns.clock() AT TIME ZONE 'UTC'), 'F', 'F', 'F' FROM d"
\! sleep 1.2
\echo '== 13. An incremental sync, with a listener: psql prints what is announced'
LISTEN ingest;
\set ECHO queries
CALL ingest.sync('books.transaction');
\set ECHO none
UNLISTEN ingest;
\set ECHO queries
SELECT operation, key, before->>'tranid' AS document, left(before->>'memo', 25) AS memo_before, left(after->>'memo', 25) AS memo_after, source_time FROM ingest.change WHERE operation <> 'load' ORDER BY seq;
SELECT name, rows_read, rows_inserted, rows_updated, rows_deleted FROM ingest.run_status WHERE kind = 'sync' ORDER BY run DESC LIMIT 2;
SELECT (SELECT count(*) FROM books.line) AS lines_here, (SELECT count(*) FROM erp.transactionline) AS lines_there;
\set ECHO none
\echo '== 14. Drift: NetSuite gets a new field. The crawl finds it, the copy follows'
\! $CONTROL sql sql="ALTER TABLE ns.customer RENAME COLUMN not_there_yet TO custentity_segment"
\set ECHO queries
CALL ingest.crawl('erp', '{customer}');
SELECT object_name, change, after->>'type' AS type FROM ingest.metadata_change WHERE object_kind = 'column';
SELECT ingest.reload('books.customer');
CALL ingest.sync('books.customer');
SELECT count(*) AS customers, count(custentity_segment) AS with_segment FROM books.customer;
\set ECHO none
\echo '== 15. Quality: a rule that does not hold, and the rows that break it'
\set ECHO queries
SELECT ingest.add_rule('books.customer', 'not_null', '{email}', tolerance => 0.01), ingest.add_rule('books.customer', 'unique', '{entityid}');
SELECT kind, columns, rows, violations, ok, where_clause FROM ingest.check_quality('books.customer');
\set ECHO none
\echo '== 16. An anomaly: somebody empties a field of half the customers'
\! $CONTROL sql sql="UPDATE ns.customer SET phone = NULL, lastmodifieddate = date_trunc('second', ns.clock() AT TIME ZONE 'UTC') WHERE id % 2 = 0"
\! sleep 1.2
\set ECHO queries
CALL ingest.sync('books.customer');
SELECT kind, column_name, evidence->'null_share' AS null_share, summary FROM ingest.anomaly WHERE kind = 'null_share';
\set ECHO none
\echo '== 17. Lineage: from NetSuite to a view of your own'
\set ECHO queries
CREATE VIEW books.open_items AS SELECT c.companyname, t.tranid, t.foreignamountunpaid AS unpaid FROM books.transaction t JOIN books.customer c ON c.id = t.entity WHERE t.foreignamountunpaid > 0;
SELECT * FROM ingest.lineage('books.open_items.unpaid');
SELECT ingest.lineage_graph('books.open_items');
\set ECHO none
