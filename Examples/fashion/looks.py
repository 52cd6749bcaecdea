"""Beside question 1: are the detector's blocks what people see? Two of them outlined blocks in pictures of the
maps, before the detector's definition was there: outlines/."""

import json
from pathlib import Path

import figures
from blocks import self_map
from networks import data_title, words
from statistics_of_seeds import mean, table

LOOKS = ["first", "second"]
AGREES, FOUND = 0.6, 0.8  # overlaps: of two outlines that mean the same block, and of one that is found
COLUMNS = 6
COLORS = ["#000000", "#2545d6"]  # of the looks, on bright squares; the detector's is that of all maps


def run(plan, folder):
    by_name = {network.name: network for network in plan.residual}
    here = Path(__file__).parent / "outlines"
    looks = [json.loads((here / f"{look}.json").read_text()) for look in LOOKS]
    # Of fewer seeds some networks are not there.
    networks = [by_name[name] for name in sorted(looks[0].keys() & by_name.keys())]
    picture(folder, networks, looks)
    return [agreement(folder, networks, looks)]


def overlap(left, right):
    """Layers in both of two blocks, as a part of those in either."""
    both = min(left[1], right[1]) - max(left[0], right[0]) + 1
    return max(both, 0) / (max(left[1], right[1]) - min(left[0], right[0]) + 1)


def best(block, others):
    """The largest overlap, and the block that has it; none is 0 and None."""
    return max(((overlap(block, other), other) for other in others), default=(0.0, None))


def agreement(folder, networks, looks):
    """The same counts as BlockOutlinesTests: on these networks' maps, not on stored ones."""
    overlaps, between, others = [], [], 0
    for network in networks:
        first, second = (look[network.name] for look in looks)
        found = self_map(folder, network)["blocks"]
        for block in first:
            alike, other = best(block, second)
            between.append(alike)
            if alike >= AGREES:
                ends = [(block[0] + other[0]) // 2, (block[1] + other[1] + 2) // 2 - 1]
                overlaps.append(best(ends, found)[0])
        others += sum(best(block, [*first, *second])[0] < AGREES for block in found)
    rows = [
        ["maps", len(networks)],
        ["blocks that both people outlined", len(overlaps)],
        [f"of these found with an overlap of {FOUND}", sum(one >= FOUND for one in overlaps)],
        ["mean overlap of the detector with both people", f"{mean(overlaps):.2f}"],
        ["mean overlap of the second person with the first", f"{mean(between):.2f}"],
        ["blocks that only the detector has", others],
    ]
    return "Blocks as two people outlined them", table(["", ""], rows)


def picture(folder, networks, looks):
    """A panel a map: the detector's blocks, and inside of them those of the two people, dashed."""
    rows = -(-len(networks) // COLUMNS)
    figure, axes = figures.panels(rows, COLUMNS, 1.7, 1.85)
    for axis in axes.flat[len(networks):]:
        axis.axis("off")
    for axis, network in zip(axes.flat, networks):
        found = self_map(folder, network)
        kind = f"depth {network.depth}, width {words(network.width, '/')}"
        title = f"{kind}\n{data_title(network.divisor)}, seed {network.seed}"
        figures.draw_map(axis, found["cka"], title, found["layers"], blocks=found["blocks"])
        for number, (look, color) in enumerate(zip(looks, COLORS), start=1):
            margin = 0.01 * number * len(found["cka"])
            for first, last in look[network.name]:
                figures.outline(axis, first + margin, last - margin, color, dashed=True)
    folder.picture("outlines", figure)
