"""Rounds in which the contestants take turns, epoch by epoch: what else a machine does slows all of them alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

_REST_SECONDS: Final = 0.25
"""Before each turn: threads of a BLAS and of OpenMP spin for up to a tenth of a second after their work, on a core that
the next contestant needs. Without it ours took twice as long on two cores, in the epochs that followed on theirs."""

Turn = Callable[[], tuple[float, float]]
"""Trains for one epoch; gives the seconds, and those of them on a processor."""


@dataclass(frozen=True, slots=True)
class Times:
    """The epochs of one contestant, at least one."""

    seconds: Sequence[float]
    processor: Sequence[float]
    """Of these seconds, those on a processor; several processors add up."""

    @property
    def median(self) -> float:
        """Give the median of the seconds."""
        return float(np.median(self.seconds))

    @property
    def median_processor(self) -> float:
        """Give the median of the seconds on a processor."""
        return float(np.median(self.processor))

    @property
    def least(self) -> float:
        """Give the least of the seconds: what noise has disturbed least."""
        return min(self.seconds)

    @property
    def most(self) -> float:
        """Give the most seconds."""
        return max(self.seconds)


def alternate(turns: Mapping[str, Turn], rounds: int) -> dict[str, Times]:
    """Let each take its turn in each of `rounds`; who begins changes, so that nobody always follows the same one."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in turns}
    names = list(turns)
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            time.sleep(_REST_SECONDS)
            taken[name].append(turns[name]())
    found = {}
    for name, pairs in taken.items():
        seconds, processor = zip(*pairs, strict=True)
        found[name] = Times(seconds, processor)
    return found


def share(times: Mapping[str, Times]) -> float:
    """Give the part of all the time in which those on one core had it; less than 1 where others wanted it too."""
    return sum(sum(t.processor) for t in times.values()) / sum(sum(t.seconds) for t in times.values())
