"""Personalities: whole accounts that differ in everything that is unsure at once.

personalities.json, which ../make-personalities writes, holds for each its name, the switches that
differ from the usual account's, and the server options that an administrator of such an account
would set.
"""

import itertools
import json
import os
import random

from .switches import SWITCHES, defaults, values

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "personalities.json")
NAMES = ("usual", "amber", "basalt", "cobalt", "denim", "ebony", "flint", "garnet", "hazel", "indigo", "jade", "khaki")
# A two-valued switch is a column of the array: the personalities in which it is not as usual.  Any two
# different sets of half of all but the first personality hold all four combinations: neither contains
# the other, they meet, and the first is in none.
COLUMNS = list(itertools.combinations(range(1, len(NAMES)), len(NAMES) // 2))


def two_valued():
    return [name for name in SWITCHES if len(set(values(name))) == 2]


def many_valued():
    return [name for name in SWITCHES if len(set(values(name))) > 2]


def other(name):
    """The value of a two-valued switch that is not its default."""
    return next(v for v in values(name) if v != SWITCHES[name][0])


def columns():
    """{two-valued switch: its column}.  Which one depends on its name alone, so that a new switch
    leaves the others where they are."""
    taken, result = set(), {}
    for name in sorted(two_valued()):
        place = random.Random(name).randrange(len(COLUMNS))
        while place in taken:
            place = (place + 1) % len(COLUMNS)
        taken.add(place)
        result[name] = COLUMNS[place]
    return result


def draw(name):
    """A value of a many-valued switch for each personality but the first: all of them in turn, shuffled."""
    pool = sorted(values(name), key=lambda v: v == SWITCHES[name][0])       # the usual value last
    drawn = [pool[i % len(pool)] for i in range(len(NAMES) - 1)]
    random.Random(name).shuffle(drawn)
    return [SWITCHES[name][0]] + drawn


def make():
    """All personalities."""
    array, drawn = columns(), {name: draw(name) for name in many_valued()}
    result = []
    for i, name in enumerate(NAMES):
        switches = {s: other(s) for s in SWITCHES if i in array.get(s, ())}
        switches.update((s, drawn[s][i]) for s in drawn if drawn[s][i] != SWITCHES[s][0])
        # a page that says neither whether more comes nor how much there is is none
        if switches.get("has_more") == "missing" and switches.get("totals") in ("missing", "null"):
            del switches["has_more"]
        switches = {s: switches[s] for s in SWITCHES if s in switches}
        result.append({"name": name, "switches": switches, "options": options(switches)})
    return result


def options(switches):
    """The server options that an administrator of such an account would set, and no more."""
    full = dict(defaults(), **switches)
    result = {}
    if full["company_language"]:
        result["accept_language"] = full["company_language"]
    # where the zone cannot be measured, or is none that can be told from measuring
    measurable = full["record_allowed"] and full["datetime_zone"] in ("UTC", "America/Los_Angeles")
    if not measurable:
        result["timezone"] = full["datetime_zone"]
    return result


def load():
    """{name: personality} as committed."""
    with open(FILE, encoding="utf-8") as file:
        return {p["name"]: p for p in json.load(file)}


def find(name):
    known = load()
    if name not in known:
        raise ValueError("unknown personality %r; known: %s" % (name, ", ".join(known)))
    return known[name]


def literal(text):
    return "'%s'" % str(text).replace("'", "''")


def sql_options(personality):
    """Its server options, to stand behind others: ", timezone 'UTC'"."""
    return "".join(", %s %s" % (name, literal(value)) for name, value in personality["options"].items())


def sql_mapping(personality, credentials, state):
    """The options of a user mapping that it accepts."""
    c = credentials
    if personality["switches"].get("tba", True):
        pairs = [(n, c[n]) for n in ("consumer_key", "consumer_secret", "token_id", "token_secret")]
    else:
        pairs = [("client_id", c["client_id"]), ("certificate_id", c["ec_certificate_id"]),
                 ("private_key_file", os.path.join(state, "client_ec.pem"))]
    return ", ".join("%s %s" % (name, literal(value)) for name, value in pairs)
