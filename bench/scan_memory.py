"""scan_memory: the backend's resident memory during 1,000,000 rows against that after 10,000."""

from common import connect, control, finish, server, table, timed, watched

ROWS, FEW = 1000000, 10000


def scan(conn, pid, where):
    """Rows, seconds and the largest memory seen during a scan."""
    sql = "SELECT count(*), sum(length(memo)) FROM (SELECT * FROM million WHERE %s OFFSET 0) m" % where
    (seconds, row), peak = watched(pid, lambda: timed(lambda: conn.execute(sql).fetchone()))
    return row[0], seconds, peak


def main():
    conn = connect()
    conn.execute("SET statement_timeout = 0")
    control("reset")
    server(conn, max_concurrency=5)
    conn.execute("DROP FOREIGN TABLE IF EXISTS million")
    conn.execute("CREATE FOREIGN TABLE million (k bigint, amount numeric, memo text, changed timestamp) "
                 "SERVER ns OPTIONS (\"table\" 'bench_million', key 'k')")
    pid = conn.execute("SELECT pg_backend_pid()").fetchone()[0]
    runs = [scan(conn, pid, "k <= %d" % (FEW * 2)), scan(conn, pid, "true")]
    assert [r[0] for r in runs] == [FEW, ROWS], runs
    table([("rows", "seconds", "MB resident")] + [(r[0], "%.1f" % r[1], "%.1f" % r[2]) for r in runs])
    finish(growth_mb=max(0.0, runs[1][2] - runs[0][2]))


if __name__ == "__main__":
    main()
