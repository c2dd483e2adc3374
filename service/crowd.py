"""How many connections each worker has, so that a new one goes to a worker that has few.

All workers listen at the same socket, and whoever is awake takes what comes: all clients of a load balancer that
connects at once, say, while the other workers have none.
"""

import os
import time
from typing import Final

from service.shared import WORD, Shared

_PLACES: Final = 1024
_PID, _BEAT, _OPEN = range(3)
_WORDS: Final = 3

_FEW: Final = 3
"""Connections by which a worker may be ahead: to be exact, many that come at once would have to be taken one by one."""

_STALE_SECONDS: Final = 3.0
"""A worker that says nothing for so long has ended or hangs, and nobody waits for it."""


class Crowd:
    """The numbers of all workers, in memory that they share; made before they are forked."""

    def __init__(self) -> None:
        self._shared = Shared(_PLACES * _WORDS * WORD)
        self._words = self._shared.words
        self._mine = 0

    def join(self) -> None:
        """Take a place for this process, which has no connections yet. Raises SharedLockBusy."""
        with self._shared.locked():
            fresh = set(self._fresh())
            self._mine = next(at for at in range(0, _PLACES * _WORDS, _WORDS) if at not in fresh)
            self._words[self._mine + _OPEN] = 0
            self.beat()
            self._words[self._mine + _PID] = os.getpid()

    def beat(self) -> None:
        """Say that this worker is there; to be called once a second."""
        self._words[self._mine + _BEAT] = time.monotonic_ns()

    def leave(self) -> None:
        """Let nobody wait for this worker any more."""
        self._words[self._mine + _BEAT] = 0

    def counted(self, connections: int) -> None:
        """Say how many connections this worker has."""
        self._words[self._mine + _OPEN] = connections

    def is_ahead(self) -> bool:
        """Whether another worker has noticeably fewer connections."""
        others = [self._words[at + _OPEN] for at in self._fresh() if at != self._mine]
        fewest = min(others, default=_PLACES)
        return bool(self._words[self._mine + _OPEN] > fewest + _FEW + fewest // 8)

    def _fresh(self) -> list[int]:
        oldest = time.monotonic_ns() - int(_STALE_SECONDS * 1e9)
        places = []
        for at in range(0, _PLACES * _WORDS, _WORDS):
            if not self._words[at + _PID]:
                break  # places are taken from the first on
            if self._words[at + _BEAT] > oldest:
                places.append(at)
        return places
