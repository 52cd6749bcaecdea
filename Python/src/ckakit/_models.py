"""Models of the caller: files, arrays, tensors, which are lent to the library without copies where they can be."""

import ctypes
import os
from collections.abc import Mapping

import numpy as np

from . import _library
from ._library import Array, Owner, call

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
        count = call("cka_model_layers", handle)
        self.layers = [call("cka_model_layer_name", handle, i).decode() for i in range(count)]


def model(value, name):
    """The model that `value` stands for: a path, arrays by their names, or one array."""
    if isinstance(value, Model):
        return value
    if isinstance(value, (str, os.PathLike)):
        return Model(call("cka_model_open", os.fspath(value).encode()))
    layers = value if isinstance(value, Mapping) else {"layer": value}
    if not layers:
        raise ValueError(f"{name}: there is no layer")
    owner = Owner(call("cka_model_create", name.encode()))
    kept = []
    for layer, numbers in layers.items():
        lent, array = lend(str(layer), numbers)
        call("cka_model_add_layer", owner.handle, str(layer).encode(), ctypes.byref(array))
        kept.append(lent)
    handle, owner.handle = owner.handle, _library.NONE
    return Model(handle, kept)


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
