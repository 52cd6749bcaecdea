#!/bin/bash
# All Swift tests. They run side by side and print thousands of lines, so what failed is said again
# at the end. Arguments go to the tests: --filter NAME.

set -euo pipefail
cd "$(dirname "$0")/.."

tests=$(Scripts/build-tests.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

status=0
POCL_CACHE_DIR=$work/pocl "$tests" --testing-library swift-testing "$@" 2>&1 |
  tee "$work/log" || status=$?
if [ "$status" -ne 0 ]; then
  printf '\nFailed:\n'
  grep -aE '✘|error:|Fatal|signal' "$work/log" || true
fi
# A filter that fits no test would pass, too.
grep -aEq 'Test run with [1-9][0-9]* tests?' "$work/log" || {
  echo "test-swift: no test ran" >&2
  exit 1
}
exit "$status"
