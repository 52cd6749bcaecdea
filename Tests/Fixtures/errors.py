"""Two groups of networks' predictions and what NumPy, SciPy and statsmodels say of them, for the tests of
`Sources/CKA/Errors`. Nothing here shares code with what it tests; random halves follow
`Tests/Reference/cka_reference.py`.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0
    venv/bin/python Tests/Fixtures/errors.py > Tests/Fixtures/errors.json
"""

import itertools
import json
import sys
import warnings
from pathlib import Path

import numpy
import statsmodels.api
from scipy import stats
from scipy.spatial import distance
from statsmodels.stats.multitest import multipletests

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Reference"))
from cka_reference import permutation  # noqa: E402

N, C, A, B = 40, 4, 5, 4
SEED, REPEATS, LIMIT = 9, 6, 5
random = numpy.random.default_rng(62014)

labels = numpy.concatenate([numpy.arange(C), random.integers(0, C, N - C)])
# Some examples are easy, some impossible, some are easier for one group.
strength = random.normal(0.6, 1.4, N)
strength[:3], strength[3:5] = 9, -9
lead = numpy.where(random.uniform(size=N) < 0.3, random.normal(0, 2.5, N), 0)
logits = random.normal(0, 1, (A + B, N, C))
for network in range(A + B):
    sign = 1 if network < A else -1
    logits[network, numpy.arange(N), labels] += strength + sign * lead / 2
logits = numpy.round(logits, 3)
probabilities = numpy.exp(logits) / numpy.exp(logits).sum(axis=2, keepdims=True)
right = probabilities.argmax(axis=2) == labels
a, b = right[:A], right[A:]


def means(first, second):
    test = stats.ttest_ind(first, second, equal_var=False)
    low, high = test.confidence_interval(0.95)
    return {
        "first": float(first.mean()), "second": float(second.mean()),
        "errors": [float(stats.sem(first)), float(stats.sem(second))],
        "t": float(test.statistic), "degreesOfFreedom": float(test.df), "p": float(test.pvalue),
        "interval": [float(low), float(high)]}


def subsets(groups):
    found = []
    for name, classes in groups:
        chosen = numpy.isin(labels, classes)
        found.append({"name": name, "classes": list(classes), **means(
            a[:, chosen].mean(axis=1), b[:, chosen].mean(axis=1))})
    adjusted = multipletests([x["p"] for x in found], method="holm-sidak")[1]
    for entry, value in zip(found, adjusted):
        entry["adjusted"] = float(value)
    return found


def dispersion(first, second):
    x, y = first.mean(axis=0), second.mean(axis=0)
    # The mean of unbiased sample variances over networks, divided by their number.
    sampling = (first.var(axis=0, ddof=1) / len(first) + second.var(axis=0, ddof=1) / len(second)).mean()
    observed = ((x - y) ** 2).mean()
    error = stats.sem(first.mean(axis=1)) ** 2 + stats.sem(second.mean(axis=1)) ** 2
    return {
        "observed": float(observed), "sampling": float(sampling),
        "meanPart": float((x.mean() - y.mean()) ** 2 - error),
        "correlation": float(numpy.corrcoef(x, y)[0, 1])}


def halves(group, number):
    order = permutation(len(group), SEED, number)
    half = len(group) // 2
    return group[order[:half]], group[order[half:2 * half]]


def splits():
    for number in range(REPEATS):
        yield halves(a, 2 * number), halves(b, 2 * number + 1)


def control():
    def square(x, y):
        return float(((x.mean(axis=0) - y.mean(axis=0)) ** 2).mean())

    found = numpy.mean(
        [[square(p[0], q[0]), square(*p), square(*q)] for p, q in splits()], axis=0)
    scatter = numpy.zeros((A // 2 + 1, B // 2 + 1), int)
    for p, q in splits():
        for row, column in zip(p[0].sum(axis=0), q[0].sum(axis=0)):
            scatter[row, column] += 1
    return {
        "between": found[0], "withinFirst": found[1], "withinSecond": found[2],
        "scatter": scatter.ravel().tolist()}


def differing(sign):
    """Cross-fitted; equal differences in the order of each repeat's permutation of the examples."""
    times, chosen, judged = numpy.zeros(N), numpy.zeros(N), numpy.zeros(N)
    for number, (p, q) in enumerate(splits()):
        place = numpy.argsort(permutation(N, SEED, number))
        d = [sign * (p[k].mean(axis=0) - q[k].mean(axis=0)) for k in range(2)]
        for one, other in [(0, 1), (1, 0)]:
            best = sorted((i for i in range(N) if d[one][i] > 1e-9), key=lambda i: (-round(d[one][i], 9), place[i]))
            for i in best[:LIMIT]:
                times[i] += 1
                chosen[i] += d[one][i]
                judged[i] += d[other][i]
    found = [
        {"index": int(i), "frequency": times[i] / (2 * REPEATS), "chosen": chosen[i] / times[i],
         "judged": judged[i] / times[i]} for i in range(N) if times[i]]
    return {
        "examples": found, "chosen": chosen.sum() / times.sum(), "judged": judged.sum() / times.sum()}


def fit(design, y):
    with warnings.catch_warnings():
        # Cells of one outcome: the coefficient grows, the likelihood converges.
        warnings.simplefilter("ignore")
        model = statsmodels.api.GLM(y, design, family=statsmodels.api.families.Binomial())
        return model.fit(maxiter=200, tol=1e-14)


def logistic(first, second):
    total = first.sum(axis=0) + second.sum(axis=0)
    active = numpy.flatnonzero((total > 0) & (total < len(first) + len(second)))
    rows = [(i, 0, y) for i in active for y in first[:, i]] + [(i, 1, y) for i in active for y in second[:, i]]
    example, group, y = (numpy.array(column).astype(float) for column in zip(*rows))
    dummies = (example[:, None] == active[None, :]).astype(float)
    fits = [
        fit(dummies, y), fit(numpy.column_stack([dummies, group]), y),
        fit(numpy.column_stack([dummies, dummies * group[:, None]]), y)]
    likelihoods = [float(f.llf) for f in fits]
    parameters = [int(f.params.size) for f in fits]
    chi = [2 * (likelihoods[k + 1] - likelihoods[k]) for k in range(2)]
    df = [parameters[k + 1] - parameters[k] for k in range(2)]
    return {
        "examples": len(active), "parameters": parameters, "logLikelihoods": likelihoods,
        "aic": [float(f.aic) for f in fits], "groupEffect": float(fits[1].params[-1]),
        "statistics": chi, "degreesOfFreedom": df,
        "effectSize": 1 - likelihoods[2] / likelihoods[1]}


def relabeled(statistic, sizes):
    """Over all divisions of the networks into groups of the same sizes."""
    observed = statistic(tuple(range(sizes[0])))
    values = numpy.array([statistic(g) for g in itertools.combinations(range(sum(sizes)), sizes[0])])
    return {
        "observed": float(observed), "mean": float(values.mean()),
        "standardDeviation": float(values.std(ddof=1)),
        "p": float((values >= observed - 1e-9 * abs(observed)).mean()), "count": len(values)}


def excess_of(chosen):
    rest = [k for k in range(A + B) if k not in chosen]
    found = dispersion(right[list(chosen)], right[rest])
    return found["observed"] - found["sampling"]


def similarity():
    pairs = {name: numpy.zeros((A + B, A + B)) for name in ["agreement", "divergence", "hellinger"]}
    for i in range(A + B):
        for j in range(A + B):
            p, q = probabilities[i], probabilities[j]
            pairs["agreement"][i, j] = (p.argmax(axis=1) == q.argmax(axis=1)).mean()
            pairs["divergence"][i, j] = (stats.entropy(p, q, axis=1) + stats.entropy(q, p, axis=1)).mean()
            pairs["hellinger"][i, j] = numpy.mean([
                distance.euclidean(numpy.sqrt(x), numpy.sqrt(y)) / numpy.sqrt(2) for x, y in zip(p, q)])

    def gap(matrix, sign):
        def statistic(chosen):
            rest = [k for k in range(A + B) if k not in chosen]
            within = [
                numpy.mean([matrix[i, j] for i, j in itertools.combinations(group, 2)])
                for group in (chosen, rest)]
            return sign * (numpy.mean(within) - matrix[numpy.ix_(chosen, rest)].mean())
        return statistic

    return {
        name: {"values": matrix.ravel().tolist(),
               "gap": relabeled(gap(matrix, 1 if name == "agreement" else -1), (A, B))}
        for name, matrix in pairs.items()}


classes = subsets([(str(k), [k]) for k in range(C)])
print(json.dumps({
    "labels": labels.tolist(), "logits": logits.ravel().tolist(), "sizes": [A, B], "classes": C,
    "seed": SEED, "repeats": REPEATS, "limit": LIMIT,
    "accuracy": means(a.mean(axis=1), b.mean(axis=1)), "subsets": classes,
    "groups": subsets([("low", [0, 1]), ("odd", [1, 3])]),
    "dispersion": dispersion(a, b), "control": control(),
    "differing": [differing(1), differing(-1)], "logistic": logistic(a, b),
    "excess": relabeled(excess_of, (A, B)), "similarity": similarity()}))
