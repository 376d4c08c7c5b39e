"""sandbox_pages: is the sandbox fast enough not to be the bottleneck?  Cached pages of 1000 rows × 20 columns a second."""

import multiprocessing
import time

import common
from common import COLUMNS, control, finish, table

CLIENTS, SECONDS = 2, 4


def ask(count):
    """Fetch the same ten pages again and again, without looking into them."""
    import http.client
    import json
    import ssl
    client = common.Client(common.FACTS)
    conn = http.client.HTTPSConnection(client.base.partition("://")[2],
                                       context=ssl.create_default_context(cafile=common.FACTS["ca_file"]))
    path = "/services/rest/query/v1/suiteql"
    select = ", ".join("t." + c[0] for c in COLUMNS)
    body = json.dumps({"q": "SELECT %s FROM %s t ORDER BY t.id ASC" % (select, common.WIDE)})
    end, n = time.time() + SECONDS, 0
    while time.time() < end:
        query = {"limit": 1000, "offset": n % 10 * 1000}
        conn.request("POST", path + "?limit=1000&offset=%d" % query["offset"], body,
                     {"Authorization": client.authorization("POST", path, query), "Prefer": "transient",
                      "Content-Type": "application/json", "Accept-Encoding": "gzip"})
        reply = conn.getresponse()
        reply.read()
        assert reply.status == 200
        n += 1
    count.value = n


def main():
    control("reset")
    ask(multiprocessing.Value("i", 0))
    counts = [multiprocessing.Value("i", 0) for _ in range(CLIENTS)]
    processes = [multiprocessing.Process(target=ask, args=(c,)) for c in counts]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
    rate = sum(c.value for c in counts) / SECONDS
    table([("clients", "pages/s"), (CLIENTS, "%.0f" % rate)])
    finish(pages_per_second=rate)


if __name__ == "__main__":
    main()
