"""The inputs of all runs: the example networks and small seeded models, in files of every kind, and bad ones."""

import json
import os
import shutil
import struct
import zipfile
import zlib

import numpy as np

EXAMPLES = 96
SAFETENSORS = {"float16": "F16", "float32": "F32", "float64": "F64", "int16": "I16", "uint8": "U8", "bool": "BOOL"}


def walk(seed, layers, examples=EXAMPLES, features=10, step=0.25):
    """Activations that change from layer to layer, so that neighbors are alike."""
    generator = np.random.default_rng(seed)
    layer = generator.standard_normal((examples, features))
    arrays = {}
    for index in range(layers):
        arrays[f"layer{index}"] = layer.astype(np.float32)
        layer = 0.97 * layer + step * generator.standard_normal((examples, features))
    return arrays


def write_folder(folder, arrays, document=None, ids=None):
    folder.mkdir(parents=True)
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    if document is not None:
        (folder / "layers.json").write_text(json.dumps(document))
    if ids is not None:
        (folder / "examples.txt").write_text("".join(f"{name}\n" for name in ids))


def write_safetensors(path, arrays, metadata=None):
    """Arrays, or pairs of a type's name and bytes with a shape."""
    header, place, blocks = {"__metadata__": metadata} if metadata else {}, 0, []
    for name, values in arrays.items():
        kind, shape, block = values if isinstance(values, tuple) else (
            SAFETENSORS[values.dtype.name], values.shape, values.tobytes())
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [place, place + len(block)]}
        place += len(block)
        blocks.append(block)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def bfloat16(values):
    """The upper halves of float32 numbers, as safetensors holds them."""
    halves = (np.ascontiguousarray(values, "<f4").view("<u4") >> 16).astype("<u2")
    return "BF16", values.shape, halves.tobytes()


def write_networks(folder):
    """Models of one architecture and of others, in each kind of file."""
    for seed in range(3):
        np.savez(folder / f"net-seed{seed}.npz", **walk(seed + 1, 7))
    np.savez_compressed(folder / "other.npz", **walk(4, 5, features=17))
    write_folder(folder / "rows", walk(5, 12, features=33))
    arrays = walk(6, 4, features=20)
    layers = [{"name": f"layer{i}", "stage": f"stage{i // 2}"} for i in (1, 0, 3, 2)]
    write_safetensors(folder / "plain.safetensors", arrays, {"cka.layers": json.dumps(layers)})
    write_safetensors(folder / "halves.safetensors", {
        "brain": bfloat16(arrays["layer0"]), "half": arrays["layer1"].astype(np.float16),
        "double": arrays["layer2"].astype(np.float64), "eighth": ("F8_E4M3", (EXAMPLES, 8), bytes(
            np.random.default_rng(7).integers(0, 120, EXAMPLES * 8, np.uint8)))})
    np.save(folder / "single.npy", arrays["layer3"])
    np.save(folder / "vector.npy", arrays["layer3"][:, 0])
    np.save(folder / "double.npy", arrays["layer3"].astype(np.float64))
    np.save(folder / "half.npy", arrays["layer3"].astype(np.float16))
    for name, count in (("shards", 3), ("tensor-shards", 2)):
        (folder / name).mkdir()
        for place, rows in enumerate(np.array_split(np.arange(EXAMPLES), count)):
            part = {key: values[rows] for key, values in walk(1, 7).items()}
            if name == "shards":
                np.savez(folder / name / f"part{place + 9}.npz", **part)
            else:
                write_safetensors(folder / name / f"part{place + 9}.safetensors", part)
    # One layer of each type, in both byte orders and memory orders.
    generator = np.random.default_rng(8)
    types = {
        code.replace("<", "little-").replace(">", "big-").replace("|", "byte-"):
        generator.integers(0, 2 if "b" in code else 90, (EXAMPLES, 6)).astype(code)
        for code in "<f2 >f2 <f4 >f4 <f8 >f8 |i1 |u1 <i2 >i2 <u2 <i4 >i4 <u4 <i8 >i8 <u8 >u8 |b1".split()
    }
    types["fortran"] = np.asfortranarray(generator.standard_normal((EXAMPLES, 9)).astype(np.float32))
    write_folder(folder / "types", types)
    maps = {f"conv{i}": generator.standard_normal((EXAMPLES, 4, 3, 3)).astype(np.float32) for i in range(3)}
    maps["tokens"] = generator.standard_normal((EXAMPLES, 5, 8)).astype(np.float16)
    maps["head"] = generator.standard_normal((EXAMPLES, 10)).astype(np.float32)
    write_folder(folder / "maps", maps)
    layouts = {name: "channels-last" if name == "tokens" else "channels-first" for name in maps}
    places = [{"name": name, "stage": name[:4], "layout": layout} for name, layout in layouts.items()]
    write_folder(folder / "laid-out", maps, {"layers": places})
    lengths = generator.integers(1, 6, EXAMPLES)
    flags = np.arange(5) < lengths[:, None]
    tokens = {f"hidden{i}": generator.standard_normal((EXAMPLES, 5, 8)).astype(np.float32) for i in range(3)}
    for values in tokens.values():
        values[~flags] = np.nan
    write_folder(folder / "tokens", tokens)
    np.save(folder / "mask.npy", flags)
    names = [f"image/{i:03}.png" for i in range(EXAMPLES)]
    order = generator.permutation(EXAMPLES)
    write_folder(folder / "ids", arrays, ids=names)
    shuffled = {name: values[order] for name, values in walk(9, 3).items()}
    write_folder(folder / "ids-shuffled", shuffled, {"examples": [names[i] for i in order]})


def write_hard(folder):
    """Layers without a value, with few digits, with blocks, and more examples than minibatches take."""
    arrays = walk(10, 8, features=12)
    arrays["layer1"][:] = 3
    arrays["layer3"][5, 2], arrays["layer3"][9, 1] = np.nan, np.inf
    arrays["layer5"][0] *= 1e6
    arrays["layer6"][:] = 0.1
    arrays["layer6"][7] = 0.2
    turned = np.linalg.qr(arrays["layer7"] - arrays["layer7"].mean(axis=0, dtype=np.float64))[0]
    arrays["layer7"] = (turned * 8).astype(np.float32)  # All components have the same variance.
    np.savez(folder / "hard.npz", **arrays)
    generator = np.random.default_rng(11)
    shared = generator.standard_normal((EXAMPLES, 24))
    noise = [generator.standard_normal((EXAMPLES, 24)) for _ in range(24)]
    np.savez(folder / "blocky.npz", **{
        f"layer{i}": (shared + 0.45 * values if 8 <= i < 18 else values).astype(np.float32)
        for i, values in enumerate(noise)})
    many = {**walk(12, 3, 1500, 12), **{f"wide{k[5:]}": v for k, v in walk(13, 2, 1500, 700).items()}}
    np.savez(folder / "many.npz", **many)
    np.savez(folder / "large.npz", **walk(14, 4, 6000, 40))
    np.savez(folder / "few.npz", **walk(15, 3, 3))
    write_safetensors(folder / "names.safetensors", {
        name: np.float32(values) for name, values in zip(("<script>&amp;", "naïve \u202e☃", 'a"b,c'), noise)})


def write_predictions(folder):
    """Labels of the examples of net-seed0, and what two kinds of networks predict of them."""
    generator = np.random.default_rng(16)
    labels = np.load(folder / "net-seed0.npz")["layer0"][:, :4].argmax(axis=1)
    np.save(folder / "labels.npy", labels)
    for group, spread in (("wide", 0.7), ("deep", 1.0)):
        for network in range(4):
            logits = 2 * np.eye(4)[labels] + spread * generator.standard_normal((EXAMPLES, 4))
            odds = np.exp(logits)
            np.save(folder / f"{group}{network}.npy", odds / odds.sum(axis=1, keepdims=True))
            np.save(folder / f"logits-{group}{network}.npy", logits.astype(np.float32))
            np.save(folder / f"classes-{group}{network}.npy", logits.argmax(axis=1))
    (folder / "class-names.txt").write_text("ant\nbee\ncat\ndog\n")
    (folder / "tree.json").write_text('{"insect": ["ant", "bee"], "mammal": ["cat", "dog"], "pet": ["cat", "dog"]}')
    (folder / "tree.csv").write_text("child,parent\nant,insect\nbee,insect\ncat,mammal\ndog,mammal\n")
    (folder / "groups.csv").write_text(
        "model,group,seed\nnet-seed0,net,0\nnet-seed1,net,1\nnet-seed2,net,2\nother,other,\n")


def write_bad(folder):
    """What is no model, each in a path of its own."""
    folder.mkdir()
    good = walk(17, 3)
    block = (folder.parent / "single.npy").read_bytes()
    (folder / "cut.npy").write_bytes(block[:-100])
    (folder / "long.npy").write_bytes(block + b"more")
    (folder / "head.npy").write_bytes(block[:40])
    (folder / "huge.npy").write_bytes(block.replace(b"(96, 20), }      ", b"(99999999, 20), }", 1))
    (folder / "text.npy").write_text("no numbers\n")
    (folder / "nothing.npy").write_bytes(b"")
    np.save(folder / "scalar.npy", np.float32(3))
    np.save(folder / "complex.npy", np.ones((8, 3), np.complex64))
    np.save(folder / "strings.npy", np.array(["a", "b"]))
    np.save(folder / "objects.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    np.save(folder / "structured.npy", np.zeros(9, dtype=[("a", "f4"), ("b", "i4")]))
    np.save(folder / "no-examples.npy", np.zeros((0, 4), np.float32))
    np.save(folder / "no-features.npy", np.zeros((9, 0), np.float32))
    np.savez(folder / "unlike.npz", a=np.ones((8, 3)), b=np.ones((9, 3)))
    np.savez(folder / "fewer.npz", **walk(18, 2, EXAMPLES - 6))
    np.savez_compressed(folder / "crc.npz", **good)
    damaged = bytearray((folder / "crc.npz").read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    (folder / "crc.npz").write_bytes(damaged)
    (folder / "cut.npz").write_bytes(bytes(damaged[:-200]))
    with zipfile.ZipFile(folder / "model.pt", "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
    write_safetensors(folder / "good.safetensors", good)
    whole = (folder / "good.safetensors").read_bytes()
    (folder / "cut.safetensors").write_bytes(whole[:-7])
    (folder / "overlap.safetensors").write_bytes(whole.replace(b"[3840,", b"[3836,", 1))
    (folder / "json.safetensors").write_bytes(whole[:8] + b"[" + whole[9:])
    (folder / "empty").mkdir()
    for name, document in (("json", "{"), ("missing-layer", '{"layers": [{"name": "layer9"}]}'),
                           ("unknown-key", '{"colour": 1}'), ("ids-count", '{"examples": ["a", "b"]}')):
        write_folder(folder / name, good)
        (folder / name / "layers.json").write_text(document)
    write_folder(folder / "ids-twice", good, ids=["same"] * EXAMPLES)
    write_folder(folder / "skipped", {**good, "number": np.float32(1), "words": np.array(["a"] * EXAMPLES)})
    (folder / "mixed").mkdir()
    np.save(folder / "mixed" / "a.npy", good["layer0"])
    np.savez(folder / "mixed" / "b.npz", **good)
    os.mkfifo(folder / "fifo.npy")
    (folder / "loop.npy").symlink_to("loop.npy")
    np.save(folder / "labels-short.npy", np.arange(5))
    np.save(folder / "labels-negative.npy", -np.arange(EXAMPLES))
    np.save(folder / "labels-gap.npy", np.arange(EXAMPLES) % 3 * 2)
    np.save(folder / "labels-float.npy", np.linspace(0, 1, EXAMPLES))
    np.save(folder / "odds.npy", np.full((EXAMPLES, 4), 0.3))
    (folder / "groups.csv").write_text("model,set\nnet-seed0,net\n")
    (folder / "tree.json").write_text('{"insect": ["wasp"]}')
    assert zlib.crc32(whole) != zlib.crc32((folder / "overlap.safetensors").read_bytes())


def make(folder, root):
    """Fills a folder that is not there yet from the repository's root and from seeds."""
    folder.mkdir()
    digits = root / "Examples" / "digits" / "activations"
    shutil.copytree(digits / "depth20-width1-seed0", folder / "deep")
    shutil.copytree(digits / "depth8-width4-seed0", folder / "wide")
    shutil.copy(digits / "labels.npy", folder / "digits.npy")
    shutil.copytree(root / "Tests" / "Activations" / "Files" / "HDF5Files", folder / "hdf5")
    write_networks(folder)
    write_hard(folder)
    write_predictions(folder)
    write_bad(folder / "bad")
