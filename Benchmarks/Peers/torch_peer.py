#!/usr/bin/env python3
"""CKA of all layers in PyTorch on the CPU: what a user would write instead.

    python3 torch_peer.py MODEL [MODEL2] --batch-size 256 --runs 5 --output map.npy

The same algorithm and the same job as numpy_peer.py and `cka compare`. --threads layers shares the
layers of a batch among threads, with one thread of PyTorch's own in each; --threads library leaves
the threads to PyTorch.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import peer

options = peer.arguments(__doc__, has_choices=True)
np = peer.require("numpy", "NumPy")
torch = peer.require("torch", "PyTorch")
workers = peer.processors() if options.threads == "layers" else 1
torch.set_num_threads(peer.processors() if workers == 1 else 1)
torch.set_grad_enabled(False)


def start_thread():
    # Both are each thread's own.
    torch.set_grad_enabled(False)
    if workers > 1:
        torch.set_num_threads(1)


scratch = threading.local()


def features(layer, rows):
    """Some rows of a layer in float32: centered, in this thread's own buffer, or as they lie."""
    stored = layer[rows]
    if options.center == "gram" and stored.dtype == torch.float32:
        return stored
    if len(getattr(scratch, "buffer", ())) < stored.numel():
        scratch.buffer = torch.empty(stored.numel())
    x = scratch.buffer[: stored.numel()].view(stored.shape)
    if stored.dtype != torch.float32:
        x.copy_(stored)
        return x.sub_(x.mean(dim=0)) if options.center == "features" else x
    return torch.sub(stored, stored.mean(dim=0), out=x)


def rbf(k):
    """exp(−d²/(2σ²)) in place of the products; σ² is the median squared distance."""
    squares = k.diagonal().clone()
    k.mul_(-2).add_(squares[:, None]).add_(squares[None, :]).clamp_(min=0)
    k.fill_diagonal_(0)
    # The mean of the two middle values: torch.median gives the lower. NumPy selects faster.
    k.mul_(-1 / (2 * float(np.median(k.numpy())))).exp_()


def centered_gram(layer, rows, out):
    """The U-centered Gram matrix of some rows of a layer, flattened into `out`."""
    x = features(layer, rows)
    n = len(x)
    k = out.view(n, n)
    torch.mm(x, x.T, out=k)
    if options.kernel == "rbf":
        rbf(k)
    k.fill_diagonal_(0)
    means = k.sum(dim=1) / (n - 2)
    means -= means.sum() / (2 * (n - 1))
    k.sub_(means[:, None]).sub_(means[None, :])
    k.fill_diagonal_(0)


def compare(pool):
    """All layers of the first model × all of the last, with all Gram matrices in one stack."""
    # Mapped copy-on-write, because PyTorch warns about memory that cannot be written to.
    models = [[torch.from_numpy(x) for x in peer.open_model(path, "c")] for path in options.models]
    layers = [layer for model in models for layer in model]
    batches = peer.batches(len(layers[0]), options.batch_size)
    size = batches[0].stop
    stack = torch.empty(len(layers), size * size)
    left, right = stack[: len(models[0])], stack[-len(models[-1]) :]
    cross = torch.zeros(len(left), len(right), dtype=torch.float64)
    selves = torch.zeros(len(layers), dtype=torch.float64)
    for batch in batches:
        list(pool.map(lambda i: centered_gram(layers[i], batch, stack[i]), range(len(layers))))
        # Here, where all threads are PyTorch's.
        cross += left @ right.T
        if len(models) == 2:
            selves += torch.linalg.vector_norm(stack, dim=1).double() ** 2
    if len(models) == 1:
        selves = cross.diagonal()
    return cross / torch.outer(selves[: len(left)], selves[-len(right) :]).sqrt()


with ThreadPoolExecutor(workers, initializer=start_thread) as pool:
    if workers > 1:
        torch.set_num_threads(peer.processors())
    how = f"one layer a thread, {workers} threads" if workers > 1 else "PyTorch's own threads"
    how += f"; centers {options.center}"
    peer.serve(f"PyTorch {torch.__version__}", how, lambda: compare(pool), options)
