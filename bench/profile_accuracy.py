"""profile_accuracy: errors of the sketches against what they promise, over many kinds of data.

Each error is divided by its bound, the worst is printed: distinct counts within 2 % (95 of 100 cases),
ranks of quantiles within 1 %, frequencies within their own bounds and 1 % of the rows, overlaps within
the error that is told with them (95 of 100 cases).
"""

from common import connect, finish, table

QUANTILES = [i / 100 for i in range(1, 100)]
# values as SQL over i from 1 to n, s being a seed
KINDS = {
    "uniform": "(hashint8(i * 1000003::bigint + s)::bigint & 2147483647) % greatest(n / 3, 2)",
    "zipf": "floor(exp(ln(n::float8 + 1) * ((hashint8(i + s * 7919::bigint)::bigint & 2147483647) / 2147483648.0)))::bigint",
    "constant": "42::bigint",
    "sorted": "i::bigint",
    "descending": "(n - i)::bigint",
    "all distinct": "hashint8extended(i, s)",
    # the small values first, then ever larger ones, with each tenth repeated: hard on samplers and shifts
    "adversarial": "CASE WHEN i % 10 = 0 THEN -1 ELSE i::bigint * i END",
}
SIZES = [10, 1000, 3000, 100000, 1000000]
LARGE = 10000000


def source(kind, n, seed):
    return "SELECT (%s) AS v FROM generate_series(1, %d) i, (SELECT %d::bigint AS n, %d::bigint AS s) x" % (
        KINDS[kind], n, n, seed)


def rank_error(conn, quantiles, n):
    """How far the ranks of the values are from those asked for, as a share of the rows."""
    rows = conn.execute("""SELECT q, coalesce((SELECT upto FROM truth WHERE v < x ORDER BY v DESC LIMIT 1), 0),
            (SELECT upto FROM truth WHERE v <= x ORDER BY v DESC LIMIT 1)
        FROM unnest(%s::float8[], %s::bigint[]) u(q, x)""", (QUANTILES, [int(v) for v in quantiles])).fetchall()
    return max(max(0.0, float(below) / n - q, q - float(upto) / n) for q, below, upto in rows)


def measure(conn, kind, n, seed, merged):
    """Errors of one column: distinct, rank, frequency."""
    conn.execute("DROP TABLE IF EXISTS v, truth")
    conn.execute("CREATE TEMP TABLE v AS " + source(kind, n, seed))
    conn.execute("CREATE TEMP TABLE truth AS SELECT v, c, sum(c) OVER (ORDER BY v) AS upto FROM (SELECT v, count(*) AS c FROM v GROUP BY v) g")
    conn.execute("CREATE INDEX ON truth (v, upto)")
    conn.execute("ANALYZE truth")
    if merged:
        # in parts, merged two by two in an order of chance
        sketch = """(SELECT profile_merge(m ORDER BY g DESC) FROM (SELECT p % 4 AS g, profile_merge(k ORDER BY hashint4(p)) AS m
            FROM (SELECT abs(hashint8(v + p0)) % 13 AS p, profile(v) AS k FROM (SELECT v, row_number() OVER () % 3 AS p0 FROM v) w GROUP BY 1) a GROUP BY 1) b)"""
    else:
        sketch = "(SELECT profile(v) FROM v)"
    conn.execute("DROP TABLE IF EXISTS s")
    conn.execute("CREATE TEMP TABLE s AS SELECT %s AS k" % sketch)
    distinct, quantiles = conn.execute("SELECT distinct_count(k), quantile(k, %s::float8[]) FROM s", (QUANTILES,)).fetchone()
    truth = conn.execute("SELECT count(*) FROM truth").fetchone()[0]
    wrong, width = conn.execute("""SELECT count(*) FILTER (WHERE NOT coalesce(c, 0) BETWEEN count AND count_at_most), max(count_at_most - count)
        FROM s, top_values(k, 100) t LEFT JOIN truth ON truth.v = t.value::bigint""").fetchone()
    assert wrong == 0, "a frequency is outside its bounds"
    # values more frequent than one in a hundred rows must be there
    missing = conn.execute("SELECT count(*) FROM truth, s WHERE c > %s AND v::text NOT IN (SELECT value FROM top_values(k, 300) WHERE value IS NOT NULL)", (n / 100,)).fetchone()[0]
    assert missing == 0, "a frequent value is missing"
    return abs(distinct - truth) / truth, rank_error(conn, quantiles, n), (width or 0) / n


def overlaps(conn):
    """Errors of containment over their own bounds."""
    errors = []
    for a, b, shared in [(1000, 1000, 500), (10000, 10000, 9000), (100000, 20000, 20000), (300000, 300000, 0), (500000, 100000, 30000)]:
        for seed in range(8):
            row = conn.execute("""SELECT a_in_b, b_in_a, error FROM overlap(
                (SELECT profile(hashint8extended(i, %s)) FROM generate_series(1::bigint, %s) i),
                (SELECT profile(hashint8extended(i, %s)) FROM generate_series(%s::bigint, %s) i))""",
                               (seed, a, seed, a - shared + 1, a - shared + b)).fetchone()
            for estimate, true in ((row[0], shared / a), (row[1], shared / b)):
                errors.append(abs(estimate - true) / row[2] if row[2] > 0 else (0 if abs(estimate - true) < 1e-9 else 9))
    return errors


def large(conn):
    """Ten million values, where the truth is known without counting."""
    results = []
    for kind, truth in (("sorted", LARGE), ("constant", 1), ("all distinct", LARGE)):
        sql = "SELECT distinct_count(k), quantile(k, %%s::float8[]) FROM (SELECT profile(v) AS k FROM (%s) x) y" % source(kind, LARGE, 1).replace("%", "%%")
        distinct, quantiles = conn.execute(sql, (QUANTILES,)).fetchone()
        rank = 0.0
        if kind == "sorted":
            rank = max(abs(int(v) / LARGE - q) for v, q in zip(quantiles, QUANTILES))
        elif kind == "all distinct":
            rank = max(abs((int(v) / 2 ** 64 + 0.5) - q) for v, q in zip(quantiles, QUANTILES)) - 0.0005
        results.append((kind, abs(distinct - truth) / truth, rank))
    return results


def percentile(values, p):
    return sorted(values)[min(int(len(values) * p), len(values) - 1)]


def main():
    conn = connect()
    conn.execute("CREATE EXTENSION IF NOT EXISTS ingest_profile")
    conn.execute("SET work_mem = '256MB'")
    conn.execute("SET max_parallel_workers_per_gather = 0")
    distinct, rank, frequency = [], [], []
    rows = [("data", "values", "distinct", "rank", "frequency")]
    for kind in KINDS:
        for n in SIZES:
            errors = []
            for seed in range(1 if n >= 1000000 else 4):
                for merged in (False, True):
                    if merged and n < 1000:
                        continue
                    errors.append(measure(conn, kind, n, seed + 1, merged))
            rows.append((kind, n) + tuple("%.3f %%" % (100 * max(e[i] for e in errors)) for i in range(3)))
            distinct += [e[0] for e in errors]
            rank += [e[1] for e in errors]
            frequency += [e[2] for e in errors]
    for kind, d, r in large(conn):
        rows.append((kind, LARGE, "%.3f %%" % (100 * d), "%.3f %%" % (100 * r), ""))
        distinct.append(d)
        rank.append(r)
    shared = overlaps(conn)
    table(rows)
    figures = {"distinct": percentile(distinct, 0.95) / 0.02, "rank": max(rank) / 0.01,
               "frequency": max(frequency) / 0.01, "overlap": percentile(shared, 0.95)}
    print("error over its bound: " + ", ".join("%s %.2f" % f for f in figures.items()))
    finish(worst=max(figures.values()))


if __name__ == "__main__":
    main()
