-- Calendars: PostgreSQL's is Gregorian from its beginning, Oracle's Julian until 1582-10-04, after which came the 15th
SET search_path = public;
SET statement_timeout = '10min';
SET TimeZone = 'UTC';
SET datestyle = 'ISO';
CREATE SCHEMA far;
CREATE SCHEMA near;
CREATE TABLE near.o AS SELECT row_number() OVER (ORDER BY d, e) AS id, d, e, d + time '06:00' AS tl, (d + time '06:00') AT TIME ZONE 'UTC' AS ts FROM unnest(ARRAY[date '0001-01-01', '0004-03-01', '1000-01-01', '1500-02-28', '1500-03-01', '1582-10-03', '1582-10-04', '1582-10-15', '1582-10-16', '1600-02-29', '1700-03-01', '2024-02-29', '9999-12-31', NULL]) d, unnest(ARRAY[date '0001-01-01', '1582-10-04', '1582-10-15', '2024-03-01']) e;
DO $$ BEGIN
  EXECUTE (SELECT format('CREATE FOREIGN TABLE far.o (id bigint, d date, e date, tl timestamp, ts timestamptz OPTIONS (column_name ''tl'')) SERVER ns OPTIONS (query %L, key ''id'', rows ''100000'')',
    string_agg(format('SELECT %s AS id, %s AS d, TO_DATE(%L,''YYYY-MM-DD'') AS e, %s AS tl FROM dual', id, coalesce(format('TO_DATE(%L,''YYYY-MM-DD'')', to_char(d::timestamp, 'YYYY-MM-DD')), 'CASE WHEN 1 = 0 THEN TO_DATE(''2000-01-01'',''YYYY-MM-DD'') END'), to_char(e::timestamp, 'YYYY-MM-DD'), coalesce(format('TO_DATE(%L,''YYYY-MM-DD HH24:MI:SS'')', to_char(tl, 'YYYY-MM-DD HH24:MI:SS')), 'CASE WHEN 1 = 0 THEN TO_DATE(''2000-01-01'',''YYYY-MM-DD'') END')), ' UNION ALL ' ORDER BY id)) FROM near.o);
END $$;
\getenv source PG_ABS_SRCDIR
\set near_and_far :source '/sql/near_and_far.inc'
\set ECHO none
\i :near_and_far
SELECT count(*), count(d), min(tl), max(tl) FROM (SELECT * FROM far.o OFFSET 0) x;
-- days between, compared with as many as there are, and one more and less
SELECT d.* FROM unnest(ARRAY['d - e', 'e - d', 'd - date ''2024-01-01''', 'date ''2024-01-01'' - d', 'd - date ''1500-01-01''', '(d - e)::bigint']) x, unnest('{=,<>,<,>=}'::text[]) op, (SELECT DISTINCT n.d - o.e + i AS n FROM near.o n, near.o o, generate_series(-1, 1) i WHERE n.d IS NOT NULL) n, unnest(ARRAY['SELECT id FROM o WHERE %s %s %s', 'SELECT id FROM o WHERE NOT (%s %s %s OR e < ''1600-01-01'')']) q, rows_differ(format(q, x, op, n)) d WHERE abs(n) < 2000 OR n % 5 = 0;
SELECT d.* FROM unnest(ARRAY['SELECT sum(d - e), max(e - d), avg(d - e) FROM o', 'SELECT d - e, count(*) FROM o GROUP BY 1', 'SELECT count(DISTINCT d - e) FROM o', 'SELECT id FROM o WHERE (d - e) * 2 > 100', 'SELECT id FROM o WHERE d - e > e - d', 'SELECT id FROM o WHERE d - e IN (0, 1, 10, 152384)', 'SELECT id FROM o ORDER BY d - e, id LIMIT 5', 'SELECT id FROM o WHERE abs(d - e) > 100000', 'SELECT count(*) FILTER (WHERE d - e > 11) FROM o', 'SELECT count(*) FROM o WHERE d - e > 11', 'SELECT id FROM o WHERE CASE WHEN d - e > 11 THEN true ELSE false END', 'SELECT id FROM o WHERE d - e IS NULL', 'SELECT a.id, b.id FROM near.o a JOIN o b ON a.id = b.id AND b.d - b.e > a.d - a.e - 1']) q, rows_differ(q) d;
-- values within the days that there are not, and around
SELECT d.* FROM unnest('{d,tl,ts}'::text[]) c, unnest('{=,<>,<,<=,>,>=}'::text[]) op, unnest(ARRAY['date ''1582-10-04''', 'date ''1582-10-05''', 'date ''1582-10-10''', 'date ''1582-10-14''', 'date ''1582-10-15''', 'timestamp ''1582-10-04 12:00''', 'timestamp ''1582-10-10 12:00''', 'timestamp ''1582-10-14 23:59:59.5''', 'timestamp ''1582-10-15 06:00''', 'timestamptz ''1582-10-10 12:00+00''', 'timestamptz ''1582-10-15 06:00+00''', 'date ''1500-03-01''', 'date ''1500-02-28''']) v, rows_differ(format('SELECT id FROM o WHERE %s %s %s', c, op, v)) d;
SELECT d.* FROM unnest(ARRAY['SELECT coalesce(d, ''1582-10-10''), count(*) FROM o GROUP BY 1', 'SELECT max(CASE WHEN d > ''1582-10-12'' THEN d ELSE ''1582-10-10'' END), min(coalesce(d, ''1582-10-14'')) FROM o', 'SELECT id FROM o WHERE d IN (''1582-10-10'', ''1582-10-15'')', 'SELECT id FROM o WHERE d BETWEEN ''1582-10-05'' AND ''1582-10-14''', 'SELECT id FROM o WHERE coalesce(d, ''1582-10-10'') = ''1582-10-10''', 'SELECT date_trunc(''month'', d), to_char(d, ''YYYY-MM-DD''), extract(quarter FROM d), count(*) FROM o GROUP BY 1, 2, 3', 'SELECT min(d), max(d), count(DISTINCT d) FROM o WHERE d < ''1582-10-11''']) q, rows_differ(q) d;
-- what is sent
SELECT query_of('SELECT id FROM far.o WHERE ' || c) FROM unnest(ARRAY['d - e > 30', 'current_date - d > 30', 'd - date ''1500-01-01'' > 30', 'd - e > 30 AND id < 5', 'd = ''1582-10-10''', 'd < ''1582-10-10''', 'tl >= ''1582-10-10 12:00''']) c;
SET client_min_messages = warning;
DROP SCHEMA far, near CASCADE;
DROP FUNCTION rows_of, rows_differ, query_of;
