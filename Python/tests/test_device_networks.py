"""Networks whose matrices PyTorch makes, with PyTorch on the CPU as the device."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

import ckakit
from ckakit import _capture, _device_grams, _networks
from ckakit._grams import Grams
from test_compare import TOLERANCE
from test_networks import LOADER, brute_force, network


@pytest.fixture
def on_device(monkeypatch):
    """Has PyTorch make all matrices; returns what was waited for."""
    waits = []
    monkeypatch.setattr(_device_grams, "_synchronize", waits.append)
    for module in (_networks, _capture):
        monkeypatch.setattr(module, "Grams", partial(Grams, on_device=True))
    return waits


def test_maps_are_those_of_brute_force(on_device):
    a, b = network(0), network(1)
    result = ckakit.compare(a, b, LOADER)
    for i in range(5):
        for j in range(5):
            assert result.cka[i, j] == pytest.approx(brute_force(a, i, b, j), abs=TOLERANCE)
    # Once for each network and minibatch, not for each layer.
    assert len(on_device) == 2 * len(LOADER)


def test_the_order_of_layers_is_that_in_which_they_ran(on_device, monkeypatch):
    # Layers on the CPU between those on a device: every second one.
    class Mixed(Grams):
        def add(self, layer, activations, layout=None):
            self._on_device = int(layer) % 2 == 0
            super().add(layer, activations, layout)

    monkeypatch.setattr(_networks, "Grams", Mixed)
    result = ckakit.compare(network(), loader=LOADER)
    assert result.rows == ["0", "1", "2", "3", "4"]
    assert result.cka[1, 4] == pytest.approx(brute_force(network(), 1, network(), 4), abs=TOLERANCE)


def test_statuses_are_those_of_the_cpu(on_device):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.same, self.constant, self.broken = nn.Identity(), nn.Identity(), nn.Identity()

        def forward(self, x):
            self.same(x)
            self.constant(torch.ones_like(x) * 3)
            y = x.clone()
            y[0, 0] = float("nan")
            return self.broken(y)

    result = ckakit.compare(Net(), loader=LOADER)
    assert np.diag(result.status).tolist() == ["ok", "constant", "non-finite"]


def test_sizes_of_activations_do_not_matter(on_device):
    class Scaled(nn.Module):
        def __init__(self, scale):
            super().__init__()
            self.scale, self.out = scale, nn.Identity()

        def forward(self, x):
            return self.out(x.relu() * self.scale)

    expected = ckakit.compare(nn.Sequential(nn.ReLU()), network(), LOADER, right_layers="4").cka
    for scale in (1e30, 1e-30):
        found = ckakit.compare(Scaled(scale), network(), LOADER, right_layers="4")
        assert found.status.tolist() == [["ok"]]
        assert found.cka[0, 0] == pytest.approx(expected[0, 0], abs=TOLERANCE)


def test_other_kernels_are_computed_from_the_activations(on_device):
    options = {"kernel": "rbf", "bandwidth": 1.5}
    found = ckakit.compare(network(), loader=LOADER, **options)
    stream = ckakit.Stream(**options)
    net = network().eval()
    for batch in LOADER:
        with torch.no_grad():
            # Copies, which the ReLU that works in place leaves alone.
            stream.add({str(i): net[:i + 1](batch).clone() for i in range(5)})
    assert np.allclose(found.cka, stream.result().cka, rtol=0, atol=TOLERANCE) and not on_device


def test_captures_take_matrices_too(on_device):
    net = network().eval()
    with ckakit.capture(net) as capture:
        for batch in LOADER:
            net(batch)
    assert capture.result().cka[1, 4] == pytest.approx(brute_force(net, 1, net, 4), abs=TOLERANCE)
    assert len(on_device) == len(LOADER)
