"""What a connection asks, and what it is answered: between service/connection.py and whoever answers."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

Environ = dict[str, Any]

Body = bytes | memoryview
"""A request's body, for which there is a copy only where someone needs `bytes`."""


@dataclass(slots=True)
class Answer:
    """What answers a request. A header's value has no line break in it: that is its maker's care."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    after: Callable[[], object] | None = None
    """Called when the answer has been given away, also to a client that has gone."""


class Answering(Protocol):
    """What answers requests."""

    most_bytes: int
    """How many bytes long bodies may have together while they are received and wait for their answers."""

    def begin(self) -> None:
        """Make ready, in the process that answers."""

    def limit(self, environ: Environ) -> int:
        """Give how many bytes a request's body may have."""

    def refuses(self, environ: Environ, size: int) -> bool:
        """Whether a request with a long body is to be answered now, as with a body over the limit."""

    def __call__(self, environ: Environ, body: Body | None, answered: Callable[[Answer], None]) -> None:
        """Answer a request, now or later, on the loop. The body is None when it was refused and not read."""
