"""keys: foreign keys found by candidate_foreign_keys on tables without any declared key, against the truth.

Reads $PG_INGEST_DATA/keys/<schema>/*.csv with truth.json ([{"from": "t(c)", "to": "p(c)"}]); without it, the public schemas
of key_schemas.txt with rows drawn for them: precision and recall are of those that the weights were not fitted to, fit_...
of the others. Intervals of 95 % are by drawing the schemas anew, as errors of one schema come together.
"""

import csv
import glob
import io
import json
import os
import random
import re

from common import connect, finish, table
from key_schemas import drawn, schemas

TYPES = [("bigint", re.compile(r"-?(0|[1-9]\d{0,17})$")), ("numeric", re.compile(r"-?\d+\.\d+$|-?(0|[1-9]\d*)$")),
         ("date", re.compile(r"\d{4}-\d\d-\d\d$"))]


def read_csv(name):
    """Head and rows of a file, divided by whichever of , ; tab | its head has most; empty cells are nulls."""
    raw = open(name, "rb").read()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    first = text.partition("\n")[0]
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t|", key=first.count)) if row]
    if not rows:
        raise SystemExit("%s has no head" % name)
    head = rows.pop(0)
    whole = [[v or None for v in row] for row in rows if len(row) == len(head)]
    if len(whole) < len(rows):
        print("%s: %d of %d rows have another number of cells than the head, and are left out" % (name, len(rows) - len(whole), len(rows)))
    return head, whole


def given(folder):
    """Schemas of a folder."""
    found = sorted(glob.glob(os.path.join(folder, "*", "truth.json")))
    if not found:
        raise SystemExit("there is no %s" % os.path.join(folder, "*", "truth.json"))
    for path in found:
        tables = {os.path.basename(name)[:-4]: read_csv(name) for name in sorted(glob.glob(os.path.join(os.path.dirname(path), "*.csv")))}
        columns = {"%s(%s)" % (t, c) for t, (head, _) in tables.items() for c in head}
        with open(path, encoding="utf-8") as file:
            truth = [tuple(re.sub(r"\s*([()])\s*", r"\1", t[end].strip()) for end in ("from", "to")) for t in json.load(file)]
        for end in {end for pair in truth for end in pair if end not in columns}:
            raise SystemExit("%s names %s, which none of the files beside it has" % (path, end))
        yield os.path.basename(os.path.dirname(path)), tables, ["%s -> %s" % pair for pair in truth]


def type_of(values):
    known = [str(v) for v in values if v is not None]
    return next((name for name, form in TYPES if known and all(form.match(v) for v in known)), "text")


def quoted(name):
    return '"%s"' % name.replace('"', '""').replace("%", "%%")


def load(conn, tables):
    """The tables alone in a schema, without keys."""
    conn.execute("DROP SCHEMA IF EXISTS tried CASCADE")
    conn.execute("CREATE SCHEMA tried")
    for name, (head, rows) in tables.items():
        types = [type_of([r[i] for r in rows]) for i in range(len(head))]
        conn.execute("CREATE TABLE tried.%s (%s)" % (quoted(name), ", ".join("%s %s" % (quoted(h), t) for h, t in zip(head, types))))
        with conn.cursor().copy("COPY tried.%s FROM STDIN" % quoted(name)) as copy:
            for row in rows:
                copy.write_row(row)


def ask(conn):
    return {"%s(%s) -> %s(%s)" % row for row in conn.execute(
        "SELECT a.relname, f.from_column, b.relname, f.to_column FROM candidate_foreign_keys(ARRAY(SELECT oid::regclass FROM pg_class"
        " WHERE relnamespace = 'tried'::regnamespace AND relkind = 'r' ORDER BY relname)) f"
        " JOIN pg_class a ON a.oid = f.from_relation JOIN pg_class b ON b.oid = f.to_relation")}


def score(schemas_):
    """Precision and recall of (true, found, hit) of each schema."""
    def shares(of):
        true, found, hit = (sum(column) for column in zip(*of))
        # precision of no claim is unknown
        return hit / found if found else None, hit / true if true else None
    draw = random.Random(7)
    drawn_ = [shares(draw.choices(schemas_, k=len(schemas_))) for _ in range(2000)]
    figures = {}
    for i, name in enumerate(("precision", "recall")):
        known = sorted(d[i] for d in drawn_ if d[i] is not None)
        figures[name] = shares(schemas_)[i]
        figures[name + "_low"], figures[name + "_high"] = (known[int(q * (len(known) - 1))] if known else None for q in (0.025, 0.975))
    return figures


def compare(conn, name, tables, truth, unsure=()):
    """What is found of a schema, errors printed; (true, found, hit)."""
    load(conn, tables)
    found = {f for f in ask(conn) if f.partition(" -> ")[0] not in unsure}
    for what, of in (("missed", set(truth) - found), ("not true", found - set(truth))):
        for one in sorted(of):
            print("%s, %s: %s" % (name, what, one))
    return len(set(truth)), len(found), len(found & set(truth))


def main():
    folder = os.environ.get("PG_INGEST_DATA")
    conn = connect()
    conn.execute("CREATE EXTENSION IF NOT EXISTS ingest_profile")
    rows = [("schema", "share", "true", "found", "hit")]
    if folder:
        rows += [(name, "", *compare(conn, name, tables, truth)) for name, tables, truth in given(os.path.join(folder, "keys"))]
    else:
        rows += [(name, share, *compare(conn, name, *drawn(name, spec))) for name, share, spec in schemas()]
    if sum(r[2] for r in rows[1:]) == 0:
        raise SystemExit("no truth.json in %s" % folder)
    table(rows)
    if folder:
        finish(**score([r[2:] for r in rows[1:]]))
    else:
        held, fitted = (score([r[2:] for r in rows if r[1] == share]) for share in ("held", "fit"))
        finish(**held, **{"fit_" + k: v for k, v in fitted.items()}, data="own")


if __name__ == "__main__":
    main()
