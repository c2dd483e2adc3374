"""What each version has answered, and how long the parts of that took, counted over all workers.

The counts lie in memory that the workers share, each in words that only one worker writes; its successor goes on with
them. They are for the protocols that ask for them; what Prometheus reads is in service/metrics.py.
"""

import threading
import time
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from service.layout import MODELS
from service.live import Snapshot
from service.shared import WORD, Shared

_PLACES: Final = 4
"""Versions of one model that a worker counts at a time; a fifth takes the place of who was not asked for longest."""


class _Word(IntEnum):
    VERSION = 0
    """Whose counts these are, 0 for nobody's."""
    LAST = 1
    PICTURES = 2
    REQUESTS = 3
    FAILED = 4
    FAILED_NS = 5
    READ_NS = 6
    INFER_NS = 7
    WRITE_NS = 8


_WORDS: Final = len(_Word)


@dataclass(frozen=True, slots=True)
class Times:
    """Nanoseconds of the parts of one answer."""

    read: int
    """From the body to pixels."""
    infer: int
    """From pixels to scores."""
    write: int
    """From scores to the answer's body."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What all workers together have answered with one version."""

    last: int = 0
    """Milliseconds since 1970, 0 for never."""
    pictures: int = 0
    requests: int = 0
    failed: int = 0
    failed_ns: int = 0
    read_ns: int = 0
    infer_ns: int = 0
    write_ns: int = 0


class Statistics:
    """The counts of one service; made before its workers are forked. May be called from any thread."""

    def __init__(self, slots: int) -> None:
        self._slots = range(slots)
        self._words = Shared(slots * MODELS * _PLACES * _WORDS * WORD).words
        self._among_threads = threading.Lock()

    def succeeded(self, slot: int | None, snapshot: Snapshot, pictures: int, times: Times) -> None:
        """Count an answer for `pictures` pictures."""
        with self._among_threads:
            at, words = self._place(slot, snapshot), self._words
            words[at + _Word.LAST] = time.time_ns() // 1_000_000
            words[at + _Word.PICTURES] += pictures
            words[at + _Word.REQUESTS] += 1
            words[at + _Word.READ_NS] += times.read
            words[at + _Word.INFER_NS] += times.infer
            words[at + _Word.WRITE_NS] += times.write

    def failed(self, slot: int | None, snapshot: Snapshot, ns: int) -> None:
        """Count a request that ended with an error after so many nanoseconds."""
        with self._among_threads:
            at = self._place(slot, snapshot)
            self._words[at + _Word.FAILED] += 1
            self._words[at + _Word.FAILED_NS] += ns

    def of(self, cell: int, version: int) -> Counts:
        """Give a version's counts by its model's place on the board."""
        sums = [0] * _WORDS
        for at in (at for slot in self._slots for at in self._places(slot, cell)):
            found = self._words[at : at + _WORDS].tolist()
            if found[_Word.VERSION] == version:
                last = max(sums[_Word.LAST], found[_Word.LAST])
                sums = [total + count for total, count in zip(sums, found, strict=True)]
                sums[_Word.LAST] = last
        return Counts(*sums[_Word.LAST :])

    def _place(self, slot: int | None, snapshot: Snapshot) -> int:
        """Give where this worker counts for a version; outside a server there is no slot, and one process."""
        version, words = snapshot.version.metadata.version, self._words
        places = self._places(slot or 0, snapshot.cell)
        for at in places:
            if words[at] == version:
                return at
        at = min(places, key=lambda at: (words[at] != 0, words[at + _Word.LAST]))
        words[at] = 0  # so that nobody takes half of the old for the new
        for word in range(1, _WORDS):
            words[at + word] = 0
        words[at] = version
        return at

    def _places(self, slot: int, cell: int) -> range:
        """Give where the places of one worker for one model begin."""
        first = (slot * MODELS + cell) * _PLACES * _WORDS
        return range(first, first + _PLACES * _WORDS, _WORDS)
