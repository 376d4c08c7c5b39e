-- What values mean: for each type some that must and some that must not fit.
CREATE EXTENSION ingest_profile;
CREATE TABLE samples (t text, good text[], bad text[]);
INSERT INTO samples VALUES
('email', '{jane@example.com,o''brien@sub.example.co.uk,x.y+tag@example.org,info@münchen.de}', '{jane@,@example.com,jane.example.com,a..b@example.com,jane@example}'),
('jwt', '{eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_123}', '{abc.def.ghi,eyJ}'),
('url', '{https://example.com/a?b=c,www.example.com/x,http://localhost:8080,ftp://files.example.org/x,s3://bucket/key}', '{example.com,http://,https://a b}'),
('uuid', '{6ba7b810-9dad-11d1-80b4-00c04fd430c8,"{6BA7B810-9DAD-11D1-80B4-00C04FD430C8}"}', '{6ba7b810-9dad-11d1-80b4-00c04fd430c,6ba7b8109dad11d180b400c04fd430c8}'),
('mac_address', '{08:00:2b:01:02:03,08-00-2B-01-02-03,0800.2b01.0203}', '{08:00:2b:01:02,08:00:2b:01:02:0g}'),
('cidr', '{10.0.0.0/8,2001:db8::/32}', '{10.0.0.0,10.0.0.0/33,300.0.0.0/8}'),
('ipv4', '{192.168.1.1,8.8.8.8,255.255.255.255}', '{256.1.1.1,1.2.3,1.2.3.4.5,01.2.3.4}'),
('ipv6', '{2001:db8::1,::1,fe80::1:2:3:4,2001:0db8:0000:0000:0000:0000:0000:0001}', '{2001:db8::1::2,1.2.3.4,12:34,g::1}'),
('ip_address', '{192.168.1.1,::1}', '{host,1.2.3}'),
('iban', '{DE89370400440532013000,GB29 NWBK 6016 1331 9268 19,FR1420041010050500013M02606}', '{DE89370400440532013001,DE8937040044053201300,XX89370400440532013000}'),
('sepa_creditor', '{DE98ZZZ09999999999}', '{DE97ZZZ09999999999}'),
('eu_vat', '{DE136695976,ATU13585627,BE0428759497,DK13585628,FI20774740,FR40303265045,IT00743110157,ES54362315K,NL004495445B01,PL8567346215,PT501964843,SE123456789701,LU15027442,EL094259216,SI50223054,SK2022749619,HU12892312,EE100931558,MT11679112,RO18547290,HR33392005961}', '{DE136695975,ATU13585626,FR41303265045,US123456789,IT00743110158}'),
('swiss_uid', '{CHE-100.155.212,CHE100155212MWST}', '{CHE-100.155.213,CHE-100.155}'),
('lei', '{213800KUD8LAJWSQ9D15}', '{213800KUD8LAJWSQ9D16,213800KUD8LAJWSQ9D1}'),
('isin', '{US0378331005,DE0007164600,GB0002634946}', '{US0378331006,0378331005US}'),
('vin', '{1M8GDM9AXKP042788}', '{1M8GDM9A1KP042788,IM8GDM9AXKP042788}'),
('italian_tax_code', '{RSSMRA85T10A562S}', '{RSSMRA85T10A562T,RSSMRA85T10A56}'),
('credit_card', '{4111111111111111,5500005555555559,378282246310005,6011 1111 1111 1117}', '{4111111111111112,1234567812345670,0000000000000000}'),
('isbn13', '{978-3-16-148410-0,9780306406157}', '{9783161484101,1234567890128}'),
('swiss_ahv', '{756.9217.0769.85}', '{756.9217.0769.86}'),
('issn', '{0378-5955,2434-561X}', '{0378-5954,03785955}'),
('br_cnpj', '{11.222.333/0001-81}', '{11.222.333/0001-82}'),
('br_cpf', '{111.444.777-35}', '{111.444.777-36,111.111.111-11}'),
('fr_siret', '{73282932000074}', '{73282932000075}'),
('gtin14', '{10614141000415}', '{10614141000416}'),
('sscc', '{106141412345678908}', '{106141412345678909}'),
('imei', '{490154203237518}', '{490154203237519}'),
('ean13', '{4006381333931}', '{4006381333932,400638133393}'),
('upc_a', '{036000291452}', '{036000291453}'),
('in_gstin', '{27AAPFU0939F1ZV}', '{27AAPFU0939F1XV}'),
('in_pan', '{ABCPE1234F}', '{ABCXE1234F,ABCPE123F}'),
('aadhaar', '{234123412346}', '{234123412347,123412341234}'),
('au_abn', '{51 824 753 556}', '{51 824 753 557}'),
('pl_pesel', '{44051401359}', '{44051401358}'),
('de_tax_id', '{86095742719}', '{86095742718,11111111111}'),
('se_personnummer', '{811218-9876,19811218-9876}', '{811218-9875,811318-9876}'),
('uk_nino', '{AB123456C,AB 12 34 56 C}', '{QQ123456C,AB123456E}'),
('es_nif', '{12345678Z,X1234567L}', '{12345678A,X1234567M}'),
('us_ssn', '{123-45-6789}', '{000-45-6789,666-45-6789,123456789}'),
('us_ein', '{12-3456789}', '{123-456789}'),
('us_npi', '{1234567893}', '{1234567894,3234567893}'),
('uk_nhs', '{943 476 5919}', '{943 476 5918}'),
('isbn10', '{0-306-40615-2,080442957X}', '{0-306-40615-3}'),
('us_routing_number', '{021000021,011401533}', '{021000022,991000021}'),
('nl_bsn', '{111222333}', '{111222334}'),
('fr_siren', '{732829320}', '{732829321}'),
('ca_sin', '{130 692 544}', '{130 692 545}'),
('cusip', '{037833100,38259P508}', '{037833101}'),
('ean8', '{73513537}', '{73513538}'),
('sedol', '{0263494,B0WNLY7}', '{0263495,AEIOU12}'),
('bic', '{DEUTDEFF,DEUTDEFF500}', '{DEUTXXFF,DEUTDEF}'),
('geojson', '{"{\"type\":\"Point\",\"coordinates\":[1,2]}"}', '{"{\"type\":\"x\"}"}'),
('json', '{"{\"a\":1}","[1,2]"}', '{a,"{a}","[1","[tag12]"}'),
('xml', '{<a>1</a>,"<?xml version=\"1.0\"?><a/>"}', '{"<a",a>}'),
('wkt', '{POINT(1 2),"POLYGON ((0 0, 1 1, 1 0, 0 0))"}', '{POINTS,POINT}'),
('sha256', '{e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}', '{e3b0c44298fc1c149afbf4c8996fb924}'),
('sha1', '{da39a3ee5e6b4b0d3255bfef95601890afd80709}', '{da39a3ee}'),
('md5', '{d41d8cd98f00b204e9800998ecf8427e}', '{d41d8cd98f00b204e9800998ecf8427,12345678901234567890123456789012}'),
('hex_color', '{#ff8800,#FFF}', '{ff8800,#ff880}'),
('coordinates', '{"48.2082, 16.3738","(48.2082,16.3738)"}', '{"48.2082","148.2,16.3","3.6,  4.4"}'),
('timestamp', '{"2024-02-29 12:30:00",2024-02-29T12:30:00Z,"2/29/2024 3:04 pm"}', '{2024-02-29,"2024-02-30 12:00:00"}'),
('date', '{2024-02-29,29.02.2024,2/29/2024,29-Feb-2024,20240229}', '{2023-02-29,32.01.2024,2024-13-01}'),
('iso_duration', '{P1Y2M3DT4H5M6S,PT15M}', '{P,1D,PT}'),
('period', '{2024-03,02/2018,2024-Q1,"Q1 2024","Mar 2024",202403}', '{2024-13,2024-Q5}'),
('month_name', '{March,Oct,März,décembre}', '{Monday,13,Marching}'),
('percent', '{12.5%,"7 %"}', '{12.5,%}'),
('money', '{"$1,234.50","€ 12","12.00 EUR",-$5}', '{12.00,$}'),
('grouped_number', '{"60,000","1,234,567.89","1.234.567,89","(1,234,567)"}', '{1234,"1,23,4"}'),
('phone_e164', '{+14155552671,"+49 30 901820"}', '{4155552671,+0155}'),
('phone', '{"(415) 555-2671",415-555-2671,030/901820}', '{4155552671,abc,0.41553233,02134-1234}'),
('mime_type', '{application/json,image/svg+xml}', '{application,foo/bar}'),
('semantic_version', '{1.2.3,v10.0.1-rc.1}', '{1.2,1.2.3.4}'),
('time_zone', '{Europe/Vienna,America/New_York,UTC}', '{Europe/Nowhere,Vienna}'),
('language_tag', '{en-US,zh-Hans-CN,pt_BR}', '{en,xx-US}'),
('cron', '{"*/5 * * * *","0 3 * * 1-5"}', '{"* *","a b c d e"}'),
('file_path', '{/usr/share/doc,"C:\\Users\\x",./run.sh}', '{usr,/}'),
('domain', '{example.com,www.example.co.uk}', '{example,example.notatld,-a.com}'),
('uk_postcode', '{SW1A 1AA,M1 1AE}', '{12345,SW1A}'),
('ca_postcode', '{K1A 0B1}', '{D1A 0B1,K1A}'),
('us_zip4', '{12345-6789}', '{12345}'),
('currency_code', '{USD,EUR,CHF}', '{XYZ,usd}'),
('us_state', '{CA,NY}', '{ZZ,ca}'),
('country_code', '{AT,US}', '{ZZ,at}'),
('country_code3', '{AUT,USA}', '{ZZZ}'),
('language_code', '{de,en}', '{zz,DE}'),
('language_code3', '{deu,ger,eng}', '{zzz,DEU}'),
('iata_airport', '{VIE,JFK}', '{VI,vie}'),
('us_zip', '{12345}', '{1234}'),
('postal_code', '{1010,75008,00-950}', '{1,abc}'),
('latitude', '{48.2082,-33.9}', '{91.0,48}'),
('longitude', '{16.3738,-179.9}', '{181.0,16}'),
('year', '{1999,2024,1565}', '{1492,99}'),
('epoch', '{1700000000,1700000000000}', '{17,99999999999}'),
('base64', '{SGVsbG8gV29ybGQhIQ==,QUJDZGVmMTIzNDU2Nzg5}', '{hello,abc=}'),
('boolean', '{Y,no,TRUE,f}', '{maybe,2}');

-- every type has its samples, and the checks agree with them
SELECT name AS without_samples FROM semantic_types() WHERE name NOT IN (SELECT t FROM samples);
SELECT count(*) >= 40 AS enough FROM semantic_types();
SELECT t, v AS should_fit FROM samples, unnest(good) v WHERE NOT semantic_check(t, v);
SELECT t, v AS should_not_fit FROM samples, unnest(bad) v WHERE semantic_check(t, v);
SELECT semantic_check('no such type', 'x');

-- columns: enough distinct values, and more than nine in ten of them
CREATE FUNCTION meaning(texts text[], name text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$ SELECT semantic_type(profile(t), name) FROM unnest(texts) t $$;
SELECT meaning(ARRAY(SELECT 'user' || i || '@example.com' FROM generate_series(1, 50) i)) AS email,
	meaning(ARRAY(SELECT CASE WHEN i % 20 = 0 THEN 'none' ELSE 'user' || i || '@example.com' END FROM generate_series(1, 200) i)) AS some_strangers,
	meaning(ARRAY(SELECT CASE WHEN i % 5 = 0 THEN 'stranger ' || i ELSE 'user' || i || '@example.com' END FROM generate_series(1, 200) i)) AS too_many,
	meaning(ARRAY['a@example.com', 'b@example.com']) AS too_few;
SELECT meaning(ARRAY(SELECT (1000000000 + i * 97)::text FROM generate_series(1, 300) i)) AS plain_numbers, meaning(ARRAY(SELECT 'AB' || i FROM generate_series(1, 300) i)) AS plain_codes;
-- check digits: all of them right, or it is something else
CREATE FUNCTION ean(i bigint) RETURNS text LANGUAGE sql AS
	$$ SELECT d || (10 - s % 10) % 10 FROM (SELECT d, sum(substr(d, k, 1)::int * CASE WHEN k % 2 = 0 THEN 3 ELSE 1 END) AS s FROM (SELECT (400000000000 + i)::text AS d) x, generate_series(1, 12) k GROUP BY d) y $$;
SELECT meaning(ARRAY(SELECT ean(i * 7919) FROM generate_series(1, 60) i)) AS ean, meaning(ARRAY(SELECT (4000000000000 + i * 7919)::text FROM generate_series(1, 60) i)) AS not_ean,
	semantic_type(profile(ean(i * 7919)::bigint)) AS as_bigint FROM generate_series(1, 60) i;
-- closed lists by themselves if there are many values, else by the column's name
SELECT meaning('{AT,DE,CH,FR,IT,US,GB,NL,BE,ES,PT,PL,CZ,HU,SE,NO,DK,FI,IE,GR,RO,BG,HR,SI}') AS countries, meaning('{AT,DE,CH}') AS few, meaning('{AT,DE,CH}', 'billing_country') AS named,
	meaning('{USD,EUR,CHF}', 'currency') AS currency, meaning('{12345,23456,34567}', 'zip_code') AS zip, meaning('{12345,23456,34567}') AS unnamed;
SELECT meaning(ARRAY(SELECT round((i / 7.0)::numeric, 4)::text FROM generate_series(1, 200) i), 'lat') AS latitude, semantic_type(profile((i / 7.0 + 0.001)::float8), 'lng') AS longitude FROM generate_series(1, 200) i;
-- a name is no evidence by itself, and speaks by whole words at the end of it
CREATE FUNCTION meaning_of(texts text[], name text) RETURNS text LANGUAGE sql AS $$ SELECT semantic_type(profile(t), name) FROM unnest(texts) t $$;
SELECT n, (SELECT semantic_type(profile(round((i * 0.37)::numeric % 80, 2)), n) FROM generate_series(1, 500) i) AS numbers, (SELECT semantic_type(profile(10000 + i), n) FROM generate_series(1, 500) i) AS integers
	FROM unnest('{late_fee,latency_ms,platform_score,population_growth_rate,market_cap,posts_count,runtime_ns,delta_lat,capacity,lat,"Zip Codes"}'::text[]) n;
SELECT meaning_of('{IT,HR,PR,DE,CH}', 'donation_code') AS donation, meaning_of('{CAT,DOG,PIG}', 'airport_pet') AS pet, meaning_of('{VIE,JFK,LHR}', 'origin_airport') AS airport, meaning_of('{xx,yy,zz}', 'country') AS no_country;
-- where from and where to: airports by their form alone, countries and currencies where all are some
SELECT n, v, meaning_of(v::text[], n) FROM unnest('{origin,destination}'::text[]) n, unnest(ARRAY['{VIE,JFK,LHR}', '{AUT,DEU,FRA}', '{USD,EUR,CHF}']) v;
-- form alone is no phone; ten bare digits are where the name says so
SELECT semantic_type(profile(round((i * 0.7717)::numeric % 1, 8))) AS shares, semantic_type(profile((round((i * 0.7717)::numeric % 1, 8))::text)) AS as_texts, semantic_type(profile('0.' || (41553233 + i * 7919))) AS texts, semantic_type(profile((16000 + i) || '-2021')) AS ranges,
	semantic_type(profile((2125550000 + i * 31)::text), 'Fax') AS named, semantic_type(profile(2125550000 + i * 31), 'phone') AS as_bigint, semantic_type(profile((2125550000 + i * 31)::text)) AS bare FROM generate_series(1, 200) i;
-- blanks around, names of months, truths, single groups
SELECT semantic_type(profile(' https://example.com/' || i || ' ')) AS url, semantic_type(profile(' a' || i || '@example.com')) AS email, semantic_type(profile((ARRAY['January','February','March','April','May'])[i % 5 + 1])) AS month, semantic_type(profile((ARRAY['janvier','février','mars','avril','mai'])[i % 5 + 1])) AS mois,
	semantic_type(profile((ARRAY['Yes','No'])[i % 2 + 1])) AS yes, semantic_type(profile((ARRAY['Y','N'])[i % 2 + 1])) AS y, semantic_type(profile((ARRAY['N','S'])[i % 2 + 1])) AS north, semantic_type(profile('N'::text)) AS n, semantic_type(profile(to_char(i * 7919, 'FM999,999,999'))) AS grouped,
	semantic_type(profile((ARRAY['ger','eng','fra','spa'])[i % 4 + 1]), 'language') AS language, semantic_type(profile('www.example' || i || '.com')) AS www FROM generate_series(1, 200) i;
-- numbers by one check are told apart by the name
SELECT semantic_type(profile(t)) AS bare, semantic_type(profile(t), 'ISBN') AS isbn FROM unnest('{0306406152,0451526538,0140449132,0199232768,0198526636,0131103628,0201633612,0596007124,0321356683,0262033844}'::text[]) t;
-- what a name in another language says, with accents or without; what people write under it; and what only looks like it
SELECT n AS named, v AS as_values, meaning AS wrong FROM (VALUES
	('Breitengrad', '{48.20820,-33.92491,7.37868}', 'latitude'), ('Längengrad', '{16.37380,-70.66930,139.69170}', 'longitude'), ('latitud', '{48.20820,-33.92491,7.37868}', 'latitude'), ('geo_lon', '{16.37380,-70.66930,139.69170}', 'longitude'),
	('LANGUE', '{de,en,fr,it}', 'language_code'), ('Sprache', '{de,en,fr,it}', 'language_code'), ('dil', '{tr,en,de}', 'language_code'), ('idioma', '{spa,por,eng,fra}', 'language_code3'), ('tongue', '{de,en,fr,it}', NULL),
	('année', '{1998,2004,2017,2021}', 'year'), ('año', '{1998,2004,2017,2021}', 'year'), ('Baujahr', '{1998,2004,2017,2021}', 'year'), ('year of birth', '{1968,1974,1987,1991}', 'year'), ('years', '{12,3,40,5}', NULL), ('yearly', '{1998,2004,2017,2021}', NULL),
	('Währung', '{EUR,CHF,USD}', 'currency_code'), ('currency', '{DEM,ATS,FRF,ITL}', 'currency_code'), ('moneda', '{EUR,MXN,ARS}', 'currency_code'), ('crypto_name', '{BTC,ETH,XRP}', NULL), ('currency', '{BTC,ETH,XRP}', NULL),
	('país', '{ES,MX,AR,CL}', 'country_code'), ('country_cd', '{AT,DE,CH}', 'country_code'), ('country_of_origin', '{AT,DE,CH}', 'country_code'), ('county', '{AT,DE,CH}', NULL), ('countries_visited', '{AT,DE,CH}', NULL),
	('Postleitzahl', '{1010,8010,4020,5020}', 'postal_code'), ('postnummer', '{"114 55","111 20","753 10"}', 'postal_code'), ('PLZ', '{A-1010,A-8010,D-10115}', 'postal_code'), ('postal code', '{1050AB,1011XZ,9711CC}', 'postal_code'), ('pin_code', '{"110 001","400 001","560 001"}', 'postal_code'), ('post_count', '{1010,8010,4020,5020}', NULL),
	('Handy', '{"0664 1234567","0676/7654321","+43 699 11223344"}', 'phone'), ('Telefon', '{"916 392 270","966 331 659","968 722 817"}', 'phone'), ('teléfono', '{501574764,592218551,508333266}', 'phone'), ('Phone', '{"(415) 555-2671 x12","415.555.2671 ext. 9",415-555-2671}', 'phone'), ('fax', '{0036309177919,0036507365600,0036300988894}', 'phone'),
	('phone_id', '{50157476,59221855,50833326}', NULL), ('Cell', '{207827637,207932307,207932463}', NULL), ('cell phone', '{207827637,207932307,207932463}', 'phone'), ('cell_id', '{15636119,62795687,65385564}', NULL), ('phone_count', '{50157476,59221855,50833326}', NULL), ('phone_price', '{501.57,592.21,508.33}', NULL), ('phone', '{50.157476,59.221855,50.833326}', NULL), ('telemetry', '{501574764,592218551,508333266}', NULL),
	('schedule', '{"0 0 12 * * ?","*/5 * * * MON-FRI","0 3 1 JAN *","15 10 ? * 6L"}', 'cron'), ('schedule', '{"1 2 3 4 5","2 3 4 5 6","3 4 5 6 7"}', NULL),
	('Hostname', '{burns.kiwi,evil-reach.amsterdam,nautical.press,mundane.рф}', 'domain'), ('host', '{a.1,b.22,c.333}', NULL), ('mail_domain', '{example.museum,example.travel,example.zone}', 'domain'),
	('Number', '{"916,392,270","966,331,659","968,722,817","930,398,107","931,398,107","930,398,177","930,398,207","930,391,107"}', 'grouped_number'),
	('month', '{1월,2월,12월,7월}', 'month_name'), ('month', '{1月,2月,12月,7月}', 'month_name'), ('month', '{13月,0月,99月}', NULL),
	('SIN', '{"083 267 252","130 692 544","046 454 286"}', 'ca_sin'), ('card', '{639092853451,180011067636919,4111111111111111,3530111333300000}', 'credit_card'), ('imei', '{490154203237518,013266008012345,356938035643809}', NULL),
	('iban', '{NI45BAPR00000013000003558124,MN121234123456789123,DE89370400440532013000}', 'iban')
) x (n, v, meaning) WHERE meaning_of(v::text[], n) IS DISTINCT FROM meaning;
-- whole numbers mean something in every type, those with a fraction in none but degrees
SELECT semantic_type(profile(y::numeric), 'year') AS numeric, semantic_type(profile(y::float8), 'year') AS float, semantic_type(profile(y + 0.5), 'year') AS fraction, semantic_type(profile(ean(y * 7919)::numeric)) AS ean FROM generate_series(1950, 2020) y;
-- ten digits by modulo 11: dashes tell
SELECT semantic_type(profile(t)) AS isbn FROM unnest('{0-306-40615-2,0-451-52653-8,0-14-044913-2,0-19-923276-8,0-19-852663-6,0-13-110362-8,0-201-63361-2,0-596-00712-4,0-321-35668-3,0-262-03384-4}'::text[]) t;
DROP FUNCTION meaning_of(text[], text);
DROP TABLE samples;
DROP FUNCTION meaning(text[], text), ean(bigint);
DROP EXTENSION ingest_profile;
