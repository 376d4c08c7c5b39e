-- A source by postgres_fdw in the same cluster, for the scripts beside this file
SET client_min_messages = warning;
CREATE EXTENSION ingest CASCADE;
CREATE EXTENSION postgres_fdw;
CREATE SCHEMA shop;
CREATE SCHEMA copies;
CREATE SERVER shop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'socket', port :'port', dbname 'postgres');
CREATE USER MAPPING FOR postgres SERVER shop OPTIONS (user 'postgres');
CREATE TABLE shop.t (id bigint PRIMARY KEY, v text, x text, changed timestamptz);
INSERT INTO shop.t SELECT i, 'v', 'kept', now() - interval '1 hour' FROM generate_series(1, 20) i;
SELECT ingest.register_source('shop', 'shop', schema => 'there', remote_schemas => '{shop}') > 0 AS registered \gset
CALL ingest.crawl('shop');
