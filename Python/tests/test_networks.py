"""Live networks: each test is named after what users of other tools trip over."""

import gc
import warnings
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import ckakit
from brute_force import minibatch_cka
from test_compare import TOLERANCE, hsic

torch.manual_seed(0)
INPUTS = torch.randn(64, 12)
LOADER = list(INPUTS.split(16))


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(12, 20), nn.BatchNorm1d(20), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(20, 6))


def activations(net, batch, stop):
    """What the first modules of a sequence compute, apart from hooks and in float64."""
    with torch.no_grad():
        x = batch
        for module in list(net)[:stop + 1]:
            x = module(x.clone())
    return x.double().numpy()


def brute_force(left, i, right, j, loader=LOADER):
    left, right = (net.eval() for net in (left, right))
    sums = np.zeros(3)
    for batch in loader:
        x, y = activations(left, batch, i), activations(right, batch, j)
        k, l, n = x @ x.T, y @ y.T, len(x)
        sums += np.array([hsic(k, l, True), hsic(k, k, True), hsic(l, l, True)]) / (n * (n - 3))
    return sums[0] / np.sqrt(sums[1] * sums[2])


def test_two_networks_are_those_of_brute_force():
    a, b = network(0), network(1)
    result = ckakit.compare(a, b, LOADER)
    assert result.rows == result.columns == ["0", "1", "2", "3", "4"]
    for i in range(5):
        for j in range(5):
            assert result.cka[i, j] == pytest.approx(brute_force(a, i, b, j), abs=TOLERANCE)


def test_a_later_in_place_relu_does_not_change_the_norm():
    net = network()
    result = ckakit.compare(net, loader=LOADER)
    assert np.diag(result.cka) == pytest.approx(1, abs=1e-12)
    # The norm and its ReLU differ: 1 where a kept reference was rewritten.
    assert result.cka[1, 2] == pytest.approx(brute_force(net, 1, net, 2), abs=TOLERANCE) and result.cka[1, 2] < 0.99


def test_hooks_modes_and_gradients_are_restored_even_after_an_error():
    net = network()
    net[3].eval()
    modes = [module.training for module in net.modules()]
    with pytest.raises(RuntimeError):
        ckakit.compare(net, loader=[torch.randn(16, 5)])
    ckakit.compare(net, loader=LOADER)
    assert [module.training for module in net.modules()] == modes
    assert not any(module._forward_hooks for module in net.modules())
    assert torch.is_grad_enabled() and net(INPUTS).requires_grad


def test_a_module_called_twice_has_two_names():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.relu = nn.Linear(12, 12), nn.ReLU()

        def forward(self, x):
            return self.relu(self.linear(self.relu(self.linear(x))))

    assert ckakit.compare(Twice(), loader=LOADER).rows == ["linear", "relu", "linear:2", "relu:2"]


def test_outputs_that_are_tuples_and_mappings():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm, self.head = nn.LSTM(3, 5, batch_first=True), nn.Linear(5, 2)

        def forward(self, x):
            return {"logits": self.head(self.lstm(x)[0])}

    result = ckakit.compare(Recurrent(), loader=[torch.randn(16, 4, 3)], layers=["*"])
    assert result.rows == ["lstm", "head"] and (result.status == "ok").all()


def test_batches_are_tensors_pairs_and_mappings_of_all_keys():
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(12, 4)

        def forward(self, x, mask):
            return self.linear(x * mask)

    net = network()
    expected = ckakit.compare(net, loader=LOADER).cka
    pairs = [(batch, torch.zeros(16)) for batch in LOADER]
    assert np.array_equal(ckakit.compare(net, loader=pairs).cka, expected)
    mappings = [{"x": batch, "mask": torch.ones(16, 1)} for batch in LOADER]
    assert ckakit.compare(Masked(), loader=mappings).rows == ["linear"]
    found = ckakit.compare(net, loader=mappings, forward=lambda net, batch: net(batch["x"]))
    assert np.array_equal(found.cka, expected)


def test_layers_by_pattern_type_and_function():
    net = network()
    assert ckakit.compare(net, loader=LOADER, layers="[04]").rows == ["0", "4"]
    assert ckakit.compare(net, loader=LOADER, layers=nn.ReLU).rows == ["2"]
    assert ckakit.compare(net, loader=LOADER, layers=lambda name, module: name == "1").rows == ["1"]
    assert ckakit.compare(net, loader=LOADER, layers=[net[0], "4"]).rows == ["0", "4"]
    assert ckakit.compare(net, loader=LOADER, exclude=net[0]).rows == ["1", "2", "3", "4"]
    assert ckakit.compare(net, loader=LOADER, exclude=[nn.Dropout, "0"]).rows == ["1", "2", "4"]
    result = ckakit.compare(net, network(1), LOADER, layers="0", right_layers=["2", "4"])
    assert (result.rows, result.columns) == (["0"], ["2", "4"])


def test_the_axis_of_examples_is_not_guessed():
    class Turned(nn.Module):
        def __init__(self):
            super().__init__()
            self.turn = nn.Flatten(0)

        def forward(self, x):
            return self.turn(x)

    with pytest.raises(ValueError, match=r"layer turn returns \(192,\), expected 16 examples"):
        ckakit.compare(Turned(), loader=LOADER)


def test_a_module_that_does_not_run_is_an_error():
    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.auxiliary = nn.Linear(12, 3), nn.Linear(12, 3)

        def forward(self, x):
            return self.used(x)

    with pytest.raises(ValueError, match="layer auxiliary did not run"):
        ckakit.compare(Unused(), loader=LOADER)
    assert ckakit.compare(Unused(), loader=LOADER, exclude="aux*").rows == ["used"]


def test_wrappers_are_opened():
    net = network()
    expected = ckakit.compare(net, loader=LOADER)
    found = ckakit.compare(nn.DataParallel(net), loader=LOADER)
    assert found.rows == expected.rows and np.array_equal(found.cka, expected.cka)


def test_bfloat16_does_not_go_through_numpy():
    net = network().to(torch.bfloat16)
    result = ckakit.compare(net, loader=[batch.to(torch.bfloat16) for batch in LOADER])
    assert (result.status == "ok").all()


def test_a_small_last_batch_is_left_out_and_said_so():
    net = network()
    expected = ckakit.compare(net, loader=LOADER).cka
    with pytest.warns(ckakit.CKAWarning, match="minibatch 4 is left out: it has 3 examples"):
        found = ckakit.compare(net, loader=[*LOADER, INPUTS[:3]])
    assert np.array_equal(found.cka, expected)
    with warnings.catch_warnings(), pytest.raises(ValueError, match="no minibatch of at least 4"):
        warnings.simplefilter("ignore")
        ckakit.compare(net, loader=[INPUTS[:3]])


def test_activations_are_freed_as_soon_as_their_matrices_are_made():
    alive, most = [], 0

    class Watched(nn.Module):
        def forward(self, x):
            nonlocal most
            gc.collect()
            most = max(most, sum(kept() is not None for kept in alive))
            # The tensor, and every other one of its memory, keeps the array.
            numbers = x.numpy() + 1
            alive.append(weakref.ref(numbers))
            return torch.from_numpy(numbers)

    ckakit.compare(nn.Sequential(*[Watched() for _ in range(8)]), loader=LOADER)
    # The input of the module that runs is alive, and no earlier one.
    assert most <= 2


@pytest.mark.parametrize("turned", [
    lambda x: x.to(memory_format=torch.channels_last), lambda x: x.transpose(1, 3), lambda x: x,
])
def test_outputs_are_not_copied_whatever_the_order_of_their_axes(turned, monkeypatch):
    from ckakit import _grams

    places, lent, lend = [], [], _grams.lend

    class Turns(nn.Module):
        def forward(self, x):
            x = turned(x)
            places.append(x.data_ptr())
            return x

    def watch(layer, tensor):
        kept, array = lend(layer, tensor)
        lent.append(array.data)
        return kept, array

    monkeypatch.setattr(_grams, "lend", watch)
    maps = [torch.randn(16, 3, 4, 5) for _ in range(2)]
    result = ckakit.compare(nn.Sequential(Turns(), nn.Flatten(), nn.Linear(60, 4)), loader=maps, layers=["0", "2"])
    assert lent[::2] == places
    # The order of features changes nothing but rounding.
    monkeypatch.undo()
    plain = nn.Sequential(nn.Identity()).eval()
    same = ckakit.compare(nn.Sequential(Turns()), plain, maps)
    assert same.cka[0, 0] == pytest.approx(1, abs=TOLERANCE) and (result.status == "ok").all()


def test_a_view_of_part_of_a_tensor_is_read_as_it_is():
    class Part(nn.Module):
        def forward(self, x):
            return x.reshape(16, 2, 6)[:, :, :4].transpose(1, 2)

    parts = [x.reshape(16, 2, 6)[:, :, :4] for x in LOADER]
    found = ckakit.compare(nn.Sequential(Part()), network(), LOADER, right_layers="4")
    expected = minibatch_cka(parts, [activations(network().eval(), x, 4) for x in LOADER])
    assert found.cka[0, 0] == pytest.approx(expected, abs=TOLERANCE)


def test_what_cannot_be_compared_is_told():
    net = network()
    for arguments, options, words in [
        ((net,), {}, "need a loader"),
        ((net, None, LOADER), {"estimator": "best"}, "expected minibatch, unbiased, biased"),
        ((net, None, LOADER), {"layers": "nothing*"}, "no module is a layer"),
        ((net, None, [["text"]]), {}, "expected tensors"),
        ((net, None, INPUTS), {}, r"the loader is one tensor, .* tensor.split\(256\)"),
        ((net, None, TensorDataset(INPUTS)), {}, r"the loader is a dataset, .* DataLoader\(dataset, 256\)"),
        ((net, None, LOADER), {"batch_size": 4, "passes": 2}, "batch_size, passes: .* that the loader gives"),
        ((INPUTS, INPUTS), {"layers": "x"}, "no layer is left of layer"),
        ((INPUTS, INPUTS), {"layers": nn.Linear}, "modules need a network"),
    ]:
        with pytest.raises(ValueError, match=words):
            ckakit.compare(*arguments, **options)


def test_the_loader_may_stand_in_place_of_a_right_network():
    net = network()
    assert np.array_equal(ckakit.compare(net, LOADER).cka, ckakit.compare(net, loader=LOADER).cka)


@pytest.mark.parametrize("analysis", [
    ckakit.trust, ckakit.components, ckakit.converge, lambda net: ckakit.probe(net, np.zeros(8)),
    lambda net: ckakit.compare(INPUTS, {"a": net}),
])
def test_analyses_of_networks_say_record_first(analysis):
    with pytest.raises(ValueError, match=r"is a network: record its layers first, ckakit.record\("):
        analysis(network())


def test_progress_is_told_and_ends_the_work():
    shares = []
    ckakit.compare(network(), loader=LOADER, progress=shares.append)
    assert shares == [0.25, 0.5, 0.75, 1]
