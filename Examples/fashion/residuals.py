"""Question 5: do the layers of a block do anything? Linear probes before and after each residual
connection, and accuracy without each residual block, as in the paper's Figure 7."""

import ckakit
import numpy as np
import torch

import blocks
import data
import figures
from blocks import self_map
from networks import device
from resnet import Block
from statistics_of_seeds import spread, table

PROBED = 1000  # test images: three quarters to train probes, a quarter to test them
LEFT = 2000  # test images on which accuracy without a block is measured


def probes(folder, network):
    """Accuracies by the names of residual `blocks`, `before` (without the shortcut) and `after` the
    residual connection."""

    def analyze():
        images = data.balanced(data.test_set(), PROBED, seed=1)
        with folder.recorded(network, images, layers=["*.norm2", "*.add"]) as recording:
            found = ckakit.probe(recording, images.labels.numpy())
        accuracy = {layer["name"]: layer["testAccuracy"] for layer in found.layers}
        names = [name.removesuffix(".add") for name in accuracy if name.endswith(".add")]
        return {
            "blocks": names,
            "before": [accuracy[f"{name}.norm2"] for name in names],
            "after": [accuracy[f"{name}.add"] for name in names],
        }

    return folder.kept(f"probes/{network.name}", analyze)


def deletions(folder, network):
    """Accuracy of the whole network, and by the names of `blocks` without each, replaced with its
    shortcut. A block that halves the image has no identity for a shortcut, and stays."""

    def analyze():
        images = data.balanced(data.test_set(), LEFT, seed=1).to(device())
        model = network.trained(folder.path)
        steps = [model.stem, *(m for m in model.modules() if isinstance(m, Block)), model.head]
        names = {module: name for name, module in model.named_modules()}
        found = {}
        with torch.inference_mode():
            x = images.pixels
            for index, step in enumerate(steps):
                if isinstance(step, Block) and step.shortcut is None:
                    found[names[step]] = accuracy(steps[index + 1 :], x, images.labels)
                x = torch.cat([step(batch) for batch in x.split(500)])
            whole = accuracy([], x, images.labels)
        return {"blocks": list(found), "without": list(found.values()), "whole": whole}

    return folder.kept(f"deletions/{network.name}", analyze)


def accuracy(steps, x, labels):
    """Of what the remaining steps of a network make of their input."""
    correct = 0
    for batch, truth in zip(x.split(500), labels.split(500)):
        batch = batch.clone()  # modules work in place
        for step in steps:
            batch = step(batch)
        correct += int((batch.argmax(dim=1) == truth).sum())
    return correct / len(labels)


def run(plan, folder):
    kinds = [plan.deep, plan.shallow]
    for networks in kinds:
        for network in networks:
            probes(folder, network)
            deletions(folder, network)
    pictures(folder, kinds)
    return [
        by_place(folder, kinds, "Points of probe accuracy gained by a residual block", gains),
        by_place(folder, kinds, "Points of accuracy lost without a residual block", losses),
    ]


def gains(folder, network):
    """What each residual block adds to the accuracy of a probe, by its name; where the stage changes
    nothing is compared."""
    found = probes(folder, network)
    pairs = list(zip(found["blocks"], found["after"]))
    return {
        name: after - before
        for (previous, before), (name, after) in zip(pairs, pairs[1:])
        if previous.split(".")[0] == name.split(".")[0]
    }


def losses(folder, network):
    found = deletions(folder, network)
    return {name: found["whole"] - rest for name, rest in zip(found["blocks"], found["without"])}


def by_place(folder, kinds, title, values):
    """Means over the residual blocks that lie wholly inside a block of similar layers, and over those
    wholly outside."""
    rows = []
    for networks in kinds:
        means = {True: [], False: []}
        for network in networks:
            layers = self_map(folder, network)["layers"]
            found = blocks.blocks(folder, network)
            numbers = {True: [], False: []}
            for name, value in values(folder, network).items():
                if blocks.wholly_inside(found, layers, name):
                    numbers[True].append(value)
                elif not blocks.partly_inside(found, layers, name):
                    numbers[False].append(value)
            for place, some in numbers.items():
                means[place] += [np.mean(some)] if some else []
        inside, outside = (spread(means[place], 2, 100, sign=True) for place in (True, False))
        inside = blocks.said(folder, inside, networks)
        rows.append([networks[0].title, len(networks), inside, outside])
    return title, table(["network", "seeds", "inside a block", "outside"], rows)


def pictures(folder, kinds):
    """A column a kind of network: its map, probes, accuracy without each residual block; seed 0."""
    figure, axes = figures.panels(3, len(kinds), 2.9, 2.2)
    for column, networks in enumerate(kinds):
        network = networks[0]
        found = self_map(folder, network)
        cells = axes[:, column]
        outlined = blocks.blocks(folder, network)
        figures.draw_map(cells[0], found["cka"], network.title, found["layers"], blocks=outlined)
        probed, left = probes(folder, network), deletions(folder, network)
        x = range(len(probed["blocks"]))
        cells[1].plot(x, probed["before"], color=figures.COLORS[1], label="before the connection")
        cells[1].plot(x, probed["after"], color=figures.COLORS[0], label="after")
        cells[1].set_ylabel("probe accuracy", fontsize=8)
        places = [probed["blocks"].index(name) for name in left["blocks"]]
        cells[2].axhline(left["whole"], color="0.5", linewidth=1)
        cells[2].plot(places, left["without"], ".", color=figures.COLORS[2])
        cells[2].set_ylabel("accuracy without it", fontsize=8)
        for axis in cells[1:]:
            shade(axis, outlined, found["layers"], probed["blocks"])
            axis.set_ylim(0, 1)
            axis.tick_params(labelsize=7)
        cells[2].set_xlabel("residual block", fontsize=8)
    axes[1][0].legend(fontsize=7, loc="lower right")
    folder.picture("residual-blocks", figure)


def shade(axis, found, layers, names):
    """The residual blocks inside a block of similar layers, on grey."""
    for index, name in enumerate(names):
        if blocks.wholly_inside(found, layers, name):
            axis.axvspan(index - 0.5, index + 0.5, color="0.9", linewidth=0)
