"""sync_initial: 200,000 rows of 40 columns by a sync's first load, against INSERT … SELECT from the same foreign table.

Both write a table with a primary key, and the sandbox cuts the pages of both from rows that it rendered before: what is compared is reading and
writing here.
"""

import statistics

from common import compared, control, finish, table, timed
from syncing import prepare
from wide import COLUMNS40

RUNS = 5


def main():
    conn = prepare({"bench_wide40": ([(c[0], c[2]) for c in COLUMNS40], "id")})
    control("keep_rows", keep=True)
    conn.execute("CREATE TABLE plain (LIKE erp.bench_wide40, PRIMARY KEY (id))")
    conn.execute("SELECT ingest.create_sync('erp.bench_wide40', 'copy.wide', key => '{id}', cursor_column => 'changed', name => 'wide')")
    seconds = {"INSERT … SELECT": [], "first load": []}
    for run in range(RUNS + 1):
        conn.execute("TRUNCATE plain")
        took = {"INSERT … SELECT": timed(lambda: conn.execute("INSERT INTO plain SELECT * FROM erp.bench_wide40"))[0]}
        conn.execute("TRUNCATE copy.wide")
        conn.execute("UPDATE ingest.sync_state SET phase = 'new', generation = 0, watermark = NULL, next_watermark = NULL")
        control("reset")
        took["first load"] = timed(lambda: conn.execute("CALL ingest.sync('wide')"))[0]
        if run > 0:                     # the first renders rows
            for name in seconds:
                seconds[name].append(took[name])
    assert conn.execute("SELECT count(*) FROM copy.wide").fetchone() == conn.execute("SELECT count(*) FROM plain").fetchone()
    table([("way", "seconds", "rows/s")] + [(n, "%.2f" % statistics.median(s), "%.0f" % (200000 / statistics.median(s))) for n, s in seconds.items()])
    print("bound: first load at most 1.3 × INSERT … SELECT")
    finish(ratio=compared("first load ÷ INSERT … SELECT", seconds["first load"], seconds["INSERT … SELECT"]))


if __name__ == "__main__":
    main()
