"""Runs all Swift tests, in a few processes, and says at the end what failed: see ../test-swift.sh.

A crash takes the rest of its process along. The tests of OpenCL, whose drivers have crashed, have one of their
own. Two processes run at a time and each runs one test after another: in parallel all tests of a process would
begin at once, and none could be named as the one that crashed. Every test must have run in one of the processes;
what each printed is kept in .build-test/logs.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# The groups and the tests in them, which are named MODULE.SUITE/FUNCTION; all others are the last group.
GROUPS = {
    "opencl": r"^(OpenCLDevice|DeviceConformance|Snippet)Tests\.",
    "commands": r"^CommandTests\.",
    "libraries": None,
}


class Run:
    """One process of tests, and what its events say of it."""

    def __init__(self, name, options, logs):
        self.name, self.options = name, options
        self.log = logs / f"{name}.log"
        self.started, self.ended, self.skipped = [], set(), []
        self.issues = {}

    def run(self, tests):
        """Runs the process to its end."""
        start = time.monotonic()
        with tempfile.TemporaryDirectory(dir=roomy_memory()) as folder, open(self.log, "wb") as log:
            events = Path(folder, "events")
            environment = dict(os.environ, TMPDIR=folder, POCL_CACHE_DIR=f"{folder}/pocl", NO_COLOR="1")
            events.touch()
            process = subprocess.Popen(
                [tests, "--testing-library", "swift-testing", "--no-parallel", *self.options,
                 "--event-stream-output-path", events, "--event-stream-version", "0"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT, env=environment)
            self.code = wait(process, events)
            self.read(events.read_text(errors="replace"))
        self.seconds = time.monotonic() - start
        print(f"test-swift: {self.name}: {len(self.ended)} tests ended in {self.seconds:.0f} s"
              + (f", {len(self.skipped)} skipped" if self.skipped else "")
              + ("" if self.passed else "; FAILED"), flush=True)
        return self

    def read(self, events):
        """Takes in the events, of which a crash may have cut the last one."""
        suites = set()
        for line in events.splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            payload = record["payload"]
            if record["kind"] == "test":
                if payload["kind"] == "suite":
                    suites.add(payload["id"])
                continue
            test, kind = payload.get("testID"), payload["kind"]
            words = "\n".join(f"    {message['text']}" for message in payload.get("messages", []))
            if kind == "issueRecorded" and not payload["issue"].get("isKnown"):
                self.issues.setdefault(test or "no test", []).append(words)
            if test is None or test in suites:
                continue
            if kind == "testStarted":
                self.started.append(test)
            elif kind == "testEnded":
                self.ended.add(test)
            elif kind == "testSkipped":
                self.skipped.append(test)

    @property
    def running(self):
        """The tests that had begun and not ended when the process did."""
        return [test for test in self.started if test not in self.ended]

    @property
    def passed(self):
        return self.code == 0 and bool(self.ended) and not (self.issues or self.running)

    def report(self):
        """What went wrong, the names of tests last."""
        how = f"ended with {self.code}"
        if self.code < 0:
            how = f"was ended by {signal.Signals(-self.code).name}"
            lines = self.log.read_text(errors="replace").splitlines()
            # Swift's own account of a crash is longer than the reason.
            reasons = [line for line in lines[:-20] if re.search(r"Assertion|Fatal error|\*\*\* ", line)]
            print(f"\nFrom {self.log}:", *reasons[-20:], "…", *lines[-20:], sep="\n")
        print(f"\n{self.name}: {how}; {len(self.ended)} tests ended; all it printed is in {self.log}")
        for test, words in self.issues.items():
            print(f"  failed: {test}", *words, sep="\n")
        for test in self.running:
            print(f"  had begun and not ended: {test}")
        if not self.ended:
            print("  no test ran")


def plain(test):
    """The name of a test without its place in a file."""
    return re.sub(r"/[^/]*\.swift:\d+:\d+$", "", test)


def listed(tests):
    """The names of all tests of the program."""
    output = subprocess.run(
        [tests, "--testing-library", "swift-testing", "--list-tests"], stdout=subprocess.PIPE,
        check=True, text=True).stdout
    return sorted(set(output.split("\n")) - {""})


def wait(process, events):
    """Waits for a process of tests; one of which no test begins or ends for half an hour hangs, and is ended."""
    size, since = 0, time.monotonic()
    while True:
        try:
            return process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            if events.stat().st_size != size:
                size, since = events.stat().st_size, time.monotonic()
            elif time.monotonic() - since > float(os.environ.get("SILENCE", 1800)):
                process.send_signal(signal.SIGABRT)


def roomy_memory():
    """Where files are kept in memory, if there is room: a disk takes milliseconds for each that is written over."""
    folder = "/dev/shm"
    roomy = os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= 4 << 30
    return folder if roomy else None


def options_of(group):
    """The options that choose the tests of a group."""
    if GROUPS[group]:
        return ["--filter", GROUPS[group]]
    return [option for pattern in GROUPS.values() if pattern for option in ("--skip", pattern)]


def amiss(names, runs):
    """What tests of the program did not run in one process."""
    times = Counter(plain(test) for run in runs for test in {*run.started, *run.skipped})
    return [f"ran {times[name]} times: {name}" for name in names if times[name] != 1]


def main():
    parser = argparse.ArgumentParser(prog="test-swift", description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--filter", nargs="+", metavar="PATTERN", help="run the tests that match, in one process")
    parser.add_argument("--logs", metavar="FOLDER", type=Path, default=ROOT / ".build-test" / "logs")
    options = parser.parse_args()
    if unknown := set(options.groups) - set(GROUPS):
        parser.error(f"no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    if options.groups and options.filter:
        parser.error("groups or --filter")
    tests = os.path.realpath(os.environ["TESTS"])
    options.logs.mkdir(parents=True, exist_ok=True)
    if options.filter:
        runs = [Run("filter", [word for pattern in options.filter for word in ("--filter", pattern)], options.logs)]
    else:
        runs = [Run(group, options_of(group), options.logs) for group in options.groups or GROUPS]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda run: run.run(tests), runs))
    # Whatever the groups' patterns say: all of them together are all tests.
    unlike = [] if options.groups or options.filter else amiss(listed(tests), runs)
    for run in runs:
        if not run.passed:
            run.report()
    for line in unlike:
        print(line)
    if unlike or not all(run.passed for run in runs):
        sys.exit("test-swift: failed")
    print(f"test-swift: {sum(len(run.ended) for run in runs)} tests passed")


if __name__ == "__main__":
    main()
