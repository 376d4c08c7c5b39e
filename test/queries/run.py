#!/usr/bin/python3
"""Compare answers over foreign tables with those over local copies; exit code 1 if any differs.

FIXED=2000 fixed queries ("all": every one) and QUERIES=2000 random ones of SEED; FAMILY picks by a regular expression,
SKIP leaves out statements that one matches, JOBS sessions at once, OUT names a file for all differences.
"""

import os
import re
import sys
import time

import fixed
import grammar
from compare import Run, draw


def main():
    number = os.environ.get("FIXED") or "2000"
    count = int(os.environ.get("QUERIES") or 2000)
    seed = os.environ.get("SEED") or "1"
    queries = fixed.all_of_them() if number == "all" else fixed.draw(int(number))
    queries = draw(queries, 1) + draw(grammar.queries(count, seed), seed)
    family = re.compile(os.environ.get("FAMILY") or "")
    skip = re.compile(os.environ.get("SKIP") or "(?!)")
    queries = [query for query in queries if family.search(query.family) and not any(map(skip.search, query.steps))]
    started = time.time()
    print("SEED=%s: %d queries" % (seed, len(queries)), flush=True)
    run = Run(int(os.environ.get("JOBS") or 3))
    differences = run.all(queries)
    if os.environ.get("OUT"):
        with open(os.environ["OUT"], "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(text + "\n\n" for _, text in differences)
    print("%d queries in %.0f s, seed %s: %d differences%s; errors on both sides: %s" % (
        len(queries), time.time() - started, seed, len(differences), "" if not differences else " in " + ", ".join(sorted({q.family for q, _ in differences})),
        ", ".join("%s %d" % x for x in run.codes.most_common()) or "none"))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
