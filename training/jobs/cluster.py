"""Jobs on a Dask cluster. Its scheduler runs a job again elsewhere when the worker that had it is gone.

Nothing goes by way of a file: the data travel to a worker with its first job and stay there; what a job says comes back
as an event of the cluster. Scheduler and workers must be able to import what this process can.
"""

import queue
import uuid
import warnings
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Generic, Self, TypeVar

from distributed import Client, KilledWorker, get_worker
from threadpoolctl import threadpool_limits

from training.errors import ClusterError
from training.jobs.place import DEATHS, Again, Data, Done, Event, Job, Lost, Over, Result, Said, Say, Stopped, Work

_CONNECT_SECONDS: Final = 5
_WORKER_SECONDS: Final = 30
"""How long a cluster may take to have its first worker."""
_LOOK_SECONDS: Final = 1.0
"""How often to look whether the cluster has grown, or has gone."""

T = TypeVar("T")


@dataclass(slots=True)
class _Running(Generic[Job]):
    job: Job
    future: Any
    at: str | None
    """The worker that it was given to, or that has begun with it."""
    submitted: int = 1
    begun: list[str] = field(default_factory=list)
    """The workers that have begun with it, one after the other."""
    stopping: bool = False


class Cluster(Generic[Data, Job, Result]):
    """A place for `size` jobs at a time; without a size, for as many as its workers have threads."""

    def __init__(self, address: str, work: Work[Data, Job, Result], data: Data, size: int | None = None) -> None:
        self._address, self._size = address, size
        self._work, self._given = work, data
        self._name = f"jobs-{uuid.uuid4().hex}"
        self._events: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
        self._running: dict[int, _Running[Job]] = {}

    def __enter__(self) -> Self:
        """Connect. Raises ClusterError."""
        self._client = _connected(self._address)
        self._client.subscribe_topic(self._name, lambda event: self._events.put(event[1]))
        with warnings.catch_warnings():
            # A task that gives the data, and not `scatter`: when all copies are lost, the scheduler makes a new one.
            warnings.filterwarnings("ignore", message="Sending large graph", category=UserWarning)
            self._data = self._client.submit(partial(_same, self._given), key=f"{self._name}-data", pure=False)
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _traceback: object) -> None:
        self._client.close()

    @property
    def size(self) -> int:
        """How many jobs it can run at a time, now. Raises ClusterError."""
        return self._size or max(1, sum(self._threads().values()))

    def start(self, number: int, job: Job) -> None:
        """Start a job."""
        self._running[number] = _Running(job, *self._submit(number, job, 1))

    def stop(self, number: int) -> None:
        """Tell a job to stop: it does when it says something next, and its worker is free for another one then."""
        self._running[number].stopping = True
        self._running[number].future.cancel()

    def next(self) -> Event[Result] | None:
        """Wait for what happens next, or a second. Raises ClusterError, and what a job has raised."""
        try:
            number, what = self._events.get(timeout=_LOOK_SECONDS)
        except queue.Empty:
            if self._client.status != "running":
                raise self._gone() from None
            return None
        running = self._running.get(number)
        match what:
            case _ if running is None:
                return None  # it was told to stop, and had not heard yet
            case ["over"]:
                return self._over(number, running)
            case ["begun", address]:
                running.at = address
                running.begun.append(address)
                return Again(number, f"its worker at {running.begun[-2]} is gone") if len(running.begun) > 1 else None
            case ["said", message] if not running.stopping:
                return Said(number, message)
        return None

    def _submit(self, number: int, job: Job, time: int) -> tuple[Any, str | None]:
        key = f"{self._name}-{number}-{time}"
        call = partial(_call, self._work, job, self._name, number, key)
        at = self._least_busy()
        future = self._client.submit(
            call, self._data, key=key, pure=False, workers=[at] if at else None, allow_other_workers=bool(at)
        )
        future.add_done_callback(lambda _future: self._events.put((number, ("over",))))
        return future, at

    def _least_busy(self) -> str | None:
        """Give the worker with most threads to spare; the scheduler would let jobs wait where it has the data."""
        busy = Counter(running.at for running in self._running.values())
        threads = self._threads()
        return max(threads, key=lambda address: threads[address] - busy[address], default=None)

    def _threads(self) -> dict[str, int]:
        try:
            return self._client.nthreads()
        except OSError as error:
            raise self._gone() from error

    def _over(self, number: int, running: _Running[Job]) -> Event[Result] | None:
        if running.future.status == "cancelled" and not running.stopping:
            raise self._gone()
        error = None if running.stopping else running.future.exception()
        if isinstance(error, KilledWorker) and max(len(running.begun), running.submitted) <= DEATHS:
            # The scheduler counts deaths of workers that only had it in line, behind a job that kills them.
            running.submitted += 1
            running.future, running.at = self._submit(number, running.job, running.submitted)
            return None
        del self._running[number]
        if running.stopping:
            return Over(number, Stopped())
        if isinstance(error, KilledWorker):
            return Over(number, Lost(f"its worker was lost; it was run {len(running.begun)} times"))
        if error:
            raise error
        return Over(number, Done(running.future.result()))

    def _gone(self) -> ClusterError:
        return ClusterError(f"the Dask scheduler at {self._address} is gone")


def _connected(address: str) -> Any:  # Dask has no types for most of a Client
    try:
        client: Any = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ClusterError(
            f"no Dask scheduler answers at {address!r}, expected an address such as tcp://10.0.0.7:8786: {error}"
        ) from error
    try:
        client.wait_for_workers(1, timeout=_WORKER_SECONDS)
    except TimeoutError as error:
        client.close()
        raise ClusterError(f"the cluster at {address} has no worker after {_WORKER_SECONDS} s") from error
    return client


class _Stop(Exception):
    pass


def _same(data: T) -> T:
    return data


def _call(work: Work[Data, Job, Result], job: Job, topic: str, number: int, key: str, data: Data) -> Result | None:
    """Do a job, as the worker that has it."""
    worker = get_worker()
    worker.log_event(topic, (number, ("begun", worker.address)))

    def say(message: Any) -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":  # told to stop, or whoever wanted the result is gone
            raise _Stop
        worker.log_event(topic, (number, ("said", message)))

    said: Say = say
    with threadpool_limits(1):
        try:
            return work(data, job, said)
        except _Stop:
            return None
