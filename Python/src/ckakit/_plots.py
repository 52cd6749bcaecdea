"""Maps drawn with matplotlib."""

import io

import numpy as np

# More names than this along an axis cannot be read.
MOST_LABELS = 30


# Inches of all maps of a study.
STUDY = 7


def draw_study(study, vmin, vmax, cmap):
    """See `Study.plot`."""
    import matplotlib.pyplot as plt

    names = study.names
    # Cells of one size: each network takes the room of its layers, as in the picture of a sweep.
    sizes = [len(study[name, name].rows) for name in names]
    figure, axes = plt.subplots(
        len(names), len(names), figsize=(STUDY, STUDY), layout="constrained", squeeze=False,
        gridspec_kw={"width_ratios": sizes, "height_ratios": sizes[::-1]})
    for i, left in enumerate(names):
        for j, right in enumerate(names):
            ax = axes[len(names) - 1 - i, j]
            scores = study[left, right].cka if (left, right) in study else study[right, left].cka.T
            image = _image(ax, scores, vmin, vmax, cmap, aspect="auto")
            ax.set(xticks=[], yticks=[])
            if i == 0:
                ax.set_xlabel(right)
            if j == 0:
                ax.set_ylabel(left)
    figure.colorbar(image, ax=axes, label="CKA", shrink=0.6)
    return figure


def png_of_study(study):
    """What a notebook shows of a study."""
    import matplotlib.pyplot as plt

    figure = draw_study(study, 0.0, 1.0, "magma")
    file = io.BytesIO()
    figure.savefig(file, format="png")
    # Else a notebook shows it once more when the cell ends.
    plt.close(figure)
    return file.getvalue()


def _image(ax, scores, vmin, vmax, cmap, **options):
    """The scores as colors, the first layer at the lower left as in all pictures of `cka`."""
    import matplotlib.pyplot as plt

    # Cells without a value are neither similar nor not.
    colors = plt.get_cmap(cmap).with_extremes(bad="0.8")
    return ax.imshow(
        np.ma.masked_invalid(scores), vmin=vmin, vmax=vmax, cmap=colors, interpolation="nearest", origin="lower",
        **options)


def draw_map(result, ax, vmin, vmax, cmap, annotate, labels):
    """See `Result.plot`."""
    import matplotlib.pyplot as plt

    if ax is None:
        _, ax = plt.subplots(layout="constrained")
    image = _image(ax, result.cka, vmin, vmax, cmap)
    ax.figure.colorbar(image, ax=ax, label="CKA", shrink=0.8)
    models = result.document["models"]
    ax.set_ylabel(models[0]["name"])
    ax.set_xlabel(models[-1]["name"])
    for axis, names in [(ax.yaxis, result.rows), (ax.xaxis, result.columns)]:
        places = range(0, len(names), -(-len(names) // MOST_LABELS)) if labels else []
        axis.set_ticks(list(places), [names[i] for i in places])
    ax.tick_params(axis="x", rotation=90)
    if annotate:
        for (i, j), score in np.ndenumerate(result.cka):
            if np.isnan(score):
                text, color = result.status[i, j], "0.2"
            else:
                red, green, blue, _ = image.cmap(image.norm(score))
                # The lightness that eyes see, by ITU-R BT.709.
                lightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue
                # Without the sign of what rounds to 0.
                text, color = f"{round(float(score), 2) + 0.0:.2f}", "black" if lightness > 0.5 else "white"
            ax.text(j, i, text, ha="center", va="center", color=color, fontsize="small")
    return ax
