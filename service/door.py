"""A listening socket: who comes is taken in, unless another worker has more room."""

import asyncio
import contextlib
import logging
import socket
import time
from typing import Any, Final

from service.clients import Clients
from service.connection import Connection
from service.crowd import Crowd
from service.writing import full

_log = logging.getLogger("service")

_PATIENCE_SECONDS: Final = 0.001
"""After which a connection that was left to others is looked at again."""

_TRIES: Final = 5
"""How often it is left to them: one that has few connections may be busy all the same."""

_AT_ONCE: Final = 64
"""Most that are taken before those that are here already get their turn."""

_AWAY_TIMES: Final = 9
"""How many times as long as turning clients away takes nobody else is: it costs not much less than a small answer, and
whoever is inside is to notice a tenth of it at most, however many come."""

_ASKED_BYTES: Final = 64 * 2**10
"""Most that is taken of what a client has asked for whom there is no room."""

_REST_SECONDS: Final = 0.1
"""After a connection that could not be taken, for want of file descriptors, say."""


class Door:
    """One socket of a worker, open from the beginning."""

    def __init__(
        self, clients: Clients, loop: asyncio.AbstractEventLoop, listener: socket.socket, crowd: Crowd, ssl: Any = None
    ) -> None:
        self._clients = clients
        self._loop = loop
        self._listener = listener
        self._crowd = crowd
        self._ssl = ssl
        self._left = 0
        self._away = 0
        """How many were turned away."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        listener.setblocking(False)
        self._open()

    def close(self) -> None:
        """Take nobody in any more."""
        self._loop.remove_reader(self._listener.fileno())
        if self._timer is not None:
            self._timer.cancel()

    def _open(self) -> None:
        self._timer = None
        self._loop.add_reader(self._listener.fileno(), self._take)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._timer = self._loop.call_later(seconds, self._open)

    def _take(self) -> None:
        """Take those that wait, until this worker is ahead of another; that one has a moment then to take the next."""
        begun, away = time.monotonic(), self._away
        self._take_some()
        if self._away != away and self._timer is None:
            self._rest((time.monotonic() - begun) * _AWAY_TIMES)

    def _take_some(self) -> None:
        for _ in range(_AT_ONCE):
            if self._left < _TRIES and self._crowd.is_ahead():
                self._left += 1
                self._rest(_PATIENCE_SECONDS)
                return
            self._left = 0
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return  # there are no more, or it has gone
            except OSError as error:
                _log.warning("a connection cannot be taken", extra={"reason": str(error)})
                self._rest(_REST_SECONDS)
                return
            if self._ssl is None and len(self._clients.open) + len(self._tasks) >= self._clients.most:
                self._turn_away(client)
            else:
                self._take_in(client)

    def _turn_away(self, client: socket.socket) -> None:
        """Tell a client that there is no room; nothing is made for it, who cannot wait comes again and again."""
        self._away += 1
        with client, contextlib.suppress(OSError):
            client.setblocking(False)
            client.send(full(self._clients))
            client.shutdown(socket.SHUT_WR)
            client.recv(_ASKED_BYTES)  # closed upon what it has sent, its answer could be lost

    def _take_in(self, client: socket.socket) -> None:
        client.setblocking(False)
        taking = self._loop.connect_accepted_socket(self._connection, client, ssl=self._ssl)
        task = self._loop.create_task(taking)
        self._tasks.add(task)
        task.add_done_callback(self._taken)
        self._crowd.counted(len(self._clients.open) + len(self._tasks))

    def _connection(self) -> Connection:
        return Connection(self._clients, self._loop)

    def _taken(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.info("a connection ended before it had begun", extra={"reason": str(error)})
