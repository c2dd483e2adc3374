"""One client's connection: HTTP/1.1 as it comes → requests, answers → HTTP/1.1.

llhttp (by httptools) says where the parts of a request begin and end, and refuses what is none. Where a request is
answered is service/dispatch.py's matter; the loop, and the end of those who keep it waiting, service/worker.py's.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Final

import httptools
import numpy as np
from pydantic_core import to_json

from service.answering import Answer, Body, Environ
from service.clients import Clients
from service.environ import put_headers, set_length, target

IDLE_SECONDS: Final = 75.0
"""For which a connection may be without a request, or come with one byte by byte."""

BODY_SECONDS: Final = 30.0
"""For which the next part of a body is waited for."""

WRITE_SECONDS: Final = 60.0
"""For which a client may take nothing of an answer."""

_LINGER_SECONDS: Final = 2.0
"""For which the rest of a body that was refused is still taken: closed at once, many clients would lose the answer."""

_HEAD_BYTES: Final = 64 * 2**10
"""Most that a request's line and headers may take."""

_STRAIGHT_BYTES: Final = 32 * 2**10
"""Length of a body, or of its rest, from which on it is long: received straight into its place, and counted."""

_JOINED_BYTES: Final = 64 * 2**10
"""Longest body that is copied behind its headers to be sent in one piece."""

_STATUS_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}

_NOTHING: Final = memoryview(b"")

_FOREVER: Final = float("inf")


@dataclass(slots=True)
class _Asked:
    """A request that has come whole, or as whole as it will."""

    environ: Environ
    body: Body | None
    keep_alive: bool
    held: int = 0
    """Bytes of its body that are counted."""


class Connection(asyncio.BufferedProtocol):
    """The protocol of one connection.

    What can be answered on the loop is answered as soon as its last byte is here, before anything else is done. Of
    several requests that came together, the others wait their turn behind those of other clients; and nothing more is
    read while one waits, or while the client takes no answers.
    """

    def __init__(self, clients: Clients, loop: asyncio.AbstractEventLoop) -> None:
        self.deadline = loop.time() + IDLE_SECONDS
        """When the client has kept us waiting for too long, by the loop's clock."""
        self._clients = clients
        self._loop = loop
        self._parser: Any = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._always: Environ = {}
        # The request that is being read
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
        # Those that have been read
        self._waiting: deque[_Asked] = deque()
        self._asked: _Asked | None = None
        """The one that is being answered."""
        self._turn_taken = False
        self._last: Answer | None = None
        """What ends the connection, when all before it is answered."""
        self._lingers = False
        """Whether what the client still sends is taken for a moment after that."""
        self._reads = True
        self._drains = False
        self._writable = True

    @property
    def is_answering(self) -> bool:
        """Whether a request is being answered."""
        return self._asked is not None

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
        self._clients.add(self)
        if len(self._clients.open) > self._clients.most:
            self._reads, self._last = False, _FULL
            self._go_on()

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget the client; what is being answered for it comes to its end."""
        self._clients.discard(self)
        self._reads = False
        self._forget()
        self._parser = None  # it refers to this, and garbage would have to be looked for

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
            if self._head_bytes > _HEAD_BYTES:
                self._end_with(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"headers over {_HEAD_BYTES} bytes")
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

    def eof_received(self) -> bool:
        """Give whether the connection stays open: the client sends nothing more, but may wait for an answer."""
        self._reads = False
        last = self._waiting[-1] if self._waiting else self._asked
        if last is None or self._drains:
            return False
        last.keep_alive = False
        return True

    def pause_writing(self) -> None:
        """Answer nothing more until the client has taken what is there."""
        self._writable = False
        self.deadline = self._loop.time() + WRITE_SECONDS
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on answering."""
        self._writable = True
        self.deadline = _FOREVER if self._asked else self._loop.time() + IDLE_SECONDS
        self._go_on()

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
            self._drained()
            return
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = []
        if "HTTP_TRANSFER_ENCODING" in self._environ:
            set_length(self._environ, len(body))
        self._complete(body)

    # Requests

    def _complete(self, body: Body) -> None:
        if len(body) >= _STRAIGHT_BYTES and len(body) > self._held:  # it came at once
            self._hold(len(body) - self._held)
            if self._refused:
                return
        environ, self._environ = self._environ, {}
        held, self._held = self._held, 0
        self._ask(_Asked(environ, body, self._keep_alive, held))

    def _is_refused(self, environ: Environ, length: int) -> bool:
        return length >= _STRAIGHT_BYTES and self._clients.answering.refuses(environ, length)

    def _await_body(self, environ: Environ) -> None:
        """Ask for the body, where the client waits to be asked (RFC 9110, section 10.1.1)."""
        self._be_patient()
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _be_patient(self) -> None:
        """Give the client time for the next part of a body, unless it waits for us meanwhile."""
        if self._asked is None:
            self.deadline = self._loop.time() + BODY_SECONDS

    def _hold(self, size: int) -> None:
        """Count a part of a long body. Where all of them have too much, whoever sends more has to come back."""
        self._held += size
        if not self._clients.hold(size):
            self._turn_away()

    def _turn_away(self) -> None:
        """Tell a client that there is no room for its body."""
        self._let_go()
        self._refused = self._lingers = True
        self._end_with(HTTPStatus.SERVICE_UNAVAILABLE, "too much is being sent here at once", ("Retry-After", "1"))

    def _let_go(self) -> None:
        """Forget the body that is being read."""
        self._clients.hold(-self._held)
        self._held = 0
        self._parts, self._body, self._rest = [], _NOTHING, None

    def _refuse(self) -> None:
        """Let the request be answered without its body, of which the rest is let go."""
        self._let_go()
        self._refused = True
        self._ask(_Asked(self._environ, None, keep_alive=False))

    def _ask(self, asked: _Asked) -> None:
        if not self._reads:
            return
        if not asked.keep_alive and asked.body is not None:
            self._reads = False  # what comes behind it is not asked for
        if self._asked is None and not self._turn_taken and not self._waiting and self._writable:
            self._answer(asked)
        else:
            self._waiting.append(asked)
            self._transport.pause_reading()
            if self._asked is None:
                self._loop.call_soon(self._go_on)

    def _answer(self, asked: _Asked) -> None:
        self._turn_taken = True
        self._asked = asked
        self.deadline = _FOREVER
        self._clients.answering(asked.environ, asked.body, partial(self._answered, asked))

    def _answered(self, asked: _Asked, answer: Answer) -> None:
        self._asked = None
        self._clients.hold(-asked.held)
        self.deadline = self._loop.time() + (BODY_SECONDS if self._environ else IDLE_SECONDS)
        keep_alive = asked.keep_alive and not self._clients.ending
        if not self._transport.is_closing():
            self._write(answer, keep_alive=keep_alive)
        if answer.after is not None:
            answer.after()
        if keep_alive:
            if self._waiting or self._last:
                self._loop.call_soon(self._go_on)
        elif asked.body is None and self._environ:
            self._drain()
        else:
            self._close()

    def _go_on(self) -> None:
        """Answer the next of those that wait; when there is none, read on."""
        if self._asked is not None or not self._writable or self._transport.is_closing():
            return
        if self._waiting:
            self._answer(self._waiting.popleft())
        elif self._last is not None:
            last, self._last = self._last, None
            self._write(last, keep_alive=False)
            self._drain() if self._lingers else self._close()
        else:
            self._transport.resume_reading()

    # The end

    def end(self) -> None:
        """Close the connection, whatever is being waited for."""
        if self._environ and not self._refused and self._asked is None and not self._waiting:
            self._end_with(HTTPStatus.REQUEST_TIMEOUT, "the rest of the body did not come")
        elif self._writable:
            self._close()
        else:
            self._transport.abort()  # closed, it would wait for the client to take what it does not take

    def end_if_idle(self) -> None:
        """Close the connection unless a request is being read or answered."""
        if self._asked is None and not self._waiting and not self._environ:
            self._close()

    def _end_with(self, status: HTTPStatus, detail: str, *headers: tuple[str, str]) -> None:
        """Let this be the last answer: to something that is not for the app."""
        self._reads = False
        self._last = _problem(status, detail, *headers)
        self._go_on()

    def _drain(self) -> None:
        """Take what still comes for a moment, and let it go."""
        self._drains = True
        self.deadline = self._loop.time() + _LINGER_SECONDS
        self._transport.resume_reading()

    def _drained(self) -> None:
        """Take note that all of a refused body has come."""
        if self._drains:
            self._close()

    def _close(self) -> None:
        self._reads = False
        self._forget()
        self._transport.close()

    def _forget(self) -> None:
        """Let go of all that has come and is not being answered."""
        self._let_go()
        self._clients.hold(-sum(asked.held for asked in self._waiting))
        self._waiting.clear()

    def _write(self, answer: Answer, *, keep_alive: bool) -> None:
        head = _head(answer, self._clients.date, keep_alive=keep_alive)
        if len(answer.body) <= _JOINED_BYTES:
            self._transport.write(head + answer.body)
        else:
            self._transport.writelines([head, answer.body])


def _head(answer: Answer, date: str, *, keep_alive: bool) -> bytes:
    lines = [f"{name}: {value}\r\n" for name, value in answer.headers]
    end = "\r\n" if keep_alive else "Connection: close\r\n\r\n"
    status = _STATUS_LINES.get(answer.status) or f"HTTP/1.1 {answer.status} \r\n"
    return "".join([status, date, *lines, end]).encode("latin-1")


def _problem(status: HTTPStatus, detail: str, *headers: tuple[str, str]) -> Answer:
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    body = to_json(problem) + b"\n"
    about = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body))), *headers]
    return Answer(status.value, about, body)


_FULL: Final = _problem(HTTPStatus.SERVICE_UNAVAILABLE, "there are too many connections", ("Retry-After", "1"))


def full(clients: Clients) -> bytes:
    """Give all that a client hears for whom there is no room."""
    return _head(_FULL, clients.date, keep_alive=False) + _FULL.body
