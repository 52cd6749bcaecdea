"""The figures of the study that no single command draws: grids of maps, curves over networks."""

import io

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from networks import write_whole


def save(figure, path):
    # Without the date and version that Matplotlib writes, the same numbers give the same file.
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)
    write_whole(path, lambda file: file.write(buffer.getvalue()))


def maps(study, data, path):
    """Depths down, widths across: the map of the first seed of each, as in the paper's Figure 1."""
    grid, axes = plt.subplots(
        len(study.depths),
        len(study.widths),
        figsize=(2.6 * len(study.widths) + 0.8, 2.6 * len(study.depths)),
        squeeze=False,
        layout="constrained",
    )
    for row, depth in enumerate(study.depths):
        for column, width in enumerate(study.widths):
            axis = axes[row][column]
            chosen = study.chosen(depth=depth, width=width, data=data)
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_title(f"depth {depth}, width {width}", fontsize=10)
            image = axis.imshow(
                study.map(chosen[0]), origin="lower", cmap="magma", vmin=0, vmax=1
            )
    grid.colorbar(image, ax=axes, shrink=0.6, label="CKA")
    save(grid, path)


def collapse(study, path):
    """Accuracy of the deepest networks without each block, and without it and all that follow."""
    depth = study.depths[-1]
    figure, axes = plt.subplots(
        len(study.data),
        len(study.widths),
        figsize=(3.2 * len(study.widths), 2.4 * len(study.data)),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for row, data in enumerate(study.data):
        for column, width in enumerate(study.widths):
            axis = axes[row][column]
            chosen = [study.descriptions[n] for n in study.chosen(depth=depth, width=width, data=data)]
            blocks = chosen[0]["withoutBlocks"]
            for way, color in (("alone", "#3b6ea8"), ("backward", "#b8562b")):
                values = np.array([[block[way] for block in d["withoutBlocks"]] for d in chosen])
                for stage in (1, 2, 3):
                    places = [i for i, block in enumerate(blocks) if block["stage"] == stage]
                    mean = values[:, places].mean(axis=0)
                    axis.plot(places, mean, color=color, marker="o", markersize=3, linewidth=1.2,
                              label=way if stage == 1 else None)
                    axis.fill_between(places, values[:, places].min(axis=0),
                                      values[:, places].max(axis=0), color=color, alpha=0.2, linewidth=0)
            axis.axhline(np.mean([d["accuracy"] for d in chosen]), color="0.5", linewidth=1)
            for place in range(1, len(blocks)):
                if blocks[place]["stage"] != blocks[place - 1]["stage"]:
                    axis.axvline(place - 0.5, color="0.7", linewidth=0.8)
            axis.set_title(f"depth {depth}, width {width}, {data}", fontsize=9)
            axis.set_ylim(0, 1)
    axes[0][0].legend(fontsize=8)
    figure.supxlabel("deleted residual block", fontsize=10)
    figure.supylabel("test accuracy", fontsize=10)
    save(figure, path)
