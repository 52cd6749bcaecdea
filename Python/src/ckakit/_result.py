"""The result of a comparison."""

import ctypes
import json
import os

import numpy as np

from ._library import Owner, call


class Result:
    """CKA of all layers of one model with those of another, or its own.

    Attributes
    ----------
    cka : numpy.ndarray
        Scores, rows × columns, float64; NaN where a cell has no value.
    z : numpy.ndarray or None
        Null standard deviations above 0, of the unbiased estimators: above 3, chance hardly explains the cell.
    status : numpy.ndarray
        `ok`, or why a cell has no value.
    rows, columns : list of str
        The names of the layers.
    """

    def __init__(self, handle, rows, columns):
        self._owner = Owner(handle)
        self.rows, self.columns = list(rows), list(columns)
        self.cka = self._numbers("cka")
        try:
            self.z = self._numbers("z")
        except ValueError:
            self.z = None
        self.status = np.array([
            [call("cka_result_status", handle, i, j).decode() for j in range(len(self.columns))]
            for i in range(len(self.rows))])

    def _numbers(self, name):
        numbers = np.empty((len(self.rows), len(self.columns)))
        call(
            "cka_result_numbers", self._owner.handle, name.encode(),
            numbers.ctypes.data_as(ctypes.POINTER(ctypes.c_double)), numbers.size)
        return numbers

    @property
    def document(self):
        """What the command `cka compare` writes to `result.json`; not of a stream."""
        return json.loads(call("cka_result_document", self._owner.handle))

    def save(self, folder, *, overwrite=False, report=False):
        """Write the folder that the command `cka compare` writes: numbers, pictures and, with `report`, a page."""
        call("cka_result_write", self._owner.handle, os.fspath(folder).encode(), overwrite, report)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.cka, dtype=dtype)

    def __repr__(self):
        defined = int(np.sum(self.status == "ok"))
        return (
            f"<ckakit.Result: {len(self.rows)} × {len(self.columns)} layers, {defined} of "
            f"{self.cka.size} cells have a value>")
