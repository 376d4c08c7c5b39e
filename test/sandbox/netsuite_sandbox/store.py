"""The sandbox's database: queries, pages, edits."""

import queue
import threading
from contextlib import contextmanager

import psycopg

from .errors import invalid_query
from .translate import ident, quote


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
                conn.execute("SET jit = off")
            yield conn
        finally:
            self.pool.put(conn)

    def fetch(self, sql):
        """Rows of a translated query; PostgreSQL's complaints become NetSuite's."""
        try:
            with self.connection() as conn:
                return conn.execute(sql).fetchall()
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            raise invalid_query(str(error).split("\n", maxsplit=1)[0]) from None

    def count(self, sql):
        return int(self.fetch("SELECT count(*) FROM (%s) q" % sql)[0][0])

    def items(self, out, inner, switches):
        """SELECT of the items of rows, whose columns inner names c0, c1 …, as JSON."""
        fields = ["'[]'::json AS links"]
        for i, (label, family, kind) in enumerate(out):
            fields.append("%s AS %s" % (render("c%d" % i, family, kind, switches),
                                        ident(key_case(label, switches["key_case"]))))
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
        return rows[0][0], rows[0][1] or ""

    def rows(self, sql, out, key, switches):
        """All keys, by their place in the output, and items in the order of a query."""
        inner = "SELECT * FROM (%s) q(%s)" % (sql, ", ".join("c%d" % i for i in range(len(out))))
        return self.fetch("SELECT p.c%d, %s::text %s" % (key, *self.items(out, inner, switches)))

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


def key_case(label, case):
    if case == "upper":
        return label.upper()
    if case == "mixed":
        return label[:1].upper() + label[1:]
    return label


def render(name, family, kind, switches):
    """A value as NetSuite shows it."""
    if family == "num":
        text = "trim_scale((%s)::numeric)" % name
        if switches["numbers_as_json"]:
            return text
        text += "::text"
        if not switches["leading_zero"]:
            text = "regexp_replace(%s, '^(-?)0\\.', '\\1.')" % text
        if switches["exponents"]:
            text = ("CASE WHEN abs(%s) BETWEEN 1e-20 AND 1e-5 THEN upper((%s)::float8::text) "
                    "ELSE %s END" % (name, name, text))
        return text
    if family == "date":
        mask = switches["date_format"]
        if kind == "datetime" and switches["time_format"]:
            mask += " " + switches["time_format"]
        return "to_char(%s, %s)" % (name, quote(mask))
    if kind == "bool" and switches["booleans_as_json"]:
        return "(%s = 'T')" % name
    return "(%s)::text" % name


