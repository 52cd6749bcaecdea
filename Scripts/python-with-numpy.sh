#!/bin/sh
# Print a Python 3 that has NumPy: $PYTHON, the python3 on PATH, or the system's own.

for python in "${PYTHON:-python3}" python3 /usr/bin/python3; do
  if "$python" -c 'import numpy' >/dev/null 2>&1; then
    echo "$python"
    exit 0
  fi
done
echo "no python3 with NumPy was found" >&2
exit 69
