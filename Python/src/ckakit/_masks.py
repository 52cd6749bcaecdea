"""Which tokens of a minibatch count, and which are padding."""

from collections.abc import Mapping
from functools import cached_property

from ._tensors import words


def mask_of(batch, size, source=None):
    """The mask of a minibatch, or None.

    Parameters
    ----------
    batch : object
        What the loader gave.
    size : int
        The number of its examples.
    source : str, callable, False or None
        A key of the batch, a function of it, or None: the batch's own `attention_mask` where it has one. False: none.
    """
    if source is False:
        return None
    if callable(source):
        return _mask(source(batch), size, "what mask returns")
    # The inputs of a pair of inputs and labels.
    inputs = batch[0] if isinstance(batch, (tuple, list)) and batch and isinstance(batch[0], Mapping) else batch
    key = "attention_mask" if source is None else source
    if isinstance(inputs, Mapping):
        found = inputs.get(key)
    else:
        found = getattr(inputs, key, None)
    if found is None and source is not None:
        keys = f"; there are {', '.join(map(str, inputs))}" if isinstance(inputs, Mapping) else ""
        raise ValueError(f"a minibatch has no mask {source!r}{keys}")
    return _mask(found, size, key)


def _mask(numbers, size, name):
    if numbers is None:
        return None
    import torch

    # On the CPU: what depends on the mask alone is computed there once, without waiting for a device.
    numbers = torch.as_tensor(numbers).detach().cpu()
    if numbers.ndim not in (1, 2) or len(numbers) != size:
        raise ValueError(
            f"the mask, {name}, is {words(numbers.shape)}, expected {size} examples × tokens, or {size} lengths; give "
            "one with mask=, or none with mask=False")
    if numbers.dtype != torch.bool and bool((numbers < 0).any()):
        raise ValueError(
            f"the mask, {name}, has numbers below 0, expected 1 for each token that counts and 0 for others")
    if numbers.ndim == 2:
        return Mask(numbers != 0, None)
    if numbers.is_floating_point() or numbers.dtype == torch.bool:
        raise ValueError(f"the mask, {name}, is one {numbers.dtype} for each example, expected lengths as integers")
    return Mask(None, numbers)


class Mask:
    """Which tokens count: flags, examples × tokens, or the numbers of first tokens."""

    def __init__(self, flags, lengths):
        self._flags, self._lengths = flags, lengths
        self._of_tokens = {}

    def of(self, tokens):
        """The mask of so many tokens; None where it is of another number."""
        import torch

        if tokens not in self._of_tokens:
            flags = self._flags
            if flags is None and int(self._lengths.max()) <= tokens:
                flags = torch.arange(tokens) < self._lengths[:, None]
            fits = flags is not None and flags.shape[1] == tokens
            self._of_tokens[tokens] = TokenMask(flags) if fits else None
        return self._of_tokens[tokens]

    def fits(self, tokens):
        """Whether this is a mask of so many tokens: known of flags alone."""
        return self._flags is not None and self._flags.shape[1] == tokens

    @property
    def flags(self):
        """Flags, examples × tokens, with as few tokens as there may be."""
        return self._flags if self._flags is not None else self.of(int(self._lengths.max())).flags

    def __str__(self):
        if self._flags is not None:
            return f"the mask is {words(self._flags.shape)}"
        return f"the mask's greatest length is {int(self._lengths.max())}"


class TokenMask:
    """Which of the tokens of a layer count."""

    def __init__(self, flags):
        self.flags = flags
        self._elsewhere = {}

    def on(self, device, name):
        """What `name` says of the mask, on a device."""
        place = device, name
        if place not in self._elsewhere:
            self._elsewhere[place] = getattr(self, name).to(device, non_blocking=True)
        return self._elsewhere[place]

    @cached_property
    def has_padding(self):
        return not bool(self.flags.all())

    @cached_property
    def counts(self):
        """The number of tokens that count, of each example."""
        return self.flags.sum(1)

    @cached_property
    def empty(self):
        """The first example without a token that counts; None where there is none."""
        found = (self.counts == 0).nonzero()
        return int(found[0, 0]) if len(found) else None

    @cached_property
    def first(self):
        """Where the first token that counts is, of each example."""
        return self.flags.int().argmax(1)

    @cached_property
    def last(self):
        """Where the last token that counts is, of each example."""
        return self.flags.shape[1] - 1 - self.flags.int().flip(1).argmax(1)

    @cached_property
    def places(self):
        """Where tokens that count are among those of all examples."""
        return self.flags.flatten().nonzero()[:, 0]

    @cached_property
    def starts(self):
        """Where the tokens of each example begin among `places`."""
        return self.counts.cumsum(0) - self.counts
