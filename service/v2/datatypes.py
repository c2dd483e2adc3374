"""The protocol's datatypes: which array each one is, and how texts lie in a binary tensor."""

import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import numpy as np

from service.errors import MalformedBody

BYTES: Final = "BYTES"

NUMBERS: Final[dict[str, np.dtype[np.generic]]] = {
    name: np.dtype(code)
    for name, code in (
        ("UINT8", "u1"),
        ("UINT16", "<u2"),
        ("UINT32", "<u4"),
        ("UINT64", "<u8"),
        ("INT8", "i1"),
        ("INT16", "<i2"),
        ("INT32", "<i4"),
        ("INT64", "<i8"),
        ("FP16", "<f2"),
        ("FP32", "<f4"),
        ("FP64", "<f8"),
    )
}
"""Those that pixels may be of, little-endian as they lie in a binary tensor."""

_LENGTH: Final = struct.Struct("<I")


def elements(data: memoryview, count: int) -> list[bytes]:
    """Give the `count` elements of a binary tensor of BYTES, each behind its length. Raises MalformedBody."""
    found = list(islice(_elements(data), count + 1))
    if len(found) != count:
        has = f"more than {count}" if len(found) > count else len(found)
        raise MalformedBody(f"the BYTES tensor has {has} elements, and its shape says {count}")
    return found


def _elements(data: memoryview) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        if len(data) - at < _LENGTH.size:
            raise MalformedBody("the BYTES tensor ends inside the length of an element")
        start = at + _LENGTH.size
        at = start + _LENGTH.unpack_from(data, at)[0]
        if at > len(data):
            raise MalformedBody(f"the BYTES tensor ends inside an element: {at - len(data)} bytes are missing")
        yield bytes(data[start:at])


def packed(texts: Sequence[str]) -> list[bytes]:
    """Give each text as an element of a binary tensor of BYTES."""
    return [_LENGTH.pack(len(data)) + data for data in (text.encode() for text in texts)]
