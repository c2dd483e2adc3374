"""The seconds to an accuracy on the test pictures, from the first weights on: preparing counts, and so does compiling.

The test pictures only say when the clock stops. Nothing is chosen by them, and measuring is not timed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

ACCURACIES: Final = (0.97, 0.98)


class Runner(Protocol):
    """What of a process is needed here."""

    def prepare(self) -> float:
        """Begin anew; give the seconds."""

    def epoch(self) -> tuple[float, float]:
        """Train for one epoch; give the seconds, and those on a processor."""

    def accuracy(self) -> float | None:
        """Give the accuracy on the test pictures."""


@dataclass(slots=True)
class Run:
    """One run, from the first weights to the last goal or the last epoch."""

    prepare: float
    """Seconds."""
    seconds: float = 0.0
    """Until its end, preparing included."""
    epochs: int = 0
    best: float = 0.0
    reached: dict[float, float] = field(default_factory=dict)
    """Seconds until each accuracy that it reached, preparing included."""


def run(runner: Runner, epochs: int, on_epoch: Callable[[], None] = lambda: None) -> Run:
    """Train until every accuracy is reached, for at most so many epochs."""
    prepare = runner.prepare()
    found = Run(prepare, prepare)
    while found.epochs < epochs and len(found.reached) < len(ACCURACIES):
        seconds, _ = runner.epoch()
        found.seconds += seconds
        found.epochs += 1
        accuracy = runner.accuracy() or 0.0
        found.best = max(found.best, accuracy)
        for goal in ACCURACIES:
            if accuracy >= goal:
                found.reached.setdefault(goal, found.seconds)
        on_epoch()
    return found
