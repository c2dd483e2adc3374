"""What a worker counts while it answers: requests, rejections, predictions.

A request only notes what has happened; a thread of the worker adds the notes up, twenty times a second, in memory
that all workers share. So any of them can tell the sum (service/counted.py), and a worker's successor goes on where it
ended. Adding up in the request took four times as long: each count is in another place, and by the time of the next
request none of them is in the processor's cache any more. prometheus_client's own way for several processes takes
still longer.
"""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from werkzeug.exceptions import default_exceptions

from mlp.arrays import Float, Ints
from mlp.errors import MlpError
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

Moments = tuple[float, float, float, float, float]
"""When a batch was begun, parsed, prepared, scored by the network, and written as an answer: `time.perf_counter`."""

PHASES: Final = ("parse", "prepare", "infer", "answer")
"""Between two moments each."""

OTHER: Final = "other"

METHODS: Final = (OTHER, "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")

UNMATCHED: Final = "unmatched"
"""The route of a path that there is not."""

UNEXPECTED: Final = "Unexpected"
"""The reason of an error that is ours."""

NOTES: Final = 1000
"""Requests after which a worker adds up at once, whatever its thread does: no more are lost when it is killed."""

_PATIENCE_SECONDS: Final = 1.0
"""With the other workers, each of which adds up twenty times a second."""

_SUM: Final = DURATION_WORDS - 1
_SECONDS: Final = np.array(SECONDS)

_Batch = tuple[Snapshot, int | Ints, float | Float, Moments]
"""What answered, the classes that it named and their scores (for one picture as plain numbers), and when."""

_Note = TypeVar("_Note")


class Counters:
    """The counts of all workers of one service, and what this process has noted for them.

    `request_ended`, `predicted`, `failed`, `corrected` and `rejected` may be called from any thread; they take well
    under a microsecond, wait for nothing and raise nothing. What a worker has noted and not added up is lost if it is
    killed, not if it ends.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self.layout = CountLayout(len(board.layout.slots))
        self.shared = Shared(self.layout.size)
        self.rows = CountRows(self.shared, self.layout)
        self.routes: tuple[str, ...] = (UNMATCHED,)
        self.reasons = (UNEXPECTED, *sorted(_names()))[:REASONS]
        self._requests: deque[tuple[str, str, int, float]] = deque()
        self._predictions: deque[_Batch] = deque()
        self._failures: deque[tuple[Snapshot, float]] = deque()
        self._corrections: deque[tuple[Snapshot, bool]] = deque()
        self._rejections: deque[str] = deque()
        self._adding = threading.Lock()
        self._row = _Row(self, self.layout.workers)
        self._added = self.layout.added + self.layout.workers

    def know(self, routes: Iterable[str]) -> None:
        """Name the app's routes, before the workers are forked: all of them know a route by its number."""
        self.routes = (UNMATCHED, *sorted(set(routes)))[:ROUTES]

    def join(self, slot: int) -> None:
        """Count as the worker in that slot from now on, and go on where its predecessor ended."""
        self._row = _Row(self, slot)
        self._added = self.layout.added + slot
        self.add_up()
        self.shared.words[self.layout.starts + slot] += 1

    # What has happened

    def request_ended(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request: its route by the app's rule, "" for none, and for how long it was being answered."""
        self._requests.append((route, method, status, seconds))
        if len(self._requests) > NOTES:
            self.add_up()

    def predicted(self, snapshot: Snapshot, scores: Float, indices: Ints, moments: Moments) -> None:
        """Count a batch that `snapshot` has answered with scores (n, c), of which `indices` (n,) are the highest.

        Where nothing was to be prepared, parsed and prepared are the same moment.
        """
        if len(indices) == 1:
            index = indices.item()
            self._predictions.append((snapshot, index, scores.item(index), moments))
        else:
            confidences = scores.ravel().take(np.arange(0, scores.size, scores.shape[1]) + indices)
            self._predictions.append((snapshot, indices, confidences, moments))

    def failed(self, snapshot: Snapshot, seconds: float) -> None:
        """Count a request that `snapshot` was to answer, and that ended with an error after so many seconds."""
        self._failures.append((snapshot, seconds))

    def corrected(self, snapshot: Snapshot, *, right: bool) -> None:
        """Count a correction that was kept of what `snapshot` has answered, which was right if the person says so."""
        self._corrections.append((snapshot, right))

    def rejected(self, error: Exception) -> None:
        """Count what a request was not answered for, by the error's class."""
        self._rejections.append(type(error.error if isinstance(error, BadItem) else error).__name__)

    # The sums

    def add_up(self) -> None:
        """Add what was noted to the counts that all workers share."""
        with self._adding:
            begun = time.monotonic_ns()
            durations = defaultdict[tuple[str, str, int], list[float]](list)
            for route, method, status, seconds in _taken(self._requests):
                durations[route, method, status].append(seconds)
            for (route, method, status), found in durations.items():
                self._row.requests(route, method, status, found)
            batches = defaultdict[int, list[_Batch]](list)
            for batch in _taken(self._predictions):
                batches[id(batch[0].version)].append(batch)
            for of_one_version in batches.values():
                self._row.predictions(of_one_version)
            for snapshot, seconds in _taken(self._failures):
                self._row.failure(snapshot, seconds)
            for snapshot, right in _taken(self._corrections):
                self._row.correction(snapshot, right)
            for reason in _taken(self._rejections):
                self._row.rejection(reason)
            self.shared.words[self._added] = begun  # not earlier: whoever sees it takes all up to then for added

    def wait_for_sums(self) -> None:
        """Wait until every worker has added up what it had noted by now; a worker that hangs, for a moment."""
        begun = now = time.monotonic_ns()
        self.add_up()
        words, slots = self.shared.words, list(self._board.workers.live())
        while now < begun + _PATIENCE_SECONDS * 1e9 and any(
            0 < words[self.layout.added + slot] < begun for slot in slots
        ):
            time.sleep(0.002)
            now = time.monotonic_ns()

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

    def predicted(self, snapshot: Snapshot, scores: Float, indices: Ints, moments: Moments) -> None:
        """Do nothing."""

    def failed(self, snapshot: Snapshot, seconds: float) -> None:
        """Do nothing."""

    def corrected(self, snapshot: Snapshot, *, right: bool) -> None:
        """Do nothing."""

    def rejected(self, error: Exception) -> None:
        """Do nothing."""


class _Row:
    """A worker's counts in the shared memory; nobody else writes them, and one thread at a time."""

    def __init__(self, counters: Counters, place: int) -> None:
        self._counters = counters
        self._rows = counters.rows
        self._words = counters.shared.words
        self._counts = counters.shared.bytes.cast("d")
        self._array: npt.NDArray[np.float64] = np.frombuffer(counters.shared.bytes, np.float64)
        self._at = counters.layout.row(place)
        self._request_places: dict[tuple[str, str, int], tuple[int, int]] = {}

    def requests(self, route: str, method: str, status: int, seconds: list[float]) -> None:
        """Count requests of one kind, by their durations."""
        try:
            number, durations = self._request_places[route, method, status]
        except KeyError:
            number, durations = self._request_place(route, method, status)
        self._counts[number] += len(seconds)
        self._add(durations, np.bincount(np.searchsorted(_SECONDS, seconds)))
        self._counts[durations + _SUM] += sum(seconds)

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

    def rejection(self, name: str) -> None:
        reasons = self._counters.reasons
        reason = reasons.index(name) if name in reasons else 0
        self._counts[self._at + self._counters.layout.reasons + reason] += 1.0

    def predictions(self, batches: list[_Batch]) -> None:
        """Count batches that one version has answered."""
        at = self._place_of(batches[0][0])
        counts = self._array[at : at + PREDICTION_WORDS]
        phases = np.diff(np.array([batch[3] for batch in batches]), axis=1)  # (batches, 4)
        counts[Prediction.BATCHES] += len(batches)
        counts[Prediction.LAST] = time.time_ns() // 1_000_000
        counts[Prediction.PREPARED] += np.count_nonzero(phases[:, 1])
        counts[Prediction.PARSE : Prediction.ANSWER + 1] += phases.sum(axis=0)
        indices = _joined([batch[1] for batch in batches], np.intp)
        confidences = _joined([batch[2] for batch in batches], np.float32)
        counts[Prediction.CONFIDENCE] += confidences.sum(dtype=np.float64)
        self._add(at + Prediction.FIRST_CLASS, np.bincount(np.minimum(indices, CLASSES)))
        # Comparing all with each bound takes a third of the time of searching for each among the bounds.
        above = np.array([len(confidences), *(np.count_nonzero(confidences > bound) for bound in CONFIDENCES), 0])
        self._add(at + Prediction.FIRST_BUCKET, above[:-1] - above[1:])

    def failure(self, snapshot: Snapshot, seconds: float) -> None:
        """Count a request that a version could not answer."""
        at = self._place_of(snapshot)
        self._counts[at + Prediction.FAILED] += 1.0
        self._counts[at + Prediction.FAILED_SECONDS] += seconds

    def correction(self, snapshot: Snapshot, right: bool) -> None:
        """Count a correction of what a version has answered."""
        self._counts[self._place_of(snapshot) + (Prediction.CONFIRMED if right else Prediction.CORRECTED)] += 1.0

    def _add(self, at: int, counts: Ints) -> None:
        self._array[at : at + len(counts)] += counts

    def _place_of(self, snapshot: Snapshot) -> int:
        """Give the first word of a version's counts; they begin anew if they were another's."""
        key, labels = version_key(snapshot.cell, snapshot.version.metadata.version), snapshot.version.metadata.labels
        try:
            row = self._rows.claim_prediction(key, labels, lambda: self._counters.in_use(snapshot.cell))
        except SharedLockBusy:
            row = 0
        at = self._at + self._counters.layout.predictions + row * PREDICTION_WORDS
        if row and self._words[at] != key:
            self._words[at] = 0  # so that nobody takes half of the old for the new
            self._array[at + 1 : at + PREDICTION_WORDS] = 0.0
            self._words[at] = key
        return at


def _joined(parts: Sequence[Any], dtype: type) -> npt.NDArray[Any]:
    """Give numbers and arrays of numbers as one array; in which order does not matter."""
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    return np.concatenate([np.array([part for part in parts if not isinstance(part, np.ndarray)], dtype), *arrays])


def _taken(notes: deque[_Note]) -> Iterator[_Note]:
    """Give what is there, and take it away; what others append meanwhile stays for the next time."""
    for _ in range(len(notes)):
        yield notes.popleft()


def _names() -> set[str]:
    """Give the names of all errors that may answer a request."""
    found = {kind.__name__ for kind in default_exceptions.values()}
    kinds: list[type[Exception]] = [RequestError, SharedLockBusy, MlpError]
    while kinds:
        kind = kinds.pop()
        found.add(kind.__name__)
        kinds.extend(kind.__subclasses__())
    return found
