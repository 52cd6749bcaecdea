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

# Width 8 is left out at depth 74: at this learning rate it does not learn even its training images.
WIDTHS_OF_DEPTH = {8: [1, 4, 8], 20: [1, 4, 8], 38: [1, 4, 8], 74: [1, 4]}
DIVISORS = [1, 4, 16]
SEEDS = 3
# Two kinds of networks as accurate as each other, of which the errors are compared: more seeds, since
# an image's accuracy is a mean over networks. Only their predictions are kept.
RIVALS = [(8, 8), (20, 8)]
RIVAL_DIVISOR = 4
RIVAL_SEEDS = 10


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--depth", type=int, nargs="+", help="6k + 2: 8, 14, …; with --width")
    parser.add_argument("--width", type=int, nargs="+", help="every one at every --depth")
    parser.add_argument(
        "--data", type=int, nargs="+", default=DIVISORS, metavar="D", help="1/D of the images"
    )
    parser.add_argument("--seeds", type=int, default=SEEDS, help="networks of each kind")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="networks at a time")
    parser.add_argument("--cka", default="cka", help="the command, if it is not in the PATH")
    parser.add_argument("--output", type=Path, default=Path("study"), metavar="DIR")
    arguments = parser.parse_args()
    if (arguments.depth is None) != (arguments.width is None):
        parser.error("--depth and --width belong together")
    arguments.widths_of_depth = WIDTHS_OF_DEPTH
    if arguments.depth is not None:
        arguments.widths_of_depth = {d: sorted(arguments.width) for d in sorted(arguments.depth)}
    if any(depth < 8 or depth % 6 != 2 for depth in arguments.widths_of_depth):
        parser.error("--depth must be 8, 14, 20, … (6k + 2)")
    if min(w for widths in arguments.widths_of_depth.values() for w in widths) < 1:
        parser.error("--width must be at least 1")
    if arguments.jobs < 1:
        parser.error("--jobs must be at least 1")
    if arguments.seeds < 2:
        parser.error("--seeds must be at least 2: what differs between seeds is noise")
    smallest = digits.TRAINING_EXAMPLES // 10
    if min(arguments.data) < 1 or max(arguments.data) > smallest:
        parser.error(f"--data must lie between 1 and {smallest}")
    if shutil.which(arguments.cka) is None:
        parser.error(f"no command {arguments.cka}: `make build`, then --cka .build/release/cka")
    return arguments


def train_all(networks, folder, jobs, keeps_activations):
    """Trains what is missing, `jobs` networks at a time."""
    start = time.perf_counter()
    trained = done = 0
    # A forked process would inherit PyTorch's threads in an undefined state.
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        futures = {
            pool.submit(make, network, folder, keeps_activations): network for network in networks
        }
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
    """Runs each command whose output is missing or was made of something else; `cka` writes a folder
    whole or not at all. A sweep's store grows: it runs each time and finds what it has."""
    found = ran = 0
    for step in steps:
        if step.is_done:
            found += 1
            continue
        start = time.perf_counter()
        step.output.parent.mkdir(parents=True, exist_ok=True)
        command = [cka, *map(str, step.arguments), "--output", str(step.output), "--quiet"]
        if not step.grows:
            command.append("--force")
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{result.stderr.strip()}")
        if not step.grows:
            write_whole(step.record, lambda file: file.write(step.ingredients.encode()))
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
        for depth, widths in arguments.widths_of_depth.items()
        for width in widths
    ]
    rivals = [
        Network(depth, width, RIVAL_DIVISOR, seed)
        for seed in range(RIVAL_SEEDS)
        for depth, width in RIVALS
    ]
    train_all(networks, folder, arguments.jobs, keeps_activations=True)
    train_all(rivals, folder, arguments.jobs, keeps_activations=False)
    labels = digits.load()[1].labels.numpy()
    write_whole(folder / "labels.npy", lambda file: np.save(file, labels))
    run_all(analyses.steps(networks, rivals, folder), arguments.cka)
    summary.write(networks, folder)


if __name__ == "__main__":
    main()
