"""Writes outlines.json: maps of trained networks, and the blocks that two people outlined in their pictures before any
detector had seen them.

    python3 Tests/Fixtures/outlines.py STUDY

STUDY is the folder of `make paper` with the networks of Examples/fashion/outlines. A map is kept below its diagonal, in
steps of 1/255, as base64. NumPy 2.4.6.
"""

import base64
import json
import pathlib
import sys

import numpy as np

here = pathlib.Path(__file__)
outlines = here.parents[2] / "Examples" / "fashion" / "outlines"
first, second = (json.loads((outlines / f"{look}.json").read_text()) for look in ("first", "second"))
document = []
for name in sorted(first):
    with np.load(pathlib.Path(sys.argv[1]) / "results" / "maps" / f"{name}.npz") as found:
        cka = found["cka"]
    below = cka[np.tril_indices(len(cka), -1)]
    steps = np.round(255 * np.clip(below, 0, 1)).astype(np.uint8)
    document.append({
        "name": name, "layers": len(cka), "map": base64.b64encode(steps.tobytes()).decode(),
        "first": first[name], "second": second[name]})
here.with_suffix(".json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
