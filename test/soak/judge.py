"""The oracle: when the world is quiet, copies, history, events and books are held against what the world knows."""

import json
import time

import psycopg

from copies import differences
from moments import contents
from world import GONE, words

# seconds within which what runs must have ended once nothing new is begun
CALM = 90
SHOWN = 6


class Judge:
    def __init__(self, world, jobs, troubles, threads, moments):
        self.world, self.jobs, self.troubles, self.threads, self.moments = world, jobs, troubles, threads, moments
        self.counts, self.rng = {}, world.draw("judge")

    def count(self, what, n=1):
        self.counts[what] = self.counts.get(what, 0) + n

    # -- calm --

    def calm(self):
        """Life stops; whatever was under way comes to its end."""
        world = self.world
        for thread in self.threads:
            thread.quiet.set()
        self.troubles.tick(all_=True)
        for source in world.sources:
            source.settle()
        for thread in self.threads:
            if not thread.idle.wait(PATIENT):
                world.finding("stuck", "%s does not come to an end within %d s" % (thread.name, PATIENT),
                              self.activity())
        for gid, in world.ask("SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY 1"):
            world.ask("%s PREPARED '%s'" % (self.rng.choice(["COMMIT", "ROLLBACK"]), gid))
        self.jobs.end()
        for source in world.sources:
            world.ask("SELECT ingest.resume(%s)", (source.name,), role=source.owner)
        for name, owner in world.ask("SELECT name, o.rolname FROM ingest.sync JOIN pg_roles o ON o.oid = owner WHERE "
                                     "state <> 'active' ORDER BY 1"):
            world.ask("SELECT ingest.resume(sync => %s)", (name,), role=owner)
        alive = "EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = r.pid)"
        self.wait("SELECT count(*) = 0 FROM ingest.run r WHERE state = 'running' AND %s" % alive,
                  "runs that were under way have ended")
        time.sleep(2)
        dead = world.ask("SELECT run, kind, name, state, started_at FROM ingest.run_status r WHERE state = 'running' "
                         "AND NOT %s" % alive)
        if dead:
            world.finding("run-dead", "runs are said to run whose process is gone", [str(d) for d in dead])
        self.wait("SELECT count(*) = 0 FROM ingest.queue", "what was queued is done",
                  "SELECT j.name, q.* FROM ingest.queue q LEFT JOIN ingest.job j ON j.id = q.job")

    def wait(self, sql, what, show=None):
        end = time.monotonic() + CALM
        while not self.world.value(sql):
            if time.monotonic() > end:
                self.world.finding("stuck", "not within %d s: %s" % (CALM, what),
                                   self.activity() + ([str(r) for r in self.world.ask(show)] if show else []))
                return
            time.sleep(0.2)

    def activity(self):
        return ["%s | %s | %s | %s" % r for r in self.world.ask("SELECT backend_type, application_name, wait_event, "
                                                                "left(query, 100) FROM pg_stat_activity "
                                                                "WHERE backend_type NOT IN ('checkpointer', "
                                                                "'background writer', 'walwriter', 'autovacuum "
                                                                "launcher')")]

    def run(self, copy, times=1):
        """Errors of the last of some runs of a copy."""
        error = None
        for _ in range(times):
            for _ in range(3):
                error = self.world.attempt("CALL ingest.sync(%s)", (copy.target,), role=copy.owner)
                if error is None:
                    break
                if isinstance(error, GONE):
                    time.sleep(1)
                elif getattr(error, "sqlstate", "") in ("42703", "42P01", "HV000", "HV00L"):
                    # as the worker does: what the source has was not known
                    self.world.attempt("CALL ingest.crawl(%s)", (copy.source.name,), role=copy.owner)
        return error

    # -- copies --

    def compare(self, copy, database=None):
        try:
            return differences(copy, copy.rows(self.world, database), copy.source.truth(copy))
        except psycopg.Error as error:
            return [("", "the copy cannot be read: " + words(error))]

    def honest(self, copy):
        """What the views say of a copy, if they say that something is missing."""
        rows = self.world.ask("SELECT state, state_reason, last_state, last_error, rejected FROM ingest.table_status "
                              "WHERE sync = %s", (copy.target,))
        if not rows:
            return "table_status has no row"
        state, reason, last, error, rejected = rows[0]
        if state != "active" or last != "succeeded" or rejected:
            return "state %s (%s), last run %s (%s), %s rejected" % (state, reason, last, error, rejected)
        anomalies = self.world.ask("SELECT kind, summary FROM ingest.anomaly_status WHERE table_name = %s AND source = "
                                   "%s AND resolved_at IS NULL AND kind IN ('deletion', 'reconciliation', 'clock')",
                                   (copy.table, copy.source.name))
        return "anomalies: %s" % anomalies if anomalies else None

    def whole(self, copy):
        """A copy that is its source does not say that it has not as many rows."""
        state = self.world.value("SELECT last_state FROM ingest.table_status WHERE sync = %s", (copy.target,))
        if "differing counts" in state:
            self.world.finding("said", "%s is its source, and its last run says: %s" % (copy.target, state))

    def copies(self):
        """Each copy is its source: after two runs, or after the keys were compared; or else it says what it lacks."""
        world = self.world
        for source in world.sources:
            error = world.attempt("CALL ingest.crawl(%s)", (source.name,), role=source.owner)
            if error:
                world.finding("crawl", "%s cannot be crawled: %s" % (source.name, words(error)))
        for name, in world.ask("SELECT sync FROM ingest.table_status WHERE rejected > 0"):
            copy = next(c for c in world.copies if c.target == name)
            world.step("redrive %s" % name)
            error = world.attempt("CALL ingest.redrive(%s)", (name,), role=copy.owner)
            if error:
                world.finding("redrive", "%s cannot be redriven: %s" % (name, words(error)))
        roots = [c for c in world.copies if not c.parent]
        errors = {c.target: self.run(c, 2) for c in roots}
        first = {c.target: self.compare(c) for c in world.copies}
        for copy in roots:
            if copy.mode == "incremental" and any(first[c.target] for c in world.copies if c is copy
                                                  or c.parent is copy):
                world.attempt("SELECT ingest.reload(%s, keys_only => true)", (copy.target,), role=copy.owner)
        for copy in world.copies:
            if copy.parent and first[copy.target]:
                world.attempt("SELECT ingest.reload(%s, keys_only => true)", (copy.target,), role=copy.owner)
        for copy in roots:
            if any(first[c.target] for c in world.copies if c is copy or c.parent is copy):
                errors[copy.target] = self.run(copy, 2)
        for copy in world.copies:
            self.count("copies compared")
            left = self.compare(copy) if first[copy.target] else []
            error = errors.get((copy.parent or copy).target)
            if first[copy.target] and not left:
                self.count("copies equal after the comparison of keys only")
                world.note("%s: %d differences were found by the comparison of keys only, first: %s" % (copy.target,
                        len(first[copy.target]), first[copy.target][0]))
            if not left and error is None:
                self.whole(copy)
                continue
            said = self.honest(copy)
            detail = ["%s %s" % d for d in left[:SHOWN]] + ["(%d in all)" % len(left)]
            detail += ["views say: %s" % said, "its last run: %s" % (words(error) if error else "no error")]
            for key, _ in left[:2]:
                detail += world.steps_about(copy.table, json.loads(key)[0] if key else None)[-12:]
            if said and left:
                self.count("copies that say what they lack")
                world.note("%s differs and says so: %s" % (copy.target, said))
                world.finding("honest-difference", "%s differs from its source and says so" % copy.target, detail)
            elif left:
                world.finding("copy", "%s differs from its source, and nothing says so" % copy.target, detail)
                self.mend(copy)
            else:
                world.finding("run", "%s does not succeed though all is calm" % copy.target, detail)

    def mend(self, copy):
        """Read everything again, so that the next week begins with what is right and a fault is told once."""
        root = copy.parent or copy
        for name in {root.target, copy.target}:
            self.world.attempt("SELECT ingest.reload(%s)", (name,), role=copy.owner)
        error = self.run(root, 2)
        left = self.compare(copy)
        if left:
            self.world.finding("copy-reload", "%s differs even after a reload" % copy.target,
                               ["%s %s" % d for d in left[:SHOWN]] + ["its run: %s"
                                       % (words(error) if error else "no error")])

    # -- history --

    def history(self, sample=100):
        """as_of of drawn moments is what a reader saw then."""
        world, seen = self.world, list(self.moments.seen)
        rng = world.draw("as_of %d" % len(seen))
        for moment, copy, rows in rng.sample(seen, min(sample, len(seen))):
            self.count("moments")
            try:
                answer = [r for r, in world.ask("SELECT to_jsonb(t)::text FROM ingest.as_of(NULL::%s, %%s) t"
                                                % copy.target, (moment,))]
            except psycopg.errors.ObjectNotInPrerequisiteState:
                # a run was committing just then: nothing is said of such a moment
                self.count("moments that are not certain")
                continue
            except psycopg.Error as error:
                world.finding("history-error", "as_of of %s at %s: %s" % (copy.target, moment, words(error)))
                continue
            a, b = common(rows, answer)
            if a != b:
                world.finding(self.kind_of(copy, moment, rows, a, b), "as_of of %s at %s is not what a reader saw"
                        % (copy.target, moment), lines(a, b) + [
                    "changes about then: %s %s by run %s, seen %s, %s s after the moment" % r for r in world.ask(
                        "SELECT operation, key, run, seen_at, extract(epoch FROM seen_at - %s)::numeric(10,4) FROM "
                        "ingest.change WHERE sync = (SELECT id FROM ingest.sync WHERE name = %s) "
                        "ORDER BY abs(extract(epoch FROM seen_at - %s)), seq LIMIT 4", (moment, copy.target, moment))])
        for copy in world.copies:
            if copy.history:
                self.count("histories replayed")
                self.replay(copy)

    def kind_of(self, copy, moment, rows, a, b):
        """Which of the known faults a wrong answer is: a run was about to commit, or columns went at the source."""
        there = set().union(*(r.keys() for r in copy.source.truth(copy)))
        if sorted(only(r, there) for r in a) == sorted(only(r, there) for r in b):
            return "history-vanished"
        for began, in self.world.ask("SELECT DISTINCT seen_at FROM ingest.change WHERE sync = (SELECT id FROM "
                                     "ingest.sync WHERE name = %s) AND seen_at BETWEEN %s - interval '20 s' AND %s "
                                     "ORDER BY 1 DESC LIMIT 3",
                                     (copy.target, moment, moment)):
            answer = [r for r, in self.world.ask("SELECT to_jsonb(t)::text FROM ingest.as_of(NULL::%s, "
                                                 "%%s::timestamptz - interval '1 us') t" % copy.target, (began,))]
            a, b = common(rows, answer)
            if sorted(only(r, there) for r in a) == sorted(only(r, there) for r in b):
                return "history-commit"
        return "history"

    def replay(self, copy):
        """The last version of each key is the row of the copy; each version follows from the one before."""
        bad = self.world.ask("""WITH c AS (SELECT * FROM ingest.change WHERE sync = (SELECT id FROM ingest.sync WHERE
            name = %%s)),
            last AS (SELECT DISTINCT ON (key) key, after FROM c ORDER BY key, seq DESC)
            SELECT coalesce(l.key, to_jsonb(t))::text, l.after::text, to_jsonb(t)::text
              FROM %s t FULL JOIN (SELECT * FROM last WHERE after IS NOT NULL) l ON l.key = %s
             WHERE t IS NULL OR l.key IS NULL OR (SELECT count(*) FROM jsonb_each(to_jsonb(t)) x WHERE x.value <>
                 'null' AND l.after->x.key IS DISTINCT FROM x.value) > 0"""
                             % (copy.target,
                                "jsonb_build_object(%s)" % ", ".join("'%s', t.%s" % (k, k) for k in copy.key)),
                             (copy.target,))
        if bad:
            there = set().union(*(r.keys() for r in copy.source.truth(copy)))
            vanished = all(last and row and only(last, there) == only(row, there) for _, last, row in bad)
            self.world.finding("history-vanished" if vanished else "history-replay",
                               "%d last versions of %s are not its rows" % (len(bad), copy.target),
                                       ["%s: %s | %s" % b for b in bad[:SHOWN]])

    # -- events --

    def events(self):
        world = self.world
        lost = world.ask("SELECT e.n, e.role FROM witness.emitted e LEFT JOIN (SELECT (data->>'n')::bigint AS n FROM "
                         "ingest.event WHERE type = 'org.month.tick') t USING (n) WHERE t.n IS NULL")
        twice = world.ask("SELECT t.n FROM (SELECT (data->>'n')::bigint AS n, count(*) AS times FROM ingest.event "
                          "WHERE type = 'org.month.tick' GROUP BY 1) t LEFT JOIN witness.emitted e USING (n) WHERE "
                          "t.times > 1 OR e.n IS NULL")
        self.count("own events", world.value("SELECT count(*) FROM witness.emitted"))
        if world.pruned:
            # what all consumers had may be gone: that they had it is looked at below
            lost = []
        if lost or twice:
            world.finding("outbox", "events that were emitted are not there, or twice, or were rolled back",
                    [str(lost[:SHOWN]), str(twice[:SHOWN])])
        for consumer in [t for t in self.threads if hasattr(t, "consumer")]:
            try:
                consumer.drain()
            except psycopg.Error as error:
                world.finding("consumer", "%s cannot read to the end: %s" % (consumer.consumer, words(error)))
            self.consumer(consumer)

    def consumer(self, consumer):
        world = self.world
        due = {id_: type_ for id_, type_ in world.ask(
            "SELECT id, type FROM ingest.event e WHERE (%s = 'anna' OR owner = (SELECT oid FROM pg_roles WHERE "
            "rolname = %s)) "
            "AND (%s::text[] IS NULL OR EXISTS (SELECT FROM unnest(%s::text[]) t WHERE type = t OR t LIKE '%%*' AND "
            "starts_with(type, rtrim(t, '*'))))",
            (consumer.owner, world.role(consumer.owner), consumer.types, consumer.types))}
        self.count("events due", len(due))
        missed = sorted(due.keys() - consumer.received.keys())
        strange = sorted(consumer.received.keys() - due.keys())
        if world.pruned and strange:
            kept = {i for i, in world.ask("SELECT id FROM ingest.event WHERE id = ANY (%s)", (strange,))}
            strange = [i for i in strange if i in kept]
        # the world's own log, whatever the outbox says
        if consumer.types is None or any(t.startswith("org.") for t in consumer.types):
            had = {json.loads(data)["n"] for type_, data in consumer.received.values() if type_ == "org.month.tick"}
            never = [n for n, in world.ask("SELECT n FROM witness.emitted WHERE %s = 'anna' OR role = %s ORDER BY n",
                    (consumer.owner, consumer.owner)) if n not in had]
            if never:
                world.finding("events-lost", "consumer %s never got %d events that were emitted" % (consumer.consumer,
                        len(never)), [str(never[:SHOWN])])
        if missed:
            world.finding("events-lost", "consumer %s never got %d of %d events" % (consumer.consumer, len(missed),
                    len(due)),
                          ["%s %s" % (m, due[m]) for m in missed[:SHOWN]])
        if strange:
            world.finding("event-strange", "consumer %s got %d events that it should not" % (consumer.consumer,
                    len(strange)),
                          [str((s, consumer.received[s])) for s in strange[:SHOWN]])
        if consumer.trouble:
            world.finding("consumer", "%s met %d errors" % (consumer.consumer, len(consumer.trouble)),
                          sorted(set(consumer.trouble))[:SHOWN])
            consumer.trouble = []

    # -- books --

    def books(self):
        """Runs, history, events and the world's own eye count the same."""
        world = self.world
        for name, sync_rows, copy_rows in world.ask("SELECT s.name, x.rows, witness.rows(s.target_schema, "
                                                    "s.target_table) FROM ingest.sync s JOIN ingest.sync_state x ON "
                                                    "x.sync = s.id"):
            self.count("books")
            if sync_rows is not None and sync_rows != copy_rows and world.has("row-counts"):
                world.finding("books", "%s: the engine counts %s rows, there are %s" % (name, sync_rows, copy_rows))
        # what was read of children beside their parent is in the parent's run
        sums = world.ask("""SELECT coalesce(p.name, s.name), sum(r.i), sum(w.i), sum(r.u), sum(w.u), sum(r.d),
            sum(w.d) FROM ingest.sync s LEFT JOIN ingest.sync p ON p.id = s.parent
            LEFT JOIN (SELECT sync, sum(rows_inserted) i, sum(rows_updated) u, sum(rows_deleted) d FROM ingest.run
                WHERE kind = 'sync' GROUP BY 1) r ON r.sync = s.id
            LEFT JOIN (SELECT copy, count(*) FILTER (WHERE op = 'INSERT') i, count(*) FILTER (WHERE op = 'UPDATE' AND
                NOT gone) u, count(*) FILTER (WHERE op = 'DELETE' OR gone) d
              FROM witness.seen GROUP BY 1) w ON w.copy = s.name GROUP BY 1 ORDER BY 1""")
        for name, *figures in sums:
            ours, theirs = figures[0::2], figures[1::2]
            if [int(x or 0) for x in ours] != [int(x or 0) for x in theirs]:
                world.finding("books-runs", "%s: runs say inserted, updated, deleted %s; written were %s" % (name,
                        [int(x or 0) for x in ours], [int(x or 0) for x in theirs]))
        idle = world.ask("SELECT copy, count(*) FROM witness.seen WHERE same GROUP BY 1")
        if idle:
            world.finding("books-idle", "rows were written that do not differ", [str(r) for r in idle])
        for name, versions, told in world.ask("""SELECT s.name, (SELECT count(*) FROM ingest.change c WHERE c.sync =
            s.id),
                (SELECT count(*) FROM ingest.event e WHERE e.type = 'ingest.row.changed' AND e.data->>'sync' = s.name)
                    FROM ingest.sync s WHERE s.history AND s.row_events"""):
            if versions != told and not world.pruned:
                world.finding("books-events", "%s: %d versions, %d events of rows" % (name, versions, told))
        asked = dict(world.ask("SELECT role, count(*) FROM witness.asked GROUP BY 1"))
        done = dict(world.ask("SELECT role, count(*) FROM witness.effect GROUP BY 1"))
        self.count("effects", sum(asked.values()))
        if asked != done:
            world.finding("effects", "asked for %s, done %s" % (asked, done), [str(r) for r in world.ask(
                "SELECT j.name, d.attempts, d.reason FROM ingest.dead_letter d JOIN ingest.job j ON j.id = d.job "
                "WHERE j.kind = 'sql' LIMIT 5")])
        internal = world.ask("SELECT sqlstate, kind, min(error), count(*) FROM ingest.run WHERE sqlstate LIKE 'XX%%' "
                             "OR sqlstate IN ('42601', '42883', '42P10', '22003', '23505', '0A000') GROUP BY 1, 2")
        if internal:
            world.finding("internal", "runs failed with the engine's own faults", [str(r) for r in internal])
        for thread in self.threads:
            if thread.trouble:
                world.finding("hand", "%s met errors that nobody expects" % thread.name,
                              sorted(set(thread.trouble))[:SHOWN])
                thread.trouble = []

    # -- alerts --

    def alerts(self):
        """An alert of a copy is open where its last run failed, and nowhere else; of each it was told once."""
        world = self.world
        wrong = world.ask("""WITH last AS (SELECT DISTINCT ON (r.sync) r.sync, r.state FROM ingest.run r
                WHERE r.kind = 'sync' AND (r.state IN ('succeeded', 'succeeded with', 'lost') OR r.state = 'failed' AND r.error_class IS
                    DISTINCT FROM 'busy') ORDER BY r.sync, r.id DESC)
            SELECT s.name, l.state, count(a.id) FROM ingest.sync s LEFT JOIN last l ON l.sync = s.id LEFT JOIN
                ingest.alert a ON a.kind = 'run_failed' AND a.object = 'sync of sync ' || s.id AND a.closed_at IS NULL
            GROUP BY s.id, s.name, l.state
            HAVING count(a.id) <> CASE WHEN l.state IN ('failed', 'lost') THEN 1 ELSE 0 END""")
        if wrong:
            world.finding("alerts", "alerts are not as the last runs are", ["%s: last run %s, %s open" % w for w in wrong])
        self.count("alerts", world.value("SELECT count(*) FROM ingest.alert"))
        untold = [] if world.pruned else world.ask("""SELECT a.id, a.kind, a.subject, o.opened, o.closed
            FROM ingest.alert a, LATERAL (SELECT count(*) FILTER (WHERE type = 'ingest.alert.opened') AS opened,
                count(*) FILTER (WHERE type = 'ingest.alert.closed') AS closed FROM ingest.event e
                WHERE e.type LIKE 'ingest.alert.%%' AND (e.data->>'alert')::bigint = a.id) o
            WHERE (a.told_at IS NOT NULL) <> (o.opened > 0)
                OR o.closed <> CASE WHEN a.told_at IS NOT NULL AND a.closed_at IS NOT NULL THEN 1 ELSE 0 END""")
        if untold:
            world.finding("alerts", "events of alerts are not as the alerts are", [str(u) for u in untold[:SHOWN]])

    def log(self):
        """The servers' log: crashes that nobody asked for."""
        with open(self.world.engine.log, errors="replace") as file:
            lines_ = [x.strip() for x in file if "terminated by signal" in x and "signal 9" not in x or "PANIC:" in x
                      or "TRAP:" in x]
        if lines_:
            self.world.finding("crash", "%d crashes of the engine's server" % len(lines_), lines_[:SHOWN])

    # -- dump and restore --

    def restored(self, spoil=None):
        """A dump that is restored stands still until enable(), and then it goes on."""
        import os
        import subprocess
        from world import BIN, WORK
        world = self.world
        file = os.path.join(WORK, "month.dump")
        run = lambda *words_: subprocess.run([os.path.join(BIN, words_[0]), "-h", os.path.join(WORK, "sock"), "-p",
                                              world.engine.port, "-U", "postgres", *words_[1:]],  # noqa: E731
                                             capture_output=True, text=True)
        done = run("pg_dump", "-Fc", "-f", file, "month")
        if done.returncode:
            world.finding("dump", "the repository cannot be dumped", done.stderr.split("\n"))
            return
        world.ask("CREATE DATABASE clone", database="postgres")
        done = run("pg_restore", "-d", "clone", file)
        if done.returncode:
            world.finding("restore", "the dump cannot be restored", done.stderr.split("\n"))
        else:
            self.count("restored")
            state = ("SELECT (SELECT max(id) FROM ingest.run), (SELECT max(id) FROM ingest.event), "
                     "(SELECT count(*) FROM ingest.queue)")
            before = world.ask(state, database="clone")
            for owner in ("olga",):
                error = world.attempt("CALL ingest.sync(%s)", (world.copies[0].target,), role=owner, database="clone")
                if error is None:
                    world.finding("restored", "a restored repository syncs before enable()")
            time.sleep(3)
            if spoil:
                spoil()
            if world.ask(state, database="clone") != before:
                world.finding("restored", "a restored repository does something before enable()", [str(before),
                        str(world.ask(state, database="clone"))])
            for row in world.ask("SELECT * FROM ingest.enable()", database="clone"):
                world.finding("restored", "enable() says %s" % (row,))
            for copy in [c for c in world.copies if not c.parent]:
                error = world.attempt("CALL ingest.sync(%s)", (copy.target,), role=copy.owner, database="clone")
                if error:
                    world.finding("restored", "%s does not run in the restored repository: %s" % (copy.target,
                            words(error)))
            for copy in world.copies:
                left = self.compare(copy, "clone")
                if left:
                    world.finding("restored", "%s differs in the restored repository" % copy.target,
                            ["%s %s" % d for d in left[:SHOWN]])
        world.forget("clone")
        world.ask("DROP DATABASE clone (FORCE)", database="postgres")

    def judge(self, restore):
        world = self.world
        world.step("-- all is to be calm: judging")
        self.calm()
        self.copies()
        self.history()
        self.events()
        self.books()
        self.alerts()
        self.log()
        if restore:
            self.restored()
        world.step("-- judged")


PATIENT = 120


def common(rows, answer):
    """Rows by the columns that both have: a copy gets columns in time."""
    a, b = [json.loads(r) for r in rows], [json.loads(r) for r in answer]
    if a and b:
        columns = a[0].keys() & b[0].keys()
        a, b = [{k: r[k] for k in columns} for r in a], [{k: r[k] for k in columns} for r in b]
    return sorted(json.dumps(r, sort_keys=True) for r in a), sorted(json.dumps(r, sort_keys=True) for r in b)


def only(row, columns):
    return json.dumps({k: v for k, v in json.loads(row).items() if k in columns and v is not None}, sort_keys=True)


def lines(a, b):
    """What one has and the other has not."""
    x, y = set(a), set(b)
    return ["a reader saw: %s" % r for r in sorted(x - y)[:3]] + ["as_of says: %s" % r for r in sorted(y - x)[:3]]
