"""One client's connection: which of its requests is answered when, and when it ends.

How requests are found in what it sends is service/incoming.py's matter, what is sent of an answer service/writing.py's,
and where a request is answered service/dispatch.py's; the loop, and the end of those who keep it waiting, is
service/worker.py's.
"""

import asyncio
from collections import deque
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from service.answering import Answer
from service.clients import Clients
from service.incoming import BODY_SECONDS, IDLE_SECONDS, Asked, Incoming
from service.writing import FULL, head, problem

WRITE_SECONDS: Final = 60.0
"""For which a client may take nothing of an answer."""

_LINGER_SECONDS: Final = 2.0
"""For which the rest of a body that was refused is still taken: closed at once, many clients would lose the answer."""

_JOINED_BYTES: Final = 64 * 2**10
"""Longest body that is copied behind its headers to be sent in one piece."""

_FOREVER: Final = float("inf")


class Connection(Incoming):
    """The protocol of one connection.

    What can be answered on the loop is answered as soon as its last byte is here, before anything else is done. Of
    several requests that came together, the others wait their turn behind those of other clients; and nothing more is
    read while one waits, or while the client takes no answers.
    """

    def __init__(self, clients: Clients, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(clients, loop)
        self._waiting: deque[Asked] = deque()
        self._asked: Asked | None = None
        """The one that is being answered."""
        self._last: Answer | None = None
        """What ends the connection, when all before it is answered."""
        self._lingers = False
        """Whether what the client still sends is taken for a moment after that."""
        self._writable = True

    @property
    def is_answering(self) -> bool:
        """Whether a request is being answered."""
        return self._asked is not None

    # From the transport

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        super().connection_made(transport)
        self._clients.add(self)
        if len(self._clients.open) > self._clients.most:
            self._reads, self._last = False, FULL
            self._go_on()

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget the client; what is being answered for it comes to its end."""
        self._clients.discard(self)
        self._reads = False
        self._forget()
        self._parser = None  # it refers to this, and garbage would have to be looked for

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

    # Requests

    def _ask(self, asked: Asked) -> None:
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

    def _answer(self, asked: Asked) -> None:
        self._turn_taken = True
        self._asked = asked
        self.deadline = _FOREVER
        self._clients.answering(asked.environ, asked.body, partial(self._answered, asked))

    def _answered(self, asked: Asked, answer: Answer) -> None:
        self._asked = None
        self._clients.hold(-asked.held)
        self.deadline = self._loop.time() + (BODY_SECONDS if self._environ else IDLE_SECONDS)
        keep_alive = asked.keep_alive and not self._clients.ending
        if not self._transport.is_closing():
            self._write(answer, keep_alive=keep_alive)
        if answer.after is not None:
            answer.after()
        if keep_alive:
            if self._waiting or self._last or not self._transport.is_reading():
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

    def _end_with(self, status: HTTPStatus, detail: str, *headers: tuple[str, str], lingers: bool = False) -> None:
        self._reads, self._lingers = False, lingers
        self._last = problem(status, detail, *headers)
        self._go_on()

    def _drain(self) -> None:
        """Take what still comes for a moment, and let it go."""
        self._drains = True
        self.deadline = self._loop.time() + _LINGER_SECONDS
        self._transport.resume_reading()

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
        above = head(answer, self._clients.date, keep_alive=keep_alive)
        if len(answer.body) <= _JOINED_BYTES:
            self._transport.write(above + answer.body)
        else:
            self._transport.writelines([above, answer.body])
