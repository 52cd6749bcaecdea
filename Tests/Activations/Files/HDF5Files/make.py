#!/usr/bin/env python3
"""Write the HDF5 files of this folder, with h5py (the committed ones: h5py 3.16, HDF5 2.0).

Number k of every array is (37 k + 11) % 251 - 125, for floats divided by 8, for unsigned
integers plus 125, for bool whether it is odd: all types hold their numbers exactly.
"""

import struct
from pathlib import Path

import h5py
import numpy

HERE = Path(__file__).resolve().parent
EARLIEST = ("earliest", "v110")
LATEST = ("v110", "v110")


def numbers(shape, kind="f4"):
    dtype = numpy.dtype(kind)
    values = (37 * numpy.arange(numpy.prod(shape, dtype=int)) + 11) % 251 - 125
    values = values.reshape(shape)
    if dtype.kind == "f":
        return (values / 8).astype(dtype)
    if dtype.kind == "u":
        return (values + 125).astype(dtype)
    if dtype.kind == "b":
        return values % 2 == 1
    return values.astype(dtype)


def create(name, libver=EARLIEST, **options):
    return h5py.File(HERE / f"{name}.h5", "w", libver=libver, **options)


def types():
    with create("types") as file:
        for kind in "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8".split():
            file[f"{kind}-little"] = numbers((6, 5), "<" + kind)
            file[f"{kind}-big"] = numbers((6, 5), ">" + kind)
        file["bool"] = numbers((6, 5), "?")
        # bfloat16: the upper half of a float32.
        kind = h5py.h5t.IEEE_F32LE.copy()
        kind.set_fields(15, 7, 8, 0, 7)
        kind.set_size(2)
        kind.set_ebias(127)
        space = h5py.h5s.create_simple((6, 5))
        data = h5py.h5d.create(file.id, b"bfloat16", kind, space)
        data.write(h5py.h5s.ALL, h5py.h5s.ALL, numbers((6, 5)), h5py.h5t.IEEE_F32LE)


def layouts(name, libver):
    """The same array in every layout; the last version has other indices of chunks."""
    with create(name, libver) as file:
        shape = (23, 5, 4, 3)
        values = numbers(shape)
        file.create_dataset("contiguous", data=values)
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple(shape)
        compact = h5py.h5d.create(file.id, b"compact", h5py.h5t.IEEE_F32LE, space, properties)
        compact.write(h5py.h5s.ALL, h5py.h5s.ALL, values)
        chunked = {
            "rows": dict(chunks=(4, 5, 4, 3)),
            "one": dict(chunks=shape),
            "all-axes": dict(chunks=(7, 2, 3, 2)),
            "gzip": dict(chunks=(8, 5, 4, 3), compression="gzip"),
            "gzip-all-axes": dict(chunks=(8, 3, 3, 2), compression="gzip"),
            "shuffle": dict(chunks=(8, 5, 4, 3), shuffle=True),
            "fletcher32": dict(chunks=(3, 5, 4, 1), fletcher32=True),
            "everything": dict(
                chunks=(5, 5, 3, 3), compression="gzip", shuffle=True, fletcher32=True
            ),
            "extensible": dict(chunks=(6, 5, 4, 3), maxshape=(None, 5, 4, 3), compression="gzip"),
            "extensible-all": dict(chunks=(6, 5, 4, 2), maxshape=(None,) * 4),
        }
        for layer, options in chunked.items():
            file.create_dataset(layer, data=values, **options)
        file.create_dataset(
            "half-big",
            data=numbers(shape, ">f2"),
            chunks=(5, 5, 3, 3),
            compression="gzip",
            shuffle=True,
        )


def groups():
    with create("groups") as file:
        for name in ["stage10/conv", "stage2/conv10", "stage2/conv9", "fc", "stage2/deep/er/x"]:
            file[name] = numbers((4, 3))
        file["again"] = h5py.SoftLink("/stage2/deep/er/x")
        file["type"] = numpy.dtype("f8")
    with create("tracked", track_order=True) as file:
        for name in ["zeta", "b10", "b9", "alpha"]:
            group = file.create_group(name, track_order=name != "b9")
            group["y"] = numbers((4, 3))
            group["x"] = numbers((4, 3))
    with create("userblock", userblock_size=1024) as file:
        file["x"] = numbers((4, 3))
        file.create_dataset("y", data=numbers((4, 3)), chunks=(2, 3), compression="gzip")


def lzf():
    """What h5py's own filter packs: numbers that repeat, and some that it leaves as they are."""
    with create("lzf") as file:
        values = numbers((23, 5, 4, 3))
        options = dict(chunks=(5, 5, 3, 3), compression="lzf")
        file.create_dataset("plain", data=values, **options)
        file.create_dataset("shuffle", data=values, shuffle=True, **options)
        file.create_dataset("checksum", data=values, fletcher32=True, **options)
        file.create_dataset("everything", data=values, shuffle=True, fletcher32=True, **options)
        # Long copies of what came just before, and chunks that LZF makes no smaller.
        zeros = numpy.zeros((23, 300), "f4")
        file.create_dataset("zeros", data=zeros, chunks=(6, 300), compression="lzf")
        noise = numpy.random.default_rng(0).integers(0, 256, (23, 300), "u1")
        file.create_dataset("noise", data=noise, chunks=(6, 300), compression="lzf")
        file.create_dataset("noise-stored", data=noise)


def matlab():
    """As MATLAB writes version 7.3: axes in reverse, the class an attribute; cells point elsewhere."""
    with create("matlab", userblock_size=512) as file:

        def array(name, values, kind, **options):
            data = file.create_dataset(name, data=values.T, **options)
            data.attrs["MATLAB_class"] = numpy.bytes_(kind)
            return data

        array("double", numbers((6, 5), "f8"), "double")
        array("packed", numbers((6, 5)), "single", chunks=(2, 4), compression="gzip", shuffle=True)
        array("map", numbers((6, 2, 3, 4)), "single")
        array("int8", numbers((6, 5), "i1"), "int8")
        array("logical", numbers((6, 5), "?").astype("u1"), "logical")
        array("column", numbers((6, 1)), "single")
        file.create_group("net").attrs["MATLAB_class"] = numpy.bytes_("struct")
        array("net/conv1", numbers((6, 5), "u2"), "uint16")
        array("text", numpy.array([[104, 105]], "u2"), "char").attrs["MATLAB_int_decode"] = 2
        array("empty", numpy.array([0, 5], "u8"), "double").attrs["MATLAB_empty"] = 1
        array("#refs#/a", numbers((6, 5)), "single")
        file.create_dataset(
            "cells", (1, 1), h5py.ref_dtype, data=[[file["#refs#/a"].ref]]
        ).attrs["MATLAB_class"] = numpy.bytes_("cell")
        sparse = file.create_group("sparse")
        sparse.attrs["MATLAB_class"] = numpy.bytes_("double")
        sparse.attrs["MATLAB_sparse"] = numpy.uint64(6)
        sparse["data"] = numbers((6,))
    with open(HERE / "matlab.h5", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM")


def mixed():
    """Layers beside everything that is none."""
    # With a user block, as MATLAB writes one: all addresses count from its end.
    with create("mixed", userblock_size=512) as file:
        file["a"] = numbers((4, 3))
        file["group/b"] = numbers((4, 2))
        file["epoch"] = 3
        file["names"] = numpy.array([b"one", b"two"])
        file["table"] = numpy.ones(4, [("a", "f4"), ("b", "i4")])
        file["elsewhere"] = h5py.ExternalLink("types.h5", "bool")
        file["nowhere"] = h5py.SoftLink("/void")
        file["loop"] = h5py.SoftLink("/group")
        file["other"] = numbers((5, 3))
        file.create_dataset("unwritten", (4, 3), "f4")
        file.create_dataset("chunks", (4, 3), "f4", chunks=(2, 3))
        file.create_dataset("packed", data=numbers((4, 3), "i4"), scaleoffset=0)


def names():
    """Names that are not UTF-8, of a dataset and of a group, and two that look the same."""
    with create("names") as file:
        file["\u00e9"] = numbers((4, 3))
        file["e\u0301"] = numbers((4, 2))
        file[b"caf\xe9"] = numbers((4, 3))
        file[b"caf\xe8"] = numbers((4, 3))
        file.create_group(b"gr\xe9")["in"] = numbers((4, 3))


def newer():
    """What HDF5 1.10 does not know: the layout of HDF5 2.0, and a superblock to come."""
    with create("refused-newer", ("v200", "v200")) as file:
        file.create_dataset("x", data=numbers((8, 3)), chunks=(2, 3), compression="gzip")
    with create("refused-newest", LATEST) as file:
        file["x"] = numbers((4, 3))
    path = HERE / "refused-newest.h5"
    content = bytearray(path.read_bytes())
    content[8] = 9
    path.write_bytes(content)


def one(name, **options):
    def decorate(write):
        with create(f"refused-{name}", **options) as file:
            write(file)

    return decorate


def refused():
    one("complex")(lambda f: f.create_dataset("x", data=numpy.ones((4, 3), "c8")))
    one("compound")(lambda f: f.create_dataset("x", data=numpy.ones(4, [("a", "f4"), ("b", "i4")])))
    one("strings")(lambda f: f.create_dataset("x", data=numpy.array([b"one", b"two"])))
    one("text")(lambda f: f.create_dataset("x", data=["one", "two"], dtype=h5py.string_dtype()))
    one("opaque")(
        lambda f: f.create_dataset("x", data=numpy.zeros(4, "V8"))
    )
    one("enumeration")(
        lambda f: f.create_dataset("x", (4,), h5py.enum_dtype({"RED": 0, "BLUE": 1}, "i1"), data=[0] * 4)
    )
    one("array")(lambda f: f.create_dataset("x", (4,), numpy.dtype("(3,)f4")))
    one("null")(lambda f: f.create_dataset("x", data=h5py.Empty("f4")))
    one("scalar")(lambda f: f.create_dataset("x", data=1.0))
    one("no-examples")(lambda f: f.create_dataset("x", (0, 3), "f4"))
    one("nothing")(lambda f: f.create_group("stage1"))
    one("unwritten")(lambda f: f.create_dataset("x", (4, 3), "f4"))
    one("scaleoffset")(lambda f: f.create_dataset("x", data=numbers((4, 3), "i4"), scaleoffset=0))
    one("external-link")(lambda f: f.update({"x": h5py.ExternalLink("types.h5", "bool")}))
    one("soft-external")(
        lambda f: f.update(
            {"there": h5py.ExternalLink("types.h5", "/"), "a": h5py.SoftLink("/there/bool")}
        )
    )
    one("dangling")(lambda f: f.update({"x": h5py.SoftLink("/nowhere")}))
    one("soft-loop")(lambda f: f.update({"x": h5py.SoftLink("/y"), "y": h5py.SoftLink("/x")}))
    one("unlike")(lambda f: f.update({"x": numbers((4, 3)), "y": numbers((5, 3))}))

    @one("references")
    def _(file):
        file.create_group("g")
        file.create_dataset("x", (2,), h5py.ref_dtype, data=[file["g"].ref] * 2)

    @one("variable")
    def _(file):
        file.create_dataset("x", (2,), h5py.vlen_dtype("f4"))

    @one("group-loop")
    def _(file):
        group = file.create_group("a/b")
        group["c"] = file["a"]

    @one("chunk-missing")
    def _(file):
        data = file.create_dataset("x", (8, 3), "f4", chunks=(2, 3), compression="gzip")
        data[:4] = 1

    @one("odd-integers")
    def _(file):
        kind = h5py.h5t.STD_I16LE.copy()
        kind.set_precision(12)
        h5py.h5d.create(file.id, b"x", kind, h5py.h5s.create_simple((4, 3))).write(
            h5py.h5s.ALL, h5py.h5s.ALL, numbers((4, 3), "i2"), h5py.h5t.STD_I16LE
        )

    @one("deep")
    def _(file):
        file["/".join(["g"] * 70)] = numbers((4, 3))

    @one("external-storage")
    def _(file):
        file.create_dataset("x", (4, 3), "f4", external=[("numbers.bin", 0, 48)])

    @one("virtual", libver=LATEST)
    def _(file):
        layout = h5py.VirtualLayout((6, 5), "i2")
        layout[:] = h5py.VirtualSource("types.h5", "i2-little", (6, 5))
        file.create_virtual_dataset("x", layout)


def claims():
    """Files that claim more than they hold."""

    def patch(name, old, new):
        path = HERE / f"refused-{name}.h5"
        content = path.read_bytes()
        assert old in content
        path.write_bytes(content.replace(old, new))

    def axes(*lengths):
        return struct.pack(f"<{len(lengths)}Q", *lengths)

    one("claims-examples")(lambda f: f.create_dataset("x", data=numbers((4, 3))))
    patch("claims-examples", axes(4, 3), axes(1 << 40, 3))
    one("claims-bytes")(lambda f: f.create_dataset("x", data=numbers((4, 3))))
    patch("claims-bytes", axes(4, 3), axes(1 << 36, 3))
    patch("claims-bytes", axes(48), axes(12 << 36))
    for name in ["claims-chunks", "claims-chunk-bytes"]:
        one(name)(
            lambda f: f.create_dataset(
                "x", data=numbers((8, 3)), chunks=(2, 3), maxshape=(None, None), compression="gzip"
            )
        )
    patch("claims-chunks", axes(8, 3), axes(1 << 40, 3))
    one("claims-axis")(lambda f: f.create_dataset("x", (2**63 - 1,), "i1", chunks=(1024,)))
    lengths = struct.pack("<III", 2, 3, 4)
    patch("claims-chunk-bytes", lengths, struct.pack("<III", 1 << 15, 1 << 14, 4))


types()
layouts("layouts", EARLIEST)
layouts("layouts-latest", LATEST)
groups()
lzf()
matlab()
mixed()
names()
newer()
refused()
claims()
