"""What the benchmarks of files share: a file of ten columns, foreign tables over it, DuckDB beside it."""

import contextlib
import datetime
import json
import os
import random
import subprocess
import tempfile

from common import connect, cpu_seconds

ROWS = int(os.environ.get("BENCH_FILES_ROWS", "1000000"))
COLUMNS = (("id", "bigint"), ("n", "integer"), ("name", "text"), ("city", "text"), ("amount", "numeric"), ("qty", "integer"),
           ("day", "date"), ("seen", "timestamp"), ("note", "text"), ("flag", "boolean"))
TOLD = "count(id), sum(n), count(name), count(city), sum(amount), sum(qty), max(day), max(seen), count(note), count(flag)"

SCRIPT = """
import { createInterface } from 'node:readline';
import { DuckDBInstance } from '@duckdb/node-api';
const c = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
console.log((await c.runAndReadAll('SELECT version()')).getRows()[0][0]);
for await (const line of createInterface({ input: process.stdin })) {
    const before = process.cpuUsage();
    let rows = 0, failed = '';
    try { rows = (await c.runAndReadAll(JSON.parse(line))).getRowsJson(); } catch (e) { failed = String(e); }
    const spent = process.cpuUsage(before);
    console.log(JSON.stringify({ seconds: (spent.user + spent.system) / 1e6, rows, failed }));
}
"""


def rows(n=None):
    random.seed(20261129)
    start = datetime.datetime(2024, 1, 1)
    for i in range(n or ROWS):
        at = start + datetime.timedelta(seconds=i * 37 % 60000000)
        yield (i * 1003, i % 1000, "CUSTOMER %d" % (i % 5000), "city of %d" % (i % 77), "%d.%02d" % (random.randint(0, 99999), i % 100),
               i % 17, at.date(), at, 'note, with "quotes" %d' % i, "tf"[i % 2])


def write_csv(path, n=None):
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(c for c, _ in COLUMNS) + "\n")
        for r in rows(n):
            file.write('%d,%d,%s,%s,%s,%d,%s,%s,"%s",%s\n' % (*r[:8], r[8].replace('"', '""'), r[9]))


def write_json(path, n=None):
    with open(path, "w", encoding="utf-8") as file:
        for r in rows(n):
            file.write('{"id": %d, "n": %d, "name": "%s", "city": "%s", "amount": %s, "qty": %d, "day": "%s", "seen": "%s", "note": %s, "flag": %s}\n' % (
                *r[:8], json.dumps(r[8]), "true" if r[9] == "t" else "false"))


@contextlib.contextmanager
def folder():
    """A folder that servers may read."""
    with tempfile.TemporaryDirectory() as where:
        os.chmod(where, 0o755)
        yield where


def prepare(where):
    conn = connect()
    for name in ("files_fdw", "file_fdw"):
        conn.execute("CREATE EXTENSION IF NOT EXISTS " + name)
    conn.execute("DROP SERVER IF EXISTS drop_folder CASCADE")
    conn.execute("DROP SERVER IF EXISTS plain_files CASCADE")
    conn.execute("CREATE SERVER drop_folder FOREIGN DATA WRAPPER files_fdw OPTIONS (root '%s')" % where)
    conn.execute("CREATE SERVER plain_files FOREIGN DATA WRAPPER file_fdw")
    conn.execute("SET max_parallel_workers_per_gather = 0")
    conn.execute("SET jit = off")
    conn.execute("SET statement_timeout = 0")
    return conn


def tables(conn, where, csv="big.csv"):
    """ours, which an import makes, and theirs, of the same types"""
    columns = ", ".join("%s %s" % c for c in COLUMNS)
    conn.execute("CREATE FOREIGN TABLE ours (%s) SERVER drop_folder OPTIONS (path '%s', multiline 'off')" % (columns, csv))
    conn.execute("CREATE FOREIGN TABLE theirs (%s) SERVER plain_files OPTIONS (filename '%s/%s', format 'csv', header 'on')" % (columns, where, csv))


def copy_of(where, columns, options):
    """A session, and in it the foreign table incoming.part of a folder's files and its copy books.part, the sync part, which has not run yet"""
    conn = prepare(where)
    conn.execute("DROP EXTENSION IF EXISTS ingest CASCADE")
    conn.execute("DROP SCHEMA IF EXISTS incoming, books CASCADE")
    conn.execute("CREATE EXTENSION ingest CASCADE")
    conn.execute("CREATE SCHEMA incoming")
    conn.execute("CREATE SCHEMA books")
    conn.execute("CREATE FOREIGN TABLE incoming.part (%s, _file text OPTIONS (metadata 'file'), _position bigint OPTIONS (metadata 'position'))"
                 " SERVER drop_folder OPTIONS (%s)" % (", ".join("%s %s" % c for c in columns), options))
    conn.execute("SELECT ingest.register_source('drop', 'drop_folder', schema => 'incoming', remote_schemas => '{}')")
    conn.execute("CALL ingest.crawl('drop', count_rows => false)")
    conn.execute("SELECT ingest.create_sync('incoming.part', 'books.part', name => 'part')")
    return conn


def spent(conn, statement):
    """CPU seconds of a statement's backend, and its answer"""
    pid = conn.execute("SELECT pg_backend_pid()").fetchone()[0]
    before = cpu_seconds(pid)
    cursor = conn.execute(statement)
    answer = cursor.fetchall() if cursor.description else None
    return cpu_seconds(pid) - before, answer


class DuckDB:
    """Statements one after the other, with their CPU seconds; one thread."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        os.symlink(os.environ["DUCKDB_PATH"], os.path.join(self.folder.name, "node_modules"))
        with open(os.path.join(self.folder.name, "ask.mjs"), "w", encoding="utf-8") as file:
            file.write(SCRIPT)
        self.process = subprocess.Popen(["node", "ask.mjs"], cwd=self.folder.name, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version = self.process.stdout.readline().strip()

    def ask(self, statement, may_fail=False):
        self.process.stdin.write(json.dumps(statement) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert may_fail or not answer["failed"], answer["failed"]
        return answer["seconds"], answer["rows"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.folder.cleanup()
