#!/bin/bash
# Fuzz the readers of files (Tests/Fuzz) with libFuzzer and AddressSanitizer.
#
#   Scripts/test-fuzz.sh [SECONDS [READER…]]    20 seconds each, and all readers, unless given
#
# JOBS readers run at a time, as many as there are processors unless that is set. New inputs are kept in the
# folder .build-fuzz/corpus; what a reader fails on lies beside it. A trap, an access that AddressSanitizer
# refuses, ten seconds for one input or two GiB of memory is a failure.

set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-20}
shift $(($# > 0))

CKA_FUZZER_RUNTIME=$(clang -print-file-name=lib/linux/libclang_rt.fuzzer_no_main-x86_64.a)
if [ ! -e "$CKA_FUZZER_RUNTIME" ]; then
  CKA_FUZZER_RUNTIME=$(
    find "$(clang -print-resource-dir)/lib" -name 'libclang_rt.fuzzer_no_main*x86_64*.a' | head -1
  )
fi
export CKA_FUZZER_RUNTIME

# The counters and the table that libFuzzer reads are options of LLVM only: Swift's own words for them mean
# those that libFuzzer gave up.
"${SWIFT:-swift}" build -c release --product Fuzz --scratch-path .build-fuzz \
  --sanitize=address -Xswiftc -enable-testing -Xswiftc -sanitize-coverage=edge,trace-cmp \
  -Xswiftc -Xllvm -Xswiftc -sanitizer-coverage-inline-8bit-counters \
  -Xswiftc -Xllvm -Xswiftc -sanitizer-coverage-pc-table

export fuzz=$PWD/.build-fuzz/release/Fuzz seconds
# Leaks are those of a process that goes on. Swift's own words about a crash would keep libFuzzer from
# keeping the input.
export ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no OPENBLAS_NUM_THREADS=1

folder=$(mktemp -d /dev/shm/cka-fuzz-XXXXXX)
trap 'rm -rf "$folder"' EXIT
export TMPDIR=$folder

if [ $# -eq 0 ]; then
  # shellcheck disable=SC2046
  set -- $({ "$fuzz" || true; } | sed -n 's/^FUZZ_READER is one of //p')
fi
[ $# -gt 0 ]

run_reader() {
  local reader=$1 log=.build-fuzz/$1.log
  mkdir -p ".build-fuzz/corpus/$reader"
  # Documents and headers are texts: words that mean something to them are found sooner.
  if FUZZ_READER=$reader "$fuzz" ".build-fuzz/corpus/$reader" "Tests/Fuzz/Seeds/$reader" \
    -dict=Tests/Fuzz/words.dict -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -max_len=32768 -print_final_stats=1 -detect_leaks=0 -artifact_prefix=".build-fuzz/$reader-" >"$log" 2>&1; then
    printf '%-12s %10s inputs, none that it fails on\n' "$reader" \
      "$(sed -n 's/stat::number_of_executed_units: *//p' "$log")"
  else
    printf '%-12s failed: .build-fuzz/%s.log\n' "$reader" "$reader"
    grep -aE '^(Fatal|SUMMARY|==.*ERROR|artifact_prefix)|Fatal error|refused|taken' "$log" | cut -c 1-300 || true
    return 1
  fi
}
export -f run_reader

status=0
printf '%s\n' "$@" | xargs -P "${JOBS:-$(nproc)}" -I {} bash -c "run_reader {}" | tee "$folder/report" || status=$?
printf '%s inputs in all, %s readers, %s failed\n' \
  "$(awk '/inputs, none/ { sum += $2 } END { print sum + 0 }' "$folder/report")" \
  "$#" "$(grep -c ' failed: ' "$folder/report" || true)"
exit "$status"
