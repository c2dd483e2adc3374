"""The threads of a worker beside its requests: follow the store, finish swaps, ask the shadow, use the rule, count."""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Final

from service.counters import Counters
from service.live import LiveModels
from service.rule import Promoter
from service.settings import Settings
from service.shadow import Shadow

_log = logging.getLogger("service")

_TICK_SECONDS: Final = 0.02
"""Between two looks at the shared memory, which take microseconds: what a swap waits at most in each of its phases."""


_COUNT_SECONDS: Final = 0.05
"""Between two times of adding up what was noted; a scrape waits as long at most."""

_NEWS_SECONDS: Final = 2.0
"""Longest that a worker waits for the store before its first request: it has something to answer with already."""


def watch(live: LiveModels, shadow: Shadow, counters: Counters, settings: Settings) -> threading.Event:
    """Let this process take part in swaps as a worker, until the event that is given back is set.

    Call it after the fork, before the first request: threads do not survive a fork. Nothing of a swap is done by a
    thread that answers requests, and nothing that could wait for a disk or a network by the thread that finishes swaps.
    """
    slot = live.join(os.getpid())
    counters.join(slot)
    promoter = Promoter(live, settings.swap_seconds)
    stop = threading.Event()
    for name, seconds, step in (
        ("load", _TICK_SECONDS, lambda: _load(live)),
        ("settle", _TICK_SECONDS, lambda: _settle(live, slot)),
        ("count", _COUNT_SECONDS, counters.add_up),
        ("rule", settings.poll_seconds, promoter.look),
    ):
        threading.Thread(target=_loop, args=(step, seconds, stop), name=name, daemon=True).start()
    shadow.start(slot)
    _wait_for_news(live)
    return stop


def _wait_for_news(live: LiveModels) -> None:
    """Let a worker begin with what the store says now, if that can be had soon, and not with what it said before.

    When all workers were replaced at once, nobody has looked for a while.
    """
    live.board.look_soon()
    begun = end = time.monotonic()
    while end - begun < _NEWS_SECONDS and not live.board.is_settled(since=begun):
        time.sleep(_TICK_SECONDS / 4)
        end = time.monotonic()


def _loop(step: Callable[[], None], seconds: float, stop: threading.Event) -> None:
    while not stop.wait(seconds):
        try:
            step()
        except Exception:  # noqa: BLE001 - the thread must outlive whatever a store comes up with
            _log.exception("a step of following the store failed; it is tried again")


def _load(live: LiveModels) -> None:
    """Load what is proposed, and look at the store when that is due; a slow store holds up this thread alone."""
    live.prepare()
    if live.board.look_is_due():
        live.look()
        live.prepare()


def _settle(live: LiveModels, slot: int) -> None:
    """Say that this worker is alive, and finish swaps that all have prepared or that take too long."""
    live.board.workers.beat(slot)
    live.settle()
