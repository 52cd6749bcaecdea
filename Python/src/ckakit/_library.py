"""The shared library `libcka.so`: its functions, and its errors as exceptions. See `cka.h`."""

import ctypes
import json
import os
import re
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


class Gram(ctypes.Structure):
    _fields_ = [
        ("numbers", ctypes.c_void_p),
        ("examples", ctypes.c_int64),
        ("features", ctypes.c_int64),
        ("is_finite", ctypes.c_int32),
        ("is_constant", ctypes.c_int32),
        ("exponent", ctypes.c_int32),
    ]


_Text = ctypes.c_char_p
_Code = ctypes.c_int32
_Watched = [PROGRESS, ctypes.c_void_p]
_Arrays = ctypes.POINTER(Array)

# Each function's result and arguments, but for the error that is last.
_FUNCTIONS = {
    "cka_set_program": (_Code, [_Text]),
    "cka_close": (_Code, [Handle]),
    "cka_model_create": (Handle, [_Text]),
    "cka_model_add_layer": (_Code, [Handle, _Text, _Arrays]),
    "cka_model_open": (Handle, [_Text, _Text]),
    "cka_model_pool": (Handle, [Handle, _Arrays, _Text]),
    "cka_compare": (Handle, [Handle, Handle, _Text, *_Watched]),
    "cka_trust": (Handle, [Handle, Handle, _Text, *_Watched]),
    "cka_converge": (Handle, [Handle, Handle, _Text, *_Watched]),
    "cka_components": (Handle, [Handle, Handle, _Text, *_Watched]),
    "cka_probe": (Handle, [Handle, _Arrays, _Text, *_Watched]),
    "cka_errors": (Handle, [Handle, Handle, _Arrays, _Text]),
    "cka_blocks": (Handle, [ctypes.POINTER(Handle), ctypes.c_size_t, _Text]),
    "cka_sweep": (Handle, [_Text, ctypes.POINTER(_Text), ctypes.c_size_t, _Text, *_Watched]),
    "cka_stream_create": (Handle, [_Text]),
    "cka_stream_add": (_Code, [Handle, Handle, Handle]),
    "cka_stream_result": (Handle, [Handle]),
    "cka_grams_create": (Handle, [Handle]),
    "cka_grams_add": (_Code, [Handle, _Text, _Arrays]),
    "cka_grams_add_matrix": (_Code, [Handle, _Text, ctypes.POINTER(Gram)]),
    "cka_stream_add_grams": (_Code, [Handle, Handle, Handle]),
    "cka_result_open": (Handle, [_Text]),
    "cka_result_files": (ctypes.c_int64, [Handle]),
    "cka_result_file_name": (_Text, [Handle, ctypes.c_int64]),
    "cka_result_file": (ctypes.c_void_p, [Handle, _Text, ctypes.POINTER(ctypes.c_size_t)]),
    "cka_result_array": (_Code, [Handle, _Text, _Arrays]),
    "cka_result_status": (_Text, [Handle, ctypes.c_int64, ctypes.c_int64]),
    "cka_result_write": (_Code, [Handle, _Text, ctypes.c_int32, ctypes.c_int32]),
}

# Arguments that are not called as the option of the command is.
_ARGUMENTS = {"force": "overwrite=True", "output": "folder", "pool": "pooling"}

# What an error's code is in Python: 130 is raised by who cancelled the work.
_EXCEPTIONS = {64: ValueError, 65: ValueError, 66: FileNotFoundError, 73: OSError, 74: OSError}


@cache
def library():
    """The shared library: the one of the package, or the one that `CKAKIT_LIBRARY` names."""
    path = os.environ.get("CKAKIT_LIBRARY") or Path(__file__).parent / "lib" / "libcka.so"
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
        raise _EXCEPTIONS.get(error.code, RuntimeError)(_in_python(error.message.decode()))
    return result


def _in_python(sentence):
    """A sentence of the command, whose options are arguments here: `batch_size` for `--batch-size`."""
    return re.sub(
        r"(?<![^\s(])--([a-z]+(?:-[a-z]+)*)",
        lambda option: _ARGUMENTS.get(option[1], option[1].replace("-", "_")), sentence)


def set_program(path):
    """Name the command `cka`, which reads HDF5 files in a process of its own; all other files are read without it."""
    call("cka_set_program", os.fspath(path).encode())


def json_of(options):
    """Options as the library takes them."""
    # Numbers of NumPy and tensors are numbers.
    given = {key: value for key, value in options.items() if value is not None}
    return json.dumps(given, default=lambda value: value.tolist()).encode()


class Owner:
    """A handle that is closed when nobody uses it any more."""

    def __init__(self, handle):
        self.handle = handle

    def __reduce__(self):
        # A copy would close the handle of the original; in another process it would be somebody else's.
        raise TypeError("this cannot be copied or pickled: save(folder) and ckakit.load(folder) a result")

    def __del__(self):
        # While the interpreter ends, modules are gone, and so is the table of handles soon.
        if getattr(self, "handle", NONE) and call is not None:
            try:
                call("cka_close", self.handle)
            except (RuntimeError, ValueError):
                # A forked child: the handle is its parent's.
                pass
