"""Measures of similarity beside CKA, of two layers on the same examples, as Kornblith et al. (2019)
define them. Layers are centered matrices, examples × features, of more examples than features."""

import numpy as np

SHARE = 0.99  # of the variance that SVCCA keeps


class Layer:
    """What the measures need of a layer, computed once.

    basis: examples × rank, orthonormal columns in the order of their variance, which span the
    centered layer's. coordinates: rank × features, the layer in that basis, of Frobenius norm 1.
    leading: how many of the basis SVCCA keeps. own: the Frobenius norm of the layer's covariance.
    """

    def __init__(self, values):
        values = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
        values /= np.linalg.norm(values)
        left, sizes, right = np.linalg.svd(values, full_matrices=False)
        rank = int(np.sum(sizes > 1e-6 * sizes[0]))
        self.basis = left[:, :rank]
        self.coordinates = sizes[:rank, None] * right[:rank]
        variance = np.cumsum(sizes**2) / np.sum(sizes**2)
        self.leading = int(np.searchsorted(variance, SHARE)) + 1
        self.own = np.linalg.norm(sizes**2)


def similarities(x, y):
    """By the names of measures the similarity of x with y and that of y with x.

    The examples are met once, in the product of the two bases: all else is in their coordinates.
    """
    spans = x.basis.T @ y.basis
    explained_x, explained_y = spans.T @ x.coordinates, spans @ y.coordinates
    shared = y.coordinates.T @ explained_x
    left, correlations, right = np.linalg.svd(spans, full_matrices=False)
    correlations = np.clip(correlations, 0, 1)
    leading = np.linalg.svd(spans[: x.leading, : y.leading], compute_uv=False)
    # How much of each layer its canonical variables are.
    weights = [
        np.abs(left.T @ x.coordinates).sum(axis=1), np.abs(right @ y.coordinates).sum(axis=1)
    ]
    return {
        "linear CKA": 2 * [np.linalg.norm(shared) ** 2 / (x.own * y.own)],
        # 1 − half the squared distance after the best rotation: the nuclear norm.
        "Procrustes": 2 * [np.linalg.svd(shared, compute_uv=False).sum()],
        "PWCCA": [np.average(correlations, weights=some) for some in weights],
        "SVCCA": 2 * [np.clip(leading, 0, 1).mean()],
        "mean CCA": 2 * [correlations.mean()],
        # The share of a layer's variance that a linear function of the other gives.
        "linear regression": [np.linalg.norm(part) ** 2 for part in (explained_x, explained_y)],
    }


MEASURES = ["linear CKA", "Procrustes", "PWCCA", "SVCCA", "mean CCA", "linear regression"]
