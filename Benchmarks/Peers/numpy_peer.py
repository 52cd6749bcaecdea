#!/usr/bin/env python3
"""CKA of all layers, as fast as NumPy does it: what a user would write instead.

    python3 numpy_peer.py MODEL [MODEL2] --batch-size 256 --runs 5 --output map.npy

The same algorithm and the same job as `cka compare`: every activation is read once, a Gram matrix is
made once (`x @ x.T`, for which NumPy calls BLAS's syrk), and one product of the stacked Gram matrices
compares all pairs of layers.

--threads layers shares the layers of a batch among threads, with BLAS on one thread in each; NumPy
lets go of the interpreter's lock in everything that takes time. --threads library leaves the
threads to BLAS.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import peer

options = peer.arguments(__doc__, has_choices=True)
workers = peer.processors() if options.threads == "layers" else 1
if workers > 1:
    peer.one_thread_a_call()
np = peer.require("numpy", "NumPy")

scratch = threading.local()


def features(layer, rows):
    """Some rows of a layer in float32: centered, in this thread's own buffer, or as they lie."""
    if options.center == "gram" and layer.dtype == np.float32:
        return layer[rows]
    count = rows.stop - rows.start
    needed = count * layer.shape[1]
    if len(getattr(scratch, "buffer", ())) < needed:
        scratch.buffer = np.empty(needed, np.float32)
    x = scratch.buffer[:needed].reshape(count, -1)
    if layer.dtype == np.float32:
        stored = layer[rows]
        return np.subtract(stored, stored.mean(axis=0), out=x)
    x[:] = layer[rows]
    if options.center == "features":
        x -= x.mean(axis=0)
    return x


def rbf(k):
    """exp(−d²/(2σ²)) in place of the products; σ² is the median squared distance."""
    squares = k.diagonal().copy()
    k *= -2
    k += squares[:, None]
    k += squares[None, :]
    np.maximum(k, 0, out=k)
    np.fill_diagonal(k, 0)
    k *= -1 / (2 * np.median(k))
    np.exp(k, out=k)


def centered_gram(layer, rows, out):
    """The U-centered Gram matrix of some rows of a layer, flattened into `out`."""
    x = features(layer, rows)
    n = len(x)
    k = out.reshape(n, n)
    np.matmul(x, x.T, out=k)
    if options.kernel == "rbf":
        rbf(k)
    np.fill_diagonal(k, 0)
    means = k.sum(axis=1) / np.float32(n - 2)
    means -= means.sum() / np.float32(2 * (n - 1))
    k -= means[:, None]
    k -= means[None, :]
    np.fill_diagonal(k, 0)


def compare(pool):
    """All layers of the first model × all of the last, with all Gram matrices in one stack."""
    models = [peer.open_model(path) for path in options.models]
    layers = [layer for model in models for layer in model]
    batches = peer.batches(len(layers[0]), options.batch_size)
    size = batches[0].stop
    stack = np.empty((len(layers), size * size), np.float32)
    left, right = stack[: len(models[0])], stack[-len(models[-1]) :]
    cross = np.zeros((len(left), len(right)))
    selves = np.zeros(len(layers))
    # A share of the rows for each thread; BLAS divides one product better than we do.
    parts = [part for part in np.array_split(left, workers) if len(part)]
    for batch in batches:
        list(pool.map(lambda i: centered_gram(layers[i], batch, stack[i]), range(len(layers))))
        cross += np.concatenate(list(pool.map(lambda part: part @ right.T, parts)))
        if len(models) == 2:
            selves += np.fromiter(pool.map(lambda k: k @ k, stack), float, len(layers))
    if len(models) == 1:
        selves = cross.diagonal()
    return cross / np.sqrt(np.outer(selves[: len(left)], selves[-len(right) :]))


with ThreadPoolExecutor(workers) as pool:
    how = f"one layer a thread, {workers} threads" if workers > 1 else "BLAS's own threads"
    how += f"; centers {options.center}"
    peer.serve(f"NumPy {np.__version__}", how, lambda: compare(pool), options)
