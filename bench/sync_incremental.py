"""sync_incremental: a million rows present; what does a run cost when nothing changed, and when 1000 rows changed and 100 were deleted?"""

from common import control, finish, table, timed
from syncing import prepare, requests

CHANGED, DELETED, PAGE, IDLE_RUNS = 1000, 100, 1000, 5


def idle_run(conn):
    """Seconds and requests of a run that finds nothing."""
    control("reset")
    seconds = timed(lambda: conn.execute("CALL ingest.sync('million')"))[0]
    return seconds, len(requests())


def main():
    conn = prepare({"bench_million": ([("k", "bigint"), ("amount", "numeric"), ("memo", "text"), ("changed", "timestamptz")], "k")})
    conn.execute("SELECT ingest.create_sync('erp.bench_million', 'copy.million', key => '{k}', cursor_column => 'changed', name => 'million')")
    # NetSuite has indexes on id and lastmodifieddate
    control("sql", sql="CREATE INDEX IF NOT EXISTS bench_million_changed ON ns.bench_million (changed)")
    control("sql", sql="CREATE INDEX IF NOT EXISTS bench_million_k ON ns.bench_million (k)")
    control("sql", sql="VACUUM ANALYZE ns.bench_million")
    initial = timed(lambda: conn.execute("CALL ingest.sync('million')"))[0]
    rows = conn.execute("SELECT count(*) FROM copy.million").fetchone()[0]
    idle = [idle_run(conn) for _ in range(IDLE_RUNS)]
    idle_requests = max(n for _, n in idle)

    stamp = "date_trunc('second', ns.clock() AT TIME ZONE 'UTC') - interval '2 s'"
    control("sql", sql="UPDATE ns.bench_million SET memo = 'changed', changed = %s WHERE k IN (SELECT k FROM ns.bench_million ORDER BY md5(k::text) LIMIT %d)" % (stamp, CHANGED))
    control("sql", sql="WITH d AS (DELETE FROM ns.bench_million WHERE k IN (SELECT k FROM ns.bench_million WHERE memo <> 'changed' ORDER BY md5(k::text) LIMIT %d) RETURNING k) "
            "INSERT INTO ns.deletedrecord SELECT k, -1, 'bench_million', 'bench_million', 'gone', 'UIF', 1, %s, 'F', 'F', 'F' FROM d" % (DELETED, stamp))
    control("sql", sql="VACUUM ANALYZE ns.bench_million")
    control("reset")
    seconds = timed(lambda: conn.execute("CALL ingest.sync('million')"))[0]
    asked = requests()
    done = conn.execute("SELECT rows_updated, rows_deleted FROM ingest.run_status ORDER BY run DESC LIMIT 1").fetchone()
    assert done == (CHANGED, DELETED), done
    assert conn.execute("SELECT count(*) FROM copy.million").fetchone()[0] == rows - DELETED
    pages = -(-CHANGED // PAGE)
    table([("run", "seconds", "requests", "rows"),
           ("first load", "%.2f" % initial, "", rows),
           *[("nothing changed", "%.3f" % s, n, 0) for s, n in idle],
           ("%d changed, %d deleted" % (CHANGED, DELETED), "%.3f" % seconds, len(asked), CHANGED + DELETED)])
    for request in asked:
        print("  %6.3f s  %s" % (request.get("seconds", 0), (request.get("suiteql") or request.get("q") or request.get("path") or "?")[:140]))
    print("bounds: requests at most 3 + %d pages, idle at most 1, time under 2 %% of the first load's" % pages)
    finish(requests=len(asked), idle_requests=idle_requests, ratio=seconds / initial)


if __name__ == "__main__":
    main()
