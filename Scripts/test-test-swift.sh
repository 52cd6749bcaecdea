#!/bin/bash
# Prove that test-swift.sh fails where it must, and names what failed: a program stands in for the tests.

set -euo pipefail
scripts=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# Runs three tests, one of each group, as the real program would, but for one thing.
cat >"$work/tests" <<'PROGRAM'
#!/usr/bin/env python3
import json, os, re, signal, sys
lie, words = os.environ["LIE"], sys.argv[1:]
names = ["OpenCLDeviceTests.A/a()", "CommandTests.B/b(c:)", "CKATests.D/d()"]
options = lambda name: [value for option, value in zip(words, words[1:]) if option == name]
if "--list-tests" in words:
    print("\n".join(names))
    sys.exit()
filters, skips = options("--filter"), options("--skip")
mine = [n for n in names if (not filters or any(re.search(f, n) for f in filters)) and not any(re.search(s, n) for s in skips)]
events = open(options("--event-stream-output-path")[0], "w")
def event(name, kind, **more):
    payload = {"kind": kind, "testID": f"{name}/File.swift:1:2", **more}
    print(json.dumps({"kind": "event", "payload": payload, "version": 0}), file=events, flush=True)
if lie == "lost": mine = [n for n in mine if not n.startswith("CKA")] or names[:1]
if lie == "none": mine = []
for name in mine:
    event(name, "testStarted")
    if lie == "crash" and name.startswith("OpenCL"):
        print("Assertion failed", file=sys.stderr, flush=True)
        events.write('{"kind": "event", "payl')
        events.flush()
        os.abort()
    if lie == "hang" and name.startswith("CKA"): signal.pause()
    if lie == "issue" and name.startswith("Command"):
        event(name, "issueRecorded", issue={"isKnown": False}, messages=[{"symbol": "fail", "text": "one is not two"}])
    event(name, "testEnded", messages=[])
sys.exit(1 if lie in ("issue", "code") else 0)
PROGRAM
chmod +x "$work/tests"

# expect LIE CODE TEXT…: how the run ends, and parts of what it prints.
expect() {
  local lie=$1 code=$2 found=0 text
  shift 2
  LIE=$lie TESTS=$work/tests "$scripts/test-swift.sh" --logs "$work/logs" >"$work/out" 2>&1 || found=$?
  for text in "$@"; do
    if [ "$found" -ne "$code" ] || ! grep -qF -- "$text" "$work/out"; then
      echo "$lie: expected $code and '$text', found $found:"
      cat "$work/out"
      failures=$((failures + 1))
      return
    fi
  done
  echo "$lie: $code, $text"
}

expect nothing 0 "test-swift: 3 tests passed"
expect crash 1 "Assertion failed" "libraries: 1 tests ended" "opencl: was ended by SIGABRT" \
  "had begun and not ended: OpenCLDeviceTests.A/a()"
expect issue 1 "one is not two" "failed: CommandTests.B/b(c:)/File.swift:1:2"
expect code 1 "commands: ended with 1"
export SILENCE=1
expect hang 1 "had begun and not ended: CKATests.D/d()"
unset SILENCE
expect none 1 "no test ran"
expect lost 1 "ran 2 times: OpenCLDeviceTests.A/a()" "ran 0 times: CKATests.D/d()"

[ "$failures" -eq 0 ] || exit 1
