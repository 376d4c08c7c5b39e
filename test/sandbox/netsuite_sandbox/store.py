"""The sandbox's database: queries, pages, edits."""

import json
import queue
import re
import threading
from contextlib import contextmanager

import psycopg

from .errors import invalid_query
from .translate import ident, quote


# Oracle's words for what PostgreSQL finds
ORACLE = {"22003": "ORA-01426: numeric overflow", "22012": "ORA-01476: divisor is equal to zero",
          "22008": "ORA-01839: date not valid for month specified", "22P02": "ORA-01722: invalid number"}


class Store:
    def __init__(self, dsn, tables, connections=8):
        self.dsn, self.tables = dsn, tables
        self.pool = queue.LifoQueue()
        for _ in range(connections):
            self.pool.put(None)
        self.version = 0            # changes with every edit, so that cached pages go stale
        self.lock = threading.Lock()

    @contextmanager
    def connection(self):
        conn = self.pool.get()
        try:
            if conn is None or conn.closed:
                conn = psycopg.connect(self.dsn, autocommit=True)
                conn.execute("SET jit = off; SET max_stack_depth = '7MB'")
            yield conn
        finally:
            self.pool.put(conn)

    def fetch(self, sql):
        """Rows of a translated query; PostgreSQL's complaints become NetSuite's."""
        try:
            with self.connection() as conn:
                return conn.execute(sql).fetchall()
        except psycopg.Error as error:
            if error.sqlstate is None:
                raise
            raise invalid_query(ORACLE.get(error.sqlstate) or str(error).split("\n", maxsplit=1)[0]) from None

    def count(self, sql):
        return int(self.fetch("SELECT count(*) FROM (%s) q" % sql)[0][0])

    def items(self, out, inner, switches):
        """SELECT of the items of rows, whose columns inner names c0, c1 …, as JSON."""
        links = '[{"rel":"self","href":"https://elsewhere.invalid/"}]' if switches["item_links"] else "[]"
        fields = ["'%s'::json AS links" % links]
        empty = switches["nulls_present"] and switches["null_value"] == "empty"
        for i, (label, family, kind) in enumerate(out):
            value = render("c%d" % i, family, kind, switches)
            if empty:
                value = "coalesce(to_json(%s), '\"\"')" % value
            fields.append("%s AS %s" % (value, ident(key_case(label, switches["key_case"]))))
        if switches["items_reversed"]:
            fields.reverse()
        item = "row_to_json(o)" if switches["nulls_present"] else "json_strip_nulls(row_to_json(o))"
        return item, "FROM (%s) p, LATERAL (SELECT %s) o" % (inner, ", ".join(fields))

    def page(self, sql, out, limit, offset, switches, shuffle):
        """The items of one page, as JSON, and their number."""
        inner = "SELECT * FROM (%s) q(%s)" % (sql, ", ".join("c%d" % i for i in range(len(out))))
        if shuffle:
            # no ORDER BY: nothing promises the same order for two pages
            inner += " ORDER BY hashtext(q::text || '%d')" % offset
        inner += " LIMIT %d OFFSET %d" % (limit, offset)
        rows = self.fetch("SELECT count(*)::int, string_agg(%s::text, ',') %s"
                          % self.items(out, inner, switches))
        return rows[0][0], escape(rows[0][1] or "", switches)

    def rows(self, sql, out, key, switches):
        """All keys, by their place in the output, and items in the order of a query."""
        inner = "SELECT * FROM (%s) q(%s)" % (sql, ", ".join("c%d" % i for i in range(len(out))))
        rows = self.fetch("SELECT p.c%d, %s::text %s" % (key, *self.items(out, inner, switches)))
        return [(k, escape(item, switches)) for k, item in rows]

    # -- edits by the control interface ------------------------------------------------------
    def execute(self, statement):
        with self.lock:
            with self.connection() as conn:
                done = conn.execute(statement).rowcount
            self.version += 1
            return done

    def touch(self, table):
        """The assignment that an edit makes to the row's change stamp."""
        for name in ("lastmodifieddate", "lastmodified", "linelastmodifieddate"):
            if name in self.tables[table].columns:
                return {name: "now"}
        return {}

    @staticmethod
    def literal(value):
        if value == "now":
            return "(ns.clock() AT TIME ZONE 'UTC')"
        if value is None:
            return "NULL"
        return quote(str(value))

    def where(self, key):
        return " AND ".join("%s = %s" % (ident(k), self.literal(v)) for k, v in key.items())

    def insert(self, table, row, touch=True):
        row = dict(self.touch(table) if touch else {}, **row)
        return self.execute("INSERT INTO %s (%s) VALUES (%s)" % (
            self.tables[table].relation, ", ".join(map(ident, row)),
            ", ".join(self.literal(v) for v in row.values())))

    def update(self, table, key, changes, touch=True):
        changes = dict(self.touch(table) if touch else {}, **changes)
        return self.execute("UPDATE %s SET %s WHERE %s" % (
            self.tables[table].relation,
            ", ".join("%s = %s" % (ident(k), self.literal(v)) for k, v in changes.items()),
            self.where(key)))

    def delete(self, table, key, feed=None):
        """Delete a row; feed names the record type to enter in deletedrecord."""
        done = self.execute("DELETE FROM %s WHERE %s" % (self.tables[table].relation,
                                                          self.where(key)))
        if feed and done:
            self.insert("deletedrecord", {
                "recordid": key["id"], "recordtypeid": -30, "scriptid": feed, "type": feed,
                "name": "%s %s" % (feed, key["id"]), "context": "UIF", "deleteddate": "now",
                "iscustomlist": "F", "iscustomrecord": "F", "iscustomtransaction": "F"})
        return done

    def set_clock(self, offset):
        return self.execute('UPDATE ns."$clock" SET offset_s = %s' % float(offset))


def escape(text, switches):
    """JSON with letters beyond ASCII and slashes as escapes, which stand in its strings alone."""
    if not switches["escaped_json"]:
        return text
    text = re.sub(r"[^\x00-\x7f]", lambda m: json.dumps(m.group())[1:-1], text)
    return text.replace("/", "\\/")


def key_case(label, case):
    if case == "upper":
        return label.upper()
    if case == "mixed":
        return label[:1].upper() + label[1:]
    return label


def render(name, family, kind, switches):
    """A value as NetSuite shows it."""
    if family == "num":
        number = "trim_scale((%s)::numeric)" % name
        text = number + "::text"
        if not switches["leading_zero"] and not switches["numbers_as_json"]:
            text = "regexp_replace(%s, '^(-?)0\\.', '\\1.')" % text
        if switches["exponents"]:
            text = "CASE WHEN abs(%s) <= 1e-5 AND %s <> 0 THEN ns.exponent(%s) ELSE %s END" % (
                name, name, number, text)
        return "(%s)::json" % text if switches["numbers_as_json"] else text
    if family == "date":
        mask = switches["date_format"]
        if kind == "datetime" and switches["time_format"]:
            mask += " " + switches["time_format"]
        return "to_char(%s, %s)" % (name, quote(mask))
    if kind == "bool" and switches["booleans_as_json"]:
        return "(%s = 'T')" % name
    return "(%s)::text" % name


