"""pieces_idle: a sync over 100,000 files of which none changed: seconds of a run, which lists them and opens none."""

import os
import statistics
import time

from common import finish, table, timed
from filing import copy_of, folder, spent

FILES, RUNS = int(os.environ.get("BENCH_FILES", "100000")), 5


def fill(where):
    """Files of one row, in a hundred folders, that were written a while ago"""
    old = time.time() - 100000
    for i in range(FILES):
        if i % 1000 == 0:
            os.mkdir("%s/d%d" % (where, i // 1000))
        name = "%s/d%d/part_%d.csv" % (where, i // 1000, i)
        with open(name, "w", encoding="utf-8") as file:
            file.write("id,name\n%d,item %d\n" % (i, i))
        os.utime(name, (old, old))


def main():
    with folder() as where:
        fill(where)
        conn = copy_of(where, (("id", "bigint"), ("name", "text")), "path '*/part_#.csv'")
        first = timed(lambda: conn.execute("CALL ingest.sync('part')"))[0]
        assert conn.execute("SELECT count(*), sum(id) FROM books.part").fetchone() == (FILES, FILES * (FILES - 1) // 2)
        conn.execute("ANALYZE ingest.sync_piece")
        read = conn.execute("SELECT max(read_at), count(*) FROM ingest.sync_piece").fetchone()
        seconds, cpu = [], []
        for _ in range(RUNS):
            took, (used, _answer) = timed(lambda: spent(conn, "CALL ingest.sync('part')"))
            seconds.append(took)
            cpu.append(used)
        assert conn.execute("SELECT max(read_at), count(*) FROM ingest.sync_piece").fetchone() == read, "a piece was read"
        table([("what", "seconds", "of CPU time"), ("first load", "%.1f" % first, ""), ("nothing changed", "%.2f" % statistics.median(seconds), "%.2f" % statistics.median(cpu))])
        print("bound: at most 2 s")
        finish(seconds=statistics.median(seconds), cpu=statistics.median(cpu))


if __name__ == "__main__":
    main()
