"""A real server of one worker, an attack on it, and what that cost: processor time, memory, and who else had to wait."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fuzz.attacks.attack import TOKEN, Attack, asked
from fuzz.attacks.pictures import blank
from mlp.local_store import LocalStore

ROOT: Final = Path(__file__).parents[2]

_START_SECONDS: Final = 60.0

_ANSWER_SECONDS: Final = 60.0
"""For which an answer is waited."""

HANGS: Final = -1
"""Instead of a status: the connection was still open after that time, though nothing more was sent."""

_TICKS: Final = os.sysconf("SC_CLK_TCK")

_STATUS: Final = re.compile(rb"^HTTP/1\.1 (\d{3}) ", re.MULTILINE)


@dataclass(slots=True)
class Cost:
    """What an attack has cost."""

    sent: int = 0
    """Bytes."""
    statuses: list[int] = field(default_factory=list)
    """Of the answers; 0 for an end without one, HANGS for one that did not come."""
    seconds: float = 0.0
    """Processor time of the worker, less what it needs for the clients beside."""
    mb: float = 0.0
    """Most memory of the worker while it lasted, above what it had when it was idle."""
    beside: int = 0
    """Requests of a client beside it that were answered as they should be."""
    lost: int = 0
    """Those that were not."""
    waited: float = 0.0
    """Longest that one of them took, in seconds."""

    def wrong(self, attack: Attack) -> list[str]:
        """Say what the attack has done that it should not."""
        said = [f"answered {self.statuses}, expected {sorted(attack.statuses)}"]
        said = said if set(self.statuses) - attack.statuses else []
        if self.seconds > attack.seconds:
            said.append(f"{self.seconds:.2f} seconds of processor time, at most {attack.seconds}")
        if self.mb > attack.mb:
            said.append(f"{self.mb:.0f} MB, at most {attack.mb:.0f}")
        return said + ([f"{self.lost} requests beside it were not answered"] if self.lost else [])


class Server:
    """The service with one worker, until the block ends; all that it keeps is in a folder that goes with it."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp())
        (self._folder / "models/digits").mkdir(parents=True)
        shutil.copy(ROOT / "models/digits/1.npz", self._folder / "models/digits")
        LocalStore(self._folder / "models").promote("digits", 1)
        environment = {
            "PORT": "0",
            "WEB_CONCURRENCY": "1",
            "MLP_MODELS": str(self._folder / "models"),
            "MLP_ADMIN_TOKEN": TOKEN,
            "MLP_FEEDBACK": f"sqlite:///{self._folder}/corrections.sqlite",
        }
        self.log = self._folder / "log"
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "service/gunicorn.conf.py"],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self.port = 0

    def __enter__(self) -> "Server":
        """Wait until it answers. Raises TimeoutError."""
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            found = re.search(rb"Listening at: http://127\.0\.0\.1:(\d+)", self.log.read_bytes())
            if found:
                self.port = int(found[1])
                self.wait()
                return self
            time.sleep(0.05)
        self.__exit__()
        raise TimeoutError("the server did not start")

    def __exit__(self, *_about: object) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def wait(self) -> None:
        """Wait until it is ready. Raises TimeoutError."""
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            with suppress(OSError, http.client.HTTPException):
                if _asked(self.port, "GET", "/readyz") == 200:
                    return
            time.sleep(0.02)
        raise TimeoutError("the server is not ready")

    @property
    def worker(self) -> int:
        """The pid of its worker. Raises ValueError while there is none."""
        pid = self._process.pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()[0])

    def renewed(self) -> None:
        """Have another worker take the place of the one there is, so that nothing is left of what was asked before."""
        before = self.worker
        os.kill(before, signal.SIGTERM)
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            with suppress(IndexError):
                if self.worker != before:
                    break
            time.sleep(0.01)
        self.wait()

    def survived(self) -> bool:
        """Whether no request was answered with 500, and no worker has died of anything."""
        said = self.log.read_bytes()
        return not re.search(rb"Traceback|unexpected error|WORKER TIMEOUT|was sent SIG(?!TERM)", said)


def _asked(port: int, method: str, path: str, body: bytes | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": "application/octet-stream"} if body else {})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _mb(pid: int, what: str) -> float:
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else 0.0


@contextmanager
def _beside(port: int, cost: Cost) -> Iterator[None]:
    """Have a client ask for a small picture and for /healthz in turn, until the block ends, and note what it sees."""
    over = threading.Event()

    def asking() -> None:
        while True:  # at least once
            begun = time.monotonic()
            try:
                right = {_asked(port, "POST", "/predict", bytes(784)), _asked(port, "GET", "/healthz")} == {200}
            except (OSError, http.client.HTTPException):
                right = False
            cost.waited = max(cost.waited, time.monotonic() - begun)
            cost.beside += right
            cost.lost += not right
            if over.wait(0.02):
                return

    client = threading.Thread(target=asking)
    client.start()
    try:
        yield
    finally:
        over.set()
        client.join()


def sent(port: int, data: bytes) -> list[int]:
    """Send bytes, and give the statuses of the answers; [0] for an end without any, and HANGS for no end."""
    said = bytearray()
    end = []
    with socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_SECONDS) as connection:

        def send() -> None:
            with suppress(OSError):  # it may be refused before it was sent
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            while part := connection.recv(2**16):
                said += part
        except TimeoutError:
            end = [HANGS]
        except OSError:
            pass
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        sender.join()
    return ([int(status) for status in _STATUS.findall(bytes(said)) if status != b"100"] + end) or [0]


def measured(server: Server, attack: Attack) -> Cost:
    """Attack a server, and give what it has cost."""
    data, pid = attack.written(), server.worker
    cost = Cost(len(data))
    before = _mb(pid, "VmRSS")
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")  # what follows sets the peak anew
    begun = _processor_seconds(pid)
    with _beside(server.port, cost):
        cost.statuses = sorted(set(sent(server.port, data)))
    used, asked_beside = _processor_seconds(pid) - begun, cost.beside + cost.lost
    cost.seconds = max(0.0, used - asked_beside * _BESIDE_SECONDS)
    cost.mb = max(0.0, _mb(pid, "VmHWM") - before)
    return cost


_BESIDE_SECONDS: Final = 0.001
"""Processor time of a worker for the two requests of the client beside, and for its two connections."""


def warmed(server: Server) -> None:
    """Have a worker do once what it has not done yet, so that an attack is not blamed for it."""
    for path in ("/predict", "/explain"):
        for data in (blank(28), blank(64, kind=6)):
            sent(server.port, asked(path, data, "image/png"))
    sent(server.port, asked("/predict", b'{"pixels": [1]}', "application/json"))
