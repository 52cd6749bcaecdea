"""Which modules of a network are layers, and the hooks on them."""

import fnmatch

from ._masks import mask_of
from ._models import is_network
from ._tensors import first_tensor

HIDDEN_STATES = "hidden_states"


def matches(pair, choices):
    """Whether a module is meant: by a shell pattern of its name, itself, its type, or a function of both."""
    name, module = pair
    for choice in choices if isinstance(choices, (list, tuple, set)) else [choices]:
        if isinstance(choice, str):
            is_meant = fnmatch.fnmatchcase(name, choice)
        elif isinstance(choice, type):
            is_meant = isinstance(module, choice)
        elif is_network(choice):
            is_meant = choice is module
        elif callable(choice):
            is_meant = choice(name, module)
        else:
            raise ValueError(f"found {choice!r} among layers, expected a pattern, a module, a type or a function")
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


def named_modules(root):
    """All modules inside a network by their names, without the wrappers that `torch.compile` puts around parts."""
    for name, module in root.named_modules():
        if name and type(module).__name__ != "OptimizedModule":
            yield ".".join(part for part in name.split(".") if part != "_orig_mod"), module


def innermost(modules):
    """The modules without children, and attention, which calls a child of its own without its hooks."""
    from torch import nn

    inside = set()
    for _, module in modules:
        if isinstance(module, nn.MultiheadAttention):
            inside.update(list(module.modules())[1:])
    return [
        (name, module) for name, module in modules
        if module not in inside
        and (isinstance(module, nn.MultiheadAttention) or not any(True for _ in module.children()))]


class Layers:
    """The layers of a network, and what of them is compared.

    `network` is the caller's; `root` is what is inside its wrappers, which runs. `layers`, `exclude` and `mask` are
    those of `ckakit.compare`; `pooling` is a `Pooling`.
    """

    def __init__(self, network, place, layers, exclude, pooling, mask):
        self.root = unwrapped(network)
        self.place = place
        self.pooling, self.mask = pooling, mask
        self._exclude = exclude
        if layers is not None and not isinstance(layers, (list, tuple, set)):
            layers = [layers]
        self.has_hidden_states = layers is not None and HIDDEN_STATES in layers
        modules = list(named_modules(self.root))
        if layers is None:
            chosen = innermost(modules)
        else:
            layers = [choice for choice in layers if choice != HIDDEN_STATES]
            chosen = [pair for pair in modules if matches(pair, layers)]
        if exclude is not None:
            chosen = [pair for pair in chosen if not matches(pair, exclude)]
        if not chosen and not self.has_hidden_states:
            raise ValueError(f"{place}: no module is a layer; there are {', '.join(name for name, _ in modules[:20])}")
        # Under its first name where a module stands in several places.
        self.modules = dict(chosen)

    def is_wanted(self, name):
        """Whether a layer that is no module, such as a hidden state, is not left out."""
        return self._exclude is None or not matches((name, None), self._exclude)


class Hooks:
    """Hooks on the layers of a network, which give a sink each layer's activations as soon as they are computed.

    A sink has `add(layer, activations, layout)`.
    """

    def __init__(self, layers):
        self.layers = layers
        self._handles = []
        self._sink = None
        # How often each layer has run on the minibatch.
        self._calls = {}
        # What the network's last norm returned.
        self._final_norm = None

    def __enter__(self):
        try:
            for name, module in self.layers.modules.items():
                self._handles.append(module.register_forward_hook(self._hook(name)))
            if self.layers.has_hidden_states:
                for name, module in named_modules(self.layers.root):
                    if _is_final_norm(name, module):
                        self._handles.append(module.register_forward_hook(self._note_norm))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._sink = self._final_norm = None

    def begin(self, batch, size, sink):
        """A minibatch begins, whose layers `sink` takes."""
        self._size = size
        self._mask = mask_of(batch, size, self.layers.mask)
        self._calls = dict.fromkeys(self.layers.modules, 0)
        self._sink = sink

    def end(self, output):
        """The minibatch ends with the network's output: all layers must have run."""
        sink, self._sink = self._sink, None
        if self.layers.has_hidden_states:
            self._take_hidden_states(output, sink)
        self._mask = None
        silent = [name for name, count in self._calls.items() if count == 0]
        if silent:
            raise ValueError(
                f"layer {silent[0]} did not run{f', nor did {len(silent) - 1} others' if silent[1:] else ''}: choose "
                "the layers that run with layers= or exclude=; a compiled network calls no hooks")

    def _hook(self, name):
        def take(module, _, output):
            if self._sink is None:
                return
            self._calls[name] += 1
            layer = name if self._calls[name] == 1 else f"{name}:{self._calls[name]}"
            self._give(layer, module, output, self._sink)

        return take

    def _give(self, layer, module, output, sink):
        import torch

        tensor = first_tensor(output)
        if tensor is None:
            raise ValueError(f"layer {layer} returns no tensor; leave it out with exclude=")
        with torch.no_grad():
            sink.add(layer, *self.layers.pooling(layer, module, tensor.detach(), self._size, self._mask))

    def _note_norm(self, _module, _arguments, output):
        # Kept, so that nothing else comes to lie where it is.
        self._final_norm = first_tensor(output)

    def _take_hidden_states(self, output, sink):
        states = getattr(output, HIDDEN_STATES, None)
        if states is None and hasattr(output, "get"):
            states = output.get(HIDDEN_STATES)
        if not isinstance(states, (tuple, list)) or not states:
            raise ValueError(
                f"{self.layers.place}: the network returned no hidden_states; give forward= a function that returns an "
                "output with them, or choose modules with layers=")
        norm, self._final_norm = self._final_norm, None
        for index, state in enumerate(states):
            name = f"{HIDDEN_STATES}.{index}"
            if index == len(states) - 1 and norm is not None and state.data_ptr() == norm.data_ptr():
                name += " (final norm)"
            if self.layers.is_wanted(name):
                self._give(name, None, state, sink)


def _is_final_norm(name, module):
    """Whether this is a norm of the whole network: one of a numbered part belongs to that part's layer."""
    return "norm" in type(module).__name__.lower() and not any(part.isdigit() for part in name.split("."))
