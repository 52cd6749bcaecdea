"""Warnings of this package."""

import sys
import warnings


class CKAWarning(UserWarning):
    """Something about a comparison is not as one may expect."""


def warn(message):
    """Warns at the caller's line: the first one that is neither in this package nor in PyTorch, which calls hooks."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("ckakit", "torch"):
        level, frame = level + 1, frame.f_back
    # `level` 1 is this function, 2 the one that called it.
    warnings.warn(message, CKAWarning, stacklevel=level)
