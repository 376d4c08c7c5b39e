# python3 steady.py PORT TOKEN SECONDS CLIENTS: clients that do things once each, by keys, and read rows that are known, while whatever
# answers is killed.  What is done is asked for again under its key until there is an answer, and once more when there is one.
# Prints a line for each key that was answered, the answers that were wrong, and how often nobody was there.
import http.client, json, sys, threading, time

port, token, seconds, clients = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
until = time.time() + seconds
lock = threading.Lock()
done, wrong, away, reads = {}, [], 0, 0
# of what is not there, or busy: it is asked again
PASSES = {503, 504}


def ask(method, path, body=None, key=None):
    """The status and body; status 0 where the connection broke."""
    headers = {"Authorization": "Bearer " + token}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if key:
        headers["Idempotency-Key"] = key
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException):
        return 0, ""
    finally:
        connection.close()


def persist(method, path, body=None, key=None, longest=60):
    global away
    end = time.time() + longest
    while True:
        status, text = ask(method, path, body, key)
        if status and status not in PASSES:
            return status, text
        if time.time() > end:
            return status, text
        with lock:
            away += 1
        time.sleep(0.05)


def work(number):
    global reads
    n = 0
    while time.time() < until:
        n += 1
        key = f"{number}-{n}"
        status, text = persist("POST", f"/v1/counting/{key}", json.dumps({"seconds": 0.02 * (n % 4)}), key)
        again = persist("POST", f"/v1/counting/{key}", json.dumps({"seconds": 0.02 * (n % 4)}), key)
        rows = persist("GET", "/v1/known?order=id&limit=3")
        with lock:
            if status != 200 or again != (status, text):
                wrong.append(f"{key}: {status} {text[:200]}, then {again[0]} {again[1][:200]}")
            done[key] = text
            reads += 1
            if rows[0] != 200 or json.loads(rows[1]) != [{"id": i, "v": f"row {i}"} for i in (1, 2, 3)]:
                wrong.append(f"rows: {rows[0]} {rows[1][:200]}")


threads = [threading.Thread(target=work, args=(i,)) for i in range(clients)]
for t in threads:
    t.start()
for t in threads:
    t.join()
for key, text in done.items():
    print("done", key, text)
for line in wrong:
    print("wrong", line)
print("away", away)
print("reads", reads)
