"""The Flask app as an ASGI app: a request is called where it is read, on its worker's event loop, or aside in a thread.

Which requests go where, and how much of a body is read, is said by service/lanes.py; what the app answers is none of
this room's business.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from flask import Flask

from service.body import WHOLE
from service.lanes import Lane, Lanes

Environ = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_LINGER_SECONDS: Final = 2.0
"""For which the rest of a body that was refused is still taken: closed at once, many clients would lose the answer."""

_TOO_SLOW: Final = (
    {
        "type": "http.response.start",
        "status": 408,
        "headers": [(b"content-type", b"text/plain"), (b"content-length", b"33"), (b"connection", b"close")],
    },
    {"type": "http.response.body", "body": b"the rest of the body did not come"},
)


class _Gone(Exception):
    """The rest of a body did not come: its client is gone, or as good as gone."""


@dataclass(slots=True)
class _Answer:
    """What a WSGI app begins its answer with."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def start(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], object]:
        """Take it: what PEP 3333 calls start_response."""
        self.status = int(status[:3])
        self.headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return _write


def _write(_data: bytes) -> object:
    raise NotImplementedError("the app gives its body back; nothing here writes it")


class Inline:
    """Serves `flask` by ASGI.

    A body is read before the app is called, while others are served; one over its limit is left unread, and the app
    sees its length alone. Between two awaits on the loop there is one request at most, so a worker has no two that
    fight for the interpreter.
    """

    def __init__(self, flask: Flask, lanes: Lanes) -> None:
        self.flask = flask
        self._lanes = lanes
        self._threads = {
            lane: ThreadPoolExecutor(lane.threads, thread_name_prefix=lane.name.lower())
            for lane in Lane
            if lane.threads
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the life of a worker."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await send({"type": "websocket.close"})

    async def _request(self, scope: Message, receive: Receive, send: Send) -> None:
        environ = environ_of(scope)
        try:
            body = await _body(environ, self._lanes.limit(environ), receive)
        except _Gone:
            for message in _TOO_SLOW:
                await send(message)
            return
        environ["wsgi.input"] = BytesIO(body or b"")
        if body is not None:
            environ[WHOLE] = body
        lane = self._lanes.lane(environ, len(body or b""))
        environ["wsgi.multithread"] = lane is not Lane.LOOP
        answer = _Answer()
        if lane is Lane.LOOP:
            chunks = self.flask.wsgi_app(environ, answer.start)
            data = _joined(chunks)
        else:
            call = asyncio.get_running_loop().run_in_executor
            chunks, data = await call(self._threads[lane], _called, self.flask, environ, answer)
        if body is None:
            answer.headers.append((b"connection", b"close"))
        try:
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            await send({"type": "http.response.body", "body": data})
        finally:
            _close(chunks)
        if body is None:
            await _drained(receive)


def _called(flask: Flask, environ: Environ, answer: _Answer) -> tuple[Iterable[bytes], bytes]:
    chunks = flask.wsgi_app(environ, answer.start)
    return chunks, _joined(chunks)


def _joined(chunks: Iterable[bytes]) -> bytes:
    try:
        return b"".join(chunks)
    except BaseException:
        _close(chunks)
        raise


def _close(chunks: Iterable[bytes]) -> None:
    """Tell the app that its answer has gone."""
    close = getattr(chunks, "close", None)
    if close:
        close()


def environ_of(scope: Message) -> Environ:
    """Give a request as PEP 3333 has it, but for its body."""
    server, client = scope.get("server") or ("", None), scope.get("client") or ("", 0)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": _path(scope),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": str(server[0]) or "localhost",
        "SERVER_PORT": str(server[1] or 80),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1").upper().replace("-", "_")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        text = value.decode("latin-1")
        if name in environ:
            text = f"{environ[name]}{';' if name == 'HTTP_COOKIE' else ','}{text}"
        environ[name] = text
    return environ


def _path(scope: Message) -> str:
    """Give the path as WSGI wants it: percent signs resolved, each byte a character."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    path = raw.partition(b"?")[0]
    return (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1")


async def _body(environ: Environ, limit: int, receive: Receive) -> bytes | None:
    """Read a body, and say in `environ` how long it is; None for one over the limit, of which the rest is not read.

    Raises _Gone.
    """
    length = environ.get("CONTENT_LENGTH", "")
    if length.isdecimal() and int(length) > limit:
        return None
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        part, more = message.get("body", b""), message.get("more_body", False)
        parts.append(part)
        size += len(part)
        if size > limit:
            _set_length(environ, size)
            return None
    if "HTTP_TRANSFER_ENCODING" in environ:
        _set_length(environ, size)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _set_length(environ: Environ, size: int) -> None:
    """Say the length of a body that came in chunks, as if it had been said at its beginning."""
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(size)


async def _drained(receive: Receive) -> None:
    """Take what still comes of a body and let it go, for a while."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            more = True
            while more:
                message = await receive()
                more = message["type"] == "http.request" and message.get("more_body", False)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
