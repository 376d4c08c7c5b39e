"""Stands between clients and the mock of a Kafka broker, and has what that lacks: TLS and logins.

kafka_proxy.py --port PORT --broker FILE --log FILE [--tls CERTIFICATE KEY] [--user NAME PASSWORD] [--token TOKEN]
    [--tokens FILE RESOURCE] [--advertise FILE]

FILE of --broker holds host:port of the broker, read anew for each connection; that of --advertise, if there is one, what
the broker is called in its metadata from then on.  FILE of --tokens has tokens that somebody gives, each with what it is
for, which must be RESOURCE.  With --user, --token or --tokens nothing but a login is answered before it
(SaslHandshake, SaslAuthenticate: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER).
The log has a line for each connection and each login.
"""

import argparse
import asyncio
import base64
import hashlib
import hmac
import os
import ssl
import struct

METADATA, FIND_COORDINATOR, HANDSHAKE, VERSIONS, AUTHENTICATE = 3, 10, 17, 18, 36
UNSUPPORTED_VERSION, UNSUPPORTED_MECHANISM, FAILED = 35, 33, 58
MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
ITERATIONS = 4096


def text(value):
    return struct.pack(">h", len(value.encode())) + value.encode()


def read_text(data, at):
    n = struct.unpack_from(">h", data, at)[0]
    at += 2
    return (None, at) if n < 0 else (data[at:at + n].decode(), at + n)


async def read_frame(reader):
    head = await reader.readexactly(4)
    return await reader.readexactly(struct.unpack(">i", head)[0])


def framed(data):
    return struct.pack(">i", len(data)) + data


class Scram:
    """The server's side of RFC 5802, without channel binding."""

    def __init__(self, name, user, password):
        self.name, self.user = name, user
        self.salt = os.urandom(16)
        self.salted = hashlib.pbkdf2_hmac(name, password.encode(), self.salt, ITERATIONS)
        self.first = None

    def digest(self, key, message):
        return hmac.new(key, message.encode(), self.name).digest()

    def answer(self, message):
        """What to say, and whether that is the end; None: no."""
        if self.first is None:
            self.bare = message.split(",", 2)[2]
            fields = dict(part.split("=", 1) for part in self.bare.split(","))
            if fields["n"] != self.user:
                return None
            self.first = "r=%s%s,s=%s,i=%d" % (fields["r"], base64.b64encode(os.urandom(12)).decode(), base64.b64encode(self.salt).decode(), ITERATIONS)
            return self.first, False
        without, proof = message.rsplit(",p=", 1)
        signed = ",".join([self.bare, self.first, without])
        key = self.digest(self.salted, "Client Key")
        stored = hashlib.new(self.name, key).digest()
        expected = bytes(a ^ b for a, b in zip(key, self.digest(stored, signed)))
        if not hmac.compare_digest(expected, base64.b64decode(proof)):
            return None
        return "v=" + base64.b64encode(self.digest(self.digest(self.salted, "Server Key"), signed)).decode(), True


class Connection:
    def __init__(self, options, reader, writer):
        self.options, self.reader, self.writer = options, reader, writer
        self.asked = {}
        self.mechanism, self.scram = None, None
        self.known = not (options.user or options.token or options.tokens)

    def log(self, line):
        with open(self.options.log, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def answer(self, correlation, body):
        self.writer.write(framed(struct.pack(">i", correlation) + body))

    def place(self):
        if self.options.advertise and os.path.exists(self.options.advertise):
            with open(self.options.advertise, encoding="utf-8") as file:
                host, port = file.read().strip().rsplit(":", 1)
                return host, int(port)
        return self.options.host, self.options.port

    async def upstream_versions(self):
        self.up_writer.write(framed(struct.pack(">hhi", VERSIONS, 0, 0) + text("proxy")))
        data = await read_frame(self.up_reader)
        n = struct.unpack_from(">i", data, 6)[0]
        return [struct.unpack_from(">hhh", data, 10 + 6 * i) for i in range(n)]

    def versions(self, version, correlation):
        apis = [v for v in self.apis if v[0] not in (METADATA, VERSIONS)] + [(METADATA, 0, 2), (VERSIONS, 0, 1), (HANDSHAKE, 0, 1), (AUTHENTICATE, 0, 0)]
        body = struct.pack(">hi", 0 if version <= 1 else UNSUPPORTED_VERSION, len(apis)) + b"".join(struct.pack(">hhh", *a) for a in sorted(apis))
        self.answer(correlation, body + (struct.pack(">i", 0) if version == 1 else b""))

    def handshake(self, data, correlation):
        self.mechanism, _ = read_text(data, 0)
        error = 0 if self.mechanism in MECHANISMS else UNSUPPORTED_MECHANISM
        self.answer(correlation, struct.pack(">hi", error, len(MECHANISMS)) + b"".join(map(text, MECHANISMS)))

    def tokens(self):
        known = [self.options.token] if self.options.token else []
        if self.options.tokens and os.path.exists(self.options.tokens[0]):
            with open(self.options.tokens[0], encoding="utf-8") as file:
                known += [line.split()[0] for line in file if line.split()[1:] == [self.options.tokens[1]]]
        return known

    def authenticated(self, said):
        """What to answer, and whether the client is known; None: it is not."""
        user, password = self.options.user or ("", "")
        if self.mechanism == "PLAIN":
            return ("", True) if self.options.user and said.split(b"\0")[1:] == [user.encode(), password.encode()] else None
        if self.mechanism == "OAUTHBEARER":
            return ("", True) if any(f"auth=Bearer {token}\x01" in said.decode() for token in self.tokens()) else None
        if not self.options.user:
            return None
        if self.scram is None:
            self.scram = Scram({"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}[self.mechanism], user, password)
        return self.scram.answer(said.decode())

    def authenticate(self, data, correlation):
        n = struct.unpack_from(">i", data, 0)[0]
        result = self.authenticated(data[4:4 + n])
        if result is None:
            self.log("refused " + str(self.mechanism))
            self.answer(correlation, struct.pack(">h", FAILED) + text("this login is not known") + struct.pack(">i", 0))
            return
        said, self.known = result
        if self.known:
            self.log("login " + self.mechanism)
        self.answer(correlation, struct.pack(">hh", 0, -1) + struct.pack(">i", len(said)) + said.encode())

    async def from_client(self):
        while True:
            data = await read_frame(self.reader)
            api, version, correlation = struct.unpack_from(">hhi", data, 0)
            _, at = read_text(data, 8)
            if api == VERSIONS:
                self.versions(version, correlation)
            elif api == HANDSHAKE:
                self.handshake(data[at:], correlation)
            elif api == AUTHENTICATE:
                self.authenticate(data[at:], correlation)
            elif not self.known:
                self.log("without login")
                return
            else:
                if api in (METADATA, FIND_COORDINATOR):
                    self.asked[correlation] = api, version
                self.up_writer.write(framed(data))
                await self.up_writer.drain()
            await self.writer.drain()

    def renamed(self, data):
        """An answer with the address of the broker in it, with that of this proxy in its place."""
        correlation = struct.unpack_from(">i", data, 0)[0]
        host, port = self.place()
        api, version = self.asked.pop(correlation, (None, None))
        if api == METADATA:
            n = struct.unpack_from(">i", data, 4)[0]
            out, at = data[:8], 8
            for _ in range(n):
                node = data[at:at + 4]
                _, at = read_text(data, at + 4)
                out += node + text(host) + struct.pack(">i", port)
                at += 4
                if version >= 1:
                    begin = at
                    _, at = read_text(data, at)
                    out += data[begin:at]
            return out + data[at:]
        if api == FIND_COORDINATOR:
            at = 6 if version == 0 else 10
            if version >= 1:
                _, at = read_text(data, at)
            node = at + 4
            _, at = read_text(data, node)
            return data[:node] + text(host) + struct.pack(">i", port)
        return data

    async def from_broker(self):
        while True:
            self.writer.write(framed(self.renamed(await read_frame(self.up_reader))))
            await self.writer.drain()

    async def serve(self):
        self.log("connection")
        with open(self.options.broker, encoding="utf-8") as file:
            host, port = file.read().strip().rsplit(":", 1)
        tasks = []
        try:
            self.up_reader, self.up_writer = await asyncio.open_connection(host, int(port))
            self.apis = await self.upstream_versions()
            tasks = [asyncio.create_task(self.from_client()), asyncio.create_task(self.from_broker())]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.writer.close()
            if hasattr(self, "up_writer"):
                self.up_writer.close()


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--tls", nargs=2)
    parser.add_argument("--user", nargs=2)
    parser.add_argument("--token")
    parser.add_argument("--tokens", nargs=2)
    parser.add_argument("--advertise")
    options = parser.parse_args()
    tls = None
    if options.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*options.tls)
    server = await asyncio.start_server(lambda r, w: Connection(options, r, w).serve(), "127.0.0.1", options.port, ssl=tls)
    async with server:
        await server.serve_forever()


asyncio.run(main())
