"""The study's folder: what is computed once is found again."""

import json
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import ckakit
import numpy as np

import data
import figures
from networks import device, write_whole


class Folder:
    """networks/ by train.py, results/ of the analyses, pictures/ and tables.md."""

    def __init__(self, path):
        self.path = Path(path)
        # What is left of a run that was killed.
        for left in self.path.glob("temporary-*"):
            shutil.rmtree(left)

    def temporary(self):
        """A folder that is deleted at the end."""
        return tempfile.TemporaryDirectory(prefix="temporary-", dir=self.path)

    def kept(self, name, make, made_of=()):
        """What `make` returns, a dictionary of arrays and of what JSON can say: from the file
        results/NAME.npz, if that was made of the same."""
        path = self.result(name)
        made_of = [str(part) for part in made_of]
        if path.exists():
            found = read(path)
            if found.pop("made_of") == made_of:
                return found
        value = make()
        write_whole(path, lambda file: write(file, {**value, "made_of": made_of}))
        print(f"{name}", flush=True)
        return read(path)

    def has(self, name):
        """Whether `kept` has a file of this name."""
        return self.result(name).exists()

    def result(self, name):
        return self.path / "results" / f"{name}.npz"

    @contextmanager
    def recorded(self, network, images, **choices):
        """A recording of a network's activations, which is called by its name; deleted at the end."""
        with self.temporary() as place:
            yield ckakit.record(
                network.trained(self.path), minibatches(images), Path(place) / network.name,
                dtype="float16", layout="channels-first", **choices,
            )

    def picture(self, name, figure):
        """Writes a figure of Matplotlib to pictures/NAME.png, and closes it."""
        self.bytes(f"{name}.png", figures.png(figure))

    def bytes(self, name, content):
        write_whole(self.path / "pictures" / name, lambda file: file.write(content))

    def text(self, name, content):
        write_whole(self.path / name, lambda file: file.write(content.encode()))


def minibatches(images):
    """Of the images' pixels, where the networks are."""
    return images.pixels.to(device()).split(data.MINIBATCH)


def write(file, value):
    arrays = {name: part for name, part in value.items() if isinstance(part, np.ndarray)}
    others = {name: part for name, part in value.items() if name not in arrays}
    np.savez_compressed(file, json=json.dumps(others), **arrays)


def read(path):
    with np.load(path) as found:
        value = json.loads(str(found["json"]))
        return value | {name: found[name] for name in found.files if name != "json"}
