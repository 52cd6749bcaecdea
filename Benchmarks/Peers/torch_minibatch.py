#!/usr/bin/env python3
"""Minibatch CKA of all layers in PyTorch, on the CPU or a GPU.

    python3 torch_minibatch.py MODEL [MODEL2] --batch-size 256 --order stored --output map.npy

The same algorithm and the same job as numpy_minibatch.py and `cka compare`. Where there is a GPU,
--device cuda copies every layer's rows there once and does the rest there, in float32 throughout
(TensorFloat-32 would cost three digits). On the CPU the layers of a batch are shared among threads,
with one thread of PyTorch's own in each; --workers 1 leaves the threads to PyTorch.
"""

import argparse
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("model")
parser.add_argument("model2", nargs="?")
parser.add_argument("--batch-size", type=int, default=256)
parser.add_argument("--order", choices=["stored", "shuffled"], default="shuffled")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--passes", type=int, default=1)
parser.add_argument("--device", default="cpu")
parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
parser.add_argument("--output")
arguments = parser.parse_args()

seconds = {"open": 0.0, "Gram": 0.0, "products": 0.0}


class Stage:
    """Adds the time spent inside to the stage's total."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        self.start = time.perf_counter()

    def __exit__(self, *_):
        if arguments.device != "cpu":
            torch.cuda.synchronize()
        seconds[self.name] += time.perf_counter() - self.start


def open_model(folder):
    folder = Path(folder)
    names = [layer["name"] for layer in json.loads((folder / "layers.json").read_text())["layers"]]
    # Mapped copy-on-write, because PyTorch warns about memory that cannot be written to.
    layers = [np.load(folder / f"{name}.npy", mmap_mode="c") for name in names]
    return [torch.from_numpy(layer.reshape(len(layer), -1)) for layer in layers]


def centered_gram(layer, rows, out):
    """The U-centered Gram matrix of some rows of a layer, flattened into `out`."""
    x = layer[rows].to(arguments.device, torch.float32)
    x = x - x.mean(dim=0)
    n = len(x)
    k = out.view(n, n)
    torch.mm(x, x.T, out=k)
    k.fill_diagonal_(0)
    means = k.sum(dim=1) / (n - 2)
    means -= means.sum() / (2 * (n - 1))
    k.sub_(means[:, None]).sub_(means[None, :])
    k.fill_diagonal_(0)


def batches(count):
    generator = torch.Generator().manual_seed(arguments.seed)
    size = min(arguments.batch_size, count)
    for _ in range(arguments.passes):
        order = None
        if arguments.order == "shuffled":
            order = torch.randperm(count, generator=generator)
        for start in range(0, count - size + 1, size):
            whole = slice(start, start + size)
            yield whole if order is None else order[whole].sort().values


def compare(left, right, share):
    """left × right, with the Gram matrices of both in one stack."""
    layers = left if right is None else left + right
    size = min(arguments.batch_size, len(layers[0]))
    stack = torch.empty(len(layers), size * size, device=arguments.device)
    a, b = stack[: len(left)], stack[-len(right or left) :]
    cross = torch.zeros(len(a), len(b), dtype=torch.float64)
    selves = torch.zeros(len(layers), dtype=torch.float64)
    for batch in batches(len(layers[0])):
        with Stage("Gram"):
            list(share(lambda layer, row: centered_gram(layer, batch, row), layers, stack))
        with Stage("products"):
            cross += (a @ b.T).cpu()
            if right is not None:
                selves += torch.linalg.vector_norm(stack, dim=1).cpu() ** 2
    if right is None:
        selves = cross.diag()
    return cross / torch.outer(selves[: len(a)], selves[-len(b) :]).sqrt()


def main():
    if arguments.device != "cpu":
        torch.zeros(1, device=arguments.device)  # start the GPU outside the measurement
    start = time.perf_counter()
    with Stage("open"):
        left = open_model(arguments.model)
        right = open_model(arguments.model2) if arguments.model2 else None
    if arguments.workers > 1 and arguments.device == "cpu":
        one_thread = {"initializer": torch.set_num_threads, "initargs": [1]}
        with ThreadPoolExecutor(arguments.workers, **one_thread) as pool:
            similarity = compare(left, right, pool.map)
    else:
        similarity = compare(left, right, map)
    if arguments.output:
        np.save(arguments.output, similarity.numpy())
    seconds["all"] = time.perf_counter() - start
    print(" ".join(f"{name} {value:.3f} s" for name, value in seconds.items()))


if __name__ == "__main__":
    main()
