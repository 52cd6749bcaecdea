#!/usr/bin/env python3
"""Lets a command go wrong at many of its system calls and checks what it promises.

    CKA=PATH Scripts/test-faults.py [--each N]        N moments of each kind of fault, 12 unless given

A result folder is whole or not there, an earlier one stays as it was unless the new one is whole, and
nothing stays behind that the next run does not sweep up. A store that was stopped at any moment is gone
on with to the same bits. What fails says so in one line, with an exit code of its own.
"""

import argparse
import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = [
    "kill", "truncate", "full", "write-error", "short-write", "sync-error", "rename-error",
    "remove-error", "stat-error", "read-error", "short-read",
]
# What must succeed all the same.
HARMLESS = {"short-write", "short-read"}
# A document's members that two equal runs do not share.
VOLATILE = {"timings", "date", "command", "peakMemory", "expectedSeconds", "path", "models"}


def npy(path, rows, columns, seed):
    """A float32 array of small numbers that no two seeds share."""
    import struct

    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    state, values = seed * 2654435761 % 2**32, []
    for _ in range(rows * columns):
        state = (1664525 * state + 1013904223) % 2**32
        values.append(state / 2**31 - 1)
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        file.write(struct.pack(f"<{len(values)}f", *values))


class Trial:
    """One command, with its inputs and its output in a folder of its own."""

    def __init__(self, cka, shim, work, arguments):
        self.cka, self.shim, self.work, self.arguments = cka, shim, Path(work), arguments
        self.pristine = self.work / "pristine"
        self.folder = self.work / "trial"

    def reset(self, before=None):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(self.pristine, self.folder)
        if before:
            shutil.copytree(before, self.folder / "out")

    def run(self, kind="", at=0):
        environment = dict(
            os.environ, LD_PRELOAD=str(self.shim), FAULT_KIND=kind, FAULT_AT=str(at),
            FAULT_ROOT=str(self.folder), FAULT_COUNT=str(self.work / "count"),
            FAULT_VICTIM=str(self.folder / "b.npy"), SOURCE_DATE_EPOCH="0")
        return subprocess.run(
            [self.cka, *self.arguments], cwd=self.folder, env=environment, capture_output=True,
            text=True, errors="replace", timeout=120)

    def count(self, kind):
        self.run(kind)
        return int((self.work / "count").read_text())


def same(a, b, ignored=()):
    """Whether two folders hold the same files with the same bits, JSON apart from what is volatile."""
    def files(folder):
        # Entries of models hold the stamps of files, which are others in every trial.
        return {
            p.relative_to(folder) for p in folder.rglob("*")
            if p.is_file() and p.name not in ignored and p.parent.name != "models"
        }

    names, others = files(a), files(b)
    if names != others:
        return f"other files: {sorted(map(str, names ^ others))[:3]}"
    for name in sorted(names):
        if name.suffix == ".json":
            left, right = (json.loads((f / name).read_text()) for f in (a, b))
            if isinstance(left, dict):
                for key in VOLATILE:
                    left.pop(key, None), right.pop(key, None)
            if left != right:
                return f"another {name}"
        elif not filecmp.cmp(a / name, b / name, shallow=False):
            return f"another {name}"
    return None


def leftovers(folder):
    return [p.name for p in folder.iterdir() if ".partial" in p.name or ".old" in p.name]


def moments(total, each):
    return sorted({1 + i * total // each for i in range(each)} & set(range(1, total + 1)))


def check_end(kind, run, failures, where):
    """One line and an exit code where it fails; success where nothing was lost."""
    if kind == "kill":
        return
    if kind in HARMLESS and run.returncode != 0:
        failures.append(f"{where}: {run.returncode}, not harmless: {run.stderr.strip()}")
    elif run.returncode not in (0, 64, 65, 66, 73, 74):
        failures.append(f"{where}: exit code {run.returncode}: {run.stderr.strip()[-300:]}")
    elif run.returncode != 0:
        errors = [l for l in run.stderr.splitlines() if re.match(r"(cka: )?error", l, re.I)]
        if len(errors) != 1:
            failures.append(f"{where}: not one line of error: {run.stderr.strip()[-300:]}")


def folders(trial, each, failures):
    """compare: a whole new folder, or what was there."""
    trial.reset()
    assert trial.run().returncode == 0
    good = trial.work / "good"
    shutil.copytree(trial.folder / "out", good)
    # An earlier result of another map.
    old = trial.work / "old"
    shutil.copytree(good, old)
    (old / "cka.csv").write_text("an earlier result\n")
    tried = 0
    for before in (None, old):
        for kind in KINDS:
            trial.reset(before)
            for at in moments(trial.count(kind), each):
                trial.reset(before)
                run = trial.run(kind, at)
                where = f"compare, {kind} {at}{', --force' if before else ''}"
                tried += 1
                check_end(kind, run, failures, where)
                out = trial.folder / "out"
                if kind != "truncate" or run.returncode != 0:
                    found = same(good, out) if out.exists() else None
                    if run.returncode == 0 and not out.exists():
                        failures.append(f"{where}: no result")
                    elif found and not (before and same(old, out) is None):
                        failures.append(f"{where}: {found}")
                    elif before and not out.exists():
                        failures.append(f"{where}: the earlier result is lost")
                # The next run sweeps up.
                shutil.copy(trial.pristine / "b.npy", trial.folder / "b.npy")
                again = trial.run()
                if again.returncode != 0 or same(good, trial.folder / "out"):
                    failures.append(f"{where}: the next run: {again.stderr.strip()[-300:]}")
                elif leftovers(trial.folder):
                    failures.append(f"{where}: left behind {leftovers(trial.folder)}")
    return tried


def stores(trial, each, failures):
    """sweep: the next run goes on to the same bits."""
    trial.reset()
    assert trial.run().returncode == 0
    good = trial.work / "good-store"
    shutil.copytree(trial.folder / "out", good)
    tried = 0
    for kind in KINDS:
        trial.reset()
        for at in moments(trial.count(kind), each):
            trial.reset()
            run = trial.run(kind, at)
            where = f"sweep, {kind} {at}"
            tried += 1
            check_end(kind, run, failures, where)
            shutil.copy2(trial.pristine / "b.npy", trial.folder / "b.npy")
            again = trial.run()
            if again.returncode != 0:
                failures.append(f"{where}: the next run: {again.stderr.strip()[-300:]}")
            elif found := same(good, trial.folder / "out", ignored={"lock"}):
                failures.append(f"{where}: after the next run {found}")
            elif left := [p for p in trial.folder.rglob("*") if ".partial" in p.name]:
                failures.append(f"{where}: left behind {left[0].relative_to(trial.folder)}")
    return tried


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=12, help="moments of each kind of fault")
    each = parser.parse_args().each
    cka = os.path.abspath(os.environ["CKA"])
    failures = []
    with tempfile.TemporaryDirectory() as work:
        shim = Path(work) / "faults.so"
        subprocess.run(
            ["clang", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", shim,
             ROOT / "Tests" / "Faults" / "faults.c", "-ldl"], check=True)
        pristine = Path(work) / "pristine"
        pristine.mkdir()
        npy(pristine / "a.npy", 40, 9, 1)
        npy(pristine / "b.npy", 40, 700, 2)
        options = ["--device", "cpu", "--batch-size", "16", "--output", "out"]
        tried = folders(
            Trial(cka, shim, work, ["compare", "a.npy", "b.npy", "--force", *options]), each,
            failures)
        tried += stores(Trial(cka, shim, work, ["sweep", "a.npy", "b.npy", *options]), each, failures)
    for failure in failures:
        print(failure, file=sys.stderr)
    print(f"{tried - len(failures)} passed, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
