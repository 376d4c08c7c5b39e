"""A source behind netsuite_fdw: an account in the sandbox, with a personality that is drawn."""

import json
import os
import time
import urllib.error
import urllib.request

import psycopg

from copies import Copy
from later import Later
from world import words

CONTROL = os.environ.get("NS_CONTROL")
STAMP = "date_trunc('second', ns.clock() AT TIME ZONE 'UTC')"
FAULTS = ["500", "429", "reset-before", "reset-body", "truncated", "502-html", "short-body", "503", "garbage"]


def there():
    return bool(CONTROL)


def control(**operation):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return json.load(opener.open(CONTROL, json.dumps(operation).encode(), timeout=30))["result"]


class Netsuite:
    name, owner, schema = "netsuite", "nora", "netsuite_there"
    down = False

    def __init__(self, world):
        self.world, self.rng = world, world.draw("netsuite")
        self.later, self.ahead = Later(world, self.rng), 0

    def set_up(self):
        world = self.world
        mapping = os.environ.get("NS_MAPPING") or (
            "client_id 'sandbox-client-id', certificate_id 'sandbox-ec-certificate', "
            "private_key_file '%s/client_ec.pem'"
            % os.environ["NS_STATE"])
        world.ask("CREATE EXTENSION IF NOT EXISTS netsuite_fdw; CREATE SERVER netsuite_server FOREIGN DATA WRAPPER "
                  "netsuite_fdw OPTIONS (account '1234567_SB1', base_url '%s', ca_file '%s'%s); "
                  "GRANT USAGE ON FOREIGN SERVER netsuite_server TO nora; CREATE USER MAPPING FOR nora SERVER "
                  "netsuite_server OPTIONS (%s)"
                  % (os.environ["NS_URL"], os.environ["NS_CA"], os.environ.get("NS_OPTIONS", ""), mapping))
        world.ask("SELECT ingest.register_source('netsuite', 'netsuite_server', schema => 'netsuite_there', tables => "
                  "'{customer,transaction,transactionline,customrecord_asset}')", role="nora")
        world.ask("CALL ingest.crawl('netsuite')", role="nora")
        usual = dict(reconcile_every="10 s", max_delete_share=0.9)
        header = Copy(self, "transaction", ["id"], history=True, batch_rows=200, **usual)
        self.next = 800000000
        return [Copy(self, "customer", ["id"], history=True, row_events=True, **usual), header,
                Copy(self, "transactionline", self.key("transactionline"), parent=header, history=True, **usual),
                Copy(self, "customrecord_asset", ["id"], mode="full", **usual)]

    def key(self, table):
        key = self.world.value("SELECT key FROM ingest.source_table WHERE local_schema = 'netsuite_there' AND name = "
                               "%s", (table,))
        return list(key)

    def truth(self, copy):
        """Through the connector, which has tests of its own."""
        end = time.monotonic() + 60
        while True:
            try:
                rows = [row for row, in self.world.ask("SELECT to_jsonb(t) FROM %s t" % copy.foreign, role="nora")]
                break
            except psycopg.Error:
                if time.monotonic() > end:
                    raise
                time.sleep(1)
        return rows

    # -- life --

    def sql(self, text, sql, *about):
        try:
            control(op="sql", sql=sql)
            said = ""
        except (urllib.error.URLError, OSError) as error:
            said = " FAILED: " + words(error)
        self.world.step("netsuite: %s%s" % (text, said), *about)

    def edit(self):
        dice, row = self.rng.randrange(9), self.rng.randrange(400)
        pick = "(SELECT id FROM ns.transaction ORDER BY id OFFSET %d LIMIT 1)" % row
        customer = "(SELECT id FROM ns.customer ORDER BY id OFFSET %d LIMIT 1)" % (row % 20)
        n = self.rng.randrange(10 ** 9)
        if dice <= 1:
            self.sql("transaction at %d: memo %d" % (row, n), "UPDATE ns.transaction SET memo = 'edit %d', "
                                                              "foreigntotal = foreigntotal + 1.25, lastmodifieddate = "
                                                              "%s WHERE id = %s" % (n, STAMP, pick),
                     ("transaction", None))
        elif dice == 2:
            self.next += 1
            self.sql("transaction %d inserted with its lines" % self.next,
                     "INSERT INTO ns.transaction (id, tranid, type, trandate, memo, lastmodifieddate) VALUES (%d, "
                     "'NEW%d', 'Journal', '2026-01-01', E'new \\n \"one\"', %s); "
                     "INSERT INTO ns.transactionline (transaction, id, uniquekey, netamount, linelastmodifieddate) "
                     "SELECT %d, i, %d::bigint * 10 + i, i * 1.5, %s FROM generate_series(0, 3) i"
                     % (self.next, self.next, STAMP, self.next, self.next, STAMP), ("transaction", self.next),
                             ("transactionline", None))
        elif dice == 3:
            self.sql("transaction at %d deleted" % row,
                     "WITH d AS (DELETE FROM ns.transaction WHERE id = %s RETURNING id), l AS (DELETE FROM "
                     "ns.transactionline l USING d WHERE l.transaction = d.id) "
                     "INSERT INTO ns.deletedrecord SELECT id, -30, 'invoice', 'invoice', 'gone', 'UIF', 1, %s, 'F', "
                     "'F', 'F' FROM d" % (pick, STAMP), ("transaction", None), ("transactionline", None))
        elif dice == 4:
            self.sql("a line at %d changes, its header does not" % row,
                     "UPDATE ns.transactionline SET memo = 'line %d', linelastmodifieddate = %s WHERE (transaction, "
                     "id) = (SELECT transaction, id FROM ns.transactionline ORDER BY uniquekey OFFSET %d LIMIT 1)"
                     % (n, STAMP, row), ("transactionline", None))
        elif dice == 5:
            self.sql("transaction at %d loses a line" % row,
                     "WITH t AS (UPDATE ns.transaction SET lastmodifieddate = %s WHERE id = %s RETURNING id) DELETE "
                     "FROM ns.transactionline l USING t WHERE l.transaction = t.id AND l.id = 1" % (STAMP, pick),
                     ("transactionline", None))
        elif dice == 6:
            self.sql("asset at %d: %d" % (row % 40, n), "UPDATE ns.customrecord_asset SET name = 'asset %d' WHERE id "
                                                        "= (SELECT id FROM ns.customrecord_asset ORDER BY id OFFSET "
                                                        "%d LIMIT 1)" % (n, row % 40),
                     ("customrecord_asset", None))
        elif dice == 7:
            self.sql("customer at %d: %d" % (row % 20, n), "UPDATE ns.customer SET comments = 'edit %d', "
                                                           "lastmodifieddate = %s WHERE id = %s" % (n, STAMP,
                                                                   customer), ("customer", None))
        else:
            self.next += 1
            self.sql("customer %d inserted" % self.next, "INSERT INTO ns.customer (id, companyname, isinactive, "
                                                         "lastmodifieddate) VALUES (%d, 'new %d', 'F', %s)"
                                                                 % (self.next, n, STAMP), ("customer", self.next))

    def tries(self, text, **operation):
        try:
            control(**operation)
        except (urllib.error.URLError, OSError) as error:
            text += " FAILED: " + words(error)
        self.world.step("netsuite: " + text)

    def fault(self):
        kind, count = self.rng.choice(FAULTS), self.rng.randrange(1, 4)
        self.tries("%d times %s" % (count, kind), op="fault", kind=kind, count=count, match="suiteql")

    def slow(self):
        self.tries("slow", op="latency", seconds=self.rng.choice([0.05, 0.2]))
        self.later.take_back(lambda: self.tries("quick again", op="latency", seconds=0), 1, 4)

    def clock_jump(self):
        self.ahead = self.rng.choice([0, 30, -30, 90, -90])
        self.tries("its clock is %d s ahead" % self.ahead, op="clock", offset=self.ahead)

    def same_second(self):
        """Edits within one second, the last of them after a run may have read it."""
        for _ in range(3):
            self.edit()
            time.sleep(0.25)

    def late(self):
        """A row becomes visible with a stamp of before: within the overlap."""
        n = self.rng.randrange(10 ** 9)
        self.sql("a customer's edit %d is a minute late" % n, "UPDATE ns.customer SET comments = 'late %d', "
                                                              "lastmodifieddate = %s - interval '60 s' WHERE id = "
                                                              "(SELECT id FROM ns.customer ORDER BY id OFFSET %d "
                                                              "LIMIT 1)"
                 % (n, STAMP, self.rng.randrange(20)), ("customer", None))

    def tick(self, all_=False):
        self.later.tick(all_)

    def settle(self):
        self.tick(all_=True)
        self.tries("no faults", op="clear_faults")
        # stamps are whole seconds: what was edited in this one is read in the next
        time.sleep(2.1)

    def troubles(self):
        return {"netsuite-fault": (self.fault, 4), "netsuite-slow": (self.slow, 1),
                "netsuite-clock": (self.clock_jump, 1), "netsuite-second": (self.same_second, 2),
                "netsuite-late": (self.late, 2)}
