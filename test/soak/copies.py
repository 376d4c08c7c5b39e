"""Copies: what is asked of the engine, and how a copy is held against its source."""

import json


class Copy:
    """A copy and the table that it is of."""

    def __init__(self, source, name, key, mode="incremental", history=False, parent=None, **options):
        self.source, self.table, self.mode = source, name, mode
        self.key, self.history, self.parent = key, history, parent
        self.options = options
        self.schema = source.name + "_copies"
        self.target = "%s.%s" % (self.schema, name)
        self.foreign = "%s.%s" % (source.schema, name)
        self.owner = source.owner

    def make(self, world):
        settings = dict(self.options, mode=self.mode, history=self.history, key=self.key)
        if self.parent:
            settings["parent"] = self.parent.target
        names = ", ".join("%s => %%(%s)s" % (n, n) for n in settings)
        world.ask("SELECT ingest.create_sync(%%(source_table)s::regclass, %%(target)s, %s)" % names,
                  dict(settings, source_table=self.foreign, target=self.target), role=self.owner)
        # the world's own eye: what was written, in the transaction that wrote it
        world.ask("CREATE TRIGGER witness AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION "
                  "witness.saw('%s')" % (self.target, self.target))
        world.ask("ALTER TABLE %s ENABLE ALWAYS TRIGGER witness" % self.target)

    def rows(self, world, database=None):
        """Rows of the copy as dictionaries; deleted ones that are kept are left out."""
        where = {"database": database} if database else {}
        rows = [row for row, in world.ask("SELECT to_jsonb(t) FROM %s t" % self.target, **where)]
        return [r for r in rows if r.pop("_deleted_at", None) is None]

    def key_of(self, row):
        return tuple(row.get(k) for k in self.key)


def differences(copy, here, there):
    """Rows that a copy and its source do not share: (key, what).  What went at the source may stay in the copy."""
    found = []
    mine, theirs = {}, {}
    for rows, place in ((here, mine), (there, theirs)):
        for row in rows:
            key = json.dumps(copy.key_of(row))
            if key in place:
                found.append((key, "twice in the %s" % ("copy" if place is mine else "source")))
            place[key] = row
    for key in sorted(mine.keys() | theirs.keys()):
        if key not in mine:
            found.append((key, "missing in the copy: %s" % json.dumps(theirs[key])))
        elif key not in theirs:
            found.append((key, "not at the source any more: %s" % json.dumps(mine[key])))
        else:
            other = {c: (v, mine[key].get(c, "no such column")) for c, v in theirs[key].items()
                     if not same(v, mine[key].get(c, "no such column"))}
            if other:
                found.append((key, ", ".join("%s: source %s, copy %s" % (c, json.dumps(v), json.dumps(w))
                                             for c, (v, w) in sorted(other.items()))))
    return found


def same(a, b):
    """Values as JSON; numbers by value."""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)) and not isinstance(a, bool) and not isinstance(b,
            bool):
        return a == b
    return a == b and type(a) is type(b)
