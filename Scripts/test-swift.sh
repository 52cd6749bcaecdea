#!/bin/bash
# All Swift tests, in the build folder .build-test. They run side by side and print thousands of lines, so
# what failed is said again at the end. More arguments go to `swift test`.

set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# In release mode, because brute force in float64 is slow without optimization; with a build folder
# of its own, because -enable-testing would make the two builds undo each other.
status=0
POCL_CACHE_DIR=$work/pocl "${SWIFT:-swift}" test -c release --traits HDF5,MPI -Xswiftc -enable-testing \
  --scratch-path .build-test "$@" 2>&1 | tee "$work/log" || status=$?
if [ "$status" -ne 0 ]; then
  printf '\nFailed:\n'
  grep -aE '✘|error:|Fatal|signal' "$work/log" || true
fi
exit "$status"
