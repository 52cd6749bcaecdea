#!/bin/bash
# Builds in .build-test what the tests need: all Swift tests, `cka` and the C interface. Prints the path of the
# program that runs the Swift tests.

set -euo pipefail
cd "$(dirname "$0")/.."

# In release mode, because brute force in float64 is slow without optimization; with a build folder
# of its own, because -enable-testing would make the two builds undo each other.
options=(-c release --traits 'default,MPI' -Xswiftc -enable-testing --scratch-path .build-test)
build() { "${SWIFT:-swift}" build "$@" "${options[@]}"; }

# The tests first: those of one library are compiled beside the next library. Not --build-tests, which would build
# the plugins of other packages as well.
for product in ckaPackageTests cka CKAInterface; do build --product "$product" >&2; done
find "$(build --show-bin-path)" -maxdepth 1 -name '*.xctest'
