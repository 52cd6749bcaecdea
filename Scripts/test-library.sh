#!/bin/bash
# Links the C interface as a shared library and runs programs in C with it.
#
#   Scripts/test-library.sh [BUILT]      BUILT: see link-library.sh (default: the build of the tests)

set -euo pipefail
cd "$(dirname "$0")/.."
built=${1:-.build-test/release}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
Scripts/link-library.sh "$built" "$work/libcka.so"

fail() {
  echo "test-library: $1" >&2
  exit 1
}

others=$(nm -D --defined-only "$work/libcka.so" | awk '$2 ~ /[TDBRW]/ && $3 !~ /^cka_[a-z_]*@@CKA_1$|^CKA_1/' | head -3)
[ -z "$others" ] || fail "other names than those of the header are seen: $others"

# run SOURCE EXPECTED: as C and as C++ at once.
run() {
  for compiler in 'cc -std=c11' 'c++ -x c++ -std=c++17'; do
    $compiler -Wall -Wextra -Werror -ISources/CInterface/Header/include "$1" -o "$work/program" \
      -L"$work" -lcka -Wl,-rpath,"$work"
    found=$("$work/program") || fail "$1 ended with $?: $found"
    [ "$found" = "$2" ] || fail "$1 printed '$found', expected '$2'"
  done
}

run Examples/c/compare.c $'1.000 0.786\n0.786 1.000'
run Tests/CInterface/C/fork.c ''
echo "test-library: the programs ran, and $(nm -D --defined-only "$work/libcka.so" | grep -c ' T cka_') functions are seen"
