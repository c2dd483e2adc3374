"""Who takes part in a measurement, each with a process of its own, and what is measured of one shape."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.training.contestant import ENTRIES
from benchmarks.training.process import NotInstalled, Process
from benchmarks.training.rounds import Times, alternate
from benchmarks.training.shapes import Shape

LEAST_ACCURACY: Final = 0.25
"""After the first epoch, on ten classes: below that, what is timed is no training."""


class LearnsNothing(Exception):
    """A contestant is about to be timed that guesses."""


@dataclass(frozen=True, slots=True)
class Place:
    """How a contestant takes part: on which cores, and with how many threads of its BLAS."""

    name: str
    """As in `ENTRIES`."""
    cores: Sequence[int]
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured of a contestant on one shape."""

    times: Times
    prepare: float
    """Seconds before the first epoch, compiling among them."""
    accuracy: float | None
    """After the first epoch, which is not timed."""


class Field:
    """The processes of several contestants, by the names that tables have for them, until the block ends."""

    def __init__(self, places: dict[str, Place], folder: Path, peers: str) -> None:
        """`folder` has the pictures; `peers` is the Python of the environment that has the peers' libraries."""
        self._places, self._folder, self._peers = places, folder, peers
        self._processes: dict[str, Process] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        for name, place in self._places.items():
            entry = ENTRIES[place.name]
            python = self._peers if entry.peer else sys.executable
            process = Process(python, entry.module, cores=place.cores, threads=place.threads)
            self._open.callback(process.close)
            self._processes[name] = process
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def loaded(self, name: str, shape: Shape, examples: int | None = None) -> Process | None:
        """Give a contestant's process with the shape loaded; None where its library is not installed, or unequal to it.

        Raises Ended.
        """
        entry = ENTRIES[self._places[name].name]
        if name not in self._processes or (entry.one_hidden_layer and len(shape.hidden) > 1):
            return None
        try:
            self._processes[name].load(shape, self._folder, examples)
        except NotInstalled as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            del self._processes[name]
            return None
        return self._processes[name]

    def names(self) -> list[str]:
        """Give the contestants that are still there."""
        return list(self._processes)

    def measure(self, shape: Shape, rounds: int, examples: int | None = None) -> dict[str, Result]:
        """Let all prepare a shape and train one epoch, then time `rounds` epochs of each in turn.

        Raises LearnsNothing, Ended.
        """
        print(f"{shape}", file=sys.stderr)
        ready, prepared, accuracies = {}, {}, {}
        for name in self.names():
            process = self.loaded(name, shape, examples)
            if process:
                ready[name] = process
                prepared[name] = process.prepare()
                process.epoch()
                accuracy = accuracies[name] = process.accuracy()
                if accuracy is not None and accuracy < LEAST_ACCURACY:
                    raise LearnsNothing(
                        f"{name} has an accuracy of {accuracy:.1%} after the first epoch of {shape}; expected at least "
                        f"{LEAST_ACCURACY:.0%}"
                    )
        times = alternate({name: process.epoch for name, process in ready.items()}, rounds)
        return {name: Result(times[name], prepared[name], accuracies[name]) for name in ready}
