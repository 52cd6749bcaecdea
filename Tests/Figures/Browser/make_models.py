"""Write models whose reports are looked at in a browser.

    make_models.py FOLDER

FOLDER/large/model.safetensors has 576 layers, of which one is constant and one has a name of markup;
FOLDER/net-seed0.npz … are three small networks of one architecture, FOLDER/other.npz is one of another;
FOLDER/blocky.npz has 24 layers, of which those from 8 to 17 are alike;
FOLDER/labels.npy are the labels of the examples of net-seed0, which its first layers tell, and
FOLDER/wide0.npy … and FOLDER/deep0.npy … what networks predict of them.
"""

import json
import struct
import sys
from pathlib import Path

import numpy

MARKUP = "</script><script>broken = 1</script><img src=x onerror='broken = 1'>&amp;{{script}}"


def walk(generator, layers, examples, features):
    """Activations that change from layer to layer, so that neighbors are alike."""
    layer = generator.standard_normal((examples, features), numpy.float32)
    for _ in range(layers):
        yield layer
        layer = 0.97 * layer + 0.25 * generator.standard_normal((examples, features), numpy.float32)


def write_safetensors(path, layers):
    header, place = {}, 0
    for name, values in layers.items():
        header[name] = {
            "dtype": "F32", "shape": list(values.shape), "data_offsets": [place, place + values.nbytes]
        }
        place += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for values in layers.values():
            file.write(values.tobytes())


def main():
    folder = Path(sys.argv[1])
    large = folder / "large"
    large.mkdir(parents=True)
    names = [f"stage{index // 144 + 1}.layer{index}" for index in range(576)]
    names[100] = MARKUP
    values = list(walk(numpy.random.default_rng(0), 576, 96, 12))
    values[200] = numpy.ones_like(values[200])
    write_safetensors(large / "model.safetensors", dict(zip(names, values)))
    stages = [{"name": name, "stage": f"stage{i // 144 + 1}"} for i, name in enumerate(names)]
    (large / "layers.json").write_text(json.dumps({"layers": stages}))
    for name, seed, layers in (("net-seed0", 1, 9), ("net-seed1", 2, 9), ("net-seed2", 3, 9), ("other", 4, 5)):
        arrays = walk(numpy.random.default_rng(seed), layers, 64, 10)
        numpy.savez(folder / f"{name}.npz", **{f"layer{i}": a for i, a in enumerate(arrays)})
    generator = numpy.random.default_rng(5)
    shared = generator.standard_normal((96, 24), numpy.float32)
    layers = [generator.standard_normal((96, 24), numpy.float32) for _ in range(24)]
    for index in range(8, 18):
        layers[index] = shared + 0.45 * layers[index]
    numpy.savez(folder / "blocky.npz", **{f"layer{i}": a for i, a in enumerate(layers)})
    write_predictions(folder)


def write_predictions(folder):
    generator = numpy.random.default_rng(6)
    labels = numpy.load(folder / "net-seed0.npz")["layer0"][:, :4].argmax(axis=1)
    numpy.save(folder / "labels.npy", labels)
    for group, spread in (("wide", 0.7), ("deep", 1.0)):
        for network in range(4):
            logits = 2 * numpy.eye(4)[labels] + spread * generator.standard_normal((64, 4))
            odds = numpy.exp(logits)
            numpy.save(folder / f"{group}{network}.npy", odds / odds.sum(axis=1, keepdims=True))


if __name__ == "__main__":
    main()
