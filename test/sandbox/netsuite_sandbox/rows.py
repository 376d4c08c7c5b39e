"""Rows that are rendered once, from which any page of a query by key is cut.

A benchmark must not measure how long this sandbox takes to render a page.  Which pages are asked
for depends on timing, so keeping pages does not do: the rows of a query are kept in the order of
its key, as text and as deflate blocks of CHUNK rows.  A page is a slice of either.
"""

import re
import threading
import zlib
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from numbers import Number

from .suiteql import parse

CHUNK = 64
LEVEL = 4
BOUND = re.compile(r"([\w.]+) (>=|<=|>|<) (-?\d+)(?![\w.])")


class Kept:
    """The rows of one query without its bounds on the key."""

    def __init__(self, keys, items):
        self.keys = array("q", keys)
        self.ends = array("q", [0])
        parts, end = [], 0
        for item in items:
            parts.append(item.encode())
            end += len(parts[-1]) + 1
            self.ends.append(end)
        self.text = b",".join(parts) + b","
        self.chunks = [deflate(self.text[self.ends[i]:self.ends[min(i + CHUNK, len(parts))]])
                       for i in range(0, len(parts), CHUNK)]
        self.size = len(self.text) + sum(map(len, self.chunks))

    def range(self, bounds):
        """First and last plus one of the rows within bounds."""
        low, high = 0, len(self.keys)
        for op, value in bounds:
            if op in (">", ">="):
                low = max(low, (bisect_right if op == ">" else bisect_left)(self.keys, value))
            else:
                high = min(high, (bisect_left if op == "<" else bisect_right)(self.keys, value))
        return low, max(low, high)

    def body(self, low, high, before, after):
        """Rows from low up to high between two texts: plain, and as gzip."""
        last = self.ends[high] - (high > low)       # without the comma behind the last row
        body = before + self.text[self.ends[low]:last] + after
        first, final = -(-low // CHUNK), high // CHUNK
        if first >= final:
            middle, edge, rest = [], last, last
        else:
            middle, edge, rest = self.chunks[first:final], self.ends[first * CHUNK], self.ends[final * CHUNK]
            if final * CHUNK == high:
                middle, rest = middle[:-1], self.ends[(final - 1) * CHUNK]
        packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
        parts = [b"\x1f\x8b\x08\0\0\0\0\0\0\xff", deflate(before + self.text[self.ends[low]:edge]), *middle,
                 packer.compress(self.text[rest:last] + after), packer.flush(zlib.Z_FINISH),
                 zlib.crc32(body).to_bytes(4, "little"), len(body).to_bytes(4, "little")]
        return body, b"".join(parts)


def keep(rows):
    """Rows of keys and items; None if the keys are not what a page can be looked up by."""
    if not all(isinstance(key, Number) and key == int(key) for key, _ in rows):
        return None
    return Kept((int(key) for key, _ in rows), (item for _, item in rows))


def deflate(data):
    """A piece that begins and ends at a byte and looks at nothing before it."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)


def conjuncts(tree):
    if tree is None:
        return []
    return conjuncts(tree[1]) + conjuncts(tree[2]) if tree[0] == "and" else [tree]


def integer(tree):
    sign = 1
    if tree[0] == "negative":
        sign, tree = -1, tree[1]
    return sign * int(tree[1]) if tree[0] == "number" and tree[1].isdigit() else None


def split(tree):
    """A query read by one key: (the query without its bounds, the key's place in the output),
    bounds; None and no bounds if it is another."""
    _, body, order, fetch = tree
    if body[0] != "select" or fetch is not None or len(order) != 1 or order[0][1:] != ("ASC", None):
        return None, []
    _, top, distinct, items, sources, where, group, having = body
    key = order[0][0]
    places = [i for i, item in enumerate(items) if item[0] == "item" and item[1] == key]
    if key[0] != "column" or not places or top is not None or distinct or group or having:
        return None, []
    rest, bounds = None, []
    for term in conjuncts(where):
        if (term[0] == "cmp" and term[1] in (">", ">=", "<", "<=") and term[2] == key
                and integer(term[3]) is not None):
            bounds.append((term[1], integer(term[3])))
        else:
            rest = term if rest is None else ("and", rest, term)
    select = ("select", top, distinct, items, sources, rest, group, having)
    return (("query", select, order, fetch), places[0]), bounds


class RowCache:
    """What was kept, least recently used out first."""

    def __init__(self, capacity):
        self.capacity, self.size = capacity, 0
        self.kept, self.shapes, self.lock = OrderedDict(), {}, threading.Lock()

    def shape(self, q):
        """split() of a text, remembering texts that differ in their bounds alone."""
        matches = list(BOUND.finditer(q))
        bounds = [(m.group(2), int(m.group(3))) for m in matches]
        outline = BOUND.sub(r"\1 \2 #", q)
        if outline in self.shapes:
            return self.shapes[outline], bounds
        found, parsed = split(parse(q)[0])
        if parsed == bounds and not any(q[:m.start()].count("'") % 2 for m in matches):
            self.shapes[outline] = found
        return found, parsed

    def get(self, key, make):
        """Rows that are kept under a key; made by one while the others wait."""
        with self.lock:
            kept = self.kept.get(key)
            if key not in self.kept:
                kept = self.kept[key] = make()
                self.size += kept.size if kept else 0
                while self.size > self.capacity and len(self.kept) > 1:
                    old = self.kept.popitem(last=False)[1]
                    self.size -= old.size if old else 0
                return kept, True
            self.kept.move_to_end(key)
            return kept, False
