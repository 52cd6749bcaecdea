"""Writes block_edges.json: block structure by the definition in Documentation/Numerics.md, interval by interval.

NumPy 2.4.6: python3 Tests/Fixtures/block_edges.py
"""

import functools
import json
import math
import pathlib

import numpy as np

CONTRAST, MAPS, SEED = 0.1, 19, 3
SLOW = 3  # a seed of which one slow place looks like a block


def rest_of(n):
    return 2 + math.ceil(n / 10)


def quartile(s, rows, columns):
    """Of the mean similarity of rows with columns, the upper quartile over the rows that there are."""
    values = sorted(s[row, columns].mean() for row in rows if 0 <= row < len(s))
    return values[math.floor(0.75 * (len(values) - 1) + 0.5)] if values else math.nan


def interval(s, a, b):
    """The least drop, the score, and what a ..< b lacks of a block."""
    n, k = len(s), b - a
    rest = rest_of(n)
    v = max(3, rest // 2)
    half = k // 2
    pairs = [s[i, j] for i in range(a, b) for j in range(a, i)]
    inside = sum(pairs) / len(pairs)
    drops, levels, missing = [], [], set()
    head, tail = range(a, a + half), range(b - half, b)
    for at, inwards, beyond, far, near in ((a, 1, a, tail, head), (b - 1, -1, n - b, head, tail)):
        if not beyond:
            continue
        own = [at + inwards * i for i in range(min(v, k - half))]
        q0 = quartile(s, own, list(far))
        edges = []
        for soft in range(0, max(0, n // 10 - 3) + 1, v // 2):
            if soft and beyond < 2 * (soft + v):
                continue
            outside = [at - inwards * (soft + 1 + i) for i in range(v)]
            further = [row - inwards * (soft + v) for row in outside]
            q1, q2 = quartile(s, outside, list(far)), quartile(s, further, list(far))
            closer = quartile(s, outside, list(near))
            lacks = set()
            if q0 - q1 < CONTRAST:
                lacks.add("contrast")
            if inside - q0 > (q0 - q1) / 3:
                lacks.add("falls-inside")
            if beyond >= rest and q1 - q2 > (q0 - q1) / 3:
                lacks.add("falls-beyond")
            if q0 - closer < CONTRAST / 4:
                lacks.add("no-more-alike")
            edges.append((len(lacks), soft, q0 - q1, closer, lacks))
        _, _, drop, level, lacks = min(edges, key=lambda edge: edge[:2])
        drops.append(drop)
        levels.append(level)
        missing |= lacks
    score = 0 if missing else max(k * (inside - max(levels)), 0)
    return min(drops), score, missing


def intervals(n, least):
    """The places of intervals with an edge."""
    rest = rest_of(n)
    return [
        (a, a + k) for k in range(max(least, 2), n - rest + 1) for a in range(n - k + 1)
        if a >= rest or n - a - k >= rest]


def best_set(gains, shared):
    """Of all sets of intervals of which neighbors share `shared` layers at most, the one of the largest sum."""

    @functools.cache
    def best(limit):
        options = [(0, [])]
        for (a, b), gain in gains.items():
            if gain > 0 and b <= limit:
                total, before = best(min(a + shared, b - 1))
                options.append((gain + total, [*before, (a, b)]))
        # Of equal sums the longest intervals, which means the fewest.
        return max(options, key=lambda option: (round(option[0], 11), -len(option[1])))

    return best(max(b for _, b in gains))[1] if gains else []


def disjoint(chosen):
    """Neighbors get half of the layers that they share."""
    chosen = [list(place) for place in chosen]
    for x, y in zip(chosen, chosen[1:]):
        if x[1] > y[0]:
            x[1] = y[0] = (x[1] + y[0]) // 2
    return chosen


def rest_of_map(s, candidates):
    """What is left of the map beside the means of pairs in the same candidates and as far apart."""
    n = len(s)
    label = [next((i + 1 for i, (a, b) in enumerate(candidates) if a <= layer < b), 0) for layer in range(n)]

    def kind(i, j):
        return abs(i - j), *sorted((label[i], label[j]))

    groups = {}
    for i in range(n):
        for j in range(i):
            groups.setdefault(kind(i, j), []).append(s[i, j])
    rest = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            values = groups.get(kind(i, j), []) if i != j else []
            if len(values) > 1:
                rest[i, j] = (s[i, j] - np.mean(values)) * math.sqrt(len(values) / (len(values) - 1))
    return rest


def null_maps(s, candidates):
    """Maps with the trend along random steps, and what is left of the map with its layers in a random order."""
    n = len(s)
    means = [1.0] + [np.diagonal(s, d).mean() for d in range(1, n)]
    # Isotonic regression by its max-min formula.
    weight = [0] + [n - d for d in range(1, n)]

    def average(i, j):
        return sum(weight[d] * means[d] for d in range(i, j + 1)) / sum(weight[i:j + 1])

    fall = [min(max(average(i, j) for j in range(d, n)) for i in range(1, d + 1)) for d in range(1, n)]
    trend = [min(1.0, 2 * fall[0] - fall[1]), *fall]
    state = SEED
    rest = rest_of_map(s, candidates)

    def uniform():
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        z ^= z >> 31
        return ((z >> 11) + 0.5) / 2**53

    for _ in range(MAPS):
        places = np.cumsum([0.0] + [-math.log(uniform()) for _ in range(n - 1)])
        places *= (n - 1) / places[-1]
        order = np.argsort([uniform() for _ in range(n)], kind="stable")
        made = np.eye(n)
        for i in range(n):
            for j in range(i):
                made[i, j] = made[j, i] = np.interp(places[i] - places[j], range(n), trend) + rest[order[i], order[j]]
        yield made


def mean_inside(s, a, b):
    return np.mean([s[i, j] for i in range(a, b) for j in range(a, i)])


def structure(s, significance):
    n = len(s)
    least = rest_of(n)
    places = intervals(n, least)
    found = {place: interval(s, *place) for place in places}
    shared = min(max(3, least // 2) // 2, least - 1)
    scores = {place: score for place, (_, score, _) in found.items() if score > 0}
    gains = {(a, b): (b - a) * (mean_inside(s, a, b) - mean_inside(s, 0, n)) for a, b in scores}
    chosen = best_set(gains, shared)
    best = [max(interval(made, *place)[1] for place in places) for made in null_maps(s, disjoint(chosen))]
    blocks = []
    for a, b in chosen:
        score = max(value for (c, d), value in scores.items() if c <= a and b <= d)
        across = np.concatenate([s[a:b, :a].ravel(), s[a:b, b:].ravel()])
        blocks.append({
            "first": a, "last": b - 1, "contrast": found[a, b][0], "inside": mean_inside(s, a, b),
            "outside": across.mean(), "p": (1 + sum(value >= score * (1 - 1e-9) for value in best)) / (1 + MAPS)})
    background = set()
    for i, x in enumerate(blocks):
        for j, y in enumerate(blocks[i + 2:], i + 2):
            alike = s[x["first"]:x["last"] + 1, y["first"]:y["last"] + 1].mean()
            between = any(block["p"] <= significance for block in blocks[i + 1:j])
            if between and alike > min(x["inside"], y["inside"]) - min(x["contrast"], y["contrast"]) / 2:
                background |= {i, j}
    blocks = [block for i, block in enumerate(blocks) if block["p"] <= significance and i not in background]
    for x, y in zip(blocks, blocks[1:]):
        if x["last"] >= y["first"]:
            middle = (x["last"] + 1 + y["first"]) // 2
            x["last"], y["first"] = middle - 1, middle
    samples = [[a, b, found[a, b][0], found[a, b][1], *sorted(found[a, b][2])] for a, b in places[::7]]
    return blocks, samples


def symmetric(values):
    # So many digits that no drop is a round number, which rounding errors would put on either side.
    lower = np.tril(np.round(values, 7), -1)
    return lower + lower.T + np.eye(len(values))


def maps():
    random = np.random.default_rng(20)

    def noise(n, deviation=0.01):
        return deviation * random.normal(size=(n, n))

    n = 20
    d = np.abs(np.subtract.outer(range(n), range(n)))
    two = np.full((n, n), 0.3)
    two[:10, :10] = two[10:, 10:] = 0.95
    yield "two", symmetric(two + noise(n))
    inside = (np.arange(n) >= 6) & (np.arange(n) < 13)
    one = np.where(inside[:, None] != inside, 0.3, 0.97 - 0.4 * d / n)
    one[6:13, 6:13] = 0.97
    yield "one", symmetric(one + noise(n))
    yield "decay", symmetric(0.2 + 0.75 * np.exp(-d / 6) + noise(n))
    start = 0.6 - 0.3 * d / n
    start[:8, :8] = 0.9
    start[3, :] = start[:, 3] = 0.1
    yield "start, an odd layer", symmetric(start + noise(n, 0.03))
    checker = np.full((24, 24), 0.4)
    checker[8:17, 8:17] = 0.9
    even = np.arange(24) % 2 == 0
    yield "checkerboard", symmetric(checker - 0.2 * (even[:, None] != even) + noise(24))
    yield "noise", symmetric(0.5 + noise(12, 0.1))
    # Two squares that are less alike than either inside, but more than others are.
    n = 40
    stages = np.array([0] * 14 + [1] * 13 + [2] * 13)
    nested = np.where(np.minimum.outer(stages, stages) > 0, 0.75, 0.2)
    nested[stages[:, None] == stages] = 0.95
    yield "squares in a square", symmetric(nested + noise(n))
    # Fast and slow places, which maps without blocks have as well.
    places = np.cumsum(np.random.default_rng(SLOW).exponential(size=24))
    yield "fast and slow", symmetric(0.2 + 0.7 * np.exp(-np.abs(np.subtract.outer(places, places)) / 6) + noise(24))
    # 50 layers, so that edges of 2 layers are narrow enough: members by degrees.
    n = 50
    place = np.minimum(np.arange(n) - 14, 35 - np.arange(n))
    member = np.clip(place / 4 + 0.5, 0, 1)
    d = np.abs(np.subtract.outer(range(n), range(n)))
    yield "soft edges", symmetric(0.3 + 0.65 * np.minimum.outer(member, member) + 0.2 * np.exp(-d / 4) + noise(n))


def case(name, s):
    blocks, samples = structure(s, 0.05)
    # All candidates, whatever their p.
    return {
        "name": name, "map": [row[:i].tolist() for i, row in enumerate(s)], "blocks": blocks,
        "candidates": structure(s, 1)[0], "intervals": samples}


document = [case(name, s) for name, s in maps()]
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
for found in document:
    for kind in ("blocks", "candidates"):
        print(found["name"], kind, [(b["first"], b["last"], round(b["contrast"], 3), b["p"]) for b in found[kind]])
