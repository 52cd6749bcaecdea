"""Maps of similarity, as `compare` and `trust` find them."""

from functools import cached_property

import numpy as np

from ._files import AnalysisResult


def _names(model):
    return [layer["name"] for layer in model["layers"]]


class Result(AnalysisResult):
    """CKA of all layers of one model with those of another, or its own.

    Attributes
    ----------
    cka : numpy.ndarray
        Scores, rows × columns, float64; NaN where a cell has no value.
    z : numpy.ndarray or None
        Of the unbiased estimators: the score over its standard deviation when examples are paired at random. For z > 0,
        p ≤ 1/(1 + z²): 10 means p ≤ 0.01.
    standard_error : numpy.ndarray or None
        Of `trust`: the standard errors of the jackknife.
    status : numpy.ndarray
        `ok`, or why a cell has no value.
    rows, columns : list of str
        The names of the layers.
    layers : list of list of dict
        For each of the one or two models its layers: `name`, `shape`, `features`, `status` and more.
    """

    standard_error = None

    def __init__(self, handle):
        super().__init__(handle)
        models = self.document["models"]
        self.layers = [model["layers"] for model in models]
        self.rows, self.columns = _names(models[0]), _names(models[-1])
        self.cka = self.array("cka")
        self.z = self.array("z") if "z.npy" in self.files else None

    @cached_property
    def status(self):
        status = np.full(self.cka.shape, "ok", dtype=object)
        for cell in self.document["undefinedCells"]:
            status[cell["row"], cell["column"]] = cell["status"]
        return status

    def plot(self, ax=None, *, vmin=0.0, vmax=1.0, cmap="magma", annotate=False, labels=True):
        """Draw the map with matplotlib, the first layer at the lower left.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where; axes of their own unless given.
        vmin, vmax : float
            The ends of the color scale.
        cmap : str or matplotlib.colors.Colormap
        annotate : bool
            Whether each cell says its score.
        labels : bool
            Whether the layers are named; of many only some are.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from ._plots import draw_map

        return draw_map(self, ax, vmin, vmax, cmap, annotate, labels)

    def to_pandas(self):
        """A `pandas.DataFrame` with a line a cell: `row`, `column`, `cka`, `status`, and `z` where there is one."""
        import pandas

        rows, columns = len(self.rows), len(self.columns)
        table = {
            "row": np.repeat(np.array(self.rows, dtype=object), columns),
            "column": np.tile(np.array(self.columns, dtype=object), rows), "cka": self.cka.ravel(),
        }
        for name, numbers in [("z", self.z), ("standard_error", self.standard_error)]:
            if numbers is not None:
                table[name] = numbers.ravel()
        return pandas.DataFrame({**table, "status": self.status.ravel()})

    def to_xarray(self):
        """An `xarray.Dataset` of `cka`, `status`, and `z` where there is one, by `row` and `column`."""
        import xarray

        arrays = {"cka": self.cka, "z": self.z, "standard_error": self.standard_error, "status": self.status}
        return xarray.Dataset(
            {name: (("row", "column"), array) for name, array in arrays.items() if array is not None},
            coords={"row": self.rows, "column": self.columns})

    def __array__(self, dtype=None, copy=None):
        if copy is False and dtype not in (None, self.cka.dtype):
            raise ValueError("the scores are float64; another type needs a copy")
        return self.cka if copy is False else np.array(self.cka, dtype=dtype)

    def __repr__(self):
        defined = int(np.sum(self.status == "ok"))
        return (
            f"<ckakit.{type(self).__name__}: {len(self.rows)} × {len(self.columns)} layers, {defined} of "
            f"{self.cka.size} cells have a value>")


class TrustResult(Result):
    """A map with standard errors, as `trust` finds it.

    Attributes
    ----------
    cka, z, standard_error, control : numpy.ndarray
        Debiased CKA, null standard deviations above 0, standard errors of the jackknife, and CKA after the examples
        were paired at random; rows × columns.
    p, adjusted_p : numpy.ndarray
        The chance that randomly paired examples give at least a cell's value, and the same adjusted for the number of
        pairs of different layers (Benjamini and Hochberg): of the cells at most at 0.05, 5 % are expected to be chance.
    pair : dict or None
        What is known of the pair of layers that was asked for.
    """

    def __init__(self, handle):
        super().__init__(handle)
        self.standard_error = self.array("standard-error")
        self.control = self.array("control")
        tested = "significance" in self.document
        self.p, self.adjusted_p = (
            self.array(name) if tested else np.full_like(self.cka, np.nan) for name in ("p", "adjusted-p"))
        self.pair = self.document.get("pair")
