#!/usr/bin/python3
"""Writes down what is posted to it, a line of JSON each: {"path", "headers", "body"}; answers 201, or what --behave FILE ({path: status}) says."""

import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOCK = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        try:
            with open(self.server.options.behave, encoding="utf-8") as file:
                status = json.load(file).get(self.path, 201)
        except (OSError, ValueError):
            status = 201
        with LOCK:
            self.server.out.write(json.dumps({"path": self.path, "status": status, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body}) + "\n")
            self.server.out.flush()
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--behave", default="")
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    server.daemon_threads = True
    server.options = options
    server.out = open(options.log, "a", encoding="utf-8")
    server.serve_forever()


if __name__ == "__main__":
    main()
