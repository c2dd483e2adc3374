"""Which marks on a sheet are the character, and which are frames, rules, the table around the sheet, or specks."""

from typing import Final

import numpy as np

from mlp.components import Bools, Parts

_REACH: Final = 0.2
"""Of the character's size, how far off its next part may be: a five's bar, or a stroke that the pen left broken."""

_SPECK: Final = 0.02
"""Of the largest part's area; a smaller part is dust or noise."""


def surrounds(parts: Parts) -> Bools:
    """Tell for each of k parts whether it is a frame, a rule of notebook paper, or what the sheet lies on."""
    height, width = parts.labels.shape
    answer = np.zeros(len(parts.areas), np.bool_)
    for number in np.flatnonzero(parts.areas > 0.3 * max(height, width)):  # a line across the picture has no fewer
        answer[number] = _surrounds(parts, int(number))
    return answer


def _surrounds(parts: Parts, number: int) -> bool:
    height, width = parts.labels.shape
    top, left, bottom, right = parts.boxes[number]
    mask = parts.labels[top:bottom, left:right] == number
    band = max(2, max(height, width) // 20)  # wide enough for a line that is a little askew
    covered = np.array(
        [
            mask[:band].any(axis=0).mean(),
            mask[-band:].any(axis=0).mean(),
            mask[:, :band].any(axis=1).mean(),
            mask[:, -band:].any(axis=1).mean(),
        ]
    )
    across, down = (right - left) / width, (bottom - top) / height
    span = np.array([across, across, down, down])  # of its sides top, bottom, left, right, in the picture's
    touches = np.array([top == 0, bottom == height, left == 0, right == width])
    through = (touches[0] and touches[1]) or (touches[2] and touches[3])
    # A digit drawn from edge to edge covers sides, too, but not the corners.
    frame = ((covered > 0.7) & (span > 0.6)).sum() >= 3 and mask.mean() < 0.5 and _corners(mask, band) >= 3
    table = (covered * span * touches > 0.6).sum() >= 2 and _corners(parts.labels == number, band) >= 2
    rule = through and min(bottom - top, right - left) < 0.05 * max(height, width)
    grid = touches.all() and mask.mean() < 0.25
    return bool(frame or table or rule or grid)


def _corners(mask: Bools, reach: int) -> int:
    """Count the corners of a mask (h, w) that have something in a square of `reach` pixels."""
    ends = slice(reach), slice(-reach, None)
    return sum(bool(mask[y, x].any()) for y in ends for x in ends)


def at_edge(parts: Parts) -> Bools:
    """Tell for each of k parts whether it touches the picture's edge."""
    height, width = parts.labels.shape
    top, left, bottom, right = parts.boxes.T
    return np.asarray((top == 0) | (left == 0) | (bottom == height) | (right == width))


def character(parts: Parts, strong: Bools, edge: Bools) -> Bools:
    """Tell for each of k parts whether it belongs to the character; none, where there is no character.

    `strong` (k,) are the parts as dark as ink is, `edge` (k,) those at the picture's edge: these are taken only if
    there is nothing better. The character is the largest part and what lies near to it.
    """
    top, left, bottom, right = parts.boxes.T
    extents = np.maximum(bottom - top, right - left)
    large = strong & (extents >= max(3, 0.03 * max(parts.labels.shape)))
    if not large.any():
        return large
    inner = large & ~edge
    if inner.any() and extents[inner].max() > 0.5 * extents[large].max():
        large = inner
    main = int(np.argmax(np.where(large, parts.areas, 0)))
    candidates = strong & (parts.areas > _SPECK * parts.areas[main]) & (large | ~edge)
    group = np.arange(len(extents)) == main
    while True:
        y0, x0, y1, x1 = bounds(parts, group)
        apart = np.maximum(np.maximum(top - y1, y0 - bottom), np.maximum(left - x1, x0 - right))
        near = candidates & (apart < _REACH * max(y1 - y0, x1 - x0))
        if not (near & ~group).any():
            return group
        group |= near


def bounds(parts: Parts, group: Bools) -> tuple[int, int, int, int]:
    """Give top, left, bottom and right of the box around a group (k,) of parts."""
    boxes = parts.boxes[group]
    top, left = boxes[:, :2].min(axis=0)
    bottom, right = boxes[:, 2:].max(axis=0)
    return int(top), int(left), int(bottom), int(right)
