# python3 crowd.py MODE PORT [TOKEN N [BODY]]: many clients at once.  Prints what it saw, one thing a line.
#   many PORT          10,000 connections against a limit of 1,000
#   streams PORT TOKEN N [BODY]      N streams by TLS; with a body, of POST /graphql without TLS; then waits for a line
import os, resource, selectors, socket, ssl, sys, time

mode, port = sys.argv[1], int(sys.argv[2])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 12000) if hard > 0 else 12000, hard))


def client():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.settimeout(20)
    s.connect(("127.0.0.1", port))
    return s


def rest(s, seconds):
    """What comes until the other side closes, or the time is over: bytes, and whether it did."""
    out = b""
    until = time.time() + seconds
    try:
        while time.time() < until:
            s.settimeout(max(0.01, until - time.time()))
            part = s.recv(65536)
            if not part:
                return out, True
            out += part
    except socket.timeout:
        return out, False
    except ConnectionError:
        return out, True
    return out, False


def is_closed(s):
    s.setblocking(False)
    try:
        return s.recv(4096) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def ask(path="/healthz"):
    began = time.time()
    s = client()
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    out, closed = rest(s, 20)
    s.close()
    return out[9:12].decode(), time.time() - began


def many():
    # a thousand that are at their requests: nobody makes room
    busy = [client() for _ in range(1000)]
    for s in busy:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
    time.sleep(0.5)
    turned = [rest(client(), 5) for _ in range(200)]
    print("turned away", sum(1 for out, closed in turned if out.startswith(b"HTTP/1.1 503 ") and closed))
    for s in busy:
        s.sendall(b"\r\n")
    answers = 0
    for s in busy:
        s.settimeout(20)
        answers += s.recv(65536).startswith(b"HTTP/1.1 200 ")
    print("of those that were there", answers)
    # these are idle now, and go one after the other
    first = [client() for _ in range(5)]
    time.sleep(0.5)
    gone = sum(1 for s in busy if is_closed(s))
    print("made room", gone)
    for s in first:
        s.settimeout(20)
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    print("for", sum(s.recv(65536).startswith(b"HTTP/1.1 200 ") for s in first))
    for s in busy + first:
        s.close()
    # ten thousand that say nothing, and one that asks
    idle = []
    for i in range(10000):
        idle.append(client())
    status, seconds = ask()
    print("beside ten thousand", status, "within a second" if seconds <= 1 else f"after {seconds:.1f} s")
    time.sleep(1)
    print("are left", sum(1 for s in idle if not is_closed(s)))
    for s in idle:
        s.close()
    # ten thousand that all ask, at once
    selector = selectors.DefaultSelector()
    said = {}
    for i in range(10000):
        s = client()
        s.setblocking(False)
        try:
            s.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        except ConnectionError:
            s.close()
            continue
        said[s] = b""
        selector.register(s, selectors.EVENT_READ)
    until = time.time() + 60
    kinds = {}
    while said and time.time() < until:
        for key, _ in selector.select(1):
            s = key.fileobj
            try:
                part = s.recv(4096)
            except ConnectionError:
                part = b""
            if part:
                said[s] += part
                continue
            kind = said.pop(s)[9:12].decode() or "closed"
            kinds[kind] = kinds.get(kind, 0) + 1
            selector.unregister(s)
            s.close()
    print("without an end", len(said))
    print("other answers", sum(n for kind, n in kinds.items() if kind not in ("200", "503", "closed")))
    print("answered", "a thousand at least" if kinds.get("200", 0) >= 1000 and sum(kinds.values()) >= 9990 else kinds)
    time.sleep(1)
    status, seconds = ask()
    print("afterwards", status, "within a second" if seconds <= 1 else f"after {seconds:.1f} s")


def streams(token, n, body=None):
    context = ssl._create_unverified_context()
    request = "GET /v1/events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n"
    if body:
        request = f"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nAccept: text/event-stream\r\n"
    request += f"Authorization: Bearer {token}\r\n\r\n" + (body or "")
    print("begin", flush=True)
    sys.stdin.readline()
    all, good = [], 0
    # as many as may wait for a session at once
    for i in range(0, n, 50):
        part = [client() if body else context.wrap_socket(client()) for _ in range(min(50, n - i))]
        for s in part:
            s.sendall(request.encode())
        for s in part:
            s.settimeout(20)
            out = b""
            while b"retry:" not in out or not out.endswith(b"\n\n\r\n"):
                more = s.recv(65536)
                if not more:
                    break
                out += more
            good += b" 200 OK" in out
        all += part
    print("streams", good, flush=True)
    sys.stdin.readline()
    for s in all:
        s.close()


if mode == "many":
    many()
else:
    streams(sys.argv[3], int(sys.argv[4]), sys.argv[5] if len(sys.argv) > 5 else None)
