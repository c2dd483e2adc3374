"""What is kept of a picture that a person sent: its pixels, upright and shrunk, and nothing else that its file says."""

import io
from typing import Final

import numpy as np
from PIL import Image

from mlp import picture

SIDE: Final = 256
"""Most pixels along a side: a character is still plain to see, and a face in the background hardly."""

BYTES: Final = 64 * 2**10
"""Most bytes of the PNG; a drawing has 2 to 10 KB, and what has more is shrunk further."""


def kept(data: bytes, *, max_pixels: int) -> bytes:
    """Give an encoded picture as a PNG of at most `SIDE` pixels a side and `BYTES` bytes. Raises PictureError."""
    image = picture.decode(data, max_pixels=max_pixels, longest=SIDE)
    side = SIDE
    while len(png := _png(image, side)) > BYTES:
        side = side * 3 // 4
    return png


def size(png: bytes) -> tuple[int, int]:
    """Give the width and height of a PNG that `kept` has made."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        return image.size


def _png(image: Image.Image, side: int) -> bytes:
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.BOX)
    file = io.BytesIO()
    # Made anew from its pixels: Pillow would write the colour profile, too, which may name the camera.
    Image.fromarray(np.asarray(small)).save(file, "PNG", optimize=True)
    return file.getvalue()
