#!/bin/bash
# Runs all Swift tests, in a few processes, and says at the end what failed.
#
#   Scripts/test-swift.sh [GROUP…]               all groups of tests, or those that are named
#   Scripts/test-swift.sh --filter PATTERN…      the tests that match, in one process
#
# TESTS names the program of tests (default: it is built); SILENCE the seconds without a test that begins or ends
# after which a process hangs (default: half an hour).

set -euo pipefail
scripts=$(dirname "$0")
# Built here: where python3 is a wrapper that changes PATH, the compiler would begin anew.
TESTS=${TESTS:-$("$scripts/build-tests.sh")}
export TESTS
exec python3 "$scripts/test-swift" "$@"
