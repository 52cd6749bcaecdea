"""The analyses beside `compare`, on data whose answers are known."""

import numpy as np
import pytest

import ckakit
from test_compare import brute_force as cka

rng = np.random.default_rng(1)
N = 60
X = {
    "a": rng.normal(size=(N, 6)), "b": rng.normal(size=(N, 4)),
}
X["c"] = X["a"] @ rng.normal(size=(6, 8)) + rng.normal(size=(N, 8))

# The rounding of float32 Gram matrices of layers like these: Documentation/Numerics.md.
TOLERANCE = 1e-6


def expected(unbiased):
    return np.array([[cka(x, y, unbiased) for y in X.values()] for x in X.values()])


def test_p_of_cells_is_that_of_random_pairings():
    # Weak relations of layers of one and of several directions: chances of some per cent.
    left = {"one": rng.normal(size=(N, 1)), "many": rng.normal(size=(N, 9))}
    right = {name: x + 2.2 * rng.normal(size=x.shape) for name, x in left.items()}
    result = ckakit.trust(left, right, map_permutations=199)
    orders = [rng.permutation(N) for _ in range(2000)]
    for i, x in enumerate(left.values()):
        for j, y in enumerate(right.values()):
            value = cka(x, y, True)
            share = np.mean([cka(x, y[order], True) >= value for order in orders])
            # Four standard errors of a share of 2,000, and what three moments leave of the distribution.
            error = 4 * np.sqrt(share * (1 - share) / 2000) + 0.01
            assert result.p[i, j] == pytest.approx(share, abs=error)
    assert np.all(result.adjusted_p >= result.p)
    assert result.document["significance"]["tests"] == 4
    assert result.document["significance"]["permutations"] == 199


def test_trust_has_errors_of_known_size():
    result = ckakit.trust(X, cell=("a", "c"), permutations=199, top=5)
    assert result.cka == pytest.approx(expected(True), abs=TOLERANCE)
    # The jackknife by hand: (n − 1)/n Σ (θᵢ − θ̄)².
    left_out = np.array([cka(np.delete(X["a"], i, 0), np.delete(X["c"], i, 0), True) for i in range(N)])
    error = np.sqrt((N - 1) / N * np.sum((left_out - left_out.mean()) ** 2))
    assert result.standard_error[0, 2] == pytest.approx(error, rel=1e-3)
    assert result.pair["permutations"] == 199 and result.pair["p"] == 1 / 200
    assert abs(result.control[0, 2]) < 0.2 < result.cka[0, 2]
    assert result.to_pandas is not None and result.rows == list(X)


def test_converge_finds_smaller_errors_of_larger_minibatches():
    result = ckakit.converge(X, batch_sizes=[8, 30], passes=[1, 4], repeats=5)
    assert result.exact == pytest.approx(expected(True), abs=TOLERANCE)
    assert result.errors.shape == (2, 2, 3, 3) and (result.batch_sizes, result.passes) == ([8, 30], [1, 4])
    mean = np.nanmean(result.errors, axis=(2, 3))
    assert (mean[1] < mean[0]).all() and (mean[:, 1] < mean[:, 0]).all()


def test_components_are_those_of_an_eigendecomposition():
    result = ckakit.components(X, components=3, remove=[1], estimator="biased")
    assert result.rows == result.columns == list(X)
    assert result.cka == pytest.approx(expected(False), abs=TOLERANCE)
    for layer, x in zip(result.layers[0], X.values()):
        squares = np.linalg.svd(x - x.mean(0), compute_uv=False) ** 2
        assert layer["varianceFractions"] == pytest.approx((squares / squares.sum())[:3], abs=1e-6)
    # Without the first component of each: X less its projection.
    rest = []
    for x in X.values():
        u, s, v = np.linalg.svd(x - x.mean(0), full_matrices=False)
        rest.append(u[:, 1:] * s[1:] @ v[1:])
    without = [[cka(x, y, False) for y in rest] for x in rest]
    assert result.reduced[0] == pytest.approx(np.array(without), abs=1e-5)


def test_probe_reads_what_a_layer_knows():
    labels = (X["a"][:, 0] > 0).astype(np.int64)
    result = ckakit.probe(X, labels, test_fraction=0.5, penalty=0.01)
    accuracy = {layer["name"]: layer["trainAccuracy"] for layer in result.layers}
    assert accuracy["a"] == 1 and accuracy["b"] < 1
    with pytest.raises(ValueError, match="found 59 labels, expected 60"):
        ckakit.probe(X, labels[1:])
    with pytest.raises(ValueError, match="whole number"):
        ckakit.probe(X, labels + 0.5)


def test_blocks_are_where_layers_share_something():
    common = rng.normal(size=(N, 4))
    layers = {
        f"l{i}": rng.normal(size=(N, 4)) + (3 * common if 4 <= i < 9 else 0) for i in range(14)}
    compared = ckakit.compare(layers, estimator="unbiased")
    result = ckakit.blocks(compared, min_contrast=0.2)
    assert [(block["firstLayer"], block["lastLayer"]) for block in result.blocks] == [("l4", "l8")]
    two = ckakit.blocks([compared, compared], min_contrast=0.2)
    assert len(two.models) == 2
    for wrong in (layers, [layers], "l4"):
        with pytest.raises(ValueError, match="expected the result of compare or of sweep"):
            ckakit.blocks(wrong)
    with pytest.raises(ValueError, match="expected the result of one model with itself"):
        ckakit.blocks(ckakit.compare(layers, layers))


def test_errors_compares_groups():
    labels = np.arange(30) % 3
    wrong = (labels + 1) % 3

    def network(every):
        return np.where(np.arange(30) % every == 0, wrong, labels)

    result = ckakit.errors({"few": [network(10), network(15)], "many": [network(3), network(3)]}, labels, repeats=50)
    accuracy = result.document["accuracy"]
    # 3 and 2 of 30 are wrong, and 10.
    assert accuracy["difference"] == pytest.approx((27 + 28) / 60 - 20 / 30)
    assert "few" in repr(result) and len(result.to_pandas()) == 30
    with pytest.raises(ValueError, match="found 1 groups, expected 2"):
        ckakit.errors({"few": []}, labels)


def test_a_sweep_has_a_result_a_pair(tmp_path, monkeypatch):
    paths = []
    for name, x in X.items():
        paths.append(tmp_path / f"{name}.npy")
        np.save(paths[-1], x)
    shares = []
    result = ckakit.sweep(paths[:2], tmp_path / "store", estimator="unbiased", progress=shares.append)
    assert result.names == ["a", "b"] and len(result) == 3
    # More models: what is there is not computed again.
    result = ckakit.sweep(paths, tmp_path / "store", estimator="unbiased")
    assert len(result) == 6
    for (left, right), pair in result.items():
        assert pair.cka[0, 0] == pytest.approx(cka(X[left], X[right], True), abs=TOLERANCE)
    assert len(ckakit.load(tmp_path / "store")) == 6
    with pytest.raises(KeyError, match="there is .*, whose rows are the layers of b"):
        result["c", "b"]
    monkeypatch.chdir(tmp_path)
    relative = ckakit.load("store")
    monkeypatch.chdir("/")
    assert np.array_equal(relative["a", "b"].cka, result["a", "b"].cka)
    with pytest.raises(ValueError, match="was made with estimator unbiased, found biased"):
        ckakit.sweep(paths, tmp_path / "store", estimator="biased")
    with pytest.raises(ValueError, match="a model is dict, expected the path"):
        ckakit.sweep([X], tmp_path / "store")
    with pytest.raises(ValueError, match="is one path, .* expected a list"):
        ckakit.sweep(paths[0], tmp_path / "store")


def test_models_are_points(tmp_path):
    base = rng.normal(size=(60, 5))
    for width in (1, 2):
        shared = base + rng.normal(size=(60, 5))
        for seed in range(3):
            layers = {f"layer{i}": shared + 0.3 * rng.normal(size=(60, 5)) for i in range(2)}
            np.savez(tmp_path / f"width{width}-seed{seed}.npz", **layers)
    paths = sorted(tmp_path.glob("*.npz"))
    result = ckakit.sweep(paths, tmp_path / "store", estimator="biased")
    distances = result.distances()
    for left in range(6):
        for right in range(left, 6):
            pair = result[result.names[left], result.names[right]].cka
            # Two layers at the depths 0 and 1.
            expected = 0 if left == right else np.arccos(np.diag(pair)).mean()
            # The document holds the value of the same numbers in float64.
            assert distances[left, right] == distances[right, left] == pytest.approx(expected, abs=1e-9)
    for kind in ("equal-depth", "best-match"):
        points = result.points(kind)
        assert points.names == result.names and points.groups == ["width1"] * 3 + ["width2"] * 3
        assert points.coordinates.shape == (6, 2) and points.linkage.shape == (5, 4)
        assert points.linkage[-1, 3] == 6 and 0 <= points.stress < 1
        # Twenty ways to choose three of six, of which two are these groups.
        assert points.separation["between"] > points.separation["within"] and points.separation["p"] < 0.2
        own = result.distances(kind)
        assert points.separation["within"] == pytest.approx(np.mean([
            own[i, j] for i in range(6) for j in range(i) if points.groups[i] == points.groups[j]]))
        assert "6 models" in repr(points)
    assert np.array_equal(ckakit.load(tmp_path / "store").points().coordinates, result.points().coordinates)
    with pytest.raises(ValueError, match="'depth', expected equal-depth or best-match"):
        result.points("depth")
    few = ckakit.sweep(paths[:2], tmp_path / "few", estimator="biased")
    assert few.distances().shape == (2, 2)
    with pytest.raises(ValueError, match="fewer than three models"):
        few.points()


def test_layers_of_files_are_chosen_and_pooled(tmp_path):
    maps = rng.normal(size=(20, 3, 4, 4)).astype(np.float32)
    np.savez(tmp_path / "m.npz", conv=maps, head=rng.normal(size=(20, 5)))
    result = ckakit.compare(
        tmp_path / "m.npz", layers="conv", pooling="mean", layout="channels-first", estimator="unbiased")
    assert result.rows == ["conv"] and result.document["pooling"] == "mean"
    assert result.layers[0][0]["features"] == 3
    both = ckakit.compare(
        tmp_path / "m.npz", {"mean": maps.mean((2, 3))}, exclude="head", pooling=None, estimator="unbiased")
    assert both.rows == ["conv"]
    with pytest.raises(ValueError, match="pooling mean needs layout"):
        ckakit.compare(tmp_path / "m.npz", pooling="mean")
    with pytest.raises(ValueError, match="no layer matches x"):
        ckakit.compare(tmp_path / "m.npz", layers="x")


def test_options_may_be_numbers_of_numpy():
    result = ckakit.compare(X, examples=np.int64(20), batch_size=np.int32(10), kernel="rbf", bandwidth=np.float32(0.5))
    assert result.document["examples"]["used"] == 20


def test_unknown_options_name_the_known_ones():
    with pytest.raises(ValueError, match='no "sizes" here; there are .*batch_sizes'):
        ckakit.converge(X, sizes=[4])
    with pytest.raises(ValueError, match="no layer is called z"):
        ckakit.trust(X, cell=("a", "z"))


def test_analyses_choose_layers_as_compare_does(tmp_path):
    maps = rng.normal(size=(N, 3, 4, 4)).astype(np.float32)
    np.savez(tmp_path / "m.npz", conv=maps, head=X["a"])
    options = {"layers": "c*", "pooling": "mean", "layout": "channels-first"}
    mean = maps.astype(float).mean((2, 3))
    trust = ckakit.trust(tmp_path / "m.npz", X, layers="c*", right_layers=["a", "b"])
    assert (trust.rows, trust.columns) == (["conv"], ["a", "b"])
    trust = ckakit.trust(tmp_path / "m.npz", tmp_path / "m.npz", right_layers="head", **options)
    assert trust.cka[0, 0] == pytest.approx(cka(mean, X["a"], True), abs=TOLERANCE)
    assert len(ckakit.components(tmp_path / "m.npz", components=2, **options).layers[0]) == 1
    assert ckakit.converge(X, exclude="c", batch_sizes=[8], passes=[1], repeats=2).exact.shape == (2, 2)
    probe = ckakit.probe(X, (X["a"][:, 0] > 0).astype(int), layers="[ab]")
    assert [layer["name"] for layer in probe.layers] == ["a", "b"]
    sweep = ckakit.sweep([tmp_path / "m.npz"], tmp_path / "store", estimator="unbiased", **options)
    assert sweep["m", "m"].rows == ["conv"]
    with pytest.raises(ValueError, match="need a second model"):
        ckakit.trust(X, right_layers="a")
