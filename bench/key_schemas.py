"""Schemas to find foreign keys in: names and declared keys of public schemas (key_schemas.txt), rows drawn here.

A line of key_schemas.txt is a table: its name, then its columns: name, :t text, :n number, :d date, :b boolean, :u uuid
(else integer), * unique, >parent.column or, where the names are the same, >parent; ? a column that is not counted: part of a
key of several columns, or a reference that the schema leaves undeclared. `schema NAME fit` or `held` begins a schema.

Rows are drawn to be as hard as real ones: keys count from 1 in most schemas, so that most columns of small integers are
contained in most keys; children use a part of their parents, evenly or not; some are null, a few have orphans; columns
that count something are named after tables.
"""

import os
import random
import uuid

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "key_schemas.txt")
MOST_ROWS = 2500
WORDS = "amber basin cedar delta ember fjord grove harbor iris jasper kelp linden maple nectar onyx pearl quartz river slate tundra".split()
PLAIN = "name title description type status comment value text label".split()
STATES = "new open paid void done active inactive draft closed pending A B C Y N M F small medium large red green blue".split()


class Column:
    def __init__(self, word):
        word, _, parent = word.partition(">")
        self.counted = "?" not in word + parent
        self.unique = "*" in word
        self.name, _, kind = word.replace("?", "").replace("*", "").partition(":")
        self.kind = kind or "i"
        table, _, column = parent.replace("?", "").partition(".")
        self.parent = (table, column or self.name) if table else None


def schemas(share=None):
    """(name, share, {table: [Column]}) of the list."""
    found, tables = [], None
    with open(LIST, encoding="utf-8") as file:
        for line in file:
            if line.startswith("#") or not line.strip():
                continue
            if line.startswith("schema "):
                _, name, of = line.split()
                tables = {}
                found.append((name, of, tables))
            elif line.startswith(" "):
                columns.extend(Column(w) for w in line.split())
            else:
                table, _, rest = line.partition(":")
                columns = tables[table] = [Column(w) for w in rest.split()]
    return [s for s in found if share in (None, s[1])]


def drawn(name, tables, seed=11):
    """Rows of a schema: ({table: (head, rows)}, truth, columns that are not counted)."""
    random_ = random.Random("%s %s" % (name, seed))
    tables = {t: cs + quantity(random_, tables, t) for t, cs in tables.items()}
    draw = Draw(random_, tables)
    unsure = {"%s(%s)" % (t, c.name) for t, cs in tables.items() for c in cs if not c.counted}
    # those that others refer to first: what they say may be said again
    order = sorted(tables, key=lambda t: sum(c.parent is not None for c in tables[t]))
    made = {t: draw.table(t) for t in order}
    # what refers to nothing cannot be seen
    truth = ["%s(%s) -> %s(%s)" % ((t, c.name) + c.parent) for t, cs in tables.items() for i, c in enumerate(cs)
             if c.parent and c.counted and any(row[i] is not None for row in made[t][1])]
    return {t: made[t] for t in tables}, truth, unsure


def quantity(random_, tables, table):
    """One table in seven has a column that is named after another table and tells how many: num_orders, OrderCount."""
    other = random_.choice(sorted(tables))
    if other == table or random_.random() > 1 / 7:
        return []
    many = other if other.lower().endswith("s") else other + ("S" if other.isupper() else "s")
    one = other[:-1] if other.lower().endswith("s") else other
    kinds = ("num_" + many, "number_of_" + many, many, one + "_count", one + "_quantity", "total_" + many, one + "_amount")
    name = random_.choice(kinds)
    if other[:1].isupper() and "_" not in other:
        name = "".join(w[:1].upper() + w[1:] for w in name.split("_"))
    return [] if name.lower() in {c.name.lower() for c in tables[table]} else [Column(name)]


class Draw:
    def __init__(self, random_, tables):
        self.random, self.tables, self.keys, self.sizes, self.last = random_, tables, {}, {}, 0
        self.half, self.made = {}, {}
        self.style = random_.choices(("from 1", "gaps", "offset", "shared", "sparse"), (62, 12, 10, 8, 8))[0]
        self.columns = {(t, c.name): c for t, cs in tables.items() for c in cs}
        unique = [(t, c.name) for t, cs in tables.items() for c in cs if c.unique]
        for key in unique:
            self.values(*key)
        for key in unique:      # of several in a table the shortest decides
            del self.keys[key][self.sizes[key[0]]:]

    def size(self, table, above=()):
        """More rows than the tables that it refers to; a table that extends another has some of its rows."""
        if table not in self.sizes:
            parents = {c.parent[0] for c in self.tables[table] if c.parent and c.parent[0] not in above + (table,)}
            whole = [c.parent[0] for c in self.tables[table] if c.unique and c.parent and c.parent[0] in parents]
            of = [self.size(p, above + (table,)) for p in sorted(whole or parents)]
            r = self.random
            if whole:
                size = min(of) * r.uniform(0.4, 1)
            elif of:
                size = max(of) * 2 ** (r.uniform(-1, 3) if r.random() < 0.8 else r.uniform(-7, -1))
            else:
                size = 1 if r.random() < 0.03 else 2 ** r.uniform(2, 8.5)
            if above:       # in a circle: not for good
                return max(1, min(MOST_ROWS, round(size)))
            self.sizes[table] = max(3 if of else 1, min(MOST_ROWS, round(size)))
        return self.sizes[table]

    def values(self, table, name):
        """The values of a unique column."""
        if (table, name) not in self.keys:
            column = self.columns[table, name]
            size = self.size(table)
            parent = column.parent
            self.keys[table, name] = []     # a circle of keys ends here
            known = self.values(*parent) if parent and parent[0] != table else []
            if known:
                self.sizes[table] = size = min(size, len(known))
                self.keys[table, name] = self.random.sample(known, size)
            else:
                self.keys[table, name] = self.own_keys(table, column, size)
        return self.keys[table, name]

    def own_keys(self, table, column, size):
        r = self.random
        if column.kind == "u":
            return [str(uuid.UUID(int=r.getrandbits(128))) for _ in range(size)]
        if column.kind == "t":
            lower = column.name.lower()
            if "name" in lower or "title" in lower or r.random() < 0.2:
                return ["%s %s %d" % (r.choice(WORDS).title(), r.choice(WORDS).title(), i) for i in range(size)]
            if r.random() < 0.5:
                length = next(n for n in range(2, 9) if 26 ** n > 3 * size)
                return ["".join(c) for c in sorted({tuple(r.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(length))
                                                    for _ in range(3 * size + 20)})][:size]
            prefix = table[:2].upper()
            return ["%s%d" % (prefix, 100 + i) for i in range(size)]
        if self.style == "sparse":
            return sorted(r.sample(range(10 ** 4, 10 ** 6), size))
        first, step = 1, 1
        if self.style == "offset":
            first = r.choice((1, 10, 100, 1000, 10000)) * r.randrange(1, 9)
        elif self.style == "shared":
            first, self.last = self.last + 1, self.last + size
        elif self.style == "gaps":
            return sorted(r.sample(range(1, round(size * 1.4) + 2), size))
        return list(range(first, first + size * step, step))

    def table(self, table):
        columns = self.tables[table]
        size = self.size(table)
        self.half[table] = {}
        for c in sorted(columns, key=lambda c: c.parent is None):
            self.half[table][c.name] = self.column(table, c, size)
        self.made[table] = [c.name for c in columns], list(zip(*(self.half[table][c.name] for c in columns)))
        return self.made[table]

    def column(self, table, column, size):
        r = self.random
        if column.unique:
            return self.values(table, column.name)
        if column.parent:
            return self.references(column, size, column.parent[0] == table)
        lower = column.name.lower()
        if column.kind == "t":
            return self.copies(table, lower) or self.texts(lower, size)
        if column.kind == "n":
            return [r.randrange(10 ** 6) / 100 for _ in range(size)]
        if column.kind == "d":
            return ["20%02d-%02d-%02d" % (r.randrange(10, 25), r.randrange(1, 13), r.randrange(1, 29)) for _ in range(size)]
        if column.kind == "b":
            return [r.randrange(2) for _ in range(size)]
        if column.kind == "u":
            return [str(uuid.UUID(int=r.getrandbits(128))) for _ in range(size)]
        return self.integers(lower, size)

    def references(self, column, size, itself):
        r = self.random
        known = list(self.values(*column.parent))
        some = max(1, round(len(known) * r.choice((1, r.uniform(0.3, 1), 2 ** r.uniform(-6, 0)))))
        if r.random() < 0.25:       # those that are next to each other
            first = r.randrange(len(known) - some + 1)
            used = known[first:first + some]
        else:
            used = r.sample(known, some)
        skew = r.choice((0, 0, 1, 2))
        found = [used[int(len(used) * r.random() ** (1 + skew))] for _ in range(size)]
        empty = r.uniform(0.05, 0.6) if itself or r.random() < 0.25 else 0
        orphans = 0.02 if r.random() < 0.03 and column.kind == "i" else 0
        return [None if r.random() < empty else max(known) + 7 if r.random() < orphans else v for v in found]

    def copies(self, table, name):
        """What a row says once more of the row that it refers to: the customer's address in an order."""
        for of in self.tables[table] if self.random.random() < 0.15 else ():
            for c in self.tables[of.parent[0]] if of.parent and of.parent[0] != table else ():
                if c.kind == "t" and not c.parent and name.endswith(c.name.lower()) and name not in PLAIN and self.made.get(of.parent[0]) and table in self.half:
                    head, rows = self.made[of.parent[0]]
                    key = {r[head.index(of.parent[1])]: r[head.index(c.name)] for r in rows}
                    return [key.get(v) for v in self.half[table].get(of.name, ())] or None
        return None

    def texts(self, name, size):
        r = self.random
        if r.random() < 0.35:
            some = r.sample(STATES, r.randrange(2, 6))
            return [r.choice(some) for _ in range(size)]
        if r.random() < 0.3:
            return ["%s%03d" % (name[:1].upper(), r.randrange(1000)) for _ in range(size)]
        return ["%s %s %d" % (r.choice(WORDS).title(), r.choice(WORDS), r.randrange(10 ** 4)) for _ in range(size)]

    def integers(self, name, size):
        r = self.random
        kind = r.random()
        if "year" in name:
            return [r.randrange(1990, 2026) for _ in range(size)]
        if kind < 0.1:
            return list(range(1, size + 1))
        if kind < 0.25:
            return [r.randrange(2) for _ in range(size)]
        if kind < 0.5:
            return [r.randrange(1, 6) for _ in range(size)]
        if kind < 0.85:
            return [r.randrange(1, r.choice((12, 50, 200))) for _ in range(size)]
        return [r.randrange(1, 10 ** 5) for _ in range(size)]
