"""One .npy array from bytes that a stranger may have made: nothing is allocated or executed on the header's word alone.

NumPy's own reader allocates what the header claims before it has seen the data; this one first compares the two.
"""

import math
import warnings
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt

from mlp.errors import MalformedNpy

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

_HEADER_BYTES = 2**17
"""More than a header that NumPy reads can have."""


def parse(data: bytes | memoryview) -> npt.NDArray[Any]:
    """Give the array in `data`, read-only and without copying it.

    Raises MalformedNpy when the bytes are not exactly one array, or its elements are objects or records.
    """
    stream = BytesIO(data[:_HEADER_BYTES])
    shape, fortran_order, dtype = _header(stream)
    if dtype.hasobject:
        raise MalformedNpy("the array holds Python objects, which are never loaded")
    if dtype.names is not None or dtype.subdtype is not None or dtype.itemsize == 0:
        raise MalformedNpy(f"the array's elements are of type {dtype}, not plain values")
    if any(length < 0 for length in shape):
        raise MalformedNpy(f"the array's shape {shape} is negative")
    start, size = stream.tell(), math.prod(shape) * dtype.itemsize
    if len(data) - start != size:
        raise MalformedNpy(
            f"the header announces {size} bytes, shape {shape} of {dtype}; there are {len(data) - start}"
        )
    flat = np.frombuffer(data, dtype, offset=start) if size else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if fortran_order else "C")


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
