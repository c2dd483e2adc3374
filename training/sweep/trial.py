"""One trial: a recipe, trained on the training part and measured on the validation part. The test part is not here."""

import time
from dataclasses import dataclass

from training import run
from training.errors import Diverged
from training.jobs.place import Say
from training.measure import Epoch, Examples
from training.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Parts:
    """What all trials of a sweep are trained on and measured with."""

    train: Examples
    validation: Examples
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried, by its number in the journal."""

    number: int
    recipe: Recipe


@dataclass(frozen=True, slots=True)
class Reached:
    """How good the weights are that a trial keeps, on validation; from which epoch they are, and what it took."""

    accuracy: float
    epoch: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Hopeless:
    """A trial whose numbers were no longer finite."""

    why: str


def attempt(parts: Parts, trial: Trial, say: Say) -> Reached | Hopeless:
    """Train, saying (epoch, validation accuracy) after each epoch.

    On one process, whatever the recipe says: trials side by side make better use of cores than processes that share a
    batch. Raises DataError for examples that cannot be had.
    """

    def on_epoch(epoch: Epoch) -> None:
        say((epoch.number, epoch.validation.accuracy))

    start = time.perf_counter()
    alone = trial.recipe.model_copy(update={"workers": 1})
    try:
        fitted = run.fit(alone, parts.train, parts.validation, parts.classes, on_epoch=on_epoch)
    except Diverged as error:
        return Hopeless(str(error))
    return Reached(fitted.kept.validation.accuracy, fitted.kept.number, time.perf_counter() - start)
