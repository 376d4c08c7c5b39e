"""scan_latency: 200,000 rows in pages of 1000 with 200 ms per request and 5 at once.

The peer is arithmetic: pages ÷ 5 × 0.2 s, which no client can beat.  A session's first read of a table begins with one
page alone, which tells how large the table is; later ones, and those of a table with statistics, begin with all slots.
"""

import statistics

from common import ROWS, connect, control, finish, server, spread, table, timed, wide_table

LATENCY, AT_ONCE, PAGE, RUNS = 0.2, 5, 1000, 5
QUERY = "SELECT count(*), count(DISTINCT id) FROM (SELECT * FROM wide OFFSET 0) w"


def run(conn):
    """Seconds, requests, and the part of the slots' time in which no request was being worked on."""
    control("reset")
    control("latency", seconds=LATENCY)
    seconds, row = timed(lambda: conn.execute(QUERY).fetchone())
    control("latency", seconds=0)
    assert row == (ROWS, ROWS), row
    requests = control("log")["requests"]
    assert control("log")["peak"] <= AT_ONCE
    return seconds, len(requests), 1 - sum(r["seconds"] for r in requests) / (seconds * AT_ONCE)


def main():
    conn = connect()
    control("reset")
    control("keep_rows", keep=True)
    server(conn, max_concurrency=AT_ONCE, page_size=PAGE)
    wide_table(conn)
    ideal = ROWS / PAGE / AT_ONCE * LATENCY
    conn.execute(QUERY)                 # rows are rendered once; latency is what counts here
    runs = {"first read": [], "later reads": []}
    for _ in range(RUNS):
        fresh = connect()
        fresh.execute("SELECT id FROM wide WHERE id = 1")       # connected and logged in
        runs["first read"].append(run(fresh))
        fresh.close()
        runs["later reads"].append(run(conn))
    table([("", "seconds", "requests", "idle", "ratio")] +
          [(name, "%.2f" % s, n, "%.1f %%" % (100 * idle), "%.3f" % (s / ideal)) for name, all_ in runs.items() for s, n, idle in all_] +
          [("ideal", "%.2f" % ideal, ROWS // PAGE, "", "")])
    ratios = {name: [s / ideal for s, _, _ in all_] for name, all_ in runs.items()}
    for name, values in ratios.items():
        print("%s: %s" % (name, spread(values)))
    print("bound: 1.05 for later reads")
    finish(ratio=statistics.median(ratios["later reads"]), first_ratio=statistics.median(ratios["first read"]),
           idle=statistics.median(r[2] for r in runs["later reads"]))


if __name__ == "__main__":
    main()
