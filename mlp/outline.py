"""The outline of marks in a photograph, and how much of it is an edge in the picture.

All around a stroke the ground is lighter. Where a mark ends and the picture does not get lighter, it is no mark: the
inner side of a shadow's corner, or what is left of a thick stroke that the window was too narrow for.
"""

import numpy as np

from mlp.arrays import Float, Ints
from mlp.components import Parts
from mlp.windows import mean_around, spread


def lengths(dark: Float, parts: Parts, contrast: float) -> tuple[Ints, Ints]:
    """Give the outline's length in pixels of each of k parts, (k,), and how much of it is an edge, (k,).

    It is one where `dark`, grey values (height, width) with ink darker than the ground, rises by half of `contrast`, a
    share of the ground's light, 0 … 1, across the outline. Where the picture ends nobody knows; this counts as neither.
    """
    mask = parts.labels >= 0
    outline = mask & ~spread(mask, 1, np.minimum)
    outline[[0, -1]] = outline[:, [0, -1]] = False
    y, x = np.nonzero(outline)  # (r,) each, for r pixels
    soft = mean_around(np.pad(mask, 2).astype(np.float32), 2)[2:-2, 2:-2]
    down, right = (np.gradient(soft, axis=axis) for axis in (0, 1))
    length = np.maximum(np.hypot(down[y, x], right[y, x]), 1e-6)
    down, right = down[y, x] / length, right[y, x] / length  # (r,): the way into the mark
    step = max(2, max(mask.shape) // 100)  # over the edge's blur
    inside, outside = (_at(dark, y + way * down, x + way * right) for way in (1, -step))
    edge = outside - inside > 0.5 * contrast * outside
    labels, k = parts.labels[y, x], len(parts.areas)
    return np.bincount(labels, minlength=k), np.bincount(labels[edge], minlength=k)


def _at(values: Float, y: Float, x: Float) -> Float:
    height, width = values.shape
    rows, columns = np.rint(y).astype(np.intp), np.rint(x).astype(np.intp)
    return values[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]
