"""The service as it is started for these measurements: real gunicorn, a store, and a processor of its own if asked."""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
START_SECONDS: Final = 60.0
_LAST_WORDS_SECONDS: Final = 10.0


class Unwell(Exception):
    """The service does not do what it must."""


@dataclass
class Service:
    """A running one."""

    process: "subprocess.Popen[str]"
    port: int
    log: list[str] = field(default_factory=list)

    def workers(self) -> list[int]:
        """Give the pids of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def ask(
        self, method: str = "GET", path: str = "/readyz", body: bytes | None = None, kind: str = "", **headers: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Give the status, headers and body of an answer. Raises OSError, HTTPException."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, headers | ({"Content-Type": kind} if kind else {}))
            answer = connection.getresponse()
            return answer.status, dict(answer.headers.items()), answer.read()
        finally:
            connection.close()

    def ready(self) -> bool:
        """Whether a model answers."""
        with suppress(OSError, http.client.HTTPException):
            return self.ask()[0] == http.HTTPStatus.OK
        return False

    def wait_until(self, condition: Callable[[], bool], seconds: float = START_SECONDS) -> float:
        """Give the seconds until a condition holds. Raises Unwell with the log's end when that does not come."""
        begun = time.monotonic()
        while time.monotonic() < begun + seconds:
            if condition():
                return time.monotonic() - begun
            time.sleep(0.01)
        raise Unwell("waited in vain; the log ends:\n" + "".join(self.log[-20:]))

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.log.append(line)
            del self.log[:-2000]


@contextmanager
def serving(
    models: Path, *, processor: int | None = None, before: Callable[[], None] | None = None, **environment: str
) -> Iterator[Service]:
    """Run the service until the block ends; `before` is called in its process before it begins."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    pinned = ["taskset", "-c", str(processor)] if processor is not None else []
    process = subprocess.Popen(
        [*pinned, sys.executable, "-m", "gunicorn", "-c", "service/gunicorn.conf.py"],
        cwd=ROOT,
        env={**os.environ, "PORT": str(port), "WEB_CONCURRENCY": "2", "MLP_MODELS": str(models), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=before,
    )
    service = Service(process, port)
    reader = threading.Thread(target=service._read, daemon=True)
    reader.start()
    try:
        service.wait_until(service.ready)
        yield service
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            reader.join(_LAST_WORDS_SECONDS)
            process.stdout.close()


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder that is gone after the block."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
