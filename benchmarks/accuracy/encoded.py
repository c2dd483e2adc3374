"""A picture as it is posted: its bytes, and what is to be seen in it."""

import io
import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from mlp.arrays import Uint8


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of known content."""

    data: bytes
    """PNG or JPEG."""
    label: str
    """What it shows; "" for no digit."""
    source: str = ""
    """Where it is from, as a file's or a font's name."""


def png(pixels: Uint8) -> bytes:
    """Encode a picture (h, w) or (h, w, 3) without loss."""
    return _encoded(pixels, "PNG", compress_level=1)


def jpeg(pixels: Uint8, quality: int) -> bytes:
    """Encode a picture (h, w) or (h, w, 3) at a quality from 1 to 95."""
    return _encoded(pixels, "JPEG", quality=quality)


def _encoded(pixels: Uint8, form: Literal["PNG", "JPEG"], **how: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **how)
    return file.getvalue()


def generator(kind: str, index: int = 0) -> np.random.Generator:
    """Give the random numbers of a kind's picture: the same in every run, and independent of other kinds."""
    return np.random.default_rng([zlib.crc32(kind.encode()), index])
