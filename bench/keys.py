"""keys: foreign keys found by candidate_foreign_keys on tables without any declared key, against the truth.

Reads $PG_INGEST_DATA/keys/<schema>/*.csv with truth.json ([{"from": "t(c)", "to": "p(c)"}]); without it, rows
generated here in the shape of three public schemas: a timetable (GTFS), Oracle's HR and a part of AdventureWorks.
"""

import csv
import glob
import json
import os
import random
import re

from common import connect, finish, table

# table: rows, then columns: key, key:PREFIX, >table.column (half of the parents are referred to), or a kind of values
OWN = {
    "timetable": {
        "agency": (3, {"agency_id": "key:A", "agency_name": "text", "agency_timezone": "zone"}),
        "calendar": (40, {"service_id": "key:S", "monday": "flag", "tuesday": "flag", "start_date": "date"}),
        "routes": (60, {"route_id": "key:R", "agency_id": ">agency.agency_id", "route_long_name": "text", "route_type": "few"}),
        "stops": (500, {"stop_id": "key:P", "stop_name": "text", "stop_lat": "amount", "stop_lon": "amount"}),
        "trips": (2000, {"trip_id": "key:T", "route_id": ">routes.route_id", "service_id": ">calendar.service_id", "direction_id": "flag"}),
        "stop_times": (20000, {"trip_id": ">trips.trip_id", "stop_id": ">stops.stop_id", "stop_sequence": "count", "pickup_type": "few"}),
        "frequencies": (300, {"trip_id": ">trips.trip_id", "headway_secs": "count"}),
    },
    "hr": {
        "regions": (4, {"region_id": "key", "region_name": "text"}),
        "countries": (25, {"country_id": "key:C", "country_name": "text", "region_id": ">regions.region_id"}),
        "locations": (23, {"location_id": "key", "city": "text", "country_id": ">countries.country_id"}),
        "jobs": (19, {"job_id": "key:J", "job_title": "text", "min_salary": "count", "max_salary": "count"}),
        "departments": (27, {"department_id": "key", "department_name": "text", "manager_id": ">employees.employee_id",
                             "location_id": ">locations.location_id"}),
        "employees": (107, {"employee_id": "key", "last_name": "text", "hire_date": "date", "job_id": ">jobs.job_id", "salary": "count",
                            "manager_id": ">employees.employee_id", "department_id": ">departments.department_id"}),
        "job_history": (40, {"employee_id": ">employees.employee_id", "start_date": "date", "job_id": ">jobs.job_id",
                             "department_id": ">departments.department_id"}),
    },
    "works": {
        "countryregion": (238, {"countryregioncode": "key:L", "name": "text"}),
        "currency": (105, {"currencycode": "key:Y", "name": "text"}),
        "salesterritory": (10, {"territoryid": "key", "name": "text", "countryregioncode": ">countryregion.countryregioncode", "salesytd": "amount"}),
        "stateprovince": (181, {"stateprovinceid": "key", "countryregioncode": ">countryregion.countryregioncode",
                                "territoryid": ">salesterritory.territoryid"}),
        "currencyrate": (3000, {"currencyrateid": "key", "fromcurrencycode": ">currency.currencycode",
                                "tocurrencycode": ">currency.currencycode", "averagerate": "amount"}),
        "productcategory": (4, {"productcategoryid": "key", "name": "text"}),
        "productsubcategory": (37, {"productsubcategoryid": "key", "productcategoryid": ">productcategory.productcategoryid"}),
        "product": (504, {"productid": "key", "name": "text", "safetystocklevel": "count", "listprice": "amount",
                          "productsubcategoryid": ">productsubcategory.productsubcategoryid"}),
        "store": (700, {"businessentityid": "key", "name": "text"}),
        "customer": (5000, {"customerid": "key", "storeid": ">store.businessentityid", "territoryid": ">salesterritory.territoryid"}),
        "salesorderheader": (9000, {"salesorderid": "key", "orderdate": "date", "customerid": ">customer.customerid",
                                    "territoryid": ">salesterritory.territoryid", "currencyrateid": ">currencyrate.currencyrateid",
                                    "totaldue": "amount"}),
        "salesorderdetail": (20000, {"salesorderdetailid": "key", "salesorderid": ">salesorderheader.salesorderid",
                                     "productid": ">product.productid", "orderqty": "few"}),
    },
}
VALUES = {
    "text": lambda r, i: "Name %d" % r.randrange(10 ** 6), "zone": lambda r, i: "Europe/Paris", "flag": lambda r, i: r.randrange(2),
    "few": lambda r, i: r.randrange(1, 5), "count": lambda r, i: r.randrange(1, 1000), "amount": lambda r, i: r.randrange(10 ** 6) / 100,
    "date": lambda r, i: "20%02d-%02d-%02d" % (r.randrange(10, 25), r.randrange(1, 13), r.randrange(1, 29)),
}
TYPES = [("bigint", re.compile(r"-?(0|[1-9]\d{0,17})$")), ("numeric", re.compile(r"-?\d+\.\d+$|-?(0|[1-9]\d*)$")),
         ("date", re.compile(r"\d{4}-\d\d-\d\d$"))]


def own():
    """Schemas of OWN: (name, tables, truth)."""
    draw = random.Random(11)
    for name, spec in OWN.items():
        truth = ["%s(%s) -> %s(%s)" % ((t, c) + tuple(k[1:].split("."))) for t, (_, columns) in spec.items()
                 for c, k in columns.items() if k[0] == ">"]
        tables = {t: ([*columns], list(zip(*[cells(draw, spec, rows, k) for k in columns.values()])))
                  for t, (rows, columns) in spec.items()}
        yield name, tables, truth


def cells(draw, spec, rows, kind):
    if kind.startswith("key"):
        return keys(rows, kind)
    if kind.startswith(">"):
        parent, column = kind[1:].split(".")
        known = keys(spec[parent][0], spec[parent][1][column])
        known = draw.sample(known, max(1, round(len(known) * draw.uniform(0.5, 1))))
        return [draw.choice(known) for _ in range(rows)]
    return [VALUES[kind](draw, i) for i in range(rows)]


def keys(rows, kind):
    prefix = kind.partition(":")[2]
    return [prefix + str(100 + i) if prefix else i + 1 for i in range(rows)]


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


def found_in(conn, tables):
    conn.execute("DROP SCHEMA IF EXISTS tried CASCADE")
    conn.execute("CREATE SCHEMA tried")
    for name, (head, rows) in tables.items():
        types = [type_of([r[i] for r in rows]) for i in range(len(head))]
        conn.execute("CREATE TABLE tried.%s (%s)" % (quoted(name), ", ".join("%s %s" % (quoted(h), t) for h, t in zip(head, types))))
        with conn.cursor().copy("COPY tried.%s FROM STDIN" % quoted(name)) as copy:
            for row in rows:
                copy.write_row(row)
    return {"%s(%s) -> %s(%s)" % row for row in conn.execute(
        "SELECT a.relname, f.from_column, b.relname, f.to_column FROM candidate_foreign_keys(ARRAY(SELECT oid::regclass FROM pg_class"
        " WHERE relnamespace = 'tried'::regnamespace AND relkind = 'r' ORDER BY relname)) f"
        " JOIN pg_class a ON a.oid = f.from_relation JOIN pg_class b ON b.oid = f.to_relation")}


def main():
    folder = os.environ.get("PG_INGEST_DATA")
    rows, hits, claims, truths = [("schema", "true", "found", "hit")], 0, 0, 0
    conn = connect()
    conn.execute("CREATE EXTENSION IF NOT EXISTS ingest_profile")
    for name, tables, truth in given(os.path.join(folder, "keys")) if folder else own():
        found = found_in(conn, tables)
        hit = found & set(truth)
        rows.append((name, len(truth), len(found), len(hit)))
        hits, claims, truths = hits + len(hit), claims + len(found), truths + len(truth)
        for what, of in (("missed", set(truth) - found), ("not true", found - set(truth))):
            for one in sorted(of):
                print("%s, %s: %s" % (name, what, one))
    if truths == 0:
        raise SystemExit("no truth.json in %s" % folder)
    table(rows)
    # precision of no claim is unknown
    finish(precision=hits / claims if claims else None, recall=hits / truths, **({} if folder else {"data": "own"}))


main()
