#!/usr/bin/python3
"""Random queries of REST against rows that are known here: what comes back must be what this file works out by itself.

    queries.py ADDRESS TOKEN ROWS.json HOW_MANY SEED
"""
import json
import random
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

address, token, rows, how_many, seed = sys.argv[1:6]
ROWS = json.load(open(rows))
draw = random.Random(int(seed))
KINDS = {"id": "number", "name": "text", "credit": "number", "since": "text", "ok": "truth"}


def quoted(value):
    """In a list or within and(): commas and the like in double quotes"""
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def compare(op, a, b):
    if a is None or b is None:
        return None
    return {"eq": a == b, "neq": a != b, "gt": a > b, "gte": a >= b, "lt": a < b, "lte": a <= b}[op]


def like(text, pattern, fold):
    if text is None:
        return None
    parts = "".join(".*" if c in "*%" else "." if c == "_" else re.escape(c) for c in pattern)
    return re.fullmatch(parts, text, re.S | (re.I if fold else 0)) is not None


def negate(truth):
    return None if truth is None else not truth


def all_of(truths):
    truths = list(truths)
    return False if False in truths else None if None in truths else True


def any_of(truths):
    truths = list(truths)
    return True if True in truths else None if None in truths else False


def written(value):
    return "true" if value is True else "false" if value is False else str(value)


def value_of(column):
    known = [r[column] for r in ROWS if r[column] is not None]
    value = draw.choice(known)
    if KINDS[column] == "number" and draw.random() < 0.3:
        return value + draw.choice([-1, 0.5, 1]) if column == "credit" else value + draw.choice([-1, 1])
    return value


def comparison():
    """A column, what is asked of it in the address, and what that is of a row"""
    column = draw.choice(list(KINDS))
    op = draw.choice(["eq", "neq", "gt", "gte", "lt", "lte", "in", "is", "isdistinct", "any", "all"] + (["like", "ilike"] if KINDS[column] == "text" and column == "name" else []))
    # how texts sort is the database's own matter
    if KINDS[column] == "text" and column == "name" and op in ("gt", "gte", "lt", "lte", "all"):
        op = "eq"
    if op == "is":
        what = draw.choice(["null", "not_null"] + (["true", "false", "unknown"] if KINDS[column] == "truth" else []))
        wanted = {"null": None, "unknown": None, "true": True, "false": False}
        return column, "is." + what, what, lambda r: (r[column] is not None) if what == "not_null" else r[column] is wanted[what]
    if op in ("like", "ilike"):
        text = value_of(column)
        a, b = sorted((draw.randrange(len(text) + 1), draw.randrange(len(text) + 1)))
        pattern = draw.choice([text[:a] + "*", "*" + text[a:b] + "*", "*" + text[b:], text[:a] + "*" + text[b:]]).replace("\\", "_")
        return column, op + "." + pattern, quoted(pattern), lambda r: like(r[column], pattern, op == "ilike")
    if op in ("in", "any", "all"):
        values = [value_of(column) for _ in range(draw.randrange(1, 5))]
        inner = ",".join(quoted(written(v)) for v in values)
        if op == "in":
            return column, "in.(" + inner + ")", None, lambda r: any_of(compare("eq", r[column], v) for v in values)
        how = draw.choice(["gt", "lte", "neq"]) if op == "all" else "eq"
        fold = all_of if op == "all" else any_of
        return column, "%s(%s).{%s}" % (how, op, inner), None, lambda r: fold(compare(how, r[column], v) for v in values)
    value = value_of(column)
    if op == "isdistinct":
        return column, "isdistinct." + written(value), quoted(written(value)), lambda r: r[column] is None or r[column] != value
    return column, op + "." + written(value), quoted(written(value)), lambda r: compare(op, r[column], value)


def nested(text, inner):
    """A comparison within and() or or(), whose value may need quotes"""
    return text if inner is None else text[: text.index(".") + 1] + inner


def condition(depth):
    if depth == 0 or draw.random() < 0.5:
        column, text, inner, truth = comparison()
        if draw.random() < 0.2:
            return "%s.not.%s" % (column, nested(text, inner)), lambda r: negate(truth(r))
        return "%s.%s" % (column, nested(text, inner)), truth
    word = draw.choice(["and", "or"])
    parts = [condition(depth - 1) for _ in range(draw.randrange(1, 4))]
    fold = all_of if word == "and" else any_of
    no = draw.random() < 0.2
    text = ("not." if no else "") + word + "(" + ",".join(p[0] for p in parts) + ")"

    def truth(r):
        t = fold(p[1](r) for p in parts)
        return negate(t) if no else t

    return text, truth


def query():
    parameters, truths = [], []
    for _ in range(draw.randrange(0, 3)):
        column, text, _, truth = comparison()
        no = draw.random() < 0.2
        parameters.append((column, ("not." if no else "") + text))
        truths.append((lambda t: lambda r: negate(t(r)))(truth) if no else truth)
    if draw.random() < 0.7:
        text, truth = condition(2)
        match = re.match(r"^(not\.and|not\.or|and|or)(\(.*)$", text, re.S)
        if match:
            parameters.append((match.group(1), match.group(2)))
        else:
            parameters.append(("and", "(" + text + ")"))
        truths.append(truth)
    return parameters, lambda r: all_of(t(r) for t in truths) is True


def ask(parameters):
    text = address + "?" + urllib.parse.urlencode(parameters)
    request = urllib.request.Request(text, headers={"Authorization": "Bearer " + token, "Prefer": "count=exact"})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply), reply.headers["Content-Range"], text
    except urllib.error.HTTPError as e:
        return json.load(e), "", text


wrong = 0
for number in range(int(how_many)):
    parameters, holds = query()
    expected = sorted((r for r in ROWS if holds(r)), key=lambda r: r["id"])
    descending = draw.random() < 0.5
    offset = draw.choice([0, 0, 1, 3])
    limit = draw.choice([None, 1, 5])
    page = (expected[::-1] if descending else expected)[offset:][:limit]
    got, counted, text = ask(parameters + [("select", "id"), ("order", "id.desc" if descending else "id"), ("offset", str(offset))] + ([("limit", str(limit))] if limit else []))
    # where that many are not there, the answer says so
    if offset > len(expected):
        if not (isinstance(got, dict) and got["code"] == "PGRST103"):
            wrong += 1
            print("# %s\n#   gave %s, not a refusal" % (text, str(got)[:300]))
    elif got != [{"id": r["id"]} for r in page] or not counted.endswith("/%d" % len(expected)):
        wrong += 1
        print("# %s\n#   gave %s (%s)\n#   not %s of %d" % (text, str(got)[:300], counted, [r["id"] for r in page], len(expected)))
print("%d queries, %d wrong" % (int(how_many), wrong))
sys.exit(wrong > 0)
