"""Gram matrices of activations on an accelerator, made there by PyTorch: no activation leaves it.

    X (b × p) ── scaled by 2^-e, columns centered, float32, a chunk of features at a time ──► 2^-2e X Xᵀ (b × b)
              ── lower triangle ──► packed (b(b + 1)/2), copied into pinned memory while the network goes on

The packed triangle holds row after row: element (i, j), j ≤ i, is number i(i + 1)/2 + j. The scale keeps the squares of
very large and very small activations within float32.
"""

from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple

# Of a chunk of centered features: enough to keep an accelerator busy, little beside a network.
CHUNK_BYTES = 64 << 20


class Packed(NamedTuple):
    """The matrix of a layer on the CPU.

    Attributes
    ----------
    name : str
    numbers : torch.Tensor
        b(b + 1)/2 numbers, float32.
    facts : torch.Tensor
        Three integers: whether all activations are finite, whether every feature is the same in all examples, and the
        exponent: the numbers times 2^exponent are the matrix.
    examples, features : int
    """

    name: str
    numbers: object
    facts: object
    examples: int
    features: int


class DeviceGrams:
    """The matrices of one minibatch that are on their way from an accelerator."""

    def __init__(self):
        self._pending = []
        self._devices = set()

    def add(self, name, activations):
        """Starts the work on a layer; its activations may be overwritten when this returns."""
        packed, facts = packed_gram(activations)
        self._devices.add(activations.device)
        examples = activations.shape[0]
        self._pending.append(Packed(
            name, _to_host(packed), _to_host(facts), examples, activations.numel() // max(examples, 1)))

    def take(self):
        """All matrices so far, in their order: the only place that waits for an accelerator."""
        for device in self._devices:
            _synchronize(device)
        pending, self._pending = self._pending, []
        self._devices.clear()
        return [packed._replace(numbers=packed.numbers.cpu(), facts=packed.facts.cpu()) for packed in pending]


def packed_gram(activations, chunk_bytes=CHUNK_BYTES):
    """The packed triangle of a matrix and its facts, on the device of `activations`, which is not waited for."""
    import torch

    with torch.no_grad():
        rows = activations.detach().reshape(activations.shape[0], -1)
        # float64 is scaled and centered before it is rounded; of these others float32 holds all that is needed.
        kind = torch.float64 if rows.dtype == torch.float64 else torch.float32
        if rows.dtype == torch.bool or rows.element_size() == 1 and rows.is_floating_point():
            rows = rows.to(kind)
        examples, features = rows.shape
        gram = torch.zeros(examples, examples, dtype=torch.float32, device=rows.device)
        exponent, is_finite = _range(rows, kind)
        scale = torch.exp2(-exponent)
        is_constant = torch.ones((), dtype=torch.bool, device=rows.device)
        width = max(1, chunk_bytes // (4 * max(examples, 1)))
        with float32_products():
            for start in range(0, features, width):
                chunk = rows[:, start:start + width]
                is_constant &= (chunk == chunk[:1]).all()
                chunk = chunk.to(kind) * scale
                chunk = (chunk - chunk.mean(0, keepdim=True)).float()
                # In place, which the caller's `autocast` leaves in float32.
                gram.addmm_(chunk, chunk.T)
        row, column = _triangle(examples, rows.device)
        facts = torch.stack([is_finite.int(), is_constant.int(), (2 * exponent).int()])
        return gram[row, column], facts


def _range(rows, kind):
    """The binary exponent of the greatest difference between activations, and whether all are finite."""
    import torch

    if rows.numel() == 0:
        return torch.zeros((), dtype=kind, device=rows.device), torch.ones((), dtype=torch.bool, device=rows.device)
    least, greatest = torch.aminmax(rows)
    # Halves, whose difference does not overflow. Not a number, or infinite, where an activation is.
    half = greatest.to(kind) / 2 - least.to(kind) / 2
    # Far from the ends of the type, where powers of 2 would overflow or be rounded to 0.
    most = 1000 if kind == torch.float64 else 120
    exponent = torch.floor(torch.log2(half)).clamp(-most, most)
    return torch.where(torch.isfinite(exponent) & (half > 0), exponent, 0), torch.isfinite(half)


@contextmanager
def float32_products():
    """Products of float32 with all their bits: without TF32, whatever the caller has chosen."""
    import torch

    settings = [
        setting for setting in (torch.backends.cuda.matmul, getattr(torch.backends.mkldnn, "matmul", None))
        if setting is not None and hasattr(setting, "fp32_precision")]
    if settings:
        # PyTorch refuses to mix the newer name with the older one, so that only one of the two is used.
        name, exact = "fp32_precision", "ieee"
    else:
        settings, name, exact = [torch.backends.cuda.matmul], "allow_tf32", False
    before = [getattr(setting, name) for setting in settings]
    try:
        for setting in settings:
            setattr(setting, name, exact)
        yield
    finally:
        for setting, value in zip(settings, before):
            setattr(setting, name, value)


@lru_cache(maxsize=4)
def _triangle(examples, device):
    """Rows and columns of a lower triangle, row after row."""
    import torch

    row, column = torch.tril_indices(examples, examples, device=device)
    return row, column


def _to_host(tensor):
    """Where the tensor will be once its device is waited for: in pinned memory, without which a copy would wait."""
    import torch

    if tensor.device.type not in ("cuda", "xpu"):
        return tensor
    host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return host.copy_(tensor, non_blocking=True)


def _synchronize(device):
    import torch

    if device.type != "cpu":
        getattr(torch, device.type).synchronize(*([] if device.type == "mps" else [device]))
