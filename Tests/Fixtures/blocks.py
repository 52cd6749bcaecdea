"""Writes blocks.json, what the tests of block structure hold values against.

NumPy 2.4.6, SciPy 1.17.1: python3 Tests/Fixtures/blocks.py
"""

import json
import pathlib

import numpy
from scipy import optimize, stats

random = numpy.random.default_rng(20)


def symmetric(values):
    lower = numpy.tril(values, -1)
    return lower + lower.T + numpy.eye(len(values))


def pairs(count):
    return [(i, j) for i in range(count) for j in range(i)]


def contrasts(values, others=()):
    """The coefficient of "both layers in the interval" beside one mean a distance, by least squares."""
    count = len(values)
    kept = [(i, j) for i, j in pairs(count) if i not in others and j not in others]
    found = []
    for first in range(count):
        for last in range(first + 3, count + 1):
            if last - first > count - 3 or any(first <= o < last for o in others):
                continue
            design = numpy.zeros((len(kept), count))
            for row, (i, j) in enumerate(kept):
                design[row, i - j] = 1
                design[row, 0] = first <= j and i < last
            used = [c for c in range(count) if design[:, c].any()]
            target = numpy.array([values[i, j] for i, j in kept])
            if numpy.linalg.matrix_rank(design[:, used]) < len(used):
                continue
            fit = numpy.linalg.lstsq(design[:, used], target, rcond=None)[0]
            # With the other coefficients free, 1/V is the variance of this one for unit noise.
            weight = 1 / numpy.linalg.inv(design[:, used].T @ design[:, used])[0, 0]
            score = fit[0] * numpy.sqrt(weight / (last - first))
            found.append([first, last, fit[0], score])
    return found


def steps(values):
    """Bounded least squares of falls on the steps that pairs span (LayerSteps)."""
    count = len(values)
    reach = min(max(3, count // 8), count - 1)
    means = [numpy.mean(numpy.diag(values, -d)) for d in range(count)]
    fall = -numpy.polyfit(range(1, reach + 1), means[1 : reach + 1], 1)[0]
    near = [(i, j) for i, j in pairs(count) if i - j <= reach]
    design = numpy.array([[float(j <= k < i) for k in range(count - 1)] for i, j in near])
    target = numpy.array([(means[i - j] - values[i, j]) / fall for i, j in near])
    ridge = 0.01 * numpy.trace(design.T @ design) / (count - 1)
    design = numpy.vstack([design, numpy.sqrt(ridge) * numpy.eye(count - 1)])
    target = numpy.append(target, numpy.zeros(count - 1))
    fit = optimize.lsq_linear(design, target, bounds=(-1, 2), method="bvls", tol=1e-14)
    return 1 + fit.x


def block_means(values, first, last):
    inside = range(first, last)
    within = [values[i, j] for i, j in pairs(len(values)) if i in inside and j in inside]
    border = [values[i, j] for i, j in pairs(len(values)) if (i in inside) != (j in inside)]
    return [numpy.mean(within), numpy.mean(border)]


count = 14
distance = numpy.abs(numpy.subtract.outer(range(count), range(count)))
planted = symmetric(0.2 + 0.6 * numpy.exp(-distance / 4) + 0.02 * random.normal(size=distance.shape))
planted[5:10, 5:10] = symmetric(0.93 + 0.02 * random.normal(size=(5, 5)))

# Whole bins of the fitted curve.
ways = numpy.append(numpy.sort(random.choice(numpy.arange(1, 1024), 39, replace=False)), 1024)
similarities = numpy.exp(-ways / 400) + 0.2 * random.normal(size=40)

networks, layers = 5, 8
truth = random.normal(size=(layers, 6))
seeds = [truth + 0.7 * random.normal(size=truth.shape) for _ in range(networks)]
unit = [s / numpy.linalg.norm(s, axis=1, keepdims=True) for s in seeds]
maps = {(a, b): unit[a] @ unit[b].T for a in range(networks) for b in range(a + 1, networks)}
maps[1, 3][:, 2] = numpy.nan
accuracies = {}
for (a, b), values in maps.items():
    for left, right, turned in [(a, b, values), (b, a, values.T)]:
        own = [i for i in range(layers) if not numpy.isnan(turned[i, i])]
        hits = [numpy.nanargmax(turned[i]) == i for i in own]
        accuracies[left, right] = numpy.mean(hits)


def accuracy(without=None):
    return numpy.mean([v for pair, v in accuracies.items() if without not in pair])


left_out = numpy.array([accuracy(i) for i in range(networks)])
error = numpy.sqrt((networks - 1) * numpy.mean((left_out - left_out.mean()) ** 2))
reach = stats.t.ppf(0.975, networks - 1) * error

wide = random.uniform(size=(6, 11))
depths = numpy.linspace(0, 1, 6)
curve = [numpy.interp(d, numpy.linspace(0, 1, 11), wide[i]) for i, d in enumerate(depths)]
in_rows = numpy.array([0, 1, 1, 1, 0, 0])
in_columns = numpy.array([0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0])
kinds = numpy.add.outer(in_rows, in_columns)
nearest = numpy.floor(depths * 10 + 0.5).astype(int)
depth_kinds = in_rows + in_columns[nearest]

document = {
    "map": planted.tolist(),
    "contrasts": contrasts(planted),
    "contrastsWithoutTwo": contrasts(planted, others=(0, 1, 2)),
    "steps": steps(planted).tolist(),
    "blockMeans": block_means(planted, 5, 10),
    "ways": ways.tolist(),
    "similarities": similarities.tolist(),
    "decay": optimize.isotonic_regression(similarities, increasing=False).x.tolist(),
    "matching": {
        "maps": [
            {
                "left": a,
                "right": b,
                "values": [[None if numpy.isnan(v) else v for v in row] for row in m.tolist()],
            }
            for (a, b), m in maps.items()
        ],
        "accuracy": accuracy(),
        "standardError": error,
        "interval": [max(accuracy() - reach, 0), min(accuracy() + reach, 1)],
    },
    "depth": {
        "map": wide.tolist(),
        "curve": curve,
        "means": [wide[kinds == k].mean() for k in (2, 1, 0)],
        "depthMeans": [numpy.array(curve)[depth_kinds == k].mean() for k in (2, 1, 0)],
    },
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(document, separators=(",", ":")) + "\n")
