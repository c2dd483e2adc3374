"""Jobs on this machine, each in a process of its own that is forked for it: the data are there already, uncopied."""

import multiprocessing
import os
import signal
from collections import deque
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Final, Generic, Self

from training import interrupt
from training.jobs.place import DEATHS, Again, Data, Done, Event, Job, Lost, Over, Result, Said, Stopped, Work

_LOOK_SECONDS: Final = 1.0
"""How often a job's process looks whether the one that it works for is still there."""


@dataclass(slots=True)
class _Running(Generic[Job]):
    job: Job
    process: ForkProcess
    messages: Connection
    deaths: int


class Processes(Generic[Data, Job, Result]):
    """A place for `size` jobs at a time. They end with the block, and within a second when this process is killed."""

    def __init__(self, work: Work[Data, Job, Result], data: Data, size: int) -> None:
        self.size = size
        self._work, self._data = work, data
        self._context = multiprocessing.get_context("fork")
        self._parent = os.getpid()
        self._running: dict[int, _Running[Job]] = {}
        self._stopped: deque[int] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _traceback: object) -> None:
        for number in list(self._running):
            self._end(number)

    @interrupt.put_off()
    def start(self, number: int, job: Job) -> None:
        """Start a job."""
        self._start(number, job, deaths=0)

    @interrupt.put_off()
    def stop(self, number: int) -> None:
        """End a job at once: it has nothing that another one needs."""
        self._end(number)
        self._stopped.append(number)

    def next(self) -> Event[Result]:
        """Wait for what happens next. Raises what a job has raised."""
        if self._stopped:
            return Over(self._stopped.popleft(), Stopped())
        numbers = {running.messages: number for number, running in self._running.items()}
        ready = wait(list(numbers))[0]
        assert isinstance(ready, Connection)  # noqa: S101 - for mypy: `wait` takes other things, too
        return self._happened(numbers[ready], ready)

    @interrupt.put_off()
    def _happened(self, number: int, ready: Connection) -> Event[Result]:
        try:
            message = ready.recv()
        except (EOFError, OSError):  # OSError when it has died in the middle of a message
            return self._died(number)
        if isinstance(message, Said):
            return message
        self._end(number)
        if isinstance(message, BaseException):
            raise message
        return Over(number, message)

    def _start(self, number: int, job: Job, deaths: int) -> None:
        here, there = self._context.Pipe(duplex=False)
        process = self._context.Process(target=self._run, args=(number, job, there))
        process.start()
        there.close()  # the other process alone holds it now, so that its death is the end of the file
        self._running[number] = _Running(job, process, here, deaths)

    def _end(self, number: int) -> int | None:
        running = self._running.pop(number)
        running.process.kill()
        running.process.join()
        running.messages.close()
        return running.process.exitcode

    def _died(self, number: int) -> Event[Result]:
        running = self._running[number]
        running.process.join(_LOOK_SECONDS)  # its end of the pipe is closed, so it is over or about to be
        code = self._end(number) or 0
        why = f"its process was ended by signal {-code}" if code < 0 else f"its process has ended with status {code}"
        if running.deaths == DEATHS:
            return Over(number, Lost(f"{why}; it was run {DEATHS + 1} times"))
        self._start(number, running.job, running.deaths + 1)
        return Again(number, why)

    def _run(self, number: int, job: Job, messages: Connection) -> None:
        """Do a job, as its process."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all of a terminal; the first process decides
        signal.signal(signal.SIGALRM, self._end_with_parent)
        signal.setitimer(signal.ITIMER_REAL, _LOOK_SECONDS, _LOOK_SECONDS)
        try:
            result = self._work(self._data, job, lambda message: messages.send(Said(number, message)))
        except Exception as error:  # noqa: BLE001 - it goes on in the first process
            messages.send(error)
        else:
            messages.send(Done(result))

    def _end_with_parent(self, _signal: int, _frame: object) -> None:
        if os.getppid() != self._parent:
            os._exit(1)
