"""CKA of layers that float32 has no digits left for: python3 float64.py > float64.json

mpmath 1.3.0, 60 digits, of the numbers as they are stored. Every HSIC is its definition: tr(KHLH)/(n−1)², or
Song et al. 2012, equation 5.
"""

import json

import numpy as np
from mpmath import exp, mp, mpf, sqrt

mp.dps = 60
N = 24
rng = np.random.default_rng(16)
plain = rng.standard_normal((N, 5))


def like(x, q):
    """A layer that has much in common with x."""
    return x @ rng.standard_normal((x.shape[1], q)) + rng.standard_normal((len(x), q))


def outlier(scale):
    x = plain.copy()
    x[7] *= scale
    return x


def pairs(distance):
    """Examples 2i and 2i + 1 differ by so little."""
    x = plain.copy()
    x[1::2] = x[::2] + distance * rng.standard_normal((N // 2, 5)) * (1 + np.arange(N // 2))[:, None] / 12
    return x


dominant = 1e4 * rng.standard_normal((N, 1)) @ rng.standard_normal((1, 5)) + plain
tiny = np.full((N, 3), 0.1, "f4")
tiny[:, 1] = np.where(np.arange(N) % 2 == 1, np.nextafter(np.float32(0.1), np.float32(1)), np.float32(0.1))
tiny[5, 2] = 0.1001

# Name, stored type, the layer, and RBF's σ where it is not the median's.
LAYERS = [
    ("offset of 1,000 deviations", "float32", plain + 1000, None),
    ("offset of 1e9 deviations", "float64", plain + 1e9, None),
    ("outlier of 1e4", "float32", outlier(1e4), None),
    ("outlier of 1e6", "float32", outlier(1e6), None),
    ("outlier of 1e8", "float32", outlier(1e8), None),
    ("outlier of 1e6, narrow kernel", "float32", outlier(1e6), 0.5),
    ("dominant component", "float32", dominant, None),
    ("near-duplicates of 1e-5, wide kernel", "float32", pairs(1e-5), None),
    ("near-duplicates of 1e-5, narrow kernel", "float32", pairs(1e-5), 1e-5),
    ("near-duplicates of 1e-9", "float64", pairs(1e-9), 1e-9),
    ("offset of 1e5 deviations", "float32", 1 + 1e-5 * plain, None),
    ("far below all distances", "float32", plain * 10, 1.0),
    ("subnormal", "float32", plain * 1e-41, None),
    ("1e-30", "float32", plain * 1e-30, None),
    ("1e30", "float32", plain * 1e30, None),
    ("1e-200", "float64", plain * 1e-200, None),
    ("1e200", "float64", plain * 1e200, None),
    ("outlier of 1e6 at 1e-30", "float32", outlier(1e6) * 1e-30, None),
    ("nearly constant", "float32", tiny, None),
]


def gram(x, kernel, sigma):
    rows = [[mpf(float(v)) for v in row] for row in x]
    n = len(rows)
    if kernel == "linear":
        return [[sum(a * b for a, b in zip(rows[i], rows[j])) for j in range(n)] for i in range(n)]
    d = [[sum((a - b) ** 2 for a, b in zip(rows[i], rows[j])) for j in range(n)] for i in range(n)]
    if sigma is None:
        ordered = sorted(v for row in d for v in row)
        square = (ordered[(n * n - 1) // 2] + ordered[n * n // 2]) / 2
    else:
        square = mpf(sigma) ** 2
    return [[exp(-v / (2 * square)) for v in row] for row in d] if square > 0 else None


def hsic(k, l, unbiased):
    n = len(k)
    if not unbiased:
        def centered(m):
            means = [sum(row) / n for row in m]
            mean = sum(means) / n
            return [[m[i][j] - means[i] - means[j] + mean for j in range(n)] for i in range(n)]
        a, b = centered(k), centered(l)
        return sum(a[i][j] * b[i][j] for i in range(n) for j in range(n)) / (n - 1) ** 2
    k = [[mpf(0) if i == j else k[i][j] for j in range(n)] for i in range(n)]
    l = [[mpf(0) if i == j else l[i][j] for j in range(n)] for i in range(n)]
    ks, ls = [sum(row) for row in k], [sum(row) for row in l]
    trace = sum(k[i][j] * l[i][j] for i in range(n) for j in range(n))
    cross = sum(a * b for a, b in zip(ks, ls))
    return (trace + sum(ks) * sum(ls) / ((n - 1) * (n - 2)) - 2 * cross / (n - 2)) / (n * (n - 3))


def cka(x, y, kernel, sigma, estimator):
    batches = [range(0, N // 2), range(N // 2, N)] if estimator == "minibatch" else [range(N)]
    xy = xx = yy = mpf(0)
    for batch in batches:
        k, l = gram(x[list(batch)], kernel, sigma), gram(y[list(batch)], kernel, sigma)
        if k is None:
            return None  # RBF's σ is 0
        xy += hsic(k, l, estimator != "biased")
        xx += hsic(k, k, estimator != "biased")
        yy += hsic(l, l, estimator != "biased")
    return float(xy / sqrt(xx) / sqrt(yy)) if xx > 0 and yy > 0 else None


cases = []
for name, kind, layer, sigma in LAYERS:
    stored = layer.astype("f4" if kind == "float32" else "f8")
    # In units of the layer, so that one σ serves both.
    unit = float(np.abs(stored - stored[0]).max()) or 1.0
    centered = (stored.astype("f8") - stored[0].astype("f8")) / unit
    partner = like(centered if sigma is None else plain, 4) * (1.0 if sigma is None else sigma)
    partner = partner.astype("f4")
    values = {
        f"{estimator} {kernel}": cka(stored, partner, kernel, sigma, estimator)
        for estimator in ("minibatch", "unbiased", "biased") for kernel in ("linear", "rbf")}
    cases.append(
        {"name": name, "type": kind, "sigma": sigma, "features": stored.shape[1],
         "left": [float(v) for v in stored.ravel()], "right": [float(v) for v in partner.ravel()], "cka": values})
print(json.dumps({"exampleCount": N, "cases": cases}, indent=0))
