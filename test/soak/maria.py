"""A source behind mysql_fdw: a bazaar in MariaDB."""

import datetime
import decimal
import os
import subprocess
import time

from copies import Copy
from later import Later
from world import WORK, words

try:
    import pymysql
except ImportError:
    pymysql = None

PORT = os.environ.get("MONTH_MARIA_PORT")
DATA = os.path.join(WORK, "maria")
SCHEMA = [
    "CREATE DATABASE bazaar CHARACTER SET utf8mb4",
    "CREATE TABLE bazaar.thing (id int AUTO_INCREMENT PRIMARY KEY, name varchar(200), qty int, price decimal(12, 2), "
    "flag tinyint, changed datetime(6), KEY (changed))",
    "CREATE TABLE bazaar.label (code varchar(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, text "
    "varchar(200))",
    "CREATE TABLE bazaar.visit (id bigint AUTO_INCREMENT PRIMARY KEY, who varchar(40), changed timestamp(6) NOT NULL "
    "DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6), KEY (changed))",
    "INSERT INTO bazaar.thing (name, qty, price, flag, changed) SELECT concat('thing ', seq), seq, seq * 1.5, seq % "
    "2, now(6) - INTERVAL 1 DAY FROM bazaar_seq",
    "INSERT INTO bazaar.label SELECT concat('label ', seq), 'text' FROM bazaar_seq",
    "INSERT INTO bazaar.visit (who) SELECT concat('who ', seq) FROM bazaar_seq",
]

NUMBERS = "(WITH RECURSIVE s AS (SELECT 1 AS seq UNION ALL SELECT seq + 1 FROM s WHERE seq < 120) SELECT seq FROM s) q"


def there():
    return bool(PORT) and pymysql is not None


class Maria:
    name, owner, schema = "maria", "otto", "maria_there"

    def __init__(self, world):
        self.world, self.rng = world, world.draw("maria")
        self.late, self.down, self.process, self.session = [], False, None, None
        self.later = Later(world, self.rng)
        self.extra = {}             # columns that were added to thing

    # -- the server --

    def start(self):
        self.process = subprocess.Popen(
            ["mariadbd", "--no-defaults", "--datadir=" + DATA, "--socket=" + DATA + "/socket",
             "--pid-file=" + DATA + "/pid", "--bind-address=127.0.0.1",
             "--port=" + PORT, "--default-time-zone=+00:00", "--character-set-server=utf8mb4",
             "--innodb-flush-log-at-trx-commit=2",
             "--innodb-lock-wait-timeout=1", "--log-error=" + DATA + "/log", "--tmpdir=" + os.path.join(WORK, "tmp"),
             "--innodb-buffer-pool-size=32M"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while True:
            try:
                self.session = self.connect()
                return
            except pymysql.Error:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def connect(self):
        return pymysql.connect(host="127.0.0.1", port=int(PORT), user="root", autocommit=True, charset="utf8mb4",
                               connect_timeout=5,
                               read_timeout=60, init_command="SET SESSION lock_wait_timeout = 1")

    def ask(self, sql, arguments=None, session=None):
        with (session or self.session).cursor() as cursor:
            cursor.execute(sql, arguments)
            return cursor.fetchall()

    def do(self, text, sql, arguments=None, about=()):
        said = ""
        try:
            self.ask(sql, arguments)
        except pymysql.Error as error:
            said = " FAILED: " + words(error)
            if not self.session.open:
                self.session = self.connect()
        self.world.step("maria: %s%s" % (text, said), *about)
        return not said

    def set_up(self):
        self.start()
        world = self.world
        for statement in SCHEMA:
            self.ask(statement.replace("FROM bazaar_seq", "FROM " + NUMBERS))
        self.ask("CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'secret'")
        self.ask("GRANT SELECT ON bazaar.* TO reader@'127.0.0.1'")
        world.ask("CREATE EXTENSION mysql_fdw; CREATE SERVER maria_server FOREIGN DATA WRAPPER mysql_fdw OPTIONS "
                  "(host '127.0.0.1', port '%s', character_set 'utf8mb4'); "
                  "GRANT USAGE ON FOREIGN SERVER maria_server TO otto; CREATE USER MAPPING FOR otto SERVER "
                  "maria_server OPTIONS (username 'reader', password 'secret')" % PORT)
        world.ask("SELECT ingest.register_source('maria', 'maria_server', schema => 'maria_there', remote_schemas => "
                  "'{bazaar}')", role="otto")
        world.ask("CALL ingest.crawl('maria')", role="otto")
        usual = dict(reconcile_every="10 s", max_delete_share=0.9)
        return [Copy(self, "thing", ["id"], cursor_column="changed", overlap="40 s", history=True, **usual),
                Copy(self, "label", ["code"], mode="full", history=True, **usual),
                Copy(self, "visit", ["id"], cursor_column="changed", overlap="40 s", row_events=True, **usual)]

    def truth(self, copy):
        with self.session.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute("SELECT * FROM bazaar.%s" % copy.table)
            return [{n: plain(v) for n, v in row.items()} for row in cursor.fetchall()]

    # -- life --

    def some_id(self, table, key="id"):
        rows = self.ask("SELECT %s FROM bazaar.%s ORDER BY rand(%d) LIMIT 1" % (key, table,
                self.rng.randrange(10 ** 6)))
        return rows[0][0] if rows else None

    def change(self):
        """SQL, values, words and what it is about."""
        table = self.rng.choice(["thing", "thing", "label", "visit"])
        key = "code" if table == "label" else "id"
        id_ = self.some_id(table, key)
        text = self.rng.choice(["", " ", "ä", "😀", "it's", "a\\b", "tab\t", "word %d" % self.rng.randrange(10 ** 6),
                                None])
        dice = self.rng.random()
        if dice < 0.3 or id_ is None:
            if table == "thing":
                return ("INSERT INTO bazaar.thing (name, qty, price, flag, changed) VALUES (%s, %s, %s, 1, now(6))",
                        (text, self.rng.randrange(10 ** 6), self.rng.randrange(10 ** 6) / 100),
                        "thing inserted: %r" % text, ("thing", None))
            if table == "label":
                code = "code %d" % self.rng.randrange(10 ** 9)
                return "INSERT INTO bazaar.label VALUES (%s, %s)", (code, text), "label %s inserted" % code, ("label",
                        code)
            return "INSERT INTO bazaar.visit (who) VALUES (%s)", ("who",), "visit inserted", ("visit", None)
        if dice < 0.45:
            return "DELETE FROM bazaar.%s WHERE %s = %%s" % (table, key), (id_,), "%s %s deleted" % (table,
                    id_), (table, id_)
        column = {"thing": "name", "label": "text", "visit": "who"}[table]
        return ("UPDATE bazaar.%s SET %s = %%s%s WHERE %s = %%s" % (table, column,
                                                                    ", changed = now(6)" if table == "thing" else "",
                                                                    key), (text, id_),
                "%s %s: %s %r" % (table, id_, column, text), (table, id_))

    def edit(self):
        sql, values, text, about = self.change()
        self.do(text, sql, values, (about,))

    def late_commit(self):
        sql, values, text, about = self.change()
        session = self.connect()
        try:
            session.autocommit(False)
            self.ask(sql, values, session)
        except pymysql.Error as error:
            self.world.step("maria: late: %s FAILED: %s" % (text, words(error)), about)
            session.close()
            return
        until = self.world.seconds() + self.rng.uniform(0.3, 6)
        self.world.step("maria: late: %s, commits at %.1f" % (text, until), about)
        self.late.append((session, until, text, about))

    def ties(self):
        self.do("many things with one stamp", "UPDATE bazaar.thing SET qty = qty + 1, changed = %s ORDER BY rand(%s) "
                                              "LIMIT 30",
                (datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None),
                 self.rng.randrange(10 ** 6)), (("thing", None),))

    def add_column(self):
        name = "extra_%d" % self.rng.randrange(10 ** 4)
        if len(self.extra) < 4 and self.do("thing gets a column " + name, "ALTER TABLE bazaar.thing ADD COLUMN %s int "
                                                                          "DEFAULT 5" % name, about=(("thing", None),
                                                                                  )):
            self.extra[name] = True

    def kill(self):
        self.world.step("kill -9 of MariaDB")
        self.world.killed("maria")
        self.process.kill()
        self.process.wait()
        self.down = True

        def back():
            self.start()
            self.down = False
            self.world.step("MariaDB is there again")
        self.later.take_back(back, 0.2, 3)

    def tick(self, all_=False):
        now = self.world.seconds()
        self.later.tick(all_)
        for late in [x for x in self.late if all_ or x[1] <= now]:
            self.late.remove(late)
            said = self.rng.choice(["commit", "commit", "commit", "rollback"])
            try:
                getattr(late[0], said)()
            except pymysql.Error as error:
                said += " FAILED: " + words(error)
            try:
                late[0].close()
            except pymysql.Error:
                pass
            self.world.step("maria: late: %s of: %s" % (said, late[2]), late[3])

    def settle(self):
        self.tick(all_=True)

    def troubles(self):
        return {"maria-late": (self.late_commit, 5), "maria-ties": (self.ties, 2), "maria-column": (self.add_column,
                1), "kill-maria": (self.kill, 1)}


def plain(value):
    """A value as to_jsonb shows it."""
    if isinstance(value, datetime.datetime):
        text = value.isoformat(timespec="microseconds")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return float(value) if isinstance(value, decimal.Decimal) else value
