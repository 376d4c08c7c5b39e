-- What texts are written as, and hidden_cast: run on every value that fits, in a session that prefers other things, it is right
CREATE EXTENSION ingest_profile;
SET timezone = 'Europe/Vienna';
SET datestyle = 'SQL, MDY';
CREATE FUNCTION evaluated(expression text, v text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text;
BEGIN
	EXECUTE format('SELECT (%s)::text FROM (SELECT $1 AS value) x', expression) INTO r USING v;
	RETURN r;
EXCEPTION WHEN others THEN RETURN NULL;
END $$;
CREATE TABLE moments AS SELECT timestamp '2021-03-25 02:30:05' + i * interval '1 day 7 hours 11 minutes 13.123456 seconds' AS at FROM generate_series(1, 300) i
	UNION ALL SELECT '2021-03-28 02:30:00.5' UNION ALL SELECT '2024-02-29 00:00:00' UNION ALL SELECT '2023-12-31 12:00:00' UNION ALL SELECT '2024-12-30 23:59:59';
-- dates and times; gives: the day, the second, all of it, in UTC or without a zone
CREATE TABLE forms (id serial, form text, gives text);
INSERT INTO forms (form, gives) VALUES ('YY-MM-DD', 'day'), ('DD.MM.YY', 'day'), ('MM/DD/YY', 'day'), ('DD/MM/YY', 'day'), ('YY/MM/DD', 'day'), ('DD-MM-YY', 'day'), ('FMDD.FMMM.YY', 'day'), ('FMDD FMMonth YYYY', 'day'), ('FMMonth FMDD, YYYY', 'day'), ('Mon FMDD, YYYY', 'day'),
	('FMDD. FMMonth YYYY', 'day'), ('FMDay, FMMonth FMDD, YYYY', 'day'), ('Dy FMDD Mon YYYY', 'day'), ('FMMonth FMDDth, YYYY', 'day'), ('FMDDth "of" FMMonth YYYY', 'day'), ('DDMonYYYY', 'day'), ('DDMONYY', 'day'), ('YYYY-Mon-DD', 'day'), ('DD-MON-YY', 'day'), ('IYYY-"W"IW-ID', 'day'), ('IYYY"W"IWID', 'day'), ('YYYY-DDD', 'day'), ('YYYY"年"FMMM"月"FMDD"日"', 'day'), ('YYYY"년" FMMM"월" FMDD"일"', 'day'),
	('YYYY-MM-DD', 'day'), ('YYYYMMDD', 'day'), ('"  "DD.MM.YYYY" "', 'day'), ('YYYYMMDD"T"HH24MISS"Z"', 'second, UTC'), ('YYYYMMDD"T"HH24MISS', 'second'), ('DD/Mon/YYYY:HH24:MI:SS "+0000"', 'second, UTC'), ('YYYY-MM-DD-HH24.MI.SS.US', 'all'), ('DD-MON-YY HH12.MI.SS.US AM', 'all'),
	('YYYY-MM-DD HH24:MI:SS "UTC"', 'second, UTC'), ('YYYY-MM-DD"T"HH24:MI:SS"Z"', 'second, UTC'), ('DD.MM.YYYY HH24:MI:SS "GMT"', 'second, UTC'), ('DD.MM.YYYY HH24:MI:SS"Z"', 'second, UTC'), ('Dy Mon DD HH24:MI:SS YYYY', 'second'), ('Dy Mon DD HH24:MI:SS "UTC" YYYY', 'second, UTC'),
	('Dy, DD Mon YYYY HH24:MI:SS "+0000"', 'second, UTC'), ('Dy, DD Mon YYYY HH24:MI:SS "GMT"', 'second, UTC'), ('FMMonth FMDD, YYYY, HH12:MI:SS AM', 'second'), ('DD.MM.YYYY HH24:MI:SS', 'second'), ('YYYY-MM-DD HH24:MI:SS.US', 'all'), ('YYYY-MM-DD"T"HH24:MI:SS.US"000"', 'all'), ('MM/DD/YYYY HH12:MI:SS pm', 'second'),
	('FMDD. FMMM. YYYY', 'day'), ('DD. MM. YYYY', 'day'), ('YYYY. MM. DD.', 'day'), ('DD.MM.YYYY"."', 'day'), ('FMDD. FMMM. YYYY"."', 'day'), ('DD.MM.YYYY "г."', 'day'), ('DD. MM. YYYY HH24:MI:SS', 'second'), ('YYYY. MM. DD. HH24:MI:SS', 'second'), ('DD.MM.YYYY "г.", HH24:MI:SS', 'second'),
	('FMMonth FMDD, YYYY "at" HH12:MI:SS AM', 'second'), ('FMDay, FMMonth FMDD, YYYY "at" HH12:MI:SS AM', 'second'), ('DD.MM.YYYY "um" HH24:MI:SS', 'second'), ('FMDD/FMMM/YYYY "à" HH24:MI:SS', 'second');
CREATE FUNCTION wanted(at timestamp, gives text) RETURNS text LANGUAGE sql AS $$ SELECT CASE gives WHEN 'day' THEN at::date::text WHEN 'second' THEN date_trunc('second', at)::text WHEN 'all' THEN at::text ELSE (date_trunc('second', at) AT TIME ZONE 'UTC')::text END $$;
SELECT form, hidden_type, hidden_format, hidden_cast, (SELECT count(*) FROM moments WHERE evaluated(hidden_cast, to_char(at, form)) IS DISTINCT FROM wanted(at, gives)) AS wrong
	FROM forms, profile_stats((SELECT profile(to_char(at, form)) FROM moments)) ORDER BY id;
-- names of months of other languages, in full and as they are abbreviated there
CREATE TABLE names (language text, form text, months text[]);
INSERT INTO names VALUES ('de', 'D. M Y', '{Januar,Februar,März,April,Mai,Juni,Juli,August,September,Oktober,November,Dezember}'), ('de', 'Donnerstag, D. M Y', '{Jan.,Feb.,März,Apr.,Mai,Juni,Juli,Aug.,Sept.,Okt.,Nov.,Dez.}'), ('fr', 'D M Y', '{janvier,février,mars,avril,mai,juin,juillet,août,septembre,octobre,novembre,décembre}'),
	('es', 'D de M de Y', '{enero,febrero,marzo,abril,mayo,junio,julio,agosto,septiembre,octubre,noviembre,diciembre}'), ('es', 'mar, D M Y', '{ene,feb,mar,abr,may,jun,jul,ago,sept,oct,nov,dic}'), ('pt', 'D de M de Y', '{janeiro,fevereiro,março,abril,maio,junho,julho,agosto,setembro,outubro,novembro,dezembro}'),
	('it', 'D M Y', '{gennaio,febbraio,marzo,aprile,maggio,giugno,luglio,agosto,settembre,ottobre,novembre,dicembre}'), ('nl', 'D M Y', '{januari,februari,maart,april,mei,juni,juli,augustus,september,oktober,november,december}'), ('pl', 'D M Y', '{stycznia,lutego,marca,kwietnia,maja,czerwca,lipca,sierpnia,września,października,listopada,grudnia}'),
	('cs', 'D. M Y', '{leden,únor,březen,duben,květen,červen,červenec,srpen,září,říjen,listopad,prosinec}'), ('hr', 'D. M Y', '{siječnja,veljače,ožujka,travnja,svibnja,lipnja,srpnja,kolovoza,rujna,listopada,studenoga,prosinca}'), ('sv', 'D M Y', '{januari,februari,mars,april,maj,juni,juli,augusti,september,oktober,november,december}'),
	('fi', 'D. M Y', '{tammikuuta,helmikuuta,maaliskuuta,huhtikuuta,toukokuuta,kesäkuuta,heinäkuuta,elokuuta,syyskuuta,lokakuuta,marraskuuta,joulukuuta}'), ('tr', 'D M Y', '{Ocak,Şubat,Mart,Nisan,Mayıs,Haziran,Temmuz,Ağustos,Eylül,Ekim,Kasım,Aralık}'), ('ru', 'D M Y', '{января,февраля,марта,апреля,мая,июня,июля,августа,сентября,октября,ноября,декабря}'),
	('el', 'D M Y', '{Ιανουαρίου,Φεβρουαρίου,Μαρτίου,Απριλίου,Μαΐου,Ιουνίου,Ιουλίου,Αυγούστου,Σεπτεμβρίου,Οκτωβρίου,Νοεμβρίου,Δεκεμβρίου}'), ('ru', 'D M Y г.', '{янв.,февр.,мар.,апр.,мая,июн.,июл.,авг.,сент.,окт.,нояб.,дек.}'), ('uk', 'D M Y р.', '{січня,лютого,березня,квітня,травня,червня,липня,серпня,вересня,жовтня,листопада,грудня}'),
	('hu', 'Y. M D.', '{január,február,március,április,május,június,július,augusztus,szeptember,október,november,december}'), ('hr', 'D. M Y.', '{siječnja,veljače,ožujka,travnja,svibnja,lipnja,srpnja,kolovoza,rujna,listopada,studenoga,prosinca}'),
	('tr', 'D M Y Perşembe', '{Ocak,Şubat,Mart,Nisan,Mayıs,Haziran,Temmuz,Ağustos,Eylül,Ekim,Kasım,Aralık}'), ('da', 'torsdag den D. M Y', '{januar,februar,marts,april,maj,juni,juli,august,september,oktober,november,december}'),
	('de-AT', 'D. M Y', '{Jänner,Februar,März,April,Mai,Juni,Juli,August,September,Oktober,November,Dezember}'), ('fr-CA', 'D M Y', '{janv.,févr.,mars,avr.,mai,juin,juill.,août,sept.,oct.,nov.,déc.}'), ('sr', 'D. M Y.', '{januar,februar,mart,april,maj,jun,jul,avgust,septembar,oktobar,novembar,decembar}'),
	('DE', 'D-M-Y', '{JANUAR,FEBRUAR,MÄRZ,APRIL,MAI,JUNI,JULI,AUGUST,SEPTEMBER,OKTOBER,NOVEMBER,DEZEMBER}');
CREATE FUNCTION spelt(at timestamp, form text, months text[]) RETURNS text LANGUAGE sql AS $$ SELECT replace(replace(replace(form, 'D', '<'), 'M', months[extract(month FROM at)::int]), 'Y', extract(year FROM at)::text) $$;
CREATE FUNCTION dated(at timestamp, form text, months text[]) RETURNS text LANGUAGE sql AS $$ SELECT replace(CASE WHEN form LIKE 'Donnerstag%' THEN replace(spelt(at, 'd, D. M Y', months), 'd', 'Donnerstag') ELSE spelt(at, form, months) END, '<', extract(day FROM at)::text) $$;
SELECT language, form, hidden_type, hidden_format, hidden_cast, (SELECT count(*) FROM moments WHERE evaluated(hidden_cast, dated(at, form, months)) IS DISTINCT FROM at::date::text) AS wrong
	FROM names, profile_stats((SELECT profile(dated(at, form, months)) FROM moments)) ORDER BY lower(language), form;
-- numbers: each of these texts of a column, and what it comes to
CREATE TABLE numbers (id serial, texts text[], come_to text[]);
INSERT INTO numbers (texts, come_to) VALUES ('{1.5,-2.25,+3,1e3}', '{1.5,-2.25,3,1000}'), ('{"1,5","-2,25",0,"1234,5"}', '{1.5,-2.25,0,1234.5}'), ('{"1,234.56","12.5","1,234,567.89",3}', '{1234.56,12.5,1234567.89,3}'), ('{"1.234,56","12,5","1.234.567,89",3}', '{1234.56,12.5,1234567.89,3}'),
	('{"60,000","1,500",999}', '{60000,1500,999}'), ('{1.234.567,12.345,7}', '{1234567,12345,7}'), ('{1''234.56,12.5,1’234’567.89}', '{1234.56,12.5,1234567.89}'), ('{"1 234,56","12,5","1 234 567"}', '{1234.56,12.5,1234567}'), ('{"1 234,56","12 567","3,25"}', '{1234.56,12567,3.25}'), ('{"1 234,5","3,25"}', '{1234.5,3.25}'), ('{"12,34,567.50","1,23,456","1,00,00,000"}', '{1234567.50,123456,10000000}'),
	('{1_000_000,2_500,7}', '{1000000,2500,7}'), ('{(123.45),7.5,"(1,234.00)"}', '{-123.45,7.5,-1234.00}'), ('{12-,7.5,"1,234.50-"}', '{-12,7.5,-1234.50}'), ('{"$1,234.50",-$5,"$ 12"}', '{1234.50,-5,12}'), ('{"€ 1.234,50","12,00 €","-3,10 €"}', '{1234.50,12.00,-3.10}'), ('{"12.00 EUR","EUR 7.50","3 EUR"}', '{12.00,7.50,3}'),
	('{12.5%,"7 %",-0.25%}', '{0.125,0.07,-0.0025}'), ('{"12,5 %","7 %"}', '{0.125,0.07}'), ('{−5,"−1,234",7}', '{-5,-1234,7}'), ('{"   42","  7 ",-13}', '{42,7,-13}'), ('{"($5.00)","$1,000.00"}', '{-5.00,1000.00}'), ('{"R$ 1.234,50","R$ 3,10"}', '{1234.50,3.10}'),
	('{"-Rp 300.000,00","Rp 12,50"}', '{-300000.00,12.50}'), ('{"-￥300,000",￥12}', '{-300000,12}'), ('{"%10,5","-%7,0"}', '{0.105,-0.07}'), ('{"1 234,50 лв.","7,00 лв."}', '{1234.50,7.00}'), ('{"-IDR 300.000,00","IDR 7,50"}', '{-300000.00,7.50}');
SELECT texts, hidden_type, hidden_cast, (SELECT count(*) FROM unnest(texts, come_to) x (t, c) WHERE evaluated(hidden_cast, t)::numeric IS DISTINCT FROM c::numeric) AS wrong
	FROM numbers, profile_stats((SELECT profile(t) FROM unnest(texts) t)) ORDER BY id;
-- all together tell that points divide thousands: none but three digits behind any, zeros at the end, nothing large without; not where decimals are usual
SELECT what, hidden_type, hidden_cast, evaluated(hidden_cast, '2.890') AS comes_to FROM (SELECT 'groups' AS what, profile(replace(to_char(i * i * 10, 'FM999,999,999'), ',', '.')) AS s FROM generate_series(1, 200) i
	UNION ALL SELECT 'groups of five digits and more', profile(CASE WHEN i * i * 7 < 10000 THEN (i * i * 7)::text ELSE replace(to_char(i * i * 10, 'FM999,999,999'), ',', '.') END) FROM generate_series(1, 300) i WHERE i * i * 10 < 1000000
	UNION ALL SELECT 'three decimals', profile(((1000 + i * 10) / 1000.0)::numeric(9,3)::text) FROM generate_series(1, 200) i
	UNION ALL SELECT 'decimals', profile(trim_scale((1000 + i * 7) / 1000.0)::text) FROM generate_series(1, 2000) i) x, profile_stats(s) ORDER BY what;
-- codes are none: leading zeros, even few; both decimal signs; what all have nine digits in threes
SELECT hidden_type, hidden_cast FROM profile_stats((SELECT profile(CASE WHEN i % 400 = 0 THEN '0' ELSE '1' END || (1000 + i)) FROM generate_series(1, 2000) i));
SELECT hidden_type FROM profile_stats((SELECT profile(CASE WHEN i % 2 = 0 THEN i || ',5' ELSE i || '.25' END) FROM generate_series(1, 200) i));
SELECT hidden_type FROM profile_stats((SELECT profile('732 ' || (100 + i) || ' 320') FROM generate_series(1, 200) i));
-- truths of many languages; half of a pair, or codes of which some are one, are none
CREATE TABLE truths (id serial, texts text[], come_to boolean[]);
INSERT INTO truths (texts, come_to) VALUES ('{Y,N}', '{t,f}'), ('{yes,no,Yes}', '{t,f,t}'), ('{T,F}', '{t,f}'), ('{1,0}', '{t,f}'), ('{.T.,.F.}', '{t,f}'), ('{enabled,Disabled}', '{t,f}'), ('{Ja,Nein}', '{t,f}'), ('{J,N}', '{t,f}'), ('{wahr,falsch}', '{t,f}'), ('{oui,non,Non}', '{t,f,f}'), ('{O,N}', '{t,f}'), ('{VRAI,FAUX}', '{t,f}'), ('{V,F}', '{t,f}'),
	('{sí,no,SÍ}', '{t,f,t}'), ('{S,N}', '{t,f}'), ('{sì,no}', '{t,f}'), ('{sim,não}', '{t,f}'), ('{ja,nee}', '{t,f}'), ('{tak,nie}', '{t,f}'), ('{ano,ne}', '{t,f}'), ('{áno,nie}', '{t,f}'), ('{igen,nem}', '{t,f}'), ('{da,nu}', '{t,f}'), ('{ja,nej}', '{t,f}'), ('{ja,nei}', '{t,f}'), ('{kyllä,ei}', '{t,f}'), ('{evet,hayır,HAYIR}', '{t,f,f}'), ('{да,нет,ДА}', '{t,f,t}'),
	('{так,ні}', '{t,f}'), ('{да,не}', '{t,f}'), ('{da,ne}', '{t,f}'), ('{ναι,όχι}', '{t,f}'), ('{はい,いいえ}', '{t,f}'), ('{是,否}', '{t,f}'), ('{예,아니오}', '{t,f}'), ('{نعم,لا}', '{t,f}'), ('{כן,לא}', '{t,f}'), ('{ya,tidak}', '{t,f}'), ('{có,không}', '{t,f}'), ('{taip,ne}', '{t,f}'), ('{N}', NULL), ('{x}', NULL), ('{T,N,X,Y}', NULL), ('{Y,N,U}', NULL), ('{1,0,2}', NULL);
SELECT texts, hidden_type, hidden_cast, CASE WHEN come_to IS NOT NULL THEN (SELECT count(*) FROM unnest(texts, come_to) x (t, c) WHERE evaluated(hidden_cast, t)::boolean IS DISTINCT FROM c) END AS wrong
	FROM truths, profile_stats((SELECT profile(t) FROM unnest(texts) t, generate_series(1, 20))) ORDER BY id;
-- others
SELECT t, (SELECT hidden_type FROM profile_stats((SELECT profile(v) FROM unnest(t) v))) FROM (VALUES ('{[tag12],[20K01]}'::text[]), ('{"[1, x]"}'), ('{"{\"a\" 1}"}'), ('{"{\"a\": [1, {\"b\": null}]}","[]"}'), ('{3:16,1:01,9:59}'), ('{10:15,9:30}'), ('{1.2.10,1.2.11,2.0.12}'), ('{05.03.2567,06.03.2567}'), ('{0999-12-31,1000-01-01}')) x (t);
-- days and months that may be swapped have no cast; two languages in which a word is another month neither
SELECT hidden_format, hidden_cast FROM profile_stats((SELECT profile(t) FROM unnest('{01/02/2024,03/04/2024}'::text[]) t));
SELECT hidden_format, hidden_cast FROM profile_stats((SELECT profile(i || ' listopad 2020') FROM generate_series(1, 28) i));
-- a column is called by its name
CREATE TABLE "Odd" ("Due ""day""" text);
INSERT INTO "Odd" SELECT to_char(at, 'DD.MM.YY') FROM moments;
SELECT hidden_cast FROM profile_table('"Odd"') \gset
SELECT count(*) FROM "Odd" WHERE :hidden_cast BETWEEN '2021-01-01' AND '2024-12-31';
-- names of month and day are read in one language: juli is July in Faroese too, but fre. is Friday in Norwegian
SELECT hidden_format, evaluated(hidden_cast, 'fre. 1. juli 2016') FROM profile_stats((SELECT profile((ARRAY['man.','tir.','ons.','tor.','fre.'])[1 + i % 5] || ' ' || 1 + i % 28 || '. ' || (ARRAY['juni','juli','aug.','mars','feb.'])[1 + i % 5] || ' ' || 2010 + i % 14) FROM generate_series(1, 300) i));
-- nothing is nothing, not the first day of all
SELECT hidden_cast, evaluated(hidden_cast, '') IS NULL AS nothing FROM (SELECT profile(CASE WHEN i % 50 = 0 THEN '' ELSE to_char(timestamp '2024-01-01' + i * interval '1 hour', f) END) AS s
	FROM unnest(ARRAY['DD.MM.YYYY', 'MM/DD/YY HH24:MI', 'DD/MM/YYYY HH24:MI:SS "UTC"', 'DD" märz "YYYY']) f, generate_series(1, 600) i GROUP BY f) x, profile_stats(s) ORDER BY hidden_cast COLLATE "C";
-- what does not fit is an error, not another value
SELECT read_number('1.5', ',');
SELECT read_number('12,34', '.');
SELECT read_number('1', ';');
SELECT read_boolean('perhaps');
SELECT read_months('5 March 2024', 'xx');
SELECT read_months('mar 5 mar 2024', 'es'), read_months('Di., 5. März 2024', 'de'), read_months('', 'en');
-- blanks that no cast skips, and one behind a sign
CREATE TEMP TABLE odd_blanks AS
SELECT i || U&'\00a0' AS behind, U&'\2009' || i || '.5' AS before, '- ' || i AS sign, '$1.234' AS dollars, ' ' || i || ' ' AS plain FROM generate_series(2, 300) i;
SELECT column_name, hidden_type, hidden_cast FROM profile_table('odd_blanks');
DROP TABLE odd_blanks;
DROP TABLE moments, forms, names, numbers, truths, "Odd";
DROP FUNCTION evaluated(text, text), wanted(timestamp, text), spelt(timestamp, text, text[]), dated(timestamp, text, text[]);
DROP EXTENSION ingest_profile;
