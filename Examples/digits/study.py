#!/usr/bin/env python3
"""The paper in small: widths × depths × amounts of data × seeds of networks, and what `cka` says.

    python3 study.py --output study

trains the networks (networks.py), runs every analysis on them, and writes the tables and figures
of RESULTS.md. What is there already is found: the same command goes on after a stop, and at the
end does nothing.
"""

import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import numpy as np

import analyses
import digits
import summary
from networks import Network, make, write_whole

DEPTHS = [8, 20, 38]
WIDTHS = [1, 4, 8]
DIVISORS = [1, 4, 16]
SEEDS = 5


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--depth", type=int, nargs="+", default=DEPTHS, help="6k + 2: 8, 14, …")
    parser.add_argument("--width", type=int, nargs="+", default=WIDTHS)
    parser.add_argument(
        "--data", type=int, nargs="+", default=DIVISORS, metavar="D", help="1/D of the images"
    )
    parser.add_argument("--seeds", type=int, default=SEEDS, help="networks of each kind")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="networks at a time")
    parser.add_argument("--cka", default="cka", help="the command, if it is not in the PATH")
    parser.add_argument("--output", type=Path, default=Path("study"), metavar="DIR")
    arguments = parser.parse_args()
    if any(depth < 8 or depth % 6 != 2 for depth in arguments.depth):
        parser.error("--depth must be 8, 14, 20, … (6k + 2)")
    if min(arguments.width) < 1 or arguments.jobs < 1:
        parser.error("--width and --jobs must be at least 1")
    if arguments.seeds < 2:
        parser.error("--seeds must be at least 2: what differs between seeds is noise")
    smallest = digits.TRAINING_EXAMPLES // 10
    if min(arguments.data) < 1 or max(arguments.data) > smallest:
        parser.error(f"--data must lie between 1 and {smallest}")
    if shutil.which(arguments.cka) is None:
        parser.error(f"no command {arguments.cka}: `make build`, then --cka .build/release/cka")
    return arguments


def train_all(networks, folder, jobs):
    """Trains what is missing, `jobs` networks at a time."""
    start = time.perf_counter()
    trained = done = 0
    # A forked process would inherit PyTorch's threads in an undefined state.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        futures = {pool.submit(make, network, folder, True): network for network in networks}
        for future in as_completed(futures):
            done += 1
            if future.result():
                trained += 1
                network = futures[future]
                print(
                    f"{done}/{len(networks)} {network.data} {network.name}, "
                    f"{time.perf_counter() - start:.0f} s",
                    flush=True,
                )
    print(f"networks: {done - trained} found, {trained} trained", flush=True)


def run_all(steps, cka):
    """Runs each command whose output folder is missing; `cka` writes a folder whole or not at all.

    A sweep's store grows, so that it runs each time and finds what it has.
    """
    found = ran = 0
    for step in steps:
        if step.output.exists() and not step.grows:
            found += 1
            continue
        start = time.perf_counter()
        step.output.parent.mkdir(parents=True, exist_ok=True)
        command = [cka, *map(str, step.arguments), "--output", str(step.output), "--quiet"]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{result.stderr.strip()}")
        ran += 1
        print(f"{step.output}, {time.perf_counter() - start:.1f} s", flush=True)
    print(f"analyses: {found} found, {ran} run", flush=True)


def main():
    arguments = parse_arguments()
    folder = arguments.output
    networks = [
        Network(depth, width, divisor, seed)
        for seed in range(arguments.seeds)
        for divisor in sorted(arguments.data)
        for depth in sorted(arguments.depth)
        for width in sorted(arguments.width)
    ]
    train_all(networks, folder, arguments.jobs)
    labels = digits.load()[1].labels.numpy()
    write_whole(folder / "labels.npy", lambda file: np.save(file, labels))
    run_all(analyses.steps(networks, folder), arguments.cka)
    summary.write(networks, folder)


if __name__ == "__main__":
    main()
