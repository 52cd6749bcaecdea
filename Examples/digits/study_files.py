"""What a study has written, as numbers: of networks, by the names of the commands' own files."""

import json
from functools import cache

import numpy as np

from analyses import names


class Study:
    """The files of a study's networks in a folder."""

    def __init__(self, networks, folder):
        self.networks, self.folder = networks, folder
        self.data = names(network.data for network in networks)
        self.depths = sorted({network.depth for network in networks})
        self.widths = sorted({network.width for network in networks})
        self.architectures = sorted({(network.depth, network.width) for network in networks})
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

    @cache
    def layers(self, network):
        """The names of its layers in their order."""
        description = json.loads((network.activations(self.folder) / "layers.json").read_text())
        return [layer["name"] for layer in description["layers"]]

    def results(self, data):
        return self.folder / "sweeps" / data / "results"

    def map(self, network, other=None):
        """CKA of all layers of a network with those of another, or with themselves."""
        other = other or network
        pair = self.results(network.data) / "pairs" / f"{network.name}--{other.name}"
        return np.load(pair / "cka.npy")

    @cache
    def _blocks(self, data):
        return json.loads((self.folder / "blocks" / data / "blocks.json").read_text())

    def structure(self, network):
        """What `cka blocks` has found in its map: `blocks`, `closest`."""
        [found] = [m for m in self._blocks(network.data)["models"] if m["name"] == network.name]
        return found

    def block_of(self, network, layer):
        """The index of the block that a layer lies in, or None."""
        blocks = self.structure(network)["blocks"]
        inside = [i for i, block in enumerate(blocks) if block["first"] <= layer <= block["last"]]
        return inside[0] if inside else None

    def seed_pairs(self, data, architecture):
        """The pairs of networks of an architecture that differ in their seed."""
        document = self._blocks(data)
        models = document["models"]
        return [
            pair
            for pair in document["pairs"]
            if {models[pair[side]]["group"] for side in ("left", "right")} == {architecture}
        ]

    def matching(self, data, architecture):
        """How well layers find themselves in networks of other seeds."""
        [found] = [m for m in self._blocks(data)["matching"] if m["group"] == architecture]
        return found

    @cache
    def components(self, network):
        """`components.json`, and by `maps` the arrays beside it."""
        path = self.folder / "components" / network.data / network.name
        found = json.loads((path / "components.json").read_text())
        names = ("cka", "reduced", "alignment", "removal")
        found["maps"] = {name: np.load(path / f"{name}.npy") for name in names}
        return found
