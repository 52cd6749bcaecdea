"""Recording of a network's layers."""

from ._networks import Network, Run
from ._pooling import Pooling
from ._recorder import Recorder


def record(
    network, loader, folder, *, layers=None, exclude=None, pooling="flatten", layout=None, mask=None, forward=None,
    name=None, stages=None, ids=None, dtype=None, overwrite=False, progress=None,
):
    """Write the activations of all layers of a network into a folder that `compare` and the command `cka` read.

    Each layer's rows are written as soon as it has run: memory does not grow with the number of examples. The folder
    appears when all is written; after an error nothing is left of it.

    Parameters
    ----------
    network : network of PyTorch
    loader : iterable
        The minibatches, in the order in which every network to be compared sees them: without shuffling.
    folder : path
        Which must not exist, or holds an earlier recording that `overwrite` replaces.
    layers, exclude, pooling, layout, mask, forward, progress
        As those of `compare`.
    name : str, optional
        The network's name in `record.json`; the name of its class unless given. Results call it by its folder.
    stages : callable or mapping from layer patterns, optional
        The stage that a layer belongs to, by its name; None for none. Its outermost module unless given: `layer1` of
        `layer1.0.conv1`.
    ids : sequence, str or callable, optional
        Sample IDs: all of them, or a key or function of a minibatch that gives its own. Models whose IDs differ are not
        compared. Of tokens as examples the ID is that of the sample and the token's place, `id:3`.
    dtype : {"float16", "bfloat16", "float32", "float64"}, optional
        The type of numbers in the files; the layers' own unless given.
    overwrite : bool
        Whether an earlier recording is replaced.

    Returns
    -------
    pathlib.Path
        The folder.

    Examples
    --------
    >>> import tempfile, torch, ckakit
    >>> network = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU())
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recorded = ckakit.record(network, torch.randn(64, 4).split(16), f"{folder}/mine")
    ...     ckakit.compare(recorded, estimator="unbiased").rows
    ['0', '1']
    """
    if ids is not None and not (isinstance(ids, str) or callable(ids) or hasattr(ids, "__len__")):
        raise ValueError(
            f"ids is {type(ids).__name__}, expected a sequence, a key of minibatches or a function of them")
    watched = Network(network, "the network", layers, exclude, Pooling(pooling, layout), mask)
    run = Run(loader, forward=forward, ids=ids, progress=progress)
    with Recorder(folder, watched.layers, name, stages=stages, ids=ids, dtype=dtype, overwrite=overwrite) as recorder:

        def step(_, batches, size):
            with recorder.minibatch(batches[0], size) as sink:
                watched.run(batches[0], size, run, sink)

        run.minibatches([watched], step)
        recorder.finish()
    return recorder.folder
