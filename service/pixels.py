"""Numbers that a client sent → pixels (n, height, width), 0 … 255. Pictures are read in mlp/picture.py."""

from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from mlp import npy
from mlp.arrays import Pixels
from mlp.errors import ArrayError, ValueOutOfRange, WrongShape
from mlp.metadata import Input
from service.errors import BadItem, Location

Array = npt.NDArray[Any]


def from_bytes(body: bytes | memoryview, spec: Input) -> Pixels:
    """Give raw uint8 pixels, n × height × width bytes, without copying them. Raises WrongShape."""
    n, rest = divmod(len(body), spec.size)
    if rest or not n:
        raise WrongShape(
            f"{len(body)} bytes are not one or more pictures of {spec.height}×{spec.width} = {spec.size} bytes"
        )
    return np.frombuffer(body, np.uint8).reshape(n, spec.height, spec.width)


def from_npy(body: bytes, spec: Input) -> Pixels:
    """Give the pixels in an .npy array, as `from_array` reads it. Raises MalformedNpy and what that raises."""
    return from_array(npy.parse(body), spec)


def from_array(array: Array, spec: Input, largest: int | None = None, where: Location = ("body",)) -> Pixels:
    """Give the pixels in an array: numbers from 0 to `largest`; without it integers 0 … 255, or floats.

    Floats are 0 … 1 then where none is above 1, and 0 … 255 otherwise. A largest value between 1 and 2 could be either
    and is refused. Raises WrongShape, ValueOutOfRange, BadItem.
    """
    if largest is not None:
        return _pixels(array, spec, largest, where)
    if array.dtype.kind == "f" and array.size:
        highest = float(array.max())
        if 1 < highest < 2:
            raise ValueOutOfRange(f"the largest value is {highest:g}: neither a scale of 0 … 1 nor one of 0 … 255")
        return _pixels(array, spec, 1 if highest <= 1 else 255, where)
    return _pixels(array, spec, 255, where)


def from_lists(numbers: Any, spec: Input, largest: int) -> Pixels:
    """Give the pixels in (nested) lists of numbers from 0 to `largest`. Raises WrongShape, ValueOutOfRange, BadItem."""
    try:
        return _pixels(_array(numbers, spec), spec, largest, ("body", "pixels"))
    except ArrayError as error:
        _name_culprit(numbers, spec, largest)
        raise error from None


def _array(numbers: Any, spec: Input) -> Array:
    array = _bytes(numbers)
    if array is not None:
        return array
    try:
        return np.array(numbers)
    except ValueError:  # lists of different lengths, or nested deeper than an array can be
        raise WrongShape(f"the lists have different lengths; {_expected(spec)}") from None


def _bytes(numbers: Any) -> Array | None:
    """Give whole numbers 0 … 255, in a list or a list of equally long lists, as uint8; None for anything else.

    `bytes` takes and checks them in a fifth of the time that NumPy needs for lists.
    """
    rows = numbers if isinstance(numbers, list) and numbers and isinstance(numbers[0], list) else [numbers]
    if not all(type(row) is list and row and len(row) == len(rows[0]) and type(row[0]) is int for row in rows):
        return None
    try:
        flat = np.frombuffer(b"".join(map(bytes, rows)), np.uint8)
    except (TypeError, ValueError):
        return None
    return flat if rows[0] is numbers else flat.reshape(len(rows), -1)


def _name_culprit(numbers: Any, spec: Input, largest: int) -> None:
    """Raise BadItem for the first of several pictures that is wrong by itself, if any is right by itself.

    (If none is, the lists may as well be the rows of one picture, and an index would mislead.)
    """
    wrong: list[tuple[int, ArrayError]] = []
    items = numbers if isinstance(numbers, list) else []
    for index, item in enumerate(items):
        try:
            _pixels(_array(item, spec), spec, largest, ())
        except ArrayError as error:
            wrong.append((index, error))
    if wrong and len(wrong) < len(items):
        raise BadItem(("body", "pixels", wrong[0][0]), wrong[0][1])


def _pixels(array: Array, spec: Input, largest: int, where: Location) -> Pixels:
    if array.dtype.kind not in "iuf" and array.size:
        raise ValueOutOfRange("every value must be a number, and nothing else: no text, true, false or null")
    array = _arranged(array, spec)
    if not (array.min() >= 0 and array.max() <= largest):  # also when one is not a number
        _refuse_range(array, largest, where)
    if array.dtype.kind in "iu" and largest == 255:
        return array.astype(np.uint8)
    pixels = array.astype(np.float32)
    return pixels if largest == 255 else pixels * np.float32(255)


def _refuse_range(array: Array, largest: int, where: Location) -> NoReturn:
    per_picture = array.reshape(len(array), -1)
    low, high = per_picture.min(axis=1), per_picture.max(axis=1)
    index = int(np.argmin((low >= 0) & (high <= largest)))
    error = ValueOutOfRange(f"values must be from 0 to {largest}, found {low[index]:g} to {high[index]:g}")
    if len(array) == 1:
        raise error
    raise BadItem((*where, index), error)


def _arranged(array: Array, spec: Input) -> Array:
    """Give the array as (n, height, width), whichever of the accepted arrangements it has."""
    one, flat, many = (spec.height, spec.width), (spec.size,), (-1, spec.height, spec.width)
    fits = array.shape in (one, flat) or array.shape[1:] in (one, flat)
    if not fits or not array.size:
        raise WrongShape(f"got an array of shape {array.shape}; {_expected(spec)}")
    return array.reshape(many)


def _expected(spec: Input) -> str:
    h, w, d = spec.height, spec.width, spec.size
    return f"expected ({h}, {w}) or ({d},) for one picture, (n, {h}, {w}) or (n, {d}) for several"
