"""A picture of the pictures: a row of samples for each kind, to see what is measured."""

import io
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Final

import matplotlib
from PIL import Image, ImageDraw, ImageFont

from benchmarks.accuracy.encoded import Picture
from benchmarks.accuracy.kinds import Kind

_FONT: Final = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
_SAMPLES: Final = 15
"""In a row; of a corruption three of each of its five strengths."""
_SIDE: Final = 72
_NAME: Final = 320
"""Pixels at the left for the kind's name."""


def write(kinds: Iterable[Kind], path: Path) -> None:
    """Write a row of samples of each kind to an image file."""
    rows: dict[str, list[Picture]] = {}
    for kind in kinds:
        rows.setdefault(kind.name, []).extend(islice(kind.pictures(), _SAMPLES // 5 if kind.strength else _SAMPLES))
    sheet = Image.new("RGB", (_NAME + _SAMPLES * (_SIDE + 4), len(rows) * (_SIDE + 4)), (235, 235, 245))
    draw, font = ImageDraw.Draw(sheet), ImageFont.truetype(_FONT, 14)
    for row, (name, pictures) in enumerate(rows.items()):
        top = row * (_SIDE + 4)
        draw.text((6, top + _SIDE // 2 - 8), name, fill=(0, 0, 0), font=font)
        for column, picture in enumerate(pictures):
            sheet.paste(_sample(picture), (_NAME + column * (_SIDE + 4), top))
    sheet.save(path)


def _sample(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.data)).convert("RGB")
    enlargement = max(1, _SIDE // max(image.size))
    image = image.resize((image.width * enlargement, image.height * enlargement), Image.Resampling.NEAREST)
    image.thumbnail((_SIDE, _SIDE))
    return image
