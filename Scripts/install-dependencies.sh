#!/bin/sh
# Install what the build needs and this Debian or Ubuntu machine lacks.
#
#   Scripts/install-dependencies.sh         what `make demo` needs
#   Scripts/install-dependencies.sh test    and what `make test` needs
#   Scripts/install-dependencies.sh ci      and what .ci/run needs
#   Scripts/install-dependencies.sh dist    what `make dist` needs
#   Scripts/install-dependencies.sh paper   what `make paper` needs
#
# Looks first. If nothing is missing, nothing is run as root and the network is left alone.

set -eu

purpose=${1:-demo}
case $purpose in
demo | test | ci | dist | paper) ;;
*)
  echo "usage: $0 [demo|test|ci|dist|paper]" >&2
  exit 64
  ;;
esac

if ! command -v swift >/dev/null 2>&1; then
  echo "There is no Swift toolchain on this machine (6.2 or newer is needed)." >&2
  echo "Get it from the downloads page of Swift's own site, swift.org, or install it with" >&2
  echo "swiftly, the toolchain manager offered there; then put its bin folder on PATH." >&2
  exit 69
fi

missing=

# need PACKAGE REASON COMMAND…: the package is missing if the command fails.
need() {
  package=$1
  reason=$2
  shift 2
  if ! "$@" >/dev/null 2>&1; then
    [ -n "$missing" ] || echo "Missing on this machine:"
    printf '  %-20s %s\n' "$package" "$reason"
    missing="$missing $package"
  fi
}

have() { command -v "$1"; }
have_library() { pkg-config --exists "$1"; }
have_header() { echo "#include <$1>" | cc -E - || test -e "/usr/include/$1"; }
have_pocl() { ls /etc/OpenCL/vendors/pocl*.icd; }
have_font() { test -e /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf; }
have_libclc() { test -e /usr/lib/clc/nvptx64--nvidiacl.bc; }
have_venv() { python3 -c 'import ensurepip'; }
have_numpy() { "$(dirname "$0")/python-with-numpy.sh"; }
have_h5py() { "$(dirname "$0")/python-with-numpy.sh" h5py; }

need git "SwiftPM fetches packages with it" have git
need ca-certificates "lets git trust the hosts of those packages" test -e /etc/ssl/certs/ca-certificates.crt
need pkg-config "finds the libraries below" have pkg-config
need ocl-icd-opencl-dev "OpenCL: GPUs" have_library OpenCL
need opencl-headers "OpenCL's header files" have_header CL/cl.h
need libopenblas-dev "BLAS: the CPU" have_library openblas
need libcairo2-dev "draws the figures" have_library cairo
need libzip-dev "reads .npz archives" have_library libzip
need libxxhash-dev "checksums of a sweep's store" have_library libxxhash
need libhdf5-dev "reads HDF5 files" have_library hdf5

if [ "$purpose" = test ] || [ "$purpose" = ci ]; then
  need pocl-opencl-icd "an OpenCL device in software, for the tests" have_pocl
  need oclgrind "watches the OpenCL kernels for races and stray accesses" have oclgrind
  need libopenmpi-dev "MPI: sweeps on a cluster" have_library ompi-c
  need openmpi-bin "starts the processes of such a sweep" have mpirun
  need iproute2 "networks of two hosts, for the tests of MPI" have ip
  need chromium "looks into reports" have chromium
  need python3-numpy "the reference that the maps are checked against" have_numpy
  need python3-h5py "the reference for what HDF5 files are read" have_h5py
  need python3-venv "the tests of the Python package, and the assembler of PTX" have_venv
fi
if [ "$purpose" = paper ]; then
  need dataset-fashion-mnist "the images" test -e /usr/share/datasets/fashion-mnist
  need python3-venv "the environment of the networks" have_venv
fi
if [ "$purpose" = dist ] || [ "$purpose" = ci ]; then
  need patchelf "lets the libraries of the bundle find each other" have patchelf
  need fonts-dejavu-core "the font of the bundle" have_font
  need advancecomp "packs the wheel" have advzip
fi
if [ "$purpose" = ci ]; then
  need debootstrap "the bare machine that the bundle is tried on" test -x /usr/sbin/debootstrap
  need cmake "the second build" have cmake
  need ninja-build "the second build" have ninja
  need clang-19 "compiles the OpenCL kernels to NVIDIA's PTX" have clang-19
  need libclc-19 "the built-in functions of OpenCL C for it" have_libclc
  need shellcheck "looks for mistakes in the scripts" have shellcheck
fi

if [ -z "$missing" ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "This machine has no apt-get. Install the equivalents with its package manager." >&2
  exit 69
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null 2>&1; then
    echo "Neither root nor sudo. As root: apt-get install$missing" >&2
    exit 77
  fi
  as_root=sudo
fi
echo "Installing:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086  # the list is meant to be split
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
