"""What the copies held at drawn moments, as a reader saw it then: what as_of must say later."""

import threading
import time

import psycopg

from world import GONE


class Moments(threading.Thread):
    """Looks at the copies with history before and after a moment; if both looks agree, that is what they held."""

    def __init__(self, world, per_second):
        super().__init__(name="moments", daemon=True)
        self.world, self.rng, self.per_second = world, world.draw("moments"), per_second
        self.seen = []              # (moment, copy, rows as text)
        self.ended = threading.Event()

    def run(self):
        session = None
        while not self.ended.is_set():
            time.sleep(self.rng.expovariate(self.per_second))
            try:
                if session is None or session.closed:
                    session = self.world.connect(application="moments")
                self.look(session)
            except GONE:
                session = None
            except psycopg.Error:
                session = None      # a copy that is just being altered

    def look(self, session):
        copies = [c for c in self.world.copies if c.history]
        if not copies:
            return
        copy = self.rng.choice(copies)
        before = contents(session, copy)
        moment = session.execute("SELECT clock_timestamp()").fetchone()[0]
        if contents(session, copy) == before:
            self.seen.append((moment, copy, before))


def contents(session, copy):
    return sorted(row for row, in session.execute("SELECT to_jsonb(t)::text FROM %s t" % copy.target))
