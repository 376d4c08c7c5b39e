"""sync_unchanged: what a full run over 100,000 rows that are the same writes, against the table's size.

Rows that do not differ cost nothing: they are neither locked nor written, so that hardly any WAL is.  One row in a
hundred that differs is a second figure, for the pages that it must touch.
"""

import statistics

from common import finish, table, timed
from syncing import prepare

ROWS, RUNS = 100000, 3


def wal(conn, function):
    """Bytes of WAL that the whole cluster wrote meanwhile."""
    conn.execute("CHECKPOINT")
    before = conn.execute("SELECT pg_current_wal_lsn()").fetchone()[0]
    seconds, _ = timed(function)
    return int(conn.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", (before,)).fetchone()[0]), seconds


def main():
    conn = prepare({})
    conn.execute("DROP TABLE IF EXISTS origin CASCADE")
    conn.execute("CREATE EXTENSION IF NOT EXISTS postgres_fdw")
    conn.execute("DROP SERVER IF EXISTS loop CASCADE")
    info = conn.info
    conn.execute("CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%s', dbname '%s', "
                 "fetch_size '10000')" % (info.host, info.port, info.dbname))
    conn.execute("CREATE USER MAPPING FOR CURRENT_USER SERVER loop OPTIONS (user '%s')" % info.user)
    conn.execute("CREATE TABLE origin AS SELECT i::bigint AS id, 'name ' || i AS name, i * 1.25 AS amount, "
                 "repeat(md5(i::text), 5) AS memo, timestamptz '2020-01-01' AS changed FROM generate_series(1, %d) i"
                 % ROWS)
    conn.execute("ALTER TABLE origin ADD PRIMARY KEY (id)")
    conn.execute("SELECT ingest.register_source('loop', 'loop', schema => 'looped', tables => '{origin}')")
    conn.execute("CALL ingest.crawl('loop')")
    conn.execute("SELECT ingest.create_sync('looped.origin', 'copy.same', name => 'same', mode => 'full', "
                 "key => '{id}')")
    conn.execute("CALL ingest.sync('same')")
    conn.execute("VACUUM ANALYZE origin")
    conn.execute("VACUUM ANALYZE copy.same")
    # what a vacuum of the copy writes by itself is not the run's
    conn.execute("ALTER TABLE origin SET (autovacuum_enabled = false)")
    conn.execute("ALTER TABLE copy.same SET (autovacuum_enabled = false)")
    size = conn.execute("SELECT pg_table_size('copy.same')").fetchone()[0]
    runs = [wal(conn, lambda: conn.execute("CALL ingest.sync('same')")) for _ in range(RUNS)]
    conn.execute("UPDATE origin SET amount = amount + 1 WHERE id % 100 = 0")
    few = wal(conn, lambda: conn.execute("CALL ingest.sync('same')"))
    left = conn.execute("SELECT 1 FROM (SELECT * FROM origin EXCEPT SELECT * FROM copy.same) d LIMIT 1").fetchone()
    assert left is None, left
    table([("run", "WAL kB", "of the table", "seconds")]
          + [("unchanged", w // 1024, "%.4f" % (w / size), "%.2f" % s) for w, s in runs]
          + [("1 in 100 changed", few[0] // 1024, "%.4f" % (few[0] / size), "%.2f" % few[1])])
    finish(wal_ratio=statistics.median(w for w, _ in runs) / size, changed_ratio=few[0] / size)


if __name__ == "__main__":
    main()
