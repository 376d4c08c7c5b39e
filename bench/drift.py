"""profile_drift: how often it cries wolf over random halves of the same rows, and what it sees of changes that were planted.

BENCH_DRIFT scales the number of halves (1: 20,000 of each size; of 100,000 rows that is ten minutes of CPU time); bounds are those of
Clopper and Pearson's 95 % intervals."""

import os
import sys

from common import connect, finish, table, upper

NORMAL = "sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())"
WORD = "(ARRAY['alder','birch','cedar','elm','hazel','larch','maple','oak','pine','rowan'])[1 + floor(random() * 10)::int]"
# what a value of a column is
COLUMNS = {
    "amount": "round(exp(3 + 1.5 * %s)::numeric, 2)" % NORMAL,
    "heavy tail": "(1 - random()) ^ (-1.5)",
    "signed": "round((100 * %s)::numeric, 1)" % NORMAL,
    "few integers": "floor(random() * random() * 6)::int",
    "mostly zero": "CASE WHEN random() < 0.8 THEN 0 ELSE floor(random() * 1000)::int END",
    "a fifth null": "CASE WHEN random() > 0.2 THEN floor(random() * 100000)::int END",
    "day": "date '2024-01-01' + floor(random() * 700)::int",
    "flag": "random() < 0.3",
    "order number": "'ORD' || floor(random() * 1e7)::int",
    "state": "(ARRAY['new','new','new','open','open','paid','void','lost','held','back'])[1 + floor(random() * random() * 10)::int]",
    "name": "initcap(%s) || ' ' || initcap(%s) || CASE WHEN random() < 0.02 THEN ' ' WHEN random() < 0.03 THEN ' Müller' WHEN random() < 0.05 THEN ' & co' ELSE '' END" % (WORD, WORD),
    "day as text": "to_char(date '2024-01-01' + floor(random() * 700)::int, 'DD/MM/YYYY')",
    "number as text": "CASE WHEN random() < 0.03 THEN round((random() * 1000)::numeric, 2)::text WHEN random() < 0.09 THEN 'n/a' ELSE floor(random() * 1000)::text END",
    "yes or no": "CASE WHEN random() < 0.9 THEN 'Y' ELSE 'N' END",
    "code": "CASE WHEN random() < 0.1 THEN '0' ELSE '' END || floor(random() * 10000)::int",
    "memo": "CASE WHEN random() < 0.3 THEN '' ELSE %s || ' ' || %s || ', ' || floor(random() * 100)::int END" % (WORD, WORD),
}
# a column, and what the later rows are instead; x is a value of it, u a random number
CHANGES = {
    "10 % of the amounts × 100": ("amount", "CASE WHEN u < 0.1 THEN x * 100 ELSE x END"),
    "amounts × 1.5": ("amount", "x * 1.5"),
    "10 % of the signs turned": ("amount", "CASE WHEN u < 0.1 THEN -x ELSE x END"),
    "20 % zeros": ("amount", "CASE WHEN u < 0.2 THEN 0 ELSE x END"),
    "10 % more nulls": ("a fifth null", "CASE WHEN u > 0.1 THEN x END"),
    "10 % trailing blanks": ("name", "CASE WHEN u < 0.1 THEN x || ' ' ELSE x END"),
    "10 % mojibake": ("name", "CASE WHEN u < 0.1 THEN replace(x, 'l', 'Ã¼') || 'Ã©' ELSE x END"),
    "10 % in upper case": ("name", "CASE WHEN u < 0.1 THEN upper(x) ELSE x END"),
    "15 % UNKNOWN": ("state", "CASE WHEN u < 0.15 THEN 'UNKNOWN' ELSE x END"),
    "a new format in 10 %": ("order number", "CASE WHEN u < 0.1 THEN 'ORD-' || substr(x, 4) ELSE x END"),
    "days and months exchanged": ("day as text", "substr(x, 4, 3) || left(x, 3) || right(x, 4)"),
    "half of the days as ISO": ("day as text", "CASE WHEN u < 0.5 THEN right(x, 4) || '-' || substr(x, 4, 2) || '-' || left(x, 2) ELSE x END"),
    "decimal comma": ("number as text", "CASE WHEN x <> 'n/a' THEN x || ',5' ELSE x END"),
    "cut after 8 characters": ("name", "left(x, 8)"),
}
SIZES = {30: 20000, 100: 20000, 1000: 20000, 100000: 20000}
LARGE = 10000           # from so many rows on, sets of rows are drawn once
DIVISIONS = 25          # and divided so many times


def drifts(conn, value, later, rows, times):
    """Verdicts and reasons over so many pairs of profiles: halves at random, or what comes later."""
    half = "random() < 0.5" if later is None else "i %% 2 = 0"
    after = "x" if later is None else "CASE WHEN h THEN x ELSE (%s) END" % later
    return conn.execute(
        "SELECT d.verdict, d.reasons FROM (SELECT t, profile(v) FILTER (WHERE h) AS a, profile(v) FILTER (WHERE NOT h) AS b FROM "
        "(SELECT t, h, %s AS v FROM (SELECT t, %s AS h, random() AS u, %s AS x FROM generate_series(1, %%s) t, generate_series(1, %%s) i OFFSET 0) x OFFSET 0) y "
        "GROUP BY t) z, profile_drift(a, b) d" % (after, half, value), (times, 2 * rows)).fetchall()


def divided(conn, value, rows, times):
    """The same of one set of rows that is divided so many times at random, all in one scan."""
    conn.execute("CREATE TEMP TABLE IF NOT EXISTS pool (v text); DROP TABLE pool; CREATE TEMP TABLE pool AS SELECT %s AS v FROM generate_series(1, %d)" % (value, 2 * rows))
    sides = ", ".join("profile(v) FILTER (WHERE bits & {0} = 0) AS a{0}, profile(v) FILTER (WHERE bits & {0} <> 0) AS b{0}".format(1 << k) for k in range(times))
    pairs = ", ".join("(a{0}, b{0})".format(1 << k) for k in range(times))
    return conn.execute("SELECT d.verdict, d.reasons FROM (SELECT %s FROM (SELECT v, floor(random() * %d)::int AS bits FROM pool OFFSET 0) x) y, "
                        "LATERAL (VALUES %s) p (a, b), profile_drift(a, b) d" % (sides, 1 << times, pairs)).fetchall()


def false_alarms(conn, rows, times):
    alarms = pairs = 0
    reasons = {}
    for name, value in COLUMNS.items():
        left = -(-times // len(COLUMNS))
        while left > 0:
            now = min(left, max(1, 200000 // rows), 500) if rows < LARGE else min(left, DIVISIONS)
            for verdict, why in drifts(conn, value, None, rows, now) if rows < LARGE else divided(conn, value, rows, now):
                pairs += 1
                alarms += verdict != "none"
                if verdict != "none":
                    reasons[(name, why)] = reasons.get((name, why), 0) + 1
            left -= now
    for (name, why), n in sorted(reasons.items()):
        print("  %d rows, %s: %s, %d times" % (rows, name, why, n))
    return alarms, pairs


def main():
    scale = float(os.environ.get("BENCH_DRIFT", "1"))
    sizes = [int(s) for s in sys.argv[1:]] or list(SIZES)
    conn = connect()
    conn.execute("CREATE EXTENSION IF NOT EXISTS ingest_profile")
    conn.execute("SET work_mem = '512MB'; SET max_parallel_workers_per_gather = 0; SET jit = off; SELECT setseed(0.25)")
    rows = [("rows", "halves", "false alarms", "share at most")]
    bounds = {}
    for size in sizes:
        alarms, pairs = false_alarms(conn, size, int(SIZES[size] * scale))
        bounds["false_percent_%d" % size] = 100 * upper(alarms, pairs)
        rows.append((size, pairs, alarms, "%.5f" % upper(alarms, pairs)))
    table(rows)
    rows = [("planted",) + tuple("%d rows" % s for s in sizes) + ("says",)]
    found = []
    for name, (column, later) in CHANGES.items():
        line, says = [name], ""
        for size in sizes:
            times = 100 if size < 10000 else 5
            seen = drifts(conn, COLUMNS[column], later, size, times)
            n = sum(verdict != "none" for verdict, _ in seen)
            line.append("%.2f, %.2f to %.2f" % (n / times, 1 - upper(times - n, times), upper(n, times)))
            if size == 1000:
                found.append(n / times)
            says = seen[0][1] or says
        rows.append(tuple(line + [says]))
    table(rows)
    finish(**bounds, **({"found": sum(found) / len(found)} if found else {}))


if __name__ == "__main__":
    main()
