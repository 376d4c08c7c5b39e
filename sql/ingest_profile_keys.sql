-- Three small schemas with declared keys, after the shapes of Chinook, Northwind and Pagila:
-- what candidate_keys() and candidate_foreign_keys() are held against.
\set VERBOSITY terse
CREATE EXTENSION ingest_profile;
SELECT setseed(0.42);

-- a music shop
CREATE SCHEMA shop;
SET search_path = shop, public;
CREATE TABLE artist (artist_id int PRIMARY KEY, name text);
CREATE TABLE album (album_id int PRIMARY KEY, title text, artist_id int NOT NULL REFERENCES artist);
CREATE TABLE genre (genre_id int PRIMARY KEY, name text);
CREATE TABLE media_type (media_type_id int PRIMARY KEY, name text);
CREATE TABLE employee (employee_id int PRIMARY KEY, last_name text, first_name text, title text, reports_to int REFERENCES employee, birth_date date, city text);
CREATE TABLE customer (customer_id int PRIMARY KEY, first_name text, last_name text, company text, country text, email text, support_rep_id int REFERENCES employee);
CREATE TABLE track (track_id int PRIMARY KEY, name text, album_id int REFERENCES album, media_type_id int NOT NULL REFERENCES media_type, genre_id int REFERENCES genre, milliseconds int, bytes int, unit_price numeric(10,2));
CREATE TABLE invoice (invoice_id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, invoice_date timestamp, billing_country text, total numeric(10,2));
CREATE TABLE invoice_line (invoice_line_id int PRIMARY KEY, invoice_id int NOT NULL REFERENCES invoice, track_id int NOT NULL REFERENCES track, unit_price numeric(10,2), quantity int);
CREATE TABLE playlist (playlist_id int PRIMARY KEY, name text);
CREATE TABLE playlist_track (playlist_id int REFERENCES playlist, track_id int REFERENCES track, PRIMARY KEY (playlist_id, track_id));
INSERT INTO artist SELECT i, 'Artist ' || i FROM generate_series(1, 275) i;
INSERT INTO album SELECT i, 'Album ' || i, 1 + (i * 7) % 204 FROM generate_series(1, 347) i;
INSERT INTO genre SELECT i, 'Genre ' || i FROM generate_series(1, 25) i;
INSERT INTO media_type SELECT i, 'Media ' || i FROM generate_series(1, 5) i;
INSERT INTO employee SELECT i, 'Last' || i, 'First' || i, CASE WHEN i = 1 THEN 'Manager' ELSE 'Staff' END, nullif((i + 1) / 3, 0), date '1960-01-01' + i * 500, 'City' || i % 3 FROM generate_series(1, 8) i;
UPDATE employee SET reports_to = NULL WHERE employee_id = 1;
INSERT INTO customer SELECT i, 'F' || i, 'L' || i, CASE WHEN i % 5 = 0 THEN 'Co ' || i END, (ARRAY['USA','Canada','Brazil','France'])[1 + i % 4], 'user' || i || '@example.com', 3 + i % 3 FROM generate_series(1, 59) i;
INSERT INTO track SELECT i, 'Track ' || i, 1 + (i * 13) % 347, 1 + (i % 17) % 5, 1 + (i * 3) % 25, 100000 + (i * 7919) % 300000, 1000000 + (i * 104729) % 9000000, CASE WHEN i % 10 = 0 THEN 1.99 ELSE 0.99 END FROM generate_series(1, 3503) i;
INSERT INTO invoice SELECT i, 1 + (i * 11) % 59, timestamp '2009-01-01' + i * interval '4 days', 'USA', (i % 14) + 0.99 FROM generate_series(1, 412) i;
INSERT INTO invoice_line SELECT i, 1 + i % 412, 1 + (i * 31) % 3503, 0.99, 1 FROM generate_series(1, 2240) i;
INSERT INTO playlist SELECT i, 'List ' || i FROM generate_series(1, 18) i;
INSERT INTO playlist_track SELECT DISTINCT 1 + i % 14, 1 + (i * 37) % 3503 FROM generate_series(1, 8715) i;

-- a trader, with names without underscores
CREATE SCHEMA trade;
SET search_path = trade, public;
CREATE TABLE categories ("CategoryID" int PRIMARY KEY, "CategoryName" text);
CREATE TABLE suppliers ("SupplierID" int PRIMARY KEY, "CompanyName" text, "Country" text);
CREATE TABLE shippers ("ShipperID" int PRIMARY KEY, "CompanyName" text, "Phone" text);
CREATE TABLE customers ("CustomerID" char(5) PRIMARY KEY, "CompanyName" text, "City" text);
CREATE TABLE employees ("EmployeeID" int PRIMARY KEY, "LastName" text, "HireDate" date, "ReportsTo" int REFERENCES employees);
CREATE TABLE region ("RegionID" int PRIMARY KEY, "RegionDescription" text);
CREATE TABLE territories ("TerritoryID" text PRIMARY KEY, "TerritoryDescription" text, "RegionID" int NOT NULL REFERENCES region);
CREATE TABLE employee_territories ("EmployeeID" int REFERENCES employees, "TerritoryID" text REFERENCES territories, PRIMARY KEY ("EmployeeID", "TerritoryID"));
CREATE TABLE products ("ProductID" int PRIMARY KEY, "ProductName" text, "SupplierID" int REFERENCES suppliers, "CategoryID" int REFERENCES categories, "UnitPrice" numeric(10,2), "UnitsInStock" int, "ReorderLevel" int, "Discontinued" int);
CREATE TABLE orders ("OrderID" int PRIMARY KEY, "CustomerID" char(5) REFERENCES customers, "EmployeeID" int REFERENCES employees, "OrderDate" date, "ShippedDate" date, "ShipVia" int REFERENCES shippers, "Freight" numeric(10,2), "ShipCity" text);
CREATE TABLE order_details ("OrderID" int REFERENCES orders, "ProductID" int REFERENCES products, "UnitPrice" numeric(10,2), "Quantity" int, "Discount" real, PRIMARY KEY ("OrderID", "ProductID"));
INSERT INTO categories SELECT i, 'Category ' || i FROM generate_series(1, 8) i;
INSERT INTO suppliers SELECT i, 'Supplier ' || i, 'Land' || i % 9 FROM generate_series(1, 29) i;
INSERT INTO shippers SELECT i, 'Shipper ' || i, '(503) 555-0' || 100 + i FROM generate_series(1, 3) i;
INSERT INTO customers SELECT translate(lpad(i::text, 5, '0'), '0123456789', 'ABCDEFGHIJ'), 'Customer ' || i, 'City ' || i % 20 FROM generate_series(1, 91) i;
INSERT INTO employees SELECT i, 'Name' || i, date '1992-01-01' + i * 100, NULL FROM generate_series(1, 9) i;
UPDATE employees SET "ReportsTo" = CASE WHEN "EmployeeID" IN (6, 7, 9) THEN 5 ELSE 2 END WHERE "EmployeeID" <> 2;
INSERT INTO region SELECT i, 'Region ' || i FROM generate_series(1, 4) i;
INSERT INTO territories SELECT lpad((i * 977 % 100000)::text, 5, '0'), 'Territory ' || i, 1 + i % 4 FROM generate_series(1, 53) i;
INSERT INTO employee_territories SELECT 1 + i % 9, lpad((i * 977 % 100000)::text, 5, '0') FROM generate_series(1, 49) i;
INSERT INTO products SELECT i, 'Product ' || i, 1 + i % 29, 1 + i % 8, 5 + (i * 37) % 100, (i * 17) % 120, 5 * (i % 6), (i % 10 = 0)::int FROM generate_series(1, 77) i;
INSERT INTO orders SELECT 10247 + i, translate(lpad((1 + (i * 7) % 89)::text, 5, '0'), '0123456789', 'ABCDEFGHIJ'), 1 + (i * 5) % 9, date '1996-07-01' + i, date '1996-07-08' + i, 1 + i % 3, (i * 13 % 900) / 10.0, 'City ' || i % 20 FROM generate_series(1, 830) i;
INSERT INTO order_details SELECT DISTINCT ON (1, 2) 10248 + i % 830, 1 + (i * 29) % 77, 10 + i % 50, 1 + i % 100, (i % 4) * 0.05 FROM generate_series(1, 2155) i;

-- a film rental
CREATE SCHEMA rent;
SET search_path = rent, public;
CREATE TABLE language (language_id int PRIMARY KEY, name text, last_update timestamp);
CREATE TABLE actor (actor_id int PRIMARY KEY, first_name text, last_name text);
CREATE TABLE category (category_id int PRIMARY KEY, name text);
CREATE TABLE country (country_id int PRIMARY KEY, country text);
CREATE TABLE city (city_id int PRIMARY KEY, city text, country_id int NOT NULL REFERENCES country);
CREATE TABLE address (address_id int PRIMARY KEY, address text, district text, city_id int NOT NULL REFERENCES city, postal_code text, phone text);
CREATE TABLE store (store_id int PRIMARY KEY, manager_staff_id int NOT NULL, address_id int NOT NULL REFERENCES address);
CREATE TABLE staff (staff_id int PRIMARY KEY, first_name text, address_id int NOT NULL REFERENCES address, store_id int NOT NULL REFERENCES store, active boolean);
CREATE TABLE film (film_id int PRIMARY KEY, title text, release_year int, language_id int NOT NULL REFERENCES language, original_language_id int REFERENCES language, rental_duration int, length int, rating text);
CREATE TABLE film_actor (actor_id int REFERENCES actor, film_id int REFERENCES film, PRIMARY KEY (actor_id, film_id));
CREATE TABLE film_category (film_id int REFERENCES film, category_id int REFERENCES category, PRIMARY KEY (film_id, category_id));
CREATE TABLE inventory (inventory_id int PRIMARY KEY, film_id int NOT NULL REFERENCES film, store_id int NOT NULL REFERENCES store);
CREATE TABLE customer (customer_id int PRIMARY KEY, store_id int NOT NULL REFERENCES store, first_name text, email text, address_id int NOT NULL REFERENCES address, active int);
CREATE TABLE rental (rental_id int PRIMARY KEY, rental_date timestamp, inventory_id int NOT NULL REFERENCES inventory, customer_id int NOT NULL REFERENCES customer, return_date timestamp, staff_id int NOT NULL REFERENCES staff);
CREATE TABLE payment (payment_id int PRIMARY KEY, customer_id int NOT NULL REFERENCES customer, staff_id int NOT NULL REFERENCES staff, rental_id int NOT NULL REFERENCES rental, amount numeric(5,2), payment_date timestamp);
INSERT INTO language SELECT i, 'Language ' || i, '2020-01-01' FROM generate_series(1, 6) i;
INSERT INTO actor SELECT i, 'F' || i % 130, 'L' || i % 120 FROM generate_series(1, 200) i;
INSERT INTO category SELECT i, 'Category ' || i FROM generate_series(1, 16) i;
INSERT INTO country SELECT i, 'Country ' || i FROM generate_series(1, 109) i;
INSERT INTO city SELECT i, 'City ' || i, 1 + (i * 7) % 109 FROM generate_series(1, 600) i;
INSERT INTO address SELECT i, i || ' Street', 'District ' || i % 300, 1 + (i * 11) % 600, lpad((i * 163 % 100000)::text, 5, '0'), NULL FROM generate_series(1, 603) i;
INSERT INTO store VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO staff VALUES (1, 'Mike', 3, 1, true), (2, 'Jon', 4, 2, true);
ALTER TABLE store ADD FOREIGN KEY (manager_staff_id) REFERENCES staff;
INSERT INTO film SELECT i, 'Film ' || i, 2006, 1 + i % 3, NULL, 3 + i % 5, 46 + (i * 7) % 140, (ARRAY['G','PG','R'])[1 + i % 3] FROM generate_series(1, 1000) i;
INSERT INTO film_actor SELECT DISTINCT 1 + (i * 3) % 200, 1 + (i * 17) % 997 FROM generate_series(1, 5462) i;
INSERT INTO film_category SELECT i, 1 + (i * 5) % 16 FROM generate_series(1, 1000) i;
INSERT INTO inventory SELECT i, 1 + (i * 23) % 958, 1 + i % 2 FROM generate_series(1, 4581) i;
INSERT INTO customer SELECT i, 1 + i % 2, 'F' || i, 'c' || i || '@example.org', 4 + i, (i % 40 <> 0)::int FROM generate_series(1, 599) i;
INSERT INTO rental SELECT i, timestamp '2005-05-24' + i * interval '15 minutes', 1 + (i * 37) % 4580, 1 + (i * 13) % 599, timestamp '2005-05-28' + i * interval '15 minutes', 1 + i % 2 FROM generate_series(1, 6044) i;
INSERT INTO payment SELECT i, 1 + (i * 13) % 599, 1 + i % 2, i, (i % 10) + 0.99, timestamp '2005-05-24' + i * interval '15 minutes' FROM generate_series(1, 6040) i;

-- what is found against what is declared
RESET search_path;
CREATE TABLE declared AS
	SELECT conrelid::regclass::text AS child, a.attname::text AS column, confrelid::regclass::text AS parent
	FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]
	WHERE contype = 'f' AND connamespace::regnamespace::text IN ('shop', 'trade', 'rent');

-- what the catalogue declares comes as it is, also where no value tells anything
SELECT d.*, f.declared, f.score FROM declared d LEFT JOIN
	(SELECT f.from_relation::text AS child, f.from_column AS column, f.to_relation::text AS parent, f.declared, f.score
	 FROM unnest(ARRAY['shop', 'trade', 'rent']) s,
	 LATERAL candidate_foreign_keys(ARRAY(SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = s::regnamespace AND relkind = 'r' ORDER BY relname)) f) f
	USING (child, "column", parent) WHERE f.declared IS NOT TRUE OR f.score <> 1;
SELECT from_column, to_relation, coverage, orphans, score, declared
FROM candidate_foreign_keys(ARRAY['rent.film', 'rent.language']::regclass[]);
-- not checked yet, of an empty table, between partitions, and of a name that tells nothing
CREATE TABLE said (x int, y int PRIMARY KEY);
ALTER TABLE said ADD FOREIGN KEY (x) REFERENCES said;
CREATE TABLE parted (p int PRIMARY KEY) PARTITION BY RANGE (p);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
INSERT INTO parted VALUES (1), (2);
CREATE TABLE of_parted (q int REFERENCES parted, x int);
INSERT INTO of_parted VALUES (1, 7);
ALTER TABLE of_parted ADD FOREIGN KEY (x) REFERENCES said NOT VALID;
SELECT * FROM candidate_foreign_keys(ARRAY['said', 'of_parted', 'parted', 'parted_1']::regclass[]);
DROP TABLE of_parted, parted, said;

-- the rest is found without what is declared
SELECT count(*) AS dropped FROM declared;
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
WHERE contype = 'f' AND connamespace::regnamespace::text IN ('shop', 'trade', 'rent')
\set ECHO none
\gexec
\set ECHO all
CREATE TABLE found AS
	SELECT s AS schema, f.from_relation::text AS child, f.from_column AS column, f.to_relation::text AS parent, f.coverage, f.orphans, f.score
	FROM unnest(ARRAY['shop', 'trade', 'rent']) s,
	LATERAL candidate_foreign_keys(ARRAY(SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = s::regnamespace AND relkind = 'r' ORDER BY relname)) f;
SELECT 'not found' AS what, d.* FROM declared d LEFT JOIN found f USING (child, "column", parent) WHERE f.child IS NULL
UNION ALL
SELECT 'not declared', f.child, f.column, f.parent FROM found f LEFT JOIN declared d USING (child, "column", parent) WHERE d.child IS NULL
ORDER BY 1, 2, 3;
SELECT round(avg((d.child IS NOT NULL)::int), 3) >= 0.95 AS precise FROM found f LEFT JOIN declared d USING (child, "column", parent);
SELECT round(avg((f.child IS NOT NULL)::int), 3) >= 0.9 AS recalled FROM declared d LEFT JOIN found f USING (child, "column", parent);

-- a key's name in full, though it does not name its table; a role and a key run together
CREATE SCHEMA run;
SET search_path = run, public;
CREATE TABLE calendar (service_id text, monday int);
CREATE TABLE trips (trip_id int, service_id text, headsign text);
CREATE TABLE regions (countryregioncode text, name text);
CREATE TABLE states (stateid int, countryregioncode text);
CREATE TABLE currencies (currencycode text, name text);
CREATE TABLE orderheader (orderid int, total int);
CREATE TABLE orderdetail (orderdetailid int, orderid int);
CREATE TABLE rates (rateid int, fromcurrencycode text, tocurrencycode text, rate numeric);
INSERT INTO calendar SELECT 'S' || i, i % 2 FROM generate_series(1, 40) i;
INSERT INTO trips SELECT 5000 + i, 'S' || 1 + i % 40, 'to ' || i % 7 FROM generate_series(1, 900) i;
INSERT INTO regions SELECT chr(65 + i / 20) || chr(65 + i % 20), 'Land ' || i FROM generate_series(1, 200) i;
INSERT INTO states SELECT 100 + i, chr(65 + (i % 150) / 20) || chr(65 + (i % 150) % 20) FROM generate_series(1, 149) i;
INSERT INTO currencies SELECT 'C' || chr(65 + i / 20) || chr(65 + i % 20), 'Coin ' || i FROM generate_series(1, 100) i;
INSERT INTO orderheader SELECT i, 10 * i FROM generate_series(1, 300) i;
INSERT INTO orderdetail SELECT i, 1 + i % 300 FROM generate_series(1, 900) i;
INSERT INTO rates SELECT i, 'CA' || chr(66 + i % 12), 'CB' || chr(66 + i % 12), 1 + i / 100.0 FROM generate_series(1, 500) i;
SELECT from_relation, from_column, to_relation, to_column, declared
FROM candidate_foreign_keys(ARRAY(SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'run'::regnamespace AND relkind = 'r' ORDER BY relname));
RESET search_path;

-- primary keys come first, also where they are not declared
CREATE TABLE undeclared AS SELECT * FROM trade.order_details;
SELECT c.relname, (SELECT k.columns FROM candidate_keys(c.oid::regclass, 2) k LIMIT 1) AS best,
	(SELECT k.declared FROM candidate_keys(c.oid::regclass, 1) k LIMIT 1) AS declared
FROM pg_class c WHERE relnamespace = 'shop'::regnamespace AND relkind = 'r' ORDER BY relname;
SELECT columns, declared, rows FROM candidate_keys('undeclared') LIMIT 1;

-- orphans are counted and can be listed
CREATE TABLE broken AS SELECT i AS broken_id, CASE WHEN i % 100 = 0 THEN 9999 ELSE 1 + i % 275 END AS artist_id FROM generate_series(1, 1000) i;
SELECT from_column, to_relation, coverage, orphans, orphan_query FROM candidate_foreign_keys(ARRAY['broken', 'shop.artist']::regclass[]);
SELECT orphan_query AS q FROM candidate_foreign_keys(ARRAY['broken', 'shop.artist']::regclass[]) \gset
SELECT count(*) FROM (:q) x;
DROP SCHEMA shop, trade, rent, run CASCADE;
DROP TABLE declared, found, broken, undeclared;
DROP EXTENSION ingest_profile;
