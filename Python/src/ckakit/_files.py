"""What an analysis found: the files that its command writes, in memory."""

import base64
import ctypes
import io
import json
import os
from functools import cached_property

import numpy as np

from ._fonts import prepare
from ._library import Array, Owner, call


# Columns of tables that hold names, even where these look like numbers.
_NAMES = ["column", "example", "group", "id", "layer", "model", "name", "network", "row", "stage"]

# The ends of the names of files in which nothing is drawn.
_UNDRAWN = (".json", ".csv", ".npy")


class AnalysisResult:
    """What an analysis found.

    Attributes
    ----------
    files : list of str
        The names of the files that the command of the analysis writes: a document, tables, numbers, pictures, a page.
        Each is made when it is asked for.
    document : dict
        The document among them, as `Documentation/FileFormats.md` describes it.
    """

    # The table of the result, where it has one.
    _table = None

    def __init__(self, handle):
        self._owner = Owner(handle)

    @cached_property
    def files(self):
        handle = self._owner.handle
        return [call("cka_result_file_name", handle, i).decode() for i in range(call("cka_result_files", handle))]

    @cached_property
    def document(self):
        return json.loads(self.file(next(name for name in self.files if name.endswith(".json"))))

    def file(self, name):
        """The bytes of a file: `result.file("heatmap.pdf")`."""
        if not name.endswith(_UNDRAWN):
            prepare()
        size = ctypes.c_size_t()
        start = call("cka_result_file", self._owner.handle, name.encode(), ctypes.byref(size))
        return ctypes.string_at(start, size.value)

    def array(self, name):
        """The numbers of the file `name` with `.npy`: float64, NaN where there is no value."""
        array = Array()
        call("cka_result_array", self._owner.handle, name.encode(), ctypes.byref(array))
        shape = array.shape[:array.axes]
        numbers = ctypes.cast(array.data, ctypes.POINTER(ctypes.c_double))
        # A copy: it may live longer than the result.
        return np.ctypeslib.as_array(numbers, shape).copy() if np.prod(shape) else np.empty(shape)

    def save(self, folder, *, overwrite=False, report=False):
        """Write the folder that the command writes: numbers, tables, pictures and, with `report`, a page.

        Raises
        ------
        OSError
            Where the folder exists and is not to be replaced, or holds anything else than such a result.
        """
        prepare()
        call("cka_result_write", self._owner.handle, os.fspath(folder).encode(), overwrite, report)

    def report(self, path=None):
        """The page for a browser: its bytes, or, with a path, a file."""
        page = self.file("report.html")
        if path is None:
            return page
        with open(path, "wb") as file:
            file.write(page)
        return None

    def to_pandas(self):
        """The table of the result as a `pandas.DataFrame`."""
        import pandas

        if self._table is None:
            raise ValueError(f"{type(self).__name__} has no table")
        table = pandas.read_csv(io.BytesIO(self.file(self._table)), dtype=str, keep_default_na=False)
        # A layer may be called "NA", or 1.
        for column in table.columns.difference(_NAMES):
            try:
                table[column] = pandas.to_numeric(table[column].replace("", "nan"))
            except ValueError:
                pass
        return table

    @property
    def _picture(self):
        return next(name for name in self.files if name.endswith(".png"))

    def _repr_png_(self):
        return self.file(self._picture)

    def _repr_html_(self):
        # Pictures are made for paper: at the size of their type a screen shows them at two thirds.
        picture = base64.b64encode(self._repr_png_()).decode()
        return (
            f'<img alt="{type(self).__name__}" style="max-width: 100%; width: 32em" '
            f'src="data:image/png;base64,{picture}">')
