"""Where each microsecond of a request goes: `make profile-http` prints the table of docs/performance.md.

In one process on one core the service is called as its worker calls it, and its functions are timed where they are
called. Then one worker process is loaded over HTTP, and the time that it has had on processors, by request, is the
whole: what is not the service's is HTTP, and in large bodies caches that are cold. No request is logged.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.columns import columns
from benchmarks.http import model, no_op, processes, steps, wrk
from benchmarks.http.contestant import CONTESTANTS, LIBRARIES, OURS
from benchmarks.http.field import Place
from benchmarks.http.question import LARGE, SMALL, Question
from benchmarks.http.serving import NotServing, Serving
from service.app import create_app
from service.dispatch import called
from service.settings import Settings
from training import datasets

HTTP: Final = "HTTP: kernel, parser, event loop"
WHOLE: Final = "the whole request"
BY_FLASK: Final = "not in it: Flask's dispatch, which the worker leaves out"
NO_OP: Final = "for comparison: a Flask route that does nothing"

QUESTIONS: Final = (
    Question("JSON", 1),
    Question("PNG", 1),
    Question("raw", 1),
    Question("JSON", 256),
    Question("raw", 256),
)
_CALLS: Final = {1: 5000, 256: 200}
"""In one process, by pictures in a request."""

(_OURS,) = (contestant for contestant in CONTESTANTS if contestant.name == OURS)


@dataclass(frozen=True, slots=True)
class Loading:
    """How a worker is loaded."""

    rounds: int
    """Of which the quickest counts."""
    seconds: int


def in_process(answers: steps.Answers, place: Place, question: Question) -> dict[str, float]:
    """Give the µs of each of the service's steps. Raises NotAnswered."""
    way = _OURS.ways[question.kind]
    return steps.spent(answers, way.path, way.write(place.pictures[: question.pictures]), _CALLS[question.pictures])


def over_http(server: Serving, place: Place, question: Question, loading: Loading) -> float:
    """Give the µs of processor time that a request costs the server's worker, HTTP included. Raises NoLoad."""
    sent = _OURS.ways[question.kind].write(place.pictures[: question.pictures])
    path, url = place.body(sent), server.url(question.kind)
    found = []
    for number in range(loading.rounds):
        print(f"{question}, over HTTP: round {number + 1} of {loading.rounds}", file=sys.stderr)
        before = processes.seconds(server.pid)
        load = wrk.load(url, path, sent.headers, connections=question.connections, seconds=loading.seconds)
        found.append(1e6 * (processes.seconds(server.pid) - before) / load.requests)
    return min(found)


def table(found: Mapping[Question, Mapping[str, float]], *, markdown: bool) -> str:
    """Set out the µs of each step, a column for each question."""
    names = list(dict.fromkeys(step for spent in found.values() for step in spent))
    rows = [[step, *(f"{spent[step]:,.0f}" if spent.get(step) else "–" for spent in found.values())] for step in names]
    return columns(["µs", *map(str, found)], rows, words={"µs"}, markdown=markdown)


@contextmanager
def _on_one_core() -> Iterator[None]:
    if not hasattr(os, "sched_setaffinity"):  # Linux alone
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def measured(place: Place, loading: Loading) -> dict[Question, dict[str, float]]:
    """Give the µs of each step, HTTP and the whole among them. Raises NotAnswered, NoLoad, NotServing."""
    app = create_app(Settings(models=str(place.network.models)))
    by_flask, no_op_route = partial(called, app), partial(called, no_op.server.flask)
    found, beside = dict[Question, dict[str, float]](), dict[Question, dict[str, float]]()
    with _on_one_core():
        for question in QUESTIONS:
            print(f"{question}, in one process", file=sys.stderr)
            found[question] = in_process(app.extensions["predict"].direct, place, question)
            more = _sum(in_process(by_flask, place, question)) - _sum(found[question])
            beside[question] = {BY_FLASK: more, NO_OP: _sum(in_process(no_op_route, place, question))}
    with place.serving(_OURS, workers=1) as server:
        for question, spent in found.items():
            whole = over_http(server, place, question, loading)
            spent |= {HTTP: whole - _sum(spent), WHOLE: whole, **beside[question]}
    return found


def _sum(spent: Mapping[str, float]) -> float:
    return sum(spent.values())


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http.profile", description=__doc__.splitlines()[0])
    parser.add_argument("--largest", action="store_true", help="with the largest network that ships, not 784-100-10")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 second over HTTP instead of 5 of 3")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    arguments = parser.parse_args()
    loading = Loading(2, 1) if arguments.quick else Loading(5, 3)
    pictures = datasets.load("mnist").train.images[: max(question.pictures for question in QUESTIONS)]
    try:
        wrk.check()
        with tempfile.TemporaryDirectory() as folder:
            network = model.make(LARGE if arguments.largest else SMALL, Path(folder), pictures)
            found = measured(Place(Path(folder), {None: sys.executable}, network, pictures), loading)
    except (wrk.NoLoad, NotServing, steps.NotAnswered) as error:
        sys.exit(str(error))
    print(machine.described((sys.executable, LIBRARIES[None])))
    print(f"network {'-'.join(map(str, network.version.metadata.sizes))}; one worker, 16 connections\n")
    print(table(found, markdown=arguments.markdown))


if __name__ == "__main__":
    main()
