"""A folder of pictures, one sub-folder a class: each picture goes through what it would go through in service."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from tqdm import tqdm

from mlp import prepare
from mlp.arrays import Uint8
from mlp.errors import NotAPicture, PictureError, PictureTooLarge
from training.errors import DataError
from training.labelled import DataSet, Part, Skipped, data_set

MAX_PIXELS: Final = 50_000_000
"""Most pixels of one picture, as the service has it unless it is told otherwise."""

MAX_FILE_BYTES: Final = 2**26
"""Most bytes of one picture's file."""

_Read = Callable[[Path], Uint8]


def load_folder(
    path: Path, height: int, width: int, preparation: str, *, max_pixels: int = MAX_PIXELS, strict: bool = False
) -> DataSet:
    """Read the pictures in the sub-folders of `path`, each of which is a class; or in train/<class> and test/<class>.

    The classes are in natural order ("2" before "10"), and so are the pictures by their names. Hidden files and what
    lies deeper are ignored. A picture that cannot be read, or that `preparation` finds nothing in, is left out and
    listed in the data set's `skipped`; with `strict` it is an error.

    Raises DataError when there is no such folder or preparation, fewer than two classes, a class without one usable
    picture, or a class in test/ that train/ has not.
    """
    if preparation not in prepare.PREPARATIONS:
        raise DataError(f"there is no preparation {preparation!r}, expected {' or '.join(prepare.PREPARATIONS)}")

    def read(file: Path) -> Uint8:
        return prepare.prepared(content(file), preparation, height, width, max_pixels=max_pixels)

    root, held_out = parts(path)
    classes = tuple(class_names(root))
    train, skipped = _part(root, classes, read, strict)
    test = None
    if held_out is not None:
        if foreign := [name for name in class_names(held_out) if name not in classes]:
            raise DataError(
                f"{held_out} has the classes {', '.join(foreign)}, which {root} has not: nothing to learn from"
            )
        test, more = _part(held_out, classes, read, strict)
        skipped += more
    return data_set(path.resolve().name, classes, train, test, tuple(skipped))


def parts(path: Path) -> tuple[Path, Path | None]:
    """Give the folder whose sub-folders are the classes, and that of the test part if there is one.

    Raises DataError when `path` is no folder that can be read.
    """
    names = class_names(path)
    if names and set(names) <= {"train", "test"} and "train" in names and class_names(path / "train"):
        return path / "train", path / "test" if "test" in names else None
    return path, None


def class_names(path: Path) -> list[str]:
    """Give the names of a folder's sub-folders in natural order. Raises DataError when it cannot be read."""
    return [entry.name for entry in _entries(path, folders=True)]


def _part(root: Path, classes: tuple[str, ...], read: _Read, strict: bool) -> tuple[Part, list[Skipped]]:
    present = [(label, root / name) for label, name in enumerate(classes) if (root / name).is_dir()]
    files = [(label, entry) for label, folder in present for entry in _entries(folder, folders=False)]
    images, labels, skipped = [], [], []
    for label, file in tqdm(files, desc=str(root), unit="picture", delay=1, disable=None, leave=False):
        try:
            images.append(read(file))  # (height, width)
            labels.append(label)
        except (PictureError, OSError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            if strict:
                raise DataError(f"{file}: {reason}") from error
            skipped.append(Skipped(str(file), reason))
    found = set(labels)
    if empty := [folder.name for label, folder in present if label not in found]:
        first = f"; {skipped[0].path}: {skipped[0].reason}" if skipped else ""
        raise DataError(
            f"{root}: {len(images)} of {len(files)} files are usable pictures, and the class {empty[0]!r} has none, "
            f"expected pictures directly in each class's folder{first}"
        )
    if not images:
        raise DataError(f"{root} has no pictures, expected one sub-folder a class with pictures in it")
    return Part(np.stack(images), np.array(labels, np.intp)), skipped


def _entries(path: Path, *, folders: bool) -> list[Path]:
    try:
        entries = [entry for entry in path.iterdir() if entry.is_dir() == folders and not entry.name.startswith(".")]
    except OSError as error:
        raise DataError(f"the folder {path} cannot be read: {error.strerror or error}") from error
    return sorted(entries, key=_natural)


def _natural(path: Path) -> tuple[list[str | int], str]:
    # Every second piece is a number, so that pieces of the same place always compare.
    pieces = re.split(r"(\d+)", path.name.casefold())
    return [int(piece) if at % 2 else piece for at, piece in enumerate(pieces)], path.name


def content(file: Path) -> bytes:
    """Give the bytes of a picture's file. Raises NotAPicture, PictureTooLarge, OSError."""
    if not file.is_file():  # a named pipe would be waited on for ever
        raise NotAPicture("not a file, or a link to nothing")
    with file.open("rb", buffering=0) as opened:  # a buffer takes as long as the rest
        size = os.fstat(opened.fileno()).st_size
        data = b"" if size > MAX_FILE_BYTES else opened.readall()
    if max(size, len(data)) > MAX_FILE_BYTES:
        raise PictureTooLarge(f"the file is larger than {MAX_FILE_BYTES} bytes; save the picture smaller")
    return data
