"""The font of the package, for machines that have none."""

import ctypes
import os
from functools import cache
from pathlib import Path


@cache
def prepare():
    """Lets pictures use the package's font beside those of the machine.

    The package's own copy of fontconfig is told of it: no variable of the process changes. Where the library comes from
    elsewhere, the machine's fontconfig is used as it is.
    """
    package = Path(__file__).parent
    library, fonts = package / "lib" / "libcka-fontconfig.so.1", package / "fonts" / "fonts.conf"
    if not (library.exists() and fonts.exists()) or {"FONTCONFIG_FILE", "FONTCONFIG_PATH"} & os.environ.keys():
        return
    fontconfig = ctypes.CDLL(str(library))
    pointer = ctypes.c_void_p
    for name, result, arguments in [
        ("FcConfigCreate", pointer, []),
        ("FcConfigParseAndLoad", ctypes.c_int, [pointer, ctypes.c_char_p, ctypes.c_int]),
        ("FcConfigBuildFonts", ctypes.c_int, [pointer]),
        ("FcConfigSetCurrent", ctypes.c_int, [pointer]),
    ]:
        function = getattr(fontconfig, name)
        function.restype, function.argtypes = result, arguments
    config = fontconfig.FcConfigCreate()
    if fontconfig.FcConfigParseAndLoad(config, os.fsencode(fonts), 1) and fontconfig.FcConfigBuildFonts(config):
        fontconfig.FcConfigSetCurrent(config)
