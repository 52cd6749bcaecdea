#!/bin/bash
# Hold a sweep of forty models by four MPI processes on two hosts against one process, bit by bit: half of the work
# is each host's, and after a process was killed the others go on.
#
#   CKA=.build-test/release/cka Scripts/test-hosts.sh    a command built with the trait MPI
#
# The hosts are two networks of this machine, with a wire between them and one folder. Only root can make them.

set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" != 0 ]; then
  echo "test-hosts: not tested: only root can make networks for two hosts"
  exit 0
fi
cka=$(realpath "${CKA:-.build/release/cka}")
export SOURCE_DATE_EPOCH=0
work=$(mktemp -d)
# Names of networks are the machine's: another test may run beside this one.
hosts=("cka-a$$" "cka-b$$")
trap 'for host in "${hosts[@]}"; do ip netns del "$host" 2>/dev/null || true; done; rm -rf "$work"' EXIT

fail() {
  echo "test-hosts: $1" >&2
  exit 1
}

for host in "${hosts[@]}"; do ip netns add "$host"; done
ip link add wire-a netns "${hosts[0]}" type veth peer name wire-b netns "${hosts[1]}"
ip -n "${hosts[0]}" address add 10.77.0.1/24 dev wire-a
ip -n "${hosts[1]}" address add 10.77.0.2/24 dev wire-b
ip -n "${hosts[0]}" link set wire-a up
ip -n "${hosts[1]}" link set wire-b up
for host in "${hosts[@]}"; do ip -n "$host" link set lo up; done

# In place of ssh. Files of the second host belong to a group of its own, which tells who made them.
cat >"$work/agent" <<SH
#!/bin/bash
shift
exec ip netns exec ${hosts[1]} setpriv --regid 7701 --clear-groups unshare --uts bash -c "hostname cka-b; \$*"
SH
# What a rank runs: rank 3 is killed when it has made a file, where that is asked for.
cat >"$work/rank" <<'SH'
#!/bin/bash
if [ -n "${KILLED:-}" ] && [ "$OMPI_COMM_WORLD_RANK" = 3 ]; then
  (
    until find "$KILLED"/minibatches -name '*.grams' -group 7701 | grep -q .; do sleep 0.01; done 2>/dev/null
    kill -9 $$
  ) &
fi
exec "$@"
SH
chmod +x "$work/agent" "$work/rank"

mkdir "$work/models"
"$(Scripts/python-with-numpy.sh)" - "$work/models" <<'PYTHON'
import sys
import numpy as np

random = np.random.default_rng(0)
for number in range(40):
    layers = {f"layer{place}": random.standard_normal((64, 24), dtype=np.float32) for place in range(3)}
    np.savez(f"{sys.argv[1]}/model{number:02}.npz", **layers)
PYTHON

arguments=(sweep "$work"/models/*.npz --device cpu --batch-size 8 --output store)

# A folder for each run, so that command lines are the same.
sweep() {
  local folder=$work/$1
  shift
  mkdir -p "$folder"
  (cd "$folder" && timeout 300 "$@" "$cka" "${arguments[@]}") >"$folder.log" 2>&1
}

on_hosts() {
  sweep "$1" ip netns exec "${hosts[0]}" unshare --uts bash -c 'hostname cka-a && exec "$@"' - \
    mpirun --allow-run-as-root --bind-to none --host 10.77.0.1:2,10.77.0.2:2 -mca plm_rsh_agent "$work/agent" \
    -x SOURCE_DATE_EPOCH -x KILLED --wdir "$work/$1" -n 4 "$work/rank"
}

same() {
  diff -r --exclude lock "$work/alone/store" "$work/$1/store" >/dev/null || fail "the store of $1 differs"
}

sweep alone env || fail "one process: $(cat "$work/alone.log")"
on_hosts both || fail "two hosts: $(cat "$work/both.log")"
same both
count() { find "$work/both/store/minibatches" -name '*.grams' "$@" | wc -l; }
[ "$(count -group 7701)" = 160 ] && [ "$(count)" = 320 ] ||
  fail "the second host made $(count -group 7701) of $(count) Gram matrices, expected 160 of 320"
echo "forty models on two hosts: 160 of 320 Gram files by each, the bits of one process"

code=0
KILLED=$work/killed/store on_hosts killed || code=$?
[ "$code" = 137 ] || fail "ended with $code, expected 137: $(cat "$work/killed.log")"
[ "$(grep -c 'exited on signal 9' "$work/killed.log")" = 1 ] || fail "not one message: $(cat "$work/killed.log")"
on_hosts killed || fail "after a rank was killed: $(cat "$work/killed.log")"
same killed
echo "goes on after a rank of the second host was killed: the same bits"
