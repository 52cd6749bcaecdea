#!/usr/bin/env bash
# Runs the kernels' tests on Oclgrind, a simulated OpenCL device that reports accesses out of
# bounds, data races, divergent barriers and uninitialized values. Oclgrind's exit status does not
# tell what it found, so its words are read.
#
# Usage: Scripts/test-oclgrind.sh [PASS [FILTER]]    PASS: races, uninitialized or both (default)
#                                                    FILTER: which tests, default all kernels' tests
#
# TESTS names the program of tests (default: it is built).
set -euo pipefail
cd "$(dirname "$0")/.."

pass=${1:-both}
filter=${2:-'OpenCLDeviceTests\.(Feature|Gram|Tensor|Centering|RBF|Tile|Cross|Pair|Peak)KernelTests'}
if ! command -v oclgrind >/dev/null; then
  echo "test-oclgrind: oclgrind is not installed" >&2
  exit 1
fi

# Built before: the compiler itself must not run under Oclgrind.
tests=${TESTS:-$(Scripts/build-tests.sh)}
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
  # Not --log: each OpenCL context would begin the file anew.
  CKA_TEST_OPENCL_PLATFORM=Oclgrind oclgrind "$@" \
    "$tests" --testing-library swift-testing --filter "$filter" --no-parallel \
    >"$folder/output" 2>"$folder/errors" || status=$?
  cat "$folder/output"
  # The tests' own lines begin with a symbol; everything else is a report.
  grep -E '^(◇|✔|✘|↳|➜)' "$folder/errors" >"$folder/results" || true
  grep -vE '^(◇|✔|✘|↳|➜|[[:space:]]*$)' "$folder/errors" >"$folder/reports" || true
  head -n 100 "$folder/results"
  if [ -s "$folder/reports" ]; then
    head -n 60 "$folder/reports" >&2
    fail "Oclgrind reports errors"
  fi
  [ "$status" -eq 0 ] || fail "the tests failed (status $status)"
  # Tests that ran on another device, or none that ran, prove nothing.
  grep -q 'CKA_TEST_DEVICE Oclgrind' "$folder/output" || fail "Oclgrind's device was not used"
  grep -Eq 'Test run with [1-9][0-9]* tests? .*passed' "$folder/results" || fail "no test ran"
}

case $pass in races | uninitialized | both) ;; *) fail "there is no pass $pass" ;; esac
if [ "$pass" != uninitialized ]; then check --data-races; fi
# Its search for uninitialized values crashes on the vectors that optimized code leaves undefined.
if [ "$pass" != races ]; then check --uninitialized --build-options -cl-opt-disable; fi
echo "test-oclgrind: nothing found"
