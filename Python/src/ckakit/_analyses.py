"""The analyses beside `compare`: each does what the command of the same name does."""

import ctypes
import os
from collections.abc import Mapping

from ._library import Handle, call, json_of
from ._models import lend
from ._models import model as lent
from ._models import patterns
from ._result import Result, TrustResult
from ._results import BlocksResult, ComponentsResult, ConvergeResult, ErrorsResult, ProbeResult, SweepResult
from ._study import Study
from ._work import of_models, work

_OF_LAYERS = {"layers", "right_layers", "exclude", "right_exclude", "pooling", "layout", "mask", "right_mask"}


def _of_models(name, left, right, progress, options):
    """The handle of an analysis of one model or two; `options` has the choice of layers, too."""
    choices = {key: options.pop(key) for key in _OF_LAYERS & options.keys()}
    return of_models(name, left, right, progress, options, **choices)


def trust(left, right=None, *, cell=None, progress=None, **options):
    """Standard errors of a map, a map of randomly paired examples, and one pair of layers in detail.

    Parameters
    ----------
    left, right : path, mapping of arrays, or array
        As of `compare`. Record networks first: `record`.
    cell : pair of str, optional
        The names of two layers that are looked into.
    progress : callable or True, optional
        As of `compare`.
    **options
        `layers`, `right_layers`, `exclude`, `right_exclude`, `pooling`, `layout`, `mask`, `right_mask`, `seed`,
        `examples`, `align`, `drop_examples`, `kernel`, `bandwidth`, `sigma`, `device`, `precision` and `memory` of
        `compare`.

    Other Parameters
    ----------------
    map_permutations : int
        Random pairings of the whole map, for the p of its largest cells; 99 unless given, or none where the matrices of
        all layers are of more than 8 million numbers.
    permutations : int
        Of a cell: random pairings of the examples, 999.
    top : int
        Of a cell: how many of the examples that contribute most are named, 10.

    Returns
    -------
    TrustResult

    Examples
    --------
    >>> import numpy as np, ckakit
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(60, 4))
    >>> result = ckakit.trust({"x": x, "y": x + rng.normal(size=(60, 4))}, cell=("x", "y"), permutations=99)
    >>> bool(result.standard_error[0, 1] < 0.1), result.pair["p"]
    (True, 0.01)
    """
    cell = None if cell is None else list(cell)
    return TrustResult(_of_models("cka_trust", left, right, progress, {"cell": cell, **options}))


def converge(left, right=None, *, progress=None, **options):
    """How far minibatches are from the exact value, by batch size and passes.

    Parameters
    ----------
    left, right, progress
        As of `trust`.
    **options
        Those of `trust`, but for those of a cell.

    Other Parameters
    ----------------
    batch_sizes : list of int
        [16, 32, 64, 128, 256] unless given; at least 4 each.
    passes : list of int
        How often each example is in a minibatch; [1, 2, 5, 10] unless given.
    repeats : int
        How many orders of the examples are tried, 10.

    Returns
    -------
    ConvergeResult
    """
    return ConvergeResult(_of_models("cka_converge", left, right, progress, options))


def components(left, right=None, *, progress=None, **options):
    """Principal components of all layers, and CKA without the first ones.

    Parameters
    ----------
    left, right, progress
        As of `trust`.
    **options
        Those of `trust`, but for those of a cell and of kernels.

    Other Parameters
    ----------------
    components : int
        How many of each layer, 10.
    remove : list of int
        How many first components to leave out, [1]; one map each.
    estimator : {"unbiased", "biased"}
        Of CKA over all examples; "unbiased" unless given. Contributions are always of the biased one.
    layer : str
        The layer of the left model whose first component tells which examples are dominant; the mean over all layers
        unless given.
    controls : int
        Random drops of as many examples to compare with, 3.

    Returns
    -------
    ComponentsResult
    """
    return ComponentsResult(_of_models("cka_components", left, right, progress, options))


def probe(model, labels, *, progress=None, **options):
    """Accuracy of a linear classifier on each layer.

    Parameters
    ----------
    model : path, mapping of arrays, or array
        As `left` of `trust`.
    labels : array
        The class of each example: whole numbers from 0.
    progress
        As of `trust`.
    **options
        `layers`, `exclude`, `pooling`, `layout`, `mask`, `seed`, `examples`, `drop_examples`, `device`, `precision` and `memory`
        of `compare`.

    Other Parameters
    ----------------
    penalty : float
        Of the squared weights, relative to the summed losses, 1: 1/C of scikit-learn's `LogisticRegression`.
    test_fraction : float
        The share of each class's examples on which accuracy is measured, 0.25.

    Returns
    -------
    ProbeResult

    Examples
    --------
    >>> import numpy as np, ckakit
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(200, 4))
    >>> result = ckakit.probe({"x": x, "noise": rng.normal(size=(200, 4))}, (x[:, 0] > 0).astype(int))
    >>> [f"{layer['testAccuracy']:.1f}" for layer in result.layers]
    ['1.0', '0.5']
    """
    lent_model = lent(
        model, "model", **{key: options.pop(key) for key in ("layers", "exclude", "pooling", "layout", "mask") if key in options})
    kept, array = lend("labels", labels)
    handle = work("cka_probe", lent_model.handle, ctypes.byref(array), json_of(options), progress=progress)
    del kept
    return ProbeResult(handle)


def errors(groups, labels, **options):
    """Where two groups of networks err differently.

    Parameters
    ----------
    groups : mapping
        The predictions of two groups of networks: `{"wide": {"seed0": array, …}, "deep": […]}`. Predictions are the
        class of each example, counted from 0, or examples × classes: probabilities or, with `logits=True`, logits.
    labels : array
        The true class of each example.
    **options
        See "Other Parameters".

    Other Parameters
    ----------------
    logits : bool
        Whether predictions of examples × classes are logits, not probabilities.
    class_names : list of str
        One for each class.
    top : int
        How many of the examples with the largest differences are chosen, 20.
    repeats : int
        Random splits of the groups into halves, 1000.
    seed : int
        Of these; 0.

    Returns
    -------
    ErrorsResult
    """
    if len(groups) != 2:
        raise ValueError(f"found {len(groups)} groups, expected 2")
    models = []
    for name, networks in groups.items():
        if not isinstance(networks, Mapping):
            networks = {f"{name}-{index}": network for index, network in enumerate(networks)}
        models.append(lent(networks, str(name)))
    kept, array = lend("labels", labels)
    handle = call("cka_errors", models[0].handle, models[1].handle, ctypes.byref(array), json_of(options))
    del kept
    return ErrorsResult(handle)


def blocks(results, **options):
    """Consecutive layers that are more similar than others as far apart.

    Parameters
    ----------
    results : Result, list of Result, Study or SweepResult
        Comparisons of one model with itself each, or what compared several models: each with itself is looked at.
    **options
        See "Other Parameters".

    Other Parameters
    ----------------
    min_size : int
        The least layers of a block; a tenth of the layers and two unless given.
    min_contrast : float
        By how much similarity drops at the edges of a block at least, 0.1.
    significance : float
        The largest p-value of a block, 0.05.
    permutations : int
        Maps of the null model, 999.
    seed : int
        Of these; 0.

    Returns
    -------
    BlocksResult
    """
    if isinstance(results, Study):
        results = [results[name, name] for name in results.names]
    found = [results] if isinstance(results, (Result, SweepResult)) else list(results)
    for result in found:
        if not isinstance(result, (Result, SweepResult)):
            raise ValueError(f"found {type(result).__name__}, expected the result of compare or of sweep")
    handles = (Handle * len(found))(*(result._owner.handle for result in found))
    return BlocksResult(call("cka_blocks", handles, len(found), json_of(options)))


def sweep(models, store, *, progress=None, **options):
    """Compare every pair of many models, in a store that is made, or extended.

    Parameters
    ----------
    models : list of paths
        Files or folders of activations, such as `record` writes.
    store : path
        A folder.
    progress
        As of `trust`.
    **options
        Those of `compare` for files.

    Other Parameters
    ----------------
    store_precision : {"float32", "float16"}
        Of the Gram matrices in the store: half the size costs up to 1e-3 of a score. "float32" unless given.

    Returns
    -------
    SweepResult
    """
    if isinstance(models, (str, os.PathLike)):
        raise ValueError(f"models is one path, {os.fspath(models)}, expected a list of them")
    for path in models:
        if not isinstance(path, (str, os.PathLike)):
            raise ValueError(
                f"a model is {type(path).__name__}, expected the path of a file or folder, such as record writes")
    paths = [os.fspath(path).encode() for path in models]
    store = os.fspath(store)
    for key in ("layers", "exclude"):
        options[key] = patterns(key, options.get(key))
    handle = work(
        "cka_sweep", store.encode(), (ctypes.c_char_p * len(paths))(*paths), len(paths), json_of(options),
        progress=progress)
    return SweepResult(handle, store)
