"""Digits as a pen draws them on a canvas: MNIST's strokes thinned to a line, and drawn anew with a round nib."""

from typing import Final

import numpy as np
from PIL import Image
from scipy import ndimage

from mlp.arrays import Float, Uint8
from mlp.components import Bools

CANVAS: Final = 280
"""Side in pixels of the canvas."""
WIDTHS: Final = {"thin": 4.0, "medium": 12.0, "thick": 26.0}
"""Diameter in pixels of each pen's nib, on digits that are 130 to 200 pixels high or wide."""

_SCALE: Final = 4
"""Enlargement before thinning; a line is then true to a quarter of one of MNIST's pixels."""
_AROUND: Final = 16
"""Pixels of ground kept around the line, in the enlarged picture: room for a thick nib."""


def thinned(mask: Bools) -> Bools:
    """Give the line, one pixel wide, that is left of strokes (h, w).

    T. Y. Zhang, C. Y. Suen, "A fast parallel algorithm for thinning digital patterns", CACM 27(3), 1984.
    """
    line = np.pad(mask, 1)
    while True:
        before = np.count_nonzero(line)
        for first in (True, False):
            line[1:-1, 1:-1] &= ~_removable(line, first)
        if np.count_nonzero(line) == before:
            return line[1:-1, 1:-1]


def _removable(line: Bools, first: bool) -> Bools:
    """Tell which pixels a sub-iteration takes; p2 … p9 are the neighbours, clockwise from the one above."""
    p2, p3, p4 = line[:-2, 1:-1], line[:-2, 2:], line[1:-1, 2:]
    p5, p6, p7 = line[2:, 2:], line[2:, 1:-1], line[2:, :-2]
    p8, p9 = line[1:-1, :-2], line[:-2, :-2]
    around = [p2, p3, p4, p5, p6, p7, p8, p9]
    count = np.sum(around, axis=0, dtype=np.uint8)
    rises = np.sum([~a & b for a, b in zip(around, [*around[1:], p2], strict=True)], axis=0, dtype=np.uint8)
    keeps = (p2 & p4 & p6) | (p4 & p6 & p8) if first else (p2 & p4 & p8) | (p2 & p6 & p8)
    return (count >= 2) & (count <= 6) & (rises == 1) & ~keeps


def distances(image: Uint8) -> Float:
    """Give each pixel's distance from the line of a digit, light on dark (28, 28), cropped to it; in the digit's
    longer side, which is 1.
    """  # noqa: D205 - one sentence
    large = Image.fromarray(image).resize((image.shape[1] * _SCALE, image.shape[0] * _SCALE), Image.Resampling.BICUBIC)
    line = np.pad(thinned(np.asarray(large) >= min(100, 0.5 * image.max())), _AROUND)
    rows, columns = (np.flatnonzero(line.any(axis=axis)) for axis in (1, 0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    cut = line[rows[0] - _AROUND : rows[-1] + _AROUND + 1, columns[0] - _AROUND : columns[-1] + _AROUND + 1]
    return (ndimage.distance_transform_edt(~cut) / max(height, width)).astype(np.float32)


def coverage(field: Float, side: float, width: float) -> Float:
    """Draw the line that `distances` are given of: how much of each pixel a nib of diameter `width` covers, 0 … 1.

    side is the length in pixels of the digit's longer side; the result has a border of ground around the strokes.
    """
    scale = side / (max(field.shape) - 2 * _AROUND)
    size = round(field.shape[1] * scale), round(field.shape[0] * scale)
    distance = np.asarray(Image.fromarray(field).resize(size, Image.Resampling.BICUBIC)) * side  # pixels
    covered = np.clip(width / 2 + 0.5 - distance, 0, 1)
    rows, columns = (np.flatnonzero(covered.any(axis=axis)) for axis in (1, 0))
    return covered[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)


def placed(ink: Float, height: int, width: int, margin: int, rng: np.random.Generator) -> Float:
    """Put ink (h, w) somewhere on an empty (height, width), `margin` pixels or more from its edges."""
    canvas = np.zeros((height, width), np.float32)
    top = rng.integers(margin, height - margin - ink.shape[0] + 1)
    left = rng.integers(margin, width - margin - ink.shape[1] + 1)
    canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return canvas


def drawn(image: Uint8, width: float, rng: np.random.Generator, *, light_on_dark: bool = False) -> Uint8:
    """Draw one of MNIST's digits (28, 28) on a canvas (CANVAS, CANVAS), off its centre, black on white or reverse."""
    ink = placed(coverage(distances(image), rng.uniform(130, 200), width), CANVAS, CANVAS, 12, rng)
    return np.rint(255 * (ink if light_on_dark else 1 - ink)).astype(np.uint8)
