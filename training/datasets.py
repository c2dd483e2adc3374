"""Where data sets come from: `load` finds out what a source is and calls its loader.

One IDX file is read in idx.py, an .npz in npz.py, class folders in folder.py; where Fashion-MNIST comes from is in
fashion.py, what a data set is once it is read in labelled.py.
"""

import zipfile
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from training import fashion, idx
from training.errors import DataError, MalformedIdx
from training.folder import class_names, load_folder
from training.labelled import DataSet, Part, Skipped, data_set
from training.npz import load_npz

__all__ = ["DATA", "DataSet", "Part", "Skipped", "load", "load_fashion", "load_folder", "load_idx", "load_npz"]

_REPOSITORY: Final = Path(__file__).parent.parent / "data"

DATA: Final = _REPOSITORY if _REPOSITORY.is_dir() else Path("data")
"""The repository's own data: mnist/ comes with it, fashion-mnist/ is filled when it is first asked for. Where only the
package is installed, it is `data` in the working folder."""

ACCEPTED: Final = """expected one of
  mnist            the handwritten digits that come with this repository
  fashion-mnist    downloaded when it is first asked for
  a folder with one sub-folder of pictures a class, or with train/ and test/ that have them
  a folder with train-images-idx3-ubyte and train-labels-idx1-ubyte, gzip or not, and the same for t10k
  an .npz with x_train, y_train, x_test, y_test, or with images and labels"""


def load(
    source: str,
    *,
    height: int = 28,
    width: int = 28,
    preparation: str = "digit",
    data: Path = DATA,
    download: bool = True,
    url: str = fashion.URL,
) -> DataSet:
    """Load "mnist", "fashion-mnist" or what is at the path `source`; what that is shows in its content.

    height, width and preparation are what pictures from class folders are brought to; other sources have pictures of
    one size already, and keep it. `data` is the folder that has or gets the two sets with a name, `url` the address
    that Fashion-MNIST's missing files are fetched from.

    Raises DataError, for a source that is none of these with a list of what is accepted.
    """
    if source == "mnist":
        return load_idx(data / "mnist")
    if source == "fashion-mnist":
        return load_fashion(data / "fashion-mnist", download=download, url=url)
    try:
        path = Path(source).expanduser()
        kind = _kind(path)
    except (OSError, RuntimeError, ValueError) as error:  # a name too long, ~nobody, a zero byte
        raise DataError(f"no data set at {source!r}: {error}; {ACCEPTED}") from error
    match kind:
        case "npz":
            return load_npz(path)
        case "idx":
            return load_idx(path)
        case "class folders":
            return load_folder(path, height, width, preparation)
    found = "a folder with none of the expected files" if path.is_dir() else "a file that is no whole .npz"
    raise DataError(f"no data set at {source!r}: {found if path.exists() else 'there is nothing'}; {ACCEPTED}")


def _kind(path: Path) -> Literal["npz", "idx", "class folders"] | None:
    if not path.is_dir():
        return "npz" if zipfile.is_zipfile(path) else None
    if any(_found(path, stem) for stem in _STEMS):
        return "idx"
    return "class folders" if class_names(path) else None


def load_fashion(folder: Path, *, download: bool = True, url: str = fashion.URL) -> DataSet:
    """Load Fashion-MNIST from its four files in `folder`; those that are missing are fetched first, if that is allowed.

    Raises DownloadError, and DataError as `load_idx` does.
    """
    if download:
        fashion.complete(folder, url)
    return load_idx(folder, name="fashion-mnist", classes=fashion.CLASSES)


_STEMS: Final = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def load_idx(folder: Path, *, name: str | None = None, classes: tuple[str, ...] | None = None) -> DataSet:
    """Load the files that MNIST and its relatives have, gzip or not: train-images-idx3-ubyte, train-labels-idx1-ubyte,
    and as the test part, if there is one, the same with t10k.

    The classes are those given, else the lines of a file classes.txt beside the others, else the digits.

    Raises MalformedIdx for a file that is not whole, and DataError for one that is missing or does not fit the others.
    """  # noqa: D205 - the four names are one sentence
    train, test = (_part(folder, images, labels) for images, labels in (_STEMS[:2], _STEMS[2:]))
    if train is None:
        raise DataError(f"{folder} has no {_STEMS[0]}[.gz] and {_STEMS[1]}[.gz]; put them there")
    return data_set(name or folder.resolve().name, classes or _classes(folder), train, test)


def _part(folder: Path, images: str, labels: str) -> Part | None:
    paths = _found(folder, images), _found(folder, labels)
    if paths == (None, None):
        return None
    if paths[0] is None or paths[1] is None:
        there, missing = (images, labels) if paths[0] else (labels, images)
        raise DataError(f"{folder} has {there}, but no {missing}[.gz]; put it there")
    return Part(_bytes(paths[0], 3), _bytes(paths[1], 1).astype(np.intp))


def _found(folder: Path, stem: str) -> Path | None:
    return next((path for path in (folder / stem, folder / f"{stem}.gz") if path.is_file()), None)


def _bytes(path: Path, dimensions: int) -> npt.NDArray[Any]:
    array = idx.read(path, dimensions)
    if array.dtype != np.uint8:
        raise MalformedIdx(f"{path}: the values are {array.dtype.newbyteorder('=')}, expected unsigned bytes (type 08)")
    return array


def _classes(folder: Path) -> tuple[str, ...]:
    path = folder / "classes.txt"
    if not path.is_file():
        return tuple("0123456789")
    try:
        return tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read, expected class names, one a line, in UTF-8: {error}") from error
