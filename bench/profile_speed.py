"""profile_speed: a profile of 12 columns against counting them, and two processes against one."""

from common import finish, table
from profiling import COLUMNS, ROWS, all_columns, best, prepare, processes


def keep(seconds, more):
    for name, took in more.items():
        seconds[name] = min(seconds.get(name, took), took)


def main():
    conn = prepare()
    one, two = {}, {}
    for _ in range(9):
        processes(conn, 1)
        keep(one, best(conn, {"count": all_columns("count"), "profile": all_columns("profile"),
                              "profile_table": "SELECT count(*) FROM profile_table('wide3')"}, 1))
        processes(conn, 2)
        keep(two, best(conn, {"count": all_columns("count"), "profile": all_columns("profile")}, 1))
    cells = ROWS * len(COLUMNS)
    table([("statement", "processes", "seconds", "ns a value", "x count")] + [
        (name, n, "%.2f" % s, "%.0f" % (1e9 * s / cells), "%.1f" % (s / one["count"]))
        for name, n, s in [("count", 1, one["count"]), ("profile", 1, one["profile"]),
                           ("profile_table", 1, one["profile_table"]),
                           ("count", 2, two["count"]), ("profile", 2, two["profile"])]])
    processes(conn, 1)
    alone = best(conn, dict([("count", all_columns("count", ["c1"]))] +
                            [(c, all_columns("profile", [c])) for c in COLUMNS]), 2)
    print("one column at a time, ns a value beyond count: " + ", ".join(
        "%s %.0f" % (c, 1e9 * (alone[c] - alone["count"]) / ROWS) for c in COLUMNS))
    sizes = conn.execute("SELECT array_agg(pg_column_size(sketch) ORDER BY position) FROM profile_table('wide3')").fetchone()[0]
    print("stored bytes a column: " + ", ".join("%s %d" % pair for pair in zip(COLUMNS, sizes)))
    finish(ratio=one["profile"] / one["count"], own_scan_ratio=one["profile_table"] / one["count"],
           scaling=one["profile"] / two["profile"])


if __name__ == "__main__":
    main()
