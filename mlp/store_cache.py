"""What is kept on disk of a store in reach of the network: the alias documents, and the versions that were read.

`<model>/aliases` is an ETag in its first line and the document below, the last one whose versions are all kept, too;
`<model>/aliases.next` is a later one that still waits for some. `<model>/<version>-<tag>-<digest>.npz` is a version
file: the tag stands for its ETag, the digest for its bytes. Files are written whole or not at all, by any number of
processes at once. A cache that cannot be used costs a warning, never an answer.
"""

import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from mlp import whole_file

_log = logging.getLogger("mlp")

_SPARE: Final = 4
"""Versions of a model that are kept although no alias names them: the ones that were used last."""

_LEFT_OVER_SECONDS: Final = 3600
"""No write takes this long."""

_COMPLETE: Final = "aliases"
_WAITING: Final = "aliases.next"
_FILE = re.compile(r"([1-9][0-9]{0,8})-([0-9a-f]{16})-([0-9a-f]{16})\.npz")

_Kept = TypeVar("_Kept")


class Cache:
    """The cache of one store, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._warned = False

    def models(self) -> list[str]:
        """Give the names of the models of which a version is kept, sorted."""

        def names() -> list[str]:
            return sorted({path.parent.name for path in self.folder.glob("*/*.npz") if _FILE.fullmatch(path.name)})

        return self._tried(names, [])

    def numbers(self, name: str) -> list[int]:
        """Give the numbers of the versions that are kept, rising."""
        return sorted({number for number, _ in self._versions(name)})

    def document(self, name: str) -> tuple[str, bytes] | None:
        """Give the ETag and the text of the alias document to start from, None if there is none."""
        return self._document(name, _COMPLETE) or self.waiting(name)

    def waiting(self, name: str) -> tuple[str, bytes] | None:
        """Give the ETag and the text of a later alias document, of which not all versions are kept."""
        return self._document(name, _WAITING)

    def keep_document(self, name: str, etag: str, text: bytes, *, complete: bool) -> None:
        """Keep the present alias document; in place of the one before only if all its versions are kept."""
        file = _COMPLETE if complete else _WAITING
        if self._document(name, file) != (etag, text):
            self._write(name, file, etag.encode() + b"\n" + text)
        if complete:
            self._remove(self.folder / name / _WAITING)

    def version(self, name: str, number: int, etag: str | None = None) -> bytes | None:
        """Give a version's file if the one with this ETag is kept; without an ETag any, the last used first."""
        for kept, path in reversed(self._versions(name)):
            if kept == number and (etag is None or path.name.startswith(f"{number}-{_tag(etag.encode())}-")):
                data = self._tried(path.read_bytes, None)
                if data is not None and path.stem.endswith(_tag(data)):
                    self._tried(partial(os.utime, path), None)
                    return data
                self._remove(path)  # it is damaged
        return None

    def keep_version(self, name: str, number: int, etag: str, data: bytes, in_use: Collection[int]) -> None:
        """Keep a version's file, and of the others those in use and the few that were used last."""
        file = f"{number}-{_tag(etag.encode())}-{_tag(data)}.npz"
        self._write(name, file, data)
        others = [(kept, path) for kept, path in self._versions(name) if path.name != file]
        spare = [path for kept, path in others if kept not in in_use and kept != number]
        for path in [*spare[:-_SPARE], *(path for kept, path in others if kept == number), *self._left_over(name)]:
            self._remove(path)

    def _document(self, name: str, file: str) -> tuple[str, bytes] | None:
        def read() -> tuple[str, bytes] | None:
            etag, newline, text = (self.folder / name / file).read_bytes().partition(b"\n")
            return (etag.decode(), text) if newline else None

        return self._tried(read, None)

    def _left_over(self, name: str) -> list[Path]:
        """Give what writers that died in the middle have left behind."""

        def found() -> list[Path]:
            old = time.time() - _LEFT_OVER_SECONDS
            return [path for path in (self.folder / name).glob(".*.tmp") if path.stat().st_mtime < old]

        return self._tried(found, [])

    def _remove(self, path: Path) -> None:
        self._tried(partial(path.unlink, missing_ok=True), None)

    def _versions(self, name: str) -> list[tuple[int, Path]]:
        """Give the number and the path of what is kept, the last used last."""

        def found() -> list[tuple[int, Path]]:
            if not (self.folder / name).is_dir():
                return []
            paths = [(path, _FILE.fullmatch(path.name)) for path in (self.folder / name).iterdir()]
            dated = [(path.stat().st_mtime_ns, int(match[1]), path) for path, match in paths if match]
            return [(number, path) for _, number, path in sorted(dated)]

        return self._tried(found, [])

    def _write(self, name: str, file: str, data: bytes) -> None:
        def write() -> None:
            (self.folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
            whole_file.write(self.folder / name / file, data)

        self._tried(write, None)

    def _tried(self, act: Callable[[], _Kept], otherwise: _Kept) -> _Kept:
        try:
            return act()
        except FileNotFoundError:
            return otherwise
        except OSError as error:
            if not self._warned:
                self._warned = True
                said = {"cache": str(self.folder), "reason": str(error)}
                _log.warning("the cache cannot be used; without the store there is nothing to start from", extra=said)
            return otherwise


def folder_of(root: Path, location: str) -> Path:
    """Give the folder of a store's cache: its location readable, and a digest that keeps two of them apart."""
    readable = re.sub(r"[^a-z0-9-]+", "-", location.lower()).strip("-")
    return root / f"{readable[:80]}-{hashlib.sha256(location.encode()).hexdigest()[:12]}"


def _tag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
