"""The figures of the study that no single command draws: grids of maps, curves over networks."""

import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from PIL import Image

from networks import write_whole

COLORS = ["#3b6ea8", "#b8562b", "#4f8f5b", "#8a63a6"]


def save(figure, path):
    buffer = io.BytesIO()
    # Without the name and version that Matplotlib writes.
    figure.savefig(buffer, format="png", dpi=80, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    write_whole(path, lambda file: file.write(buffer.getvalue()))


def panels(rows, columns, width, height, **sharing):
    return plt.subplots(
        rows,
        columns,
        figsize=(width * columns + 0.6, height * rows),
        squeeze=False,
        layout="constrained",
        **sharing,
    )


def maps(study, data, path):
    """Depths down, widths across: the map of the first seed of each, as in the paper's Figure 1, with
    its blocks outlined."""
    figure, axes = panels(len(study.depths), len(study.widths), 1.8, 1.8)
    for row, depth in enumerate(study.depths):
        for column, width in enumerate(study.widths):
            axis = axes[row][column]
            chosen = study.chosen(depth=depth, width=width, data=data)
            if not chosen:
                axis.set_axis_off()
                continue
            network = chosen[0]
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_title(f"depth {depth}, width {width}", fontsize=8)
            cka = study.map(network)
            image = axis.imshow(cka, origin="lower", cmap="magma", vmin=0, vmax=1)
            for block in study.structure(network)["blocks"]:
                size = block["last"] - block["first"] + 1
                place = (block["first"] - 0.5, block["first"] - 0.5)
                axis.add_patch(Rectangle(place, size, size, fill=False, color="#35c2c2", lw=1.2))
    figure.colorbar(image, ax=axes, shrink=0.5, label="CKA")
    save(figure, path)


def first_components(study, path):
    """λ₁/Σλ over proportional depth: amounts of data down, widths across, a line a depth."""
    figure, axes = panels(len(study.data), len(study.widths), 2.8, 2.0, sharex=True, sharey=True)
    for row, data in enumerate(study.data):
        for column, width in enumerate(study.widths):
            axis = axes[row][column]
            for depth, color in zip(study.depths, COLORS):
                chosen = study.chosen(depth=depth, width=width, data=data)
                if not chosen:
                    continue
                layers = [study.components(network)["layers"][0] for network in chosen]
                values = np.array([[l["varianceFractions"][0] for l in model] for model in layers])
                curve(axis, np.linspace(0, 1, values.shape[1]), values, color, f"depth {depth}")
            axis.set_title(f"width {width}, {data}", fontsize=9)
            axis.set_ylim(0, 1)
    axes[0][0].legend(fontsize=7)
    figure.supxlabel("depth of the layer, from 0 (first) to 1 (last)", fontsize=9)
    figure.supylabel("first component's fraction of variance", fontsize=9)
    save(figure, path)


def collapse(study, depth, path):
    """Accuracy of networks of a depth without each residual block, and without it and all that
    follow in its stage."""
    widths = [width for width in study.widths if study.chosen(depth=depth, width=width)]
    figure, axes = panels(len(study.data), len(widths), 3.6, 2.0, sharey=True)
    for row, data in enumerate(study.data):
        for column, width in enumerate(widths):
            axis = axes[row][column]
            chosen = study.chosen(depth=depth, width=width, data=data)
            found = [study.descriptions[network] for network in chosen]
            blocks = found[0]["withoutBlocks"]
            stages = np.array([block["stage"] for block in blocks])
            for way, color in zip(("alone", "backward"), COLORS):
                values = np.array([[b[way] for b in one["withoutBlocks"]] for one in found])
                for stage in (1, 2, 3):
                    places = np.flatnonzero(stages == stage)
                    curve(axis, places, values[:, places], color, way if stage == 1 else None)
            axis.axhline(np.mean([one["accuracy"] for one in found]), color="0.5", linewidth=1)
            for place in np.flatnonzero(np.diff(stages)):
                axis.axvline(place + 0.5, color="0.7", linewidth=0.8)
            axis.set_title(f"depth {depth}, width {width}, {data}", fontsize=9)
            axis.set_ylim(0, 1)
    axes[0][0].legend(fontsize=7)
    figure.supxlabel("deleted residual block", fontsize=9)
    figure.supylabel("test accuracy", fontsize=9)
    save(figure, path)


def halved(picture, path):
    """A picture that a command drew, at half its size in few colors."""
    with Image.open(picture) as image:
        small = image.convert("RGB").resize((image.width // 2, image.height // 2), Image.LANCZOS)
    buffer = io.BytesIO()
    small.quantize(192).save(buffer, format="png", optimize=True)
    write_whole(path, lambda file: file.write(buffer.getvalue()))


def curve(axis, x, values, color, label):
    """The mean over networks, with a band from the least to the most."""
    axis.plot(x, values.mean(axis=0), color=color, linewidth=1.2, label=label)
    axis.fill_between(
        x, values.min(axis=0), values.max(axis=0), color=color, alpha=0.2, linewidth=0
    )
