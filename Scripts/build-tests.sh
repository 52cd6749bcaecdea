#!/bin/bash
# Builds in .build-test what the tests need.
#
#   Scripts/build-tests.sh             all Swift tests; prints the path of the program that runs them
#   Scripts/build-tests.sh products    only `cka` and the C interface, which other tests can begin with

set -euo pipefail
cd "$(dirname "$0")/.."

# In release mode, because brute force in float64 is slow without optimization; with a build folder
# of its own, because -enable-testing would make the two builds undo each other.
options=(-c release --traits 'default,MPI' -Xswiftc -enable-testing --scratch-path .build-test)
build() { "${SWIFT:-swift}" build "$@" "${options[@]}"; }

if [ "${1:-}" = products ]; then
  for product in cka CKAInterface; do build --product "$product" >&2; done
else
  # Not --build-tests: it would build the plugins of other packages as well.
  build --product ckaPackageTests >&2
  find "$(build --show-bin-path)" -maxdepth 1 -name '*.xctest'
fi
