"""The shared library `libcka.so`: its functions, and its errors as exceptions. See `cka.h`."""

import ctypes
import os
from functools import cache
from pathlib import Path

Handle = ctypes.c_uint64
NONE = 0

PROGRESS = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_double, ctypes.c_void_p)


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int32), ("message", ctypes.c_char * 2044)]


class Array(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("axes", ctypes.c_size_t),
        ("type", ctypes.c_int),
        ("is_fortran_order", ctypes.c_int32),
    ]


# Each function's result and arguments, but for the error that is last.
_FUNCTIONS = {
    "cka_set_program": (ctypes.c_int32, [ctypes.c_char_p]),
    "cka_close": (ctypes.c_int32, [Handle]),
    "cka_model_create": (Handle, [ctypes.c_char_p]),
    "cka_model_add_layer": (ctypes.c_int32, [Handle, ctypes.c_char_p, ctypes.POINTER(Array)]),
    "cka_model_open": (Handle, [ctypes.c_char_p]),
    "cka_model_layers": (ctypes.c_int64, [Handle]),
    "cka_model_layer_name": (ctypes.c_char_p, [Handle, ctypes.c_int64]),
    "cka_compare": (Handle, [Handle, Handle, ctypes.c_char_p, PROGRESS, ctypes.c_void_p]),
    "cka_stream_create": (Handle, [ctypes.c_char_p]),
    "cka_stream_add": (ctypes.c_int32, [Handle, Handle, Handle]),
    "cka_stream_result": (Handle, [Handle]),
    "cka_grams_create": (Handle, [Handle]),
    "cka_grams_add": (ctypes.c_int32, [Handle, ctypes.c_char_p, ctypes.POINTER(Array)]),
    "cka_stream_add_grams": (ctypes.c_int32, [Handle, Handle, Handle]),
    "cka_result_shape": (
        ctypes.c_int32, [Handle, ctypes.POINTER(ctypes.c_int64), ctypes.POINTER(ctypes.c_int64)]),
    "cka_result_numbers": (
        ctypes.c_int32, [Handle, ctypes.c_char_p, ctypes.POINTER(ctypes.c_double), ctypes.c_size_t]),
    "cka_result_status": (ctypes.c_char_p, [Handle, ctypes.c_int64, ctypes.c_int64]),
    "cka_result_document": (ctypes.c_char_p, [Handle]),
    "cka_result_write": (ctypes.c_int32, [Handle, ctypes.c_char_p, ctypes.c_int32, ctypes.c_int32]),
}

# What an error's code is in Python: 130 is raised by who cancelled the work.
_EXCEPTIONS = {64: ValueError, 65: ValueError, 66: FileNotFoundError, 73: OSError, 74: OSError}


@cache
def library():
    """The shared library: the one of the package, or the one that `CKAKIT_LIBRARY` names."""
    path = os.environ.get("CKAKIT_LIBRARY") or Path(__file__).with_name("libcka.so")
    loaded = ctypes.CDLL(str(path))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(loaded, name)
        function.restype = result
        function.argtypes = [*arguments, ctypes.POINTER(Error)]
    loaded.cka_version.restype = ctypes.c_char_p
    return loaded


def version():
    """The version of the library."""
    return library().cka_version().decode()


def call(name, *arguments):
    """Calls a function, whose error is raised."""
    error = Error()
    result = getattr(library(), name)(*arguments, ctypes.byref(error))
    if error.code:
        raise _EXCEPTIONS.get(error.code, RuntimeError)(error.message.decode())
    return result


class Owner:
    """A handle that is closed when nobody uses it any more."""

    def __init__(self, handle):
        self.handle = handle

    def __del__(self):
        # While the interpreter ends, modules are gone, and so is the table of handles soon.
        if getattr(self, "handle", NONE) and call is not None:
            try:
                call("cka_close", self.handle)
            except (RuntimeError, ValueError):
                # A forked child: the handle is its parent's.
                pass
