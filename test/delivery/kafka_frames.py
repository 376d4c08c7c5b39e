"""Speaks to ingest_kafka as the worker does: kafka_frames.py PROGRAM BROKER OPTION...

Each OPTION must be refused, whatever its value; bytes that are no frames must end the program and nothing else.
"""

import select
import socket
import struct
import subprocess
import sys

HELLO, OPEN, CLOSE, SEND, TOKEN, PING = range(1, 7)
SENT, FAILED, WANTS_TOKEN, PONG = range(64, 68)
SECONDS = 20


def data(value):
    value = value.encode() if isinstance(value, str) else value
    return b"\xff\xff\xff\xff" if value is None else struct.pack(">I", len(value)) + value + b"\0"


def frame(kind, *parts):
    body = b"".join(parts)
    return struct.pack(">IB", len(body) + 1, kind) + body


def u32(*values):
    return struct.pack(">%dI" % len(values), *values)


def opening(sink, epoch, options):
    return frame(OPEN, u32(sink, epoch, epoch, 15000, len(options)), *(data(k) + data(v) for k, v in options.items()))


def message(sink, epoch, number, topic, value, headers=b"\0"):
    return frame(SEND, u32(sink, epoch), struct.pack(">Q", number), data(topic), data("key"), data(value), headers)


class Helper:
    def __init__(self, program):
        self.end, other = socket.socketpair()
        self.process = subprocess.Popen([program], stdin=other, env={})
        other.close()
        self.buffer = b""

    def say(self, *frames):
        try:
            self.end.sendall(b"".join(frames))
        except BrokenPipeError:
            pass

    def hear(self):
        """The next frame, as kind and body; None: it has ended."""
        while True:
            if len(self.buffer) >= 5:
                length, kind = struct.unpack(">IB", self.buffer[:5])
                if len(self.buffer) >= 4 + length:
                    body, self.buffer = self.buffer[5:4 + length], self.buffer[4 + length:]
                    return kind, body
            if not select.select([self.end], [], [], SECONDS)[0]:
                raise TimeoutError("nothing is said")
            try:
                more = self.end.recv(1 << 16)
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self.buffer += more


def greeting(version=1, networks="127.0.0.0/8"):
    return frame(HELLO, u32(version), data(networks))


def main():
    program, broker, *options = sys.argv[1:]
    helper = Helper(program)
    helper.say(greeting())
    usual = {"bootstrap.servers": broker, "security.protocol": "PLAINTEXT"}
    refused = 0
    for i, name in enumerate(options):
        if name in ("ssl.ca.location", "ssl.ca.pem"):  # the worker's, which it checks
            refused += 1
            continue
        helper.say(opening(i, 1, dict(usual, **{name: "/tmp/x"})), message(i, 1, 1, "frames", "v"))
        kind, body = helper.hear()
        assert kind == FAILED and b"is not one of those that a sink may set" in body, (name, body)
        refused += 1
    # good ones, at the edges: nothing at all, a large one, one of another epoch, of a sink that was closed
    helper.say(opening(1000, 7, usual), message(1000, 7, 1, "frames", None), message(1000, 7, 2, "frames", ""), message(1000, 6, 3, "frames", "old"),
               message(1000, 7, 4, "frames", "x" * 900000, b"\2" + data("a") + data(None) + data("b") + data("")), frame(PING, u32(5)), frame(CLOSE, u32(77)))
    kinds = sorted(helper.hear()[0] for _ in range(5))
    assert kinds == [SENT, SENT, SENT, FAILED, PONG], kinds
    helper.end.close()
    assert helper.process.wait(SECONDS) == 0
    bad = [b"\0\0\0\0\0", b"\xff\xff\xff\xff\1", frame(99), opening(1, 1, usual), greeting(2), greeting(networks="nonsense"),
           greeting() + frame(PING), greeting() + message(5, 1, 1, "t", "v"), greeting() + opening(1, 1, usual) + message(1, 1, 1, "t", "v", b"\xff")]
    for said in bad:
        helper = Helper(program)
        helper.say(said)
        assert helper.hear() is None, said
        assert helper.process.wait(SECONDS) == 2, said
    print("%d refused, %d ended, all else answered" % (refused, len(bad)))


main()
