#!/usr/bin/env python3
"""What cka accepts of .npy, .npz and HDF5 files, held against NumPy and h5py: random files, right and wrong ones.

    python3 files_against_numpy.py CKA [FILES]        needs numpy and h5py

FILES of each kind are made. A file that NumPy or h5py loads must be read with the same names, shapes, types,
byte order and numbers, unless they are no activations; a file that they refuse must be refused. Numbers are
compared by the CKA of each layer with what NumPy read, which is 1. What differs on purpose stands in
`differs_…`. Ends with the number of files of each kind; a difference ends with 1.
"""

import collections
import io
import json
import random
import re
import struct
import subprocess
import sys
import tempfile
import warnings
import zipfile

import h5py
import numpy as np

NUMBERS = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "?", "e", "f", "d", "b", "B",
           "h", "H", "i", "I", "q", "Q"]
OTHERS = ["c8", "c16", "O", "S3", "U2", "M8[s]", "m8", "V2", "V4", "f16", "f3", "i3", "x", ""]
NAMES = {"f": "float", "i": "int", "u": "uint"}
# Fewer have no CKA.
EXAMPLES = 6


def npy_header(rng, examples=None):
    """A dict's text as NumPy writes it, with something unusual in one of three."""
    code = rng.choice(NUMBERS if rng.random() < 0.8 else OTHERS)
    order = rng.choice(["<", ">", "|", "=", "", "<", "<", "<"])
    axes = [rng.choice([0, 1, 2, 3, 5, 6]) for _ in range(rng.choice([0, 1, 1, 2, 2, 2, 3, 4]))]
    if examples: axes = [examples] + axes[1:]
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


def npy_bytes(rng, examples=None):
    text, axes, code = npy_header(rng, examples)
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
    # Of no floating-point type does a run of these bytes make an infinity or a NaN.
    numbers = bytes(rng.randrange(0x30, 0x40) if code not in ("b1", "?") else rng.randrange(2)
                    for _ in range(max(count, 0)))
    return b"\x93NUMPY" + bytes([version, minor]) + length + raw + numbers


def write_npy(rng, path):
    with open(path, "wb") as stream: stream.write(npy_bytes(rng))


def load_npy(path):
    with open(path, "rb") as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
        return {"a": array}


def differs_npy(data, arrays, error, fault):
    text = data[10:].decode("latin1")
    if "found 'u', expected a string" in fault: return "u'…' is refused"
    # Some versions of NumPy read what there is and shape it so.
    if "expected an axis of 0 or more" in fault: return "negative axes are refused"
    if arrays is None and re.search(r"\dL", text): return "long integers of Python 2 in version 3 are read"
    if arrays is None: return None
    size = struct.unpack_from("<H" if data[6] == 1 else "<I", data, 8)[0] + (10 if data[6] == 1 else 12)
    if len(data) > size + arrays["a"].nbytes: return "bytes behind the numbers are refused"
    return None


def random_array(rng):
    """Numbers that every type of theirs holds, of EXAMPLES examples."""
    kind = rng.choice(["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"])
    order = rng.choice("<<>")
    axes = (EXAMPLES,) + tuple(rng.choice([1, 2, 3, 5]) for _ in range(rng.choice([0, 1, 1, 1, 2, 3])))
    values = np.random.default_rng(rng.getrandbits(32)).integers(0, 100, axes)
    values[0] += 20
    if kind == "?": return values > 50
    return np.asarray(values, order + kind, order=rng.choice("CF"))


def other_array(rng):
    """What is no layer."""
    return rng.choice([
        np.float32(1), np.zeros((0, 3)), np.zeros((EXAMPLES, 2), "c8"), np.array([b"a"] * EXAMPLES),
        np.zeros(EXAMPLES, [("a", "f4")])])


def npz_member(rng):
    if rng.random() < 0.15: return npy_bytes(rng, EXAMPLES)
    stream = io.BytesIO()
    array = random_array(rng) if rng.random() < 0.9 else other_array(rng)
    np.lib.format.write_array(stream, np.asanyarray(array), allow_pickle=False)
    return stream.getvalue()


def write_npz(rng, path):
    names = rng.sample(["a", "layer2", "layer10", "x/y", "é", "b c", "arr_0"], rng.choice([1, 2, 3]))
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        warnings.simplefilter("ignore")
        for name in names:
            file = zipfile.ZipInfo(name + ("" if rng.random() < 0.05 else ".npy"))
            method = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
            if rng.random() < 0.03: method = zipfile.ZIP_LZMA
            archive.writestr(file, npz_member(rng), method)
        if rng.random() < 0.1: archive.comment = b"made by hand"
        # zipfile writes a name twice only with a warning.
        if rng.random() < 0.05: archive.writestr(names[0] + ".npy", npz_member(rng))
    damage(rng, path)


def damage(rng, path):
    """Cuts the file short, or changes a byte, now and then."""
    if rng.random() < 0.7: return
    with open(path, "rb") as stream: data = bytearray(stream.read())
    if rng.random() < 0.3: del data[rng.randrange(len(data)):]
    else: data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    with open(path, "wb") as stream: stream.write(data)


def load_npz(path):
    """Arrays, or the errors in place of those that NumPy cannot make of whole members."""
    arrays = {}
    with np.load(path) as archive:
        for name in archive.files:
            try:
                arrays[name] = archive[name]
            except ValueError as error:
                arrays[name] = error
    return arrays


def differs_npz(data, arrays, error, fault):
    if arrays is None: return "the sum of a stored member is not checked" if "Bad CRC-32" in str(error) else None
    with zipfile.ZipFile(io.BytesIO(data)) as archive: members = archive.infolist()
    names = [member.filename for member in members]
    if len(set(names)) < len(names): return "a name that comes twice is refused"
    if any(member.compress_type == zipfile.ZIP_LZMA for member in members): return "LZMA is refused"
    if not all(name.endswith(".npy") for name in names): return "a member that is not called .npy is no layer"
    # NumPy looks at some of what a zip file says twice.
    if "onsisten" in fault or "contradicts" in fault or "members claim" in fault:
        return "a directory that contradicts its members is refused"
    if "found 'u', expected a string" in fault: return "u'…' is refused"
    if "bytes too long: holds" in fault: return "bytes behind the numbers are refused"
    return None


def write_hdf5(rng, path):
    # An older libhdf5 does not know the latest format.
    with h5py.File(path, "w", libver=rng.choice(["earliest", ("v110", "v110")]), track_order=rng.random() < 0.5) as file:
        for name in rng.sample(["a", "layer2", "layer10", "x/y", "x/z/é", "b c"], rng.choice([1, 2, 3])):
            if rng.random() < 0.1:
                file[name] = other_array(rng) if rng.random() < 0.7 else h5py.Empty("f4")
                continue
            array = random_array(rng)
            options = {}
            if rng.random() < 0.6: options["chunks"] = tuple(rng.randint(1, axis) for axis in array.shape)
            if "chunks" in options:
                options["compression"] = rng.choice([None, "gzip", "lzf"])
                options["shuffle"] = rng.random() < 0.5
                options["fletcher32"] = rng.random() < 0.3
            file.create_dataset(name, data=array, **options)
        if rng.random() < 0.2: file["soft"] = h5py.SoftLink(rng.choice(["/a", "/nothing"]))
    # Changed bytes crash libhdf5 itself, and so h5py.
    if rng.random() < 0.1:
        with open(path, "r+b") as stream: stream.truncate(rng.randrange(stream.seek(0, 2)))


def load_hdf5(path):
    arrays = {}
    with h5py.File(path, "r") as file:
        def add(name, item):
            if not isinstance(item, h5py.Dataset): return
            arrays[name] = np.zeros(0) if item.shape is None else np.asarray(item)
        file.visititems(add)
        if isinstance(file.get("soft"), h5py.Dataset): add("soft", file["soft"])
    return arrays


def differs_hdf5(data, arrays, error, fault): return None


def no_layer(array):
    """Why cka takes no array of this kind for activations."""
    if isinstance(array, Exception): return "damaged"
    dtype = array.dtype
    is_number = dtype.kind in "fiub" or dtype.names is None and dtype.str[1:] == "V2"
    if not is_number or dtype.itemsize > 8: return "type"
    if array.ndim == 0: return "0-D"
    if array.size == 0: return "empty"
    return None


def type_name(dtype):
    if dtype.str[1:] == "V2": return "bfloat16"
    return "bool" if dtype.kind == "b" else NAMES[dtype.kind] + str(8 * dtype.itemsize)


def is_swapped(array, data):
    # NumPy has no byte order for V2; ml_dtypes has.
    if array.dtype.str[1:] == "V2": return b">V2" in data
    return array.dtype.itemsize > 1 and not array.dtype.isnative


def varies(array):
    """Whether a layer has a CKA: the same numbers for all examples have none."""
    return np.ptp(array.reshape(len(array), -1).astype("f8"), axis=0).any()


class Tool:
    def __init__(self, path, folder):
        self.path, self.folder = path, folder

    def run(self, *words):
        return subprocess.run([self.path, *words], capture_output=True, text=True)

    def compare(self, *files):
        return self.run("compare", *files, "--estimator", "biased", "--device", "cpu", "--quiet", "--force",
                        "--output", f"{self.folder}/result")

    def fault(self, path, arrays, data):
        """What is wrong with how the tool takes the file; None where nothing is."""
        run = self.run("inspect", "--json", path)
        layers = {name: array for name, array in (arrays or {}).items() if not no_layer(array)}
        if not layers:
            # Numbers that nobody has read yet may be damaged.
            if run.returncode == 0: run = self.compare(path)
            return None if run.returncode == 65 else f"ends with {run.returncode}, expected 65"
        if run.returncode == 65 and any(isinstance(array, Exception) for array in arrays.values()):
            # A damaged array ends the reading, one of another kind than numbers does not.
            return None
        if run.returncode: return run.stderr.strip()
        found = {layer["name"]: layer for layer in json.loads(run.stdout)["layers"]}
        if found.keys() != layers.keys(): return f"layers {list(found)}, expected {list(layers)}"
        for name, array in layers.items():
            right = [list(array.shape), type_name(array.dtype), is_swapped(array, data)]
            layer = found[name]
            if [layer["shape"], layer["scalarType"], layer["isByteSwapped"]] != right:
                return f"{name} is {layer}, expected {right}"
        return self.fault_of_numbers(path, layers)

    def fault_of_numbers(self, path, arrays):
        """Each layer's CKA with what NumPy read of it is 1; float32 rounds it by some 1e-6."""
        counts = {len(array) for array in arrays.values()}
        if counts != {EXAMPLES} or any(array.dtype.kind == "V" for array in arrays.values()): return None
        if not any(varies(array) for array in arrays.values()): return None
        np.savez(f"{self.folder}/read.npz", **{name: array.astype("f8") for name, array in arrays.items()})
        run = self.compare(path, f"{self.folder}/read.npz")
        if run.returncode: return run.stderr.strip()
        with open(f"{self.folder}/result/result.json") as stream: rows = json.load(stream)["models"][0]["layers"]
        scores = np.load(f"{self.folder}/result/cka.npy")
        for row, layer in enumerate(rows):
            name = layer["name"]
            score = scores[row, list(arrays).index(name)]
            if varies(arrays[name]) and not abs(score - 1) <= 1e-5:
                return f"CKA of {name} with its numbers is {score}"
        return None


def describe(arrays):
    return [(name, getattr(array, "dtype", array), np.shape(array)) for name, array in arrays.items()]


def check(kind, tool, rng, count, kinds):
    write, load, differs = (globals()[f"{verb}_{kind}"] for verb in ["write", "load", "differs"])
    path = f"{tool.folder}/a.{kind}"
    bad = 0
    for index in range(count):
        write(rng, path)
        with open(path, "rb") as stream: data = stream.read()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                arrays, error = load(path), None
        except Exception as caught:  # The libraries raise what their parts raise.
            arrays, error = None, caught
        fault = tool.fault(path, arrays, data)
        outcome = "refused by both" if arrays is None else "read by both"
        if fault:
            reason = differs(data, arrays, error, fault)
            outcome = f"different on purpose: {reason}"
            if reason is None:
                outcome = "different"
                bad += 1
                print(f"{kind} {index}: {fault}\n    {error or describe(arrays)}\n    {data[:120]!r}")
        kinds[kind, outcome] += 1
    return bad


def main():
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    kinds, bad = collections.Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        tool = Tool(sys.argv[1], folder)
        for kind in ["npy", "npz", "hdf5"]:
            bad += check(kind, tool, random.Random(0), count, kinds)
    for (kind, outcome), number in sorted(kinds.items()): print(f"{number:6} {kind:5} {outcome}")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
