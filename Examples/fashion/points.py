"""Question 4, the title's: do wide and deep networks differ by more than seeds do? Networks as points:
the distance of two is the mean angle between their layers, arccos of CKA, of the sums of residual
blocks."""

from itertools import combinations, product
from pathlib import Path

import ckakit
import numpy as np

import data
from statistics_of_seeds import number, spread, table

# Which layers are compared: those at equal relative depth, or each with the one most like it.
KINDS = {"equal-depth": "at equal depth", "best-match": "of best matches"}


def points(folder, networks):
    """`names`, of all networks, and by kind `KIND-distances`, `-names` (of the networks with a point),
    `-groups`, `-coordinates`, `-linkage`, `-stress`, `-separation` and the bytes of a `-picture`."""

    def analyze():
        with folder.temporary() as place:
            for network in networks:
                # Of a network in the store the recording is not needed again.
                with folder.recorded(network, folder.compared, layers=["*.add"]) as recording:
                    result = ckakit.sweep(
                        [recording], Path(place) / "store", batch_size=data.MINIBATCH, order="stored"
                    )
            found = {"names": result.names}
            for kind in KINDS:
                found |= {f"{kind}-{name}": value for name, value in of_kind(result, kind).items()}
            return found

    return folder.kept("points", analyze, [network.name for network in networks])


def of_kind(result, kind):
    found = result.points(kind)
    return {
        "distances": result.distances(kind),
        "names": found.names,
        "groups": found.groups,
        "coordinates": found.coordinates,
        "linkage": found.linkage,
        "stress": found.stress,
        "separation": found.separation,
        "picture": np.frombuffer(result.file(f"{kind}-points.png"), np.uint8),
    }


def run(plan, folder):
    # Kinds of one network have no seeds to be compared with.
    found = points(folder, [network for networks in plan.repeated for network in networks])
    for kind in KINDS:
        folder.bytes(f"{kind}-points.png", found[f"{kind}-picture"].tobytes())
    return [
        ("Networks as points: distances in radians", separations(found)),
        ("Distances of architectures in radians", architectures(plan, found)),
    ]


def separations(found):
    """Of all networks: by how much kinds of networks differ, and seeds of one kind."""
    rows = []
    for kind, title in KINDS.items():
        separation = found[f"{kind}-separation"]
        cells = 4 * ["–"]
        if separation:
            shares = [number(100 * separation[name], 0) for name in ("explained", "explainedByChance")]
            cells = [number(separation[name], 3) for name in ("between", "within")]
            cells += ["{} ({})".format(*shares), number(separation["p"], 3)]
        rows.append([title, len(found[f"{kind}-groups"]), *cells, number(found[f"{kind}-stress"], 3)])
    header = [
        "distance", "networks", "between kinds", "between seeds",
        "explained by the kind, % (by chance)", "p", "stress",
    ]
    return table(header, rows)


def architectures(plan, found):
    """Every seed of one architecture with every one of the other, and the seeds of each."""
    places = {name: place for place, name in enumerate(found["names"])}

    def distances(kind, pairs):
        matrix = found[f"{kind}-distances"]
        return spread([matrix[places[one.name], places[other.name]] for one, other in pairs], 3)

    rows = []
    for left, right in combinations(plan.repeated, 2):
        pairs = [list(product(left, right)), list(combinations(left, 2)), list(combinations(right, 2))]
        cells = [distances(kind, some) for kind in KINDS for some in pairs]
        rows.append([f"{left[0].title}; {right[0].title}", *cells])
    header = ["networks"]
    for title in KINDS.values():
        header += [f"{title}: between them", "seeds of the first", "seeds of the second"]
    return table(header, rows)
