"""Minibatches on their way to a network: PyTorch's device without memory, `meta`, stands for an accelerator."""

from collections import UserDict, namedtuple

import torch

from ckakit._tensors import moved

CPU, META = torch.device("cpu"), torch.device("meta")


class Encoding(UserDict):
    """As what a tokenizer returns."""


Pair = namedtuple("Pair", "inputs labels")


def test_batches_keep_their_types_where_they_are_moved():
    x, y = torch.ones(4, 2), torch.ones(4)
    for batch in (x, (x, y), [x, [y, "text"]], {"x": x, "id": ["a"]}, Encoding(x=x), Pair(x, y), ({"x": x}, y)):
        there = moved(batch, META)
        assert type(there) is type(batch)
        # A batch that is where it should be is not made anew.
        assert moved(batch, CPU) is batch and moved(there, META) is there
    assert moved({"x": x, "id": ["a"]}, META)["id"] == ["a"]
    assert moved(Pair(x, y), META).labels.device == META
    assert moved(Encoding(x=x), META)["x"].device == META and x.device == CPU


def test_mappings_that_are_made_otherwise_become_plain_ones():
    class Own(dict):
        def __init__(self):
            super().__init__(x=torch.ones(4, 2))

    assert type(moved(Own(), META)) is dict
