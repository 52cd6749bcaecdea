#!/bin/bash
# Runs tests that use threads under ThreadSanitizer, in the build folder .build-tsan. About ten minutes
# on two cores.
#
# Usage: Scripts/test-threads.sh [FILTER]    FILTER: which tests, default those of Support and of sweeps,
#                                            where threads share the CPU's work, files and devices
set -euo pipefail
cd "$(dirname "$0")/.."

filter=${1:-'(Support|SweepStore)Tests\.'}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Linked into the tests: see there.
mutex=$PWD/.build-tsan/mutex.o
mkdir -p .build-tsan
clang -O1 -g -fPIC -fsanitize=thread -c Tests/ThreadSanitizer/mutex.c -o "$mutex"
options=(--sanitize=thread --traits 'default,MPI' --scratch-path .build-tsan -Xlinker "$mutex")
"${SWIFT:-swift}" build --product ckaPackageTests "${options[@]}"
tests=$(find "$("${SWIFT:-swift}" build --show-bin-path "${options[@]}")" -maxdepth 1 -name '*.xctest')

# These libraries are not instrumented: the sanitizer does not see how their threads wait.
printf 'called_from_lib:%s\n' libpocl libopenblas >"$work/suppressions"

status=0
POCL_CACHE_DIR=$work/pocl TSAN_OPTIONS="suppressions=$work/suppressions exitcode=66" \
  "$tests" --testing-library swift-testing --filter "$filter" >"$work/log" 2>&1 || status=$?
grep -aE '^(✘|✔ Test run)|^SUMMARY: ThreadSanitizer' "$work/log" | sort | uniq -c | sort -rn || true
if grep -aq 'WARNING: ThreadSanitizer' "$work/log"; then
  grep -am1 -A60 'WARNING: ThreadSanitizer' "$work/log" >&2
  echo "test-threads: ThreadSanitizer reports races" >&2
  exit 1
fi
[ "$status" -eq 0 ] || { echo "test-threads: the tests failed (status $status)" >&2; exit 1; }
grep -aEq 'Test run with [1-9][0-9]* tests? .*passed' "$work/log" || {
  echo "test-threads: no test ran" >&2
  exit 1
}
