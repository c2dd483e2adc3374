"""Which requests are answered on a worker's event loop and which in a thread, and how long their bodies may be.

On the loop a request is answered soonest, and everybody else waits for it meanwhile: so nothing is answered there that
could wait for a store, for other workers, or that is much work.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from service.admin import is_admin
from service.settings import Settings


class Lane(Enum):
    """Where a request is answered, with the number of threads there; requests beyond that number wait in a queue."""

    LOOP = 0
    WORK = 1
    """For large bodies; a second thread would only fight with the first for the interpreter."""
    STORE = 4
    """For what reads the store or changes it, and may wait for other workers meanwhile."""

    @property
    def threads(self) -> int:
        """The number of threads."""
        return self.value


_ON_LOOP: Final = frozenset({"/", "/healthz", "/readyz", "/metrics", "/predict", "/explain"})
"""Paths that are answered from memory."""

_PAGE: Final = "/page/"
"""What the paths of the page's files begin with, which are in memory, too."""

_NUMBERS: Final = frozenset({"application/octet-stream", "application/x-npy"})

_NUMBERS_BYTES: Final = 256 * 2**10
"""Largest body of bare pixels on the loop: 334 pictures, 7 ms through the shipped network."""

_BYTES: Final = 16 * 2**10
"""Largest other body on the loop: one picture in JSON has 3 to 15 KB, one of MNIST as PNG 300 bytes; photographs and
lists of pictures have more."""


class Lanes:
    """The rules, for one service's settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def limit(self, environ: Mapping[str, Any]) -> int:
        """Give how many bytes a request's body may have; the app refuses those with more."""
        if environ["PATH_INFO"].startswith("/models"):
            known = is_admin(environ.get("HTTP_AUTHORIZATION", ""), self._settings)
            return self._settings.max_upload_bytes if known else 0
        return self._settings.max_body_bytes

    def lane(self, environ: Mapping[str, Any], size: int) -> Lane:
        """Give where a request with a body of `size` bytes is answered."""
        if environ["PATH_INFO"].startswith(_PAGE):
            return Lane.LOOP
        if environ["PATH_INFO"] not in _ON_LOOP or "version=" in environ["QUERY_STRING"]:
            return Lane.STORE
        numbers = environ.get("CONTENT_TYPE") in _NUMBERS
        return Lane.LOOP if size <= (_NUMBERS_BYTES if numbers else _BYTES) else Lane.WORK
