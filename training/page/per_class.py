"""How each class fares, from the confusion matrix (c, c): row the true class, column the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mlp.arrays import Ints


@dataclass(frozen=True, slots=True)
class ClassMeasure:
    """One class; a share that nothing can be said of, for want of examples or answers, is None."""

    label: str
    examples: int
    precision: float | None
    """Share of the answers that name the class which are right."""
    recall: float | None
    """Share of the class's examples that are answered rightly."""
    f1: float | None
    """2 · right / (examples + answers), the harmonic mean of the two."""
    taken_for: str
    """The other classes that its examples are most often taken for, with their counts."""


def per_class(confusion: Ints, labels: Sequence[str]) -> list[ClassMeasure]:
    """Measure each of the c classes, in their order."""
    right, examples, answered = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return [
        ClassMeasure(
            label,
            int(examples[index]),
            _share(right[index], answered[index]),
            _share(right[index], examples[index]),
            _share(2 * right[index], examples[index] + answered[index]),
            _taken_for(confusion[index], index, labels),
        )
        for index, label in enumerate(labels)
    ]


def most_confused(confusion: Ints, most: int) -> Ints:
    """Give the indices, rising, of the at most `most` classes that have part in most mistakes."""
    wrong = confusion - np.diag(np.diag(confusion))
    mistakes = wrong.sum(axis=0) + wrong.sum(axis=1)  # (c,)
    return np.sort(np.argsort(-mistakes, kind="stable")[:most])


def _share(part: int, of: int) -> float | None:
    return float(part / of) if of else None


def _taken_for(row: Ints, index: int, labels: Sequence[str]) -> str:
    others = [int(other) for other in np.argsort(-row, kind="stable")[:4] if other != index and row[other]]
    return ", ".join(f"{labels[other]} ({row[other]}×)" for other in others[:3])
