"""The sheet of paper in a photograph that shows the table around it, and the photograph without that table."""

from typing import Final

import numpy as np

from mlp import components
from mlp.arrays import Float
from mlp.components import Bools
from mlp.threshold import otsu
from mlp.windows import mean_around, spread

_DARKER: Final = 0.65
"""Of the sheet's brightness, what a table has at most; a soft shadow leaves more."""

_LEAST: Final = 0.35
"""Share of the picture that the sheet fills at least; less is a light thing on a dark ground."""

_EDGE: Final = 0.25
"""Share of the picture's edge that the table fills at least: one side of it."""

_CONVEX: Final = 0.9
"""Share of its hull that the sheet fills at least; a border of light and shadow wanders more."""

_SHARP: Final = 0.12
"""Least slope of the sheet's outline, median, of its contrast a pixel; a shadow's border is softer."""


def alone(values: Float) -> Float:
    """Give (height, width) grey values in which the sheet goes on over the table; without a table, as they are."""
    smooth = mean_around(values, 1)
    light = smooth > otsu(smooth.ravel())
    if not _LEAST <= light.mean() < 1:
        return values
    parts = components.parts(light)
    largest = parts.labels == int(np.argmax(parts.areas))
    hull = _hull(largest)
    table = ~spread(hull, 2, np.maximum)  # without the blurred border between them
    if hull.mean() < _LEAST or largest.sum() < _CONVEX * hull.sum() or _share_of_edge(table) < _EDGE:
        return values
    paper, wood = float(np.median(values[largest])), float(np.median(values[table]))
    outline = spread(hull, 1, np.maximum) & ~spread(hull, 1, np.minimum)
    outline[[0, -1]] = outline[:, [0, -1]] = False
    slope = np.hypot(*np.gradient(smooth))[outline]
    if wood > _DARKER * paper or np.median(slope) < _SHARP * (paper - wood):
        return values
    inside = ~spread(~hull, 3, np.maximum)
    return np.where(inside, values, _continued(values, inside, paper))


def _hull(mask: Bools) -> Bools:
    """Fill a mask (height, width) between the outermost pixels of each row, and then of each column."""
    for axis in (1, 0):
        before = np.maximum.accumulate(mask, axis)
        mask = before & np.flip(np.maximum.accumulate(np.flip(mask, axis), axis), axis)
    return mask


def _share_of_edge(mask: Bools) -> float:
    return float(np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).mean())


def _continued(values: Float, inside: Bools, far: float) -> Float:
    """Give the mean of the values `inside` that are near, and where none are near the one value `far`."""
    reach = max(2, max(values.shape) // 12)
    weights = inside.astype(np.float32)
    for _ in range(3):
        share = mean_around(weights, reach)
        near = mean_around(values * weights, reach) / np.maximum(share, 1e-6)
        values = np.where(weights > 0, values, np.where(share > 1e-4, near, far))
        weights = np.maximum(weights, (share > 1e-4).astype(np.float32))
    return values
