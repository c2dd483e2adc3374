"""Pictures and arrays in a folder of this machine, or of a disk that all workers have."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from mlp.errors import ArrayError, PictureError
from mlp.metadata import Input
from training import folder
from training.errors import DataError
from training.scoring import arrays
from training.scoring.items import Bad, Item, Picture, Rows
from training.scoring.source import Source, Unreadable, is_picture_name


@dataclass(frozen=True, slots=True)
class Local(Source):
    """All files below a folder that are not hidden, sorted by their names; or, of a folder's, the arrays named."""

    name: str
    root: str
    only: tuple[str, ...] = ()

    def items(self, spec: Input, largest: int | None) -> Iterator[Item]:
        """Give each file: an array by its layout, a picture unread, what is neither with the reason.

        Raises DataError when the folder cannot be read, or an array that was asked for is none.
        """
        for name in self.only:
            try:
                yield self._array(name, spec, largest)
            except (ArrayError, DataError, OSError) as error:
                raise DataError(f"{Path(self.root, name)}: {reason(error)}") from error
        if self.only:
            return
        for key, found in self._files():
            yield Bad(key, found) if isinstance(found, str) else self._item(key, found, spec, largest)

    def encoded(self, pictures: Sequence[Picture]) -> Iterator[bytes | Unreadable]:
        """Give the bytes of each picture, or why they cannot be had. Raises DataError."""
        for picture in pictures:
            try:
                yield folder.content(Path(self.root, picture.key))
            except (PictureError, OSError) as error:
                self._check()
                yield Unreadable(reason(error))

    def rows(self, rows: Rows) -> npt.NDArray[Any]:
        """Give some pictures of an array. Raises ArrayError, OSError, DataError."""
        try:
            with Path(self.root, rows.key).open("rb") as file:
                return arrays.rows(file, rows.layout, rows.start, rows.stop)
        except OSError:
            self._check()
            raise

    def _check(self) -> None:
        """Do not take a folder that is not here for one whose pictures are all bad."""
        if not Path(self.root).is_dir():
            raise DataError(f"the folder {self.root} cannot be read here; on a cluster, every worker must have it")

    def _item(self, key: str, entry: os.DirEntry[str], spec: Input, largest: int | None) -> Item:
        try:
            if key.endswith(".npy"):
                return self._array(key, spec, largest)
            return Picture(key, _mark(entry.stat()))
        except (ArrayError, OSError) as error:
            return Bad(key, reason(error))

    def _array(self, key: str, spec: Input, largest: int | None) -> Rows:
        path = Path(self.root, key)
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if arrays.is_idx(key):
                layout = arrays.idx_layout(file, spec, largest)
            else:
                layout = arrays.npy_layout(file, status.st_size, spec, largest)
        return Rows(key, _mark(status), layout, 0, layout.shape[0])

    def _files(self) -> Iterator[tuple[str, os.DirEntry[str] | str]]:
        """Give the key of each file, and the file, or why it cannot be scored.

        The names of one folder are in memory at a time, and those of the folders above it.
        """
        waiting = [self._entries("")]
        while waiting:
            for name, found in waiting[-1]:
                what = found if isinstance(found, str) else _kind(found)
                if what != "folder":
                    yield name, what or found
                    continue
                if is_picture_name(name):
                    yield name, "a folder, not a file"
                waiting.append(self._entries(f"{name}/"))
                break  # what is in it comes first
            else:
                waiting.pop()

    def _entries(self, prefix: str) -> Iterator[tuple[str, os.DirEntry[str] | str]]:
        """Give what is directly in a folder, sorted by name, or why that cannot be told."""
        path = Path(self.root, prefix)
        try:
            with os.scandir(path) as found:
                entries = {prefix + entry.name: entry for entry in found if not entry.name.startswith(".")}
        except OSError as error:
            if not prefix:
                raise DataError(f"the folder {path} cannot be read: {reason(error)}") from error
            return iter([(prefix, f"the folder cannot be read: {reason(error)}")])
        return iter([(key, entries[key]) for key in sorted(entries)])


def idx_names(path: Path) -> tuple[str, ...]:
    """Give the names of the IDX files of pictures directly in a folder, sorted. Raises OSError."""
    return tuple(sorted(entry.name for entry in path.iterdir() if arrays.is_idx(entry.name) and entry.is_file()))


def reason(error: Exception) -> str:
    """Give what is wrong with a file, without its path."""
    return getattr(error, "strerror", None) or str(error)


def _kind(entry: os.DirEntry[str]) -> str:
    """Give "folder", nothing for a file, and else what is wrong with it."""
    try:
        if entry.is_file():
            return ""
        if entry.is_dir():
            return "a link to a folder, which is not followed" if entry.is_symlink() else "folder"
    except OSError as error:  # a link to itself
        return reason(error)
    return "not a file, or a link to nothing"


def _mark(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns}"
