"""CKA in float64 from activations that tests compute apart from hooks, example by example where it matters."""

import numpy as np

from test_compare import hsic


def minibatch_cka(lefts, rights):
    """Minibatch CKA of a layer's activations, a list of examples × features, with those of another."""
    sums = np.zeros(3)
    for x, y in zip(lefts, rights, strict=True):
        x, y = (np.asarray(each, dtype=float).reshape(len(each), -1) for each in (x, y))
        k, l, n = x @ x.T, y @ y.T, len(x)
        sums += np.array([hsic(k, l, True), hsic(k, k, True), hsic(l, l, True)]) / (n * (n - 3))
    return sums[0] / np.sqrt(sums[1] * sums[2])
