"""The minibatches of a loader, or of two in step."""

from collections.abc import Mapping

from ._progress import telling
from ._tensors import batch_size, is_tensor, tensors_of, words
from ._warnings import warn


def for_each(loader, right_loader, ids, progress, step):
    """Calls `step(index, batches, size)` with the minibatches of the loaders, which nothing holds when the step ends.

    Returns how many there were.

    Parameters
    ----------
    loader, right_loader : iterable
        `batches` are one of each; the second may be None.
    ids : str, callable or None
        A key of a batch, or a function of it, which gives the sample IDs: what tells whether loaders agree.
    """
    # Neither `enumerate` nor `zip` nor `for`: they hold a minibatch while the loader makes the next one.
    iterators = [_iterator(each) for each in (loader, right_loader) if each is not None]
    count = len(loader) if hasattr(loader, "__len__") else None
    order = Order(ids, _shuffles(loader) or _shuffles(right_loader)) if len(iterators) == 2 else None
    with telling(progress) as tell:
        index = 0
        while (batches := _next(iterators, index)) is not None:
            sizes = [batch_size(batch) for batch in batches]
            if sizes[0] != sizes[-1]:
                raise ValueError(
                    f"minibatch {index} has {sizes[0]} examples, that of the right loader {sizes[1]}: both must give "
                    "the same examples in the same order")
            if order is not None:
                order.check(index, *batches)
            step(index, batches, sizes[0])
            batches = None
            index += 1
            tell(index, count)
    return index


def _iterator(loader):
    kinds = {kind.__name__ for kind in type(loader).__mro__ if kind.__module__.startswith("torch.utils.data")}
    # One that is iterable may well give minibatches.
    if "Dataset" in kinds and "IterableDataset" not in kinds:
        raise ValueError("the loader is a dataset, expected minibatches: DataLoader(dataset, 256)")
    if is_tensor(loader):
        raise ValueError(
            f"the loader is one tensor, {words(loader.shape)}, expected minibatches: tensor.split(256) or a DataLoader")
    try:
        return iter(loader)
    except TypeError:
        raise ValueError(f"a loader is {type(loader).__name__}, expected an iterable of minibatches") from None


def _next(iterators, index):
    """The next minibatch of each, or None where all end."""
    end = object()
    batches = [next(iterator, end) for iterator in iterators]
    ended = [batch is end for batch in batches]
    if all(ended):
        return None
    if any(ended):
        which = "the loader" if ended[0] else "the right loader"
        raise ValueError(
            f"{which} ends after {index} minibatches, the other does not: both must give the same examples")
    return batches


def ids_of(batch, ids, size):
    """The sample IDs of a minibatch as text."""
    if not callable(ids) and not (isinstance(batch, Mapping) and ids in batch):
        raise ValueError(f"a minibatch has no {ids!r}: ids= is a key of a minibatch or a function of it")
    found = ids(batch) if callable(ids) else batch[ids]
    found = [str(each) for each in (found.tolist() if hasattr(found, "tolist") else found)]
    if len(found) != size:
        raise ValueError(f"found {len(found)} sample IDs in a minibatch of {size} examples")
    return found


class Order:
    """Whether two loaders give the same examples in the same order.

    Sample IDs tell it of every minibatch. Without them the first one is looked at: the same rows in another order, or
    other labels, are an error; other rows are, where a loader shuffles, and a warning where not, since each network may
    need inputs of its own.
    """

    def __init__(self, ids, shuffles):
        self.ids, self.shuffles = ids, shuffles

    def check(self, index, left, right):
        if self.ids is not None:
            size = batch_size(left)
            a, b = ids_of(left, self.ids, size), ids_of(right, self.ids, size)
            if a != b:
                place = next(i for i in range(size) if a[i] != b[i])
                raise ValueError(
                    f"minibatch {index}: example {place} is {a[place]!r} in the loader and {b[place]!r} in the right "
                    "one: both must give the same examples in the same order")
        elif index == 0:
            compare_order(fingerprint(left), fingerprint(right), self.shuffles)


def fingerprint(batch):
    """What tells of the order of a minibatch's examples: hashes of the rows of its inputs, and its labels."""
    tensors = list(tensors_of(batch))
    labels = None
    if isinstance(batch, Mapping):
        labels = batch.get("labels", batch.get("label"))
    elif isinstance(batch, (tuple, list)) and len(batch) == 2:
        labels = batch[1]
    is_labels = is_tensor(labels) and labels.ndim == 1 and len(labels) == len(tensors[0])
    return [hash(row) for row in _rows(tensors[0])], labels.tolist() if is_labels else None


def compare_order(left, right, shuffles=False):
    """Raises or warns where two first minibatches, by their fingerprints, differ in their examples or the order."""
    (rows, labels), (other_rows, other_labels) = left, right
    has_labels = labels is not None and other_labels is not None
    if has_labels and labels != other_labels:
        raise ValueError("the first minibatches have other labels: the loaders give other examples, or another order")
    if rows == other_rows:
        return
    if sorted(rows) == sorted(other_rows):
        raise ValueError("the first minibatches have the same examples in another order")
    # Equal labels that vary are as good as IDs.
    if has_labels and len(set(labels)) > 1:
        return
    if shuffles:
        raise ValueError(
            "the first minibatches differ, and a loader shuffles: both must give the same examples in the same order; "
            "prove it with ids=")
    warn(
        "the first minibatches differ, and nothing tells that they are the same examples in the same order; prove it "
        "with ids=")


def _rows(tensor):
    """The bytes of each example."""
    import torch

    return [row.reshape(-1).view(torch.uint8).numpy().tobytes() for row in tensor.detach().cpu().contiguous()]


def _shuffles(loader):
    return type(getattr(loader, "sampler", None)).__name__ == "RandomSampler"
