"""The Gram matrices of a minibatch: a layer is reduced to its own as soon as it has run."""

import ctypes

from ._device_grams import DeviceGrams
from ._library import Gram, Owner, call, json_of
from ._models import lend

# HSIC's unbiased estimator divides by n (n − 3).
LEAST_EXAMPLES = 4


def new_stream(options):
    """A comparison of minibatches: the owner of its handle."""
    stream = Owner(call("cka_stream_create", json_of(options)))
    # The library takes matrices of the linear kernel alone.
    stream.takes_matrices = options.get("kernel") in (None, "linear")
    return stream


def in_order_of_memory(activations):
    """The same numbers of each example in the order in which they lie in memory, such as channels last.

    A Gram matrix does not depend on the order of features, and another one would cost a copy.
    """
    if activations.is_contiguous():
        return activations
    axes = sorted(range(1, activations.ndim), key=activations.stride, reverse=True)
    turned = activations.permute(0, *axes)
    return turned.view(activations.shape) if turned.is_contiguous() else activations


class Grams(Owner):
    """The matrices of one minibatch of a network, and the names of their layers.

    A tensor on the CPU is lent to the library. On any other device PyTorch makes its matrix there; for other kernels
    than the linear one it is copied to the CPU.

    Parameters
    ----------
    stream : Owner
    on_device : bool
        Whether PyTorch makes the matrices of tensors on the CPU, too: for tests.
    """

    def __init__(self, stream, on_device=False):
        super().__init__(call("cka_grams_create", stream.handle))
        self.layers = []
        # The number of rows of each layer: tokens where these are the examples.
        self.examples = None
        self._takes_matrices = stream.takes_matrices
        self._on_device = on_device
        self._arriving = DeviceGrams()

    def add(self, layer, activations, layout=None):
        """Adds a layer, whose activations are not needed when this returns."""
        rows = activations.shape[0]
        if self.examples is None:
            self.examples = rows
        elif rows != self.examples:
            raise ValueError(
                f"layer {layer} has {rows} examples, layer {self.layers[0]} {self.examples}: tokens as examples need "
                "layers of as many tokens; leave it out with exclude=")
        self.layers.append(layer)
        if rows < LEAST_EXAMPLES:
            return
        activations = in_order_of_memory(activations)
        if self._takes_matrices and (self._on_device or activations.device.type != "cpu"):
            self._arriving.add(layer, activations)
            return
        # Layers stay in the order in which they ran.
        self.finish()
        kept, array = lend(layer, activations)
        call("cka_grams_add", self.handle, layer.encode(), ctypes.byref(array))
        del kept

    def finish(self):
        """Waits for the matrices that PyTorch makes: once a minibatch, unless layers on the CPU come between."""
        for packed in self._arriving.take():
            is_finite, is_constant, exponent = packed.facts.tolist()
            gram = Gram(
                packed.numbers.data_ptr(), packed.examples, packed.features, is_finite, is_constant, exponent)
            call("cka_grams_add_matrix", self.handle, packed.name.encode(), ctypes.byref(gram))
