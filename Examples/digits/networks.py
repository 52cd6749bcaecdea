"""The networks of the study: trained, recorded, their predictions kept, their blocks deleted.

Each network becomes

    activations/DATA/NAME/       every intermediate output on the 512 test images, for `cka`
    predictions/DATA/NAME.npy    its probabilities, examples × classes, float64
    networks/DATA/NAME.json      its accuracy, and its accuracy without some of its blocks

with DATA one of data-1, data-1of4, data-1of16 and NAME such as depth38-width8-seed0. The JSON is
written last: a network that has one is complete, what a run that was stopped has left of another
is made anew.
"""

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import digits
from resnet import ResNet, without_blocks
from train_and_extract import BATCH, accuracy, record, train

EPOCHS = 20
# Less data must not mean less training: the steps are those of the whole training set.
STEPS = EPOCHS * (digits.TRAINING_EXAMPLES // BATCH)


@dataclass(frozen=True)
class Network:
    """One network of the study. divisor: it is trained on 1/divisor of the training images."""

    depth: int
    width: int
    divisor: int
    seed: int

    @property
    def data(self):
        return data_name(self.divisor)

    @property
    def architecture(self):
        return f"depth{self.depth}-width{self.width}"

    @property
    def name(self):
        return f"{self.architecture}-seed{self.seed}"

    def activations(self, folder):
        return folder / "activations" / self.data / self.name

    def predictions(self, folder):
        return folder / "predictions" / self.data / f"{self.name}.npy"

    def description(self, folder):
        return folder / "networks" / self.data / f"{self.name}.json"


def data_name(divisor):
    return "data-1" if divisor == 1 else f"data-1of{divisor}"


def make(network, folder, keeps_activations):
    """Trains a network unless its files are there. Its weights after the last step are the ones
    that are measured: no checkpoint is chosen.

    Returns whether it was trained.
    """
    description = network.description(folder)
    if description.exists() and (
        not keeps_activations or network.activations(folder).exists()
    ):
        return False
    # One thread: sums in another order would give other last digits.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    start = time.process_time()
    training_set, test_set = digits.load(digits.TRAINING_EXAMPLES // network.divisor)
    torch.manual_seed(network.seed)
    model = ResNet(network.depth, network.width)
    train(model, training_set, STEPS, network.seed)
    if keeps_activations:
        activations = network.activations(folder)
        shutil.rmtree(activations, ignore_errors=True)
        record(model, test_set, activations, "float16")
    predictions = probabilities(model, test_set)
    write_whole(network.predictions(folder), lambda file: np.save(file, predictions))
    numbers = {
        "trainingExamples": len(training_set),
        "trainingAccuracy": accuracy(model, training_set),
        "accuracy": accuracy(model, test_set),
        "withoutBlocks": deletions(model, test_set),
        "processorSeconds": round(time.process_time() - start, 1),
        "torch": torch.__version__,
    }
    text = json.dumps(numbers, indent=1) + "\n"
    write_whole(description, lambda file: file.write(text.encode()))
    return True


@torch.no_grad()
def probabilities(model, examples):
    logits = torch.cat([model(images) for images, _ in examples.batches(BATCH)])
    return torch.softmax(logits.double(), dim=1).numpy()


def deletions(model, examples):
    """Accuracy without residual blocks; what skips a deleted block is its shortcut.

    alone: one block deleted; backward: the block and all after it in its stage. A block that
    halves the image has no identity to be replaced with, and stays.
    """
    results = []
    for stage in (1, 2, 3):
        blocks = model.identity_blocks(stage)
        for index, block in enumerate(blocks):
            results.append(
                {
                    "stage": stage,
                    "block": block,
                    "alone": accuracy(without_blocks(model, stage, [block]), examples),
                    "backward": accuracy(without_blocks(model, stage, blocks[index:]), examples),
                }
            )
    return results


def write_whole(path, write):
    """Writes a file aside and renames it: it appears whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        write(file)
    partial.rename(path)
