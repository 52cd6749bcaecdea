"""Tables and figures of a study, from the files that networks.py and the commands of `cka` wrote.

Every number is a mean over seeds with the half width of its 95 % confidence interval (Student's t;
the seeds are the sample, not layers or images).
"""

import json

import numpy as np

import figures
from analyses import names
from networks import write_whole
from statistics_of_seeds import finite, table, with_interval


class Study:
    """What a study holds. Networks come by data, architecture and seed."""

    def __init__(self, networks, folder):
        self.networks, self.folder = networks, folder
        self.data = names(network.data for network in networks)
        self.depths = sorted({network.depth for network in networks})
        self.widths = sorted({network.width for network in networks})
        self.descriptions = {
            network: json.loads(network.description(folder).read_text()) for network in networks
        }

    def chosen(self, **properties):
        """The networks with these properties, by seed."""
        return [
            network
            for network in self.networks
            if all(getattr(network, name) == value for name, value in properties.items())
        ]

    def map(self, network, other=None):
        """CKA of all layers of a network with those of another, or with themselves."""
        other = other or network
        pairs = self.folder / "sweeps" / network.data / "results" / "pairs"
        return np.load(pairs / f"{network.name}--{other.name}" / "cka.npy")

    def architectures(self):
        return names((network.depth, network.width) for network in self.networks)


def write(networks, folder):
    """Writes summary/tables.md and the figures beside it, anew."""
    study = Study(networks, folder)
    output = folder / "summary"
    output.mkdir(parents=True, exist_ok=True)
    sections = [accuracy(study), collapse(study)]
    text = "\n\n".join(f"## {title}\n\n{body}" for title, body in sections) + "\n"
    write_whole(output / "tables.md", lambda file: file.write(text.encode()))
    for data in study.data:
        figures.maps(study, data, output / f"maps-{data}.png")
    figures.collapse(study, output / "collapse.png")
    print(f"written to {output}: tables.md and figures", flush=True)


def by_architecture(study, value, **style):
    """A table with a row an architecture and a column an amount of data; value: network → number."""
    rows = []
    for depth, width in study.architectures():
        cells = [
            with_interval(
                [value(network) for network in study.chosen(depth=depth, width=width, data=data)],
                **style,
            )
            for data in study.data
        ]
        rows.append([f"depth {depth}, width {width}", *cells])
    return table(["network", *study.data], rows)


def accuracy(study):
    body = by_architecture(
        study, lambda network: study.descriptions[network]["accuracy"], digits=1, scale=100
    )
    return "Test accuracy, %", body


def collapse(study):
    """Accuracy lost with one residual block, by stage."""
    rows = []
    for depth, width in study.architectures():
        for data in study.data:
            chosen = study.chosen(depth=depth, width=width, data=data)
            cells = [
                with_interval(
                    [lost_accuracy(study.descriptions[network], stage) for network in chosen],
                    digits=1,
                    scale=100,
                )
                for stage in (1, 2, 3)
            ]
            rows.append([f"depth {depth}, width {width}, {data}", *cells])
    body = table(["network", "stage 1", "stage 2", "stage 3"], rows)
    return "Accuracy lost without one residual block, points, mean over the blocks of a stage", body


def lost_accuracy(description, stage):
    """The mean over the blocks of a stage that have an identity shortcut; NaN without any."""
    without = [b["alone"] for b in description["withoutBlocks"] if b["stage"] == stage]
    return description["accuracy"] - np.mean(without) if without else np.nan
