"""What a blob storage may do that Azurite does not: busy, silent, torn, changed, strange.  The container's name says how.

Each request is a line of the log: container, whether it was a listing, range.
"""
import argparse
import http.server
import ssl
import threading
import time
import urllib.parse

ROWS = "id,v\n" + "".join(f"{i},value {i}\n" for i in range(1, 60001))
FILES = {"a.csv": ROWS, "b/c.csv": "id,v\n1,x\n"}
LARGE = "id,v\n" + "".join(f"{i},{'value ' * 8}{i}\n" for i in range(1, 60001))
COUNTS = {}
LOCK = threading.Lock()
OPTIONS = None


def blob(name, text, tier="Hot", etag='"0x1"', **more):
    extra = "".join(f"<{k}>{v}</{k}>" for k, v in more.items())
    version = f"<Etag>{etag}</Etag>" if etag else ""
    return (f"<Blob><Name>{name}</Name><Properties><Creation-Time>Sun, 01 Nov 2026 10:00:00 GMT</Creation-Time><Last-Modified>Sun, 01 Nov 2026 10:00:00 GMT</Last-Modified>"
            f"{version}<Content-Length>{len(text)}</Content-Length><BlobType>BlockBlob</BlobType><AccessTier>{tier}</AccessTier>{extra}</Properties></Blob>")


def listing(blobs, marker=""):
    return f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="x"><Blobs>{"".join(blobs)}</Blobs><NextMarker>{marker}</NextMarker></EnumerationResults>'


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, **headers):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, status, code, text="", **headers):
        self.answer(status, f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{text}</Message></Error>', x_ms_request_id="req-1", **headers)

    def knows(self):
        """A token that the identity's authority gave for storages, and that was not taken back."""
        with open(OPTIONS.tokens, encoding="utf-8") as file:
            given = dict(line.split() for line in file)
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        return given.get(token) == "https://storage.azure.com" and list(given).index(token) > 0

    def listed(self, how, query):
        marker = query.get("marker", "")
        if how == "pages":
            pages = {"": ([("p1.csv"), ("p2.csv")], "m1"), "m1": ([], "m 2&x"), "m 2&x": (["p3.csv"], "")}
            names, following = pages[marker]
            return self.answer(200, listing([blob(n, "id\n1\n") for n in names if n.startswith(query.get("prefix", ""))], following.replace("&", "&amp;")))
        if how == "loop":
            return self.answer(200, listing([blob("a.csv", "x")], "again"))
        if how == "rounds":
            return self.answer(200, listing([blob("a.csv", "x")], "one" if marker == "two" else "two"))
        if how == "barren":
            return self.answer(200, listing([], f"m{self.count('barren')}"))
        if how == "doctype":
            return self.answer(200, '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>' + listing([blob("&b;.csv", "x")])[38:])
        if how == "cut":
            return self.answer(200, listing([blob("a.csv", ROWS)])[:-60])
        if how == "strange":
            return self.answer(200, '{"files": []}')
        if how == "lacking":
            return self.answer(200, listing([blob("a.csv", "x", etag=None)]))
        if how == "archived":
            return self.answer(200, listing([blob("a.csv", ROWS, tier="Archive"), blob("b.csv", "id,v\n1,x\n")]))
        if how == "twice":
            return self.answer(200, listing([blob("b.csv", "id,v\n1,x\n")], "" if marker else "more"))
        if how == "late":
            return self.answer(200, listing([blob("a.csv", LARGE)]))
        if how == "folders":
            return self.answer(200, listing([blob("b", "", ResourceType="directory"), blob("b/c.csv", FILES["b/c.csv"])]))
        if how == "escaped":
            return self.answer(200, listing([blob("a%0Fb.csv", "x").replace("<Name>", '<Name Encoded="true">')]))
        return self.answer(200, listing([blob(n, t) for n, t in FILES.items() if n.startswith(query.get("prefix", ""))]))

    def read(self, how, name):
        text = (LARGE if how == "late" else FILES.get(name, "id,v\n1,x\n")).encode()
        first, last = (int(n) for n in self.headers["x-ms-range"].removeprefix("bytes=").split("-"))
        part = text[first:last + 1]
        if self.headers.get("if-match") != '"0x1"':
            return self.fail(412, "ConditionNotMet")
        if how == "archived" and name == "a.csv":
            return self.fail(409, "BlobArchived")
        # what was asked for ahead, and sent when its date was too old
        if how == "late" and first > 1000000 and self.count("late") == 1:
            return self.fail(403, "AuthenticationFailed")
        if how == "changed" and first > 0:
            return self.fail(412, "ConditionNotMet")
        if how == "gone":
            return self.fail(404, "BlobNotFound")
        if how == "short":
            part = part[:-1]
        if how == "whole":
            return self.answer(200, text, ETag='"0x1"')
        if how == "torn" and self.count("torn") % 2 == 1:
            self.send_response(206)
            self.send_header("content-length", str(len(part)))
            self.end_headers()
            self.wfile.write(part[:len(part) // 2])
            self.close_connection = True
            return None
        if how == "range":
            return self.answer(206, text[1:len(part)] + b"9", Content_Range=f"bytes {first + 1}-{last + 1}/{len(text)}", ETag='"0x1"')
        if how == "unsaid":
            return self.answer(206, part, ETag='"0x1"')
        return self.answer(206, part, Content_Range=f"bytes {first}-{last}/{len(text)}", ETag='"0x2"' if how == "version" else '"0x1"')

    def count(self, what):
        with LOCK:
            COUNTS[what] = COUNTS.get(what, 0) + 1
            return COUNTS[what]

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        _, _, how, *rest = urllib.parse.unquote(url.path).split("/")
        with LOCK, open(OPTIONS.log, "a", encoding="utf-8") as file:
            file.write(f"{how} {'list' if query.get('comp') == 'list' else 'read'} {self.headers.get('x-ms-range', '')}\n")
        if how == "silent":
            time.sleep(60)
        if how == "busy" and (n := self.count("busy")) <= 3:
            return self.fail(503, "ServerBusy") if n < 3 else self.fail(429, "TooManyRequests", Retry_After="1")
        if how == "down":
            return self.fail(503, "ServerBusy")
        if how == "moved":
            return self.fail(307, "Moved", Location=f"https://127.0.0.1:{self.server.server_port}/account/elsewhere{'?' + url.query if url.query else ''}")
        if how == "denied":
            return self.fail(403, "AuthenticationFailed", "signed with " + self.headers.get("authorization", "") + url.query)
        if how == "bearer" and not self.knows():
            return self.fail(401, "InvalidAuthenticationInfo")
        if query.get("comp") == "list":
            return self.listed(how, query)
        return self.read(how, "/".join(rest))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


def main():
    global OPTIONS  # pylint: disable=global-statement
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--tokens", required=True)
    OPTIONS = parser.parse_args()
    server = Server(("127.0.0.1", OPTIONS.port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(OPTIONS.cert)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


main()
