"""gunicorn's worker for this service: an event loop that takes connections. service/dispatch.py answers what they ask.

gunicorn forks the workers, opens the sockets, and ends a worker from which it hears nothing.
"""

import asyncio
import contextlib
import os
import resource
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any, Final

import uvloop
from gunicorn import sock
from gunicorn.workers import base

from service.clients import Clients
from service.crowd import Crowd
from service.door import Door

_LINGER_SECONDS: Final = 2.0
"""For which a worker that ends still takes requests from connections that were kept alive, as gunicorn's threaded
worker does: closed at once, a request on its way would be lost; kept to the end, an idle client would hold it up."""

_TICK_SECONDS: Final = 1.0

_FILES: Final = 48
"""File descriptors that connections leave: for versions, the store, the database, and those that are turned away."""

CROWD: Final = Crowd()
"""Of all workers that are forked from the process that imports this."""


class Worker(base.Worker):
    """`worker_class` of service/gunicorn.conf.py. Its app is a service.answering.Answering."""

    def init_signals(self) -> None:
        """Take signals from here on."""
        super().init_signals()
        signal.set_wakeup_fd(-1)  # gunicorn's own pipe; the loop has its own

    def handle_exit(self, _signal: int, _frame: FrameType | None) -> None:
        """Remember a SIGTERM that comes before the loop takes it."""
        self.alive = False

    def run(self) -> None:
        """Serve until the end."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        most, most_bytes = min(self.cfg.worker_connections, _room()), self.wsgi.most_bytes
        clients = Clients(self.wsgi, most, changed=CROWD.counted, most_bytes=most_bytes)
        clients.tick(loop.time())
        self.wsgi.begin()
        loop.add_signal_handler(signal.SIGTERM, over.set)
        CROWD.join()
        doors = [Door(clients, loop, listener.sock, CROWD, self._ssl()) for listener in self.sockets]
        if not self.alive:  # it came before
            over.set()
        while not over.is_set():
            self.notify()
            CROWD.beat()
            clients.tick(loop.time())
            if self.ppid != os.getppid():
                self.log.info("parent changed, worker %s ends", self.pid)
                break
            await _within(over, _TICK_SECONDS)
        for door in doors:
            door.close()
        CROWD.leave()
        await self._end(clients, loop)

    def _ssl(self) -> Any:
        return sock.ssl_context(self.cfg) if self.cfg.is_ssl else None

    async def _end(self, clients: Clients, loop: asyncio.AbstractEventLoop) -> None:
        """Answer what has come and what is still on its way."""
        clients.ending = True
        begun = loop.time()
        while clients.open and loop.time() < begun + self.cfg.graceful_timeout:
            if loop.time() > begun + _LINGER_SECONDS:
                clients.end_idle()
            self.notify()
            clients.tick(loop.time())
            await asyncio.sleep(0.02)


def _room() -> int:
    """Give how many connections the system lets this process have, with files left for what else it does."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(1, files - _open_files() - _FILES)


def _open_files() -> int:
    """Give how many files this process has open; containers with little in /dev may not know."""
    for place in ("/proc/self/fd", "/dev/fd"):
        with contextlib.suppress(OSError):
            return len(list(Path(place).iterdir()))
    return 0


async def _within(event: asyncio.Event, seconds: float) -> None:
    """Wait until something happens, for a time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
