"""Fashion-MNIST, read from the files of Debian's package dataset-fashion-mnist or of its authors.

70,000 grey images of ten kinds of clothes: 60,000 to train on, 10,000 to test. Means of 2 × 2
pixels make them 14 × 14, a quarter of the work.
"""

import gzip
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
CLASSES = [
    "T-shirt", "trousers", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
]
TRAINING_IMAGES = 60_000
COMPARED = 1024  # test images on which layers are compared
MINIBATCH = 256  # of these
MEAN, DEVIATION = 0.2860, 0.3200  # of the training images


@dataclass
class Images:
    """pixels: n × 1 × 14 × 14, scaled; labels: n; rows: their places in the file."""

    pixels: torch.Tensor
    labels: torch.Tensor
    rows: torch.Tensor

    def __len__(self):
        return len(self.labels)

    def chosen(self, rows):
        return Images(self.pixels[rows], self.labels[rows], self.rows[rows])

    def to(self, device):
        return Images(self.pixels.to(device), self.labels.to(device), self.rows)


def read(part):
    """`train` or `t10k`."""
    pixels = idx(FOLDER / f"{part}-images-idx3-ubyte.gz")
    labels = idx(FOLDER / f"{part}-labels-idx1-ubyte.gz").astype(np.int64)
    small = pixels.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4), dtype=np.float32)
    scaled = (small / 255 - MEAN) / DEVIATION
    return Images(
        torch.from_numpy(scaled[:, None]), torch.from_numpy(labels), torch.arange(len(labels))
    )


def idx(path):
    """The array of a gzipped IDX file of bytes."""
    if not path.exists():
        raise SystemExit(
            f"{path} is missing: install Debian's package dataset-fashion-mnist, or let "
            "FASHION_MNIST name the folder of the four .gz files of Fashion-MNIST"
        )
    data = gzip.decompress(path.read_bytes())
    dimensions = data[3]
    shape = np.frombuffer(data, ">u4", dimensions, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def balanced(images, count, seed=0):
    """`count` images, as many of every class, drawn by the seed alone and in a random order."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for label in range(len(CLASSES)):
        members = torch.nonzero(images.labels == label).flatten()
        share = count // len(CLASSES) + (label < count % len(CLASSES))
        rows.append(members[torch.randperm(len(members), generator=generator)[:share]])
    rows = torch.cat(rows)
    return images.chosen(rows[torch.randperm(len(rows), generator=generator)])


def training_set(divisor):
    """1 / divisor of the training images; the smaller sets are the same for every network."""
    images = read("train")
    return images if divisor == 1 else balanced(images, TRAINING_IMAGES // divisor)


def test_set():
    return read("t10k")


def compared_images():
    """The test images on which layers are compared."""
    return balanced(test_set(), COMPARED)
