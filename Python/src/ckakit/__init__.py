"""Similarity of the layers of neural networks by Centered Kernel Alignment (CKA).

>>> import numpy as np
>>> import ckakit
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(100, 8))
>>> y = x @ rng.normal(size=(8, 8)) + rng.normal(size=(100, 8))
>>> round(ckakit.cka(x, x), 3)
1.0
>>> result = ckakit.compare({"x": x, "y": y}, estimator="unbiased")
>>> result.cka.shape, result.rows
((2, 2), ['x', 'y'])
"""

from ._compare import Stream, cka, compare
from ._library import version as _version
from ._networks import CKAWarning
from ._result import Result

__all__ = ["CKAWarning", "Result", "Stream", "cka", "compare"]


def __getattr__(name):
    # Loads the shared library, which an import alone does not.
    if name == "__version__":
        return _version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
