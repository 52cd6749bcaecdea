"""Many networks, each compared with every one."""

from collections.abc import Mapping
from itertools import combinations_with_replacement


class Study(Mapping):
    """The results of every pair of several networks, by their names: `study["a", "b"]`.

    Pairs are in the order in which the networks were given, each network with itself included; there is no `"b", "a"`,
    which would be the transpose.

    Attributes
    ----------
    names : list of str
        The networks.

    Examples
    --------
    >>> import torch, ckakit
    >>> networks = {name: torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU()) for name in "abc"}
    >>> study = ckakit.compare(networks, loader=torch.randn(64, 4).split(16))
    >>> study.names, len(study), study["a", "c"].cka.shape
    (['a', 'b', 'c'], 6, (2, 2))
    """

    def __init__(self, results):
        self._results = dict(results)
        self.names = list(dict.fromkeys(name for pair in self._results for name in pair))

    def __getitem__(self, pair):
        if isinstance(pair, tuple) and pair not in self._results and pair[::-1] in self._results:
            raise KeyError(f"{pair}: there is {pair[::-1]}, whose rows are the layers of {pair[1]}")
        return self._results[pair]

    def __iter__(self):
        return iter(self._results)

    def __len__(self):
        return len(self._results)

    def to_pandas(self):
        """A `pandas.DataFrame` with a line a cell of every pair: that of each result after its `left` and `right`."""
        import pandas

        tables = []
        for (left, right), result in self.items():
            table = result.to_pandas()
            table.insert(0, "left", left)
            table.insert(1, "right", right)
            tables.append(table)
        return pandas.concat(tables, ignore_index=True)

    def plot(self, *, vmin=0.0, vmax=1.0, cmap="magma"):
        """Draw every network against every other with matplotlib, in one figure.

        Parameters
        ----------
        vmin, vmax : float
            The ends of the color scale.
        cmap : str or matplotlib.colors.Colormap

        Returns
        -------
        matplotlib.figure.Figure
        """
        from ._plots import draw_study

        return draw_study(self, vmin, vmax, cmap)

    def _repr_png_(self):
        from ._plots import png_of_study

        try:
            return png_of_study(self)
        except ImportError:
            # A notebook without matplotlib shows the text.
            return None

    def __repr__(self):
        return f"<ckakit.Study: {len(self.names)} networks, {len(self)} pairs>"


def pairs_of(names):
    """Every pair of names, and each with itself."""
    return list(combinations_with_replacement(names, 2))
