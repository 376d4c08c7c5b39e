"""files_sync: the first load of a copy of a hundred CSV files; CPU seconds against INSERT … SELECT from the same foreign table, into a table of the same key."""

import os
import statistics
import time

from common import compared, finish, table
from filing import COLUMNS, ROWS, folder, prepare, rows, spent

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
        conn = prepare(where)
        conn.execute("DROP EXTENSION IF EXISTS ingest CASCADE")
        conn.execute("DROP SCHEMA IF EXISTS incoming, books CASCADE")
        conn.execute("CREATE EXTENSION ingest CASCADE")
        conn.execute("CREATE SCHEMA incoming")
        conn.execute("CREATE SCHEMA books")
        conn.execute("CREATE FOREIGN TABLE incoming.part (%s, _file text OPTIONS (metadata 'file'), _position bigint OPTIONS (metadata 'position'))"
                     " SERVER drop_folder OPTIONS (path 'part_#.csv', multiline 'off')" % ", ".join("%s %s" % c for c in COLUMNS))
        conn.execute("SELECT ingest.register_source('drop', 'drop_folder', schema => 'incoming', remote_schemas => '{}')")
        conn.execute("CALL ingest.crawl('drop', count_rows => false)")
        conn.execute("SELECT ingest.create_sync('incoming.part', 'books.part', name => 'part')")
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
