"""jobs: empty jobs through the queue with 4 workers, against pgbench -N with 4 clients under the same settings."""

import os
import re
import subprocess
import threading

from common import compared, connect, finish, table, timed
from syncing import prepare

WORKERS, JOBS, RUNS = 4, 20000, 3


def pgbench(seconds=8):
    binary = os.path.join(os.environ["BENCH_BIN"], "pgbench")
    where = ["-h", os.environ["BENCH_SOCKET"], "-p", "6601", "-U", "postgres", "postgres"]
    if not hasattr(pgbench, "made"):
        subprocess.run([binary, "-i", "-q", "-s", "10"] + where, check=True, capture_output=True)
        pgbench.made = True
    out = subprocess.run([binary, "-N", "-n", "-c", str(WORKERS), "-j", "2", "-T", str(seconds)] + where, check=True, capture_output=True, text=True).stdout
    return float(re.search(r"tps = ([0-9.]+)", out).group(1))


def through_queue(conn):
    conn.execute("TRUNCATE ingest.run CASCADE")
    conn.execute("SELECT ingest.enqueue('empty', once => false) FROM generate_series(1, %d)" % JOBS)
    conn.execute("ANALYZE ingest.queue")
    sessions = [connect() for _ in range(WORKERS)]
    threads = [threading.Thread(target=lambda s=s: s.execute("CALL ingest.work()")) for s in sessions]

    def run():
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    seconds = timed(run)[0]
    for s in sessions:
        s.close()
    done, left = conn.execute("SELECT (SELECT count(*) FROM ingest.run WHERE state = 'succeeded'), (SELECT count(*) FROM ingest.queue)").fetchone()
    assert (done, left) == (JOBS, 0), (done, left)
    return JOBS / seconds


def main():
    conn = prepare({})
    conn.execute("SELECT ingest.create_job('empty', 'sql', 'SELECT')")
    rates = [(through_queue(conn), pgbench()) for _ in range(RUNS)]
    table([("jobs/s", "pgbench -N tps", "ratio")] + [("%.0f" % j, "%.0f" % p, "%.2f" % (j / p)) for j, p in rates])
    print("bound: at least 0.6")
    finish(ratio=compared("jobs/s ÷ tps", [j for j, _ in rates], [p for _, p in rates]))


if __name__ == "__main__":
    main()
