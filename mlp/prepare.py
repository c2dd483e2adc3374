"""A decoded picture → the pixels (height, width) uint8 that a network wants, by the name in its version file."""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np
from PIL import Image

from mlp import ink, picture, placing
from mlp.arrays import Ints, Uint8
from mlp.errors import WrongPictureSize

_LONGEST: Final = 1000
"""Pixels along the longer side beyond which no preparation looks: larger pictures may be decoded smaller."""


def exact(image: Image.Image, height: int, width: int) -> Uint8:
    """Give the picture's grey values (height, width) as they are. Raises WrongPictureSize when it has another size."""
    if image.size != (width, height):
        raise WrongPictureSize(
            f"the picture is {image.width}×{image.height}, the network takes {width}×{height} (width × height): "
            "send that size, or leave out prepare=none"
        )
    return np.asarray(image.convert("L"))


def fit(image: Image.Image, height: int, width: int) -> Uint8:
    """Give the whole picture, grey, as large as (height, width) allows without distortion.

    The rest is filled with the picture's own ground: the median of its outermost pixels. Polarity and contrast stay
    what they are, and an even picture is a picture: what these mean is for the network to learn.
    """
    grey = image.convert("L")
    scale = min(height / grey.height, width / grey.width)
    size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
    small = np.asarray(grey.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR))
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    pixels = np.full((height, width), np.median(edge), np.uint8)
    top, left = (height - size[1]) // 2, (width - size[0]) // 2
    pixels[top : top + size[1], left : left + size[0]] = small
    return pixels


def digit(image: Image.Image, height: int, width: int) -> Uint8:
    """Give a drawn character as MNIST has its digits: light on dark, fitted, centred by mass; see mlp/placing.py.

    A picture that already is (height, width) and light on dark passes unchanged. Raises NoInk when nothing is drawn.
    """
    if image.size == (width, height):
        pixels = np.asarray(image if image.mode == "L" else image.convert("L"))
        if _light_on_dark(pixels):
            return pixels
    return placing.placed(ink.found(image), height, width)


def _light_on_dark(pixels: Uint8) -> bool:
    """Whether (height, width) pixels look like MNIST: most is dark, of the border nearly all, and something is light.

    Of its 70,000 pictures none has more than 5 border pixels of 108 above 64, a median above 0, or a maximum below 250.
    """
    flat = pixels.ravel()
    border = flat.take(_border(*pixels.shape))
    dark = 2 * int(np.count_nonzero(border > 8)) < len(border)  # a grey ground is another picture to the network
    mostly_dark = np.count_nonzero(border > 64) * 8 <= len(border) and np.count_nonzero(flat > 64) * 2 <= len(flat)
    return bool(dark and mostly_dark and np.count_nonzero(flat >= 128))


@cache
def _border(height: int, width: int) -> Ints:
    """Give the places of the outermost pixels of (height, width), in a picture's flat array."""
    places = np.arange(height * width).reshape(height, width)
    return np.concatenate([places[0], places[-1], places[1:-1, 0], places[1:-1, -1]])


PREPARATIONS: Final[dict[str, Callable[[Image.Image, int, int], Uint8]]] = {"digit": digit, "fit": fit}
"""By name: (picture, height, width) → pixels (height, width) uint8. They raise PictureError."""


def prepared(
    data: bytes,
    preparation: str,
    height: int,
    width: int,
    *,
    max_pixels: int,
    before: Callable[[int], object] = id,
) -> Uint8:
    """Decode one encoded picture, as `picture.decode` does, and prepare it: pixels (height, width).

    Raises PictureError, and KeyError when there is no such preparation.
    """
    longest = max(_LONGEST, height, width)
    image = picture.decode(data, max_pixels=max_pixels, longest=longest, before=before)
    return PREPARATIONS[preparation](image, height, width)
