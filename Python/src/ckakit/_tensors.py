"""Tensors inside what modules take and return."""

from collections.abc import Mapping


def is_tensor(value):
    """Whether `value` is a tensor of PyTorch, which is not imported for this."""
    return hasattr(value, "shape") and hasattr(value, "detach")


def tensors_of(value):
    """All tensors in a batch or an output, in their order."""
    if is_tensor(value):
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


def batch_size(batch):
    """How many examples a batch has: the length of its first tensor."""
    tensor = first_tensor(batch)
    if tensor is None or tensor.ndim == 0:
        raise ValueError(f"a minibatch is {type(batch).__name__}, expected tensors")
    return tensor.shape[0]


def words(shape):
    """A shape as the command writes it: `16 × 8 × 50`."""
    return " × ".join(map(str, shape))


def moved(value, device):
    """A batch with all its tensors on a device: itself where they are there already."""
    if all(tensor.device == device for tensor in tensors_of(value)):
        return value
    if is_tensor(value):
        return value.to(device)
    if isinstance(value, Mapping):
        parts = {key: moved(part, device) for key, part in value.items()}
        try:
            # What a tokenizer returns has its keys as attributes, too.
            return type(value)(parts)
        except TypeError:
            return parts
    parts = [moved(part, device) for part in value]
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
