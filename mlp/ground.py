"""The ground that a character is drawn on, uneven as paper in a photograph is, and how far ink stands out from it.

Values are grey levels, 0 … 255. "Ink" is an array (height, width) in which ink is above 0 and the ground near 0.
Which of it is a character, mlp/marks.py says.
"""

from typing import Final

import numpy as np
from PIL import Image

from mlp.arrays import Float
from mlp.windows import mean_around, spread

_EVEN: Final = 6
"""Grey levels around its median within which the edge of a scan or drawing lies; JPEG artefacts stay below it."""

_EVEN_SHARE: Final = 0.75
"""Of the outermost pixels; the others may be strokes that run out of the picture."""

_CROPPED: Final = 0.75
"""Share of a picture off the ground, at most, where a character is cropped to its edges; its outline is soft."""

_COLOURED: Final = 1.5
"""How much stronger than grey a colour must show the ink to be used: phones' colour channels are noisier."""

_LIGHT_SKEW: Final = 0.3
"""Skewness of the fine detail above which ink is lighter than the ground. Over 60 rendered photographs of dark ink of
each kind, the 98th percentile was at most 0.1, but for a sheet on a dark table; light ink gives more than 1."""

_DARK_SKEW: Final = -1
"""Skewness of the whole picture's detail below which ink is darker than the ground; a table's edges have about 0."""

_BLACK: Final = 16
"""Grey level that the ground is taken to have at least, so that noise in deep shadow is not multiplied to ink."""

_GRAIN: Final = 3
"""Standard deviations of the ground around it that ink exceeds; single pixels of noise do, too, but not whole marks."""

_SHEET: Final = 0.6
"""Share of its box that a sheet on an even table fills at least; turned by 10° it has 0.74."""


def grey(image: Image.Image) -> Float:
    """Give grey values (height, width) of a picture of mode L or RGB: of one colour, if ink shows better in it."""
    plain = image.convert("L")
    if image.mode == "L":
        return np.asarray(plain, np.float32)
    # Four channels at full size would cost as much as all that follows; the largest detail survives in 64 pixels.
    mini = image.resize((min(64, image.width), min(64, image.height)), Image.Resampling.BOX)
    minis = [np.asarray(channel, np.float32) for channel in (mini.convert("L"), *mini.split())]
    strengths = [float(np.percentile(np.abs(_detail(values, 4)), 99.5)) for values in minis]
    best = int(np.argmax(strengths))
    return np.asarray((plain, *image.split())[best if strengths[best] > _COLOURED * strengths[0] else 0], np.float32)


def inside_frame(values: Float) -> tuple[slice, slice]:
    """Give rows and columns of (height, width) values without an even frame or border that runs around the picture."""
    edge = _edge(values)
    middle = np.median(edge)
    other = np.abs(values - middle) > 32
    everything = slice(0, values.shape[0]), slice(0, values.shape[1])
    # A ground covers most of a picture; of a colour that all the edge has, and little else, is a frame.
    if (np.abs(edge - middle) > _EVEN).mean() > 1 - _EVEN_SHARE or other.mean() < 0.8:
        return everything
    rows, columns = np.flatnonzero(other.mean(axis=1) > 0.5), np.flatnonzero(other.mean(axis=0) > 0.5)
    if min(len(rows), len(columns)) < 8:
        return everything
    return slice(rows[0] + 1, rows[-1]), slice(columns[0] + 1, columns[-1])  # 1: the frame's blurred inner edge


def over_crop(values: Float) -> Float | None:
    """Give the ink (height, width) of a drawing that is cropped to its character, or None where it is no such thing.

    The character touches opposite edges, so it may be taken for a frame, or a sheet on a table. What tells it from a
    photograph is its ground: exactly the darkest or the lightest value of all, and half of the edge at least.
    """
    ground = np.median(_edge(values))
    off = values != ground
    opposite = (off[0].any() and off[-1].any()) or (off[:, 0].any() and off[:, -1].any())
    if (
        ground not in (values.min(), values.max())
        or (_edge(values) != ground).mean() > 0.5
        or off.mean() > _CROPPED
        or not opposite
    ):
        return None
    return np.abs(values - ground)


def over_even(values: Float) -> Float | None:
    """Give the ink (height, width) on a ground of one tone, or None where the picture's edge is not of one tone."""
    edge = _edge(values)
    ground = np.median(edge)
    if (np.abs(edge - ground) <= _EVEN).mean() < _EVEN_SHARE:
        return None
    ink = values - ground
    if ink.max() < -ink.min():
        ink = -ink
    # More than half: not ink but the sheet, on a table of one tone.
    return None if (ink > ink.max() / 2).mean() > 0.5 else ink


def is_sheet(ink: Float) -> bool:
    """Tell whether what differs from an even ground (height, width) is no stroke but, in a photograph, a sheet."""
    mask = ink > ink.max() / 2
    if noise(ink) == 0 or not mask.any():  # no camera is without noise
        return False
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    return bool(min(height, width) > 0.3 * max(ink.shape) and mask.sum() > _SHEET * height * width)


def is_light(values: Float) -> bool:
    """Whether ink is lighter than its ground, by the skewness of fine detail: ink is the lesser part and stands out.

    The middle is asked, since around a sheet of paper there may be a table. Where nothing is in the middle its noise
    has a skewness, too; it does not count against ink that is dark beyond doubt elsewhere.
    """
    height, width = values.shape
    detail = _detail(values, 16)
    middle = detail[height // 8 : height - height // 8, width // 8 : width - width // 8]
    return _skewness(middle) > _LIGHT_SKEW and _skewness(detail) > _DARK_SKEW


def _skewness(values: Float) -> float:
    """Give the skewness of values whose mean is about 0."""
    return float((values**3).mean()) / max(float((values**2).mean()) ** 1.5, 1e-9)


def over_uneven(dark: Float, smooth: Float, part: int) -> Float:
    """Give the ink (height, width), darker than its ground, on a ground that changes over the picture.

    `dark` are the grey values, `smooth` the same with less noise. A grey closing (Serra 1982) takes off strokes that
    are narrower than twice the longer side / `part`, and keeps what is wide: the sheet, a shadow, the table, with their
    edges. Ink is the share of the ground's light that it takes away, 0 … 255, the same in a shadow and beside it. What
    the ground's noise and grain would give by themselves is taken off.
    """
    side = max(dark.shape)
    reach = max(2, round(side / part))
    far = 2 * reach  # beyond the border all goes on as it is there, so that a strip of table at it is wide
    around = np.pad(smooth, far, mode="edge")
    paper = spread(spread(around, reach, np.maximum), reach, np.minimum)[far:-far, far:-far]
    over = paper - dark
    some = over[::2, ::2]
    middle, deviation = np.median(some), noise(some)
    clear = (over < middle + 4 * deviation + 1).astype(np.float32)
    share = np.maximum(_around(clear), 1e-6)  # of the surroundings that is ground
    mean = _around(over * clear) / share
    variance = _around(over**2 * clear) / share - mean**2
    ink = over - mean
    ink[ink < _GRAIN * np.sqrt(np.maximum(variance, deviation**2 / 4))] = 0
    return 255 * ink / np.maximum(paper, _BLACK)


def _around(values: Float) -> Float:
    """Give the mean of (height, width) values over a window of an eighth of the longer side, from blocks of 4 × 4."""
    blocks = np.asarray(Image.fromarray(values).reduce(4))
    means = mean_around(blocks, max(1, max(blocks.shape) // 16))
    return np.asarray(Image.fromarray(means).resize(values.shape[::-1], Image.Resampling.BILINEAR))


def noise(values: Float) -> float:
    """Give the ground's standard deviation, by the median absolute deviation, which ink hardly moves."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _edge(values: Float) -> Float:
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def _detail(values: Float, part: int) -> Float:
    return values - mean_around(values, max(1, max(values.shape) // part))
