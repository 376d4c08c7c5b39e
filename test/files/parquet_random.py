"""Tables drawn at random, written as Parquet by DuckDB and, of that, by arrow-rs: files_fdw has the same rows and gives the same answers.

What is compared with comes from DuckDB as text, and becomes values by PostgreSQL's own input functions.
    parquet_random.py DSN FOLDER ROUNDS SEED
"""

import json
import os
import random
import subprocess
import sys

import psycopg

HERE = os.path.dirname(os.path.abspath(__file__))
SAFE = "CASE WHEN %s THEN NULL ELSE %s END"


class Writers:
    def __init__(self):
        self.process = subprocess.Popen(["node", os.path.join(HERE, "parquet_writers.cjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if answer["failed"]:
            raise RuntimeError("%s: %s" % (answer["failed"], command))
        return answer["rows"]


def h(draw, n=0):
    """a number that the row and the column have, from DuckDB's hash"""
    return "(hash(i * 31 + %d) >> 1)::BIGINT" % (draw.randrange(10 ** 9) + n)


def columns(draw):
    """(DuckDB's expression of a row i, its text or None for a cast, the type here, encodings of arrow-rs)"""
    few = draw.choice([3, 50, 3000, 10 ** 9])
    ints = ["PLAIN", "DELTA_BINARY_PACKED"]
    texts = ["PLAIN", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"]
    r = lambda: "%s %% %d" % (h(draw), few)
    word = "CASE %s %% 9 WHEN 0 THEN '' WHEN 1 THEN 'größe ' || (%s)::VARCHAR WHEN 2 THEN repeat('x', (%s %% 300)::INT) ELSE 'value ' || (%s)::VARCHAR END" % (h(draw), r(), h(draw), r())
    when = "TIMESTAMP '1970-01-01' + to_microseconds((%s %% 8000000000000000) - 3000000000000000)" % h(draw)
    return [
        ("(%s %% 200 - 100)::TINYINT" % h(draw), None, "smallint", ints),
        ("(%s %% 60000 - 30000)::SMALLINT" % h(draw), None, "smallint", ints),
        ("(%s - %d)::INTEGER" % (r(), few // 2), None, "integer", ints),
        ("CASE %s %% 50 WHEN 0 THEN 9223372036854775807 WHEN 1 THEN -9223372036854775808 ELSE %s - %d END" % (h(draw), r(), few // 2), None, "bigint", ints),
        ("i * 17", None, "bigint", ints),
        ("(%s %% 200)::UTINYINT" % h(draw), None, "smallint", ints),
        ("(%s %% 65536)::USMALLINT" % h(draw), None, "integer", ints),
        ("(%s %% 4294967296)::UINTEGER" % h(draw), None, "bigint", ints),
        ("hash(i + %d)" % draw.randrange(99), None, "numeric(20,0)", ints),
        ("(%s / 7.0)::FLOAT" % r(), None, "real", ["PLAIN", "BYTE_STREAM_SPLIT"]),
        ("CASE %s %% 40 WHEN 0 THEN 'nan'::DOUBLE WHEN 1 THEN '-inf'::DOUBLE WHEN 2 THEN -0.0::DOUBLE ELSE (%s - %d) / 7.0 END" % (h(draw), r(), few // 2), None, "double precision",
         ["PLAIN", "BYTE_STREAM_SPLIT"]),
        ("((%s %% 1999 - 999) / 10.0)::DECIMAL(4,1)" % h(draw), None, "numeric(4,1)", ints),
        ("((%s %% 199999999 - 99999999) / 100.0)::DECIMAL(9,2)" % h(draw), None, "numeric(9,2)", ints),
        ("(%s %% 1000000000000000000)::DECIMAL(18,0)" % h(draw), None, "numeric(18,0)", ints),
        ("((%s)::DECIMAL(28,0) * (CASE WHEN %s %% 2 = 0 THEN -1 ELSE 1 END)::DECIMAL(9,4) * 1234.5678)::DECIMAL(38,8)" % (h(draw), h(draw)), None, "numeric(38,8)", ["PLAIN"]),
        ("DATE '1970-01-01' + (%s %% 60000 - 30000)::INTEGER" % h(draw), None, "date", ints),
        ("TIME '00:00:00' + to_microseconds(%s %% 86400000000)" % h(draw), None, "time", ints),
        (when, None, "timestamp", ints),
        ("(%s)::TIMESTAMP_MS" % when, None, "timestamp", ints),
        ("make_timestamp_ns(1000 * (%s %% 8000000000000000 - 4000000000000000))" % h(draw), None, "timestamp", ints),
        ("(%s)::TIMESTAMPTZ" % when, None, "timestamptz", ints),
        ("%s %% 3 = 0" % h(draw), None, "boolean", ["PLAIN", "RLE"]),
        (word, None, "text", texts),
        ("'row ' || (i + 1000000)::VARCHAR", None, "text", texts),
        ("(%s)::BLOB" % word.replace("größe", "gr"), "'\\x' || hex(%s)", "bytea", texts),
        ("md5((%s)::VARCHAR)::UUID" % h(draw), None, "uuid", ["PLAIN"]),
        ("('{\"a\": ' || (%s)::VARCHAR || '}')::JSON" % h(draw), None, "jsonb", texts),
        ("list_transform(range(%s %% 5), lambda x: CASE WHEN x = 2 THEN NULL ELSE x * i END)" % h(draw), "to_json(%s)", "jsonb", []),
        ("CASE WHEN %s %% 7 = 0 THEN [NULL] WHEN %s %% 7 = 1 THEN [] ELSE [['a', NULL], [], NULL, ['b' || i::VARCHAR]] END" % (h(draw), h(draw)), "to_json(%s)", "jsonb", []),
        ("{'n': i, 't': CASE WHEN i %% 5 = 0 THEN NULL ELSE 'größe' END, 'l': range(i %% 4), 'd': {'x': 1.25::DECIMAL(9,2), 'e': i %% 2 = 0}}".replace("%%", "%"), "to_json(%s)", "jsonb", []),
        ("CASE WHEN i %% 3 = 0 THEN MAP {} ELSE MAP {'k' || (i %% 9)::VARCHAR: i, 'other': NULL} END".replace("%%", "%"), "to_json(%s)", "jsonb", []),
        ("[{'a': i, 'b': ['x', NULL]}, NULL, {'a': NULL, 'b': NULL}]", "to_json(%s)", "jsonb", []),
    ]


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


class Round:
    def __init__(self, conn, writers, folder, draw, number):
        self.conn, self.writers, self.draw = conn, writers, draw
        self.folder = os.path.join(folder, "r%d" % number)
        self.rows = draw.choice([0, 1, 7, 900, 1024, 5000, 20000, 60000])
        drawn = columns(draw)
        self.columns = draw.sample(drawn, draw.randint(1, 9))
        self.nulls = [draw.choice([0, 0, 0.1, 0.9, 1]) for _ in self.columns]

    def write(self):
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o777)
        draw = self.draw
        parts = []
        for k, (expression, _, _, _) in enumerate(self.columns):
            null = "hash(i * 7 + %d) %% 1000 < %d" % (k, self.nulls[k] * 1000)
            parts.append("%s AS c%d" % (expression if self.nulls[k] == 0 else SAFE % (null, expression), k))
        # without order, and sorted by a column: statistics then say something
        order = draw.choice(["", "", " ORDER BY c0, id"])
        self.writers.ask(sql="CREATE OR REPLACE TABLE t AS SELECT i AS id, %s FROM range(%d) r(i)%s" % (", ".join(parts), self.rows, order))
        version = draw.choice(["V1", "V2"])
        options = "FORMAT parquet, COMPRESSION %s, PARQUET_VERSION %s, ROW_GROUP_SIZE %d" % (
            draw.choice(["uncompressed", "snappy", "gzip", "zstd", "lz4_raw"]), version, draw.choice([2048, 10240, 122880]))
        if draw.random() < 0.3:
            options += ", DICTIONARY_SIZE_LIMIT 1"
        self.writers.ask(sql="COPY t TO %s (%s)" % (quoted(self.folder + "/duck.parquet"), options))
        texts = ["CAST(%s AS VARCHAR)" % ((text or "%s") % ("c%d" % k)) if text is None or "hex" not in text else text % ("c%d" % k) for k, (_, text, _, _) in enumerate(self.columns)]
        self.writers.ask(sql="COPY (SELECT id, %s FROM t) TO %s (FORMAT csv, HEADER false, NULLSTR '\\N', FORCE_QUOTE *)" % (", ".join(texts), quoted(self.folder + "/truth.txt")))
        self.options = options
        self.others = []
        if self.rows > 0:
            for n in range(2):
                to = "rust%d.parquet" % n
                self.others.append(dict(version=draw.choice([1, 2]), codec=draw.choice(["UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "LZ4_RAW"]), dictionary=draw.random() < 0.4,
                                        encodings={"c%d" % k: draw.choice(c[3]) for k, c in enumerate(self.columns) if c[3]}, pageBytes=draw.choice([200, 5000, 1000000]),
                                        groupRows=draw.choice([500, 7000, 1000000]), statistics=draw.random() < 0.8))
                self.writers.ask(**{"from": self.folder + "/duck.parquet", "to": self.folder + "/" + to}, **self.others[n])
        for name in os.listdir(self.folder):
            os.chmod(os.path.join(self.folder, name), 0o644)

    def truth(self):
        sql = self.conn.execute
        sql("DROP TABLE IF EXISTS truth, truth_text")
        sql("CREATE TEMP TABLE truth_text (id text, %s)" % ", ".join("c%d text" % k for k in range(len(self.columns))))
        with self.conn.cursor().copy("COPY truth_text FROM STDIN (FORMAT csv, NULL '\\N', FORCE_NULL (id, %s))" % ", ".join("c%d" % k for k in range(len(self.columns)))) as copy, \
                open(self.folder + "/truth.txt", "rb") as file:
            while data := file.read(1 << 20):
                copy.write(data)
        sql("CREATE TEMP TABLE truth AS SELECT id::bigint, %s FROM truth_text" % ", ".join("c%d::%s AS c%d" % (k, c[2], k) for k, c in enumerate(self.columns)))

    def imported(self, name):
        """the table that an import proposes has the types that were meant"""
        folder = os.path.basename(self.folder)
        ddl = self.conn.execute("SELECT value FROM files_sniff('random', %s) WHERE choice = 'table'", [folder + "/duck.parquet"]).fetchone()[0]
        # of what arrow-rs makes of it types that Arrow does not have are lost, and the table says them
        ddl = ddl.replace(folder + "/duck.parquet", "%s/%s" % (folder, name))
        self.conn.execute("DROP FOREIGN TABLE IF EXISTS ours")
        self.conn.execute("CREATE FOREIGN TABLE ours " + ddl[ddl.index("("):])
        types = dict(self.conn.execute("SELECT attname::text, replace(replace(format_type(atttypid, atttypmod), ' without time zone', ''), 'timestamp with time zone', 'timestamptz') "
                                       "FROM pg_attribute WHERE attrelid = 'ours'::regclass AND attnum > 0").fetchall())
        for k, c in enumerate(self.columns):
            if types["c%d" % k] != c[2]:
                yield "%s: column c%d is %s, not %s: %s" % (name, k, types["c%d" % k], c[2], c[0])

    def compared(self, name):
        sql = lambda statement: self.conn.execute(statement).fetchall()
        every = "id, " + ", ".join("c%d" % k for k in range(len(self.columns)))
        for a, b in (("ours", "truth"), ("truth", "ours")):
            rest = sql("SELECT %s FROM %s EXCEPT ALL SELECT %s FROM %s ORDER BY 1 LIMIT 2" % (every, a, every, b))
            if rest:
                yield "%s: %s has rows that %s has not: %s" % (name, a, b, rest)
        for k, c in enumerate(self.columns):
            if c[2] == "jsonb" or self.rows == 0:
                continue
            for _ in range(3):
                value = sql("SELECT quote_nullable(c%d::text) FROM truth ORDER BY hashint8(id + %d) LIMIT 1" % (k, self.draw.randrange(1000)))[0][0]
                operator = self.draw.choice(["=", "<", "<=", ">", ">=", "<>", "IN", "IS NULL", "IS NOT NULL"])
                condition = "c%d %s" % (k, operator)
                if operator == "IN":
                    condition += " (%s::%s, %s::%s)" % (value, c[2], sql("SELECT quote_nullable(max(c%d::text)) FROM truth" % k)[0][0], c[2])
                elif "NULL" not in operator:
                    condition += " %s::%s" % (value, c[2])
                # one column, none, with a limit
                for what in ("count(*), sum(id)", "count(c%d)" % self.draw.randrange(len(self.columns))):
                    ask = lambda table: sql("SELECT %s FROM %s WHERE %s" % (what, table, condition))
                    if ask("ours") != ask("truth"):
                        yield "%s: %s where %s: %s, not %s" % (name, what, condition, ask("ours"), ask("truth"))
        if sql("SELECT count(*) FROM ours") != sql("SELECT count(*) FROM truth"):
            yield name + ": count(*)"
        if len(sql("SELECT * FROM ours LIMIT 5")) != min(5, self.rows):
            yield name + ": a limit"
        self.conn.execute("SET max_parallel_workers_per_gather = 3")
        if sql("SELECT count(*), sum(id) FROM ours") != sql("SELECT count(*), sum(id) FROM truth"):
            yield name + ": by several processes"
        self.conn.execute("RESET max_parallel_workers_per_gather")


def main():
    dsn, folder, rounds, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)
    conn = psycopg.connect(dsn, autocommit=True, prepare_threshold=None)
    for setting in ("TimeZone = 'UTC'", "min_parallel_table_scan_size = 0", "parallel_setup_cost = 0", "parallel_tuple_cost = 0", "extra_float_digits = 1"):
        conn.execute("SET " + setting)
    writers = Writers()
    files = wrong = 0
    for number in range(rounds):
        draw = random.Random(seed * 100003 + number)
        r = Round(conn, writers, folder, draw, number)
        r.write()
        r.truth()
        for name in sorted(os.listdir(r.folder)):
            if not name.endswith(".parquet"):
                continue
            files += 1
            try:
                problems = list(r.imported(name)) if name == "duck.parquet" else []
                if name != "duck.parquet":
                    for _ in r.imported(name):
                        pass
                problems += list(r.compared(name))
            except psycopg.Error as error:
                problems = ["%s: %s" % (name, error)]
            for problem in problems:
                wrong += 1
                print("round %d, %s, %s: %s" % (number, r.options, r.others, problem[:1500]))
    print("%d files as they were written, %d wrong" % (files, wrong))


if __name__ == "__main__":
    main()
