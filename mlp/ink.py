"""Where the ink of a drawn character is in a picture, however it was drawn, scanned or photographed."""

import contextlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from mlp import components, ground, marks, outline
from mlp.arrays import Float
from mlp.components import Bools
from mlp.errors import NoInk
from mlp.threshold import otsu
from mlp.windows import mean_around, spread

_SIDE: Final = 400
"""Pixels of the longer side of the copy that is searched; 20 times the box that the ink ends in."""

_SMALL: Final = 120
"""Pixels of the copy below which ink is looked at again, closer, where the picture has more to show."""

_SMALLEST: Final = 8
"""Pixels of the shorter side; in less nobody reads a character."""

_LEAST_DRAWN: Final = 8
"""Grey levels over the ground below which nothing is ink: an even ground is drawn or scanned, and no ink too faint."""

_PARTS: Final = (64, 32, 16, 8)
"""Shares of the picture's side to look for strokes in, from narrow to wide: a window much wider than the pen closes
corners of shadows, a narrower one loses strokes. The one whose find has most of its outline in the picture decides."""


@dataclass(frozen=True, slots=True)
class _Look:
    """How to look at a photograph."""

    side: int
    """Pixels of the longer side of the copy that is looked at."""
    smoothing: int = 0
    """Reach of the mean that is taken over it first."""
    parts: tuple[int, ...] = _PARTS


# In photographs: strokes fit a window, and have an edge all around.
_LOOKS: Final = (_Look(300), _Look(_SIDE), _Look(300, 1, _PARTS[1:3]), _Look(150), _Look(150, 1))
"""When the first shows nothing clear, the next has finer strokes, and the others have less noise, for pencil that is
hardly stronger than it."""

_FINE_LOOKS: Final = (_Look(2 * _SIDE, parts=_PARTS[:1]),)
"""For a picture with more to show in which all that found nothing: a fine pen far away is less than a pixel wide there.
Wider pens have been found by then."""

_CLEAR: Final = 250
"""How much of a picture a find explains when no other look is needed; see _stroke. Fragments of faint pencil in noise
had 25 to 110, the same pencil found nearly whole 150 to 320."""

_LEAST: Final = 14
"""Of 255, the share of light that ink takes away at least; half of it is looked at."""

_HELD: Final = 0.72
"""Share of a stroke's outline that is an edge in the picture, at least. The corner of a hard shadow has 2/3."""

_FAT: Final = 0.25
"""Most thickness of a stroke, of the character's longer side."""

_FLAT: Final = 0.2
"""Least height of a character, of its width: a rule of notebook paper has less."""

_TINY: Final = 0.04
"""Least size of a character, of the picture's longer side."""


@dataclass(frozen=True, slots=True)
class _Find:
    ink: Float
    """Shape of its box: 0 ground … 1 ink."""
    box: tuple[int, int, int, int]
    """Top, left, bottom, right in the picture searched."""


def found(image: Image.Image) -> Float:
    """Give the ink of the one character in a picture of mode L or RGB, cropped: (h, w), 0 … 1. Raises NoInk."""
    copy = _reduced(image, _SIDE)
    try:
        find = _search(copy, _LOOKS)
    except NoInk:
        if max(image.size) < 1.5 * _SIDE:
            raise
        copy = _reduced(image, 2 * _SIDE)
        find = _search(copy, _FINE_LOOKS)
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
        return _search(_reduced(closer, _SIDE), _LOOKS).ink
    except NoInk:
        return find.ink


def _reduced(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BOX)


def _search(image: Image.Image, looks: tuple[_Look, ...]) -> _Find:
    if min(image.size) < _SMALLEST:
        raise _no_ink(f"the picture is as small as {image.width}×{image.height} pixels")
    values = ground.grey(image)
    cropped = ground.over_crop(values)
    if cropped is not None:
        with contextlib.suppress(NoInk):
            return _drawn(cropped, 0)
    rows, columns = ground.inside_frame(values)
    find = _on_ground(values[rows, columns], looks)
    top, left, bottom, right = find.box
    return _Find(find.ink, (top + rows.start, left + columns.start, bottom + rows.start, right + columns.start))


def _on_ground(values: Float, looks: tuple[_Look, ...]) -> _Find:
    even = ground.over_even(values)
    if even is None:
        return _photographed(values, looks)
    if ground.is_sheet(even):
        with contextlib.suppress(NoInk):
            return _photographed(values, looks)
    return _drawn(even, ground.noise(even))


def _drawn(ink: Float, noise: float) -> _Find:
    """Find the character in ink (height, width) over an even ground of `noise`, a standard deviation. Raises NoInk."""
    ink, contrast, parts = _without_surrounds(ink, max(_LEAST_DRAWN, 5 * noise))
    keep = marks.character(parts, _strongest(ink, parts) >= 0.6 * contrast, marks.at_edge(parts))
    _check_one(parts, keep, ~keep)
    return _cut(ink, contrast, parts, keep)


def _photographed(values: Float, looks: tuple[_Look, ...]) -> _Find:
    """Find the character in grey values (height, width) of an uneven ground. Raises NoInk."""
    dark = 255 - values if ground.is_light(values) else values
    best, most = None, 0.0
    for look in looks:
        copy = mean_around(_sized(dark, look.side), look.smoothing)
        smooth = mean_around(copy, 1)
        for part in look.parts:
            with contextlib.suppress(NoInk):
                find, explained = _stroke(ground.over_uneven(copy, smooth, part), smooth)
                if explained > most:
                    scale = max(values.shape) / look.side
                    top, left, bottom, right = (round(place * scale) for place in find.box)
                    best, most = _Find(find.ink, (top, left, bottom, right)), explained
        if most > _CLEAR:
            break
    if best is None:
        raise _no_ink("nothing in it stands out as ink does")
    return best


def _sized(values: Float, side: int) -> Float:
    scale = side / max(values.shape)
    size = (max(_SMALLEST, round(values.shape[1] * scale)), max(_SMALLEST, round(values.shape[0] * scale)))
    way = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(values).resize(size, way))


def _stroke(ink: Float, dark: Float) -> tuple[_Find, float]:
    """Find the character in a photograph's ink (height, width); dark are the grey values. Raises NoInk.

    The number says how well it explains the picture: pixels of its outline that are an edge less those that are none,
    times the contrast, by the root of the thickness: of two that explain as much, strokes are thinner than shadows. It
    is taken by the root of the copy's side, too, so that copies of any size compare.
    """
    ink, contrast, parts = _without_surrounds(ink, _LEAST / 2)
    lengths, edges = outline.lengths(dark, parts, contrast / 255)
    held = edges > _HELD * lengths
    at_edge = marks.at_edge(parts)
    keep = marks.character(parts, held, at_edge)
    # Grain of a table is no other mark, so only those of some size are.
    large = parts.areas > 0.1 * np.max(parts.areas, where=keep, initial=0)
    _check_one(parts, keep, ~keep & held & large & ~at_edge)
    top, left, bottom, right = marks.bounds(parts, keep)
    height, width = bottom - top, right - left
    size = max(height, width)
    thickness = stroke_thickness(keep[parts.labels] & (parts.labels >= 0))
    if contrast < _LEAST or thickness > _FAT * size or height < _FLAT * width or size < _TINY * max(ink.shape):
        raise _no_ink("what there is in it is faint, or has no character's shape")
    explained = contrast * float((2 * edges - lengths)[keep].sum()) / (thickness * max(ink.shape)) ** 0.5
    return _cut(ink, contrast, parts, keep), explained


def _check_one(parts: components.Parts, keep: Bools, others: Bools) -> None:
    """Raise NoInk when the parts of a character (k,) are none, or less than the others: it is a blotch of many."""
    if not keep.any() or parts.areas[keep].sum() < parts.areas[others].sum():
        raise _no_ink("no one mark stands out")


def _cut(ink: Float, contrast: float, parts: components.Parts, keep: Bools) -> _Find:
    mask = keep[parts.labels] & (parts.labels >= 0)  # (height, width)
    soft = np.clip((ink / contrast - 0.1) / 0.8, 0, 1) * spread(mask, 1, np.maximum)
    top, left, bottom, right = marks.bounds(parts, keep)
    top, left = max(0, top - 1), max(0, left - 1)  # 1: the half-covered pixels of its outline
    return _Find(soft[top : bottom + 1, left : right + 1].astype(np.float32), (top, left, bottom, right))


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


def stroke_thickness(mask: Bools) -> float:
    """Give the mean thickness in pixels of the strokes of a mask (h, w): twice its area by its outline's length."""
    padded = np.pad(mask, 1)
    core = mask & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    area = np.count_nonzero(mask)
    return 2 * float(area) / max(1, int(area - np.count_nonzero(core)))


def _no_ink(why: str) -> NoInk:
    return NoInk(f"nothing is drawn in the picture, or it cannot be made out: {why}")
