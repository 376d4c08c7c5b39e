"""profile_vs_sql: the same basic figures by plain SQL, exactly."""

from common import compared, finish, in_turns, middle, table
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
    seconds = in_turns({"profile": lambda: conn.execute(all_columns("profile")).fetchall(),
                        "plain SQL, %d statements" % len(statements): lambda: [conn.execute(s).fetchall() for s in statements]}, 3)
    table([("way", "seconds")] + [(name, "%.2f" % s) for name, s in middle(seconds).items()])
    ours, plain = seconds.values()
    finish(speedup=compared("plain SQL ÷ profile", plain, ours))


if __name__ == "__main__":
    main()
