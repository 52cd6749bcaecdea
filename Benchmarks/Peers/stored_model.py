"""Stored activations in the shape that packages want: a network that is run on a loader's batches.

The forward pass hands out rows of the stored layers, each through a module that hooks can be put
on, and computes nothing: what is timed is reading and CKA, as for the other programs.
"""

import warnings

import peer
import torch


class StoredModel(torch.nn.Module):
    """A network whose layers' outputs were computed before; its input is which examples."""

    def __init__(self, folder):
        super().__init__()
        # PyTorch warns about mapped memory that cannot be written to; nobody writes.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.stored = [torch.from_numpy(layer) for layer in peer.open_model(folder)]
        self.names = [f"layer{index}" for index in range(len(self.stored))]
        for name in self.names:
            setattr(self, name, torch.nn.Identity())

    def forward(self, examples):
        rows = slice(int(examples[0]), int(examples[-1]) + 1)
        for name, layer in zip(self.names, self.stored):
            # In float32, as a network on a CPU would give them: half precision is slow there.
            getattr(self, name)(layer[rows].float())


def loader(model, batch_size):
    """Batches of example numbers, as a DataLoader would give them: (numbers,) each."""
    batches = peer.batches(len(model.stored[0]), batch_size)
    numbers = torch.cat([torch.arange(batch.start, batch.stop) for batch in batches])
    data = torch.utils.data.TensorDataset(numbers)
    return torch.utils.data.DataLoader(data, batch_size=batches[0].stop)


def models(options):
    """The left and the right model; the same one, where there is one."""
    opened = [StoredModel(path) for path in options.models]
    return opened[0], opened[-1]
