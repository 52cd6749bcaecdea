"""scikit-learn's bundled handwritten digits (1,797 images of 8×8 pixels) on one fixed split.

Nothing is downloaded. The split does not depend on any seed: activations of different models
are comparable only on the same examples in the same order.
"""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

TEST_EXAMPLES = 512
TRAINING_EXAMPLES = 1797 - TEST_EXAMPLES


class Digits:
    """images: examples × 1 × 8 × 8, centered and scaled; labels; ids: one string per example."""

    def __init__(self, images, labels, ids):
        self.images, self.labels, self.ids = images, labels, ids

    def __len__(self):
        return len(self.ids)

    def first(self, count):
        return Digits(self.images[:count], self.labels[:count], self.ids[:count])

    def batches(self, size):
        return zip(self.images.split(size), self.labels.split(size))


def load(train_examples=None):
    """The training set (or a class-balanced part of it) and the test set."""
    bunch = load_digits()
    images = torch.from_numpy(bunch.images.astype(np.float32)).unsqueeze(1)
    images = (images - images.mean()) / images.std()
    labels = torch.from_numpy(bunch.target)
    everything = np.arange(len(labels))
    train, test = train_test_split(
        everything, test_size=TEST_EXAMPLES, random_state=0, stratify=bunch.target
    )
    if train_examples is not None and train_examples < len(train):
        train, _ = train_test_split(
            train, train_size=train_examples, random_state=0, stratify=bunch.target[train]
        )

    def subset(rows):
        return Digits(images[rows], labels[rows], [f"digit-{row:04d}" for row in rows])

    return subset(train), subset(test)
