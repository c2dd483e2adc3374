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
from pathlib import Path
from typing import Final

from benchmarks.reliability import requests
from benchmarks.reliability.scene import LeftOut, Scene, scene
from benchmarks.reliability.serving import Unwell, scratch
from benchmarks.reliability.versions import MODEL

_FILES: Final = 128
_MEMORY: Final = 600 * 2**20
_TIMES: Final = 5
_OPEN: Final = 20
_CLOCK: Final = (
    *Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"),
    *Path("/usr/lib/faketime").glob("libfaketimeMT.so.1"),
)


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


def little_memory():  # type: ignore[no-untyped-def]
    """Give a scene in which a process may have little memory."""
    return scene(before=lambda: resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY)))


def no_memory(stage: Scene) -> str:
    """Send as many of the longest bodies as a worker may hold by its settings, which is more than it may have."""
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


@contextmanager
def false_clock() -> Iterator[Scene]:
    """Give a scene whose clock can be set. Raises LeftOut without libfaketime."""
    if not _CLOCK:
        raise LeftOut("no libfaketime (Debian: apt-get install faketime)")
    with scratch() as folder:
        clock = folder / "clock"
        clock.write_text("+0")
        wrong = {
            "LD_PRELOAD": str(_CLOCK[0]),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        with scene(folder, **wrong) as stage:
            yield stage


def clock_jumps(stage: Scene) -> str:
    """Set the clock an hour forward, and then two back; each time a version is promoted."""
    clock = stage.store.root.parent / "clock"
    for number, jump in ((2, "+3600"), (3, "-3600"), (4, "+0")):
        clock.write_text(jump)
        stage.store.promote(MODEL, number)
        generation = stage.store.aliases(MODEL).generation
        stage.service.wait_until(lambda generation=generation: stage.watch.generation >= generation)  # type: ignore[misc]
    said = stage.service.ask()[1]["Date"]
    return f"each of 3 promotions followed; the answers' date was the clock's ({said[-12:]})"
