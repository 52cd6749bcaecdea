"""Networks of PyTorch that are compared while they run: a layer is reduced to its Gram matrix in its hook."""

import logging
import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial

import numpy as np

from ._batches import for_each
from ._grams import LEAST_EXAMPLES, Grams, new_stream
from ._layers import Hooks, Layers
from ._library import NONE, call
from ._models import is_network
from ._pooling import Pooling
from ._recorder import Recorder
from ._result import Result
from ._study import Study, pairs_of
from ._tensors import moved
from ._warnings import warn

ESTIMATORS = ("minibatch", "unbiased", "biased")

# Options of files, which are cut into minibatches here.
OF_BATCHES = {"batch_size", "passes", "order", "seed", "ragged"}

_log = logging.getLogger("ckakit")


@dataclass
class Run:
    """How networks run: what `ckakit.compare` and `ckakit.record` take beside the networks and their layers."""

    loader: object
    right_loader: object = None
    forward: object = None
    ids: object = None
    progress: object = None

    def __post_init__(self):
        if self.loader is None:
            raise ValueError("networks need a loader of minibatches: compare(network, other, loader)")

    def minibatches(self, networks, step):
        """Calls `step(index, batches, size)`, a batch for each of the networks, whose hooks stand meanwhile.

        Returns how many minibatches there were.
        """

        def each(index, batches, size):
            # One loader is for all networks.
            step(index, [batches[min(i, len(batches) - 1)] for i in range(len(networks))], size)

        with ExitStack() as stack:
            for network in networks:
                stack.enter_context(network.hooks)
            return for_each(self.loader, self.right_loader, self.ids, self.progress, each)


class Network:
    """A network of the caller, the modules of it that are layers, and what of them is compared."""

    def __init__(self, network, place, layers, exclude, pooling, mask, name=None):
        if not is_network(network):
            raise ValueError(f"{place} is {type(network).__name__}, expected a network of PyTorch")
        self.layers = Layers(network, place, layers, exclude, pooling, mask)
        # What results call it.
        self.name = name or type(self.layers.root).__name__
        self.hooks = Hooks(self.layers)

    def run(self, batch, size, run, sink):
        """Gives `sink` the activations of all layers."""
        import torch

        root = self.layers.root
        self.hooks.begin(batch, size, sink)
        # Only here, and not while the loader works, which may be a training loop.
        with torch.no_grad(), evaluating(root), eagerly(root):
            batch = on_device_of(root, batch)
            if run.forward is not None:
                output = run.forward(root, batch)
            else:
                more = {"output_hidden_states": True} if self.layers.has_hidden_states else {}
                output = run_forward(root, without_ids(batch, run.ids), more)
        self.hooks.end(output)


def are_networks(value):
    """Whether `value` is a mapping of networks by their names."""
    return isinstance(value, Mapping) and bool(value) and all(map(is_network, value.values()))


def compare_networks(
    left, right, run, *, right_layers, right_exclude, layers, exclude, estimator, options, compare_files, **choices
):
    """The result of one or two networks, or the `Study` of several: see `ckakit.compare`.

    Parameters
    ----------
    run : Run
    options : dict
        Those of a stream or, for the other estimators, of `compare_files`, which is `ckakit.compare` for files.
    **choices
        `pooling`, `layout`, `mask`.
    """
    if estimator == "minibatch" and (others := sorted(OF_BATCHES & options.keys())):
        raise ValueError(f"{', '.join(others)}: the minibatches of networks are those that the loader gives, once each")
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator is {estimator!r}, expected {', '.join(ESTIMATORS)}")
    choices["pooling"] = Pooling(choices["pooling"], choices.pop("layout"))
    if are_networks(left):
        if right is not None or right_layers is not None or right_exclude is not None or run.right_loader is not None:
            raise ValueError("a mapping of networks has no right one, nor its layers, exclude or loader")
        if isinstance(layers, Mapping) and set(layers) != set(left):
            raise ValueError(f"layers are those of {', '.join(map(str, layers))}, expected {', '.join(map(str, left))}")
        networks = {
            str(name): Network(
                network, str(name), layers[name] if isinstance(layers, Mapping) else layers, exclude,
                name=str(name), **choices)
            for name, network in left.items()}
        pairs = pairs_of(networks)
    else:
        if right is None and (right_layers is not None or right_exclude is not None or run.right_loader is not None):
            raise ValueError("right_layers, right_exclude and right_loader need a second network")
        networks = {"left": Network(left, "left", layers, exclude, **choices)}
        if right is not None:
            networks["right"] = Network(
                right, "right", layers if right_layers is None else right_layers,
                exclude if right_exclude is None else right_exclude, **choices)
        pairs = [("left", None if right is None else "right")]
    # A pair of a network with itself has one side.
    sides = [(left, None if left == right else right) for left, right in pairs]
    if estimator == "minibatch":
        results = _by_minibatches(networks, sides, run, options)
    else:
        compare_files = partial(compare_files, estimator=estimator, **options)
        results = _of_all_examples(networks, sides, run, compare_files)
    return Study(zip(pairs, results)) if are_networks(left) else results[0]


def _by_minibatches(networks, pairs, run, options):
    """Each network makes its matrices once a minibatch, for all pairs that it is part of."""
    streams = [
        new_stream({
            **options, "names": [networks[left].name, networks[left if right is None else right].name],
            "pooling": networks[left].layers.pooling.name})
        for left, right in pairs]
    has_run = False

    def step(index, batches, size):
        nonlocal has_run
        # Tokens as examples: how many there are is known once the networks have run.
        if size < LEAST_EXAMPLES and not any(network.layers.pooling.is_of_tokens for network in networks.values()):
            return _tell_small(index, size)
        grams = {}
        for (name, network), batch in zip(networks.items(), batches):
            grams[name] = Grams(streams[0])
            network.run(batch, size, run, grams[name])
        for each in grams.values():
            each.finish()
        least = min(each.examples for each in grams.values())
        if least < LEAST_EXAMPLES:
            return _tell_small(index, least)
        for stream, (left, right) in zip(streams, pairs):
            second = NONE if right is None else grams[right].handle
            call("cka_stream_add_grams", stream.handle, grams[left].handle, second)
        has_run = True

    run.minibatches(list(networks.values()), step)
    if not has_run:
        raise ValueError(f"the loader has no minibatch of at least {LEAST_EXAMPLES} examples")
    return [Result(call("cka_stream_result", stream.handle)) for stream in streams]


def _tell_small(index, size):
    warn(f"minibatch {index} is left out: it has {size} examples, and HSIC needs at least {LEAST_EXAMPLES}")


def _of_all_examples(networks, pairs, run, compare_files):
    """Records all layers into a temporary folder first: the estimators of all examples need every activation."""
    # Wrong options are told before hours of recording.
    compare_files({"layer": np.eye(2 * LEAST_EXAMPLES)}, None)
    with tempfile.TemporaryDirectory(prefix="ckakit-") as folder, ExitStack() as stack:
        _log.info("all activations are recorded in %s, and deleted after the comparison", folder)
        recorders = {
            name: stack.enter_context(Recorder(os.path.join(folder, str(i)), network.layers, name))
            for i, (name, network) in enumerate(networks.items())}

        def step(index, batches, size):
            for (name, network), batch in zip(networks.items(), batches):
                with recorders[name].minibatch(batch, size) as sink:
                    network.run(batch, size, run, sink)

        run.minibatches(list(networks.values()), step)
        for recorder in recorders.values():
            recorder.finish()
        results = []
        for left, right in pairs:
            other = recorders[left if right is None else right]
            result = compare_files(recorders[left].folder, None if right is None else other.folder)
            # Those of files differ where a name cannot be one.
            result.rows, result.columns = recorders[left].layers, other.layers
            results.append(result)
        return results


@contextmanager
def evaluating(network):
    """Dropout and batch normalization as in use, not as in training; each module's mode is restored."""
    modes = [(module, module.training) for module in network.modules()]
    try:
        network.eval()
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def eagerly(network):
    """Compiled parts of a network run as they were written: compiled code calls no hooks."""
    import torch

    is_compiled = any(
        type(module).__name__ == "OptimizedModule" or getattr(module, "_compiled_call_impl", None) is not None
        for module in network.modules())
    if is_compiled and hasattr(torch.compiler, "set_stance"):
        return torch.compiler.set_stance("force_eager")
    return nullcontext()


def run_forward(network, batch, more):
    """All keys of a mapping are arguments; of a pair or a list the first is, the rest being labels."""
    if isinstance(batch, Mapping):
        return network(**batch, **more)
    return network(batch[0] if isinstance(batch, (tuple, list)) else batch, **more)


def without_ids(batch, ids):
    """A batch without the key that `ids` names, which is none of the network's arguments."""
    if isinstance(ids, str) and isinstance(batch, Mapping):
        return {key: value for key, value in batch.items() if key != ids}
    return batch


def on_device_of(network, batch):
    """The batch where the network's parameters are, which stay where they are."""
    parameter = next(iter(network.parameters()), None)
    return batch if parameter is None else moved(batch, parameter.device)
