SET TimeZone = 'UTC';
SELECT current_setting('data_directory') || '/drop' AS root \gset
\setenv ROOT :root
\echo
\echo '== 1. A folder as a bank, a shop and a service left it: semicolons and decimal commas, a title above a table, JSON, one file packed'
\! mkdir -p "$ROOT/payments" "$ROOT/events/day=2026-11-27" "$ROOT/events/day=2026-11-28"; cd "$ROOT"
\! cd "$ROOT"; printf 'Nr;Konto;Betrag;Buchung;Text\n1;00501234;1.234,50;03.11.2026;"Miete; November"\n2;00501234;-7,25;25.11.2026;Gebühr\n' > payments/payments_2026-11-27.csv
\! cd "$ROOT"; printf 'Nr;Konto;Betrag;Buchung;Text\n3;00507777;99,00;26.11.2026;"Rechnung ""4711"""\n' | gzip > payments/payments_2026-11-28.csv.gz
\! cd "$ROOT"; printf 'Price list\nas of today\n\nsku,price,since\nA-1,9.99,2026-01-01\nA-2,19.50,2026-02-01\n' > prices.csv
\! cd "$ROOT"; printf '{"id": 1, "kind": "sent", "tags": ["a", "b"]}\n{"id": 2, "kind": "seen", "user": {"name": "Ann"}}\n' > events/day=2026-11-27/log.jsonl; printf '{"id": 3, "kind": "sent"}\n' > events/day=2026-11-28/log.jsonl
\! cd "$ROOT"; touch -d '1 hour ago' payments/* prices.csv events/*/*; find . -type f | sort
\echo
\echo '== 2. Five statements'
\set ECHO queries
CREATE EXTENSION files_fdw;
CREATE SERVER drop FOREIGN DATA WRAPPER files_fdw OPTIONS (root :'root');
CREATE SCHEMA incoming;
IMPORT FOREIGN SCHEMA "/" FROM SERVER drop INTO incoming OPTIONS (metadata 'file, position, error');
SELECT nr, konto, betrag, buchung, text, _file FROM incoming.payments ORDER BY nr;
SELECT * FROM incoming.prices WHERE price > 10;
SELECT id, kind, tags, "user", day FROM incoming.log;
\set ECHO none
\echo '== 3. What was found, why, and what came second'
\set ECHO queries
SELECT choice, value, evidence FROM files_sniff('drop', 'prices.csv') WHERE choice NOT IN ('table', 'format');
\set ECHO none
\echo '== 4. Files that conditions leave out are not opened'
\set ECHO queries
EXPLAIN (COSTS OFF) SELECT id FROM incoming.log WHERE day = '2026-11-28';
\set ECHO none
\echo '== 5. A file arrives that is broken: a query says where; whoever asks gets the bad rows as rows, and loses none'
\! cd "$ROOT"; printf 'Nr;Konto;Betrag;Buchung;Text\n4;00501234;12,00;27.11.2026;fine\n5;00501234;twelve;27.11.2026;no number\n6;00501234;13,00;27.11.2026\n' > payments/payments_2026-11-29.csv
\set ECHO queries
\set ON_ERROR_STOP off
SELECT sum(betrag) FROM incoming.payments;
\set ON_ERROR_STOP on
SELECT _file, _error->>'line' AS line, _error->>'reason' AS reason, _error->>'row' AS row FROM incoming.payments WHERE _error IS NOT NULL;
SELECT sum(betrag) FROM (SELECT betrag, _error FROM incoming.payments) p WHERE _error IS NULL;
\set ECHO none
\echo '== 6. A link that leads out of the folder is not followed'
\! cd "$ROOT"; rm payments/payments_2026-11-29.csv; ln -s /etc/passwd payments/payments_2026-11-30.csv
\set ECHO queries
\set ON_ERROR_STOP off
SELECT count(*) FROM incoming.payments;
\set ON_ERROR_STOP on
SELECT "check", ok, detail FROM files_check('drop') WHERE "check" = 'kinds';
\set ECHO none
\! rm "$ROOT/payments/payments_2026-11-30.csv"
\echo '== 7. Whoever keeps a copy asks which files there are; a version is another one whenever a file may be'
\set ECHO queries
SELECT piece, bytes, settled FROM files_pieces('incoming.payments');
\set ECHO none
\echo '== 8. A copy with history: each file is a piece of it'
\! cd "$ROOT"; mkdir orders ../lake; printf 'id,customer,amount,day\n1,Ann,10.00,2026-11-02\n2,Ben,20.00,2026-11-03\n3,Cem,30.00,2025-12-31\n' > orders/orders_1.csv; touch -d '1 hour ago' orders/*
SELECT current_setting('data_directory') || '/lake' AS lake \gset
\set ECHO queries
CREATE EXTENSION ingest CASCADE;
SELECT ingest.register_source('drop', 'drop', schema => 'drop_in');
CALL ingest.crawl('drop');
CREATE SCHEMA books;
SELECT ingest.create_sync('drop_in.orders', 'books.orders', history => true);
CALL ingest.sync('books.orders');
\set ECHO none
\echo '== 9. What is in the copy goes to a lake as well: each run makes a version of it'
\set ECHO queries
CREATE SERVER lake FOREIGN DATA WRAPPER files_fdw OPTIONS (root :'lake', writable 'on');
CREATE FOREIGN TABLE lake_orders (id bigint, customer text, amount numeric(12,2), day date, year int OPTIONS (partition 'year')) SERVER lake OPTIONS (path 'orders', format 'parquet', layout 'plain');
SELECT ingest.create_export('books.orders', 'lake_orders', expressions => '{"year": "extract(year FROM day)"}');
CALL ingest.export('books.orders');
\set ECHO none
\echo '== 10. One file grows, one arrives, one is replaced, one breaks, one goes: each time the copy follows, and the lake'
\set ECHO queries
\echo '-- orders_1.csv grows by a row'
\! cd "$ROOT/orders"; printf '4,Dora,40.00,2026-11-28\n' >> orders_1.csv; touch -d '50 minutes ago' orders_1.csv
CALL ingest.sync('books.orders');
CALL ingest.export('books.orders');
\echo '-- orders_2.csv arrives'
\! cd "$ROOT/orders"; printf 'id,customer,amount,day\n5,Edi,50.00,2026-11-29\n6,Fay,60.00,2026-11-29\n' > orders_2.csv; touch -d '40 minutes ago' orders_2.csv
CALL ingest.sync('books.orders');
CALL ingest.export('books.orders');
\echo '-- orders_1.csv is replaced: one amount is another one, one row is gone'
\! cd "$ROOT/orders"; printf 'id,customer,amount,day\n1,Ann,11.00,2026-11-02\n2,Ben,20.00,2026-11-03\n4,Dora,40.00,2026-11-28\n' > new.tmp; touch -d '30 minutes ago' new.tmp; mv new.tmp orders_1.csv
CALL ingest.sync('books.orders');
CALL ingest.export('books.orders');
\echo '-- orders_2.csv is replaced by one with a bad row'
\! cd "$ROOT/orders"; printf 'id,customer,amount,day\n5,Edi,fifty,2026-11-29\n6,Fay,66.00,2026-11-29\n' > new.tmp; touch -d '20 minutes ago' new.tmp; mv new.tmp orders_2.csv
CALL ingest.sync('books.orders');
SELECT key, reason FROM ingest.rejected_row WHERE resolved_at IS NULL;
CALL ingest.export('books.orders');
\echo '-- orders_2.csv goes'
\! cd "$ROOT/orders"; rm orders_2.csv
CALL ingest.sync('books.orders');
CALL ingest.export('books.orders');
SELECT run, kind, state, rows_inserted, rows_updated, rows_deleted FROM ingest.run_status WHERE kind IN ('sync', 'export') ORDER BY run;
SELECT valid_from::time(0) AS at, operation, (version).amount FROM ingest.row_history(NULL::books.orders, NULL) WHERE (version).id = 1 ORDER BY valid_from;
\set ECHO none
\setenv LAKE :lake
\echo '== 11. DuckDB reads the lake: the newest version, by its manifest'
\getenv duck DUCK
SELECT :'duck' <> '' AS has_duck \gset
\if :has_duck
\! "$DUCK" "SET VARIABLE files = (SELECT list('$LAKE/orders/' || f.path) FROM (SELECT unnest(files) AS f FROM (SELECT files FROM read_json('$LAKE/orders/_manifest/*.json') ORDER BY version DESC LIMIT 1)))" "SELECT id, customer, amount, day, year FROM read_parquet(getvariable('files'), hive_partitioning = true) ORDER BY id"
\else
\echo 'left out: DuckDB comes by npm, which is not here (apt-get install npm)'
\endif
