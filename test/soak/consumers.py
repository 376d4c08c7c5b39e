"""Six consumers of events: they read, act and acknowledge as they like, and die in between."""

import time

from actor import SessionActor

# name: (role, types; None: all)
CONSUMERS = {
    "all-olga": ("olga", None),
    "rows-olga": ("olga", ["ingest.row.changed", "org.month.*"]),
    "own-otto": ("otto", ["org.month.tick"]),
    "syncs-ines": ("ines", ["ingest.sync.*", "ingest.run.*", "org.month.*"]),
    "all-nora": ("nora", None),
    "all-anna": ("anna", None),     # an admin, who sees everybody's
}


class Consumer(SessionActor):
    """Reads in one of several ways, and remembers what came and what was acknowledged for certain."""

    PAUSE = 0.3

    def __init__(self, world, name):
        self.consumer = name
        self.owner, self.types = CONSUMERS[name]
        super().__init__(world, name, self.owner, "consumer " + name)
        self.received, self.acknowledged = {}, set()
        self.deaths = self.reads = 0

    def subscribe(self):
        self.world.ask("SELECT ingest.subscribe(%s, %s, from_start => true)", (self.consumer, self.types),
                       role=self.owner)

    def collided(self):
        self.die()

    def die(self):
        self.deaths += 1
        super().die()

    def took(self, rows):
        """Events that came: one that was acknowledged before is a fault."""
        self.reads += 1
        for id_, type_, data in rows:
            if id_ in self.acknowledged:
                self.world.finding("event-again", "consumer %s got event %s after it had acknowledged it"
                        % (self.consumer, id_))
            if id_ in self.received and self.received[id_] != (type_, data):
                self.world.finding("event-changed", "event %s had two contents" % id_, [str(self.received[id_]),
                        str((type_, data))])
            self.received[id_] = (type_, data)

    def read(self, session):
        rows = session.execute("SELECT id, type, data::text FROM ingest.read_events(%s, %s)",
                               (self.consumer, self.rng.choice([1, 10, 100, 1000]))).fetchall()
        self.took(rows)
        return [id_ for id_, _, _ in rows]

    def once(self, session, whole=False):
        """One batch; returns how many came."""
        way = "whole" if whole else self.rng.choice(["transaction", "transaction", "two", "part", "dies", "rollback",
                                                     "repeatable"])
        if way in ("transaction", "rollback", "repeatable"):
            with session.transaction(force_rollback=way == "rollback"):
                if way == "repeatable":
                    session.execute("SET TRANSACTION ISOLATION LEVEL %s" % self.rng.choice(["REPEATABLE READ",
                            "SERIALIZABLE"]))
                ids = self.read(session)
                if ids:
                    session.execute("SELECT ingest.ack(%s, %s)", (self.consumer, ids[-1]))
                if self.rng.random() < 0.2:
                    emit(session, self.owner, self.rng)
            if way != "rollback":
                self.acknowledged.update(ids)
            return len(ids)
        ids = self.read(session)
        if way == "dies":
            session.close()
            self.deaths += 1
        elif ids:
            last = len(ids) if way != "part" else self.rng.randrange(1, len(ids) + 1)
            session.execute("SELECT ingest.ack(%s, %s)", (self.consumer, ids[last - 1]))
            self.acknowledged.update(ids[:last])
        return len(ids)

    def drain(self):
        """All that there is, once nobody writes any more."""
        session = self.world.connect(self.owner, application="consumer " + self.consumer)
        while self.once(session, whole=True):
            pass
        session.close()


def emit(session, role, rng):
    """An event of the owner's own, beside a row that says so in the same transaction."""
    n = session.execute("INSERT INTO witness.emitted (role) VALUES (%s) RETURNING n", (role,)).fetchone()[0]
    session.execute("SELECT ingest.emit('org.month.tick', %s, %s)", ("tick/%s" % n, '{"n": %d, "by": "%s"}' % (n,
            role)))


class Emitter(SessionActor):
    """Writes events: alone, many at once, in savepoints, some rolled back, some in transactions that stay open."""

    def __init__(self, world, role):
        super().__init__(world, "emitter " + role, role, "emitter")
        self.n = 0

    def prepared(self, session):
        """In two phases: what a kill leaves in between is ended when all is calm."""
        self.n += 1
        gid = "%s %d" % (self.role, self.n)
        session.execute("BEGIN")
        emit(session, self.role, self.rng)
        session.execute("PREPARE TRANSACTION '%s'" % gid)
        time.sleep(self.rng.uniform(0, 1))
        session.execute("%s PREPARED '%s'" % (self.rng.choice(["COMMIT", "COMMIT", "ROLLBACK"]), gid))

    def once(self, session):
        if self.rng.random() < 0.1:
            self.prepared(session)
            return
        with session.transaction(force_rollback=self.rng.random() < 0.15):
            if self.rng.random() < 0.2:
                session.execute("SET TRANSACTION ISOLATION LEVEL %s" % self.rng.choice(["REPEATABLE READ",
                        "SERIALIZABLE"]))
            for _ in range(self.rng.choice([1, 1, 1, 3, 20])):
                if self.rng.random() < 0.2:
                    with session.transaction(force_rollback=self.rng.random() < 0.5):
                        emit(session, self.role, self.rng)
                else:
                    emit(session, self.role, self.rng)
            if self.rng.random() < 0.2:
                time.sleep(self.rng.uniform(0, 1.5))
