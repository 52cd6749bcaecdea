"""Models of the caller: files, arrays, tensors, which are lent to the library without copies where they can be."""

import ctypes
import fnmatch
import os
from collections.abc import Mapping

import numpy as np

from ._library import NONE, Array, Owner, call, json_of

_TYPES = {
    name: number
    for number, name in enumerate(
        [
            "float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2", "int8", "int16", "int32",
            "int64", "uint8", "uint16", "uint32", "uint64", "bool",
        ], start=1)
}


class Model(Owner):
    """A model of the library, and what its numbers live in."""

    def __init__(self, handle, kept=()):
        super().__init__(handle)
        self.kept = kept


def model(value, name, *, layers=None, exclude=None, pooling=None, layout=None, mask=None):
    """The model that `value` stands for: a path, arrays by their names, or one array.

    Parameters
    ----------
    name : str
        What messages call it.
    layers, exclude : str or list of str, optional
        Shell patterns of the names of layers.
    pooling, layout, mask : optional
        Those of `compare`.
    """
    if isinstance(value, Model):
        return value
    layers, exclude = patterns("layers", layers), patterns("exclude", exclude)
    if isinstance(value, (str, os.PathLike)):
        options = {"layers": layers, "exclude": exclude}
        found = Model(call("cka_model_open", os.fspath(value).encode(), json_of(options)))
        return _pooled(found, pooling, layout, mask)
    parts = list(value.values()) if isinstance(value, Mapping) else [value]
    if any(map(is_network, parts)):
        raise ValueError(
            f"{name} is a network: record its layers first, ckakit.record(network, loader, folder), then give it")
    if isinstance(value, (list, tuple)) and any(getattr(part, "ndim", 0) > 1 for part in value):
        raise ValueError(
            f"{name} is a {type(value).__name__} of arrays, expected layers by their names, as in {{'layer1': array}}")
    arrays = value if isinstance(value, Mapping) else {"layer": value}
    chosen = {
        str(layer): numbers for layer, numbers in arrays.items()
        if _matches(str(layer), layers or ["*"]) and not _matches(str(layer), exclude or [])}
    if not chosen:
        raise ValueError(
            f"{name}: there is no layer" if not arrays else
            f"{name}: no layer is left of {', '.join(map(str, arrays))}")
    owner = Owner(call("cka_model_create", name.encode()))
    kept = []
    for layer, numbers in chosen.items():
        lent, array = lend(layer, numbers)
        call("cka_model_add_layer", owner.handle, layer.encode(), ctypes.byref(array))
        kept.append(lent)
    handle, owner.handle = owner.handle, NONE
    return _pooled(Model(handle, kept), pooling, layout, mask)


def _pooled(model, pooling, layout, mask):
    """The model with its tokens or positions pooled."""
    if pooling is None and layout is None and mask is None:
        return model
    for key, choice in [("pooling", pooling), ("layout", layout)]:
        if choice is not None and not isinstance(choice, str):
            raise ValueError(f"{key} of files and arrays is one choice for all layers; others need a network")
    _kept, array = (None, None) if mask is None else lend("mask", _mask(mask))
    handle = call(
        "cka_model_pool", model.handle, None if array is None else ctypes.byref(array),
        json_of({"pooling": pooling, "layout": layout}))
    return Model(handle, [model])


def _mask(mask):
    """Flags, examples × tokens, or lengths: an array, or a file of NumPy's with one."""
    if callable(mask) or mask is False:
        raise ValueError("mask of files and arrays is an array, examples × tokens, or lengths; others need a network")
    return np.load(mask) if isinstance(mask, (str, os.PathLike)) else mask


def pair(
    left, right, *, layers=None, right_layers=None, exclude=None, right_exclude=None, pooling=None, layout=None,
    mask=None, right_mask=None,
):
    """The models of an analysis of one or two, the second None where there is none: see `model`.

    The right one's layers are chosen as the left one's unless it has a choice of its own.
    """
    if right is None and (right_layers is not None or right_exclude is not None or right_mask is not None):
        raise ValueError("right_layers, right_exclude and right_mask need a second model")
    first = model(left, "left", layers=layers, exclude=exclude, pooling=pooling, layout=layout, mask=mask)
    if right is None:
        return first, None
    return first, model(
        right, "right", layers=layers if right_layers is None else right_layers,
        exclude=exclude if right_exclude is None else right_exclude, pooling=pooling, layout=layout,
        mask=mask if right_mask is None else right_mask)


def is_network(value):
    """Whether `value` is a module of PyTorch, which is not imported for this."""
    return any(
        kind.__module__.startswith("torch.nn.") and kind.__name__ == "Module" for kind in type(value).__mro__)


def patterns(key, value):
    """Patterns as a list, or None."""
    if value is None:
        return None
    patterns = list(value) if isinstance(value, (list, tuple, set)) else [value]
    if not all(isinstance(pattern, str) for pattern in patterns):
        raise ValueError(f"{key} of files and arrays are shell patterns of their names; modules need a network")
    return patterns


def _matches(layer, patterns):
    return any(fnmatch.fnmatchcase(layer, pattern) for pattern in patterns)


def lend(layer, numbers):
    """What keeps the numbers alive, and where they are."""
    if type(numbers).__module__.partition(".")[0] == "torch":
        return _lend_tensor(layer, numbers)
    array = np.asarray(numbers)
    if array.dtype.name not in _TYPES:
        raise ValueError(f"layer {layer}: found numbers of the type {array.dtype}, expected real numbers")
    if array.ndim == 0:
        raise ValueError(f"layer {layer}: found a single number, expected examples × features")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    is_fortran = array.ndim == 2 and array.flags.f_contiguous and not array.flags.c_contiguous
    if not is_fortran:
        array = np.ascontiguousarray(array)
    shape = (ctypes.c_int64 * array.ndim)(*array.shape)
    return (array, shape), Array(
        array.ctypes.data, shape, array.ndim, _TYPES[array.dtype.name], is_fortran)


def _lend_tensor(layer, tensor):
    """A tensor's memory; NumPy knows no bfloat16."""
    tensor = tensor.detach().cpu().contiguous()
    kind = str(tensor.dtype).removeprefix("torch.")
    if kind not in _TYPES:
        raise ValueError(f"layer {layer}: found numbers of the type {kind}, expected real numbers")
    if tensor.ndim == 0:
        raise ValueError(f"layer {layer}: found a single number, expected examples × features")
    shape = (ctypes.c_int64 * tensor.ndim)(*tensor.shape)
    return (tensor, shape), Array(tensor.data_ptr(), shape, tensor.ndim, _TYPES[kind], 0)
