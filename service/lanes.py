"""Which requests are answered on a worker's event loop and which in a thread, and how long their bodies may be.

On the loop a request is answered soonest, and everybody else waits for it meanwhile: so nothing is answered there that
could wait for a store, for other workers, or that is much work.
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from service.access import Admins
from service.answering import Body
from service.settings import Settings


class Lane(Enum):
    """Where a request is answered, with the number of threads there; requests beyond that number wait in a queue."""

    LOOP = 0
    WORK = 1
    """For large bodies; a second thread would only fight with the first for the interpreter."""
    SCRAPE = 2
    """For what waits for the other workers' counts; not behind what may wait for the store."""
    FEEDBACK = 3
    """For what is kept in the database of corrections; not behind what may wait for the store, and not before it."""
    STORE = 4
    """For what reads the store or changes it, and may wait for other workers meanwhile."""

    @property
    def threads(self) -> int:
        """The number of threads."""
        return self.value


_ON_LOOP: Final = frozenset({"/", "/feedback", "/healthz", "/readyz", "/predict", "/explain", "/docs"})
"""Paths that are answered from memory."""

_PROTOCOLS_ON_LOOP: Final = re.compile(
    r"/v2/models/[^/]+/(infer|ready)/?|/v2/health/(live|ready)/?|/v2/?|/v1/models/[^/:]+:predict/?|/(invocations|ping)/?"
)
"""Those of other protocols. A version in the path may have to be read from the store."""

_CHANGES_STORE: Final = ("/models", "/v2/repository/models/")
"""What paths begin with that need the admin token, but for those that only read."""

_PAGES: Final = ("/page/", "/docs/")
"""What the paths of the pages' files begin with, which are in memory, too."""

_FEEDBACK: Final = "/feedback"

_NUMBERS: Final = frozenset({"application/octet-stream", "application/x-npy"})

_NUMBERS_BYTES: Final = 256 * 2**10
"""Largest body of bare pixels on the loop: 334 pictures, 7 ms through the shipped network."""

_HEAD_BYTES: Final = 2**10
"""Longest JSON before binary tensors of which it is looked up whether they are numbers."""

_HEAD_LENGTH: Final = re.compile(r"[0-9]{1,4}")

_BYTES: Final = 16 * 2**10
"""Largest other body on the loop: one picture in JSON has 3 to 15 KB, one of MNIST as PNG 300 bytes; photographs and
lists of pictures have more."""


class Lanes:
    """The rules, for one service's settings."""

    def __init__(self, settings: Settings, admins: Admins) -> None:
        self._settings = settings
        self._admins = admins
        self.queue_seconds = settings.queue_seconds
        """For which a request may have waited for a thread before others are told to come back later."""
        self.most_bytes = max(settings.max_bodies_bytes, settings.max_body_bytes, settings.max_upload_bytes)
        """How many bytes long bodies may have together; at least one of the largest has room."""

    def limit(self, environ: Mapping[str, Any]) -> int:
        """Give how many bytes a request's body may have; the app refuses those with more."""
        if environ["PATH_INFO"].startswith(_CHANGES_STORE):
            known = self._admins.name(environ.get("HTTP_AUTHORIZATION", ""))
            return self._settings.max_upload_bytes if known else 0
        return self._settings.max_body_bytes

    def lane(self, environ: Mapping[str, Any], size: int, body: Body = b"") -> Lane:
        """Give where a request with a body of `size` bytes is answered; without the body it is taken for no numbers."""
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return Lane.SCRAPE
        if path == "/openapi.json":  # it has to be made once
            return Lane.WORK
        if path.startswith(_FEEDBACK) and environ["REQUEST_METHOD"] != "GET":  # which says what is kept, from memory
            return Lane.FEEDBACK
        on_loop = path in _ON_LOOP or path.startswith(_PAGES) or _PROTOCOLS_ON_LOOP.fullmatch(path)
        if not on_loop or "version=" in environ["QUERY_STRING"]:
            return Lane.STORE
        if "HTTP_CONTENT_ENCODING" in environ:  # nobody knows yet how large it is
            return Lane.WORK
        return Lane.LOOP if size <= (_NUMBERS_BYTES if _is_numbers(environ, body) else _BYTES) else Lane.WORK


def _is_numbers(environ: Mapping[str, Any], body: Body) -> bool:
    """Whether a body is bare numbers, but for a short head that says so."""
    length = environ.get("HTTP_INFERENCE_HEADER_CONTENT_LENGTH")
    if length is None:
        return environ.get("CONTENT_TYPE") in _NUMBERS
    if (
        not _HEAD_LENGTH.fullmatch(length)
        or int(length) > _HEAD_BYTES
        or environ.get("CONTENT_TYPE", "").startswith("image/")
    ):
        return False
    head = bytes(body[: int(length)])
    return b"BYTES" not in head and (not head or b"binary_data_size" in head)
