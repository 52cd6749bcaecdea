#!/usr/bin/env python3
"""Do wide and deep networks learn the same things? The paper's questions, asked on Fashion-MNIST.

    python3 study.py --output paper

trains the networks of plan.py, asks each question (maps.py, looks.py, components.py, pairs.py,
points.py, residuals.py, errors.py, formation.py, matching.py, minibatches.py), and writes tables.md and
pictures. What is there already is found: the same command goes on after a stop, and at the end
computes nothing.
"""

import argparse
import os

# Before NumPy is imported: threads that wait for each other's small matrices take all cores from the
# rest.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
from pathlib import Path

import torch

import blocks
import components
import data
import errors
import formation
import looks
import maps
import matching
import minibatches
import pairs
import points
import residuals
import train
from folder import Folder
from plan import SEEDS, plan

QUESTIONS = [
    maps, looks, components, pairs, points, residuals, errors, formation, matching, minibatches
]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("paper"), metavar="DIR")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of the kinds that are repeated")
    parser.add_argument(
        "--jobs", type=int, help="networks in training at a time; one a core, or one on a GPU"
    )
    parser.add_argument(
        "--outlines", type=Path, metavar="JSON", help="blocks by eye, in place of the detector's"
    )
    parser.add_argument("--train-only", action="store_true")
    arguments = parser.parse_args()
    if arguments.seeds < 2:
        parser.error("--seeds must be at least 2: what differs between seeds is noise")
    return arguments


def main():
    arguments = parse_arguments()
    has_gpu = torch.cuda.is_available()
    jobs = arguments.jobs or (1 if has_gpu else os.cpu_count())
    chosen = plan(arguments.seeds, with_widest=has_gpu)
    outlines = blocks.outlines(arguments.outlines, chosen.residual) if arguments.outlines else {}
    start = time.perf_counter()
    train.train_all(chosen.all, chosen.watched, arguments.output, jobs)
    print(f"{time.perf_counter() - start:.0f} s", flush=True)
    if arguments.train_only:
        return
    folder = Folder(arguments.output)
    folder.compared = data.compared_images()
    folder.outlines = outlines
    sections = []
    for question in QUESTIONS:
        start = time.perf_counter()
        sections += question.run(chosen, folder)
        print(f"{question.__name__}: {time.perf_counter() - start:.0f} s", flush=True)
    text = "\n\n".join(f"## {title}\n\n{body}" for title, body in sections) + "\n"
    folder.text("tables.md", text)
    print(f"written to {folder.path}: tables.md and pictures", flush=True)


if __name__ == "__main__":
    main()
