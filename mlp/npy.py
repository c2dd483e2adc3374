"""One .npy array from bytes that a stranger may have made: nothing is allocated or executed on the header's word alone.

NumPy's own reader allocates what the header claims before it has seen the data; this one first compares the two.
"""

import math
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mlp.errors import MalformedNpy

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

HEADER_BYTES: Final = 2**17
"""More than a header that NumPy reads can have."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What a header says: where the values begin, and what they are."""

    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool

    @property
    def size(self) -> int:
        """Number of bytes that the values take."""
        return math.prod(self.shape) * self.dtype.itemsize


def parse(data: bytes | memoryview) -> npt.NDArray[Any]:
    """Give the array in `data`, read-only and without copying it.

    Raises MalformedNpy when the bytes are not exactly one array, or its elements are objects or records.
    """
    header = announced(data[:HEADER_BYTES])
    if len(data) - header.start != header.size:
        raise MalformedNpy(wrong_size(header, len(data)))
    flat = np.frombuffer(data, header.dtype, offset=header.start) if header.size else np.empty(0, header.dtype)
    return flat.reshape(header.shape, order="F" if header.fortran_order else "C")


def announced(head: bytes | memoryview) -> Announced:
    """Give what the header says in `head`, the first HEADER_BYTES of a file or all of it.

    Raises MalformedNpy when it is no header, or the elements are objects or records.
    """
    stream = BytesIO(head)
    shape, fortran_order, dtype = _header(stream)
    if dtype.hasobject:
        raise MalformedNpy("the array holds Python objects, which are never loaded")
    if dtype.names is not None or dtype.subdtype is not None or dtype.itemsize == 0:
        raise MalformedNpy(f"the array's elements are of type {dtype}, not plain values")
    if any(length < 0 for length in shape):
        raise MalformedNpy(f"the array's shape {shape} is negative")
    return Announced(stream.tell(), shape, dtype, fortran_order)


def wrong_size(header: Announced, size: int) -> str:
    """Say that a file of `size` bytes is not what its header announces."""
    return (
        f"the header announces {header.size} bytes, shape {header.shape} of {header.dtype}; "
        f"there are {size - header.start}"
    )


def _header(stream: BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        reader = _HEADERS[np.lib.format.read_magic(stream)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns of headers that Python 2 wrote; they are as good
            return reader(stream)
    except KeyError as error:
        raise MalformedNpy(f"version {error} of the .npy format is not read here, only 1.0 and 2.0") from None
    except Exception as error:
        # The header is a Python literal: its parser fails in many ways (SyntaxError, TokenError, RecursionError, …).
        raise MalformedNpy(f"not a .npy array: {str(error)[:200] or type(error).__name__}") from error
