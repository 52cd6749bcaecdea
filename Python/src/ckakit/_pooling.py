"""What of a layer's output is compared: all of it, a mean, one token, or each token as an example."""

import fnmatch
from collections.abc import Mapping

from ._layouts import FIRST, LAST, LAYOUTS, axis_of_channels, examples_are_second
from ._tensors import is_tensor, words
from ._warnings import warn

POOLINGS = ("flatten", "mean", "first", "last", "tokens")


class Pooling:
    """What of the output of each layer is compared.

    Parameters
    ----------
    pooling : str, callable, or mapping from layer patterns to them
        One of `POOLINGS`, or a function of an output and its mask (None, or flags, examples × tokens). Of a mapping,
        the first pattern that matches a layer's name counts; layers that none matches are flattened.
    layout : str, or mapping from layer patterns to it, optional
        One of `LAYOUTS`, for layers whose modules do not tell.
    """

    def __init__(self, pooling="flatten", layout=None):
        self._pooling = pooling if isinstance(pooling, Mapping) else {"*": pooling}
        self._layout = layout if isinstance(layout, Mapping) else {"*": layout}
        for choice in self._pooling.values():
            if not callable(choice) and choice not in POOLINGS:
                raise ValueError(f"pooling is {choice!r}, expected {', '.join(POOLINGS)} or a function")
        for choice in self._layout.values():
            if choice is not None and choice not in LAYOUTS:
                raise ValueError(f"layout is {choice!r}, expected {' or '.join(LAYOUTS)}")
        self._has_warned = False

    def of(self, layer):
        """What is taken of a layer."""
        return _chosen(self._pooling, layer, "flatten")

    @property
    def name(self):
        """What documents call it: the one choice for all layers, or that it differs."""
        choices = {"function" if callable(choice) else choice for choice in self._pooling.values()}
        return choices.pop() if len(choices) == 1 and "*" in self._pooling else "by layer"

    @property
    def is_of_tokens(self):
        """Whether some layer's examples are its tokens."""
        return "tokens" in self._pooling.values()

    def __call__(self, layer, module, output, size, mask):
        """A layer's activations, the first axis its examples, and the axis of their channels where it is known.

        Parameters
        ----------
        layer : str
        module : torch.nn.Module or None
            None: hidden states of a transformer, tokens × features.
        output : torch.Tensor
        size : int
            The number of examples of the minibatch.
        mask : Mask or None
        """
        choice = self.of(layer)
        if callable(choice):
            return _checked(choice(output, None if mask is None else mask.flags), layer, size), None
        _checked(output, layer, size)
        if output.ndim == 3 and module is not None and examples_are_second(module):
            raise ValueError(
                f"layer {layer} has batch_first=False: the first axis of its output, {words(output.shape)}, is not "
                f"that of the examples; give it a function, as in pooling={{{layer!r}: lambda output, mask: "
                "output.transpose(0, 1)}")
        if choice == "flatten":
            self._tell_of_padding(layer, output, mask)
            return output, self._layout_of(layer, module, output, mask) if output.ndim > 2 else None
        if output.ndim < 3:
            if choice == "tokens":
                raise ValueError(
                    f"layer {layer} returns {words(output.shape)}, expected examples × tokens × features for the "
                    "pooling 'tokens'; leave it out with exclude=")
            return output, None
        if choice == "mean":
            return self._mean(layer, module, output, mask), None
        return self._tokens(choice, layer, module, output, mask), None

    def _mean(self, layer, module, output, mask):
        import torch

        layout = self._layout_of(layer, module, output, mask)
        if layout is None and output[0].numel() != 1:
            raise ValueError(_question(layer, output, "mean"))
        places = tuple(range(2, output.ndim) if layout == FIRST else range(1, output.ndim - 1))
        kind = output.dtype if output.dtype == torch.float64 else torch.float32
        if mask is None:
            return output.mean(places, dtype=kind)
        if output.ndim > 3:
            raise ValueError(_misfit(layer, output, mask))
        tokens = _fitting(mask, output.shape[places[0]], layer, output)
        if layout == LAST and output.device.type == "cpu" and output.dtype == kind:
            # Reads the tokens that count, and copies none: a sixth of the time of what follows.
            return torch.nn.functional.embedding_bag(
                tokens.places, output.flatten(0, 1), tokens.starts, mode="mean")
        flags, counts = (tokens.on(output.device, name) for name in ("flags", "counts"))
        # What is in padded tokens may be no number: it is replaced, not multiplied by 0.
        padding = ~flags.unsqueeze(1 if layout == FIRST else 2)
        return output.masked_fill(padding, 0).sum(places, dtype=kind) / counts[:, None]

    def _tokens(self, choice, layer, module, output, mask):
        """The first, the last or all tokens."""
        layout = self._layout_of(layer, module, output, mask)
        if layout is None and output.ndim == 3:
            raise ValueError(_question(layer, output, choice))
        if output.ndim != 3 or layout == FIRST:
            raise ValueError(
                f"layer {layer} returns {words(output.shape)}{', channels first' if layout == FIRST else ''}: the "
                f"pooling {choice!r} is for examples × tokens × features; give the layer another one, as in "
                f"pooling={{{layer!r}: 'mean', '*': {choice!r}}}")
        if mask is None:
            return output.flatten(0, 1) if choice == "tokens" else output[:, 0 if choice == "first" else -1]
        tokens = _fitting(mask, output.shape[1], layer, output, may_be_empty=choice == "tokens")
        if choice == "tokens":
            return output.flatten(0, 1).index_select(0, tokens.on(output.device, "places"))
        places = tokens.on(output.device, choice)
        return output.take_along_dim(places[:, None, None], 1)[:, 0]

    def _layout_of(self, layer, module, output, mask):
        """What the module's type tells, else what the caller does, else where the mask finds its tokens."""
        if module is None and output.ndim == 3:
            return LAST
        certain = None if module is None else axis_of_channels(module)
        layout = certain or _chosen(self._layout, layer, None)
        if layout is None and mask is not None and output.ndim == 3:
            fits = [mask.fits(length) for length in output.shape[1:]]
            if fits[0] != fits[1]:
                layout = LAST if fits[0] else FIRST
        return layout

    def _tell_of_padding(self, layer, output, mask):
        if self._has_warned or mask is None or output.ndim < 3:
            return
        tokens = mask.of(output.shape[1])
        if tokens is not None and tokens.has_padding:
            self._has_warned = True
            warn(
                f"layer {layer} is flattened with its padded tokens, which are compared like any others; choose "
                "pooling='mean', 'first', 'last' or 'tokens' to leave them out")


def _chosen(choices, layer, otherwise):
    return next((choice for pattern, choice in choices.items() if fnmatch.fnmatchcase(layer, pattern)), otherwise)


def _checked(output, layer, size):
    """The activations, whose first axis must be the examples."""
    if not is_tensor(output):
        raise ValueError(f"layer {layer} returns no tensor; leave it out with exclude=")
    if output.ndim == 0 or output.shape[0] != size:
        raise ValueError(
            f"layer {layer} returns {tuple(output.shape)}, expected {size} examples on the first axis; leave it out "
            "with exclude=")
    return output


def _question(layer, output, choice):
    readings = []
    for layout, channels in [(FIRST, output.shape[1]), (LAST, output.shape[-1])]:
        places = output[0].numel() // max(channels, 1)
        count = "1 feature" if channels == 1 else f"{channels} features"
        readings.append(f"{layout} keeps {count}" if choice == "mean" else f"{layout} reads {places} tokens of {count}")
    return f"pooling {choice!r} needs layout=: for layer {layer}, {words(output.shape)}, {', '.join(readings)}"


def _fitting(mask, length, layer, output, may_be_empty=False):
    tokens = mask.of(length)
    if tokens is None:
        raise ValueError(_misfit(layer, output, mask))
    if not may_be_empty and tokens.empty is not None:
        raise ValueError(f"layer {layer}: example {tokens.empty} of a minibatch has no token that the mask lets count")
    return tokens


def _misfit(layer, output, mask):
    return (
        f"layer {layer} returns {words(output.shape)}, and {mask}: they do not fit; leave the layer out with exclude=, "
        "give it another pooling, or none the mask with mask=False")
