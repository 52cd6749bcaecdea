"""How far is minibatch CKA from that of all examples? The paper's Proposition 1, on one network."""

import ckakit
import numpy as np

from statistics_of_seeds import number, table


def run(plan, folder):
    network = plan.of(14, 1, 16)[0]

    def measure():
        choices = {"layers": ["*.relu*", "head.*"]}
        with folder.recorded(network, folder.compared, **choices) as recording:
            found = ckakit.converge(recording)
        return {
            "errors": found.errors,
            "sizes": list(found.batch_sizes),
            "passes": list(found.passes),
        }

    found = folder.kept(f"minibatches/{network.name}", measure)
    means = np.nanmean(found["errors"], axis=(2, 3))
    rows = [
        [size, *(number(1000 * value) for value in line)]
        for size, line in zip(found["sizes"], means)
    ]
    header = ["batch size", *(f"passes: {count}" for count in found["passes"])]
    return [(f"Errors of minibatch CKA × 1,000, {network.title}", table(header, rows))]
