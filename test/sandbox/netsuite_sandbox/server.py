"""The HTTP side: connections, routing, faults, the request log."""

import gzip
import json
import select
import socket
import ssl
import struct
import threading
import time
import traceback
import uuid
from collections import OrderedDict, deque
from urllib.parse import parse_qs, unquote, urlsplit

from . import metadata, personality, record
from .auth import Authenticator
from .errors import InvalidQuery, NetSuiteError
from .faults import Faults, edit
from .rows import RowCache, keep
from .suiteql import parse
from .switches import defaults, set_switch
from .translate import Translator

ROW_CAP, PAGE_CAP = 100000, 1000
REASONS = {200: "OK", 204: "No Content", 302: "Found", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
           429: "Too Many Requests", 500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Unavailable"}


class Request:
    __slots__ = ("method", "path", "query", "headers", "body", "scheme", "host", "reason", "q", "rendered")

    def args(self):
        return {k: v[-1] for k, v in parse_qs(self.query, keep_blank_values=True).items()}


class Response:
    __slots__ = ("status", "body", "headers", "zipped")

    def __init__(self, status, body=b"", headers=None, zipped=None):
        if not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode()
        self.status, self.body, self.headers = status, body, headers or {}
        self.zipped = zipped


class PageCache:
    """Rendered pages, least recently used out first."""

    def __init__(self, capacity):
        self.capacity, self.size = capacity, 0
        self.pages, self.lock = OrderedDict(), threading.Lock()

    def get(self, key):
        with self.lock:
            page = self.pages.get(key)
            if page is not None:
                self.pages.move_to_end(key)
            return page

    def put(self, key, page):
        with self.lock:
            if key in self.pages:
                return
            self.pages[key] = page
            self.size += len(page[0]) + len(page[1])
            while self.size > self.capacity:
                _, old = self.pages.popitem(last=False)
                self.size -= len(old[0]) + len(old[1])


class Sandbox:
    def __init__(self, store, account, state_dir, scheme="https", control=False):
        self.store, self.account, self.scheme, self.control = store, account, scheme, control
        self.base = defaults()                  # what a reset goes back to
        self.switches, self.faults = dict(self.base), Faults()
        self.served = 0
        self.clock_offset, self.latency = 0.0, 0.0
        self.auth, self.state_dir = Authenticator(account, self.clock, state_dir), state_dir
        self.pages = PageCache(768 << 20)
        self.counts = PageCache(16 << 20)
        self.rows, self.keep_rows = RowCache(768 << 20), False
        self.lock = threading.Lock()
        self.in_flight = self.peak = self.connections = 0
        self.log = deque(maxlen=20000)

    def clock(self):
        return time.time() + self.clock_offset

    # -- a connection ------------------------------------------------------------------------
    def serve(self, conn):
        with self.lock:
            self.connections += 1
        try:
            reader, served = conn.makefile("rb", buffering=65536), 0
            while self.serve_one(conn, reader, served):
                served += 1
        except (OSError, ValueError, ssl.SSLError):
            pass
        finally:
            try:
                conn.close()
            except OSError:
                pass

    def serve_one(self, conn, reader, served):
        request = self.read_request(conn, reader)
        if request is None:
            return False
        if self.switches["keep_alive"] == "dies" and served == 4 and "/sandbox/" not in request.path:
            # it was looked at all the same, so its nonce is spent
            self.respond(request, 0)
            return False
        started = time.time()
        if request.path == "/sandbox/control" and self.control:
            response = self.run_control(request)
            self.send(conn, request, response)
            return True
        rule = self.faults.strike(request.path)
        counted = "/auth/" not in request.path
        with self.lock:
            self.in_flight += counted
            flight = self.in_flight
            self.peak = max(self.peak, flight)
        entry = {"at": started, "method": request.method, "path": request.path,
                 "query": request.query, "in_flight": flight, "fault": rule and rule["kind"]}
        entry.update(counted=counted, left=False, nonce=nonce_of(request))
        try:
            return self.answer(conn, request, rule, flight, entry)
        finally:
            self.leave(entry)
            entry["seconds"] = time.time() - started

    def leave(self, entry):
        """The request is no longer being worked on and is in the log; its reply may still be on
        its way, and its reader must find it in the log."""
        if entry["left"]:
            return
        entry.update(left=True, seconds=time.time() - entry["at"])
        with self.lock:
            self.in_flight -= entry["counted"]
            self.log.append(entry)

    def answer(self, conn, request, rule, flight, entry):
        kind = rule["kind"] if rule else None
        if self.latency:
            time.sleep(self.latency)
        if kind == "reset-before":
            reset(conn)
            return False
        if kind == "hang-up":
            return False
        if kind == "stall":
            # until the client gives up: whatever it sends now is its farewell
            select.select([conn], [], [], rule.get("seconds", 3600))
            return False
        if kind == "no-http":
            conn.sendall(b"upstream went away\n")
            return False
        if kind in ("endless-header", "endless-trailer"):
            conn.sendall(b"HTTP/1.1 200 OK\r\n")
            if kind == "endless-trailer":
                conn.sendall(b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
            conn.sendall(b"X-Padding: ")
            while True:
                conn.sendall(b"x" * 65536)
        if kind == "interim":
            conn.sendall(b"HTTP/1.1 102 Processing\r\nContent-Encoding: gzip\r\n\r\n")
            time.sleep(rule.get("seconds", 1))
        response = self.fault_response(kind, rule) or self.respond(request, flight)
        if kind == "edit":
            response.body, response.zipped = edit(rule, response.body), None
        entry.update(status=response.status, bytes=len(response.body), reason=request.reason,
                     q=request.q, rendered=request.rendered)
        # before the reply: its reader may ask again at once, on another connection
        self.leave(entry)
        alive = self.send(conn, request, response, kind)
        if kind == "change":
            self.operate(rule["do"])
        return alive and kind != "close-after"

    def fault_response(self, kind, rule):
        if kind == "reply":
            return Response(rule["status"], rule.get("body", "").encode(),
                            {"Content-Type": rule.get("type", "application/json")})
        if kind in ("429", "429-retry-after", "400-concurrency"):
            return self.refusal(400 if kind == "400-concurrency" else 429,
                                kind == "429-retry-after")
        if kind == "500":
            return failure(NetSuiteError(500, "UNEXPECTED_ERROR",
                                         "An unexpected error occurred. Error ID: fault"))
        if kind == "502-html":
            return Response(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>",
                            {"Content-Type": "text/html"})
        if kind == "503":
            return Response(503, b"<html>maintenance</html>", {"Content-Type": "text/html"})
        if kind == "401":
            return failure(NetSuiteError(401, "INVALID_LOGIN", "Invalid login attempt."))
        if kind == "403":
            return failure(NetSuiteError(403, "INSUFFICIENT_PERMISSION",
                                         "Permission Violation: you need a permission."))
        if kind == "redirect":
            return Response(302, b"", {"Location": self.switches["redirect_to"]})
        if kind == "garbage":
            return Response(200, b"this is not JSON")
        if kind == "expired-token":
            self.auth.expire_tokens()
        return None

    def refusal(self, status, retry_after):
        words = "Concurrent request limit exceeded. Request blocked."
        headers = {"Retry-After": "1"} if retry_after else {}
        if self.switches["refusal_body"] == "html":
            return Response(status, b"<html><body>%s</body></html>" % words.encode(),
                            dict(headers, **{"Content-Type": "text/html"}))
        return failure(NetSuiteError(status, self.switches["concurrency_code"], words,
                                     headers=headers), self.switches)

    def read_request(self, conn, reader):
        line = reader.readline(65537)
        if not line.strip():
            return None
        request = Request()
        request.reason = request.q = None
        request.rendered = False
        request.method, target, _ = line.decode("latin-1").split(None, 2)
        headers = {}
        while True:
            line = reader.readline(65537)
            if line in (b"\r\n", b"\n", b""):
                break
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        parts = urlsplit(target)
        request.path, request.query = parts.path, parts.query
        request.headers = headers
        request.scheme, request.host = self.scheme, headers.get("host", "")
        if headers.get("expect", "").lower() == "100-continue":
            conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.body = reader.read(int(headers.get("content-length") or 0))
        return request

    def send(self, conn, request, response, fault=None):
        body, headers = response.body, dict(response.headers)
        accepts = "gzip" in request.headers.get("accept-encoding", "") and self.switches["gzip"]
        if fault == "truncated":
            body, response.zipped = body[:len(body) * 2 // 3], None
        if accepts and len(body) > 500:
            body = response.zipped or gzip.compress(body, 4)
            headers["Content-Encoding"] = "gzip"
        if fault == "bad-gzip":
            body, headers["Content-Encoding"] = b"\x1f\x8b" + b"broken" * 20, "gzip"
        headers.setdefault("Content-Type", "application/vnd.oracle.resource+json; type=collection")
        if self.switches["plain_content_type"] and "json" in headers["Content-Type"]:
            headers["Content-Type"] = "application/json; charset=UTF-8"
        chunked = self.switches["chunked"] and fault is None and response.status != 204
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = 1 << 40 if fault == "endless" else len(body)
        closes = self.switches["keep_alive"] == "close" or request.headers.get(
            "connection", "").lower() == "close"
        if closes:
            headers["Connection"] = "close"
        # the same request has the same id, so that tests can expect it
        headers["X-N-OperationId"] = str(uuid.uuid5(
            uuid.NAMESPACE_URL, request.path + request.body.decode("utf-8", "replace")))
        headers["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self.clock()))
        if self.switches["lower_headers"]:
            headers = {name.lower(): value for name, value in headers.items()}
        head = "HTTP/1.1 %d %s\r\n%s\r\n" % (
            response.status, REASONS.get(response.status, "Status"),
            "".join("%s: %s\r\n" % h for h in headers.items()))
        if fault == "endless":
            headers.pop("Content-Encoding", None)
            conn.sendall(head.replace("Content-Encoding: gzip\r\n", "").encode("latin-1"))
            while True:
                conn.sendall(b'{"items":[' + b" " * 65536)
        if fault == "drip":
            conn.sendall(head.encode("latin-1"))
            for i in range(len(body)):
                conn.sendall(body[i:i + 1])
                time.sleep(1)
            return True
        if fault in ("reset-body", "short-body"):
            conn.sendall(head.encode("latin-1") + body[:len(body) // 2])
            if fault == "reset-body":
                reset(conn)
            else:
                conn.close()
            return False
        if request.method == "HEAD":
            body = b""
        elif chunked:
            body = chunks(body)
        conn.sendall(head.encode("latin-1") + body)
        return not closes

    # -- routes ------------------------------------------------------------------------------
    def respond(self, request, flight):
        try:
            if request.path == "/services/rest/auth/oauth2/v1/token":
                status, body = self.auth.grant(request, self.switches["expires_in_as_string"],
                                               self.switches["certificate_expired"],
                                               self.switches["token_type"])
                return Response(status, body, {"Content-Type": "application/json"})
            asks_time = request.path == "/services/rest/system/v1/serverTime"
            if not asks_time or self.switches["server_time_signed"]:
                self.auth.check(request, self.switches["tba"])
            if asks_time:
                return self.server_time()
            return self.unrest(flight) or self.route(request)
        except NetSuiteError as error:
            request.reason = getattr(error, "reason", error.detail)
            return failure(error, self.switches)
        except Exception as error:                              # pylint: disable=broad-except
            # a fault of the sandbox is one of the server, not a connection that breaks
            traceback.print_exc(limit=-3)
            request.reason = repr(error)[:200]
            return failure(NetSuiteError(500, "UNEXPECTED_ERROR",
                                         "An unexpected error occurred. Error ID: sandbox"))

    def unrest(self, flight):
        """A request that is one too many, or meets a passing failure; else None."""
        with self.lock:
            self.served += 1
            served = self.served
        every = self.switches["refuse_every"]
        if flight > self.switches["concurrency_limit"] or every and served % every == 0:
            return self.refusal(self.switches["concurrency_status"], self.switches["retry_after"])
        every = self.switches["fail_every"]
        if every and served % every == 0:
            kind = self.switches["failure"]
            return self.fault_response(kind, {}) or Response(
                int(kind), b"<html>Gateway Time-out</html>", {"Content-Type": "text/html"})
        return None

    def need_language(self, request):
        wanted = self.switches["company_language"].lower().replace("_", "-")
        given = request.headers.get("accept-language", "").lower().replace("_", "-")
        if wanted and given.split(",")[0].split(";")[0].strip() != wanted:
            raise NetSuiteError(400, "INVALID_HEADER",
                                "Provide the Accept-Language header with your default company "
                                "language value.", errorHeader="Accept-Language")

    def server_time(self):
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.clock()))
        return Response(200, {"serverTime": now + ".000Z"})

    def route(self, request):
        path = request.path
        self.need_language(request)
        if path == "/services/rest/query/v1/suiteql":
            return self.suiteql(request)
        if path == "/services/rest/system/v1/governanceLimits":
            self.need("governance_allowed", "Administrator")
            limit = self.switches["concurrency_limit"]
            kind = self.switches["governance_type"]
            limits = {"accountConcurrencyLimit": limit,
                      "accountUnallocatedConcurrencyLimit": max(limit - 2, 0),
                      "integrationLimitType": kind}
            if kind == "integrationSpecific":
                limits["integrationConcurrencyLimit"] = min(5, limit)
            return Response(200, limits)
        prefix = "/services/rest/record/v1/"
        if path.startswith(prefix):
            self.need_get(request)
            base = "%s://%s%s" % (self.scheme, request.host, prefix.rstrip("/"))
            parts = [unquote(p) for p in path[len(prefix):].split("/")]
            if parts[0] == "metadata-catalog":
                return self.metadata_catalog(request, base + "/metadata-catalog", parts[1:])
            return self.record(request, base, parts)
        raise NetSuiteError(404, "NONEXISTENT_ID", "The requested resource does not exist.")

    def need(self, switch, permission):
        if not self.switches[switch] and self.switches["permission_status"] == 400:
            raise NetSuiteError(400, "USER_ERROR",
                                "Your current role does not have permission to perform this "
                                "action. Please contact your account administrator.")
        if not self.switches[switch]:
            raise NetSuiteError(403, "INSUFFICIENT_PERMISSION",
                                "Permission Violation: You need the '%s' permission to access "
                                "this page. Please contact your account administrator."
                                % permission)

    @staticmethod
    def need_get(request):
        if request.method != "GET":
            raise NetSuiteError(405, "METHOD_NOT_ALLOWED",
                                "This sandbox plays the reading half of the record service.")

    def metadata_catalog(self, request, base, rest):
        self.need("metadata_allowed", "REST Web Services")
        if rest and rest[0]:
            if "schema+json" not in request.headers.get("accept", ""):
                return Response(200, {"name": rest[0], "links": metadata.links(base, rest[0])})
            return Response(200, metadata.schema(self.store.tables, base, rest[0],
                                                 self.switches["filterable_as"]),
                            {"Content-Type": "application/schema+json"})
        select = request.args().get("select")
        if not select:
            time.sleep(self.switches["catalog_seconds"])
        return Response(200, metadata.listing(self.store.tables, base, select),
                        {"Content-Type": "application/json"})

    def refuse_record(self, name):
        """What the record service says where it cannot be used."""
        kind = self.switches["record_refusal"]
        if kind == "locked":
            raise NetSuiteError(400, "USER_ERROR", "Error while accessing a resource. This record "
                                "has been locked by a user defined workflow.")
        if kind == "method":
            raise NetSuiteError(405, "INVALID_METHOD",
                                "Method GET is not allowed for record type %s." % name)
        if kind == "missing":
            raise NetSuiteError(404, "NONEXISTENT_ID", "Record type '%s' does not exist." % name)
        self.need("record_allowed", "REST Web Services")

    def record(self, request, base, parts):
        if not self.switches["record_allowed"]:
            self.refuse_record(parts[0])
        args = request.args()
        if len(parts) == 1:
            limit, offset = paging(args, 1000)
            # by-id calls work without this permission, all others need it
            self.need("suiteql_allowed", "SuiteAnalytics Workbook")
            return Response(200, record.listing(self.store, parts[0], base, args.get("q"), limit,
                                                offset, self.switches["date_format"]))
        fields = {f.strip().lower() for f in args.get("fields", "").split(",") if f.strip()}
        return Response(200, record.get(self.store, parts[0], base, parts[1],
                                        args.get("expandSubResources") == "true", fields,
                                        self.switches),
                        {"Content-Type": "application/vnd.oracle.resource+json; type=singular"})

    # -- SuiteQL -----------------------------------------------------------------------------
    def suiteql(self, request):
        self.need("suiteql_allowed", "SuiteAnalytics Workbook")
        if request.method != "POST":
            raise NetSuiteError(405, "METHOD_NOT_ALLOWED", "Use POST.")
        if "transient" not in request.headers.get("prefer", "").lower():
            raise NetSuiteError(400, "INVALID_HEADER",
                                "Invalid or missing header 'Prefer'. The value must be "
                                "'transient'.", errorHeader="Prefer")
        if not request.headers.get("content-type", "application/json").startswith(
                "application/json"):
            raise NetSuiteError(400, "INVALID_CONTENT", "Content-Type must be application/json.")
        try:
            body = json.loads(request.body)
            q, params = body["q"], body.get("params", [])
            if set(body) - {"q", "params"} or not isinstance(params, list):
                raise ValueError
        except (ValueError, KeyError, TypeError):
            raise NetSuiteError(400, "INVALID_CONTENT",
                                "Invalid content in the request body.") from None
        request.q = q
        clipped = self.switches["limit_clipped"]
        limit, offset = paging(request.args(), 1 << 30 if clipped else self.switches["max_limit"])
        if offset >= ROW_CAP or offset // limit >= PAGE_CAP:
            raise NetSuiteError(400, "INVALID_PARAMETER",
                                "Invalid offset: a query returns at most 100,000 rows in 1,000 "
                                "pages.", errorQueryParam="offset")
        return self.page(request, q, params, limit, offset)

    def page(self, request, q, params, limit, offset):
        volatile = any(w in q.upper() for w in ("SYSDATE", "CURRENT_", "SYSTIMESTAMP",
                                                "RELATIVE_RANGES"))
        if self.keep_rows and not volatile and not params and not self.switches["odd_bytes"]:
            cut = self.cut(request, q, limit, offset)
            if cut is not None:
                return Response(200, cut[0], zipped=cut[1])
        key = (self.store.version, q, json.dumps(params), limit, offset, repr(self.switches))
        cached = None if volatile else self.pages.get(key)
        if cached is None:
            cached = self.render(request, q, params, limit, offset)
            if not volatile:
                self.pages.put(key, cached)
            request.rendered = True
        return Response(200, cached[0], zipped=cached[1])

    def cut(self, request, q, limit, offset):
        """A page cut from kept rows; None if the query is not one by key."""
        shape, bounds = self.rows.shape(q)
        if shape is None:
            return None

        def make():
            sql, out = Translator(self.store.tables, self.switches, []).translate(shape[0])
            return keep(self.store.rows(sql, out, shape[1], self.switches))
        key = (self.store.version, repr(shape), repr(self.switches))
        kept, request.rendered = self.rows.get(key, make)
        if kept is None:
            return None
        low, high = kept.range(bounds)
        total = high - low
        size = max(0, min(self.page_rows(limit), ROW_CAP - offset, total - offset))
        shown = min(total, ROW_CAP)
        before, after = self.envelope(request, limit, offset, size,
                                      shown if self.switches["total_capped"] else total,
                                      offset + size < shown)
        low += offset if size else 0
        return kept.body(low, low + size, before, after)

    def render(self, request, q, params, limit, offset):
        tree, wanted = parse(q)
        if wanted != len(params):
            raise NetSuiteError(400, "INVALID_PARAMETER", "Invalid number of parameters.")
        if tree[3] is not None and not self.switches["fetch_first"]:
            status = self.switches["fetch_first_status"]
            raise NetSuiteError(status, "INVALID_PARAMETER" if status == 400 else "UNEXPECTED_ERROR",
                                "Invalid or unsupported search: FETCH.")
        sql, out = Translator(self.store.tables, self.switches, params).translate(tree)
        ordered = bool(tree[2])
        if ordered and self.switches["bare_order_by_empty"] and any(k[1] is None for k in tree[2]):
            sql = "SELECT * FROM (%s) q WHERE false" % sql
        shuffle = self.switches["unstable_order"] and not ordered and offset > 0
        size = max(0, min(self.page_rows(limit), ROW_CAP - offset))
        count, items = self.store.page(sql, out, size, offset, self.switches, shuffle)
        total = offset + count
        if count == size or (count == 0 and offset > 0):
            total = self.count(sql)
        shown = min(total, ROW_CAP)
        before, after = self.envelope(request, limit, offset, count,
                                      shown if self.switches["total_capped"] else total,
                                      offset + count < shown)
        body = before + items.encode() + after
        if self.switches["odd_bytes"]:
            body = body.replace(b"NULHERE", b"\\u0000").replace(b"BADUTF8", b"\xff")
        return body, gzip.compress(body, 4)

    def page_rows(self, limit):
        """How many rows a page of this limit has at most."""
        return min(limit, self.switches["max_limit"], self.switches["short_pages"] or limit)

    def count(self, sql):
        key = (self.store.version, sql)
        known = self.counts.get(key)
        if known is None:
            known = (str(self.store.count(sql)), sql)
            self.counts.put(key, known)
        return int(known[0])

    def envelope(self, request, limit, offset, count, total, more):
        """What stands before the items of a page and behind them."""
        href = "%s://%s%s?limit=%d&offset=" % (self.scheme, request.host, request.path, limit)
        links = [{"rel": "self", "href": href + str(offset)}]
        if more:
            links.append({"rel": "next", "href": href + str(offset + limit)})
        forms = {"number": "%d", "string": '"%d"'}
        first, last = ['"links":' + json.dumps(links)], ['"offset":%d' % offset]
        form = self.switches["count_form"]
        if form != "missing":
            first.append('"count":' + forms[form] % count)
        form = self.switches["has_more"]
        if form != "missing":
            first.append('"hasMore":' + ("%s" if form == "boolean" else '"%s"') % (
                "true" if more else "false"))
        form = self.switches["totals"]
        if form != "missing":
            last.append('"totalResults":' + ("null" if form == "null" else forms[form] % total))
        comma = ",\r\n \t" if self.switches["spaced_json"] else ","
        before, after = "{" + comma[1:], "]" + comma + comma.join(last) + comma[1:] + "}" + comma[1:]
        first = comma.join(first)
        if self.switches["member_order"] == "items-first":
            return (before + '"items":[' + comma[1:]).encode(), after.replace("]", "]" + comma + first, 1).encode()
        return (before + first + comma + '"items":[' + comma[1:]).encode(), after.encode()

    # -- the control interface ---------------------------------------------------------------
    def run_control(self, request):
        try:
            result = self.operate(json.loads(request.body))
            return Response(200, {"ok": True, "result": result})
        except Exception as error:                              # pylint: disable=broad-except
            return Response(400, {"ok": False, "error": "%s: %s" % (type(error).__name__, error)})

    def operate(self, op):
        """One control operation; see the README of the sandbox."""
        op = dict(op)
        name = op.pop("op")
        if name in ("insert", "update", "delete"):
            return getattr(self.store, name)(**op)
        if name == "sql":
            return self.store.execute(op["sql"])
        if name == "clock":
            self.clock_offset = float(op["offset"])
            return self.store.set_clock(self.clock_offset)
        if name == "latency":
            self.latency = float(op["seconds"])
        elif name == "fault":
            self.faults.add(**op)
        elif name == "clear_faults":
            self.faults.clear()
        elif name == "switch":
            set_switch(self.switches, op["name"], op["value"])
        elif name == "personality":
            return self.become(personality.find(op["name"]))
        elif name == "keep_rows":
            self.keep_rows = bool(op["keep"])
        elif name == "token_lifetime":
            self.auth.token_lifetime = int(op["seconds"])
        elif name == "expire_tokens":
            self.auth.expire_tokens()
        elif name == "log":
            return {"requests": list(self.log), "peak": self.peak,
                    "connections": self.connections, "in_flight": self.in_flight}
        elif name == "reset":
            self.reset()
        else:
            raise ValueError("unknown operation %r" % name)
        return None

    def become(self, account):
        """Play this account from now on; a reset stays with it."""
        self.base = dict(defaults(), **account["switches"])
        self.reset()
        return {"server": personality.sql_options(account),
                "mapping": personality.sql_mapping(account, self.auth.credentials, self.state_dir)}

    def reset(self):
        """Forget faults, switches, latency and the log; the data and the personality stay."""
        self.faults.clear()
        self.switches.clear()
        self.switches.update({name: list(value) if isinstance(value, list) else value
                              for name, value in self.base.items()})
        self.served = 0
        self.latency = 0.0
        self.log.clear()
        with self.lock:
            self.peak, self.connections = self.in_flight, 0


def nonce_of(request):
    """What marks a signed request as this one."""
    return request.headers.get("authorization", "").partition('oauth_nonce="')[2].partition('"')[0]


def chunks(body):
    """A body as chunked transfer coding has it."""
    parts = [body[i:i + 16384] for i in range(0, len(body), 16384)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


def failure(error, switches=None):
    shape = switches["error_shape"] if switches else "details"
    if switches and isinstance(error, InvalidQuery):
        error.code = switches["query_error_code"]
    return Response(error.status, error.body(shape),
                    dict(error.headers, **{"Content-Type":
                                           "application/vnd.oracle.resource+json; type=error"}))


def paging(args, largest):
    try:
        limit, offset = int(args.get("limit", 1000)), int(args.get("offset", 0))
    except ValueError:
        limit = offset = -1
    if not 1 <= limit <= largest:
        raise NetSuiteError(400, "INVALID_PARAMETER",
                            "Invalid value for the query parameter limit. Provide an integer "
                            "between 1 and %d." % largest, errorQueryParam="limit")
    if offset < 0 or offset % limit:
        raise NetSuiteError(400, "INVALID_PARAMETER",
                            "Invalid value for the query parameter offset. The offset must be "
                            "divisible by the limit.", errorQueryParam="offset")
    return limit, offset


def reset(conn):
    """Close with RST rather than FIN."""
    raw = conn.detach() if isinstance(conn, ssl.SSLSocket) else conn.fileno()
    sock = socket.socket(fileno=raw) if isinstance(raw, int) else conn
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def listen(host, port):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(128)
    return sock


def run(sandbox, sock, context):
    """Accept for ever, one thread a connection; TLS is shaken in the thread."""
    def handle(conn):
        try:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                conn.settimeout(30)
                conn = context.wrap_socket(conn, server_side=True)
                conn.settimeout(None)
        except (OSError, ssl.SSLError):
            conn.close()
            return
        sandbox.serve(conn)

    while True:
        conn, _ = sock.accept()
        threading.Thread(target=handle, args=(conn,), daemon=True).start()
