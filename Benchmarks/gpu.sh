#!/bin/bash
# Everything that is to be measured on a machine with a GPU, in one folder with one report.
#
#   Benchmarks/gpu.sh build               the bundle, on a machine with Swift (make dist)
#   Benchmarks/gpu.sh measure [OPTION…]   on the machine with the GPU, from the bundle alone
#   Benchmarks/gpu.sh [OPTION…]           both, one after the other
#
#   --bundle DIR      the bundle (default: the one this script lies in, or the one in dist)
#   --output DIR      where the report goes (default: gpu-DATE)
#   --device NAME     opencl:INDEX (repeatable; default: every GPU of `cka devices`)
#   --python FILE     a Python with PyTorch, for the comparison (default: python3)
#   --quick           small shapes: shows that all of it works
#
# Measuring needs bash, the bundle and the GPU's driver; without PyTorch that part is left out.
# Status 1: something failed; the report says what, and holds the rest.

set -euo pipefail

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)

usage() {
  sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
  exit "$1"
}
fail() {
  echo "gpu.sh: $1" >&2
  exit 1
}

bundle='' output='' python=python3 quick=no what=both
devices=()
case ${1:-} in
build | measure)
  what=$1
  shift
  ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
  --quick)
    quick=yes
    shift
    continue
    ;;
  --help | -h) usage 0 ;;
  --bundle | --output | --device | --python) [ $# -gt 1 ] || fail "$1 needs a value" ;;
  *) usage 64 >&2 ;;
  esac
  case $1 in
  --bundle) bundle=$2 ;;
  --output) output=$2 ;;
  --device) devices+=("$2") ;;
  --python) python=$2 ;;
  esac
  shift 2
done

# In a bundle this script is share/cka/Benchmarks/gpu.sh.
if [ -z "$bundle" ] && [ -x "$here/../../../bin/cka" ]; then bundle=$here/../../..; fi
if [ "$what" = build ] || { [ "$what" = both ] && [ -z "$bundle" ]; }; then
  make -C "$here/.." dist
fi
[ "$what" != build ] || exit 0
if [ -z "$bundle" ]; then
  found=("$here"/../dist/cka-*/bin/cka)
  [ -x "${found[0]}" ] || fail "there is no bundle in dist: make one, or name one with --bundle"
  bundle=$(dirname "$(dirname "${found[-1]}")")
fi
[ -x "$bundle/bin/cka" ] || fail "$bundle holds no bin/cka"
bundle=$(cd "$bundle" && pwd)
# From here on in another folder.
case $python in */*) python=$(readlink -f "$(dirname "$python")")/$(basename "$python") ;; esac
cka=$bundle/bin/cka
bench=$bundle/bin/cka-bench

if [ ${#devices[@]} -eq 0 ]; then
  # Columns end with two spaces: device, name, kind, …
  mapfile -t devices < <("$cka" devices | awk -F '  +' '/^opencl:/ && $3 ~ /^GPU/ { print $1 }')
  if [ ${#devices[@]} -eq 0 ]; then
    "$cka" devices >&2
    fail "no OpenCL GPU; OCL_ICD_FILENAMES names a driver, --device another device"
  fi
fi

output=${output:-gpu-$(date -u +%Y-%m-%d-%H%M%S)}
mkdir -p "$output"
cd "$output"
[ -z "$(ls -A)" ] || fail "$output is not empty"

# Every step writes NAME.txt and a line of steps.md.
failures=0
: >steps.md
step() {
  local name=$1 status=0 begin=$SECONDS result
  shift
  echo "gpu.sh: $name: $*"
  "$@" >"$name.txt" 2>&1 || status=$?
  case $status in
  0) result=ok ;;
  77) result="left out: $(tail -n 1 "$name.txt")" ;;
  *)
    result="FAILED (status $status): $(tail -n 1 "$name.txt")"
    failures=$((failures + 1))
    ;;
  esac
  echo "gpu.sh: $name: $result"
  echo "| $name | $result | $((SECONDS - begin)) |" >>steps.md
}

chosen=()
for device in "${devices[@]}"; do chosen+=(--device "$device"); done
small=()
[ "$quick" = no ] || small=(--quick)

step devices "$cka" devices
for device in "${devices[@]}"; do
  tag=${device/:/-}
  for precision in exact compensated fast; do
    step "verify-$tag-$precision" "$cka" verify --device "$device" --precision "$precision"
  done
  # Before the table, which then has the tuned kernels; its shapes take minutes on a device in software.
  [ "$quick" = yes ] || step "tune-$tag" "$bench" tune --device "$device"
done
for precision in exact compensated fast; do
  step "bench-$precision" "$bench" run "${small[@]}" --device cpu "${chosen[@]}" \
    --precision "$precision" --json "bench-$precision.json"
done
for device in "${devices[@]}"; do
  tag=${device/:/-}
  step "scaling-$tag" "$bench" scaling "${small[@]}" --device "$device" \
    --output "scaling-$tag" --json "scaling-$tag.json"
done
step torch "$python" "$bundle/share/cka/Benchmarks/Peers/torch_gpu.py" "${small[@]}" \
  --json torch.json

# What a step wrote, as it is: tables of cka are aligned text, PyTorch's is Markdown.
section() {
  printf '\n## %s\n\n' "$1"
  case $1 in
  torch) cat "$1.txt" ;;
  *) printf '%s\n' '```' "$(cat "$1.txt")" '```' ;;
  esac
  if [ -f "$1.png" ]; then printf '\n![%s](%s.png)\n' "$1" "$1"; fi
}
{
  echo "# cka on $(awk -F '  +' -v wanted=" ${devices[*]} " \
    'index(wanted, " " $1 " ") { printf "%s%s", joint, $2; joint = ", " }' devices.txt)"
  echo
  echo "$("$cka" --version), commit $(cat "$bundle/share/cka/commit"), $(date -u '+%Y-%m-%d %H:%M') UTC"
  echo
  echo "- devices: ${devices[*]}"
  awk -F '  +' -v wanted=" ${devices[*]} " \
    'index(wanted, " " $1 " ") { print "- driver of " $1 ": " $4 }' devices.txt
  if command -v nvidia-smi >/dev/null; then
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,power.limit --format=csv,noheader |
      sed 's/^/- nvidia-smi: /' || true
  fi
  echo "- processor: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores"
  echo "- system: Linux $(uname -r), $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)"
  [ "$quick" = no ] || echo "- **quick: small shapes, no figures to quote**"
  echo
  echo "| step | result | s |"
  echo "|---|---|---:|"
  cat steps.md
  while IFS='|' read -r _ name result _; do
    case $result in ' left out'*) ;; *) section "${name// /}" ;; esac
  done <steps.md
} >report.md
rm steps.md

echo "gpu.sh: $PWD/report.md"
[ "$failures" -eq 0 ] || fail "$failures steps failed"
