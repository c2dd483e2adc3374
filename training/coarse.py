"""Pictures as if enlarged from few pixels."""

from typing import Final

import numpy as np

from mlp.arrays import Float

_SIDES: Final = (1.6, 2.8)
"""Pixels of the picture along the side of a coarse one: the 20 that a digit takes become 12 … 7."""

_GAIN: Final = 1.25
"""Contrast that preparation gives back to what averaging has made grey."""


class Coarse:
    """Averages over coarse pixels at a place drawn for each call, by one product from each side."""

    def __init__(self, height: int, width: int, rng: np.random.Generator) -> None:
        self._rng = rng
        self._shape = height, width

    def __call__(self, pixels: Float) -> None:
        """Change pixels (k, height, width), 0 … 255, in place."""
        side = self._rng.uniform(*_SIDES)
        rows, columns = (self._averaging(size, side) for size in self._shape)
        np.matmul(np.matmul(rows, pixels), columns.T, out=pixels)
        pixels *= _GAIN
        np.minimum(pixels, 255, out=pixels)

    def _averaging(self, size: int, side: float) -> Float:
        """Give the matrix (size, size) that replaces each pixel by the mean of the coarse one that it is in."""
        cell = ((np.arange(size) + self._rng.uniform(0, side)) / side).astype(np.intp)
        same = cell[:, None] == cell
        return (same / same.sum(axis=1, keepdims=True)).astype(np.float32)
