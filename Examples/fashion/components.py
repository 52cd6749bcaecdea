"""Question 2: what carries a block? The first principal components of all layers, as in the paper's
Figure 4, and the images that dominate them."""

import ckakit
import numpy as np

import blocks
import data
import figures
from blocks import self_map
from maps import by_cell
from statistics_of_seeds import mean, spread, table

DROPPED = 0.1  # of the images: the last of the shares that `components` leaves out
SHOWN = 16


def components(folder, network):
    """`cka`, `reduced` (without the first components), `alignment`, `without_dominant` (without the
    tenth of the images that dominate): maps. By layer: `fraction` of variance, `bimodality`, `zeros`,
    `projections` of all images."""

    def analyze():
        with folder.recorded(network, folder.compared) as recording:
            found = ckakit.components(recording, components=3, remove=[1])
        [layers] = found.layers[:1]
        points = found.document["removal"]["points"]
        assert points[-1]["fraction"] == DROPPED
        return {
            "cka": found.cka,
            "reduced": found.reduced[0],
            "alignment": found.alignment,
            "without_dominant": found.array("removal")[-1],
            "projections": found.projections[: len(layers)].astype(np.float32),
            "fraction": [(layer["varianceFractions"] or [None])[0] for layer in layers],
            "bimodality": [layer.get("bimodality") for layer in layers],
            "zeros": [layer["zeroFraction"] for layer in layers],
            "mean": points[0]["meanCKA"],
            "mean_without_dominant": points[-1]["meanCKA"],
            "mean_without_random": float(np.mean(points[-1]["controlMeans"])),
        }

    return folder.kept(f"components/{network.name}", analyze)


def column(found, name):
    """A property of all layers; NaN where one has none."""
    return np.array([np.nan if value is None else value for value in found[name]], dtype=float)


def run(plan, folder):
    for network in plan.residual:
        components(folder, network)
    four_panels(folder, [plan.deep[0], plan.shallow[0]])
    over_depth(plan, folder)
    dominant_images(folder, plan.deep)
    return [
        fractions(plan, folder),
        what_carries(plan, folder),
        traits(plan, folder),
        ("Images that dominate in several seeds", shared_images(plan, folder)),
    ]


def four_panels(folder, networks):
    titles = ["cos² of first components", "first component's variance", "CKA", "CKA without it"]
    figure, axes = figures.panels(len(networks), 4, 2.4, 2.5)
    for row, network in zip(axes, networks):
        found = components(folder, network)
        layers = self_map(folder, network)["layers"]
        for axis, name, title in zip(row, ("alignment", None, "cka", "reduced"), titles):
            if name is None:
                axis.plot(column(found, "fraction"), color=figures.COLORS[0], linewidth=1)
                axis.set_ylim(0, 1)
                axis.set_box_aspect(1)
                axis.set_title(title, fontsize=8)
                axis.tick_params(labelsize=7)
            else:
                image = figures.draw_map(axis, found[name], title, layers)
        row[0].set_ylabel(network.title, fontsize=7)
    figure.colorbar(image, ax=axes, shrink=0.6)
    folder.picture("four-panels", figure)


def over_depth(plan, folder):
    """The first component's share of the variance, for kinds of networks of several seeds."""

    def lines(networks):
        return [column(components(folder, one), "fraction") for one in networks]

    figure = figures.over_depth(
        plan.repeated, lines, "first component's variance", figures.COLORS[0]
    )
    folder.picture("first-components", figure)


def fractions(plan, folder):
    def values(networks):
        found = [components(folder, network) for network in networks]
        return [
            spread([mean(column(one, "fraction")) for one in found]),
            spread([np.nanmax(column(one, "fraction")) for one in found]),
            spread([mean(column(one, "bimodality")) for one in found]),
        ]

    header = ["λ₁/Σλ, mean over layers", "largest", "bimodality, mean over layers"]
    return "First components", by_cell(plan, header, values)


def what_carries(plan, folder):
    """Similarity inside the largest block, and of its layers with those outside, when something is
    taken away."""
    rows = []
    for networks in plan.cells.values():
        lines = []
        for network in networks:
            block = blocks.largest(blocks.blocks(folder, network))
            if block is None:
                continue
            found = components(folder, network)
            count = len(found["cka"])
            own, rest = blocks.same_block([block], count), blocks.across([block], count)
            names = ("cka", "reduced", "without_dominant")
            values = [mean(found[name][own]) for name in names]
            others = [mean(found[name][rest]) for name in names]
            aligned = mean(found["alignment"][own])
            lines.append([aligned, *np.ravel(list(zip(values, others)))])
        if lines:
            cells = map(spread, zip(*lines))
            rows.append([networks[0].title, len(lines), *cells])
    header = [
        "network", "seeds with a block", "cos² of first components inside",
        "CKA inside", "with layers outside",
        "inside, without first component", "with layers outside",
        "inside, without the dominant tenth", "with layers outside",
    ]
    return "What carries the largest block", of_blocks(plan, folder, header, rows)


def of_blocks(plan, folder, header, rows):
    """A table of the networks with a block, if any, and how many kinds have none."""
    body = table(header, rows) if rows else ""
    parts = filter(None, [body, blocks.lacking(folder, plan.cells.values())])
    return "\n\n".join(parts) or "Every layer is in a block."


def traits(plan, folder):
    """Layers inside blocks against the others."""
    rows = []
    for networks in plan.cells.values():
        cells = []
        for name in ("fraction", "bimodality", "zeros"):
            for wanted in (True, False):
                means = []
                for network in networks:
                    found = components(folder, network)
                    flags = blocks.inside(blocks.blocks(folder, network), len(found["cka"]))
                    if flags.any() and not flags.all():
                        means.append(mean(column(found, name)[flags == wanted]))
                cells.append(spread(means))
        if cells[0] != "–":
            rows.append([networks[0].title, *cells])
    header = ["network"]
    for title in ("λ₁/Σλ", "bimodality", "zeros"):
        header += [f"{title} inside", "outside"]
    return "Layers inside blocks and outside", of_blocks(plan, folder, header, rows)


def dominant(folder, network):
    """The compared images by the size of their projection on the first component in the middle of
    the largest block, or of the network; the largest first."""
    found = components(folder, network)
    first, last = blocks.largest(blocks.blocks(folder, network)) or (0, len(found["cka"]) - 1)
    return np.argsort(-np.abs(found["projections"][(first + last) // 2]))


def dominant_images(folder, networks):
    """A line a seed: the images that dominate most, with their classes."""
    figure, axes = figures.panels(len(networks), SHOWN, 0.62, 0.9)
    images = folder.compared
    for row, network in zip(axes, networks):
        for axis, place in zip(row, dominant(folder, network)):
            axis.imshow(images.pixels[place, 0].numpy(), cmap="gray_r")
            axis.set_title(data.CLASSES[images.labels[place]], fontsize=6)
            axis.set_xticks([])
            axis.set_yticks([])
        words = "" if blocks.blocks(folder, network) else f"\n{blocks.NONE}"
        row[0].set_ylabel(f"seed {network.seed}{words}", fontsize=7)
    folder.picture("dominant-images", figure)


def shared_images(plan, folder):
    """Of the tenth of the images that dominates one seed's block, or the middle of a network without
    one, the share that does another's."""
    rows = []
    for networks in plan.repeated:
        count = round(DROPPED * len(folder.compared))
        chosen = [set(dominant(folder, network)[:count].tolist()) for network in networks]
        shares = [
            len(one & other) / count
            for index, one in enumerate(chosen)
            for other in chosen[:index]
        ]
        labels = folder.compared.labels.numpy()
        largest = [np.bincount(labels[list(one)], minlength=10).max() / count for one in chosen]
        having = sum(bool(blocks.blocks(folder, network)) for network in networks)
        cells = [spread(shares, 0, 100), spread(largest, 0, 100)]
        rows.append([networks[0].title, f"{having} of {len(networks)}", *cells])
    header = [
        "network", "with a block", "shared by two seeds, % (10 by chance)",
        "of the most frequent class, %",
    ]
    return table(header, rows)


