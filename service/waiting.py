"""How long requests wait for their turn, and whether one more may: the measure of an overload.

A crowd that comes at once is no overload: it is answered, and gone. An overload is a queue that does not get empty. So
whoever comes may wait for a time, but once others have waited for that long without a pause, for a tenth of it only:
what is accepted is answered soon then, and the rest knows at once.
"""

import time
from collections import deque
from typing import Final

_SUSTAINED_SHARE: Final = 0.1
"""The share of the time that may be waited, in an overload."""

_WEIGHT: Final = 0.1
"""Of the last request in the mean time that one takes."""


class Waiting:
    """Those that wait at one place for `at_once` who answer, the first come first.

    `add` and `too_long` belong to one thread, `begin` and `done` may be called from others.
    """

    def __init__(self, seconds: float, at_once: int = 1) -> None:
        self._seconds = seconds
        self._at_once = at_once
        self._come: deque[float] = deque()
        self._first_come = 0.0
        """When there was nobody for the last time."""
        self._mean = 0.0
        """Seconds that a request takes, lately."""

    def __len__(self) -> int:
        """Give how many wait."""
        return len(self._come)

    def add(self) -> None:
        """Let one more wait."""
        now = time.monotonic()
        if not self._come:
            self._first_come = now
        self._come.append(now)

    def begin(self) -> float:
        """Let the first of them be answered, and give when that was, to be told to `done`."""
        self._come.popleft()
        return time.monotonic()

    def done(self, begun: float) -> None:
        """Take note of how long an answer has taken."""
        self._mean += _WEIGHT * (time.monotonic() - begun - self._mean)

    def too_long(self) -> float:
        """Give the seconds that one more would wait, if that is more than it may; else 0."""
        try:
            now = time.monotonic()
            expected = max(now - self._come[0], len(self._come) * self._mean / self._at_once)
        except IndexError:
            return 0.0
        sustained = now - self._first_come > self._seconds
        return expected if expected > self._seconds * (_SUSTAINED_SHARE if sustained else 1) else 0.0
