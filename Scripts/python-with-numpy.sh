#!/bin/sh
# Print a Python 3 that has NumPy, and the modules that are named: $PYTHON, the python3 on PATH, or the
# system's own.

modules=numpy
for module in "$@"; do modules="$modules, $module"; done
for python in "${PYTHON:-python3}" python3 /usr/bin/python3; do
  if "$python" -c "import $modules" >/dev/null 2>&1; then
    echo "$python"
    exit 0
  fi
done
echo "no python3 with $modules was found" >&2
exit 69
