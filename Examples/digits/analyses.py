"""The commands of the study, in their order: what is compared with what, and where it goes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Step:
    """cka ARGUMENTS --output OUTPUT.

    inputs: what decides the result beside the arguments. grows: the output is a store that a later
    run adds to.
    """

    arguments: list
    output: Path
    inputs: tuple = ()
    grows: bool = False

    @property
    def record(self):
        """The file that says what the output was made of, written after it."""
        return self.output.with_name(f"{self.output.name}.made-of.txt")

    @property
    def ingredients(self):
        return "\n".join(map(str, [*self.arguments, *self.inputs])) + "\n"

    @property
    def is_done(self):
        if self.grows or not (self.output.exists() and self.record.exists()):
            return False
        return self.record.read_text() == self.ingredients


def steps(networks, rivals, folder):
    """rivals: the networks of which the errors are compared, architecture against architecture."""
    by_data = {}
    for network in networks:
        by_data.setdefault(network.data, []).append(network)
    result = []
    for data, chosen in by_data.items():
        result += [sweep(data, chosen, folder), blocks(data, chosen, folder)]
    # How noisy minibatches are is a question to one network.
    result.append(convergence(networks[0], folder))
    result.append(errors(rivals, folder))
    result += [components(network, folder) for network in networks]
    deepest = max((network.depth, network.width) for network in networks)
    probed = [network for network in networks if (network.depth, network.width) == deepest]
    result += [probe(network, folder) for network in probed]
    return result


def sweep(data, networks, folder):
    """Every network against every other, by the paper's minibatch CKA: two batches of 256."""
    models = [network.activations(folder) for network in networks]
    arguments = ["sweep", *models, "--batch-size", 256]
    return Step(arguments, folder / "sweeps" / data, grows=True)


def errors(networks, folder):
    """What networks of two architectures get wrong."""
    groups = []
    for network in networks:
        groups += ["--group", f"{network.architecture}={network.predictions(folder)}"]
    arguments = ["errors", *groups, "--labels", folder / "labels.npy"]
    return Step(arguments, folder / "errors" / networks[0].data)


def blocks(data, networks, folder):
    names = tuple(network.name for network in networks)
    return Step(["blocks", folder / "sweeps" / data], folder / "blocks" / data, names)


def components(network, folder):
    output = folder / "components" / network.data / network.name
    return Step(["components", network.activations(folder), "--components", 3], output)


def probe(network, folder):
    """Linear probes of what comes out of every residual connection."""
    arguments = ["probe", network.activations(folder), "--labels", folder / "labels.npy"]
    return Step([*arguments, "--layers", "*.add"], folder / "probe" / network.data / network.name)


def convergence(network, folder):
    output = folder / "converge" / network.data / network.name
    return Step(["converge", network.activations(folder)], output)


def names(values):
    """The different values in the order of their first appearance."""
    return list(dict.fromkeys(values))
