"""jobs: empty jobs through the queue by 4 background workers, against pgbench -N with 4 clients in the same cluster; and, with
the same settings, how long 8 jobs of 3 s take and how soon another owner's urgent job begins.  In a cluster of its own, in
which the library is preloaded."""

import os
import re
import statistics
import subprocess
import time

from cluster import BIN, Cluster
from common import compared, finish, table

WORKERS, JOBS, RUNS, NAP = 4, 20000, 3, 3
CLUSTER = Cluster("jobs", 6612, "fsync = on\ningest.max_workers = %d" % WORKERS)


def pgbench(seconds=8):
    where = ["-h", CLUSTER.folder, "-p", str(CLUSTER.port), "-U", "postgres", "postgres"]
    if not hasattr(pgbench, "made"):
        subprocess.run([os.path.join(BIN, "pgbench"), "-i", "-q", "-s", "10"] + where, check=True, capture_output=True)
        pgbench.made = True
    out = subprocess.run([os.path.join(BIN, "pgbench"), "-N", "-n", "-c", str(WORKERS), "-j", "2", "-T", str(seconds)] + where,
                         check=True, capture_output=True, text=True).stdout
    return float(re.search(r"tps = ([0-9.]+)", out).group(1))


def until_done(conn):
    """Seconds until nothing is queued any more."""
    began = time.monotonic()
    while conn.execute("SELECT count(*) FROM (SELECT FROM ingest.queue LIMIT 1) q").fetchone()[0] > 0:
        time.sleep(0.02)
    return time.monotonic() - began


def through_queue(conn):
    conn.execute("TRUNCATE ingest.run CASCADE")
    conn.execute("SELECT ingest.enqueue('empty', once => false) FROM generate_series(1, %d)" % JOBS)
    seconds = until_done(conn)
    done = conn.execute("SELECT count(*) FROM ingest.run WHERE state = 'succeeded'").fetchone()[0]
    assert done == JOBS, done
    return JOBS / seconds


def spread(conn):
    conn.execute("SELECT ingest.enqueue('nap', once => false) FROM generate_series(1, 8)")
    return until_done(conn)


def urgent(conn):
    """Seconds from asking for it to its begin, while another owner's jobs are at work and wait."""
    conn.execute("TRUNCATE ingest.run CASCADE")
    conn.execute("SELECT ingest.enqueue('nap', once => false) FROM generate_series(1, 12)")
    time.sleep(1)
    with CLUSTER.connect("other") as other:
        other.execute("SELECT ingest.enqueue('urgent', priority => 10)")
    asked = time.time()
    until_done(conn)
    begun = conn.execute("SELECT extract(epoch FROM r.started_at)::float8 FROM ingest.run r JOIN ingest.job j ON j.id = r.job "
                         "WHERE j.name = 'urgent'").fetchone()[0]
    return begun - asked


def main():
    conn = CLUSTER.connect()
    conn.execute("CREATE EXTENSION ingest CASCADE")
    conn.execute("CREATE ROLE other LOGIN IN ROLE ingest_operator")
    conn.execute("SELECT ingest.create_job('empty', 'sql', 'SELECT'), ingest.create_job('nap', 'sql', 'SELECT pg_sleep(%d)')" % NAP)
    with CLUSTER.connect("other") as other:
        other.execute("SELECT ingest.create_job('urgent', 'sql', 'SELECT')")
    rates = [(through_queue(conn), pgbench()) for _ in range(RUNS)]
    spreads, waits = [spread(conn) for _ in range(RUNS)], [urgent(conn) for _ in range(RUNS)]
    table([("jobs/s", "pgbench -N tps", "ratio")] + [("%.0f" % j, "%.0f" % p, "%.2f" % (j / p)) for j, p in rates])
    table([("8 jobs of %d s, 4 workers" % NAP, "an urgent job begins after")] + [("%.1f s" % a, "%.1f s" % b) for a, b in zip(spreads, waits)])
    print("bounds: ratio at least 1.0; 7 s; one job's %d s" % NAP)
    finish(ratio=compared("jobs/s ÷ tps", [j for j, _ in rates], [p for _, p in rates]), spread_s=round(statistics.median(spreads), 1),
           urgent_s=round(statistics.median(waits), 1))


if __name__ == "__main__":
    main()
