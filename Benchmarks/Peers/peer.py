"""What the peers share: arguments, files, minibatches, timing and the talk with `cka-bench`.

A peer is a program that compares the layers of one model, or of two, as `cka compare` does. It
prints a line of JSON that says what it is, then does its work once for each line of standard input
(or --runs times) and prints a line of JSON each time:

    {"program": "NumPy 2.4.6", "detail": "one thread a layer"}
    {"seconds": 0.52, "peakMemory": 1094713344, "memoryBefore": 38273024}

Time counts from opening the files to the map; starting Python and importing packages do not count.
The first map is saved to --output.
"""

import argparse
import importlib
import json
import os
import re
import sys
import time
from pathlib import Path


def arguments(description, has_choices=False):
    """The command line; `has_choices` between ways to do the same."""
    parser = argparse.ArgumentParser(description=description.split("\n")[0])
    parser.add_argument("models", nargs="+", metavar="MODEL", help="one folder of .npy, or two")
    parser.add_argument("--batch-size", type=int, help="default: all examples at once")
    parser.add_argument("--kernel", choices=["linear", "rbf"], default="linear")
    parser.add_argument("--output", help="where to save the map")
    parser.add_argument("--runs", type=int, help="default: one for each line of standard input")
    if has_choices:
        parser.add_argument(
            "--threads",
            choices=["layers", "library"],
            default="layers",
            help="a layer a thread, or the library's own threads",
        )
        parser.add_argument(
            "--center",
            choices=["features", "gram"],
            default="features",
            help="features, then Gram matrices; or Gram matrices alone, which is faster and as "
            "right on paper, and loses digits where features are far from 0",
        )
    return parser.parse_args()


def processors():
    return len(os.sched_getaffinity(0))


def one_thread_a_call():
    """Leave the processors to threads of our own. To be called before NumPy is imported."""
    for name in ["OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"]:
        os.environ[name] = "1"


def require(module, package):
    """A package, or one line and an end."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        print(f"{package} is not installed for {sys.executable} ({error})", file=sys.stderr)
        sys.exit(69)


def open_model(folder, mode="r"):
    """The layers of a folder in their order, mapped and not yet read: n × p each."""
    import numpy as np

    folder = Path(folder)
    names = [path.stem for path in folder.glob("*.npy")]
    names.sort(key=lambda name: [int(s) if s.isdigit() else s for s in re.split(r"(\d+)", name)])
    if (folder / "layers.json").exists():
        listed = json.loads((folder / "layers.json").read_text())["layers"]
        names = [layer["name"] for layer in listed]
    layers = [np.load(folder / f"{name}.npy", mmap_mode=mode) for name in names]
    return [layer.reshape(len(layer), -1) for layer in layers]


def batches(count, size):
    """Slices of consecutive examples; those that fill no batch are left out."""
    size = min(size or count, count)
    return [slice(start, start + size) for start in range(0, count - size + 1, size)]


def memory(name):
    """A line of /proc/self/status in bytes."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    return int(found.group(1)) * 1024


def serve(program, detail, compare, options):
    """Does the work, `compare() -> array of layers × layers`, as often as it is asked for."""
    print(json.dumps({"program": program, "detail": detail}), flush=True)
    before = memory("VmRSS")
    requests = sys.stdin if options.runs is None else range(options.runs)
    for index, _ in enumerate(requests):
        start = time.perf_counter()
        similarity = compare()
        seconds = time.perf_counter() - start
        peak = memory("VmHWM")
        if index == 0 and options.output:
            import numpy as np

            np.save(options.output, np.asarray(similarity, dtype=np.float64))
        print(
            json.dumps({"seconds": seconds, "peakMemory": peak, "memoryBefore": before}),
            flush=True,
        )
