"""What the benchmarks share: the servers that run.sh started, data, tables of results."""

import csv
import json
import os
import random
import sys
import time

import psycopg

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "sandbox"))
from netsuite_sandbox.client import Client                      # noqa: E402

FACTS = json.load(open(os.environ["NS_READY"], encoding="utf-8"))
ROWS, WIDE = 200000, "bench_wide"
# name, kind in the sandbox, type here
COLUMNS = [("id", "id", "bigint"), ("qty", "int", "bigint"), ("small", "int", "integer"), ("ref", "int", "bigint"),
           ("amount", "num", "numeric"), ("rate", "num", "numeric"), ("tax", "num", "numeric"), ("posting", "bool", "boolean"),
           ("voided", "bool", "boolean"), ("trandate", "date", "date"), ("duedate", "date", "date"),
           ("created", "datetime", "timestamp"), ("changed", "datetime", "timestamp"), ("tranid", "text", "text"),
           ("type", "text", "text"), ("status", "text", "text"), ("memo", "text", "text"), ("name", "text", "text"),
           ("email", "text", "text"), ("note", "text", "text")]


def write_csv(path, rows=ROWS):
    """The wide table as CSV, the same every time."""
    rnd = random.Random(42)
    words = ["invoice", "order", "Zoë's", "said \"yes\"", "late", "Grüße", "net 30", "ex works", "東京"]
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow([c[0] for c in COLUMNS])
        ident = 0
        for i in range(rows):
            ident += rnd.choice((1, 1, 1, 2, 5))
            day = "20%02d-%02d-%02d" % (rnd.randrange(10, 26), rnd.randrange(1, 13), rnd.randrange(1, 29))
            memo = " ".join(rnd.choice(words) for _ in range(rnd.randrange(1, 9)))
            out.writerow([ident, rnd.randrange(100), rnd.randrange(30000), rnd.randrange(10 ** 6),
                          "%.2f" % (rnd.random() * 10 ** rnd.randrange(1, 7)), "%.8f" % rnd.random(),
                          "" if i % 3 else "%.4f" % (rnd.random() * 100), "TF"[i % 2], "F", day,
                          "" if i % 4 == 0 else day, day + " %02d:%02d:%02d" % (i % 24, i % 60, i % 59),
                          day + " 12:00:00", "SO%07d" % i, rnd.choice(("SalesOrd", "CustInvc", "Journal")),
                          rnd.choice("ABCDEFGH"), memo, "Customer %d" % rnd.randrange(5000),
                          "user%d@example.com" % rnd.randrange(50000) if i % 5 else "", "" if i % 2 else "n" * (i % 40)])


def connect():
    return psycopg.connect(os.environ["BENCH_DSN"], autocommit=True)


def server(conn, name="ns", **options):
    """A server and a mapping for the sandbox; earlier ones of the name are replaced."""
    settings = dict({"account": FACTS["account"], "base_url": FACTS["url"], "ca_file": FACTS["ca_file"]}, **options)
    conn.execute("CREATE EXTENSION IF NOT EXISTS netsuite_fdw")
    conn.execute("DROP SERVER IF EXISTS %s CASCADE" % name)
    conn.execute("CREATE SERVER %s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (%s)" % (
        name, ", ".join("%s '%s'" % o for o in settings.items())))
    keys = ("consumer_key", "consumer_secret", "token_id", "token_secret")
    conn.execute("CREATE USER MAPPING FOR CURRENT_USER SERVER %s OPTIONS (%s)" % (
        name, ", ".join("%s '%s'" % (k, FACTS["credentials"][k]) for k in keys)))


def wide_table(conn, name="wide", of="ns"):
    conn.execute("DROP FOREIGN TABLE IF EXISTS " + name)
    conn.execute("CREATE FOREIGN TABLE %s (%s) SERVER %s OPTIONS (\"table\" '%s', key 'id')" % (
        name, ", ".join("%s %s" % (c[0], c[2]) for c in COLUMNS), of, WIDE))


def timed(function):
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def control(op, **args):
    client = Client(FACTS)
    result = client.control(op, **args)
    client.conn.close()
    return result


def table(rows):
    """Print rows, the first being the head, in aligned columns."""
    widths = [max(len(str(r[i])) for r in rows) for i in range(len(rows[0]))]
    for n, row in enumerate(rows):
        print("  ".join(str(v).ljust(w) for v, w in zip(row, widths)).rstrip())
        if n == 0:
            print("  ".join("-" * w for w in widths))


def finish(**figures):
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}), flush=True)
