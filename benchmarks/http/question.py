"""What is asked: the rows of the table. How it is written for each server is in way.py."""

from dataclasses import dataclass
from typing import Final

SMALL: Final = "784-100-10"
LARGE: Final = "largest"
"""The largest network that ships with the repository."""

KINDS: Final = ("JSON", "PNG", "raw", "npy", "V2 binary")
SINGLE: Final = KINDS[:3]
BARE: Final = ("raw", "npy", "V2 binary")
"""Whose batches are held against the forward pass alone."""


@dataclass(frozen=True, slots=True)
class Question:
    """One kind of request, over so many connections at a time."""

    kind: str
    pictures: int
    connections: int = 16
    network: str = SMALL

    def __str__(self) -> str:
        what = f"{self.pictures:,}, {self.kind}" if self.pictures > 1 else f"one, {self.kind}"
        if self.network == LARGE:
            what += ", largest network"
        return what if self.connections == 16 else f"{what}, {self.connections} connections"


QUESTIONS: Final = (
    *(Question(kind, 1) for kind in SINGLE),
    Question("JSON", 256),
    *(Question(kind, pictures) for pictures in (256, 4096) for kind in BARE),
    *(Question(kind, 1, connections=64) for kind in SINGLE),
    *(Question(kind, 1, network=LARGE) for kind in SINGLE[::2]),
    Question("raw", 256, network=LARGE),
)
