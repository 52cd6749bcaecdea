"""Writes blocks.json, what the tests of layer matching and depth hold values against.

NumPy 2.4.6, SciPy 1.17.1: python3 Tests/Fixtures/blocks.py
"""

import json
import pathlib

import numpy
from scipy import stats

random = numpy.random.default_rng(20)


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
