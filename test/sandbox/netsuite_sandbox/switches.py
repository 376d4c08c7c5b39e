"""Every [unsure] of PROTOCOL.md as a switch: name, default, meaning."""

SWITCHES = {
    "numbers_as_json": (False, "numbers come as JSON numbers, not strings"),
    "booleans_as_json": (False, "booleans come as true and false"),
    "nulls_present": (False, "null columns come as null instead of being left out"),
    "leading_zero": (True, "0.5 rather than .5"),
    "exponents": (False, "small numbers come as 1E-7"),
    "key_case": ("lower", "case of item keys: lower, upper or mixed"),
    "member_order": ("usual", "order of the reply's members: usual or items-first"),
    "concurrency_status": (429, "status of a concurrency refusal: 429 or 400"),
    "concurrency_code": ("CONCURRENCY_LIMIT_EXCEEDED", "or SSS_REQUEST_LIMIT_EXCEEDED"),
    "concurrency_limit": (5, "requests at once"),
    "retry_after": (False, "concurrency refusals carry Retry-After: 1"),
    "max_limit": (1000, "largest page; 3000 in some accounts"),
    "total_capped": (False, "totalResults stops at 100,000"),
    "case_insensitive": (False, "text comparison ignores case"),
    "accent_insensitive": (False, "text comparison ignores accents"),
    "ignore_trailing_blanks": (False, "text = ignores trailing blanks"),
    "collation_on_columns": (False, "columns have such a collation, comparisons of literals are exact"),
    "text_sort": ("binary", "order of text: binary or linguistic"),
    "date_format": ("FMMM/FMDD/YYYY", "display format of bare dates, as to_char takes it"),
    "time_format": ("FMHH12:MI am", "and of the time of day; empty shows none"),
    "datetime_zone": ("UTC", "zone in which datetime columns are shown"),
    "sysdate_zone": ("America/Los_Angeles", "zone of SYSDATE"),
    "dual": (True, "FROM dual works"),
    "fetch_first": (True, "FETCH FIRST n ROWS ONLY works"),
    "bare_order_by_empty": (False, "ORDER BY without ASC or DESC gives no rows"),
    "unstable_order": (True, "pages without ORDER BY come in any order"),
    "expires_in_as_string": (True, "expires_in of a token is a string"),
    "unknown_column": ("field", "wording for an unknown column: field, identifier or unnamed"),
    "hidden_tables": ([], "tables that the role cannot see"),
    "hidden_columns": ([], "table.column that the role cannot see"),
    "poison_columns": ([], "table.column that answer 500 for ever"),
    "governance_allowed": (True, "the role may read governanceLimits"),
    "suiteql_allowed": (True, "the role may run SuiteQL"),
    "record_allowed": (True, "the role may use the record service"),
    "metadata_allowed": (True, "the role may read the metadata catalogue"),
    "catalog_seconds": (0.0, "how long the whole metadata catalogue takes"),
    "odd_bytes": (False, "NULHERE becomes \\u0000 and BADUTF8 an invalid byte in pages"),
    "gzip": (True, "replies are compressed when asked"),
    "redirect_to": ("https://elsewhere.invalid/", "target of the redirect fault"),
}


def defaults():
    return {name: list(value) if isinstance(value, list) else value
            for name, (value, _) in SWITCHES.items()}


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
