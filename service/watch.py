"""The two threads that follow the store in a worker: one loads, the other never waits for a disk or a network."""

import logging
import os
import threading
from collections.abc import Callable
from typing import Final

from service.live import LiveModels

_log = logging.getLogger("service")

_TICK_SECONDS: Final = 0.02
"""Between two looks at the shared memory, which take microseconds: what a swap waits at most in each of its phases."""


def watch(live: LiveModels) -> threading.Event:
    """Let this process take part in swaps as a worker, until the event that is given back is set.

    Call it after the fork, before the first request: threads do not survive a fork. Nothing of a swap is done by a
    thread that answers requests.
    """
    live.join(os.getpid())
    stop = threading.Event()
    for name, step in (("load", _load), ("settle", _settle)):
        threading.Thread(target=_loop, args=(step, live, stop), name=name, daemon=True).start()
    return stop


def _loop(step: Callable[[LiveModels], None], live: LiveModels, stop: threading.Event) -> None:
    while not stop.wait(_TICK_SECONDS):
        try:
            step(live)
        except Exception:  # noqa: BLE001 - the thread must outlive whatever a store comes up with
            _log.exception("a step of following the store failed; it is tried again")


def _load(live: LiveModels) -> None:
    """Look at the store when that is due, and load what is proposed; a slow store holds up this thread alone."""
    live.prepare()
    if live.board.look_is_due():
        live.look()
        live.prepare()


def _settle(live: LiveModels) -> None:
    """Say that this worker is alive, and finish swaps that all have prepared or that take too long."""
    if live.slot is not None:
        live.board.workers.beat(live.slot)
    live.settle()
