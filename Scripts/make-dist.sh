#!/bin/bash
# Make a folder and an archive that run on any x86-64 Linux with glibc 2.36 or newer:
#
#   dist/cka-VERSION-linux-x86_64/          bin, lib, share, licenses
#   dist/cka-VERSION-linux-x86_64.tar.gz    the same, with .tar.gz.sha256 beside it
#
# The Swift runtime and the C++ library are linked into the commands; a driver that brings a newer
# C++ library then loads its own. All other shared libraries that a plain machine may lack lie in
# lib/, found relative to the files that need them. What is bundled comes from this machine's
# packages, so that the oldest glibc that will do is this machine's: build on Debian 12.
#
# shellcheck disable=SC2016  # $ORIGIN is the dynamic loader's

set -euo pipefail
cd "$(dirname "$0")/.."

scratch=.build-dist
# Sonames that glibc provides, and libgcc_s, which glibc itself loads to end threads: an older one
# in the bundle would stand in the way of a driver that needs the machine's.
readonly from_glibc=' ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libmvec.so.1 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libutil.so.1 libgcc_s.so.1 '

fail() {
  echo "make-dist: $1" >&2
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

PKG_CONFIG_PATH=$static swift build -c release --scratch-path "$scratch" --static-swift-stdlib -Xswiftc "-L$static"
built=$(swift build -c release --scratch-path "$scratch" --show-bin-path)
version=$("$built/cka" --version)
name=cka-$version-linux-x86_64
bundle=dist/$name
rm -rf "$bundle" "$bundle.tar.gz" "$bundle.tar.gz.sha256"
mkdir -p "$bundle"/{bin,lib,licenses,share/cka/fonts,share/cka/Benchmarks/Peers}

# The package that a file came with. Debian has moved files from /lib to /usr/lib, its list has not.
package_of() {
  local package
  package=$(dpkg -S "*/$(basename "$(readlink -f "$1")")" 2>/dev/null | sed 's/:.*//' | sort -u | head -n 1)
  [ -n "$package" ] || fail "no package owns $1"
  echo "$package"
}

add_license() {
  local package=$1 text=/usr/share/doc/$1/copyright
  [ -f "$text" ] || fail "$package has no copyright file"
  cp "$text" "$bundle/licenses/$package.txt"
}

for command in cka cka-bench; do
  cp "$built/$command" "$bundle/bin/"
  strip "$bundle/bin/$command"
  patchelf --set-rpath '$ORIGIN/../lib' "$bundle/bin/$command"
done

# The help as a manual page, for man -M share/man cka.
mkdir -p "$bundle/share/man/man1"
python3 Scripts/make-manual.py "$built/cka" "$bundle/share/man/man1/cka.1"

# ldd follows what the libraries need in turn.
while read -r soname path; do
  [[ $from_glibc == *" $soname "* ]] && continue
  [ -f "$path" ] || fail "$soname is not found on this machine"
  cp -L "$path" "$bundle/lib/$soname"
  chmod 644 "$bundle/lib/$soname"
  strip --strip-unneeded "$bundle/lib/$soname"
  patchelf --set-rpath '$ORIGIN' "$bundle/lib/$soname"
  add_license "$(package_of "$path")"
done < <(ldd "$built/cka" "$built/cka-bench" | sed -n 's/^\t\(lib[^ ]*\) => \(.*\) (0x.*)$/\1 \2/p; s/^\t\(lib[^ ]*\) => not found$/\1 -/p' | sort -u)

# One library for every processor, with threads of its own: not a build for one processor or OpenMP.
case $(readlink -f "$(ldd "$built/cka" | sed -n 's/^\tlibopenblas[^ ]* => \(.*\) (0x.*)$/\1/p')") in
*/openblas-pthread/*) ;;
*) fail "OpenBLAS must be the one of libopenblas0-pthread" ;;
esac
grep -q DYNAMIC_ARCH "$bundle"/lib/libopenblas.so.0 || fail "this OpenBLAS is for one processor only"

# A font for machines without any; fonts.conf is found by the commands, relative to themselves.
font=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
[ -f "$font" ] || fail "the font DejaVu Sans is not on this machine"
cp "$font" Scripts/dist/fonts.conf "$bundle/share/cka/fonts/"
add_license "$(package_of "$font")"

# Licenses: of what is linked in, and the texts that the copyright files refer to.
resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
cp "$resources/../../share/swift/LICENSE.txt" "$bundle/licenses/swift.txt"
for checkout in swift-argument-parser swift-log; do
  cp "$scratch/checkouts/$checkout/LICENSE.txt" "$bundle/licenses/$checkout.txt"
done
add_license "$(package_of "$archive")"
add_license libhdf5-dev
mkdir "$bundle/licenses/common-licenses"
while read -r text; do
  # Some name what is no longer there.
  if [ -f "$text" ]; then cp -L "$text" "$bundle/licenses/common-licenses/"; fi
done < <(grep -oh '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' "$bundle"/licenses/*.txt | sort -u)

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
