#!/usr/bin/python3
"""A receiver that answers as no receiver should: what it does stands in the path.

--log FILE gets one line of JSON for each request: {"path", "at"}.
"""

import argparse
import json
import socket
import struct
import threading
import time

LOCK = threading.Lock()
OK = b"HTTP/1.1 204 No Content\r\n\r\n"


def with_body(body, status="422 No", more=b""):
    return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n%s\r\n%s" % (status.encode(), len(body), more, body)


ANSWERS = {
    "nothing": b"",
    "garbage": b"\x16\x03\x01 hello\r\n\r\n",
    "old": b"just a body, as in 1990",
    "cut": b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf",
    "cuthead": b"HTTP/1.1 204 No Con",
    "nul": with_body(b"a\x00b\x00c"),
    "broken": with_body(b"\xff\xfe gr\xc3\xbc\xc3" + b"\xe2\x82\xac" * 400 + b"\xe2"),
    "split": with_body(b"x" * 1023 + "€".encode() * 10),
    "nogzip": with_body(b"this is no gzip", "204 No Content", b"content-encoding: gzip\r\n"),
    "zero": b"HTTP/1.1 000 What\r\ncontent-length: 0\r\n\r\n",
    "huge": b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n",
    "switch": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "same": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "twice": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 5\r\n\r\nhello",
    "continues": b"HTTP/1.1 100 Continue\r\n\r\n" * 300 + OK,
    "early": b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + OK,
    "smuggle": OK + b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno",
}
AFTER = {"never": "Fri, 31 Dec 9999 23:59:59 GMT", "far": "99999999999999999999", "negative": "-5", "words": "soon", "past": "Wed, 21 Oct 2015 07:28:00 GMT", "real": "1.5", "empty": ""}


def read(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return None
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
    while len(body) < length:
        more = connection.recv(65536)
        if not more:
            return None
        body += more
    return head.split(b" ")[1].decode()


def answer(connection, what):
    if what == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif what == "longhead":
        connection.sendall(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 2000000)
    elif what == "heads":
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 300000)
    elif what == "trailer":
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"x: y\r\n" * 3 + b"\r\n")
    elif what == "chunk":
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\nx")
    elif what.startswith("after-"):
        connection.sendall(with_body(b"", "429 Later", b"retry-after: %s\r\n" % AFTER[what[6:]].encode()))
    elif what.isdigit():
        connection.sendall(b"HTTP/1.1 %s X\r\n%s\r\n" % (what.encode(), b"" if what in ("204", "304") else b"content-length: 0\r\n"))
    else:
        connection.sendall(ANSWERS[what])


def serve(connection, log):
    try:
        path = read(connection)
        if path is None:
            return
        with LOCK:
            log.write(json.dumps({"path": path, "at": time.time()}) + "\n")
            log.flush()
        answer(connection, path.strip("/"))
    except (OSError, ValueError):
        pass
    finally:
        connection.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--behave")
    options = parser.parse_args()
    log = open(options.log, "a", encoding="utf-8")
    server = socket.create_server(("127.0.0.1", options.port), backlog=256)
    while True:
        connection, _ = server.accept()
        threading.Thread(target=serve, args=(connection, log), daemon=True).start()


main()
