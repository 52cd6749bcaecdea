"""Question 1: which networks have a block? Each network's layers compared with each other, as in the
paper's Figures 1 to 3: over depth, width and amount of data."""

import numpy as np

import blocks
import figures
from blocks import self_map
from networks import data_title, words
from plan import DATA
from statistics_of_seeds import mean, spread, table


def distant(cka):
    """Mean CKA of layers that are at least a third of the network apart."""
    count = len(cka)
    rows, columns = np.indices(cka.shape)
    return mean(cka[np.abs(rows - columns) >= count / 3])


def run(plan, folder):
    for network in plan.residual:
        self_map(folder, network)
    grid(folder, plan.depths, "maps-over-depth", lambda network: f"depth {network.depth}")
    grid(folder, plan.widths, "maps-over-width", lambda network: f"width {words(network.width, '/')}")
    grid(folder, plan.narrow, "maps-narrow", lambda network: f"width {words(network.width, '/')}")
    return [accuracies(plan, folder), structure(plan, folder)]


def grid(folder, networks, name, title):
    """Amounts of data down, architectures across."""
    columns = list(dict.fromkeys(map(title, networks)))
    figure, axes = figures.panels(len(DATA), len(columns), 2.0, 2.1)
    for network in networks:
        axis = axes[DATA.index(network.divisor)][columns.index(title(network))]
        found = self_map(folder, network)
        percent = f"{100 * network.accuracy(folder.path):.1f} %"
        image = figures.draw_map(
            axis, found["cka"], f"{title(network)}, {data_title(network.divisor)}\n{percent}",
            found["layers"], blocks=blocks.blocks(folder, network),
        )
    figure.colorbar(image, ax=axes, shrink=0.5, label="CKA")
    folder.picture(name, figure)


def by_cell(plan, header, values):
    """A table, a line a cell. values: its networks → cells of the line."""
    rows = []
    for networks in plan.cells.values():
        rows.append([networks[0].title, len(networks), *values(networks)])
    return table(["network", "seeds", *header], rows)


def accuracies(plan, folder):
    def values(networks):
        found = [network.description(folder.path) for network in networks]
        return [
            spread([one["trainingAccuracy"] for one in found], 1, 100),
            spread([one["accuracy"] for one in found], 1, 100),
            spread([one["processorSeconds"] for one in found], 0),
        ]

    header = ["training accuracy, %", "test accuracy, %", "processor seconds"]
    return "Accuracy and cost", by_cell(plan, header, values)


def structure(plan, folder):
    def values(networks):
        found = [blocks.blocks(folder, network) for network in networks]
        maps = [self_map(folder, network)["cka"] for network in networks]
        shares = [blocks.inside(one, len(cka)).mean() for one, cka in zip(found, maps)]
        return [
            f"{sum(map(bool, found))} of {len(found)}",
            spread(shares, 0, 100),
            spread([distant(cka) for cka in maps]),
        ]

    header = ["with a block", "layers in blocks, %", "CKA of distant layers"]
    title = "Block structure"
    if folder.outlines:
        title += f", by eye in {len(folder.outlines)} of {len(plan.residual)} networks"
    return title, by_cell(plan, header, values)
