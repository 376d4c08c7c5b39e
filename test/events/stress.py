"""Emitters and consumers against each other, and what came of it.

Every event that was committed reaches every consumer that wants it, and none comes again once it is acknowledged:
under all isolation levels, with savepoints, prepared transactions, transactions that begin early and write late,
consumers that emit while they read, and consumers that die between reading and acknowledging.

What should have come is what each emitter wrote down in the transaction of its events (table emitted), and what came
is what each consumer wrote down in the transaction of its acknowledgement (table got).  The last line is JSON.
"""

import argparse
import json
import multiprocessing
import random
import sys
import time

import psycopg
from psycopg import IsolationLevel

LEVELS = [IsolationLevel.READ_COMMITTED, IsolationLevel.REPEATABLE_READ, IsolationLevel.SERIALIZABLE]
KINDS = ("plain", "plain", "plain", "savepoint", "rollback", "prepared", "early", "slow")
RARE = 0.01                 # share of events of the type that one consumer waits for
PASSING = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)
DRAINED = 3                 # so many empty reads after the last emitter has ended

TABLES = """
CREATE TABLE emitted (subject text PRIMARY KEY, type text NOT NULL);
CREATE TABLE got (consumer text, id bigint, subject text, PRIMARY KEY (consumer, subject));
"""
EMIT = """WITH w AS (INSERT INTO emitted SELECT %(name)s || '/' || i, CASE WHEN random() < %(rare)s THEN 'st.rare' ELSE 'st.usual' END
                       FROM generate_series(%(first)s::bigint, %(last)s::bigint) i RETURNING subject, type)
          SELECT count(ingest.emit(type, subject, '{"by": "stress"}')) FROM w"""
READ = """WITH r AS (SELECT * FROM ingest.read_events(%(consumer)s, %(limit)s)),
               i AS (INSERT INTO got SELECT %(consumer)s, id, subject FROM r WHERE id <= (SELECT max(id) FROM (SELECT id FROM r ORDER BY id LIMIT %(keep)s) k))
          SELECT max(id) FROM (SELECT id FROM r ORDER BY id LIMIT %(keep)s) k"""


class Emitter:
    """Writes events with subjects of its own, and the same subjects into emitted."""

    def __init__(self, conn, name, rng, without=""):
        self.conn, self.name, self.rng, self.without, self.n = conn, name, rng, without, 0

    def emit(self, count):
        first, self.n = self.n + 1, self.n + count
        self.conn.execute(EMIT, {"name": self.name, "first": first, "last": self.n, "rare": RARE})

    def one_transaction(self, bulk):
        """A transaction of a drawn kind; how many events it committed does not matter: emitted tells."""
        rng, conn = self.rng, self.conn
        conn.isolation_level = rng.choice(LEVELS)
        size = lambda: rng.choice((1, 1, 2, 5, bulk))   # noqa: E731
        kind = rng.choice([k for k in KINDS if k != self.without])
        if kind == "early":
            conn.execute("SELECT pg_current_xact_id()")
            time.sleep(rng.random() * 0.02)
        self.emit(size())
        if kind == "savepoint":
            for _ in range(rng.randrange(1, 4)):
                conn.execute("SAVEPOINT a")
                self.emit(size())
                conn.execute(rng.choice(("ROLLBACK TO a", "RELEASE a")))
            self.emit(1)
        elif kind == "slow":
            time.sleep(rng.random() * 0.02)
            self.emit(size())
        if kind == "prepared":
            gid = "%s/%d" % (self.name, self.n)
            conn.execute("PREPARE TRANSACTION '%s'" % gid)
            conn.rollback()
            conn.autocommit = True
            time.sleep(rng.random() * 0.02)
            conn.execute("%s PREPARED '%s'" % (rng.choice(("COMMIT", "COMMIT", "ROLLBACK")), gid))
            conn.autocommit = False
        elif kind == "rollback":
            conn.rollback()
        else:
            conn.commit()


def emitting(dsn, name, seed, until, bulk, without):
    rng = random.Random(seed)
    with psycopg.connect(dsn) as conn:
        emitter = Emitter(conn, name, rng, without)
        while emitter.n < until:
            try:
                emitter.one_transaction(bulk)
            except PASSING:
                conn.rollback()


class Consumer:
    """Reads and acknowledges in drawn ways, and writes down what it acknowledged."""

    def __init__(self, dsn, name, seed):
        self.dsn, self.name, self.rng, self.conn = dsn, name, random.Random(seed), None

    def connect(self):
        self.conn = psycopg.connect(self.dsn)

    def read(self, part=False):
        """One batch or a part of it; its last id, None without events."""
        limit = self.rng.choice((1, 3, 20, 100, 1000))
        keep = self.rng.randrange(1, limit + 1) if part else limit
        return self.conn.execute(READ, {"consumer": self.name, "limit": limit, "keep": keep}).fetchone()[0]

    def ack(self, last):
        self.conn.execute("SELECT ingest.ack(%s, %s)", (self.name, last))

    def own(self):
        emitter = Emitter(self.conn, "own/%s/%d" % (self.name, self.rng.getrandbits(48)), self.rng)
        emitter.emit(1)

    def one_transaction(self, emit):
        """Whether something was read."""
        rng, conn = self.rng, self.conn
        conn.isolation_level = rng.choice(LEVELS)
        emit = emit and rng.random() < 0.2
        end = rng.choice(("commit",) * 6 + ("rollback", "kill") + (() if self.name == "shared" else ("split",)))
        any_read = False
        if emit and rng.random() < 0.5:
            self.own()
        if rng.random() < 0.1:
            conn.execute("SELECT 1")
            time.sleep(0.01)
        if end == "split":
            # seen first, acknowledged in another transaction, as one does with effects elsewhere (and from one session)
            rows = conn.execute("SELECT id, subject FROM ingest.read_events(%s, 50)", (self.name,)).fetchall()
            conn.commit()
            if rows:
                self.ack(rows[-1][0])
                conn.cursor().executemany("INSERT INTO got VALUES (%s, %s, %s)", [(self.name, *row) for row in rows])
            conn.commit()
            return bool(rows)
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            last = self.read(part=rng.random() < 0.2)
            if last is not None:
                any_read = True
                self.ack(last)
            if emit:
                self.own()
        if end == "kill":
            other = psycopg.connect(self.dsn, autocommit=True)
            other.execute("SELECT pg_terminate_backend(%d)" % conn.info.backend_pid)
            other.close()
            conn.close()
            self.connect()
        elif end == "rollback":
            conn.rollback()
        else:
            conn.commit()
        return any_read or end in ("kill", "rollback")


def consuming(dsn, name, seed, done):
    consumer = Consumer(dsn, name, seed)
    consumer.connect()
    empty = 0
    while empty < DRAINED:
        over = done.is_set()
        try:
            found = consumer.one_transaction(emit=not over)
        except PASSING:
            consumer.conn.rollback()
            found = True
        empty = 0 if found or not over else empty + 1
        if not found:
            time.sleep(0.002)
    consumer.conn.close()


CHECK = """SELECT c.consumer,
    (SELECT count(*) FROM emitted e WHERE e.type LIKE replace(c.types[1], '*', '%')) AS wanted,
    (SELECT count(*) FROM emitted e WHERE e.type LIKE replace(c.types[1], '*', '%')
        AND NOT EXISTS (SELECT FROM got g WHERE g.consumer = c.consumer AND g.subject = e.subject)) AS lost,
    (SELECT count(*) FROM got g WHERE g.consumer = c.consumer AND NOT EXISTS (SELECT FROM emitted e WHERE e.subject = g.subject)) AS invented
  FROM ingest.subscription c ORDER BY 1"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--emitters", type=int, default=4)
    parser.add_argument("--events", type=int, default=20000)
    parser.add_argument("--bulk", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", default="", help="a kind of transaction that is left out")
    args = parser.parse_args()
    with psycopg.connect(args.dsn, autocommit=True) as conn:
        conn.execute(TABLES)
        conn.execute("SELECT ingest.subscribe('one', '{st.*}'), ingest.subscribe('shared', '{st.*}'), ingest.subscribe('rare', '{st.rare}')")
    done = multiprocessing.Event()
    share = args.events // args.emitters
    emitters = [multiprocessing.Process(target=emitting, args=(args.dsn, "e%d" % i, args.seed * 100 + i, share, args.bulk, args.without))
                for i in range(args.emitters)]
    # two sessions of one consumer take turns
    consumers = [multiprocessing.Process(target=consuming, args=(args.dsn, name, args.seed * 100 + 50 + i, done))
                 for i, name in enumerate(("one", "shared", "shared", "rare"))]
    began = time.time()
    for process in emitters + consumers:
        process.start()
    for process in emitters:
        process.join()
    done.set()
    for process in consumers:
        process.join()
    failed = [p.exitcode for p in emitters + consumers if p.exitcode != 0]
    with psycopg.connect(args.dsn, autocommit=True) as conn:
        rows = conn.execute(CHECK).fetchall()
        events = conn.execute("SELECT count(*) FROM ingest.event WHERE type LIKE 'st.%'").fetchone()[0]
        logged = conn.execute("SELECT count(*) FROM emitted").fetchone()[0]
    for consumer, wanted, lost, invented in rows:
        print("%s: %d wanted, %d lost, %d invented" % (consumer, wanted, lost, invented))
    print(json.dumps({"events": events, "logged": logged, "lost": sum(r[2] for r in rows), "invented": sum(r[3] for r in rows),
                      "failed": len(failed), "seconds": round(time.time() - began, 1)}))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
