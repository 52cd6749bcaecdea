"""Values of SciPy 1.17.1 and statsmodels 0.15.0 (NumPy 2.4.6, mpmath) that the tests of `Statistics` hold against.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 mpmath==1.4.1
    venv/bin/python Tests/Fixtures/distributions.py > Tests/Fixtures/distributions.json

Tails are made by mpmath with 60 digits and must agree with SciPy, which has up to 5e-12 of them wrong.
"""

import json

import mpmath==1.4.1
import numpy
from scipy import special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

random = numpy.random.default_rng(20201015)


mpmath.mp.dps = 60


def agreed(first, second, within=2e-13):
    assert first == second or abs(first - second) <= within * abs(first), (first, second)
    return float(first)


def student_tail(nu, t):
    nu, t = mpmath.mpf(nu), mpmath.mpf(t)
    return mpmath.betainc(nu / 2, mpmath.mpf(1) / 2, 0, nu / (nu + t * t), regularized=True)


# SciPy's stdtr takes 1 for the tail of t = 1e-9 with one degree of freedom (1 - 6.4e-10).
student = [
    [nu, t, agreed(student_tail(nu, t), 2 * special.stdtr(nu, -t), 2e-12 if t > 1e-9 else 1e-8)]
    for nu in [1, 1.7, 2, 3.3, 5, 8, 19.4, 60, 197.99, 1e3, 1e5]
    for t in [0, 1e-9, 0.01, 0.3, 1, 1.96, 2.7, 5, 12, 40, 300]
    if 2 * special.stdtr(nu, -t) > 1e-290
]
critical = [
    [nu, p, float(stats.t.isf(p / 2, nu))]
    for nu in [1, 2.5, 4, 11.3, 40, 900]
    for p in [0.5, 0.1, 0.05, 0.01, 1e-4]
]
normal = [[z, float(special.ndtr(z))] for z in [-37, -9, -5, -1.96, -0.4, 0, 1e-3, 0.7, 2.33, 6]]

welch = []
for n, m in [(2, 2), (2, 9), (10, 7), (100, 100)]:
    a = numpy.round(random.normal(0.94, 0.003, n), 4)
    b = numpy.round(random.normal(0.942, 0.01, m), 4)
    result = stats.ttest_ind(a, b, equal_var=False)
    means = CompareMeans(DescrStatsW(a), DescrStatsW(b))
    t, p, df = means.ttest_ind(usevar="unequal")
    interval = means.tconfint_diff(alpha=0.05, usevar="unequal")
    agreed(t, result.statistic)
    welch.append({
        "a": a.tolist(), "b": b.tolist(), "t": float(result.statistic), "p": agreed(p, result.pvalue),
        "degreesOfFreedom": agreed(df, result.df), "interval": [float(x) for x in interval],
        "standardErrors": [float(stats.sem(a)), float(stats.sem(b))]})

holm = []
for values in [
    [0.03], [0.01, 0.04, 0.02, 0.5], [1e-20, 0.9, 0.9, 0.05, 0.05, 1, 0],
    numpy.round(random.uniform(0, 1, 40) ** 3, 6).tolist(),
]:
    adjusted = multipletests(values, method="holm-sidak")[1]
    holm.append([values, adjusted.tolist()])

print(json.dumps({
    "student": student, "critical": critical, "normal": normal,
    "welch": welch, "holmSidak": holm}, indent=1))
