"""How fast the service answers over HTTP, beside the services that people write, and beside its own limits.

`make bench-http` installs the peers in an environment of their own and runs this; docs/serving-speed.md says how it is
measured.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.columns import columns
from benchmarks.http import bare, model, wrk
from benchmarks.http.contestant import CEILING, IN_OURS, IN_THEIRS, NO_OP, OURS, NotServing, Serving
from benchmarks.http.question import QUESTIONS, Question
from mlp import network
from mlp.arrays import Float, Uint8
from mlp.version import Version
from training import datasets

BARE: Final = "forward pass alone"
HEAD: Final = ["request", "who", "requests/s", "images/s", "p99 ms", "ours is × it"]
_TOLERANCE: Final = 1e-4
_PICTURES: Final = max(question.pictures for question in QUESTIONS)


class WrongAnswer(Exception):
    """A contestant answers with other scores than the network's."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: int
    """Of each run of the load generator."""
    connections: int = 16


def check(server: Serving, question: Question, body: bytes, expected: Float) -> None:
    """Compare an answer with scores (n, c). Raises WrongAnswer, NotServing."""
    answer = server.ask(question.content_type, body)
    if not server.contestant.answers:
        return
    predictions = json.loads(answer)["predictions"]
    scores = np.array([prediction["scores"] for prediction in predictions])
    labels = [int(prediction["label"]) for prediction in predictions]
    if scores.shape != expected.shape or np.abs(scores - expected).max() > _TOLERANCE:
        raise WrongAnswer(f"{server.contestant.name} answers to {question.name!r} with other scores than the network")
    if labels != network.winners(expected).tolist():
        raise WrongAnswer(f"{server.contestant.name} answers to {question.name!r} with other labels than the network")


@dataclass
class Bench:
    """What all rounds need."""

    plan: Plan
    folder: Path
    version: Version
    pictures: Uint8
    servers: Sequence[Serving]

    def measure(self, question: Question) -> dict[str, wrk.Load]:
        """Give each contestant's medians over the rounds, in which they take turns."""
        path = question.write(self.folder, self.pictures)
        asked = self.pictures[: question.pictures]
        expected = self.version.scores(asked)
        for server in self.servers:
            check(server, question, path.read_bytes(), expected)
        found = defaultdict[str, list[wrk.Load]](list)
        for number in range(self.plan.rounds):
            print(f"{question.name}: round {number + 1} of {self.plan.rounds}", file=sys.stderr)
            for server in self.servers:
                found[server.contestant.name].append(self._load(server, question, path))
            if question.pictures > 1:
                rate = bare.rate(self.version, asked, self.plan.seconds)
                found[BARE].append(wrk.Load(rate, float("nan")))
        return {
            name: wrk.Load(statistics.median(x.rate for x in loads), statistics.median(x.p99 for x in loads))
            for name, loads in found.items()
        }

    def _load(self, server: Serving, question: Question, path: Path) -> wrk.Load:
        return wrk.load(
            server.url(question.content_type),
            path,
            question.content_type,
            connections=self.plan.connections,
            seconds=self.plan.seconds,
        )


def rows(question: Question, found: dict[str, wrk.Load]) -> list[list[str]]:
    """Give the table's rows of one question, ours first."""
    ours = found[OURS]
    return [
        [
            question.name if name == OURS else "",
            name,
            f"{load.rate:,.0f}" if load.rate >= 100 else f"{load.rate:,.1f}",
            "" if name == NO_OP else f"{load.rate * question.pictures:,.0f}",
            "–" if np.isnan(load.p99) else f"{load.p99:.1f}",
            "" if name == OURS else f"{ours.rate / load.rate:.2f}",
        ]
        for name, load in found.items()
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1 second instead of 5 of 4")
    parser.add_argument("--only", metavar="WORD", help="the requests whose name has it, such as raw")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--connections", type=int, default=16, help="kept alive at a time [16]")
    parser.add_argument(
        "--peers", metavar="PYTHON", help="of the peers' environment; without it ours and its no-op alone"
    )
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    arguments = parser.parse_args()
    arguments.questions = [q for q in QUESTIONS if not arguments.only or arguments.only in q.name]
    if not arguments.questions:
        parser.error(f"--only: none of {', '.join(q.name for q in QUESTIONS)} has {arguments.only!r} in it")
    if arguments.connections < 1 or (arguments.rounds is not None and arguments.rounds < 1):
        parser.error("--rounds and --connections: expected 1 or more")
    return arguments


def main() -> None:
    """Measure, and print the table."""
    arguments = _arguments()
    plan = Plan(3, 1, arguments.connections) if arguments.quick else Plan(5, 4, arguments.connections)
    plan = Plan(arguments.rounds or plan.rounds, plan.seconds, plan.connections)
    try:
        wrk.check()
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            pictures = datasets.load("mnist").train.images[:_PICTURES]
            version = model.make(folder, pictures)
            environment = {
                "MLP_MODELS": str(folder / "models"),
                "MLP_LOG_LEVEL": "warning",  # none of the peers logs its requests
                "BENCH_WEIGHTS": str(folder / "weights.npz"),
            }
            whom = [(contestant, sys.executable) for contestant in IN_OURS]
            whom += [(contestant, arguments.peers) for contestant in IN_THEIRS if arguments.peers]
            servers = [
                stack.enter_context(Serving(contestant, python, environment, folder / f"{number}.log"))
                for number, (contestant, python) in enumerate(whom)
            ]
            bench = Bench(plan, folder, version, pictures, servers)
            table = [row for question in arguments.questions for row in rows(question, bench.measure(question))]
    except (wrk.NoLoad, NotServing, WrongAnswer) as error:
        sys.exit(str(error))
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores, {plan.connections} connections; medians of {plan.rounds} rounds of {plan.seconds} s")
    print(f"a peer: all but {NO_OP!r}, {CEILING!r} and {BARE!r}, which are limits\n")
    print(columns(HEAD, table, words={"request", "who"}, markdown=arguments.markdown))


if __name__ == "__main__":
    main()
