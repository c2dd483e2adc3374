"""Where the files of a run go: a folder, or a prefix of an S3 bucket. A file is there whole or not at all.

The names begin with an underscore where a file is no Parquet: what reads a folder of Parquet files passes over these.
"""

import fcntl
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Protocol

from mlp.bucket import Bucket
from mlp.errors import StoreUnavailable
from training.errors import ScoringError
from training.scoring.source import BUCKET
from training.whole_file import whole

PLAN: Final = "_plan.json"
ERRORS: Final = "_errors.jsonl"
SUMMARY: Final = "_summary.json"

_PART: Final = re.compile(r"part-(\d{5,})\.parquet")
_UNFINISHED: Final = ".*.tmp"
_PATIENCE_SECONDS: Final = 5.0
"""How long a folder may be in use still: the processes of a killed run need a second to notice."""


def part(number: int) -> str:
    """Give the name of a shard's file."""
    return f"part-{number:05d}.parquet"


class Output(Protocol):
    """A place for the files of one run; it travels to the processes that score. Raises ScoringError."""

    location: str

    def names(self) -> set[str]:
        """Give the names of all files that are there."""

    def read(self, name: str) -> bytes:
        """Give a file that is there."""

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a file, also in place of another one."""

    def remove(self, names: set[str]) -> None:
        """Remove files; one that is not there is no error."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the place ready, for one run at a time where that can be told."""


def open_output(text: str) -> Output:
    """Give the place at a path or at s3://bucket/prefix. Raises ScoringError."""
    if "://" not in text:
        return InFolder(text, str(Path(text).expanduser().resolve()))
    if match := BUCKET.fullmatch(text):
        prefix = match["prefix"] or ""
        return InBucket(text, match["bucket"], prefix if not prefix or prefix.endswith("/") else f"{prefix}/")
    raise ScoringError(f"{text!r} is no place for scores: a folder or s3://bucket/prefix is expected")


def finished(names: set[str]) -> set[int]:
    """Give the numbers of the shards whose files are among `names`."""
    return {int(match[1]) for match in map(_PART.fullmatch, names) if match}


def ours(names: set[str]) -> set[str]:
    """Give those of `names` that a run may have written."""
    return {name for name in names if _PART.fullmatch(name) or name in (PLAN, ERRORS, SUMMARY)}


@dataclass(frozen=True, slots=True)
class InFolder(Output):
    """A folder; on a cluster, one of a disk that all workers have."""

    location: str
    path: str

    def names(self) -> set[str]:
        """Give the names of all files and folders that are not hidden."""
        with self._tried("read"):
            return {entry.name for entry in Path(self.path).iterdir() if not entry.name.startswith(".")}

    def read(self, name: str) -> bytes:
        """Give a file that is there."""
        with self._tried("read"):
            return Path(self.path, name).read_bytes()

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write a file. A folder that is not there is none of another machine's, and not made."""
        with self._tried("written"):
            if not Path(self.path).is_dir():
                raise ScoringError(f"there is no folder {self.path} here; on a cluster, every worker must have it")
            with whole(Path(self.path, name)) as file:
                file.writelines(pieces)

    def remove(self, names: set[str]) -> None:
        """Remove files."""
        with self._tried("written"):
            for name in names:
                Path(self.path, name).unlink(missing_ok=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder, hold it for this run, and remove what killed processes have left half written."""
        with self._tried("written"):
            Path(self.path).mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDONLY)
        try:
            self._lock(descriptor)
            self._tidy()
            yield
            self._tidy()
        finally:
            os.close(descriptor)

    def _tidy(self) -> None:
        with self._tried("written"):
            for left in Path(self.path).glob(_UNFINISHED):
                left.unlink(missing_ok=True)

    def _lock(self, descriptor: int) -> None:
        """Lock the folder. The system frees it when its holder and the processes of that are dead."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise ScoringError(f"{self.location} is in use by another run") from None
                time.sleep(0.1)

    @contextmanager
    def _tried(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ScoringError(f"{self.location} cannot be {what}: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True)
class InBucket(Output):
    """What is below a prefix of a bucket. Two runs at once do the same work twice, and write the same files."""

    location: str
    bucket: str
    prefix: str

    def names(self) -> set[str]:
        """Give the names below the prefix."""
        with self._tried():
            return {key.removeprefix(self.prefix) for key in _bucket(self.bucket).keys(self.prefix)} - {""}

    def read(self, name: str) -> bytes:
        """Give an object that is there."""
        with self._tried():
            found = _bucket(self.bucket).get(self.prefix + name)
        if found is None:
            raise ScoringError(f"{self.location} has no {name} any more")
        return found.data

    def write(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write an object; where another process is faster, it has written the same."""
        key = self.prefix + name
        with self._tried():
            _bucket(self.bucket).put(key, b"".join(pieces), replacing=_bucket(self.bucket).etag(key))

    def remove(self, names: set[str]) -> None:
        """Remove objects."""
        with self._tried():
            _bucket(self.bucket).delete(self.prefix + name for name in names)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Do nothing: a bucket needs no folder, and cannot tell who else writes."""
        yield

    @contextmanager
    def _tried(self) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable as error:
            raise ScoringError(str(error)) from error


@cache
def _bucket(name: str) -> Bucket:
    """Give this process's way to a bucket."""
    return Bucket(name, "the bucket")
