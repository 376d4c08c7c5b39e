"""scan_cpu: what NetSuite's pages cost beyond turning text into tuples.

Peers in the same run: file_fdw on a CSV file of the same rows and types, and the usual way to fetch from Python
(http.client, json, COPY) into an unlogged table.  The sandbox cuts every page from rows that it rendered before, and all
runs count: wall time, in which the sandbox shares the machine, and the CPU time of the backend alone, TLS and gzip included.
"""

import statistics

import common
from common import COLUMNS, ROWS, compared, connect, control, cpu_seconds, finish, in_turns, middle, server, spread, table, timed, wide_table

RUNS, WRITES = 11, 5


def python_way(conn, client):
    """Pages one after the other, json.loads, COPY."""
    columns = [c[0] for c in COLUMNS]
    select = ", ".join("TO_CHAR(t.%s,'YYYY-MM-DD') AS %s" % (c[0], c[0]) if c[1] == "date" else
                       "TO_CHAR(t.%s,'YYYY-MM-DD HH24:MI:SS') AS %s" % (c[0], c[0]) if c[1] == "datetime"
                       else "t." + c[0] for c in COLUMNS)
    last = 0
    with conn.cursor() as cursor, cursor.copy("COPY target FROM STDIN") as copy:
        while True:
            _, _, page = client.suiteql("SELECT %s FROM %s t WHERE t.id > %d ORDER BY t.id ASC" % (
                select, common.WIDE, last), limit=1000)
            for item in page["items"]:
                copy.write_row([item.get(c) for c in columns])
            if not page["hasMore"]:
                return
            last = int(page["items"][-1]["id"])


def decoder_alone(conn, page_bytes):
    """MB/s of the decoder: a page that is re-scanned from memory, less what a local table costs."""
    loops = 300
    conn.execute("CREATE TEMP TABLE one_page AS SELECT * FROM wide ORDER BY id LIMIT 1000")
    sql = "SELECT " + ", ".join("count(%s)" % c[0] for c in COLUMNS) + \
        " FROM generate_series(1, %d) g, LATERAL (SELECT *, g FROM %s WHERE id <= (SELECT max(id) FROM one_page) OFFSET 0) w"
    queries = {relation: sql % (loops, relation) for relation in ("wide", "one_page")}
    for query in queries.values():
        assert conn.execute(query).fetchone()[0] == 1000 * loops
    seconds = in_turns({r: lambda q=q: conn.execute(q) for r, q in queries.items()}, 5)
    rates = [page_bytes * loops / (a - b) / 1e6 for a, b in zip(seconds["wide"], seconds["one_page"])]
    print("the decoder alone, MB/s of JSON: %s" % spread(rates))
    return statistics.median(rates)


def prepare(conn):
    control("reset")
    control("keep_rows", keep=True)
    server(conn, max_concurrency=5)
    wide_table(conn)
    conn.execute("CREATE EXTENSION IF NOT EXISTS file_fdw")
    conn.execute("DROP SERVER IF EXISTS files CASCADE")
    conn.execute("CREATE SERVER files FOREIGN DATA WRAPPER file_fdw")
    conn.execute("CREATE FOREIGN TABLE wide_csv (%s) SERVER files OPTIONS (filename '%s', format 'csv', header 'true')" % (
        ", ".join("%s %s" % (c[0], c[2]) for c in COLUMNS), common.os.environ["BENCH_CSV"]))
    conn.execute("DROP TABLE IF EXISTS target")
    conn.execute("CREATE UNLOGGED TABLE target (LIKE wide_csv)")
    conn.execute("SET max_parallel_workers_per_gather = 0")
    conn.execute("SET jit = off")


def read_both(conn):
    """Seconds and CPU seconds of reading all rows by both wrappers, in turns."""
    pid = conn.execute("SELECT pg_backend_pid()").fetchone()[0]
    counts = "SELECT " + ", ".join("count(%s)" % c[0] for c in COLUMNS) + " FROM "
    queries = {"netsuite_fdw": counts + "(SELECT * FROM wide OFFSET 0) w",     # the aggregate must not be pushed down
               "file_fdw": counts + "wide_csv"}
    answers = {conn.execute(q).fetchone() for q in queries.values()}           # rows are rendered now
    assert len(answers) == 1, answers
    wall, cpu = {n: [] for n in queries}, {n: [] for n in queries}
    control("reset")
    for _ in range(RUNS):
        for name, query in queries.items():
            before = cpu_seconds(pid)
            seconds, row = timed(lambda q=query: conn.execute(q).fetchone())
            cpu[name].append(cpu_seconds(pid) - before)
            wall[name].append(seconds)
            assert {row} == answers
    assert not any(r["rendered"] for r in control("log")["requests"]), "a page was rendered while it was measured"
    return wall, cpu


def write_both(conn, client):
    """Seconds of filling an unlogged table by the wrapper, and as Python does it."""
    ways = {"insert": lambda: conn.execute("INSERT INTO target SELECT * FROM wide"),
            "python": lambda: python_way(conn, client)}
    wall = {n: [] for n in ways}
    for run in range(WRITES + 1):
        for name, way in ways.items():
            conn.execute("TRUNCATE target")
            seconds = timed(way)[0]
            assert conn.execute("SELECT count(*) FROM target").fetchone()[0] == ROWS
            if run > 0:                 # the first renders rows
                wall[name].append(seconds)
    return wall


def main():
    conn = connect()
    prepare(conn)
    wall, cpu = read_both(conn)
    client = common.Client(common.FACTS)
    wall.update(write_both(conn, client))
    size = sum(len(p[0]) for p in sample_pages(client)) * ROWS / 5000
    table([("way", "seconds", "CPU seconds", "rows/s", "MB/s of JSON")] + [
        (k, "%.3f" % v, "%.3f" % statistics.median(cpu[k]) if k in cpu else "", "%d" % (ROWS / v),
         "%.0f" % (size / v / 1e6) if k != "file_fdw" else "") for k, v in middle(wall).items()])
    ratio = compared("wall time, ÷ file_fdw's", wall["netsuite_fdw"], wall["file_fdw"])
    cpu_ratio = compared("CPU time, ÷ file_fdw's", cpu["netsuite_fdw"], cpu["file_fdw"])
    speedup = compared("Python's time ÷ ours", wall["python"], wall["insert"])
    alone = decoder_alone(conn, size * 1000 / ROWS)
    print("bounds: CPU time at most 1.0 × file_fdw's, 3 × as fast as Python")
    finish(ratio=ratio, cpu_ratio=cpu_ratio, speedup=speedup, decoder_mb_s=alone)


def sample_pages(client):
    import json
    for offset in range(0, 5000, 1000):
        _, _, page = client.suiteql("SELECT * FROM %s ORDER BY id ASC" % common.WIDE, limit=1000, offset=offset)
        yield (json.dumps(page, separators=(",", ":"), ensure_ascii=False).encode(),)


if __name__ == "__main__":
    main()
