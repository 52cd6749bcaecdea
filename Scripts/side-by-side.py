#!/usr/bin/env python3
"""Runs commands, two at a time, and says at the end which failed.

    Scripts/side-by-side.py NAME=COMMAND…

They begin in the order given; all are run, whatever fails. What one printed is shown when it ends, and the last
lines of those that failed once more at the end.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

speaking = Lock()


def say(text):
    """Prints bytes at once: another command may end at the same time."""
    with speaking:
        sys.stdout.buffer.write(text)
        sys.stdout.flush()


def run(name, command):
    """Runs a command; returns its name, whether it succeeded and what it printed."""
    say(f"-- {name} begins\n".encode())
    start = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            ["bash", "-c", command], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        # Not wait(): only this says what the command and those it waited for used of the processor.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read()
    how = "succeeded" if process.returncode == 0 else f"ended with {process.returncode}"
    if process.returncode < 0:
        how = f"was ended by {signal.Signals(-process.returncode).name}"
    head = f"-- {name} {how} after {time.monotonic() - start:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of a processor\n"
    say(head.encode() + printed)
    return name, process.returncode == 0, head, printed


def main():
    parts = [part.partition("=") for part in sys.argv[1:]]
    if not parts or not all(name and command for name, _, command in parts):
        sys.exit(__doc__)
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda part: run(part[0], part[2]), parts))
    failed = [part for part in ended if not part[1]]
    for _, _, head, printed in failed:
        print(f"\n{head}" + "\n".join(printed.decode(errors="replace").splitlines()[-30:]))
    if failed:
        sys.exit(f"\nfailed: {', '.join(name for name, *_ in failed)}")
    print(f"all {len(ended)} succeeded")


if __name__ == "__main__":
    main()
