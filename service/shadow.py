"""What the version behind the alias `shadow` would have answered: asked after the answer has gone, and compared."""

import base64
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pydantic_core import from_json, to_json

from mlp import network
from mlp.arrays import Float, Pixels
from mlp.version import Version
from service.board import Board
from service.layout import EXAMPLE_BYTES, Tally
from service.live import Snapshot
from service.shared import WORD

_log = logging.getLogger("service")

_MILLIONTHS: Final = 1_000_000

_PART: Final = 32
"""Pictures that are compared in one go; between two goes the thread sleeps as long as the first took."""


@dataclass(frozen=True, slots=True)
class Counts:
    """The comparison of two versions, over all workers."""

    pictures: int = 0
    """That both have answered."""
    agreed: int = 0
    """On which both named the same class."""
    distance: float = 0.0
    """Sum over the pictures of the largest difference of any class's score."""
    dropped: int = 0
    """Pictures for which there was no room in the queue."""
    failed: int = 0
    """Pictures that the shadow could not answer, such as those of another size."""

    @property
    def agreement(self) -> float:
        """Share of the pictures on which both agreed, 0 without pictures."""
        return self.agreed / self.pictures if self.pictures else 0.0


@dataclass(frozen=True, slots=True)
class _Item:
    """One answered request, or the part of it that there was room for."""

    snapshot: Snapshot
    shadow: Version
    pixels: Pixels
    scores: Float
    request_id: str


class Shadow:
    """The queue of one worker, and the thread that empties it.

    `offer` may be called from any thread; it never waits, and drops what there is no room for. Counts and examples are
    in the memory that all workers share, so that any of them can tell the sum.
    """

    def __init__(self, board: Board, room: int) -> None:
        self._board = board
        self._room = room
        """Pictures."""
        self._waiting: deque[_Item] = deque()
        self._pictures = 0
        self._changed = threading.Condition()

    def offer(self, slot: int | None, snapshot: Snapshot, pixels: Pixels, scores: Float, request_id: str) -> None:
        """Have pictures (n, height, width) compared on which `snapshot` has answered with scores (n, c)."""
        shadow = snapshot.shadow
        if shadow is None or slot is None:
            return
        with self._changed:
            taken = max(0, min(len(pixels), self._room - self._pictures))
            self._count(slot, snapshot, shadow, Tally.DROPPED, len(pixels) - taken)
            if taken:
                kept = pixels if taken == len(pixels) else pixels[:taken].copy()  # a view would hold the whole batch
                self._waiting.append(_Item(snapshot, shadow, kept, scores[:taken], request_id))
                self._pictures += taken
                self._changed.notify()

    def start(self, slot: int) -> None:
        """Begin to compare, in a thread of its own."""
        threading.Thread(target=self._run, args=(slot,), name="shadow", daemon=True).start()

    def _run(self, slot: int) -> None:
        # A low priority of the thread would be no help but harm: while it holds the interpreter's lock and waits for a
        # processor, the requests of this worker wait for it. So it leaves half of the time to others instead.
        while True:
            begun = time.monotonic()
            try:
                self.compare_next(slot)
            except Exception:  # noqa: BLE001 - one picture that fails must not end the comparison of all others
                _log.exception("comparing with the shadow failed")
            time.sleep(min(time.monotonic() - begun, 1.0))

    def compare_next(self, slot: int, *, wait_seconds: float | None = 1.0) -> bool:
        """Compare the next part of what waits; False when nothing came within the time."""
        with self._changed:
            if not self._waiting and not self._changed.wait(wait_seconds):
                return False
            item = self._waiting.popleft()
            if len(item.pixels) > _PART:
                rest = _Item(item.snapshot, item.shadow, item.pixels[_PART:], item.scores[_PART:], item.request_id)
                self._waiting.appendleft(rest)
            self._pictures -= min(len(item.pixels), _PART)
        part = _Item(item.snapshot, item.shadow, item.pixels[:_PART], item.scores[:_PART], item.request_id)
        self._compare(slot, part)
        return True

    def _compare(self, slot: int, item: _Item) -> None:
        production, shadow = item.snapshot.version, item.shadow
        n = len(item.pixels)
        if production.metadata.input != shadow.metadata.input:
            with self._changed:
                self._count(slot, item.snapshot, shadow, Tally.FAILED, n)
            return
        scores = shadow.scores(item.pixels)  # (n, c of the shadow)
        here, there = network.winners(item.scores), network.winners(scores)  # (n,)
        labels, others = production.metadata.labels, shadow.metadata.labels
        agreed = np.array([labels[i] == others[j] for i, j in zip(here.tolist(), there.tolist(), strict=True)])
        distance = np.abs(item.scores - scores).max(axis=1).sum() if labels == others else 0.0
        with self._changed:
            self._count(slot, item.snapshot, shadow, Tally.PICTURES, n)
            self._count(slot, item.snapshot, shadow, Tally.AGREED, int(agreed.sum()))
            self._count(slot, item.snapshot, shadow, Tally.DISTANCE, round(float(distance) * _MILLIONTHS))
        for row in np.flatnonzero(~agreed).tolist():
            self._board.add_example(_example(item, row, labels[here[row]], others[there[row]], scores[row]))

    def _count(self, slot: int, snapshot: Snapshot, shadow: Version, word: Tally, by: int) -> None:
        """Add to one of this worker's counts; they begin anew when they were those of other versions."""
        words, layout, cell = self._board.words, self._board.layout, snapshot.cell
        pair = (snapshot.version.metadata.version, shadow.metadata.version)
        places = [layout.tally(slot, cell, place) for place in (Tally.PRODUCTION, Tally.SHADOW)]
        if pair != tuple(words[place] for place in places):
            words[places[0]] = 0  # so that nobody takes half of the old for the new
            for place in (Tally.PICTURES, Tally.AGREED, Tally.DISTANCE, Tally.DROPPED, Tally.FAILED):
                words[layout.tally(slot, cell, place)] = 0
            words[places[1]] = pair[1]
            words[places[0]] = pair[0]
        words[layout.tally(slot, cell, word)] += by


def counts(board: Board, cell: int, production: int, shadow: int) -> Counts:
    """Give the sum over all workers, of those that are no more as well."""
    sums = dict.fromkeys((Tally.PICTURES, Tally.AGREED, Tally.DISTANCE, Tally.DROPPED, Tally.FAILED), 0)
    for slot in board.layout.slots:
        # Backwards, since a worker counts a picture first and its agreement then: never do more agree than there are.
        found = {word: board.words[board.layout.tally(slot, cell, word)] for word in reversed(Tally)}
        if (found[Tally.PRODUCTION], found[Tally.SHADOW]) == (production, shadow):
            for word in sums:
                sums[word] += found[word]
    pictures, agreed, distance, dropped, failed = sums.values()
    return Counts(pictures, agreed, distance / _MILLIONTHS, dropped, failed)


def examples(board: Board, name: str, production: int, shadow: int) -> list[dict[str, Any]]:
    """Give the kept pictures of a model on which two versions disagreed, the newest first."""
    found = [from_json(text) for text in board.examples()]
    wanted = (name, production, shadow)
    return [
        {field: value for field, value in example.items() if field != "model"}
        for example in found
        if (example["model"], example["production"]["version"], example["shadow"]["version"]) == wanted
    ]


def _example(item: _Item, row: int, label: str, other: str, scores: Float) -> bytes:
    """Give one picture on which the versions disagree as JSON, leaving out what there is no room for."""
    production, shadow = item.snapshot.version.metadata, item.shadow.metadata
    pixels = np.clip(np.rint(item.pixels[row]), 0, 255).astype(np.uint8)
    example: dict[str, Any] = {
        "model": production.name,
        "request_id": item.request_id,
        "production": {"version": production.version, "label": label, "scores": _rounded(item.scores[row])},
        "shadow": {"version": shadow.version, "label": other, "scores": _rounded(scores)},
        "shape": pixels.shape,
        "pixels": base64.b64encode(pixels.tobytes()).decode(),
    }
    if len(to_json(example)) > EXAMPLE_BYTES - WORD:
        example["pixels"] = None
    if len(to_json(example)) > EXAMPLE_BYTES - WORD:
        example["production"]["scores"] = example["shadow"]["scores"] = None
    return to_json(example)


def _rounded(scores: Float) -> list[float]:
    return [round(score, 4) for score in scores.tolist()]
