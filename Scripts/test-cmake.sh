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

# A program in C finds the library by pkg-config.
pc=$(echo "$build"/prefix/lib*/pkgconfig "$build"/prefix/lib*/*/pkgconfig)
export PKG_CONFIG_PATH=${pc// /:}
# shellcheck disable=SC2046
cc -std=c11 Examples/c/compare.c -o "$build/compare" $(pkg-config --cflags --libs cka)
LD_LIBRARY_PATH=$(pkg-config --libs-only-L cka | sed "s/^-L//; s/ *$//") "$build/compare" | grep -qx '1.000 0.786'

# What stands in place of libhdf5.
cmake -S . -B "$build" -DCKA_HDF5=OFF
cmake --build "$build" --target ActivationFiles
