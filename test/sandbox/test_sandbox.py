"""The sandbox's own tests, against a running one: NS_READY names its facts."""

import base64
import itertools
import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
from datetime import datetime
from urllib.parse import urlencode

import psycopg
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

from netsuite_sandbox import personality, switches
from netsuite_sandbox.client import Client
from netsuite_sandbox.metadata import camel
from netsuite_sandbox.suiteql import parse

with open(os.environ["NS_READY"], encoding="utf-8") as facts:
    FACTS = json.load(facts)
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
            self.client.control("switch", name="token_type", value="Bearer")
            self.assertEqual(self.token(assertion(alg, kid))[2]["token_type"], "Bearer")
            self.client.control("switch", name="certificate_expired", value=True)
            self.assertEqual(self.token(assertion(alg, kid))[0], 400, "expired")
            self.client.control("reset")

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


class Oracle(SandboxCase):
    """Where PostgreSQL's SQL and Oracle's differ, Oracle's is played."""

    def value(self, expression):
        items = self.rows("SELECT %s AS v FROM dual" % expression)
        return items[0].get("v")

    def test_numbers_are_exact_decimals(self):
        for expression, value in (
                ("9223372036854775807 + 1", "9223372036854775808"),
                ("9223372036854775807 * 9223372036854775807", "85070591730234615847396907784232501249"),
                ("-9223372036854775808 - 1", "-9223372036854775809"),
                ("1/3", "0.3333333333333333333333333333333333333333"),
                ("10/3", "3.33333333333333333333333333333333333333"),
                ("1/3*3", "0.9999999999999999999999999999999999999999"),
                ("0.1 + 0.2", "0.3"), ("MOD(7, 0)", "7"), ("POWER(2, 100)", "1267650600228229401496703205376"),
                ("TO_CHAR(0.5)", ".5"), ("'a' || -0.5", "a-.5"), ("NVL(TO_NUMBER('1E3'), 0)", "1000"),
                ("POWER(10, -131) * 10", "0")):
            self.assertEqual(self.value(expression), value, expression)
        n = 2147483000
        self.client.control("sql", sql="UPDATE ns.systemnote SET type = %d WHERE id = 1" % n)
        self.addCleanup(self.client.control, "sql", sql="UPDATE ns.systemnote SET type = 4 WHERE id = 1")
        self.assertEqual(self.rows("SELECT type*type*type*type AS v, -type AS m FROM systemnote WHERE id = 1"),
                         [{"v": str(n ** 4), "m": str(-n)}])
        self.assertEqual(self.rows("SELECT AVG(x.v) AS a, SUM(x.v) AS s, MEDIAN(x.v) AS m FROM (SELECT 0.1 AS v FROM dual "
                                   "UNION ALL SELECT 0.2 FROM dual UNION ALL SELECT 12345678901234567890.3 FROM dual "
                                   "UNION ALL SELECT NULL FROM dual) x"),
                         [{"a": "4115226300411522630.2", "s": "12345678901234567890.6", "m": "0.2"}])
        self.assertEqual(self.rows("SELECT AVG(x.v) AS a FROM (SELECT 1 AS v FROM dual UNION ALL SELECT 1 FROM dual "
                                   "UNION ALL SELECT 0 FROM dual) x")[0]["a"], "0." + "6" * 39 + "7")

    def test_a_number_that_is_too_large(self):
        for expression in ("POWER(10, 126)", "POWER(10, 100) * POWER(10, 100)", "1E126 + 1", "-POWER(10, 125) * 10"):
            self.refuse("SELECT %s AS v FROM dual" % expression, "ORA-01426")
        self.refuse("SELECT SUM(x.v) AS v FROM (SELECT POWER(10, 125) * 9 AS v FROM dual UNION ALL SELECT POWER(10, 125) * 9 FROM dual) x", "ORA-01426")
        self.refuse("SELECT 1/0 AS v FROM dual", "ORA-01476")

    def test_dates_end_with_9999(self):
        last = "TO_DATE('9999-12-31','YYYY-MM-DD')"
        self.assertEqual(self.value("TO_CHAR(%s - 1,'YYYY-MM-DD')" % last), "9999-12-30")
        for expression in ("%s + 1", "1 + %s", "ADD_MONTHS(%s, 1)", "ROUND(%s, 'YYYY')", "TO_DATE('4712-01-01','YYYY-MM-DD') - 5000000 + 0 * (%s - %s)"):
            expression = expression.replace("%s", last)
            self.refuse("SELECT TO_CHAR(%s,'YYYY-MM-DD') AS v FROM dual" % expression, "ORA-018")
        self.refuse("SELECT id FROM currency WHERE lastmodifieddate + 3000000 > SYSDATE", "ORA-01841")
        self.refuse("SELECT TO_DATE('0000-01-01','YYYY-MM-DD') AS v FROM dual", "ORA-01841")
        self.refuse("SELECT TO_DATE('2023-02-29','YYYY-MM-DD') AS v FROM dual", "ORA-01839")
        self.assertEqual(self.value("TO_CHAR(TO_DATE('2024-01-01','YYYY-MM-DD') + 1/3,'YYYY-MM-DD HH24:MI:SS')"), "2024-01-01 08:00:00")
        self.assertEqual(self.value("TO_CHAR(TO_DATE('2024-01-01','YYYY-MM-DD') + 1/7,'YYYY-MM-DD HH24:MI:SS')"), "2024-01-01 03:25:43")

    def test_the_empty_string_is_null(self):
        self.client.control("insert", table="term", row={"id": 97, "name": ""})
        self.addCleanup(self.client.control, "delete", table="term", key={"id": 97})
        self.assertEqual(self.rows("SELECT id, name FROM term WHERE id = 97 AND name IS NULL"), [{"id": "97"}])
        self.client.control("update", table="term", key={"id": 97}, changes={"name": "x"})
        self.client.control("update", table="term", key={"id": 97}, changes={"name": ""})
        self.assertEqual(self.rows("SELECT COUNT(name) AS n, COUNT(*) AS a FROM term WHERE id = 97"), [{"n": "0", "a": "1"}])
        self.client.control("sql", sql="UPDATE ns.term SET name = '' WHERE id = 97")
        self.assertEqual(self.rows("SELECT id FROM term WHERE id = 97 AND name IS NULL"), [{"id": "97"}])
        for condition in ("'' = ''", "'' IS NOT NULL", "'a' <> ''", "'a' LIKE ''", "NOT 'a' LIKE ''", "'a' NOT IN ('b', '')",
                          "REPLACE('a', 'a') = 'a'", "CASE WHEN 1 = 1 THEN '' END IS NOT NULL", "TRIM(' ') <> 'x'"):
            self.assertEqual(self.rows("SELECT 1 AS v FROM dual WHERE " + condition), [], condition)
        for condition in ("'' IS NULL", "COALESCE('', NULL, 'x') = 'x'", "'a' || '' = 'a'", "DECODE('', NULL, 1, 0) = 1", "LENGTH('') IS NULL"):
            self.assertEqual(len(self.rows("SELECT 1 AS v FROM dual WHERE " + condition)), 1, condition)

    def test_like(self):
        for condition in (r"'a\b' LIKE 'a\b'", r"'a_b' LIKE 'a\_b' ESCAPE '\'", r"'a%' LIKE 'a!%' ESCAPE '!'", "'a!' LIKE 'a!!' ESCAPE '!'", r"'a\xb' LIKE 'a\_b'"):
            self.assertEqual(len(self.rows("SELECT 1 AS v FROM dual WHERE " + condition)), 1, condition)
        for condition in (r"'axb' LIKE 'a\_b' ESCAPE '\'",):
            self.assertEqual(self.rows("SELECT 1 AS v FROM dual WHERE " + condition), [], condition)
        for condition in ("'ab' LIKE 'a!b' ESCAPE '!'", "'ab' LIKE 'ab!' ESCAPE '!'"):
            self.refuse("SELECT 1 AS v FROM dual WHERE " + condition, "ORA-01424")
        self.refuse("SELECT 1 AS v FROM dual WHERE 'ab' LIKE 'ab' ESCAPE 'xx'", "ORA-01425")

    def test_between(self):
        self.assertEqual(len(self.rows("SELECT id FROM currency WHERE id BETWEEN 2 AND 4")), 3)
        self.assertEqual(self.rows("SELECT id FROM currency WHERE id BETWEEN 4 AND 2"), [])
        self.assertEqual(self.rows("SELECT id FROM currency WHERE id NOT BETWEEN 2 AND NULL ORDER BY id ASC"), [{"id": "1"}])

    def test_long_conditions(self):
        ors = " OR ".join("id = %d" % i for i in range(2000))
        self.assertEqual(len(self.rows("SELECT id FROM currency WHERE " + ors)), 6)
        ands = " AND ".join("id <> %d" % i for i in range(3, 2003))
        self.assertEqual(len(self.rows("SELECT id FROM currency WHERE NOT (%s)" % ands)), 4)
        day = "TO_DATE('2024-01-%02d','YYYY-MM-DD')"
        days = " OR ".join("trandate IN (%s)" % ", ".join(day % (1 + i % 31) for i in range(1000)) for _ in range(3))
        self.assertGreater(int(self.rows("SELECT COUNT(*) AS n FROM transaction WHERE " + days)[0]["n"]), 50)
        ranges = " OR ".join("(trandate >= %s AND trandate < %s + 1)" % (day % 1, day % 1) for _ in range(3000))
        self.assertGreater(int(self.rows("SELECT COUNT(*) AS n FROM transaction WHERE " + ranges)[0]["n"]), 0)
        sums = " + ".join(["id"] * 2000)
        self.assertEqual(self.rows("SELECT %s AS v FROM currency WHERE id = 3" % sums), [{"v": "6000"}])
        deep = "(" * 400 + "id = 3" + ")" * 400
        self.assertEqual(self.rows("SELECT id FROM currency WHERE " + deep), [{"id": "3"}])

    def test_a_fault_of_the_sandbox_is_no_login(self):
        deep = "(" * 200000 + "id = 3" + ")" * 200000
        self.assertEqual(self.client.suiteql("SELECT id FROM currency WHERE " + deep)[0], 500)
        self.assertEqual(len(self.rows("SELECT id FROM currency")), 6)


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

    def raw(self, q, **paging):
        """The body of a reply as it came."""
        self.client.suiteql(q, **paging)
        return self.client.data

    def test_pages(self):
        q = "SELECT id, name FROM subsidiary ORDER BY id ASC"
        usual = self.client.suiteql(q, limit=5)[2]
        for name, value in (("member_order", "items-first"), ("items_reversed", True), ("escaped_json", True), ("spaced_json", True), ("chunked", True),
                            ("lower_headers", True), ("plain_content_type", True), ("keep_alive", "close")):
            plain = self.raw(q, limit=5)
            self.switch(name, value)
            self.assertEqual(self.client.suiteql(q, limit=5)[2], usual, name)
            if name.endswith(("json", "reversed", "order")):
                self.assertNotEqual(self.client.data, plain, name)
        self.assertTrue(self.client.data.isascii())
        self.client.control("reset")
        self.switch("item_links", True)
        self.assertTrue(self.client.suiteql(q)[2]["items"][0]["links"])
        for name, value, member, seen in (("count_form", "string", "count", "5"), ("count_form", "missing", "count", None), ("totals", "string", "totalResults", "6"),
                                          ("totals", "missing", "totalResults", None), ("has_more", "string", "hasMore", "true"), ("has_more", "missing", "hasMore", None)):
            self.switch(name, value)
            self.assertEqual(self.client.suiteql(q, limit=5)[2].get(member), seen, (name, value))
        self.switch("totals", "null")
        self.assertIn(b'"totalResults":null', self.raw(q, limit=5))

    def test_size_of_pages(self):
        q = "SELECT id FROM transaction ORDER BY id ASC"
        self.switch("limit_clipped", True)
        status, _, body = self.client.suiteql(q, limit=3000)
        self.assertEqual((status, body["count"], body["hasMore"]), (200, 1000, True))
        self.switch("short_pages", 700)
        self.assertEqual(self.client.suiteql(q, limit=1000)[2]["count"], 700)

    def test_refusals(self):
        unknown, hidden = "SELECT nope FROM currency", "SELECT id FROM nowhere"
        self.switch("error_shape", "top")
        self.assertIn("Field 'nope'", self.client.suiteql(unknown)[2]["detail"])
        self.switch("error_shape", "nested")
        self.assertEqual(self.client.suiteql(unknown)[2]["error"]["code"], "INVALID_PARAMETER")
        self.switch("query_error_code", "USER_ERROR")
        self.assertEqual(self.client.suiteql(unknown)[2]["error"]["code"], "USER_ERROR")
        self.client.control("reset")
        for style, part in (("identifier-empty", "Available identifiers are: {}"), ("german", "wurde nicht gefunden"), ("unnamed", "unsupported search")):
            self.switch("unknown_column", style)
            self.refuse(unknown, part)
        self.switch("unknown_record", "search-type")
        self.refuse(hidden, "Invalid search type: nowhere")
        self.switch("multi_currency", False)
        self.refuse("SELECT id FROM currency", "Invalid search type: currency")
        self.switch("suiteql_allowed", False)
        self.refuse("SELECT id FROM term", "INSUFFICIENT_PERMISSION", status=403)
        self.switch("permission_status", 400)
        self.refuse("SELECT id FROM term", "does not have permission")
        self.client.control("reset")
        self.switch("fetch_first", False)
        self.refuse("SELECT id FROM term FETCH FIRST 2 ROWS ONLY", "FETCH")
        self.switch("fetch_first_status", 500)
        self.refuse("SELECT id FROM term FETCH FIRST 2 ROWS ONLY", "FETCH", status=500)

    def test_unrest(self):
        self.switch("refuse_every", 13)
        self.switch("refusal_body", "html")
        self.switch("concurrency_status", 400)
        replies = [self.client.suiteql("SELECT id FROM term") for _ in range(13)]
        self.assertEqual([r[0] for r in replies], [200] * 12 + [400])
        self.assertIn(b"Concurrent request limit exceeded", replies[-1][2])
        self.client.control("reset")
        self.switch("fail_every", 17)
        for kind, status in (("500", 500), ("502-html", 502), ("503", 503), ("504", 504)):
            self.switch("failure", kind)
            self.assertEqual([self.client.suiteql("SELECT id FROM term")[0] for _ in range(17)], [200] * 16 + [status])

    def test_connections(self):
        self.switch("keep_alive", "dies")
        died = 0
        for _ in range(12):
            try:
                self.assertEqual(self.client.suiteql("SELECT id FROM term")[0], 200)
            except OSError:
                died += 1
        self.assertEqual(died, 2)

    def test_login(self):
        path = "/services/rest/system/v1/serverTime"
        for signed, status in ((False, 200), (True, 401)):
            self.switch("server_time_signed", signed)
            self.assertEqual(self.client.request("GET", path, sign=False)[0], status)
            self.assertEqual(self.client.request("GET", path)[0], 200)
        self.switch("company_language", "de-DE")
        self.refuse("SELECT id FROM term", "Accept-Language")
        self.assertEqual(self.client.suiteql("SELECT id FROM term", **{"Accept-Language": "de-de,en;q=0.5"})[0], 200)
        self.switch("tba", False)
        self.refuse("SELECT id FROM term", "INVALID_LOGIN", status=401)

    def test_collations(self):
        column = "SELECT id FROM currency WHERE name = 'EURO'"
        literal = "SELECT id FROM currency WHERE id = 1 AND 'a' = 'A'"
        self.switch("case_insensitive", True)
        self.assertEqual([len(self.rows(q)) for q in (column, literal)], [1, 1])
        self.switch("collation_on_columns", True)
        self.assertEqual([len(self.rows(q)) for q in (column, literal)], [1, 0])
        self.assertEqual(len(self.rows("SELECT id FROM currency WHERE SUBSTR(name, 1, 4) IN ('EURO')")), 1)
        groups = "SELECT CASE WHEN id < 3 THEN 'x' ELSE LOWER('X' || '') END AS v FROM currency"
        self.assertEqual(len(self.rows(groups.replace("SELECT", "SELECT DISTINCT"))), 1)
        mixed = "(SELECT CASE WHEN id < 3 THEN 'x' ELSE 'X' END AS v, id AS i FROM currency) y"
        self.assertEqual(self.rows("SELECT y.v, COUNT(*) AS n, MAX(y.v) AS m FROM %s GROUP BY y.v" % mixed), [{"v": "X", "n": "6", "m": "x"}])
        self.assertEqual(len(self.rows("SELECT DISTINCT y.v FROM %s ORDER BY y.v ASC" % mixed)), 1)
        self.assertEqual(self.rows("SELECT COUNT(DISTINCT y.v) AS n FROM %s" % mixed), [{"n": "1"}])
        self.assertEqual(self.rows("SELECT LOWER(y.v) || '!' AS w FROM %s GROUP BY y.v HAVING MIN(y.i) = 1" % mixed), [{"w": "x!"}])

    def test_clocks(self):
        q = "SELECT TO_CHAR(SYSDATE,'HH24') AS s, TO_CHAR(CURRENT_TIMESTAMP,'HH24') AS c FROM dual"
        self.switch("datetime_zone", "Asia/Tokyo")
        usual = self.rows(q)[0]
        self.assertEqual(usual["s"], usual["c"])
        self.switch("current_zone", "datetime")
        self.assertNotEqual(*self.rows(q)[0].values())
        self.switch("current_zone", "UTC")
        self.assertNotEqual(*self.rows(q)[0].values())

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
        self.assertEqual(self.rows("SELECT 0.0000001 AS v FROM dual"), [{"v": "1E-7"}])
        self.assertEqual(self.rows("SELECT -0.00000012345678901234567890123 AS v FROM dual"), [{"v": "-1.2345678901234567890123E-7"}])
        self.switch("numbers_as_json", True)
        self.assertIn(b'"v":1E-7', self.raw("SELECT 0.0000001 AS v FROM dual"))
        self.client.control("reset")
        self.switch("nulls_present", True)
        self.switch("null_value", "empty")
        self.assertEqual(self.rows("SELECT parent, lastmodifieddate - lastmodifieddate AS n FROM subsidiary WHERE id = 1"), [{"parent": "", "n": "0"}])

    def test_text(self):
        q = "SELECT id FROM currency WHERE name = 'EURO'"
        self.assertEqual(self.rows(q), [])
        self.switch("case_insensitive", True)
        self.assertEqual(len(self.rows(q)), 1)
        self.switch("accent_insensitive", True)
        self.assertEqual(len(self.rows("SELECT id FROM department WHERE name = 'developpement'")), 1)
        self.client.control("reset")
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
        status, _, body = self.get("system/v1/serverTime")
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
        _, headers, _ = self.get("record/v1/customer/1001")
        self.assertIn("type=singular", headers["Content-Type"])

    def listed(self, kind, q):
        status, _, body = self.get("record/v1/" + kind, q=q)
        self.assertEqual(status, 200, body)
        return [i["id"] for i in body["items"]]

    def test_filters(self):
        for q, ids in (("id BETWEEN [2, 4]", "234"), ("id BETWEEN_NOT [2,4]", "156"), ("id WITHIN [5, 9]", "56"), ("symbol END_WITH R", "4"), ("symbol ENDWITH r", "4"),
                       ("symbol ENDWITH_NOT Y AND id GREATER_OR_EQUAL 4", "46"), ("id ANY_OF [1, 6]", "16"), ("SYMBOL START_WITH_NOT c", "1245"), ('name IS "US Dollar"', "1"),
                       ("isbasecurrency IS true OR symbol CONTAIN UR AND id GREATER 1", "14"), ("symbol EMPTY", ""), ("symbol EMPTY_NOT AND id LESS 2", "1"),
                       ('lastModifiedDate ON_OR_AFTER "1/1/2020" AND lastmodifieddate BEFORE "1/2/2020" AND id EQUAL 1', "1")):
            self.assertEqual("".join(self.listed("currency", q)), ids, q)
        for q in ("id BETWEEN 2 AND 4", "id BETWEEN [1]", "id BETWEEN [1, 2, 3]", "id BETWEEN", "id ANY_OF 1", "id CONTAIN", "symbol SOUNDS_LIKE x", "id IS", "(id IS 1", "id IS 1 )", "name START_WITH"):
            self.assertEqual(self.get("record/v1/currency", q=q)[0], 400, q)
        self.assertEqual(self.get("record/v1/customer", q="comments CONTAIN x")[0], 400, "what is not filterable")
        self.assertEqual(self.listed("customer", "subsidiary ANY_OF [99]"), [])
        # dates stand in the user's display format
        self.client.control("switch", name="date_format", value="DD.MM.YYYY")
        self.assertEqual(self.listed("currency", 'lastmodifieddate BEFORE "02.01.2020" AND id LESS 2'), ["1"])
        self.assertEqual(self.get("record/v1/currency", q='lastmodifieddate BEFORE "1/13/2020"')[0], 400)

    def test_names_in_any_case(self):
        self.assertEqual(self.get("record/v1/SALESORDER", limit=1)[0], 200)
        self.assertEqual(self.get("record/v1/CUSTOMER/1001")[2]["id"], "1001")
        self.assertEqual(list(self.get("record/v1/customer/1001", fields="COMPANYNAME")[2]), ["links", "id", "companyName"])
        self.assertEqual(self.get("record/v1/metadata-catalog/SalesORDER", "application/schema+json")[0], 200)
        some = self.get("record/v1/metadata-catalog", select="CUSTOMER,salesorder")[2]["items"]
        self.assertEqual([i["name"] for i in some], ["customer", "salesOrder"])

    def test_external_ids(self):
        row = self.rows("SELECT MIN(id) AS id FROM customer WHERE externalid IS NOT NULL")[0]
        known = self.rows("SELECT id, externalid FROM customer WHERE id = " + row["id"])[0]
        for key in (known["externalid"], known["externalid"].upper()):
            self.assertEqual(self.get("record/v1/customer/eid:" + key)[2]["id"], known["id"], key)
        self.assertEqual(self.get("record/v1/customer/eid:nobody")[0], 404)
        self.assertEqual(self.get("record/v1/vendor/eid:" + known["externalid"])[0], 404, "of another type")
        self.assertEqual(self.get("record/v1/currency/eid:x")[0], 404, "which has no external ids")
        self.client.control("update", table="customer", key={"id": known["id"]}, changes={"externalid": "a b/c"})
        self.addCleanup(self.client.control, "update", table="customer", key={"id": known["id"]}, changes={"externalid": known["externalid"]})
        self.assertEqual(self.get("record/v1/customer/eid:a%20b%2Fc")[2]["id"], known["id"])
        self.client.control("update", table="customer", key={"id": known["id"]}, changes={"externalid": "a|b"})
        self.assertEqual(self.get("record/v1/customer/eid:a%7Cb")[0], 404, "a bar delimits")
        self.assertEqual(self.listed("customer", 'externalId IS "A|B"'), [known["id"]])

    def test_records_of_every_type(self):
        names = {i["name"] for i in self.get("record/v1/metadata-catalog")[2]["items"]}
        self.assertLess({"check", "expenseReport", "transferOrder", "workOrder", "opportunity", "customerDeposit", "vendorPrepayment",
                         "inventoryItem", "kitItem", "assemblyItem", "serviceResaleItem"}, names)
        item = self.rows("SELECT MIN(id) AS id FROM item WHERE itemtype = 'InvtPart'")[0]["id"]
        self.assertEqual(self.get("record/v1/inventoryItem/" + item)[0], 200)
        self.assertEqual(self.get("record/v1/assemblyItem/" + item)[0], 404)
        self.assertEqual(self.get("record/v1/check", limit=1)[2]["totalResults"], 0)
        schema = self.get("record/v1/metadata-catalog/customer", "application/schema+json")[2]
        self.assertIn("companyName", schema["x-ns-filterable"])
        self.assertNotIn("comments", schema["x-ns-filterable"])
        self.assertFalse([n for n, p in schema["properties"].items() if "x-ns-filterable" in p])
        self.assertTrue(self.get("record/v1/metadata-catalog/customrecord_asset", "application/schema+json")[2]["x-ns-custom-record"])

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
        # no further than a signature may be off
        self.client.control("clock", offset=250)
        _, _, body = self.client.request("GET", "/services/rest/system/v1/serverTime")
        self.assertGreater(body["serverTime"], time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 200)))


    def test_record_variants(self):
        path = "record/v1/customer/1001"
        usual = self.get(path)[2]
        self.client.control("switch", name="record_zone", value="America/Los_Angeles")
        moved = self.get(path)[2]["lastModifiedDate"]
        self.assertRegex(moved, r"-0[78]:00$")
        self.assertEqual(datetime.fromisoformat(moved), datetime.fromisoformat(usual["lastModifiedDate"].replace("Z", "+00:00")))
        self.client.control("switch", name="record_keys", value="lower")
        self.client.control("switch", name="ref_names", value=False)
        record = self.get(path)[2]
        self.assertIn("lastmodifieddate", record)
        self.assertNotIn("refName", record["currency"])
        self.client.control("switch", name="odd_external_ids", value=False)
        self.assertEqual(self.get("record/v1/customer/eid:a%20b")[0], 400)
        self.client.control("switch", name="filterable_as", value="flags")
        self.assertTrue(self.get("record/v1/metadata-catalog/customer", "application/schema+json")[2]["properties"]["companyName"]["x-ns-filterable"])
        self.client.control("switch", name="record_allowed", value=False)
        for kind, status, code in (("permission", 403, "INSUFFICIENT_PERMISSION"), ("locked", 400, "USER_ERROR"), ("method", 405, "INVALID_METHOD"), ("missing", 404, "NONEXISTENT_ID")):
            self.client.control("switch", name="record_refusal", value=kind)
            got, _, body = self.get(path)
            self.assertEqual((got, body["o:errorDetails"][0]["o:errorCode"]), (status, code))
        self.client.control("switch", name="governance_type", value="internal")
        self.assertNotIn("integrationConcurrencyLimit", self.get("system/v1/governanceLimits")[2])


class Personalities(SandboxCase):
    known = list(personality.load().values())

    def test_any_two_values_meet(self):
        """Of any two switches of two values, each of the four combinations is some personality's."""
        played = [dict(switches.defaults(), **p["switches"]) for p in self.known]
        pairs = list(itertools.combinations(personality.two_valued(), 2))
        self.assertGreater(len(pairs), 1000)
        for a, b in pairs:
            for x, y in itertools.product(set(switches.values(a)), set(switches.values(b))):
                self.assertTrue(any(p[a] == x and p[b] == y for p in played), "%s=%s with %s=%s is nobody's" % (a, x, b, y))

    def test_every_value_is_played(self):
        for name in switches.SWITCHES:
            played = {p["switches"].get(name, switches.SWITCHES[name][0]) for p in self.known} if switches.values(name) else set()
            self.assertEqual(played, set(switches.values(name)), name)

    def test_the_usual_account_comes_first(self):
        self.assertEqual((self.known[0]["name"], self.known[0]["switches"], self.known[0]["options"]), ("usual", {}, {}))
        self.assertEqual(len(self.known), 12)

    def test_made_from_the_switches(self):
        self.assertEqual(self.known, personality.make(), "run make-personalities")
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.md"), encoding="utf-8") as file:
            self.assertIn(switches.table(), file.read(), "run make-personalities")

    def test_to_be_another(self):
        self.addCleanup(self.client.control, "personality", name="usual")
        for p in self.known:
            reply = self.client.control("personality", name=p["name"])
            self.assertEqual(reply["server"], "".join(", %s '%s'" % o for o in p["options"].items()))
            self.assertEqual("consumer_key" in reply["mapping"], p["switches"].get("tba", True))
            self.client.control("reset")
            status = self.client.suiteql("SELECT id FROM term")[0]
            self.assertEqual(status == 401, not p["switches"].get("tba", True), "a reset stays with the personality")
        with self.assertRaises(RuntimeError):
            self.client.control("personality", name="nobody")


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
                for _ in range(1800):
                    if os.path.exists(ready):
                        break
                    time.sleep(0.1)
                with open(ready, encoding="utf-8") as file:
                    client = Client(json.load(file))
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
