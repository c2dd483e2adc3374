"""Photographs as a phone takes them: the shadow of a hand over coloured paper, a sheet on a table, a small digit in a
large picture, and a small picture cropped to its digit. The flat sheets of paper.py fill their pictures.
"""  # noqa: D205 - one sentence

from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from benchmarks.accuracy import pens
from benchmarks.accuracy.paper import Colour
from mlp.arrays import Float, Uint8

_PAPERS: Final = ((240, 238, 232), (190, 185, 172), (165, 165, 163), (188, 152, 112), (240, 228, 160))
"""White, recycled, grey, kraft, yellow."""
_INKS: Final = ((35, 50, 150), (35, 34, 38), (180, 35, 45), (20, 110, 70))
_TABLES: Final = ((70, 55, 45), (45, 45, 48), (120, 85, 55), (60, 75, 90))


def under_a_hand(image: Uint8, rng: np.random.Generator) -> Uint8:
    """Give a sheet (480, 360, 3) with the shadows of fingers and of what they belong to over it."""
    sheet = _written(image, 480, 360, rng.uniform(80, 220), rng)
    return _taken(sheet, _light(480, 360, rng) * _fingers(480, 360, rng), rng)


def on_a_table(image: Uint8, rng: np.random.Generator) -> Uint8:
    """Give a sheet, turned a little, on a darker table with grain; (460, 460, 3)."""
    height, width = (int(side) for side in rng.uniform(260, 380, 2))
    sheet = Image.fromarray(_written(image, height, width, rng.uniform(70, 180), rng).astype(np.uint8))
    table = np.array(_TABLES[rng.integers(len(_TABLES))]) * np.ones((460, 460, 1))
    grain = ndimage.gaussian_filter(rng.standard_normal((460, 460)), (1.2, 40))
    table *= 1 + (rng.uniform(0.02, 0.1) * grain / grain.std())[..., None]
    seen, mask, angle = Image.fromarray(table.astype(np.uint8)), Image.new("L", sheet.size, 255), rng.normal(0, 6)
    turned, mask = (part.rotate(angle, Image.Resampling.BICUBIC, expand=True) for part in (sheet, mask))
    left, top = (int((460 - side) * rng.uniform(0.2, 0.8)) for side in turned.size)
    seen.paste(turned, (left, top), mask)
    return _taken(np.asarray(seen, np.float32), _light(460, 460, rng), rng)


def far_away(image: Uint8, rng: np.random.Generator) -> Uint8:
    """Give a large picture, (1600, 1200, 3), of a digit 100 to 260 pixels long, half of it in shadow."""
    sheet = _written(image, 800, 600, rng.uniform(50, 130), rng)
    seen = _taken(sheet, _light(800, 600, rng) * _shadow(800, 600, rng), rng)
    return np.asarray(Image.fromarray(seen).resize((1200, 1600), Image.Resampling.BICUBIC))


def cropped(image: Uint8, rng: np.random.Generator) -> Uint8:
    """Give a picture of 28 to 160 pixels, (h, w, 3), most of which the digit fills."""
    height = int(rng.choice([28, 32, 40, 48, 64, 96, 128, 160]))
    width = max(24, int(height * rng.uniform(0.75, 1.2)))
    scale = -(-200 // height)
    large = height * scale, width * scale
    sheet = _written(image, *large, min(large) * rng.uniform(0.5, 0.8), rng)
    seen = Image.fromarray(_taken(sheet, _light(*large, rng) * _shadow(*large, rng), rng))
    return np.asarray(seen.resize((width, height), Image.Resampling.BOX))


VIEWS: Final[dict[str, Callable[[Uint8, np.random.Generator], Uint8]]] = {
    "shadow of a hand, coloured paper": under_a_hand,
    "sheet on a table": on_a_table,
    "small digit in a large picture": far_away,
    "cropped to 28 … 160 pixels": cropped,
}


def _written(image: Uint8, height: int, width: int, side: float, rng: np.random.Generator) -> Colour:
    """Give paper (height, width, 3) with one of MNIST's digits (28, 28) on it, about `side` pixels long."""
    nib = rng.uniform(0.03, 0.09) * side
    ink = pens.placed(pens.coverage(pens.distances(image), side - nib, nib), height, width, 6, rng)[..., None]
    grain = ndimage.gaussian_filter(rng.standard_normal((height, width)), rng.uniform(0.7, 4))
    paper = np.array(_PAPERS[rng.integers(len(_PAPERS))]) * (1 + 0.015 * grain / grain.std())[..., None]
    return (paper * (1 - ink) + np.minimum(paper, _INKS[rng.integers(len(_INKS))]) * ink).astype(np.float32)


def _light(height: int, width: int, rng: np.random.Generator) -> Float:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle, slope = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.4)
    light = 1 - slope * (1 + (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(2)) / 2
    return np.asarray(rng.uniform(0.7, 1) * light * (1 - rng.uniform(0, 0.2) * (x**2 + y**2) / 2), np.float32)


def _shadow(height: int, width: int, rng: np.random.Generator) -> Float:
    """Give the light that is left beside the straight edge of something large."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    dark = (x * np.cos(angle) + y * np.sin(angle) > rng.uniform(-0.5, 0.5)).astype(np.float32)
    return _less(dark, rng)


def _fingers(height: int, width: int, rng: np.random.Generator) -> Float:
    """Give the light that is left under a hand that comes from any side."""
    shade = Image.new("L", (width, height))
    draw = ImageDraw.Draw(shade)
    side, angle = max(height, width), rng.uniform(0, 2 * np.pi)
    along, across = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    middle = rng.uniform(0.2, 0.8, 2) * (width, height)
    thick = side * rng.uniform(0.06, 0.1)
    for finger in range(4):
        tip = middle + across * (finger - 1.5) * thick * 1.2 + along * side * rng.uniform(-0.08, 0.08)
        draw.line([*tip, *(tip + along * side * 0.35)], fill=255, width=int(thick))
        draw.ellipse([*(tip - thick / 2), *(tip + thick / 2)], fill=255)
    palm = middle + along * side * 0.6
    draw.ellipse([*(palm - side * 0.33), *(palm + side * 0.33)], fill=255)
    return _less(np.asarray(shade, np.float32) / 255, rng)


def _less(dark: Float, rng: np.random.Generator) -> Float:
    soft = ndimage.gaussian_filter(dark, max(dark.shape) * rng.uniform(0.003, 0.04))
    return np.asarray(1 - rng.uniform(0.2, 0.55) * soft, np.float32)


def _taken(sheet: Colour, light: Float, rng: np.random.Generator) -> Uint8:
    """Give what a camera makes of it: its lens's blur, the white balance, the sensor's noise, and sharpening."""
    seen = sheet * light[..., None] * np.array([1 + rng.normal(0, 0.04), 1, 1 + rng.normal(0, 0.06)])
    seen = ndimage.gaussian_filter(seen, (0.8, 0.8, 0)) + rng.uniform(1, 5) * rng.standard_normal(seen.shape)
    picture = Image.fromarray(np.clip(np.rint(seen), 0, 255).astype(np.uint8))
    return np.asarray(picture.filter(ImageFilter.UnsharpMask(1.5, int(rng.uniform(0, 40)), 0)))
