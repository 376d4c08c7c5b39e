-- What is said of a text column's type holds for its values: a format reads each that fits, in every session
CREATE EXTENSION ingest_profile;
SET timezone = 'Asia/Kolkata';
SET datestyle = 'SQL, DMY';
CREATE TABLE moments AS SELECT timestamp '2023-01-31 00:04:05' + i * interval '1 day 7 hours 11 minutes 13.123456 seconds' AS at, i FROM generate_series(1, 300) i;
CREATE TABLE written (kind text, a text, b text DEFAULT NULL, c text DEFAULT NULL);
INSERT INTO written (kind, a, b) VALUES
	('blank', 'YYYY-MM-DD HH24:MI:SS', NULL), ('T', 'YYYY-MM-DD"T"HH24:MI:SS', NULL), ('T, minutes', 'YYYY-MM-DD"T"HH24:MI', NULL), ('T and blank', 'YYYY-MM-DD"T"HH24:MI:SS', 'YYYY-MM-DD HH24:MI:SS'),
	('fraction', 'YYYY-MM-DD HH24:MI:SS.US', NULL), ('milliseconds', 'YYYY-MM-DD"T"HH24:MI:SS.MS', NULL), ('fraction or not', 'YYYY-MM-DD HH24:MI:SS.US', 'YYYY-MM-DD HH24:MI:SS'),
	('comma', 'YYYY-MM-DD HH24:MI:SS,MS', NULL), ('seconds or not', 'YYYY-MM-DD HH24:MI:SS', 'YYYY-MM-DD HH24:MI'), ('half a day', 'MM/DD/YYYY HH12:MI:SS AM', NULL), ('half a day, small', 'DD.MM.YYYY HH12:MIam', NULL),
	('half and whole', 'YYYY-MM-DD HH12:MI AM', 'YYYY-MM-DD HH24:MI'), ('Z', 'YYYY-MM-DD"T"HH24:MI:SS"Z"', NULL), ('Z and none', 'YYYY-MM-DD"T"HH24:MI:SS"Z"', 'YYYY-MM-DD"T"HH24:MI:SS'),
	('zone', 'YYYY-MM-DD HH24:MI:SS"+02"', NULL), ('zone with minutes', 'YYYY-MM-DD"T"HH24:MI:SS"-03:30"', NULL), ('zone without colon', 'YYYY-MM-DD HH24:MI:SS.US"+0530"', NULL),
	('two zones', 'YYYY-MM-DD HH24:MI:SS"+02"', 'YYYY-MM-DD HH24:MI:SS"+02:00"'), ('zone and Z', 'YYYY-MM-DD"T"HH24:MI:SS"+02:00"', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ('compact', 'YYYYMMDD"T"HH24:MI:SS', NULL),
	('dotted', 'DD.MM.YYYY HH24:MI', NULL), ('dotted T', 'DD.MM.YYYY"T"HH24:MI:SS', NULL), ('named', 'DD-Mon-YYYY HH24:MI', NULL), ('24:00', 'YYYY-MM-DD HH24:MI:SS', 'YYYY-MM-DD "24:00:00"'), ('a second more', 'YYYY-MM-DD HH24:MI:SS', 'YYYY-MM-DD "23:59:60"'),
	('day', 'YYYY-MM-DD', NULL), ('day, slashes', 'YYYY/MM/DD', NULL), ('day, compact', 'YYYYMMDD', NULL), ('day, two signs', 'YYYY-MM-DD', 'YYYY/MM/DD'), ('day, with and without', 'YYYY-MM-DD', 'YYYYMMDD'),
	('day, short', 'FMDD/FMMM/YYYY', NULL), ('day, British', 'DD/MM/YYYY', NULL), ('day, US', 'MM-DD-YYYY', NULL), ('day, both', 'DD/MM/YYYY', 'MM/DD/YYYY'), ('day, named', 'DD Mon YYYY', NULL), ('day, dots and slashes', 'DD.MM.YYYY', 'DD/MM/YYYY'),
	('rarely another', 'YYYY-MM-DD', NULL);
UPDATE written SET c = 'DD.MM.YYYY' WHERE kind = 'rarely another';
CREATE TABLE texts AS SELECT kind, at, to_char(at, CASE WHEN c IS NOT NULL AND i = 299 THEN c WHEN i % 2 = 0 THEN coalesce(b, a) ELSE a END) AS t FROM written, moments;
-- how each is read back, and what it should come to
CREATE FUNCTION read_back(type text, format text, t text) RETURNS timestamp LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE WHEN format = 'ISO 8601' AND type = 'timestamptz' THEN t::timestamptz AT TIME ZONE 'UTC' WHEN format = 'ISO 8601' THEN t::timestamp
		WHEN type = 'timestamptz' THEN to_timestamp(t, format) AT TIME ZONE 'UTC' WHEN type = 'date' THEN to_date(t, format) ELSE to_timestamp(t, format)::timestamp END;
EXCEPTION WHEN others THEN RETURN NULL;
END $$;
SELECT w.kind, hidden_type, hidden_format, hidden_share, CASE WHEN hidden_format <> 'several formats' THEN
	(SELECT count(*) FROM texts x WHERE x.kind = w.kind AND read_back(hidden_type, hidden_format, t) IS NOT DISTINCT FROM CASE
		WHEN w.kind LIKE 'day%' THEN date_trunc('day', at)
		WHEN w.kind = '24:00' AND t LIKE '%24:00:00' OR w.kind = 'a second more' AND t LIKE '%23:59:60' THEN date_trunc('day', at) + interval '1 day'
		ELSE date_trunc(CASE WHEN t ~ ':\d\d[.,]\d{6}' THEN 'microseconds' WHEN t ~ ':\d\d[.,]\d{3}' THEN 'milliseconds' WHEN t ~ '\d:\d\d:\d\d' THEN 'seconds' ELSE 'minutes' END, at)
			- CASE substring(t FROM '[+-]\d\d:?\d*$') WHEN '+02' THEN interval '2 hours' WHEN '+02:00' THEN '2 hours' WHEN '-03:30' THEN '-3 hours -30 minutes' WHEN '+0530' THEN '5 hours 30 minutes' ELSE '0' END END) END AS right_of_300
FROM written w, profile_stats((SELECT profile(t) FROM texts WHERE texts.kind = w.kind));
SELECT hidden_type, hidden_format FROM profile_stats((SELECT profile('2024-03-05T10:00:00.123456' || i % 10) FROM generate_series(1, 50) i));
-- drift of formats: another order is one, a fraction of a second or a day over 12 is not
CREATE FUNCTION drifts(a text, b text, days int) RETURNS text LANGUAGE sql AS $$ SELECT reasons FROM profile_drift((SELECT profile(to_char(at, a)) FROM moments WHERE extract(day FROM at) <= days), (SELECT profile(to_char(at, b)) FROM moments)) $$;
SELECT a, b, days, coalesce(drifts(a, b, days), '') LIKE '%hidden type%' AS drift FROM (VALUES ('YYYY-MM-DD HH24:MI:SS', 'YYYY-MM-DD HH24:MI:SS.US', 31), ('DD/MM/YYYY', 'DD/MM/YYYY', 12), ('DD/MM/YYYY', 'MM/DD/YYYY', 31), ('YYYY-MM-DD', 'DD/MM/YYYY', 31), ('DD.MM.YYYY', 'DD/MM/YYYY', 12),
	('YYYY-MM-DD HH24:MI', 'YYYY-MM-DD', 31), ('YYYY-MM-DD HH24:MI', 'YYYY-MM-DD HH24:MI"Z"', 31)) v (a, b, days);
DROP FUNCTION drifts(text, text, int);
DROP TABLE moments, written, texts;
DROP FUNCTION read_back(text, text, text);
DROP EXTENSION ingest_profile;
