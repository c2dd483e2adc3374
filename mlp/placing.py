"""Ink → the frame that the training data has: strokes as thick, a character as large, and in the same place.

MNIST's way (LeCun, Bottou, Bengio, Haffner 1998, section III.A): the character fills a box of 20×20 without being
distorted, and its centre of mass is in the middle of 28×28. Other frames keep these proportions.
"""

from typing import Final

import numpy as np
from PIL import Image

from mlp.arrays import Float, Uint8
from mlp.ink import stroke_thickness
from mlp.windows import spread

_BOX: Final = 20 / 28

_FINE: Final = 4
"""Pixels, each way, that one pixel of the frame is made of: strokes can be thickened by less than one of its pixels."""

_THIN: Final = 0.095
"""Thickness of strokes, of the character's longer side, that 10 % of MNIST is below. Thinner strokes are thickened …"""

_USUAL: Final = 0.125
"""… to this. MNIST's median is 0.134; a little less leaves small loops open."""


def placed(ink: Float, height: int, width: int) -> Uint8:
    """Give ink (h, w), 0 … 1, as pixels (height, width)."""
    box_height, box_width = round(height * _BOX), round(width * _BOX)
    fine = _fitted(ink, _FINE * box_height, _FINE * box_width)
    small = _fitted(_thickened(fine), box_height, box_width)
    small = np.clip(small / max(float(small.max()), 1e-6), 0, 1)  # (h, w)
    rows, columns = small.shape
    mass = max(float(small.sum()), 1e-6)
    middle_y = float(small.sum(axis=1) @ np.arange(rows)) / mass
    middle_x = float(small.sum(axis=0) @ np.arange(columns)) / mass
    top = min(max(round((height - 1) / 2 - middle_y), 0), height - rows)
    left = min(max(round((width - 1) / 2 - middle_x), 0), width - columns)
    pixels = np.zeros((height, width), np.uint8)
    pixels[top : top + rows, left : left + columns] = np.rint(small * 255)
    return pixels


def _fitted(ink: Float, height: int, width: int) -> Float:
    """Scale ink (h, w) to fill (height, width) one way, and the other way as much as its shape gives."""
    scale = min(height / ink.shape[0], width / ink.shape[1])
    size = (max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale)))
    way = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(ink).resize(size, way))


def _thickened(ink: Float) -> Float:
    """Give very thin strokes the training data's thickness; a pen of one pixel, scaled, leaves too little to read."""
    longer = max(ink.shape)
    thickness = stroke_thickness(ink > 0.5)
    if thickness >= _THIN * longer:
        return ink
    rounds = round((_USUAL * longer - thickness) / 2)
    # Scaled down, a hairline is darker where it runs along the pixels than across them: first make it all equally dark.
    greatest = spread(np.pad(ink, 2), 2, np.maximum)[2:-2, 2:-2]
    ink = np.pad(ink / np.maximum(greatest, 0.2), rounds)
    for number in range(rounds):  # a cross and a square in turn grow an octagon, near enough to a round pen
        ink = spread(ink, 1, np.maximum) if number % 2 else _spread_cross(ink)
    return ink


def _spread_cross(ink: Float) -> Float:
    padded = np.pad(ink, 1)
    shifted = [padded[1:-1, 1:-1], padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]
    return np.maximum.reduce(shifted)
