"""Comparisons of models."""

import os
from collections.abc import Mapping

from ._capture import Capture, compare_captures
from ._grams import new_stream
from ._library import call
from ._models import is_network, pair
from ._networks import Run, are_networks, compare_networks
from ._result import Result
from ._work import handles, of_models


def cka(x, y, **options):
    """CKA of two layers: a float, NaN where it does not exist.

    Parameters
    ----------
    x, y : array
        Examples × features of NumPy, PyTorch or anything that NumPy reads, of the same examples.
    **options
        Other parameters of `compare`; `estimator` is "unbiased" unless given.

    Examples
    --------
    >>> import numpy as np, ckakit
    >>> x = np.arange(30.0).reshape(10, 3) % 7
    >>> round(ckakit.cka(x, 2 * x + 1), 6)
    1.0
    """
    return float(compare({"x": x}, {"y": y}, **{"estimator": "unbiased", **options}).cka[0, 0])


def compare(
    left, right=None, loader=None, *, right_loader=None, layers=None, right_layers=None, exclude=None,
    right_exclude=None, pooling=None, layout=None, mask=None, right_mask=None, forward=None, ids=None, progress=None,
    **options,
):
    """Compare all layers of a model with those of another, or with its own.

    Parameters
    ----------
    left, right : network, capture, path, mapping of arrays, or array
        A network of PyTorch; what `capture` returned; a file or folder that the command `cka` reads; layers by their
        names, examples × features each; or one layer. Numbers are not copied where they are contiguous and on the CPU.
        A mapping of networks by their names compares every pair of them. Without a right model the loader may stand in
        its place: `compare(network, loader)`.
    loader : iterable
        Of networks: the minibatches, on which all run. A mapping is passed by keywords, all of it but `ids`; of a tuple
        the first. Each layer is reduced to its Gram matrix as soon as it has run, and nothing else of it is kept. The
        estimators of all examples need every activation: these are recorded in a temporary folder, in `TMPDIR`.
    right_loader : iterable, optional
        The minibatches of the right network: the same examples in the same order, as that network needs them.
    layers, right_layers : str, module, type, callable, or list of them, optional
        Of networks: which modules are layers, by shell patterns of their names, as modules of the network, by type, or
        by a function of name and module. The modules without children unless given. A module that runs twice is `name`
        and `name:2`. "hidden_states": what a network of transformers returns under that name. Of several networks also
        a mapping from their names. Of files and arrays: shell patterns of names.
    exclude, right_exclude : str, module, type, callable, or list of them, optional
        Which of these are left out.
    pooling : str, callable, or mapping from layer patterns to them, optional
        "flatten" (default), all numbers of an example; "mean" over the positions of a map or the tokens of a sequence;
        the "first" or "last" token; "tokens", each of which is an example. Of networks also a function of a layer's
        output and the mask (None, or flags, examples × tokens). Of a mapping the first pattern that matches counts.
    layout : {"channels-first", "channels-last"} or mapping from layer patterns to them, optional
        Which axis of an output holds the channels, of layers whose module's type does not tell.
    mask : str, callable, array or False, optional
        Which tokens count: flags, examples × tokens, or the lengths of the examples. Of networks a key of a minibatch,
        or a function of it, that gives them; the minibatch's own `attention_mask` unless given; False: none. Of files
        and arrays an array, or a `.npy` file with it.
    right_mask : array or path, optional
        Of files and arrays: the right model's, where its tokens are others.
    forward : callable, optional
        Of networks: `forward(network, batch)` runs a batch, in place of the network's own call. The batch's tensors are
        where the network's parameters are.
    ids : str or callable, optional
        With two loaders: a key of a minibatch, or a function of it, that gives sample IDs, which must be equal. Without
        it the contents of the first minibatches are compared.
    progress : callable or True, optional
        Is called with the share of the work that is done, some twenty times a second. What it raises ends the work.
        True: a bar of `tqdm.auto`.
    **options
        See "Other Parameters".

    Other Parameters
    ----------------
    estimator : {"minibatch", "unbiased", "biased"}
        "minibatch" (default): HSIC of minibatches, each unbiased, averaged. "unbiased": all examples at once, which
        minibatches estimate. "biased": all examples at once, as in many papers; of random layers with more features
        than examples it is near 1.
    batch_size, passes, order, ragged
        Of the minibatches of files and arrays: their size, at most 256 unless given, such that few examples are left
        over; how often each example is in one, 1; "shuffled" (default) or "stored"; whether to "drop" (default) or
        "keep" a smaller last one. Minibatches of networks are the loader's.
    seed : int
        Of the shuffled order, and of what `examples` draws; 0.
    examples : int
        Take at most so many examples, drawn at random.
    align : {"order", "ids"}
        Whether examples are paired in their order (default), or sorted by their sample IDs.
    drop_examples : {"non-finite"}
        Leave out examples with NaN or infinity in any layer.
    kernel : {"linear", "rbf"}
        "linear" unless given.
    bandwidth, sigma : float
        Of "rbf": its width as a multiple of the median distance, 1 unless given, or the width itself.
    device : str
        What computes what is in files and in the CPU's memory: "auto" (default), "cpu", "opencl", "opencl:0",
        "opencl:all". Networks run where their parameters are.
    precision : {"exact", "compensated", "fast"}
        "exact" (default): within 1e-5 of float64. "fast": within 1e-3, by 16-bit matrix units where a device has them.
    memory : int
        Bytes that may be taken; half of what the process may have unless given.

    Returns
    -------
    Result
        Of several networks a `Study`.
    """
    if is_network(left) or are_networks(left):
        if right_mask is not None:
            raise ValueError("right_mask is of files and arrays; a network finds its mask in its minibatches")
        if loader is None and right is not None and not _is_model(right):
            # compare(network, loader): nothing else can be meant.
            right, loader = None, right
        return compare_networks(
            left, right, Run(loader, right_loader, forward, ids, progress), layers=layers, right_layers=right_layers,
            exclude=exclude, right_exclude=right_exclude, pooling="flatten" if pooling is None else pooling,
            layout=layout, mask=mask, estimator=options.pop("estimator", "minibatch"), options=options,
            compare_files=compare)
    for name, value in [
        ("loader", loader), ("right_loader", right_loader), ("forward", forward), ("ids", ids),
    ]:
        if value is not None:
            raise ValueError(f"{name} needs a network of PyTorch")
    choices = {"layers": layers, "exclude": exclude, "pooling": pooling, "layout": layout, "mask": mask}
    if isinstance(left, Capture):
        if any(value is not None for value in [*choices.values(), right_layers, right_exclude, right_mask]):
            raise ValueError("the layers of captured networks and their pooling are chosen by capture(…)")
        return compare_captures(left, right, options)
    return Result(of_models(
        "cka_compare", left, right, progress, options, right_layers=right_layers, right_exclude=right_exclude,
        right_mask=right_mask, **choices))


def _is_model(value):
    """Whether `value` is something to compare, and no loader."""
    return is_network(value) or isinstance(value, (str, os.PathLike, Mapping, Capture))


class Stream:
    """A comparison of minibatches that arrive one after another. Nothing of a minibatch is kept but sums.

    Parameters
    ----------
    **options
        `kernel`, `bandwidth`, `sigma`, `device`, `precision` of `compare`.

    Examples
    --------
    >>> import numpy as np, ckakit
    >>> rng = np.random.default_rng(0)
    >>> stream = ckakit.Stream()
    >>> for _ in range(3):
    ...     x = rng.normal(size=(32, 4))
    ...     stream.add({"layer": x}, {"layer": 3 * x})
    >>> round(float(stream.result().cka[0, 0]), 6)
    1.0
    """

    def __init__(self, **options):
        self._owner = new_stream(options)

    def add(self, left, right=None):
        """Add a minibatch: the same layers each time, of the same examples."""
        first, second = pair(left, right)
        call("cka_stream_add", self._owner.handle, *handles(first, second))

    def result(self):
        """The result so far."""
        return Result(call("cka_stream_result", self._owner.handle))

