"""csv_scan: all columns of a CSV file aggregated; CPU seconds against file_fdw's, and against DuckDB's with one thread and its own sniff."""

import statistics

from common import compared, finish, table
from filing import TOLD, DuckDB, folder, prepare, spent, tables, write_csv

RUNS = 5


def main():
    with folder() as where:
        write_csv(where + "/big.csv")
        conn = prepare(where)
        tables(conn, where)
        duckdb = DuckDB()
        ways = {"files_fdw": lambda: spent(conn, "SELECT %s FROM ours" % TOLD), "file_fdw": lambda: spent(conn, "SELECT %s FROM theirs" % TOLD),
                "DuckDB %s" % duckdb.version: lambda: duckdb.ask("SELECT %s FROM read_csv('%s/big.csv')" % (TOLD, where)),
                "two columns": lambda: spent(conn, "SELECT sum(n), max(day) FROM ours"), "count(*)": lambda: spent(conn, "SELECT count(*) FROM ours")}
        seconds = {name: [] for name in ways}
        answers = {}
        for run in range(RUNS + 1):
            for name, way in ways.items():
                cpu, answers[name] = way()
                if run > 0:             # the first fills caches
                    seconds[name].append(cpu)
        assert answers["files_fdw"] == answers["file_fdw"], answers
        names = list(ways)
        # what it says of money is a double: whole numbers are compared
        assert [int(answers[names[2]][0][i]) for i in (0, 1, 2, 5)] == [answers["files_fdw"][0][i] for i in (0, 1, 2, 5)], answers
        table([("way", "CPU seconds")] + [(name, "%.3f" % statistics.median(s)) for name, s in seconds.items()])
        ratio = compared("files_fdw ÷ file_fdw", seconds["files_fdw"], seconds["file_fdw"])
        other = compared("files_fdw ÷ %s" % names[2], seconds["files_fdw"], seconds[names[2]])
        duckdb.close()
        print("bounds: at most 0.45 × file_fdw's, 1.1 × DuckDB's")
        finish(ratio_file_fdw=ratio, ratio_duckdb=other)


if __name__ == "__main__":
    main()
