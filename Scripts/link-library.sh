#!/bin/bash
# Links the C interface as a shared library.
#
#   Scripts/link-library.sh BUILT OUTPUT [OPTION…]
#
# BUILT is a folder in which libCKAInterface.a was built, OUTPUT the library, libcka.so; OPTIONs are for swiftc, such as
# -static-stdlib. Nothing but the functions of the header is seen outside.

set -euo pipefail
cd "$(dirname "$0")/.."
built=$(realpath "$1")
output=$(realpath -m "$2")
shift 2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
header=Sources/CInterface/Header/include/cka.h
{
  echo 'CKA_1 { global:'
  # The function of each declaration that ends with a semicolon.
  sed 's|//.*||' "$header" | tr '\n' ' ' | tr ';' '\n' | grep -v typedef |
    sed -n 's/^.*[ *]\(cka_[a-z_]*\)(.*)$/  \1;/p'
  echo '  local: *; };'
} >"$work/exports.map"

# swiftc hides all that comes from archives where it links its runtime statically, but not what is in an object.
ld -r --whole-archive "$built/libCKAInterface.a" -o "$work/all.o"
packages='openblas OpenCL cairo libzip libxxhash'
undefined=$(nm -u "$work/all.o")
# The traits of the build.
if grep -q ' H5Fopen$' <<<"$undefined"; then packages+=' hdf5 zlib'; fi
if grep -q ' MPI_Init_thread$' <<<"$undefined"; then packages+=' ompi-c'; fi
# shellcheck disable=SC2086
libraries=$(pkg-config --libs $packages)
mkdir -p "$(dirname "$output")"
# shellcheck disable=SC2086
swiftc -emit-library -o "$output" "$work/all.o" "$@" $libraries \
  -Xlinker --version-script="$work/exports.map" -Xlinker --gc-sections \
  -Xlinker -soname=libcka.so -Xlinker -z -Xlinker defs
