#!/usr/bin/env python3
"""Train small residual networks on handwritten digits and record all their activations.

    python3 train_and_extract.py --depth 8 20 --width 1 4 --output activations

trains every combination of depth, width and seed and writes one folder for each, such as
activations/depth20-width1-seed0. The same arguments give the same files on the same machine
and version of PyTorch.
"""

import argparse
import shutil
import sys
import time
from itertools import islice
from pathlib import Path

import ckakit
import torch
from torch.nn.functional import cross_entropy

import digits

sys.path.append(str(Path(__file__).resolve().parent.parent / "fashion"))
from resnet import ResNet  # noqa: E402

BATCH = 64
# Width 1 has 2, 4 and 8 channels, enough for images of 8 × 8: an eighth of what larger ones have.
WIDTH = 1 / 8


def train(model, examples, steps, seed):
    """SGD with momentum; the learning rate rises at first, then falls along a cosine."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)
    model.train()
    for rows in islice(shuffled_batches(len(examples), generator), steps):
        loss = cross_entropy(model(examples.images[rows]), examples.labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()


def shuffled_batches(count, generator):
    """Pass after pass in a new order; what does not fill a batch is left out of its pass."""
    while True:
        batches = torch.randperm(count, generator=generator).split(BATCH)
        yield from batches[: count // BATCH or 1]


@torch.no_grad()
def accuracy(model, examples):
    correct = 0
    for images, labels in examples.batches(BATCH):
        correct += int((model(images).argmax(dim=1) == labels).sum())
    return correct / len(examples)


def record(model, examples, folder, dtype):
    ckakit.record(
        model, examples.batches(BATCH), folder, ids=examples.ids, dtype=dtype, layout="channels-first"
    )


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--depth", type=int, nargs="+", default=[14], help="6k + 2: 8, 14, 20, …")
    parser.add_argument("--width", type=int, nargs="+", default=[1], help="multiplies channels")
    parser.add_argument("--seed", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument(
        "--train-examples", type=int, metavar="N", help="train on N class-balanced examples"
    )
    parser.add_argument(
        "--examples",
        type=int,
        metavar="N",
        default=digits.TEST_EXAMPLES,
        help="record the first N test examples (default: all %(default)s)",
    )
    parser.add_argument("--dtype", choices=["float16", "float32"], default="float32")
    parser.add_argument("--output", type=Path, default=Path("activations"), metavar="DIR")
    parser.add_argument("--force", action="store_true", help="replace folders that exist")
    arguments = parser.parse_args()
    if any(depth < 8 or depth % 6 != 2 for depth in arguments.depth):
        parser.error("--depth must be 8, 14, 20, … (6k + 2)")
    if min(arguments.width) < 1 or arguments.epochs < 1:
        parser.error("--width and --epochs must be at least 1")
    if not 1 <= arguments.examples <= digits.TEST_EXAMPLES:
        parser.error(f"--examples must lie between 1 and {digits.TEST_EXAMPLES}")
    return arguments


def main():
    arguments = parse_arguments()
    # One thread: sums in another order would give other last digits.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    training_set, test_set = digits.load(arguments.train_examples)
    # Less data must not mean less training: the steps are those of the whole training set.
    steps = arguments.epochs * (digits.TRAINING_EXAMPLES // BATCH)
    for seed in arguments.seed:
        for depth in arguments.depth:
            for width in arguments.width:
                folder = arguments.output / f"depth{depth}-width{width}-seed{seed}"
                if folder.exists():
                    if not arguments.force:
                        sys.exit(f"{folder} exists already; --force replaces it")
                    shutil.rmtree(folder)
                start = time.perf_counter()
                torch.manual_seed(seed)
                model = ResNet(depth, width * WIDTH)
                train(model, training_set, steps, seed)
                percent = 100 * accuracy(model, test_set)
                record(model, test_set.first(arguments.examples), folder, arguments.dtype)
                seconds = time.perf_counter() - start
                print(f"{folder}: test accuracy {percent:.1f} %, {seconds:.1f} s", flush=True)


if __name__ == "__main__":
    main()
