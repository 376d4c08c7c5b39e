\getenv url NS_URL
\getenv ca NS_CA
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
SET TimeZone = 'UTC';
\echo
\echo '== 1. The four statements that a real account needs (there without base_url and ca_file)'
\set ECHO queries
CREATE EXTENSION netsuite_fdw;
CREATE SERVER netsuite FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url :'url', ca_file :'ca', max_concurrency '5');
CREATE USER MAPPING FOR CURRENT_USER SERVER netsuite OPTIONS (consumer_key 'sandbox-consumer-key',
  consumer_secret 'sandbox-consumer-secret', token_id 'sandbox-token-id', token_secret 'sandbox-token-secret');
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
