#!/bin/bash
# Prints the version script of libcka.so: nothing but the functions of the header is seen outside.

set -euo pipefail
cd "$(dirname "$0")/.."
echo 'CKA_1 { global:'
# The function of each declaration that ends with a semicolon.
sed 's|//.*||' Sources/CInterface/Header/include/cka.h | tr '\n' ' ' | tr ';' '\n' | grep -v typedef |
  sed -n 's/^.*[ *]\(cka_[a-z_]*\)(.*)$/  \1;/p'
echo '  local: *; };'
