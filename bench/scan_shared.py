"""scan_shared: 2, 4 and 8 backends that share an account of five requests at once.

The peer is one backend that has the five for itself, in the same run.  ratio is the worst of the three throughputs
divided by its own, slowest the worst of the slowest scans divided by their median, refusals all that NetSuite refused.
"""

import threading
import time

from common import connect, control, finish, server, table, wide_table

LATENCY, AT_ONCE, PAGE, SECONDS = 0.1, 5, 1000, 12.0
QUERY = "SELECT count(*) FROM (SELECT * FROM wide WHERE id BETWEEN %d AND %d OFFSET 0) w"
ROWS_EACH = 20000
RANGES = []


def ranges(conn):
    """Tenths of the table: each scan reads another one, so what is read does not depend on who is fast."""
    ids = [row[0] for row in conn.execute("SELECT id FROM wide ORDER BY id").fetchall()]
    RANGES.extend((ids[i], ids[i + ROWS_EACH - 1]) for i in range(0, len(ids), ROWS_EACH))


def scan(conn, n):
    """One scan, and how long it took."""
    start = time.perf_counter()
    rows = conn.execute(QUERY % RANGES[n % len(RANGES)]).fetchone()[0]
    assert rows == ROWS_EACH, rows
    return time.perf_counter() - start


def share(backends):
    """Scans of so many backends side by side: requests a second, refusals, seconds of each scan, scans of each."""
    conns = [connect() for _ in range(backends)]
    times = [[] for _ in conns]
    for conn in conns:                  # traits are measured, connections are there
        conn.execute("SELECT count(*) FROM (SELECT id FROM wide WHERE id <= 10 OFFSET 0) w")
    control("reset")
    control("switch", name="concurrency_limit", value=AT_ONCE)
    control("latency", seconds=LATENCY)
    start = time.perf_counter()
    problems = []

    def work(i):
        try:
            n = i
            while time.perf_counter() < start + SECONDS:
                times[i].append(scan(conns[i], n))
                n += 1
        except Exception as problem:                            # pylint: disable=broad-except
            problems.append(problem)
    threads = [threading.Thread(target=work, args=(i,)) for i in range(backends)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    requests = control("log")["requests"]
    control("reset")
    for conn in conns:
        conn.close()
    if problems:
        raise problems[0]
    refused = sum(r["status"] in (429, 400) for r in requests)
    return (len(requests) - refused) / seconds, refused, sorted(sum(times, [])), [len(t) for t in times]


def main():
    conn = connect()
    control("reset")
    server(conn, max_concurrency=AT_ONCE, page_size=PAGE)
    wide_table(conn)
    ranges(conn)
    for n in range(10):                 # pages are rendered once
        scan(conn, n)
    rows = [("backends", "requests/s", "refused", "median s", "slowest s", "scans of each")]
    alone, worst, refusals, slowest = None, None, 0, 0.0
    for backends in (1, 2, 4, 8):
        rate, refused, times, each = share(backends)
        median = times[len(times) // 2]
        rows.append((backends, "%.1f" % rate, refused, "%.2f" % median, "%.2f" % times[-1], " ".join(map(str, each))))
        if alone is None:
            alone = rate
            continue
        worst = rate if worst is None else min(worst, rate)
        refusals += refused
        slowest = max(slowest, times[-1] / median)
    table(rows)
    print("possible: %.1f requests/s" % (AT_ONCE / LATENCY))
    finish(ratio=worst / alone, refusals=refusals, slowest=slowest)


if __name__ == "__main__":
    main()
