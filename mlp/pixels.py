"""An array of numbers → pixels (n, height, width), 0 … 255, checked as one. Pictures are read in mlp/picture.py."""

from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from mlp.arrays import Pixels
from mlp.errors import ValueOutOfRange, WrongShape
from mlp.metadata import Input

Array = npt.NDArray[Any]


def batch(array: Array, spec: Input, largest: int) -> Pixels:
    """Give numbers from 0 to `largest`, 1 or 255, as pixels.

    Of the shape (h, w) or (h·w,) they are one picture, of (n, h, w) or (n, h·w) several. Raises WrongShape, and
    ValueOutOfRange, with the index of the first picture that is wrong where there are several.
    """
    if array.dtype.kind not in "iuf" and array.size:
        raise ValueOutOfRange("every value must be a number, and nothing else: no text, true, false or null")
    array = _arranged(array, spec)
    unsigned = array.dtype.kind == "u"
    if not ((unsigned or array.min() >= 0) and array.max() <= largest):  # also when one is not a number
        _refuse_range(array, largest)
    if array.dtype.kind in "iu" and largest == 255:
        return array.astype(np.uint8)
    pixels = array.astype(np.float32)
    return pixels if largest == 255 else pixels * np.float32(255)


def full_scale(array: Array) -> int:
    """Give the number that stands for a full pixel: 1 for floats none of which is above it, else 255.

    A largest float between 1 and 2 could mean either. Raises ValueOutOfRange for that.
    """
    if array.dtype.kind != "f" or not array.size:
        return 255
    largest = float(array.max())
    if 1 < largest < 2:
        raise ValueOutOfRange(f"the largest value is {largest:g}: neither a scale of 0 … 1 nor one of 0 … 255")
    return 1 if largest <= 1 else 255


def expected(spec: Input) -> str:
    """Give the shapes that `batch` takes, in words."""
    h, w, d = spec.height, spec.width, spec.size
    return f"expected ({h}, {w}) or ({d},) for one picture, (n, {h}, {w}) or (n, {d}) for several"


def _refuse_range(array: Array, largest: int) -> NoReturn:
    per_picture = array.reshape(len(array), -1)
    low, high = per_picture.min(axis=1), per_picture.max(axis=1)
    index = int(np.argmin((low >= 0) & (high <= largest)))
    raise ValueOutOfRange(
        f"values must be from 0 to {largest}, found {low[index]:g} to {high[index]:g}",
        index if len(array) > 1 else None,
    )


def _arranged(array: Array, spec: Input) -> Array:
    """Give the array as (n, height, width), whichever of the accepted arrangements it has."""
    one, flat, many = (spec.height, spec.width), (spec.size,), (-1, spec.height, spec.width)
    fits = array.shape in (one, flat) or array.shape[1:] in (one, flat)
    if not fits or not array.size:
        raise WrongShape(f"got an array of shape {array.shape}; {expected(spec)}")
    return array.reshape(many)
