#!/usr/bin/python3
"""Raw forms of requests, each with what RFC 9112 wants of a server: against an address, one line each in TAP.

A form that could be read in two ways is refused, and nothing behind it is run as a request: behind a proxy
that reads it the other way it would be somebody else's.
"""
import argparse
import socket
import time

HOST = b"Host: gateway.test\r\n"
GOOD = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
SMUGGLED = b"GET /healthz?smuggled HTTP/1.1\r\n" + HOST + b"\r\n"


def get(lines=b"", target=b"/healthz", version=b"HTTP/1.1", host=HOST):
    return b"GET " + target + b" " + version + b"\r\n" + host + lines + b"\r\n"


def post(lines, body=b""):
    return b"POST /healthz HTTP/1.1\r\n" + HOST + lines + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked\r\n"
# 405: the form was understood, and what lies at /healthz takes no POST
TAKEN = [200, 204, 405]
REFUSED = [400]

# name, bytes, statuses one of which must come first, how many answers at most
FORMS = [
    ("a plain request", GOOD, [200], 1),
    ("an empty line before it", b"\r\n" + GOOD, [200], 1),
    ("three pipelined", GOOD * 3, [200], 3),
    ("HTTP/1.0 without a host", get(version=b"HTTP/1.0", host=b""), [200], 1),
    ("blanks around a value", get(b"X-A: \t v \t\r\n"), [200], 1),
    ("an empty value", get(b"X-A:\r\n"), [200], 1),
    ("absolute form", get(target=b"http://other.test/healthz"), [200], 1),
    ("absolute form of another scheme", get(target=b"ftp://other.test/healthz"), REFUSED, 1),
    ("absolute form without an authority", get(target=b"http:///healthz"), REFUSED, 1),
    ("authority form", b"CONNECT other.test:443 HTTP/1.1\r\n" + HOST + b"\r\n", [400, 405, 501], 1),
    ("authority form with GET", get(target=b"other.test:443"), REFUSED, 1),
    ("asterisk form with OPTIONS", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", [200, 204], 1),
    ("asterisk form with GET", get(target=b"*"), REFUSED, 1),
    ("a fragment", get(target=b"/healthz#x"), REFUSED, 1),
    ("%00 in the path", get(target=b"/healthz%00x"), REFUSED, 1),
    ("%00 in the query", get(target=b"/healthz?a=%00"), REFUSED, 1),
    ("a cut escape", get(target=b"/healthz%2"), REFUSED, 1),
    ("an invalid escape", get(target=b"/healthz%zz"), REFUSED, 1),
    ("a control character in the target", get(target=b"/health\x01z"), REFUSED, 1),
    ("a byte beyond ASCII in the target", get(target=b"/healthz?\xc3\xa4"), REFUSED, 1),
    ("two blanks after the method", b"GET  /healthz HTTP/1.1\r\n" + HOST + b"\r\n", REFUSED, 1),
    ("a tab after the method", b"GET\t/healthz HTTP/1.1\r\n" + HOST + b"\r\n", REFUSED, 1),
    ("a blank at the end of the line", b"GET /healthz HTTP/1.1 \r\n" + HOST + b"\r\n", REFUSED, 1),
    ("no version", b"GET /healthz\r\n" + HOST + b"\r\n", REFUSED, 1),
    ("HTTP/2.0", get(version=b"HTTP/2.0"), [400, 505], 1),
    ("HTTP/1.2", get(version=b"HTTP/1.2"), [200, 400, 505], 1),
    ("http/1.1", get(version=b"http/1.1"), [400, 505], 1),
    ("HTTP/1.10", get(version=b"HTTP/1.10"), [400, 505], 1),
    ("a method with a bracket", b"G(T /healthz HTTP/1.1\r\n" + HOST + b"\r\n", REFUSED, 1),
    ("bytes of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n", REFUSED, 1),
    ("two different lengths", post(b"Content-Length: 5\r\nContent-Length: %d\r\n" % (5 + len(SMUGGLED)), b"aaaaa" + SMUGGLED), REFUSED, 1),
    ("two equal lengths", post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"aaaaa"), REFUSED, 1),
    ("a list of lengths", post(b"Content-Length: 5, 5\r\n", b"aaaaa"), REFUSED, 1),
    ("a length with a sign", post(b"Content-Length: +5\r\n", b"aaaaa"), REFUSED, 1),
    ("a negative length", post(b"Content-Length: -5\r\n", b"aaaaa"), REFUSED, 1),
    ("a hexadecimal length", post(b"Content-Length: 0x5\r\n", b"aaaaa"), REFUSED, 1),
    ("an empty length", post(b"Content-Length:\r\n", b"aaaaa"), REFUSED, 1),
    ("a length of 30 digits", post(b"Content-Length: " + b"9" * 30 + b"\r\n"), [400, 413], 1),
    ("a length and an encoding", post(b"Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n" + SMUGGLED), REFUSED, 1),
    ("an encoding and a length", post(CHUNKED + b"Content-Length: 5\r\n", b"0\r\n\r\n" + SMUGGLED), REFUSED, 1),
    ("a blank before the colon", post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"), REFUSED, 1),
    ("a tab before the colon", get(b"X-A\t: v\r\n"), REFUSED, 1),
    ("an unknown encoding", post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), [400, 501], 1),
    ("another encoding before chunked", post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), [400, 501], 1),
    ("chunked twice", post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"), [400, 501], 1),
    ("two encodings in two lines", post(CHUNKED + b"Transfer-Encoding: identity\r\n", b"0\r\n\r\n"), [400, 501], 1),
    ("an encoding with a vertical tab", post(b"Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n"), [400, 501], 1),
    ("an encoding with HTTP/1.0", b"POST /healthz HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n", REFUSED, 1),
    ("CHUNKED in capitals", post(b"Transfer-Encoding: CHUNKED\r\n", b"0\r\n\r\n"), TAKEN, 1),
    ("a folded line", get(b"X-A: a\r\n b\r\n"), REFUSED, 1),
    ("a folded line with a tab", get(b"X-A: a\r\n\tb\r\n"), REFUSED, 1),
    ("a fold before the first header", b"GET /healthz HTTP/1.1\r\n X-A: a\r\n" + HOST + b"\r\n", REFUSED, 1),
    ("an encoding in a fold", post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"), REFUSED, 1),
    ("lines that end in LF alone", b"GET /healthz HTTP/1.1\nHost: gateway.test\n\n", REFUSED, 1),
    ("one line that ends in LF alone", b"GET /healthz HTTP/1.1\r\nX-A: a\n" + HOST + b"\r\n", REFUSED, 1),
    ("a CR within a value", get(b"X-A: a\rX-B: b\r\n"), REFUSED, 1),
    ("two CR before the LF", get(b"X-A: a\r\r\n"), REFUSED, 1),
    ("NUL in a value", get(b"X-A: a\x00b\r\n"), REFUSED, 1),
    ("NUL in a name", get(b"X-\x00A: a\r\n"), REFUSED, 1),
    ("a control character in a value", get(b"X-A: a\x07b\r\n"), REFUSED, 1),
    ("DEL in a value", get(b"X-A: a\x7fb\r\n"), REFUSED, 1),
    ("an empty name", get(b": a\r\n"), REFUSED, 1),
    ("a name with a slash", get(b"X/A: a\r\n"), REFUSED, 1),
    ("a name with a letter beyond ASCII", get(b"X-\xc3\xa4: a\r\n"), REFUSED, 1),
    ("a line without a colon", get(b"X-A\r\n"), REFUSED, 1),
    ("two hosts", get(b"Host: other.test\r\n"), REFUSED, 1),
    ("no host", get(host=b""), REFUSED, 1),
    ("a host with a blank", get(host=b"Host: a b\r\n"), REFUSED, 1),
    ("a host with a path", get(host=b"Host: a/b\r\n"), REFUSED, 1),
    ("a host with a user", get(host=b"Host: u@b\r\n"), REFUSED, 1),
    ("a host of IPv6", get(host=b"Host: [::1]:8080\r\n"), [200], 1),
    ("an empty host", get(host=b"Host:\r\n"), [200, 400], 1),
    ("a request line of 20 kB", get(target=b"/" + b"a" * 20000), [414], 1),
    ("a header of 20 kB", get(b"X-A: " + b"a" * 20000 + b"\r\n"), [431], 1),
    ("500 headers", get(b"X-A: a\r\n" * 500), [431], 1),
    ("a body of 2 MB", post(b"Content-Length: 2097152\r\n"), [413], 1),
    ("chunks", post(CHUNKED, b"5\r\naaaaa\r\n0\r\n\r\n"), TAKEN, 1),
    ("chunks, and another request", post(CHUNKED, b"5\r\naaaaa\r\n0\r\n\r\n") + GOOD, TAKEN, 2),
    ("chunks with extensions", post(CHUNKED, b"5;a=b;c=\"d\"\r\naaaaa\r\n0\r\n\r\n"), TAKEN, 1),
    ("chunks with a trailer", post(CHUNKED, b"0\r\nX-A: a\r\n\r\n"), TAKEN, 1),
    ("chunks whose trailer is a length", post(CHUNKED, b"0\r\nContent-Length: 5\r\n\r\n"), TAKEN + REFUSED, 1),
    ("chunks with a folded trailer", post(CHUNKED, b"0\r\nX-A: a\r\n b\r\n\r\n"), REFUSED, 1),
    ("a chunk size with a sign", post(CHUNKED, b"+5\r\naaaaa\r\n0\r\n\r\n"), REFUSED, 1),
    ("a chunk size with 0x", post(CHUNKED, b"0x5\r\naaaaa\r\n0\r\n\r\n"), REFUSED, 1),
    ("a chunk size with a blank", post(CHUNKED, b"5 \r\naaaaa\r\n0\r\n\r\n"), REFUSED, 1),
    ("an empty chunk size", post(CHUNKED, b"\r\naaaaa\r\n0\r\n\r\n"), REFUSED, 1),
    ("a chunk size of 17 digits", post(CHUNKED, b"10000000000000005\r\naaaaa\r\n0\r\n\r\n"), [400, 413], 1),
    ("a chunk that is too short", post(CHUNKED, b"6\r\naaaaa\r\n0\r\n\r\n"), REFUSED, 1),
    ("a chunk that is too long", post(CHUNKED, b"4\r\naaaaa\r\n0\r\n\r\n"), REFUSED, 1),
    ("a chunk size that ends in LF alone", post(CHUNKED, b"5\naaaaa\r\n0\r\n\r\n"), REFUSED, 1),
    ("an LF in a chunk's extension", post(CHUNKED, b"5;a\n\r\naaaaa\r\n0\r\n\r\n"), REFUSED, 1),
    ("a chunk that ends in LF alone", post(CHUNKED, b"5\r\naaaaa\n0\r\n\r\n"), REFUSED, 1),
    ("chunks of 2 MB", post(CHUNKED, b"200000\r\n"), [413], 1),
    ("Expect of something else", post(b"Expect: x\r\nContent-Length: 0\r\n"), [417], 1),
    ("an upgrade", get(b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"), [200], 1),
    ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 505], 1),
    ("a request behind one that closes", get(b"Connection: close\r\n") + SMUGGLED, [200], 1),
    ("a request behind one of HTTP/1.0", get(version=b"HTTP/1.0", host=b"") + SMUGGLED, [200], 1),
]


def answers(data):
    """The statuses of the answers in what came: None where it is no HTTP"""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        line = head.split(b"\r\n")[0].split(b" ")
        if not line[0].startswith(b"HTTP/1.") or len(line) < 2:
            return found + [None]
        length = 0
        for header in head.split(b"\r\n")[1:]:
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        status = int(line[1])
        if status != 100:
            found.append(status)
        data = rest if status in (100, 204, 304) else rest[length:]
    return found


def ask(address, data, seconds):
    """What comes back: until it is closed, or nothing more comes"""
    got = b""
    with socket.create_connection(address, timeout=seconds) as s:
        try:
            s.sendall(data)
            until = time.time() + seconds
            while time.time() < until:
                s.settimeout(0.3 if got else seconds)
                part = s.recv(65536)
                if not part:
                    return got, True
                got += part
        except socket.timeout:
            return got, False
        except (ConnectionError, BrokenPipeError):
            return got, True
    return got, False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--proxied", action="store_true", help="a proxy in front refuses and mends what it likes: no form may become two requests")
    args = parser.parse_args()
    host, _, port = args.address.rpartition(":")
    print("1..%d" % len(FORMS))
    failed = total = 0
    for number, (name, data, wanted, most) in enumerate(FORMS, 1):
        got, closed = ask((host, int(port)), data, args.seconds)
        found = answers(got)
        total += len(found)
        wrong = []
        if not args.proxied and (not found or found[0] not in wanted):
            wrong.append("%s, not %s" % (found or "nothing", " or ".join(map(str, wanted))))
        if len(found) > most:
            wrong.append("%d answers, not %d at most" % (len(found), most))
        if not args.proxied and found and (found[0] or 0) >= 400 and found[0] not in (405, 417) and not closed:
            wrong.append("the connection stays open")
        failed += bool(wrong)
        print("%sok %d - %s%s" % ("not " if wrong else "", number, name, "".join("\n# " + w for w in wrong)))
    print("# %d answers" % total)
    raise SystemExit(min(failed, 100))


if __name__ == "__main__":
    main()
