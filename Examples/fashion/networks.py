"""The networks of the study, and the files that each becomes.

    networks/NAME.pt              its weights after the last step: no checkpoint is chosen
    networks/NAME.npy             its probabilities of all test images, images × classes
    networks/NAME.json            accuracies, and what it has cost
    networks/NAME-step100.pt      weights during training, of those that are watched

The JSON is written last: a network that has one is complete. What a run that was stopped has left
of another is made anew.
"""

import json
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

import plain
from resnet import ResNet

RATE = 0.2  # the largest learning rate: with it blocks appear
WATCHED_STEPS = [0, 10, 30, 60, 100, 200, 350, 500, 650]  # and the last


@dataclass(frozen=True)
class Network:
    """A residual network. divisor: it is trained on 1/divisor of the training images. rate: the
    largest learning rate of its training."""

    depth: int
    width: Fraction
    divisor: int
    seed: int
    rate: float = RATE

    @property
    def architecture(self):
        return f"depth{self.depth}-width{words(self.width, 'of')}"

    @property
    def cell(self):
        """What all but the seed says."""
        rate = "" if self.rate == RATE else f"-rate{self.rate}"
        return f"{self.architecture}-data{words(Fraction(1, self.divisor), 'of')}{rate}"

    @property
    def title(self):
        """The cell, to be read."""
        return f"depth {self.depth}, width {words(self.width, '/')}, {data_title(self.divisor)}"

    @property
    def name(self):
        return f"{self.cell}-seed{self.seed}"

    @property
    def cost(self):
        """Roughly proportional to the time that it takes."""
        return self.depth * float(self.width) ** 1.3

    def new(self):
        return ResNet(self.depth, self.width)

    def file(self, folder, suffix):
        return Path(folder) / "networks" / f"{self.name}{suffix}"

    def is_made(self, folder):
        return self.file(folder, ".json").exists()

    def description(self, folder):
        return json.loads(self.file(folder, ".json").read_text())

    def accuracy(self, folder):
        return self.description(folder)["accuracy"]

    def probabilities(self, folder):
        return np.load(self.file(folder, ".npy"))

    def trained(self, folder, step=None):
        """The network with its last weights, or with those of a step, ready to be measured."""
        suffix = ".pt" if step is None else f"-step{step}.pt"
        model = self.new()
        model.load_state_dict(torch.load(self.file(folder, suffix), map_location="cpu"))
        return model.eval().to(device(), memory_format=torch.channels_last)


@dataclass(frozen=True)
class PlainNetwork(Network):
    """One without residual connections: `PlainNetwork.of(seed)`."""

    @classmethod
    def of(cls, seed):
        return cls(10, Fraction(1), 1, seed)

    @property
    def architecture(self):
        return "plain"

    @property
    def title(self):
        return "plain network of 10 layers"

    def new(self):
        return plain.new()


def words(width, bar):
    """1, 2, 1of4: without a slash, for names of files, or with one."""
    width = Fraction(width)
    return str(width.numerator) + (f"{bar}{width.denominator}" if width.denominator > 1 else "")


def data_title(divisor):
    return "all data" if divisor == 1 else f"1/{divisor} of the data"


def device():
    return "cuda" if torch.cuda.is_available() else "cpu"


def write_whole(path, write):
    """Writes a file aside and renames it: it appears whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with partial.open("wb") as file:
        write(file)
    partial.rename(path)
