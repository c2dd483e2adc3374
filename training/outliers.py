"""Pictures that show none of the classes, so that a network learns not to be sure of such.

D. Hendrycks, M. Mazeika, T. Dietterich, "Deep Anomaly Detection with Outlier Exposure", ICLR 2019: their target is
every class alike.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from mlp.arrays import Uint8

_FINE: Final = 4
"""Lines are drawn this many times larger and reduced, so that their edges are as soft as a pen's."""

_BOX: Final = 20 / 28
"""Share of a picture's side that what is drawn takes, as in MNIST."""


def pictures(count: int, like: Uint8, rng: np.random.Generator) -> Uint8:
    """Give (count, height, width): strokes, frames, noise and scrambled ones of `like` (n, height, width), by turns."""
    kinds: tuple[Callable[[Uint8, np.random.Generator], Uint8], ...] = (_strokes, _scrambled, _strokes, _frame, _noise)
    found = np.empty((count, *like.shape[1:]), np.uint8)
    for number, picture in enumerate(found):
        picture[...] = kinds[number % len(kinds)](like[rng.integers(len(like))], rng)
    return found


def scrambled(picture: Uint8, blocks: int, rng: np.random.Generator) -> Uint8:
    """Give a picture (height, width) with its `blocks` × `blocks` blocks in another order; what is left over stays."""
    high, wide = (min(blocks, side) for side in picture.shape)
    tall, broad = picture.shape[0] // high, picture.shape[1] // wide
    whole = (slice(high * tall), slice(wide * broad))
    cut = picture[whole].reshape(high, tall, wide, broad).swapaxes(1, 2).reshape(-1, tall, broad)
    mixed = picture.copy()
    mixed[whole] = rng.permutation(cut).reshape(high, wide, tall, broad).swapaxes(1, 2).reshape(mixed[whole].shape)
    return mixed


def _scrambled(like: Uint8, rng: np.random.Generator) -> Uint8:
    return scrambled(like, int(rng.integers(3, 6)), rng)


def _strokes(like: Uint8, rng: np.random.Generator) -> Uint8:
    """Draw three to six straight strokes and arcs, some of them joined, as large as MNIST has its digits."""
    points = rng.random((rng.integers(4, 8), 2))
    points -= points.min(axis=0)
    side = min(like.shape) * _FINE
    points *= _BOX * side / points.max()
    middle = np.array(like.shape[::-1]) * _FINE / 2
    points += middle - points.max(axis=0) / 2
    sheet = Image.new("L", (like.shape[1] * _FINE, like.shape[0] * _FINE))
    draw, pen = ImageDraw.Draw(sheet), _pen(like, rng)
    start = points[0]
    for end in points[1:]:
        if rng.random() < 0.7:
            draw.line((*start, *end), fill=255, width=pen)
        else:
            (left, right), (top, bottom) = sorted((start[0], end[0])), sorted((start[1], end[1]))
            turn = rng.uniform(0, 360)
            draw.arc((left, top, right + 1, bottom + 1), turn, turn + rng.uniform(60, 200), fill=255, width=pen)
        start = end if rng.random() < 0.6 else points[rng.integers(len(points))]
    return _reduced(sheet)


def _frame(like: Uint8, rng: np.random.Generator) -> Uint8:
    """Draw a rectangle's outline, of any size up to the picture's, as it comes from a form's box."""
    height, width = (side * _FINE for side in like.shape)
    sheet = Image.new("L", (width, height))
    (left, right), (top, bottom) = (
        (rng.uniform(0, 0.3) * side, rng.uniform(0.7, 1) * side - 1) for side in (width, height)
    )
    ImageDraw.Draw(sheet).rectangle((left, top, right, bottom), outline=255, width=_pen(like, rng))
    return _reduced(sheet)


def _noise(like: Uint8, rng: np.random.Generator) -> Uint8:
    """Draw each pixel, or each block of up to a quarter of a side, at random; or all alike, at times."""
    height, width = like.shape
    block = int(rng.choice([1, 1, 2, 3, max(height, width) // 4, max(height, width)]))
    small = rng.uniform(0, 255, (-(-height // block), -(-width // block)))
    small *= rng.random(small.shape) < rng.uniform(0.1, 1)
    return np.kron(small, np.ones((block, block)))[:height, :width].astype(np.uint8)


def _pen(like: Uint8, rng: np.random.Generator) -> int:
    """Draw a pen's width, of those that MNIST has, in pixels of the sheet."""
    return max(1, round(rng.uniform(1.5, 3.5) * _FINE * min(like.shape) / 28))


def _reduced(sheet: Image.Image) -> Uint8:
    return np.asarray(sheet.resize((sheet.width // _FINE, sheet.height // _FINE), Image.Resampling.BOX))
