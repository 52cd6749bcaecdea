#!/usr/bin/env python3
"""CKA by its textbook formulas, in float64 and NumPy: what the tool's maps are checked against.

    python3 cka_reference.py MODEL [MODEL2] --output map.npy --estimator unbiased

Nothing here is fast or shared with the Swift code. Each estimator is written as its paper has
it: HSIC₀ with an explicit centering matrix (Kornblith et al. 2019), HSIC₁ as the three terms of
Song et al. (2012), Eq. 5, minibatch CKA as a ratio of averages (Nguyen et al. 2021, Eq. 2). The
one liberty: for a linear kernel the features are centered first. In exact arithmetic that
changes nothing; in float64 it keeps the three terms from canceling when features have an offset.

MODEL is a folder of .npy files (in the order of its layers.json, else in natural order), an
.npz, or one .npy. The map is layers × layers, float64, NaN where CKA is undefined.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np

# Reading


def natural_key(name):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def read_model(path):
    """A list of (layer name, examples × features in float64), and the examples' IDs or None."""
    path = Path(path)
    identifiers = None
    if path.is_dir():
        names = sorted((file.stem for file in path.glob("*.npy")), key=natural_key)
        if (path / "layers.json").exists():
            description = json.loads((path / "layers.json").read_text())
            names = [layer["name"] for layer in description["layers"]]
            identifiers = description.get("examples")
        arrays = [(name, np.load(path / f"{name}.npy")) for name in names]
    elif path.suffix == ".npz":
        with np.load(path) as archive:
            arrays = [(name, archive[name]) for name in archive.files]
    else:
        arrays = [(path.stem, np.load(path))]
    return [
        (name, array.reshape(len(array), -1).astype(np.float64)) for name, array in arrays
    ], identifiers


# Gram matrices


def linear_gram(x):
    x = x - x.mean(axis=0)
    return x @ x.T


def rbf_gram(x, bandwidth=None, sigma=None):
    """exp(−‖xᵢ − xⱼ‖² / 2σ²), σ² = t² · median of all n² squared distances if t is given."""
    squared_distances = np.empty((len(x), len(x)))
    for i, row in enumerate(x):
        squared_distances[i] = ((x - row) ** 2).sum(axis=1)
    if sigma is None:
        variance = bandwidth**2 * np.median(squared_distances)
    else:
        variance = sigma**2
    if variance == 0:  # more than half of all pairs coincide
        return np.full_like(squared_distances, np.nan)
    return np.exp(-squared_distances / (2 * variance))


# Estimators of HSIC from two Gram matrices


def biased_hsic(k, l):
    n = len(k)
    h = np.eye(n) - np.ones((n, n)) / n
    return np.sum((h @ k @ h) * (h @ l @ h)) / (n - 1) ** 2


def unbiased_hsic(k, l):
    n = len(k)
    k = k - np.diag(np.diag(k))
    l = l - np.diag(np.diag(l))
    return (
        np.sum(k * l)
        + k.sum() * l.sum() / ((n - 1) * (n - 2))
        - 2 / (n - 2) * np.dot(k.sum(axis=0), l.sum(axis=0))
    ) / (n * (n - 3))


# The permutation of a pass, as documented for `--order shuffled`

MASK = (1 << 64) - 1


class SplitMix64:
    def __init__(self, seed):
        self.state = seed & MASK

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, bound):
        """Uniform in 0 ..< bound, without bias (Lemire 2019)."""
        threshold = (1 << 64) % bound
        while True:
            product = self.next() * bound
            if product & MASK >= threshold:
                return product >> 64


def permutation(count, seed, pass_index):
    """Fisher–Yates; every pass has a generator of its own."""
    start = SplitMix64(seed + pass_index * 0xD1B54A32D192ED03).next()
    generator = SplitMix64(start)
    order = list(range(count))
    for i in range(count - 1, 0, -1):
        j = generator.below(i + 1)
        order[i], order[j] = order[j], order[i]
    return order


def minibatches(count, settings):
    """Lists of row indices. Fewer examples than a batch make one batch of all of them."""
    if settings.estimator != "minibatch" or count < settings.batch_size:
        return [list(range(count))]
    batches = []
    for pass_index in range(settings.passes):
        order = list(range(count))
        if settings.order == "shuffled":
            order = permutation(count, settings.seed, pass_index)
        for start in range(0, count, settings.batch_size):
            batch = order[start : start + settings.batch_size]
            whole = len(batch) == settings.batch_size
            if whole or (settings.ragged == "keep" and len(batch) >= 4):
                batches.append(batch)
    return batches


# CKA of every layer of one model with every layer of another


def gram(x, settings):
    if settings.kernel == "linear":
        return linear_gram(x)
    return rbf_gram(x, settings.bandwidth, settings.sigma)


def cka_map(left, right, settings):
    """left, right: lists of examples × features. Returns len(left) × len(right)."""
    hsic = biased_hsic if settings.estimator == "biased" else unbiased_hsic
    cross = np.zeros((len(left), len(right)))
    left_self, left_scale = np.zeros((2, len(left)))
    right_self, right_scale = np.zeros((2, len(right)))
    batches = minibatches(len(left[0]), settings)
    for batch in batches:
        left_grams = [gram(x[batch], settings) for x in left]
        right_grams = left_grams if right is left else [gram(x[batch], settings) for x in right]
        for i, k in enumerate(left_grams):
            left_self[i] += hsic(k, k)
            left_scale[i] += np.mean(k * k)
            for j, l in enumerate(right_grams):
                if right is left and j < i:
                    continue
                cross[i, j] += hsic(k, l)
        for j, l in enumerate(right_grams):
            right_self[j] += hsic(l, l)
            right_scale[j] += np.mean(l * l)
    if right is left:
        cross = np.triu(cross) + np.triu(cross, 1).T

    def norms(self_hsic, scale):
        # A self-HSIC that is rounding error beside its Gram matrix is 0, and CKA 0/0.
        defined = np.isfinite(self_hsic) & (self_hsic > 1e-12 * scale)
        return np.sqrt(np.where(defined, self_hsic, np.nan))

    with np.errstate(invalid="ignore"):
        return cross / np.outer(norms(left_self, left_scale), norms(right_self, right_scale))


def add_settings(parser):
    parser.add_argument(
        "--estimator", choices=["minibatch", "unbiased", "biased"], default="minibatch"
    )
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--order", choices=["shuffled", "stored"], default="shuffled")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ragged", choices=["drop", "keep"], default="drop")
    parser.add_argument("--kernel", choices=["linear", "rbf"], default="linear")
    parser.add_argument("--bandwidth", type=float, default=None)
    parser.add_argument("--sigma", type=float, default=None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("model2", nargs="?")
    parser.add_argument("--output", required=True)
    add_settings(parser)
    arguments = parser.parse_args()
    if arguments.kernel == "rbf" and (arguments.bandwidth is None) == (arguments.sigma is None):
        parser.error("--kernel rbf needs either --bandwidth or --sigma")
    left, left_ids = read_model(arguments.model)
    left = right = [x for _, x in left]
    if arguments.model2:
        right, right_ids = read_model(arguments.model2)
        right = [x for _, x in right]
        if left_ids is not None and right_ids is not None and left_ids != right_ids:
            parser.error("the two models have different examples")
    if len({len(x) for x in left + right}) != 1:
        parser.error("the layers have different numbers of examples")
    with np.errstate(invalid="ignore", over="ignore"):
        np.save(arguments.output, cka_map(left, right, arguments))


if __name__ == "__main__":
    main()
