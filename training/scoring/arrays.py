"""Arrays of pictures in .npy and IDX files: where the values lie, and some of them at a time, never all."""

import gzip
import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO, RawIOBase
from typing import IO, Any, Final, cast

import numpy as np
import numpy.typing as npt

from mlp import npy, pixels
from mlp.errors import ArrayError, MalformedNpy, ValueOutOfRange, WrongShape
from mlp.metadata import Input
from training import idx
from training.errors import DataError, MalformedIdx
from training.scoring.items import Layout

MAGIC: Final = b"\x93NUMPY"
"""How a .npy file begins."""

_CHUNK: Final = 2**20
"""Bytes that are unpacked at a time."""
_LOOKED_AT: Final = 2**23
"""Bytes in which a largest value is looked for at a time."""

File = IO[bytes] | RawIOBase
Opened = Callable[[], File]
"""Opens a file to read and seek in, at its beginning."""


def is_idx(name: str) -> bool:
    """Whether a file's name is that of pictures as MNIST has them."""
    return name.removesuffix(".gz").endswith("-images-idx3-ubyte")


def npy_layout(file: File, size: int, spec: Input, largest: int | None) -> Layout:
    """Give the layout of a .npy file of `size` bytes; `largest` is the value of a full pixel, None to look for it.

    Raises ArrayError when it is no array of pictures of the network's size, OSError, StoreUnavailable.
    """
    header = npy.announced(_read(file, npy.HEADER_BYTES))
    if size - header.start != header.size:
        raise MalformedNpy(npy.wrong_size(header, size))
    one = header.shape in ((spec.height, spec.width), (spec.size,))
    shape = (1, *header.shape) if one else header.shape
    layout = Layout(header.start, shape, header.dtype.str, header.fortran_order, one=one)
    return _checked(file, layout, spec, largest)


def idx_layout(file: File, spec: Input, largest: int | None) -> Layout:
    """Give the layout of an IDX file of pictures, gzip or not. Raises as `npy_layout` does, and MalformedIdx."""
    packed = _read(file, len(idx.GZIP)) == idx.GZIP
    file.seek(0)
    with _damaged(MalformedIdx):
        dtype, shape = idx.header(BytesIO(_read(_unpacked(file) if packed else file, 16)), 3)
    return _checked(file, Layout(16, shape, dtype.str, packed=packed), spec, largest)


def rows(file: File, layout: Layout, start: int, stop: int) -> npt.NDArray[Any]:
    """Give pictures `start` to `stop` of an array, as `mlp.pixels.batch` takes them.

    Raises ArrayError when the file ends before, OSError, StoreUnavailable.
    """
    if layout.fortran:
        return _strided(file, layout)[start:stop]
    dtype = np.dtype(layout.dtype)
    each = math.prod(layout.shape[1:]) * dtype.itemsize
    with _damaged(MalformedNpy):
        data = _part(file, layout.packed, layout.start + start * each, (stop - start) * each)
    return np.frombuffer(data, dtype).reshape(stop - start, *layout.shape[1:])


def _checked(file: File, layout: Layout, spec: Input, largest: int | None) -> Layout:
    dtype, shape = np.dtype(layout.dtype), layout.shape
    if dtype.kind not in "iuf":
        raise ValueOutOfRange(f"the array is of type {dtype}; every value must be a number, and nothing else")
    if shape[1:] not in ((spec.height, spec.width), (spec.size,)) or 0 in shape:
        raise WrongShape(f"got an array of shape {shape}; {pixels.expected(spec)}")
    if layout.fortran and isinstance(file, RawIOBase):
        raise WrongShape("the array is saved column by column (Fortran order), which is read from local files alone")
    if largest is None:
        largest = _full_scale(file, layout) if dtype.kind == "f" else 255
    return Layout(layout.start, shape, layout.dtype, layout.fortran, layout.packed, layout.one, largest)


def _full_scale(file: File, layout: Layout) -> int:
    """Give the value of a full pixel in an array of floats, by its largest value, as for an array in memory."""
    dtype = np.dtype(layout.dtype)
    step = max(1, _LOOKED_AT // (math.prod(layout.shape[1:]) * dtype.itemsize))
    top = -np.inf
    for start in range(0, layout.shape[0], step):
        values = rows(file, layout, start, min(start + step, layout.shape[0]))
        # What is not finite makes its own picture bad, and must not change how the others are read.
        top = max(top, float(values.max(where=np.isfinite(values), initial=-np.inf)))
    try:
        return pixels.full_scale(np.array([top], dtype))
    except ValueOutOfRange as error:
        raise ValueOutOfRange(f"{error}; say which by --pixel-max") from error


def _strided(file: File, layout: Layout) -> npt.NDArray[Any]:
    shape = layout.shape[1:] if layout.one else layout.shape
    array = np.memmap(cast(Any, file), layout.dtype, "r", layout.start, shape, "F")
    return array[np.newaxis] if layout.one else array


def _part(file: File, packed: bool, start: int, size: int) -> bytes:
    """Give bytes of a file; in one that is packed, all that is before them has to be unpacked, too."""
    if packed:
        file.seek(0)
        unpacked = _unpacked(file)
        while start > 0 and (skipped := len(unpacked.read(min(_CHUNK, start)))):
            start -= skipped
        data = _read(unpacked, size)
    else:
        file.seek(start)
        data = _read(file, size)
    if len(data) < size:
        raise MalformedNpy(f"the file ends {size - len(data)} bytes before these pictures do")
    return data


def _read(file: File | gzip.GzipFile, size: int) -> bytes:
    """Read that many bytes, fewer only at the end."""
    pieces: list[bytes] = []
    while size > 0 and (piece := file.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _unpacked(file: File) -> gzip.GzipFile:
    return gzip.GzipFile(fileobj=cast(IO[bytes], file))


@contextmanager
def _damaged(kind: type[ArrayError] | type[DataError]) -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise kind(f"the gzip data is damaged or cut short ({error})") from error
