#!/usr/bin/env python3
"""Lets commands go wrong at many of their system calls and holds them against what they promise.

    CKA=PATH Scripts/test-faults.py [--each N] [--command NAME] [--kind NAME]

N moments of each kind of fault in each command, 2 unless given, and four times as many of kills, spread evenly over the
calls that the command makes undisturbed; or of one command, such as 'sweep of more', and of one kind.

What must hold, whatever call fails:
- A command that fails says so in one line, with a code of sysexits.h that belongs to the fault.
- A result is whole or not there; an earlier one stays until the new one is whole. No file of a store is there
  but whole.
- The next run succeeds, makes the same bits as one that was never disturbed, and nothing stays behind.
"""

import argparse
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HDF5 = ROOT / "Tests" / "Activations" / "Files" / "HDF5Files" / "lzf.h5"
EXAMPLES = 23  # of that file's layers

# The kinds of Tests/Faults/faults.c, and with what a command may end: 0 where the fault did not matter or the
# command had another way.
KINDS = {
    # 0 and 74 where it is the process that reads HDF5 that was killed.
    "kill": {-9, 0, 74},
    # 65 where the file was cut before it was opened.
    "truncate": {0, 65, 74},
    "mapped-error": {74},
    "full": {0, 74},
    "denied": {0, 73, 74},
    "write-error": {0, 74},
    "sync-error": {0, 74},
    "close-error": {0, 74},
    "rename-error": {0, 74},
    "remove-error": {0, 74},
    "look-error": {0, 74},
    "list-error": {0, 74},
    "open-error": {0, 74},
    "read-error": {0, 74},
    "unreadable": {0, 74},
    "map-error": {0, 74},
    "link-error": {0},
    "short-write": {0},
    "short-read": {0},
    "interrupt": {0},
}
# How many times as many moments: a process that is killed tidies nothing.
MORE = {"kill": 4}
# Where a command leaves nothing by itself; after the others the next run takes away what stayed.
TIDY = {
    "full", "denied", "write-error", "sync-error", "rename-error", "read-error", "unreadable", "map-error",
}


# How often a moment is tried that does not come: threads of a command make more or fewer calls while a file is
# mapped, so another run may have fewer than the one that was counted.
TRIES = 5


@dataclass
class Command:
    """A command that writes to OUTPUT, and what is run before it and after it, undisturbed."""

    name: str
    arguments: str
    before: tuple = ()
    after: str = ""
    output: str = "out"
    # The files that are cut short.
    victims: tuple = ("columns/features.npy", "packed.npz", "layers.h5")


COMPARE = "compare columns packed.npz --batch-size 8 --report --force --output"
SWEEP = "sweep columns packed.npz layers.h5 --batch-size 8 --table --report --output"
SHARE = "sweep columns packed.npz layers.h5 --batch-size 8 --output"
COMMANDS = [
    Command("compare", f"{COMPARE} deep/out", output="deep/out"),
    Command("compare over a result", f"{COMPARE} out", ("compare columns packed.npz --report --estimator biased --output out",)),
    Command("components", "components columns layers.h5 --force --output out"),
    Command("trust", "trust columns layers.h5 --force --output out"),
    Command("sweep", f"{SWEEP} out"),
    Command("sweep of more", f"{SWEEP} out", (SWEEP.replace("layers.h5 ", "") + " out",)),
    # Files of a share are files of the joined store: no one cuts one without the other.
    Command(
        "merge", "merge one two --table --report --output out",
        (f"{SHARE} one --shard 1/2", f"{SHARE} two --shard 2/2"), victims=()),
]


def npy(columns, seed, order="False"):
    """A file of float32 numbers."""
    header = f"{{'descr': '<f4', 'fortran_order': {order}, 'shape': ({EXAMPLES}, {columns}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    numbers = random.Random(seed)
    values = [numbers.uniform(-1, 1) for _ in range(EXAMPLES * columns)]
    return (b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()
            + struct.pack(f"<{len(values)}f", *values))


def make_inputs(folder):
    """Numbers that are read by calls, touched where they are mapped, unpacked, and listed by libhdf5."""
    (folder / "columns").mkdir(parents=True)
    (folder / "tmp").mkdir()
    (folder / "columns" / "rows.npy").write_bytes(npy(700, 1))
    (folder / "columns" / "features.npy").write_bytes(npy(3000, 2, order="True"))
    with zipfile.ZipFile(folder / "packed.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.npy", npy(40, 3))
        archive.writestr("two.npy", npy(30, 4))
    shutil.copy(HDF5, folder / "layers.h5")


class Bench:
    """Runs commands in copies of folders, with faults or without."""

    def __init__(self, cka, work):
        self.cka, self.work = cka, Path(work)
        self.shim = self.work / "faults.so"
        subprocess.run(
            ["clang", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", self.shim,
             ROOT / "Tests" / "Faults" / "faults.c", "-ldl"], check=True)

    def run(self, folder, arguments, kind="", at=0, victim=""):
        """Runs a command in FOLDER; returns it and the number of calls of the kind."""
        count = folder.with_suffix(".count")
        count.write_bytes(bytes(8))
        device = [] if arguments.startswith("merge") else ["--device", "cpu"]
        environment = dict(
            os.environ, TMPDIR=str(folder / "tmp"), SOURCE_DATE_EPOCH="0", OPENBLAS_NUM_THREADS="1",
            LD_PRELOAD=str(self.shim), FAULT_KIND=kind, FAULT_AT=str(at), FAULT_ROOT=str(folder),
            FAULT_VICTIM=str(folder / victim), FAULT_COUNT=str(count))
        run = subprocess.run(
            [self.cka, *arguments.split(), *device], cwd=folder, env=environment, capture_output=True,
            text=True, errors="replace", timeout=600)
        return run, int.from_bytes(count.read_bytes(), sys.byteorder)

    def expect(self, folder, arguments):
        run, _ = self.run(folder, arguments)
        if run.returncode != 0:
            sys.exit(f"test-faults: {arguments}: {run.returncode}: {run.stderr}")


def contents(folder):
    """The files below a folder: their bytes, without what differs between equal runs."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_dir():
            found[name + "/"] = b""
        elif path.name == "lock":
            found[name] = b""  # the process
        elif path.suffix == ".json":
            found[name] = normalized(path)
        else:
            # Pages say how long it took.
            found[name] = re.sub(rb'"Time","value":"[^"]*"', b"", path.read_bytes())
    return found


def normalized(path):
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        return f"{path.name} is no JSON"
    document.pop("timings", None)
    document.pop("seconds", None)
    if path.parent.name == "models":  # of a store: times of files and where they are
        document.pop("checksum")
        for key in ("files", "location"):
            document["content"].pop(key)
    return document


def difference(left, right):
    """What differs between two folders' contents; nothing where they are alike."""
    names = [n for n in sorted(left.keys() | right.keys()) if left.get(n) != right.get(n)]
    return ", ".join(names[:4])


class Trials:
    """All moments of all kinds of faults in one command."""

    def __init__(self, bench, command):
        self.bench, self.command = bench, command
        name = command.name.replace(" ", "-")
        self.pristine = bench.work / f"{name}-before"
        make_inputs(self.pristine)
        for arguments in command.before:
            bench.expect(self.pristine, arguments)
        self.inputs = contents(self.pristine)
        good = self.copy("good")
        bench.expect(good, command.arguments)
        self.good = contents(good)
        if command.after:
            bench.expect(good, command.after)
        self.goal = contents(good)

    def copy(self, name):
        folder = self.bench.work / f"{self.command.name.replace(' ', '-')}-{name}"
        shutil.copytree(self.pristine, folder, symlinks=True)
        return folder

    def moments(self, kinds, each):
        """Kinds, and calls of them, with the number of all."""
        for kind in kinds:
            if kind == "truncate" and not self.command.victims:
                continue
            folder = self.copy(f"count-{kind}")
            _, total = self.bench.run(folder, self.command.arguments, kind)
            shutil.rmtree(folder)
            count = each * MORE.get(kind, 1)
            # Elsewhere among the calls for each command and kind, the same from run to run.
            start = zlib.crc32(f"{self.command.name} {kind}".encode()) / 2**32
            for at in sorted({1 + int((i + start) * total / count) for i in range(count)}):
                if at <= total:
                    yield kind, at, f"{self.command.name}: {kind} {at} of {total}"

    def attempt(self, kind, at, name):
        """Lets one moment go wrong; returns what does not hold, and whether the moment came."""
        for _ in range(TRIES):
            failure, has_come = self.attempt_once(kind, at, name)
            if failure or has_come:
                break
        return failure, has_come

    def attempt_once(self, kind, at, name):
        folder = self.copy(f"{kind}-{at}")
        victims = self.command.victims or ("",)
        try:
            try:
                run, calls = self.bench.run(
                    folder, self.command.arguments, kind, at, victims[at % len(victims)])
            except subprocess.TimeoutExpired:
                return f"{name}: does not end", True
            has_come = calls >= at
            codes = KINDS[kind] if has_come else {0}
            faults = [self.ending(codes, run), self.state(kind, run, folder), self.next(folder)]
            faults = [f for f in faults if f]
            last = run.stderr.strip()[-300:].splitlines()[-1:]
            return f"{name}: {'; '.join(faults)}  [{run.returncode}] {last}" if faults else "", has_come
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def ending(self, codes, run):
        """The exit code, and the line on standard error."""
        if run.returncode not in codes:
            return "another exit code"
        errors = [line for line in run.stderr.splitlines() if line.startswith("cka: error: ")]
        if run.returncode > 0 and len(errors) != 1:
            return "not one line of error"
        return ""

    def state(self, kind, run, folder):
        """What is there after the fault."""
        now = contents(folder)
        output = self.command.output + "/"
        ours = {n: b for n, b in now.items() if n.startswith(output)}
        good, before = ({n: b for n, b in c.items() if n.startswith(output)} for c in (self.good, self.inputs))
        if run.returncode == 0 and difference(ours, good) and kind != "remove-error":
            return f"not the whole result: {difference(ours, good)}"
        if output + "store.json" in good:
            # Documents that say what else is there may say that some of it is not.
            torn = [
                n for n, b in ours.items()
                if b not in (good.get(n), before.get(n)) and ".partial-" not in n
                and not n.endswith("results/sweep.json") and "/models/" not in n]
            if torn:
                return f"neither old nor new: {torn[:4]}"
        elif difference(ours, good) and difference(ours, before):
            return f"neither old nor new: {difference(ours, good)}"
        if kind in TIDY and run.returncode > 0:
            left = [n for n in now if n not in self.inputs and ".partial-" in n]
            if left:
                return f"left behind at once: {left[:4]}"
        return ""

    def next(self, folder):
        """The next run."""
        for victim in self.command.victims:
            if (folder / victim).stat().st_size != (self.pristine / victim).stat().st_size:
                shutil.copy2(self.pristine / victim, folder / victim)
        run, _ = self.bench.run(folder, self.command.after or self.command.arguments)
        if run.returncode != 0:
            return f"the next run: {run.returncode}: {run.stderr.strip()[-300:]}"
        if found := difference(contents(folder), self.goal):
            return f"after the next run another {found}"
        return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=2, help="moments of each kind of fault in each command")
    parser.add_argument("--command", choices=[command.name for command in COMMANDS])
    parser.add_argument("--kind", choices=list(KINDS))
    options = parser.parse_args()
    cka = os.path.abspath(os.environ["CKA"])
    # In memory, where there is room: thousands of small files are synchronized.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    tried, passed, failures = Counter(), 0, []
    with tempfile.TemporaryDirectory(dir=memory) as work, ThreadPoolExecutor(os.cpu_count()) as pool:
        bench = Bench(cka, work)
        for command in COMMANDS:
            if options.command not in (None, command.name):
                continue
            trials = Trials(bench, command)
            moments = list(trials.moments([options.kind] if options.kind else KINDS, options.each))
            ends = list(pool.map(lambda moment: trials.attempt(*moment), moments))
            counts = Counter(kind for kind, _, _ in moments)
            came = Counter(kind for (kind, _, _), (_, has_come) in zip(moments, ends) if has_come)
            print(f"{command.name}: {', '.join(f'{k} {came[k]}' for k in counts)}", flush=True)
            tried += came
            found = [failure for failure, _ in ends if failure]
            passed += len(ends) - len(found)
            found += [f"{command.name}: {kind} never came" for kind in counts if not came[kind]]
            for failure in found:
                print(failure, file=sys.stderr, flush=True)
            failures += found
    print(f"in all: {', '.join(f'{k} {n}' for k, n in tried.items())}")
    print(f"{passed} passed, {len(failures)} failed")
    sys.exit(1 if failures or not tried else 0)


if __name__ == "__main__":
    main()
