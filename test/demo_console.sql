\getenv url NS_URL
\getenv ca NS_CA
\getenv state NS_STATE
\set key_file :state '/client_ec_certified.pem'
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
\getenv web WEB
\getenv hook_secret HOOK_SECRET
SET TimeZone = 'UTC';
SET client_min_messages = warning;
\echo
\echo '== 1. The extensions, and Erin, who runs all of it'
\set ECHO queries
CREATE EXTENSION netsuite_fdw;
CREATE EXTENSION postgres_fdw;
CREATE EXTENSION ingest CASCADE;
CREATE EXTENSION ingest_delivery;
CREATE EXTENSION ingest_api;
CREATE ROLE erin LOGIN;
GRANT ingest_operator, ingest_consumer TO erin;
GRANT erin TO ingest_authenticator;
\set ECHO none
SELECT format('GRANT CREATE ON DATABASE %I TO erin', current_database()) \gexec
ALTER DATABASE postgres SET ingest_delivery.allow_networks = '127.0.0.0/8';
ALTER DATABASE postgres SET ingest_delivery.allow_http = on;
\echo '== 2. Three systems: NetSuite, a web shop in another database, and a warehouse whose server is down'
CREATE DATABASE shop OWNER erin;
CREATE SERVER netsuite FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url :'url', ca_file :'ca', max_concurrency '5');
CREATE USER MAPPING FOR erin SERVER netsuite OPTIONS (client_id 'sandbox-client-id', certificate_id 'sandbox-ec-certificate', private_key_file :'key_file');
SELECT format('CREATE SERVER web_shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), 'shop') \gexec
CREATE SERVER warehouse FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '1', dbname 'stock', connect_timeout '2');
GRANT USAGE ON FOREIGN SERVER netsuite, web_shop, warehouse TO erin;
CREATE USER MAPPING FOR erin SERVER web_shop OPTIONS (user 'erin', password_required 'false');
CREATE USER MAPPING FOR erin SERVER warehouse OPTIONS (user 'erin', password_required 'false');
CREATE SCHEMA books AUTHORIZATION erin;
CREATE SCHEMA web AUTHORIZATION erin;
CREATE SCHEMA mart AUTHORIZATION erin;
\connect shop
SET client_min_messages = warning;
SET SESSION AUTHORIZATION erin;
CREATE SCHEMA sales;
CREATE TABLE sales.product (id int PRIMARY KEY, name text NOT NULL, price numeric(10, 2) NOT NULL, changed timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE sales.visitor (id int PRIMARY KEY, email text, country char(2), customer bigint, changed timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE sales.cart (id bigint PRIMARY KEY, visitor int NOT NULL REFERENCES sales.visitor, product int NOT NULL REFERENCES sales.product, quantity int NOT NULL, amount numeric(12, 2), state text, changed timestamptz NOT NULL DEFAULT clock_timestamp());
COMMENT ON TABLE sales.cart IS 'What somebody put into the basket, bought or not';
COMMENT ON COLUMN sales.cart.amount IS 'What is to be paid, with VAT';
INSERT INTO sales.product SELECT i, (ARRAY['Lamp', 'Desk', 'Chair', 'Shelf', 'Stool', 'Rug'])[1 + i % 6] || ' ' || i, 5 + (i * 37 % 400) FROM generate_series(1, 240) i;
INSERT INTO sales.visitor SELECT i, CASE WHEN i % 23 <> 0 THEN 'visitor' || i || '@example.com' END, (ARRAY['DE', 'FR', 'GB', 'US', 'NL'])[1 + i * i % 5], CASE WHEN i % 3 = 0 THEN 1000 + i END FROM generate_series(1, 4000) i;
INSERT INTO sales.cart SELECT i, 1 + i * 7 % 4000, 1 + i * 11 % 240, 1 + i % 4, round((10 + (i * 37 % 4000) / 7.0)::numeric, 2), (ARRAY['open', 'paid', 'paid', 'paid', 'returned'])[1 + i % 5] FROM generate_series(1, 30000) i;
\connect postgres
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SET SESSION AUTHORIZATION erin;
\set ECHO queries
SELECT ingest.register_source('erp', 'netsuite', tables => '{account,accountingperiod,classification,contact,currency,customer,department,employee,item,location,subsidiary,term,transaction,transactionline,vendor}', description => 'NetSuite: the books');
SELECT ingest.register_source('shop', 'web_shop', schema => 'shop', remote_schemas => '{sales}', description => 'the web shop');
SELECT ingest.register_source('stock', 'warehouse', schema => 'stock', remote_schemas => '{public}', description => 'the warehouse');
SELECT bool_and(ok) FROM ingest.check_source('erp');
CALL ingest.crawl('erp');
CALL ingest.crawl('shop');
\set ECHO none
\echo '== 3. Copies, with history where it counts; views that people use'
SELECT ingest.create_sync('erp.transaction', 'books.transaction', history => true, batch_rows => 5000, freshness => '15 min', profile => 'sample');
SELECT ingest.create_sync('erp.transactionline', 'books.line', parent => 'books.transaction', batch_rows => 20000, freshness => '15 min', profile => 'sample');
SELECT ingest.create_sync('erp.customer', 'books.customer', history => true, profile => 'all', freshness => '30 min');
SELECT ingest.create_sync('erp.' || t, 'books.' || t, freshness => '6 hours', profile => 'all', mode => m) FROM (VALUES ('vendor', 'incremental'), ('item', 'incremental'), ('employee', 'incremental'), ('account', 'full'), ('subsidiary', 'full'), ('department', 'full'), ('currency', 'full')) x (t, m);
SELECT ingest.create_sync('shop.product', 'web.product', cursor_column => 'changed', history => true, profile => 'all', freshness => '10 min');
SELECT ingest.create_sync('shop.visitor', 'web.visitor', cursor_column => 'changed', profile => 'all', freshness => '10 min');
SELECT ingest.create_sync('shop.cart', 'web.cart', cursor_column => 'changed', history => true, profile => 'all', freshness => '5 min');
CALL ingest.sync('books.transaction');
CALL ingest.sync('books.customer');
CALL ingest.sync('web.product');
CALL ingest.sync('web.visitor');
CALL ingest.sync('web.cart');
SELECT format('CALL ingest.sync(%L)', 'books.' || t) FROM unnest('{vendor,item,employee,account,subsidiary,department,currency}'::text[]) t \gexec
CREATE VIEW mart.open_items AS SELECT c.companyname AS customer, t.tranid AS document, t.foreignamountunpaid AS unpaid, t.duedate FROM books.transaction t JOIN books.customer c ON c.id = t.entity WHERE t.foreignamountunpaid > 0;
CREATE VIEW mart.revenue_by_item AS SELECT i.itemid AS item, sum(-l.netamount) AS revenue FROM books.line l JOIN books.item i ON i.id = l.item GROUP BY i.itemid;
CREATE VIEW mart.basket AS SELECT v.country, p.name AS product, c.quantity, c.amount FROM web.cart c JOIN web.visitor v ON v.id = c.visitor JOIN web.product p ON p.id = c.product WHERE c.state = 'paid';
CREATE VIEW mart.basket_by_country AS SELECT country, sum(amount) AS amount, count(*) AS orders FROM mart.basket GROUP BY country;
CREATE VIEW mart.customer_360 AS SELECT c.id, c.companyname, c.email, sum(o.unpaid) AS unpaid, count(v.id) AS logins FROM books.customer c LEFT JOIN mart.open_items o ON o.customer = c.companyname LEFT JOIN web.visitor v ON v.customer = c.id GROUP BY c.id, c.companyname, c.email;
SELECT ingest.set_lineage('mart.revenue_by_item', 'bi.monthly_report', kind => 'dashboard'), ingest.set_lineage('mart.customer_360', 'bi.churn', kind => 'model');
\echo '== 4. Jobs, rules, annotations, somebody who listens, a webhook that works and one that does not'
SELECT ingest.create_job('books', 'sync', 'books.transaction'), ingest.create_job('customers', 'sync', 'books.customer'), ingest.create_job('carts', 'sync', 'web.cart'), ingest.create_job('products', 'sync', 'web.product'),
  ingest.create_job('visitors', 'sync', 'web.visitor'), ingest.create_job('look at erp', 'crawl', 'erp'), ingest.create_job('look at stock', 'check', 'stock', max_attempts => 2),
  ingest.create_job('close the month', 'sql', 'SELECT 1 / count(*) FILTER (WHERE false) FROM books.account', max_attempts => 1);
SELECT ingest.schedule('books', '20 s'), ingest.schedule('carts', '12 s'), ingest.schedule('visitors', '30 s'), ingest.schedule('products', '25 s'), ingest.schedule('customers', '45 s'), ingest.schedule('look at erp', '1 hour');
SELECT ingest.add_rule('books.customer', 'not_null', '{email}', tolerance => 0.01), ingest.add_rule('books.customer', 'unique', '{entityid}'), ingest.add_rule('web.cart', 'range', '{amount}', '{"min": 0}'),
  ingest.add_rule('web.cart', 'in_set', '{state}', '{"values": ["open", "paid", "returned"]}'), ingest.add_rule('web.visitor', 'pattern', '{email}', '{"pattern": "^[^@]+@[^@]+$"}', tolerance => 0.1),
  ingest.add_rule('books.transaction', 'references', '{entity}', '{"table": "books.customer"}', severity => 'warning', tolerance => 0.9);
SELECT count(*) FROM unnest('{books.customer,web.cart,web.visitor,books.transaction}'::regclass[]) t, ingest.check_quality(t) q;
SELECT ingest.annotate('books.customer', 'owner', '"Finance operations"', by => 'Erin'), ingest.annotate('books.customer.email', 'tags', '["personal data"]', by => 'a model'), ingest.annotate('web.cart', 'description', '"Baskets of the shop, one row per product"', by => 'Erin');
SELECT ingest.subscribe('warehouse load', '{ingest.sync.*,ingest.rows.changed}'), ingest.subscribe('archive', '{ingest.*}', from_start => true);
CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (hook :'hook_secret');
SELECT ingest_delivery.create_sink('orders', 'webhook', jsonb_build_object('url', :'web' || '/orders', 'secret', 'mapping:ingest_secrets/hook'), types => '{ingest.rows.changed,com.example.*}') \g /dev/null
SELECT ingest_delivery.create_sink('planning', 'webhook', jsonb_build_object('url', :'web' || '/planning', 'secret', 'mapping:ingest_secrets/hook'), types => '{ingest.sync.completed}') \g /dev/null
SELECT ingest.emit('com.example.order.approved', 'order/4711', '{"total": 99.5}') \g /dev/null
SELECT ingest_api.create_token('nightly export', scopes => '{read}'), ingest_api.create_token('Grafana', scopes => '{read}', expires => '1 year') \g /dev/null
\echo '== 5. A day as it would have been: runs of the last 24 hours are entered, which nobody waits for here'
RESET SESSION AUTHORIZATION;
INSERT INTO ingest.run (kind, source, sync, state, started_at, finished_at, role, role_name, rows_read, rows_inserted, rows_updated, rows_deleted, batches, updated_at, sqlstate, error_class, error, error_hint)
SELECT 'sync', s.source, s.id, CASE WHEN bad THEN 'failed' ELSE 'succeeded' END, at, at + took, 'erin'::regrole, 'erin', CASE WHEN bad THEN 0 ELSE n * 3 END, CASE WHEN bad THEN 0 ELSE n / 3 END, CASE WHEN bad THEN 0 ELSE n - n / 3 - n / 9 END, CASE WHEN bad THEN 0 ELSE n / 9 END, 1, at + took,
  CASE WHEN bad THEN '08006' END, CASE WHEN bad THEN 'passing' END, CASE WHEN bad THEN 'NetSuite closed the connection while it answered' END, CASE WHEN bad THEN 'It is tried again by itself.' END
FROM (SELECT s.*, CASE WHEN s.name IN ('books.transaction', 'books.line', 'books.customer') THEN interval '10 min' WHEN s.source = 1 THEN interval '2 hours' ELSE interval '4 min' END AS every FROM ingest.sync s) s,
  LATERAL generate_series(now() - interval '24 hours', now() - interval '100 s', s.every) WITH ORDINALITY g (at, i),
  LATERAL (SELECT (20 + 900 * exp(-((extract(hour FROM g.at) + extract(minute FROM g.at) / 60 - 13) ^ 2) / 14) * (0.6 + (hashint4((g.i * 7 + s.id)::int) & 255) / 400.0))::int AS n,
    make_interval(secs => 1.2 + (hashint4((g.i * 31 + s.id)::int) & 255) / 90.0) AS took, (s.name = 'books.customer' AND g.i BETWEEN 61 AND 72) OR (hashint4((g.i * 13 + s.id)::int) & 127) = 5 AND s.every < '1 hour' AS bad) x
WHERE NOT (s.name = 'web.product' AND g.i BETWEEN 200 AND 246) ORDER BY at;
\echo '== 6. What goes wrong: an amount below nothing, phones that vanish, a column that goes, a month that cannot be closed'
\! $CONTROL sql sql="UPDATE ns.customer SET phone = NULL, lastmodifieddate = date_trunc('second', ns.clock() AT TIME ZONE 'UTC') WHERE id % 2 = 0" >/dev/null
\connect shop
SET SESSION AUTHORIZATION erin;
UPDATE sales.cart SET amount = -amount, changed = clock_timestamp() WHERE id % 5000 = 0;
UPDATE sales.product SET price = price * 1.1, changed = clock_timestamp() WHERE id <= 3;
UPDATE sales.product SET price = price - 1, name = name || ', oak', changed = clock_timestamp() WHERE id = 2;
ALTER TABLE sales.visitor ADD COLUMN newsletter boolean DEFAULT false;
ALTER TABLE sales.product ADD COLUMN weight numeric;
\connect postgres
SET client_min_messages = warning;
SET SESSION AUTHORIZATION erin;
SELECT pg_sleep(1.2) \g /dev/null
CALL ingest.crawl('shop');
CALL ingest.sync('books.customer');
CALL ingest.sync('web.cart');
SELECT count(*) FROM ingest.check_quality('web.cart') \g /dev/null
SELECT ingest.enqueue('close the month'), ingest.enqueue('look at stock') \g /dev/null
