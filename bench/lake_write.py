"""lake_write: a table into a lake of Parquet; CPU seconds and bytes against DuckDB's COPY TO of its own table, both with zstd, one thread."""

import glob
import os
import statistics

from common import compared, finish, table
from filing import COLUMNS, DuckDB, folder, prepare, spent, write_csv

RUNS = 5


def main():
    with folder() as where:
        os.mkdir(where + "/lake")
        os.chmod(where + "/lake", 0o777)
        write_csv(where + "/big.csv")
        conn = prepare(where)
        columns = ", ".join("%s %s" % (name, "numeric(12,2)" if kind == "numeric" else kind) for name, kind in COLUMNS)
        conn.execute("DROP SERVER IF EXISTS lake CASCADE")
        conn.execute("CREATE SERVER lake FOREIGN DATA WRAPPER files_fdw OPTIONS (root '%s/lake', writable 'on')" % where)
        conn.execute("CREATE FOREIGN TABLE written (%s) SERVER lake OPTIONS (path 'ours', format 'parquet', layout 'plain')" % columns)
        conn.execute("DROP TABLE IF EXISTS kept")
        conn.execute("CREATE UNLOGGED TABLE kept (%s)" % columns)
        conn.execute("COPY kept FROM '%s/big.csv' (FORMAT csv, HEADER)" % where)
        conn.execute("VACUUM ANALYZE kept")
        duckdb = DuckDB()
        duckdb.ask("CREATE TABLE kept (%s)" % columns)
        duckdb.ask("INSERT INTO kept SELECT * FROM read_csv('%s/big.csv')" % where)
        seconds = {"files_fdw": [], "DuckDB": []}
        bytes_ = {}
        for run in range(RUNS + 1):
            before = set(glob.glob(where + "/lake/ours/*.parquet"))
            ours = spent(conn, "INSERT INTO written SELECT * FROM kept")[0]
            new = set(glob.glob(where + "/lake/ours/*.parquet")) - before
            bytes_["files_fdw"] = sum(os.path.getsize(name) for name in new)
            theirs = duckdb.ask("COPY kept TO '%s/theirs.parquet' (FORMAT parquet, COMPRESSION zstd)" % where)[0]
            bytes_["DuckDB"] = os.path.getsize(where + "/theirs.parquet")
            if run > 0:             # the first fills caches
                seconds["files_fdw"].append(ours)
                seconds["DuckDB"].append(theirs)
        told = "count(*), sum(id)::VARCHAR, sum(amount)::VARCHAR, max(seen)::VARCHAR, count(DISTINCT note)"
        one = duckdb.ask("SELECT %s FROM '%s'" % (told, new.pop()))[1]
        assert one == duckdb.ask("SELECT %s FROM kept" % told)[1], one
        table([("way", "CPU seconds", "bytes")] + [(name, "%.3f" % statistics.median(s), bytes_[name]) for name, s in seconds.items()])
        ratio = compared("files_fdw ÷ DuckDB", seconds["files_fdw"], seconds["DuckDB"])
        duckdb.close()
        print("bounds: at most 1.5 × DuckDB's CPU time, 1.1 × its bytes")
        finish(ratio=ratio, size_ratio=round(bytes_["files_fdw"] / bytes_["DuckDB"], 3))


if __name__ == "__main__":
    main()
