"""What a whole run has found: what the tables, the goals and the page are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.http.contestant import PEERS
from benchmarks.http.question import Question
from benchmarks.http.wrk import Load

Loads = Mapping[str, Load]
"""By contestant, ours first."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A server, but for its answers."""

    name: str
    start_seconds: float
    """From its start to its first answer."""
    memory: float
    """MiB of all its processes, after all questions."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Our memory while it answers one picture after the other, from a fresh start."""

    start_seconds: float
    memory: Mapping[int, float]
    """MiB of all processes, by the number of requests answered; rising."""

    @property
    def last(self) -> float:
        """Give the MiB at the end."""
        return self.memory[max(self.memory)]

    @property
    def grown(self) -> float:
        """Give the MiB that the second half of the requests has added."""
        half, whole = sorted(self.memory)[-2:]
        return self.memory[whole] - self.memory[half]


@dataclass(slots=True)
class Results:
    """Everything."""

    loads: dict[Question, Loads] = field(default_factory=dict)
    left_out: dict[Question, str] = field(default_factory=dict)
    """Why a question was not asked."""
    standings: list[Standing] = field(default_factory=list)
    growth: Growth | None = None


def best_peer(loads: Loads) -> Load | None:
    """Give the peers' highest rate with their lowest p99, be they of one peer or of two; None without a peer."""
    peers = [load for name, load in loads.items() if name in PEERS]
    return Load(max(load.rate for load in peers), min(load.p99 for load in peers)) if peers else None
