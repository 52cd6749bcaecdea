#!/bin/bash
# Builds all Swift tests in the build folder .build-test and prints the path of the program that
# runs them.
set -euo pipefail
cd "$(dirname "$0")/.."

# In release mode, because brute force in float64 is slow without optimization; with a build folder
# of its own, because -enable-testing would make the two builds undo each other.
options=(-c release --traits 'default,MPI' -Xswiftc -enable-testing --scratch-path .build-test)
"${SWIFT:-swift}" build --build-tests "${options[@]}" >&2
find "$("${SWIFT:-swift}" build --show-bin-path "${options[@]}")" -maxdepth 1 -name '*.xctest'
