"""What there is to score: a folder, a zip, an array, or what is below a prefix of a bucket; `open_source` tells which.

Each source gives its items in an order that is always the same, and reads them piece by piece; it travels to the
processes that score, so it holds nothing but where it is.
"""

import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy.typing as npt

from mlp.metadata import Input
from training.errors import DataError
from training.scoring.items import Item, Picture, Rows

ACCEPTED: Final = """expected one of
  a folder with pictures and .npy arrays, at any depth
  a folder with IDX files such as train-images-idx3-ubyte, gzip or not, or one of them
  a .zip of pictures
  a .npy array (n, height, width) or (n, height·width)
  s3://bucket/prefix with pictures and .npy arrays"""

BUCKET: Final = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?")

_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")


class Unreadable(Exception):
    """One picture that cannot be read; its text says why."""


class Source(Protocol):
    """Pictures to score. Raises DataError when it is gone as a whole, or was never there."""

    name: str
    """What it is called in messages."""

    def items(self, spec: Input, largest: int | None) -> Iterator[Item]:
        """Give what there is, for a network with this input; `largest` is a full pixel of arrays, None to find out."""

    def encoded(self, pictures: Sequence[Picture]) -> Iterator[bytes | Unreadable]:
        """Give the bytes of each picture, or why they cannot be had."""

    def rows(self, rows: Rows) -> npt.NDArray[Any]:
        """Give some pictures of an array. Raises ArrayError, OSError."""


def open_source(text: str) -> Source:
    """Give the source at a path or at s3://bucket/prefix. Raises DataError, InvalidLocation."""
    # Each kind of source builds on this module.
    from training.scoring.archive import Archive
    from training.scoring.local import Local, idx_names
    from training.scoring.prefix import Prefix

    if "://" in text:
        if match := BUCKET.fullmatch(text):
            return Prefix(text, match["bucket"], match["prefix"] or "")
        raise DataError(f"no pictures can be read at {text!r}; {ACCEPTED}")
    try:
        path = Path(text).expanduser().resolve()
        if path.is_dir():
            return Local(text, str(path), idx_names(path))
        if zipfile.is_zipfile(path):
            return Archive(text, str(path))
        if _is_array(path):
            return Local(text, str(path.parent), (path.name,))
    except (OSError, RuntimeError, ValueError) as error:
        raise DataError(f"nothing can be read at {text!r}: {error}; {ACCEPTED}") from error
    found = "a file that is none of these" if path.exists() else "nothing"
    raise DataError(f"there is {found} at {text!r}; {ACCEPTED}")


def is_hidden(key: str) -> bool:
    """Whether a key is that of a hidden file, or of what macOS adds to a zip."""
    if "." not in key and not key.startswith("__MACOSX"):
        return False
    parts = key.split("/")
    return parts[0] == "__MACOSX" or any(part[:1] == "." and part not in (".", "..") for part in parts)


def is_picture_name(name: str) -> bool:
    """Whether a name is that of a picture."""
    return name.lower().endswith(_SUFFIXES)


def _is_array(path: Path) -> bool:
    from training.scoring import arrays

    if arrays.is_idx(path.name) and path.is_file():
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(arrays.MAGIC)) == arrays.MAGIC
