#!/usr/bin/python3
"""Takes any POST, writes down what came, and answers as it is told.

--log FILE gets one line of JSON for each: {"at", "path", "headers", "body"}.
--behave FILE is read at each: {"/path": {"status": 429, "retry_after": s, "answer": "…"}}.
"""

import argparse
import json
import threading
import time
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
                how = json.load(file).get(self.path, {})
        except (OSError, ValueError, TypeError):
            how = {}
        with LOCK, open(self.server.options.log, "a", encoding="utf-8") as file:
            file.write(json.dumps({"at": time.time(), "path": self.path, "headers": dict(self.headers.items()), "body": body, "status": how.get("status", 200)}) + "\n")
        answer = how.get("answer", "ok").encode()
        self.send_response(how.get("status", 200))
        if "retry_after" in how:
            self.send_header("Retry-After", str(how["retry_after"]))
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--behave")
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_known_args()[0].port), Handler)
    server.options = parser.parse_args()
    server.serve_forever()


if __name__ == "__main__":
    main()
