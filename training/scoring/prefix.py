"""Pictures and arrays below a prefix of an S3 bucket. A job fetches its own, several at a time."""

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy.typing as npt

from mlp.bucket import Bucket, Entry
from mlp.errors import ArrayError, StoreUnavailable
from mlp.metadata import Input
from training.errors import DataError
from training.folder import MAX_FILE_BYTES
from training.scoring import arrays
from training.scoring.items import Bad, Item, Picture, Rows
from training.scoring.source import Source, Unreadable, is_hidden

_REQUESTS: Final = 8
"""Pictures that a process fetches at a time: a request is mostly waiting, for 10 to 50 ms."""

_GONE: Final = "it is no longer there"
_FORBIDDEN: Final = {"AccessDenied", "403", "InvalidObjectState"}
"""What a bucket says of one object that it does not give, or has in an archive; anything else is about all of them."""


@dataclass(frozen=True, slots=True)
class Prefix(Source):
    """The objects below a prefix that are not hidden, and the object with that very key, in the order of their keys."""

    name: str
    bucket: str
    prefix: str

    def items(self, spec: Input, largest: int | None) -> Iterator[Item]:
        """Give each object: an array by its layout, a picture unread. Raises DataError when the bucket does not."""
        with self._asked():
            for entry in _bucket(self.bucket).entries(self.prefix):
                if self.is_below(entry.key):
                    yield self._item(entry, spec, largest)

    def encoded(self, pictures: Sequence[Picture]) -> Iterator[bytes | Unreadable]:
        """Give the bytes of each picture, or why they cannot be had. Raises DataError."""
        with self._asked(), ThreadPoolExecutor(_REQUESTS) as threads:
            _ = _bucket(self.bucket).endpoint  # connects, once and not in each thread
            running: deque[Future[bytes | Unreadable]] = deque()
            for picture in pictures:
                running.append(threads.submit(self._get, picture))
                if len(running) > 2 * _REQUESTS:
                    yield running.popleft().result()
            while running:
                yield running.popleft().result()

    def rows(self, rows: Rows) -> npt.NDArray[Any]:
        """Give some pictures of an array. Raises ArrayError, DataError."""
        with self._asked():
            file = _bucket(self.bucket).open(rows.key)
            if file is None:
                raise ArrayError(_GONE)
            return arrays.rows(file, rows.layout, rows.start, rows.stop)

    def _get(self, picture: Picture) -> bytes | Unreadable:
        try:
            found = _bucket(self.bucket).get(picture.key)
        except StoreUnavailable as error:
            answer = getattr(error.__cause__, "response", {})
            code = str(answer.get("Error", {}).get("Code", ""))
            if code not in _FORBIDDEN:
                raise
            return Unreadable(f"the bucket does not give it: {code}")
        return Unreadable(_GONE) if found is None else found.data

    def _item(self, entry: Entry, spec: Input, largest: int | None) -> Item:
        key = entry.key
        if not key.endswith(".npy"):
            if entry.size > MAX_FILE_BYTES:
                return Bad(key, f"the object has {entry.size} bytes, the most is {MAX_FILE_BYTES}")
            return Picture(key, entry.etag)
        try:
            file = _bucket(self.bucket).open(entry.key)
            if file is None:
                return Bad(key, _GONE)
            layout = arrays.npy_layout(file, entry.size, spec, largest)
        except ArrayError as error:
            return Bad(key, str(error))
        return Rows(key, entry.etag, layout, 0, layout.shape[0])

    def is_below(self, key: str) -> bool:
        """Tell whether an object with this key belongs to the source."""
        folder = self.prefix if not self.prefix or self.prefix.endswith("/") else f"{self.prefix}/"
        below = key.removeprefix(folder) if key.startswith(folder) else ""
        return key == self.prefix or (below != "" and not below.endswith("/") and not is_hidden(below))

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except StoreUnavailable as error:
            raise DataError(str(error)) from error


@cache
def _bucket(name: str) -> Bucket:
    """Give this process's way to a bucket."""
    return Bucket(name, "the bucket")
