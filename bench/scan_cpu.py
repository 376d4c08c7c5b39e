"""scan_cpu: what NetSuite's pages cost beyond turning text into tuples.

Peers in the same run: file_fdw on a CSV file of the same rows, and the usual way to fetch from
Python (urllib's stack, json, COPY) into an unlogged table.
"""

import statistics

import common
from common import COLUMNS, ROWS, connect, control, finish, server, table, timed, wide_table

RUNS = 7
TRIES = 60                          # which pages are asked for depends on timing, so not every run finds all cached


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
    seconds = {}
    for relation in ("wide", "one_page"):
        query = sql % (loops, relation)
        assert conn.execute(query).fetchone()[0] == 1000 * loops
        seconds[relation] = min(timed(lambda q=query: conn.execute(q))[0] for _ in range(3))
    return page_bytes * loops / (seconds["wide"] - seconds["one_page"]) / 1e6


def main():
    conn = connect()
    control("reset")
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
    counts = "SELECT " + ", ".join("count(%s)" % c[0] for c in COLUMNS) + " FROM "
    ours = counts + "(SELECT * FROM wide OFFSET 0) w"           # the aggregate must not be pushed down
    assert conn.execute(ours).fetchone() == conn.execute(counts + "wide_csv").fetchone()
    times = {"netsuite_fdw": [], "file_fdw": [], "insert": [], "python": []}
    tries = 0
    while len(times["netsuite_fdw"]) < RUNS:
        tries += 1
        assert tries < TRIES, "no run found its pages cached"
        control("reset")
        seconds = timed(lambda: conn.execute(ours).fetchone())[0]
        if any(r["rendered"] for r in control("log")["requests"]):
            continue                    # not what is measured: a page had to be rendered
        times["netsuite_fdw"].append(seconds)
        times["file_fdw"].append(timed(lambda: conn.execute(counts + "wide_csv").fetchone())[0])
    client = common.Client(common.FACTS)
    python_way(conn, client)                                    # its pages are cached from now on, too
    for _ in range(3):
        conn.execute("TRUNCATE target")
        times["insert"].append(timed(lambda: conn.execute("INSERT INTO target SELECT * FROM wide"))[0])
        assert conn.execute("SELECT count(*) FROM target").fetchone()[0] == ROWS
        conn.execute("TRUNCATE target")
        times["python"].append(timed(lambda: python_way(conn, client))[0])
        assert conn.execute("SELECT count(*) FROM target").fetchone()[0] == ROWS
    best = {k: statistics.median(v) for k, v in times.items()}
    size = sum(len(p[0]) for p in sample_pages(client)) * ROWS / 5000
    table([("way", "seconds", "rows/s", "MB/s of JSON")] + [
        (k, "%.3f" % v, "%d" % (ROWS / v), "%.0f" % (size / v / 1e6) if k != "file_fdw" else "-")
        for k, v in best.items()])
    alone = decoder_alone(conn, size * 1000 / ROWS)
    print("the decoder alone: %.0f MB/s of JSON" % alone)
    finish(ratio=best["netsuite_fdw"] / best["file_fdw"], speedup=best["python"] / best["insert"],
           decoder_mb_s=alone)


def sample_pages(client):
    import json
    for offset in range(0, 5000, 1000):
        _, _, page = client.suiteql("SELECT * FROM %s ORDER BY id ASC" % common.WIDE, limit=1000, offset=offset)
        yield (json.dumps(page, separators=(",", ":"), ensure_ascii=False).encode(),)


if __name__ == "__main__":
    main()
