#!/usr/bin/python3
"""Internal errors in a server's log (line prefix "%m [%p] %u %e ") that sqlsmith's role met over foreign tables and does
not meet over local ones: some of PostgreSQL's own are reported as internal.  Exit code 1 if there are any."""

import re
import sys

import psycopg

ENTRY = re.compile(r"^\d{4}-\d\d-\d\d [\d:.]+ \S+ \[\d+\] (\S*) (\S{5}) (\w+): {1,2}(.*(?:\n\t.*)*)", re.M)


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
            if here != code:
                wrong += 1
                print("%s %s, over local tables %s:\n%s\n" % (code, words, here, statement))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
