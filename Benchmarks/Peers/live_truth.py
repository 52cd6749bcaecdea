"""Minibatch CKA in float64, by sums over whole matrices: it shares no code with what `live.py` times."""

import numpy as np

from live_networks import outputs_of


def truth(case):
    """CKA of all layers of the first network × all of the second."""
    left = len(case.layers)
    sums = np.zeros((2 * left, 2 * left))
    for batch in case.loader.dataset.batches:
        grams = []
        for network in case.networks:
            for output in outputs_of(network, case.layers, batch).values():
                x = output.double().numpy()
                if case.pools:
                    x = means(x, batch["attention_mask"].numpy())
                x = x.reshape(len(x), -1)
                gram = x @ x.T
                np.fill_diagonal(gram, 0)
                grams.append((gram, gram.sum(axis=0)))
        for i, (k, k_sums) in enumerate(grams):
            for j, (l, l_sums) in enumerate(grams[: i + 1]):
                sums[i, j] += hsic(k, k_sums, l, l_sums)
                sums[j, i] = sums[i, j]
    selves = np.sqrt(np.diag(sums))
    return (sums / np.outer(selves, selves))[:left, left:]


def means(x, mask):
    """The mean of the tokens that count, example by example."""
    return np.stack([tokens[flags == 1].mean(axis=0) for tokens, flags in zip(x, mask)])


def hsic(k, k_sums, l, l_sums):
    """Song et al. (2012), equation 5, of matrices without diagonals and their columns' sums."""
    n = len(k)
    total = np.vdot(k, l) + k_sums.sum() * l_sums.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (k_sums @ l_sums)
    return total / (n * (n - 3))
