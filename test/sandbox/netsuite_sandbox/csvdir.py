"""Any directory of <table>.csv files as SuiteQL tables.

The header names the columns.  An optional <table>.json gives {"columns": {name: kind}, "key": [..]};
without it kinds are guessed from the values and the first column is the key if it is unique.
"""

import csv
import json
import os
import re

from .data import create_table, index_table
from .schema import Column, Table

INTEGER = re.compile(r"-?\d{1,18}")
DECIMAL = re.compile(r"-?\d*\.?\d+([eE][-+]?\d+)?")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
DATETIME = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?")


def guess(values):
    """The narrowest kind that all values fit."""
    values = [v for v in values if v != ""]
    for kind, fits in (("int", INTEGER.fullmatch), ("num", DECIMAL.fullmatch),
                       ("date", DATE.fullmatch), ("datetime", DATETIME.fullmatch),
                       ("bool", lambda v: v in ("T", "F"))):
        if values and all(fits(v) for v in values):
            return kind
    return "text"


def load(conn, directory):
    """Load every CSV file; returns the tables by name."""
    tables = {}
    for name in sorted(os.listdir(directory)):
        if name.endswith(".csv"):
            table = load_file(conn, directory, name[:-4])
            tables[table.name] = table
    return tables


def load_file(conn, directory, name):
    path = os.path.join(directory, name + ".csv")
    described = {}
    if os.path.exists(path[:-4] + ".json"):
        with open(path[:-4] + ".json", encoding="utf-8") as file:
            described = json.load(file)
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        header = [h.strip().lower() for h in next(reader)]
        kinds = described.get("columns", {})
        # values are looked at only if the file does not say what they are
        rows = [] if set(header) <= set(kinds) else list(reader)
    columns = [Column(h, kinds.get(h) or guess([r[i] for r in rows]))
               for i, h in enumerate(header)]
    key = tuple(described.get("key", header[:1]))
    table = Table(name.lower(), columns, key=key, display=described.get("display", header[0]))
    conn.execute("DROP TABLE IF EXISTS " + table.relation)
    create_table(conn, table)
    with conn.cursor() as cursor, open(path, "rb") as file:
        with cursor.copy("COPY %s FROM STDIN (FORMAT csv, HEADER, FORCE_NULL (%s))" % (
                table.relation, ", ".join('"%s"' % name for name in header))) as copy:
            while block := file.read(1 << 20):
                copy.write(block)
    index_table(conn, table)
    return table
