#!/bin/bash
# Hold the tool's maps of the example networks against the textbook reference, and against a
# second run, which must give the same bits.
#
#   Scripts/check-maps.sh [DEVICE…]    default: cpu opencl:0
#
# CKA names the command (default: .build/release/cka), TOLERANCE the greatest difference allowed.

set -euo pipefail
cd "$(dirname "$0")/.."

cka=${CKA:-.build/release/cka}
tolerance=${TOLERANCE:-1e-5}
python=$(Scripts/python-with-numpy.sh)
deep=Examples/digits/activations/depth20-width1-seed0
wide=Examples/digits/activations/depth8-width4-seed0
devices=("$@")
[ $# -gt 0 ] || devices=(cpu opencl:0)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export POCL_CACHE_DIR=$work/pocl
mkdir "$POCL_CACHE_DIR"

# Options of `cka compare` that the reference understands as well, then the models.
cases=(
  "$deep $wide"
  "$deep --order stored --batch-size 64"
  "$deep $wide --batch-size 100 --passes 3 --seed 7"
  "$wide --batch-size 100 --ragged keep --seed 18446744073709551615"
  "$deep --estimator unbiased"
  "$deep $wide --estimator biased"
  "$wide --kernel rbf --bandwidth 0.5"
  "$deep $wide --kernel rbf --bandwidth 1 --batch-size 64 --seed 1"
  "$deep $wide --kernel rbf --sigma 8 --estimator unbiased"
  "$wide --kernel rbf --bandwidth 0.8 --estimator biased"
)

"$python" Tests/Reference/test_cka_reference.py

failures=0
for case in "${cases[@]}"; do
  read -ra arguments <<<"$case"
  # One thread: several wait for each other where other programs run beside them.
  OPENBLAS_NUM_THREADS=1 "$python" Tests/Reference/cka_reference.py "${arguments[@]}" --output "$work/reference.npy"
  for device in "${devices[@]}"; do
    echo "$device: ${case//Examples\/digits\/activations\//}"
    for run in 1 2; do
      "$cka" compare "${arguments[@]}" --device "$device" --quiet --force --output "$work/run$run"
    done
    "$python" Tests/Reference/compare_maps.py --tolerance "$tolerance" \
      "$work/reference.npy" "$work/run1/cka.npy" || failures=$((failures + 1))
    if ! cmp "$work/run1/cka.npy" "$work/run2/cka.npy"; then
      echo "two runs differ"
      failures=$((failures + 1))
    fi
  done
done

if [ "$failures" -gt 0 ]; then
  echo "$failures checks failed" >&2
  exit 1
fi
echo "all maps agree with the reference within $tolerance"
