#!/usr/bin/env python3
"""Minibatch CKA of all layers, as fast as NumPy does it: what a user would write instead.

    python3 numpy_minibatch.py MODEL [MODEL2] --batch-size 256 --order stored --output map.npy

The same algorithm and the same job as `cka compare`: every activation is read and centered once, a
Gram matrix is made once (`x @ x.T`, for which NumPy calls BLAS's syrk), and one product of the
stacked Gram matrices compares all pairs of layers.

The layers of a batch are shared among threads, with BLAS on one thread in each; NumPy lets go of
the interpreter's lock in everything that takes time. --workers 1 leaves the threads to BLAS.
"""

import argparse
import json
import os
import threading
import time
from pathlib import Path

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("model")
parser.add_argument("model2", nargs="?")
parser.add_argument("--batch-size", type=int, default=256)
parser.add_argument("--order", choices=["stored", "shuffled"], default="shuffled")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--passes", type=int, default=1)
parser.add_argument("--read", choices=["mmap", "load"], default="mmap")
parser.add_argument("--sum", choices=["float32", "float64"], default="float32")
parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
parser.add_argument("--output")
arguments = parser.parse_args()

if arguments.workers > 1:  # before NumPy loads its BLAS
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

from concurrent.futures import ThreadPoolExecutor  # noqa: E402

import numpy as np  # noqa: E402

seconds = {"open": 0.0, "Gram": 0.0, "products": 0.0}


class Stage:
    """Adds the time spent inside to the stage's total."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.start = time.perf_counter()

    def __exit__(self, *_):
        seconds[self.name] += time.perf_counter() - self.start


def open_model(folder):
    folder = Path(folder)
    names = [layer["name"] for layer in json.loads((folder / "layers.json").read_text())["layers"]]
    mode = "r" if arguments.read == "mmap" else None
    layers = [np.load(folder / f"{name}.npy", mmap_mode=mode) for name in names]
    return [layer.reshape(len(layer), -1) for layer in layers]


scratch = threading.local()


def centered(layer, rows):
    """Some rows of a layer in float32, their features centered, in this thread's own buffer."""
    count = len(range(*rows.indices(len(layer)))) if isinstance(rows, slice) else len(rows)
    needed = count * layer.shape[1]
    if len(getattr(scratch, "buffer", ())) < needed:
        scratch.buffer = np.empty(needed, np.float32)
    x = scratch.buffer[:needed].reshape(count, -1)
    if isinstance(rows, slice):
        stored = layer[rows].astype(np.float32, copy=False)
    elif layer.dtype == np.float32:  # "clip" gathers straight into the buffer
        stored = np.take(layer, rows, axis=0, out=x, mode="clip")
    else:
        stored = layer[rows].astype(np.float32)
    return np.subtract(stored, stored.mean(axis=0), out=x)


def centered_gram(layer, rows, out):
    """The U-centered Gram matrix of some rows of a layer, flattened into `out`."""
    x = centered(layer, rows)
    n = len(x)
    k = out.reshape(n, n)
    np.matmul(x, x.T, out=k)
    np.fill_diagonal(k, 0)
    means = k.sum(axis=1) / np.float32(n - 2)
    means -= means.sum() / np.float32(2 * (n - 1))
    k -= means[:, None]
    k -= means[None, :]
    np.fill_diagonal(k, 0)


def batches(count):
    random = np.random.default_rng(arguments.seed)
    size = min(arguments.batch_size, count)
    for _ in range(arguments.passes):
        order = random.permutation(count) if arguments.order == "shuffled" else None
        for start in range(0, count - size + 1, size):
            whole = slice(start, start + size)
            yield whole if order is None else np.sort(order[whole])


def compare(left, right, pool):
    """left × right, with the Gram matrices of both in one stack."""
    layers = left if right is None else left + right
    size = min(arguments.batch_size, len(layers[0]))
    stack = np.empty((len(layers), size * size), np.float32)
    rows, columns = np.s_[: len(left)], np.s_[-len(right or left) :]
    cross = np.zeros((len(left), len(right or left)))
    selves = np.zeros(len(layers))

    def product(part):
        b = stack[columns].astype(arguments.sum, copy=False)
        return stack[rows][part].astype(arguments.sum, copy=False) @ b.T

    parts = [part for part in np.array_split(np.arange(len(left)), arguments.workers) if len(part)]
    parts = [slice(part[0], part[-1] + 1) for part in parts]
    for batch in batches(len(layers[0])):
        with Stage("Gram"):
            list(pool.map(lambda i: centered_gram(layers[i], batch, stack[i]), range(len(layers))))
        with Stage("products"):
            cross += np.concatenate(list(pool.map(product, parts)))
            if right is not None:
                selves += np.fromiter(pool.map(lambda k: k @ k, stack), float, len(layers))
    if right is None:
        selves = np.diag(cross)
    return cross / np.sqrt(np.outer(selves[rows], selves[columns]))


def main():
    start = time.perf_counter()
    with Stage("open"):
        left = open_model(arguments.model)
        right = open_model(arguments.model2) if arguments.model2 else None
    with ThreadPoolExecutor(arguments.workers) as pool:
        similarity = compare(left, right, pool)
    if arguments.output:
        np.save(arguments.output, similarity)
    seconds["all"] = time.perf_counter() - start
    print(" ".join(f"{name} {value:.3f} s" for name, value in seconds.items()))


if __name__ == "__main__":
    main()
