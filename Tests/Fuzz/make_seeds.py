#!/usr/bin/env python3
"""Write the seeds that are made by a program: results, stores and what libhdf5 says of HDF5 files.

    python3 make_seeds.py CKA        needs numpy and h5py

Run it again after a format has changed. Seeds/READER holds whole files, which the reader must take, and
those it once failed on, `refused-…`, which it must refuse. Results/COMMAND holds what lies beside.
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy

HERE = Path(__file__).resolve().parent


def write_networks(folder):
    """Four networks of four layers for twenty examples of three classes, and what they predict."""
    rng = numpy.random.default_rng(0)
    classes = numpy.arange(20) % 3
    numpy.save(folder / "labels.npy", classes)
    for network in range(4):
        inputs = rng.normal(size=(20, 4)) + classes[:, None]
        layers = {}
        for depth in range(4):
            weights = rng.normal(size=(4, 4)) * (depth + 1) / 2
            layers[f"layer{depth}"] = numpy.tanh(inputs @ weights).astype("f4")
        numpy.savez(folder / f"net{network}.npz", **layers)
        predicted = numpy.where(rng.random(20) < 0.7, classes, (classes + 1) % 3)
        numpy.save(folder / f"classes{network}.npy", predicted)
        numpy.save(folder / f"shares{network}.npy", (numpy.eye(3)[predicted] * 0.7 + 0.1).astype("f4"))
    write_blocks(rng, inputs, folder / "blocks.npz")
    (folder / "models.csv").write_text("model,group,seed\nnet0,deep,0\nnet1,deep,1\nnet2,wide,0\n")


def write_blocks(rng, inputs, path):
    """Ten layers, of which the middle five are nearly the same, and a constant one."""
    middle = numpy.tanh(inputs @ rng.normal(size=(4, 4)))
    layers = {}
    for depth in range(10):
        layer = middle + 0.03 * rng.normal(size=middle.shape)
        if not 3 <= depth <= 7:
            layer = numpy.tanh(inputs @ rng.normal(size=(4, 4)) * depth) + 0.7 * rng.normal(size=middle.shape)
        layers[f"layer{depth}"] = layer.astype("f4")
    numpy.savez(path, **layers, constant=numpy.ones((20, 1)))


def groups(kind):
    return [f"--group=a={kind}0.npy,{kind}1.npy", f"--group=b={kind}2.npy,{kind}3.npy"]


def run_commands(cka, folder):
    def run(*words):
        device = [] if words[0] in ("errors", "blocks") else ["--device", "cpu"]
        # Documents name the command by what it was called.
        subprocess.run(["cka", *words, *device, "--quiet"], executable=cka, cwd=folder, check=True)

    run("compare", "blocks.npz", "--estimator", "unbiased", "--blocks", "--output", "compare")
    run("compare", "blocks.npz", "blocks.npz", "--name", "a", "--name", "b", "--kernel", "rbf", "--bandwidth", "1",
        "--output", "compare-two")
    run("sweep", "net0.npz", "net1.npz", "net2.npz", "--batch-size", "8", "--models-csv", "models.csv",
        "--output", "store")
    run("trust", "net0.npz", "net1.npz", "--cell", "layer1,layer2", "--permutations", "19", "--output", "trust")
    run("probe", "net0.npz", "--labels", "labels.npy", "--output", "probe")
    run("components", "net0.npz", "--output", "components")
    run("converge", "net0.npz", "--batch-sizes", "4,8", "--passes", "1,2", "--repeats", "3", "--output", "converge")
    run("errors", *groups("classes"), "--labels", "labels.npy", "--repeats", "10", "--output", "errors-classes")
    run("errors", *groups("shares"), "--labels", "labels.npy", "--repeats", "10", "--output", "errors")
    run("blocks", "compare", "--output", "blocks")
    if not json.loads((folder / "compare/result.json").read_text())["blocks"]:
        sys.exit("no block was found: nothing would be tried of them")


def copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def keep_result(command, folder):
    """The document is a seed, the arrays lie beside."""
    seeds = HERE / "Seeds" / command
    for document in folder.glob("*.json"):
        copy(document, seeds / f"{folder.name}.json")
    for array in folder.glob("**/*.npy"):
        copy(array, HERE / "Results" / command / array.relative_to(folder))


def keep_store(store):
    beside = HERE / "Results" / "store"
    for place in ["store.json", "models", "minibatches"]:
        source = store / place
        (copy if source.is_file() else shutil.copytree)(source, beside / place)
    for reader, pattern in [("store", "store.json"), ("entry", "models/*"), ("grams", "minibatches/1/grams/*"),
                            ("products", "minibatches/1/products/*")]:
        copy(sorted(beside.glob(pattern))[0], HERE / "Seeds" / reader / f"whole.{reader}")
    # A key that only some stores have. The minibatches are as large with two examples less.
    document = json.loads((beside / "store.json").read_text())
    document["content"]["dropped"] = [3, 7]
    document["content"]["settings"]["dropExamples"] = "non-finite"
    text = json.dumps(document, indent=2, separators=(",", " : ")) + "\n"
    (HERE / "Seeds" / "store" / "dropped.store").write_text(text)


def write_hdf5(folder):
    """Small files of all layouts, filters and kinds of types."""
    values = (numpy.arange(60) * 7 % 23).reshape(12, 5)
    def create(name, **options):
        return h5py.File(folder / f"{name}.h5", "w", **options)

    with create("contiguous") as file:
        file["a"], file["flags"], file["group/b10"] = values.astype("f4"), values > 5, values.astype(">i2")
        file["group/b2"] = h5py.SoftLink("/a")
    with create("chunks") as file:
        file.create_dataset("gzip", data=values.astype("f4"), chunks=(5, 3), compression="gzip", shuffle=True,
                            fletcher32=True)
    with create("lzf", libver=("v110", "v110")) as file:
        file.create_dataset("lzf", data=values.astype("u1"), chunks=(7, 5), compression="lzf")
    with create("compact", track_order=True) as file:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((12, 5))
        data = h5py.h5d.create(file.id, b"z", h5py.h5t.IEEE_F64LE, space, dcpl=properties)
        data.write(h5py.h5s.ALL, h5py.h5s.ALL, values.astype("f8"))
    with create("matlab") as file:
        file["m"] = values.T.astype("f8")
        file["m"].attrs["MATLAB_class"] = numpy.bytes_("double")


def keep_hdf5(cka, folder):
    """The answer of the process that runs libhdf5, behind its length, then the file."""
    greeting = b"cka-hdf5/1"
    (HERE / "Seeds" / "hdf5").mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("*.h5")):
        source, target = os.pipe()
        with open(path, "rb") as file:
            child = os.posix_spawn(
                cka, ["cka-reads-hdf5", "20", str(1 << 30)], os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, file.fileno(), 0), (os.POSIX_SPAWN_DUP2, target, 3)])
            os.close(target)
            with open(source, "rb") as pipe:
                answer = pipe.read()
            if os.waitpid(child, 0)[1] or answer[8:18] != greeting:
                sys.exit(f"{path.name}: no answer")
        answer = answer[18:]
        seed = struct.pack("<I", len(answer)) + answer + path.read_bytes()
        (HERE / "Seeds" / "hdf5" / f"{path.stem}.answer").write_bytes(seed)


def main():
    cka = str(Path(sys.argv[1]).resolve())
    shutil.rmtree(HERE / "Results", ignore_errors=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_networks(folder)
        run_commands(cka, folder)
        for result in folder.iterdir():
            if result.is_dir() and result.name != "store":
                keep_result(result.name.split("-")[0], result)
        keep_result("sweep", folder / "store" / "results")
        keep_store(folder / "store")
        write_hdf5(folder)
        keep_hdf5(cka, folder)


if __name__ == "__main__":
    main()
