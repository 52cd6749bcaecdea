"""What tells of progress: the caller's function, or a bar of tqdm."""

from contextlib import contextmanager


@contextmanager
def telling(progress):
    """A function of the number of minibatches that are done and of all (None where not known), while the block lasts.

    Parameters
    ----------
    progress : callable, bool or None
        True: a bar of `tqdm.auto`. A function is called with the share that is done, 0 while the number of all
        minibatches is not known.
    """
    if progress is None or progress is False:
        yield lambda done, count: None
    elif progress is not True:
        yield lambda done, count: progress(done / count if count else 0.0)
    else:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            raise ValueError("progress=True needs tqdm, which is not installed; give a function instead") from None
        with tqdm(unit="batch") as bar:

            def tell(done, count):
                bar.total = count
                bar.update(done - bar.n)

            yield tell
