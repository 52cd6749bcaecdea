#!/bin/bash
# Make the wheel of the Python package for any x86-64 Linux with glibc 2.34 or newer:
#
#   dist/ckakit-VERSION-py3-none-manylinux_2_34_x86_64.whl
#
# Beside the package it holds libcka.so, the shared libraries that a plain machine may lack, and a font. The libraries have names of their own: a process may have another OpenBLAS, that of NumPy.
#
# shellcheck disable=SC2016  # $ORIGIN is the dynamic loader's

set -euo pipefail
cd "$(dirname "$0")/.."
readonly glibc=2.34 most_bytes=25000000

fail() {
  echo "make-wheel: $1" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
built=$(Scripts/build-static.sh)
cp -r Python "$work/package"
cp LICENSE "$work/package/"
package=$work/package/src/ckakit
licenses=$package/licenses
mkdir -p "$package"/{lib,fonts,licenses}
# shellcheck source=Scripts/dist/bundle.sh
source Scripts/dist/bundle.sh

Scripts/link-library.sh "$built" "$package/lib/libcka.so" "$PWD/.build-dist/static/newer.o" -static-stdlib \
  "-L$PWD/.build-dist/static"
copy_libraries "$package/lib" "$package/lib/libcka.so"

own_name() { echo "libcka-${1#lib}"; }
renamed=()
for soname in "${libraries[@]}"; do renamed+=(--replace-needed "$soname" "$(own_name "$soname")"); done
strip --strip-unneeded "$package/lib/libcka.so"
# One change a call: patchelf 0.14 mixes up the texts of several.
for soname in "${libraries[@]}" libcka.so; do
  patchelf --set-rpath '$ORIGIN' "$package/lib/$soname"
  patchelf "${renamed[@]}" "$package/lib/$soname"
done
for soname in "${libraries[@]}"; do
  patchelf --set-soname "$(own_name "$soname")" "$package/lib/$soname"
  mv "$package/lib/$soname" "$package/lib/$(own_name "$soname")"
done

font=/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
[ -f "$font" ] || fail "the font DejaVu Sans is not on this machine"
cp "$font" Scripts/dist/fonts.conf "$package/fonts/"
add_license "$(package_of "$font")"
add_common_licenses

"$(Scripts/python-with-numpy.sh)" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'setuptools>=77' wheel auditwheel
version=$("$built/cka" --version)
[ "$version" = "$(sed -n 's/^version = "\(.*\)"/\1/p' Python/pyproject.toml)" ] ||
  fail "the package has another version than cka, which is $version"
"$work/venv/bin/pip" wheel --quiet --no-deps --no-build-isolation --wheel-dir "$work/wheel" "$work/package"
tag=manylinux_${glibc/./_}_x86_64
"$work/venv/bin/wheel" tags --remove --python-tag py3 --abi-tag none --platform-tag "$tag" "$work"/wheel/*.whl >/dev/null
wheel=$(basename "$work"/wheel/*.whl)

"$work/venv/bin/auditwheel" show "$work/wheel/$wheel" >"$work/audit" 2>&1 || true
grep -q "platform tag: \"$tag\"" <(tr '\n' ' ' <"$work/audit") ||
  { cat "$work/audit" >&2 && fail "auditwheel finds more than $tag has"; }
# What is read once may take longer to pack: a twentieth less.
advzip --recompress --shrink-extra --quiet "$work/wheel/$wheel"
bytes=$(stat -c %s "$work/wheel/$wheel")
[ "$bytes" -le "$most_bytes" ] || fail "the wheel has $bytes bytes, expected at most $most_bytes"
mkdir -p dist
rm -f dist/ckakit-*.whl
cp "$work/wheel/$wheel" dist/
echo "dist/$wheel: $((bytes / 1000)) kB"
