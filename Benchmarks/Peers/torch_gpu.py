#!/usr/bin/env python3
"""What a good PyTorch program reaches on this machine's GPU, to hold `cka-bench` against.

    python3 torch_gpu.py [--quick] [--device cuda] [--json figures.json]

Gram matrices of data that lie on the device (X @ X.T of all layers, batched), and the whole sweep of
two networks, with the data on the device or in pinned host memory: transfer, centering of features,
Gram matrices, U-centering, all pairs. In float32 as PyTorch has it by default, in TensorFloat-32, and
for float16 data in one 16-bit product. Medians of CUDA events after a warm-up. Each result is held
against float64; the program fails where one is further off than its arithmetic explains.

Where PyTorch or its CUDA device is missing it says so in one line and ends with status 77.
`--device cpu --quick` runs the same arithmetic on any machine: for testing, not for timing.
"""

import argparse
import json
import statistics
import sys
import time

SKIPPED = 77

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--device", default="cuda")
parser.add_argument("--layers", type=int, default=30, help="layers of each of two networks")
parser.add_argument("--features", type=int, default=8192, help="features of a layer")
parser.add_argument("--runs", type=int, default=9, help="counted runs")
parser.add_argument("--quick", action="store_true", help="small shapes, three runs")
parser.add_argument("--json", help="write the figures to this file")
arguments = parser.parse_args()
if arguments.quick:
    arguments.layers, arguments.features, arguments.runs = 7, 512, 3

try:
    import torch
except ImportError:
    print("torch_gpu: skipped: PyTorch is not installed for this Python", file=sys.stderr)
    sys.exit(SKIPPED)
device = torch.device(arguments.device)
if device.type == "cuda" and not torch.cuda.is_available():
    print("torch_gpu: skipped: this PyTorch finds no CUDA device", file=sys.stderr)
    sys.exit(SKIPPED)

BATCHES = [32, 64] if arguments.quick else [256, 2048]
# Two minibatches: the second's transfer can be hidden behind the first's arithmetic.
MINIBATCHES = 2
# How far off a CKA may be. float32: the limit of cka itself. TensorFloat-32 and float16 keep 11
# bits, so that a product is off by at most 2^-9 of itself. Over p products and b^2 entries of K these
# errors average to far less; a factor that is common to all entries cancels in CKA.
ALLOWED = {"float32": 1e-5, "tf32": 1e-3, "float16": 1e-3}


def set_arithmetic(name):
    torch.set_float32_matmul_precision("high" if name == "tf32" else "highest")


def synchronize():
    if device.type == "cuda":
        torch.cuda.synchronize()


def seconds(body):
    """Seconds of every counted run of `body`, on the device's own clock where it has one."""
    body()
    times = []
    for _ in range(arguments.runs):
        synchronize()
        if device.type == "cuda":
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            body()
            end.record()
            synchronize()
            times.append(begin.elapsed_time(end) / 1000)
        else:
            begin = time.perf_counter()
            body()
            times.append(time.perf_counter() - begin)
    return times


def multiply(x, arithmetic, out):
    """x @ x.T of every layer: x is layers × examples × features."""
    if arithmetic != "float16":
        torch.bmm(x, x.transpose(1, 2), out=out)
    elif device.type == "cuda":
        # 16-bit factors, float32 sums and results.
        torch.bmm(x, x.transpose(1, 2), out_dtype=torch.float32, out=out)
    else:
        torch.bmm(x.float(), x.float().transpose(1, 2), out=out)


def network(examples, dtype, seed):
    """layers × examples × features on the device, alike enough for a CKA between 0 and 1."""
    generator = torch.Generator(device).manual_seed(seed)
    shared_generator = torch.Generator(device).manual_seed(1)
    shape = (examples, arguments.features)
    shared = torch.randn(shape, generator=shared_generator, device=device)
    layers = torch.empty((arguments.layers, *shape), dtype=dtype, device=device)
    for layer in layers:
        layer.copy_(shared + torch.randn(shape, generator=generator, device=device) + 0.5)
    return layers


def u_center(k):
    """U-centers a stack of Gram matrices in place."""
    n = k.shape[1]
    k.diagonal(dim1=1, dim2=2).zero_()
    means = k.sum(dim=2) / (n - 2)
    means -= means.sum(dim=1, keepdim=True) / (2 * (n - 1))
    k.sub_(means[:, :, None]).sub_(means[:, None, :])
    k.diagonal(dim1=1, dim2=2).zero_()


class Sweep:
    """The map of two networks. All memory is taken before the clock starts."""

    def __init__(self, networks, batch, arithmetic, on_host):
        self.networks, self.batch, self.arithmetic = networks, batch, arithmetic
        layers, dtype = arguments.layers, networks[0].dtype
        self.stack = torch.empty((2 * layers, batch, batch), device=device)
        self.copies = torch.cuda.Stream() if device.type == "cuda" and on_host else None
        # From the host a few layers at a time, so that little is sent before the first product.
        self.chunk = min(layers, 5) if on_host else layers
        shape = (self.chunk, batch, arguments.features)
        slots = 2 if on_host else 0
        self.slots = [torch.empty(shape, dtype=dtype, device=device) for _ in range(slots)]
        self.free = [None, None]

    def parts(self):
        """Which rows and layers of which network, in the order of the work."""
        for minibatch in range(MINIBATCHES):
            rows = slice(minibatch * self.batch, (minibatch + 1) * self.batch)
            for side in range(2):
                for first in range(0, arguments.layers, self.chunk):
                    yield side, first, rows

    def send(self, index, side, first, rows):
        """Starts the copy of a part; returns its activations and the copy's event."""
        sources = self.networks[side][first : first + self.chunk]
        slot = self.slots[index % 2][: len(sources)]
        if self.copies is None:
            slot.copy_(sources[:, rows])
            return slot, None
        with torch.cuda.stream(self.copies):
            if self.free[index % 2]:
                self.copies.wait_event(self.free[index % 2])
            # Layer by layer: each one's rows are one run of pinned memory.
            for target, source in zip(slot, sources):
                target.copy_(source[rows], non_blocking=True)
            return slot, self.copies.record_event()

    def centered(self, x):
        x = x.float()
        return x - x.mean(dim=1, keepdim=True)

    def __call__(self):
        set_arithmetic(self.arithmetic)
        layers = arguments.layers
        self.cross = torch.zeros((layers, layers), dtype=torch.float64, device=device)
        self.selves = torch.zeros(2 * layers, dtype=torch.float64, device=device)
        parts = list(self.parts())
        if self.copies is not None:
            # The slots may still be read by the run before.
            self.copies.wait_stream(torch.cuda.current_stream())
            self.free = [None, None]
        sent = [self.send(0, *parts[0])] if self.slots else []
        for index, (side, first, rows) in enumerate(parts):
            if self.slots:
                if index + 1 < len(parts):
                    sent.append(self.send(index + 1, *parts[index + 1]))
                x, arrived = sent[index]
                if arrived:
                    torch.cuda.current_stream().wait_event(arrived)
                x = self.centered(x)
                if arrived:
                    self.free[index % 2] = torch.cuda.current_stream().record_event()
            else:
                x = self.centered(self.networks[side][:, rows])
            if self.arithmetic == "float16":
                x = x.half()
            start = side * layers + first
            multiply(x, self.arithmetic, self.stack[start : start + len(x)])
            if start + len(x) == 2 * layers:
                self.add_pairs()
        self.map = self.cross / torch.outer(self.selves[:layers], self.selves[layers:]).sqrt()

    def add_pairs(self):
        """All pairs of the minibatch whose Gram matrices are complete."""
        layers = arguments.layers
        u_center(self.stack)
        set_arithmetic("float32")
        flat = self.stack.flatten(1)
        self.cross += flat[:layers] @ flat[layers:].T
        self.selves += torch.linalg.vector_norm(flat, dim=1).double() ** 2
        set_arithmetic(self.arithmetic)

    def error(self):
        """The largest error of the first two layers' values, against traces in float64."""
        sums = torch.zeros((4, 4), dtype=torch.float64)
        for minibatch in range(MINIBATCHES):
            rows = slice(minibatch * self.batch, (minibatch + 1) * self.batch)
            grams = []
            for layer in [n[i] for n in self.networks for i in range(2)]:
                x = layer[rows].to(device).double()
                grams.append(x @ x.T)
            sums += torch.tensor([[hsic1(k, l) for l in grams] for k in grams])
        expected = sums / torch.outer(sums.diag(), sums.diag()).sqrt()
        return (self.map[:2, :2].cpu() - expected[:2, 2:]).abs().max().item()


def hsic1(k, l):
    """Song et al.'s unbiased HSIC of two Gram matrices, from its definition by sums."""
    n = len(k)
    k, l = k - torch.diag(k.diag()), l - torch.diag(l.diag())
    total = (k * l).sum() + k.sum() * l.sum() / ((n - 1) * (n - 2))
    total -= 2 / (n - 2) * (k.sum(dim=0) @ l.sum(dim=0))
    return (total / (n * (n - 3))).item()


rows = []


def record(work, place, dtype, arithmetic, batch, times, flops, sent, error, allowed):
    median = statistics.median(times)
    rows.append(
        {
            "work": work,
            "data": place,
            "type": dtype,
            "arithmetic": arithmetic,
            "batch": batch,
            "seconds": median,
            "least": min(times),
            "most": max(times),
            "tflops": flops / median / 1e12 if flops else None,
            "gbps": sent / median / 1e9 if sent else None,
            "error": error,
            "failed": not error <= allowed,
        }
    )


def measure_gram(batch, data, arithmetic):
    """X @ X.T of one network's layers, on the device; the error is relative to √(K_ii K_jj)."""
    set_arithmetic(arithmetic)
    x = data[:, :batch].contiguous()
    out = torch.empty((len(x), batch, batch), device=device)
    times = seconds(lambda: multiply(x, arithmetic, out))
    exact = x[0].double() @ x[0].double().T
    scale = torch.outer(exact.diag(), exact.diag()).sqrt()
    error = ((out[0] - exact).abs() / scale).max().item()
    flops = len(x) * batch * (batch + 1) * arguments.features
    # A factor that is cut to 11 bits is off by at most 2^-10; float16 factors are exact.
    allowed = 2**-9 if arithmetic == "tf32" else 1e-5
    name = str(data.dtype).removeprefix("torch.")
    record("Gram", "device", name, arithmetic, batch, times, flops, 0, error, allowed)


def measure_sweeps(batch, networks, arithmetics):
    name = str(networks[0].dtype).removeprefix("torch.")
    examples = MINIBATCHES * batch
    flops = 2 * arguments.layers * MINIBATCHES * batch * (batch + 1) * arguments.features
    flops += arguments.layers**2 * MINIBATCHES * batch * (batch - 1)
    sent = 2 * arguments.layers * examples * arguments.features * networks[0].element_size()
    for arithmetic in arithmetics:
        sweep = Sweep(networks, batch, arithmetic, on_host=False)
        times = seconds(sweep)
        allowed = ALLOWED[arithmetic]
        record(
            "sweep", "device", name, arithmetic, batch, times, flops, 0, sweep.error(), allowed
        )
    host = [n.cpu().pin_memory() if device.type == "cuda" else n.cpu() for n in networks]
    networks.clear()
    measure_transfer(batch, host, name)
    for arithmetic in arithmetics:
        sweep = Sweep(host, batch, arithmetic, on_host=True)
        times = seconds(sweep)
        allowed = ALLOWED[arithmetic]
        record(
            "sweep", "host", name, arithmetic, batch, times, flops, sent, sweep.error(), allowed
        )


def measure_transfer(batch, host, name):
    target = torch.empty_like(host[0], device=device)
    times = seconds(lambda: target.copy_(host[0], non_blocking=True))
    sent = host[0].numel() * host[0].element_size()
    error = 0.0 if torch.equal(target.cpu(), host[0]) else float("inf")
    record("transfer", "host", name, "", batch, times, 0, sent, error, 0)


def print_table():
    print("| work | data on | type | arithmetic | batch | ms | least … most | TFLOP/s | GB/s | error |")
    print("|---|---|---|---|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        spread = f"{row['least'] * 1e3:.3g} … {row['most'] * 1e3:.3g}"
        tflops = f"{row['tflops']:.4g}" if row["tflops"] else ""
        gbps = f"{row['gbps']:.4g}" if row["gbps"] else ""
        error = f"{row['error']:.1e}" + (" FAILED" if row["failed"] else "")
        cells = [row["work"], row["data"], row["type"], row["arithmetic"], str(row["batch"])]
        cells += [f"{row['seconds'] * 1e3:.4g}", spread, tflops, gbps, error]
        print("| " + " | ".join(cells) + " |")


def main():
    on_gpu = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if on_gpu else "CPU"
    cuda = f", CUDA {torch.version.cuda}" if on_gpu else ""
    print(f"PyTorch {torch.__version__}{cuda} on {name}: 2 × {arguments.layers} layers of", end=" ")
    print(f"{arguments.features} features, {MINIBATCHES} minibatches, medians of {arguments.runs}")
    print("TFLOP/s counts each lower triangle once.\n")
    for batch in BATCHES:
        for dtype in [torch.float32, torch.float16]:
            stored = dtype == torch.float16
            data = [network(MINIBATCHES * batch, dtype, seed) for seed in (2, 3)]
            for arithmetic in ["float16"] if stored else ["float32", "tf32"]:
                measure_gram(batch, data[0], arithmetic)
            measure_sweeps(batch, data, ["float32", "tf32"] + (["float16"] if stored else []))
    print_table()
    if arguments.json:
        figures = {"torch": torch.__version__, "cuda": torch.version.cuda, "device": name}
        figures["rows"] = rows
        with open(arguments.json, "w") as file:
            json.dump(figures, file, indent=2)
    failed = sum(row["failed"] for row in rows)
    if failed:
        sys.exit(f"torch_gpu: {failed} results are wrong")


if __name__ == "__main__":
    main()
