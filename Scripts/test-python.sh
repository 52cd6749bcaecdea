#!/bin/bash
# Tests the Python package with a library that is linked for it.
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
# pip builds beside the sources.
cp -r Python "$work/package"
"$work/venv/bin/pip" install --quiet pytest==8.4.2 "$work/package"
# PyTorch's own CPU build is smaller; where the package index does not have it, the common one does as well.
"$work/venv/bin/pip" install --quiet 'torch==2.13.0+cpu' || "$work/venv/bin/pip" install --quiet 'torch==2.13.0'
cd "$work"
installed=$("$work/venv/bin/python" -c 'import ckakit; print(*ckakit.__path__)')
cp libcka.so "$installed/"
"$work/venv/bin/python" -m pytest -q -p no:cacheprovider --doctest-modules package/tests "$installed"
