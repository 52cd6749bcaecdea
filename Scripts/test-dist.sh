#!/bin/bash
# Run the archive of `make dist`, and the wheel of `make wheel`, where nothing is: in a root that debootstrap makes from this
# machine's own release and mirror, without a network; then there with an OpenCL driver that no
# .icd file names.
#
#   Scripts/test-dist.sh [ARCHIVE WHEEL]    default: the one dist/cka-*.tar.gz, and dist/ckakit-*.whl
#
# Needs root, or sudo. All it writes is a temporary folder.

set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "test-dist: $1" >&2
  exit 1
}
step() { echo "test-dist: $1"; }

archive=${1:-$(echo dist/cka-*-linux-x86_64.tar.gz)}
[ -f "$archive" ] || fail "there is no $archive, or there are several: run make dist first"
archive=$(readlink -f "$archive")
wheel=${2:-$(echo dist/ckakit-*.whl)}
[ -f "$wheel" ] || fail "there is no $wheel, or there are several: run make wheel first"
wheel=$(readlink -f "$wheel")
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail "neither root nor sudo"
  exec sudo "$0" "$archive" "$wheel"
fi
# Mounts of its own, which end with this script.
if [ "${TEST_DIST_UNSHARED:-}" != yes ]; then
  TEST_DIST_UNSHARED=yes exec unshare --mount "$0" "$archive" "$wheel"
fi

root=$(mktemp -d)
reference=$(mktemp -d)
cleanup() {
  umount "$root/sys" "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$root" "$reference"
}
trap cleanup EXIT

step "a bare root"
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
# Where apt on this machine gets the release's main packages from, and through which proxy.
# shellcheck disable=SC2016  # apt-get's own variables
mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Identifier: Packages' |
  sed -n "s/^$release main //p" | head -n 1)
[ -n "$mirror" ] || fail "apt on this machine knows no mirror of $release"
proxy=$(apt-config dump --format '%v' Acquire::http::Proxy)
[ -z "$proxy" ] || export http_proxy=$proxy
debootstrap --variant=minbase "$release" "$root" "$mirror" >"$reference/debootstrap.log" 2>&1 ||
  { tail -n 20 "$reference/debootstrap.log" >&2 && fail "debootstrap failed"; }
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"

(cd "$(dirname "$archive")" && sha256sum --check --quiet "$(basename "$archive").sha256")
tar -C "$root/opt" -xf "$archive"
bundle=/opt/$(basename "$archive" .tar.gz)
cp -r Examples/digits/activations "$root/opt/"
mkdir "$root/trial"

# Runs a command inside: no network, none of this machine's variables but those given as NAME=VALUE.
inside() {
  unshare --net chroot "$root" env -i PATH=/usr/bin:/bin HOME=/trial "$@"
}
# The same, where the output must have a line that matches.
expect() {
  local pattern=$1
  shift
  inside "$@" >"$reference/output" 2>&1 ||
    { cat "$reference/output" >&2 && fail "$* failed"; }
  grep -Eq "$pattern" "$reference/output" ||
    { cat "$reference/output" >&2 && fail "$*: no line matches $pattern"; }
}

step "only glibc comes from outside the bundle"
# The root has more libraries than a machine must have, so that running alone would prove little.
for command in cka cka-bench; do
  inside LD_TRACE_LOADED_OBJECTS=1 "$bundle/bin/$command" >"$reference/libraries"
  if grep -Ev "=> $bundle/(bin/\.\./)?lib/|^	(linux-vdso|/lib64/ld-linux|lib(c|m|mvec|dl|pthread|rt|resolv|util|gcc_s)\.so)" \
    "$reference/libraries"; then
    fail "$command uses the libraries above, which are not in the bundle"
  fi
done
needed=$(sed -n 's/^Needed:.* glibc \([0-9.]*\) or newer.*/\1/p' "$root$bundle/README.md")
dpkg --compare-versions "$needed" le 2.34 || fail "the bundle needs glibc $needed; 2.34 must do"

step "the CPU"
expect '^[0-9]+\.[0-9]+\.[0-9]+$' "$bundle/bin/cka" --version
expect 'auto: no OpenCL device was found' "$bundle/bin/cka" devices
expect '^cpu passed$' "$bundle/bin/cka" verify --device cpu
expect 'cpu' "$bundle/bin/cka-bench" --quick --device cpu

step "HDF5"
cp Tests/Activations/Files/HDF5Files/{types,lzf}.h5 "$root/trial/"
expect '^f2-little +6 × 5 ' "$bundle/bin/cka" inspect /trial/types.h5
expect 'written to /trial/hdf5' "$bundle/bin/cka" compare /trial/lzf.h5 --batch-size 8 --output /trial/hdf5

step "what a build without MPI says"
# The same as expect, for a command that ends with an error.
expect_failure() {
  local code=$1 pattern=$2 found=0
  shift 2
  inside "$@" >"$reference/output" 2>&1 || found=$?
  [ "$found" = "$code" ] || fail "$* ended with $found, expected $code"
  [ "$(grep -Ec "$pattern" "$reference/output")" = "$(wc -l <"$reference/output")" ] ||
    { cat "$reference/output" >&2 && fail "$*: expected lines that match $pattern"; }
}
for rank in 0 1; do
  expect_failure 69 'started by mpirun with 2 processes, but this build has no MPI' \
    OMPI_COMM_WORLD_SIZE=2 OMPI_COMM_WORLD_RANK=$rank "$bundle/bin/cka" sweep /trial/types.h5 --output /trial/store
done

step "the comparison of make demo"
models=(activations/depth8-width4-seed0 activations/depth20-width1-seed0)
inside "$bundle/bin/cka" compare "${models[@]/#//opt/}" --output /trial/demo --quiet \
  2>"$reference/errors" || { cat "$reference/errors" >&2 && fail "the comparison failed"; }
[ ! -s "$reference/errors" ] || { cat "$reference/errors" >&2 && fail "the comparison complains"; }
python=$(Scripts/python-with-numpy.sh)
"$python" Tests/Reference/cka_reference.py "${models[@]/#/Examples/digits/}" \
  --output "$reference/cka.npy"
"$python" Tests/Reference/compare_maps.py --tolerance 1e-5 "$reference/cka.npy" "$root/trial/demo/cka.npy"
[ -s "$root/trial/demo/heatmap.png" ] || fail "there is no picture"
# Curves: outlines of the bundle's font. The strokes that Cairo draws without one are lines.
grep -Eq '<path style="stroke:none;" d="[^"]* C ' "$root/trial/demo/heatmap.svg" ||
  fail "the picture's text is not in the bundle's font"

add_package() {
  chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" \
    >"$reference/apt.log" 2>&1 || { tail -n 20 "$reference/apt.log" >&2 && fail "$* cannot be installed"; }
}

step "a program in C with the bundle's library"
cc -std=c11 -I"$root$bundle/include" Examples/c/compare.c -o "$root/trial/compare" -L"$root$bundle/lib" -lcka \
  -Wl,-rpath-link,"$root$bundle/lib"
expect '^1.000 0.786$' LD_LIBRARY_PATH="$bundle/lib" /trial/compare

step "the wheel"
# Without matplotlib, PyTorch or fonts: Python and NumPy alone.
add_package python3-numpy
"$python" -m pip download --quiet --no-deps --dest "$root/trial" pip
mv "$root"/trial/pip-*.whl "$root/trial/pip.whl"
cp "$wheel" "$root/trial/"
start=$SECONDS
expect 'Successfully installed ckakit' PYTHONPATH=/trial/pip.whl python3 -m pip install --no-index --no-deps \
  --target /trial/packages "/trial/$(basename "$wheel")"
cat >"$root/trial/first.py" <<'END'
import time

start = time.perf_counter()
import ckakit

seconds = time.perf_counter() - start
import numpy as np

rng = np.random.default_rng(0)
x = rng.normal(size=(100, 8))
y = x @ rng.normal(size=(8, 8)) + rng.normal(size=(100, 8))
print(f"import {1000 * seconds:.0f} ms", round(ckakit.cka(x, x), 3))
result = ckakit.compare({"x": x, "y": y}, estimator="unbiased")
with open("map.svg", "wb") as file:
    file.write(result.file("heatmap.svg"))
result.save("python", report=True)
try:
    ckakit.compare("/trial/lzf.h5")
except OSError as error:
    print(error)
END
expect '^import [0-9]+ ms 1.0$' PYTHONPATH=/trial/packages python3 -c "import os; os.chdir('/trial'); exec(open('first.py').read())"
grep -q 'tell it by ckakit.set_program in Python' "$reference/output" || fail "HDF5 without the command is no clear error"
grep '^import' "$reference/output"
grep -Eq '<path style="stroke:none;" d="[^"]* C ' "$root/trial/map.svg" || fail "the wheel's picture has no font"
[ $((SECONDS - start)) -lt 60 ] || fail "the wheel took $((SECONDS - start)) s to its first example, expected less than 60"

step "an OpenCL driver"
add_package pocl-opencl-icd
# PoCL asks it for the machine's memory.
mount --bind /sys "$root/sys"
libraries=$root/usr/lib/x86_64-linux-gnu
pocl=$(cat "$root"/etc/OpenCL/vendors/pocl.icd)
found='^opencl:0 .*Portable Computing Language'
kernels=POCL_CACHE_DIR=/trial/pocl
expect "$found" $kernels "$bundle/bin/cka" devices
rm "$root"/etc/OpenCL/vendors/*.icd
expect 'auto: no OpenCL device was found' $kernels "$bundle/bin/cka" devices
expect "$found" $kernels OCL_ICD_FILENAMES="$pocl" "$bundle/bin/cka" devices
# As a container mounts a GPU's driver: the library alone, under its well-known name.
ln -s "$pocl" "$libraries/libnvidia-opencl.so.1"
expect "$found" $kernels "$bundle/bin/cka" devices
expect '^opencl:0 passed$' $kernels "$bundle/bin/cka" verify --device opencl:0

step "all is well"
