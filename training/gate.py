"""A new version beside the one in production, on the test set and on corrections, and whether it may take its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mlp.aliases import PRODUCTION
from mlp.arrays import Ints
from mlp.components import Bools
from mlp.errors import VersionFileError, VersionNotFound
from mlp.network import winners
from mlp.store import Store
from mlp.version import Version
from training.errors import FeedbackError
from training.feedback import Feedback
from training.measure import Examples

MAX_FALL: Final = 0.1
"""Points that the accuracy on the test set may fall: what retraining moves it by when nothing is the matter."""

_LONGEST_LINE: Final = 1000
"""Versions that are looked at, each the start of the next; more is a circle that a hand-made store may have."""


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """The answers of two versions to the same examples, none or more."""

    what: str
    examples: Examples
    old: Ints
    """Index of the class that the old version answers, shape (n,)."""
    new: Ints

    @property
    def old_right(self) -> Bools:
        """Whether the old version is right, shape (n,)."""
        return self.old == self.examples.labels

    @property
    def new_right(self) -> Bools:
        """Whether the new version is right, shape (n,)."""
        return self.new == self.examples.labels

    @property
    def gained(self) -> int:
        """Count the examples that only the new version reads right."""
        return int((self.new_right & ~self.old_right).sum())

    @property
    def lost(self) -> int:
        """Count the examples that only the old version reads right."""
        return int((self.old_right & ~self.new_right).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """All that is measured of an old and a new version."""

    old: int
    """The number of the version in production."""
    new: int
    test: Beside
    held_out: Beside
    trained: Beside
    best: float
    """The highest test accuracy on record of the old version and of those that it has come from, one from the other; 0
    where it was trained on another data set."""

    def rows(self) -> Iterator[Beside]:
        """Give what there is to be shown, the parts without examples left out."""
        return (part for part in (self.test, self.held_out, self.trained) if len(part.examples))


def compare(store: Store, old: Version, new: Version, test: Examples, feedback: Feedback) -> Comparison:
    """Let both versions answer the test set and the corrections."""
    both = old, new

    def beside(what: str, examples: Examples) -> Beside:
        answers = (winners(version.scores(examples.pixels)) if len(examples) else examples.labels for version in both)
        return Beside(what, examples, *answers)

    return Comparison(
        old.metadata.version,
        new.metadata.version,
        beside("test set", test),
        beside("corrections held out", feedback.held_out),
        beside("corrections trained on", feedback.train),
        _best(store, old) if old.metadata.dataset == new.metadata.dataset else 0.0,
    )


def check(old: Version, data_classes: tuple[str, ...], shape: tuple[int, int]) -> None:
    """Raise FeedbackError where nothing could be compared with the version in production, before the training."""
    spec = old.metadata.input
    if old.metadata.labels != data_classes or (spec.height, spec.width) != shape:
        raise FeedbackError(
            f"version {old.metadata.version} in {PRODUCTION} has other classes or pictures of another size, so it "
            "cannot be compared with what learns from corrections: promote a version of this kind first"
        )


def objections(found: Comparison, max_fall: float = MAX_FALL, *, by_trained: bool = False) -> list[str]:
    """Give what speaks against putting the new version in production, a sentence each; nothing means: it may.

    On the test set at most `max_fall` points may be lost, against the old version and against the best that it has come
    from. On held-out corrections nothing may be lost; with `by_trained`, and none held out, on those trained on.
    """
    said = []
    test = found.test
    n, right = len(test.examples), int(test.new_right.sum())
    before = max(int(test.old_right.sum()), round(found.best * n))
    allowed = int(n * max_fall / 100 + 1e-9)
    if before - right > allowed:
        said.append(
            f"on the test set {right:,} of {n:,} are right, {before - right} fewer than before; "
            f"{allowed} fewer are allowed (--max-fall {max_fall:g})"
        )
    judge = found.held_out if len(found.held_out.examples) or not by_trained else found.trained
    if judge.new_right.sum() < judge.old_right.sum():
        said.append(
            f"on the {judge.what} {judge.new_right.sum()} of {len(judge.examples)} are right, before it were "
            f"{judge.old_right.sum()}"
        )
    return said


def _best(store: Store, version: Version) -> float:
    """Follow a version to what it has come from, as far as that is in the store; give the best test accuracy."""
    metadata, best = version.metadata, 0.0
    for _ in range(_LONGEST_LINE):
        best = max(best, metadata.metrics.get("accuracy", 0.0))
        start = metadata.recipe.get("start")
        if not isinstance(start, str) or not start.isdecimal():
            break
        try:
            earlier = store.metadata(metadata.name, int(start))
        except (VersionNotFound, VersionFileError):  # deleted: its record has gone with it
            break
        if earlier.dataset != metadata.dataset:
            break
        metadata = earlier
    return best
