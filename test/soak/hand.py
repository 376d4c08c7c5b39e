"""Somebody who calls functions by hand beside the workers."""

import time

import psycopg

from actor import Actor
from world import GONE, words

# the caller's or the moment's fault, said in words
EXPECTED = {"55P03", "57014", "57P01", "57P03", "40001", "40P01", "55000", "08006", "08001", "08003", "42P01",
            "HV000", "57P02", "42703", "HV00L", "HV00N", "53300", "58P01", "22P04", "22P02"}


class Hand(Actor):
    def __init__(self, world):
        super().__init__(world, "hand")
        self.done = {}

    def turn(self):
        copy = self.rng.choice(self.world.copies)
        what = self.rng.choice(["sync"] * 8 + ["explain", "redrive", "crawl", "status", "check"])
        sql, argument = {"sync": ("CALL ingest.sync(%s)", copy.target),
                         "explain": ("SELECT * FROM ingest.explain_sync(%s)", copy.target),
                         "redrive": ("CALL ingest.redrive(%s)", copy.target), "crawl": ("CALL ingest.crawl(%s)",
                                 copy.source.name),
                         "status": ("SELECT * FROM ingest.table_status WHERE sync = %s", copy.target),
                         "check": ("SELECT * FROM ingest.check_source(%s)", copy.source.name)}[what]
        result = "done"
        try:
            with self.world.connect(copy.owner, application="hand") as session:
                session.execute(sql, (argument,))
        except GONE as error:
            result = error.sqlstate or "gone"
        except psycopg.Error as error:
            result = error.sqlstate
            if error.sqlstate not in EXPECTED:
                self.trouble.append("%s(%s): %s" % (what, argument, words(error)))
        self.done[what, result] = self.done.get((what, result), 0) + 1
        time.sleep(self.rng.uniform(0, 0.6))
