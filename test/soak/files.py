"""A source behind file_fdw: files that somebody writes again and again."""

import csv
import datetime
import os

from copies import Copy
from later import Later
from world import WORK

FOLDER = os.path.join(WORK, "files")
TABLES = {"price": ["id integer", "name text", "price numeric"], "log": ["id bigint", "what text"],
          "feed": ["id integer", "v text", "changed timestamptz"]}


class Files:
    name, owner, schema = "files", "ines", "files_there"
    down = False

    def __init__(self, world):
        self.world, self.rng = world, world.draw("files")
        self.rows = {"price": {i: [i, "name %d" % i, i * 1.5] for i in range(1, 60)}, "log": {i: [i,
                "entry"] for i in range(1, 30)},
                     "feed": {i: [i, "v", self.stamp()] for i in range(1, 40)}}
        self.later = Later(world, self.rng)

    def stamp(self):
        return datetime.datetime.now(datetime.timezone.utc).isoformat()

    def path(self, table):
        return os.path.join(FOLDER, table + ".csv")

    def write(self, table):
        """The whole file, in one rename."""
        names = [c.split()[0] for c in TABLES[table]]
        with open(self.path(table) + ".new", "w", newline="") as file:
            out = csv.writer(file)
            out.writerow(names)
            out.writerows(self.rows[table].values())
        os.rename(self.path(table) + ".new", self.path(table))

    def set_up(self):
        world = self.world
        os.makedirs(FOLDER, exist_ok=True)
        world.ask("CREATE EXTENSION file_fdw; CREATE SERVER files_server FOREIGN DATA WRAPPER file_fdw; GRANT USAGE "
                  "ON FOREIGN SERVER files_server TO ines; "
                  "CREATE SCHEMA files_there AUTHORIZATION ines")
        for table, columns in TABLES.items():
            self.write(table)
            world.ask("CREATE FOREIGN TABLE files_there.%s (%s) SERVER files_server OPTIONS (filename '%s', format "
                      "'csv', header 'true'); ALTER FOREIGN TABLE files_there.%s OWNER TO ines"
                      % (table, ", ".join(columns), self.path(table), table))
        world.ask("SELECT ingest.register_source('files', 'files_server', schema => 'files_there')", role="ines")
        world.ask("CALL ingest.crawl('files')", role="ines")
        usual = dict(reconcile_every="10 s", max_delete_share=0.9)
        return [Copy(self, "price", ["id"], mode="full", history=True, row_events=True, **usual), Copy(self, "log",
                ["id"], mode="append", cursor_column="id", **usual),
                Copy(self, "feed", ["id"], cursor_column="changed", overlap="40 s", **usual)]

    def truth(self, copy):
        names = [c.split()[0] for c in TABLES[copy.table]]
        rows = [dict(zip(names, row)) for row in self.rows[copy.table].values()]
        for row in rows:
            if "changed" in row:
                text = row["changed"].replace("+00:00", "")
                row["changed"] = (text.rstrip("0").rstrip(".") if "." in text else text) + "+00:00"
        return rows

    # -- life --

    def edit(self):
        table = self.rng.choice(sorted(TABLES))
        rows = self.rows[table]
        said = []
        for _ in range(self.rng.randrange(1, 5)):
            id_ = self.rng.choice(sorted(rows))
            dice = self.rng.random()
            if table == "log" or dice < 0.4:
                id_ = max(rows) + 1
                rows[id_] = {"price": [id_, "new, \"%d\"" % id_, 1], "log": [id_, "entry\nof two lines"],
                             "feed": [id_, "new", self.stamp()]}[table]
                said.append(("inserted", id_))
            elif dice < 0.55 and len(rows) > 20:
                rows.pop(id_)
                said.append(("deleted", id_))
            else:
                rows[id_][1] = "changed %d" % self.rng.randrange(10 ** 6)
                if table == "feed":
                    rows[id_][2] = self.stamp()
                said.append(("changed", id_))
        self.write(table)
        self.world.step("files: %s.csv: %s" % (table, said), *((table, id_) for _, id_ in said))

    def missing(self):
        """The file is not there for a while."""
        table = self.rng.choice(sorted(TABLES))
        if not os.path.exists(self.path(table)):
            return
        os.unlink(self.path(table))
        self.world.step("files: %s.csv is gone" % table)
        self.later.take_back(lambda: (self.write(table),
                self.world.step("files: %s.csv is there again" % table)), 0.5, 3)

    def broken(self):
        """The file ends in mid-line for a while."""
        table = self.rng.choice(["price", "feed"])
        with open(self.path(table), "a") as file:
            file.write("77777,\"half a li")
        self.world.step("files: %s.csv ends in mid-line" % table)
        self.later.take_back(lambda: (self.write(table),
                self.world.step("files: %s.csv is whole again" % table)), 0.5, 3)

    def tick(self, all_=False):
        self.later.tick(all_)

    def settle(self):
        self.tick(all_=True)

    def troubles(self):
        return {"file-missing": (self.missing, 1), "file-broken": (self.broken, 1)}
