"""The input tensor → pixels (n, height, width): numbers, or encoded pictures, which are prepared as everywhere."""

from typing import Any

import numpy as np

from mlp.arrays import Pixels
from mlp.errors import ValueOutOfRange, WrongShape
from mlp.metadata import Input
from mlp.pixels import Array
from service import pixels
from service.body import Reading, decoded_base64
from service.errors import InvalidField, MalformedBody
from service.v2 import datatypes
from service.v2.message import Message
from service.v2.schemas import InputTensor

_WHERE = ("body", "inputs", 0)


def read(message: Message, reading: Reading, content_type: str) -> Pixels:
    """Give the pixels of a request's input, n ≥ 1.

    Raises InvalidField, MalformedBody, WrongShape, ValueOutOfRange, BadItem, TooManyPictures, PictureError.
    """
    if message.tensor is None:
        return _bare(message.data or memoryview(b""), reading, content_type)
    if message.tensor.datatype == datatypes.BYTES:
        return _pictures(message.tensor, message.data, reading)
    return _numbers(message.tensor, message.data, reading, message.pixel_max)


def _bare(data: memoryview, reading: Reading, content_type: str) -> Pixels:
    """Give the pixels of a body that is the input and nothing else: one picture, or raw pixels."""
    if content_type.startswith("image/"):
        return reading.picture(bytes(data))[np.newaxis]
    batch = pixels.from_bytes(data, reading.spec)
    reading.check_count(len(batch))
    return batch


def _numbers(tensor: InputTensor, data: memoryview | None, reading: Reading, largest: int | None) -> Pixels:
    spec, dtype = reading.spec, datatypes.NUMBERS.get(tensor.datatype)
    if dtype is None:
        known = ", ".join([*datatypes.NUMBERS, datatypes.BYTES])
        raise InvalidField(((*_WHERE, "datatype"), f"{tensor.datatype!r} is not read here; {known} are"))
    n = _count(tensor, spec)
    reading.check_count(n)
    if data is not None:
        if len(data) != n * spec.size * dtype.itemsize:
            expected = f"shape {tensor.shape} of {tensor.datatype} has {n * spec.size * dtype.itemsize}"
            raise MalformedBody(f"the binary tensor has {len(data)} bytes; {expected}")
        if dtype == np.uint8 and largest != 1:
            return pixels.from_bytes(data, spec)
        array = np.frombuffer(data, dtype)
    else:
        array = _listed(tensor, dtype)
        if array.size != n * spec.size:
            raise WrongShape(f"the data has {array.size} values; shape {tensor.shape} has {n * spec.size}")
    return pixels.from_array(array.reshape(n, spec.height, spec.width), spec, largest, (*_WHERE, "data"))


def _count(tensor: InputTensor, spec: Input) -> int:
    """Give the number of pictures by the shape. Raises WrongShape."""
    if tensor.shape[1:] not in ([spec.height, spec.width], [spec.size]) or not tensor.shape[0]:
        expected = f"(n, {spec.height}, {spec.width}) or (n, {spec.size}) with n ≥ 1"
        raise WrongShape(f"the input has shape {tuple(tensor.shape)}; expected {expected}")
    return tensor.shape[0]


def _listed(tensor: InputTensor, dtype: np.dtype[np.generic]) -> Array:
    """Give the numbers in the JSON. Whole ones keep the type they have, so that one out of range is found."""
    if tensor.datatype == "FP16":
        raise InvalidField(((*_WHERE, "datatype"), "FP16 is read as a binary tensor, and not in JSON"))
    array = _array(tensor.data)
    if array.dtype.kind not in "iuf":
        raise ValueOutOfRange("every value must be a number, and nothing else: no text, true, false or null")
    if dtype.kind == "f":
        return array.astype(dtype)
    if array.dtype.kind == "f":
        raise ValueOutOfRange(f"{tensor.datatype} has whole numbers only; send fractions as FP32")
    return array


def _array(data: Any) -> Array:
    if isinstance(data, np.ndarray):
        return data
    return pixels.array_of(data, "the lists in the data have different lengths")


def _pictures(tensor: InputTensor, data: memoryview | None, reading: Reading) -> Pixels:
    n, *more = tensor.shape or [0]
    if not n or more not in ([], [1]):
        raise WrongShape(f"the input has shape {tuple(tensor.shape)}; pictures in BYTES have shape (n,), n ≥ 1")
    reading.check_count(n)
    if data is not None:
        return reading.pictures(datatypes.elements(data, n), _WHERE)
    texts = _flat(tensor.data)
    if len(texts) != n or not all(type(text) is str for text in texts):
        raise WrongShape(f"the data of BYTES in JSON is a list of {n} texts here, each a picture in base64")
    where = (*_WHERE, "data")
    return reading.pictures([decoded_base64(text, (*where, i)) for i, text in enumerate(texts)], where)


def _flat(data: Any) -> list[Any]:
    items = data if isinstance(data, list) else []
    return [item for part in items for item in (part if isinstance(part, list) else [part])]
