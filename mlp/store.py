"""The model store in a folder: `<name>/<version>.npz`, written once, and `<name>/aliases.json`, replaced whole.

What is in a version file is mlp/version_file.py's matter, what is in the alias document mlp/aliases.py's.
"""

import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from mlp import version_file
from mlp.aliases import PRODUCTION, AliasDocument
from mlp.arrays import Uint8
from mlp.errors import ModelNotFound, StoreUnavailable, VersionNotFound
from mlp.metadata import Metadata
from mlp.network import Layer
from mlp.version import Version

_MODEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_VERSION_FILE = re.compile(r"([1-9][0-9]{0,8})\.npz")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_ALIASES = "aliases.json"

_Read = TypeVar("_Read")


class LocalStore:
    """Versions and aliases below one folder, for many readers and writers at once.

    A version appears whole or not at all, under a number nobody else gets; an alias document is never seen half
    written. Writers in other processes are kept apart by a lock on the model's folder; readers need none.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def models(self) -> list[str]:
        """Give the names of the models that have at least one version, sorted. Raises StoreUnavailable."""
        with _available(self.root):
            folders = [entry.name for entry in self.root.iterdir() if _MODEL.fullmatch(entry.name) and entry.is_dir()]
        return sorted(name for name in folders if self._numbers(name))

    def versions(self, name: str) -> list[int]:
        """Give the version numbers of a model, rising. Raises ModelNotFound, StoreUnavailable."""
        if numbers := self._numbers(name):
            return numbers
        raise ModelNotFound(f"there is no model {name!r}; there are: {', '.join(self.models()) or 'none'}")

    def aliases(self, name: str) -> AliasDocument:
        """Give a model's alias document, an empty one if none is there. Raises AliasDocumentError, StoreUnavailable."""
        with _available(self.root):
            try:
                return AliasDocument.parse((self._folder(name) / _ALIASES).read_bytes())
            except FileNotFoundError:
                return AliasDocument()

    def resolve(self, name: str, reference: str = PRODUCTION) -> int:
        """Give the number that `reference`, a number or an alias, stands for.

        Raises ModelNotFound, VersionNotFound, AliasDocumentError, StoreUnavailable.
        """
        versions = self.versions(name)
        if _NUMBER.fullmatch(reference):
            number = int(reference)
        elif (named := self.aliases(name).aliases.get(reference)) is not None:
            number = named
        else:
            raise VersionNotFound(f"model {name!r} has no version or alias {reference!r}")
        if number not in versions:
            raise VersionNotFound(f"model {name!r} has no version {number}; it has {', '.join(map(str, versions))}")
        return number

    def read(self, name: str, version: int) -> Version:
        """Read and check a version. Raises VersionNotFound, VersionFileError, StoreUnavailable."""
        return self._version(name, version, version_file.read)

    def metadata(self, name: str, version: int) -> Metadata:
        """Read what a version says of itself, unchecked. Raises as `read` does."""
        return self._version(name, version, version_file.read_metadata)

    def publish(self, metadata: Metadata, layers: Sequence[Layer], golden_inputs: Uint8) -> int:
        """Write a new version under the next free number, and give that; `metadata`'s own number does not count.

        No alias moves. Raises VersionFileError, StoreUnavailable; then nothing was written.
        """
        name = metadata.name
        with self._locked(name) as folder:
            number = max(self._numbers(name), default=0) + 1
            data = version_file.pack(metadata.model_copy(update={"version": number}), layers, golden_inputs)
            _write(folder / f"{number}.npz", data)
        return number

    def promote(self, name: str, version: int, alias: str = PRODUCTION) -> AliasDocument:
        """Let `alias` name `version`, and give the new document.

        Raises ModelNotFound, VersionNotFound, VersionFileError (a version that cannot be served is not promoted),
        AliasDocumentError, StoreUnavailable.
        """
        self.read(name, self.resolve(name, str(version)))
        return self._rewrite(name, lambda document: document.moved(alias, version))

    def rollback(self, name: str, alias: str = PRODUCTION) -> AliasDocument:
        """Let `alias` name what it named before, and give the new document.

        Raises NothingToRollBack and what `promote` raises.
        """
        self.versions(name)
        target = self.aliases(name).rolled_back(alias).aliases[alias]
        self.read(name, self.resolve(name, str(target)))
        return self._rewrite(name, lambda document: document.rolled_back(alias))

    def _rewrite(self, name: str, change: Callable[[AliasDocument], AliasDocument]) -> AliasDocument:
        with self._locked(name) as folder:
            before = self.aliases(name)
            after = change(before)
            if after != before:
                _write(folder / _ALIASES, after.text())
        return after

    def _version(self, name: str, version: int, reader: Callable[[Path], _Read]) -> _Read:
        with _available(self.root):
            try:
                return reader(self._folder(name) / f"{version}.npz")
            except FileNotFoundError:
                raise VersionNotFound(f"model {name!r} has no version {version}") from None

    def _numbers(self, name: str) -> list[int]:
        with _available(self.root):
            try:
                files = [entry.name for entry in self._folder(name).iterdir()]
            except (FileNotFoundError, NotADirectoryError):
                return []
        return sorted(int(match[1]) for file in files if (match := _VERSION_FILE.fullmatch(file)))

    def _folder(self, name: str) -> Path:
        if not _MODEL.fullmatch(name):  # also what keeps a request's `model` inside the store
            raise ModelNotFound(f"{name!r} is not a model's name: letters a-z, digits, '-' and '_', at most 64")
        return self.root / name

    @contextmanager
    def _locked(self, name: str) -> Iterator[Path]:
        folder = self._folder(name)
        with _available(self.root):
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                yield folder
            finally:
                os.close(descriptor)


def _write(path: Path, data: bytes) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)  # a service under another user reads it
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _available(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"the model store {root} cannot be used: {error.strerror or error}") from error
