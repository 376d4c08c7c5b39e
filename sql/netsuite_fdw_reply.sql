-- A reply says how many rows there are, whether more follow, where it begins: none of it is taken on trust
SET search_path = public, netsuite;
\getenv control NS_CONTROL_TOOL
\getenv address NS_CONTROL
\setenv CONTROL :control
\! $CONTROL reset
\getenv url NS_URL
\getenv ca NS_CA
CREATE SERVER liar FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account '1234567_SB1', base_url :'url', ca_file :'ca', page_size '10');
CREATE USER MAPPING FOR CURRENT_USER SERVER liar OPTIONS (consumer_key 'sandbox-consumer-key', consumer_secret 'sandbox-consumer-secret',
  token_id 'sandbox-token-id', token_secret 'sandbox-token-secret');
SET statement_timeout = '10min';
SET my.control = :'control';
SET my.address = :'address';
CREATE FUNCTION control(words text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('COPY (SELECT) TO PROGRAM %L', 'NS_CONTROL=' || current_setting('my.address') || ' ' || current_setting('my.control') || ' ' || words);
END $$;
-- tables of 20 and 25 rows in pages of 10, 7 rows in one page: by ranges of the key, in its order, by offset; groups
CREATE FOREIGN TABLE keyed (id bigint, t text OPTIONS (column_name 'entityid')) SERVER liar OPTIONS (table 'customer', key 'id');
CREATE FOREIGN TABLE keyless (id bigint, t text OPTIONS (column_name 'entityid')) SERVER liar OPTIONS (table 'customer');
CREATE FUNCTION answers() RETURNS text LANGUAGE plpgsql AS $$
DECLARE q text; r text; whole text := ''; BEGIN
  FOREACH q IN ARRAY ARRAY['keyed', 'keyless', 'keyed ORDER BY id', 'groups', 'netsuite_query'] LOOP
    FOR n IN 1..3 LOOP
      CONTINUE WHEN q IN ('keyed ORDER BY id', 'groups') AND n <> 2 OR q = 'netsuite_query' AND n = 3 OR q = 'keyless' AND n = 3;
      BEGIN
        EXECUTE format(CASE q WHEN 'netsuite_query' THEN 'SELECT md5(string_agg((x->>''id'') || '' '' || (x->>''entityid''), '','')) FROM netsuite_query(''liar'', ''SELECT id, entityid FROM customer WHERE id <= 1000 + %2$s ORDER BY id ASC'') x'
          WHEN 'groups' THEN 'SELECT md5(string_agg(x.id || '' '' || n, '','' ORDER BY id)) FROM (SELECT id, count(*) AS n FROM keyed WHERE id <= 1000 + %2$s GROUP BY id) x'
          ELSE 'SELECT md5(string_agg(x.id || '' '' || t, '','' ORDER BY id)) FROM (SELECT * FROM %s WHERE id <= 1000 + %s %s OFFSET 0) x' END, split_part(q, ' ', 1), (ARRAY[20, 25, 7])[n], substring(q FROM 'ORDER.*')) INTO r;
      EXCEPTION WHEN OTHERS THEN r := SQLSTATE || ' ' || SQLERRM;
      END;
      whole := whole || coalesce(r, 'none') || E'\n';
    END LOOP;
  END LOOP;
  RETURN whole;
END $$;
SELECT answers() AS truth \gset
SELECT :'truth' !~ 'none|[A-Z]' AS right_without_lies;
CREATE FUNCTION lie(edits jsonb, truth text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE told text; BEGIN
  PERFORM control('clear_faults'), control('fault kind=edit match=suiteql edits=' || '''' || edits::text || '''');
  told := answers();
  RETURN CASE WHEN told = truth THEN 'right' ELSE 'WRONG: ' || told END;
END $$;
WITH totals(said, edit) AS (VALUES
    ('as it is', NULL), ('missing', '{"find": "\"totalResults\":\\d+", "replace": "\"x\":1"}'), ('1 too high', '{"find": "\"totalResults\":(\\d+)", "add": 1}'),
    ('1 too low', '{"find": "\"totalResults\":(\\d+)", "add": -1}'), ('30 too low', '{"find": "\"totalResults\":(\\d+)", "add": -30}'), ('10', '{"find": "\"totalResults\":\\d+", "replace": "\"totalResults\":10"}')),
  more(said, edit) AS (VALUES
    ('as it is', NULL), ('missing', '{"find": "\"hasMore\":(true|false),", "replace": ""}'),
    ('always', '{"find": "\"hasMore\":false", "replace": "\"hasMore\":true"}'), ('never', '{"find": "\"hasMore\":true", "replace": "\"hasMore\":false"}'))
SELECT t.said AS "totalResults", m.said AS "hasMore", lie(to_jsonb(array_remove(ARRAY[t.edit::jsonb, m.edit::jsonb], NULL)), :'truth') AS outcome FROM totals t, more m
 WHERE NOT (t.edit IS NULL AND m.edit IS NULL)
  -- a reply that says twice that it is the last is believed
  AND NOT (t.said = '10' AND m.said = 'never');
-- in other words; the count, the offset
SELECT said, lie(to_jsonb(ARRAY[edit::jsonb]), :'truth') FROM (VALUES
    ('total null', '{"find": "\"totalResults\":\\d+", "replace": "\"totalResults\":null"}'), ('total a string', '{"find": "\"totalResults\":(\\d+)", "replace": "\"totalResults\":\"\\1\""}'),
    ('total in words', '{"find": "\"totalResults\":\\d+", "replace": "\"totalResults\":\"many\""}'), ('total a fraction', '{"find": "\"totalResults\":(\\d+)", "replace": "\"totalResults\":\\1.5"}'),
    ('more a string', '{"find": "\"hasMore\":(true|false)", "replace": "\"hasMore\":\"\\1\""}'), ('more null', '{"find": "\"hasMore\":(true|false)", "replace": "\"hasMore\":null"}'),
    ('no count', '{"find": "\"count\":\\d+,", "replace": ""}'), ('count null', '{"find": "\"count\":\\d+", "replace": "\"count\":null"}'), ('count a string', '{"find": "\"count\":(\\d+)", "replace": "\"count\":\"\\1\""}'),
    ('no offset', '{"find": "\"offset\":\\d+,", "replace": ""}'), ('offset a string', '{"find": "\"offset\":(\\d+)", "replace": "\"offset\":\"\\1\""}'),
    ('escaped names', '{"find": "\"(hasMor|totalR|it|c|offs)e", "replace": "\"\\1\\\\u0065"}')) l(said, edit);
ALTER SERVER liar OPTIONS (ADD retry_deadline '0');
SELECT said, substring(lie(to_jsonb(ARRAY[edit::jsonb]), :'truth') FROM 'HV00K.*NetSuite answered 200') AS refused FROM (VALUES
    ('a row that is announced', '{"find": "\\}\\]", "replace": "},]"}'), ('count', '{"find": "\"count\":(\\d+)", "add": 1}'), ('offset', '{"find": "\"offset\":(\\d+)", "add": 10}')) l(said, edit);
ALTER SERVER liar OPTIONS (DROP retry_deadline);
-- members of rows: the last of two counts, names may be escaped, the empty string is null
SELECT control('clear_faults');
CREATE FOREIGN TABLE members (id bigint, s text OPTIONS (column_name 'entityid'), n numeric OPTIONS (expression 'id'), d date OPTIONS (expression 'datecreated'), b boolean OPTIONS (column_name 'isinactive')) SERVER liar OPTIONS (table 'customer', key 'id');
CREATE FUNCTION member(find text, replace text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; BEGIN
  PERFORM control('clear_faults'), control('fault kind=edit match=suiteql edits=' || '''' || jsonb_build_array(jsonb_build_object('find', find, 'replace', replace))::text || '''');
  BEGIN
    SELECT m::text INTO r FROM members m WHERE id = 1001;
  EXCEPTION WHEN OTHERS THEN r := SQLSTATE || ' ' || SQLERRM;
  END;
  PERFORM control('clear_faults');
  RETURN r;
END $$;
SELECT member('nothing', '');
SELECT what, member(find, replace) FROM (VALUES
  ('twice', '"entityid":"[^"]*"', '"entityid":"first","entityid":"last"'),
  ('null last', '"entityid":"[^"]*"', '"entityid":"first","entityid":null'),
  ('null first', '"entityid":"[^"]*"', '"entityid":null,"entityid":"last"'),
  ('empty last', '"entityid":"[^"]*"', '"entityid":"first","entityid":""'),
  ('apart', '"links":\[\],', '"links":[],"entityid":"first","isinactive":"T",'),
  ('key twice', '"id":"(\d+)"', '"id":"5","id":"\1"'),
  ('in another case', '"entityid":"[^"]*"', '"ENTITYID":"first","EntityId":"last"'),
  ('escaped name', '"entityid"', '"\\u0065ntity\\u0069d"'),
  ('escaped in capitals', '"entityid"', '"\\u0045ntityid"'),
  ('escaped key', '"id":', '"\\u0069d":'),
  ('odd escapes', '"links":\[\],', '"links":[],"a\\tb\\"c\\\\":1,"\\u00e9":2,"\\ud83d\\ude00":3,'),
  ('malformed escape', '"entityid"', '"\\u00zzentityid"'),
  ('empty text', '"entityid":"[^"]*"', '"entityid":""'),
  ('empty everything', '"(entityid|n|d|isinactive)":"[^"]*"', '"\1":""'),
  ('empty key', '"id":"\d+"', '"id":""')) v(what, find, replace);
-- items twice: the last
SELECT lie('[{"find": "\"items\":", "replace": "\"items\":[{\"id\":\"1\"}],\"items\":"}]', :'truth');
-- a count is a number, an average has one
CREATE FUNCTION counted(q text, replace text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text; BEGIN
  PERFORM control('clear_faults'), control('fault kind=edit match=suiteql edits=' || '''' || jsonb_build_array(jsonb_build_object('find', '"c' || CASE WHEN q ~ 'avg' THEN 2 ELSE 1 END || '":"\d+"', 'replace', replace))::text || '''');
  BEGIN
    EXECUTE q INTO r;
  EXCEPTION WHEN OTHERS THEN r := SQLSTATE || ' ' || SQLERRM;
  END;
  PERFORM control('clear_faults');
  RETURN r;
END $$;
SELECT q, replace, counted(q, replace) FROM unnest(ARRAY['SELECT count(*) FROM members', 'SELECT count(s) FROM members WHERE id < 1005', 'SELECT avg(id) FROM members WHERE id < 1005']) q, unnest(ARRAY['"c1":null', '"c2":""', '"x":"1"', '"c1":"many","c2":"many"', '"c1":{},"c2":[]']) replace;
DROP FUNCTION counted;
SELECT control('reset');
DROP FOREIGN TABLE keyed, keyless, members;
DROP SERVER liar CASCADE;
DROP FUNCTION answers, lie, member, control;
