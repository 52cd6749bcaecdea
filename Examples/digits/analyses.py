"""The commands of the study, in their order: what is compared with what, and where it goes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """cka ARGUMENTS --output OUTPUT. grows: the output is a store that a later run adds to."""

    arguments: list
    output: Path
    grows: bool = False


def steps(networks, folder):
    result = []
    for data in names(network.data for network in networks):
        chosen = [network for network in networks if network.data == data]
        result += sweep_steps(data, chosen, folder)
    return result


def names(values):
    """The different values in the order of their first appearance."""
    return list(dict.fromkeys(values))


def sweep_steps(data, networks, folder):
    """Every network against every other, on all test images at once: no noise of minibatches."""
    store = folder / "sweeps" / data
    models = [network.activations(folder) for network in networks]
    return [Step(["sweep", *models, "--estimator", "unbiased"], store, grows=True)]
