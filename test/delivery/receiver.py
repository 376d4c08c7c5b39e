#!/usr/bin/python3
"""A receiver of webhooks: checks each signature by itself, writes down what it accepts, and fails as it is told.

--log FILE gets one line of JSON for each event that was accepted, before the answer is sent:
    {"at", "id" of the event, "subject", "message" (webhook-id), "data", "path", "flying" (requests at once),
    "bytes" of the request}
and one with "bad" where a request is not as Standard Webhooks and CloudEvents want it.
--behave FILE is read at each request: a JSON object of behaviours by path (or "*"):
    {"status": 500, "subject": "x" (only events of that subject), "drip": seconds, "endless": true, "retry_after": s,
     "sleep": s, "body": n bytes, "echo": true for the request's headers, "location": "…"}
"""

import argparse
import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOCK = threading.Lock()


def signature(secret, message, timestamp, body):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = message.encode() + b"." + timestamp.encode() + b"." + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def behaviour(self):
        try:
            with open(self.server.options.behave, encoding="utf-8") as file:
                all_of_them = json.load(file)
        except (OSError, ValueError, TypeError):
            return {}
        return all_of_them.get(self.path) or all_of_them.get("*") or {}

    def say(self, **what):
        with LOCK:
            self.server.out.write(json.dumps(what) + "\n")
            self.server.out.flush()

    def events(self, body):
        """What was sent, whatever the mode."""
        kind = self.headers.get("content-type", "").split(";")[0]
        if kind == "application/cloudevents-batch+json":
            return json.loads(body)
        if kind == "application/cloudevents+json":
            return [json.loads(body)]
        event = {k[3:]: urllib.parse.unquote(v) for k, v in self.headers.items() if k.lower().startswith("ce-")}
        event["data"] = json.loads(body)
        return [event]

    def is_signed(self, body):
        message, timestamp = self.headers.get("webhook-id"), self.headers.get("webhook-timestamp")
        if not message or not timestamp or abs(time.time() - int(timestamp)) > 300:
            return False
        given = [s.removeprefix("v1,") for s in self.headers.get("webhook-signature", "").split(" ")]
        return any(hmac.compare_digest(signature(s, message, timestamp, body), g) for s in self.server.options.secret for g in given)

    def answer(self, how):
        status = how.get("status", 204)
        self.send_response(status)
        for name in ("location", "retry_after"):
            if name in how:
                self.send_header(name.replace("_", "-"), str(how[name]))
        if how.get("drip") or how.get("endless"):
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            until = time.time() + how.get("drip", 60)
            piece = b"x" * (65536 if how.get("endless") else 1)
            try:
                while time.time() < until:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    if not how.get("endless"):
                        time.sleep(0.5)
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                self.close_connection = True
            return
        body = str(self.headers).encode() if how.get("echo") else b"y" * how.get("body", 0)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if status != 204:
            self.wfile.write(body)

    def do_POST(self):
        with LOCK:
            self.server.flying += 1
            self.flying = self.server.flying
        try:
            self.receive()
        finally:
            with LOCK:
                self.server.flying -= 1

    def receive(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        how = self.behaviour()
        try:
            events = self.events(body)
        except (ValueError, KeyError) as e:
            self.say(bad=str(e), path=self.path)
            self.answer({"status": 400})
            return
        if not self.is_signed(body):
            self.say(bad="signature", path=self.path)
            self.answer({"status": 401})
            return
        if "subject" in how and all(e.get("subject") != how["subject"] for e in events):
            how = {}
        if how.get("sleep"):
            time.sleep(how["sleep"])
        if 200 <= how.get("status", 204) < 300:
            for event in events:
                self.say(at=time.time(), id=event["id"], subject=event.get("subject"), message=self.headers["webhook-id"],
                         data=event["data"] if len(body) < 65536 and not self.server.options.brief else None,
                         path=self.path, flying=self.flying, bytes=len(body), event=event if self.server.options.whole else None,
                         headers=dict(self.headers.items()) if self.server.options.whole else None, body=body.decode() if self.server.options.whole else None)
        else:
            self.say(refused=[e["id"] for e in events], status=how["status"], at=time.time(), path=self.path)
        self.answer(how)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--secret", action="append", required=True)
    parser.add_argument("--behave")
    parser.add_argument("--cert")
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--brief", action="store_true", help="no data is written down")
    options = parser.parse_args()
    server = Server(("127.0.0.1", options.port), Handler)
    server.options = options
    server.flying = 0
    server.out = open(options.log, "a", encoding="utf-8")
    if options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
