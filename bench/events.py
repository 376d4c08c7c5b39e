"""events: writing to the outbox against plain inserts, reading against a plain SELECT and PgQ, and how long NOTIFY takes."""

import json
import threading
import time

from common import compared, connect, finish, middle, table, timed
from syncing import prepare

EVENTS, SIZE, RUNS, PINGS = 50000, 100, 3, 1000
DATA = json.dumps({"order": 4711, "state": "approved", "note": "x" * 120})


def in_transactions(conn, statement):
    """EVENTS of a statement, SIZE to a transaction."""
    def run():
        with conn.pipeline():
            for _ in range(EVENTS // SIZE):
                conn.execute("BEGIN")
                conn.execute(statement)
                conn.execute("COMMIT")
    return timed(run)[0]


def writing(conn):
    """Each SIZE rows come from one statement in both ways: what is compared is the outbox, not round trips."""
    conn.execute("CREATE TABLE plain_event (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, era integer, xid xid8, type text, source text, subject text, time timestamptz, data jsonb)")
    statements = {
        "outbox": "SELECT ingest.emit('com.example.order', 'order/' || i, '%s') FROM generate_series(1, %d) i" % (DATA, SIZE),
        "inserts": "INSERT INTO plain_event (era, xid, type, source, subject, time, data) SELECT 1, pg_current_xact_id(), 'com.example.order', '/ingest/postgres', 'order/' || i, clock_timestamp(), "
                   "'%s' FROM generate_series(1, %d) i" % (DATA, SIZE)}
    seconds = {}
    singles = {
        "outbox, one by one": ("SELECT ingest.emit('com.example.order', 'order/1', '%s')" % DATA),
        "inserts, one by one": ("INSERT INTO plain_event (era, xid, type, source, subject, time, data) VALUES (1, pg_current_xact_id(), 'com.example.order', '/ingest/postgres', 'order/1', clock_timestamp(), '%s')" % DATA)}

    def one_by_one(statement):
        with conn.pipeline():
            for _ in range(EVENTS // SIZE // 5):
                conn.execute("BEGIN")
                for _ in range(SIZE):
                    conn.execute(statement)
                conn.execute("COMMIT")
    for _ in range(RUNS):
        for name, sql in statements.items():
            seconds.setdefault(name, []).append(in_transactions(conn, sql) / EVENTS)
        for name, sql in singles.items():
            seconds.setdefault(name, []).append(timed(lambda s=sql: one_by_one(s))[0] / (EVENTS // 5))
    return seconds


def read_all(conn, limit=2000):
    """Catch up as a consumer does: read, acknowledge, commit, until nothing is left."""
    n = 0
    while True:
        with conn.transaction():
            rows = conn.execute("SELECT id, type, source, subject, time, data::text FROM ingest.read_events('reader', %d)" % limit).fetchall()
            if not rows:
                return n
            conn.execute("SELECT ingest.ack('reader', %d)" % rows[-1][0])
            n += len(rows)


def select_all(conn, limit=2000):
    n = 0
    with conn.transaction(), conn.cursor("c") as cursor:
        cursor.execute("SELECT id, type, source, subject, time, data::text FROM ingest.event ORDER BY id")
        while rows := cursor.fetchmany(limit):
            n += len(rows)
    return n


def pgq_all(conn):
    n = 0
    while True:
        with conn.transaction():
            batch = conn.execute("SELECT pgq.next_batch('bench', 'reader')").fetchone()[0]
            if batch is None:
                return n
            n += len(conn.execute("SELECT ev_id, ev_time, ev_type, ev_data, ev_extra1 FROM pgq.get_batch_events(%d)" % batch).fetchall())
            conn.execute("SELECT pgq.finish_batch(%d)" % batch)


def reading(conn):
    conn.execute("CREATE EXTENSION IF NOT EXISTS pgq")
    conn.execute("SELECT pgq.create_queue('bench'), pgq.register_consumer('bench', 'reader')")
    conn.execute("UPDATE pgq.queue SET queue_ticker_max_count = 2000, queue_ticker_max_lag = '0', queue_ticker_idle_period = '0'")
    conn.execute("SELECT ingest.subscribe('reader', from_start => true)")
    events = conn.execute("SELECT count(*) FROM ingest.event").fetchone()[0]
    for done in range(0, events, 2000):
        conn.execute("SELECT pgq.insert_event('bench', 'com.example.order', '%s', 'order/' || i, NULL, NULL, NULL) FROM generate_series(1, %d) i" % (DATA, min(2000, events - done)))
        conn.execute("SELECT pgq.ticker()")
    conn.execute("VACUUM ANALYZE ingest.event")
    seconds = {"read_events": [], "SELECT": []}
    for _ in range(RUNS):
        conn.execute("UPDATE ingest.subscription SET era = 1, seen = '3:3:', open = NULL, last_id = 0, floor_id = 0, next_xid = NULL, next_id = NULL")
        took, n = timed(lambda: read_all(conn))
        assert n == events, (n, events)
        seconds["read_events"].append(took)
        took, n = timed(lambda: select_all(conn))
        assert n == events
        seconds["SELECT"].append(took)
    took, n = timed(lambda: pgq_all(conn))
    assert n == events, (n, events)
    seconds["PgQ"] = [took] * RUNS       # it gives events once
    return events, seconds


def notifying():
    """From the commit's return to the listener's hearing of it, in milliseconds."""
    heard = {}
    listener, speaker = connect(), connect()
    listener.execute("LISTEN ingest")
    ready = threading.Event()

    def listen():
        ready.set()
        for notify in listener.notifies():
            subject = json.loads(notify.payload)["subject"]
            heard[subject] = time.perf_counter()
            if subject == "last":
                return
    thread = threading.Thread(target=listen)
    thread.start()
    ready.wait()
    time.sleep(0.2)
    said = {}
    for i in range(PINGS):
        subject = "ping/%d" % i if i < PINGS - 1 else "last"
        speaker.execute("SELECT ingest.emit('com.example.ping', %s, '{}')", (subject,))
        said[subject] = time.perf_counter()
        time.sleep(0.002)
    thread.join(30)
    lags = sorted(max(0.0, heard[s] - said[s]) * 1000 for s in said)
    return lags[len(lags) // 2], lags[int(len(lags) * 0.99)]


def main():
    conn = prepare({})
    wrote = writing(conn)
    events, seconds = reading(conn)
    median, p99 = notifying()
    table([("writing", "events/s")] + [(n, "%.0f" % (1 / s)) for n, s in middle(wrote).items()])
    table([("reading %d" % events, "events/s")] + [(n, "%.0f" % (events / s)) for n, s in middle(seconds).items()])
    print("NOTIFY after commit: median %.2f ms, p99 %.2f ms" % (median, p99))
    print("bounds: writing at least 0.4 × inserts, reading at least 0.3 × SELECT, p99 within 10 ms")
    bulk = compared("inserts ÷ outbox", wrote["inserts"], wrote["outbox"])
    single = compared("the same one by one", wrote["inserts, one by one"], wrote["outbox, one by one"])
    finish(write_ratio=min(bulk, single), read_ratio=compared("PgQ ÷ read_events", seconds["PgQ"], seconds["read_events"]),
           select_ratio=compared("SELECT ÷ read_events", seconds["SELECT"], seconds["read_events"]), notify_p99_ms=p99, bulk_write_ratio=bulk)


if __name__ == "__main__":
    main()
