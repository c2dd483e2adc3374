"""Counting answers, and the tables of the counts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.accuracy.corruptions import CORRUPTIONS
from benchmarks.accuracy.encoded import Picture
from benchmarks.accuracy.kinds import Kind
from benchmarks.accuracy.service import Answer
from benchmarks.columns import columns
from mlp.arrays import Float
from mlp.components import Bools
from training.page.calibration import reliability
from training.page.out_of_distribution import auroc

Row = list[str]

DIGITS: Final[Row] = ["kind", "pictures", "right", "%", "refused", "most often wrong"]
CORRUPTED: Final[Row] = ["corruption", "1", "2", "3", "4", "5", "strengths 1 … 5"]
NOTHING: Final[Row] = ["no digit", "pictures", "refused", "median conf.", "> 0.5", "> 0.9", "AUROC"]
WRITERS: Final[Row] = ["writer", "right", "of", "%"]
_WORDS: Final = {"kind", "most often wrong", "corruption", "strengths 1 … 5", "no digit", "writer"}
"""Columns that are aligned to the left; numbers are to the right."""


@dataclass(frozen=True, slots=True)
class Result:
    """A kind's pictures with the answers to them, at least one."""

    kind: Kind
    pictures: list[Picture]
    answers: list[Answer]

    @property
    def right(self) -> Bools:
        """Whether each was read right, shape (n,); refused is not."""
        pairs = zip(self.pictures, self.answers, strict=True)
        return np.array([picture.label == answer.label for picture, answer in pairs])

    @property
    def confidence(self) -> Float:
        """Of each answer, shape (n,); 0 where the picture is refused."""
        return np.array([answer.confidence for answer in self.answers])

    @property
    def refused(self) -> Bools:
        """Whether each was refused, shape (n,)."""
        return np.array([answer.label == "" for answer in self.answers])

    def commonest_mistakes(self) -> str:
        """Name the two ways of reading a digit wrong that are most frequent, as "1 as 7: 5"."""
        pairs = [(p.label, a.label) for p, a in zip(self.pictures, self.answers, strict=True) if p.label != a.label]
        frequent = Counter(f"{label} as {read}" if read else f"{label} refused" for label, read in pairs).most_common(2)
        return ", ".join(f"{mistake}: {times}" for mistake, times in frequent)


def digit_rows(results: Sequence[Result]) -> list[Row]:
    """Give the row of each kind of digits but corruptions."""
    return [
        [
            r.kind.name,
            f"{len(r.right)}",
            f"{r.right.sum()}",
            f"{100 * r.right.mean():.2f}",
            f"{r.refused.sum()}",
            r.commonest_mistakes(),
        ]
        for r in results
        if r.kind.section not in ("corruptions", "nothing")
    ]


def corruption_rows(results: Sequence[Result]) -> list[Row]:
    """Give the row of each corruption, in per cent right, and of the mean of all; nothing where there is none."""
    share = {(r.kind.name, r.kind.strength): 100 * r.right.mean() for r in results if r.kind.section == "corruptions"}
    rows = []
    for name, corruption in CORRUPTIONS.items():
        if (name, 1) in share:
            unit = f"{corruption.unit}: {', '.join(f'{strength:g}' for strength in corruption.strengths)}"
            rows.append([name, *(f"{share[name, strength]:.1f}" for strength in range(1, 6)), unit])
    if rows:
        means = [np.mean([share[row[0], strength] for row in rows]) for strength in range(1, 6)]
        rows.append(["mean", *(f"{mean:.1f}" for mean in means), f"all: {np.mean(means):.2f}"])
    return rows


def nothing_rows(results: Sequence[Result]) -> list[Row]:
    """Give the row of each kind without digits.

    AUROC is the chance that a picture of MNIST gets more confidence than one of these; refused ones count as 0.
    """
    digits = [r.confidence for r in results if r.kind.section == "mnist"]
    rows = []
    for r in results:
        if r.kind.section == "nothing":
            given = r.confidence[~r.refused]
            median = f"{np.median(given):.3f}" if len(given) else "–"
            shares = [f"{100 * np.mean(r.confidence > limit):.1f} %" for limit in (0.5, 0.9)]
            area = f"{auroc(digits[0], r.confidence):.4f}" if digits else "–"
            rows.append([r.kind.name, f"{len(r.right)}", f"{r.refused.sum()}", median, *shares, area])
    return rows


def calibration_error(result: Result) -> float:
    """Give the expected calibration error of the answers, from 0 to 1."""
    return reliability(result.confidence, result.right).error


def table(head: Row, rows: Sequence[Row], *, markdown: bool) -> str:
    """Set out rows below a head, aligned."""
    return columns(head, rows, words=_WORDS, markdown=markdown)
