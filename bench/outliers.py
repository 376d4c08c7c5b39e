"""outliers: cells that outliers() names, against cells known to be wrong, and false alarms on columns without any.

Reads $PG_INGEST_DATA/outliers/<set>/clean.csv and dirty.csv (the layout of Raha's sets); without it worlds drawn here: tables
in the shape of two public sets (beers with their breweries, hospitals with their measures) and of an address book, columns of
numbers with 5 to 30 % and with up to 1 % of the values spoilt, texts with missing values in disguise, and clean columns.
"""

import csv
import glob
import math
import os
import random
import re
import string
import sys

from common import connect, finish, table

SEED = int(os.environ.get("BENCH_OUTLIERS_SEED", "11"))
CLEAN = int(os.environ.get("BENCH_OUTLIERS_CLEAN", "20"))       # columns of each shape and size
PLANTED = int(os.environ.get("BENCH_OUTLIERS_PLANTED", "25"))   # columns of each kind
SIZES = (30, 200, 2000, 10000)
TYPES = [("bigint", re.compile(r"-?(0|[1-9]\d{0,17})$")), ("numeric", re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?$")),
         ("date", re.compile(r"\d{4}-\d\d-\d\d$")), ("timestamp", re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"))]
SYLLABLES = "ba be bo da de do fa fi ga go ha he ka ki la le li lo ma me mi mo na ne no pa pe ra re ri ro sa se si so ta te ti to va ve wa we".split()
STATES = "AL AK AZ AR CA CO CT FL GA IL IN IA KS KY LA ME MD MA MI MN MO MT NE NV NH NJ NM NY NC ND OH OK OR PA TX UT VT VA WA WI WY".split()
NAMES = "Anna Anne Hanna Johanna Johann Johannes Maria Marie Mario Marta Marco Martin Martina Stefan Stefanie Peter Petra Paul Paula Karl Karla Klara Lena Lea Lukas Luisa Luis Julia Julian Jana Jan".split()


# -- what values look like --

def word(r, n=3):
    return "".join(r.choice(SYLLABLES) for _ in range(n))


def title(r, n=3):
    return word(r, n).capitalize()


def digits(r, n):
    return "".join(r.choice(string.digits) for _ in range(n))


def poisson(r, mean):
    n, p = 0, r.random()
    while p > math.exp(-mean):
        p *= r.random()
        n += 1
    return n


def student(r, degrees):
    return r.gauss(0, 1) / math.sqrt(r.gammavariate(degrees / 2, 2) / degrees)


def day(r, first, last):
    n = r.randrange(first, last)
    return "%04d-%02d-%02d" % (n // 360, n % 360 // 30 + 1, min(n % 30 + 1, 28))


def weighted(r, values, decay):
    """A value of a list, the first the most frequent."""
    return values[min(int(r.expovariate(decay)), len(values) - 1)]


def each(value):
    return lambda r, n: [value(r) for _ in range(n)]


def fixed(make, value):
    """Values of a vocabulary that is drawn once for a column."""
    def column(r, n):
        vocabulary = make(r)
        return [value(r, vocabulary) for _ in range(n)]
    return column


# columns without a wrong value, in the shapes of real ones
SHAPES = {
    "normal": each(lambda r: "%.3f" % r.gauss(100, 10)),
    "uniform": each(lambda r: "%.3f" % r.uniform(0, 100)),
    "exponential": each(lambda r: "%.3f" % r.expovariate(0.02)),
    "narrow log-normal": each(lambda r: "%.2f" % r.lognormvariate(3, 0.5)),
    "log-normal": each(lambda r: "%.2f" % r.lognormvariate(4, 1)),
    "wide log-normal": each(lambda r: "%.2f" % max(r.lognormvariate(4, 1.7), 0.01)),
    "gamma": each(lambda r: "%.2f" % r.gammavariate(2, 30)),
    "Weibull": each(lambda r: "%.3f" % (r.weibullvariate(100, 0.7) + 0.001)),
    "Pareto": each(lambda r: "%.2f" % (10 * r.paretovariate(1.5))),
    "short Pareto": each(lambda r: "%.2f" % (10 * r.paretovariate(3))),
    "Student, 3": each(lambda r: "%.4f" % student(r, 3)),
    "Student, 5": each(lambda r: "%.4f" % student(r, 5)),
    "Laplace": each(lambda r: "%.3f" % (r.expovariate(0.1) - r.expovariate(0.1))),
    "both signs": each(lambda r: "%.2f" % (r.lognormvariate(4, 1) * r.choice((1, 1, 1, -1)))),
    "negative": each(lambda r: "%.2f" % -r.lognormvariate(3, 1)),
    "two peaks": each(lambda r: "%.2f" % (r.gauss(10, 2) if r.random() < 0.8 else r.gauss(55, 5))),
    "two log-normals": each(lambda r: "%.2f" % (r.lognormvariate(2, 0.5) if r.random() < 0.85 else r.lognormvariate(7.3, 0.5))),
    "three peaks": each(lambda r: "%.2f" % r.choice((r.gauss(0, 3), r.gauss(0, 3), r.gauss(0, 3), r.gauss(90, 3), r.gauss(-80, 3)))),
    "counts": each(lambda r: poisson(r, 3)),
    "quantities": each(lambda r: min(int(r.paretovariate(1.5)), 5000)),
    "mostly 1": each(lambda r: 1 if r.random() < 0.8 else 1 + int(r.expovariate(0.3))),
    "sparse": each(lambda r: "%.2f" % (0 if r.random() < 0.7 else r.lognormvariate(3, 1))),
    "sparse, both signs": each(lambda r: "%.2f" % (0 if r.random() < 0.7 else r.gauss(0, 500))),
    "rates, mostly 1": each(lambda r: "1" if r.random() < 0.75 else "%.4f" % (r.choice((1.08, 0.85, 0.0068, 1.36)) * r.uniform(0.97, 1.03))),
    "seasonal": lambda r, n: ["%.2f" % (100 + 50 * math.sin(i * 2 * math.pi / 365) + r.gauss(0, 5)) for i in range(n)],
    "growing": lambda r, n: ["%.1f" % (100 * math.exp(i / n * 3) * r.lognormvariate(0, 0.1)) for i in range(n)],
    "identifiers": lambda r, n: [1000 + i for i in range(n)],
    "identifiers with gaps": lambda r, n: r.sample(range(10 ** 5, 10 ** 5 + 3 * n), n),
    "identifiers of two ranges": lambda r, n: [(1 + i if i < n // 100 else 10 ** 6 + i) for i in range(n)],
    "identifiers, old ones deleted": lambda r, n: sorted(r.sample(range(1, 10 * n), n // 20 + 1)) + list(range(10 * n, 11 * n - n // 20 - 1)),
    "years": each(lambda r: 2024 - min(int(r.expovariate(0.2)), 60)),
    "prices": each(lambda r: "%d.99" % r.lognormvariate(3, 1)),
    "price list": fixed(lambda r: ["%d.99" % (r.randrange(1, 400)) for _ in range(12)], lambda r, v: weighted(r, v, 0.3)),
    "donations": each(lambda r: r.choice((10, 20, 25, 50, 50, 100, 100, 250, 500)) if r.random() < 0.8 else r.randrange(5, 600)),
    "discounts": each(lambda r: r.choice((0, 0, 0, 0, 0, 5, 10, 15, 50))),
    "ratings": each(lambda r: r.choice((5, 5, 5, 5, 4, 4, 4, 3, 2, 1))),
    "per cent": each(lambda r: "%.1f" % (100 * r.betavariate(8, 1.2))),
    "shares": each(lambda r: "%.4f" % r.betavariate(0.5, 5)),
    "ages": each(lambda r: min(max(round(r.gauss(40, 15)), 0), 99)),
    "hours a week": each(lambda r: 40 if r.random() < 0.7 else r.choice((38, 35, 30, 20, 20, 45, 50))),
    "tax rates": each(lambda r: 19 if r.random() < 0.85 else r.choice((7, 7, 7, 0))),
    "postal codes": each(lambda r: r.randrange(1, 10) * 10000 + r.randrange(10000)),
    "latitudes": fixed(lambda r: [r.uniform(30, 50) for _ in range(8)], lambda r, v: "%.5f" % (weighted(r, v, 0.5) + r.gauss(0, 0.05))),
    "dates": each(lambda r: day(r, 2015 * 360, 2024 * 360)),
    "recent dates": each(lambda r: day(r, 2024 * 360 - 1 - min(int(r.expovariate(0.005)), 5000), 2024 * 360)),
    "dates of two seasons": each(lambda r: day(r, 2023 * 360 + 30, 2023 * 360 + 60) if r.random() < 0.85 else day(r, 2023 * 360 + 240, 2023 * 360 + 260)),
    "birthdays": each(lambda r: day(r, 1940 * 360, 2005 * 360)),
    "times": each(lambda r: "2024-%02d-%02d %02d:%02d:%02d" % (r.randrange(1, 13), r.randrange(1, 29), min(max(int(r.gauss(13, 3)), 0), 23), r.randrange(60), r.randrange(60))),
    "first names": each(lambda r: weighted(r, NAMES, 0.15)),
    "surnames": each(lambda r: title(r, 3)),
    "cities": fixed(lambda r: [title(r) for _ in range(60)], lambda r, v: weighted(r, v, 0.1)),
    "states": each(lambda r: weighted(r, STATES, 0.12)),
    "order numbers": lambda r, n: ["SO%07d" % (i + 1000) for i in range(n)],
    "invoice numbers": lambda r, n: ["%d-%05d" % (2020 + 5 * i // n, i + 1) for i in range(n)],
    "parts": fixed(lambda r: ["%s-%s" % (word(r, 1).upper(), digits(r, 3)) for _ in range(80)], lambda r, v: weighted(r, v, 0.05)),
    "states of work": each(lambda r: weighted(r, ["closed", "open", "in review", "on hold", "cancelled"], 1)),
    "short identifiers": each(lambda r: "".join(r.choice(string.ascii_letters + string.digits) for _ in range(6))),
    "mails": each(lambda r: "%s.%s@example.%s" % (word(r, 2), word(r, 3), r.choice(("com", "org")))),
    "house numbers": each(lambda r: "%d%s" % (r.randrange(1, 120), r.choice(("", "", "", "", "a", "b")))),
    "grades": each(lambda r: r.choice(("A", "A-", "B+", "B", "B-", "C+", "C"))),
    "programming languages": each(lambda r: weighted(r, ["Java", "C", "C++", "C#", "JavaScript", "Go", "R", "D"], 0.5)),
    "country codes": each(lambda r: weighted(r, "US DE FR GB AT CH IT ES NA NL BE PL".split(), 0.3)),
    "doses": each(lambda r: "%d mg" % r.choice((5, 10, 20, 40, 80))),
    "sizes": each(lambda r: r.choice(("S", "M", "M", "L", "XL", "XXL", "38", "40"))),
    "rooms": each(lambda r: "Room %d" % min(int(r.expovariate(0.1)), 90)),
    "products": fixed(lambda r: ["%s %s %s" % (title(r), r.choice(("red", "blue", "black")), r.choice(("S", "M", "L"))) for _ in range(40)], lambda r, v: weighted(r, v, 0.08)),
    "remarks": each(lambda r: " ".join(word(r, r.randrange(1, 4)) for _ in range(r.randrange(2, 9))).capitalize() + r.choice((".", "", "!"))),
    "phones": each(lambda r: "+1 %s %s" % (digits(r, 3), digits(r, 7))),
}


# -- wrong values --

def typo(r, text):
    """One or two letters become x, as in the hospitals' set, or one is lost, doubled or exchanged with its neighbour."""
    at = [i for i, c in enumerate(text) if c.isalpha() and c != "x"]
    if not at:
        return text + "x"
    i = r.choice(at)
    kind = r.randrange(5)
    if kind < 2:
        return text.replace(text[i], "x") if kind and text.count(text[i]) <= 3 else text[:i] + "x" + text[i + 1:]
    if kind == 2:
        return text[:i] + text[i + 1:]
    if kind == 3 or i + 1 == len(text) or text[i] == text[i + 1]:
        return text[:i] + text[i] + text[i:]
    return text[:i] + text[i + 1] + text[i] + text[i + 2:]


def spoilt(r, rows, columns, share, change=typo):
    for row in rows:
        for c in columns:
            if r.random() < share:
                row[c] = change(r, row[c])


def copied(rows):
    return [list(row) for row in rows]


def beers(r):
    """Beers with the brewery, its city and state in each row: units in several spellings, N/A, % behind some, the state in the city."""
    head = ["id", "beer", "style", "ounces", "abv", "ibu", "brewery_id", "brewery", "city", "state"]
    places = [(title(r, r.choice((2, 3))) + r.choice(("", "", " City", " Falls")), r.choice(STATES)) for _ in range(300)]
    styles = ["%s %s" % (title(r), r.choice(("Ale", "IPA", "Stout", "Lager"))) for _ in range(90)]
    clean = []
    for b in range(540):
        place = weighted(r, places, 0.01)
        brewery = "%s %s" % (title(r), r.choice(("Brewing Company", "Brewery", "Brewing")))
        for _ in range(1 + min(int(r.expovariate(0.28)), 60)):
            clean.append([str(len(clean) + 1), "%s %s" % (title(r), word(r)), weighted(r, styles, 0.05), weighted(r, ["12", "16", "24", "8.4"], 1.2),
                          "0.0%d" % min(max(round(r.gauss(58, 12)), 30), 99), "" if r.random() < 0.42 else str(min(max(round(r.gauss(42, 25)), 4), 138)), str(b), brewery, *place])
    dirty = copied(clean)
    for row in dirty:
        row[3] = "%.1f %s" % (float(row[3]), weighted(r, ["oz.", "oz", "ounce", "OZ.", "oz. Alumi-Tek", "oz. Silo Can"], 0.6))
        row[4] += "%" if r.random() < 0.29 else ""
        row[5] = row[5] or "N/A"
        if r.random() < 0.053:
            row[8], row[9] = row[8] + " " + row[9], ""
    return head, clean, dirty


def hospitals(r):
    """A row for each hospital and measure; letters and digits become x in one cell of thirty-five."""
    head = ["number", "name", "address", "city", "state", "zip", "county", "phone", "type", "owner", "emergency", "condition", "measure", "measure_name", "score", "sample"]
    measures = [(c, "%s-%d%s" % (c[:2], i, r.choice(("", "", "a", "b"))), "%s patients given %s %s at %s" % (c, word(r), word(r, 2), word(r)))
                for c in ("heart attack", "heart failure", "pneumonia", "surgical infection prevention") for i in range(1, 8)]
    clean = []
    while len(clean) < 1000:
        hospital = [str(10000 + len(clean)), "%s %s" % (word(r), r.choice(("hospital", "medical center", "community hospital", "regional medical center"))),
                    "%s %s %s" % (digits(r, 3), word(r), r.choice(("street", "avenue", "rd"))), word(r), "al" if r.random() < 0.97 else "ak", "35" + digits(r, 3), word(r), "2" + digits(r, 9),
                    "acute care hospitals", r.choice(("proprietary", "voluntary non-profit - private", "government - hospital district or authority")), r.choice(("yes", "yes", "yes", "no"))]
        for condition, code, name in r.sample(measures, r.randrange(8, 25)):
            clean.append(hospital + [condition, code, name, r.choice(("100%", "%d%%" % r.randrange(50, 100), "%d%%" % r.randrange(50, 100), "empty")), "%d patients" % r.expovariate(0.02)])
    clean = clean[:1000]
    dirty = copied(clean)
    spoilt(r, dirty, range(len(head)), 0.03, lambda r, v: "".join("x" if c != " " and r.random() < 0.12 else c for c in v) if r.random() < 0.7 else v.replace(r.choice(v), "x"))
    return head, clean, dirty


def addresses(r):
    """Customers' orders with their addresses: typos, another city's postal code, missing states; some customers have moved."""
    head = ["order_id", "customer", "street", "postal_code", "city", "state", "total"]
    cities = [(digits(r, 5), title(r), r.choice(STATES)) for _ in range(120)]
    clean = []
    for _ in range(400):
        customer, street, place = "%s %s" % (r.choice(NAMES), title(r)), "%s %d" % (title(r), r.randrange(1, 99)), weighted(r, cities, 0.03)
        for i in range(1 + int(r.expovariate(0.15))):
            if i > 3 and r.random() < 0.004:
                street, place = "%s %d" % (title(r), r.randrange(1, 99)), weighted(r, cities, 0.03)
            clean.append([str(len(clean) + 1), customer, street, *place, "%.2f" % r.lognormvariate(4, 1)])
    dirty = copied(clean)
    spoilt(r, dirty, (2, 4), 0.01)
    spoilt(r, dirty, (3,), 0.005, lambda r, v: r.choice(cities)[0])
    spoilt(r, dirty, (3,), 0.005, lambda r, v: v[0] + v[2] + v[1] + v[3:])
    spoilt(r, dirty, (5,), 0.01, lambda r, v: "")
    return head, clean, dirty


def swapped(r, text):
    pairs = [(i, j) for i in range(len(text)) for j in range(i + 1, len(text)) if text[i] != text[j] and not (i == 0 and text[j] == "0")]
    if not pairs:
        return text
    i, j = r.choice(pairs)
    return text[:i] + text[j] + text[i + 1:j] + text[i] + text[j + 1:]


def times_factor(r):
    factor = r.choice((10, 100, 1000, 0.1, 0.01))
    return lambda r, v: "%.3f" % (float(v) * factor)


def one_number(r):
    number = r.choice(("99999", "0", "-1", "999999", "100000"))
    return lambda r, v: number


def cap(r):
    number = r.choice(("1000", "999", "10000", "9999"))
    return lambda r, v: number


def half_off(r):
    return lambda r, v: ("%.4f" if "." in v else "%.0f") % (float(v) * r.uniform(0.5, 1.5))


def anywhere(r):
    return lambda r, v: str(r.randrange(-50, 2000))


def other_century(r):
    years = r.choice((-100, 100, -2000))
    return lambda r, v: "%04d%s" % (int(v[:4]) + years if int(v[:4]) + years > 0 else 1, v[4:])


def constant(r, n):
    value = r.choice(("2021", "2018", str(r.randrange(10000, 99999)), str(r.randrange(12, 60)), str(r.randrange(100, 999))))
    return [value] * n


def narrow(make):
    def column(r, n):
        middle, width = make(r)
        return ["%.4f" % r.gauss(middle, width) for _ in range(n)]
    return column


# kinds of wrong numbers: the column, the change (drawn once for a column)
NUMBERS = {
    "unit, narrow": (narrow(lambda r: (r.uniform(50, 2000), 1)), times_factor),
    "unit, normal": (narrow(lambda r: (1000, r.uniform(50, 200))), times_factor),
    "unit, log-normal": (each(lambda r: "%.2f" % r.lognormvariate(4, 0.6)), times_factor),
    "swapped digits, years": (each(lambda r: str(r.randrange(1990, 2025))), lambda r: swapped),
    "swapped digits, codes": (each(lambda r: str(r.randrange(48100, 48300))), lambda r: swapped),
    "noise on a constant": (constant, half_off),
    "noise on readings": (narrow(lambda r: (r.uniform(20, 1000), r.uniform(0.001, 0.02) * 20)), half_off),
    "noise on positions": (narrow(lambda r: (r.uniform(20, 60), 0.2)), half_off),
    "noise on a sequence": (lambda r, n: [str(i + 1) for i in range(n)], anywhere),
    "one number": (narrow(lambda r: (r.uniform(100, 500), r.uniform(5, 40))), one_number),
    "heap at a power of ten": (each(lambda r: str(round(r.lognormvariate(8, 1)))), cap),
    "another century": (each(lambda r: day(r, 2015 * 360, 2024 * 360)), other_century),
}
GUISES = ["N/A", "unknown", "-", "?", "none", "TBD", "xxxx", "---", "no data", "keine Angabe", "not available", "#N/A", "0000000000"]


def one_column(r, column, change, rows, share):
    """A table of a number and a column, of which so many are changed to something else, one at least."""
    clean = [["%s" % v] for v in column(r, rows)]
    dirty = copied(clean)
    for i in r.sample(range(rows), max(round(share * rows), 1)):
        dirty[i][0] = change(r, dirty[i][0])
    return ["value"], clean, dirty


def worlds():
    """(group, kind, head, clean rows, dirty rows) of everything drawn."""
    for i in range(3):
        yield ("beers", "beers") + beers(random.Random("beers %d %d" % (SEED, i)))
        yield ("hospital", "hospital") + hospitals(random.Random("hospital %d %d" % (SEED, i)))
        yield ("addresses", "addresses") + addresses(random.Random("addresses %d %d" % (SEED, i)))
    for kind, (column, change) in NUMBERS.items():
        for i in range(PLANTED):
            r = random.Random("%s %d %d" % (kind, SEED, i))
            yield ("planted", kind) + one_column(r, column, change(r), r.choice((60, 300, 2000)), r.uniform(0.05, 0.3))
        for i in range(PLANTED):
            r = random.Random("few %s %d %d" % (kind, SEED, i))
            yield ("few", kind) + one_column(r, column, change(r), r.choice((200, 1000, 3000)), r.uniform(0.001, 0.01))
    for i in range(4 * PLANTED):
        r = random.Random("guise %d %d" % (SEED, i))
        shape = r.choice(("cities", "surnames", "order numbers", "mails", "phones", "states of work", "products"))
        guise = r.choice(GUISES)
        yield ("guise", "missing in disguise") + one_column(r, SHAPES[shape], lambda r, v, g=guise: g, r.choice((200, 1000)), r.uniform(0.01, 0.3))
    for i in range(4 * PLANTED):
        r = random.Random("typo %d %d" % (SEED, i))
        shape = r.choice(("cities", "states of work", "products"))
        yield ("typos", "misspelt") + one_column(r, SHAPES[shape], typo, r.choice((500, 2000)), r.uniform(0.001, 0.02))


def given(folder):
    """Sets of a folder; rows that have not as many cells as the head are left out."""
    for path in sorted(glob.glob(os.path.join(folder, "*", "dirty.csv"))):
        csv.field_size_limit(10 ** 9)
        name = os.path.basename(os.path.dirname(path))
        both = []
        for file in ("clean.csv", "dirty.csv"):
            with open(os.path.join(os.path.dirname(path), file), encoding="utf-8-sig", newline="") as lines:
                both.append(list(csv.reader(lines)))
        head = ["%s_%d" % (h, i) if both[1][0].count(h) > 1 or not h else h for i, h in enumerate(both[1][0])]
        rows = [(c, d) for c, d in zip(both[0][1:], both[1][1:]) if len(c) == len(d) == len(head)]
        yield name, name, head, [c for c, _ in rows], [d for _, d in rows]


# -- what is found --

def type_of(values):
    known = [v for v in values if v is not None]
    return next((name for name, form in TYPES if known and all(form.match(v) for v in known)), "text")


def quoted(name):
    return '"%s"' % name.replace('"', '""')


def found(conn, head, rows):
    """Cells (row, column) and the kinds of finding that name them; empty cells are nulls."""
    rows = [[str(v) if v != "" else None for v in row] for row in rows]
    columns = ", ".join("%s %s" % (quoted(h), type_of([row[c] for row in rows])) for c, h in enumerate(head))
    conn.execute(("DROP TABLE IF EXISTS tried; CREATE TABLE tried (row_number_ int, %s)" % columns).replace("%", "%%"), prepare=False)
    with conn.cursor().copy("COPY tried FROM STDIN") as copy:
        for i, row in enumerate(rows):
            copy.write_row([i] + row)
    cells = {}
    for c, name in enumerate(head):
        for kind, where in conn.execute("SELECT kind, where_clause FROM outliers('tried', %s)", (name,)).fetchall():
            for (row,) in conn.cursor().execute(("SELECT row_number_ FROM tried WHERE " + where).encode()).fetchall():
                cells.setdefault((row, c), set()).add(kind)
    return cells


class Tally:
    def __init__(self):
        self.wrong = self.named = self.right = 0

    def add(self, wrong, named, right):
        self.wrong += wrong
        self.named += named
        self.right += right

    def precision(self):
        return self.right / self.named if self.named else 1.0

    def recall(self):
        return self.right / self.wrong if self.wrong else 1.0

    def row(self, name):
        return (name, self.wrong, self.named, self.right, "%.3f" % self.precision(), interval(self.right, self.named), "%.3f" % self.recall(), interval(self.right, self.wrong))


def interval(part, whole):
    """Wilson's, at 95 %."""
    if whole == 0:
        return ""
    share, z2 = part / whole, 1.96 ** 2
    half = math.sqrt(z2) * math.sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole))
    return "%.3f to %.3f" % ((share + z2 / (2 * whole) - half) / (1 + z2 / whole), (share + z2 / (2 * whole) + half) / (1 + z2 / whole))


def at_most(part, whole):
    """The upper end of Clopper and Pearson's interval at 95 % (two-sided), by bisection."""
    low, high = part / whole, 1.0
    for _ in range(60):
        p = (low + high) / 2
        below = sum(math.exp(math.lgamma(whole + 1) - math.lgamma(i + 1) - math.lgamma(whole - i + 1) + i * math.log(p) + (whole - i) * math.log1p(-p)) for i in range(part + 1))
        low, high = (p, high) if below > 0.025 else (low, p)
    return high


def judge(conn, some):
    """Tallies by group, by kind of what is wrong and by kind of finding."""
    groups, kinds, findings = {}, {}, {}
    for group, kind, head, clean, dirty in some:
        wrong = {(i, c) for i, row in enumerate(dirty) for c, v in enumerate(row) if str(v) != str(clean[i][c])}
        cells = found(conn, head, dirty)
        for tally in (groups.setdefault(group, Tally()), kinds.setdefault("%s: %s" % (group, kind), Tally())):
            tally.add(len(wrong), len(cells), len(wrong & set(cells)))
        for cell, names in cells.items():
            for name in names:
                findings.setdefault(name, Tally()).add(0, 1, cell in wrong)
    return groups, kinds, findings


def clean_columns(conn):
    """How many of the clean columns have a finding at all, by shape; and cells named."""
    shapes, columns, alarms, cells, named = {}, 0, 0, 0, 0
    for shape, column in SHAPES.items():
        for size in SIZES:
            for i in range(CLEAN if size < 10000 else max(CLEAN // 4, 1)):
                values = column(random.Random("%s %d %d %d" % (shape, size, SEED, i)), size)
                hit = found(conn, ["value"], [[v] for v in values])
                columns += 1
                cells += size
                if hit:
                    alarms += 1
                    named += len(hit)
                    key = (shape, ", ".join(sorted({k for kinds in hit.values() for k in kinds})))
                    shapes[key] = shapes.get(key, 0) + 1
    return shapes, columns, alarms, cells, named


def main():
    conn = connect()
    conn.execute("CREATE EXTENSION IF NOT EXISTS ingest_profile")
    head = ("", "wrong", "named", "right", "precision", "95 %", "recall", "95 %")
    if "PG_INGEST_DATA" in os.environ:
        groups, _, findings = judge(conn, given(os.path.join(os.environ["PG_INGEST_DATA"], "outliers")))
        table([head] + [t.row(n) for n, t in groups.items()] + [("by finding",) + ("",) * 7] + [t.row(n)[:6] + ("", "") for n, t in sorted(findings.items())])
        all_of = Tally()
        for tally in groups.values():
            all_of.add(tally.wrong, tally.named, tally.right)
        finish(precision=all_of.precision(), recall=all_of.recall(), **{"%s_%s" % (what, n): getattr(t, what)() for n, t in groups.items() for what in ("precision", "recall")})
        return
    groups, kinds, findings = judge(conn, worlds())
    table([head] + [t.row(n) for n, t in kinds.items()])
    print()
    table([head] + [t.row(n) for n, t in groups.items()])
    print()
    table([head[:6]] + [(n, "") + t.row(n)[2:6] for n, t in sorted(findings.items())])
    shapes, columns, alarms, cells, named = clean_columns(conn)
    if shapes:
        print()
        table([("clean columns of", "finding", "columns")] + [k + (n,) for k, n in sorted(shapes.items())])
    print("%d clean columns, %d with a finding (at most %.2f %%, 95 %%); %d of %d cells" % (columns, alarms, 100 * at_most(alarms, columns), named, cells))
    all_of = Tally()
    for tally in groups.values():
        all_of.add(tally.wrong, tally.named, tally.right)
    finish(precision=all_of.precision(), recall=all_of.recall(), **{"%s_%s" % (what, n): getattr(t, what)() for n, t in groups.items() for what in ("precision", "recall")},
           false_per_column=alarms / columns, false_per_column_upper=at_most(alarms, columns), data="own")


if __name__ == "__main__":
    sys.exit(main())
