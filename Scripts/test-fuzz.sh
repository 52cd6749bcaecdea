#!/bin/bash
# Fuzz the readers of files with libFuzzer and AddressSanitizer.
#
#   Scripts/test-fuzz.sh [SECONDS [READER…]]    20 seconds each, and all readers, unless given
#
# New inputs are kept in the folder .build-fuzz/corpus; what a reader fails on lies beside it.

set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-20}
shift $(($# > 0))

runtime=$(clang -print-file-name=lib/linux/libclang_rt.fuzzer_no_main-x86_64.a)
if [ ! -e "$runtime" ]; then
  runtime=$(find "$(clang -print-resource-dir)/lib" -name 'libclang_rt.fuzzer_no_main*x86_64*.a' | head -1)
fi
export CKA_FUZZER_RUNTIME=$runtime

"${SWIFT:-swift}" build -c release --product Fuzz --traits HDF5 --scratch-path .build-fuzz \
  --sanitize=address -Xswiftc -sanitize-coverage=edge,trace-cmp,8bit-counters -Xswiftc -enable-testing

fuzz=$PWD/.build-fuzz/release/Fuzz
if [ $# -eq 0 ]; then
  # shellcheck disable=SC2046
  set -- $(FUZZ_READER='' "$fuzz" 2>/dev/null | sed 's/.*is one of//' || true)
fi

failed=0
total=0
for reader in "$@"; do
  corpus=.build-fuzz/corpus/$reader
  mkdir -p "$corpus"
  log=.build-fuzz/$reader.log
  # A reader's own limit on memory is below this one; leaks are those of a process that goes on.
  if ASAN_OPTIONS=detect_leaks=0 FUZZ_READER=$reader "$fuzz" "$corpus" "Tests/Fuzz/Seeds/$reader" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix=".build-fuzz/$reader-" >"$log" 2>&1; then
    count=$(sed -n 's/stat::number_of_executed_units: *//p' "$log")
    total=$((total + count))
    printf '%-12s %10s inputs, none that it fails on\n' "$reader" "$count"
  else
    failed=$((failed + 1))
    printf '%-12s failed:\n' "$reader"
    tail -n 40 "$log"
  fi
done
rm -rf /dev/shm/cka-fuzz-*
printf '%s inputs in all\n%s passed, %s failed\n' "$total" "$(($# - failed))" "$failed"
[ "$failed" -eq 0 ]
