"""profile_vs_sql: the same basic figures by plain SQL, exactly."""

from common import finish, table, timed
from profiling import COLUMNS, all_columns, prepare

NUMBERS = {"c1", "c2", "c3", "c4"}


def figures(column):
    parts = ["count(%s)", "count(DISTINCT %s)"]
    if column == "c7":
        parts += ["bool_and(%s)", "bool_or(%s)"]
    else:
        parts += ["min(%s)", "max(%s)", "percentile_disc(ARRAY[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY %s)"]
    if column in NUMBERS:
        parts += ["avg(%s)", "stddev(%s)"]
    return ", ".join(p % column for p in parts)


def main():
    conn = prepare()
    conn.execute("SET work_mem = '256MB'")
    statements = ["SELECT %s FROM wide3" % ", ".join(figures(c) for c in COLUMNS)]
    statements += ["SELECT %s, count(*) FROM wide3 GROUP BY 1 ORDER BY 2 DESC LIMIT 10" % c for c in COLUMNS]
    ours = min(timed(lambda: conn.execute(all_columns("profile")).fetchall())[0] for _ in range(3))
    plain = sum(timed(lambda s=s: conn.execute(s).fetchall())[0] for s in statements)
    table([("way", "seconds"), ("profile", "%.2f" % ours), ("plain SQL, %d statements" % len(statements), "%.2f" % plain)])
    finish(speedup=plain / ours)


if __name__ == "__main__":
    main()
