"""What the service is to reach beside the peers and the limits, and what it has reached."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.http import bare
from benchmarks.http.contestant import NO_OP, OURS
from benchmarks.http.question import BARE, SINGLE, SMALL, Question
from benchmarks.http.results import Growth, Loads, Results, best_peer
from benchmarks.http.wrk import Load

PEER: Final = "the best peer"

_RATES: Final = (
    ("JSON", 1, PEER, 1.8),
    ("JSON", 1, NO_OP, 0.75),
    ("PNG", 1, PEER, 1.2),
    ("raw", 1, NO_OP, 0.85),
    ("JSON", 256, PEER, 5.0),
    *((kind, pictures, bare.ALONE, 0.7) for pictures in (256, 4096) for kind in BARE),
)
"""Kind, pictures, beside whom, at least how many times its rate."""

_START_SECONDS: Final = 1.5
_MEMORY: Final = 200.0
_NO_GROWTH: Final = 1.0
"""MiB within which memory has not grown: allocators take and give back about as much from one look to the next."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One of them."""

    what: str
    wanted: float
    reached: float
    at_least: bool = True
    """Else at most."""

    @property
    def is_reached(self) -> bool:
        """Whether it is."""
        return self.reached >= self.wanted if self.at_least else self.reached <= self.wanted


def reached(results: Results) -> list[Goal]:
    """Give the goals of which something was measured."""
    return [*_rates(results), *_tails(results), *_alone(results.growth)]


def _rates(results: Results) -> Iterator[Goal]:
    for kind, pictures, whom, wanted in _RATES:
        question = Question(kind, pictures)
        loads = results.loads.get(question, {})
        other = _whom(loads, whom)
        if other:
            yield Goal(f"{question}: × {whom}", wanted, loads[OURS].rate / other.rate)


def _tails(results: Results) -> Iterator[Goal]:
    for question, loads in results.loads.items():
        other = best_peer(loads)
        if other and question.kind in SINGLE and question.pictures == 1 and question.network == SMALL:
            yield Goal(f"{question}: p99 × {PEER}'s", 1.0, loads[OURS].p99 / other.p99, at_least=False)


def _alone(growth: Growth | None) -> Iterator[Goal]:
    if growth:
        requests = f"{max(growth.memory):,} requests"
        yield Goal(f"MiB of all processes after {requests}", _MEMORY, growth.last, at_least=False)
        yield Goal("MiB added by the second half of them", _NO_GROWTH, growth.grown, at_least=False)
        yield Goal("seconds from start to first answer", _START_SECONDS, growth.start_seconds, at_least=False)


def _whom(loads: Loads, name: str) -> Load | None:
    return best_peer(loads) if name == PEER else loads.get(name)
