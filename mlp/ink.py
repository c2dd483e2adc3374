"""Where the ink of a drawn character is in a picture, however it was drawn, scanned or photographed."""

import contextlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from mlp import components, ground, marks, sheet
from mlp.arrays import Float
from mlp.components import Bools
from mlp.errors import NoInk
from mlp.threshold import otsu
from mlp.windows import spread

_SIDE: Final = 400
"""Pixels of the longer side of the copy that is searched; 20 times the box that the ink ends in."""

_SMALL: Final = 120
"""Pixels of the copy below which ink is looked at again, closer, where the picture has more to show."""

_SMALLEST: Final = 8
"""Pixels of the shorter side; in less nobody reads a character."""

_PARTS: Final = (8, 14, 24)
"""Shares of the picture's side to look for strokes in, from wide to narrow: a wide window is needed by a fat marker, a
narrow one follows the edge of a shadow. The first that finds a character decides."""

_SHARE: Final = 0.5
"""Of all that could be ink, what the character is at least; else it is one blotch of many, or noise."""


@dataclass(frozen=True, slots=True)
class _Asks:
    """How sure a mark must be to be ink."""

    least: float
    """Grey levels over the ground below which nothing is looked at."""
    contrast: float
    """Grey levels over the ground of the ink's darker part."""
    fatness: float
    """Most thickness of a stroke, of the character's longer side."""
    flatness: float
    """Least height, of the width: a rule of notebook paper has less."""
    sharpness: float
    """Least slope of its outline, median, of the contrast a pixel of the copy: a shadow's edge is softer."""
    edge: bool
    """Whether it may touch the picture's edge."""


# An even ground is drawn or scanned: the least contrast that can be seen is meant. Photographs have texture and
# shadows: with these figures none of 80 rendered photographs of empty sheets without hard shadows gave ink, and pencil,
# 36 … 71 levels before it is scaled down, was found in all of 120.
_DRAWN: Final = _Asks(least=8, contrast=8, fatness=1, flatness=0, sharpness=0, edge=True)
_PHOTOGRAPHED: Final = (
    _Asks(least=12, contrast=20, fatness=0.25, flatness=0.2, sharpness=0.13, edge=False),
    _Asks(least=12, contrast=20, fatness=0.25, flatness=0.2, sharpness=0.13, edge=True),
)


@dataclass(frozen=True, slots=True)
class _Find:
    ink: Float
    """Shape of its box: 0 ground … 1 ink."""
    box: tuple[int, int, int, int]
    """Top, left, bottom, right in the picture searched."""


def found(image: Image.Image) -> Float:
    """Give the ink of the one character in a picture of mode L or RGB, cropped: (h, w), 0 … 1. Raises NoInk."""
    copy = _reduced(image)
    find = _search(copy)
    scale = image.width / copy.width
    top, left, bottom, right = find.box
    size = max(bottom - top, right - left)
    if scale < 1.5 or size > _SMALL:
        return find.ink
    margin = 0.35 * size  # ground enough around the ink to know it by
    first = round(scale * max(0, left - margin)), round(scale * max(0, top - margin))
    last = round(scale * min(copy.width, right + margin)), round(scale * min(copy.height, bottom + margin))
    closer = image.crop((*first, *last))
    try:
        return _search(_reduced(closer)).ink
    except NoInk:
        return find.ink


def _reduced(image: Image.Image) -> Image.Image:
    scale = _SIDE / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BOX)


def _search(image: Image.Image) -> _Find:
    if min(image.size) < _SMALLEST:
        raise _no_ink(f"the picture is as small as {image.width}×{image.height} pixels")
    values = ground.grey(image)
    cropped = ground.over_crop(values)
    if cropped is not None:
        with contextlib.suppress(NoInk):
            return _character(cropped, _DRAWN, 0)
    rows, columns = ground.inside_frame(values)
    find = _on_ground(sheet.alone(values[rows, columns]))
    top, left, bottom, right = find.box
    return _Find(find.ink, (top + rows.start, left + columns.start, bottom + rows.start, right + columns.start))


def _on_ground(values: Float) -> _Find:
    even = ground.over_even(values)
    if even is not None:
        return _character(even, _DRAWN, _noise(even))
    light = ground.is_light(values)
    for asks in _PHOTOGRAPHED:
        for part in _PARTS:
            with contextlib.suppress(NoInk):
                ink = ground.over_uneven(values, part, light)
                return _character(ink, asks, _noise(ink))
    raise _no_ink("nothing in it stands out as ink does")


def _character(ink: Float, asks: _Asks, noise: float) -> _Find:
    """Find the character in ink (height, width) over a ground that has `noise`, a standard deviation. Raises NoInk."""
    ink, contrast, parts = _without_surrounds(ink, max(asks.least, 5 * noise))
    edge = marks.at_edge(parts)
    keep = marks.character(parts, _strongest(ink, parts) >= 0.6 * contrast, edge) & (asks.edge | ~edge)
    rest = parts.areas[~keep & (asks.edge | ~edge)].sum()
    kept = parts.areas[keep].sum()
    if kept == 0 or kept * (1 - _SHARE) < rest * _SHARE:
        raise _no_ink("no one mark stands out")
    mask = np.append(keep, False)[parts.labels]  # (height, width); label −1 is the False
    top, left, bottom, right = marks.bounds(parts, keep)
    height, width = bottom - top, right - left
    shapeless = stroke_thickness(mask) > asks.fatness * max(height, width) or height < asks.flatness * width
    if contrast < asks.contrast or shapeless or _softer(ink, mask, asks.sharpness * contrast):
        raise _no_ink("what there is in it is faint, soft, or a blot")
    soft = np.clip((ink / contrast - 0.1) / 0.8, 0, 1) * spread(mask, 1, np.maximum)
    top, left = max(0, top - 1), max(0, left - 1)  # 1: the half-covered pixels of its outline
    return _Find(soft[top : bottom + 1, left : right + 1].astype(np.float32), (top, left, bottom, right))


def _noise(ink: Float) -> float:
    """Give the ground's standard deviation, by the median absolute deviation, which ink hardly moves."""
    return 1.4826 * float(np.median(np.abs(ink - np.median(ink))))


def _without_surrounds(ink: Float, floor: float) -> tuple[Float, float, components.Parts]:
    """Give the ink without frames and the like, its contrast, and its parts. Raises NoInk when nothing is left."""
    for _ in range(4):
        levels = ink[ink > floor]
        if levels.size < 3:
            break
        contrast = float(levels[levels >= otsu(levels)].mean())
        parts = components.parts(ink > max(floor, 0.35 * contrast))  # 0.35: below it are most notebooks' rules
        around = marks.surrounds(parts)
        if not around.any():
            return ink, contrast, parts
        gone = np.append(around, False)[parts.labels]
        ink = np.where(spread(gone, max(2, max(ink.shape) // 40), np.maximum), 0, ink)
    raise _no_ink("it is one even ground, or a frame around one")


def _strongest(ink: Float, parts: components.Parts) -> Float:
    strongest = np.zeros(len(parts.areas), np.float32)
    inside = parts.labels >= 0
    np.maximum.at(strongest, parts.labels[inside], ink[inside])
    return strongest


def _softer(ink: Float, mask: Bools, slope: float) -> bool:
    """Whether the outline of the mask is softer than `slope`, grey levels a pixel."""
    if slope == 0:
        return False
    outline = spread(mask, 1, np.maximum) & ~spread(mask, 1, np.minimum)
    return bool(np.median(np.hypot(*np.gradient(ink))[outline]) < slope)


def stroke_thickness(mask: Bools) -> float:
    """Give the mean thickness in pixels of the strokes of a mask (h, w): twice its area by its outline's length."""
    padded = np.pad(mask, 1)
    core = mask & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    area = np.count_nonzero(mask)
    return 2 * float(area) / max(1, int(area - np.count_nonzero(core)))


def _no_ink(why: str) -> NoInk:
    return NoInk(f"nothing is drawn in the picture, or it cannot be made out: {why}")
