#!/usr/bin/python3
"""Of how many functions in C is it said what they are for: above them, or above their declaration in a header?

test/commented.py FOLDER SHARE [--list] [--no-width | --sql]: fails if it is less than SHARE in a hundred, or if lines of C or SQL
are wider than 120 columns, which are named (of SQL alone with --sql); --list names the functions without a comment.
"""
import glob
import re
import sys

WIDTH = 120


def declared(folder):
    """Functions with a comment in a header: above, or above the declarations that they stand among"""
    said = set()
    for path in glob.glob(folder + "/**/*.h", recursive=True):
        lines = open(path, encoding="utf-8").read().split("\n")
        for i, line in enumerate(lines):
            name = re.match(r"extern .*?\b\*?([a-z_][a-z0-9_]*)\(", line)
            above = i - 1
            while name and lines[above].startswith(("extern", "\t")):
                above -= 1
            if name and lines[above].rstrip().endswith("*/"):
                said.add(name.group(1))
    return said


def defined(path):
    """Each function of a file, and whether a comment ends above it"""
    lines = open(path, encoding="utf-8").read().split("\n")
    for i, line in enumerate(lines):
        name = re.match(r"([a-z_][a-z0-9_]*)\(", line)
        if name is None or not re.match(r"[A-Za-z_][^;(]*$", lines[i - 1]):
            continue
        end = i
        while not lines[end].rstrip().endswith(")"):
            end += 1
        if lines[end + 1].startswith("{"):
            yield name.group(1), lines[i - 2].rstrip().endswith("*/")


def main():
    folder, share = sys.argv[1], float(sys.argv[2])
    in_headers = declared(folder)
    functions = [(path, name, above or name in in_headers)
                 for path in sorted(glob.glob(folder + "/**/*.c", recursive=True)) for name, above in defined(path)]
    bare = [(path, name) for path, name, said in functions if not said]
    wide = 0
    for path in sorted(glob.glob(folder + "/**/*.[chs]*", recursive=True)):
        kinds = (".sql",) if "--sql" in sys.argv else (".c", ".h", ".sql")
        if "--no-width" in sys.argv or "--" in path or not path.endswith(kinds):
            continue
        for n, line in enumerate(open(path, encoding="utf-8"), 1):
            if len(line.rstrip("\n").expandtabs(4)) > WIDTH:
                print(f"{path}:{n}: over {WIDTH} columns")
                wide += 1
    if "--list" in sys.argv:
        for path, name in bare:
            print(f"{path}: {name}")
    said = 100 * (len(functions) - len(bare)) / max(len(functions), 1)
    print(f"{folder}: {len(functions)} functions, {said:.0f} of 100 with a comment; {wide} lines over {WIDTH} columns")
    return said < share or wide > 0


sys.exit(main())
