#!/usr/bin/python3
"""Shows what the demo's peers got.  show.py FOLDER webhook|mail|alert [N]: the last one, once there are N.  alert until|gone: of Alertmanager."""

import json
import os
import sys
import time
import urllib.request

folder, what = sys.argv[1:3]
wanted = sys.argv[3] if len(sys.argv) > 3 else "1"


def lines(name):
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except OSError:
        return []


def firing():
    with urllib.request.urlopen(os.environ["MANAGER"] + "/api/v2/alerts?filter=alertname=run_failed") as answer:
        return json.load(answer)


def wait(look):
    until = time.time() + 60
    while not (found := look()):
        if time.time() > until:
            sys.exit("nothing came")
        time.sleep(0.2)
    return found


def webhook():
    got = wait(lambda: (g := lines("webhooks")) and len(g) >= int(wanted) and g)[-1]
    if "bad" in got:
        sys.exit("the signature is wrong")
    print("POST", got["path"])
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type"):
        print(f"{name}: {({k.lower(): v for k, v in got['headers'].items()})[name]}")
    print(json.dumps(got["event"], indent=2))
    print("The signature is good.")


def mail():
    got = wait(lambda: (g := lines("mails")) and len(g) >= int(wanted) and g)[-1]
    print("over TLS:", "yes" if got["tls"] else "no", " login:", got["user"])
    print(got["raw"].replace("\r\n", "\n"))


def alert():
    if wanted == "gone":
        wait(lambda: not firing())
        print("Alertmanager has no such alert any more.")
        return
    first = wait(firing)[0]
    print(json.dumps({k: first[k] for k in ("labels", "annotations", "startsAt", "endsAt")}, indent=2))
    if wanted == "until":
        later = wait(lambda: [a for a in firing() if a["endsAt"] > first["endsAt"]])[0]
        print("and a little later it has been said again: endsAt", later["endsAt"])


{"webhook": webhook, "mail": mail, "alert": alert}[what]()
