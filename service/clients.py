"""The connections of one worker together: how many there may be, and the end of those who keep it waiting."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Final, Protocol

from service.answering import Answering

_BUFFER_BYTES: Final = 256 * 2**10


class Client(Protocol):
    """One of them: service/connection.py."""

    deadline: float
    """When it has kept us waiting for too long, by the loop's clock."""

    def end(self) -> None:
        """Close the connection, whatever is being waited for."""

    def end_if_idle(self) -> None:
        """Close the connection unless a request is being read or answered."""


@dataclass(slots=True)
class Clients:
    """The connections of one worker."""

    answering: Answering
    most: int
    """How many there may be; a client beyond that is told to come back."""
    open: set["Client"] = field(default_factory=set)
    date: str = ""
    """The header's line for this second."""
    buffer: memoryview = field(default_factory=lambda: memoryview(bytearray(_BUFFER_BYTES)))
    """Into which all of them receive, one after the other."""
    ending: bool = False
    """Whether answers tell their clients that no other will follow."""

    changed: Callable[[int], object] = id
    """Told how many there are whenever that changes."""
    most_bytes: int = sys.maxsize
    """How many bytes may be held."""
    held: int = 0
    """Bytes of long bodies that are here and not answered yet, of all of them together."""

    def add(self, client: Client) -> None:
        """Take one in."""
        self.open.add(client)
        self.changed(len(self.open))

    def discard(self, client: Client) -> None:
        """Let one go."""
        self.open.discard(client)
        self.changed(len(self.open))

    def hold(self, size: int) -> bool:
        """Count bytes of a long body, less than 0 for those that are let go, and give whether there may be so many."""
        self.held += size
        return self.held <= self.most_bytes

    def tick(self, now: float) -> None:
        """Close connections whose time is over, by the loop's clock; to be called once a second."""
        self.date = f"Date: {formatdate(usegmt=True)}\r\n"
        for connection in [c for c in self.open if c.deadline < now]:
            connection.end()

    def end_idle(self) -> None:
        """Close every connection on which no request is being answered."""
        for connection in list(self.open):
            connection.end_if_idle()
