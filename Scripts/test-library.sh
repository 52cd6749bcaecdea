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

# run SOURCE EXPECTED [ARGUMENT…]: as C and as C++ at once, in a folder that is empty.
run() {
  local source=$1 expected=$2
  shift 2
  for compiler in 'cc -std=c11' 'c++ -x c++ -std=c++17'; do
    $compiler -Wall -Wextra -Werror -ISources/CInterface/Header/include "$source" -o "$work/program" \
      -L"$work" -lcka -Wl,-rpath,"$work"
    rm -rf "$work/folder"
    mkdir "$work/folder"
    found=$(cd "$work/folder" && "$work/program" "$@") || fail "$source $* ended with $?: $found"
    [ "$found" = "$expected" ] || fail "$source $* printed '$found', expected '$expected'"
  done
}

run Examples/c/compare.c $'1.000 0.786\n0.786 1.000'
run Tests/CInterface/C/fork.c ''
for seed in 1 2 3; do run Tests/CInterface/C/fuzz.c '' "$seed" 5000 "$work/folder"; done
echo "test-library: the programs ran, and $(nm -D --defined-only "$work/libcka.so" | grep -c ' T cka_') functions are seen"
