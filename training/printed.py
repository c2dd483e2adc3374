"""Printed characters: digits as further examples, and letters as what is no digit.

A 1 with a flag or a foot, a 4 that is closed: MNIST has few of them, and people expect them to be read. The typefaces
are those that come with Matplotlib, so that they are the same wherever a network is trained.
"""

from functools import cache
from pathlib import Path
from typing import Final

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from mlp import prepare
from mlp.arrays import Ints, Uint8

DIGITS: Final = "0123456789"

_LETTERS: Final = "AEFHKMNPRTUVWXYaefkmnprwx"
"""None that could be taken for a digit."""

_FACES: Final = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Bold"),
    *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic"),
    *("cmr10", "cmb10", "cmss10", "cmti10", "cmtt10"),
)
_FOOT: Final = 0.12
"""Share of a 1's height that its foot takes at most: without it, it is the 1 of the many typefaces that have none."""

_SIZE: Final = 96


def digits(count: int, height: int, width: int, rng: np.random.Generator) -> tuple[Uint8, Ints]:
    """Give pictures (count, height, width), prepared as drawings are, and what they show (count,), 0 … 9."""
    glyphs = [(face, digit, 0.0) for face in _FACES for digit in DIGITS] + [(face, "1", _FOOT) for face in _FACES]
    chosen = [glyphs[number % len(glyphs)] for number in rng.permutation(count)]
    return _drawn(chosen, height, width), np.array([int(digit) for _face, digit, _foot in chosen], np.intp)


def letters(count: int, height: int, width: int, rng: np.random.Generator) -> Uint8:
    """Give pictures (count, height, width) of letters that no digit looks like, prepared as drawings are."""
    glyphs = [(face, letter, 0.0) for face in _FACES for letter in _LETTERS]
    return _drawn([glyphs[number % len(glyphs)] for number in rng.permutation(count)], height, width)


def _drawn(glyphs: list[tuple[str, str, float]], height: int, width: int) -> Uint8:
    pictures = [_picture(*glyph, height, width) for glyph in glyphs]
    return np.stack(pictures) if pictures else np.empty((0, height, width), np.uint8)


@cache
def _picture(face: str, character: str, without: float, height: int, width: int) -> Uint8:
    """Draw a character but for a share of its height, at the bottom."""
    sheet = Image.new("L", (2 * _SIZE, 2 * _SIZE), 255)
    font = ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / f"{face}.ttf", _SIZE)
    draw = ImageDraw.Draw(sheet)
    draw.text((_SIZE, _SIZE), character, fill=0, font=font, anchor="mm")
    _left, top, _right, bottom = draw.textbbox((_SIZE, _SIZE), character, font=font, anchor="mm")
    draw.rectangle((0, bottom - without * (bottom - top), *sheet.size), fill=255)
    return prepare.digit(sheet, height, width)
