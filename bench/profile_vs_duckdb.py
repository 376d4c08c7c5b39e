"""profile_vs_duckdb: DuckDB's SUMMARIZE of the same rows, which tells less, with as many threads."""

import json
import os
import statistics
import subprocess
import tempfile

from common import compared, finish, table
from profiling import all_columns, measured, prepare, processes

SCRIPT = """
import { DuckDBInstance } from '@duckdb/node-api';
const c = await (await DuckDBInstance.create(':memory:')).connect();
const [csv] = process.argv.slice(2);
await c.run(`CREATE TABLE wide3 AS SELECT * FROM read_csv('${csv}', header = true, sample_size = -1)`);
const runs = { 1: [], 2: [] };
for (let i = 0; i < 5; i++)
    for (const threads of [1, 2]) {
        await c.run(`SET threads = ${threads}`);
        const start = process.hrtime.bigint();
        await c.runAndReadAll('SUMMARIZE wide3');
        const seconds = Number(process.hrtime.bigint() - start) / 1e9;
        runs[threads].push(seconds);
    }
const version = (await c.runAndReadAll('SELECT version()')).getRows()[0][0];
console.log(JSON.stringify({ runs, version }));
"""


def main():
    conn = prepare()
    one = measured(conn, {"profile": all_columns("profile")})["profile"]
    processes(conn, 2)
    two = measured(conn, {"profile": all_columns("profile")})["profile"]
    with tempfile.TemporaryDirectory() as folder:
        csv = os.path.join(folder, "wide3.csv")
        with open(csv, "wb") as file, conn.cursor() as cursor, cursor.copy("COPY wide3 TO STDOUT (FORMAT csv, HEADER)") as copy:
            for data in copy:
                file.write(data)
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "@duckdb/node-api@1.5.6-r.1"],
                       cwd=folder, check=True, env=dict(os.environ, HOME=folder))
        with open(os.path.join(folder, "summarize.mjs"), "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        result = json.loads(subprocess.run(["node", "summarize.mjs", csv], cwd=folder, check=True, capture_output=True).stdout)
    theirs = result["runs"]
    table([("way", "1 process or thread", "2")] + [
        (way, *("%.2f s" % statistics.median(s) for s in pair))
        for way, pair in (("profile", (one, two)), ("DuckDB %s SUMMARIZE" % result["version"], (theirs["1"], theirs["2"])))])
    finish(speedup=compared("SUMMARIZE ÷ profile, one thread", theirs["1"], one),
           speedup_2=compared("SUMMARIZE ÷ profile, two", theirs["2"], two))


if __name__ == "__main__":
    main()
