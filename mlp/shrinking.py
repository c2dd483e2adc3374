"""Very large pictures → fewer pixels, before anything else is done with them: each step would copy them all."""

from collections.abc import Callable
from typing import Final

from PIL import Image

_LARGE: Final = 2**24
"""Pixels from which on a picture is large: more than most cameras' pictures have."""

_BAND: Final = 2**20
"""Pixels, about, that are reduced at a time."""


def is_large(image: Image.Image) -> bool:
    """Tell whether a picture has so many pixels that several of them at once were too much."""
    return image.width * image.height > _LARGE


def smaller(image: Image.Image, longest: int, eight_bit: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Give a large picture by the means of squares of its pixels, its longer side at least twice `longest`.

    `eight_bit` brings a picture to 8 bits a channel; 16-bit, 32-bit and float pictures keep their values, as what is
    white in them depends on all. Others than large ones are given as they are.
    """
    factor = max(image.size) // (2 * longest)
    if factor < 2 or not is_large(image):
        return image
    is_deep = image.mode == "F" or image.mode.startswith("I")
    rows = factor * max(1, _BAND // (image.width * factor))
    small: Image.Image | None = None
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        band = (_floats(band) if is_deep else eight_bit(band)).reduce(factor)
        if small is None:
            small = Image.new(band.mode, (band.width, -(-image.height // factor)))
        small.paste(band, (0, top // factor))
    if small is None:
        return image
    if is_deep and image.mode != "F":
        small = small.convert("I")
    small.format = image.format  # which says what is white in a deep one
    return small


def _floats(image: Image.Image) -> Image.Image:
    return image if image.mode == "F" else image.convert("I").convert("F")
