"""Where a request is answered: on its worker's event loop, as soon as it is read, or aside in a thread.

Which requests go where, and how much of a body is read, is said by service/lanes.py. On the loop there is one request
at a time, so a worker has no two that fight for the interpreter. When many come at once, those that would keep the loop
for long wait in a queue, so that probes, and who is refused, need not; service/waiting.py says who is.

What the app answers is none of this room's business, but for the requests that the service is for: they need not go
through Flask's dispatch, which takes longer than the network.
"""

import asyncio
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import Any, Final

from flask import Flask

from service import aside
from service.answering import Answer, Body, Environ
from service.body import WHOLE
from service.each_request import REFUSED
from service.errors import QueueTooLong
from service.lanes import Lane, Lanes
from service.refusing import Refusing
from service.waiting import Waiting

_log = logging.getLogger("service")

_ROUND_SECONDS: Final = 0.01
"""For which the loop answers requests until it looks again at what has come: probes and new clients wait no longer."""

_FAILED: Final = b'{"type":"about:blank","title":"Internal Server Error","status":500}\n'
_NO_MEMORY: Final = (
    b'{"type":"about:blank","title":"Service Unavailable","status":503,'
    b'"detail":"there is no memory for this request now"}\n'
)


class Dispatch:
    """Answers requests with `flask`, and those that `direct` takes without it.

    `direct` gives the answer to a request and its body, or None for one that it leaves to Flask; whatever it raises,
    Flask is asked then, and says what is wrong.
    """

    def __init__(
        self, flask: Flask, lanes: Lanes, direct: Callable[[Environ, Body], Answer | None] | None = None
    ) -> None:
        self.flask = flask
        self._lanes = lanes
        self._direct = direct
        self._refusing = Refusing(flask)
        self.most_bytes = lanes.most_bytes
        self._turns = _Turns(lanes.queue_seconds)
        self._queues = {lane: _Queue(lane, lanes.queue_seconds) for lane in Lane if lane.threads}

    def begin(self) -> None:
        """Start the threads, to be called in the process that answers: later there may be no memory for them."""
        for queue in self._queues.values():
            queue.begin()

    def limit(self, environ: Environ) -> int:
        """Give how many bytes a request's body may have."""
        return self._lanes.limit(environ)

    def refuses(self, environ: Environ, size: int) -> bool:
        """Whether a request is to be answered now, without its long body of `size` bytes: others wait already."""
        queue = self._queues.get(self._lanes.lane(environ, size))
        return queue is not None and self._too_long(environ, queue.waiting)

    def __call__(self, environ: Environ, body: Body | None, answered: Callable[[Answer], None]) -> None:
        """Answer a request now or later, on the loop; see service.answering.Answering."""
        if REFUSED in environ:
            answered(self._refusal(environ))
            return
        lane = self._lanes.lane(environ, len(body or b""), body or b"")
        environ["wsgi.multithread"] = lane is not Lane.LOOP
        if lane is Lane.LOOP and (environ["REQUEST_METHOD"] != "POST" or self._turns.is_mine()):
            self._answer_here(environ, body, answered)
            return
        waiting = self._turns.waiting if lane is Lane.LOOP else self._queues[lane].waiting
        if self._too_long(environ, waiting):
            answered(self._refusal(environ))
        elif lane is Lane.LOOP:
            self._turns.put(lambda: self._answer_here(environ, body, answered))
        else:
            self._queues[lane].put(lambda: self._answer(environ, body), answered)

    def _answer_here(self, environ: Environ, body: Body | None, answered: Callable[[Answer], None]) -> None:
        """Answer on the loop, or in a thread where that shows to be too much work for it."""
        answer = None
        aside.enter()
        try:
            answer = self._answer(environ, body)
        except aside.Aside:
            environ["wsgi.multithread"] = True
        finally:
            aside.leave()
        if answer is None:
            self._queues[Lane.WORK].put(lambda: self._answer(environ, body), answered)
        else:
            answered(answer)

    def _too_long(self, environ: Environ, waiting: Waiting) -> bool:
        """Whether too many wait; the environment has the reason then."""
        if seconds := waiting.too_long():
            environ[REFUSED] = QueueTooLong(f"others have waited here for {seconds:.1f} seconds: come back later")
        return seconds > 0

    def _refusal(self, environ: Environ) -> Answer:
        tracing = self.flask.extensions.get("tracing")
        if tracing is not None and tracing.on:  # spans are made by what Flask calls
            return called(self.flask, environ, None)
        return self._refusing(environ, environ[REFUSED])

    def _answer(self, environ: Environ, body: Body | None) -> Answer:
        if self._direct is not None and body is not None:
            try:
                answer = self._direct(environ, body)
            except Exception:  # noqa: BLE001 - the app answers every error, and logs those that are ours
                answer = None
            if answer is not None:
                return answer
        return called(self.flask, environ, body)


class _Turns:
    """Those that wait for the loop, and get it for a moment in each of its rounds."""

    def __init__(self, seconds: float) -> None:
        self.waiting = Waiting(seconds)
        self._queue: deque[Callable[[], None]] = deque()
        self._goes_on = False
        self._round_end = 0.0
        """0 until the first request of a round comes."""

    def is_mine(self) -> bool:
        """Whether a request that has just come may be answered at once: nobody waits, and the round has been short."""
        if self._queue:
            return False
        if self._round_end:
            return time.monotonic() < self._round_end
        self._round_end = time.monotonic() + _ROUND_SECONDS
        asyncio.get_running_loop().call_soon(self._end_round)
        return True

    def _end_round(self) -> None:
        """Take note that all that had come has been seen."""
        self._round_end = 0.0

    def put(self, answer: Callable[[], None]) -> None:
        """Have a request answered in its turn."""
        self.waiting.add()
        self._queue.append(answer)
        if not self._goes_on:
            self._go_on_soon()

    def _go_on_soon(self) -> None:
        self._goes_on = True
        asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Answer those that wait for as long as a round may take, then let the loop see what has come."""
        end = time.monotonic() + _ROUND_SECONDS
        self._goes_on = False
        try:
            while self._queue and time.monotonic() < end:
                answer = self._queue.popleft()
                begun = self.waiting.begin()
                answer()
                self.waiting.done(begun)
        finally:
            if self._queue and not self._goes_on:
                self._go_on_soon()


class _Queue:
    """A lane's threads, and those that wait for one of them."""

    def __init__(self, lane: Lane, seconds: float) -> None:
        self.waiting = Waiting(seconds, lane.threads)
        self._number = lane.threads
        self._threads = ThreadPoolExecutor(lane.threads, thread_name_prefix=lane.name.lower())

    def begin(self) -> None:
        """Start the threads, which otherwise begin when they are needed. Raises RuntimeError when they cannot be."""
        all_there = threading.Barrier(self._number)
        try:
            for _ in range(self._number):
                self._threads.submit(all_there.wait)
        except RuntimeError:
            all_there.abort()  # those that wait would keep the process from its end
            raise

    def put(self, answer: Callable[[], Answer], answered: Callable[[Answer], None]) -> None:
        """Have a request answered in its turn, and that told on the loop."""

        def begin() -> Answer:
            begun = self.waiting.begin()  # they begin in their order
            try:
                return answer()
            finally:
                self.waiting.done(begun)

        self.waiting.add()
        future = asyncio.get_running_loop().run_in_executor(self._threads, begin)
        future.add_done_callback(lambda done: answered(done.result()))


def called(flask: Flask, environ: Environ, body: Body | None) -> Answer:
    """Give Flask's answer to a request; 500 when Flask itself fails, 503 where its body cannot be given to it."""
    environ["wsgi.errors"] = sys.stderr
    begun = _Begun()
    try:
        if body is not None:
            environ[WHOLE] = body = bytes(body)
        environ["wsgi.input"] = BytesIO(body or b"")
        chunks = flask.wsgi_app(environ, begun)
        data = _joined(chunks)
    except MemoryError:
        _log.warning("there is no memory for a request")
        return _plain(503, _NO_MEMORY, ("Retry-After", "1"))
    except Exception:  # noqa: BLE001 - a worker must outlive it
        _log.exception("the app failed")
        return _plain(500, _FAILED)
    if environ["REQUEST_METHOD"] != "HEAD" and not any(name == "Content-Length" for name, _ in begun.headers):
        begun.headers.append(("Content-Length", str(len(data))))
    return Answer(begun.status, begun.headers, data, partial(_close, chunks))


def _plain(status: int, text: bytes, *headers: tuple[str, str]) -> Answer:
    about = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(text))), *headers]
    return Answer(status, about, text)


class _Begun:
    """What a WSGI app begins its answer with; called by it, as PEP 3333's start_response."""

    status = 500
    headers: list[tuple[str, str]]

    def __call__(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Callable[[bytes], object]:
        self.status = int(status[:3])
        self.headers = headers
        return _write


def _write(_data: bytes) -> object:
    raise NotImplementedError("the app gives its body back; nothing here writes it")


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
