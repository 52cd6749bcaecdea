"""The numbers of all bit patterns of float8, as ml_dtypes reads them: python3 float8.py > float8.json

ml_dtypes 0.6.0, NumPy 2.4.6.
"""

import json
import sys

import ml_dtypes
import numpy as np

bits = np.arange(256, dtype=np.uint8)
types = {"float8e4m3": ml_dtypes.float8_e4m3fn, "float8e5m2": ml_dtypes.float8_e5m2}
json.dump(
    {name: [repr(float(x)) for x in bits.view(t)] for name, t in types.items()}, sys.stdout, indent=1
)
print()
