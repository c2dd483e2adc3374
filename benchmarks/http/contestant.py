"""Who is measured: servers that answer on a port of 127.0.0.1, started once and idle while it is another's turn."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
WORKERS: Final = 2

_START_SECONDS: Final = 60.0
_ONE_THREAD: Final = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_PLAIN: Final = "benchmarks.http.peers.plain_flask:app"


class NotServing(Exception):
    """A server has not come to answer."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """How a server is started; {python} is that of its environment, {port} its port, {workers} its processes."""

    name: str
    command: str
    is_peer: bool = True
    """Whether ours is to be faster; else it is a limit."""
    answers: bool = True
    """Whether it answers with scores."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """By content type, where it is not /predict."""

    def path(self, content_type: str) -> str:
        """Give where it takes a content type."""
        return self.paths.get(content_type, "/predict")


OURS: Final = "ours"
NO_OP: Final = "no-op route, served as ours"
CEILING: Final = "granian, our app"

_GUNICORN: Final = "{python} -m gunicorn -b 127.0.0.1:{port} -w {workers}"

IN_OURS: Final = (
    Contestant(OURS, "{python} -m gunicorn -c service/gunicorn.conf.py", is_peer=False),
    Contestant(
        NO_OP,
        f"{_GUNICORN} -k service.worker.Worker benchmarks.http.no_op:server",
        is_peer=False,
        answers=False,
    ),
)
"""With the project's own environment."""

IN_THEIRS: Final = (
    Contestant("Flask, gunicorn sync", f"{_GUNICORN} -k sync {_PLAIN}"),
    Contestant("Flask, gunicorn gthread", f"{_GUNICORN} -k gthread --threads 4 --keep-alive 75 {_PLAIN}"),
    Contestant(
        "FastAPI, uvicorn",
        "{python} -m uvicorn --port {port} --workers {workers} --no-access-log --log-level warning "
        "benchmarks.http.peers.fast_api:app",
        paths={"image/png": "/image", "application/octet-stream": "/raw", "application/x-npy": "/npy"},
    ),
    Contestant(
        CEILING,
        "{python} -m granian --interface wsgi --port {port} --workers {workers} --log-level warning --factory "
        "service.app:create_app",
        is_peer=False,
    ),
)
"""With the environment of the peers."""


class Serving:
    """A contestant's processes, until the block ends."""

    def __init__(self, contestant: Contestant, python: str, environment: Mapping[str, str], log: Path) -> None:
        self.contestant = contestant
        self.port = _free_port()
        self._log = log
        words = contestant.command.format(python=python, port=self.port, workers=WORKERS).split()
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                words,
                cwd=ROOT,
                env={
                    **os.environ,
                    **_ONE_THREAD,
                    "PORT": str(self.port),
                    "WEB_CONCURRENCY": str(WORKERS),
                    "PYTHONPATH": str(ROOT),
                    **environment,
                },
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> "Serving":
        """Wait until it answers, with whatever status. Raises NotServing."""
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            time.sleep(0.1)
        self.__exit__(None, None, None)
        raise NotServing(f"{self.contestant.name} does not answer: {self._log.read_text(errors='replace')[-1000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def pid(self) -> int:
        """The first of its processes, which has started the others."""
        return self._process.pid

    def url(self, content_type: str) -> str:
        """Give where it takes a content type."""
        return f"http://127.0.0.1:{self.port}{self.contestant.path(content_type)}"

    def ask(self, content_type: str, body: bytes) -> bytes:
        """Give its answer to one request. Raises NotServing when it gives none."""
        request = urllib.request.Request(self.url(content_type), body, {"Content-Type": content_type})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return bytes(answer.read())
        except (OSError, urllib.error.HTTPError) as error:
            raise NotServing(f"{self.contestant.name} does not answer to {content_type}: {error}") from error


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])
