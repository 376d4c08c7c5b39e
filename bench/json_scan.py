"""json_scan: all columns of a file of JSON lines; CPU seconds against file_fdw's over a CSV file of the same rows."""

import statistics

from common import compared, finish, table
from filing import COLUMNS, TOLD, folder, prepare, spent, tables, write_csv, write_json

RUNS = 5


def main():
    with folder() as where:
        write_csv(where + "/big.csv")
        write_json(where + "/big.jsonl")
        conn = prepare(where)
        tables(conn, where)
        conn.execute("CREATE FOREIGN TABLE lines (%s) SERVER drop_folder OPTIONS (path 'big.jsonl', format 'json')" % ", ".join("%s %s" % c for c in COLUMNS))
        ways = {"files_fdw, JSON": "SELECT %s FROM lines" % TOLD, "file_fdw, CSV": "SELECT %s FROM theirs" % TOLD}
        seconds = {name: [] for name in ways}
        answers = {}
        for run in range(RUNS + 1):
            for name, statement in ways.items():
                cpu, answers[name] = spent(conn, statement)
                if run > 0:
                    seconds[name].append(cpu)
        assert answers["files_fdw, JSON"] == answers["file_fdw, CSV"], answers
        table([("way", "CPU seconds")] + [(name, "%.3f" % statistics.median(s)) for name, s in seconds.items()])
        ratio = compared("JSON ÷ file_fdw's CSV", seconds["files_fdw, JSON"], seconds["file_fdw, CSV"])
        print("bound: at most 0.8 × file_fdw's")
        finish(ratio=ratio)


if __name__ == "__main__":
    main()
