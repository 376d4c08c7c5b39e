"""Lines of fixed width: random tables, read by option columns and by an import, against Python's slices.

fixed_random.py CONNECTION FOLDER ROUNDS SEED
"""
import datetime
import random
import sys

import psycopg

CODECS = {"UTF8": "utf-8", "LATIN1": "latin-1", "WIN1252": "cp1252", "UTF-16LE": "utf-16-le", "UTF-16": "utf-16", "EUC_JP": "euc_jp"}
WORDS = {"UTF8": "aé日😀z", "LATIN1": "aéßz", "WIN1252": "aé€z", "UTF-16LE": "aé日😀z", "UTF-16": "aé日z", "EUC_JP": "a日本z"}


def text(rng, most, letters):
    n = rng.randint(0, most)
    return "".join(rng.choice(letters + " bcd") for _ in range(n)).strip(" ")


def value(rng, kind, width, letters):
    if rng.random() < 0.1:
        return ""
    if kind == "bigint":
        return str(rng.randint(-10 ** (min(width, 17) - 2), 10 ** (min(width, 17) - 1) - 1)) if width > 2 else str(rng.randint(0, 9))
    if kind == "date":
        return (datetime.date(2000, 1, 1) + datetime.timedelta(rng.randint(0, 9999))).isoformat()
    return text(rng, width, letters)


class World:
    """A table, how it is written, and what must come of it."""

    def __init__(self, rng):
        self.encoding = rng.choice(list(CODECS))
        letters = WORDS[self.encoding]
        self.kinds = [rng.choice(["text", "text", "bigint", "date"]) for _ in range(rng.randint(1, 7))]
        self.widths = [10 if k == "date" else rng.randint(1, 12) for k in self.kinds]
        self.right = [rng.random() < 0.5 for _ in self.kinds]
        self.places = []
        at = 0
        for width in self.widths:
            at += rng.choice([0, 0, 1, 3])
            self.places.append((at, at + width))
            at += width
        self.header = rng.random() < 0.4 and min(self.widths) > 1
        self.strip = rng.random() < 0.3
        self.end = rng.choice(["\n", "\r\n"])
        self.lines = [self.line([value(rng, k, w, letters) for k, w in zip(self.kinds, self.widths)]) for _ in range(rng.randint(0, 40))]
        # several names of one column: `c1` in two characters
        self.names = [f"c{i}" for i in range(len(self.kinds))]
        self.open = rng.random() < 0.3

    def line(self, values):
        line = ""
        for v, (start, end), right in zip(values, self.places, self.right):
            line = line.ljust(start) + (v.rjust(end - start) if right else v.ljust(end - start))
        return line.rstrip(" ") if self.strip else line

    def data(self):
        lines = ([self.line(self.names)] if self.header else []) + self.lines
        return "".join(line + self.end for line in lines).encode(CODECS[self.encoding])

    def columns(self):
        return ", ".join(str(a + 1) if b == a + 1 else f"{a + 1}-{'' if self.open and b == self.places[-1][1] else b}" for a, b in self.places)

    def wanted(self):
        """By slices of Python's texts, which are made of characters; a line without anything is none where there are several columns."""
        rows = []
        for line in self.lines:
            if line == "" and len(self.places) > 1:
                continue
            rows.append(tuple(line[a:b].strip(" ") or None for a, b in self.places))
        return rows

    def sql_columns(self):
        return ", ".join(f"{n} {k}" for n, k in zip(self.names, self.kinds))


def shown(cursor):
    return [tuple(None if v is None else str(v) for v in row) for row in cursor.fetchall()]


def main():
    connection, folder, rounds, seed = sys.argv[1:]
    equal = wrong = 0
    with psycopg.connect(connection, autocommit=True, prepare_threshold=None) as session:
        for n in range(int(rounds)):
            rng = random.Random(f"{seed} {n}")
            world = World(rng)
            with open(f"{folder}/t.txt", "wb") as file:
                file.write(world.data())
            session.execute("DROP FOREIGN TABLE IF EXISTS t")
            session.execute(f"CREATE FOREIGN TABLE t ({world.sql_columns()}) SERVER fixed OPTIONS (path 't.txt', format 'fixed', "
                            f"encoding '{world.encoding}', header '{'on' if world.header else 'off'}', columns '{world.columns()}')")
            try:
                got = shown(session.execute("SELECT * FROM t"))
            except psycopg.Error as error:
                got = str(error)
            want = [tuple(None if v is None else str(int(v)) if k == "bigint" else v for v, k in zip(row, world.kinds)) for row in world.wanted()]
            if got == want:
                equal += 1
            else:
                wrong += 1
                print(f"round {n}: {world.columns()} {world.encoding} {world.data()!r}\n got {got}\nwant {want}")
    print(f"{equal} equal, {wrong} wrong")


main()
