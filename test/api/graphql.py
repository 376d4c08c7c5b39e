#!/usr/bin/python3
"""Random queries of GraphQL against rows that are known here: what comes back must be what this file works out by itself.

    graphql.py ADDRESS TOKEN ROWS.json HOW_MANY SEED

ROWS.json has each table's rows; decimals are text, as they are in answers.
"""
import json
import random
import re
import sys
import urllib.request
from decimal import Decimal

address, token, rows, how_many, seed = sys.argv[1:6]
ROWS = json.load(open(rows))
draw = random.Random(int(seed))

# kinds of columns, and what belongs to what: (field, of which, here, there, many)
TABLES = {
    "odd": ({"id": "Int", "name": "String", "credit": "Decimal", "since": "Date", "ok": "Boolean"}, []),
    "regions": ({"id": "Int", "name": "String"}, [("customers", "customers", "id", "region_id", True)]),
    "customers": ({"id": "Int", "name": "String", "credit": "Decimal", "since": "Date", "ok": "Boolean", "region_id": "Int"},
                  [("region", "regions", "region_id", "id", False), ("invoices", "invoices", "id", "customer_id", True)]),
    "invoices": ({"id": "BigInt", "customer_id": "Int", "amount": "Decimal"}, [("customer", "customers", "customer_id", "id", False)]),
}


def type_name(table):
    return table[0].upper() + table[1:]


def negate(truth):
    return None if truth is None else not truth


def all_of(truths):
    truths = list(truths)
    return False if False in truths else None if None in truths else True


def any_of(truths):
    truths = list(truths)
    return True if True in truths else None if None in truths else False


def measured(kind, value):
    """As values are compared: numbers by value, days by their text"""
    return Decimal(value) if kind in ("Decimal", "BigInt", "Int") else value


def like(text, pattern, fold):
    parts = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern)
    return re.fullmatch(parts, text, re.S | (re.I if fold else 0)) is not None


class Query:
    """Collects variables while the document is drawn"""

    def __init__(self):
        self.variables = {}
        self.types = {}
        self.fragments = []

    def value(self, value, kind):
        """A literal, or a variable that has it"""
        if draw.random() < 0.3:
            name = f"v{len(self.variables)}"
            self.variables[name] = value
            self.types[name] = kind
            return "$" + name
        if isinstance(value, list):
            return "[" + ", ".join(json.dumps(v, ensure_ascii=draw.random() < 0.5) for v in value) + "]"
        return json.dumps(value, ensure_ascii=draw.random() < 0.5)


def known_value(table, column):
    values = [r[column] for r in ROWS[table] if r[column] is not None]
    return draw.choice(values)


def draw_comparison(query, table):
    column, kind = draw.choice(list(TABLES[table][0].items()))
    ops = ["isNull", "eq", "ne"]
    if kind != "Boolean":
        ops += ["lt", "lte", "gt", "gte", "in", "notIn"]
    if kind == "String":
        ops += ["like", "ilike"]
    op = draw.choice(ops)
    if op == "isNull":
        is_null = draw.random() < 0.5
        return f"{column}: {{isNull: {query.value(is_null, 'Boolean')}}}", lambda r: (r[column] is None) == is_null
    if op in ("in", "notIn"):
        many = [known_value(table, column) for _ in range(draw.randrange(4))]
        have = [measured(kind, v) for v in many]
        return (f"{column}: {{{op}: {query.value(many, f'[{kind}!]')}}}",
                lambda r: (None if have else op != "in") if r[column] is None else (measured(kind, r[column]) in have) == (op == "in"))
    value = known_value(table, column)
    if op in ("like", "ilike"):
        value = draw.choice([value[:2] + "%", "%" + value[1:], "%" + value[:1] + "%", value.upper(), "_" * len(value)]).replace("\\", "")
        return f"{column}: {{{op}: {query.value(value, 'String')}}}", lambda r: None if r[column] is None else like(r[column], value, op == "ilike")
    want = measured(kind, value)
    tests = {"eq": lambda a: a == want, "ne": lambda a: a != want, "lt": lambda a: a < want, "lte": lambda a: a <= want, "gt": lambda a: a > want, "gte": lambda a: a >= want}
    return f"{column}: {{{op}: {query.value(value, kind)}}}", lambda r: None if r[column] is None else tests[op](measured(kind, r[column]))


def related(row, link):
    field, other, here, there, many = link
    return [o for o in ROWS[other] if o[there] == row[here] and row[here] is not None]


def draw_filter(query, table, depth=0):
    """{ ... } and what it says of a row"""
    kind = draw.random()
    links = TABLES[table][1]
    if kind < 0.15 and depth < 3:
        word = draw.choice(["and", "or"])
        parts = [draw_filter(query, table, depth + 1) for _ in range(draw.randrange(4))]
        join = all_of if word == "and" else any_of
        return f"{{{word}: [{', '.join(p[0] for p in parts)}]}}", lambda r: join(p[1](r) for p in parts)
    if kind < 0.25 and depth < 3:
        text, holds = draw_filter(query, table, depth + 1)
        return f"{{not: {text}}}", lambda r: negate(holds(r))
    if kind < 0.4 and links and depth < 2:
        link = draw.choice(links)
        text, holds = draw_filter(query, link[1], depth + 2)
        return f"{{{link[0]}: {text}}}", lambda r: any(holds(o) is True for o in related(r, link))
    parts = {}
    for _ in range(draw.randrange(1, 3)):
        text, holds = draw_comparison(query, table)
        parts[text.split(":")[0]] = (text, holds)
    return "{" + ", ".join(t for t, _ in parts.values()) + "}", lambda r: all_of(h(r) for _, h in parts.values())


def draw_order(table):
    """The argument, and the rows sorted"""
    columns = [(c, draw.random() < 0.4) for c in draw.sample(list(TABLES[table][0]), min(draw.randrange(3), len(TABLES[table][0])))]
    text = "[" + ", ".join(f"{c}_{'DESC' if d else 'ASC'}" for c, d in columns) + "]" if columns else None

    def ordered(list_of):
        out = sorted(list_of, key=lambda r: measured(TABLES[table][0]["id"], r["id"]))
        for column, descending in reversed(columns):
            kind = TABLES[table][0][column]
            out.sort(key=lambda r: (r[column] is None, measured(kind, r[column]) if r[column] is not None else 0), reverse=descending)
        return out
    return text, ordered




def draw_rows(query, table, depth):
    """What is selected of a row, and what that is"""
    parts = {}
    for column in draw.sample(list(TABLES[table][0]), min(draw.randrange(1, 4), len(TABLES[table][0]))):
        name = draw.choice([column, "x" + column])
        parts[name] = (column if name == column else f"{name}: {column}", lambda r, c=column: r[c])
    if draw.random() < 0.2:
        parts["__typename"] = ("__typename", lambda r: type_name(table))
    for link in TABLES[table][1] if depth < 3 else []:
        if draw.random() < 0.5:
            continue
        if link[4]:
            text, of = draw_connection(query, link[1], depth + 1)
            parts[link[0]] = (link[0] + text, lambda r, k=link, f=of: f(related(r, k)))
        else:
            text, of = draw_rows(query, link[1], depth + 1)
            parts[link[0]] = (link[0] + " " + text, lambda r, k=link, f=of: next((f(o) for o in related(r, k)), None))
    text = "{ " + " ".join(t for t, _ in parts.values()) + " }"
    if draw.random() < 0.2:
        name = f"F{len(query.fragments)}"
        query.fragments.append(f"fragment {name} on {type_name(table)} {text}")
        text = "{ ..." + name + " }"
    elif draw.random() < 0.2:
        text = "{ ... on " + type_name(table) + " " + text + " }"
    return text, lambda r: {n: f(r) for n, (_, f) in parts.items()}


def draw_connection(query, table, depth=0):
    given = []
    holds = None
    if draw.random() < 0.7:
        text, holds = draw_filter(query, table)
        given.append("filter: " + text)
    order, ordered = draw_order(table)
    if order:
        given.append("orderBy: " + order)
    size = draw.choice([0, 1, 2, 5, 20])
    backward = draw.random() < 0.3
    given.append(f"{'last' if backward else 'first'}: {query.value(size, 'Int')}")
    parts = {}
    node, of = draw_rows(query, table, depth + 1)

    def page(all_rows):
        if not backward:
            return all_rows[:size]
        return all_rows[-size:] if size else []
    if draw.random() < 0.8:
        parts["nodes"] = ("nodes " + node, lambda a: [of(r) for r in page(a)])
    if draw.random() < 0.3:
        parts["edges"] = ("edges { node " + node + " }", lambda a: [{"node": of(r)} for r in page(a)])
    if draw.random() < 0.4:
        more = "hasPreviousPage" if backward else "hasNextPage"
        less = "hasNextPage" if backward else "hasPreviousPage"
        parts["pageInfo"] = (f"pageInfo {{ {more} {less} }}", lambda a: {more: len(a) > size, less: False})
    if draw.random() < 0.4 or not parts:
        parts["totalCount"] = ("totalCount", len)
    names = list(parts)
    draw.shuffle(names)
    return "(" + ", ".join(given) + ") { " + " ".join(parts[n][0] for n in names) + " }", lambda rows_of: {n: parts[n][1](ordered([r for r in rows_of if holds is None or holds(r) is True])) for n in names}


def ask(document, variables=None):
    body = json.dumps({"query": document, "variables": variables or {}}).encode()
    request = urllib.request.Request(address, body, {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def whole(query, body):
    """With the fragments and variables that are used: what was drawn and not taken leaves some"""
    used = []
    more = True
    while more:
        text = body + " ".join(used)
        more = [f for i, f in enumerate(query.fragments) if f not in used and re.search(rf"\.\.\.F{i}\b", text)]
        used += more
    query.variables = {n: v for n, v in query.variables.items() if re.search(rf"\${n}\b", text)}
    types = ", ".join(f"${n}: {query.types[n]}" for n in query.variables)
    return "query Q" + (f"({types})" if types else "") + " { " + body + " } " + " ".join(used)


failed = 0


def wrong(document, variables, seen, expected):
    global failed
    failed += 1
    if failed <= 5:
        print("not as it should be:", document, json.dumps(variables), "\n  seen    ", json.dumps(seen)[:2000], "\n  expected", json.dumps(expected)[:2000])


def one_query():
    query = Query()
    table = draw.choice(list(TABLES))
    text, of = draw_connection(query, table)
    document = whole(query, table + text)
    if len(re.findall(r"[A-Za-z_0-9]+|[^\sA-Za-z_0-9]", document)) > 1900:
        return 0
    answer = ask(document, query.variables)
    if any(e["extensions"]["code"] == "LIMIT_EXCEEDED" for e in answer.get("errors", [])):
        return 0
    expected = {"data": {table: of(ROWS[table])}}
    if answer != expected:
        wrong(document, query.variables, answer, expected)
    return 1


def pages():
    """To the end, from either side: every row once, in order"""
    query = Query()
    table = draw.choice(["odd", "customers"])
    text, holds = draw_filter(query, table) if draw.random() < 0.5 else (None, None)
    order, ordered = draw_order(table)
    backward = draw.random() < 0.4
    size = draw.choice([1, 3, 7, 50])
    expected = [r["id"] for r in ordered([r for r in ROWS[table] if holds is None or holds(r) is True])]
    seen, cursor, n = [], None, 0
    while n < 200:
        n += 1
        given = [f"{'last' if backward else 'first'}: {size}"] + (["filter: " + text] if text else []) + (["orderBy: " + order] if order else [])
        if cursor:
            given.append(f"{'before' if backward else 'after'}: \"{cursor}\"")
        document = whole(query, f"{table}({', '.join(given)}) {{ nodes {{ id }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}")
        answer = ask(document, query.variables)
        if "errors" in answer:
            wrong(document, query.variables, answer, expected)
            return
        page = answer["data"][table]
        ids = [r["id"] for r in page["nodes"]]
        seen = ids + seen if backward else seen + ids
        cursor = page["pageInfo"]["startCursor" if backward else "endCursor"]
        if not page["pageInfo"]["hasPreviousPage" if backward else "hasNextPage"]:
            break
    if seen != expected:
        wrong(document, query.variables, seen, expected)


asked = 0
for i in range(int(how_many)):
    asked += one_query()
    if i % 10 == 0:
        pages()
print(f"seed {seed}: {asked} queries, {failed} wrong")
sys.exit(1 if failed or asked < int(how_many) * 0.8 else 0)
