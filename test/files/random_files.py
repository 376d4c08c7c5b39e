#!/usr/bin/python3
"""Random tables, written in random dialects, are imported: what comes back equals what was written, or was refused aloud.

random_files.py DSN FOLDER ROUNDS SEED: FOLDER is beneath the root of server "random" (FOLDER itself).  Prints what does not
hold, and fails then; the last line counts.  Readers that others wrote are asked as well: Python's csv, file_fdw.
"""
import csv
import datetime
import decimal
import gzip
import io
import json
import os
import random
import shutil
import subprocess
import sys
import uuid

import psycopg

HARD = ["", " ", "a", "N/A", "NULL", "007", "+49 30", "1,5", "1.234", "1.234,5", "-", "x\ny", "x\r\ny", 'a "quoted" b', "it's", "a;b", "a,b", "a|b", "a\tb", "#5",
        "Müller", "€", "日本", "\\", "\\N", "{}", '{"a": 1}', "true", "2024-02-30", "03/04/2024", "1e5", "0x1F", "12:30", "\\.", '""', "'", "x" * 300, "0", "-0", "00", ".5", "5."]


class Column:
    """Values, and how they are written"""

    def __init__(self, number, rng, rows, latin):
        self.rng = rng
        self.name = rng.choice(["id", "Name", "amount", "paid on", "day", "x-y", "größe" if not latin else "grösse", "note", "DATE"]) + str(number)
        self.kind = rng.choice(["int", "decimal", "date", "stamp", "word", "hard", "bool", "uuid", "nothing", "code"])
        self.comma = rng.random() < 0.3
        self.order = rng.choice(["%Y-%m-%d", "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"])
        self.words = rng.choice([("true", "false"), ("t", "f"), ("yes", "no"), ("ja", "nein"), ("1", "0")])
        self.empty = rng.choice([0, 0, 0.2])
        self.texts = [None if rng.random() < self.empty else self.text(latin) for _ in range(rows)]

    def text(self, latin):
        rng = self.rng
        if self.kind == "int":
            return str(rng.randint(-10 ** rng.randint(0, 19), 10 ** rng.randint(0, 19)))
        if self.kind == "decimal":
            text = "%s%d.%s" % (rng.choice(["", "-"]), rng.randint(0, 10 ** rng.randint(1, 12)), "".join(rng.choice("0123456789") for _ in range(rng.randint(1, 6))))
            return text.replace(".", ",") if self.comma else text
        if self.kind == "date":
            return (datetime.date(1900, 1, 1) + datetime.timedelta(days=rng.randint(0, 70000))).strftime(self.order)
        if self.kind == "stamp":
            at = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=rng.randint(0, 2 ** 31), microseconds=rng.choice([0, 0, 123000, 5]))
            return at.strftime(self.order + " %H:%M:%S") + (".%06d" % at.microsecond if at.microsecond else "")
        if self.kind == "bool":
            return self.words[rng.random() < 0.5]
        if self.kind == "uuid":
            return str(uuid.UUID(int=rng.getrandbits(128)))
        if self.kind == "nothing":
            return None
        if self.kind == "code":
            return "%05d" % rng.randint(0, 99999)
        if self.kind == "word":
            return rng.choice(["alpha", "beta gamma", "delta", "north", "x1"])
        while True:
            text = rng.choice(HARD)
            if not latin or text.encode("cp1252", "ignore").decode("cp1252") == text:
                return text


def write(rng, columns, rows, path, latin):
    """Returns the dialect"""
    d = {"delimiter": rng.choice([",", ",", ";", "\t", "|"]), "quote": rng.choice(['"', '"', '"', "'"]), "end": rng.choice(["\n", "\n", "\r\n"]),
         "all": rng.random() < 0.3, "encoding": "cp1252" if latin else rng.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]),
         "pack": rng.choice(["", "", ".gz", ".zst"]), "header": True}
    out = io.StringIO()
    fields = lambda values: d["delimiter"].join(values) + d["end"]          # noqa: E731

    def written(text):
        if text is None:
            return ""
        if d["all"] or text == "" or any(c in text for c in (d["delimiter"], d["quote"], "\n", "\r", '"')) or text[0] == "#":
            return d["quote"] + text.replace(d["quote"], d["quote"] * 2) + d["quote"]
        return text
    out.write(fields(written(c.name) for c in columns))
    for i in range(rows):
        line = fields(written(c.texts[i]) for c in columns)
        out.write(line if line.strip("\r\n") else d["quote"] * 2 + d["end"])
    data = out.getvalue().encode(d["encoding"])
    if d["pack"] == ".gz":
        half = len(data) // 2
        data = gzip.compress(data[:half]) + gzip.compress(data[half:])
    elif d["pack"] == ".zst":
        data = subprocess.run(["zstd", "-q", "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    d["path"] = path + ".csv" + d["pack"]
    with open(d["path"], "wb") as file:
        file.write(data)
    return d


def equal(type_, value, text, column):
    """Is the value what the text said, all of it?"""
    if text is None or value is None:
        # words for null, and quotes with nothing in them, are null of types that are no texts
        return value is None and (text is None or (type_ != "text" and (text == "" or text.lower() in ("n/a", "null", "-", "\\n"))))
    text = text if type_ == "text" else text.strip()
    if type_ == "text":
        return value == text
    if type_ == "bigint":
        return str(value) == text or (text == "-0" and value == 0)
    if type_ == "numeric":
        return value == number(text, column)
    if type_ == "date":
        return any(_date(text, f) == value for f in (["%Y-%m-%d", "%Y%m%d"] if column.kind != "date" else [column.order]))
    if type_.startswith("timestamp"):
        return any(_stamp(text, f) == value.replace(tzinfo=None) for f in ([column.order] if column.kind == "stamp" else ["%Y-%m-%d"]))
    if type_ == "boolean":
        return value == (text.lower() in ("true", "t", "yes", "y", "ja", "1", "on"))
    if type_ == "uuid":
        return str(value) == text.lower()
    if type_.startswith("time"):
        return value.strftime("%H:%M") == text[:5]
    if type_ == "jsonb":
        return value == json.loads(text)
    return False


def number(text, column):
    """What a text of a column of numbers says; of texts of all kinds what PostgreSQL says, or with a decimal comma"""
    if column.kind == "decimal":
        return decimal.Decimal(text.replace(",", "."))
    for plain in (text, text.replace(".", "").replace(",", ".")):
        try:
            return decimal.Decimal(plain)
        except decimal.InvalidOperation:
            pass
    return None


def _date(text, form):
    try:
        return datetime.datetime.strptime(text, form).date()
    except ValueError:
        return None


def _stamp(text, form):
    for rest in (" %H:%M:%S", " %H:%M:%S.%f"):
        try:
            return datetime.datetime.strptime(text, form + rest)
        except ValueError:
            pass
    return None


def compare(conn, columns, rows, d, say):
    """What was imported against what was written"""
    found = conn.execute("SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = (SELECT ftrelid FROM pg_foreign_table JOIN pg_class c ON c.oid = ftrelid "
                         "WHERE relnamespace = 'random_in'::regnamespace) AND attnum > 0 ORDER BY attnum").fetchall()
    if not found:
        return "refused"
    table = conn.execute("SELECT c.relname FROM pg_foreign_table JOIN pg_class c ON c.oid = ftrelid WHERE relnamespace = 'random_in'::regnamespace").fetchone()[0]
    if len(found) != len(columns):
        say("%d columns, not %d" % (len(found), len(columns)))
        return "wrong"
    try:
        got = conn.execute('SELECT * FROM random_in."%s"' % table).fetchall()
    except psycopg.Error as error:
        return "refused" if error.sqlstate in ("22P04", "22021", "22P02", "22007", "22008") else say(str(error)) or "wrong"
    if len(got) != rows:
        say("%d rows, not %d" % (len(got), rows))
        return "wrong"
    for i, row in enumerate(got):
        for (name, type_), value, c in zip(found, row, columns):
            # a row of one column that is null is written as an empty text
            text = "" if len(columns) == 1 and c.texts[i] is None and type_ == "text" and value == "" else c.texts[i]
            if not equal(type_, value, text, c):
                say("row %d, column %s of kind %s, type %s: %r is not %r" % (i + 1, name, c.kind, type_, value, text))
                return "wrong"
    return "equal"


def differ(conn, columns, rows, d, folder, say):
    """All as texts, by explicit options: file_fdw and Python's csv give the same"""
    if d["pack"] or d["encoding"] not in ("utf-8", "cp1252") or len(columns) == 1:
        return
    encoding = "UTF8" if d["encoding"] == "utf-8" else "WIN1252"
    types = ", ".join('c%d text' % i for i in range(len(columns)))
    conn.execute("DROP FOREIGN TABLE IF EXISTS random_ours, random_theirs")
    conn.execute("CREATE FOREIGN TABLE random_ours (%s) SERVER random OPTIONS (path '%s', encoding '%s', delimiter E'%s', quote E'\\%s', header 'off', skip '1')" % (
        types, os.path.basename(d["path"]), encoding, d["delimiter"].replace("\t", "\\t"), d["quote"]))
    conn.execute("CREATE FOREIGN TABLE random_theirs (%s) SERVER random_files OPTIONS (filename '%s', format 'csv', encoding '%s', delimiter E'%s', quote E'\\%s', header 'on')" % (
        types, d["path"], encoding, d["delimiter"].replace("\t", "\\t"), d["quote"]))
    ours = conn.execute("SELECT * FROM random_ours").fetchall()
    try:
        theirs = conn.execute("SELECT * FROM random_theirs").fetchall()
    except psycopg.Error:
        theirs = ours           # it takes no file whose ends of lines are of two kinds
    if ours != theirs:
        say("file_fdw differs: %r" % [(a, b) for a, b in zip(ours, theirs) if a != b][:2])
    with open(d["path"], encoding=d["encoding"], newline="") as file:
        python = list(csv.reader(file, delimiter=d["delimiter"], quotechar=d["quote"]))[1:]
    if [[v or "" for v in row] for row in ours] != python:
        say("Python's csv differs")


def main():
    dsn, folder, rounds, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    conn = psycopg.connect(dsn, autocommit=True, prepare_threshold=None)
    conn.execute("SET client_min_messages = error")
    counts = {"equal": 0, "refused": 0, "wrong": 0}
    for number in range(rounds):
        rng = random.Random(seed * 1000003 + number)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        rows, latin = rng.choice([1, 2, 3, 10, 60]), rng.random() < 0.2
        columns = [Column(i, rng, rows, latin) for i in range(rng.randint(1, 9))]
        d = write(rng, columns, rows, os.path.join(folder, "data"), latin)

        def say(words):
            counts["wrong"] += 1
            print("seed %d, round %d (%s): %s" % (seed, number, {k: v for k, v in d.items() if k != "path"}, words))
        conn.execute("DROP SCHEMA IF EXISTS random_in CASCADE")
        conn.execute("CREATE SCHEMA random_in")
        conn.execute('IMPORT FOREIGN SCHEMA "/" FROM SERVER random INTO random_in')
        outcome = compare(conn, columns, rows, d, say)
        if outcome != "wrong":
            counts[outcome] += 1
        differ(conn, columns, rows, d, folder, say)
    print("%(equal)d equal, %(refused)d refused, %(wrong)d wrong" % counts)
    sys.exit(1 if counts["wrong"] or counts["refused"] > rounds * 0.25 else 0)


if __name__ == "__main__":
    main()
