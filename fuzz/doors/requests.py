"""Query strings; and whole requests, from the bytes of a connection to the app and back."""

import asyncio
import atexit
import logging
import re
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, Final

from fuzz.door import REFUSALS, Door, Mutator
from fuzz.doors.reading import MAX_BATCH, MAX_PIXELS, SHIPPED
from fuzz.mutators import lines, plain, tree
from mlp.local_store import LocalStore
from service import environ, explain, feedback, predict
from service.answering import Body
from service.app import create_app
from service.clients import Clients
from service.connection import Connection
from service.dispatch import Dispatch
from service.lanes import Lane, Lanes
from service.settings import Settings

_KNOWN: Final = frozenset({501, 503, 507})
"""Statuses over 499 that docs/http.md promises for some requests."""


def _query(data: bytes) -> None:
    """Read a query string as each route does that has one."""
    text = environ.target(b"/?" + data)[1]
    refused: Exception | None = None
    for kind in (predict.Query, explain.Query, feedback.Query):
        try:
            predict.parsed(kind, text)
        except REFUSALS as error:
            refused = error
    if refused is not None:
        raise refused


class _OnLoop(Lanes):
    """All on the loop, so that a request has been answered when its bytes have been taken."""

    def lane(self, environ: Mapping[str, Any], size: int, body: Body = b"") -> Lane:  # noqa: ARG002
        return Lane.LOOP


class _Loop:
    """As much of an event loop as a connection needs."""

    def __init__(self) -> None:
        self.soon: deque[Callable[[], object]] = deque()

    def time(self) -> float:
        return 0.0

    def call_soon(self, call: Callable[[], object]) -> None:
        self.soon.append(call)


class _Transport:
    """Takes what is answered, all of it and at once."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.closing = False
        self.reading = True

    def get_extra_info(self, name: str) -> Any:
        return {"sockname": ("127.0.0.1", 8000), "peername": ("127.0.0.1", 9)}.get(name)

    def write(self, data: bytes) -> None:
        self.written += data

    def writelines(self, parts: list[bytes]) -> None:
        self.written += b"".join(parts)

    def close(self) -> None:
        self.closing = True

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_reading(self) -> bool:
        return self.reading and not self.closing


@cache
def _service() -> Dispatch:
    """Give the service over a store with one small version, keeping corrections."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "models/digits").mkdir(parents=True)
    shutil.copy(SHIPPED, folder / "models/digits/1.npz")
    LocalStore(folder / "models").promote("digits", 1)
    settings = Settings(
        models=str(folder / "models"),
        admin_token="a token that nobody guesses",  # noqa: S106
        feedback=f"sqlite:///{folder}/corrections.sqlite",
        feedback_per_minute=100,
        max_image_pixels=MAX_PIXELS,
        max_batch=MAX_BATCH,
        max_body_bytes=2**17,
    )
    logging.getLogger("service").setLevel(logging.CRITICAL)
    app = create_app(settings)
    predicts, infers = app.extensions["predict"].direct, app.extensions["infer"].direct
    return Dispatch(
        app,
        _OnLoop(settings, app.extensions["admins"]),
        lambda environ, body: predicts(environ, body) or infers(environ, body),
    )


def _http(data: bytes) -> None:
    """Let a client's bytes come in pieces, whose number the first byte tells, and look at the status of each answer."""
    _runner().run(_answered(data))


@cache
def _runner() -> asyncio.Runner:
    return asyncio.Runner()


async def _answered(data: bytes) -> None:
    loop, transport = _Loop(), _Transport()
    clients = Clients(_service(), 10)
    connection = Connection(clients, loop)  # type: ignore[arg-type]
    connection.connection_made(transport)
    step = (len(data) // (data[0] % 4 + 1) if data else 0) or 1
    for at in range(1, len(data), step):
        await _take(connection, loop, transport, data[at : at + step])
    connection.eof_received()
    await _rest(connection, loop)
    connection.connection_lost(None)
    for status in _STATUS.findall(bytes(transport.written)):
        if int(status) >= 500 and int(status) not in _KNOWN:
            raise AssertionError(f"answered {status.decode()}: {bytes(transport.written)[-500:]!r}")
    if clients.held:
        raise AssertionError(f"{clients.held} bytes are still held")


async def _take(connection: Connection, loop: _Loop, transport: _Transport, data: bytes) -> None:
    while data and not transport.closing:
        buffer = connection.get_buffer(-1)
        size = min(len(buffer), len(data))
        buffer[:size] = data[:size]
        data = data[size:]
        connection.buffer_updated(size)
        await _rest(connection, loop)
        if not transport.reading and not transport.closing:
            raise AssertionError("all is answered, and nothing more is read")


async def _rest(connection: Connection, loop: _Loop) -> None:
    """Let everything that has been asked be answered, also what waits for a turn or was put aside in a thread."""
    while loop.soon or connection.is_answering:
        while loop.soon:
            loop.soon.popleft()()
        await asyncio.sleep(0)


_STATUS: Final = re.compile(rb"^HTTP/1\.1 (\d+) ", re.MULTILINE)

_PATHS: Final = (
    b"/", b"/page/draw.js", b"/healthz", b"/readyz", b"/models", b"/models/digits", b"/models/digits/versions/1",
    b"/models/digits/versions/1/report", b"/models/digits/aliases/production", b"/models/digits/rollback",
    b"/models/digits/versions", b"/predict", b"/explain", b"/feedback", b"/feedback/0123456789abcdef0123456789abcdef",
    b"/v2", b"/v2/health/ready", b"/v2/models", b"/v2/models/digits", b"/v2/models/digits/config",
    b"/v2/models/digits/stats", b"/v2/models/digits/infer", b"/v2/models/digits/versions/1/infer",
    b"/v2/repository/index", b"/v2/repository/models/digits/load", b"/v1/models", b"/v1/models/digits",
    b"/v1/models/digits:predict", b"/v1/models/digits/labels/production:predict", b"/invocations", b"/ping", b"/metrics",
)  # fmt: skip

_HEADERS: Final = (
    b"Content-Type: application/json", b"Content-Type: application/x-npy", b"Content-Type: application/octet-stream",
    b"Content-Type: image/png", b"Content-Type: text/csv", b"Content-Type: multipart/form-data; boundary=b",
    b"Content-Length: 0", b"Content-Length: 784", b"Content-Length: 99999999999", b"Content-Length: -1",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Content-Encoding: gzip",
    b"Content-Encoding: deflate", b"Expect: 100-continue", b"Connection: close", b"Connection: upgrade\r\nUpgrade: h2c",
    b"Accept: */*", b"Accept: text/html", b"Accept: ;q=x", b"Accept-Encoding: gzip;q=0.5, deflate",
    b"Authorization: Bearer x", b"If-Match: \"7\"", b"X-Request-Id: a b", b"X-Client-Key: \xff", b"Origin: http://other",
    b"Sec-Fetch-Site: cross-site", b"Inference-Header-Content-Length: 0", b"Inference-Header-Content-Length: 20",
    b"Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", b"X-Forwarded-For: 1", b"Host:", b" folded",
    b"Cookie: a=b", b"Range: bytes=0-1", b"A_B: 1", b"X: " + b"x" * 5000,
)  # fmt: skip

_TRICKS: Final = (
    b"%2e%2e/", b"../", b"%00", b"%", b"%zz", b"//", b"\xc3\xa9", b"%ff", b"?", b"#", b";", b"version=1", b"model=digits",
    b"label=7", b"top_k=3", b"prepare=none", b"&", b"1_0", b"+1", b"digits", b"production", b"x" * 200, b"HTTP/1.0",
    b"HTTP/1.1", b"POST ", b"PUT ", b"DELETE ", b"HEAD ", b"OPTIONS * ", b"CONNECT ", b"http://a/predict ",
)  # fmt: skip


def _request(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    head = [line + b" HTTP/1.1", b"Host: x", *headers, *([b"Content-Length: %d" % len(body)] if body else [])]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def _seeds() -> list[bytes]:
    pixels = b'{"pixels": [' + b"0," * 783 + b"0]}"
    rows = b'{"instances": [[' + b"0," * 783 + b"0]]}"
    tensor = (
        b'{"inputs": [{"name": "images", "shape": [1, 784], "datatype": "UINT8", "data": [' + b"0," * 783 + b"0]}]}"
    )
    asked = [b"POST /predict?top_k=3", b"POST /explain", b"POST /feedback?label=7"]
    found = [_request(line, _HEADERS[0], body=pixels) for line in asked]
    found += [_request(b"POST /predict", _HEADERS[2], body=bytes(784)) * 5]
    found += [_request(b"POST /v1/models/digits:predict", _HEADERS[0], body=rows)]
    found += [_request(b"POST /v2/models/digits/infer", _HEADERS[0], body=tensor)]
    found += [_request(b"POST /invocations", _HEADERS[0], body=rows)]
    found += [_request(b"POST /predict", _HEADERS[2], _HEADERS[10]) + b"310\r\n" + bytes(784) + b"\r\n0\r\n\r\n"]
    found += [_request(b"GET " + path, b"Accept: */*") for path in _PATHS if path != b"/metrics"]
    found += [_request(b"PUT /models/digits/aliases/production", _HEADERS[21], _HEADERS[0], body=b'{"version": 1}')]
    return [b"\1" + request for request in found]


_BODY: Final[Mutator] = tree.mutator(("pixels", "pixel_max", "image", "images", "instances", "inputs", "data"))

_WORDS: Final = (*_HEADERS, *_TRICKS, *_PATHS)

_REQUEST: Final[Mutator] = lines.request(_WORDS, _BODY)


def _mutated(data: bytes, draw: Random) -> bytes:
    return data[:1] + _REQUEST(data[1:], draw)


DOORS: Final = {
    "query": Door(
        _query,
        lambda: [b"model=digits&version=1&top_k=3&prepare=auto", b"label=7&units=8&index=1", b"version=%70roduction"],
        plain.with_words((*_TRICKS, b"=", b"&&", b"top_k=1e400", b"top_k=" + b"9" * 5000, b"units=33", b"index=-1")),
        120_000,
    ),
    "http": Door(_http, _seeds, _mutated, 60_000),
}
