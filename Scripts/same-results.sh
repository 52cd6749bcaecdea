#!/bin/bash
# Hold all results of one build of cka against those of another, to the bit, the letter and the pixel.
#
#   Scripts/same-results.sh OLD NEW [--keep FOLDER] [--except FILE]
#   Scripts/same-results.sh --repeat CKA [--keep FOLDER]     one build: cold and warm page cache, one and two
#                                                            threads of OpenBLAS, with and without a memory limit
#
# A line of FILE is what is meant to differ: a run, a file (both may be patterns) and the reason.
# `same-results/cases.py` lists the runs, `same-results/differences.py` what may always vary.

set -euo pipefail
scripts=$(dirname "$0")
exec "$("$scripts/python-with-numpy.sh")" "$scripts/same-results" "$@"
