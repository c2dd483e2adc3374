"""Pictures that show none of the classes, and how well confidence tells them from test examples."""

from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mlp import prepare
from mlp.arrays import Float, Uint8
from mlp.metadata import Metadata
from training.outliers import scrambled

_PICTURES: Final = 500
"""Of each kind that can be had in any number, at most."""

_PIXELS: Final = 20_000_000
"""Of all pictures of a kind together, so that large ones do not fill the memory."""

_LETTERS: Final = "AEFHKMNRTWX"
"""Capitals that no digit looks like: not B, G, I, O, Q, S, Z, and the like."""

_SHEET: Final = 120
"""Pixels along the side of the sheet that a letter is drawn on."""

_BLOCKS: Final = 4
"""Into how many a picture is cut along each side before it is scrambled."""


def kinds(metadata: Metadata, test: Uint8) -> dict[str, Uint8]:
    """Give pictures (k, height, width) that are no example of any class, by what they show; the same each time.

    Some are made from the test pictures (n, height, width). There are letters only where the classes are digits that
    are prepared as such; they are drawn with Pillow's own font and go through the same preparation.
    """
    rng = np.random.default_rng(0)
    height, width = test.shape[1:]
    number = min(_PICTURES, max(1, _PIXELS // (height * width)))
    chosen = test[np.linspace(0, len(test) - 1, min(number, len(test))).astype(np.intp)]
    found = {
        "uniform noise": rng.integers(0, 256, (number, height, width), np.uint8),
        "one even grey": np.tile(np.arange(0, 256, 15, dtype=np.uint8)[:, None, None], (1, height, width)),
        "empty frame": _frames(height, width),
        "inverted test pictures": ~chosen,
        "scrambled test pictures": np.stack([scrambled(picture, _BLOCKS, rng) for picture in chosen]),
    }
    if metadata.input.preparation == "digit" and set(metadata.labels) <= set("0123456789"):
        found["letters"] = _letters(height, width)
    return found


def auroc(higher: Float, lower: Float) -> float:
    """Give the chance that one of `higher` (n,) is above one of `lower` (k,), equal ones counting half; n, k ≥ 1.

    This is the area under the receiver operating characteristic (Hanley and McNeil 1982).
    """
    ordered = np.sort(lower)
    below, not_above = (np.searchsorted(ordered, higher, side) for side in ("left", "right"))
    return float((below + not_above).mean() / (2 * len(lower)))


def _frames(height: int, width: int) -> Uint8:
    """Draw light outlines on dark, with margins up to a quarter of the picture, and of three thicknesses."""
    side = min(height, width)
    frames = []
    for margin in np.unique(np.linspace(0, (side - 1) // 4, 7).astype(int)).tolist():
        for thickness in (1, 2, 3):
            frame = Image.new("L", (width, height))
            box = (margin, margin, width - 1 - margin, height - 1 - margin)
            ImageDraw.Draw(frame).rectangle(box, outline=255, width=max(1, thickness * side // 28))
            frames.append(np.asarray(frame))
    return np.stack(frames)


def _letters(height: int, width: int) -> Uint8:
    """Draw each letter dark on light with pens of three widths and at three angles, and prepare it."""
    font = ImageFont.load_default(_SHEET // 2)
    letters = []
    for letter in _LETTERS:
        for stroke in (0, 1, 2):
            for angle in (-8, 0, 8):
                sheet = Image.new("L", (_SHEET, _SHEET), 255)
                centre = (_SHEET / 2, _SHEET / 2)
                ImageDraw.Draw(sheet).text(centre, letter, fill=0, font=font, anchor="mm", stroke_width=stroke)
                turned = sheet.rotate(angle, Image.Resampling.BILINEAR, fillcolor=255)
                letters.append(prepare.digit(turned, height, width))
    return np.stack(letters)
