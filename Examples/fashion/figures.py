"""What the study's pictures have in common."""

import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

COLORS = ["#3b6ea8", "#b8562b", "#4f8f5b", "#8a63a6", "#7a6a53"]
STAGES = ("stage2", "stage3")


def panels(rows, columns, width, height, **sharing):
    return plt.subplots(
        rows, columns, figsize=(width * columns + 0.6, height * rows + 0.3), squeeze=False,
        layout="constrained", **sharing,
    )


def draw_map(axis, cka, title="", layers=None, columns=None, blocks=()):
    """A map with its first layer at the lower left, grey lines where stages begin, and blocks."""
    image = axis.imshow(cka, origin="lower", cmap="magma", vmin=0, vmax=1, aspect="auto")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_box_aspect(1)
    axis.set_title(title, fontsize=8)
    for place in stage_places(layers):
        axis.axhline(place, color="0.6", linewidth=0.5)
    for place in stage_places(columns or layers):
        axis.axvline(place, color="0.6", linewidth=0.5)
    for first, last in blocks:
        outline(axis, first, last, "#35c2c2")
    return image


def outline(axis, first, last, color, dashed=False):
    """A square around a block's cells."""
    size = last - first + 1
    axis.add_patch(
        Rectangle(
            (first - 0.5, first - 0.5), size, size, fill=False, color=color, linewidth=1.2,
            linestyle="--" if dashed else "-",
        )
    )


def stage_places(layers):
    """Where stages 2 and 3 begin."""
    found = []
    for stage in STAGES if layers else ():
        inside = [index for index, layer in enumerate(layers) if layer.startswith(f"{stage}.")]
        found += [inside[0] - 0.5] if inside else []
    return found


def over_depth(cells, values, title, color):
    """A panel a cell: the mean over its seeds, with a band from the least to the most.

    values: the networks of a cell → lines, each with one number a layer.
    """
    figure, axes = panels(1, len(cells), 2.1, 2.0, sharey=True)
    for axis, networks in zip(axes[0], cells):
        lines = np.array(values(networks))
        x = np.linspace(0, 1, lines.shape[1])
        axis.plot(x, np.nanmean(lines, axis=0), color=color, linewidth=1.2)
        if len(lines) > 1:
            low, high = np.nanmin(lines, axis=0), np.nanmax(lines, axis=0)
            axis.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0)
        axis.set_title(networks[0].title.replace(", ", "\n", 1), fontsize=8)
        axis.set_ylim(0, 1)
        axis.tick_params(labelsize=7)
    axes[0][0].set_ylabel(title, fontsize=8)
    figure.supxlabel("layer, from the first (0) to the last (1)", fontsize=8)
    return figure


def png(figure):
    """The figure as the bytes of a file; it is closed."""
    buffer = io.BytesIO()
    # Without the name and version that Matplotlib writes.
    figure.savefig(buffer, format="png", dpi=80, metadata={"Software": None})
    plt.close(figure)
    return buffer.getvalue()
