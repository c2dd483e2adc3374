"""Dividing examples into parts of exact sizes, each class in proportion; the order within a part is random."""

from collections.abc import Sequence

import numpy as np

from mlp.arrays import Ints
from training.errors import DataError


def stratified(labels: Ints, sizes: Sequence[int], rng: np.random.Generator) -> list[Ints]:
    """Give for each size that many indices into `labels`, shuffled, no index twice.

    labels is (n,). With n_c examples of class c, a part of size s has s·n_c/n of them, rounded up or down: never 1 or
    more away where that is a fraction, never more than 1 where it is whole. The sizes may sum to less than n. The same
    generator state gives the same parts.

    Raises DataError when there are no examples, the sizes sum to more than n, or a class has fewer examples than there
    are parts to fill.
    """
    _, class_of, totals = np.unique(labels, return_inverse=True, return_counts=True)
    _check(labels, totals, sizes)
    counts = _counts(totals, [*sizes, len(labels) - sum(sizes)])  # (parts + 1, classes)

    order = rng.permutation(len(labels))
    by_class = order[np.argsort(class_of[order], kind="stable")]
    # Where each part of each class ends, along by_class: class after class, part after part.
    pieces = np.split(by_class, np.cumsum(counts.T.ravel())[:-1])
    return [rng.permutation(np.concatenate(pieces[part :: len(counts)])) for part in range(len(sizes))]


def _check(labels: Ints, totals: Ints, sizes: Sequence[int]) -> None:
    if len(labels) == 0 or min(sizes, default=0) < 0 or sum(sizes) > len(labels):
        raise DataError(
            f"parts of {', '.join(map(str, sizes))} examples were asked for, and there are {len(labels)} in all"
        )
    parts = sum(size > 0 for size in sizes)
    if parts and totals.min() < parts:
        raise DataError(
            f"the class of index {np.unique(labels)[totals.argmin()]} has {totals.min()} of the examples, expected "
            f"{parts} or more: one for each part"
        )


def _counts(totals: Ints, sizes: Sequence[int]) -> Ints:
    """Round the table of shares, sizes ⊗ totals / n, so that rows still sum to sizes and columns to totals.

    What rounding down leaves over goes out row by row: to the columns that still miss most, which always leaves a
    solution for the next rows (Gale 1957, Ryser 1957), and among these to the largest remainders.
    """
    counts, remainders = np.divmod(np.outer(sizes, totals), sum(sizes))  # (parts, classes)
    missing = totals - counts.sum(axis=0)
    for row, (count, remainder) in enumerate(zip(counts, remainders, strict=True)):
        most = np.lexsort((-remainder, -missing))[: sizes[row] - count.sum()]
        count[most] += 1
        missing[most] -= 1
    return counts
