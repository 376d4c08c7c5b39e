"""The sandbox's data: a company, generated in SQL, the same for the same scale.

Everything derives from ns.h(id, salt), a hash, so that no run depends on a random generator.
"""

from .schema import TABLES, FIELD_VALUE_TYPES

HELPERS = r"""
CREATE SCHEMA IF NOT EXISTS ns;
CREATE TABLE IF NOT EXISTS ns."$clock" (offset_s double precision NOT NULL);
CREATE OR REPLACE FUNCTION ns.clock() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT date_trunc('second', clock_timestamp())
          + coalesce((SELECT offset_s FROM ns."$clock"), 0) * interval '1 s' $$;
-- a number below n that depends on id and salt alone
CREATE OR REPLACE FUNCTION ns.h(id bigint, salt int, n bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT (hashint8extended(id, salt) & 9223372036854775807) % n $$;
CREATE OR REPLACE FUNCTION ns.pick(id bigint, salt int, list text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT list[1 + ns.h(id, salt, cardinality(list))] $$;
-- a number as text: TO_CHAR(0.5) is .5
CREATE OR REPLACE FUNCTION ns.num(v numeric) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT regexp_replace(trim_scale(v)::text, '^(-?)0\.', '\1.') $$;
-- digits before the point; below zero, how many zeros follow it
CREATE OR REPLACE FUNCTION ns.digits(v numeric) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT CASE WHEN abs(v) >= 1 THEN length(trunc(abs(v))::text) ELSE - length(substring(abs(v)::text FROM '^0\.(0*)')) END $$;
-- what fits NUMBER: twenty pairs of digits below 1E126
CREATE OR REPLACE FUNCTION ns.number(v numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT AS
$$ BEGIN
  IF abs(v) < 1e20 AND scale(v) <= 18 THEN RETURN v; END IF;
  IF abs(v) >= 1e126 THEN RAISE EXCEPTION USING ERRCODE = '22003'; END IF;
  IF abs(v) < 1e-130 THEN RETURN 0; END IF;
  RETURN round(v, 40 - 2 * ceil(ns.digits(v) / 2.0)::int);
END $$;
-- a number below one as 1.5E-7
CREATE OR REPLACE FUNCTION ns.exponent(v numeric) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT trim_scale(v * ('1e' || 1 - ns.digits(v))::numeric) || 'E' || ns.digits(v) - 1 $$;
CREATE OR REPLACE FUNCTION ns.divide(a numeric, b numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT AS
$$ BEGIN
  IF a = 0 AND b <> 0 THEN RETURN 0; END IF;
  RETURN ns.number(round(a, greatest(scale(a), 46 - ns.digits(a) + ns.digits(b), 0)) / b);
END $$;
CREATE OR REPLACE FUNCTION ns.mod(a numeric, b numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN b = 0 THEN a ELSE mod(a, b) END $$;
-- of sorted values, n of which are not null
CREATE OR REPLACE FUNCTION ns.median(v numeric[], n bigint) RETURNS numeric LANGUAGE sql IMMUTABLE AS
$$ SELECT ns.divide(v[((n + 1) / 2)::int] + v[((n + 2) / 2)::int], 2) $$;
CREATE OR REPLACE FUNCTION ns.date(d timestamp) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE STRICT AS
$$ BEGIN
  IF d >= '10000-01-01' OR d < '4712-01-01 BC' THEN
    RAISE EXCEPTION 'ORA-01841: (full) year must be between -4713 and +9999, and not be 0';
  END IF;
  RETURN d;
END $$;
-- dates have a resolution of seconds
CREATE OR REPLACE FUNCTION ns.plus_days(d timestamp, n numeric) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE STRICT AS
$$ BEGIN
  IF abs(n) > 6000000 THEN RETURN ns.date('10000-01-01'); END IF;
  RETURN ns.date(d + make_interval(days => trunc(n)::int, secs => round((n - trunc(n)) * 86400)::float8));
END $$;
-- a pattern of LIKE … ESCAPE
CREATE OR REPLACE FUNCTION ns.pattern(v text, escape text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT AS
$$ DECLARE i int := 1; BEGIN
  IF length(escape) <> 1 THEN RAISE EXCEPTION 'ORA-01425: escape character must be character string of length 1'; END IF;
  WHILE i <= length(v) LOOP
    IF substr(v, i, 1) = escape THEN
      i := i + 1;
      IF substr(v, i, 1) NOT IN ('%', '_', escape) THEN RAISE EXCEPTION 'ORA-01424: missing or illegal character following the escape character'; END IF;
    END IF;
    i := i + 1;
  END LOOP;
  RETURN v;
END $$;
-- the empty string is null, whoever writes it
CREATE OR REPLACE FUNCTION ns.empty_is_null() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  NEW := jsonb_populate_record(NEW, (SELECT jsonb_object_agg(key, NULL) FROM jsonb_each_text(to_jsonb(NEW)) WHERE value = ''));
  RETURN NEW;
END $$;
CREATE OR REPLACE FUNCTION ns.unaccent(v text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT regexp_replace(normalize(v, NFD), '[\u0300-\u036f]', '', 'g') $$;
CREATE OR REPLACE FUNCTION ns.to_date(v text, mask text) RETURNS timestamp LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN
  IF mask IN ('YYYY-MM-DD', 'YYYY-MM-DD HH24:MI:SS') AND v !~ '^\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?$' THEN
    RAISE EXCEPTION 'ORA-01861: literal does not match format string';
  END IF;
  IF v LIKE '0000%' AND mask LIKE 'YYYY%' THEN RETURN ns.date('10000-01-01'); END IF;
  -- there is no day between 1582-10-04 and the 15th, which is taken for all of them
  RETURN (SELECT CASE WHEN t >= '1582-10-05' AND t < '1582-10-15' THEN timestamp '1582-10-15' + t::time ELSE t END FROM (SELECT to_timestamp(v, mask)::timestamp AS t) x);
END $$;
-- Julian days: before 1582-10-15 each fourth year has a leap day
CREATE OR REPLACE FUNCTION ns.julian(d timestamp) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS
$$ SELECT extract(epoch FROM d - date_trunc('day', d)) / 86400 + CASE WHEN d >= '1582-10-15' THEN to_char(d, 'J')::numeric
     ELSE day + (153 * m + 2) / 5 + 365 * y + y / 4 - 32083 END
   FROM (SELECT extract(day FROM d)::int AS day, extract(month FROM d)::int + 12 * a - 3 AS m, extract(year FROM d)::int + 4800 - a AS y FROM (SELECT (14 - extract(month FROM d)::int) / 12 AS a) z) x $$;
CREATE OR REPLACE FUNCTION ns.add_months(d timestamp, n numeric) RETURNS timestamp LANGUAGE sql IMMUTABLE AS
$$ SELECT ns.date(CASE WHEN d::date = (date_trunc('month', d) + interval '1 month - 1 day')::date
          THEN date_trunc('month', d + n::int * interval '1 month') + interval '1 month - 1 day' + d::time
          ELSE d + n::int * interval '1 month' END) $$;
CREATE OR REPLACE FUNCTION ns.last_day(d timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE AS
$$ SELECT date_trunc('month', d) + interval '1 month - 1 day' + d::time $$;
CREATE OR REPLACE FUNCTION ns.months_between(a timestamp, b timestamp) RETURNS numeric LANGUAGE sql IMMUTABLE AS
$$ SELECT (extract(year FROM a) - extract(year FROM b)) * 12 + extract(month FROM a) - extract(month FROM b)
   + CASE WHEN extract(day FROM a) = extract(day FROM b)
            OR (a::date = ns.last_day(a)::date AND b::date = ns.last_day(b)::date) THEN 0
     ELSE (extract(day FROM a) - extract(day FROM b)) / 31.0 END $$;
CREATE OR REPLACE FUNCTION ns.instr(v text, part text, start numeric DEFAULT 1, nth numeric DEFAULT 1)
RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS
$$ DECLARE at int := start::int - 1; found int; BEGIN
  IF v IS NULL OR part IS NULL THEN RETURN NULL; END IF;
  FOR i IN 1 .. nth::int LOOP
    found := strpos(substr(v, at + 1), part);
    IF found = 0 THEN RETURN 0; END IF;
    at := at + found;
  END LOOP;
  RETURN at;
END $$;
CREATE OR REPLACE FUNCTION ns.substr(v text, start numeric, len numeric DEFAULT NULL) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN len IS NOT NULL AND len < 1 THEN NULL
   ELSE (SELECT CASE WHEN len IS NULL THEN substr(v, s) ELSE substr(v, s, len::int) END
         FROM (SELECT CASE WHEN start < 0 THEN greatest(length(v) + start::int + 1, 1)
                           WHEN start = 0 THEN 1 ELSE start::int END AS s) x) END $$;
CREATE OR REPLACE FUNCTION ns.lpad(v text, n numeric, fill text DEFAULT ' ') RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT lpad(v, n::int, fill) $$;
CREATE OR REPLACE FUNCTION ns.rpad(v text, n numeric, fill text DEFAULT ' ') RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT rpad(v, n::int, fill) $$;
CREATE OR REPLACE FUNCTION ns.replace(v text, old text, new text DEFAULT '') RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT replace(v, old, coalesce(new, '')) $$;
CREATE OR REPLACE FUNCTION ns.regexp_replace(v text, pattern text, new text DEFAULT '') RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT regexp_replace(v, pattern, coalesce(new, ''), 'g') $$;
CREATE OR REPLACE FUNCTION ns.regexp_substr(v text, pattern text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT (regexp_match(v, '(' || pattern || ')'))[1] $$;
"""

# Ids have gaps, as in an account where records come and go.
TID = "(i * 3 + ns.h(i, 1, 3))"
TYPES = ("{SalesOrd,SalesOrd,SalesOrd,CustInvc,CustInvc,CustInvc,CashSale,CustPymt,CustPymt,CustCred,"
         "PurchOrd,PurchOrd,VendBill,VendBill,VendPymt,Journal,ItemShip,ItemRcpt,Estimate,RtnAuth,"
         "Deposit}")

SMALL = r"""
INSERT INTO ns.currency SELECT i, name, sym, dsp, prec, rate, CASE i WHEN 1 THEN 'T' ELSE 'F' END, 'F',
  timestamp '2020-01-01' + i * interval '1 hour' FROM (VALUES
  (1,'US Dollar','USD','$',2,1),(2,'British Pound','GBP','£',2,1.27450312),(3,'Canadian Dollar','CAD','$',2,0.7342),
  (4,'Euro','EUR','€',2,1.08671),(5,'Japanese Yen','JPY','¥',0,0.00671234),(6,'Swiss Franc','CHF','CHF',2,1.1209))
  v(i, name, sym, dsp, prec, rate);
INSERT INTO ns.subsidiary SELECT i, name, CASE WHEN i > 1 THEN 'Parent Company : ' ELSE '' END || name, name || ' legal',
  CASE WHEN i > 1 THEN 1 END, cur, cty, CASE i WHEN 6 THEN 'T' ELSE 'F' END, 'F', timestamp '2020-02-01' + i * interval '1 day' FROM (VALUES
  (1,'Parent Company',1,'US'),(2,'Fabrikam UK Ltd',2,'GB'),(3,'Fabrikam Canada Inc.',3,'CA'),(4,'Fabrikam Österreich GmbH',4,'AT'),
  (5,'ファブリカム株式会社',5,'JP'),(6,'Elimination',1,'US')) v(i, name, cur, cty);
INSERT INTO ns.department SELECT i, name, name, NULL, '1, 2, 3', 'F', timestamp '2020-03-01' + i * interval '1 day' FROM
  unnest('{Sales,Marketing,Engineering,Finance,Operations,"R&D \"Labs\"",Développement}'::text[]) WITH ORDINALITY v(name, i);
INSERT INTO ns.classification SELECT i, name, name, CASE WHEN i > 3 THEN i - 3 END, CASE i WHEN 6 THEN 'T' ELSE 'F' END,
  timestamp '2020-03-01' + i * interval '1 day' FROM
  unnest('{Hardware,Software,Services,Hardware EU,Software EU,Services EU}'::text[]) WITH ORDINALITY v(name, i);
INSERT INTO ns.location SELECT i, name, name, 1 + i % 5, 'T', round((ns.h(i, 31, 18000000) / 100000.0 - 90)::numeric, 5),
  round((ns.h(i, 32, 36000000) / 100000.0 - 180)::numeric, 5), 'F', timestamp '2020-03-01' + i * interval '1 day' FROM
  unnest('{San Francisco,London,Toronto,Wien,東京,Zürich,Warehouse 7,"Depot ''North''"}'::text[]) WITH ORDINALITY v(name, i);
INSERT INTO ns.accounttype SELECT id, name, bs, i FROM (VALUES
  (1,'Bank','Bank','T'),(2,'AcctRec','Accounts Receivable','T'),(3,'OthCurrAsset','Other Current Asset','T'),(4,'FixedAsset','Fixed Asset','T'),
  (5,'AcctPay','Accounts Payable','T'),(6,'OthCurrLiab','Other Current Liability','T'),(7,'Equity','Equity','T'),
  (8,'Income','Income','F'),(9,'COGS','Cost of Goods Sold','F'),(10,'Expense','Expense','F')) v(i, id, name, bs);
INSERT INTO ns.account SELECT i, (1000 + i * 50)::text, (1000 + i * 50)::text || ' ' || name, name, name, name, typ,
  NULL, 1, '1, 2, 3, 4, 5', CASE WHEN i % 4 = 0 THEN NULL ELSE 'All about ' || name END, 'F', 'F', 'F', timestamp '2020-01-05' + i * interval '1 day' FROM (
  SELECT i, CASE WHEN i <= 10 THEN (ARRAY['Checking','Receivables','Inventory','Equipment','Payables','Tax payable','Retained earnings','Sales','Cost of sales','Rent'])[i]
     ELSE 'Account ' || i END AS name,
     (ARRAY['Bank','AcctRec','OthCurrAsset','FixedAsset','AcctPay','OthCurrLiab','Equity','Income','COGS','Expense'])[1 + (i - 1) % 10] AS typ
  FROM generate_series(1, 60) i) v;
INSERT INTO ns.accountingbook VALUES (1,'Primary Accounting Book','T',NULL,'2020-01-01'),(2,'Local GAAP','F',1,'2020-01-01');
INSERT INTO ns.accountingperiod SELECT i, to_char(d, 'Mon YYYY'), d, d + interval '1 month - 1 day', NULL, 'F','F','F',
  CASE WHEN d < '2024-01-01' THEN 'T' ELSE 'F' END, 'F', d + interval '40 days'
  FROM (SELECT row_number() OVER (ORDER BY d) + 100 AS i, d::timestamp FROM generate_series(timestamp '1990-01-01', '2026-12-01', '1 month') d) v;
INSERT INTO ns.term SELECT i, name, days, disc, 'F', '2020-01-01' FROM (VALUES (1,'Net 15',15,NULL),(2,'Net 30',30,NULL),(3,'Net 60',60,NULL),(4,'2% 10, Net 30',30,2.0)) v(i,name,days,disc);
INSERT INTO ns.pricelevel SELECT i, name, disc, 'T', 'F', '2020-01-01' FROM (VALUES (1,'Base Price',NULL),(2,'Wholesale',-12.5),(3,'Partner',-20.0)) v(i,name,disc);
INSERT INTO ns.unitstype VALUES (1,'Each','F','2020-01-01'),(2,'Weight','F','2020-01-01');
INSERT INTO ns.nexus VALUES (1,'US','California','CA'),(2,'GB','United Kingdom',NULL),(3,'CA','Ontario','ON');
INSERT INTO ns.transactionstatus SELECT t || ' : ' || n, c, n, t, NULL FROM (VALUES
  ('SalesOrd','B','Pending Fulfillment'),('SalesOrd','F','Pending Billing'),('SalesOrd','G','Billed'),('SalesOrd','H','Closed'),
  ('CustInvc','A','Open'),('CustInvc','B','Paid In Full'),('VendBill','A','Open'),('VendBill','B','Paid In Full'),
  ('PurchOrd','B','Pending Receipt'),('PurchOrd','H','Closed'),('Journal','B','Approved for Posting')) v(t, c, n);
INSERT INTO ns.partner SELECT 900 + i, 'Partner ' || i, 'Partner Company ' || i, 'F', '2020-05-05', '2021-05-05' FROM generate_series(1, 12) i;
INSERT INTO ns.customlist VALUES (1,'customlist_regions','Regions','Sales regions','F','2021-01-01'),(2,'customlist_tags','Tags',NULL,'F','2021-01-01');
INSERT INTO ns.customrecordtype VALUES (101,'CUSTOMRECORD_ASSET','Asset','Assets lent to employees','F','2021-01-01');
"""

PEOPLE = r"""
INSERT INTO ns.employee SELECT i, first || ' ' || last, first, last, CASE WHEN ns.h(i, 41, 9) = 0 THEN NULL ELSE lower('e' || i || '@example.com') END,
  ns.pick(i, 42, '{Clerk,Manager,Engineer,"Sales Rep",NULL}'), timestamp '2005-01-01' + ns.h(i, 43, 7000) * interval '1 day', timestamp '1955-01-01' + ns.h(i, 44, 17000) * interval '1 day',
  CASE WHEN i > 5 THEN 1 + ns.h(i, 45, 5) END, 1 + ns.h(i, 46, 7), 1 + ns.h(i, 47, 8), 1 + ns.h(i, 48, 5), CASE WHEN i %% 3 = 0 THEN 'T' ELSE 'F' END, CASE WHEN i %% 11 = 0 THEN 'T' ELSE 'F' END,
  timestamp '2018-01-01' + i * interval '1 hour', timestamp '2024-01-01 08:00' + ns.h(i, 49, 60000000) * interval '1 second', 'B-' || lpad(i::text, 5, '0')
  FROM (SELECT i, ns.pick(i, 40, '{Ada,Grace,José,Zoë,Søren,李,Anna,Miloš,O''Neil,Ümit}') AS first, ns.pick(i, 39, '{Lovelace,Hopper,Núñez,王,Åström,Smith,"van Dyk",Çelik}') AS last FROM generate_series(1, %(employees)d) i) v;
INSERT INTO ns.customer SELECT i, 'CUST' || lpad(i::text, 6, '0'), 'CUST' || lpad(i::text, 6, '0') || ' ' || name, name, name, NULL, NULL, 'F',
  CASE WHEN ns.h(i, 51, 6) = 0 THEN NULL ELSE 'ap' || i || '@' || ns.pick(i, 52, '{example.com,example.org,kunde.example}') END, '+1 555 ' || lpad(ns.h(i, 53, 10000000)::text, 7, '0'),
  CASE WHEN ns.h(i, 54, 3) = 0 THEN 'https://www.example.com/c/' || i END, 1 + ns.h(i, 55, 5), 1 + ns.h(i, 56, 6), 1 + ns.h(i, 57, 4), 1 + ns.h(i, 58, 3), 1 + ns.h(i, 59, %(employees)d),
  CASE WHEN ns.h(i, 60, 10) = 0 THEN 1001 + ns.h(i, 61, 20) END, CASE WHEN ns.h(i, 62, 4) = 0 THEN NULL ELSE ns.h(i, 62, 100000) * 100 END, CASE WHEN ns.h(i, 63, 2) = 0 THEN 'ext-' || i END,
  CASE ns.h(i, 64, 20) WHEN 0 THEN E'Line one\nline "two"\ttab \\ backslash' WHEN 1 THEN '  leading and trailing  ' WHEN 2 THEN 'Grüße 👋 from 東京' END,
  CASE WHEN i %% 17 = 0 THEN 'T' ELSE 'F' END, timestamp '2015-01-01' + ns.h(i, 65, 250000000) * interval '1 second', timestamp '2024-01-01' + ns.h(i, 66, 60000000) * interval '1 second',
  ns.pick(i, 67, '{Enterprise,SMB,Public,NULL}'), CASE WHEN ns.h(i, 68, 5) > 0 THEN ns.h(i, 68, 1000000) / 10000.0 END, CASE WHEN ns.h(i, 69, 3) > 0 THEN timestamp '1990-01-01' + ns.h(i, 69, 12000) * interval '1 day' END,
  CASE WHEN ns.h(i, 70, 3) > 0 THEN (1 + ns.h(i, 70, 3)) || ', ' || (4 + ns.h(i, 71, 3)) END
  FROM (SELECT i, ns.pick(i, 50, '{Acme,Contoso,"Müller & Söhne","O''Reilly \"Media\"",Łódź Trading,ЗАО Ромашка,株式会社サンプル,Café Olé}') || ' ' || i AS name FROM generate_series(1001, 1000 + %(customers)d) i) v;
UPDATE ns.customer SET custentity_segment = NULL WHERE custentity_segment = 'NULL';
UPDATE ns.employee SET title = NULL WHERE title = 'NULL';
INSERT INTO ns.vendor SELECT i, 'VEND' || i, 'Vendor ' || ns.pick(i, 80, '{Alpha,Béta,Gamma,Δέλτα}') || ' ' || i, 'v' || i || '@example.net', NULL, 1 + ns.h(i, 81, 5), 1 + ns.h(i, 82, 6), 1 + ns.h(i, 83, 4),
  CASE WHEN ns.h(i, 84, 2) = 0 THEN 'T' ELSE 'F' END, NULL, 'F', timestamp '2016-01-01' + i * interval '1 hour', timestamp '2024-02-01' + ns.h(i, 85, 50000000) * interval '1 second', 1 + ns.h(i, 86, 5)
  FROM generate_series(500001, 500000 + %(vendors)d) i;
INSERT INTO ns.contact SELECT i, 'Contact ' || i, ns.pick(i, 90, '{Ann,Bob,Chloé}'), ns.pick(i, 91, '{Ray,Lee,Ødegård}'), 'c' || i || '@example.com', NULL, 1001 + ns.h(i, 92, %(customers)d), 'F', timestamp '2019-01-01' + i * interval '1 minute',
  timestamp '2024-01-01' + ns.h(i, 93, 60000000) * interval '1 second' FROM generate_series(700001, 700000 + %(customers)d) i;
INSERT INTO ns.job SELECT i, 'Project ' || i, 'Project ' || i, 1001 + ns.h(i, 94, %(customers)d), timestamp '2022-01-01' + ns.h(i, 95, 900) * interval '1 day', NULL, 'F', '2022-01-01', timestamp '2024-01-01' + i * interval '1 second'
  FROM generate_series(800001, 800040) i;
INSERT INTO ns.entity SELECT id, entityid, entitytitle, altname, 'CustJob', email, isperson, isinactive, datecreated, lastmodifieddate FROM ns.customer
  UNION ALL SELECT id, entityid, entityid || ' ' || companyname, companyname, 'Vendor', email, 'F', isinactive, datecreated, lastmodifieddate FROM ns.vendor
  UNION ALL SELECT id, entityid, entityid, entityid, 'Employee', email, 'T', isinactive, datecreated, lastmodifieddate FROM ns.employee;
INSERT INTO ns.item SELECT i, 'ITEM-' || lpad(i::text, 5, '0'), ns.pick(i, 100, '{Bolt,Nut,Gear,Façade panel,"19\" rack",Service hour}') || ' ' || i, 'ITEM-' || lpad(i::text, 5, '0'), ns.pick(i, 101, '{InvtPart,NonInvtPart,Service,Assembly}'), 'Sale',
  CASE WHEN ns.h(i, 102, 4) = 0 THEN NULL ELSE 'Item ' || i || ', 100%% recycled' END, round((ns.h(i, 103, 10000000) / 1000.0)::numeric, 3), round((ns.h(i, 104, 5000000) / 1000.0)::numeric, 4), round((ns.h(i, 104, 5000000) / 999.0)::numeric, 8),
  CASE WHEN ns.h(i, 105, 3) > 0 THEN round((ns.h(i, 105, 10000) / 1000.0)::numeric, 3) END, 1 + ns.h(i, 106, 2), 8, 10, 3, NULL, NULL, 'F', CASE WHEN i %% 23 = 0 THEN 'T' ELSE 'F' END,
  timestamp '2017-01-01' + i * interval '1 hour', timestamp '2024-03-01' + ns.h(i, 107, 40000000) * interval '1 second', ns.pick(i, 108, '{US,CN,DE,JP}'), lpad(ns.h(i, 109, 1000000)::text, 6, '0'), CASE WHEN i %% 2 = 0 THEN '1, ' || (2 + i %% 3) END
  FROM generate_series(1, %(items)d) i;
INSERT INTO ns.inventoryitemlocations SELECT i.id, l.id, ns.h(i.id * 10 + l.id, 110, 500), ns.h(i.id * 10 + l.id, 111, 700), 0, ns.h(i.id, 112, 5), NULL, i.averagecost, timestamp '2024-01-01' + ns.h(i.id * 10 + l.id, 113, 60000000) * interval '1 second'
  FROM ns.item i, ns.location l WHERE i.itemtype IN ('InvtPart', 'Assembly');
INSERT INTO ns.salestaxitem SELECT i, 'TAX' || i, 'Tax ' || i, i * 2.5, 500001, 'F' FROM generate_series(1, 8) i;
INSERT INTO ns.customersubsidiaryrelationship SELECT id, id, subsidiary, 'T', entitytitle, lastmodifieddate FROM ns.customer;
INSERT INTO ns.vendorsubsidiaryrelationship SELECT id, id, subsidiary, 'T', companyname, lastmodifieddate FROM ns.vendor;
INSERT INTO ns.customrecord_asset SELECT i, 'Asset ' || i, NULL, 'F', 1 + ns.h(i, 120, %(employees)d), timestamp '2021-01-01' + i * interval '1 hour', timestamp '2024-01-01' + ns.h(i, 121, 60000000) * interval '1 second',
  'SN' || lpad(ns.h(i, 122, 100000000)::text, 9, '0'), round((ns.h(i, 123, 1000000) / 100.0)::numeric, 2), timestamp '2015-01-01' + ns.h(i, 124, 3600) * interval '1 day', timestamp '2024-06-01' + ns.h(i, 125, 20000000) * interval '1 second',
  1 + ns.h(i, 126, %(employees)d), CASE WHEN i %% 3 = 0 THEN '1, 2' END, CASE WHEN i %% 2 = 0 THEN 'T' ELSE 'F' END, CASE WHEN i %% 50 = 1 THEN repeat('Inspected. ', 200) END
  FROM generate_series(1, %(assets)d) i;
INSERT INTO ns.consolidatedexchangerate SELECT row_number() OVER (ORDER BY p.id, s.id), p.id, s.id, 1, s.currency, 1, round((0.5 + ns.h(p.id * 10 + s.id, 130, 1000000) / 1000000.0)::numeric, 8), round((0.5 + ns.h(p.id * 10 + s.id, 131, 1000000) / 1000000.0)::numeric, 8), 1, 1
  FROM ns.accountingperiod p, ns.subsidiary s WHERE p.startdate >= '2023-01-01' AND s.id BETWEEN 2 AND 5;
"""

TRANSACTIONS = r"""
CREATE TEMP TABLE t AS
SELECT i, id, ns.pick(id, 2, '%(types)s') AS type,
  -- most of the business is recent, some of it goes back to 1990
  CASE WHEN ns.h(id, 3, 20) = 0 THEN timestamp '1990-01-01' + ns.h(id, 4, 12000) * interval '1 day'
       ELSE timestamp '2023-01-01' + ns.h(id, 4, 1200) * interval '1 day' END AS day,
  1 + ns.h(id, 5, 5) AS lines
FROM (SELECT i, %(tid)s AS id FROM generate_series(1, %(transactions)d) i) v;
CREATE TEMP TABLE l AS
SELECT t.id AS tid, t.type, t.day, n AS line, t.id * 10 + n AS k,
  1 + ns.h(t.id * 10 + n, 6, %(items)d) AS item, (1 + ns.h(t.id * 10 + n, 7, 40))::numeric AS quantity,
  round((ns.h(t.id * 10 + n, 8, 100000000) / 10000.0)::numeric, (2 + ns.h(t.id * 10 + n, 9, 3))::int) AS rate
FROM t, generate_series(1, t.lines) n;
CREATE TEMP TABLE s AS SELECT tid, sum(round(quantity * rate, 2)) AS total FROM l GROUP BY tid;
INSERT INTO ns.transaction
SELECT id, abbrev || i, i::text, type, abbrev, lower(type), day, CASE WHEN type IN ('CustInvc','VendBill') THEN day + (15 + 15 * ns.h(id, 11, 4)) * interval '1 day' END,
  CASE WHEN paid THEN day + ns.h(id, 12, 60) * interval '1 day' END, day + ns.h(id, 13, 86400) * interval '1 second', changed, 1 + ns.h(id, 14, %(employees)d), 1 + ns.h(id, 15, %(employees)d),
  CASE WHEN type IN ('CustInvc','VendBill') THEN CASE WHEN paid THEN 'B' ELSE 'A' END WHEN type = 'SalesOrd' THEN (ARRAY['B','F','G','H'])[1 + ns.h(id, 16, 4)] ELSE 'B' END, entity, currency,
  CASE currency WHEN 1 THEN 1 ELSE round((0.5 + ns.h(id, 18, 100000000) / 100000000.0)::numeric, 8) END, total, CASE WHEN type IN ('CustInvc','VendBill') THEN CASE WHEN paid THEN total ELSE 0 END END,
  CASE WHEN type IN ('CustInvc','VendBill') THEN CASE WHEN paid THEN 0 ELSE total END END, CASE WHEN type IN ('SalesOrd','CustInvc') THEN round(total * 0.3, 2) END,
  (SELECT p.id FROM ns.accountingperiod p WHERE p.startdate = date_trunc('month', day)), CASE WHEN type IN %(posting)s THEN 'T' ELSE 'F' END,
  CASE WHEN i %% 5000 = 1 THEN repeat('A memo that does not end. ', 45000) WHEN ns.h(id, 19, 3) = 0 THEN NULL
       ELSE ns.pick(id, 20, '{"Order by phone","Rush!","Said \"urgent\", then \\\\waited\\\\","Fünf Stück für Zoë","請求書","50%% off_season","it''s late"}') || ' #' || i END,
  CASE WHEN ns.h(id, 21, 4) = 0 THEN 'EXT-' || id END, CASE WHEN type = 'SalesOrd' THEN 'PO' || ns.h(id, 22, 100000) END, 'F', 'F', CASE WHEN type IN ('VendBill','PurchOrd','Journal') THEN 1 + ns.h(id, 23, 3) END,
  CASE WHEN ns.h(id, 24, 2) = 0 THEN 1 + ns.h(id, 24, %(employees)d) END, 1 + ns.h(id, 25, 4), 'F', CASE WHEN type = 'SalesOrd' THEN 'T' ELSE 'F' END, NULL, CASE WHEN type = 'SalesOrd' THEN day + interval '3 days' END,
  abbrev || ' ' || i, CASE WHEN ns.h(id, 26, 3) = 0 THEN 'CSV' END, 1 + ns.h(id, 27, 3), 'T', CASE WHEN type = 'CustInvc' AND NOT paid THEN ns.h(id, 28, 200) END, NULL,
  ns.pick(id, 29, '{EMEA,AMER,APAC}'), CASE WHEN ns.h(id, 30, 2) = 0 THEN 1 + ns.h(id, 30, %(employees)d) END, CASE WHEN ns.h(id, 31, 3) > 0 THEN ns.h(id, 31, 100000000) / 1000000.0 - 50 END,
  CASE WHEN ns.h(id, 32, 2) = 0 THEN changed + interval '30 hours' END, CASE WHEN ns.h(id, 33, 2) = 0 THEN '1, 3' END, CASE WHEN ns.h(id, 34, 2) = 0 THEN 'T' ELSE 'F' END
FROM (SELECT t.*, s.total, ns.h(id, 10, 2) = 0 AS paid, upper(left(type, 3)) AS abbrev, 1 + ns.h(id, 17, 6) AS currency,
   CASE WHEN type IN ('PurchOrd','VendBill','VendPymt','ItemRcpt') THEN 500001 + ns.h(id, 35, %(vendors)d) WHEN type IN ('Journal','Deposit') THEN NULL ELSE 1001 + ns.h(id, 35, %(customers)d) END AS entity,
   timestamp '2023-06-01' + ns.h(id, 36, 80000000) * interval '1 second' AS changed FROM t JOIN s ON s.tid = t.id) v;
CREATE INDEX ON t (i);
ANALYZE t, l, s, ns.transaction;
INSERT INTO ns.transactionline
SELECT x.tid, x.line, row_number() OVER (ORDER BY x.tid, x.line) * 2 + ns.h(x.tid * 10 + x.line, 37, 2), x.line, CASE x.line WHEN 0 THEN 'T' ELSE 'F' END, 'F', 'F', x.item, CASE WHEN x.item IS NOT NULL THEN 'InvtPart' END, t.entity,
  1 + ns.h(x.tid, 140, 5), CASE WHEN ns.h(x.k, 141, 3) > 0 THEN 1 + ns.h(x.k, 141, 7) END, CASE WHEN ns.h(x.k, 142, 3) > 0 THEN 1 + ns.h(x.k, 142, 6) END, 1 + ns.h(x.k, 143, 8), x.quantity * x.sign, CASE WHEN t.type = 'SalesOrd' THEN x.quantity * ns.h(x.k, 144, 2) END, NULL,
  x.rate, x.amount * x.sign, x.amount * x.sign, CASE WHEN x.sign < 0 THEN x.amount END, CASE WHEN x.sign > 0 THEN x.amount END, NULL,
  CASE WHEN ns.h(x.k, 145, 4) = 0 THEN 'Line ' || x.line || ' of "' || t.tranid || '"' END, CASE WHEN t.type IN ('CustInvc','ItemShip') AND x.line > 0 THEN (SELECT o.id FROM t o WHERE o.i = t2.i - 1) END, 'F', 'F', 'F', t.createddate, t.lastmodifieddate + x.line * interval '1 second',
  CASE WHEN ns.h(x.k, 146, 2) = 0 THEN 'LOT-' || ns.h(x.k, 146, 1000) END, CASE WHEN ns.h(x.k, 147, 2) = 0 THEN ns.h(x.k, 147, 100000) / 1000.0 END
FROM (SELECT tid, line, k, item, quantity, rate, round(quantity * rate, 2) AS amount, -1 AS sign FROM l
      UNION ALL SELECT tid, 0, tid * 10, NULL, NULL, NULL, total, 1 FROM s) x JOIN ns.transaction t ON t.id = x.tid JOIN t t2 ON t2.id = x.tid;
INSERT INTO ns.transactionaccountingline
SELECT tl.transaction, tl.id, 1, acct, (SELECT a.accttype FROM ns.account a WHERE a.id = acct), tl.netamount, CASE WHEN tl.netamount > 0 THEN tl.netamount END, CASE WHEN tl.netamount < 0 THEN - tl.netamount END, tl.netamount,
  CASE WHEN tl.mainline = 'T' THEN t.foreignamountunpaid END, CASE WHEN tl.mainline = 'T' THEN t.foreignamountpaid END, t.exchangerate, t.posting, 'F', CASE WHEN t.trandate >= '2023-01-01' THEN t.lastmodifieddate END
FROM (SELECT tl.*, CASE WHEN tl.mainline = 'T' THEN 2 + 10 * ns.h(tl.transaction, 150, 6) ELSE 8 + 10 * ns.h(tl.uniquekey, 151, 6) END AS acct FROM ns.transactionline tl) tl JOIN ns.transaction t ON t.id = tl.transaction;
INSERT INTO ns.nexttransactionlinelink SELECT createdfrom, 1, 'SalesOrd', transaction, id, 'CustInvc', 'OrdBill', abs(foreignamount), linelastmodifieddate FROM ns.transactionline WHERE createdfrom IS NOT NULL;
INSERT INTO ns.previoustransactionlinelink SELECT * FROM ns.nexttransactionlinelink;
INSERT INTO ns.deletedrecord SELECT 900000000 + i, -30, ns.pick(i, 160, '{salesorder,invoice,customer,vendorbill}'), ns.pick(i, 160, '{salesorder,invoice,customer,vendorbill}'), 'Deleted ' || i, 'UIF', 1, timestamp '2024-01-01' + i * interval '1 hour', 'F','F','F'
  FROM generate_series(1, %(deleted)d) i;
INSERT INTO ns.systemnote SELECT i, %(tid)s, -30, 'TRANDOC.KSTATUS', 1, 'A', 'B', 'UIF', timestamp '2024-01-01' + i * interval '1 minute', 4 FROM generate_series(1, %(notes)d) i;
DROP TABLE t, l, s;
"""


def sizes(scale):
    """Row counts for a scale; 1 is about 20,000 transaction lines, 50 just over a million."""
    return {"employees": 60, "customers": max(20, int(500 * min(scale, 20))),
            "vendors": max(10, int(100 * min(scale, 20))), "items": max(20, int(300 * min(scale, 20))),
            "assets": max(10, int(400 * scale)), "transactions": max(10, int(5000 * scale ** 1.0002)),
            "deleted": max(5, int(200 * scale)), "notes": max(5, int(1000 * scale)),
            "types": TYPES, "tid": TID,
            "posting": "('CustInvc','CashSale','CustPymt','CustCred','VendBill','VendPymt',"
                       "'Journal','Deposit')"}


def create_tables(conn):
    conn.execute("DROP SCHEMA IF EXISTS ns CASCADE")
    conn.execute(HELPERS)
    conn.execute('INSERT INTO ns."$clock" VALUES (0)')
    for table in TABLES:
        create_table(conn, table)


def create_table(conn, table):
    conn.execute("CREATE TABLE %s (%s)" % (table.relation, ", ".join(
        '"%s" %s' % (c.name, c.sql_type) for c in table.columns.values())))


def index_table(conn, table):
    """No primary key: SuiteQL's GROUP BY knows no functional dependency."""
    conn.execute("CREATE UNIQUE INDEX ON %s (%s)" % (
        table.relation, ", ".join('"%s"' % k for k in table.key)))
    for name in ("lastmodifieddate", "uniquekey"):
        if name in table.columns:
            conn.execute('CREATE INDEX ON %s ("%s")' % (table.relation, name))
    texts = [c.name for c in table.columns.values() if c.sql_type == "text"]
    if texts:
        conn.execute("CREATE TRIGGER empty_is_null BEFORE INSERT OR UPDATE ON %s FOR EACH ROW WHEN (%s) "
                     "EXECUTE FUNCTION ns.empty_is_null()" % (
                         table.relation, " OR ".join("NEW.\"%s\" = ''" % name for name in texts)))
    conn.execute("ANALYZE " + table.relation)


def load(conn, scale):
    """Create and fill everything."""
    create_tables(conn)
    conn.execute("SET synchronous_commit = off")
    conn.execute("SET work_mem = '256MB'")
    conn.execute(SMALL)
    conn.execute(PEOPLE % sizes(scale))
    for statement in (TRANSACTIONS % sizes(scale)).split(";\n"):
        if statement.strip():
            conn.execute(statement)
            if "CREATE TEMP TABLE" in statement:
                conn.execute("ANALYZE")
    rows, n = [], 0
    for table in TABLES:
        for column in table.columns.values():
            if column.custom:
                n += 1
                rows.append((n, column.name.upper(), column.title, "SCRIPT",
                             FIELD_VALUE_TYPES[column.kind], column.ref))
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ns.customfield VALUES (%s, %s, %s, %s, %s, %s, 'F', 'F', 'T', NULL, "
            "'2021-01-01')", rows)
    for table in TABLES:
        index_table(conn, table)
