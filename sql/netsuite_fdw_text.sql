-- Texts that no column holds: literals are of fixed length on the other side, and a boolean is T or F there, true or false here
SET search_path = public;
\getenv control NS_CONTROL_TOOL
\setenv CONTROL :control
\! $CONTROL reset
CREATE SCHEMA far;
CREATE SCHEMA near;
CREATE TABLE near.w (id bigint, n int, d date, b boolean, c boolean, s text, digits text, seldom text);
INSERT INTO near.w SELECT i, i % 4, date '2023-11-28' + i * 9, nullif(i % 3, 0) = 1, i % 2 = 0,
  (ARRAY['Paid', 'paid', 'Open', 'open ', 'Überfällig', 'T', 'true', 'F', 'not paid', 'x'])[1 + i % 10], (i % 5)::text, CASE WHEN i % 6 = 0 THEN 'Late' END FROM generate_series(1, 40) i;
DO $$ BEGIN
  EXECUTE (SELECT format('CREATE FOREIGN TABLE far.w (id bigint, n int OPTIONS (remote_type ''number''), d date OPTIONS (remote_type ''date''), b boolean OPTIONS (remote_type ''boolean''), c boolean, s text OPTIONS (remote_type ''text''), digits text OPTIONS (remote_type ''text''), seldom text OPTIONS (remote_type ''text'')) SERVER ns OPTIONS (query %L, key ''id'', rows ''100000'')',
    string_agg(format('SELECT %s AS id, %s AS n, TO_DATE(%L,''YYYY-MM-DD'') AS d, %L AS b, %L AS c, %L AS s, %L AS digits, %L AS seldom FROM dual', id, n, to_char(d, 'YYYY-MM-DD'), CASE WHEN b THEN 'T' WHEN NOT b THEN 'F' END, CASE WHEN c THEN 'T' ELSE 'F' END, s, digits, seldom), ' UNION ALL ' ORDER BY id)) FROM near.w);
END $$;
\getenv source PG_ABS_SRCDIR
\set near_and_far :source '/sql/near_and_far.inc'
\set ECHO none
\i :near_and_far
SELECT count(*) FROM (SELECT * FROM far.w OFFSET 0) x;
-- choices of literals, alone and beside columns and digits
CREATE TABLE choices (e text);
INSERT INTO choices VALUES ('CASE WHEN n > 1 THEN ''Paid'' ELSE ''not paid'' END'), ('CASE WHEN n > 1 THEN ''a'' WHEN n = 1 THEN ''a '' ELSE ''a  '' END'), ('CASE WHEN n > 2 THEN ''x'' WHEN n > 1 THEN ''X'' WHEN n > 0 THEN ''ẍ'' END'), ('CASE WHEN n > 2 THEN ''0-30'' WHEN n > 1 THEN ''>90'' ELSE ''not due'' END'), ('CASE WHEN n > 2 THEN ''<90'' WHEN n > 1 THEN ''>90'' ELSE ''90'' END'),
  ('coalesce(CASE WHEN n > 2 THEN ''yes'' END, ''no'')'), ('coalesce(s, ''none'')'), ('coalesce(seldom, ''none'')'), ('coalesce(seldom, ''late'')'), ('coalesce(seldom, digits, ''x'')'), ('CASE WHEN n > 1 THEN s ELSE ''paid '' END'), ('CASE WHEN n > 1 THEN digits ELSE ''1 '' END'), ('CASE WHEN s = ''Paid'' THEN ''Paid'' ELSE ''other'' END'),
  ('CASE WHEN b THEN to_char(d, ''YYYY-MM'') ELSE ''none'' END'), ('CASE WHEN b THEN to_char(d, ''YYYY-MM'') ELSE ''202402'' END'), ('CASE WHEN b THEN to_char(d, ''YYYY '') ELSE ''2024'' END'), ('CASE WHEN b THEN ''ja'' END'), ('CASE WHEN b THEN NULL ELSE '' '' END'), ('CASE WHEN b THEN '''' ELSE ''x'' END'), ('CASE WHEN n > 1 THEN CASE WHEN b THEN ''one'' ELSE ''three'' END ELSE s END');
CREATE FUNCTION text_run() RETURNS TABLE (query text, here text, there text) LANGUAGE sql AS $$
  SELECT d.* FROM choices, unnest(ARRAY['SELECT %1$s AS x, count(*) FROM w GROUP BY 1', 'SELECT count(DISTINCT %1$s), count(%1$s) FROM w', 'SELECT min(%1$s COLLATE "C"), max(%1$s COLLATE "C") FROM w', 'SELECT id FROM w WHERE %1$s = ''Paid''', 'SELECT id FROM w WHERE %1$s = ''paid ''', 'SELECT id FROM w WHERE %1$s = ''a''', 'SELECT id FROM w WHERE %1$s <> ''a''', 'SELECT id FROM w WHERE %1$s = s', 'SELECT id FROM w WHERE %1$s IN (''not paid'', ''x'', ''no '', ''yes  '')', 'SELECT id FROM w WHERE NOT (%1$s IN (''not paid'', ''x''))', 'SELECT id FROM w WHERE %1$s LIKE ''%%a''', 'SELECT id FROM w WHERE %1$s LIKE ''n%% ''',
    'SELECT id FROM w WHERE %1$s < ''b'' COLLATE "C"', 'SELECT id FROM w WHERE %1$s IS NULL', 'SELECT id, %1$s AS x FROM w ORDER BY %1$s COLLATE "C", id LIMIT 7', 'SELECT n FROM w GROUP BY n HAVING max(%1$s COLLATE "C") = ''a''', 'SELECT count(*) FILTER (WHERE %1$s = ''a''), sum(CASE WHEN %1$s = ''paid'' THEN 1 ELSE 0 END) FROM w']) q, rows_differ(format(q, e)) d $$;
SELECT * FROM text_run();
\! $CONTROL switch name=case_insensitive value=on
\c -
SELECT * FROM text_run();
\! $CONTROL switch name=accent_insensitive value=on
\! $CONTROL switch name=ignore_trailing_blanks value=on
\! $CONTROL switch name=text_sort value=linguistic
\c -
SELECT * FROM text_run();
\! $CONTROL reset
\c -
-- every way of a boolean into a text, a number, a group or an order
CREATE TABLE ways (e text);
INSERT INTO ways VALUES ('b::text'), ('b::varchar'), ('c::text || ''x'''), ('concat(b, c)'), ('CASE b WHEN true THEN ''yes'' WHEN false THEN ''no'' ELSE ''?'' END'), ('CASE b WHEN c THEN ''same'' ELSE ''other'' END'), ('CASE WHEN b THEN ''true'' ELSE ''false'' END'), ('coalesce(b, c)'), ('coalesce(b::text, ''none'')'), ('coalesce(b, false)'), ('b::int'), ('b = c'), ('b < c'), ('b IS TRUE'), ('b IS NOT FALSE'), ('b IS UNKNOWN'), ('b IS DISTINCT FROM c'), ('nullif(b, c)'), ('greatest(b, c)'), ('b OR c'), ('NOT b'), ('b'), ('CASE WHEN c THEN b ELSE NULL END'), ('upper(c::text)'), ('to_json(b)::text'), ('format(''%s'', b)'), ('ROW(b)::text'), ('lpad(b::text, 5)'), ('quote_literal(c)');
SELECT d.* FROM ways, unnest(ARRAY['SELECT %1$s AS x, count(*) FROM w GROUP BY 1', 'SELECT count(DISTINCT %1$s), count(%1$s) FROM w', 'SELECT min(%1$s::text), max((%1$s)::text COLLATE "C") FROM w', 'SELECT id, %1$s AS x FROM w ORDER BY %1$s, id LIMIT 7', 'SELECT id, %1$s AS x FROM w ORDER BY %1$s DESC NULLS LAST, id LIMIT 7', 'SELECT id FROM w WHERE (%1$s)::text = ''true''', 'SELECT id FROM w WHERE (%1$s)::text <> ''T''', 'SELECT id FROM w WHERE (%1$s)::text IN (''T'', ''false'', ''yes'')', 'SELECT id FROM w WHERE (%1$s)::text LIKE ''t%%''', 'SELECT id FROM w WHERE (%1$s)::text = s', 'SELECT id FROM w WHERE (%1$s) IS NULL', 'SELECT string_agg((%1$s)::text, '','' ORDER BY id) FROM w', 'SELECT n FROM w GROUP BY n HAVING min((%1$s)::text) = ''false''']) q, rows_differ(format(q, e)) d;
SELECT d.* FROM unnest(ARRAY['b', 'NOT b', 'b = c', 'b <> c', 'b > c', 'b = true', 'b IS TRUE', 'b IS NOT TRUE', 'b IS FALSE', 'b IS NOT FALSE', 'b IS UNKNOWN', 'b IS NOT UNKNOWN', '(b AND c) IS NOT TRUE', '(b OR c) IS UNKNOWN', 'b IN (true, NULL)', 'b NOT IN (false)', 'b = ANY (''{t,f}'')', 'coalesce(b, c)', 'coalesce(b, true)', 'CASE WHEN b THEN c ELSE NOT c END', 'b IS NOT DISTINCT FROM c', 'b = (n > 1)', 'b AND s = ''true'' OR c AND s = ''T''', 's = b::text', 's = c::text']) e,
  unnest(ARRAY['SELECT id FROM w WHERE %1$s', 'SELECT id FROM w WHERE NOT (%1$s)', 'SELECT count(*) FILTER (WHERE %1$s), sum(CASE WHEN %1$s THEN 1 ELSE 0 END), bool_and(%1$s), bool_or(b), every(c) FROM w', 'SELECT b, c, count(*) FROM w WHERE %1$s GROUP BY b, c', 'SELECT a.id, w.id FROM near.w a JOIN w ON a.id = w.id AND (a.b = w.c OR %2$s)']) q, rows_differ(format(q, e, regexp_replace(e, '\m([bcns])\M(?!\()', 'w.\1', 'g'))) d;
-- what a parameter is compared with by itself is computed here: two literals would ignore blanks
SET plan_cache_mode = force_generic_plan;
SET search_path = far;
PREPARE pair(text) AS SELECT count(*) FROM w WHERE s = 'Paid' OR $1 = 'a ';
EXECUTE pair('a');
EXECUTE pair('a ');
RESET plan_cache_mode;
-- what is sent
SET search_path = public;
SELECT query_of(format('SELECT %s AS x, count(*) FROM far.w GROUP BY 1', e)) FROM choices;
SELECT query_of('SELECT id FROM far.w WHERE ' || e) FROM unnest(ARRAY['CASE WHEN n > 1 THEN ''Paid'' ELSE ''not paid'' END = ''Paid''', 'coalesce(s, ''none'') = ''none''', 'coalesce(s, ''none'') <> ''none''', 'coalesce(digits, ''none'') = ''none''', 'b::text = ''true''', 'c IS NOT FALSE']) e;
\! $CONTROL reset
SET client_min_messages = warning;
DROP SCHEMA far, near CASCADE;
DROP TABLE choices, ways;
DROP FUNCTION rows_of, rows_differ, text_run, query_of;
