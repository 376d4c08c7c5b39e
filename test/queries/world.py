#!/usr/bin/python3
"""A small world of tables with every value that hurts, twice.

`world.py write DIR` writes each table for the sandbox (DIR/source) and for the local copy (DIR/truth);
`world.py load DIR` makes schema truth from the latter, and foreign tables over the former in a schema for each
way of paging.  Nothing in truth has ever been through the connector.  Both sides are the same for the same ZONE.
"""

import json
import os
import random
import re
import sys
import urllib.request
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import psycopg

NULL = None
ZONE = os.environ.get("ZONE", "America/Los_Angeles")    # the account's

# both sides of each change in these years; some change at midnight, by half an hour, or skipped a day
ZONES = {
    "los_angeles": ("America/Los_Angeles", 2023, 2025), "santiago": ("America/Santiago", 2023, 2025),
    "beirut": ("Asia/Beirut", 2023, 2025), "london": ("Europe/London", 2023, 2025),
    "kolkata": ("Asia/Kolkata", 2023, 2023), "lord_howe": ("Australia/Lord_Howe", 2023, 2025),
    "azores": ("Atlantic/Azores", 2023, 2025), "casablanca": ("Africa/Casablanca", 2023, 2025),
    "havana": ("America/Havana", 2023, 2025), "sao_paulo": ("America/Sao_Paulo", 2017, 2019),
    "apia": ("Pacific/Apia", 2010, 2012), "tehran": ("Asia/Tehran", 2021, 2022),
    "dublin": ("Europe/Dublin", 2023, 2025), "st_johns": ("America/St_Johns", 2010, 2012),
}

# servers over the same account, by how they read: schema, options; those of DECLARED tell what each column is there
DECLARED = ("f1000", "f97", "f9")
SERVERS = {
    "f1000": {"max_concurrency": "5"},
    "f97": {"page_size": "97", "max_concurrency": "5"},
    "f7": {"page_size": "7", "max_concurrency": "1"},
    "f9": {"page_size": "9", "max_concurrency": "4"},
    "fest": {"page_size": "1000", "max_concurrency": "1", "use_remote_estimate": "on"},
}

# -- values --

INT2 = [-32768, -32767, -1, 0, 1, 32766, 32767]
INT4 = [-2147483648, -2147483647, -65536, -1, 0, 1, 7, 65536, 2147483646, 2147483647]
INT8 = [-9223372036854775808, -9223372036854775807, -4611686018427387904, -2147483649, -1, 0, 1, 2147483648,
        9007199254740993, 4611686018427387904, 9223372036854775806, 9223372036854775807]
# as NetSuite has them, without trailing zeros
NUMERIC = ["0", "1", "-1", "0.5", "-0.5", "1.1", "2.5", "-2.5", "3.5", "0.25", "0.005", "0.1",
           "99999999999999999999999999999999999999", "-99999999999999999999999999999999999999",
           "12345678901234567890123456789012345678", "1234567890123456789.0123456789012345678",
           "0.00000000000000000000000000000000000001", "-0.00000000000000000000000000000000000001",
           "0.99999999999999999999999999999999999999", "1" + "0" * 37, "1000000", "0.1234567", "33.3333333333",
           "9007199254740993", "-9223372036854775809", "18446744073709551616"]
MONEY = ["0", "0.01", "-0.01", "1", "1.5", "10.5", "12.34", "-12.34", "99.99", "100", "1000", "-1000", "999999.99"]
DAYS = ["0001-01-01", "0001-01-02", "0999-12-31", "1582-10-04", "1582-10-15", "1899-12-31", "1900-02-28", "1969-12-31",
        "1970-01-01", "1999-12-31", "2000-01-01", "2000-02-29", "2011-12-30", "2018-11-04", "2021-03-22", "2023-09-03", "2023-12-31",
        "2024-01-01", "2024-02-29", "2024-03-10", "2024-03-31", "2024-10-27", "2024-11-03", "2024-12-31", "2025-06-15",
        "2038-01-19", "9998-12-31", "9999-01-01", "9999-12-30", "9999-12-31", "9999-12-31"]
CLOCKS = ["00:00:00", "00:00:01", "01:30:00", "02:00:00", "07:59:59", "12:00:00", "16:00:00", "23:59:59"]
CONTROL = [chr(i) for i in range(1, 32)]
MARKS = ["\x010\x02", "\x011\x02", "\x01\x02", "a\x010\x02b", "\x0199999\x02", "\x01-1\x02"]
TEXT = ([" ", "  ", " a", "a ", " a ", "a", "A", "b", "B", "\u00e1", "a\u0301", "\u00c1", "A\u0301", "\u00df", "SS",
         "ss", "\u1e9e", "\u0131", "i", "I", "\u0130", "i\u0307", "\u00a0", "\u2003", "'", "''", '"', "\\", "\\\\", "a'b",
         'a"b', "a\\b", "\\'", "%", "_", "%%", "a%b", "a_b", "axb", "ab", "100%", "\\%", "\\_", "\U0001f44b",
         "\U0001f469\u200d\U0001f469\u200d\U0001f467", "e\U0001f600e", "\ufeff", "\ufeffa", "\u200b", "\u2028",
         "\ufffd", "\ufb01", "fi", "\u03a9", "\u2126", "\uac00", "\u1100\u1161", "\u0928\u093f", "--", "/*", "*/", ";",
         "a;b", "?", "a?b", ":1", "$1", "{}", "{a}", "NULL", "null", "T", "F", "t", "true", "0", "1", "01", "1.0",
         "1e0", "-1", "NaN", "Infinity", "O'Neil", "TO_DATE(", "x' OR '1'='1", "\\001", "\\x01", "\x7f", "\u0080",
         "\u0085", "a\nb", "a\r\nb", "a\tb", "a\x01b", "\x01a", "a\x1f", "2024-01-01", "12/31/2024",
         "x" * 4000, "x" * 3999 + "y", "\u00e9" * 4000, "\U0001f600" * 1000, "'" * 2000, "\\" * 1999] + CONTROL + MARKS)
GROUPS = ["g1", "G1", "g1 ", "g\u0301", "\u01f5", "g2", "G2", "g3", "zz", "\x01", " "]
CODES = ["a", "b", "A", "ab", "abc", "abcde", "x y", "\u00e9", "\u00df"]
DIGITS = ["1", "2", "9", "10", "007", "99", "100", "-5", "0"]
UUIDS = ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
         "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A12"]
JSONS = ['{"a": 1}', '{"a":1}', '[1, 2, {"b": null}]', '"text"', "1", '{"k": "\\u00e9"}']
MOODS = ["sad", "ok", "happy", "ok"]
SPANS = ["1 day", "24:00:00", "2 mons", "-1 day", "1 year 3 mons"]

BOOLS = ["T", "F", "T", "F", NULL]


def changes(zone, first, last):
    """The moments at which a zone's clocks change, from the first year to the last."""
    info, at = ZoneInfo(zone), datetime(first, 1, 1, tzinfo=timezone.utc)
    before, found = at.astimezone(info).utcoffset(), []
    while at.year <= last:
        at += timedelta(minutes=30)
        after = at.astimezone(info).utcoffset()
        if after != before:
            found.append(at)
        before = after
    return found


def around(zone, first, last):
    """Moments on both sides of each change, and one in each month."""
    moments = [datetime(y, m, 15, 12, 34, 56, tzinfo=timezone.utc) for y in range(first, last + 1) for m in range(1, 13)]
    for at in changes(zone, first, last):
        for seconds in (-86400, -7200, -3600, -1801, -1800, -1, 0, 1, 1800, 1801, 3599, 3600, 7200, 86400):
            moments.append(at + timedelta(seconds=seconds))
    return sorted(set(m.strftime("%Y-%m-%d %H:%M:%S") for m in moments))


# -- tables: name, columns (name, kind there, type here, values), rows, key, options --

def cycle(pool, rows, rng, nulls=0.0):
    """Each value at least once where there are rows enough, and then some again."""
    values = list(pool) * (rows // len(pool) + 1)
    head, tail = values[:len(pool)], values[len(pool):]
    rng.shuffle(tail)
    values = (head + tail)[:rows]
    rng.shuffle(values)
    return [NULL if rng.random() < nulls else v for v in values]


def spread(rows, rng, *pools):
    """One of several pools for each value, each drawn evenly."""
    parts = [cycle(pool, rows, rng) for pool in pools]
    return [rng.choice(row) for row in zip(*parts)]


def days(rows, rng, nulls=0.12):
    usual = ["%d-%02d-%02d" % (rng.randint(2022, 2025), rng.randint(1, 12), rng.randint(1, 28)) for _ in range(rows)]
    return [NULL if rng.random() < nulls else v for v in spread(rows, rng, DAYS, usual)]


def walls(rows, rng, nulls=0.12):
    """Datetimes: ("wall", text) by the account's clock or ("utc", text)."""
    utc = [("utc", m) for m in around(ZONE, 2024, 2025)]
    edges = [("wall", "9999-12-31 23:59:59"), ("wall", "9999-12-31 00:00:00"), ("wall", "0001-01-01 00:00:00"),
             ("wall", "9999-12-31 23:59:59"), ("wall", "9999-12-30 23:59:59")]
    usual = [("wall", d + " " + rng.choice(CLOCKS)) for d in days(rows, rng, 0) if d not in ("2011-12-30",)]
    return [NULL if rng.random() < nulls else v for v in spread(rows, rng, utc, edges + utc, usual)]


def hidden(day, rng):
    """A date whose time of day nobody shows."""
    return day and day + " " + rng.choice(CLOCKS)


def wide(rng):
    n = 340
    ids = [-4611686018427387904, -4611686018427387903, -9223372036854775807, -1000000007, -7, -1, 0, 1, 2, 3, 5, 1000, 1001,
           1002, 2147483647, 2147483648, 4611686018427387903, 4611686018427387904, 9223372036854775806]
    ids += rng.sample(range(1003, 5000), 150) + rng.sample(range(10 ** 9, 10 ** 15), n - 150 - len(ids))
    rng.shuffle(ids)
    second = days(n, rng)
    return [
        ("id", "num", "bigint", ids),
        ("i2", "num", "smallint", cycle(INT2, n, rng, .1)),
        ("n1", "num", "int", spread(n, rng, INT4, range(-5, 6), list(range(20)))),
        ("n2", "num", "int", [NULL if rng.random() < .15 else v for v in spread(n, rng, INT4, range(-5, 6))]),
        ("n8", "num", "bigint", cycle(INT8, n, rng, .1)),
        ("q", "num", "numeric", cycle(NUMERIC, n, rng, .1)),
        ("p", "num", "numeric", cycle(MONEY, n, rng, .1)),
        ("f", "num", "float8", cycle(["0", "0.1", "-0.1", "123456.789", "1000000000000000000000", "0.000001"], n, rng, .1)),
        ("d1", "date", "date", days(n, rng)),
        ("d2", "date", "date", [hidden(d, rng) for d in second]),
        ("ts", "datetime", "timestamptz", walls(n, rng)),
        ("ts2", "datetime", "timestamptz", walls(n, rng)),
        ("tl", "datetime", "timestamp", walls(n, rng)),
        ("b1", "bool", "boolean", cycle(BOOLS, n, rng)),
        ("b2", "bool", "boolean", cycle(BOOLS, n, rng)),
        ("s1", "text", "text", cycle(TEXT, n, rng, .05)),
        ("s2", "text", "text", spread(n, rng, TEXT, GROUPS, CODES, CONTROL)),
        ("grp", "text", "text", cycle(GROUPS, n, rng, .08)),
        ("code", "text", "varchar(5)", cycle(CODES, n, rng, .1)),
        ("digits", "text", "text", cycle(DIGITS, n, rng, .1)),
        ("flag", "text", "text", cycle(["T", "F"], n, rng, .1)),
        ("u", "text", "text", cycle([x.lower() for x in UUIDS], n, rng, .1)),
        ("j", "text", "text", cycle(JSONS, n, rng, .1)),
        ("mood", "text", "text", cycle(MOODS, n, rng, .1)),
        ("span", "text", "text", cycle(SPANS, n, rng, .1)),
    ]


# the same rows under other types than the source's: name there, name here, type, how the truth gets it
ODD = [
    ("id", "id", "bigint", "id"), ("n1", "n1_text", "text", "n1::text"), ("n1", "n1_num", "numeric", "n1::numeric"),
    ("n1", "n1_small", "numeric(12,2)", "n1::numeric(12,2)"), ("n2", "n2_big", "bigint", "n2::bigint"),
    ("n1", "n1_float", "float8", "n1::float8"), ("n1", "n1_dom", "truth.whole", "n1::truth.whole"),
    ("p", "p_money", "numeric(12,1)", "p::numeric(12,1)"), ("p", "p_real", "real", "p::real"),
    ("b1", "b1_text", "text", "CASE b1 WHEN true THEN 'T' WHEN false THEN 'F' END"), ("flag", "flag_bool", "boolean", "flag::boolean"),
    ("digits", "digits_int", "int", "digits::int"), ("digits", "digits_num", "numeric", "digits::numeric"),
    ("code", "code_char", "char(8)", "code::char(8)"), ("code", "code_vc", "varchar(6)", "code::varchar(6)"),
    ("code", "code_name", "name", "code::name"), ("u", "u_uuid", "uuid", "u::uuid"), ("j", "j_jsonb", "jsonb", "j::jsonb"),
    ("mood", "mood_enum", "truth.mood", "mood::truth.mood"), ("span", "span_iv", "interval", "span::interval"),
    ("ts", "ts_date", "date", "(ts AT TIME ZONE '%s')::date" % ZONE),
    ("ts", "ts_local", "timestamp", "ts AT TIME ZONE '%s'" % ZONE),
    ("ts", "ts_p0", "timestamptz(0)", "ts::timestamptz(0)"),
    ("d1", "d1_ts", "timestamp", "d1::timestamp"), ("d1", "d1_p0", "timestamp(0)", "d1::timestamp(0)"),
    ("d1", "d1_tz", "timestamptz", "d1::timestamp AT TIME ZONE '%s'" % ZONE),
    ("d2", "d2_date", "date", "d2"), ("s1", "s1_c", 'text COLLATE "C"', "s1"), ("s1", "s1_und", 'text COLLATE "und-x-icu"', "s1"),
    ("grp", "grp_ci", 'text COLLATE truth.ci', "grp"), ("s2", "s2_vc", "varchar", "s2"), ("s2", "s2_dom", "truth.saying", "s2::truth.saying"),
]


def small(rng, ids, n=110, first=1):
    return [
        ("id", "num", "int", list(range(first, first + n))),
        ("wid", "num", "bigint", [rng.choice(ids + [NULL, 424242]) for _ in range(n)]),
        ("n", "num", "int", cycle(list(range(-3, 8)), n, rng, .1)),
        ("k", "text", "text", spread(n, rng, GROUPS, CODES, TEXT)),
        ("day", "date", "date", days(n, rng)),
        ("at", "datetime", "timestamptz", walls(n, rng)),
        ("amount", "num", "numeric", cycle(MONEY, n, rng, .1)),
        ("flag", "bool", "boolean", cycle(BOOLS, n, rng)),
    ]


def repeated(rng, columns, times):
    """A table without a key: rows that come again, under a number that only the sandbox has."""
    n = len(columns[0][3]) * times
    return [("rid", "num", NULL, list(range(n)))] + [(c, k, t, (v * times)[:n]) for c, k, t, v in columns]


def pairs(rng, n=480):
    a = [i // 4 - 8 for i in range(n)]
    return [
        ("a", "num", "int", a), ("b", "num", "bigint", [(i % 4) * 10 ** (i % 5 * 4) - 2 for i in range(n)]),
        ("c", "text", "text", ["%d%s" % (i, rng.choice(["", "x", "\u00e9", " ", "\x01"])) for i in range(n)]),
        ("v", "num", "numeric", cycle(MONEY, n, rng, .1)), ("d", "date", "date", days(n, rng)),
    ]


def tables(rng):
    """Each table: (name, columns, key there, key option here or None)."""
    w = wide(rng)
    ids = w[0][3]
    made = [
        ("w", w, ["id"], "id"),
        ("g", small(rng, ids), ["id"], "id"),
        ("empty", [(c, k, t, []) for c, k, t, _ in small(rng, ids)], ["id"], "id"),
        ("part1", small(rng, ids, 40, 1), ["id"], "id"),
        ("part2", small(rng, ids, 40, 41), ["id"], "id"),
        ("part3", small(rng, ids, 40, 81), ["id"], "id"),
        ("bag", repeated(rng, [c for c in small(rng, ids, 75) if c[0] != "id"], 2), ["rid"], None),
        ("pair", pairs(rng), ["a", "b"], "a,b"),
        ("mixed", pairs(rng), ["a", "c"], "a,c"),
        ("words", [("word", "text", "text", [s for s in dict.fromkeys(TEXT) if len(s) < 50])] +
         [("n", "num", "int", list(range(len([s for s in dict.fromkeys(TEXT) if len(s) < 50]))))], ["word"], "word"),
    ]
    for name, (zone, first, last) in ZONES.items():
        moments = [("utc", m) for m in around(zone, first, last)]
        moments += [("wall", "9999-12-31 23:59:59"), ("wall", "9999-12-31 00:00:00"), ("wall", "0001-01-01 00:00:00"), NULL]
        made.append(("m_" + name, [
            ("id", "num", "int", list(range(1, len(moments) + 1))),
            ("ts", "datetime", "timestamptz", moments), ("tl", "datetime", "timestamp", moments),
            ("day", "datetime", "date", moments)], ["id"], "id"))
    return made


# -- writing --

def zone_of(table):
    return ZONES[table[2:]][0] if table.startswith("m_") else ZONE


def datetimes(conn, table, values):
    """For each datetime: as it is stored there (UTC), the moment, the account's wall clock.

    A wall clock that winter brings twice is read as its second passing, as the documentation says."""
    zone = zone_of(table)
    conn.execute("SET timezone = 'UTC'")
    known = {}
    for value in {v for v in values if v is not NULL}:
        known[value] = conn.execute(
            "SELECT utc::text, (wall AT TIME ZONE %(z)s)::text, wall::text FROM (SELECT utc, utc AT TIME ZONE 'UTC' AT TIME ZONE %(z)s AS wall "
            "FROM (SELECT CASE WHEN %(k)s = 'utc' THEN %(v)s::timestamp ELSE %(v)s::timestamp AT TIME ZONE %(z)s AT TIME ZONE 'UTC' END AS utc) x) y",
            {"z": zone, "k": value[0], "v": value[1]}).fetchone()
    return [(NULL, NULL, NULL) if v is NULL else known[v] for v in values]


def there_and_here(conn, table, column):
    """A column's values as the sandbox stores them and as the copy holds them."""
    name, kind, type_, values = column
    if kind == "datetime":
        triples = datetimes(conn, table, values)
        place = {"timestamptz": 1, "timestamp": 2, "date": 2}[type_]
        return [t[0] for t in triples], [t[place] and (t[place][:10] if type_ == "date" else t[place]) for t in triples]
    if kind == "date":
        return values, [v and v[:10] for v in values]
    return values, values


def write_csv(path, header, columns):
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.write(",".join(header) + "\n")
        for row in zip(*columns):
            # an unquoted nothing is null, everything else is quoted
            file.write(",".join("" if v is NULL else '"%s"' % str(v).replace('"', '""') for v in row) + "\n")


def write(folder):
    rng = random.Random(20261128)
    os.makedirs(folder + "/source", exist_ok=True)
    os.makedirs(folder + "/truth", exist_ok=True)
    with psycopg.connect("", autocommit=True) as conn:
        for name, columns, key, _ in tables(rng):
            both = [there_and_here(conn, name, c) for c in columns]
            write_csv("%s/source/%s.csv" % (folder, name), [c[0] for c in columns], [b[0] for b in both])
            with open("%s/source/%s.json" % (folder, name), "w", encoding="utf-8") as file:
                json.dump({"columns": {c[0]: c[1] for c in columns}, "key": key}, file)
            here = [(c, b[1]) for c, b in zip(columns, both) if c[2]]
            write_csv("%s/truth/%s.csv" % (folder, name), [c[0] for c, _ in here], [v for _, v in here])


# -- loading --

def control(**operation):
    """An operation of the sandbox's control interface."""
    request = urllib.request.Request(os.environ["NS_CONTROL"], json.dumps(operation).encode())
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as reply:
        return json.load(reply)["result"]


def prepare_sandbox(zone):
    """The account's zone, and as many requests at once as the workers make."""
    control(op="switch", name="datetime_zone", value=zone)
    control(op="switch", name="concurrency_limit", value=60)


# options of servers and mappings; another personality of the sandbox may want others
ACCOUNT = {"server": "", "mapping": "consumer_key 'sandbox-consumer-key', consumer_secret 'sandbox-consumer-secret', "
           "token_id 'sandbox-token-id', token_secret 'sandbox-token-secret'"}


def options(pairs_):
    return ", ".join("%s '%s'" % (k, v.replace("'", "''")) for k, v in pairs_.items() if v is not None)


def create_server(conn, name, zone, extra):
    conn.execute("CREATE SERVER %s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (%s%s)" % (name, options(dict(
        account="1234567_SB1", base_url=os.environ["NS_URL"], ca_file=os.environ["NS_CA"], timezone=zone, **extra)), ACCOUNT["server"]))
    for user in ("CURRENT_USER", "smith"):
        conn.execute("CREATE USER MAPPING FOR %s SERVER %s OPTIONS (%s)" % (user, name, ACCOUNT["mapping"]))


def load_truth(conn, folder, made):
    conn.execute("CREATE SCHEMA truth")
    conn.execute("CREATE TYPE truth.mood AS ENUM ('sad', 'ok', 'happy')")
    conn.execute("CREATE DOMAIN truth.whole AS int")
    conn.execute("CREATE DOMAIN truth.saying AS text")
    conn.execute("CREATE COLLATION truth.ci (provider = icu, locale = 'und-u-ks-level1', deterministic = false)")
    for name, columns, _, _ in made:
        conn.execute("CREATE TABLE truth.%s (%s)" % (name, ", ".join("%s %s" % (c[0], c[2]) for c in columns if c[2])))
        with open("%s/truth/%s.csv" % (folder, name), "rb") as file, conn.cursor() as cursor:
            with cursor.copy("COPY truth.%s FROM STDIN (FORMAT csv, HEADER)" % name) as copy:
                copy.write(file.read())
    conn.execute("CREATE TABLE truth.odd AS SELECT %s FROM truth.w" % ", ".join(
        "(%s)::%s AS %s" % (how, type_.split(" COLLATE ")[0], name) for _, name, type_, how in ODD))
    for _, name, type_, _ in ODD:
        if " COLLATE " in type_:
            conn.execute("ALTER TABLE truth.odd ALTER %s TYPE %s" % (name, type_))
    conn.execute("CREATE VIEW truth.narrow AS SELECT a, v, d FROM truth.pair")
    conn.execute("CREATE VIEW truth.twice AS SELECT id, n, n AS again, k AS k1, k AS k2, day FROM truth.g")
    conn.execute("CREATE VIEW truth.asked AS SELECT id, n1, s1, d1, ts FROM truth.w")
    conn.execute("CREATE VIEW truth.expr AS SELECT id, n1::numeric + n2 AS total, upper(grp) AS shout, d1 + 1 AS later FROM truth.w WHERE d1 IS NULL OR d1 < '9999-12-31'")
    partitions(conn, "truth", made, lambda name, part: "CREATE TABLE truth.%s PARTITION OF truth.parts FOR VALUES FROM (%d) TO (%d)" % ((name,) + part))


def partitions(conn, schema, made, create):
    """parts: a foreign partition, a local one, a foreign one."""
    columns = next(c for name, c, _, _ in made if name == "part1")
    conn.execute("CREATE TABLE %s.parts (%s) PARTITION BY RANGE (id)" % (schema, ", ".join("%s %s" % (c[0], c[2]) for c in columns)))
    for i, bounds in enumerate([(1, 41), (41, 81), (81, 121)], 1):
        conn.execute(create("p%d" % i, bounds))
    for i in (1, 2, 3) if schema == "truth" else (2,):
        conn.execute("INSERT INTO %s.p%d SELECT * FROM truth.part%d" % (schema, i, i))


REMOTE_TYPES = {"id": "number", "num": "number", "bool": "boolean", "date": "date", "datetime": "datetime", "text": "text"}


def column(schema, name, type_, kind, there=None):
    """A foreign table's column: name and type here, kind and, if it differs, name there."""
    type_, _, collation = type_.partition(" COLLATE ")
    some = options({"column_name": there, "remote_type": REMOTE_TYPES[kind] if schema in DECLARED else None})
    return "%s %s%s%s" % (name, type_, some and " OPTIONS (%s)" % some, collation and " COLLATE " + collation)


def create_foreign(conn, schema, server, name, columns, **extra):
    conn.execute("CREATE FOREIGN TABLE %s.%s (%s) SERVER %s OPTIONS (%s)" % (schema, name, ", ".join(columns), server, options(extra)))


def load_foreign(conn, schema, made):
    server = "ns_" + schema
    conn.execute("CREATE SCHEMA " + schema)
    create_server(conn, server, ZONE, SERVERS[schema])
    for name, columns, _, key in made:
        create_foreign(conn, schema, "zone_" + name[2:] if name.startswith("m_") else server, name,
                       [column(schema, c[0], c[2], c[1]) for c in columns if c[2]], table=name, key=key)
    kinds = {name: {c[0]: c[1] for c in columns} for name, columns, _, _ in made}

    def over(table, listed):
        """Columns over a table's: "name type" or "name type name_there"."""
        return [column(schema, name, type_, kinds[table][there[0] if there else name], *there) for name, type_, *there in map(str.split, listed)]
    create_foreign(conn, schema, server, "odd", [column(schema, name, type_, kinds["w"][there], there) for there, name, type_, _ in ODD], table="w", key="id")
    # a key that the table shows in part, a column under two names
    create_foreign(conn, schema, server, "narrow", over("pair", ["a int", "v numeric", "d date"]), table="pair", key="a,b")
    create_foreign(conn, schema, server, "twice", over("g", ["id int", "n int", "again int n", "k1 text k", "k2 text k", "day date"]), table="g", key="id")
    create_foreign(conn, schema, server, "asked", over("w", ["id bigint", "n1 int", "s1 text", "d1 date", "ts timestamptz"]), query="SELECT id, n1, s1, d1, ts FROM w", key="id")
    create_foreign(conn, schema, server, "expr", over("w", ["id bigint", "total numeric n1", "shout text grp", "later date d1"]),
                   query="SELECT id, n1 + n2 AS n1, UPPER(grp) AS grp, d1 + 1 AS d1 FROM w WHERE d1 IS NULL OR d1 < TO_DATE('9999-12-31', 'YYYY-MM-DD')", key="id")
    partitions(conn, schema, made, lambda name, part: (
        "CREATE TABLE %s.%s PARTITION OF %s.parts FOR VALUES FROM (%d) TO (%d)" % ((schema, name, schema) + part) if name == "p2" else
        "CREATE FOREIGN TABLE %s.%s PARTITION OF %s.parts FOR VALUES FROM (%d) TO (%d) SERVER %s OPTIONS (table 'part%s', key 'id')"
        % ((schema, name, schema) + part + (server, name[1:]))))
    if schema in DECLARED:
        for name, kind in kinds["part1"].items():
            for part in ("p1", "p3"):
                conn.execute("ALTER FOREIGN TABLE %s.%s ALTER %s OPTIONS (ADD remote_type '%s')" % (schema, part, name, REMOTE_TYPES[kind]))


def become(name):
    """Play a personality of the sandbox, but for its zone, which is the run's."""
    ACCOUNT.update(control(op="personality", name=name))
    ACCOUNT["server"] = re.sub(r", timezone '[^']*'", "", ACCOUNT["server"])


def load(folder):
    if os.environ.get("PERSONALITY"):
        become(os.environ["PERSONALITY"])
    prepare_sandbox(ZONE)
    made = tables(random.Random(20261128))
    with psycopg.connect("", autocommit=True) as conn:
        conn.execute("CREATE EXTENSION IF NOT EXISTS netsuite_fdw")
        # a role that may only read
        conn.execute("CREATE ROLE smith LOGIN")
        load_truth(conn, folder, made)
        for name, (zone, _, _) in ZONES.items():
            create_server(conn, "zone_" + name, zone, {"max_concurrency": "5"})
        for schema in SERVERS:
            load_foreign(conn, schema, made)
        conn.execute("GRANT USAGE ON SCHEMA truth, f97 TO smith")
        conn.execute("GRANT SELECT ON ALL TABLES IN SCHEMA truth, f97 TO smith")
        conn.execute("ANALYZE")


if __name__ == "__main__":
    {"write": write, "load": load}[sys.argv[1]](sys.argv[2])
