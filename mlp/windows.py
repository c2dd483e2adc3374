"""Sliding windows over (height, width) arrays, continued beyond the border: mean, greatest, least."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp.arrays import Float

Array = npt.NDArray[Any]


def mean_around(values: Float, reach: int) -> Float:
    """Give the mean over (2·reach + 1)² pixels around each of (height, width) values, by running sums."""
    for axis in (0, 1):
        n = values.shape[axis]
        total = np.cumsum(_padded(values, reach + 1, reach, axis), axis=axis, dtype=np.float64)
        ahead, behind = np.arange(n) + 2 * reach + 1, np.arange(n)
        values = ((total.take(ahead, axis) - total.take(behind, axis)) / (2 * reach + 1)).astype(np.float32)
    return values


def spread(values: Array, reach: int, pick: Callable[[Array, Array], Array]) -> Array:
    """Give np.maximum or np.minimum (`pick`) over (2·reach + 1)² pixels around each of (height, width).

    The window doubles from step to step, so that its cost grows with the logarithm of its width.
    """
    for axis in (0, 1):
        line = np.moveaxis(_padded(values, reach, reach, axis), axis, 0)
        wide, width = 1, 2 * reach + 1
        while wide < width:
            step = min(wide, width - wide)
            line = pick(line[:-step], line[step:])
            wide += step
        values = np.moveaxis(line, 0, axis)
    return values


def _padded(values: Array, before: int, after: int, axis: int) -> Array:
    pads = [(before, after) if number == axis else (0, 0) for number in (0, 1)]
    if values.dtype == np.bool_:
        return np.pad(values, pads, mode="edge")
    # Turned over at the border, a slope goes on as a slope; repeated, it would end there in a step that looks like ink.
    return np.pad(values, pads, mode="reflect", reflect_type="odd")
