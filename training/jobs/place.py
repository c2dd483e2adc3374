"""What a place where jobs run offers, whatever it is made of, and what comes back from it.

The local one is in local.py, the cluster in cluster.py; run.py chooses between them and drives them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Generic, Protocol, Self, TypeVar

Data = TypeVar("Data")
Job = TypeVar("Job")
Result = TypeVar("Result")
_Job_contra = TypeVar("_Job_contra", contravariant=True)
_Result_co = TypeVar("_Result_co", covariant=True)

DEATHS: Final = 3
"""Deaths of its process after which a job is run again; after one more it is given up, for it may well be the job that
kills it, for want of memory. A Dask scheduler's `distributed.scheduler.allowed-failures` is the same number."""

Say = Callable[[Any], None]
"""Sends a message about a job on its way: numbers, texts, tuples of them. Does not return in a job that is to stop."""

Work = Callable[[Data, Job, Say], Result]
"""What is done for each job, with the data that are the same for all; a function at the top of a module."""


@dataclass(frozen=True, slots=True)
class Done(Generic[_Result_co]):
    """The job has come to its end."""

    result: _Result_co


@dataclass(frozen=True, slots=True)
class Stopped:
    """The job was told to stop, and has."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The job's process has died so often that it is not run again."""

    why: str


Outcome = Done[_Result_co] | Stopped | Lost


@dataclass(frozen=True, slots=True)
class Said:
    """Job `number` has sent a message."""

    number: int
    message: Any


@dataclass(frozen=True, slots=True)
class Again:
    """Job `number` has lost its process and begins anew; it may say again what it has said before."""

    number: int
    why: str


@dataclass(frozen=True, slots=True)
class Over(Generic[_Result_co]):
    """Job `number` is over."""

    number: int
    outcome: Outcome[_Result_co]


Event = Said | Again | Over[_Result_co]


class Place(Protocol[_Job_contra, _Result_co]):
    """Runs jobs, each known by a number, within a block; what still runs at the block's end is abandoned."""

    @property
    def size(self) -> int:
        """How many jobs it can run at a time, now."""

    def start(self, number: int, job: _Job_contra) -> None:
        """Start a job."""

    def stop(self, number: int) -> None:
        """Tell a running job to stop. It is over when `next` says so, and may have been done by then."""

    def next(self) -> Event[_Result_co] | None:
        """Wait for what happens next; None now and then, so that a caller may look at `size`.

        Raises what a job has raised.
        """

    def __enter__(self) -> Self:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Abandon what still runs."""
