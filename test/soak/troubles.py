"""What goes wrong on the engine's side: kills, restarts, pauses, other names."""

import os
import signal
import time

import psycopg

from later import Later
from world import words

BACKENDS = {
    "worker": "backend_type = 'ingest worker'",
    "scheduler": "backend_type = 'ingest scheduler'",
    "launcher": "backend_type = 'ingest launcher'",
    "hand": "application_name = 'hand'",
    "consumer": "application_name LIKE 'consumer%'",
    "emitter": "application_name = 'emitter'",
}


class Troubles:
    def __init__(self, world):
        self.world, self.rng = world, world.draw("troubles")
        self.later = Later(world, self.rng)

    def all(self):
        return {"kill-worker": (lambda: self.kill("worker"), 5), "kill-scheduler": (lambda: self.kill("scheduler"), 1),
                "kill-launcher": (lambda: self.kill("launcher"), 1), "kill-hand": (lambda: self.kill("hand"), 4),
                "kill-consumer": (lambda: self.kill("consumer"), 2), "kill-emitter": (lambda: self.kill("emitter"), 1),
                "terminate": (self.terminate, 2), "kill-postmaster": (self.kill_postmaster, 1),
                "restart": (self.restart, 1),
                "kill-shop": (self.kill_shop, 1), "pause-sync": (self.pause_sync, 2),
                "pause-source": (self.pause_source, 1),
                "rename-role": (self.rename_role, 1), "copy-altered": (self.copy_altered, 1),
                "rename-copy": (self.rename_copy, 1), "vacuum": (self.vacuum, 1), "prune": (self.prune, 1),
                "reject": (self.reject, 1),
                "idle-reader": (self.idle_reader, 1), "reconcile": (self.reconcile, 1), "reload": (self.reload, 1)}

    def ends(self, function, at_least=1, at_most=8):
        self.later.take_back(function, at_least, at_most)

    def tick(self, all_=False):
        self.later.tick(all_)

    # -- kills --

    def pid_of(self, condition):
        try:
            rows = self.world.ask("SELECT pid FROM pg_stat_activity WHERE %s ORDER BY pid" % condition)
        except psycopg.Error:
            return None
        return self.rng.choice(rows)[0] if rows else None

    def kill(self, what):
        """kill -9 of one process: the postmaster restarts all of them."""
        pid = self.pid_of(BACKENDS[what])
        if pid:
            self.world.step("kill -9 of a %s" % what)
            self.world.killed(what)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def terminate(self):
        what = self.rng.choice(sorted(BACKENDS))
        pid = self.pid_of(BACKENDS[what])
        if pid:
            self.world.step("a %s is terminated" % what)
            self.world.killed("terminated " + what)
            self.world.attempt("SELECT pg_terminate_backend(%s)", (pid,))

    def kill_postmaster(self):
        self.world.step("kill -9 of the postmaster")
        self.world.killed("postmaster")
        self.world.engine.kill()
        self.world.engine.start()

    def restart(self):
        mode = self.rng.choice(["fast", "immediate"])
        self.world.step("restart (%s)" % mode)
        self.world.engine.stop(mode)
        self.world.engine.start()

    def kill_shop(self):
        """The source dies, and comes back after a while."""
        if self.world.shop_down:
            return
        self.world.step("kill -9 of the shop's postmaster")
        self.world.killed("shop")
        self.world.shop.kill()
        self.world.shop_down = True

        def back():
            self.world.shop.start()
            self.world.shop_down = False
            self.world.step("the shop is there again")
        self.ends(back, 0.2, 3)

    # -- pauses --

    def pause_sync(self):
        copy = self.rng.choice(self.world.copies)
        if copy.parent and not self.world.has("paused-child"):
            copy = copy.parent
        if self.say("pause_sync %s" % copy.target, "SELECT ingest.pause(sync => %s)", (copy.target,), copy.owner):
            self.ends(lambda: self.say("resume_sync %s" % copy.target, "SELECT ingest.resume(sync => %s)", (copy.target,
                    ), copy.owner))

    def pause_source(self):
        source = self.rng.choice(self.world.sources)
        if self.say("pause %s" % source.name, "SELECT ingest.pause(%s)", (source.name,), source.owner):
            self.ends(lambda: self.say("resume %s" % source.name, "SELECT ingest.resume(%s)", (source.name,),
                                       source.owner))

    # -- what users do with copies --

    def copy_altered(self):
        """A column and an index of the user's own."""
        copy = self.rng.choice(self.world.copies)
        name = "mine_%d" % self.rng.randrange(10 ** 4)
        if self.world.altered.get(copy.target, 0) < 3:
            self.world.altered[copy.target] = self.world.altered.get(copy.target, 0) + 1
            self.say("%s gets a column %s of its user's" % (copy.target, name), "SET LOCAL lock_timeout = '2s'; ALTER "
                                                                                "TABLE %s ADD COLUMN %s text"
                                                                                        % (copy.target, name), None,
                                                                                        copy.owner)
            self.say("%s gets an index of its user's" % copy.target, "CREATE INDEX ON %s (%s)" % (copy.target,
                    copy.key[0]), None, copy.owner)

    def rename_copy(self):
        copy = self.rng.choice(self.world.copies)
        if self.world.renamed_copy:
            return
        table = copy.target.split(".")[1]
        self.world.renamed_copy = copy
        # whether it was done is asked afterwards: a session that was killed does not know
        self.say("%s is called %s_other now" % (copy.target, table), "ALTER TABLE %s RENAME TO %s_other"
                % (copy.target, table), None, copy.owner)

        def back():
            for _ in range(50):
                if self.world.value("SELECT to_regclass(%s) IS NOT NULL", (copy.target,)):
                    break
                if not self.say("%s has its name again" % copy.target, "ALTER TABLE %s_other RENAME TO %s"
                        % (copy.target, table), None, copy.owner):
                    time.sleep(0.2)
            self.world.renamed_copy = None
        self.ends(back, 0.5, 4)

    def reject(self):
        """A constraint of the user's that some rows of the source do not meet, until it is dropped."""
        if self.say("shop_copies.pair takes no large numbers", "ALTER TABLE shop_copies.pair ADD CONSTRAINT small "
                    "CHECK (v < 1e200) NOT VALID", None, "olga"):
            def back():
                for _ in range(50):
                    if self.say("shop_copies.pair takes large numbers again",
                                "ALTER TABLE shop_copies.pair DROP CONSTRAINT IF EXISTS small", None, "olga"):
                        return
                    time.sleep(0.2)
            self.ends(back)

    def prune(self):
        """An admin deletes events that all consumers have."""
        if self.say("prune", "SELECT ingest_internal.prune('0 s', '1 day')", None, "anna"):
            self.world.pruned = True

    def vacuum(self):
        copy = self.rng.choice(self.world.copies)
        self.say("VACUUM FULL %s" % copy.target, "VACUUM FULL %s" % copy.target, None, copy.owner)

    def idle_reader(self):
        """Somebody reads a copy and its history, and sleeps in the transaction."""
        copy = self.rng.choice(self.world.copies)
        try:
            session = self.world.connect(application="idle reader")
            session.autocommit = False
            session.execute("SELECT count(*) FROM %s" % copy.target)
            session.execute("SELECT count(*) FROM ingest.change")
        except psycopg.Error:
            return
        self.world.step("a reader of %s sleeps in its transaction" % copy.target)

        def back():
            session.close()
            self.world.step("the reader of %s is gone" % copy.target)
        self.ends(back)

    def reconcile(self):
        copy = self.rng.choice([c for c in self.world.copies if c.mode == "incremental" and not c.parent])
        self.say("reconcile %s" % copy.target, "SELECT ingest.reload(%s, keys_only => true)", (copy.target,), copy.owner)

    def reload(self):
        copy = self.rng.choice([c for c in self.world.copies if c.mode == "incremental" and not c.parent])
        self.say("reload %s" % copy.target, "SELECT ingest.reload(%s)", (copy.target,), copy.owner)

    def say(self, text, sql, arguments, role):
        error = self.world.attempt(sql, arguments, role=role)
        self.world.step("%s%s" % (text, " FAILED: " + words(error) if error else ""))
        return error is None

    # -- names --

    def rename_role(self):
        name = self.rng.choice(["olga", "otto", "ines", "nora"])
        if name in self.world.roles:
            return
        other = "%s_%d" % (name, self.rng.randrange(1000))
        self.say("role %s is called %s now" % (name, other), "ALTER ROLE %s RENAME TO %s" % (name, other), None,
                 "postgres")
        if self.world.value("SELECT to_regrole(%s) IS NOT NULL", (other,)):
            self.world.roles[name] = other

        def back():
            for _ in range(50):
                if self.world.value("SELECT to_regrole(%s) IS NOT NULL", (name,)):
                    break
                if not self.say("role %s has its name again" % name, "ALTER ROLE %s RENAME TO %s" % (other, name),
                                None, "postgres"):
                    time.sleep(0.2)
            self.world.roles.pop(name, None)
        self.ends(back)
