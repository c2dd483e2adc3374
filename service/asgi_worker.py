"""gunicorn's ASGI worker, with an end for connections on which nothing happens. service/inline.py is what it serves."""

import asyncio
import signal
from types import FrameType
from typing import Any, Final

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

_LINGER_SECONDS: Final = 2.0
"""For which a worker that ends still takes requests from connections that were kept alive, as gunicorn's threaded
worker does: closed at once, a request on its way would be lost; kept to the end, an idle client would hold it up."""


class _Connection(ASGIProtocol):
    """One client's connection.

    Its first request has as long as gunicorn gives the later ones (`keepalive`): else one that never comes, or comes
    byte by byte, would hold the connection for ever.
    """

    def connection_made(self, transport: Any) -> None:
        self.worker.connections.add(self)
        super().connection_made(transport)
        self._arm_keepalive_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self.worker.connections.discard(self)
        super().connection_lost(exc)

    def end_if_idle(self) -> None:
        """Close it unless a request is being answered."""
        if self._awaiting_request:
            self._keepalive_timeout()


gasgi.ASGIProtocol = _Connection  # the worker has no other way to be given one


class Worker(gasgi.ASGIWorker):
    """`worker_class` of service/gunicorn.conf.py."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.connections: set[_Connection] = set()

    def init_signals(self) -> None:
        """Take signals from here on."""
        super().init_signals()
        signal.signal(signal.SIGTERM, self._end_soon)  # uvloop would forget one that comes before it runs

    def _end_soon(self, _signal: int, _frame: FrameType | None) -> None:
        self.alive = False

    async def _serve(self) -> None:
        self.loop.add_signal_handler(signal.SIGTERM, self.handle_exit_signal)
        await super()._serve()

    async def _shutdown(self) -> None:
        for server in self.servers:
            server.close()
        end = self.loop.time() + _LINGER_SECONDS
        while self.connections and self.loop.time() < end and not self._quick_shutdown:
            await asyncio.sleep(0.02)
        for connection in list(self.connections):
            connection.end_if_idle()
        await super()._shutdown()
