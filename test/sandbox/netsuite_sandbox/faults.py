"""Faults on demand: by count or by probability, for the requests whose path matches."""

import random
import re
import threading

# name: (where it strikes, what it does)
KINDS = {
    "429": "refuse for concurrency, no Retry-After", "429-retry-after": "the same with Retry-After: 1",
    "400-concurrency": "refuse for concurrency with status 400",
    "500": "UNEXPECTED_ERROR", "502-html": "Bad Gateway with an HTML body", "503": "maintenance",
    "401": "INVALID_LOGIN once", "403": "INSUFFICIENT_PERMISSION",
    "reset-before": "reset the connection before the reply", "reset-body": "reset it within the body",
    "short-body": "end the connection in the middle of the body", "truncated": "valid HTTP, JSON cut short",
    "garbage": "200 with a body that is no JSON", "drip": "one byte a second", "stall": "no answer at all",
    "no-http": "bytes that are no HTTP, as a gateway in trouble may send",
    "interim": "102 Processing at once, the reply after the rule's `seconds`",
    "endless-header": "a line of the header that never ends", "endless-trailer": "the same behind the body's chunks",
    "endless": "a body that never ends", "expired-token": "forget every bearer token",
    "hang-up": "close the connection without a reply", "close-after": "close it after the reply, without a word",
    "reply": "answer with the rule's `status`, `body` and `type`",
    "redirect": "302 to another host", "bad-gzip": "claims gzip and is not",
    "change": "run the control operation `do` after the reply",
    "edit": "the body with each of `edits`: `find`, a regular expression, replaced by `replace`, or `add` added to its number",
}


def edit(rule, body):
    """The body that the rule makes of a reply."""
    for change in rule["edits"]:
        find = change["find"].encode()
        if "add" in change:
            body = re.sub(find, lambda m, by=change["add"]: m[0].replace(m[1], b"%d" % (int(m[1]) + by)), body)
        else:
            body = re.sub(find, change["replace"].encode(), body)
    return body


class Faults:
    def __init__(self):
        self.rules, self.lock, self.random = [], threading.Lock(), random.Random(1)

    def add(self, kind, count=None, probability=1.0, match="/", after=0, **extra):
        kind = str(kind)
        if kind not in KINDS:
            raise ValueError("unknown fault %r; known: %s" % (kind, ", ".join(sorted(KINDS))))
        with self.lock:
            self.rules.append({"kind": kind, "count": count, "probability": probability,
                               "match": match, "after": after, **extra})

    def clear(self):
        with self.lock:
            self.rules.clear()

    def strike(self, path):
        """The rule that strikes this request, or None."""
        with self.lock:
            for rule in self.rules:
                if rule["match"] not in path or rule["count"] == 0:
                    continue
                if rule["after"] > 0:
                    rule["after"] -= 1
                    continue
                if self.random.random() >= rule["probability"]:
                    continue
                if rule["count"] is not None:
                    rule["count"] -= 1
                return rule
        return None
