#!/bin/bash
# Build the commands and the C interface for machines without Swift, and print the folder of what was built: the Swift
# runtime, the C++ library and libhdf5 are in the commands.

set -euo pipefail
cd "$(dirname "$0")/.."
scratch=.build-dist

fail() {
  echo "build-static: $1" >&2
  exit 1
}

[ "$(uname -sm)" = "Linux x86_64" ] || fail "only for x86-64 Linux"

# The linker takes libstdc++.a where it finds no libstdc++.so before it.
static=$PWD/$scratch/static
rm -rf "$static"
mkdir -p "$static"
archive=$(clang --print-file-name=libstdc++.a)
[ -f "$archive" ] || fail "there is no libstdc++.a on this machine"
ln -s "$archive" "$static/"

# libhdf5 is linked in: the shared one needs a network stack of twenty libraries for files on the web, which its
# archive takes only where a program opens such files.
hdf5=$(pkg-config --libs-only-L hdf5 | sed 's/^-L//; s/ *$//')
[ -f "$hdf5/libhdf5.a" ] || fail "there is no libhdf5.a on this machine"
ln -s "$hdf5/libhdf5.a" "$static/"
cat >"$static/hdf5.pc" <<END
Name: HDF5
Description: linked in
Version: $(pkg-config --modversion hdf5)
Cflags: $(pkg-config --cflags hdf5)
Libs: -L$static -lhdf5 -lsz -lz
END

# What glibc has in newer versions only.
clang -O2 -fPIC -Wall -Werror -c Scripts/dist/glibc/newer.c -o "$static/newer.o"
# SwiftPM does not see that what is linked has changed.
rm -f "$scratch"/release/cka "$scratch"/release/cka-bench

PKG_CONFIG_PATH=$static swift build -c release --scratch-path "$scratch" --static-swift-stdlib -Xswiftc "-L$static" \
  -Xlinker "$static/newer.o" >&2
swift build -c release --scratch-path "$scratch" --show-bin-path
