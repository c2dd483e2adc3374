"""The rows of the tables; how they are set out is in benchmarks/columns.py."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from benchmarks.columns import columns
from benchmarks.training.field import Result
from benchmarks.training.goals import ACCURACIES, Run

Row = list[str]
Results = Mapping[str, Mapping[str, Result]]
"""By shape and contestant."""

EPOCHS: Final[Row] = ["network", "contestant", "median s", "least", "most", "× ours", "ready after s", "1st epoch %"]
PROCESSOR: Final[Row] = ["processor s", "its × ours"]
"""Two columns more for those that run on one core in one process: a busy machine changes processor time least."""
RATIOS: Final = ("ratio of medians", "of the least", "of processor time")
GOALS: Final[Row] = [
    "contestant",
    "network",
    "ready after s",
    *(f"s to {a:.0%}" for a in ACCURACIES),
    "epochs",
    "best %",
]
_WORDS: Final = {"network", "contestant"}


def epoch_rows(results: Results, ours: str, *, processor: bool) -> list[Row]:
    """Give the rows of each shape, one a contestant; `ours` is the one that the others are compared with.

    `processor` adds the columns `PROCESSOR`.
    """
    rows = []
    for shape, found in results.items():
        for number, (name, result) in enumerate(found.items()):
            times = result.times
            rows.append(
                [
                    "" if number else shape,
                    name,
                    f"{times.median:.3f}",
                    f"{times.least:.3f}",
                    f"{times.most:.3f}",
                    f"{times.median / found[ours].times.median:.2f}",
                    f"{result.prepare:.2f}",
                    "–" if result.accuracy is None else f"{100 * result.accuracy:.1f}",
                ]
            )
            if processor:
                taken = times.median_processor
                rows[-1] += [f"{taken:.3f}", f"{taken / found[ours].times.median_processor:.2f}"]
    return rows


def ratio_rows(results: Results, above: str, below: str, *, processor: bool) -> list[Row]:
    """Give each shape's row of two contestants' medians, and the ratios of these, of the least, of processor time."""
    rows = []
    for shape, found in results.items():
        a, b = found[above].times, found[below].times
        medians = [f"{a.median:.3f}", f"{b.median:.3f}"]
        pairs = [(a.median, b.median), (a.least, b.least)]
        if processor:
            pairs.append((a.median_processor, b.median_processor))
        rows.append([shape, *medians, *(f"{one / other:.2f}" for one, other in pairs)])
    return rows


def goal_rows(runs: Mapping[str, Sequence[Run]], networks: Mapping[str, str]) -> list[Row]:
    """Give the row of each contestant: medians over its runs; "–" where most of them reach it in no epoch."""
    rows = []
    for name, found in runs.items():
        reached = [float(np.median([run.reached.get(goal, math.inf) for run in found])) for goal in ACCURACIES]
        rows.append(
            [
                name,
                networks[name],
                f"{np.median([run.prepare for run in found]):.2f}",
                *("–" if math.isinf(seconds) else f"{seconds:.2f}" for seconds in reached),
                f"{np.median([run.epochs for run in found]):g}",
                f"{100 * np.median([run.best for run in found]):.2f}",
            ]
        )
    return rows


def table(head: Sequence[str], rows: Sequence[Row], *, markdown: bool) -> str:
    """Set out rows below a head."""
    return columns(head, rows, words=_WORDS, markdown=markdown)
