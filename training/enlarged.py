"""Pictures enlarged from few pixels, as further examples: what thumbnails, screens and old scanners give of a digit.

Of the picture's few pixels each is the mean over its part of the digit, and the digit fills them all, wide or narrow:
its own shape is lost. This is done once and before the usual placing; training/coarse.py does the like in each batch.
"""

from typing import Final

import numpy as np
from PIL import Image

from mlp import placing
from mlp.arrays import Float, Uint8
from mlp.windows import spread

_ROWS: Final = (7, 12)
"""Pixels that a digit is high, the last one not."""

_SHAPE: Final = (0.5, 0.95)
"""Width by height; MNIST's digits but for 1 have 0.5 … 1."""

_LARGER: Final = 8
"""Pixels, each way, that each of the few is made from, and that it becomes before it is placed."""

_WIDER: Final = 3
"""Fewest of those pixels that no stroke is widened by on each side."""

_LEVELS: Final = 16

_WAYS: Final = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)


def examples(pixels: Uint8, rng: np.random.Generator) -> Uint8:
    """Give pictures (n, height, width), bright ink on dark, as if enlarged from few pixels."""
    found = np.empty_like(pixels)
    for picture, out in zip(pixels, found, strict=True):
        out[...] = placing.placed(coarsened(_cropped(picture), rng), *picture.shape)
    return found


def coarsened(ink: Float, rng: np.random.Generator) -> Float:
    """Give ink (h, w), 0 … 1, cropped, as few pixels enlarged: of another shape, some of it thicker."""
    rows = int(rng.integers(*_ROWS))
    # halfway between its own shape and any: a 1 that fills the box is as wide as a 0, yet few write it so
    shape = ink.shape[1] / ink.shape[0]
    columns = max(2, round(rows * (shape if rng.random() < 0.3 else shape**0.5 * rng.uniform(*_SHAPE) ** 0.5)))
    wider = int(rng.integers(_WIDER))
    size = _LARGER * columns, _LARGER * rows
    fine = Image.fromarray(ink).resize((size[0] - 2 * wider, size[1] - 2 * wider), Image.Resampling.BILINEAR)
    thick = spread(np.pad(np.asarray(fine), wider), wider, np.maximum)
    small = np.asarray(Image.fromarray(thick).resize((columns, rows), Image.Resampling.BOX))
    small = np.rint(small * _LEVELS) / _LEVELS
    large = Image.fromarray(small.astype(np.float32)).resize(size, _WAYS[rng.integers(len(_WAYS))])
    # what finding the ink makes of it: see mlp/ink.py
    return np.clip((np.asarray(large) / max(0.9 * float(small.max()), 0.1) - 0.1) / 0.8, 0, 1).astype(np.float32)


def _cropped(picture: Uint8) -> Float:
    rows, columns = (np.flatnonzero((picture > 64).any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return np.asarray(picture, np.float32) / 255
    return np.asarray(picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], np.float32) / 255
