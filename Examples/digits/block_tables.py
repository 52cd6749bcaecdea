"""Tables of block structure: what `cka blocks` says, over architectures, data and seeds."""

from functools import partial

import numpy as np

from statistics_of_seeds import effect, table, with_interval
from tables import by_architecture


def strongest(study, network):
    """The contrast of the block that stands out most; 0 where none does."""
    return max((block["contrast"] for block in study.structure(network)["blocks"]), default=0)


def share(study, network):
    """The share of layers that lie in blocks."""
    structure = study.structure(network)
    return sum(block["size"] for block in structure["blocks"]) / structure["layers"]


def counts(study):
    rows = []
    for depth, width in study.architectures:
        cells = []
        for data in study.data:
            chosen = study.chosen(depth=depth, width=width, data=data)
            having = sum(bool(study.structure(network)["blocks"]) for network in chosen)
            cells.append(f"{having} of {len(chosen)}")
        rows.append([f"depth {depth}, width {width}", *cells])
    return "Networks that have a block", table(["network", *study.data], rows)


def contrasts(study):
    body = by_architecture(study, lambda network: strongest(study, network))
    return "Contrast of the strongest block, 0 without one", body


def shares(study):
    body = by_architecture(study, lambda network: share(study, network), digits=0, scale=100)
    return "Layers in blocks, %", body


def changes(study, values):
    """How much values change with width, depth and data. values: title → (study, network) → number."""
    factors = {
        "width 1 → 8": ("width", (1, 8)),
        "depth 8 → 38": ("depth", (8, 38)),
        "depth 38 → 74": ("depth", (38, 74)),
        "data 1 → 1/16": ("divisor", (1, 16)),
    }
    rows = []
    for title, value in values.items():
        found = [effect(study, partial(value, study), *factor) for factor in factors.values()]
        rows.append([title, *(with_interval(change, sign=True) for change in found)])
    return "Change, all else equal", table(["", *factors], rows)


def between_seeds(study):
    """Networks of one architecture and different seeds: similarity where both are in blocks, and in
    the rest."""
    rows = []
    for depth, width in study.architectures:
        for data in study.data:
            architecture = f"depth{depth}-width{width}"
            pairs = study.seed_pairs(data, architecture)
            own = [
                np.mean([block["meanInside"] for block in study.structure(network)["blocks"]])
                for network in study.chosen(depth=depth, width=width, data=data)
                if study.structure(network)["blocks"]
            ]
            matching = study.matching(data, architecture)
            rows.append(
                [
                    f"depth {depth}, width {width}, {data}",
                    with_range(own),
                    with_range(pair["ofAllPairs"]["inside"].get("mean") for pair in pairs),
                    with_range(pair["atEqualDepth"]["inside"].get("mean") for pair in pairs),
                    with_range(pair["atEqualDepth"]["outside"].get("mean") for pair in pairs),
                    f"{100 * matching['accuracy']:.0f}",
                    f"{100 / len(study.layers(network_of(study, depth, width))):.1f}",
                ]
            )
    header = [
        "network",
        "inside blocks, same network",
        "inside blocks, other seed",
        "equal depth, in blocks of both",
        "equal depth, in no block",
        "layers that find themselves, %",
        "by chance, %",
    ]
    return "Similarity between seeds", table(header, rows)


def network_of(study, depth, width):
    return study.chosen(depth=depth, width=width)[0]


def with_range(values):
    """The mean, and the least and the most of several: pairs share networks, and have no simple
    error."""
    values = [value for value in values if value is not None]
    if not values:
        return "–"
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{np.mean(values):.2f} ({min(values):.2f} … {max(values):.2f})"
