"""keys: foreign keys found by candidate_foreign_keys on tables without any declared key, against the truth.

Reads $PG_INGEST_DATA/keys/<schema>/*.csv with truth.json ([{"from": "t(c)", "to": "p(c)"}]); without it, the public schemas
of key_schemas.txt with rows drawn for them: precision and recall are of those that the weights were not fitted to, fit_...
of the others. Intervals of 95 % are by drawing the schemas anew, as errors of one schema come together.
"""

import csv
import glob
import json
import os
import random
import re

from common import connect, finish, table
from key_schemas import drawn, schemas

TYPES = [("bigint", re.compile(r"-?(0|[1-9]\d{0,17})$")), ("numeric", re.compile(r"-?\d+\.\d+$|-?(0|[1-9]\d*)$")),
         ("date", re.compile(r"\d{4}-\d\d-\d\d$"))]


def given(folder):
    """Schemas of a folder; empty cells are nulls."""
    for path in sorted(glob.glob(os.path.join(folder, "*", "truth.json"))):
        with open(path, encoding="utf-8") as file:
            truth = ["%s -> %s" % (t["from"].replace(" ", ""), t["to"].replace(" ", "")) for t in json.load(file)]
        tables = {}
        for name in sorted(glob.glob(os.path.join(os.path.dirname(path), "*.csv"))):
            with open(name, encoding="utf-8-sig", newline="") as file:
                head, *rows = csv.reader(file)
            tables[os.path.basename(name)[:-4]] = (head, [[v or None for v in row] for row in rows if len(row) == len(head)])
        yield os.path.basename(os.path.dirname(path)), tables, truth


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
