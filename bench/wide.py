"""The benchmarks' wide table: 200,000 rows of 20 columns of mixed types."""

import csv
import random

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


def write_million(path):
    """A long table, for memory."""
    with open(path, "w", encoding="utf-8") as file:
        file.write("k,amount,memo,changed\n")
        for i in range(1000000):
            file.write("%d,%d.%02d,%s %d,2024-%02d-%02d 10:00:00\n" % (
                i * 2 + 1, i % 100000, i % 100, "memo " * (i % 12), i, i % 12 + 1, i % 28 + 1))


# the same twice, for copies of 40 columns
COLUMNS40 = COLUMNS + [(c[0] + "2", "int" if c[1] == "id" else c[1], c[2]) for c in COLUMNS]


def write_csv40(path, narrow):
    """The wide table with each row's values twice."""
    with open(narrow, newline="", encoding="utf-8") as source, open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow([c[0] for c in COLUMNS40])
        rows = csv.reader(source)
        next(rows)
        for row in rows:
            out.writerow(row + row)
