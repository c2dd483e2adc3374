"""A picture with transparent parts → what a person would see on a sensible ground."""

from typing import Final

import numpy as np
from PIL import Image

from mlp.arrays import Uint8

_EVEN: Final = 24
"""Luminance between the 5th and 95th percentile up to which a surface is of one tone: ink alone, not ink on paper."""

_SHEET: Final = 0.8
"""Share of its bounding box that a sheet of paper fills at least, round corners or not; pen strokes fill less."""

_WHITE: Final = 255
_BLACK: Final = 0


def opaque(image: Image.Image) -> Image.Image:
    """Give a picture of mode L, LA, RGB or RGBA in mode L or RGB, its transparent parts filled with one colour.

    What is opaque is either a sheet with a ground of its own, which then is continued, or it is the ink itself: that
    goes on white where it is dark, and on black where it is light.
    """
    if image.mode in {"L", "RGB"}:
        return image
    alpha = image.getchannel("A")
    content = image.convert(image.mode[:-1])
    if np.asarray(alpha).min() == 255:
        return content
    sheet = Image.new(content.mode, content.size, _ground(content, np.asarray(alpha)))
    sheet.paste(content, mask=alpha)
    return sheet


def _ground(content: Image.Image, alpha: Uint8) -> tuple[int, ...]:
    """Give the colour, one value a channel, that belongs behind `content`; alpha is (height, width)."""
    channels = len(content.getbands())
    solid = alpha > alpha.max() // 2  # (height, width)
    if not solid.any():
        return (_WHITE,) * channels
    luminance = np.asarray(content.convert("L"))[solid]  # (k,)
    low, high = np.percentile(luminance, (5, 95))
    if high - low > _EVEN and _fill(solid) > _SHEET:
        colours = np.asarray(content)[solid].reshape(-1, channels)  # (k, channels)
        return tuple(int(value) for value in np.median(colours, axis=0))
    return (_WHITE if luminance.mean() < 128 else _BLACK,) * channels


def _fill(solid: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    """Give the share of its bounding box that a mask (height, width) fills."""
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    return float(solid.sum()) / ((rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1))
