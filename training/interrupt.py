"""Ctrl-C at a moment at which Python would lose it."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm


@contextmanager
def put_off() -> Iterator[None]:
    """Let SIGINT wait for the end of the block, if this is the main thread, the only one that it can interrupt.

    It is for a block, or a function, that starts or ends processes: what is raised where `os.fork` or a finalizer calls
    Python is printed and forgotten. The signal is noted, not blocked, as another thread could take a blocked one in.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def write(line: str) -> None:
    """Write a line above the progress bars: tqdm, interrupted in the midst of that, would raise another error."""
    with put_off():
        tqdm.write(line)
