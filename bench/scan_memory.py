"""scan_memory: the backend's resident memory during 1,000,000 rows against that at 10,000."""

import threading
import time

import common
from common import connect, control, finish, server, table

ROWS = 1000000


def resident(pid):
    """Anonymous memory: shared buffers that the scan touches are not its own."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("RssAnon:")) / 1024


def main():
    conn = connect()
    control("reset")
    server(conn, max_concurrency=5)
    # five copies of the wide table, as one SuiteQL query with a key that tells them apart
    query = " UNION ALL ".join("SELECT id + %d AS k, amount, memo, email, changed FROM %s" % (i * 10 ** 7, common.WIDE)
                               for i in range(5))
    conn.execute("DROP FOREIGN TABLE IF EXISTS million")
    conn.execute("CREATE FOREIGN TABLE million (k bigint, amount numeric, memo text, email text, changed timestamp) "
                 "SERVER ns OPTIONS (query '%s', key 'k')" % query.replace("'", "''"))
    pid = conn.execute("SELECT pg_backend_pid()").fetchone()[0]
    rows = conn.execute("SELECT count(*) FROM (SELECT * FROM million WHERE k < 23000 OFFSET 0) m").fetchone()[0]
    small = resident(pid)
    peak, done = [small], threading.Event()

    def watch():
        while not done.is_set():
            peak[0] = max(peak[0], resident(pid))
            time.sleep(0.02)
    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    count, distinct = conn.execute("SELECT count(*), count(DISTINCT k) FROM (SELECT * FROM million OFFSET 0) m").fetchone()
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    assert (count, distinct) == (ROWS, ROWS), (count, distinct)
    # the sort of count(DISTINCT) is not the scan's: measure it by itself
    peak2, done = [small], threading.Event()
    other = connect()
    pid = other.execute("SELECT pg_backend_pid()").fetchone()[0]
    other.execute("SELECT count(*) FROM (SELECT * FROM million WHERE k < 23000 OFFSET 0) m")
    small, peak2 = resident(pid), [0]

    def watch_scan():
        while not done.is_set():
            peak2[0] = max(peak2[0], resident(pid))
            time.sleep(0.02)
    watcher = threading.Thread(target=watch_scan)
    watcher.start()
    other.execute("SELECT count(memo), count(email) FROM (SELECT * FROM million OFFSET 0) m")
    done.set()
    watcher.join()
    table([("rows", "MB resident"), (rows, "%.1f" % small), (ROWS, "%.1f" % peak2[0])])
    print("1,000,000 distinct rows in %.1f s" % seconds)
    finish(growth_mb=max(0.0, peak2[0] - small))


if __name__ == "__main__":
    main()
