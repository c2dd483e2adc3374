"""Connected parts of a mask: which runs of pixels hang together, how large each part is, and where."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mlp.arrays import Ints

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Parts:
    """The k connected parts of a mask (height, width)."""

    labels: Ints
    """Shape (height, width): −1 where nothing is, else the number of the part, from 0."""
    areas: Ints
    """Shape (k,): pixels of each part."""
    boxes: Ints
    """Shape (k, 4): top, left, bottom, right of each part; bottom and right are one past the last pixel."""


def parts(mask: Bools) -> Parts:
    """Find the parts of a mask (height, width) that touch by sides or corners.

    Runs of pixels in a row are joined to the runs they touch in the next row (Rosenfeld and Pfaltz 1966), all rows at
    once: labels spread along the touching pairs until none gets smaller.
    """
    height, width = mask.shape
    edges = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)  # (height, width + 1)
    rows, starts = np.nonzero(edges == 1)  # (r,) each, for r runs
    ends = np.nonzero(edges == -1)[1]
    first, number = np.unique(_joined(*_touching(rows, starts, ends, width + 2), len(rows)), return_inverse=True)
    k = len(first)
    labels = np.full(height * width, -1)
    lengths = ends - starts
    offsets = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    labels[np.repeat(rows * width + starts, lengths) + offsets] = np.repeat(number, lengths)
    boxes = np.empty((k, 4), np.intp)
    boxes[:, :2] = max(height, width)
    boxes[:, 2:] = 0
    np.minimum.at(boxes[:, 0], number, rows)
    np.minimum.at(boxes[:, 1], number, starts)
    np.maximum.at(boxes[:, 2], number, rows + 1)
    np.maximum.at(boxes[:, 3], number, ends)
    areas = np.bincount(number, weights=lengths, minlength=k).astype(np.intp)
    return Parts(labels.reshape(height, width), areas, boxes)


def _touching(rows: Ints, starts: Ints, ends: Ints, stride: int) -> tuple[Ints, Ints]:
    """Give pairs of runs, one in a row and one in the next, that touch; `stride` is more than any end."""
    below = (rows + 1) * stride
    first = np.searchsorted(rows * stride + ends, below + starts, side="left")
    last = np.searchsorted(rows * stride + starts, below + ends, side="right")
    counts = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(rows)), counts)
    lower = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    return upper, lower


def _joined(a: Ints, b: Ints, n: int) -> Ints:
    """Give each of n runs the least number among the runs that it is joined to by the pairs (a, b)."""
    root = np.arange(n)
    while True:
        least = np.minimum(root[a], root[b])
        if np.array_equal(root[a], root[b]):
            return root
        np.minimum.at(root, root[a], least)
        np.minimum.at(root, root[b], least)
        while not np.array_equal(root, root[root]):
            root = root[root]
