-- Foreign keys that nobody declared, one small schema for each kind of name and of trap. All ids count from 1, so that
-- most columns are contained in most keys.
\set VERBOSITY terse
CREATE EXTENSION ingest_profile;
CREATE FUNCTION found(text) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT format('%s(%s) -> %s(%s)', a.relname, from_column, b.relname, to_column) COLLATE "C"
	FROM candidate_foreign_keys(ARRAY(SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = $1::regnamespace AND relkind = 'r' ORDER BY relname)) f
	JOIN pg_class a ON a.oid = f.from_relation JOIN pg_class b ON b.oid = f.to_relation ORDER BY 1
$$;

-- the key's own name: that of another table, of none, and of none with no word as keys have
CREATE SCHEMA own;
SET search_path = own, public;
CREATE TABLE salesterritory AS SELECT i AS territoryid, 'T' || i AS label FROM generate_series(1, 10) i;
CREATE TABLE calendar AS SELECT 'S' || i AS service_id, i % 2 AS monday FROM generate_series(1, 40) i;
CREATE TABLE gama_producto AS SELECT 'gama ' || i AS gama, 'text ' || i AS descripcion FROM generate_series(1, 20) i;
CREATE TABLE trips AS SELECT i AS trip_id, 'S' || 1 + i % 40 AS service_id, 1 + i % 10 AS territoryid, 'gama ' || 1 + i % 20 AS gama FROM generate_series(1, 300) i;
SELECT * FROM found('own');

-- roles and keys run together, words told apart by the schema's own vocabulary
CREATE SCHEMA joined;
SET search_path = joined, public;
CREATE TABLE address AS SELECT i AS addressid, 'Street ' || i AS line FROM generate_series(1, 200) i;
CREATE TABLE currency AS SELECT chr(65 + i / 10) || chr(65 + i % 10) || 'X' AS currencycode, 'Coin ' || i AS label FROM generate_series(1, 99) i;
CREATE TABLE salesperson AS SELECT i AS businessentityid, i % 7 AS bonus FROM generate_series(1, 60) i;
CREATE TABLE salesorderheader AS SELECT i AS salesorderid, 1 + i % 200 AS shiptoaddressid, 1 + i * 7 % 200 AS billtoaddressid, 1 + i % 60 AS salespersonid,
		chr(65 + i % 9) || chr(65 + i % 10) || 'X' AS fromcurrencycode FROM generate_series(11, 600) i;
SELECT * FROM found('joined');

-- plurals of another language and abbreviations, learned from the schema; a key's word in front, a role behind
CREATE SCHEMA andere;
SET search_path = andere, public;
CREATE TABLE kunden AS SELECT i AS id, 'Kunde ' || i AS bezeichnung FROM generate_series(1, 150) i;
CREATE TABLE adressen AS SELECT i AS id, 'Weg ' || i AS strasse FROM generate_series(1, 160) i;
CREATE TABLE llx_facture AS SELECT i AS rowid, 'F' || i AS ref FROM generate_series(1, 140) i;
CREATE TABLE llx_societe AS SELECT i + 7000 AS rowid, 'S' || i AS nom FROM generate_series(1, 15) i;
CREATE TABLE llx_projet AS SELECT i + 9000 AS rowid, 'P' || i AS titre FROM generate_series(1, 15) i;
CREATE TABLE customer AS SELECT i AS cst_id, 'Name ' || i AS cst_name, 'City ' || i % 9 AS cst_city FROM generate_series(1, 130) i;
CREATE TABLE bestellung AS SELECT i AS id, 1 + i % 150 AS kunde_id, 1 + i % 160 AS adresse_id, 1 + i % 140 AS fk_facture_source, 1 + i % 130 AS last_cst_id
		FROM generate_series(1, 500) i;
SELECT * FROM found('andere');

-- which way between two tables of one key
CREATE SCHEMA ways;
SET search_path = ways, public;
CREATE TABLE film AS SELECT i AS film_id, 'Film ' || i AS label FROM generate_series(1, 300) i;
CREATE TABLE film_text AS SELECT i AS film_id, 'long ' || i AS words FROM generate_series(1, 300) i;
CREATE TABLE users AS SELECT i AS id, 'u' || i AS login FROM generate_series(1, 250) i;
CREATE TABLE user_settings AS SELECT i AS user_id, i % 3 AS theme FROM generate_series(1, 250) i;
SELECT * FROM found('ways');

-- a chain: the child before the grandparent; but a table that has nearly all of another's keys is no link
CREATE SCHEMA chain;
SET search_path = chain, public;
CREATE TABLE party AS SELECT i AS partyid, i % 5 AS kind FROM generate_series(1, 2000) i;
CREATE TABLE employee AS SELECT 3 * i AS partyid, 'x' || i AS grade FROM generate_series(1, 300) i;
CREATE TABLE employeepay AS SELECT 3 * (1 + i % 300) AS partyid, i % 977 AS rate FROM generate_series(1, 900) i;
CREATE TABLE country AS SELECT 'Land ' || i AS name, chr(65 + i / 16) || chr(65 + i % 16) AS code FROM generate_series(0, 239) i;
CREATE TABLE economy AS SELECT chr(65 + i / 16) || chr(65 + i % 16) AS country, i * 1.5 AS gdp FROM generate_series(0, 238) i;
CREATE TABLE religion AS SELECT chr(65 + i % 230 / 16) || chr(65 + i % 230 % 16) AS country, i % 100 AS share FROM generate_series(0, 600) i;
SELECT * FROM found('chain');

-- a parent of one row; integers kept as text on one side; a key that every table has by one name
CREATE SCHEMA odd;
SET search_path = odd, public;
CREATE TABLE company AS SELECT 1 AS company_id, 'All' AS label;
CREATE TABLE branch AS SELECT i AS branch_id, 1 AS company_id FROM generate_series(1, 30) i;
CREATE TABLE ticket AS SELECT i::text AS ticket_no, 'x' AS class FROM generate_series(1000, 1400) i;
CREATE TABLE seat AS SELECT 1000 + i % 400 AS ticket_no, i AS place FROM generate_series(1, 800) i;
SELECT * FROM found('odd');
CREATE SCHEMA each;
SET search_path = each, public;
CREATE TABLE a AS SELECT i AS row_id, 'a' || i AS t FROM generate_series(1, 100) i;
CREATE TABLE b AS SELECT i AS row_id, 'b' || i AS t FROM generate_series(1, 90) i;
CREATE TABLE c AS SELECT i AS row_id, 'c' || i AS t FROM generate_series(1, 80) i;
CREATE TABLE d AS SELECT i AS row_id, 'd' || i AS t FROM generate_series(1, 70) i;
SELECT * FROM found('each');

-- among the rows of one table, and persons
CREATE SCHEMA self;
SET search_path = self, public;
CREATE TABLE member AS SELECT i AS id, 'm' || i || '@example.com' AS email FROM generate_series(1, 120) i;
CREATE TABLE category AS SELECT i AS category_id, nullif(i / 3, 0) AS parent_id, 1 + i % 120 AS created_by, 1 + i * 7 % 120 AS owner_id FROM generate_series(1, 150) i;
SELECT * FROM found('self');

-- numbers that are named like keys, and what a row says once more of the row that it refers to: nothing is found
CREATE SCHEMA none;
SET search_path = none, public;
CREATE TABLE item AS SELECT i AS item_id, i AS position_number FROM generate_series(1, 100) i;
CREATE TABLE node AS SELECT i AS id, 'n' || i AS label FROM generate_series(1, 100) i;
CREATE TABLE report AS SELECT i AS id, 'Street ' || i AS address FROM generate_series(1, 90) i;
CREATE TABLE box AS SELECT i + 500 AS box_id, 1 + i % 9 AS items, 1 + i % 12 AS num_nodes, 1 + i % 50 AS reports_count, 1 + i % 30 AS position_number,
		1 + i % 60 AS item_quantity, 'Street ' || 1 + i % 90 AS billing_address FROM generate_series(1, 400) i;
SELECT * FROM found('none');

RESET search_path;
-- why, for whoever fits the weights: a kind of name and the traits of each pair that is possible
SET client_min_messages = debug1;
SELECT count(*) FROM candidate_foreign_keys(ARRAY['ways.film', 'ways.film_text']::regclass[]);
RESET client_min_messages;
SET client_min_messages = warning;
DROP SCHEMA own, joined, andere, ways, chain, odd, each, self, none CASCADE;
RESET client_min_messages;
DROP FUNCTION found(text);
DROP EXTENSION ingest_profile;
