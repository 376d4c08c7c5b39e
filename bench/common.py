"""What the benchmarks share: the servers that run.sh started, data, tables of results."""

import json
import math
import os
import statistics
import sys
import threading
import time

import psycopg

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test", "sandbox"))
from netsuite_sandbox.client import Client                      # noqa: E402

FACTS = json.load(open(os.environ["NS_READY"], encoding="utf-8"))
from wide import COLUMNS, ROWS, WIDE, write_csv                  # noqa: E402,F401


def connect():
    return psycopg.connect(os.environ["BENCH_DSN"], autocommit=True)


def server(conn, name="ns", **options):
    """A server and a mapping for the sandbox; earlier ones of the name are replaced."""
    settings = dict({"account": FACTS["account"], "base_url": FACTS["url"], "ca_file": FACTS["ca_file"],
                     "page_size": 1000}, **options)
    conn.execute("CREATE EXTENSION IF NOT EXISTS netsuite_fdw")
    conn.execute("DROP SERVER IF EXISTS %s CASCADE" % name)
    conn.execute("CREATE SERVER %s FOREIGN DATA WRAPPER netsuite_fdw OPTIONS (%s)" % (
        name, ", ".join("%s '%s'" % o for o in settings.items())))
    keys = ("consumer_key", "consumer_secret", "token_id", "token_secret")
    conn.execute("CREATE USER MAPPING FOR CURRENT_USER SERVER %s OPTIONS (%s)" % (
        name, ", ".join("%s '%s'" % (k, FACTS["credentials"][k]) for k in keys)))


def wide_table(conn, name="wide", of="ns"):
    conn.execute("DROP FOREIGN TABLE IF EXISTS " + name)
    conn.execute("CREATE FOREIGN TABLE %s (%s) SERVER %s OPTIONS (\"table\" '%s', key 'id')" % (
        name, ", ".join("%s %s" % (c[0], c[2]) for c in COLUMNS), of, WIDE))


def timed(function):
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def cpu_seconds(pid):
    """User and system time of a process so far: to the nanosecond, or where the kernel does not say in ticks of 10 ms."""
    try:
        with open("/proc/%d/schedstat" % pid, encoding="ascii") as file:
            return int(file.read().split()[0]) / 1e9
    except FileNotFoundError:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            ticks = file.read().rpartition(")")[2].split()[11:13]
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def spread(values):
    """Median, least and most of all runs."""
    return "median %.3f, %.3f to %.3f of %d runs" % (statistics.median(values), min(values), max(values), len(values))


def in_turns(ways, runs):
    """Seconds of all runs of each way, taken in turns so that they share what the machine is doing."""
    seconds = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            seconds[name].append(timed(way)[0])
    return seconds


def middle(seconds):
    return {name: statistics.median(s) for name, s in seconds.items()}


def compared(what, over, under):
    """The median of one way's time over another's, run by run; all of it is printed."""
    ratios = [a / b for a, b in zip(over, under)]
    print("%s: %s" % (what, spread(ratios)))
    return statistics.median(ratios)


def resident(pid):
    """Anonymous memory in MB: shared buffers that a backend touches are not its own."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("RssAnon:")) / 1024


def watched(pid, function):
    """A function's result, and the most memory that the process had meanwhile."""
    peak, done = [0.0], threading.Event()

    def watch():
        while not done.is_set():
            peak[0] = max(peak[0], resident(pid))
            time.sleep(0.01)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        result = function()
    finally:
        done.set()
        watcher.join()
    return result, peak[0]


def upper(events, times):
    """The upper bound of Clopper and Pearson's 95 % interval of a share."""
    if events >= times:
        return 1.0
    low, high = events / times, 1.0
    for _ in range(60):
        p = (low + high) / 2
        # the chance of at most so many events
        total = sum(math.exp(math.lgamma(times + 1) - math.lgamma(k + 1) - math.lgamma(times - k + 1) + k * math.log(p) + (times - k) * math.log1p(-p))
                    for k in range(events + 1))
        low, high = (p, high) if total > 0.025 else (low, p)
    return high


def control(op, **args):
    client = Client(FACTS)
    result = client.control(op, **args)
    client.conn.close()
    return result


def table(rows):
    """Print rows, the first being the head, in aligned columns."""
    widths = [max(len(str(r[i])) for r in rows) for i in range(len(rows[0]))]
    for n, row in enumerate(rows):
        print("  ".join(str(v).ljust(w) for v, w in zip(row, widths)).rstrip())
        if n == 0:
            print("  ".join("-" * w for w in widths))


def finish(**figures):
    print(json.dumps({k: round(v, 3) if isinstance(v, float) else v for k, v in figures.items()}), flush=True)
