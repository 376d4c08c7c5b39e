"""csv_load: a CSV file into an unlogged table; CPU seconds of INSERT … SELECT against COPY's."""

import statistics

from common import compared, finish, table
from filing import COLUMNS, ROWS, folder, prepare, spent, tables, write_csv

RUNS = 5


def main():
    with folder() as where:
        write_csv(where + "/big.csv")
        conn = prepare(where)
        tables(conn, where)
        conn.execute("DROP TABLE IF EXISTS loaded")
        conn.execute("CREATE UNLOGGED TABLE loaded (%s)" % ", ".join("%s %s" % c for c in COLUMNS))
        ways = {"INSERT … SELECT": "INSERT INTO loaded SELECT * FROM ours", "COPY": "COPY loaded FROM '%s/big.csv' (FORMAT csv, HEADER)" % where}
        seconds = {name: [] for name in ways}
        for run in range(RUNS + 1):
            for name, statement in ways.items():
                conn.execute("TRUNCATE loaded")
                cpu = spent(conn, statement)[0]
                assert conn.execute("SELECT count(*) FROM loaded").fetchone()[0] == ROWS
                if run > 0:
                    seconds[name].append(cpu)
        table([("way", "CPU seconds")] + [(name, "%.3f" % statistics.median(s)) for name, s in seconds.items()])
        ratio = compared("INSERT … SELECT ÷ COPY", seconds["INSERT … SELECT"], seconds["COPY"])
        print("bound: at most 1.0 × COPY's")
        finish(ratio=ratio)


if __name__ == "__main__":
    main()
