"""fit_keys: the weights of candidate_foreign_keys (ingest_profile/references.c), fitted to the schemas of key_schemas.txt.

What is possible and its traits come from the extension itself (messages at DEBUG1). Of a column at most one of the
possible keys is its parent: each has a chance of exp(w·x), none has 1. Fitted by Newton's method to the schemas marked
`fit`, rows drawn four times, a schema's columns together as much as their square root, with a penalty; then each schema is
held against weights fitted without it. Needs python3-numpy; prints the two arrays.
"""

import math
import re

import numpy

from common import connect, finish, table
from key_schemas import drawn, schemas
from keys import ask, load, score

SEEDS = range(11, 15)
PENALTY = 1.0
KINDS = re.findall(r"NAME_\w+", """NAME_KEY NAME_SAME NAME_OTHER NAME_WORD NAME_TABLE NAME_BARE NAME_ROLE NAME_BEHIND NAME_PART NAME_FRONT NAME_SHORT NAME_SELF
    NAME_PERSON NAME_NOTHING""")
TRAITS = re.findall(r"TRAIT_\w+", """TRAIT_KEYED TRAIT_FIRST TRAIT_TAKEN TRAIT_SPREAD TRAIT_MISSING TRAIT_RARE TRAIT_FEW TRAIT_UNIQUE TRAIT_OWN TRAIT_MAIN
    TRAIT_LARGER TRAIT_TEXT TRAIT_COUNTS TRAIT_STANDS TRAIT_EXTENDS TRAIT_AWAY TRAIT_NEARER""")
WEIGHED = re.compile(r"weighed (.*) -> (.*): (\d+)((?: \S+)*)$")


def gather(conn):
    """A row for each possible pair: schema, seed, column, parent, whether it is true, traits."""
    told, rows, truths = [], [], {}
    conn.add_notice_handler(lambda d: told.append(d.message_primary))
    for seed in SEEDS:
        for name, _, spec in schemas("fit"):
            tables, truth, unsure = drawn(name, spec, seed)
            load(conn, tables)
            conn.execute("SET client_min_messages = debug1")
            told.clear()
            ask(conn)
            conn.execute("SET client_min_messages = warning")
            truths[name, seed] = len(truth)
            for message in told:
                found = WEIGHED.match(message)
                if found and found[1] not in unsure:
                    kind = [float(i == int(found[3])) for i in range(len(KINDS))]
                    pair = "%s -> %s" % (found[1], found[2])
                    rows.append((name, seed, found[1], pair in truth, kind + [float(v) for v in found[4].split()]))
    return rows, truths


class Choices:
    """Pairs by the column that they are of."""

    def __init__(self, rows):
        self.x = numpy.array([r[4] for r in rows])
        self.true = numpy.array([r[3] for r in rows], float)
        columns = {}
        self.column = numpy.array([columns.setdefault(r[:3], len(columns)) for r in rows])
        self.names = [c[0] for c in columns]
        many = {n: self.names.count(n) for n in set(self.names)}
        self.weight = numpy.array([1 / math.sqrt(many[n]) for n in self.names])
        self.weight *= len(self.weight) / self.weight.sum()

    def chances(self, w):
        odds = numpy.exp(numpy.clip(self.x @ w, -40, 40))
        return odds / (1 + numpy.bincount(self.column, odds, len(self.names)))[self.column]

    def fit(self, without=None):
        """Newton's steps, halved while they do not help."""
        keep = numpy.array([n != without for n in self.names], float) * self.weight
        w = numpy.zeros(self.x.shape[1])

        def loss(w):
            p = self.chances(w)
            none = 1 - numpy.bincount(self.column, p, len(self.names))
            has = numpy.bincount(self.column, self.true, len(self.names)) > 0
            return (PENALTY / 2 * w @ w - (keep[self.column] * self.true * numpy.log(p + 1e-300)).sum()
                    - (keep * ~has * numpy.log(numpy.maximum(none, 1e-300))).sum())
        now = loss(w)
        for _ in range(60):
            p = self.chances(w)
            v = keep[self.column]
            slope = self.x.T @ (v * (p - self.true)) + PENALTY * w
            mean = numpy.zeros((len(self.names), self.x.shape[1]))
            numpy.add.at(mean, self.column, p[:, None] * self.x)
            bend = (self.x * (v * p)[:, None]).T @ self.x - (mean * keep[:, None]).T @ mean + PENALTY * numpy.eye(len(w))
            step = numpy.linalg.solve(bend, slope)
            while loss(w - step) > now and numpy.abs(step).max() > 1e-6:
                step = step / 2
            if numpy.abs(step).max() < 1e-4:
                break
            w = w - step
            now = loss(w)
        return w

    def found(self, w, name):
        """Pairs that are told, and how many of them are true, of one schema."""
        p = self.chances(w)
        told = (p >= 0.5) & (numpy.array(self.names)[self.column] == name)
        return int(told.sum()), int(self.true[told].sum())


def main():
    conn = connect()
    conn.execute("CREATE EXTENSION IF NOT EXISTS ingest_profile")
    rows, truths = gather(conn)
    choices = Choices(rows)
    w = choices.fit()
    for of, names, part in (("name", KINDS, w[:len(KINDS)]), ("trait", TRAITS, w[len(KINDS):])):
        print("static const double %s_weights[%s] = {" % (of, "NAME_NOTHING + 1" if of == "name" else "TRAITS"))
        for name, weight in zip(names, part):
            print("\t[%s] = %.2f," % (name, weight))
        print("};")
    p = choices.chances(w)
    for kind, name in enumerate(KINDS):
        of = choices.x[:, kind] > 0
        print("%-14s %5d pairs, %4d true, %4d told, %4d of them true" % (name, of.sum(), choices.true[of].sum(), (of & (p >= 0.5)).sum(),
                                                                        choices.true[of & (p >= 0.5)].sum()))
    for least in (0.4, 0.45, 0.5, 0.55, 0.6):
        told = p >= least
        print("from %.2f on: precision %.3f, recall %.3f" % (least, choices.true[told].mean(), choices.true[told].sum() / sum(truths.values())))
    outcome = {"fitted": [], "without it": []}
    names = sorted({n for n, _ in truths})
    shown = [("schema", "true", "fitted: found", "hit", "without it: found", "hit")]
    for name in names:
        true = sum(n for (s, _), n in truths.items() if s == name)
        both = [choices.found(w, name), choices.found(choices.fit(name), name)]
        for way, (claims, hits) in zip(outcome, both):
            outcome[way].append((true, claims, hits))
        shown.append((name, true, *both[0], *both[1]))
    table(shown)
    figures = {}
    for way, prefix in (("fitted", ""), ("without it", "crossed_")):
        figures.update({prefix + k: v for k, v in score(outcome[way]).items()})
    finish(**figures)


main()
