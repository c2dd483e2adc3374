"""A contestant's processes: started once, idle while it is another's turn, ended with the block."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from benchmarks.http import processes
from benchmarks.http.contestant import WORKERS, Contestant
from benchmarks.http.way import Answer, Sent

ROOT: Final = Path(__file__).parent.parent.parent

_START_SECONDS: Final = 60.0
_ONE_THREAD: Final = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class NotServing(Exception):
    """A server does not answer."""


class NotFound(NotServing):
    """A server has no such path."""


class Serving:
    """A contestant's processes, until the block ends."""

    def __init__(
        self,
        contestant: Contestant,
        python: str,
        environment: Mapping[str, str],
        log: Path,
        *,
        first: Sent,
        workers: int = WORKERS,
    ) -> None:
        """`first` is a request of JSON; when it is answered, the server has started."""
        self.contestant = contestant
        self.start_seconds = float("nan")
        """From its start to its first answer."""
        self.port, self._first, self._log = _free_port(), first, log
        words = {"python": python, "bin": Path(python).parent, "port": self.port, "workers": workers}
        own = {name: value.format(**words) for name, value in contestant.variables.items()}
        self._begun = time.monotonic()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                contestant.command.format(**words).split(),
                cwd=ROOT,
                env={
                    **os.environ,
                    **_ONE_THREAD,
                    "PORT": str(self.port),
                    "WEB_CONCURRENCY": str(workers),
                    "PYTHONPATH": str(ROOT),
                    **environment,
                    **own,
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> "Serving":
        """Wait for its first answer. Raises NotServing."""
        problem = NotServing(f"{self.contestant.name} has ended")
        while time.monotonic() < self._begun + _START_SECONDS and self._process.poll() is None:
            try:
                self.ask("JSON", self._first)
            except NotServing as error:
                problem = error
                time.sleep(0.01)
            else:
                self.start_seconds = time.monotonic() - self._begun
                return self
        self.__exit__(None, None, None)
        raise NotServing(f"{problem}; it has printed: {self._log.read_text(errors='replace')[-1000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End its processes, also those that are in no group of its own."""
        all_of_it = processes.tree(self.pid)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        for pid in all_of_it:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()

    @property
    def pid(self) -> int:
        """The process that the others descend from."""
        return self._process.pid

    def url(self, kind: str) -> str:
        """Give where it takes a kind of request."""
        return f"http://127.0.0.1:{self.port}{self.contestant.ways[kind].path}"

    def ask(self, kind: str, sent: Sent) -> Answer:
        """Give its answer to one request. Raises NotServing, NotFound."""
        request = urllib.request.Request(self.url(kind), sent.body, dict(sent.headers))  # noqa: S310
        who = f"{self.contestant.name} does not answer to {kind}"
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return Answer({name.lower(): value for name, value in answer.headers.items()}, answer.read())
        except urllib.error.HTTPError as error:
            if error.code == 404:
                raise NotFound(f"{who}: it has no {self.contestant.ways[kind].path}") from error
            raise NotServing(f"{who}: {error}") from error
        except OSError as error:
            raise NotServing(f"{who}: {error}") from error


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])
