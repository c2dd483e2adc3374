"""The requests to an S3 bucket that stores and scoring make, as functions of bytes: which errors mean what, how long.

What the objects mean is mlp/s3_store.py's matter. boto3 is the extra `s3` and is imported when a bucket is opened.
"""

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import RawIOBase
from typing import Any, Final

from mlp.errors import InvalidLocation, StoreUnavailable

_TIMEOUTS: Final = {"connect_timeout": 2, "read_timeout": 5}
"""Seconds, the second one from one piece of an answer to the next: what a store in reach takes is milliseconds."""

_ATTEMPTS: Final = 3
"""Of each request, with pauses that grow, at most about 3 seconds together."""

_BLOCK: Final = 2**16
"""Bytes that are read at once: more than a zip's directory has, and than what a version says of itself."""

_EMPTY: Final = {"416", "InvalidRange"}
"""Codes for a part of an object that has no bytes."""

_ABSENT: Final = {"404", "NoSuchKey", "NotFound"}
_LOST: Final = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict", *_ABSENT}
"""Codes for a condition that does not hold: the object is another one now, or none, or is just being written."""

_WRITER: Final = "writer"
"""Name of the metadata by which a writer knows an object as its own."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object as it was at one moment."""

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An object in a listing: its key, its bytes, and a text that is another one when they have changed."""

    key: str
    size: int
    etag: str


class Bucket:
    """One bucket. It may be used from any thread, and on both sides of a fork: each process has its own connections.

    Address and credentials are what boto3 finds: the AWS_* variables, a profile, the role of the machine. Everything
    raises StoreUnavailable when the bucket does not do what was asked for; no request takes longer than about 20
    seconds without a byte being moved.
    """

    def __init__(self, name: str, what: str = "the model store") -> None:
        """Say in messages that this is `what`."""
        try:
            import boto3.session
            import botocore.config
            import botocore.exceptions
        except ModuleNotFoundError as error:
            raise InvalidLocation(f"s3://{name}: {error.name} is not installed; it is in the extra s3") from error
        self.name, self._what = name, what
        self._session = boto3.session.Session
        self._config = botocore.config.Config(
            **_TIMEOUTS,
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
            # What S3 adds to requests and answers by default, older servers of the same interface do not know.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        self._refused = botocore.exceptions.ClientError
        self._errors = (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError, OSError)
        self._client: tuple[int, Any] = (0, None)

    @property
    def endpoint(self) -> str:
        """The address that requests go to."""
        with self._asked():
            return str(self._connected().meta.endpoint_url)

    def get(self, key: str) -> Found | None:
        """Give an object, None if there is none."""
        with self._asked():
            answer = self._about("get_object", key)
            if answer is None:
                return None
            with answer["Body"] as body:
                return Found(body.read(), answer["ETag"])

    def etag(self, key: str) -> str | None:
        """Give an object's ETag, None if there is none."""
        with self._asked():
            answer = self._about("head_object", key)
            return None if answer is None else str(answer["ETag"])

    def open(self, key: str) -> "RangedFile | None":
        """Give an object as a file of which only what is read is fetched, None if there is none."""
        with self._asked():
            try:
                answer = self._about("get_object", key, Range=f"bytes=-{_BLOCK}")
            except self._refused as error:
                if _code(error) not in _EMPTY:
                    raise
                return RangedFile(self, key, 0, b"")
            if answer is None:
                return None
            with answer["Body"] as body:
                tail = body.read()
        size = int(answer.get("ContentRange", f"/{len(tail)}").rpartition("/")[2])
        return RangedFile(self, key, size, tail)

    def part(self, key: str, start: int, end: int) -> bytes:
        """Give bytes `start` to `end`, without the latter, of an object that is there."""
        with self._asked():
            answer = self._connected().get_object(Bucket=self.name, Key=key, Range=f"bytes={start}-{end - 1}")
            with answer["Body"] as body:
                return body.read()

    def put(self, key: str, data: bytes, replacing: str | None) -> str | None:
        """Write an object and give its ETag, if the one there has the ETag `replacing`, or for None, is not there.

        Otherwise give None; then nothing was written.
        """
        writer = uuid.uuid4().hex
        condition = {"IfNoneMatch": "*"} if replacing is None else {"IfMatch": replacing}
        with self._asked():
            said = {"Body": data, "Metadata": {_WRITER: writer}, **condition}
            try:
                return str(self._connected().put_object(Bucket=self.name, Key=key, **said)["ETag"])
            except self._refused as error:
                if _code(error) not in _LOST:
                    raise
            # The first attempt may have been heard and its answer lost: then it was this very writer who won.
            there = self._about("head_object", key)
            return str(there["ETag"]) if there and there["Metadata"].get(_WRITER) == writer else None

    def keys(self, prefix: str) -> Iterator[str]:
        """Give the keys that begin with `prefix`, a request for each thousand."""
        return (entry.key for entry in self.entries(prefix))

    def entries(self, prefix: str) -> Iterator[Entry]:
        """Give what begins with `prefix`, by its key, a request for each thousand."""
        with self._asked():
            pages = self._connected().get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield Entry(str(entry["Key"]), int(entry["Size"]), str(entry["ETag"]))

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; one that is not there is no error."""
        with self._asked():
            for key in keys:
                self._connected().delete_object(Bucket=self.name, Key=key)

    def _about(self, request: str, key: str, **more: object) -> dict[str, Any] | None:
        """Ask for an object or what is known of it, None if there is none."""
        try:
            return getattr(self._connected(), request)(Bucket=self.name, Key=key, **more)
        except self._refused as error:
            if _code(error) not in _ABSENT:
                raise
            return None

    def _connected(self) -> Any:
        """Give this process's client; a fork must not share its parent's connections."""
        process, client = self._client
        if process != os.getpid():
            client = self._session().client("s3", config=self._config)
            self._client = (os.getpid(), client)
        return client

    @contextmanager
    def _asked(self) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            reason = error if isinstance(error, self._refused) else type(error).__name__
            inside = f"s3://{self.name}: {error}"
            raise StoreUnavailable(f"{self._what} cannot be used: {reason}", inside=inside) from error


class RangedFile(RawIOBase):
    """A file to read and seek in, which holds one block of an object at a time and begins with the last one."""

    def __init__(self, bucket: Bucket, key: str, size: int, tail: bytes) -> None:
        self._bucket = bucket
        self._key = key
        self._size = size
        self._block = tail
        self._start = size - len(tail)
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Give the position."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a position, as in any file."""
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Read bytes from the position on, fewer only at the end."""
        start = self._position
        end = self._size if size < 0 else min(self._size, start + size)
        if end <= start:
            return b""
        if not self._start <= start <= end <= self._start + len(self._block):
            self._block = self._bucket.part(self._key, start, min(self._size, max(end, start + _BLOCK)))
            self._start = start
        self._position = end
        return self._block[start - self._start : end - self._start]


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
