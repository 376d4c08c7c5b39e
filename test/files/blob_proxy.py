#!/usr/bin/env python3
"""Stands before a storage and does to requests what it is told: a line "VERB PATTERN DEED COUNT" in its file of orders.

lose: the request is done, and its answer never comes; busy: it is refused for the moment; cut: nobody answers any more.
"""
import argparse
import http.client
import http.server
import re
import ssl
import threading

LOCK = threading.Lock()
DONE = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def order(self):
        with LOCK, open(OPTIONS.orders, encoding="utf-8") as file:
            for line in file:
                verb, pattern, deed, count = line.split()
                if verb == self.command and re.search(pattern, self.path) and DONE.get(line, 0) < int(count):
                    DONE[line] = DONE.get(line, 0) + 1
                    return deed
        return None

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection", "content-length", "date", "server"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_request(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        deed = self.order()
        if deed == "cut":
            self.close_connection = True
            return
        if deed == "busy":
            self.answer(503, [("Retry-After", "1")], b"<Error><Code>ServerBusy</Code></Error>")
            return
        there = http.client.HTTPSConnection("127.0.0.1", OPTIONS.to, context=ssl._create_unverified_context())
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        there.request(self.command, self.path, body or None, headers)
        reply = there.getresponse()
        content = reply.read()
        if deed == "lose":
            self.close_connection = True
            return
        self.answer(reply.status, reply.getheaders(), content)

    do_GET = do_PUT = do_DELETE = handle_request


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass


def main():
    server = Server(("127.0.0.1", OPTIONS.port), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(OPTIONS.cert)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


parser = argparse.ArgumentParser()
for name in ("--port", "--to"):
    parser.add_argument(name, type=int)
for name in ("--cert", "--orders"):
    parser.add_argument(name)
OPTIONS = parser.parse_args()
main()
