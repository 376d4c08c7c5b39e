"""Random queries, typed so that they can hardly fail by themselves: the same for the same seed."""

import random

from compare import Query
from fixed import CUSTOM, DATES, GENERIC, MOMENTS, NUMBERS, PATTERNS, TEXTS, q

KINDS = ("number", "text", "date", "moment", "clock", "bool")
TYPES = {"number": "numeric", "text": "text", "date": "date", "moment": "timestamptz", "clock": "timestamp", "bool": "boolean"}
SMALL = {"number": ["wid", "n", "amount"], "text": ["k"], "date": ["day"], "moment": ["at"], "clock": [], "bool": ["flag"]}
TABLES = {
    "w": {"number": ["id", "i2", "n1", "n1", "n2", "n8", "q", "p", "p"], "text": ["s1", "s2", "grp", "grp", "code"], "date": ["d1", "d2"], "moment": ["ts", "ts2"], "clock": ["tl"], "bool": ["b1", "b2"]},
    "g": dict(SMALL, number=["id"] + SMALL["number"]), "parts": dict(SMALL, number=["id"] + SMALL["number"]), "bag": SMALL,
    "pair": {"number": ["a", "b", "v"], "text": ["c"], "date": ["d"], "moment": [], "clock": [], "bool": []},
    "odd": {"number": ["n1_num", "n1_small", "n2_big", "n1_dom", "p_money", "digits_int", "digits_num"], "text": ["n1_text", "b1_text", "code_vc", "code_char", "s1_c", "s2_vc", "s2_dom"], "date": ["ts_date", "d2_date"],
            "moment": ["ts_p0", "d1_tz"], "clock": ["ts_local", "d1_ts"], "bool": ["flag_bool"]},
}
KEYS = {"w": "id", "g": "id", "parts": "id", "pair": "a, b", "odd": "id"}
OTHERS = ["g", "bag", "parts", "pair", "w"]


class Grammar:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def pick(self, *choices):
        choice = self.r.choice(choices)
        return choice() if callable(choice) else choice

    # -- values --

    def constant(self, kind):
        if kind == "number":
            v = self.pick(self.r.choice(NUMBERS) if self.r.random() < .97 else "NaN", str(self.r.randint(-5, 20)), "%d.%d" % (self.r.randint(-3, 99), self.r.randint(0, 99)))
            bare = "(%s)" % v if v[0] == "-" else v
            return self.pick(bare if bare[-1].isdigit() or bare[-1] == ")" and "I" not in bare else "%s::numeric" % q(v), "%s::numeric" % q(v))
        if kind == "text":
            return q(self.pick(self.r.choice(TEXTS), "g1", "a"))
        if kind == "date":
            return "date " + q(self.pick(self.r.choice(DATES), "2024-%02d-%02d" % (self.r.randint(1, 12), self.r.randint(1, 28))))
        if kind in ("moment", "clock"):
            v = self.pick(self.r.choice(MOMENTS), "2024-%02d-%02d %02d:%02d:00" % (self.r.randint(1, 12), self.r.randint(1, 28), self.r.randint(0, 23), self.r.choice([0, 30])))
            return "%s %s" % (TYPES[kind], q(v))
        return self.pick("true", "false")

    def value(self, kind):
        """A constant, or something that is known only at execution."""
        c = self.constant(kind)
        return self.pick(c, c, c, c, c, "(SELECT %s)" % c, "NULL::" + TYPES[kind] if self.r.random() < .2 else c)

    def column(self, names, kind):
        """names: [(alias, columns)]."""
        found = [a + "." + c for a, columns in names for c in columns[kind]]
        return self.r.choice(found) if found else self.constant(kind)

    def expression(self, names, kind, depth):
        if depth <= 0 or self.r.random() < .35:
            return self.column(names, kind)

        def e(k):
            return self.expression(names, k, depth - 1)
        common = [lambda: "coalesce(%s, %s)" % (e(kind), self.pick(lambda: e(kind), lambda: self.constant(kind))), lambda: "nullif(%s, %s)" % (e(kind), self.pick(lambda: e(kind), lambda: self.constant(kind))),
                  lambda: "CASE WHEN %s THEN %s%s END" % (self.condition(names, depth - 1), e(kind), self.pick("", lambda: " ELSE " + self.pick(lambda: e(kind), lambda: self.constant(kind)))),
                  lambda: "%s(%s, %s)" % (self.pick("greatest", "least"), e(kind), self.pick(lambda: e(kind), lambda: self.constant(kind)))]
        own = {
            "number": [lambda: "(%s::numeric %s %s)" % (e(kind), self.pick("+", "-", "*"), e(kind)), lambda: "abs(%s::numeric)" % e(kind), lambda: "%s(%s::numeric)" % (self.pick("ceil", "floor", "round", "trunc", "sign"), e(kind)),
                       lambda: "%s(%s::numeric, %d)" % (self.pick("round", "trunc"), e(kind), self.r.randint(-2, 5)), lambda: "- %s::numeric" % e(kind), lambda: "length(%s)" % e("text"), lambda: "(%s - %s)" % (self.column(names, "date"), self.column(names, "date"))
                       if self.r.random() < .5 else "0", lambda: "extract(%s FROM %s)" % (self.pick("year", "quarter", "month", "day", "dow"), e(self.pick("date", "moment", "clock"))), lambda: "mod(%s::numeric, 7)" % e(kind), lambda: "(%s::numeric / 4)" % e(kind)],
            "text": [lambda: "%s(%s)" % (self.pick("upper", "lower", "trim", "rtrim", "reverse", "md5"), e(kind)), lambda: "(%s || %s)" % (e(kind), self.pick("'-x'", "''", lambda: e(kind))), lambda: "substr(%s, %d, %d)" % (e(kind), self.r.randint(1, 3), self.r.randint(0, 4)),
                     lambda: "to_char(%s, '%s')" % (e(self.pick("date", "moment", "clock")), self.pick("YYYY-MM", "YYYY", "Q", "DD.MM.YYYY", "YYYY-MM-DD HH24:MI:SS", "MM")), lambda: "%s::text" % e(self.pick("bool", "date")), lambda: "concat(%s, %s)" % (e(kind), e(kind))],
            "date": [lambda: "(%s + %d)" % (self.column(names, kind), self.r.choice([-400, -1, 0, 1, 7, 60])), lambda: "date_trunc('%s', %s)::date" % (self.pick("month", "year", "day", "quarter"), e(kind)), lambda: "%s::date" % e(self.pick("moment", "clock"))],
            "moment": [lambda: "(%s + interval '%d %s')" % (self.column(names, kind), self.r.randint(0, 90), self.pick("days", "hours", "seconds")), lambda: "date_trunc('%s', %s)" % (self.pick("hour", "day", "month", "year"), e(kind)),
                       lambda: "date_trunc('%s', %s)" % (self.pick("day", "month", "quarter", "year"), e("date")), lambda: "%s::timestamptz" % e("date"), lambda: "(%s AT TIME ZONE 'Asia/Kolkata')" % e("clock")],
            "clock": [lambda: "date_trunc('%s', %s)" % (self.pick("hour", "day", "month"), e(kind)), lambda: "%s::timestamp" % e("date"), lambda: "(%s AT TIME ZONE 'Europe/London')" % e("moment"), lambda: "(%s + interval '1 day')" % self.column(names, kind)],
            "bool": [lambda: "(%s)" % self.condition(names, depth - 1)],
        }[kind]
        return self.pick(*(own * 2 + common))

    # -- conditions --

    def condition(self, names, depth):
        if depth > 0 and self.r.random() < .5:
            return "(%s %s %s)" % (self.condition(names, depth - 1), self.pick("AND", "OR"), self.condition(names, depth - 1))
        if depth > 0 and self.r.random() < .25:
            return self.pick("NOT (%s)", "(%s) IS NOT TRUE", "(%s) IS FALSE", "(%s) IS UNKNOWN") % self.condition(names, depth - 1)
        kind = self.pick("number", "number", "text", "text", "text", "date", "date", "moment", "clock", "bool")
        if not any(columns[kind] for _, columns in names):
            kind = "number"
        e = self.expression(names, kind, self.pick(0, 0, 0, 1, 2))
        chance = self.r.random()
        if chance < .1:
            return "%s IS %sNULL" % (e, self.pick("", "NOT "))
        if kind == "bool" and chance < .7:
            return self.pick(e, "NOT %s" % e, "%s IS TRUE" % e, "%s IS NOT TRUE" % e, "%s IS FALSE" % e, "%s IS NOT FALSE" % e, "%s IS NOT UNKNOWN" % e, "%s = %s" % (e, self.pick("true", "false")))
        if kind == "text" and chance < .35:
            return "%s %s %s" % (e, self.pick("LIKE", "NOT LIKE", "ILIKE"), q(self.r.choice(PATTERNS)))
        if chance < .5:
            return "%s %sIN (%s)" % (e, self.pick("", "NOT "), ", ".join(self.value(kind) for _ in range(self.r.randint(1, 4))))
        if chance < .6:
            return "%s %sBETWEEN %s AND %s" % (e, self.pick("", "", "NOT ", ), self.value(kind), self.value(kind))
        if chance < .7:
            return "%s IS %sDISTINCT FROM %s" % (e, self.pick("", "NOT "), self.value(kind))
        if chance < .76:
            return "%s %s (ARRAY[%s])" % (e, self.pick("= ANY", "<> ALL", "< ANY", ">= ALL"), ", ".join(self.constant(kind) for _ in range(self.r.randint(1, 3))))
        other = kind if self.r.random() < .85 or kind not in ("date", "moment", "clock") else self.pick("date", "moment", "clock")
        right = self.expression(names, other, self.pick(0, 1)) if self.r.random() < .2 else self.value(other)
        if self.r.random() < .1:
            e, right = right, e
        return "%s %s %s" % (e, self.pick("=", "=", "<>", "<", "<=", ">", ">="), right)

    def aggregate(self, names):
        kind = self.pick("number", "number", "text", "date", "moment", "clock")
        e = self.expression(names, kind, self.pick(0, 0, 1, 2))
        tail = " FILTER (WHERE %s)" % self.condition(names, self.pick(0, 1)) if self.r.random() < .25 else ""
        some = ["count(%s)" % e, "count(DISTINCT %s)" % e, "min(%s)" % e, "max(%s)" % e, "count(*)"]
        if kind == "number":
            some += ["sum(%s)" % e, "sum(DISTINCT %s)" % e, "avg((%s)::numeric)" % e]
        chosen = self.r.choice(some)
        return "round(%s%s, 6)" % (chosen, tail) if chosen.startswith("avg") else chosen + tail

    # -- queries --

    def sources(self):
        """(FROM, [(alias, columns)])."""
        table = self.pick("w", "w", "w", "w", "g", "bag", "parts", "pair", "odd")
        names, text = [("t", TABLES[table])], table + " t"
        if self.r.random() < .25:
            other = self.r.choice(OTHERS)
            kind = self.pick("number", "number", "text", "date")
            both = names + [("o", TABLES[other])]
            on = "%s = %s" % (self.column(names, kind), self.column(both[1:], kind))
            if self.r.random() < .3:
                on += " AND " + self.condition(both, 0)
            join = self.pick("JOIN", "LEFT JOIN", "JOIN", "RIGHT JOIN")
            return "%s %s %s o ON %s" % (text, join, other, on), both, table, False
        return text, names, table, True

    def where(self, names):
        conditions = [self.condition(names, self.pick(0, 0, 1, 2))] if self.r.random() < .8 else []
        if self.r.random() < .1:
            inner = self.r.choice(OTHERS)
            kind = self.pick("number", "text", "date")
            mine, theirs = self.column(names, kind), self.column([("i", TABLES[inner])], kind)
            conditions.append(self.pick("%s IN (SELECT %s FROM %s i)" % (mine, theirs, inner), "%s NOT IN (SELECT %s FROM %s i WHERE %s IS NOT NULL)" % (mine, theirs, inner, theirs),
                                        "EXISTS (SELECT FROM %s i WHERE %s = %s)" % (inner, theirs, mine), "NOT EXISTS (SELECT FROM %s i WHERE %s = %s AND %s)" % (inner, theirs, mine, self.condition([("i", TABLES[inner])], 0))))
        return " WHERE " + " AND ".join(conditions) if conditions else ""

    def grouped(self):
        text, names, _, _ = self.sources()
        groups = [self.expression(names, self.pick("text", "number", "date", "bool", "moment"), self.pick(0, 0, 1, 2)) for _ in range(self.pick(0, 1, 1, 2))]
        columns = groups + ["count(*)"] + [self.aggregate(names) for _ in range(self.pick(1, 2, 3))]
        sql = "SELECT %s FROM %s%s" % (", ".join("%s AS c%d" % (c, i) for i, c in enumerate(columns)), text, self.where(names))
        if groups:
            numbers = ", ".join(str(i + 1) for i in range(len(groups)))
            # PostgreSQL does not tell two equal expressions of a ROLLUP apart
            sql += " GROUP BY " + (self.pick(numbers, numbers, numbers, "ROLLUP (%s)" % numbers) if len(set(groups)) == len(groups) else numbers)
        if self.r.random() < .25:
            sql += " HAVING %s %s" % (self.aggregate(names), self.pick("IS NOT NULL AND count(*) > 1", "IS NULL OR count(*) < 9"))
        if groups and self.r.random() < .3:
            return Query("random group", sql + " ORDER BY %s LIMIT %d" % (", ".join("%d%s" % (i + 1, self.pick("", " DESC", " NULLS FIRST")) for i in range(len(columns))), self.pick(1, 5, 50)), ordered=True)
        return Query("random group", sql)

    def listed(self):
        text, names, table, single = self.sources()
        columns = [self.expression(names, self.r.choice(KINDS), self.pick(0, 1, 2)) for _ in range(self.pick(1, 2, 3))]
        distinct = self.r.random() < .1
        sql = "SELECT %s%s FROM %s%s" % ("DISTINCT " if distinct else "", ", ".join("%s AS c%d" % (c, i) for i, c in enumerate(columns)), text, self.where(names))
        if single and table in KEYS and not distinct and self.r.random() < .5:
            key = ", ".join("t.%s%s" % (k, self.pick("", "", " DESC")) for k in KEYS[table].split(", "))
            if self.r.random() < .6:
                key = "%s%s, %s" % ("(%s) " % self.expression(names, self.pick("number", "date", "moment", "text", "bool"), self.pick(0, 0, 1)), self.pick("", "DESC", "NULLS FIRST", "DESC NULLS LAST"), key)
            limit = self.pick("", "", " LIMIT %d" % self.pick(1, 7, 10, 97, 500), " LIMIT 5 OFFSET %d" % self.pick(1, 7, 100))
            return Query("random list", sql + " ORDER BY " + key + limit, ordered=True)
        if self.r.random() < .08:
            return Query("random set", "%s %s %s" % (sql, self.pick("UNION", "UNION ALL", "EXCEPT", "INTERSECT ALL"), sql.replace(" WHERE ", " WHERE NOT ", 1) if " WHERE (" in sql else sql))
        return Query("random list", sql)

    def prepared(self):
        text, names, _, _ = self.sources()
        kind = self.pick("number", "text", "date", "moment")
        e = self.expression(names, kind, self.pick(0, 0, 1))
        test = self.pick("%s = $1", "%s <> $1", "%s < $1", "%s >= $1", "%s = ANY (ARRAY[$1, " + self.constant(kind) + "])", "%s IS NOT DISTINCT FROM $1", "coalesce(%s, $1) = $1", "nullif(%s, $1) IS NULL", "%s BETWEEN $1 AND $1").replace("%s", e, 1)
        values = [self.constant(kind) for _ in range(self.pick(2, 3, 8))] + ["NULL"]
        mode = self.pick(CUSTOM, GENERIC, {"plan_cache_mode": "auto"})
        columns = self.pick("count(*), %s" % self.aggregate(names), "count(*) FILTER (WHERE %s), count(*)" % test)
        return Query("random prepared", "PREPARE s(%s) AS SELECT %s FROM %s WHERE %s" % (TYPES[kind], columns, text, test), *["EXECUTE s(%s)" % v for v in values], settings=mode)

    def query(self):
        return self.pick(self.grouped, self.listed, self.listed, self.grouped, self.prepared)


def queries(n, seed):
    grammar = Grammar(seed)
    return [grammar.query() for _ in range(n)]
