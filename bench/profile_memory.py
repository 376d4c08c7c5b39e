"""profile_memory: the backend's own memory while 200 columns of texts are profiled at once."""

from common import connect, finish, resident, table, watched

COLUMNS, ROWS = 200, 50000


def main():
    conn = connect()
    conn.execute("CREATE EXTENSION IF NOT EXISTS ingest_profile")
    conn.execute("SET max_parallel_workers_per_gather = 0")
    pid = conn.execute("SELECT pg_backend_pid()").fetchone()[0]
    # every value of every column is another one, the worst case for all parts of a sketch
    sql = "SELECT %s FROM (SELECT md5(i::text) AS t FROM generate_series(1, %d) i) x" % (
        ", ".join("pg_column_size(profile(t || '%d'))" % i for i in range(COLUMNS)), ROWS)
    conn.execute(sql.replace(str(ROWS), "10"))
    before = resident(pid)
    sizes, peak = watched(pid, lambda: conn.execute(sql).fetchone())
    table([("columns", "rows", "MB before", "MB at most", "largest sketch"),
           (COLUMNS, ROWS, "%.1f" % before, "%.1f" % peak, "%d bytes" % max(sizes))])
    finish(mb=peak - before)


if __name__ == "__main__":
    main()
