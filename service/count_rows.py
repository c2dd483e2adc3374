"""Who gets which row of counts: a row is claimed when something is counted for the first time by any worker.

There is a fixed number of rows, so that neither clients nor a store with many versions make the memory or the answer to
Prometheus grow. Row 0 is nobody's: what finds no other is counted there.
"""

from collections.abc import Callable, Collection
from typing import Final

from pydantic_core import from_json, to_json

from service.count_layout import LABELS_BYTES, PREDICTIONS, REQUESTS, VERSIONS, CountLayout
from service.shared import WORD, Shared

_VERSION_BITS: Final = 40


def request_key(route: int, method: int, status: int) -> int:
    """Give the key of requests of one kind, never 0; `route` and `method` are their numbers."""
    return (route + 1) << 20 | method << 10 | min(status, 999)


def request_of(key: int) -> tuple[int, int, int]:
    """Give route, method and status of a key."""
    return (key >> 20) - 1, key >> 10 & 0x3FF, key & 0x3FF


def version_key(cell: int, number: int) -> int:
    """Give the key of a version of a model, never 0; the model by its place on the board."""
    return (cell + 1) << _VERSION_BITS | min(number, 2**_VERSION_BITS - 1)


def version_of(key: int) -> tuple[int, int]:
    """Give the model's place and the version's number of a key."""
    return (key >> _VERSION_BITS) - 1, key & (2**_VERSION_BITS - 1)


class CountRows:
    """The claims of all workers."""

    def __init__(self, shared: Shared, layout: CountLayout) -> None:
        self._shared = shared
        self._words = shared.words
        self._layout = layout

    def requests(self) -> dict[int, int]:
        """Give the rows of requests that are claimed, by their keys."""
        return self._claimed(self._layout.request_keys, REQUESTS)

    def predictions(self) -> dict[int, int]:
        """Give the rows of predictions that are claimed, by their keys."""
        return self._claimed(self._layout.prediction_keys, PREDICTIONS)

    def is_claimed_by(self, row: int, key: int) -> bool:
        """Whether a row of predictions is still that version's."""
        return self._words[self._layout.prediction_keys + row] == key

    def labels(self, row: int) -> tuple[str, ...]:
        """Give the class names of a row of predictions; none where there was no room for them."""
        text = self._shared.text(self._layout.labels(row))
        return tuple(from_json(text)) if text else ()

    def claim_request(self, key: int) -> int:
        """Give the row for requests of one kind. Raises SharedLockBusy."""
        with self._shared.locked():
            rows = self.requests()
            row = rows.get(key) or self._free(rows, REQUESTS)
            if row:
                self._words[self._layout.request_keys + row] = key
            return row

    def claim_prediction(self, key: int, labels: tuple[str, ...], in_use: Callable[[], Collection[int]]) -> int:
        """Give the row for a version's predictions; `in_use` gives those of the model that an alias needs.

        When the model has all the rows that it may have, or there is none left, a version makes room that is not in
        use, the one that came first. Raises SharedLockBusy.
        """
        row = self.predictions().get(key, 0)
        if row:
            return row
        needed = in_use()  # takes another lock
        with self._shared.locked():
            rows = self.predictions()
            row = rows.get(key, 0)
            if not row and (row := self._room(rows, version_of(key)[0], needed)):
                self._write(row, key, labels)
            return row

    def _room(self, rows: dict[int, int], cell: int, needed: Collection[int]) -> int:
        mine = {row: number for key, row in rows.items() for place, number in [version_of(key)] if place == cell}
        idle = [row for row, number in mine.items() if number not in needed]
        free = self._free(rows, PREDICTIONS)
        if idle and (len(mine) >= VERSIONS or not free):
            return min(idle, key=lambda row: self._words[self._layout.claimed + row])
        return free

    def _write(self, row: int, key: int, labels: tuple[str, ...]) -> None:
        words, layout = self._words, self._layout
        words[layout.prediction_keys + row] = 0  # so that nobody takes the old counts for the new version's
        text = to_json(labels)
        self._shared.write_text(layout.labels(row), text if len(text) <= LABELS_BYTES - WORD else b"")
        words[layout.claimed + row] = words[layout.claims]
        words[layout.claims] += 1
        words[layout.prediction_keys + row] = key

    def _claimed(self, at: int, count: int) -> dict[int, int]:
        keys = self._words[at : at + count].tolist()
        return {key: row for row, key in enumerate(keys) if key}

    def _free(self, rows: dict[int, int], count: int) -> int:
        taken = set(rows.values())
        return next((row for row in range(1, count) if row not in taken), 0)
