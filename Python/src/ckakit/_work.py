"""Work in the library that is heard of, and ends, while it goes on."""

import signal
import threading
from contextlib import contextmanager

from ._library import NONE, PROGRESS, call, json_of
from ._models import pair
from ._progress import telling


def work(name, *arguments, progress=None):
    """What a function of the library returns, whose last arguments are those of progress.

    Parameters
    ----------
    progress : callable, bool or None
        See `telling`. What it raises ends the work, as Ctrl-C does.
    """
    raised = []
    with telling(progress) as tell:

        @PROGRESS
        def hear(share, _):
            # Python's handlers of signals run here.
            try:
                if not raised:
                    tell(share, 1)
            except BaseException as exception:
                raised.append(exception)
            return len(raised)

        try:
            with _collecting_interrupts(raised):
                return call(name, *arguments, hear, None)
        except RuntimeError:
            if raised:
                raise raised[0] from None
            raise


def handles(first, second):
    """The handles of a model and of a second one, which may be None."""
    return first.handle, second.handle if second else NONE


def of_models(name, left, right, progress, options, **choices):
    """The handle of an analysis of one model or two, whose layers `choices` choose: see `pair`."""
    first, second = pair(left, right, **choices)
    return work(name, *handles(first, second), json_of(options), progress=progress)


@contextmanager
def _collecting_interrupts(raised):
    """Puts the exception of Ctrl-C into `raised`: one that is raised between two calls of C would be lost."""
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: raised.append(KeyboardInterrupt()))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
