"""dialect: what is found of files whose dialect is known, and whether a row is lost without a word.

With PG_INGEST_DATA the files are dialect/*.csv in it, and dialect/truth.json says of each by its name: delimiter, columns,
header (true or false), preamble (lines before the table), and, where it is known, rows.  Else they are written here, 99 of
them, from a seed.  Peers: csv.Sniffer and, where it is installed, clevercsv.
"""

import csv
import glob
import json
import os
import random
import shutil

from common import finish, table
from filing import folder, prepare

WORDS = "alpha beta gamma delta north south east west red green blue Müller Straße Köln one two three".split()


def cell(kind, i, delimiter):
    if kind == "number":
        return str(random.randint(0, 10 ** random.randint(1, 6)))
    if kind == "decimal":
        return "%d%s%02d" % (random.randint(0, 9999), "," if delimiter == ";" else ".", random.randint(0, 99))
    if kind == "date":
        return "20%02d-%02d-%02d" % (random.randint(10, 29), random.randint(1, 12), random.randint(1, 28))
    if kind == "time":
        return "%02d:%02d:%02d" % (random.randint(0, 23), random.randint(0, 59), random.randint(0, 59))
    if kind == "mail":
        return "%s.%d@example.com" % (random.choice(WORDS), i)
    if kind == "sentence":
        return " ".join(random.choice(WORDS) for _ in range(random.randint(2, 8))) + random.choice(["", ".", ", and more", "; so", " (5:30)"])
    return random.choice(WORDS)


def generate(where):
    """Files and what is true of them."""
    truth = {}
    random.seed(int(os.environ.get("DIALECT_SEED", "99")))
    for number in range(99):
        delimiter = random.choice([",", ",", ",", ";", ";", "\t", "|", "^", "~"])
        quote = random.choice(['"', '"', '"', "'"])
        width = random.randint(2, 12)
        kinds = ["word"] + [random.choice(["number", "decimal"]) for _ in range(width - 1)] if random.random() < 0.2 else [random.choice(["number", "decimal", "date", "time", "mail", "word", "sentence"]) for _ in range(width)]
        header = random.random() < 0.8
        if not any(k in ("number", "decimal", "date", "time") for k in kinds):
            header, kinds[0] = header, "number"
        preamble = random.choice([0, 0, 0, 1, 2, 4])
        count = random.randint(5, 400)
        encoding = random.choice(["utf-8", "utf-8", "utf-8-sig", "cp1252", "utf-16"])
        name = "file_%s.csv" % "".join(chr(97 + int(d)) for d in "%03d" % number)
        with open(os.path.join(where, name), "w", encoding=encoding, newline="") as file:
            padded = width > 2 and random.random() < 0.3
            for line in range(preamble):
                # sheets write as many delimiters in titles as in rows
                file.write(random.choice(["Report of sales", "made by hand", "Title: all of it", "2024"]) + (delimiter * (width - 1) if padded else "") + "\n")
            writer = csv.writer(file, delimiter=delimiter, quotechar=quote, lineterminator=random.choice(["\n", "\r\n"]),
                                quoting=random.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
            if header:
                series = random.choice(["", "", "", "years", "dates"]) if all(k in ("number", "decimal") for k in kinds[1:]) and count > 3 else ""
                writer.writerow(["%s_%d" % (random.choice(["id", "name", "value", "amount", "day", "note"]), c) if not series or c == 0 else
                                 str(2000 + c) if series == "years" else "2024-%02d-01" % c for c in range(width)])
            for i in range(count):
                writer.writerow([cell(k, i, delimiter) for k in kinds])
        truth[name] = {"delimiter": delimiter, "columns": width, "header": header, "preamble": preamble, "rows": count}
    return truth


def found(conn, name):
    """What files_sniff says, as the truth is written"""
    try:
        rows = dict(conn.execute("SELECT choice, value FROM files_sniff('drop_folder', %s)", (name.replace("[", "[[]"),)).fetchall())
    except Exception as error:                                          # noqa: BLE001 an error is an answer
        return {"problem": str(error)}
    words = {"tab": "\t", "space": " ", "none": ""}
    delimiter = words.get(rows.get("delimiter"), rows.get("delimiter"))
    if delimiter and delimiter.startswith("\\x"):
        delimiter = chr(int(delimiter[2:], 16))
    skip = int(rows.get("skip", "0"))
    by_place = rows.get("names") == "by place"
    return {"delimiter": delimiter, "columns": sum(k.startswith("column ") for k in rows), "header": rows.get("header") == "on",
            "preamble": skip - (1 if by_place else 0) if skip else 0, "problem": rows.get("problem"), "table": rows.get("table")}


def lost(conn, answer, truth):
    """Rows that are neither given nor said to be bad.  What stopped the import loses nothing."""
    if not answer.get("table") or truth.get("rows") is None:
        return 0
    conn.execute("DROP FOREIGN TABLE IF EXISTS looked_at")
    statement = answer["table"].replace("CREATE FOREIGN TABLE ", "CREATE FOREIGN TABLE looked_at_", 1)
    name = statement.split("(")[0].split()[-1].strip('"')
    try:
        conn.execute(statement.replace(" (", " (_error jsonb OPTIONS (metadata 'error'), ", 1))
        count = conn.execute('SELECT count(_error IS NULL) FROM (SELECT _error FROM "%s") x' % name).fetchone()[0]
    except Exception:                                                   # noqa: BLE001 said loudly
        return 0
    finally:
        conn.execute('DROP FOREIGN TABLE IF EXISTS "%s"' % name)
    return max(0, truth["rows"] - count)


def sniffed(path):
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return csv.Sniffer().sniff(file.read(65536)).delimiter
    except Exception:                                                   # noqa: BLE001
        return None


def main():
    given = os.path.join(os.environ["PG_INGEST_DATA"], "dialect") if os.environ.get("PG_INGEST_DATA") else ""
    with folder() as where:
        if os.path.exists(os.path.join(given, "truth.json")):
            truth = json.load(open(os.path.join(given, "truth.json"), encoding="utf-8"))
            for path in glob.glob(os.path.join(given, "*.csv")):
                shutil.copy(path, where)
        else:
            truth = generate(where)
        os.system("chmod -R a+rX '%s'" % where)
        conn = prepare(where)
        right = {"delimiter": 0, "columns": 0, "header": 0, "preamble": 0, "all_four": 0, "stopped": 0, "lost_rows": 0, "csv.Sniffer": 0}
        for name, true in sorted(truth.items()):
            answer = found(conn, name)
            four = [answer.get("delimiter") == true["delimiter"], answer.get("columns") == true["columns"],
                    answer.get("header") == bool(true["header"]), answer.get("preamble") == true["preamble"]]
            for key, good in zip(("delimiter", "columns", "header", "preamble"), four):
                right[key] += good
            right["all_four"] += all(four)
            right["stopped"] += bool(answer.get("problem"))
            right["lost_rows"] += lost(conn, answer, true)
            right["csv.Sniffer"] += sniffed(os.path.join(where, name)) == true["delimiter"]
            if not all(four):
                print(name, {k: true[k] for k in ("delimiter", "columns", "header", "preamble")}, {k: v for k, v in answer.items() if k != "table"})
        table([("of %d files" % len(truth), "right")] + list(right.items()))
        print("bounds, of 99: delimiter at least 95, all four at least 70, no row lost without a word")
        finish(delimiter=right["delimiter"], all_four=right["all_four"], lost_rows=right["lost_rows"])


if __name__ == "__main__":
    main()
