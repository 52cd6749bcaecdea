"""The tutorial's examples run in a folder of their own."""

import os
import warnings

import pytest
from doctest import DocTest


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(request, tmp_path_factory):
    """The tutorial writes files by relative names and draws without a screen."""
    if not isinstance(getattr(request.node, "dtest", None), DocTest) or request.node.path.suffix != ".md":
        yield
        return
    for name in ("torch", "sklearn", "pandas", "matplotlib"):
        pytest.importorskip(name)
    import matplotlib

    matplotlib.use("agg")
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("tutorial"))
    try:
        with warnings.catch_warnings():
            # What the tutorial does not show it must not cause.
            warnings.simplefilter("error", __import__("ckakit").CKAWarning)
            yield
    finally:
        os.chdir(before)
