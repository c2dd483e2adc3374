"""An .npz file of labelled pictures: with the names that Keras gives the arrays, or with images and labels."""

import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from mlp import npy
from mlp.arrays import Ints, Uint8
from mlp.errors import MalformedNpy
from training.errors import DataError, MalformedNpz
from training.labelled import DataSet, Part, data_set

MAX_BYTES: Final = 2**30
"""Most that a file may unpack to, as for IDX files."""

NAMES: Final = (("x_train", "y_train", "x_test", "y_test"), ("images", "labels"))
"""The arrays that a file has, either way; with or without the array `classes`."""

_Arrays = dict[str, npt.NDArray[Any]]


def load_npz(path: Path, *, max_bytes: int = MAX_BYTES) -> DataSet:
    """Read a data set from an .npz with x_train, y_train, x_test, y_test, or with images, labels; classes is optional.

    Pictures are (n, height, width) or (n, height, width, 1) integers from 0 to 255; labels are (n,) integers or texts.
    Without `classes` every label that the training part has is a class, sorted; with it, labels are class names or
    indices into it. Raises MalformedNpz for a file that has not these arrays or would unpack to more than `max_bytes`,
    DataError for arrays that are no data set.
    """
    try:
        arrays = _arrays(path, max_bytes)
        names = _names(arrays)
        classes = _classes(names[1], arrays)
        train, *test = (
            Part(_images(images, arrays[images]), _labels(labels, arrays[labels], classes, "classes" in arrays))
            for images, labels in zip(names[::2], names[1::2], strict=True)
        )
    except MalformedNpz as error:
        raise MalformedNpz(f"{path}: {error}") from error
    return data_set(path.stem, tuple(map(str, classes)), train, test[0] if test else None)


def _arrays(path: Path, max_bytes: int) -> _Arrays:
    wanted = {name for names in NAMES for name in names} | {"classes"}
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {i.filename.removesuffix(".npy"): i for i in archive.infolist() if i.filename.endswith(".npy")}
            infos = {name: info for name, info in infos.items() if name in wanted}
            if (total := sum(info.file_size for info in infos.values())) > max_bytes:
                raise MalformedNpz(f"unpacked it would be {total} bytes, the most is {max_bytes}")
            return {name: npy.parse(_unpacked(archive, info)) for name, info in infos.items()}
    except MalformedNpy as error:
        raise MalformedNpz(f"an array in it is not plain numbers or texts: {error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError) as error:
        # RuntimeError: encrypted.
        raise MalformedNpz(f"not a whole .npz file: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MalformedNpz(
            f"{info.filename} is packed by method {info.compress_type}, expected what numpy.savez writes"
        )
    return archive.read(info)


def _names(arrays: _Arrays) -> tuple[str, ...]:
    for names in NAMES:
        if set(names) <= set(arrays):
            return names
    wanted = " or ".join(", ".join(names) for names in NAMES)
    raise MalformedNpz(f"of the arrays that are read there is {', '.join(arrays) or 'none'}, expected {wanted}")


def _classes(labels: str, arrays: _Arrays) -> list[int | str]:
    if "classes" not in arrays:
        return list(np.unique(_plain(labels, arrays[labels], "iuU")).tolist())
    return list(_plain("classes", arrays["classes"], "U").tolist())


def _labels(name: str, labels: npt.NDArray[Any], classes: list[int | str], indexed: bool) -> Ints:
    """Give labels as indices; integers are that already where the file names the classes."""
    labels = _plain(name, labels, "iuU")
    if indexed and labels.dtype.kind != "U":
        return labels.astype(np.intp)
    index = {label: number for number, label in enumerate(classes)}
    if unknown := sorted(set(labels.tolist()) - set(index), key=str):
        raise MalformedNpz(f"{name} has the label {unknown[0]!r}, which is none of the classes {str(classes)[:200]}")
    return np.array([index[label] for label in labels.tolist()], np.intp)


def _plain(name: str, array: npt.NDArray[Any], kinds: str) -> npt.NDArray[Any]:
    if array.ndim != 1 or array.dtype.kind not in kinds:
        wanted = "texts" if kinds == "U" else "integers or texts"
        raise MalformedNpz(f"{name} is {array.dtype} {array.shape}, expected {wanted} (n,)")
    # NumPy reads any four bytes as a character; Python fails with a SystemError where there is no such character.
    if array.dtype.kind == "U" and array.view(f"{array.dtype.byteorder}u4").max(initial=0) > sys.maxunicode:
        raise MalformedNpz(f"{name} has texts with bytes that are no characters")
    return array


def _images(name: str, array: npt.NDArray[Any]) -> Uint8:
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim != 3 or array.dtype.kind not in "iu" or 0 in array.shape:
        raise MalformedNpz(f"{name} is {array.dtype} {array.shape}, expected integers (n, height, width) from 0 to 255")
    if array.min() < 0 or array.max() > 255:
        raise MalformedNpz(f"{name} has values from {array.min()} to {array.max()}, expected 0 to 255")
    return np.ascontiguousarray(array, np.uint8)
