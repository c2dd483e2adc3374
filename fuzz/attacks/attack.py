"""What an attack is, and how its request is written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

MOST_SECONDS: Final = 1.0
"""Processor time of a worker that an attack may cost, unless it says why it costs more."""

MOST_MB: Final = 150.0
"""Memory of a worker that it may take while it lasts, unless it says why."""

TOKEN: Final = "a token for attacks"  # noqa: S105 - of a server that lives as long as they do

PREDICT: Final = "/predict"


@dataclass(frozen=True, slots=True)
class Attack:
    """One request, and what is expected of the server."""

    name: str
    written: Callable[[], bytes]
    """Gives the request's bytes; made only when they are sent, as they may be many."""
    statuses: frozenset[int]
    """Those that may answer it; 0 for an end without an answer."""
    seconds: float = MOST_SECONDS
    mb: float = MOST_MB
    why: str = ""
    """Why it may cost more than others."""
    short: bool = True
    """Whether it is part of the short form."""


def asked(
    path: str,
    body: bytes = b"",
    content_type: str = "",
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Write a request after which the connection ends."""
    about = {"Host": "x", "Connection": "close", **({"Content-Type": content_type} if content_type else {})}
    about |= {"Content-Length": str(len(body))} if body or method == "POST" else {}
    about |= headers or {}
    lines = "".join(f"{name}: {value}\r\n" for name, value in about.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


def refused(*statuses: int) -> frozenset[int]:
    """Give the statuses that may answer."""
    return frozenset(statuses)
