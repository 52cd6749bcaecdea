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


# Digits from 5 on against the others.
TWO_CLASSES = [
    ("depth20-width1-seed0", "head.pool", 1.0),
    ("depth8-width4-seed0", "stage2.block1.conv1", 1.0),
    ("depth8-width4-seed0", "stem.conv", 10.0),
]


def case(model, layer, penalty, train, test, labels=LABELS):
    x = np.load(ACTIVATIONS / model / f"{layer}.npy").astype(np.float64).reshape(len(LABELS), -1)
    scaler = StandardScaler().fit(x[train])
    z, y = scaler.transform(x), labels
    fit = LogisticRegression(C=1 / penalty, tol=1e-10, max_iter=100_000).fit(z[train], y[train])
    # Probabilities of two classes round to 0 and 1: from the scores, log p = −log(1 + exp(−score)).
    scores = fit.decision_function(z[train])
    if scores.ndim == 1:
        own = -np.logaddexp(0, np.where(y[train], -scores, scores))
    else:
        own = scores[np.arange(len(train)), y[train]] - np.logaddexp.reduce(scores, axis=1)
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
        "twoClasses": [case(*settings, train, test, LABELS > 4) for settings in TWO_CLASSES],
    },
    sys.stdout,
    indent=1,
)
print()
