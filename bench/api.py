"""What api_rest and api_graphql share: a shop of 20 regions, 2,000 customers and 20,000 invoices with its lineage, exposed by ingest_api
and carried by the gateway; PostGraphile, one process, on the same tables and views of the same server, as the same role; and wrk, which asks
each in turn over eight connections that stay open.

What either side pays is counted: CPU of its program and of its backends.  Ours looks at a token with each request; PostGraphile is
logged in as the role and looks at nobody.  It is told what makes it fast: no log of queries, no GraphiQL, NODE_ENV=production, and to keep its sessions: one that ends
while a run goes takes with it what it used.
wrk's own CPU is not counted.  Answers are compared before anything is measured: values, their order and nesting; names differ."""

import atexit
import http.client
import json
import math
import os
import re
import socket
import statistics
import subprocess
import threading
import time
import urllib.parse

from cluster import BIN, Cluster
from common import finish, resident, spread, table

PAIRS, SECONDS, CONNECTIONS = 5, 4, 8
SHOP = """
CREATE EXTENSION ingest CASCADE;
CREATE EXTENSION ingest_api;
CREATE ROLE fin LOGIN;
GRANT ingest_operator TO fin;
GRANT fin TO ingest_authenticator;
CREATE SCHEMA shop AUTHORIZATION fin;
SET SESSION AUTHORIZATION fin;
CREATE TABLE shop.region (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO shop.region SELECT i, 'Region ' || i FROM generate_series(1, 20) i;
CREATE TABLE shop.customer (id int PRIMARY KEY, name text NOT NULL, active bool NOT NULL, region_id int NOT NULL REFERENCES shop.region);
INSERT INTO shop.customer SELECT i, 'Customer ' || i, i % 3 > 0, 1 + i % 20 FROM generate_series(1, 2000) i;
CREATE INDEX ON shop.customer (region_id);
CREATE TABLE shop.invoice (id int PRIMARY KEY, amount numeric(12, 2) NOT NULL, state text NOT NULL, dated date NOT NULL, customer_id int NOT NULL REFERENCES shop.customer);
INSERT INTO shop.invoice SELECT i, i * 1.25, (ARRAY['open', 'paid'])[1 + i / 7 % 2], date '2026-01-01' + i % 300, 1 + i % 2000 FROM generate_series(1, 20000) i;
CREATE INDEX ON shop.invoice (customer_id);
CREATE VIEW shop.slow AS SELECT 1 AS id, pg_sleep(3)::text AS slept;
SELECT format('CREATE TABLE shop.%s (id int PRIMARY KEY)', t) FROM unnest('{staged,cleaned,fact,dimension,monthly,yearly,report}'::text[]) t \\gexec
SELECT ingest.set_lineage('shop.' || a, 'shop.' || b) FROM (VALUES ('invoice', 'staged'), ('customer', 'dimension'), ('staged', 'cleaned'), ('cleaned', 'fact'),
    ('dimension', 'fact'), ('fact', 'monthly'), ('monthly', 'yearly'), ('monthly', 'report'), ('yearly', 'report')) e (a, b);
SELECT ingest_api.expose('shop.region', 'regions'), ingest_api.expose('shop.customer', 'customers'), ingest_api.expose('shop.invoice', 'invoices'), ingest_api.expose('shop.slow', 'slow');
RESET SESSION AUTHORIZATION;
VACUUM ANALYZE;
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_of_process(pid):
    """User and system time of a process with all of its threads, those that have ended, too."""
    with open("/proc/%d/stat" % pid, encoding="ascii") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")


def values(text):
    """What an answer says without the names: objects are lists of their values, connections are their rows, numbers their digits."""
    def bare(x):
        if isinstance(x, dict):
            x = [bare(v) for v in x.values()]
            return x[0] if len(x) == 1 else x
        return [bare(v) for v in x] if isinstance(x, list) else x
    answer = json.loads(text, parse_float=str, parse_int=str)
    assert not isinstance(answer, dict) or "errors" not in answer, text
    return bare(answer)


class Side:
    """A program that answers, the role that its sessions log in as, and the folder for what wrk is told."""

    def __init__(self, name, cluster, user, command, port, headers, **env):
        self.name, self.cluster, self.user, self.port, self.headers = name, cluster, user, port, headers
        self.log = open(os.path.join(cluster.folder, name + ".log"), "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=dict(os.environ, **env))
        atexit.register(self.stop)
        until = time.time() + 60
        while True:
            try:
                return socket.create_connection(("127.0.0.1", port)).close()
            except OSError:
                if time.time() > until or self.process.poll() is not None:
                    raise RuntimeError("%s did not start: %s" % (name, open(self.log.name, encoding="utf-8").read())) from None
                time.sleep(0.1)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def ask(self, request):
        method, path, body = request
        conn = http.client.HTTPConnection("127.0.0.1", self.port)
        conn.request(method, path, body, self.headers)
        answer = conn.getresponse()
        text = answer.read().decode()
        conn.close()
        assert answer.status == 200, text
        return text

    def backends(self, conn):
        return [pid for pid, in conn.execute("SELECT pid FROM pg_stat_activity WHERE usename = %s AND backend_type = 'client backend'", (self.user,))]

    def run(self, conn, request):
        """Of a run of wrk: CPU of a request in ms, requests/s, p99 in ms."""
        method, path, body = request
        script = os.path.join(self.cluster.folder, self.name + ".lua")
        with open(script, "w", encoding="utf-8") as file:
            file.write("wrk.method = %s\n" % json.dumps(method))
            if body:
                file.write("wrk.body = [==[%s]==]\n" % body)
            file.writelines("wrk.headers[%s] = %s\n" % (json.dumps(k), json.dumps(v)) for k, v in self.headers.items())
            file.write("""done = function(s, latency)
  local e = s.errors
  print(string.format("RESULT %d %d %d %d", s.requests, s.duration, latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end\n""")
        pids = [self.process.pid, *self.backends(conn)]
        before = sum(map(cpu_of_process, pids))
        out = subprocess.run(["wrk", "--timeout", "60s", "-t", "1", "-c", str(CONNECTIONS), "-d", "%ds" % SECONDS, "-s", script, "http://127.0.0.1:%d%s" % (self.port, path)], check=True, capture_output=True, text=True).stdout
        used = sum(map(cpu_of_process, pids)) - before
        requests, duration, p99, errors = map(int, re.search(r"RESULT (.*)", out).group(1).split())
        assert errors == 0 and requests > 0, out
        # sessions that came meanwhile would not have been counted
        assert set(self.backends(conn)) <= set(pids), "%s opened sessions" % self.name
        return used / requests * 1e3, requests / (duration / 1e6), p99 / 1e3

    def memory(self, conn):
        """MB of the program, and with its backends."""
        own = resident(self.process.pid)
        return own, own + sum(map(resident, self.backends(conn)))


def start(name):
    cluster = Cluster(name, 6620, "ingest_api.requests_per_minute = 0\nlog_min_messages = warning")
    subprocess.run([os.path.join(BIN, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", cluster.folder, "-p", str(cluster.port), "-U", "postgres"],
                   input=SHOP, text=True, check=True, stdout=subprocess.DEVNULL)
    with cluster.connect("fin") as conn:
        token = conn.execute("SELECT ingest_api.create_token('bench')").fetchone()[0]
    port = free_port()
    ours = Side("gateway", cluster, "ingest_authenticator",
                [os.path.join(BIN, "pg_ingest_gateway"), "--listen", "127.0.0.1:%d" % port, "--dsn", "host=%s port=%d dbname=postgres user=ingest_authenticator" % (cluster.folder, cluster.port)],
                port, {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    port = free_port()
    peer = Side("postgraphile", cluster, "fin",
                ["node", os.path.join(os.environ["POSTGRAPHILE_PATH"], "postgraphile", "cli.js"), "-c", "postgres://fin@%s:%d/postgres?idleTimeoutMillis=3600000" % (urllib.parse.quote(cluster.folder, safe=""), cluster.port),
                 "-s", "shop,ingest_api", "--include-extension-resources", "--disable-default-mutations", "--legacy-relations", "omit", "--disable-query-log", "--disable-graphiql", "-n", "127.0.0.1", "-p", str(port)],
                port, {"Content-Type": "application/json"}, NODE_ENV="production")
    return cluster, ours, peer


def warm(side, request):
    """All sessions of its pool are there and have their plans, and the program's code is compiled: more connections than the pool has, for a while."""
    def some():
        until = time.time() + 2
        while time.time() < until:
            side.ask(request)
    threads = [threading.Thread(target=some) for _ in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def slowly(side, request, done):
    while not done.is_set():
        side.ask(request)


def compare(cluster, ours, peer, queries, slow):
    """queries: by name, our request and PostGraphile's; slow: our request that takes three seconds"""
    conn = cluster.connect()
    for name, (our, its) in queries.items():
        a, b = values(ours.ask(our)), values(peer.ask(its))
        assert a == b, "%s: answers differ:\n%s\n%s" % (name, a, b)
        assert len(a) > 1, a
        for side, request in ((ours, our), (peer, its)):
            warm(side, request)
    runs = {name: [] for name in queries}
    for _ in range(PAIRS):
        for name, (our, its) in queries.items():
            runs[name].append((ours.run(conn, our), peer.run(conn, its)))
    memory = ours.memory(conn), peer.memory(conn)
    rows = [("query", "ms CPU", "PostGraphile", "requests/s", "PostGraphile", "p99 ms", "PostGraphile")]
    ratios = {}
    for name, pairs in runs.items():
        rows += [(name, *("%.3f" % p[0] for p in pair), *("%.0f" % p[1] for p in pair), *("%.1f" % p[2] for p in pair)) for pair in pairs]
    table(rows)
    for name, pairs in runs.items():
        cpu, wall = [b[0] / a[0] for a, b in pairs], [a[1] / b[1] for a, b in pairs]
        print("%s: CPU %s; rate %s" % (name, spread(cpu), spread(wall)))
        ratios[name] = statistics.median(cpu), statistics.median(wall)
    list_query = next(iter(queries.values()))[0]
    slowed = []
    for _ in range(PAIRS):
        alone = ours.run(conn, list_query)[2]
        done = threading.Event()
        thread = threading.Thread(target=slowly, args=(ours, slow, done))
        thread.start()
        time.sleep(0.2)
        slowed.append(ours.run(conn, list_query)[2] / alone)
        done.set()
        thread.join()
    print("p99 beside a request of three seconds ÷ alone: %s" % spread(slowed))
    print("MB of the program: %.1f, PostGraphile %.1f; with its backends %.1f, %.1f" % (memory[0][0], memory[1][0], memory[0][1], memory[1][1]))
    print("bounds: CPU at least 3 ×, the least of the queries 2 ×, rate 3 ×, memory of the program 8 ×, p99 at most 2 ×")
    cpus, walls = zip(*ratios.values())
    finish(cpu_ratio=math.prod(cpus) ** (1 / len(cpus)), cpu_ratio_least=min(cpus), wall_ratio=math.prod(walls) ** (1 / len(walls)),
           memory_ratio=memory[1][0] / memory[0][0], slow_p99_ratio=statistics.median(slowed))
