#!/usr/bin/python3
"""Internal errors in a server's log (line prefix "%m [%p] %u %e ") that sqlsmith's role met over foreign tables and does
not meet over local ones: some of PostgreSQL's own are reported as internal.  Rows without an order differ from run to run,
so those that PostgreSQL's own functions say of odd arguments are known by the function.  Exit code 1 if there are any."""

import re
import sys

import psycopg

ENTRY = re.compile(r"^\d{4}-\d\d-\d\d [\d:.]+ \S+ \[\d+\] (\S*) (\S{5}) (\w+): {1,2}(.*(?:\n\t.*)*)", re.M)

# what PostgreSQL says of type modifiers and objects that are none: words, and the function that the statement calls
OWN = [
    (re.compile(r"invalid memory alloc request size (2147483647|1844674407\d{10})"),
     re.compile(r"pg_catalog\.(bpchar|bit|varbit)\(")),
    (re.compile(r"interval typmod", re.I), re.compile(r"pg_catalog\.interval(typmodout)?\(")),
    (re.compile(r"cache lookup failed for operator class \d+"), re.compile(r"amvalidate\(")),
]


def own(words, statement):
    return any(said.search(words) and called.search(statement) for said, called in OWN)


def statements(log):
    """(SQLSTATE, words, statement) of each internal error."""
    failed = None
    for user, code, level, text in ENTRY.findall(log):
        if level == "ERROR":
            failed = (code, text) if user == "smith" and code.startswith("XX") else None
        elif level == "STATEMENT" and failed:
            yield failed + (text.replace("\n\t", "\n"),)
            failed = None


def main():
    with open(sys.argv[1], encoding="utf-8", errors="replace") as file:
        found = list(statements(file.read()))
    wrong = 0
    with psycopg.connect("user=smith", autocommit=True) as conn:
        for code, words, statement in found:
            try:
                conn.execute(statement.replace("f97.", "truth."))
                here = "00000"
            except psycopg.Error as error:
                here = error.sqlstate
            if here != code and not own(words, statement):
                wrong += 1
                print("%s %s, over local tables %s:\n%s\n" % (code, words, here, statement))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
