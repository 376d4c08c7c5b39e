"""profile_speed: a profile of 12 columns against counting them, and two processes against one."""

import statistics

from common import compared, finish, middle, table
from profiling import COLUMNS, ROWS, all_columns, measured, prepare, processes


def main():
    conn = prepare()
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
    alone = middle(measured(conn, dict([("count", all_columns("count", ["c1"]))] +
                                       [(c, all_columns("profile", [c])) for c in COLUMNS]), 3))
    print("one column at a time, ns a value beyond count: " + ", ".join(
        "%s %.0f" % (c, 1e9 * (alone[c] - alone["count"]) / ROWS) for c in COLUMNS))
    sizes = conn.execute("SELECT array_agg(pg_column_size(sketch) ORDER BY position) FROM profile_table('wide3')").fetchone()[0]
    print("stored bytes a column: " + ", ".join("%s %d" % pair for pair in zip(COLUMNS, sizes)))
    finish(ratio=compared("profile ÷ count", one["profile"], one["count"]),
           own_scan_ratio=compared("profile_table ÷ count", one["profile_table"], one["count"]),
           scaling=compared("one process ÷ two", one["profile"], two["profile"]))


if __name__ == "__main__":
    main()
