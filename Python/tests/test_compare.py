"""Comparisons against a brute force in float64 that shares no code with the library."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import ckakit

rng = np.random.default_rng(7)
X = rng.normal(size=(60, 5))
Y = np.hstack([X[:, :3], rng.normal(size=(60, 4))])
# The rounding of float32 Gram matrices of well-conditioned layers.
TOLERANCE = 1e-5


def hsic(k, l, unbiased):
    n = len(k)
    if not unbiased:
        h = np.eye(n) - 1 / n
        return np.trace(k @ h @ l @ h)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))
    return (
        np.trace(k @ l) + k.sum() * l.sum() / ((n - 1) * (n - 2)) - 2 * (k.sum(0) @ l.sum(0)) / (n - 2)
    )


def brute_force(x, y, unbiased=True):
    k, l = x @ x.T, y @ y.T
    return hsic(k, l, unbiased) / np.sqrt(hsic(k, k, unbiased) * hsic(l, l, unbiased))


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_two_layers(estimator):
    assert ckakit.cka(X, Y, estimator=estimator) == pytest.approx(
        brute_force(X, Y, estimator == "unbiased"), abs=TOLERANCE)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4", "int8", "uint16", "bool"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_types_and_orders(dtype, order):
    x = np.asarray(np.clip(np.round(X), 0, 1) if dtype in ("bool", "uint16") else X * 10, dtype=dtype, order=order)
    expected = brute_force(x.astype(float), Y)
    assert ckakit.cka(x, Y) == pytest.approx(expected, abs=TOLERANCE)


def test_views_are_read_as_they_are():
    assert ckakit.cka(X[::2, ::-2], Y[::2]) == pytest.approx(brute_force(X[::2, ::-2], Y[::2]), abs=TOLERANCE)


def test_numbers_are_not_copied():
    from ckakit._models import model

    x = np.ones((10, 3), dtype="float32")
    (lent, _), = model({"x": x}, "m").kept
    assert lent is x or lent.base is x


def test_maps_have_names_statuses_and_z():
    result = ckakit.compare({"x": X, "constant": np.ones((60, 2))}, {"y": Y}, estimator="unbiased")
    assert result.rows == ["x", "constant"] and result.columns == ["y"]
    assert result.status.tolist() == [["ok"], ["constant"]]
    assert np.isnan(result.cka[1, 0]) and result.z[0, 0] > 3
    assert np.array_equal(np.asarray(result), result.cka, equal_nan=True)
    assert result.document["estimator"]["name"] == "unbiased"
    assert ckakit.compare(X, estimator="biased").z is None


def test_results_are_saved_and_files_compared(tmp_path):
    np.savez(tmp_path / "m.npz", x=X, y=Y)
    result = ckakit.compare(tmp_path / "m.npz", batch_size=16)
    result.save(tmp_path / "result", report=True)
    assert np.array_equal(np.load(tmp_path / "result" / "cka.npy"), result.cka)
    assert (tmp_path / "result" / "report.html").exists()
    with pytest.raises(OSError, match="exists"):
        result.save(tmp_path / "result")


def test_streams_are_sums_of_minibatches():
    stream = ckakit.Stream()
    for start in range(0, 60, 20):
        part = slice(start, start + 20)
        stream.add({"x": X[part]}, {"y": Y[part]})
    k = [hsic(a[p] @ a[p].T, b[p] @ b[p].T, True) / (20 * 17)
         for a, b in ((X, Y), (X, X), (Y, Y)) for p in (slice(0, 20), slice(20, 40), slice(40, 60))]
    xy, xx, yy = (sum(k[3 * i:3 * i + 3]) for i in range(3))
    result = stream.result()
    assert result.cka[0, 0] == pytest.approx(xy / np.sqrt(xx * yy), abs=TOLERANCE)
    assert (result.rows, result.columns) == (["x"], ["y"])


@pytest.mark.parametrize("arguments, options, error, words", [
    ((X, Y[:50]), {}, ValueError, "60"),
    (("/nowhere.npz",), {}, FileNotFoundError, "/nowhere.npz"),
    ((X,), {"batchsize": 4}, ValueError, 'there is no "batchsize"'),
    ((X,), {"estimator": "best"}, ValueError, "minibatch, unbiased, biased"),
    ((X.astype(complex),), {}, ValueError, "complex128"),
    ((np.float64(3),), {}, ValueError, "single number"),
    (({},), {}, ValueError, "no layer"),
    (([X, Y],), {}, ValueError, "left is a list of arrays, expected layers by their names"),
    ((X,), {"memory": 1000}, ValueError, "^memory 1000 B is too small .* at least memory .* a smaller batch_size"),
    ((X,), {"device": "opencl:99"}, RuntimeError, "opencl:99"),
])
def test_bad_use_is_told(arguments, options, error, words):
    with pytest.raises(error, match=words):
        ckakit.compare(*arguments, **options)


def test_layers_that_change_are_told():
    stream = ckakit.Stream()
    stream.add({"a": X})
    with pytest.raises(ValueError, match="the layer b, expected a"):
        stream.add({"b": X})
    with pytest.raises(ValueError, match="3 examples"):
        ckakit.Stream().add({"a": X[:3]})


def test_what_progress_raises_ends_the_work():
    class Stop(Exception):
        pass

    def progress(share):
        assert 0 <= share <= 1
        raise Stop

    with pytest.raises(Stop):
        ckakit.compare(rng.normal(size=(2000, 300)), passes=100_000, device="cpu", progress=progress)


def test_control_c_ends_the_work():
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        ckakit.compare(rng.normal(size=(2000, 300)), passes=1_000_000, device="cpu")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_threads_compare_at_once():
    found = []
    threads = [threading.Thread(target=lambda: found.append(ckakit.cka(X, Y))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1


def test_a_forked_child_is_told():
    ckakit.cka(X, Y)
    child = os.fork()
    if child == 0:
        try:
            ckakit.cka(X, Y)
        except RuntimeError as error:
            os._exit(0 if "forked" in str(error) else 2)
        os._exit(1)
    deadline = time.monotonic() + 60
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        assert time.monotonic() < deadline, "the child hangs"
        time.sleep(0.01)
    assert os.waitstatus_to_exitcode(ended[1]) == 0


def test_an_import_brings_nothing_else():
    code = "import sys, ckakit; print(*[m for m in ('torch', 'pandas', 'matplotlib') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
