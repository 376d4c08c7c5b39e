-- What is sent: EXPLAIN VERBOSE shows it
SET search_path = netsuite, public;
SET TimeZone = 'UTC';
CREATE FUNCTION public.sent(q text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE line text; BEGIN
  FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || q LOOP
    IF line ~ '(SuiteQL|Paging|Filter|Sort|Aggregate|Limit|Join|Loop)' THEN RETURN NEXT btrim(line); END IF;
  END LOOP;
END $$;
-- only needed columns
SELECT sent('SELECT tranid FROM transaction');
SELECT sent('SELECT count(*) FROM (SELECT FROM transaction OFFSET 0) x');
-- numbers
SELECT sent('SELECT id FROM transaction WHERE id = 7 AND foreigntotal + 1 > 10.5 AND entity IN (1, 2, 3) AND currency BETWEEN 2 AND 4');
SELECT sent('SELECT id FROM transaction WHERE id / 2 = 7');
SELECT sent('SELECT id FROM transaction WHERE NOT (id < 5 OR entity IS NULL) AND round(foreigntotal, 1) = abs(-3.5)');
-- booleans
SELECT sent('SELECT id FROM transaction WHERE posting AND NOT voided AND isreversal IS NOT TRUE');
-- dates are whole days, also where a time of day hides
SELECT sent('SELECT id FROM transaction WHERE trandate = ''2024-02-29''');
SELECT sent('SELECT id FROM transaction WHERE trandate > ''2024-01-31'' AND trandate <= ''2024-02-29'' AND duedate <> ''2024-03-01''');
SELECT sent('SELECT id FROM transaction WHERE trandate IN (''2024-01-01'', ''2024-01-03'') AND duedate - trandate > 30');
SELECT sent('SELECT id FROM transaction WHERE trandate >= timestamptz ''2024-01-01 12:00+00''');
-- datetimes
SELECT sent('SELECT id FROM transaction WHERE lastmodifieddate >= ''2024-01-01 10:00:00.5+00''');
SELECT sent('SELECT id FROM transaction WHERE lastmodifieddate > now() - interval ''1 day''');
SELECT sent('SELECT id FROM transaction WHERE lastmodifieddate < createddate');
-- text is sent and checked again, unless the account is known to compare exactly
SELECT sent('SELECT id FROM transaction WHERE type = ''SalesOrd'' AND memo LIKE ''Rush%''');
SELECT sent('SELECT id FROM transaction WHERE type = ANY (''{SalesOrd,CustInvc}'') OR tranid = ''it''''s''');
SELECT sent('SELECT id FROM transaction WHERE type <> ''SalesOrd''');
SELECT sent('SELECT id FROM transaction WHERE type <> ''''');
SELECT sent('SELECT id FROM transaction WHERE memo LIKE ''50\%%'' OR memo ILIKE ''x%'' OR upper(memo) = ''X'' OR memo || ''x'' = ''y''');
SELECT sent('SELECT id FROM transaction WHERE tranid > ''A''');
SELECT sent('SELECT id FROM transaction WHERE tranid COLLATE "C" > ''A''');
-- floating point and volatile expressions stay here
SELECT sent('SELECT id FROM transaction WHERE foreigntotal > random()');
SELECT sent('SELECT id FROM transaction WHERE foreigntotal::float8 > 1.5');
-- parameters
PREPARE p(bigint, text, date[]) AS SELECT id FROM transaction WHERE entity = $1 AND type = $2 AND trandate = ANY ($3);
SET plan_cache_mode = force_generic_plan;
SELECT sent('EXECUTE p(1, ''x'', ''{2024-01-01}'')');
RESET plan_cache_mode;
-- aggregates, wholly
SELECT sent('SELECT type, count(*), sum(foreigntotal), avg(foreigntotal), min(trandate), max(lastmodifieddate), count(DISTINCT entity) FROM transaction WHERE type = ''SalesOrd'' GROUP BY type HAVING count(*) > 5 ORDER BY type');
SELECT sent('SELECT count(*) FILTER (WHERE duedate < current_date - 30), sum(CASE WHEN posting THEN foreigntotal ELSE 0 END) FROM transaction');
SELECT sent('SELECT date_trunc(''month'', trandate) AS month, extract(year FROM trandate) AS y, to_char(trandate, ''YYYY-MM'') AS m, count(*) + 1 FROM transaction GROUP BY 1, 2, 3');
SELECT sent('SELECT max(tranid) FROM transaction');
SELECT sent('SELECT max(tranid COLLATE "C") FROM transaction');
SELECT sent('SELECT string_agg(type, '','') FROM transaction');
SELECT sent('SELECT DISTINCT type FROM transaction');
-- order and limit
SELECT sent('SELECT id FROM transaction ORDER BY id LIMIT 10');
SELECT sent('SELECT id, trandate FROM transaction ORDER BY trandate DESC, id LIMIT 10 OFFSET 5');
SELECT sent('SELECT id FROM transaction ORDER BY trandate LIMIT 2000');
SELECT sent('SELECT id FROM transaction ORDER BY trandate NULLS FIRST LIMIT 5');
SELECT sent('SELECT id FROM transaction WHERE type = ''Journal'' ORDER BY trandate DESC LIMIT 5');
SELECT sent('SELECT id FROM transaction LIMIT 5');
-- keys of several columns, and tables without a key of integers
SELECT sent('SELECT amount FROM transactionaccountingline');
SELECT sent('SELECT type FROM deletedrecord');
SELECT sent('SELECT name FROM transactionstatus');
-- any SuiteQL text as a table, expressions as columns
CREATE FOREIGN TABLE public.by_query (id bigint, kind text, total numeric) SERVER ns
  OPTIONS (query 'SELECT x.id, x.type AS kind, x.foreigntotal AS total FROM transaction x WHERE x.posting = ''T''', key 'id');
CREATE FOREIGN TABLE public.named (no bigint OPTIONS (column_name 'id'), customer text OPTIONS (expression 'BUILTIN.DF(entity)', remote_type 'text'), "Day" date OPTIONS (column_name 'trandate')) SERVER ns OPTIONS ("table" 'transaction', key 'id');
SELECT sent('SELECT * FROM by_query WHERE total > 5');
SELECT sent('SELECT * FROM named WHERE customer = ''x'' AND "Day" > ''2024-01-01''');
SELECT * FROM named WHERE no < 10 ORDER BY no;
SELECT count(*), sum(total) FROM by_query;
SELECT sent('SELECT ctid, tableoid::regclass, n FROM named n WHERE no = 1');
