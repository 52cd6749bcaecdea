"""Question 3: are blocks alike in different networks? Seed against seed and architecture against
architecture, as in the paper's Figures 5 and 6: layers at equal relative depth, inside blocks and
outside."""

from itertools import combinations

import ckakit
import numpy as np

import blocks
import figures
from blocks import self_map
from folder import minibatches
from statistics_of_seeds import mean, spread, table


def pair_map(folder, left, right):
    """Rows are the left network's layers."""

    def compare():
        models = [network.trained(folder.path) for network in (left, right)]
        return {"cka": ckakit.compare(*models, minibatches(folder.compared)).cka}

    return folder.kept(file(left, right), compare)["cka"]


def file(left, right):
    return f"pairs/{left.name}--{right.name}"


def compare_all(folder, networks):
    """The maps of all pairs, from one pass through each network."""
    pairs = list(combinations(networks, 2))
    if all(folder.has(file(*pair)) for pair in pairs):
        return
    models = {network.name: network.trained(folder.path) for network in networks}
    found = ckakit.compare(models, minibatches(folder.compared))
    for left, right in pairs:
        folder.kept(file(left, right), lambda: {"cka": found[left.name, right.name].cka})


def equal_depth(rows, columns):
    """The pairs of layers at the same relative depth: two lists of indices, every row once."""
    places = np.arange(rows)
    return places, np.round(places * (columns - 1) / max(rows - 1, 1)).astype(int)


def similarity(folder, left, right):
    """Mean CKA of two networks' layers: of all pairs that are in blocks of both; at equal depth in
    blocks of both; at equal depth in no block of either. NaN where there are none."""
    cka = pair_map(folder, left, right)
    flags = [
        blocks.inside(blocks.blocks(folder, network), count)
        for network, count in zip((left, right), cka.shape)
    ]
    rows, columns = equal_depth(*cka.shape)
    at_equal = cka[rows, columns]
    both = flags[0][rows] & flags[1][columns]
    none = ~flags[0][rows] & ~flags[1][columns]
    every = cka[np.ix_(*flags)]
    return [mean(every), mean(at_equal[both]), mean(at_equal[none]), mean(at_equal)]


def run(plan, folder):
    kinds = [plan.deep, plan.shallow, plan.of(14, 1, 16), plan.of(38, 2, 16)]
    for networks in [*plan.repeated, *zip(*kinds)]:
        compare_all(folder, networks)
    for name, networks in (("seeds-deep", plan.deep), ("seeds-shallow", plan.shallow)):
        grid(folder, networks, name, lambda network: f"seed {network.seed}")
    grid(folder, [networks[0] for networks in kinds], "architectures", lambda one: one.architecture)
    over_depth(folder, plan.repeated)
    return [between_seeds(folder, plan.repeated), between_architectures(folder, kinds)]


def grid(folder, networks, name, title):
    """Every network against every other."""
    count = len(networks)
    figure, axes = figures.panels(count, count, 2.0, 2.0)
    for i, left in enumerate(networks):
        for j, right in enumerate(networks):
            if i == j:
                cka = self_map(folder, left)["cka"]
            else:
                cka = pair_map(folder, *(networks[k] for k in sorted((i, j))))
                cka = cka if i < j else cka.T
            layers = [self_map(folder, network)["layers"] for network in (left, right)]
            heading = title(right) if i == 0 else ""
            image = figures.draw_map(axes[i][j], cka, heading, *layers)
            if j == 0:
                axes[i][j].set_ylabel(title(left), fontsize=8)
    figure.colorbar(image, ax=axes, shrink=0.5, label="CKA")
    folder.picture(name, figure)


def over_depth(folder, repeated):
    """CKA of the same layer of two seeds, over depth."""

    def lines(networks):
        return [np.diagonal(pair_map(folder, *pair)) for pair in combinations(networks, 2)]

    title = "CKA of the same layer\nof two seeds"
    folder.picture("seeds-over-depth", figures.over_depth(repeated, lines, title, figures.COLORS[1]))


HEADER = [
    "in blocks of both", "equal depth, in blocks of both", "equal depth, in no block", "equal depth"
]


def similarities(folder, found, *groups):
    """Cells under HEADER, of what `similarity` found of the networks of one group or two."""
    cells = [spread(column) for column in zip(*found)]
    return [*(blocks.said(folder, cell, *groups) for cell in cells[:2]), *cells[2:]]


def between_seeds(folder, repeated):
    rows = []
    for networks in repeated:
        own = []
        for network in networks:
            cka = self_map(folder, network)["cka"]
            own.append(mean(cka[blocks.same_block(blocks.blocks(folder, network), len(cka))]))
        found = [similarity(folder, *pair) for pair in combinations(networks, 2)]
        cells = similarities(folder, found, networks)
        own = blocks.said(folder, spread(own), networks)
        rows.append([networks[0].title, len(networks), own, *cells])
    header = ["network", "seeds", "in a block, same network", *HEADER]
    return "Similarity of seeds", table(header, rows)


def between_architectures(folder, kinds):
    """Each pair of architectures, seed by seed."""
    rows = []
    for left, right in combinations(kinds, 2):
        found = [similarity(folder, one, other) for one, other in zip(left, right)]
        title = f"{left[0].title}; {right[0].title}"
        rows.append([title, *similarities(folder, found, left, right)])
    return "Similarity of architectures", table(["networks", *HEADER], rows)
