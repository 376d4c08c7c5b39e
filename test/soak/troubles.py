"""What goes wrong on the engine's side: kills, restarts, pauses, other names."""

import os
import signal

import psycopg

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
        self.undo = []              # (until, function)

    def all(self):
        return {"kill-worker": (lambda: self.kill("worker"), 5), "kill-scheduler": (lambda: self.kill("scheduler"), 1),
                "kill-launcher": (lambda: self.kill("launcher"), 1), "kill-hand": (lambda: self.kill("hand"), 4),
                "kill-consumer": (lambda: self.kill("consumer"), 2), "kill-emitter": (lambda: self.kill("emitter"), 1),
                "terminate": (self.terminate, 2), "kill-postmaster": (self.kill_postmaster, 1), "restart": (self.restart, 1),
                "kill-shop": (self.kill_shop, 1), "pause-sync": (self.pause_sync, 2), "pause-source": (self.pause_source, 1),
                "rename-role": (self.rename_role, 1), "reconcile": (self.reconcile, 1), "reload": (self.reload, 1)}

    def ends(self, function, at_least=1, at_most=8):
        self.undo.append((self.world.seconds() + self.rng.uniform(at_least, at_most), function))

    def tick(self, all_=False):
        for until, function in list(self.undo):
            if all_ or until <= self.world.seconds():
                self.undo.remove((until, function))
                function()

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
        if self.say("pause_sync %s" % copy.target, "SELECT ingest.pause_sync(%s)", (copy.target,), copy.owner):
            self.ends(lambda: self.say("resume_sync %s" % copy.target, "SELECT ingest.resume_sync(%s)", (copy.target,), copy.owner))

    def pause_source(self):
        source = self.rng.choice(self.world.sources)
        if self.say("pause %s" % source.name, "SELECT ingest.pause(%s)", (source.name,), source.owner):
            self.ends(lambda: self.say("resume %s" % source.name, "SELECT ingest.resume(%s)", (source.name,), source.owner))

    def reconcile(self):
        copy = self.rng.choice([c for c in self.world.copies if c.mode == "incremental" and not c.parent])
        self.say("reconcile %s" % copy.target, "SELECT ingest.reconcile(%s)", (copy.target,), copy.owner)

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
        if self.say("role %s is called %s now" % (name, other), "ALTER ROLE %s RENAME TO %s" % (name, other), None, "postgres"):
            self.world.roles[name] = other

            def back():
                for _ in range(20):
                    if self.say("role %s has its name again" % name, "ALTER ROLE %s RENAME TO %s" % (other, name), None, "postgres"):
                        self.world.roles.pop(name)
                        return
            self.ends(back)
