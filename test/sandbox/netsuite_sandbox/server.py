"""The HTTP side: connections, routing, faults, the request log."""

import gzip
import json
import select
import socket
import ssl
import struct
import threading
import time
import uuid
from collections import OrderedDict, deque
from urllib.parse import parse_qs, unquote, urlsplit

from . import metadata, record
from .auth import Authenticator
from .errors import NetSuiteError
from .faults import Faults, edit
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
        self.switches, self.faults = defaults(), Faults()
        self.clock_offset, self.latency = 0.0, 0.0
        self.auth = Authenticator(account, self.clock, state_dir)
        self.pages = PageCache(768 << 20)
        self.counts = PageCache(16 << 20)
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
            reader = conn.makefile("rb", buffering=65536)
            while self.serve_one(conn, reader):
                pass
        except (OSError, ValueError, ssl.SSLError):
            pass
        finally:
            try:
                conn.close()
            except OSError:
                pass

    def serve_one(self, conn, reader):
        request = self.read_request(conn, reader)
        if request is None:
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
        return failure(NetSuiteError(
            status, self.switches["concurrency_code"],
            "Concurrent request limit exceeded. Request blocked.",
            headers={"Retry-After": "1"} if retry_after else None))

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
        headers["Content-Length"] = 1 << 40 if fault == "endless" else len(body)
        # the same request has the same id, so that tests can expect it
        headers["X-N-OperationId"] = str(uuid.uuid5(
            uuid.NAMESPACE_URL, request.path + request.body.decode("utf-8", "replace")))
        headers["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(self.clock()))
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
        conn.sendall(head.encode("latin-1") + body)
        return request.headers.get("connection", "").lower() != "close"

    # -- routes ------------------------------------------------------------------------------
    def respond(self, request, flight):
        try:
            if request.path == "/services/rest/auth/oauth2/v1/token":
                status, body = self.auth.grant(request, self.switches["expires_in_as_string"])
                return Response(status, body, {"Content-Type": "application/json"})
            if request.path == "/services/rest/system/v1/serverTime":
                return self.server_time()
            self.auth.check(request)
            if flight > self.switches["concurrency_limit"]:
                return self.refusal(self.switches["concurrency_status"],
                                    self.switches["retry_after"])
            return self.route(request)
        except NetSuiteError as error:
            request.reason = getattr(error, "reason", error.detail)
            return failure(error)

    def server_time(self):
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.clock()))
        return Response(200, {"serverTime": now + ".000Z"})

    def route(self, request):
        path = request.path
        if path == "/services/rest/query/v1/suiteql":
            return self.suiteql(request)
        if path == "/services/rest/system/v1/governanceLimits":
            self.need("governance_allowed", "Administrator")
            limit = self.switches["concurrency_limit"]
            return Response(200, {"accountConcurrencyLimit": limit,
                                  "accountUnallocatedConcurrencyLimit": max(limit - 2, 0),
                                  "integrationConcurrencyLimit": min(2, limit),
                                  "integrationLimitType": "integrationSpecific"})
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
            return Response(200, metadata.schema(self.store.tables, base, rest[0]),
                            {"Content-Type": "application/schema+json"})
        select = request.args().get("select")
        if not select:
            time.sleep(self.switches["catalog_seconds"])
        return Response(200, metadata.listing(self.store.tables, base, select),
                        {"Content-Type": "application/json"})

    def record(self, request, base, parts):
        self.need("record_allowed", "REST Web Services")
        args = request.args()
        if len(parts) == 1:
            limit, offset = paging(args, 1000)
            return Response(200, record.listing(self.store, parts[0], base, args.get("q"), limit,
                                                offset))
        fields = {f.strip().lower() for f in args.get("fields", "").split(",") if f.strip()}
        return Response(200, record.get(self.store, parts[0], base, parts[1],
                                        args.get("expandSubResources") == "true", fields))

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
        limit, offset = paging(request.args(), self.switches["max_limit"])
        if offset >= ROW_CAP or offset // limit >= PAGE_CAP:
            raise NetSuiteError(400, "INVALID_PARAMETER",
                                "Invalid offset: a query returns at most 100,000 rows in 1,000 "
                                "pages.", errorQueryParam="offset")
        return self.page(request, q, params, limit, offset)

    def page(self, request, q, params, limit, offset):
        volatile = any(w in q.upper() for w in ("SYSDATE", "CURRENT_", "SYSTIMESTAMP",
                                                "RELATIVE_RANGES"))
        key = (self.store.version, q, json.dumps(params), limit, offset, repr(self.switches))
        cached = None if volatile else self.pages.get(key)
        if cached is None:
            cached = self.render(request, q, params, limit, offset)
            if not volatile:
                self.pages.put(key, cached)
            request.rendered = True
        return Response(200, cached[0], zipped=cached[1])

    def render(self, request, q, params, limit, offset):
        tree, wanted = parse(q)
        if wanted != len(params):
            raise NetSuiteError(400, "INVALID_PARAMETER", "Invalid number of parameters.")
        if tree[3] is not None and not self.switches["fetch_first"]:
            raise NetSuiteError(400, "INVALID_PARAMETER", "Invalid or unsupported search: FETCH.")
        sql, out = Translator(self.store.tables, self.switches, params).translate(tree)
        ordered = bool(tree[2])
        if ordered and self.switches["bare_order_by_empty"] and any(k[1] is None for k in tree[2]):
            sql = "SELECT * FROM (%s) q WHERE false" % sql
        shuffle = self.switches["unstable_order"] and not ordered and offset > 0
        size = max(0, min(limit, ROW_CAP - offset))
        count, items = self.store.page(sql, out, size, offset, self.switches, shuffle)
        total = offset + count
        if count == size or (count == 0 and offset > 0):
            total = self.count(sql)
        shown = min(total, ROW_CAP)
        return self.envelope(request, limit, offset, count,
                             shown if self.switches["total_capped"] else total,
                             offset + count < shown, items)

    def count(self, sql):
        key = (self.store.version, sql)
        known = self.counts.get(key)
        if known is None:
            known = (str(self.store.count(sql)), sql)
            self.counts.put(key, known)
        return int(known[0])

    def envelope(self, request, limit, offset, count, total, more, items):
        href = "%s://%s%s?limit=%d&offset=" % (self.scheme, request.host, request.path, limit)
        links = [{"rel": "self", "href": href + str(offset)}]
        if more:
            links.append({"rel": "next", "href": href + str(offset + limit)})
        parts = ['"links":' + json.dumps(links), '"count":%d' % count,
                 '"hasMore":%s' % ("true" if more else "false"), '"items":[' + items + "]",
                 '"offset":%d' % offset, '"totalResults":%d' % total]
        if self.switches["member_order"] == "items-first":
            parts = [parts[3]] + parts[:3] + parts[4:]
        body = ("{" + ",".join(parts) + "}").encode()
        if self.switches["odd_bytes"]:
            body = body.replace(b"NULHERE", b"\\u0000").replace(b"BADUTF8", b"\xff")
        return body, gzip.compress(body, 4)

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

    def reset(self):
        """Forget faults, switches, latency and the log; the data stay."""
        self.faults.clear()
        fresh = defaults()
        self.switches.clear()
        self.switches.update(fresh)
        self.latency = 0.0
        self.log.clear()
        with self.lock:
            self.peak, self.connections = self.in_flight, 0


def nonce_of(request):
    """What marks a signed request as this one."""
    return request.headers.get("authorization", "").partition('oauth_nonce="')[2].partition('"')[0]


def failure(error):
    return Response(error.status, error.body(),
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
