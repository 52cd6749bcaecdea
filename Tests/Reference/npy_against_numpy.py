#!/usr/bin/env python3
"""What cka accepts of .npy files, held against NumPy: random headers, right and wrong ones.

    python3 npy_against_numpy.py CKA [FILES]        needs numpy

A file that NumPy loads must be read with NumPy's shape, type and byte order, unless its numbers are no
activations; a file that NumPy refuses must be refused. What differs on purpose stands in `differs`. Ends with
the number of files of each kind; a difference ends with 1.
"""

import collections
import random
import re
import struct
import subprocess
import sys
import tempfile
import warnings

import numpy as np

NUMBERS = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "?", "e", "f", "d", "b", "B",
           "h", "H", "i", "I", "q", "Q"]
OTHERS = ["c8", "c16", "O", "S3", "U2", "M8[s]", "m8", "V2", "V4", "f16", "f3", "i3", "x", ""]
NAMES = {"f": "float", "i": "int", "u": "uint"}


def header(rng):
    """A dict's text as NumPy writes it, with something unusual in one of three."""
    code = rng.choice(NUMBERS if rng.random() < 0.8 else OTHERS)
    order = rng.choice(["<", ">", "|", "=", "", "<", "<", "<"])
    axes = [rng.choice([0, 1, 2, 3, 5]) for _ in range(rng.choice([0, 1, 1, 2, 2, 2, 3, 4]))]
    shape = "(" + ", ".join(map(str, axes)) + ("," if len(axes) == 1 else "") + ")"
    fortran = rng.choice(["False", "False", "True"])
    items = [f"'descr': '{order}{code}'", f"'fortran_order': {fortran}", f"'shape': {shape}"]
    if rng.random() < 0.3:
        change = rng.randrange(14)
        if change == 0: rng.shuffle(items)
        elif change == 1: items[2] = "'shape': " + shape.replace(",", ", ").replace("(", "( ")
        elif change == 2: items[2] = "'shape': " + re.sub(r"(\d+)", r"\1L", shape)
        elif change == 3: items[2] = f"'shape': {list(axes)}"
        elif change == 4: items[2] = "'shape': " + shape.replace(")", ",)") if axes else "'shape': (,)"
        elif change == 5: items[1] = f"'fortran_order': {rng.choice(['0', '1', 'None', 'true'])}"
        elif change == 6: items.append("'extra': 1")
        elif change == 7: items.pop(rng.randrange(3))
        elif change == 8: items[0] = f'"descr": "{order}{code}"'
        elif change == 9: items[0] = items[0].replace("'descr'", "u'descr'")
        elif change == 10: items[2] = "'shape': (-1, 2)"
        elif change == 11: items[2] = "'shape': (2, 3.0)"
        elif change == 12: items[0] = f"'descr': [('a', '{order}{code}')]"
        elif change == 13: items[2] = "'shape': " + re.sub(r"(\d+)", r"0\1", shape)
    end = rng.choice([", }", "}", ",}", " , } ", "}   ", ", }\t"])
    space = rng.choice([" ", "  ", "\t", "\n"]) if rng.random() < 0.1 else " "
    return "{" + ("," + space).join(items) + end, axes, code


def file(rng):
    text, axes, code = header(rng)
    version = rng.choice([1, 1, 1, 2, 3, 1, 2, 3, 0, 4])
    minor = 0 if rng.random() < 0.95 else 1
    pad = rng.choice([64, 16, 1])
    start = 8 + (2 if version == 1 else 4)
    body = text + (rng.choice(["\n", "\n", "\n", "", " "]))
    body = body[:-1] + " " * (-(start + len(body)) % pad) + body[-1:]
    raw = body.encode("latin1" if version < 3 else "utf8")
    try:
        size = np.dtype(code).itemsize
    except TypeError:
        size = 4
    count = int(np.prod(axes)) * size if axes else size
    if rng.random() < 0.15: count += rng.choice([-1, 1, 8])
    length = struct.pack("<H" if version == 1 else "<I", len(raw))
    numbers = bytes(rng.randrange(2) for _ in range(max(count, 0)))
    return b"\x93NUMPY" + bytes([version, minor]) + length + raw + numbers


def loaded(path):
    """NumPy's array, or its error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open(path, "rb") as stream:
                array = np.lib.format.read_array(stream, allow_pickle=False)
                return array, None, len(stream.read())
    except Exception as error:  # NumPy raises what its parts raise.
        return None, error, 0


def no_layer(array):
    """Why cka takes no array of this kind for activations."""
    kind = array.dtype.kind
    if kind not in "fiub" and array.dtype.str[1:] != "V2" or array.dtype.itemsize > 8:
        return "type"
    if array.ndim == 0: return "0-D"
    if array.size == 0: return "empty"
    return None


def type_name(dtype):
    if dtype.str[1:] == "V2": return "bfloat16"
    return "bool" if dtype.kind == "b" else NAMES[dtype.kind] + str(8 * dtype.itemsize)


def differs(data, array, rest):
    """Where cka is meant to differ."""
    text = data[10:].decode("latin1")
    if rest: return "bytes behind the numbers are refused"
    if "u'descr'" in text: return "u'…' is refused"
    if array is None and re.search(r"\dL", text): return "long integers of Python 2 in version 3 are read"
    return None


def main():
    cka, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 500
    rng = random.Random(0)
    kinds = collections.Counter()
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/a.npy"
        for index in range(count):
            data = file(rng)
            with open(path, "wb") as stream: stream.write(data)
            array, error, rest = loaded(path)
            run = subprocess.run([cka, "inspect", path], capture_output=True, text=True)
            kind = "refused by both" if array is None else no_layer(array) or "read by both"
            reads = kind == "read by both"
            right = run.returncode == (0 if reads else 65)
            if right and reads:
                row = run.stdout.splitlines()[1]
                shape = " × ".join(map(str, array.shape))
                swapped = array.dtype.itemsize > 1 and not array.dtype.isnative
                right = f" {shape} " in row and type_name(array.dtype) in row
                right = right and ("(swapped)" in row) == swapped
            if not right:
                reason = differs(data, array, rest)
                if reason is None:
                    bad += 1
                    print(f"file {index}: numpy {error or (array.dtype, array.shape)!r}; cka "
                          f"{run.returncode} {(run.stderr or run.stdout).strip()}\n    {data[:160]!r}")
                kind = "different on purpose: " + str(reason)
            kinds[kind] += 1
    for kind, number in sorted(kinds.items()): print(f"{number:6} {kind}")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
