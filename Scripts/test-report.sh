#!/bin/bash
# Look into reports with headless Chromium.
#
#   Scripts/test-report.sh [FOLDER]    keeps pictures of the pages in FOLDER
#
# CKA names the command (default: .build/release/cka).

set -euo pipefail
cd "$(dirname "$0")/.."

cka=$(realpath "${CKA:-.build/release/cka}")
python=$(Scripts/python-with-numpy.sh)
tests=$PWD/Tests/Figures/Browser
pictures=${1:+$(realpath -m "$1")}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"$python" "$tests/make_models.py" models

"$cka" compare models/large/model.safetensors --estimator unbiased --device cpu --report --quiet \
  --output large
"$cka" sweep models/{net-seed0,net-seed1,net-seed2,other}.npz --batch-size 32 --device cpu --report --quiet --output store
"$cka" converge models/net-seed0.npz --batch-sizes 8,16,32 --repeats 3 --device cpu --report --quiet \
  --output converge
"$cka" components models/net-seed0.npz models/other.npz --device cpu --report --quiet --output components
"$cka" compare models/blocky.npz --estimator unbiased --blocks --device cpu --report --quiet --output blocky
"$cka" blocks store/results --report --quiet --output blocks
"$cka" trust models/net-seed0.npz --cell layer1,layer2 --device cpu --report --quiet --output trust
"$cka" probe models/net-seed0.npz --labels models/labels.npy --device cpu --report --quiet --output probe
"$cka" errors --group 'wide=models/wide?.npy' --group 'deep=models/deep?.npy' \
  --labels models/labels.npy --report --quiet --output errors

# The page that plot makes of a result is the same, but for its times.
cp large/report.html first.html
"$cka" plot large --report >plot.txt
cmp first.html large/report.html
cp store/results/report.html first.html
"$cka" plot store/results --report >plot.txt
cmp first.html store/results/report.html

"$python" "$tests/test_report.py" "$work" ${pictures:+"$pictures"}
