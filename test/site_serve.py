#!/usr/bin/python3
"""Serves a folder on a free port of the loopback, which it prints, under a policy by which nothing comes from elsewhere.

test/site_serve.py FOLDER: what a browser is kept from loading, it says on its console.
"""
import functools
import http.server
import sys

POLICY = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:"


class Handler(http.server.SimpleHTTPRequestHandler):
    def end_headers(self):
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1]))
print(server.server_port, flush=True)
server.serve_forever()
