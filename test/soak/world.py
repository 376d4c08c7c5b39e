"""What everybody in the living month shares: the seed, the log of steps, servers, and sessions that survive kills."""

import os
import random
import signal
import subprocess
import threading
import time

import psycopg

BIN = os.environ["MONTH_BIN"]
WORK = os.environ["MONTH_WORK"]
SOCKET = os.environ["MONTH_SOCKET"]
ENGINE_PORT = os.environ["MONTH_ENGINE_PORT"]
SHOP_PORT = os.environ["MONTH_SHOP_PORT"]
DATABASE = "month"

# what a session says when its server, or it alone, was killed
GONE = (psycopg.OperationalError, psycopg.InterfaceError)
# seconds within which a server that was killed must answer again
PATIENCE = 90


class Lost(Exception):
    """The server did not come back."""


class Cluster:
    """A PostgreSQL of the month: it is started, stopped, killed."""

    def __init__(self, name, port):
        self.name, self.port = name, port
        self.data = os.path.join(WORK, name)
        self.log = os.path.join(WORK, name + ".log")

    def dsn(self, database="postgres", user="postgres", application="month"):
        return ("host=%s port=%s dbname=%s user=%s application_name='%s' connect_timeout=10"
                % (SOCKET, self.port, database, user, application))

    def pid(self):
        with open(os.path.join(self.data, "postmaster.pid")) as file:
            return int(file.readline())

    def start(self):
        """Until the last child of the one that was killed has noticed."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            done = subprocess.run([os.path.join(BIN, "pg_ctl"), "-D", self.data, "-w", "-t", "60", "-l", self.log,
                                   "start"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
            if done.returncode == 0:
                return
            time.sleep(0.3)
        raise Lost("the cluster %s did not start within %d s" % (self.name, PATIENCE))

    def stop(self, mode="fast"):
        subprocess.run([os.path.join(BIN, "pg_ctl"), "-D", self.data, "-w", "-t", "60", "-m", mode, "stop"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)

    def kill(self):
        os.kill(self.pid(), signal.SIGKILL)


class World:
    """One month: what is drawn comes from the seed, and what is done stands in the log."""

    def __init__(self, seed, without=(), verbose=False):
        self.seed, self.without, self.verbose = seed, set(without), verbose
        self.rng = random.Random("life %s" % seed)
        self.began = time.monotonic()
        self.steps, self.findings, self.notes, self.owed = [], [], [], {}
        self.kills = {}
        self.roles = {}             # what a role is called now
        self.sources, self.copies = [], []
        self.altered, self.renamed_copy, self.pruned = {}, None, False
        self.engine = Cluster("month", ENGINE_PORT)
        self.shop = Cluster("shop", SHOP_PORT)
        self.sessions = {}
        self.guard = threading.RLock()

    def has(self, name):
        """Whether a trouble or check is not switched off."""
        return name not in self.without

    def draw(self, name):
        """Another stream of the same seed, for a thread of its own."""
        return random.Random("%s %s" % (name, self.seed))

    def seconds(self):
        return time.monotonic() - self.began

    # -- the log --

    def step(self, text, *about):
        """What was done, and to which (table, key)."""
        with self.guard:
            self.steps.append((self.seconds(), text, about))
            if self.verbose:
                print("%8.2f  %s" % (self.steps[-1][0], text), flush=True)

    def steps_about(self, table, key=None):
        return ["%8.2f  %s" % (at, text) for at, text, about in self.steps
                if any(t == table and (key is None or k is None or str(k) == str(key)) for t, k in about)]

    def finding(self, kind, text, detail=()):
        """A fault of the product, or of the test: one of a kind that is owed is counted and no failure."""
        with self.guard:
            if not self.has(kind):
                self.owed[kind] = self.owed.get(kind, 0) + 1
                return
            self.findings.append((self.seconds(), kind, text, list(detail)))
            before = sum(1 for f in self.findings if f[1] == kind)
        print("FOUND at %.1f s: %s: %s" % (self.seconds(), kind, text), flush=True)
        # the first few of a kind in full
        for line in list(detail)[:30] if before <= 4 else []:
            print("    %s" % line[:700], flush=True)

    def note(self, text):
        with self.guard:
            self.notes.append((self.seconds(), text))
        if self.verbose:
            print("%8.2f  note: %s" % (self.seconds(), text), flush=True)

    def killed(self, what):
        self.kills[what] = self.kills.get(what, 0) + 1

    # -- sessions --

    def role(self, name):
        return self.roles.get(name, name)

    def connect(self, role="postgres", database=DATABASE, application="month", cluster=None, **options):
        cluster = cluster or self.engine
        session = psycopg.connect(cluster.dsn(database, self.role(role), application), autocommit=True, **options)
        session.execute("SET TimeZone = 'UTC'")
        session.execute("SET statement_timeout = '90s'")
        if cluster is self.shop:
            # late transactions are this driver's own
            session.execute("SET lock_timeout = '500ms'")
        return session

    def session(self, role="postgres", database=DATABASE, cluster=None):
        key = (role, database, cluster.name if cluster else "", threading.get_ident())
        session = self.sessions.get(key)
        if session is None or session.closed:
            session = self.sessions[key] = self.connect(role, database, cluster=cluster)
        return session

    def forget(self, database=DATABASE):
        """Sessions of this thread in a database that is to be dropped."""
        for key in [k for k in self.sessions if k[1] == database]:
            self.sessions.pop(key).close()

    def ask(self, sql, arguments=None, role="postgres", database=DATABASE, cluster=None):
        """Rows of a statement that may be repeated; waits until the server is there."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                cursor = self.session(role, database, cluster).execute(sql, arguments)
                return cursor.fetchall() if cursor.description else []
            except GONE as error:
                if isinstance(error, psycopg.errors.QueryCanceled) or time.monotonic() > end:
                    raise
                self.drop(role, database, cluster)
                time.sleep(0.1)

    def value(self, sql, arguments=None, **where):
        rows = self.ask(sql, arguments, **where)
        return rows[0][0] if rows else None

    def attempt(self, sql, arguments=None, role="postgres", database=DATABASE, cluster=None):
        """The error of a statement that is tried once, or None; a server that is gone is an error too."""
        try:
            self.session(role, database, cluster).execute(sql, arguments)
            return None
        except GONE as error:
            self.drop(role, database, cluster)
            return error
        except psycopg.Error as error:
            return error

    def drop(self, role, database, cluster=None):
        session = self.sessions.pop((role, database, cluster.name if cluster else "", threading.get_ident()), None)
        if session is not None:
            session.close()


def words(error):
    """An error in one line."""
    text = str(error).strip().split("\n")[0]
    state = getattr(error, "sqlstate", None)
    return "%s %s" % (state, text) if state else text
