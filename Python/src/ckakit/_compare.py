"""Comparisons of models."""

import json
import signal
import threading
from contextlib import contextmanager

from ._library import NONE, PROGRESS, Owner, call
from ._models import model
from ._networks import compare_networks, is_network
from ._result import Result


def cka(x, y, **options):
    """CKA of two layers: a float, NaN where it does not exist.

    Parameters
    ----------
    x, y : array
        Examples × features of NumPy, PyTorch or anything that NumPy reads, of the same examples.
    **options
        Those of `compare`; all examples at once, unbiased, unless given.

    Examples
    --------
    >>> import numpy as np, ckakit
    >>> x = np.arange(30.0).reshape(10, 3) % 7
    >>> round(ckakit.cka(x, 2 * x + 1), 6)
    1.0
    """
    return float(compare({"x": x}, {"y": y}, **{"estimator": "unbiased", **options}).cka[0, 0])


def compare(
    left, right=None, loader=None, *, layers=None, right_layers=None, exclude=None, forward=None, progress=None,
    **options,
):
    """Compare all layers of a model with those of another, or with its own.

    Parameters
    ----------
    left, right : network, path, mapping of arrays, or array
        A network of PyTorch; a file or folder that the command `cka` reads; layers by their names, examples × features
        each; or one layer. Numbers are not copied where they are contiguous and on the CPU.
    loader : iterable
        Of networks: the minibatches, on which both run. A mapping is passed by keywords, all of it; of a tuple the first.
        Each layer is reduced to its Gram matrix as soon as it has run, and nothing else of it is kept.
    layers, right_layers, exclude : str, type, callable, or list of them, optional
        Of networks: which modules are layers, by shell patterns of their names, by type, or by a function of name and
        module. The modules without children unless given. A module that runs twice is `name` and `name:2`.
    forward : callable, optional
        Of networks: `forward(network, batch)` runs a batch, in place of the network's own call.
    progress : callable, optional
        Is called with the share of the work that is done, some twenty times a second. What it raises ends the work.
    **options
        `estimator` ("minibatch", "unbiased", "biased"), `batch_size`, `passes`, `order`, `seed`, `ragged`, `kernel`
        ("linear", "rbf"), `bandwidth`, `sigma`, `device`, `precision`, `memory`: see `cka compare --help`.

    Returns
    -------
    Result
    """
    if is_network(left):
        estimator = options.pop("estimator", "minibatch")
        if estimator != "minibatch":
            raise ValueError(f"estimator is {estimator!r}: networks that run are compared by minibatches")
        return compare_networks(
            left, right, loader, Stream(**options)._owner, layers=layers, right_layers=right_layers, exclude=exclude,
            forward=forward, progress=progress)
    for name, value in [("loader", loader), ("layers", layers), ("right_layers", right_layers),
                        ("exclude", exclude), ("forward", forward)]:
        if value is not None:
            raise ValueError(f"{name} needs a network of PyTorch")
    first = model(left, "left")
    second = None if right is None else model(right, "right")
    raised = []

    @PROGRESS
    def tell(share, _):
        # Python's handlers of signals run here.
        try:
            if progress is not None and not raised:
                progress(share)
        except BaseException as exception:
            raised.append(exception)
        return len(raised)

    try:
        with _collecting_interrupts(raised):
            handle = call(
                "cka_compare", first.handle, second.handle if second else NONE, _json(options), tell, None)
    except RuntimeError:
        if raised:
            raise raised[0] from None
        raise
    return Result(handle, first.layers, (second or first).layers)


@contextmanager
def _collecting_interrupts(raised):
    """Puts the exception of Ctrl-C into `raised`: one that is raised between two calls of C would be lost."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: raised.append(KeyboardInterrupt()))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
        self._owner = Owner(call("cka_stream_create", _json(options)))
        self._names = None

    def add(self, left, right=None):
        """Add a minibatch: the same layers each time, of the same examples."""
        first = model(left, "left")
        second = None if right is None else model(right, "right")
        call("cka_stream_add", self._owner.handle, first.handle, second.handle if second else NONE)
        self._names = first.layers, (second or first).layers

    def result(self):
        """The result so far."""
        handle = call("cka_stream_result", self._owner.handle)
        return Result(handle, *self._names)


def _json(options):
    return json.dumps({key: value for key, value in options.items() if value is not None}).encode()
