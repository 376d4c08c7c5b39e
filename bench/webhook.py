"""webhook: events/s from the outbox to a receiver, against a bare loop over libcurl that sends the same signed bodies to the
same nginx; batches of 100 against wrk's single requests; and how long an event takes from its commit to its receipt at 200
events/s.  In a cluster of its own, in which the library is preloaded."""

import http.server
import json
import os
import re
import statistics
import subprocess
import threading
import time

from cluster import Cluster
from common import compared, cpu_seconds, finish, table

EVENTS, BYTES, CONNECTIONS, RUNS = 20000, 600, 8, 3
RATE, SECONDS = 200, 10
CLUSTER = Cluster("webhook", 6613)
NGINX = """daemon off; worker_processes 1; error_log stderr; pid %(folder)s/nginx.pid;
events { worker_connections 512; }
http { access_log off; client_body_temp_path %(folder)s/body; proxy_temp_path %(folder)s/p; fastcgi_temp_path %(folder)s/f; uwsgi_temp_path %(folder)s/u; scgi_temp_path %(folder)s/s;
  client_body_buffer_size 2m; client_max_body_size 4m; keepalive_requests 100000000;
  server { listen 127.0.0.1:%(port)d backlog=512; location / { return 204; } } }
"""


def start_nginx(port):
    conf = os.path.join(CLUSTER.folder, "nginx.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write(NGINX % {"folder": CLUSTER.folder, "port": port})
    return subprocess.Popen(["/usr/sbin/nginx", "-c", conf, "-p", CLUSTER.folder, "-e", "stderr"])


class Server(http.server.ThreadingHTTPServer):
    # with five places, as it has otherwise, eight connections at once wait for the kernel to try again, for seconds
    request_queue_size = 128


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        at = time.time()
        self.server.lags.append(at - json.loads(body)["data"]["at"])
        self.send_response(204)
        self.end_headers()


def peer(program, port):
    out = subprocess.run([program, "http://127.0.0.1:%d/x" % port, str(EVENTS), str(CONNECTIONS), str(BYTES)], check=True, capture_output=True, text=True).stdout
    seconds, cpu = map(float, out.split())
    return EVENTS / seconds, cpu / EVENTS * 1e6


def wrk(port):
    script = os.path.join(CLUSTER.folder, "post.lua")
    with open(script, "w", encoding="utf-8") as file:
        file.write('wrk.method = "POST"\nwrk.body = string.rep("x", %d)\n' % BYTES)
    out = subprocess.run(["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", "3s", "-s", script, "http://127.0.0.1:%d/x" % port], check=True, capture_output=True, text=True).stdout
    return float(re.search(r"Requests/sec: +([0-9.]+)", out).group(1))


def worker_pid(conn):
    while True:
        row = conn.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'").fetchone()
        if row:
            return row[0]
        time.sleep(0.1)


def through_sink(conn, name, port, options):
    """Events/s while a sink that was paused catches up, and the worker's CPU for each."""
    conn.execute("SELECT ingest_delivery.create_sink(%s, 'webhook', %s, types => '{bench.*}')", (name, json.dumps(dict({"url": "http://127.0.0.1:%d/x" % port, "secret": "mapping:ingest_secrets/one", "max_in_flight": CONNECTIONS}, **options))))
    conn.execute("SELECT ingest_delivery.pause_sink(%s)", (name,))
    # the worker looks at its sinks each second: until then it would send what comes
    time.sleep(2)
    # what is beside the data is about 300 bytes
    conn.execute("SELECT count(ingest.emit('bench.x', 'subject ' || i %% 1000, jsonb_build_object('x', repeat('x', %s)))) FROM generate_series(1, %s) i", (BYTES - 300, EVENTS))
    conn.execute("VACUUM ANALYZE ingest.event")
    time.sleep(1)
    pid = worker_pid(conn)
    cpu, began = cpu_seconds(pid), time.perf_counter()
    conn.execute("SELECT ingest_delivery.resume_sink(%s)", (name,))
    while conn.execute("SELECT count(*) FROM ingest.read_events('sink ' || %s, 1)", (name,)).fetchone()[0] > 0:
        time.sleep(0.05)
    took = time.perf_counter() - began
    used = cpu_seconds(pid) - cpu
    conn.execute("SELECT ingest_delivery.drop_sink(%s)", (name,))
    return EVENTS / took, used / EVENTS * 1e6


def latency(conn):
    server = Server(("127.0.0.1", 0), Receiver)
    server.lags = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    conn.execute("SELECT ingest_delivery.create_sink('lag', 'webhook', %s, types => '{lag.*}')", (json.dumps({"url": "http://127.0.0.1:%d/x" % server.server_address[1], "secret": "mapping:ingest_secrets/one"}),))
    time.sleep(1.5)
    for i in range(RATE * SECONDS):
        began = time.perf_counter()
        conn.execute("SELECT ingest.emit('lag.x', %s, jsonb_build_object('at', %s::float8))", ("s%d" % (i % 50), time.time()))
        time.sleep(max(0, 1 / RATE - (time.perf_counter() - began)))
    time.sleep(2)
    conn.execute("SELECT ingest_delivery.drop_sink('lag')")
    server.shutdown()
    assert len(server.lags) == RATE * SECONDS, len(server.lags)
    lags = sorted(lag * 1000 for lag in server.lags)
    return lags[len(lags) // 2], lags[int(len(lags) * 0.99)]


def main():
    conn = CLUSTER.connect()
    conn.execute("ALTER DATABASE postgres SET ingest_delivery.allow_http = on")
    conn.execute("ALTER DATABASE postgres SET ingest_delivery.allow_networks = '127.0.0.0/8'")
    conn.close()
    conn = CLUSTER.connect()
    conn.execute("CREATE EXTENSION ingest_delivery CASCADE")
    conn.execute("CREATE USER MAPPING FOR CURRENT_USER SERVER ingest_secrets OPTIONS (one 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')")
    program = os.path.join(CLUSTER.folder, "peer")
    subprocess.run(["gcc", "-O2", "-o", program, os.path.join(os.path.dirname(os.path.abspath(__file__)), "webhook_peer.c"), "-lcurl", "-lcrypto"], check=True)
    port = 16613
    nginx = start_nginx(port)
    try:
        time.sleep(1)
        runs = [(through_sink(conn, "single%d" % i, port, {}), peer(program, port), through_sink(conn, "batch%d" % i, port, {"mode": "batch"}), wrk(port)) for i in range(RUNS)]
        lags = [latency(conn) for _ in range(RUNS)]
    finally:
        nginx.terminate()
    table([("events/s", "µs CPU", "libcurl", "µs CPU", "batches of 100", "µs CPU", "wrk")] + [
        ("%.0f" % one, "%.0f" % cpu, "%.0f" % curl, "%.0f" % curl_cpu, "%.0f" % batch, "%.0f" % batch_cpu, "%.0f" % w) for (one, cpu), (curl, curl_cpu), (batch, batch_cpu), w in runs])
    table([("median ms", "p99 ms")] + [("%.1f" % m, "%.1f" % p) for m, p in lags])
    print("bounds: ratio at least 0.35, batches at least 0.5 × wrk's requests, p99 within 25 ms")
    compared("events/s ÷ wrk", [r[0][0] for r in runs], [r[3] for r in runs])
    compared("CPU of an event ÷ libcurl's", [r[0][1] for r in runs], [r[1][1] for r in runs])
    finish(ratio=compared("events/s ÷ libcurl", [r[0][0] for r in runs], [r[1][0] for r in runs]),
           batch_ratio=compared("batches ÷ wrk", [r[2][0] for r in runs], [r[3] for r in runs]), p99_ms=statistics.median(p for _, p in lags))


if __name__ == "__main__":
    main()
