"""The tables' heads and rows; how they are set out is in benchmarks/columns.py."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.columns import columns
from benchmarks.http.contestant import NO_OP, OURS
from benchmarks.http.goals import Goal
from benchmarks.http.question import Question
from benchmarks.http.results import Growth, Loads, Standing

Row = list[str]

_WORDS: Final = {"request", "who", "goal", "reached?"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table, in text or for the page."""

    title: str
    head: Row
    rows: Sequence[Row]

    def text(self, *, markdown: bool) -> str:
        """Set it out."""
        return f"{self.title}\n\n{columns(self.head, self.rows, words=_WORDS, markdown=markdown)}"

    def is_word(self, column: int) -> bool:
        """Whether a column has words, and no numbers."""
        return self.head[column] in _WORDS


def rates(loads: dict[Question, Loads]) -> Table:
    """Give what each server answered to each question, ours first."""
    head = ["request", "who", "requests/s", "images/s", "p99 ms", "ours is × it"]
    return Table("Requests", head, [row for question, found in loads.items() for row in _of(question, found)])


def _of(question: Question, found: Loads) -> list[Row]:
    ours = found[OURS]
    return [
        [
            f"{question}" if name == OURS else "",
            name,
            f"{load.rate:,.0f}" if load.rate >= 100 else f"{load.rate:,.1f}",
            "" if name == NO_OP else f"{load.rate * question.pictures:,.0f}",
            "–" if math.isnan(load.p99) else f"{load.p99:.1f}",
            "" if name == OURS else f"{ours.rate / load.rate:.2f}",
        ]
        for name, load in found.items()
    ]


def servers(standings: Sequence[Standing], growth: Growth | None) -> Table:
    """Give the servers' start and memory, and ours after requests of one kind."""
    rows = [[s.name, "all rows", f"{s.start_seconds:.2f}", f"{s.memory:.0f}"] for s in standings]
    if growth:
        start = f"{growth.start_seconds:.2f}"
        rows += [[f"{OURS}, alone", f"{n:,}", start, f"{mib:.0f}"] for n, mib in growth.memory.items()]
    return Table("Servers", ["who", "after requests", "first answer after s", "MiB of all processes"], rows)


def goals(found: Sequence[Goal]) -> Table:
    """Give the goals beside what was reached."""
    rows = [
        [
            goal.what,
            f"{'≥' if goal.at_least else '≤'} {goal.wanted:g}",
            f"{goal.reached:.2f}",
            "yes" if goal.is_reached else "no",
        ]
        for goal in found
    ]
    return Table("Goals", ["goal", "wanted", "measured", "reached?"], rows)
