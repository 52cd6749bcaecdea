"""Hold all results of one build of cka against those of another, or of the same build under other conditions.

    same-results.sh OLD NEW [--keep FOLDER] [--except FILE]     two builds
    same-results.sh --repeat CKA [--keep FOLDER]                one build, under all conditions

Compared are numbers to the bit, messages and exit codes to the letter, pictures to the pixel, and all other
files to the byte, but for what `differences.py` lists as varying. A line of the file of exceptions is a run, a file
(both as patterns) and the reason why it is meant to differ. Ends with 1 where anything else differs, and where an
exception is used by nothing.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import cases
import differences
import inputs
from runs import Bench, Setting, results

ROOT = Path(__file__).resolve().parent.parent.parent
# Of address space, in KiB: less than a machine has, and enough for what an OpenCL driver maps.
LIMIT = 1_500_000
# The default of --memory is half of the limit, and stands in plans and messages. The CPU's memory is the limit,
# and stands in what `cka devices` prints and in the headers of stored matrices, with lengths and a checksum of these.
OF_LIMITS = (
    ("*.grams", rb'(?s)\A.{32}|.{4}\{"backend":[^}]*\}\0*'),
    # The column is as wide as its widest number.
    ("devices", rb" +(?:memory|[\d.]+ [KMGT]iB)"),
    ("*.json", rb'"memory" : \d+'),
    ("std*", rb"of [\d.]+ [KMGT]iB, half of the memory of this process"),
)


def conditions(cka):
    """The settings that --repeat compares: the first with each of the others."""
    one, two = ({"OPENBLAS_NUM_THREADS": count} for count in "12")
    return [
        Setting("plain", cka, variables=one),
        Setting("cold", cka, variables=one, is_cold=True),
        Setting("two-threads", cka, variables=two),
        Setting("limited", cka, f"ulimit -v {LIMIT}", one, varies=OF_LIMITS),
    ]


@dataclass
class MeantDifference:
    run: str
    file: str
    reason: str
    uses: int = 0


def read_exceptions(path):
    found = []
    for number, line in enumerate(Path(path).read_text().splitlines() if path else [], 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = line.split(maxsplit=2)
        if len(words) < 3:
            sys.exit(f"same-results: {path}, line {number}: expected a run, a file and a reason")
        found.append(MeantDifference(*words))
    return found


class Comparison:
    """Counts what was compared, and prints what differs."""

    def __init__(self, bench, exceptions):
        self.bench, self.exceptions = bench, exceptions
        self.files, self.numbers, self.pictures, self.messages, self.unlike = 0, 0, 0, 0, 0

    def runs(self, left, right, runs):
        """All runs of two settings."""
        for name, steps in runs:
            self.run(left, right, name, steps)

    def run(self, left, right, name, steps, patterns=("*",)):
        """All messages and files of one run; with patterns, the files that these name."""
        sides = [results(self.bench.work, setting, name) for setting in (left, right)]
        varies = left.varies + right.varies
        if patterns == ("*",):
            for file in sorted(sides[0][0].keys() | sides[1][0].keys(), key=lambda f: (int(f.split(".")[0]), f)):
                self.messages += 1
                step = steps[int(file.split(".")[0]) - 1]
                kind = {"--version": "version", "devices": "devices"}.get(step, file.split(".")[1])
                self.pair(left, right, name, step, file, kind, [side[0].get(file) for side in sides], varies)
            self.pair(left, right, name, " ; ".join(steps), "tree", "tree", [side[2] for side in sides], varies)
        named = [f for f in sorted(sides[0][1].keys() | sides[1][1].keys()) if any(fnmatch(f, p) for p in patterns)]
        for file in named:
            self.files += 1
            self.pair(left, right, name, " ; ".join(steps), file, file, [side[1].get(file) for side in sides], varies)
        return named

    def pair(self, left, right, name, steps, file, kind, sides, varies):
        """One file, or message, of both sides; KIND says by which name what may vary is looked up."""
        data = [side.read_bytes() if isinstance(side, Path) else side for side in sides]
        if data[0] is not None:
            self.numbers += differences.numbers(file, data[0])
            self.pictures += file.endswith((".png", ".svg", ".pdf"))
        if data[0] == data[1]:
            return
        data = [side and differences.leave_out(kind, differences.normalized(kind, side), varies) for side in data]
        found = differences.first(file, *data)
        if not found:
            return
        meant = [e for e in self.exceptions if fnmatch(name, e.run) and fnmatch(file, e.file)]
        for exception in meant:
            exception.uses += 1
        if meant:
            return
        self.unlike += 1
        place, *values = found
        print(f"{name}: {file} differs at {place}\n    cka {steps}")
        for setting, value in zip((left, right), values):
            print(f"    {setting.name}: {value}")
        sys.stdout.flush()


def compare_builds(options, bench, comparison, runs):
    old, new = (Setting(n, os.path.abspath(p)) for n, p in (("old", options.programs[0]), ("new", options.programs[1])))
    for setting in (old, new):
        timed(setting.name, lambda: bench.all(setting, runs))
    comparison.runs(old, new, runs)


def repeat(options, bench, comparison, runs):
    settings = conditions(os.path.abspath(options.repeat))
    for setting in settings:
        timed(setting.name, lambda: bench.all(setting, runs))
    for setting in settings[1:]:
        comparison.runs(settings[0], setting, runs)
    print(f"cold: at most {bench.stayed} of {bench.inputs} pages of a file stayed in the page cache")
    if bench.inputs and bench.stayed * 2 > bench.inputs:
        sys.exit("same-results: the page cache of this file system is not emptied: name another with TMPDIR")
    one, other = (Setting(n, settings[0].cka, variables=settings[0].variables) for n in ("one-way", "other-way"))
    twins = [twin for twin in cases.twins() if fnmatch(twin[0], options.only)]
    for place, setting in enumerate((one, other)):
        timed(setting.name, lambda: bench.all(setting, [(name, ways[place]) for name, _, ways in twins]))
    for name, patterns, ways in twins:
        if not comparison.run(one, other, name, ["; or ".join(map(" ; ".join, ways))], patterns):
            sys.exit(f"same-results: {name}: neither way made a file named {' '.join(patterns)}")
    print(f"{len(twins)} pairs of ways to the same bits")


def timed(name, work):
    start = time.monotonic()
    work()
    print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="same-results.sh", description=__doc__.splitlines()[0])
    parser.add_argument("programs", nargs="*", metavar="CKA", help="two builds")
    parser.add_argument("--repeat", metavar="CKA", help="one build, twice under each of several conditions")
    parser.add_argument("--keep", metavar="FOLDER", help="a new folder for inputs and all results")
    parser.add_argument("--except", dest="exceptions", metavar="FILE", help="what is meant to differ")
    parser.add_argument("--only", metavar="RUNS", default="*", help="a pattern of names of runs")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="runs side by side")
    options = parser.parse_args()
    if bool(options.repeat) == bool(options.programs) or len(options.programs) not in (0, 2):
        parser.error("expected OLD and NEW, or --repeat CKA")
    for program in options.programs + [options.repeat] * bool(options.repeat):
        if not os.access(program, os.X_OK):
            sys.exit(f"same-results: {program}: not a program")
        devices = subprocess.run([program, "devices"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if b"opencl:0" not in devices.stdout:
            sys.exit(f"same-results: {program}: finds no OpenCL device; runs on it would show nothing")
    if options.keep and os.path.exists(options.keep):
        sys.exit(f"same-results: {options.keep}: exists; --keep names a new folder")
    exceptions = read_exceptions(options.exceptions)
    work = Path(options.keep or tempfile.mkdtemp(prefix="same-results-")).absolute()
    work.mkdir(parents=True, exist_ok=True)
    try:
        inputs.make(work / "in", ROOT)
        bench = Bench(work, options.jobs)
        comparison = Comparison(bench, exceptions)
        runs = [run for run in cases.runs() if fnmatch(run[0], options.only)]
        (repeat if options.repeat else compare_builds)(options, bench, comparison, runs)
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)
    for name in bench.repeated:
        print(f"repeated, as PoCL ended it by an assertion of its own: {name}")
    for exception in exceptions:
        print(f"meant to differ, {exception.uses} times: {exception.run} {exception.file}: {exception.reason}")
    unused = [e for e in exceptions if not e.uses]
    for exception in unused:
        print(f"same-results: nothing differs as {exception.run} {exception.file} allows", file=sys.stderr)
    print(f"{len(runs)} runs, {bench.count} steps: {comparison.messages} messages and exit codes, "
          f"{comparison.files} files, {comparison.numbers} numbers in arrays, {comparison.pictures} pictures; "
          f"{comparison.unlike} differ")
    sys.exit(1 if comparison.unlike or unused or not runs else 0)


if __name__ == "__main__":
    main()
