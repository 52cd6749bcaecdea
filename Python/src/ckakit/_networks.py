"""Networks of PyTorch that are compared while they run: a layer is reduced to its Gram matrix in its hook."""

import ctypes
import fnmatch
import warnings
from collections.abc import Mapping
from contextlib import contextmanager

from ._library import NONE, Owner, call
from ._models import lend
from ._result import Result

LEAST_EXAMPLES = 4


class CKAWarning(UserWarning):
    """Something about a comparison is not as one may expect."""


def is_network(value):
    """Whether `value` is a module of PyTorch, which is not imported for this."""
    return any(
        kind.__module__.startswith("torch.nn.") and kind.__name__ == "Module" for kind in type(value).__mro__)


def compare_networks(
    left, right, loader, stream, *, layers=None, right_layers=None, exclude=None, forward=None, progress=None
):
    """The result of `stream`, to which all minibatches of a loader are added: see `ckakit.compare`."""
    if loader is None:
        raise ValueError("networks need a loader of minibatches: compare(network, other, loader)")
    networks = [Network(left, layers, exclude, "left")]
    if right is not None:
        networks.append(Network(right, right_layers or layers, exclude, "right"))
    count = len(loader) if hasattr(loader, "__len__") else None
    names = None
    for index, batch in enumerate(loader):
        size = batch_size(batch)
        if size < LEAST_EXAMPLES:
            warnings.warn(
                f"minibatch {index} is left out: it has {size} examples, and HSIC needs at least {LEAST_EXAMPLES}",
                CKAWarning, stacklevel=3)
            continue
        grams = [network.run(batch, size, forward, stream) for network in networks]
        second = grams[1].handle if right is not None else NONE
        call("cka_stream_add_grams", stream.handle, grams[0].handle, second)
        names = grams[0].layers, grams[-1].layers
        if progress is not None:
            progress((index + 1) / count if count else 0.0)
    if names is None:
        raise ValueError(f"the loader has no minibatch of at least {LEAST_EXAMPLES} examples")
    return Result(call("cka_stream_result", stream.handle), *names)


class Grams(Owner):
    """The matrices of one minibatch, and the names of their layers."""

    def __init__(self, stream):
        super().__init__(call("cka_grams_create", stream.handle))
        self.layers = []

    def add(self, name, tensor):
        kept, array = lend(name, tensor)
        call("cka_grams_add", self.handle, name.encode(), ctypes.byref(array))
        self.layers.append(name)
        del kept


class Network:
    """A network and the modules of it that are layers."""

    def __init__(self, network, layers, exclude, place):
        self.network = network
        root = unwrapped(network)
        modules = [(name, module) for name, module in root.named_modules() if name]
        if layers is None:
            chosen = [(name, module) for name, module in modules if not any(True for _ in module.children())]
        else:
            chosen = [pair for pair in modules if matches(pair, layers)]
        if exclude is not None:
            chosen = [pair for pair in chosen if not matches(pair, exclude)]
        if not chosen:
            raise ValueError(f"{place}: no module is a layer; there are {', '.join(name for name, _ in modules[:20])}")
        # Under its first name where a module stands in several places.
        self.modules = dict(chosen)

    def run(self, batch, size, forward, stream):
        """The matrices of a minibatch."""
        import torch

        grams, calls = Grams(stream), dict.fromkeys(self.modules, 0)

        def hook(name):
            def take(module, arguments, output):
                calls[name] += 1
                layer = name if calls[name] == 1 else f"{name}:{calls[name]}"
                grams.add(layer, checked(first_tensor(output), layer, size))

            return take

        handles = []
        try:
            for name, module in self.modules.items():
                handles.append(module.register_forward_hook(hook(name)))
            with torch.no_grad(), evaluating(self.network):
                if forward is not None:
                    forward(self.network, batch)
                else:
                    run_forward(self.network, on_device_of(self.network, batch))
        finally:
            for handle in handles:
                handle.remove()
        silent = [name for name, count in calls.items() if count == 0]
        if silent:
            raise ValueError(
                f"layer {silent[0]} did not run{f', nor did {len(silent) - 1} others' if silent[1:] else ''}: choose "
                "the layers that run with layers= or exclude=; a compiled network calls no hooks")
        return grams


def matches(pair, choices):
    """Whether a module is meant: by a shell pattern of its name, its type, or a function of both."""
    name, module = pair
    for choice in choices if isinstance(choices, (list, tuple, set)) else [choices]:
        if isinstance(choice, str):
            is_meant = fnmatch.fnmatchcase(name, choice)
        elif isinstance(choice, type):
            is_meant = isinstance(module, choice)
        elif callable(choice):
            is_meant = choice(name, module)
        else:
            raise ValueError(f"found {choice!r} among layers, expected a pattern, a type or a function")
        if is_meant:
            return True
    return False


def unwrapped(network):
    """The network in a wrapper such as `DataParallel`, `DistributedDataParallel` or what `torch.compile` returns."""
    while True:
        inner = getattr(network, "_orig_mod", None)
        if inner is None and type(network).__name__ in ("DataParallel", "DistributedDataParallel"):
            inner = network.module
        if inner is None:
            return network
        network = inner


@contextmanager
def evaluating(network):
    """Dropout and batch normalization as in use, not as in training; each module's mode is restored."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def tensors_of(value):
    """All tensors in a batch or an output, in their order."""
    if hasattr(value, "shape") and hasattr(value, "detach"):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_of(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors_of(part)


def first_tensor(output):
    """What a module says that it computes: a tensor, or the first one of a tuple, of a mapping or of an output of
    transformers."""
    return next(tensors_of(output), None)


def checked(tensor, layer, size):
    """The activations, whose first axis must be the examples."""
    if tensor is None:
        raise ValueError(f"layer {layer} returns no tensor; leave it out with exclude=")
    if tensor.ndim == 0 or tensor.shape[0] != size:
        raise ValueError(
            f"layer {layer} returns {tuple(tensor.shape)}, expected {size} examples on the first axis; leave it out "
            "with exclude=")
    return tensor


def batch_size(batch):
    """How many examples a batch has: the length of its first tensor."""
    tensor = first_tensor(batch)
    if tensor is None or tensor.ndim == 0:
        raise ValueError(f"a minibatch is {type(batch).__name__}, expected tensors")
    return tensor.shape[0]


def run_forward(network, batch):
    """All keys of a mapping are arguments; of a pair or a list the first is, the rest being labels."""
    if isinstance(batch, Mapping):
        return network(**batch)
    return network(batch[0] if isinstance(batch, (tuple, list)) else batch)


def on_device_of(network, batch):
    """The batch where the network's parameters are, which stay where they are."""
    parameter = next(iter(network.parameters()), None)
    if parameter is None:
        return batch

    def moved(value):
        if hasattr(value, "detach"):
            return value.to(parameter.device)
        if isinstance(value, Mapping):
            return {key: moved(part) for key, part in value.items()}
        if isinstance(value, (tuple, list)):
            return type(value)(map(moved, value)) if type(value) in (tuple, list) else value
        return value

    return moved(batch)
