"""What NetSuite's documents leave open, and what accounts were seen to differ in: each is a switch.

Name: (default, meaning[, values]).  Values are those that personalities draw from: both of a switch
that is on or off unless others are named; an empty list leaves it to tests.
"""

# both halves of the world, offsets of half hours, clocks that change at midnight or no longer
ZONES = ("UTC", "America/Los_Angeles", "Europe/Vienna", "Europe/London", "Asia/Kolkata",
         "America/Santiago", "Asia/Beirut", "America/St_Johns", "Pacific/Auckland", "America/Sao_Paulo")

SWITCHES = {
    # values
    "numbers_as_json": (False, "numbers come as JSON numbers, not strings"),
    "booleans_as_json": (False, "booleans come as true and false"),
    "nulls_present": (False, "null columns come as null instead of being left out"),
    "null_value": ("null", "what nulls_present shows: null or empty (\"\")", ("null", "empty")),
    "leading_zero": (True, "0.5 rather than .5"),
    "exponents": (False, "small numbers come as 1E-7"),
    "date_format": ("FMMM/FMDD/YYYY", "display format of bare dates, as to_char takes it",
                    ("FMMM/FMDD/YYYY", "DD.MM.YYYY", "FMDD.FMMM.YYYY", "YYYY-MM-DD", "DD-Mon-YYYY", "FMDD/FMMM/YYYY")),
    "time_format": ("FMHH12:MI am", "and of the time of day; empty shows none", ("FMHH12:MI am", "HH24:MI", "")),
    "datetime_zone": ("UTC", "zone in which datetime columns are shown", ZONES),
    "sysdate_zone": ("America/Los_Angeles", "zone of SYSDATE", ("America/Los_Angeles", "UTC", "Europe/London")),
    "current_zone": ("sysdate", "zone of CURRENT_TIMESTAMP and CURRENT_DATE: sysdate, datetime or UTC", ("sysdate", "datetime", "UTC")),
    "odd_bytes": (False, "NULHERE becomes \\u0000 and BADUTF8 an invalid byte in pages", ()),
    # the form of a page
    "key_case": ("lower", "case of item keys: lower, upper or mixed", ("lower", "upper", "mixed")),
    "member_order": ("usual", "order of the reply's members: usual or items-first", ("usual", "items-first")),
    "items_reversed": (False, "columns of an item come in reverse, its links last"),
    "item_links": (False, "links of an item are not empty, and name another host"),
    "escaped_json": (False, "letters beyond ASCII and slashes come as escapes"),
    "spaced_json": (False, "blanks and line breaks between the reply's members"),
    "count_form": ("number", "count of a page: number, string or missing", ("number", "string", "missing")),
    "totals": ("number", "totalResults: number, string, null or missing", ("number", "string", "null", "missing")),
    "total_capped": (False, "totalResults stops at 100,000"),
    "has_more": ("boolean", "hasMore: boolean, string or missing (links tell)", ("boolean", "string", "missing")),
    "max_limit": (1000, "largest page; 3000 in some accounts", (1000, 3000)),
    "limit_clipped": (False, "a larger limit gives a page of max_limit rows instead of a refusal"),
    "short_pages": (0, "pages have at most so many rows, whatever the limit; 0 gives whole ones", ()),
    # SuiteQL
    "case_insensitive": (False, "text comparison ignores case"),
    "accent_insensitive": (False, "text comparison ignores accents"),
    "ignore_trailing_blanks": (False, "text = ignores trailing blanks"),
    "text_sort": ("binary", "order of text: binary or linguistic", ("binary", "linguistic")),
    "collation_on_columns": (False, "columns have such a collation, comparisons of literals are exact"),
    "dual": (True, "FROM dual works"),
    "multi_currency": (True, "the feature Multiple Currencies is on: table currency exists"),
    "fetch_first": (True, "FETCH FIRST n ROWS ONLY works"),
    "fetch_first_status": (400, "status of its refusal: 400 or 500", (400, 500)),
    "bare_order_by_empty": (False, "ORDER BY without ASC or DESC gives no rows"),
    "unstable_order": (True, "pages without ORDER BY come in any order"),
    # refusals
    "error_shape": ("details", "error bodies: details (o:errorDetails), top (detail at the top level) or nested ({\"error\": …})",
                    ("details", "top", "nested")),
    "query_error_code": ("INVALID_PARAMETER", "code of a query that cannot be run: INVALID_PARAMETER or USER_ERROR",
                         ("INVALID_PARAMETER", "USER_ERROR")),
    "unknown_column": ("field", "wording for an unknown column: field, identifier, identifier-empty, german or unnamed",
                       ("field", "identifier", "identifier-empty", "german", "unnamed")),
    "unknown_record": ("not-found", "wording for an unknown table: not-found or search-type", ("not-found", "search-type")),
    "permission_status": (403, "status of a missing permission: 403 INSUFFICIENT_PERMISSION or 400 USER_ERROR", (403, 400)),
    "concurrency_status": (429, "status of a concurrency refusal: 429 or 400", (429, 400)),
    "concurrency_code": ("CONCURRENCY_LIMIT_EXCEEDED", "or SSS_REQUEST_LIMIT_EXCEEDED, or any other, where only the words tell",
                         ("CONCURRENCY_LIMIT_EXCEEDED", "SSS_REQUEST_LIMIT_EXCEEDED", "USER_ERROR")),
    "refusal_body": ("json", "body of a concurrency refusal: json or html", ("json", "html")),
    "retry_after": (False, "concurrency refusals carry Retry-After: 1"),
    "concurrency_limit": (5, "requests at once", (5, 3, 2)),
    "refuse_every": (0, "every nth request is refused as one too many", (0, 13, 41)),
    "fail_every": (0, "every nth request meets a passing failure", (0, 17, 53)),
    "failure": ("502-html", "that failure: 500, 502-html, 503 or 504", ("502-html", "500", "503", "504")),
    # rights
    "company_language": ("", "language that requests must name in Accept-Language; empty asks for none",
                         ("", "de-DE", "", "zh-CN", "", "en-US")),
    "tba": (True, "token-based authentication is accepted"),
    "certificate_expired": (False, "the certificates of OAuth 2.0 have expired", ()),
    "server_time_signed": (True, "serverTime wants a login"),
    "suiteql_allowed": (True, "the role may run SuiteQL", ()),
    "record_allowed": (True, "the role may use the record service"),
    "record_refusal": ("permission", "if not, what it says: permission, locked, method or missing", ("permission", "locked", "method", "missing")),
    "metadata_allowed": (True, "the role may read the metadata catalogue"),
    "governance_allowed": (True, "the role may read governanceLimits"),
    "governance_type": ("integrationSpecific", "or accountLimit or internal, then without the integration's limit",
                        ("integrationSpecific", "accountLimit", "internal")),
    "hidden_tables": ([], "tables that the role cannot see"),
    "hidden_columns": ([], "table.column that the role cannot see"),
    "poison_columns": ([], "table.column that answer 500 for ever"),
    # the record service
    "record_zone": ("UTC", "zone in which records show moments, with its offset", ("UTC", "America/Los_Angeles")),
    "record_keys": ("camel", "fields of records: camel or lower", ("camel", "lower")),
    "ref_names": (True, "references carry refName"),
    "odd_external_ids": (True, "eid: takes other characters than letters, digits, _ and -"),
    "filterable_as": ("list", "x-ns-filterable: a list on the schema, or flags on its properties", ("list", "flags")),
    "catalog_seconds": (0.0, "how long the whole metadata catalogue takes", (0.0, 3.0)),
    # HTTP
    "expires_in_as_string": (True, "expires_in of a token is a string"),
    "token_type": ("bearer", "token_type of a token: bearer or Bearer", ("bearer", "Bearer")),
    "gzip": (True, "replies are compressed when asked"),
    "chunked": (False, "replies come in chunks, without Content-Length"),
    "lower_headers": (False, "names of headers come in lower case"),
    "plain_content_type": (False, "Content-Type is application/json; charset=UTF-8 throughout"),
    "keep_alive": ("yes", "connections: yes keeps them, close closes with a word, dies without one and without a reply each fifth time",
                   ("yes", "close", "dies")),
    "redirect_to": ("https://elsewhere.invalid/", "target of the redirect fault"),
}


def defaults():
    return {name: list(switch[0]) if isinstance(switch[0], list) else switch[0]
            for name, switch in SWITCHES.items()}


def values(name):
    """What personalities may draw; empty if none."""
    switch = SWITCHES[name]
    if len(switch) > 2:
        return switch[2]
    return (switch[0], not switch[0]) if isinstance(switch[0], bool) else ()


def table():
    """The switches as the README shows them."""
    lines = ["| switch | values | meaning |", "| --- | --- | --- |"]
    for name, switch in SWITCHES.items():
        shown = ["on", "off"] if isinstance(switch[0], bool) else sorted(map(str, set(values(name))), key=str)
        default = ("on" if switch[0] else "off") if isinstance(switch[0], bool) else str(switch[0]) if switch[0] != [] else "none"
        shown = ["**%s**" % default if default else "**empty**"] + [v or "empty" for v in shown if v != default]
        lines.append("| %s | %s | %s |" % (name, ", ".join(shown), switch[1]))
    return "\n".join(lines) + "\n"


def set_switch(switches, name, value):
    """Set one, keeping its type."""
    if name not in SWITCHES:
        raise ValueError("unknown switch %r; known: %s" % (name, ", ".join(sorted(SWITCHES))))
    default = SWITCHES[name][0]
    if isinstance(value, str) and isinstance(default, bool):
        value = value.lower() in ("1", "on", "true", "yes")
    elif isinstance(value, str) and isinstance(default, list):
        value = [v for v in value.split(",") if v]
    elif isinstance(default, (int, float)) and not isinstance(default, bool):
        value = type(default)(value)
    switches[name] = value
