"""profile_speed: a profile of 12 columns against counting them, two processes against one, and tables of texts."""

import statistics

from common import compared, cpu_seconds, finish, middle, table
from profiling import COLUMNS, ROWS, all_columns, measured, prepare, processes

TEXTS, TEXT_ROWS = 20, 500000


def of_texts(conn, name, distinct):
    """profile_table against count of a table of texts of 40 bytes, run by run."""
    columns = ["t%d" % n for n in range(1, TEXTS + 1)]
    conn.execute("CREATE TABLE %s AS SELECT %s FROM generate_series(1, %d) i" % (name, ", ".join(
        "left(md5((i %% %d)::text || '%d') || md5((i %% %d)::text), 40) AS %s" % (distinct, n, distinct, c)
        for n, c in enumerate(columns)), TEXT_ROWS))
    conn.execute("VACUUM ANALYZE " + name)
    runs = measured(conn, {"count": "SELECT %s FROM %s" % (", ".join("count(%s)" % c for c in columns), name),
                           "profile_table": "SELECT count(*) FROM profile_table('%s')" % name}, 5)
    conn.execute("DROP TABLE " + name)
    return compared("profile_table ÷ count, %d texts of %d distinct values" % (TEXTS, distinct), runs["profile_table"], runs["count"])


def in_cpu_seconds(conn, statements):
    """The same in what the process itself took, which a busy machine changes less."""
    pid = conn.execute("SELECT pg_backend_pid()").fetchone()[0]
    taken = {name: [] for name in statements}
    for _ in range(5):
        for name, sql in statements.items():
            before = cpu_seconds(pid)
            conn.execute(sql).fetchall()
            taken[name].append(cpu_seconds(pid) - before)
    print("CPU seconds: " + ", ".join("%s %.2f" % (name, statistics.median(s)) for name, s in taken.items()))
    for name in statements:
        if name != "count":
            compared("%s ÷ count, CPU seconds" % name, taken[name], taken["count"])


def main():
    conn = prepare()
    conn.execute("DROP TABLE IF EXISTS texts_all, texts_few")
    both = {"count": all_columns("count"), "profile": all_columns("profile")}
    one, two = {}, {}
    for _ in range(9):
        processes(conn, 1)
        more = measured(conn, dict(both, profile_table="SELECT count(*) FROM profile_table('wide3')"), 1)
        processes(conn, 2)
        for seconds, taken in ((one, more), (two, measured(conn, both, 1))):
            for name in taken:
                seconds[name] = seconds.get(name, []) + taken[name]
    cells = ROWS * len(COLUMNS)
    count = statistics.median(one["count"])
    table([("statement", "processes", "seconds", "ns a value", "x count")] + [
        (name, n, "%.2f" % s, "%.0f" % (1e9 * s / cells), "%.1f" % (s / count))
        for n, seconds in ((1, one), (2, two)) for name, s in middle(seconds).items()])
    processes(conn, 1)
    in_cpu_seconds(conn, dict(both, profile_table="SELECT count(*) FROM profile_table('wide3')"))
    alone = middle(measured(conn, dict([("count", all_columns("count", ["c1"]))] +
                                       [(c, all_columns("profile", [c])) for c in COLUMNS]), 3))
    print("one column at a time, ns a value beyond count: " + ", ".join(
        "%s %.0f" % (c, 1e9 * (alone[c] - alone["count"]) / ROWS) for c in COLUMNS))
    sizes = conn.execute("SELECT array_agg(pg_column_size(sketch) ORDER BY position) FROM profile_table('wide3')").fetchone()[0]
    print("stored bytes a column: " + ", ".join("%s %d" % pair for pair in zip(COLUMNS, sizes)))
    finish(ratio=compared("profile ÷ count", one["profile"], one["count"]),
           own_scan_ratio=compared("profile_table ÷ count", one["profile_table"], one["count"]),
           scaling=compared("one process ÷ two", one["profile"], two["profile"]),
           text_ratio=of_texts(conn, "texts_all", TEXT_ROWS), text_ratio_few=of_texts(conn, "texts_few", 100))


if __name__ == "__main__":
    main()
