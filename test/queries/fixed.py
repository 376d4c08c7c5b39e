"""The fixed queries: hand-written templates, filled with every operator, type, value and position.

all_of_them() gives every family whole (more than a hundred thousand queries); draw(n) the same n of them each time, of
each family its share.
"""

import itertools
import random

from compare import Query
from world import CONTROL, INT2, INT4, INT8, MARKS, MONEY, NUMERIC, ODD, ZONES, around


def q(text):
    """A literal."""
    return "'" + text.replace("'", "''") + "'"


# -- constants by type, with those that no column can hold --

NUMBERS = [str(n) for n in INT2 + INT4 + INT8] + NUMERIC + MONEY + ["-0", "1.10", "1.1000", "NaN", "Infinity", "-Infinity", "1e37", "1e-38", "1e100", "-1e100", "1e-100", "0.4999999", "7.0", "-2147483649", "9223372036854775808"]
DATES = ["0001-01-01", "0001-01-02", "1582-10-15", "1969-12-31", "2000-02-29", "2011-12-30", "2018-11-04", "2023-09-03", "2023-12-31", "2024-01-01",
         "2024-03-10", "2024-03-31", "2024-11-03", "2038-01-19", "9998-12-31", "9999-12-30", "9999-12-31", "10000-01-01", "5874897-12-31",
         "infinity", "-infinity", "0001-12-31 BC", "0044-03-15 BC", "4713-01-01 BC"]
MOMENTS = [d + " 00:00:00" for d in DATES if "inf" not in d and "BC" not in d and d != "5874897-12-31"] + [
    "infinity", "-infinity", "9999-12-31 23:59:59", "9999-12-31 23:59:59.5", "9999-12-31 23:59:59.999999", "10000-01-01 00:00:00.000001",
    "0001-01-01 00:00:00.000001", "0044-03-15 12:00:00 BC", "294276-12-29 23:59:59.999999", "4713-01-01 00:00:00 BC", "2024-03-10 09:59:59.5", "2024-03-10 10:00:00",
    "2024-11-03 08:30:00", "2024-11-03 09:00:00", "2024-11-03 09:30:00", "2024-11-03 10:00:00", "2024-07-01 12:34:56.789"]
TEXTS = ["a", "A", "b", " ", "a ", " a", "", "g1", "G1", "g\u0301", "\u01f5", "\u00e1", "a\u0301", "\u00df", "ss", "\u0131", "i", "I", "\u0130", "'", "\\", "a\\b", "%", "_", "a_b", "100%",
         "\U0001f44b", "\ufeff", "\u00a0", "?", "$1", ":1", "NULL", "--", "/*", "x' OR '1'='1", "0", "01", "T", "2024-01-01", "\x7f", "\u0085", "a\nb", "a\r\nb",
         "x" * 4000, "x" * 3999 + "z", "\u00e9" * 4000] + CONTROL + MARKS

NUMBER_COLUMNS = {"id": "bigint", "i2": "smallint", "n1": "int", "n2": "int", "n8": "bigint", "q": "numeric", "p": "numeric", "f": "float8"}
COLUMNS = dict({c: (t, NUMBERS) for c, t in NUMBER_COLUMNS.items()}, d1=("date", DATES), d2=("date", DATES), ts=("timestamptz", MOMENTS), tl=("timestamp", MOMENTS),
               s1=("text", TEXTS), s2=("text", TEXTS), grp=("text", TEXTS), code=("varchar", TEXTS))
OPERATORS = ["=", "<>", "<", "<=", ">", ">="]
FLIPPED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
LIMITS = {"smallint": (-2 ** 15, 2 ** 15 - 1), "int": (-2 ** 31, 2 ** 31 - 1), "bigint": (-2 ** 63, 2 ** 63 - 1)}


def fits(value, type_):
    """Can a parameter of the column's type hold the constant?"""
    if type_ not in LIMITS:
        return True
    try:
        return LIMITS[type_][0] <= int(value) <= LIMITS[type_][1]
    except ValueError:
        return False


def constant(column, value):
    """A constant as users write it: numbers bare, others typed."""
    type_ = COLUMNS[column][0]
    if column in NUMBER_COLUMNS:
        return q(value) + "::numeric" if value.strip("-").isalpha() else value if value[0] != "-" else "(%s)" % value
    return q(value) + ("" if type_ in ("text", "varchar") else "::" + type_)


JOINS_OFF = {"enable_hashjoin": "off", "enable_mergejoin": "off"}
CUSTOM, GENERIC = {"plan_cache_mode": "force_custom_plan"}, {"plan_cache_mode": "force_generic_plan"}


def positions(c, op, v, other, type_):
    """One condition, everywhere that a condition and its value can stand.  v and other are constants."""
    test = "%s %s %s" % (c, op, v)
    param = [x.strip("()") if c in NUMBER_COLUMNS else x for x in (v, other)]
    yield "const", ["SELECT id FROM w WHERE " + test], {}
    yield "flipped", ["SELECT id FROM w WHERE %s %s %s" % (v, FLIPPED[op], c)], {}
    yield "not", ["SELECT id FROM w WHERE NOT (%s)" % test], {}
    yield "count", ["SELECT count(*), min(id), max(%s) FROM w WHERE %s" % ("d1" if c == "f" else c, test)], {}
    yield "select", ["SELECT id, %s FROM w" % test], {}
    yield "and", ["SELECT id FROM w WHERE %s AND (b1 OR %s %s %s)" % (test, c, op, other)], {}
    yield "or", ["SELECT id FROM w WHERE %s OR n1 = 3 OR %s IS NULL" % (test, c)], {}
    for test_ in ("TRUE", "NOT TRUE", "FALSE", "NOT FALSE", "UNKNOWN", "NOT UNKNOWN", "NULL", "NOT NULL"):
        yield "test", ["SELECT id FROM w WHERE (%s) IS %s" % (test, test_)], {}
    yield "equal true", ["SELECT id FROM w WHERE (%s) = b1" % test], {}
    yield "distinct", ["SELECT id FROM w WHERE %s IS DISTINCT FROM %s" % (c, v)], {}
    yield "not distinct", ["SELECT id FROM w WHERE %s IS NOT DISTINCT FROM %s" % (c, v)], {}
    yield "between", ["SELECT id FROM w WHERE %s BETWEEN %s AND %s" % (c, v, other)], {}
    yield "between", ["SELECT id FROM w WHERE %s NOT BETWEEN %s AND %s" % (c, v, other)], {}
    yield "between", ["SELECT id FROM w WHERE %s BETWEEN SYMMETRIC %s AND %s" % (c, other, v)], {}
    yield "in", ["SELECT id FROM w WHERE %s IN (%s, %s)" % (c, v, other)], {}
    yield "in", ["SELECT id FROM w WHERE %s IN (%s, NULL, %s)" % (c, v, other)], {}
    yield "not in", ["SELECT id FROM w WHERE %s NOT IN (%s, %s)" % (c, v, other)], {}
    yield "not in", ["SELECT id FROM w WHERE %s NOT IN (%s, NULL)" % (c, v)], {}
    yield "not in", ["SELECT id FROM w WHERE NOT (%s IN (%s, %s)) AND NOT b1" % (c, v, other)], {}
    yield "any", ["SELECT id FROM w WHERE %s %s ANY (ARRAY[%s, %s, NULL])" % (c, op, v, other)], {}
    yield "all", ["SELECT id FROM w WHERE %s %s ALL (ARRAY[%s, %s])" % (c, op, v, other)], {}
    yield "initplan", ["SELECT id FROM w WHERE %s %s (SELECT %s)" % (c, op, v)], {}
    yield "initplan any", ["SELECT id FROM w WHERE %s = ANY ((SELECT ARRAY[%s, %s])::%s[])" % (c, v, other, type_ if c not in NUMBER_COLUMNS else "numeric")], {}
    yield "case", ["SELECT CASE WHEN %s THEN 1 WHEN %s IS NULL THEN 2 ELSE 3 END AS c, count(*), sum(p) FROM w GROUP BY 1" % (test, c)], {}
    yield "case", ["SELECT id FROM w WHERE CASE WHEN %s THEN b1 ELSE b2 END" % test], {}
    yield "case", ["SELECT id, CASE WHEN b1 THEN %s WHEN b2 THEN %s END AS x FROM w" % (c, v)], {}
    yield "case", ["SELECT CASE WHEN b1 THEN %s ELSE %s END AS x, count(*) FROM w GROUP BY 1" % (c, v)], {}
    yield "coalesce", ["SELECT id FROM w WHERE coalesce(%s, %s) %s %s" % (c, v, op, other)], {}
    yield "coalesce", ["SELECT coalesce(%s, %s) AS x, count(*), count(%s) FROM w GROUP BY 1" % (c, v, c)], {}
    yield "coalesce", ["SELECT min(coalesce(%s, %s)), max(coalesce(%s, %s)), count(DISTINCT coalesce(%s, %s)) FROM w" % ((c, v) * 3)], {}
    yield "coalesce", ["SELECT id, coalesce(%s, %s) AS x FROM w ORDER BY 2 DESC, 1 LIMIT 7" % (c, v)], {"ordered": True}
    yield "nullif", ["SELECT id, nullif(%s, %s) FROM w" % (c, v)], {}
    yield "nullif", ["SELECT count(nullif(%s, %s)), max(nullif(%s, %s)) FROM w WHERE nullif(%s, %s) IS NOT NULL" % (c, v, c, other, c, v)], {}
    yield "greatest", ["SELECT id FROM w WHERE greatest(%s, %s) %s %s" % (c, v, op, other)], {}
    yield "filter", ["SELECT count(*) FILTER (WHERE %s), sum(p) FILTER (WHERE %s), count(%s) FILTER (WHERE NOT (%s)) FROM w" % (test, test, c, test)], {}
    yield "filter", ["SELECT grp, count(*) FILTER (WHERE %s) FROM w GROUP BY grp" % test], {}
    yield "having", ["SELECT n1, max(%s), count(*) FROM w GROUP BY n1 HAVING max(%s) %s %s" % (c, c, op, v)], {}
    yield "having", ["SELECT b1, count(*) FROM w GROUP BY b1 HAVING min(%s) IS DISTINCT FROM %s" % (c, v)], {}
    yield "order", ["SELECT id, %s FROM w WHERE %s ORDER BY %s, id LIMIT 5" % (c, test, c)], {"ordered": True}
    yield "order", ["SELECT id FROM w WHERE %s ORDER BY id DESC LIMIT 5 OFFSET 2" % test], {"ordered": True}
    yield "order", ["SELECT id FROM w ORDER BY %s, id LIMIT 9" % test], {"ordered": True}
    yield "group", ["SELECT %s AS t, count(*) FROM w GROUP BY 1" % test], {}
    yield "window", ["SELECT id, count(*) OVER (PARTITION BY %s) FROM w WHERE %s" % (test, test)], {}
    yield "join", ["SELECT w.id, g.id FROM w JOIN g ON g.wid = w.id AND w.%s" % test], {}
    yield "left join", ["SELECT g.id, w.id FROM g LEFT JOIN w ON g.wid = w.id AND w.%s" % test], {}
    yield "exists", ["SELECT g.id FROM g WHERE EXISTS (SELECT FROM w WHERE w.id = g.wid AND w.%s)" % test], {}
    yield "loop", ["SELECT v.n, w.id FROM (VALUES (1, %s), (2, %s), (3, NULL)) v(n, x) JOIN w ON w.%s %s v.x" % (v, other, c, op)], {"settings": JOINS_OFF}
    yield "loop", ["SELECT v.n, l.* FROM (VALUES (1, %s), (2, %s)) v(n, x), LATERAL (SELECT count(*), min(w.id) FROM w WHERE w.%s %s v.x) l" % (v, other, c, op)], {}
    yield "semi join", ["SELECT id FROM w WHERE %s IN (SELECT x FROM (VALUES (%s), (%s)) v(x))" % (c, v, other)], {}
    yield "anti join", ["SELECT id FROM w WHERE NOT EXISTS (SELECT FROM (VALUES (%s), (%s)) v(x) WHERE v.x = w.%s)" % (v, other, c)], {}
    if all(fits(x, type_) for x in param):
        for name, settings in (("custom", CUSTOM), ("generic", GENERIC), ("auto", {"plan_cache_mode": "auto"})):
            yield name, ["PREPARE s(%s) AS SELECT id FROM w WHERE %s %s $1" % (type_, c, op)] + ["EXECUTE s(%s)" % x for x in (v, other, "NULL")] + (
                ["EXECUTE s(%s)" % v] * 6 if name == "auto" else []), {"settings": settings}
            yield name, ["PREPARE s(%s, %s) AS SELECT count(*), count(*) FILTER (WHERE %s %s $2) FROM w WHERE %s BETWEEN $1 AND $2 OR coalesce(%s, $1) = $2" % (
                type_, type_, c, op, c, c), "EXECUTE s(%s, %s)" % (v, other), "EXECUTE s(%s, %s)" % (other, v)], {"settings": settings}
            yield name, ["PREPARE s(%s[]) AS SELECT id FROM w WHERE %s %s ANY ($1)" % (type_, c, op), "EXECUTE s(ARRAY[%s, %s]::%s[])" % (v, other, type_),
                         "EXECUTE s('{}')", "EXECUTE s(ARRAY[%s, NULL]::%s[])" % (v, type_), "EXECUTE s(NULL)"], {"settings": settings}
            yield name, ["PREPARE s(%s[]) AS SELECT id FROM w WHERE %s <> ALL ($1)" % (type_, c), "EXECUTE s(ARRAY[%s, %s]::%s[])" % (v, other, type_),
                         "EXECUTE s('{}')", "EXECUTE s(ARRAY[%s, NULL]::%s[])" % (v, type_), "EXECUTE s(NULL)"], {"settings": settings}
            yield name, ["PREPARE s(%s) AS SELECT CASE WHEN %s %s $1 THEN 'yes' ELSE 'no' END AS x, count(*) FROM w GROUP BY 1" % (type_, c, op),
                         "EXECUTE s(%s)" % v, "EXECUTE s(%s)" % other], {"settings": settings}


def operators():
    """Every 31st of nearly half a million: each position meets each column, operator and value."""
    number = 0
    for c, (type_, values) in COLUMNS.items():
        for op, (i, v) in itertools.product(OPERATORS, enumerate(values)):
            other = values[(i * 7 + 3) % len(values)]
            for name, steps, more in positions(c, op, constant(c, v), constant(c, other), type_):
                number += 1
                if number % 31 == 0:
                    yield Query("operators: " + name, *steps, **more)


PATTERNS = ["a", "a%", "%a", "%a%", "_", "__", "%_", "a_b", "a\\_b", "100\\%", "%\\\\%", "%'%", "", "%", "g1%", "G%", "%\u0301", "\u00e1%", "_\u0301", "%\u00df%", "%?%", "%$1%",
            "x" * 3999 + "_", "%" + "x" * 200 + "%"] + ["%" + c + "%" for c in CONTROL] + ["%" + m + "%" for m in MARKS]


def booleans():
    """Boolean columns, parameters and tests of them."""
    tests = ["b1", "NOT b1", "b1 = $1", "b1 <> $1", "$1", "NOT $1", "b1 AND $1", "b1 OR $1", "$1 IS TRUE", "$1 IS NOT TRUE OR b1", "b1 IS DISTINCT FROM $1", "coalesce(b1, $1)", "nullif(b1, $1)", "b1 IN ($1, false)", "b1 = ANY (ARRAY[$1, NULL])",
             "b1 <> ALL (ARRAY[$1, true])", "CASE WHEN $1 THEN b1 ELSE b2 END", "CASE WHEN b1 THEN $1 END", "(b1 AND n1 > 2) IS NOT TRUE AND $1", "b1 > $1", "b1 <= $1", "(b1 = b2) = $1", "b1 = (n1 > 2) OR $1", "$1 IS NULL OR b1 = $1", "$1 OR n1 = 1", "($1 AND n1 = 1) OR b2"]
    for test, other in itertools.product(tests, ["", " AND n1 > 0", " OR n2 = 1"]):
        for mode in (CUSTOM, GENERIC):
            yield Query("boolean", "PREPARE s(boolean) AS SELECT id FROM w WHERE (%s)%s" % (test, other), "EXECUTE s(true)", "EXECUTE s(false)", "EXECUTE s(NULL)", settings=mode)
            yield Query("boolean", "PREPARE s(boolean) AS SELECT %s AS x, count(*), count(*) FILTER (WHERE (%s)%s) FROM w GROUP BY 1" % (test, test, other), "EXECUTE s(true)", "EXECUTE s(false)", "EXECUTE s(NULL)", settings=mode)
        yield Query("boolean", "SELECT id FROM w WHERE (%s)%s" % (test.replace("$1", "(SELECT true)"), other))
        yield Query("boolean", "SELECT v.x, l.* FROM (VALUES (true), (false), (NULL)) v(x), LATERAL (SELECT count(*), sum(p) FROM w WHERE (%s)%s) l" % (test.replace("$1", "v.x"), other))
        yield Query("boolean", "SELECT g.id, w.id FROM g JOIN w ON w.n1 = g.n AND ((%s)%s) WHERE g.id < 20" % (test.replace("$1", "g.flag"), other), settings=JOINS_OFF)


def likes():
    for c, p, (op, wrap) in itertools.product(["s1", "s2", "grp", "code"], PATTERNS, itertools.product(
            ["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE", "~~"], ["%s", "NOT (%s)", "(%s) IS NOT TRUE", "CASE WHEN %s THEN b1 ELSE b2 END"])):
        yield Query("like", "SELECT id FROM w WHERE " + wrap % ("%s %s %s" % (c, op, q(p))))
    for c, p in itertools.product(["s1", "grp"], PATTERNS):
        yield Query("like", "PREPARE s(text) AS SELECT id FROM w WHERE %s LIKE $1" % c, "EXECUTE s(%s)" % q(p), "EXECUTE s('%')", settings=GENERIC)
        yield Query("like", "SELECT v.p, count(*) FROM (VALUES (%s), ('a_b')) v(p) JOIN w ON w.%s LIKE v.p GROUP BY 1" % (q(p), c))
        yield Query("like", "SELECT id FROM w WHERE %s LIKE %s ESCAPE '!'" % (c, q(p)))
        yield Query("like", "SELECT id FROM w WHERE starts_with(%s, %s) OR %s SIMILAR TO 'g(1|2)%%'" % (c, q(p), c))


# -- what stands in the select list --

NUMBER_EXPRESSIONS = ["n1", "n2", "i2", "n8", "q", "p", "id", "n1::numeric", "n1::numeric + n2", "n1::numeric - n8", "q * p", "- q", "abs(q)", "ceil(q)", "floor(q)", "round(q)", "round(q, 2)", "round(p, 1)",
                      "round(q, -2)", "round(q, 40)", "trunc(q)", "trunc(q, 3)", "sign(q)", "coalesce(q, 0)", "coalesce(n1, n2)", "coalesce(n1, n2, 7)", "nullif(n1, 0)", "n1::numeric / 4", "p / 3",
                      "n1 % 5", "mod(n1, 7)", "n1::bigint * 2", "greatest(n1, n2)", "least(n1, 3)", "CASE WHEN b1 THEN q ELSE p END", "CASE WHEN n1 > 0 THEN n1 END", "length(s1)", "d1 - d2",
                      "extract(year FROM d1)", "extract(quarter FROM d1)", "extract(month FROM d2)", "extract(day FROM d1)", "extract(dow FROM d1)", "extract(doy FROM d2)", "extract(isoyear FROM d1)",
                      "extract(epoch FROM ts)", "extract(year FROM ts)", "extract(hour FROM ts)", "extract(day FROM tl)", "date_part('year', d1)", "f", "p::float8", "p::numeric(9,1)", "q::text::numeric",
                      "n1 & 6", "n1 << 1", "width_bucket(p, 0, 100, 5)", "sqrt(abs(p))", "p ^ 2", "trim_scale(q)", "scale(q)"]
TEXT_EXPRESSIONS = ["s1", "grp", "code", "upper(grp)", "lower(s1)", "s1 || '-x'", "grp || code", "concat(grp, code)", "substr(s1, 2, 3)", "left(s1, 1)", "trim(s2)", "rtrim(grp)", "coalesce(grp, 'none')",
                    "coalesce(grp, '')", "coalesce(grp, s1)", "nullif(grp, 'g1')", "replace(s1, 'a', 'b')", "CASE WHEN b1 THEN grp ELSE code END", "CASE WHEN b1 THEN 'x' WHEN b2 THEN '' END",
                    "CASE WHEN n1 > 0 THEN E'\\x01' ELSE grp END", "n1::text", "q::text", "d1::text", "b1::text", "md5(s1)", "reverse(s1)", "normalize(s1)", "to_char(d1, 'YYYY')", "to_char(d1, 'YYYY-MM')",
                    "to_char(d1, 'DD/MM/YYYY')", "to_char(d1, 'Q')", "to_char(d1, 'YYYY Mon')", "to_char(d1, 'IYYY-IW')", "to_char(d2, 'YYYY.MM.DD')", "to_char(d1, 'DDD')", "to_char(d1, 'MMM')", "to_char(d1, 'YYYYY')",
                    "to_char(d1, 'DDDD')", "to_char(ts, 'YYYY-MM-DD')", "to_char(ts, 'YYYY-MM-DD HH24:MI:SS')", "to_char(tl, 'YYYY-MM')", "to_char(p, '999.99')", "s1 COLLATE \"C\"", "grp COLLATE \"und-x-icu\""]
DATE_EXPRESSIONS = ["d1", "d2", "coalesce(d1, d2)", "coalesce(d1, '2024-01-01')", "coalesce(d1, 'infinity')", "coalesce(d1, '9999-12-31')", "coalesce(d1, '-infinity')", "nullif(d1, '9999-12-31')", "d1 + 7", "d2 - 1",
                    "d1 + n2 % 100", "d1 - 400", "CASE WHEN b1 THEN d1 END", "CASE WHEN b1 THEN d1 ELSE 'infinity' END", "CASE WHEN d1 > '2024-06-01' THEN d1 ELSE d2 END", "greatest(d1, d2)", "least(d1, '2024-01-01')",
                    "ts::date", "tl::date", "date_trunc('month', d1)::date", "make_date(2024, 1, 1)"]
MOMENT_EXPRESSIONS = ["ts", "ts2", "tl", "coalesce(ts, ts2)", "coalesce(ts, 'infinity')", "coalesce(ts, '2024-01-01 00:00+00')", "coalesce(tl, '2024-01-01')", "nullif(ts, ts2)", "CASE WHEN b1 THEN ts END",
                      "CASE WHEN b1 THEN ts ELSE ts2 END", "CASE WHEN b1 THEN tl ELSE '-infinity' END", "ts + interval '1 hour'", "ts - interval '1 month'", "tl + interval '36 hours'", "ts AT TIME ZONE 'UTC'",
                      "ts AT TIME ZONE 'Asia/Kolkata'", "tl AT TIME ZONE 'Europe/London'", "d1 + interval '1 day'", "d1::timestamptz", "d1::timestamp", "d1 + time '12:34'", "greatest(ts, ts2)", "ts::timestamp", "tl::timestamptz",
                      "date_bin('15 minutes', ts, '2024-01-01 00:00+00')"]
UNITS = ["year", "quarter", "month", "day", "week", "hour", "decade", "century", "millennium", "YEAR", "minute"]
TRUNCATIONS = ["date_trunc('%s', %s)" % (u, e) for u in UNITS for e in ("d1", "d2", "ts", "tl", "d1::timestamp", "coalesce(d1, d2)", "d1 + 1", "d1::timestamptz")
               if not (u in ("hour", "minute") and "d" == e[0] and ":" not in e)] + ["date_trunc('month', ts, 'Asia/Tokyo')", "date_trunc('day', ts, 'UTC')"]
TRUNCATED = TRUNCATIONS + ["CASE WHEN b1 THEN %s END" % t for t in TRUNCATIONS[::3]] + ["coalesce(%s, date_trunc('month', d2))" % t for t in TRUNCATIONS if "tl" not in t and "timestamp" not in t or "timestamptz" in t] + [
    "%s + interval '1 month'" % t for t in TRUNCATIONS[::4]] + ["nullif(%s, '2024-01-01')" % t for t in TRUNCATIONS[::4]] + ["%s::date" % t for t in TRUNCATIONS[::4]] + [
    "to_char(%s, 'YYYY-MM-DD HH24:MI')" % t for t in TRUNCATIONS[::4]] + ["extract(day FROM %s)" % t for t in TRUNCATIONS[::4]] + ["greatest(%s, '2024-06-01')" % t for t in TRUNCATIONS[::5]] + [
    "CASE WHEN b1 THEN %s ELSE ts END" % t for t in TRUNCATIONS[::4] if "tl" not in t and "::timestamp)" not in t]
BOOL_EXPRESSIONS = ["b1", "NOT b1", "b1 AND b2", "b1 OR b2", "b1 = b2", "b1 <> b2", "b1 IS NULL", "b1 IS NOT TRUE", "coalesce(b1, b2)", "coalesce(b1, false)", "nullif(b1, b2)", "n1 > 0", "d1 < d2", "ts < ts2", "s1 = grp", "grp = code",
                    "CASE WHEN n1 > 0 THEN b1 ELSE b2 END", "s1 LIKE 'a%'", "n1 IN (1, 2, 3)", "(n1, n2) < (1, 1)", "d1 BETWEEN d2 AND d2 + 30", "ts::date = d1", "q IS NULL AND p IS NOT NULL", "b1 IS DISTINCT FROM b2",
                    "b1 < b2", "b1::int = 1", "n1 = n2", "n1 = q", "id = n8", "d1 = ts", "d1 = tl", "ts = tl", "d1 <> d2", "s1 < s2", "s1 COLLATE \"C\" < 'b'", "grp <> code", "i2 = n1", "q = round(q)"]
EXPRESSIONS = ([("number", e) for e in NUMBER_EXPRESSIONS] + [("text", e) for e in TEXT_EXPRESSIONS] + [("time", e) for e in DATE_EXPRESSIONS + MOMENT_EXPRESSIONS + TRUNCATED] +
               [("bool", e) for e in BOOL_EXPRESSIONS])


def exact(e):
    """A number whose sum does not hang on the order of rows."""
    return e != "f" and not any(x in e for x in ("float8", "sqrt", "^", "date_part"))


def selections():
    for kind, e in EXPRESSIONS:
        yield Query("select", "SELECT id, %s AS x FROM w" % e)
        yield Query("select", "SELECT id, %s AS x, n1, s1 FROM w WHERE n1 > 0" % e)
        yield Query("distinct", "SELECT DISTINCT %s AS x FROM w" % e)
        yield Query("distinct", "SELECT DISTINCT %s AS x, b1 FROM w WHERE b1 ORDER BY 1 LIMIT 4" % e, ordered=True)
        yield Query("distinct on", "SELECT DISTINCT ON (%s) %s AS x, id FROM w ORDER BY %s, id" % (e, e, e), ordered=True)
        yield Query("group", "SELECT %s AS x, count(*), sum(p) FROM w GROUP BY 1" % e)
        yield Query("group", "SELECT %s AS x, b1, count(*), max(d1), min(ts) FROM w GROUP BY 1, 2" % e)
        yield Query("group", "SELECT count(*) FROM w GROUP BY %s" % e)
        yield Query("group", "SELECT %s AS x, count(*) FROM w GROUP BY 1 HAVING count(*) > 2 ORDER BY 2 DESC, 1 LIMIT 5" % e, ordered=True)
        yield Query("group", "SELECT %s AS x, count(*) FROM w GROUP BY 1 ORDER BY 1 DESC NULLS LAST LIMIT 3" % e, ordered=True)
        yield Query("group", "SELECT %s AS x, count(*) FROM w GROUP BY 1 ORDER BY 1 LIMIT 3 OFFSET 1" % e, ordered=True)
        yield Query("rollup", "SELECT b1, %s AS x, count(*), grouping(b1) FROM w GROUP BY ROLLUP (b1, 2)" % e.replace("b1", "b2"))
        yield Query("cube", "SELECT %s AS x, b2, sum(n2::bigint) FROM w WHERE n1 < 10 GROUP BY CUBE (1, b2)" % e.replace("b2", "b1"))
        yield Query("sets", "SELECT %s AS x, grp, count(*) FROM w GROUP BY GROUPING SETS ((1), (grp), ())" % e)
        yield Query("count", "SELECT count(%s), count(DISTINCT %s) FROM w" % (e, e))
        yield Query("count", "SELECT grp, count(DISTINCT %s) FROM w GROUP BY grp" % e)
        yield Query("count", "SELECT count(DISTINCT %s) FILTER (WHERE b1), count(*) FILTER (WHERE %s IS NOT NULL) FROM w" % (e, e))
        if kind != "bool":
            yield Query("min max", "SELECT min(%s), max(%s) FROM w" % (e, e))
            yield Query("min max", "SELECT n1, min(%s), max(%s) FROM w GROUP BY n1" % (e, e))
            yield Query("min max", "SELECT min(%s) FILTER (WHERE b1), max(%s) FILTER (WHERE NOT b2) FROM w" % (e, e))
            yield Query("min max", "SELECT max(%s) FROM w WHERE n1 = -4242" % e)
            yield Query("min max", "SELECT b1, max(%s) AS x FROM w GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2" % e, ordered=True)
            yield Query("min max", "SELECT coalesce(max(%s), min(%s)) FROM w WHERE b1" % (e, e))
        if kind == "number" and exact(e):
            yield Query("sum", "SELECT sum(%s), count(*) FROM w" % e)
            yield Query("sum", "SELECT b1, sum(%s), avg(%s) FROM w WHERE abs(coalesce(%s, 0)::numeric) < 1e9 GROUP BY b1" % (e, e, e))
            yield Query("sum", "SELECT sum(DISTINCT %s), avg(DISTINCT %s) FILTER (WHERE b1) FROM w WHERE abs((%s)::numeric) < 1e9" % (e, e, e))
            yield Query("sum", "SELECT sum(%s) FILTER (WHERE b1), avg(%s) FILTER (WHERE b2) FROM w" % (e, e))
            yield Query("sum", "SELECT avg(%s), stddev(%s) FROM w WHERE abs((%s)::numeric) < 1e6" % (e, e, e))
            yield Query("having", "SELECT n1, count(*) FROM w GROUP BY n1 HAVING sum(%s) > 1 OR avg(%s) IS NULL" % (e, e))
        if kind == "bool":
            yield Query("bool", "SELECT id FROM w WHERE %s" % e)
            yield Query("bool", "SELECT id FROM w WHERE NOT (%s)" % e)
            yield Query("bool", "SELECT id FROM w WHERE (%s) IS NOT TRUE" % e)
            yield Query("bool", "SELECT id FROM w WHERE (%s) IS UNKNOWN OR n1 = 1" % e)
            yield Query("bool", "SELECT bool_and(%s), bool_or(%s), count(*) FILTER (WHERE %s) FROM w" % (e, e, e))
            yield Query("bool", "SELECT id FROM w WHERE CASE WHEN %s THEN n1 > 0 ELSE n2 > 0 END" % e)
            yield Query("bool", "SELECT sum(p) FROM w GROUP BY n1 HAVING bool_or(%s)" % e)
        yield Query("order", "SELECT id, %s AS x FROM w ORDER BY 2, 1 LIMIT 10" % e, ordered=True)
        yield Query("order", "SELECT id, %s AS x FROM w ORDER BY 2 DESC, 1 LIMIT 10" % e, ordered=True)
        yield Query("order", "SELECT id FROM w ORDER BY %s NULLS FIRST, id DESC" % e, ordered=True)
        yield Query("order", "SELECT id FROM w WHERE b1 ORDER BY %s DESC NULLS LAST, id LIMIT 11 OFFSET 3" % e, ordered=True)
        yield Query("order", "SELECT id, %s AS x FROM w ORDER BY 2 FETCH FIRST 3 ROWS WITH TIES" % e)
        yield Query("null test", "SELECT id FROM w WHERE %s IS NULL" % e)
        yield Query("null test", "SELECT count(*) FROM w WHERE (%s) IS NOT NULL" % e)
        yield Query("window", "SELECT id, row_number() OVER (PARTITION BY %s ORDER BY id), count(*) OVER (PARTITION BY %s) FROM w" % (e, e))
        yield Query("window", "SELECT id, rank() OVER (ORDER BY %s), lag(%s) OVER (ORDER BY id) FROM w" % (e, e))
        yield Query("window", "SELECT %s AS x, count(*), rank() OVER (ORDER BY count(*) DESC), sum(count(*)) OVER () FROM w GROUP BY 1" % e)
        yield Query("array", "SELECT array_agg(%s ORDER BY id), string_agg((%s)::text, ',' ORDER BY id DESC) FROM w WHERE n1 BETWEEN 0 AND 9" % (e, e))
        yield Query("same", "SELECT id FROM w WHERE (%s) = (SELECT %s FROM w x ORDER BY id DESC LIMIT 1)" % (e, e))
        yield Query("same", "SELECT a.id, b.id FROM w a JOIN w b ON (SELECT %s FROM (SELECT a.*) z) = (SELECT %s FROM (SELECT b.*) z) AND a.id < b.id AND a.n1 = 1" % (e, e))
        yield Query("prepared", "PREPARE s(int) AS SELECT %s AS x, count(*) FROM w WHERE n1 > $1 GROUP BY 1" % e, *["EXECUTE s(%d)" % i for i in (0, 1, 2, 3, 4, 5, 0, -5)], settings={"plan_cache_mode": "auto"})
        yield Query("subquery", "SELECT x, count(*) FROM (SELECT %s AS x FROM w WHERE b1 OFFSET 0) y GROUP BY x" % e)
        yield Query("set operation", "SELECT %s AS x FROM w WHERE b1 UNION SELECT %s FROM w WHERE b2" % (e, e))
        yield Query("set operation", "SELECT %s AS x FROM w INTERSECT SELECT %s FROM w WHERE n1 > 2" % (e, e))
        yield Query("set operation", "SELECT %s AS x FROM w WHERE b1 EXCEPT ALL SELECT %s FROM w WHERE n2 > 2" % (e, e))
        if kind == "time":
            for op, v in (("=", "2024-01-01"), (">=", "2024-03-01"), ("<", "9999-12-31"), ("<=", "9999-12-31"), ("=", "9999-12-31"), (">", "infinity"), ("<", "infinity")):
                if not e.startswith(("to_char", "extract")):
                    yield Query("time", "SELECT id FROM w WHERE %s %s '%s'" % (e, op, v))
            yield Query("time", "SELECT %s AS x, extract(year FROM d1) AS y, count(*) FROM w GROUP BY 1, 2" % e)


OVERFLOWS = ["n1 + n2", "n1 - n2", "n1 * n2", "n1 * 2", "- n1", "abs(n1)", "abs(i2)", "i2 + i2", "i2 * i2", "- i2", "n8 + 1", "n8 * n1", "abs(n8)", "- n8", "n1 + i2", "id + id", "n8 - n1", "n1::smallint + 1", "(q * 10)::int", "q::bigint"]


def overflows():
    """What does not fit its type is an error, not a value."""
    for e in OVERFLOWS:
        for template in ("SELECT id FROM w WHERE %s > 5", "SELECT id FROM w WHERE %s = 5", "SELECT id FROM w WHERE %s IS NULL", "SELECT id FROM w WHERE %s IN (1, 5)", "SELECT id, %s FROM w", "SELECT max(%s) FROM w", "SELECT sum(%s) FROM w", "SELECT %s AS x, count(*) FROM w GROUP BY 1",
                         "SELECT count(*) FILTER (WHERE %s < 0) FROM w", "SELECT id FROM w ORDER BY %s, id LIMIT 3", "SELECT count(DISTINCT %s) FROM w", "SELECT CASE WHEN %s > 0 THEN 1 END AS x, count(*) FROM w GROUP BY 1", "SELECT max(coalesce(%s, 0)) FROM w",
                         "SELECT n1, count(*) FROM w GROUP BY n1 HAVING max(%s) > 0", "SELECT g.id, w.id FROM g JOIN w ON g.n = %s"):
            yield Query("overflow", template % e)
    for n in ("2147483648", "-2147483649", "32768", "1e10", "9223372036854775808", "0.5"):
        for c in ("i2", "n1", "n8", "id"):
            yield Query("overflow", "SELECT id FROM w WHERE %s < %s" % (c, n))
            yield Query("overflow", "SELECT id FROM w WHERE %s + %s > 0" % (c, n))
            yield Query("overflow", "PREPARE s(numeric) AS SELECT count(*) FROM w WHERE %s <> $1" % c, "EXECUTE s(%s)" % n, settings=GENERIC)
    for e in ("d1 + 7", "d1 - 7", "d1 + n1", "d2 + 3000000", "d1 - 3000000", "d1 + 1 - 1", "d1 - d2", "ts + interval '1 day'", "d1 + interval '1 month'", "d1 + 2147483647"):
        for template in ("SELECT id, %s FROM w", "SELECT max(%s), min(%s) FROM w", "SELECT id FROM w WHERE %s IS NULL", "SELECT %s AS x, count(*) FROM w GROUP BY 1", "SELECT id FROM w ORDER BY %s DESC, id LIMIT 4", "SELECT count(*) FILTER (WHERE %s IS NOT NULL) FROM w"):
            yield Query("overflow", template.replace("%s", e))
        for op, v in itertools.product(OPERATORS, ("9999-12-31", "10000-01-01", "0001-01-01", "0001-12-31 BC", "2024-06-01")):
            if e != "d1 - d2":
                yield Query("overflow", "SELECT id FROM w WHERE %s %s '%s'" % (e, op, v))
                yield Query("overflow", "SELECT id FROM w WHERE '%s' %s %s" % (v, op, e))


# -- tables together --

LEFT = ["g", "(SELECT * FROM g WHERE id < 40) g", "(SELECT * FROM g ORDER BY id LIMIT 15) g", "parts g", "bag g"]
CONDITIONS = ["g.wid = w.id", "g.wid = w.id AND w.n1 > 0", "g.wid = w.id AND g.n = w.n1", "g.n = w.n1 AND w.id < 3000", "g.k = w.grp", "g.k = w.s1", "g.day = w.d1", "g.day = w.d2 AND g.flag = w.b1", "g.at = w.ts", "g.at = w.tl AT TIME ZONE 'UTC'",
              "g.amount = w.p AND w.b1", "g.flag = w.b1 AND w.n1 = 3", "g.n::numeric = w.q", "g.n = w.n8", "g.k = w.code", "g.day = w.ts", "g.k LIKE w.grp", "g.wid = w.id OR g.n = w.i2", "g.wid + 0 = w.id", "g.day BETWEEN w.d1 AND w.d2",
              "g.amount > w.p AND w.n1 = 2 AND g.n = 5", "coalesce(g.n, 0) = coalesce(w.n1, 0) AND w.b1 AND w.n2 > 0", "g.k = w.s2 AND g.day > '2024-01-01'", "date_trunc('month', g.day) = date_trunc('month', w.d1)", "g.wid = w.id AND g.day < '9999-12-31'"] + [
              # conditions that need both rows, of every form
              "g.wid = w.id AND " + x for x in ("(g.flag OR w.n1 > 3)", "NOT (g.flag AND w.b1)", "(g.flag IS NOT TRUE OR w.b2)", "CASE WHEN g.flag THEN w.b1 ELSE w.b2 END", "w.b1 = g.flag", "w.b1 IS DISTINCT FROM g.flag",
              "coalesce(g.n, 3) = coalesce(w.n1, 3)", "(g.day > w.d1 OR w.d1 IS NULL)", "(g.k, g.n) <> (w.grp, w.n1)", "g.k IN (w.grp, w.code)", "w.d1 + g.n > '2024-01-01'", "w.ts > g.at - interval '1 day'", "(g.k LIKE w.grp OR g.k IS NULL)",
              "(g.n IS NULL OR w.n1 > 2)", "(g.day IS NOT NULL) = w.b1", "w.n1 BETWEEN g.n AND g.n + 9", "nullif(w.n1, g.n) IS NULL", "w.d2 = ANY (ARRAY[g.day, '2024-01-01'])")]


def joins():
    for table, kind, on, settings in itertools.product(LEFT, ["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"], CONDITIONS, [
            {}, JOINS_OFF, {"enable_hashjoin": "off", "enable_nestloop": "off"}, {"enable_nestloop": "off", "enable_mergejoin": "off"}]):
        if kind == "FULL JOIN" and any(x in on for x in (" OR ", "LIKE", "BETWEEN", " > ", "w.n1", "w.b1", "w.id <", " < ")):
            continue
        both = "%s %s w ON %s" % (table, kind, on)
        yield Query("join", "SELECT g.wid, g.n, g.k, w.id, w.s1, w.d1 FROM " + both, settings=settings)
        yield Query("join", "SELECT w.grp, count(*), sum(g.amount), max(w.ts), min(g.day) FROM %s GROUP BY 1" % both, settings=settings)
        yield Query("join", "SELECT count(*), count(w.id), count(DISTINCT g.k) FROM %s WHERE w.d1 IS NULL OR w.d1 > '2023-01-01'" % both, settings=settings)
    # the same columns on both sides: whose is it?
    for a, b, on in itertools.product(("g", "parts", "bag"), ("g", "part1", "part3", "bag"), ("a.n = b.n AND (a.flag OR b.amount > 5)", "a.n = b.n AND a.flag", "a.n = b.n AND NOT (a.flag AND b.n > 2)", "a.n = b.n AND (a.flag IS NOT TRUE OR b.k = 'g1')",
                                      "a.n = b.n AND CASE WHEN a.flag THEN b.n > 2 ELSE b.flag END", "a.wid = b.wid AND a.day <> b.day", "a.n = b.n AND a.k = b.k", "a.day = b.day AND a.at > b.at", "a.n + 1 = b.n AND (a.n > 3 OR b.flag)", "a.n = b.n AND a.k IS NULL")):
        for kind in ("JOIN", "LEFT JOIN"):
            yield Query("self join", "SELECT a.n, a.flag, a.k, b.flag, b.k, b.amount FROM %s a %s %s b ON %s WHERE a.amount < 90" % (a, kind, b, on), settings=dict(JOINS_OFF, enable_material="off", enable_memoize="off"))
        yield Query("self join", "SELECT a.n, a.k FROM %s a WHERE EXISTS (SELECT FROM %s b WHERE %s)" % (a, b, on), settings=dict(JOINS_OFF, enable_material="off"))
        yield Query("self join", "SELECT a.n, a.k, l.* FROM %s a, LATERAL (SELECT count(*) FILTER (WHERE a.flag OR b.flag), max(b.day), sum(b.amount) FROM %s b WHERE %s) l" % (a, b, on))
    for on, settings in itertools.product(CONDITIONS, [{}, JOINS_OFF, {"enable_hashjoin": "off"}]):
        for template in ("SELECT w.id FROM w WHERE EXISTS (SELECT FROM g WHERE %s)", "SELECT w.id FROM w WHERE NOT EXISTS (SELECT FROM g WHERE %s)", "SELECT g.id FROM g WHERE EXISTS (SELECT 1 FROM w WHERE %s)",
                         "SELECT g.id FROM g WHERE NOT EXISTS (SELECT 1 FROM w WHERE %s AND w.s1 IS NOT NULL)", "SELECT w.id, (SELECT count(*) FROM g WHERE %s) FROM w WHERE w.n1 BETWEEN 0 AND 5",
                         "SELECT g.id, (SELECT max(w.d1) FROM w WHERE %s) FROM g", "SELECT g.id, l.* FROM g, LATERAL (SELECT w.id AS wid, w.s1 FROM w WHERE %s ORDER BY w.id LIMIT 2) l",
                         "SELECT g.id, l.* FROM g LEFT JOIN LATERAL (SELECT count(*) AS n, sum(w.p) AS s, max(w.ts) FROM w WHERE %s) l ON l.n > 0", "SELECT g.id FROM g WHERE g.amount > (SELECT avg(w.p) FROM w WHERE %s)",
                         "SELECT g.id FROM g WHERE 1 = ANY (SELECT w.n1 FROM w WHERE %s)", "SELECT g.id FROM g WHERE g.n > ALL (SELECT w.n1 FROM w WHERE %s AND w.n1 IS NOT NULL)",
                         "WITH x AS MATERIALIZED (SELECT * FROM g WHERE n > 0) SELECT g.id, w.id FROM x g JOIN w ON %s", "SELECT g.k, count(*) FROM g JOIN w ON %s GROUP BY g.k HAVING count(*) > 1"):
            yield Query("subquery", template % on, settings=settings)
    for inner in ("SELECT wid FROM g", "SELECT wid FROM g WHERE wid IS NOT NULL", "SELECT wid FROM bag WHERE day > '2024-01-01'", "SELECT id FROM empty", "SELECT n FROM g", "SELECT max(wid) FROM g", "SELECT id FROM w x WHERE x.n1 = w.n2", "SELECT a FROM pair"):
        for outer in ("id IN (%s)", "id NOT IN (%s)", "n1 IN (%s)", "n1 NOT IN (%s)", "NOT (n1 IN (%s) AND b1)", "id = ANY (%s)", "id <> ALL (%s)", "id > ALL (%s)", "id < ANY (%s)", "(n1 IN (%s)) IS NOT TRUE", "id IN (%s) OR n1 = 1",
                      "CASE WHEN id IN (%s) THEN b1 ELSE b2 END"):
            yield Query("subquery", "SELECT id FROM w WHERE " + outer % inner)
            yield Query("subquery", "SELECT count(*), sum(p) FROM w WHERE %s AND d1 < '9999-12-31'" % (outer % inner), settings=JOINS_OFF)
    for inner in ("SELECT k FROM g", "SELECT k FROM g WHERE k IS NOT NULL", "SELECT word FROM words", "SELECT grp FROM w", "VALUES ('a'), (E'\\x01'), ('')", "SELECT c FROM pair", "SELECT '' FROM g"):
        for outer in ("s1 IN (%s)", "s1 NOT IN (%s)", "grp IN (%s)", "grp NOT IN (%s)", "(s2 IN (%s)) IS UNKNOWN", "s1 > ALL (%s)", "s1 < ANY (%s)", "code = ANY (%s)"):
            yield Query("subquery", "SELECT id FROM w WHERE " + outer % inner)
            yield Query("subquery", "SELECT count(*), min(id) FROM w WHERE " + outer % inner, settings=JOINS_OFF)


def together():
    """Statements that are one of a kind."""
    for table in ("w", "g", "bag", "pair", "mixed", "words", "empty", "parts", "odd", "asked", "expr", "narrow", "twice"):
        yield Query("table", "SELECT * FROM " + table)
        yield Query("table", "SELECT count(*) FROM " + table)
        yield Query("table", "SELECT FROM " + table)
        yield Query("table", "SELECT t FROM %s t" % table)
        yield Query("table", "SELECT count(*), count(t.*) FROM (SELECT * FROM %s OFFSET 0) t" % table)
        yield Query("table", "SELECT 1 AS one, count(*) FROM %s GROUP BY 1" % table)
        yield Query("table", "SELECT * FROM %s WHERE false" % table)
        yield Query("table", "SELECT count(*) FROM %s WHERE (SELECT false)" % table)
        yield Query("table", "SELECT count(*) FROM %s HAVING count(*) > 1000000" % table)
        yield Query("table", "SELECT count(*) FROM %s WHERE now() > '2020-01-01'" % table)
        yield Query("table", "SELECT row_to_json(t) FROM %s t" % table)
        yield Query("table", "SELECT count(*) FROM %s a, %s b" % (table, table) if table != "w" else "SELECT count(*) FROM w a, g b")
        if table not in ("asked", "expr", "narrow", "twice"):
            yield Query("table", "SELECT count(*) FROM %s t WHERE tableoid IS NOT NULL" % table)
        yield Query("table", "SELECT count(*) FROM %s t WHERE t IS NULL OR t IS NOT NULL" % table)
        yield Query("table", "CREATE TEMP TABLE x ON COMMIT DROP AS SELECT * FROM " + table, "SELECT * FROM x")
        yield Query("table", "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 3) SELECT i, count(*) FROM r, %s GROUP BY i" % table)
    for limit in ("LIMIT 0", "LIMIT 1", "LIMIT 7", "LIMIT 8", "LIMIT 97", "LIMIT 98", "LIMIT NULL", "LIMIT (SELECT 3)", "LIMIT 5 OFFSET 7", "LIMIT 5 OFFSET 96", "OFFSET 100", "LIMIT 7 OFFSET 7", "LIMIT 1000 OFFSET 339", "OFFSET 1000", "LIMIT 97 OFFSET 97"):
        for order in ("id", "id DESC", "n1, id", "p DESC, id", "d1, id", "d2 DESC NULLS LAST, id", "s1, id", "grp, s1, id", "ts, id", "tl DESC, id DESC", "b1, id", "b1 DESC, b2, id", "n1 NULLS FIRST, id", "q, id", "i2 DESC, n8, id", "lower(grp), id",
                      "s1 COLLATE \"C\" DESC, id", "d1 = '9999-12-31', id", "n1 IS NULL, id", "n1 + 0.5, id", "abs(q), id"):
            yield Query("limit", "SELECT id, n1, d1, s1 FROM w ORDER BY %s %s" % (order, limit), ordered=True)
            yield Query("limit", "SELECT id FROM w WHERE b1 AND n1 < 15 ORDER BY %s %s" % (order, limit), ordered=True)
        for table, order in (("pair", "a, b"), ("pair", "a DESC, b DESC"), ("pair", "b, a"), ("pair", "a, b DESC"), ("mixed", "a, c"), ("mixed", "a, c DESC"), ("words", "word"), ("words", "n"), ("parts", "id"), ("parts", "day, id"), ("g", "wid, id")):
            yield Query("limit", "SELECT * FROM %s ORDER BY %s %s" % (table, order, limit), ordered=True)
            yield Query("limit", "SELECT * FROM %s WHERE %s IS NOT NULL ORDER BY %s %s" % (table, order.split()[0].strip(","), order, limit), ordered=True)
    for i in (-4611686018427387904, -9223372036854775807, -7, 0, 5, 2147483648, 4611686018427387904, 9223372036854775806, 9223372036854775807):
        for op in OPERATORS:
            yield Query("key", "SELECT id FROM w WHERE id %s %d ORDER BY id LIMIT 3" % (op, i), ordered=True)
            yield Query("key", "SELECT id FROM w WHERE id %s %d ORDER BY id DESC LIMIT 3" % (op, i), ordered=True)
            yield Query("key", "SELECT id, s1 FROM w WHERE id %s %d AND n1 > 0" % (op, i))
    for row in ("(a, b) = (0, -1)", "(a, b) > (0, -1)", "(a, b) <= (3, 0)", "(a, b) IN ((0, -1), (1, 98))", "a = 3", "a > 3 AND b < 0", "a BETWEEN -2 AND 2", "(b, a) < (0, 0)", "ROW(a, c) = ROW(0, '32')", "(a, c) > (0, '3')", "c > '5'", "a IS NOT NULL", "c = E'\\x01'"):
        for table in ("pair", "mixed"):
            yield Query("key", "SELECT * FROM %s WHERE %s" % (table, row))
            yield Query("key", "SELECT a, b, c FROM %s WHERE %s ORDER BY a, b LIMIT 6" % (table, row), ordered=True)
            yield Query("key", "SELECT count(*), sum(v), max(d) FROM %s WHERE NOT (%s)" % (table, row))
    for table in ("pair", "mixed", "narrow", "twice", "bag", "words", "g", "w", "parts"):
        column = {"bag": "n", "words": "n", "g": "id", "twice": "again", "w": "n1", "parts": "id"}.get(table, "a")
        for place in ("f7", "f9", "f97", "f1000", "fest"):
            yield Query("paging", "SELECT * FROM %s OFFSET 0" % table, place=place)
            yield Query("paging", "SELECT count(*), count(DISTINCT x) FROM (SELECT x FROM %s x OFFSET 0) y" % table, place=place)
            yield Query("paging", "SELECT * FROM %s WHERE %s > 1" % (table, column), place=place)
            yield Query("paging", "SELECT %s, count(*) FROM (SELECT * FROM %s OFFSET 0) x GROUP BY 1" % (column, table), place=place)
            yield Query("paging", "SELECT count(*) FROM %s a JOIN %s b USING (%s)" % (table, table, column), place=place, settings=JOINS_OFF)
    for fetch in (["FETCH 3 c", "FETCH ALL c", "FETCH 1 c"], ["MOVE 5 c", "FETCH 2 c", "MOVE FORWARD ALL c", "FETCH 1 c"], ["FETCH 1 c"] * 5, ["FETCH 100 c", "FETCH 1000 c"],
                  ["FETCH FIRST c", "FETCH LAST c", "FETCH PRIOR c", "FETCH ABSOLUTE 4 c", "FETCH RELATIVE -2 c", "FETCH BACKWARD ALL c", "FETCH NEXT c"]):
        for query in ("SELECT id, s1, d1 FROM w ORDER BY id", "SELECT id, n1 FROM w WHERE b1 ORDER BY n1, id", "SELECT g.id, w.s1 FROM g JOIN w ON w.id = g.wid ORDER BY g.id", "SELECT grp, count(*) FROM w GROUP BY grp ORDER BY 1",
                      "SELECT * FROM pair ORDER BY a, b", "SELECT id FROM w WHERE s1 = E'\\x01' ORDER BY id", "SELECT id, day FROM parts ORDER BY id", "SELECT id FROM g UNION ALL SELECT id FROM part1 ORDER BY 1"):
            scroll = "SCROLL" if "LAST" in fetch[1] else "NO SCROLL"
            yield Query("cursor", "DECLARE c %s CURSOR FOR %s" % (scroll, query), *fetch, ordered=True)
            yield Query("cursor", "DECLARE c SCROLL CURSOR WITH HOLD FOR " + query, fetch[0], "SAVEPOINT s", "FETCH 2 c", "ROLLBACK TO s", "FETCH 2 c", "CLOSE c", ordered=True)
            yield Query("cursor", "DECLARE c NO SCROLL CURSOR FOR " + query, "DECLARE o NO SCROLL CURSOR FOR SELECT id FROM w ORDER BY id DESC", "FETCH 3 c", "FETCH 3 o", "FETCH 100 c", "FETCH 3 o", "CLOSE c", "FETCH 1 o", ordered=True)
    for where in ("id < 41", "id BETWEEN 39 AND 43", "id = 60", "id IN (1, 50, 100)", "id > 1000", "day = '9999-12-31'", "k = 'g1'", "k = E'\\x01'", "flag", "n IS NULL", "wid IS NOT NULL AND id > 81", "id = (SELECT 60)", "id = ANY ('{5,45,85}')"):
        for select in ("id, k, day", "count(*), sum(amount)", "tableoid IS NULL, n"):
            yield Query("partition", "SELECT %s FROM parts WHERE %s" % (select, where))
            yield Query("partition", "SELECT %s FROM parts WHERE NOT (%s)" % (select, where), settings={"enable_partitionwise_aggregate": "on", "enable_partitionwise_join": "on"})
            yield Query("partition", "SELECT n, count(*), max(day) FROM parts WHERE %s GROUP BY n" % where, settings={"enable_partitionwise_aggregate": "on"})
            yield Query("partition", "SELECT a.id, b.id FROM parts a JOIN parts b USING (id) WHERE %s" % where.replace("id", "a.id", 1) if where.startswith("id") else "SELECT 1", settings={"enable_partitionwise_join": "on"})
    for row, table in itertools.product(range(1, 4), ("w", "g", "bag", "parts")):
        yield Query("misc", "SELECT a.*, x.i FROM generate_series(1, %d) x(i), LATERAL (SELECT count(*) FROM %s t WHERE t.%s > x.i) a" % (row, table, "n1" if table == "w" else "n"))
        yield Query("misc", "SELECT (SELECT count(*) FROM %s), (SELECT max(t::text) FROM %s t), %d" % (table, table, row))
        yield Query("misc", "SELECT %s FROM %s FOR UPDATE" % ("id" if table != "bag" else "n", table), "SELECT count(*) FROM %s" % table)
        yield Query("misc", "VALUES ((SELECT count(*) FROM %s)), (%d)" % (table, row))
        yield Query("misc", "SELECT unnest(ARRAY[1, 2, %d]), count(*) FROM %s GROUP BY 1" % (row, table))


# -- other types here than there --

ODD_VALUES = {
    "n1_text": ["'1'", "'01'", "'-1'", "'1.0'", "'a'", "''", "' 1'", "'7'", "'10'"], "n1_num": ["1", "1.0", "1.5", "0.999999999999", "1e10", "'NaN'"], "n1_small": ["1", "1.004", "0.5", "19"], "n2_big": ["1", "3000000000", "1.5"],
    "n1_float": ["1", "1.5", "'NaN'", "1e300"], "n1_dom": ["1", "0", "-1"], "p_money": ["12.3", "12.34", "0", "0.0", "1000000.0", "1.5"], "p_real": ["1.5", "12.34", "0.01"], "b1_text": ["'T'", "'F'", "'t'", "'true'", "''", "'T '"],
    "flag_bool": ["true", "false"], "digits_int": ["7", "1", "10", "0", "-5", "100"], "digits_num": ["7", "7.0", "9.5", "99", "-5"], "code_char": ["'a'", "'a  '", "'x y'", "''", "'abcde'"], "code_vc": ["'a'", "'A'", "'ab '"],
    "code_name": ["'a'", "'ab'", "'x y'"], "u_uuid": ["'00000000-0000-0000-0000-000000000000'", "'{A0EEBC999C0B4EF8BB6D6BB9BD380A11}'"], "j_jsonb": ["'{\"a\": 1}'", "'1'", "'[1,2,{\"b\":null}]'"], "mood_enum": ["'sad'", "'ok'", "'happy'"],
    "span_iv": ["'24:00:00'", "'1 day'", "'30 days'"], "ts_date": ["'2024-03-10'", "'2024-11-03'", "'9999-12-31'", "'0001-01-01'", "'infinity'", "'2024-01-01'"],
    "ts_local": ["'2024-03-10 03:00:00'", "'2024-11-03 01:30:00'", "'9999-12-31 23:59:59'", "'2024-07-15 05:34:56'"], "ts_p0": ["'2024-03-10 10:00:00+00'", "'2024-11-03 09:30:00+00'", "'9999-12-31 12:00:00+00'"],
    "d1_ts": ["'2024-03-31'", "'2024-03-31 12:00'", "'9999-12-31'", "'infinity'"], "d1_p0": ["'2024-03-31'", "'9999-12-31'"], "d1_tz": ["'2024-03-31'", "'2024-03-31 07:00:00+00'", "'9999-12-31 08:00:00+00'", "'infinity'"],
    "d2_date": ["'2024-03-31'", "'9999-12-31'"], "s1_c": ["'a'", "'B'", "E'\\x01'"], "s1_und": ["'a'", "'B'", "'\u00e1'"], "grp_ci": ["'g1'", "'G1'", "'g2'"], "s2_vc": ["'a'", "'g1'", "''"], "s2_dom": ["'a'", "'g1'"],
}
UNORDERED = {"j_jsonb"}
LOOKALIKES = {"span_iv", "grp_ci", "code_char"}      # equal values that look different: which of them is shown is chance


def odd():
    for c, values in ODD_VALUES.items():
        for op, v in itertools.product(OPERATORS, values):
            yield Query("odd", "SELECT id FROM odd WHERE %s %s %s" % (c, op, v))
            yield Query("odd", "SELECT count(*), count(%s) FROM odd WHERE NOT (%s %s %s)" % (c, c, op, v))
            yield Query("odd", "SELECT count(*) FILTER (WHERE %s %s %s), max(id) FROM odd" % (c, op, v))
            yield Query("odd", "SELECT CASE WHEN %s %s %s THEN 'yes' ELSE 'no' END AS x, count(*) FROM odd GROUP BY 1" % (c, op, v))
        for v in values:
            yield Query("odd", "SELECT id FROM odd WHERE %s IN (%s, %s)" % (c, v, values[0]))
            yield Query("odd", "SELECT id FROM odd WHERE %s NOT IN (%s, %s)" % (c, v, values[0]))
            yield Query("odd", "SELECT id FROM odd WHERE %s IS DISTINCT FROM %s" % (c, v))
            yield Query("odd", "SELECT %scount(*) FROM odd GROUP BY coalesce(%s, %s)" % ("" if c in LOOKALIKES else "coalesce(%s, %s) AS x, " % (c, v), c, v))
            yield Query("odd", "SELECT nullif(%s, %s) AS x, id FROM odd" % (c, v))
            yield Query("odd", "SELECT v.n, odd.id FROM (VALUES (1, %s), (2, %s)) v(n, x) JOIN odd ON odd.%s = v.x::%s" % (v, values[-1], c, odd_type(c)), settings=JOINS_OFF)
            for mode in (CUSTOM, GENERIC):
                yield Query("odd", "PREPARE s(%s) AS SELECT id FROM odd WHERE %s = $1" % (odd_type(c), c), "EXECUTE s(%s)" % v, settings=mode)
        yield Query("odd", "SELECT id, %s FROM odd" % c)
        if c not in LOOKALIKES:
            yield Query("odd", "SELECT %s AS x, count(*) FROM odd GROUP BY 1" % c)
            yield Query("odd", "SELECT DISTINCT %s FROM odd" % c)
            yield Query("odd", "SELECT %s AS x, count(*) FROM odd GROUP BY 1 ORDER BY 1 LIMIT 4" % c, ordered=True)
        yield Query("odd", "SELECT count(DISTINCT %s), count(%s) FROM odd" % (c, c))
        yield Query("odd", "SELECT id FROM odd WHERE %s IS NULL" % c)
        yield Query("odd", "SELECT id, %s FROM odd ORDER BY %s, id LIMIT 12" % (c, c), ordered=True)
        yield Query("odd", "SELECT id, %s FROM odd ORDER BY %s DESC NULLS LAST, id LIMIT 5" % (c, c), ordered=True)
        yield Query("odd", "SELECT a.id, b.id FROM odd a JOIN odd b ON a.%s = b.%s AND a.id < b.id WHERE a.n1_num = 1" % (c, c))
        yield Query("odd", "SELECT o.id, w.id FROM odd o JOIN w ON o.%s::text = w.s1 OR o.%s::text = w.n1::text WHERE o.n1_num = 1" % (c, c))
        if c not in UNORDERED | LOOKALIKES | {"flag_bool", "u_uuid", "code_name"}:
            yield Query("odd", "SELECT min(%s), max(%s) FROM odd" % (c, c))
            yield Query("odd", "SELECT n1_num, max(%s) FROM odd GROUP BY 1" % c)
            yield Query("odd", "SELECT max(%s) FILTER (WHERE n1_num > 3) FROM odd HAVING min(%s) IS NOT NULL" % (c, c))
        if c in ("n1_num", "n1_small", "n2_big", "n1_dom", "p_money", "digits_int", "digits_num"):
            yield Query("odd", "SELECT sum(%s), avg(%s) FROM odd WHERE abs(%s) < 1000000" % (c, c, c))
            yield Query("odd", "SELECT id FROM odd WHERE %s::numeric + 1 > 3" % c)
            yield Query("odd", "SELECT id, %s * 2.5 AS x, abs(%s) FROM odd WHERE abs(%s::numeric) < 100" % (c, c, c))
        if c in ("ts_date", "ts_local", "ts_p0", "d1_ts", "d1_p0", "d1_tz", "d2_date"):
            for unit in ("year", "month", "day", "hour"):
                yield Query("odd", "SELECT date_trunc('%s', %s) AS x, count(*), min(%s) FROM odd GROUP BY 1" % (unit, c, c))
                yield Query("odd", "SELECT max(date_trunc('%s', %s)) FROM odd" % (unit, c))
                yield Query("odd", "SELECT id FROM odd WHERE date_trunc('%s', %s) = '2024-01-01'" % (unit, c))
            yield Query("odd", "SELECT extract(year FROM %s) AS x, to_char(%s, 'YYYY-MM-DD') AS y, count(*) FROM odd GROUP BY 1, 2" % (c, c))
            yield Query("odd", "SELECT o.id, w.id FROM odd o JOIN w ON o.%s = w.d1 WHERE w.n1 = 1" % c)
            yield Query("odd", "SELECT id FROM odd WHERE %s::date = '2024-03-10'" % c)
        if c in ("n1_text", "b1_text", "s1_c", "s1_und", "grp_ci", "s2_vc", "s2_dom", "code_vc", "code_char"):
            for p in ("1%", "%1", "_", "%a%", "T%", "%\u0301", "a_"):
                if c != "grp_ci":
                    yield Query("odd", "SELECT id FROM odd WHERE %s LIKE '%s'" % (c, p))
                    yield Query("odd", "SELECT id FROM odd WHERE %s NOT LIKE '%s'" % (c, p))
    for v in ("1", "0", "-1"):
        yield Query("odd", "SELECT id FROM expr WHERE total = %s" % v)
        yield Query("odd", "SELECT id, later FROM expr WHERE later > '2024-06-01' ORDER BY later, id LIMIT %d" % (int(v) + 5), ordered=True)
        yield Query("odd", "SELECT id FROM asked WHERE n1 > %s AND s1 <> E'\\x02' AND d1 <= '9999-12-31'" % v)


def collations():
    """Texts whose collations do not agree, and such that are named."""
    pair = ["s1_c", "s1_und", "grp_ci", "n1_text", "s2_vc"]
    both = ["coalesce(%s, %s)", "%s || %s", "CASE WHEN n1_num > 0 THEN %s ELSE %s END", "nullif(%s, %s)", "greatest(%s, %s)"]
    for a, b in itertools.permutations(pair, 2):
        for op in OPERATORS + ["IS DISTINCT FROM"]:
            yield Query("collation", "SELECT id FROM odd WHERE %s %s %s" % (a, op, b))
            yield Query("collation", "SELECT id FROM odd WHERE %s %s %s COLLATE \"C\"" % (a, op, b))
            yield Query("collation", "SELECT count(*) FILTER (WHERE %s %s %s) FROM odd" % (a, op, b))
        for e in both:
            e = e % (a, b)
            for template in ("SELECT id FROM odd WHERE %s = 'a'", "SELECT id FROM odd WHERE %s IN ('a', 'b')", "SELECT id FROM odd WHERE %s <> 'a' COLLATE \"C\"", "SELECT count(*) FROM odd WHERE %s LIKE 'a%%'", "SELECT count(*) FROM odd GROUP BY %s", "SELECT count(DISTINCT %s) FROM odd",
                             "SELECT min(%s COLLATE \"C\"), max((%s) COLLATE \"C\") FROM odd", "SELECT max(%s) FROM odd", "SELECT id FROM odd ORDER BY %s, id LIMIT 3", "SELECT count(*) FROM odd WHERE %s IS NULL"):
                yield Query("collation", template.replace("%%", "%").replace("%s", e))


def odd_type(c):
    return next(t.split(" COLLATE")[0] for _, name, t, _ in ODD if name == c)


# -- zones --

def zones():
    for name, (zone, first, last) in ZONES.items():
        table = "m_" + name
        moments = around(zone, first, last)
        for here in (zone, "UTC", "Asia/Tokyo"):
            for i, moment in enumerate(moments):
                for c, v in (("ts", "'%s+00'" % moment), ("ts", "'%s.5+00'" % moment), ("ts", "timestamp '%s'" % moment), ("ts", "date '%s'" % moment[:10]), ("tl", "'%s'" % moment), ("day", "'%s'" % moment[:10]),
                             ("day", "timestamptz '%s+00'" % moment)):
                    op = OPERATORS[i % 6]
                    yield Query("zone " + name, "SELECT id FROM %s WHERE %s %s %s" % (table, c, op, v), settings={"timezone": here}, zone=name)
                    yield Query("zone " + name, "SELECT count(*), min(%s), max(%s) FROM %s WHERE %s BETWEEN %s AND '%s'" % (c, c, table, c, v, moments[(i + 9) % len(moments)]), settings={"timezone": here}, zone=name)
                yield Query("zone " + name, "SELECT id FROM %s WHERE ts IN ('%s+00', '%s+00')" % (table, moment, moments[(i + 5) % len(moments)]), settings={"timezone": here}, zone=name)
                yield Query("zone " + name, "SELECT v.n, m.id FROM (VALUES (1, timestamptz '%s+00'), (2, '%s+00')) v(n, x) JOIN %s m ON m.ts = v.x" % (moment, moments[(i + 1) % len(moments)], table), settings=dict(JOINS_OFF, timezone=here), zone=name)
            for query in ("SELECT * FROM %s", "SELECT date_trunc('day', ts) AS x, count(*) FROM %s GROUP BY 1", "SELECT date_trunc('hour', tl) AS x, count(*) FROM %s GROUP BY 1", "SELECT day, count(*), min(ts), max(tl) FROM %s GROUP BY day",
                          "SELECT max(date_trunc('month', day)), min(date_trunc('year', day)), max(ts), min(tl) FROM %s", "SELECT coalesce(ts, 'infinity'), id FROM %s WHERE coalesce(ts, 'infinity') > '9999-12-31'", "SELECT ts::date, count(*) FROM %s GROUP BY 1",
                          "SELECT id FROM %s WHERE ts = tl", "SELECT id FROM %s WHERE ts::date <> day", "SELECT id, ts, tl FROM %s ORDER BY ts, tl, id LIMIT 20", "SELECT date_trunc('month', day) AS x, count(*) FROM %s GROUP BY 1",
                          "SELECT CASE WHEN id % 2 = 0 THEN date_trunc('month', day) END AS x, count(*) FROM %s GROUP BY 1", "SELECT id FROM %s WHERE day = ts", "SELECT extract(hour FROM ts) AS x, count(*) FROM %s GROUP BY 1"):
                yield Query("zone " + name, query.replace("%s", table), settings={"timezone": here}, zone=name)


# days that begin at one o'clock, or not at all: zone, day, the moment at which it begins
MIDNIGHTS = [("America/Santiago", "2023-09-03", "2023-09-03 04:00:00+00"), ("America/Sao_Paulo", "2018-11-04", "2018-11-04 03:00:00+00"), ("Asia/Beirut", "2024-03-31", "2024-03-30 22:00:00+00"),
             ("Pacific/Apia", "2011-12-30", "2011-12-30 10:00:00+00"), ("Asia/Tehran", "2021-03-22", "2021-03-21 20:30:00+00"), ("America/Havana", "2024-03-10", "2024-03-10 05:00:00+00")]


def midnights():
    """A date compared with moments and turned into one, in sessions whose zone has no midnight on that day."""
    for (zone, day, moment), op in itertools.product(MIDNIGHTS, OPERATORS):
        here = {"timezone": zone}
        for v in ("timestamptz '%s'" % moment, "timestamptz '%s' - interval '1 second'" % moment, "timestamptz '%s' + interval '1 second'" % moment, "timestamptz '%s' + interval '1 hour'" % moment, "timestamp '%s 00:00'" % day,
                  "timestamp '%s 00:30'" % day, "timestamp '%s 01:00'" % day, "date '%s'" % day, "(SELECT timestamptz '%s')" % moment):
            for c in ("d1", "d2", "ts", "tl", "coalesce(d1, d2)", "d1::timestamptz", "date_trunc('day', d1)"):
                yield Query("midnight", "SELECT id FROM w WHERE %s %s %s" % (c, op, v), settings=here)
                yield Query("midnight", "SELECT count(*) FILTER (WHERE %s %s %s), max(id) FROM w" % (c, op, v), settings=here)
            yield Query("midnight", "SELECT count(*) FROM (VALUES (%s), (NULL)) v(x) JOIN w ON w.d1 %s v.x" % (v, op), settings=dict(JOINS_OFF, **here))
        for c in ("d1", "coalesce(d1, d2)", "CASE WHEN b1 THEN d1 END", "max(d1)"):
            group = "" if c.startswith("max") else " GROUP BY 1"
            yield Query("midnight", "SELECT date_trunc('day', %s) AS x, count(*) FROM w WHERE d1 %s '%s'%s" % (c, op, day, group), settings=here)
            yield Query("midnight", "SELECT (%s)::timestamptz AS x, count(*) FROM w WHERE d1 %s '%s'%s" % (c, op, day, group), settings=here)


FAMILIES = {"operators": (operators, 27), "like": (likes, 4), "booleans": (booleans, 3), "expressions": (selections, 23), "joins": (joins, 10), "together": (together, 9), "odd": (odd, 10), "zones": (zones, 7), "overflows": (overflows, 4), "midnights": (midnights, 2), "collations": (collations, 1)}


def all_of_them():
    return [query for make, _ in FAMILIES.values() for query in make()]


def draw(n):
    """The same n queries each time: of each family its share, of each kind in it an even part."""
    rng, drawn = random.Random(1), []
    for make, share in FAMILIES.values():
        kinds = {}
        for query in make():
            kinds.setdefault(query.family, []).append(query)
        for queries in kinds.values():
            rng.shuffle(queries)
        turns = itertools.chain.from_iterable(itertools.zip_longest(*kinds.values()))
        drawn += itertools.islice((x for x in turns if x), max(1, n * share // 100))
    return drawn[:n]
