"""The same statements over foreign tables and over local copies: any difference is a finding.

A query is a list of statements that run in one transaction, with the same settings on both sides; every statement's
rows (or SQLSTATE) are compared: as a multiset, or in order where the query says that its order is total.  Numbers are
compared by value, as the documentation lets numbers that NetSuite computes come without trailing zeros.
"""

import collections
import os
import queue
import random
import re
import threading
import time
from decimal import Decimal

import psycopg
from psycopg import pq

from world import SERVERS, ZONE, ZONES, prepare_sandbox

TIMEZONES = ["UTC", "Europe/Vienna", "America/Los_Angeles", "Asia/Kolkata", "America/Santiago", "Australia/Lord_Howe",
             "Pacific/Apia", "Africa/Casablanca", "Asia/Tokyo", "Asia/Beirut"]
PLANNERS = [[], [], [], ["enable_hashjoin", "enable_mergejoin"], ["enable_nestloop"], ["enable_hashagg"], ["enable_sort"],
            ["enable_memoize", "enable_material"], ["enable_hashjoin", "enable_nestloop"], ["enable_incremental_sort"],
            ["enable_mergejoin", "enable_memoize"]]
PLACES = ["f1000"] * 11 + ["f97"] * 5 + ["f7"] + ["f9"] * 2 + ["fest"] * 2
NUMERIC, RECORDS = 1700, {2249, 2287}
NUMBER_IN_TEXT = re.compile(r"(?<![\w.])-?\d*\.\d+(?![\w.])")
LOST = "the server crashed"


class Query:
    """Statements to compare; zone names the account's where it is not the usual one.

    parts: what the statements are made of, and the function that makes them of fewer."""

    __slots__ = ("family", "steps", "ordered", "settings", "place", "zone", "number", "parts")

    def __init__(self, family, *steps, ordered=False, settings=None, place=None, zone=None, parts=None):
        self.family, self.steps, self.ordered, self.zone, self.parts = family, list(steps), ordered, zone, parts
        self.settings, self.place, self.number = dict(settings or {}), "f1000" if zone else place, 0

    def draw(self, number, rng):
        """Settings that the query leaves open."""
        self.number = number
        self.place = self.place or rng.choice(PLACES)
        self.settings.setdefault("timezone", rng.choice(TIMEZONES))
        self.settings.setdefault("plan_cache_mode", rng.choice(["auto", "force_generic_plan", "force_custom_plan"]))
        for name in rng.choice(PLANNERS):
            self.settings.setdefault(name, "off")

    def text(self, place):
        begin = ["BEGIN", "SET LOCAL search_path = %s, public" % place]
        begin += ["SET LOCAL %s = '%s'" % s for s in sorted(self.settings.items())]
        return begin, self.steps


def plain(value, type_):
    """A value as it is compared."""
    if value is None:
        return None
    text = value.decode("utf-8", "backslashreplace")
    if type_ == NUMERIC and text not in ("NaN", "Infinity", "-Infinity"):
        number = Decimal(text)
        return str(number.quantize(1) if number == number.to_integral() and abs(number) < 10 ** 25 else number.normalize())
    if type_ in RECORDS or text[:1] in "({[":
        return NUMBER_IN_TEXT.sub(lambda m: m.group().rstrip("0").rstrip("."), text)
    return text


class Session:
    """A connection that runs a query's statements and gives the answer of each."""

    def __init__(self):
        self.conn = None

    def connect(self):
        for _ in range(600):
            self.conn = pq.PGconn.connect(b"")
            if self.conn.status == pq.ConnStatus.OK:
                self.conn.exec_(b"SET client_min_messages = error; SET statement_timeout = '100s'")
                return
            time.sleep(0.1)
        raise RuntimeError("cannot connect: " + self.conn.error_message.decode())

    def results(self, text):
        try:
            self.conn.send_query(text.encode())
            while (result := self.conn.get_result()) is not None:
                yield result
        except psycopg.OperationalError:
            # the server is gone; the caller sees it by the connection's status
            return

    def run(self, query, place):
        """[("rows", [...]) or ("error", SQLSTATE, words)] of each statement."""
        if self.conn is None or self.conn.status != pq.ConnStatus.OK:
            self.connect()
        begin, steps = query.text(place)
        answers = []
        for result in self.results("; ".join(begin + steps)):
            if result.status == pq.ExecStatus.TUPLES_OK:
                types = [result.ftype(c) for c in range(result.nfields)]
                answers.append(("rows", [tuple(plain(result.get_value(r, c), t) for c, t in enumerate(types))
                                         for r in range(result.ntuples)]))
            elif result.status == pq.ExecStatus.COMMAND_OK:
                answers.append(("done",))
            else:
                code = result.error_field(pq.DiagnosticField.SQLSTATE)
                words = (result.error_message or b"").decode("utf-8", "replace").strip()
                answers.append(("error", code.decode() if code else LOST, words))
        if self.conn.status != pq.ConnStatus.OK:
            self.conn = None
            return [("error", LOST, "")]
        list(self.results("ROLLBACK; DEALLOCATE ALL; CLOSE ALL"))
        # what does not parse fails before anything is run
        return answers[len(begin):] or answers[-1:]

    def explain(self, query, place):
        """The plan of the last statement that has one."""
        begin, steps = query.text(place)
        for i in range(len(steps) - 1, -1, -1):
            if re.match(r"\s*(SELECT|WITH|VALUES|\(|EXECUTE|TABLE)", steps[i]):
                text = steps[i]
            elif match := re.match(r"DECLARE .*? FOR (.*)", steps[i], re.S):
                text = match.group(1)
            else:
                continue
            if self.conn is None or self.conn.status != pq.ConnStatus.OK:
                self.connect()
            lines = []
            for result in list(self.results("; ".join(begin + steps[:i] + ["EXPLAIN (VERBOSE, COSTS OFF) " + text]))):
                if result.status == pq.ExecStatus.FATAL_ERROR:
                    lines = [result.error_message.decode("utf-8", "replace").strip()]
                elif result.nfields == 1 and result.fname(0) == b"QUERY PLAN":
                    lines = [result.get_value(r, 0).decode("utf-8", "replace") for r in range(result.ntuples)]
            if self.conn.status == pq.ConnStatus.OK:
                list(self.results("ROLLBACK; DEALLOCATE ALL"))
            return "\n".join(lines)
        return ""


def same(a, b, ordered):
    if a[0] != b[0]:
        return False
    if a[0] == "rows":
        return a[1] == b[1] if ordered else collections.Counter(a[1]) == collections.Counter(b[1])
    return a[0] != "error" or a[1] == b[1]


def shown(text):
    """Without bytes that a terminal heeds."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def short(value):
    text = repr(value)
    return text if len(text) <= 300 else text[:280] + "... (%d characters)" % len(text)


def tell(here, there):
    """What one answer has and the other has not."""
    if here[0] == there[0] == "rows":
        a, b = collections.Counter(here[1]), collections.Counter(there[1])
        if a == b:
            at = next(i for i, (x, y) in enumerate(zip(here[1], there[1])) if x != y)
            return "    order: row %d is here %s, there %s" % (at + 1, short(here[1][at]), short(there[1][at]))
        lines = ["    rows: %d here, %d there" % (len(here[1]), len(there[1]))]
        for name, only in (("here", a - b), ("there", b - a)):
            lines += ["    only %s: %s" % (name, short(row)) for row in list(only.elements())[:4]]
        return "\n".join(lines)
    return "    here: %s\n    there: %s" % tuple(
        "%d rows, first %s" % (len(x[1]), short(x[1][:1])) if x[0] == "rows" else " ".join(map(short, x[1:])) or "done" for x in (here, there))


class Run:
    """Queries over several sessions; what may have been hit by another's crash is run again alone."""

    def __init__(self, jobs, out=print):
        self.jobs, self.out, self.lock = jobs, out, threading.Lock()
        self.differences, self.suspects, self.codes, self.done = [], [], collections.Counter(), 0
        self.families = collections.Counter()

    def ask(self, sessions, query):
        """None if the answers are the same, LOST, or the words about their difference."""
        here = sessions[0].run(query, "truth")
        there = sessions[1].run(query, query.place)
        if here[-1][1:] == (LOST, "") or there[-1][1:] == (LOST, ""):
            # the postmaster takes the others down a moment after the one that crashed
            time.sleep(0.5)
            for session in sessions:
                session.conn = None
            return LOST
        if here[-1][0] == "error":
            with self.lock:
                self.codes[here[-1][1]] += 1
                if os.environ.get("ERRORS"):
                    self.out("%s\n    %s" % ("; ".join(query.steps), here[-1][2]))
        if len(here) == len(there):
            wrong = next((i for i in range(len(here)) if not same(here[i], there[i], query.ordered)), None)
            if wrong is None:
                return None
        else:
            wrong = min(len(here), len(there)) - 1
            wrong = next((i for i in range(wrong + 1) if not same(here[i], there[i], query.ordered)), wrong)
        return "    statement %d\n%s" % (wrong + 1, tell(here[wrong], there[wrong]))

    def shrink(self, sessions, query, words):
        """The same query of as few parts as still differ."""
        some, make = query.parts
        size = len(some)
        while size > 1:
            size = (size + 1) // 2
            for at in range(0, len(some), size):
                query.steps = make(some[at:at + size])
                if found := self.ask(sessions, query):
                    some, words = some[at:at + size], found
                    break
            else:
                break
        query.steps = make(some)
        return words

    def found(self, sessions, query, words):
        if query.parts:
            words = self.shrink(sessions, query, words)
        begin, steps = query.text(query.place)
        text = "-- %d %s\n%s;\n%s\n%s" % (query.number, query.family, ";\n".join(begin[1:] + steps), words,
                                        "" if words == LOST else "    " + sessions[1].explain(query, query.place).replace("\n", "\n    "))
        with self.lock:
            self.differences.append((query, text))
            self.out(shown(text if len(text) < 6000 else text[:6000] + "..."))

    def work(self, todo):
        sessions = Session(), Session()
        while True:
            try:
                query = todo.get_nowait()
            except queue.Empty:
                return
            words = self.ask(sessions, query)
            with self.lock:
                self.done += 1
                self.families[query.family] += 1
            if words == LOST:
                with self.lock:
                    self.suspects.append(query)
            elif words:
                self.found(sessions, query, words)

    def alone(self, limit=25):
        """Those that met a crash, one by one; after some crashes the rest is only counted."""
        crashes = 0
        while self.suspects and crashes < limit:
            query = self.suspects.pop(0)
            sessions = Session(), Session()
            words = self.ask(sessions, query)
            if words:
                crashes += words == LOST
                self.found(sessions, query, words)
        for query in self.suspects:
            self.found(sessions, query, LOST + ", or another's query did: not run again")

    def all(self, queries):
        for zone in [None] + sorted({q.zone for q in queries if q.zone}):
            prepare_sandbox(ZONES[zone][0] if zone else ZONE)
            todo = queue.Queue()
            for query in queries:
                if query.zone == zone:
                    todo.put(query)
            threads = [threading.Thread(target=self.work, args=(todo,)) for _ in range(self.jobs)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.alone()
        prepare_sandbox(ZONE)
        return self.differences


def draw(queries, seed):
    """Number the queries and draw what they leave open; the same for the same seed."""
    for number, query in enumerate(queries, 1):
        query.draw(number, random.Random("%s %d" % (seed, number)))
    return queries


assert set(PLACES) <= set(SERVERS)
