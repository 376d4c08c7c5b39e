"""The reading half of the record service (PROTOCOL section 10): GET of a record, list with q."""

import re

from .errors import NetSuiteError
from .metadata import camel, filterable, find_type
from .schema import restriction
from .translate import display_pattern, ident, quote

TOKEN = re.compile(r'\s*(\(|\)|"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^\s()]+)')


def bad_query(detail):
    return NetSuiteError(400, "INVALID_PARAMETER", "Invalid query: " + detail,
                         errorQueryParam="q")


class Filter:
    """q=field OPERATOR value joined by AND, OR and parentheses."""

    def __init__(self, table, text, date_format):
        self.table, self.tokens, self.pos = table, TOKEN.findall(text), 0
        self.date_format = date_format

    def sql(self):
        result = self.disjunction()
        if self.pos < len(self.tokens):
            raise bad_query("unexpected %s" % self.tokens[self.pos])
        return result

    def take(self):
        if self.pos >= len(self.tokens):
            raise bad_query("it ends early")
        self.pos += 1
        return self.tokens[self.pos - 1]

    def at(self, word):
        return self.pos < len(self.tokens) and self.tokens[self.pos].upper() == word

    def disjunction(self):
        left = self.conjunction()
        while self.at("OR"):
            self.pos += 1
            left = "(%s OR %s)" % (left, self.conjunction())
        return left

    def conjunction(self):
        left = self.factor()
        while self.at("AND"):
            self.pos += 1
            left = "(%s AND %s)" % (left, self.factor())
        return left

    def factor(self):
        if self.at("("):
            self.pos += 1
            inner = self.disjunction()
            if self.take() != ")":
                raise bad_query("a parenthesis is missing")
            return inner
        return self.test()

    def test(self):
        field, operator = self.take(), self.take().upper()
        column = self.table.columns.get(field.lower())
        if column is None or not filterable(column):
            raise bad_query("field %s does not exist or cannot be used to filter" % field)
        negated = operator.endswith("_NOT")
        if negated:
            operator = operator[:-4]
        name = ident(column.name)
        if operator == "EMPTY":
            return "(%s IS %sNULL)" % (name, "NOT " if negated else "")
        sql = self.operation(column, name, operator)
        return "(NOT coalesce(%s, false))" % sql if negated else "(%s)" % sql

    def operation(self, column, name, operator):
        if operator == "ANY_OF":
            return "%s IN (%s)" % (name, ", ".join(self.values(column)))
        if operator in ("BETWEEN", "WITHIN"):
            values = self.values(column)
            if len(values) != 2:
                raise bad_query("%s takes two values, [low, high]" % operator)
            return "%s BETWEEN %s AND %s" % (name, *values)
        value = self.value(column, self.take())
        compare = {"IS": "=", "EQUAL": "=", "ON": "=", "GREATER": ">", "LESS": "<", "AFTER": ">",
                   "BEFORE": "<", "GREATER_OR_EQUAL": ">=", "LESS_OR_EQUAL": "<=",
                   "ON_OR_AFTER": ">=", "ON_OR_BEFORE": "<="}.get(operator)
        if compare == "=" and column.family == "text":
            return "lower(%s::text) = lower(%s)" % (name, value)
        if compare:
            return "%s %s %s" % (name, compare, value)
        if operator == "CONTAIN":
            return "strpos(lower(%s::text), lower(%s)) > 0" % (name, value)
        if operator == "START_WITH":
            return "starts_with(lower(%s::text), lower(%s))" % (name, value)
        if operator in ("END_WITH", "ENDWITH"):
            return "right(lower(%s::text), length(%s)) = lower(%s)" % (name, value, value)
        raise bad_query("operator %s does not exist" % operator)

    def values(self, column):
        """The values of a bracket: [1, "two"]."""
        raw = self.take()
        if not (raw.startswith("[") and raw.endswith("]")):
            raise bad_query("%s is no list [a, b]" % raw)
        return [self.value(column, v.strip()) for v in re.findall(r'"[^"]*"|[^,]+', raw[1:-1])]

    def value(self, column, raw):
        """A literal of the column's kind; dates stand in the user's display format."""
        quoted = raw.startswith('"')
        if quoted:
            raw = raw[1:-1]
        elif raw in ("(", ")") or raw.upper() in ("AND", "OR"):
            raise bad_query("a value is missing before %s" % raw)
        if column.kind == "bool":
            return quote("T" if raw.lower() in ("true", "t") else "F")
        if column.family == "date":
            if not re.fullmatch(display_pattern(self.date_format), raw):
                raise bad_query("%s is no date in the format %s" % (
                    raw, self.date_format.replace("FM", "")))
            return "to_timestamp(%s, %s)::timestamp" % (quote(raw), quote(self.date_format))
        if column.family == "num" and not re.fullmatch(r"-?\d*\.?\d+", raw):
            raise bad_query("%s is no number" % raw)
        return quote(raw)


def find(tables, name):
    """A record type in any case: its name, its table, and which of the rows it has."""
    found = find_type(tables, name)
    if found is None:
        raise NetSuiteError(404, "NONEXISTENT_ID", "Record type '%s' does not exist." % name)
    return found[0], found[1], restriction(found[0])


def listing(store, name, base, q, limit, offset, date_format):
    name, table, where = find(store.tables, name)
    if q:
        where += " AND " + Filter(table, q, date_format).sql()
    sql = "SELECT id FROM %s WHERE %s" % (table.relation, where)
    total = store.count(sql)
    ids = [r[0] for r in store.fetch("%s ORDER BY id LIMIT %d OFFSET %d" % (sql, limit, offset))]
    href = "%s/%s" % (base, name)
    return {"links": [{"rel": "self", "href": "%s?limit=%d&offset=%d" % (href, limit, offset)}],
            "items": [{"links": [{"rel": "self", "href": "%s/%s" % (href, i)}], "id": str(i)}
                      for i in ids],
            "count": len(ids), "hasMore": offset + len(ids) < total, "offset": offset,
            "totalResults": total}


def identify(table, identity, odd):
    """The condition for one record: by its id, or eid:KEY by its external id in any case."""
    if identity.isdigit() and len(identity) < 19:
        return "id = " + identity
    # a bar delimits values, so no such key is found
    if identity.lower().startswith("eid:") and not odd and not re.fullmatch(r"[\w-]+", identity[4:], re.A):
        raise NetSuiteError(400, "INVALID_REQUEST", "Invalid external ID '%s'." % identity[4:])
    if identity.lower().startswith("eid:") and "externalid" in table.columns and "|" not in identity:
        return "lower(externalid) = lower(%s)" % quote(identity[4:])
    raise NetSuiteError(404, "NONEXISTENT_ID", "Record does not exist.")


def get(store, name, base, identity, expand, fields, switches):
    name, table, which = find(store.tables, name)
    which += " AND " + identify(table, identity, switches["odd_external_ids"])
    chosen = [c for c in table.columns.values()
              if not fields or camel(c.name).lower() in fields or c.name == "id"]
    values = ["%s" % output(c, store.tables, switches["record_zone"]) for c in chosen]
    spelt = camel if switches["record_keys"] == "camel" else str.lower
    rows = store.fetch("SELECT r.id, %s FROM %s r WHERE %s" % (
        ", ".join(values), table.relation, which))
    if not rows:
        raise NetSuiteError(404, "NONEXISTENT_ID",
                            "The record instance does not exist. Provide a valid record instance "
                            "ID.", errorPath=name)
    identity = rows[0][0]
    href = "%s/%s/%s" % (base, name, identity)
    result = {"links": [{"rel": "self", "href": href}]}
    for column, value in zip(chosen, rows[0][1:]):
        if value is None:
            continue
        result[spelt(column.name)] = shape(column, value, base, switches)
    if table.name == "transaction" and (not fields or "item" in fields):
        result["item"] = {"links": [{"rel": "self", "href": href + "/item"}]}
        if expand:
            result["item"].update(lines(store, identity))
    return result


def output(column, tables, zone):
    name = "r." + ident(column.name)
    if column.kind == "datetime" and zone != "UTC":
        # with the offset that holds then
        there = "%s AT TIME ZONE 'UTC' AT TIME ZONE %s" % (name, quote(zone))
        apart = "extract(epoch FROM (%s) - %s)::int" % (there, name)
        return ("to_char(%s, 'YYYY-MM-DD\"T\"HH24:MI:SS') || CASE WHEN %s < 0 THEN '-' ELSE '+' END || "
                "to_char(abs(%s) * interval '1 second', 'HH24:MI')" % (there, apart, apart))
    if column.kind == "datetime":
        return "to_char(%s, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')" % name
    if column.kind == "date":
        return "to_char(%s, 'YYYY-MM-DD')" % name
    if column.kind == "ref" and column.ref in tables:
        target = tables[column.ref]
        return ("(SELECT ARRAY[%s::text, d.%s::text] FROM %s d WHERE d.%s = %s)" % (
            name, ident(target.display), target.relation, ident(target.key[0]), name))
    return name


def shape(column, value, base, switches):
    """Real JSON types, unlike SuiteQL's strings."""
    if column.kind == "bool":
        return value == "T"
    if column.kind == "id":
        return str(value)
    if column.kind in ("num", "money"):
        return float(value)
    if column.kind == "ref" and isinstance(value, list):
        named = {"refName": value[1]} if switches["ref_names"] else {}
        return {"id": value[0], **named,
                "links": [{"rel": "self", "href": "%s/%s/%s" % (base, column.ref, value[0])}]}
    if column.kind == "multi":
        return {"items": [{"id": v.strip()} for v in value.split(",")]}
    return value


def lines(store, identity):
    rows = store.fetch(
        "SELECT id, item, quantity, rate, netamount FROM ns.transactionline "
        "WHERE transaction = %s AND mainline = 'F' ORDER BY id" % identity)
    items = [{"line": int(r[0]), "item": {"id": str(r[1])}, "quantity": float(r[2] or 0),
              "rate": float(r[3] or 0), "amount": float(r[4] or 0)} for r in rows]
    return {"items": items, "totalResults": len(items)}
