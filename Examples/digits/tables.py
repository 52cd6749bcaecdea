"""The tables of a study. Each function returns a title and Markdown.

Numbers are means over seeds ± their standard deviation: the seeds are the sample, not layers, blocks
or images.
"""

import csv

from statistics_of_seeds import table, with_spread


def by_architecture(study, value, **style):
    """A row an architecture, a column an amount of data. value: network → number."""
    rows = []
    for depth, width in study.architectures:
        cells = [
            with_spread(
                [value(network) for network in study.chosen(depth=depth, width=width, data=data)],
                **style,
            )
            for data in study.data
        ]
        rows.append([f"depth {depth}, width {width}", *cells])
    return table(["network", *study.data], rows)


def accuracy(study):
    def of(network):
        return study.descriptions[network]["accuracy"]

    return "Test accuracy, %", by_architecture(study, of, digits=1, scale=100)


def convergence(study):
    """The errors of minibatch CKA against the exact value, of the network that was asked."""
    [path] = (study.folder / "converge").glob("*/*/converge.csv")
    with path.open() as file:
        points = list(csv.DictReader(file))
    passes = sorted({int(point["passes"]) for point in points})
    rows = []
    for size in sorted({int(point["batch_size"]) for point in points}):
        chosen = {int(p["passes"]): p for p in points if int(p["batch_size"]) == size}
        cells = [f"{1000 * float(chosen[count]['mean_error']):.2f}" for count in passes]
        rows.append([size, *cells])
    network = "/".join(path.parts[-3:-1])
    body = table(["batch size", *(f"passes: {count}" for count in passes)], rows)
    return f"Mean error of minibatch CKA × 1,000, {network}", body
