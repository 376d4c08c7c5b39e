#!/usr/bin/python3
"""Every figure of ingest_profile against what SQL says of the same rows.  Columns are drawn from a seed (kinds.py); each is
profiled by the aggregate, by profile_table() with its own scan and with a statement, by three processes, merged from stored
parts in two ways, and by a library without vector instructions; the session's settings are odd ones.  Prints what differs.

    oracle.py [--spoil] DSN DSN_WITHOUT_VECTORS SEED COLUMNS [KINDS]

With --spoil a row goes between profile and oracle: all columns that had a value must differ.
"""

import collections
import json
import math
import random
import re
import sys
from decimal import Decimal, getcontext, localcontext

import psycopg
from psycopg.types.json import set_json_loads

from kinds import DEFINITIONS, KINDS

getcontext().prec = 3000
set_json_loads(lambda b: json.loads(b, parse_float=Decimal))
SIZES = [0, 1, 2, 3, 50, 400, 2047, 2049, 6000]
ODD = "SET timezone = 'Asia/Kathmandu'; SET datestyle = 'SQL, DMY'; SET extra_float_digits = -5; SET intervalstyle = 'iso_8601'; SET bytea_output = 'escape'"
PLAIN = "SET timezone = 'UTC'; SET datestyle = ISO; SET extra_float_digits = 1; SET intervalstyle = postgres; SET bytea_output = hex"
TOGETHER = "SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0"
FEW = 2048          # distinct values of which everything is exact
LISTED = 256        # of them, how many a stored sketch has for a merge
QUANTILES = (("p01", .01), ("p05", .05), ("p25", .25), ("median", .5), ("p75", .75), ("p95", .95), ("p99", .99))
FLOATS = ("real", "double precision")
INSTANTS = ("date", "timestamp without time zone", "timestamp with time zone")
NUMBERS = ("smallint", "integer", "bigint", "numeric") + FLOATS
TEXTS = ("text", "character varying", "character", "name", '"char"', "json", "xml")
# numerics of which a double does not tell all digits
LONG = ("digits", "huge", "tiny", "numeric_odd")


MERGED = "SELECT profile_merge(s ORDER BY r)::text FROM (SELECT random() AS r, profile(v)::text::profile_sketch AS s FROM fz GROUP BY i %% %d) x"
TREE = """SELECT profile_merge(s ORDER BY r)::text FROM (SELECT random() AS r, profile_merge(s ORDER BY r) AS s
    FROM (SELECT random() AS r, i %% %d AS g, profile(v) AS s FROM fz GROUP BY i %% %d, i %% 3) x GROUP BY g) y"""
AGGREGATE = "SELECT profile(v)::text FROM fz"
SCAN = "SELECT sketch::text FROM profile_table('fz', '{v}')"
STATEMENT = "SELECT sketch::text FROM profile_table('fz', '{v}', where_clause => 'true')"
FIGURES = """SELECT to_jsonb(profile_stats(s, 'v')), (SELECT jsonb_agg(jsonb_build_array(value, count, count_at_most)) FROM top_values(s, 3000)),
    (SELECT jsonb_agg(jsonb_build_array("from", "to", rows) ORDER BY bin) FROM histogram(s, 7)),
    (SELECT jsonb_agg(jsonb_build_array("from", "to", rows) ORDER BY bin) FROM histogram(s, 5, true)),
    (SELECT jsonb_agg(jsonb_build_array(pattern, count, count_at_most)) FROM patterns(s)) FROM (SELECT %s::profile_sketch AS s) x"""


class Column:
    """A table fz (i, v) of a kind, in both databases the same."""

    def __init__(self, conn, other, kind, rows, nulls, seed):
        self.conn, self.kind, self.size = conn, kind, rows
        for c in (conn, other):
            c.execute(PLAIN)
            c.execute("SELECT setseed(%s)", (seed,))
            c.execute("DROP TABLE IF EXISTS fz")
            c.execute("CREATE TABLE fz AS SELECT i, CASE WHEN random() < %s THEN NULL ELSE %s END AS v FROM generate_series(1, %d) i" % (nulls, KINDS[kind], rows))
        self.type = self.one("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'fz'::regclass AND attname = 'v'")
        self.base = self.one("WITH RECURSIVE t AS (SELECT t.* FROM pg_attribute a JOIN pg_type t ON t.oid = atttypid WHERE attrelid = 'fz'::regclass AND attname = 'v' "
                             "UNION ALL SELECT b.* FROM t JOIN pg_type b ON b.oid = t.typbasetype) SELECT format_type(oid, NULL) FROM t WHERE typbasetype = 0")
        self.cast = self.type + (" COLLATE fz_" + kind[3:] if kind.startswith("in_") and kind != "in_icu" else "")
        self.ordered = self.base not in ("xml", "json", "point", "xid")
        self.faults = []

    def one(self, query, *parameters):
        row = self.conn.execute(query, parameters or None).fetchone()
        return row[0] if row and len(row) == 1 else row

    def say(self, way, figure, have, want):
        self.faults.append("%s, %d rows, %s: %s: %s is %s, should be %s" % (self.kind, self.size, self.type, way, figure, str(have)[:150], str(want)[:150]))


def sketches(c, other, draw):
    """The column's profile in each way, as text."""
    parts = draw.choice([2, 3, 17])
    ways = {"aggregate": AGGREGATE, "own scan": SCAN, "statement": STATEMENT, "merged": MERGED % parts, "merged twice": TREE % (parts, parts)}
    c.conn.execute(ODD)
    found = {way: c.one(query) for way, query in ways.items()}
    c.conn.execute(TOGETHER)
    c.conn.execute("ALTER TABLE fz SET (parallel_workers = 2)")
    found["aggregate, together"] = c.one(AGGREGATE)
    found["own scan, together"] = c.one(SCAN)
    c.conn.execute("SET max_parallel_workers_per_gather = 0")
    if other is not c.conn:
        other.execute(ODD)
        for way, query in (("aggregate", AGGREGATE), ("own scan", SCAN)):
            row = other.execute(query).fetchone()
            without = row and row[0]
            if without != found[way]:
                c.say(way + " without vectors", "sketch", "another", "the same")
                found[way + " without vectors"] = without
    return found


def same_as(c):
    """What makes two values of the type one."""
    if c.base in FLOATS:
        return "CASE WHEN v = 0 THEN 0 ELSE v END"
    if c.base in NUMBERS or c.base == "oid":
        return "v"
    return 'v::text COLLATE "C"'


def shown(c):
    """As the type's output has it; without the blanks that fill a char(n)."""
    return "v::text" if c.base in ("character", "boolean") else "format('%s', v)"


def counts(c):
    """How often each value comes, by each text that it may be shown as."""
    by_text = {}
    for texts, n in c.conn.execute("SELECT array_agg(DISTINCT %s), count(*) FROM fz WHERE NOT (v IS NULL AND v::text IS NULL) GROUP BY %s" % (shown(c), same_as(c))):
        for text in texts + ["0"] * ("-0" in texts):
            by_text[text] = n
    return by_text


def truth_of_numbers(c):
    whole = "NOT IN ('NaN', 'Infinity', '-Infinity')" if c.base in FLOATS + ("numeric",) else "IS NOT NULL"
    want = {"zeros": c.one("SELECT count(*) FILTER (WHERE v = 0) FROM fz"), "negatives": c.one("SELECT count(*) FILTER (WHERE v < 0) FROM fz")}
    if c.base in FLOATS + ("numeric",):
        want["nans"] = c.one("SELECT count(*) FILTER (WHERE v = 'NaN') FROM fz")
        want["infinities"] = c.one("SELECT count(*) FILTER (WHERE v IN ('Infinity', '-Infinity')) FROM fz")
    values = [Decimal(r[0]) if c.base not in FLOATS else Decimal(float(r[0])) for r in
              c.conn.execute("SELECT %s FROM fz WHERE v %s" % ("v::float8" if c.base in FLOATS else "v::text", whole))]
    # 60 digits are enough for moments
    with localcontext() as short:
        short.prec = 60
        mean = sum(values) / len(values) if values else 0
        moments = [sum((v - mean) ** k for v in values) for k in (2, 3, 4)]
    return want, values, moments


def check_numbers(c, way, s, want, values, moments):
    for figure, value in want.items():
        if s[figure] != value:
            c.say(way, figure, s[figure], value)
    if not values:
        return
    total = sum(values)
    if c.base in FLOATS:
        # the sum of the doubles, rounded once
        try:
            near = s["sum"] is not None and float(s["sum"]) == float(total)
        except OverflowError:
            near = s["sum"] is not None and abs(Decimal(s["sum"]) - total) <= abs(total) * Decimal("1e-15")
    else:
        # beyond 1,024 digits on a side of the point there is none
        near = s["sum"] is None if any(len(p) > 1024 for v in values for p in format(abs(v), "f").split(".")) else s["sum"] is not None and Decimal(s["sum"]) == total
    if not near:
        c.say(way, "sum", s["sum"], total)
    mean = total / len(values)
    if s["mean"] is not None and abs(Decimal(s["mean"]) - mean) > abs(mean) * Decimal("1e-14") + Decimal("1e-30"):
        c.say(way, "mean", s["mean"], mean)
    widest = max(map(abs, values))
    if len(values) < 2 or not Decimal("1e-60") < widest < Decimal("1e60"):
        return
    m2, m3, m4 = moments
    n = len(values)
    getcontext().prec = 60
    for figure, true in [("variance", m2 / (n - 1)), ("stddev", (m2 / (n - 1)).sqrt())] + ([("skewness", m3 / n / (m2 / n).sqrt() ** 3), ("kurtosis", m4 / n / (m2 / n) ** 2)] if m2 > 0 else []):
        if s[figure] is None or abs(Decimal(s[figure]) - true) > abs(true) * Decimal("1e-9") + (Decimal("1e-9") if figure in ("skewness", "kurtosis") else 0):
            c.say(way, figure, s[figure], round(float(true), 12))
    getcontext().prec = 3000


def truth_of_texts(c):
    blank = r"[ \t\n\x0b\f\r]"
    t = "v::text"
    length = "char_length(v)" if c.base == "character" else "char_length(v::text)"
    row = c.one(f"""SELECT to_jsonb(r) FROM (SELECT min({length}) AS min_length, max({length}) AS max_length, count(*) FILTER (WHERE {t} = '') AS empties,
        count(*) FILTER (WHERE {t} COLLATE "C" ~ E'^{blank}+$') AS blanks, count(*) FILTER (WHERE {t} COLLATE "C" ~ E'^{blank}.*[^ \\t-\\r]') AS leading_blanks,
        count(*) FILTER (WHERE {t} COLLATE "C" ~ E'[^ \\t-\\r].*{blank}$') AS trailing_blanks,
        count(*) FILTER (WHERE {t} COLLATE "C" ~ '[A-Z]' AND {t} COLLATE "C" !~ '[a-z]') AS uppercase, count(*) FILTER (WHERE {t} COLLATE "C" ~ '[a-z]' AND {t} COLLATE "C" !~ '[A-Z]') AS lowercase,
        count(*) FILTER (WHERE {t} COLLATE "C" ~ '[a-z]' AND {t} COLLATE "C" ~ '[A-Z]') AS mixed_case, count(*) FILTER (WHERE octet_length({t}) <> char_length({t})) AS non_ascii FROM fz WHERE v IS NOT NULL) r""")
    row["mean_length"] = c.one(f"SELECT avg({length})::float8 FROM fz")
    row["shortest"], row["longest"] = (c.one(f'SELECT {t} FROM fz WHERE v IS NOT NULL ORDER BY {length} {way}, {t} COLLATE "C" LIMIT 1') for way in ("", "DESC"))
    return row


def check_texts(c, way, s, want, patterns, listed):
    for figure, value in want.items():
        have = s[figure]
        if figure == "mean_length":
            same = have is not None and math.isclose(float(have), value, rel_tol=1e-12)
        elif figure in ("shortest", "longest"):
            same = have == value or (have is not None and len(value) > 100 and value.startswith(have[:60]))
        else:
            same = have == value
        if not same:
            c.say(way, figure, have, value)
    for pattern, count, at_most in listed or []:
        true = patterns.get(pattern, 0)
        if not count <= true <= at_most:
            c.say(way, "pattern " + pattern, "%s to %s" % (count, at_most), true)
        elif len(patterns) <= 256 and count != true:
            c.say(way, "pattern " + pattern, count, true)
    if c.base not in ("json", "xml") and len(patterns) <= 256 and len(listed or []) != len(patterns):
        c.say(way, "patterns", len(listed or []), len(patterns))


def pattern_of(text):
    """As the manual has it: runs of classes of characters."""
    out, runs, at = [], 0, 0
    classes = [(r"[A-Z]", "A"), (r"[a-z]", "a"), (r"[0-9]", "9"), (r"[ \t\n\x0b\f\r]", "_"), (r"[^\x00-\x7f]", "u")]
    while at < len(text):
        if runs == 24:
            return "".join(out) + "..."
        for what, sign in classes:
            found = re.compile(what + "+").match(text, at)
            if found:
                n = len(found.group())
                break
        else:
            n = len(re.compile(re.escape(text[at]) + "+").match(text, at).group())
            sign = "\\" + text[at] if text[at] in "_{}\\" else text[at]
        out.append(sign + ("{%d}" % n if n > 1 else ""))
        runs, at = runs + 1, at + n
    return "".join(out)


def check_ends(c, way, s, ends):
    if not c.ordered:
        return
    for figure, want in zip(("min", "max"), ends):
        have = s[figure]
        if have == want or (have is None and way.startswith("merged") and c.base == "fz_pair"):
            continue
        try:
            same = have is not None and c.one("SELECT %%s::%s = %%s::%s" % (c.cast, c.cast), have, want)
        except psycopg.Error:
            same = False
        if not same and not (have is not None and len(have) > 200 and want.startswith(have[:200])):
            c.say(way, figure, have, want)


def check_quantiles(c, way, s, distinct):
    not_nan = " AND v <> 'NaN'" if c.base in FLOATS + ("numeric",) else ""
    for figure, share in QUANTILES:
        if s[figure] is None:
            continue
        total, to, below = c.one("SELECT count(*), count(*) FILTER (WHERE v <= %%s::%s), count(*) FILTER (WHERE v < %%s::%s) FROM fz WHERE v IS NOT NULL%s" % (c.type, c.type, not_nan), s[figure], s[figure])
        slack = 1e-9 + (0 if distinct <= FEW and c.kind not in LONG else 0.012 * total + 1)
        if to + slack < share * total or below - slack >= share * total:
            c.say(way, figure, s[figure], "at rank %s, not %d to %d of %d" % (share, below, to, total))


def check_values(c, way, s, listed, by_text):
    exact = len(by_text) <= LISTED or (s["distinct_exact"] and not way.startswith("merged"))
    for value, count, at_most in listed or []:
        true = by_text.get(value)
        if true is None:
            # long ones are cut, and of rare ones a stored sketch keeps no text
            if value is None or len(value) > 100:
                continue
            true = 0
        if not count <= true <= at_most or (exact and count != true):
            c.say(way, "value " + str(value), "%s to %s" % (count, at_most), true)
    if by_text and exact and s["top_count"] != max(by_text.values()):
        c.say(way, "top_count", s["top_count"], max(by_text.values()))


def check_histogram(c, way, bins, distinct, equal_height):
    # infinities have ranks, and no bin of equal width
    finite = ""
    if c.base in FLOATS + ("numeric",):
        finite = " AND v <> 'NaN'" if equal_height else " AND v NOT IN ('NaN', 'Infinity', '-Infinity')"
    elif c.base in INSTANTS and not equal_height:
        finite = " AND isfinite(v)"
    total = c.one("SELECT count(*) FROM fz WHERE v IS NOT NULL" + finite)
    for at, (low, high, rows) in enumerate(bins or []):
        # as quantiles of long numerics
        if equal_height and c.base == "numeric" and (c.kind == "numeric_odd" or low is None or high is None or len(low + high) > 30):
            continue
        last = at == len(bins) - 1
        if equal_height:
            inside = "v %s %%s AND v <= %%s" % (">=" if at == 0 else ">")
        else:
            inside = "v >= %%s AND v %s %%s" % ("<=" if last and c.base in INSTANTS + ("time without time zone", "boolean") else "<")
        kind = c.type if not (c.base in NUMBERS + ("oid",) and not equal_height) else "numeric"
        left = "v::float8::text::numeric" if kind == "numeric" and c.base in FLOATS else "v::text::numeric" if kind == "numeric" else "v"
        try:
            true = c.one("SELECT count(*) FROM fz WHERE v IS NOT NULL%s AND %s" % (finite, inside.replace("v ", left + " ").replace("%s", "%s::" + kind)), low, high)
        except psycopg.Error as error:
            true = str(error)
        # of long numerics as many as doubles do not tell apart
        slack = 0 if distinct <= FEW and c.kind not in LONG else 0.025 * total + 2
        if not isinstance(true, int) or abs(true - rows) > slack:
            c.say(way, "histogram%s from %s to %s" % (" of equal height" if equal_height else "", low, high), rows, true)


def check(c, found):
    c.conn.execute(PLAIN)
    rows, nulls = c.one("SELECT count(*), count(*) FILTER (WHERE v IS NULL AND v::text IS NULL) FROM fz")
    if rows == 0:
        for way, sketch in found.items():
            if sketch is not None:
                c.say(way, "sketch", "some", None)
        return
    by_text, distinct = counts(c), c.one("SELECT count(*) FROM (SELECT DISTINCT %s FROM fz WHERE NOT (v IS NULL AND v::text IS NULL)) x" % same_as(c))
    number, text = c.base in NUMBERS, c.base in TEXTS
    ends = patterns = want = values = moments = None
    if c.ordered and rows > nulls:
        ends = [c.one("SELECT v::text FROM fz WHERE NOT (v IS NULL AND v::text IS NULL) ORDER BY fz.v %s LIMIT 1" % way) for way in ("", "DESC")]
    if number:
        want, values, moments = truth_of_numbers(c)
    elif text:
        want = truth_of_texts(c)
        patterns = collections.Counter()
        for t, n in c.conn.execute("SELECT %s, count(*) FROM fz WHERE v IS NOT NULL GROUP BY 1" % "v::text COLLATE \"C\""):
            patterns[pattern_of(t)] += n
    for way, sketch in found.items():
        c.conn.execute(ODD)
        # of floats as JSON all digits
        c.conn.execute("SET extra_float_digits = 1")
        s, top, bins, heights, listed = c.one(FIGURES, sketch)
        c.conn.execute(PLAIN)
        for figure, value in (("rows", rows), ("nulls", nulls)):
            if s[figure] != value:
                c.say(way, figure, s[figure], value)
        if rows == nulls:
            for figure in ("min", "max", "sum", "mean", "min_length", "max_length", "median", "top_value"):
                if s[figure] is not None:
                    c.say(way, figure, s[figure], None)
            continue
        if distinct <= FEW and (s["distinct_count"] != distinct or not s["distinct_exact"]):
            c.say(way, "distinct_count", s["distinct_count"], distinct)
        elif abs(s["distinct_count"] - distinct) > 0.041 * distinct:
            c.say(way, "distinct_count", s["distinct_count"], distinct)
        if ends:
            check_ends(c, way, s, ends)
        if number:
            check_numbers(c, way, s, want, values, moments)
        elif text:
            check_texts(c, way, s, want, patterns, listed)
        check_values(c, way, s, top, by_text)
        check_quantiles(c, way, s, distinct)
        check_histogram(c, way, bins, distinct, False)
        check_histogram(c, way, heights, distinct, True)
        if distinct <= FEW and not way.startswith("merged"):
            entropy = -sum(n / (rows - nulls) * math.log2(n / (rows - nulls)) for n in c_values(c))
            if not math.isclose(float(s["entropy"]), entropy, rel_tol=1e-9, abs_tol=1e-9):
                c.say(way, "entropy", s["entropy"], entropy)


def c_values(c):
    return [r[0] for r in c.conn.execute("SELECT count(*) FROM fz WHERE NOT (v IS NULL AND v::text IS NULL) GROUP BY %s" % same_as(c))]


def main():
    spoil = sys.argv[1] == "--spoil"
    if spoil:
        del sys.argv[1]
    dsn, plain, seed, columns = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    kinds = sys.argv[5].split(",") if len(sys.argv) > 5 else list(KINDS)
    conn = psycopg.connect(dsn, autocommit=True)
    other = psycopg.connect(plain, autocommit=True) if plain != dsn else conn
    conn.prepare_threshold = other.prepare_threshold = None
    conn.execute("SET client_min_messages = warning; SET max_parallel_workers_per_gather = 0")
    other.execute("SET client_min_messages = warning; SET max_parallel_workers_per_gather = 0")
    draw = random.Random(seed)
    faults = 0
    order = []
    while len(order) < columns:
        order += draw.sample(kinds, len(kinds))
    for kind in order[:columns]:
        size = draw.choice(SIZES)
        nulls = draw.choice([0, 0, 0.2, 1]) if size < 3000 else draw.choice([0, 0.1])
        c = Column(conn, other, kind, size, nulls, draw.random())
        try:
            found = sketches(c, other, draw)
            if spoil:
                conn.execute("DELETE FROM fz WHERE i = 1")
            check(c, found)
        except psycopg.Error as error:
            c.say("SQL", "answer", str(error).split("\n", maxsplit=1)[0], "one")
        for fault in c.faults:
            print(fault, flush=True)
        faults += len(c.faults)
    print("%d columns, %d differences" % (columns, faults))
    return 1 if faults else 0


if __name__ == "__main__":
    if sys.argv[1] == "--define":
        for where in sys.argv[2:]:
            with psycopg.connect(where, autocommit=True) as made:
                for statement in DEFINITIONS.split(";"):
                    if statement.strip():
                        made.execute(statement)
        sys.exit(0)
    sys.exit(main())
