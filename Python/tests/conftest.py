"""What every test begins with."""

import signal

import pytest


@pytest.fixture(autouse=True)
def _interrupts_arrive():
    """Ctrl-C does what it does at a terminal: a shell that starts the tests behind others has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
