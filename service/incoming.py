"""What a client sends → the requests of one connection, with their bodies; or what is wrong with them.

llhttp (by httptools) says where the parts of a request begin and end, and refuses what is none. In which order they are
answered, and when the connection ends, is service/connection.py's matter.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httptools
import numpy as np

from service.answering import Body, Environ
from service.clients import Clients
from service.environ import put_headers, set_length, target

IDLE_SECONDS: Final = 75.0
"""For which a connection may be without a request, or come with one byte by byte."""

BODY_SECONDS: Final = 30.0
"""For which the next part of a body is waited for."""

HEAD_BYTES: Final = 64 * 2**10
"""Most that a request's line and headers may take."""

_STRAIGHT_BYTES: Final = 32 * 2**10
"""Length of a body, or of its rest, from which on it is long: received straight into its place, and counted."""

_NOTHING: Final = memoryview(b"")


@dataclass(slots=True)
class Asked:
    """A request that has come whole, or as whole as it will."""

    environ: Environ
    body: Body | None
    keep_alive: bool
    held: int = 0
    """Bytes of its body that are counted."""


class Incoming(asyncio.BufferedProtocol):
    """The receiving half of a connection, without the answering half: service/connection.py's Connection."""

    def __init__(self, clients: Clients, loop: asyncio.AbstractEventLoop) -> None:
        self.deadline = loop.time() + IDLE_SECONDS
        """When the client has kept us waiting for too long, by the loop's clock."""
        self._clients = clients
        self._loop = loop
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._reads = True
        self._drains = False
        """Whether what still comes is let go, and the connection ends behind it."""
        self._turn_taken = False
        """Whether one of those that came together was answered at once."""
        self._always: Environ = {}
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._environ: Environ = {}
        """Empty until its headers are there."""
        self._in_head = False
        self._head_bytes = 0
        self._heads = 0
        """Requests that have begun."""
        self._parts: list[bytes] = []
        self._left = 0
        """Bytes that its body may still have."""
        self._keep_alive = False
        self._body = _NOTHING
        self._rest: memoryview | None = None
        """What is still to come of `_body`, when it is put straight there."""
        self._held = 0
        """Bytes of it that are counted: of a long one all."""
        self._refused = False
        self._to_drain = 0
        """Bytes that are still to come of a body of known length that was refused."""

    # What the other half does

    @property
    def is_answering(self) -> bool:
        """Whether a request is being answered."""
        raise NotImplementedError

    def _ask(self, asked: Asked) -> None:
        """Have a request answered in its turn."""
        raise NotImplementedError

    def _end_with(self, status: HTTPStatus, detail: str, *headers: tuple[str, str], lingers: bool = False) -> None:
        """Let this be the last answer: to something that is not for the app."""
        raise NotImplementedError

    def _close(self) -> None:
        """End the connection."""
        raise NotImplementedError

    # From the transport

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self._transport = transport
        server, client = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        host, port = server[:2] if isinstance(server, tuple) else ("localhost", 80)
        self._always = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "REMOTE_ADDR": str(client[0]) if isinstance(client, tuple) and client else "",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https" if transport.get_extra_info("sslcontext") else "http",
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }

    def get_buffer(self, _size: int) -> memoryview:
        """Give where what comes next is to be put: the rest of a long body straight to where it stays."""
        return self._clients.buffer if self._rest is None else self._rest

    def buffer_updated(self, size: int) -> None:
        """Take what has come."""
        if not self._reads:
            return
        if self._drains and self._to_drain > 0:  # unparsed: a refusal is to cost little
            self._to_drain -= size
            if self._to_drain <= 0:
                self._close()
            return
        self._turn_taken = False
        if self._rest is None:
            self._parse(self._clients.buffer[:size])
            return
        self._be_patient()
        self._rest = self._rest[size:]
        self._hold(size)
        if self._rest is not None and not self._rest:
            self._rest = None
            self._parser = httptools.HttpRequestParser(self)  # the old one still waits for that body
            body, self._body = self._body, _NOTHING
            self._complete(body)

    def _parse(self, data: memoryview) -> None:
        heads = self._heads
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # declined: it was answered as if it had not asked, and nothing more is read
        except httptools.HttpParserCallbackError:
            raise  # a mistake of ours
        except httptools.HttpParserError as error:
            self._end_with(HTTPStatus.BAD_REQUEST, f"this is not HTTP/1.1: {error}")
            return
        if self._in_head:
            if self._heads <= heads + 1:  # else most of it were other requests
                self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._end_with(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"headers over {HEAD_BYTES} bytes")
        elif self._environ and not self._refused:
            self._take_straight()

    def _take_straight(self) -> None:
        """Have the rest of a body that has begun put into its place as it comes, if it is long and of known length.

        Parsed, it would be copied three times on its way.
        """
        length = int(self._environ.get("CONTENT_LENGTH", 0))
        here = sum(map(len, self._parts))
        if length - here < _STRAIGHT_BYTES:
            return
        try:
            self._body = np.empty(length, np.uint8).data
        except MemoryError:
            self._turn_away()
            return
        self._body[:here] = b"".join(self._parts)
        self._parts = []
        self._rest = self._body[here:]
        self._hold(here)

    # From the parser

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._heads += 1
        self._in_head = True
        self._head_bytes = 0
        self._url = b""
        self._parts = []
        self._refused = False
        self._to_drain = 0
        self._headers = []

    def on_url(self, url: bytes) -> None:
        """Take a part of the request's target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those behind a body in chunks mean nothing here, and are not kept."""
        if self._in_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """See what is asked, and whether its body may come."""
        self._in_head = False
        environ = self._environ = self._always.copy()
        environ["REQUEST_METHOD"] = self._parser.get_method().decode("ascii")
        environ["SERVER_PROTOCOL"] = f"HTTP/{self._parser.get_http_version()}"
        environ["PATH_INFO"], environ["QUERY_STRING"] = target(self._url)
        put_headers(environ, self._headers)
        same = environ["SERVER_PROTOCOL"] == "HTTP/1.1" and not self._parser.should_upgrade()
        self._keep_alive = same and self._parser.should_keep_alive()
        self._left = self._clients.answering.limit(environ)
        length = environ.get("CONTENT_LENGTH")
        if length is None:
            if "HTTP_TRANSFER_ENCODING" in environ:
                self._await_body(environ)
        elif int(length) > self._left or self._is_refused(environ, int(length)):
            self._to_drain = int(length)
            self._refuse()
        elif length != "0":
            self._await_body(environ)

    def on_body(self, part: bytes) -> None:
        """Take a part of the body."""
        if self._refused:
            self._to_drain -= len(part)
            return
        self._be_patient()
        self._parts.append(part)
        self._left -= len(part)
        if self._left < 0:
            set_length(self._environ, sum(map(len, self._parts)))
            self._parts = []
            self._refuse()
        elif "HTTP_TRANSFER_ENCODING" in self._environ:
            self._hold(len(part))

    def on_message_complete(self) -> None:
        """Answer."""
        if self._refused:
            self._environ = {}
            if self._drains:
                self._close()
            return
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = []
        if "HTTP_TRANSFER_ENCODING" in self._environ:
            set_length(self._environ, len(body))
        self._complete(body)

    # Bodies

    def _complete(self, body: Body) -> None:
        if len(body) >= _STRAIGHT_BYTES and len(body) > self._held:  # it came at once
            self._hold(len(body) - self._held)
            if self._refused:
                return
        environ, self._environ = self._environ, {}
        held, self._held = self._held, 0
        self._ask(Asked(environ, body, self._keep_alive, held))

    def _is_refused(self, environ: Environ, length: int) -> bool:
        return length >= _STRAIGHT_BYTES and self._clients.answering.refuses(environ, length)

    def _await_body(self, environ: Environ) -> None:
        """Ask for the body, where the client waits to be asked (RFC 9110, section 10.1.1)."""
        self._be_patient()
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _be_patient(self) -> None:
        """Give the client time for the next part of a body, unless it waits for us meanwhile."""
        if not self.is_answering:
            self.deadline = self._loop.time() + BODY_SECONDS

    def _hold(self, size: int) -> None:
        """Count a part of a long body. Where all of them have too much, whoever sends more has to come back."""
        self._held += size
        if not self._clients.hold(size):
            self._turn_away()

    def _turn_away(self) -> None:
        """Tell a client that there is no room for its body."""
        self._let_go()
        self._refused = True
        later = ("Retry-After", "1")
        self._end_with(HTTPStatus.SERVICE_UNAVAILABLE, "too much is being sent here at once", later, lingers=True)

    def _let_go(self) -> None:
        """Forget the body that is being read."""
        self._clients.hold(-self._held)
        self._held = 0
        self._parts, self._body, self._rest = [], _NOTHING, None

    def _refuse(self) -> None:
        """Let the request be answered without its body, of which the rest is let go."""
        self._let_go()
        self._refused = True
        self._ask(Asked(self._environ, None, keep_alive=False))
