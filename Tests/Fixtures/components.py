"""Principal components of small activations by NumPy and SciPy: python3 components.py > components.json

NumPy 2.4.6, SciPy 1.17.1. All float64; components are taken out of the activations, not of Gram matrices, and
come from a singular value decomposition.
"""

import json
import sys

import numpy as np
import scipy.stats

N = 60
REMOVED = [1, 3]
FRACTIONS = [0.05, 0.1]


def activations():
    """Integers, hundredths of the activations. In "block" layers four examples carry one direction."""
    generator = np.random.default_rng(5)
    shared = generator.normal(size=(N, 6))
    few = np.zeros(N)
    few[[3, 17, 40, 41]] = [9, -7, 8, 12]
    layers = {}
    for name, features, block, weight in [
        ("a.plain", 9, 0, 1), ("a.block1", 14, 1, 1), ("a.block2", 20, 1.5, 0.5), ("b.plain", 7, 0, 0.7),
        ("b.block", 12, 0.8, 0.4), ("b.relu", 10, 0, 1),
    ]:
        x = weight * shared @ generator.normal(size=(6, features))
        x += generator.normal(size=(N, features)) * 0.7
        x += block * np.outer(few, generator.normal(size=features))
        x += generator.normal(size=features) * 3
        if name == "b.relu":
            x = np.maximum(x, 0)
        layers[name] = np.rint(100 * x).astype(int)
    return layers


def components(x):
    x = x - x.mean(axis=0)
    u, s, _ = np.linalg.svd(x, full_matrices=False)
    u = u * np.array([np.sign(column[np.argmax(np.abs(column))]) for column in u.T])
    return u, s**2


def without(x, count):
    x = x - x.mean(axis=0)
    u, _ = components(x)
    return x - u[:, :count] @ (u[:, :count].T @ x)


def hsic(x, y, unbiased):
    k, l, n = x @ x.T, y @ y.T, len(x)
    if not unbiased:
        h = np.eye(n) - 1 / n
        return np.trace(k @ h @ l @ h) / (n - 1) ** 2
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))
    one = np.ones(n)
    sums = (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2))
    return (np.trace(k @ l) + sums - 2 / (n - 2) * (one @ k @ l @ one)) / (n * (n - 3))


def cka(x, y, unbiased):
    return hsic(x, y, unbiased) / np.sqrt(hsic(x, x, unbiased) * hsic(y, y, unbiased))


def maps(rows, columns, change=lambda x: x):
    rows, columns = [change(x - x.mean(axis=0)) for x in rows], [change(x - x.mean(axis=0)) for x in columns]
    return {
        kind: [[cka(x, y, kind == "unbiased") for y in columns] for x in rows]
        for kind in ["biased", "unbiased"]
    }


def contributions(x, y, count):
    (u, a), (v, b) = components(x), components(y)
    parts = np.outer(a, b) * (u.T @ v) ** 2 / np.sqrt((a**2).sum() * (b**2).sum())
    return {"parts": parts[:count, :count].tolist(), "rest": parts.sum() - parts[:count, :count].sum()}


def removal(rows, columns, layers):
    shares = np.mean([components(x)[0][:, 0] ** 2 for x in layers], axis=0)
    order = np.lexsort((np.arange(N), -shares))
    points = []
    for fraction in FRACTIONS:
        dropped = order[: round(fraction * N)]
        kept = np.setdiff1d(np.arange(N), dropped)
        points.append(
            {"dropped": dropped.tolist(), "maps": maps([x[kept] for x in rows], [x[kept] for x in columns])})
    return {"shares": shares.tolist(), "points": points}


def layer(name, stored):
    x = stored / 100
    u, values = components(x)
    # Bias corrected, as SAS has them.
    first = u[:, 0]
    skewness = scipy.stats.skew(first, bias=False)
    kurtosis = scipy.stats.kurtosis(first, bias=False)
    return {
        "name": name, "features": x.shape[1], "stored": stored.ravel().tolist(),
        "values": values.tolist(), "trace": np.sum((x - x.mean(axis=0)) ** 2),
        "projections": (first * np.sqrt(values[0])).tolist(),
        "bimodality": (skewness**2 + 1) / (kurtosis + 3 * (N - 1) ** 2 / ((N - 2) * (N - 3))),
        "zeros": float(np.mean(x == 0)), "norms": np.linalg.norm(x, axis=1).tolist(),
    }


def main():
    layers = activations()
    a = [x / 100 for name, x in layers.items() if name.startswith("a.")]
    b = [x / 100 for name, x in layers.items() if name.startswith("b.")]
    first = lambda x: components(x)[0][:, 0]
    json.dump({
        "examples": N, "removed": REMOVED, "fractions": FRACTIONS,
        "layers": [layer(name, x) for name, x in layers.items()],
        "maps": maps(a, b),
        "alignment": [[(first(x) @ first(y)) ** 2 for y in b] for x in a],
        "reduced": [maps(a, b, lambda x: without(x, count)) for count in REMOVED],
        "contributions": [[contributions(x, y, 3) for y in b] for x in a],
        "removal": removal(a, b, a + b),
        "oneModel": {"maps": maps(a, a), "removal": removal(a, a, a)},
    }, sys.stdout, default=float)
    print()


main()
