"""Examples and first-layer weights as pictures."""

import io
from typing import Final

import numpy as np
from PIL import Image

from mlp.arrays import Float, Uint8
from training.page.drawing import data_uri

_LARGEST: Final = 112
"""Pixels along the longer side of an example in the page; larger ones are reduced."""

_UNITS: Final = 64
"""First-layer units that are shown at most."""

_SHEET_PIXELS: Final = 100_000
"""Of all units together, so that the page stays small."""


def png(pixels: Uint8) -> str:
    """Give pixels (height, width) as the address of a PNG picture."""
    image = Image.fromarray(pixels)
    image.thumbnail((_LARGEST, _LARGEST), Image.Resampling.BOX)
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return data_uri(file.getvalue(), "image/png")


def weight_sheet(weights: Float, height: int, width: int) -> tuple[Float, int] | None:
    """Lay out the units of weights (height × width, fan_out) that have the largest norm, largest first.

    Gives an array of about equal sides with one row or column of nan between units, and how many they are; None where
    pictures are too flat to show anything, or too large for four to be shown.
    """
    units = min(_UNITS, weights.shape[1], _SHEET_PIXELS // (height * width))
    if min(height, width) < 4 or units < min(4, weights.shape[1]):
        return None
    order = np.argsort(-np.linalg.norm(weights, axis=0), kind="stable")[:units]
    across = min(units, int(np.ceil(np.sqrt(units * height / width))))
    down = -(-units // across)
    sheet = np.full((down * (height + 1) - 1, across * (width + 1) - 1), np.nan, np.float32)
    for number, unit in enumerate(order):
        top, left = number // across * (height + 1), number % across * (width + 1)
        sheet[top : top + height, left : left + width] = weights[:, unit].reshape(height, width)
    return sheet, units
