"""Writes points.json: networks as points, by SciPy and plain loops.

NumPy 2.4.6, SciPy 1.17.1: python3 Tests/Fixtures/points.py
"""

import itertools
import json
import math
import pathlib

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.optimize import minimize
from scipy.spatial.distance import squareform


def angle(value):
    return math.acos(min(max(value, -1.0), 1.0))


def at_equal_depth(s):
    """Each layer of the network with fewer layers, at its own depth in the other."""
    s = s if len(s) <= len(s[0]) else s.T
    few, many = s.shape
    angles = []
    for i in range(few):
        place = i * (many - 1) / (few - 1)
        low = min(math.floor(place + 1e-9), many - 1)
        weight = place - low
        value = s[i, low] if weight < 1e-9 else (1 - weight) * s[i, low] + weight * s[i, low + 1]
        if not math.isnan(value):
            angles.append(angle(value))
    return sum(angles) / len(angles)


def of_best_matches(s):
    means = []
    for rows in (s, s.T):
        best = [max(v for v in row if not math.isnan(v)) for row in rows if not all(map(math.isnan, row))]
        means.append(sum(map(angle, best)) / len(best))
    return (means[0] + means[1]) / 2


def stress(points, d):
    n = len(d)
    pairs = [(i, j) for i in range(n) for j in range(i)]
    apart = [math.dist(points[i], points[j]) for i, j in pairs]
    return math.sqrt(
        sum((x - d[i, j]) ** 2 for x, (i, j) in zip(apart, pairs)) / sum(d[i, j] ** 2 for i, j in pairs))


def least_stress(d):
    """The least of many descents from random starts."""
    n = len(d)
    random = np.random.default_rng(5)

    def cost(flat):
        return stress(flat.reshape(n, 2), d) ** 2

    found = [minimize(cost, random.normal(size=2 * n), method="BFGS", tol=1e-12).fun for _ in range(40)]
    return math.sqrt(max(min(found), 0))


def separation(d, groups):
    """R², and p over all divisions into groups of these sizes."""
    n = len(groups)

    def unexplained(labels):
        return sum(
            sum(d[i, j] ** 2 for i in range(n) for j in range(i) if labels[i] == labels[j] == name) / labels.count(name)
            for name in set(labels))

    total = sum(d[i, j] ** 2 for i in range(n) for j in range(i)) / n
    own = unexplained(groups)
    divisions = set(itertools.permutations(groups))
    reached = sum(unexplained(list(labels)) <= own * (1 + 1e-9) for labels in divisions)
    pairs = [(i, j) for i in range(n) for j in range(i)]
    return {
        "between": np.mean([d[i, j] for i, j in pairs if groups[i] != groups[j]]),
        "within": np.mean([d[i, j] for i, j in pairs if groups[i] == groups[j]]),
        "explained": (total - own) / total, "p": reached / len(divisions)}


def cases():
    random = np.random.default_rng(8)
    groups = list("aaabbbcc")
    for name, apart in [("groups apart", 1.0), ("groups alike", 0.0)]:
        places = random.normal(size=(8, 5)) * 0.2
        for i, group in enumerate(groups):
            places[i, "abc".index(group)] += apart
        yield name, groups, np.linalg.norm(places[:, None] - places[None], axis=-1)
    flat = random.normal(size=(6, 2))
    yield "in a plane", list("aabbbb"), np.linalg.norm(flat[:, None] - flat[None], axis=-1)


document = {"maps": [], "cases": []}
random = np.random.default_rng(3)
for rows, columns in [(4, 4), (3, 7), (8, 5)]:
    s = np.round(random.uniform(-0.1, 1.02, size=(rows, columns)), 4)
    s[1, 2] = math.nan
    document["maps"].append({
        "map": [[None if math.isnan(v) else v for v in row] for row in s.tolist()],
        "atEqualDepth": at_equal_depth(s), "ofBestMatches": of_best_matches(s)})
for name, groups, d in cases():
    d = np.round((d + d.T) / 2, 6)
    merges = linkage(squareform(d, checks=False), method="average")
    document["cases"].append({
        "name": name, "groups": groups, "distances": d.tolist(), "linkage": merges.tolist(),
        "stress": least_stress(d), "separation": separation(d, groups)})
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
for case in document["cases"]:
    print(case["name"], case["stress"], case["separation"])
