#!/usr/bin/env bash
# Runs the kernels' tests on Oclgrind, a simulated OpenCL device that reports accesses out of
# bounds, data races, divergent barriers and uninitialized values. Oclgrind's exit status does not
# tell what it found, so its log is read.
#
# Usage: Scripts/test-oclgrind.sh [FILTER]    FILTER: which tests, default all kernels' tests
set -euo pipefail
cd "$(dirname "$0")/.."

filter=${1:-'OpenCLDeviceTests\.(Feature|Gram|Centering|RBF|Pair)KernelTests'}
if ! command -v oclgrind >/dev/null; then
  echo "test-oclgrind: oclgrind is not installed" >&2
  exit 1
fi

# Built before: the compiler itself must not run under Oclgrind.
swift build --build-tests
tests=$(find "$(swift build --show-bin-path)" -maxdepth 1 -name '*.xctest' | head -n 1)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

fail() {
  echo "test-oclgrind: $1" >&2
  exit 1
}

# Runs the tests under Oclgrind with the given options.
check() {
  local status=0
  echo "test-oclgrind: $*"
  rm -f "$folder/log"
  CKA_TEST_OPENCL_PLATFORM=Oclgrind oclgrind --log "$folder/log" "$@" \
    "$tests" --testing-library swift-testing --filter "$filter" --no-parallel \
    >"$folder/output" 2>&1 || status=$?
  cat "$folder/output"
  if [ -s "$folder/log" ]; then
    head -n 60 "$folder/log" >&2
    fail "Oclgrind reports errors"
  fi
  [ "$status" -eq 0 ] || fail "the tests failed (status $status)"
  # Tests that ran on another device, or none that ran, prove nothing.
  grep -q 'CKA_TEST_DEVICE Oclgrind' "$folder/output" || fail "Oclgrind's device was not used"
  grep -Eq 'Test run with [1-9][0-9]* tests? .*passed' "$folder/output" || fail "no test ran"
}

check --data-races
# Its search for uninitialized values crashes on the vectors that optimized code leaves undefined.
check --uninitialized --build-options -cl-opt-disable
echo "test-oclgrind: nothing found"
