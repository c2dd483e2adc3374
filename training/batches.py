"""One epoch after another of shuffled batches: online (1), mini-batch (k) and full-batch (n) are one iterator."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mlp.arrays import Float, Ints, Pixels, Uint8
from training import pixel_order


def size(examples: int, wanted: int | Literal["full"]) -> int:
    """Give the examples of a full batch."""
    return examples if wanted == "full" else min(wanted, examples)


def count(examples: int, wanted: int | Literal["full"]) -> int:
    """Give the number of batches in an epoch."""
    return -(-examples // size(examples, wanted))


def _cast(pixels: Pixels, out: Float) -> None:
    np.copyto(out, pixels)  # cast, then scale: together they take less than one multiplication that casts


@dataclass(frozen=True, slots=True)
class Share:
    """What one of several processes takes of each batch: equal parts, in order."""

    number: int = 0
    of: int = 1

    def rows(self, examples: int) -> slice:
        """Give its part of a batch of so many examples; some may get none."""
        return slice(examples * self.number // self.of, examples * (self.number + 1) // self.of)


class Batches:
    """Every example once an epoch, in a new order each time; the last batch of an epoch may be smaller."""

    def __init__(
        self,
        pixels: Pixels,
        labels: Ints,
        *,
        classes: int,
        rows: int,
        smoothing: float = 0.0,
        change: Callable[[Uint8, Float], None] | None = None,
        share: Share | None = None,
    ) -> None:
        """`pixels` is (n, height, width) uint8 and stays so; `labels` (n,) below `classes`; `rows` examples a batch.

        Features (n, d) of float32 will do as well, and are yielded as they are.
        The label `classes` is for none of them: the target is then every class alike.
        `change` fills an array (k, d) with pixels (k, d) augmented, 0 … 255; without it they stay as they are. Of
        each batch come those rows that are `share`; without it, all.
        """
        self._share = share or Share()
        self._change = change or _cast
        self._pixels = pixels.reshape(len(pixels), -1)  # (n, d)
        d = self._pixels.shape[1]
        self._ends = pixel_order.ends(self._pixels) if change is None else np.full(len(pixels), d)
        self._labels = labels
        self._rows = rows
        self._gathered = np.empty((rows, d), pixels.dtype)
        self._x = np.empty(self._gathered.size, np.float32)
        self._y = np.empty((rows, classes), np.float32)
        self._targets = np.full((classes + 1, classes), 1 / classes, np.float32)  # the last row is for no class
        self._targets[:-1] = np.eye(classes) * (1 - smoothing) + smoothing / classes

    def epoch(self, rng: np.random.Generator) -> Iterator[tuple[Float, Float, int]]:
        """Yield pixels (k, w) as floats 0 … 255, targets (k, c) and the examples of the whole batch.

        Of the d pixels those are left out at the end that are blank in the whole batch. The arrays are overwritten by
        the next. The order is drawn from `rng`, for all shares alike.
        """
        order = rng.permutation(len(self._pixels))
        labels = self._labels[order]
        starts = np.arange(0, len(order), self._rows)
        widths = np.maximum.reduceat(self._ends[order], starts).tolist()
        for start, width in zip(starts.tolist(), widths, strict=True):
            examples = min(self._rows, len(order) - start)
            own = self._share.rows(examples)
            chosen = slice(start + own.start, start + own.stop)
            k = own.stop - own.start
            gathered, y = self._gathered[:k], self._y[:k]
            x = self._x[: k * width].reshape(k, width)  # in one piece: every pass over it is three times as fast
            # mode="clip" lets `take` write to `out` directly; by default it goes through a buffer, twice as slow.
            np.take(self._pixels, order[chosen], axis=0, out=gathered, mode="clip")
            self._change(gathered[:, :width], x)
            np.take(self._targets, labels[chosen], axis=0, out=y, mode="clip")
            yield x, y, examples
