"""profile_vs_duckdb: DuckDB's SUMMARIZE of the same rows of the same types, which tells less, with as many threads."""

import os
import statistics
import subprocess
import tempfile

from common import compared, finish, table, timed
from profiling import prepare, processes

SCRIPT = """
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';
const c = await (await DuckDBInstance.create(':memory:')).connect();
const [csv] = process.argv.slice(2);
await c.run(`CREATE TABLE wide3 AS SELECT * FROM read_csv('${csv}', header = true, columns = {
    c1: 'INTEGER', c2: 'INTEGER', c3: 'DECIMAL(12,2)', c4: 'DOUBLE', c5: 'DATE', c6: 'TIMESTAMPTZ', c7: 'BOOLEAN',
    c8: 'VARCHAR', c9: 'VARCHAR', c10: 'VARCHAR', c11: 'VARCHAR', c12: 'VARCHAR'})`);
console.log((await c.runAndReadAll('SELECT version()')).getRows()[0][0]);
for await (const threads of createInterface({ input: process.stdin })) {
    await c.run(`SET threads = ${threads}`);
    const start = process.hrtime.bigint();
    await c.runAndReadAll('SUMMARIZE wide3');
    console.log(Number(process.hrtime.bigint() - start) / 1e9);
}
"""


def in_turn(conn, theirs):
    """Both ways, one run of each after the other."""
    runs = {(way, n): [] for n in (1, 2) for way in ("ours", "theirs")}
    for _ in range(7):
        for n in (1, 2):
            processes(conn, n)
            runs["ours", n].append(timed(lambda: conn.execute("SELECT count(*) FROM profile_table('wide3')").fetchall())[0])
            theirs.stdin.write("%d\n" % n)
            theirs.stdin.flush()
            runs["theirs", n].append(float(theirs.stdout.readline()))
    return runs


def main():
    conn = prepare()
    with tempfile.TemporaryDirectory() as folder:
        csv = os.path.join(folder, "wide3.csv")
        with open(csv, "wb") as file, conn.cursor() as cursor, cursor.copy("COPY wide3 TO STDOUT (FORMAT csv, HEADER)") as copy:
            for data in copy:
                file.write(data)
        os.symlink(os.environ["DUCKDB_PATH"], os.path.join(folder, "node_modules"))
        with open(os.path.join(folder, "summarize.mjs"), "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        with subprocess.Popen(["node", "summarize.mjs", csv], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as theirs:
            version = theirs.stdout.readline().strip()
            runs = in_turn(conn, theirs)
            theirs.stdin.close()
    table([("way", "1 process or thread", "2")] + [
        (name, *("%.2f s" % statistics.median(runs[way, n]) for n in (1, 2)))
        for name, way in (("profile_table", "ours"), ("DuckDB %s SUMMARIZE" % version, "theirs"))])
    finish(speedup=compared("SUMMARIZE ÷ profile_table, one thread", runs["theirs", 1], runs["ours", 1]),
           speedup_2=compared("SUMMARIZE ÷ profile_table, two", runs["theirs", 2], runs["ours", 2]))


if __name__ == "__main__":
    main()
