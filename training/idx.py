"""One IDX file, gzip or not: the format of MNIST's files (LeCun, "The MNIST database", file formats).

Two zero bytes, one byte for the type, one for the number of dimensions, each dimension's length as a big-endian 32-bit
number, then the values, big-endian, the last dimension fastest. Which files make a data set is in datasets.py.
"""

import gzip
import math
import zlib
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from training.errors import DataError, MalformedIdx

MAX_BYTES: Final = 2**30
"""Most that a file may unpack to; the largest of MNIST's relatives, EMNIST by class, has 550 million bytes."""

_TYPES: Final = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP: Final = b"\x1f\x8b"
"""How a packed file begins."""
_CHUNK: Final = 2**20


def read(path: Path, dimensions: int, *, max_bytes: int = MAX_BYTES) -> npt.NDArray[Any]:
    """Give the array in the file at `path`: that many dimensions, none of length 0, its type as the file says.

    Raises MalformedIdx when the file is not exactly one such array or would unpack to more than `max_bytes`, and
    DataError when it cannot be read at all.
    """
    try:
        with path.open("rb") as plain:
            packed = plain.read(len(GZIP)) == GZIP
            plain.seek(0)
            # What a name says of its content is not to be trusted: browsers unpack .gz files and keep the name.
            return _parse(gzip.GzipFile(fileobj=plain) if packed else plain, dimensions, max_bytes)
    except MalformedIdx as error:
        raise MalformedIdx(f"{path}: {error}") from error
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise MalformedIdx(f"{path}: the gzip data is damaged or cut short ({error}); get the file anew") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def header(file: IO[bytes] | gzip.GzipFile, dimensions: int) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Read the header of an unpacked file, and give the values' type and the array's shape. Raises MalformedIdx."""
    dtype = _magic(file.read(4), dimensions)
    lengths = file.read(4 * dimensions)
    if len(lengths) < 4 * dimensions:
        raise MalformedIdx(f"the header ends after {4 + len(lengths)} bytes, expected {4 + 4 * dimensions}")
    return dtype, tuple(map(int, np.frombuffer(lengths, ">u4")))


def _parse(file: IO[bytes] | gzip.GzipFile, dimensions: int, max_bytes: int) -> npt.NDArray[Any]:
    dtype, shape = header(file, dimensions)
    size = math.prod(shape) * dtype.itemsize
    if not 0 < size <= max_bytes:
        raise MalformedIdx(
            f"the header announces {_times(shape)} values, {size} bytes; expected 1 to {max_bytes} bytes"
        )
    data = _at_most(file, size + 1)
    if len(data) != size:
        found = f"only {len(data)}" if len(data) < size else "more"
        raise MalformedIdx(f"the header announces {_times(shape)} values, {size} bytes; there are {found}")
    return np.frombuffer(data, dtype).reshape(shape)


def _magic(magic: bytes, dimensions: int) -> np.dtype[Any]:
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES:
        raise MalformedIdx(
            f"the file begins with {magic.hex(' ') or 'nothing'}, expected 00 00 08 {dimensions:02x}: not IDX"
        )
    if magic[3] != dimensions:
        raise MalformedIdx(f"the array has {magic[3]} dimensions, expected {dimensions}")
    return np.dtype(_TYPES[magic[2]])


def _at_most(file: IO[bytes] | gzip.GzipFile, size: int) -> bytearray:
    """Read up to `size` bytes; memory grows with what is there, not with what a header has announced."""
    data = bytearray()
    while len(data) < size and (chunk := file.read(min(_CHUNK, size - len(data)))):
        data += chunk
    return data


def _times(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))
