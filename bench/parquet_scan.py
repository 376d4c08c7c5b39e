"""parquet_scan: all columns of a Parquet file that DuckDB wrote aggregated; CPU seconds against a heap table's of the same rows, and one of ten columns against all."""

import statistics

from common import compared, finish, table
from filing import TOLD, DuckDB, folder, prepare, spent, write_csv

RUNS = 5
TYPES = "id BIGINT, n INTEGER, name VARCHAR, city VARCHAR, amount DECIMAL(9,2), qty INTEGER, day DATE, seen TIMESTAMP, note VARCHAR, flag BOOLEAN"


def main():
    with folder() as where:
        write_csv(where + "/big.csv")
        conn = prepare(where)
        duckdb = DuckDB()
        struct = ", ".join("'%s': '%s'" % tuple(c.split(" ", 1)) for c in TYPES.split(", "))
        duckdb.ask("COPY (FROM read_csv('%s/big.csv', header = true, columns = {%s})) TO '%s/big.parquet' (FORMAT parquet)" % (where, struct, where))
        duckdb.close()
        ddl = conn.execute("SELECT value FROM files_sniff('drop_folder', 'big.parquet') WHERE choice = 'table'").fetchone()[0]
        conn.execute("CREATE FOREIGN TABLE parquet " + ddl[ddl.index("("):])
        conn.execute("DROP TABLE IF EXISTS heap")
        conn.execute("CREATE UNLOGGED TABLE heap AS SELECT * FROM parquet")
        conn.execute("VACUUM (FREEZE, ANALYZE) heap")
        ways = {"Parquet": "SELECT %s FROM parquet" % TOLD, "heap": "SELECT %s FROM heap" % TOLD, "one column": "SELECT sum(n) FROM parquet", "count(*)": "SELECT count(*) FROM parquet"}
        seconds = {name: [] for name in ways}
        answers = {}
        for run in range(RUNS + 1):
            for name, statement in ways.items():
                cpu, answers[name] = spent(conn, statement)
                if run > 0:             # the first fills caches
                    seconds[name].append(cpu)
        assert answers["Parquet"] == answers["heap"], answers
        conn.execute("DROP TABLE heap")
        table([("way", "CPU seconds")] + [(name, "%.3f" % statistics.median(s)) for name, s in seconds.items()])
        ratio = compared("Parquet ÷ heap", seconds["Parquet"], seconds["heap"])
        one = compared("one column ÷ all", seconds["one column"], seconds["Parquet"])
        print("bounds: at most 1.2 × the heap's; one column 0.25 × all")
        finish(ratio=ratio, ratio_one=one)


if __name__ == "__main__":
    main()
