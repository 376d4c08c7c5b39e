"""metadata-catalog: record types and their JSON schemas (PROTOCOL section 7)."""

from .errors import NetSuiteError
from .schema import REST_ONLY, SUITEQL_ONLY

WORDS = sorted("""account accounting address amount approval average badge base bill billing
birth book bought checked close closed company cost country created creation credit currency customer date days
default deleted department discount display due email employee end entity exchange
external fax field first flag foreign full gross hidden hire id inactive income is iso item job last
latitude legal level limit line linked location long longitude make memo modified name net number numeric on order
other owner paid parent period person phone posting precision previous price profit projected purchase
quantity quarter rate record region rep reversal sales scale script segment serial source start
status subsidiary supervisor symbol tax terms term title total tran transaction type unit units
unpaid until url value vendor visible voided year available inventory elimination stored adjust locked
to by for available""".split(), key=len, reverse=True)


def camel(name):
    """lastmodifieddate → lastModifiedDate; custom fields stay as they are."""
    if "_" in name:
        return name
    parts, i = [], 0
    while i < len(name):
        word = next((w for w in WORDS if name.startswith(w, i)), None)
        if word is None:
            return name
        parts.append(word)
        i += len(word)
    return parts[0] + "".join(p.capitalize() for p in parts[1:])


def record_types(tables):
    """{REST record type: table}."""
    result = {}
    for table in tables.values():
        for record in table.records:
            result[record] = table
        if table.custom:
            result[table.name] = table
    return result


def find_type(tables, name):
    """A record type by its name in any case: (name, table), or None."""
    for known, table in record_types(tables).items():
        if known.lower() == name.lower():
            return known, table
    return None


def filterable(column):
    """May q name it?"""
    return column.kind not in ("clob", "multi")


def listing(tables, base, select):
    types = record_types(tables)
    if select:
        found = [find_type(tables, n.strip()) for n in select.split(",")]
        names = [f[0] for f in found if f]
    else:
        names = sorted(types)
    return {"items": [{"name": n, "links": links(base, n)} for n in names],
            "links": [{"rel": "self", "href": base}]}


def links(base, name):
    href = "%s/%s" % (base, name)
    return [{"rel": "canonical", "href": href, "mediaType": "application/json"},
            {"rel": "alternate", "href": href, "mediaType": "application/swagger+json"},
            {"rel": "alternate", "href": href, "mediaType": "application/schema+json"}]


REFERENCE = {"type": "object", "properties": {
    "id": {"title": "Internal identifier", "type": "string"},
    "refName": {"title": "Reference Name", "type": "string"},
    "externalId": {"title": "External identifier", "type": "string"},
    "links": {"title": "Links", "type": "array", "readOnly": True}}}
SHAPES = {"id": {"type": "integer", "format": "int64"}, "int": {"type": "integer", "format": "int64"},
          "num": {"type": "number", "format": "double"}, "money": {"type": "number", "format": "double"},
          "bool": {"type": "boolean"}, "date": {"type": "string", "format": "date"},
          "datetime": {"type": "string", "format": "date-time"}, "text": {"type": "string"},
          "clob": {"type": "string"}, "ref": REFERENCE,
          "multi": {"type": "object", "properties": {"items": {"type": "array"}}}}


def schema(tables, base, name, filterable_as="list"):
    """The JSON schema of a record type, unlike its SuiteQL columns on purpose."""
    found = find_type(tables, name)
    if found is None:
        raise NetSuiteError(404, "NONEXISTENT_ID", "Record type '%s' does not exist." % name)
    name, table = found
    properties = {"links": {"title": "Links", "type": "array", "readOnly": True,
                            "items": {"$ref": base + "/nsLink"}},
                  "refName": {"title": "Reference Name", "type": "string"}}
    hidden = SUITEQL_ONLY.get(table.name, ())
    for column in table.columns.values():
        if column.name in hidden:
            continue
        shape = dict(SHAPES[column.kind], title=column.title, nullable=column.name not in table.key)
        if column.kind == "id":
            shape = {"type": "string", "title": "Internal ID", "nullable": True}
        if column.custom:
            shape["x-ns-custom-field"] = True
        if filterable_as == "flags":
            shape["x-ns-filterable"] = filterable(column)
        properties[camel(column.name)] = shape
    for field, kind in REST_ONLY.get(table.name, {}).items():
        if kind in ("sublist", "subrecord"):
            properties[field] = {"$ref": "%s/%s-%sCollection" % (base, name, field)}
        elif kind == "reference":
            properties[field] = dict(REFERENCE, title=field)
        else:
            properties[field] = {"title": field, "type": kind, "nullable": True}
    result = {"type": "object", "properties": properties,
              "$schema": "https://json-schema.org/draft-06/hyper-schema#"}
    if filterable_as == "list":
        result["x-ns-filterable"] = [camel(c.name) for c in table.columns.values()
                                     if c.name not in hidden and filterable(c)]
    if table.custom:
        result["x-ns-custom-record"] = True
    return result
