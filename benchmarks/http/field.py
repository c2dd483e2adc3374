"""All servers that answer with one network, and the rounds in which they take turns."""

import contextlib
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np

from benchmarks.http import bare, processes, wrk
from benchmarks.http.bare import Bare
from benchmarks.http.contestant import CONTESTANTS, OURS, WITH_LARGEST, Contestant
from benchmarks.http.model import Network
from benchmarks.http.question import BARE, LARGE, Question
from benchmarks.http.results import Growth, Loads, Standing
from benchmarks.http.serving import Serving
from benchmarks.http.way import Sent
from benchmarks.http.wrk import Load
from mlp import network
from mlp.arrays import Float, Uint8

_TOLERANCE: Final = 1e-4


class WrongAnswer(Exception):
    """A contestant answers with other scores than the network's."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where servers run, and with what."""

    folder: Path
    """For logs and bodies."""
    pythons: Mapping[str | None, str]
    """By environment; who has none of these is left out."""
    network: Network
    pictures: Uint8

    def serving(self, contestant: Contestant, *, workers: int = 2) -> Serving:
        """Give a contestant's server, to be started."""
        python = self.pythons[contestant.environment]
        log = self.folder / f"{contestant.name}.log"
        first = contestant.ways["JSON"].write(self.pictures[:1])
        return Serving(contestant, python, self.network.environment, log, first=first, workers=workers)

    def body(self, sent: Sent) -> Path:
        """Write a body to a file, from which the load generator reads it."""
        path = self.folder / "body"
        path.write_bytes(sent.body)
        return path


def check(server: Serving, question: Question, sent: Sent, expected: Float) -> None:
    """Compare an answer with scores (n, c). Raises WrongAnswer, NotServing."""
    read = server.contestant.ways[question.kind].read
    answer = server.ask(question.kind, sent)
    if read is None:
        return
    who = f"{server.contestant.name} answers to {str(question)!r}"
    try:
        said = read(answer)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise WrongAnswer(f"{who} with what cannot be read: {error!r}, {answer.body[:200]!r}") from error
    if said.scores.shape != expected.shape or np.abs(said.scores - expected).max() > _TOLERANCE:
        raise WrongAnswer(f"{who} with other scores than the network")
    if said.labels not in (None, network.winners(expected).tolist()):
        raise WrongAnswer(f"{who} with other labels than the network")


class Field:
    """The servers, until the block ends."""

    def __init__(self, place: Place, name: str) -> None:
        """`name` is the network's."""
        whom = [c for c in CONTESTANTS if c.environment in place.pythons and (name != LARGE or c.name in WITH_LARGEST)]
        self._place = place
        self._stack = contextlib.ExitStack()
        self._servers: list[Serving] = []
        with contextlib.ExitStack() as stack:  # so that those that have started end if one does not
            self._bare = stack.enter_context(Bare())
            for contestant in whom:
                print(f"starting {contestant.name}", file=sys.stderr)
                self._servers.append(stack.enter_context(place.serving(contestant)))
            self._stack = stack.pop_all()

    def __enter__(self) -> "Field":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def measure(self, question: Question, rounds: int, seconds: int) -> Loads:
        """Give each one's medians over the rounds. Raises NotFound when ours does not know such requests yet."""
        asked = self._place.pictures[: question.pictures]
        expected = self._place.network.version.scores(asked)
        servers = [server for server in self._servers if server.contestant.is_asked(question.kind, question.pictures)]
        sent = {server: server.contestant.ways[question.kind].write(asked) for server in servers}
        for server in servers:
            check(server, question, sent[server], expected)
        passes = self._passes(question)
        found = defaultdict[str, list[Load]](list)
        for number in range(rounds):
            print(f"{question}: round {number + 1} of {rounds}", file=sys.stderr)
            for server in _from(servers, number):
                found[server.contestant.name].append(self._load(server, question, sent[server], seconds))
            for name in passes:
                found[name].append(self._bare.load(name, self._place.network.version, asked, seconds))
        names = [server.contestant.name for server in servers]
        return {name: Load.medians(found[name]) for name in [*names, *passes]}

    def standings(self) -> list[Standing]:
        """Give the servers' start and memory."""
        return [Standing(s.contestant.name, s.start_seconds, processes.memory(s.pid)) for s in self._servers]

    def _passes(self, question: Question) -> Sequence[str]:
        alone = question.kind in BARE and (question.pictures > 1 or question.network == LARGE)
        return (bare.ALONE, bare.PLAIN) if alone else ()

    def _load(self, server: Serving, question: Question, sent: Sent, seconds: int) -> Load:
        return wrk.load(
            server.url(question.kind),
            self._place.body(sent),
            sent.headers,
            connections=question.connections,
            seconds=seconds,
        )


def _from(servers: Sequence[Serving], number: int) -> Sequence[Serving]:
    """Give them in turn, another one first in each round, so that nobody always follows the same one."""
    first = number % len(servers)
    return [*servers[first:], *servers[:first]]


def growth(place: Place, requests: int) -> Growth:
    """Start ours alone, and look at its memory after half of the requests and after all of them."""
    (ours,) = (contestant for contestant in CONTESTANTS if contestant.name == OURS)
    sent = ours.ways["JSON"].write(place.pictures[:1])
    body = place.body(sent)
    with place.serving(ours) as server:
        found, done = {0: processes.memory(server.pid)}, 0
        for goal in (requests // 2, requests):
            while done < goal:
                print(f"memory: {done:,} of {requests:,} requests", file=sys.stderr)
                load = wrk.load(server.url("JSON"), body, sent.headers, connections=16, seconds=1)
                done += load.requests
            found[done] = processes.memory(server.pid)
        return Growth(server.start_seconds, found)
