"""Where a request is answered: on its worker's event loop, as soon as it is read, or aside in a thread.

Which requests go where, and how much of a body is read, is said by service/lanes.py. On the loop there is one request
at a time, so a worker has no two that fight for the interpreter.

What the app answers is none of this room's business, but for the requests that the service is for: they need not go
through Flask's dispatch, which takes longer than the network.
"""

import asyncio
import logging
import sys
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

_log = logging.getLogger("service")

_FAILED: Final = b'{"type":"about:blank","title":"Internal Server Error","status":500}\n'


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
        self.most_bytes = lanes.most_bytes
        self._queues = {lane: _Queue(lane) for lane in Lane if lane.threads}

    def limit(self, environ: Environ) -> int:
        """Give how many bytes a request's body may have."""
        return self._lanes.limit(environ)

    def __call__(self, environ: Environ, body: Body | None, answered: Callable[[Answer], None]) -> None:
        """Answer a request now or later, on the loop; see service.answering.Answering."""
        lane = self._lanes.lane(environ, len(body or b""), body or b"")
        environ["wsgi.multithread"] = lane is not Lane.LOOP
        if lane is Lane.LOOP:
            answer = self._answer_here(environ, body)
            if answer is not None:
                answered(answer)
                return
            lane, environ["wsgi.multithread"] = Lane.WORK, True
        queue = self._queues[lane]
        if (waited := queue.waited()) > self._lanes.queue_seconds:
            environ[REFUSED] = QueueTooLong(f"others have waited here for {waited:.1f} seconds: come back later")
            answered(called(self.flask, environ, None))
            return
        queue.put(lambda: self._answer(environ, body), answered)

    def _answer_here(self, environ: Environ, body: Body | None) -> Answer | None:
        """Answer on the loop; None where that shows to be too much work for it."""
        aside.enter()
        try:
            return self._answer(environ, body)
        except aside.Aside:
            return None
        finally:
            aside.leave()

    def _answer(self, environ: Environ, body: Body | None) -> Answer:
        if self._direct is not None and body is not None:
            try:
                answer = self._direct(environ, body)
            except Exception:  # noqa: BLE001 - the app answers every error, and logs those that are ours
                answer = None
            if answer is not None:
                return answer
        return called(self.flask, environ, body)


class _Queue:
    """A lane's threads, and since when requests wait for one of them."""

    def __init__(self, lane: Lane) -> None:
        self._threads = ThreadPoolExecutor(lane.threads, thread_name_prefix=lane.name.lower())
        self._waiting: deque[float] = deque()

    def waited(self) -> float:
        """Give the seconds for which the first of those that wait has done so, 0 where none does."""
        try:
            return time.monotonic() - self._waiting[0]
        except IndexError:
            return 0.0

    def put(self, answer: Callable[[], Answer], answered: Callable[[Answer], None]) -> None:
        """Have a request answered in its turn, and that told on the loop."""

        def begin() -> Answer:
            self._waiting.popleft()  # they begin in their order
            return answer()

        self._waiting.append(time.monotonic())
        future = asyncio.get_running_loop().run_in_executor(self._threads, begin)
        future.add_done_callback(lambda done: answered(done.result()))


def called(flask: Flask, environ: Environ, body: Body | None) -> Answer:
    """Give Flask's answer to a request; 500 when Flask itself fails."""
    environ["wsgi.errors"] = sys.stderr
    if body is not None:
        environ[WHOLE] = body = bytes(body)
    environ["wsgi.input"] = BytesIO(body or b"")
    begun = _Begun()
    try:
        chunks = flask.wsgi_app(environ, begun)
        data = _joined(chunks)
    except Exception:  # noqa: BLE001 - a worker must outlive it
        _log.exception("the app failed")
        about = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(_FAILED)))]
        return Answer(500, about, _FAILED)
    if environ["REQUEST_METHOD"] != "HEAD" and not any(name == "Content-Length" for name, _ in begun.headers):
        begun.headers.append(("Content-Length", str(len(data))))
    return Answer(begun.status, begun.headers, data, partial(_close, chunks))


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
