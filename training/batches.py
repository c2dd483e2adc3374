"""One epoch after another of shuffled batches: online (1), mini-batch (k) and full-batch (n) are one iterator."""

from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np

from mlp.arrays import Float, Ints, Uint8


def size(examples: int, wanted: int | Literal["full"]) -> int:
    """Give the examples of a full batch."""
    return examples if wanted == "full" else min(wanted, examples)


def count(examples: int, wanted: int | Literal["full"]) -> int:
    """Give the number of batches in an epoch."""
    return -(-examples // size(examples, wanted))


def _cast(pixels: Uint8, out: Float) -> None:
    np.copyto(out, pixels)  # cast, then scale: together they take less than one multiplication that casts


class Batches:
    """Every example once an epoch, in a new order each time; the last batch of an epoch may be smaller."""

    def __init__(
        self,
        pixels: Uint8,
        labels: Ints,
        *,
        classes: int,
        rows: int,
        low: float,
        high: float,
        rng: np.random.Generator,
        smoothing: float = 0.0,
        change: Callable[[Uint8, Float], None] | None = None,
    ) -> None:
        """`pixels` is (n, height, width) uint8 and stays so; `labels` (n,) below `classes`; `rows` examples a batch.

        `change` fills an array (k, d) with pixels (k, d) augmented, 0 … 255; without it they stay as they are.
        """
        self._change = change or _cast
        self._pixels = pixels.reshape(len(pixels), -1)  # (n, d)
        self._labels = labels
        self._rng = rng
        self._scale = np.float32((high - low) / 255)
        self._shift = np.float32(low)
        self._rows = rows
        self._gathered = np.empty((rows, self._pixels.shape[1]), np.uint8)
        self._x = np.empty(self._gathered.shape, np.float32)
        self._y = np.empty((rows, classes), np.float32)
        self._targets = np.eye(classes, dtype=np.float32) * (1 - smoothing) + smoothing / classes  # (c, c)

    def __iter__(self) -> Iterator[tuple[Float, Float]]:
        """Yield features (k, d) and targets (k, c); the next batch overwrites both."""
        order = self._rng.permutation(len(self._pixels))
        for start in range(0, len(order), self._rows):
            chosen = order[start : start + self._rows]
            k = len(chosen)
            gathered, x, y = self._gathered[:k], self._x[:k], self._y[:k]
            # mode="clip" lets `take` write to `out` directly; by default it goes through a buffer, twice as slow.
            np.take(self._pixels, chosen, axis=0, out=gathered, mode="clip")
            self._change(gathered, x)
            x *= self._scale
            if self._shift:
                x += self._shift
            np.take(self._targets, self._labels[chosen], axis=0, out=y, mode="clip")
            yield x, y
