#!/bin/bash
# Builds, tests and installs with CMake, in a temporary folder.

set -euo pipefail
cd "$(dirname "$0")/.."

build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
cmake -S . -B "$build" -G Ninja
cmake --build "$build"
ctest --test-dir "$build" --output-on-failure
cmake --install "$build" --prefix "$build/prefix"
"$build/prefix/bin/cka" --help >/dev/null

# What stands in place of libhdf5.
cmake -S . -B "$build" -DCKA_HDF5=OFF
cmake --build "$build" --target ActivationFiles
