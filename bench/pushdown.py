"""pushdown: what is moved for queries that NetSuite users ask, against the rows of the answer."""

import json
import os

from common import connect, control, finish, server


def scans(node):
    """All foreign scans of a plan."""
    if node.get("Node Type") == "Foreign Scan":
        yield node
    for child in node.get("Plans", ()):
        yield from scans(child)


def main():
    conn = connect()
    control("reset")
    server(conn)
    conn.execute("DROP SCHEMA IF EXISTS netsuite CASCADE")
    conn.execute("CREATE SCHEMA netsuite")
    conn.execute("IMPORT FOREIGN SCHEMA suiteql FROM SERVER ns INTO netsuite")
    conn.execute("SET search_path = netsuite")
    with open(os.environ["PG_INGEST_QUERIES"], encoding="utf-8") as file:
        queries = [line.strip() for line in file if line.strip()]
    whole = 0
    print("| query | rows | moved rows | moved kB | requests | wholly shipped |\n| --- | --: | --: | --: | --: | :-: |")
    for query in queries:
        plan = conn.execute("EXPLAIN (ANALYZE, VERBOSE, FORMAT JSON) " + query).fetchone()[0]
        plan = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
        found = list(scans(plan))
        moved = sum((s["Actual Rows"] + s.get("Rows Removed by Filter", 0)) * s["Actual Loops"] for s in found)
        # the plan's top is the scan, or a limit on it
        top = plan["Plans"][0] if plan["Node Type"] == "Limit" else plan
        shipped = top["Node Type"] == "Foreign Scan" and len(found) == 1 and not top.get("Rows Removed by Filter")
        whole += shipped
        print("| `%s` | %d | %d | %.1f | %d | %s |" % (
            query.replace("|", "\\|"), plan["Actual Rows"], moved, sum(s["Bytes"] for s in found) / 1000,
            sum(s["Requests"] for s in found), "yes" if shipped else ""))
    finish(queries=len(queries), shipped=whole)


if __name__ == "__main__":
    main()
