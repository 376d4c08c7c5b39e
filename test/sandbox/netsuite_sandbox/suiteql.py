"""SuiteQL: tokenizer and parser (PROTOCOL section 4).

parse() gives a tree of tuples, whose first member names the node.  translate.py turns the tree
into PostgreSQL's SQL.  What NetSuite refuses is refused here, in its words.
"""

from .errors import invalid_query

KEYWORDS = {
    "SELECT", "FROM", "WHERE", "GROUP", "BY", "HAVING", "ORDER", "ASC", "DESC", "AND", "OR", "NOT",
    "IN", "IS", "NULL", "LIKE", "ESCAPE", "BETWEEN", "EXISTS", "CASE", "WHEN", "THEN", "ELSE",
    "END", "AS", "ON", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "UNION", "ALL",
    "DISTINCT", "INTERSECT", "MINUS", "FETCH", "FIRST", "NEXT", "ROWS", "ROW", "ONLY", "NULLS",
    "LAST", "OVER", "PARTITION", "WITH", "LIMIT", "OFFSET", "TOP", "ANY", "SOME", "CAST",
}
# keywords that end an implicit alias
RESERVED = KEYWORDS - {"FIRST", "NEXT", "ROWS", "ROW", "ONLY", "LAST", "TOP", "NULLS", "PARTITION",
                       "OVER"}
OPERATORS = ("||", "<>", "!=", "^=", "<=", ">=", "=", "<", ">", "+", "-", "*", "/", "(", ")",
             ",", ".", "?", ";", "%", ":")


class Token:
    __slots__ = ("kind", "text", "value", "at")

    def __init__(self, kind, text, value, at):
        self.kind, self.text, self.value, self.at = kind, text, value, at


def tokenize(text):
    """Split a query into tokens: word, number, string, op, end."""
    tokens, i, n = [], 0, len(text)
    while i < n:
        c = text[i]
        if c.isspace():
            i += 1
        elif text.startswith("--", i):
            i = text.find("\n", i) if "\n" in text[i:] else n
        elif text.startswith("/*", i):
            end = text.find("*/", i)
            if end < 0:
                raise invalid_query("Unterminated comment.")
            i = end + 2
        elif c == "'":
            value, i = read_string(text, i)
            tokens.append(Token("string", "'" + value + "'", value, i))
        elif c.isdigit() or (c == "." and i + 1 < n and text[i + 1].isdigit()):
            start = i
            i = read_number(text, i)
            tokens.append(Token("number", text[start:i], text[start:i], start))
        elif c.isalpha() or c == "_":
            start = i
            while i < n and (text[i].isalnum() or text[i] in "_$#"):
                i += 1
            tokens.append(Token("word", text[start:i], text[start:i].upper(), start))
        elif c in '"`[]{}':
            raise invalid_query("Invalid character '%s': quoted identifiers and brackets are not "
                                "supported." % c)
        else:
            for op in OPERATORS:
                if text.startswith(op, i):
                    tokens.append(Token("op", op, op, i))
                    i += len(op)
                    break
            else:
                raise invalid_query("Invalid character '%s'." % c)
    tokens.append(Token("end", "end of query", "", n))
    return tokens


def read_string(text, i):
    """Read a string literal that starts at i; doubled quotes stand for one."""
    parts, i = [], i + 1
    while True:
        end = text.find("'", i)
        if end < 0:
            raise invalid_query("Unterminated string literal.")
        parts.append(text[i:end])
        i = end + 1
        if not text.startswith("'", i):
            return "".join(parts), i
        parts.append("'")
        i += 1


def read_number(text, i):
    n = len(text)
    while i < n and (text[i].isdigit() or text[i] == "."):
        i += 1
    if i < n and text[i] in "eE":
        j = i + 1
        if j < n and text[j] in "+-":
            j += 1
        if j < n and text[j].isdigit():
            while j < n and text[j].isdigit():
                j += 1
            i = j
    return i


class Parser:
    """Recursive descent, one method a rule."""

    def __init__(self, text):
        self.tokens = tokenize(text)
        self.pos = 0
        self.params = 0
        self.opens_value = set()    # parentheses that were found not to hold a condition

    # -- helpers -----------------------------------------------------------------------------
    @property
    def token(self):
        return self.tokens[self.pos]

    def peek(self, *values, ahead=0):
        index = min(self.pos + ahead, len(self.tokens) - 1)
        token = self.tokens[index]
        return token.kind in ("word", "op") and token.value in values

    def accept(self, *values):
        if self.peek(*values):
            self.pos += 1
            return self.tokens[self.pos - 1].value
        return None

    def expect(self, value):
        if not self.accept(value):
            self.fail()

    def fail(self):
        raise invalid_query("Invalid or unsupported search: unexpected '%s' at position %d."
                            % (self.token.text, self.token.at))

    def name(self):
        if self.token.kind != "word" or self.token.value in RESERVED:
            self.fail()
        self.pos += 1
        return self.tokens[self.pos - 1].text.lower()

    # -- queries -----------------------------------------------------------------------------
    def statement(self):
        if self.peek("WITH"):
            raise invalid_query("Invalid or unsupported search: WITH is not supported.")
        if not self.peek("SELECT", "("):
            self.fail()
        tree = self.query()
        self.accept(";")
        if self.peek("LIMIT", "OFFSET"):
            raise invalid_query("Invalid or unsupported search: unexpected '%s'."
                                % self.token.text)
        if self.token.kind != "end":
            self.fail()
        return tree

    def query(self):
        body = self.select()
        while self.peek("UNION", "INTERSECT", "MINUS"):
            op = self.accept("UNION", "INTERSECT", "MINUS")
            every = bool(self.accept("ALL"))
            body = ("set", op, every, body, self.select())
        order, fetch = [], None
        if self.accept("ORDER"):
            self.expect("BY")
            order = self.order_list()
        if self.accept("FETCH"):
            if not self.accept("FIRST", "NEXT"):
                self.fail()
            fetch = self.integer()
            if not self.accept("ROWS", "ROW"):
                self.fail()
            self.expect("ONLY")
        return ("query", body, order, fetch)

    def select(self):
        if self.accept("("):
            inner = self.query()
            self.expect(")")
            return inner
        self.expect("SELECT")
        top = self.integer() if self.accept("TOP") else None
        distinct = bool(self.accept("DISTINCT"))
        if not distinct:
            self.accept("ALL")
        items = [self.item()]
        while self.accept(","):
            items.append(self.item())
        self.expect("FROM")
        sources = self.sources()
        where = self.condition() if self.accept("WHERE") else None
        group, having = [], None
        if self.accept("GROUP"):
            self.expect("BY")
            group.append(self.value())
            while self.accept(","):
                group.append(self.value())
        if self.accept("HAVING"):
            having = self.condition()
        return ("select", top, distinct, items, sources, where, group, having)

    def integer(self):
        if self.token.kind != "number" or not self.token.text.isdigit():
            self.fail()
        self.pos += 1
        return int(self.tokens[self.pos - 1].text)

    def item(self):
        if self.accept("*"):
            return ("star", None)
        if (self.token.kind == "word" and self.peek(".", ahead=1) and self.peek("*", ahead=2)):
            qualifier = self.name()
            self.pos += 2
            return ("star", qualifier)
        expr = self.value()
        alias = None
        if self.accept("AS") or (self.token.kind == "word" and self.token.value not in RESERVED):
            alias = self.name()
        return ("item", expr, alias)

    def sources(self):
        comma = ansi = False
        tree = self.source()
        while True:
            if self.accept(","):
                comma = True
                tree = ("join", "CROSS", tree, self.source(), None)
                continue
            kind = self.join_kind()
            if kind is None:
                break
            ansi = True
            right = self.source()
            on = None
            if kind != "CROSS":
                self.expect("ON")
                on = self.condition()
            tree = ("join", kind, tree, right, on)
        if comma and ansi:
            raise invalid_query("Invalid or unsupported search: ANSI and comma joins cannot be "
                                "mixed.")
        return tree

    def join_kind(self):
        kind = None
        if self.accept("INNER"):
            kind = "INNER"
        elif self.accept("CROSS"):
            kind = "CROSS"
        elif self.peek("LEFT", "RIGHT", "FULL") and not self.peek("(", ahead=1):
            kind = self.accept("LEFT", "RIGHT", "FULL")
            self.accept("OUTER")
        elif self.peek("JOIN"):
            kind = "INNER"
        if kind is not None:
            self.expect("JOIN")
        return kind

    def source(self):
        if self.accept("("):
            inner = self.query()
            self.expect(")")
            tree = ("derived", inner)
        else:
            tree = ("table", self.name())
        alias = None
        if self.accept("AS") or (self.token.kind == "word" and self.token.value not in RESERVED):
            alias = self.name()
        return tree + (alias,)

    def order_list(self):
        result = []
        while True:
            expr = self.value()
            direction = self.accept("ASC", "DESC")
            nulls = None
            if self.accept("NULLS"):
                nulls = self.accept("FIRST", "LAST") or self.fail()
            result.append((expr, direction, nulls))
            if not self.accept(","):
                return result

    # -- conditions --------------------------------------------------------------------------
    def condition(self):
        parts = [self.conjunction()]
        while self.accept("OR"):
            parts.append(self.conjunction())
        return ("or", parts) if len(parts) > 1 else parts[0]

    def conjunction(self):
        parts = [self.negation()]
        while self.accept("AND"):
            parts.append(self.negation())
        return ("and", parts) if len(parts) > 1 else parts[0]

    def negation(self):
        if self.accept("NOT"):
            return ("not", self.negation())
        return self.predicate()

    def predicate(self):
        if self.accept("EXISTS"):
            self.expect("(")
            inner = self.query()
            self.expect(")")
            return ("exists", inner)
        if (self.peek("(") and not self.peek("SELECT", ahead=1)
                and self.pos not in self.opens_value):
            # a parenthesis opens a condition or a value: try the condition first
            saved = self.pos, self.params
            try:
                self.pos += 1
                inner = self.condition()
                self.expect(")")
                if not self.continues_value():
                    return inner
            except Exception as error:          # pylint: disable=broad-except
                if not getattr(error, "detail", "").startswith("Invalid search query"):
                    raise
            self.pos, self.params = saved
            self.opens_value.add(self.pos)
        return self.comparison(self.value())

    def continues_value(self):
        return self.peek("+", "-", "*", "/", "||", "=", "<>", "!=", "^=", "<", ">", "<=", ">=",
                         "IS", "IN", "LIKE", "BETWEEN")

    def comparison(self, left):
        op = self.accept("=", "<>", "!=", "^=", "<", ">", "<=", ">=")
        if op:
            if self.accept("ANY", "SOME", "ALL"):
                raise invalid_query("Invalid or unsupported search: quantified comparison.")
            if self.peek("(") and self.peek("+", ahead=1):
                raise invalid_query("Invalid or unsupported search: (+) is not supported.")
            right = self.value()
            self.refuse_outer_mark()
            return ("cmp", "<>" if op in ("!=", "^=") else op, left, right)
        self.refuse_outer_mark()
        if self.accept("IS"):
            negated = bool(self.accept("NOT"))
            self.expect("NULL")
            return ("isnull", left, negated)
        negated = bool(self.accept("NOT"))
        if self.accept("IN"):
            return self.in_list(left, negated)
        if self.accept("LIKE"):
            pattern = self.value()
            escape = self.value() if self.accept("ESCAPE") else None
            return ("like", left, pattern, escape, negated)
        if self.accept("BETWEEN"):
            low = self.value()
            self.expect("AND")
            return ("between", left, low, self.value(), negated)
        if self.peek("("):
            raise invalid_query("Invalid or unsupported search: (+) is not supported.")
        self.fail()

    def refuse_outer_mark(self):
        if self.peek("(") and self.peek("+", ahead=1) and self.peek(")", ahead=2):
            raise invalid_query("Invalid or unsupported search: (+) is not supported.")

    def in_list(self, left, negated):
        self.expect("(")
        if self.peek("SELECT"):
            inner = self.query()
            self.expect(")")
            return ("inquery", left, inner, negated)
        values = [self.value()]
        while self.accept(","):
            values.append(self.value())
        self.expect(")")
        if len(values) > 1000:
            raise invalid_query("Invalid or unsupported search: maximum number of expressions in "
                                "a list is 1000.")
        return ("in", left, values, negated)

    # -- values ------------------------------------------------------------------------------
    def value(self):
        left = self.term()
        while self.peek("+", "-", "||"):
            op = self.accept("+", "-", "||")
            left = ("binary", op, left, self.term())
        return left

    def term(self):
        left = self.factor()
        while self.peek("*", "/"):
            op = self.accept("*", "/")
            left = ("binary", op, left, self.factor())
        if self.peek("%"):
            raise invalid_query("Invalid or unsupported search: unexpected '%'.")
        return left

    def factor(self):
        if self.accept("-"):
            return ("negative", self.factor())
        if self.accept("+"):
            return self.factor()
        return self.primary()

    def primary(self):
        token = self.token
        if token.kind == "number":
            self.pos += 1
            return ("number", token.text)
        if token.kind == "string":
            self.pos += 1
            return ("string", token.value)
        if self.accept("?"):
            self.params += 1
            return ("param", self.params - 1)
        if self.accept("NULL"):
            return ("null",)
        if self.accept("CASE"):
            return self.case()
        if self.accept("CAST"):
            return self.cast()
        if self.accept("("):
            if self.peek("SELECT"):
                inner = self.query()
                self.expect(")")
                return ("scalar", inner)
            inner = self.value()
            self.expect(")")
            return inner
        if token.kind == "word":
            return self.reference()
        self.fail()

    def case(self):
        operand = None if self.peek("WHEN") else self.value()
        branches, default = [], None
        while self.accept("WHEN"):
            when = self.condition() if operand is None else self.value()
            self.expect("THEN")
            branches.append((when, self.value()))
        if not branches:
            self.fail()
        if self.accept("ELSE"):
            default = self.value()
        self.expect("END")
        return ("case", operand, branches, default)

    def cast(self):
        self.expect("(")
        inner = self.value()
        self.expect("AS")
        kind = self.name()
        if self.accept("("):
            self.integer()
            if self.accept(","):
                self.integer()
            self.expect(")")
        self.expect(")")
        return ("cast", inner, kind)

    def reference(self):
        token = self.token
        if token.value in ("DATE", "TIMESTAMP") and self.tokens[self.pos + 1].kind == "string":
            raise invalid_query("Invalid or unsupported search: date literals are not supported, "
                                "use TO_DATE.")
        if token.value in RESERVED and not (token.value in ("LEFT", "RIGHT")
                                            and self.peek("(", ahead=1)):
            self.fail()
        self.pos += 1
        first = token.text.lower()
        if first == "builtin" and self.accept("."):
            return self.call("builtin." + self.name())
        if self.peek("(") and not (self.peek("+", ahead=1) and self.peek(")", ahead=2)):
            return self.call(first)
        if self.accept("."):
            return ("column", first, self.name())
        return ("column", None, first)

    def call(self, name):
        self.expect("(")
        distinct = bool(self.accept("DISTINCT"))
        args = []
        if self.accept("*"):
            args.append(("star", None))
        elif not self.peek(")"):
            args.append(self.value())
            while self.accept(","):
                args.append(self.value())
        self.expect(")")
        over = None
        if self.accept("OVER"):
            over = self.window()
        return ("call", name, distinct, args, over)

    def window(self):
        self.expect("(")
        partition, order = [], []
        if self.accept("PARTITION"):
            self.expect("BY")
            partition.append(self.value())
            while self.accept(","):
                partition.append(self.value())
        if self.accept("ORDER"):
            self.expect("BY")
            order = self.order_list()
        self.expect(")")
        return partition, order


def parse(text):
    """The tree of a query and the number of its ? parameters."""
    if not isinstance(text, str) or not text.strip():
        raise invalid_query("Empty query.")
    parser = Parser(text)
    return parser.statement(), parser.params
