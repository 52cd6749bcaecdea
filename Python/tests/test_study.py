"""Several networks, two loaders, and the estimators of all examples."""

import logging
import os
import sys
import tempfile
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import ckakit
import test_compare
from test_compare import TOLERANCE
from test_networks import INPUTS, LOADER, activations, brute_force, network


def rows_of(net, index):
    """All examples of a layer, float64."""
    return np.concatenate([activations(net.eval(), batch, index) for batch in LOADER])


def test_every_pair_of_many_networks_from_one_pass():
    networks = {"a": network(0), "b": network(1), "c": network(2)}
    runs = dict.fromkeys(networks, 0)
    for name, net in networks.items():
        net.register_forward_hook(lambda *_, name=name: runs.update({name: runs[name] + 1}))
    study = ckakit.compare(networks, loader=(batch for batch in LOADER))
    assert runs == dict.fromkeys(networks, len(LOADER))
    assert study.names == ["a", "b", "c"]
    assert list(study) == [("a", "a"), ("a", "b"), ("a", "c"), ("b", "b"), ("b", "c"), ("c", "c")]
    for (left, right), result in study.items():
        assert result.cka[1, 4] == pytest.approx(
            brute_force(networks[left], 1, networks[right], 4), abs=TOLERANCE)
    with pytest.raises(KeyError, match="there is .'a', 'b'., whose rows are the layers of a"):
        study["b", "a"]
    assert repr(study) == "<ckakit.Study: 3 networks, 6 pairs>"


def test_a_pair_of_a_study_is_the_comparison_of_two():
    networks = {"a": network(0), "b": network(1)}
    study = ckakit.compare(networks, loader=LOADER, layers={"a": "[14]", "b": "4"})
    assert (study["a", "b"].rows, study["a", "b"].columns) == (["1", "4"], ["4"])
    alone = ckakit.compare(*networks.values(), LOADER, layers="[14]", right_layers="4")
    assert np.array_equal(study["a", "b"].cka, alone.cka)
    # A network twice under two names: each is watched for itself.
    twice = ckakit.compare({"x": networks["a"], "y": networks["a"]}, loader=LOADER)
    assert np.array_equal(twice["x", "y"].cka, twice["x", "x"].cka)


@pytest.mark.parametrize("options, words", [
    ({"right": network()}, "a mapping of networks has no right one"),
    ({"right_loader": LOADER}, "a mapping of networks has no right one"),
    ({"layers": {"a": "0"}}, "layers are those of a, expected a, b"),
    ({"loader": None}, "need a loader"),
])
def test_bad_use_of_a_study(options, words):
    with pytest.raises(ValueError, match=words):
        ckakit.compare({"a": network(), "b": network()}, **{"loader": LOADER, **options})


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_the_estimators_of_all_examples(estimator, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    a, b = network(0), network(1)
    # One pass: a loader that can be read once, or shuffles, gives both networks the same examples.
    with caplog.at_level(logging.INFO, logger="ckakit"):
        result = ckakit.compare(a, b, (batch for batch in LOADER), estimator=estimator)
    assert "recorded in" in caplog.text and str(tmp_path) in caplog.text
    assert os.listdir(tmp_path) == []
    assert result.rows == result.columns == ["0", "1", "2", "3", "4"]
    for i in range(5):
        expected = test_compare.brute_force(rows_of(a, i), rows_of(b, 4), estimator == "unbiased")
        assert result.cka[i, 4] == pytest.approx(expected, abs=TOLERANCE)
    # The files are gone, and the result stands for itself.
    result.save(tmp_path / "result", report=True)
    assert (tmp_path / "result" / "report.html").exists()


def test_all_examples_of_many_networks():
    networks = {"a": network(0), "b": network(1)}
    study = ckakit.compare(networks, loader=LOADER, estimator="unbiased", kernel="linear")
    expected = test_compare.brute_force(rows_of(networks["a"], 1), rows_of(networks["b"], 2))
    assert study["a", "b"].cka[1, 2] == pytest.approx(expected, abs=TOLERANCE)
    assert np.diag(study["b", "b"].cka) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("options, error, words", [
    ({"estimator": "best"}, ValueError, "estimator is 'best', expected minibatch, unbiased, biased"),
    ({"estimator": "unbiased", "passes": 3}, ValueError, "passes needs the estimator minibatch"),
    ({"estimator": "unbiased", "sigma": 1}, ValueError, "sigma needs the kernel rbf"),
    ({"estimator": "unbiased", "loader": [LOADER[0], torch.randn(16, 3)]}, RuntimeError, "shapes"),
])
def test_the_temporary_folder_is_gone_after_errors(options, error, words, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    runs = []
    net = network()
    net.register_forward_hook(lambda *_: runs.append(1))
    with pytest.raises(error, match=words):
        ckakit.compare(net, **{"loader": LOADER, **options})
    assert os.listdir(tmp_path) == []
    # Wrong options are told before anything is recorded.
    assert error is RuntimeError or not runs


def test_logging_is_quiet_by_default(capfd):
    ckakit.compare(network(), loader=LOADER, estimator="biased")
    assert capfd.readouterr() == ("", "")


def test_two_loaders_are_one_where_they_give_the_same():
    a, b = network(0), network(1)
    expected = ckakit.compare(a, b, LOADER)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ckakit.compare(a, b, LOADER, right_loader=[batch.clone() for batch in LOADER])
    assert np.array_equal(found.cka, expected.cka)


def test_two_loaders_give_each_network_its_own_inputs():
    wide = nn.Sequential(nn.Linear(24, 6)).eval()
    labels = torch.arange(16)
    right = [(torch.cat([batch, batch], 1), labels) for batch in LOADER]
    with warnings.catch_warnings():
        # Labels that vary and are equal tell that the order is the same.
        warnings.simplefilter("error")
        ckakit.compare(network(), wide, [(batch, labels) for batch in LOADER], right_loader=right)
    with pytest.warns(ckakit.CKAWarning, match="nothing tells that they are the same examples") as told:
        ckakit.compare(network(), wide, LOADER, right_loader=right)
    assert told[0].filename == __file__


@pytest.mark.parametrize("turned, words", [
    (lambda x: x.flip(0), "the first minibatches have the same examples in another order"),
    (lambda x: (x * 2, torch.arange(16).flip(0)), "the first minibatches have other labels"),
])
def test_another_order_is_loud(turned, words):
    left = [(batch, torch.arange(16)) for batch in LOADER]
    right = [turned(batch) for batch in LOADER]
    with pytest.raises(ValueError, match=words):
        ckakit.compare(network(), network(1), left, right_loader=right)


def test_a_shuffling_loader_is_loud():
    data = TensorDataset(INPUTS)
    left, right = (DataLoader(data, 16, shuffle=True) for _ in range(2))
    with pytest.raises(ValueError, match="the first minibatches differ, and a loader shuffles"):
        ckakit.compare(network(), network(1), left, right_loader=right)


def test_sample_ids_are_compared_in_every_minibatch():
    def loader(ids):
        return [{"x": batch, "id": ids[16 * i:16 * i + 16]} for i, batch in enumerate(LOADER)]

    options = {"forward": lambda net, batch: net(batch["x"]), "ids": "id"}
    names = [f"img{i}" for i in range(64)]
    a, b = network(0), network(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ckakit.compare(a, b, loader(names), right_loader=loader(torch.tensor(range(64))), **{
            **options, "ids": lambda batch: [str(each).removeprefix("img") for each in batch["id"]]
            if isinstance(batch["id"], list) else batch["id"]})
    swapped = [*names[:40], names[41], names[40], *names[42:]]
    words = "minibatch 2: example 8 is 'img40' in the loader and 'img41' in the right one"
    with pytest.raises(ValueError, match=words):
        ckakit.compare(a, b, loader(names), right_loader=loader(swapped), **options)


def test_loaders_of_other_lengths_are_loud():
    for left, right, words in [
        (LOADER, LOADER[:3], "the right loader ends after 3 minibatches, the other does not"),
        (LOADER[:3], LOADER, "the loader ends after 3 minibatches, the other does not"),
        (LOADER, list(INPUTS.split(32)), "minibatch 0 has 16 examples, that of the right loader 32"),
        (LOADER, 5, "a loader is int, expected an iterable of minibatches"),
    ]:
        with pytest.raises(ValueError, match=words):
            ckakit.compare(network(), network(1), left, right_loader=right)
    with pytest.raises(ValueError, match="need a second network"):
        ckakit.compare(network(), loader=LOADER, right_loader=LOADER)
    with pytest.raises(ValueError, match="right is ndarray, expected a network"):
        ckakit.compare(network(), np.eye(16), LOADER)


def test_other_layers_are_left_out_of_each_network():
    result = ckakit.compare(network(), network(1), LOADER, exclude=["0", nn.Dropout], right_exclude=nn.ReLU)
    assert (result.rows, result.columns) == (["1", "2", "4"], ["0", "1", "3", "4"])


def test_a_study_is_a_table_a_picture_and_has_blocks():
    pandas, matplotlib = pytest.importorskip("pandas"), pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    study = ckakit.compare({"a": network(), "b": network(1)}, LOADER)
    table = study.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert len(table) == sum(result.cka.size for result in study.values())
    of_pair = table[(table["left"] == "a") & (table["right"] == "b")]
    assert np.array_equal(of_pair["cka"], study["a", "b"].cka.ravel())
    # Rows from below, as layers are within a map.
    below, above = np.array(study.plot().axes[:4]).reshape(2, 2)[::-1]
    assert [axes.get_xlabel() for axes in below] == ["a", "b"]
    assert [axes.get_ylabel() for axes in (below[0], above[0])] == ["a", "b"]
    for axes, scores in [
        (below[0], study["a", "a"].cka), (below[1], study["a", "b"].cka), (above[0], study["a", "b"].cka.T),
        (above[1], study["b", "b"].cka),
    ]:
        assert np.array_equal(axes.images[0].get_array(), scores) and axes.images[0].origin == "lower"
    assert len(ckakit.blocks(study).models) == 2
    open_figures = matplotlib.pyplot.get_fignums()
    assert study._repr_png_().startswith(b"\x89PNG") and matplotlib.pyplot.get_fignums() == open_figures


def test_a_study_without_matplotlib_shows_its_text(monkeypatch):
    study = ckakit.compare({"a": network(), "b": network()}, LOADER)
    for name in ("matplotlib", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, name, None)
    assert study._repr_png_() is None
