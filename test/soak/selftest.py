"""Each check is seen failing: in a world that is right, something is spoilt by hand, and the judge must find it."""

import os
import signal
import time

import judge as rules


# a comparison of keys would mend what is spoilt once
SPOILING = """CREATE FUNCTION shop_copies.spoiling() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.v := -12345.5; RETURN NEW; END';
    CREATE TRIGGER spoiling BEFORE INSERT OR UPDATE ON shop_copies.pair FOR EACH ROW EXECUTE FUNCTION shop_copies.spoiling();
    ALTER TABLE shop_copies.pair ENABLE ALWAYS TRIGGER spoiling"""


def selftest(world, judge, threads):
    """How many checks did not find what was spoilt; the world is of no use afterwards."""
    def sql(text, *arguments):
        world.ask(text, arguments or None)

    def copy_of(name):
        return next(c for c in world.copies if c.target == name)

    consumer = next(t for t in threads if getattr(t, "consumer", None) == "all-olga")
    item = copy_of("shop_copies.item")
    # one after which rows changed: as_of takes that back
    moment = next((m for m in judge.moments.seen if m[1] is item and m[2] and world.value(
        "SELECT count(*) > 0 FROM ingest.change WHERE sync = (SELECT id FROM ingest.sync WHERE name = %s) AND seen_at "
        "> %s AND operation IN ('update', 'delete')", (item.target, m[0]))), None)

    def unseen(text):
        """A change of a copy that nobody records."""
        sql("ALTER TABLE shop_copies.pair DISABLE TRIGGER witness; %s; ALTER TABLE shop_copies.pair ENABLE ALWAYS "
            "TRIGGER witness" % text)

    def one_history():
        judge.moments.seen[:] = [moment]
        judge.history(1)

    def crash():
        pid = world.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'background writer'")
        os.kill(pid, signal.SIGSEGV)
        time.sleep(2)
        world.ask("SELECT 1")

    def patient(check):
        rules.CALM, before = 4, rules.CALM
        try:
            check()
        finally:
            rules.CALM = before

    def forget_reads():
        """The engine forgets what was acknowledged."""
        sql("UPDATE ingest.subscription SET era = 1, seen = '3:3:', open = NULL, last_id = 0, floor_id = 0, next_xid "
            "= NULL, next_id = NULL WHERE consumer = 'all-olga'")

    trials = [
        ("copy", lambda: unseen(SPOILING + "; UPDATE shop_copies.pair SET v = 0"), lambda: (judge.copies(), sql(
            "DROP TRIGGER spoiling ON shop_copies.pair"))),
        ("history", lambda: sql("UPDATE ingest.change SET before = before || '{\"name\": \"spoilt\"}' WHERE sync = "
                                "(SELECT id FROM ingest.sync WHERE name = %s) AND seen_at > %s AND before IS NOT NULL",
                                item.target, moment[0]), one_history) if moment else None,
        ("history-replay", lambda: sql("DELETE FROM ingest.change WHERE seq = (SELECT max(seq) FROM ingest.change "
                                       "WHERE operation IN ('insert', 'load') AND sync = (SELECT id FROM ingest.sync "
                                       "WHERE name = %s))", item.target),
         lambda: judge.replay(item)),
        ("outbox", lambda: sql("DELETE FROM ingest.event WHERE id = (SELECT max(id) FROM ingest.event WHERE type = "
                               "'org.month.tick')"), judge.events),
        ("outbox", lambda: sql("DELETE FROM witness.emitted WHERE n = (SELECT min(n) FROM witness.emitted)"),
         judge.events),
        ("events-lost", lambda: consumer.received.pop(max(consumer.received)), lambda: judge.consumer(consumer)),
        ("event-strange", lambda: consumer.received.update({10 ** 12: ("no.such", "{}")}),
         lambda: judge.consumer(consumer)),
        ("event-again", forget_reads, judge.events),
        ("event-changed", lambda: sql("UPDATE ingest.event SET data = '{\"spoilt\": 1}' WHERE id = (SELECT max(id) "
                                      "FROM ingest.event WHERE type = 'ingest.sync.completed' AND owner = "
                                      "'olga'::regrole)"),
         lambda: (forget_reads(), judge.events())),
        ("books-runs", lambda: sql("UPDATE ingest.run SET rows_inserted = rows_inserted + 1 WHERE id = (SELECT "
                                   "max(id) FROM ingest.run WHERE kind = 'sync' AND rows_inserted > 0)"), judge.books),
        ("books-idle", lambda: sql("UPDATE shop_copies.word SET word = word WHERE ctid = (SELECT min(ctid) FROM "
                                   "shop_copies.word)"), judge.books),
        ("books", lambda: unseen("DELETE FROM shop_copies.pair WHERE ctid = (SELECT min(ctid) FROM shop_copies.pair "
                                 "WHERE _deleted_at IS NULL)"), judge.books),
        ("books-events", lambda: sql("DELETE FROM ingest.event WHERE id IN (SELECT id FROM ingest.event WHERE type = "
                                     "'ingest.row.changed' AND data->>'sync' = 'shop_copies.item' LIMIT 2)"), judge.books),
        ("effects", lambda: sql("INSERT INTO witness.effect VALUES ('olga')"), judge.books),
        ("internal", lambda: sql("UPDATE ingest.run SET sqlstate = 'XX000', error = 'spoilt' WHERE id = (SELECT "
                                 "max(id) FROM ingest.run)"), judge.books),
        ("alerts", lambda: sql("INSERT INTO ingest.alert (kind, object, subject, severity, summary) SELECT 'run_failed', "
                               "'sync of sync ' || id, name, 'error', 'spoilt' FROM ingest.sync s WHERE NOT EXISTS (SELECT "
                               "FROM ingest.alert a WHERE a.object = 'sync of sync ' || s.id AND a.closed_at IS NULL) LIMIT 1"),
         judge.alerts),
        ("hand", lambda: threads[-1].trouble.append("spoilt"), judge.books),
        ("stuck", lambda: world.ask("SELECT ingest.enqueue('effect olga', now() + interval '1 day')", role="olga"),
         lambda: patient(judge.calm)),
        ("run-dead", lambda: sql("CREATE OR REPLACE FUNCTION ingest_internal.state_of_run(run bigint, state text, pid integer) RETURNS "
                                 "text LANGUAGE sql AS 'SELECT $2'; UPDATE ingest.run SET state = 'running', finished_at = "
                                 "NULL, pid = 1 WHERE id = (SELECT max(id) FROM ingest.run WHERE kind = 'crawl')"),
                                 lambda: patient(judge.calm)),
        ("restored", lambda: None, lambda: judge.restored(lambda: world.ask("UPDATE ingest.event SET id = id + 1 "
                                                                            "WHERE id = (SELECT max(id) FROM "
                                                                            "ingest.event)", database="clone"))),
        ("crawl", lambda: world.ask("ALTER SERVER files_server RENAME TO elsewhere; ALTER SERVER shop_server OPTIONS "
                                    "(SET dbname 'nowhere')"), lambda: judge.copies()),
        ("run", lambda: None, judge.copies),
        ("crash", crash, judge.log),
    ]
    missed, seen = [], []
    world.without = set()
    for trial in [t for t in trials if t]:
        kind, spoil, check = trial
        world.findings.clear()
        spoil()
        check()
        # a view may still tell of an earlier difference of this copy
        kinds = sorted({"copy" if f[1] == "honest-difference" else f[1] for f in world.findings})
        (seen if kind in kinds else missed).append(kind)
        print("selftest: %s: %s (found: %s)" % (kind, "seen failing" if kind in kinds else "NOT FOUND",
                                                ", ".join(kinds)), flush=True)
    world.findings.clear()
    for kind in missed:
        world.finding("selftest", "the check %s does not find what was spoilt" % kind)
    print("selftest: %d checks were seen failing, %d not" % (len(seen), len(missed)), flush=True)
