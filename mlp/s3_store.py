"""The model store in an S3 bucket: the same names as in a folder, `<prefix>/<name>/<version>.npz` and `…/aliases.json`.

Versions are written on the condition that nobody else has, alias documents on the condition that nobody else has
changed them. The requests are in mlp/bucket.py, what is kept on disk in mlp/store_cache.py.
"""

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Final, TypeVar

from mlp import version_file
from mlp.aliases import AliasDocument
from mlp.bucket import Bucket, Found
from mlp.errors import MlpError, StoreUnavailable, VersionFileError, VersionNotFound, in_full
from mlp.metadata import Metadata
from mlp.store import Store
from mlp.store_cache import Cache, folder_of
from mlp.store_names import ALIASES, checked_name, is_model, number_of
from mlp.version import Version

_log = logging.getLogger("mlp")

_TRIES: Final = 30
"""How often a write is made anew because others were faster; of those at once, one succeeds in each round."""

_PAUSE_SECONDS: Final = 2.0
"""For this long after a failure nothing is asked: neither a start nor the threads that answer clients must wait each
time for a bucket that does not answer."""

_LONGEST_SECONDS: Final = 30.0
"""More than a request takes: after a failure one thread asks at a time."""

_ABSENT: Final = Found(b"{}", "absent")
"""What stands for an alias document that is not there."""

_Answer = TypeVar("_Answer")


class S3Store(Store):
    """The store below one prefix of a bucket.

    Until the bucket has answered for the first time, what is kept of it is read where it cannot be reached. From then
    on that raises StoreUnavailable: whoever has read something has it in memory. Nothing is ever written but there.
    """

    def __init__(self, bucket: str, prefix: str, cache: Path) -> None:
        self.location = f"s3://{bucket}/{prefix}".rstrip("/")
        self._bucket = Bucket(bucket)
        self._prefix = f"{prefix}/" if prefix else ""
        self._cache_root = cache
        self._answered = False
        self._failure: StoreUnavailable | None = None
        self._next_try = 0.0
        self._described: dict[tuple[str, int], Metadata] = {}

    @property
    def stale(self) -> bool:
        """Whether the bucket did not answer when it was last asked."""
        return self._failure is not None

    def models(self) -> list[str]:
        """Give the names of the models that have at least one version, sorted. Raises StoreUnavailable."""

        def names() -> list[str]:
            parts = [key.removeprefix(self._prefix).split("/") for key in self._bucket.keys(self._prefix)]
            return sorted({part[0] for part in parts if len(part) == 2 and is_model(part[0]) and number_of(part[1])})

        return self._asked(names, self._cache.models)

    def aliases(self, name: str) -> AliasDocument:
        """Give a model's alias document, an empty one if none is there. Raises AliasDocumentError, StoreUnavailable."""
        key = self._key(name, ALIASES)

        def current() -> AliasDocument:
            found = self._bucket.get(key) or _ABSENT
            return self._keep_document(name, found)

        def kept() -> AliasDocument | None:
            found = self._cache.document(name)
            return AliasDocument.parse(found[1]) if found else None

        return self._asked(current, kept)

    def fingerprint(self, name: str) -> str:
        """Give the alias document's ETag, by a request without a body. Raises StoreUnavailable."""
        key = self._key(name, ALIASES)

        def kept() -> str | None:
            found = self._cache.document(name)
            return found[0] if found else None

        return self._asked(lambda: self._bucket.etag(key) or _ABSENT.etag, kept)

    def read(self, name: str, version: int) -> Version:
        """Read and check a version, from the cache if the bucket still has the same one.

        Raises VersionNotFound, VersionFileError, StoreUnavailable.
        """
        key = self._key(name, f"{version}.npz")

        def current() -> Version:
            etag = self._bucket.etag(key)
            if etag and (data := self._cache.version(name, version, etag)):
                return version_file.unpack(data)
            found = self._bucket.get(key) if etag else None
            if found is None:
                raise _no_version(name, version)
            unpacked = version_file.unpack(found.data)
            self._keep_version(name, version, found)
            return unpacked

        def kept() -> Version | None:
            data = self._cache.version(name, version)
            return version_file.unpack(data) if data else None

        with _named(version):
            return self._asked(current, kept)

    def metadata(self, name: str, version: int) -> Metadata:
        """Read what a version says of itself, unchecked, without fetching the rest. Raises as `read` does."""
        key = self._key(name, f"{version}.npz")

        def current() -> Metadata:
            file = self._bucket.open(key)
            if file is None:
                raise _no_version(name, version)
            return version_file.metadata_in(file)

        def kept() -> Metadata | None:
            data = self._cache.version(name, version)
            return version_file.metadata_in(BytesIO(data)) if data else None

        if (name, version) not in self._described:
            with _named(version):
                self._described[name, version] = self._asked(current, kept)  # a version never changes
        return self._described[name, version]

    def _numbers(self, name: str) -> list[int]:
        folder = self._key(name, "")

        def numbers() -> list[int]:
            found = (number_of(key.removeprefix(folder)) for key in self._bucket.keys(folder))
            return sorted(number for number in found if number is not None)

        return self._asked(numbers, lambda: self._cache.numbers(name))

    def _has(self, name: str, number: int) -> bool:
        key = self._key(name, f"{number}.npz")
        return self._asked(lambda: self._bucket.etag(key) is not None, lambda: number in self._cache.numbers(name))

    def _add(self, name: str, packed: Callable[[int], bytes]) -> int:
        for attempt in range(_TRIES):
            number = self._next_number(name)
            key = self._key(name, f"{number}.npz")
            if self._bucket.put(key, packed(number), replacing=None):
                if number not in self.aliases(name).deleted:
                    return number
                self._bucket.delete([key])  # someone else has published and deleted this number in the meantime
            _wait(attempt)
        raise StoreUnavailable(f"{_TRIES} times someone else took the next number of {name!r} first")

    def _change(self, name: str, change: Callable[[AliasDocument], AliasDocument]) -> AliasDocument:
        key = self._key(name, ALIASES)
        for attempt in range(_TRIES):
            found = self._bucket.get(key)
            before = AliasDocument() if found is None else AliasDocument.parse(found.data)
            after = change(before)
            if after == before:
                return before
            etag = self._bucket.put(key, after.text(), replacing=None if found is None else found.etag)
            if etag is not None:
                return self._keep_document(name, Found(after.text(), etag))
            _wait(attempt)
        raise StoreUnavailable(f"{_TRIES} times someone else changed the aliases of {name!r} first")

    def _remove(self, name: str, numbers: Iterable[int]) -> None:
        numbers = list(numbers)
        self._bucket.delete(self._key(name, f"{number}.npz") for number in numbers)
        for number in numbers:
            self._described.pop((name, number), None)

    @cached_property
    def _cache(self) -> Cache:
        return Cache(folder_of(self._cache_root, f"{self._bucket.endpoint}/{self._bucket.name}/{self._prefix}"))

    def _keep_document(self, name: str, found: Found) -> AliasDocument:
        """Keep the present alias document, and give it. Raises AliasDocumentError."""
        document = AliasDocument.parse(found.data)
        complete = set(document.aliases.values()) <= set(self._cache.numbers(name))
        self._cache.keep_document(name, found.etag, found.data, complete=complete)
        return document

    def _keep_version(self, name: str, version: int, found: Found) -> None:
        """Keep a version, and those that the alias documents name; perhaps a later one of these is complete now."""
        waiting = self._cache.waiting(name)
        documents = [AliasDocument.parse(text) for _, text in filter(None, (self._cache.document(name), waiting))]
        in_use = frozenset[int]().union(*(document.in_use for document in documents))
        self._cache.keep_version(name, version, found.etag, found.data, in_use)
        if waiting:
            self._keep_document(name, Found(waiting[1], waiting[0]))

    def _key(self, name: str, file: str) -> str:
        return f"{self._prefix}{checked_name(name)}/{file}"

    def _asked(self, current: Callable[[], _Answer], kept: Callable[[], _Answer | None]) -> _Answer:
        """Give what the bucket answers, or before it has ever done so, what is kept, unless that is nothing.

        While it does not answer, it is asked now and then, and by one thread at a time.
        """
        failure = self._failure
        if failure is None or time.monotonic() > self._next_try:
            self._next_try = time.monotonic() + _LONGEST_SECONDS
            try:
                answer = current()
            except StoreUnavailable as error:
                failure = error
                self._failed(error)
            except MlpError:
                self._succeeded()
                raise
            else:
                self._succeeded()
                return answer
        if not self._answered and (found := kept()):
            return found
        raise failure

    def _failed(self, error: StoreUnavailable) -> None:
        if self._failure is None:
            _log.warning("the store does not answer", extra={"store": self.location, "reason": in_full(error)})
        self._failure = error
        self._next_try = time.monotonic() + _PAUSE_SECONDS

    def _succeeded(self) -> None:
        if self._failure is not None:
            _log.info("the store answers again", extra={"store": self.location})
        self._answered, self._failure = True, None


def _no_version(name: str, version: int) -> VersionNotFound:
    return VersionNotFound(f"model {name!r} has no version {version}")


@contextmanager
def _named(version: int) -> Iterator[None]:
    """Put the version file's name before what is wrong with it."""
    try:
        yield
    except VersionFileError as error:
        raise VersionFileError(f"{version}.npz: {error}") from error


def _wait(attempt: int) -> None:
    """Let others finish; by chance, so that two do not go on meeting."""
    time.sleep(random.uniform(0, min(1.0, 0.02 * 2**attempt)))  # noqa: S311 - not for secrets
