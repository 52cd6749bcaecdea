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
Scripts/export-map.sh >"$work/exports.map"

# HDF5 files are listed in a process of their own, which is the command cka: the library only starts it, and goes without
# libhdf5, whose archive on Debian cannot be part of a shared library.
cp "$built/libCKAInterface.a" "$work/all.a"
ar d "$work/all.a" {answer,dataset,driver,process,walk}.c.o
# SwiftPM leaves the objects of files that are gone in the archive.
sed "s|.*/||; s|'$||" "$built/CKAInterface.product/Objects.LinkFileList" | sort >"$work/made"
ar t "$work/all.a" | sort -u | comm -23 - "$work/made" | xargs -r ar d "$work/all.a"

# swiftc hides all that comes from archives where it links its runtime statically, but not what is in an object.
ld -r --whole-archive "$work/all.a" -o "$work/all.o"
packages='openblas OpenCL cairo libzip libxxhash zlib'
undefined=$(nm -u "$work/all.o")
# The traits of the build.
if grep -q ' MPI_Init_thread$' <<<"$undefined"; then packages+=' ompi-c'; fi
# shellcheck disable=SC2086
libraries=$(pkg-config --libs $packages)
mkdir -p "$(dirname "$output")"
# shellcheck disable=SC2086
swiftc -emit-library -o "$output" "$work/all.o" "$@" $libraries \
  -Xlinker --version-script="$work/exports.map" -Xlinker --gc-sections \
  -Xlinker -soname=libcka.so -Xlinker -z -Xlinker defs
