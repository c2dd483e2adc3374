"""Rows of JSON or CSV → pixels, as TF Serving, KServe's first protocol and MLflow have them.

A row is a picture: its numbers, as rows or flat, or an encoded picture in base64.
"""

import csv
from typing import Any, Final

import numpy as np

from mlp.arrays import Pixels
from mlp.errors import ValueOutOfRange, WrongShape
from mlp.pixels import Array
from service import pixels
from service.body import Reading, decoded_base64
from service.errors import InvalidField, Location, MalformedBody

_INPUT = "images"
"""The name of the one input, where a row names its inputs."""

_CELL: Final = 64
"""Most characters of a number in a table; a float needs at most 24."""


def read(items: Any, reading: Reading, where: Location) -> Pixels:
    """Give the pixels of a list of rows, n ≥ 1: numbers, texts in base64, `{"b64": …}`, or any in `{"images": …}`.

    Raises InvalidField, WrongShape, ValueOutOfRange, BadItem, TooManyPictures.
    """
    if not isinstance(items, list) or not items:
        raise InvalidField((where, "a list of pictures is expected, at least one"))
    reading.check_count(len(items))
    rows = [_unwrapped(item, (*where, index)) for index, item in enumerate(items)]
    if all(type(row) is str for row in rows):
        return reading.pictures([decoded_base64(row, (*where, index)) for index, row in enumerate(rows)], where)
    ragged = "the pictures have different numbers of pixels"
    return _numbers(pixels.array_of(rows, ragged), reading, where)


def _unwrapped(item: Any, where: Location) -> Any:
    """Give what is in `{"images": …}` and in `{"b64": …}`."""
    for name in (_INPUT, "b64"):
        if isinstance(item, dict) and len(item) == 1 and name in item:
            item = item[name]
    if isinstance(item, dict):
        raise InvalidField((where, f'numbers, {{"b64": …}}, or one of these in {{"{_INPUT}": …}} is expected'))
    return item


def _numbers(array: Array, reading: Reading, where: Location) -> Pixels:
    """Give the pixels of numbers whose first axis is that of the pictures."""
    spec = reading.spec
    if array.shape[1:] not in ((spec.height, spec.width), (spec.size,)):
        expected = f"(n, {spec.height}, {spec.width}) or (n, {spec.size})"
        raise WrongShape(f"the pictures together have shape {array.shape}; expected {expected}")
    return pixels.from_array(array, spec, where=where)


def of_table(rows: Any, where: Location) -> list[Any]:
    """Give the pictures in a table's rows: of one column its cells, else the rows themselves. Raises InvalidField."""
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise InvalidField((where, "a list of rows is expected, each a list of cells"))
    return [row[0] if len(row) == 1 else row for row in rows]


def read_csv(body: bytes, reading: Reading) -> Pixels:
    """Give the pixels in a table as text, below a line with the columns' names. Raises MalformedBody and as `read`."""
    try:
        lines = body.decode().splitlines()
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the CSV is not UTF-8: {error}") from error
    reading.check_count(len(lines) - 1)
    if lines and "," not in lines[0]:
        return read([line.strip().strip('"') for line in lines[1:]], reading, ("body",))
    try:
        rows = [row for row in csv.reader(lines[1:], strict=True) if row]
    except csv.Error as error:
        raise MalformedBody(f"not valid CSV: {error}") from error
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise MalformedBody("the CSV has no row below its columns' names, or rows of different lengths")
    return _numbers(_parsed(rows), reading, ("body",))


def _parsed(rows: list[list[str]]) -> Array:
    """Give cells as whole numbers, if all of them are, else as floats. Raises ValueOutOfRange."""
    if any(len(cell) > _CELL for row in rows for cell in row):  # each would take as much memory as the longest
        raise ValueOutOfRange(f"a cell has more than {_CELL} characters; every one must be a number")
    cells = np.array(rows)
    for kind in (np.int64, np.float64):
        try:
            return cells.astype(kind)
        except ValueError:
            continue
        except OverflowError:
            break
    raise ValueOutOfRange("every cell must be a number, and every row a picture")
