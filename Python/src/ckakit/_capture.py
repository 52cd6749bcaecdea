"""Networks that the caller runs: hooks while a block lasts."""

from ._batches import compare_order, fingerprint
from ._grams import LEAST_EXAMPLES, Grams, new_stream
from ._layers import Hooks, Layers
from ._library import NONE, call
from ._networks import is_network
from ._pooling import Pooling
from ._result import Result
from ._tensors import batch_size
from ._warnings import warn


def capture(network, *, layers=None, exclude=None, pooling="flatten", layout=None, mask=None, **options):
    """Watch a network while the caller runs it: each of its forward passes is a minibatch.

    Of each minibatch the Gram matrix of each layer is kept, b (b + 1) / 2 numbers for b examples, so that what two
    blocks have captured can be compared: `ckakit.compare(c, other)`.

    Parameters
    ----------
    network : network of PyTorch
        In the mode that the caller has set: `network.eval()` first.
    layers, exclude, pooling, layout, mask
        As those of `compare`. A mask is looked for among the keywords of a forward pass.
    **options
        `kernel`, `bandwidth`, `sigma`, `device`, `precision` of `compare`.

    Returns
    -------
    Capture
        A context manager: hooks are on the network while its block lasts. `result()` compares the network with itself.

    Examples
    --------
    >>> import torch, ckakit
    >>> network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU()).eval()
    >>> with ckakit.capture(network) as captured:
    ...     for batch in torch.randn(64, 4).split(16):
    ...         _ = network(batch)
    >>> captured.result().rows
    ['0', '1']
    """
    if not is_network(network):
        raise ValueError(f"the network is {type(network).__name__}, expected a network of PyTorch")
    return Capture(Layers(network, "the network", layers, exclude, Pooling(pooling, layout), mask), options)


class Capture:
    """The Gram matrices of each minibatch on which a network ran while the block lasted: see `ckakit.capture`."""

    def __init__(self, layers, options):
        self._layers, self._options = layers, options
        self._hooks = Hooks(layers)
        self._root_hooks = []
        # For which matrices are made; nothing is added to it.
        self._stream = new_stream(options)
        self._minibatches = []
        self._seen = 0
        self._now = self._first = None

    def __enter__(self):
        root = self._layers.root
        if root.training:
            warn(f"{self._layers.place} is in training mode: dropout and batch normalization change what is compared")
        self._hooks.__enter__()
        self._root_hooks = [
            root.register_forward_pre_hook(self._begin, with_kwargs=True),
            root.register_forward_hook(self._end)]
        return self

    def __exit__(self, *_):
        for hook in self._root_hooks:
            hook.remove()
        self._root_hooks = []
        self._hooks.__exit__()
        self._now = None

    def __repr__(self):
        return f"<ckakit.Capture: {len(self._minibatches)} minibatches>"

    @property
    def layers(self):
        """The names of layers in the order in which they ran; none before the first minibatch."""
        return self._minibatches[0].layers if self._minibatches else []

    def result(self):
        """The network's layers compared with each other.

        Returns
        -------
        Result
        """
        return self.compared(None)

    def compared(self, other):
        """The layers of this network compared with those of another, which ran on the same minibatches."""
        for capture in (self, other or self):
            if not capture._minibatches:
                raise ValueError(
                    f"{capture._layers.place}: nothing is captured: the network ran on no minibatch of at least "
                    f"{LEAST_EXAMPLES} examples while the block lasted")
        if other is not None:
            self._check_same_examples(other)
        names = [type(capture._layers.root).__name__ for capture in (self, other or self)]
        stream = new_stream({**self._options, "names": names, "pooling": self._layers.pooling.name})
        for index, grams in enumerate(self._minibatches):
            right = NONE if other is None else other._minibatches[index].handle
            call("cka_stream_add_grams", stream.handle, grams.handle, right)
        return Result(call("cka_stream_result", stream.handle))

    def _check_same_examples(self, other):
        if self._options != other._options:
            raise ValueError(f"one network is captured with {self._options}, the other with {other._options}")
        sizes = [[grams.examples for grams in capture._minibatches] for capture in (self, other)]
        if sizes[0] != sizes[1]:
            raise ValueError(
                f"one network ran on minibatches of {_short(sizes[0])} examples, the other of {_short(sizes[1])}: both "
                "must run on the same")
        compare_order(self._first, other._first)

    def _begin(self, _module, arguments, keywords):
        batch = _batch(arguments, keywords)
        size = batch_size((arguments, keywords))
        self._now = Grams(self._stream)
        if self._first is None:
            self._first = fingerprint((arguments, keywords))
        self._hooks.begin(batch, size, self._now)
        if self._layers.has_hidden_states:
            return arguments, {**keywords, "output_hidden_states": True}
        return None

    def _end(self, _module, _arguments, output):
        self._hooks.end(output)
        grams, self._now = self._now, None
        grams.finish()
        if grams.examples < LEAST_EXAMPLES:
            warn(
                f"minibatch {self._seen} is left out: it has {grams.examples} examples, and HSIC needs at least "
                f"{LEAST_EXAMPLES}")
        else:
            self._minibatches.append(grams)
        self._seen += 1


def compare_captures(left, right, options):
    """The result of one or two captures: see `ckakit.compare`."""
    if options:
        raise ValueError(f"{', '.join(options)}: options of captured networks are those of capture(…)")
    if right is not None and not isinstance(right, Capture):
        raise ValueError(f"right is {type(right).__name__}, expected what capture(…) has returned")
    return left.compared(right)


def _batch(arguments, keywords):
    """What a mask is looked for in: the keywords, else the one argument, else all."""
    if keywords:
        return keywords
    return arguments[0] if len(arguments) == 1 else arguments


def _short(sizes):
    text = ", ".join(map(str, sizes[:5]))
    return text if len(sizes) <= 5 else f"{text} … ({len(sizes)} minibatches)"
