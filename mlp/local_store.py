"""The model store in a folder: `<name>/<version>.npz`, written once, and `<name>/aliases.json`, replaced whole."""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from mlp import version_file, whole_file
from mlp.aliases import AliasDocument
from mlp.errors import StoreUnavailable, VersionNotFound
from mlp.metadata import Metadata
from mlp.store import Store
from mlp.store_names import ALIASES, checked_name, is_model, number_of
from mlp.version import Version

_YOUNG_SECONDS = 3.0
"""A file written this lately could be written once more with the same size and time; FAT and some network file systems
count in steps of two seconds."""

_LOCK_PAUSE_SECONDS = 0.005

_LOCK_SECONDS = 20.0
"""Longest wait for another writer, which takes milliseconds for a document and seconds for a large version: one that
was stopped in the middle must not stop all others."""

_Read = TypeVar("_Read")


class LocalStore(Store):
    """The store below one folder, which may be a mounted volume or lead over symbolic links.

    Writers in other processes are kept apart by a lock on the model's folder; readers need none.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.location = str(root)

    @property
    def stale(self) -> bool:
        """Never: there is no copy of a folder to read instead."""
        return False

    def models(self) -> list[str]:
        """Give the names of the models that have at least one version, sorted. Raises StoreUnavailable."""
        with _available(self.root):
            folders = [entry.name for entry in self.root.iterdir() if is_model(entry.name) and entry.is_dir()]
        return sorted(name for name in folders if self._numbers(name))

    def aliases(self, name: str) -> AliasDocument:
        """Give a model's alias document, an empty one if none is there. Raises AliasDocumentError, StoreUnavailable."""
        with _available(self.root):
            try:
                return AliasDocument.parse((self._folder(name) / ALIASES).read_bytes())
            except FileNotFoundError:
                return AliasDocument()

    def fingerprint(self, name: str) -> str:
        """Give what tells one alias file from the next: that of the file that symbolic links lead to now.

        Every replacement has another inode or another time of change, which no program can set. Only while the file
        is a few seconds old its content counts, too, since two writes may fall within one tick of the clock.
        """
        path = self._folder(name) / ALIASES
        with _available(self.root):
            try:
                found = path.stat()
                young = max(found.st_mtime, found.st_ctime) > time.time() - _YOUNG_SECONDS
                content = hashlib.sha256(path.read_bytes()).hexdigest() if young else ""
            except FileNotFoundError:
                return "absent"
        stamps = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        return "-".join([*map(str, stamps), content])

    def read(self, name: str, version: int) -> Version:
        """Read and check a version. Raises VersionNotFound, VersionFileError, StoreUnavailable."""
        return self._version(name, version, version_file.read)

    def metadata(self, name: str, version: int) -> Metadata:
        """Read what a version says of itself, unchecked. Raises as `read` does."""
        return self._version(name, version, version_file.read_metadata)

    def report(self, name: str, version: int) -> Path | None:
        """Give the file in which a training run has reported on a version, if there is one."""
        path = self._folder(name) / f"{version}.html"
        with _available(self.root):
            return path if path.is_file() else None

    def _version(self, name: str, version: int, reader: Callable[[Path], _Read]) -> _Read:
        with _available(self.root):
            try:
                return reader(self._folder(name) / f"{version}.npz")
            except FileNotFoundError:
                raise VersionNotFound(f"model {name!r} has no version {version}") from None

    def _numbers(self, name: str) -> list[int]:
        with _available(self.root):
            try:
                with os.scandir(self._folder(name)) as files:
                    return sorted(number for file in files if (number := number_of(file.name)) is not None)
            except (FileNotFoundError, NotADirectoryError):
                return []

    def _has(self, name: str, number: int) -> bool:
        with _available(self.root):
            return (self._folder(name) / f"{number}.npz").exists()

    def _add(self, name: str, packed: Callable[[int], bytes]) -> int:
        with self._locked(name) as folder:
            number = self._next_number(name)
            whole_file.write(folder / f"{number}.npz", packed(number))
        return number

    def _change(self, name: str, change: Callable[[AliasDocument], AliasDocument]) -> AliasDocument:
        with self._locked(name) as folder:
            before = self.aliases(name)
            after = change(before)
            if after != before:
                whole_file.write((folder / ALIASES).resolve(), after.text())  # a symbolic link stays one
        return after

    def _remove(self, name: str, numbers: Iterable[int]) -> None:
        """Remove versions, and the reports that a training run has left beside them."""
        with self._locked(name) as folder:
            for number in numbers:
                (folder / f"{number}.npz").unlink(missing_ok=True)
                (folder / f"{number}.html").unlink(missing_ok=True)

    def _folder(self, name: str) -> Path:
        return self.root / checked_name(name)

    @contextmanager
    def _locked(self, name: str) -> Iterator[Path]:
        """Keep other writers of a model out, and clear away what one that died in the middle has left behind."""
        folder = self._folder(name)
        with _available(self.root):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                _lock(descriptor, name)
                for left in [*folder.glob(".*.npz.*.tmp"), *folder.glob(f".{ALIASES}.*.tmp")]:
                    left.unlink(missing_ok=True)
                yield folder
            finally:
                os.close(descriptor)


def _lock(descriptor: int, name: str) -> None:
    """Take the lock of a model's folder. Raises StoreUnavailable when another writer keeps it for too long."""
    end = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise StoreUnavailable(
                    f"another program has been writing model {name!r} for more than {_LOCK_SECONDS:g} s, and nothing "
                    "was changed: see whether it hangs, and try again"
                ) from None
            time.sleep(_LOCK_PAUSE_SECONDS)


@contextmanager
def _available(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StoreUnavailable(f"the model store cannot be used: {reason}", inside=str(root)) from error
