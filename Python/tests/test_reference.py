"""The reference says what the docstrings say, and names tests that exist."""

import importlib.util
import re
from pathlib import Path

import pytest

import ckakit

PACKAGE = Path(__file__).parent.parent
FILE = PACKAGE.parent / "Documentation" / "Python.md"

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the documentation is not beside the package")


def made():
    spec = importlib.util.spec_from_file_location("reference", PACKAGE / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_docstrings_say():
    module = made()
    above, mark, below = FILE.read_text().partition(module.MARK)
    assert mark and below == "\n" + module.reference(), "run Python/reference.py"


def test_every_public_name_and_argument_is_described():
    text = FILE.read_text()
    for name in ckakit.__all__:
        assert f"\n### {name}\n" in text
    for name in ("compare", "record", "trust", "sweep"):
        said = text.split(f"\n### {name}\n")[1].split("\n### ")[0]
        for argument in re.findall(r"(\w+)=None", said.split("```")[1]):
            assert re.search(rf"^- .*`{argument}`", said, re.M), (name, argument)


def test_the_tests_that_the_table_names_exist():
    named = set(re.findall(r"`(test_\w+)`", FILE.read_text().split(made().MARK)[0]))
    exist = set()
    for path in (PACKAGE / "tests").glob("test_*.py"):
        exist.update(re.findall(r"(?m)^def (test_\w+)", path.read_text()))
    assert len(named) > 20 and named <= exist, named - exist
