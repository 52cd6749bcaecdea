#!/bin/bash
# Prove that same-results.sh fails where it must: one bit, letter, pixel, exit code or file is changed, and found.
#
#   CKA=PATH Scripts/test-same-results.sh

set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
CKA=$(realpath "${CKA:-.build/release/cka}")
export CKA
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# A program that runs cka, and changes one thing that it left behind.
cat >"$work/liar" <<PROGRAM
#!$(command -v "$("$scripts/python-with-numpy.sh")")
import os, resource, struct, subprocess, sys, zlib
sys.path.insert(0, "$scripts/same-results")
import differences
run = subprocess.run(["cka", *sys.argv[1:]], executable="$CKA", capture_output=True)
out, err, code, lie = run.stdout, run.stderr, run.returncode, os.environ["LIE"]
folder = sys.argv[sys.argv.index("--output") + 1] if "--output" in sys.argv else ""
def change(name, of):
    path = os.path.join(folder, name)
    if os.path.exists(path):
        data = of(open(path, "rb").read())
        open(path, "wb").write(data)
def picture(png, difference):
    image, others = differences.pixels(png)
    image[40, 50, 0] ^= difference
    raw = b"".join(b"\0" + row.astype("u1").tobytes() for row in image)
    kinds = dict(differences.chunks(png))
    parts = [(b"IHDR", kinds[b"IHDR"]), *others[:-1], (b"IDAT", zlib.compress(raw, 1)), others[-1]]
    return png[:8] + b"".join(
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts)
if lie == "threads" and os.environ.get("OPENBLAS_NUM_THREADS") == "2": lie = "bit"
if lie == "limit" and resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY: lie = "bit"
if lie == "bit": change("cka.npy", lambda data: data[:-8] + bytes([data[-8] ^ 1]) + data[-7:])
if lie == "pixel": change("heatmap.png", lambda data: picture(data, 1))
if lie == "packing": change("heatmap.png", lambda data: picture(data, 0))
if lie == "vector": change("heatmap.svg", lambda data: data.replace(b"rgb(", b"rgb( ", 1))
if lie == "document": change("result.json", lambda data: data.replace(b'"total" : 96', b'"total" : 97', 1))
if lie == "time": change("result.json", lambda data: data.replace(b'"total" : 0.', b'"total" : 9.', 1))
if lie == "missing" and folder: os.path.exists(folder) and os.remove(folder + "/z.npy")
if lie == "result": out = out.replace(b"layers", b"layer", 1)
if lie == "message": err = err.replace(b"cka: warning: ", b"cka: Warning: ", 1)
if lie == "code": code = code or 1
sys.stdout.buffer.write(out); sys.stdout.flush(); sys.stderr.buffer.write(err); sys.exit(code)
PROGRAM
chmod +x "$work/liar"

# expect LIE CODE TEXT [OPTIONS…]: how the comparison of builds (or with --repeat of runs) ends, and a part of what it
# prints.
expect() {
  local lie=$1 code=$2 text=$3 found=0 builds=("$CKA" "$work/liar")
  shift 3
  [ "${1:-}" != --repeat ] || builds=()
  LIE=$lie "$scripts/same-results.sh" "${builds[@]}" --only hard-cpu "$@" >"$work/out" 2>&1 || found=$?
  if [ "$found" -ne "$code" ] || ! grep -qF -- "$text" "$work/out"; then
    echo "$lie: expected $code and '$text', found $found:"
    tail -12 "$work/out"
    failures=$((failures + 1))
  else
    echo "$lie: $code, $(grep -F -- "$text" "$work/out" | head -1)"
  fi
}

expect nothing 0 "; 0 differ"
expect time 0 "; 0 differ"
expect packing 0 "; 0 differ"
expect bit 1 "result/cka.npy differs at [7, 7], one of 1 of 64 numbers"
expect pixel 1 "result/heatmap.png differs at pixel 50, 40, one of 1"
expect vector 1 "result/heatmap.svg differs at line"
expect document 1 "result/result.json differs at line"
expect missing 1 "result/z.npy differs at the file"
expect result 1 "1.stdout differs at line"
expect message 1 "1.stderr differs at line 1"
expect code 1 "1.exit differs at line 1"
printf '# Meant.\nhard-* result/cka.npy one bit more\n' >"$work/meant"
expect bit 0 "meant to differ, 1 times" --except "$work/meant"
expect nothing 1 "nothing differs as hard-* result/cka.npy allows" --except "$work/meant"
expect nothing 0 "; 0 differ" --repeat "$work/liar"
expect threads 1 "; 1 differ" --repeat "$work/liar"
expect limit 1 "    limited: np.float64(" --repeat "$work/liar"

[ "$failures" -eq 0 ] || exit 1
