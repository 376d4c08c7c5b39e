SET TimeZone = 'UTC';
\echo
\echo '== 1. The extension, and a role whose token the gateway may serve'
SET client_min_messages = warning;
\set ECHO queries
CREATE EXTENSION ingest_api CASCADE;
CREATE ROLE fin LOGIN;
GRANT ingest_operator TO fin;
GRANT fin TO ingest_authenticator;
\set ECHO none
\echo '== 2. Something to ask for: a shop, behind postgres_fdw in this very server, and a copy of it'
CREATE EXTENSION postgres_fdw;
CREATE SCHEMA shop AUTHORIZATION fin;
CREATE SCHEMA books AUTHORIZATION fin;
SELECT format('CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)', split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_database()) \gexec
GRANT USAGE ON FOREIGN SERVER shop TO fin;
SELECT format('GRANT CREATE ON DATABASE %I TO fin', current_database()) \gexec
CREATE USER MAPPING FOR fin SERVER shop OPTIONS (user 'fin', password_required 'false');
SET SESSION AUTHORIZATION fin;
CREATE TABLE shop.customer (id int PRIMARY KEY, name text, credit numeric);
INSERT INTO shop.customer SELECT i, 'customer ' || i, i * 100 FROM generate_series(1, 1000) i;
\set ECHO queries
SELECT ingest.register_source('shop', 'shop', schema => 'shop_ft', remote_schemas => '{shop}');
CALL ingest.crawl('shop');
SELECT ingest.create_sync('shop_ft.customer', 'books.customer', mode => 'full', key => '{id}');
SELECT ingest_api.expose('books.customer', 'customers');
\set ECHO none
\echo '== 3. A token, which is shown this once; it reads and does things'
\set ECHO queries
SELECT ingest_api.create_token('demo', scopes => '{operate}') AS token;
\set ECHO none
SELECT ingest_api.create_token('demo of the three requests', scopes => '{operate}') AS token \gset
\setenv TOKEN :token
\echo '== 4. Three requests. The copy is to be made:'
\! echo 'curl -i -X POST -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -H "Idempotency-Key: first" -d "{}" '"$API"/v1/syncs/books.customer/run
\! curl -sS -i -X POST -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -H 'Idempotency-Key: first' -d '{}' "$API/v1/syncs/books.customer/run" | grep -iE '^HTTP|^Location|^\{'
\! for i in $(seq 100); do curl -sS -H "Authorization: Bearer $TOKEN" "$API/v1/syncs?select=rows" | grep -q '"rows":1000' && break; sleep 0.2; done
\echo
\echo 'How it is:'
\! echo 'curl -H "Authorization: Bearer $TOKEN" '"'$API/v1/syncs?select=name,rows,fresh,last_success,table:tables(name,source:sources(name))'"
\! curl -sS -H "Authorization: Bearer $TOKEN" "$API/v1/syncs?select=name,rows,fresh,last_success,table:tables(name,source:sources(name))"
\echo
\echo
\echo 'And its rows:'
\! echo 'curl -H "Authorization: Bearer $TOKEN" '"'$API/v1/customers?select=id,name,credit&credit=gte.99900&order=credit.desc'"
\! curl -sS -H "Authorization: Bearer $TOKEN" "$API/v1/customers?select=id,name,credit&credit=gte.99900&order=credit.desc"
\echo
\echo
\echo '== 5. Who did what'
\set ECHO queries
SELECT object, after->>'status' AS status, after->>'address' AS address FROM ingest.audit WHERE function = 'http';
\set ECHO none
\! if [ -n "$DOCS" ] && curl -sf -o /dev/null "$API/docs/"; then echo "All of it, to read and try while this runs: $API/docs/ (it asks for the token)"; fi
