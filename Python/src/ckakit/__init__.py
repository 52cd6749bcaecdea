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

from logging import NullHandler as _NullHandler
from logging import getLogger as _getLogger

from ._analyses import blocks, components, converge, errors, probe, sweep, trust
from ._capture import Capture, capture
from ._compare import Stream, cka, compare
from ._library import set_program
from ._library import version as _version
from ._record import record
from ._result import Result, TrustResult
from ._results import (
    BlocksResult,
    ComponentsResult,
    ConvergeResult,
    ErrorsResult,
    ModelPoints,
    ProbeResult,
    SweepResult,
    load,
)
from ._study import Study
from ._warnings import CKAWarning

__all__ = [
    "BlocksResult", "CKAWarning", "Capture", "ComponentsResult", "ConvergeResult", "ErrorsResult", "ModelPoints",
    "ProbeResult", "Result", "Stream", "Study", "SweepResult", "TrustResult", "blocks", "capture", "cka", "compare",
    "components", "converge", "errors", "load", "probe", "record", "set_program", "sweep", "trust",
]

_getLogger("ckakit").addHandler(_NullHandler())


def __getattr__(name):
    # Loads the shared library, which an import alone does not.
    if name == "__version__":
        return _version()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
