"""Workbooks of other writers: openpyxl and XlsxWriter write random tables, and what is read of them is compared with
what the writers were given; then each file is damaged, and what is read must be the same rows or an error.

xlsx_random.py CONNECTION FOLDER ROUNDS SEED
"""
import datetime
import decimal
import io
import random
import sys
import zipfile

import openpyxl
import psycopg
import xlsxwriter

LETTERS = "aZé日😀 _&<>'\"\n\t;,"
ESCAPES = ["_x0041_", "_x000D_", "_", "_x", "__x0009_"]


def text(rng, writer):
    # openpyxl writes them as they are, which means the character that they stand for
    if rng.random() < 0.1:
        return rng.choice(ESCAPES if writer == "xlsxwriter" else ["_", "_x", "_x00"])
    if rng.random() < 0.05:
        return str(rng.randint(0, 10 ** 6)).zfill(8)
    return "".join(rng.choice(LETTERS) for _ in range(rng.randint(1, 12)))


def moment(rng):
    # from March 1900 on the calendars agree
    return datetime.datetime(1900, 3, 1) + datetime.timedelta(days=rng.randint(0, 80000), milliseconds=rng.randint(0, 86399999))


def value(rng, kind, writer):
    if rng.random() < 0.15:
        return None
    return {"bigint": lambda: rng.randint(-10 ** 15 + 1, 10 ** 15 - 1) if rng.random() < 0.5 else rng.randint(-9, 99),
            "numeric": lambda: rng.choice([rng.random(), rng.uniform(-1e6, 1e6), 0.1 + 0.2, 1e-7 * rng.random(), 1.5e20, 0.1, rng.randint(-999, 999) / 100]),
            "text": lambda: text(rng, writer),
            "boolean": lambda: rng.random() < 0.5,
            "date": lambda: moment(rng).date(),
            "timestamp": lambda: moment(rng).replace(microsecond=rng.choice([0, 0, 123000])),
            "time": lambda: moment(rng).time().replace(microsecond=rng.choice([0, 500000]))}[kind]()


def shown(kind, v):
    """As PostgreSQL says it."""
    if v is None:
        return None
    if kind == "numeric":
        # both write numbers with 16 digits; the fewest that are the same double come back
        return format(decimal.Decimal(repr(float("%.16g" % v))), "f")
    if kind == "boolean":
        return "true" if v else "false"
    if kind in ("date", "timestamp", "time"):
        shown_ = v.isoformat(sep=" ") if kind == "timestamp" else v.isoformat()
        return shown_.rstrip("0") if "." in shown_ else shown_
    return str(v)


class World:
    def __init__(self, rng, writer):
        kinds = ["bigint", "numeric", "text", "boolean", "date", "timestamp", "time"]
        self.kinds = [rng.choice(kinds) for _ in range(rng.randint(1, 8))]
        self.names = [f"Col {i}" for i in range(len(self.kinds))]
        self.rows = [[value(rng, k, writer) for k in self.kinds] for _ in range(rng.randint(1, 60))]
        self.since_1904 = rng.random() < 0.3
        if self.since_1904:
            for row in self.rows:
                for i, v in enumerate(row):
                    if isinstance(v, datetime.date) and v.year < 1905:
                        row[i] = v.replace(year=1904 + v.year % 100 if v.year % 100 else 1908, day=min(v.day, 28))
        self.at = (rng.choice([0, 0, 3]), rng.choice([0, 0, 2]))
        self.shared = rng.random() < 0.5

    def openpyxl(self, path):
        book = openpyxl.Workbook()
        if self.since_1904:
            book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
        sheet = book.active
        for r, row in enumerate([self.names] + self.rows):
            for c, v in enumerate(row):
                cell = sheet.cell(self.at[0] + r + 1, self.at[1] + c + 1)
                cell.value = v
                # openpyxl writes such as formulas
                if isinstance(v, str):
                    cell.data_type = "s"
        book.save(path)

    def xlsxwriter(self, path):
        book = xlsxwriter.Workbook(path, {"in_memory": True, "constant_memory": not self.shared, "date_1904": self.since_1904,
                                          "strings_to_numbers": False, "strings_to_formulas": False, "strings_to_urls": False})
        sheet = book.add_worksheet("Data")
        formats = {"date": book.add_format({"num_format": "dd/mm/yyyy"}), "timestamp": book.add_format({"num_format": "[$-409]d mmm yyyy h:mm AM/PM;@"}), "time": book.add_format({"num_format": "hh:mm"})}
        for c, name in enumerate(self.names):
            sheet.write_string(self.at[0], self.at[1] + c, name)
        for r, row in enumerate(self.rows):
            for c, (v, kind) in enumerate(zip(row, self.kinds)):
                place = (self.at[0] + 1 + r, self.at[1] + c)
                if v is None:
                    continue
                if kind in formats:
                    sheet.write_datetime(*place, v, formats[kind])
                elif kind == "boolean":
                    sheet.write_boolean(*place, v)
                elif kind == "text":
                    sheet.write_string(*place, v)
                else:
                    sheet.write_number(*place, v)
        book.close()

    def wanted(self):
        rows = []
        for row in self.rows:
            texts = [shown(k, v) for k, v in zip(self.kinds, row)]
            if any(texts):
                rows.append(tuple(texts))
        return rows


def plain(kind, v):
    if v is not None and kind == "numeric":
        return format(decimal.Decimal(v).normalize(), "f")
    # a second without a fraction, or with fewer digits of it
    return v.rstrip("0") if v is not None and kind in ("time", "timestamp") and "." in v else v


def read(session, columns):
    session.execute("DROP FOREIGN TABLE IF EXISTS t")
    session.execute(f"CREATE FOREIGN TABLE t ({columns}) SERVER xlsx OPTIONS (path 't.xlsx', format 'xlsx')")
    return session.execute("SELECT * FROM t").fetchall()


def damage(rng, data):
    """A file that is cut, has other bytes, or lacks a part."""
    how = rng.randrange(4)
    if how == 0:
        return data[:rng.randrange(len(data))]
    if how == 1:
        at = rng.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1:]
    source = zipfile.ZipFile(io.BytesIO(data))
    names = source.namelist()
    hit = rng.choice([n for n in names if n.endswith((".xml", ".rels")) and "docProps" not in n and "theme" not in n])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in names:
            part = source.read(name)
            if name == hit and how == 2:
                continue
            if name == hit:
                part = part[:rng.randrange(len(part))]
            target.writestr(name, part)
    return out.getvalue()


def main():
    connection, folder, rounds, seed = sys.argv[1:]
    path = f"{folder}/t.xlsx"
    equal = wrong = harmless = refused = 0
    with psycopg.connect(connection, autocommit=True, prepare_threshold=None) as session:
        for n in range(int(rounds)):
            rng = random.Random(f"{seed} {n}")
            writer = rng.choice(["openpyxl", "xlsxwriter"])
            world = World(rng, writer)
            getattr(world, writer)(path)
            columns = ", ".join(f"\"{name}\" {kind}" for name, kind in zip(world.names, world.kinds))
            texts = ", ".join(f"\"{name}\" text" for name in world.names)
            want = [tuple(plain(k, v) for k, v in zip(world.kinds, row)) for row in world.wanted()]
            try:
                rows = read(session, columns)
                got = [tuple(plain(k, shown(k, v) if k != "numeric" else None if v is None else str(v)) for k, v in zip(world.kinds, row)) for row in rows]
                as_text = read(session, texts)
                if [tuple(plain(k, v) for k, v in zip(world.kinds, row)) for row in as_text] != [tuple(plain(k, v) for k, v in zip(world.kinds, r)) for r in got]:
                    got = ("texts", as_text, got)
            except psycopg.Error as error:
                got = str(error)
            equal += got == want
            wrong += got != want
            if got != want:
                print(f"round {n}: {writer} {world.kinds} {world.since_1904}\n got {got}\nwant {want}")
                continue
            with open(path, "rb") as file:
                whole = file.read()
            for _ in range(4):
                with open(path, "wb") as file:
                    file.write(damage(rng, whole))
                try:
                    same = read(session, columns) == rows
                    harmless += same
                    wrong += not same
                    if not same:
                        print(f"round {n}: {writer}: damaged, and other rows")
                except psycopg.Error as error:
                    refused += 1
                    if error.sqlstate not in ("22P04", "0A000", "HV00R", "HV005", "22P02", "22007", "22008", "22003", "22021", "22P05", "54000"):
                        wrong += 1
                        print(f"round {n}: {error.sqlstate} {error}")
    print(f"{equal} equal, {refused} refused, {harmless} harmless, {wrong} wrong")


main()
