"""The Numenta Anomaly Benchmark's scoring (Lavin and Ahmad, 2015) of anomaly_scores(), with its fixed parameters.

With PG_INGEST_DATA its nab/data/**.csv and nab/labels/combined_windows.json, as that repository lays them out; without, series
of the same kinds with anomalies planted at known places, drawn from a fixed seed, of which the line says "data": "own"."""

import csv
import datetime
import glob
import json
import math
import os
import random
import statistics

from common import connect, finish, table, upper

PROBATION = 0.15
FALSE_ALARM = 0.11      # the standard profile's weight; a hit and a miss weigh 1


def worth(position):
    """Of an alarm: from almost 1 at the left edge of a window (-1) to 0 at its right edge, and negative behind it."""
    return -1.0 if position > 3 else 2 / (1 + math.exp(5 * position)) - 1


def scored(alarms, windows):
    """Score of a series, windows that count, windows hit, false alarms."""
    first = min(math.floor(PROBATION * len(alarms)), PROBATION * 5000)
    counted = [(a, b) for a, b in windows if b >= first]
    score, hits, false = 0.0, 0, 0
    for a, b in counted:
        inside = [i for i in range(a, b + 1) if alarms[i] and i >= first]
        hits += bool(inside)
        score += worth(-(b - inside[0] + 1) / (b - a + 1)) / worth(-1) if inside else -1
    for i, alarm in enumerate(alarms):
        if not alarm or i < first or any(a <= i <= b for a, b in windows):
            continue
        before = [(a, b) for a, b in windows if b < i]
        score += FALSE_ALARM * (worth((i - before[-1][1]) / max(before[-1][1] - before[-1][0], 1)) if before else -1)
        false += 1
    return score, len(counted), hits, false


def given(folder):
    path = os.path.join(folder, "labels", "combined_windows.json")
    found = sorted(glob.glob(os.path.join(folder, "data", "**", "*.csv"), recursive=True))
    if not os.path.exists(path) or not found:
        raise SystemExit("there is no %s" % (path if found else os.path.join(folder, "data", "**.csv")))
    with open(path, encoding="utf-8") as file:
        labels = json.load(file)

    def moment(text):
        return datetime.datetime.fromisoformat(text[:19])
    for path in found:
        name = os.path.relpath(path, os.path.join(folder, "data")).replace(os.sep, "/")
        if name not in labels:
            raise SystemExit("combined_windows.json says nothing of %s" % name)
        with open(path, encoding="utf-8") as file:
            rows = [(moment(r["timestamp"]), float(r["value"])) for r in csv.DictReader(file)]
        times = [t for t, _ in rows]
        step = statistics.median((b - a).total_seconds() for a, b in zip(times, times[1:]))
        yield name, [v for _, v in rows], [(times.index(moment(a)), times.index(moment(b))) for a, b in labels[name]], round(86400 / step)


def load(rng, n, day):
    """A daily wave with noise that lasts."""
    noise, values = 0.0, []
    for i in range(n):
        noise = 0.8 * noise + rng.gauss(0, 1)
        values.append(50 + 20 * math.sin(2 * math.pi * i / day) + 2 * noise)
    return values


def volume(rng, n, day):
    """Counts: a few at night, many by day, bursts at times."""
    return [float(int(rng.expovariate(1) * (40 if rng.random() < 0.004 else 12) * (1.2 + math.sin(2 * math.pi * i / day)))) for i in range(n)]


def share(rng, n, day):
    """Parts of one, that wander."""
    level, values = -3.0, []
    for i in range(n):
        level += 0.02 * (-3 - level) + rng.gauss(0, 0.03)
        values.append(1 / (1 + math.exp(-level - rng.gauss(0, 0.1))))
    return values


def spoil(rng, kind, values, at):
    """An hour to half a day that is not as before."""
    scale = statistics.pstdev(values)
    what, length = rng.choice(["spike", "shift", "drop", "noise"]), rng.choice([1, 12, 60, 140])
    for i in range(at, at + length):
        v = values[i]
        values[i] = v + 6 * scale if what == "spike" else v + 3 * scale if what == "shift" else v * 0.05 if what == "drop" else v + rng.gauss(0, 4 * scale)
        values[i] = min(max(values[i], 0.0), 1.0) if kind is share else max(float(math.floor(values[i])), 0.0) if kind is volume else values[i]


def drawn():
    rng = random.Random(58)
    for number in range(30):
        kind, day = (load, volume, share)[number % 3], 288
        values = kind(rng, 4032, day)
        places = sorted(rng.sample(range(900, 3700, 400), number % 3))
        for at in places:
            spoil(rng, kind, values, at)
        width = 403 // max(len(places), 1)
        yield "%s %d" % (kind.__name__, number), values, [(at - width // 2, at + width // 2) for at in places], day


def poisson(rng, mean):
    n, left = 0, math.exp(-mean)
    product = rng.random()
    while product > left:
        product *= rng.random()
        n += 1
    return float(n)


def office(rng, i, level=1000.0):
    return level * (0.02 if i % 7 >= 5 else 1) * math.exp(rng.gauss(0, 0.05))


# series of which nothing is odd, and what is done to the last point that then must be found
USUAL = {
    "7 points, 5 % noise; × 0.1": (8, None, lambda r, i: 100 * math.exp(r.gauss(0, 0.05)), lambda v: v * 0.1),
    "14 points; × 0.5": (15, None, lambda r, i: 100 * math.exp(r.gauss(0, 0.05)), lambda v: v * 0.5),
    "60 points; × 0.7": (61, None, lambda r, i: 100 * math.exp(r.gauss(0, 0.05)), lambda v: v * 0.7),
    "500 points; × 0.6": (501, None, lambda r, i: 100 * math.exp(r.gauss(0, 0.05)), lambda v: v * 0.6),
    "office week, 8 weeks; × 0.6": (57, 7, office, lambda v: v * 0.6),
    "office week, 60 weeks; × 0.6": (421, 7, office, lambda v: v * 0.6),
    "1 % growth a day, 60 days; × 0.6": (61, None, lambda r, i: 100 * 1.01 ** i * math.exp(r.gauss(0, 0.05)), lambda v: v * 0.6),
    "1 % growth a day, 180 days; × 0.7": (181, None, lambda r, i: 100 * 1.01 ** i * math.exp(r.gauss(0, 0.05)), lambda v: v * 0.7),
    "Poisson 1, 60 points; + 9": (61, None, lambda r, i: poisson(r, 1), lambda v: v + 9),
    "Poisson 3, 20 points; + 15": (21, None, lambda r, i: poisson(r, 3), lambda v: v + 15),
    "null share 0.001 of 50,000 rows, 30 points; × 50": (31, None, lambda r, i: r.gauss(50, 7) / 50000, lambda v: v * 50),
    "null share 0.1 of 1,000 rows, 60 points; × 2": (61, None, lambda r, i: r.gauss(100, 9.5) / 1000, lambda v: v * 2),
    "noise that lasts, 100 points; + 20": (101, None, None, lambda v: v + 20),
}


def usual(conn, times=1500):
    """Alarms of points that are as those before them, with the upper 95 % bound; and of points that are not."""
    rng = random.Random(3)
    rows, false, points = [("series", "false alarms", "points", "a point at most", "found")], 0, 0
    for name, (n, season, value, change) in USUAL.items():
        alarms = found = 0
        repeats = times if n < 100 else times // 4
        for _ in range(repeats):
            values = load(rng, n, 10 ** 9) if value is None else [value(rng, i) for i in range(n)]
            odd = values[:-1] + [change(values[-1])]
            scores = conn.execute("SELECT abs(anomaly_score(h, %s, %s)) > 4, abs(anomaly_score(h, %s, %s)) > 4 FROM (SELECT %s::float8[] AS h) x",
                                  (values[-1], season, odd[-1], season, values[:-1])).fetchone()
            alarms += bool(scores[0])
            found += bool(scores[1])
        rows.append((name, alarms, repeats, "%.4f" % upper(alarms, repeats), "%.3f" % (found / repeats)))
        false, points = false + alarms, points + repeats
    table(rows)
    return upper(false, points)


def main():
    conn = connect()
    conn.execute("CREATE EXTENSION IF NOT EXISTS ingest_profile")
    own = "PG_INGEST_DATA" not in os.environ
    groups = {}
    for number, (name, values, windows, day) in enumerate(drawn() if own else given(os.path.join(os.environ["PG_INGEST_DATA"], "nab"))):
        alarms = [a for a, in conn.execute("SELECT alarm FROM anomaly_scores(%s, season => %s) ORDER BY point", (values, day))]
        # parameters were chosen without every third series of the benchmark
        for group in ("all",) + (() if own else ("held out" if number % 3 == 2 else "looked at",)) + (name.partition("/")[0].partition(" ")[0],):
            groups[group] = [a + b for a, b in zip(groups.get(group, (0, 0, 0, 0, 0)), scored(alarms, windows) + (len(values),))]

    def standard(group):
        score, windows = groups.get(group, (0, 0))[:2]
        return round(100 * (score + windows) / (2 * windows), 1) if windows else None
    table([("series", "standard", "windows", "hit", "false alarms", "points")] + [(g, standard(g)) + tuple(groups[g][1:]) for g in groups])
    false = usual(conn)
    finish(standard=standard("all"), false_percent=100 * false, **({"data": "own"} if own else {"held_out": standard("held out")}))


if __name__ == "__main__":
    main()
