"""Faults of the service's processes and of the machine under them. Those of its store are in store_faults.py."""

import http.client
import os
import resource
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

from benchmarks.reliability import requests
from benchmarks.reliability.scene import Scene, scene
from benchmarks.reliability.serving import Unwell, scratch
from benchmarks.reliability.versions import MODEL

_FILES: Final = 128
_MORE_MEMORY: Final = 100 * 2**20
_TIMES: Final = 5
_SETTLED: Final = 50
"""Looks, a hundredth of a second apart, at which a worker that has started is as large as before."""
_OPEN: Final = 20
_SLACK_SECONDS: Final = 10.0
_CLOCK: Final = """
import time
from pathlib import Path

true = time.time
time.time = lambda: true() + float(Path({path!r}).read_text() or 0)
"""
"""What Python runs before the service: the clock that it looks at is off by what a file says."""


def kill_workers(stage: Scene) -> str:
    """Kill all workers at once, and again as soon as they are replaced."""
    for _ in range(_TIMES):
        before = stage.service.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        stage.service.wait_until(_replaced(stage, before))
    return f"{_TIMES} × 2 workers replaced"


def _replaced(stage: Scene, before: list[int]):  # type: ignore[no-untyped-def]
    return lambda: (
        len(now := stage.service.workers()) == len(before) and not set(now) & set(before) and stage.service.ready()
    )


def sigterm(stage: Scene) -> str:
    """End the service while requests are half there, whole, and on connections that were kept alive."""
    stage.watch.end()  # whoever asks anew after the end is told so by the system
    port, body = stage.service.port, requests.raw()
    with ExitStack() as stack:
        opened = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 30)) for _ in range(_OPEN * 2)]
        for connection in opened[:_OPEN]:
            connection.sendall(body[:300])
        stage.service.ask()  # they were taken when one that came later is answered
        stage.service.ask()
        for connection in opened[_OPEN:]:
            connection.sendall(body)
        stage.service.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)  # clients that are slow, not a condition that is waited for
        for connection in opened[:_OPEN]:
            connection.sendall(body[300:])
        statuses = [connection.recv(2**16)[9:12] for connection in opened]
    code = stage.service.process.wait(30)
    if code != 0 or statuses != [b"200"] * len(opened):
        raise Unwell(f"SIGTERM: exit code {code}, answers {statuses}")
    stage.over = True
    return f"{len(opened)} of {len(opened)} accepted requests answered, exit code 0"


def few_files():  # type: ignore[no-untyped-def]
    """Give a scene in which a process may open few files."""
    return scene(before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES)))


def no_files(stage: Scene) -> str:
    """Have more clients connect than there may be files, and leave again."""
    refused = 0
    with ExitStack() as stack:
        for _ in range(_FILES * 3):
            stack.enter_context(socket.create_connection(("127.0.0.1", stage.service.port), 30))
        for _ in range(_TIMES):
            status, headers, _body = stage.service.ask()
            refused += status == http.HTTPStatus.SERVICE_UNAVAILABLE and "Retry-After" in headers
    if refused != _TIMES:
        raise Unwell(f"{refused} of {_TIMES} clients without room were told so")
    stage.service.wait_until(stage.service.ready)
    return f"{_FILES * 3} connections, {_FILES} files a process: who comes then hears 503"


def no_memory(stage: Scene) -> str:
    """Leave each worker little more memory than it has, and send as many of the longest bodies as one may hold."""
    sizes: list[list[int]] = []

    def settled() -> bool:
        sizes.append([_virtual(pid) for pid in stage.service.workers()])
        return len(sizes) > _SETTLED and sizes[-1] == sizes[-_SETTLED] and len(sizes[-1]) > 1

    stage.service.wait_until(settled)
    for pid in stage.service.workers():
        most = _virtual(pid) + _MORE_MEMORY
        resource.prlimit(pid, resource.RLIMIT_AS, (most, most))
    head = requests.post(b"", "application/octet-stream").replace(b"Content-Length: 0", b"Content-Length: 31000000")
    told: list[bytes] = []

    def send() -> None:
        try:
            with socket.create_connection(("127.0.0.1", stage.service.port), 30) as connection:
                connection.sendall(head)
                connection.sendall(bytes(31_000_000))
                told.append(connection.recv(2**16)[9:12])
        except OSError:
            told.append(b"broken off")

    threads = [threading.Thread(target=send) for _ in range(_OPEN)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stage.service.wait_until(stage.service.ready)
    counts = {status.decode(): told.count(status) for status in sorted(set(told))}
    if "500" in counts:
        raise Unwell(f"no memory: {counts}")
    return ", ".join(f"{count} × {status}" for status, count in counts.items()) + " of the 31 MB bodies"


def _virtual(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()


@contextmanager
def false_clock() -> Iterator[Scene]:
    """Give a scene whose clock can be set, as the service's processes see it."""
    with scratch() as folder:
        clock = folder / "clock"
        clock.write_text("0")
        (folder / "sitecustomize.py").write_text(_CLOCK.format(path=str(clock)))
        with scene(folder, PYTHONPATH=str(folder)) as stage:
            yield stage


def clock_jumps(stage: Scene) -> str:
    """Set the clock an hour forward, and then two back; each time a version is promoted."""
    clock = stage.store.root.parent / "clock"
    for number, jump in ((2, 3600), (3, -3600), (4, 0)):
        _set(clock, jump)
        stage.service.wait_until(lambda jump=jump: abs(_off(stage) - jump) < _SLACK_SECONDS)  # type: ignore[misc]
        stage.store.promote(MODEL, number)
        generation = stage.store.aliases(MODEL).generation
        stage.service.wait_until(lambda generation=generation: stage.watch.generation >= generation)  # type: ignore[misc]
    return "each of 3 promotions followed"


def _set(clock: Path, seconds: int) -> None:
    new = clock.with_name("new")
    new.write_text(str(seconds))
    new.replace(clock)


def _off(stage: Scene) -> float:
    """Give the seconds by which the service's clock is off, by the date that it puts on its answers."""
    said = stage.service.ask()[1]["Date"]
    return parsedate_to_datetime(said).timestamp() - time.time()
