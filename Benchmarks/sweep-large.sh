#!/bin/bash
# All pairs of 100 models × 50 layers: what `cka sweep` takes, beside the machine's sgemm peak.
#
#   Benchmarks/sweep-large.sh [OPTION…]
#
#   --models N        models (default: 100)
#   --layers N        layers a model (default: 50)
#   --minibatches N   minibatches of 256 examples (default: 10)
#   --features N      features a layer (default: 16: it is about pairs)
#   --memory SIZE     what cka may take (default: 4G)
#   --folder DIR      where activations and the store go (default: a new folder in TMPDIR); stays there
#   --option TEXT     more options of cka sweep, such as --store-precision float16; may be repeated
#
# Needs a Python with NumPy, GNU time and a release build of both commands. Counts of a run of the default
# size: 12,502,500 pairs of layers × 10 minibatches × 32,640 numbers × 2 = 8.16e12 operations; 6.5 GB of
# matrices written once and read back some three times, 1.0 GB of products written.

set -euo pipefail

root=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
models=100 layers=50 minibatches=10 features=16 memory=4G folder='' options=()
while [ $# -gt 0 ]; do
  case $1 in
  --models | --layers | --minibatches | --features | --memory | --folder)
    [ $# -ge 2 ] || { echo "sweep-large.sh: $1 needs a value" >&2; exit 64; }
    printf -v "${1#--}" %s "$2"
    shift 2
    ;;
  --option)
    [ $# -ge 2 ] || { echo "sweep-large.sh: $1 needs a value" >&2; exit 64; }
    read -ra words <<<"$2"
    options+=("${words[@]}")
    shift 2
    ;;
  -h | --help)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
    exit 0
    ;;
  *)
    echo "sweep-large.sh: unknown option $1" >&2
    exit 64
    ;;
  esac
done

cka=${CKA:-$root/.build/release/cka}
bench=${CKA_BENCH:-$root/.build/release/cka-bench}
python=$("$root/Scripts/python-with-numpy.sh")
folder=${folder:-$(mktemp -d)}

echo "activations: $models models × $layers layers × $((256 * minibatches)) examples × $features features"
mkdir -p "$folder/models"
"$python" - "$folder/models" "$models" "$layers" "$((256 * minibatches))" "$features" <<'PYTHON'
import sys
from pathlib import Path

import numpy

folder = Path(sys.argv[1])
models, layers, examples, features = map(int, sys.argv[2:])
shared = numpy.random.default_rng(0).standard_normal((examples, features), dtype=numpy.float32)
for model in range(models):
    path = folder / f"model{model:03}.npz"
    if path.exists():
        continue
    random = numpy.random.default_rng(model + 1)
    arrays = {}
    for layer in range(layers):
        own = random.standard_normal((examples, features), dtype=numpy.float32)
        arrays[f"layer{layer:02}"] = shared + own
    numpy.savez(path, **arrays)
PYTHON

sweep() {
  /usr/bin/time -f 'wall %e s, processor %U + %S s, peak memory %M KiB' \
    "$cka" sweep "$folder"/models/*.npz --device cpu --memory "$memory" "${options[@]}" "$@"
}

peak() { echo "sgemm peak: $("$bench" measure-limit peak)"; }

echo
peak
echo
echo "== all of it"
sweep --output "$folder/store"
echo
echo "== the products alone, from the matrices in the store"
rm -rf "$folder"/store/minibatches/*/products
sweep --output "$folder/store"
echo
echo "== nothing is left to do"
sweep --output "$folder/store"
echo
peak
du -sh "$folder/store"
