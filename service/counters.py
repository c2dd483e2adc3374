"""What a worker counts while it answers: requests, rejections, predictions. Cheap enough for every request.

The counts are in memory that all workers share, so that any of them can tell the sum (service/counted.py), and outlive
a worker: its successor goes on where it ended. prometheus_client's own files for several processes would take three
times as long for one count as is taken here for a whole request.
"""

import threading
from bisect import bisect_left
from collections.abc import Collection, Iterable
from threading import get_ident
from typing import Final

import numpy as np
import numpy.typing as npt
from werkzeug.exceptions import default_exceptions

from mlp.arrays import Float, Ints
from mlp.errors import MlpError
from mlp.version import Version
from service.board import Board
from service.count_layout import (
    CLASSES,
    CONFIDENCES,
    DURATION_WORDS,
    PREDICTION_WORDS,
    REASONS,
    ROUTES,
    SECONDS,
    CountLayout,
    Prediction,
)
from service.count_rows import CountRows, request_key, version_key
from service.errors import BadItem, RequestError, SharedLockBusy
from service.layout import Cell
from service.live import Snapshot
from service.shared import Shared

Moments = tuple[float, float, float, float]
"""When a batch was begun, read from the body, scored by the network, and written as an answer: `time.perf_counter`."""

OTHER: Final = "other"

METHODS: Final = (OTHER, "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")

UNMATCHED: Final = "unmatched"
"""The route of a path that there is not."""

UNEXPECTED: Final = "Unexpected"
"""The reason of an error that is ours."""

_SINGLY: Final = 12
"""Pictures up to which counting one after the other takes less time than the arrays."""

# As plain numbers: a member of an enumeration takes longer to be looked up than a count to be written.
_SUM: Final = DURATION_WORDS - 1
_BATCHES, _PREPARED = int(Prediction.BATCHES), int(Prediction.PREPARED)
_PARSE, _PREPARE, _INFER, _ANSWER = map(
    int, (Prediction.PARSE, Prediction.PREPARE, Prediction.INFER, Prediction.ANSWER)
)
_CONFIDENCE, _BUCKET, _CLASS = map(int, (Prediction.CONFIDENCE, Prediction.FIRST_BUCKET, Prediction.FIRST_CLASS))


class Counters:
    """The counts of all workers of one service, and the part of them that this process writes.

    Each worker writes two rows: its own thread the first, without a lock; all its other threads, one at a time, the
    second. Every function may be called from any thread, and none raises an error or waits for another process.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self.layout = CountLayout(len(board.layout.slots))
        self.shared = Shared(self.layout.size)
        self.rows = CountRows(self.shared, self.layout)
        self.routes: tuple[str, ...] = (UNMATCHED,)
        self.reasons = (UNEXPECTED, *sorted(_names()))[:REASONS]
        self._aside = threading.Lock()
        self._write_as(self.layout.workers)

    def know(self, routes: Iterable[str]) -> None:
        """Name the app's routes, before the workers are forked: all of them know a route by its number."""
        self.routes = (UNMATCHED, *sorted(set(routes)))[:ROUTES]
        self._first.forget()
        self._second.forget()

    def join(self, slot: int) -> None:
        """Count as the worker in that slot from now on; call it in the thread that answers most requests."""
        self._write_as(slot)
        self.shared.words[self.layout.starts + slot] += 1

    def _write_as(self, place: int) -> None:
        self._thread = get_ident()
        self._first, self._second = (_Writer(self, self.layout.row(place, second)) for second in (0, 1))

    def request_ended(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request: its route by the app's rule, "" for none, and for how long it was being answered."""
        if get_ident() == self._thread:
            self._first.request(route, method, status, seconds)
        else:
            with self._aside:
                self._second.request(route, method, status, seconds)

    def rejected(self, error: Exception) -> None:
        """Count what a request was not answered for, by the error's class."""
        kind = type(error.error if isinstance(error, BadItem) else error).__name__
        reason = self.reasons.index(kind) if kind in self.reasons else 0
        with self._aside:
            self._second.rejection(reason)

    def predicted(self, snapshot: Snapshot, scores: Float, indices: Ints, moments: Moments, prepare: float) -> None:
        """Count a batch that `snapshot` has answered.

        `scores` are (n, c), `indices` (n,) the classes that they name. `prepare` are the seconds before the body was
        read that went into the preparation of pictures, 0 for numbers.
        """
        if get_ident() == self._thread:
            self._first.prediction(snapshot, scores, indices, moments, prepare)
        else:
            with self._aside:
                self._second.prediction(snapshot, scores, indices, moments, prepare)

    def models(self) -> list[str]:
        """Give the names of the models by their places on the board."""
        return self._board.names()

    def in_use(self, cell: int) -> Collection[int]:
        """Give the versions that the live document of a model needs."""
        proposal = self._board.read(cell, self._board.get(cell, Cell.COMMITTED))
        return proposal.document.in_use if proposal else ()


class NoCounters(Counters):
    """Counts nothing."""

    def request_ended(self, route: str, method: str, status: int, seconds: float) -> None:
        """Do nothing."""

    def rejected(self, error: Exception) -> None:
        """Do nothing."""

    def predicted(self, snapshot: Snapshot, scores: Float, indices: Ints, moments: Moments, prepare: float) -> None:
        """Do nothing."""


class _Writer:
    """One row of counts; used by one thread at a time."""

    def __init__(self, counters: Counters, at: int) -> None:
        self._counters = counters
        self._rows = counters.rows
        self._words = counters.shared.words
        self._counts = counters.shared.bytes.cast("d")
        self._array: npt.NDArray[np.float64] = np.frombuffer(counters.shared.bytes, np.float64)
        self._at = at
        self._request_places: dict[tuple[str, str, int], tuple[int, int]] = {}
        self._version_rows: dict[int, int] = {}
        self._version: Version | None = None
        """The one that was counted last, and where its counts are: mostly it is the next one, too."""
        self._key = self._key_at = self._version_at = 0

    def forget(self) -> None:
        """Look all routes up anew."""
        self._request_places.clear()

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        try:
            number, durations = self._request_places[route, method, status]
        except KeyError:
            number, durations = self._request_place(route, method, status)
        counts = self._counts
        counts[number] += 1.0
        counts[durations + bisect_left(SECONDS, seconds)] += 1.0
        counts[durations + _SUM] += seconds

    def _request_place(self, route: str, method: str, status: int) -> tuple[int, int]:
        routes, layout = self._counters.routes, self._counters.layout
        route_number = routes.index(route) if route in routes else 0
        method_number = METHODS.index(method) if method in METHODS else 0
        key = request_key(route_number, method_number, status)
        try:
            row = self._rows.requests().get(key) or self._rows.claim_request(key)
        except SharedLockBusy:
            row = 0
        place = (self._at + layout.requests + row, self._at + layout.durations + route_number * DURATION_WORDS)
        if row and route_number and method_number:  # else the names are a client's, and there is no end of them
            self._request_places[route, method, status] = place
        return place

    def rejection(self, reason: int) -> None:
        self._counts[self._at + self._counters.layout.reasons + reason] += 1.0

    def prediction(self, snapshot: Snapshot, scores: Float, indices: Ints, moments: Moments, prepare: float) -> None:
        if snapshot.version is not self._version or self._words[self._key_at] != self._key:
            self._turn_to(snapshot)
        at, counts = self._version_at, self._counts
        begun, read, scored, answered = moments
        counts[at + _BATCHES] += 1.0
        counts[at + _PARSE] += read - begun - prepare
        counts[at + _INFER] += scored - read
        counts[at + _ANSWER] += answered - scored
        if prepare:
            counts[at + _PREPARED] += 1.0
            counts[at + _PREPARE] += prepare
        if len(indices) == 1:
            index = indices.item()
            self._picture(at, index, scores.item(index))
        elif len(indices) <= _SINGLY:
            for index, row in zip(indices.tolist(), scores.tolist(), strict=True):
                self._picture(at, index, row[index])
        else:
            self._pictures(at, scores, indices)

    def _picture(self, at: int, index: int, confidence: float) -> None:
        counts = self._counts
        counts[at + _CLASS + (index if index < CLASSES else CLASSES)] += 1.0
        counts[at + _BUCKET + bisect_left(CONFIDENCES, confidence)] += 1.0
        counts[at + _CONFIDENCE] += confidence

    def _pictures(self, at: int, scores: Float, indices: Ints) -> None:
        confidences = scores[np.arange(len(indices)), indices].astype(np.float64)
        self._add(at + _CLASS, np.bincount(np.minimum(indices, CLASSES)))
        self._add(at + _BUCKET, np.bincount(np.searchsorted(CONFIDENCES, confidences)))
        self._counts[at + _CONFIDENCE] += float(confidences.sum())

    def _add(self, at: int, counts: Ints) -> None:
        self._array[at : at + len(counts)] += counts

    def _turn_to(self, snapshot: Snapshot) -> None:
        """Count for another version than the last time, or for the same if its row has been given away meanwhile."""
        version = snapshot.version
        key = version_key(snapshot.cell, version.metadata.version)
        row = self._version_rows.get(key, 0)
        if not row or not self._rows.is_claimed_by(row, key):
            row = self._claim(key, snapshot)
        layout = self._counters.layout
        self._version, self._key = (version, key) if row else (None, 0)
        self._key_at = layout.prediction_keys + row
        self._version_at = self._at + layout.predictions + row * PREDICTION_WORDS

    def _claim(self, key: int, snapshot: Snapshot) -> int:
        """Give the row of a version; the counts in it begin anew if they were another's."""
        try:
            row = self._rows.claim_prediction(
                key, snapshot.version.metadata.labels, lambda: self._counters.in_use(snapshot.cell)
            )
        except SharedLockBusy:
            row = 0
        if row:
            at = self._at + self._counters.layout.predictions + row * PREDICTION_WORDS
            if self._words[at] != key:
                self._words[at] = 0  # so that nobody takes half of the old for the new
                self._array[at + 1 : at + PREDICTION_WORDS] = 0.0
                self._words[at] = key
            self._version_rows = {k: r for k, r in self._version_rows.items() if r != row} | {key: row}
        return row


def _names() -> set[str]:
    """Give the names of all errors that may answer a request."""
    found = {kind.__name__ for kind in default_exceptions.values()}
    kinds: list[type[Exception]] = [RequestError, SharedLockBusy, MlpError]
    while kinds:
        kind = kinds.pop()
        found.add(kind.__name__)
        kinds.extend(kind.__subclasses__())
    return found
