-- What is installed works together: make installcheck, on a server that runs, in a database of its own
\set VERBOSITY terse
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET datestyle = 'ISO';
CREATE EXTENSION netsuite_fdw;
CREATE EXTENSION files_fdw;
CREATE EXTENSION ingest_profile;
CREATE EXTENSION ingest;
CREATE EXTENSION ingest_delivery;
CREATE EXTENSION ingest_api;
-- a connector is there and knows its options
CREATE SERVER ns FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (no_such_option 'x');
-- a folder of files becomes a table
SELECT current_setting('data_directory') || '/installcheck_files' AS root \gset
COPY (SELECT 1) TO PROGRAM 'mkdir -p installcheck_files';
COPY (SELECT i AS id, 'customer ' || i AS name, i * 1.25 AS amount, now() - interval '1 day' AS changed FROM generate_series(1, 1000) i)
    TO PROGRAM 'cat > installcheck_files/customers.csv && touch -d -1hour installcheck_files/customers.csv' WITH (FORMAT csv, HEADER);
CREATE SERVER drop FOREIGN DATA WRAPPER files_fdw OPTIONS (root :'root');
CREATE SCHEMA incoming;
IMPORT FOREIGN SCHEMA "/" FROM SERVER drop INTO incoming OPTIONS (metadata 'file, position, error, version');
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'incoming.customers'::regclass AND attnum > 0 ORDER BY attnum;
-- statistics of it
SELECT column_name, type, rows, nulls, distinct_count, min, max FROM profile_table('incoming.customers', '{id,name,amount}');
-- a copy of it
SELECT ingest.register_source('drop', 'drop', schema => 'incoming') IS NOT NULL AS registered;
CALL ingest.crawl('drop');
CREATE SCHEMA books;
SELECT ingest.create_sync('incoming.customers', 'books.customers', history => true) IS NOT NULL AS created;
CALL ingest.sync('books.customers');
SELECT count(*), sum(amount) FROM books.customers;
SELECT state FROM ingest.run_status WHERE sync = 'books.customers';
-- its events
SELECT DISTINCT type FROM ingest.event ORDER BY 1;
DROP SERVER drop CASCADE;
COPY (SELECT 1) TO PROGRAM 'rm -r installcheck_files';
