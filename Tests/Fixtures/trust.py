"""What leaving out examples does to debiased CKA of digits' activations: python3 trust.py > trust.json

NumPy 2.4.6, float64. Every value is HSIC₁ by its definition (Song et al. 2012, equation 5) of the examples
that are left; nothing is U-centered, and no value is made from another.
"""

import json
import pathlib
import sys

import numpy as np

ACTIVATIONS = pathlib.Path(__file__).parents[2] / "Examples/digits/activations"
CASES = [
    ("depth20-width1-seed0", "stage1.block2.add", "depth8-width4-seed0", "stage2.block1.relu2"),
    ("depth20-width1-seed0", "stem.conv", "depth20-width1-seed0", "head.logits"),
]
FRACTIONS = [0.01, 0.02, 0.05]


def gram(model, layer):
    x = np.load(ACTIVATIONS / model / f"{layer}.npy").astype(np.float64)
    x = x.reshape(len(x), -1)
    x = x - x.mean(axis=0)
    return x @ x.T


def hsic(k, l):
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))
    sums = k.sum() * l.sum() / ((n - 1) * (n - 2))
    return (np.trace(k @ l) + sums - 2 / (n - 2) * (k @ l).sum()) / (n * (n - 3))


def cka(k, l, kept=None):
    if kept is not None:
        k, l = k[np.ix_(kept, kept)], l[np.ix_(kept, kept)]
    return hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l))


def centered(k):
    """The matrix with rows that add up to zero off the diagonal, by least squares over r_i + r_j."""
    n = len(k)
    i, j = np.nonzero(~np.eye(n, dtype=bool))
    design = np.zeros((len(i), n))
    design[np.arange(len(i)), i] += 1
    design[np.arange(len(i)), j] += 1
    r = np.linalg.solve(design.T @ design, design.T @ k[i, j])
    result = np.zeros_like(k)
    result[i, j] = k[i, j] - r[i] - r[j]
    return result


def case(left, left_layer, right, right_layer):
    k, l = gram(left, left_layer), gram(right, right_layer)
    n = len(k)
    everyone = np.arange(n)
    left_out = np.array([cka(k, l, np.delete(everyone, i)) for i in everyone])
    value = cka(k, l)
    a, b = centered(k), centered(l)
    norm = np.sqrt((a * a).sum() * (b * b).sum())
    contributions = (a * b).sum(axis=1) / norm
    weights = np.maximum((a * a).sum(axis=1) / (a * a).sum(), (b * b).sum(axis=1) / (b * b).sum())

    def without(order, fraction):
        return cka(k, l, np.sort(order[int(np.ceil(fraction * n)):]))

    by_contribution, by_weight = np.argsort(-contributions), np.argsort(-weights)
    return {
        "left": [left, left_layer],
        "right": [right, right_layer],
        "cka": value,
        "bias": (n - 1) * (left_out.mean() - value),
        "standardError": np.sqrt((n - 1) / n * ((left_out - left_out.mean()) ** 2).sum()),
        "contributions": contributions.tolist(),
        "weights": weights.tolist(),
        "withoutContributors": [without(by_contribution, f) for f in FRACTIONS],
        "withoutHeaviest": [without(by_weight, f) for f in FRACTIONS],
    }


json.dump([case(*names) for names in CASES], sys.stdout, indent=1)
print()
