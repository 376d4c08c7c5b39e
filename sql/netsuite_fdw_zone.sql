-- Zones that skipped a whole day: Samoa and Tokelau 2011-12-30, the Line Islands 1994-12-31, Kwajalein 1993-08-21; and one that had a day twice
SET search_path = public;
SET statement_timeout = '10min';
SET datestyle = 'ISO';
\getenv url NS_URL
\getenv ca NS_CA
CREATE SCHEMA far;
CREATE SCHEMA near;
\getenv source PG_ABS_SRCDIR
\set near_and_far :source '/sql/near_and_far.inc'
\set ECHO none
\i :near_and_far
-- walls around a day: a server in that zone, and a table on each side
CREATE FUNCTION zone_world(zone text, day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE q text; BEGIN
  EXECUTE format('CREATE SERVER zoned FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (account ''1234567_SB1'', base_url %L, ca_file %L, timezone %L)', current_setting('my.url'), current_setting('my.ca'), zone);
  CREATE USER MAPPING FOR CURRENT_USER SERVER zoned OPTIONS (consumer_key 'sandbox-consumer-key', consumer_secret 'sandbox-consumer-secret', token_id 'sandbox-token-id', token_secret 'sandbox-token-secret');
  -- only what the zone has: that of another wall clock, read and shown again, is another
  EXECUTE format('CREATE TABLE near.e AS SELECT row_number() OVER (ORDER BY w) AS id, w AT TIME ZONE %1$L AS ts, w AS tl, w::date AS day, (day + (i - 3)) AS d FROM (SELECT %2$L::timestamp + (x * interval ''6 hours 59 minutes 59 seconds'') - interval ''3 days'' AS w, x / 4 AS i, %2$L::date AS day FROM generate_series(0, 24) x UNION SELECT %2$L::timestamp + x * interval ''1 day'', x + 3, %2$L::date FROM generate_series(-3, 3) x) y WHERE (w AT TIME ZONE %1$L) AT TIME ZONE %1$L = w', zone, day);
  SELECT string_agg(format('SELECT %s AS id, TO_DATE(%L,''YYYY-MM-DD HH24:MI:SS'') AS w, TO_DATE(%L,''YYYY-MM-DD'') AS d FROM dual', id, to_char(tl, 'YYYY-MM-DD HH24:MI:SS'), to_char(d::timestamp, 'YYYY-MM-DD')), ' UNION ALL ' ORDER BY id) FROM near.e INTO q;
  EXECUTE format('CREATE FOREIGN TABLE far.e (id bigint, ts timestamptz OPTIONS (column_name ''w''), tl timestamp OPTIONS (column_name ''w''), day date OPTIONS (column_name ''w''), d date) SERVER zoned OPTIONS (query %L, key ''id'', rows ''100000'')', q);
END $$;
SELECT set_config('my.url', :'url', false) IS NOT NULL AND set_config('my.ca', :'ca', false) IS NOT NULL AS set;
CREATE FUNCTION zone_run(zone text, day date) RETURNS TABLE (account text, session text, query text, here text, there text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM zone_world(zone, day);
  account := zone;
  FOREACH session IN ARRAY ARRAY[zone, 'UTC', 'America/Los_Angeles', 'Pacific/Apia', 'Pacific/Kiritimati'] LOOP
    PERFORM set_config('TimeZone', session, true);
    RETURN QUERY SELECT zone, current_setting('TimeZone'), d.* FROM unnest('{ts,tl,day,d}'::text[]) c, unnest('{=,<>,<,<=,>,>=}'::text[]) o,
      unnest(ARRAY[-1, -0.5, 0, 0.5, 1, 2]) p, unnest(ARRAY['timestamptz', 'timestamp', 'date', 'instant']) t,
      LATERAL rows_differ(format('SELECT id FROM e WHERE %s %s %s', c, o, CASE t WHEN 'instant' THEN format('timestamptz %L', ((day + p * interval '1 day') AT TIME ZONE zone)) ELSE format('%s %L', t, day + p * interval '1 day') END)) d;
    RETURN QUERY SELECT zone, current_setting('TimeZone'), d.* FROM unnest(ARRAY['SELECT * FROM e', 'SELECT min(ts), max(ts), min(tl), max(day), min(d), count(DISTINCT ts), count(DISTINCT day) FROM e', 'SELECT date_trunc(''day'', d), count(*) FROM e GROUP BY 1', 'SELECT date_trunc(''month'', d), count(*), count(DISTINCT date_trunc(''day'', d)) FROM e GROUP BY 1', 'SELECT date_trunc(''year'', d), to_char(d, ''YYYY-MM-DD''), count(*) FROM e GROUP BY 1, 2', 'SELECT to_char(d::timestamp, ''YYYY-MM-DD''), extract(year FROM d), date_trunc(''month'', d::timestamp), count(*) FROM e GROUP BY 1, 2, 3', 'SELECT max(date_trunc(''month'', d)), min(to_char(day, ''YYYY-MM-DD'') COLLATE "C"), max(coalesce(date_trunc(''quarter'', d), ts)) FROM e', 'SELECT date_trunc(''month'', day), min(date_trunc(''day'', d)), max(ts) FROM e GROUP BY 1',
      'SELECT ts, count(*) FROM e GROUP BY ts', 'SELECT id FROM e ORDER BY ts DESC, id LIMIT 5', 'SELECT id FROM e WHERE ts = tl', 'SELECT id FROM e WHERE day = d', 'SELECT id FROM e WHERE ts BETWEEN ''2011-12-30'' AND ''2011-12-31''', format('SELECT id FROM e WHERE date_trunc(''day'', d) = %L', day), format('SELECT id FROM e WHERE date_trunc(''day'', d) < %L', day + 1), format('SELECT id FROM e WHERE to_char(d, ''YYYY-MM-DD'') = %L', day), format('SELECT id FROM e WHERE date_trunc(''month'', d) >= %L', day), format('SELECT id FROM e WHERE d IN (%L, %L) OR ts IN (%L, %L)', day, day + 1, day, day + 1),
      format('SELECT a.id, b.id FROM near.e a JOIN e b ON a.ts = b.ts AND a.day = b.day'), format('SELECT a.id, b.id FROM near.e a JOIN e b ON a.d > b.ts AND a.d <= b.tl')]) q, rows_differ(q) d;
  END LOOP;
  SET client_min_messages = warning;
  DROP SERVER zoned CASCADE;
  DROP TABLE near.e;
  RESET client_min_messages;
END $$;
SELECT r.* FROM (VALUES ('Pacific/Apia', date '2011-12-30'), ('Pacific/Fakaofo', '2011-12-30'), ('Pacific/Kiritimati', '1994-12-31'), ('Pacific/Kwajalein', '1993-08-21'), ('America/Juneau', '1867-10-18'), ('America/Santiago', '2023-09-03')) z(zone, day), zone_run(zone, day) r;
-- a plan that was made in another zone
SELECT zone_world('Pacific/Kiritimati', '1994-12-31');
SET TimeZone = 'UTC';
SET plan_cache_mode = force_generic_plan;
PREPARE months AS SELECT date_trunc('month', d) AS month, count(*) FROM far.e GROUP BY 1 ORDER BY 1;
EXECUTE months;
SET TimeZone = 'Pacific/Kiritimati';
EXECUTE months;
EXECUTE months;
SELECT date_trunc('month', d) AS month, count(*) FROM near.e GROUP BY 1 ORDER BY 1;
RESET plan_cache_mode;
SET client_min_messages = warning;
DROP SERVER zoned CASCADE;
DROP TABLE near.e;
RESET client_min_messages;
SET TimeZone = 'UTC';
-- a datetime of a day that the zone does not have is refused, like one of a skipped hour; as a date, or a wall clock, it is one
SELECT zone_world('Pacific/Apia', '2011-12-30') IS NULL AS made;
SELECT count(*) AS walls, count(*) FILTER (WHERE day = '2011-12-30') AS of_that_day, count(*) FILTER (WHERE d = '2011-12-30') AS dates FROM far.e;
ALTER FOREIGN TABLE far.e OPTIONS (SET query 'SELECT 1 AS id, TO_DATE(''2011-12-30 12:00:00'',''YYYY-MM-DD HH24:MI:SS'') AS w, TO_DATE(''2011-12-30'',''YYYY-MM-DD'') AS d FROM dual');
SET TimeZone = 'Pacific/Apia';
SELECT tl, day, d FROM far.e;
SELECT ts FROM far.e;
SELECT netsuite_moment('zoned', '2011-12-30 00:00:00');
SELECT netsuite_moment('zoned', '2011-12-30 23:59:59');
SELECT netsuite_moment('zoned', '2011-12-29 23:59:59'), netsuite_moment('zoned', '2011-12-31 00:00:00'), netsuite_wall_clock('zoned', '2011-12-30 09:59:59+00'), netsuite_wall_clock('zoned', '2011-12-30 10:00:00+00');
SELECT id FROM far.e WHERE tl = '2011-12-30 12:00' AND day = '2011-12-30' AND d = '2011-12-30' AND date_trunc('day', d) = timestamptz '2011-12-31 00:00';
SET client_min_messages = warning;
DROP SERVER zoned CASCADE;
DROP SCHEMA far, near CASCADE;
DROP FUNCTION rows_of, rows_differ, query_of, zone_run, zone_world;
