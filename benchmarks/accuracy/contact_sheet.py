"""A picture of the pictures: a row of samples for each kind, to see what is measured."""

import io
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from benchmarks.accuracy.kinds import Kind

_SAMPLES: Final = 12
_SIDE: Final = 96
_NAME: Final = 250
"""Pixels at the left for the kind's name."""


def write(kinds: Iterable[Kind], path: Path) -> None:
    """Write a row of samples of each kind to an image file."""
    rows = [(_name(kind), list(islice(kind.pictures(), _SAMPLES))) for kind in kinds]
    sheet = Image.new("RGB", (_NAME + _SAMPLES * (_SIDE + 4), len(rows) * (_SIDE + 4)), (235, 235, 245))
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for row, (name, pictures) in enumerate(rows):
        top = row * (_SIDE + 4)
        draw.text((6, top + _SIDE // 2 - 8), name, fill=(0, 0, 0), font=font)
        for column, picture in enumerate(pictures):
            sample = Image.open(io.BytesIO(picture.data)).convert("RGB")
            if max(sample.size) < _SIDE:
                sample = sample.resize((_SIDE, _SIDE), Image.Resampling.NEAREST)
            sample.thumbnail((_SIDE, _SIDE))
            sheet.paste(sample, (_NAME + column * (_SIDE + 4), top))
    sheet.save(path)


def _name(kind: Kind) -> str:
    return f"{kind.name}, strength {kind.strength}" if kind.strength else kind.name
