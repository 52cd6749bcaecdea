#!/usr/bin/env bash
# Fails, naming file and line, where a library imports Foundation, changes or ends the process it lives in,
# or traps where a call fails, and where a Swift file is too long to be one idea.
#
#   Scripts/lint-libraries.sh               this repository
#   Scripts/lint-libraries.sh --self-test   a folder with one fault a rule, each of which must be found
set -euo pipefail
cd "$(dirname "$0")/.."

longest=400 # lines

# Where a rule does not hold: its name, and a path that begins so.
exceptions() {
  sed 's/ *#.*//; /^$/d' <<'END'
process Sources/Activations/HDF5Process/ # Runs in a child process of its own, which it limits and ends.
process Sources/Devices/LinearAlgebra/SerialBLAS.swift # Puts OpenBLAS's number of threads back after a call.
END
}

# Libraries, less those that RULE does not hold for.
library_files() {
  find Sources -type f \( -name '*.swift' -o -name '*.[ch]' -o -name '*.inc' \) ! -path 'Sources/Commands/*' |
    sort | grep -vFf <(exceptions | sed -n "s/^$1 //p"; echo '//')
}

failures=0

report() {
  [[ -z $1 ]] && return 0
  printf '%s\n' "$1"
  failures=$((failures + 1))
}

# forbid RULE WORDS PATTERN: no line of a library may match, comments left out.
forbid() {
  local lines
  lines=$(library_files "$1" | xargs grep -nP "^(?:(?!//).)*?(?:$3)" /dev/null |
    sed -E "s@^([^:]+:[0-9]+):.*@\1: $2@" || true)
  report "$lines"
}

check() {
  forbid foundation 'a library imports Foundation: FoundationEssentials or Glibc will do' \
    '^\s*(@\w+\s+)*((public|package|internal|private|fileprivate)\s+)?import\s+(\w+\s+)?Foundation\b(?!Essentials)'
  forbid process 'a library changes or ends the process, which only a command may' \
    '(?<![\w.])(?<!func )(setenv|unsetenv|putenv|clearenv|setrlimit|prlimit|signal|sigaction|exit|_exit|quick_exit|abort|mallopt|openblas_set_num_threads)\s*\('
  forbid trap 'a library traps where a call or a cast fails' '\b(try!|as!)'

  local long
  long=$(find Sources Tests Benchmarks -name '*.swift' -type f | sort |
    xargs awk -v most=$longest 'FNR == most + 1 { print FILENAME ":" FNR ": more than " most " lines are not one idea" }')
  report "$long"
  ((failures == 0))
}

# What each of these files, made up here, must be found for; nothing else may be.
self_test() {
  local folder
  folder=$(mktemp -d)
  # shellcheck disable=SC2064  # expands now: the variable is local
  trap "rm -rf '$folder'" EXIT
  mkdir -p "$folder"/{Sources/{Figures,Commands,Activations/HDF5Process},Tests,Benchmarks}
  cd "$folder"
  printf 'import FoundationEssentials\nimport Foundation\n' >Sources/Figures/A.swift
  printf '@preconcurrency import class Foundation.NSLock\n' >Sources/Figures/B.swift
  printf '// setenv(3) is not called\nfoo()\n  setenv("A", "b", 1)\n' >Sources/Figures/C.swift
  printf 'void f(void) { signal(SIGPIPE, SIG_IGN); }\n' >Sources/Figures/D.c
  printf 'let a = try! f()\nlet b = a as! Int // as! above\n' >Sources/Figures/E.swift
  printf '//\n%.0s' {1..401} >Tests/F.swift
  # What is allowed.
  printf 'import Foundation\nexit(1)\n' >Sources/Commands/G.swift
  printf '_exit(1);\n' >Sources/Activations/HDF5Process/h.c
  printf 'strsignal(1)\nfoo.signal()\n// import Foundation, try!\nsemaphore.exit(1)\nfunc abort(_ code: Int) {}\n' >Sources/Figures/I.swift
  printf '//\n%.0s' {1..400} >Benchmarks/J.swift
  local found expected
  found=$(check | cut -d: -f1,2 || true)
  expected=$'Sources/Figures/A.swift:2\nSources/Figures/B.swift:1\nSources/Figures/C.swift:3
Sources/Figures/D.c:1\nSources/Figures/E.swift:1\nSources/Figures/E.swift:2\nTests/F.swift:401'
  [[ $found == "$expected" ]] && return
  diff <(echo "$expected") <(echo "$found") || true
  echo 'lint-libraries.sh finds other lines (>) than it must (<)'
  return 1
}

case ${1-} in
'') check ;;
--self-test) self_test ;;
*) sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 64 ;;
esac
