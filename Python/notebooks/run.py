#!/usr/bin/env python3
"""Executes the notebooks from top to bottom and fails where a cell does.

    notebooks/run.py [--keep FOLDER] [NOTEBOOK…]     default: all beside this file

`--keep` writes what was executed, with its outputs, into a folder. The notebooks themselves are not changed; one that
was saved with outputs is an error.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

# Ends what hangs; each takes some twenty seconds.
LONGEST_CELL = 300


def run(path, keep):
    notebook = nbformat.read(path, as_version=4)
    saved = [cell for cell in notebook.cells if cell.get("outputs") or cell.get("execution_count") is not None]
    if saved:
        sys.exit(f"{path.name}: is saved with outputs; clear them")
    start = time.monotonic()
    try:
        # What a notebook writes by a relative name it writes elsewhere than here.
        NotebookClient(notebook, timeout=LONGEST_CELL, kernel_name="python3").execute(cwd=tempfile.gettempdir())
    except CellExecutionError as error:
        sys.exit(f"{path.name}: {error}")
    printed = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    warned = [output.text for output in printed if output.get("name") == "stderr" and "CKAWarning" in output.text]
    if warned:
        sys.exit(f"{path.name}: {warned[0]}")
    if keep:
        Path(keep).mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, Path(keep) / path.name)
    print(f"{path.name}: {time.monotonic() - start:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", metavar="FOLDER")
    parser.add_argument("notebooks", nargs="*", type=Path)
    arguments = parser.parse_args()
    for path in arguments.notebooks or sorted(Path(__file__).parent.glob("*.ipynb")):
        run(path, arguments.keep)


if __name__ == "__main__":
    main()
