"""SuiteQL's tree into PostgreSQL's SQL, with Oracle's meaning.

Every expression is emitted as (sql, family, kind): family is num, text, date or null; kind tells
date from datetime, which bare output shows differently.  Numbers are NUMBER: exact decimals of 39
or 40 digits.  Integer columns and literals stay what they are until they are reckoned with, so
that comparisons find their index.

A text literal is CHAR, and so is a choice of literals (CASE, COALESCE), as long as its longest,
with blanks behind the others; two of them are compared without regard to trailing blanks.
"""

import re

from decimal import Decimal

from .errors import NetSuiteError, invalid_query

REFUSED = {"ceiling", "charindex", "char_length", "convert", "datediff", "lcase", "left", "right",
           "listagg", "locate", "position", "repeat", "substring", "ucase", "now", "curdate",
           "dateadd", "isnull", "ifnull", "len", "group_concat", "string_agg"}
AGGREGATES = {"count", "sum", "avg", "min", "max", "median", "approx_count_distinct", "stddev",
              "variance"}


class Expr:
    __slots__ = ("sql", "family", "kind", "bound", "char")

    def __init__(self, sql, family, kind=None):
        self.sql, self.family, self.kind = sql, family, kind
        self.bound = True           # a column has part in it, and brings its collation
        self.char = None            # length of a CHAR


def quote(text):
    if "\0" in text:
        raise invalid_query("Invalid character in string literal.")
    return "'" + text.replace("'", "''") + "'"


class Source:
    """One name in FROM with its columns: {name: (family, kind, Column or None)}."""

    def __init__(self, alias, columns, table=None):
        self.alias, self.columns, self.table = alias, columns, table


class Translator:
    def __init__(self, catalog, switches, params):
        self.catalog, self.switches, self.params = catalog, switches, params
        self.columns_seen = 0
        self.grouped = []           # (tree, Expr) of what the query at hand groups by

    # -- queries -----------------------------------------------------------------------------
    def translate(self, tree):
        """SQL and the output columns [(name, family, kind)]."""
        return self.query(tree, [])

    def query(self, tree, outer):
        _, body, order, fetch = tree
        if body[0] == "select":
            return self.select(body, outer, order, fetch)
        if body[0] == "query":
            sql, out = self.query(body, outer)
        else:
            sql, out = self.setop(body, outer)
        aliases = {name: i + 1 for i, (name, _, _) in enumerate(out)}
        if order:
            keys = []
            for expr, direction, nulls in order:
                if expr[0] == "number":
                    position = int(expr[1])
                elif expr[0] == "column" and expr[2] in aliases:
                    position = aliases[expr[2]]
                else:
                    raise invalid_query("Invalid or unsupported search: ORDER BY of a set "
                                        "operation takes columns of its result.")
                keys.append(self.direction(str(position), direction, nulls))
            sql = "SELECT * FROM (%s) s ORDER BY %s" % (sql, ", ".join(keys))
        if fetch is not None:
            sql = "SELECT * FROM (%s) s LIMIT %d" % (sql, fetch)
        return sql, out

    def setop(self, body, outer):
        if body[0] == "query":
            return self.query(body, outer)
        if body[0] == "select":
            return self.select(body, outer, [], None)
        _, op, every, left, right = body
        left_sql, out = self.setop(left, outer)
        right_sql, right_out = self.setop(right, outer)
        if len(out) != len(right_out):
            raise invalid_query("Query block has incorrect number of result columns.")
        # a column of nulls is what the other side makes of it
        out = [(name, *(b if a[0] == "null" else a)) for (name, *a), (_, *b) in zip(out, right_out)]
        op = "EXCEPT" if op == "MINUS" else op
        return "(%s) %s%s (%s)" % (left_sql, op, " ALL" if every else "", right_sql), out

    def select(self, body, outer, order, fetch):
        around, self.grouped = self.grouped, []
        try:
            return self.plain_select(body, outer, order, fetch)
        finally:
            self.grouped = around

    def group_by(self, group, scopes):
        """GROUP BY, of text as the account compares it: what is shown then is one text of many."""
        keys, grouped = [], []
        for tree in group:
            value = self.expr(tree, scopes)
            keys.append(value.sql)
            if value.family == "text" and self.folds(value.bound):
                keys[-1] = self.fold(value.sql, bound=value.bound)
                grouped.append((tree, Expr('min(%s COLLATE "C")' % value.sql, "text")))
        self.grouped += grouped
        return " GROUP BY " + ", ".join(keys) if keys else ""

    def plain_select(self, body, outer, order, fetch):
        _, top, distinct, items, sources, where, group, having = body
        scope = []
        from_sql = self.sources(sources, scope, outer)
        scopes = [scope] + outer
        limit = top if top is not None else fetch
        where, rownum = split_rownum(where)
        where_sql = " WHERE " + self.condition(where, scopes) if where else ""
        if rownum is not None:
            # ROWNUM is given before ORDER BY and aggregation
            aliases = [ident(source.alias) for source in scope]
            from_sql = "(SELECT %s FROM %s%s LIMIT %d) numbered (%s)%s" % (
                ", ".join(aliases), from_sql, where_sql, max(rownum, 0),
                ", ".join('"row of %d"' % i for i in range(len(aliases))),
                "".join(' CROSS JOIN LATERAL (SELECT (numbered."row of %d").*) %s' % pair
                        for pair in enumerate(aliases)))
            where_sql = ""
        if distinct and not group and self.folds() and not any(aggregates(i) for i in items):
            group = [("column", source.alias, name) for i in items if i[0] == "star"
                     for source in scope if i[1] in (None, source.alias) for name in source.columns]
            group += [i[1] for i in items if i[0] == "item"]
            distinct = False
        group_sql = self.group_by(group, scopes)
        out, emitted, by_alias = [], [], {}
        for item in items:
            for name, expr in self.expand(item, scope, scopes):
                taken = {n for n, _, _ in out}
                label, n = name, 0
                while label in taken:
                    n += 1
                    label = "%s_%d" % (name, n)
                out.append((label, expr.family, expr.kind))
                emitted.append("%s AS %s" % (expr.sql, ident(label)))
                if item[0] == "item" and item[2]:
                    by_alias[item[2]] = expr
        sql = "SELECT %s%s FROM %s%s" % ("DISTINCT " if distinct else "", ", ".join(emitted),
                                         from_sql, where_sql + group_sql)
        if having:
            sql += " HAVING " + self.condition(having, scopes)
        if order:
            sql += " ORDER BY " + ", ".join(
                self.order_key(key, scopes, by_alias, emitted, out) for key in order)
        if limit is not None:
            sql += " LIMIT %d" % limit
        return sql, out

    def order_key(self, key, scopes, by_alias, emitted, out):
        expr, direction, nulls = key
        if expr[0] == "number":
            position = int(expr[1])
            if not 1 <= position <= len(emitted):
                raise invalid_query("ORDER BY item must be the number of a SELECT-list "
                                    "expression.")
            sql = emitted[position - 1].rsplit(" AS ", 1)[0]
            return self.direction(self.collate(Expr(sql, out[position - 1][1])), direction, nulls)
        if expr[0] == "column" and expr[1] is None and expr[2] in by_alias:
            value = by_alias[expr[2]]
        else:
            value = self.expr(expr, scopes)
        return self.direction(self.collate(value), direction, nulls)

    @staticmethod
    def direction(sql, direction, nulls):
        return " ".join(filter(None, [sql, direction, nulls and "NULLS " + nulls]))

    def collate(self, value):
        """Text sorts as the account does."""
        if value.family != "text":
            return value.sql
        linguistic = self.switches["text_sort"] != "binary" and self.collates(value.bound)
        return "(%s)::text COLLATE %s" % (self.fold(value.sql, bound=value.bound),
                                          '"und-x-icu"' if linguistic else '"C"')

    def collates(self, bound=True):
        """Does the account's collation hold for such an expression?"""
        return bound or not self.switches["collation_on_columns"]

    def folds(self, bound=True):
        """Are there different texts that the account takes for equal?"""
        return self.collates(bound) and any(self.switches[name] for name in (
            "case_insensitive", "accent_insensitive", "ignore_trailing_blanks"))

    def expand(self, item, scope, scopes):
        if item[0] == "star":
            for source in scope:
                if item[1] in (None, source.alias):
                    for name in source.columns:
                        yield name, self.expr(("column", source.alias, name), scopes)
            return
        expr = self.expr(item[1], scopes)
        if item[2]:
            yield item[2], expr
        elif item[1][0] == "column":
            yield item[1][2], expr
        else:
            yield "expr1", expr

    # -- sources -----------------------------------------------------------------------------
    def sources(self, tree, scope, outer):
        if tree[0] == "join":
            _, kind, left, right, on = tree
            left_sql = self.sources(left, scope, outer)
            right_sql = self.sources(right, scope, outer)
            if kind == "CROSS":
                return "%s CROSS JOIN %s" % (left_sql, right_sql)
            return "%s %s JOIN %s ON %s" % (left_sql, kind, right_sql,
                                            self.condition(on, [scope] + outer))
        if tree[0] == "derived":
            sql, out = self.query(tree[1], outer)
            alias = tree[2] or "s%d" % len(scope)
            self.add(scope, Source(alias, {n: (f, k, None) for n, f, k in out}))
            return "(%s) %s" % (sql, ident(alias))
        name, alias = tree[1], tree[2] or tree[1]
        if name == "dual" and self.switches["dual"]:
            self.add(scope, Source(alias, {"dummy": ("text", None, None)}))
            return "(SELECT 'X'::text AS dummy) %s" % ident(alias)
        table = self.catalog.get(name)
        hidden = set(self.switches["hidden_tables"])
        if not self.switches["multi_currency"]:
            hidden.add("currency")
        if (table is None or name in hidden) and self.switches["unknown_record"] == "search-type":
            raise invalid_query("Invalid search type: %s." % name)
        if table is None or name in hidden:
            raise invalid_query("Record '%s' was not found. Please check that the record exists "
                                "and that you have permission to see it." % name)
        hidden = set(self.switches["hidden_columns"])
        self.add(scope, Source(alias, {c.name: (c.family, c.kind, c)
                                       for c in table.columns.values()
                                       if "%s.%s" % (name, c.name) not in hidden}, table))
        return "%s %s" % (table.relation, ident(alias))

    @staticmethod
    def add(scope, source):
        if any(s.alias == source.alias for s in scope):
            raise invalid_query("Duplicate alias '%s'." % source.alias)
        scope.append(source)

    def column(self, qualifier, name, scopes):
        if name == "rownum" and qualifier is None:
            return Expr("row_number() OVER ()", "num")
        self.columns_seen += 1
        special = self.special(name) if qualifier is None else None
        for scope in scopes:
            found = [s for s in scope
                     if qualifier in (None, s.alias) and name in s.columns]
            if len(found) > 1:
                raise invalid_query("Column '%s' is ambiguously defined." % name)
            if found:
                family, kind, column = found[0].columns[name]
                if column and "%s.%s" % (found[0].table.name, name) in self.switches[
                        "poison_columns"]:
                    raise NetSuiteError(500, "UNEXPECTED_ERROR",
                                        "An unexpected error occurred. Error ID: sandbox")
                sql = "%s.%s" % (ident(found[0].alias), ident(name))
                if column and kind == "datetime" and self.switches["datetime_zone"] != "UTC":
                    sql = "(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)" % (
                        sql, quote(self.switches["datetime_zone"]))
                return Expr(sql, family, kind)
        if special:
            return special
        self.unknown(qualifier, name, scopes[0])

    def special(self, name):
        zone = quote(self.switches["sysdate_zone"])
        if name in ("sysdate",):
            return Expr("(ns.clock() AT TIME ZONE %s)" % zone, "date", "datetime")
        current = {"sysdate": zone, "datetime": quote(self.switches["datetime_zone"])}.get(
            self.switches["current_zone"], "'UTC'")
        if name == "current_date":
            return Expr("date_trunc('day', ns.clock() AT TIME ZONE %s)" % current, "date", "date")
        if name in ("current_timestamp", "localtimestamp"):
            return Expr("(ns.clock() AT TIME ZONE %s)" % current, "date", "datetime")
        if name == "systimestamp":
            return Expr("(ns.clock() AT TIME ZONE %s)" % zone, "date", "datetime")
        return None

    def unknown(self, qualifier, name, scope):
        style = self.switches["unknown_column"]
        full = "%s.%s" % (qualifier, name) if qualifier else name
        if style == "identifier":
            names = sorted({n for s in scope for n in s.columns
                            if qualifier in (None, s.alias)})
            raise invalid_query("Unknown identifier '%s'. Available identifiers are: {%s}"
                                % (full, ", ".join("%s=%s" % (n, n) for n in names)))
        if style == "identifier-empty":
            raise invalid_query("Unknown identifier '%s'. Available identifiers are: {}" % full)
        if style == "german":
            raise invalid_query("Das Feld '%s' für den Datensatz wurde nicht gefunden. Grund: "
                                "NOT_EXPOSED - nicht verfügbar für den Kanal SEARCH." % name)
        if style == "unnamed":
            raise invalid_query("Invalid or unsupported search.")
        record = next((s.table.name for s in scope if s.table and qualifier in (None, s.alias)),
                      qualifier or "search")
        raise invalid_query("Field '%s' for record '%s' was not found. Reason: NOT_EXPOSED - Not "
                            "available for channel SEARCH." % (name, record))

    # -- conditions --------------------------------------------------------------------------
    def condition(self, tree, scopes):
        op = tree[0]
        if op in ("and", "or"):
            return "(%s)" % (" %s " % op.upper()).join(
                self.condition(part, scopes) for part in tree[1])
        if op == "not":
            return "(NOT %s)" % self.condition(tree[1], scopes)
        if op == "exists":
            return "EXISTS (%s)" % self.query(tree[1], scopes)[0]
        if op == "cmp":
            return self.compare(tree[1], self.expr(tree[2], scopes), self.expr(tree[3], scopes))
        if op == "isnull":
            value = self.expr(tree[1], scopes)
            return "(%s IS %sNULL)" % (value.sql, "NOT " if tree[2] else "")
        if op == "in":
            left = self.expr(tree[1], scopes)
            tests = [self.compare("=", left, self.expr(v, scopes)) for v in tree[2]]
            simple = self.simple_in(left, tree[2])
            sql = simple or "(%s)" % " OR ".join(tests)
            return "(NOT %s)" % sql if tree[3] else sql
        if op == "inquery":
            left = self.expr(tree[1], scopes)
            sql, out = self.query(tree[2], scopes)
            if len(out) != 1:
                raise invalid_query("Too many values.")
            left_sql, member = left.sql, "m"
            if left.family == "text":
                left_sql, member = self.fold(left.sql), self.fold("m")
            return "(%s %sIN (SELECT %s FROM (%s) q(m)))" % (left_sql, "NOT " if tree[3] else "",
                                                            member, sql)
        if op == "like":
            left, pattern = self.expr(tree[1], scopes), self.expr(tree[2], scopes)
            escape, sought = "''", pattern.sql
            if tree[3]:
                escape = self.expr(tree[3], scopes).sql
                sought = "ns.pattern(%s, %s)" % (self.text(pattern), escape)
            bound = left.bound or pattern.bound
            return "(%s %sLIKE %s ESCAPE %s)" % (
                self.fold(self.text(left), False, bound), "NOT " if tree[4] else "",
                self.fold(sought, False, bound), escape)
        if op == "between":
            value = self.expr(tree[1], scopes)
            low = self.compare(">=", value, self.expr(tree[2], scopes))
            high = self.compare("<=", value, self.expr(tree[3], scopes))
            sql = "(%s AND %s)" % (low, high)
            return "(NOT %s)" % sql if tree[4] else sql
        raise invalid_query("Invalid or unsupported search.")

    def simple_in(self, left, values):
        """The short form for long lists of plain literals."""
        if left.family == "num" and all(v[0] in ("number", "string") for v in values):
            return "(%s IN (%s))" % (left.sql, ", ".join(
                v[1] if v[0] == "number" else quote(v[1]) for v in values))
        return None

    def compare(self, op, left, right):
        if {left.kind, right.kind} == {"to_date", "to_timestamp"}:
            raise invalid_query("Invalid or unsupported search: TO_DATE and TO_TIMESTAMP cannot "
                                "be compared.")
        left, right = self.as_date(left, right), self.as_date(right, left)
        families = {left.family, right.family} - {"null"}
        if families == {"date", "num"}:
            raise invalid_query("Inconsistent datatypes: expected DATE got NUMBER.")
        a, b = left.sql, right.sql
        if families == {"text"}:
            if left.char and right.char:
                a, b = "rtrim(%s, ' ')" % a, "rtrim(%s, ' ')" % b
            bound = left.bound or right.bound
            a, b = self.fold(a, bound=bound), self.fold(b, bound=bound)
            if op not in ("=", "<>"):
                linguistic = self.switches["text_sort"] != "binary" and self.collates(bound)
                a = "%s COLLATE %s" % (a, '"und-x-icu"' if linguistic else '"C"')
        elif families == {"text", "num"}:
            # Oracle turns the text into a number
            a = a if left.family == "num" else "(%s)::text::numeric" % a
            b = b if right.family == "num" else "(%s)::text::numeric" % b
        return "(%s %s %s)" % (a, op, b)

    def as_date(self, value, other):
        """A string compared to a date must be in the display format."""
        if value.family != "text" or other.family != "date":
            return value
        mask = self.switches["date_format"]
        if not re.fullmatch(display_pattern(mask), value.sql.strip("'")):
            raise invalid_query("Invalid date value (must be %s)." % mask.replace("FM", ""))
        return Expr("ns.to_date(%s, %s)" % (value.sql, quote(mask)), "date", "date")

    def fold(self, sql, blanks=True, bound=True):
        """Text as the account compares it."""
        sql = "(%s)::text" % sql
        if not self.collates(bound):
            return sql
        if self.switches["case_insensitive"]:
            sql = "lower(%s)" % sql
        if self.switches["accent_insensitive"]:
            sql = "ns.unaccent(%s)" % sql
        if blanks and self.switches["ignore_trailing_blanks"]:
            sql = "rtrim(%s)" % sql
        return sql

    # -- expressions -------------------------------------------------------------------------
    def expr(self, tree, scopes):
        for known, value in self.grouped:
            if known == tree:
                return value
        seen = self.columns_seen
        value = getattr(self, "expr_" + tree[0])(tree, scopes)
        value.bound = self.columns_seen > seen
        return value

    def expr_number(self, tree, _):
        if abs(Decimal(tree[1])) >= Decimal("1e126"):
            raise invalid_query("ORA-01426: numeric overflow")
        return Expr(tree[1], "num")

    def expr_string(self, tree, _):
        if tree[1] == "":
            return Expr("NULL::text", "null")
        value = Expr(quote(tree[1]), "text")
        value.char = len(tree[1])
        return value

    @staticmethod
    def pad(values):
        """The length of a choice of CHARs, padded in place; None if it is no CHAR."""
        texts = [v for v in values if v.family != "null"]
        if not texts or any(v.char is None for v in texts):
            return None
        length = max(v.char for v in texts)
        for value in texts:
            if value.char < length:
                value.sql = "rpad(%s, %d)" % (value.sql, length)
        return length

    def expr_null(self, *_):
        return Expr("NULL", "null")

    def expr_param(self, tree, _):
        value = self.params[tree[1]]
        if isinstance(value, bool) or value is None or isinstance(value, (list, dict)):
            raise invalid_query("Invalid or unsupported search")
        if isinstance(value, str):
            return self.expr_string(("string", value), None)
        return Expr(repr(value), "num")

    def expr_column(self, tree, scopes):
        return self.column(tree[1], tree[2], scopes)

    def expr_scalar(self, tree, scopes):
        sql, out = self.query(tree[1], scopes)
        if len(out) != 1:
            raise invalid_query("Too many values.")
        return Expr("(%s)" % sql, out[0][1], out[0][2])

    def expr_negative(self, tree, scopes):
        value = self.expr(tree[1], scopes)
        return Expr("(- %s)" % (value.sql if tree[1][0] == "number" else self.numeric(value)), "num")

    @staticmethod
    def number(value):
        return value.sql if value.family == "num" else "(%s)::text::numeric" % value.sql

    def numeric(self, value):
        """A value to reckon with: PostgreSQL's integers would overflow."""
        return "(%s)::numeric" % self.number(value)

    def expr_binary(self, tree, scopes):
        op, left, right = tree[1], self.expr(tree[2], scopes), self.expr(tree[3], scopes)
        if op == "||":
            value = Expr("NULLIF(concat(%s, %s), '')" % (self.text(left), self.text(right)), "text")
            value.char = left.char and right.char and left.char + right.char
            return value
        if "date" in (left.family, right.family):
            return self.date_arithmetic(op, left, right)
        a, b = self.numeric(left), self.numeric(right)
        if op == "/":
            return Expr("ns.divide(%s, %s)" % (a, b), "num")
        return Expr("ns.number(%s %s %s)" % (a, op, b), "num")

    @staticmethod
    def text(value):
        """Text as Oracle's implicit conversion gives it."""
        if value.family == "num":
            return "ns.num(%s)" % value.sql
        return "(%s)::text" % value.sql

    @staticmethod
    def date_arithmetic(op, left, right):
        if left.family == right.family == "date" and op == "-":
            return Expr("(ns.julian(%s) - ns.julian(%s))" % (left.sql, right.sql), "num")
        if left.family == "date" and right.family == "num" and op in "+-":
            return Expr("ns.plus_days(%s, %s(%s)::numeric)" % (
                left.sql, "- " if op == "-" else "", right.sql), "date", left.kind)
        if right.family == "date" and left.family == "num" and op == "+":
            return Expr("ns.plus_days(%s, (%s)::numeric)" % (right.sql, left.sql), "date",
                        right.kind)
        raise invalid_query("Inconsistent datatypes.")

    def expr_case(self, tree, scopes):
        _, operand, branches, default = tree
        results = [self.expr(result, scopes) for _, result in branches]
        if default is not None:
            results.append(self.expr(default, scopes))
        family, kind = common(results)
        length = self.pad(results)
        parts = ["CASE"]
        subject = self.expr(operand, scopes) if operand is not None else None
        for (when, _), result in zip(branches, results):
            if subject is not None:
                test = self.compare("=", subject, self.expr(when, scopes))
            else:
                test = self.condition(when, scopes)
            parts.append("WHEN %s THEN %s" % (test, self.coerce(result, family)))
        if default is not None:
            parts.append("ELSE " + self.coerce(results[-1], family))
        value = Expr("(%s END)" % " ".join(parts), family, kind)
        value.char = length
        return value

    def coerce(self, value, family):
        if family == "text" and value.family != "text":
            return self.text(value) if value.family != "null" else "NULL::text"
        if family == "num" and value.family == "num":
            return "(%s)::numeric" % value.sql
        return value.sql

    def expr_cast(self, tree, scopes):
        value, kind = self.expr(tree[1], scopes), tree[2]
        if kind in ("varchar2", "varchar", "char", "clob"):
            return Expr(self.text(value), "text")
        if kind in ("number", "integer", "decimal", "numeric", "int"):
            number = "(%s)::text::numeric" % value.sql
            return Expr("round(%s)" % number if kind in ("integer", "int") else number, "num")
        raise invalid_query("Invalid or unsupported search: CAST to %s." % kind)

    def expr_call(self, tree, scopes):
        _, name, distinct, args, over = tree
        window = self.over(over, scopes) if over is not None else ""
        if name in REFUSED:
            raise invalid_query("Invalid or unsupported search: function '%s' is not supported."
                                % name.upper())
        if name.startswith("builtin."):
            value = self.builtin(name[8:], args, scopes)
        elif name in AGGREGATES:
            around, self.grouped = self.grouped, []
            value = self.aggregate(name, distinct, args, scopes, window)
            self.grouped = around
        elif name in ("row_number", "rank", "dense_rank") and over is not None and not args:
            value = Expr("%s()%s" % (name, window), "num")
        elif name in FUNCTIONS:
            low, high, emit = FUNCTIONS[name]
            if not low <= len(args) <= high:
                raise invalid_query("Invalid number of arguments for function '%s'."
                                    % name.upper())
            value = emit(self, [self.expr(a, scopes) for a in args])
        else:
            raise invalid_query("Invalid or unsupported search: unknown function '%s'."
                                % name.upper())
        if over is not None and window not in value.sql:
            raise invalid_query("Invalid or unsupported search: OVER after %s." % name.upper())
        return value

    def over(self, over, scopes):
        partition, order = over
        parts = []
        if partition:
            parts.append("PARTITION BY " + ", ".join(self.expr(p, scopes).sql for p in partition))
        if order:
            parts.append("ORDER BY " + ", ".join(
                self.direction(self.collate(self.expr(e, scopes)), d, n) for e, d, n in order))
        return " OVER (%s)" % " ".join(parts)

    def aggregate(self, name, distinct, args, scopes, window):
        if len(args) != 1:
            raise invalid_query("Invalid number of arguments for function '%s'." % name.upper())
        if args[0][0] == "star":
            if name != "count":
                raise invalid_query("Invalid or unsupported search.")
            return Expr("count(*)" + window, "num")
        value = self.expr(args[0], scopes)
        mark = "DISTINCT " if distinct else ""
        if name == "count":
            sql = self.fold(value.sql, bound=value.bound) if distinct and value.family == "text" else value.sql
            return Expr("count(%s%s)%s" % (mark, sql, window), "num")
        if name == "approx_count_distinct":
            return Expr("count(DISTINCT %s)" % value.sql, "num")
        if name in ("min", "max"):
            return self.extreme(name, value, window)
        if value.family == "date":
            raise invalid_query("Inconsistent datatypes: expected NUMBER got DATE.")
        argument = self.numeric(value)
        if name == "median":
            return Expr("ns.median(array_agg(%s ORDER BY %s), count(%s))" % ((argument,) * 3), "num")
        if name == "avg":
            return Expr("ns.divide(sum(%s%s)%s, count(%s%s)%s)" % ((mark, argument, window) * 2), "num")
        return Expr("ns.number(%s(%s%s)%s)" % (name, mark, argument, window), "num")

    def extreme(self, name, value, window):
        """MIN and MAX, of text as the account sorts it: the text itself, not what it is sorted by."""
        if value.family == "text" and self.folds(value.bound) and not window:
            return Expr("(array_agg(%s ORDER BY %s %s) FILTER (WHERE %s IS NOT NULL))[1]" % (
                value.sql, self.collate(value), "ASC" if name == "min" else "DESC", value.sql), "text")
        return Expr("%s(%s)%s" % (name, self.collate(value), window), value.family, value.kind)

    def builtin(self, name, args, scopes):
        if name in ("df", "hierarchy"):
            return self.display(args[0], scopes)
        if name in ("cf", "currency", "consolidate", "currency_convert"):
            # one currency book, no consolidation differences: the value itself
            if not args:
                raise invalid_query("Invalid number of arguments for BUILTIN.%s." % name.upper())
            return self.expr(args[0], scopes)
        if name == "relative_ranges" and len(args) in (2, 3):
            return self.relative_range(args)
        raise invalid_query("BUILTIN.%s is more than this sandbox can play." % name.upper())

    def relative_range(self, args):
        span, edge = args[0][1], args[1][1]
        zone = quote(self.switches["sysdate_zone"])
        today = "date_trunc('day', ns.clock() AT TIME ZONE %s)" % zone
        starts = {"TODAY": today, "TM": "date_trunc('month', %s)" % today,
                  "TY": "date_trunc('year', %s)" % today,
                  "LM": "date_trunc('month', %s) - interval '1 month'" % today,
                  "LY": "date_trunc('year', %s) - interval '1 year'" % today}
        lengths = {"TODAY": "1 day", "TM": "1 month", "TY": "1 year", "LM": "1 month",
                   "LY": "1 year"}
        if span not in starts or edge not in ("START", "END"):
            raise invalid_query("Unknown relative range '%s'." % span)
        sql = "(%s)" % starts[span]
        if edge == "END":
            sql = "(%s + interval '%s' - interval '1 day')" % (sql, lengths[span])
        return Expr(sql, "date", "date")

    def display(self, tree, scopes):
        """BUILTIN.DF: the display text of a reference."""
        value = self.expr(tree, scopes)
        if tree[0] == "column":
            for scope in scopes:
                for source in scope:
                    if tree[1] in (None, source.alias) and tree[2] in source.columns:
                        column = source.columns[tree[2]][2]
                        return self.display_of(column, value)
        return Expr(self.text(value), "text")

    def display_of(self, column, value):
        if column is not None and column.kind == "bool":
            return Expr("(CASE %s WHEN 'T' THEN 'Yes' WHEN 'F' THEN 'No' END)" % value.sql, "text")
        target = self.catalog.get(column.ref) if column is not None and column.ref else None
        if target is None:
            return Expr(self.text(value), "text")
        return Expr("(SELECT d.%s FROM %s d WHERE d.%s = %s)" % (
            ident(target.display), target.relation, ident(target.key[0]), value.sql), "text")


def ident(name):
    return '"%s"' % name.replace('"', '""')


def common(values):
    families = [v.family for v in values if v.family != "null"]
    if not families:
        return "text", None
    family = families[0] if len(set(families)) == 1 else "text"
    kind = next((v.kind for v in values if v.family == family), None)
    return family, kind


def aggregates(tree):
    """Does an aggregate or a window stand in this expression?"""
    if isinstance(tree, (list, tuple)):
        if len(tree) == 5 and tree[0] == "call" and (tree[1] in AGGREGATES or tree[4] is not None):
            return True
        return any(aggregates(part) for part in tree if not isinstance(part, str))
    return False


def display_pattern(mask):
    """What a date in the display format looks like."""
    mask = mask.replace("FM", "")
    for part, pattern in (("YYYY", r"\d{4}"), ("MM", r"\d{1,2}"), ("DD", r"\d{1,2}"), ("MON", "[A-Za-z]{3}"), ("Mon", "[A-Za-z]{3}")):
        mask = mask.replace(part, pattern)
    return mask


def split_rownum(where):
    """Take ROWNUM < n and ROWNUM <= n out of a chain of ANDs."""
    if where is None:
        return None, None
    if where[0] == "and":
        rest, limits = [], []
        for part, limit in map(split_rownum, where[1]):
            rest += [part] if part is not None else []
            limits += [limit] if limit is not None else []
        rest = ("and", rest) if len(rest) > 1 else rest[0] if rest else None
        return rest, min(limits) if limits else None
    if (where[0] == "cmp" and where[2] == ("column", None, "rownum")
            and where[3][0] == "number" and where[1] in ("<", "<=", "=")):
        n = int(float(where[3][1]))
        if where[1] == "=":
            return None, 1 if n == 1 else 0
        return None, n - 1 if where[1] == "<" else n
    return where, None


# -- functions ---------------------------------------------------------------------------------
def plain(sql_name, family, null_if_empty=False):
    def emit(_, args):
        sql = "%s(%s)" % (sql_name, ", ".join(a.sql for a in args))
        return Expr("NULLIF(%s, '')" % sql if null_if_empty else sql, family)
    return emit


def texts(sql_name):
    """A text function: arguments become text, an empty result is null."""
    def emit(t, args):
        first = [t.text(args[0])] + [a.sql if a.family == "num" else t.text(a) for a in args[1:]]
        return Expr("NULLIF(%s(%s), '')" % (sql_name, ", ".join(first)), "text")
    return emit


def numbers(sql_name):
    def emit(t, args):
        return Expr("ns.number(%s(%s))" % (sql_name, ", ".join(map(t.numeric, args))), "num")
    return emit


def emit_to_char(t, args):
    value = args[0]
    if value.family == "date":
        mask = args[1].sql if len(args) > 1 else quote(t.switches["date_format"])
        return Expr("NULLIF(to_char(%s, %s), '')" % (value.sql, mask), "text")
    if len(args) > 1:
        return Expr("to_char((%s)::numeric, %s)" % (t.number(value), args[1].sql), "text")
    return Expr(t.text(value), "text")


def emit_to_date(t, args):
    if args[0].family == "date":
        return args[0]
    mask = args[1].sql if len(args) > 1 else quote(t.switches["date_format"])
    return Expr("ns.to_date(%s, %s)" % (t.text(args[0]), mask), "date", "to_date")


def emit_to_timestamp(t, args):
    mask = args[1].sql if len(args) > 1 else quote(t.switches["date_format"] + " HH24:MI:SS")
    return Expr("ns.to_date(%s, %s)" % (t.text(args[0]), mask), "date", "to_timestamp")


def emit_to_number(t, args):
    return Expr("(%s)::text::numeric" % args[0].sql, "num")


def emit_nvl(t, args):
    family, kind = common(args)
    return Expr("coalesce(%s)" % ", ".join(t.coerce(a, family) for a in args), family, kind)


def emit_coalesce(t, args):
    length = t.pad(args)
    value = emit_nvl(t, args)
    value.char = length
    return value


def emit_nvl2(t, args):
    family, kind = common(args[1:])
    return Expr("(CASE WHEN %s IS NOT NULL THEN %s ELSE %s END)" % (
        args[0].sql, t.coerce(args[1], family), t.coerce(args[2], family)), family, kind)


def emit_nullif(t, args):
    return Expr("(CASE WHEN %s THEN NULL ELSE %s END)" % (
        t.compare("=", args[0], args[1]), args[0].sql), args[0].family, args[0].kind)


def emit_decode(t, args):
    subject, rest = args[0], args[1:]
    default = rest[-1] if len(rest) % 2 else None
    pairs = list(zip(rest[0::2], rest[1::2]))
    family, kind = common([r for _, r in pairs] + ([default] if default else []))
    parts = ["CASE"]
    for search, result in pairs:
        if search.family == "null":
            test = "%s IS NULL" % subject.sql
        else:
            test = t.compare("=", subject, search)
        parts.append("WHEN %s THEN %s" % (test, t.coerce(result, family)))
    if default is not None:
        parts.append("ELSE " + t.coerce(default, family))
    return Expr("(%s END)" % " ".join(parts), family, kind)


def emit_extreme(sql_name):
    def emit(t, args):
        family, kind = common(args)
        values = [t.coerce(a, family) for a in args]
        return Expr("(CASE WHEN %s THEN %s(%s) END)" % (
            " AND ".join("%s IS NOT NULL" % v for v in values), sql_name, ", ".join(values)),
                    family, kind)
    return emit


def emit_round(sql_name, truncate):
    def emit(t, args):
        if args[0].family != "date":
            digits = ", (%s)::int" % args[1].sql if len(args) > 1 else ""
            return Expr("%s((%s)::numeric%s)" % (sql_name, t.number(args[0]), digits), "num")
        unit = args[1].sql.strip("'").upper() if len(args) > 1 else "DD"
        field = {"DD": "day", "DDD": "day", "J": "day", "MM": "month", "MONTH": "month",
                 "MON": "month", "Q": "quarter", "YYYY": "year", "YEAR": "year", "Y": "year",
                 "IW": "week", "HH24": "hour", "HH": "hour", "MI": "minute"}.get(unit)
        if field is None:
            raise invalid_query("Bad date format '%s'." % unit)
        half = {"day": "12 hours", "month": "16 days", "hour": "30 minutes",
                "minute": "30 seconds", "year": "6 months", "quarter": "46 days",
                "week": "84 hours"}[field]
        value = args[0].sql if truncate else "%s + interval '%s'" % (args[0].sql, half)
        return Expr("ns.date(date_trunc('%s', %s))" % (field, value), "date", "date")
    return emit


def emit_date(sql_name):
    def emit(t, args):
        return Expr("%s(%s)" % (sql_name, ", ".join(a.sql for a in args)), "date", args[0].kind)
    return emit


def emit_utc(t, args):
    return Expr("((%s) AT TIME ZONE %s AT TIME ZONE 'UTC')" % (
        args[0].sql, quote(t.switches["sysdate_zone"])), "date", "datetime")


FUNCTIONS = {
    "abs": (1, 1, numbers("abs")), "ceil": (1, 1, numbers("ceil")),
    "floor": (1, 1, numbers("floor")), "mod": (2, 2, numbers("ns.mod")),
    "power": (2, 2, numbers("power")), "sign": (1, 1, numbers("sign")),
    "sqrt": (1, 1, numbers("sqrt")), "width_bucket": (4, 4, plain("width_bucket", "num")),
    "round": (1, 2, emit_round("round", False)), "trunc": (1, 2, emit_round("trunc", True)),
    "greatest": (1, 99, emit_extreme("greatest")), "least": (1, 99, emit_extreme("least")),
    "coalesce": (1, 99, emit_coalesce), "nvl": (2, 2, emit_nvl), "nvl2": (3, 3, emit_nvl2),
    "nullif": (2, 2, emit_nullif), "decode": (3, 255, emit_decode),
    "upper": (1, 1, texts("upper")), "lower": (1, 1, texts("lower")),
    "initcap": (1, 1, texts("initcap")), "concat": (2, 2, texts("concat")),
    "ltrim": (1, 2, texts("ltrim")), "rtrim": (1, 2, texts("rtrim")),
    "trim": (1, 1, texts("btrim")), "lpad": (2, 3, texts("ns.lpad")),
    "rpad": (2, 3, texts("ns.rpad")), "replace": (2, 3, texts("ns.replace")),
    "translate": (3, 3, texts("translate")), "substr": (2, 3, texts("ns.substr")),
    "regexp_replace": (2, 3, texts("ns.regexp_replace")),
    "regexp_substr": (2, 2, texts("ns.regexp_substr")),
    "regexp_instr": (2, 2, plain("regexp_instr", "num")),
    "instr": (2, 4, plain("ns.instr", "num")),
    "length": (1, 1, lambda t, a: Expr("length(%s)" % t.text(a[0]), "num")),
    "to_char": (1, 3, emit_to_char), "to_date": (1, 2, emit_to_date),
    "to_timestamp": (1, 2, emit_to_timestamp), "to_timestamp_tz": (1, 2, emit_to_timestamp),
    "to_number": (1, 2, emit_to_number), "add_months": (2, 2, emit_date("ns.add_months")),
    "last_day": (1, 1, emit_date("ns.last_day")),
    "months_between": (2, 2, plain("ns.months_between", "num")),
    "sys_extract_utc": (1, 1, emit_utc),
}
