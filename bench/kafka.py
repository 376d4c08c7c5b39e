"""kafka: events/s from the outbox into Kafka, against kcat -P, which sends messages of the same size, with as many headers and
the same settings, to the same broker: the mock of librdkafka, on this machine.  In a cluster of its own, in which the library is preloaded."""

import json
import os
import resource
import subprocess
import time

from cluster import Cluster
from common import compared, cpu_seconds, finish, table

EVENTS, BYTES, SUBJECTS, RUNS = 100000, 600, 5000, 3
IDLE_SINKS = 50
CLUSTER = Cluster("kafka", 6614)
HERE = os.path.dirname(os.path.abspath(__file__))
SETTINGS = {"linger.ms": "5", "compression.codec": "none", "enable.idempotence": "true", "acks": "all", "partitioner": "murmur2_random"}
# what a message of ours has beside its data; those of kcat are the same for all
HEADERS = {"content-type": "application/json", "ce_specversion": "1.0", "ce_id": "1-100000", "ce_source": "/ingest/7400000000000000000/postgres", "ce_type": "run0.x", "ce_subject": "subject 1000",
           "ce_time": "2026-11-28T12:00:00.123456+00:00", "ce_dataschema": "urn:pg_ingest:run0.x:1"}


class Broker:
    """The mock; it keeps 5 MB a partition, which is not read here."""

    def __init__(self):
        program = os.path.join(CLUSTER.folder, "kafka_mock")
        subprocess.run(["gcc", "-O2", "-o", program, os.path.join(HERE, "..", "test", "delivery", "kafka_mock.c"), "-lrdkafka"], check=True)
        self.process = subprocess.Popen([program, "4"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def kcat(broker):
    """Messages/s, and CPU of each."""
    path = os.path.join(CLUSTER.folder, "messages")
    if not os.path.exists(path):
        with open(path, "w", encoding="utf-8") as file:
            for i in range(EVENTS):
                file.write("subject %d\t%s\n" % (i % SUBJECTS, "x" * BYTES))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    with open(path, encoding="utf-8") as file:
        subprocess.run(["kcat", "-P", "-q", "-b", broker.address, "-t", "ingest", "-K", "\t"] + [a for k, v in SETTINGS.items() for a in ("-X", "%s=%s" % (k, v))] + [a for k, v in HEADERS.items() for a in ("-H", "%s=%s" % (k, v))], stdin=file, check=True)
    took = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return EVENTS / took, (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / EVENTS * 1e6


def worker_pid(conn):
    while True:
        row = conn.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'ingest service'").fetchone()
        if row:
            return row[0]
        time.sleep(0.1)


def helper_pid(worker):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid, encoding="utf-8") as file:
                name, rest = file.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        if name == "ingest_kafka" and rest.split()[1] == str(worker):
            return int(pid)
    return None


def make_sink(conn, name, broker, topic):
    options = {"bootstrap.servers": broker.address, "topic": topic, "security.protocol": "PLAINTEXT", "linger.ms": 5}
    conn.execute("SELECT ingest_delivery.create_sink(%s, 'kafka', %s, types => ARRAY[%s])", (name, json.dumps(options), name + ".*"))


def through_sink(conn, name, broker):
    """Events/s while a sink that was paused catches up, and the CPU of worker and helper for each."""
    make_sink(conn, name, broker, "ingest")
    conn.execute("SELECT ingest_delivery.pause_sink(%s)", (name,))
    time.sleep(2)
    # what is beside the data are seven headers of about 250 bytes
    conn.execute("SELECT count(ingest.emit(%s, 'subject ' || i %% %s, jsonb_build_object('x', repeat('x', %s)))) FROM generate_series(1, %s) i", (name + ".x", SUBJECTS, BYTES - 20, EVENTS))
    conn.execute("VACUUM ANALYZE ingest.event")
    time.sleep(1)
    worker = worker_pid(conn)
    cpu, began = cpu_seconds(worker), time.perf_counter()
    conn.execute("SELECT ingest_delivery.resume_sink(%s)", (name,))
    helper = None
    while conn.execute("SELECT count(*) FROM ingest.read_events('sink ' || %s, 1)", (name,)).fetchone()[0] > 0:
        helper = helper or helper_pid(worker)
        time.sleep(0.01)
    took = time.perf_counter() - began
    used = (cpu_seconds(worker) - cpu) / EVENTS * 1e6
    helped = (cpu_seconds(helper) if helper else 0) / EVENTS * 1e6
    conn.execute("SELECT ingest_delivery.drop_sink(%s)", (name,))
    conn.execute("TRUNCATE ingest.event")
    # its helper goes with it
    while helper_pid(worker):
        time.sleep(0.1)
    return EVENTS / took, used, helped


def anonymous_mb(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8") as file:
        return int(next(line for line in file if line.startswith("RssAnon")).split()[1]) / 1024


def idle(conn, broker):
    """Memory of worker and helper with sinks that have each sent one event."""
    for i in range(IDLE_SINKS):
        make_sink(conn, "idle%d" % i, broker, "idle")
        conn.execute("SELECT ingest.emit(%s, 'a', '{}')", ("idle%d.x" % i,))
    while conn.execute("SELECT count(*) FROM ingest_delivery.sink_status WHERE sent > 0").fetchone()[0] < IDLE_SINKS:
        time.sleep(0.5)
    time.sleep(3)
    worker = worker_pid(conn)
    helper = helper_pid(worker)
    found = anonymous_mb(worker), anonymous_mb(helper)
    conn.execute("SELECT count(ingest_delivery.drop_sink(sink)) FROM ingest_delivery.sink_status")
    while helper_pid(worker):
        time.sleep(0.1)
    return found


def main():
    conn = CLUSTER.connect()
    conn.execute("ALTER DATABASE postgres SET ingest_delivery.allow_http = on")
    conn.execute("ALTER DATABASE postgres SET ingest_delivery.allow_networks = '127.0.0.0/8'")
    conn.close()
    conn = CLUSTER.connect()
    conn.execute("CREATE EXTENSION ingest_delivery CASCADE")
    broker = Broker()
    try:
        worker, helper = idle(conn, broker)
        runs = [(through_sink(conn, "run%d" % i, broker), kcat(broker)) for i in range(RUNS)]
        after = anonymous_mb(worker_pid(conn))
    finally:
        broker.end()
    table([("events/s", "µs CPU worker", "helper", "kcat -P", "µs CPU")] + [
        ("%.0f" % one, "%.1f" % cpu, "%.1f" % helped, "%.0f" % peer, "%.1f" % peer_cpu) for (one, cpu, helped), (peer, peer_cpu) in runs])
    print("with %d idle sinks: worker %.1f MB, helper %.1f MB of memory of their own; after the runs, without sinks: worker %.1f MB" % (IDLE_SINKS, worker, helper, after))
    print("bounds: ratio at least 0.3, memory at most 48 MB")
    finish(ratio=compared("events/s ÷ kcat -P", [r[0][0] for r in runs], [r[1][0] for r in runs]), idle_mb=round(worker + helper, 1))


if __name__ == "__main__":
    main()
