#!/bin/bash
# Run the tasks of Examples/slurm/sweep.sh as a scheduler would, one of them killed and requeued, and hold the
# joined study against a sweep without shards, bit by bit.
#
#   CKA=.build-test/release/cka Scripts/test-slurm.sh

set -euo pipefail
cd "$(dirname "$0")/.."

CKA=$(realpath "${CKA:-.build/release/cka}")
export CKA SOURCE_DATE_EPOCH=0
models=("$PWD"/Examples/digits/activations/*/)
settings=(--device cpu --batch-size 32 --seed 3)
script=$PWD/Examples/slurm/sweep.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

fail() {
  echo "test-slurm: $1" >&2
  exit 1
}

# What Slurm tells the tasks of the array 0-8:2, whose numbers begin at 0 and leave out every other.
slurm=(env SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=8 SLURM_ARRAY_TASK_STEP=2 SLURM_ARRAY_TASK_COUNT=5)
task=("$script" study "${models[@]}" "${settings[@]}")

"$CKA" sweep "${models[@]}" "${settings[@]}" --output alone >alone.log 2>&1 ||
  fail "the sweep alone: $(cat alone.log)"

for id in 8 0 6 4; do
  "${slurm[@]}" SLURM_ARRAY_TASK_ID="$id" "${task[@]}" >"task$id.log" 2>&1 || fail "task $id ended with $?: $(cat "task$id.log")"
done
# The last one is killed at its first file, and requeued. It is one process from `env` to cka.
"${slurm[@]}" SLURM_ARRAY_TASK_ID=2 "${task[@]}" >killed.log 2>&1 &
until compgen -G 'study.shards/2/minibatches/*/grams/*' >/dev/null || ! kill -0 $!; do sleep 0.01; done 2>/dev/null
kill -9 $! 2>/dev/null || true
{ wait $!; } 2>/dev/null || true
"${slurm[@]}" SLURM_ARRAY_TASK_ID=2 "${task[@]}" >task2.log 2>&1 || fail "the requeued task ended with $?: $(cat task2.log)"

"$CKA" merge study.shards/* --output study >merge.log 2>&1 || fail "merge: $(cat merge.log)"
# Documents of results hold the command.
diff -r --exclude lock --exclude '*.json' alone study >/dev/null && cmp -s alone/store.json study/store.json ||
  fail "the joined study differs from a sweep without shards: $(diff -rq --exclude lock alone study)"
echo "five tasks of an array, one requeued: the bits of one sweep"

if (unset SLURM_ARRAY_TASK_MIN && "$script" study "${models[@]}") 2>none.log; then fail "a task of no array began"; fi
grep -q 'sbatch --array' none.log || fail "what is missing is not said: $(cat none.log)"
echo "outside an array it says what is missing"
