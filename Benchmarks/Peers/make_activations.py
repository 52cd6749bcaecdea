#!/usr/bin/env python3
"""Write the synthetic activations of a model: a folder of .npy, float32, seeded.

    python3 make_activations.py --layers 100 --examples 2560 --seed 1 --output model1

The layers have 2,048 to 16,384 features, wide ones first as in a convolutional network, on
average 8,192. They are rectified mixtures of 16 signals that all models share and of noise that
grows with depth, so that their similarity is neither 0 nor 1, and their mean is not 0.
"""

import argparse
import json
from pathlib import Path

import numpy as np

WIDTHS = [16384, 10240, 8192, 4096, 2048]  # mean 8192
ROWS_AT_ONCE = 1024


def widths(layer_count):
    whole = layer_count // len(WIDTHS)
    return sorted(WIDTHS * whole + [8192] * (layer_count % len(WIDTHS)), reverse=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--layers", type=int, default=100)
    parser.add_argument("--examples", type=int, default=2560)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()

    signals = np.random.default_rng(0).standard_normal((arguments.examples, 16), np.float32)
    arguments.output.mkdir(parents=True)
    names = []
    for index, width in enumerate(widths(arguments.layers)):
        random = np.random.default_rng([arguments.seed, index])
        mixing = random.standard_normal((16, width), np.float32) / 4
        noise = np.float32(0.5 + index / arguments.layers)
        names.append(f"layer{index + 1:03d}")
        layer = np.lib.format.open_memmap(
            arguments.output / f"{names[-1]}.npy",
            mode="w+",
            dtype=np.float32,
            shape=(arguments.examples, width),
        )
        for start in range(0, arguments.examples, ROWS_AT_ONCE):
            rows = slice(start, min(start + ROWS_AT_ONCE, arguments.examples))
            values = random.standard_normal((rows.stop - start, width), np.float32)
            values *= noise
            values += signals[rows] @ mixing
            np.maximum(values, 0, out=layer[rows])
    description = {"layers": [{"name": name} for name in names]}
    (arguments.output / "layers.json").write_text(json.dumps(description))


if __name__ == "__main__":
    main()
