"""A small writer of Parquet for tests: it writes what other writers do not, or should not.

Each file is a list of columns of one row group or more; whatever a test wants otherwise, it says.
    parquet_make.py FOLDER      writes the corpus of the fuzzer
"""

import gzip
import os
import random
import struct
import sys
import zlib

BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTES, FIXED = range(8)
PLAIN, RLE, DELTA, DELTA_LENGTH, DELTA_BYTES, RLE_DICTIONARY, SPLIT = 0, 3, 5, 6, 7, 8, 9


# -- thrift --

def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def zigzag(n):
    return varint((n << 1) ^ (n >> 63) if n < 0 else n << 1)


class I32(int):
    pass


class I64(int):
    pass


def value(v):
    """type and bytes of a value; a dict is a struct"""
    if v is True or v is False:
        return (1 if v else 2), b""
    if isinstance(v, I64):
        return 6, zigzag(v)
    if isinstance(v, int):
        return 5, zigzag(v)
    if isinstance(v, str):
        v = v.encode()
    if isinstance(v, bytes):
        return 8, varint(len(v)) + v
    if isinstance(v, list):
        kind = value(v[0])[0] if v else 12
        return 9, (bytes([len(v) << 4 | kind]) if len(v) < 15 else bytes([0xf0 | kind]) + varint(len(v))) + b"".join(value(x)[1] for x in v)
    return 12, struct_(v)


def struct_(fields):
    out = b""
    last = 0
    for number in sorted(fields):
        if fields[number] is None:
            continue
        kind, data = value(fields[number])
        out += (bytes([(number - last) << 4 | kind]) if 0 < number - last < 16 else bytes([kind]) + zigzag(number)) + data
        last = number
    return out + b"\0"


# -- values and levels --

def rle(values, width):
    """runs of one value, and eight packed ones where they differ"""
    out = b""
    size = (width + 7) // 8
    i = 0
    while i < len(values):
        n = 1
        while i + n < len(values) and values[i + n] == values[i]:
            n += 1
        if n >= 8 or i + n == len(values):
            out += varint(n << 1) + int(values[i]).to_bytes(size, "little")
            i += n
        else:
            group = (list(values[i:i + 8]) + [0] * 8)[:8]
            out += varint(3) + sum(int(v) << (width * k) for k, v in enumerate(group)).to_bytes(width, "little")
            i += 8
    return out


def delta(values):
    out = varint(128) + varint(4) + varint(len(values)) + zigzag(values[0] if values else 0)
    differences = [b - a for a, b in zip(values, values[1:])]
    for i in range(0, len(differences), 128):
        block = differences[i:i + 128]
        least = min(block)
        widths, packed = [], b""
        for k in range(0, 128, 32):
            mini = [d - least for d in block[k:k + 32]]
            width = max(mini, default=0).bit_length()
            widths.append(width)
            if mini:
                mini += [0] * (32 - len(mini))
                packed += sum(d << (width * j) for j, d in enumerate(mini)).to_bytes(width * 4, "little")
        out += zigzag(least) + bytes(widths) + packed
    return out


def plain(kind, values):
    if kind == BOOLEAN:
        return sum(int(v) << i for i, v in enumerate(values)).to_bytes((len(values) + 7) // 8, "little")
    if kind == BYTES:
        return b"".join(struct.pack("<I", len(v)) + v for v in values)
    if kind in (FIXED, INT96):
        return b"".join(values)
    return b"".join(struct.pack({INT32: "<i", INT64: "<q", FLOAT: "<f", DOUBLE: "<d"}[kind], v) for v in values)


def encoded(kind, encoding, values):
    if encoding == DELTA:
        return delta(values)
    if encoding == DELTA_LENGTH:
        return delta([len(v) for v in values]) + b"".join(values)
    if encoding == DELTA_BYTES:
        prefixes, rests, last = [], [], b""
        for v in values:
            n = len(os.path.commonprefix([last, v]))
            prefixes.append(n)
            rests.append(v[n:])
            last = v
        return delta(prefixes) + encoded(kind, DELTA_LENGTH, rests)
    if encoding == SPLIT:
        data = plain(kind, values)
        size = len(data) // max(len(values), 1)
        return b"".join(data[b::size] for b in range(size)) if size else b""
    if encoding == RLE:
        data = rle(values, 1)
        return struct.pack("<I", len(data)) + data
    return plain(kind, values)


# -- files --

class Column:
    """A column at the top: values with None for null; or, of a leaf within, values that are there, and levels."""

    def __init__(self, name, kind, values, encoding=PLAIN, optional=True, length=None, converted=None, logical=None, scale=None, precision=None, stats=None, v2=False, codec=0,
                 page_rows=None, levels=None, path=None, dictionary=False, crc=False, lie=None):
        self.__dict__.update(locals())

    def elements(self):
        return [{1: self.kind, 2: self.length, 3: 1 if self.optional else 0, 4: self.name, 6: self.converted, 7: self.scale, 8: self.precision, 10: self.logical}]


def snappy(data):
    """literals and copies in all forms that there are, drawn by the length of the data"""
    draw = random.Random(len(data))
    out, waiting, places, i = bytearray(varint(len(data))), bytearray(), {}, 0

    def literal():
        n = len(waiting) - 1
        if n < 0:
            return
        size = 0 if n < 60 and draw.random() < 0.9 else max((n.bit_length() + 7) // 8, 1)
        out.extend((bytes([59 + size << 2]) + n.to_bytes(size, "little") if size else bytes([n << 2])) + waiting)
        waiting.clear()

    while i < len(data):
        back = i - draw.choice(places.get(data[i:i + 4], [i]))
        n = 0
        while back and n < 64 and i + n < len(data) and data[i + n] == data[i + n - back]:
            n += 1
        if n >= 4 and draw.random() < 0.9:
            literal()
            n = draw.randint(1, n)
            forms = [3] + [2] * 3 * (back < 1 << 16) + [1] * 9 * (4 <= n <= 11 and back < 1 << 11)
            form = draw.choice(forms)
            out += bytes([back >> 8 << 5 | n - 4 << 2 | 1, back & 255]) if form == 1 else bytes([n - 1 << 2 | form]) + back.to_bytes(2 if form == 2 else 4, "little")
        else:
            n = 1
            waiting.append(data[i])
        for k in range(i, i + n):
            places.setdefault(data[k:k + 4], []).append(k)
        i += n
    literal()
    return bytes(out)


def pack(codec, data):
    return snappy(data) if codec == 1 else gzip.compress(data, 1) if codec == 2 else data


class Writer:
    def __init__(self):
        self.out = b"PAR1"

    def page(self, column, header, plain_part, data):
        body = plain_part + pack(column.codec, data)
        header = {2: len(plain_part) + len(data), 3: len(body), 4: I32(zlib.crc32(body) - (1 << 32) if zlib.crc32(body) >> 31 else zlib.crc32(body)) if column.crc else None, **header}
        header.update((column.lie or {}).get("page", {}))
        self.out += struct_(header) + body

    def chunk(self, column, values):
        start = len(self.out)
        encoding = RLE_DICTIONARY if column.dictionary else column.encoding
        words = []
        if column.dictionary:
            words = sorted({v for v in values if v is not None}, key=repr)
            self.page(column, {1: 2, 7: {1: len(words), 2: PLAIN}}, b"", plain(column.kind, words))
        data_start = len(self.out)
        levels = column.levels or ([int(v is not None) for v in values], None, int(column.optional), 0)
        step = column.page_rows or max(len(levels[0]), 1)
        there = iter([v for v in values if v is not None])
        for at in range(0, max(len(levels[0]), 1), step):
            defs = levels[0][at:at + step]
            some = [next(there) for d in defs if d == levels[2] or not levels[2]]
            if column.dictionary:
                width = max(len(words) - 1, 0).bit_length()
                data = bytes([width]) + rle([words.index(v) for v in some], width)
            else:
                data = encoded(column.kind, encoding, some)
            reps = rle(levels[1][at:at + step], levels[3].bit_length()) if levels[3] else b""
            definition = rle(defs, levels[2].bit_length()) if levels[2] else b""
            if column.v2:
                self.page(column, {1: 3, 8: {1: len(defs), 2: len(defs) - len(some), 3: len(defs), 4: encoding, 5: len(definition), 6: len(reps)}}, reps + definition, data)
            else:
                framed = b"".join(struct.pack("<I", len(x)) + x for x, most in ((reps, levels[3]), (definition, levels[2])) if most)
                self.page(column, {1: 0, 5: {1: len(defs), 2: encoding, 3: RLE, 4: RLE}}, b"", framed + data)
        meta = {1: column.kind, 2: [encoding, RLE], 3: column.path or [column.name], 4: column.codec, 5: I64(len(levels[0])), 6: I64(len(self.out) - start), 7: I64(len(self.out) - start),
                9: I64(data_start), 11: I64(start) if column.dictionary else None, 12: column.stats}
        meta.update((column.lie or {}).get("meta", {}))
        return {2: I64(start), 3: meta}


def write(path, groups, elements=None, rows=None, ordered=True, footer=None):
    """groups: lists of columns, each a row group"""
    writer = Writer()
    metas = []
    first = groups[0] if groups else []
    for columns in groups:
        n = rows if rows is not None else len(columns[0].values) if columns else 0
        start = len(writer.out)
        metas.append({1: [writer.chunk(c, c.values) for c in columns], 2: I64(len(writer.out) - start), 3: I64(n), 5: I64(start)})
    schema = [{4: "schema", 5: len(elements) if elements and isinstance(elements, tuple) else len(first)}] + [e for c in first for e in c.elements()]
    if elements:
        schema = elements
    meta = {1: 2, 2: schema, 3: I64(sum(m[3] for m in metas)), 4: metas, 6: "parquet_make", 7: [{1: {}} for _ in first] if ordered else None}
    meta.update(footer or {})
    data = struct_(meta)
    with open(path, "wb") as file:
        file.write(writer.out + data + struct.pack("<I", len(data)) + b"PAR1")


# -- the corpus: every encoding, every kind of column, small --

LIST = [{4: "schema", 5: 1}, {3: 1, 4: "l", 5: 1, 6: 3, 10: {3: {}}}, {3: 2, 4: "list", 5: 1}, {1: INT32, 3: 1, 4: "element"}]
MAP = [{4: "schema", 5: 1}, {3: 1, 4: "m", 5: 1, 6: 1, 10: {2: {}}}, {3: 2, 4: "key_value", 5: 2}, {1: BYTES, 3: 0, 4: "key", 6: 0}, {1: INT64, 3: 1, 4: "value"}]


def list_columns(**other):
    # [[1, null], [], null, [2]]
    return [Column("element", INT32, [1, 2], levels=([3, 2, 1, 0, 3], [0, 1, 0, 0, 0], 3, 1), path=["l", "list", "element"], **other)]


def map_columns(**other):
    return [Column("key", BYTES, [b"a", b"b", b"a"], levels=([2, 2, 1, 0, 2], [0, 1, 0, 0, 0], 2, 1), path=["m", "key_value", "key"], **other),
            Column("value", INT64, [1, 2], levels=([3, 2, 1, 0, 3], [0, 1, 0, 0, 0], 3, 1), path=["m", "key_value", "value"], **other)]


def corpus(folder):
    numbers = [5, None, -7, 5, 5, 5, 5, 5, 5, 5, 5, 100000, None, 3] * 3
    words = [b"apple", None, b"apples", b"", "größe".encode(), b"applet"] * 5
    kinds = {
        "truths": (BOOLEAN, [True, None, False] * 6, (PLAIN, RLE), {}), "integers": (INT32, numbers, (PLAIN, DELTA, SPLIT), {}), "longs": (INT64, numbers, (PLAIN, DELTA, SPLIT), {}),
        "floats": (FLOAT, [0.5, None, float("nan")] * 4, (PLAIN, SPLIT), {}), "doubles": (DOUBLE, [0.5, None, float("inf")] * 4, (PLAIN, SPLIT), {}),
        "texts": (BYTES, words, (PLAIN, DELTA_LENGTH, DELTA_BYTES), dict(converted=0)), "fixed": (FIXED, [b"abcd", None, b"abce"] * 4, (PLAIN, DELTA_BYTES, SPLIT), dict(length=4)),
        "int96": (INT96, [struct.pack("<QI", 1000, 2440589), None] * 3, (PLAIN,), {}), "decimals": (FIXED, [b"\xff\xfe", b"\x01\x00", None], (PLAIN,), dict(length=2, converted=5, scale=2, precision=4)),
    }
    for name, (kind, values, encodings, other) in kinds.items():
        for encoding in encodings:
            for v2 in (False, True):
                write("%s/%s_%d_%d" % (folder, name, encoding, v2), [[Column("c", kind, values, encoding=encoding, v2=v2, codec=2 * int(v2), page_rows=9, crc=True, **other)]])
        if kind != BOOLEAN:
            write("%s/%s_words" % (folder, name), [[Column("c", kind, values, dictionary=True, page_rows=8, **other)]] * 2)
    write(folder + "/texts_snappy", [[Column("c", BYTES, words, converted=0, codec=1)]])
    for v2 in (False, True):
        write("%s/list_%d" % (folder, v2), [list_columns(v2=v2)], elements=LIST, rows=4)
        write("%s/map_%d" % (folder, v2), [map_columns(v2=v2)], elements=MAP, rows=4)
    write(folder + "/wide", [[Column("a", INT32, [1, 2]), Column("b", BYTES, [b"x", None]), Column("c", INT64, [1, 2], optional=False)]] * 3)


if __name__ == "__main__":
    os.makedirs(sys.argv[1], exist_ok=True)
    corpus(sys.argv[1])
