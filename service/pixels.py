"""Numbers that a client sent → pixels (n, height, width), 0 … 255: what they come in, and which of several is wrong.

What a batch of pixels is, is in mlp/pixels.py; pictures are read in mlp/picture.py.
"""

import itertools
from operator import mul
from typing import Any, Final

import numpy as np
import simdjson

from mlp import npy
from mlp.arrays import Pixels
from mlp.errors import ArrayError, ValueOutOfRange, WrongShape
from mlp.metadata import Input
from mlp.pixels import Array, batch, expected, full_scale
from service.errors import BadItem, Location

_MOST_LISTS: Final = 2**18
"""In JSON; 4,096 pictures of 28 rows have 119,000."""


def from_bytes(body: bytes | memoryview, spec: Input) -> Pixels:
    """Give raw uint8 pixels, n × height × width bytes, without copying them. Raises WrongShape."""
    n, rest = divmod(len(body), spec.size)
    if rest or not n:
        raise WrongShape(
            f"{len(body)} bytes are not one or more pictures of {spec.height}×{spec.width} = {spec.size} bytes"
        )
    return np.frombuffer(body, np.uint8).reshape(n, spec.height, spec.width)


def from_npy(body: bytes | memoryview, spec: Input) -> Pixels:
    """Give the pixels in an .npy array, as `from_array` reads it. Raises MalformedNpy and what that raises."""
    return from_array(npy.parse(body), spec)


def from_array(array: Array, spec: Input, largest: int | None = None, where: Location = ("body",)) -> Pixels:
    """Give the pixels in an array: numbers from 0 to `largest`; without it integers 0 … 255, or floats.

    Floats are 0 … 1 then where none is above 1, and 0 … 255 otherwise. A largest value between 1 and 2 could be either
    and is refused. Raises WrongShape, ValueOutOfRange, BadItem.
    """
    return _pixels(array, spec, full_scale(array) if largest is None else largest, where)


def from_json(body: bytes, spec: Input) -> Pixels | None:
    """Give the pixels in a JSON body that has nothing but `pixels` and perhaps `pixel_max`, without lists on the way.

    None for a body in which anything else is, or anything is wrong: lists tell more, and `from_lists` says what.
    """
    if (lists := body.count(b"[")) > _MOST_LISTS:
        return None
    try:
        document = simdjson.Parser().parse(body)
        numbers, largest = _fields(document)
        shape = _shape(numbers)
        if lists != sum(itertools.accumulate(shape[:-1], mul, initial=1)):
            return None  # there are others in the innermost
        return _pixels(_numbers(numbers).reshape(shape), spec, largest, ())
    except (ValueError, TypeError, LookupError, RuntimeError, ArrayError, BadItem):
        return None


def _fields(document: object) -> tuple[simdjson.Array, int]:
    """Give `pixels` and `pixel_max`; raise TypeError or LookupError unless there are these and no others."""
    if not isinstance(document, simdjson.Object):
        raise TypeError("not an object")
    numbers, largest = document["pixels"], document["pixel_max"] if len(document) == 2 else 255
    if len(document) > 2 or not isinstance(numbers, simdjson.Array) or type(largest) is not int:
        raise TypeError("not these fields, or not of their types")
    if largest not in (1, 255):
        raise ValueError("no such pixel_max")
    return numbers, largest


def _shape(array: simdjson.Array) -> tuple[int, ...]:
    """Give the lengths of an array and of those in it, provided that the innermost ones hold none.

    Raises ValueError where lengths differ, TypeError where one has none, IndexError for an empty array.
    """
    rows, shape = [array], [len(array)]
    while isinstance(rows[0][0], simdjson.Array):
        rows = [_array_in(inner) for row in rows for inner in row]
        if len({len(row) for row in rows}) != 1:
            raise ValueError("the lists have different lengths")
        shape.append(len(rows[0]))
    return tuple(shape)


def _array_in(value: object) -> simdjson.Array:
    if not isinstance(value, simdjson.Array):
        raise TypeError("numbers beside lists")
    return value


def _numbers(array: simdjson.Array) -> Array:
    """Give all numbers in an array and those in it, one after the other."""
    try:
        return np.frombuffer(array.as_buffer(of_type="u"), np.uint64)
    except (ValueError, TypeError):  # not all of them are whole
        return np.frombuffer(array.as_buffer(of_type="d"), np.float64)


def from_lists(numbers: Any, spec: Input, largest: int, most: int) -> Pixels:
    """Give the pixels in (nested) lists of numbers from 0 to `largest`. Raises WrongShape, ValueOutOfRange, BadItem.

    Of more than `most` pictures it is not looked up which is wrong.
    """
    if isinstance(numbers, list) and len(numbers) > max(most, spec.height) and type(numbers[0]) is list:
        raise WrongShape(f"a list of {len(numbers)} lists; {expected(spec)}, n at most {most}")
    try:
        return _pixels(_array(numbers, spec), spec, largest, ("body", "pixels"))
    except ArrayError as error:
        if isinstance(numbers, list) and len(numbers) <= most:
            _name_culprit(numbers, spec, largest)
        raise error from None


def _array(numbers: Any, spec: Input) -> Array:
    return array_of(numbers, f"the lists have different lengths; {expected(spec)}")


def array_of(numbers: Any, ragged: str) -> Array:
    """Give (nested) lists of numbers as an array. Raises ValueOutOfRange, and WrongShape that says what is `ragged`."""
    _check_numbers(numbers)
    try:
        return np.array(numbers)
    except ValueError:  # lists of different lengths, or nested deeper than an array can be
        raise WrongShape(ragged) from None


def _check_numbers(value: Any) -> None:
    """Raise ValueOutOfRange where anything but numbers is in lists.

    NumPy would make an array of texts, in which each takes as much memory as the longest.
    """
    kinds = set(map(type, value)) if type(value) is list else {type(value)}
    if not kinds <= {int, float, list}:
        raise ValueOutOfRange("every value must be a number, and nothing else: no text, true, false or null")
    if list in kinds and type(value) is list:
        for inner in value:
            if type(inner) is list:
                _check_numbers(inner)


def _name_culprit(items: list[Any], spec: Input, largest: int) -> None:
    """Raise BadItem for the first of several pictures that is wrong by itself, if any is right by itself.

    (If none is, the lists may as well be the rows of one picture, and an index would mislead.)
    """
    wrong: tuple[int, ArrayError] | None = None
    right = False
    for index, item in enumerate(items):
        try:
            _pixels(_array(item, spec), spec, largest, ())
            right = True
        except ArrayError as error:
            wrong = wrong or (index, error)
        if wrong is not None and right:
            raise BadItem(("body", "pixels", wrong[0]), wrong[1])


def _pixels(array: Array, spec: Input, largest: int, where: Location) -> Pixels:
    try:
        return batch(array, spec, largest)
    except ValueOutOfRange as error:
        if error.index is None:
            raise
        raise BadItem((*where, error.index), error) from None
