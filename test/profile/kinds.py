"""Columns to profile, as SQL expressions over i (1, 2, ...) and random(): every class of type, its extremes, values that
differ in little, and collations that order otherwise than bytes."""

DEFINITIONS = """
CREATE TYPE fz_enum AS ENUM ('z', 'a', 'Ä', '', 'long label with blanks');
CREATE DOMAIN fz_domain AS numeric(12,3) CHECK (value > -1e8);
CREATE DOMAIN fz_second AS fz_domain;
CREATE DOMAIN fz_text AS text COLLATE "C";
CREATE TYPE fz_pair AS (a int, b text, c numeric);
CREATE TYPE fz_range AS RANGE (subtype = float8);
CREATE COLLATION fz_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION fz_numeric (provider = icu, locale = 'en-u-kn-true');
CREATE COLLATION fz_phonebook (provider = icu, locale = 'de-AT-u-co-phonebk');
CREATE COLLATION fz_upper (provider = icu, locale = 'en-u-kf-upper');
CREATE COLLATION fz_shifted (provider = icu, locale = 'en-u-ka-shifted');
CREATE COLLATION fz_czech (provider = icu, locale = 'cs');
CREATE COLLATION fz_estonian (provider = icu, locale = 'et')
"""


def one_of(*texts, cast="", array=""):
    """One of the texts at random, the same chance each."""
    listed = ",".join("'%s'" % t.replace("'", "''") for t in texts)
    return "(ARRAY[%s]%s)[1 + floor(random() * %d)::int]%s" % (listed, array, len(texts), "::" + cast if cast else "")


WORDS = ["a", "A", "ab", "aB", "ch", "cz", "ci", "Ä", "ae", "af", "10", "9", "a10", "a9", "a-b", "ab-", "a b", "s", "z",
         "ž", "š", "t", "h", "i", "ll", "lz", "ñ", "nz", "ß", "ss", "ﬁ"]

KINDS = {
    # integers
    "smallint": "((random() * 65535)::int - 32768)::int2", "integer": "((random() * 4294967295)::int8 - 2147483648)::int4",
    "bigint": "('x' || substr(md5(random()::text), 1, 16))::bit(64)::int8", "few": "(random() * 20)::int - 10", "counted": "i",
    "bigint_ends": one_of("-9223372036854775808", "9223372036854775807", "0", "-1", "1", cast="int8"), "oid": "(random() * 4294967295)::int8::oid",
    "skewed": "floor(exp(random() * 9))::int", "shifted": "1000000000 + (random() * 100)::int",
    # floats
    "float8": "(random() - 0.5) * power(10::float8, (random() * 600 - 300)::int)", "tame": "random() * 1000 - 300", "halves": "(random() * 40)::int / 2.0::float8",
    "float8_odd": one_of("NaN", "inf", "-inf", "0", "-0", "4.9e-324", "1.7976931348623157e308", "-1.7976931348623157e308", "1e-310", "0.5", cast="float8"),
    "float4": "((random() - 0.5) * power(10::float8, (random() * 60 - 30)::int))::float4", "float4_odd": one_of("NaN", "inf", "-inf", "0", "-0", "1e-45", "3.4028235e38", "0.1", cast="float4"),
    # numerics
    "amount": "round((random() * 20000 - 10000)::numeric, 2)", "cents": "round((random() * 20 - 10)::numeric, 2)", "around": "((10000 * (random() * 20)::int - 10000 * (random() * 20)::int) || '.' || lpad((random() * 9999)::int::text, 4, '0'))::numeric",
    "digits": "(CASE WHEN random() < 0.5 THEN '-' ELSE '' END || repeat((1 + (random() * 8)::int)::text, (1 + random() * 40)::int) || '.' || repeat((random() * 9)::int::text, (1 + random() * 40)::int))::numeric",
    "huge": "(CASE WHEN random() < 0.5 THEN '-' ELSE '' END || repeat((1 + (random() * 8)::int)::text, (1 + random() * 1020)::int) || '.' || repeat((random() * 9)::int::text, (1 + random() * 1020)::int))::numeric",
    "scales": one_of("0", "0.0", "0.00", "1", "1.0", "1.00", "-1", "-1.000", "10", "1e1", "100.10", "100.1", cast="numeric"),
    "numeric_odd": one_of("NaN", "Infinity", "-Infinity", "0", "1.5", "-2.50", "1e-1000", "1e1000", "-1e500", cast="numeric"), "tiny": "(random() * 100)::int * ('1e-' || (random() * 60)::int)::numeric",
    "domain": "round((random() * 20000 - 10000)::numeric, 3)::fz_domain", "second_domain": "round((random() * 20000 - 10000)::numeric, 3)::fz_second",
    # days and times
    "boolean": "random() < 0.3", "date": "date '2000-01-01' + (random() * 10000)::int", "date_bc": "date '0001-06-01' - (random() * 10000)::int",
    "date_ends": one_of("infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "2000-01-01", "0001-01-01", "0044-03-15 BC", cast="date"),
    "timestamp": "timestamp '2000-01-01' + random() * interval '20 years'",
    "timestamp_ends": one_of("infinity", "-infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "2000-01-01", "0001-01-01 00:00:00.000001", "0044-03-15 12:00 BC", cast="timestamp"),
    "timestamptz": "timestamptz '1800-01-01' + random() * interval '300 years'", "timestamptz_ends": one_of("infinity", "-infinity", "4713-01-02 00:00:00+00 BC", "294276-12-31 00:00:00+00", "2000-01-01 00:00+00", cast="timestamptz"),
    "time": "time '00:00' + random() * interval '23:59:59'", "time_ends": one_of("24:00:00", "00:00", "23:59:59.999999", cast="time"), "timetz": "(time '00:00' + random() * interval '23:59:59')::text::timetz",
    "interval": "make_interval(months => (random() * 20 - 10)::int, days => (random() * 60 - 30)::int, secs => random() * 1000)", "equal_intervals": one_of("1 month", "30 days", "720 hours", "1 day", "24 hours", cast="interval"),
    # texts
    "text": "md5(random()::text)", "status": one_of("new", "open", "", "0", " done ", "Paid", "VOID"), "name": "substr(md5(random()::text), 1, 3)::name", "code": "'SO' || lpad((random() * 3000)::int::text, 1 + (random() * 8)::int, '0')",
    "words": one_of("a", "A", "ab", "aB", "Ab", "", "  ", " x", "x ", "é", "e", "E", "É", "ß", "ss", "z", "Z", "10", "9", "a-b", "a b", "\t", "x\ny", "ﬁ", "\u00a0x", "\u200b"),
    "varchar": "substr(md5(random()::text), 1, (random() * 6)::int)::varchar(10)", "char": "substr('ab  cd   ', 1, (random() * 9)::int)::char(10)", "byte": one_of("a", "b", "", " ", "~", cast='"char"'),
    "script": "chr((ARRAY[97,233,8364,128512,8203,160,65533,173,8238,768,1488,20013,9,10])[1 + floor(random() * 14)::int]) || chr(97 + (random() * 25)::int) || repeat(chr(233), (random() * 3)::int)",
    "shapes": "repeat('aZ', (random() * 9)::int) || repeat('9', (random() * 40)::int) || repeat('_', (random() * 2)::int) || repeat('{-}', (random() * 9)::int)", "prose": "repeat('Some words, ' || (random() * 9)::int || ' and more. ', 1 + (random() * 12)::int)",
    "long": "repeat(chr(97 + (random() * 3)::int), (random() * 250)::int)", "longer": "repeat(md5((random() * 3)::int::text), (random() * 80)::int)", "text_domain": "substr(md5(random()::text), 1, 2)::fz_text",
    # others
    "json": "json_build_object('a', (random() * 20)::int)", "jsonb": "jsonb_build_object('a', (random() * 20)::int, 'b', ARRAY[1, 2])", "scalars": one_of("null", "1", "1.0", '"a"', "[]", "{}", "true", cast="jsonb"), "xml": "('<a>' || (random() * 20)::int || '</a>')::xml",
    "uuid": "md5((random() * 5000)::int::text)::uuid", "bytea": "decode(substr(md5(random()::text), 1, 2 * (random() * 8)::int), 'hex')", "inet": "('10.0.' || (random() * 255)::int || '.' || (random() * 255)::int)::inet", "cidr": "('10.0.' || (random() * 255)::int || '.0/24')::cidr",
    "macaddr": "('08:00:2b:01:02:' || lpad(to_hex((random() * 255)::int), 2, '0'))::macaddr", "money": "((random() * 20000)::int - 10000)::numeric::money", "bit": "((random() * 255)::int)::bit(8)", "varbit": "((random() * 255)::int)::bit(8)::varbit",
    "array": "ARRAY[(random() * 5)::int, (random() * 5)::int]", "text_array": one_of("{}", "{NULL}", "{a,b}", '{"a,b"}', "{{a},{b}}", "[5:6]={1,2}", cast="text[]"), "range": "int4range((random() * 10)::int, 10 + (random() * 10)::int)",
    "multirange": "int4multirange(int4range((random() * 5)::int, 10), int4range(20, 30))", "time_range": "tsrange(timestamp '2000-01-01' + (random() * 5)::int * interval '1 day', NULL)", "own_range": "fz_range(random(), 2)",
    "enum": "(enum_range(NULL::fz_enum))[1 + floor(random() * 5)::int]", "pair": "row((random() * 5)::int, CASE WHEN random() < 0.5 THEN 'x' END, 1.0)::fz_pair", "point": "point((random() * 5)::int, 1)", "tsvector": "to_tsvector('simple', substr(md5(random()::text), 1, 2))",
    "lsn": "('0/' || to_hex((random() * 5000)::int))::pg_lsn", "regclass": one_of("pg_class", "pg_type", "-", array="::regclass[]"), "xid": "((random() * 20)::int)::text::xid", "xid8": "((random() * 20)::int)::text::xid8",
}
for collation in ("case", "numeric", "phonebook", "upper", "shifted", "czech", "estonian"):
    KINDS["in_" + collation] = "(%s || %s) COLLATE fz_%s" % (one_of(*WORDS), one_of("", "a", "B", "9", "-", "ö"), collation)
KINDS["in_icu"] = "(%s || (random() * 300)::int) COLLATE \"de-x-icu\"" % one_of(*WORDS)
