"""csv_infer: dialect and types of all rows; CPU seconds of IMPORT FOREIGN SCHEMA against DuckDB's sniffer with sample_size = -1."""

import statistics

from common import compared, finish, table
from filing import COLUMNS, DuckDB, folder, prepare, spent, write_csv

RUNS = 5
TYPES = {"integer": "bigint", "timestamp": "timestamp without time zone"}


def main():
    with folder() as where:
        write_csv(where + "/big.csv")
        conn = prepare(where)
        duckdb = DuckDB()
        seconds = {"ours": [], "theirs": []}
        for run in range(RUNS + 1):
            conn.execute("DROP SCHEMA IF EXISTS inferred CASCADE")
            conn.execute("CREATE SCHEMA inferred")
            ours = spent(conn, 'IMPORT FOREIGN SCHEMA "/" FROM SERVER drop_folder INTO inferred')[0]
            theirs = duckdb.ask("SELECT columns FROM sniff_csv('%s/big.csv', sample_size = -1)" % where)[0]
            if run > 0:
                seconds["ours"].append(ours)
                seconds["theirs"].append(theirs)
        found = conn.execute("SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = 'inferred.big'::regclass AND attnum > 0 ORDER BY attnum").fetchall()
        assert found == [(name, TYPES.get(type_, type_)) for name, type_ in COLUMNS], found
        table([("way", "CPU seconds"), ("IMPORT FOREIGN SCHEMA", "%.3f" % statistics.median(seconds["ours"])),
               ("DuckDB %s sniff_csv" % duckdb.version, "%.3f" % statistics.median(seconds["theirs"]))])
        ratio = compared("IMPORT FOREIGN SCHEMA ÷ sniff_csv", seconds["ours"], seconds["theirs"])
        duckdb.close()
        print("bound: at most 0.6 × DuckDB's")
        finish(ratio=ratio)


if __name__ == "__main__":
    main()
