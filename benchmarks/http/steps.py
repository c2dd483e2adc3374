"""Where the time of answering one request goes: the service's functions, timed one by one where they are called."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from werkzeug.test import EnvironBuilder

from benchmarks.http.way import Sent
from mlp import picture, prepare
from mlp.version import Version
from service import answer, body
from service.answering import Answer, Body, Environ

Answers = Callable[[Environ, Body], Answer | None]
"""What answers a request by its headers and its body."""

PARSE, PREPARE, INFER, ANSWER = "parse the body", "prepare the picture", "infer", "write the answer"
REST: Final = "the rest of the service: id, model, headers"

_FUNCTIONS: Final[tuple[tuple[Any, str, str], ...]] = (
    (body, "read", PARSE),
    (prepare, "prepared", PREPARE),
    (picture, "decode", PARSE),
    (Version, "scores", INFER),
    (answer, "body", ANSWER),
)
"""Whose attribute it is that callers look up, and to which step it belongs."""

_QUICKEST: Final = 10
"""One in so many calls counts: the others had to wait for a processor that others use, too."""


class NotAnswered(Exception):
    """A request is not answered, or with another status than 200."""


class Clock:
    """Gives every moment of a call to one step: the innermost of those that are being done."""

    def __init__(self) -> None:
        self._spent = defaultdict[str, int](int)
        self._doing = [REST]
        self._since = 0

    def call(self, function: Callable[[], object]) -> dict[str, int]:
        """Give the nanoseconds of each step of a call."""
        self._spent.clear()
        self._since = time.perf_counter_ns()
        function()
        self._turn()
        return dict(self._spent)

    def timed(self, function: Callable[..., Any], step: str) -> Callable[..., Any]:
        """Give a function that does the same, with its time given to `step`."""

        def call(*positional: Any, **named: Any) -> Any:
            self._turn()
            self._doing.append(step)
            try:
                return function(*positional, **named)
            finally:
                self._turn()
                self._doing.pop()

        return call

    def _turn(self) -> None:
        now = time.perf_counter_ns()
        self._spent[self._doing[-1]] += now - self._since
        self._since = now


@contextmanager
def _watched(clock: Clock) -> Iterator[None]:
    originals = [getattr(owner, name) for owner, name, _ in _FUNCTIONS]
    try:
        for (owner, name, step), function in zip(_FUNCTIONS, originals, strict=True):
            setattr(owner, name, clock.timed(function, step))
        yield
    finally:
        for (owner, name, _), function in zip(_FUNCTIONS, originals, strict=True):
            setattr(owner, name, function)


def spent(answers: Answers, path: str, sent: Sent, calls: int) -> dict[str, float]:
    """Give the µs of each step of a request, `REST` the last: the mean of the quickest of so many calls.

    Raises NotAnswered.
    """
    clock = Clock()
    call = _caller(answers, path, sent)
    with _watched(clock):
        found = [clock.call(call) for _ in range(calls)]
    found.sort(key=lambda one: sum(one.values()))
    quickest = found[: max(1, calls // _QUICKEST)]
    return {step: _mean(quickest, step) for step in (PARSE, PREPARE, INFER, ANSWER, REST)}


def _mean(found: list[dict[str, int]], step: str) -> float:
    return sum(one.get(step, 0) for one in found) / len(found) / 1000


def _caller(answers: Answers, path: str, sent: Sent) -> Callable[[], object]:
    environ = EnvironBuilder(path, method="POST", headers=sent.headers.items(), data=sent.body).get_environ()

    def call() -> None:
        answer = answers({**environ}, sent.body)
        if answer is None or answer.status != 200:
            raise NotAnswered(f"{path} answers {answer and answer.status} to {dict(sent.headers)}")
        if answer.after is not None:
            answer.after()

    return call
