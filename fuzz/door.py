"""A door: a parser that a stranger's bytes reach, how it is driven, and what its bytes look like."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from service.errors import STATUS, BadItem

CORPUS: Final = Path(__file__).parent / "corpus"
"""A folder for each door, of the bytes that have found ways through its code."""

REFUSALS: Final[tuple[type[Exception], ...]] = (*STATUS, BadItem)
"""All that may be raised for what a client sent: it has a status in the table of service/errors.py."""

BUDGET_SECONDS: Final = 1.0
"""Most processor time for one input."""

Mutator = Callable[[bytes, Random], bytes]


@dataclass(frozen=True, slots=True)
class Door:
    """What is done with bytes there."""

    one: Callable[[bytes], object]
    """Drives the service's code with them. It may raise REFUSALS, and nothing else."""
    seeds: Callable[[], list[bytes]]
    """What good clients send."""
    mutated: Mutator
    """Makes other bytes of some, mostly of the form that the parser looks for."""
    runs: int
    """Inputs of a nightly run."""

    def tried(self, data: bytes) -> None:
        """Drive it with bytes. Raises what the service would answer with 500, and nothing else."""
        try:
            self.one(data)
        except REFUSALS:
            pass


def corpus(name: str, door: Door) -> list[bytes]:
    """Give the bytes that a door is tried with first: its seeds, and what was found earlier."""
    kept = sorted((CORPUS / name).glob("*"))
    return [*door.seeds(), *(file.read_bytes() for file in kept)]
