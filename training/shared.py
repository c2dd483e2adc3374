"""Processes that take each step of a run together, over memory that they share.

Processes and not threads: between its matrix products a step makes dozens of small calls, and threads would wait for
each other's turn to run Python at each of them. They are forked, so they begin with all that is loaded, and copy
nothing.
"""

import mmap
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.context import ForkProcess
from types import TracebackType
from typing import Final, Self

import numpy as np

from mlp.arrays import Float
from training import interrupt
from training.errors import WorkerLost

_SPINS: Final = 2000
"""Tries to pass before a process sleeps: a third of a millisecond. Waking up takes about as long as a small step."""

_PATIENCE_SECONDS: Final = 0.5
"""After so long a wait, a look whether the others are still there."""


def zeros(shape: tuple[int, ...], dtype: np.dtype[np.floating]) -> Float:
    """Give an array that processes forked later share, not copy."""
    size = int(np.prod(shape))
    return np.frombuffer(mmap.mmap(-1, max(1, size) * dtype.itemsize), dtype, size).reshape(shape)


class Crew:
    """Process 0, which makes it, and `size` − 1 forked ones that run `work(number)`; they end with the block."""

    def __init__(self, size: int, work: Callable[[int], None]) -> None:
        self._context = multiprocessing.get_context("fork")
        self._turnstiles = [self._context.Semaphore(0) for _ in range(size)]
        self._work = work
        self._parent = os.getpid()
        self._others: list[ForkProcess] = []

    def __enter__(self) -> Self:
        with interrupt.put_off():
            for number in range(1, len(self._turnstiles)):
                self._others.append(self._context.Process(target=self._begin, args=(number,), daemon=True))
                self._others[-1].start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _traceback: TracebackType | None) -> None:
        for process in self._others:  # they hold nothing but shared memory, so they can be ended anywhere
            process.kill()
            process.join()

    def meet(self, number: int) -> None:
        """Wait, as process `number`, until all are here. What each has written before is then seen by all.

        Raises WorkerLost when another one has died.
        """
        for other, turnstile in enumerate(self._turnstiles):
            if other != number:
                turnstile.release()
        for _ in range(len(self._turnstiles) - 1):
            self._pass(number)

    def _pass(self, number: int) -> None:
        turnstile = self._turnstiles[number]
        for _ in range(_SPINS):
            if turnstile.acquire(block=False):
                return
        while not turnstile.acquire(timeout=_PATIENCE_SECONDS):
            if number and os.getppid() != self._parent:
                os._exit(1)
            for process in self._others if not number else ():
                if not process.is_alive():
                    raise WorkerLost(f"a training process has ended with exit code {process.exitcode}")

    def _begin(self, number: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of a terminal; process 0 decides
        self._others = []  # they are the first process's children, not this one's
        self._work(number)
