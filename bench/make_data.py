"""Write the wide table and its description."""

import json
import os
import sys

os.environ.setdefault("NS_READY", os.devnull)
from wide import COLUMNS, COLUMNS40, write_csv, write_csv40, write_million      # noqa: E402

write_csv(os.environ["BENCH_CSV"])
with open(os.environ["BENCH_CSV"][:-4] + ".json", "w", encoding="utf-8") as file:
    json.dump({"columns": {c[0]: c[1] for c in COLUMNS}, "key": ["id"]}, file)

folder = os.path.dirname(os.environ["BENCH_CSV"])
write_million(os.path.join(folder, "bench_million.csv"))
with open(os.path.join(folder, "bench_million.json"), "w", encoding="utf-8") as file:
    json.dump({"columns": {"k": "id", "amount": "num", "memo": "text", "changed": "datetime"}, "key": ["k"]}, file)
if "sync_initial" in sys.argv[1:]:
    write_csv40(os.path.join(folder, "bench_wide40.csv"), os.environ["BENCH_CSV"])
    with open(os.path.join(folder, "bench_wide40.json"), "w", encoding="utf-8") as file:
        json.dump({"columns": {c[0]: c[1] for c in COLUMNS40}, "key": ["id"]}, file)
