"""Jobs of four owners: their copies on schedules, and effects that must happen exactly once."""

from world import words

OWNERS = ["olga", "otto", "ines", "nora"]


class Jobs:
    def __init__(self, world):
        self.world, self.rng, self.made = world, world.draw("jobs"), []

    def begin(self):
        """Schedules, drawn anew for each week."""
        for copy in self.world.copies:
            if not copy.parent:
                self.make("sync " + copy.target, "sync", copy.target, copy.owner, "%d s" % self.rng.randrange(1, 6))
        for source in self.world.sources:
            self.make("crawl " + source.name, "crawl", source.name, source.owner, "%d s" % self.rng.randrange(4, 12))
        for owner in OWNERS:
            if ("effect " + owner, owner) not in self.made:
                self.make("effect " + owner, "sql", "INSERT INTO witness.effect (role) VALUES ('%s')" % owner, owner,
                          None)

    def make(self, name, kind, argument, owner, schedule):
        self.world.ask("SELECT ingest.create_job(%s, %s, %s, max_attempts => %s, timeout => '60 s', priority => %s)",
                       (name, kind, argument, 1000 if kind == "sql" else 3, self.rng.randrange(3)), role=owner)
        if schedule:
            self.world.ask("SELECT ingest.schedule(%s, %s)", (name, schedule), role=owner)
        self.made.append((name, owner))

    def effect(self):
        """What was asked for stands beside it, in the same transaction."""
        owner = self.rng.choice(OWNERS)
        n = self.rng.randrange(1, 4)
        error = self.world.attempt("DO $$ BEGIN FOR i IN 1 .. %d LOOP INSERT INTO witness.asked (role) VALUES ('%s'); "
                                   "PERFORM ingest.enqueue('effect %s', once => false); END LOOP; END $$" % (n, owner,
                                           owner), role=owner)
        self.world.step("%s enqueues %d effects%s" % (owner, n, " FAILED: " + words(error) if error else ""))

    def end(self):
        """Nothing new is begun; effects stay in the queue until they are done."""
        for name, owner in list(self.made):
            if not name.startswith("effect"):
                self.world.ask("SELECT ingest.drop_job(%s) FROM ingest.job WHERE name = %s", (name, name), role=owner)
                self.made.remove((name, owner))
