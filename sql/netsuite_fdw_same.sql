-- Every query gives the same rows here and there: each runs on the foreign tables and on local copies
SET search_path = public;
SET TimeZone = 'Europe/Vienna';
CREATE SCHEMA copy;
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY '{transaction,transactionline,transactionaccountingline,customer,item,account,accountingperiod,currency,employee,department,customrecord_asset,nexttransactionlinelink,deletedrecord}'::text[] LOOP
    EXECUTE format('CREATE TABLE copy.%1$I AS SELECT * FROM netsuite.%1$I', t);
    EXECUTE format('ANALYZE copy.%I', t);
  END LOOP;
END $$;
-- a row as text; sums that NetSuite makes lose trailing zeros, as its values do
CREATE FUNCTION public.plain(r text) RETURNS text LANGUAGE sql IMMUTABLE AS
$$ SELECT regexp_replace(regexp_replace(r, '(\.\d*?)0+(?=[,)])', '\1', 'g'), '\.(?=[,)])', '', 'g') $$;
-- nothing when alike, else the first differing rows
CREATE FUNCTION same(q text) RETURNS TABLE (query text, difference text) LANGUAGE plpgsql AS $$
DECLARE there text[]; here text[]; BEGIN
  SET LOCAL search_path = netsuite, public;
  EXECUTE 'SELECT array_agg(plain(r::text) ORDER BY plain(r::text) COLLATE "C") FROM (' || q || ') r' INTO there;
  SET LOCAL search_path = copy, public;
  EXECUTE 'SELECT array_agg(plain(r::text) ORDER BY plain(r::text) COLLATE "C") FROM (' || q || ') r' INTO here;
  IF there IS DISTINCT FROM here THEN
    query := q;
    difference := format('%s rows there, %s here; first there %s, first here %s', cardinality(there), cardinality(here),
      (SELECT x FROM unnest(there) x EXCEPT SELECT x FROM unnest(here) x ORDER BY 1 LIMIT 1), (SELECT x FROM unnest(here) x EXCEPT SELECT x FROM unnest(there) x ORDER BY 1 LIMIT 1));
    RETURN NEXT;
  END IF;
  SET LOCAL search_path = public;
END $$;
CREATE TABLE queries (n serial, q text);
\copy queries (q) FROM PROGRAM 'cat "$PG_INGEST_QUERIES"'
SELECT count(*) >= 24 AS enough FROM queries;
SELECT s.* FROM queries, same(q) s;
-- conditions in every place
SELECT s.* FROM unnest(ARRAY[
  'true', 'id < 500', 'NOT id < 500', 'id IN (4, 8, 9, 1000000)', 'id NOT IN (4, 8)', 'id = ANY (NULL)', 'NOT (id = ANY (''{4,NULL}''))', 'id BETWEEN 100 AND 400', 'entity IS NULL', 'entity IS NOT NULL AND entity % 2 = 0',
  'foreigntotal > 100.5', 'foreigntotal = 433573.28', '-foreigntotal < -1000', 'foreigntotal * 2 - 5 > 100000', 'exchangerate <> 1', 'round(foreigntotal) = foreigntotal', 'abs(custbody_score) < 10', 'custbody_score * custbody_score < 4',
  'posting', 'NOT posting', 'posting IS NOT TRUE', 'custbody_urgent = (voided = false)', 'posting AND custbody_urgent OR id < 50', 'NOT (posting AND entity > 1100)',
  'trandate = ''2024-02-29''', 'trandate <> ''2024-02-29''', 'trandate < ''1995-01-01''', 'trandate >= ''2025-12-31''', 'trandate BETWEEN ''2024-01-01'' AND ''2024-01-31''', 'duedate = trandate + 30', 'duedate - trandate >= 45', 'NOT duedate > ''2024-01-01''',
  'trandate IN (''2024-01-01'', ''2024-01-02'', NULL)', 'trandate >= timestamptz ''2024-06-01 12:00+02''', 'trandate < timestamp ''2024-06-01 00:00''', 'trandate = timestamp ''2024-06-01 00:00:01''', 'trandate > ''infinity''', 'trandate > ''-infinity''',
  'lastmodifieddate >= ''2024-07-09 13:52:12+00''', 'lastmodifieddate > ''2024-07-09 13:52:12+00''', 'lastmodifieddate = ''2024-07-09 13:52:12+00''', 'lastmodifieddate <= ''2024-07-09 13:52:12+00''', 'lastmodifieddate < ''2024-07-09 13:52:12.5+00''', 'lastmodifieddate <> ''2024-07-09 13:52:12+00''', 'lastmodifieddate >= createddate', 'lastmodifieddate BETWEEN ''2024-01-01'' AND ''2024-02-01''', 'custbody_due_at IN (''2024-07-10 19:52:12+00'')',
  'type = ''SalesOrd''', 'type <> ''SalesOrd''', 'type = ''''', 'type <> ''''', 'memo <> ''''', 'memo IS NULL', 'NOT (memo = '''')', 'type IN (''SalesOrd'', ''Journal'', '''')', 'type NOT IN (''SalesOrd'', ''Journal'')', 'memo LIKE ''Rush%''', 'memo NOT LIKE ''%#1%''', 'memo LIKE ''50\% off\_season%''', 'memo LIKE ''%_''', 'memo ILIKE ''rush%''', 'memo LIKE ''%請求書%''', 'tranid > ''SAL2''', 'tranid COLLATE "C" > ''SAL2'' COLLATE "C"', 'memo LIKE ''it''''s%''', 'memo > ''R'' COLLATE "C" AND memo < ''S'' COLLATE "C"',
  'type = ''SalesOrd'' OR entity = 1058', 'NOT (type = ''SalesOrd'' OR entity = 1058)', 'CASE WHEN posting THEN foreigntotal ELSE 0 END > 100000', 'coalesce(foreignamountunpaid, 0) > 0', 'coalesce(duedate, trandate) > ''2025-01-01''', 'extract(year FROM trandate) = 2024', 'to_char(trandate, ''YYYY-MM'') = ''2024-05''', 'date_trunc(''quarter'', trandate) = ''2024-04-01''', 'id IN (SELECT createdfrom FROM transactionline)', 'EXISTS (SELECT FROM customer c WHERE c.id = entity AND c.currency = transaction.currency)', 'entity = (SELECT min(id) FROM customer)']) c,
  same('SELECT id, type, trandate, lastmodifieddate, entity, foreigntotal, posting, left(memo, 30) FROM transaction WHERE ' || c) s;
-- the same conditions under aggregates
SELECT s.* FROM unnest(ARRAY['true', 'posting', 'trandate >= ''2024-01-01''', 'type = ''SalesOrd''', 'type <> ''Journal''', 'memo LIKE ''Rush%''', 'lastmodifieddate >= ''2024-07-01''', 'id % 2 = 0', 'entity IS NULL', 'id < 0']) c,
  unnest(ARRAY['count(*)', 'count(memo), count(DISTINCT type), count(DISTINCT entity)', 'sum(foreigntotal), avg(foreigntotal), min(foreigntotal), max(foreigntotal)', 'avg(id), sum(id), min(id)', 'min(trandate), max(duedate)', 'min(lastmodifieddate), max(custbody_due_at)', 'count(*) FILTER (WHERE posting), sum(foreigntotal) FILTER (WHERE duedate IS NULL)', 'max(tranid), min(tranid COLLATE "C")', 'sum(foreigntotal) / nullif(count(*), 0), count(*) * 2 + 1', 'sum(CASE WHEN currency = 1 THEN foreigntotal ELSE -foreigntotal END)']) a,
  same('SELECT ' || a || ' FROM transaction WHERE ' || c) s;
SELECT s.* FROM unnest(ARRAY['type', 'type, posting', 'trandate', 'date_trunc(''month'', trandate)', 'to_char(trandate, ''YYYY-MM'')', 'extract(year FROM trandate), extract(quarter FROM trandate)', 'entity', 'currency, coalesce(employee, -1)', 'custbody_region', 'posting IS NULL', 'CASE WHEN foreigntotal > 100000 THEN 1 ELSE 0 END']) g,
  unnest(ARRAY['', 'HAVING count(*) > 20', 'HAVING sum(foreigntotal) > 1000000 AND min(trandate) < ''2024-01-01''', 'HAVING count(*) > 20 AND stddev(foreigntotal) > 1']) h,
  same('SELECT ' || g || ', count(*), sum(foreigntotal), avg(foreigntotal) FROM transaction GROUP BY ' || g || ' ' || h) s;
-- order and limit: the order itself is compared
CREATE FUNCTION in_order(q text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE there text[]; here text[]; BEGIN
  SET LOCAL search_path = netsuite, public;
  EXECUTE 'SELECT array_agg(plain(r::text)) FROM (' || q || ') r' INTO there;
  SET LOCAL search_path = copy, public;
  EXECUTE 'SELECT array_agg(plain(r::text)) FROM (' || q || ') r' INTO here;
  SET LOCAL search_path = public;
  RETURN there IS NOT DISTINCT FROM here;
END $$;
SELECT q FROM unnest(ARRAY[
  'SELECT id FROM transaction ORDER BY id', 'SELECT id FROM transaction ORDER BY id LIMIT 2500', 'SELECT id FROM transaction ORDER BY id DESC LIMIT 7', 'SELECT id FROM transaction ORDER BY trandate DESC, id LIMIT 20 OFFSET 13', 'SELECT id, duedate FROM transaction ORDER BY duedate DESC, id DESC LIMIT 50',
  'SELECT id, duedate FROM transaction ORDER BY duedate NULLS FIRST, id LIMIT 5', 'SELECT id FROM transaction WHERE type = ''Journal'' ORDER BY foreigntotal DESC, id LIMIT 9', 'SELECT tranid FROM transaction ORDER BY tranid COLLATE "C" LIMIT 9', 'SELECT transaction, id FROM transactionline ORDER BY transaction, id LIMIT 30', 'SELECT id FROM transaction ORDER BY posting, lastmodifieddate, id LIMIT 11',
  'SELECT type, count(*) FROM transaction GROUP BY type ORDER BY count(*) DESC, type COLLATE "C"', 'SELECT entity, sum(foreigntotal) FROM transaction GROUP BY entity ORDER BY 2 DESC, 1 LIMIT 5', 'SELECT transaction, transactionline FROM transactionaccountingline ORDER BY transaction, transactionline LIMIT 40']) q
WHERE NOT in_order(q);
-- joins, subqueries, windows over both
SELECT s.* FROM unnest(ARRAY[
  'SELECT c.companyname, count(*), sum(t.foreigntotal) FROM transaction t JOIN customer c ON c.id = t.entity WHERE t.type = ''CustInvc'' GROUP BY 1',
  'SELECT t.id, l.id, l.netamount FROM transaction t JOIN transactionline l ON l.transaction = t.id WHERE t.id < 60',
  'SELECT t.id, (SELECT count(*) FROM transactionline l WHERE l.transaction = t.id) FROM transaction t WHERE t.id < 40',
  'SELECT t.id, x.n FROM transaction t LEFT JOIN LATERAL (SELECT count(*) AS n FROM transactionline l WHERE l.transaction = t.id AND l.mainline) x ON true WHERE t.id < 30',
  'SELECT id, rank() OVER (PARTITION BY type ORDER BY foreigntotal DESC, id) FROM transaction WHERE trandate >= ''2025-06-01''',
  'SELECT id FROM customer WHERE id NOT IN (SELECT entity FROM transaction WHERE entity IS NOT NULL)',
  'SELECT a.id FROM customrecord_asset a FULL JOIN employee e ON e.id = a.custrecord_asset_owner WHERE e.id IS NULL OR a.id < 20',
  'SELECT 1 FROM currency UNION ALL SELECT id FROM department', 'SELECT count(*) FROM transaction t, currency c WHERE t.currency = c.id AND c.symbol = ''EUR''']) q, same(q) s;
