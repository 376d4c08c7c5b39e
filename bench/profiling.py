"""What the benchmarks of ingest_profile share: the table, statements, timing."""

import os

from common import connect, in_turns

ROWS = int(os.environ.get("BENCH_PROFILE_ROWS", "3000000"))
COLUMNS = ["c%d" % i for i in range(1, 13)]
# ints, numeric, float, date, timestamptz, boolean, texts of 5 to ROWS distinct values
MAKE = """
CREATE TABLE wide3 AS SELECT
    i AS c1, (i * 7919::bigint %% 1000003)::int AS c2, round((random() * 100000)::numeric, 2) AS c3, random() * 1000 AS c4,
    date '2015-01-01' + i %% 3650 AS c5, timestamptz '2020-01-01' + i * interval '41 s' AS c6, i %% 3 = 0 AS c7,
    (ARRAY['new', 'open', 'paid', 'void', 'done'])[1 + i %% 5] AS c8, 'customer ' || (i * 31::bigint %% 5000) AS c9,
    'SO' || lpad((i %% 300000)::text, 8, '0') AS c10, 'Memo for line ' || i %% 1000000 AS c11, md5(i::text) AS c12
FROM generate_series(1, %d) i"""


def prepare():
    """A connection to the benchmark's database with the table, one process, no JIT."""
    conn = connect()
    conn.prepare_threshold = None       # a prepared plan would keep its number of workers
    conn.execute("CREATE EXTENSION IF NOT EXISTS ingest_profile")
    if conn.execute("SELECT to_regclass('wide3')").fetchone()[0] is None:
        conn.execute("SELECT setseed(0.5)")
        conn.execute(MAKE % ROWS)
        conn.execute("VACUUM ANALYZE wide3")
    conn.execute("SET jit = off")
    processes(conn, 1)
    return conn


def processes(conn, n):
    conn.execute("SET max_parallel_workers_per_gather = %d" % (n - 1))
    conn.execute("SET parallel_setup_cost = 0")
    conn.execute("SET parallel_tuple_cost = 0")


def all_columns(function, columns=None):
    return "SELECT %s FROM wide3" % ", ".join("%s(%s)" % (function, c) for c in columns or COLUMNS)


def measured(conn, statements, runs=5):
    """Seconds of all runs of each statement, taken in turns."""
    return in_turns({name: lambda s=sql: conn.execute(s).fetchall() for name, sql in statements.items()}, runs)
