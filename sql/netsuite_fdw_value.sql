-- Values: exact, or refused with their place named
SET search_path = public, netsuite;
SET TimeZone = 'UTC';
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
-- one value of one type through SuiteQL
CREATE FUNCTION value_of(type text, literal text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; BEGIN
  EXECUTE format('CREATE FOREIGN TABLE one (v %s) SERVER ns OPTIONS (query %L)', type, 'SELECT ' || literal || ' AS v FROM term WHERE id = 1');
  BEGIN
    EXECUTE 'SELECT v::text FROM one' INTO r;
  EXCEPTION WHEN OTHERS THEN r := 'ERROR: ' || SQLSTATE || ' ' || SQLERRM;
  END;
  DROP FOREIGN TABLE one;
  RETURN r;
END $$;
SELECT t, l, value_of(t, l) FROM (VALUES
  ('bigint', '''42'''), ('bigint', '''-9223372036854775808'''), ('bigint', '''9223372036854775807'''), ('bigint', '''9223372036854775808'''), ('bigint', '''5.0'''), ('bigint', '''1E3'''), ('bigint', '''5.5'''), ('bigint', '''x'''), ('bigint', '''-'''), ('bigint', '''NaN'''), ('integer', '''-Infinity'''), ('bigint', 'NULL'),
  ('integer', '2147483647'), ('integer', '2147483648'), ('smallint', '-32768'), ('smallint', '40000'),
  ('boolean', '''T'''), ('boolean', '''F'''), ('boolean', '''X'''),
  ('numeric', '''.5'''), ('numeric', '''-.5'''), ('numeric', '''1E-7'''), ('numeric', '''123456789012345678901234567890.123456789'''), ('numeric', '''-0.00000001'''), ('numeric', '''100'''), ('numeric', '''10000.0001'''), ('numeric', '''0'''), ('numeric', '''-0.00'''), ('numeric', '''1.2.3'''), ('numeric', '''.'''), ('numeric(10,2)', '''12.345'''), ('numeric(3,0)', '''12345'''),
  ('numeric', '''NaN'''), ('numeric', '''Infinity'''), ('numeric', '''-inf'''), ('numeric(10,2)', '''NaN'''), ('numeric', '''0x1F'''), ('numeric', '''1_000'''), ('bigint', '''0x1F'''), ('bigint', '''1_000'''), ('numeric', ''' +5 '''), ('bigint', ''' +5 '''),
  ('double precision', '''1.5e10'''), ('real', '''0.1'''),
  ('date', 'TO_DATE(''2024-02-29'',''YYYY-MM-DD'')'), ('date', 'TO_DATE(''1990-01-01 23:59:59'',''YYYY-MM-DD HH24:MI:SS'')'), ('timestamp', 'TO_DATE(''2024-02-29 13:14:15'',''YYYY-MM-DD HH24:MI:SS'')'), ('timestamp(0)', 'TO_DATE(''2024-02-29 13:14:15'',''YYYY-MM-DD HH24:MI:SS'')'),
  ('text', '''it''''s "quoted" \back/slash'''), ('text', ''''''), ('varchar(3)', '''abcd'''), ('varchar', '''abcd'''), ('char(5)', '''ab'''), ('text', '''Zoë 東京 👋'''), ('jsonb', '''{"a": [1, "x"]}'''), ('uuid', '''a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'''), ('uuid', '''x'''), ('text[]', '''{a,b}''')) v(t, l);
-- numerics are built by hand: they must be those that numeric_in makes, bit by bit
CREATE FOREIGN TABLE numbers (n numeric, t text) SERVER ns OPTIONS (query $$
  SELECT x.n AS n, x.n AS t FROM (SELECT foreigntotal AS n FROM transaction UNION ALL SELECT -rate FROM transactionline UNION ALL SELECT exchangerate FROM transaction UNION ALL SELECT averagecost FROM item
  UNION ALL SELECT id * 1000 FROM transaction UNION ALL SELECT foreigntotal / 1000000 FROM transaction WHERE id < 3000 UNION ALL SELECT custbody_score FROM transaction) x$$);
SELECT count(*) > 30000 AS many, count(*) FILTER (WHERE numeric_send(n) <> numeric_send(t::numeric)) AS different, count(*) FILTER (WHERE hash_numeric(n) <> hash_numeric(t::numeric) OR n <> t::numeric) AS unequal FROM numbers;
-- as JSON numbers, booleans and null, in any case of letters, members in another order
SELECT md5(string_agg(t::text, ',' ORDER BY id)) AS usual FROM customer t \gset
\! $CONTROL switch name=numbers_as_json value=true
\! $CONTROL switch name=booleans_as_json value=true
\! $CONTROL switch name=nulls_present value=true
\! $CONTROL switch name=key_case value=upper
\! $CONTROL switch name=member_order value=items-first
SELECT md5(string_agg(t::text, ',' ORDER BY id)) = :'usual' AS same FROM customer t;
\! $CONTROL reset
\! $CONTROL switch name=key_case value=mixed
\! $CONTROL switch name=leading_zero value=false
\! $CONTROL switch name=date_format value=DD.MM.YYYY
\! $CONTROL switch name=gzip value=false
SELECT md5(string_agg(t::text, ',' ORDER BY id)) = :'usual' AS same FROM customer t;
\! $CONTROL reset
-- digits and letters written as escapes are what they stand for, whatever the column
CREATE FOREIGN TABLE escaped (id bigint, status text, approvalstatus integer, posting boolean, foreigntotal numeric, trandate date, createddate timestamp, lastmodifieddate timestamptz,
  small smallint OPTIONS (column_name 'approvalstatus'), cents numeric(12,2) OPTIONS (column_name 'foreigntotal'), double float8 OPTIONS (column_name 'foreigntotal'), day text OPTIONS (column_name 'trandate'))
  SERVER ns OPTIONS ("table" 'transaction', key 'id');
CREATE TEMP TABLE plain AS SELECT * FROM escaped WHERE id < 300 OFFSET 0;
\! $CONTROL fault kind=edit match=suiteql edits='[{"find": "\":\"(\\d)", "replace": "\":\"\\\\u003\\1"}, {"find": "\":\"T\"", "replace": "\":\"\\\\u0054\""}, {"find": "\":\"F\"", "replace": "\":\"\\\\u0046\""}]'
CREATE TEMP TABLE read AS SELECT * FROM escaped WHERE id < 300 OFFSET 0;
SELECT count(*) > 0 AS some, (SELECT count(*) FROM (TABLE plain EXCEPT ALL TABLE read) x) AS different FROM read;
\! $CONTROL reset
DROP FOREIGN TABLE escaped;
-- what PostgreSQL cannot store is refused, never changed
\! $CONTROL sql sql="UPDATE ns.customer SET comments = 'a NULHERE b' WHERE id = 1010"
\! $CONTROL switch name=odd_bytes value=true
SELECT id, comments FROM customer WHERE id = 1010;
\! $CONTROL sql sql="UPDATE ns.customer SET comments = 'a BADUTF8 b' WHERE id = 1010"
SELECT id, comments FROM customer WHERE id = 1010;
SELECT id, email IS NULL FROM customer WHERE id = 1010;
\! $CONTROL sql sql="UPDATE ns.customer SET comments = NULL WHERE id = 1010"
\! $CONTROL reset
-- a boolean in a text is T or F, however the account writes it
CREATE FOREIGN TABLE flags (id bigint, posting text, voided varchar(5)) SERVER ns OPTIONS ("table" 'transaction', key 'id');
SELECT * FROM flags WHERE id = 8;
\! $CONTROL switch name=booleans_as_json value=on
SELECT * FROM flags WHERE id = 8;
SELECT count(*) > 0 AS some FROM flags WHERE posting = 'T';
\! $CONTROL reset
-- a value that does not fit names table, column, key and its beginning
CREATE FOREIGN TABLE wrong (id bigint, memo integer) SERVER ns OPTIONS ("table" 'transaction', key 'id');
SELECT * FROM wrong WHERE id = 8;
-- wherever the key stands in the row
CREATE FOREIGN TABLE wrong_line (transaction bigint, transactionline bigint, accountingbook bigint, accounttype integer) SERVER ns OPTIONS ("table" 'transactionaccountingline', key 'transaction, transactionline, accountingbook');
SELECT * FROM wrong_line WHERE transaction = 8 AND transactionline = 1;
\! $CONTROL switch name=items_reversed value=on
SELECT * FROM wrong WHERE id = 8;
SELECT * FROM wrong_line WHERE transaction = 8 AND transactionline = 1;
\! $CONTROL reset
-- and however it is written
CREATE FUNCTION key_told(literal text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; BEGIN
  EXECUTE format('CREATE FOREIGN TABLE one (n numeric, id bigint) SERVER ns OPTIONS (query %L, key ''id'')', 'SELECT ''n/a'' AS n, ''' || literal || ''' AS id FROM term WHERE id = 1');
  BEGIN
    PERFORM * FROM one;
  EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS r = PG_EXCEPTION_CONTEXT;
  END;
  DROP FOREIGN TABLE one;
  RETURN split_part(r, E'\n', 1);
END $$;
SELECT l, key_told(l) FROM unnest(ARRAY['8.0', '8.000', '0.8e1', '8E0', '80000E-4', '-1E3', '9223372036854775807.0', '-9223372036854775808.0', '92233720368547758070E-1', '0E-5', '0.00', '.0', '8.5', 'x', '1E19', '1E', '1E99999999999999999999']) l;
DROP FUNCTION key_told;
CREATE FOREIGN TABLE wrong_date (id bigint, d date OPTIONS (column_name 'tranid')) SERVER ns OPTIONS (query 'SELECT id, tranid FROM transaction', key 'id');
-- what NetSuite says of it is the account's
\set VERBOSITY terse
SELECT * FROM wrong_date WHERE id = 8;
\set VERBOSITY default
-- megabyte texts, quotes and newlines
SELECT length(memo), md5(memo) = md5(repeat('A memo that does not end. ', 45000)) AS same FROM transaction WHERE id = 4;
SELECT comments FROM customer WHERE comments LIKE 'Line one%' LIMIT 1;
DROP FOREIGN TABLE flags, wrong, wrong_line, wrong_date, numbers;
