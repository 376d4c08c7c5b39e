"""files_sync: the first load of a copy of a hundred CSV files; CPU seconds against INSERT … SELECT from the same foreign table, into a table of the same key."""

import os
import statistics
import time

from common import compared, finish, table
from filing import COLUMNS, ROWS, copy_of, folder, rows, spent

FILES, RUNS = 100, 5


def fill(where):
    """Files that were written a while ago, of as many rows each"""
    old = time.time() - 100000
    some = rows()
    for i in range(FILES):
        name = "%s/part_%d.csv" % (where, i)
        with open(name, "w", encoding="utf-8") as file:
            file.write(",".join(c for c, _ in COLUMNS) + "\n")
            for _ in range(ROWS // FILES):
                r = next(some)
                file.write('%d,%d,%s,%s,%s,%d,%s,%s,"%s",%s\n' % (*r[:8], r[8].replace('"', '""'), r[9]))
        os.utime(name, (old, old))


def main():
    with folder() as where:
        fill(where)
        conn = copy_of(where, COLUMNS, "path 'part_#.csv', multiline 'off'")
        conn.execute("CREATE TABLE books.plain (LIKE incoming.part, PRIMARY KEY (_file, _position))")
        seconds = {"first load": [], "INSERT … SELECT": []}
        for run in range(RUNS + 1):
            conn.execute("TRUNCATE books.plain, books.part, ingest.sync_piece")
            conn.execute("UPDATE ingest.sync_state SET phase = 'new', generation = 0, watermark = NULL, next_watermark = NULL")
            conn.execute("CHECKPOINT")
            ours = spent(conn, "CALL ingest.sync('part')")[0]
            plain = spent(conn, "INSERT INTO books.plain SELECT * FROM incoming.part")[0]
            if run > 0:             # the first fills caches
                seconds["first load"].append(ours)
                seconds["INSERT … SELECT"].append(plain)
        names = ", ".join(c for c, _ in COLUMNS)
        assert conn.execute("SELECT count(*) FROM books.part").fetchone() == (ROWS // FILES * FILES,)
        assert conn.execute("SELECT count(*) FROM (SELECT %s, _file, _position FROM books.part EXCEPT SELECT %s, _file, _position FROM books.plain) x" % (names, names)).fetchone() == (0,)
        conn.execute("DROP TABLE books.plain")
        table([("way", "CPU seconds", "rows/s")] + [(n, "%.2f" % statistics.median(s), "%.0f" % (ROWS / statistics.median(s))) for n, s in seconds.items()])
        print("bound: first load at most 1.3 × INSERT … SELECT")
        finish(ratio=compared("first load ÷ INSERT … SELECT", seconds["first load"], seconds["INSERT … SELECT"]))


if __name__ == "__main__":
    main()
