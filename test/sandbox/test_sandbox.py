"""The sandbox's own tests, against a running one: NS_READY names its facts."""

import base64
import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
from urllib.parse import urlencode

import psycopg
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from netsuite_sandbox.client import Client
from netsuite_sandbox.metadata import camel
from netsuite_sandbox.suiteql import parse

FACTS = json.load(open(os.environ["NS_READY"], encoding="utf-8"))
TOKEN = "/services/rest/auth/oauth2/v1/token"
QUERY = "/services/rest/query/v1/suiteql"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def assertion(alg, kid, lifetime=600, start=0, **claims):
    """A client assertion, signed as alg says."""
    name = "client_ec.pem" if alg.startswith("ES") else "client_rsa.pem"
    with open(os.path.join(FACTS["state"], name), "rb") as file:
        key = serialization.load_pem_private_key(file.read(), None)
    now = int(time.time()) + start
    body = dict({"iss": FACTS["credentials"]["client_id"], "scope": ["rest_webservices"],
                 "aud": FACTS["url"] + TOKEN, "iat": now, "exp": now + lifetime}, **claims)
    text = "%s.%s" % (b64(json.dumps({"typ": "JWT", "alg": alg, "kid": kid}).encode()),
                      b64(json.dumps(body).encode()))
    if alg == "ES256":
        r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    elif alg == "PS256":
        signature = key.sign(text.encode(), padding.PSS(padding.MGF1(hashes.SHA256()), 32),
                             hashes.SHA256())
    else:
        signature = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return text + "." + b64(signature)


class SandboxCase(unittest.TestCase):
    def setUp(self):
        self.client = Client(FACTS)
        self.client.control("reset")
        self.addCleanup(self.close)

    def close(self):
        self.client.control("reset")
        self.client.conn.close()

    def rows(self, q, params=None, **paging):
        status, _, body = self.client.suiteql(q, params, **paging)
        self.assertEqual(status, 200, body)
        for item in body["items"]:
            self.assertEqual(item.pop("links"), [])
        return body["items"]

    def refuse(self, q, part, status=400, params=None, **paging):
        got, _, body = self.client.suiteql(q, params, **paging)
        self.assertEqual(got, status, "%s: %s" % (q[:200], body))
        detail = body["o:errorDetails"][0]
        self.assertIn(part, detail["detail"] + " " + detail["o:errorCode"])


class Login(SandboxCase):
    def query(self, authorization):
        status, _, _ = self.client.request(
            "POST", QUERY, {"limit": 1, "offset": 0}, '{"q":"SELECT id FROM currency"}',
            {"Prefer": "transient", "Authorization": authorization})
        return status

    def sign(self, query=None, **overrides):
        query = {"limit": 1, "offset": 0} if query is None else query
        return self.client.authorization("POST", QUERY, query, **overrides)

    def test_signature(self):
        self.assertEqual(self.query(self.sign()), 200)
        self.assertEqual(self.query(self.sign(query={})), 401, "query parameters are signed")
        self.assertEqual(self.query(self.sign().replace("1234567_SB1", "7654321")), 401)
        self.assertEqual(self.query("Bearer nothing"), 401)
        wrong = Client(FACTS, token_secret="wrong")
        self.assertEqual(self.query(wrong.authorization("POST", QUERY, {"limit": 1, "offset": 0})), 401)

    def test_nonce_works_once(self):
        header = self.sign()
        self.assertEqual([self.query(header), self.query(header)], [200, 401])

    def test_stale_timestamp(self):
        self.assertEqual(self.query(self.sign(oauth_timestamp=int(time.time()) - 3600)), 401)

    def token(self, jwt):
        form = urlencode({"grant_type": "client_credentials", "client_assertion": jwt,
                          "client_assertion_type":
                          "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"})
        return self.client.request("POST", TOKEN, None, form,
                                   {"Content-Type": "application/x-www-form-urlencoded"}, sign=False)

    def test_oauth2(self):
        kids = FACTS["credentials"]
        for alg, kid in (("PS256", kids["rsa_certificate_id"]), ("ES256", kids["ec_certificate_id"])):
            status, _, body = self.token(assertion(alg, kid))
            self.assertEqual(status, 200, body)
            self.assertEqual(body["expires_in"], "3600")
            bearer = "Bearer " + body["access_token"]
            self.assertEqual(self.query(bearer), 200)
            self.client.control("expire_tokens")
            self.assertEqual(self.query(bearer), 401, "expired")

    def test_oauth2_refusals(self):
        kids = FACTS["credentials"]
        rsa, ecc = kids["rsa_certificate_id"], kids["ec_certificate_id"]
        for jwt in (assertion("RS256", rsa), assertion("ES256", rsa), assertion("ES256", "nobody"),
                    assertion("ES256", ecc, lifetime=7200), assertion("ES256", ecc, start=-3600),
                    assertion("ES256", ecc, aud="https://elsewhere.example/"),
                    assertion("ES256", ecc, scope="restlets"), assertion("ES256", ecc, iss="me"),
                    "no.jwt", assertion("ES256", ecc)[:-8] + "AAAAAAAA"):
            self.assertEqual(self.token(jwt)[0], 400, jwt)


class Dialect(SandboxCase):
    def test_refused(self):
        for q in ("WITH a AS (SELECT id FROM currency) SELECT id FROM a", "SELECT id FROM currency LIMIT 5",
                  "SELECT id FROM currency OFFSET 5", 'SELECT "id" FROM currency', "SELECT [id] FROM currency",
                  "SELECT id FROM transaction WHERE trandate > DATE '2024-01-01'",
                  "SELECT id FROM transaction WHERE trandate > '2024-01-01'",
                  "SELECT c.id FROM currency c, subsidiary s JOIN account a ON a.id = s.id",
                  "SELECT c.id FROM currency c, subsidiary s WHERE c.id = s.currency (+)",
                  "SELECT id FROM currency WHERE id IN (%s)" % ",".join(map(str, range(1001))),
                  "SELECT id FROM transaction WHERE TO_DATE('2024-01-01','YYYY-MM-DD') = TO_TIMESTAMP('2024-01-01','YYYY-MM-DD')",
                  "SELECT id = 1 FROM currency", "SELECT id FROM currency WHERE", "SELECT", "DELETE FROM currency",
                  "SELECT id FROM currency; SELECT 1 FROM dual", "SELECT id FROM currency WHERE name = 'x", "",
                  "SELECT CONCAT('a','b','c') FROM dual", "SELECT name, COUNT(*) FROM currency"):
            self.refuse(q, "INVALID_PARAMETER")

    def test_refused_functions(self):
        for call in ("CEILING(1)", "CHARINDEX('a','b')", "LEFT('abc',1)", "RIGHT('abc',1)", "LCASE('A')",
                     "SUBSTRING('abc',1,1)", "LISTAGG(name)", "DATEDIFF(1,2)", "NOW()"):
            self.refuse("SELECT %s AS x FROM currency" % call, "Invalid")

    def test_values(self):
        for expression, value in (
                ("5/2", "2.5"), ("'a' || NULL || 'b'", "ab"), ("NVL('', 'x')", "x"), ("LENGTH('abc')", "3"),
                ("SUBSTR('abcdef', -3, 2)", "de"), ("INSTR('banana', 'an', 1, 2)", "4"), ("DECODE(NULL, NULL, 'n', 'x')", "n"),
                ("MOD(7, 3)", "1"), ("ROUND(2.345, 2)", "2.35"), ("TRUNC(2.345, 1)", "2.3"), ("GREATEST(1, 5, 3)", "5"),
                ("NVL2(1, 'a', 'b')", "a"), ("INITCAP('new york')", "New York"), ("LPAD('7', 3, '0')", "007"),
                ("TO_CHAR(TO_DATE('2024-02-29','YYYY-MM-DD'),'YYYY-MM-DD')", "2024-02-29"),
                ("TO_CHAR(ADD_MONTHS(TO_DATE('2024-01-31','YYYY-MM-DD'), 1),'YYYY-MM-DD')", "2024-02-29"),
                ("TO_CHAR(LAST_DAY(TO_DATE('2024-02-10','YYYY-MM-DD')),'DD')", "29"),
                ("TO_DATE('2024-03-01','YYYY-MM-DD') - TO_DATE('2024-02-01','YYYY-MM-DD')", "29"),
                ("MONTHS_BETWEEN(TO_DATE('2024-03-31','YYYY-MM-DD'), TO_DATE('2024-02-29','YYYY-MM-DD'))", "1"),
                ("TO_CHAR(TRUNC(TO_DATE('2024-08-15','YYYY-MM-DD'),'Q'),'MM')", "07"), ("REGEXP_SUBSTR('a12b', '[0-9]+')", "12"),
                ("CASE WHEN 1 = 2 THEN 'x' ELSE 'y' END", "y"), ("COALESCE(NULL, 3)", "3"), ("0.50", "0.5")):
            self.assertEqual(self.rows("SELECT %s AS v FROM dual" % expression), [{"v": value}], expression)
        for expression in ("''", "NULLIF(1, 1)", "GREATEST(1, NULL)", "SUBSTR('abc', 5)", "TRIM('  ')", "'a' || '' || NULL = ''"[:2] + "'"):
            if expression != "'a'":
                self.assertEqual(self.rows("SELECT %s AS v FROM dual" % expression), [{}], expression)

    def test_queries(self):
        one = self.rows("SELECT COUNT(*) AS n, SUM(netamount) AS s FROM transactionline")[0]
        self.assertEqual(one["s"], "0")
        self.assertGreater(int(one["n"]), 19000)
        self.assertEqual(self.rows("SELECT SUM(a.amount) AS s FROM transactionaccountingline a GROUP BY a.transaction HAVING SUM(a.amount) <> 0"), [])
        self.assertEqual(len(self.rows("SELECT TOP 3 id FROM transaction ORDER BY id DESC")), 3)
        self.assertEqual(len(self.rows("SELECT id FROM transaction WHERE ROWNUM <= 4 AND type = 'SalesOrd'")), 4)
        self.assertEqual(len(self.rows("SELECT t.id, l.id AS line, c.companyname FROM transaction t "
                                       "JOIN transactionline l ON l.transaction = t.id "
                                       "LEFT JOIN customer c ON c.id = t.entity "
                                       "WHERE ROWNUM < 6 AND t.type = 'SalesOrd' ORDER BY l.netamount DESC")), 5)
        self.assertEqual(len(self.rows("SELECT id FROM transaction ORDER BY id ASC FETCH FIRST 2 ROWS ONLY")), 2)
        self.assertEqual(self.rows("SELECT BUILTIN.DF(currency) AS c FROM subsidiary WHERE id = 2"), [{"c": "British Pound"}])
        self.assertEqual(self.rows("SELECT x.n FROM (SELECT COUNT(*) AS n FROM currency) x"), [{"n": "6"}])
        self.assertEqual(len(self.rows("SELECT s.id FROM subsidiary s WHERE EXISTS (SELECT 1 FROM currency c WHERE c.id = s.currency) AND s.id NOT IN (SELECT id FROM subsidiary WHERE iselimination = 'T')")), 5)
        self.assertEqual(self.rows("SELECT id FROM currency WHERE id = 1 UNION ALL SELECT id FROM currency WHERE id = 2 ORDER BY 1 DESC"), [{"id": "2"}, {"id": "1"}])
        self.assertEqual(self.rows("SELECT name, ROW_NUMBER() OVER (ORDER BY id DESC) AS r FROM currency ORDER BY id ASC", limit=1), [{"name": "US Dollar", "r": "6"}])
        self.assertEqual(self.rows("SELECT id FROM currency WHERE name = ?", ["Euro"]), [{"id": "4"}])
        self.refuse("SELECT id FROM currency WHERE name = ?", "Invalid or unsupported search", params=[None])
        self.refuse("SELECT id FROM currency WHERE id = ?", "number of parameters", params=[])

    def test_unknown(self):
        self.refuse("SELECT id, nope FROM customer", "Field 'nope' for record 'customer' was not found")
        self.refuse("SELECT id FROM nowhere", "Record 'nowhere' was not found")
        self.refuse("SELECT balance FROM customer", "balance")
        self.client.control("switch", name="unknown_column", value="identifier")
        self.refuse("SELECT nope FROM currency", "Available identifiers are: {currencyprecision=")

    def test_tokenizer(self):
        self.assertEqual(parse("SELECT 'it''s -- no comment' AS a, 1.5e3 FROM dual -- end")[1], 0)
        self.assertEqual(camel("lastmodifieddate"), "lastModifiedDate")

    def test_display_formats(self):
        q = "SELECT trandate, lastmodifieddate FROM transaction WHERE id = (SELECT MIN(id) FROM transaction)"
        self.assertRegex(self.rows(q)[0]["trandate"], r"^\d{1,2}/\d{1,2}/\d{4}$")
        self.client.control("switch", name="date_format", value="DD.MM.YYYY")
        self.assertRegex(self.rows(q)[0]["trandate"], r"^\d\d\.\d\d\.\d{4}$")


class Paging(SandboxCase):
    def test_paging(self):
        status, _, first = self.client.suiteql("SELECT id FROM transaction ORDER BY id ASC", limit=1000)
        self.assertEqual((status, first["count"], first["hasMore"], first["offset"]), (200, 1000, True, 0))
        self.assertEqual(first["totalResults"], 5000)
        self.assertEqual([l["rel"] for l in first["links"]], ["self", "next"])
        ids = [int(i["id"]) for i in first["items"]]
        for offset in range(1000, 5000, 1000):
            ids += [int(i["id"]) for i in self.rows("SELECT id FROM transaction ORDER BY id ASC", offset=offset)]
        self.assertEqual(ids, sorted(set(ids)))
        self.assertEqual(len(ids), 5000)

    def test_rules(self):
        q = "SELECT id FROM transaction ORDER BY id ASC"
        self.refuse(q, "divisible", limit=1000, offset=500)
        self.refuse(q, "limit", limit=1001)
        self.refuse(q, "limit", limit=0)
        self.refuse(q, "offset", limit=1000, offset=100000)
        self.refuse(q, "offset", limit=10, offset=10000)
        self.client.control("switch", name="max_limit", value="3000")
        self.assertEqual(len(self.rows(q, limit=3000)), 3000)

    def test_cap(self):
        q = ("SELECT a.id AS a, b.id AS b FROM accountingperiod a CROSS JOIN accountingperiod b "
             "ORDER BY a.id ASC, b.id ASC")
        _, _, last = self.client.suiteql(q, offset=99000)
        self.assertEqual((last["count"], last["hasMore"], last["totalResults"]), (1000, False, 444 * 444))
        self.client.control("switch", name="total_capped", value=True)
        self.assertEqual(self.client.suiteql(q)[2]["totalResults"], 100000)

    def test_kept_rows(self):
        """Pages that are cut from kept rows are those that the database gives, to the byte."""
        dice, asked = random.Random(8), []
        for _ in range(60):
            where = ["t.posting = 'T'"] if dice.random() < 0.3 else []
            low = dice.randrange(-9, 600)
            if dice.random() < 0.8:
                where.append("t.id %s %d" % (dice.choice((">", ">=")), low))
            if dice.random() < 0.6:
                where.append("t.id %s %d" % (dice.choice(("<", "<=")), low + dice.choice((-3, 0, 1, 9, 130, 4000))))
            asked.append(("SELECT t.id, t.memo, TO_CHAR(t.trandate,'YYYY-MM-DD') AS d FROM transaction t%s ORDER BY t.id ASC"
                          % (" WHERE " * bool(where) + " AND ".join(where)), dice.choice((1, 63, 64, 65, 1000)), dice.randrange(2)))
        # bounds that are none: in a string, of another column
        for where in ("t.memo <> ' t.id > 5 '", "t.postingperiod > 5 AND t.id > 7", "NOT t.id > 7"):
            asked.append(("SELECT t.id FROM transaction t WHERE %s ORDER BY t.id ASC" % where, 50, 0))

        def pages():
            return [self.client.suiteql(q, limit=limit, offset=n * limit)[2] for q, limit, n in asked]
        plain = pages()
        self.client.control("keep_rows", keep=True)
        self.addCleanup(self.client.control, "keep_rows", keep=False)
        self.assertEqual(pages(), plain)
        self.client.control("update", table="transaction", key={"id": plain[-1]["items"][0]["id"]}, changes={"memo": "changed"})
        self.assertIn("changed", json.dumps(pages()), "an edit is seen")

    def test_order_is_not_promised(self):
        ids = set()
        for offset in range(0, 5000, 1000):
            ids |= {i["id"] for i in self.rows("SELECT id FROM transaction", offset=offset)}
        self.assertLess(len(ids), 5000, "paging without ORDER BY loses rows")

    def test_headers(self):
        status, _, _ = self.client.request("POST", QUERY, {"limit": 1}, '{"q":"SELECT id FROM currency"}',
                                           {"Content-Type": "application/json"})
        self.assertEqual(status, 400, "Prefer: transient is required")
        _, headers, _ = self.client.suiteql("SELECT id FROM transaction ORDER BY id ASC")
        self.assertEqual(headers["Content-Encoding"], "gzip")
        self.assertTrue(headers["X-N-OperationId"])


class Variants(SandboxCase):
    def switch(self, name, value):
        self.client.control("switch", name=name, value=value)

    def test_values(self):
        q = "SELECT id, name, isbasecurrency, exchangerate FROM currency WHERE id = 3"
        self.assertEqual(self.rows(q), [{"id": "3", "name": "Canadian Dollar", "isbasecurrency": "F", "exchangerate": "0.7342"}])
        self.switch("numbers_as_json", True)
        self.switch("booleans_as_json", True)
        self.switch("key_case", "upper")
        self.assertEqual(self.rows(q), [{"ID": 3, "NAME": "Canadian Dollar", "ISBASECURRENCY": False, "EXCHANGERATE": 0.7342}])
        self.client.control("reset")
        self.switch("leading_zero", False)
        self.assertEqual(self.rows(q)[0]["exchangerate"], ".7342")
        self.switch("nulls_present", True)
        self.assertEqual(self.rows("SELECT parent FROM subsidiary WHERE id = 1"), [{"parent": None}])
        self.switch("exponents", True)
        self.assertEqual(self.rows("SELECT 0.0000001 AS v FROM dual"), [{"v": "1E-07"}])

    def test_text(self):
        q = "SELECT id FROM currency WHERE name = 'EURO'"
        self.assertEqual(self.rows(q), [])
        self.switch("case_insensitive", True)
        self.assertEqual(len(self.rows(q)), 1)
        self.switch("accent_insensitive", True)
        self.assertEqual(len(self.rows("SELECT id FROM department WHERE name = 'developpement'")), 1)
        order = "SELECT firstname FROM employee ORDER BY firstname ASC, id ASC"
        binary = self.rows(order)
        self.switch("text_sort", "linguistic")
        self.assertNotEqual(self.rows(order), binary)

    def test_zone(self):
        q = "SELECT TO_CHAR(lastmodifieddate,'YYYY-MM-DD HH24:MI:SS') AS t FROM currency WHERE id = 1"
        utc = self.rows(q)
        self.switch("datetime_zone", "Asia/Tokyo")
        self.assertNotEqual(self.rows(q), utc)

    def test_unknown_switch(self):
        with self.assertRaises(RuntimeError):
            self.switch("nonsense", 1)


class Services(SandboxCase):
    def get(self, path, accept="application/json", **query):
        return self.client.request("GET", "/services/rest/" + path, query, None, {"Accept": accept})

    def test_system(self):
        status, _, body = self.client.request("GET", "/services/rest/system/v1/serverTime", sign=False)
        self.assertEqual(status, 200)
        self.assertRegex(body["serverTime"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$")
        self.assertEqual(self.get("system/v1/governanceLimits")[2]["accountConcurrencyLimit"], 5)
        self.client.control("switch", name="governance_allowed", value=False)
        self.assertEqual(self.get("system/v1/governanceLimits")[0], 403)
        self.assertEqual(self.get("system/v1/nothing")[0], 404)

    def test_metadata(self):
        names = {i["name"] for i in self.get("record/v1/metadata-catalog")[2]["items"]}
        self.assertLess({"customer", "salesOrder", "customrecord_asset"}, names)
        some = self.get("record/v1/metadata-catalog", select="customer,invoice")[2]["items"]
        self.assertEqual([i["name"] for i in some], ["customer", "invoice"])
        fields = self.get("record/v1/metadata-catalog/customer", "application/schema+json")[2]["properties"]
        self.assertEqual(fields["lastModifiedDate"]["format"], "date-time")
        self.assertTrue(fields["custentity_score"]["x-ns-custom-field"])
        self.assertIn("balance", fields)            # in REST alone
        self.assertNotIn("entitytitle", fields)     # in SuiteQL alone
        self.assertEqual(self.get("record/v1/metadata-catalog/nothing", "application/schema+json")[0], 404)

    def test_account_tables(self):
        fields = self.rows("SELECT scriptid, fieldvaluetype FROM customfield WHERE scriptid = 'CUSTBODY_URGENT'")
        self.assertEqual(fields, [{"scriptid": "CUSTBODY_URGENT", "fieldvaluetype": "Check Box"}])
        self.assertEqual(len(self.rows("SELECT scriptid FROM customrecordtype")), 1)

    def test_records(self):
        status, _, record = self.get("record/v1/customer/1001", expandSubResources="true")
        self.assertEqual(status, 200)
        self.assertIs(record["isPerson"], False)
        self.assertIn("refName", record["currency"])
        self.assertRegex(record["lastModifiedDate"], r"Z$")
        self.assertEqual(self.get("record/v1/customer/1")[0], 404)
        listed = self.get("record/v1/currency", q='symbol IS EUR OR (isBaseCurrency IS true AND id LESS 3)')[2]
        self.assertEqual([i["id"] for i in listed["items"]], ["1", "4"])
        self.assertEqual(self.get("record/v1/currency", q="nope IS 1")[0], 400)
        sales = self.get("record/v1/salesOrder", limit=1)[2]["items"][0]["id"]
        self.assertEqual(self.get("record/v1/invoice/" + sales)[0], 404)
        self.assertTrue(self.get("record/v1/salesOrder/" + sales, expandSubResources="true")[2]["item"]["items"])

    def test_edits(self):
        before = self.rows("SELECT COUNT(*) AS n FROM deletedrecord")[0]["n"]
        self.client.control("insert", table="term", row={"id": 99, "name": "Test"})
        self.assertEqual(self.rows("SELECT name FROM term WHERE id = 99"), [{"name": "Test"}])
        self.client.control("update", table="term", key={"id": 99}, changes={"name": "Other"})
        self.assertEqual(self.rows("SELECT name FROM term WHERE id = 99 AND lastmodifieddate > SYSDATE - 1"), [{"name": "Other"}])
        self.client.control("delete", table="term", key={"id": 99}, feed="term")
        self.assertEqual(int(self.rows("SELECT COUNT(*) AS n FROM deletedrecord")[0]["n"]), int(before) + 1)
        self.client.control("sql", sql="DELETE FROM ns.deletedrecord WHERE recordid = 99")

    def test_clock(self):
        self.addCleanup(self.client.control, "clock", offset=0)
        self.client.control("clock", offset=86400)
        _, _, body = self.client.request("GET", "/services/rest/system/v1/serverTime", sign=False)
        self.assertGreater(body["serverTime"], time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 80000)))


class Faults(SandboxCase):
    q = "SELECT id FROM transaction ORDER BY id ASC"

    def fault(self, kind, **more):
        self.client.control("fault", kind=kind, match="suiteql", **dict({"count": 1}, **more))

    def test_statuses(self):
        for kind, status in (("429", 429), ("429-retry-after", 429), ("400-concurrency", 400), ("500", 500),
                             ("502-html", 502), ("503", 503), ("401", 401), ("403", 403), ("redirect", 302)):
            self.fault(kind)
            got, headers, _ = self.client.suiteql(self.q)
            self.assertEqual(got, status, kind)
            self.assertEqual("Retry-After" in headers, kind == "429-retry-after")
            self.assertEqual(self.client.suiteql(self.q)[0], 200, "a fault by count strikes once")

    def test_broken_bodies(self):
        for kind in ("reset-before", "reset-body", "short-body", "bad-gzip"):
            self.fault(kind)
            with self.assertRaises(Exception, msg=kind):
                self.client.suiteql(self.q)
            self.client.conn and self.client.conn.close()
            self.client.conn = None
        for kind in ("truncated", "garbage"):
            self.fault(kind)
            status, _, body = self.client.suiteql(self.q)
            self.assertEqual(status, 200)
            self.assertNotIsInstance(body, dict, kind)

    def test_in_the_log_before_the_reply(self):
        self.fault("drip")
        self.client.conn.sock.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            self.client.suiteql(self.q)
        entries = self.client.control("log")["requests"]
        self.assertEqual([(e["fault"], e["status"], e["q"]) for e in entries], [("drip", 200, self.q)])

    def test_probability_and_change(self):
        self.fault("500", count=None, probability=0.5)
        statuses = {self.client.suiteql(self.q)[0] for _ in range(30)}
        self.assertEqual(statuses, {200, 500})
        self.client.control("clear_faults")
        self.fault("change", do={"op": "insert", "table": "term", "row": {"id": 98, "name": "Late"}})
        self.rows("SELECT id FROM currency")
        self.assertEqual(len(self.rows("SELECT id FROM term WHERE id = 98")), 1)
        self.client.control("delete", table="term", key={"id": 98})

    def test_concurrency_limit(self):
        self.client.control("latency", seconds=0.5)
        self.client.control("switch", name="concurrency_limit", value=2)
        results = []

        def ask():
            client = Client(FACTS)
            results.append(client.suiteql("SELECT id FROM currency")[0])
            client.conn.close()
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(sorted(results), [200, 200, 429, 429])
        self.assertEqual(self.client.control("log")["peak"], 4)


class OtherWays(SandboxCase):
    def test_a_foreign_client(self):
        """netsuite-rest from the npm registry, which this project did not write, queries and pages."""
        if shutil.which("node") is None:
            self.fail("node is missing")
        script = """
const Api = require('netsuite-rest'), facts = JSON.parse(process.env.FACTS), c = facts.credentials;
const api = new Api({consumer_key: c.consumer_key, consumer_secret_key: c.consumer_secret, token: c.token_id,
                     token_secret: c.token_secret, realm: facts.account, base_url: facts.url});
(async () => {
  let path = 'query/v1/suiteql?limit=1000', ids = new Set(), pages = 0;
  while (path) {
    const reply = await api.request({path, method: 'POST',
      body: JSON.stringify({q: 'SELECT id FROM transaction ORDER BY id ASC'})});
    reply.data.items.forEach(i => ids.add(i.id));
    pages++;
    const next = reply.data.links.find(l => l.rel === 'next');
    path = next ? next.href.split('/services/rest/')[1] : null;
  }
  const record = await api.request({path: 'record/v1/customer/1001'});
  console.log(JSON.stringify({rows: ids.size, pages, record: record.data.id}));
})().catch(e => { console.error(e.message); process.exit(1); });"""
        out = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=False, env=dict(
            os.environ, FACTS=json.dumps(FACTS), NODE_EXTRA_CA_CERTS=FACTS["ca_file"]))
        self.assertEqual(out.returncode, 0, out.stderr)
        self.assertEqual(json.loads(out.stdout), {"rows": 5000, "pages": 5, "record": "1001"})

    def test_csv_directory_and_port_in_use(self):
        here = os.path.dirname(os.path.abspath(__file__))
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "Shops.csv"), "w", encoding="utf-8") as file:
                file.write('id,name,opened,rate\n1,"A ""b""\nc",2020-01-31,1.50\n2,,,.25\n')
            with open(os.path.join(folder, "Shops.json"), "w", encoding="utf-8") as file:
                file.write('{"columns": {"id": "id"}, "key": ["id"]}')
            with psycopg.connect(os.environ["SANDBOX_DSN"], autocommit=True) as conn:
                conn.execute("DROP DATABASE IF EXISTS sandbox_csv")
                conn.execute("CREATE DATABASE sandbox_csv")
            ready = os.path.join(folder, "ready.json")
            command = [os.path.join(here, "netsuite-sandbox"), "--http", "--scale", "0.02", "--csv", folder,
                       "--dsn", os.environ["SANDBOX_DSN"] + " dbname=sandbox_csv", "--state", folder]
            busy = subprocess.run(command + ["--port", str(FACTS["port"])], capture_output=True, text=True, check=False)
            self.assertIn("cannot listen on 127.0.0.1 port", busy.stderr)
            process = subprocess.Popen(command + ["--port", "0", "--ready", ready], stdout=subprocess.DEVNULL)
            try:
                for _ in range(200):
                    if os.path.exists(ready):
                        break
                    time.sleep(0.1)
                client = Client(json.load(open(ready, encoding="utf-8")))
                _, _, body = client.suiteql("SELECT id, name, TO_CHAR(opened,'YYYY-MM-DD') AS opened, rate FROM shops ORDER BY id ASC")
                self.assertEqual([{k: v for k, v in i.items() if k != "links"} for i in body["items"]],
                                 [{"id": "1", "name": 'A "b"\nc', "opened": "2020-01-31", "rate": "1.5"},
                                  {"id": "2", "rate": "0.25"}])
                client.conn.close()
            finally:
                process.terminate()
                process.wait()


if __name__ == "__main__":
    unittest.main()
