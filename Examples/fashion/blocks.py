"""Where blocks of similar layers are: outlined by eye, or found by `ckakit.blocks` in the map of a
network's layers compared with each other.

The paper finds them by eye. A file of outlines says, by the networks' names, from which layer to
which: {"depth110-width1-data1of16-seed0": [[40, 300]], …}. A network that it does not name is left
to the detector.
"""

import json

import ckakit
import numpy as np

from folder import minibatches

NONE = "no block"  # what tables say


def self_map(folder, network):
    """`cka`, the names of `layers`, and the `blocks` that the detector finds: [first, last] of each."""

    def compare():
        result = ckakit.compare(network.trained(folder.path), minibatches(folder.compared))
        found = ckakit.blocks(result).blocks
        return {
            "cka": result.cka,
            "layers": result.rows,
            "blocks": [[block["first"], block["last"]] for block in found],
        }

    return folder.kept(f"maps/{network.name}", compare)


def blocks(folder, network):
    """[first, last] of each, by layers counted from 0."""
    if network.name in folder.outlines:
        return folder.outlines[network.name]
    return self_map(folder, network)["blocks"]


def outlines(path, networks):
    """Blocks by eye, by the names of networks, from a file; what it says is checked."""
    by_name = {network.name: network for network in networks}
    found = json.loads(path.read_text())
    for name, outlined in found.items():
        if name not in by_name:
            raise SystemExit(f"{path}: no network is called {name}")
        modules = by_name[name].new().modules()
        count = sum(1 for module in modules if not list(module.children()))
        for block in outlined:
            first, last = block
            if not 0 <= first <= last < count:
                raise SystemExit(f"{path}: {name} has layers 0 to {count - 1}, found {block}")
    return found


def said(folder, text, *groups):
    """A cell of a table about layers inside blocks; in words where a group of networks has none."""
    has_all = all(any(blocks(folder, network) for network in networks) for networks in groups)
    return text if has_all else NONE


def lacking(folder, cells):
    """A sentence, if need be: how many kinds of networks have no block."""
    count = sum(said(folder, "", networks) == NONE for networks in cells)
    if count == len(cells):
        return "No network has a block."
    return f"{count} of {len(cells)} kinds of networks have no block." if count else ""


def largest(found):
    """The block with the most layers, or None."""
    return max(found, key=lambda block: block[1] - block[0], default=None)


def inside(found, count):
    """Which of `count` layers lie in a block."""
    flags = np.zeros(count, bool)
    for first, last in found:
        flags[first : last + 1] = True
    return flags


def same_block(found, count):
    """Which pairs of different layers lie in the same block."""
    flags = np.zeros((count, count), bool)
    for first, last in found:
        flags[first : last + 1, first : last + 1] = True
    np.fill_diagonal(flags, False)
    return flags


def across(found, count):
    """Which pairs have one layer in a block and the other in none."""
    flags = inside(found, count)
    return flags[:, None] != flags[None, :]


def wholly_inside(found, layers, block):
    """Whether all layers of a residual block, such as `stage2.block5`, lie in one block."""
    places = [index for index, name in enumerate(layers) if name.startswith(f"{block}.")]
    return any(first <= min(places) and max(places) <= last for first, last in found)


def partly_inside(found, layers, block):
    places = [index for index, name in enumerate(layers) if name.startswith(f"{block}.")]
    return bool(inside(found, len(layers))[places].any())
