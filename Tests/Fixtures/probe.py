"""Linear probes of digits' activations by scikit-learn: python3 probe.py > probe.json

scikit-learn 1.9.1, NumPy 2.4.6. The split is scikit-learn's own and stored; the loss is computed from the
fitted weights, C·Σ −log p + ½‖W‖², intercepts free.
"""

import json
import pathlib
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

ACTIVATIONS = pathlib.Path(__file__).parents[2] / "Examples/digits/activations"
LABELS = np.load(ACTIVATIONS / "labels.npy")
CASES = [
    ("depth20-width1-seed0", "head.pool", 1.0),
    ("depth20-width1-seed0", "stage3.block1.add", 1.0),
    ("depth20-width1-seed0", "stage1.block2.relu1", 0.05),
    ("depth8-width4-seed0", "stage1.block1.relu1", 1.0),
    ("depth8-width4-seed0", "stage1.block1.relu1", 100.0),
    ("depth8-width4-seed0", "stage2.block1.conv1", 0.001),
    ("depth8-width4-seed0", "stem.conv", 0.1),
]


def case(model, layer, penalty, train, test):
    x = np.load(ACTIVATIONS / model / f"{layer}.npy").astype(np.float64).reshape(len(LABELS), -1)
    scaler = StandardScaler().fit(x[train])
    z, y = scaler.transform(x), LABELS
    fit = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=100_000).fit(z[train], y[train])
    logs = fit.predict_log_proba(z[train])
    own = logs[np.arange(len(train)), y[train]]
    return {
        "model": model,
        "layer": layer,
        "penalty": penalty,
        "features": x.shape[1],
        "objective": float(-own.sum() / penalty + (fit.coef_**2).sum() / 2),
        "trainAccuracy": float(fit.score(z[train], y[train])),
        "testAccuracy": float(fit.score(z[test], y[test])),
    }


train, test = train_test_split(np.arange(len(LABELS)), test_size=0.25, random_state=1, stratify=LABELS)
train, test = np.sort(train), np.sort(test)
json.dump(
    {
        "train": train.tolist(),
        "test": test.tolist(),
        "cases": [case(*settings, train, test) for settings in CASES],
    },
    sys.stdout,
    indent=1,
)
print()
