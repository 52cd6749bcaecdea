"""The tutorial begins on a machine that has NumPy alone; all of it runs as doctests."""

import subprocess
import sys
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).parent.parent / "tutorial.md"

# Imports of anything that the tutorial uses later fail, as on a bare machine.
PROGRAM = """
import doctest, sys
for name in ("torch", "sklearn", "pandas", "matplotlib", "transformers", "xarray", "tqdm"):
    sys.modules[name] = None
test = doctest.DocTestParser().get_doctest(sys.stdin.read(), {}, "the first example", None, 0)
found = doctest.DocTestRunner().run(test)
print(found.attempted, found.failed)
"""


@pytest.mark.skipif(not TUTORIAL.exists(), reason="the tutorial is not beside the tests")
def test_the_first_example_needs_numpy_alone():
    first = TUTORIAL.read_text().split("```python\n")[1].split("```")[0]
    assert "ckakit.compare(" in first
    found = subprocess.run([sys.executable, "-c", PROGRAM], input=first, text=True, capture_output=True, timeout=60)
    assert found.stdout == f"{first.count('>>>')} 0\n", found.stdout + found.stderr
