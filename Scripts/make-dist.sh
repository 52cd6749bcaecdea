#!/bin/bash
# Make a folder and an archive that run on any x86-64 Linux with glibc 2.34 or newer:
#
#   dist/cka-VERSION-linux-x86_64/          bin, lib, share, licenses
#   dist/cka-VERSION-linux-x86_64.tar.gz    the same, with .tar.gz.sha256 beside it
#
# The Swift runtime and the C++ library are linked into the commands; a driver that brings a newer
# C++ library then loads its own. All other shared libraries that a plain machine may lack lie in
# lib/, found relative to the files that need them. What is bundled comes from this machine's
# packages, which need no newer glibc on Debian 12: build there.
#
# shellcheck disable=SC2016  # $ORIGIN is the dynamic loader's

set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "make-dist: $1" >&2
  exit 1
}

built=$(Scripts/build-static.sh)
version=$("$built/cka" --version)
name=cka-$version-linux-x86_64
bundle=dist/$name
rm -rf "$bundle" "$bundle.tar.gz" "$bundle.tar.gz.sha256"
mkdir -p "$bundle"/{bin,lib,licenses,include,share/cka/fonts,share/cka/Benchmarks/Peers}
licenses=$bundle/licenses
# shellcheck source=Scripts/dist/bundle.sh
source Scripts/dist/bundle.sh

for command in cka cka-bench; do
  cp "$built/$command" "$bundle/bin/"
  strip "$bundle/bin/$command"
  patchelf --set-rpath '$ORIGIN/../lib' "$bundle/bin/$command"
done

# The C interface.
Scripts/link-library.sh "$built" "$bundle/lib/libcka.so" "$PWD/.build-dist/static/newer.o" -static-stdlib "-L$PWD/.build-dist/static"
strip --strip-unneeded "$bundle/lib/libcka.so"
patchelf --set-rpath '$ORIGIN' "$bundle/lib/libcka.so"
cp Sources/CInterface/Header/include/cka.h "$bundle/include/"

# The help as a manual page, for man -M share/man cka.
mkdir -p "$bundle/share/man/man1"
python3 Scripts/make-manual.py "$built/cka" "$bundle/share/man/man1/cka.1"

copy_libraries "$bundle/lib" "$built/cka" "$built/cka-bench"
for soname in "${libraries[@]}"; do patchelf --set-rpath '$ORIGIN' "$bundle/lib/$soname"; done

# A font for machines without any; fonts.conf is found by the commands, relative to themselves.
font=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
[ -f "$font" ] || fail "the font DejaVu Sans is not on this machine"
cp "$font" Scripts/dist/fonts.conf "$bundle/share/cka/fonts/"
add_license "$(package_of "$font")"

add_license libhdf5-dev
add_common_licenses

cp LICENSE "$bundle/"
cp Benchmarks/gpu.sh "$bundle/share/cka/Benchmarks/"
cp Benchmarks/Peers/*.* "$bundle/share/cka/Benchmarks/Peers/"
git describe --always --dirty --abbrev=40 --exclude='*' >"$bundle/share/cka/commit" 2>/dev/null ||
  echo unknown >"$bundle/share/cka/commit"

glibc=$(objdump -T "$bundle"/bin/* "$bundle"/lib/* | grep -o 'GLIBC_[0-9][0-9.]*' | sort -uV | tail -n 1)
glibc=${glibc#GLIBC_}
sed -e "s/@VERSION@/$version/" -e "s/@GLIBC@/$glibc/" Scripts/dist/README.md >"$bundle/README.md"

# The same input gives the same archive.
modified=$(git log -1 --format=%ct 2>/dev/null || date +%s)
tar -C dist --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$modified" -cf - "$name" |
  gzip -n >"$bundle.tar.gz"
(cd dist && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")

for part in "$bundle/bin" "$bundle/lib" "$bundle" "$bundle.tar.gz"; do du -sh "$part"; done
echo "$bundle needs glibc $glibc or newer"
