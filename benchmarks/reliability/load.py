"""Clients that ask as fast as they are answered, or by the clock whatever happens, in a process of their own.

By the clock (an open loop) a request has a moment at which it is due, and its time is counted from there: a server that
keeps its clients waiting cannot slow down what is asked of it. A request for which no connection is free opens one.
"""

import errno
import os
import re
import select
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from typing import Final

import numpy as np

_LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_CLOSES: Final = re.compile(rb"connection: *close", re.IGNORECASE)
_RETRY: Final = re.compile(rb"retry-after: *\d", re.IGNORECASE)
_RECEIVED: Final = 2**18
MOST: Final = 3000
"""Connections at a time; when all wait for answers, the next request waits for one of them, and its time runs."""

GRACE_SECONDS: Final = 10.0
"""For which answers are waited for after the last request."""


@dataclass
class Outcome:
    """What became of the requests of one run."""

    seconds: float = 0.0
    """From the first request to the end of the last period in which one was due."""
    answered: list[tuple[float, float]] = field(default_factory=list)
    """Of each 200: when it came, by the seconds since the begin, and the seconds it took."""
    refused: list[tuple[float, float]] = field(default_factory=list)
    """Of each 503 or 429, likewise."""
    asked: int = 0
    others: int = 0
    """Answers of any other status."""
    lost: int = 0
    """Requests whose connection ended without an answer."""
    unanswered: int = 0
    """Requests that had none at the end."""
    held_back: int = 0
    """Requests that were not sent, because every client that could was told to come back later, and heeds that."""
    without_retry: int = 0
    """Refusals without Retry-After."""

    @property
    def rate(self) -> float:
        """200s a second that came while it was being asked."""
        return sum(at <= self.seconds for at, _ in self.answered) / self.seconds

    def milliseconds(self, q: float, *, refused: bool = False) -> float:
        """Give a percentile."""
        found = [took for _, took in (self.refused if refused else self.answered)]
        return float(np.percentile(found, q)) * 1e3 if found else float("nan")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be asked: `rate` requests a second, or as many as `connections` get answered when there is no rate."""

    port: int
    request: bytes
    seconds: float
    rate: float = 0.0
    connections: int = 0
    heeds: bool = False
    """Whether whoever is told to come back in a second does that, and nobody else asks in its place."""


class _Client:
    """One connection; it has at most one request on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect_ex(("127.0.0.1", port))
        self.fd = self.socket.fileno()
        self.due = 0.0
        self.waits = False
        self.unsent = memoryview(b"")
        self.got = b""


class Load:
    """A run as it is ordered."""

    def __init__(self, order: Order) -> None:
        self._port, self._request, self._rate = order.port, order.request, order.rate
        self._connections, self._heeds = order.connections, order.heeds
        self._resting: deque[float] = deque()
        """Until when clients rest that were told to come back later."""
        self._epoll = select.epoll()
        self._clients: dict[int, _Client] = {}
        self._idle: list[_Client] = []
        self._late: deque[float] = deque()
        self._begin = time.perf_counter()
        self._end = self._begin + order.seconds
        self.outcome = Outcome(order.seconds)

    def run(self) -> Outcome:
        """Ask, and give what became of it."""
        due = self._begin
        if not self._rate:
            for _ in range(self._connections):
                self._ask(self._begin)
        while (now := time.perf_counter()) < self._end:
            while self._rate and due <= now:
                self._ask(due)
                due += 1 / self._rate
            self._turn(due - now if self._rate else 0.05)
        self._rate, last = 0.0, self._end + GRACE_SECONDS
        while (self._waiting() or self._late) and time.perf_counter() < last:
            self._turn(0.05)
        self.outcome.unanswered = self._waiting() + len(self._late)
        for client in list(self._clients.values()):
            self._leave(client)
        self._epoll.close()
        return self.outcome

    def _waiting(self) -> int:
        return sum(client.waits for client in self._clients.values())

    def _turn(self, seconds: float) -> None:
        for fd, event in self._epoll.poll(max(0.0, min(seconds, 0.05)), 512):
            client = self._clients.get(fd)
            if client is None:
                continue
            if event & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                self._receive(client)
            elif event & select.EPOLLOUT:
                self._send(client)

    def _ask(self, due: float) -> None:
        self.outcome.asked += 1
        if self._idle:
            self._put(self._idle.pop(), due)
        elif self._has_room():
            client = _Client(self._port)
            self._clients[client.fd] = client
            self._epoll.register(client.fd, select.EPOLLIN)
            self._put(client, due)
        elif self._heeds:
            self.outcome.asked -= 1
            self.outcome.held_back += 1
        else:
            self._late.append(due)

    def _has_room(self) -> bool:
        while self._resting and self._resting[0] < time.perf_counter():
            self._resting.popleft()
        return len(self._clients) + len(self._resting) < MOST

    def _put(self, client: _Client, due: float) -> None:
        client.due, client.waits, client.got, client.unsent = due, True, b"", memoryview(self._request)
        self._send(client)

    def _send(self, client: _Client) -> None:
        try:
            client.unsent = client.unsent[client.socket.send(client.unsent) :]
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ENOTCONN):
                client.unsent = memoryview(b"")  # what it was answered may be there to be read
        self._epoll.modify(client.fd, select.EPOLLIN | (select.EPOLLOUT if client.unsent else 0))

    def _receive(self, client: _Client) -> None:
        try:
            data = client.socket.recv(_RECEIVED)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        client.got += data
        if client.waits and _is_whole(client.got):
            self._answered(client)
        elif not data:
            self.outcome.lost += client.waits
            self._leave(client)
            self._next()

    def _answered(self, client: _Client) -> None:
        now, status = time.perf_counter(), int(client.got[9:12])
        head = client.got.partition(b"\r\n\r\n")[0]
        found = (now - self._begin, now - client.due)
        if status == 200:
            self.outcome.answered.append(found)
        elif status in (429, 503):
            self.outcome.refused.append(found)
            self.outcome.without_retry += _RETRY.search(head) is None
            if self._heeds:
                self._resting.append(now + 1.0)
        else:
            self.outcome.others += 1
        client.waits = False
        if client.unsent or _CLOSES.search(head):
            self._leave(client)
        else:
            self._idle.append(client)
        self._next()

    def _next(self) -> None:
        """Let the connection that is free now, or the room for one, be used."""
        if self._late:
            self.outcome.asked -= 1
            self._ask(self._late.popleft())
        elif not self._rate and self._connections and (now := time.perf_counter()) < self._end:
            self._ask(now)

    def _leave(self, client: _Client) -> None:
        del self._clients[client.fd]
        client.socket.close()
        if client in self._idle[-1:]:
            self._idle.pop()
        elif not client.waits and client in self._idle:
            self._idle.remove(client)


def _is_whole(got: bytes) -> bool:
    head, end, body = got.partition(b"\r\n\r\n")
    length = _LENGTH.search(head) if end else None
    return length is not None and len(body) >= int(length[1])


class Generator:
    """A process that makes loads when it is told to."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

    def begin(self, order: Order) -> None:
        """Have a load made; `outcome` waits for its end."""
        self._pipe.send(order)

    def outcome(self) -> Outcome:
        """Give what became of the load that was begun last."""
        found: Outcome = self._pipe.recv()
        return found

    def __call__(self, order: Order) -> Outcome:
        """Give what becomes of a load."""
        self.begin(order)
        return self.outcome()


def _obey(pipe: Pipe, processor: int | None) -> None:
    if processor is not None:
        os.sched_setaffinity(0, {processor})
    while True:
        pipe.send(Load(pipe.recv()).run())


@contextmanager
def generator(processor: int | None = None) -> Iterator[Generator]:
    """Give a generator, on one processor if that is named."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_obey, args=(theirs, processor), daemon=True)
    process.start()
    try:
        yield Generator(ours)
    finally:
        process.kill()
        process.join()
