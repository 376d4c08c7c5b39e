"""profile_merge: a year of daily profiles of 12 columns into one."""

import statistics

from common import finish, in_turns, spread, table, timed
from profiling import COLUMNS, ROWS, prepare

DAYS = 365


def main():
    conn = prepare()
    conn.execute("DROP TABLE IF EXISTS days")
    made = timed(lambda: conn.execute("CREATE TABLE days AS SELECT c1 %% %d AS day, %s FROM wide3 GROUP BY 1" % (
        DAYS, ", ".join("profile(%s) AS %s" % (c, c) for c in COLUMNS))))[0]
    size = conn.execute("SELECT sum(%s) FROM days" % " + ".join("pg_column_size(%s)" % c for c in COLUMNS)).fetchone()[0]
    merge = "SELECT %s FROM days" % ", ".join("profile_merge(%s)" % c for c in COLUMNS)
    runs = in_turns({"merge": lambda: conn.execute(merge).fetchall()}, 5)["merge"]
    seconds = statistics.median(runs)
    again = timed(lambda: conn.execute("SELECT %s FROM wide3" % ", ".join("profile(%s)" % c for c in COLUMNS)).fetchall())[0]
    sketches = DAYS * len(COLUMNS)
    table([("what", "figure"), ("sketches", sketches), ("profiling %d rows into them" % ROWS, "%.2f s" % made),
           ("stored", "%.1f kB each" % (float(size) / sketches / 1024)), ("merging all", "%.2f s" % seconds),
           ("a merge", "%.0f us" % (1e6 * seconds / sketches)), ("profiling the rows again", "%.2f s" % again)])
    print("seconds: %s" % spread(runs))
    finish(seconds=seconds)


if __name__ == "__main__":
    main()
