"""Somebody who does one thing after another, and pauses where the oracle looks."""

import threading
import time

import psycopg

from world import GONE, words


class Actor(threading.Thread):
    def __init__(self, world, name):
        super().__init__(name=name, daemon=True)
        self.world, self.rng = world, world.draw(name)
        self.quiet, self.ended, self.idle = threading.Event(), threading.Event(), threading.Event()
        self.trouble = []

    def run(self):
        while not self.ended.is_set():
            if self.quiet.is_set():
                self.idle.set()
                time.sleep(0.05)
                continue
            self.idle.clear()
            self.turn()


class SessionActor(Actor):
    """In a session that is made anew when it dies; PAUSE: seconds between turns, at the most."""

    PAUSE = 0.5

    def __init__(self, world, name, role, application):
        super().__init__(world, name)
        self.role, self.application, self.session = role, application, None

    def turn(self):
        try:
            if self.session is None or self.session.closed:
                self.session = self.world.connect(self.role, application=self.application)
            self.once(self.session)
        except GONE:
            self.die()
        except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
            self.collided()
        except psycopg.Error as error:
            # an error of the protocol is a finding
            self.trouble.append(words(error))
            self.die()
        time.sleep(self.rng.uniform(0, self.PAUSE))

    def collided(self):
        pass

    def die(self):
        if self.session is not None:
            self.session.close()
        self.session = None
        time.sleep(0.2)
