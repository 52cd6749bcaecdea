"""Networks that the caller runs while a block lasts."""

import numpy as np
import pytest
import torch
from torch import nn

import ckakit
from test_networks import INPUTS, LOADER, network
from test_pooling import FEATURES, NETWORK, minibatches


def captured(net, loader=LOADER, **options):
    with ckakit.capture(net.eval(), **options) as capture:
        for batch in loader:
            net(batch)
    return capture


def test_each_forward_pass_is_a_minibatch():
    a, b = network(0), network(1)
    first, second = captured(a, layers=["1", nn.ReLU]), captured(b, exclude="0")
    assert first.layers == ["1", "2"] and repr(first) == "<ckakit.Capture: 4 minibatches>"
    # Those of `compare`, which a brute force checks, to the bit.
    expected = ckakit.compare(a, loader=LOADER, layers="[12]")
    assert np.array_equal(first.result().cka, expected.cka)
    assert np.array_equal(ckakit.compare(first).cka, expected.cka)
    pair = ckakit.compare(first, second)
    expected = ckakit.compare(a, b, LOADER, layers="[12]", right_exclude="0", right_layers="*")
    assert np.array_equal(pair.cka, expected.cka) and pair.columns == ["1", "2", "3", "4"]


def test_hooks_are_gone_when_the_block_ends_even_after_an_error():
    net = network().eval()
    with pytest.raises(RuntimeError), ckakit.capture(net) as capture:
        net(LOADER[0])
        net(torch.randn(16, 5))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
    # What ran before counts, what failed does not.
    assert repr(capture) == "<ckakit.Capture: 1 minibatches>"
    net(LOADER[0])
    assert repr(capture) == "<ckakit.Capture: 1 minibatches>"
    assert capture.result().cka.shape == (5, 5)


def test_gradients_flow_through_a_captured_network():
    net = network().eval()
    with ckakit.capture(net):
        net(INPUTS).sum().backward()
    assert net[0].weight.grad is not None


def test_masks_among_keywords_are_honored():
    batches = minibatches("left")
    with ckakit.capture(NETWORK, layers="embed", pooling="last") as capture:
        for batch in batches:
            NETWORK(**batch)
    expected = ckakit.compare(NETWORK, loader=batches, layers="embed", pooling="last")
    assert np.array_equal(capture.result().cka, expected.cka)
    with pytest.raises(ValueError, match="no token that the mask lets count"), ckakit.capture(NETWORK, pooling="last"):
        NETWORK(torch.randn(4, 3, FEATURES), attention_mask=torch.zeros(4, 3))


def test_options_of_the_comparison():
    net = network()
    capture = captured(net, kernel="rbf", bandwidth=2)
    expected = ckakit.compare(net, loader=LOADER, kernel="rbf", bandwidth=2)
    assert np.array_equal(capture.result().cka, expected.cka)
    with pytest.raises(ValueError, match="one network is captured with {'kernel': 'rbf', 'bandwidth': 2}"):
        ckakit.compare(capture, captured(net))


def test_what_was_not_the_same_is_loud():
    a, b = network(0), network(1)
    first = captured(a)
    for loader, words in [
        (LOADER[:3], "minibatches of 16, 16, 16, 16 examples, the other of 16, 16, 16: both must run on the same"),
        ([batch.flip(0) for batch in LOADER], "the same examples in another order"),
    ]:
        with pytest.raises(ValueError, match=words):
            ckakit.compare(first, captured(b, loader))
    with pytest.warns(ckakit.CKAWarning, match="nothing tells that they are the same examples"):
        ckakit.compare(first, captured(b, [batch * 2 for batch in LOADER]))


def test_a_training_network_and_a_small_minibatch_are_said():
    net = network().train()
    with pytest.warns(ckakit.CKAWarning, match="the network is in training mode") as told:
        with ckakit.capture(net) as capture:
            pass
    assert told[0].filename == __file__
    with pytest.raises(ValueError, match="nothing is captured"):
        capture.result()
    with pytest.warns(ckakit.CKAWarning, match="minibatch 0 is left out: it has 0 examples"):
        captured(net, [INPUTS[:0], *LOADER])
    with pytest.warns(ckakit.CKAWarning, match="minibatch 4 is left out: it has 3 examples"):
        found = captured(net, [*LOADER, INPUTS[:3]])
    assert np.array_equal(found.result().cka, captured(net).result().cka)


@pytest.mark.parametrize("use, words", [
    (lambda c: ckakit.compare(c, LOADER[0]), "right is Tensor, expected what capture"),
    (lambda c: ckakit.compare(c, c, kernel="rbf"), "kernel: options of captured networks are those of capture"),
    (lambda c: ckakit.compare(c, loader=LOADER), "loader needs a network"),
    (lambda c: ckakit.capture(INPUTS), "the network is Tensor, expected a network"),
    (lambda c: ckakit.capture(network(), estimator="unbiased"), 'there is no "estimator" here'),
])
def test_bad_use_is_told(use, words):
    with pytest.raises(ValueError, match=words):
        use(captured(network()))


def test_a_layer_that_does_not_run_is_an_error():
    net = network().eval()
    net.unused = nn.Linear(3, 3)
    net.forward = lambda x: net[0](x)
    with pytest.raises(ValueError, match="layer 1 did not run, nor did 4 others"), ckakit.capture(net):
        net(LOADER[0])
