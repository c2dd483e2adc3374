"""Numbers that a client sent → pixels (n, height, width), 0 … 255: what they come in, and which of several is wrong.

What a batch of pixels is, is in mlp/pixels.py; pictures are read in mlp/picture.py.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from mlp import npy
from mlp.arrays import Pixels
from mlp.errors import ArrayError, ValueOutOfRange, WrongShape
from mlp.metadata import Input
from mlp.pixels import expected, from_array, full_scale
from service.errors import BadItem, Location

Array = npt.NDArray[Any]


def from_bytes(body: bytes, spec: Input) -> Pixels:
    """Give raw uint8 pixels, n × height × width bytes, without copying them. Raises WrongShape."""
    n, rest = divmod(len(body), spec.size)
    if rest or not n:
        raise WrongShape(
            f"{len(body)} bytes are not one or more pictures of {spec.height}×{spec.width} = {spec.size} bytes"
        )
    return np.frombuffer(body, np.uint8).reshape(n, spec.height, spec.width)


def from_npy(body: bytes, spec: Input) -> Pixels:
    """Give the pixels in an .npy array: integers 0 … 255, or floats.

    Floats are 0 … 1 where none is above 1, and 0 … 255 otherwise. A largest value between 1 and 2 could be either
    and is refused. Raises MalformedNpy, WrongShape, ValueOutOfRange.
    """
    array = npy.parse(body)
    return _pixels(array, spec, full_scale(array), ("body",))


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
        raise WrongShape(f"the lists have different lengths; {expected(spec)}") from None


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
    try:
        return from_array(array, spec, largest)
    except ValueOutOfRange as error:
        if error.index is None:
            raise
        raise BadItem((*where, error.index), error) from None
