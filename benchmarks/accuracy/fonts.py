"""Printed digits and letters: the TrueType and OpenType faces that are on the machine, and what they look like."""

import functools
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import matplotlib
import numpy as np
from fontTools.ttLib import TTFont, TTLibError  # type: ignore[import-untyped]
from PIL import Image, ImageDraw, ImageFont

from mlp.arrays import Float, Uint8

DIGITS: Final = "0123456789"
LETTERS: Final = "ACDEFHJKLMNPRTUVWXY"
"""Capitals but those with a digit's shape: B 8, G 6, I 1, O 0, Q 0, S 5, Z 2."""

FOLDERS: Final = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local/share/fonts",
    Path.home() / ".fonts",
    Path(matplotlib.get_data_path()) / "fonts/ttf",
)

_OLD_STYLE: Final = 1.25
"""Tallest digit's height by the lowest's from which a face's digits are old-style, some as low as small letters."""
_NOT_PRINT: Final = ("Initials", "Keyboard", "Last Resort", "Symbol")
"""In the names of families whose characters are ornaments, keys or placeholders."""
_TRAINED_WITH: Final = ("DejaVu", "STIX", "cmb10", "cmr10", "cmss10", "cmti10", "cmtt10")
_SAME: Final = 0.02
"""Mean difference, of full ink, of all ten digits at 20 × 20 below which two faces are the same one."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a family: its file, and the two names it gives itself."""

    path: Path
    family: str
    style: str

    @property
    def trained_with(self) -> bool:
        """Whether it is of a family that training/printed.py makes examples of."""
        return self.family.startswith(_TRAINED_WITH)


@functools.cache
def faces() -> tuple[Face, ...]:
    """Give the faces of FOLDERS with digits and letters, in order of family and style, each design once.

    Left out are symbol faces, those with old-style digits, and what looks the same as one that is already there.
    """
    paths = [path for folder in FOLDERS for path in folder.rglob("*") if path.suffix.lower() in {".ttf", ".otf"}]
    found = sorted(filter(None, map(_face, paths)), key=lambda face: (face.family, face.style, face.path.name))
    kept: list[Face] = []
    looks: list[Float] = []  # each (10, 20, 20)
    for face in found:
        shapes = [glyph(face, digit, 60) for digit in DIGITS]
        heights = [shape.shape[0] for shape in shapes]
        if max(heights) > _OLD_STYLE * min(heights):
            continue
        look = np.stack([_small(shape) for shape in shapes])
        if not looks or np.abs(np.stack(looks) - look).mean(axis=(1, 2, 3)).min() > _SAME:
            kept.append(face)
            looks.append(look)
    return tuple(kept)


def _face(path: Path) -> Face | None:
    """Read what a font file says of itself; None for one that cannot be read or lacks a digit or a letter."""
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), TTFont(path, lazy=True) as font:
            warnings.simplefilter("ignore")
            characters = font.getBestCmap() or {}
            names = font["name"]
            face = Face(path, _name(names, 16, 1) or path.stem, _name(names, 17, 2))
    except (TTLibError, OSError, KeyError):
        return None
    if any(word in face.family for word in _NOT_PRINT):
        return None
    return face if all(ord(character) in characters for character in DIGITS + LETTERS) else None


def _name(names: Any, typographic: int, plain: int) -> str:
    """Give a name that joins all weights of a family, where a font has it (OpenType, table name)."""
    return names.getDebugName(typographic) or names.getDebugName(plain) or ""


def glyph(face: Face, character: str, size: int) -> Uint8:
    """Give a character cropped to its ink, (h, w), 255 where it is; `size` is the font's, in pixels."""
    font = _font(face.path, size)
    left, top, right, bottom = font.getbbox(character)
    image = Image.new("L", (int(right - left) + 8, int(bottom - top) + 8))
    ImageDraw.Draw(image).text((4 - left, 4 - top), character, fill=255, font=font)
    box = image.getbbox()
    return np.asarray(image.crop(box) if box else image)


@functools.lru_cache(maxsize=4)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


def _small(shape: Uint8) -> Float:
    return np.asarray(Image.fromarray(shape).resize((20, 20), Image.Resampling.BOX), np.float32) / 255


def printed(face: Face, character: str, rng: np.random.Generator) -> Uint8:
    """Print a character black on white, 100 to 200 pixels large, off the middle of its sheet."""
    shape = glyph(face, character, int(rng.integers(100, 201)))
    before, after = rng.integers(15, 60, 2), rng.integers(15, 60, 2)
    return 255 - np.pad(shape, list(zip(before, after, strict=True)))


def every_digit(*, trained_with: bool) -> Iterator[tuple[Face, str]]:
    """Give each face with each digit: those of the families that training uses, or the others."""
    return ((face, digit) for face in faces() if face.trained_with == trained_with for digit in DIGITS)


def unseen() -> tuple[Face, ...]:
    """Give the faces of families that training does not use; all of them, where there are no others."""
    return tuple(face for face in faces() if not face.trained_with) or faces()
