#!/usr/bin/python3
"""Random bytes as constants, many to a query: LITERALS=1000000 of SEED, compared with the local copy.

Every other constant is a text that the tables hold, or one that differs from it in a byte, so that both answers occur.
"""

import os
import random
import sys
import time

from compare import Query, Run, draw
from fixed import CUSTOM, GENERIC, PATTERNS, q
from world import TEXT

SIZE = 400      # constants in a query
SNIPPETS = ["'", "''", "\\", "\\'", "%", "_", "?", "$1", ":1", "{", "}", "[", "--", "/*", "*/", ";", "\r\n", "\x01", "\x02", "\x010\x02", "\x01-1\x02", "\x011", "\x02\x01", "\x1b",
            "\x7f", "\u0085", "\u00a0", "\u00e9", "e\u0301", "\u00df", "\u0131", "\u200b", "\u2028", "\ufeff", "\ufffd", "\uffff", "\U0001f600", "\U0010ffff", "TO_DATE(", " OR 1=1", "q'[", "&amp;", "\\u0001", "\\x01"]


class Literals:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def random_text(self):
        """Characters of every length in UTF-8, control bytes often, no NUL and no half surrogate."""
        ranges = [(1, 31), (1, 31), (32, 126), (32, 126), (128, 0x7ff), (0x800, 0xd7ff), (0xe000, 0xffff), (0x10000, 0x10ffff)]
        one = self.r.choice(ranges) if self.r.random() < .4 else None
        parts = []
        for _ in range(self.r.choice([1, 1, 2, 3, 5, 8, 13, 40])):
            parts.append(self.r.choice(SNIPPETS) if self.r.random() < .25 else chr(self.r.randint(*(one or self.r.choice(ranges)))))
        return "".join(parts)

    def text(self):
        chance = self.r.random()
        if chance < .3:
            return self.r.choice(TEXT[:-10])[:50]
        if chance < .5:
            known, at = self.r.choice(TEXT)[:50], self.r.randint(0, 50)
            return known[:at] + self.random_text()[:1] + known[at + self.r.randint(0, 1):]
        return self.random_text()

    def literal(self):
        """As a plain or an escaped constant."""
        text = self.text()
        if self.r.random() < .5:
            return q(text)
        return " E'" + text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\x01", "\\001").replace("\x02", "\\002") + "'"

    def next(self, n):
        """A query with up to n constants, and how many it has."""
        c, seed = self.r.choice(["s1", "s2", "grp", "code", "s1"]), self.r.random()
        shape, most = self.r.choice(SHAPES)
        some = [self.literal() for _ in range(min(n, most))]

        def make(fewer):
            return shape(random.Random(seed), c, fewer)[0]
        return Query("literals", *make(some), place=self.r.choice(["f1000"] * 4 + ["f97"]), parts=(some, make), **shape(self.r, c, some)[1]), len(some)


# -- ways to write many constants: each gives statements and settings --

def numbered(some):
    return ", ".join("(%d, %s)" % pair for pair in enumerate(some))


def any_of(test, some):
    return " OR ".join(test + x for x in some)


def case(_, c, some):
    return ["SELECT CASE %s END AS x, count(*) FROM w GROUP BY 1" % " ".join("WHEN %s = %s THEN %s" % (c, x, y) for x, y in zip(some, some[1:] + some[:1]))], {}


def parameters(r, c, some):
    return ["PREPARE s(text) AS SELECT count(*), min(id) FROM w WHERE %s %s $1" % (c, r.choice(["=", "<>", "<", ">="]))] + ["EXECUTE s(%s)" % x for x in some], {"settings": r.choice([CUSTOM, GENERIC])}


SHAPES = [
    (lambda r, c, some: (["SELECT id FROM w WHERE %s IN (%s)" % (c, ", ".join(some))], {}), SIZE),
    (lambda r, c, some: (["SELECT id FROM w WHERE %s NOT IN (%s)" % (c, ", ".join(some))], {}), SIZE),
    (lambda r, c, some: (["SELECT count(*), min(id) FROM w WHERE b1 AND %s IN (%s)" % (c, ", ".join(some))], {}), SIZE),
    (lambda r, c, some: (["SELECT v.n, w.id FROM (VALUES %s) v(n, x) JOIN w ON w.%s = v.x" % (numbered(some), c)], {}), SIZE),
    (case, 200),
    (lambda r, c, some: (["SELECT id FROM w WHERE " + any_of(c + " = ", some)], {}), SIZE),
    # run-time values beside constants
    (lambda r, c, some: (["SELECT id FROM w WHERE n1 > (SELECT 0) AND d1 > (SELECT '2000-01-01'::date) AND (%s)" % any_of(c + " = ", some)], {}), SIZE),
    (lambda r, c, some: (["PREPARE s(text[]) AS SELECT id FROM w WHERE %s = ANY ($1)" % c, "EXECUTE s(ARRAY[%s])" % ", ".join(some)], {"settings": r.choice([CUSTOM, GENERIC])}), SIZE),
    (lambda r, c, some: (["PREPARE s(text[]) AS SELECT count(*) FROM w WHERE %s <> ALL ($1)" % c, "EXECUTE s(ARRAY[%s])" % ", ".join(some)], {"settings": r.choice([CUSTOM, GENERIC])}), SIZE),
    (parameters, 60),
    (lambda r, c, some: (["SELECT %s FROM w" % ", ".join("count(*) FILTER (WHERE %s %s %s)" % (c, r.choice(["=", "<>", "<", ">"]), x) for x in some)], {}), 200),
    (lambda r, c, some: (["SELECT coalesce(%s, %s) AS x, %s FROM w GROUP BY 1" % (c, some[0], ", ".join("max(coalesce(%s, %s))" % (c, x) for x in some))], {}), 200),
    (lambda r, c, some: (["SELECT id FROM w WHERE " + any_of(c + " LIKE ", [x.replace("\\", "") if x[0] == "'" else q(r.choice(PATTERNS)) for x in some])], {}), 100),
    (lambda r, c, some: (["SELECT v.n, l.* FROM (VALUES %s) v(n, x), LATERAL (SELECT count(*), min(id) FROM w WHERE %s = v.x AND b1) l" % (numbered(some), c)], {}), 60),
    (lambda r, c, some: (["SELECT v.n, g.id FROM (VALUES %s) v(n, x) JOIN g ON g.k = v.x JOIN words ON word = v.x" % numbered(some)], {"settings": {"enable_hashjoin": "off", "enable_mergejoin": "off"}}), 60),
]


def main():
    total = int(os.environ.get("LITERALS") or 20000)
    seed = os.environ.get("SEED") or "1"
    started = time.time()
    literals = Literals(seed)
    print("SEED=%s: %d literals" % (seed, total), flush=True)
    run = Run(int(os.environ.get("JOBS") or 3))
    done = queries = 0
    while done < total and len(run.differences) < 20:
        batch = []
        while len(batch) < 60 and done < total:
            query, n = literals.next(min(SIZE, total - done))
            batch.append(query)
            done += n
        run.all(draw(batch, seed))
        queries += len(batch)
    print("%d literals in %d queries in %.0f s, seed %s: %d differences" % (done, queries, time.time() - started, seed, len(run.differences)))
    return 1 if run.differences else 0


if __name__ == "__main__":
    sys.exit(main())
