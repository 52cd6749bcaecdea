#!/usr/bin/env python3
"""Times ckakit, pytorch-cka and torch_cka on the same live networks and the same loader, and says how wrong each is.

    python3 live.py [--cases resnet vit] [--seconds 30] [--output live.md]

Of each case: the forward pass alone; each package with the forward pass; and each without it, on outputs stored before,
which modules hand out. Programs take turns in one process, on the same objects. Peak memory is that of a fresh process,
beyond its own peak during the forward pass. Errors are the largest of all cells against float64 (live_truth.py).
Every figure of time is for one minibatch.

The machine's sgemm peak is the fastest square product of PyTorch or of NumPy, measured among the runs of each case.
Needs requirements.txt, scikit-learn and ckakit.
"""

import argparse
import contextlib
import io
import itertools
import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import peer
from live_tables import CITED, FAST, FORWARD, LONG, OURS, PACKAGES, document, program_rows, table

CASE_NAMES = ["resnet", "resnet-all", "inplace", "vit", "one-tensor", "masks", "mean"]
STORED_BATCHES = 2
# Layers' widths; many minibatches of wide ones would take minutes.
MINIBATCHES = {1024: 1000, 4096: 10}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", nargs="+", choices=CASE_NAMES, default=CASE_NAMES)
    parser.add_argument("--seconds", type=float, default=20, help="of turns a case, with and without the forward pass")
    parser.add_argument("--threads", type=int, help="processors for all programs; default: all")
    parser.add_argument("--output", help="the table, Markdown; default: standard output")
    parser.add_argument("--json", help="write all figures to this file")
    # What this program tells itself in a process of its own.
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    return parser.parse_args()


# What runs.


def by_ckakit(case):
    import ckakit

    result = ckakit.compare(*case.networks, case.loader, layers=case.layers, **case.options)
    # In the order of `case.layers`, of which shell patterns are.
    assert result.rows == case.layers, result.rows
    return result.cka


def by_pytorch_cka(case):
    import cka

    return cka.compute_cka(
        *case.networks, case.loader, layers=case.layers, model2_layers=case.layers, device="cpu", progress=False
    )[0].numpy()


def by_torch_cka(case):
    import torch
    import torch_cka

    # It never removes its hooks, which would slow down whoever is next.
    hooks = [module._forward_hooks for network in case.networks for module in network.modules()]
    try:
        # Left to itself it keeps what a gradient needs.
        with torch.no_grad(), contextlib.redirect_stderr(io.StringIO()):
            cka = torch_cka.CKA(*case.networks, model1_layers=case.layers, model2_layers=case.layers, device="cpu")
            cka.compare(case.loader, case.loader)
    finally:
        for each in hooks:
            each.clear()
    return cka.hsic_matrix.numpy()


def forward(case):
    import torch

    from live_networks import run

    with torch.no_grad():
        for batch in case.loader:
            for network in case.networks:
                run(network, batch)


PROGRAMS = {FORWARD: forward, OURS: by_ckakit, FAST: by_pytorch_cka, CITED: by_torch_cka}


def now():
    """Seconds: those of the processor where there is one, so that no other process counts."""
    return time.process_time() if peer.processors() == 1 else time.perf_counter()


def attempt(program, case):
    """Seconds, the map, and why there is none: a package that fails is a row, not an end."""
    start = now()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = PROGRAMS[program](case)
    except Exception as exception:
        reason = str(exception).splitlines()[0] if str(exception) else ""
        return None, None, f"fails: {type(exception).__name__}: {reason}"
    return now() - start, found, None


def prepare(name):
    """The packages and a case, in this process."""
    import torch
    import torch_cka  # noqa: F401

    import cka  # noqa: F401
    import ckakit  # noqa: F401
    from live_networks import CASES

    torch.set_num_threads(peer.processors())
    return CASES[name]()


def products():
    """GFLOP/s of a large product, by PyTorch and by NumPy: each once."""
    import numpy as np
    import torch

    side = 2048
    a = torch.randn(side, side)
    b = a.numpy()
    found = {}
    for name, multiply in [("PyTorch", lambda: a @ a), ("NumPy", lambda: np.matmul(b, b))]:
        start = now()
        multiply()
        found[name] = 2 * side**3 / (now() - start) / 1e9
    return found


def turns(case, programs, seconds, peaks, slow=None):
    """Runs in turn, three times at least; `torch_cka` once where it takes more than a tenth of the time.

    `slow` is what it took before.
    """
    times = {program: [] for program in programs}
    if slow is not None and slow > seconds / 10:
        times[CITED].append(slow)
    started = time.perf_counter()
    for index in itertools.count():
        for program in programs:
            if program != CITED or not times[program] or times[program][0] < seconds / 10:
                times[program].append(attempt(program, case)[0])
        for name, speed in products().items():
            peaks[name].append(speed)
        if index >= 2 and time.perf_counter() - started > seconds:
            return times


def time_case(name, seconds):
    """All of a case but memory."""
    import numpy as np

    from live_networks import replayed
    from live_truth import truth

    case = prepare(name)
    exact = truth(case)
    products()
    found = {"title": case.title, "programs": {}, "peaks": {"PyTorch": [], "NumPy": []}}
    working, slow = [FORWARD], None
    for program in PACKAGES:
        if case.pools and program != OURS:
            found["programs"][program] = {"failure": "does not pool"}
            continue
        slow, cka, failure = attempt(program, case)
        entry = found["programs"][program] = {"failure": failure}
        if failure is None:
            working.append(program)
            entry["undefined"] = int((~np.isfinite(cka)).sum())
            entry["error"] = float(np.nanmax(np.abs(cka - exact)))
    attempt(FORWARD, case)
    batches = len(case.loader)
    stored = min(batches, STORED_BATCHES)
    for key, each, count, programs, slow in [
        ("with", case, batches, working, slow if CITED in working else None),
        ("without", replayed(case, stored), stored, working[1:], None),
    ]:
        if key == "without":
            found |= work(each)
        for program, times in turns(each, programs, seconds, found["peaks"], slow).items():
            found["programs"].setdefault(program, {})[key] = [time / count for time in times]
    return found | {"batches": batches}


def work(case):
    """Useful operations and bytes of a minibatch, from stored outputs."""
    from live_networks import BATCH

    count = len(case.layers)
    widths = [
        output.shape[-1] if case.pools else output[0].numel()
        for network in case.networks for output in network.stored[0]]
    numbers = sum(output.numel() for network in case.networks for output in network.stored[0])
    return {
        "layers": count, "features": sum(widths), "examples": BATCH,
        "operations": BATCH * (BATCH + 1) * sum(widths) + (count**2 + 2 * count) * BATCH * (BATCH - 1),
        "bytes": 4 * numbers,
    }


def measure_bandwidth():
    """Bytes a second that a sum reads from memory."""
    import torch

    torch.set_num_threads(peer.processors())
    numbers = torch.ones(1 << 27)
    times = []
    for _ in range(7):
        start = now()
        numbers.sum()
        times.append(now() - start)
    return 4 * len(numbers) / min(times)


def measure_memory(name, program, device=None):
    """Peak memory beyond that of the forward pass."""
    case = prepare(name)
    if device is not None:
        case.options["device"] = device
    attempt(FORWARD, case)
    before = peer.memory("VmHWM")
    attempt(program, case)
    return peer.memory("VmHWM") - before


def measure_long(width, most, device):
    """Peak memory of ckakit beyond that of the forward pass after so many minibatches."""
    import torch

    import ckakit

    torch.set_num_threads(peer.processors())
    torch.manual_seed(0)
    parts = [[torch.nn.Linear(width, width), torch.nn.ReLU()] for _ in range(4)]
    network = torch.nn.Sequential(*itertools.chain(*parts)).eval()
    # Their memory is taken before the measurement.
    batches = [torch.randn(256, width) for _ in range(4)]
    with torch.no_grad():
        for batch in batches:
            network(batch)
    before, found = peer.memory("VmHWM"), {}

    def loader():
        for index in range(most + 1):
            if index in LONG:
                found[index] = peer.memory("VmHWM") - before
            if index < most:
                yield batches[index % len(batches)]

    ckakit.compare(network, loader=loader(), device=device)
    return found


def measure_workers():
    """Seconds by a DataLoader of ten workers, and how far its map is from that of none."""
    import numpy as np
    import torch

    import ckakit
    from live_networks import digits

    case = prepare("resnet")
    images = torch.cat([batch for batch, _ in digits(7)])
    found = {}
    for workers in (0, 10):
        loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(images), batch_size=256, num_workers=workers)
        start = time.perf_counter()
        with warnings.catch_warnings():
            # PyTorch would have fewer workers on few processors.
            warnings.simplefilter("ignore")
            found[workers] = ckakit.compare(*case.networks, loader, layers=case.layers).cka
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "difference": float(np.abs(found[0] - found[10]).max())}


def answer(task, *rest):
    tasks = {
        "time": lambda name, seconds: time_case(name, float(seconds)), "memory": measure_memory,
        "long": lambda width, most, device="auto": measure_long(int(width), int(most), device),
        "workers": measure_workers, "bandwidth": measure_bandwidth,
    }
    print(json.dumps(tasks[task](*rest)))


# The tables.


def ask(*task):
    """What a process of its own answers, or why it does not."""
    done = subprocess.run(
        [sys.executable, __file__, "--child", *map(str, task)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, check=False)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        sys.exit(f"live.py: {' '.join(map(str, task))} ended with {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def main():
    options = arguments()
    if options.threads:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    if options.child:
        return answer(*options.child)
    cases = []
    for name in options.cases:
        found = ask("time", name, options.seconds)
        for program in PACKAGES:
            if not found["programs"][program]["failure"]:
                found["programs"][program]["memory"] = ask("memory", name, program)
        found["programs"][OURS]["memory without OpenCL"] = ask("memory", name, OURS, "cpu")
        cases.append(found)
        print(table([""] * 8, program_rows(found)), file=sys.stderr, flush=True)
    rest = {
        "long": {
            f"{width:,}, device={device}": ask("long", width, most, device)
            for width, most in MINIBATCHES.items() for device in ("auto", "cpu")},
        "workers": ask("workers"), "bandwidth": ask("bandwidth"),
    }
    if options.json:
        Path(options.json).write_text(json.dumps({"cases": cases, **rest}, indent=1))
    text = document(cases, **rest)
    if options.output:
        Path(options.output).write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
