"""`.npy` files that grow: their number of rows is known when they are finished."""

from ._tensors import words

# As NumPy writes them. bfloat16 is the raw V2 of ml_dtypes, which `cka` reads as bfloat16.
_DESCRIPTIONS = {
    "float16": "<f2", "bfloat16": "<V2", "float32": "<f4", "float64": "<f8", "int8": "|i1", "int16": "<i2",
    "int32": "<i4", "int64": "<i8", "uint8": "|u1", "uint16": "<u2", "uint32": "<u4", "uint64": "<u8", "bool": "|b1",
}
DTYPES = ("float16", "bfloat16", "float32", "float64")
# More digits than a count of rows has.
_MOST_ROWS = 10**19


class GrowingArray:
    """An array in a file, to which rows are appended.

    The file is open only meanwhile: a network may have more layers than a process may have files.

    Parameters
    ----------
    path : pathlib.Path
    layer : str
        For messages.
    dtype : str or None
        One of `DTYPES`; None keeps what arrives.
    """

    def __init__(self, path, layer, dtype=None):
        self.path, self.layer, self.dtype = path, layer, dtype
        self.rows = 0
        self.shape = None
        self._kind = None

    def append(self, tensor):
        """Appends rows, whose numbers are written when this returns."""
        tensor, kind = self._converted(tensor)
        shape = tuple(tensor.shape[1:])
        if self.shape is None:
            self.shape, self._kind = shape, kind
            self.path.write_bytes(self._header(_MOST_ROWS))
        elif shape != self.shape:
            raise ValueError(
                f"layer {self.layer} returns examples of {words(shape)} numbers, before of {words(self.shape)}: pad "
                "them, or choose a pooling")
        elif kind != self._kind:
            raise ValueError(f"layer {self.layer} returns {kind}, before {self._kind}")
        with open(self.path, "ab") as file:
            file.write(_bytes(tensor))
        self.rows += len(tensor)

    def finish(self):
        """Writes down how many rows there are."""
        with open(self.path, "r+b") as file:
            file.write(self._header(self.rows))

    def _header(self, rows):
        """A header, of the same length for any number of rows."""
        text = self._literal(rows)
        # The numbers begin at a multiple of 64, after ten bytes of magic, version and length.
        length = -(-(10 + len(self._literal(_MOST_ROWS)) + 1) // 64) * 64 - 10
        text = text.ljust(length - 1) + "\n"
        return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + text.encode("ascii")

    def _literal(self, rows):
        shape = "".join(f"{axis}, " for axis in (rows, *self.shape))
        return f"{{'descr': '{_DESCRIPTIONS[self._kind]}', 'fortran_order': False, 'shape': ({shape}), }}"

    def _converted(self, tensor):
        """The tensor on the CPU, of the type of the file, and that type's name."""
        import torch

        kind = str(tensor.dtype).removeprefix("torch.")
        # NumPy has no name for these; float16 holds all their numbers.
        wanted = self.dtype or ("float16" if kind.startswith("float8_") else kind)
        if wanted not in _DESCRIPTIONS or kind.startswith("complex"):
            raise ValueError(f"layer {self.layer}: found numbers of the type {kind}, expected real numbers")
        tensor = tensor.detach()
        if wanted != kind:
            converted = tensor.to(getattr(torch, wanted))
            if tensor.is_floating_point() and bool((torch.isinf(converted) & torch.isfinite(tensor)).any()):
                raise ValueError(f"layer {self.layer}: a number does not fit {wanted}; record it as float32")
            tensor = converted
        return tensor.cpu(), wanted


def _bytes(tensor):
    """The memory of a tensor in C order, whatever its type: NumPy sees bytes."""
    import torch

    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data
