"""Measures of similarity beside CKA, of two layers on the same examples, as Kornblith et al. (2019)
define them. Layers are centered matrices, examples × features, of more examples than features."""

import numpy as np

SHARE = 0.99  # of the variance that SVCCA keeps


class Layer:
    """What the measures need of a layer, computed once.

    values: the matrix, of Frobenius norm 1. basis: orthonormal, of its columns' span. leading: as
    many first left singular vectors as SVCCA keeps. own: the Frobenius norm of its covariance.
    """

    def __init__(self, values):
        values = values.astype(np.float64) - values.mean(axis=0, dtype=np.float64)
        self.values = values / np.linalg.norm(values)
        left, sizes, _ = np.linalg.svd(self.values, full_matrices=False)
        self.basis = left[:, sizes > 1e-6 * sizes[0]]
        variance = np.cumsum(sizes**2) / np.sum(sizes**2)
        self.leading = left[:, : int(np.searchsorted(variance, SHARE)) + 1]
        self.own = np.linalg.norm(self.values.T @ self.values)


def similarities(x, y):
    """By the names of measures the similarity of x with y and that of y with x."""
    shared = y.values.T @ x.values
    spans = x.basis.T @ y.basis
    left, correlations, right = np.linalg.svd(spans, full_matrices=False)
    correlations = np.clip(correlations, 0, 1)
    leading = np.linalg.svd(x.leading.T @ y.leading, compute_uv=False)
    # How much of each layer its canonical variables are.
    weights = [
        np.abs(left.T @ (x.basis.T @ x.values)).sum(axis=1),
        np.abs(right @ (y.basis.T @ y.values)).sum(axis=1),
    ]
    # The share of a layer's variance that a linear function of the other gives.
    explained = [
        np.linalg.norm(y.basis.T @ x.values) ** 2, np.linalg.norm(x.basis.T @ y.values) ** 2
    ]
    return {
        "linear CKA": 2 * [np.linalg.norm(shared) ** 2 / (x.own * y.own)],
        # 1 − half the squared distance after the best rotation: the nuclear norm.
        "Procrustes": 2 * [np.linalg.svd(shared, compute_uv=False).sum()],
        "PWCCA": [np.average(correlations, weights=some) for some in weights],
        "SVCCA": 2 * [np.clip(leading, 0, 1).mean()],
        "mean CCA": 2 * [correlations.mean()],
        "linear regression": explained,
    }


MEASURES = ["linear CKA", "Procrustes", "PWCCA", "SVCCA", "mean CCA", "linear regression"]
