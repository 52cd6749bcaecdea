#!/usr/bin/env python3
"""Compare two CKA maps: exit 0 if they agree, 1 if they do not.

    python3 compare_maps.py A.npy B.npy --tolerance 1e-5

They agree if they have the same shape, are NaN in the same cells, and differ nowhere by more than
the tolerance.
"""

import argparse
import sys

import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    arguments = parser.parse_args()
    a, b = np.load(arguments.a), np.load(arguments.b)
    if a.shape != b.shape:
        sys.exit(f"shapes differ: {a.shape} and {b.shape}")
    if (np.isnan(a) != np.isnan(b)).any():
        row, column = np.argwhere(np.isnan(a) != np.isnan(b))[0]
        sys.exit(f"undefined in one map only: ({row}, {column}): {a[row, column]}, {b[row, column]}")
    if np.isnan(a).all():
        sys.exit("no cell is defined")
    difference = np.abs(a - b)
    row, column = np.unravel_index(np.nanargmax(difference), a.shape)
    worst = difference[row, column]
    print(f"max |difference| {worst:.3g} at ({row}, {column}), {a.shape[0]} × {a.shape[1]} layers")
    sys.exit(0 if worst <= arguments.tolerance else 1)


if __name__ == "__main__":
    main()
