#!/usr/bin/env bash
# Compiles the OpenCL kernels to NVIDIA's PTX and assembles them for three generations of GPUs, on a
# machine without one, and keeps what the assembler says of registers, local memory and spills.
#
# Usage: Scripts/assemble-ptx.sh           writes Benchmarks/results/ptx-registers.md
#        Scripts/assemble-ptx.sh --check   fails where a kernel does not assemble, or spills
#
# The compiler is Debian's clang-19 with libclc-19. The assembler is `ptxas`: $PTXAS, or that of a CUDA
# toolkit on PATH, or that of the Python package nvidia-cuda-nvcc, which is fetched.
#
# NVIDIA's driver has a compiler of its own: its numbers of registers will differ somewhat.
set -euo pipefail
cd "$(dirname "$0")/.."

report=Benchmarks/results/ptx-registers.md
case ${1:-} in
"") output=$report ;;
--check) output= ;;
*)
  echo "usage: $0 [--check]" >&2
  exit 64
  ;;
esac

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

library=/usr/lib/clc/nvptx64--nvidiacl.bc
if ! command -v clang-19 >/dev/null || [ ! -e "$library" ]; then
  echo "assemble-ptx: clang-19 or libclc-19 is missing (Scripts/install-dependencies.sh ci)" >&2
  exit 69
fi
ptxas=${PTXAS:-$(command -v ptxas || true)}
if [ -z "$ptxas" ]; then
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps nvidia-cuda-nvcc
  ptxas=$(find "$folder/venv" -type f -name ptxas | head -n 1)
fi
[ -n "$ptxas" ] || { echo "assemble-ptx: no ptxas was found" >&2; exit 69; }

# assemble NAME FILE DEFINES…: one line a kernel and generation in $folder/lines, with tabs between
#   name, kernel, generation, registers, bytes of local memory, bytes spilled, work-items
assemble() {
  local name=$1 file=$2
  shift 2
  local text=$folder/kernels.ptx log=$folder/log
  # The assembler takes text for sm_80 for every later generation. libclc spells the target otherwise.
  clang-19 -x cl -cl-std=CL1.2 -Xclang -finclude-default-header -Xclang -fgnu-keywords \
    -target nvptx64-nvidia-nvcl -Xclang -target-cpu -Xclang sm_80 -Xclang -target-feature \
    -Xclang +ptx70 -O2 -Wall -Werror -Wno-linker-warnings \
    -Xclang -mlink-builtin-bitcode -Xclang "$library" \
    "$@" -S -o "$text" "Kernels/OpenCL/$file"
  # What the kernels say of their work-groups; nothing (reduce_pairs) counts as 64 work-items.
  clang-19 -x cl -E -P "$@" "Kernels/OpenCL/$file" | tr '\n' ' ' |
    grep -oE '__kernel (__attribute__\(\(reqd_work_group_size\([^,]*, [^,]*, [^,]*\)\)\) )?void [a-z_]+' |
    sed -E 's/.*size\(([^,]*), ([^,]*), ([^,]*)\)\)\) void (.*)/\4 $((\1 * \2 * \3))/; s/^__kernel void (.*)/\1 64/' |
    while read -r kernel items; do eval "echo $kernel $items"; done >"$folder/items"
  for generation in sm_80 sm_90 sm_120; do
    if ! "$ptxas" -v -arch="$generation" -o /dev/null "$text" 2>"$log"; then
      cat "$log" >&2
      echo "assemble-ptx: $name does not assemble for $generation" >&2
      exit 1
    fi
    awk -v name="$name" -v generation="$generation" '
      FNR == NR { items[$1] = $2; next }
      /Compiling entry function/ { split($0, quoted, "\x27"); kernel = quoted[2] }
      /spill stores/ { spilled = $5 + $9 }
      /Used [0-9]+ registers/ {
        match($0, /Used [0-9]+/); registers = substr($0, RSTART + 5, RLENGTH - 5)
        shared = 0
        if (match($0, /[0-9]+ bytes smem/)) shared = substr($0, RSTART, RLENGTH - 11)
        printf "%s\t%s\t%s\t%d\t%d\t%d\t%d\n", name, kernel, generation, registers, shared,
          spilled, items[kernel]
      }' "$folder/items" "$log" >>"$folder/lines"
  done
}

assemble 'features' features.cl
assemble 'gram' gram.cl
assemble 'tensor, three passes' tensor.cl -DPASSES=3
assemble 'tensor, one pass of float16' tensor.cl -DPASSES=1
assemble 'tensor, one pass of bfloat16' tensor.cl -DPASSES=1 -DBFLOAT16
assemble 'tensor, three passes, tiles of 64' tensor.cl -DPASSES=3 -DTILE=64
assemble 'reduce' reduce.cl
assemble 'rbf' rbf.cl
assemble 'center' center.cl -DUSE_FLOAT64
assemble 'entries' entries.cl -DUSE_FLOAT64
assemble 'cross' cross.cl -DUSE_FLOAT64
assemble 'pairs' pairs.cl -DUSE_FLOAT64
assemble 'pairs, without float64' pairs.cl

# What a multiprocessor of each generation holds: NVIDIA, CUDA C++ Programming Guide, "Compute
# Capabilities". All have 65,536 registers, given to warps in units of 256; a group takes 1 KiB of
# shared memory for itself.
awk -F '\t' '
  BEGIN {
    warps["sm_80"] = 64; warps["sm_90"] = 64; warps["sm_120"] = 48
    shared["sm_80"] = 164; shared["sm_90"] = 228; shared["sm_120"] = 100
    print "| program | kernel | work-items | local memory | registers (sm_80 / sm_90 / sm_120) | spilled | warps at a time |"
    print "|---|---|---:|---:|---:|---:|---:|"
  }
  {
    key = "| " $1 " | `" $2 "` | " $7 " | " $5
    if (!(key in registers)) order[++count] = key
    width = int(($7 + 31) / 32)
    perWarp = int(($4 * 32 + 255) / 256) * 256
    groups = int(int(65536 / perWarp) / width)
    byMemory = int(shared[$3] * 1024 / ($5 + 1024))
    if (byMemory < groups) groups = byMemory
    if (int(warps[$3] / width) < groups) groups = int(warps[$3] / width)
    if (groups > 32) groups = 32
    separator = key in registers ? " / " : ""
    registers[key] = registers[key] separator $4
    spilled[key] = spilled[key] separator $6
    resident[key] = resident[key] separator groups * width
  }
  END {
    for (i = 1; i <= count; ++i) {
      key = order[i]
      print key " | " registers[key] " | " spilled[key] " | " resident[key] " |"
    }
  }' "$folder/lines" >"$folder/table"

if awk -F '\t' '$6 > 0 { exit 1 }' "$folder/lines"; then spills=0; else spills=1; fi
if [ -n "$output" ]; then
  # Everything above this line of the report is written by hand.
  marker='<!-- Scripts/assemble-ptx.sh writes what follows. -->'
  { [ ! -e "$output" ] || sed "\|$marker|,\$d" "$output"
    echo "$marker"
    echo
    clang-19 --version | sed -n '1s/ (.*//p' | sed 's/$/,/'
    "$ptxas" --version | sed -n 's/^Cuda compilation tools, \(.*\), V.*/`ptxas` of CUDA \1./p'
    echo
    cat "$folder/table"
  } >"$folder/report"
  cp "$folder/report" "$output"
else
  cat "$folder/table"
fi
if [ "$spills" -ne 0 ]; then
  echo "assemble-ptx: registers are spilled" >&2
  exit 1
fi
