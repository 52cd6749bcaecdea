#!/bin/sh
# Compile every OpenCL kernel alone, as OpenCL C 1.2, with the clang of the Swift toolchain; tensor.cl
# with its PTX instructions emulated, which Scripts/assemble-ptx.sh assembles.

set -eu
cd "$(dirname "$0")/.."

resources=$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')
for kernel in Kernels/OpenCL/*.cl; do
  "$resources/../../bin/clang" -x cl -cl-std=CL1.2 -Xclang -finclude-default-header \
    -fsyntax-only -Wall -Werror -DCKA_EMULATE_MMA "$kernel"
done
