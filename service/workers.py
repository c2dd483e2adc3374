"""The worker processes of one service as they see each other: who is there, and who has shown a sign of life."""

import time
from collections.abc import Iterable, Iterator
from typing import Final

from service.layout import Head, Layout, Slot, Tally
from service.shared import Shared

STALE_SECONDS: Final = 3.0
"""A worker without a heartbeat for so long is hung, and no swap waits for it: it beats fifty times a second."""

_TURN_SECONDS: Final = 0.2
"""Longest turn to load that others wait for, so that neither a slow store nor many workers make a swap too late."""


class Workers:
    """The slots of the workers. A worker claims one when it begins; the process that forks them frees it at its end."""

    def __init__(self, shared: Shared, layout: Layout) -> None:
        self._shared = shared
        self._layout = layout
        self._words = shared.words

    def claim(self, pid: int) -> int:
        """Give a free slot to a worker: from now on swaps wait for it."""
        with self._shared.locked():
            slot = min(self._layout.slots, key=self._silence)
            for cell in range(self._words[Head.COUNT]):
                self._words[self._layout.tally(slot, cell, Tally.PREPARED)] = 0  # that was its predecessor
            self._words[self._layout.slot(slot, Slot.HEARTBEAT)] = time.monotonic_ns()
            self._words[self._layout.slot(slot, Slot.PID)] = pid
            return slot

    def _silence(self, slot: int) -> tuple[bool, int]:
        """Order slots: free ones first, the others by their last heartbeat."""
        pid, beat = (self._words[self._layout.slot(slot, word)] for word in (Slot.PID, Slot.HEARTBEAT))
        return bool(pid), beat if pid else 0

    def beat(self, slot: int) -> None:
        """Say that the worker of a slot is alive."""
        self._words[self._layout.slot(slot, Slot.HEARTBEAT)] = time.monotonic_ns()

    def free(self, pid: int) -> None:
        """Give back the slot of a worker that has ended; what it has counted stays."""
        for slot in self._layout.slots:
            if self._words[self._layout.slot(slot, Slot.PID)] == pid:
                self._words[self._layout.slot(slot, Slot.PID)] = 0

    def live(self) -> Iterator[int]:
        """Yield the slots of the workers that are there and not hung."""
        oldest = time.monotonic_ns() - int(STALE_SECONDS * 1e9)
        for slot in self._layout.slots:
            at = self._layout.slot(slot, Slot.PID)
            if self._words[at] and self._words[at + Slot.HEARTBEAT] > oldest:
                yield slot

    def may_load(self, slot: int) -> bool:
        """Take the turn to load, if it is free: on all processors at once, loading would be felt by the requests."""
        with self._shared.locked():
            holder, since = self._words[Head.LOADING], self._words[Head.LOADING_SINCE]
            if holder not in (0, slot + 1) and time.monotonic_ns() - since < _TURN_SECONDS * 1e9:
                return False
            self._words[Head.LOADING] = slot + 1
            self._words[Head.LOADING_SINCE] = time.monotonic_ns()
            return True

    def has_loaded(self, slot: int) -> None:
        """Give the turn to load to the next."""
        with self._shared.locked():
            if self._words[Head.LOADING] == slot + 1:
                self._words[Head.LOADING] = 0

    def pids(self, slots: Iterable[int]) -> set[int]:
        """Give the processes in some slots."""
        return {self._words[self._layout.slot(slot, Slot.PID)] for slot in slots}
