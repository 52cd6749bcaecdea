"""Tables of residual blocks inside block structure and outside: accuracy without them, and how
much better a linear probe reads the classes behind them."""

import json

import numpy as np

from statistics_of_seeds import table, with_spread


def is_inside(study, network, stage, block):
    """Whether a residual block's layers all lie in one block of the block structure."""
    prefix = f"stage{stage}.{block}."
    places = [i for i, name in enumerate(study.layers(network)) if name.startswith(prefix)]
    found = {study.block_of(network, place) for place in places}
    return len(found) == 1 and None not in found


def by_place(study, values, title, **style):
    """Means over residual blocks by where they lie; values: network → (stage, block, number)s."""
    rows = []
    for depth, width in study.architectures:
        for data in study.data:
            chosen = study.chosen(depth=depth, width=width, data=data)
            means = {True: [], False: []}
            for network in chosen:
                numbers = {True: [], False: []}
                for stage, block, number in values(network):
                    numbers[is_inside(study, network, stage, block)].append(number)
                for place, found in numbers.items():
                    if found:
                        means[place].append(np.mean(found))
            if any(means.values()):
                cells = [with_spread(means[place], **style) for place in (True, False)]
                rows.append([f"depth {depth}, width {width}, {data}", *cells])
    return title, table(["network", "inside", "outside"], rows)


def collapse(study):
    def losses(network):
        description = study.descriptions[network]
        for entry in description["withoutBlocks"]:
            yield entry["stage"], entry["block"], description["accuracy"] - entry["alone"]

    title = "Points of accuracy lost without one residual block, inside a block and outside"
    return by_place(study, losses, title, digits=1, scale=100)


def probes(study):
    def gains(network):
        path = study.folder / "probe" / network.data / network.name / "probe.json"
        if not path.exists():
            return
        layers = {layer["name"]: layer for layer in json.loads(path.read_text())["layers"]}
        sums = [name for name in layers if name.endswith(".add")]
        for before, after in zip(sums, sums[1:]):
            stage, block, _ = after.split(".")
            # A residual block that changes the stage is at no place inside one.
            if before.split(".")[0] == stage:
                gain = layers[after]["testAccuracy"] - layers[before]["testAccuracy"]
                yield int(stage.removeprefix("stage")), block, gain

    title = "Points of probe accuracy gained by one residual block, inside a block and outside"
    return by_place(study, gains, title, digits=2, scale=100, sign=True)
