"""Digits written with a pen, in the ways that schools teach and MNIST hardly has: as further examples.

MNIST was written in the United States. Elsewhere a 1 has a long flag, a 7 a bar, a 4 is open at its top, and the stem
of a 9 ends in a hook as wide as the digit. The other digits are there as well, so that no class is known by its pen.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from mlp import placing
from mlp.arrays import Float, Ints, Uint8
from training import enlarged

_HEIGHT: Final = 96
"""Pixels from the first to the last of a digit's points, before it is fitted."""

_SPAN: Final = 8
"""Straight pieces that a curve has from one point to the next."""

Stroke = tuple[bool, list[tuple[float, float]]]
"""Whether it is a curve through its points, and these: x to the right, y down, 0 … 1 in the digit's box."""


def digits(count: int, height: int, width: int, rng: np.random.Generator) -> tuple[Uint8, Ints]:
    """Give pictures (count, height, width), prepared as drawings are, and what they show (count,), 0 … 9.

    Half of them are enlarged from few pixels: see training/enlarged.py.
    """
    labels = rng.permutation(count) % len(_WRITTEN)
    pixels = np.empty((count, height, width), np.uint8)
    for number, (picture, label) in enumerate(zip(pixels, labels, strict=True)):
        ink = _inked(_WRITTEN[label](rng), rng)
        picture[...] = placing.placed(enlarged.coarsened(ink, rng) if number % 2 else ink, height, width)
    return pixels, labels.astype(np.intp)


def _inked(strokes: list[Stroke], rng: np.random.Generator) -> Float:
    """Draw strokes with a round nib, none of the points quite where it should be: ink (h, w), 0 … 1, cropped."""
    nib = _HEIGHT * rng.uniform(0.08, 0.2)
    wide, slant = rng.uniform(0.35, 0.9), rng.uniform(-0.1, 0.35)
    unsteady = rng.uniform(0, 0.05)
    lines = []
    for curved, points in strokes:
        wanted = np.array(points) + rng.normal(0, unsteady, (len(points), 2))
        at = _through(wanted) if curved else wanted
        lines.append(np.stack([wide * at[:, 0] + slant * (1 - at[:, 1]), at[:, 1]], axis=1) * _HEIGHT)
    every = np.concatenate(lines)
    least, most = every.min(axis=0) - nib, every.max(axis=0) + nib
    size = np.ceil(most - least).astype(int) + 1
    sheet = Image.new("L", (int(size[0]), int(size[1])))
    draw = ImageDraw.Draw(sheet)
    for line in lines:
        flat = [tuple(point) for point in (line - least).tolist()]
        draw.line(flat, fill=255, width=round(nib), joint="curve")
        for x, y in (flat[0], flat[-1]):
            draw.ellipse((x - nib / 2, y - nib / 2, x + nib / 2, y + nib / 2), fill=255)
    return np.asarray(sheet.crop(sheet.getbbox()), np.float32) / 255


def _through(points: Float) -> Float:
    """Give the curve through points (k, 2) of E. Catmull and R. Rom, 1974: ((k − 1) · _SPAN + 1, 2)."""
    every = np.concatenate([points[:1], points, points[-1:]])
    a, b, c, d = every[:-3], every[1:-2], every[2:-1], every[3:]
    t = (np.arange(_SPAN) / _SPAN)[:, None, None]
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([curve.swapaxes(0, 1).reshape(-1, 2), points[-1:]])


def _some(rng: np.random.Generator, share: float, *strokes: Stroke) -> list[Stroke]:
    return list(strokes) if rng.random() < share else []


def _loop(x: float, y: float, across: float, down: float, start: float, turn: float = 1.0) -> list[tuple[float, float]]:
    """Give points of an ellipse about (x, y), anticlockwise from `start` of a turn, 0 at its right."""
    angles = 2 * np.pi * (start + np.linspace(0, turn, 9))
    return [(float(x + across * np.cos(angle)), float(y - down * np.sin(angle))) for angle in angles]


def _zero(rng: np.random.Generator) -> list[Stroke]:
    return [(True, _loop(0.5, 0.5, 0.5, 0.5, rng.uniform(0.1, 0.4), rng.uniform(0.95, 1.1)))]


def _one(rng: np.random.Generator) -> list[Stroke]:
    flag = (rng.uniform(-0.1, 0.3), rng.uniform(0.15, 0.55))
    foot = (False, [(rng.uniform(0.1, 0.4), 1.0), (rng.uniform(0.75, 1.0), 1.0)])
    return [(False, [flag, (0.58, 0.0), (0.58, 1.0)]), *_some(rng, 0.3, foot)]


def _two(rng: np.random.Generator) -> list[Stroke]:
    top = [(0.05, 0.25), (0.45, 0.0), (0.9, 0.25), (0.5, 0.65)]
    if rng.random() < 0.3:
        return [(True, [*top, (0.12, 0.95), (0.1, 0.78), (0.35, 0.85), (0.7, 1.0), (1.0, 0.9)])]
    return [(True, [*top, (0.0, 1.0)]), (False, [(0.0, 1.0), (1.0, 1.0)])]


def _three(rng: np.random.Generator) -> list[Stroke]:
    low = [(0.45, 0.45), (0.95, 0.7), (0.5, 1.0), (0.0, 0.85)]
    if rng.random() < 0.3:
        return [(False, [(0.05, 0.0), (0.9, 0.0), (0.4, 0.42)]), (True, low)]
    return [(True, [(0.05, 0.15), (0.5, 0.0), (0.9, 0.22), (0.45, 0.45)]), (True, low)]


def _four(rng: np.random.Generator) -> list[Stroke]:
    bar, stem = rng.uniform(0.5, 0.8), rng.uniform(0.55, 0.85)
    if rng.random() < 0.25:
        return [(False, [(stem, 1.0), (stem, 0.0), (0.0, bar), (1.0, bar)])]
    corner = [(rng.uniform(0.1, 0.75), 0.0), (0.0, bar), (1.0, rng.uniform(bar - 0.1, bar))]
    return [(False, corner), (False, [(stem, rng.uniform(0.0, 0.55)), (stem - rng.uniform(0, 0.2), 1.0)])]


def _five(rng: np.random.Generator) -> list[Stroke]:
    belly = [(0.08, 0.45), (0.5, 0.36), (0.95, 0.65), (0.5, 1.0), (0.0, 0.9)]
    return [(False, [(rng.uniform(0.75, 1.0), 0.0), (0.12, 0.0), (0.08, 0.45)]), (True, belly)]


def _six(rng: np.random.Generator) -> list[Stroke]:
    start = (rng.uniform(0.4, 0.9), rng.uniform(0.0, 0.05))
    loop = [(0.08, 0.85), (0.5, 1.0), (0.95, 0.75), (0.5, 0.5), (0.05, 0.75)]
    return [(True, [start, (0.2, 0.3), (0.02, 0.65), *loop])]


def _seven(rng: np.random.Generator) -> list[Stroke]:
    left, right = (0.0, 0.0), (0.95, 0.0)
    tick = [(0.0, rng.uniform(0.08, 0.2))] if rng.random() < 0.3 else []
    foot = (rng.uniform(0.2, 0.55), 1.0)
    bar = (False, [(rng.uniform(0.0, 0.25), 0.52), (rng.uniform(0.8, 1.0), rng.uniform(0.42, 0.52))])
    return [(False, [*tick, left, right]), (True, [right, (0.58, 0.5), foot]), *_some(rng, 0.7, bar)]


def _eight(rng: np.random.Generator) -> list[Stroke]:
    waist = rng.uniform(0.4, 0.5)
    if rng.random() < 0.4:
        high, low = waist / 2, (1 - waist) / 2
        return [(True, _loop(0.5, high, 0.4, high, 0.75)), (True, _loop(0.5, 1 - low, 0.5, low, 0.25))]
    back = [(0.0, 0.8), (0.5, 1.0), (1.0, 0.78), (0.5, waist), (0.1, 0.2), (0.5, 0.0), (0.88, 0.2)]
    return [(True, [(0.88, 0.2), (0.5, waist), *back])]


def _nine(rng: np.random.Generator) -> list[Stroke]:
    low = rng.uniform(0.2, 0.3)
    loop = (True, _loop(0.48, low, 0.45, low, rng.uniform(0, 0.15), rng.uniform(0.75, 1.0)))
    stem = [(0.92, rng.uniform(0.0, 0.2)), (0.92, 0.5)]
    if rng.random() < 0.4:
        return [loop, (True, [*stem, (rng.uniform(0.5, 0.92), 1.0)])]
    return [loop, (True, [*stem, (0.85, 0.85), (0.5, 1.0), (rng.uniform(-0.1, 0.3), rng.uniform(0.85, 1.0))])]


_WRITTEN: Final[tuple[Callable[[np.random.Generator], list[Stroke]], ...]] = (
    *(_zero, _one, _two, _three, _four),
    *(_five, _six, _seven, _eight, _nine),
)
