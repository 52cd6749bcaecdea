"""Tables of first components and dominant examples: what `cka components` says inside blocks and
outside."""

import numpy as np

from statistics_of_seeds import table, with_spread
from tables import by_architecture


def contrast(cka, blocks, index):
    """How much a block stands out in a map that it may not have been found in: the contrast of
    `cka blocks` (Documentation/Numerics.md) over the same layers, other blocks set aside."""
    is_inside, counts = np.zeros(len(cka), bool), np.ones(len(cka), bool)
    for number, block in enumerate(blocks):
        chosen = is_inside if number == index else counts
        chosen[block["first"] : block["last"] + 1] = number == index
    differences, weights = [], []
    for distance in range(1, len(cka)):
        pairs = np.diagonal(cka, -distance)
        defined = np.isfinite(pairs) & counts[distance:] & counts[:-distance]
        both = is_inside[distance:] & is_inside[:-distance]
        inside, outside = pairs[defined & both], pairs[defined & ~both]
        if len(inside) and len(outside):
            differences.append(inside.mean() - outside.mean())
            weights.append(len(inside) * len(outside) / (len(inside) + len(outside)))
    return np.average(differences, weights=weights) if differences else np.nan


def strongest_block(study, network):
    """The place of the block that stands out most, or None."""
    blocks = study.structure(network)["blocks"]
    return max(range(len(blocks)), key=lambda i: blocks[i]["contrast"], default=None)


def first_fraction(study, network):
    """λ₁/Σλ, the mean over layers."""
    layers = study.components(network)["layers"][0]
    fractions = [layer["varianceFractions"] for layer in layers]
    return np.mean([of_layer[0] for of_layer in fractions if of_layer])


def fractions(study):
    body = by_architecture(study, lambda network: first_fraction(study, network))
    return "Variance of the first component as a fraction, mean over layers", body


def inside_and_outside(study):
    """Layers inside blocks against the rest, over networks that have both."""
    properties = {
        "first component's fraction of variance": lambda layer: layer["varianceFractions"][0],
        "bimodality of projections on it": lambda layer: layer.get("bimodality", np.nan),
        "zeros among the activations": lambda layer: layer["zeroFraction"],
    }
    header = ["", *(f"{data}, {place}" for data in study.data for place in ("inside", "outside"))]
    rows = []
    for title, value in properties.items():
        cells = []
        for data in study.data:
            means = {True: {}, False: {}}
            for network in study.chosen(data=data):
                layers = study.components(network)["layers"][0]
                numbers = {True: [], False: []}
                for place, layer in enumerate(layers):
                    numbers[study.block_of(network, place) is not None].append(value(layer))
                if all(numbers.values()):
                    for place in (True, False):
                        means[place].setdefault(network.seed, []).append(np.nanmean(numbers[place]))
            for place in (True, False):
                cells.append(with_spread([np.mean(n) for n in means[place].values()]))
        rows.append([title, *cells])
    return "Layers inside blocks and outside", table(header, rows)


def removal(study):
    """The strongest block as it is, without the first component, without the examples that dominate
    it most: the last of the fractions that `cka components` drops."""
    rows = []
    for depth, width in study.architectures:
        for data in study.data:
            chosen = study.chosen(depth=depth, width=width, data=data)
            numbers = [of_block for of_block in map(study_block(study), chosen) if of_block]
            if numbers:
                cells = [with_spread(column) for column in zip(*numbers)]
                rows.append([f"depth {depth}, width {width}, {data}", *cells])
    header = [
        "network",
        "cos² of its first components",
        "contrast",
        "without first component",
        "without 10 % of the images",
    ]
    return "The strongest block", table(header, rows)


def study_block(study):
    """network → alignment and contrasts of its strongest block, None without one."""

    def numbers(network):
        index = strongest_block(study, network)
        if index is None:
            return None
        found = study.components(network)
        assert found["removal"]["points"][-1]["fraction"] == 0.1
        maps = found["maps"]
        blocks = study.structure(network)["blocks"]
        layers = slice(blocks[index]["first"], blocks[index]["last"] + 1)
        contrasts = [
            contrast(cka, blocks, index)
            for cka in (maps["cka"], maps["reduced"][0], maps["removal"][-1])
        ]
        return [np.nanmean(maps["alignment"][layers, layers]), *contrasts]

    return numbers


def dominant_examples(study):
    """Mean CKA of all layers without images: those that dominate first components, and random ones."""
    rows = []
    for depth, width in study.architectures:
        for data in study.data:
            columns = []
            for network in study.chosen(depth=depth, width=width, data=data):
                first, *_, last = study.components(network)["removal"]["points"]
                columns.append([first["meanCKA"], last["meanCKA"], np.mean(last["controlMeans"])])
            cells = [with_spread(column) for column in zip(*columns)]
            rows.append([f"depth {depth}, width {width}, {data}", *cells])
    header = ["network", "all images", "without the dominant 10 %", "without a random 10 %"]
    return "Mean CKA of all pairs of layers", table(header, rows)


def every_block(study):
    """A row a block of the networks of the most layers that have any: what carries it."""
    depth = study.depths[-1]
    rows = []
    for network in (n for n in study.networks if n.depth == depth):
        blocks = study.structure(network)["blocks"]
        for index, block in enumerate(blocks):
            found = study.components(network)
            maps = found["maps"]
            layers = found["layers"][0][block["first"] : block["last"] + 1]
            fraction = np.mean([layer["varianceFractions"][0] for layer in layers])
            bimodality = np.mean([layer["bimodality"] for layer in layers])
            contrasts = [
                contrast(cka, blocks, index)
                for cka in (maps["cka"], maps["reduced"][0], maps["removal"][-1])
            ]
            rows.append(
                [
                    f"{network.data}, width {network.width}, seed {network.seed}",
                    f"{block['first']}–{block['last']}",
                    f"{block['p']:.3f}",
                    *(f"{v:z.2f}".replace("-", "−") for v in (fraction, bimodality, *contrasts)),
                ]
            )
    header = [
        "network",
        "layers",
        "p",
        "λ₁/Σλ",
        "bimodality",
        "contrast",
        "without first component",
        "without 10 % of the images",
    ]
    return f"Every block at depth {depth}", table(header, rows)
