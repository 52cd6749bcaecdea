#!/bin/bash
# Hold sweeps by 1, 2 and 4 MPI processes against one without MPI, bit by bit, and let ranks fail.
#
#   CKA=.build-test/release/cka Scripts/test-mpi.sh    a command built with the trait MPI

set -euo pipefail
cd "$(dirname "$0")/.."

cka=$(realpath "${CKA:-.build/release/cka}")
models=("$PWD"/Examples/digits/activations/*/)
work=$(mktemp -d)
# Documents hold when and by what command they were made: all runs are of one moment, and each has a folder
# of its own, so that their command lines are the same.
export SOURCE_DATE_EPOCH=0
trap 'rm -rf "$work"' EXIT

fail() {
  echo "test-mpi: $1" >&2
  exit 1
}

# More ranks than cores, by root in a container: what mpirun refuses unless told otherwise.
ranks() {
  local count=$1
  shift
  timeout 300 mpirun --oversubscribe --allow-run-as-root --bind-to none -n "$count" "$@"
}

sweep() {
  local store=$1
  shift
  mkdir -p "$work/$store"
  (cd "$work/$store" && "$@" "$cka" sweep "${models[@]}" --device cpu --batch-size 32 --output store) \
    >"$work/$store.log" 2>&1 ||
    fail "the sweep of $store ended with $?: $(cat "$work/$store.log")"
}

same() {
  diff -r --exclude lock "$work/alone/store" "$work/$1/store" >/dev/null || fail "the store of $1 differs"
}

sweep alone env
for count in 1 2 4; do
  sweep "ranks$count" ranks "$count"
  same "ranks$count"
  [ "$(grep -c 'minibatches$' "$work/ranks$count.log")" = 1 ] || fail "not one rank alone reports: $(cat "$work/ranks$count.log")"
  echo "$count ranks: the same bits"
done

# What is there is found, by any number of ranks; what is not is made again.
rm "$work"/ranks4/store/minibatches/2/products/*
rm "$work"/ranks4/store/minibatches/3/grams/*
sweep ranks4 ranks 2
same ranks4
grep -q ': 0 computed,' "$work/ranks4.log" && fail "nothing was made again: $(cat "$work/ranks4.log")"
echo "goes on with another number of ranks: the same bits"

# A rank that dies in the middle ends all, and the store can be gone on with.
dying=$work/dying.sh
cat >"$dying" <<'SH'
#!/bin/sh
# Rank 1 is killed when the first Gram matrices are there; exec keeps its process number.
if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then
  (
    until ls "$1"/minibatches/*/grams/*.grams; do sleep 0.01; done >/dev/null 2>&1
    kill -9 $$
  ) &
fi
shift
exec "$@"
SH
chmod +x "$dying"
code=0
mkdir "$work/killed"
ranks 3 "$dying" "$work/killed/store" "$cka" sweep "${models[@]}" --device cpu --batch-size 32 \
  --output "$work/killed/store" >"$work/killed.log" 2>&1 || code=$?
[ "$code" = 137 ] || fail "ended with $code, expected 137: $(cat "$work/killed.log")"
sweep killed ranks 2
same killed
echo "goes on after a rank was killed: the same bits"

# A rank's failure is reported with its number, and its code is that of all.
failing=$work/failing.sh
cat >"$failing" <<'SH'
#!/bin/sh
# The last rank sees no room for its files.
[ "$OMPI_COMM_WORLD_RANK" = 2 ] && ulimit -f 8
exec "$@"
SH
chmod +x "$failing"
code=0
mkdir "$work/full"
ranks 3 "$failing" "$cka" sweep "${models[@]}" --device cpu --batch-size 32 --output "$work/full/store" \
  >"$work/full.log" 2>&1 || code=$?
[ "$code" = 74 ] || fail "ended with $code, expected 74: $(cat "$work/full.log")"
[ "$(grep -c 'error: rank 2: ' "$work/full.log")" = 1 ] || fail "rank 2 is not named: $(cat "$work/full.log")"
sweep full ranks 3
same full
echo "a failed rank is named, and its code is the command's"

# Ranks on one machine take its OpenCL devices in turn: PoCL shows the processor twice.
mkdir "$work/devices"
# shellcheck disable=SC2016
POCL_DEVICES='pthread pthread' ranks 2 sh -c 'POCL_CACHE_DIR=$0/pocl$OMPI_COMM_WORLD_RANK exec "$@"' \
  "$work/devices" "$cka" sweep "${models[@]}" --device opencl \
  --batch-size 128 --output "$work/devices/store" >"$work/devices.log" 2>&1 || fail "two devices: $(cat "$work/devices.log")"
for index in 0 1; do
  grep -rq "opencl:$index" "$work/devices/store/minibatches/$((index + 1))" ||
    fail "rank $index did not work on opencl:$index: $(grep -rhoa 'opencl:[0-9]' "$work/devices/store/minibatches" | sort | uniq -c)"
done
echo "two ranks of one machine take a device each"

# Ranks on one machine share half of its memory, here 586 MiB: one of eight has 73, and no sweep does with less than 96.
small() {
  # shellcheck disable=SC2016
  ranks "$1" sh -c 'ulimit -v 1200000; exec "$@"' sh "$cka" sweep "${models[@]}" --device cpu --batch-size 32 \
    --output "$work/small" >"$work/small.log" 2>&1
}
code=0
small 8 || code=$?
[ "$code" = 64 ] || fail "eight ranks ended with $code, expected 64: $(cat "$work/small.log")"
grep -q -- '--memory: 73.2 MiB is too small' "$work/small.log" || fail "not an eighth: $(cat "$work/small.log")"
small 1 || fail "a rank alone ended with $?: $(cat "$work/small.log")"
echo "ranks on one machine share its memory"

# What all ranks would find is said once.
code=0
ranks 2 "$cka" sweep "$work/nothing" --device cpu --output "$work/none" \
  >"$work/none.log" 2>&1 || code=$?
[ "$code" = 66 ] || fail "ended with $code, expected 66: $(cat "$work/none.log")"
[ "$(grep -c 'error: ' "$work/none.log")" = 1 ] || fail "not one line: $(cat "$work/none.log")"
echo "a missing model is named once"
