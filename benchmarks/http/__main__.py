"""How fast the service answers over HTTP, beside the services that people write, and beside its own limits.

`make bench-http` installs the peers in environments of their own and runs this; docs/performance.md says how it is
measured.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks import machine
from benchmarks.http import bare, goals, model, page, table, wrk
from benchmarks.http.contestant import CEILING, LIBRARIES, NO_OP, WORKERS
from benchmarks.http.field import Field, Place, WrongAnswer, growth
from benchmarks.http.question import LARGE, QUESTIONS, SMALL, Question
from benchmarks.http.results import Results
from benchmarks.http.serving import NotFound, NotServing
from training import datasets


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: int
    """Of each run of the load generator."""
    requests: int
    """After which our memory is looked at; and after half of them."""


FULL: Final = Plan(rounds=5, seconds=4, requests=100_000)
QUICK: Final = Plan(rounds=2, seconds=1, requests=100_000)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="2 rounds of 1 second instead of 5 of 4")
    parser.add_argument("--only", metavar="WORD", help="the requests whose name has it, such as raw; no memory")
    parser.add_argument("--rounds", type=int)
    parser.add_argument(
        "--peers",
        metavar="PREFIX",
        help="what the folders of the peers' environments begin with; without it ours and its no-op alone",
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--page", type=Path, help="where to write the page", default=Path("bench-http.html"))
    arguments = parser.parse_args()
    arguments.questions = [q for q in QUESTIONS if not arguments.only or arguments.only in str(q)]
    if not arguments.questions:
        parser.error(f"--only: none of {'; '.join(map(str, QUESTIONS))} has {arguments.only!r} in it")
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds: expected 1 or more")
    return arguments


def _pythons(prefix: str | None) -> dict[str | None, str]:
    """Give the Python of each environment that is to be had."""
    found: dict[str | None, str] = {None: sys.executable}
    return found | {name: f"{prefix}-{name}/bin/python" for name in LIBRARIES if name and prefix}


def _measured(plan: Plan, questions: list[Question], pythons: dict[str | None, str], *, alone: bool) -> Results:
    """Measure everything; `alone`: the memory of ours, too. Raises NoLoad, NotServing, WrongAnswer."""
    results = Results()
    pictures = datasets.load("mnist").train.images[: max(question.pictures for question in questions)]
    with tempfile.TemporaryDirectory() as folder:
        for name in (SMALL, LARGE):
            asked = [question for question in questions if question.network == name]
            place = Place(Path(folder), pythons, model.make(name, Path(folder), pictures), pictures)
            if alone and name == SMALL:
                results.growth = growth(place, plan.requests)
            if asked:
                _ask(results, Field(place, name), asked, plan, standings=name == SMALL)
    return results


def _ask(results: Results, servers: Field, questions: list[Question], plan: Plan, *, standings: bool) -> None:
    with servers as field:
        for question in questions:
            try:
                results.loads[question] = field.measure(question, plan.rounds, plan.seconds)
            except NotFound as error:
                results.left_out[question] = str(error)
        if standings:
            results.standings = field.standings()


def main() -> None:
    """Measure, print the tables, write the page."""
    arguments = _arguments()
    plan = QUICK if arguments.quick else FULL
    plan = replace(plan, rounds=arguments.rounds or plan.rounds)
    pythons = _pythons(arguments.peers)
    try:
        wrk.check()
        results = _measured(plan, arguments.questions, pythons, alone=not arguments.only)
    except (wrk.NoLoad, NotServing, WrongAnswer) as error:
        sys.exit(str(error))
    notes = [
        machine.described(*((python, LIBRARIES[name]) for name, python in pythons.items())) + f", {wrk.version()}",
        f"{WORKERS} worker processes each; medians of {plan.rounds} rounds of {plan.seconds} s, 16 connections where "
        f"no other number is said; a peer is all but {NO_OP!r}, {CEILING!r} and {bare.ALONE!r}, which are limits",
        *(f"{question}: left out. {why}" for question, why in results.left_out.items()),
    ]
    tables = [table.rates(results.loads)]
    if results.standings:
        tables.append(table.servers(results.standings, results.growth))
    tables.append(table.goals(goals.reached(results)))
    print("\n".join(notes))
    for one in tables:
        print(f"\n{one.text(markdown=arguments.markdown)}")
    arguments.page.write_text(page.html(notes, tables, results.loads), encoding="utf-8")
    print(f"\nwritten: {arguments.page}", file=sys.stderr)


if __name__ == "__main__":
    main()
