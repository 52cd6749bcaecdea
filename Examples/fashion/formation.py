"""Question 7: when in training does a block appear? Checkpoints of a network that has one and of one
that has none, compared with themselves and with the last, as in the paper's Appendix."""

import ckakit
import numpy as np

import blocks
import figures
from blocks import self_map
from folder import minibatches
from maps import distant
from networks import WATCHED_STEPS
from statistics_of_seeds import mean, spread, table
from train import STEPS


def checkpoints(folder, network):
    """Arrays steps × layers × layers: `own`, each checkpoint with itself, and `last`, each with the
    last one, whose layers are the columns."""

    def compare():
        last = network.trained(folder.path)
        own, others = [], []
        for step in WATCHED_STEPS:
            models = {"then": network.trained(folder.path, step), "last": last}
            found = ckakit.compare(models, minibatches(folder.compared))
            own.append(found["then", "then"].cka)
            others.append(found["then", "last"].cka)
        own.append(found["last", "last"].cka)
        others.append(own[-1])
        return {"own": np.float32(own), "last": np.float32(others)}

    return folder.kept(f"formation/{network.name}", compare, WATCHED_STEPS)


def run(plan, folder):
    sections = []
    for network in plan.watched:
        found = checkpoints(folder, network)
        picture(folder, network, found)
        sections.append((f"During training: {network.title}", numbers(folder, network, found)))
    return sections


def steps():
    return [*WATCHED_STEPS, STEPS]


def picture(folder, network, found):
    figure, axes = figures.panels(2, len(steps()), 1.5, 1.6)
    layers = self_map(folder, network)["layers"]
    for row, name, label in zip(axes, ("own", "last"), ("with itself", "with the last")):
        for axis, step, cka in zip(row, steps(), found[name]):
            image = figures.draw_map(axis, cka, f"step {step}", layers)
        row[0].set_ylabel(label, fontsize=8)
    figure.colorbar(image, ax=axes, shrink=0.6)
    folder.picture(f"formation-{network.cell}", figure)


def numbers(folder, network, found):
    """By step: similarity inside the block that there is at last, and of the same layers then and at
    last, inside it and outside."""
    count = found["own"].shape[1]
    outlined = blocks.blocks(folder, network)
    block = blocks.largest(outlined)
    flags = blocks.inside([block] if block else [], count)
    pairs = blocks.same_block([block] if block else [], count)
    rows = []
    for step, own, last in zip(steps(), found["own"], found["last"]):
        same = np.diagonal(last)
        inside = [spread([mean(some)]) for some in (own[pairs], same[flags])]
        inside = inside if block else 2 * [blocks.NONE]
        rows.append([step, spread([distant(own)]), *inside, spread([mean(same[~flags])])])
    header = [
        "step", "CKA of distant layers", "CKA inside the last block",
        "same layer, then and at last: inside", "outside",
    ]
    return table(header, rows)
