#!/usr/bin/python3
"""The living month: random life of sources, jobs and consumers, and one oracle.  docs/testing.md tells of it."""

import argparse
import logging
import os
import sys
import time
import traceback

from consumers import CONSUMERS, Consumer, Emitter
from files import Files
from hand import Hand
from jobs import OWNERS, Jobs
from judge import Judge
from moments import Moments
from shop import Shop
from selftest import selftest
import maria
import netsuite
from troubles import Troubles
from world import DATABASE, WORK, World

WITNESS = """
CREATE SCHEMA witness;
CREATE TABLE witness.seen (copy text, op text, same boolean, gone boolean, xid xid8 DEFAULT pg_current_xact_id(), at
    timestamptz DEFAULT clock_timestamp());
CREATE TABLE witness.emitted (n bigint GENERATED ALWAYS AS IDENTITY, role text);
CREATE TABLE witness.asked (role text);
CREATE TABLE witness.effect (role text);
GRANT USAGE ON SCHEMA witness TO PUBLIC;
GRANT INSERT, SELECT ON witness.emitted, witness.asked, witness.effect TO PUBLIC;
CREATE FUNCTION witness.saw() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    -- by the name it had first: copies are renamed
    INSERT INTO witness.seen (copy, op, same, gone) VALUES (TG_ARGV[0], TG_OP, TG_OP = 'UPDATE' AND OLD IS NOT DISTINCT FROM NEW,
        TG_OP = 'UPDATE' AND to_jsonb(OLD)->>'_deleted_at' IS NULL AND to_jsonb(NEW)->>'_deleted_at' IS NOT NULL);
    RETURN NULL;
END $$;
CREATE FUNCTION witness.rows(s name, t name) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM %I.%I t WHERE to_jsonb(t)->>''_deleted_at'' IS NULL', s, t) INTO n;
    RETURN n;
END $$;
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--week", type=float, default=120, help="seconds of life between two judgements")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--without", default="", help="troubles and checks to leave out, by their names")
    parser.add_argument("--only", default="", help="of the troubles, these alone")
    parser.add_argument("--kills", type=int, default=0, help="at least that many in all: while there are fewer than the "
                        "time that has passed has room for, the next step may be one")
    parser.add_argument("--owed", default=os.path.join(os.path.dirname(os.path.realpath(__file__)), "owed"),
                        help="a file of what the product is known not to stand yet, one name a line; left out too")
    parser.add_argument("--sources", default="shop maria files netsuite")
    parser.add_argument("--all", action="store_true", help="what is owed too")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--selftest", action="store_true", help="afterwards, see each check fail")
    return parser.parse_args()


def owed(file):
    with open(file) as lines:
        return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]


def make_world(args):
    without = args.without.replace(",", " ").split()
    if not args.all:
        without += owed(args.owed)
    world = World(args.seed, without, args.verbose)
    world.shop_down = False
    world.ask("CREATE DATABASE %s" % DATABASE, database="postgres")
    world.ask("CREATE EXTENSION ingest CASCADE")
    for owner in OWNERS:
        world.ask("CREATE ROLE %s LOGIN; GRANT ingest_operator TO %s; GRANT CREATE ON DATABASE %s TO %s" % (owner,
                owner, DATABASE, owner))
    world.ask("CREATE ROLE anna LOGIN; GRANT ingest_admin TO anna")
    world.ask(WITNESS)
    for kind in sources(args):
        source = kind(world)
        world.ask("CREATE SCHEMA %s_copies AUTHORIZATION %s" % (source.name, source.owner))
        copies = source.set_up()
        world.sources.append(source)
        for copy in copies:
            copy.make(world)
            world.copies.append(copy)
    return world


def sources(args):
    """Those that are asked for and can be had."""
    asked = args.sources.replace(",", " ").split()
    possible = {"shop": (Shop, True), "maria": (maria.Maria, maria.there()), "files": (Files, True),
                "netsuite": (netsuite.Netsuite, netsuite.there())}
    for name in asked:
        if not possible[name][1]:
            print("there is no %s here: left out" % name, flush=True)
    return [possible[name][0] for name in asked if possible[name][1]]


def draw(rng, weighted):
    names = sorted(weighted)
    return rng.choices(names, [weighted[n][1] for n in names])[0]


def live(world, seconds, troubles, jobs, only, kills):
    """Life until the time is over.  kills: how many are to have been at a moment."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if sum(n for what, n in world.kills.items() if not what.startswith("terminated")) < kills(time.monotonic()):
            if world.rng.random() < 0.25:
                act(world, troubles.kills(), only)
        dice = world.rng.random()
        source = world.rng.choice(world.sources)
        if dice < 0.72:
            if not source.down:
                source.edit()
        elif dice < 0.86 and not source.down:
            act(world, source.troubles(), only)
        elif dice < 0.9:
            jobs.effect()
        elif dice < 0.97:
            act(world, troubles.all(), only)
        source.tick()
        troubles.tick()
        time.sleep(world.rng.expovariate(12))


def act(world, possible, only):
    possible = {n: p for n, p in possible.items() if world.has(n) and (not only or n in only)}
    if possible:
        possible[draw(world.rng, possible)][0]()


def report(world, judge, moments, threads, args):
    print("steps %d, kills %s, moments seen %d, moments asked %d" % (len(world.steps), world.kills, len(moments.seen),
                                                                     judge.counts.get("moments", 0)))
    print("checks: %s" % ", ".join("%s %s" % (n, judge.counts[n]) for n in sorted(judge.counts)))
    for thread in threads:
        if isinstance(thread, Consumer):
            print("consumer %s: %d events in %d reads, died %d times" % (thread.consumer, len(thread.received),
                                                                         thread.reads, thread.deaths))
        if isinstance(thread, Hand):
            print("by hand: %s" % thread.done)
    print("runs: %s" % world.ask("SELECT kind, state, count(*) FROM ingest.run GROUP BY 1, 2 ORDER BY 1, 2"))
    for at, text in world.notes[:40]:
        print("note at %.1f s: %s" % (at, text))
    with open(os.path.join(WORK, "month.steps"), "w") as file:
        file.writelines("%8.2f  %s\n" % (at, text) for at, text, _ in world.steps)
    if world.owed:
        print("owed, seen and not counted: %s" % world.owed)
    kinds = {}
    for _, kind, text, _ in world.findings:
        kinds[kind] = kinds.get(kind, 0) + 1
    print("%d findings %s; again: SEED=%s SECONDS=%g WEEK=%g" % (len(world.findings), kinds or "", args.seed,
                                                                 args.seconds, args.week))


def main():
    args = arguments()
    # what it says of sessions that were killed
    logging.getLogger("psycopg").setLevel(logging.CRITICAL)
    print("seed %s, %g seconds in weeks of %g" % (args.seed, args.seconds, args.week), flush=True)
    world = make_world(args)
    if args.selftest:
        world.without.add("prune")                      # an outbox that is pruned is not compared
    print("left out: %s" % (" ".join(sorted(world.without)) or "nothing"), flush=True)
    troubles, jobs = Troubles(world), Jobs(world)
    moments = Moments(world, max(1, 300 / args.seconds))
    threads = [Consumer(world, name) for name in CONSUMERS] + [Emitter(world,
                                                                       owner) for owner in OWNERS] + [Hand(world)]
    judge = Judge(world, jobs, troubles, threads, moments)
    for thread in threads:
        if isinstance(thread, Consumer):
            thread.subscribe()
    for thread in threads + [moments]:
        thread.start()
    only = set(args.only.replace(",", " ").split())
    end = time.monotonic() + args.seconds
    week = 0
    try:
        while time.monotonic() < end:
            week += 1
            world.step("-- week %d" % week)
            jobs.begin()
            for thread in threads:
                thread.quiet.clear()
            live(world, min(args.week, end - time.monotonic()), troubles, jobs, only,
                 lambda now: args.kills * (1 - (end - now) / args.seconds))
            judge.judge(restore=world.has("restore") and (week % 3 == 1 or time.monotonic() >= end))
    except Exception:                                   # what was found until then is told all the same
        world.finding("driver", "the month ended before its time", traceback.format_exc().split("\n"))
    for thread in threads + [moments]:
        thread.ended.set()
    report(world, judge, moments, threads, args)
    if args.selftest:
        if world.findings:
            print("no selftest in a world that is not right")
        else:
            selftest(world, judge, threads)
    held = sum(judge.counts.get(n, 0) for n in ("books", "copies compared", "histories replayed", "moments",
                                                "restored")) + len(CONSUMERS)
    print("month: %d held, %d did not" % (max(0, held - len(world.findings)), len(world.findings)))
    return 1 if world.findings else 0


if __name__ == "__main__":
    sys.exit(main())
