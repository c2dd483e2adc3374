"""A real gunicorn with two workers on a free port of 127.0.0.1."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.drafts import ROOT

START_SECONDS = 30


@dataclass
class Server:
    process: subprocess.Popen
    host: str = "127.0.0.1"
    lines: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def workers(self) -> list[int]:
        """The pids of its worker processes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in children.read_text().split()]

    def wait_until(self, condition, seconds=START_SECONDS):
        """Give the condition's first true value; fail with the log when that does not come in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(0.02)
        pytest.fail("waited in vain; the server's log:\n" + "".join(self.lines[-50:]))

    def ready(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
            return answer.status == 200
        return False


def read_log(server: Server) -> None:
    for line in server.process.stdout:
        server.lines.append(line)


@contextlib.contextmanager
def serving(
    models: Path | str, *, python: Path | str = sys.executable, service: Path = ROOT / "service", **environment: str
) -> Iterator[Server]:
    """Run the service over a store until the block ends; in the folder above it."""
    process = subprocess.Popen(
        [python, "-m", "gunicorn", "-c", service / "gunicorn.conf.py"],
        cwd=service.parent,
        env={**os.environ, "PORT": "0", "WEB_CONCURRENCY": "2", "MLP_MODELS": str(models), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    server = Server(process, environment.get("HOST", "127.0.0.1"))
    reader = threading.Thread(target=read_log, args=(server,))
    reader.start()

    def port():
        found = re.search(rf"Listening at: http://{re.escape(server.host)}:(\d+)", "".join(server.lines))
        return found and int(found[1])

    try:
        server.port = server.wait_until(port)
        server.wait_until(server.ready)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        reader.join()
        process.stdout.close()
