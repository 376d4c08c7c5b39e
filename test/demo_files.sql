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
